//! Every entry as one CSV file, for the EHR's own import or for a spreadsheet.
//!
//! RFC 4180 with CRLF, CP932 or UTF-8 (with BOM, so that spreadsheets see it). Cells that a spreadsheet would run as a
//! formula get an apostrophe in front (OWASP CSV injection). Characters that CP932 lacks become 〓 and are counted, never
//! turned into `&#…;`.

use std::io::{self, Write};

use chart::Subject;

use super::retype_list;
use crate::view::{Day, Recorded};

/// Character set of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// Windows-31J.
    Cp932,
    /// UTF-8 with a byte order mark.
    Utf8,
}

/// Name of the file that [`write()`] fills.
pub const FILE_NAME: &str = "entries.csv";

/// What an export wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Entries, one line each.
    pub entries: u64,
    /// Characters that the character set lacks, written as 〓.
    pub replaced: u64,
    /// Cells that got an apostrophe in front.
    pub guarded: u64,
}

const COLUMNS: [&str; 19] = [
    "記載番号",
    "種別",
    "状態",
    "記載日時",
    "記載者番号",
    "記載者",
    "職種",
    "端末",
    "患者番号",
    "仮番号",
    "仮患者",
    "カナ氏名",
    "氏名",
    "生年月日",
    "対象の記載番号",
    "事後入力日時",
    "事後入力者",
    "内容",
    "連番",
];

/// Names beside a number, for the person who reads the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// カナ氏名
    pub kana: String,
    /// 氏名
    pub name: String,
    /// 1951-05-12
    pub birth: String,
}

/// Writes every entry of the day in total order. `identity` says who a subject is.
///
/// # Errors
/// What the writer returns; nothing is skipped.
pub fn write(
    day: &Day,
    charset: Charset,
    out: &mut dyn Write,
    identity: &dyn Fn(&Subject) -> Identity,
) -> io::Result<Written> {
    let mut written = Written::default();
    if charset == Charset::Utf8 {
        out.write_all(b"\xEF\xBB\xBF")?;
    }
    line(out, charset, &COLUMNS.map(str::to_owned), &mut written)?;
    for (recorded, number) in day.all().zip(1_u64..) {
        let cells = cells(&recorded, day, identity(&recorded.entry.subject), number);
        line(out, charset, &cells, &mut written)?;
        written.entries += 1;
    }
    out.flush()?;
    Ok(written)
}

fn cells(recorded: &Recorded, day: &Day, who: Identity, number: u64) -> [String; 19] {
    let entry = &recorded.entry;
    let (patient, temporary) = match &entry.subject {
        Subject::Patient(id) => (id.to_string(), String::new()),
        Subject::Temporary(id) => (String::new(), id.to_string()),
        Subject::Hospital => (String::new(), String::new()),
    };
    let mark = if temporary.is_empty() { "" } else { "仮" };
    let state = if day.undone_by(&recorded.id).is_some() {
        "取消済"
    } else if day.corrected_by(&recorded.id).is_some() {
        "訂正済"
    } else {
        "有効"
    };
    let entered = day.entered_by(&recorded.id);
    let content: Vec<String> = retype_list::fields(recorded, day)
        .into_iter()
        .map(|f| format!("{}：{}", f.label, f.value))
        .collect();
    [
        recorded.id.hex(),
        entry.act.label().to_owned(),
        state.to_owned(),
        entry.written_at.text(),
        entry.by.user.clone(),
        entry.by.name.clone(),
        entry.by.role.clone(),
        entry.station.to_string(),
        patient,
        temporary,
        mark.to_owned(),
        who.kana,
        who.name,
        who.birth,
        entry.act.points_back().map(|id| id.hex()).unwrap_or_default(),
        entered.as_ref().map(|r| r.entry.written_at.text()).unwrap_or_default(),
        entered.map(|r| r.entry.by.name.clone()).unwrap_or_default(),
        content.join("\n"),
        number.to_string(),
    ]
}

/// A cell in quotes; true when an apostrophe had to keep a spreadsheet from taking it for a formula.
pub(super) fn quoted(cell: &str) -> (String, bool) {
    let guarded = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let apostrophe = if guarded { "'" } else { "" };
    (format!("\"{apostrophe}{}\"", cell.replace('"', "\"\"")), guarded)
}

fn line(out: &mut dyn Write, charset: Charset, cells: &[String], written: &mut Written) -> io::Result<()> {
    let mut text = String::new();
    for (n, cell) in cells.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        let (cell, guarded) = quoted(cell);
        written.guarded += u64::from(guarded);
        text.push_str(&cell);
    }
    text.push_str("\r\n");
    match charset {
        Charset::Utf8 => out.write_all(text.as_bytes()),
        Charset::Cp932 => {
            let (bytes, replaced) = to_cp932(&text);
            written.replaced += replaced;
            out.write_all(&bytes)
        }
    }
}

/// CP932 with an explicit policy: dashes and tildes that only differ by table are mapped, the rest becomes 〓 and is counted.
#[must_use]
pub fn to_cp932(text: &str) -> (Vec<u8>, u64) {
    let mut out = Vec::with_capacity(text.len());
    let mut replaced = 0;
    for c in text.chars() {
        let c = match c {
            '\u{301C}' => '\u{FF5E}',
            '\u{2212}' => '\u{FF0D}',
            '\u{2016}' => '\u{2225}',
            '\u{2014}' => '\u{2015}',
            '\u{00A0}' => ' ',
            other => other,
        };
        if matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}') {
            continue;
        }
        if let Some(bytes) = gaiji(c) {
            out.extend_from_slice(&bytes);
            continue;
        }
        let mut utf8 = [0; 4];
        let mut encoder = encoding_rs::SHIFT_JIS.new_encoder();
        let mut bytes = [0; 8];
        let (result, _, length) =
            encoder.encode_from_utf8_without_replacement(c.encode_utf8(&mut utf8), &mut bytes, true);
        match (result, bytes.get(..length)) {
            (encoding_rs::EncoderResult::InputEmpty, Some(encoded)) => out.extend_from_slice(encoded),
            _ => {
                out.extend_from_slice(&[0x81, 0xAC]);
                replaced += 1;
            }
        }
    }
    (out, replaced)
}

/// 外字: U+E000–U+E757 stand for F040–F9FC, as the sources' decoder reads them; they go back as the bytes they were.
fn gaiji(c: char) -> Option<[u8; 2]> {
    let n = u32::from(c).checked_sub(0xE000).filter(|n| *n < 10 * 188)?;
    let lead = u8::try_from(0xF0 + n / 188).ok()?;
    let trail = n % 188;
    let trail = u8::try_from(if trail < 63 { 0x40 + trail } else { 0x41 + trail }).ok()?;
    Some([lead, trail])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cp932_never_writes_character_references() {
        let (bytes, replaced) = to_cp932("𠮷田〜表能ソ−髙﨑①\u{E000}");
        assert_eq!(replaced, 1);
        let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes);
        assert!(!bad);
        assert_eq!(text, "〓田～表能ソ－髙﨑①\u{E000}");
    }

    #[test]
    fn formulas_are_guarded_and_quotes_doubled() {
        let mut out = Vec::new();
        let mut written = Written::default();
        line(
            &mut out,
            Charset::Utf8,
            &["=1+1".into(), "a\"b\nc".into(), "-5".into()],
            &mut written,
        )
        .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "\"'=1+1\",\"a\"\"b\nc\",\"'-5\"\r\n");
        assert_eq!(written.guarded, 2);
    }
}
