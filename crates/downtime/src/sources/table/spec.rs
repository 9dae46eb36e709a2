//! One mapped field: where its text comes from and how the text is dressed before it becomes a value.
//!
//! A field is written as a column name, a position, or a table of both with rules. What a date or an amount means is
//! decided in `value`, which columns exist in `feed`.

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// A column of the hospital's file: by its heading, or by its position counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// The heading as written in the file.
    Name(String),
    /// 1 is the leftmost column.
    Position(usize),
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "{name}"),
            Self::Position(at) => write!(f, "{at}列目"),
        }
    }
}

/// How dates of one column are written. `Auto` takes every way that cannot be mistaken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// Any of the known ways; a bare two-digit year is refused.
    #[default]
    Auto,
    /// Western years only: 1951-05-12, 1951/5/12, 19510512.
    Western,
    /// Japanese eras only: S26.5.12, 昭和26年5月12日.
    Wareki,
    /// Seven digits, era digit first (1 明治 … 5 令和), as receipt computers write it: 3260512.
    Era7,
}

/// How a one-column reference range is written, where it should be re-worded when one side is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeForm {
    /// `3.5-5.0`, `-0.14` (0.14 or below), `60-` (60 or above).
    Dash,
    /// The same with `~` or `〜`.
    Tilde,
}

/// One field of the mapping. Exactly one of `column`, `head`, `each`, `constant`, `join` says where the text comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FieldTable {
    /// Column of the row itself.
    pub column: Option<Column>,
    /// Column of the head row that the entry's `key` leads to.
    pub head: Option<Column>,
    /// The column that is just being taken from the entry's `each` list.
    pub each: bool,
    /// The same text for every row.
    pub constant: Option<String>,
    /// Several columns after one another; empty ones are left out.
    pub join: Vec<FieldSpec>,
    /// What stands between joined columns.
    pub separator: Option<String>,
    /// Name of a `[codes.…]` or `[masters.…]` table that translates the text.
    pub codes: Option<String>,
    /// What a text becomes that the code table does not hold (without it: the text stays and a Finding is made).
    pub otherwise: Option<String>,
    /// A text that the code table does not hold is meant as it is: no Finding.
    pub as_is: bool,
    /// What an empty column becomes.
    pub default: Option<String>,
    /// Taken when this field is empty.
    pub or: Option<Box<FieldSpec>>,
    /// Texts that mean "nothing": `00000000`, `99999999`, `-`.
    pub blank: Vec<String>,
    /// How dates are written here.
    pub date: DateForm,
    /// How an open reference range is written here.
    pub range: Option<RangeForm>,
    /// Put before a text that is not empty.
    pub prefix: String,
    /// Put after a text that is not empty.
    pub suffix: String,
    /// Filled with zeros on the left up to this many characters.
    pub pad: usize,
    /// What a phone, a former name or a fact is called: 自宅, 携帯, 身長.
    pub label: String,
    /// The date that belongs to a fact.
    pub on: Option<Box<FieldSpec>>,
}

/// A mapped field in any of its ways of writing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSpec(pub FieldTable);

/// One field, or several of a kind (phones, former names, facts).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldList(pub Vec<FieldSpec>);

impl FieldSpec {
    /// The column alone, without rules.
    #[must_use]
    pub fn of_column(column: Column) -> Self {
        Self(FieldTable {
            column: Some(column),
            ..FieldTable::default()
        })
    }

    /// What is wrong with it as written, if anything.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let t = &self.0;
        let sources = usize::from(t.column.is_some())
            + usize::from(t.head.is_some())
            + usize::from(t.each)
            + usize::from(t.constant.is_some())
            + usize::from(!t.join.is_empty());
        if sources != 1 {
            return Some(
                "column（列）・head（見出しファイルの列）・each・constant（決まった文字）・join（つなぐ）のうち、ちょうど1つを書いてください"
                    .to_owned(),
            );
        }
        if t.separator.is_some() && t.join.is_empty() {
            return Some("separator は join と一緒に使います".to_owned());
        }
        if (t.otherwise.is_some() || t.as_is) && t.codes.is_none() {
            return Some("otherwise と as_is は codes と一緒に使います".to_owned());
        }
        if t.pad > 20 {
            return Some("pad は20以下にしてください".to_owned());
        }
        self.parts().find_map(Self::fault)
    }

    /// The fields inside: joined ones, the substitute and the date.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        let t = &self.0;
        t.join.iter().chain(t.or.as_deref()).chain(t.on.as_deref())
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ColumnVisitor)
    }
}

struct ColumnVisitor;

impl Visitor<'_> for ColumnVisitor {
    type Value = Column;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("列の名前（\"患者番号\"）か、左から数えた位置（1, 2, 3 …）")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Column, E> {
        if text.trim().is_empty() {
            return Err(E::custom("列の名前が空です"));
        }
        Ok(Column::Name(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, at: i64) -> Result<Column, E> {
        usize::try_from(at)
            .ok()
            .filter(|at| (1..=super::MAX_COLUMNS).contains(at))
            .map(Column::Position)
            .ok_or_else(|| E::custom(format!("列の位置は 1 から {} までの数です", super::MAX_COLUMNS)))
    }

    fn visit_u64<E: de::Error>(self, at: u64) -> Result<Column, E> {
        self.visit_i64(i64::try_from(at).unwrap_or(-1))
    }
}

impl<'de> Deserialize<'de> for FieldSpec {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(SpecVisitor)
    }
}

struct SpecVisitor;

impl<'de> Visitor<'de> for SpecVisitor {
    type Value = FieldSpec;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("列の名前、列の位置、または { column = …, codes = … } の表")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FieldSpec, E> {
        ColumnVisitor.visit_str(text).map(FieldSpec::of_column)
    }

    fn visit_i64<E: de::Error>(self, at: i64) -> Result<FieldSpec, E> {
        ColumnVisitor.visit_i64(at).map(FieldSpec::of_column)
    }

    fn visit_u64<E: de::Error>(self, at: u64) -> Result<FieldSpec, E> {
        ColumnVisitor.visit_u64(at).map(FieldSpec::of_column)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldSpec, A::Error> {
        FieldTable::deserialize(de::value::MapAccessDeserializer::new(map)).map(FieldSpec)
    }
}

impl<'de> Deserialize<'de> for FieldList {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ListVisitor)
    }
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = FieldList;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("列の名前、列の位置、{ … } の表、またはそれらの並び [ … ]")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<FieldList, E> {
        SpecVisitor.visit_str(text).map(|spec| FieldList(vec![spec]))
    }

    fn visit_i64<E: de::Error>(self, at: i64) -> Result<FieldList, E> {
        SpecVisitor.visit_i64(at).map(|spec| FieldList(vec![spec]))
    }

    fn visit_u64<E: de::Error>(self, at: u64) -> Result<FieldList, E> {
        SpecVisitor.visit_u64(at).map(|spec| FieldList(vec![spec]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FieldList, A::Error> {
        SpecVisitor.visit_map(map).map(|spec| FieldList(vec![spec]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<FieldList, A::Error> {
        let mut list = Vec::new();
        while let Some(spec) = seq.next_element()? {
            list.push(spec);
        }
        Ok(FieldList(list))
    }
}
