//! How long things take between real stations: an entry until somebody else sees it, a cut cable until a station works alone.
//!
//! Measured while other things run on the machine, so the suite only refuses what would be wrong on any; the figures themselves are
//! printed, and those of a quiet machine stand in docs/measurements.md.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::desk::Person;
use crate::effort::{Dice, count, pause, until};
use crate::hospital::{HUB, Hospital, PHYSICIAN, RECEPTION, STATIONS, WARDS};
use crate::story::Story;

const HERE: usize = 5;
const THERE: usize = 6;
/// Entries whose way is measured, in every run of the suite and in torture.
const ENTRIES: (usize, usize) = (3, 200);
/// Cables that are cut, in every run of the suite and in torture.
const CUTS: (usize, usize) = (1, 20);
/// Hubs that die, in every run of the suite and in torture.
const DEATHS: (usize, usize) = (1, 20);
/// From the cut to working alone: the promise is 15 s, and a machine that does seven stations' work is given as much again.
const ALONE_WITHIN: Duration = Duration::from_secs(30);

/// How long each entry took until it was seen at another station.
pub fn ways(story: &mut Story) -> Vec<Duration> {
    let hospital = Arc::clone(&story.hospital);
    let mut writer = Person::signed_in(&hospital, HERE, PHYSICIAN);
    let mut reader = Person::signed_in(&hospital, THERE, PHYSICIAN);
    let measured = (0..count(ENTRIES.0, ENTRIES.1)).map(|n| {
        let text = format!("時刻を測る記録その{n}番");
        let at = writer.of_patient(n).expect("a chart here");
        let same = reader.of_patient(n).expect("the chart there");
        story.saved.insert(writer.note_on(&at, &text).expect("it is saved"));
        until(
            "it is seen at the other station",
            Duration::from_secs(60),
            || match reader.get(&same)?.text().contains(&text) {
                true => Ok(()),
                false => Err("not there yet".to_owned()),
            },
        )
    });
    measured.collect()
}

/// How long it took each time until a station whose cable was cut said that it works alone.
pub fn cuts(story: &mut Story, dice: &mut Dice) -> Vec<Duration> {
    let hospital = Arc::clone(&story.hospital);
    let measured = (0..count(CUTS.0, CUTS.1)).map(|_| {
        hospital.wires.only(|from, to| from != HERE && to != HERE);
        let noticed = until("it works alone", ALONE_WITHIN, || alone_at(&hospital, HERE));
        story.work_at(HERE, dice);
        hospital.wires.heal();
        until("it is back", ALONE_WITHIN, || match alone_at(&hospital, HERE) {
            Ok(()) => Err("still alone".to_owned()),
            Err(_) => Ok(()),
        });
        noticed
    });
    measured.collect()
}

/// How long it took each time from the death of the hub until an entry of one ward was seen on another by way of who is left; no station
/// of a ward may think that the network is gone.
pub fn hub_deaths(story: &mut Story) -> Vec<Duration> {
    let hospital = Arc::clone(&story.hospital);
    let mut writer = Person::signed_in(&hospital, HERE, PHYSICIAN);
    let mut reader = Person::signed_in(&hospital, THERE, PHYSICIAN);
    let measured = (0..count(DEATHS.0, DEATHS.1)).map(|n| {
        let text = format!("もう一つのhubを通る記録その{n}番");
        let at = writer.of_patient(n).expect("a chart here");
        let same = reader.of_patient(n).expect("the chart there");
        hospital.kill(HUB);
        let died = Instant::now();
        story.saved.insert(writer.note_on(&at, &text).expect("it is saved"));
        until("it is seen without the hub", Duration::from_secs(60), || {
            match reader.get(&same)?.text().contains(&text) {
                true => Ok(()),
                false => Err("not there yet".to_owned()),
            }
        });
        let took = died.elapsed();
        // Longer than it takes to call a hub silent.
        while died.elapsed() < Duration::from_secs(if n == 0 { 17 } else { 2 }) {
            pause(200);
        }
        for place in WARDS {
            assert!(
                alone_at(&hospital, place).is_err(),
                "{}: the other hub is there",
                STATIONS[place].0
            );
        }
        hospital.start(HUB);
        took
    });
    measured.collect()
}

/// It says that the network is gone.
fn alone_at(hospital: &Hospital, place: usize) -> Result<(), String> {
    match Person::at(hospital, place, RECEPTION).mode()?.as_str() {
        "net" => Ok(()),
        mode => Err(format!("{}: {mode}", STATIONS[place].0)),
    }
}

pub fn percentile(values: &mut [Duration], percent: usize) -> f64 {
    values.sort();
    let rank = (values.len() * percent).div_ceil(100).saturating_sub(1);
    values.get(rank).map_or(f64::NAN, Duration::as_secs_f64)
}
