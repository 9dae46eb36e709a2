//! Backups from the hub to the vault in twenty years: made, fetched, carried, opened by the public tool, tried with three shares, and
//! an intruder who has everything the hub has.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bucket::{Bucket, KEEPER, WRITER};
use crate::one_day::Hospital;
use crate::program::{Serving, ok, run};

fn shell(dir: &Path, script: &str) -> String {
    let done = Command::new("bash")
        .arg("-euc")
        .arg(script)
        .current_dir(dir)
        .output()
        .expect("a shell");
    let (out, err) = (
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr),
    );
    assert!(done.status.success(), "{script}: {out}{err}");
    out.into_owned()
}

fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Exit code 3: done, but somebody must look.
fn look(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(3), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn folders(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    names.sort();
    names
}

struct Story {
    hospital: Hospital,
    config: String,
    shares: Vec<String>,
}

impl Story {
    fn new() -> Self {
        let hospital = Hospital::new(12);
        let (config, password) = (hospital.config(), hospital.text("password"));
        let out = hospital.text("shares");
        let split = [
            "recovery",
            "-c",
            &config,
            "split",
            "--format",
            "text",
            "--out",
            &out,
            "--by",
            "9001",
            "--password-file",
            &password,
            "--privacy-user",
            "9101",
            "--privacy-password-file",
            &password,
        ];
        let before = refused(&["backup", "-c", &config, "make"]);
        assert!(before.contains("recovery split"), "nobody could open it: {before}");
        ok(&split);
        hospital.extract();
        let shares = [1, 3, 5]
            .map(|n| hospital.text(&format!("shares/share-{n}.txt")))
            .to_vec();
        Self {
            hospital,
            config,
            shares,
        }
    }

    fn with_shares<'s>(&'s self, arguments: &[&'s str]) -> Vec<&'s str> {
        let shares = self.shares.iter().flat_map(|share| ["--share", share.as_str()]);
        arguments.iter().copied().chain(shares).collect()
    }

    fn trust(&self) -> String {
        self.hospital.text("hub/data/roster.cbor")
    }
}

#[test]
fn a_backup_is_opened_by_the_public_tool_and_by_three_of_five() {
    let story = Story::new();
    let (config, hospital) = (&story.config, &story.hospital);
    // A life of the station, so that there is a journal.
    Serving::start(Path::new(config)).kill();
    let out = hospital.text("disk");
    ok(&["backup", "-c", config, "make", "--to", &out]);
    let generation = folders(Path::new(&out)).pop().expect("a generation");
    let dir = hospital.path("disk").join(&generation);
    // Twenty years on: no station, three papers, a shell.
    let key = hospital.text("key.txt");
    let boxes = dir.to_str().expect("plain");
    ok(&story.with_shares(&["recovery", "identity", "--boxes", boxes, "--out", &key]));
    let listed = shell(
        &dir,
        &format!(
            "cat backup.tar.age.* | age -d -i '{key}' > ../../whole.tar; mkdir ../../out; cd ../../out; tar xf ../whole.tar; sha256sum --quiet -c SHA256SUMS; find . -type f"
        ),
    );
    for wanted in [
        "data/roster.cbor",
        "data/shelf/",
        "data/journal/",
        "data/recovery.boxes",
        "config/tomoshibi.toml",
    ] {
        assert!(listed.contains(wanted), "{wanted}: {listed}");
    }
    assert!(!listed.contains("keys/"), "no secret is ever in it: {listed}");
    // The restore that is tried, and written down.
    let test = [
        "backup", "-c", config, "test", "--from", &out, "--who", "高橋", "--json",
    ];
    let said: Value = serde_json::from_str(&ok(&story.with_shares(&test))).expect("JSON");
    assert!(
        said["charts"][0].as_u64() >= Some(12) && said["charts"][0] == said["charts"][1],
        "{said}"
    );
    assert!(said["fault"].is_null() && said["unreadable"] == 0, "{said}");
    let by_key = [
        "backup",
        "-c",
        config,
        "test",
        "--from",
        &out,
        "--who",
        "高橋",
        "--identity",
        &key,
    ];
    ok(&by_key);
    let book = std::fs::read_to_string(hospital.path("hub/data/backup-tests.json")).expect("the notebook");
    assert_eq!(book.matches(&generation).count(), 2);
    // Two shares open nothing, and that attempt is written down too.
    let two = ["--share", &story.shares[0], "--share", &story.shares[1]];
    look(&[&test[..test.len() - 1], &two].concat());
    // Every kind of file changed: each is found, and nothing is called whole.
    damage(&story, &out, &generation);
}

/// A byte of each file of a generation, at its beginning, in its middle and at its end.
fn damage(story: &Story, out: &str, generation: &str) {
    let dir = Path::new(out).join(generation);
    for name in [
        "backup.tar.age.0000",
        "manifest.json",
        "manifest.sig",
        "recovery.boxes",
        "recovery.wraps",
    ] {
        let path = dir.join(name);
        let good = std::fs::read(&path).expect("read");
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            replace(&path, &bad);
            let list = run(&["backup", "-c", &story.config, "list", "--in", out]);
            let test = ["backup", "-c", &story.config, "test", "--from", out, "--who", "高橋"];
            let test = run(&story.with_shares(&test));
            let found = !list.status.success() || !test.status.success();
            assert!(found, "{name} {at}: {list:?} {test:?}");
        }
        replace(&path, &good[..good.len() / 2]);
        let test = ["backup", "-c", &story.config, "test", "--from", out, "--who", "高橋"];
        assert!(!run(&story.with_shares(&test)).status.success(), "{name} cut");
        replace(&path, &good);
    }
    ok(&["backup", "-c", &story.config, "list", "--in", out]);
}

fn replace(path: &Path, bytes: &[u8]) {
    std::fs::remove_file(path).expect("removed");
    std::fs::write(path, bytes).expect("written");
}

#[test]
fn an_intruder_with_everything_the_hub_has_takes_no_generation_away() {
    let story = Story::new();
    let (config, hospital) = (&story.config, &story.hospital);
    let bucket = Bucket::start();
    let store = |name: &str, account: &str| {
        let key = hospital.path(&format!("{name}.key"));
        std::fs::write(&key, format!("{account}\nsecret of {account}\n")).expect("written");
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
        let text = format!(
            "endpoint = \"{}\"\nbucket = \"bucket\"\nprefix = \"hospital\"\ncredentials = \"{name}.key\"\n",
            bucket.address
        );
        let file = hospital.path(&format!("{name}.toml"));
        std::fs::write(&file, text).expect("written");
        file.to_str().expect("plain").to_owned()
    };
    let (writer, keeper) = (store("writer", WRITER), store("keeper", KEEPER));
    for _ in 0..6 {
        ok(&["backup", "-c", config, "make", "--store", &writer]);
    }
    let before = bucket.objects.lock().expect("objects").clone();
    assert_eq!(before.keys().filter(|name| name.ends_with("manifest.json")).count(), 6);
    // The writer's own account: every object overwritten, every object removed, in every way the protocol has.
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let as_writer = format!("AWS4-HMAC-SHA256 Credential={WRITER}/20261120/us-east-1/s3/aws4_request, Signature=0");
    for name in before.keys() {
        let url = format!("{}/bucket/{name}", bucket.address);
        for conditional in [true, false] {
            let mut put = agent.put(&url).header("authorization", &as_writer);
            if conditional {
                put = put.header("if-none-match", "*");
            }
            assert!(put.send("ransom").expect("an answer").status().is_client_error());
        }
        let gone = agent.delete(&url).header("authorization", &as_writer).call();
        assert!(gone.expect("an answer").status().is_client_error());
    }
    assert_eq!(
        *bucket.objects.lock().expect("objects"),
        before,
        "not one byte is different"
    );
    // Filling it with rubbish hides nothing: what nobody of the hospital signed is no generation.
    let url = format!(
        "{}/bucket/hospital/tmb-H01-29990101T0000-00000000/manifest.json",
        bucket.address
    );
    let put = agent
        .put(&url)
        .header("authorization", &as_writer)
        .header("if-none-match", "*");
    assert!(put.send("{}").expect("an answer").status().is_success());
    let said = look(&["backup", "-c", config, "list", "--store", &writer]);
    assert_eq!(said.matches('○').count(), 6, "{said}");
    let test = ["backup", "-c", config, "test", "--store", &keeper, "--who", "高橋"];
    ok(&story.with_shares(&test));
    // Whoever has the hub's own disk finds no account for a store in it.
    let found = shell(&hospital.path("hub"), "grep -rl 'secret of' . || true");
    assert_eq!(found, "");
}

#[test]
fn a_backup_host_fetches_and_keeps_and_a_stick_is_written_down() {
    let story = Story::new();
    let (config, hospital) = (&story.config, &story.hospital);
    ok(&["backup", "-c", config, "make"]);
    let hub = Serving::start(Path::new(config));
    let (to, book, trust) = (hospital.text("host"), hospital.text("seen.json"), story.trust());
    let pull = [
        "backup",
        "pull",
        "--from",
        &hub.base,
        "--trust",
        &trust,
        "--to",
        &to,
        "--notebook",
        &book,
    ];
    assert!(ok(&pull).contains("1 世代"));
    assert!(ok(&pull).contains("0 世代"), "what is here is not fetched again");
    // A running hub makes the next one beside the first; its own spool stays small, the host's grows.
    for _ in 0..3 {
        ok(&["backup", "-c", config, "make"]);
        ok(&pull);
    }
    assert_eq!(folders(&hospital.path("hub/data/backup")).len(), 2);
    assert_eq!(folders(&hospital.path("host")).len(), 4);
    // An intruder on the hub destroys what is there: the host has it all.
    hub.kill();
    std::fs::remove_dir_all(hospital.path("hub/data/backup")).expect("gone");
    let listed = ok(&["backup", "list", "--in", &to, "--trust", &trust]);
    assert_eq!(listed.matches('○').count(), 4, "{listed}");

    ok(&["backup", "-c", config, "make"]);
    let stick = hospital.text("TMB-MON");
    std::fs::create_dir(&stick).expect("a stick");
    let said = ok(&[
        "backup", "-c", config, "stick", "--to", &stick, "--place", "金庫", "--who", "高橋",
    ]);
    assert!(said.contains("OK to unplug"), "{said}");
    let sticks: Value = serde_json::from_str(&ok(&["backup", "-c", config, "sticks", "--json"])).expect("JSON");
    assert_eq!(sticks[0]["label"], "TMB-MON");
    assert_eq!(sticks[0]["place"], "金庫");
    let on_stick = format!("{stick}/TOMOSHIBI-BACKUP");
    ok(&story.with_shares(&["backup", "-c", config, "test", "--from", &on_stick, "--who", "高橋"]));
}
