//! How a station's program stands, as a value and in words: for receipts, the fleet screen, `doctor` and the log.
//!
//! Pure. Screens take key and values and say them in the reader's language; [`Standing::text`] is for logs and the command line.

use chart::Moment;
use minicbor::{Decode, Encode};

use super::ProgramVersion;

/// When a station's turn comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// First: the wards and stations that were named.
    First,
    /// One in ten.
    Tenth,
    /// Everybody.
    All,
}

/// Why a station does not take a version now.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Waiting {
    /// Its turn comes then.
    #[n(0)]
    Turn(#[n(0)] Moment),
    /// Only in the hours that the hospital allows.
    #[n(1)]
    Hours,
    /// A downtime is declared.
    #[n(2)]
    Declared,
    /// The mode is not 通常.
    #[n(3)]
    Mode,
    /// A drill runs.
    #[n(4)]
    Drill,
    /// Somebody paused it.
    #[n(5)]
    Paused(#[n(0)] String),
    /// The program was not started by its service, which alone can change over.
    #[n(6)]
    NoService,
}

/// How a station's program stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Standing {
    /// Nothing newer is wanted.
    #[n(0)]
    Current,
    /// No keys are trusted here: versions are put in by hand.
    #[n(1)]
    NotSetUp,
    /// A newer one is wanted and not here yet.
    #[n(2)]
    Wanted(#[n(0)] ProgramVersion, #[n(1)] Waiting),
    /// It is being fetched: percent.
    #[n(3)]
    Fetching(#[n(0)] ProgramVersion, #[n(1)] u8),
    /// It is here, verified, and waits.
    #[n(4)]
    Prepared(#[n(0)] ProgramVersion, #[n(1)] Waiting),
    /// It runs on trial.
    #[n(5)]
    Trying(#[n(0)] ProgramVersion),
    /// It did not come up, and the program before it runs again.
    #[n(6)]
    WentBack(#[n(0)] ProgramVersion, #[n(1)] Moment, #[n(2)] String),
    /// It was refused before it ran.
    #[n(7)]
    Refused(#[n(0)] ProgramVersion, #[n(1)] Moment, #[n(2)] String),
    /// Its time was over before it was taken.
    #[n(8)]
    Expired(#[n(0)] ProgramVersion),
}

/// A value in a sentence, by its name in the words.
pub type Values = Vec<(&'static str, String)>;

impl Standing {
    /// True where somebody should look: it went back, or was refused.
    #[must_use]
    pub const fn needs_a_look(&self) -> bool {
        matches!(self, Self::WentBack(..) | Self::Refused(..) | Self::Expired(_))
    }

    /// Key of the words (`crates/desk/words`), with its values.
    #[must_use]
    pub fn said(&self) -> (&'static str, Values) {
        let version = |v: &ProgramVersion| ("version", v.to_string());
        match self {
            Self::Current => ("update-current", Vec::new()),
            Self::NotSetUp => ("update-not-set-up", Vec::new()),
            Self::Wanted(v, waiting) => {
                let (key, mut values) = waiting.said();
                values.push(version(v));
                (key, values)
            }
            Self::Fetching(v, percent) => ("update-fetching", vec![version(v), ("percent", percent.to_string())]),
            Self::Prepared(v, waiting) => {
                let (key, mut values) = waiting.said();
                values.push(version(v));
                (key, values)
            }
            Self::Trying(v) => ("update-trying", vec![version(v)]),
            Self::WentBack(v, at, why) => (
                "update-went-back",
                vec![version(v), ("at", at.text()), ("why", why.clone())],
            ),
            Self::Refused(v, at, why) => (
                "update-refused",
                vec![version(v), ("at", at.text()), ("why", why.clone())],
            ),
            Self::Expired(v) => ("update-expired", vec![version(v)]),
        }
    }

    /// The sentence in Japanese.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Current => "プログラムは新しい版です".to_owned(),
            Self::NotSetUp => "自動更新は使っていません（信頼する鍵がありません）".to_owned(),
            Self::Wanted(v, waiting) => format!("版 {v} を待っています: {}", waiting.text()),
            Self::Fetching(v, percent) => format!("版 {v} を受け取っています（{percent}%）"),
            Self::Prepared(v, waiting) => format!("版 {v} は確認済みで、切り替えを待っています: {}", waiting.text()),
            Self::Trying(v) => format!("版 {v} を試しています"),
            Self::WentBack(v, at, why) => {
                format!("版 {v} は立ち上がらず、{} に前の版へ戻りました: {why}", at.text())
            }
            Self::Refused(v, at, why) => format!("版 {v} は採用しませんでした（{}）: {why}", at.text()),
            Self::Expired(v) => format!("版 {v} の配布期限が過ぎました。今の版のまま動いています"),
        }
    }
}

impl Waiting {
    fn said(&self) -> (&'static str, Values) {
        match self {
            Self::Turn(at) => ("update-waits-turn", vec![("at", at.text())]),
            Self::Hours => ("update-waits-hours", Vec::new()),
            Self::Declared => ("update-waits-declared", Vec::new()),
            Self::Mode => ("update-waits-mode", Vec::new()),
            Self::Drill => ("update-waits-drill", Vec::new()),
            Self::Paused(why) => ("update-waits-paused", vec![("why", why.clone())]),
            Self::NoService => ("update-waits-service", Vec::new()),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Turn(at) => format!("この端末の番は {} からです", at.text()),
            Self::Hours => "診療の時間が終わってからです".to_owned(),
            Self::Declared => "停止が宣言されている間は切り替えません".to_owned(),
            Self::Mode => "「通常」に戻るまで切り替えません".to_owned(),
            Self::Drill => "訓練の間は切り替えません".to_owned(),
            Self::Paused(why) => format!("一時停止中（{why}）"),
            Self::NoService => {
                "サービスとして動いていないので切り替えられません（tomoshibi service install）".to_owned()
            }
        }
    }
}
