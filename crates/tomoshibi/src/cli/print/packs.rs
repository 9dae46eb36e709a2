//! `tomoshibi print packs`: the table of S71 in words, from the disk. Nobody signs in and nothing is opened: it names no patient.

use anyhow::Result;
use downtime::packs::Kind;
use serde_json::{Value, json};

use crate::config::Config;
use crate::home::Home;
use crate::packs::{Seen, look};

/// Says what there is; true when somebody must look.
///
/// # Errors
/// When there is no snapshot, or the disk cannot be read.
pub fn run(config: &Config, home: &Home, json: bool) -> Result<bool> {
    let (epoch, seen, wrong) = look(config, home)?;
    if json {
        let packs: Vec<Value> = seen.iter().map(as_json).collect();
        say!("{}", json!({"epoch": epoch, "packs": packs, "wrong": wrong}));
        return Ok(!wrong.is_empty());
    }
    say!("印刷パック　第{epoch}号");
    for one in &seen {
        say!("{}", words(one));
    }
    let pages: u32 = seen.iter().map(|one| one.pages).sum();
    say!("合計 {pages} 枚　印刷は画面「印刷パック」で（tomoshibi print pack でも作れます）");
    wrong.iter().for_each(|line| say!("★ {line}"));
    Ok(!wrong.is_empty())
}

/// 循環器内科　78 枚　約 3 分　1階受付　作成 00:12　印刷済み …
fn words(one: &Seen) -> String {
    let state = match &one.released {
        Some((at, name, to)) => format!("印刷済み {} {name}（{to}）", at.text()),
        None if one.spoiled > 0 => format!("できています（▲ {} 枚に注意）", one.spoiled),
        None => "できています".to_owned(),
    };
    format!(
        "{}　{} 枚　約 {} 分　{}　作成 {}　{state}",
        one.label,
        one.pages,
        one.minutes,
        one.printers.join("・"),
        one.made.text()
    )
}

fn as_json(one: &Seen) -> Value {
    let kind = match one.kind {
        Kind::Department => "department",
        Kind::Ward => "ward",
    };
    let released = one.released.as_ref();
    json!({"kind": kind, "code": one.code, "label": one.label, "pages": one.pages, "minutes": one.minutes, "printers": one.printers, "made": one.made.iso(), "spoiled": one.spoiled, "released": released.map(|(at, name, to)| json!({"at": at.iso(), "name": name, "to": to}))})
}
