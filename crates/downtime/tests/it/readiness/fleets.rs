//! Every combination of what may be known of a station; and that nothing but a fresh, good receipt for the newest snapshot is ever ready.

use std::collections::BTreeMap;

use chart::Moment;
use downtime::readiness::Light;
use downtime::readiness::fleet::{
    AHEAD_SECONDS, Fleet, Member, Odd, PRINTED_FRESH_SECONDS, Place, RECEIPT_FRESH_SECONDS, Standing, fleet, standing,
};
use downtime::readiness::kept::{OfStation, members, newest_known, newest_of_hubs};
use downtime::readiness::receipt::{Holds, NEEDED, Point, Receipt, What, Why};
use proptest::prelude::*;

use super::{code, enrolled, good, newest, nine};

fn member(receipt: Option<&Receipt>) -> Member<'_> {
    Member {
        code: code("R03"),
        hub: false,
        wards: &[],
        departments: &[],
        receipt,
        good: None,
        future: None,
    }
}

fn of(receipt: &Receipt) -> (Standing, Option<Odd>) {
    standing(&member(Some(receipt)), Some(&newest()), nine())
}

fn ready() -> Receipt {
    good(&enrolled().roster, code("R03"))
}

#[test]
fn good_fresh_and_for_the_newest_is_ready_and_nothing_less() {
    assert_eq!(of(&ready()), (Standing::Ready, None));
    let with = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = ready();
        change(&mut receipt);
        of(&receipt)
    };
    let holds = |change: &dyn Fn(&mut Holds)| with(&|receipt| change(receipt.holds.as_mut().unwrap()));
    assert_eq!(
        standing(&member(None), Some(&newest()), nine()),
        (Standing::Silent, Some(Odd::Never))
    );
    assert_eq!(
        with(&|r| r.at = Moment(nine().0 - RECEIPT_FRESH_SECONDS)),
        (Standing::Ready, None)
    );
    assert_eq!(
        with(&|r| r.at = Moment(nine().0 - RECEIPT_FRESH_SECONDS - 1)),
        (Standing::Silent, None)
    );
    assert_eq!(
        with(&|r| r.at = Moment(nine().0 + AHEAD_SECONDS)),
        (Standing::Ready, None)
    );
    let ahead = Moment(nine().0 + AHEAD_SECONDS + 1);
    assert_eq!(with(&|r| r.at = ahead), (Standing::Silent, Some(Odd::Future(ahead))));
    assert_eq!(holds(&|h| h.delta = 1), (Standing::Stale, None));
    assert_eq!(holds(&|h| h.epoch -= 1), (Standing::Stale, None));
    assert_eq!(holds(&|h| h.epoch += 1), (Standing::Stale, Some(Odd::Ahead)));
    assert_eq!(
        holds(&|h| h.manifest[0] ^= 1),
        (Standing::Failing, Some(Odd::OtherSnapshot))
    );
    assert_eq!(with(&|r| r.holds = None), (Standing::Failing, None));
    assert_eq!(with(&|r| r.printed = None), (Standing::Failing, None));
    let long_ago = Moment(nine().0 - PRINTED_FRESH_SECONDS - 1);
    assert_eq!(
        with(&|r| r.printed = Some(long_ago)),
        (Standing::Failing, Some(Odd::PrintedLongAgo))
    );
    assert_eq!(
        with(&|r| r.printed = Some(Moment(nine().0 + 4_000))),
        (Standing::Failing, Some(Odd::PrintedLongAgo))
    );
    let none = standing(&member(Some(&ready())), None, nine());
    assert_eq!(none, (Standing::Stale, Some(Odd::NothingToCompare)));
    let future = Member {
        future: Some(ahead),
        ..member(None)
    };
    assert_eq!(
        standing(&future, Some(&newest()), nine()),
        (Standing::Silent, Some(Odd::Future(ahead)))
    );
}

#[test]
fn each_needed_point_must_be_there_and_must_not_fail() {
    for what in NEEDED {
        let without = |receipt: &mut Receipt| receipt.points.retain(|point| point.what() != Some(what));
        let mut receipt = ready();
        without(&mut receipt);
        assert_eq!(of(&receipt).0, Standing::Failing, "{what:?} was not looked at");
        for (light, expected) in [
            (Light::Good, Standing::Ready),
            (Light::Care, Standing::Ready),
            (Light::Unchecked, Standing::Failing),
            (Light::Bad, Standing::Failing),
        ] {
            let mut receipt = ready();
            without(&mut receipt);
            receipt.points.push(Point::new(what, light, Why::RoomUnknown));
            assert_eq!(of(&receipt).0, expected, "{what:?} {light:?}");
        }
    }
}

/// The four lights, and numbers that no program of today writes.
fn receipts() -> impl Strategy<Value = Receipt> {
    let points = prop::collection::vec((0..What::ALL.len(), 0_u8..4, 0..Why::ALL.len()), 0..14);
    (
        points,
        -4_000_i64..4_000,
        -2_i64..3,
        -2_i32..3,
        any::<bool>(),
        prop::option::of(-100_000_i64..4_000),
    )
        .prop_map(|(points, at, epoch, delta, same, printed)| {
            let mut receipt = ready();
            let light = |n: u8| [Light::Good, Light::Care, Light::Unchecked, Light::Bad][usize::from(n)];
            receipt.points.extend(
                points
                    .into_iter()
                    .map(|(what, n, why)| Point::new(What::ALL[what], light(n), Why::ALL[why])),
            );
            receipt.at = Moment(nine().0 + at);
            receipt.printed = printed.map(|printed| Moment(nine().0 + printed));
            let holds = receipt.holds.as_mut().unwrap();
            holds.epoch = holds.epoch.saturating_add_signed(epoch);
            holds.delta = holds.delta.saturating_add_signed(delta);
            holds.manifest[0] ^= u8::from(!same);
            receipt
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn never_ready_but_by_a_fresh_good_receipt_for_the_newest_snapshot(receipt in receipts()) {
        let (found, _) = of(&receipt);
        let held = receipt.holds.unwrap();
        let same = (held.epoch, held.delta, held.manifest) == (newest().epoch, newest().delta, newest().manifest);
        let age = nine().0 - receipt.at.0;
        let fresh = (-AHEAD_SECONDS..=RECEIPT_FRESH_SECONDS).contains(&age);
        let printed = receipt.printed.is_some_and(|at| (-AHEAD_SECONDS..=PRINTED_FRESH_SECONDS).contains(&(nine().0 - at.0)));
        let fine = receipt.points.iter().all(|point| point.light() <= Light::Care);
        prop_assert_eq!(found == Standing::Ready, same && fresh && printed && fine);
    }
}

/// The fleet of the invented hospital with these receipts.
fn fleet_of<'a>(all: &'a super::Enrolled, held: &'a BTreeMap<[u8; 16], OfStation>) -> Fleet<'a> {
    let members = members(&all.roster, held);
    let newest = newest_of_hubs(&members);
    fleet(members, newest.as_ref(), nine())
}

/// A station, and what it says otherwise than a good one.
type Said<'a> = (&'a str, &'a dyn Fn(&mut Receipt));

fn held(all: &super::Enrolled, receipts: &[Said<'_>]) -> BTreeMap<[u8; 16], OfStation> {
    let one = |(station, change): &Said<'_>| {
        let signed = all.signed(station, |receipt| change(receipt));
        let receipt = signed.claim().unwrap();
        let of = OfStation {
            newest: Some((receipt.clone(), signed)),
            ..OfStation::default()
        };
        (receipt.station, of)
    };
    receipts.iter().map(one).collect()
}

#[test]
fn wards_and_departments_are_counted_the_worst_first_and_a_station_may_be_in_several() {
    let all = enrolled();
    let fine: &dyn Fn(&mut Receipt) = &|_| ();
    let old: &dyn Fn(&mut Receipt) = &|receipt| receipt.holds.as_mut().unwrap().delta = 1;
    let held = held(&all, &[("H01", fine), ("R03", fine), ("R04", old)]);
    let fleet = fleet_of(&all, &held);
    assert_eq!(fleet.counts, [2, 1, 1, 0], "R05 never said anything");
    let places: Vec<(Place, [usize; 4])> = fleet
        .groups
        .iter()
        .map(|group| (group.place.clone(), group.counts))
        .collect();
    assert_eq!(
        places,
        [
            (Place::Ward("4W".into()), [0, 0, 1, 0]),
            (Place::Department("01".into()), [0, 1, 0, 0]),
            (Place::Ward("3E".into()), [1, 1, 0, 0]),
            (Place::Shared, [1, 0, 0, 0]),
        ]
    );
    let ward = &fleet.groups[2];
    assert_eq!(
        fleet.rows[ward.rows[0]].member.code,
        code("R04"),
        "the worst station first"
    );
    assert_eq!(ward.people, Some((31, 33)));
    assert_eq!(fleet.groups[0].people, None, "nobody there has said anything");
    assert!(fleet.groups[0].is_dark() && !ward.is_dark());
}

#[test]
fn a_retired_station_is_not_counted_and_a_hub_says_what_is_newest() {
    let mut all = enrolled();
    let fine: &dyn Fn(&mut Receipt) = &|_| ();
    let ahead: &dyn Fn(&mut Receipt) = &|receipt| receipt.holds.as_mut().unwrap().epoch += 5;
    let held = held(&all, &[("H01", fine), ("R03", ahead)]);
    all.roster.retire_station(code("R05"), None);
    let fleet = fleet_of(&all, &held);
    assert_eq!(fleet.all(), 3);
    let of = |name: &str| {
        fleet
            .rows
            .iter()
            .find(|row| row.member.code == code(name))
            .unwrap()
            .standing
    };
    assert_eq!(of("H01"), Standing::Ready, "one station that boasts makes no hub stale");
    assert_eq!(of("R03"), Standing::Stale);
    // Without a hub in the roster the boldest counts: then nobody else is ready, and nobody is called so wrongly.
    all.roster.stations[0].hub = false;
    let members = members(&all.roster, &held);
    assert_eq!(newest_of_hubs(&members), None);
    assert_eq!(newest_known(&members).unwrap().epoch, newest().epoch + 5);
}

#[test]
fn a_point_of_a_newer_program_is_unchecked_and_not_good() {
    let mut bytes = minicbor_of(&Point::new(What::Disk, Light::Good, Why::Room));
    // The three numbers stand first: what, light, why.
    let at = bytes.iter().position(|byte| *byte == What::Disk.code()).unwrap();
    bytes[at + 1] = 9;
    let point: Point = minicbor::decode(&bytes).unwrap();
    assert_eq!(point.light(), Light::Unchecked);
    let mut receipt = ready();
    receipt.points.push(point);
    assert_eq!(of(&receipt).0, Standing::Failing);
}

fn minicbor_of(point: &Point) -> Vec<u8> {
    minicbor::to_vec(point).unwrap()
}

#[test]
fn a_thousand_stations_are_judged_in_a_moment() {
    let receipt = ready();
    let wards: Vec<Vec<String>> = (0..1_000).map(|n| vec![format!("W{:02}", n % 40)]).collect();
    let members = wards.iter().enumerate().map(|(n, wards)| Member {
        code: code(&format!(
            "{}{:02}",
            char::from(b'A' + u8::try_from(n / 100).unwrap()),
            n % 100
        )),
        wards,
        receipt: (n % 7 != 0).then_some(&receipt),
        ..member(None)
    });
    let fleet = fleet(members.collect(), Some(&newest()), nine());
    assert_eq!((fleet.all(), fleet.groups.len()), (1_000, 40));
    assert_eq!(fleet.ready(), 1_000 - 143);
}
