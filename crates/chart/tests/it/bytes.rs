//! Round trips and damage of charts and entries.

use chart::dose::Quantity;
use chart::entry::{
    CareItem, CheckIn, MAX_SHEETS_OF_ONE, Ordered, PageBack, PaymentDeferred, SheetNamed, SheetOut, SheetReturned,
    SheetsIssued, SignedNote,
};
use chart::order::{Amount, Instruction, Item, Order, OrderKind};
use chart::result::Flag;
use chart::stay::{Contact, Due, Handover, Plan, Scheduled, Vital};
use chart::{
    Act, AsOf, Author, Chart, Coded, DataKind, Entry, EntryId, FormId, Known, LabResult, Moment, Name, PatientId,
    PrescriptionItem, StationCode, Stay, Subject,
};
use jiff::civil::{date, time};
use proptest::prelude::*;

/// `chart(Known::NotRecorded)` as the program before inpatients wrote it.
const OLD_RECORD: &str = "018b8a6830303132333435368270f0a0aeb7e794b0e38080ee8080e5ad9075e383a8e382b7e38380e38080e3838fe3838ae382b381826fe9ab99e6a98be38080e88ab1e5ad90601a0129b4f0018080f6606080808201811a013527c3820280820381018202808102821a6afd86c08182071a6aee448080f4";

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

fn coverage() -> chart::Coverage {
    chart::Coverage {
        kind: "国保".into(),
        insurer: "139998".into(),
        symbol: "灯1".into(),
        number: "12345".into(),
        branch: "02".into(),
        member: Some(chart::rx::Member::Dependent),
        burden: Some(chart::rx::Burden::Elderly80),
        share: Some(2),
        public: vec![chart::coverage::PublicPayer {
            payer: "54136015".into(),
            recipient: "1234566".into(),
            valid_until: Some(date(2026, 12, 31)),
        }],
        valid_from: Some(date(2024, 4, 1)),
        valid_until: None,
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
            language: None,
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
        origins: Vec::new(),
        insurances: Known::Present(vec![coverage()]),
        stay: None,
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

/// A chart whose results are given and who lies in a bed, with every part of the stay filled.
fn inpatient() -> Chart {
    let quantity = |n: &str, unit: &str| Quantity::parse(n, unit);
    let scheduled = |name: &str| Scheduled {
        item: PrescriptionItem {
            drug: Coded::new("L1", name),
            per_dose: quantity("0.5", "錠"),
            ..PrescriptionItem::default()
        },
        due: vec![
            Due {
                hour: 8,
                words: String::new(),
            },
            Due {
                hour: 18,
                words: "交換".into(),
            },
        ],
        high_risk: true,
        how: "静注".into(),
    };
    let stay = Stay {
        admitted: Some(date(2026, 11, 9)),
        attending: Coded::new("D1", "佐藤　一郎"),
        diet: Known::Present("絶食".into()),
        isolation: Known::ConfirmedNone { on: None },
        rest: Known::NotRecorded,
        policy: Known::Present(vec!["DNAR".into()]),
        medicines: Known::Present(vec![scheduled("アムロジピン錠5mg")]),
        injections: Known::Present(vec![scheduled("フロセミド注20mg")]),
        vitals: Known::Present(vec![Vital {
            at: Some(time(6, 0, 0, 0)),
            pulse: "88".into(),
            ..Vital::default()
        }]),
        plans: Known::Present(vec![Plan {
            when: "11-27".into(),
            what: "退院".into(),
        }]),
        handovers: Known::Present(vec![Handover {
            text: "眠れた".into(),
            ..Handover::default()
        }]),
        contacts: Known::Present(vec![Contact {
            name: "山田　一".into(),
            ..Contact::default()
        }]),
        ..Stay::at(Coded::new("5E", "5階東"), "501", "1")
    };
    Chart {
        stay: Some(stay),
        as_of: AsOf {
            at: Moment(1_795_000_000),
            apart: vec![(DataKind::Stay, Moment(1_795_000_600))],
        },
        ..chart(Known::NotRecorded)
    }
}

#[test]
fn a_stay_comes_back_whole() {
    let before = inpatient();
    let mut bytes = Vec::new();
    before.to_bytes(&mut bytes).unwrap();
    assert_eq!(Chart::from_bytes(&bytes).unwrap(), before);
}

/// A record as programs wrote it before inpatients and insurances, kept as bytes so that no change of the types can carry it along.
#[test]
fn records_from_before_inpatients_and_insurances_are_read() {
    let old: Vec<u8> = (0..OLD_RECORD.len() / 2)
        .map(|at| u8::from_str_radix(&OLD_RECORD[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let read = Chart::from_bytes(&old).unwrap();
    let meant = Chart {
        stay: None,
        insurances: Known::Unavailable { since: None },
        ..chart(Known::NotRecorded)
    };
    assert_eq!(read, meant);
}

#[test]
fn a_newer_version_says_so() {
    let mut bytes = Vec::new();
    chart(Known::NotRecorded).to_bytes(&mut bytes).unwrap();
    bytes[0] = 3;
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
                when: Some("来院時".into()),
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

/// An item without a time is what it was before items had one, and such an item reads.
#[test]
fn an_item_without_a_time_keeps_its_bytes() {
    let item = Item {
        exam: Coded::new("BLD", "CBC"),
        ehr_order: "O-7".into(),
        when: None,
    };
    let old = b"\x82\x82\x63BLD\x63CBC\x63O-7";
    assert_eq!(minicbor::to_vec(&item).unwrap(), old);
    assert_eq!(minicbor::decode::<Item>(old).unwrap(), item);
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
            paper_language: None,
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
        Act::SheetsIssued(Box::new(SheetsIssued {
            pack: [7; 32],
            part: 1,
            at: Moment(4),
            by: "9001".into(),
            title: "循環器内科".into(),
            blank: true,
            sheets: vec![SheetOut {
                form_id: FormId::issue(date(2026, 11, 20), 3, 7_001).unwrap(),
                form: "F04".into(),
                subject: Subject::Hospital,
            }],
        })),
        Act::SheetReturned(Box::new(SheetReturned {
            form_id: FormId::issue(date(2026, 11, 20), 90, 1).unwrap(),
            form: "F02".into(),
            pages: 2,
            blank: false,
            found: vec![PageBack { page: 2, at: 31 }],
            file: [8; 32],
            name: "scan007.pdf".into(),
            at: Moment(5),
            by: "1001".into(),
        })),
        Act::SheetNamed(Box::new(SheetNamed {
            form_id: FormId::issue(date(2026, 11, 20), 3, 7_001).unwrap(),
            form: "F04".into(),
            at: Moment(6),
            by: "1001".into(),
            replaces: vec![EntryId([4; 32])],
            reason: "紙の氏名は別の人".into(),
        })),
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
    let named = Act::SheetNamed(Box::new(SheetNamed {
        form_id: FormId::issue(date(2026, 11, 20), 3, 1).unwrap(),
        form: "F04".into(),
        at: Moment(0),
        by: String::new(),
        replaces: Vec::new(),
        reason: String::new(),
    }));
    for (act, number) in [(voided, 0x1C_u8), (undone, 0x18), (named, 0x2A)] {
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

#[test]
fn the_longest_part_of_a_register_fits_an_entry() {
    let sheet = SheetOut {
        form_id: FormId::issue(date(2026, 11, 20), 94, 9_999).unwrap(),
        form: "F02".into(),
        subject: Subject::Patient(PatientId::parse(&"9".repeat(20)).unwrap()),
    };
    let act = Act::SheetsIssued(Box::new(SheetsIssued {
        pack: [7; 32],
        part: 0,
        at: Moment(4),
        by: "9001".into(),
        title: "総合診療内科".repeat(20),
        blank: false,
        sheets: vec![sheet; MAX_SHEETS_OF_ONE],
    }));
    let entry = Entry {
        by: Author::default(),
        written_at: Moment(3),
        station: StationCode::parse("R03").unwrap(),
        subject: Subject::Hospital,
        act,
    };
    assert!(entry.to_bytes().is_ok());
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
