//! The hub's feeds: each with its log and its listener. What the messages mean is a source's matter.

use std::sync::{Arc, Weak};

use anyhow::{Context, Result};
use downtime::feeds::{Inbox, Overview, Place, SEGMENT_BYTES, dir};
use vault::files::Disk;

use crate::config::Config;
use crate::feed_listener::{Counts, Listener};
use crate::home::Home;
use crate::{clock, random};

/// Running feeds. Dropping them ends their listeners; what was taken is kept first.
pub struct Feeds {
    // Listeners before inboxes: fields are dropped in this order.
    listeners: Vec<Listener>,
    inboxes: Vec<(String, Arc<Inbox>)>,
}

impl Feeds {
    /// How each feed stands, by its name.
    #[must_use]
    pub fn overviews(&self) -> Vec<(String, Overview)> {
        self.inboxes
            .iter()
            .map(|(name, inbox)| (name.clone(), inbox.overview()))
            .collect()
    }

    /// What a feed has received, for whoever watches it. It must not keep the feed from ending.
    #[must_use]
    pub fn inbox(&self, name: &str) -> Option<Weak<Inbox>> {
        let named = self.inboxes.iter().find(|(known, _)| known == name);
        named.map(|(_, inbox)| Arc::downgrade(inbox))
    }

    /// Where each feed listens.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, std::net::SocketAddr)> {
        let names = self.inboxes.iter().map(|(name, _)| name.as_str());
        names.zip(self.listeners.iter().map(Listener::address))
    }
}

impl Drop for Feeds {
    /// What was received and what was turned away, for the hospital's IT: counts, no patient.
    fn drop(&mut self) {
        for ((name, overview), listener) in self.overviews().into_iter().zip(&self.listeners) {
            let Counts {
                strangers,
                crowded,
                too_long,
                broken,
                slowed,
            } = listener.counts();
            let count = |of: &std::sync::atomic::AtomicU64| of.load(std::sync::atomic::Ordering::Relaxed);
            tracing::info!(
                feed = name,
                ?overview,
                open = listener.connections(),
                strangers = count(strangers),
                crowded = count(crowded),
                too_long = count(too_long),
                broken = count(broken),
                slowed = count(slowed),
                "the feed ends"
            );
        }
    }
}

/// Where a feed is kept, for its listener and for a source that reads it.
#[must_use]
pub fn place(home: &Home, feed: &str) -> Place {
    Place {
        files: Arc::new(Disk),
        dir: dir(&home.data, feed),
        hospital: home.roster.hospital(),
        station: home.roster.station_id(home.code),
        secret: Arc::clone(&home.secret),
        feed: feed.to_owned(),
        segment_bytes: SEGMENT_BYTES,
    }
}

/// Opens every log and begins to listen.
///
/// # Errors
/// When a log cannot be opened, an address is taken, or a certificate cannot be used: a hub that silently did not listen would miss
/// what is sent.
pub fn start(config: &Config) -> Result<Feeds> {
    let mut feeds = Feeds {
        listeners: Vec::new(),
        inboxes: Vec::new(),
    };
    if config.feed.is_empty() {
        return Ok(feeds);
    }
    let home = Home::open(config)?;
    for feed in &config.feed {
        let what = || format!("受信口「{}」", feed.name);
        let settings = feed.settings(config).with_context(what)?;
        let inbox = Inbox::start(place(&home, &feed.name), feed.keep_days, Box::new(random::system()));
        let inbox = Arc::new(inbox.with_context(what)?);
        feeds
            .listeners
            .push(Listener::start(settings, Arc::clone(&inbox), Arc::new(clock::now))?);
        feeds.inboxes.push((feed.name.clone(), inbox));
    }
    Ok(feeds)
}
