//! Who may read the files of a station on Windows: only SYSTEM, the administrators, their owner, and the service.
//!
//! Rights are set and read with the system's own `icacls`, by identifiers that are the same in every language of Windows. Elsewhere
//! the mode of a file says the same and nothing here is used.

#[cfg(windows)]
use std::path::Path;
#[cfg(windows)]
use std::process::Command;

/// The account under which the service runs.
#[cfg(windows)]
pub const ACCOUNT: &str = "NT SERVICE\\tomoshibi";

/// SYSTEM, the administrators, and whoever owns the file.
#[cfg(windows)]
const ALWAYS: [&str; 3] = ["*S-1-5-18", "*S-1-5-32-544", "*S-1-3-4"];

/// Takes a file's rights from everybody else.
///
/// # Errors
/// When the file system keeps no rights (FAT), or the system refuses.
#[cfg(windows)]
pub fn file(path: &Path) -> std::io::Result<()> {
    let mut command = icacls(path);
    command.args(["/inheritance:r", "/grant:r"]);
    done(command.args(ALWAYS.map(|who| format!("{who}:F"))))
}

/// Takes a directory's rights, and those of all that comes into it, from everybody else; the service may change what is in it where
/// `service` is true.
///
/// # Errors
/// As [`file`].
#[cfg(windows)]
pub fn directory(path: &Path, service: bool) -> std::io::Result<()> {
    let mut command = icacls(path);
    command.args(["/inheritance:r", "/grant:r"]);
    command.args(ALWAYS.map(|who| format!("{who}:(OI)(CI)F")));
    if service {
        command.arg(format!("{ACCOUNT}:(OI)(CI)M"));
    }
    done(&mut command)?;
    // What was in it before takes over what the directory has.
    let mut below = Command::new(system("icacls.exe"));
    below.arg(path.join("*")).args(["/reset", "/t", "/c", "/q"]);
    done(&mut below)
}

/// Who else may read this directory, in words.
///
/// # Errors
/// When others may, or nobody can tell.
#[cfg(windows)]
pub fn told(dir: &Path) -> anyhow::Result<String> {
    use anyhow::Context;
    let list = tempfile::Builder::new().tempfile()?.into_temp_path();
    done(icacls(dir).arg("/save").arg(&list)).context("フォルダの権限を確かめられません（icacls）")?;
    let bytes = std::fs::read(&list).context("フォルダの権限を確かめられません（icacls /save）")?;
    let units: Vec<u16> = bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|two| u16::from_le_bytes(*two))
        .collect();
    let text = String::from_utf16_lossy(&units);
    let Some(rights) = text.lines().find(|line| line.contains("D:")) else {
        anyhow::bail!("フォルダの権限を確かめられません（icacls /save の中身が違います）");
    };
    let others = strangers(rights);
    if others.is_empty() {
        return Ok("SYSTEM・管理者・持ち主・サービスだけが読めます".to_owned());
    }
    anyhow::bail!(
        "{} も読めます。`tomoshibi service install` をもう一度実行するか、フォルダの権限を直してください",
        others.join("、")
    )
}

#[cfg(windows)]
fn icacls(path: &Path) -> Command {
    let mut command = Command::new(system("icacls.exe"));
    command.arg(path);
    command
}

/// A program of the system, by its whole path: another of that name in the current directory is not it.
#[cfg(windows)]
pub fn system(name: &str) -> std::path::PathBuf {
    let root = std::env::var_os("SystemRoot").unwrap_or_else(|| "C:\\Windows".into());
    std::path::PathBuf::from(root).join("System32").join(name)
}

#[cfg(windows)]
fn done(command: &mut Command) -> std::io::Result<()> {
    let said = command.output()?;
    if said.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    Err(std::io::Error::other(format!("icacls: {words}")))
}

/// Groups of many people to whom these rights (SDDL) give something.
#[cfg(any(windows, test))]
fn strangers(sddl: &str) -> Vec<&'static str> {
    const GROUPS: [(&[&str], &str); 8] = [
        (&["WD", "S-1-1-0"], "すべての人（Everyone）"),
        (&["AU", "S-1-5-11"], "サインインしたすべての人（Authenticated Users）"),
        (&["BU", "S-1-5-32-545"], "一般の利用者（Users）"),
        (&["IU", "S-1-5-4"], "この端末の前にいる人（INTERACTIVE）"),
        (&["NU", "S-1-5-2"], "ネットワークから来る人（NETWORK）"),
        (&["BG", "S-1-5-32-546"], "ゲスト（Guests）"),
        (&["AN", "S-1-5-7"], "名乗らない人（ANONYMOUS）"),
        (&["DU"], "ドメインのすべての利用者（Domain Users）"),
    ];
    let rights = sddl.split_once("D:").map_or("", |(_, rights)| rights);
    let mut found = Vec::new();
    for entry in rights.split('(').skip(1) {
        let entry = entry.split(')').next().unwrap_or("");
        let fields: Vec<&str> = entry.split(';').collect();
        // Kind; flags; rights; object; inherited object; whom.
        let (Some(kind), Some(whom)) = (fields.first(), fields.get(5)) else {
            continue;
        };
        if !kind.ends_with('A') {
            continue;
        }
        let group = GROUPS.iter().find(|(names, _)| names.contains(whom));
        found.extend(group.map(|(_, words)| *words).filter(|words| !found.contains(words)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_many_people_are_found_in_a_list_of_rights() {
        let own = "D:PAI(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;S-1-5-80-1-2-3-4-5)";
        assert!(strangers(own).is_empty());
        let usual = "D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)";
        assert_eq!(strangers(usual).len(), 2, "{:?}", strangers(usual));
        assert_eq!(strangers("D:(A;;FR;;;S-1-1-0)").len(), 1);
        assert!(
            strangers("D:(D;;FA;;;WD)(A;;FA;;;SY)").is_empty(),
            "refusing is no giving"
        );
        assert!(
            strangers("O:BAG:SYS:(AU;SA;FA;;;WD)").is_empty(),
            "auditing is no giving"
        );
        assert!(strangers("").is_empty());
    }
}
