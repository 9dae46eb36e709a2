//! A station whose disk is full: it keeps the data it has, says that nothing is saved and shows nothing as saved, and goes on by itself
//! when there is room again.
//!
//! The disk is a real one of a few megabytes, mounted at the station's place only.

use std::sync::Arc;
use std::time::Duration;

use crate::effort::{Dice, pause, until};
use crate::hospital::{HUB, Hospital, STATIONS};
use crate::story::Story;

/// The station with the small disk.
pub const WARD: usize = 2;
/// The disk's size in MB: room for what hours of torture write.
const SIZE: u32 = 96;

/// Nothing more goes onto the disk; then the hub has newer data, and people type. Gives how many acts were refused.
pub fn full(story: &mut Story, dice: &mut Dice) -> usize {
    let hospital = Arc::clone(&story.hospital);
    let newest = hospital.verified(HUB).expect("the hub's data");
    story.everybody_has(newest);
    let before = story.watch.epoch(WARD).expect("data on the ward");
    let ballast = hospital.path(&format!("{}/data/ballast", STATIONS[WARD].0));
    let fill = format!("cat /dev/zero > {}; true", ballast.display());
    assert!(at(&hospital, "sh", &["-c", &fill]));
    hospital.seal();
    pause(2_500);
    let (saved, refused) = (story.saved.len(), story.refused.len());
    (0..4).for_each(|_| story.work_at(WARD, dice));
    assert_eq!(
        (story.watch.epoch(WARD), hospital.intact(WARD)),
        (Some(before), Ok(before)),
        "the last good data stay where newer ones have no room"
    );
    let (saved, refused) = (story.saved.len() - saved, story.refused.len() - refused);
    assert!(
        refused >= 4,
        "on a full disk {saved} entries were said to be saved and {refused} refused"
    );
    assert!(at(&hospital, "rm", &[&ballast.display().to_string()]));
    until("with room again it saves again", Duration::from_secs(60), || {
        let saved = story.saved.len();
        story.work_at(WARD, dice);
        if story.saved.len() > saved {
            Ok(())
        } else {
            Err(story.refused.last().cloned().unwrap_or_default())
        }
    });
    story.comes_together("a disk that was full");
    refused
}

/// Moves a station's data onto a disk of its own.
pub fn small_disk(hospital: &Hospital) {
    let data = hospital.text(&format!("{}/data", STATIONS[WARD].0));
    let script = format!(
        "mv {data} {data}.was && mkdir {data} && mount -t tmpfs -o size={SIZE}m,mode=700 none {data} && cp -a {data}.was/. {data}/"
    );
    assert!(at(hospital, "sh", &["-c", &script]), "a disk of its own at {data}");
}

fn at(hospital: &Hospital, program: &str, arguments: &[&str]) -> bool {
    let mut command = hospital.wires.at(WARD, program);
    command.args(arguments).stderr(std::process::Stdio::null());
    command.status().expect("it starts").success()
}
