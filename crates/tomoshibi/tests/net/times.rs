//! How long things take between real stations: an entry until somebody else sees it, a cut cable until a station works alone.
//!
//! Measured while other things run on the machine, so the suite only refuses what would be wrong on any; the figures themselves are
//! printed, and those of a quiet machine stand in docs/measurements.md.

use std::time::{Duration, Instant};

use crate::desk::Person;
use crate::effort::{Dice, count, seed, until};
use crate::hospital::{Hospital, PHYSICIAN, RECEPTION, STATIONS, WARDS};
use crate::partitions::Story;
use crate::wires::alone;

/// Entries whose way is measured, in every run of the suite and in torture.
const ENTRIES: (usize, usize) = (8, 200);
/// Cables that are cut, in every run of the suite and in torture.
const CUTS: (usize, usize) = (1, 20);
/// From the cut to working alone: the promise is 15 s, and a machine that does seven stations' work is given as much again.
const ALONE_WITHIN: Duration = Duration::from_secs(30);

#[test]
fn what_is_written_here_is_seen_there_and_a_cut_cable_is_noticed() {
    alone(
        "times::what_is_written_here_is_seen_there_and_a_cut_cable_is_noticed",
        || {
            let mut dice = Dice::new(seed());
            let hospital = Hospital::new(120);
            hospital.start_all();
            let mut story = Story::begin(&hospital);
            let (here, there) = (WARDS.start, WARDS.start + 1);
            let mut writer = Person::signed_in(&hospital, here, PHYSICIAN);
            let mut reader = Person::signed_in(&hospital, there, PHYSICIAN);
            let mut ways: Vec<Duration> = (0..count(ENTRIES.0, ENTRIES.1))
                .map(|n| {
                    let text = format!("時刻を測る記録その{n}番");
                    let at = writer.of_patient(n).expect("a chart here");
                    let same = reader.of_patient(n).expect("the chart there");
                    story.saved.insert(writer.note_on(&at, &text).expect("it is saved"));
                    let saved = Instant::now();
                    until(
                        "it is seen at the other station",
                        Duration::from_secs(60),
                        || match reader.get(&same)?.text().contains(&text) {
                            true => Ok(()),
                            false => Err("not there yet".to_owned()),
                        },
                    );
                    saved.elapsed()
                })
                .collect();
            let mut cuts: Vec<Duration> = (0..count(CUTS.0, CUTS.1))
                .map(|_| {
                    hospital.wires.only(|from, to| from != here && to != here);
                    let cut = Instant::now();
                    until("it works alone", ALONE_WITHIN, || alone_at(&hospital, here));
                    let noticed = cut.elapsed();
                    story.work_at(here, &mut dice);
                    hospital.wires.heal();
                    until("it is back", ALONE_WITHIN, || match alone_at(&hospital, here) {
                        Ok(()) => Err("still alone".to_owned()),
                        Err(_) => Ok(()),
                    });
                    noticed
                })
                .collect();
            story.comes_together("after what was measured");
            let (entries, cut) = (ways.len(), cuts.len());
            println!(
                "torture: an entry of one station is seen at another after p50 {:.2} s, p99 {:.2} s ({entries} entries); a station whose cable \
             is cut works alone after p50 {:.1} s, at most {:.1} s ({cut} cuts)",
                percentile(&mut ways, 50),
                percentile(&mut ways, 99),
                percentile(&mut cuts, 50),
                percentile(&mut cuts, 100),
            );
        },
    );
}

/// It says that the network is gone.
fn alone_at(hospital: &Hospital, place: usize) -> Result<(), String> {
    match Person::at(hospital, place, RECEPTION).mode()?.as_str() {
        "net" => Ok(()),
        mode => Err(format!("{}: {mode}", STATIONS[place].0)),
    }
}

fn percentile(values: &mut [Duration], percent: usize) -> f64 {
    values.sort();
    let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(rank).map_or(f64::NAN, Duration::as_secs_f64)
}
