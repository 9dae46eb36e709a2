//! Every attack on the way from the sealer to a station that The Update Framework names (§1.5.2), and what a malicious or broken giver can
//! do: each is refused by name, and what was in use stays in use, byte for byte.

use std::sync::atomic::Ordering;

use chart::{Chart, Known, Moment};
use downtime::distribution::{Admission, Giver, PullFault, Refused, Warning, judge};
use downtime::extract::{Guard, Lasting};
use downtime::shelf::ArrivalFault;
use vault::HospitalId;
use vault::keys::SealerSecret;
use vault::shelf_slots::{Identity, Water};
use vault::sign::Purpose;
use vault::snapshot::{MAX_DELTAS, MAX_TAIL, Manifest, Tail};

use super::shop::{Shop, Ward, Way, hub};
use crate::hospital::{Hospital, Literal, patients, rng, sealed_file};

pub const DAY_SECONDS: i64 = 86_400;

/// A station with the base of an epoch, and a hub with two deltas more. The ends of all three.
pub struct Scene {
    pub hospital: Hospital,
    pub tails: Vec<Vec<u8>>,
    pub files: Vec<Vec<u8>>,
}

impl Scene {
    pub fn new() -> Self {
        let hospital = Hospital::new();
        let mut lasting = Lasting::default();
        let mut charts: Vec<Chart> = patients(30);
        let (mut tails, mut files) = (Vec::new(), Vec::new());
        for n in 0..3 {
            charts[n].allergies = Known::ConfirmedNone { on: None };
            hospital
                .seal_on(&mut lasting, &Literal(charts.clone()), Guard::default(), false)
                .unwrap();
            let hub = hub(&hospital);
            tails.push(hub.current().unwrap().tail().unwrap());
            files.push(sealed_file(&hub));
            if n == 0 {
                let ward = Ward::new(&hospital);
                ward.follow(&hub, &[&Shop::new("hub", &hub, Way::Honest)]).unwrap();
            }
        }
        Self { hospital, tails, files }
    }

    pub fn manifest(&self, n: usize) -> Manifest {
        let trusted = self.hospital.roster.sealers().unwrap();
        Tail::parse(&self.tails[n], &trusted).unwrap().manifest().clone()
    }
}

/// A table's line: what is tried, and whether it was refused as it should be.
type Case<'a> = (&'static str, Box<dyn Fn(&Ward<'_>, &Shop<'_>) -> bool + 'a>);

fn untrusted(result: Result<downtime::shelf::Pulled, ArrivalFault>) -> bool {
    matches!(result, Err(ArrivalFault::Untrusted(_)))
}

fn nobody(result: Result<downtime::shelf::Pulled, ArrivalFault>) -> bool {
    matches!(result, Err(ArrivalFault::Pull(PullFault::Nobody)))
}

/// What is offered over the line, against a station that has the base.
#[test]
fn forty_ways_to_give_a_station_something_wrong() {
    let scene = Scene::new();
    let tail = scene.tails[2].clone();
    let cut = |at: usize| tail[..at].to_vec();
    let bent = |at: usize| {
        let mut bytes = tail.clone();
        bytes[at] ^= 1;
        bytes
    };
    let signed_by = |secret: &SealerSecret| {
        // The manifest as it is, signed anew by somebody else.
        let end = tail.len() - 32 - 98;
        let mut bytes = tail[..end].to_vec();
        bytes.extend_from_slice(&[1, 1]);
        bytes.extend_from_slice(&secret.public().to_bytes());
        bytes.extend_from_slice(&secret.sign(Purpose::Manifest, &tail[..end]));
        bytes.extend_from_slice(&tail[tail.len() - 32..]);
        bytes
    };
    let for_purpose = |purpose: Purpose| {
        let end = tail.len() - 32 - 98;
        let mut bytes = tail.clone();
        let signature = scene.hospital.sealer.sign(purpose, &tail[..end]);
        bytes[end + 34..end + 98].copy_from_slice(&signature);
        bytes
    };
    let offer = |bytes: Vec<u8>| move |ward: &Ward<'_>, hub: &Shop<'_>| untrusted(ward.follow_tail(&bytes, &[hub]));
    let gives = |way: Way| {
        let tail = tail.clone();
        move |ward: &Ward<'_>, hub: &Shop<'_>| {
            hub.way.set(way);
            let result = nobody(ward.follow_tail(&tail, &[hub]));
            hub.way.set(Way::Honest);
            result
        }
    };
    let lies = |way: Way| {
        let tail = tail.clone();
        move |ward: &Ward<'_>, hub: &Shop<'_>| {
            hub.way.set(way);
            let refused = nobody(ward.follow_tail(&tail, &[hub]));
            hub.way.set(Way::Honest);
            refused && ward.lied() == ["hub"]
        }
    };
    let stranger = SealerSecret::random(&mut rng());
    let end = tail.len();
    let cases: Vec<Case<'_>> = vec![
        ("arbitrary data: nothing", Box::new(offer(Vec::new()))),
        ("arbitrary data: zeros", Box::new(offer(vec![0; 500]))),
        (
            "arbitrary data: text",
            Box::new(offer(b"<html>502 Bad Gateway</html>".repeat(9))),
        ),
        (
            "arbitrary data: a whole file for its end",
            Box::new(offer(scene.files[2].clone())),
        ),
        ("arbitrary data: a bit of the manifest", Box::new(offer(bent(40)))),
        (
            "arbitrary data: a bit of the signature",
            Box::new(offer(bent(end - 40))),
        ),
        ("arbitrary data: a bit of the trailer", Box::new(offer(bent(end - 30)))),
        ("arbitrary data: cut short", Box::new(offer(cut(end - 1)))),
        (
            "arbitrary data: cut to its trailer",
            Box::new(offer(tail[end - 32..].to_vec())),
        ),
        ("wrong key: signed by a stranger", Box::new(offer(signed_by(&stranger)))),
        ("wrong key: the hospital's journal is not its sealer", {
            let secret = SealerSecret::random(&mut rng());
            Box::new(offer(signed_by(&secret)))
        }),
        (
            "wrong role: a heartbeat's signature",
            Box::new(offer(for_purpose(Purpose::Heartbeat))),
        ),
        (
            "wrong role: a record's signature",
            Box::new(offer(for_purpose(Purpose::Record))),
        ),
        (
            "wrong role: a receipt's signature",
            Box::new(offer(for_purpose(Purpose::Receipt))),
        ),
        (
            "wrong role: a roster's signature",
            Box::new(offer(for_purpose(Purpose::Roster))),
        ),
        ("duplicate signature: two of the same key", {
            let at = end - 32 - 98;
            let mut bytes = tail.clone();
            bytes[at] = 2;
            let signature = bytes[at + 1..end - 32].to_vec();
            bytes.splice(end - 32..end - 32, signature);
            Box::new(offer(bytes))
        }),
        ("duplicate signature: none at all", {
            let mut bytes = tail.clone();
            bytes[end - 32 - 98] = 0;
            Box::new(offer(bytes))
        }),
        ("mix and match: the manifest of one, the signature of another", {
            let (one, other) = (&scene.tails[2], &scene.tails[1]);
            let mut bytes = one[..one.len() - 130].to_vec();
            bytes.extend_from_slice(&other[other.len() - 130..other.len() - 32]);
            bytes.extend_from_slice(&one[one.len() - 32..]);
            Box::new(offer(bytes))
        }),
        (
            "endless data: an end without end",
            Box::new(offer(vec![7; MAX_TAIL + 1])),
        ),
        ("endless data: a good end behind megabytes", {
            let mut bytes = vec![0; MAX_TAIL];
            bytes.extend_from_slice(&tail);
            Box::new(offer(bytes))
        }),
        (
            "endless data: a section longer than it is",
            Box::new(lies(Way::TooLong)),
        ),
        (
            "arbitrary data: a section with a bit flipped",
            Box::new(lies(Way::FlipsABit)),
        ),
        ("arbitrary data: a section cut short", Box::new(lies(Way::TooShort))),
        ("arbitrary data: a section of zeros", Box::new(lies(Way::Zeros))),
        ("mix and match: bytes of another place", Box::new(lies(Way::Shifted))),
        ("mix and match: another order", Box::new(lies(Way::Another))),
        ("slow retrieval: the line is given up", Box::new(gives(Way::Broken))),
        ("slow retrieval: busy for ever", Box::new(gives(Way::Busy))),
        ("withholding: has none of it", Box::new(gives(Way::Empty))),
        (
            "withholding: breaks off after the first answer, for ever",
            Box::new(gives(Way::After(0))),
        ),
        ("nobody to ask", {
            let tail = tail.clone();
            Box::new(move |ward: &Ward<'_>, _: &Shop<'_>| nobody(ward.follow_tail(&tail, &[])))
        }),
        ("rollback: the same again", {
            let tail = scene.tails[0].clone();
            Box::new(move |ward: &Ward<'_>, hub: &Shop<'_>| {
                matches!(
                    ward.follow_tail(&tail, &[hub]),
                    Err(ArrivalFault::Refused(Refused::NotNewer))
                )
            })
        }),
    ];
    let before = sealed_file(&Ward::new(&scene.hospital).shelf);
    for (name, case) in &cases {
        let ward = Ward::new(&scene.hospital);
        let hub = hub(&scene.hospital);
        let shop = Shop::new("hub", &hub, Way::Honest);
        assert!(case(&ward, &shop), "{name}: {:?}", ward.remarks.borrow());
        assert_eq!(
            sealed_file(&hospital_shelf(&scene)),
            before,
            "{name}: the last good one stays"
        );
    }
    println!("attacks over the line: {}", cases.len());
    // A liar beside an honest one costs a detour, and the liar is named.
    for way in [
        Way::FlipsABit,
        Way::TooLong,
        Way::Zeros,
        Way::Broken,
        Way::Empty,
        Way::Busy,
        Way::After(1),
    ] {
        let scene = Scene::new();
        let (ward, hub) = (Ward::new(&scene.hospital), hub(&scene.hospital));
        let (bad, good) = (Shop::new("peer", &hub, way), Shop::new("hub", &hub, Way::Honest));
        let pulled = ward.follow_tail(&scene.tails[2], &[&bad as &dyn Giver, &good]).unwrap();
        assert_eq!(pulled.identity.delta, 2, "{way:?}");
        let lies = matches!(way, Way::FlipsABit | Way::TooLong | Way::Zeros);
        assert_eq!(ward.lied(), if lies { vec!["peer"] } else { Vec::new() }, "{way:?}");
        assert!(!lies || bad.asked.get() == 1, "{way:?}: asked no more");
    }
}

fn hospital_shelf(scene: &Scene) -> downtime::shelf::Shelf {
    scene.hospital.shelf("R03")
}

/// Well signed manifests that must not be followed.
#[test]
fn what_is_well_signed_and_still_refused() {
    let scene = Scene::new();
    let [base, middle, newest] = [0, 1, 2].map(|n| scene.manifest(n));
    let now = Moment(scene.hospital.clock.load(Ordering::SeqCst));
    let water = |manifest: &Manifest| Water {
        identity: Identity::from(manifest),
        told: manifest.created,
    };
    let here = |in_use: Option<&Manifest>, mark: Option<&Manifest>| Admission {
        hospital: scene.hospital.roster.hospital(),
        in_use: in_use.map(Identity::from),
        water: mark.map(water),
    };
    let with = |epoch: u64, delta: u32, created: i64| Manifest {
        epoch,
        delta,
        created,
        fresh_until: created + 26 * 3600,
        sha256: [5; 32],
        ..newest.clone()
    };
    let today = newest.epoch / 16 * 16;
    let later = |days: i64| Moment(now.0 + days * DAY_SECONDS);
    type Case = (&'static str, Manifest, Admission, Moment, Result<usize, Refused>);
    let cases: Vec<Case> = vec![
        (
            "the next delta",
            middle.clone(),
            here(Some(&base), Some(&base)),
            now,
            Ok(0),
        ),
        (
            "two deltas at once",
            newest.clone(),
            here(Some(&base), Some(&base)),
            now,
            Ok(0),
        ),
        ("the first of all", base.clone(), here(None, None), now, Ok(0)),
        (
            "a delta as the first of all",
            newest.clone(),
            here(None, None),
            now,
            Ok(0),
        ),
        (
            "rollback: an earlier delta",
            middle.clone(),
            here(Some(&newest), None),
            now,
            Err(Refused::NotNewer),
        ),
        (
            "rollback: an earlier epoch",
            with(today - 16, 0, now.0),
            here(Some(&newest), None),
            now,
            Err(Refused::NotNewer),
        ),
        (
            "rollback: an earlier epoch with a later delta",
            with(base.epoch - 1, 90, now.0),
            here(Some(&newest), None),
            now,
            Err(Refused::NotNewer),
        ),
        (
            "rollback: older than the mark, the slot lost",
            middle.clone(),
            here(Some(&base), Some(&newest)),
            now,
            Err(Refused::Rollback),
        ),
        (
            "rollback: older than the mark, all slots lost",
            middle.clone(),
            here(None, Some(&newest)),
            now,
            Err(Refused::Rollback),
        ),
        (
            "the newest again when its slot is lost",
            newest.clone(),
            here(Some(&base), Some(&newest)),
            now,
            Ok(0),
        ),
        (
            "fork: another snapshot under the number in use",
            with(newest.epoch, 2, now.0),
            here(Some(&newest), None),
            now,
            Err(Refused::Forked),
        ),
        (
            "fork: another one under the number of the mark",
            with(newest.epoch, 2, now.0),
            here(Some(&base), Some(&newest)),
            now,
            Err(Refused::Forked),
        ),
        (
            "another hospital",
            Manifest {
                hospital: HospitalId([9; 16]),
                ..newest.clone()
            },
            here(Some(&base), None),
            now,
            Err(Refused::Elsewhere),
        ),
        (
            "fast forward: a number of next week",
            with(today + 7 * 16, 0, now.0),
            here(Some(&base), Some(&base)),
            now,
            Err(Refused::FastForward),
        ),
        (
            "fast forward: the largest number",
            with(u64::MAX, 0, now.0),
            here(Some(&base), Some(&base)),
            now,
            Err(Refused::FastForward),
        ),
        (
            "fast forward: the largest number on a new station",
            with(u64::MAX, 0, now.0),
            here(None, None),
            now,
            Err(Refused::FastForward),
        ),
        (
            "fast forward: with a time to match",
            with(today + 7 * 16, 0, later(7).0),
            here(Some(&base), Some(&base)),
            now,
            Err(Refused::FastForward),
        ),
        (
            "fast forward: against a clock that was set ahead by nobody",
            with(today + 60 * 16, 0, later(60).0),
            here(Some(&base), Some(&base)),
            later(1),
            Err(Refused::FastForward),
        ),
        (
            "the day after tomorrow",
            with(today + 2 * 16, 0, now.0),
            here(Some(&base), Some(&base)),
            now,
            Ok(0),
        ),
        (
            "a hub that was restarted twenty times",
            with(base.epoch + 20, 0, now.0),
            here(Some(&base), Some(&base)),
            now,
            Ok(0),
        ),
        (
            "a station that was off for a month",
            with(today + 30 * 16, 4, later(30).0),
            here(Some(&base), Some(&base)),
            later(30),
            Ok(0),
        ),
        (
            "endless deltas",
            with(base.epoch, MAX_DELTAS + 1, now.0),
            here(Some(&base), None),
            now,
            Err(Refused::TooManyDeltas),
        ),
        (
            "freeze: it has run out",
            newest.clone(),
            here(Some(&base), None),
            later(3),
            Ok(1),
        ),
        (
            "a clock before its making",
            newest.clone(),
            here(Some(&base), Some(&base)),
            later(-1),
            Ok(1),
        ),
        (
            "a clock of 1970 on a new station",
            newest.clone(),
            here(None, None),
            Moment(0),
            Ok(1),
        ),
        (
            "a clock of 1970 with a mark",
            newest.clone(),
            here(Some(&base), Some(&base)),
            Moment(0),
            Ok(1),
        ),
    ];
    println!("judgements of well signed manifests: {}", cases.len());
    for (name, manifest, here, now, expected) in cases {
        let judged = judge(&manifest, &here, now).map(|warnings| warnings.len());
        assert_eq!(judged, expected, "{name}");
    }
    let told = judge(&newest, &here(None, None), later(-1)).unwrap();
    assert!(
        matches!(told[..], [Warning::ClockBehind { minutes: 1430..=1450 }]),
        "{told:?}"
    );
}
