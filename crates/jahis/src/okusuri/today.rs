//! What was prescribed today, and what the patient must tell elsewhere, as a notebook to hand out.
//!
//! It says that it is a prescription and not yet a dispensing when the drugs come from a pharmacy outside. Address, phone and blood group of the
//! patient are never written: nobody needs them there, and a sheet is easily lost.

use chart::allergy::AllergyKind;
use chart::rx::wording;
use chart::rx::{CodeSystem, Dose, Drug, GivenOut, Measure, Rp, RxSheet, Usage};
use chart::{Allergy, Finding, Known, Severity, Sex};

use crate::kana;
use crate::okusuri::{
    Caution, CautionKind, Dispensing, Form, Holder, Notebook, NotebookDrug, NotebookRp, NotebookUsage, Origin, Place,
    Remark,
};
use crate::refusal::{Faults, Refused};
use crate::repertoire::{self, Clean};

/// The notebook of a day: the prescription, the allergies the hospital knows (患者特記) or which of the other three states holds (手帳メモ), notes for
/// the patient (服用注意). Everything is written as 医療関係者's.
///
/// # Errors
/// Every box that cannot be written: unknown sex or birth date, a name over its length, a fault of [`chart::Rx::check`].
pub fn today(
    sheet: &RxSheet,
    allergies: &Known<Vec<Allergy>>,
    notes: &[String],
) -> Result<(Notebook, Vec<Finding>), Refused> {
    let mut pen = Pen::default();
    for fault in sheet.rx.check() {
        pen.faults.add("処方", fault.to_string());
    }
    let patient = &sheet.patient;
    let sex = match patient.sex {
        Sex::Male => 1,
        Sex::Female => 2,
        Sex::Other | Sex::Unknown => {
            pen.faults.add("性別", "男・女のどちらかが要ります");
            0
        }
    };
    if patient.birth.is_none() {
        pen.faults.add("生年月日", "生年月日が要ります");
    }
    let holder = Holder {
        name: pen.name("患者氏名", &repertoire::clean_name(&patient.name.written), 40),
        kana: kana::half(&patient.name.kana)
            .filter(|kana| repertoire::width(kana) <= 40)
            .unwrap_or_default(),
        sex,
        birth: patient.birth,
        rest: Default::default(),
    };
    let mut cautions = Vec::new();
    for allergy in allergies.items() {
        let kind = match allergy.kind {
            AllergyKind::Drug | AllergyKind::Food | AllergyKind::Contrast => CautionKind::Allergy,
            AllergyKind::Other | AllergyKind::Contraindication => CautionKind::Other,
        };
        cautions.extend(
            pen.long("アレルギー", &allergy.text(), 120)
                .into_iter()
                .map(|text| Caution {
                    kind,
                    text,
                    origin: Origin::Medical,
                }),
        );
    }
    let place = &sheet.institution;
    let block = Dispensing {
        on: Some(sheet.issued_on),
        origin: Origin::Medical,
        place: Some(Place {
            name: pen.name("医療機関名称", &repertoire::clean(&place.name), 120),
            prefecture: place.prefecture.clone(),
            table: "1".to_owned(),
            code: place.code.clone(),
            contact: [
                place.postcode.clone(),
                repertoire::clean(&place.address).text,
                place.phone.clone(),
            ],
            origin: Origin::Medical,
        }),
        staff: Some((
            pen.name("医師氏名", &repertoire::clean_name(&sheet.doctor.name.written), 40),
            place.phone.clone(),
            Origin::Medical,
        )),
        prescribed_at: None,
        rps: sheet
            .rx
            .rps
            .iter()
            .zip(1..)
            .map(|(rp, number)| group(number, rp, &mut pen))
            .collect(),
        remarks: remarks(sheet, notes, &mut pen),
    };
    let book = Notebook {
        edition: 8,
        output: 1,
        holder,
        cautions,
        memos: memo(sheet, allergies),
        dispensings: vec![block],
        ..Notebook::default()
    };
    pen.faults.or((book, pen.findings))
}

/// 「なし」 and 「未確認」 are said too: a notebook without a word about allergies says that nobody has any.
fn memo(sheet: &RxSheet, allergies: &Known<Vec<Allergy>>) -> Vec<Remark> {
    if !allergies.items().is_empty() {
        return Vec::new();
    }
    let words = match allergies {
        // A list that is empty says nothing.
        Known::Present(_) => chart::allergy::in_words(&Known::NotRecorded),
        other => chart::allergy::in_words(other),
    };
    vec![Remark {
        record: 4,
        text: format!("アレルギー・禁忌：{words}"),
        on: Some(sheet.issued_on),
        origin: Origin::Medical,
        ..Remark::default()
    }]
}

fn remarks(sheet: &RxSheet, notes: &[String], pen: &mut Pen) -> Vec<Remark> {
    let mut all = Vec::new();
    for note in notes {
        all.extend(texts(401, pen.long("服用注意", note, 400)));
    }
    if sheet.rx.given_out == GivenOut::Outside {
        let words = "院外処方箋の内容です。薬局で調剤された記録ではありません。";
        all.extend(texts(501, vec![words.to_owned()]));
    }
    for remark in &sheet.rx.remarks {
        all.extend(texts(501, pen.long("備考", remark, 400)));
    }
    all
}

fn texts(record: u16, all: Vec<String>) -> impl Iterator<Item = Remark> {
    all.into_iter().map(move |text| Remark {
        record,
        text,
        origin: Origin::Medical,
        ..Remark::default()
    })
}

fn group(number: u16, rp: &Rp, pen: &mut Pen) -> NotebookRp {
    let (form, quantity, unit) = match &rp.usage {
        Usage::Oral(oral) => (Form::Oral, oral.days, "日分"),
        Usage::AsNeeded { times, .. } => (Form::AsNeeded, *times, "回分"),
        Usage::External { .. } => (Form::External, 1, "調剤"),
        Usage::Drops(_) => (Form::Drops, 1, "調剤"),
        Usage::Injection(_) => (Form::Injection, 1, "調剤"),
        Usage::Material(_) => (Form::Material, 1, "調剤"),
    };
    let place = format!("Rp{number} 用法");
    let mut names = pen.long(&place, &wording::how(&rp.usage), 100).into_iter();
    let name = names.next().unwrap_or_default();
    let mut rest: Vec<String> = names.collect();
    rest.extend(pen.long(&place, &wording::course(rp), 100));
    if let Usage::Oral(oral) = &rp.usage
        && oral.rhythm != chart::medication::Rhythm::Daily
    {
        rest.push(wording::supply(&rp.usage));
    }
    NotebookRp {
        doctor: None,
        number,
        drugs: rp.drugs.iter().map(|drug| line(number, drug, &rp.usage, pen)).collect(),
        usage: Some(NotebookUsage {
            name,
            quantity: quantity.to_string(),
            unit: unit.to_owned(),
            form,
            code_kind: if rp.jami.is_empty() { "1" } else { "2" }.to_owned(),
            code: rp.jami.clone(),
            origin: Origin::Medical,
        }),
        remarks: texts(311, rest).collect(),
    }
}

fn line(number: u16, drug: &Drug, usage: &Usage, pen: &mut Pen) -> NotebookDrug {
    let times = match usage {
        Usage::Oral(oral) => oral.timing.times(),
        _ => 0,
    };
    let place = format!("Rp{number} 「{}」", drug.name);
    let day = drug.dose.per_day(times);
    let amount = day.as_ref().or_else(|| drug.dose.quantities().first());
    // The format's numbers have no separators between thousands.
    let number_text = amount.map(|q| q.number().replace(',', "")).unwrap_or_default();
    let unit = amount.map(|q| q.unit.clone()).unwrap_or_default();
    let (system, code) = match drug.system {
        CodeSystem::Claim => ("2", drug.code.clone()),
        CodeSystem::Mhlw => ("3", drug.code.clone()),
        CodeSystem::Yj => ("4", drug.code.clone()),
        CodeSystem::Hot => ("6", drug.code.clone()),
        CodeSystem::None | CodeSystem::Local | CodeSystem::Generic => ("1", String::new()),
    };
    let generic = if drug.system == CodeSystem::Generic {
        [String::new(), "2".to_owned(), drug.code.clone()]
    } else {
        Default::default()
    };
    // The daily amount alone does not say these.
    let said = match drug.dose {
        Dose::Uneven(_) => true,
        Dose::Each(_) | Dose::Divided(_) | Dose::PerUse(_) | Dose::Total(_) => drug.measure != Measure::Counted,
    };
    let mut notes = Vec::new();
    if said {
        notes.extend(pen.long(&place, &wording::dose(drug, usage), 100));
    }
    for text in &drug.notes {
        notes.extend(pen.long(&place, text, 100));
    }
    NotebookDrug {
        name: pen.name(&format!("{place} 薬品名"), &repertoire::clean(&drug.name), 120),
        amount: number_text,
        unit: pen.name(&format!("{place} 単位"), &repertoire::clean(&unit), 12),
        system: system.to_owned(),
        code,
        origin: Origin::Medical,
        generic,
        remarks: texts(281, notes).collect(),
    }
}

#[derive(Default)]
struct Pen {
    faults: Faults,
    findings: Vec<Finding>,
}

impl Pen {
    fn told(&mut self, field: &str, clean: &Clean) {
        for (from, to) in &clean.replaced {
            let message = format!("お薬手帳QRでは「{from}」を「{to}」と書きました。");
            self.findings
                .push(Finding::new("notebook.replaced", Severity::Note, message).in_field(field));
        }
    }

    fn name(&mut self, field: &str, clean: &Clean, max: usize) -> String {
        self.told(field, clean);
        let width = repertoire::width(&clean.text);
        if clean.text.is_empty() {
            self.faults.add(field, "書かれていません");
        }
        if width > max {
            self.faults.add(
                field,
                format!("{max}バイト（全角{}字）までです（いま{width}バイト）", max / 2),
            );
        }
        clean.text.clone()
    }

    fn long(&mut self, field: &str, text: &str, max: usize) -> Vec<String> {
        let clean = repertoire::clean(text);
        self.told(field, &clean);
        repertoire::cut(&clean.text, max)
    }
}
