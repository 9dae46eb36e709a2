//! 事後入力: every entry as labelled fields, in the words and the order in which a person types them into the EHR.

use chart::Act;
use chart::entry::{Ordered, PaymentDeferred, SignedNote};

use crate::view::{Day, Recorded};

mod notebook;

/// One thing to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is, in Japanese.
    pub label: &'static str,
    /// The text to copy, exactly as it must stand in the EHR.
    pub value: String,
}

/// The fields of one entry; empty ones are left out.
#[must_use]
pub fn fields(recorded: &Recorded, day: &Day) -> Vec<Field> {
    let mut out = Vec::new();
    let mut put = |label: &'static str, value: String| {
        if !value.is_empty() {
            out.push(Field { label, value });
        }
    };
    match &recorded.entry.act {
        Act::CheckedIn(c) => {
            put("受付番号", c.number.clone());
            put("診療科", c.department.label().to_owned());
            put("担当医", c.doctor.label().to_owned());
            put("受付日時", recorded.entry.written_at.text());
            put(
                "予約時刻",
                c.booked_at
                    .map(|t| chart::visit::time_text(Some(t)))
                    .unwrap_or_default(),
            );
            put(
                "区分",
                if c.unbooked {
                    "予約外".to_owned()
                } else {
                    String::new()
                },
            );
        }
        Act::NoteSigned(note) => note_fields(note, &mut put),
        Act::NoteCorrected { entry, reason, note } => {
            put("訂正の理由", reason.clone());
            put(
                "訂正前の記載",
                day.get(entry)
                    .map(|r| r.entry.written_at.text())
                    .unwrap_or_else(|| entry.short()),
            );
            note_fields(note, &mut put);
        }
        Act::AppointmentProvisional(a) => {
            put("予約日", chart::date::iso(a.on));
            put(
                "時刻",
                a.at.map_or_else(|| "後日電話".to_owned(), |t| chart::visit::time_text(Some(t))),
            );
            put("診療科", a.department.label().to_owned());
            put("担当医", a.doctor.label().to_owned());
            put("目的", a.purpose.clone());
            put("検査", a.exams.clone());
            put("電話", a.phone.clone());
        }
        Act::TemporaryRegistered(t) => {
            put("カナ氏名", t.name.kana.clone());
            put("漢字氏名", t.name.written.clone());
            put("生年月日", t.birth.map(chart::date::iso).unwrap_or_default());
            put("推定年齢", t.estimated_age.clone());
            put("性別", t.sex.word().to_owned());
            put("電話", t.phone.clone());
            put("来院理由", t.reason.clone());
            put("アレルギー", chart::allergy::in_words(&t.allergies));
            put("特徴", t.remarks.clone());
        }
        Act::CheckInUndone { reason, .. } | Act::AppointmentCancelled { reason, .. } => {
            put("取消の理由", reason.clone())
        }
        Act::Printed { form, form_id, reissue } => {
            put("帳票", form.clone());
            put("帳票番号", form_id.to_string());
            put(
                "区分",
                if *reissue {
                    "再発行".to_owned()
                } else {
                    String::new()
                },
            );
        }
        Act::DowntimeDeclared(d) => {
            put("区分", if d.provisional { "仮宣言" } else { "宣言" }.to_owned());
            put("停止日時", d.stopped_at.text());
            put("理由", d.reason.clone());
        }
        Act::DowntimeEnded { reason, .. } => put("理由", reason.clone()),
        Act::EnteredInEhr { entry, at } => {
            put("入力した記載", entry.short());
            put("入力日時", at.text());
        }
        Act::DowntimeConfirmed { entry } | Act::LinkConfirmed { entry } => put("確認した記載", entry.short()),
        Act::EnvelopeOpened(opened) => {
            put("封筒", opened.envelope.clone());
            put("開封者", opened.operator.clone());
            put("立会い", opened.witness.clone());
            put("理由", opened.reason.clone());
        }
        Act::EnvelopeClosed { reason, .. } => put("内容", reason.clone()),
        Act::UserDisabled { user, reason } => {
            put("職員番号", user.clone());
            put("理由", reason.clone());
        }
        Act::LinkProposed(link) => {
            put("仮番号", link.temporary.to_string());
            put("患者番号", link.patient.shown());
            put("確かめたこと", link.reason.clone());
        }
        Act::LinkUndone { reason, .. } => put("取消の理由", reason.clone()),
        Act::Prescribed(p) => {
            put("処方箋番号", p.sheet.to_string());
            put("区分", p.rx.given_out.word().to_owned());
            put("診療科", p.department.label().to_owned());
            for (rp, group) in (1_u32..).zip(&p.rx.rps) {
                for drug in &group.drugs {
                    let dose = chart::rx::wording::dose(drug, &group.usage);
                    let usage = chart::rx::wording::usage(group);
                    put("処方", format!("Rp{rp} {} {dose} {usage}", drug.name));
                }
            }
            put("リフィル", p.rx.refill.map(|n| format!("{n}回")).unwrap_or_default());
            put("備考", p.rx.remarks.join("\n"));
        }
        Act::PrescriptionVoided { reason, .. } => put("無効の理由", reason.clone()),
        Act::Ordered(ordered) => order_fields(ordered, &mut put),
        Act::OrderVoided { entry, reason } => {
            put("取消の理由", reason.clone());
            let sheet = day.get(entry).and_then(|r| match &r.entry.act {
                Act::Ordered(ordered) => Some(ordered.sheet.to_string()),
                _ => None,
            });
            put("取り消した依頼票", sheet.unwrap_or_else(|| entry.short()));
        }
        Act::PaymentDeferred(p) => payment_fields(p, &mut put),
        Act::PaymentUndone { reason, .. } => put("取消の理由", reason.clone()),
        Act::SheetVoided { form_id, reason } => {
            put("帳票番号", form_id.to_string());
            put("使用せずの理由", reason.clone());
        }
        Act::SheetsIssued(issued) => {
            put("部署", issued.title.clone());
            put("枚数", issued.sheets.len().to_string());
        }
        Act::SheetReturned(back) => {
            put("帳票番号", back.form_id.to_string());
            put("様式", back.form.clone());
            put("戻ったページ", pages_back(&back.found));
            put("スキャン", back.name.clone());
        }
        Act::SheetNamed(named) => {
            put("帳票番号", named.form_id.to_string());
            put("様式", named.form.clone());
            put("決め直した理由", named.reason.clone());
        }
        Act::NotebookRead(read) => notebook::fields(read, &mut put),
        Act::NotebookDiscarded { reason, .. } => put("取消の理由", reason.clone()),
        Act::ConflictSettled { decision, entries } => {
            put(
                "対象の記載",
                entries.iter().map(chart::EntryId::short).collect::<Vec<_>>().join(" "),
            );
            put("判断", decision.clone());
        }
    }
    out
}

fn pages_back(found: &[chart::entry::PageBack]) -> String {
    let pages: Vec<String> = found.iter().map(|found| found.page.to_string()).collect();
    pages.join("・")
}

fn order_fields(ordered: &Ordered, put: &mut impl FnMut(&'static str, String)) {
    let order = &ordered.order;
    put("依頼票番号", ordered.sheet.to_string());
    put("区分", order.kind.label().to_owned());
    put(
        "至急",
        if order.urgent {
            "至急".to_owned()
        } else {
            String::new()
        },
    );
    put("診療科", ordered.department.label().to_owned());
    put("指示医", ordered.doctor.label().to_owned());
    for item in &order.items {
        let known = if item.ehr_order.is_empty() {
            String::new()
        } else {
            // It stands in the EHR already: nobody must order it a second time there.
            format!("（電子カルテの依頼 {}）", item.ehr_order)
        };
        put("検査", format!("{}{known}", item.text()));
    }
    for row in &order.rows {
        put("注射・処置", row.text());
    }
    put("その他", order.other.clone());
    put("材料", order.material.clone());
    put("部位・方向", order.part.clone());
    put("病名・目的", order.clinical.clone());
}

fn payment_fields(p: &PaymentDeferred, put: &mut impl FnMut(&'static str, String)) {
    put("帳票番号", p.sheet.to_string());
    put("診療科", p.department.label().to_owned());
    put("行ったこと", p.done().collect::<Vec<_>>().join("、"));
    put("行ったこと（その他）", p.other.clone());
    let deposit = p.deposit.map(|amount| chart::entry::yen(amount.into()));
    put("預り金", deposit.unwrap_or_else(|| "預かっていない".to_owned()));
    put("公費など", p.payer.clone());
    put("電話", p.phone.clone());
    put("支払期間の初日", p.from.map(chart::date::iso).unwrap_or_default());
    put("支払期間の末日", p.until.map(chart::date::iso).unwrap_or_default());
    let seen = if p.insurance_seen { "確認済" } else { "未確認" };
    put("保険証・資格", seen.to_owned());
}

fn note_fields(note: &SignedNote, put: &mut impl FnMut(&'static str, String)) {
    put("診療科", note.department.label().to_owned());
    let vitals: Vec<String> = note
        .vitals
        .iter()
        .map(|(label, value)| format!("{label} {value}"))
        .collect();
    put("バイタル", vitals.join("　"));
    for section in &note.sections {
        put(section.kind.word(), section.text.clone());
    }
    put(
        "紙",
        if note.on_paper {
            "紙に記載（用紙を見て入力）".to_owned()
        } else {
            String::new()
        },
    );
}
