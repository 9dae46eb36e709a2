//! A pull that goes well, one that breaks off, and everything that can happen to the disk and the clock meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chart::{Chart, Known, Moment};
use downtime::distribution::{Giver, Heartbeat, PullFault, Pulse, Remark, SILENT_MINUTES};
use downtime::extract::{Guard, Lasting};
use downtime::shelf::{ArrivalFault, Shelf};
use vault::shelf_slots::Identity;
use vault::simfs::{Ending, Fault, SimFs};
use vault::slot::Credentials;

use super::shop::{Shop, Ward, Way, hub};
use crate::hospital::{Hospital, Literal, PASSWORD, code, newest_file, patients, sealed_file};

/// Charts large and different enough that the records are more than one piece.
fn large(n: usize) -> Vec<Chart> {
    let mut dice = 1_u64;
    let mut charts = patients(n);
    for chart in &mut charts {
        let mut words = String::new();
        for _ in 0..9000 {
            dice = dice
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            words.push(char::from_u32(0x4E00 + (dice >> 40) as u32 % 0x4000).unwrap());
        }
        chart.patient.address = words;
    }
    charts
}

fn change(charts: &mut [Chart], n: usize) {
    charts[n].allergies = Known::ConfirmedNone { on: None };
}

#[test]
fn the_first_pull_takes_all_and_the_next_only_what_changed() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut charts = large(120);
    hospital
        .seal_on(&mut lasting, &Literal(charts.clone()), Guard::default(), false)
        .unwrap();
    let hub = hub(&hospital);
    let ward = Ward::new(&hospital);
    let shop = Shop::new("hub", &hub, Way::Honest);
    let first = ward.follow(&hub, &[&shop]).unwrap();
    let size = hub.current().unwrap().size().unwrap();
    assert!(size > 2 << 20, "several pieces: {size}");
    assert!(first.fetched < size && first.fetched > size - 4096);
    assert_eq!(sealed_file(&ward.shelf), sealed_file(&hub), "the very same file");
    for n in 0..6 {
        change(&mut charts, n);
        hospital
            .seal_on(&mut lasting, &Literal(charts.clone()), Guard::default(), false)
            .unwrap();
        hub.refresh().unwrap();
        let next = ward.follow(&hub, &[&shop]).unwrap();
        assert_eq!(next.identity.delta, u32::try_from(n).unwrap() + 1);
        assert!(next.fetched < 60_000, "{} of {size}", next.fetched);
        assert_eq!(sealed_file(&ward.shelf), sealed_file(&hub));
    }
    // One that was asleep meanwhile takes the deltas together.
    let late = Ward::new(&hospital);
    assert_eq!(late.identity(), ward.identity(), "its own disk");
    let (_, opened) = late
        .shelf
        .current()
        .unwrap()
        .sign_in("2001", &Credentials::Password(PASSWORD))
        .unwrap();
    let found = opened.find(&charts[3].patient.id).unwrap();
    assert_eq!(found.allergies, Known::ConfirmedNone { on: None });
    assert!(ward.remarks.borrow().is_empty());
    let left = std::fs::read_dir(hospital.data("R03").join("shelf/pull"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "pieces go when they are not needed");
}

#[test]
fn a_pull_that_breaks_off_goes_on_where_it_was_also_after_a_restart() {
    let hospital = Hospital::new();
    hospital.seal(large(150), Guard::default()).unwrap();
    let hub = hub(&hospital);
    let size = hub.current().unwrap().size().unwrap();
    let mut given = 0;
    let mut attempts = 0;
    loop {
        let ward = Ward::new(&hospital);
        let shop = Shop::new("hub", &hub, Way::After(1));
        attempts += 1;
        let done = ward.follow(&hub, &[&shop]);
        given += shop.given.get();
        match done {
            Ok(_) => break,
            Err(ArrivalFault::Pull(PullFault::Nobody)) => assert!(ward.identity().is_none()),
            Err(fault) => panic!("{fault}"),
        }
        assert!(attempts < 40);
    }
    assert!(attempts > 3, "{attempts}");
    assert!(given <= size, "no byte twice: {given} of {size}");
}

#[test]
fn who_breaks_off_is_gone_on_from_by_the_next() {
    let hospital = Hospital::new();
    hospital.seal(large(150), Guard::default()).unwrap();
    let hub = hub(&hospital);
    let ward = Ward::new(&hospital);
    let first = Shop::new("peer", &hub, Way::After(2));
    let second = Shop::new("hub", &hub, Way::Honest);
    let pulled = ward.follow(&hub, &[&first as &dyn Giver, &second]).unwrap();
    assert_eq!(pulled.fetched, first.given.get() + second.given.get());
    assert!(first.given.get() > 1 << 20 && second.given.get() > 1 << 16);
    assert!(ward.lied().is_empty());
}

#[test]
fn a_peer_serves_what_it_has_of_another_delta() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut charts = large(100);
    hospital
        .seal_on(&mut lasting, &Literal(charts.clone()), Guard::default(), false)
        .unwrap();
    let old = hospital.dir.path().join("old");
    std::fs::create_dir_all(old.join("A")).unwrap();
    std::fs::copy(
        newest_file(&hospital.data("H01").join("shelf")),
        old.join("A/snapshot.tmb"),
    )
    .unwrap();
    change(&mut charts, 1);
    hospital
        .seal_on(&mut lasting, &Literal(charts), Guard::default(), false)
        .unwrap();
    let hub = hub(&hospital);
    let peer = Shelf::open(
        Arc::new(vault::files::Disk),
        &old,
        (hospital.roster.hospital(), hospital.roster.sealers().unwrap()),
        hospital.roster.station_id(code("H01")),
        Arc::clone(&hospital.hub),
    )
    .unwrap();
    assert_eq!(peer.current().unwrap().identity().delta, 0);
    let ward = Ward::new(&hospital);
    let (peer, hub_shop) = (
        Shop::new("peer", &peer, Way::Honest),
        Shop::new("hub", &hub, Way::Honest),
    );
    ward.follow(&hub, &[&peer as &dyn Giver, &hub_shop]).unwrap();
    assert!(
        peer.given.get() > 1 << 20,
        "the base came from the peer: {}",
        peer.given.get()
    );
    assert!(hub_shop.given.get() < 300_000, "{}", hub_shop.given.get());
}

#[test]
fn no_room_is_said_before_a_byte_is_asked_for() {
    let hospital = Hospital::new();
    hospital.seal(patients(30), Guard::default()).unwrap();
    let hub = hub(&hospital);
    let ward = Ward::new(&hospital);
    let shop = Shop::new("hub", &hub, Way::Honest);
    let tail = hub.current().unwrap().tail().unwrap();
    let refused = ward.shelf.pull(&tail, &[&shop], Some(1 << 20), ward.now(), &mut |_| ());
    assert!(matches!(refused, Err(ArrivalFault::Pull(PullFault::NoRoom { .. }))));
    assert_eq!(shop.asked.get(), 0);
    assert!(
        ward.shelf
            .pull(&tail, &[&shop], Some(1 << 30), ward.now(), &mut |_| ())
            .is_ok()
    );
}

#[test]
fn a_section_here_that_has_rotted_is_fetched_instead_of_copied() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut charts = large(60);
    hospital
        .seal_on(&mut lasting, &Literal(charts.clone()), Guard::default(), false)
        .unwrap();
    let hub = hub(&hospital);
    let ward = Ward::new(&hospital);
    let shop = Shop::new("hub", &hub, Way::Honest);
    ward.follow(&hub, &[&shop]).unwrap();
    let path = newest_file(&hospital.data("R03").join("shelf"));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    change(&mut charts, 5);
    hospital
        .seal_on(&mut lasting, &Literal(charts), Guard::default(), false)
        .unwrap();
    hub.refresh().unwrap();
    ward.follow(&hub, &[&shop]).unwrap();
    assert!(ward.remarks.borrow().contains(&Remark::Rotten));
    assert_eq!(sealed_file(&ward.shelf), sealed_file(&hub));
}

fn shelf_on(hospital: &Hospital, fs: &SimFs) -> Option<Shelf> {
    Shelf::open(
        Arc::new(fs.clone()),
        Path::new("/shelf"),
        (hospital.roster.hospital(), hospital.roster.sealers().unwrap()),
        hospital.roster.station_id(code("R03")),
        Arc::clone(&hospital.ward),
    )
    .ok()
}

/// Power cut, kill, error and full disk at every operation of a pull by delta: the last good one is there, or the new one; the next
/// attempt brings the new one; and what was said to be there is there.
#[test]
fn whatever_happens_to_the_disk_the_last_good_one_is_there() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut charts = patients(25);
    hospital
        .seal_on(&mut lasting, &Literal(charts.clone()), Guard::default(), false)
        .unwrap();
    let hub = hub(&hospital);
    let base = hub.current().unwrap();
    let base_tail = base.tail().unwrap();
    let whole = Shop::new("hub", &hub, Way::Honest);
    let before = SimFs::new(1);
    shelf_on(&hospital, &before)
        .unwrap()
        .pull(&base_tail, &[&whole], None, Moment(0), &mut |_| ())
        .unwrap();
    change(&mut charts, 3);
    hospital
        .seal_on(&mut lasting, &Literal(charts), Guard::default(), false)
        .unwrap();
    hub.refresh().unwrap();
    let tail = hub.current().unwrap().tail().unwrap();
    let (old, new) = (base.identity(), hub.current().unwrap().identity());
    let mut images = 0;
    for fault in [Fault::Kill, Fault::Fail, Fault::Full, Fault::Short] {
        for ending in [Ending::Kill, Ending::PowerCut] {
            for step in 0.. {
                let fs = before.fork(step);
                let shelf = shelf_on(&hospital, &fs).unwrap();
                let faults = fs.accidents().faults;
                fs.fault_in(step, fault);
                let said = shelf.pull(&tail, &[&whole], None, Moment(0), &mut |_| ());
                let met = fs.is_dead() || fs.accidents().faults > faults;
                drop(shelf);
                fs.restart(ending);
                let again = shelf_on(&hospital, &fs).unwrap();
                let there = again.current().map(|shelved| shelved.identity());
                assert!(
                    there == Some(old) || there == Some(new),
                    "{fault:?} at {step}: {there:?}"
                );
                assert!(
                    said.is_err() || there == Some(new),
                    "{fault:?} at {step}: said to be there"
                );
                if there == Some(old) {
                    let next = again.pull(&tail, &[&whole], None, Moment(0), &mut |_| ()).unwrap();
                    assert_eq!(next.identity, new, "{fault:?} at {step}");
                }
                images += 1;
                if !met {
                    break;
                }
            }
        }
    }
    println!("images of interrupted pulls: {images}");
    assert!(images > 150, "{images}");
}

fn beat(hospital: &Hospital, newest: Identity, at: Moment) -> Vec<u8> {
    let beat = Heartbeat {
        hospital: hospital.roster.hospital(),
        newest,
        at,
    };
    beat.sign(&hospital.sealer)
}

#[test]
fn no_jump_of_the_clock_makes_stale_data_look_fresh() {
    let hospital = Hospital::new();
    let done = hospital.seal(patients(20), Guard::default()).unwrap();
    let ward = Ward::new(&hospital);
    let hub = hub(&hospital);
    ward.follow(&hub, &[&Shop::new("hub", &hub, Way::Honest)]).unwrap();
    let sealed = ward.now().0 - 60;
    let state = || ward.shelf.current().unwrap().state();
    let (fresh_until, hour) = (state().fresh_until, 3600);
    assert!(!state().has_run_out(Moment(sealed + hour)));
    // The sealer is heard for two days; the snapshot stays what it is (somebody withholds newer ones).
    for minute in 0..=2 * 24 * 60 {
        let at = Moment(sealed + minute * 60);
        ward.shelf.hear(&beat(&hospital, done.identity, at), at).unwrap();
    }
    let last = Moment(sealed + 48 * hour);
    assert!(state().has_run_out(last) && fresh_until < last);
    for jump in [
        -1,
        -60,
        -hour,
        -24 * hour,
        -47 * hour,
        -300 * 24 * hour,
        -sealed,
        -sealed * 2,
    ] {
        let now = Moment(last.0 + jump);
        assert!(state().has_run_out(now), "set back by {jump}");
        if jump < -120 {
            assert!(matches!(ward.shelf.pulse(now), Pulse::ClockBehind { .. }), "{jump}");
        }
    }
    for jump in [60, hour, 24 * hour, 3650 * 24 * hour] {
        let now = Moment(last.0 + jump);
        assert!(state().has_run_out(now));
        let silent = jump > SILENT_MINUTES * 60;
        assert_eq!(matches!(ward.shelf.pulse(now), Pulse::Silent { .. }), silent, "{jump}");
    }
    // The program is started anew, with the clock still wrong: what the sealer told is on the disk.
    let again = hospital.shelf("R03");
    assert!(last.0 - again.told().0 <= 660, "{}", last.0 - again.told().0);
    assert!(again.current().unwrap().state().has_run_out(Moment(sealed)));
    hospital.clock.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_withheld_snapshot_and_a_silent_sealer_are_told() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let first = hospital
        .seal_on(&mut lasting, &Literal(patients(10)), Guard::default(), false)
        .unwrap();
    let hub = hub(&hospital);
    let ward = Ward::new(&hospital);
    let shop = Shop::new("hub", &hub, Way::Honest);
    let minute = |n: i64| Moment(ward.now().0 + n * 60);
    assert_eq!(ward.shelf.pulse(minute(0)), Pulse::Silent { since: None });
    ward.follow(&hub, &[&shop]).unwrap();
    ward.shelf
        .hear(&beat(&hospital, first.identity, minute(0)), minute(0))
        .unwrap();
    assert_eq!(ward.shelf.pulse(minute(15)), Pulse::Beating);
    assert_eq!(ward.shelf.pulse(minute(16)), Pulse::Silent { since: Some(minute(0)) });
    let start = minute(0);
    let at = |n: i64| Moment(start.0 + n * 60);
    hospital.clock.store(at(20).0, Ordering::SeqCst);
    let second = hospital
        .seal_on(&mut lasting, &Literal(patients(11)), Guard::default(), false)
        .unwrap();
    ward.shelf
        .hear(&beat(&hospital, second.identity, at(20)), at(20))
        .unwrap();
    assert_eq!(ward.shelf.wanted(), Some(second.identity));
    assert_eq!(ward.shelf.pulse(at(25)), Pulse::Beating, "it may be on its way");
    for n in 21..=37 {
        ward.shelf
            .hear(&beat(&hospital, second.identity, at(n)), at(n))
            .unwrap();
    }
    assert_eq!(ward.shelf.pulse(at(37)), Pulse::Behind { since: at(20) });
    hub.refresh().unwrap();
    ward.follow(&hub, &[&shop]).unwrap();
    assert_eq!((ward.shelf.pulse(at(37)), ward.shelf.wanted()), (Pulse::Beating, None));
}
