//! `tomoshibi demo`: the main job at once. An invented hospital's export is extracted and sealed; a hub and a station
//! serve it; a control page stops "the EHR" and "the network", which are real sockets.
//!
//! Nothing is pretended: the demo makes the same keys, files and processes' parts as a hospital would, in a directory
//! that is thrown away at the end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chart::StationCode;
use desk::{DemoSignIn, Notice};
use downtime::identity::{NewUser, Role};
use vault::slot::SlotCost;

use super::init::NewHub;
use super::station::{NewStation, add, new};
use crate::config::Config;
use crate::home::Home;
use crate::{clock, progress, random, serving};

mod control;
mod ehr;
mod line;

/// Name of the invented hospital.
const HOSPITAL: &str = "あかりの市立総合病院（架空）";

/// Staff of the demo: number, name, role.
const STAFF: [(&str, &str, Role); 4] = [
    ("1001", "田中　恵", Role::Reception),
    ("2001", "佐藤　一郎", Role::Physician),
    ("9001", "高橋　灯", Role::Informatics),
    ("9101", "鈴木　守", Role::PrivacyOfficer),
];

/// Shows the main job on an invented hospital; no server, font or database to install.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  tomoshibi demo\n  tomoshibi demo --patients 2000 --no-open")]
pub struct Demo {
    /// Outpatients booked for today.
    #[arg(long, default_value_t = 600)]
    patients: u32,
    /// Beds of the hospital, most of them with somebody in them.
    #[arg(long, default_value_t = 300)]
    beds: u32,
    /// Port of the hub; the station and the control page take the next two. 0 takes three free ones.
    #[arg(long, default_value_t = 8300)]
    port: u16,
    /// Keep everything in this directory instead of a temporary one.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Do not open a browser.
    #[arg(long)]
    no_open: bool,
    /// Seed of the invented hospital.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Demo {
    /// Runs the demo until Ctrl+C.
    ///
    /// # Errors
    /// When a directory or port cannot be used.
    pub fn run(&self) -> Result<ExitCode> {
        let temporary = match &self.dir {
            Some(_) => None,
            None => Some(
                tempfile::Builder::new()
                    .prefix("tomoshibi-demo-")
                    .tempdir()
                    .context("一時ディレクトリを作れません")?,
            ),
        };
        let dir = self
            .dir
            .clone()
            .or_else(|| temporary.as_ref().map(|t| t.path().to_path_buf()))
            .context("ディレクトリ")?;
        let dir = std::path::absolute(dir)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let code = runtime.block_on(self.show(&dir))?;
        runtime.shutdown_timeout(Duration::from_secs(2));
        Ok(code)
    }

    async fn show(&self, dir: &Path) -> Result<ExitCode> {
        let ports = Ports::take(self.port).await?;
        let ehr = ehr::Ehr::start().await?;
        let line = line::Line::start(ports.hub_address()).await?;
        let staff: Vec<DemoSignIn> = STAFF
            .iter()
            .map(|(number, name, role)| sign_in(number, name, *role))
            .collect();
        let (hub, station) = {
            let plan = Plan {
                patients: self.patients,
                beds: self.beds,
                seed: self.seed,
            };
            let (dir, staff) = (dir.to_path_buf(), staff.clone());
            let places = Places {
                ehr: ehr.address(),
                hub_url: line.url(),
                hub: ports.hub_address(),
                station: ports.station_address(),
            };
            tokio::task::spawn_blocking(move || prepare(&plan, &dir, &staff, &places)).await??
        };
        let control = format!("http://{}/", ports.control_address());
        let press = serving::press(&hub)?;
        let mut servers = tokio::task::JoinSet::new();
        let Ports {
            hub: hub_port,
            station: station_port,
            control: control_port,
        } = ports;
        for (config, listener) in [(&hub, hub_port), (&station, station_port)] {
            let running = serving::station(config)?;
            let mut desk = serving::desk(config, &running, &press)?;
            desk.demo.clone_from(&staff);
            desk.notice = Some(Notice {
                words: "操作盤 Demo".to_owned(),
                href: control.clone(),
            });
            let router = serving::router(config, &running, desk)?;
            servers.spawn(serving::serve(listener, router, serving::told_to_stop()));
        }
        let addresses = control::Addresses {
            hub: format!("http://{}/", hub.station.listen),
            station: format!("http://{}/", station.station.listen),
        };
        announce(&addresses, &control, &staff);
        let panel = control::router(Arc::new(control::Panel { ehr, line, addresses }));
        servers.spawn(serving::serve(control_port, panel, serving::told_to_stop()));
        if !self.no_open {
            open(&control);
        }
        while let Some(ended) = servers.join_next().await {
            ended??;
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[derive(Debug, Clone, Copy)]
struct Plan {
    patients: u32,
    beds: u32,
    seed: u64,
}

/// Where things listen.
struct Places {
    ehr: String,
    hub_url: String,
    hub: String,
    station: String,
}

/// Hospital, hub and station, from nothing to a sealed snapshot. Progress is shown.
fn prepare(plan: &Plan, dir: &Path, staff: &[DemoSignIn], places: &Places) -> Result<(Config, Config)> {
    let today = clock::now().day();
    let export = dir.join("ehr-export");
    let bar = progress::bar("病院を合成", false);
    let wanted = synth::Plan {
        patients: plan.patients,
        date: today,
        seed: plan.seed,
    };
    let hospital = synth::Hospital::new(&wanted)?.with_beds(plan.beds);
    synth::write_hospital(&hospital, synth::Shape::A, &export, &mut |done, all| {
        progress::show(&bar, done, all)
    })
    .context("架空の病院を書き出せません")?;
    bar.finish_and_clear();
    say!("1/4 架空の病院の書き出し（CP932 の CSV）: {}", export.display());
    let (hub_dir, station_dir) = (dir.join("hub"), dir.join("station"));
    let code = StationCode::parse("H01").context("H01")?;
    let users: Vec<NewUser<'_>> = staff
        .iter()
        .map(|s| NewUser::with_password(&s.staff_number, &s.name, s.role, &s.password))
        .collect();
    NewHub {
        dir: &hub_dir,
        hospital: HOSPITAL,
        code,
    }
    .make(&users, SlotCost::STANDARD)?;
    let mut hub = hub_config(&hub_dir, &export, places)?;
    say!("2/4 hub H01 の鍵と利用者 {} 人", staff.len());
    let station_code = StationCode::parse("R03").context("R03")?;
    let public = new(&NewStation {
        dir: &station_dir,
        hospital: HOSPITAL,
        code: station_code,
        node: None,
        letter: None,
        hub: &places.hub_url,
        listen: &places.station,
    })?;
    let mut home = Home::open(&hub)?;
    add(
        &mut home,
        station_code,
        Some(3),
        Some("C"),
        &public,
        &station_dir.join("data").join("trust.cbor"),
    )?;
    say!("3/4 端末 R03 の登録");
    let done = super::extract::run(&hub, &Home::open(&hub)?, today, false, false)?;
    say!(
        "4/4 取り出して封印: {} 人、{} 件を読み直して確認、指摘 {} 件",
        done.stat.charts,
        done.reopened,
        done.extract.findings.len()
    );
    let mut station = Config::read(&station_dir.join("tomoshibi.toml"))?;
    station.station.hub_every_seconds = 1;
    // As an officer writes it into the file of every station.
    station.hospital = hub.hospital.clone();
    // A folder stands for the stick that is carried between the two.
    let stick = dir.join("USB");
    std::fs::create_dir_all(&stick)?;
    hub.carry.folders.push(stick.clone());
    station.carry.folders.push(stick);
    Ok((hub, station))
}

fn hub_config(hub_dir: &Path, export: &Path, places: &Places) -> Result<Config> {
    let mapping = hub_dir.join("mapping.toml");
    std::fs::write(&mapping, include_str!("../../../../fixtures/hospital/a/mapping.toml"))?;
    // Into the file and not only into memory: whoever tries the commands beside the running demo finds the same hospital.
    let path = hub_dir.join("tomoshibi.toml");
    let word = |path: &Path| toml::Value::String(path.display().to_string());
    let extract = format!("\n[extract]\ndir = {}\nmapping = {}\n", word(export), word(&mapping));
    let mut text = std::fs::read_to_string(&path)?;
    text.push_str(&extract);
    std::fs::write(&path, text)?;
    let mut config = Config::read(&path)?;
    config.station.listen.clone_from(&places.hub);
    config.ehr.probe_tcp = Some(places.ehr.clone());
    config.ehr.every_seconds = 1;
    config.hospital.contact_phone = "000-000-0000（予約センター）".to_owned();
    config.hospital.institution = crate::config::Institution {
        prefecture: "13".to_owned(),
        code: "9999999".to_owned(),
        postcode: "000-0000".to_owned(),
        address: "灯火県海辺市みなと町1-2-3".to_owned(),
        phone: "000-000-0001".to_owned(),
        fax: String::new(),
    };
    Ok(config)
}

/// A demo user with a password of 128 random bits.
fn sign_in(number: &str, name: &str, role: Role) -> DemoSignIn {
    let mut bytes = [0; 16];
    rand_core::Rng::fill_bytes(&mut random::system(), &mut bytes);
    let password = bytes.iter().map(|b| format!("{b:02x}")).collect();
    DemoSignIn {
        staff_number: number.to_owned(),
        password,
        name: name.to_owned(),
        role,
    }
}

fn announce(addresses: &control::Addresses, control: &str, staff: &[DemoSignIn]) {
    say!("");
    say!("  操作盤（電子カルテとネットワークを止める）  {control}");
    say!("  hub   H01（院内のサーバ）                    {}", addresses.hub);
    say!("  端末  R03（受付の PC）                       {}", addresses.station);
    say!("");
    for person in staff {
        say!(
            "  {} {}（{}）  パスワード {}",
            person.staff_number,
            person.name,
            person.role.label(),
            person.password
        );
    }
    say!("");
    say!("  すべて架空の患者です。Ctrl+C で終わると、作ったものは消えます。");
}

/// Opens a browser; failing to is no matter, the address is printed.
fn open(url: &str) {
    let (program, first): (&str, &[&str]) = if cfg!(windows) {
        ("cmd", &["/C", "start", ""])
    } else if cfg!(target_os = "macos") {
        ("open", &[])
    } else {
        ("xdg-open", &[])
    };
    let _ = std::process::Command::new(program)
        .args(first)
        .arg(url)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
}

/// Three listening ports, taken before anything else so that a taken port is said at once.
struct Ports {
    hub: tokio::net::TcpListener,
    station: tokio::net::TcpListener,
    control: tokio::net::TcpListener,
}

impl Ports {
    async fn take(first: u16) -> Result<Self> {
        let at = |n: u16| {
            let port = if first == 0 { 0 } else { first.saturating_add(n) };
            async move {
                serving::bind(&format!("127.0.0.1:{port}"))
                    .await
                    .map(|(listener, _)| listener)
            }
        };
        Ok(Self {
            hub: at(0).await?,
            station: at(1).await?,
            control: at(2).await?,
        })
    }

    fn hub_address(&self) -> String {
        text(&self.hub)
    }

    fn station_address(&self) -> String {
        text(&self.station)
    }

    fn control_address(&self) -> String {
        text(&self.control)
    }
}

fn text(listener: &tokio::net::TcpListener) -> String {
    listener.local_addr().map(|a| a.to_string()).unwrap_or_default()
}
