//! What a person reads after taking scans in, and the account of the paper.
//!
//! The scanning person sees whose sheets could not be read and whose are still out, never what stands on them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use downtime::scans::{Balance, Page};
use serde_json::json;

use super::Desk;
use super::take_in::{Taken, picture_name, unread_json};
use crate::cli::LOOK;

/// Unread pages and missing sheets listed at most; the rest is counted. 600 charts and slips of one morning fit.
const LISTED: usize = 2_000;

/// The summary of one run.
pub fn taken(desk: &Desk, taken: &[Taken], faults: &[(PathBuf, String)], others: usize, as_json: bool) {
    let fresh = taken.iter().filter(|one| !one.known).count();
    let pages = |new: bool| {
        taken
            .iter()
            .filter(move |one| one.known != new)
            .flat_map(|one| &one.scanned.pages)
    };
    let filed = |new: bool| pages(new).filter(|page| matches!(page, Page::Filed { .. })).count();
    let blank = pages(true).filter(|page| matches!(page, Page::Blank)).count();
    let balance = Balance::draw(&desk.register, &desk.contents);
    let unread: Vec<_> = taken
        .iter()
        .flat_map(|one| (1..).zip(&one.scanned.pages).map(move |(at, page)| (one, at, page)))
        .filter_map(|(one, at, page)| match page {
            Page::Unread { why, .. } if balance.unread.contains(&(one.sha, at)) => Some((one, at, *why)),
            _ => None,
        })
        .collect();
    if as_json {
        let list: Vec<_> = unread
            .iter()
            .map(|(one, at, why)| unread_json(&one.sha, *at, *why, &one.scanned.suggestions(*at, &desk.register)))
            .collect();
        let faults: Vec<_> = faults
            .iter()
            .map(|(path, why)| json!({"file": path, "why": why}))
            .collect();
        say!(
            "{}",
            json!({"files": fresh, "known": taken.len() - fresh, "pages": pages(true).count(), "filed": filed(true), "blank": blank, "unread": list, "faults": faults, "others": others, "missing": balance.missing.len()})
        );
        return;
    }
    say!(
        "取り込んだファイル {fresh}（{} ページ） 綴じたページ {}",
        pages(true).count(),
        filed(true)
    );
    if blank > 0 {
        say!("白紙のページ {blank}（何も書かれていない裏。確認は要りません）");
    }
    if fresh < taken.len() {
        say!(
            "すでに取り込み済みのファイル {}（中身が同じです。元の記録のままです）",
            taken.len() - fresh
        );
    }
    if others > 0 {
        say!("スキャンではないファイル {others}（そのままです）");
    }
    for (path, why) in faults {
        say!("★ {}: {why}", path.display());
    }
    for one in taken.iter().filter(|one| !one.scanned.fault.is_empty()) {
        say!(
            "★ {}: {}（{} ページまで読みました）",
            one.path.display(),
            one.scanned.fault,
            one.scanned.pages.len()
        );
    }
    if !unread.is_empty() {
        say!("★ 人が確認するページ {}", unread.len());
    }
    for (one, at, why) in unread.iter().take(LISTED) {
        say!(
            "  {} {at} ページ目: {}  [{}]",
            one.path.display(),
            why.words(),
            picture_name(&one.sha, *at)
        );
        for (sheet, page) in one.scanned.suggestions(*at, &desk.register).iter().take(3) {
            let page = page.map(|page| format!(" の {page} ページ目")).unwrap_or_default();
            say!("    候補: {}{page}", desk.words(sheet));
        }
    }
    if !unread.is_empty() {
        say!(
            "  紙を見て、--assign ファイル:ページ --sheet 帳票番号 で決めてください。--pictures DIR で小さな絵を書き出せます"
        );
    }
    say!("未回収 {} 枚（一覧は tomoshibi scan --missing）", balance.missing.len());
    if fresh > 0 {
        say!(
            "ほかの端末には、この端末の画面にだれかがサインインしている間に伝わります（戻った用紙とページ、画像のある端末）。画像はこの端末だけにあります"
        );
    }
}

/// The account of the paper.
pub fn missing(desk: &Desk, as_json: bool) -> Result<ExitCode> {
    let balance = Balance::draw(&desk.register, &desk.contents);
    let out = balance
        .missing
        .iter()
        .chain(balance.incomplete.iter().map(|(sheet, _)| sheet));
    let subjects: BTreeSet<_> = out.map(|sheet| sheet.subject.clone()).collect();
    desk.witness(&subjects, "未回収の一覧")?;
    let balanced = balance.missing.is_empty()
        && balance.incomplete.is_empty()
        && balance.unread.is_empty()
        && balance.unnamed.is_empty()
        && balance.disputed.is_empty();
    if as_json {
        let blocks: Vec<_> = balance
            .blocks
            .iter()
            .map(|((day, node), b)| json!({"day": day, "node": node, "issued": b.issued, "returned": b.returned, "void": b.void, "missing": b.missing()}))
            .collect();
        let list: Vec<_> = balance
            .missing
            .iter()
            .map(|s| json!({"sheet": s.form_id.as_str(), "form": s.form, "patient": s.subject.number()}))
            .collect();
        let incomplete: Vec<_> = balance
            .incomplete
            .iter()
            .map(|(s, pages)| json!({"sheet": s.form_id.as_str(), "form": s.form, "patient": s.subject.number(), "pages": pages}))
            .collect();
        let unnamed: Vec<_> = balance.unnamed.iter().map(|s| s.form_id.as_str()).collect();
        let disputed: Vec<_> = balance.disputed.iter().map(|(s, _)| s.form_id.as_str()).collect();
        say!(
            "{}",
            json!({"blocks": blocks, "missing": list, "incomplete": incomplete, "unnamed": unnamed, "disputed": disputed, "unread": balance.unread.len(), "closed": desk.contents.closed, "unreadable": desk.live.unreadable()})
        );
    } else {
        words(desk, &balance);
    }
    Ok(
        if balanced && desk.contents.closed == 0 && desk.live.unreadable() == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(LOOK)
        },
    )
}

fn words(desk: &Desk, balance: &Balance) {
    say!("番号の区分（年・通算日－ノード）  発行 ＝ 回収 ＋ 使用せず ＋ 未回収");
    for ((day, node), block) in &balance.blocks {
        say!(
            "{day}-{node:02}  {} ＝ {} ＋ {} ＋ {}",
            block.issued,
            block.returned,
            block.void,
            block.missing()
        );
    }
    if balance.blocks.is_empty() {
        say!("この端末が知っている発行はありません");
    }
    if !balance.missing.is_empty() {
        say!("未回収 {} 枚", balance.missing.len());
    }
    for sheet in balance.missing.iter().take(LISTED) {
        say!("  {}", desk.words(sheet));
    }
    if balance.missing.len() > LISTED {
        say!("  ほか {} 枚（--json ですべて出ます）", balance.missing.len() - LISTED);
    }
    for (sheet, pages) in &balance.incomplete {
        let pages: Vec<String> = pages.iter().map(ToString::to_string).collect();
        say!("★ 足りないページ {}: {}", pages.join("・"), desk.words(sheet));
    }
    for sheet in balance.unnamed.iter().take(LISTED) {
        say!(
            "★ だれのものか決めていない白紙: {} {}（--whose 帳票番号 --patient 患者番号）",
            sheet.form,
            sheet.form_id
        );
    }
    for (sheet, _) in balance.disputed.iter().take(LISTED) {
        say!(
            "★ 端末ごとに違う人と決めた白紙: {} {}（画面「戻った用紙」か、--whose 帳票番号 --patient 患者番号 --reason 理由）",
            sheet.form,
            sheet.form_id
        );
    }
    if !balance.unread.is_empty() {
        say!("★ 人が確認していないページ {}", balance.unread.len());
    }
    let closed = desk.contents.closed + desk.live.unreadable();
    if closed > 0 {
        say!("★ {closed} 件の記録はここでは読めません（鍵がないか、書きかけです）。この一覧は足りないかもしれません");
    }
}
