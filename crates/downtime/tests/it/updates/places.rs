//! The two places of a program: what is put in, tried and given up, and the power cut between every two steps of it.

use std::path::Path;
use std::sync::Arc;

use chart::Moment;
use downtime::updates::{Choice, MAX_TRIES, Order, ProgramSlot, ProgramSlots, UpdateFault};
use vault::files::Files;
use vault::simfs::{Ending, Fault, SimFs};

use super::{DAY, Keys, PLATFORM, place, put, version};

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
