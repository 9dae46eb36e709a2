//! Which generations a backup host keeps. Run there, by hand or by its own clock, and never by a station.
//!
//! At least five good ones stay, the newest good one always, and nothing younger than the days that are asked for. A clock that jumped
//! makes everything look old: then nothing is removed, and that is said.

use anyhow::{Context, Result, bail};
use downtime::identity::Roster;
use serde::{Deserialize, Serialize};

use super::Manifest;
use super::store::Store;
use crate::home::write_durably;
use std::collections::BTreeMap;
use std::path::Path;

/// Fewest good generations that stay, whatever is asked.
pub const FEWEST: usize = 5;
/// Fewest days for which a generation stays, whatever is asked.
pub const FEWEST_DAYS: u16 = 7;
/// A longer time between two runs than this may be a clock that jumped.
const LONGEST_PAUSE: i64 = 45 * DAY;
const DAY: i64 = 86_400;
/// Largest notebook read back.
const MAX_BOOK: u64 = 8 << 20;

/// What was kept and what went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Good generations that stay.
    pub kept: Vec<String>,
    /// Generations that were removed.
    pub removed: Vec<String>,
    /// Folders that are no good generation: nobody removes them but a person.
    pub not_good: Vec<String>,
    /// Why nothing was removed although something was old.
    pub held_back: Option<String>,
}

/// When this host first saw each generation, and when it last looked: beside what manifests say, which a jumped clock wrote.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Book {
    last_run: Option<i64>,
    seen: BTreeMap<String, i64>,
}

/// Removes what is neither among the `keep` newest good generations nor younger than `days`. `book` is this host's own notebook.
///
/// # Errors
/// When the store or the notebook cannot be used; nothing is removed then.
pub fn prune(store: &Store, roster: &Roster, keep: usize, days: u16, book: &Path, now: i64) -> Result<Kept> {
    let (keep, days) = (keep.max(FEWEST), i64::from(days.max(FEWEST_DAYS)));
    let mut notes = read(book)?;
    let mut kept = Kept::default();
    let mut good = Vec::new();
    for name in store.list()? {
        match good_one(store, &name, roster) {
            Ok(manifest) => good.push(manifest),
            Err(fault) => {
                tracing::warn!(generation = name, "not a good generation: {fault:#}");
                kept.not_good.push(name);
            }
        }
    }
    good.sort_by_key(|one| std::cmp::Reverse(one.made));
    for one in &good {
        notes.seen.entry(one.name.clone()).or_insert(now);
    }
    notes.seen.retain(|name, _| good.iter().any(|one| one.name == *name));
    let jumped = notes
        .last_run
        .is_none_or(|last| now < last || now - last > LONGEST_PAUSE);
    let ahead = good.first().is_some_and(|newest| newest.made > now + DAY);
    // Both clocks must agree that it is old: the one that wrote it, and this one since it first saw it.
    let old = |one: &Manifest| {
        let seen = notes.seen.get(&one.name).copied().unwrap_or(now);
        now - one.made > days * DAY && now - seen > days * DAY
    };
    let too_many: Vec<&Manifest> = good.iter().skip(keep).filter(|one| old(one)).collect();
    if !too_many.is_empty() && (jumped || ahead) {
        let why = "前に動いた時刻と大きく離れています。時計が正しいか確かめてください。次に動いたときに消します";
        kept.held_back = Some(why.to_owned());
    } else {
        // The oldest first: whatever interrupts, the newest are there.
        for one in too_many.iter().rev() {
            store
                .remove(&one.name, &one.files())
                .with_context(|| format!("{} を消せません", one.name))?;
            kept.removed.push(one.name.clone());
        }
    }
    kept.kept = good
        .iter()
        .map(|one| one.name.clone())
        .filter(|name| !kept.removed.contains(name))
        .collect();
    notes.seen.retain(|name, _| kept.kept.contains(name));
    notes.last_run = Some(now);
    write_durably(book, &serde_json::to_vec_pretty(&notes)?)?;
    Ok(kept)
}

/// A generation whose every part is there and as it was signed.
fn good_one(store: &Store, name: &str, roster: &Roster) -> Result<Manifest> {
    let manifest = Manifest::read(store, name, roster)?;
    manifest.read_parts(store, &mut |_, _| Ok(()))?;
    Ok(manifest)
}

fn read(book: &Path) -> Result<Book> {
    let size = match std::fs::metadata(book) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Book::default()),
        other => other?.len(),
    };
    if size > MAX_BOOK {
        bail!("{} が大きすぎます", book.display());
    }
    serde_json::from_slice(&std::fs::read(book)?)
        .with_context(|| format!("{} を読めません。何も消していません", book.display()))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chart::StationCode;
    use sha2::{Digest, Sha256};
    use vault::HospitalId;
    use vault::keys::{RoleSecret, SealerSecret, StationSecret};
    use vault::sign::Purpose;

    use super::*;
    use crate::backup::parts::{Part, hex, part_name};
    use crate::backup::{MANIFEST, SIGNATURE};
    use crate::random;

    const NOW: i64 = 1_800_000_000;

    struct Host {
        dir: tempfile::TempDir,
        store: Store,
        roster: Roster,
        station: StationSecret,
    }

    impl Host {
        fn new() -> Self {
            let mut rng = random::system();
            let station = StationSecret::random(&mut rng);
            let (role, sealer) = (RoleSecret::random(&mut rng), SealerSecret::random(&mut rng));
            let mut roster = Roster::new(
                HospitalId([7; 16]),
                "試験",
                &role.public(),
                &role.public(),
                &sealer.public(),
            );
            let code = StationCode::parse("H01").unwrap();
            roster.enrol_station(code, 1, 'A', &station.public()).unwrap();
            let dir = tempfile::tempdir().unwrap();
            let store = Store::folder(dir.path().join("store"));
            Self {
                dir,
                store,
                roster,
                station,
            }
        }

        /// A generation made so many days ago.
        fn made(&self, name: &str, days_ago: i64) {
            let bytes = name.as_bytes();
            let part = Part {
                name: part_name(0),
                len: bytes.len() as u64,
                sha256: hex(&Sha256::digest(bytes)),
            };
            let made = NOW - days_ago * DAY;
            let text = serde_json::json!({"format": 1, "name": name, "hospital": hex(&[7; 16]), "station": "H01", "made": made, "made_text": "", "program": "", "recipients": [], "parts": [part], "beside": [], "counts": {"epoch": 0, "charts": 0, "records": 0, "files": 0, "bytes": 0}});
            let text = serde_json::to_vec(&text).unwrap();
            let signature = hex(&self.station.sign(Purpose::Backup, &text));
            self.store.put_new(name, &part_name(0), bytes).unwrap();
            self.store.put_new(name, SIGNATURE, signature.as_bytes()).unwrap();
            self.store.put_new(name, MANIFEST, &text).unwrap();
        }

        fn book(&self) -> PathBuf {
            self.dir.path().join("seen.json")
        }

        fn prune(&self, days_later: i64) -> Kept {
            prune(&self.store, &self.roster, 1, 0, &self.book(), NOW + days_later * DAY).unwrap()
        }
    }

    #[test]
    fn five_good_ones_stay_and_nothing_that_this_host_has_not_seen_for_days_goes() {
        let host = Host::new();
        (0..9).for_each(|n| host.made(&format!("tmb-{n}"), 100 + n));
        // Old by the hub's clock, which an intruder may have set; this host sees them the first time.
        for day in 0..8 {
            assert_eq!(host.prune(day).removed, Vec::<String>::new(), "day {day}");
        }
        let kept = host.prune(8);
        assert_eq!(kept.removed, ["tmb-8", "tmb-7", "tmb-6", "tmb-5"], "the oldest first");
        assert_eq!(kept.kept.len(), 5);
        assert_eq!(host.prune(40).removed, Vec::<String>::new(), "five stay for ever");
    }

    #[test]
    fn a_clock_that_jumped_removes_nothing() {
        let host = Host::new();
        (0..9).for_each(|n| host.made(&format!("tmb-{n}"), n));
        host.prune(0);
        let kept = host.prune(400);
        assert!(kept.removed.is_empty() && kept.held_back.is_some(), "{kept:?}");
        let kept = host.prune(-3);
        assert!(kept.removed.is_empty(), "{kept:?}");
        // Signed by a clock a year ahead: that says something about a clock, not about the others.
        host.made("tmb-ahead", -365);
        for day in 401..410 {
            assert!(host.prune(day).removed.len() <= 5);
        }
        assert!(host.store.list().unwrap().contains(&"tmb-ahead".to_owned()));
    }

    #[test]
    fn what_is_no_good_generation_counts_for_nothing_and_is_left_to_a_person() {
        let host = Host::new();
        (0..6).for_each(|n| host.made(&format!("tmb-{n}"), 100 + n));
        // Two of the newest are damaged: they must not push good ones out.
        for name in ["tmb-0", "tmb-1"] {
            let path = host.dir.path().join("store").join(name).join(part_name(0));
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, "ransom").unwrap();
        }
        host.store.put_new("tmb-rubbish", "backup.tar.age.0000", b"x").unwrap();
        for day in 0..12 {
            let kept = host.prune(day);
            assert!(kept.removed.is_empty(), "{kept:?}");
            assert_eq!(kept.not_good, ["tmb-0", "tmb-1", "tmb-rubbish"]);
            assert_eq!(kept.kept.len(), 4);
        }
    }

    #[test]
    fn a_store_overwrites_nothing_and_follows_no_name_out_of_it() {
        let host = Host::new();
        host.made("tmb-0", 1);
        let again = host.store.put_new("tmb-0", MANIFEST, b"ransom");
        assert!(matches!(again, Err(crate::backup::StoreFault::Exists(_))));
        for (generation, name) in [
            ("..", "x"),
            ("tmb-0", "../../x"),
            ("tmb/0", "x"),
            ("", "x"),
            ("tmb-0", ".hidden"),
        ] {
            assert!(
                host.store.put_new(generation, name, b"x").is_err(),
                "{generation} {name}"
            );
            assert!(host.store.get(generation, name, 10).is_err());
        }
        std::os::unix::fs::symlink("/etc/passwd", host.dir.path().join("store/tmb-0/link")).unwrap();
        assert!(
            host.store.get("tmb-0", "link", 1 << 20).is_err(),
            "a link is not followed"
        );
        assert!(matches!(
            host.store.get("tmb-0", MANIFEST, 3),
            Err(crate::backup::StoreFault::TooLarge(_))
        ));
    }
}
