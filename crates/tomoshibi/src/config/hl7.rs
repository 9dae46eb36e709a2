//! `type = "hl7"` of `[[extract.sources]]`: the messages that a feed of this hub has received.
//!
//! How messages arrive is `feed`'s; what they mean is `downtime::sources::hl7v2`'s.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use downtime::feeds::{Place, Reader, Stored, Unread};
use downtime::sources::Source;
use downtime::sources::hl7v2::{Hl7, Messages, Names, Received, Settings};
use serde::Deserialize;

use super::Config;
use crate::home::Home;

/// A feed as a source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hl7Settings {
    /// The source's name, shown as the origin of what it says.
    pub name: String,
    /// The `name` of a `[[feed]]`.
    pub feed: String,
    /// Days back for prescriptions.
    #[serde(default)]
    pub medicine_days: Option<u16>,
    /// The sender's lists of allergies and diagnoses come whole each time: what is not in the newest is gone.
    #[serde(default)]
    pub whole_lists: bool,
    /// 病棟コード → 病棟名
    #[serde(default)]
    pub wards: BTreeMap<String, String>,
    /// 診療科コード → 診療科名
    #[serde(default)]
    pub departments: BTreeMap<String, String>,
}

/// Most days back that may be asked for: ten years.
const MAX_DAYS: u16 = 3_660;

/// Messages that are in memory at once.
const AT_ONCE: usize = 1_000;

impl Hl7Settings {
    /// The source.
    ///
    /// # Errors
    /// A feed that is not configured, days out of bounds.
    pub fn open(&self, config: &Config) -> Result<Box<dyn Source + Send + Sync>> {
        if !config.feed.iter().any(|feed| feed.name == self.feed) {
            bail!("feed「{}」が [[feed]] にありません。name を確かめてください", self.feed);
        }
        let usual = Settings::default();
        let medicine_days = self.medicine_days.unwrap_or(usual.medicine_days);
        if !(1..=MAX_DAYS).contains(&medicine_days) {
            bail!("medicine_days は 1–{MAX_DAYS} です: {medicine_days}");
        }
        let settings = Settings {
            names: Names {
                wards: self.wards.clone(),
                departments: self.departments.clone(),
            },
            medicine_days,
            whole_lists: self.whole_lists,
        };
        let home = Home::open(config)?;
        let place = crate::feeds::place(&home, &self.feed);
        Ok(Box::new(Hl7::over(move || from_the_beginning(place.clone()), settings)))
    }
}

/// The whole feed in the order of arrival.
fn from_the_beginning(place: Place) -> Result<Messages, String> {
    let reader = Reader::open(place).map_err(|error| error.to_string())?;
    let unreadable = reader.unreadable.clone().into_iter();
    let lost = unreadable.map(|segment| Err(format!("受信記録の区分 {segment} を読めません")));
    let mut next = 0;
    let mut waiting: std::vec::IntoIter<Result<Stored, Unread>> = Vec::new().into_iter();
    let messages = std::iter::from_fn(move || {
        let one = waiting.next().or_else(|| {
            let some: Vec<_> = reader.messages(next).take(AT_ONCE).collect();
            waiting = some.into_iter();
            waiting.next()
        })?;
        Some(match one {
            Ok(stored) => {
                next = stored.number.saturating_add(1);
                Ok(Received {
                    bytes: stored.bytes,
                    at: stored.received,
                    number: stored.number.to_string(),
                })
            }
            Err(gap) => {
                next = gap.until.max(next.saturating_add(1));
                Err(format!(
                    "受信記録の {} 番から {} 番までを読めません",
                    gap.from,
                    gap.until.saturating_sub(1)
                ))
            }
        })
    });
    Ok(Box::new(lost.chain(messages)))
}
