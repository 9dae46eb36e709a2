//! Alarms in words: what happened, what is true now, what to do. One language, as logs and commands have it; codes stand beside.

use chart::Moment;
use downtime::readiness::alarm::Alarm;
use downtime::readiness::fleet::{Fleet, Place, Standing as How};

use super::Standing;

/// Most stations named in one alarm.
const NAMED: usize = 8;

fn place(place: &Place) -> String {
    match place {
        Place::Ward(code) => format!("病棟 {code}"),
        Place::Department(code) => format!("診療科 {code}"),
        Place::Shared => "共用の端末".to_owned(),
    }
}

/// One alarm.
pub fn alarm(alarm: &Alarm, now: Moment) -> String {
    let ago = |since: Moment| format!("{} から（{}分）", since.text(), now.minutes_since(since).max(0));
    match alarm {
        Alarm::NoTrust(why) => format!(
            "見張りが働いていません：{why}。端末の証明を何も信じられません。拠点から trust ファイルを写してください"
        ),
        Alarm::NoDisk(why) => format!("見張りの記録が書けません：{why}。この機械のディスクを確かめてください"),
        Alarm::NoHub { since, why } => format!(
            "拠点が一つも応答しません：{}。{why}。各端末は手元のデータで動きます。拠点の電源とネットワークを確かめてください",
            ago(*since)
        ),
        Alarm::HubSilent { address, since, why } => format!(
            "拠点 {address} が応答しません：{}。{why}。ほかの拠点は応答しています。その拠点の電源と線を確かめてください",
            ago(*since)
        ),
        Alarm::NoHeartbeat { since } => format!(
            "封印元から便りがありません：{}。データは新しくなっていないおそれがあります。拠点のプログラムを確かめてください",
            ago(*since)
        ),
        Alarm::OldSnapshot { sealed: Some(sealed) } => format!(
            "最新の号が古くなっています：{} に封印。端末は古いデータを時点とともに表示します。取り出しを確かめてください",
            sealed.text()
        ),
        Alarm::OldSnapshot { sealed: None } => {
            "どの端末の証明にも、封印済みデータがありません。取り出しと配布を確かめてください".to_owned()
        }
        Alarm::Receipts { place: of, fresh, all } => format!(
            "{}：{all}台のうち {fresh}台からしか証明が届いていません。残りは使えると分かりません。電源と線を見に行ってください",
            place(of)
        ),
        Alarm::Dark { place: of, all } => format!(
            "{}：{all}台のどれも、いま止まったら使えません。画面 S72（/fleet）で理由を見て、直してください",
            place(of)
        ),
        Alarm::Clock { ahead } => format!(
            "時計が合っていません：拠点の時計がこの見張りより {ahead} 秒{}。時刻にもとづく警報は確かではありません。両方の時刻合わせを確かめてください",
            if *ahead < 0 { "遅れ（負の値）" } else { "進み" }
        ),
        Alarm::Strangers(codes) => {
            let named: Vec<String> = codes.iter().take(NAMED).map(ToString::to_string).collect();
            format!(
                "信頼ファイルにない端末の証明が届いています：{}。見張りの trust ファイルを新しくしてください",
                named.join("、")
            )
        }
    }
}

/// The fleet in one line.
pub fn fleet(fleet: &Fleet<'_>) -> String {
    let n = |how: How| fleet.counts.get(how as usize).copied().unwrap_or_default();
    format!(
        "いま止まったら：{}台のうち {}台が使えます（古い {}、応答なし {}、使えません {}）",
        fleet.all(),
        fleet.ready(),
        n(How::Stale),
        n(How::Silent),
        n(How::Failing)
    )
}

/// What `alarm.txt` says.
pub fn file(shown: &Standing) -> String {
    let looked = shown.looked.map(Moment::text).unwrap_or_default();
    let mut out = if shown.alarms.is_empty() {
        format!("異常なし {looked}\n")
    } else {
        format!("警報 {}件 {looked}\n", shown.alarms.len())
    };
    for (since, words) in &shown.alarms {
        out.push_str(&format!("■ {} {words}\n", since.text()));
    }
    out.push_str(&shown.fleet);
    out.push('\n');
    out
}
