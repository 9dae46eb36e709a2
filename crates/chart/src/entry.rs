//! What a person recorded during a downtime. Immutable: a correction is another entry that points back.
//!
//! An entry does not know its own number: the journal's hash of the record is its [`EntryId`].

use jiff::civil::{Date, Time};
use minicbor::{Decode, Encode};

use crate::as_of::Moment;
use crate::id::{Coded, FormId, PatientId, StationCode, TemporaryId};
use crate::known::Known;
use crate::language::PaperLanguage;
use crate::note::Section;
use crate::patient::{Name, Sex};

mod bytes;
mod custody;
mod entry_id;
mod notebook;
mod ordered;
mod paper;
mod payment;
mod prescribed;
mod words;

pub use bytes::{ENTRY_VERSION, EntryFault, MAX_ENTRY_BYTES};
pub use custody::{EnvelopeOpened, Link};
pub use entry_id::EntryId;
pub use notebook::{MAX_NOTEBOOK_BYTES, MAX_NOTEBOOK_PIECES, NotebookPiece, NotebookRead, NotebookWay};
pub use ordered::Ordered;
pub use paper::{MAX_PAGES_BACK, MAX_SHEETS_OF_ONE, PageBack, SheetNamed, SheetOut, SheetReturned, SheetsIssued};
pub use payment::{CareItem, MAX_DEPOSIT, MAX_PAYMENT_TEXT, MAX_SERVICES, PaymentDeferred, read_yen, yen};
pub use prescribed::Prescribed;

/// Who acts: the person signed in and the occupation under which they act.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Encode, Decode)]
pub struct Author {
    /// 職員番号
    #[n(0)]
    pub user: String,
    /// Name as shown.
    #[n(1)]
    pub name: String,
    /// Role word: `reception`, `physician`, `informatics` …
    #[n(2)]
    pub role: String,
}

/// About whom.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Subject {
    /// A patient of the EHR.
    #[n(0)]
    Patient(#[n(0)] PatientId),
    /// A temporary patient.
    #[n(1)]
    Temporary(#[n(0)] TemporaryId),
    /// The hospital as a whole: declarations and the like.
    #[n(2)]
    Hospital,
}

impl Subject {
    /// The number as written, or empty for the hospital.
    #[must_use]
    pub fn number(&self) -> &str {
        match self {
            Self::Patient(id) => id.as_str(),
            Self::Temporary(id) => id.as_str(),
            Self::Hospital => "",
        }
    }

    /// For screens and bar codes.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Patient(id) => id.shown(),
            Self::Temporary(id) => id.to_string(),
            Self::Hospital => String::new(),
        }
    }
}

/// One thing one person recorded at one station.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Entry {
    /// Who.
    #[n(0)]
    pub by: Author,
    /// 記載日時 by the station's clock. Order never depends on it.
    #[n(1)]
    pub written_at: Moment,
    /// Where.
    #[n(2)]
    pub station: StationCode,
    /// About whom.
    #[n(3)]
    pub subject: Subject,
    /// What.
    #[n(4)]
    pub act: Act,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Act {
    /// 受付
    #[n(0)]
    CheckedIn(#[n(0)] CheckIn),
    /// 受付の取消 (within seconds, or with a reason later)
    #[n(1)]
    CheckInUndone {
        /// The check-in that is taken back.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 記録の署名
    #[n(2)]
    NoteSigned(#[n(0)] SignedNote),
    /// 記録の訂正: the whole note again, with the reason; both stay readable.
    #[n(3)]
    NoteCorrected {
        /// The note (or earlier correction) that is corrected.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
        /// The note as it should read.
        #[n(2)]
        note: SignedNote,
    },
    /// 仮予約
    #[n(4)]
    AppointmentProvisional(#[n(0)] ProvisionalAppointment),
    /// 仮予約の取消
    #[n(5)]
    AppointmentCancelled {
        /// The provisional appointment.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 仮患者登録
    #[n(6)]
    TemporaryRegistered(#[n(0)] TemporaryPatient),
    /// 紙に出した
    #[n(7)]
    Printed {
        /// Form code, such as `F01`.
        #[n(0)]
        form: String,
        /// Number of the sheet.
        #[n(1)]
        form_id: FormId,
        /// Printed before.
        #[n(2)]
        reissue: bool,
    },
    /// 停止の宣言
    #[n(8)]
    DowntimeDeclared(#[n(0)] Declaration),
    /// 停止の終了
    #[n(9)]
    DowntimeEnded {
        /// The declaration that ends.
        #[n(0)]
        entry: EntryId,
        /// Why, or what was checked.
        #[n(1)]
        reason: String,
    },
    /// 事後入力: a person typed an entry into the EHR.
    #[n(10)]
    EnteredInEhr {
        /// What was typed in.
        #[n(0)]
        entry: EntryId,
        /// 入力日時 as the person states it.
        #[n(1)]
        at: Moment,
    },
    /// 宣言の確認: a second person confirms a 仮宣言, which then holds until it is ended.
    #[n(11)]
    DowntimeConfirmed {
        /// The declaration.
        #[n(0)]
        entry: EntryId,
    },
    /// 緊急封筒の開封
    #[n(12)]
    EnvelopeOpened(#[n(0)] EnvelopeOpened),
    /// 緊急封筒の使用終了
    #[n(13)]
    EnvelopeClosed {
        /// The opening that ends.
        #[n(0)]
        entry: EntryId,
        /// What was done, in a line.
        #[n(1)]
        reason: String,
    },
    /// 利用者の停止: takes effect on every station that hears of it, before the next sealing.
    #[n(14)]
    UserDisabled {
        /// 職員番号
        #[n(0)]
        user: String,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 仮患者と患者番号の結び付けの提案
    #[n(15)]
    LinkProposed(#[n(0)] Link),
    /// 結び付けの確認, by another person.
    #[n(16)]
    LinkConfirmed {
        /// The proposal.
        #[n(0)]
        entry: EntryId,
    },
    /// 結び付けの取消
    #[n(17)]
    LinkUndone {
        /// The proposal.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 食い違いの確認: a person looked at a conflict and says what holds.
    #[n(18)]
    ConflictSettled {
        /// The entries that disagree.
        #[n(0)]
        entries: Vec<EntryId>,
        /// What holds and why.
        #[n(1)]
        decision: String,
    },
    /// 処方箋の交付
    #[n(19)]
    Prescribed(#[n(0)] Box<Prescribed>),
    /// 処方箋の無効: the sheet is taken back.
    #[n(20)]
    PrescriptionVoided {
        /// The prescription.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 検査・処置の依頼
    #[n(21)]
    Ordered(#[n(0)] Box<Ordered>),
    /// 依頼の取消: the sheet is taken back.
    #[n(22)]
    OrderVoided {
        /// The order.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// お薬手帳の読み取り
    #[n(25)]
    NotebookRead(#[n(0)] Box<NotebookRead>),
    /// お薬手帳の読み取りの取消: it was another person's, or read wrongly.
    #[n(26)]
    NotebookDiscarded {
        /// The reading.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 会計の後日精算
    #[n(23)]
    PaymentDeferred(#[n(0)] Box<PaymentDeferred>),
    /// 後日精算の取消
    #[n(24)]
    PaymentUndone {
        /// What is taken back.
        #[n(0)]
        entry: EntryId,
        /// Why.
        #[n(1)]
        reason: String,
    },
    /// 用紙を使用せずとした: it will not come back. The subject is the sheet's, so that a number given to two people stays clear.
    #[n(28)]
    SheetVoided {
        /// 帳票番号
        #[n(0)]
        form_id: FormId,
        /// Why, and where the paper is.
        #[n(1)]
        reason: String,
    },
    /// 発行簿: sheets of a printed pack, whose no other entry says.
    #[n(40)]
    SheetsIssued(#[n(0)] Box<SheetsIssued>),
    /// 用紙が戻った
    #[n(41)]
    SheetReturned(#[n(0)] Box<SheetReturned>),
    /// 白紙の用紙がだれのものか
    #[n(42)]
    SheetNamed(#[n(0)] Box<SheetNamed>),
}

/// 受付.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CheckIn {
    /// 受付番号: station letter and sequence, `A-127`.
    #[n(0)]
    pub number: String,
    /// 受診票番号: the visit's number in bar codes.
    #[n(1)]
    pub visit: FormId,
    /// 診療科
    #[n(2)]
    pub department: Coded,
    /// 担当医
    #[n(3)]
    #[cbor(default)]
    pub doctor: Coded,
    /// Booked time; `None` for 予約外 or 時間未定.
    #[cbor(n(4), with = "crate::codec::maybe_time", default)]
    pub booked_at: Option<Time>,
    /// 予約外
    #[n(5)]
    #[cbor(default)]
    pub unbooked: bool,
    /// The clerk confirmed that the person said name and birth date.
    #[n(6)]
    pub identity_confirmed: bool,
    /// マイナ保険証・資格確認書を見た
    #[n(7)]
    #[cbor(default)]
    pub insurance_seen: bool,
    /// 用紙のことば, where somebody chose at the desk.
    #[n(8)]
    #[cbor(default)]
    pub paper_language: Option<PaperLanguage>,
}

/// A note written in the downtime.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct SignedNote {
    /// 診療科
    #[n(0)]
    pub department: Coded,
    /// S O A P or free text.
    #[n(1)]
    pub sections: Vec<Section>,
    /// 体温 血圧 脈拍 SpO₂ 体重 as typed: label and value with unit.
    #[n(2)]
    #[cbor(default)]
    pub vitals: Vec<(String, String)>,
    /// 「紙に書いた」: the text is on the sheet, the work list waits for it.
    #[n(3)]
    #[cbor(default)]
    pub on_paper: bool,
}

/// 仮予約: never a confirmed slot.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct ProvisionalAppointment {
    /// Day.
    #[cbor(n(0), with = "crate::codec::date")]
    pub on: Date,
    /// Time; `None` for 「日時は後日お電話します」 within that week.
    #[cbor(n(1), with = "crate::codec::maybe_time")]
    pub at: Option<Time>,
    /// 診療科
    #[n(2)]
    pub department: Coded,
    /// 担当医
    #[n(3)]
    #[cbor(default)]
    pub doctor: Coded,
    /// 目的
    #[n(4)]
    #[cbor(default)]
    pub purpose: String,
    /// 当日の検査・準備
    #[n(5)]
    #[cbor(default)]
    pub exams: String,
    /// Phone to call when the slot cannot be kept.
    #[n(6)]
    #[cbor(default)]
    pub phone: String,
    /// 用紙のことば, where somebody chose.
    #[n(7)]
    #[cbor(default)]
    pub paper_language: Option<PaperLanguage>,
}

/// 仮患者.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct TemporaryPatient {
    /// 仮番号
    #[n(0)]
    pub id: TemporaryId,
    /// 氏名・カナ氏名; 「氏名不明」 where nobody knows.
    #[n(1)]
    pub name: Name,
    /// 生年月日
    #[cbor(n(2), with = "crate::codec::maybe_date")]
    pub birth: Option<Date>,
    /// 推定年齢, as typed (推定60代), when the birth date is unknown.
    #[n(3)]
    #[cbor(default)]
    pub estimated_age: String,
    /// 性別
    #[n(4)]
    pub sex: Sex,
    /// 電話
    #[n(5)]
    #[cbor(default)]
    pub phone: String,
    /// 来院理由: 初診 救急 見つからない
    #[n(6)]
    #[cbor(default)]
    pub reason: String,
    /// アレルギー as said at the desk.
    #[n(7)]
    pub allergies: Known<Vec<crate::Allergy>>,
    /// 特徴・所持品 of an unknown person.
    #[n(8)]
    #[cbor(default)]
    pub remarks: String,
    /// 診療科 to which the person goes.
    #[n(9)]
    #[cbor(default)]
    pub department: Coded,
}

/// 停止の宣言.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Declaration {
    /// 仮宣言 (30 minutes, any responsible person) or 宣言.
    #[n(0)]
    pub provisional: bool,
    /// 訓練
    #[n(1)]
    #[cbor(default)]
    pub drill: bool,
    /// Since when the EHR has been silent, as far as known: the moment to which 「停止の15分前」 refers.
    #[n(2)]
    pub stopped_at: Moment,
    /// Why.
    #[n(3)]
    pub reason: String,
}
