//! The file of the last resort: whole, it holds what the desk shows; damaged anywhere, it is refused.

use std::sync::Arc;

use chart::{Known, Moment, Subject};
use desk::lifeboat::{BoatFault, Boatyard, Cover, Sealed};
use downtime::forms::departments;
use downtime::view::{Day, lay_over};
use serde_json::Value;
use vault::lifeboat::{ITERATIONS, LifeboatKey, Passphrase, SALT_LEN, Sealing};

use crate::hospital::{DAY, Hospital, people};

const TYPED: &str = "HMAS-W9NF-6YY0-938N-KR2Y";
const SALT: [u8; SALT_LEN] = [7; SALT_LEN];

fn key() -> LifeboatKey {
    Passphrase::from_typed(TYPED).unwrap().key(&SALT, ITERATIONS).unwrap()
}

/// Files of a department with these people, one for each name of a department.
fn files(charts: Vec<chart::Chart>, names: &[&str]) -> (Boatyard, Vec<String>) {
    let hospital = Hospital::open(charts);
    let opened = hospital.session("2001").opened();
    let yard = Boatyard::open().unwrap();
    let department = departments(&opened, DAY).remove(0);
    let index = opened.index();
    let files = names.iter().map(|name| {
        let cover = Cover {
            format: 1,
            hospital: "あかりの市立総合病院 <b>".to_owned(),
            station: "H01".to_owned(),
            epoch: 12,
            code: "01".to_owned(),
            department: (*name).to_owned(),
            day: "2026-11-20".to_owned(),
            as_of: "2026-11-20 08:45".to_owned(),
            made: "2026-11-20 08:50".to_owned(),
            chunks: u32::try_from(department.slots.len()).unwrap() + 1,
            salt: Cover::salt_text(&SALT),
            iterations: ITERATIONS,
        };
        let mut out = Vec::new();
        let head = cover.line();
        let mut sealing = Sealing::new(key(), head.clone());
        yard.begin(&head, &mut out).unwrap();
        let place = |row| {
            let at = department.slots.iter().position(|slot| slot.row == row);
            at.map(|at| u32::try_from(at).unwrap() + 1)
        };
        let list = yard.list(index, &department.slots, DAY, place);
        Boatyard::chunk(&sealing.seal(&list).unwrap(), &mut out).unwrap();
        for slot in &department.slots {
            let chart = opened.chart(slot.row).unwrap();
            let subject = Subject::Patient(chart.patient.id.clone());
            let at = Moment::from_local(DAY.at(0, 0, 0, 0));
            let view = lay_over(&subject, Some(Arc::new(chart)), &Day::default(), at);
            Boatyard::chunk(&sealing.seal(&yard.person(&view, index, DAY)).unwrap(), &mut out).unwrap();
        }
        yard.end(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    });
    let files = files.collect();
    (yard, files)
}

/// Everything a reader checks: the page, the cover, and that every part opens.
fn opens(yard: &Boatyard, key: &LifeboatKey, file: &[u8]) -> Result<Vec<Value>, String> {
    let text = std::str::from_utf8(file).map_err(|fault| fault.to_string())?;
    let Sealed { head, chunks, .. } = yard.read(text).map_err(|fault| fault.to_string())?;
    let open = |(number, chunk): (u32, &Vec<u8>)| {
        let plain = key.open(&head, number, chunk).map_err(|fault| fault.to_string())?;
        serde_json::from_slice(&plain).map_err(|fault| fault.to_string())
    };
    (0..).zip(&chunks).map(open).collect()
}

#[test]
fn it_holds_what_the_desk_shows_in_both_languages() {
    let (yard, files) = files(people(), &["循環器内科"]);
    let parts = opens(&yard, &key(), files[0].as_bytes()).unwrap();
    let (list, persons) = parts.split_first().unwrap();
    let rows = list["rows"].as_array().unwrap();
    assert_eq!(rows.len(), persons.len());
    let mut states = std::collections::BTreeSet::new();
    for row in rows {
        let person = &persons[usize::try_from(row["n"].as_u64().unwrap()).unwrap() - 1];
        for lang in ["ja", "en"] {
            let banner = &person[lang]["banner"];
            for field in ["kana", "name", "birth", "age", "sex", "id"] {
                assert!(!banner[field].as_str().unwrap().is_empty(), "{field} of {row}");
            }
            assert_eq!(banner["id"], row["id"]);
            assert!(!banner["allergy"]["head"].as_str().unwrap().is_empty());
            states.insert(banner["allergy"]["state"].as_str().unwrap().to_owned());
            for panel in ["drugs", "note", "problems", "labs"] {
                let as_of = person[lang][panel]["as_of"].as_str().unwrap();
                assert!(
                    as_of.contains("2026-11-"),
                    "with its date, whenever it is read: {as_of}"
                );
            }
        }
    }
    assert!(
        states.len() >= 3,
        "the people carry the states of allergies: {states:?}"
    );
    for name in ["山田", "ヤマダ"] {
        assert!(!files[0].contains(name), "{name} is readable from outside");
    }
    assert!(
        files[0].contains("\\u003cb>"),
        "a name cannot end the element it stands in"
    );
}

#[test]
fn a_chart_without_a_word_about_allergies_says_so() {
    let mut one = people().remove(0);
    one.allergies = Known::Unavailable { since: None };
    let (yard, files) = files(vec![one], &["循環器内科"]);
    let parts = opens(&yard, &key(), files[0].as_bytes()).unwrap();
    assert_eq!(parts[1]["ja"]["banner"]["allergy"]["state"], "unavailable");
    assert!(parts[1]["en"]["banner"]["allergy"]["head"].as_str().unwrap().len() > 5);
}

#[test]
fn damaged_anywhere_it_is_refused() {
    let (yard, files) = files(vec![people().remove(0)], &["循環器内科", "内科"]);
    let (key, whole) = (key(), files[0].as_bytes());
    assert!(opens(&yard, &key, whole).is_ok());
    let start = files[0].rfind("id=\"head\"").unwrap();
    let end = files[0].rfind("<script>").unwrap();
    // Every place of cover and parts; of the page, which is megabytes of font, one in many.
    let places = || {
        (0..start)
            .step_by(9_973)
            .chain(start..end)
            .chain((end..whole.len()).step_by(97))
    };
    for length in places() {
        assert!(opens(&yard, &key, &whole[..length]).is_err(), "cut at {length}");
    }
    let mut changed = whole.to_vec();
    for at in places() {
        changed[at] ^= 1 << (at % 7);
        assert!(opens(&yard, &key, &changed).is_err(), "bit {} of byte {at}", at % 7);
        changed[at] = whole[at];
    }
    changed.remove((start + end) / 2);
    assert!(opens(&yard, &key, &changed).is_err(), "a byte is missing");
}

#[test]
fn parts_of_other_files_and_other_places_are_refused() {
    let (yard, files) = files(people(), &["循環器内科", "内科"]);
    let key = key();
    let lines = |file: &str| -> Vec<String> { file.split('\n').map(str::to_owned).collect() };
    let (first, second) = (lines(&files[0]), lines(&files[1]));
    let at = first.iter().position(|line| line.contains("id=\"sealed\"")).unwrap() + 1;
    let refused = |changed: &[String]| opens(&yard, &key, changed.join("\n").as_bytes()).is_err();
    assert!(!refused(&first) && !refused(&second));
    for n in 0..3 {
        let mut swapped = first.clone();
        swapped[at + n].clone_from(&second[at + n]);
        assert!(refused(&swapped), "part {n} of another department under the same key");
    }
    let mut turned = first.clone();
    turned.swap(at + 1, at + 2);
    assert!(refused(&turned), "two people changed places");
    let mut fewer = first.clone();
    fewer.remove(at + 1);
    let fault = yard.read(&fewer.join("\n")).unwrap_err();
    assert!(matches!(fault, BoatFault::Chunks { .. }), "{fault:?}");
    let mut twice = first.clone();
    twice.insert(at + 1, first[at + 1].clone());
    assert!(refused(&twice));
    let other = files[0].replacen("\"epoch\":12", "\"epoch\":13", 1);
    assert!(opens(&yard, &key, other.as_bytes()).is_err(), "another epoch");
}
