//! The canary patients are what they promise: marked, of every hard kind, the same in and out, and nobody else among them.

use std::collections::BTreeSet;

use chart::{Known, PatientId, Sheet};

use super::*;

fn wanted(code: &str) -> Wanted {
    Wanted {
        code: code.to_owned(),
        sample: None,
        about_one: true,
    }
}

#[test]
fn twenty_people_marked_everywhere_who_cover_every_state_of_knowledge() {
    let charts = charts();
    assert_eq!(charts.len(), 20);
    assert!(charts.iter().all(is_canary));
    let numbers: BTreeSet<&PatientId> = charts.iter().map(|chart| &chart.patient.id).collect();
    assert_eq!(numbers.len(), 20);
    let states: BTreeSet<&str> = charts.iter().map(|chart| chart.allergies.state()).collect();
    assert_eq!(states.len(), 4, "{states:?}");
    assert!(charts.iter().any(|chart| chart.patient.name.has_gaiji()));
    assert!(charts.iter().any(|chart| chart.patient.name.kana.is_empty()));
    assert!(charts.iter().any(|chart| chart.patient.birth.is_none()));
    assert_eq!(charts.iter().filter(|chart| chart.stay.is_some()).count(), 3);
    assert!(
        charts
            .iter()
            .any(|chart| chart.prescriptions.items().iter().map(|p| p.items.len()).sum::<usize>() >= 40)
    );
    assert!(charts.iter().any(|chart| chart.patient.language.is_some()));
}

#[test]
fn a_section_comes_back_as_it_was_and_fits() {
    let pressed = Pressed {
        maker: Maker {
            version: "1.2.3".to_owned(),
            system: "linux-x86_64".to_owned(),
        },
        forms: vec![FormPages {
            form: "F02".to_owned(),
            sheets: 20,
            pages: 31,
            sha256: [7; 32],
        }],
    };
    let bytes = Canaries::to_bytes(&charts(), Some(pressed.clone())).unwrap();
    assert!(bytes.len() < vault::snapshot::MAX_CANARIES / 4, "{}", bytes.len());
    let read = Canaries::from_bytes(&bytes).unwrap();
    assert_eq!(read.charts, charts());
    assert_eq!(read.pressed, Some(pressed));
}

#[test]
fn a_real_patient_among_them_is_an_alarm_and_not_a_patient_shown() {
    for change in [
        |chart: &mut Chart| chart.patient.id = PatientId::parse("00123456").unwrap(),
        |chart: &mut Chart| chart.patient.name.written = "山田　花子".to_owned(),
    ] {
        let mut charts = charts();
        change(&mut charts[4]);
        let bytes = Canaries::to_bytes(&charts, None).unwrap();
        assert!(matches!(Canaries::from_bytes(&bytes), Err(CanaryFault::NotMarked)));
    }
    for bad in [&[][..], &[0xFF; 40]] {
        assert!(matches!(Canaries::from_bytes(bad), Err(CanaryFault::Unreadable(_))));
    }
    let nobody = Canaries::to_bytes(&[], None).unwrap();
    assert!(matches!(Canaries::from_bytes(&nobody), Err(CanaryFault::Unreadable(_))));
}

#[test]
fn forms_about_patients_are_filled_from_them_and_others_from_their_sample() {
    let sample: Sheet = serde_json::from_str(include_str!("../../../../../forms/F17/sample.json")).unwrap();
    let codes = ["F01", "F02", "F03", "F10", "F11", "F12", "F13", "F15", "H01"];
    let mut all: Vec<Wanted> = codes.iter().map(|code| wanted(code)).collect();
    all.push(Wanted {
        sample: Some(sample.clone()),
        about_one: false,
        ..wanted("F17")
    });
    all.push(Wanted {
        about_one: false,
        ..wanted("H02")
    });
    let filled = filled(&charts(), &all).unwrap();
    let counts: Vec<usize> = filled.iter().map(|one| one.sheets.len()).collect();
    assert_eq!(
        counts,
        [4, 20, 1, 1, 3, 3, 1, 1, 4, 1, 0],
        "a form nobody can fill has no sheet"
    );
    assert_eq!(filled[9].sheets[0], sample);
    for sheet in filled.iter().take(9).flat_map(|one| &one.sheets) {
        assert!(sheet.title_mark.contains(CANARY_WORD) && sheet.hospital.contains(CANARY_WORD));
        let strip = sheet.strip.as_ref();
        assert!(strip.is_none_or(|strip| strip.id.starts_with(CANARY_ID) && strip.name.contains(CANARY_WORD)));
    }
    assert!(filled[3].sheets[0].body.to_string().contains("見本　入院一"));
}

#[test]
fn only_the_same_program_is_compared() {
    let maker = |version: &str| Maker {
        version: version.to_owned(),
        system: "linux".to_owned(),
    };
    let pages = |form: &str, sha| FormPages {
        form: form.to_owned(),
        sheets: 1,
        pages: 1,
        sha256: [sha; 32],
    };
    let pressed = |version, forms| Pressed {
        maker: maker(version),
        forms,
    };
    let here = pressed("1", vec![pages("F01", 1), pages("F02", 2)]);
    assert_eq!(compare(None, &here), Compared::Nothing);
    assert_eq!(compare(Some(&here), &here), Compared::Same);
    let newer = pressed("2", vec![pages("F01", 9)]);
    assert_eq!(compare(Some(&newer), &here), Compared::OtherMaker);
    let other = pressed("1", vec![pages("F01", 1), pages("F02", 3), pages("H01", 1)]);
    let otherwise = Compared::Otherwise(vec!["F02".to_owned(), "H01".to_owned()]);
    assert_eq!(
        compare(Some(&other), &here),
        otherwise,
        "a form that is missing here is another, too"
    );
}

#[test]
fn nothing_of_them_is_known_where_nothing_was_sealed() {
    let unknown = charts()
        .into_iter()
        .find(|chart| matches!(chart.allergies, Known::Unavailable { .. }))
        .unwrap();
    assert!(matches!(unknown.notes, Known::Unavailable { .. }));
}
