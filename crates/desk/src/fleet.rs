//! What receipts say, in the reader's language: shared by the fleet's screen, the readiness screen, home and the commands.

use chart::Moment;
use downtime::extract::WardCount;
use downtime::readiness::fleet::{Fleet, Odd, Place, Row, Standing};
use downtime::readiness::receipt::{Point, Why};

use crate::say;
use crate::visit::Visit;
use crate::words::Words;

/// The sentence of a point.
#[must_use]
pub fn said(w: &Words, point: &Point, now: Moment) -> String {
    let Some(why) = point.why() else {
        return w["proof-unknown"].to_owned();
    };
    let at = point.at.map(|at| say::moment(w, at, now)).unwrap_or_default();
    let gib = |bytes: u64| format!("{}.{}", bytes >> 30, ((bytes % (1 << 30)) * 10) >> 30);
    let (free, size) = (gib(point.n), gib(point.all));
    w.with(
        why.word(),
        &[
            ("n", point.n.into()),
            ("all", point.all.into()),
            ("time", (&at).into()),
            ("text", (&point.text).into()),
            ("free", (&free).into()),
            ("size", (&size).into()),
        ],
    )
}

/// The sentence of a number that a day's line remembers.
#[must_use]
pub fn worst_word(w: &Words, code: u8) -> String {
    let key = Why::from_code(code).map(|why| format!("{}-short", why.word()));
    let short = key.as_deref().and_then(|key| w.get(key));
    short.unwrap_or(&w["proof-unknown"]).to_owned()
}

/// How a station stands, in a word.
#[must_use]
pub fn standing(w: &Words, standing: Standing) -> String {
    let key = format!("fleet-{}", standing.word());
    w.get(&key).unwrap_or(standing.word()).to_owned()
}

/// How the program of a station stands with newer versions.
#[must_use]
pub fn update(w: &Words, standing: &downtime::updates::Standing) -> String {
    let (key, values) = standing.said();
    let values: Vec<_> = values.iter().map(|(name, text)| (*name, text.into())).collect();
    w.with(key, &values)
}

/// 3階東（3E）, with the ward's name where the snapshot knows it.
#[must_use]
pub fn place(w: &Words, place: &Place, wards: &[WardCount]) -> String {
    match place {
        Place::Ward(code) => match wards.iter().find(|ward| ward.code == *code && ward.name != *code) {
            Some(ward) => format!("{}（{code}）", ward.name),
            None => w.with("fleet-ward", &[("code", code.as_str().into())]),
        },
        Place::Department(code) => w.with("fleet-department", &[("code", code.as_str().into())]),
        Place::Shared => w["fleet-shared"].to_owned(),
    }
}

/// Why a station is not ready, or what somebody should look at; nothing where all is well.
#[must_use]
pub fn reason(w: &Words, row: &Row<'_>, now: Moment) -> Option<String> {
    let odd = row.odd.map(|odd| match odd {
        Odd::Never => w["fleet-never"].to_owned(),
        Odd::Future(at) => w.with("fleet-future", &[("time", (&at.text()).into())]),
        Odd::Ahead => w["fleet-ahead"].to_owned(),
        Odd::OtherSnapshot => w["fleet-other-snapshot"].to_owned(),
        Odd::NothingToCompare => w["fleet-nothing-to-compare"].to_owned(),
        Odd::PrintedLongAgo => w["fleet-printed-long-ago"].to_owned(),
    });
    if odd.is_some() {
        return odd;
    }
    let receipt = row.member.receipt?;
    match row.standing {
        Standing::Silent => {
            let at = say::moment(w, receipt.at, now);
            Some(w.with("fleet-silent-since", &[("time", (&at).into())]))
        }
        Standing::Stale => {
            let at = receipt
                .holds
                .map(|holds| say::moment(w, holds.as_of, now))
                .unwrap_or_default();
            Some(w.with("fleet-stale-as-of", &[("time", (&at).into())]))
        }
        Standing::Failing => row.worst().map(|point| said(w, point, now)),
        // It can be used; somebody should look all the same.
        Standing::Ready => row
            .worst()
            .map(|point| format!("{} {}", point.light().mark(), said(w, point, now))),
    }
}

/// いま止まったら：端末 12台のうち 11台が使えます。
#[must_use]
pub fn sentence(w: &Words, fleet: &Fleet<'_>) -> String {
    let values = [("n", fleet.ready().into()), ("all", fleet.all().into())];
    let key = if fleet.all() == 0 {
        "fleet-nobody"
    } else if fleet.ready() == fleet.all() {
        "fleet-all-ready"
    } else {
        "fleet-some-ready"
    };
    w.with(key, &values)
}

/// 3階東（3E） 3/4台（R07 応答なし）: one place that is not whole, in a clause.
#[must_use]
pub fn clause(w: &Words, fleet: &Fleet<'_>, group: &downtime::readiness::fleet::Group, wards: &[WardCount]) -> String {
    let worst = group.rows.first().and_then(|row| fleet.rows.get(*row));
    let worst = worst.filter(|row| row.standing != Standing::Ready);
    let worst = worst
        .map(|row| format!("{} {}", row.member.code, standing(w, row.standing)))
        .unwrap_or_default();
    let name = place(w, &group.place, wards);
    let values = [
        ("place", (&name).into()),
        ("n", group.ready().into()),
        ("all", group.rows.len().into()),
        ("worst", (&worst).into()),
    ];
    w.with("fleet-clause", &values)
}

/// Most places that the home screen names.
const NAMED: usize = 2;

/// The fleet in one sentence for whoever answers for it, on a station that keeps others' receipts; with its mark.
#[must_use]
pub fn on_home(visit: &Visit) -> Option<(&'static str, String, Vec<String>)> {
    visit
        .role()
        .filter(|role| crate::screens::fleet::SCREEN.who.contains(role))?;
    let board = visit.site.desk.fleet.as_ref().filter(|_| hears_all(visit))?;
    let w = visit.w();
    let wards = wards(visit);
    board.fleet(visit.site.station(), |fleet, _, _| {
        if fleet.all() < 2 {
            return None;
        }
        let troubled = fleet.groups.iter().filter(|group| group.standing() != Standing::Ready);
        let lines: Vec<String> = troubled
            .clone()
            .take(NAMED)
            .map(|group| clause(w, fleet, group, &wards))
            .collect();
        let dark = fleet.groups.iter().any(downtime::readiness::fleet::Group::is_dark);
        let mark = match (dark, lines.is_empty()) {
            (true, _) => "■",
            (false, false) => "◆",
            (false, true) => "○",
        };
        Some((mark, sentence(w, fleet), lines))
    })
}

/// Whether all stations bring their receipts here: a hub. Elsewhere only those are known that were passed on through here.
#[must_use]
pub fn hears_all(visit: &Visit) -> bool {
    let station = visit.site.station();
    let shelved = station.shelf().current();
    let enrolled = shelved
        .as_ref()
        .and_then(|shelved| shelved.roster().station(station.code()));
    !visit.state.has_hub || enrolled.is_some_and(|enrolled| enrolled.hub)
}

/// The wards of the snapshot in use with their names.
#[must_use]
pub fn wards(visit: &Visit) -> Vec<WardCount> {
    let shelved = visit.site.station().shelf().current();
    shelved.map(|shelved| shelved.stat().wards.clone()).unwrap_or_default()
}
