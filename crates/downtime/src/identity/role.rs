//! Occupations: under which somebody acts, what they may do, and whose charts their keys open unless told otherwise.
//!
//! What a role may *see* is decided by the keys its scope gets at sealing; which screens it has, by the desk's table.

use minicbor::{Decode, Encode};

use super::Scope;

/// Occupation under which somebody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// 受付・医事
    #[n(0)]
    Reception,
    /// 医師
    #[n(1)]
    Physician,
    /// 医療情報担当
    #[n(2)]
    Informatics,
    /// 看護師
    #[n(3)]
    Nurse,
    /// 臨床検査
    #[n(4)]
    Laboratory,
    /// 放射線
    #[n(5)]
    Radiology,
    /// 薬剤師
    #[n(6)]
    Pharmacy,
    /// 会計
    #[n(7)]
    Accounting,
    /// 個人情報保護責任者
    #[n(8)]
    PrivacyOfficer,
    /// 指揮者（病院長・災害対策本部）
    #[n(9)]
    Commander,
    /// 記録係
    #[n(10)]
    Recorder,
    /// 照合担当
    #[n(11)]
    Reconciler,
    /// 監査
    #[n(12)]
    Auditor,
    /// 保守（院外の作業者を含む）: never holds a patient's key.
    #[n(13)]
    Maintenance,
    /// 緊急封筒: whoever opened a sealed envelope.
    #[n(14)]
    BreakGlass,
}

/// Who orders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordering {
    /// Not this role.
    No,
    /// In their own name.
    Own,
    /// On the word of a physician, who is named on the sheet.
    OnWord,
}

/// What a role may do with the charts of its scope. The bits stand in every sealed ring (security.md §8).
pub mod verb {
    /// See lists and search.
    pub const LIST: u32 = 1;
    /// Open a chart.
    pub const READ: u32 = 1 << 1;
    /// Record entries about a patient.
    pub const RECORD: u32 = 1 << 2;
    /// Print.
    pub const PRINT: u32 = 1 << 3;
    /// Write entries out for the EHR.
    pub const EXPORT: u32 = 1 << 4;
    /// Propose or confirm that a temporary patient is a patient of the EHR.
    pub const LINK: u32 = 1 << 5;
    /// Work through what must be entered afterwards.
    pub const RECONCILE: u32 = 1 << 6;
}

use verb::{EXPORT, LINK, LIST, PRINT, READ, RECONCILE, RECORD};

impl Role {
    /// Every role, in the order of its number in files.
    pub const ALL: [Self; 15] = [
        Self::Reception,
        Self::Physician,
        Self::Informatics,
        Self::Nurse,
        Self::Laboratory,
        Self::Radiology,
        Self::Pharmacy,
        Self::Accounting,
        Self::PrivacyOfficer,
        Self::Commander,
        Self::Recorder,
        Self::Reconciler,
        Self::Auditor,
        Self::Maintenance,
        Self::BreakGlass,
    ];

    /// Stable word for files, entries and exports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Reception => "reception",
            Self::Physician => "physician",
            Self::Informatics => "informatics",
            Self::Nurse => "nurse",
            Self::Laboratory => "laboratory",
            Self::Radiology => "radiology",
            Self::Pharmacy => "pharmacy",
            Self::Accounting => "accounting",
            Self::PrivacyOfficer => "privacy-officer",
            Self::Commander => "commander",
            Self::Recorder => "recorder",
            Self::Reconciler => "reconciler",
            Self::Auditor => "auditor",
            Self::Maintenance => "maintenance",
            Self::BreakGlass => "break-glass",
        }
    }

    /// 受付 医師 医療情報 …
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reception => "受付",
            Self::Physician => "医師",
            Self::Informatics => "医療情報",
            Self::Nurse => "看護師",
            Self::Laboratory => "検査",
            Self::Radiology => "放射線",
            Self::Pharmacy => "薬剤師",
            Self::Accounting => "会計",
            Self::PrivacyOfficer => "個人情報保護責任者",
            Self::Commander => "指揮者",
            Self::Recorder => "記録係",
            Self::Reconciler => "照合担当",
            Self::Auditor => "監査",
            Self::Maintenance => "保守",
            Self::BreakGlass => "緊急封筒",
        }
    }

    /// The reverse of [`Self::word`]; the Japanese label is understood too.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.word() == word || role.label() == word)
    }

    /// What this role may do with the charts of its scope ([`verb`]).
    #[must_use]
    pub const fn verbs(self) -> u32 {
        match self {
            Self::Reception => LIST | READ | RECORD | PRINT | LINK | RECONCILE,
            Self::Physician => LIST | READ | RECORD | PRINT | LINK,
            Self::Informatics => LIST | READ | PRINT | EXPORT | RECONCILE,
            Self::Nurse | Self::Laboratory | Self::Radiology | Self::Pharmacy | Self::BreakGlass => {
                LIST | READ | RECORD | PRINT
            }
            Self::Accounting => LIST | RECORD | PRINT | RECONCILE,
            Self::Reconciler => LIST | READ | PRINT | EXPORT | LINK | RECONCILE,
            Self::PrivacyOfficer | Self::Commander | Self::Recorder | Self::Auditor | Self::Maintenance => 0,
        }
    }

    /// Whether this role orders examinations, injections and treatments, and on whose word.
    #[must_use]
    pub const fn ordering(self) -> Ordering {
        match self {
            Self::Physician => Ordering::Own,
            Self::Nurse => Ordering::OnWord,
            _ => Ordering::No,
        }
    }

    /// Roles that never get a compartment key, whatever scope somebody asks for: they lead, write down or look at what
    /// others did, but open no chart.
    #[must_use]
    pub const fn opens_no_chart(self) -> bool {
        self.verbs() == 0
    }

    /// Roles that read the audit log.
    #[must_use]
    pub const fn reads_audit(self) -> bool {
        matches!(self, Self::PrivacyOfficer | Self::Auditor)
    }

    /// Whose charts, unless the roster says otherwise.
    #[must_use]
    pub const fn usual_scope(self) -> Scope {
        if self.opens_no_chart() {
            Scope::Nothing
        } else {
            Scope::All
        }
    }
}
