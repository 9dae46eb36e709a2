//! From the prescription to what its symbol says: classes, amounts per day or in all, and where each word goes.
//!
//! Names, codes and units that do not fit are refused, because a shortened drug name loses its strength. Free text goes on in further
//! records. Every replaced character becomes a Finding.

use chart::dose::Quantity;
use chart::medication::Rhythm;
use chart::rx::wording::{self, Single};
use chart::rx::{
    Burden, CodeSystem, Dose, Drug, GivenOut, Leftovers, Measure, Member, Rp, RxSheet, Substitution, USUAL_VALID_DAYS,
    Usage,
};
use chart::{Finding, Severity, Sex};

use crate::amount::Amount;
use crate::kana;
use crate::refusal::{Faults, Refused};
use crate::repertoire::{self, Clean};
use crate::script::{Class, Script, ScriptDrug, ScriptRp, UsageNote};

/// Bytes of one item of free text (81, 111, 181, 281).
const TEXT: usize = 100;

/// What the symbol says, and what reads differently in it than on paper.
///
/// # Errors
/// Every box that cannot be written: unknown sex or birth date, no doctor, a name over its length, a prescription that
/// [`chart::Rx::check`] finds fault with, one for the hospital's own pharmacy.
pub fn compose(sheet: &RxSheet) -> Result<(Script, Vec<Finding>), Refused> {
    let mut pen = Pen::default();
    for fault in sheet.rx.check() {
        pen.faults.add("処方", fault.to_string());
    }
    if sheet.rx.given_out == GivenOut::InHouse {
        pen.faults.add("処方", "院内処方箋にはシンボルを付けません");
    }
    let mut script = Script {
        version: 10,
        facility_kind: 1,
        ..Script::default()
    };
    head(sheet, &mut script, &mut pen);
    insurance(sheet, &mut script, &mut pen);
    let rx = &sheet.rx;
    script.issued_on = Some(sheet.issued_on);
    script.valid_until = (rx.valid_days != USUAL_VALID_DAYS)
        .then(|| rx.last_day(sheet.issued_on))
        .flatten();
    script.leftovers = rx.leftovers.map(|what| match what {
        Leftovers::AskFirst => 1,
        Leftovers::Inform => 2,
    });
    script.refill = rx.refill;
    for remark in &rx.remarks {
        script.remarks.extend(pen.long("備考", remark));
    }
    script.rps = rx
        .rps
        .iter()
        .enumerate()
        .map(|(at, rp)| group(at + 1, rp, &mut pen))
        .collect();
    pen.faults.or((script, pen.findings))
}

fn head(sheet: &RxSheet, script: &mut Script, pen: &mut Pen) {
    let place = &sheet.institution;
    script.facility_code = pen.code("医療機関コード", &place.code, 7, true);
    if place.code.len() != 7 || !place.code.bytes().all(|b| b.is_ascii_digit()) {
        pen.faults.add("医療機関コード", "7桁の数字ではありません");
    }
    script.prefecture = pen.code("都道府県番号", &place.prefecture, 2, true);
    script.facility_name = pen.name("医療機関名称", &place.name, 120, true);
    script.postcode = pen.code("郵便番号", &place.postcode, 8, false);
    script.address = pen.name("医療機関所在地", &place.address, 100, false);
    script.phone = pen.code("電話番号", &place.phone, 13, false);
    script.fax = pen.code("FAX番号", &place.fax, 13, false);
    script.department_code = pen.code("診療科コード", &sheet.department.code, 6, false);
    script.department_name = pen.name("診療科名", &sheet.department.name, 80, false);
    let doctor = &sheet.doctor;
    script.doctor_code = pen.code("医師コード", &doctor.code, 15, false);
    script.doctor_name = pen.person("医師氏名", &doctor.name.written);
    script.doctor_kana = pen.kana("医師カナ氏名", &doctor.name.kana);
    let patient = &sheet.patient;
    script.patient_code = pen.code("患者番号", patient.id.as_str(), 15, false);
    script.patient_name = pen.person("患者氏名", &patient.name.written);
    script.patient_kana = pen.kana("患者カナ氏名", &patient.name.kana);
    script.sex = match patient.sex {
        Sex::Male => 1,
        Sex::Female => 2,
        Sex::Other | Sex::Unknown => {
            pen.faults.add("性別", "男・女のどちらかが要ります");
            0
        }
    };
    script.birth = patient.birth;
    if patient.birth.is_none() {
        pen.faults.add("生年月日", "生年月日が要ります");
    }
}

fn insurance(sheet: &RxSheet, script: &mut Script, pen: &mut Pen) {
    let insurance = &sheet.rx.insurance;
    script.burden = insurance.burden.map(|burden| match burden {
        Burden::ElderlyUsual => 1,
        Burden::Elderly70 => 2,
        Burden::Infant => 3,
        Burden::Elderly80 => 5,
    });
    script.insurer = pen.code("保険者番号", &insurance.insurer, 14, false);
    script.insured_symbol = pen.name("記号", &insurance.symbol, 40, false);
    script.insured_number = pen.name("番号", &insurance.number, 40, false);
    script.branch = pen.code("枝番", &insurance.branch, 2, false);
    script.member = insurance.member.map(|member| match member {
        Member::Insured => 1,
        Member::Dependent => 2,
    });
    script.payers = insurance
        .payers
        .iter()
        .map(|payer| (payer.payer.clone(), payer.recipient.clone()))
        .collect();
}

fn group(number: usize, rp: &Rp, pen: &mut Pen) -> ScriptRp {
    let (class, quantity, times) = match &rp.usage {
        Usage::Oral(oral) => (Class::Oral, oral.days, Some(oral.timing.times())),
        Usage::AsNeeded { times, .. } => (Class::AsNeeded, *times, None),
        Usage::External { per_day, .. } => (Class::External, 1, (*per_day > 0).then_some(*per_day)),
        Usage::Drops(_) => (Class::Drops, 1, None),
        Usage::Injection(_) => (Class::Injection, 1, None),
        Usage::Material(_) => (Class::Material, 1, None),
    };
    let mut names = pen
        .long(&format!("Rp{number} 用法"), &wording::how(&rp.usage))
        .into_iter();
    let usage_name = names.next().unwrap_or_default();
    let mut notes: Vec<UsageNote> = names.map(|rest| note(Some(5), rest)).collect();
    notes.extend(rhythm(&rp.usage));
    notes.extend(rp.step.map(|_| note(Some(1), wording::step(rp))));
    notes.extend(rp.packed.then(|| note(Some(2), "一包化")));
    notes.extend(rp.crushed.then(|| note(Some(4), "粉砕")));
    for text in &rp.notes {
        notes.extend(
            pen.long(&format!("Rp{number} 用法の補足"), text)
                .into_iter()
                .map(|text| note(None, text)),
        );
    }
    ScriptRp {
        class,
        quantity,
        usage_code: rp.jami.clone(),
        usage_name,
        times,
        notes,
        drugs: rp.drugs.iter().map(|drug| line(number, drug, &rp.usage, pen)).collect(),
    }
}

fn note(kind: Option<u8>, text: impl Into<String>) -> UsageNote {
    UsageNote {
        kind,
        text: text.into(),
        code: String::new(),
    }
}

/// 隔日, weekdays and intervals, each followed by the words that the days counted are the days taken.
fn rhythm(usage: &Usage) -> Vec<UsageNote> {
    let Usage::Oral(oral) = usage else { return Vec::new() };
    let words = oral.rhythm.text();
    let first = match &oral.rhythm {
        Rhythm::Daily => return Vec::new(),
        Rhythm::AlternateDays => note(Some(3), words),
        Rhythm::EveryDays(_) => note(Some(5), words),
        Rhythm::Weekdays(mask) => UsageNote {
            kind: Some(8),
            text: words,
            code: std::iter::once('W')
                .chain((0..7).map(|day| if mask >> day & 1 == 1 { '1' } else { '0' }))
                .collect(),
        },
    };
    vec![first, note(None, wording::supply(usage))]
}

fn line(number: usize, drug: &Drug, usage: &Usage, pen: &mut Pen) -> ScriptDrug {
    let place = |field: &str| format!("Rp{number} 「{}」 {field}", drug.name);
    let times = match usage {
        Usage::Oral(oral) => oral.timing.times(),
        _ => 0,
    };
    let material = matches!(usage, Usage::Material(_));
    let (system, code) = match drug.system {
        CodeSystem::None | CodeSystem::Local => (1, String::new()),
        CodeSystem::Claim => (2, drug.code.clone()),
        CodeSystem::Mhlw => (3, drug.code.clone()),
        CodeSystem::Yj => (4, drug.code.clone()),
        CodeSystem::Hot => (6, drug.code.clone()),
        CodeSystem::Generic => (7, drug.code.clone()),
    };
    // Oral: per day. The others: per use, or in all.
    let day = drug.dose.per_day(times);
    let amount = day.as_ref().or_else(|| drug.dose.quantities().first());
    let unit = drug
        .dose
        .quantities()
        .first()
        .map(|q| q.unit.clone())
        .unwrap_or_default();
    let (single, single_times, uneven) = match &drug.dose {
        Dose::Each(each) => (amount_text(each, &place("1回量"), pen), Some(times), Vec::new()),
        Dose::Divided(day) => match wording::single(day, times) {
            Single::Exact(each) => (amount_text(&each, &place("1回量"), pen), Some(times), Vec::new()),
            // Twelve bytes hold any fraction that is worth writing; a longer one is left to the daily amount.
            Single::Fraction(text) if text.len() <= 12 => (text, Some(times), Vec::new()),
            Single::Fraction(_) => (String::new(), None, Vec::new()),
        },
        Dose::Uneven(all) => {
            let parts = all.iter().map(|q| pen.amount(q, &place("不均等"))).collect();
            (String::new(), None, parts)
        }
        Dose::PerUse(_) | Dose::Total(_) => (String::new(), None, Vec::new()),
    };
    ScriptDrug {
        kind: Some(if material { 2 } else { 1 }),
        system,
        code,
        name: pen.name(&place("薬品名"), &drug.name, 80, true),
        amount: amount.map(|q| pen.amount(q, &place("用量"))).unwrap_or_default(),
        active: drug.measure == Measure::Active,
        unit: pen.name(&place("単位"), &unit, 12, true),
        conversion: drug.conversion.map(|e5| {
            Amount::from_e5(e5).unwrap_or_else(|| {
                pen.faults.add(place("単位変換係数"), "整数部が6桁を超えます");
                Amount::MAX
            })
        }),
        uneven,
        single,
        single_times,
        notes: drug_notes(number, drug, pen),
    }
}

fn amount_text(q: &Quantity, field: &str, pen: &mut Pen) -> String {
    pen.amount(q, field).text()
}

fn drug_notes(number: usize, drug: &Drug, pen: &mut Pen) -> Vec<(Option<u8>, String)> {
    let kind = match drug.substitution {
        Substitution::Free => None,
        Substitution::NoGeneric => Some(3),
        Substitution::NoForm => Some(4),
        Substitution::NoStrength => Some(5),
        Substitution::NoFormNorStrength => Some(6),
        Substitution::PatientWish => Some(8),
    };
    let mut notes: Vec<(Option<u8>, String)> = Vec::new();
    notes.extend(kind.map(|kind| (Some(kind), drug.substitution.word().to_owned())));
    // 力価フラグ says 力価; that the amount is the preparation's must be said in words.
    notes.extend((drug.measure == Measure::Preparation).then(|| (None, "製剤量".to_owned())));
    for text in &drug.notes {
        let pieces = pen.long(&format!("Rp{number} 「{}」 コメント", drug.name), text);
        notes.extend(pieces.into_iter().map(|text| (None, text)));
    }
    notes
}

/// Writes boxes and remembers what went wrong.
#[derive(Default)]
struct Pen {
    faults: Faults,
    findings: Vec<Finding>,
}

impl Pen {
    fn told(&mut self, field: &str, clean: Clean) -> String {
        for (from, to) in &clean.replaced {
            let severity = if to.contains(repertoire::UNKNOWN) {
                Severity::Warning
            } else {
                Severity::Note
            };
            let message = format!("シンボルでは「{from}」を「{to}」と書きました。紙の文字は変わりません。");
            self.findings
                .push(Finding::new("symbol.replaced", severity, message).in_field(field));
        }
        clean.text
    }

    fn fits(&mut self, field: &str, text: &str, max: usize, must: bool) {
        if must && text.is_empty() {
            self.faults.add(field, "書かれていません");
        }
        let width = repertoire::width(text);
        if width > max {
            self.faults.add(
                field,
                format!("{max}バイト（全角{}字）までです（いま{width}バイト）", max / 2),
            );
        }
    }

    /// An item of type N that must be whole.
    fn name(&mut self, field: &str, text: &str, max: usize, must: bool) -> String {
        let text = self.told(field, repertoire::clean(text));
        self.fits(field, &text, max, must);
        text
    }

    fn person(&mut self, field: &str, name: &str) -> String {
        let text = self.told(field, repertoire::clean_name(name));
        self.fits(field, &text, 40, true);
        text
    }

    /// An item of type X.
    fn code(&mut self, field: &str, text: &str, max: usize, must: bool) -> String {
        let text = chart::id::half_width_text(text.trim()).into_owned();
        self.fits(field, &text, max, must);
        if !text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        {
            self.faults.add(field, "半角の英数字とハイフンだけが書けます");
        }
        text
    }

    /// A reading, left out with a Finding where it does not fit: the written name is there.
    fn kana(&mut self, field: &str, kana: &str) -> String {
        match kana::half(kana) {
            Some(half) if repertoire::width(&half) <= 40 => half,
            _ => {
                let message = "シンボルにはカナ氏名を書けません（半角カナ40字まで）。漢字氏名だけを書きました。";
                self.findings
                    .push(Finding::new("symbol.kana", Severity::Note, message).in_field(field));
                String::new()
            }
        }
    }

    /// Free text in pieces of one item each.
    fn long(&mut self, field: &str, text: &str) -> Vec<String> {
        let text = self.told(field, repertoire::clean(text));
        repertoire::cut(&text, TEXT)
    }

    fn amount(&mut self, q: &Quantity, field: &str) -> Amount {
        Amount::from_milli(q.milli).unwrap_or_else(|| {
            self.faults.add(field, "整数部が6桁を超えます");
            Amount::MAX
        })
    }
}
