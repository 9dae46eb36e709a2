//! Who the patient is (PID), whom to call (NK1), what stands beside the name (OBX and DB1 of ADT), and who pays (IN1).
//!
//! Each field is a register of its own: an empty field says nothing, `""` says that there is nothing.

use std::collections::BTreeSet;

use chart::coverage::{Coverage, MAX_COVERAGES, MAX_PUBLIC, PublicPayer};
use chart::id::half_width_text;
use chart::patient::{Fact, Phone};
use chart::rx::Member;
use chart::stay::Contact;
use chart::{Name, Patient, PatientId, Severity, Sex};
use hl7::{Field, Repetition, Segment};
use jiff::civil::Date;

use super::read::{Cwe, MAX_SHORT, Remarks, When, cut, day, short};
use super::said::{Latest, Register};
use super::told::Taking;
use crate::sources::gather::{MAX_LISTED, names};

/// A day from this year on means that there is no end.
const NO_END_YEAR: i16 = 2200;
/// Most identities kept for comparing.
const MAX_IDENTITIES: usize = 20;

/// Everything messages said about the person.
#[derive(Debug, Clone, Default)]
pub struct Person {
    name: Latest<Name>,
    former: Latest<Vec<Name>>,
    birth: Latest<Date>,
    sex: Latest<Sex>,
    /// What could not be read, for where nothing else is known.
    odd_birth: Latest<String>,
    odd_sex: Latest<Sex>,
    address: Latest<String>,
    home: Latest<Vec<Phone>>,
    work: Latest<Vec<Phone>>,
    died: Latest<Date>,
    contacts: Latest<Vec<Contact>>,
    /// 身長, 体重, 血液型 … by code.
    pub facts: Register<String, Fact>,
    insurances: Latest<Vec<Coverage>>,
    /// Folded name and birth date of every PID.
    identities: BTreeSet<(String, Option<Date>)>,
}

impl Person {
    /// PID, from any message.
    pub fn take(&mut self, pid: Segment<'_>, taking: &Taking<'_>) {
        self.name_of(pid, taking);
        let mut remarks = Remarks::default();
        let birth = pid.field(7);
        let read = day(birth, "PID-7", &mut remarks);
        if read.is_some() || birth.is_null() {
            self.birth.take(taking.told(read, remarks));
        } else if !birth.is_blank() {
            // A shifted field of an order must not take away what the master record says.
            let text = short(birth.component(1));
            self.odd_birth.take(taking.told(Some(text), remarks));
        }
        let sex = pid.field(8);
        if !sex.is_blank() {
            let text = short(sex.component(1));
            let mut remarks = Remarks::default();
            if Sex::from_hl7(&text).is_none() && !matches!(text.as_str(), "A" | "N") {
                let message = format!("性別「{text}」はHL7表0001にありません。不明としました。");
                remarks.add("code.unknown", Severity::Warning, "PID-8", message);
            }
            let read = Sex::from_hl7(&text);
            if remarks.0.is_empty() {
                self.sex.take(taking.told(read, remarks));
            } else {
                self.odd_sex.take(taking.told(None, remarks));
            }
        }
        register(&mut self.address, pid.field(11), taking, address);
        register(&mut self.home, pid.field(13), taking, |field| phones(field, "自宅"));
        register(&mut self.work, pid.field(14), taking, |field| phones(field, "勤務先"));
        let dead = short(pid.field(30).component(1)) == "Y";
        let on = When::of(pid.field(29)).map(|when| when.on);
        if dead || on.is_some() {
            let on = on.or_else(|| Some(taking.said.moment().day()));
            self.died.take(taking.told(on, Remarks::default()));
        }
    }

    /// Died on this day, as the discharge says (PV1-36 = 20).
    pub fn died(&mut self, on: Date, taking: &Taking<'_>) {
        self.died.take(taking.told(Some(on), Remarks::default()));
    }

    fn name_of(&mut self, pid: Segment<'_>, taking: &Taking<'_>) {
        let field = pid.field(5);
        if field.is_blank() {
            return;
        }
        let (name, former) = all_names(field);
        if self.identities.len() < MAX_IDENTITIES && !name.written.is_empty() {
            let birth = When::of(pid.field(7)).map(|when| when.on);
            self.identities.insert((chart::fold::name_key(&name.written), birth));
        }
        self.name.take(taking.told(Some(name), Remarks::default()));
        if !former.is_empty() {
            self.former.take(taking.told(Some(former), Remarks::default()));
        }
    }

    /// NK1, DB1, OBX and IN1 of an ADT message.
    pub fn take_profile(&mut self, taking: &Taking<'_>) {
        let message = taking.message;
        let contacts: Vec<Contact> = message
            .segments_named("NK1")
            .take(MAX_LISTED)
            .filter(|nk1| short(nk1.field(3).component(1)) != "SEL")
            .map(contact)
            .filter(|c| !(c.name.is_empty() && c.phone.is_empty()))
            .collect();
        if !contacts.is_empty() {
            self.contacts.take(taking.told(Some(contacts), Remarks::default()));
        }
        // The patient's own row says where they work.
        let own = message
            .segments_named("NK1")
            .find(|nk1| short(nk1.field(3).component(1)) == "SEL");
        if let Some(place) = own
            .map(|nk1| short(nk1.field(13).component(1)))
            .filter(|place| !place.is_empty())
        {
            let fact = Fact {
                label: "勤務先".to_owned(),
                value: place,
                on: None,
            };
            self.facts
                .take("NK1-13".to_owned(), taking.told(Some(fact), Remarks::default()));
        }
        for db1 in message.segments_named("DB1") {
            let what = Cwe::of(db1.field(2).first()).words();
            let there = short(db1.field(4).component(1));
            let fact = (there == "Y").then(|| Fact {
                label: "身体障害".to_owned(),
                value: if what.is_empty() {
                    "あり".to_owned()
                } else {
                    what.clone()
                },
                on: When::of(db1.field(5)).map(|when| when.on),
            });
            self.facts
                .take(format!("DB1 {what}"), taking.told(fact, Remarks::default()));
        }
        for obx in message.segments_named("OBX") {
            if let Some((code, fact)) = fact(obx) {
                self.facts.take(code, taking.told(fact, Remarks::default()));
            }
        }
        let insurances: Vec<Segment<'_>> = message.segments_named("IN1").take(MAX_COVERAGES * 3).collect();
        if !insurances.is_empty() {
            let mut remarks = Remarks::default();
            let read = coverages(&insurances, &mut remarks);
            self.insurances.take(taking.told(Some(read), remarks));
        }
    }

    /// True when messages with this number named people who differ in name and in birth date.
    #[must_use]
    pub fn others(&self) -> bool {
        let all: Vec<_> = self.identities.iter().collect();
        all.iter().enumerate().any(|(at, one)| {
            all.iter()
                .skip(at + 1)
                .any(|other| one.0 != other.0 && matches!((one.1, other.1), (Some(a), Some(b)) if a != b))
        })
    }

    /// The patient; `None` when no message had a PID.
    #[must_use]
    pub fn patient(&self, id: &PatientId) -> Option<Patient> {
        let name = self.name.what().cloned();
        if name.is_none() && self.birth.told().is_none() && self.sex.told().is_none() {
            return None;
        }
        let lists = [self.home.what(), self.work.what()];
        let mut phones: Vec<Phone> = lists.into_iter().flatten().flatten().cloned().collect();
        phones.truncate(MAX_LISTED);
        Some(Patient {
            id: id.clone(),
            name: name.unwrap_or_default(),
            former_names: self.former.what().cloned().unwrap_or_default(),
            birth: self.birth.what().copied(),
            sex: self.sex.what().copied().unwrap_or_default(),
            phones,
            facts: Vec::new(),
            died: self.died.what().copied(),
            address: self.address.what().cloned().unwrap_or_default(),
            insurance: self
                .insurances
                .what()
                .and_then(|list| list.first())
                .map(|first| first.kind.clone())
                .unwrap_or_default(),
            language: None,
        })
    }

    /// Whom to call.
    #[must_use]
    pub fn contacts(&self) -> Option<&Vec<Contact>> {
        self.contacts.what()
    }

    /// Who pays.
    #[must_use]
    pub const fn insurances(&self) -> &Latest<Vec<Coverage>> {
        &self.insurances
    }

    /// What was noticed about the fields that count, with their files.
    pub fn remarks(&self) -> impl Iterator<Item = (&Remarks, &str)> {
        fn of<T>(latest: &Latest<T>) -> Option<(&Remarks, &str)> {
            latest.told().map(|told| (&told.remarks, &*told.file))
        }
        let birth = of(&self.birth).or_else(|| of(&self.odd_birth));
        let sex = of(&self.sex).or_else(|| of(&self.odd_sex));
        [birth, sex, of(&self.insurances)].into_iter().flatten()
    }

    /// What is known of a birth date that is none: a year, or a year and a month.
    #[must_use]
    pub fn partial_birth(&self) -> Option<Fact> {
        let text = self.odd_birth.what().filter(|_| self.birth.what().is_none())?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let value = match (text.get(..4), text.get(4..)) {
            (Some(year), Some("")) if digits => format!("{year}年（月日は不明）"),
            (Some(year), Some(month)) if digits && month.len() == 2 => format!("{year}年{month}月（日は不明）"),
            _ => return None,
        };
        Some(Fact {
            label: "生年月日の一部".to_owned(),
            value,
            on: None,
        })
    }
}

/// Empty says nothing, `""` says that there is nothing.
fn register<T>(latest: &mut Latest<T>, field: Field<'_>, taking: &Taking<'_>, read: impl Fn(Field<'_>) -> T) {
    if field.is_null() {
        latest.take(taking.told(None, Remarks::default()));
    } else if !field.is_blank() {
        latest.take(taking.told(Some(read(field)), Remarks::default()));
    }
}

/// 漢字 (I), カナ (P), and names of other kinds: 旧姓 (M), 通称 (A), ローマ字 (A in component 8).
fn all_names(field: Field<'_>) -> (Name, Vec<Name>) {
    let (mut legal, mut former) = (Name::default(), Vec::new());
    for repetition in field.repetitions() {
        let written = written(repetition);
        if written.is_empty() {
            continue;
        }
        // Generators write type and representation one component early.
        let seven = short(repetition.component(7));
        let (kind, form) = match (seven.as_str(), short(repetition.component(8)).as_str()) {
            ("L" | "A" | "M" | "N" | "S" | "U" | "D" | "", form) => (seven.clone(), form.to_owned()),
            (form @ ("I" | "P"), _) => (short(repetition.component(6)), form.to_owned()),
            (_, form) => (seven.clone(), form.to_owned()),
        };
        let other = matches!(kind.as_str(), "A" | "M" | "N");
        match (other, form.as_str()) {
            (false, "P") if legal.kana.is_empty() => legal.kana = names::kana(&written),
            (false, "I" | "") if legal.written.is_empty() => legal.written = names::written(&written),
            (true, "P") => match former.last_mut() {
                Some(Name { kana, .. }) if kana.is_empty() => *kana = names::kana(&written),
                _ => former.push(Name::new("", names::kana(&written))),
            },
            _ => former.push(Name::new(names::written(&written), "")),
        }
    }
    if legal.written.is_empty() && !legal.kana.is_empty() {
        // カナ only, as of unknown or foreign patients: it is all there is to read.
        legal.written.clone_from(&legal.kana);
    }
    former.truncate(MAX_LISTED);
    (legal, former)
}

fn written(repetition: Repetition<'_>) -> String {
    names::joined(&short(repetition.component(1)), &short(repetition.component(2)))
}

/// 〒 and address; unstructured in component 8, structured in 4 (都道府県), 3 (市区町村), 1 and 8.
fn address(field: Field<'_>) -> String {
    let part = |at: usize| short(field.component(at));
    let post = part(5);
    let all = [part(4), part(3), part(1), part(2), part(8)].concat();
    cut(format!("{post} {all}").trim(), MAX_SHORT)
}

fn phones(field: Field<'_>, usual: &str) -> Vec<Phone> {
    let one = |repetition: Repetition<'_>| {
        let number = [12, 1, 7]
            .into_iter()
            .map(|at| short(repetition.component(at)))
            .find(|text| !text.is_empty())?;
        let purpose = match (
            short(repetition.component(3)).as_str(),
            short(repetition.component(2)).as_str(),
        ) {
            ("CP", _) => "携帯",
            ("FX", _) => "FAX",
            (_, "WPN") => "勤務先",
            (_, "EMR") => "緊急",
            (_, "PRN") => "自宅",
            _ => usual,
        };
        Some(Phone {
            number,
            purpose: purpose.to_owned(),
        })
    };
    field.repetitions().filter_map(one).take(MAX_LISTED).collect()
}

fn contact(nk1: Segment<'_>) -> Contact {
    let (name, _) = all_names(nk1.field(2));
    let phone = [5, 6]
        .into_iter()
        .flat_map(|at| phones(nk1.field(at), ""))
        .next()
        .map(|phone| phone.number)
        .unwrap_or_default();
    Contact {
        name: name.written,
        relation: Cwe::of(nk1.field(3).first()).words(),
        phone,
    }
}

/// 身長, 体重, 血液型 …: the code, and the fact unless the observation is deleted.
#[must_use]
pub fn fact(obx: Segment<'_>) -> Option<(String, Option<Fact>)> {
    let item = Cwe::of(obx.field(3).first());
    let label = item.words();
    if label.is_empty() {
        return None;
    }
    let code = if item.first.code.is_empty() {
        label.clone()
    } else {
        item.first.code.clone()
    };
    if matches!(short(obx.field(11).component(1)).as_str(), "D" | "W" | "X") {
        return Some((code, None));
    }
    let value = super::results::value(obx);
    let unit = super::units::unit_words(&Cwe::of(obx.field(6).first()));
    let fact = (!value.is_empty()).then(|| Fact {
        label,
        value: format!("{value} {unit}").trim().to_owned(),
        on: When::of(obx.field(14)).map(|when| when.on),
    });
    Some((code, fact))
}

/// IN1 in its order: each 保険 takes the 公費 behind it.
fn coverages(segments: &[Segment<'_>], remarks: &mut Remarks) -> Vec<Coverage> {
    let mut list: Vec<Coverage> = Vec::new();
    for in1 in segments {
        let plan = Cwe::of(in1.field(2).first());
        let digits = |at: usize| half_width_text(&short(in1.field(at).component(1))).trim().to_owned();
        let (Ok(from), Ok(until)) = (end(in1.field(12)), end(in1.field(13))) else {
            let message = "保険の有効期間を読めません。この保険は入れませんでした（切れた保険を有効に見せないため）。保険証を見てください。";
            remarks.add("insurance.no_end", Severity::Warning, "IN1-12", message);
            continue;
        };
        let kind = plan.words();
        if is_public(&plan.first.code) {
            let recipient = [10, 11]
                .into_iter()
                .map(digits)
                .find(|text| text.len() == 7 && text.bytes().all(|b| b.is_ascii_digit()))
                .unwrap_or_else(|| digits(11));
            let payer = PublicPayer {
                payer: digits(3),
                recipient,
                valid_until: until,
            };
            match list.last_mut() {
                Some(main) if main.public.len() < MAX_PUBLIC => main.public.push(payer),
                _ => list.push(Coverage {
                    kind,
                    public: vec![payer],
                    valid_from: from,
                    valid_until: until,
                    ..Coverage::default()
                }),
            }
            continue;
        }
        let relation = short(in1.field(17).component(1));
        let coverage = Coverage {
            kind,
            insurer: digits(3),
            symbol: short(in1.field(10).component(1)),
            number: short(in1.field(11).component(1)),
            member: match relation.as_str() {
                "" => None,
                "SEL" => Some(Member::Insured),
                _ => Some(Member::Dependent),
            },
            valid_from: from,
            valid_until: until,
            ..Coverage::default()
        };
        list.push(coverage);
    }
    list.retain(|coverage| !(coverage.insurer.is_empty() && coverage.public.is_empty() && coverage.kind.is_empty()));
    for coverage in &list {
        let public = coverage.public.iter().find_map(PublicPayer::fault);
        if let Some(field) = coverage.fault().or(public) {
            let message = format!(
                "保険の「{field}」の桁数か検証番号が合いません。処方箋には印刷せず、欄を空にします。保険証を見て電子カルテの登録を確かめてください。"
            );
            remarks.add("insurance.wrong", Severity::Warning, "IN1-3", message);
        }
    }
    list
}

/// JHSD0001: 公費 by their law's number, and 地方公費 as `D0` or `DO`.
fn is_public(code: &str) -> bool {
    match code {
        "D0" | "DO" | "PE" => true,
        _ => code
            .parse::<u8>()
            .is_ok_and(|law| matches!(law, 10..=30 | 38 | 51..=54 | 62 | 66 | 79)),
    }
}

fn end(field: Field<'_>) -> Result<Option<Date>, ()> {
    let text = short(field.component(1));
    if text.is_empty() || text.chars().all(|c| c == '0') || text.chars().all(|c| c == '9') {
        return Ok(None);
    }
    let on = When::read(&text).ok_or(())?.on;
    Ok((on.year() < NO_END_YEAR).then_some(on))
}
