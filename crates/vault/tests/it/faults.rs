//! The real thing: a process that writes a journal on the real disk, killed or refused at every system call it makes.
//!
//! `strace` stands between the process and the kernel: at the nth `write`, `fdatasync`, `fsync`, … it kills the process or
//! makes the call fail, once or from then on. The process is this very test binary, told to write. After each accident
//! another life starts without accidents, and then everything that was printed as saved is looked for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use vault::files::Disk;
use vault::journal::{Incarnation, Journal, Start, read_journal};

use crate::effort::{first_seed, is_torture, on_two_cores, writer_dir};
use crate::hospital::*;
use crate::journal::{Desk, entry};

/// The calls that change something, or on which durability hangs.
const CALLS: [&str; 9] = [
    "openat",
    "write",
    "pwrite64",
    "fdatasync",
    "fsync",
    "mkdir",
    "unlink",
    "rename",
    "flock",
];
/// For each name, the numbers of the calls of interest.
type Calls = BTreeMap<&'static str, Vec<u64>>;
/// Batches in one life.
const BATCHES: u64 = 5;
/// Every so manieth pair of faults is tried in the suite; torture tries all.
const PAIRS_STEP: usize = 7;

/// Not a test of its own: the life that the test below watches. Does nothing when nobody tells it where to write.
#[test]
fn the_writer() {
    let Some(dir) = writer_dir() else { return };
    let mut desk = Desk::new(30);
    let (secret, readers) = (desk.hospital.station.clone(), desk.readers);
    let start = Start {
        hospital: HOSPITAL,
        station: STATION,
        secret: &secret,
        incarnation: Incarnation::Continue,
        readers: &readers,
        hlc: 1,
        time_quality: 1,
    };
    desk.hospital.rng = Repeatable(u64::from(std::process::id()));
    // A life that cannot start says nothing, and nothing is expected of it.
    let Ok((mut journal, _)) = Journal::start(Arc::new(Disk), &dir, &start, &mut desk.hospital.rng) else {
        return;
    };
    for n in 0..BATCHES {
        let payloads = [vec![b'e'; 40 + n as usize * 300], vec![b'f'; 3_000]];
        let batch = payloads.each_ref().map(|payload| entry(payload));
        let Ok(receipts) = journal.append_batch(&batch, &mut desk.hospital.rng) else {
            continue;
        };
        let said: String = receipts
            .iter()
            .map(|receipt| format!("saved {}\n", hex(receipt.id())))
            .collect();
        // Nobody hears it: then it was not said.
        let _ = std::io::stdout()
            .write_all(said.as_bytes())
            .and_then(|()| std::io::stdout().flush());
    }
}

#[test]
fn what_a_killed_or_refused_process_said_is_saved_is_there() {
    let counts = calls_of_one_life();
    let enough = |call: &str, least: u64| counts[call].len() as u64 >= least;
    assert!(
        enough("write", 2 * BATCHES) && enough("fdatasync", BATCHES + 1) && enough("fsync", 2),
        "{counts:?}"
    );
    let calls: usize = counts.values().map(Vec::len).sum();
    let (singles, pairs) = (single_faults(&counts), pairs_of_faults(&counts));
    let step = if is_torture() { 1 } else { PAIRS_STEP };
    let skipped = first_seed() as usize % step;
    let pairs: Vec<_> = pairs.into_iter().skip(skipped).step_by(step).collect();
    let (alone, together) = (singles.len(), pairs.len());
    // From nothing, and going on from an earlier life; the suite tries each fault in one of the two.
    let both = is_torture();
    let all: Vec<(Vec<String>, bool)> = [singles, pairs]
        .concat()
        .into_iter()
        .enumerate()
        .flat_map(|(n, faults)| {
            let settings = if both { vec![false, true] } else { vec![n % 2 == 0] };
            settings.into_iter().map(move |earlier| (faults.clone(), earlier))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let [mut said, other] = on_two_cores(|| {
        let mut said = 0;
        while let Some((faults, earlier)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            said += one_accident(faults, *earlier);
        }
        said
    });
    said += other;
    println!(
        "torture: a real process, {} runs under strace: {alone} single faults at {calls} system calls and {together} pairs: \
         {said} entries said to be saved, 0 lost",
        all.len()
    );
    assert!(said > all.len(), "the processes said something");
}

/// Every call × killed, no space, input/output error × once, from then on.
fn single_faults(counts: &Calls) -> Vec<Vec<String>> {
    let calls = counts
        .iter()
        .flat_map(|(call, numbers)| numbers.iter().map(move |n| (call, n)));
    calls
        .flat_map(|(call, n)| {
            let mut faults = vec![vec![format!("{call}:signal=KILL:when={n}")]];
            for error in ["EIO", "ENOSPC"] {
                faults.push(vec![format!("{call}:error={error}:when={n}")]);
                faults.push(vec![format!("{call}:error={error}:when={n}+")]);
            }
            faults
        })
        .collect()
}

/// A failed sync or a full disk, and then a second fault while the first is dealt with: in the new file, or in the
/// removal of a file that could not be made durable.
fn pairs_of_faults(counts: &Calls) -> Vec<Vec<String>> {
    let mut pairs = Vec::new();
    for n in 1..=counts["fdatasync"].len() {
        let first = format!("fdatasync:error=EIO:when={n}");
        for m in 1..=counts["write"].len() + 2 {
            pairs.push(vec![first.clone(), format!("write:signal=KILL:when={m}")]);
            pairs.push(vec![first.clone(), format!("write:error=ENOSPC:when={m}+")]);
        }
        let again = format!("fdatasync:error=EIO:when={n}..{}", n + 1);
        for m in 1..=counts["fsync"].len() {
            pairs.push(vec![again.clone(), format!("fsync:signal=KILL:when={m}")]);
            pairs.push(vec![again.clone(), format!("fsync:error=EIO:when={m}")]);
        }
        pairs.push(vec![again.clone(), "unlink:signal=KILL:when=1".to_owned()]);
        pairs.push(vec![again, "unlink:error=EIO:when=1".to_owned()]);
    }
    pairs
}

/// A life with an accident, one without, and a reading: how many entries were said to be saved.
fn one_accident(faults: &[String], earlier: bool) -> usize {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("own");
    let mut said = if earlier { life(&journal, &[]) } else { Vec::new() };
    said.extend(life(&journal, faults));
    let sound = life(&journal, &[]);
    assert_eq!(
        sound.len() as u64,
        2 * BATCHES,
        "{faults:?}: the next life does not save"
    );
    said.extend(sound);
    let desk = Desk::new(30);
    let public = desk.hospital.station.public();
    let walk = read_journal(&Disk, &journal, &HOSPITAL, &STATION, &public).unwrap();
    let found: Vec<String> = walk.records.iter().map(|record| hex(record.id())).collect();
    let mut places = said.iter().map(|id| found.iter().position(|there| there == id));
    let mut last = None;
    assert!(
        places.all(|place| {
            let ordered = place.is_some() && place > last;
            last = place;
            ordered
        }),
        "{faults:?}: an entry that was said to be saved is lost"
    );
    said.len()
}

/// Runs the writer and takes down what it said, up to where it died.
fn life(journal: &Path, faults: &[String]) -> Vec<String> {
    let injections: Vec<String> = faults.iter().map(|fault| format!("inject={fault}")).collect();
    let output = writer(journal, &injections, Path::new("/dev/null"))
        .output()
        .unwrap_or_else(missing);
    let text = String::from_utf8_lossy(&output.stdout);
    // A line that was cut off was not said.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let said = whole.lines().filter_map(|line| line.split_once("saved "));
    said.map(|(_, id)| id.to_owned()).collect()
}

/// Which calls one life makes: the number of each among those of its name.
fn calls_of_one_life() -> Calls {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("calls");
    let trace = format!("trace={}", CALLS.join(","));
    let mut command = writer(&dir.path().join("own"), &[trace], &log);
    let status = command.stdout(Stdio::null()).status().unwrap_or_else(missing);
    assert!(
        status.success(),
        "strace could not watch the process: is tracing forbidden here (a container, ptrace_scope)?"
    );
    let text = read(&log);
    let own = format!("{}/own", dir.path().display());
    let numbers = |call: &'static str| {
        let lines = text.lines().filter(|line| line.contains(&format!(" {call}(")));
        // Of the many files a process opens at its start, only the journal's are of interest.
        let ours = (1..)
            .zip(lines)
            .filter(|(_, line)| call != "openat" || line.contains(&own));
        ours.map(|(n, _)| n).collect()
    };
    CALLS.iter().map(|call| (*call, numbers(call))).collect()
}

/// This binary as a writer; under `strace` when there is something to watch or to inject.
fn writer(journal: &Path, expressions: &[String], log: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut command = Command::new(if expressions.is_empty() {
        this.as_os_str()
    } else {
        "strace".as_ref()
    });
    if !expressions.is_empty() {
        command.args(["-f", "-qq", "-o"]).arg(log);
        expressions.iter().for_each(|expression| {
            command.args(["-e", expression]);
        });
        command.arg("--").arg(&this);
    }
    command
        .args(["--exact", "faults::the_writer", "--nocapture", "--test-threads=1"])
        .env("VAULT_TEST_WRITER", journal)
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn missing<T>(error: std::io::Error) -> T {
    panic!(
        "strace cannot be started ({error}); this test needs it: it comes in Debian's package strace, and `cargo xtask setup` \
         installs it"
    )
}

#[allow(clippy::disallowed_methods)]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
