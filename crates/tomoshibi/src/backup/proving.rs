//! The restore that is tried: a generation opened with the recovery key into a directory of its own, and everything in it counted.
//!
//! What is unpacked is bounded by what the signed manifest says and by names of our own; nothing is ever unpacked over anything. The
//! directory holds sealed data only, as the station's does, and is removed when the work is done.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Component, Path};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use chart::StationCode;
use downtime::identity::Roster;
use sha2::{Digest, Sha256};
use vault::files::{Disk, ReadAt};
use vault::keys::{RecoverySecret, RoleSecret};
use vault::shelf_slots::{BoxError, Identity, Slots};
use vault::snapshot::Snapshot;

use super::contents::{MOST_FILES, SUMS};
use super::parts::hex;
use super::{Manifest, Store};
use crate::home::MAX_ROSTER;

/// What was found in a generation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Charts that opened, and how many the manifest names.
    pub charts: (u64, u64),
    /// Records that verify, and how many the manifest names at least.
    pub records: (u64, u64),
    /// Entries that do not open.
    pub unreadable: u64,
}

/// The stream of all parts, each compared with the manifest as it comes.
struct Joined<'m> {
    manifest: &'m Manifest,
    store: &'m Store,
    next: usize,
    held: io::Cursor<Vec<u8>>,
}

impl Read for Joined<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.held.read(buf)?;
            if read > 0 || buf.is_empty() {
                return Ok(read);
            }
            let Some(part) = self.manifest.parts.get(self.next) else {
                return Ok(0);
            };
            let bytes = self.manifest.read_part(self.store, part);
            self.held = io::Cursor::new(bytes.map_err(|fault| io::Error::other(format!("{fault:#}")))?);
            self.next += 1;
        }
    }
}

/// Unpacks a generation into a new directory and compares every file with the list in it.
///
/// # Errors
/// When it does not open, or is not what was put in.
pub fn unpack(manifest: &Manifest, store: &Store, secret: &RecoverySecret, into: &Path) -> Result<u64> {
    for part in &manifest.beside {
        manifest.read_part(store, part)?;
    }
    let joined = Joined {
        manifest,
        store,
        next: 0,
        held: io::Cursor::new(Vec::new()),
    };
    let opened = vault::age::Reader::open(io::BufReader::new(joined), secret)
        .map_err(|fault| anyhow::anyhow!("控えを開けません（{fault}）"))?;
    let mut tar = tar::Archive::new(opened);
    let (mut sums, mut listed, mut bytes) = (Vec::new(), None, 0_u64);
    for entry in tar.entries()? {
        let mut entry = entry.context("控えの中身を読めません")?;
        let path = entry.path()?.into_owned();
        let name = path.to_str().context("控えの中に読めない名前があります")?.to_owned();
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !entry.header().entry_type().is_file() || !plain || sums.len() >= MOST_FILES {
            bail!("控えの中に、入れていないものがあります: {name}");
        }
        if name == SUMS {
            let mut text = String::new();
            (&mut entry).take(64 << 20).read_to_string(&mut text)?;
            listed = Some(text);
            continue;
        }
        bytes = bytes.saturating_add(entry.size());
        if bytes > manifest.counts.bytes {
            bail!("控えの中身が、目録より大きい。この控えは使わないでください");
        }
        let target = into.join(&path);
        fs::create_dir_all(target.parent().unwrap_or(into))?;
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&target)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let read = entry.read(&mut buffer)?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            hash.update(piece);
            file.write_all(piece)?;
        }
        sums.push(format!("{}  {name}", hex(&hash.finalize())));
    }
    // The end of the tar is not the end of the file: only the last chunk says that nothing was cut off.
    io::copy(&mut tar.into_inner(), &mut io::sink()).context("控えの終わりを読めません")?;
    let listed = listed.context("控えの中に、ファイルの一覧がありません")?;
    if !listed.lines().eq(sums.iter().map(String::as_str)) || sums.len() as u64 != manifest.counts.files {
        bail!("控えの中のファイルが、一覧と違います。この控えは使わないでください");
    }
    Ok(sums.len() as u64)
}

/// Opens everything that was unpacked: every chart with the recovery key, every record and entry with the journal's.
///
/// # Errors
/// When something cannot be read at all.
pub fn open_all(
    manifest: &Manifest,
    dir: &Path,
    secret: &RecoverySecret,
    journal: &RoleSecret,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Found> {
    let data = dir.join("data");
    let roster = roster(&data)?;
    if hex(roster.hospital().as_bytes()) != manifest.hospital {
        bail!("控えの中の名簿が、別の病院のものです");
    }
    let mut found = Found {
        charts: (0, manifest.counts.charts),
        records: (0, manifest.counts.records),
        unreadable: 0,
    };
    if manifest.counts.charts > 0 {
        let slots = Slots::open(Arc::new(Disk), &data.join("shelf"))?;
        let trusted = roster.sealers()?;
        let mut verify = |source: Arc<dyn ReadAt>| -> Result<(Identity, Snapshot), BoxError> {
            let snapshot = Snapshot::open(source, &trusted)?;
            Ok((Identity::from(snapshot.manifest()), snapshot))
        };
        let current = slots
            .current(&mut verify)?
            .current
            .context("封印済みデータがありません")?;
        if current.identity.epoch < manifest.counts.epoch {
            bail!("封印済みデータが、目録より古い（epoch {}）", current.identity.epoch);
        }
        let opened = current.opened.unlock_recovery(secret)?;
        found.charts.0 = opened.verify_records(progress)?.opened;
    }
    let code = StationCode::parse(&manifest.station).context("控えを作った端末の記号を読めません")?;
    let stock = downtime::stations::Stock::read(&Disk, &data, &roster, code)?;
    found.records.0 = stock.count();
    let live = downtime::stations::read_entries(&Disk, &data, &roster, code, journal)?;
    found.unreadable = live.unreadable() as u64;
    Ok(found)
}

fn roster(data: &Path) -> Result<Roster> {
    let path = ["roster.cbor", "trust.cbor"].map(|name| data.join(name));
    let path = path
        .into_iter()
        .find(|path| path.is_file())
        .context("控えの中に名簿がありません")?;
    if fs::metadata(&path)?.len() > MAX_ROSTER {
        bail!("控えの中の名簿が大きすぎます");
    }
    Ok(Roster::from_bytes(&fs::read(path)?)?)
}
