//! F16 会計後日精算のご案内 and F15 ラベル・リストバンド台紙.
//!
//! No prices: what was done is a list of ticks, priced when the EHR is back.

use chart::Sheet;
use chart::entry::{CareItem, PaymentDeferred, yen};
use jiff::civil::Date;
use serde_json::{Value, json};

use super::{Issue, Visit, add, body, or_null};
use crate::view::{Recorded, View};

/// 1 to so many labels on a sheet of F15.
pub const MAX_LABELS: u8 = 12;

/// What the hospital says about payments put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRules {
    /// Services and fees offered as ticks, such as those easily forgotten (時間外加算, 文書料).
    pub fees: Vec<String>,
    /// Phone for questions; empty: that for appointments.
    pub phone: String,
    /// Its hours.
    pub hours: String,
    /// Days from today until it can be paid.
    pub from_days: u16,
    /// Days from today until it must be.
    pub until_days: u16,
}

impl Default for PaymentRules {
    fn default() -> Self {
        let fees = [
            "採血",
            "尿検査",
            "心電図",
            "X線",
            "CT・MRI",
            "超音波",
            "内視鏡",
            "注射・点滴",
            "処置",
            "指導・管理",
            "診断書・文書",
            "時間外",
            "材料・装具",
        ];
        Self {
            fees: fees.map(str::to_owned).to_vec(),
            phone: String::new(),
            hours: String::new(),
            from_days: 4,
            until_days: 21,
        }
    }
}

/// What may have been done today, as the slip offers it: what entries and bookings know first, then what the hospital lists. Ticked is only
/// what an entry says was done; a booked examination may not have happened.
#[must_use]
pub fn services_of(view: &View, rules: &PaymentRules) -> Vec<CareItem> {
    let mut out: Vec<CareItem> = Vec::new();
    let mut offer = |name: &str, done: bool| {
        if let Some(known) = out.iter_mut().find(|s| s.name == name) {
            known.done |= done;
        } else if !name.is_empty() && out.len() < chart::entry::MAX_SERVICES {
            out.push(CareItem {
                name: name.to_owned(),
                done,
            });
        }
    };
    let today = view.moment().day_number();
    let of_today = |r: &Recorded| r.entry.written_at.day_number() == today;
    let seen = view.notes.iter().any(|n| of_today(&n.recorded));
    offer("診察", seen);
    let orders = view.chart.iter().flat_map(|c| &c.orders);
    for order in orders.filter(|o| o.on == view.moment().day()) {
        offer(order.exam.label(), false);
    }
    for (recorded, prescribed) in &view.prescribed {
        let word = match prescribed.rx.given_out {
            chart::rx::GivenOut::Outside => "院外処方",
            chart::rx::GivenOut::InHouse => "院内処方",
        };
        if of_today(recorded) {
            offer(word, true);
        }
    }
    for fee in ["院外処方", "院内処方"] {
        offer(fee, false);
    }
    for fee in &rules.fees {
        offer(fee, false);
    }
    out
}

/// F16 for one payment put off.
#[must_use]
pub fn payment_sheet(
    view: &View,
    recorded: &Recorded,
    payment: &PaymentDeferred,
    rules: &PaymentRules,
    issue: &Issue,
) -> Sheet {
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    let phone = if rules.phone.is_empty() {
        &issue.contact_phone
    } else {
        &rules.phone
    };
    let contact = if phone.is_empty() {
        Value::Null
    } else {
        json!({"label": "お問い合わせ", "phone": phone, "hours": or_null(&rules.hours)})
    };
    let services: Vec<Value> = payment
        .services
        .iter()
        .map(|s| json!({"name": s.name, "done": s.done}))
        .collect();
    let at = recorded.entry.written_at;
    let clock = at.local();
    add(
        &mut body,
        json!({
            "date": body::day_text(at.day()),
            "department": payment.department.label(),
            "from": payment.from.map(short_day),
            "until": payment.until.map(short_day),
            "from_date": payment.from.map(chart::date::iso),
            "until_date": payment.until.map(chart::date::iso),
            "contact": contact,
            "deposit": payment.deposit.map(|amount| yen(amount.into())),
            "no_deposit": payment.deposit.is_none(),
            "notices": [
                "診療費が決まりましたら、電話または郵便でお知らせします。",
                "この紙と診察券をお持ちください。",
                "期間中に来られないときは、病院にご連絡ください。",
            ],
            "services": services,
            "other": or_null(&payment.other),
            "payer": or_null(&payment.payer),
            "patient_phone": or_null(&payment.phone),
            "insurance_seen": payment.insurance_seen,
            "staff": recorded.entry.by.name,
            "handled_at": format!("{}:{:02}", clock.hour(), clock.minute()),
        }),
    );
    Sheet {
        second: view.language(),
        ..issue.sheet("F16", Some(view.strip()), Value::Object(body))
    }
}

/// F15: so many labels (at most [`MAX_LABELS`]) and a wristband for one patient.
#[must_use]
pub fn label_sheet(view: &View, labels: u8, wristband: bool, issue: &Issue) -> Sheet {
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    add(
        &mut body,
        json!({"labels": labels.min(MAX_LABELS), "kind": null, "wristband": wristband}),
    );
    issue.sheet("F15", Some(view.strip()), Value::Object(body))
}

/// 11月24日（火）
fn short_day(day: Date) -> String {
    format!("{}月{}日（{}）", day.month(), day.day(), chart::date::weekday(day))
}
