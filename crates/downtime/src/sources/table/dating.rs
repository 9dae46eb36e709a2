//! When the EHR vouched for a file, and what that makes the data's as-of time.
//!
//! An older time is the honest one wherever there is a choice; a time in the future is never believed.

use chart::{AsOf, DataKind, Finding, Moment, Severity};

use super::count::Listed;
use super::feed::Feed;
use super::reading::AsOfRule;
use super::sheet;
use crate::sources::gather::{self, Ledger};

/// When the EHR wrote a file, by the rule of its entry; a time in the future is not believed.
pub fn written(
    feed: &Feed,
    rule: &AsOfRule,
    in_name: Option<Moment>,
    listed: Option<&Listed>,
    now: Moment,
    ledger: &mut Ledger,
) -> Moment {
    let found = match rule {
        AsOfRule::Mtime => feed.sheet.modified,
        AsOfRule::FileName => in_name,
        AsOfRule::Tally => listed.and_then(|listed| listed.written_of(&feed.sheet.name)),
        AsOfRule::Column(column) => first_moment(feed, column),
        AsOfRule::Fixed(text) => super::value::moment(text),
    };
    let name = &feed.sheet.name;
    let Some(written) = found else {
        let message = "データ時点（いつのデータか）が分かりません。ファイルの更新時刻を使いました。";
        ledger.add(Finding::new("asof.unknown", Severity::Warning, message).at(name, 0));
        return feed.sheet.modified.unwrap_or_default().min(now);
    };
    if written.minutes_since(now) > CLOCK_GRACE_MINUTES {
        let message = format!(
            "データ時点 {} が今（{}）より後です。どちらかの時計が違います。いつのデータか確かめてください。",
            written.text(),
            now.text()
        );
        ledger.add(Finding::new("asof.future", Severity::Severe, message).at(name, 0));
    }
    written.min(now)
}

/// Minutes by which a file may seem to come from the future.
const CLOCK_GRACE_MINUTES: i64 = 10;

/// The oldest time of each kind; kinds written together share the oldest of them, others stand apart.
pub fn as_of(feeds: &[Feed], now: Moment) -> AsOf {
    let vouched: Vec<(DataKind, Moment)> = feeds.iter().map(|feed| (feed.data, feed.written)).collect();
    gather::as_of(&vouched, now)
}

fn first_moment(feed: &Feed, column: &super::spec::Column) -> Option<Moment> {
    let at = feed.sheet.place(column).ok()?;
    let mut found = None;
    sheet::each_row(&feed.sheet, |_, text, columns| {
        found = columns.get(text, at).and_then(|text| super::value::moment(&text));
        false
    })
    .ok()?;
    found
}
