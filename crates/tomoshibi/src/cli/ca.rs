//! `tomoshibi ca`: the hospital's own certificate authority. Its root lies in a safe; the hub's key makes certificates from day to day.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use chart::Moment;
use downtime::audit::Deed;
use downtime::identity::password::judge;
use serde_json::json;
use sha2::{Digest, Sha256};
use vault::slot::SlotCost;
use wire::hospital::{MOST_AUTHORITIES, lifetime};
use wire::tls::Trust;

use super::person::{SponsorArgs, officer};
use super::{ConfigArg, password};
use crate::authority::{ISSUING_DAYS, Issuing, ROOT_DAYS, RootFile, Scope, TELL_DAYS};
use crate::config::Config;
use crate::home::{Home, write_durably};
use crate::server_tls::{Identity, Shown, pem};
use crate::{clock, secrets, trail};

mod paper;

/// Makes and renews the hospital's own certificates.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  (on the hub, once)     tomoshibi ca new --out /media/usb1/ca --domain hospital.example.jp --by 9001\n  (for browsers)         tomoshibi ca show --out /tmp/ca\n  (once a year)          tomoshibi ca renew --root /media/usb1/ca/tomoshibi-root.ca --by 9001\n  (an authority exists)  tomoshibi ca use --certificate hospital-ca.pem --by 9001\n\nStep by step: docs/operating/certificates.md. Exit codes: 0 done, 1 nothing was changed, 3 something ends soon."
)]
pub struct Ca {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// On the hub: makes the root (for the safe) and the hub's own key. From then on certificates renew themselves.
    New {
        /// New directory for the root, on a stick that goes into the safe.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Names that it may vouch for besides those of `station.names` and names that mean something inside a building only.
        #[arg(long, value_name = "DOMAIN")]
        domain: Vec<String>,
        /// Networks that it may vouch for besides private ones.
        #[arg(long, value_name = "CIDR")]
        network: Vec<String>,
        /// File whose first line is the passphrase of the root; asked when absent. 15 characters or more.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        /// In the place of the authority there is. Stations believe both from then on; browsers must be given the new certificate.
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// On the hub, once a year: makes the hub's key anew with the root from the safe. Browsers notice nothing.
    Renew {
        /// The root's file.
        #[arg(long, value_name = "FILE")]
        root: PathBuf,
        /// File whose first line is the passphrase of the root; asked when absent.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// On the hub: stations believe this authority of the hospital's own from the next sealing on.
    Use {
        /// PEM file of the authority.
        #[arg(long, value_name = "FILE")]
        certificate: PathBuf,
        /// In the place of those there are, not beside them.
        #[arg(long)]
        replace: bool,
        #[command(flatten)]
        by: SponsorArgs,
    },
    /// What there is and until when; writes the certificate for browsers, and a page with its fingerprint.
    Show {
        /// Directory for `tomoshibi-ca.crt`, `.cer` and `.html`.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

impl Ca {
    /// Runs the command.
    ///
    /// # Errors
    /// When a file cannot be read or written, or the passphrase does not open the root.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        match &self.action {
            Action::New {
                out,
                domain,
                network,
                passphrase_file,
                replace,
                by,
            } => {
                let plan = New {
                    out,
                    domains: domain,
                    networks: network,
                    passphrase_file: passphrase_file.as_ref(),
                    replace: *replace,
                };
                new(&config, &plan, by)
            }
            Action::Renew {
                root,
                passphrase_file,
                by,
            } => renew(&config, root, passphrase_file.as_ref(), by),
            Action::Use {
                certificate,
                replace,
                by,
            } => use_other(&config, certificate, *replace, by),
            Action::Show { out, json } => show(&config, out.as_deref(), *json),
        }
    }
}

struct New<'a> {
    out: &'a Path,
    domains: &'a [String],
    networks: &'a [String],
    passphrase_file: Option<&'a PathBuf>,
    replace: bool,
}

fn new(config: &Config, plan: &New<'_>, by: &SponsorArgs) -> Result<ExitCode> {
    ensure!(
        config.station.hub.is_none(),
        "認証局は hub で作ります（この端末の設定には station.hub があります）。何も作っていません"
    );
    let names = &config.station.names;
    ensure!(
        !names.is_empty(),
        "[station] に names = [\"hub.example.jp\", \"10.0.0.2\"] の形で、この hub の名前と番号を書いてから実行してください。何も作っていません"
    );
    let mut home = Home::open(config)?;
    let there = Issuing::read(&home.data)?;
    if there.is_some() && !plan.replace {
        bail!(
            "認証局はもうあります（tomoshibi ca show）。期限の更新は `ca renew` です。作り直すときだけ --replace を付けます。何も変えていません"
        );
    }
    ensure!(
        !plan.out.exists(),
        "{} はもうあります。新しいフォルダを指定してください。何も作っていません",
        plan.out.display()
    );
    let own: Vec<String> = names
        .iter()
        .filter(|name| name.parse::<std::net::IpAddr>().is_err())
        .cloned()
        .collect();
    let wide: Vec<String> = own.iter().chain(plan.domains).cloned().collect();
    let mut networks = plan.networks.to_vec();
    let scope = Scope::new(&wide, &networks)?;
    for name in names.iter().filter(|name| !scope.covers(name)) {
        // An address of its own outside the private networks: that one and no other.
        networks.push(format!("{name}/{}", if name.contains(':') { 128 } else { 32 }));
    }
    let scope = Scope::new(&wide, &networks)?;
    let acting = officer(&home, by)?;
    let passphrase = password::read(plan.passphrase_file, "ルートの鍵の新しい合言葉（15文字以上）")?;
    judge(&passphrase, false, &[&home.roster.name])?;
    let now = clock::now();
    let (hospital, name) = (home.roster.hospital(), home.roster.name.clone());
    let root = RootFile::new(hospital, &name, scope.clone(), &passphrase, SlotCost::STANDARD, now)?;
    let issuing = root.issuing(&passphrase, now)?;
    fs::create_dir_all(plan.out).with_context(|| format!("{} を作れません", plan.out.display()))?;
    let file = plan.out.join("tomoshibi-root.ca");
    secrets::write(&file, &root.to_bytes()?)?;
    // Read back and opened: what lies in the safe must open in a year.
    RootFile::read(&file)?
        .issuing(&passphrase, now)
        .context("書いたルートの鍵を読み戻せません。媒体を替えてください")?;
    let mut sighting = acting.sighting(&home, Deed::Configured);
    sighting.detail = format!("認証局を作る {}", fingerprint(root.certificate()));
    trail::write(&home, vec![sighting])?;
    let mut authorities = vec![root.certificate().to_vec()];
    authorities.extend(home.roster.authorities());
    authorities.truncate(MOST_AUTHORITIES);
    home.roster.set_authorities(&authorities);
    home.save_roster()?;
    issuing.write(&home.data)?;
    say!("認証局を作りました。証明できる範囲: {scope}");
    say!("  指紋 SHA-256: {}", fingerprint(root.certificate()));
    say!("  ルート（{ROOT_DAYS}日）: {}", file.display());
    say!(
        "  hub の署名の鍵（{ISSUING_DAYS}日）: この hub の中。{} までに `tomoshibi ca renew`",
        issuing.until().text()
    );
    say!("次にすること:");
    say!(
        "  1. {} を別の媒体にもう1つ写し、2つを別々の金庫へ。合言葉は紙に書いて別の場所へ。この PC には残さない",
        plan.out.display()
    );
    say!("  2. tomoshibi extract（端末に、この認証局が伝わります）");
    say!("  3. tomoshibi ca show --out DIR（ブラウザーに入れる証明書と、指紋の紙）");
    say!(
        "  4. 端末の設定の hub を https:// に変える。すべて変えたら plain = true を消す（docs/operating/certificates.md）"
    );
    Ok(ExitCode::SUCCESS)
}

fn renew(config: &Config, root: &Path, passphrase: Option<&PathBuf>, by: &SponsorArgs) -> Result<ExitCode> {
    let home = Home::open(config)?;
    let file = RootFile::read(root)?;
    ensure!(
        file.hospital() == home.roster.hospital(),
        "{} は別の病院のルートです。何も変えていません",
        root.display()
    );
    ensure!(
        home.roster
            .authorities()
            .iter()
            .any(|known| known == file.certificate()),
        "このルートは名簿にありません（`ca new --replace` で新しいものに替えていませんか）。何も変えていません"
    );
    let acting = officer(&home, by)?;
    let passphrase = password::read(passphrase, "ルートの鍵の合言葉")?;
    let issuing = file.issuing(&passphrase, clock::now())?;
    let mut sighting = acting.sighting(&home, Deed::Configured);
    sighting.detail = "証明書を作る鍵を更新".to_owned();
    trail::write(&home, vec![sighting])?;
    issuing.write(&home.data)?;
    say!(
        "hub の署名の鍵を更新しました。期限 {}。この hub の証明書は数秒のうちに替わり、端末の証明書は次の更新で替わります",
        issuing.until().text()
    );
    say!("ルートの媒体を外して、金庫に戻してください");
    Ok(ExitCode::SUCCESS)
}

fn use_other(config: &Config, certificate: &Path, replace: bool, by: &SponsorArgs) -> Result<ExitCode> {
    let mut home = Home::open(config)?;
    let Trust::Authority(found) = Trust::authority(certificate)? else {
        bail!("{} は認証局の証明書ではありません", certificate.display());
    };
    let acting = officer(&home, by)?;
    let before = if replace { Vec::new() } else { home.roster.authorities() };
    let mut authorities = found.clone();
    authorities.extend(before.into_iter().filter(|known| !found.contains(known)));
    ensure!(
        authorities.len() <= MOST_AUTHORITIES,
        "認証局は {MOST_AUTHORITIES} までです。--replace で古いものを外してください。何も変えていません"
    );
    let mut sighting = acting.sighting(&home, Deed::Configured);
    let first = found.first().map(|der| fingerprint(der)).unwrap_or_default();
    sighting.detail = format!("認証局を信じる {first}");
    trail::write(&home, vec![sighting])?;
    home.roster.set_authorities(&authorities);
    home.save_roster()?;
    say!("次の取り出し（tomoshibi extract）から、端末はこの認証局の証明書を信じます。指紋 {first}");
    Ok(ExitCode::SUCCESS)
}

fn show(config: &Config, out: Option<&Path>, as_json: bool) -> Result<ExitCode> {
    let home = Home::open(config)?;
    let (authorities, issuing) = (home.roster.authorities(), Issuing::read(&home.data)?);
    let shown = match &config.station.tls {
        Some(own) => Some(Shown::of_files(&config.path(&own.certificate), &config.path(&own.key))?),
        None => Identity::read(&home.data)?
            .map(|identity| identity.shown())
            .transpose()?,
    };
    let now = clock::now();
    let moment = |second: u64| Moment(i64::try_from(second).unwrap_or(i64::MAX));
    let until = |der: &[u8]| lifetime(der).map(|(_, until)| moment(until));
    let soon = |at: Moment, days: i64| at.0.saturating_sub(now.0) < days * crate::authority::DAY;
    let late = issuing.as_ref().is_some_and(|issuing| soon(issuing.until(), TELL_DAYS))
        || shown.as_ref().is_some_and(|shown| soon(shown.until, 1));
    if as_json {
        let list: Vec<_> = authorities
            .iter()
            .map(|der| json!({"sha256": fingerprint(der), "until": until(der).map(Moment::text)}))
            .collect();
        say!(
            "{}",
            json!({
                "authorities": list,
                "issuing_until": issuing.as_ref().map(|issuing| issuing.until().text()),
                "certificate_until": shown.as_ref().map(|shown| shown.until.text()),
                "names": config.station.names,
            })
        );
    } else if authorities.is_empty() {
        say!(
            "この病院には認証局がまだありません。hub で `tomoshibi ca new` を実行します（docs/operating/certificates.md）"
        );
    } else {
        for der in &authorities {
            say!("認証局  指紋 SHA-256 {}", fingerprint(der));
            say!(
                "        期限 {}",
                until(der).map_or_else(|| "不明".to_owned(), Moment::text)
            );
        }
        if let Some(issuing) = &issuing {
            say!(
                "hub の署名の鍵  期限 {}（`tomoshibi ca renew` で更新）",
                issuing.until().text()
            );
            say!("証明できる範囲  {}", issuing.scope());
        }
        match &shown {
            Some(shown) => say!(
                "この端末の証明書  {} から {} まで（30日前に自動で更新）",
                shown.from.text(),
                shown.until.text()
            ),
            None => say!("この端末の証明書  まだありません"),
        }
    }
    if let Some(out) = out {
        let newest = authorities.first().context("書き出す認証局がありません")?;
        fs::create_dir_all(out).with_context(|| format!("{} を作れません", out.display()))?;
        write_durably(
            &out.join("tomoshibi-ca.crt"),
            pem(std::slice::from_ref(newest)).as_bytes(),
        )?;
        write_durably(&out.join("tomoshibi-ca.cer"), newest)?;
        let page = paper::page(&paper::About {
            hospital: &home.roster.name,
            fingerprint: &fingerprint(newest),
            until: until(newest),
            names: &config.station.names,
            scope: issuing.as_ref().map(Issuing::scope),
            now,
        })?;
        write_durably(&out.join("tomoshibi-ca.html"), page.as_bytes())?;
        say!(
            "{} に tomoshibi-ca.crt（PEM）、.cer（DER）、.html（指紋の紙）を書きました",
            out.display()
        );
    }
    Ok(if late {
        ExitCode::from(super::LOOK)
    } else {
        ExitCode::SUCCESS
    })
}

/// SHA-256 as browsers show it.
fn fingerprint(der: &[u8]) -> String {
    let bytes: Vec<String> = Sha256::digest(der).iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

/// How the lines of this station are protected, in one sentence.
///
/// # Errors
/// What is wrong with it.
pub fn state(config: &Config, home: &Home) -> Result<String> {
    let station = &config.station;
    ensure!(
        !station.plain,
        "暗号化していない通信を許しています（plain = true）。すべての端末が https:// に替わったら消してください"
    );
    let away = station.peers_listen.is_some()
        || station.hub.as_deref().is_some_and(|hub| hub.starts_with("https"))
        || !station
            .listen
            .parse::<std::net::SocketAddr>()
            .is_ok_and(|at| at.ip().is_loopback());
    let shown = match &station.tls {
        Some(own) => Some(Shown::of_files(&config.path(&own.certificate), &config.path(&own.key))?),
        None => Identity::read(&home.data)?
            .map(|identity| identity.shown())
            .transpose()?,
    };
    let now = clock::now();
    if let Some(issuing) = Issuing::read(&home.data)? {
        let left = issuing.until().0.saturating_sub(now.0) / crate::authority::DAY;
        ensure!(
            left >= TELL_DAYS,
            "証明書を作る鍵の期限まで {left} 日です（{}）。金庫のルートの鍵で `tomoshibi ca renew` を実行してください",
            issuing.until().text()
        );
    }
    match shown {
        Some(shown) if now > shown.until => bail!("この端末の証明書の期限が {} に切れています", shown.until.text()),
        Some(shown) => Ok(format!("あり、{} まで（30日前に自動で更新）", shown.until.text())),
        None if home.roster.authorities().is_empty() && away => {
            bail!("認証局がありません。hub で `tomoshibi ca new` を実行してください（docs/operating/certificates.md）")
        }
        None if station.hub.is_none() && away => {
            bail!("この hub の証明書がまだありません。[station] names を確かめてください")
        }
        None => Ok("この PC の外へ画面を出していないので、証明書は要りません".to_owned()),
    }
}
