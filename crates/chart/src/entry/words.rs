//! What every act is called, who may read it, and what it points back to.

use super::{Act, EntryId};

impl Act {
    /// Stable machine word for exports and logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::CheckedIn(_) => "check-in",
            Self::CheckInUndone { .. } => "check-in-undone",
            Self::NoteSigned(_) => "note",
            Self::NoteCorrected { .. } => "note-correction",
            Self::AppointmentProvisional(_) => "appointment-provisional",
            Self::AppointmentCancelled { .. } => "appointment-cancelled",
            Self::TemporaryRegistered(_) => "temporary-patient",
            Self::Printed { .. } => "printed",
            Self::DowntimeDeclared(_) => "downtime-declared",
            Self::DowntimeEnded { .. } => "downtime-ended",
            Self::EnteredInEhr { .. } => "entered-in-ehr",
            Self::DowntimeConfirmed { .. } => "downtime-confirmed",
            Self::EnvelopeOpened(_) => "envelope-opened",
            Self::EnvelopeClosed { .. } => "envelope-closed",
            Self::UserDisabled { .. } => "user-disabled",
            Self::LinkProposed(_) => "link-proposed",
            Self::LinkConfirmed { .. } => "link-confirmed",
            Self::LinkUndone { .. } => "link-undone",
            Self::ConflictSettled { .. } => "conflict-settled",
            Self::Prescribed(_) => "prescription",
            Self::PrescriptionVoided { .. } => "prescription-voided",
            Self::Ordered(_) => "order",
            Self::OrderVoided { .. } => "order-voided",
            Self::PaymentDeferred(_) => "payment-deferred",
            Self::PaymentUndone { .. } => "payment-undone",
            Self::SheetVoided { .. } => "sheet-voided",
            Self::SheetsIssued(_) => "sheets-issued",
            Self::SheetReturned(_) => "sheet-returned",
            Self::SheetNamed(_) => "sheet-named",
            Self::NotebookRead(_) => "notebook-read",
            Self::NotebookDiscarded { .. } => "notebook-discarded",
        }
    }

    /// Acts that every station must read with nobody signed in: signed, never sealed, never about a patient.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(
            self,
            Self::DowntimeDeclared(_)
                | Self::DowntimeConfirmed { .. }
                | Self::DowntimeEnded { .. }
                | Self::EnvelopeOpened(_)
                | Self::EnvelopeClosed { .. }
                | Self::UserDisabled { .. }
        )
    }

    /// The entry this one points back to, if it points to one.
    #[must_use]
    pub const fn points_back(&self) -> Option<&EntryId> {
        match self {
            Self::CheckInUndone { entry, .. }
            | Self::NoteCorrected { entry, .. }
            | Self::AppointmentCancelled { entry, .. }
            | Self::DowntimeEnded { entry, .. }
            | Self::DowntimeConfirmed { entry }
            | Self::EnvelopeClosed { entry, .. }
            | Self::LinkConfirmed { entry }
            | Self::LinkUndone { entry, .. }
            | Self::PrescriptionVoided { entry, .. }
            | Self::OrderVoided { entry, .. }
            | Self::PaymentUndone { entry, .. }
            | Self::NotebookDiscarded { entry, .. }
            | Self::EnteredInEhr { entry, .. } => Some(entry),
            _ => None,
        }
    }

    /// 受付 記録 訂正 仮予約 …
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match self {
            Self::CheckedIn(_) => "受付",
            Self::CheckInUndone { .. } => "受付の取消",
            Self::NoteSigned(_) => "記録",
            Self::NoteCorrected { .. } => "記録の訂正",
            Self::AppointmentProvisional(_) => "仮予約",
            Self::AppointmentCancelled { .. } => "仮予約の取消",
            Self::TemporaryRegistered(_) => "仮患者登録",
            Self::Printed { .. } => "印刷",
            Self::DowntimeDeclared(_) => "停止の宣言",
            Self::DowntimeEnded { .. } => "停止の終了",
            Self::EnteredInEhr { .. } => "事後入力",
            Self::DowntimeConfirmed { .. } => "停止の宣言の確認",
            Self::EnvelopeOpened(_) => "緊急封筒の開封",
            Self::EnvelopeClosed { .. } => "緊急封筒の使用終了",
            Self::UserDisabled { .. } => "利用者の停止",
            Self::LinkProposed(_) => "患者番号の結び付けの提案",
            Self::LinkConfirmed { .. } => "患者番号の結び付けの確認",
            Self::LinkUndone { .. } => "患者番号の結び付けの取消",
            Self::ConflictSettled { .. } => "食い違いの確認",
            Self::Prescribed(_) => "処方",
            Self::PrescriptionVoided { .. } => "処方の無効",
            Self::Ordered(_) => "検査・処置の依頼",
            Self::OrderVoided { .. } => "依頼の取消",
            Self::PaymentDeferred(_) => "後日精算",
            Self::PaymentUndone { .. } => "後日精算の取消",
            Self::SheetVoided { .. } => "用紙を使用せず",
            Self::SheetsIssued(_) => "用紙の発行簿",
            Self::SheetReturned(_) => "用紙の回収",
            Self::SheetNamed(_) => "白紙の用紙の氏名",
            Self::NotebookRead(_) => "お薬手帳の読み取り",
            Self::NotebookDiscarded { .. } => "お薬手帳の読み取りの取消",
        }
    }
}
