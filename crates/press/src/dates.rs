//! Which edition of a form is in force on the day a sheet is issued: forms whose text is law change on a date, not with a program.
//!
//! Editions of `F04` are the folders `F04` and `F04-…`, each with its `effective-from` and `effective-until`. No clock here: the day is
//! the one the sheet itself says it was issued on.

use chart::Sheet;
use toml::value::Datetime;

use crate::forms::{Form, Forms};

/// Year, month, day.
type Day = (u16, u8, u8);

/// The edition for this sheet: the form itself, or the sibling whose dates hold the day of issue; and a sentence if none does.
pub fn edition<'a>(forms: &'a Forms, form: &'a Form, sheet: &Sheet) -> (&'a Form, Option<String>) {
    let Some(day) = issued_on(&sheet.issued) else {
        return (form, None);
    };
    if holds(form, day) {
        return (form, None);
    }
    let prefix = format!("{}-", form.about.code);
    let mut siblings = forms.iter().filter(|other| other.about.code.starts_with(&prefix));
    match siblings.find(|other| holds(other, day)) {
        Some(other) => (other, None),
        None => (form, Some(out_of_date(form, &sheet.issued))),
    }
}

/// The first date in the issue line, 発行 2026-11-20 09:12 R03.
fn issued_on(issued: &str) -> Option<Day> {
    issued.split_whitespace().find_map(|word| {
        let mut parts = word.split('-');
        let day = (
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
            parts.next()?.parse().ok()?,
        );
        (parts.next().is_none() && word.len() == 10).then_some(day)
    })
}

fn holds(form: &Form, day: Day) -> bool {
    let day_of = |date: &Option<Datetime>| date.as_ref()?.date.map(|date| (date.year, date.month, date.day));
    day_of(&form.about.effective_from).is_none_or(|from| from <= day)
        && day_of(&form.about.effective_until).is_none_or(|until| day <= until)
}

fn out_of_date(form: &Form, issued: &str) -> String {
    let about = &form.about;
    let word = |date: &Option<Datetime>| date.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "様式 {}（第{}版）の有効期間は {}〜{} です。発行日（{issued}）に有効な版がないため、この版で印刷しました。用紙を渡す前に様式を確認し、\
         新しい版のフォルダー（{}-…）を様式の場所に置いてください",
        about.code,
        about.version,
        word(&about.effective_from),
        word(&about.effective_until),
        about.code,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_of_issue_is_read_from_the_line_that_is_printed() {
        assert_eq!(issued_on("発行 2026-11-20 09:12 R03"), Some((2026, 11, 20)));
        for none in [
            "",
            "発行 ４月",
            "発行 2026-11 R03",
            "発行 20261120 1-2-3",
            "a-b-c 1-2-3-4",
        ] {
            assert_eq!(issued_on(none), None, "{none}");
        }
    }
}
