//! The mapping as a hospital writes it: what is refused and how that is said, what `--check` and `--start` tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use downtime::sources::table::{Config, Files, Held, Judgement, check, start, start_with};

use super::{TINY, cases::top, scope};

fn refused(text: &str) -> (Option<usize>, String) {
    let fault = Config::read(text).unwrap_err();
    (fault.line, fault.message)
}

#[test]
fn mistakes_are_told_with_their_line_and_what_to_write() {
    let (line, message) = refused(&TINY.replace("name = \"氏名\"", "naem = \"氏名\""));
    assert_eq!(line, Some(12));
    assert!(
        message.contains("「naem」") && message.contains("former_names"),
        "{message}"
    );

    let (line, message) = refused(&TINY.replace("codes = \"sex\"", "codes = \"gender\""));
    assert_eq!(line, Some(14));
    assert!(message.contains("gender") && message.contains("sex"), "{message}");

    let (line, message) = refused(&TINY.replace("kind = \"patient\"", "kind = \"patients\""));
    assert_eq!(line, Some(7));
    assert!(
        message.contains("知らない値です") && message.contains("appointment"),
        "{message}"
    );

    let (line, message) = refused(&TINY.replace("id = \"番号\"\non", "id = 0\non"));
    assert!(line.is_some() && message.contains("1 から"), "{line:?} {message}");

    let (_, message) = refused(&TINY.replace("{date:YYYYMMDD}", "{date:YYYY}"));
    assert!(message.contains("年・月・日がそろっていません"), "{message}");

    let (_, message) = refused(&TINY.replace(
        "birth = \"生年月日\"",
        "birth = { column = \"生年月日\", constant = \"x\" }",
    ));
    assert!(message.contains("ちょうど1つ"), "{message}");

    let (line, message) = refused("[[files]\nkind = 1");
    assert!(line.is_some() && !message.is_empty());
    assert!(refused("").1.contains("[[files]] が1つもありません"));
    assert!(
        refused(&TINY.replacen("id = \"番号\"\n", "", 1))
            .1
            .contains("id（患者番号）がありません")
    );
}

#[test]
fn both_shipped_mappings_are_ready_for_their_exports() {
    for (shape, name) in [(synth::Shape::A, "a"), (synth::Shape::B, "b")] {
        let dir = tempfile::tempdir().unwrap();
        let plan = synth::Plan {
            patients: 40,
            date: scope().day,
            seed: 3,
        };
        synth::write(&plan, shape, dir.path(), &mut |_, _| {}).unwrap();
        let text = std::fs::read_to_string(top().join(format!("fixtures/hospital/{name}/mapping.toml"))).unwrap();
        let report = check(
            &Config::read(&text).unwrap(),
            &Files::Folder(dir.path().to_owned()),
            &scope(),
            false,
        )
        .unwrap();
        assert_eq!(report.charts, 40);
        assert!(
            report
                .files
                .iter()
                .all(|file| file.missing.is_empty() && file.broken_rows == 0)
        );
        let wrong: u64 = report
            .files
            .iter()
            .flat_map(|file| &file.fields)
            .map(|field| field.wrong)
            .sum();
        assert_eq!(wrong, 0);
        // Rare columns may be empty in so small a hospital; nothing worse is said.
        assert!(report.judgement < Judgement::Broken, "{report}");
        assert!(report.findings.is_empty(), "{report}");
        assert!(serde_json::to_string(&report).unwrap().contains("\"field\":\"birth\""));
    }
}

#[test]
fn the_check_names_file_field_line_and_cause() {
    let case = top().join("fixtures/sources/table/dates");
    let config = Config::read(&std::fs::read_to_string(case.join("mapping.toml")).unwrap()).unwrap();
    let report = check(&config, &Files::Folder(case.join("in")), &scope(), false).unwrap();
    let birth = report.files[0]
        .fields
        .iter()
        .find(|field| field.field == "birth")
        .unwrap();
    assert_eq!((birth.rows, birth.filled, birth.wrong), (7, 7, 6));
    assert_eq!((birth.faults[0].line, birth.faults[0].text.as_str()), (2, "26.5.12"));
    assert!(birth.faults[0].why.contains("年が2桁"));
    assert!(birth.examples.iter().any(|e| e.contains("1970/1/1 → 1970-01-01")));
    let text = report.to_string();
    assert!(text.contains("■ 判定: 使えますが") && text.contains("birth"), "{text}");

    let masked = check(&config, &Files::Folder(case.join("in")), &scope(), true).unwrap();
    let shown = format!("{masked}{}", serde_json::to_string(&masked).unwrap());
    for secret in [
        "山田",
        "ヤマダ",
        "26.5.12",
        "0000-11-2233",
        "慢性心不全",
        "息切れ",
        "ペニシリン",
    ] {
        assert!(!shown.contains(secret), "{secret} shows through the mask");
    }
}

#[test]
fn a_missing_column_makes_the_mapping_unusable_and_names_what_is_alike() {
    let case = top().join("fixtures/sources/table/renamed-column");
    let config = Config::read(&std::fs::read_to_string(case.join("mapping.toml")).unwrap()).unwrap();
    let report = check(&config, &Files::Folder(case.join("in")), &scope(), false).unwrap();
    assert_eq!(report.judgement, Judgement::Broken);
    let text = report.to_string();
    assert!(
        text.contains("似た列: 1日量、一回用量") && text.contains("誕生日(5)"),
        "{text}"
    );
}

#[test]
fn a_mapping_is_begun_from_answers_that_lie_in_memory() {
    let answer = |text: &str| Held::new(text.as_bytes().to_vec(), scope().now);
    let files = Files::Held(Arc::new(BTreeMap::from([
        (
            "01_patient.sql".to_owned(),
            answer("id,name,kana,sex,birth,note_to_nobody\n0001,山田 花子,ヤマダ ハナコ,2,1951-05-12,x\n"),
        ),
        (
            "02_appointment.sql".to_owned(),
            answer("id,on,at,department_name\n0001,2026-11-20,09:30:00,内科\n"),
        ),
        (
            "03_vital.sql".to_owned(),
            Held::missing(scope().now, "データベースの返事: no such table\nLINE 1".to_owned()),
        ),
    ])));
    let begun = start_with(&files).unwrap().toml;
    assert!(
        begun.contains("# 03_vital.sql: 読めません（データベースの返事: no such table LINE 1）"),
        "{begun}"
    );
    assert!(begun.contains("使っていない列: \"note_to_nobody\""), "{begun}");
    // How an answer is written is nobody's setting.
    assert!(!begun.contains("encoding") && !begun.contains("delimiter"), "{begun}");
    assert!(begun.contains("\"2\" = \"?\""), "{begun}");
    let mapping = Config::read(&begun.replace("= \"?\"", "= \"女\"")).unwrap();
    let report = check(&mapping, &files, &scope(), false).unwrap();
    assert_eq!(report.charts, 1, "{report}");
    assert_ne!(report.judgement, Judgement::Broken, "{report}");
}

#[test]
fn a_mapping_begun_by_the_program_already_reads_an_export_with_headings() {
    let dir = tempfile::tempdir().unwrap();
    let plan = synth::Plan {
        patients: 60,
        date: scope().day,
        seed: 1,
    };
    synth::write(&plan, synth::Shape::A, dir.path(), &mut |_, _| {}).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let begun = start(&files).unwrap().toml;
    assert!(begun.contains("pattern = \"予約一覧_{date:YYYYMMDD}.csv\""), "{begun}");
    assert!(
        begun.contains("[tally]") && begun.contains("[masters.department]"),
        "{begun}"
    );
    // What a code means is never guessed.
    assert!(begun.contains("\"1\" = \"?\""), "{begun}");
    let report = check(
        &Config::read(&begun).unwrap(),
        &Files::Folder(dir.path().to_owned()),
        &scope(),
        false,
    )
    .unwrap();
    assert_eq!(report.charts, 60);
    assert!(
        report
            .files
            .iter()
            .any(|file| file.fields.iter().any(|f| f.field == "sex" && f.wrong == 60))
    );
}

#[test]
fn every_finding_is_explained() {
    let list = std::fs::read_to_string(top().join("docs/operating/findings.md")).unwrap();
    let mut codes = 0;
    let mut paths = vec![top().join("crates/downtime/src/sources/table")];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in text.split('"').skip(1).step_by(2) {
            let code = word.split_once('.').is_some_and(|(room, rest)| {
                let plain = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
                plain(room) && plain(rest)
            });
            if code {
                codes += 1;
                assert!(
                    list.contains(&format!("`{word}`")),
                    "{word} is not in docs/operating/findings.md"
                );
            }
        }
    }
    assert!(codes > 50);
}

#[test]
fn every_field_is_in_the_format_page() {
    let page = std::fs::read_to_string(top().join("docs/formats/mapping.md")).unwrap();
    let fields = ["fields.rs", "fields/inpatient.rs"];
    let fields =
        fields.map(|name| std::fs::read_to_string(top().join("crates/downtime/src/sources/table").join(name)).unwrap());
    let text = fields.concat();
    for line in text
        .lines()
        .filter(|line| ["field(\"", "private(\"", "list(\""].iter().any(|f| line.contains(f)))
    {
        let name = line.split('"').nth(1).unwrap();
        assert!(page.contains(name), "{name} is not in docs/formats/mapping.md");
    }
}

#[test]
fn both_shapes_say_the_same_of_every_bed() {
    let plan = synth::Plan {
        patients: 40,
        date: scope().day,
        seed: 3,
    };
    let pulled = [(synth::Shape::A, "a"), (synth::Shape::B, "b")].map(|(shape, name)| {
        let dir = tempfile::tempdir().unwrap();
        let hospital = synth::Hospital::new(&plan).unwrap().with_beds(64);
        synth::write_hospital(&hospital, shape, dir.path(), &mut |_, _| {}).unwrap();
        let text = std::fs::read_to_string(top().join(format!("fixtures/hospital/{name}/mapping.toml"))).unwrap();
        super::pull(&text, dir.path()).unwrap()
    });
    let said = pulled.each_ref().map(|(charts, extract)| {
        let mut stays: Vec<(String, String)> = charts
            .iter()
            .filter_map(|chart| {
                let mut stay = chart.stay.clone()?;
                // What each shape codes in its own way: departments and the day of discharge.
                stay.department.code.clear();
                stay.plans = chart::Known::NotRecorded;
                let shown = super::show::stay(&stay).to_string();
                Some((
                    chart.patient.id.as_str().to_owned(),
                    shown.replace('～', "〜").replace('－', "−"),
                ))
            })
            .collect();
        stays.sort();
        let mut empty: Vec<String> = match &extract.beds {
            downtime::sources::Beds::Known { empty } => empty.iter().map(|b| format!("{b:?}")).collect(),
            other => panic!("{other:?}"),
        };
        empty.sort();
        let mut wards = extract.wards.clone();
        wards.sort();
        (stays, empty, wards)
    });
    assert_eq!(said[0], said[1]);
    let (stays, empty, wards) = &said[0];
    assert_eq!(stays.len() + empty.len(), 64);
    assert!(
        stays.len() > 50 && empty.len() > 1 && wards.len() == 8,
        "{} {}",
        stays.len(),
        empty.len()
    );
    let (charts, extract) = &pulled[0];
    assert_eq!(charts.iter().filter(|chart| !chart.thin).count(), 40 + stays.len());
    assert!(
        extract.findings.iter().all(|f| f.severity == chart::Severity::Note),
        "{:?}",
        extract.findings
    );
    // Every part of a stay occurs somewhere, with its hours and its two people.
    let all: Vec<_> = charts.iter().filter_map(|chart| chart.stay.as_ref()).collect();
    assert!(all.iter().any(|s| s.medicines.items().iter().any(|d| d.due.len() == 3)));
    assert!(all.iter().any(|s| s.injections.items().iter().any(|d| d.high_risk)));
    assert!(all.iter().all(|s| !s.vitals.items().is_empty()));
    assert!(
        all.iter()
            .any(|s| s.handovers.items().iter().any(|h| h.text.contains('\n')))
    );
    assert!(all.iter().any(|s| s.policy.items() == ["DNAR"]));
}
