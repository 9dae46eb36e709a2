//! Returned paper known at every station: two stations exchange parcels, and both draw up the same account.

use chart::{Act, FormId, Moment, PatientId, Subject};
use downtime::extract::Guard;
use downtime::scans::{Archive, Balance, Decided, Issued, Pack, Page, Register, Scanned, Why};
use downtime::stations::{Session, Station};
use downtime::view::lay_over;
use vault::slot::Credentials;

use crate::hospital::{DAY, Hospital, PASSWORD, patients, rng, sealed_file};

fn subject(n: usize) -> Subject {
    Subject::Patient(PatientId::parse(&format!("{:08}", 1000 + n)).unwrap())
}

fn sheet(form: &str, node: u8, n: u32, subject: Subject) -> Issued {
    Issued {
        form_id: FormId::issue(DAY, node, n).unwrap(),
        form: form.into(),
        subject,
    }
}

fn filed(sheet: &Issued, page: u8, pages: u8) -> Page {
    Page::Filed {
        sheet: sheet.clone(),
        page,
        pages,
    }
}

fn account(session: &Session) -> Balance {
    let archive = session.scans().unwrap();
    let contents = archive.contents().unwrap();
    let register = Register::gather(&session.day(), &contents.packs);
    Balance::draw(&register, &contents)
}

fn counts(balance: &Balance) -> [usize; 4] {
    let sum = |of: fn(&downtime::scans::Block) -> usize| balance.blocks.values().map(of).sum::<usize>();
    [
        sum(|block| block.issued),
        sum(|block| block.returned),
        sum(|block| block.void),
        sum(downtime::scans::Block::missing),
    ]
}

fn exchange(one: &Station, other: &Station) {
    one.take(&other.missing(&one.heads())).unwrap();
    other.take(&one.missing(&other.heads())).unwrap();
}

fn scan(archive: &Archive, name: &str, pages: Vec<Page>) {
    let sha = archive.keep_original(name.as_bytes(), &mut rng()).unwrap();
    let scanned = Scanned {
        name: name.into(),
        at: Moment(2),
        by: "1001".into(),
        pages,
        fault: String::new(),
    };
    archive.keep_scanned(&sha, &scanned, &mut rng()).unwrap();
}

fn whose(sheet: &Issued, subject: Subject, reason: &str) -> Decided {
    Decided::Whose {
        sheet: sheet.clone(),
        subject,
        reason: reason.into(),
    }
}

#[test]
fn issued_returned_and_missing_are_the_same_at_both_stations() {
    let hospital = Hospital::new();
    hospital.seal(patients(10), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let sign_in =
        |station: &std::sync::Arc<Station>| station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
    let (at_hub, at_ward) = (sign_in(&hub), sign_in(&ward));
    // The hub printed a pack of 900 charts and four blank prescriptions: neither stands in an entry.
    let charts: Vec<Issued> = (1..=900).map(|n| sheet("F02", 90, n, subject(n as usize))).collect();
    let blanks: Vec<Issued> = (1..=4).map(|n| sheet("F04", 1, 7_000 + n, Subject::Hospital)).collect();
    let pack = |title: &str, sheets: &[Issued], blank| Pack {
        at: Moment(1),
        by: "9001".into(),
        title: title.into(),
        sheets: sheets.to_vec(),
        blank,
    };
    let hubs = at_hub.scans().unwrap();
    hubs.keep_pack(&pack("循環器内科", &charts, false), &mut rng()).unwrap();
    hubs.keep_pack(&pack("救急", &blanks, true), &mut rng()).unwrap();
    assert_eq!(at_hub.tell_of_paper().unwrap(), 4, "three parts and the blanks");
    exchange(&hub, &ward);
    assert_eq!(counts(&account(&at_ward)), [904, 0, 0, 904]);

    // The ward's station scans: a chart of two pages, a blank one, and a page that only a person can read.
    let wards = at_ward.scans().unwrap();
    let unread = Page::Unread {
        why: Why::NoCode,
        hints: vec![],
        preview: vec![1],
        code: String::new(),
    };
    let pages = vec![
        filed(&charts[0], 2, 2),
        Page::Blank,
        filed(&charts[0], 1, 2),
        filed(&blanks[0], 1, 1),
        unread,
    ];
    scan(&wards, "scan007.pdf", pages);
    assert_eq!(at_ward.tell_of_paper().unwrap(), 2, "one entry for each sheet");
    assert_eq!(at_ward.tell_of_paper().unwrap(), 0, "told once");
    exchange(&hub, &ward);
    for session in [&at_hub, &at_ward] {
        let balance = account(session);
        assert_eq!(counts(&balance), [904, 2, 0, 902]);
        assert_eq!(balance.unnamed, [blanks[0].clone()]);
        assert!(!balance.missing.contains(&charts[0]) && balance.incomplete.is_empty());
        let view = lay_over(&subject(1), None, &session.day(), session.station().now());
        let [paper] = view.papers.as_slice() else {
            panic!("{:?}", view.papers)
        };
        assert_eq!(paper.pictures[0].station.to_string(), "R03");
        assert_eq!(paper.pictures[0].name, "scan007.pdf");
        let places: Vec<(u8, u32)> = paper.pictures[0].pages.iter().map(|p| (p.page, p.at)).collect();
        assert_eq!(places, [(1, 3), (2, 1)]);
    }
    // Only the station with the picture asks a person.
    assert_eq!((account(&at_hub).unread.len(), account(&at_ward).unread.len()), (0, 1));

    // A person assigns the unread page, one sheet is void, one blank has a name: all of it by commands at the ward.
    let file = downtime::scans::sha_of(b"scan007.pdf");
    let assigned = Decided::Assigned {
        file,
        at: 5,
        sheet: charts[1].clone(),
        page: 1,
    };
    at_ward.decide_scan(assigned).unwrap();
    let void = Decided::Void {
        sheet: charts[2].clone(),
        reason: "白紙".into(),
    };
    at_ward.decide_scan(void).unwrap();
    at_ward.decide_scan(whose(&blanks[0], subject(3), "")).unwrap();
    assert_eq!(at_ward.tell_of_paper().unwrap(), 3);
    exchange(&hub, &ward);
    for session in [&at_hub, &at_ward] {
        let balance = account(session);
        assert_eq!(counts(&balance), [904, 3, 1, 900]);
        assert_eq!(balance.named, [(blanks[0].clone(), subject(3))]);
        let view = lay_over(&subject(3), None, &session.day(), session.station().now());
        let [paper] = view.papers.as_slice() else {
            panic!("{:?}", view.papers)
        };
        assert_eq!(
            paper.pictures[0].pages[0].at, 4,
            "a blank one's picture is found through its number"
        );
        assert!(paper.withdrawn.is_none());
    }
    let live = downtime::stations::read_entries(
        &vault::files::Disk,
        &hospital.data("H01"),
        &hospital.roster,
        crate::hospital::code("H01"),
        &hospital.journal,
    );
    // The command at the hub reads the same from the files.
    let register = Register::gather(&live.unwrap().day(), &hubs.contents().unwrap().packs);
    assert_eq!(
        counts(&Balance::draw(&register, &hubs.contents().unwrap())),
        [904, 3, 1, 900]
    );
}

#[test]
fn a_name_decided_anew_replaces_and_two_that_did_not_know_of_one_another_wait_for_a_person() {
    let hospital = Hospital::new();
    hospital.seal(patients(10), Guard::default()).unwrap();
    let (hub, ward) = (hospital.start("H01"), hospital.start("R03"));
    ward.shelf().receive(&mut sealed_file(hub.shelf()).as_slice()).unwrap();
    let sign_in =
        |station: &std::sync::Arc<Station>| station.sign_in("1001", &Credentials::Password(PASSWORD)).unwrap();
    let (at_hub, at_ward) = (sign_in(&hub), sign_in(&ward));
    let blank = sheet("F04", 3, 7_001, Subject::Hospital);
    let pack = Pack {
        at: Moment(1),
        by: "9001".into(),
        title: "救急".into(),
        sheets: vec![blank.clone()],
        blank: true,
    };
    let wards = at_ward.scans().unwrap();
    wards.keep_pack(&pack, &mut rng()).unwrap();
    scan(&wards, "a.pdf", vec![filed(&blank, 1, 1)]);
    at_ward.decide_scan(whose(&blank, subject(1), "")).unwrap();
    at_ward.tell_of_paper().unwrap();
    exchange(&hub, &ward);

    // The same station decides anew, with a reason: the earlier word no longer holds and stays readable.
    hospital.clock.fetch_add(60, std::sync::atomic::Ordering::SeqCst);
    at_ward
        .decide_scan(whose(&blank, subject(2), "紙の氏名は別の人"))
        .unwrap();
    at_ward.tell_of_paper().unwrap();
    exchange(&hub, &ward);
    for session in [&at_hub, &at_ward] {
        assert_eq!(account(session).named, [(blank.clone(), subject(2))]);
        let day = session.day();
        let register = Register::gather(&day, &[]);
        assert_eq!(register.namings(&blank.form_id).len(), 2);
        assert_eq!(register.holding(&blank.form_id)[0].reason, "紙の氏名は別の人");
        let before = lay_over(&subject(1), None, &day, session.station().now());
        let withdrawn = before.papers[0].withdrawn.as_ref().unwrap();
        assert_eq!(
            withdrawn.entry.subject,
            subject(2),
            "whose it is now is known from whose it was"
        );
    }

    // The line is cut; both stations decide anew, each from what it knows.
    hospital.clock.fetch_add(60, std::sync::atomic::Ordering::SeqCst);
    let say = |session: &Session, n: usize| {
        let register = Register::gather(&session.day(), &[]);
        let replaces = register
            .holding(&blank.form_id)
            .iter()
            .map(|naming| naming.entry)
            .collect();
        drop(register);
        let act = Act::SheetNamed(Box::new(chart::entry::SheetNamed {
            form_id: blank.form_id.clone(),
            form: blank.form.clone(),
            at: session.station().now(),
            by: "1001".into(),
            replaces,
            reason: "読み直した".into(),
        }));
        session.record_blocking(subject(n), act).unwrap()
    };
    say(&at_hub, 3);
    say(&at_ward, 4);
    exchange(&hub, &ward);
    for session in [&at_hub, &at_ward] {
        let balance = account(session);
        assert_eq!(balance.disputed, [(blank.clone(), vec![subject(3), subject(4)])]);
        assert!(balance.named.is_empty() && balance.unnamed.is_empty());
        assert_eq!(counts(&balance), [1, 1, 0, 0], "it is back, whoever it is of");
    }
    say(&at_hub, 4);
    exchange(&hub, &ward);
    for session in [&at_hub, &at_ward] {
        let balance = account(session);
        assert_eq!(balance.named, [(blank.clone(), subject(4))]);
        assert!(balance.disputed.is_empty());
    }
    // An older decision of the archive that was told before says nothing new.
    assert_eq!(at_ward.tell_of_paper().unwrap(), 0);
}
