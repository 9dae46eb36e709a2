//! Names of files and content folders: `患者ID_診療日_データ種別_オーダNo_発生日時_診療科コード_コンディションフラグ`.
//!
//! Read from both ends, because published samples leave the department out, cut the time to 15 digits and put 13 into the order's number.
//! Names are bytes: what is not UTF-8 is CP932, as old NAS mounts write it.

use std::ffi::OsStr;

use jiff::civil::Date;

/// Longest name taken.
const MAX_NAME_BYTES: usize = 512;

/// コンディションフラグ
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// 0: deleted.
    Deleted,
    /// 1: as it is now.
    Current,
    /// 2: replaced by a later one.
    Superseded,
}

/// A name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// 患者ID
    pub patient: String,
    /// 診療日; `None` for `-`.
    pub on: Option<Date>,
    /// データ種別
    pub kind: String,
    /// オーダNo or 特定キー
    pub number: String,
    /// 発生日時, 14 to 17 digits.
    pub occurred: String,
    /// 診療科コード, empty for `-` and where it is missing.
    pub department: String,
    /// コンディションフラグ
    pub flag: Flag,
}

impl Name {
    /// Takes a name apart; `None` when it is none.
    #[must_use]
    pub fn read(name: &OsStr) -> Option<Self> {
        let text = text(name)?;
        let parts: Vec<&str> = text.split('_').collect();
        let (front, back) = parts.split_at_checked(3)?;
        let [patient, on, kind] = front else { return None };
        let (flag, back) = back.split_last()?;
        let flag = match *flag {
            "0" => Flag::Deleted,
            "1" => Flag::Current,
            "2" => Flag::Superseded,
            _ => return None,
        };
        let is_time = |part: &str| (14..=17).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        // The department may be missing; a department is never 14 digits long.
        let (last, before) = back.split_last()?;
        let (department, occurred, number) = match before.split_last() {
            Some((occurred, number)) if is_time(occurred) && !is_time(last) => (*last, *occurred, number),
            _ if is_time(last) => ("", *last, before),
            // `…_発生日時_発生日時のような科_1`: the nearer to the order's number is the time.
            Some((occurred, number)) if is_time(occurred) => (*last, *occurred, number),
            _ => return None,
        };
        let on = match *on {
            "-" => None,
            day if day.len() == 8 => Some(crate::sources::hl7v2::When::read(day)?.on),
            _ => return None,
        };
        let number = number.join("_");
        if patient.is_empty() || kind.is_empty() || number.is_empty() {
            return None;
        }
        Some(Self {
            patient: (*patient).to_owned(),
            on,
            kind: (*kind).to_owned(),
            number,
            occurred: occurred.to_owned(),
            department: department.trim_matches('-').to_owned(),
            flag,
        })
    }

    /// 発生日時 as a moment.
    #[must_use]
    pub fn moment(&self) -> Option<chart::Moment> {
        crate::sources::hl7v2::millis(&self.occurred).map(|millis| chart::Moment(millis.div_euclid(1000)))
    }
}

/// A name as text: UTF-8, else CP932; `None` when it is neither, or too long.
#[must_use]
pub fn text(name: &OsStr) -> Option<String> {
    let bytes = name.as_encoded_bytes();
    if bytes.len() > MAX_NAME_BYTES {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text.to_owned()),
        Err(_) => {
            let (text, bad) = encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes);
            (!bad).then(|| text.into_owned())
        }
    }
}

/// データ種別フォルダ of the extended storage: the standard's name, else the hospital's own, and the codes.
#[must_use]
pub fn document(folder: &str) -> (String, String) {
    let parts: Vec<&str> = folder.split('^').map(str::trim).collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or("");
    let name = [part(4), part(1), folder]
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or("");
    let code = [part(3), part(0)]
        .into_iter()
        .find(|code| !code.is_empty())
        .unwrap_or("");
    (name.to_owned(), code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn read(name: &str) -> Option<Name> {
        Name::read(OsStr::new(name))
    }

    #[test]
    fn the_seven_parts() {
        let name = read("0001234567_20261120_OMP-01_000000000012345_20261120091005333_01_1").unwrap();
        assert_eq!(name.on, Some(date(2026, 11, 20)));
        assert_eq!(
            (name.kind.as_str(), name.number.as_str()),
            ("OMP-01", "000000000012345")
        );
        assert_eq!((name.department.as_str(), name.flag), ("01", Flag::Current));
        let undated = read("0001234567_-_ADT-00_999999999999999_20261120093015120_-_2").unwrap();
        assert_eq!(
            (undated.on, undated.department.as_str(), undated.flag),
            (None, "", Flag::Superseded)
        );
        assert_eq!(
            undated.moment().unwrap(),
            chart::Moment::from_local(date(2026, 11, 20).at(9, 30, 15, 0))
        );
    }

    #[test]
    fn what_published_samples_leave_out() {
        let six = read("0001234567_20160101_L-OBSERVATIONS_000000020160101_201601011500321_1").unwrap();
        assert_eq!((six.department.as_str(), six.number.as_str()), ("", "000000020160101"));
        assert_eq!(six.occurred, "201601011500321");
        let short = read("1_20261120_OMG-11_1234567890123_20261120091005_301_0").unwrap();
        assert_eq!(
            (short.number.as_str(), short.department.as_str()),
            ("1234567890123", "301")
        );
        for bad in [
            "",
            "a",
            "1_2_3",
            "1_20261320_OMD_1_20261120091005_-_1",
            "1_-_OMD_1_2026_-_1",
            "1_-_OMD_1_20261120091005_-_3",
            "._-_OMD__20261120091005_-_1",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_are_bytes() {
        use std::os::unix::ffi::OsStrExt;
        assert_eq!(text(OsStr::from_bytes(b"^\x91\xDE\x89\x40^")).unwrap(), "^退院^");
        assert_eq!(text(OsStr::from_bytes(b"\xFF\xFF\x00")), None);
        assert_eq!(
            document("^退院サマリ^^18842-5^退院時サマリー^LN"),
            ("退院時サマリー".to_owned(), "18842-5".to_owned())
        );
        assert_eq!(document("L-OBSERVATIONS^OBSERVATIONS^99ZL01").1, "L-OBSERVATIONS");
    }
}
