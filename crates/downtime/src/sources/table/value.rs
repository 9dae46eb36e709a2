//! Texts become values: times, dates beyond the usual ways, yes and no, the closed lists of words, reference ranges.
//!
//! Nothing is guessed: what cannot be read exactly is refused and the caller says so and keeps the words.

use chart::date::DateFault;
use chart::medication::Route;
use chart::note::SectionKind;
use chart::result::Flag;
use chart::{Moment, Sex, allergy::AllergyKind, id::half_width_text};
use jiff::civil::{Date, Time};

use super::spec::{DateForm, RangeForm};

/// State of a row of an allergy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllergyState {
    /// あり: the row names something.
    Present,
    /// なし: a person confirmed that there is nothing.
    ConfirmedNone,
    /// 未確認: nobody asked.
    NotRecorded,
    /// 参照不可: the EHR could not read it itself.
    Unavailable,
}

impl AllergyState {
    /// あり なし 未確認 参照不可
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "あり",
            Self::ConfirmedNone => "なし",
            Self::NotRecorded => "未確認",
            Self::Unavailable => "参照不可",
        }
    }
}

/// Reads a date in the column's own form.
///
/// # Errors
/// [`DateFault`] says in which way the text fails.
pub fn date(text: &str, form: DateForm) -> Result<Date, DateFault> {
    if matches!(form, DateForm::Auto | DateForm::Western)
        && let Some(date) = plain_date(text.trim())
    {
        return date.ok_or(DateFault::Impossible);
    }
    let folded = half_width_text(text);
    let text = folded.trim();
    match form {
        DateForm::Auto => chart::date::parse(first_eight(text)),
        DateForm::Era7 => era7(text),
        DateForm::Western | DateForm::Wareki => {
            let era = text.chars().next().is_some_and(|c| !c.is_ascii_digit());
            if !text.is_empty() && era != (form == DateForm::Wareki) {
                return Err(DateFault::Unreadable);
            }
            chart::date::parse(first_eight(text))
        }
    }
}

/// 2026-09-18, 2026/9/18 and 20260918, alone or before a time: the ways nearly every row is written. `None`: another way.
fn plain_date(text: &str) -> Option<Option<Date>> {
    let bytes = text.as_bytes();
    let year = number(bytes.get(..4)?)?;
    if matches!(bytes.len(), 8 | 12 | 14) && bytes.iter().all(u8::is_ascii_digit) {
        return Some(civil(year, number(bytes.get(4..6)?)?, number(bytes.get(6..8)?)?));
    }
    let mark = *bytes.get(4)?;
    if mark != b'/' && mark != b'-' {
        return None;
    }
    let rest = bytes.get(5..)?;
    let month_end = rest.iter().position(|b| *b == mark).filter(|at| (1..=2).contains(at))?;
    let month = number(rest.get(..month_end)?)?;
    let rest = rest.get(month_end + 1..)?;
    let day_end = rest.iter().position(|b| *b == b' ' || *b == b'T').unwrap_or(rest.len());
    if !(1..=2).contains(&day_end) {
        return None;
    }
    Some(civil(year, month, number(rest.get(..day_end)?)?))
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0_i16, |sum, b| {
        b.is_ascii_digit().then(|| sum * 10 + i16::from(*b - b'0'))
    })
}

fn civil(year: i16, month: i16, day: i16) -> Option<Date> {
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// A time stamp of 12 or 14 digits begins with its day.
fn first_eight(text: &str) -> &str {
    if matches!(text.len(), 12 | 14) && text.bytes().all(|b| b.is_ascii_digit()) {
        text.get(..8).unwrap_or(text)
    } else {
        text
    }
}

fn era7(text: &str) -> Result<Date, DateFault> {
    if text.is_empty() {
        return Err(DateFault::Empty);
    }
    if text.len() != 7 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(DateFault::Unreadable);
    }
    let (era, rest) = text.split_at(1);
    let letter = match era {
        "1" => 'M',
        "2" => 'T',
        "3" => 'S',
        "4" => 'H',
        "5" => 'R',
        _ => return Err(DateFault::WrongEra),
    };
    chart::date::parse(&format!("{letter}{rest}"))
}

/// Reads a time of day: `9:30`, `09:30:00`, `0930`, `9時30分`, or the time inside a time stamp.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    if let Some(time) = plain_time(text.as_bytes()) {
        return Some(time);
    }
    let folded = half_width_text(text.trim());
    let text = folded.trim();
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let text = match text.len() {
        12 | 14 if digits => text.get(8..)?,
        _ => text.rsplit([' ', 'T']).next()?,
    };
    if text.bytes().all(|b| b.is_ascii_digit()) {
        let (hour, minute) = match text.len() {
            3 => (text.get(..1)?, text.get(1..3)?),
            4 | 6 => (text.get(..2)?, text.get(2..4)?),
            _ => return None,
        };
        return Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok();
    }
    let mut parts = text.split([':', '時', '分']);
    let hour: i8 = parts.next()?.parse().ok()?;
    let minute: i8 = match parts.next()? {
        "" => 0,
        minute => minute.parse().ok()?,
    };
    let second_fits = parts.all(|s| s.is_empty() || s.parse::<f32>().is_ok_and(|s| (0.0..60.0).contains(&s)));
    second_fits.then(|| Time::new(hour, minute, 0, 0).ok()).flatten()
}

/// 9:30 and 09:30 alone: the ways nearly every row is written. `None`: another way, or no time.
fn plain_time(text: &[u8]) -> Option<Time> {
    let (hour, minute) = match text {
        [hour, b':', minute @ ..] => (std::slice::from_ref(hour), minute),
        [hour @ .., b':', _, _] if hour.len() == 2 => (hour, text.get(3..)?),
        _ => return None,
    };
    if minute.len() != 2 {
        return None;
    }
    let part = |digits| i8::try_from(number(digits)?).ok();
    Time::new(part(hour)?, part(minute)?, 0, 0).ok()
}

/// Reads a wall-clock moment: a date with a time, or a date alone (its midnight).
#[must_use]
pub fn moment(text: &str) -> Option<Moment> {
    let day = date(text, DateForm::Auto).ok()?;
    let at = time(text).unwrap_or(Time::MIN);
    Some(Moment::from_local(day.to_datetime(at)))
}

/// Reads yes or no; an empty text is no.
#[must_use]
pub fn truth(text: &str) -> Option<bool> {
    Some(match half_width_text(text.trim()).as_ref() {
        "1" | "true" | "TRUE" | "Y" | "y" | "T" | "○" | "〇" | "◯" | "●" | "レ" | "✓" | "はい" | "有" | "あり"
        | "有り" => true,
        "" | "0" | "false" | "FALSE" | "N" | "n" | "F" | "×" | "いいえ" | "無" | "なし" | "無し" => false,
        _ => return None,
    })
}

/// Reads 男 女 その他 不明 and M F O U. Numbers mean different things in different hospitals and need a code table.
#[must_use]
pub fn sex(text: &str) -> Option<Sex> {
    Some(match half_width_text(text.trim()).as_ref() {
        "M" | "m" | "男" | "男性" | "おとこ" => Sex::Male,
        "F" | "f" | "女" | "女性" | "おんな" => Sex::Female,
        "O" | "o" | "その他" | "他" => Sex::Other,
        "U" | "u" | "不明" | "未登録" | "" => Sex::Unknown,
        _ => return None,
    })
}

/// Reads the language a patient reads besides Japanese: 英語, en, en-US, ベトナム語. Japanese and nothing are `Some(None)`.
#[must_use]
#[allow(clippy::option_option, reason = "no language and no understanding are two things")]
pub fn language(text: &str) -> Option<Option<chart::Language>> {
    chart::Language::from_word(text)
}

/// Reads 内服 頓服 外用 注射 その他.
#[must_use]
pub fn route(text: &str) -> Option<Route> {
    Some(match text.trim() {
        "内服" | "内用" | "内服薬" => Route::Oral,
        "頓服" | "頓用" | "頓服薬" => Route::AsNeeded,
        "外用" | "外用薬" => Route::External,
        "注射" | "自己注射" | "注射薬" => Route::Injection,
        "その他" | "材料" | "器材" => Route::Other,
        _ => return None,
    })
}

/// Reads 薬剤 食物 造影剤 その他 禁忌.
#[must_use]
pub fn allergy_kind(text: &str) -> Option<AllergyKind> {
    Some(match text.trim() {
        "薬剤" | "薬" | "薬物" | "医薬品" | "薬剤アレルギー" => AllergyKind::Drug,
        "食物" | "食品" | "食べ物" | "食物アレルギー" => AllergyKind::Food,
        "造影剤" => AllergyKind::Contrast,
        "その他" | "ラテックス" | "環境" | "金属" | "" => AllergyKind::Other,
        "禁忌" => AllergyKind::Contraindication,
        _ => return None,
    })
}

/// Reads あり なし 未確認 参照不可.
#[must_use]
pub fn allergy_state(text: &str) -> Option<AllergyState> {
    Some(match text.trim() {
        "あり" | "有" | "有り" | "present" => AllergyState::Present,
        "なし" | "無" | "無し" | "none" => AllergyState::ConfirmedNone,
        "未確認" | "未登録" | "未聴取" | "不明" | "not_recorded" => AllergyState::NotRecorded,
        "参照不可" | "取得不可" | "取得できず" | "unavailable" => AllergyState::Unavailable,
        _ => return None,
    })
}

/// Reads a laboratory flag; `N` and empty mean none.
#[must_use]
pub fn flag(text: &str) -> Option<Option<Flag>> {
    Some(match half_width_text(text.trim()).as_ref() {
        "" | "N" | "n" | "正常" | "-" => None,
        "H" | "h" | "高" | "↑" => Some(Flag::High),
        "L" | "l" | "低" | "↓" => Some(Flag::Low),
        "HH" | "LL" | "緊急" | "緊急値" | "P" => Some(Flag::Critical),
        "A" | "a" | "異常" | "*" => Some(Flag::Abnormal),
        _ => return None,
    })
}

/// Words an open reference range: `-0.14` → 0.14以下, `60-` → 60以上. Anything else stays as reported.
#[must_use]
pub fn reference(text: &str, form: Option<RangeForm>) -> String {
    let marks: &[char] = match form {
        None => return text.to_owned(),
        Some(RangeForm::Dash) => &['-', '－'],
        Some(RangeForm::Tilde) => &['~', '〜', '～'],
    };
    let is_number = |s: &str| s.trim().parse::<f64>().is_ok() && !s.trim().starts_with(['-', '+']);
    if let Some(high) = text.strip_prefix(marks).filter(|s| is_number(s)) {
        return format!("{}以下", high.trim());
    }
    if let Some(low) = text.strip_suffix(marks).filter(|s| is_number(s)) {
        return format!("{}以上", low.trim());
    }
    text.to_owned()
}

/// A reference range from its two columns; a word in the lower column ((-), 陰性) stands alone.
#[must_use]
pub fn reference_of(low: &str, high: &str) -> String {
    match (low.is_empty(), high.is_empty()) {
        (true, true) => String::new(),
        (false, false) => [low, "-", high].concat(),
        (true, false) if high.parse::<f64>().is_ok() => format!("{high}以下"),
        (false, true) if low.parse::<f64>().is_ok() => format!("{low}以上"),
        (true, false) => high.to_owned(),
        (false, true) => low.to_owned(),
    }
}

/// The kind of a section by its field name.
#[must_use]
pub const fn section(index: usize) -> SectionKind {
    match index {
        0 => SectionKind::Subjective,
        1 => SectionKind::Objective,
        2 => SectionKind::Assessment,
        3 => SectionKind::Plan,
        _ => SectionKind::Free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date as day, time as clock};

    #[test]
    fn dates_in_the_form_of_their_column() {
        let d = day(1951, 5, 12);
        for text in [
            "1951/5/12",
            "1951-05-12",
            "19510512",
            "1951/5/12 9:30",
            "195105120930",
            "１９５１／５／１２",
        ] {
            assert_eq!(date(text, DateForm::Western), Ok(d), "{text}");
            assert_eq!(date(text, DateForm::Wareki), Err(DateFault::Unreadable), "{text}");
        }
        assert_eq!(date("S26.5.12", DateForm::Wareki), Ok(d));
        assert_eq!(date("S26.5.12", DateForm::Western), Err(DateFault::Unreadable));
        assert_eq!(date("3260512", DateForm::Era7), Ok(d));
        assert_eq!(date("9260512", DateForm::Era7), Err(DateFault::WrongEra));
        assert_eq!(date("1951/2/30", DateForm::Auto), Err(DateFault::Impossible));
        assert_eq!(date("20261345", DateForm::Auto), Err(DateFault::Impossible));
        assert_eq!(date("51/5/12", DateForm::Auto), Err(DateFault::BareYear));
        assert_eq!(date("1951/5", DateForm::Auto), Err(DateFault::Unreadable));
        assert_eq!(date("", DateForm::Auto), Err(DateFault::Empty));
    }

    #[test]
    fn times_alone_and_inside_stamps() {
        for text in [
            "9:30",
            "09:30:00",
            "0930",
            "930",
            "9時30分",
            "９：３０",
            "2026/9/18 9:30",
            "202609180930",
            "2026-09-18T09:30:15",
        ] {
            assert_eq!(time(text), Some(clock(9, 30, 0, 0)), "{text}");
        }
        assert_eq!(time("9時"), Some(clock(9, 0, 0, 0)));
        for bad in ["", "25:00", "9:75", "朝", "9", "2026/9/18"] {
            assert_eq!(time(bad), None, "{bad}");
        }
        assert_eq!(moment("202611200005").unwrap().text(), "2026-11-20 00:05");
    }

    #[test]
    fn open_ranges_are_worded_and_a_negative_bound_is_left_alone() {
        assert_eq!(reference("-0.14", Some(RangeForm::Dash)), "0.14以下");
        assert_eq!(reference("60-", Some(RangeForm::Dash)), "60以上");
        assert_eq!(reference("3.5-5.0", Some(RangeForm::Dash)), "3.5-5.0");
        assert_eq!(reference("-0.14", None), "-0.14");
        assert_eq!(reference("(-)", Some(RangeForm::Dash)), "(-)");
        assert_eq!(reference_of("(-)", ""), "(-)");
        assert_eq!(reference_of("", "0.14"), "0.14以下");
        assert_eq!(reference_of("3.5", "5.0"), "3.5-5.0");
    }
}
