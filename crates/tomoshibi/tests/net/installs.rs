//! A station that fetches newer data dies, or is refused something, at every system call that touches its shelf.
//!
//! `strace` stands between the real program and the kernel, as in the tests of the journal. After each accident the data there must be
//! whole, the old ones or the new, and a station that is left alone must get the new ones. A killed process leaves the system's cache
//! behind, which a power cut does not: that half is proved over `vault`'s simulated disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::desk::Person;
use crate::effort::{count, pause, seed, until};
use crate::hospital::{HUB, Hospital, How, RECEPTION, STATIONS, copy_folder};
use crate::wires::alone;

/// The calls that change a file, or on which durability hangs.
const CALLS: [&str; 12] = [
    "openat",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "ftruncate",
    "fallocate",
    "fdatasync",
    "fsync",
    "rename",
    "unlink",
    "mkdir",
];
/// What happens at a call.
const ACCIDENTS: [&str; 3] = ["signal=KILL", "error=EIO", "error=ENOSPC"];
/// Accidents in every run of the suite; torture tries all.
const IN_THE_SUITE: usize = 5;
/// The station that fetches.
const WARD: usize = 2;
/// How long it may take.
const FETCHED_WITHIN: Duration = Duration::from_secs(60);

#[test]
fn whatever_happens_while_new_data_are_installed_the_last_good_open() {
    alone(
        "installs::whatever_happens_while_new_data_are_installed_the_last_good_open",
        || {
            let hospital = Hospital::new(40);
            hospital.start(HUB);
            hospital.start(WARD);
            let old = until_it_has(&hospital, hospital.verified(HUB).expect("a first day"));
            hospital.kill(WARD);
            let (home, base) = (hospital.path(STATIONS[WARD].0), hospital.path("base"));
            copy_folder(&home, &base);
            hospital.seal();
            let new = hospital.verified(HUB).expect("a second one");
            let faults = faults(&hospital, &home, &base, new);
            let (seed, all) = (usize::try_from(seed()).unwrap_or(0), faults.len());
            let wanted = count(IN_THE_SUITE, all);
            assert!(all > 3 * 10, "too few calls touch the shelf: {faults:?}");
            // In the suite a few that lie far apart, others every day; kills among them.
            let mut tried = BTreeMap::new();
            for n in 0..wanted {
                let fault = &faults[(seed + n * all / wanted) % all];
                let left = one_accident(&hospital, &home, &base, fault, old..=new);
                *tried.entry(left).or_insert(0_usize) += 1;
            }
            println!(
                "torture: installing newer data, {wanted} of {all} accidents at {} calls: the old data stood after {}, the new after {}",
                all / ACCIDENTS.len(),
                tried.get(&old).unwrap_or(&0),
                tried.get(&new).unwrap_or(&0),
            );
        },
    );
}

/// Every call that touches the shelf while newer data are installed × every accident.
fn faults(hospital: &Hospital, home: &Path, base: &Path, new: u64) -> Vec<String> {
    let log = hospital.path("calls");
    let paths = {
        restore(home, base);
        let trace = format!("trace={}", CALLS.join(","));
        watched(hospital, &["-e", &trace, "-o"], &log, new);
        let text = std::fs::read_to_string(&log).expect("what strace saw");
        let shelf = format!("{}/data/shelf", home.display());
        let names = text.split('"').filter(|name| name.starts_with(&shelf));
        names.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert!(paths.len() >= 4, "what lies on a shelf: {paths:?}");
    std::fs::write(hospital.path("paths"), paths.into_iter().collect::<Vec<_>>().join("\n")).expect("written");
    restore(home, base);
    let only = filter(hospital);
    let only: Vec<&str> = only.iter().map(String::as_str).collect();
    let trace = format!("trace={}", CALLS.join(","));
    watched(hospital, &[&only[..], &["-e", &trace, "-o"]].concat(), &log, new);
    let text = std::fs::read_to_string(&log).expect("what strace saw");
    // strace counts the calls of each thread by themselves.
    let mut threads: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(thread), Some(call)) = (words.next(), words.next().and_then(|word| word.split_once('('))) else {
            continue;
        };
        if let Some(call) = CALLS.iter().find(|known| **known == call.0) {
            *threads.entry((call, thread)).or_default() += 1;
        }
    }
    let mut most: BTreeMap<&str, usize> = BTreeMap::new();
    for ((call, _), number) in threads {
        let most = most.entry(call).or_default();
        *most = number.max(*most);
    }
    let mut faults = Vec::new();
    for (call, most) in most {
        for n in 1..=most {
            faults.extend(
                ACCIDENTS
                    .iter()
                    .map(|accident| format!("inject={call}:{accident}:when={n}")),
            );
        }
    }
    faults
}

/// The words with which strace looks at the shelf's files only.
fn filter(hospital: &Hospital) -> Vec<String> {
    let paths = std::fs::read_to_string(hospital.path("paths")).expect("the paths");
    paths
        .lines()
        .flat_map(|path| ["-P".to_owned(), path.to_owned()])
        .collect()
}

/// A whole installation under strace.
fn watched(hospital: &Hospital, words: &[&str], log: &Path, new: u64) {
    start_under(hospital, words, log);
    until_it_has(hospital, new);
    hospital.kill(WARD);
    assert!(log.exists(), "strace is missing: it comes in Debian's package strace");
}

fn start_under(hospital: &Hospital, words: &[&str], log: &Path) -> bool {
    let mut under = vec!["strace".to_owned(), "-f".to_owned(), "-qq".to_owned()];
    under.extend(words.iter().map(|word| (*word).to_owned()));
    under.push(log.display().to_string());
    under.push("--".to_owned());
    hospital.start_as(
        WARD,
        &How {
            under,
            variables: Vec::new(),
        },
    )
}

/// One installation with an accident; gives the number of the data that stand afterwards.
fn one_accident(
    hospital: &Hospital,
    home: &Path,
    base: &Path,
    fault: &str,
    between: std::ops::RangeInclusive<u64>,
) -> u64 {
    restore(home, base);
    let (old, new) = (*between.start(), *between.end());
    let only = filter(hospital);
    let only: Vec<&str> = only.iter().map(String::as_str).collect();
    let listens = start_under(
        hospital,
        &[&only[..], &["-e", fault, "-o"]].concat(),
        Path::new("/dev/null"),
    );
    let mut looker = Person::at(hospital, WARD, RECEPTION);
    let begun = Instant::now();
    // Until it dies, or has got over it.
    while listens && !hospital.has_ended(WARD) && begun.elapsed() < FETCHED_WITHIN {
        let seen = looker.get("/").ok().and_then(|home| crate::watch::epoch(&home.text()));
        assert!(
            seen.is_none_or(|seen| between.contains(&seen)),
            "{fault}: data {seen:?} of {between:?}"
        );
        if seen == Some(new) {
            break;
        }
        pause(30);
    }
    hospital.kill(WARD);
    let left = hospital
        .intact(WARD)
        .unwrap_or_else(|why| panic!("{fault}: nothing opens: {why}"));
    assert!(left == old || left == new, "{fault}: data {left} of {between:?}");
    hospital.start(WARD);
    until_it_has(hospital, new);
    hospital.kill(WARD);
    let now = hospital.intact(WARD);
    assert_eq!(
        now.as_ref(),
        Ok(&new),
        "{fault}: left alone, it does not get the new data"
    );
    left
}

fn until_it_has(hospital: &Hospital, epoch: u64) -> u64 {
    let mut looker = Person::at(hospital, WARD, RECEPTION);
    until("newer data are fetched", FETCHED_WITHIN, || {
        match crate::watch::epoch(&looker.get("/")?.text()) {
            Some(there) if there == epoch => Ok(()),
            there => Err(format!("{there:?} instead of {epoch}")),
        }
    });
    epoch
}

fn restore(home: &Path, base: &Path) {
    std::fs::remove_dir_all(home).expect("removed");
    copy_folder(base, home);
}
