//! What can be seen or done, in words that stay the same in files, exports and years.

use minicbor::{Decode, Encode};

/// What somebody saw or did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Deed {
    /// サインイン
    #[n(0)]
    SignedIn,
    /// サインアウト
    #[n(1)]
    SignedOut,
    /// 画面の消去（離席）
    #[n(2)]
    Cleared,
    /// 一覧を見た
    #[n(3)]
    Listed,
    /// 検索した
    #[n(4)]
    Searched,
    /// カルテを開いた
    #[n(5)]
    Opened,
    /// 印刷した
    #[n(6)]
    Printed,
    /// 書き出した
    #[n(7)]
    Exported,
    /// 緊急封筒を開けた
    #[n(8)]
    EnvelopeOpened,
    /// 緊急封筒の使用を終えた
    #[n(9)]
    EnvelopeClosed,
    /// 利用者を登録・変更した
    #[n(10)]
    Granted,
    /// 利用者を止めた
    #[n(11)]
    Disabled,
    /// パスワード・バッジを再発行した
    #[n(12)]
    Reset,
    /// 停止を宣言・確認・終了した
    #[n(13)]
    Declared,
    /// 設定を変えた
    #[n(14)]
    Configured,
    /// 時計が跳んだ
    #[n(15)]
    ClockJumped,
    /// 保守の作業
    #[n(16)]
    Maintained,
    /// 監査の記録を見た
    #[n(17)]
    AuditRead,
    /// 監査の記録を確認した
    #[n(18)]
    Reviewed,
    /// 廃棄・消去した
    #[n(19)]
    Destroyed,
    /// 監査の記録が書けない間に行われた
    #[n(20)]
    Degraded,
    /// この端末で一時ロックになった
    #[n(21)]
    LockedOut,
    /// 患者番号を結び付けた・外した
    #[n(22)]
    Linked,
    /// 戻った用紙のスキャンを取り込んだ・見た
    #[n(23)]
    Filed,
}

/// How somebody had proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Encode, Decode)]
#[cbor(index_only)]
pub enum Method {
    /// Nobody was signed in.
    #[n(0)]
    #[default]
    Nobody,
    /// パスワード
    #[n(1)]
    Password,
    /// バッジとパスワード
    #[n(2)]
    BadgeAndPassword,
    /// 緊急封筒
    #[n(3)]
    Envelope,
    /// The program itself.
    #[n(4)]
    Program,
}

/// With what outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Outcome {
    /// 成功
    #[n(0)]
    Done,
    /// 拒否: not allowed, wrong password.
    #[n(1)]
    Refused,
    /// 失敗: allowed, but it did not work.
    #[n(2)]
    Failed,
}

impl Deed {
    /// Every deed.
    pub const ALL: [Self; 24] = [
        Self::SignedIn,
        Self::SignedOut,
        Self::Cleared,
        Self::Listed,
        Self::Searched,
        Self::Opened,
        Self::Printed,
        Self::Exported,
        Self::EnvelopeOpened,
        Self::EnvelopeClosed,
        Self::Granted,
        Self::Disabled,
        Self::Reset,
        Self::Declared,
        Self::Configured,
        Self::ClockJumped,
        Self::Maintained,
        Self::AuditRead,
        Self::Reviewed,
        Self::Destroyed,
        Self::Degraded,
        Self::LockedOut,
        Self::Linked,
        Self::Filed,
    ];

    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::SignedIn => "sign-in",
            Self::SignedOut => "sign-out",
            Self::Cleared => "screen-cleared",
            Self::Listed => "list",
            Self::Searched => "search",
            Self::Opened => "open",
            Self::Printed => "print",
            Self::Exported => "export",
            Self::EnvelopeOpened => "envelope-opened",
            Self::EnvelopeClosed => "envelope-closed",
            Self::Granted => "grant",
            Self::Disabled => "disable",
            Self::Reset => "reset",
            Self::Declared => "declare",
            Self::Configured => "configure",
            Self::ClockJumped => "clock-jump",
            Self::Maintained => "maintain",
            Self::AuditRead => "audit-read",
            Self::Reviewed => "review",
            Self::Destroyed => "destroy",
            Self::Degraded => "degraded",
            Self::LockedOut => "lock-out",
            Self::Linked => "link",
            Self::Filed => "file-scans",
        }
    }

    /// サインイン 閲覧 検索 …
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::SignedIn => "サインイン",
            Self::SignedOut => "サインアウト",
            Self::Cleared => "画面の消去",
            Self::Listed => "一覧",
            Self::Searched => "検索",
            Self::Opened => "閲覧",
            Self::Printed => "印刷",
            Self::Exported => "書き出し",
            Self::EnvelopeOpened => "緊急封筒の開封",
            Self::EnvelopeClosed => "緊急封筒の終了",
            Self::Granted => "利用者の登録・変更",
            Self::Disabled => "利用者の停止",
            Self::Reset => "再発行",
            Self::Declared => "停止の宣言",
            Self::Configured => "設定の変更",
            Self::ClockJumped => "時計の跳び",
            Self::Maintained => "保守作業",
            Self::AuditRead => "監査の閲覧",
            Self::Reviewed => "監査の確認",
            Self::Destroyed => "廃棄",
            Self::Degraded => "監査の欠け",
            Self::LockedOut => "一時ロック",
            Self::Linked => "患者番号の結び付け",
            Self::Filed => "スキャンの取り込み",
        }
    }

    /// The reverse of [`Self::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.word() == word)
    }
}

impl Method {
    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Password => "password",
            Self::BadgeAndPassword => "badge-and-password",
            Self::Envelope => "envelope",
            Self::Program => "program",
        }
    }
}

impl Outcome {
    /// Stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// 成功 拒否 失敗
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Done => "成功",
            Self::Refused => "拒否",
            Self::Failed => "失敗",
        }
    }
}
