//! One bad day of seven stations: everything that can befall them, one after the other, and after each everything must be everywhere.
//!
//! One hospital for all of it, because making one takes longer than most of what befalls it. Torture does the same with all there is.

use crate::effort::{Dice, seed};
use crate::hospital::{Hospital, STATIONS};
use crate::story::Story;
use crate::wires::alone;
use crate::{clocks, disks, kills, partitions, times};

#[test]
fn a_bad_day() {
    alone("stations::a_bad_day", || {
        let seed = seed();
        println!("seed {seed}");
        let mut dice = Dice::new(seed);
        let hospital = Hospital::new(120);
        disks::small_disk(&hospital);
        hospital.starts(clocks::WARD, clocks::how(&hospital));
        hospital.start_all();
        let mut story = Story::begin(&hospital);
        let courses = partitions::courses(&mut story, &mut dice);
        let rounds = kills::rounds(&mut story, &mut dice);
        let full = disks::full(&mut story, &mut dice);
        let (jumps, said_old) = clocks::jumps(&mut story, &mut dice);
        let mut ways = times::ways(&mut story);
        let mut cuts = times::cuts(&mut story, &mut dice);
        let mut deaths = times::hub_deaths(&mut story);
        story.comes_together("the end of the day");
        let looks = story.watch.is_clean("what must never be seen");
        println!(
            "torture: seven stations, seed {seed}: {courses} courses of a network that falls apart, {rounds} times hub and station killed \
             while people typed, a full disk ({full} acts refused), {jumps} jumps of a clock ({said_old} times the data were of another day \
             for it, and it said so): {} entries said to be saved, all at all stations; {} acts refused, and it was said; {looks} looks",
            story.saved.len(),
            story.refused.len(),
        );
        println!(
            "torture: an entry of one station is seen at another after p50 {:.2} s, p99 {:.2} s ({} entries); a station whose cable is cut \
             works alone after p50 {:.1} s, at most {:.1} s ({} cuts); with the hub dead it is seen after p50 {:.2} s, at most {:.2} s ({})",
            times::percentile(&mut ways, 50),
            times::percentile(&mut ways, 99),
            ways.len(),
            times::percentile(&mut cuts, 50),
            times::percentile(&mut cuts, 100),
            cuts.len(),
            times::percentile(&mut deaths, 50),
            times::percentile(&mut deaths, 100),
            deaths.len(),
        );
        assert!(
            story.saved.len() >= (courses + rounds) * STATIONS.len(),
            "people worked: {:?}",
            story.refused
        );
    });
}
