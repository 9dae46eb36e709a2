//! The service of the operating system: the unit that Linux would get, and that installing twice is installing once.

use std::path::Path;
use std::process::Command;

use crate::program::{ok, run};

fn configured(dir: &Path, listen: &str) -> String {
    let config = dir.join("tomoshibi.toml");
    let text = format!(
        "[hospital]\nname = \"物語の病院\"\n\n[station]\ncode = \"H01\"\nnode = 1\nletter = \"A\"\ndata = \"data\"\nlisten = \"{listen}\"\n"
    );
    std::fs::write(&config, text).expect("written");
    config.to_str().expect("a plain path").to_owned()
}

/// The unit as `--dry-run` shows it.
fn unit(config: &str, programs: &str) -> String {
    let said = ok(&[
        "service",
        "-c",
        config,
        "install",
        "--dry-run",
        "--program-dir",
        programs,
    ]);
    let lines = said.lines().skip_while(|line| *line != "[Unit]");
    lines
        .take_while(|line| !line.starts_with("# "))
        .map(|line| format!("{line}\n"))
        .collect()
}

#[test]
fn the_unit_takes_everything_away_that_a_station_does_not_need() {
    let dir = tempfile::tempdir().expect("a directory");
    let programs = Path::new(env!("CARGO_BIN_EXE_tomoshibi"))
        .parent()
        .expect("its directory");
    let programs = programs.to_str().expect("a plain path");
    let config = configured(dir.path(), "0.0.0.0:8300");
    let unit = unit(&config, programs);
    for line in [
        "User=tomoshibi",
        "Restart=always",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "MemoryMax=4G",
        "MemoryDenyWriteExecute=yes",
    ] {
        assert!(unit.lines().any(|own| own == line), "{line} in\n{unit}");
    }
    let data = format!("ReadWritePaths=\"{}\"", dir.path().join("data").display());
    assert!(unit.contains(&data), "{unit}");
    // A port below 1024 needs one capability and gets no more.
    let low = configured(dir.path(), "0.0.0.0:443");
    assert!(self::unit(&low, programs).contains("\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"));

    // What systemd itself says about it, where it is there.
    let file = dir.path().join("tomoshibi.service");
    std::fs::write(&file, &unit).expect("written");
    let Ok(said) = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .arg(&file)
        .output()
    else {
        return;
    };
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    let about: Vec<&str> = words
        .lines()
        .filter(|line| line.contains("tomoshibi.service"))
        .collect();
    assert!(about.is_empty(), "{words}");
    let security = Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=25", "--no-pager"])
        .arg(&file)
        .output()
        .expect("systemd-analyze");
    assert!(
        security.status.success(),
        "{}",
        String::from_utf8_lossy(&security.stdout)
    );
}

#[test]
fn installing_twice_changes_nothing_and_a_path_that_means_something_else_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = configured(dir.path(), "127.0.0.1:8300");
    let root = dir.path().join("root");
    let root = root.to_str().expect("a plain path");
    let first = ok(&["service", "-c", &config, "install", "--root", root]);
    assert!(
        first.contains("○ ユニット") && first.contains("この端末だけで使う設定"),
        "{first}"
    );
    let unit = Path::new(root).join("etc/systemd/system/tomoshibi.service");
    let text = std::fs::read_to_string(&unit).expect("the unit");
    assert!(
        text.contains("ExecStart=\"/opt/tomoshibi/tomoshibi\" service run -c"),
        "{text}"
    );
    let program = Path::new(root).join("opt/tomoshibi/tomoshibi");
    assert!(program.is_file());
    let second = ok(&["service", "-c", &config, "install", "--root", root]);
    assert!(
        !second.contains('○') && second.contains("もうそのとおりです"),
        "{second}"
    );
    let open = configured(dir.path(), "0.0.0.0:8300");
    let third = ok(&["service", "-c", &open, "install", "--root", root]);
    assert!(third.contains("TCP 8300"), "{third}");
    ok(&["service", "uninstall", "--root", root]);
    assert!(!unit.exists() && program.is_file());
    assert!(ok(&["service", "uninstall", "--root", root]).contains("入っていません"));

    let odd = dir.path().join("50%");
    std::fs::create_dir(&odd).expect("made");
    let odd = configured(&odd, "127.0.0.1:8300");
    let refused = run(&["service", "-c", &odd, "install", "--root", root]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let refused = run(&[
        "service",
        "-c",
        &config,
        "install",
        "--root",
        root,
        "--memory-max",
        "1G\nUser=root",
    ]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
}
