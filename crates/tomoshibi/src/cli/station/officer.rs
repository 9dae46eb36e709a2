//! The officer's side of enrolment on the command line: codes, decisions, the list, and the hub that keeps the roster.
//!
//! The same as on S82: signed in, in the audit log, then done. What is written is `office`'s.

use anyhow::{Context, Result, bail};
use chart::StationCode;
use desk::office::Office as _;
use downtime::audit::Deed;
use downtime::identity::enrolment::{Invitation, NotDone, Standing, Wish};
use downtime::identity::ranges::{Block, Label, NODE};
use downtime::identity::{Enrolled, Hand};
use serde_json::{Value, json};

use super::super::ConfigArg;
use super::super::person::{Acting, SponsorArgs, officer};
use super::parse;
use crate::home::Home;
use crate::office::Office;
use crate::{clock, trail};

/// `station invite`
#[derive(Debug, clap::Args)]
pub struct Invite {
    /// Its three characters; proposed when absent.
    #[arg(long)]
    code: Option<String>,
    /// The code of a machine that was re-imaged, or is replaced: the new one takes its place.
    #[arg(long, value_name = "CODE", conflicts_with = "code")]
    renew: Option<String>,
    /// A desk that prints all day: a whole node of numbers.
    #[arg(long)]
    desk: bool,
    /// A second hub: it gets the roster and may seal.
    #[arg(long)]
    hub: bool,
    /// Wards it serves, by code.
    #[arg(long = "ward", value_name = "CODE")]
    wards: Vec<String>,
    /// Departments it serves, by code.
    #[arg(long = "department", value_name = "CODE")]
    departments: Vec<String>,
    /// Where other stations reach it, `https://host:port`.
    #[arg(long)]
    address: Option<String>,
    /// Letters of its reception numbers; proposed when absent.
    #[arg(long)]
    letter: Option<String>,
    /// A whole node of its own, 1–79; proposed when absent.
    #[arg(long, conflicts_with = "numbers")]
    node: Option<u8>,
    /// Numbers a day, a multiple of 100; proposed when absent.
    #[arg(long)]
    numbers: Option<u16>,
    /// Minutes for which the code holds, at most 1440.
    #[arg(long, default_value_t = 15)]
    minutes: u16,
    /// Why; needed with --renew.
    #[arg(long, default_value = "")]
    reason: String,
    #[command(flatten)]
    by: SponsorArgs,
}

/// `station pending`
#[derive(Debug, clap::Args)]
pub struct Pending {
    /// JSON instead of words.
    #[arg(long)]
    json: bool,
}

/// `station approve`
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// Its three characters.
    #[arg(long)]
    code: String,
    /// The fingerprint as it stands on the new terminal's own screen.
    #[arg(long)]
    fingerprint: String,
    #[command(flatten)]
    by: SponsorArgs,
}

/// `station refuse`
#[derive(Debug, clap::Args)]
pub struct Refuse {
    /// Its three characters.
    #[arg(long)]
    code: String,
    /// Why.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: SponsorArgs,
}

/// `station list`
#[derive(Debug, clap::Args)]
pub struct List {
    /// JSON instead of words.
    #[arg(long)]
    json: bool,
}

/// `station promote`
#[derive(Debug, clap::Args)]
pub struct Promote {
    /// Why, and how it is known that the other hub is gone.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    by: SponsorArgs,
}

impl Invite {
    /// Issues a code and shows it once.
    pub fn run(&self, config: &ConfigArg) -> Result<()> {
        let config = config.read()?;
        let home = Home::open(&config)?;
        let acting = officer(&home, &self.by)?;
        let wish = self.wish()?;
        let which = wish
            .code
            .map_or_else(|| "新しい端末".to_owned(), |code| format!("端末 {code}"));
        witness(&home, &acting, &format!("登録コードを発行（{which}）"), &self.reason)?;
        let office = Office::of(&config);
        let issued = office.invite(&wish, &acting.author().user)?;
        let books = office.books()?;
        let invitation = books.ledger.find(&issued.id).context("invitations.cbor")?;
        let offer = &invitation.offer;
        say!("登録コード  {}", *issued.code.to_typed());
        say!(
            "  端末 {}  番号 {}  受付番号 {}-001 から",
            offer.code,
            offer.block,
            offer.label
        );
        say!(
            "  {} まで、1回だけ使えます。この画面のほかには残りません",
            invitation.expires.text()
        );
        say!("新しい端末で: tomoshibi station join --dir DIR --hub http://この hub の住所");
        Ok(())
    }

    fn wish(&self) -> Result<Wish> {
        let wrong = |what| anyhow::Error::from(NotDone::Wrong(what));
        let label = self
            .letter
            .as_ref()
            .map(|l| Label::parse(l).ok_or_else(|| wrong("--letter")));
        let block = self.node.map(|node| Block::whole(node).ok_or_else(|| wrong("--node")));
        if self.numbers.is_some_and(|n| n == 0 || n > NODE || n % 100 != 0) {
            return Err(wrong("--numbers"));
        }
        Ok(Wish {
            code: self
                .code
                .as_ref()
                .or(self.renew.as_ref())
                .map(|code| parse(code))
                .transpose()?,
            label: label.transpose()?,
            block: block.transpose()?,
            numbers: self.numbers,
            desk: self.desk,
            hub: self.hub,
            renews: self.renew.is_some(),
            wards: self.wards.clone(),
            departments: self.departments.clone(),
            address: self.address.clone(),
            note: self.reason.clone(),
            minutes: self.minutes,
        })
    }
}

impl Pending {
    /// Shows what waits.
    pub fn run(&self, config: &ConfigArg) -> Result<()> {
        let books = Office::of(&config.read()?).books()?;
        let now = clock::now();
        let all: Vec<&Invitation> = books.ledger.lively(now).collect();
        if self.json {
            let one = |i: &&Invitation| {
                let asking = i.asking();
                json!({
                    "code": i.offer.code.as_str(),
                    "waiting": i.standing(now) == Standing::Waiting,
                    "fingerprint": fingerprint(i),
                    "machine": asking.map(|a| &a.machine),
                    "from": asking.map(|a| &a.from),
                    "expires": i.expires.text(),
                })
            };
            say!("{}", json!({ "pending": all.iter().map(one).collect::<Vec<Value>>() }));
            return Ok(());
        }
        if all.is_empty() {
            say!("待っている端末も、使える登録コードもありません");
        }
        for i in all {
            let offer = &i.offer;
            match i.asking() {
                None => say!("{}  登録コードを発行済み（{} まで）", offer.code, i.expires.text()),
                Some(asking) => {
                    say!("{}  承認待ち  指紋 {}", offer.code, fingerprint(i).unwrap_or_default());
                    say!("     {} {} {}", asking.machine, asking.from, asking.at.text());
                    say!(
                        "     新しい端末の画面の指紋と同じなら: tomoshibi station approve --code {} --fingerprint … --by …",
                        offer.code
                    );
                }
            }
        }
        Ok(())
    }
}

impl Approve {
    /// Enrols the terminal that waits.
    pub fn run(&self, config: &ConfigArg) -> Result<()> {
        let config = config.read()?;
        let home = Home::open(&config)?;
        let code = parse(&self.code)?;
        let office = Office::of(&config);
        let id = live(&office, code)?;
        let acting = officer(&home, &self.by)?;
        witness(
            &home,
            &acting,
            &format!("端末 {code} を登録（指紋 {}）", self.fingerprint.trim()),
            "",
        )?;
        office.approve(&id, &self.fingerprint, &acting.author().user)?;
        say!(
            "端末 {code} を登録しました。新しい端末は自分で設定を受け取ります。次の取り出し（tomoshibi extract）から、封印済みデータが開きます"
        );
        Ok(())
    }
}

impl Refuse {
    /// Refuses the terminal that waits, or takes the code back.
    pub fn run(&self, config: &ConfigArg) -> Result<()> {
        if self.reason.trim().is_empty() {
            bail!("--reason（理由）が要ります。何も変えていません");
        }
        let config = config.read()?;
        let home = Home::open(&config)?;
        let code = parse(&self.code)?;
        let office = Office::of(&config);
        let id = live(&office, code)?;
        let acting = officer(&home, &self.by)?;
        witness(&home, &acting, &format!("端末 {code} の登録を断る"), &self.reason)?;
        office.refuse(&id, &self.reason, &acting.author().user)?;
        say!("端末 {code} の登録を断りました。登録コードはもう使えません");
        Ok(())
    }
}

impl List {
    /// Shows every station of the roster.
    pub fn run(&self, config: &ConfigArg) -> Result<()> {
        let books = Office::of(&config.read()?).books()?;
        let fingerprint = |s: &Enrolled| s.public().map(|p| p.fingerprint().to_string()).unwrap_or_default();
        if self.json {
            let one = |s: &Enrolled| {
                let block = s.block_on(clock::now().day());
                json!({
                    "code": s.code.as_str(), "hub": s.hub, "retired": s.retired, "numbers": s.block.to_string(), "today": block.to_string(),
                    "letter": s.label.as_str(), "fingerprint": fingerprint(s), "wards": s.wards, "departments": s.departments,
                    "address": s.address, "generation": s.generation,
                })
            };
            let keeper = books.roster.keeper().map(|k| k.to_string());
            let all: Vec<Value> = books.roster.stations.iter().map(one).collect();
            say!("{}", json!({ "keeper": keeper, "stations": all }));
            return Ok(());
        }
        for s in &books.roster.stations {
            let state = match (s.retired, s.hub) {
                (true, _) => "外した",
                (false, true) => "hub",
                (false, false) => "端末",
            };
            let served = [s.wards.join("・"), s.departments.join("・")].join(" ");
            say!(
                "{}  {state}  番号 {}  文字 {}  指紋 {}  {}",
                s.code,
                s.block,
                s.label,
                fingerprint(s),
                served.trim()
            );
        }
        if let Some(keeper) = books.roster.keeper() {
            say!("名簿を変える hub: {keeper}");
        }
        Ok(())
    }
}

impl Promote {
    /// Makes this hub the keeper of the roster.
    pub fn run(&self, config: &ConfigArg) -> Result<()> {
        if self.reason.trim().is_empty() {
            bail!("--reason（理由）が要ります。何も変えていません");
        }
        let mut home = Home::open(&config.read()?)?;
        if home.roster.keeper() == Some(home.code) {
            bail!("名簿を変える hub は、もうこの hub です。何も変えていません");
        }
        let old = home.roster.keeper();
        let acting = officer(&home, &self.by)?;
        witness(
            &home,
            &acting,
            &format!("名簿を変える hub を {} にする", home.code),
            &self.reason,
        )?;
        let hand = Hand {
            by: &acting.author().user,
            at: clock::now(),
            note: &self.reason,
        };
        home.promote(&hand)?;
        say!("これからは {} で名簿を変えます", home.code);
        if let Some(old) = old {
            say!(
                "{old} が戻ったときは、自分からそれに気づき、名簿を変えなくなります。{old} だけで行った変更があれば失われるので、確かめてください"
            );
        }
        Ok(())
    }
}

fn live(office: &Office, code: StationCode) -> Result<[u8; 8]> {
    let books = office.books()?;
    let invitation = books.ledger.live(code, clock::now()).ok_or(NotDone::Gone)?;
    Ok(invitation.id)
}

fn fingerprint(invitation: &Invitation) -> Option<String> {
    Some(invitation.asking()?.fingerprint().ok()?.to_string())
}

fn witness(home: &Home, acting: &Acting, detail: &str, reason: &str) -> Result<()> {
    let mut sighting = acting.sighting(home, Deed::Configured);
    sighting.reason = reason.trim().to_owned();
    detail.clone_into(&mut sighting.detail);
    trail::write(home, vec![sighting])
}
