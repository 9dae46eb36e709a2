//! New versions of the program: forged, half signed, signed twice by one, older, withdrawn; whose turn it is and what forbids it; and
//! the power cut between every two steps of putting one in.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use chart::Moment;
use chart::entry::Declaration;
use downtime::state::{Hours, Mode};
use downtime::updates::{
    Allowed, Approval, Choice, Facts, MAX_TRIES, Next, Offer, Order, Placed, ProgramFile, ProgramSlot, ProgramSlots,
    ProgramVersion, Release, Signed, SlotsState, Stage, Standing, Trust, UpdateFault, Waiting, begins, decide, sha256,
    stage,
};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use vault::files::Files;
use vault::keys::{ApprovalSecret, ReleaseSecret};
use vault::sign::Purpose;
use vault::simfs::{Ending, Fault, SimFs};

const PLATFORM: &str = "x86_64-linux";
const DAY: i64 = 24 * 3600;

fn version(text: &str) -> ProgramVersion {
    ProgramVersion::parse(text).unwrap()
}

/// Two who release, of whom both must sign, and two of the hospital, of whom one must.
struct Keys {
    release: [ReleaseSecret; 2],
    approval: [ApprovalSecret; 2],
}

impl Keys {
    fn new() -> Self {
        let rng = || UnwrapErr(SysRng);
        Self {
            release: [ReleaseSecret::random(&mut rng()), ReleaseSecret::random(&mut rng())],
            approval: [ApprovalSecret::random(&mut rng()), ApprovalSecret::random(&mut rng())],
        }
    }

    fn trust(&self, serial: u32) -> Trust {
        let release = self.release.iter().map(ReleaseSecret::public).collect();
        let approval = self.approval.iter().map(ApprovalSecret::public).collect();
        Trust::new(serial, release, 2, approval, 1).unwrap()
    }

    fn release(&self, number: &str, program: &[u8]) -> Signed {
        let mut signed = unsigned(number, program);
        self.release.iter().for_each(|key| signed.sign_release(key).unwrap());
        signed
    }

    fn approval(&self, release: &Signed, revision: u32, order: Order) -> Signed {
        let mut signed = Signed::unsigned(wish(release, revision, order).to_body().unwrap());
        signed.sign_approval(&self.approval[0]).unwrap();
        signed
    }

    fn offer(&self, number: &str) -> Offer {
        let release = self.release(number, number.as_bytes());
        let approval = self.approval(&release, 1, Order::Take);
        let (accepted, approval) = self.trust(1).accept(&release, &approval).unwrap();
        Offer {
            sha256: sha256(&release.body),
            release: accepted,
            approval,
            paused: None,
        }
    }
}

fn unsigned(number: &str, program: &[u8]) -> Signed {
    let release = Release {
        version: version(number),
        made_at: Moment(0),
        expires_at: Moment(400 * DAY),
        files: vec![ProgramFile {
            platform: PLATFORM.to_owned(),
            length: program.len() as u64,
            sha256: sha256(program),
        }],
        notes: String::new(),
    };
    Signed::unsigned(release.to_body().unwrap())
}

fn wish(release: &Signed, revision: u32, order: Order) -> Approval {
    Approval {
        release: sha256(&release.body),
        version: Release::from_body(&release.body).unwrap().version,
        revision,
        order,
        starts_at: Moment(10 * DAY),
        canary_wards: vec!["5E".to_owned()],
        canary_stations: vec!["R09".to_owned()],
        canary_hours: 24,
        tenth_hours: 24,
        by: "9001 灯山　明".to_owned(),
    }
}

fn sixteen_times(body: &[u8], key: &ReleaseSecret) -> Signed {
    let (public, signature) = (key.public().to_bytes(), key.sign(body));
    let mut out = minicbor::Encoder::new(Vec::new());
    out.array(2).unwrap().bytes(body).unwrap().array(16).unwrap();
    for _ in 0..16 {
        out.array(2).unwrap().bytes(&public).unwrap().bytes(&signature).unwrap();
    }
    Signed::from_bytes(&out.into_writer()).unwrap()
}

#[test]
fn both_kinds_of_key_are_needed_and_each_key_counts_once() {
    let (ours, others) = (Keys::new(), Keys::new());
    let trust = ours.trust(1);
    let release = ours.release("0.2.0", b"program");
    let approval = ours.approval(&release, 1, Order::Take);
    trust.accept(&release, &approval).unwrap();

    let few = |outcome: Result<(Release, Approval), UpdateFault>, what: &str, valid: u8| match outcome {
        Err(UpdateFault::TooFew {
            what: of, valid: found, ..
        }) => assert_eq!((of, found), (what, valid)),
        other => panic!("{other:?}"),
    };
    // Nobody, one of two, the same one twice (also under changed bytes), the hospital in the place of who releases, strangers.
    few(trust.accept(&unsigned("0.2.0", b"program"), &approval), "リリース", 0);
    let mut one = unsigned("0.2.0", b"program");
    one.sign_release(&ours.release[0]).unwrap();
    few(trust.accept(&one, &approval), "リリース", 1);
    one.sign_release(&ours.release[0]).unwrap();
    few(trust.accept(&one, &approval), "リリース", 1);
    // As an attacker would write the file: one good signature, sixteen times over.
    few(
        trust.accept(&sixteen_times(&one.body, &ours.release[0]), &approval),
        "リリース",
        1,
    );
    one.sign_approval(&ours.approval[0]).unwrap();
    one.sign_approval(&ours.approval[1]).unwrap();
    few(trust.accept(&one, &approval), "リリース", 1);
    others.release.iter().for_each(|key| one.sign_release(key).unwrap());
    few(trust.accept(&one, &approval), "リリース", 1);
    one.sign_release(&ours.release[1]).unwrap();
    trust.accept(&one, &ours.approval(&one, 1, Order::Take)).unwrap();

    // Without the hospital, with another hospital's word, with a word signed by those who release.
    let bare = Signed::unsigned(wish(&release, 1, Order::Take).to_body().unwrap());
    few(trust.accept(&release, &bare), "病院の承認", 0);
    few(
        trust.accept(&release, &others.approval(&release, 1, Order::Take)),
        "病院の承認",
        0,
    );
    let mut taken = bare;
    ours.release.iter().for_each(|key| taken.sign_release(key).unwrap());
    few(trust.accept(&release, &taken), "病院の承認", 0);

    // Every changed bit of what was signed.
    for bit in (0..release.body.len() * 8).step_by(7) {
        let mut forged = release.clone();
        forged.body[bit / 8] ^= 1 << (bit % 8);
        trust.accept(&forged, &approval).unwrap_err();
    }
    // A word for another release, and one that was taken back.
    let next = ours.release("0.3.0", b"program");
    assert_eq!(trust.accept(&next, &approval), Err(UpdateFault::OtherRelease));
    let back = ours.approval(&release, 2, Order::Withdraw);
    assert_eq!(
        trust.accept(&release, &back),
        Err(UpdateFault::Withdrawn(version("0.2.0")))
    );
    // A release is not taken for an approval, nor a signature for one purpose as one for another.
    trust.accept_approval(&release, &release).unwrap_err();
    let signature = ours.release[0].sign(&release.body);
    let key = vault::keys::SealerPublic::from_bytes(&ours.release[0].public().to_bytes()).unwrap();
    key.verify(Purpose::Release, &release.body, &signature).unwrap();
    key.verify(Purpose::Approval, &release.body, &signature).unwrap_err();
}

#[test]
fn a_trust_needs_reachable_numbers_and_no_key_twice() {
    let keys = Keys::new();
    let (r, a) = (keys.release[0].public(), keys.approval[0].public());
    Trust::new(1, vec![r], 1, vec![a], 1).unwrap();
    Trust::new(1, vec![r], 2, vec![a], 1).unwrap_err();
    Trust::new(1, vec![r], 0, vec![a], 1).unwrap_err();
    Trust::new(1, vec![r], 1, vec![], 0).unwrap_err();
    Trust::new(1, vec![r, r], 2, vec![a], 1).unwrap_err();
    let both = vault::keys::ApprovalPublic::from_bytes(&r.to_bytes()).unwrap();
    Trust::new(1, vec![r], 1, vec![both], 1).unwrap_err();
    let body = keys.trust(3).to_body();
    assert_eq!(Trust::from_body(&body).unwrap(), keys.trust(3));
    Trust::from_body(&body[1..]).unwrap_err();
}

#[test]
fn a_later_trust_follows_only_with_the_signatures_of_the_one_before() {
    let (first, second, third) = (Keys::new(), Keys::new(), Keys::new());
    let signed = |trust: &Trust, by: &Keys, release: usize, approval: usize| {
        let mut signed = Signed::unsigned(trust.to_body());
        by.release
            .iter()
            .take(release)
            .for_each(|key| signed.sign_release(key).unwrap());
        by.approval
            .iter()
            .take(approval)
            .for_each(|key| signed.sign_approval(key).unwrap());
        signed
    };
    let newest = |chain: &[Signed]| first.trust(1).line(chain).pop().unwrap();
    let next = second.trust(2);
    assert_eq!(newest(&[signed(&next, &first, 2, 1)]), next);
    assert_eq!(
        newest(&[signed(&next, &first, 1, 1)]),
        first.trust(1),
        "one of two who release"
    );
    assert_eq!(
        newest(&[signed(&next, &first, 2, 0)]),
        first.trust(1),
        "without the hospital"
    );
    assert_eq!(newest(&[signed(&next, &second, 2, 2)]), first.trust(1), "by itself");
    assert_eq!(
        newest(&[signed(&second.trust(3), &first, 2, 1)]),
        first.trust(1),
        "one left out"
    );
    let chain = [signed(&next, &first, 2, 1), signed(&third.trust(3), &second, 2, 1)];
    assert_eq!(first.trust(1).line(&chain), [first.trust(1), next, third.trust(3)]);
    assert_eq!(newest(&chain[1..]), first.trust(1), "the middle one missing");
    assert_eq!(second.trust(2).line(&chain).len(), 2, "what is behind is skipped");
}

#[test]
fn stages_are_the_same_for_everybody_and_hold_a_tenth() {
    let keys = Keys::new();
    let offer = keys.offer("0.2.0");
    let ward = ["5E".to_owned()];
    let id = [7; 16];
    let placed = |code, wards| Placed { code, id: &id, wards };
    assert_eq!(stage(&offer.approval, placed("R01", &ward)), Stage::First);
    assert_eq!(stage(&offer.approval, placed("R09", &[])), Stage::First);
    assert_eq!(begins(&offer.approval, placed("R09", &[])), Moment(10 * DAY));
    let mut tenth = BTreeSet::new();
    for n in 0..2_000_u32 {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_le_bytes());
        let placed = Placed {
            code: "R01",
            id: &id,
            wards: &[],
        };
        let found = stage(&offer.approval, placed);
        assert_eq!(found, stage(&offer.approval, placed));
        let days = match found {
            Stage::First => panic!("nobody named it"),
            Stage::Tenth => {
                tenth.insert(n);
                11
            }
            Stage::All => 12,
        };
        assert_eq!(begins(&offer.approval, placed), Moment(days * DAY));
    }
    assert!((140..=260).contains(&tenth.len()), "{} of 2000", tenth.len());
    // Another release tries it on others.
    let other = keys.offer("0.3.0");
    let again = tenth.iter().filter(|n| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&n.to_le_bytes());
        let placed = Placed {
            code: "R01",
            id: &id,
            wards: &[],
        };
        stage(&other.approval, placed) == Stage::Tenth
    });
    assert!(again.count() < tenth.len() / 2);
}

#[test]
fn nothing_is_fetched_or_changed_over_while_care_depends_on_it() {
    let keys = Keys::new();
    let offer = keys.offer("0.2.0");
    let slots = SlotsState::default();
    let night = Allowed::Hours(vec![Hours::parse("01:00-05:00").unwrap()]);
    let id = [7; 16];
    // 02:00 in Japan, two hours after the named ones' turn by that day's count.
    let now = Moment(10 * DAY + 17 * 3600);
    let declaration = Declaration {
        provisional: false,
        drill: false,
        stopped_at: now,
        reason: String::new(),
    };
    let down = Mode::EhrDown {
        declaration,
        by: "田中".to_owned(),
        at: now,
    };
    let facts = Facts {
        now,
        placed: Placed {
            code: "R09",
            id: &id,
            wards: &[],
        },
        mode: &Mode::Normal,
        declared: false,
        drill: false,
        allowed: &night,
        running: version("0.1.0"),
        slots: &slots,
        offer: Some(&offer),
        in_service: true,
    };
    let wanted = |waiting| (Next::Nothing, Standing::Wanted(version("0.2.0"), waiting));
    assert_eq!(decide(&facts).0, Next::Fetch(ProgramSlot::A));
    assert_eq!(
        decide(&Facts {
            declared: true,
            ..facts
        }),
        wanted(Waiting::Declared)
    );
    assert_eq!(decide(&Facts { mode: &down, ..facts }), wanted(Waiting::Declared));
    assert_eq!(decide(&Facts { drill: true, ..facts }), wanted(Waiting::Drill));
    for mode in [
        Mode::Checking,
        Mode::EhrSilent { since: now },
        Mode::NetworkDown { since: now },
    ] {
        assert_eq!(
            decide(&Facts { mode: &mode, ..facts }),
            wanted(Waiting::Mode),
            "{mode:?}"
        );
    }
    let paused = Offer {
        paused: Some("様子を見る".to_owned()),
        ..offer.clone()
    };
    let outcome = decide(&Facts {
        offer: Some(&paused),
        ..facts
    });
    assert_eq!(outcome, wanted(Waiting::Paused("様子を見る".to_owned())));
    let early = Moment(9 * DAY + 11 * 3600);
    assert_eq!(
        decide(&Facts { now: early, ..facts }),
        wanted(Waiting::Turn(Moment(10 * DAY)))
    );
    let late = Moment(401 * DAY);
    assert_eq!(
        decide(&Facts { now: late, ..facts }).1,
        Standing::Expired(version("0.2.0"))
    );
    // What runs is not taken again, and nothing leads back.
    for running in ["0.2.0", "0.2.1", "1.0.0"] {
        let outcome = decide(&Facts {
            running: version(running),
            ..facts
        });
        assert_eq!(outcome, (Next::Nothing, Standing::Current), "{running}");
    }

    // The same with the program prepared.
    let fs = SimFs::new(1);
    let place = place(&fs);
    put(&place, &keys, "0.2.0", b"another program").unwrap();
    let slots = place.state().unwrap();
    let facts = Facts { slots: &slots, ..facts };
    let prepared = |waiting| (Next::Nothing, Standing::Prepared(version("0.2.0"), waiting));
    // The release in the place is another one with the same number: it is fetched anew.
    assert_eq!(decide(&facts).0, Next::Fetch(ProgramSlot::A));
    let ours = Offer {
        sha256: slots.holding(ProgramSlot::A).unwrap().release,
        ..offer.clone()
    };
    let facts = Facts {
        offer: Some(&ours),
        ..facts
    };
    assert_eq!(decide(&facts).0, Next::Switch(ProgramSlot::A));
    assert_eq!(
        decide(&Facts {
            declared: true,
            ..facts
        }),
        prepared(Waiting::Declared)
    );
    let morning = Moment(now.0 + 6 * 3600);
    assert_eq!(decide(&Facts { now: morning, ..facts }), prepared(Waiting::Hours));
    let always = Facts {
        now: morning,
        allowed: &Allowed::Always,
        ..facts
    };
    assert_eq!(decide(&always).0, Next::Switch(ProgramSlot::A));
    assert_eq!(
        decide(&Facts {
            in_service: false,
            ..facts
        }),
        prepared(Waiting::NoService)
    );
    let (_, standing) = decide(&Facts { drill: true, ..facts });
    assert!(standing.text().contains("訓練"), "{}", standing.text());
}

fn place(fs: &SimFs) -> ProgramSlots {
    ProgramSlots::open(Arc::new(fs.clone()), Path::new("/program"), "tomoshibi").unwrap()
}

fn put(place: &ProgramSlots, keys: &Keys, number: &str, program: &[u8]) -> Result<(), UpdateFault> {
    let release = keys.release(number, program);
    let approval = keys.approval(&release, 1, Order::Take);
    let mut from = program;
    place
        .prepare(
            (&release, &approval),
            &mut from,
            &[keys.trust(1)],
            PLATFORM,
            Moment(DAY),
        )
        .map(drop)
}

/// What a service would start now, and that it is whole.
fn starts(fs: &SimFs, place: &ProgramSlots, keys: &Keys) -> Option<Vec<u8>> {
    let slot = match place.state().unwrap().choice() {
        Choice::Installed => return None,
        Choice::Proven(slot) | Choice::Trial(slot) | Choice::GiveUp(slot) => slot,
    };
    place.verify(slot, &[keys.trust(1)], PLATFORM).unwrap();
    Some(fs.bytes(&place.program(slot)).unwrap())
}

#[test]
fn a_program_proves_itself_or_the_one_before_comes_back() {
    let keys = Keys::new();
    let fs = SimFs::new(1);
    let place = place(&fs);
    assert_eq!(place.state().unwrap().choice(), Choice::Installed);
    put(&place, &keys, "0.2.0", b"two").unwrap();
    assert_eq!(starts(&fs, &place, &keys), None, "prepared is not started");
    place.try_out(ProgramSlot::A, version("0.1.0"), Moment(1)).unwrap();
    place.starting().unwrap();
    assert_eq!(place.state().unwrap().choice(), Choice::Trial(ProgramSlot::A));
    put(&place, &keys, "0.3.0", b"three").unwrap_err();
    place.proven().unwrap();
    assert_eq!(starts(&fs, &place, &keys).unwrap(), b"two");

    // The next one never comes up: after so many starts it is given up, and not taken again.
    put(&place, &keys, "0.3.0", b"three").unwrap();
    place.try_out(ProgramSlot::B, version("0.2.0"), Moment(2)).unwrap();
    for _ in 0..MAX_TRIES {
        assert_eq!(place.state().unwrap().choice(), Choice::Trial(ProgramSlot::B));
        place.starting().unwrap();
    }
    assert_eq!(place.state().unwrap().choice(), Choice::GiveUp(ProgramSlot::B));
    place.went_back("立ち上がらない", Moment(3)).unwrap();
    assert_eq!(starts(&fs, &place, &keys).unwrap(), b"two");
    let refused = place.state().unwrap().refused;
    assert!(refused.len() == 1 && refused[0].ran && refused[0].version == version("0.3.0"));
    assert!(matches!(
        put(&place, &keys, "0.3.0", b"three"),
        Err(UpdateFault::Older { .. })
    ));
    assert!(matches!(
        put(&place, &keys, "0.2.5", b"between"),
        Err(UpdateFault::Older { .. })
    ));
    put(&place, &keys, "0.4.0", b"four").unwrap();
    assert_eq!(starts(&fs, &place, &keys).unwrap(), b"two", "what runs was not touched");

    // An approval that is older than one that was seen.
    place.saw(&[1; 32], 2).unwrap();
    place.saw(&[1; 32], 2).unwrap();
    assert_eq!(place.saw(&[1; 32], 1), Err(UpdateFault::OlderApproval));
    place.saw(&[2; 32], 1).unwrap();
    assert_eq!(place.saw(&[1; 32], 1), Err(UpdateFault::OlderApproval));
}

#[test]
fn a_program_that_is_not_the_signed_one_is_never_held() {
    let keys = Keys::new();
    let fs = SimFs::new(1);
    let place = place(&fs);
    let release = keys.release("0.2.0", b"program");
    let approval = keys.approval(&release, 1, Order::Take);
    let trust = [keys.trust(1)];
    for (wrong, what) in [
        (b"programm".as_slice(), "長さ"),
        (b"progrbm", "ハッシュ"),
        (b"", "長さ"),
    ] {
        let mut from = wrong;
        let outcome = place.prepare((&release, &approval), &mut from, &trust, PLATFORM, Moment(1));
        assert_eq!(outcome, Err(UpdateFault::OtherFile(what)));
        assert!(place.state().unwrap().holding(ProgramSlot::A).is_none());
    }
    let mut from = b"program".as_slice();
    let outcome = place.prepare((&release, &approval), &mut from, &trust, "x86_64-windows", Moment(1));
    assert!(matches!(outcome, Err(UpdateFault::NoFile(..))));
    let mut from = b"program".as_slice();
    let outcome = place.prepare((&release, &approval), &mut from, &trust, PLATFORM, Moment(500 * DAY));
    assert!(matches!(outcome, Err(UpdateFault::Expired(_))));
    let mut from = b"program".as_slice();
    place
        .prepare((&release, &approval), &mut from, &trust, PLATFORM, Moment(1))
        .unwrap();
    // Changed afterwards: found before it is started.
    fs.tamper(&place.program(ProgramSlot::A), |bytes| bytes[0] ^= 1);
    assert_eq!(
        place.verify(ProgramSlot::A, &trust, PLATFORM),
        Err(UpdateFault::OtherFile("ハッシュ"))
    );
    // Under later keys it may still be started; under others never.
    fs.tamper(&place.program(ProgramSlot::A), |bytes| bytes[0] ^= 1);
    let line = [keys.trust(1), Keys::new().trust(2)];
    place.verify(ProgramSlot::A, &line, PLATFORM).unwrap();
    assert!(place.verify(ProgramSlot::A, &line[1..], PLATFORM).is_err());
}

/// One life of a station: puts a version in, tries it out, keeps it or goes back; each step as the roof does it.
fn live(place: &ProgramSlots, keys: &Keys, good: bool) -> Result<(), UpdateFault> {
    put(
        place,
        keys,
        "0.3.0",
        b"the new program, longer than one sector of the disk",
    )?;
    let slot = place.state()?.free();
    place.try_out(slot, version("0.2.0"), Moment(5))?;
    place.starting()?;
    if good {
        place.proven()
    } else {
        place.went_back("立ち上がらない", Moment(6))
    }
}

#[test]
fn a_power_cut_between_any_two_steps_leaves_the_old_program_or_the_new_one() {
    let keys = Keys::new();
    let (mut cut, mut old, mut new) = (0_u32, 0_u32, 0_u32);
    let ready = SimFs::new(9);
    let first = place(&ready);
    put(&first, &keys, "0.2.0", b"the old program").unwrap();
    first.try_out(ProgramSlot::A, version("0.1.0"), Moment(1)).unwrap();
    first.starting().unwrap();
    first.proven().unwrap();
    for good in [true, false] {
        let whole = ready.fork(1);
        let before = whole.operations();
        live(&place(&whole), &keys, good).unwrap();
        let steps = whole.operations() - before;
        for step in 0..steps {
            for (seed, fault) in [
                (1, Fault::Kill),
                (2, Fault::Kill),
                (3, Fault::Fail),
                (4, Fault::Full),
                (5, Fault::Short),
            ] {
                let fs = ready.fork(seed * 1_000 + step);
                fs.fault_in(step, fault);
                let ended = ProgramSlots::open(Arc::new(fs.clone()), Path::new("/program"), "tomoshibi")
                    .and_then(|place| live(&place, &keys, good));
                cut += u32::from(ended.is_err());
                fs.restart(if seed == 2 { Ending::Kill } else { Ending::PowerCut });
                let again = place(&fs);
                match starts(&fs, &again, &keys).as_deref() {
                    Some(b"the old program") => old += 1,
                    Some(_) => new += 1,
                    None => panic!("step {step} {fault:?}: nothing that had proved itself is started"),
                }
                // And it can always go on from there: the same version again, unless it was tried.
                let state = again.state().unwrap();
                if state.trial.is_none() && state.highest < version("0.3.0") {
                    live(&again, &keys, true).unwrap();
                    assert_ne!(starts(&fs, &again, &keys).unwrap(), b"the old program");
                }
            }
        }
    }
    assert!(cut > 100 && old > 100 && new > 20, "{cut} cut, {old} old, {new} new");
}

#[test]
fn both_copies_of_the_state_torn_start_the_installed_program() {
    let keys = Keys::new();
    let fs = SimFs::new(1);
    let place = place(&fs);
    put(&place, &keys, "0.2.0", b"two").unwrap();
    place.try_out(ProgramSlot::A, version("0.1.0"), Moment(1)).unwrap();
    place.proven().unwrap();
    for copy in ["/program/state.a", "/program/state.b"] {
        assert!(fs.open(Path::new(copy)).is_ok());
        fs.tamper(Path::new(copy), |bytes| bytes[3] ^= 1);
    }
    assert_eq!(place.state().unwrap().choice(), Choice::Installed);
}
