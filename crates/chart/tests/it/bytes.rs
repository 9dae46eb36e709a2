//! Round trips and damage of charts and entries.

use chart::entry::{CareItem, CheckIn, PaymentDeferred, SignedNote};
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
        Act::PaymentDeferred(Box::new(PaymentDeferred {
            sheet: FormId::issue(date(2026, 11, 20), 3, 2).unwrap(),
            department: Coded::new("01", "内科"),
            services: vec![
                CareItem {
                    name: "診察".into(),
                    done: true,
                },
                CareItem {
                    name: "時間外".into(),
                    done: false,
                },
            ],
            other: "車いすで来院".into(),
            deposit: Some(3_000),
            payer: "労災".into(),
            phone: "090-0000-3456".into(),
            from: Some(date(2026, 11, 24)),
            until: None,
            insurance_seen: true,
        })),
        Act::PaymentUndone {
            entry: EntryId([4; 32]),
            reason: "金額の打ち間違い".into(),
        },
        Act::SheetVoided {
            form_id: FormId::issue(date(2026, 11, 20), 3, 8_001).unwrap(),
            reason: "白紙のままシュレッダー".into(),
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

/// The bytes that stand in journals: a number that moves is a record that nobody can read any more.
#[test]
fn the_numbers_of_new_acts_stay() {
    let voided = Act::SheetVoided {
        form_id: FormId::issue(date(2026, 11, 20), 3, 1).unwrap(),
        reason: "x".into(),
    };
    let undone = Act::PaymentUndone {
        entry: EntryId([0; 32]),
        reason: "x".into(),
    };
    for (act, number) in [(voided, 0x1C_u8), (undone, 0x18)] {
        let bytes = minicbor::to_vec(&act).unwrap();
        // An array of two: the act's number (above 23 in a byte of its own), then its fields.
        assert_eq!(bytes[..3], [0x82, 0x18, number], "{act:?}");
    }
    // A slip without the fields that came last.
    let short = b"\x82\x17\x81\x83\x6c263243000012\x82\x60\x60\x80";
    let Ok(Act::PaymentDeferred(read)) = minicbor::decode::<Act>(short) else {
        panic!("fields that are absent have their default");
    };
    assert_eq!((read.deposit, read.from, read.phone.as_str()), (None, None, ""));
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
