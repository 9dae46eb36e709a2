//! Merged patient numbers (A40): both charts stay, the old number's records stand under the surviving one and say whose they were, and each
//! number finds the other. Nothing is laid together.

use chart::stay::Beds;
use chart::{Chart, Severity};
use downtime::index::{Index, IndexBuilder, Query};
use downtime::sources::hl7v2::Settings;
use vault::snapshot::Block;

use super::cases::messages;
use super::{pull_feed, scope};

fn identity(number: &str) -> String {
    format!("PID@{number}@統合^花@トウゴウ^ハナ@19560101@F\n")
}

fn drug(no: u32, number: &str, name: &str, minute: u32) -> String {
    format!(
        "\n== {no} 2026-11-10T09:{minute:02}:00\nMSH@RDE^O11^RDE_O11@2026111009{minute:02}00\n{}PV1|1|O\n\
         ORC|NW|{no}||1|||||20261110090000|||D001^架空^花子|||||01^内科^HL70069\nRXE||X^{name}^99ABC|1||TAB^錠^MR9P\n\
         TQ1|1||&朝食後&99ABC|||14^d|20261110\nRXR|PO\n",
        identity(number)
    )
}

fn allergic(no: u32, number: &str) -> String {
    format!(
        "\n== {no} 2026-11-01T09:00:00\nMSH@ADT^A60^ADT_A60@20261101090000\nEVN||20261101090000\n{}\
         IAM|1|DA^薬剤^HL70127|ZZ01^ペニシリン系^99ZAL|||A^追加^HL70323\n",
        identity(number)
    )
}

fn merge(no: u32, old: &str, new: &str, minute: u32) -> String {
    format!(
        "\n== {no} 2026-11-18T09:{minute:02}:00\nMSH@ADT^A40^ADT_A39@2026111809{minute:02}00\n{}MRG|{old}^^^^PI\n",
        identity(new)
    )
}

fn booked(no: u32, number: &str) -> String {
    format!(
        "\n== {no} 2026-11-18T10:00:00\nMSH@SIU^S12^SIU_S12@20261118100000\nSCH|Y{no}||||||再診^再診^99RSN|||||||||||||||||\n\
         TQ1|1||||||20261120093000\n{}RGS|1\nAIS|1||99^診察^99SRV|20261120093000\nAIL|1||01^^^^^C\nAIP|1||D001^架空^花子\n",
        identity(number)
    )
}

fn charts(text: &str) -> Vec<Chart> {
    let (mut charts, _) = pull_feed(&messages(text), Settings::default()).unwrap();
    charts.sort_by(|a, b| a.patient.id.cmp(&b.patient.id));
    charts
}

fn drugs(chart: &Chart) -> Vec<&str> {
    let all = chart.prescriptions.items().iter().flat_map(|one| &one.items);
    all.map(|item| item.drug.name.as_str()).collect()
}

fn facts(chart: &Chart) -> Vec<String> {
    chart
        .patient
        .facts
        .iter()
        .map(|fact| format!("{}: {}", fact.label, fact.value))
        .collect()
}

#[test]
fn an_old_numbers_records_stand_apart_under_the_surviving_one() {
    let text = allergic(1, "0000002401")
        + &drug(2, "0000002401", "古い薬", 1)
        + &drug(3, "0000002402", "新しい薬", 2)
        + &merge(4, "0000002401", "0000002402", 3)
        + &booked(5, "0000002402");
    let charts = charts(&text);
    let [old, new] = charts.as_slice() else {
        panic!("both charts stay")
    };
    assert_eq!(
        (drugs(old), drugs(new)),
        (vec!["古い薬"], vec!["新しい薬"]),
        "nothing is laid together"
    );
    assert!(
        facts(new)
            .iter()
            .any(|fact| fact.starts_with("旧番号 0000002401 の処方: 古い薬 ")),
        "{:?}",
        facts(new)
    );
    let avoided = new.allergies.items();
    assert_eq!(avoided.len(), 1);
    assert!(avoided[0].reaction.contains("旧番号 0000002401"), "{:?}", avoided[0]);
    let told = |chart: &Chart| {
        chart
            .findings
            .iter()
            .find(|f| f.code == "id.merged")
            .map(|f| (f.severity, f.message.clone()))
            .unwrap()
    };
    assert_eq!(told(old).0, Severity::Severe);
    assert!(told(old).1.contains("0000002402"));
    let (severity, message) = told(new);
    assert_eq!(severity, Severity::Warning);
    assert!(
        message.contains("0000002401") && message.contains("アレルギー1件、処方1件"),
        "{message}"
    );
    assert!(
        new.allergies.present().is_some() && old.appointments.is_empty(),
        "an appointment stands once"
    );
}

#[test]
fn who_is_booked_under_the_old_number_brings_the_surviving_one() {
    let text =
        drug(1, "0000002402", "新しい薬", 1) + &merge(2, "0000002401", "0000002402", 3) + &booked(3, "0000002401");
    let charts = charts(&text);
    assert_eq!(charts.len(), 2);
    assert!(charts.iter().all(|chart| !chart.thin));
    assert_eq!(drugs(&charts[1]), ["新しい薬"]);
}

#[test]
fn numbers_merged_one_after_the_other_all_come_along_and_a_circle_ends() {
    let chain = drug(1, "0000002401", "一番古い薬", 1)
        + &drug(2, "0000002402", "次の薬", 2)
        + &drug(3, "0000002403", "いまの薬", 3)
        + &merge(4, "0000002401", "0000002402", 4)
        + &merge(5, "0000002402", "0000002403", 5);
    let of_chain = charts(&(chain.clone() + &booked(6, "0000002403")));
    assert_eq!(of_chain.len(), 3);
    let shown = facts(&of_chain[2]);
    for old in [
        "旧番号 0000002401 の処方: 一番古い薬",
        "旧番号 0000002402 の処方: 次の薬",
    ] {
        assert_eq!(
            shown.iter().filter(|fact| fact.starts_with(old)).count(),
            1,
            "{shown:?}"
        );
    }
    let circle = charts(&(chain + &merge(7, "0000002403", "0000002401", 6) + &booked(8, "0000002401")));
    assert_eq!(circle.len(), 3, "told by each about the others, and it ends");
    assert!(
        circle
            .iter()
            .all(|chart| chart.findings.iter().any(|f| f.code == "id.merged"))
    );
}

#[test]
fn a_search_for_the_old_number_finds_both_and_says_why() {
    let text = drug(1, "0000002401", "古い薬", 1) + &merge(2, "0000002401", "0000002402", 3) + &booked(3, "0000002402");
    let mut builder = IndexBuilder::new(scope().day);
    for chart in charts(&text) {
        builder.add(&chart).unwrap();
    }
    let blocks = builder.finish(Vec::new(), &Beds::NotAsked).unwrap();
    let index = Index::from_blocks(blocks.iter().map(|block| Block::pack(block).unwrap()).collect()).unwrap();
    let found = |typed: &str| -> Vec<String> {
        let hits = index.search(&Query::parse(typed).unwrap(), 10);
        hits.iter()
            .map(|(row, _)| index.row(*row).unwrap())
            .map(|row| format!("{} {}", row.id_text(), row.former()))
            .collect()
    };
    let (old, new) = (
        "0000002401 統合先の患者番号 0000002402",
        "0000002402 旧患者番号 0000002401",
    );
    assert_eq!(found("0000002401"), [old, new]);
    assert_eq!(found("2401"), [old, new]);
    assert_eq!(found("0000002402"), [new, old]);
}
