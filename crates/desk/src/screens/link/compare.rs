//! Six identifiers of two people, side by side: reading, name, birth date, age, sex, phone. A mark says whether they agree; what
//! nobody wrote down agrees with nothing.

use chart::Sex;
use chart::entry::TemporaryPatient;
use downtime::view::View;

use crate::visit::Visit;

/// One identifier.
pub struct Line {
    /// Which.
    pub label: String,
    /// As said at the desk.
    pub temporary: String,
    /// As the EHR has it.
    pub patient: String,
    /// ＝ ≠ ？
    pub mark: &'static str,
    /// The same in words.
    pub words: String,
    /// They differ.
    pub differs: bool,
}

/// All six.
pub fn lines(visit: &Visit, temporary: &TemporaryPatient, view: &View) -> Vec<Line> {
    let w = visit.w();
    let now = visit.state.now.day();
    let Some(patient) = view.chart.as_ref().map(|chart| &chart.patient) else {
        return Vec::new();
    };
    let digits = |text: &str| -> String {
        text.chars()
            .map(chart::id::half_width)
            .filter(char::is_ascii_digit)
            .collect()
    };
    let numbers: Vec<&str> = patient.phones.iter().map(|phone| phone.number.as_str()).collect();
    let same_phone = numbers.iter().any(|number| digits(number) == digits(&temporary.phone));
    let former = |key: &dyn Fn(&chart::Name) -> String| -> bool {
        let mine = key(&temporary.name);
        std::iter::once(&patient.name)
            .chain(&patient.former_names)
            .any(|known| key(known) == mine)
    };
    let birth = |on: Option<jiff::civil::Date>| on.map(chart::date::long).unwrap_or_default();
    let age = |on: Option<jiff::civil::Date>| on.map(|on| chart::date::age(on, now)).unwrap_or_default();
    let own_age = temporary
        .birth
        .map_or_else(|| temporary.estimated_age.clone(), |on| chart::date::age(on, now));
    let sex = |sex: Sex| {
        if sex == Sex::Unknown {
            String::new()
        } else {
            sex.word().to_owned()
        }
    };
    let line = |label: &str, temporary: String, patient: String, same: Option<bool>| {
        let known = !temporary.trim().is_empty() && !patient.trim().is_empty();
        let (mark, word) = match same.filter(|_| known) {
            Some(true) => ("＝", "link-same"),
            Some(false) => ("≠", "link-differs"),
            None => ("？", "link-unknown"),
        };
        Line {
            label: w[label].to_owned(),
            temporary,
            patient,
            mark,
            words: w[word].to_owned(),
            differs: mark == "≠",
        }
    };
    vec![
        line(
            "link-kana",
            temporary.name.kana.clone(),
            patient.name.kana.clone(),
            Some(former(&|name| chart::fold::kana_key(&name.kana))),
        ),
        line(
            "link-name",
            temporary.name.written.clone(),
            patient.name.shown(),
            Some(former(&|name| chart::fold::name_key(&name.written))),
        ),
        line(
            "birth",
            birth(temporary.birth),
            birth(patient.birth),
            Some(temporary.birth == patient.birth),
        ),
        // An estimate is no match and no mismatch; a person looks at it.
        line(
            "link-age",
            own_age,
            age(patient.birth),
            temporary.birth.map(|_| temporary.birth == patient.birth),
        ),
        line(
            "link-sex",
            sex(temporary.sex),
            sex(patient.sex),
            Some(temporary.sex == patient.sex),
        ),
        line(
            "link-phone",
            temporary.phone.clone(),
            numbers.join("　"),
            Some(same_phone),
        ),
    ]
}
