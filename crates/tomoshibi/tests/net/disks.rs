//! A station whose disk is full: it keeps the data it has, says that nothing is saved and shows nothing as saved, and goes on by itself
//! when there is room again.
//!
//! The disk is a real one of a few megabytes, mounted at the station's place only.

use std::process::Command;
use std::time::Duration;

use crate::effort::{Dice, pause, seed, until};
use crate::hospital::{HUB, Hospital, STATIONS, WARDS};
use crate::partitions::Story;
use crate::wires::alone;

/// The disk's size in KB: a day of 120 patients is a quarter of a megabyte.
const SIZE: u32 = 12 * 1024;

#[test]
fn a_full_disk_loses_nothing_and_shows_nothing_as_saved() {
    alone("disks::a_full_disk_loses_nothing_and_shows_nothing_as_saved", || {
        let mut dice = Dice::new(seed());
        let hospital = Hospital::new(120);
        let ward = WARDS.start;
        small_disk(&hospital, ward);
        hospital.start_all();
        let mut story = Story::begin(&hospital);
        story.everybody_has(hospital.verified(HUB).expect("the hub's data"));
        let before = story.watch.epoch(ward).expect("data on the ward");
        story.work_at(ward, &mut dice);
        let saved = story.saved.len();

        // Nothing more goes onto it; then the hub has newer data, and people type.
        let ballast = hospital.path(&format!("{}/data/ballast", STATIONS[ward].0));
        let fill = format!("cat /dev/zero > {}; true", ballast.display());
        assert!(at(&hospital, ward, "sh", &["-c", &fill]));
        hospital.seal();
        pause(2_500);
        let refused = story.refused();
        (0..4).for_each(|_| story.work_at(ward, &mut dice));
        assert_eq!(
            (story.watch.epoch(ward), hospital.intact(ward)),
            (Some(before), Ok(before)),
            "the last good data stay where newer ones have no room"
        );
        let (saved, refused) = (story.saved.len() - saved, story.refused() - refused);
        assert!(
            refused >= 4,
            "on a full disk {saved} entries were said to be saved and {refused} refused"
        );

        // Room again.
        assert!(at(&hospital, ward, "rm", &[&ballast.display().to_string()]));
        until("it saves again", Duration::from_secs(60), || {
            let saved = story.saved.len();
            story.work_at(ward, &mut dice);
            if story.saved.len() > saved {
                Ok(())
            } else {
                Err(story.last_refusal())
            }
        });
        story.comes_together("a disk that was full");
        println!("torture: a full disk: {refused} acts refused, every one that was said to be saved is everywhere");
    });
}

/// Moves a station's data onto a disk of its own.
fn small_disk(hospital: &Hospital, place: usize) {
    let data = hospital.text(&format!("{}/data", STATIONS[place].0));
    let script = format!(
        "mv {data} {data}.was && mkdir {data} && mount -t tmpfs -o size={SIZE}k,mode=700 none {data} && cp -a {data}.was/. {data}/"
    );
    assert!(
        at(hospital, place, "sh", &["-c", &script]),
        "a disk of its own at {data}"
    );
}

fn at(hospital: &Hospital, place: usize, program: &str, arguments: &[&str]) -> bool {
    let mut command: Command = hospital.wires.at(place, program);
    command.args(arguments).stderr(std::process::Stdio::null());
    command.status().expect("it starts").success()
}
