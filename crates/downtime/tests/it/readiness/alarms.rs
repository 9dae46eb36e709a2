//! When the warden calls: hubs that die, receipts that stop, snapshots that grow old, clocks and files that are wrong; and when it does not.

use chart::Moment;
use downtime::readiness::Light;
use downtime::readiness::alarm::{Alarm, Bounds, HubSeen, Seen, alarms};
use downtime::readiness::fleet::{Fleet, Member, Place, fleet};
use downtime::readiness::receipt::{Point, Receipt, What, Why};

use super::{code, enrolled, good, newest, nine};

const PATIENCE: i64 = 15 * 60;

fn hub(address: &str, ago: i64) -> HubSeen {
    HubSeen {
        address: address.to_owned(),
        answered: Some(Moment(nine().0 - ago)),
        heartbeat: Some(Moment(nine().0 - ago)),
        ahead: Some(0),
        why: "timeout".to_owned(),
    }
}

/// All is well at nine, after an hour of looking.
fn well<'a>(fleet: &'a Fleet<'a>) -> Seen<'a> {
    Seen {
        now: nine(),
        since: Moment(nine().0 - 3_600),
        no_trust: None,
        no_disk: None,
        hubs: vec![hub("https://a", 10), hub("https://b", 20)],
        fleet: Some(fleet),
        sealed: Some(newest().sealed),
        strangers: Vec::new(),
    }
}

fn names(seen: &Seen<'_>) -> Vec<String> {
    alarms(seen, &Bounds::default()).iter().map(Alarm::name).collect()
}

fn ward(receipts: &[Option<Receipt>]) -> Fleet<'_> {
    let ward: &'static [String] = Box::leak(vec!["3E".to_owned()].into_boxed_slice());
    let member = |(n, receipt)| Member {
        code: code(&format!("R{n:02}")),
        hub: false,
        wards: ward,
        departments: &[],
        receipt: Option::as_ref(receipt),
        good: None,
        future: None,
    };
    fleet(
        receipts.iter().enumerate().map(member).collect(),
        Some(&newest()),
        nine(),
    )
}

fn fine() -> Receipt {
    good(&enrolled().roster, code("R03"))
}

#[test]
fn all_is_well_and_nothing_is_said() {
    let receipts = vec![Some(fine()); 10];
    let fleet = ward(&receipts);
    assert!(names(&well(&fleet)).is_empty());
}

#[test]
fn one_hub_of_two_is_silent_then_both_and_the_time_is_kept_to_the_minute() {
    let receipts = [Some(fine())];
    let fleet = ward(&receipts);
    let with = |ago: [i64; 2]| {
        let hubs = vec![hub("https://a", ago[0]), hub("https://b", ago[1])];
        alarms(&Seen { hubs, ..well(&fleet) }, &Bounds::default())
    };
    assert!(with([PATIENCE - 1, 0]).is_empty());
    let one = with([PATIENCE, 0]);
    assert_eq!(one.len(), 1);
    assert!(
        matches!(&one[0], Alarm::HubSilent { address, since, .. } if address == "https://a" && since.0 == nine().0 - PATIENCE)
    );
    let both = with([PATIENCE + 60, PATIENCE]);
    assert!(
        matches!(&both[0], Alarm::NoHub { since, .. } if since.0 == nine().0 - PATIENCE),
        "since the last was heard"
    );
    let never = HubSeen {
        answered: None,
        heartbeat: None,
        ..hub("https://a", 0)
    };
    let seen = Seen {
        hubs: vec![never],
        ..well(&fleet)
    };
    assert_eq!(names(&seen), ["no-hub"], "one that never answered is not waited for");
    let begun = Seen { since: nine(), ..seen };
    assert!(
        names(&begun).is_empty(),
        "but a warden that has just begun waits its time"
    );
}

#[test]
fn a_hub_that_answers_without_a_sealer_and_an_answer_from_the_future_are_no_signs_of_life() {
    let receipts = [Some(fine())];
    let fleet = ward(&receipts);
    let without = HubSeen {
        heartbeat: Some(Moment(nine().0 - PATIENCE)),
        ..hub("https://a", 0)
    };
    let seen = Seen {
        hubs: vec![without],
        ..well(&fleet)
    };
    assert_eq!(names(&seen), ["no-heartbeat"]);
    let set_back = Seen {
        hubs: vec![hub("https://a", -86_400)],
        ..well(&fleet)
    };
    assert_eq!(names(&set_back), ["no-hub"], "this machine's clock was set back");
    let ahead = HubSeen {
        ahead: Some(-300),
        ..hub("https://a", 0)
    };
    let seen = Seen {
        hubs: vec![ahead],
        ..well(&fleet)
    };
    assert_eq!(alarms(&seen, &Bounds::default()), [Alarm::Clock { ahead: -300 }]);
}

#[test]
fn receipts_that_stop_are_called_by_ward_below_ninety_percent() {
    let mut receipts = vec![Some(fine()); 10];
    receipts[0] = None;
    assert!(names(&well(&ward(&receipts))).is_empty(), "nine of ten");
    receipts[1] = Some(Receipt {
        at: Moment(nine().0 - 86_400),
        ..fine()
    });
    let fleet = ward(&receipts);
    let found = alarms(&well(&fleet), &Bounds::default());
    let expected = Alarm::Receipts {
        place: Place::Ward("3E".to_owned()),
        fresh: 8,
        all: 10,
    };
    assert_eq!(found, [expected]);
    let nothing = vec![None; 10];
    let begun = Seen {
        since: nine(),
        sealed: None,
        fleet: Some(&ward(&nothing)),
        ..well(&fleet)
    };
    assert!(names(&begun).is_empty(), "nothing could be heard yet");
}

#[test]
fn a_ward_where_every_station_says_it_fails_is_dark_and_a_stale_one_is_not() {
    let failing = Receipt {
        points: vec![Point::new(What::Saving, Light::Bad, Why::NotSaved)],
        ..fine()
    };
    let receipts = [Some(failing.clone()), Some(failing.clone())];
    assert_eq!(names(&well(&ward(&receipts))), ["dark ward-3E"]);
    let mut stale = fine();
    stale.holds.as_mut().unwrap().delta = 0;
    let receipts = [Some(failing), Some(stale)];
    assert!(names(&well(&ward(&receipts))).is_empty());
}

#[test]
fn an_old_snapshot_an_unusable_trust_file_a_full_disk_and_strangers_are_called() {
    let receipts = [Some(fine())];
    let fleet = ward(&receipts);
    let old = Seen {
        sealed: Some(Moment(nine().0 - 26 * 3_600 - 1)),
        ..well(&fleet)
    };
    assert_eq!(names(&old), ["old-snapshot"]);
    let none = Seen {
        sealed: None,
        ..well(&fleet)
    };
    assert_eq!(names(&none), ["old-snapshot"]);
    let blind = Seen {
        no_trust: Some("x".to_owned()),
        no_disk: Some("y".to_owned()),
        fleet: None,
        sealed: None,
        ..well(&fleet)
    };
    assert_eq!(
        names(&blind),
        ["no-trust", "no-disk"],
        "without trust nothing is said about stations, and that is said"
    );
    let strangers = Seen {
        strangers: vec![code("X99")],
        ..well(&fleet)
    };
    assert_eq!(names(&strangers), ["strangers"]);
    let nobody = Seen {
        hubs: Vec::new(),
        ..well(&fleet)
    };
    assert_eq!(names(&nobody), ["no-hub"]);
}
