//! Somebody with the disk in their hands changes the audit log: every kind of change is noticed, and by what is printed.
//!
//! Check sums are always made right again, because whoever tampers can do that; where a key was stolen too, signatures are as
//! well, and the chain after the change is made anew. What is left to notice is what this test is about.

use std::collections::BTreeSet;
use std::path::Path;

use downtime::audit::{Book, Checked, verify};
use sha2::{Digest, Sha256};
use vault::HospitalId;
use vault::checkpoint::SignedCheckpoint;
use vault::files::Disk;
use vault::journal::{DamageKind, read_journal};
use vault::keys::StationSecret;

use crate::audit::{glance, visit};
use crate::hospital::{Hospital, code, patients};

#[path = "audit_tampering/files.rs"]
mod files;

use files::{BLOCK, Log, crc, flip, refit, seq, sign};

/// What a case is made with.
struct Bench {
    log: Log,
    /// The log as it was before its last life.
    older: Log,
    /// The same station's log in another hospital, and the hub's in this one.
    foreign: Log,
    hub: Log,
    /// This station's journal of entries.
    entries: Log,
    own: StationSecret,
    other: StationSecret,
}

type Tamper = fn(&Bench, &mut Log, &Path);

/// Name, who must notice at least, what is done.
const CASES: &[(&str, &[&str], Tamper)] = &[
    ("the first record is removed", &["chain"], |_, log, _| {
        log.retain(&|n| n != 1)
    }),
    ("a record in the middle is removed", &["chain"], |_, log, _| {
        log.retain(&|n| n != 7)
    }),
    ("the last record is removed", &["witness"], |_, log, _| {
        let last = log.last();
        log.retain(&|n| n != last);
    }),
    ("the last half is removed", &["witness"], |_, log, _| {
        log.retain(&|n| n <= 7)
    }),
    ("everything but the last record is removed", &["chain"], |_, log, _| {
        let last = log.last();
        log.retain(&|n| n == last);
    }),
    ("the first segment is removed", &["chain"], |_, log, _| {
        drop(log.segments.remove(0))
    }),
    ("a segment in the middle is removed", &["chain"], |_, log, _| {
        drop(log.segments.remove(1))
    }),
    ("the last segment is removed", &["witness"], |_, log, _| {
        drop(log.segments.pop())
    }),
    ("the directory is emptied", &["witness"], |_, log, _| {
        log.segments.clear()
    }),
    (
        "the last segment is truncated between two records",
        &["witness"],
        |_, log, _| {
            let last = log.segments.last_mut().unwrap();
            last.batches.truncate(2);
        },
    ),
    (
        "the last segment is truncated inside a record",
        &["witness"],
        |_, log, dir| {
            log.write(dir);
            let path = dir.join(&log.segments.last().unwrap().name);
            let bytes = std::fs::read(&path).unwrap();
            let end = bytes.iter().rposition(|b| *b != 0).unwrap();
            std::fs::write(&path, &bytes[..end - 40]).unwrap();
            log.segments.pop();
        },
    ),
    ("a segment is overwritten with zeros", &["chain"], |_, log, dir| {
        let segment = log.segments.remove(1);
        std::fs::write(dir.join(segment.name), vec![0; 3 * BLOCK]).unwrap();
    }),
    ("two segments change names", &["file", "chain"], |_, log, _| {
        let name = log.segments[0].name.clone();
        log.segments[0].name = std::mem::replace(&mut log.segments[1].name, name);
    }),
    (
        "a segment says it is another station's",
        &["file", "chain"],
        |_, log, _| {
            let head = &mut log.segments[1].head;
            head[40] ^= 1;
            let check = crc(&head[..56]);
            head[56..60].copy_from_slice(&check);
        },
    ),
    ("header: class", &["signature"], |_, log, _| log.change(7, &flip(10))),
    ("header: quality of the clock", &["signature"], |_, log, _| {
        log.change(7, &flip(11))
    }),
    ("header: compartment", &["signature"], |_, log, _| {
        log.change(7, &flip(12))
    }),
    ("header: hospital", &["signature"], |_, log, _| log.change(7, &flip(16))),
    ("header: station", &["signature"], |_, log, _| log.change(7, &flip(32))),
    ("header: incarnation", &["signature"], |_, log, _| {
        log.change(7, &flip(48))
    }),
    ("header: number", &["signature"], |_, log, _| log.change(7, &flip(57))),
    ("header: predecessor", &["signature"], |_, log, _| {
        log.change(7, &flip(64))
    }),
    ("header: time", &["signature"], |_, log, _| log.change(7, &flip(96))),
    ("header: author", &["signature"], |_, log, _| log.change(7, &flip(104))),
    ("header: key", &["signature"], |_, log, _| log.change(7, &flip(120))),
    ("the sealed text is changed", &["signature"], |_, log, _| {
        log.change(7, &flip(180))
    }),
    ("the sealed text is changed, sums are not", &["file"], |_, log, _| {
        log.change(7, &|r| r[180] ^= 1)
    }),
    (
        "the signature of the last record is changed",
        &["signature", "witness"],
        |_, log, _| {
            let last = log.last();
            log.change(last, &|r| {
                let at = r.len() - 40;
                flip(at)(r);
            });
        },
    ),
    ("two records change places", &["signature"], |_, log, _| {
        let (a, b) = (log.number(6), log.number(8));
        log.change(6, &|r| *r = b.clone());
        // The copy has number 8 now; the other one is the later of both.
        let places: Vec<_> = log
            .segments
            .iter()
            .flat_map(|s| s.batches.iter())
            .flat_map(|(_, r)| r.iter())
            .collect();
        assert_eq!(places.iter().filter(|r| seq(r) == 8).count(), 2);
        log.change(8, &|r| {
            *r = a.clone();
            r[56..64].copy_from_slice(&8_u64.to_le_bytes());
            refit(r);
        });
    }),
    (
        "a record is played again under the next number",
        &["signature"],
        |_, log, _| {
            let mut again = log.number(7);
            again[56..64].copy_from_slice(&(log.last() + 1).to_le_bytes());
            refit(&mut again);
            log.push(again);
        },
    ),
    (
        "a record by another enrolled station's key is added",
        &["signature"],
        |bench, log, _| {
            let last = log.last();
            let mut forged = log.number(last);
            forged[56..64].copy_from_slice(&(last + 1).to_le_bytes());
            forged[64..96].copy_from_slice(&Sha256::digest(log.number(last)));
            sign(&mut forged, &bench.other);
            log.push(forged);
        },
    ),
    (
        "the whole log is signed by another station's key",
        &["signature"],
        |bench, log, _| log.rechain(1, &bench.other),
    ),
    (
        "with the station's own key: a sighting is left out and the chain made anew",
        &["witness"],
        |bench, log, _| {
            log.retain(&|n| n != 7);
            log.each(&mut |record| {
                let number = seq(record);
                if number > 7 {
                    record[56..64].copy_from_slice(&(number - 1).to_le_bytes());
                }
            });
            log.rechain(7, &bench.own);
        },
    ),
    (
        "with the station's own key: a class is changed and the chain made anew",
        &["witness", "class"],
        |bench, log, _| {
            log.change(7, &|r| r[10] = 2);
            log.rechain(7, &bench.own);
        },
    ),
    (
        "with the station's own key: a time is changed and the chain made anew",
        &["witness"],
        |bench, log, _| {
            log.change(7, &|r| r[96] ^= 1);
            log.rechain(7, &bench.own);
        },
    ),
    (
        "with the station's own key: one record is put in the place of another",
        &["chain", "witness"],
        |bench, log, _| {
            log.change(7, &|r| {
                r[180] ^= 1;
                sign(r, &bench.own);
            });
        },
    ),
    (
        "with the station's own key: a second record beside the last",
        &["chain", "witness"],
        |bench, log, _| {
            let mut fork = log.number(log.last());
            fork[96] ^= 1;
            sign(&mut fork, &bench.own);
            log.push(fork);
        },
    ),
    (
        "with the station's own key: the whole log under another chain's name",
        &["witness"],
        |bench, log, _| {
            log.each(&mut |record| record[48] ^= 1);
            log.rechain(1, &bench.own);
        },
    ),
    ("an older copy is put back", &["witness"], |bench, log, _| {
        *log = bench.older.clone()
    }),
    (
        "an older copy is put back and written on with the station's own key",
        &["witness"],
        |bench, log, _| {
            *log = bench.older.clone();
            for _ in 0..20 {
                let last = log.last();
                let mut next = log.number(last);
                next[56..64].copy_from_slice(&(last + 1).to_le_bytes());
                next[64..96].copy_from_slice(&Sha256::digest(log.number(last)));
                sign(&mut next, &bench.own);
                log.push(next);
            }
        },
    ),
    (
        "the log of the same station of another hospital is put in its place",
        &["file", "witness"],
        |bench, log, _| {
            *log = bench.foreign.clone();
        },
    ),
    (
        "the hub's log is put in its place",
        &["file", "witness"],
        |bench, log, _| *log = bench.hub.clone(),
    ),
    (
        "a segment of the hub's log is put among these",
        &["file"],
        |bench, log, _| {
            let mut segment = bench.hub.segments[0].clone();
            segment.name = "0000000099.tmbj".into();
            log.segments.push(segment);
        },
    ),
    (
        "a segment of this station's entries is put among these",
        &["keys"],
        |bench, log, _| {
            let mut segment = bench.entries.segments[0].clone();
            let number = 99_u64.to_le_bytes();
            segment.head[16..24].copy_from_slice(&number);
            let check = crc(&segment.head[..56]);
            segment.head[56..60].copy_from_slice(&check);
            segment.name = "0000000099.tmbj".into();
            log.segments.push(segment);
        },
    ),
];

/// What noticed something.
fn noticed(checked: &Checked, unreadable: usize) -> BTreeSet<&'static str> {
    let mut by = BTreeSet::new();
    for damage in &checked.damage {
        by.insert(match damage.kind {
            DamageKind::Forged => "signature",
            DamageKind::Unlinked | DamageKind::Missing { .. } => "chain",
            _ => "file",
        });
    }
    let mut also = |wrong: bool, what| wrong.then(|| by.insert(what));
    also(checked.bad_signatures > 0, "signature");
    also(!checked.flaws.is_empty() || checked.superseded > 0, "chain");
    also(checked.strangers > 0, "class");
    also(!checked.contradicted.is_empty(), "witness");
    also(unreadable > 0, "keys");
    by
}

struct Scene {
    hospital: Hospital,
    hub_sees: Vec<SignedCheckpoint>,
    bench: Bench,
}

fn scene() -> Scene {
    let hospital = Hospital::new();
    hospital
        .seal(patients(30), downtime::extract::Guard::default())
        .unwrap();
    let dir = hospital.data("R03").join("audit");
    let hub = hospital.start("H01");
    let mut older = None;
    for life in 0..3 {
        if life == 2 {
            older = Some(Log::read(&dir));
        }
        let station = hospital.start("R03");
        (0..4).for_each(|n| glance(&station, &format!("{life}-{n}")));
        if life == 2 {
            visit(&station, &hub);
        }
    }
    let asking = downtime::stations::Asking {
        station: *hospital.roster.station_id(code("R03")).as_bytes(),
    };
    let hub_sees: Vec<SignedCheckpoint> = hub
        .audit_remembered(&asking)
        .checkpoints
        .iter()
        .map(|c| SignedCheckpoint::from_compact(&c.0, &hospital.roster.hospital()).unwrap())
        .collect();
    drop(hub);
    let elsewhere = Hospital::named(HospitalId([8; 16]));
    elsewhere
        .seal(patients(30), downtime::extract::Guard::default())
        .unwrap();
    glance(&elsewhere.start("R03"), "elsewhere");
    let secret = |s: &StationSecret| StationSecret::from_file_bytes(&s.to_file_bytes()).unwrap();
    let bench = Bench {
        log: Log::read(&dir),
        older: older.unwrap(),
        foreign: Log::read(&elsewhere.data("R03").join("audit")),
        hub: Log::read(&hospital.data("H01").join("audit")),
        entries: Log::read(&hospital.data("R03").join("journal")),
        own: secret(&hospital.ward),
        other: secret(&hospital.hub),
    };
    Scene {
        hospital,
        hub_sees,
        bench,
    }
}

impl Scene {
    fn check(&self, dir: &Path) -> (Checked, usize) {
        let roster = &self.hospital.roster;
        let (id, public) = (roster.station_id(code("R03")), self.hospital.ward.public());
        let checked = verify(&Disk, dir, &roster.hospital(), &id, &public, &self.hub_sees).unwrap();
        let walk = read_journal(&Disk, dir, &roster.hospital(), &id, &public).unwrap();
        let mut book = Book::new(self.hospital.audit.clone());
        book.take(&walk.records);
        (checked, book.unreadable())
    }

    fn tampered(&self, tamper: Tamper) -> (Checked, usize) {
        let dir = tempfile::tempdir().unwrap();
        let mut log = self.bench.log.clone();
        tamper(&self.bench, &mut log, dir.path());
        log.write(dir.path());
        self.check(dir.path())
    }
}

#[test]
fn every_kind_of_tampering_is_noticed() {
    let scene = scene();
    let (untouched, unreadable) = scene.tampered(|_, _, _| ());
    assert!(untouched.is_whole() && unreadable == 0, "{untouched:?}");
    assert_eq!((untouched.records, untouched.contained), (15, 1));
    let mut missed = Vec::new();
    for (n, (name, by, tamper)) in (1..).zip(CASES) {
        let (checked, unreadable) = scene.tampered(*tamper);
        let noticed = noticed(&checked, unreadable);
        let who: Vec<_> = noticed.iter().copied().collect();
        println!("{n:2} {name}: {}", who.join(", "));
        if !by.iter().all(|b| noticed.contains(b)) || (checked.is_whole() && unreadable == 0) {
            missed.push(format!("{name}: by {who:?}, not by {by:?}"));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
    println!("{} kinds of tampering with an audit log, all noticed", CASES.len());
    assert!(CASES.len() >= 25);
}

#[test]
fn what_is_written_twice_is_read_once_and_order_in_files_means_nothing() {
    let scene = scene();
    let (twice, unreadable) = scene.tampered(|_, log, _| {
        let again = log.number(7);
        log.push(again);
    });
    assert!(twice.is_whole() && unreadable == 0 && twice.records == 15, "{twice:?}");
}

#[test]
fn what_nobody_has_seen_yet_can_be_taken_away_unseen_and_this_is_said() {
    // The limit of every log: the tail behind the last witnessed checkpoint. Checkpoints are a minute apart on a line.
    let mut scene = scene();
    let dir = scene.hospital.data("R03").join("audit");
    let before = Log::read(&dir);
    let station = scene.hospital.start("R03");
    glance(&station, "nobody saw this");
    drop(station);
    scene.bench.log = Log::read(&dir);
    assert!(scene.bench.log.last() > before.last());
    let last = before.last();
    let tail = tempfile::tempdir().unwrap();
    let mut log = scene.bench.log.clone();
    log.retain(&|n| n <= last);
    log.write(tail.path());
    let (checked, _) = scene.check(tail.path());
    assert!(checked.is_whole());
}
