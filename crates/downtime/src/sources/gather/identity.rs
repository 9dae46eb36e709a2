//! Who a patient is, put together from several statements.
//!
//! Two rows with one patient number that name different people are never silently one person.

use chart::patient::Phone;
use chart::{Name, Patient, PatientId, Severity, Sex};

use super::ledger::Sink;

/// Most phones, former names and facts of one patient.
pub const MAX_LISTED: usize = 40;

/// What one row says about who a patient is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Name and reading.
    pub name: Name,
    /// Birth date.
    pub birth: Option<jiff::civil::Date>,
    /// Sex, where the row has a column for it.
    pub sex: Option<Sex>,
    /// Phones.
    pub phones: Vec<Phone>,
}

/// A second patient row with the same number in the same file.
///
/// The same person twice is noted. Different people keep the first row's identity, gain the second name as one that finds the
/// chart, and a severe Finding names both: nobody can say here whose data the rest is.
pub fn merge_double(first: &mut Patient, second: Patient, sink: &mut Sink<'_>) {
    let same_name = chart::fold::name_key(&first.name.written) == chart::fold::name_key(&second.name.written);
    if same_name && first.birth == second.birth && first.sex == second.sex {
        let message = "同じ患者番号・同じ氏名の行が2つあります。1人として扱いました。";
        sink.tell("id.duplicate", Severity::Note, "", message);
        return;
    }
    let message = format!(
        "1つの患者番号に2人が登録されています: 「{} {} {}」と「{} {} {}」。どちらの記録か分かりません。本人に氏名と生年月日を確かめ、EHRが戻るまで記録を信用しないでください。",
        first.name.shown(),
        first.birth_short(),
        first.sex.word(),
        second.name.shown(),
        second.birth_short(),
        second.sex.word(),
    );
    sink.tell("id.two_people", Severity::Severe, "", message);
    if first.former_names.len() < MAX_LISTED {
        first.former_names.push(second.name);
    }
}

/// Fills what a patient row left open from another file about the same patient (a separate phone list).
pub fn complete(patient: &mut Patient, more: Patient) {
    if patient.name.written.is_empty() {
        patient.name.written = more.name.written;
    }
    if patient.name.kana.is_empty() {
        patient.name.kana = more.name.kana;
    }
    patient.birth = patient.birth.or(more.birth);
    if patient.sex == Sex::Unknown {
        patient.sex = more.sex;
    }
    patient.died = patient.died.or(more.died);
    patient.language = patient.language.or(more.language);
    for (mine, theirs) in [
        (&mut patient.address, more.address),
        (&mut patient.insurance, more.insurance),
    ] {
        if mine.is_empty() {
            *mine = theirs;
        }
    }
    extend(&mut patient.phones, more.phones);
    extend(&mut patient.former_names, more.former_names);
    extend(&mut patient.facts, more.facts);
}

/// Compares what an appointment row says about the patient with the patient file, and says where they differ.
pub fn compare(patient: &Patient, identity: &Identity, sink: &mut Sink<'_>) {
    let (name, other) = (&patient.name.written, &identity.name.written);
    // A name that could not be read whole has been told already and cannot be compared.
    let whole = |name: &str| !name.is_empty() && !name.contains('\u{FFFD}');
    let alike = || {
        name == other
            || chart::fold::name_key(name) == chart::fold::name_key(other)
            || (patient.birth.is_some() && patient.birth == identity.birth && fits(name, other))
    };
    if whole(name) && whole(other) && !alike() {
        let message = format!(
            "予約の氏名「{}」が患者基本の氏名「{}」と違います。本人確認をしてください。",
            identity.name.shown(),
            patient.name.shown()
        );
        sink.tell("identity.mismatch", Severity::Severe, "", message);
    }
    if let (Some(birth), Some(other)) = (patient.birth, identity.birth)
        && birth != other
    {
        let message = format!(
            "予約の生年月日 {} が患者基本の {} と違います。本人確認をしてください。",
            chart::date::short(other),
            chart::date::short(birth)
        );
        sink.tell("identity.mismatch", Severity::Severe, "", message);
    }
}

/// True when two names are the same but for characters that one of the two could not write (■, 〓, 外字): 髙橋 and ■橋. In ISO-2022-JP
/// that happens to 髙 and 﨑; a warning about each of them would bury the one about two people. Something must be readable in both.
#[must_use]
pub fn fits(name: &str, other: &str) -> bool {
    let (name, other) = (chart::fold::name_key(name), chart::fold::name_key(other));
    let (mut same, mut substituted) = (0_usize, 0_usize);
    let mut pairs = name.chars().zip(other.chars());
    let alike = pairs.all(|(a, b)| {
        let lost = is_substitute(a) || is_substitute(b);
        substituted += usize::from(lost);
        same += usize::from(a == b && !lost);
        lost || a == b
    });
    alike && same > 0 && substituted > 0 && name.chars().count() == other.chars().count()
}

/// True for a name of which some character could not be written.
#[must_use]
pub fn is_lossy(name: &str) -> bool {
    name.chars().any(is_substitute)
}

fn is_substitute(c: char) -> bool {
    matches!(c, '■' | '〓' | '\u{FFFD}') || chart::fold::is_private_use(c)
}

/// A patient known from the appointment list only.
#[must_use]
pub fn from_booking(id: PatientId, identity: Option<Identity>) -> Patient {
    let identity = identity.unwrap_or_default();
    let mut name = identity.name;
    if name.written.is_empty() {
        NAMELESS.clone_into(&mut name.written);
    }
    Patient {
        id,
        name,
        former_names: Vec::new(),
        birth: identity.birth,
        sex: identity.sex.unwrap_or_default(),
        phones: identity.phones,
        facts: Vec::new(),
        died: None,
        address: String::new(),
        insurance: String::new(),
        language: None,
    }
}

/// Shown where the name could not be fetched: blank is never a value.
pub const NAMELESS: &str = "（氏名取得できず）";

fn extend<T: PartialEq>(mine: &mut Vec<T>, theirs: Vec<T>) {
    for one in theirs {
        if mine.len() < MAX_LISTED && !mine.contains(&one) {
            mine.push(one);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_no_other_name() {
        assert!(fits("髙橋　德子", "■橋　■子"));
        assert!(fits("〓野　久子", "■野　久子"));
        for other in ["高梨　德子", "■橋　花子", "■■", "■橋　■子子"] {
            assert!(!fits("髙橋　德子", other), "{other}");
        }
        assert!(!fits("山田　花子", "山田　華子"), "both can be read");
    }
}
