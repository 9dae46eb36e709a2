//! One mapped field tried on every row of its file: how often it is filled, with what, and what cannot be read.
//!
//! It takes values by the same hands as the real pull, so that what is said here is what will happen then.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use chart::Finding;
use jiff::civil::Date;

use super::amounts;
use super::cell::{Cell, Row};
use super::fields::{FieldDef, Shape};
use super::insurance;
use super::report::{Fault, FieldReport};
use super::take::{Take, short};
use super::value;
use crate::sources::gather::names;
use crate::sources::gather::{Ledger, Sink};

/// Most different values counted exactly.
pub const MAX_DISTINCT: usize = 1_000;
/// Most examples of a field.
const MAX_EXAMPLES: usize = 5;
/// Most different values that are listed with their counts.
const MAX_LISTED: usize = 12;
/// Most faults told with their line.
const MAX_FAULTS: usize = 3;

/// A field while the rows go by.
pub struct Trial {
    def: FieldDef,
    from: String,
    cell: Cell,
    rows: u64,
    filled: u64,
    distinct: HashSet<u64>,
    listed: Option<BTreeMap<String, u64>>,
    examples: Vec<String>,
    faults: Vec<Fault>,
    wrong: u64,
    ledger: Ledger,
    /// Findings in the ledger before the row that is tried.
    told: u64,
}

impl Trial {
    /// For one field bound to a file; `from` is what the report calls its column.
    #[must_use]
    pub fn new(def: FieldDef, from: String, cell: Cell) -> Self {
        Self {
            def,
            from,
            cell,
            rows: 0,
            filled: 0,
            distinct: HashSet::new(),
            listed: Some(BTreeMap::new()),
            examples: Vec::new(),
            faults: Vec::new(),
            wrong: 0,
            ledger: Ledger::default(),
            told: 0,
        }
    }

    /// Tries one row. `whose` is the patient number as the row has it.
    pub fn row(&mut self, row: &Row<'_>, file: &str, line: u64, whose: &str, day: Date) {
        self.rows += 1;
        let mut told: Vec<Finding> = Vec::new();
        let mut sink = Sink {
            ledger: &mut self.ledger,
            chart: &mut told,
            file,
            line,
            patient: whose,
        };
        let text = self.cell.text(row, &mut sink).into_owned();
        let bytes_or_code = sink.ledger.count_all() > self.told;
        let mut take = Take {
            row,
            sink: &mut sink,
            day,
        };
        let meant = if text.is_empty() {
            None
        } else {
            meaning(&self.cell, &text, self.def.shape, &mut take)
        };
        self.told = self.ledger.count_all();
        let unread = matches!(meant, Some(Err(())));
        if (unread || bytes_or_code) && self.faults.len() < MAX_FAULTS {
            // An unknown code is told in the ledger only, and there only once.
            let why = match told.pop() {
                Some(finding) => finding.message,
                None if unread => unreadable(self.def.shape),
                None => "コード表にありません。".to_owned(),
            };
            self.faults.push(Fault {
                line,
                text: short(&text),
                why,
            });
        }
        self.wrong += u64::from(unread || bytes_or_code);
        if !text.is_empty() {
            self.filled += 1;
            let code = self.cell.code(row).map(|code| code.into_owned());
            self.note(code.as_deref(), &text, meant.and_then(Result::ok));
        }
    }

    fn note(&mut self, code: Option<&str>, text: &str, meant: Option<String>) {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let new = self.distinct.len() < MAX_DISTINCT && self.distinct.insert(hasher.finish());
        let written = code.unwrap_or(text);
        let shown = match meant.as_deref().unwrap_or(text) {
            meant if meant == written => short(written),
            meant => format!("{} → {}", short(written), short(meant)),
        };
        if let Some(listed) = &mut self.listed {
            *listed.entry(shown.clone()).or_default() += 1;
            if listed.len() > MAX_LISTED {
                self.listed = None;
            }
        }
        if new && self.examples.len() < MAX_EXAMPLES {
            self.examples.push(shown);
        }
    }

    /// What came of it.
    #[must_use]
    pub fn finish(self, masked: bool) -> FieldReport {
        let hide = masked && self.def.personal;
        let hidden = |text: String| if hide { mask(&text) } else { text };
        // Values that are all different, or personal, are no list of values.
        let closed = self
            .listed
            .filter(|listed| !self.def.personal && (listed.len() as u64) * 2 <= self.filled.max(1));
        FieldReport {
            field: self.def.name.to_owned(),
            word: self.def.word.to_owned(),
            label: self.cell.label.clone(),
            from: self.from,
            rows: self.rows,
            filled: self.filled,
            distinct: self.distinct.len() as u64,
            distinct_is_least: self.distinct.len() >= MAX_DISTINCT,
            values: closed.map(|listed| listed.into_iter().collect()).unwrap_or_default(),
            examples: self.examples.into_iter().map(hidden).collect(),
            wrong: self.wrong,
            faults: self
                .faults
                .into_iter()
                .map(|fault| if hide { fault.hidden() } else { fault })
                .collect(),
        }
    }
}

/// What a text becomes, for people; `Err` when it becomes nothing.
fn meaning<'t>(cell: &'t Cell, text: &str, shape: Shape, take: &mut Take<'_, '_, 't>) -> Option<Result<String, ()>> {
    let read = |meant: Option<String>| Some(meant.ok_or(()));
    match shape {
        Shape::Text => None,
        Shape::Kana => read(Some(names::kana(text))),
        Shape::Id => read(chart::PatientId::parse(text).map(|id| id.as_str().to_owned())),
        Shape::Date => read(take.date(Some(cell)).map(chart::date::iso)),
        Shape::PastDate => read(take.past_date(Some(cell)).map(chart::date::iso)),
        Shape::Time => read(take.time(Some(cell)).map(|at| chart::visit::time_text(Some(at)))),
        Shape::Count => read(take.count(Some(cell)).map(|n| n.to_string())),
        Shape::Amount => read(amounts::amount(text, "").map(|q| q.text())),
        Shape::Uneven => read(amounts::uneven(text, "").map(|list| {
            let doses: Vec<String> = list.iter().map(chart::dose::Quantity::text).collect();
            doses.join("－")
        })),
        Shape::Rhythm => read(amounts::rhythm(text).map(|r| r.text())),
        Shape::Truth => read(value::truth(text).map(|yes| if yes { "はい" } else { "いいえ" }.to_owned())),
        Shape::Language => {
            read(value::language(text).map(|l| l.map_or_else(|| "日本語".to_owned(), |l| l.in_japanese().to_owned())))
        }
        Shape::Sex => read(value::sex(text).map(|sex| sex.word().to_owned())),
        Shape::Route => read(value::route(text).map(|route| route.word().to_owned())),
        Shape::AllergyKind => read(value::allergy_kind(text).map(|kind| kind.word().to_owned())),
        Shape::AllergyState => read(value::allergy_state(text).map(|state| state.word().to_owned())),
        Shape::Member => {
            read(insurance::member(text).map(|m| m.map_or("（なし）", chart::rx::Member::word).to_owned()))
        }
        Shape::Burden => {
            read(insurance::burden(text).map(|b| b.map_or("（なし）", chart::rx::Burden::word).to_owned()))
        }
        Shape::Share => read(insurance::share(text).map(|share| format!("{share}割"))),
        Shape::Flag => {
            read(value::flag(text).map(|flag| flag.map_or("（なし）", chart::result::Flag::word).to_owned()))
        }
    }
}

/// Why a text of this shape becomes nothing, where taking it says nothing itself.
fn unreadable(shape: Shape) -> String {
    let what = match shape {
        Shape::Id => "患者番号（半角英数字とハイフン、20文字まで）",
        Shape::Amount => "量（書かれたままコメントに入ります）",
        Shape::Uneven => "不均等の量（書かれたままコメントに入ります）",
        Shape::Rhythm => "投与間隔（書かれたままコメントに入ります）",
        Shape::Truth => "はい・いいえ（codes で 1 か 0 に言いかえてください）",
        Shape::Language => "ことば（codes で 英語・中国語 などか en・zh などに言いかえてください）",
        Shape::Sex => "性別（codes で 男・女・その他・不明 に言いかえてください）",
        Shape::Route => "処方の区分（codes で 内服・頓服・外用・注射・その他 に言いかえてください）",
        Shape::AllergyKind => "分類（codes で 薬剤・食物・造影剤・その他・禁忌 に言いかえてください）",
        Shape::AllergyState => "状態（codes で あり・なし・未確認・参照不可 に言いかえてください）",
        Shape::Member => "本人・家族（codes で言いかえてください）",
        Shape::Burden => "一部負担区分（codes で 高一・高７・高８・６歳 に言いかえてください）",
        Shape::Share => "負担割合（3割、30% など。0割から10割）",
        Shape::Flag => "判定（codes で H・L・緊急・異常 に言いかえてください）",
        _ => "値",
    };
    format!("{what}として読めません。")
}

impl Fault {
    /// Line and shape only: the words of a fault repeat the text.
    fn hidden(self) -> Self {
        let why = "この値を使えません（--mask を外すと理由が出ます）。".to_owned();
        Self {
            text: mask(&self.text),
            why,
            ..self
        }
    }
}

/// The shape of a text without its content: 山田　花子 → 漢漢　漢漢.
fn mask(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '0'..='9' | '０'..='９' => '9',
            'a'..='z' | 'A'..='Z' | 'ａ'..='ｚ' | 'Ａ'..='Ｚ' => 'A',
            '\u{3041}'..='\u{3096}' => 'あ',
            '\u{30A1}'..='\u{30FA}' | '\u{FF66}'..='\u{FF9F}' => 'ア',
            '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{2FFFF}' | '\u{F900}'..='\u{FAFF}' => '漢',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_the_shape_only() {
        assert_eq!(
            mask("山田　花子 ﾔﾏﾀﾞ 1951/5/12 → a"),
            "漢漢　漢漢 アアアア 9999/9/99 → A"
        );
    }
}
