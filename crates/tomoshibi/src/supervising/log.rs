//! What a station says while it runs as a service. On Linux the journal of the system keeps it; Windows keeps nothing, so it goes to
//! `data/log/program.log` there, in files of bounded size.

use std::path::Path;
use std::process::ChildStderr;

/// Where the words go.
pub struct Words {
    #[cfg(windows)]
    dir: std::path::PathBuf,
}

#[cfg(not(windows))]
#[allow(clippy::unused_self)] // The same calls on both systems.
impl Words {
    pub fn start(_data: &Path) -> Self {
        Self {}
    }

    /// True where the station's words have to be kept here.
    pub const fn keeps(&self) -> bool {
        false
    }

    pub fn follow(&self, _errors: ChildStderr) -> std::io::Result<()> {
        Ok(())
    }

    pub fn line(&self, _words: &str) {}
}

#[cfg(windows)]
impl Words {
    pub fn start(data: &Path) -> Self {
        Self { dir: data.join("log") }
    }

    pub const fn keeps(&self) -> bool {
        true
    }

    pub fn follow(&self, errors: ChildStderr) -> std::io::Result<()> {
        use std::io::BufRead;
        let dir = self.dir.clone();
        std::thread::Builder::new().name("words".into()).spawn(move || {
            for line in std::io::BufReader::new(errors).lines().map_while(Result::ok) {
                write(&dir, &line);
            }
        })?;
        Ok(())
    }

    pub fn line(&self, words: &str) {
        write(&self.dir, words);
    }
}

/// Appends a line; a full file becomes the old one. Words that cannot be written are no reason to stop.
#[cfg(windows)]
fn write(dir: &Path, line: &str) {
    use std::io::Write;
    const MOST: u64 = 10 << 20;
    let path = dir.join("program.log");
    let full = std::fs::metadata(&path).is_ok_and(|m| m.len() > MOST);
    if full {
        let _ = std::fs::rename(&path, dir.join("program.old.log"));
    }
    let _ = std::fs::create_dir_all(dir);
    let file = std::fs::OpenOptions::new().append(true).create(true).open(&path);
    if let Ok(mut file) = file {
        let _ = writeln!(file, "{} {line}", crate::clock::now().text());
    }
}
