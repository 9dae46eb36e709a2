//! `tomoshibi audit`: the audit log without a screen: answers for a privacy officer, files for others, and the proof that
//! nothing was taken away.
//!
//! Reading it is itself in the log, before anything is shown. The proof needs no key and reads nobody's sighting.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::Moment;
use downtime::audit::reports::{self, Counted, Question};
use downtime::audit::{Book, Deed, Ledger, Seen, verify};
use downtime::exports::audit_log;
use downtime::stations::remembered_checkpoints;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};
use vault::checkpoint::SignedCheckpoint;
use vault::files::Disk;
use vault::journal::{Record, RecordLog, read_journal};
use vault::keys::RoleSecret;

use super::password::SignInArgs;
use super::person::reader;
use super::{ConfigArg, LOOK};
use crate::home::Home;
use crate::{secrets, trail};

pub mod paper;

/// Directories of this station's own logs.
const OWN: [&str; 2] = ["audit", "audit-tools"];

/// Answers from the audit log, its export, and its proof.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi audit report --user 9101 --patient 00123456\n  tomoshibi audit report --user 9101 --maintenance --from 2026-11-20 --to 2026-11-20\n  tomoshibi audit export --user 9101 --csv audit.csv --from 2026-11-01\n  tomoshibi audit export --user 9101 --fhir audit.ndjson\n  tomoshibi audit verify --paper lists.txt\n\nExit codes: 0 done, 3 something cannot be read or does not agree, 1 failed."
)]
pub struct Audit {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Shows who saw or did what, newest last, with counts per patient and person.
    Report {
        #[command(flatten)]
        who: SignInArgs,
        #[command(flatten)]
        filter: Filter,
        /// Most lines shown, the newest.
        #[arg(long, default_value_t = 200)]
        limit: usize,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Writes sightings to a new file (owner only).
    Export {
        #[command(flatten)]
        who: SignInArgs,
        #[command(flatten)]
        filter: Filter,
        /// CSV for a spreadsheet.
        #[arg(long, value_name = "FILE", required_unless_present = "fhir")]
        csv: Option<PathBuf>,
        /// FHIR R4 AuditEvent, one a line.
        #[arg(long, value_name = "FILE")]
        fhir: Option<PathBuf>,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Checks chains, signatures and trees of every log here, and what was remembered of them. Needs no sign-in.
    Verify {
        /// File with checkpoints read from ward lists (the QR code of F13), one a line.
        #[arg(long, value_name = "FILE")]
        paper: Option<PathBuf>,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Prints a checkpoint of this station's own logs, as the QR code of F13 has it: to be kept where nobody here can change it.
    Checkpoint,
}

/// What to look for.
#[derive(Debug, Clone, Default, clap::Args)]
struct Filter {
    /// About this patient number.
    #[arg(long, value_name = "NUMBER")]
    patient: Option<String>,
    /// By this staff number.
    #[arg(long, value_name = "NUMBER")]
    by: Option<String>,
    /// At this station.
    #[arg(long, value_name = "CODE")]
    station: Option<String>,
    /// Of this kind: open, print, export, sign-in, envelope-opened …
    #[arg(long, value_name = "WORD")]
    deed: Option<String>,
    /// Only what was refused or failed.
    #[arg(long)]
    refused: bool,
    /// Only what was done with a sealed envelope.
    #[arg(long)]
    envelopes: bool,
    /// Only by accounts of maintenance.
    #[arg(long)]
    maintenance: bool,
    /// From this day on.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Up to and with this day.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
}

impl Filter {
    fn question(&self) -> Result<Question> {
        let deed = |word: &String| {
            let all = || Deed::ALL.map(Deed::word).join(", ");
            Deed::parse(word).with_context(|| format!("--deed はどれかです: {}", all()))
        };
        let midnight = |day: Date| Moment::from_local(day.at(0, 0, 0, 0));
        let day = |text: &String| {
            chart::date::parse(text).with_context(|| format!("日付を読めません（例: 2026-11-20）: {text}"))
        };
        let to = self.to.as_ref().map(day).transpose()?;
        let after = to.map(|day| day.checked_add(1.day())).transpose()?;
        Ok(Question {
            subject: self.patient.clone().unwrap_or_default(),
            user: self.by.clone().unwrap_or_default(),
            station: self.station.clone().unwrap_or_default(),
            deed: self.deed.as_ref().map(deed).transpose()?,
            from: self.from.as_ref().map(day).transpose()?.map(midnight),
            until: after.map(midnight),
            only_refused: self.refused,
            only_envelopes: self.envelopes,
            only_maintenance: self.maintenance,
            ..Question::default()
        })
    }

    /// What was asked, for the log: who reads is asked why later.
    fn text(&self) -> String {
        let mut words = Vec::new();
        let valued = [
            ("患者", &self.patient),
            ("職員", &self.by),
            ("端末", &self.station),
            ("行為", &self.deed),
            ("から", &self.from),
            ("まで", &self.to),
        ];
        words.extend(
            valued
                .iter()
                .filter_map(|(word, value)| Some(format!("{word} {}", value.as_ref()?))),
        );
        let flags = [
            ("拒否", self.refused),
            ("封筒", self.envelopes),
            ("保守", self.maintenance),
        ];
        words.extend(flags.iter().filter(|(_, on)| *on).map(|(word, _)| (*word).to_owned()));
        if words.is_empty() {
            "全件".to_owned()
        } else {
            words.join("、")
        }
    }
}

impl Audit {
    /// Runs the command.
    ///
    /// # Errors
    /// When the sign-in fails, the log cannot be read, or the reading cannot be written down.
    pub fn run(&self) -> Result<ExitCode> {
        let home = Home::open(&self.config.read()?)?;
        match &self.action {
            Action::Report {
                who,
                filter,
                limit,
                json,
            } => {
                let (book, found) = ask(&home, who, filter, Deed::AuditRead)?;
                report(&book, &found, *limit, *json);
                Ok(readable(&book))
            }
            Action::Export {
                who,
                filter,
                csv,
                fhir,
                json,
            } => {
                if let Some(path) = [csv, fhir].into_iter().flatten().find(|path| path.exists()) {
                    bail!("{} はもうあります。上書きしません", path.display());
                }
                let (book, found) = ask(&home, who, filter, Deed::Exported)?;
                let hospital = home.roster.name.clone();
                if let Some(path) = csv {
                    write(path, &|out| audit_log::csv(&found, out))?;
                }
                if let Some(path) = fhir {
                    write(path, &|out| audit_log::fhir(&found, &hospital, out))?;
                }
                if *json {
                    say!(
                        "{}",
                        json!({"written": found.len(), "csv": csv, "fhir": fhir, "unreadable": book.unreadable()})
                    );
                } else {
                    say!("監査の記録 {} 件を書きました", found.len());
                    unreadable(&book);
                }
                Ok(readable(&book))
            }
            Action::Verify { paper, json } => {
                let paper = paper.as_ref().map(|path| paper::read(&home, path)).transpose()?;
                prove(&home, &paper.unwrap_or_default(), *json)
            }
            Action::Checkpoint => {
                for checkpoint in paper::own_checkpoints(&home)? {
                    say!("{}", paper::digits(&checkpoint));
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

fn readable(book: &Book) -> ExitCode {
    if book.unreadable() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(LOOK)
    }
}

fn unreadable(book: &Book) {
    if book.unreadable() > 0 {
        say!(
            "★ {} 件はこのプログラムでは読めません。消えてはいません",
            book.unreadable()
        );
    }
}

fn write(path: &std::path::Path, fill: &dyn Fn(&mut dyn Write) -> std::io::Result<()>) -> Result<()> {
    let mut bytes = Vec::new();
    fill(&mut bytes)?;
    secrets::write(path, &bytes)
}

/// Signs a reader in, writes that and what they ask into the log, and only then opens the book.
fn ask(home: &Home, who: &SignInArgs, filter: &Filter, deed: Deed) -> Result<(Book, Vec<Arc<Seen>>)> {
    let question = filter.question()?;
    let acting = reader(home, who)?;
    let audit = acting.unlocked.audit.as_ref().context("監査の鍵がありません")?;
    let mut sighting = acting.sighting(home, deed);
    sighting.detail = format!("監査の記録：{}", filter.text());
    trail::write(home, vec![sighting])?;
    let book = open_book(home, audit)?;
    let found = reports::in_order(&book, &question);
    Ok((book, found))
}

/// Every audit record this station holds: its own, its tools' and those of others.
///
/// # Errors
/// When a log cannot be read.
pub fn open_book(home: &Home, audit: &RoleSecret) -> Result<Book> {
    let mut book = Book::new(audit.clone());
    for dir in OWN {
        book.take(&own(home, dir)?);
    }
    book.take(&heard(home)?.records);
    Ok(book)
}

fn own(home: &Home, dir: &str) -> Result<Vec<Record>> {
    let (hospital, id) = (home.roster.hospital(), home.roster.station_id(home.code));
    let walk = read_journal(&Disk, &home.data.join(dir), &hospital, &id, &home.secret.public());
    Ok(walk.with_context(|| format!("data/{dir} を読めません"))?.records)
}

fn heard(home: &Home) -> Result<vault::journal::LogContents> {
    let (hospital, id) = (home.roster.hospital(), home.roster.station_id(home.code));
    let stations = home.stations()?;
    RecordLog::read(&Disk, &home.data.join("audit-peers"), &hospital, &id, &stations)
        .context("data/audit-peers を読めません")
}

fn report(book: &Book, found: &[Arc<Seen>], limit: usize, json: bool) {
    let (patients, people) = (reports::per_patient(found), reports::per_user(found));
    let bulk = reports::bulk(found);
    let from = found.len().saturating_sub(limit);
    let shown = found.get(from..).unwrap_or_default();
    if json {
        let counted = |all: &[Counted]| -> Vec<Value> {
            let one = |c: &Counted| json!({"key": c.key, "name": c.name, "times": c.times, "patients": c.patients, "first": c.first.text(), "last": c.last.text()});
            all.iter().map(one).collect()
        };
        let lines: Vec<Value> = shown.iter().map(|seen| {
            let s = &seen.sighting;
            json!({"at": s.at.text(), "station": s.station.to_string(), "user": s.by.user, "name": s.by.name, "deed": s.deed.word(), "patient": s.subject.number(), "count": s.count, "outcome": s.outcome.word(), "reason": s.reason, "detail": s.detail})
        }).collect();
        let bulk: Vec<Value> = bulk
            .iter()
            .map(|b| json!({"user": b.user, "name": b.name, "patients": b.patients, "from": b.from.text()}))
            .collect();
        say!(
            "{}",
            json!({"found": found.len(), "all": book.len(), "unreadable": book.unreadable(), "sightings": lines, "per_patient": counted(&patients), "per_user": counted(&people), "bulk": bulk})
        );
        return;
    }
    for seen in shown {
        let s = &seen.sighting;
        let words = [s.subject.number(), &s.reason, &s.detail];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        say!(
            "{}\t{}\t{} {}\t{}\t{}\t{}",
            s.at.text(),
            s.station,
            s.by.user,
            s.by.name,
            s.deed.label(),
            s.outcome.label(),
            words.join("　")
        );
    }
    say!(
        "{} 件（全 {} 件のうち）。{} 件を表示",
        found.len(),
        book.len(),
        shown.len()
    );
    say!("患者ごとの回数（{} 人）:", patients.len());
    for c in patients.iter().take(limit) {
        say!("  {}\t{} 回\t{} – {}", c.key, c.times, c.first.text(), c.last.text());
    }
    say!("人ごとの回数（{} 人）:", people.len());
    for c in people.iter().take(limit) {
        say!("  {} {}\t{} 回\t患者 {} 人", c.key, c.name, c.times, c.patients);
    }
    for b in &bulk {
        say!(
            "★ 短い時間に多くの患者: {} {} が {} から10分で {} 人",
            b.user,
            b.name,
            b.from.text(),
            b.patients
        );
    }
    unreadable(book);
}

/// What the proof found.
#[derive(Default)]
struct Proof {
    records: u64,
    damage: u64,
    bad_signatures: u64,
    flaws: u64,
    strangers: u64,
    contained: u64,
    ahead: u64,
    contradicted: u64,
    /// Read from paper, and not signed by a station of this hospital.
    forged: u64,
}

impl Proof {
    const fn is_whole(&self) -> bool {
        self.damage + self.bad_signatures + self.flaws + self.strangers + self.contradicted + self.forged == 0
    }
}

fn prove(home: &Home, paper: &[SignedCheckpoint], json: bool) -> Result<ExitCode> {
    let (hospital, id) = (home.roster.hospital(), home.roster.station_id(home.code));
    let (mut proof, mut ledger) = (Proof::default(), Ledger::default());
    let public = home.secret.public();
    for dir in OWN {
        let checked = verify(&Disk, &home.data.join(dir), &hospital, &id, &public, &[])
            .with_context(|| format!("data/{dir} を読めません"))?;
        proof.damage += checked.damage.len() as u64;
        proof.bad_signatures += checked.bad_signatures;
        proof.strangers += checked.strangers + checked.superseded;
        own(home, dir)?.iter().for_each(|record| ledger.take(record));
    }
    let (heard, stations) = (heard(home)?, home.stations()?);
    proof.damage += heard.damage.len() as u64;
    let chain = vault::journal::verify_chain(&heard.records, &stations);
    proof.bad_signatures += chain.bad_signatures.len() as u64;
    heard.records.iter().for_each(|record| ledger.take(record));
    proof.flaws = ledger.flaws().len() as u64;
    proof.records = ledger.chains().map(|(_, size)| size).sum();
    let from_paper = paper.iter().map(|checkpoint| (*checkpoint, true));
    let remembered = remembered_checkpoints(Arc::new(Disk), &home.data, &hospital);
    let remembered = remembered.into_iter().map(|checkpoint| (checkpoint, false));
    for (checkpoint, on_paper) in remembered.chain(from_paper) {
        let claim = checkpoint.claim();
        let genuine = stations
            .get(&claim.origin.station)
            .is_some_and(|public| checkpoint.verify(public).is_ok());
        if !genuine {
            proof.forged += u64::from(on_paper);
            continue;
        }
        let chain = (claim.origin.station, claim.origin.incarnation);
        match ledger.root(&chain, claim.size) {
            Some(root) if root == claim.root => proof.contained += 1,
            // Another station's records may still be on their way; this station's own cannot.
            None if claim.origin.station != id => proof.ahead += 1,
            _ => proof.contradicted += 1,
        }
    }
    let chains: BTreeSet<_> = ledger.chains().map(|(chain, _)| chain).collect();
    if json {
        say!(
            "{}",
            json!({"whole": proof.is_whole(), "chains": chains.len(), "records": proof.records, "damage": proof.damage, "bad_signatures": proof.bad_signatures, "flaws": proof.flaws, "strangers": proof.strangers, "checkpoints": {"contained": proof.contained, "ahead": proof.ahead, "contradicted": proof.contradicted, "forged": proof.forged}})
        );
    } else {
        say!("監査の記録 {} 件、{} 本の鎖を確かめました", proof.records, chains.len());
        say!(
            "署名の誤り {}、欠け・分岐・切れ {}、ファイルの傷み {}、続かない記録 {}",
            proof.bad_signatures,
            proof.flaws,
            proof.damage,
            proof.strangers
        );
        say!(
            "覚えている印（チェックポイント）: 一致 {}、まだ届いていない {}、食い違い {}",
            proof.contained,
            proof.ahead,
            proof.contradicted
        );
        if proof.forged > 0 {
            say!(
                "★ 紙の控えのうち {} 件は、この病院の端末の署名ではありません。紙を保管してください",
                proof.forged
            );
        }
        if !proof.is_whole() {
            say!("★ 監査の記録が書かれたとおりではありません。data/ を消さずに、個人情報保護責任者へ知らせてください");
        }
    }
    Ok(if proof.is_whole() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(LOOK)
    })
}
