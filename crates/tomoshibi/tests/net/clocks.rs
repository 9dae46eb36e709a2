//! A station whose clock jumps: data never look fresher than they are, nothing that was saved is lost, and the day of every other station
//! stays as it is.
//!
//! libfaketime stands between the real program and its clock; the clock that only counts on (what waits and timeouts are measured with)
//! stays as it is, as it does when a person or a time server sets the wall clock.

use std::path::Path;
use std::time::Duration;

use crate::desk::{Desk, Person};
use crate::effort::{Dice, count, pause, seed, until};
use crate::hospital::{Hospital, How, PHYSICIAN, RECEPTION, STATIONS, WARDS};
use crate::partitions::Story;
use crate::wires::alone;

/// Where Debian puts it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
/// Seconds by which the clock is wrong, one after the other: small ones, a day, across the time for which data count as fresh, years;
/// 1970 and 2038 are among them.
const JUMPS: [i64; 18] = [
    1,
    -1,
    60,
    -60,
    3_600,
    -3_600,
    86_400,
    -86_400,
    100_000,
    -100_000,
    259_200,
    -259_200,
    31_536_000,
    -31_536_000,
    315_360_000,
    -315_360_000,
    378_691_200,
    -1_700_000_000,
];
/// How many are tried in the suite; torture tries all.
const IN_THE_SUITE: usize = 3;
/// From here on the data cannot be of today for such a clock (26 hours, and a day's end in between).
const ANOTHER_DAY: i64 = 172_800;

#[test]
fn a_clock_that_jumps_never_makes_old_data_fresh() {
    alone("clocks::a_clock_that_jumps_never_makes_old_data_fresh", || {
        assert!(
            Path::new(LIBRARY).exists(),
            "{LIBRARY} is missing: it comes in Debian's package faketime, and `cargo xtask setup` installs it"
        );
        let seed = seed();
        let mut dice = Dice::new(seed);
        let hospital = Hospital::new(120);
        let (ward, set) = (WARDS.start, hospital.path("clock"));
        let tell = |seconds: i64| std::fs::write(&set, format!("{seconds:+}\n")).expect("written");
        tell(0);
        hospital.start_all();
        hospital.kill(ward);
        let how = How {
            under: Vec::new(),
            variables: vec![
                ("LD_PRELOAD", LIBRARY.to_owned()),
                ("FAKETIME_TIMESTAMP_FILE", set.display().to_string()),
                ("FAKETIME_NO_CACHE", "1".to_owned()),
                ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
            ],
        };
        assert!(hospital.start_as(ward, &how), "it starts under libfaketime");
        let mut story = Story::begin(&hospital);
        let wanted = count(IN_THE_SUITE, JUMPS.len());
        let first = dice.roll(JUMPS.len());
        let mut said_old = 0;
        for n in 0..wanted {
            let by = JUMPS[(first + n * 7) % JUMPS.len()];
            println!("clock of {} by {by:+} s, seed {seed}", STATIONS[ward].0);
            tell(by);
            pause(1_500);
            said_old += usize::from(looks(&hospital, ward, by));
            // Who is signed in types on; whether it is taken is the station's decision, and what it said counts.
            story.work_at(ward, &mut dice);
            story.work_at(WARDS.start + 1, &mut dice);
            tell(0);
            until(
                "the mode is right again",
                Duration::from_secs(60),
                || match Person::at(&hospital, ward, RECEPTION).mode()?.as_str() {
                    "ehr" => Ok(()),
                    mode => Err(mode.to_owned()),
                },
            );
            story.sits_down(ward, Desk::at(&hospital, ward));
            story.comes_together(&format!("clock by {by} s, seed {seed}"));
        }
        println!(
            "torture: {wanted} jumps of a clock, seed {seed}: {said_old} times the data were of another day for it, and it said so"
        );
    });
}

/// What anybody sees on the station's first page; whether it says that its data are not today's.
fn looks(hospital: &Hospital, ward: usize, by: i64) -> bool {
    let mut looker = Person::at(hospital, ward, PHYSICIAN);
    let home = looker.get("/").expect("the station answers").text();
    let says = home.contains("今日の予約ではありません") || home.contains("古いデータとして使ってください");
    assert!(
        says || by.abs() < ANOTHER_DAY,
        "the clock is wrong by {by} s, and nothing says that the data are of another day:\n{home}"
    );
    let mode = looker.mode().expect("the station answers");
    assert_ne!(mode, "normal", "the EHR is gone");
    says
}
