//! A hospital whose lines are encrypted, from `ca new` to a check-in at a station that is seen at the hub: real processes, TLS throughout.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use downtime::identity::Roster;
use wire::hospital::Authorities;
use wire::tls::Plain;

use crate::browser::Browser;
use crate::one_day::{Hospital, PASSWORD, count, export, mode, people, receive, wait};
use crate::program::{Serving, ok, run};

fn authorities(certificates: &[Vec<u8>]) -> Authorities {
    let authorities = Authorities::default();
    authorities.trust(certificates).expect("certificates");
    authorities
}

fn agent(authorities: &Authorities) -> ureq::Agent {
    authorities
        .agent(Duration::from_secs(20), Plain::ThisMachine)
        .expect("a client")
}

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

fn rewrite(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).expect("read");
    assert!(text.contains(from), "{from} in {text}");
    std::fs::write(path, text.replace(from, to)).expect("written");
}

fn roster(hospital: &Hospital) -> (std::path::PathBuf, Roster) {
    let path = hospital.path("hub/data/roster.cbor");
    let roster = Roster::from_bytes(&std::fs::read(&path).expect("read")).expect("a roster");
    (path, roster)
}

#[test]
fn a_day_over_encrypted_lines() {
    let mut hospital = Hospital::new(40);
    let (config, password) = (hospital.config(), hospital.text("password"));
    let hub_config = hospital.path("hub/tomoshibi.toml");

    // A desk that could be reached from elsewhere is not opened without a certificate, and says what to do.
    let refused = run(&["serve", "--listen", "0.0.0.0:0", "-c", &config]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && said.contains("ca new") && said.contains("plain = true"),
        "{said}"
    );

    // The authority.
    let before = run(&[
        "ca",
        "-c",
        &config,
        "new",
        "--out",
        &hospital.text("safe"),
        "--by",
        "9001",
    ]);
    assert!(
        String::from_utf8_lossy(&before.stderr).contains("names = "),
        "names come first"
    );
    rewrite(&hub_config, "[station]\n", "[station]\nnames = [\"localhost\"]\n");
    let new = [
        "ca",
        "-c",
        &config,
        "new",
        "--out",
        &hospital.text("safe"),
        "--by",
        "9001",
        "--password-file",
        &password,
        "--passphrase-file",
        &password,
    ];
    ok(&new);
    assert!(!run(&new).status.success(), "a second one is not made by accident");
    ok(&["ca", "-c", &config, "show", "--out", &hospital.text("browsers")]);
    let page = std::fs::read_to_string(hospital.path("browsers/tomoshibi-ca.html")).expect("the page");
    let (_, known) = roster(&hospital);
    let root = known.authorities();
    assert_eq!(
        std::fs::read(hospital.path("browsers/tomoshibi-ca.cer")).expect("read"),
        root[0]
    );
    assert!(page.contains("SHA-256") && page.contains("物語の病院"));

    // A station, with a door for others.
    let (station_config, peers) = (hospital.path("station/tomoshibi.toml"), free_port());
    let common = ["--code", "R03", "--node", "3", "--letter", "C"];
    let mut make = vec!["station", "new", "--dir"];
    let (dir, public, trust) = (
        hospital.text("station"),
        hospital.text("station/R03.public"),
        hospital.text("station/data/trust.cbor"),
    );
    make.extend([dir.as_str(), "--hospital", "物語の病院", "--hub", "https://localhost:1"]);
    make.extend(common);
    ok(&make);
    let mut add = vec!["station", "-c", &config, "add", "--public", &public, "--trust", &trust];
    add.extend(common);
    ok(&add);
    let (path, mut known) = roster(&hospital);
    for station in known
        .stations
        .iter_mut()
        .filter(|station| station.code.as_str() == "R03")
    {
        station.address = Some(format!("https://127.0.0.1:{peers}"));
    }
    std::fs::write(path, known.to_bytes().expect("bytes")).expect("written");
    hospital.extract();

    let hub = Serving::start(&hub_config);
    assert!(hub.base.starts_with("https://localhost:"), "{}", hub.base);
    rewrite(
        &station_config,
        "hub = \"https://localhost:1\"",
        &format!(
            "hub = \"https://localhost:{}\"\nhub_every_seconds = 1\npeers_listen = \"127.0.0.1:{peers}\"",
            hub.port()
        ),
    );
    let station = Serving::start(&station_config);
    assert!(
        station.base.starts_with("http://127.0.0.1:"),
        "the desk of a station stays on its machine"
    );

    // Browsers at the hub: secure cookies, and whoever comes in the clear is sent on.
    let line = authorities(&root);
    let cookie = agent(&line)
        .post(format!("{}sign-in", hub.base))
        .header("sec-fetch-site", "same-origin")
        .send_form([("user", "1001"), ("password", PASSWORD)])
        .expect("an answer");
    let cookies: Vec<&str> = cookie
        .headers()
        .get_all("set-cookie")
        .iter()
        .filter_map(|c| c.to_str().ok())
        .collect();
    let session = cookies
        .iter()
        .find(|c| c.starts_with("__Host-tomoshibi="))
        .expect("a session");
    assert!(
        session.contains("; Secure") && session.contains("HttpOnly") && session.contains("SameSite=Strict"),
        "{session}"
    );
    let strict = cookie.headers().get("strict-transport-security");
    assert!(strict.is_none(), "this machine's own name is every program's");
    let asks: ureq::Agent = ureq::Agent::config_builder()
        .max_redirects(0)
        .http_status_as_error(false)
        .build()
        .into();
    let plainly = asks
        .get(format!("http://127.0.0.1:{}/patients", hub.port()))
        .call()
        .expect("an answer");
    assert_eq!(plainly.status(), 307);
    let place = plainly.headers()["location"].to_str().expect("text");
    assert_eq!(place, format!("https://127.0.0.1:{}/patients", hub.port()));
    let alive = agent(&line).get(format!("{}alive", hub.base)).call().expect("alive");
    assert_eq!(alive.headers()["access-control-allow-origin"], "*");
    assert_eq!(alive.into_body().read_to_string().expect("text"), "tomoshibi H01\n");

    // A morning at the station is seen at the hub.
    hospital.stop_ehr();
    let mut desk = Browser::over(agent(&line), &hub.base);
    wait("the silence is seen", || Some(mode(&mut desk) == "silent"));
    let mut away = Browser::new(&station.base);
    wait("the station has heard of it over the line", || {
        Some(mode(&mut away) == "silent")
    });
    wait("the station has fetched the snapshot", || {
        Some(
            hospital
                .path("station/data/shelf")
                .read_dir()
                .is_ok_and(|dir| dir.count() > 0),
        )
    });
    let mut far = Browser::signed_in(&station.base, "1001", PASSWORD);
    let list = people(&mut far, "/reception/", 20);
    receive(&mut far, &list, 5);
    wait("everything is at the hub", || {
        Some(count(&export(&hospital, &config, "out"), "受付") == 5)
    });

    // The station's own certificate came over the line, for its own address; its door has no desk behind it.
    let door = format!("https://127.0.0.1:{peers}");
    wait("the station's door is open", || {
        Some(agent(&line).get(format!("{door}/parcel/word")).call().is_ok())
    });
    for of_the_desk in ["/", "/sign-in", "/patients", "/state", "/assets/desk.css"] {
        let answer = agent(&line).get(format!("{door}{of_the_desk}")).call();
        assert!(
            matches!(answer, Err(ureq::Error::StatusCode(404))),
            "{of_the_desk}: {answer:?}"
        );
    }
    let names: BTreeSet<String> = line.met().into_keys().collect();
    assert_eq!(names, BTreeSet::from(["127.0.0.1".to_owned(), "localhost".to_owned()]));

    // Somebody else's authority gets no word out of either.
    let strangers = authorities(&[stranger()]);
    assert!(agent(&strangers).get(format!("{door}/parcel/word")).call().is_err());
    assert!(agent(&strangers).get(format!("{}alive", hub.base)).call().is_err());

    // What the officer of the hub reads.
    let shown = ok(&["ca", "-c", &config, "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("json");
    assert!(
        shown["certificate_until"].is_string() && shown["issuing_until"].is_string(),
        "{shown}"
    );
    let renew = ok(&[
        "ca",
        "-c",
        &config,
        "renew",
        "--root",
        &hospital.text("safe/tomoshibi-root.ca"),
        "--by",
        "9001",
        "--password-file",
        &password,
        "--passphrase-file",
        &password,
    ]);
    assert!(renew.contains("金庫"), "{renew}");
    wait("the hub goes on under its new key without a restart", || {
        Some(agent(&line).get(format!("{}alive", hub.base)).call().is_ok())
    });
    drop((hub, station));
}

/// The root of another hospital.
fn stranger() -> Vec<u8> {
    let hospital = Hospital::new(1);
    rewrite(
        &hospital.path("hub/tomoshibi.toml"),
        "[station]\n",
        "[station]\nnames = [\"localhost\"]\n",
    );
    let password = hospital.text("password");
    ok(&[
        "ca",
        "-c",
        &hospital.config(),
        "new",
        "--out",
        &hospital.text("safe"),
        "--by",
        "9001",
        "--password-file",
        &password,
        "--passphrase-file",
        &password,
    ]);
    let (_, known) = roster(&hospital);
    known.authorities().remove(0)
}
