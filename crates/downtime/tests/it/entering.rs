//! Coming in where one must not: each line is one attack with its name. What opens is said as well, so that a door that opens
//! for nobody fails too.
//!
//! Passwords, badges and slots are here; counters, disabled people and old data in `stations`; envelopes in `envelopes`.

mod envelopes;
mod stations;

use downtime::identity::{BadgeSecret, Credentials, EnvelopeSecret, NewUser, Role, RosterFault, Scanned, Sponsor};
use vault::keys::UserSecret;
use vault::slot::{KIND_FIDO2, Slot, SlotCost, SlotFault};
use vault::{HospitalId, UserId};

use crate::hospital::{Hospital, PASSWORD, rng};

const HOME: HospitalId = HospitalId([7; 16]);
const AWAY: HospitalId = HospitalId([8; 16]);
const TANAKA: UserId = UserId([1; 16]);
const SATO: UserId = UserId([2; 16]);

/// Named cases; the first that fails says its name, and the number that held is printed at the end.
pub struct Cases {
    about: &'static str,
    held: usize,
}

impl Cases {
    pub fn about(about: &'static str) -> Self {
        Self { about, held: 0 }
    }

    #[track_caller]
    pub fn case(&mut self, name: &str, holds: bool) {
        assert!(holds, "{}: {name}", self.about);
        self.held += 1;
    }
}

impl Drop for Cases {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            println!(
                "torture: {}: {} cases, all refused or let in as they must",
                self.about, self.held
            );
        }
    }
}

fn badge(n: u8) -> BadgeSecret {
    BadgeSecret::from_bytes([n; 16])
}

fn both<'a>(password: &'a str, badge: &'a BadgeSecret) -> Credentials<'a> {
    Credentials::PasswordAndBadge { password, badge }
}

fn slot(user: &UserId, who: &Credentials<'_>) -> (UserSecret, Slot) {
    let secret = UserSecret::random(&mut rng());
    let slot = Slot::create(&HOME, user, 0, who, &secret, SlotCost::FLOOR, &mut rng()).unwrap();
    (secret, slot)
}

fn opens(slot: &Slot, user: &UserId, who: &Credentials<'_>) -> bool {
    slot.open(&HOME, user, 0, who).is_ok()
}

#[test]
fn passwords() {
    let mut cases = Cases::about("passwords");
    let written = "ながいパスワード 7-Café";
    let (_, slot) = slot(&TANAKA, &Credentials::Password(written));
    let mut tries = |name: &str, password: &str, wanted: bool| {
        cases.case(name, opens(&slot, &TANAKA, &Credentials::Password(password)) == wanted);
    };
    tries("the right one opens", written, true);
    tries(
        "decomposed accents are the same letters",
        "ながいパスワード 7-Cafe\u{301}",
        true,
    );
    tries("full width is the same letters", "ながいパスワード　７－Ｃａｆé", true);
    tries("half-width kana are the same letters", "ながいﾊﾟｽﾜｰﾄﾞ 7-Café", true);
    tries("wrong", "ながいパスワード 8-Café", false);
    tries("empty", "", false);
    tries("a space alone", " ", false);
    tries("another case", "ながいパスワード 7-café", false);
    tries("without the accent", "ながいパスワード 7-Cafe", false);
    tries("a space behind it", "ながいパスワード 7-Café ", false);
    tries("its beginning", "ながいパスワード", false);
    tries("with a NUL behind it", "ながいパスワード 7-Café\0", false);
    tries("with a NUL and more behind it", "ながいパスワード 7-Café\0x", false);
    tries("a NUL alone", "\0", false);
    tries("4 KiB", &"x".repeat(4 << 10), false);
    tries(
        "4 KiB that begin rightly",
        &format!("{written}{}", "x".repeat(4 << 10)),
        false,
    );
    tries(
        "one character that unfolds to eighteen, often",
        &"\u{fdfa}".repeat(1_000),
        false,
    );
}

#[test]
fn badges() {
    let mut cases = Cases::about("badges");
    let (mine, hers) = (badge(1), badge(2));
    let (_, slot) = slot(&TANAKA, &both(PASSWORD, &mine));
    let mut tries = |name: &str, who: Credentials<'_>, wanted: bool| {
        cases.case(name, opens(&slot, &TANAKA, &who) == wanted);
    };
    tries("badge and password open", both(PASSWORD, &mine), true);
    tries("somebody else's badge", both(PASSWORD, &hers), false);
    tries("no badge", Credentials::Password(PASSWORD), false);
    tries(
        "badge and a wrong password",
        both("another-long-password", &mine),
        false,
    );
    tries("badge and no password", both("", &mine), false);
    let as_envelope = EnvelopeSecret::from_bytes([1; 16]);
    tries(
        "the badge's secret as an envelope",
        Credentials::Envelope(&as_envelope),
        false,
    );
    let typed = mine.to_typed();
    tries(
        "the badge's characters as the password",
        Credentials::Password(&typed),
        false,
    );
    let digits = mine.to_digits(12_345_678).unwrap();
    let read = |text: &str| BadgeSecret::from_digits(text).map(|(number, secret)| (number, *secret.as_bytes()));
    cases.case(
        "the scanned digits are number and secret",
        read(&digits) == Ok((12_345_678, [1; 16])),
    );
    cases.case("a digit missing at the end", read(&digits[..50]).is_err());
    cases.case("a digit missing in front", read(&digits[1..]).is_err());
    cases.case("a digit too many", read(&format!("{}0", &*digits)).is_err());
    let changed = (0..51).all(|at| {
        let mut other: Vec<u8> = digits.bytes().collect();
        other[at] = b'0' + (other[at] - b'0' + 1) % 10;
        read(&String::from_utf8(other).unwrap()).is_err()
    });
    cases.case("any one digit changed", changed);
    let swapped = (2..50).all(|at| {
        let mut other: Vec<u8> = digits.bytes().collect();
        other.swap(at, at + 1);
        let same = other == digits.bytes().collect::<Vec<_>>();
        same || read(&String::from_utf8(other).unwrap()).is_err()
    });
    cases.case("any two neighbours swapped", swapped);
    let envelope = EnvelopeSecret::from_bytes([1; 16]).to_digits(12_345_678).unwrap();
    cases.case("an envelope's digits are no badge", read(&envelope).is_err());
    cases.case(
        "nor is text",
        Scanned::looks_like("91".repeat(26).get(..51).unwrap_or_default()).is_some(),
    );
    cases.case(
        "characters with one mistake",
        BadgeSecret::from_typed(&typed.replacen(['0', '1'], "2", 1)).is_err(),
    );
    cases.case("characters cut off", BadgeSecret::from_typed(&typed[..30]).is_err());
}

#[test]
fn slots() {
    let mut cases = Cases::about("slots in another place");
    let who = Credentials::Password(PASSWORD);
    let (secret, tanaka) = slot(&TANAKA, &who);
    let (_, sato) = slot(&SATO, &who);
    let opened = tanaka.open(&HOME, &TANAKA, 0, &who).unwrap();
    cases.case(
        "in its own place it opens",
        opened.public().to_bytes() == secret.public().to_bytes(),
    );
    let refused = |slot: &Slot, hospital, user, number| slot.open(hospital, user, number, &who).is_err();
    cases.case("another user's slot, same password", refused(&sato, &HOME, &TANAKA, 0));
    cases.case("one's own slot as another user", refused(&tanaka, &HOME, &SATO, 0));
    cases.case("in another hospital", refused(&tanaka, &AWAY, &TANAKA, 0));
    cases.case("as another slot of the same user", refused(&tanaka, &HOME, &TANAKA, 1));
    let changed = |at: usize, to: &[u8]| {
        let mut bytes = tanaka.as_bytes().to_vec();
        bytes[at..at + to.len()].copy_from_slice(to);
        Slot::from_bytes(&bytes).and_then(|slot| slot.open(&HOME, &TANAKA, 0, &who))
    };
    let cost = |result: Result<UserSecret, SlotFault>| matches!(result, Err(SlotFault::Cost));
    cases.case(
        "memory lowered below the floor",
        cost(changed(4, &1_024_u32.to_le_bytes())),
    );
    cases.case("memory raised to 4 GiB", cost(changed(4, &(4_u32 << 20).to_le_bytes())));
    cases.case("memory of all ones", cost(changed(4, &[0xFF; 4])));
    cases.case("no passes", cost(changed(8, &[0; 4])));
    cases.case("a million passes", cost(changed(8, &1_000_000_u32.to_le_bytes())));
    cases.case("no lanes", cost(changed(12, &[0; 4])));
    cases.case("255 lanes", cost(changed(12, &255_u32.to_le_bytes())));
    cases.case(
        "memory raised within bounds",
        changed(4, &65_536_u32.to_le_bytes()).is_err(),
    );
    cases.case("another salt", changed(16, &[0; 16]).is_err());
    cases.case("said to want a badge", changed(2, &[2]).is_err());
    cases.case("said to be an envelope", changed(2, &[4]).is_err());
    cases.case(
        "said to be a security key",
        matches!(changed(2, &[KIND_FIDO2]), Err(SlotFault::Unknown)),
    );
    cases.case("of a newer version", changed(0, &[9]).is_err());
    cases.case(
        "cut off",
        (0..tanaka.as_bytes().len()).all(|end| {
            let cut = Slot::from_bytes(&tanaka.as_bytes()[..end]);
            cut.and_then(|slot| slot.open(&HOME, &TANAKA, 0, &who)).is_err()
        }),
    );
}

#[test]
fn accounts() {
    let mut cases = Cases::about("making accounts");
    let mut hospital = Hospital::new();
    let (journal, audit) = (hospital.journal.clone(), hospital.audit.clone());
    let sponsor = |with_journal: bool, with_audit: bool, note: &'static str| Sponsor {
        user: "9001",
        journal: with_journal.then_some(&journal),
        audit: with_audit.then_some(&audit),
        at: chart::Moment(0),
        note,
    };
    let mut enrol = |number: &str, role: Role, password: &str, sponsor: &Sponsor<'_>| {
        let user = NewUser::with_password(number, "試験　次郎", role, password);
        hospital.roster.enrol_user(&user, sponsor, SlotCost::FLOOR, &mut rng())
    };
    let all = sponsor(true, true, "免許証");
    cases.case(
        "with everything it works",
        enrol("5001", Role::Physician, PASSWORD, &all).is_ok(),
    );
    let again = enrol("5001", Role::Physician, PASSWORD, &all);
    cases.case("a number that is taken", matches!(again, Err(RosterFault::Taken(_))));
    cases.case(
        "a short password",
        enrol("5002", Role::Physician, "short", &all).is_err(),
    );
    cases.case(
        "a guessable password",
        enrol("5002", Role::Physician, "passwordpassword", &all).is_err(),
    );
    cases.case("an empty password", enrol("5002", Role::Physician, "", &all).is_err());
    let reader = enrol("5003", Role::Physician, PASSWORD, &sponsor(false, true, "免許証"));
    cases.case(
        "who holds no journal key passes none on",
        matches!(reader, Err(RosterFault::CannotPassOn(_))),
    );
    let auditor = enrol("5004", Role::Auditor, PASSWORD, &sponsor(true, false, "免許証"));
    cases.case(
        "who reads no audit log makes no auditor",
        matches!(auditor, Err(RosterFault::CannotPassOn(_))),
    );
    let roster = &mut hospital.roster;
    let unchecked = roster.reset_user(
        "5001",
        0,
        &Credentials::Password(PASSWORD),
        &sponsor(true, true, " "),
        SlotCost::FLOOR,
        &mut rng(),
    );
    cases.case(
        "a reset without a check of identity",
        matches!(unchecked, Err(RosterFault::NoIdentityCheck)),
    );
    let raised = roster.change_post("8001", Role::Physician, Role::Physician.usual_scope(), &all);
    cases.case(
        "an auditor becomes no reader by a new post",
        matches!(raised, Err(RosterFault::NeedsReset(_))),
    );
    let raised = roster.change_post("5001", Role::Auditor, Role::Auditor.usual_scope(), &all);
    cases.case(
        "a reader becomes no auditor by a new post",
        matches!(raised, Err(RosterFault::NeedsReset(_))),
    );
    cases.case(
        "nobody's post",
        roster
            .change_post("0000", Role::Nurse, Role::Nurse.usual_scope(), &all)
            .is_err(),
    );
    cases.case("a roster cut off", {
        let bytes = roster.to_bytes().unwrap();
        downtime::identity::Roster::from_bytes(&bytes[..bytes.len() / 2]).is_err()
    });
}
