//! `tomoshibi doctor`: what this station is, what it has, and what would go wrong.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;

use super::{ConfigArg, LOOK};
use crate::clock;
use crate::config::Config;
use crate::config::source::SourceSettings;
use crate::config::sql::SqlSettings;
use crate::home::Home;

/// Explains the effective configuration and checks keys, shelf, journal, export and ports.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi doctor -c /srv/tomoshibi/tomoshibi.toml\n\nExit codes: 0 all well, 3 something needs a look."
)]
pub struct Doctor {
    #[command(flatten)]
    config: ConfigArg,
    /// One JSON object instead of words.
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
struct Check {
    what: &'static str,
    ok: bool,
    found: String,
}

impl Doctor {
    /// Runs the command.
    ///
    /// # Errors
    /// When the configuration itself cannot be read.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let checks = checks(&config);
        let well = checks.iter().all(|c| c.ok);
        if self.json {
            let list: Vec<_> = checks
                .iter()
                .map(|c| json!({"what": c.what, "ok": c.ok, "found": c.found}))
                .collect();
            say!("{}", json!({"well": well, "checks": list}));
        } else {
            say!("設定 {}", self.config.config.display());
            say!("{config:#?}");
            for check in &checks {
                say!("{} {}: {}", if check.ok { "○" } else { "×" }, check.what, check.found);
            }
        }
        Ok(if well { ExitCode::SUCCESS } else { ExitCode::from(LOOK) })
    }
}

/// What is watched, by name.
fn watching(config: &Config) -> Result<String> {
    let probes = config.probes()?;
    let named: Vec<String> = probes
        .iter()
        .map(|probe| {
            format!(
                "{}（{}、{}秒ごと）",
                probe.name,
                probe.what.word(),
                probe.every.as_secs()
            )
        })
        .collect();
    let named = named.join("、");
    match &config.station.hub {
        Some(hub) => Ok(format!("hub {hub} から聞きます　{named}").trim_end().to_owned()),
        None if probes.iter().any(|probe| probe.what.is_ehr()) => Ok(named),
        None => Err(anyhow::anyhow!(
            "電子カルテを見る [[probe]] も [ehr] probe_tcp もありません。画面は「通常」と言えません"
        )),
    }
}

fn checks(config: &Config) -> Vec<Check> {
    let mut out = Vec::new();
    let mut put = |what, outcome: Result<String>| {
        let (ok, found) = match outcome {
            Ok(found) => (true, found),
            Err(fault) => (false, format!("{fault:#}")),
        };
        out.push(Check { what, ok, found });
    };
    let home = Home::open(config);
    put(
        "鍵と名簿",
        home.as_ref()
            .map(|h| {
                format!(
                    "端末 {}、利用者 {} 人、端末 {} 台",
                    h.code,
                    h.roster.users.len(),
                    h.roster.stations.len()
                )
            })
            .map_err(|e| anyhow::anyhow!("{e:#}")),
    );
    put("サインイン", Ok(sign_in(config)));
    #[cfg(windows)]
    put("ファイルの権限", crate::protecting::told(&config.data()));
    put("プログラムの更新", crate::updating::state(config));
    if let Ok(home) = &home {
        put("封印済みデータ", snapshot(home));
        put("記録（ジャーナル）", log(home, "journal"));
        put("監査の記録", log(home, "audit"));
        put("監査の記録（コマンド）", log(home, "audit-tools"));
        if !home.roster.users.is_empty() {
            put("緊急封筒", super::envelope::state(home));
            put("復旧鍵", recovery(home));
        }
        put("通信の証明書", super::ca::state(config, home));
        if config.extract.is_some() {
            put("封印鍵", home.sealer().map(|_| "あり".to_owned()));
        }
    }
    if config.extract.is_some() {
        put(
            "対応表と書き出し",
            super::extract::source(config).map(|_| "読めます（中身は tomoshibi map --check）".to_owned()),
        );
    }
    for (name, outcome) in databases(config) {
        put(
            "データベース",
            outcome
                .with_context(|| name.clone())
                .map(|found| format!("{name}: {found}")),
        );
    }
    put("電子カルテの監視", watching(config));
    if config.forms.dir.is_some() {
        put("病院の帳票", super::own_forms::state(config));
    }
    put(
        "印刷",
        crate::serving::press(config)
            .and_then(|p| Ok(format!("帳票 {} 種、{}", p.forms().iter().count(), route(config)?))),
    );
    if let Ok(home) = &home {
        put("印刷パック", crate::packs::state(config, home));
    }
    put("検査・処置の一覧", order_lists(config));
    put(
        "QRコード（処方箋、お薬手帳）",
        config.forms.symbols().map(|symbols| {
            let words = crate::config::symbols::words;
            format!("{}、{}", words(symbols.rx), words(symbols.notebook))
        }),
    );
    out
}

/// Every database that is asked: whether it lets us in, its clock, and what its account may do beyond reading.
fn databases(config: &Config) -> Vec<(String, Result<String>)> {
    let sources = config.extract.iter().filter_map(|extract| extract.all_sources().ok());
    sources
        .flatten()
        .filter_map(|source| match source {
            SourceSettings::Sql(sql) => Some((sql.name.clone(), database(config, &sql))),
            _ => None,
        })
        .collect()
}

/// Farther apart than this, nobody can say how old the data is, in seconds.
const CLOCKS_APART: u64 = 120;

fn database(config: &Config, sql: &SqlSettings) -> Result<String> {
    let database = sql.database(config)?;
    let session = database.open()?;
    let mut found = vec!["接続できました。読み取り専用です".to_owned()];
    let mut wrong: Vec<String> = session.remarks().iter().map(chart::Finding::text).collect();
    match session.now() {
        Some(theirs) => {
            let apart = clock::now().0.abs_diff(theirs.0);
            let told = format!("時計の差 {apart} 秒");
            if apart > CLOCKS_APART {
                wrong.push(format!("{told}。この端末かデータベースの時計を合わせてください"));
            } else {
                found.push(told);
            }
        }
        None => found.push("サーバの時計は分かりません".to_owned()),
    }
    if wrong.is_empty() {
        Ok(found.join("、"))
    } else {
        anyhow::bail!("{}", wrong.join("。"))
    }
}

fn order_lists(config: &Config) -> Result<String> {
    let lists = config.order_lists()?.summary();
    Ok(match &config.orders.lists {
        Some(file) => format!("{}（{lists}）", config.path(file).display()),
        None => format!("備え付けの一覧（{lists}）。病院のものは [orders] lists に書きます"),
    })
}

/// Which way sheets go to paper here.
fn route(config: &Config) -> Result<String> {
    let names: Vec<String> = config.printers()?.into_iter().map(|printer| printer.name).collect();
    Ok(match (names.is_empty(), config.station.kiosk_printing) {
        (false, _) => format!("プリンタへ直接（{}）", names.join("、")),
        (true, true) => "ブラウザーから、確認なしで（kiosk_printing = true）".to_owned(),
        (true, false) => "ブラウザーの印刷画面から".to_owned(),
    })
}

fn snapshot(home: &Home) -> Result<String> {
    let shelf = home.shelf()?;
    let Some(shelved) = shelf.current() else {
        anyhow::bail!("まだありません。`tomoshibi extract` を実行してください")
    };
    let state = shelved.state();
    let text = format!(
        "epoch {}、対象日 {}、{} 人、データ時点 {}",
        state.epoch,
        state.day,
        state.charts,
        state.as_of.oldest().text()
    );
    if state.has_run_out(clock::now()) {
        anyhow::bail!("{text}。期限（{}）を過ぎています", state.fresh_until.text());
    }
    Ok(text)
}

fn sign_in(config: &Config) -> String {
    let days = config.identity.review_days;
    if config.identity.password_alone {
        format!(
            "パスワードだけ（15文字以上）の利用者も認めています（[identity] password_alone = true）。見直しは {days} 日ごと"
        )
    } else {
        format!("継続バッジとパスワードだけ。見直しは {days} 日ごと")
    }
}

fn recovery(home: &Home) -> Result<String> {
    if home.roster.recovery()?.is_none() {
        anyhow::bail!(
            "まだありません。`tomoshibi recovery split` で作ってください（鍵をすべて失うと、何も開けなくなります）"
        );
    }
    for file in ["recovery.boxes", "recovery.wraps"] {
        if !home.data.join(file).exists() {
            anyhow::bail!("data/{file} がありません。写しを戻すか、作り直してください");
        }
    }
    Ok("あり（5枚のうち3枚で開く）".to_owned())
}

fn log(home: &Home, dir: &str) -> Result<String> {
    let (hospital, id) = (home.roster.hospital(), home.roster.station_id(home.code));
    let walk = vault::journal::read_journal(
        &vault::files::Disk,
        &home.data.join(dir),
        &hospital,
        &id,
        &home.secret.public(),
    )?;
    if walk.damage.is_empty() {
        Ok(format!("{} 件、連続しています", walk.records.len()))
    } else {
        anyhow::bail!(
            "{} 件、書かれたとおりでない場所が {} か所あります（消えてはいません）。docs/operating/journal.md を見てください",
            walk.records.len(),
            walk.damage.len()
        )
    }
}
