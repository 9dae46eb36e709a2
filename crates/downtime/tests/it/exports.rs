//! Exports against golden files in `fixtures/exports/`; `UPDATE=1` refreshes them.

use std::path::PathBuf;

use chart::entry::{CheckIn, Ordered, ProvisionalAppointment, SignedNote, TemporaryPatient};
use chart::note::{Section, SectionKind};
use chart::order::{Amount, Instruction, Item, Order, OrderKind};
use chart::{Act, Author, Coded, Entry, EntryId, FormId, Known, Moment, Name, PatientId, Sex, Subject, TemporaryId};
use downtime::exports::csv::{self, Charset, Identity};
use downtime::exports::{contact_list, retype_list};
use downtime::view::{Day, Order as Place, Recorded};
use jiff::civil::{date, time};

use crate::hospital::{DAY, code, nine};

/// One order of a kind, with the fields that its sheet has.
fn order(kind: OrderKind) -> Ordered {
    let item = |code: &str, name: &str, number: &str| Item {
        exam: Coded::new(code, name),
        ehr_order: number.into(),
        when: None,
    };
    let mut order = Order::empty(kind);
    order.clinical = "慢性心不全".into();
    match kind {
        OrderKind::Laboratory => {
            order.urgent = true;
            order.items = vec![item("BLD", "採血・採尿", "O-77"), item("", "BNP", "")];
            order.other = "髄液の細胞数".into();
            order.material = "血液・尿".into();
        }
        OrderKind::Imaging => {
            order.items = vec![item("", "胸部X線", "")];
            order.part = "正面".into();
        }
        OrderKind::Treatment => {
            order.rows = vec![Instruction {
                when: "診察後".into(),
                name: "フロセミド注 20 mg".into(),
                amount: Some(Amount::read(".5筒").unwrap()),
                route: "静注".into(),
                high_risk: true,
                ..Instruction::default()
            }];
        }
    }
    Ordered {
        sheet: FormId::issue(date(2026, 11, 20), 1, 200 + kind as u32).unwrap(),
        department: Coded::new("02", "循環器内科"),
        doctor: Coded::new("2001", "佐藤　一郎"),
        order,
    }
}

/// A morning of entries, every kind that goes back into the EHR.
fn morning() -> Day {
    let hanako = Subject::Patient(PatientId::parse("00123456").unwrap());
    let stranger = TemporaryId::issue(code("R03"), 1).unwrap();
    let note = |text: &str| SignedNote {
        department: Coded::new("02", "循環器内科"),
        sections: vec![
            Section {
                kind: SectionKind::Subjective,
                text: text.into(),
            },
            Section {
                kind: SectionKind::Plan,
                text: "処方継続\n次回 採血".into(),
            },
        ],
        vitals: vec![("体温".into(), "36.5℃".into())],
        on_paper: false,
    };
    let acts = [
        (
            hanako.clone(),
            Act::CheckedIn(CheckIn {
                number: "A-127".into(),
                visit: FormId::issue(date(2026, 11, 20), 1, 127).unwrap(),
                department: Coded::new("02", "循環器内科"),
                doctor: Coded::new("D1", "佐藤　一郎"),
                booked_at: Some(time(9, 30, 0, 0)),
                unbooked: false,
                identity_confirmed: true,
                insurance_seen: true,
                paper_language: None,
            }),
        ),
        (
            hanako.clone(),
            Act::NoteSigned(note("=息切れは軽い。\"夜\"は眠れる、𠮷")),
        ),
        (
            hanako.clone(),
            Act::NoteCorrected {
                entry: EntryId([2; 32]),
                reason: "左右の誤り".into(),
                note: note("息切れなし"),
            },
        ),
        (
            hanako,
            Act::AppointmentProvisional(ProvisionalAppointment {
                on: date(2026, 12, 18),
                at: Some(time(9, 30, 0, 0)),
                department: Coded::new("02", "循環器内科"),
                doctor: Coded::new("D1", "佐藤　一郎"),
                purpose: "再診".into(),
                exams: "採血".into(),
                phone: "090-0000-3456".into(),
                paper_language: None,
            }),
        ),
        (
            Subject::Temporary(stranger.clone()),
            Act::TemporaryRegistered(TemporaryPatient {
                id: stranger,
                name: Name::new("", "カリノ　タロウ"),
                birth: None,
                estimated_age: "推定60代".into(),
                sex: Sex::Male,
                phone: String::new(),
                reason: "救急".into(),
                allergies: Known::NotRecorded,
                remarks: "灰色の上着".into(),
                department: Coded::default(),
            }),
        ),
        (
            Subject::Patient(PatientId::parse("00123456").unwrap()),
            Act::Ordered(Box::new(order(OrderKind::Laboratory))),
        ),
        (
            Subject::Patient(PatientId::parse("00123456").unwrap()),
            Act::Ordered(Box::new(order(OrderKind::Treatment))),
        ),
        (
            Subject::Patient(PatientId::parse("00123456").unwrap()),
            Act::Ordered(Box::new(order(OrderKind::Imaging))),
        ),
        (
            Subject::Patient(PatientId::parse("00123456").unwrap()),
            Act::OrderVoided {
                entry: EntryId([8; 32]),
                reason: "部位の誤り".into(),
            },
        ),
    ];
    let mut day = Day::default();
    day.add(acts.into_iter().zip(1_u8..).map(|((subject, act), n)| Recorded {
        id: EntryId([n; 32]),
        order: Place {
            hlc: u64::from(n),
            station: [1; 16],
            incarnation: [1; 8],
            seq: u64::from(n),
        },
        entry: Entry {
            by: Author {
                user: "2001".into(),
                name: "佐藤　一郎".into(),
                role: "physician".into(),
            },
            written_at: Moment(nine().0 + i64::from(n) * 60),
            station: code("H01"),
            subject,
            act,
        },
    }));
    day
}

fn golden(name: &str, found: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/exports")
        .join(name);
    #[allow(clippy::disallowed_methods)] // A person asks for new goldens through the environment.
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    let expected = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}; UPDATE=1 makes it", path.display()));
    assert!(
        expected == found,
        "{} differs; look at the change, then UPDATE=1",
        path.display()
    );
}

fn who(subject: &Subject) -> Identity {
    match subject {
        Subject::Patient(_) => Identity {
            kana: "ヤマダ　ハナコ".into(),
            name: "山田　花子".into(),
            birth: "1951-05-12".into(),
        },
        _ => Identity {
            kana: "カリノ　タロウ".into(),
            ..Identity::default()
        },
    }
}

#[test]
fn csv_in_both_character_sets() {
    for (charset, name) in [(Charset::Cp932, "csv/cp932.csv"), (Charset::Utf8, "csv/utf-8.csv")] {
        let mut bytes = Vec::new();
        let written = csv::write(&morning(), charset, &mut bytes, &who).unwrap();
        assert_eq!(written.entries, 9);
        golden(name, &bytes);
    }
}

#[test]
fn the_list_to_retype_has_every_field_in_the_order_of_urgency() {
    let day = morning();
    let mut text = String::new();
    for (recorded, _) in day.to_enter() {
        text.push_str(&format!(
            "== {} {}\n",
            recorded.entry.act.label(),
            recorded.entry.subject.shown()
        ));
        for field in retype_list::fields(&recorded, &day) {
            text.push_str(&format!("{}: {}\n", field.label, field.value));
        }
    }
    golden("retype_list/morning.txt", text.as_bytes());
}

#[test]
fn the_contact_list_says_where_each_line_comes_from() {
    let line = |id: &str, written: &str, kana: &str, phones: &[&str], from| contact_list::Line {
        on: DAY,
        at: Some(time(9, 30, 0, 0)),
        department: ("01".into(), "循環器内科".into()),
        doctor: "佐藤　一郎".into(),
        name: Name::new(written, kana),
        birth: (id != "K-001").then(|| date(1951, 5, 12)),
        id: id.into(),
        phones: phones.iter().map(|phone| (*phone).to_owned()).collect(),
        from,
    };
    let lines = [
        line(
            "00123456",
            "山田　花子",
            "ヤマダ　ハナコ",
            &["090-0000-0001", "=1+1"],
            contact_list::From::Snapshot,
        ),
        line("K-001", "", "カリノ　タロウ", &[], contact_list::From::Entries),
    ];
    let mut bytes = Vec::new();
    contact_list::csv(&lines, Moment::from_local(DAY.at(8, 45, 0, 0)), &mut bytes).unwrap();
    golden("contact_list/two.csv", &bytes);
}
