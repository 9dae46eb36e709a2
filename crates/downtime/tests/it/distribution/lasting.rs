//! Sealing again within an epoch: charts that say the same keep their bytes, their data age goes on, and nothing stays that is over.

use chart::{AsOf, Chart, Coded, Known, Moment};
use downtime::extract::{ExtractFault, Guard, Lasting};
use downtime::identity::Role;
use downtime::shelf::{Opened, Shelf};
use vault::slot::Credentials;

use crate::hospital::{Hospital, PASSWORD, Written, nine, patient, patients};

/// Charts as a source hands them over that vouches for all of them at one moment.
fn at(moment: Moment, mut charts: Vec<Chart>) -> Written {
    charts.iter_mut().for_each(|chart| chart.as_of = AsOf::all(moment));
    Written(charts, moment)
}

fn minutes(n: i64) -> Moment {
    Moment(nine().0 + n * 60)
}

fn opened(shelf: &Shelf) -> Opened {
    let current = shelf.current().unwrap();
    current.sign_in("2001", &Credentials::Password(PASSWORD)).unwrap().1
}

#[test]
fn unchanged_charts_keep_their_bytes_and_are_vouched_for_anew() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut seal = |n, charts| hospital.seal_on(&mut lasting, &at(minutes(n), charts), Guard::default(), true);
    let mut charts = patients(60);
    let first = seal(-60, charts.clone()).unwrap();
    assert_eq!((first.identity.delta, first.kept), (0, 0));
    let size = hospital.shelf("H01").current().unwrap().size().unwrap();

    charts[7].allergies = Known::ConfirmedNone { on: None };
    charts.remove(20);
    charts.push(patient("00009999", "髙橋　𠮷江", "タカハシ　ヨシエ", 8));
    let second = seal(-30, charts.clone()).unwrap();
    assert_eq!(
        (second.identity.epoch, second.identity.delta),
        (first.identity.epoch, 1)
    );
    assert_eq!((second.kept, second.reopened, second.stat.charts), (58, 60, 60));
    assert_eq!(
        second.stat.edition,
        first.stat.edition + 1,
        "papers of both have numbers of their own"
    );
    let shelf = hospital.shelf("H01");
    let grown = shelf.current().unwrap().size().unwrap() - size;
    assert!(grown * 4 < size, "{grown} of {size}");
    let now = opened(&shelf);
    assert_eq!(now.index().records(), 60);
    for chart in &charts {
        let found = now.find(&chart.patient.id).unwrap();
        assert_eq!(found.as_of, AsOf::all(minutes(-30)), "also where nothing changed");
        assert_eq!(found.allergies, chart.allergies);
        assert_eq!(found.patient, chart.patient);
    }
    let gone = patients(60).swap_remove(20);
    assert!(now.find(&gone.patient.id).is_err(), "who is gone is not listed");

    // The EHR vouches for the very same again: a delta of a few hundred bytes, and the time goes on.
    let third = seal(-5, charts.clone()).unwrap();
    assert_eq!((third.identity.delta, third.kept), (2, 60));
    let now = opened(&hospital.shelf("H01"));
    assert_eq!(now.find(&charts[0].patient.id).unwrap().as_of, AsOf::all(minutes(-5)));
    // And says nothing at all: nothing is sealed, as before.
    assert!(matches!(seal(-5, charts), Err(ExtractFault::Unchanged)));
}

#[test]
fn a_chart_of_another_age_carries_its_own_and_nobody_elses() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut seal = |moment: Moment, charts| {
        let source = Written(charts, moment);
        hospital
            .seal_on(&mut lasting, &source, Guard::default(), false)
            .unwrap()
    };
    let mut charts = patients(30);
    charts[3].as_of = AsOf::all(minutes(-500));
    charts[4].origins = vec![(chart::DataKind::Note, "部門".to_owned())];
    charts[4].as_of = AsOf::all(minutes(-90));
    for (round, kept) in [(-40, 0), (-30, 28)] {
        for (n, chart) in charts.iter_mut().enumerate() {
            if n != 3 && n != 4 {
                chart.as_of = AsOf::all(minutes(round));
            }
        }
        let done = seal(minutes(round), charts.clone());
        assert!(done.kept >= kept, "{}", done.kept);
        let now = opened(&hospital.shelf("H01"));
        for chart in &charts {
            assert_eq!(&now.find(&chart.patient.id).unwrap(), chart, "round {round}");
        }
    }
}

#[test]
fn since_when_something_cannot_be_fetched_is_since_the_first_time() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let mut charts = patients(20);
    let since = |charts: &mut Vec<Chart>, moment| {
        let notes = charts.iter_mut().map(|chart| &mut chart.notes);
        notes.for_each(|notes| *notes = Known::Unavailable { since: Some(moment) });
    };
    since(&mut charts, minutes(-60));
    let guard = Guard::default();
    hospital
        .seal_on(&mut lasting, &at(minutes(-60), charts.clone()), guard.clone(), false)
        .unwrap();
    let first = charts.clone();
    since(&mut charts, minutes(-30));
    let done = hospital
        .seal_on(&mut lasting, &at(minutes(-30), charts.clone()), guard.clone(), false)
        .unwrap();
    assert_eq!(done.kept, 20, "it still cannot be fetched: nothing has changed");
    let now = opened(&hospital.shelf("H01"));
    assert_eq!(now.find(&first[0].patient.id).unwrap().notes, first[0].notes);
    charts[0].notes = Known::NotRecorded;
    let done = hospital
        .seal_on(&mut lasting, &at(minutes(-20), charts.clone()), guard, false)
        .unwrap();
    assert_eq!(done.kept, 19);
    let now = opened(&hospital.shelf("H01"));
    assert_eq!(now.find(&first[0].patient.id).unwrap().notes, Known::NotRecorded);
}

#[test]
fn another_roster_a_restart_another_hand_and_large_changes_begin_a_new_epoch() {
    let mut hospital = Hospital::new();
    let mut lasting = Lasting::default();
    let guard = Guard::default;
    let first = hospital
        .seal_on(&mut lasting, &at(minutes(-60), patients(40)), guard(), false)
        .unwrap();
    let epoch = first.identity.epoch;
    let next = |hospital: &Hospital, lasting: &mut Lasting, charts| {
        let moment = Moment(hospital.clock.load(std::sync::atomic::Ordering::SeqCst));
        hospital.seal_on(lasting, &at(moment, charts), guard(), false).unwrap()
    };
    assert_eq!(next(&hospital, &mut lasting, patients(40)).identity.delta, 1);
    // Somebody is enrolled: only new keys can leave out, or let in.
    hospital.enrol(
        "1002",
        Role::Reception,
        downtime::identity::Scope::Wards(vec!["3E".to_owned()]),
    );
    let enrolled = next(&hospital, &mut lasting, patients(40));
    assert_eq!((enrolled.identity.epoch, enrolled.identity.delta), (epoch + 1, 0));
    assert_eq!(next(&hospital, &mut lasting, patients(40)).identity.delta, 1);
    // The hub is restarted: the keys are gone.
    let restarted = next(&hospital, &mut Lasting::default(), patients(40));
    assert_eq!((restarted.identity.epoch, restarted.identity.delta), (epoch + 2, 0));
    // That was another program; the one that still runs does not go on with what it knew.
    let back = next(&hospital, &mut lasting, patients(40));
    assert_eq!((back.identity.epoch, back.identity.delta), (epoch + 3, 0));
    assert!(
        back.stat.edition > restarted.stat.edition,
        "numbers of sealings never come again"
    );
    // Everything changes: one delta carries it, and then a new epoch is smaller.
    let mut charts = patients(40);
    let wards = |charts: &mut Vec<Chart>, name: &str| {
        let appointments = charts.iter_mut().map(|chart| &mut chart.appointments[0]);
        appointments.for_each(|booked| booked.doctor = Coded::new("D9", name));
    };
    wards(&mut charts, "鈴木　二郎");
    let large = next(&hospital, &mut lasting, charts.clone());
    assert_eq!((large.identity.delta, large.kept), (1, 0));
    wards(&mut charts, "高橋　三郎");
    let anew = next(&hospital, &mut lasting, charts);
    assert_eq!((anew.identity.epoch, anew.identity.delta), (epoch + 4, 0));
}

#[test]
fn a_refused_extract_ends_nothing() {
    let hospital = Hospital::new();
    let mut lasting = Lasting::default();
    hospital
        .seal_on(&mut lasting, &at(minutes(-60), patients(40)), Guard::default(), false)
        .unwrap();
    let refused = hospital.seal_on(&mut lasting, &at(minutes(-50), Vec::new()), Guard::default(), false);
    assert!(matches!(refused, Err(ExtractFault::Refused(_))));
    let next = hospital
        .seal_on(&mut lasting, &at(minutes(-40), patients(40)), Guard::default(), false)
        .unwrap();
    assert_eq!((next.identity.delta, next.kept), (1, 40));
}

/// Wards and departments: a chart that moves is listed where it is, and is sealed anew so that the old list's key does not open it.
#[test]
fn whoever_moves_to_another_ward_leaves_the_list_of_the_first() {
    let mut hospital = Hospital::new();
    for (number, ward) in [("3001", "3E"), ("3002", "3W")] {
        let scope = downtime::identity::Scope::Wards(vec![ward.to_owned()]);
        hospital.enrol(number, Role::Nurse, scope);
    }
    let mut lasting = Lasting::default();
    let mut charts = patients(20);
    for chart in &mut charts {
        chart.stay = Some(chart::Stay::at(Coded::new("3E", "3階東"), "301", "1"));
    }
    hospital
        .seal_on(&mut lasting, &at(minutes(-60), charts.clone()), Guard::default(), false)
        .unwrap();
    if let Some(stay) = &mut charts[5].stay {
        stay.ward = Coded::new("3W", "3階西");
    }
    hospital
        .seal_on(&mut lasting, &at(minutes(-50), charts.clone()), Guard::default(), false)
        .unwrap();
    let shelf = hospital.shelf("H01");
    let sees = |number: &str| {
        let current = shelf.current().unwrap();
        let (_, opened) = current.sign_in(number, &Credentials::Password(PASSWORD)).unwrap();
        let found: Vec<bool> = charts
            .iter()
            .map(|chart| opened.find(&chart.patient.id).is_ok())
            .collect();
        found
    };
    let (east, west) = (sees("3001"), sees("3002"));
    assert!(
        (0..20).all(|n| east[n] == (n != 5) && west[n] == (n == 5)),
        "{east:?} {west:?}"
    );
}
