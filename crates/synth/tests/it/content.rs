//! What must be in the exports: counts, hazards, and people who fit their departments.

use crate::files::{export, named_a, named_b, old_text, plain_b, small};
use std::collections::{BTreeMap, BTreeSet};
use synth::{Plan, Shape};

#[test]
fn counts_are_right() {
    let plan = Plan {
        patients: 600,
        ..small()
    };
    let a = export(&plan, Shape::A);
    let people = named_a(&a, "患者基本.csv");
    assert_eq!(people.len(), 600);
    let ids: BTreeSet<&String> = people.iter().map(|p| &p["患者番号"]).collect();
    assert_eq!(ids.len(), 600);
    assert!(
        ids.iter()
            .all(|id| id.len() == 8 && id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit()))
    );
    let booked = named_a(&a, "予約一覧_20261120.csv");
    assert!((601..700).contains(&booked.len()), "{} appointments", booked.len());
    assert_eq!(
        booked.iter().map(|b| &b["患者番号"]).collect::<BTreeSet<_>>(),
        ids,
        "everybody is booked"
    );
    assert_eq!(
        booked.iter().map(|b| &b["予約番号"]).collect::<BTreeSet<_>>().len(),
        booked.len()
    );
    assert!(booked.iter().map(|b| &b["科名"]).collect::<BTreeSet<_>>().len() >= 14);
    // Nothing hangs in the air: every order belongs to an appointment, every row to a patient.
    let numbers: BTreeSet<&String> = booked.iter().map(|b| &b["予約番号"]).collect();
    assert!(
        named_a(&a, "検査予約.csv")
            .iter()
            .all(|o| numbers.contains(&o["予約番号"]))
    );
    for file in [
        "検査予約.csv",
        "病名.csv",
        "診療録.csv",
        "処方.csv",
        "アレルギー禁忌.csv",
        "検体検査結果.csv",
        "患者特記.csv",
    ] {
        assert!(
            named_a(&a, file).iter().all(|row| ids.contains(&row["患者番号"])),
            "{file}"
        );
    }
    // The thin list is mostly other people, all within fourteen days.
    let thin = named_a(&a, "予約14日.csv");
    assert!(thin.len() >= 1200 && thin.iter().filter(|t| !ids.contains(&t["患者番号"])).count() == 1200);
    assert!(
        thin.iter()
            .all(|t| t["予約日"].as_str() > "2026/11/20" || t["予約日"].starts_with("2026/12/"))
    );
}

#[test]
fn the_tally_counts_what_is_there() {
    let a = export(&small(), Shape::A);
    for line in named_a(&a, "出力件数.csv") {
        let rows = named_a(&a, &line["ファイル名"]).len();
        assert_eq!(rows.to_string(), line["件数"], "{}", line["ファイル名"]);
    }
    let b = export(&small(), Shape::B);
    let tally = plain_b(&b, "EXPORT.END");
    assert_eq!(tally.last().map(|row| row[0].as_str()), Some("END"));
    for row in tally.iter().filter(|row| row[0] != "END") {
        let header = usize::from(!["appt_20261120.csv", "rx.csv", "next14.csv"].contains(&row[0].as_str()));
        assert_eq!((plain_b(&b, &row[0]).len() - header).to_string(), row[1], "{}", row[0]);
    }
}

#[test]
fn people_fit_their_departments() {
    let b = export(
        &Plan {
            patients: 500,
            ..small()
        },
        Shape::B,
    );
    for row in plain_b(&b, "appt_20261120.csv") {
        let born: i32 = row[15][..4].parse().expect("a year");
        let age = 2026 - born;
        match row[4].as_str() {
            "PED" => assert!(age <= 16, "{age} in 小児科: {row:?}"),
            "OBG" => assert_eq!(row[14], "2", "a man in 産婦人科: {row:?}"),
            "GIM" | "CAR" | "GAS" | "RES" | "DME" | "NEP" | "NEU" | "SUR" | "URO" => {
                assert!(age >= 15, "{age} in {}: {row:?}", row[5])
            }
            _ => {}
        }
        assert!(("0830"..="1630").contains(&row[3].as_str()), "{row:?}");
    }
}

/// Every state of the allergy list occurs, in a share that a hospital would have.
#[test]
fn allergies_come_in_four_states() {
    let b = export(
        &Plan {
            patients: 600,
            ..small()
        },
        Shape::B,
    );
    let mut states: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in named_b(&b, "alg.tsv") {
        states.entry(row["st"].clone()).or_default().insert(row["pid"].clone());
    }
    let count = |state: &str| states.get(state).map_or(0, BTreeSet::len);
    assert_eq!(count("P") + count("N") + count("U") + count("X"), 600);
    assert!(
        count("P") > 100 && count("N") > 200 && count("U") > 60 && count("X") > 10,
        "{:?}",
        ["P", "N", "U", "X"].map(count)
    );
}

#[test]
fn hazards_are_there() {
    let a = export(&small(), Shape::A);
    let people: BTreeMap<String, BTreeMap<String, String>> = named_a(&a, "患者基本.csv")
        .into_iter()
        .map(|p| (p["患者番号"].clone(), p))
        .collect();
    let hazards = synth::hazards().expect("tables are readable");
    let of = |number: u32| &people[hazards.iter().find(|h| h.number == number).expect("a hazard").patient];
    for hazard in &hazards {
        assert!(people.contains_key(hazard.patient), "{hazard:?}");
    }
    assert_eq!(of(1)["漢字氏名"], of(2)["漢字氏名"]);
    assert_eq!(of(1)["カナ氏名"], of(3)["カナ氏名"]);
    assert_eq!(
        (&of(4)["漢字氏名"], &of(4)["生年月日"]),
        (&of(5)["漢字氏名"], &of(5)["生年月日"])
    );
    assert_eq!(
        (&of(6)["カナ氏名"], &of(6)["生年月日"], &of(6)["携帯電話"]),
        (&of(7)["カナ氏名"], &of(7)["生年月日"], &of(7)["携帯電話"])
    );
    assert_eq!(of(12)["漢字氏名"], "■田　勝");
    assert_eq!(of(13)["漢字氏名"], "〓野　久子");
    assert_eq!(of(14)["漢字氏名"], "\u{e000}村　茂");
    assert!(of(18)["漢字氏名"].len() > 40);
    assert_eq!(of(20)["生年月日"], "令和8年11月11日");
    assert_eq!(of(21)["性別"], "9");
    assert!(of(23)["生年月日"].starts_with("明治"));
    assert_eq!(of(24)["カナ氏名"], "");
    assert!(
        ["電話番号", "携帯電話", "勤務先電話"]
            .iter()
            .all(|column| of(31)[*column].is_empty())
    );
    assert_eq!(of(32)["死亡日"], "2026/11/14");
    assert_eq!(of(43)["生年月日"], "昭和64年1月7日");
    assert_eq!(of(44)["生年月日"], "平成元年1月8日");
    assert_eq!(of(47)["漢字氏名"], "葛城　さくら");
    let rows_of = |file: &str, number: u32| {
        let id = &of(number)["患者番号"];
        named_a(&a, file).iter().filter(|row| &row["患者番号"] == id).count()
    };
    assert_eq!(
        (
            rows_of("処方.csv", 34),
            rows_of("病名.csv", 35),
            rows_of("予約一覧_20261120.csv", 41)
        ),
        (15, 15, 2)
    );
    assert_eq!(
        (
            rows_of("処方.csv", 40),
            rows_of("診療録.csv", 40),
            rows_of("検体検査結果.csv", 40)
        ),
        (0, 0, 0)
    );
    assert_eq!(rows_of("アレルギー禁忌.csv", 25), 0);
}

/// The bytes that break careless readers: 5C and 7C as second bytes, quoted line ends, quotes, formulas, mark-up, full-width digits.
#[test]
fn bytes_that_break_careless_readers_are_there() {
    let a = export(&small(), Shape::A);
    let all: Vec<u8> = a.values().flatten().copied().collect();
    for pair in [
        [0x95, 0x5c],
        [0x83, 0x5c],
        [0x94, 0x5c],
        [0x83, 0x7c],
        [0x81, 0x60],
        [0xf0, 0x40],
        [0xfb, 0xfc],
        [0xfa, 0xb1],
    ] {
        assert!(all.windows(2).any(|window| window == pair), "{pair:02x?} is missing");
    }
    let bookings = old_text(&a["予約一覧_20261120.csv"]);
    let notes = old_text(&a["診療録.csv"]);
    assert!(
        bookings.contains("\"=cmd|'/c echo'!A1, \"\"紹介\"\"\"")
            && bookings.contains("\"O'Connor　John \"\"Jack\"\"\"")
    );
    assert!(notes.contains("\r\n【O】") && notes.contains("<script>") && notes.contains("１３２／７８"));
    let longest = named_a(&a, "診療録.csv")
        .iter()
        .map(|n| n["記事"].chars().count())
        .max();
    assert!(longest.is_some_and(|n| n >= 2000), "{longest:?}");
}
