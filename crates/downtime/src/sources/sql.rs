//! Source `sql`: the hospital's own questions to the EHR's database, read by the same mapping as exported files.
//!
//! Every answer is held in memory as if it were a file of an export, under the name of its question; from there on the source is
//! a [`Table`]. Which databases there are and how they are spoken to is not known here: see [`Database`]. Nothing is written, to
//! the database or to the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chart::{Chart, DataKind, Finding, Moment};

use self::answer::Answer;
pub use self::database::{Database, Dialect, Fault, Field, Rows, Session};
pub use self::question::{MAX_BYTES, Question, QuestionFault};
pub use super::table::reading::EncodingName;
use super::table::{self, Files, Held, Table};
use super::{Extract, MAX_FINDINGS, Progress, PullFault, Scope, Source};

mod answer;
mod database;
mod question;

/// Most questions of one source.
pub const MAX_QUESTIONS: usize = 100;

/// Patients asked for at once by a question with `:patients`.
const PATIENTS_AT_ONCE: usize = 500;

/// How much is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one answer.
    pub rows: u64,
    /// Bytes of all answers together, which are held in memory.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 2_000_000,
            bytes: 1 << 30,
        }
    }
}

/// One database, what it is asked, and what the answers mean.
pub struct Sql {
    asking: Asking,
    mapping: table::Config,
}

/// One database and what it is asked.
pub struct Asking {
    database: Box<dyn Database + Send + Sync>,
    questions: Vec<Question>,
    limits: Limits,
    /// The encoding of columns that come as bytes.
    bytes_are: EncodingName,
}

/// What was answered, as files for the mapping, and what is to be told beside it.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The answers by the names of their questions.
    pub files: Files,
    /// What the database said of itself.
    pub findings: Vec<Finding>,
}

impl Sql {
    /// A source for a database, its questions and the mapping of their columns.
    ///
    /// # Errors
    /// As [`Asking::new`]; a mapping that contradicts itself.
    pub fn new(
        database: Box<dyn Database + Send + Sync>,
        questions: Vec<Question>,
        mapping: table::Config,
    ) -> anyhow::Result<Self> {
        Self::over(Asking::new(database, questions)?, mapping)
    }

    /// A source for what is asked already, and the mapping of its columns.
    ///
    /// # Errors
    /// A mapping that contradicts itself.
    pub fn over(asking: Asking, mapping: table::Config) -> anyhow::Result<Self> {
        mapping.check()?;
        Ok(Self { asking, mapping })
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(mut self, limits: Limits) -> Self {
        self.asking.limits = limits;
        self
    }

    /// Asks everything, see [`Asking::ask`].
    ///
    /// # Errors
    /// As there.
    pub fn ask(&self, scope: &Scope, progress: &mut dyn FnMut(Progress)) -> Result<Answers, PullFault> {
        self.asking.ask(scope, progress)
    }
}

impl Asking {
    /// A database and its questions.
    ///
    /// # Errors
    /// When there is no question, or too many, or two have one name.
    pub fn new(database: Box<dyn Database + Send + Sync>, questions: Vec<Question>) -> anyhow::Result<Self> {
        if questions.is_empty() || questions.len() > MAX_QUESTIONS {
            anyhow::bail!(
                "問い合わせ（.sql）が{}個あります。1〜{MAX_QUESTIONS}個にしてください",
                questions.len()
            );
        }
        let names: BTreeSet<&str> = questions.iter().map(Question::name).collect();
        if names.len() != questions.len() {
            anyhow::bail!("同じ名前の問い合わせが2つあります。名前を変えてください");
        }
        Ok(Self {
            database,
            questions,
            limits: Limits::default(),
            bytes_are: EncodingName::Cp932,
        })
    }

    /// The same with other limits and another encoding of columns that come as bytes.
    #[must_use]
    pub fn within(self, limits: Limits, bytes_are: EncodingName) -> Self {
        Self {
            limits,
            bytes_are,
            ..self
        }
    }

    /// Asks everything, in one read-only transaction as far as the database has them.
    ///
    /// # Errors
    /// When the database cannot be reached at all, or the patients to ask for are not known.
    pub fn ask(&self, scope: &Scope, progress: &mut dyn FnMut(Progress)) -> Result<Answers, PullFault> {
        let wanted = self.wanted(scope)?;
        let mut session = self.database.open().map_err(|fault| unreachable(&fault))?;
        // A server without a clock vouches for what it says at the moment it is asked.
        let written = session.now().unwrap_or(scope.now);
        let all = self.questions.len() as u64;
        let mut held = BTreeMap::new();
        let mut left = self.limits.bytes;
        let mut broken: Option<String> = None;
        for (place, question) in self.questions.iter().enumerate() {
            progress(Progress::Reading(place as u64, all));
            let file = match &broken {
                Some(why) => Held::missing(written, why.clone()),
                None => {
                    let (file, fault) = self.one(question, scope, &wanted, session.as_mut(), left, written);
                    if let Some(Fault::Connection(why)) = fault {
                        broken = Some(format!("データベースとの接続が切れました: {why}"));
                    }
                    file
                }
            };
            left = left.saturating_sub(file.bytes().len());
            held.insert(question.name().to_owned(), file);
        }
        progress(Progress::Reading(all, all));
        Ok(Answers {
            files: Files::Held(Arc::new(held)),
            findings: session.remarks(),
        })
    }

    fn one(
        &self,
        question: &Question,
        scope: &Scope,
        wanted: &[String],
        session: &mut dyn Session,
        left: usize,
        written: Moment,
    ) -> (Held, Option<Fault>) {
        let mut answer = Answer::new(self.bytes_are, self.limits.rows, left);
        let none: &[String] = &[];
        let groups: Vec<&[String]> = if question.asks_for_patients() {
            wanted.chunks(PATIENTS_AT_ONCE).collect()
        } else {
            vec![none]
        };
        for group in groups {
            let text = question.text(self.database.dialect(), scope, group);
            let Err(fault) = session.ask(&text, &mut answer) else {
                continue;
            };
            let why = answer.full().map_or_else(|| fault.to_string(), str::to_owned);
            let held = if answer.has_heading() {
                Held::cut(answer.into_bytes(), written, why)
            } else {
                Held::missing(written, why)
            };
            return (held, Some(fault));
        }
        if !answer.has_heading() {
            let why = "列のない答えです。SELECT で始まる問い合わせか確かめてください".to_owned();
            // Nobody to ask for is an answer: nobody.
            if wanted.is_empty() && question.asks_for_patients() {
                answer.nobody();
            } else {
                return (Held::missing(written, why), None);
            }
        }
        (Held::new(answer.into_bytes(), written), None)
    }

    /// The patients whom questions with `:patients` are about.
    fn wanted(&self, scope: &Scope) -> Result<Vec<String>, PullFault> {
        let Some(question) = self.questions.iter().find(|question| question.asks_for_patients()) else {
            return Ok(Vec::new());
        };
        let Some(wanted) = &scope.wanted else {
            return Err(PullFault::Unreadable(format!(
                "問い合わせ {} は :patients（ほかの取り出し元に予約や入院のある患者）を使いますが、取り出し元はこの1つだけです。取り出しは行わず、前回の写しはそのまま使えます。:day で選ぶ問い合わせに直してください。",
                question.name()
            )));
        };
        Ok(wanted.keys().map(|id| id.as_str().to_owned()).collect())
    }
}

impl Source for Sql {
    fn carries(&self) -> BTreeSet<DataKind> {
        self.mapping.carries()
    }

    fn pull(
        &self,
        scope: &Scope,
        chart: &mut dyn FnMut(Chart) -> anyhow::Result<()>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Extract, PullFault> {
        let answers = self.ask(scope, progress)?;
        let table = Table::over(self.mapping.clone(), answers.files)
            .map_err(|fault| PullFault::Unreadable(fault.to_string()))?;
        let mut extract = table.pull(scope, chart, progress)?;
        for finding in answers.findings {
            if extract.findings.len() < MAX_FINDINGS {
                extract.findings.push(finding);
            } else {
                extract.findings_dropped += 1;
            }
        }
        Ok(extract)
    }
}

fn unreachable(fault: &Fault) -> PullFault {
    PullFault::Unreadable(format!(
        "データベースに問い合わせできません（{fault}）。取り出しは行わず、前回の写しはそのまま使えます。サーバが動いているか、[[extract.sources]] の住所と口座を確かめてください。"
    ))
}
