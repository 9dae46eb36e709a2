//! One patient as the bedside needs them: everything a snapshot holds about a person.
//!
//! A `Chart` is what the EHR said. What staff did since lies in entries and is laid over it as a view, never stored here.

use minicbor::{Decode, Encode};

use crate::allergy::Allergy;
use crate::as_of::{AsOf, DataKind};
use crate::coverage::Coverage;
use crate::diagnosis::Diagnosis;
use crate::finding::Finding;
use crate::known::Known;
use crate::medication::Prescription;
use crate::note::Note;
use crate::patient::Patient;
use crate::result::LabResult;
use crate::stay::Stay;
use crate::visit::{Appointment, ExamOrder};

/// The version of the record layout that [`Chart::to_bytes`] writes.
pub const CHART_VERSION: u8 = 1;

/// Largest encoded chart accepted, in bytes. A patient with fifteen diagnoses, fifteen drugs and a long note needs 20 KiB.
pub const MAX_CHART_BYTES: usize = 4 << 20;

/// One patient: who, what is booked, what is known.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Chart {
    /// 患者基本
    #[n(0)]
    pub patient: Patient,
    /// 予約 of the snapshot's days, earliest first.
    #[n(1)]
    pub appointments: Vec<Appointment>,
    /// 検査予約, earliest first.
    #[n(2)]
    pub orders: Vec<ExamOrder>,
    /// アレルギー・禁忌
    #[n(3)]
    pub allergies: Known<Vec<Allergy>>,
    /// 病名
    #[n(4)]
    pub diagnoses: Known<Vec<Diagnosis>>,
    /// 診療録, newest first.
    #[n(5)]
    pub notes: Known<Vec<Note>>,
    /// 処方, newest first.
    #[n(6)]
    pub prescriptions: Known<Vec<Prescription>>,
    /// 検体検査結果, newest first; stored in columns.
    #[cbor(n(7), with = "crate::codec::results")]
    pub results: Known<Vec<LabResult>>,
    /// データ時点
    #[n(8)]
    pub as_of: AsOf,
    /// What is wrong or missing about this patient.
    #[n(9)]
    #[cbor(default)]
    pub findings: Vec<Finding>,
    /// Only identity and coming appointments were extracted (予約14日一覧): the clinical parts are `Unavailable`.
    #[n(10)]
    #[cbor(default)]
    pub thin: bool,
    /// 保険, as the source orders them; records from before it was extracted say that it could not be fetched.
    #[n(12)]
    #[cbor(default)]
    pub insurances: Known<Vec<Coverage>>,
    /// 入院, for who is in a bed now.
    #[n(11)]
    #[cbor(default)]
    pub stay: Option<Stay>,
    /// 出所: from which of the hospital's sources each kind of data was taken; empty where there is only one.
    #[n(13)]
    #[cbor(default)]
    pub origins: Vec<(DataKind, String)>,
}

/// Why a chart's bytes could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ChartFault {
    /// Written by a newer program.
    #[error("このカルテ記録は新しい版（{0}）で書かれています。プログラムを更新してください")]
    NewerVersion(u8),
    /// More than [`MAX_CHART_BYTES`].
    #[error("カルテ記録が大きすぎます（{0} バイト）")]
    TooLarge(usize),
    /// Not a chart.
    #[error("カルテ記録を読めません: {0}")]
    Unreadable(#[from] minicbor::decode::Error),
    /// Cannot be written: a field refused to encode.
    #[error("カルテ記録を書けません: {0}")]
    Unwritable(#[from] minicbor::encode::Error<std::convert::Infallible>),
    /// Empty input.
    #[error("カルテ記録が空です")]
    Empty,
}

impl Chart {
    /// Version byte, then CBOR. `out` is cleared first so that a caller can reuse it for many charts.
    ///
    /// # Errors
    /// [`ChartFault::TooLarge`] above [`MAX_CHART_BYTES`].
    pub fn to_bytes(&self, out: &mut Vec<u8>) -> Result<(), ChartFault> {
        out.clear();
        out.push(CHART_VERSION);
        minicbor::encode(self, &mut *out)?;
        if out.len() > MAX_CHART_BYTES {
            Err(ChartFault::TooLarge(out.len()))
        } else {
            Ok(())
        }
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ChartFault`] when the bytes are empty, too many, of a newer version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChartFault> {
        if bytes.len() > MAX_CHART_BYTES {
            return Err(ChartFault::TooLarge(bytes.len()));
        }
        match bytes.split_first() {
            None => Err(ChartFault::Empty),
            Some((&CHART_VERSION, rest)) => Ok(minicbor::decode(rest)?),
            Some((&version, _)) => Err(ChartFault::NewerVersion(version)),
        }
    }
}
