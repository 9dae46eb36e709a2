//! Paper comes back: a morning's pack is printed, scanned as pictures and as PDF, and every page finds its patient; what did not
//! come back is known.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::one_day::Hospital;
use crate::program::run;

/// One page of a PDF as JPEG at 150 dpi, as a scanner writes it.
fn as_jpeg(pdf: &Path, page: usize, to: &Path) {
    let page = page.to_string();
    let done = Command::new("pdftoppm")
        .args(["-gray", "-jpeg", "-r", "150", "-singlefile", "-f", &page, "-l", &page])
        .args([pdf, &to.with_extension("")])
        .status();
    assert!(
        done.expect("pdftoppm is needed: apt-get install poppler-utils")
            .success()
    );
}

fn scan(hospital: &Hospital, more: &[&str]) -> (i32, Value) {
    let (config, password) = (hospital.config(), hospital.text("password"));
    let who = [
        "scan",
        "-c",
        &config,
        "--user",
        "1001",
        "--password-file",
        &password,
        "--json",
    ];
    let output = run(&[&who[..], more].concat());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = output.status.code().expect("it ends by itself");
    assert!(code == 0 || code == 3, "{more:?}: {words}");
    (code, serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

#[test]
fn a_pack_that_comes_back_files_itself_and_what_is_missing_is_known() {
    let hospital = Hospital::new(60);
    hospital.extract();
    let (config, password, paper) = (hospital.config(), hospital.text("password"), hospital.text("paper"));
    let printed = run(&[
        "print",
        "-c",
        &config,
        "pack",
        "--user",
        "9001",
        "--password-file",
        &password,
        "--out",
        &paper,
        "--json",
    ]);
    let printed: Value = serde_json::from_slice(&printed.stdout).expect("the packs");
    let packs = printed["packs"].as_array().expect("a list").clone();
    let sheets: u64 = packs
        .iter()
        .map(|pack| pack["sheets"].as_u64().expect("a number"))
        .sum();
    assert!(
        packs.iter().all(|pack| pack["spoiled"] == serde_json::json!([])),
        "{printed}"
    );

    // Nothing is back yet.
    let (code, missing) = scan(&hospital, &["--missing"]);
    assert_eq!(code, 3);
    assert_eq!(
        missing["missing"].as_array().map(Vec::len),
        usize::try_from(sheets).ok()
    );

    // The first department as PDF; of the second one page as JPEG, and a page that is nobody's.
    let inbox = hospital.path("inbox");
    std::fs::create_dir_all(inbox.join("floor2")).expect("made");
    let file = |pack: &Value| std::path::PathBuf::from(pack["file"].as_str().expect("a path"));
    std::fs::copy(file(&packs[0]), inbox.join("a.pdf")).expect("copied");
    as_jpeg(&file(&packs[1]), 2, &inbox.join("floor2/b.jpg"));
    std::fs::write(inbox.join("c.pdf"), b"%PDF-1.7 torn").expect("written");
    std::fs::write(inbox.join("d.txt"), b"not a scan").expect("written");
    let pages = packs[0]["pages"].as_u64().expect("a number");
    let inbox_text = hospital.text("inbox");
    let (code, first) = scan(&hospital, &[&inbox_text]);
    assert_eq!(
        (first["filed"].as_u64(), first["unread"].as_array().map(Vec::len)),
        (Some(pages + 1), Some(0)),
        "{first}"
    );
    assert_eq!(first["others"], 1);
    let back = packs[0]["sheets"].as_u64().expect("a number") + 1;
    assert_eq!(first["missing"].as_u64(), Some(sheets - back), "{first}");
    assert_eq!(code, 3, "the torn PDF needs a person");

    // The same files again change nothing and say so; sources are where they were.
    let (_, again) = scan(&hospital, &[&inbox_text]);
    assert_eq!(
        (
            again["files"].as_u64(),
            again["filed"].as_u64(),
            again["missing"].clone()
        ),
        (Some(0), Some(0), first["missing"].clone())
    );
    assert!(inbox.join("a.pdf").exists());

    // A crash while taking in: the record of a file is half-written, the file is simply taken in again.
    let records = hospital.path("hub/data/scans/files");
    let (path, size) = std::fs::read_dir(&records)
        .expect("records")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.path(), entry.metadata().expect("its size").len()))
        .max_by_key(|(_, size)| *size)
        .expect("a record");
    let bytes = std::fs::read(&path).expect("read");
    std::fs::write(&path, &bytes[..usize::try_from(size).expect("small") / 2]).expect("torn");
    let (_, resumed) = scan(&hospital, &[&inbox_text]);
    assert_eq!(
        (resumed["files"].as_u64(), resumed["missing"].clone()),
        (Some(1), first["missing"].clone()),
        "{resumed}"
    );

    // A blank page with its picture, settled by a person; a sheet that will not come back.
    let blank = hospital.path("blank.png");
    let empty = Command::new("pdftoppm")
        .args(["-gray", "-png", "-r", "20", "-singlefile", "-f", "1", "-l", "1"])
        .args([&file(&packs[1]), &hospital.path("blank")])
        .status();
    assert!(empty.expect("pdftoppm").success());
    let (look, blank) = (hospital.text("look"), blank.to_str().expect("plain").to_owned());
    let (code, unread) = scan(&hospital, &[&blank, "--pictures", &look, "--delete-source"]);
    assert_eq!(
        (code, unread["unread"].as_array().map(Vec::len)),
        (3, Some(1)),
        "{unread}"
    );
    assert!(
        !Path::new(&blank).exists(),
        "deleted as told, after it was sealed and read back"
    );
    assert_eq!(std::fs::read_dir(hospital.path("look")).expect("pictures").count(), 1);
    let (_, missing) = scan(&hospital, &["--missing"]);
    let out = missing["missing"].as_array().expect("a list").clone();
    let number = |n: usize| out[n]["sheet"].as_str().expect("a number").to_owned();
    let page = format!(
        "{}:1",
        unread["unread"][0]["file"]
            .as_str()
            .expect("digits")
            .get(..12)
            .expect("long")
    );
    scan(&hospital, &["--assign", &page, "--sheet", &number(0)]);
    scan(&hospital, &["--void", &number(1), "--reason", "白紙のままシュレッダー"]);
    let (_, account) = scan(&hospital, &["--missing"]);
    assert_eq!(account["missing"].as_array().map(Vec::len), Some(out.len() - 2));
    assert_eq!(account["unread"], 0);
    for block in account["blocks"].as_array().expect("blocks") {
        let n = |key: &str| block[key].as_u64().expect("a number");
        assert_eq!(n("issued"), n("returned") + n("void") + n("missing"), "{block}");
    }

    // Whoever may not do it opens nothing, and nothing lies open on the disk.
    let refused = run(&[
        "scan",
        "-c",
        &config,
        "--user",
        "2001",
        "--password-file",
        &password,
        &inbox_text,
    ]);
    assert_eq!(
        refused.status.code(),
        Some(1),
        "a physician does not work through returned paper"
    );
    let patient = out[0]["patient"].as_str().unwrap_or_default().as_bytes().to_vec();
    for kind in ["originals", "files", "packs", "decided"] {
        for entry in std::fs::read_dir(hospital.path("hub/data/scans").join(kind)).expect("there") {
            let bytes = std::fs::read(entry.expect("an entry").path()).expect("read");
            assert!(
                !bytes.starts_with(b"%PDF")
                    && (patient.is_empty() || !bytes.windows(patient.len()).any(|w| w == patient))
            );
        }
    }
}
