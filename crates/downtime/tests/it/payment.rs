//! 会計の後日精算 from the entry to the paper, the list, and the files for the EHR; and blank sheets whose account balances.

use std::sync::Arc;

use chart::entry::{CareItem, CheckIn, PaymentDeferred, SignedNote};
use chart::{
    Act, Appointment, AsOf, Author, Coded, Diagnosis, Entry, EntryId, ExamOrder, FormId, Known, Moment, PatientId,
    Subject,
};
use downtime::exports::csv::{self, Charset, Identity};
use downtime::exports::retype_list;
use downtime::forms::{
    FORMS, Issue, PaymentRules, Visit, continuation_sheet, label_sheet, patient_sheet, payment_sheet, services_of,
    summary,
};
use downtime::scans::{Balance, Contents, Decided, Decision, Issued, Pack, Page, Register, Scanned};
use downtime::view::{Day, Order, Recorded, lay_over};
use jiff::civil::date;

use crate::hospital::{code, nine, patients};

fn number(sequence: u32) -> FormId {
    FormId::issue(date(2026, 11, 20), 3, sequence).unwrap()
}

fn hanako() -> Subject {
    Subject::Patient(PatientId::parse("00001000").unwrap())
}

/// Entries one minute apart from nine o'clock; the n-th is named n.
fn recorded(acts: Vec<(Subject, Act)>) -> Vec<Recorded> {
    let one = |(n, (subject, act)): (u8, (Subject, Act))| Recorded {
        id: EntryId([n; 32]),
        order: Order {
            hlc: n.into(),
            station: [1; 16],
            incarnation: [1; 8],
            seq: n.into(),
        },
        entry: Entry {
            by: Author {
                user: "7001".into(),
                name: "会計　明".into(),
                role: "accounting".into(),
            },
            written_at: Moment(nine().0 + 60 * i64::from(n)),
            station: code("R03"),
            subject,
            act,
        },
    };
    (1..).zip(acts).map(one).collect()
}

fn check_in(n: u32) -> Act {
    Act::CheckedIn(CheckIn {
        number: format!("A-{n:03}"),
        visit: number(n),
        department: Coded::new("02", "循環器内科"),
        doctor: Coded::default(),
        booked_at: None,
        unbooked: false,
        identity_confirmed: true,
        insurance_seen: true,
        paper_language: None,
    })
}

fn payment(sheet: u32, deposit: Option<u32>) -> PaymentDeferred {
    let service = |name: &str, done| CareItem {
        name: name.into(),
        done,
    };
    PaymentDeferred {
        sheet: number(sheet),
        department: Coded::new("02", "循環器内科"),
        services: vec![service("診察", true), service("採血", true), service("時間外", false)],
        other: "車いすの貸し出し".into(),
        deposit,
        payer: "労災".into(),
        phone: "090-0000-3456".into(),
        from: Some(date(2026, 11, 24)),
        until: Some(date(2026, 12, 11)),
        insurance_seen: true,
    }
}

fn deferred(sheet: u32, deposit: Option<u32>) -> Act {
    Act::PaymentDeferred(Box::new(payment(sheet, deposit)))
}

fn issue() -> Issue {
    Issue {
        hospital: "試験病院".into(),
        mark: "電子カルテ停止中".into(),
        drill: false,
        reissue: false,
        as_of: AsOf::all(nine()),
        stopped_at: Some(nine()),
        seal: "封印".into(),
        station: code("R03"),
        now: nine(),
        form_id: Some(number(9)),
        contact_phone: "0120-000-000".into(),
    }
}

#[test]
fn who_is_here_waits_until_a_payment_follows_and_waits_again_when_it_is_taken_back() {
    let taro = Subject::Patient(PatientId::parse("00001001").unwrap());
    let all = recorded(vec![
        (hanako(), check_in(1)),
        (taro.clone(), check_in(2)),
        (hanako(), deferred(3, Some(3_000))),
        (
            hanako(),
            Act::PaymentUndone {
                entry: EntryId([3; 32]),
                reason: "別の人".into(),
            },
        ),
        (hanako(), deferred(5, None)),
        // A second department on the same day: to be settled again.
        (hanako(), check_in(6)),
    ]);
    let after = |n: usize| {
        let mut day = Day::default();
        // In any order, as parcels arrive.
        day.add(all.iter().take(n).rev().cloned());
        day
    };
    let waiting = |n: usize| -> Vec<String> {
        let day = after(n);
        let all = day.unsettled(nine()).into_iter();
        all.map(|(_, check_in)| check_in.number).collect()
    };
    assert_eq!(waiting(2), ["A-001", "A-002"]);
    assert_eq!(waiting(3), ["A-002"]);
    assert_eq!(waiting(4), ["A-001", "A-002"]);
    assert_eq!(waiting(5), ["A-002"]);
    assert_eq!(waiting(6), ["A-002", "A-006"]);
    assert!(after(6).unsettled(Moment(nine().0 + 86_400)).is_empty(), "another day");
    let day = after(6);
    let standing: Vec<_> = day.payments().map(|(r, p)| (r.id, p.deposit)).collect();
    assert_eq!(standing, [(EntryId([5; 32]), None)]);
    assert!(day.must_be_entered(&EntryId([5; 32])) && !day.must_be_entered(&EntryId([3; 32])));
    assert_eq!(
        day.sheet(&number(5)).unwrap().id,
        EntryId([5; 32]),
        "a scan of the slip finds it"
    );
    let view = lay_over(&hanako(), None, &day, nine());
    assert_eq!(view.payments.len(), 1);
}

#[test]
fn the_slip_says_what_was_ticked_and_the_files_say_the_same() {
    let mut chart = patients(1).remove(0);
    let today = nine().day();
    let exam = |name: &str| ExamOrder {
        on: today,
        at: None,
        exam: Coded::new("", name),
        place: String::new(),
        remarks: String::new(),
        department: Coded::default(),
        number: String::new(),
    };
    chart.orders = vec![exam("採血"), exam("心エコー")];
    chart.appointments = Vec::<Appointment>::new();
    let subject = Subject::Patient(chart.patient.id.clone());
    let entries = recorded(vec![
        (subject.clone(), check_in(1)),
        (subject.clone(), Act::NoteSigned(SignedNote::default())),
        (subject.clone(), deferred(3, Some(3_000))),
    ]);
    let mut day = Day::default();
    day.add(entries.clone());
    let view = lay_over(&subject, Some(Arc::new(chart)), &day, nine());
    let rules = PaymentRules {
        fees: vec!["採血".into(), "時間外".into()],
        phone: String::new(),
        hours: "平日".into(),
        ..PaymentRules::default()
    };
    let offered = services_of(&view, &rules);
    let names: Vec<_> = offered.iter().map(|s| (s.name.as_str(), s.done)).collect();
    assert_eq!(
        names,
        [
            ("診察", true),
            ("採血", false),
            ("心エコー", false),
            ("院外処方", false),
            ("院内処方", false),
            ("時間外", false)
        ],
        "a note is known to have been written; a booked examination is not known to have been done"
    );
    let sheet = payment_sheet(&view, &entries[2], &payment(3, Some(3_000)), &rules, &issue());
    assert_eq!(
        (sheet.form.as_str(), sheet.strip.as_ref().unwrap().id_code.as_str()),
        ("F16", "00001000")
    );
    let body = &sheet.body;
    assert_eq!(body["deposit"], "3,000円");
    assert_eq!(
        (&body["no_deposit"], &body["from"]),
        (&false.into(), &"11月24日（火）".into())
    );
    assert_eq!(
        body["contact"]["phone"], "0120-000-000",
        "no phone of its own: that for appointments"
    );
    let ticks: Vec<_> = body["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["name"].as_str().unwrap(), s["done"].as_bool().unwrap()))
        .collect();
    assert!(ticks.contains(&("時間外", false)) && ticks.contains(&("採血", true)));
    assert_eq!(
        (&body["other"], &body["payer"]),
        (&"車いすの貸し出し".into(), &"労災".into())
    );
    let none = payment_sheet(&view, &entries[2], &payment(3, None), &rules, &issue());
    assert_eq!(
        (&none.body["deposit"], &none.body["no_deposit"]),
        (&serde_json::Value::Null, &true.into())
    );

    let fields = retype_list::fields(&entries[2], &day);
    let said = |label: &str| fields.iter().find(|f| f.label == label).map(|f| f.value.as_str());
    assert_eq!(
        said("行ったこと"),
        Some("診察、採血"),
        "what was not ticked was not done"
    );
    assert_eq!((said("預り金"), said("公費など")), (Some("3,000円"), Some("労災")));
    let mut csv = Vec::new();
    csv::write(&day, Charset::Utf8, &mut csv, &|_| Identity::default()).unwrap();
    let csv = String::from_utf8(csv).unwrap();
    assert!(
        csv.contains("\"後日精算\",\"有効\"") && csv.contains("預り金：3,000円"),
        "{csv}"
    );

    let labels = label_sheet(&view, 40, true, &issue());
    assert_eq!(
        (&labels.body["labels"], &labels.body["wristband"]),
        (&12.into(), &true.into())
    );
}

#[test]
fn a_blank_sheet_is_issued_returned_named_or_void_and_every_block_balances() {
    let sheets: Vec<Issued> = (0..5)
        .map(|n| Issued {
            form_id: number(7_000 + n),
            form: if n == 4 { "F13" } else { "F04" }.into(),
            subject: Subject::Hospital,
        })
        .collect();
    let pack = Pack {
        at: Moment(1),
        by: "9001".into(),
        title: "循環器内科".into(),
        sheets: sheets.clone(),
        blank: true,
    };
    // What was written before there were blank sheets has no such field.
    let old = minicbor::to_vec(&pack).unwrap();
    assert_eq!(minicbor::decode::<Pack>(&old).unwrap(), pack);
    let mut without = old.clone();
    assert_eq!(without.remove(0), 0x85);
    without.insert(0, 0x84);
    assert_eq!(without.pop(), Some(0xF5));
    assert!(!minicbor::decode::<Pack>(&without).unwrap().blank);

    let void = |n: usize, subject: Subject| {
        let act = Act::SheetVoided {
            form_id: sheets[n].form_id.clone(),
            reason: "白紙のままシュレッダー".into(),
        };
        (subject, act)
    };
    let mut day = Day::default();
    // The second is about a sheet of the same number that was issued about somebody: there is none, and nothing becomes void.
    let labels = Act::Printed {
        form: "F15".into(),
        form_id: number(77),
        reissue: false,
    };
    // Labels are cut up: nobody waits for them.
    day.add(recorded(vec![
        void(0, Subject::Hospital),
        void(1, hanako()),
        (hanako(), labels),
    ]));
    let register = Register::gather(&day, &[pack]);
    let filed = |n: usize| Page::Filed {
        sheet: sheets[n].clone(),
        page: 1,
        pages: 1,
    };
    let mut contents = Contents::default();
    contents.scanned.push((
        [1; 32],
        Scanned {
            name: "a.pdf".into(),
            at: Moment(2),
            by: "1001".into(),
            pages: vec![filed(2), filed(3), filed(4)],
            fault: String::new(),
        },
    ));
    let named = |n: usize, subject: Subject, at: i64| Decision {
        at: Moment(at),
        by: "1001".into(),
        what: Decided::Whose {
            sheet: sheets[n].clone(),
            subject,
            reason: String::new(),
        },
    };
    let balance = Balance::draw(&register, &contents);
    assert_eq!(balance.missing, [sheets[1].clone()]);
    assert_eq!(balance.void, [sheets[0].clone()]);
    assert_eq!(
        balance.unnamed,
        [sheets[2].clone(), sheets[3].clone()],
        "a list needs no name"
    );
    let block = balance.blocks[&("26324".to_owned(), 3)];
    assert_eq!(
        (block.issued, block.returned, block.void, block.missing()),
        (5, 3, 1, 1)
    );

    let other = Subject::Patient(PatientId::parse("00001001").unwrap());
    contents.decisions.push(named(2, other, 3));
    contents.decisions.push(named(2, hanako(), 4));
    let balance = Balance::draw(&register, &contents);
    assert_eq!(balance.named, [(sheets[2].clone(), hanako())], "the later word counts");
    assert_eq!(balance.unnamed, [sheets[3].clone()]);
    assert_eq!(register.department(&sheets[1]), "循環器内科");
    assert_eq!(register.voided(&sheets[0]), Some("白紙のままシュレッダー"));
}

#[test]
fn a_screen_never_gives_a_number_that_belongs_to_blank_sheets() {
    let mut day = Day::default();
    day.add(recorded(vec![
        (hanako(), deferred(41, None)),
        (hanako(), deferred(8_500, None)),
    ]));
    let block = downtime::identity::ranges::Block::whole(3).unwrap();
    assert_eq!(day.used_numbers(code("R03"), "C", &block, "26324", 0..10_000).sheet, 41);
}

#[test]
fn what_the_patient_has_not_been_told_is_on_no_paper_for_them() {
    let mut chart = patients(1).remove(0);
    let subject = Subject::Patient(chart.patient.id.clone());
    let diagnosis = |name: &str, uninformed| Diagnosis {
        name: name.into(),
        uninformed,
        ..Diagnosis::default()
    };
    chart.diagnoses = Known::Present(vec![diagnosis("高血圧症", false), diagnosis("胃癌", true)]);
    let entries = recorded(vec![
        (subject.clone(), check_in(1)),
        (subject.clone(), deferred(3, Some(3_000))),
    ]);
    let mut day = Day::default();
    day.add(entries.clone());
    let view = lay_over(&subject, Some(Arc::new(chart.clone())), &day, nine());
    let words = |sheet: &chart::Sheet| serde_json::to_string(&sheet.body).unwrap();
    // Every form there is and one of the hospital's own: of them only the record of the visit stays with staff.
    for form in FORMS.into_iter().chain(["H01"]) {
        let body = words(&patient_sheet(form, &view, &Visit::today(nine()), &issue()));
        assert!(body.contains("高血圧症"), "{form}");
        assert_eq!(body.contains("【未告知】胃癌"), form == "F02", "{form}");
        assert_eq!(body.contains("胃癌"), form == "F02", "{form}");
    }
    for sheet in [
        payment_sheet(
            &view,
            &entries[1],
            &payment(3, None),
            &PaymentRules::default(),
            &issue(),
        ),
        label_sheet(&view, 4, true, &issue()),
        continuation_sheet(&view, &issue()),
    ] {
        assert!(!words(&sheet).contains("胃癌"), "{}", sheet.form);
    }
    assert!(words(&summary(&view, date(2026, 11, 20), &issue())).contains("【未告知】胃癌"));
    // With nothing else left the panel says neither that there is none nor why.
    chart.diagnoses = Known::Present(vec![diagnosis("胃癌", true)]);
    let view = lay_over(&subject, Some(Arc::new(chart)), &day, nine());
    let sheet = patient_sheet("F01", &view, &Visit::today(nine()), &issue());
    assert_eq!(sheet.body["diagnoses"]["state"], "unavailable");
}
