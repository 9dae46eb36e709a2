//! The body of F02 as data: the fields its `form.typ` reads, in the types it reads them. Another type sends the sheet to Typst; fields
//! that the ported form never reads are nobody's business, but their texts count among those that must be printable.

use serde::Deserialize;

use super::face::{Faces, is_plain};

/// Most entries of one panel.
const MAX_ITEMS: usize = 60;

/// `sheet.body` of F02.
#[derive(Deserialize)]
pub struct Body {
    /// 2026年11月20日（金）
    pub date: String,
    /// 循環器内科
    pub department: String,
    /// Name without 医師.
    #[serde(default)]
    pub doctor: Option<String>,
    /// Reception.
    #[serde(default)]
    pub visit: Option<Visit>,
    /// Allergies.
    pub allergy: Panel<String>,
    /// 感染症, 血液型 …
    pub facts: Vec<Fact>,
    /// What the patient takes.
    pub drugs: Drugs,
    /// Diagnoses.
    pub diagnoses: Panel<Diagnosis>,
    /// Results.
    pub results: Results,
    /// The note of the last visit.
    pub last_note: Note,
    /// Examinations of today.
    pub today_exams: Vec<String>,
    /// Notes typed during the downtime: Typst's business.
    pub typed_notes: Vec<serde_json::Value>,
}

/// `visit`.
#[derive(Deserialize)]
pub struct Visit {
    ///
    #[serde(default)]
    pub number: Option<String>,
    /// 9:12
    #[serde(default)]
    pub time: Option<String>,
    /// 予約 9:30
    #[serde(default)]
    pub appointment: Option<String>,
}

/// A panel in one of four states.
#[derive(Deserialize)]
pub struct Panel<T> {
    /// known, none, not_recorded, unavailable.
    pub state: String,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
    /// What it lists.
    pub items: Vec<T>,
}

/// `facts`.
#[derive(Deserialize)]
pub struct Fact {
    /// 血液型
    pub label: String,
    /// A（＋）
    pub value: String,
    /// When, or a remark.
    #[serde(default)]
    pub date: Option<String>,
}

/// The drugs' panel.
#[derive(Deserialize)]
pub struct Drugs {
    /// As in every panel.
    pub state: String,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
    /// 前回 2026-09-18・35日分
    #[serde(default)]
    pub source: Option<String>,
    /// What the list never holds.
    #[serde(default)]
    pub caution: Option<String>,
    /// Drugs.
    pub items: Vec<Drug>,
}

/// A drug line.
#[derive(Deserialize)]
pub struct Drug {
    /// Name with strength.
    pub name: String,
    /// 抗凝固
    #[serde(default)]
    pub tag: Option<String>,
    /// 1回 1錠（1日 1錠）
    pub dose: String,
    /// 1日1回 朝食後
    pub usage: String,
    /// 35日分
    pub days: String,
    /// A remark.
    #[serde(default)]
    pub comment: Option<String>,
}

/// A diagnosis.
#[derive(Deserialize)]
pub struct Diagnosis {
    /// Name.
    pub name: String,
    /// First day.
    #[serde(default)]
    pub since: Option<String>,
    /// 主病名
    pub main: bool,
    /// の疑い
    pub suspected: bool,
}

/// The results' panel.
#[derive(Deserialize)]
pub struct Results {
    /// As in every panel.
    pub state: String,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
    /// When most were taken.
    #[serde(default)]
    pub date: Option<String>,
    /// Results.
    pub items: Vec<Result>,
}

/// A result.
#[derive(Deserialize)]
pub struct Result {
    /// Name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Unit.
    #[serde(default)]
    pub unit: Option<String>,
    /// H, L.
    #[serde(default)]
    pub flag: Option<String>,
    /// Reference range.
    #[serde(default)]
    pub r#ref: Option<String>,
    /// When, where it differs.
    #[serde(default)]
    pub date: Option<String>,
    /// A value for which somebody must be called.
    pub critical: bool,
}

/// The last note.
#[derive(Deserialize)]
pub struct Note {
    /// As in every panel.
    pub state: String,
    /// A remark.
    #[serde(default)]
    pub note: Option<String>,
    /// When.
    #[serde(default)]
    pub date: Option<String>,
    /// Whose.
    #[serde(default)]
    pub author: Option<String>,
    /// Where.
    #[serde(default)]
    pub department: Option<String>,
    /// What.
    pub sections: Vec<Section>,
}

/// A section of a note.
#[derive(Deserialize)]
pub struct Section {
    /// S, O, A, P, or a word.
    #[serde(default)]
    pub label: Option<String>,
    /// Text.
    pub text: String,
}

/// The value unless it is an empty text: `get` of `parts.typ`.
pub fn get(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|text| !text.is_empty())
}

impl Body {
    /// The body, if it is one the quick way understands and every text in it is set character by character.
    pub fn read(body: &serde_json::Value, faces: &Faces) -> Option<Self> {
        all_plain(body, faces, 0).then_some(())?;
        let read = Self::deserialize(body).ok()?;
        let counts = [
            read.allergy.items.len(),
            read.facts.len(),
            read.drugs.items.len(),
            read.diagnoses.items.len(),
            read.results.items.len(),
            read.last_note.sections.len(),
            read.today_exams.len(),
        ];
        (read.typed_notes.is_empty() && counts.iter().all(|count| *count <= MAX_ITEMS)).then_some(())?;
        // Blank parts of a line are rare and have rules of their own.
        let filled = |text: &str| !text.trim().is_empty();
        // What is applied to the skin has no days, and some drugs have no amount.
        let drugs = |drug: &Drug| {
            filled(&drug.name)
                && [&drug.dose, &drug.usage, &drug.days]
                    .into_iter()
                    .all(|text| text.is_empty() || filled(text))
        };
        let whole = filled(&read.date)
            && filled(&read.department)
            && read.allergy.items.iter().all(|text| filled(text))
            && read.facts.iter().all(|fact| filled(&fact.label) && filled(&fact.value))
            && read.drugs.items.iter().all(drugs)
            && read.diagnoses.items.iter().all(|diagnosis| filled(&diagnosis.name))
            && read
                .results
                .items
                .iter()
                .all(|result| filled(&result.name) && filled(&result.value))
            && read.last_note.sections.iter().all(|section| filled(&section.text))
            && read.today_exams.iter().all(|exam| filled(exam));
        whole.then_some(read)
    }
}

/// How deep a body may be: panel, entry, field and one more.
const MAX_DEPTH: usize = 5;

fn all_plain(value: &serde_json::Value, faces: &Faces, depth: usize) -> bool {
    use serde_json::Value;
    match value {
        _ if depth > MAX_DEPTH => false,
        Value::String(text) => is_plain(faces, text),
        Value::Array(items) => items.iter().all(|item| all_plain(item, faces, depth + 1)),
        Value::Object(entries) => entries.values().all(|item| all_plain(item, faces, depth + 1)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
