//! The last thirty days' extracts in S70: each day with a shape and a word, and what there is to say about it.

use downtime::extract::days::{Day, Standing};

use crate::say;
use crate::visit::Visit;

/// One day.
pub struct Cell {
    /// 11/20
    pub day: String,
    /// Saturday or Sunday.
    pub weekend: bool,
    pub standing: &'static str,
    pub mark: &'static str,
    /// 完了, 指摘, 遅れ, 失敗, なし
    pub word: String,
    /// Everything about it, in a sentence.
    pub says: String,
    pub today: bool,
}

/// The days, the oldest first; none on a station that makes no extracts.
pub fn days(visit: &Visit) -> Vec<Cell> {
    let runs = visit.site.station().runs();
    let Some(timetable) = runs.timetable() else {
        return Vec::new();
    };
    let today = visit.state.now.day();
    // From noon on the snapshot may be tomorrow's.
    let last = timetable
        .wanted_day(visit.state.now)
        .map_or(today, |day| day.max(today));
    let strip = runs.days().strip(last);
    strip
        .into_iter()
        .map(|(day, one)| cell(visit, day, &one, day == today))
        .collect()
}

fn cell(visit: &Visit, day: jiff::civil::Date, one: &Day, today: bool) -> Cell {
    let (w, now) = (visit.w(), visit.state.now);
    let standing = one.standing();
    let word = w
        .get(&format!("ready-day-{}", standing.word()))
        .unwrap_or(standing.word());
    let mut says = vec![format!("{} {word}", say::day(w, day))];
    if let Some(first) = one.first {
        let first = say::moment(w, first, now);
        says.push(w.with(
            "ready-day-first",
            &[("time", (&first).into()), ("n", u64::from(one.sealings).into())],
        ));
    }
    if one.failures > 0 {
        says.push(w.with("ready-day-failures", &[("n", u64::from(one.failures).into())]));
    }
    let [severe, warning] = one.findings;
    if standing != Standing::Nothing && severe + warning > 0 {
        says.push(w.with(
            "ready-day-found",
            &[("severe", severe.into()), ("warning", warning.into())],
        ));
    }
    Cell {
        day: format!("{}/{}", day.month(), day.day()),
        weekend: matches!(
            day.weekday(),
            jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
        ),
        standing: standing.word(),
        mark: standing.mark(),
        word: word.to_owned(),
        says: says.join("　"),
        today,
    }
}
