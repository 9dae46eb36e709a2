//! `[[feed]]`: where the hospital's systems send HL7 messages to, and who may.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use downtime::feeds::{KEEP_DAYS, is_name};
use serde::Deserialize;

use crate::feed_listener::{Network, Pace, Paces, Settings, tls};

use super::Config;

/// One feed as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Its name: `a`–`z`, digits, `-`. Also the name of its directory.
    pub name: String,
    /// Address and port, such as `0.0.0.0:2575`.
    pub listen: String,
    /// Addresses and nets that may send. Nobody else is read from.
    pub senders: Vec<Sender>,
    /// Encryption; without it messages travel in the clear inside the hospital.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Most connections at once.
    #[serde(default = "default_connections")]
    pub max_connections: usize,
    /// Most connections of one address.
    #[serde(default = "default_per_sender")]
    pub max_per_sender: usize,
    /// Most megabytes of one message.
    #[serde(default = "default_megabytes")]
    pub max_message_mb: usize,
    /// Most messages of one address in a second, over all its connections. A faster one is made to wait.
    #[serde(default = "default_messages")]
    pub max_messages_per_second: u32,
    /// Most kilobytes of one address in a second.
    #[serde(default = "default_kilobytes")]
    pub max_kilobytes_per_second: u32,
    /// Days for which messages are kept.
    #[serde(default = "default_keep_days")]
    pub keep_days: u32,
}

/// Who may send: an address or a net, or one with a pace of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Sender {
    /// `10.0.3.15`, `10.0.4.0/24`
    Plain(String),
    /// With its own pace.
    Paced(PacedSender),
}

/// `{ address = "10.0.3.15", max_messages_per_second = 50 }`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacedSender {
    /// An address or a net.
    pub address: String,
    /// Instead of the feed's.
    pub max_messages_per_second: Option<u32>,
    /// Instead of the feed's.
    pub max_kilobytes_per_second: Option<u32>,
}

impl Sender {
    fn network(&self) -> Result<Network> {
        let (Self::Plain(text) | Self::Paced(PacedSender { address: text, .. })) = self;
        Network::parse(text).with_context(|| format!("senders は IP か IP/桁数 です: {text}"))
    }
}

/// `[feed.tls]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM file of this station's certificate and what is between it and its authority.
    pub certificate: PathBuf,
    /// PEM file of its key.
    pub key: PathBuf,
    /// PEM file of the authority of the senders' certificates. With it a sender without a certificate is refused.
    pub client_ca: Option<PathBuf>,
}

/// Most feeds of one hub.
const MOST: usize = 16;
/// Most entries of one list of senders.
const MOST_SENDERS: usize = 100;

const fn default_connections() -> usize {
    64
}

const fn default_per_sender() -> usize {
    8
}

const fn default_megabytes() -> usize {
    16
}

/// More than a listener can keep durable at once, so that no sender alone takes everybody's turn.
const fn default_messages() -> u32 {
    2_000
}

const fn default_kilobytes() -> u32 {
    32_768
}

const fn default_keep_days() -> u32 {
    KEEP_DAYS
}

/// Refuses what cannot be, without opening anything.
pub(super) fn check(feeds: &[Feed], is_hub: bool) -> Result<()> {
    ensure!(
        feeds.len() <= MOST,
        "[[feed]] は {MOST} までです（今は {}）",
        feeds.len()
    );
    ensure!(
        feeds.is_empty() || is_hub,
        "[[feed]] と station.hub は両立しません。電文を受けるのは hub だけです"
    );
    for (place, feed) in feeds.iter().enumerate() {
        let name = &feed.name;
        checked(feed).with_context(|| format!("[[feed]] {} 番目「{name}」", place + 1))?;
        if feeds
            .iter()
            .take(place)
            .any(|other| other.name == *name || other.listen == feed.listen)
        {
            bail!("[[feed]] 「{name}」の name か listen が2回あります");
        }
    }
    Ok(())
}

fn checked(feed: &Feed) -> Result<Vec<Network>> {
    ensure!(
        is_name(&feed.name),
        "name は英小文字と数字と - で32字までです（例: ehr）"
    );
    ensure!(
        feed.listen.parse::<SocketAddr>().is_ok(),
        "listen は 住所:ポート です（例: 0.0.0.0:2575）: {}",
        feed.listen
    );
    ensure!(
        (1..=MOST_SENDERS).contains(&feed.senders.len()),
        "senders に、送ってよい機器の住所を1つ以上書いてください（例: [\"10.0.3.15\"]）。書かれていない機器からは受け取りません"
    );
    ensure!(
        (1..=1_000).contains(&feed.max_connections),
        "max_connections は 1–1000 です"
    );
    ensure!(
        (1..=feed.max_connections).contains(&feed.max_per_sender),
        "max_per_sender は 1 から max_connections までです"
    );
    ensure!((1..=16).contains(&feed.max_message_mb), "max_message_mb は 1–16 です");
    ensure!((7..=4_000).contains(&feed.keep_days), "keep_days は 7–4000 です");
    paces(feed)?;
    feed.senders.iter().map(Sender::network).collect()
}

/// How fast each sender may send.
fn paces(feed: &Feed) -> Result<Paces> {
    let pace = |messages: u32, kilobytes: u32| {
        ensure!(
            (1..=100_000).contains(&messages),
            "max_messages_per_second は 1–100000 です: {messages}"
        );
        ensure!(
            (16..=1_048_576).contains(&kilobytes),
            "max_kilobytes_per_second は 16–1048576 です: {kilobytes}"
        );
        Ok(Pace {
            messages,
            bytes: kilobytes.saturating_mul(1_024),
        })
    };
    let (messages, kilobytes) = (feed.max_messages_per_second, feed.max_kilobytes_per_second);
    let mut own = Vec::new();
    for sender in &feed.senders {
        if let Sender::Paced(paced) = sender {
            let pace = pace(
                paced.max_messages_per_second.unwrap_or(messages),
                paced.max_kilobytes_per_second.unwrap_or(kilobytes),
            )?;
            own.push((sender.network()?, pace));
        }
    }
    Ok(Paces {
        usual: Some(pace(messages, kilobytes)?),
        own,
    })
}

impl Feed {
    /// What its listener needs.
    ///
    /// # Errors
    /// When a certificate or key cannot be used.
    pub fn settings(&self, config: &Config) -> Result<Settings> {
        let encrypted = self.tls.as_ref().map(|files| {
            let ca = files.client_ca.as_ref().map(|path| config.path(path));
            tls(
                &config.path(&files.certificate),
                &config.path(&files.key),
                ca.as_deref(),
            )
        });
        Ok(Settings {
            name: self.name.clone(),
            listen: self.listen.clone(),
            senders: checked(self)?,
            tls: encrypted.transpose()?,
            most_connections: self.max_connections,
            most_per_sender: self.max_per_sender,
            most_bytes: self.max_message_mb << 20,
            paces: paces(self)?,
            facility: config.hospital.institution.code.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Feed>> {
        #[derive(Deserialize)]
        struct File {
            feed: Vec<Feed>,
        }
        let feeds = toml::from_str::<File>(text)?.feed;
        check(&feeds, true)?;
        Ok(feeds)
    }

    #[test]
    fn a_feed_as_the_manual_writes_it() {
        let text = "[[feed]]\nname = \"ehr\"\nlisten = \"0.0.0.0:2575\"\nsenders = [\"10.0.3.15\", \"10.0.4.0/24\"]\n\n[feed.tls]\ncertificate = \"hub.pem\"\nkey = \"hub.key\"\nclient_ca = \"ca.pem\"\n";
        let feeds = read(text).unwrap();
        assert_eq!((feeds[0].max_connections, feeds[0].keep_days), (64, 400));
        assert!(check(&feeds, false).is_err(), "only a hub receives");
    }

    #[test]
    fn a_sender_may_have_a_pace_of_its_own() {
        let text = "[[feed]]\nname = \"ehr\"\nlisten = \"0.0.0.0:2575\"\nmax_messages_per_second = 100\nsenders = [\"10.0.4.0/24\", { address = \"10.0.3.15\", max_kilobytes_per_second = 512 }]\n";
        let paces = paces(&read(text).unwrap()[0]).unwrap();
        let usual = Pace {
            messages: 100,
            bytes: 32 << 20,
        };
        assert_eq!(paces.usual, Some(usual));
        assert_eq!(
            paces.own,
            [(
                Network::parse("10.0.3.15").unwrap(),
                Pace {
                    bytes: 512 << 10,
                    ..usual
                }
            )]
        );
        let strange = text.replace("max_kilobytes", "min_kilobytes");
        assert!(read(&strange).is_err());
    }

    #[test]
    fn what_cannot_be_a_feed_is_refused_with_its_place_in_the_list() {
        let good = "name = \"ehr\"\nlisten = \"0.0.0.0:2575\"\nsenders = [\"10.0.3.15\"]\n";
        for (from, to, says) in [
            ("\"ehr\"", "\"電カル\"", "name"),
            ("\"ehr\"", "\"../x\"", "name"),
            ("0.0.0.0:2575", "2575", "listen"),
            ("[\"10.0.3.15\"]", "[]", "senders"),
            ("\"10.0.3.15\"", "\"any\"", "senders"),
            ("\"10.0.3.15\"]", "\"10.0.3.15\"]\nkeep_days = 1", "keep_days"),
            (
                "\"10.0.3.15\"]",
                "\"10.0.3.15\"]\nmax_per_sender = 65",
                "max_per_sender",
            ),
            ("\"10.0.3.15\"]", "{ address = \"x\" }]", "senders"),
            (
                "\"10.0.3.15\"]",
                "{ address = \"10.0.3.15\", max_messages_per_second = 0 }]",
                "max_messages_per_second",
            ),
            (
                "\"10.0.3.15\"]",
                "\"10.0.3.15\"]\nmax_kilobytes_per_second = 1",
                "max_kilobytes_per_second",
            ),
        ] {
            let text = format!("[[feed]]\n{}", good.replace(from, to));
            let fault = format!("{:#}", read(&text).unwrap_err());
            assert!(fault.contains(says) && fault.contains("1 番目"), "{to}: {fault}");
        }
        assert!(read(&format!("[[feed]]\n{good}[[feed]]\n{good}")).is_err());
        assert!(read(&format!("[[feed]]\n{good}password = 1\n")).is_err());
    }
}
