//! Round trips and damage of charts and entries.

use chart::entry::{CheckIn, Ordered, SignedNote};
use chart::order::{Amount, Instruction, Item, Order, OrderKind};
use chart::result::Flag;
use chart::{
    Act, AsOf, Author, Chart, Coded, DataKind, Entry, EntryId, FormId, Known, LabResult, Moment, Name, PatientId,
    StationCode, Subject,
};
use jiff::civil::{date, time};
use proptest::prelude::*;

fn result(n: usize) -> LabResult {
    LabResult {
        name: ["BNP", "K", "Cr"][n % 3].into(),
        value: format!("{n}.{n}"),
        unit: "mg/dL".into(),
        flag: [None, Some(Flag::High), Some(Flag::Low)][n % 3],
        reference: "0.4–0.8".into(),
        on: Some(date(2026, 10, 2)),
        at: n.is_multiple_of(2).then(|| time(8, 50, 0, 0)),
        code: format!("C{n}"),
    }
}

fn chart(results: Known<Vec<LabResult>>) -> Chart {
    Chart {
        patient: chart::Patient {
            id: PatientId::parse("00123456").unwrap(),
            name: Name::new("𠮷田　\u{E000}子", "ヨシダ　ハナコ"),
            former_names: vec![Name::new("髙橋　花子", "")],
            birth: Some(date(1951, 5, 12)),
            sex: chart::Sex::Female,
            phones: Vec::new(),
            facts: Vec::new(),
            died: None,
            address: String::new(),
            insurance: String::new(),
        },
        appointments: Vec::new(),
        orders: Vec::new(),
        allergies: Known::ConfirmedNone {
            on: Some(date(2026, 8, 3)),
        },
        diagnoses: Known::NotRecorded,
        notes: Known::Unavailable { since: Some(Moment(1)) },
        prescriptions: Known::NotRecorded,
        results,
        as_of: AsOf {
            at: Moment(1_795_000_000),
            apart: vec![(DataKind::Result, Moment(1_794_000_000))],
        },
        findings: Vec::new(),
        thin: false,
    }
}

#[test]
fn results_in_columns_come_back_in_every_state() {
    let states = [
        Known::Present((0..20).map(result).collect()),
        Known::Present(vec![result(1)]),
        Known::Present(vec![result(1); 3]),
        Known::Present(Vec::new()),
        Known::ConfirmedNone {
            on: Some(date(2026, 8, 3)),
        },
        Known::ConfirmedNone { on: None },
        Known::NotRecorded,
        Known::Unavailable { since: Some(Moment(5)) },
        Known::Unavailable { since: None },
    ];
    for state in states {
        let before = chart(state);
        let mut bytes = Vec::new();
        before.to_bytes(&mut bytes).unwrap();
        assert_eq!(Chart::from_bytes(&bytes).unwrap(), before);
    }
}

#[test]
fn a_newer_version_says_so() {
    let mut bytes = Vec::new();
    chart(Known::NotRecorded).to_bytes(&mut bytes).unwrap();
    bytes[0] = 2;
    assert!(Chart::from_bytes(&bytes).unwrap_err().to_string().contains("新しい版"));
    assert!(Chart::from_bytes(&[]).is_err());
}

#[test]
fn truncation_is_an_error_and_never_a_panic() {
    let mut bytes = Vec::new();
    chart(Known::Present((0..5).map(result).collect()))
        .to_bytes(&mut bytes)
        .unwrap();
    for end in 0..bytes.len() {
        // Trailing fields may be absent (old records); anything else is an error. Neither panics.
        let _ = Chart::from_bytes(&bytes[..end]);
    }
    assert!(Chart::from_bytes(&bytes[..bytes.len() / 2]).is_err());
}

/// One order with every field filled.
fn ordered() -> Ordered {
    Ordered {
        sheet: FormId::issue(date(2026, 11, 20), 3, 2).unwrap(),
        department: Coded::new("02", "循環器内科"),
        doctor: Coded::new("2001", "佐藤　一郎"),
        order: Order {
            kind: OrderKind::Treatment,
            urgent: true,
            clinical: "心不全".into(),
            items: vec![Item {
                exam: Coded::new("BLD", "血算"),
                ehr_order: "O-77".into(),
            }],
            other: "髄液".into(),
            part: "胸部".into(),
            material: "血液".into(),
            rows: vec![Instruction {
                when: "11-20 10:30".into(),
                name: "フロセミド注 20 mg".into(),
                amount: Some(Amount::read("0.5 筒").unwrap()),
                dilution: "原液".into(),
                route: "静注".into(),
                rate: "1分以上".into(),
                comment: "血圧を見て".into(),
                high_risk: true,
                tag: "利尿".into(),
            }],
        },
    }
}

#[test]
fn the_bytes_of_an_order_stay_what_they_are() {
    let entry = |act| {
        let by = Author {
            user: "1".into(),
            ..Author::default()
        };
        let entry = Entry {
            by,
            written_at: Moment(3),
            station: StationCode::parse("R03").unwrap(),
            subject: Subject::Hospital,
            act,
        };
        let bytes = entry.to_bytes().unwrap();
        bytes.iter().map(|b| format!("{b:02x}")).collect::<String>()
    };
    let order = Ordered {
        order: Order {
            kind: OrderKind::Imaging,
            part: "R".into(),
            ..Order::empty(OrderKind::Imaging)
        },
        department: Coded::new("02", ""),
        ..ordered()
    };
    let reason = "x".into();
    let void = Act::OrderVoided {
        entry: EntryId([9; 32]),
        reason,
    };
    // Version, author, time, station, subject, then act 21 and 22 with numbered fields: what other stations and later programs read.
    let head = "0185836131606003635230338202808215";
    let body =
        "81846c32363332343033303030323082623032608264323030316fe4bd90e897a4e38080e4b880e9838e8801f460806061526080";
    assert_eq!(entry(Act::Ordered(Box::new(order))), format!("{head}{body}"));
    let named = "09".repeat(32);
    assert_eq!(entry(void), format!("{}16825820{named}6178", &head[..head.len() - 2]));
}

#[test]
fn entries_come_back() {
    let station = StationCode::parse("R03").unwrap();
    let acts = [
        Act::CheckedIn(CheckIn {
            number: "A-001".into(),
            visit: FormId::issue(date(2026, 11, 20), 3, 1).unwrap(),
            department: Coded::new("01", "内科"),
            doctor: Coded::default(),
            booked_at: Some(time(9, 30, 0, 0)),
            unbooked: false,
            identity_confirmed: true,
            insurance_seen: false,
        }),
        Act::NoteSigned(SignedNote {
            vitals: vec![("体温".into(), "36.5℃".into())],
            ..SignedNote::default()
        }),
        Act::EnteredInEhr {
            entry: EntryId([9; 32]),
            at: Moment(7),
        },
        Act::Ordered(Box::new(ordered())),
        Act::OrderVoided {
            entry: EntryId([9; 32]),
            reason: "別の患者".into(),
        },
    ];
    for act in acts {
        let entry = Entry {
            by: Author {
                user: "1".into(),
                name: "花".into(),
                role: "reception".into(),
            },
            written_at: Moment(3),
            station,
            subject: Subject::Patient(PatientId::parse("1").unwrap()),
            act,
        };
        assert_eq!(Entry::from_bytes(&entry.to_bytes().unwrap()).unwrap(), entry);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut charted = vec![1];
        charted.extend_from_slice(&bytes);
        let _ = Chart::from_bytes(&charted);
        let _ = Entry::from_bytes(&charted);
    }

    #[test]
    fn one_flipped_bit_never_panics(at in 0_usize..600, bit in 0_u8..8) {
        let mut bytes = Vec::new();
        chart(Known::Present((0..8).map(result).collect())).to_bytes(&mut bytes).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let _ = Chart::from_bytes(&bytes);
    }
}
