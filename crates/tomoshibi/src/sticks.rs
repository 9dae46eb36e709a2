//! Finding sticks: what the system has mounted where removable media go, and the folders that the hospital has named.
//!
//! Nothing is mounted, unlocked or run here, and nothing on a stick is looked at. On Windows every drive letter from D on counts,
//! because a program without rights of its own cannot tell a stick from a disk there; what is on it tells.

use std::path::{Path, PathBuf};

use desk::carry::Stick;
use downtime::carry::StickName;

/// Most sticks shown.
const MOST: usize = 16;

/// Every stick there is now, each once.
#[must_use]
pub fn find(folders: &[PathBuf]) -> Vec<Stick> {
    let mut found = mounted();
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        if !found.iter().any(|stick| stick.dir == *folder) {
            found.push(one(folder));
        }
    }
    found.truncate(MOST);
    found
}

/// The stick that a folder is on, as it would be named in a list.
#[must_use]
pub fn one(folder: &Path) -> Stick {
    let known = mounted().into_iter().find(|stick| stick.dir == folder);
    known.unwrap_or_else(|| {
        let label = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let mount = mount_of(folder);
        Stick {
            name: StickName {
                label: label.unwrap_or_default(),
                serial: mount.as_ref().map(|mount| serial(&mount.device)).unwrap_or_default(),
            },
            dir: folder.to_path_buf(),
            read_only: mount.is_some_and(|mount| mount.read_only),
        }
    })
}

/// A line of `/proc/self/mounts`.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: String,
    dir: PathBuf,
    read_only: bool,
}

fn mounts() -> Vec<Mount> {
    let text = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    text.lines().filter_map(read).collect()
}

fn read(line: &str) -> Option<Mount> {
    let mut fields = line.split(' ');
    let (device, dir, _kind, options) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    Some(Mount {
        device: device.to_owned(),
        dir: PathBuf::from(unescaped(dir)),
        read_only: options.split(',').any(|option| option == "ro"),
    })
}

/// The kernel writes blanks and tabs of names as `\040` and `\011`.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|digits| u32::from_str_radix(digits, 8).ok());
        match code.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                out.push_str(part.get(3..).unwrap_or_default());
            }
            None => {
                out.push('\\');
                out.push_str(part);
            }
        }
    }
    out
}

fn mount_of(folder: &Path) -> Option<Mount> {
    let folder = folder.canonicalize().ok()?;
    mounts().into_iter().find(|mount| mount.dir == folder)
}

#[cfg(not(windows))]
fn mounted() -> Vec<Stick> {
    let removable = |mount: &Mount| {
        ["/media", "/run/media"]
            .iter()
            .any(|place| mount.dir.starts_with(place))
    };
    let stick = |mount: Mount| Stick {
        name: StickName {
            label: mount
                .dir
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            serial: serial(&mount.device),
        },
        dir: mount.dir,
        read_only: mount.read_only,
    };
    mounts().into_iter().filter(removable).map(stick).take(MOST).collect()
}

/// The serial number of a volume, as the system links it.
fn serial(device: &str) -> String {
    let Ok(device) = Path::new(device).canonicalize() else {
        return String::new();
    };
    let Ok(links) = std::fs::read_dir("/dev/disk/by-uuid") else {
        return String::new();
    };
    let same = |link: &std::fs::DirEntry| link.path().canonicalize().is_ok_and(|target| target == device);
    let link = links.flatten().find(same);
    link.map(|link| link.file_name().to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(windows)]
fn mounted() -> Vec<Stick> {
    let drives = ('D'..='Z').map(|letter| (letter, PathBuf::from(format!("{letter}:\\"))));
    let there = drives.filter(|(_, dir)| dir.is_dir());
    let stick = |(letter, dir): (char, PathBuf)| Stick {
        name: StickName {
            label: format!("{letter}:"),
            serial: volume(letter),
        },
        dir,
        read_only: false,
    };
    there.map(stick).take(MOST).collect()
}

/// The serial number of a drive's volume: the one word of `vol` that is the same in every language.
#[cfg(windows)]
fn volume(letter: char) -> String {
    let said = std::process::Command::new("cmd")
        .args(["/d", "/c", "vol", &format!("{letter}:")])
        .output();
    let text = said.map(|done| String::from_utf8_lossy(&done.stdout).into_owned());
    let is_serial = |word: &&str| {
        let digits = word
            .split('-')
            .all(|half| half.len() == 4 && half.chars().all(|c| c.is_ascii_hexdigit()));
        word.len() == 9 && digits
    };
    let text = text.unwrap_or_default();
    text.split_whitespace().find(is_serial).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_read_whatever_its_name() {
        let line = r"/dev/sdb1 /media/ward/TMB\0403E vfat rw,nosuid,nodev 0 0";
        let mount = Mount {
            device: "/dev/sdb1".into(),
            dir: "/media/ward/TMB 3E".into(),
            read_only: false,
        };
        assert_eq!(read(line), Some(mount));
        assert!(read("/dev/sdc1 /media/x vfat nosuid,ro 0 0").unwrap().read_only);
        assert_eq!(read("short line"), None);
        assert_eq!(unescaped(r"a\134b\"), r"a\b\");
    }

    #[test]
    fn a_folder_of_the_configuration_is_a_stick_once_and_a_missing_one_none() {
        let dir = tempfile::tempdir().unwrap();
        let folders = [
            dir.path().to_path_buf(),
            dir.path().to_path_buf(),
            dir.path().join("gone"),
        ];
        let found = find(&folders);
        assert_eq!(found.iter().filter(|stick| stick.dir == dir.path()).count(), 1);
        assert!(!found.iter().any(|stick| stick.dir.ends_with("gone")));
    }
}
