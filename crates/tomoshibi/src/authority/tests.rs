//! What the root and the hub's key can do and cannot, judged by the library that judges them on the line.

use rustls::pki_types::CertificateDer;
use wire::hospital::{Authorities, lifetime};

use super::*;

/// A passphrase.
const PASSPHRASE: &str = "seven lanterns on a quiet canal";
/// Some moment in the present of these tests.
pub const NOW: Moment = Moment(1_795_000_000);

/// A root and a hub's key of the moment given.
pub fn made(at: Moment) -> (RootFile, Issuing) {
    let scope = Scope::new(&["hospital.example.jp".to_owned()], &[]).unwrap();
    let root = RootFile::new(
        HospitalId([7; 16]),
        "物語の病院",
        scope,
        PASSPHRASE,
        SlotCost::FLOOR,
        at,
    )
    .unwrap();
    let issuing = root.issuing(PASSPHRASE, at).unwrap();
    (root, issuing)
}

/// A key and its chain for a name.
pub fn machine(issuing: &Issuing, name: &str, at: Moment) -> (Zeroizing<Vec<u8>>, Vec<Vec<u8>>) {
    let (key, point) = new_key().unwrap();
    let chain = issuing.issue(&point, &[name.to_owned()], at).unwrap();
    (key, chain)
}

fn judged(root: &[u8], chain: &[Vec<u8>], name: &str, now: Moment) -> Result<()> {
    let authorities = Authorities::default();
    authorities.trust(&[root.to_vec()]).unwrap();
    let chain: Vec<CertificateDer<'_>> = chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    authorities.vouch(&chain, name, now.0)
}

#[test]
fn a_machine_is_believed_by_its_names_and_no_other() {
    let (root, issuing) = made(NOW);
    let (_, point) = new_key().unwrap();
    let names = [
        "hub.hospital.example.jp".to_owned(),
        "10.0.0.2".to_owned(),
        "fd00::2".to_owned(),
    ];
    let chain = issuing.issue(&point, &names, NOW).unwrap();
    for name in &names {
        judged(root.certificate(), &chain, name, NOW).unwrap();
    }
    for other in ["other.hospital.example.jp", "10.0.0.3", "localhost"] {
        assert!(judged(root.certificate(), &chain, other, NOW).is_err(), "{other}");
    }
    let (stranger, _) = made(NOW);
    assert!(
        judged(stranger.certificate(), &chain, "10.0.0.2", NOW).is_err(),
        "another hospital's root"
    );
}

#[test]
fn times_are_as_decided() {
    let (root, issuing) = made(NOW);
    let (_, chain) = machine(&issuing, "10.0.0.2", NOW);
    let days = |der: &[u8]| {
        let (from, until) = lifetime(der).unwrap();
        (NOW.0 - from as i64, (until as i64 - NOW.0) / DAY)
    };
    assert_eq!(days(root.certificate()), (DAY, i64::from(ROOT_DAYS)));
    assert_eq!(days(&chain[1]), (DAY, i64::from(ISSUING_DAYS)));
    assert_eq!(days(&chain[0]), (DAY, i64::from(SERVER_DAYS)));
    // Near the end of the hub's key a machine's certificate ends with it, and after it there is none.
    let near = Moment(NOW.0 + 380 * DAY);
    let (_, chain) = machine(&issuing, "10.0.0.2", near);
    assert_eq!(lifetime(&chain[0]).unwrap().1, issuing.until().0 as u64);
    let (_, point) = new_key().unwrap();
    let late = issuing.issue(&point, &["10.0.0.2".to_owned()], Moment(NOW.0 + 400 * DAY));
    assert!(late.unwrap_err().to_string().contains("ca renew"));
    assert_eq!(lifetime(b"no certificate"), None);
}

#[test]
fn clocks_and_ends_do_not_stop_the_line() {
    let (root, issuing) = made(NOW);
    let (_, chain) = machine(&issuing, "10.0.0.2", NOW);
    for days in [-4_000, -2, 0, 89, 91, 380, 500, 8_000] {
        judged(root.certificate(), &chain, "10.0.0.2", Moment(NOW.0 + days * DAY)).unwrap();
    }
    let (stranger, _) = made(NOW);
    assert!(judged(stranger.certificate(), &chain, "10.0.0.2", Moment(NOW.0 + 500 * DAY)).is_err());
    assert!(judged(root.certificate(), &chain, "10.0.0.3", Moment(NOW.0 + 500 * DAY)).is_err());
}

#[test]
fn names_outside_the_hospital_are_refused_here_and_by_whoever_trusts_the_root() {
    let (root, issuing) = made(NOW);
    let (_, point) = new_key().unwrap();
    for name in ["bank.example", "8.8.8.8", "*.hospital.example.jp", ""] {
        assert!(issuing.issue(&point, &[name.to_owned()], NOW).is_err(), "{name}");
    }
    // Somebody who stole the hub's key does not ask this program.
    let stolen = Issuing {
        scope: Scope::new(&["bank.example".to_owned()], &["8.8.8.0/24".to_owned()]).unwrap(),
        ..issuing
    };
    for name in ["www.bank.example", "8.8.8.8"] {
        let chain = stolen.issue(&point, &[name.to_owned()], NOW).unwrap();
        assert!(judged(root.certificate(), &chain, name, NOW).is_err(), "{name}");
    }
}

#[test]
fn the_root_opens_with_its_passphrase_only_and_survives_its_file() {
    let (root, _) = made(NOW);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.ca");
    let bytes = root.to_bytes().unwrap();
    std::fs::write(&path, &bytes).unwrap();
    let read = RootFile::read(&path).unwrap();
    let issuing = read.issuing(PASSPHRASE, NOW).unwrap();
    let (_, chain) = machine(&issuing, "10.0.0.2", NOW);
    judged(root.certificate(), &chain, "10.0.0.2", NOW).unwrap();
    assert!(read.issuing("seven lanterns on a quiet cana", NOW).is_err());
    // No flipped byte makes another root of it.
    for at in (0..bytes.len()).step_by(97) {
        let mut bad = bytes.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let made = RootFile::read(&path).and_then(|file| file.issuing(PASSPHRASE, NOW));
        let believed = made.is_ok_and(|issuing| {
            let (_, chain) = machine(&issuing, "10.0.0.2", NOW);
            judged(root.certificate(), &chain, "10.0.0.2", NOW).is_err()
        });
        assert!(!believed, "byte {at}");
    }
}

#[test]
fn the_hubs_key_lies_for_its_owner_only_and_is_replaced_whole() {
    let (_, issuing) = made(NOW);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("keys")).unwrap();
    assert!(Issuing::read(dir.path()).unwrap().is_none());
    issuing.write(dir.path()).unwrap();
    let (_, next) = made(Moment(NOW.0 + 300 * DAY));
    next.write(dir.path()).unwrap();
    assert_eq!(Issuing::read(dir.path()).unwrap().unwrap().until(), next.until());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(issuing_file(dir.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
