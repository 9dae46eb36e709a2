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

/// The version that [`Chart::to_shared_bytes`] writes: データ時点 stands beside the records, not in them.
pub const SHARED_VERSION: u8 = 2;

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
    /// The record leaves its データ時点 to a list that has no such place: shown without it, it would look current.
    #[error("このカルテ記録のデータ時点がありません（{0} 番）。封印済みデータが壊れています")]
    NoTime(u32),
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

    /// As [`Self::to_bytes`], but without データ時点: it is the `place`-th of a list that is kept beside the records. So a chart in
    /// which nothing has changed has the same bytes after every extract, and its データ時点 goes on all the same.
    ///
    /// # Errors
    /// [`ChartFault::TooLarge`] above [`MAX_CHART_BYTES`].
    pub fn to_shared_bytes(&mut self, place: u32, out: &mut Vec<u8>) -> Result<(), ChartFault> {
        out.clear();
        out.push(SHARED_VERSION);
        minicbor::encode(place, &mut *out)?;
        let as_of = std::mem::take(&mut self.as_of);
        let written = minicbor::encode(&*self, &mut *out);
        self.as_of = as_of;
        written?;
        if out.len() > MAX_CHART_BYTES {
            Err(ChartFault::TooLarge(out.len()))
        } else {
            Ok(())
        }
    }

    /// Since when something could not be fetched is when that was first found: for comparing with an earlier chart, these moments are
    /// made alike. False when there are none.
    pub fn forget_since(&mut self) -> bool {
        fn forget<T>(known: &mut Known<T>) -> bool {
            if let Known::Unavailable { since: Some(since) } = known {
                *since = crate::Moment::default();
                return true;
            }
            false
        }
        let mut any = forget(&mut self.allergies) | forget(&mut self.diagnoses);
        any |= forget(&mut self.notes) | forget(&mut self.prescriptions);
        any |= forget(&mut self.results) | forget(&mut self.insurances);
        if let Some(stay) = &mut self.stay {
            any |= forget(&mut stay.medicines) | forget(&mut stay.injections);
            any |= forget(&mut stay.vitals) | forget(&mut stay.handovers);
        }
        any
    }

    /// Reads what [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`ChartFault`] when the bytes are empty, too many, of a newer version, or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ChartFault> {
        Self::from_record(bytes, &[])
    }

    /// Reads what [`Self::to_bytes`] or [`Self::to_shared_bytes`] wrote; `vouched` is the list beside the records.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], and [`ChartFault::NoTime`] when the list does not say how old the chart is.
    pub fn from_record(bytes: &[u8], vouched: &[AsOf]) -> Result<Self, ChartFault> {
        if bytes.len() > MAX_CHART_BYTES {
            return Err(ChartFault::TooLarge(bytes.len()));
        }
        match bytes.split_first() {
            None => Err(ChartFault::Empty),
            Some((&CHART_VERSION, rest)) => Ok(minicbor::decode(rest)?),
            Some((&SHARED_VERSION, rest)) => {
                let mut decoder = minicbor::Decoder::new(rest);
                let place = decoder.u32()?;
                let as_of = usize::try_from(place).ok().and_then(|place| vouched.get(place));
                let as_of = as_of.ok_or(ChartFault::NoTime(place))?.clone();
                Ok(Self {
                    as_of,
                    ..decoder.decode()?
                })
            }
            Some((&version, _)) => Err(ChartFault::NewerVersion(version)),
        }
    }
}
