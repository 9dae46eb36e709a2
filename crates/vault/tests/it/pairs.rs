//! Every pair of accidents, one after the other: at every operation of a life and of the start that follows it.
//!
//! The random courses of `crash.rs` meet the rare pairs rarely; here each is met once per way the power may cut.

use std::sync::atomic::{AtomicU64, Ordering};

use vault::simfs::{Ending, Fault, SimFs};

use crate::crash::{Tally, Told, check};
use crate::effort::{is_torture, on_two_cores};
use crate::hospital::Repeatable;
use crate::journal::Desk;

/// Operations of a life that starts (seven) and saves three batches (two each), and one too many.
const LIFE: u64 = 14;
/// Operations of a start after an accident that takes a new file, and one too many.
const START: u64 = 14;
const FAULTS: [Fault; 4] = [Fault::Kill, Fault::Fail, Fault::Full, Fault::Short];
const ENDINGS: [Ending; 2] = [Ending::Kill, Ending::PowerCut];
/// Ways the power may cut, per pair.
const WAYS: u64 = 6;

const WITHIN: u64 = 4 * LIFE * (LIFE + 2) * 2 * WAYS;
const ACROSS: u64 = 4 * LIFE * 2 * 4 * START * 2 * WAYS;
/// All pairs.
pub const PAIRS: u64 = WITHIN + ACROSS;

#[test]
fn no_pair_of_accidents_loses_an_acknowledged_entry() {
    let next = AtomicU64::new(0);
    // The suite takes them in one or two ways each, torture in all.
    let pairs = if is_torture() { PAIRS } else { PAIRS / 4 };
    let tallies = on_two_cores(|| {
        let (mut desk, mut tally) = (Desk::new(7), Tally::default());
        loop {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= pairs {
                break tally;
            }
            pair(&mut desk, n, &mut tally).unwrap_or_else(|loss| panic!("pair {n}: {loss}"));
        }
    });
    let [mut tally, other] = tallies;
    tally.add(&other);
    println!("torture: {pairs} of {PAIRS} pairs of accidents: {tally}");
    assert!(tally.acknowledged > pairs);
}

/// The `n`th pair, in an order that is far from sorted, so that whatever is wrong shows early.
pub fn pair(desk: &mut Desk, n: u64, tally: &mut Tally) -> Result<(), String> {
    // A prime that divides neither.
    let n = (n % PAIRS) * 99_991 % PAIRS;
    desk.hospital.rng = Repeatable(n ^ 0xDE5C);
    let fs = SimFs::new(n);
    let mut told = Told::default();
    let mut part = Digits(n.checked_sub(WITHIN).unwrap_or(n));
    let _way = part.take(WAYS);
    if n < WITHIN {
        // Both in one life: something goes wrong, and a little later the process dies or the power goes.
        fs.fault_in(part.take(LIFE), FAULTS[part.take(4) as usize]);
        let death = part.take(LIFE + 2);
        fs.fault_in(death, Fault::Kill);
        life(desk, &fs, &mut told, 3, tally)?;
    } else {
        // One in a life, one in the start that follows.
        fs.fault_in(part.take(LIFE), FAULTS[part.take(4) as usize]);
        life(desk, &fs, &mut told, 3, tally)?;
        tally.end(&fs, ENDINGS[part.take(2) as usize]);
        fs.fault_in(part.take(START), FAULTS[part.take(4) as usize]);
        life(desk, &fs, &mut told, 0, tally)?;
    }
    tally.end(&fs, ENDINGS[part.take(2) as usize]);
    let (_, walk) = desk.start(&fs).map_err(|fault| fault.to_string())?;
    check(&told, &walk)?;
    tally.end(&fs, Ending::PowerCut);
    tally.note(&fs);
    let after = desk.read(&fs);
    check(&told, &after)?;
    if after.records.len() > walk.records.len() {
        Ok(())
    } else {
        Err("what a start returned was not durable when it returned".to_owned())
    }
}

fn life(desk: &mut Desk, fs: &SimFs, told: &mut Told, batches: usize, tally: &mut Tally) -> Result<(), String> {
    let Ok((mut journal, walk)) = desk.start(fs) else {
        return Ok(());
    };
    check(told, &walk)?;
    for n in 0..batches {
        if let Ok(receipts) = desk.append(&mut journal, &vec![vec![b'e'; 100 + 300 * n]; 3]) {
            tally.acknowledged += receipts.len() as u64;
            told.saved.extend(receipts.iter().map(|receipt| *receipt.id()));
        }
    }
    Ok(())
}

/// A number taken apart digit by digit, each with its own base.
struct Digits(u64);

impl Digits {
    fn take(&mut self, base: u64) -> u64 {
        let digit = self.0 % base;
        self.0 /= base;
        digit
    }
}
