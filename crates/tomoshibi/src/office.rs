//! Enrolment at a hub: the invitations' file, the roster's file, and the two kept in step. For the command line and the screen alike.
//!
//! Whoever calls has signed somebody in and written it into the audit log before. What is said on the line is
//! `downtime::identity::enrolment`'s; how a request comes in, `enrol_routes`'.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use anyhow::{Context, Result};
use chart::{Moment, StationCode};
use desk::office::{Books, Issued, NotHeard};
use downtime::identity::enrolment::{
    Answer, Asking, CODE_MINUTES, Card, Disbelief, ID_LEN, Invitation, InvitationCode, Ledger, NotDone, Offer, Reply,
    SignedAsk, Standing, State, Welcome, Wish,
};
use downtime::identity::passing::{Asks, Passed};
use downtime::identity::{Hand, NewStation, RosterFault};
use downtime::stations::Station;

use crate::config::Config;
use crate::home::{ChangedMeanwhile, Home, hold, roster_file, write_durably};
use crate::roster_link::RosterLink;
use crate::{clock, random};

/// Largest file of invitations read, in bytes.
const MAX_FILE: u64 = 8 << 20;

/// Enrolment at this station.
pub struct Office {
    config: Config,
    running: Option<(Weak<Station>, Arc<RosterLink>)>,
}

impl Office {
    /// For a command.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            config: config.clone(),
            running: None,
        }
    }

    /// For a running station.
    #[must_use]
    pub fn running(config: &Config, station: &Arc<Station>, link: Arc<RosterLink>) -> Self {
        Self {
            config: config.clone(),
            running: Some((Arc::downgrade(station), link)),
        }
    }

    fn station(&self) -> Option<Arc<Station>> {
        self.running.as_ref().and_then(|(station, _)| station.upgrade())
    }

    fn home(&self) -> Result<Home, NotDone> {
        let home = Home::open(&self.config).map_err(|e| failed(&e))?;
        if !roster_file(&home.data).exists() {
            return Err(NotDone::NoHub);
        }
        Ok(home)
    }

    /// A hub that keeps the roster; the others change nothing.
    fn keeper(&self) -> Result<Home, NotDone> {
        let home = self.home()?;
        match home.roster.keeper().filter(|keeper| *keeper != home.code) {
            Some(keeper) => Err(NotDone::KeptElsewhere(keeper)),
            None => Ok(home),
        }
    }

    /// Enrols or renews, then writes the roster. Done already (a crash in between) is done.
    fn enrol(&self, home: &mut Home, offer: &Offer, asking: &Asking, hand: &Hand<'_>) -> Result<(), NotDone> {
        let public = asking.public().map_err(|e| failed(&e.into()))?;
        let sealer = asking.sealer().map_err(|e| failed(&e.into()))?;
        let there = home.roster.station(offer.code);
        if there.is_some_and(|s| !s.retired && s.public().is_ok_and(|key| key == public)) {
            return Ok(());
        }
        let new = NewStation {
            code: offer.code,
            block: offer.block,
            label: offer.label.clone(),
            public: &public,
            sealer: offer.hub.then_some(&sealer),
            wards: &offer.wards,
            departments: &offer.departments,
            address: offer.address.as_deref(),
            hub: offer.hub,
        };
        if offer.renews {
            home.roster.renew(&new, hand.at.day(), hand)?;
        } else {
            home.roster.enrol(&new, Some(hand))?;
        }
        self.save(home)
    }

    fn save(&self, home: &mut Home) -> Result<(), NotDone> {
        home.save_roster().map_err(|fault| {
            if fault.downcast_ref::<ChangedMeanwhile>().is_some() {
                return NotDone::Changed;
            }
            match fault.downcast_ref::<RosterFault>() {
                Some(RosterFault::KeptElsewhere(hub)) => NotDone::KeptElsewhere(*hub),
                _ => failed(&fault),
            }
        })?;
        if let Some(station) = self.station() {
            station.learn(&home.roster)?;
        }
        Ok(())
    }

    fn reply(&self, heard_mine: bool, invitation: &Invitation, home: &Home, now: Moment) -> Result<Reply> {
        if !heard_mine {
            return Ok(Reply::Used);
        }
        Ok(match (&invitation.state, invitation.standing(now)) {
            (_, Standing::Expired) | (State::Open, _) => Reply::Expired,
            (State::Asked(asking), _) => Reply::Waiting {
                offer: invitation.offer.clone(),
                until: asking.until(),
            },
            (State::Refused { why, .. }, _) => Reply::Refused { why: why.clone() },
            // Somebody who copied the disk later does not get it again.
            (State::Approved { asking, .. }, _) if now > asking.until() => Reply::Expired,
            (State::Approved { asking, .. }, _) => {
                let offer = invitation.offer.clone();
                let roster = if offer.hub {
                    home.roster.to_bytes()?
                } else {
                    home.roster.without_users().to_bytes()?
                };
                let welcome = Welcome {
                    offer,
                    roster,
                    settings: settings(&self.config),
                };
                let sealed = welcome.seal(&home.roster.hospital(), &asking.public()?, &mut random::system())?;
                Reply::Welcome { sealed }
            }
        })
    }

    fn answer(&self, body: &[u8], from: &str) -> Result<Result<Vec<u8>, NotHeard>> {
        let signed = match SignedAsk::from_bytes(body) {
            Ok(signed) => signed,
            Err(_) => return Ok(Err(NotHeard::Malformed)),
        };
        let home = match self.keeper() {
            Ok(home) => home,
            Err(NotDone::NoHub | NotDone::KeptElsewhere(_)) => return Ok(Err(NotHeard::NoHub)),
            Err(fault) => return Err(fault.into()),
        };
        let now = clock::now();
        // One at a time, over processes too: a code that two terminals bring at once is bound to one of them.
        let _held = hold(&home.data, "invitations")?;
        let mut ledger = read(&home.data)?;
        let (bytes, changed) = match ledger.hear(&signed, from, now) {
            Ok(heard) => {
                let reply = self.reply(heard.mine, heard.invitation, &home, now)?;
                let answer = Answer::new(&signed, &reply, heard.invitation, &home.secret);
                (answer.to_bytes(), heard.changed)
            }
            Err(Disbelief::Malformed) => return Ok(Err(NotHeard::Malformed)),
            Err(Disbelief::NotProved) => return Ok(Err(NotHeard::WrongCode)),
        };
        if changed {
            write(&home.data, &ledger)?;
        }
        Ok(Ok(bytes))
    }
}

impl desk::office::Office for Office {
    fn books(&self) -> Result<Books, NotDone> {
        let home = Home::open(&self.config).map_err(|e| failed(&e))?;
        let hub = roster_file(&home.data).exists();
        let ledger = if hub {
            read(&home.data).map_err(|e| failed(&e))?
        } else {
            Ledger::default()
        };
        let keeps = hub && home.roster.keeper().is_none_or(|keeper| keeper == home.code);
        let known = self.station().map(|station| station.roster());
        let roster = match known.filter(|known| !hub && known.stamp() >= home.roster.stamp()) {
            Some(known) => known,
            None => Arc::new(home.roster.without_users()),
        };
        Ok(Books { roster, ledger, keeps })
    }

    fn invite(&self, wish: &Wish, by: &str) -> Result<Issued, NotDone> {
        let home = self.keeper()?;
        let now = clock::now();
        let _held = hold(&home.data, "invitations").map_err(|e| failed(&e))?;
        let mut ledger = read(&home.data).map_err(|e| failed(&e))?;
        let offer = wish.offer(&home.roster, &ledger, now)?;
        if offer.renews && offer.code == home.code {
            return Err(NotDone::Itself);
        }
        let code = InvitationCode::random(&mut random::system());
        let minutes = if wish.minutes == 0 { CODE_MINUTES } else { wish.minutes };
        let card = Card {
            hospital: home.roster.hospital().0,
            name: home.roster.name.clone(),
            hub: home.code,
            public: home.secret.public().to_bytes(),
        };
        let issued = ledger.issue(&code, &card, offer, by, now, minutes);
        let id = issued.ok_or(NotDone::TooMany)?.id;
        write(&home.data, &ledger).map_err(|e| failed(&e))?;
        Ok(Issued { code, id })
    }

    fn approve(&self, id: &[u8; ID_LEN], fingerprint: &str, by: &str) -> Result<StationCode, NotDone> {
        let mut home = self.keeper()?;
        let now = clock::now();
        let _held = hold(&home.data, "invitations").map_err(|e| failed(&e))?;
        let mut ledger = read(&home.data).map_err(|e| failed(&e))?;
        let found = ledger.find(id).filter(|i| i.standing(now) == Standing::Waiting);
        let invitation = found.ok_or(NotDone::Gone)?.clone();
        let asking = invitation.asking().ok_or(NotDone::Gone)?.clone();
        let shown = asking.fingerprint().map_err(|e| failed(&e.into()))?.to_string();
        if plain(&shown) != plain(fingerprint) {
            return Err(NotDone::OtherFingerprint);
        }
        let hand = Hand {
            by,
            at: now,
            note: &invitation.offer.note,
        };
        self.enrol(&mut home, &invitation.offer, &asking, &hand)?;
        let by = by.to_owned();
        ledger.settle(id, State::Approved { asking, at: now, by });
        write(&home.data, &ledger).map_err(|e| failed(&e))?;
        Ok(invitation.offer.code)
    }

    fn refuse(&self, id: &[u8; ID_LEN], why: &str, by: &str) -> Result<StationCode, NotDone> {
        let home = self.keeper()?;
        let now = clock::now();
        let _held = hold(&home.data, "invitations").map_err(|e| failed(&e))?;
        let mut ledger = read(&home.data).map_err(|e| failed(&e))?;
        let lives = |i: &&Invitation| matches!(i.standing(now), Standing::Open | Standing::Waiting);
        let invitation = ledger.find(id).filter(lives).ok_or(NotDone::Gone)?.clone();
        let state = State::Refused {
            asking: invitation.asking().cloned(),
            at: now,
            by: by.to_owned(),
            why: why.trim().to_owned(),
        };
        ledger.settle(id, state);
        write(&home.data, &ledger).map_err(|e| failed(&e))?;
        Ok(invitation.offer.code)
    }

    fn retire(&self, code: StationCode, why: &str, by: &str) -> Result<(), NotDone> {
        let mut home = self.keeper()?;
        if code == home.code {
            return Err(NotDone::Itself);
        }
        let hand = Hand {
            by,
            at: clock::now(),
            note: why,
        };
        if !home.roster.retire_station(code, Some(&hand)) {
            return Err(NotDone::Unknown);
        }
        self.save(&mut home)
    }

    fn hear(&self, body: &[u8], from: &str) -> Result<Vec<u8>, NotHeard> {
        self.answer(body, from).unwrap_or_else(|error| {
            tracing::error!("a request for enrolment could not be answered: {error:#}");
            Err(NotHeard::Failed)
        })
    }

    fn newer(&self, body: &[u8]) -> Result<Vec<u8>, String> {
        let asks = Asks::from_bytes(body).map_err(|e| e.to_string())?;
        let (_, link) = self.running.as_ref().ok_or("not running")?;
        Ok(link.pass(&asks).map_err(|e| format!("{e:#}"))?.to_bytes())
    }

    fn take(&self, body: &[u8]) -> Result<bool, String> {
        let passed = Passed::from_bytes(body).map_err(|e| e.to_string())?;
        let (_, link) = self.running.as_ref().ok_or("not running")?;
        link.take(&passed).map_err(|e| format!("{e:#}"))
    }
}

/// A fingerprint without what people put between its digits.
fn plain(fingerprint: &str) -> String {
    let text = chart::id::half_width_text(fingerprint);
    text.chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_uppercase()
}

/// What is the same on every station of a hospital, as lines of a configuration.
fn settings(config: &Config) -> String {
    let word = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let h = &config.hospital;
    let i = &h.institution;
    let mut text = format!(
        "[hospital]\nname = {}\ncontact_phone = {}\n\n[hospital.institution]\n",
        word(&h.name),
        word(&h.contact_phone)
    );
    for (key, value) in [
        ("prefecture", &i.prefecture),
        ("code", &i.code),
        ("postcode", &i.postcode),
        ("address", &i.address),
        ("phone", &i.phone),
        ("fax", &i.fax),
    ] {
        text.push_str(&format!("{key} = {}\n", word(value)));
    }
    text
}

fn file(data: &Path) -> PathBuf {
    data.join("invitations.cbor")
}

fn read(data: &Path) -> Result<Ledger> {
    let path = file(data);
    let size = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Ledger::default()),
        Err(error) => return Err(error).with_context(|| format!("{} を読めません", path.display())),
    };
    if size > MAX_FILE {
        anyhow::bail!("{} が大きすぎます（{size} バイト）", path.display());
    }
    let bytes = fs::read(&path).with_context(|| format!("{} を読めません", path.display()))?;
    Ledger::from_bytes(&bytes).with_context(|| {
        format!(
            "{} が壊れています。登録コードを作り直すには、このファイルを別の場所へ移してください",
            path.display()
        )
    })
}

fn write(data: &Path, ledger: &Ledger) -> Result<()> {
    write_durably(&file(data), &ledger.to_bytes())
}

fn failed(fault: &anyhow::Error) -> NotDone {
    NotDone::Failed(format!("{fault:#}"))
}
