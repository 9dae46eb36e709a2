//! A printer as the hospital lists it, and as it answers: what it holds, whom it serves, what a person must do there.
//!
//! The list of the configuration is the whole of it. Nothing is discovered on the network, and no printer that is not listed
//! ever receives a page.

use std::collections::BTreeMap;

/// Size of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Paper {
    /// 148 × 210 mm.
    A5,
    /// 210 × 297 mm, also for sheets that lie on their side.
    A4,
}

impl Paper {
    /// Self-describing name of the medium (PWG 5101.1, table of ISO sizes), as IPP wants it.
    #[must_use]
    pub const fn media(self) -> &'static str {
        match self {
            Self::A5 => "iso_a5_148x210mm",
            Self::A4 => "iso_a4_210x297mm",
        }
    }

    /// `A4`, `A5`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::A5 => "A5",
            Self::A4 => "A4",
        }
    }

    /// The reverse of [`Self::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::A5, Self::A4].into_iter().find(|paper| paper.word() == word)
    }

    /// Width and height in hundredths of a millimetre (`media-size`, PWG 5100.7).
    #[must_use]
    pub const fn size(self) -> (i32, i32) {
        match self {
            Self::A5 => (14_800, 21_000),
            Self::A4 => (21_000, 29_700),
        }
    }
}

/// One printer of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printer {
    /// As people say it: 1階受付.
    pub name: String,
    /// `ipp://host/path` or `http://host:port/path`.
    pub uri: String,
    /// Where it stands, for whoever walks there.
    pub place: String,
    /// The paper it holds, and from which tray (`media-source`) it comes; an empty tray leaves the choice to the printer.
    pub trays: BTreeMap<Paper, String>,
    /// Codes of the stations it serves; empty serves every one that lists it.
    pub stations: Vec<String>,
}

impl Printer {
    /// Whether sheets of this size may be sent to it from this station unasked.
    #[must_use]
    pub fn serves(&self, station: &str, paper: Paper) -> bool {
        self.holds(paper) && (self.stations.is_empty() || self.stations.iter().any(|code| code == station))
    }

    /// Whether it holds this size at all.
    #[must_use]
    pub fn holds(&self, paper: Paper) -> bool {
        self.trays.contains_key(&paper)
    }
}

/// How a printer is, as it last said or did not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Not asked yet.
    #[default]
    Unknown,
    /// `printer-state` idle (RFC 8011 §5.4.11).
    Ready,
    /// `printer-state` processing.
    Busy,
    /// `printer-state` stopped: it waits for a person.
    Stopped,
    /// It does not answer.
    Silent,
    /// It answers, but not as a printer that takes our pages does.
    Refuses,
}

/// What a person must do at the printer, from `printer-state-reasons` (RFC 8011 §5.4.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// 紙切れ
    Paper,
    /// 用紙ジャム
    Jam,
    /// カバーが開いている
    Cover,
    /// トレイがない
    Tray,
    /// トナー・インク切れ
    Toner,
    /// 排紙トレイがいっぱい
    Output,
    /// 一時停止
    Paused,
    /// オフライン
    Offline,
    /// 止まりかけている: nothing to do yet.
    Low,
    /// Something else; the printer's own panel says what.
    Other,
}

impl Need {
    /// From one keyword; `None` when nothing is to be done (`none`, reports).
    #[must_use]
    pub fn parse(keyword: &str) -> Option<Self> {
        let severe = !keyword.ends_with("-report") && !keyword.ends_with("-warning");
        let word = ["-report", "-warning", "-error"]
            .into_iter()
            .find_map(|end| keyword.strip_suffix(end))
            .unwrap_or(keyword);
        let need = match word {
            "media-empty" | "media-needed" => Self::Paper,
            "media-jam" => Self::Jam,
            "cover-open" | "door-open" | "interlock-open" => Self::Cover,
            "input-tray-missing" | "output-tray-missing" => Self::Tray,
            "toner-empty" | "marker-supply-empty" | "developer-empty" | "opc-life-over" => Self::Toner,
            "output-area-full" | "marker-waste-full" => Self::Output,
            "paused" | "moving-to-paused" | "hold-new-jobs" => Self::Paused,
            "offline" | "shutdown" | "timed-out" => Self::Offline,
            "media-low"
            | "toner-low"
            | "marker-supply-low"
            | "output-area-almost-full"
            | "marker-waste-almost-full"
            | "developer-low"
            | "opc-near-eol" => Self::Low,
            "none" | "connecting-to-device" => return None,
            _ if !severe => return None,
            _ => Self::Other,
        };
        Some(need)
    }

    /// Stable word, used to find the sentence on screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Jam => "jam",
            Self::Cover => "cover",
            Self::Tray => "tray",
            Self::Toner => "toner",
            Self::Output => "output",
            Self::Paused => "paused",
            Self::Offline => "offline",
            Self::Low => "low",
            Self::Other => "other",
        }
    }
}

/// A printer's answer, or its silence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    /// How it is.
    pub health: Health,
    /// What a person must do there, each thing once.
    pub needs: Vec<Need>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_printer_says_becomes_what_a_person_must_do() {
        for (keyword, need) in [
            ("media-empty-error", Some(Need::Paper)),
            ("media-empty", Some(Need::Paper)),
            ("media-jam-error", Some(Need::Jam)),
            ("cover-open-warning", Some(Need::Cover)),
            ("toner-low-report", Some(Need::Low)),
            ("marker-supply-empty-error", Some(Need::Toner)),
            ("paused", Some(Need::Paused)),
            ("offline-report", Some(Need::Offline)),
            ("none", None),
            ("cups-pki-expired-report", None),
            ("some-vendor-thing-error", Some(Need::Other)),
        ] {
            assert_eq!(Need::parse(keyword), need, "{keyword}");
        }
    }

    #[test]
    fn a_printer_serves_whom_it_is_listed_for_with_the_paper_it_holds() {
        let mut printer = Printer {
            name: "1階受付".into(),
            uri: "ipp://10.0.0.9/ipp/print".into(),
            place: String::new(),
            trays: BTreeMap::from([(Paper::A5, "tray-2".into())]),
            stations: vec!["R03".into()],
        };
        assert!(printer.serves("R03", Paper::A5));
        assert!(!printer.serves("R03", Paper::A4) && !printer.serves("R04", Paper::A5));
        printer.stations.clear();
        assert!(printer.serves("R04", Paper::A5));
        for paper in [Paper::A4, Paper::A5] {
            assert_eq!(Paper::parse(paper.word()), Some(paper));
        }
    }
}
