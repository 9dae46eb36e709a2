//! What gets in, what stays, and what survives.

use std::path::Path;
use std::sync::Arc;

use chart::Moment;
use downtime::readiness::kept::{Kept, believed, code_of};
use downtime::readiness::receipt::{NotBelieved, Signed};
use downtime::readiness::{Light, board::Bundle};
use vault::files::{Disk, Files};
use vault::keys::StationSecret;

use super::{code, enrolled, good, nine, rng};
use downtime::readiness::receipt::{Point, What, Why};

const DIR: &str = "readiness";

#[test]
fn only_an_enrolled_station_that_is_not_retired_is_believed_and_only_about_itself() {
    let mut all = enrolled();
    let own = all.signed("R03", |_| ());
    assert_eq!(believed(&own, &all.roster).unwrap().code, code("R03"));
    // Signed with a key nobody enrolled.
    let stranger = StationSecret::random(&mut rng());
    let forged = Signed::sign(&good(&all.roster, code("R03")), &stranger);
    assert_eq!(believed(&forged, &all.roster).unwrap_err(), NotBelieved::Forged);
    // One station speaks for another, by code and by name.
    let about_another = Signed::sign(&good(&all.roster, code("R04")), all.secret(code("R03")));
    assert_eq!(believed(&about_another, &all.roster).unwrap_err(), NotBelieved::Forged);
    let mut two_names = good(&all.roster, code("R03"));
    two_names.station = *all.roster.station_id(code("R04")).as_bytes();
    let two_names = Signed::sign(&two_names, all.secret(code("R03")));
    assert_eq!(believed(&two_names, &all.roster).unwrap_err(), NotBelieved::Forged);
    all.roster.retire_station(code("R03"), None);
    assert_eq!(believed(&own, &all.roster).unwrap_err(), NotBelieved::NotEnrolled);
}

#[test]
fn no_changed_byte_of_a_receipt_is_believed() {
    let all = enrolled();
    let bytes = all.signed("R03", |_| ()).to_bytes();
    let mut read = 0;
    for at in 0..bytes.len() {
        for bit in [1, 0x10, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            let Ok(signed) = Signed::from_bytes(&changed) else {
                continue;
            };
            read += 1;
            assert!(believed(&signed, &all.roster).is_err(), "byte {at} bit {bit}");
        }
    }
    assert!(read > bytes.len(), "most changes are still receipts, and still refused");
    for length in 0..bytes.len() {
        let cut = Signed::from_bytes(&bytes[..length]);
        assert!(cut.is_err() || believed(&cut.unwrap(), &all.roster).is_err());
    }
}

#[test]
fn too_much_is_refused_before_it_is_read() {
    let all = enrolled();
    let many = all.signed("R03", |receipt| {
        receipt.points = vec![Point::new(What::Disk, Light::Good, Why::Room); 65];
    });
    assert_eq!(believed(&many, &all.roster).unwrap_err(), NotBelieved::Malformed);
    assert!(Signed::from_bytes(&vec![0; 64 << 10]).is_err());
    let bundle = Bundle {
        receipts: vec![all.signed("R03", |_| ()); 2_001],
        held: Vec::new(),
    };
    assert!(Bundle::from_bytes(&bundle.to_bytes()).is_err());
}

fn open(dir: &Path, all: &super::Enrolled) -> Kept {
    Kept::open(Arc::new(Disk), &dir.join(DIR), &all.roster)
}

#[test]
fn the_newest_wins_the_future_stands_aside_and_a_restart_forgets_nothing() {
    let all = enrolled();
    let dir = tempfile::tempdir().unwrap();
    let kept = open(dir.path(), &all);
    let at = |seconds: i64| all.signed("R03", move |receipt| receipt.at = Moment(nine().0 + seconds));
    let now = Moment(nine().0 + 100);
    let name = *all.roster.station_id(code("R03")).as_bytes();
    assert_eq!(
        kept.take(&[at(0), at(60), at(60), at(30)], &all.roster, now).unwrap(),
        2
    );
    assert_eq!(kept.of(&name).newest.unwrap().0.at, Moment(nine().0 + 60));
    // A clock that was wrong for a minute must not silence its station for a year.
    assert_eq!(kept.take(&[at(30_000_000)], &all.roster, now).unwrap(), 0);
    assert_eq!(kept.of(&name).future, Some(Moment(nine().0 + 30_000_000)));
    assert_eq!(kept.of(&name).newest.unwrap().0.at, Moment(nine().0 + 60));
    let bad = all.signed("R03", |receipt| {
        receipt.at = Moment(nine().0 + 90);
        receipt.points[5] = Point::new(What::Disk, Light::Bad, Why::NoRoom);
    });
    assert_eq!(kept.take(&[bad], &all.roster, now).unwrap(), 1);
    let of = kept.of(&name);
    assert_eq!(of.future, None, "what it says since counts");
    assert_eq!(of.good.as_ref().unwrap().0.at, Moment(nine().0 + 60));
    assert_eq!((of.days.len(), of.days[0].receipts, of.days[0].good), (1, 3, 2));
    assert_eq!(of.days[0].worst, Some(Why::NoRoom.code()));
    drop(kept);
    let again = open(dir.path(), &all).of(&name);
    assert_eq!(again.newest.unwrap().0.at, Moment(nine().0 + 90));
    assert_eq!(again.good.unwrap().0.at, Moment(nine().0 + 60));
    assert_eq!(again.days, of.days);
    assert_eq!(code_of(&all.roster, &name), Some(code("R03")));
}

#[test]
fn days_are_bounded_and_a_file_that_was_cut_keeps_what_was_before() {
    let all = enrolled();
    let dir = tempfile::tempdir().unwrap();
    let name = *all.roster.station_id(code("R03")).as_bytes();
    let kept = open(dir.path(), &all);
    for day in 0..30 {
        let at = Moment(nine().0 + day * 86_400);
        let signed = all.signed("R03", move |receipt| receipt.at = at);
        kept.take(&[signed], &all.roster, at).unwrap();
    }
    assert_eq!(kept.of(&name).days.len(), downtime::readiness::kept::DAYS);
    drop(kept);
    let folder = dir.path().join(DIR);
    let file = folder.join(Disk.list(&folder).unwrap().pop().unwrap());
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() - 20]).unwrap();
    let kept = open(dir.path(), &all);
    assert_eq!(kept.of(&name).newest.unwrap().0.at, Moment(nine().0 + 28 * 86_400));
    // It is followed by a whole one.
    let at = Moment(nine().0 + 31 * 86_400);
    let signed = all.signed("R03", move |receipt| receipt.at = at);
    assert_eq!(kept.take(&[signed], &all.roster, at).unwrap(), 1);
    assert_eq!(Disk.list(&folder).unwrap().len(), 1);
    drop(kept);
    assert_eq!(open(dir.path(), &all).of(&name).newest.unwrap().0.at, at);
}
