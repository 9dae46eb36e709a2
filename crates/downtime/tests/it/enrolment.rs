//! Enrolment as attackers see it, and the roster on its way. The line belongs to the attacker; the paper with the code does not.

use chart::Moment;
use downtime::identity::enrolment::{
    Answer, Ask, Card, Disbelief, InvitationCode, Ledger, NotDone, Offer, Reply, SignedAsk, Standing, State, Welcome,
    Wish,
};
use downtime::identity::passing::{NotTaken, SignedRoster};
use downtime::identity::{Hand, NewStation, Roster, RosterFault};
use downtime::stations::Heads;
use vault::keys::{SealerSecret, StationSecret};

use crate::hospital::{Hospital, code, nine, rng};

/// A hub that has issued one code, and a terminal that knows it.
struct Door {
    hospital: Hospital,
    ledger: Ledger,
    code: InvitationCode,
    terminal: Terminal,
}

struct Terminal {
    station: StationSecret,
    sealer: SealerSecret,
}

impl Terminal {
    fn new() -> Self {
        Self {
            station: StationSecret::random(&mut rng()),
            sealer: SealerSecret::random(&mut rng()),
        }
    }

    fn asks(&self, code: &InvitationCode) -> SignedAsk {
        let (station, sealer) = (self.station.public(), self.sealer.public());
        Ask::new(code, &station, &sealer, "受付3", "0.1.0", &mut rng()).sign(code, &self.station)
    }
}

fn card(hospital: &Hospital) -> Card {
    Card {
        hospital: hospital.roster.hospital().0,
        name: hospital.roster.name.clone(),
        hub: code("H01"),
        public: hospital.hub.public().to_bytes(),
    }
}

fn minutes(n: i64) -> Moment {
    Moment(nine().0 + n * 60)
}

impl Door {
    fn new() -> Self {
        let hospital = Hospital::new();
        let mut ledger = Ledger::default();
        let typed = InvitationCode::random(&mut rng());
        let offer = Wish::default().offer(&hospital.roster, &ledger, nine()).unwrap();
        ledger
            .issue(&typed, &card(&hospital), offer, "9001", nine(), 15)
            .unwrap();
        Self {
            hospital,
            ledger,
            code: typed,
            terminal: Terminal::new(),
        }
    }

    fn answer(&self, to: &SignedAsk, reply: &Reply) -> Answer {
        Answer::new(to, reply, &self.ledger.invitations[0], &self.hospital.hub)
    }
}

#[test]
fn the_right_code_in_time_waits_for_an_officer_with_the_terminals_own_fingerprint() {
    let mut door = Door::new();
    let ask = door.terminal.asks(&door.code);
    // Over the line and back.
    let ask = SignedAsk::from_bytes(&ask.to_bytes()).unwrap();
    let heard = door.ledger.hear(&ask, "10.0.0.7", minutes(14)).unwrap();
    assert!(heard.mine && heard.changed);
    assert_eq!(heard.invitation.standing(minutes(14)), Standing::Waiting);
    let asking = heard.invitation.asking().unwrap();
    assert_eq!(
        asking.fingerprint().unwrap(),
        door.terminal.station.public().fingerprint()
    );
    assert_eq!((asking.from.as_str(), asking.machine.as_str()), ("10.0.0.7", "受付3"));
    let written = door.ledger.to_bytes();
    assert_eq!(Ledger::from_bytes(&written).unwrap(), door.ledger);
    let typed = door.code.to_typed();
    let found = |secret: &[u8]| written.windows(secret.len()).any(|w| w == secret);
    assert!(
        !found(typed.as_bytes()) && !found(typed.replace('-', "").as_bytes()),
        "the code is in no file"
    );
    // Asked again, also long after the code itself ran out: still waiting, nothing changes.
    let again = door.terminal.asks(&door.code);
    let heard = door.ledger.hear(&again, "10.0.0.7", minutes(600)).unwrap();
    assert!(heard.mine && !heard.changed);
}

#[test]
fn a_code_that_is_wrong_opens_nothing_and_is_told_apart_from_a_mistyped_one() {
    let mut door = Door::new();
    let before = door.ledger.clone();
    for _ in 0..200 {
        let guessed = InvitationCode::random(&mut rng());
        let refused = door.ledger.hear(&door.terminal.asks(&guessed), "", nine());
        assert_eq!(refused.unwrap_err(), Disbelief::NotProved);
    }
    // The name of the invitation is on the line; without the code it proves nothing.
    let guessed = InvitationCode::random(&mut rng());
    let mut ask = Ask::new(
        &guessed,
        &door.terminal.station.public(),
        &door.terminal.sealer.public(),
        "",
        "",
        &mut rng(),
    );
    ask.id = door.code.id();
    let forged = ask.sign(&guessed, &door.terminal.station);
    assert_eq!(door.ledger.hear(&forged, "", nine()).unwrap_err(), Disbelief::NotProved);
    assert_eq!(door.ledger, before, "nothing was changed");
    // Every single wrong character of what was typed is found before anything is sent.
    let typed = door.code.to_typed().replace('-', "");
    assert_eq!(typed.len(), vault::invitation::CODE_CHARS);
    for at in 0..typed.len() {
        for other in "0123456789ABCDEFGHJKMNPQRSTVWXYZ".chars() {
            let mut wrong = typed.clone();
            wrong.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
            assert_eq!(
                InvitationCode::from_typed(&wrong).is_ok(),
                wrong == typed,
                "{at} {other}"
            );
        }
    }
    assert_eq!(InvitationCode::from_typed(&typed.to_lowercase()).unwrap(), door.code);
    const { assert!(vault::invitation::CODE_BITS >= 80) };
}

#[test]
fn a_code_is_used_once_and_runs_out() {
    let mut door = Door::new();
    let late = door.terminal.asks(&door.code);
    let heard = door.ledger.hear(&late, "", minutes(16)).unwrap();
    assert!(!heard.changed);
    assert_eq!(heard.invitation.standing(minutes(16)), Standing::Expired);
    // In time, the first of two wins; the other is told so and changes nothing.
    let other = Terminal::new();
    assert!(
        door.ledger
            .hear(&door.terminal.asks(&door.code), "", minutes(3))
            .unwrap()
            .changed
    );
    let second = door.ledger.hear(&other.asks(&door.code), "", minutes(3)).unwrap();
    assert!(!second.mine && !second.changed);
    let asking = door.ledger.invitations[0].asking().unwrap();
    assert_eq!(asking.public().unwrap(), door.terminal.station.public());
    // Nobody decided for a day: over.
    assert_eq!(
        door.ledger.invitations[0].standing(minutes(3 + 24 * 60)),
        Standing::Waiting
    );
    assert_eq!(
        door.ledger.invitations[0].standing(minutes(4 + 24 * 60)),
        Standing::Expired
    );
    // Refused stays refused, for whoever knows the code.
    let id = door.code.id();
    let asking = door.ledger.invitations[0].asking().cloned();
    let state = State::Refused {
        asking,
        at: minutes(5),
        by: "9001".into(),
        why: "試験".into(),
    };
    assert!(door.ledger.settle(&id, state));
    let heard = door
        .ledger
        .hear(&door.terminal.asks(&door.code), "", minutes(6))
        .unwrap();
    assert!(!heard.changed);
    assert_eq!(heard.invitation.standing(minutes(6)), Standing::Refused);
}

#[test]
fn nobody_in_the_middle_swaps_a_key_on_the_way_there() {
    let mut door = Door::new();
    let attacker = Terminal::new();
    let before = door.ledger.clone();
    let honest = door.terminal.asks(&door.code);
    // Every byte of the request changed, one at a time.
    let bytes = honest.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(ask) = SignedAsk::from_bytes(&changed) {
            assert!(door.ledger.hear(&ask, "", nine()).is_err(), "byte {at}");
        }
    }
    // The attacker's own keys, with the proof of the code that was heard.
    let mut ask = honest.read().unwrap();
    ask.public = attacker.station.public().to_bytes();
    let guessed = InvitationCode::random(&mut rng());
    let swapped = ask.sign(&guessed, &attacker.station);
    assert!(door.ledger.hear(&swapped, "", nine()).is_err());
    assert_eq!(door.ledger, before);
}

#[test]
fn nobody_in_the_middle_answers_for_the_hub() {
    let mut door = Door::new();
    let ask = door.terminal.asks(&door.code);
    door.ledger.hear(&ask, "", nine()).unwrap();
    let offer = door.ledger.invitations[0].offer.clone();
    let waiting = Reply::Waiting {
        offer: offer.clone(),
        until: minutes(60),
    };
    let answer = door.answer(&ask, &waiting);
    let (shown, reply) = answer.open(&ask, &door.code).unwrap();
    assert_eq!((shown, reply), (card(&door.hospital), waiting.clone()));
    // Changed anywhere.
    let bytes = answer.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        if let Ok(answer) = Answer::from_bytes(&changed) {
            assert!(answer.open(&ask, &door.code).is_err(), "byte {at}");
        }
    }
    // An earlier answer to a later question.
    let later = door.terminal.asks(&door.code);
    assert_eq!(answer.open(&later, &door.code).unwrap_err(), Disbelief::NotProved);
    // Another hospital's hub with a code of its own; the attacker's hub with the invitation it stole from the real one's disk.
    let other = Door::new();
    let theirs = Answer::new(&ask, &waiting, &other.ledger.invitations[0], &other.hospital.hub);
    assert!(theirs.open(&ask, &door.code).is_err());
    let attacker = StationSecret::random(&mut rng());
    let stolen = Answer::new(&ask, &waiting, &door.ledger.invitations[0], &attacker);
    assert!(stolen.open(&ask, &door.code).is_err());
}

#[test]
fn what_an_enrolled_terminal_gets_only_that_terminal_opens() {
    let door = Door::new();
    let offer = door.ledger.invitations[0].offer.clone();
    let roster = door.hospital.roster.to_bytes().unwrap();
    let welcome = Welcome {
        offer,
        roster,
        settings: "[hospital]\nname = \"試験\"\n".into(),
    };
    let id = door.hospital.roster.hospital();
    let sealed = welcome.seal(&id, &door.terminal.station.public(), &mut rng()).unwrap();
    assert_eq!(Welcome::unseal(&id, &door.terminal.station, &sealed).unwrap(), welcome);
    assert!(Welcome::unseal(&id, &Terminal::new().station, &sealed).is_err());
    assert!(Welcome::unseal(&vault::HospitalId([8; 16]), &door.terminal.station, &sealed).is_err());
}

#[test]
fn what_is_promised_to_one_terminal_is_not_proposed_to_another() {
    let mut door = Door::new();
    let promised = door.ledger.invitations[0].offer.clone();
    let next = Wish::default()
        .offer(&door.hospital.roster, &door.ledger, nine())
        .unwrap();
    assert_ne!(next.code, promised.code);
    assert!(!next.block.overlaps(&promised.block) && !next.label.looks_like(&promised.label));
    let wish = |change: &dyn Fn(&mut Wish)| {
        let mut wish = Wish::default();
        change(&mut wish);
        wish.offer(&door.hospital.roster, &door.ledger, nine())
            .map(|o: Offer| o.code)
    };
    assert_eq!(wish(&|w| w.code = Some(promised.code)), Err(NotDone::Taken));
    assert_eq!(wish(&|w| w.code = Some(code("R03"))), Err(NotDone::Taken));
    assert_eq!(wish(&|w| w.block = Some(promised.block)), Err(NotDone::Taken));
    assert_eq!(wish(&|w| w.label = Some(promised.label.clone())), Err(NotDone::Taken));
    assert_eq!(wish(&|w| w.renews = true), Err(NotDone::Wrong("note")));
    let renews = |w: &mut Wish, which: &str| {
        w.renews = true;
        w.note = "初期化".into();
        w.code = Some(code(which));
    };
    assert_eq!(wish(&|w| renews(w, "X99")), Err(NotDone::Unknown));
    assert_eq!(wish(&|w| renews(w, "R03")), Ok(code("R03")));
    assert_eq!(
        wish(&|w| w.address = Some("ftp://x".into())),
        Err(NotDone::Wrong("address"))
    );
    assert_eq!(wish(&|w| w.minutes = 1_441), Err(NotDone::Wrong("minutes")));
    // Once its time is over, the numbers are free again.
    door.ledger.invitations[0].expires = minutes(1);
    let again = Wish::default()
        .offer(&door.hospital.roster, &door.ledger, minutes(2))
        .unwrap();
    assert_eq!(again.block, promised.block);
}

fn enrol(roster: &mut Roster, which: &str, node: u8, letter: &str, secret: &StationSecret, hub: bool) {
    let new = NewStation {
        code: code(which),
        block: downtime::identity::ranges::Block::whole(node).unwrap(),
        label: downtime::identity::ranges::Label::parse(letter).unwrap(),
        public: &secret.public(),
        sealer: None,
        wards: &[],
        departments: &[],
        address: None,
        hub,
    };
    roster.enrol(&new, None).unwrap();
}

fn hand(note: &str) -> Hand<'_> {
    Hand {
        by: "9001",
        at: nine(),
        note,
    }
}

/// A hospital with two hubs, as the first knows it.
fn two_hubs() -> (Hospital, StationSecret) {
    let mut hospital = Hospital::new();
    let second = StationSecret::random(&mut rng());
    hospital.roster.changed_at(code("H01")).unwrap();
    enrol(&mut hospital.roster, "H02", 7, "G", &second, true);
    hospital.roster.changed_at(code("H01")).unwrap();
    (hospital, second)
}

#[test]
fn a_roster_is_taken_only_from_a_hub_of_this_hospital_and_only_when_it_is_newer() {
    let (hospital, second) = two_hubs();
    let known = hospital.roster.without_users();
    let mut newer = hospital.roster.clone();
    enrol(&mut newer, "W01", 9, "J", &StationSecret::random(&mut rng()), false);
    newer.changed_at(code("H01")).unwrap();
    let sign =
        |roster: &Roster, by: &str, secret: &StationSecret| SignedRoster::sign(roster, code(by), secret).unwrap();
    let good = sign(&newer.without_users(), "H01", &hospital.hub);
    assert_eq!(good.open(&known).unwrap(), newer.without_users());
    // Passed on by the second hub it is as good: any hub may sign.
    assert!(sign(&newer, "H02", &second).open(&known).is_ok());
    for (what, signed) in [
        ("a station that is no hub", sign(&newer, "R03", &hospital.ward)),
        ("a hub's name with another key", sign(&newer, "H01", &hospital.ward)),
        ("a hub nobody knows", sign(&newer, "H09", &second)),
    ] {
        assert!(matches!(signed.open(&known), Err(NotTaken::Forged)), "{what}");
    }
    let same = sign(&hospital.roster, "H01", &hospital.hub);
    assert!(matches!(same.open(&known), Err(NotTaken::NotNewer)));
    assert!(
        matches!(same.open(&newer), Err(NotTaken::NotNewer)),
        "an older one comes back"
    );
    let mut retired = known.clone();
    retired.retire_station(code("H02"), None);
    assert!(matches!(
        sign(&newer, "H02", &second).open(&retired),
        Err(NotTaken::Forged)
    ));
    let other = Hospital::named(vault::HospitalId([9; 16]));
    assert!(matches!(good.open(&other.roster), Err(NotTaken::OtherHospital)));
    // Every byte of it.
    let bytes = good.to_bytes().unwrap();
    for at in (0..bytes.len()).step_by(3) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x10;
        let opened = SignedRoster::from_bytes(&changed).map(|signed| signed.open(&known));
        assert!(!matches!(opened, Ok(Ok(_))), "byte {at}");
    }
}

#[test]
fn the_whole_roster_goes_to_another_hub_and_nobody_else_reads_it() {
    let (hospital, second) = two_hubs();
    let id = hospital.roster.hospital();
    let whole = SignedRoster::sign(&hospital.roster, code("H01"), &hospital.hub).unwrap();
    let sealed = whole.seal(&id, &second.public(), &mut rng()).unwrap();
    assert_eq!(SignedRoster::unseal(&id, &second, &sealed).unwrap(), whole);
    assert!(SignedRoster::unseal(&id, &hospital.ward, &sealed).is_err());
    let user = b"1001";
    assert!(
        !sealed.windows(user.len()).any(|w| w == user),
        "nobody's number is readable on the line"
    );
}

#[test]
fn one_hub_changes_the_roster_until_a_person_makes_another_the_keeper() {
    let (hospital, _) = two_hubs();
    let mut at_first = hospital.roster.clone();
    let mut at_second = hospital.roster.clone();
    assert!(matches!(at_second.changed_at(code("H02")), Err(RosterFault::KeptElsewhere(hub)) if hub == code("H01")));
    assert!(at_second.promote(code("R03"), &hand("試験")).is_err(), "no hub");
    at_second.promote(code("H02"), &hand("H01 が燃えた")).unwrap();
    // The first, which nobody told, goes on for a hundred changes: still older.
    for _ in 0..100 {
        at_first.changed_at(code("H01")).unwrap();
    }
    assert!(at_second.stamp() > at_first.stamp());
    // Told, it changes nothing any more.
    let mut told = at_second.clone();
    assert!(matches!(told.changed_at(code("H01")), Err(RosterFault::KeptElsewhere(hub)) if hub == code("H02")));
    at_second.changed_at(code("H02")).unwrap();
}

#[test]
fn a_station_that_runs_learns_of_a_new_one_and_takes_its_records_from_then_on() {
    let mut hospital = Hospital::new();
    let mut roster = hospital.roster.clone();
    let ward = hospital.start("R03");
    // The hub was started before the ward was enrolled.
    hospital.roster.stations.retain(|s| s.code != code("R03"));
    let hub = hospital.start("H01");
    let parcel = ward.missing(&Heads::default());
    assert!(!parcel.records.is_empty());
    assert_eq!(hub.take(&parcel).unwrap(), 0, "nobody knows who signed them");
    roster.changed_at(code("H01")).unwrap();
    assert!(hub.learn(&roster).unwrap());
    assert_eq!(hub.take(&parcel).unwrap(), parcel.records.len());
    // An older roster brings nothing back, and a key once known stays known.
    assert!(!hub.learn(&hospital.roster).unwrap());
    assert!(hub.roster().station(code("R03")).is_some());
    let other = Hospital::named(vault::HospitalId([9; 16]));
    let mut foreign = other.roster.clone();
    (0..9).for_each(|_| foreign.changed_at(code("H01")).unwrap());
    assert!(!hub.learn(&foreign).unwrap());
    // After a re-image both machines of the code are known, each by its own key.
    let again = StationSecret::random(&mut rng());
    let label = downtime::identity::ranges::Label::parse("K").unwrap();
    let old = roster.station(code("R03")).unwrap().clone();
    let new = NewStation {
        code: old.code,
        block: old.block,
        label,
        public: &again.public(),
        sealer: None,
        wards: &[],
        departments: &[],
        address: None,
        hub: false,
    };
    roster.renew(&new, nine().day(), &hand("初期化")).unwrap();
    roster.changed_at(code("H01")).unwrap();
    assert!(hub.learn(&roster).unwrap());
    drop(hub);
    hospital.roster = roster;
    std::fs::remove_dir_all(hospital.data("H01").join("peers")).unwrap();
    let hub = hospital.start("H01");
    assert_eq!(
        hub.take(&parcel).unwrap(),
        parcel.records.len(),
        "what the old machine signed still counts"
    );
}

#[test]
fn a_roster_from_before_there_were_blocks_means_whole_nodes() {
    let old = include_bytes!("../../../../fuzz/corpus/roster/before-blocks");
    let roster = Roster::from_bytes(old).unwrap();
    let station = roster.station(code("R03")).unwrap();
    assert_eq!(Some(station.block), downtime::identity::ranges::Block::whole(3));
    assert_eq!(
        (station.label.as_str(), station.generation, station.hub),
        ("C", 0, false)
    );
    assert_eq!(station.block_on(nine().day()), station.block);
    assert_eq!((roster.stamp(), roster.keeper()), (Default::default(), None));
    // Its hub may change it, and is one by name from then on.
    let mut roster = roster;
    roster.changed_at(code("R03")).unwrap();
    assert!(roster.station(code("R03")).unwrap().hub);
    assert_eq!(Roster::from_bytes(&roster.to_bytes().unwrap()).unwrap(), roster);
}
