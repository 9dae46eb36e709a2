//! Orders laid over a chart and filled into their sheets; the fold does not mind in which order entries come.

use std::sync::Arc;

use chart::entry::{CheckIn, Ordered};
use chart::order::{Amount, Instruction, Item, MAX_ITEMS, Order, OrderKind};
use chart::{
    Act, Allergy, AsOf, Author, Chart, Coded, Entry, EntryId, FormId, Known, LabResult, Moment, Sheet, StationCode,
    Subject,
};
use downtime::forms::{Issue, OrderLists, before_imaging, continuation_sheet, order_sheet};
use downtime::view::{Day, Order as Place, Recorded, View, lay_over};
use jiff::civil::date;
use serde_json::{Value, json};

use crate::hospital::{nine, patient};

fn who() -> (Subject, Chart) {
    let chart = patient("00123456", "山田　花子", "ヤマダ　ハナコ", 9);
    (Subject::Patient(chart.patient.id.clone()), chart)
}

fn department() -> Coded {
    Coded::new("01", "循環器内科")
}

fn ordered(n: u32, order: Order) -> Act {
    Act::Ordered(Box::new(Ordered {
        sheet: FormId::issue(date(2026, 11, 20), 1, n).unwrap(),
        department: department(),
        doctor: Coded::new("2001", "佐藤　一郎"),
        order,
    }))
}

fn ticked(kind: OrderKind, names: &[&str]) -> Order {
    let item = |name: &&str| Item {
        exam: Coded::new("", *name),
        ehr_order: String::new(),
        when: None,
    };
    Order {
        items: names.iter().map(item).collect(),
        ..Order::empty(kind)
    }
}

/// One entry a minute, by somebody of this name.
fn entries(by: &str, acts: Vec<Act>) -> Vec<Recorded> {
    let entry = |(act, n): (Act, u8)| Recorded {
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
                name: by.into(),
                role: "physician".into(),
            },
            written_at: Moment(nine().0 + i64::from(n) * 60),
            station: StationCode::parse("H01").unwrap(),
            subject: who().0,
            act,
        },
    };
    acts.into_iter().zip(1..).map(entry).collect()
}

fn view(chart: Chart, entries: Vec<Recorded>, now: Moment) -> View {
    let mut day = Day::default();
    day.add(entries);
    lay_over(&who().0, Some(Arc::new(chart)), &day, now)
}

fn issue() -> Issue {
    Issue {
        hospital: "あかりの市立総合病院".into(),
        mark: "電子カルテ停止中".into(),
        drill: false,
        reissue: false,
        as_of: AsOf::default(),
        stopped_at: Some(nine()),
        seal: String::new(),
        station: StationCode::parse("H01").unwrap(),
        now: nine(),
        form_id: None,
        contact_phone: String::new(),
    }
}

/// The sheet of the only order.
fn sheet(chart: Chart, by: &str, order: Order, lists: &OrderLists) -> Sheet {
    let view = view(chart, entries(by, vec![ordered(1, order)]), nine());
    let order = &view.orders[0];
    order_sheet(&view, &order.recorded, &order.ordered, lists, &issue())
}

fn names(body: &Value, on: bool) -> Vec<String> {
    let items = body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["on"] == json!(on));
    items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_order_and_its_cancelling_are_the_same_in_whatever_order_they_come() {
    let void = |entry| Act::OrderVoided {
        entry: EntryId([entry; 32]),
        reason: "別の患者".into(),
    };
    let acts = vec![
        ordered(1, ticked(OrderKind::Laboratory, &["血算"])),
        ordered(2, ticked(OrderKind::Imaging, &["心電図"])),
        void(1),
        // A second one, by somebody who did not know of the first: the first counts.
        void(1),
    ];
    let all = entries("佐藤　一郎", acts);
    for turn in 0..all.len() {
        let mut turned = all.clone();
        turned.rotate_left(turn);
        let (mut forward, mut backward) = (Day::default(), Day::with_open(1));
        forward.add(turned.clone());
        for recorded in turned.into_iter().rev() {
            backward.add([recorded]);
        }
        for day in [forward, backward] {
            let view = lay_over(&who().0, None, &day, nine());
            let voided: Vec<_> = view.orders.iter().map(|o| o.voided.as_ref().map(|r| r.id)).collect();
            assert_eq!(voided, [Some(EntryId([3; 32])), None]);
            let waiting: Vec<EntryId> = day.to_enter().iter().map(|(r, _)| r.id).collect();
            assert_eq!(waiting, [EntryId([2; 32])], "what was cancelled needs no typing in");
            assert_eq!(day.rest_to_enter(), 1);
            assert!(
                day.sheet(&view.orders[0].ordered.sheet).is_some(),
                "its paper still has an owner"
            );
            let used = day.used_numbers(
                StationCode::parse("H01").unwrap(),
                "A",
                &downtime::identity::ranges::Block::whole(1).unwrap(),
                view.orders[1].ordered.sheet.day_part(),
                0..10_000,
            );
            assert_eq!(used.sheet, 2, "no number is given twice");
        }
    }
}

#[test]
fn todays_orders_are_those_of_this_visit() {
    let all = entries("佐藤　一郎", vec![ordered(1, ticked(OrderKind::Laboratory, &["血算"]))]);
    let hours = |n: i64| Moment(nine().0 + n * 3600);
    for (now, there) in [(hours(1), 1), (hours(8), 1), (hours(30), 0)] {
        let (_, chart) = who();
        assert_eq!(
            view(chart, all.clone(), now).orders_today().count(),
            there,
            "{}",
            now.text()
        );
    }
    // Ordered at 21:00, and it is 2:00: the same visit.
    let mut late = all;
    late[0].entry.written_at = hours(12);
    assert_eq!(view(who().1, late, hours(17)).orders_today().count(), 1);
}

#[test]
fn a_time_stands_once_where_it_is_the_same_and_beside_each_where_it_is_not() {
    let lists = OrderLists::built_in().unwrap();
    let with = |times: [Option<&str>; 2], kind| {
        let mut order = ticked(kind, &["血算", "特別な検査"]);
        for (item, when) in order.items.iter_mut().zip(times) {
            item.when = when.map(str::to_owned);
        }
        assert_eq!(order.check(), []);
        sheet(who().1, "佐藤　一郎", order, &lists).body
    };
    // The list decides in which order they stand.
    let said = |body: &Value| {
        let items = body["items"].as_array().unwrap();
        let of = |name: &str| items.iter().find(|item| item["name"] == json!(name)).unwrap()["when"].clone();
        (body["when"].clone(), vec![of("血算"), of("特別な検査")])
    };
    let (arriving, after) = (Some("来院時"), Some("診察後"));
    for kind in [OrderKind::Laboratory, OrderKind::Imaging] {
        assert_eq!(
            said(&with([arriving, arriving], kind)),
            (json!("来院時"), vec![Value::Null; 2])
        );
        assert_eq!(
            said(&with([arriving, after], kind)),
            (Value::Null, vec![json!("来院時"), json!("診察後")])
        );
        assert_eq!(
            said(&with([arriving, None], kind)),
            (Value::Null, vec![json!("来院時"), Value::Null])
        );
        assert_eq!(said(&with([None, None], kind)), (Value::Null, vec![Value::Null; 2]));
    }
    let rows = with([arriving, None], OrderKind::Treatment);
    let rows: Vec<&Value> = rows["orders"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["when"])
        .collect();
    assert_eq!(rows, [&json!("来院時"), &Value::Null]);
    let mut empty = ticked(OrderKind::Laboratory, &["血算"]);
    empty.items[0].when = Some(" ".into());
    assert!(!empty.check().is_empty(), "an empty time would be printed as one");
}

#[test]
fn a_laboratory_sheet_has_the_departments_grid_and_every_tick() {
    let lists = OrderLists::built_in().unwrap();
    let mut order = ticked(
        OrderKind::Laboratory,
        &["採血・採尿（電子カルテの依頼）", "血算", "CRP"],
    );
    order.urgent = true;
    order.material = "血液".into();
    let sheet = sheet(who().1, "佐藤　一郎", order, &lists);
    assert_eq!(sheet.form, "F07");
    let body = &sheet.body;
    assert_eq!(names(body, true), ["採血・採尿（電子カルテの依頼）", "血算", "CRP"]);
    assert_eq!(
        body["items"].as_array().unwrap().len(),
        MAX_ITEMS,
        "one of the list gives way"
    );
    assert_eq!(
        (body["urgent"].clone(), body["material"].clone()),
        (json!(true), json!("血液"))
    );
    assert_eq!(body["doctor"], "佐藤　一郎");
    assert_eq!(body["ordered_by"], Value::Null, "in their own name");
    assert_eq!(body["return_to"], "循環器内科 2階 C受付");
    assert_eq!(body["results"][0], json!({"name": "WBC", "unit": "×10³/µL"}));
    let full: Vec<String> = (0..MAX_ITEMS).map(|n| format!("特別な検査{n}")).collect();
    let full: Vec<&str> = full.iter().map(String::as_str).collect();
    let body = self::sheet(who().1, "鈴木　光", ticked(OrderKind::Laboratory, &full), &lists).body;
    assert_eq!(names(&body, true), full, "nothing that was ticked is left out");
    assert!(names(&body, false).is_empty());
    assert_eq!(body["ordered_by"], "鈴木　光（口頭指示を入力）");
    let free = self::sheet(
        who().1,
        "佐藤　一郎",
        ticked(OrderKind::Laboratory, &["血算"]),
        &OrderLists::parse("").unwrap(),
    );
    assert_eq!(names(&free.body, true), ["血算"]);
    assert_eq!(
        free.body["results"].as_array().unwrap().len(),
        12,
        "rows to write the names in"
    );
}

#[test]
fn an_image_says_allergies_kidneys_and_pregnancy_or_that_nobody_knows() {
    let lists = OrderLists::built_in().unwrap();
    let order = || Order {
        part: "胸部〜骨盤".into(),
        other: "膝の立位".into(),
        ..ticked(OrderKind::Imaging, &["造影CT"])
    };
    let labels = |body: &Value| -> Vec<(String, String)> {
        let facts = body["facts"].as_array().unwrap().iter();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        facts.map(|fact| (text(&fact["label"]), text(&fact["value"]))).collect()
    };
    let (_, mut chart) = who();
    chart.patient.facts.clear();
    chart.patient.birth = Some(date(1995, 8, 15));
    chart.results = Known::Unavailable { since: None };
    let body = sheet(chart.clone(), "佐藤　一郎", order(), &lists).body;
    assert_eq!(body["allergy"]["state"], "not_recorded");
    assert_eq!(
        labels(&body),
        [
            ("eGFR・Cr".to_owned(), "取得できず".to_owned()),
            ("妊娠".to_owned(), "記録なし（聞いて確かめる）".to_owned())
        ]
    );
    assert_eq!(
        body["part"], "胸部〜骨盤　／　その他：膝の立位",
        "free text has its place"
    );
    assert!(body["checks"].as_array().unwrap().contains(&json!("造影剤の同意")));
    let lab = |name: &str, value: &str, day: i8| LabResult {
        name: name.into(),
        value: value.into(),
        unit: "mg/dL".into(),
        on: Some(date(2026, 10, day)),
        ..LabResult::default()
    };
    chart.results = Known::Present(vec![lab("ＣＲＥ", "0.80", 1), lab("Cr", "0.92", 2), lab("CRP", "5", 3)]);
    chart.allergies = Known::Present(vec![Allergy {
        substance: "ヨード造影剤".into(),
        ..Allergy::default()
    }]);
    chart.patient.birth = Some(date(1951, 5, 12));
    let body = sheet(chart.clone(), "佐藤　一郎", order(), &lists).body;
    assert_eq!(
        labels(&body),
        [("Cr".to_owned(), "0.92 mg/dL".to_owned())],
        "the newest, and she is 75"
    );
    assert!(body["allergy"]["items"][0].as_str().unwrap().contains("ヨード造影剤"));
    let fact = chart::patient::Fact {
        label: "妊娠".into(),
        value: "あり 20週".into(),
        on: None,
    };
    chart.patient.facts.push(fact);
    chart.patient.birth = Some(date(1995, 8, 15));
    assert!(!before_imaging(&view(chart, Vec::new(), nine())).pregnancy_unknown);
}

#[test]
fn an_instruction_sheet_has_a_row_for_each_and_room_for_what_is_said_later() {
    let lists = OrderLists::built_in().unwrap();
    let row = Instruction {
        when: "11-20 10:30".into(),
        name: "塩化カリウム注 20 mEq キット".into(),
        amount: Some(Amount::read("1キット").unwrap()),
        rate: "100 mL/時".into(),
        high_risk: true,
        ..Instruction::default()
    };
    let mut order = Order::empty(OrderKind::Treatment);
    order.rows = vec![row.clone()];
    order.other = "創の写真".into();
    let body = sheet(who().1, "佐藤　一郎", order.clone(), &lists).body;
    let rows = body["orders"].as_array().unwrap();
    assert_eq!((rows.len(), body["blank_rows"].clone()), (2, json!(8)));
    assert_eq!(
        (rows[0]["amount"].clone(), rows[0]["high_risk"].clone()),
        (json!("1キット"), json!(true))
    );
    assert_eq!(
        (rows[0]["by"].clone(), rows[0]["at"].clone()),
        (json!("佐藤　一郎"), json!("9:01"))
    );
    assert_eq!(
        (rows[1]["name"].clone(), rows[1]["amount"].clone()),
        (json!("創の写真"), Value::Null)
    );
    order.rows = vec![row; 12];
    assert_eq!(sheet(who().1, "佐藤　一郎", order, &lists).body["blank_rows"], json!(2));
}

#[test]
fn a_continuation_page_names_the_newest_chart_sheet_of_this_visit_and_is_empty() {
    let printed = |form: &str, n: u32| Act::Printed {
        form: form.into(),
        form_id: FormId::issue(date(2026, 11, 20), 1, n).unwrap(),
        reissue: false,
    };
    let none = view(who().1, Vec::new(), nine());
    assert_eq!(continuation_sheet(&none, &issue()).body["continues"], Value::Null);
    let received = Act::CheckedIn(CheckIn {
        number: "A-001".into(),
        visit: FormId::issue(date(2026, 11, 20), 1, 9).unwrap(),
        department: department(),
        doctor: Coded::default(),
        booked_at: None,
        unbooked: false,
        identity_confirmed: true,
        insurance_seen: false,
        paper_language: None,
    });
    let all = entries(
        "佐藤　一郎",
        vec![printed("F02", 1), received, printed("F02", 2), printed("F07", 3)],
    );
    let today = view(who().1, all.clone(), nine());
    let sheet = continuation_sheet(&today, &issue());
    let newest = FormId::issue(date(2026, 11, 20), 1, 2).unwrap().to_string();
    assert_eq!(
        (sheet.form.as_str(), sheet.body["continues"].clone()),
        ("F03", json!(newest))
    );
    assert_eq!(
        (sheet.body["typed_notes"].clone(), sheet.body["department"].clone()),
        (json!([]), json!("循環器内科"))
    );
    assert!(sheet.strip.is_some());
    let tomorrow = view(who().1, all, Moment(nine().0 + 30 * 3600));
    assert_eq!(
        continuation_sheet(&tomorrow, &issue()).body["continues"],
        Value::Null,
        "yesterday's is another record"
    );
}
