//! Filling sheets: a view of one patient (or a department's list) becomes the words a form prints.
//!
//! Layout belongs to `press` and to the form's folder; the contract of every body stands in `forms/README.md`. Every
//! patient form gets the same body (chart, visit, notes), so a hospital's own form needs no code; F06 and F14 add to it.

use chart::entry::ProvisionalAppointment;
use chart::{AsOf, FormId, Moment, Sheet, StationCode};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::view::{Recorded, View};

mod apart;
mod blank;
mod body;
mod continuation;
mod list;
mod notebook;
mod order_lists;
mod orders;
mod pack;
mod payment;
mod rx;
mod ward;

pub use blank::{BlankSet, blank_sheet};
pub(crate) use body::day_text;
pub use continuation::continuation_sheet;
pub use list::{BookedRow, FROM_ENTRIES, FROM_THIN_LIST, ListRow, department_list, department_list_with};
pub use notebook::{DrawnSymbol, notebook_sheet};
pub use order_lists::{MAX_ORDER_LISTS, OrderList, OrderListFault, OrderLists};
pub use orders::{BeforeImaging, before_imaging, order_sheet};
pub use pack::{Department, PACK_NODES, departments, pack_sheets};
pub use payment::{MAX_LABELS, PaymentRules, label_sheet, payment_sheet, services_of};
pub use rx::prescription_sheet;
pub use ward::{OpenBed, PackBed, Ward, day_sheet, open_ward, summary, ward_list, ward_sheets, wards};

/// Codes of the forms there are, one folder each in `forms/`; older editions of a form (`F04-R6.10`) stand beside it and the press picks.
pub const FORMS: [&str; 31] = [
    "F01", // 外来受付票
    "F02", // 外来診療録（停止時）
    "F03", // 診療録 続紙
    "F04", // 処方箋（院外、様式第二号）
    "F05", // 院内処方箋
    "F06", // 次回予約票（仮予約）
    "F07", // 検体検査依頼票・結果票
    "F08", // 画像・生理検査依頼票
    "F09", // 注射・処置指示票
    "F10", // 病棟患者一覧
    "F11", // 入院患者サマリ
    "F12", // 与薬・経過表（24時間）
    "F13", // 外来予約患者一覧
    "F14", // 仮患者登録票
    "F15", // ラベル・リストバンド台紙
    "F16", // 会計後日精算のご案内
    "F17", // アクションカード
    "F18", // クロノロジー記録用紙
    "F19", // 院内連絡
    "F20", // 流れボード記入用紙
    "F21", // 事後報告書（振り返り）
    "F22", // 白紙セット（番号入り）
    "F23", // 事後入力 送付票
    "F24", // 継続バッジ台紙
    "F25", // 緊急封筒
    "F26", // 復旧シェア
    "F27", // 保守作業報告
    "F28", // 廃棄証明書
    "F29", // 停止宣言書
    "F30", // お薬手帳用紙・患者さん控え
    "F31", // 合言葉の紙
           // The next form goes here, with its folder in `forms/`.
];

/// 外来受付票 …: what a form is called; its code for a form of the hospital's own.
#[must_use]
pub fn title(form: &str) -> &str {
    match form {
        "F01" => "外来受付票",
        "F02" => "外来診療録（停止時）",
        "F03" => "診療録 続紙",
        "F04" => "処方箋",
        "F05" => "院内処方箋",
        "F06" => "次回予約票（仮予約）",
        "F07" => "検体検査依頼票・結果票",
        "F08" => "画像・生理検査依頼票",
        "F09" => "注射・処置指示票",
        "F10" => "病棟患者一覧",
        "F11" => "入院患者サマリ",
        "F12" => "与薬・経過表（24時間）",
        "F13" => "外来予約患者一覧",
        "F14" => "仮患者登録票",
        "F15" => "ラベル・リストバンド台紙",
        "F16" => "会計後日精算のご案内",
        "F17" => "アクションカード",
        "F18" => "クロノロジー記録用紙",
        "F19" => "院内連絡",
        "F20" => "流れボード記入用紙",
        "F21" => "事後報告書（振り返り）",
        "F22" => "白紙セット（番号入り）",
        "F23" => "事後入力 送付票",
        other => other,
    }
}

/// What every sheet says about the moment at which it is issued.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Name of the hospital.
    pub hospital: String,
    /// The boxed word: 電子カルテ停止中, 通常, 訓練.
    pub mark: String,
    /// A drill.
    pub drill: bool,
    /// Printed before.
    pub reissue: bool,
    /// データ時点 of the data on the sheet.
    pub as_of: AsOf,
    /// When the EHR stopped, if it has.
    pub stopped_at: Option<Moment>,
    /// 封印 … line.
    pub seal: String,
    /// Where.
    pub station: StationCode,
    /// When.
    pub now: Moment,
    /// 帳票番号; `None` for a preview that must not be handed out.
    pub form_id: Option<FormId>,
    /// Phone for changing an appointment, as the hospital configures it.
    pub contact_phone: String,
}

impl Issue {
    pub(crate) fn sheet(&self, form: &str, strip: Option<chart::PatientStrip>, body: Value) -> Sheet {
        Sheet {
            form: form.to_owned(),
            title_mark: self.mark.clone(),
            drill: self.drill,
            reissue: self.reissue,
            strip,
            as_of: as_of_line(&self.as_of, self.stopped_at),
            seal: self.seal.clone(),
            issued: format!("発行 {} {}", self.now.text(), self.station),
            form_id: self.form_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            hospital: self.hospital.clone(),
            second: None,
            body,
        }
    }
}

/// データ時点 2026-11-20 08:45（停止の15分前）: the oldest time of all kinds, and the gap to the stop.
#[must_use]
pub fn as_of_line(as_of: &AsOf, stopped_at: Option<Moment>) -> String {
    let oldest = as_of.oldest();
    if oldest == Moment::default() {
        return "データ時点 不明".to_owned();
    }
    match stopped_at {
        Some(stop) if stop >= oldest => format!(
            "データ時点 {}（停止の{}前）",
            oldest.text(),
            span(stop.minutes_since(oldest))
        ),
        _ => format!("データ時点 {}", oldest.text()),
    }
}

/// `15分`, `3時間`, `2日`: the way a gap is said, rounded down.
#[must_use]
pub fn span(minutes: i64) -> String {
    match minutes {
        ..=119 => format!("{}分", minutes.max(0)),
        120..=2879 => format!("{}時間", minutes / 60),
        _ => format!("{}日", minutes / 1440),
    }
}

/// F01 外来受付票, F02 外来診療録, or any form of the hospital's own: the whole patient, for one day.
#[must_use]
pub fn patient_sheet(form: &str, view: &View, visit: &Visit<'_>, issue: &Issue) -> Sheet {
    let mut body = body::patient(view, visit, issue);
    // The record of the visit stays with staff. Of a hospital's own forms nobody knows who will hold them.
    if form == "F02" {
        body.insert("diagnoses".into(), body::diagnoses(view, body::Reader::Staff));
    }
    let body = Value::Object(body);
    Sheet {
        second: view.language(),
        ..issue.about(form, view, body)
    }
}

/// For which visit a sheet is filled.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Day of the visit.
    pub day: Date,
    /// Department, for a patient with several appointments; otherwise the reception's or the first one's.
    pub department: Option<&'a chart::Coded>,
}

impl Visit<'_> {
    /// The visit of today, in whatever department the reception says.
    #[must_use]
    pub fn today(now: Moment) -> Self {
        Self {
            day: now.day(),
            department: None,
        }
    }
}

/// F06 次回予約票 for one provisional appointment.
#[must_use]
pub fn appointment_sheet(
    view: &View,
    recorded: &Recorded,
    appointment: &ProvisionalAppointment,
    issue: &Issue,
) -> Sheet {
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    let day = appointment.on;
    let (when, later) = match appointment.at {
        Some(_) => (
            json!({
                "year": format!("{}年", day.year()),
                "day": format!("{}月{}日（{}）", day.month(), day.day(), chart::date::weekday(day)),
                "time": chart::visit::time_text(appointment.at),
                "date": chart::date::iso(day),
            }),
            Value::Null,
        ),
        None => (
            Value::Null,
            json!({
                "period": format!("{}年{}月{}日（{}）の週", day.year(), day.month(), day.day(), chart::date::weekday(day)),
                "phone": or_null(&appointment.phone),
                "week": chart::date::iso(day),
            }),
        ),
    };
    let contact = if issue.contact_phone.is_empty() {
        Value::Null
    } else {
        json!({"label": "変更の電話", "phone": issue.contact_phone, "hours": null})
    };
    let by = &recorded.entry.by;
    add(
        &mut body,
        json!({
            "when": when,
            "later": later,
            "department": appointment.department.label(),
            "doctor": or_null(appointment.doctor.label()),
            "tests": lines(&appointment.exams),
            "preparation": [],
            "contact": contact,
            "patient_phone": or_null(&appointment.phone),
            "reason": or_null(&appointment.purpose),
            "booked_by": by.name,
            "booked_at": recorded.entry.written_at.text(),
            "notices": ["この予約は仮予約です。復旧のあとに確定し、変わるときは電話でお知らせします。"],
        }),
    );
    Sheet {
        second: appointment
            .paper_language
            .map_or_else(|| view.language(), |chosen| chosen.0),
        ..issue.sheet("F06", Some(view.strip()), Value::Object(body))
    }
}

/// F14 仮患者登録票; `None` when the view is not a temporary patient's.
#[must_use]
pub fn temporary_sheet(view: &View, registered: &Recorded, issue: &Issue) -> Option<Sheet> {
    let t = view.temporary.as_ref()?;
    let mut body = body::patient(view, &Visit::today(issue.now), issue);
    add(
        &mut body,
        json!({
            "number": t.id.to_string(),
            "kana": or_null(&t.name.kana),
            "kanji": or_null(&t.name.shown()),
            "birth": t.birth.map(chart::date::long),
            "age_estimate": or_null(&t.estimated_age),
            "sex": t.sex.word(),
            "phone": or_null(&t.phone),
            "address": null,
            "family": null,
            "reason": t.reason,
            "reason_text": null,
            "features": or_null(&t.remarks),
            "belongings": null,
            "candidates": [],
            "registered_by": registered.entry.by.name,
            "registered_at": registered.entry.written_at.text(),
        }),
    );
    Some(Sheet {
        second: view.language(),
        ..issue.sheet("F14", Some(view.strip()), Value::Object(body))
    })
}

fn add(body: &mut Map<String, Value>, more: Value) {
    if let Value::Object(more) = more {
        body.extend(more);
    }
}

/// Blank is not a value: an empty text is `null`, and the form prints a ruled space or nothing.
pub(crate) fn or_null(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::String(text.to_owned())
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split(['\n', '、', '\u{3000}'])
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect()
}
