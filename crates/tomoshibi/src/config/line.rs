//! How this station is reached and how it reaches others: names, certificates, doors, and the icon's page.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use serde::Deserialize;

use super::Config;
use crate::authority::{MOST_NAMES, check_name};

/// `station.tls`: certificate and key of an authority that the hospital has already.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// PEM: the machine's certificate and the ones up to the root.
    pub certificate: PathBuf,
    /// PEM: its private key, readable for its owner only.
    pub key: PathBuf,
}

/// `[icon]`: what stands on the page behind the desktop icon of terminals that have a browser only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Icon {
    /// Addresses of the desks that are tried, in this order.
    pub hubs: Vec<String>,
    /// Whom to call.
    pub phone: String,
    /// Where the paper forms lie.
    pub forms: String,
    /// For a station's code where it stands, such as `3階東 看護詰所`.
    pub places: BTreeMap<String, String>,
    /// For a ward's or department's code its name.
    pub names: BTreeMap<String, String>,
}

/// Most desks that an icon tries.
const MOST_HUBS: usize = 4;
/// Longest text of the icon's page, in characters.
const LONGEST: usize = 80;
/// Most places or names.
const MOST_PLACES: usize = 2_000;

impl Config {
    /// Checks what is said about lines.
    pub(super) fn check_line(&self) -> Result<()> {
        let station = &self.station;
        for hub in station.hub_addresses() {
            check_address(&hub, station.plain)?;
        }
        ensure!(
            station.names.len() <= MOST_NAMES,
            "station.names は {MOST_NAMES} 個までです"
        );
        for name in &station.names {
            check_name(name)?;
        }
        if let Some(listen) = &station.peers_listen {
            let parsed = listen.parse::<SocketAddr>();
            ensure!(
                parsed.is_ok() && *listen != station.listen,
                "station.peers_listen は、画面（station.listen）とは別の 番号:ポート です（例 0.0.0.0:8301）: {listen}"
            );
        }
        let icon = &self.icon;
        ensure!(icon.hubs.len() <= MOST_HUBS, "[icon] hubs は {MOST_HUBS} 個までです");
        for hub in &icon.hubs {
            check_address(hub, true)?;
        }
        let texts = [&icon.phone, &icon.forms]
            .into_iter()
            .chain(icon.places.values())
            .chain(icon.names.values());
        for text in texts {
            ensure!(
                text.chars().count() <= LONGEST && !text.chars().any(char::is_control),
                "[icon] の文は {LONGEST} 文字までです: {text}"
            );
        }
        ensure!(
            icon.places.len() <= MOST_PLACES && icon.names.len() <= MOST_PLACES,
            "[icon] places と names は {MOST_PLACES} 件までです"
        );
        Ok(())
    }
}

/// A station's address: `https`, or `http` where it never leaves this machine or somebody has said that it may.
pub fn check_address(address: &str, plain: bool) -> Result<()> {
    let uri: axum::http::Uri = match address.parse() {
        Ok(uri) => uri,
        Err(_) => bail!("住所を読めません（例 https://hub.example.jp:8300）: {address}"),
    };
    let host = uri.host().unwrap_or_default();
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    ensure!(
        !host.is_empty() && bare && !address.contains('@'),
        "住所は https://名前:ポート だけを書きます: {address}"
    );
    match uri.scheme_str() {
        Some("https") => Ok(()),
        Some("http") if plain || wire::tls::is_this_machine(host) => Ok(()),
        Some("http") => bail!(
            "{address} は暗号化されません。hub で `tomoshibi ca new` を実行して https:// に変えてください（docs/operating/certificates.md）。それまでこのまま使うときだけ、[station] に plain = true と書き足します"
        ),
        _ => bail!("住所は https:// で始まります（例 https://hub.example.jp:8300）: {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_addresses_need_a_word() {
        for good in [
            "https://hub.example.jp:8300",
            "https://10.0.0.2",
            "http://127.0.0.1:8300/",
            "http://localhost:1",
            "http://[::1]:8300",
        ] {
            check_address(good, false).unwrap();
        }
        let told = check_address("http://10.0.0.2:8300", false).unwrap_err().to_string();
        assert!(told.contains("plain = true") && told.contains("ca new"), "{told}");
        check_address("http://10.0.0.2:8300", true).unwrap();
        for bad in [
            "",
            "hub:8300",
            "ftp://hub",
            "https://",
            "https://u:p@hub",
            "https://hub/x",
            "https://hub?x",
        ] {
            assert!(check_address(bad, true).is_err(), "{bad}");
        }
    }
}
