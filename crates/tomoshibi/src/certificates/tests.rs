//! Renewals by the day, requests of stations, and that a new certificate is shown without a restart.

use downtime::identity::{NewUser, Role};
use vault::slot::SlotCost;

use super::*;
use crate::authority::tests::made;
use crate::authority::{Point, SERVER_DAYS};
use crate::certificate_routes::granted;
use crate::cli::made_hub;

/// A hub with its authority, made at a moment, and a station enrolled there with this address.
struct Hospital {
    dir: tempfile::TempDir,
    at: Moment,
}

impl Hospital {
    fn new(names: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let users = [
            NewUser::with_password("9001", "灯山　明", Role::Informatics, "correct horse battery staple"),
            NewUser::with_password("9101", "守山　望", Role::PrivacyOfficer, "correct horse battery staple"),
        ];
        made_hub(&dir.path().join("hub"), &users, SlotCost::FLOOR).unwrap();
        let hospital = Self {
            dir,
            at: crate::clock::now(),
        };
        let path = hospital.dir.path().join("hub/tomoshibi.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(
            &path,
            text.replace("[station]\n", &format!("[station]\nnames = [{names}]\n")),
        )
        .unwrap();
        hospital
    }

    fn config(&self) -> Config {
        Config::read(&self.dir.path().join("hub/tomoshibi.toml")).unwrap()
    }

    fn home(&self) -> Home {
        Home::open(&self.config()).unwrap()
    }

    fn authority(&self, at: Moment) -> Vec<u8> {
        let (root, issuing) = made(at);
        issuing.write(&self.home().data).unwrap();
        root.certificate().to_vec()
    }

    fn keeper(&self, root: &[u8], now: Moment) -> Keeper {
        let trusted: Vec<Vec<u8>> = if root.is_empty() {
            Vec::new()
        } else {
            vec![root.to_vec()]
        };
        let line = Line::new(&self.config(), &trusted).unwrap();
        Keeper::new(&self.config(), &line, now)
    }

    fn later(&self, days: i64) -> Moment {
        Moment(self.at.0 + days * DAY)
    }
}

fn first(keeper: &Keeper) -> Vec<u8> {
    keeper.served().now().unwrap().chain()[0].to_vec()
}

#[test]
fn a_hub_renews_its_own_at_sixty_of_ninety_days_without_a_restart() {
    let hospital = Hospital::new("\"hub.hospital.example.jp\", \"10.0.0.2\"");
    let root = hospital.authority(hospital.at);
    let keeper = hospital.keeper(&root, hospital.at);
    let made_first = first(&keeper);
    keeper.look(hospital.later(59));
    assert_eq!(first(&keeper), made_first, "not before its time");
    keeper.look(hospital.later(61));
    let second = first(&keeper);
    assert_ne!(second, made_first);
    assert_eq!(keeper.state(hospital.later(61)).trouble, None);
    // A program that starts again shows the same, and makes none.
    assert_eq!(first(&hospital.keeper(&root, hospital.later(61))), second);
    // The hub's key ends; the certificate that is there stays and it is told.
    keeper.look(hospital.later(400));
    let state = keeper.state(hospital.later(400));
    assert!(state.trouble.unwrap().contains("ca renew"));
    assert!(state.issuing_until.unwrap() < hospital.later(400));
    assert!(keeper.served().now().is_some());
}

#[test]
fn another_name_or_key_makes_another_certificate_at_once() {
    let hospital = Hospital::new("\"10.0.0.2\"");
    let root = hospital.authority(hospital.at);
    let before = first(&hospital.keeper(&root, hospital.at));
    let path = hospital.dir.path().join("hub/tomoshibi.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"10.0.0.2\"", "\"10.0.0.3\"")).unwrap();
    let keeper = hospital.keeper(&root, hospital.at);
    let renamed = first(&keeper);
    assert_ne!(renamed, before);
    let chain = keeper.served().now().unwrap();
    keeper
        .0
        .line
        .authorities()
        .vouch(chain.chain(), "10.0.0.3", hospital.at.0)
        .unwrap();
    // The yearly renewal: another key signs, and its certificate is shown within a look.
    hospital.authority(hospital.later(1));
    keeper.look(hospital.later(1));
    assert_ne!(first(&keeper), renamed);
}

#[test]
fn files_of_another_authority_are_read_again_when_they_change() {
    let hospital = Hospital::new("\"10.0.0.2\"");
    let (_, issuing) = made(hospital.at);
    let dir = hospital.dir.path().join("hub");
    let put = |key: &str, certificate: &str| {
        let (der, chain) = crate::authority::tests::machine(&issuing, "10.0.0.2", hospital.at);
        std::fs::write(dir.join(certificate), crate::server_tls::pem(&chain)).unwrap();
        let _ = std::fs::remove_file(dir.join(key));
        crate::secrets::write(&dir.join(key), pkcs8_pem(&der).as_bytes()).unwrap();
    };
    put("own.key", "own.crt");
    let path = dir.join("tomoshibi.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let own = "[station]\ntls = { certificate = \"own.crt\", key = \"own.key\" }\n";
    std::fs::write(&path, text.replace("[station]\n", own)).unwrap();
    let keeper = hospital.keeper(&[], hospital.at);
    let before = first(&keeper);
    put("own.key", "own.crt");
    keeper.look(hospital.at);
    assert_ne!(first(&keeper), before);
    // Half a change: certificate and key do not belong together. What was shown stays, and it is told.
    let shown = first(&keeper);
    let key = std::fs::read(dir.join("own.key")).unwrap();
    put("own.key", "own.crt");
    std::fs::remove_file(dir.join("own.key")).unwrap();
    crate::secrets::write(&dir.join("own.key"), &key).unwrap();
    keeper.look(hospital.at);
    assert_eq!(first(&keeper), shown);
    assert!(keeper.state(hospital.at).trouble.unwrap().contains("合いません"));
}

fn pkcs8_pem(der: &[u8]) -> String {
    crate::server_tls::pem(&[der.to_vec()]).replace("CERTIFICATE", "PRIVATE KEY")
}

#[test]
fn a_station_gets_a_certificate_for_the_address_the_officer_wrote_and_no_other() {
    let hospital = Hospital::new("\"hub.local\"");
    let root = hospital.authority(hospital.at);
    let station = hospital.dir.path().join("station");
    let code = chart::StationCode::parse("R03").unwrap();
    let mut hub = hospital.home();
    crate::cli::made_station(&station, code, &mut hub).unwrap();
    let names = hospital.config().station.names;
    let own = Home::open(&Config::read(&station.join("tomoshibi.toml")).unwrap()).unwrap();
    let (_, point) = new_key().unwrap();
    let now = hospital.at;
    let ask = |hub: &Home, request: &Request, at: Moment| {
        granted(hub, &names, &request.to_bytes(), at).map_err(|fault| format!("{fault:#}"))
    };
    let address = |hub: &mut Home, address: Option<&str>| {
        for enrolled in hub.roster.stations.iter_mut().filter(|enrolled| enrolled.code == code) {
            enrolled.address = address.map(str::to_owned);
        }
    };
    let request = Request::new(&own, &point, now);
    assert!(
        ask(&hub, &request, now).unwrap_err().contains("住所"),
        "no address, no name"
    );
    address(&mut hub, Some("https://10.0.3.3:8301"));
    let chain = ask(&hub, &request, now).unwrap();
    let line = Line::new(&hospital.config(), &[root]).unwrap();
    let chain: Vec<_> = chain.iter().map(|der| der.as_slice().into()).collect();
    line.authorities().vouch(&chain, "10.0.3.3", now.0).unwrap();
    assert!(line.authorities().vouch(&chain, "hub.local", now.0).is_err());
    assert_eq!(
        wire::hospital::lifetime(&chain[0]).unwrap().1 as i64,
        now.0 + i64::from(SERVER_DAYS) * DAY
    );
    // In the name of the hub, where people type their passwords.
    address(&mut hub, Some("https://hub.local:8301"));
    assert!(ask(&hub, &request, now).unwrap_err().contains("hub の名前"));
    // Outside the hospital.
    address(&mut hub, Some("https://bank.example:8301"));
    assert!(ask(&hub, &request, now).unwrap_err().contains("範囲"));
    address(&mut hub, Some("https://10.0.3.3:8301"));
    // Old, changed, by somebody else, by one who has left.
    assert!(ask(&hub, &request, hospital.later(8)).unwrap_err().contains("時計"));
    let (_, other) = new_key().unwrap();
    let bytes = request.to_bytes();
    let at = bytes
        .windows(65)
        .position(|window| Point::from_bytes(window).as_ref() == Some(&point))
        .unwrap();
    let mut swapped = bytes.clone();
    swapped[at..at + 65].copy_from_slice(rcgen::PublicKeyData::der_bytes(&other));
    assert!(
        granted(&hub, &names, &swapped, now).is_err(),
        "another key under the same signature"
    );
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(granted(&hub, &names, &bytes[..cut], now).is_err());
    }
    hub.roster.retire_station(code, None);
    assert!(ask(&hub, &request, now).unwrap_err().contains("名簿"));
}
