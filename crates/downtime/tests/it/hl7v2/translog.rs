//! A storage with its transaction log: what the log names is looked at, and a log that is damaged, silent or not the whole truth hides nobody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chart::Moment;
use downtime::sources::Scope;
use downtime::sources::keep::{Dice, Keep};
use downtime::sources::ssmix2::{Log, Settings};
use vault::HospitalId;
use vault::keys::StationSecret;

use super::storage::{lay, moves};
use super::{pull, scope, storage, written};

/// Long after the files were written by the clock of this machine, so that their folders count as settled.
const LATER: Moment = Moment(4_000_000_000);

/// Somebody who was here and went home.
const DISCHARGED: &str = "
== R 0000000311_20261101_ADT-22_999999999999999_20261101090000000_01_1
MSH@ADT^A01^ADT_A01@20261101090000.000
EVN||20261101090000
PID@0000000311@再来^花@サイライ^ハナ@19640101@F
PV1|1|I|05E^504^1^^^N|||||||01||||||||||||||||||||||||||||||||||20261101090000

== R 0000000311_20261105_ADT-52_999999999999999_20261105090000000_01_1
MSH@ADT^A03^ADT_A03@20261105090000.000
EVN||20261105090000
PID@0000000311@再来^花@サイライ^ハナ@19640101@F
PV1|1|I|05E^504^1^^^N|||||||||||||||||||||||||||||||||01|||||||||20261105090000
";

struct Hospital {
    dir: tempfile::TempDir,
    settings: Settings,
    now: Moment,
}

impl Hospital {
    /// Read once, and again for so many quiet hours in which the log named somebody else.
    fn new(hours: u32) -> Self {
        let dir = lay(&(moves() + DISCHARGED));
        let dice: Dice = Arc::new(|| Box::new(rand_core::UnwrapErr(getrandom::SysRng)));
        let mut settings = Settings::of(vec![dir.path().join("R")]);
        settings.state = Some(dir.path().join("state/s.state"));
        settings.log = Some(Log {
            roots: vec![dir.path().join("TR")],
            keep: Keep {
                hospital: HospitalId([7; 16]),
                secret: Arc::new(StationSecret::random(&mut *dice())),
                dice,
                path: dir.path().join("state/s.keep"),
                name: "SS-MIX2".to_owned(),
            },
        });
        let mut hospital = Self {
            dir,
            settings,
            now: LATER,
        };
        hospital.log("0000000301");
        assert_eq!(hospital.read().1, [""; 0], "the first reading is nothing to tell");
        for _ in 0..hours {
            hospital.log("0000000301");
            hospital.read();
        }
        hospital
    }

    fn tr(&self) -> PathBuf {
        self.dir.path().join("TR/2026/TR_20261120000000000_00001.DAT")
    }

    fn append(&self, path: &Path, bytes: &[u8]) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut all = std::fs::read(path).unwrap_or_default();
        all.extend_from_slice(bytes);
        std::fs::write(path, all).unwrap();
    }

    /// One record, as one product writes it; the reader must not care.
    fn log(&self, id: &str) {
        let header = format!("INS,{id},20261120,ADT-42,999999999999999,20261120083000000,01,4810009999\r\n");
        let message = format!("MSH|^~\\&|HIS||GW\rPID|1||{id}^^^^PI||\x1B$B0\\F0\x1B(B^\x1B$BB?\x1B(B\r\r\n");
        self.append(&self.tr(), (header + &message).as_bytes());
    }

    /// Who lies in a bed, and what is told about the log. An hour passes.
    fn read(&mut self) -> (Vec<String>, Vec<String>) {
        let scope = Scope {
            now: self.now,
            ..scope()
        };
        self.now = Moment(self.now.0 + 3_600);
        let (charts, extract) = pull(&storage(self.settings.clone()), &scope).unwrap();
        let told = extract.findings.iter().filter(|finding| finding.code.contains("log"));
        (
            charts
                .iter()
                .map(|chart| chart.patient.id.as_str().to_owned())
                .collect(),
            told.map(|finding| format!("{} {}", finding.code, finding.message))
                .collect(),
        )
    }

    /// Somebody who was discharged is admitted again, in a folder of a kind that is there: no date near the top changes.
    fn readmit_deep(&self) {
        self.admit("20261101");
    }

    /// The same in a day's folder that is new.
    fn readmit(&self) {
        self.admit("20261119");
    }

    fn admit(&self, folder: &str) {
        let text = format!(
            "\n== R 0000000311_{folder}_ADT-22_999999999999999_20261119180000000_01_1\n\
             MSH@ADT^A01^ADT_A01@20261119180000.000\nEVN||20261119180000\n\
             PID@0000000311@再来^花@サイライ^ハナ@19640101@F\n\
             PV1|1|I|05E^504^1^^^N|||||||01||||||||||||||||||||||||||||||||||20261119180000\n"
        );
        written::lay(&written::read(&text), self.dir.path());
    }

    fn sees(&mut self) -> (bool, Vec<String>) {
        let (beds, told) = self.read();
        (beds.contains(&"0000000311".to_owned()), told)
    }
}

/// So many quiet hours that the changed patient is not in the eighth that is looked at anyway.
fn unsampled() -> u32 {
    (0..3)
        .find(|hours| {
            let mut hospital = Hospital::new(*hours);
            hospital.readmit_deep();
            hospital.log("0000000301");
            !hospital.sees().0
        })
        .expect("two of three hours are not the eighth: then nobody is passed over, and the log saves nothing")
}

#[test]
fn who_is_named_is_looked_at() {
    let mut hospital = Hospital::new(unsampled());
    hospital.readmit_deep();
    hospital.log("0000000311");
    assert_eq!(hospital.sees(), (true, vec![]));
    // Without its leading zeros, in a file of its own that came after.
    let mut hospital = Hospital::new(unsampled());
    hospital.readmit_deep();
    let next = hospital.dir.path().join("TR/2027/TR_20270101000000000_00001.DAT");
    hospital.append(&next, b"DEL 311\x00");
    assert_eq!(hospital.sees(), (true, vec![]));
}

#[test]
fn what_the_log_announced_may_come_later() {
    let mut hospital = Hospital::new(unsampled());
    hospital.log("0000000311");
    assert!(!hospital.sees().0);
    hospital.readmit_deep();
    hospital.log("0000000301");
    assert_eq!(hospital.sees(), (true, vec![]), "named at the reading before");
}

#[test]
fn a_number_that_was_half_written_is_read_whole() {
    let mut hospital = Hospital::new(unsampled());
    hospital.append(&hospital.tr(), b"INS,0000000301\r\nINS,00000");
    hospital.read();
    hospital.readmit_deep();
    hospital.append(&hospital.tr(), b"00311,20261101,ADT-22\r\nINS,0000000301\r\n");
    assert_eq!(hospital.sees(), (true, vec![]));
}

#[test]
fn a_log_that_keeps_silent_about_a_folder_is_caught_and_not_believed_any_more() {
    let mut hospital = Hospital::new(unsampled());
    hospital.readmit();
    hospital.log("0000000301");
    let (seen, told) = hospital.sees();
    assert!(seen && told[0].starts_with("ssmix2.log_incomplete"), "{told:?}");
    // Deeper down it is found at the latest when everybody was in the eighth that is looked at.
    let mut hospital = Hospital::new(unsampled());
    hospital.readmit_deep();
    let caught = (0..8).find_map(|_| {
        hospital.log("0000000301");
        let (seen, told) = hospital.sees();
        assert_eq!(seen, !told.is_empty(), "who is seen and not named is told");
        seen.then_some(told)
    });
    assert!(caught.is_some_and(|told| told[0].starts_with("ssmix2.log_incomplete")));
    // From then on everybody is looked at: the discharge of today, as deep, is seen at once.
    let text = "\n== R 0000000305_20261101_ADT-22_999999999999999_20261119190000000_01_1\n\
                MSH@ADT^A03^ADT_A03@20261119190000.000\nEVN||20261119190000\nPID@0000000305@主治医^交代@シュジイ^コウタイ@19650101@M\n\
                PV1|1|I|05E^506^1^^^N|||||||01||||||||||||||||||||||||||||||||||20261101090000\n";
    let kept = std::fs::read(hospital.dir.path().join("state/s.state")).unwrap();
    written::lay(&written::read(text), hospital.dir.path());
    hospital.log("0000000301");
    hospital.read();
    let now = std::fs::read(hospital.dir.path().join("state/s.state")).unwrap();
    assert_ne!(kept[16..now.len() - 32], now[16..now.len() - 32], "305 was looked at");
}

#[test]
fn a_damaged_log_saves_nothing_and_hides_nobody() {
    type Damage = fn(&Hospital);
    let cases: [(&str, &str, Damage); 10] = [
        ("missing", "見つかりません", |h| {
            std::fs::remove_dir_all(h.dir.path().join("TR")).unwrap()
        }),
        ("emptied", "見つかりません", |h| {
            std::fs::remove_file(h.tr()).unwrap()
        }),
        ("truncated", "短くなって", |h| {
            std::fs::write(h.tr(), b"INS,0000000301\r\n").unwrap()
        }),
        ("rewritten", "書き換わって", |h| {
            let length = std::fs::metadata(h.tr()).unwrap().len() as usize;
            let text = "INS,0000000301\r\n".repeat(length / 16 + 9);
            std::fs::write(h.tr(), text).unwrap();
        }),
        ("rotated", "なくなって", |h| {
            std::fs::rename(h.tr(), h.tr().with_file_name("TR_20261120230000000_00001.DAT")).unwrap();
            h.append(
                &h.tr().with_file_name("TR_20261120230000000_00001.DAT"),
                b"INS,0000000301\r\n",
            );
        }),
        ("nothing new", "", |_| ()),
        ("names nobody", "1つも出てきません", |h| {
            h.append(
                &h.tr(),
                b"\x1F\x8B\x08 compressed, or of another hospital 9999999999\r\n",
            )
        }),
        ("kept is lost", "", |h| {
            std::fs::remove_file(h.dir.path().join("state/s.keep")).unwrap();
            h.log("0000000301");
        }),
        ("kept is damaged", "", |h| {
            let path = h.dir.path().join("state/s.keep");
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(path, bytes).unwrap();
            h.log("0000000301");
        }),
        ("state is lost", "", |h| {
            std::fs::remove_file(h.dir.path().join("state/s.state")).unwrap();
            h.log("0000000301");
        }),
    ];
    let hours = unsampled();
    for (name, words, damage) in cases {
        let mut hospital = Hospital::new(hours);
        hospital.readmit_deep();
        damage(&hospital);
        let (seen, told) = hospital.sees();
        assert!(seen, "{name}");
        assert_eq!(told.len(), usize::from(!words.is_empty()), "{name}: {told:?}");
        assert!(
            told.iter()
                .all(|told| told.starts_with("ssmix2.log ") && told.contains(words)),
            "{name}: {told:?}"
        );
    }
}

#[test]
fn what_is_kept_is_believed_for_a_day_and_by_the_same_clock() {
    for elsewhere in [20 * 3_600, -7_200] {
        let mut hospital = Hospital::new(unsampled());
        hospital.readmit_deep();
        hospital.log("0000000301");
        hospital.now = Moment(hospital.now.0 + elsewhere);
        assert_eq!(hospital.sees(), (true, vec![]), "{elsewhere} seconds");
    }
}

#[test]
fn a_second_reading_at_once_is_no_reason_to_doubt_a_silent_log() {
    let passed_over = (0..3).any(|hours| {
        let mut hospital = Hospital::new(hours);
        hospital.readmit_deep();
        hospital.now = Moment(hospital.now.0 - 3_600);
        let (seen, told) = hospital.sees();
        assert_eq!(
            seen,
            !told.is_empty(),
            "who is seen was in the eighth, and that is told"
        );
        !seen
    });
    assert!(passed_over, "a second reading looks at everybody");
}
