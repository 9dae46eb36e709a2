//! Facts in the reader's language: birth date, age, sex, gaps, resemblance. Japanese comes from the formatters of `chart`;
//! only the English of the same facts is made here. Clinical text (drugs, diagnoses, notes) is never translated.

use chart::coverage::{Coverage, Standing};
use chart::rx::Member;
use chart::{Act, Allergy, Known, Moment, Sex};
use downtime::identity::Role;
use downtime::index::{Alike, Resemblance};
use jiff::Unit;
use jiff::civil::Date;

use crate::words::{Lang, Words};

/// カナ氏名, or 「カナ未登録」: blank is never a value.
#[must_use]
pub fn kana(w: &Words, name: &chart::Name) -> String {
    if name.kana.is_empty() {
        w["no-kana"].to_owned()
    } else {
        name.kana.clone()
    }
}

/// 受付 医師 医療情報.
#[must_use]
pub fn role(w: &Words, role: Role) -> &str {
    match role {
        Role::Reception => &w["role-reception"],
        Role::Physician => &w["role-physician"],
        Role::Informatics => &w["role-informatics"],
        Role::Nurse => &w["role-nurse"],
        Role::Laboratory => &w["role-laboratory"],
        Role::Radiology => &w["role-radiology"],
        Role::Pharmacy => &w["role-pharmacy"],
        Role::Accounting => &w["role-accounting"],
        Role::PrivacyOfficer => &w["role-privacy-officer"],
        Role::Commander => &w["role-commander"],
        Role::Recorder => &w["role-recorder"],
        Role::Reconciler => &w["role-reconciler"],
        Role::Auditor => &w["role-auditor"],
        Role::Maintenance => &w["role-maintenance"],
        Role::BreakGlass => &w["role-break-glass"],
    }
}

/// 1951年5月12日（昭和26年） or 1951-05-12(昭26); 「未確認」 in words when unknown.
#[must_use]
pub fn birth(w: &Words, birth: Option<Date>) -> String {
    match (birth, w.lang()) {
        (None, _) => w["birth-unknown"].to_owned(),
        (Some(date), Lang::Ja) => chart::date::long(date),
        (Some(date), Lang::En) => chart::date::short(date),
    }
}

/// 1951-05-12(昭26) for lists.
#[must_use]
pub fn birth_short(w: &Words, birth: Option<Date>) -> String {
    birth.map_or_else(|| w["unconfirmed"].to_owned(), chart::date::short)
}

/// One insurance in a line: kind, insurer, whose, share, until when; and what is wrong with it on a day.
#[must_use]
pub fn insurance(w: &Words, coverage: &Coverage, on: Date) -> String {
    let dated = |key: &str, day: Date| w.with(key, &[("day", (&chart::date::iso(day)).into())]);
    let standing = coverage.standing(on);
    let worth = match standing {
        Standing::Holds => coverage
            .valid_until
            .map(|until| dated("insurance-until", until))
            .unwrap_or_default(),
        Standing::Expired(last) => dated("insurance-expired", last),
        Standing::NotYet(first) => dated("insurance-not-yet", first),
        Standing::Wrong(_) => w["insurance-wrong"].to_owned(),
    };
    let wrong = matches!(standing, Standing::Wrong(_));
    let words = [
        coverage.kind.clone(),
        if wrong { String::new() } else { coverage.insurer.clone() },
        match coverage.member {
            Some(Member::Insured) => w["insurance-own"].to_owned(),
            Some(Member::Dependent) => w["insurance-family"].to_owned(),
            None => String::new(),
        },
        coverage
            .share
            .map(|share| {
                let percent = (u16::from(share) * 10).to_string();
                w.with("insurance-share", &[("percent", (&percent).into())])
            })
            .unwrap_or_default(),
        worth,
    ];
    let said: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    said.join("　")
}

/// What is last known of somebody's insurance, for the reception card: those that hold, else the newest of those that do not, else why there
/// is nothing.
#[must_use]
pub fn insurances(w: &Words, known: &Known<Vec<Coverage>>, on: Date, now: Moment) -> Vec<String> {
    if let Some(absent) = absence(w, known, now) {
        return vec![absent];
    }
    let list = known.items();
    let mut lines: Vec<String> = list
        .iter()
        .filter(|coverage| coverage.standing(on) == Standing::Holds)
        .map(|coverage| insurance(w, coverage, on))
        .collect();
    if lines.is_empty() {
        let newest = list.iter().max_by_key(|coverage| coverage.valid_until);
        lines.extend(newest.map(|coverage| insurance(w, coverage, on)));
    }
    lines
}

/// 75歳, 7歳8か月, 5か月, 生後12日; 75 y, 7 y 8 m, 5 m, 12 d.
#[must_use]
pub fn age(w: &Words, birth: Option<Date>, on: Date) -> String {
    let Some(birth) = birth.filter(|birth| *birth <= on) else {
        return w["age-unknown"].to_owned();
    };
    if w.lang() == Lang::Ja {
        return chart::date::age(birth, on);
    }
    let Ok(span) = birth.until((Unit::Year, on)) else {
        return w["age-unknown"].to_owned();
    };
    match (span.get_years(), span.get_months(), span.get_days()) {
        (0, 0, days) => format!("{days} d"),
        (0, months, _) => format!("{months} m"),
        (years, months, _) if years < 20 => format!("{years} y {months} m"),
        (years, ..) => format!("{years} y"),
    }
}

/// 男性 女性 その他 性別不明.
#[must_use]
pub fn sex(w: &Words, sex: Sex) -> &str {
    match sex {
        Sex::Male => &w["sex-m"],
        Sex::Female => &w["sex-f"],
        Sex::Other => &w["sex-o"],
        Sex::Unknown => &w["sex-u"],
    }
}

/// 男 女 他 不明, for narrow columns.
#[must_use]
pub fn sex_short(w: &Words, sex: Sex) -> &str {
    match sex {
        Sex::Male => &w["sex-short-m"],
        Sex::Female => &w["sex-short-f"],
        Sex::Other => &w["sex-short-o"],
        Sex::Unknown => &w["sex-short-u"],
    }
}

/// 12月18日（金）; Fri 2026-12-18.
#[must_use]
pub fn day(w: &Words, day: Date) -> String {
    match w.lang() {
        Lang::Ja => format!("{}月{}日（{}）", day.month(), day.day(), chart::date::weekday(day)),
        Lang::En => day.strftime("%a %F").to_string(),
    }
}

/// 15分, 3時間, 2日, rounded down, with the same borders as on paper.
#[must_use]
pub fn span(w: &Words, minutes: i64) -> String {
    let minutes = u64::try_from(minutes).unwrap_or(0);
    match minutes {
        ..=119 => w.with("span-minutes", &[("n", minutes.into())]),
        120..=2879 => w.with("span-hours", &[("n", (minutes / 60).into())]),
        _ => w.with("span-days", &[("n", (minutes / 1440).into())]),
    }
}

/// 0:12, hours and minutes.
#[must_use]
pub fn hours(minutes: i64) -> String {
    let minutes = minutes.max(0);
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

/// 08:45 on the same day, else 2026-11-20 08:45; 「不明」 for a moment that never was.
#[must_use]
pub fn moment(w: &Words, at: Moment, now: Moment) -> String {
    if at == Moment::default() {
        w["unknown"].to_owned()
    } else if at.day() == now.day() {
        at.clock()
    } else {
        at.text()
    }
}

/// 同姓同名 2人, for the reversed label; `None` for nobody.
#[must_use]
pub fn alike(w: &Words, alike: Alike) -> Option<String> {
    let (kind, count) = alike.strongest()?;
    let count = [("n", u64::from(count).into())];
    Some(match kind {
        Resemblance::SameName => w.with("flag-same-name", &count),
        Resemblance::SameReading => w.with("flag-same-reading", &count),
        Resemblance::Near => w.with("flag-near", &count),
    })
}

/// The allergy box: one of four states, never blank.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AllergyBox {
    /// `known`, `none`, `not_recorded`, `unavailable`.
    pub state: &'static str,
    /// The state in words.
    pub head: String,
    /// Substances, word for word.
    pub items: Vec<String>,
    /// 確認済 2026-08-03, 08:40 以降; may be empty.
    pub when: String,
}

/// What is known about allergies, in words.
#[must_use]
pub fn allergies(w: &Words, known: &Known<Vec<Allergy>>, now: Moment) -> AllergyBox {
    let state = known.state();
    let items: Vec<String> = known.items().iter().map(Allergy::text).collect();
    let (head, when) = match known {
        // An empty list that claims to be known would be a blank box.
        Known::Present(list) if list.is_empty() => (&w["allergy-not-recorded"], String::new()),
        Known::Present(_) => (&w["allergy-known"], String::new()),
        Known::ConfirmedNone { on } => (
            &w["allergy-none"],
            on.map_or_else(String::new, |on| {
                let on = chart::date::iso(on);
                w.with("confirmed-on", &[("date", (&on).into())])
            }),
        ),
        Known::NotRecorded => (&w["allergy-not-recorded"], String::new()),
        Known::Unavailable { since } => (
            &w["allergy-unavailable"],
            since.map_or_else(String::new, |since| {
                let since = moment(w, since, now);
                w.with("since-time", &[("time", (&since).into())])
            }),
        ),
    };
    let state = if state == "known" && items.is_empty() {
        "not_recorded"
    } else {
        state
    };
    AllergyBox {
        state,
        head: head.to_owned(),
        items,
        when,
    }
}

/// One of the three states without data, for a panel: 「なし（確認済 …）」「未確認（記録なし）」「取得できず（… 以降）」. `None` when there is data.
#[must_use]
pub fn absence<T>(w: &Words, known: &Known<Vec<T>>, now: Moment) -> Option<String> {
    match known {
        Known::Present(list) if !list.is_empty() => None,
        Known::ConfirmedNone { on: Some(on) } => {
            let on = chart::date::iso(*on);
            Some(w.with("none-confirmed-on", &[("date", (&on).into())]))
        }
        Known::ConfirmedNone { on: None } => Some(w["none-confirmed"].to_owned()),
        Known::Present(_) | Known::NotRecorded => Some(w["not-recorded"].to_owned()),
        Known::Unavailable { since: Some(since) } => {
            let since = moment(w, *since, now);
            Some(w.with("unavailable-since", &[("time", (&since).into())]))
        }
        Known::Unavailable { since: None } => Some(w["unavailable"].to_owned()),
    }
}

/// Acts about payments and sheets in a few words; empty for any other.
#[must_use]
pub fn of_paper(w: &Words, act: &Act) -> String {
    match act {
        Act::PaymentDeferred(p) => {
            let deposit = p.deposit.map(|amount| chart::entry::yen(amount.into()));
            let deposit = deposit.unwrap_or_else(|| w["payment-none-taken"].to_owned());
            w.with("act-payment", &[("deposit", (&deposit).into())])
        }
        Act::PaymentUndone { reason, .. } => w.with("act-payment-undone", &[("reason", reason.into())]),
        Act::SheetVoided { form_id, reason } => w.with(
            "act-sheet-voided",
            &[("number", form_id.as_str().into()), ("reason", reason.into())],
        ),
        Act::SheetsIssued(issued) => w.with(
            "act-sheets-issued",
            &[
                ("department", (&issued.title).into()),
                ("n", issued.sheets.len().into()),
            ],
        ),
        Act::SheetReturned(back) => {
            let pages: Vec<String> = back.found.iter().map(|found| found.page.to_string()).collect();
            let pages = pages.join(", ");
            w.with(
                "act-sheet-returned",
                &[
                    ("form", (&back.form).into()),
                    ("number", back.form_id.as_str().into()),
                    ("pages", (&pages).into()),
                ],
            )
        }
        Act::SheetNamed(named) => w.with(
            "act-sheet-named",
            &[
                ("form", (&named.form).into()),
                ("number", named.form_id.as_str().into()),
            ],
        ),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn words() -> [Words; 2] {
        Lang::ALL.map(|lang| Words::load(lang).unwrap())
    }

    #[test]
    fn ages_in_both_languages() {
        let [ja, en] = words();
        let on = date(2026, 11, 20);
        for (born, japanese, english) in [
            (date(2026, 11, 8), "生後12日", "12 d"),
            (date(2026, 6, 20), "5か月", "5 m"),
            (date(2019, 3, 5), "7歳8か月", "7 y 8 m"),
            (date(1951, 5, 12), "75歳", "75 y"),
        ] {
            assert_eq!(age(&ja, Some(born), on), japanese);
            assert_eq!(age(&en, Some(born), on), english);
        }
        assert_eq!(age(&ja, None, on), "年齢不明");
        assert_eq!(age(&ja, Some(date(2027, 1, 1)), on), "年齢不明", "not born yet");
    }

    #[test]
    fn the_allergy_box_is_never_blank() {
        let now = Moment::from_local(date(2026, 11, 20).at(9, 0, 0, 0));
        for w in words() {
            for (known, state) in [
                (Known::Present(vec![Allergy::default()]), "known"),
                (Known::Present(Vec::new()), "not_recorded"),
                (Known::ConfirmedNone { on: None }, "none"),
                (Known::NotRecorded, "not_recorded"),
                (Known::Unavailable { since: None }, "unavailable"),
            ] {
                let shown = allergies(&w, &known, now);
                assert_eq!(shown.state, state);
                assert!(!shown.head.is_empty());
                assert_eq!(absence(&w, &known, now).is_none(), state == "known");
            }
        }
    }
}
