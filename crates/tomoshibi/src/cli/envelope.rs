//! `tomoshibi envelope`: sealed envelopes for emergencies: making, the inventory of every month, retiring.
//!
//! An envelope is an enrolled user whose only secret is on the paper inside. What is on the outside, the serial, says nothing
//! about it. One that was opened and is over is left out of the next sealing; one that is in use stays until it is closed or
//! its hours are over, because the person who opened it is at work.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use chart::{Act, Author};
use downtime::audit::{Deed, Method};
use downtime::identity::{Credentials, EnvelopeSecret, NewUser, Role, Roster, RosterUser, Scope, Sponsor, UserRecord};
use downtime::papers::{EnvelopePaper, envelope};
use downtime::stations::envelope_user;
use serde_json::{Value, json};
use vault::slot::SlotCost;

mod lines;

use lines::{csv, halves};

use super::person::{SponsorArgs, officer, open_entries};
use super::user::{changed, commit, office};
use super::{ConfigArg, LOOK};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, random, secrets, serving, trail};

/// Most envelopes made at once.
const MOST: u32 = 200;
/// Days after which an envelope that nobody has seen is said.
const INVENTORY_DAYS: i64 = 31;
/// Ends the place of an envelope whose code lies in two halves.
const TWO_PERSONS: &str = "（二人で保管）";

/// Sealed envelopes for emergencies.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi envelope make --count 2 --place 3E --scope ward:3E --out envelopes.pdf --by 9001\n  tomoshibi envelope make --count 1 --place 中央金庫 --two-person --out central.json --by 9001\n  tomoshibi envelope list\n  tomoshibi envelope seen --serial 260000000012 --by 9001\n  tomoshibi envelope retire --number 12 --reason 破れ --by 9001\n\nExit codes: 0 done, 1 nothing was changed, 3 an envelope was opened or has not been seen for 31 days."
)]
pub struct Envelope {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes envelopes and writes their papers. They open from the next sealing on.
    Make {
        /// How many.
        #[arg(long)]
        count: u32,
        /// Where they are kept.
        #[arg(long)]
        place: String,
        /// Whose charts they open: `all`, `dept:01,02` or `ward:3E`.
        #[arg(long, default_value = "all")]
        scope: String,
        /// New file (owner only): papers to print (.pdf), or data for another printer (.json, .csv).
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Two people keep each code: its halves go into two files, the second named `…-2`. Not as PDF.
        #[arg(long)]
        two_person: bool,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// The inventory: number, place, serial, when made, when last seen, whether opened.
    List {
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Notes in the inventory that envelopes are in their place and unopened. Scan the serial on the outside.
    Seen {
        /// Number of an envelope (may be repeated).
        #[arg(long)]
        number: Vec<u32>,
        /// Serial on the outside (may be repeated).
        #[arg(long)]
        serial: Vec<String>,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// Ends an envelope that was lost, damaged or replaced.
    Retire {
        /// Number of the envelope.
        #[arg(long)]
        number: u32,
        /// Why.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        by: SponsorArgs,
    },
}

impl Envelope {
    /// Runs the command.
    ///
    /// # Errors
    /// When the roster or the audit log cannot be written, or the sign-in fails.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let mut home = Home::open(&config)?;
        match &self.action {
            Action::Make {
                count,
                place,
                scope,
                out,
                two_person,
                by,
            } => {
                let wish = Wish {
                    count: *count,
                    place,
                    scope,
                    out,
                    two_person: *two_person,
                };
                make(&config, &mut home, &wish, by)?;
            }
            Action::List { json } => return list(&home, *json),
            Action::Seen { number, serial, by } => seen(&mut home, number, serial, by)?,
            Action::Retire { number, reason, by } => retire(&mut home, *number, reason, by)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

struct Wish<'a> {
    count: u32,
    place: &'a str,
    scope: &'a str,
    out: &'a Path,
    two_person: bool,
}

fn make(config: &Config, home: &mut Home, wish: &Wish<'_>, by: &SponsorArgs) -> Result<()> {
    let scope = Scope::parse(wish.scope).filter(|scope| *scope != Scope::Nothing);
    let scope = scope.context("--scope は all、dept:01,02、ward:3E のどれかです")?;
    if !(1..=MOST).contains(&wish.count) || wish.place.trim().is_empty() {
        bail!("--count は 1–{MOST}、--place は保管場所です");
    }
    let acting = officer(home, by)?;
    let first = 1 + all(&home.roster).map(|(number, _)| number).max().unwrap_or(0);
    let purpose = format!(
        "{}{}",
        wish.place.trim(),
        if wish.two_person { TWO_PERSONS } else { "" }
    );
    let (mut roster, mut rng) = (home.roster.clone(), random::system());
    let (mut made, mut sightings) = (Vec::new(), Vec::new());
    for number in first..first + wish.count {
        let secret = EnvelopeSecret::random(&mut rng);
        let record = UserRecord {
            role: Role::BreakGlass,
            scope: scope.clone(),
            purpose: purpose.clone(),
            ..UserRecord::named(&envelope_user(number), &format!("緊急封筒 {number:03}"))
        };
        let new = NewUser {
            opens: Credentials::Envelope(&secret),
            record: record.clone(),
        };
        let sponsor = acting.sponsor(&purpose);
        roster.enrol_user(&new, &sponsor, SlotCost::FLOOR, &mut rng)?;
        sightings.push(changed(home, &acting, Deed::Granted, &record, &purpose));
        made.push((number, secret));
    }
    let written = write(config, home, &roster, wish, &made)?;
    if let Err(fault) = commit(home, roster, sightings) {
        written.iter().for_each(|path| drop(std::fs::remove_file(path)));
        return Err(fault);
    }
    say!(
        "緊急封筒 {first:03}–{:03} を作りました（{purpose}）。次の封印から開きます",
        first + wish.count - 1
    );
    written.iter().for_each(|path| say!("  {}", path.display()));
    say!("印刷して封筒に入れたら、ファイルを消してください。コードはほかのどこにも残っていません");
    Ok(())
}

/// Writes papers or data; gives the files.
fn write(
    config: &Config,
    home: &Home,
    roster: &Roster,
    wish: &Wish<'_>,
    made: &[(u32, EnvelopeSecret)],
) -> Result<Vec<PathBuf>> {
    let mut sheets = Vec::new();
    for ((number, secret), nth) in made.iter().zip(0..) {
        let user = roster.user(&envelope_user(*number)).context("名簿")?;
        let paper = EnvelopePaper {
            number: *number,
            place: wish.place.trim().to_owned(),
            opens: opens(&user.record.scope),
            serial: serial(*number, user),
            secret,
            valid_from: clock::now().day(),
            replaces: None,
        };
        sheets.push(envelope(&paper, &office(config, home, nth)).context("封筒の番号が大きすぎます")?);
    }
    let bodies: Vec<&Value> = sheets.iter().map(|sheet| &sheet.body).collect();
    let end = wish.out.extension().and_then(|end| end.to_str()).unwrap_or("");
    let as_text = |bodies: &[Value]| match end {
        "csv" => csv(bodies),
        _ => format!("{:#}\n", json!({"form": "F25", "envelopes": bodies})),
    };
    let whole: Vec<Value> = bodies.iter().map(|body| (*body).clone()).collect();
    match (end, wish.two_person) {
        ("pdf", false) => {
            let mut pdf = Vec::new();
            let report = serving::press(config)?.pack(sheets, |_| (), &mut pdf)?;
            if let Some(spoiled) = report.spoiled.first() {
                bail!("封筒を印刷できません（{}）。何も作っていません", spoiled.error);
            }
            secrets::write(wish.out, &pdf)?;
            Ok(vec![wish.out.to_path_buf()])
        }
        ("json" | "csv", false) => {
            secrets::write(wish.out, as_text(&whole).as_bytes())?;
            Ok(vec![wish.out.to_path_buf()])
        }
        ("json" | "csv", true) => {
            let stem = wish
                .out
                .file_stem()
                .and_then(|stem| stem.to_str())
                .unwrap_or("envelopes");
            let second = wish.out.with_file_name(format!("{stem}-2.{end}"));
            let (left, right): (Vec<Value>, Vec<Value>) = whole.iter().map(halves).unzip();
            secrets::write(wish.out, as_text(&left).as_bytes())?;
            secrets::write(&second, as_text(&right).as_bytes())?;
            Ok(vec![wish.out.to_path_buf(), second])
        }
        _ => {
            bail!("--out は .pdf、.json、.csv のどれかです（--two-person のときは .json か .csv）。何も作っていません")
        }
    }
}

/// Whose charts, in words for the paper.
fn opens(scope: &Scope) -> String {
    match scope {
        Scope::All => "すべての患者".to_owned(),
        Scope::Departments(codes) => format!("診療科 {}", codes.join("・")),
        Scope::Wards(codes) => format!("病棟 {}", codes.join("・")),
        Scope::Nothing => "なし".to_owned(),
    }
}

/// Every envelope of the roster with its number.
fn all(roster: &Roster) -> impl Iterator<Item = (u32, &RosterUser)> {
    let envelopes = roster.users.iter().filter(|user| user.record.role == Role::BreakGlass);
    envelopes.filter_map(|user| Some((user.record.staff_number.strip_prefix("bg-")?.parse().ok()?, user)))
}

/// What is printed outside: year of making and number.
fn serial(number: u32, user: &RosterUser) -> String {
    let year = user.history.first().map_or(0, |change| change.at.day().year());
    format!("{:02}{number:010}", year.rem_euclid(100))
}

/// How an envelope stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Sealed,
    InUse,
    UsedUp,
    Retired,
}

impl Standing {
    const fn label(self) -> &'static str {
        match self {
            Self::Sealed => "未開封",
            Self::InUse => "使用中",
            Self::UsedUp => "使用済み（作り直す）",
            Self::Retired => "廃止",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Sealed => "sealed",
            Self::InUse => "in-use",
            Self::UsedUp => "used-up",
            Self::Retired => "retired",
        }
    }
}

/// Envelopes that were opened, as far as this station has heard: true when it is over.
fn opened(home: &Home) -> Result<BTreeMap<String, bool>> {
    let (day, now) = (open_entries(home)?, clock::now());
    let mut found = BTreeMap::new();
    for recorded in day.openings() {
        if let Act::EnvelopeOpened(opening) = &recorded.entry.act {
            let over = now >= opening.until || day.undone_by(&recorded.id).is_some();
            *found.entry(opening.envelope.clone()).or_insert(false) |= over;
        }
    }
    Ok(found)
}

fn list(home: &Home, json: bool) -> Result<ExitCode> {
    let (opened, now) = (opened(home)?, clock::now());
    let (mut look, mut lines) = (false, Vec::new());
    for (number, user) in all(&home.roster) {
        let standing = match (opened.get(&user.record.staff_number), user.disabled) {
            (Some(false), false) => Standing::InUse,
            (Some(_), _) => Standing::UsedUp,
            (None, true) => Standing::Retired,
            (None, false) => Standing::Sealed,
        };
        let seen = user.last_looked_at().unwrap_or_default();
        let missing = standing == Standing::Sealed && now.0 - seen.0 > INVENTORY_DAYS * 86_400;
        look |= missing || standing == Standing::InUse || (standing == Standing::UsedUp && !user.disabled);
        let made = user.history.first().map(|change| change.at.text()).unwrap_or_default();
        lines.push(json!({"number": number, "place": user.record.purpose, "opens": user.record.scope.text(), "serial": serial(number, user), "made": made, "seen": seen.text(), "state": standing.word(), "missing": missing}));
        if !json {
            let late = if missing { "　★ 棚卸しの期限切れ" } else { "" };
            say!(
                "{number:03}\t{}\t{}\t作成 {made}\t確認 {}\t{}{late}",
                user.record.purpose,
                serial(number, user),
                seen.text(),
                standing.label()
            );
        }
    }
    if json {
        say!("{}", json!({"envelopes": lines}));
    } else if lines.is_empty() {
        say!("緊急封筒はありません。`tomoshibi envelope make` で作ります");
    }
    Ok(if look { ExitCode::from(LOOK) } else { ExitCode::SUCCESS })
}

/// How the envelopes stand, in one line; what needs a person is an error.
///
/// # Errors
/// When there are none, one was opened, or one has not been seen for long.
pub fn state(home: &Home) -> Result<String> {
    let (opened, now) = (opened(home)?, clock::now());
    let in_force: Vec<&RosterUser> = all(&home.roster)
        .map(|(_, user)| user)
        .filter(|u| !u.disabled)
        .collect();
    let used = in_force
        .iter()
        .filter(|u| opened.contains_key(&u.record.staff_number))
        .count();
    let unseen = |user: &RosterUser| {
        let seen = user.last_looked_at().unwrap_or_default();
        now.0 - seen.0 > INVENTORY_DAYS * 86_400
    };
    let missing = in_force.iter().filter(|user| unseen(user)).count();
    if in_force.is_empty() {
        bail!("ありません。`tomoshibi envelope make` で作ってください");
    }
    let text = format!("{} 通", in_force.len());
    if used + missing > 0 {
        bail!(
            "{text}、開封 {used} 通、{INVENTORY_DAYS} 日以上確認していないもの {missing} 通（tomoshibi envelope list）"
        );
    }
    Ok(text)
}

fn seen(home: &mut Home, numbers: &[u32], serials: &[String], by: &SponsorArgs) -> Result<()> {
    let mut found: Vec<String> = Vec::new();
    let is_asked = |number: u32, user: &RosterUser| {
        numbers.contains(&number) || serials.iter().any(|s| s.trim() == serial(number, user))
    };
    for (number, user) in all(&home.roster).filter(|(number, user)| is_asked(*number, user)) {
        if user.disabled {
            bail!("緊急封筒 {number:03} は廃止しました。残っていたら裁断してください。何も記録していません");
        }
        found.push(user.record.staff_number.clone());
    }
    if found.is_empty() || found.len() < numbers.len() + serials.len() {
        bail!("名簿にない封筒があります。--number か --serial を確かめてください。何も記録していません");
    }
    let acting = officer(home, by)?;
    let (mut roster, mut sightings) = (home.roster.clone(), Vec::new());
    for user in &found {
        roster.review_user(user, &acting.sponsor("棚卸し：未開封"))?;
        let record = &roster.user(user).context("名簿")?.record;
        sightings.push(changed(home, &acting, Deed::Granted, record, "棚卸し：未開封"));
    }
    commit(home, roster, sightings)?;
    say!("{} 通を確認済みにしました", found.len());
    Ok(())
}

fn retire(home: &mut Home, number: u32, reason: &str, by: &SponsorArgs) -> Result<()> {
    let user = envelope_user(number);
    let record = home.roster.user(&user).filter(|u| u.record.role == Role::BreakGlass);
    let record = record
        .with_context(|| format!("緊急封筒 {number:03} は名簿にありません"))?
        .record
        .clone();
    if reason.trim().is_empty() {
        bail!("--reason に理由を書いてください。何も変えていません");
    }
    let acting = officer(home, by)?;
    let mut roster = home.roster.clone();
    roster.disable_user(&user, &acting.sponsor(reason))?;
    let sighting = changed(home, &acting, Deed::Disabled, &record, reason);
    commit(home, roster, vec![sighting])?;
    say!(
        "緊急封筒 {number:03} を廃止しました。次の取り出し（tomoshibi extract）からは開きません。紙は裁断してください"
    );
    Ok(())
}

/// The roster to seal for: envelopes that were opened and are over are disabled in it, and on the disk. What cannot be written
/// there is left out of this sealing all the same and found again at the next one. Says which.
///
/// # Errors
/// When the journals cannot be read.
pub fn without_used_up(config: &Config, home: &Home) -> Result<(Roster, Vec<u32>)> {
    let opened = opened(home)?;
    let over = |user: &RosterUser| !user.disabled && opened.get(&user.record.staff_number) == Some(&true);
    let used: Vec<u32> = all(&home.roster)
        .filter(|(_, user)| over(user))
        .map(|(number, _)| number)
        .collect();
    let mut roster = home.roster.clone();
    if used.is_empty() {
        return Ok((roster, used));
    }
    let sponsor = Sponsor {
        user: "extract",
        journal: None,
        audit: None,
        at: clock::now(),
        note: "opened：開封され、使用が終わった",
    };
    let mut sightings = Vec::new();
    for number in &used {
        roster.disable_user(&envelope_user(*number), &sponsor)?;
        let mut sighting = trail::sighting(home, &Author::default(), Method::Program, Deed::Disabled);
        sighting.detail = format!("緊急封筒 {number:03}");
        sponsor.note.clone_into(&mut sighting.reason);
        sightings.push(sighting);
    }
    let saved = Home::open(config).and_then(|mut own| commit(&mut own, roster.clone(), sightings));
    if let Err(fault) = saved {
        tracing::warn!("使用済みの緊急封筒を名簿に書けません。この封印からは外しました: {fault:#}");
    }
    Ok((roster, used))
}
