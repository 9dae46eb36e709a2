//! The queue's files (docs/formats/print-queue.md): one sealed file per job, and one small sealed file for its newest state.
//!
//! Nothing is overwritten: a new state is a new file with the next number, durable before the one before is removed. Both are
//! sealed to the journal role, so sealing needs no secret and reading needs somebody who is signed in. There is deliberately
//! no repair: what does not open is said, and its sheet counts as unknown.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use vault::HospitalId;
use vault::context::Context;
use vault::files::Files;
use vault::keys::{RolePublic, RoleSecret};

use super::job::{Job, JobId, State};

/// Longest PDF taken, in bytes: a list of 600 people is 2 MB.
pub const MAX_PDF: usize = 16 << 20;
/// Longest file read, in bytes: the longest PDF with what is around it.
const MAX_FILE: u64 = MAX_PDF as u64 + (64 << 10);
/// Longest state file, in bytes.
const MAX_STATE: u64 = 4 << 10;

/// A job as its file holds it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Body {
    #[n(0)]
    job: Job,
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pdf: Vec<u8>,
}

/// What was found of one job.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) id: JobId,
    pub(super) job: Job,
    pub(super) pdf: Vec<u8>,
    /// Number of the newest state file.
    pub(super) turn: u64,
    /// `None` when it does not open or is not there: nobody knows what became of the sheet.
    pub(super) state: Option<State>,
}

/// The directory with its seal.
pub(super) struct Store {
    files: Arc<dyn Files>,
    dir: PathBuf,
    hospital: HospitalId,
    journal: RolePublic,
}

impl Store {
    pub(super) fn new(files: Arc<dyn Files>, dir: PathBuf, hospital: HospitalId, journal: RolePublic) -> Self {
        Self {
            files,
            dir,
            hospital,
            journal,
        }
    }

    fn job_context(&self, id: JobId) -> Context {
        Context::new("print-job", &self.hospital).fixed(&id.0)
    }

    fn state_context(&self, id: JobId, turn: u64) -> Context {
        Context::new("print-state", &self.hospital).fixed(&id.0).u64(turn)
    }

    fn job_path(&self, id: JobId) -> PathBuf {
        self.dir.join(format!("{}.job", id.hex()))
    }

    fn state_path(&self, id: JobId, turn: u64) -> PathBuf {
        self.dir.join(format!("{}.{turn}", id.hex()))
    }

    /// Writes a job and its first state; both are durable on return. What a failure leaves behind is removed again.
    pub(super) fn put(
        &self,
        id: JobId,
        job: &Job,
        pdf: &[u8],
        state: &State,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> io::Result<()> {
        let body = Body {
            job: job.clone(),
            pdf: pdf.to_vec(),
        };
        let plain = minicbor::to_vec(&body).map_err(io::Error::other)?;
        let sealed = vault::wrap::wrap(&self.journal, &self.job_context(id), &plain, rng).map_err(io::Error::other)?;
        self.files.create_dir(&self.dir)?;
        let written = self
            .write(&self.job_path(id), &sealed)
            .and_then(|()| self.put_state(id, 1, state, rng));
        if written.is_err() {
            self.remove(id, 1);
        }
        written
    }

    /// Makes a state durable. The file of the turn before stays until [`Self::forget_state`].
    pub(super) fn put_state(
        &self,
        id: JobId,
        turn: u64,
        state: &State,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> io::Result<()> {
        let plain = minicbor::to_vec(state).map_err(io::Error::other)?;
        let context = self.state_context(id, turn);
        let sealed = vault::wrap::wrap(&self.journal, &context, &plain, rng).map_err(io::Error::other)?;
        self.write(&self.state_path(id, turn), &sealed)
    }

    /// Removes a state that is no longer the newest. If it stays, it is passed over.
    pub(super) fn forget_state(&self, id: JobId, turn: u64) {
        if let Err(error) = self.files.remove(&self.state_path(id, turn)) {
            tracing::warn!(%error, "an older state of a print job could not be removed");
        }
    }

    /// Removes a job that is over: first its pages, durably, then its states. The other way round a power cut could leave the
    /// pages with an older state, and the sheet would go out again.
    pub(super) fn remove(&self, id: JobId, turn: u64) {
        let removed = self
            .files
            .remove(&self.job_path(id))
            .and_then(|()| self.files.sync_dir(&self.dir))
            .and_then(|()| self.files.remove(&self.state_path(id, turn)));
        if let Err(error) = removed {
            tracing::warn!(%error, "a print job that is over could not be removed from the disk");
        }
    }

    fn write(&self, path: &Path, sealed: &[u8]) -> io::Result<()> {
        // A failed attempt may have left a part of it.
        self.files.remove(path)?;
        let mut file = self.files.create_new(path)?;
        file.write_all(sealed)?;
        file.sync()?;
        self.files.sync_dir(&self.dir)
    }

    /// Everything in the directory: what opens, and how many jobs do not.
    pub(super) fn read(&self, secret: &RoleSecret) -> io::Result<(Vec<Found>, usize)> {
        let mut jobs: BTreeMap<JobId, (bool, Vec<u64>)> = BTreeMap::new();
        for name in self.files.list(&self.dir)? {
            let Some((stem, end)) = name.rsplit_once('.') else {
                continue;
            };
            let Some(id) = JobId::parse(stem) else { continue };
            let seen = jobs.entry(id).or_default();
            match end.parse() {
                Ok(turn) => seen.1.push(turn),
                Err(_) => seen.0 |= end == "job",
            }
        }
        let (mut found, mut damaged) = (Vec::new(), 0);
        for (id, (has_job, mut turns)) in jobs {
            turns.sort_unstable();
            let newest = turns.pop();
            if !has_job {
                // The pages were removed last time: the job was over.
                newest
                    .into_iter()
                    .chain(turns)
                    .for_each(|turn| self.forget_state(id, turn));
                continue;
            }
            turns.iter().for_each(|turn| self.forget_state(id, *turn));
            let Some(body) = self.open::<Body>(secret, &self.job_path(id), &self.job_context(id), MAX_FILE) else {
                damaged += 1;
                continue;
            };
            let state = newest.and_then(|turn| {
                let context = self.state_context(id, turn);
                self.open::<State>(secret, &self.state_path(id, turn), &context, MAX_STATE)
            });
            found.push(Found {
                id,
                job: body.job,
                pdf: body.pdf,
                turn: newest.unwrap_or_default(),
                state,
            });
        }
        Ok((found, damaged))
    }

    fn open<T: for<'b> Decode<'b, ()>>(
        &self,
        secret: &RoleSecret,
        path: &Path,
        context: &Context,
        limit: u64,
    ) -> Option<T> {
        let source = self.files.open(path).ok()?;
        let size = source.size().ok().filter(|size| *size <= limit)?;
        let mut sealed = vec![0; usize::try_from(size).ok()?];
        source.read_exact_at(0, &mut sealed).ok()?;
        let plain = vault::wrap::unwrap(secret, context, &sealed).ok()?;
        minicbor::decode(&plain).ok()
    }
}
