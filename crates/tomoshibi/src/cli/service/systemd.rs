//! The service on Linux: a unit of systemd that may do as little as a station needs, under an account of its own.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use super::{How, NAME, Place, Seen};
use crate::home::write_durably;
use crate::supervising;

const UNIT: &str = "etc/systemd/system/tomoshibi.service";
const PROGRAM_DIR: &str = "opt/tomoshibi";

/// Runs the supervisor until told to stop.
pub fn run(config: &Path) -> Result<ExitCode> {
    supervising::run(config, supervising::told_to_stop()?)
}

/// Account, program, rights and unit; then the service is started.
pub fn install(place: &Place, how: &How) -> Result<()> {
    let plan = Plan::of(place, how)?;
    if how.dry_run {
        say!("# {}", plan.unit_file.display());
        say!("{}", plan.unit);
        say!(
            "# 何も変えていません（--dry-run）。利用者 {NAME}、プログラム {}、データ {}",
            plan.program.display(),
            plan.data.display()
        );
        return Ok(());
    }
    if how.root.is_none() && !is_root()? {
        bail!(
            "サービスを入れるには管理者（root）の権限が要ります。何も変えていません。\n`sudo {} service install -c {}` を実行してください（--dry-run で内容を見られます）",
            place.program.display(),
            place.config_file.display()
        );
    }
    let new_program = put_program(&place.program, &plan.program)?;
    told("プログラム", &plan.program, new_program);
    if how.root.is_none() {
        let new_account = account(&plan.data)?;
        told("利用者", Path::new(NAME), new_account);
        hand_over(&plan)?;
        say!("○ データの持ち主を {NAME} にしました: {}", plan.data.display());
    }
    let new_unit = put(&plan.unit_file, plan.unit.as_bytes())?;
    told("ユニット", &plan.unit_file, new_unit);
    if how.root.is_some() {
        say!("入れただけで、何も始めていません（--root）");
        return Ok(());
    }
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", NAME])?;
    systemctl(&[if new_program || new_unit { "restart" } else { "start" }, NAME])?;
    say!("○ サービス {NAME} を始めました。記録は journalctl -u {NAME}");
    Ok(())
}

/// Stops and removes the unit.
pub fn uninstall(how: &How) -> Result<()> {
    let unit = root(how).join(UNIT);
    if how.dry_run {
        say!(
            "systemctl disable --now {NAME}、{} を消す。データとプログラムは残す（何も変えていません）",
            unit.display()
        );
        return Ok(());
    }
    if !unit.exists() {
        say!("＝ サービス {NAME} は入っていません。何も変えていません");
        return Ok(());
    }
    if how.root.is_none() {
        if !is_root()? {
            bail!(
                "サービスを外すには管理者（root）の権限が要ります。何も変えていません。sudo をつけて実行してください"
            );
        }
        systemctl(&["disable", "--now", NAME])?;
    }
    fs::remove_file(&unit).with_context(|| format!("{} を消せません", unit.display()))?;
    if how.root.is_none() {
        systemctl(&["daemon-reload"])?;
    }
    say!("○ サービス {NAME} を外しました。データ・設定・プログラムはそのままです（廃棄は tomoshibi dispose）");
    Ok(())
}

/// What systemd says.
pub fn status() -> Result<Seen> {
    let said = Command::new("systemctl")
        .args([
            "show",
            NAME,
            "--property=LoadState,ActiveState,SubState,UnitFileState,NRestarts",
        ])
        .output()
        .context("systemctl がありません。この端末ではサービスの様子を聞けません")?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let value = |name: &str| {
        let mut lines = text.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .unwrap_or("")
            .to_owned()
    };
    let words = if text.trim().is_empty() {
        String::from_utf8_lossy(&said.stderr).trim().to_owned()
    } else {
        text.lines().collect::<Vec<_>>().join(" ")
    };
    Ok(Seen {
        installed: value("LoadState") == "loaded",
        running: value("ActiveState") == "active",
        words,
    })
}

/// What is written where.
struct Plan {
    unit_file: PathBuf,
    unit: String,
    program: PathBuf,
    data: PathBuf,
    config: PathBuf,
}

impl Plan {
    fn of(place: &Place, how: &How) -> Result<Self> {
        let dir = how
            .program_dir
            .clone()
            .unwrap_or_else(|| Path::new("/").join(PROGRAM_DIR));
        let as_seen = std::path::absolute(dir)?.join("tomoshibi");
        let data = std::path::absolute(place.config.data())?;
        if !how
            .memory_max
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'%' || b == b'.')
        {
            bail!("--memory-max は 4G のように書きます: {}", how.memory_max);
        }
        let unit = unit(
            &as_seen,
            &place.config_file,
            &data,
            &place.config.station.listen,
            &how.memory_max,
        )?;
        let below = |path: &Path| match &how.root {
            None => path.to_path_buf(),
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
        };
        Ok(Self {
            unit_file: root(how).join(UNIT),
            unit,
            program: below(&as_seen),
            data,
            config: place.config_file.clone(),
        })
    }
}

fn root(how: &How) -> PathBuf {
    how.root.clone().unwrap_or_else(|| PathBuf::from("/"))
}

/// The unit. What it takes away: everything but its own data is read-only, no new rights, no devices, no other kinds of sockets.
fn unit(program: &Path, config: &Path, data: &Path, listen: &str, memory: &str) -> Result<String> {
    let [program, config, data] = [program, config, data].map(quoted);
    let (program, config, data) = (program?, config?, data?);
    let home = if [&config, &data]
        .iter()
        .any(|path| path.starts_with("\"/home/") || path.starts_with("\"/root/"))
    {
        "read-only"
    } else {
        "yes"
    };
    let port: u16 = listen
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap_or(8300);
    // A port below 1024 needs one capability, and nothing else does.
    let capability = if (1..1024).contains(&port) {
        "CAP_NET_BIND_SERVICE"
    } else {
        ""
    };
    Ok(format!(
        "[Unit]\n\
         Description=Tomoshibi: the downtime system of this hospital\n\
         After=network-online.target\n\
         Wants=network-online.target\n\
         StartLimitIntervalSec=0\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart={program} service run -c {config}\n\
         User={NAME}\n\
         Group={NAME}\n\
         Restart=always\n\
         RestartSec=2\n\
         TimeoutStopSec=60\n\
         UMask=0077\n\
         MemoryMax={memory}\n\
         TasksMax=512\n\
         LimitCORE=0\n\
         LimitNOFILE=65536\n\
         OOMScoreAdjust=-500\n\
         \n\
         ProtectSystem=strict\n\
         ReadWritePaths={data}\n\
         ProtectHome={home}\n\
         PrivateTmp=yes\n\
         PrivateDevices=yes\n\
         ProtectClock=yes\n\
         ProtectHostname=yes\n\
         ProtectControlGroups=yes\n\
         ProtectKernelLogs=yes\n\
         ProtectKernelModules=yes\n\
         ProtectKernelTunables=yes\n\
         ProtectProc=invisible\n\
         NoNewPrivileges=yes\n\
         CapabilityBoundingSet={capability}\n\
         AmbientCapabilities={capability}\n\
         RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n\
         RestrictNamespaces=yes\n\
         RestrictRealtime=yes\n\
         RestrictSUIDSGID=yes\n\
         RemoveIPC=yes\n\
         LockPersonality=yes\n\
         MemoryDenyWriteExecute=yes\n\
         SystemCallArchitectures=native\n\
         SystemCallFilter=@system-service\n\
         SystemCallFilter=~@privileged @resources\n\
         SystemCallErrorNumber=EPERM\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    ))
}

/// A path as a unit file takes it. What systemd would read as something else is refused.
fn quoted(path: &Path) -> Result<String> {
    let text = path
        .to_str()
        .filter(|text| !text.contains(['"', '\\', '\n', '%', '$']))
        .with_context(|| {
            format!(
                "{} には、サービスの設定に書けない文字があります。別の場所に置いてください",
                path.display()
            )
        })?;
    Ok(format!("\"{text}\""))
}

fn is_root() -> Result<bool> {
    let uid = fs::metadata("/proc/self").context("/proc がありません")?.uid();
    Ok(uid == 0)
}

/// Puts the program where only the system's administrator can change it. True where it was not there like this.
fn put_program(from: &Path, to: &Path) -> Result<bool> {
    let bytes = fs::read(from).with_context(|| format!("{} を読めません", from.display()))?;
    let new = put(to, &bytes)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(new)
}

/// Writes a file where it is missing or different.
fn put(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(false);
    }
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).with_context(|| format!("{} を作れません", dir.display()))?;
    }
    write_durably(path, bytes)?;
    Ok(true)
}

fn told(what: &str, path: &Path, new: bool) {
    if new {
        say!("○ {what}: {}", path.display());
    } else {
        say!("＝ {what}: {}（もうそのとおりです）", path.display());
    }
}

/// The account, made where there is none. True where it was made.
fn account(data: &Path) -> Result<bool> {
    if ids()?.is_some() {
        return Ok(false);
    }
    let mut command = Command::new("useradd");
    command.args([
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        "--home-dir",
    ]);
    let done = command.arg(data).arg(NAME).status().context("useradd がありません")?;
    if !done.success() {
        bail!("利用者 {NAME} を作れません（useradd: {done}）。サービスはまだ入っていません");
    }
    Ok(true)
}

/// The account's numbers.
fn ids() -> Result<Option<(u32, u32)>> {
    let passwd = fs::read_to_string("/etc/passwd").context("/etc/passwd を読めません")?;
    let entry = passwd.lines().find(|line| line.split(':').next() == Some(NAME));
    Ok(entry.and_then(|line| {
        let mut numbers = line.split(':').skip(2).map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    }))
}

/// The data become the account's own; the configuration it may read, and not write.
fn hand_over(plan: &Plan) -> Result<()> {
    let (user, group) = ids()?.with_context(|| format!("利用者 {NAME} が見つかりません"))?;
    fs::create_dir_all(&plan.data).with_context(|| format!("{} を作れません", plan.data.display()))?;
    owned(&plan.data, user, group).with_context(|| format!("{} の持ち主を変えられません", plan.data.display()))?;
    fs::set_permissions(&plan.data, fs::Permissions::from_mode(0o700))?;
    chown(&plan.config, None, Some(group))?;
    fs::set_permissions(&plan.config, fs::Permissions::from_mode(0o640))?;
    Ok(())
}

fn owned(path: &Path, user: u32, group: u32) -> std::io::Result<()> {
    // Links are not followed: what they lead to is not ours to give away.
    let kind = fs::symlink_metadata(path)?.file_type();
    std::os::unix::fs::lchown(path, Some(user), Some(group))?;
    if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            owned(&entry?.path(), user, group)?;
        }
    }
    Ok(())
}

fn systemctl(arguments: &[&str]) -> Result<()> {
    let said = Command::new("systemctl")
        .args(arguments)
        .output()
        .context("systemctl がありません。systemd の動く端末で実行してください")?;
    if !said.status.success() {
        bail!(
            "systemctl {} ができません: {}\nここまでの変更は残っています。直してから、もう一度実行してください",
            arguments.join(" "),
            String::from_utf8_lossy(&said.stderr).trim()
        );
    }
    Ok(())
}
