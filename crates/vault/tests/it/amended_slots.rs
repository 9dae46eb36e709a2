//! Deltas in slots: whatever happens while one is installed, the last good one is there, and nothing older than what was ever there comes back.

use std::path::Path;
use std::sync::Arc;

use vault::files::ReadAt;
use vault::shelf_slots::{BoxError, Identity, Slots, SlotsFault, Water, whole_snapshot};
use vault::simfs::{Ending, Fault, SimFs};

use crate::amended::{Day, everybody};

fn put(slots: &Slots, day: &Day, file: &[u8]) -> Result<Identity, SlotsFault> {
    let trusted = day.hospital.trusted();
    let write = |sink: &mut dyn std::io::Write| {
        file.chunks(900)
            .try_for_each(|part| sink.write_all(part))
            .map_err(BoxError::from)
    };
    let installed = slots.install(write, &mut |source: Arc<dyn ReadAt>| whole_snapshot(source, &trusted))?;
    Ok(installed.current.identity)
}

fn current(slots: &Slots, day: &Day) -> Option<Identity> {
    let trusted = day.hospital.trusted();
    let found = slots.current(&mut |source| whole_snapshot(source, &trusted)).unwrap();
    found.current.map(|current| current.identity)
}

/// A delta put into a slot: killed, cut or refused at every operation, it is the one before or the new one, whole.
#[test]
fn installing_a_delta_is_the_old_one_or_the_new_one_whatever_happens() {
    let mut day = Day::begin(710, 12);
    let base = (day.file.clone(), Identity::from(&day.sealed.manifest));
    let mut people = everybody(12);
    people[3].1 = Some(b"three now".to_vec());
    day.next(&people, b"stat").unwrap();
    let new = Identity::from(&day.sealed.manifest);
    let mut seen = [0_u32; 2];
    for fault in [Fault::Kill, Fault::Fail, Fault::Full, Fault::Short] {
        for ending in [Ending::Kill, Ending::PowerCut] {
            for step in 0.. {
                let fs = SimFs::new(step);
                let slots = Slots::open(Arc::new(fs.clone()), Path::new("/shelf")).unwrap();
                put(&slots, &day, &base.0).unwrap();
                let faults = fs.accidents().faults;
                fs.fault_in(step, fault);
                let said = put(&slots, &day, &day.file);
                let met = fs.accidents().faults > faults || fs.is_dead();
                fs.restart(ending);
                let slots = Slots::open(Arc::new(fs.clone()), Path::new("/shelf")).unwrap();
                let there = current(&slots, &day);
                assert!(
                    there == Some(base.1) || there == Some(new),
                    "{fault:?} at {step}: {there:?}"
                );
                assert!(
                    said.is_err() || there == Some(new),
                    "{fault:?} at {step}: it was said to be there"
                );
                seen[usize::from(there == Some(new))] += 1;
                if !met {
                    break;
                }
            }
        }
    }
    assert!(seen.iter().all(|times| *times > 20), "{seen:?}");
}

#[test]
fn nothing_older_than_what_was_ever_here_comes_back() {
    let mut day = Day::begin(711, 4);
    let mut files = vec![day.file.clone()];
    for n in 0..3 {
        let mut people = everybody(4);
        people[n].1 = Some(vec![b'x'; 40 + n]);
        day.next(&people, b"").unwrap();
        files.push(day.file.clone());
    }
    let fs = SimFs::new(1);
    let slots = Slots::open(Arc::new(fs.clone()), Path::new("/shelf")).unwrap();
    assert_eq!(slots.water(), None);
    put(&slots, &day, &files[0]).unwrap();
    let newest = put(&slots, &day, &files[3]).unwrap();
    let water = Water {
        identity: newest,
        told: 1_795_000_900,
    };
    slots.raise_water(water).unwrap();
    slots
        .raise_water(Water {
            identity: Identity { epoch: 1, ..newest },
            told: 7,
        })
        .unwrap();
    assert_eq!(slots.water(), Some(water), "it only rises");
    // Somebody with access to the disk breaks the newest: the base is shown, and a delta between is not taken as new.
    let slot = slots
        .current(&mut |source| whole_snapshot(source, &day.hospital.trusted()))
        .unwrap();
    let path = format!("/shelf/{:?}/snapshot.tmb", slot.current.unwrap().slot);
    fs.tamper(Path::new(&path), |bytes| bytes[2000] ^= 1);
    assert_eq!(current(&slots, &day).map(|identity| identity.delta), Some(0));
    assert!(matches!(put(&slots, &day, &files[2]), Err(SlotsFault::Rollback)));
    assert_eq!(current(&slots, &day).map(|identity| identity.delta), Some(0));
    assert_eq!(
        put(&slots, &day, &files[3]).unwrap(),
        newest,
        "the same again is no step back"
    );
    // One copy of the mark is enough, and with none there is none.
    fs.tamper(Path::new("/shelf/WATER.a.log"), |bytes| bytes[20] ^= 1);
    assert_eq!(slots.water(), Some(water));
    fs.tamper(Path::new("/shelf/WATER.b.log"), |bytes| bytes.clear());
    assert_eq!(slots.water(), None);
}

/// The mark under every accident: it is the old one or the new one, never lower and never nonsense.
#[test]
fn the_mark_is_the_old_or_the_new_one_after_any_accident() {
    let low = Water {
        identity: Identity {
            epoch: 5,
            delta: 1,
            manifest_sha256: [1; 32],
        },
        told: 10,
    };
    let high = Water {
        identity: Identity {
            epoch: 5,
            delta: 2,
            manifest_sha256: [2; 32],
        },
        told: 20,
    };
    for fault in [Fault::Kill, Fault::Fail, Fault::Full, Fault::Short] {
        for step in 0..12 {
            let fs = SimFs::new(step);
            let slots = Slots::open(Arc::new(fs.clone()), Path::new("/shelf")).unwrap();
            slots.raise_water(low).unwrap();
            fs.fault_in(step, fault);
            let said = slots.raise_water(high);
            fs.restart(Ending::PowerCut);
            let slots = Slots::open(Arc::new(fs.clone()), Path::new("/shelf")).unwrap();
            let there = slots.water();
            assert!(
                there == Some(low) || there == Some(high),
                "{fault:?} at {step}: {there:?}"
            );
            assert!(said.is_err() || there == Some(high));
        }
    }
}
