//! What `map --check` found: per file and field, for people as a table, for programs as data.
//!
//! Only the form; how it is found out lives in `check` and `trial`.

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

/// How good a mapping is for an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// 使えます
    Ready,
    /// 使えますが、見てください
    Look,
    /// このままでは使えません
    Broken,
}

/// A mapping tried on an export.
#[derive(Debug, Clone, Serialize)]
pub struct MapReport {
    /// The mapping's own name.
    pub name: String,
    /// The day that was asked for.
    pub day: String,
    /// Whether it can be used.
    pub judgement: Judgement,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Every file that was found.
    pub files: Vec<FileReport>,
    /// Kinds of data that no file was found for.
    pub without: Vec<String>,
    /// Charts in full.
    pub charts: u64,
    /// Charts with identity and coming appointments only.
    pub thin_charts: u64,
    /// How often each part of a full chart is in which state.
    pub states: Vec<StateCount>,
    /// Findings of a whole pull by code.
    pub findings: Vec<FindingCount>,
}

/// One file as the mapping reads it.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// File name.
    pub name: String,
    /// 患者基本, 予約 …
    pub kind: String,
    /// Encoding as found.
    pub encoding: String,
    /// `,`, `タブ` …
    pub delimiter: String,
    /// Columns of a row.
    pub columns: usize,
    /// Data rows.
    pub rows: u64,
    /// Rows that cannot be taken apart or have the wrong number of columns.
    pub broken_rows: u64,
    /// The first lines of those.
    pub broken_lines: Vec<u64>,
    /// Rows left out by `keep` and `drop`.
    pub sieved: u64,
    /// When the EHR vouched for it.
    pub written: String,
    /// The mapped fields.
    pub fields: Vec<FieldReport>,
    /// Mapped columns that the file does not have.
    pub missing: Vec<String>,
    /// Columns that nothing uses.
    pub unused: Vec<ColumnReport>,
    /// Fields of this kind that the mapping does not fill.
    pub open: Vec<String>,
}

/// One mapped field.
#[derive(Debug, Clone, Serialize)]
pub struct FieldReport {
    /// The word in the mapping.
    pub field: String,
    /// What it is.
    pub word: String,
    /// Its label, for phones and facts.
    pub label: String,
    /// Where it comes from.
    pub from: String,
    /// Rows tried.
    pub rows: u64,
    /// Rows with something in it.
    pub filled: u64,
    /// Different values.
    pub distinct: u64,
    /// True when there are at least so many.
    pub distinct_is_least: bool,
    /// All values with their counts, where there are few.
    pub values: Vec<(String, u64)>,
    /// Some values, with what they become.
    pub examples: Vec<String>,
    /// Values that cannot be read.
    pub wrong: u64,
    /// The first of those.
    pub faults: Vec<Fault>,
}

/// A value that cannot be read.
#[derive(Debug, Clone, Serialize)]
pub struct Fault {
    /// Line, counted from 1.
    pub line: u64,
    /// The text.
    pub text: String,
    /// Why.
    pub why: String,
}

/// A column that nothing uses.
#[derive(Debug, Clone, Serialize)]
pub struct ColumnReport {
    /// Heading and position.
    pub name: String,
    /// Rows with something in it.
    pub filled: u64,
    /// Some values.
    pub examples: Vec<String>,
}

/// How often a part of the chart is in each state.
#[derive(Debug, Clone, Serialize)]
pub struct StateCount {
    /// アレルギー・禁忌, 病名 …
    pub kind: String,
    /// あり
    pub present: u64,
    /// なし（確認済）
    pub none: u64,
    /// 未確認
    pub not_recorded: u64,
    /// 取得できず
    pub unavailable: u64,
}

/// Findings of one code.
#[derive(Debug, Clone, Serialize)]
pub struct FindingCount {
    /// The code.
    pub code: String,
    /// 重大, 注意, 参考
    pub severity: String,
    /// How many were kept in words.
    pub count: u64,
    /// The first of them.
    pub first: Vec<String>,
}

impl std::fmt::Display for MapReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = if self.name.is_empty() { "対応表" } else { &self.name };
        writeln!(f, "{name}の確認　対象日 {}", self.day)?;
        for file in &self.files {
            write!(f, "\n{file}")?;
        }
        if !self.without.is_empty() {
            writeln!(f, "\nファイルがない内容: {}", self.without.join("、"))?;
        }
        writeln!(f, "\n■ 取り出してみた結果")?;
        writeln!(
            f,
            "  カルテ {}人（ほかに予約だけの人 {}人）",
            self.charts, self.thin_charts
        )?;
        if self.charts > 0 {
            let rows: Vec<Vec<String>> = self.states.iter().map(StateCount::row).collect();
            table(
                f,
                &["", "あり", "なし(確認済)", "未確認", "取得できず"],
                &rows,
                &[false, true, true, true, true],
            )?;
        }
        if self.findings.is_empty() {
            writeln!(f, "  気になることはありません。")?;
        }
        for finding in &self.findings {
            writeln!(f, "  [{}] {}　{}件", finding.severity, finding.code, finding.count)?;
            for text in &finding.first {
                writeln!(f, "      {text}")?;
            }
        }
        writeln!(f, "\n■ 判定: {}", self.judgement.word())?;
        for reason in &self.reasons {
            writeln!(f, "  ・{reason}")?;
        }
        Ok(())
    }
}

impl Judgement {
    /// 使えます …
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ready => "使えます",
            Self::Look => "使えますが、次のことを確かめてください",
            Self::Broken => "このままでは使えません",
        }
    }
}

impl StateCount {
    fn row(&self) -> Vec<String> {
        let numbers = [self.present, self.none, self.not_recorded, self.unavailable].map(|n| n.to_string());
        std::iter::once(self.kind.clone()).chain(numbers).collect()
    }
}

impl std::fmt::Display for FileReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "■ {}　{}（{}行 × {}列、{}、区切り {}、{} 時点）",
            self.kind, self.name, self.rows, self.columns, self.encoding, self.delimiter, self.written
        )?;
        if self.broken_rows > 0 {
            writeln!(
                f,
                "  ✗ 使えない行 {}件（{}）",
                self.broken_rows,
                lines(&self.broken_lines, self.broken_rows)
            )?;
        }
        if self.sieved > 0 {
            writeln!(f, "  条件（keep・drop）で除いた行 {}件", self.sieved)?;
        }
        for missing in &self.missing {
            writeln!(f, "  ✗ {missing}")?;
        }
        let rows: Vec<Vec<String>> = self.fields.iter().map(FieldReport::row).collect();
        let aligned = [false, false, true, true, false];
        table(
            f,
            &["項目", "列", "埋まり", "種類", "例（→ 読み取った値）"],
            &rows,
            &aligned,
        )?;
        for field in self.fields.iter().filter(|field| field.wrong > 0) {
            writeln!(f, "  ✗ {}（{}）: 読めない値 {}件", field.field, field.from, field.wrong)?;
            for fault in &field.faults {
                writeln!(f, "      {}行「{}」{}", fault.line, fault.text, fault.why)?;
            }
        }
        if !self.unused.is_empty() {
            writeln!(f, "  使っていない列:")?;
            for column in &self.unused {
                let examples = if column.examples.is_empty() {
                    "（すべて空）".to_owned()
                } else {
                    column.examples.join("、")
                };
                writeln!(
                    f,
                    "    {}　{}%　{examples}",
                    column.name,
                    percent(column.filled, self.rows)
                )?;
            }
        }
        if !self.open.is_empty() {
            writeln!(f, "  まだ埋めていない項目: {}", self.open.join("、"))?;
        }
        Ok(())
    }
}

impl FieldReport {
    fn row(&self) -> Vec<String> {
        let name = if self.label.is_empty() {
            self.field.clone()
        } else {
            format!("{} [{}]", self.field, self.label)
        };
        let distinct = if self.distinct_is_least {
            format!("{}以上", self.distinct)
        } else {
            self.distinct.to_string()
        };
        let examples = if self.values.is_empty() {
            self.examples.join("、")
        } else {
            let counted: Vec<String> = self
                .values
                .iter()
                .map(|(value, count)| format!("{value} {count}件"))
                .collect();
            counted.join("、")
        };
        vec![
            name,
            self.from.clone(),
            format!("{}%", percent(self.filled, self.rows)),
            distinct,
            cut(&examples, 76),
        ]
    }
}

/// Tenths of a percent, never rounded up to 100 or down to 0.
fn percent(part: u64, all: u64) -> String {
    if all == 0 {
        return "0".to_owned();
    }
    let tenths = u128::from(part) * 1000 / u128::from(all);
    match (tenths, part) {
        (1000, _) => "100".to_owned(),
        (0, 1..) => "0.1未満".to_owned(),
        _ => format!("{}.{}", tenths / 10, tenths % 10),
    }
}

fn lines(lines: &[u64], all: u64) -> String {
    let shown: Vec<String> = lines.iter().map(|line| format!("{line}行")).collect();
    let more = if (lines.len() as u64) < all { " …" } else { "" };
    format!("{}{more}", shown.join("、"))
}

/// A table whose columns stand below one another though Japanese characters are twice as wide.
fn table(f: &mut std::fmt::Formatter<'_>, heads: &[&str], rows: &[Vec<String>], right: &[bool]) -> std::fmt::Result {
    let width_of = |at: usize| {
        let in_rows = rows
            .iter()
            .filter_map(|row| row.get(at))
            .map(|text| text.width())
            .max()
            .unwrap_or(0);
        in_rows.max(heads.get(at).map_or(0, |head| head.width()))
    };
    let widths: Vec<usize> = (0..heads.len()).map(width_of).collect();
    let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
    for row in std::iter::once(&heads).chain(rows) {
        let mut line = String::from("  ");
        for (at, text) in row.iter().enumerate() {
            let pad = " ".repeat(widths.get(at).copied().unwrap_or(0).saturating_sub(text.width()));
            if right.get(at).copied().unwrap_or(false) {
                line.push_str(&pad);
                line.push_str(text);
            } else {
                line.push_str(text);
                line.push_str(&pad);
            }
            line.push_str("  ");
        }
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

fn cut(text: &str, most: usize) -> String {
    if text.width() <= most {
        return text.replace(['\n', '\t'], " ");
    }
    let mut out = String::new();
    let mut width = 0;
    for c in text.chars() {
        width += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if width > most {
            break;
        }
        out.push(if matches!(c, '\n' | '\t') { ' ' } else { c });
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(599, 600), "99.8");
        assert_eq!(percent(600, 600), "100");
        assert_eq!(percent(1, 100_000), "0.1未満");
        assert_eq!(percent(0, 600), "0.0");
    }
}
