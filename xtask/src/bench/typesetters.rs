//! The morning's 600 charts set by other programs, beside ours in the same call.
//!
//! The very sheets of `examples/morning` go out as JSON. `xtask/peers/prepare.py` makes pages of them that look like the F02 (same texts, panels,
//! codes, fonts) before anything is measured: working out the QR codes and writing the HTML is a present to the peers. It
//! deliberately uses each program as it comes, with the options that make it cheaper and nothing else, and it never leaves one out
//! silently: what is missing is a figure that is not met, with what to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::hospital::text;
use super::{Ground, Measured, measure, medians_of, paper};
use crate::setup::{Tool, debian_packages};

/// Charts, of one page each.
const CHARTS: usize = 600;

const PYTHON: Tool = Tool {
    program: "python3",
    package: "python3-venv",
    why: "prepares the pages of other typesetters, in the benches of paper",
};

/// A program that sets the same charts.
pub struct Typesetter {
    /// For people.
    name: &'static str,
    /// Beyond Python.
    tools: &'static [Tool],
    /// Its program in the Python environment, which must say its version.
    python: Option<&'static str>,
    /// Program and arguments.
    command: fn(&Prepared) -> Result<Vec<String>>,
}

/// Sets HTML, in Python.
pub const WEASYPRINT: Typesetter = Typesetter {
    name: "WeasyPrint",
    tools: &[],
    python: Some("weasyprint"),
    command: |at| {
        Ok(vec![
            text(&at.python("weasyprint"))?,
            "--quiet".to_owned(),
            text(&at.file("charts.html"))?,
            text(&at.file("out.pdf"))?,
        ])
    },
};

/// Prints HTML without a screen. Tagging the file would cost it more, and ours has no tags.
pub const CHROMIUM: Typesetter = Typesetter {
    name: "Chromium",
    tools: &[Tool {
        program: "chromium",
        package: "chromium",
        why: "is a typesetter in the benches of paper",
    }],
    python: None,
    command: |at| {
        let words = [
            "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            "--disable-pdf-tagging",
        ];
        let mut command = words.map(str::to_owned).to_vec();
        command.push(format!("--user-data-dir={}", text(&at.file("browser"))?));
        command.push(format!("--print-to-pdf={}", text(&at.file("out.pdf"))?));
        command.push(text(&at.file("charts.html"))?);
        Ok(command)
    },
};

/// Draws, told where by a program of ours (`draw.py`).
pub const REPORTLAB: Typesetter = Typesetter {
    name: "ReportLab",
    tools: &[],
    python: Some("python"),
    command: |at| {
        Ok(vec![
            text(&at.python("python"))?,
            text(&at.scripts.join("draw.py"))?,
            text(&at.file("charts.json"))?,
            text(&at.fonts)?,
            text(&at.file("out.pdf"))?,
        ])
    },
};

/// Prints HTML as browsers did in 2012.
pub const WKHTMLTOPDF: Typesetter = Typesetter {
    name: "wkhtmltopdf",
    tools: &[Tool {
        program: "wkhtmltopdf",
        package: "wkhtmltopdf",
        why: "is a typesetter in the benches of paper",
    }],
    python: None,
    command: |at| {
        let words = "wkhtmltopdf --quiet --enable-local-file-access -s A4 -T 0 -B 0 -L 0 -R 0";
        let mut command: Vec<String> = words.split(' ').map(str::to_owned).collect();
        command.push(text(&at.file("charts-wk.html"))?);
        command.push(text(&at.file("out.pdf"))?);
        Ok(command)
    },
};

/// CPU s, peak MB, KB a page of the 600 charts: ours and its.
pub fn beside(ground: &Ground, peer: &Typesetter) -> Result<Vec<Measured>> {
    let ours = medians_of(ground.runs, || paper::morning(ground, CHARTS, &["short"]))?;
    let at = Prepared::new(ground, peer).with_context(|| format!("{} was not measured", peer.name))?;
    // Minutes each, and two are enough beside a ratio of ten and more.
    let theirs = medians_of(ground.runs.min(2), || at.set(peer))?;
    let pairs = ours.into_iter().zip(theirs);
    Ok(pairs.map(|(value, peer)| Measured::beside(value, peer)).collect())
}

/// The pages, and what sets them.
struct Prepared {
    scripts: PathBuf,
    fonts: PathBuf,
    environment: PathBuf,
    scratch: PathBuf,
}

impl Prepared {
    fn new(ground: &Ground, peer: &Typesetter) -> Result<Self> {
        let root = ground.hospitals.root();
        let at = Self {
            scripts: root.join("xtask").join("peers"),
            fonts: root.join("crates").join("press").join("fonts"),
            environment: ground.hospitals.target().join("peers"),
            scratch: ground.scratch.clone(),
        };
        debian_packages(&[PYTHON])?;
        debian_packages(peer.tools)?;
        at.ready_python(peer)?;
        let sheets = at.file("sheets.jsonl");
        let (program, path) = (text(&paper::morning_program(ground)?)?, text(&sheets)?);
        let count = CHARTS.to_string();
        measure::finished(&program, &[&count, "1", &path, "short", "json"], &ground.scratch)?;
        quietly(
            Command::new(at.python("python"))
                .arg(at.scripts.join("prepare.py"))
                .args([&sheets, &ground.scratch]),
        )?;
        // The same fonts, as if installed, and no others.
        let folder = text(&at.fonts)?;
        let cache = text(&at.file("font-cache"))?;
        let known = format!(
            "<?xml version=\"1.0\"?><!DOCTYPE fontconfig SYSTEM \"fonts.dtd\">\
             <fontconfig><dir>{folder}</dir><cachedir>{cache}</cachedir></fontconfig>\n"
        );
        std::fs::write(at.file("fonts.conf"), known).context("the list of fonts")?;
        Ok(at)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    fn python(&self, program: &str) -> PathBuf {
        self.environment.join("bin").join(program)
    }

    /// A Python environment with exactly the versions of `requirements.txt`, made once.
    fn ready_python(&self, peer: &Typesetter) -> Result<()> {
        let wanted = self.scripts.join("requirements.txt");
        let wanted_text = std::fs::read_to_string(&wanted).with_context(|| wanted.display().to_string())?;
        let installed = self.environment.join("requirements.txt");
        let there = std::fs::read_to_string(&installed).is_ok_and(|text| text == wanted_text);
        if !there {
            quietly(Command::new("python3").args(["-m", "venv"]).arg(&self.environment))?;
            quietly(
                Command::new(self.python("python"))
                    .args([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--no-deps",
                        "--disable-pip-version-check",
                        "-r",
                    ])
                    .arg(&wanted),
            )
            .with_context(|| {
                format!(
                    "the Python packages of {} could not be fetched. With access to PyPI, try again",
                    wanted.display()
                )
            })?;
            std::fs::write(&installed, wanted_text).context("the note of what is installed")?;
        }
        let Some(program) = peer.python.map(|program| self.python(program)) else {
            return Ok(());
        };
        quietly(Command::new(program).arg("--version")).with_context(|| {
            format!(
                "{} does not start. WeasyPrint wants Debian's libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0",
                peer.name
            )
        })
    }

    /// One run: CPU s, peak MB, KB a page. Fails unless it set as many pages as there are charts.
    fn set(&self, peer: &Typesetter) -> Result<[f64; 3]> {
        let command = (peer.command)(self)?;
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (program, arguments) = words.split_first().context("a program")?;
        let fonts = text(&self.file("fonts.conf"))?;
        let variables = [("FONTCONFIG_FILE", fonts.as_str()), ("LC_ALL", "C.UTF-8")];
        let (cost, _) = measure::finished_with(program, arguments, &self.scratch, &variables)?;
        let out = self.file("out.pdf");
        let pages = pages_of(&out)?;
        if pages != CHARTS {
            bail!(
                "{} set {pages} pages of {CHARTS}: it does not print the same",
                peer.name
            );
        }
        let bytes = std::fs::metadata(&out).context("the file it made")?.len();
        // Kept, so that a person can look at it: the last of each.
        let kept = self.scratch.parent().context("the folder of the benches")?;
        std::fs::rename(&out, kept.join(format!("charts-{}.pdf", peer.name))).context("keeping the file it made")?;
        #[allow(clippy::cast_precision_loss, reason = "megabytes")]
        let page = bytes as f64 / 1e3 / CHARTS as f64;
        Ok([cost.cpu_seconds, cost.peak_megabytes, page])
    }
}

/// Runs it; what it writes is only seen if it fails (standard output belongs to the report).
fn quietly(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("`{name}` could not be started"))?;
    if !output.status.success() {
        bail!("`{name}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// As poppler counts them.
fn pages_of(file: &Path) -> Result<usize> {
    let output = Command::new("pdfinfo").arg(file).output().context("pdfinfo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("Pages:"));
    line.with_context(|| format!("{} is no PDF", file.display()))?
        .trim()
        .parse()
        .context("a number of pages")
}
