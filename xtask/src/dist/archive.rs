//! Archives that are the same bytes whenever they are made from the same files: sorted names, one time, no owner.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

const SUMS: &str = "SHA256SUMS";

/// Copies a folder with everything in it.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let entry = entry?;
        let path = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &path)?;
        } else {
            fs::copy(entry.path(), path)?;
        }
    }
    Ok(())
}

/// Writes the sum of every file below a folder, in the form that `sha256sum --check` reads. Folders directly below a folder of archives
/// are what the archives were made of, and have their own.
pub fn sums(folder: &Path) -> Result<()> {
    let has_archives = fs::read_dir(folder)?
        .filter_map(Result::ok)
        .any(|entry| is_archive(&entry.path()));
    let mut text = String::new();
    for name in files(folder)? {
        if name == SUMS || (has_archives && !is_archive(Path::new(&name))) {
            continue;
        }
        let sum = Sha256::digest(fs::read(folder.join(&name))?);
        let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        text.push_str(&format!("{hex}  {name}\n"));
    }
    fs::write(folder.join(SUMS), text)?;
    Ok(())
}

fn is_archive(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "zip" || ending == "gz")
}

/// Names of all files below a folder, sorted, with `/` between folders.
fn files(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    gather(folder, "", &mut found)?;
    found.sort();
    Ok(found)
}

fn gather(folder: &Path, before: &str, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .ok()
            .context("a name that is not Unicode")?;
        let name = format!("{before}{name}");
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &format!("{name}/"), found)?;
        } else {
            found.push(name);
        }
    }
    Ok(())
}

/// `name.tar.gz` of the folder `name`, the program runnable.
pub fn tar_gz(out: &Path, name: &str, made: u64) -> Result<PathBuf> {
    let (tar, packed) = (out.join(format!("{name}.tar")), out.join(format!("{name}.tar.gz")));
    let _ = fs::remove_file(&packed);
    let mut command = Command::new("tar");
    command.current_dir(out).args([
        "--sort=name",
        "--owner=0",
        "--group=0",
        "--numeric-owner",
        "--format=ustar",
    ]);
    command.args([
        "--mode=u+rwX,go+rX,go-w".to_owned(),
        format!("--mtime=@{made}"),
        "-cf".to_owned(),
    ]);
    done(command.arg(&tar).arg(name))?;
    // Without name and time of its own.
    done(Command::new("gzip").args(["-n", "-9"]).arg(&tar))?;
    Ok(packed)
}

/// `name.zip` of the folder `name`.
pub fn zip(out: &Path, name: &str, made: u64) -> Result<PathBuf> {
    let packed = out.join(format!("{name}.zip"));
    let _ = fs::remove_file(&packed);
    // Times of ZIP begin in 1980.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(made.max(315_619_200));
    let mut command = Command::new("zip");
    command
        .current_dir(out)
        .env("TZ", "UTC")
        .args(["-X", "-q", "-9"])
        .arg(&packed);
    for file in files(&out.join(name))? {
        let path = out.join(name).join(&file);
        fs::File::options().write(true).open(&path)?.set_modified(time)?;
        command.arg(format!("{name}/{file}"));
    }
    done(&mut command)?;
    Ok(packed)
}

fn done(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_archive_whatever_their_order_and_times() {
        let made = |order: &[&str]| {
            let dir = tempfile::tempdir().unwrap();
            let folder = dir.path().join("thing-1.0");
            fs::create_dir_all(folder.join("docs")).unwrap();
            for name in order {
                fs::write(folder.join(name), format!("of {name}")).unwrap();
            }
            sums(&folder).unwrap();
            let archive = tar_gz(dir.path(), "thing-1.0", 1_700_000_000).unwrap();
            sums(dir.path()).unwrap();
            let text = fs::read_to_string(folder.join(SUMS)).unwrap();
            assert_eq!(text.lines().count(), 3, "{text}");
            let outer = fs::read_to_string(dir.path().join(SUMS)).unwrap();
            assert!(
                outer.ends_with("  thing-1.0.tar.gz\n") && outer.lines().count() == 1,
                "{outer}"
            );
            fs::read(archive).unwrap()
        };
        assert_eq!(made(&["a", "docs/b", "c"]), made(&["c", "docs/b", "a"]));
    }
}
