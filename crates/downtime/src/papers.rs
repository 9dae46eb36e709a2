//! Papers of the office, which are about no patient: badges, envelopes, recovery shares, the maintenance report, the
//! certificate of a disposal, a declaration to carry.
//!
//! Their frame says that no patient is on them instead of how old the data are. Three of them carry secrets in the clear:
//! whoever prints them sees that nothing is left in the printer. Who gets which paper is not decided here.

use std::sync::Arc;

use chart::{Act, Moment, Sheet, StationCode};
use jiff::civil::Date;
use serde_json::{Value, json};
use vault::recovery::{NEEDED, SHARES, Share};

use crate::audit::reports::per_patient;
use crate::audit::{Seen, reports::Counted};
use crate::forms::{day_text, or_null};
use crate::identity::{BadgeSecret, EnvelopeSecret, Role};
use crate::stations::{DeclarationCode, ENVELOPE_SECONDS};

mod cover;
mod office_numbers;

pub use cover::{CoverLine, cover_lines, cover_sheet};

/// Where and when a paper of the office is issued.
#[derive(Debug, Clone)]
pub struct Office {
    /// Name of the hospital.
    pub hospital: String,
    /// Where.
    pub station: StationCode,
    /// When.
    pub now: Moment,
    /// Which paper of this run, from 0: papers of one run have different numbers.
    pub nth: u32,
}

/// One continuity badge.
#[derive(Debug, Clone)]
pub struct BadgeCard<'a> {
    /// Name as shown.
    pub name: String,
    /// 職員番号
    pub staff_number: String,
    /// Occupation.
    pub role: Role,
    /// Number of the badge, 8 digits.
    pub badge: u32,
    /// What opens the account together with the password.
    pub secret: &'a BadgeSecret,
    /// First day on which it opens anything.
    pub valid_from: Date,
    /// Whom to call when it is lost; may be empty.
    pub lost: String,
}

/// One break-glass envelope.
#[derive(Debug, Clone)]
pub struct EnvelopePaper<'a> {
    /// Number of the envelope.
    pub number: u32,
    /// Where it is kept.
    pub place: String,
    /// Whose charts it opens, in words.
    pub opens: String,
    /// What the inventory scans: digits or capitals, at most 24. It says nothing about the secret.
    pub serial: String,
    /// What opens the account.
    pub secret: &'a EnvelopeSecret,
    /// First day on which it opens anything.
    pub valid_from: Date,
    /// Number of the envelope it replaces, if it does.
    pub replaces: Option<u32>,
}

/// One share of the recovery key.
#[derive(Debug, Clone)]
pub struct SharePaper<'a> {
    /// The share.
    pub share: &'a Share,
    /// Who keeps it.
    pub keeper: String,
    /// Day on which the set was made.
    pub made: Date,
    /// Set number of the shares that this set replaces, if it does.
    pub replaces: Option<u32>,
}

/// One maintenance account on the day of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceAccount {
    /// Number of the account.
    pub number: String,
    /// Name of the person.
    pub name: String,
    /// For whom they work.
    pub company: String,
    /// 作業票
    pub ticket: String,
    /// 職員番号 of who approved it.
    pub approved_by: String,
    /// Opened.
    pub opened: Moment,
    /// Opens nothing from then on.
    pub until: Moment,
    /// Closed before, if it was.
    pub closed: Option<Moment>,
}

/// What maintenance accounts did within a window.
#[derive(Debug, Clone, Default)]
pub struct MaintenanceDay {
    /// From.
    pub from: Moment,
    /// Until, exclusive.
    pub until: Moment,
    /// The accounts in force.
    pub accounts: Vec<MaintenanceAccount>,
    /// What they did and what was done about them, oldest first.
    pub deeds: Vec<Arc<Seen>>,
    /// Sightings that were looked through.
    pub looked_through: usize,
    /// Sightings that could not be read.
    pub unreadable: usize,
}

impl MaintenanceDay {
    /// How often each patient's record was opened. Empty by construction: maintenance holds no patient's key.
    #[must_use]
    pub fn patients(&self) -> Vec<Counted> {
        per_patient(&self.deeds)
    }
}

/// One step of a disposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisposalStep {
    /// What was destroyed.
    pub name: String,
    /// How.
    pub how: String,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// When.
    pub at: Moment,
}

/// Somebody who was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// 職員番号
    pub number: String,
    /// Name.
    pub name: String,
}

/// What a disposal certificate says.
#[derive(Debug, Clone)]
pub struct Disposal {
    /// Serial number of the machine or the medium.
    pub serial: String,
    /// Model.
    pub model: String,
    /// What happens to the medium after this.
    pub method: String,
    /// Begun.
    pub begun: Moment,
    /// Ended.
    pub ended: Moment,
    /// In the order in which it was done.
    pub steps: Vec<DisposalStep>,
    /// What was left, a sentence each.
    pub kept: Vec<String>,
    /// Entries that no other station was known to hold, and why that was accepted; `None` without any.
    pub unsent: Option<String>,
    /// Who did it.
    pub by: Present,
    /// Who watched.
    pub witness: Present,
    /// Name of the certificate's file.
    pub certificate: String,
    /// Its SHA-256 in hex.
    pub digest: String,
}

impl Office {
    fn sheet(&self, form: &str, mark: &str, seal: String, body: Value) -> Sheet {
        Sheet {
            form: form.to_owned(),
            title_mark: mark.to_owned(),
            drill: false,
            reissue: false,
            strip: None,
            as_of: "患者さんの情報はありません".to_owned(),
            seal,
            issued: format!("発行 {} {}", self.now.text(), self.station),
            form_id: self.number(form).map(|id| id.to_string()).unwrap_or_default(),
            hospital: self.hospital.clone(),
            second: None,
            body,
        }
    }
}

/// F24 継続バッジ台紙: three cards a page. `None` when a badge number has more than 8 digits.
#[must_use]
pub fn badge_sheet(cards: &[BadgeCard<'_>], office: &Office) -> Option<Sheet> {
    let card = |c: &BadgeCard<'_>| {
        let digits = c.secret.to_digits(c.badge)?;
        Some(json!({
            "name": c.name,
            "number": c.staff_number,
            "role": c.role.label(),
            "badge": in_fours(&format!("{:08}", c.badge)),
            "digits": *digits,
            "typed": *c.secret.to_typed(),
            "valid_from": format!("{} から", chart::date::iso(c.valid_from)),
            "lost": or_null(&c.lost),
        }))
    };
    let cards: Option<Vec<Value>> = cards.iter().map(card).collect();
    Some(office.sheet("F24", "取扱注意", NEXT_SEALING.to_owned(), json!({"cards": cards?})))
}

const NEXT_SEALING: &str = "次の封印から使えます";

/// F25 緊急封筒: one sheet to fold. `None` when the number has more than 8 digits.
#[must_use]
pub fn envelope(paper: &EnvelopePaper<'_>, office: &Office) -> Option<Sheet> {
    let digits = paper.secret.to_digits(paper.number)?;
    let body = json!({
        "number": format!("{:03}", paper.number),
        "place": paper.place,
        "opens": paper.opens,
        "serial": paper.serial,
        "digits": *digits,
        "typed": *paper.secret.to_typed(),
        "hours": (ENVELOPE_SECONDS / 3600).to_string(),
        "valid_from": format!("{} の封印から", chart::date::iso(paper.valid_from)),
        "replaces": paper.replaces.map(|number| format!("緊急封筒 {number:03}")),
    });
    Some(office.sheet("F25", "取扱注意", NEXT_SEALING.to_owned(), body))
}

/// F26 復旧シェア: one share, one sheet.
#[must_use]
pub fn share(paper: &SharePaper<'_>, office: &Office) -> Sheet {
    let set = |set: u32| in_fours(&format!("{set:010}"));
    let body = json!({
        "number": paper.share.number().to_string(),
        "set": set(paper.share.set()),
        "digits": *paper.share.to_digits(),
        "typed": *paper.share.to_typed(),
        "keeper": paper.keeper,
        "needed": NEEDED.to_string(),
        "shares": SHARES.to_string(),
        "made": chart::date::iso(paper.made),
        "replaces": paper.replaces.map(set),
    });
    office.sheet(
        "F26",
        "取扱注意",
        format!("復旧鍵の組 {}", set(paper.share.set())),
        body,
    )
}

/// What opens one lifeboat.
#[derive(Debug, Clone, Copy)]
pub struct BoatPaper<'a> {
    /// Department or ward.
    pub label: &'a str,
    /// The day whose charts it holds.
    pub day: &'a str,
    /// People in it.
    pub people: u32,
    /// Name of the file.
    pub file: &'a str,
    /// Its SHA-256 in hexadecimal.
    pub sha256: &'a str,
    /// The passphrase as it is typed, in groups parted by `-`.
    pub typed: &'a str,
}

/// F31 合言葉の紙.
#[must_use]
pub fn passphrase(paper: &BoatPaper<'_>, office: &Office) -> Sheet {
    let body = json!({
        "label": paper.label,
        "day": paper.day,
        "people": format!("{}人", paper.people),
        "file": paper.file,
        "sha256": paper.sha256,
        "typed": paper.typed,
    });
    office.sheet("F31", "取扱注意", format!("ライフボート {}", paper.file), body)
}

/// F27 保守作業報告: what the ministry's Q&A シQ-23 asks for, on one paper to sign.
#[must_use]
pub fn maintenance_report(day: &MaintenanceDay, office: &Office) -> Sheet {
    let clock = |at: Moment| {
        let t = at.local().time();
        format!("{:02}:{:02}", t.hour(), t.minute())
    };
    let accounts: Vec<Value> = day
        .accounts
        .iter()
        .map(|a| {
            json!({
                "number": a.number,
                "name": a.name,
                "company": a.company,
                "ticket": a.ticket,
                "approved_by": a.approved_by,
                "opened": clock(a.opened),
                "until": clock(a.until),
                "closed": a.closed.map(clock),
            })
        })
        .collect();
    let patients = day.patients();
    let patients: Vec<Value> = patients
        .iter()
        .map(|p| json!({"id": p.name, "times": p.times, "first": p.first.text(), "last": p.last.text()}))
        .collect();
    let deeds: Vec<Value> = day.deeds.iter().map(|seen| deed(seen)).collect();
    let unreadable = (day.unreadable > 0).then(|| {
        format!(
            "監査の記録のうち {} 件はこのプログラムでは読めません。この報告には入っていません。",
            day.unreadable
        )
    });
    let body = json!({
        "day": day_text(day.from.day()),
        "window": format!("{} – {}", day.from.text(), day.until.text()),
        "accounts": accounts,
        "deeds": deeds,
        "touched": {"state": if patients.is_empty() { "none" } else { "known" }, "patients": patients},
        "unreadable": unreadable,
    });
    let seal = format!(
        "監査の記録 {}件を確かめた 読めないもの {}件",
        thousands(day.looked_through as u64),
        day.unreadable
    );
    let mut sheet = office.sheet("F27", "記録", seal, body);
    if !patients.is_empty() {
        "患者番号があります。取扱注意".clone_into(&mut sheet.as_of);
    }
    sheet
}

fn deed(seen: &Seen) -> Value {
    let s = &seen.sighting;
    let subject = match &s.subject {
        chart::Subject::Hospital => String::new(),
        patient => patient.shown(),
    };
    let words = [subject.as_str(), s.detail.as_str(), s.reason.as_str()];
    let detail: Vec<&str> = words.into_iter().filter(|words| !words.is_empty()).collect();
    let id: String = chart::EntryId(seen.id).short();
    json!({
        "at": s.at.text(),
        "station": s.station.to_string(),
        "who": s.by.user,
        "what": s.deed.label(),
        "detail": or_null(&detail.join("　")),
        "outcome": s.outcome.label(),
        "record": id,
    })
}

/// F28 廃棄証明書: keys first, then files, and two people.
#[must_use]
pub fn disposal_certificate(disposal: &Disposal, office: &Office) -> Sheet {
    let steps: Vec<Value> = disposal
        .steps
        .iter()
        .map(|step| {
            json!({
                "name": step.name,
                "how": step.how,
                "count": thousands(step.files),
                "bytes": thousands(step.bytes),
                "at": step.at.text(),
            })
        })
        .collect();
    let person = |role: &str, present: &Present| json!({"role": role, "number": present.number, "name": present.name});
    let body = json!({
        "serial": disposal.serial,
        "model": disposal.model,
        "station": office.station.to_string(),
        "method": disposal.method,
        "begun": disposal.begun.text(),
        "ended": disposal.ended.text(),
        "steps": steps,
        "kept": disposal.kept,
        "unsent": disposal.unsent,
        "people": [person("実施した人", &disposal.by), person("立ち会った人", &disposal.witness)],
        "certificate": disposal.certificate,
        "digest": disposal.digest,
        "remarks": [
            "鍵を失ったデータは、残っていても開けません。これが廃棄の本体です。",
            "SSD・USB メモリでは、上書きしても古い写しがチップの中に残ることがあります。媒体の破壊か、暗号化消去（Secure Erase）を合わせて行ってください。",
        ],
    });
    office.sheet("F28", "記録", format!("証明書 {}", disposal.certificate), body)
}

/// What a declaration's paper says beside its codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedDeclaration {
    /// Who declared, and when.
    pub by: String,
    /// When.
    pub at: Moment,
    /// Since when the EHR has been silent.
    pub stopped_at: Moment,
    /// Until when it holds, or when it was ended.
    pub until: String,
    /// Why.
    pub reason: String,
    /// The codes.
    pub codes: Vec<DeclarationCode>,
}

/// F29 停止宣言書: a declaration for terminals that no line reaches.
#[must_use]
pub fn declaration(carried: &CarriedDeclaration, office: &Office) -> Sheet {
    let code = |(code, place): (&DeclarationCode, usize)| {
        let (title, words) = match code.act {
            Act::DowntimeConfirmed { .. } => ("確認", "もう一人が確かめた記録。これがないと仮宣言は30分で終わります。"),
            Act::DowntimeEnded { .. } => ("終了", "停止が終わった記録。読み取ると患者の画面が閉じます。"),
            _ => ("宣言", "停止の宣言そのもの。最初に読み取ってください。"),
        };
        json!({"title": format!("{place} {title}"), "words": words, "digits": code.digits})
    };
    let body = json!({
        "declared": format!("{} {}", carried.at.text(), carried.by),
        "stopped": format!("{} から", carried.stopped_at.text()),
        "until": carried.until,
        "reason": carried.reason,
        "codes": carried.codes.iter().zip(1..).map(code).collect::<Vec<Value>>(),
    });
    office.sheet("F29", "持ち運び用", "端末の署名つきの記録".to_owned(), body)
}

/// `4012 7788`
fn in_fours(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 4);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && place % 4 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1,234,567`
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
