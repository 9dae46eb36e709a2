//! `tomoshibi icon`: the page behind the desktop icon of terminals that have a browser only. It lies on the terminal's own disk, so it is
//! there when nothing else is: it opens the first desk that answers, and otherwise says where the nearest station is.
//!
//! No patient and nobody's name is on it. It asks nobody but the desks it was made for, and its policy says so to the browser.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use chart::Moment;
use downtime::identity::Enrolled;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::ConfigArg;
use crate::clock;
use crate::config::Config;
use crate::home::{Home, write_durably};

#[cfg(test)]
mod tests;

/// Writes the page behind the desktop icon, and launchers for Windows and Linux.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi icon --out /srv/icon\n  tomoshibi icon --out /srv/icon-3e --at 3E\n\nThe addresses, places and the telephone come from [icon] in the configuration: docs/operating/certificates.md."
)]
pub struct Icon {
    #[command(flatten)]
    config: ConfigArg,
    /// Directory for the three files.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Code of the ward or department where these terminals stand: its stations are shown first.
    #[arg(long, value_name = "CODE")]
    at: Option<String>,
    /// Where the page will lie on a Windows terminal.
    #[arg(long, value_name = "DIR", default_value = "C:\\Tomoshibi")]
    windows_dir: String,
    /// Where the page will lie on a Linux terminal.
    #[arg(long, value_name = "DIR", default_value = "/opt/tomoshibi")]
    linux_dir: String,
}

/// Name of the page's file.
const PAGE: &str = "tomoshibi.html";

impl Icon {
    /// Runs the command.
    ///
    /// # Errors
    /// When no desk's address is known, or a file cannot be written.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        let hubs = hubs(&config, &home)?;
        let page = page(&config, &hubs, &home.roster.stations, self.at.as_deref(), clock::now())?;
        fs::create_dir_all(&self.out).with_context(|| format!("{} を作れません", self.out.display()))?;
        write_durably(&self.out.join(PAGE), page.as_bytes())?;
        let windows = format!("{}/{PAGE}", self.windows_dir.replace('\\', "/").trim_end_matches('/'));
        let url = format!("[InternetShortcut]\r\nURL=file:///{windows}\r\n");
        write_durably(&self.out.join("灯火.url"), url.as_bytes())?;
        let linux = format!("{}/{PAGE}", self.linux_dir.trim_end_matches('/'));
        let desktop = format!(
            "[Desktop Entry]\nType=Application\nName=灯火 Tomoshibi\nExec=xdg-open {linux}\nTerminal=false\nCategories=Office;\n"
        );
        write_durably(&self.out.join("tomoshibi.desktop"), desktop.as_bytes())?;
        say!(
            "{} に {PAGE}、灯火.url、tomoshibi.desktop を書きました",
            self.out.display()
        );
        say!(
            "{PAGE} を各端末の {}（Linux は {}）に、灯火.url をデスクトップに配ります",
            self.windows_dir,
            self.linux_dir
        );
        say!("端末の増減や場所の変更のあとは、作り直して配り直してください");
        Ok(ExitCode::SUCCESS)
    }
}

/// One place with its stations.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Ward {
    code: String,
    name: String,
    stations: Vec<(String, String)>,
}

/// The desks that are tried: those of the configuration, or else the hubs of the roster that others can reach.
fn hubs(config: &Config, home: &Home) -> Result<Vec<String>> {
    let mut hubs: Vec<String> = config.icon.hubs.clone();
    if hubs.is_empty() {
        let known = home
            .roster
            .stations
            .iter()
            .filter(|station| station.hub && !station.retired);
        hubs.extend(known.filter_map(|hub| hub.address.clone()));
    }
    if hubs.is_empty() && config.station.hub.is_none() {
        let port = config.station.listen.rsplit(':').next().unwrap_or("8300");
        hubs.extend(
            config
                .station
                .names
                .first()
                .map(|name| format!("https://{name}:{port}")),
        );
    }
    ensure!(
        !hubs.is_empty(),
        "開く画面の住所が分かりません。[icon] に hubs = [\"https://hub.example.jp:8300\"] の形で書いてください。何も作っていません"
    );
    Ok(hubs
        .into_iter()
        .map(|hub| hub.trim_end_matches('/').to_owned())
        .collect())
}

/// Stations by ward and department; those that serve none in particular stand at the end.
fn wards(config: &Config, stations: &[Enrolled], at: Option<&str>) -> Vec<Ward> {
    let icon = &config.icon;
    let mut all: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for station in stations.iter().filter(|station| !station.retired) {
        let code = station.code.as_str();
        let place = icon.places.get(code).cloned().unwrap_or_default();
        // Nobody can work in a server room; a hub that people can go to has a place.
        let is_hub = station.hub || (config.station.hub.is_none() && code == config.station.code);
        if is_hub && place.is_empty() {
            continue;
        }
        let serves: Vec<&String> = station.wards.iter().chain(&station.departments).collect();
        for ward in &serves {
            let list = all.entry((*ward).clone()).or_default();
            list.push((code.to_owned(), place.clone()));
        }
        if serves.is_empty() {
            all.entry(String::new()).or_default().push((code.to_owned(), place));
        }
    }
    let mut wards: Vec<Ward> = all
        .into_iter()
        .map(|(code, stations)| Ward {
            name: icon.names.get(&code).cloned().unwrap_or_else(|| code.clone()),
            code,
            stations,
        })
        .collect();
    let rank = |ward: &Ward| match (at == Some(ward.code.as_str()), ward.code.is_empty()) {
        (true, _) => 0,
        (_, false) => 1,
        _ => 2,
    };
    wards.sort_by(|a, b| (rank(a), &a.name).cmp(&(rank(b), &b.name)));
    wards
}

fn page(config: &Config, hubs: &[String], stations: &[Enrolled], at: Option<&str>, made: Moment) -> Result<String> {
    let wards = wards(config, stations, at);
    if let Some(at) = at {
        ensure!(
            wards.iter().any(|ward| ward.code == at),
            "--at {at} の端末は名簿にありません。病棟・科のコードを確かめてください。何も作っていません"
        );
    }
    let mut listed = String::new();
    for ward in &wards {
        let here = at == Some(ward.code.as_str());
        let (class, head) = match (here, ward.code.is_empty()) {
            (true, _) => (
                " class=\"here\"",
                format!("この場所：{} <span lang=\"en\">here</span>", escape(&ward.name)),
            ),
            (false, true) => ("", "その他の場所 <span lang=\"en\">elsewhere</span>".to_owned()),
            (false, false) => ("", escape(&ward.name)),
        };
        let _ = write!(listed, "<li{class}><h3>{head}</h3><p>");
        for (n, (code, place)) in ward.stations.iter().enumerate() {
            let gap = if n == 0 { "" } else { "、" };
            let place = if place.is_empty() {
                String::new()
            } else {
                format!("{} ", escape(place))
            };
            let _ = write!(listed, "{gap}{place}<b>{}</b>", escape(code));
        }
        listed.push_str("</p></li>");
    }
    if wards.is_empty() {
        listed.push_str("<li><p>登録された端末がありません。情報担当に聞いてください。<span lang=\"en\">No station is enrolled.</span></p></li>");
    }
    let links: String = hubs
        .iter()
        .map(|hub| format!("<li><a href=\"{0}/\">{0}/</a></li>", escape(hub)))
        .collect();
    let mut todo = String::new();
    let forms = match config.icon.forms.as_str() {
        "" => "病棟・受付の災害用の棚",
        forms => forms,
    };
    let _ = write!(
        todo,
        "<li>紙の様式で続ける：<b>{}</b> <span lang=\"en\">Go on with the paper forms</span></li>",
        escape(forms)
    );
    if !config.icon.phone.is_empty() {
        let _ = write!(
            todo,
            "<li>連絡先：<b>{}</b> <span lang=\"en\">Whom to call</span></li>",
            escape(&config.icon.phone)
        );
    }
    let script = include_str!("icon/icon.js").replace("@HUBS@", &json!(hubs).to_string().replace('<', "\\u003c"));
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(script.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; connect-src {}; base-uri 'none'; form-action 'none'",
        hubs.join(" ")
    );
    let hospital = &config.hospital.name;
    let mut page = include_str!("icon/icon.html").to_owned();
    for (key, value) in [
        ("@POLICY@", policy),
        ("@HOSPITAL@", escape(hospital)),
        ("@WARDS@", listed),
        ("@LINKS@", links),
        ("@STEPS@", todo),
        ("@MADE@", made.text()),
        ("@SCRIPT@", script),
    ] {
        page = page.replace(key, &value);
    }
    Ok(page)
}

/// Text that stands in HTML.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}
