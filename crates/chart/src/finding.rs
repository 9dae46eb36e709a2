//! What is wrong or missing, in words a nurse or an informatics officer can act on.
//!
//! A record that cannot be read becomes a Finding that people see: it neither stops the rest nor disappears (law 4).

use minicbor::{Decode, Encode};

/// How much care a Finding needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Severity {
    /// Good to know; nothing is lost.
    #[n(0)]
    Note,
    /// A field or a row could not be used; the rest of the patient is there.
    #[n(1)]
    Warning,
    /// A patient or a whole file is missing or doubtful: somebody must look before the day starts.
    #[n(2)]
    Severe,
}

/// One thing that is wrong or missing, where it is, and what was done about it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Finding {
    /// Stable machine word, such as `row.columns` or `date.impossible`; listed in `docs/operating/findings.md`.
    #[n(0)]
    pub code: String,
    /// How much care it needs.
    #[n(1)]
    pub severity: Severity,
    /// What happened and what was done, in Japanese, one or two sentences.
    #[n(2)]
    pub message: String,
    /// File (or table, or message) in which it was found.
    #[n(3)]
    #[cbor(default)]
    pub file: String,
    /// Line on which the row begins, counted from 1; 0 when there is none.
    #[n(4)]
    #[cbor(default)]
    pub line: u64,
    /// The hospital's own name of the column, or empty.
    #[n(5)]
    #[cbor(default)]
    pub field: String,
    /// Patient ID as written in the source, or empty.
    #[n(6)]
    #[cbor(default)]
    pub patient: String,
}

impl Finding {
    /// A finding without a place; add one with [`Finding::at`], [`Finding::in_field`], [`Finding::about`].
    pub fn new(code: &str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            severity,
            message: message.into(),
            file: String::new(),
            line: 0,
            field: String::new(),
            patient: String::new(),
        }
    }

    /// Says where it was found.
    #[must_use]
    pub fn at(mut self, file: &str, line: u64) -> Self {
        file.clone_into(&mut self.file);
        self.line = line;
        self
    }

    /// Says in which column.
    #[must_use]
    pub fn in_field(mut self, field: &str) -> Self {
        field.clone_into(&mut self.field);
        self
    }

    /// Says about whom.
    #[must_use]
    pub fn about(mut self, patient: &str) -> Self {
        patient.clone_into(&mut self.patient);
        self
    }

    /// `患者基本.csv 12行 生年月日: …` for logs and lists.
    #[must_use]
    pub fn text(&self) -> String {
        let mut place = self.file.clone();
        if self.line > 0 {
            place.push_str(&format!(" {}行", self.line));
        }
        if !self.field.is_empty() {
            place.push_str(&format!(" {}", self.field));
        }
        if place.is_empty() {
            self.message.clone()
        } else {
            format!("{place}: {}", self.message)
        }
    }
}
