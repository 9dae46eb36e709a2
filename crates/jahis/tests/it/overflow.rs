//! What is too long: names are refused with their box, free text goes on in further records, thirty drugs still fit.

use chart::patient::{Name, Sex};
use chart::rx::{Control, Dose, Fault, GivenOut, Timing};
use jahis::{Layout, Level, compose, draw, read, self_test, split, write};

use super::shapes::{drug, oral, q, rp, sample};

fn refused(change: impl FnOnce(&mut chart::RxSheet)) -> String {
    let mut sheet = sample();
    change(&mut sheet);
    compose(&sheet).unwrap_err().to_string()
}

#[test]
fn a_name_of_sixty_characters_is_refused_with_its_box() {
    let long = "架".repeat(60);
    let said = refused(|sheet| sheet.patient.name = Name::new(long.clone(), ""));
    assert!(
        said.contains("患者氏名: 40バイト（全角20字）までです（いま120バイト）"),
        "{said}"
    );
    let said = refused(|sheet| sheet.rx.rps[1].drugs[0].name.clone_from(&long));
    assert!(said.contains("Rp2") && said.contains("薬品名: 80バイト"), "{said}");
    assert!(said.contains("紙はシンボルなしで有効です"), "{said}");
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let said = refused(|sheet| {
        sheet.patient.sex = Sex::Unknown;
        sheet.patient.birth = None;
        sheet.doctor.name = Name::default();
        sheet.institution.code = "123".to_owned();
        sheet.rx.given_out = GivenOut::InHouse;
        sheet.rx.rps[0].drugs[0].control = Control::Narcotic;
    });
    for field in ["性別", "生年月日", "医師氏名", "医療機関コード", "院内処方箋", "麻薬"] {
        assert!(said.contains(field), "{field}: {said}");
    }
    let narcotic = Fault::Narcotic {
        rp: 1,
        drug: "x".to_owned(),
    };
    assert!(narcotic.to_string().contains("手書き"));
}

#[test]
fn long_free_text_goes_on_in_further_records_and_nothing_is_lost() {
    let words = "架空の長い用法".repeat(20);
    let mut sheet = sample();
    sheet.rx.rps[0].usage = oral(Timing::AsWritten(3, words.clone()), 7);
    sheet.rx.remarks = vec![words.clone()];
    sheet.rx.rps[0].drugs[0].notes = vec![words.clone()];
    let (script, findings) = compose(&sheet).unwrap();
    assert_eq!(findings, []);
    let reading = read(&write(&script).unwrap()).unwrap().script;
    assert_eq!(reading.remarks.concat(), words);
    let rp = &reading.rps[0];
    let usage: String = rp
        .notes
        .iter()
        .filter(|note| note.kind == Some(5))
        .map(|note| note.text.as_str())
        .collect();
    assert_eq!(rp.usage_name.clone() + &usage, words);
    assert_eq!(
        rp.drugs[0]
            .notes
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<String>(),
        words
    );
}

#[test]
fn thirty_drugs_fit_sixteen_symbols_and_too_small_symbols_are_refused() {
    let mut sheet = sample();
    let name = |at: usize| format!("架空長期処方錠{at:03}ミリグラム（架空製薬）");
    sheet.rx.rps = (0..30)
        .map(|at| {
            rp(
                vec![drug(&name(at), Dose::Each(q("0.5", "錠")))],
                oral(Timing::Times(3), 90),
            )
        })
        .collect();
    let bytes = write(&compose(&sheet).unwrap().0).unwrap();
    let layout = Layout::default();
    let symbols = draw(&split(&bytes, layout).unwrap(), layout).unwrap();
    assert!(
        (10..=16).contains(&symbols.len()),
        "{} symbols of {} bytes",
        symbols.len(),
        bytes.len()
    );
    assert_eq!(self_test(&symbols, &bytes), Ok(()));
    let small = Layout {
        version: 5,
        level: Level::Q,
    };
    let said = split(&bytes, small).unwrap_err().to_string();
    assert!(said.contains("16個に収まりません"), "{said}");
}

#[test]
fn characters_of_one_vendor_are_told() {
    let mut sheet = sample();
    sheet.patient.name = Name::new("髙﨑\u{E000}子", "カナ");
    let (script, findings) = compose(&sheet).unwrap();
    assert_eq!(script.patient_name, "高崎■子");
    assert_eq!(findings.len(), 3);
    assert!(findings.iter().all(|finding| finding.field == "患者氏名"));
}
