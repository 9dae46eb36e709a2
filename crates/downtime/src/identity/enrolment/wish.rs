//! What an officer wants of a new station, and what the program proposes for the rest. Pure.

use chart::{Moment, StationCode};

use super::{Ledger, MAX_CODE_MINUTES, Offer};
use crate::identity::ranges::{Block, Label, NODE, SMALL_BLOCK};
use crate::identity::{Roster, RosterFault};

/// Most wards or departments of one station.
pub const MAX_SERVED: usize = 50;
/// Longest code of a ward or department, address or note, in characters.
pub const MAX_WORDS: usize = 200;

/// An officer's wish. What is not said is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// Its code; of `renews`, the code whose machine is replaced.
    pub code: Option<StationCode>,
    /// What stands before its reception numbers.
    pub label: Option<Label>,
    /// These numbers and no others.
    pub block: Option<Block>,
    /// How many numbers a day, where no block is named: a whole node for a desk or hub, else [`SMALL_BLOCK`].
    pub numbers: Option<u16>,
    /// A desk that prints all day.
    pub desk: bool,
    /// A hub.
    pub hub: bool,
    /// It takes the place of the machine that has this code now.
    pub renews: bool,
    /// Wards by code.
    pub wards: Vec<String>,
    /// Departments by code.
    pub departments: Vec<String>,
    /// Where other stations reach it.
    pub address: Option<String>,
    /// Why.
    pub note: String,
    /// Minutes that the code holds; 0 for the usual.
    pub minutes: u16,
}

/// Why something about stations was not done. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// This station is no hub.
    #[error("この端末は hub ではありません。端末の登録は hub で行います。何も変えていません")]
    NoHub,
    /// Another hub keeps the roster.
    #[error(
        "名簿を変えられるのは hub {0} だけです。何も変えていません。{0} で行ってください。{0} がもう動かないときだけ、この hub で `tomoshibi station promote` を実行してください"
    )]
    KeptElsewhere(StationCode),
    /// Code, numbers or label are taken, or promised to another.
    #[error(
        "記号・番号・文字のどれかが、ほかの端末か発行中の登録コードと重なっています。何も変えていません。別のものを選んでください"
    )]
    Taken,
    /// There is no such station.
    #[error("その記号の端末は名簿にありません。何も変えていません")]
    Unknown,
    /// No numbers are left.
    #[error("渡せる番号が残っていません。何も変えていません。番号の数を減らすか、新しい記号で登録してください")]
    NoRoom,
    /// The officer wrote something that cannot be.
    #[error("{0} の書き方が違います。何も変えていません")]
    Wrong(&'static str),
    /// Nothing waits here any more: decided, expired or taken back.
    #[error(
        "この登録はもう待っていません（決まったか、期限が切れています）。何も変えていません。一覧を見直してください"
    )]
    Gone,
    /// Its fingerprint is another.
    #[error(
        "指紋が違います。登録していません。新しい端末の画面に出ている指紋を、もう一度見て比べてください。違うままなら、断って登録コードを作り直してください"
    )]
    OtherFingerprint,
    /// The hub that acts cannot take itself out.
    #[error("この hub 自身は外せません。何も変えていません")]
    Itself,
    /// Somebody else changed the roster meanwhile.
    #[error("その間に、ほかの人が名簿を変えました。何も変えていません。もう一度行ってください")]
    Changed,
    /// Too many invitations are in the file.
    #[error("登録コードが多すぎます。何も作っていません。古いものを取り消してください")]
    TooMany,
    /// Something could not be read or written.
    #[error("{0}")]
    Failed(String),
}

impl From<RosterFault> for NotDone {
    fn from(fault: RosterFault) -> Self {
        match fault {
            RosterFault::StationTaken(_) => Self::Taken,
            RosterFault::NoStation(_) => Self::Unknown,
            RosterFault::NoNumbers(_) => Self::NoRoom,
            RosterFault::KeptElsewhere(hub) => Self::KeptElsewhere(hub),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl Wish {
    /// What will be offered: the officer's words where there are any, else what nobody has and nobody was promised.
    ///
    /// # Errors
    /// [`NotDone`]: which part cannot be.
    pub fn offer(&self, roster: &Roster, ledger: &Ledger, now: Moment) -> Result<Offer, NotDone> {
        self.check()?;
        let promised: Vec<&Offer> = ledger.lively(now).map(|i| &i.offer).collect();
        let codes: Vec<StationCode> = promised.iter().map(|o| o.code).collect();
        let blocks: Vec<Block> = promised.iter().map(|o| o.block).collect();
        let labels: Vec<Label> = promised.iter().map(|o| o.label.clone()).collect();
        let old = match (self.renews, self.code) {
            (true, Some(code)) => Some(roster.station(code).ok_or(NotDone::Unknown)?),
            (true, None) => return Err(NotDone::Wrong("code")),
            (false, _) => None,
        };
        let hub = self.hub || old.is_some_and(|old| old.hub);
        let first = if hub {
            'H'
        } else if self.desk {
            'R'
        } else {
            'W'
        };
        let code = match self.code {
            Some(code) if codes.contains(&code) => return Err(NotDone::Taken),
            Some(code) if old.is_none() && roster.station(code).is_some() => return Err(NotDone::Taken),
            Some(code) => code,
            None => roster.propose_code(first, &codes).ok_or(NotDone::NoRoom)?,
        };
        let usual = if hub || self.desk { NODE } else { SMALL_BLOCK };
        let block = match (old, self.block) {
            // A code keeps its numbers.
            (Some(old), _) => old.block,
            (None, Some(block)) => {
                let free = !roster.taken_blocks().any(|taken| taken.overlaps(&block));
                if !free || blocks.iter().any(|b| b.overlaps(&block)) {
                    return Err(NotDone::Taken);
                }
                block
            }
            (None, None) => {
                let len = self.numbers.unwrap_or(usual);
                roster.propose_block(len, &blocks).ok_or(NotDone::NoRoom)?
            }
        };
        let label = match &self.label {
            Some(label) => {
                let looks = |other: &Label| other.looks_like(label);
                let of_one =
                    |s: &crate::identity::Enrolled| looks(&s.label) || s.former.iter().any(|f| looks(&f.label));
                if roster.stations.iter().any(of_one) || labels.iter().any(looks) {
                    return Err(NotDone::Taken);
                }
                label.clone()
            }
            None => roster.propose_label(code, &labels).ok_or(NotDone::NoRoom)?,
        };
        let or_old = |said: &[String], old: Option<&Vec<String>>| match old {
            Some(old) if said.is_empty() => old.clone(),
            _ => said.to_vec(),
        };
        Ok(Offer {
            code,
            block,
            label,
            hub,
            wards: or_old(&self.wards, old.map(|o| &o.wards)),
            departments: or_old(&self.departments, old.map(|o| &o.departments)),
            address: self.address.clone().or_else(|| old.and_then(|o| o.address.clone())),
            renews: self.renews,
            note: self.note.trim().to_owned(),
        })
    }

    fn check(&self) -> Result<(), NotDone> {
        let fits = |words: &str| words.chars().count() <= MAX_WORDS && !words.chars().any(char::is_control);
        let codes =
            |all: &[String]| all.len() <= MAX_SERVED && all.iter().all(|one| fits(one) && !one.trim().is_empty());
        if !codes(&self.wards) {
            return Err(NotDone::Wrong("wards"));
        }
        if !codes(&self.departments) {
            return Err(NotDone::Wrong("departments"));
        }
        if !fits(&self.note) || (self.renews && self.note.trim().is_empty()) {
            return Err(NotDone::Wrong("note"));
        }
        let address = |a: &String| {
            let rest = a.strip_prefix("https://").or_else(|| a.strip_prefix("http://"));
            fits(a)
                && rest
                    .and_then(|rest| rest.rsplit_once(':'))
                    .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
        };
        if self.address.as_ref().is_some_and(|a| !address(a)) {
            return Err(NotDone::Wrong("address"));
        }
        if self.minutes > MAX_CODE_MINUTES {
            return Err(NotDone::Wrong("minutes"));
        }
        Ok(())
    }
}
