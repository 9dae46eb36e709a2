//! Forms whose text is law: the edition of the day of issue is printed, and a day without one is said aloud.

use crate::paper::{all_words, press, sample};

#[test]
fn the_day_of_issue_decides_which_prescription_is_printed() {
    let now = "調剤する薬剤を減量した上で保険医療機関に情報提供";
    for (day, edition, reduces) in [
        ("2026-11-20", "F04第R8.06版", true),
        ("2026-06-01", "F04第R8.06版", true),
        ("2026-05-31", "F04-R6.10第R6.10版", false),
        ("2024-10-01", "F04-R6.10第R6.10版", false),
    ] {
        let mut sheet = sample("F04");
        sheet.issued = format!("発行 {day} 10:05 C05");
        let pdf = press().sheet(&sheet).unwrap();
        assert_eq!((&pdf.warning, &pdf.instead), (&None, &None), "{day}");
        let text = all_words(&pdf);
        assert!(text.contains(edition), "{day}: {text}");
        assert_eq!(text.contains(now), reduces, "{day}");
    }
}

#[test]
fn a_day_without_an_edition_is_printed_and_said() {
    let mut sheet = sample("F04");
    sheet.issued = "発行 2024-09-30 10:05 C05".to_owned();
    let warning = press().sheet(&sheet).unwrap().warning.unwrap();
    for words in ["F04", "2026-06-01", "2024-09-30", "様式を確認"] {
        assert!(warning.contains(words), "{words}: {warning}");
    }
    let mut bytes = Vec::new();
    let report = press().pack([sheet], |_| (), &mut bytes).unwrap();
    assert_eq!(report.warning, Some(warning));
    assert_eq!(press().sheet(&sample("F01")).unwrap().warning, None);
}
