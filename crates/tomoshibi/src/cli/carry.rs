//! `tomoshibi carry`: records onto a stick and from a stick, where no screen is at hand.
//!
//! Writing works while the station runs; taking in needs it stopped, because one program at a time writes a station's records. The
//! screen S74 does both on a running one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use chart::StationCode;
use downtime::audit::{Deed, Method};
use downtime::carry::{CarryFault, Hands, Holder, Progress, Taken, Wish, Written};
use downtime::stations::Stock;
use serde_json::json;
use vault::files::Disk;

use super::{ConfigArg, LOOK};
use crate::home::{self, Home};
use crate::{carrying, clock, progress, sticks, trail};

/// Carries records, receipts and the sealed snapshot by hand, on a stick.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  tomoshibi carry out --to /media/ward/TMB-3E          # on the ward that is alone\n  tomoshibi carry in --from /media/hub/TMB-3E          # on the hub; writes the receipt for the way back\n  tomoshibi carry in --from /media/ward/TMB-3E         # on the ward again: elsewhere too\n  tomoshibi carry list\n\nExit codes: 0 done, 1 nothing was carried, 3 done, but something was left out."
)]
pub struct Carry {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Writes what others lack onto a stick, and reads it back.
    Out {
        /// Folder of the stick.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Code of the station it is for: what it is known to hold is left out. Otherwise the hub.
        #[arg(long = "for", value_name = "CODE")]
        addressee: Option<String>,
        /// The sealed snapshot goes along.
        #[arg(long)]
        with_snapshot: bool,
        /// Overwrites a pack that cannot be taken in.
        #[arg(long)]
        replace: bool,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Takes in what lies on a stick, and writes the receipt for the way back.
    In {
        /// Folder of the stick.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Writes nothing onto the stick.
        #[arg(long)]
        no_receipt: bool,
        /// One JSON object instead of words.
        #[arg(long)]
        json: bool,
    },
    /// Lists sticks, what lies on them, and the packs on their way.
    List,
}

impl Carry {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing was carried: why, and that nothing was lost.
    pub fn run(&self) -> Result<ExitCode> {
        let config = self.config.read()?;
        let home = Home::open(&config)?;
        match &self.action {
            Action::Out {
                to,
                addressee,
                with_snapshot,
                replace,
                json,
            } => {
                let wish = Want {
                    to: parse(addressee.as_deref())?,
                    snapshot: *with_snapshot,
                    replace: *replace,
                };
                out(&home, to, &wish, *json)
            }
            Action::In { from, no_receipt, json } => {
                let station = carrying::station(&config, &home)?;
                take(&home, &station, from, !no_receipt, *json)
            }
            Action::List => list(&config, &home),
        }
    }
}

struct Want {
    to: Option<StationCode>,
    snapshot: bool,
    replace: bool,
}

fn parse(code: Option<&str>) -> Result<Option<StationCode>> {
    let parse = |code: &str| StationCode::parse(code).context("--for は端末の英大文字と数字の3文字です");
    code.map(parse).transpose()
}

fn hands<'h>(progress: &'h mut Progress<'h>) -> Hands<'h> {
    Hands {
        now: clock::now(),
        elapsed: &clock::running,
        progress,
    }
}

fn note(home: &Home, deed: Deed, detail: String) -> Result<()> {
    let by = chart::Author {
        user: "carry".to_owned(),
        name: "コマンド".to_owned(),
        role: String::new(),
    };
    let mut sighting = trail::sighting(home, &by, Method::Program, deed);
    sighting.detail = detail;
    trail::write(home, vec![sighting])
}

fn out(home: &Home, to: &std::path::Path, want: &Want, json: bool) -> Result<ExitCode> {
    let carrying = carrying::of(home)?;
    let stock = Stock::read(&Disk, &home.data, &home.roster, home.code)?;
    let shelf = if want.snapshot { Some(home.shelf()?) } else { None };
    let shelved = shelf.as_ref().and_then(downtime::shelf::Shelf::current);
    if want.snapshot && shelved.is_none() {
        anyhow::bail!("棚に開ける封印済みデータがありません。何も書いていません");
    }
    let stick = sticks::one(to);
    note(
        home,
        Deed::Exported,
        format!("USBへ書き込む: {}（封印されたまま）", stick.name.label),
    )?;
    let bar = progress::bar("書き込み", json);
    let wish = Wish {
        snapshot: shelved.as_deref(),
        to: want.to,
        answers: None,
        replace: want.replace,
    };
    let mut show = |done: u64, all: u64| progress::show(&bar, done, all.max(done));
    let written = carrying.write(to, &stick.name, &Holder::Files(&stock), wish, &mut hands(&mut show));
    bar.finish_and_clear();
    let written = written.map_err(|fault| anyhow::anyhow!(in_words(&fault)))?;
    if json {
        say!(
            "{}",
            json!({"serial": written.header.serial, "records": written.header.records, "bytes": written.bytes, "more": written.header.more, "verified": true})
        );
    } else {
        written_in_words(&written);
    }
    Ok(ExitCode::SUCCESS)
}

fn written_in_words(written: &Written) {
    say!(
        "{} 件（{} バイト）を書き込み、USBメモリから読み返して確かめました。抜いてもかまいません / OK to unplug",
        written.header.records,
        written.bytes
    );
    if written.header.more {
        say!("  一度に入りきりません。受領が戻ったら、続きを書き込んでください");
    }
}

fn take(
    home: &Home,
    station: &std::sync::Arc<downtime::stations::Station>,
    from: &std::path::Path,
    answer: bool,
    json: bool,
) -> Result<ExitCode> {
    let carrying = carrying::of(home)?;
    let stick = sticks::one(from);
    note(home, Deed::Maintained, format!("USBから受け取る: {}", stick.name.label))?;
    let mut install = |bytes: &mut dyn std::io::Read| {
        let (_, destroyed) = station.shelf().receive(bytes).map_err(|fault| fault.to_string())?;
        let log = destroyed.map(|record| {
            home::log(
                &home.data,
                "destroyed.log",
                &format!("{} {record:?}", station.now().text()),
            )
        });
        log.transpose().map(|_| ()).map_err(|fault| format!("{fault:#}"))
    };
    let bar = progress::bar("受け取り", json);
    let mut show = |done: u64, all: u64| progress::show(&bar, done, all.max(done));
    let taken = carrying.take(from, station, &mut install, &mut hands(&mut show));
    bar.finish_and_clear();
    let taken = taken.map_err(|fault| anyhow::anyhow!(in_words(&fault)))?;
    let written = if answer && taken.from != home.code && !stick.read_only {
        let wish = Wish {
            to: Some(taken.from),
            answers: Some(taken.answer()),
            ..Wish::default()
        };
        let mut quiet = |_: u64, _: u64| ();
        let written = carrying.write(
            from,
            &stick.name,
            &Holder::Running(station),
            wish,
            &mut hands(&mut quiet),
        );
        Some(
            written
                .map_err(|fault| anyhow::anyhow!("受け取りましたが、受領を書けませんでした。{}", in_words(&fault)))?,
        )
    } else {
        None
    };
    if json {
        let snapshot = taken.snapshot.as_ref().and_then(|done| done.as_ref().ok());
        say!(
            "{}",
            json!({"from": taken.from.to_string(), "new": taken.new, "known": taken.known, "refused": taken.refused, "older": taken.older, "confirmed": taken.confirmed.len(), "snapshot": snapshot, "receipt": written.is_some()})
        );
    } else {
        taken_in_words(&taken);
        if let Some(written) = &written {
            say!("受領を書きました。元の端末へ持って帰り、そこでも受け取ってください");
            written_in_words(written);
        }
    }
    let whole = taken.refused == 0 && !matches!(taken.snapshot, Some(Err(_)));
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(LOOK) })
}

fn taken_in_words(taken: &Taken) {
    say!(
        "端末 {} から、新しい {} 件を受け取りました（{} 件は前から持っていました）",
        taken.from,
        taken.new,
        taken.known
    );
    if taken.older {
        say!("  前に受け取ったものより古いものです。新しいものは何も消えていません");
    }
    if taken.refused > 0 {
        say!(
            "★ {} 件は、この病院の端末の署名がなく、受け取っていません",
            taken.refused
        );
    }
    if taken.retired {
        say!("★ 端末 {} は名簿から外されています。受領としては数えません", taken.from);
    }
    if !taken.confirmed.is_empty() {
        say!("  受領が戻りました。運んだ記録は、ほかの端末にもあります");
    }
    match &taken.snapshot {
        Some(Ok(epoch)) => say!("  封印済みデータ epoch {epoch} を使い始めました"),
        Some(Err(why)) => say!("★ 封印済みデータは使っていません: {why}"),
        None => {}
    }
}

fn list(config: &crate::config::Config, home: &Home) -> Result<ExitCode> {
    let carrying = carrying::of(home)?;
    let found = sticks::find(&carrying::folders(config));
    for stick in &found {
        let lies = match carrying.look(&stick.dir) {
            Ok(seen) => format!(
                "端末 {} の {} 件（{}）",
                seen.from,
                seen.header.records,
                seen.header.made.text()
            ),
            Err(fault) => in_words(&fault),
        };
        say!("{} {}  {}", stick.dir.display(), stick.name.serial, lies);
    }
    if found.is_empty() {
        say!("USBメモリが見つかりません。ほかの場所にあるなら、設定の [carry] folders に書いてください");
    }
    for out in carrying.register()?.out.iter().rev() {
        let state = match out.confirmed {
            Some(confirmed) => format!("端末 {} にもあります（{} 受領）", confirmed.by, confirmed.at.text()),
            None => "受領がまだ戻っていません".to_owned(),
        };
        say!(
            "{}  {} 件 → {} {}  {state}",
            out.at.text(),
            out.records,
            out.stick.label,
            out.stick.serial
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// A refusal for the person at the keyboard: what happened, what is true now, what to do.
fn in_words(fault: &CarryFault) -> String {
    match fault {
        CarryFault::NoStick(dir) => format!("{dir} を読めません。何も変わっていません。USBメモリを差し直してください"),
        CarryFault::Nothing => "このUSBメモリには、運ぶものが入っていません。何も変わっていません".to_owned(),
        CarryFault::NotAFile => {
            "運ぶものの名前が、フォルダかリンクに付いています。開いていません。このUSBメモリは使わないでください"
                .to_owned()
        }
        CarryFault::NotAPack => {
            "入っているのは、運ぶための形のファイルではありません。何も受け取っていません".to_owned()
        }
        CarryFault::Truncated => {
            "途中で切れているか、余分なものが付いています。何も受け取っていません。元の端末でもう一度書き込んでください"
                .to_owned()
        }
        CarryFault::Newer => {
            "新しい版のプログラムが書いたものです。何も受け取っていません。この端末を新しくしてください".to_owned()
        }
        CarryFault::OtherHospital => "別の病院のものです。何も受け取っていません".to_owned(),
        CarryFault::UnknownStation => {
            "この端末が知らない端末のものです。何も受け取っていません。先に登録してください".to_owned()
        }
        CarryFault::Forged => {
            "名乗っている端末の署名がありません。何も受け取っていません。このUSBメモリは使わないでください".to_owned()
        }
        CarryFault::Damaged(n) => {
            format!("{n} 番目の部分が壊れています。その前までは受け取りました。元の端末でもう一度書き込んでください")
        }
        CarryFault::TooSlow => {
            "USBメモリが遅すぎるか、壊れかけています。読めた分は受け取りました。別のものを使ってください".to_owned()
        }
        CarryFault::Stick(why) => {
            format!("USBメモリを読み書きできません（{why}）。前から入っていたものは、そのままです")
        }
        CarryFault::Full => "USBメモリに空きがありません。前から入っていたものは、そのままです".to_owned(),
        CarryFault::ReadBack => {
            "★ 書いたものと、読み返したものが違います。運ばないでください。このUSBメモリは壊れています".to_owned()
        }
        CarryFault::Occupied(why) => format!(
            "受け取れないものが入っているので、書き込んでいません（{}）。消してよければ --replace を付けてください",
            in_words(why)
        ),
        CarryFault::NotTakenIn(code) => {
            format!("端末 {code} のものが入っています。先に `tomoshibi carry in` で受け取ってください。消していません")
        }
        CarryFault::NoCode | CarryFault::CodeMisread(_) | CarryFault::CodesMissing(..) => {
            format!("コードを読み取れません（{fault}）")
        }
        CarryFault::NotSaved(why) => {
            format!("この端末に保存できませんでした（{why}）。USBメモリの中身は、そのままです")
        }
        CarryFault::Roster(why) => format!("名簿に問題があります: {why}"),
    }
}
