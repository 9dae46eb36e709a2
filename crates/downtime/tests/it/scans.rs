//! Returned paper: filed only where number, form and patient agree; kept sealed; and the account balances.

use std::sync::Arc;

use chart::{Act, Author, Entry, EntryId, FormId, Moment, PatientCheck, PatientId, SheetCode, StationCode, Subject};
use downtime::scans::{
    Archive, Balance, Contents, Decided, Decision, Issued, Pack, Page, Register, Scanned, Why, sha_of,
};
use downtime::view::{Day, Order, Recorded};
use proptest::prelude::*;
use vault::HospitalId;
use vault::files::Disk;
use vault::keys::RoleSecret;

use crate::hospital::rng;

fn number(node: u8, sequence: u32) -> FormId {
    FormId::issue(jiff::civil::date(2026, 11, 20), node, sequence).unwrap()
}

fn patient(id: &str) -> Subject {
    Subject::Patient(PatientId::parse(id).unwrap())
}

fn sheet(form: &str, form_id: FormId, subject: Subject) -> Issued {
    Issued {
        form_id,
        form: form.to_owned(),
        subject,
    }
}

fn code(sheet: &Issued, page: u8, pages: u8) -> SheetCode {
    SheetCode {
        form: sheet.form.clone(),
        form_id: sheet.form_id.clone(),
        page,
        pages,
        patient: PatientCheck::of(sheet.subject.number()),
    }
}

fn pack(sheets: &[Issued]) -> Pack {
    Pack {
        at: Moment(1),
        by: "9001".into(),
        title: "内科".into(),
        sheets: sheets.to_vec(),
        blank: false,
    }
}

fn day(printed: &[Issued]) -> Day {
    let mut day = Day::default();
    day.add(printed.iter().zip(1_u8..).map(|(sheet, n)| Recorded {
        id: EntryId([n; 32]),
        order: Order {
            hlc: n.into(),
            station: [1; 16],
            incarnation: [1; 8],
            seq: n.into(),
        },
        entry: Entry {
            by: Author::default(),
            written_at: Moment(n.into()),
            station: StationCode::parse("R03").unwrap(),
            subject: sheet.subject.clone(),
            act: Act::Printed {
                form: sheet.form.clone(),
                form_id: sheet.form_id.clone(),
                reissue: false,
            },
        },
    }));
    day
}

fn filed(sheet: &Issued, page: u8, pages: u8) -> Page {
    Page::Filed {
        sheet: sheet.clone(),
        page,
        pages,
    }
}

fn unread(hints: Vec<FormId>, code: String) -> Page {
    Page::Unread {
        why: Why::NoCode,
        hints,
        preview: vec![1, 2, 3],
        code,
    }
}

fn scanned(pages: Vec<Page>) -> Scanned {
    Scanned {
        name: "scan001.pdf".into(),
        at: Moment(2),
        by: "1001".into(),
        pages,
        fault: String::new(),
    }
}

#[test]
fn a_page_is_filed_only_where_number_form_and_patient_agree() {
    let slip = sheet("F01", number(3, 1), patient("00123456"));
    let chart = sheet("F02", number(90, 17), patient("00123456"));
    let register = Register::gather(&day(std::slice::from_ref(&slip)), &[pack(std::slice::from_ref(&chart))]);
    assert_eq!(register.sheet(&code(&slip, 1, 1)), Ok(&slip));
    assert_eq!(register.sheet(&code(&chart, 2, 2)), Ok(&chart));
    let other = |form: &str, number, who| register.sheet(&code(&sheet(form, number, who), 1, 1));
    assert_eq!(other("F02", number(90, 18), patient("00123456")), Err(Why::NotIssued));
    assert_eq!(other("F01", number(90, 17), patient("00123456")), Err(Why::OtherForm));
    assert_eq!(
        other("F02", number(90, 17), patient("00123457")),
        Err(Why::OtherPatient)
    );
    assert_eq!(other("F02", number(90, 17), Subject::Hospital), Err(Why::OtherPatient));
}

#[test]
fn one_number_in_two_packs_goes_to_the_patient_its_code_says() {
    let early = sheet("F02", number(90, 17), patient("00123456"));
    let late = sheet("F02", number(90, 17), patient("00999999"));
    let packs = [pack(std::slice::from_ref(&early)), pack(&[early.clone(), late.clone()])];
    let register = Register::gather(&Day::default(), &packs);
    assert_eq!(register.of(&early.form_id).len(), 2);
    assert_eq!(register.sheet(&code(&early, 1, 1)), Ok(&early));
    assert_eq!(register.sheet(&code(&late, 1, 1)), Ok(&late));
}

#[test]
fn what_was_not_known_is_filed_when_it_is() {
    let slip = sheet("F01", number(3, 1), patient("00123456"));
    let mut file = scanned(vec![
        unread(vec![], code(&slip, 1, 1).text().unwrap()),
        unread(vec![], String::new()),
    ]);
    assert!(!file.try_again(&Register::default()));
    let register = Register::gather(&day(std::slice::from_ref(&slip)), &[]);
    assert!(file.try_again(&register));
    assert_eq!(file.pages[0], filed(&slip, 1, 1));
    assert!(matches!(file.pages[1], Page::Unread { .. }));
    assert!(!file.try_again(&register));
}

#[test]
fn neighbours_and_gaps_suggest_but_file_nothing() {
    let sheets: Vec<Issued> = (1..=3)
        .map(|n| sheet("F02", number(90, n), patient(&format!("0000000{n}"))))
        .collect();
    let register = Register::gather(&Day::default(), &[pack(&sheets)]);
    // Between one-page sheets 3 and 1 (a pile turned around) lies number 2.
    let file = scanned(vec![
        filed(&sheets[2], 1, 1),
        unread(vec![], String::new()),
        filed(&sheets[0], 1, 1),
    ]);
    assert_eq!(file.suggestions(2, &register), [(sheets[1].clone(), None)]);
    // After page 1 of 2 comes page 2.
    let file = scanned(vec![filed(&sheets[0], 1, 2), unread(vec![], String::new())]);
    assert_eq!(file.suggestions(2, &register), [(sheets[0].clone(), Some(2))]);
    // A bar code names the sheet.
    let file = scanned(vec![unread(vec![sheets[2].form_id.clone()], String::new())]);
    assert_eq!(file.suggestions(1, &register), [(sheets[2].clone(), None)]);
    for at in [0, 2, u32::MAX] {
        assert!(file.suggestions(at, &register).is_empty());
    }
}

#[test]
fn the_archive_is_sealed_keeps_originals_and_survives_a_torn_record() {
    let dir = tempfile::tempdir().unwrap();
    let hospital = HospitalId([7; 16]);
    let journal = Arc::new(RoleSecret::random(&mut rng()));
    let open = |journal: &Arc<RoleSecret>| Archive::new(Arc::new(Disk), dir.path(), hospital, Arc::clone(journal));
    let archive = open(&journal);
    assert_eq!(archive.contents().unwrap().scanned.len(), 0);
    let original = b"%PDF-1.7 YAMADA HANAKO".repeat(50);
    let sha = archive.keep_original(&original, &mut rng()).unwrap();
    assert_eq!(sha, sha_of(&original));
    assert!(archive.scanned(&sha).is_none(), "an original alone is not taken in");
    let slip = sheet("F01", number(3, 1), patient("00123456"));
    let what = scanned(vec![filed(&slip, 1, 1), unread(vec![number(3, 2)], String::new())]);
    archive.keep_scanned(&sha, &what, &mut rng()).unwrap();
    archive
        .keep_pack(&pack(std::slice::from_ref(&slip)), &mut rng())
        .unwrap();
    let decision = Decision {
        at: Moment(9),
        by: "1001".into(),
        what: Decided::Void {
            sheet: slip,
            reason: "白紙".into(),
        },
    };
    archive.keep_decision(&decision, &mut rng()).unwrap();
    assert_eq!(open(&journal).scanned(&sha), Some(what.clone()));
    assert_eq!(open(&journal).original(&sha), Some(original));
    let contents = archive.contents().unwrap();
    assert_eq!(
        (
            contents.scanned.len(),
            contents.packs.len(),
            contents.decisions.len(),
            contents.closed
        ),
        (1, 1, 1, 0)
    );

    // Nothing readable on the disk, and nothing opens with another key: said, not shown as empty.
    let mut files = Vec::new();
    for kind in ["originals", "files", "packs", "decided"] {
        files.extend(
            std::fs::read_dir(dir.path().join("scans").join(kind))
                .unwrap()
                .map(|e| e.unwrap().path()),
        );
    }
    assert_eq!(files.len(), 4);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(6).any(|six| six == b"YAMADA" || six == b"001234"));
    }
    let stranger = open(&Arc::new(RoleSecret::random(&mut rng())));
    assert_eq!(stranger.contents().unwrap().closed, 3);

    // A crash in the middle of the record: not taken in, and written anew.
    let record = &files[1];
    let whole = std::fs::read(record).unwrap();
    std::fs::write(record, &whole[..whole.len() / 2]).unwrap();
    assert!(archive.scanned(&sha).is_none());
    archive.keep_scanned(&sha, &what, &mut rng()).unwrap();
    assert_eq!(archive.scanned(&sha), Some(what));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn issued_is_returned_and_void_and_missing(fates in prop::collection::vec((0..3_u8, 0..4_u8, 1..4_u8), 0..60)) {
        let sheets: Vec<Issued> =
            (1..).zip(&fates).map(|(n, (node, ..))| sheet("F02", number(90 + node, n), patient(&format!("{n:08}")))).collect();
        let mut contents = Contents::default();
        let mut pages = Vec::new();
        let (mut missing, mut incomplete) = (0, 0);
        for (sheet, (_, fate, of)) in sheets.iter().zip(&fates) {
            match fate {
                0 => missing += 1,
                1 => contents.decisions.push(Decision {
                    at: Moment(3),
                    by: "1001".into(),
                    what: Decided::Void { sheet: sheet.clone(), reason: "白紙".into() },
                }),
                // Only its first page, or all, one of them twice.
                2 => {
                    pages.push(filed(sheet, 1, *of));
                    incomplete += usize::from(*of > 1);
                }
                _ => pages.extend((1..=*of).chain([1]).map(|page| filed(sheet, page, *of))),
            }
        }
        contents.scanned.push(([1; 32], scanned(pages)));
        let register = Register::gather(&Day::default(), &[pack(&sheets)]);
        let balance = Balance::draw(&register, &contents);
        prop_assert_eq!(balance.missing.len(), missing);
        prop_assert_eq!(balance.incomplete.len(), incomplete);
        for block in balance.blocks.values() {
            prop_assert_eq!(block.issued, block.returned + block.void + block.missing());
        }
        prop_assert_eq!(balance.blocks.values().map(|b| b.issued).sum::<usize>(), sheets.len());
        prop_assert_eq!(balance.blocks.values().map(|b| b.missing()).sum::<usize>(), missing);
    }

    #[test]
    fn an_assigned_page_is_back_and_no_longer_unread(page in 1..100_u8) {
        let chart = sheet("F02", number(90, 1), patient("00000001"));
        let mut contents = Contents::default();
        contents.scanned.push(([1; 32], scanned(vec![unread(vec![], String::new())])));
        let register = Register::gather(&Day::default(), &[pack(std::slice::from_ref(&chart))]);
        let before = Balance::draw(&register, &contents);
        prop_assert_eq!((before.unread.len(), before.missing.len()), (1, 1));
        contents.decisions.push(Decision {
            at: Moment(3),
            by: "1001".into(),
            what: Decided::Assigned { file: [1; 32], at: 1, sheet: chart, page },
        });
        let after = Balance::draw(&register, &contents);
        prop_assert_eq!((after.unread.len(), after.missing.len()), (0, 0));
    }
}
