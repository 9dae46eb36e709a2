//! Looking into directories, within bounds: entries counted, links not followed, nothing sliced that a hospital named.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Most entries of one directory.
pub const MAX_ENTRIES: usize = 400_000;

/// One entry of a directory.
#[derive(Debug)]
pub struct Entry {
    /// Its name, as bytes.
    pub name: std::ffi::OsString,
    /// Where it is.
    pub path: PathBuf,
}

/// What a directory holds.
#[derive(Debug, Default)]
pub struct Listing {
    /// Directories, by name.
    pub folders: Vec<Entry>,
    /// Files, by name.
    pub files: Vec<Entry>,
    /// Links, devices and what could not be looked at.
    pub others: u64,
    /// Entries beyond [`MAX_ENTRIES`].
    pub more: bool,
}

/// Lists a directory in the order of names.
///
/// # Errors
/// When the directory cannot be opened or breaks off while it is read: half a listing is none.
pub fn list(path: &Path) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for (count, entry) in fs::read_dir(path)?.enumerate() {
        if count >= MAX_ENTRIES {
            listing.more = true;
            break;
        }
        let entry = entry?;
        // Of the entry itself, not of what a link points to.
        let Ok(kind) = entry.file_type() else {
            listing.others += 1;
            continue;
        };
        let one = Entry {
            name: entry.file_name(),
            path: entry.path(),
        };
        if kind.is_dir() {
            listing.folders.push(one);
        } else if kind.is_file() {
            listing.files.push(one);
        } else {
            listing.others += 1;
        }
    }
    listing.folders.sort_by(|a, b| a.name.cmp(&b.name));
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listing)
}

/// When a directory last changed, in nanoseconds; what cannot be said is never equal to itself.
#[must_use]
pub fn changed(path: &Path) -> Option<i128> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    Some(match modified.duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => i128::try_from(since.as_nanos()).ok()?,
        Err(before) => -i128::try_from(before.duration().as_nanos()).ok()?,
    })
}

/// Runs `work` over every item with a few threads; answers in the order of the items.
///
/// A worker that fails to start leaves its share to the others.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    /// Items taken at a time: a patient is some directories.
    const SHARE: usize = 16;
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done: Vec<(usize, R)> = Vec::new();
        loop {
            let from = next.fetch_add(SHARE, Ordering::Relaxed);
            if from >= items.len() {
                return done;
            }
            for (at, item) in items.iter().enumerate().skip(from).take(SHARE) {
                done.push((at, work(item)));
            }
        }
    };
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let spawned: Vec<_> = (1..threads.max(1))
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, run).ok())
            .collect();
        let mut all = run();
        for thread in spawned {
            match thread.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, answer)| answer).collect()
}
