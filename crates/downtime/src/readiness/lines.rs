//! 通信の証明書: whether lines between stations and to browsers are proven and encrypted, and how long yet.

use chart::Moment;

use super::{Check, Facts, Light, Said, Tile, Value};
use crate::stations::LineMet;

/// Days before its end at which a machine's certificate should long have been renewed by itself.
pub const CERTIFICATE_CARE_DAYS: i64 = 20;
/// Days before its end at which somebody should renew the hub's key.
pub const ISSUING_CARE_DAYS: i64 = 60;
/// Most machines that are named.
const MOST_NAMED: usize = 8;
const DAY: i64 = 86_400;

/// `None` where no line leaves this machine.
pub(super) fn lines(facts: &Facts) -> Option<Check> {
    let state = facts.lines.as_ref()?;
    let now = facts.now;
    let mut lines: Vec<(Light, Said)> = Vec::new();
    match (state.plain, state.shown) {
        (true, None) => lines.push((Light::Bad, Said::plain("ready-line-plain"))),
        // On the way: people are asked over TLS, stations that have not changed yet are still answered.
        (true, Some(_)) => lines.push((Light::Care, Said::plain("ready-line-plain-others"))),
        (false, _) => {}
    }
    if let Some(shown) = state.shown {
        let time = |at: Moment| vec![("time", Value::At(at))];
        if now > shown.until {
            lines.push((Light::Bad, Said::with("ready-line-expired", time(shown.until))));
        } else if now < shown.from {
            lines.push((Light::Bad, Said::with("ready-line-not-yet", time(shown.from))));
        } else if days(now, shown.until) < CERTIFICATE_CARE_DAYS {
            lines.push((Light::Care, Said::with("ready-line-ends", time(shown.until))));
        }
    }
    if let Some(until) = state.issuing_until
        && days(now, until) < ISSUING_CARE_DAYS
    {
        let light = if now > until { Light::Bad } else { Light::Care };
        lines.push((
            light,
            Said::with("ready-line-issuing", vec![("time", Value::At(until))]),
        ));
    }
    if let Some(why) = &state.trouble {
        let why = vec![("why", Value::Text(why.clone()))];
        lines.push((Light::Care, Said::with("ready-line-trouble", why)));
    }
    for (name, met) in state.met.iter().take(MOST_NAMED) {
        let name = ("name", Value::Text(name.clone()));
        lines.push(match met {
            LineMet::Expired(at) => (
                Light::Care,
                Said::with("ready-line-other-expired", vec![name, ("time", Value::At(*at))]),
            ),
            LineMet::NotYet(at) => (
                Light::Care,
                Said::with("ready-line-other-not-yet", vec![name, ("time", Value::At(*at))]),
            ),
            LineMet::Refused(why) => (
                Light::Bad,
                Said::with("ready-line-refused", vec![name, ("why", Value::Text(why.clone()))]),
            ),
        });
    }
    // The worst first, and it is the sentence.
    lines.sort_by_key(|(light, _)| std::cmp::Reverse(*light));
    let mut lines = lines.into_iter();
    let (light, says) = match (lines.next(), state.shown) {
        (Some(worst), _) => worst,
        (None, Some(shown)) => (
            Light::Good,
            Said::with("ready-line-good", vec![("time", Value::At(shown.until))]),
        ),
        (None, None) => (Light::Good, Said::plain("ready-line-good-client")),
    };
    Some(Check {
        tile: Tile::Line,
        light,
        says,
        lines: lines.map(|(_, said)| said).collect(),
        checked: Some(state.at),
    })
}

const fn days(now: Moment, until: Moment) -> i64 {
    until.0.saturating_sub(now.0).div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::stations::{Lifetime, LineState};

    const NOW: Moment = Moment(1_800_000_000);

    fn at(days: i64) -> Moment {
        Moment(NOW.0 + days * DAY)
    }

    fn judged(state: LineState) -> (Light, &'static str, Vec<&'static str>) {
        let facts = Facts {
            now: NOW,
            lines: Some(Arc::new(state)),
            ..super::super::tests::ready()
        };
        let check = lines(&facts).unwrap();
        (
            check.light,
            check.says.key,
            check.lines.iter().map(|said| said.key).collect(),
        )
    }

    #[test]
    fn a_certificate_is_good_until_it_should_have_been_renewed() {
        let shown = |from, until| LineState {
            shown: Some(Lifetime {
                from: at(from),
                until: at(until),
            }),
            ..LineState::default()
        };
        assert_eq!(judged(shown(-30, 60)), (Light::Good, "ready-line-good", vec![]));
        assert_eq!(judged(shown(-75, 15)).1, "ready-line-ends");
        assert_eq!(judged(shown(-91, -1)).0, Light::Bad);
        assert_eq!(judged(shown(2, 92)).1, "ready-line-not-yet");
        let on_the_way = LineState {
            plain: true,
            ..shown(-30, 60)
        };
        assert_eq!(judged(on_the_way), (Light::Care, "ready-line-plain-others", vec![]));
    }

    #[test]
    fn everything_is_named_and_the_worst_is_the_sentence() {
        let state = LineState {
            plain: true,
            issuing_until: Some(at(30)),
            trouble: Some("x".to_owned()),
            met: vec![
                ("hub".to_owned(), LineMet::Expired(at(-9))),
                ("10.0.0.9".to_owned(), LineMet::Refused("y".to_owned())),
            ],
            ..LineState::default()
        };
        let (light, says, more) = judged(state);
        assert_eq!((light, says), (Light::Bad, "ready-line-plain"));
        assert_eq!(
            more,
            [
                "ready-line-refused",
                "ready-line-issuing",
                "ready-line-trouble",
                "ready-line-other-expired"
            ]
        );
    }
}
