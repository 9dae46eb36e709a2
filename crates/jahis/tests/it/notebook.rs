//! The medicine notebook: the sample of the format page, what a hospital hands out, and scans in pieces, in any order, twice, and dirty.

use chart::Known;
use chart::allergy::{Allergy, AllergyKind};
use chart::rx::{Dose, GivenOut, Timing};
use encoding_rs::SHIFT_JIS;
use jahis::okusuri::{
    CautionKind, Form, Fragment, JoinError, Origin, join, join_files, read, today, write, write_parts,
};
use jahis::{Layout, Level, draw, proof, self_test, split};
use jiff::civil::date;
use proptest::prelude::*;

use super::shapes::{any_sheet, drug, oral, q, rp, sample};

const REFERENCE: &[u8] = include_bytes!("reference.okusuri");

fn shift_jis(text: &str) -> Vec<u8> {
    SHIFT_JIS.encode(text).0.into_owned()
}

fn allergies() -> Known<Vec<Allergy>> {
    let allergy = |kind, substance: &str| Allergy {
        kind,
        substance: substance.to_owned(),
        ..Allergy::default()
    };
    Known::Present(vec![
        allergy(AllergyKind::Drug, "ペニシリン系, 発疹"),
        allergy(AllergyKind::Contraindication, "MRI（ペースメーカ）"),
    ])
}

#[test]
fn the_reference_file_of_another_writer_is_read_and_written_again() {
    let reading = read(REFERENCE).unwrap();
    assert_eq!(reading.findings, []);
    let book = &reading.notebook;
    assert_eq!((book.edition, book.output, book.holder.sex), (8, 1, 1));
    assert_eq!(book.holder.birth, Some(date(1958, 3, 2)));
    assert_eq!(
        (book.cautions[0].kind, book.cautions[0].origin),
        (CautionKind::Allergy, Origin::Medical)
    );
    let block = &book.dispensings[0];
    assert_eq!(block.on, Some(date(2026, 11, 20)));
    assert_eq!(block.rps.len(), 2);
    assert_eq!(block.rps[0].drugs[0].remarks[0].text, "停止前の定期薬");
    let usage = block.rps[1].usage.as_ref().unwrap();
    assert_eq!(
        (usage.form, usage.form.amount_word(), usage.unit.as_str()),
        (Form::AsNeeded, "1回", "回分")
    );
    // Only the era dates are written in another way.
    let again = SHIFT_JIS.decode(&write(book).unwrap()).0.into_owned();
    let before = SHIFT_JIS
        .decode(REFERENCE)
        .0
        .replace("S330302", "19580302")
        .replace("R081120", "20261120");
    assert_eq!(again, before);
}

#[test]
fn what_is_handed_out_says_dose_form_and_source() {
    let mut sheet = sample();
    let uneven = Dose::Uneven(vec![q("2", "錠"), q("0.5", "錠")]);
    sheet
        .rx
        .rps
        .push(rp(vec![drug("架空錠", uneven)], oral(Timing::Times(2), 7)));
    let (book, findings) = today(&sheet, &allergies(), &["眠気が出たら運転を控える".to_owned()]).unwrap();
    assert_eq!(findings, []);
    let bytes = write(&book).unwrap();
    let text = SHIFT_JIS.decode(&bytes).0.into_owned();
    for line in [
        "JAHISTC08,1",
        "1,模擬 太郎,1,19580302,,,,,,,ﾓｷﾞ ﾀﾛｳ",
        "2,1,ペニシリン系， 発疹,1",
        "2,9,【禁忌】MRI（ペースメーカ）,1",
        "5,20261120,1",
        "11,みなと架空病院,13,1,9876543,105-0000,東京都港区架空町１－２－３,03-0000-1111,1",
        "201,1,【般】ロキソプロフェンＮａ錠６０ｍｇ,2,錠,1,,1,,2,1149019F1ZZZ",
        "301,1,1日2回 朝夕食後,14,日分,1,2,1012040400000000,1",
        "301,2,疼痛時 1日2回まで,5,回分,3,1,,1",
        "301,3,1日1回 腰 貼付,1,調剤,5,1,,1",
        "201,4,架空錠,2.5,錠,1,,1,,,",
        "281,4,1日 2.5錠（不均等 2錠－0.5錠）,1",
        "401,眠気が出たら運転を控える,1",
        "501,院外処方箋の内容です。薬局で調剤された記録ではありません。,1",
    ] {
        assert!(text.split("\r\n").any(|have| have == line), "{line}\n{text}");
    }
    assert_eq!(read(&bytes).unwrap().notebook, book);
    sheet.rx.given_out = GivenOut::InHouse;
    let in_house = write(&today(&sheet, &Known::NotRecorded, &[]).unwrap().0).unwrap();
    let in_house = SHIFT_JIS.decode(&in_house).0.into_owned();
    assert!(!in_house.contains("院外処方箋の内容"));
    assert!(
        in_house.contains("4,アレルギー・禁忌：未確認（記録なし）,20261120,1\r\n"),
        "{in_house}"
    );
}

#[test]
fn a_name_too_long_is_refused_and_a_drug_of_sixty_characters_fits() {
    let mut sheet = sample();
    sheet.rx.rps[0].drugs[0].name = "架".repeat(60);
    assert!(today(&sheet, &Known::NotRecorded, &[]).is_ok());
    sheet.patient.name.written = "架".repeat(21);
    let said = today(&sheet, &Known::NotRecorded, &[]).unwrap_err().to_string();
    assert!(said.contains("患者氏名: 40バイト"), "{said}");
}

#[test]
fn old_short_foreign_and_dirty_files_are_taken_and_what_is_not_understood_is_told() {
    let old =
        shift_jis("JAHISTC01,2\r\n1,模擬,2,H010203\r\n5,20261101\r\n201,1,架空錠,2,錠\r\n201,2,架空散,1,g,1,,2\r\n");
    let reading = read(&old).unwrap();
    assert_eq!(reading.findings, []);
    let block = &reading.notebook.dispensings[0];
    assert_eq!((block.rps.len(), block.origin), (2, Origin::Unknown));
    assert_eq!(block.rps[0].usage, None);
    assert_eq!(block.rps[1].drugs[0].origin, Origin::Patient);
    let telephone = read("JAHISTC12,1\n1,模擬 髙橋,1,20200101\n".as_bytes()).unwrap();
    assert_eq!(telephone.notebook.holder.name, "模擬 髙橋");
    let dirty = read(&shift_jis(
        "JAHISTC08,1\r\n1,模擬,3,S990101\r\n201,1,宙に浮く薬\r\n999,x\r\n301,7,\r\n",
    ))
    .unwrap();
    assert_eq!(dirty.findings.len(), 4);
    assert!(dirty.findings[1].message.contains("宙に浮く薬"));
    assert_eq!(read(b"JAHIS10\r\n"), Err(JoinError::Header));
    assert_eq!(read(&vec![b'x'; 50_000]), Err(JoinError::TooLong));
}

#[test]
fn symbols_are_joined_in_any_order_twice_and_cut_inside_a_character() {
    let (book, _) = today(&sample(), &allergies(), &[]).unwrap();
    let bytes = write(&book).unwrap();
    let layout = Layout {
        version: 5,
        level: Level::M,
    };
    let parts = split(&bytes, layout).unwrap();
    let symbols = draw(&parts, layout).unwrap();
    assert_eq!(self_test(&symbols, &bytes), Ok(()));
    let mut scans: Vec<Fragment> = symbols
        .iter()
        .map(|symbol| {
            let seen = proof::see(&proof::raster(symbol)).unwrap();
            Fragment {
                joined: seen.joined,
                bytes: seen.bytes,
            }
        })
        .collect();
    let inside = scans.iter().filter(|scan| SHIFT_JIS.decode(&scan.bytes).2).count();
    assert!(inside > 0, "a cut falls inside a character");
    scans.reverse();
    scans.push(scans[1].clone());
    assert_eq!(join(&scans), Ok(bytes.clone()));
    assert_eq!(read(&join(&scans).unwrap()).unwrap().notebook, book);

    let first = scans
        .iter()
        .filter(|scan| scan.joined.unwrap().0 != 1)
        .cloned()
        .collect::<Vec<_>>();
    let said = join(&first).unwrap_err();
    assert!(matches!(&said, JoinError::Missing { missing, .. } if missing == &[2]));
    assert!(said.to_string().contains("2番を読んでください"));
    let mut mixed = scans.clone();
    mixed[0].joined = mixed[0].joined.map(|(place, of, parity)| (place, of, parity ^ 1));
    assert_eq!(join(&mixed), Err(JoinError::Mixed));
    let mut wrong = scans.clone();
    wrong.pop();
    wrong[0].bytes[0] ^= 1;
    assert_eq!(join(&wrong), Err(JoinError::Parity));
    assert_eq!(join(&[]), Err(JoinError::Nothing));

    // A scanner that only types: the last symbol first, one of them twice.
    let mut typed: Vec<Fragment> = parts
        .iter()
        .map(|part| Fragment {
            joined: None,
            bytes: part.bytes.clone(),
        })
        .collect();
    typed.rotate_right(1);
    typed.push(typed[2].clone());
    assert_eq!(join(&typed), Ok(bytes));
}

#[test]
fn files_of_one_notebook_are_joined_and_the_missing_one_is_named() {
    let mut sheet = sample();
    let more = |at: usize| {
        rp(
            vec![drug(&format!("架空錠{at}"), Dose::Each(q("1", "錠")))],
            oral(Timing::Times(3), 7),
        )
    };
    sheet.rx.rps.extend((0..20).map(more));
    let (book, _) = today(&sheet, &allergies(), &["注意".to_owned()]).unwrap();
    let files = write_parts(&book, 600, "20261120091500").unwrap();
    assert!(files.len() > 3);
    assert!(
        files
            .iter()
            .all(|file| file.len() <= 600 && file.starts_with(b"JAHISTC08,1\r\n1,"))
    );
    let mut scans = files.clone();
    scans.reverse();
    scans.push(files[1].clone());
    let joined = join_files(&scans).unwrap();
    assert_eq!(joined.reading.notebook, book);
    assert_eq!(
        (joined.missing.as_slice(), joined.reading.findings.as_slice()),
        (&[][..], &[][..])
    );
    let part = join_files(&files[1..]).unwrap();
    assert_eq!(part.missing, [1]);
    assert_eq!(
        join_files(&[files[0].clone(), REFERENCE.to_vec()]),
        Err(JoinError::Mixed)
    );
    assert!(write_parts(&book, 300, "20261120091500").is_err());
    assert!(write_parts(&book, 600, "x").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_prescription_comes_back_whole_and_in_parts(sheet in any_sheet(), max in 1_000..3_000_usize) {
        let (book, _) = today(&sheet, &allergies(), &[]).unwrap();
        let bytes = write(&book).unwrap();
        let reading = read(&bytes).unwrap();
        prop_assert_eq!(&reading.findings, &[]);
        prop_assert_eq!(&reading.notebook, &book);
        prop_assert_eq!(write(&reading.notebook).unwrap(), bytes);
        if let Ok(files) = write_parts(&book, max, "20261120091500") {
            prop_assert_eq!(join_files(&files).unwrap().reading.notebook, book);
        }
    }

    #[test]
    fn no_bytes_stop_a_reader(noise in prop::collection::vec(any::<u8>(), 0..400), cut in 0..900_usize, at in 0..900_usize, byte: u8) {
        let change = |file: &[u8]| {
            let mut changed = file[..cut.min(file.len())].to_vec();
            if let Some(slot) = changed.get_mut(at) {
                *slot = byte;
            }
            changed
        };
        let (book, script) = (change(REFERENCE), change(include_bytes!("reference.jahis")));
        // What was understood can be written, or is refused with a box.
        for bytes in [&noise, &book, &script] {
            if let Ok(reading) = read(bytes) {
                prop_assert!(bytes.starts_with(b"JAHISTC"));
                let _ = write(&reading.notebook);
            }
            if let Ok(reading) = jahis::read(bytes) {
                prop_assert!(bytes.starts_with(b"JAHIS") && !bytes.starts_with(b"JAHISTC"));
                let _ = jahis::write(&reading.script);
            }
        }
    }
}
