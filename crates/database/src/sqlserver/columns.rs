//! The head of an answer, COLMETADATA (MS-TDS 2.2.7.4): text in the hospital's code page is announced as bytes.
//!
//! A VARCHAR column is stored bytes. The driver below decodes them strictly and loses the whole answer with the first byte that is no
//! character; as VARBINARY the same bytes reach us untouched, because both types are sent alike but for the five bytes of collation in
//! the head. So the head is rewritten on its way in, and nothing behind it. Deliberately absent: decoding, rows, anything of a head that
//! is not understood, which goes on as it came.

/// Longest head that is looked at, in bytes.
pub const MAX_HEAD: usize = 1 << 20;

/// Whether a collation is of UTF-8, among its flags (MS-TDS 2.2.5.1.2, fUTF8; SQL Server 2019).
const UTF8_FLAG: u32 = 1 << 26;
/// Japan, in the low half of a collation's locale.
const JAPANESE: u32 = 0x0411;
/// Sort orders of SQL Server 7 with code page 932.
const SORTS_932: [u8; 3] = [192, 193, 200];

/// Types by their byte (MS-TDS 2.2.5.4).
mod kind {
    pub const TEXT: u8 = 0x23;
    pub const IMAGE: u8 = 0x22;
    pub const BIG_VARCHAR: u8 = 0xA7;
    pub const BIG_VARBINARY: u8 = 0xA5;
    pub const BIG_CHAR: u8 = 0xAF;
    pub const BIG_BINARY: u8 = 0xAD;
}

/// How the text of a column comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coming {
    /// As the driver reads it.
    Read,
    /// Bytes of code page 932.
    Bytes,
    /// Bytes of UTF-8.
    Utf8,
    /// Read by the driver in another code page than Japan's: right, if the server's word for it is.
    Foreign,
}

/// What can be said of a head.
#[derive(Debug, PartialEq, Eq)]
pub enum Head {
    /// It goes on.
    More,
    /// No head, or one that is left as it is.
    Leave,
    /// The same answer so far with its text columns as bytes, and how each column comes.
    Read(Vec<u8>, Vec<Coming>),
}

/// Looks at the beginning of an answer, which may hold messages before the columns and rows behind them.
pub fn read(answer: &[u8]) -> Head {
    let mut at = Reader { all: answer, at: 0 };
    match rewritten(&mut at) {
        Ok((bytes, columns)) => Head::Read(bytes, columns),
        Err(Stop::More) if answer.len() < MAX_HEAD => Head::More,
        Err(_) => Head::Leave,
    }
}

/// Why a head is not read.
enum Stop {
    More,
    Unknown,
}

struct Reader<'b> {
    all: &'b [u8],
    at: usize,
}

impl<'b> Reader<'b> {
    fn take(&mut self, length: usize) -> Result<&'b [u8], Stop> {
        let end = self.at.checked_add(length).ok_or(Stop::Unknown)?;
        let taken = self.all.get(self.at..end).ok_or(Stop::More)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        self.take(1)?.first().copied().ok_or(Stop::More)
    }

    fn short(&mut self) -> Result<usize, Stop> {
        let bytes: [u8; 2] = self.take(2)?.try_into().map_err(|_| Stop::More)?;
        Ok(usize::from(u16::from_le_bytes(bytes)))
    }

    fn long(&mut self) -> Result<u32, Stop> {
        let bytes: [u8; 4] = self.take(4)?.try_into().map_err(|_| Stop::More)?;
        Ok(u32::from_le_bytes(bytes))
    }

    /// A text with its length in characters before it, in one byte.
    fn short_text(&mut self) -> Result<(), Stop> {
        let length = usize::from(self.byte()?);
        self.take(length * 2).map(drop)
    }

    /// The same with its length in two bytes.
    fn long_text(&mut self) -> Result<(), Stop> {
        let length = self.short()?;
        self.take(length * 2).map(drop)
    }
}

/// Passes what may stand before the columns, reads them, and copies everything with the types changed.
fn rewritten(at: &mut Reader<'_>) -> Result<(Vec<u8>, Vec<Coming>), Stop> {
    loop {
        match at.byte()? {
            0x81 => break,
            // ERROR, INFO, LOGINACK, ENVCHANGE: a length, and so many bytes.
            0xAA | 0xAB | 0xAD | 0xE3 => {
                let length = at.short()?;
                at.take(length)?;
            }
            // DONE, DONEPROC, DONEINPROC: of something before the question itself.
            0xFD..=0xFF => drop(at.take(12)?),
            _ => return Err(Stop::Unknown),
        }
    }
    let count = at.short()?;
    if count == 0xFFFF {
        return Err(Stop::Unknown);
    }
    let mut copied = at.all.get(..at.at).unwrap_or_default().to_vec();
    copied.reserve(at.all.len());
    let mut columns = Vec::with_capacity(count.min(4096));
    for _ in 0..count {
        // User type and flags.
        copied.extend_from_slice(at.take(6)?);
        columns.push(type_of(at, &mut copied)?);
        let from = at.at;
        at.short_text()?;
        copied.extend_from_slice(at.all.get(from..at.at).unwrap_or_default());
    }
    copied.extend_from_slice(at.all.get(at.at..).unwrap_or_default());
    Ok((copied, columns))
}

/// Copies a type, text as bytes.
fn type_of(at: &mut Reader<'_>, copied: &mut Vec<u8>) -> Result<Coming, Stop> {
    let from = at.at;
    let kind = at.byte()?;
    let mut coming = Coming::Read;
    match kind {
        // Of one length: nothing, integers, bit, dates, floats, money, date.
        0x1F | 0x30 | 0x32 | 0x34 | 0x38 | 0x3A..=0x3E | 0x7A | 0x7F | 0x28 => {}
        // With a length or a scale: GUID, integers, bit, floats, money, dates, times.
        0x24 | 0x26 | 0x68 | 0x6D | 0x6E | 0x6F | 0x29..=0x2B => drop(at.take(1)?),
        // Decimals: length, precision, scale.
        0x37 | 0x3F | 0x6A | 0x6C => drop(at.take(3)?),
        kind::BIG_VARBINARY | kind::BIG_BINARY => drop(at.take(2)?),
        kind::BIG_VARCHAR | kind::BIG_CHAR => {
            let length = at.take(2)?;
            coming = collation(at)?;
            if coming != Coming::Foreign {
                let bytes = if kind == kind::BIG_CHAR {
                    kind::BIG_BINARY
                } else {
                    kind::BIG_VARBINARY
                };
                copied.push(bytes);
                copied.extend_from_slice(length);
                return Ok(coming);
            }
        }
        // NVARCHAR, NCHAR: a length and a collation.
        0xE7 | 0xEF => drop(at.take(7)?),
        kind::IMAGE => {
            at.take(4)?;
            table_name(at)?;
        }
        kind::TEXT => {
            let length = at.take(4)?;
            coming = collation(at)?;
            let name = at.at;
            table_name(at)?;
            if coming != Coming::Foreign {
                copied.push(kind::IMAGE);
                copied.extend_from_slice(length);
                copied.extend_from_slice(at.all.get(name..at.at).unwrap_or_default());
                return Ok(coming);
            }
        }
        // NTEXT
        0x63 => {
            at.take(9)?;
            table_name(at)?;
        }
        // SQL_VARIANT
        0x62 => drop(at.take(4)?),
        // XML
        0xF1 => {
            if at.byte()? == 1 {
                at.short_text()?;
                at.short_text()?;
                at.long_text()?;
            }
        }
        // A type of the CLR.
        0xF0 => {
            at.take(2)?;
            at.short_text()?;
            at.short_text()?;
            at.short_text()?;
            at.long_text()?;
        }
        _ => return Err(Stop::Unknown),
    }
    copied.extend_from_slice(at.all.get(from..at.at).unwrap_or_default());
    Ok(coming)
}

fn collation(at: &mut Reader<'_>) -> Result<Coming, Stop> {
    let info = at.long()?;
    let sort = at.byte()?;
    Ok(if info & UTF8_FLAG != 0 {
        Coming::Utf8
    } else if SORTS_932.contains(&sort) || (sort == 0 && info & 0xFFFF == JAPANESE) {
        Coming::Bytes
    } else {
        Coming::Foreign
    })
}

fn table_name(at: &mut Reader<'_>) -> Result<(), Stop> {
    for _ in 0..at.byte()? {
        at.long_text()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const JAPANESE_CI_AS: [u8; 5] = [0x11, 0x04, 0xD0, 0x00, 0x00];
    const LATIN1: [u8; 5] = [0x09, 0x04, 0xD0, 0x00, 0x34];
    const JAPANESE_UTF8: [u8; 5] = [0x11, 0x04, 0xD0, 0x24, 0x00];

    fn column(of: &[&[u8]], name: &str) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0, 0, 9, 0];
        bytes.extend(of.concat());
        bytes.push(u8::try_from(name.encode_utf16().count()).unwrap());
        bytes.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        bytes
    }

    fn head(columns: &[Vec<u8>], rest: &[u8]) -> Vec<u8> {
        let count = u16::try_from(columns.len()).unwrap().to_le_bytes();
        // An INFO before it, of three bytes.
        [&[0xAB, 3, 0, 1, 2, 3, 0x81][..], &count, &columns.concat(), rest].concat()
    }

    #[test]
    fn text_of_code_page_932_is_announced_as_bytes_and_nothing_else_changes() {
        let table: &[u8] = &[1, 2, 0, b'T', 0, b'X', 0];
        let plain: [&[&[u8]]; 14] = [
            &[&[0x26, 4]],
            &[&[0x38]],
            &[&[0x6A, 9, 12, 3]],
            &[&[0x28]],
            &[&[0x2A, 7]],
            &[&[0xE7, 0xFF, 0xFF], &JAPANESE_CI_AS],
            &[&[0xA5, 10, 0]],
            &[&[0x63, 0, 0, 0, 1], &JAPANESE_CI_AS, table],
            &[&[0x22, 0, 0, 0, 1], table],
            &[&[0xF1, 0]],
            &[&[0xF1, 1, 1, b'd', 0, 1, b'o', 0, 1, 0, b'c', 0]],
            &[&[0x62, 0x49, 0x1F, 0, 0]],
            &[&[0xA7, 20, 0], &LATIN1],
            &[&[0x24, 16]],
        ];
        let mut before: Vec<Vec<u8>> = plain.iter().map(|of| column(of, "列")).collect();
        let mut after = before.clone();
        let mut coming = vec![Coming::Read; plain.len()];
        coming[12] = Coming::Foreign;
        for (text, bytes, how) in [
            (
                column(&[&[0xA7, 40, 0], &JAPANESE_CI_AS], "a"),
                column(&[&[0xA5, 40, 0]], "a"),
                Coming::Bytes,
            ),
            (
                column(&[&[0xAF, 10, 0], &JAPANESE_CI_AS], "b"),
                column(&[&[0xAD, 10, 0]], "b"),
                Coming::Bytes,
            ),
            (
                column(&[&[0xA7, 0xFF, 0xFF], &JAPANESE_UTF8], "c"),
                column(&[&[0xA5, 0xFF, 0xFF]], "c"),
                Coming::Utf8,
            ),
            (
                column(&[&[0x23, 0, 0, 0, 1], &[0, 0, 0, 0, 193], table], "d"),
                column(&[&[0x22, 0, 0, 0, 1], table], "d"),
                Coming::Bytes,
            ),
        ] {
            before.push(text);
            after.push(bytes);
            coming.push(how);
        }
        let rows = [0xD1, 1, 2, 3, 0xFD];
        assert_eq!(read(&head(&before, &rows)), Head::Read(head(&after, &rows), coming));
        // Cut anywhere before its end it asks for more.
        let whole = head(&before, &[]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Head::More, "{end}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_looked_at_without_harm(
            mut bytes in proptest::collection::vec(0_u8.., 0..400),
            head in 0_u8..3,
        ) {
            if let (Some(first), true) = (bytes.first_mut(), head > 0) {
                *first = 0x81;
            }
            if let (Some(second), 2) = (bytes.get_mut(2), head) {
                *second = 0;
            }
            if let Head::Read(rewritten, columns) = read(&bytes) {
                // It only ever gets shorter: five bytes for every column that is bytes now.
                let changed = columns.iter().filter(|coming| matches!(coming, Coming::Bytes | Coming::Utf8)).count();
                proptest::prop_assert_eq!(rewritten.len() + 5 * changed, bytes.len());
            }
        }
    }

    #[test]
    fn what_is_not_understood_goes_on_as_it_came() {
        assert_eq!(read(&[0xD1, 0, 0]), Head::Leave);
        assert_eq!(read(&head(&[column(&[&[0x99, 1]], "x")], &[])), Head::Leave);
        assert_eq!(read(&[0x81, 0xFF, 0xFF]), Head::Leave);
        assert_eq!(read(&vec![0xAB; MAX_HEAD + 1]), Head::Leave);
    }
}
