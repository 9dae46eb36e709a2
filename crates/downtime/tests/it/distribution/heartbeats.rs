//! Heartbeats that are not believed: changed, replayed, of another role, of a time or a snapshot that cannot be.

use chart::Moment;
use downtime::distribution::{HEARTBEAT_LEN, Heartbeat, HeartbeatFault};
use vault::HospitalId;
use vault::keys::SealerSecret;
use vault::shelf_slots::Identity;
use vault::sign::Purpose;
use vault::snapshot::Snapshot;

use super::attacks::{DAY_SECONDS, Scene};
use super::shop::Ward;
use crate::hospital::rng;

#[test]
fn heartbeats_that_are_not_believed() {
    let scene = Scene::new();
    let ward = Ward::new(&scene.hospital);
    let newest = Identity::from(&scene.manifest(2));
    let now = ward.now();
    let plain = |newest: Identity, seconds: i64| Heartbeat {
        hospital: scene.hospital.roster.hospital(),
        newest,
        at: Moment(now.0 + seconds),
    };
    let signed = |beat: Heartbeat| beat.sign(&scene.hospital.sealer);
    let good = signed(plain(newest, 0));
    assert_eq!(good.len(), HEARTBEAT_LEN);
    let hear = |bytes: &[u8]| ward.shelf.hear(bytes, now);
    let refused = |name: &str, bytes: Vec<u8>, why: HeartbeatFault| {
        assert_eq!(hear(&bytes), Err(why), "{name}");
    };
    refused("arbitrary data: nothing", Vec::new(), HeartbeatFault::Malformed);
    refused(
        "arbitrary data: cut",
        good[..HEARTBEAT_LEN - 1].to_vec(),
        HeartbeatFault::Malformed,
    );
    refused("endless data", good.repeat(2), HeartbeatFault::Malformed);
    let stranger = SealerSecret::random(&mut rng());
    refused("wrong key", plain(newest, 0).sign(&stranger), HeartbeatFault::Untrusted);
    for bit in 0..HEARTBEAT_LEN * 8 {
        let mut changed = good.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(hear(&changed), Err(HeartbeatFault::Untrusted), "bit {bit}");
    }
    let mut role = good.clone();
    let signed_part = HEARTBEAT_LEN - 96;
    let signature = scene.hospital.sealer.sign(Purpose::Manifest, &good[..signed_part]);
    role[signed_part + 32..].copy_from_slice(&signature);
    refused("wrong role", role, HeartbeatFault::Untrusted);
    let elsewhere = Heartbeat {
        hospital: HospitalId([1; 16]),
        ..plain(newest, 0)
    };
    refused("another hospital", signed(elsewhere), HeartbeatFault::Elsewhere);
    refused(
        "fast forward: of next year",
        signed(plain(newest, 365 * DAY_SECONDS)),
        HeartbeatFault::Ahead,
    );
    assert_eq!(hear(&good), Ok(true));
    assert_eq!(hear(&good), Ok(false), "known already");
    refused(
        "freeze: an older one replayed",
        signed(plain(newest, -600)),
        HeartbeatFault::Old,
    );
    let base = Identity::from(&scene.manifest(0));
    refused(
        "rollback: a later time with an older snapshot",
        signed(plain(base, 60)),
        HeartbeatFault::Old,
    );
    assert_eq!(hear(&signed(plain(newest, 60))), Ok(true));
    assert_eq!(ward.shelf.heartbeat().unwrap().0.at, Moment(now.0 + 60));
    assert_eq!(ward.shelf.wanted(), Some(newest), "what is here is older");
    let opened = Snapshot::open(
        std::sync::Arc::new(scene.files[0].clone()),
        &scene.hospital.roster.sealers().unwrap(),
    );
    assert_eq!(Identity::from(opened.unwrap().manifest()), base);
}
