//! Making the packs of one snapshot, unattended: one after the other, each only once, and whatever fails is said and not the end.
//!
//! Memory holds one pack. Run again it leaves alone what is whole. It decides nothing about who may see them and destroys nothing.

use chart::{AsOf, Moment};
use jiff::civil::Date;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::file::{MAX_PACK, Unsealed};
use super::{Batch, Head, Kind, Lent, Only, PackFault, Plain, Store, render, wanted};
use crate::forms::Issue;
use crate::shelf::Opened;

/// What a making works with.
pub struct Making<'a> {
    /// The snapshot, open.
    pub opened: &'a Opened,
    /// The day it is for.
    pub day: Date,
    /// What the sheets say about now.
    pub issue: &'a Issue,
    /// Paper and press.
    pub lent: Lent<'a>,
    /// What the hospital wants made.
    pub wants: &'a dyn Fn(&Batch) -> bool,
    /// The clock.
    pub now: &'a dyn Fn() -> Moment,
}

/// What a making came to. No patient is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// 1
    pub format: u8,
    /// Of which snapshot.
    pub epoch: u64,
    /// When it began, in seconds.
    pub began: i64,
    /// When it ended.
    pub ended: i64,
    /// Packs that are there.
    pub packs: usize,
    /// Their pages.
    pub pages: u32,
    /// Sheets in them that are not as they should be.
    pub spoiled: u32,
    /// Packs that could not be made.
    pub failed: Vec<Failure>,
}

/// A pack that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Its name in files and addresses.
    pub id: String,
    /// As people say it.
    pub label: String,
    /// Why, in words.
    pub why: String,
}

impl Made {
    /// Whether every pack that was wanted is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.failed.is_empty()
    }
}

/// Makes what is wanted and not there yet. `told` hears of every pack.
///
/// # Errors
/// [`PackFault::Write`] when not even the outcome can be written down.
pub fn make(
    store: &Store,
    making: &Making<'_>,
    rng: &mut (impl CryptoRng + ?Sized),
    told: &mut dyn FnMut(&str, Result<&Head, &PackFault>),
) -> Result<Made, PackFault> {
    let epoch = making.opened.shelved().edition();
    let mut made = Made {
        format: 1,
        epoch,
        began: (making.now)().0,
        ended: 0,
        packs: 0,
        pages: 0,
        spoiled: 0,
        failed: Vec::new(),
    };
    // Nobody booked and nobody in bed, on a holiday: then nothing is missing.
    let batches = wanted(making.opened, making.day, Only::default()).unwrap_or_default();
    let mut full: Option<String> = None;
    for batch in batches.iter().filter(|batch| (making.wants)(batch)) {
        let there = store.open(epoch, &batch.id()).ok().filter(|pack| pack.check().is_ok());
        let outcome = match (&full, there) {
            (_, Some(pack)) => Ok(pack.head),
            // One disk that takes nothing more takes the next pack no better: its pages need not be set for that.
            (Some(why), None) => Err(PackFault::Make(why.clone())),
            (None, None) => one(store, making, batch, epoch, rng),
        };
        told(batch.label(), outcome.as_ref());
        match outcome {
            Ok(head) => {
                made.packs += 1;
                made.pages = made.pages.saturating_add(head.pages);
                made.spoiled = made.spoiled.saturating_add(head.spoiled);
            }
            Err(fault) => {
                if matches!(fault, PackFault::Write(_)) {
                    full = Some(fault.to_string());
                }
                made.failed.push(Failure {
                    id: batch.id().as_str().to_owned(),
                    label: batch.label().to_owned(),
                    why: match fault {
                        PackFault::Make(why) => why,
                        other => other.to_string(),
                    },
                });
            }
        }
    }
    made.ended = (making.now)().0;
    store.note_made(&made)?;
    Ok(made)
}

fn one(
    store: &Store,
    making: &Making<'_>,
    batch: &Batch,
    epoch: u64,
    rng: &mut (impl CryptoRng + ?Sized),
) -> Result<Head, PackFault> {
    let opened = making.opened;
    let (mut parts, mut bytes) = (Vec::new(), 0);
    let notes = render(
        batch,
        opened,
        making.issue,
        &making.lent,
        &mut |paper, whose, rendered| {
            bytes += rendered.pdf.len();
            if bytes > MAX_PACK {
                return Err(PackFault::TooLarge("パック全体").to_string());
            }
            parts.push(Unsealed {
                pages: u32::try_from(rendered.pages).unwrap_or(u32::MAX),
                paper: paper.word().to_owned(),
                plain: Plain {
                    sheets: whose,
                    pdf: rendered.pdf,
                },
            });
            Ok(())
        },
    )
    .map_err(PackFault::Make)?;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let as_of: AsOf = opened.shelved().state().as_of;
    let head = Head {
        kind: match batch {
            Batch::Department(..) => Kind::Department,
            Batch::Ward(_) => Kind::Ward,
        },
        code: batch.key().to_owned(),
        label: batch.label().to_owned(),
        epoch,
        day: chart::date::iso(making.day),
        as_of: as_of.oldest(),
        made: (making.now)(),
        sheets: count(parts.iter().map(|part| part.plain.sheets.len()).sum()),
        pages: parts.iter().map(|part| part.pages).sum(),
        spoiled: count(notes.len()),
    };
    store.write(&head, &parts, &notes, opened, rng)?;
    Ok(head)
}
