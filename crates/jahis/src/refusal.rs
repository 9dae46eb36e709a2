//! Why something cannot be written into a symbol: which box, and what a person can do.

use thiserror::Error;

/// One box that cannot be written as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {reason}")]
pub struct FieldFault {
    /// The box, with its Rp where there is one: `Rp2 薬品名`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Nothing is written, because a symbol that says less than the paper would be believed. The paper is valid without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<FieldFault>);

impl std::error::Error for Refused {}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("2次元シンボルにできない項目があります。")?;
        for fault in &self.0 {
            write!(f, "{fault}。")?;
        }
        f.write_str("紙はシンボルなしで有効です。書き直すか、シンボルなしで印刷してください。")
    }
}

/// Collects faults, so that all of them are told at once.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldFault>);

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.0.push(FieldFault {
            field: field.into(),
            reason: reason.into(),
        });
    }

    /// `value` when nothing was wrong.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Refused> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(Refused(self.0))
        }
    }
}
