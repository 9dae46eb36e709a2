//! The queue to the printers on a real disk and on the simulated one: nothing lost, nothing twice unsaid, no damage believed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::{Author, Moment, PatientId, Subject};
use downtime::printing::{
    Cancelled, Condition, GONE_SECONDS, Health, Job, MAX_JOBS, OLD_SECONDS, Overview, Paper, Printer, Queue, Refused,
    Setup, Sheet, State, Stop, Trouble,
};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;
use vault::HospitalId;
use vault::files::{Disk, Files};
use vault::keys::RoleSecret;
use vault::simfs::{Ending, Fault, SimFs};

const NOW: Moment = Moment(1_795_000_000);

fn later(seconds: i64) -> Moment {
    Moment(NOW.0 + seconds)
}

fn printer(name: &str) -> Printer {
    Printer {
        name: name.into(),
        uri: "ipp://127.0.0.1/ipp/print".into(),
        place: "1階".into(),
        trays: BTreeMap::from([(Paper::A5, String::new())]),
        stations: Vec::new(),
    }
}

fn queue_over(files: Arc<dyn Files>, dir: PathBuf, journal: &RoleSecret, names: &[&str]) -> Queue {
    Queue::new(Setup {
        files,
        dir,
        hospital: HospitalId([7; 16]),
        journal: journal.public(),
        randomness: Arc::new(|| Box::new(UnwrapErr(SysRng))),
        station: "R03".into(),
        printers: names.iter().map(|name| printer(name)).collect(),
    })
}

fn queue(dir: &Path, journal: &RoleSecret) -> Queue {
    queue_over(Arc::new(Disk), dir.to_path_buf(), journal, &["1階受付", "2階"])
}

fn sheet(number: &str) -> Sheet {
    Sheet {
        job: Job {
            form: "F01".into(),
            number: number.into(),
            subject: Subject::Patient(PatientId::parse("00123456").unwrap()),
            by: Author {
                user: "1001".into(),
                name: "田中　恵".into(),
                role: "reception".into(),
            },
            at: NOW,
            pages: 1,
            paper: "A5".into(),
        },
        pdf: format!("%PDF-1.4 {number}").into_bytes(),
    }
}

fn names(dir: &Path) -> Vec<String> {
    Disk.list(dir).unwrap()
}

fn key() -> RoleSecret {
    RoleSecret::random(&mut UnwrapErr(SysRng))
}

fn states(queue: &Queue) -> Vec<State> {
    queue.overview().jobs.into_iter().map(|shown| shown.state).collect()
}

#[test]
fn a_sheet_is_on_the_disk_sealed_until_the_printer_says_it_came_out() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let queue = queue(dir.path(), &journal);
    let id = queue.add(sheet("032011270001"), "1階受付", NOW).unwrap();
    for name in names(dir.path()) {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains("%PDF") && !text.contains("00123456") && !text.contains("1001"));
    }
    assert!(queue.next("2階", NOW).is_none(), "another printer's");
    let ready = queue.next("1階受付", NOW).unwrap();
    assert_eq!(ready.pdf.as_slice(), sheet("032011270001").pdf);
    assert!(queue.begin(id, "1階受付", NOW));
    assert!(!queue.begin(id, "1階受付", NOW), "one handing over at a time");
    queue.accepted(id, 41, NOW);
    assert_eq!(queue.in_flight("1階受付")[0].number, 41);
    queue.printed(id, later(5));
    assert!(names(dir.path()).is_empty(), "nothing of it stays on the disk");
    let over = queue.overview().over;
    assert!(over[0].printed && over[0].job.number == "032011270001");
}

#[test]
fn after_a_restart_nothing_is_lost_and_nothing_goes_out_twice_by_itself() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let before = queue(dir.path(), &journal);
    let ids: Vec<_> = (0..4)
        .map(|n| {
            before
                .add(sheet(&format!("03201127000{n}")), "1階受付", later(n))
                .unwrap()
        })
        .collect();
    assert!(before.begin(ids[1], "1階受付", NOW));
    assert!(before.begin(ids[2], "1階受付", NOW));
    before.accepted(ids[2], 9, NOW);
    before.stop(ids[3], Stop::Aborted, NOW);
    drop(before);
    let after = queue(dir.path(), &journal);
    assert!(after.next("1階受付", NOW).is_none(), "nobody has signed in yet");
    after.unlock(&key(), NOW);
    assert_eq!(
        (after.overview().jobs.len(), after.overview().damaged),
        (0, 4),
        "another key opens nothing"
    );
    let after = queue(dir.path(), &journal);
    after.unlock(&journal, NOW);
    after.unlock(&journal, NOW);
    let found: BTreeMap<_, _> = after.overview().jobs.into_iter().map(|s| (s.id, s.state)).collect();
    let printer = || "1階受付".to_owned();
    assert_eq!(found[&ids[0]], State::Waiting(printer()));
    assert_eq!(found[&ids[1]], State::Unsure(printer()), "it was being handed over");
    assert_eq!(found[&ids[2]], State::Printing(printer(), 9), "the printer is asked");
    assert_eq!(found[&ids[3]], State::Stopped(printer(), Stop::Aborted));
    assert_eq!(after.next("1階受付", NOW).unwrap().id, ids[0]);
    assert!(after.begin(ids[0], "1階受付", NOW));
    assert!(
        after.next("1階受付", later(1_000_000)).is_none(),
        "what nobody knows of stays until a person acts"
    );
    after.resend(ids[1], "2階", NOW).unwrap();
    assert_eq!(after.next("2階", NOW).unwrap().id, ids[1]);
}

#[test]
fn a_printer_that_left_the_list_gets_nothing_and_neither_does_one_that_never_was_on_it() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let queue = queue(dir.path(), &journal);
    let id = queue.add(sheet("1"), "1階受付", NOW).unwrap();
    assert!(matches!(
        queue.add(sheet("2"), "知らない機械", NOW),
        Err(Refused::NotListed(_))
    ));
    assert!(matches!(
        queue.resend(id, "知らない機械", NOW),
        Err(Refused::NotListed(_))
    ));
    let mut large = sheet("3");
    large.job.paper = "A4".into();
    assert!(matches!(queue.add(large, "1階受付", NOW), Err(Refused::NoPaper(..))));
    drop(queue);
    let smaller = queue_over(Arc::new(Disk), dir.path().to_path_buf(), &journal, &["2階"]);
    smaller.unlock(&journal, NOW);
    assert_eq!(states(&smaller), [State::Stopped("1階受付".into(), Stop::NotListed)]);
    assert_eq!(smaller.choose(Some("1階受付"), Paper::A5).unwrap().name, "2階");
    assert!(
        smaller.choose(None, Paper::A4).is_none(),
        "no printer with this paper: the browser's turn"
    );
}

#[test]
fn a_silent_printer_is_tried_again_and_at_once_when_it_is_back() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let queue = queue(dir.path(), &journal);
    let id = queue.add(sheet("1"), "1階受付", NOW).unwrap();
    let silent = Condition {
        health: Health::Silent,
        needs: Vec::new(),
    };
    queue.observe("1階受付", silent);
    let mut now = NOW;
    let mut pauses = Vec::new();
    for _ in 0..9 {
        queue.later(id, Trouble::Silent, now);
        let pause = (1..)
            .find(|s| queue.next("1階受付", Moment(now.0 + s)).is_some())
            .unwrap();
        pauses.push(pause);
        now = Moment(now.0 + pause);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
    assert_eq!(queue.stuck(), 1);
    queue.later(id, Trouble::Silent, now);
    let ready = Condition {
        health: Health::Ready,
        needs: Vec::new(),
    };
    queue.observe("1階受付", ready);
    assert!(queue.next("1階受付", now).is_some());
    assert_eq!(queue.stuck(), 0);
}

#[test]
fn a_person_sends_elsewhere_or_takes_back_but_not_what_the_printer_has() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let queue = queue(dir.path(), &journal);
    let id = queue.add(sheet("1"), "1階受付", NOW).unwrap();
    queue.resend(id, "2階", NOW).unwrap();
    assert!(!queue.begin(id, "1階受付", NOW), "it is the other printer's now");
    assert!(queue.begin(id, "2階", NOW));
    assert!(matches!(queue.cancel(id, NOW), Err(Refused::WithPrinter)));
    queue.accepted(id, 3, NOW);
    assert!(matches!(queue.resend(id, "1階受付", NOW), Err(Refused::WithPrinter)));
    assert_eq!(queue.cancel(id, NOW).unwrap().1, Cancelled::Asked);
    assert!(queue.in_flight("2階")[0].withdraw);
    queue.stop(id, Stop::TakenBack, NOW);
    assert_eq!(queue.cancel(id, NOW).unwrap().1, Cancelled::Removed);
    assert!(names(dir.path()).is_empty() && queue.overview().jobs.is_empty());
    assert!(matches!(queue.cancel(id, NOW), Err(Refused::Gone)));
}

#[test]
fn the_queue_is_bounded_in_number_and_age() {
    let (fs, journal) = (SimFs::new(1), key());
    let queue = queue_over(Arc::new(fs.clone()), "/print".into(), &journal, &["1階受付"]);
    let first = queue.add(sheet("0"), "1階受付", NOW).unwrap();
    for n in 1..MAX_JOBS {
        queue.add(sheet(&n.to_string()), "1階受付", NOW).unwrap();
    }
    assert!(matches!(queue.add(sheet("x"), "1階受付", NOW), Err(Refused::Full)));
    let mut huge = sheet("y");
    huge.pdf = vec![0; downtime::printing::MAX_PDF + 1];
    assert!(matches!(queue.add(huge, "1階受付", NOW), Err(Refused::TooLarge(_))));
    assert!(queue.expire(later(OLD_SECONDS)).is_empty());
    assert!(queue.next("1階受付", later(OLD_SECONDS)).is_some());
    assert!(queue.expire(later(OLD_SECONDS + 1)).is_empty());
    assert!(
        queue.next("1階受付", later(OLD_SECONDS + 1)).is_none(),
        "old data does not come out by itself"
    );
    assert_eq!(
        queue.shown(first).unwrap().state,
        State::Stopped("1階受付".into(), Stop::Old)
    );
    let gone = queue.expire(later(GONE_SECONDS + 1));
    assert_eq!(gone.len(), MAX_JOBS);
    assert!(fs.list(Path::new("/print")).unwrap().is_empty());
}

/// What the queue says of a directory with one job, whatever was done to its files.
fn reread(dir: &Path, journal: &RoleSecret) -> Overview {
    let queue = queue(dir, journal);
    queue.unlock(journal, NOW);
    queue.overview()
}

#[test]
fn no_truncation_and_no_flipped_bit_makes_another_job_or_another_state() {
    let (fs, journal) = (SimFs::new(1), key());
    let over = |fs: &SimFs| queue_over(Arc::new(fs.clone()), "/print".into(), &journal, &["1階受付"]);
    let id = over(&fs).add(sheet("032011270001"), "1階受付", NOW).unwrap();
    let files: Vec<(PathBuf, Vec<u8>)> = fs
        .paths()
        .into_iter()
        .filter_map(|path| Some((path.clone(), fs.bytes(&path)?)))
        .collect();
    assert_eq!(files.len(), 2);
    let (mut unsure, mut damaged, mut tried) = (0, 0, 0);
    for (path, bytes) in &files {
        let cuts = (0..bytes.len()).map(|n| bytes[..n].to_vec());
        let flips = (0..bytes.len() * 8).map(|bit| {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        });
        for changed in cuts.chain(flips) {
            let one = fs.fork(0);
            one.tamper(path, |bytes| *bytes = changed);
            let queue = over(&one);
            queue.unlock(&journal, NOW);
            let seen = queue.overview();
            tried += 1;
            match seen.jobs.as_slice() {
                [] => damaged += usize::from(seen.damaged == 1),
                [one] => {
                    assert_eq!((one.id, &one.job), (id, &sheet("032011270001").job));
                    assert!(matches!(one.state, State::Unsure(_)), "a changed file is noticed");
                    unsure += 1;
                }
                more => panic!("{more:?}"),
            }
        }
    }
    assert_eq!(unsure + damaged, tried);
    assert!(unsure > 1_000 && damaged > 1_000, "{unsure} {damaged}");
    println!("{tried} damaged files: {damaged} jobs said to be unreadable, {unsure} sheets said to be unsure");
}

#[test]
fn files_that_change_places_do_not_open() {
    let (dir, journal) = (tempfile::tempdir().unwrap(), key());
    let made = queue(dir.path(), &journal);
    let (a, b) = (
        made.add(sheet("1"), "1階受付", NOW).unwrap(),
        made.add(sheet("2"), "2階", NOW).unwrap(),
    );
    drop(made);
    let at = |name: String| dir.path().join(name);
    std::fs::copy(at(format!("{}.1", a.hex())), at(format!("{}.1", b.hex()))).unwrap();
    std::fs::copy(at(format!("{}.1", a.hex())), at(format!("{}.2", a.hex()))).unwrap();
    let seen = reread(dir.path(), &journal);
    assert!(
        seen.jobs.iter().all(|shown| matches!(shown.state, State::Unsure(_))),
        "{seen:?}"
    );
    std::fs::copy(at(format!("{}.job", a.hex())), at(format!("{}.job", b.hex()))).unwrap();
    assert_eq!(reread(dir.path(), &journal).damaged, 1);
}

#[test]
fn on_a_full_disk_nothing_is_queued_and_nothing_is_handed_over_without_a_note() {
    let (fs, journal) = (SimFs::new(1), key());
    let queue = queue_over(Arc::new(fs.clone()), "/print".into(), &journal, &["1階受付"]);
    let kept = queue.add(sheet("1"), "1階受付", NOW).unwrap();
    for n in 0..6 {
        fs.full_in(n);
        let refused = queue.add(sheet("2"), "1階受付", NOW);
        assert!(matches!(refused, Err(Refused::Disk(_))), "{n}");
        assert!(
            !queue.begin(kept, "1階受付", NOW),
            "without a note of it nothing is sent"
        );
        fs.heal();
    }
    assert_eq!(queue.overview().jobs[0].trouble, Some(Trouble::Disk));
    assert_eq!(queue.overview().jobs.len(), 1);
    assert!(queue.begin(kept, "1階受付", NOW));
}

/// How far a life came before it was cut short.
#[derive(Debug, Default)]
struct Reached {
    queued: bool,
    handed_over: bool,
    came_out: bool,
}

fn live(queue: &Queue, reached: &mut Reached) {
    let Ok(id) = queue.add(sheet("1"), "1階受付", NOW) else {
        return;
    };
    reached.queued = true;
    if !queue.begin(id, "1階受付", NOW) {
        return;
    }
    reached.handed_over = true;
    queue.accepted(id, 5, NOW);
    queue.printed(id, NOW);
    reached.came_out = true;
}

#[test]
fn cut_short_anywhere_no_sheet_is_lost_and_none_that_may_be_out_waits_to_go_out() {
    let journal = key();
    let (mut lives, mut kinds) = (0, BTreeMap::<&str, u32>::new());
    for seed in 0..8 {
        for at in 0.. {
            let fault = [Fault::Kill, Fault::Fail, Fault::Short][seed as usize % 3];
            let ending = if seed % 2 == 0 { Ending::PowerCut } else { Ending::Kill };
            let fs = SimFs::new(seed);
            fs.fault_in(at, fault);
            let make = || queue_over(Arc::new(fs.clone()), "/print".into(), &journal, &["1階受付"]);
            let mut reached = Reached::default();
            live(&make(), &mut reached);
            let over = fs.operations() < at;
            fs.restart(ending);
            let after = make();
            after.unlock(&journal, NOW);
            let seen = after.overview();
            let what = format!("{fault:?} at {at}, {ending:?}, {reached:?}: {seen:?}");
            let kind = match seen.jobs.as_slice() {
                [] if seen.damaged > 0 => "unreadable",
                [] => "none",
                [one] => match one.state {
                    State::Waiting(_) => "waiting",
                    State::Unsure(_) => "unsure",
                    State::Printing(_, 5) => "printing",
                    _ => panic!("{what}"),
                },
                _ => panic!("{what}"),
            };
            if reached.queued && !reached.came_out {
                assert!(!["none", "unreadable"].contains(&kind), "lost: {what}");
            }
            if reached.handed_over {
                assert_ne!(kind, "waiting", "would go out again: {what}");
            }
            *kinds.entry(kind).or_default() += 1;
            lives += 1;
            if over {
                break;
            }
        }
    }
    println!("{lives} lives: {kinds:?}");
    assert!(
        lives > 100
            && ["none", "unsure", "waiting", "printing"]
                .iter()
                .all(|k| kinds.contains_key(k)),
        "{kinds:?}"
    );
}
