//! Two hubs and two stations as real processes: how soon an entry is seen elsewhere, what happens when either hub dies or
//! hangs, and what people are told when the line is back. The figures are printed; the bounds are what a hospital is promised.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::browser::Browser;
use crate::one_day::{Hospital, PASSWORD, first_person, mode};
use crate::program::{Serving, ok};

/// A cut line is noticed within this time.
const NOTICED: Duration = Duration::from_secs(15);
/// Half of all entries are seen elsewhere within the first, nearly all within the second.
const SEEN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

fn enrol(hospital: &Hospital, code: &str, node: &str, letter: &str) {
    let dir = hospital.text(code);
    let named = ["--code", code, "--node", node, "--letter", letter];
    let new = [
        "station",
        "new",
        "--dir",
        &dir,
        "--hospital",
        "物語の病院",
        "--hub",
        "http://127.0.0.1:1",
    ];
    ok(&[&new[..], &named].concat());
    let config = hospital.config();
    let (public, trust) = (format!("{dir}/{code}.public"), format!("{dir}/data/trust.cbor"));
    let add = ["station", "-c", &config, "add", "--public", &public, "--trust", &trust];
    ok(&[&add[..], &named].concat());
}

fn serve(hospital: &Hospital, code: &str, hubs: &[&Serving]) -> Serving {
    let path = hospital.path(code).join("tomoshibi.toml");
    let text = std::fs::read_to_string(&path).expect("read");
    let hubs: Vec<String> = hubs
        .iter()
        .map(|hub| format!("\"http://127.0.0.1:{}\"", hub.port()))
        .collect();
    let text = text.replace("hub = \"http://127.0.0.1:1\"", &format!("hubs = [{}]", hubs.join(", ")));
    std::fs::write(&path, text).expect("written");
    Serving::start(&path)
}

/// Waits for something; gives how long that took.
fn until(what: &str, longest: Duration, mut is: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < longest, "{what}: not within {longest:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    begun.elapsed()
}

fn signal(serving: &Serving, which: &str) {
    let done = Command::new("kill").args([which, &serving.id().to_string()]).status();
    assert!(done.expect("kill runs").success());
}

fn note(browser: &mut Browser, address: &str, text: &str) {
    let address = format!("{address}/note");
    let page = browser.get(&address);
    let once = page.form(&address).get("once").cloned().unwrap_or_default();
    let after = browser.post(&address, &[("once", &once), ("s", text), ("sign", "only")]);
    assert_eq!(after.status, 200, "{}", after.text());
}

fn shows(browser: &mut Browser, address: &str, text: &str) -> bool {
    browser.get(address).text().contains(text)
}

#[test]
fn either_hub_may_die_and_the_rest_goes_on() {
    let mut hospital = Hospital::new(60);
    for (code, node, letter) in [("H02", "2", "B"), ("R03", "3", "C"), ("R04", "4", "D")] {
        enrol(&hospital, code, node, letter);
    }
    hospital.extract();
    hospital.stop_ehr();
    let first = Serving::start(Path::new(&hospital.config()));
    let second = serve(&hospital, "H02", &[&first]);
    let here = serve(&hospital, "R03", &[&first, &second]);
    let there = serve(&hospital, "R04", &[&first, &second]);
    let mut watchers = [Browser::new(&here.base), Browser::new(&there.base)];
    for watcher in &mut watchers {
        until("the silence is heard", Duration::from_secs(60), || {
            mode(watcher) == "silent"
        });
    }
    let mut writer = Browser::signed_in(&here.base, "2001", PASSWORD);
    let mut reader = Browser::signed_in(&there.base, "2001", PASSWORD);
    let (written, read) = (first_person(&mut writer), first_person(&mut reader));
    until("the second hub has what the first has", Duration::from_secs(30), || {
        Browser::new(&second.base).get("/sign-in").status == 200
    });

    // With everything there: from saved at one station to shown at another.
    let mut took: Vec<Duration> = (0..30)
        .map(|n| {
            let text = format!("経過その{n}　終");
            note(&mut writer, &written, &text);
            until("seen elsewhere", Duration::from_secs(20), || {
                shows(&mut reader, &read, &text)
            })
        })
        .collect();
    took.sort_unstable();
    let (half, nearly_all) = (took[took.len() / 2], took[took.len() * 95 / 100]);
    println!(
        "measured: entry to visible elsewhere: p50 {half:?}, p95 {nearly_all:?}, longest {:?}",
        took[took.len() - 1]
    );
    assert!(half <= SEEN.0 && nearly_all <= SEEN.1, "{took:?}");
    until("the receipts are here", Duration::from_secs(20), || {
        shows(&mut writer, &written, "●●○")
    });

    // The first hub dies. The second serves on, without anybody doing anything.
    first.kill();
    let killed = Instant::now();
    note(&mut writer, &written, "親機なしでも届く");
    until("seen over the second hub", Duration::from_secs(10), || {
        shows(&mut reader, &read, "親機なしでも届く")
    });
    println!(
        "measured: from a hub's death to an entry seen over the other: {:?}",
        killed.elapsed()
    );
    let begun = Instant::now();
    while begun.elapsed() < NOTICED {
        assert_ne!(mode(&mut watchers[0]), "net", "one hub answers");
        std::thread::park_timeout(Duration::from_millis(200));
    }

    // The second hangs: nothing answers, no connection is refused.
    signal(&second, "-STOP");
    let cut = until("the cut is noticed", NOTICED + Duration::from_secs(2), || {
        mode(&mut watchers[0]) == "net"
    });
    println!("measured: from a hub that hangs to working alone, said: {cut:?}");
    assert!(cut <= NOTICED, "{cut:?}");
    let bar = writer.get(&written).text();
    assert!(bar.contains("ほかの端末の記録は"), "what cannot be known is said");
    note(&mut writer, &written, "一人で書いた");
    assert!(shows(&mut writer, &written, "●○○"), "and where it is");
    assert!(
        Browser::new(&here.base)
            .get("/sign-in")
            .text()
            .contains("この端末だけにある記録が 1件")
    );

    signal(&second, "-CONT");
    let back = until("it rejoins by itself", Duration::from_secs(20), || {
        writer.get(&written).text().contains("つながりました。1件を送り")
    });
    println!("measured: from an answering hub to the message that the line is back: {back:?}");
    until("seen elsewhere", Duration::from_secs(10), || {
        shows(&mut reader, &read, "一人で書いた")
    });
}
