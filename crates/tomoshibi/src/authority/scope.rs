//! What the hospital's authority may vouch for: names and networks of this hospital, and nothing else in the world.

use std::fmt;
use std::net::IpAddr;

use anyhow::{Context, Result, bail, ensure};
use minicbor::{Decode, Encode};

/// Most domains or networks.
const MOST: usize = 32;
/// Longest name (RFC 1035 §2.3.4).
const LONGEST_NAME: usize = 253;
/// Names that mean something inside a building only.
const INSIDE: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];
/// Networks that no machine outside has (RFC 1918, RFC 4193, link-local, this machine).
const PRIVATE: [&str; 8] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
];

/// Domains and networks, as written.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Scope {
    #[n(0)]
    domains: Vec<String>,
    #[n(1)]
    networks: Vec<String>,
}

impl Scope {
    /// Private networks and names, and these besides.
    ///
    /// # Errors
    /// When one is no domain or no network.
    pub fn new(domains: &[String], networks: &[String]) -> Result<Self> {
        let mut scope = Self {
            domains: INSIDE.map(str::to_owned).to_vec(),
            networks: PRIVATE.map(str::to_owned).to_vec(),
        };
        for domain in domains {
            let domain = domain.trim_start_matches('.').to_ascii_lowercase();
            check_name(&domain)?;
            ensure!(
                domain.contains('.') || !PUBLIC.contains(&domain.as_str()),
                "--domain {domain} は広すぎます。病院の名前（例 hospital.example.jp）を書いてください"
            );
            if !scope.domains.contains(&domain) {
                scope.domains.push(domain);
            }
        }
        for network in networks {
            let (address, bits) = parse(network)?;
            ensure!(bits >= 8, "--network {network} は広すぎます（/8 より広くできません）");
            let network = format!("{address}/{bits}");
            if !scope.networks.contains(&network) {
                scope.networks.push(network);
            }
        }
        ensure!(
            scope.domains.len() <= MOST && scope.networks.len() <= MOST,
            "--domain と --network は {MOST} 個までです"
        );
        Ok(scope)
    }

    /// The domains.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.iter().map(String::as_str)
    }

    /// The networks.
    ///
    /// # Errors
    /// When the file they come from is damaged.
    pub fn networks(&self) -> Result<Vec<(IpAddr, u8)>> {
        self.networks.iter().map(|text| parse(text)).collect()
    }

    /// True when the authority may vouch for a machine of this name or address.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        match name.parse::<IpAddr>() {
            Ok(address) => self
                .networks
                .iter()
                .filter_map(|text| parse(text).ok())
                .any(|(network, bits)| within(address, network, bits)),
            Err(_) => self.domains().any(|domain| {
                let front = name.strip_suffix(domain);
                front.is_some_and(|front| front.is_empty() || front.ends_with('.'))
            }),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<&str> = self.domains.iter().chain(&self.networks).map(String::as_str).collect();
        f.write_str(&all.join("、"))
    }
}

/// Ends of names that belong to everybody.
const PUBLIC: [&str; 6] = ["jp", "com", "net", "org", "info", "arpa"];

/// A machine's name as it may stand in a certificate: an address, or letters, digits, hyphens and dots in small.
///
/// # Errors
/// What is wrong with it.
pub fn check_name(name: &str) -> Result<()> {
    if name.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let numbers = name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    if name.len() > LONGEST_NAME || numbers || !name.split('.').all(label) {
        bail!(
            "{name} は機械の名前として使えません。英小文字・数字・ハイフン・ピリオド（例 hub.example.jp）か、番号（例 10.0.0.2）です"
        );
    }
    Ok(())
}

fn parse(text: &str) -> Result<(IpAddr, u8)> {
    let wrong = || format!("--network は 203.0.113.0/24 の形です: {text}");
    let (address, bits) = text.split_once('/').with_context(wrong)?;
    let (address, bits): (IpAddr, u8) = (address.parse().with_context(wrong)?, bits.parse().with_context(wrong)?);
    ensure!(bits <= if address.is_ipv4() { 32 } else { 128 }, "{}", wrong());
    Ok((address, bits))
}

fn within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let wide = |address: IpAddr| match address {
        IpAddr::V4(four) => (u128::from(u32::from(four)), 32_u8),
        IpAddr::V6(six) => (u128::from(six), 128),
    };
    let ((address, width), (network, other)) = (wide(address), wide(network));
    let shift = u32::from(width.saturating_sub(bits));
    width == other && address.checked_shr(shift).unwrap_or(0) == network.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hospitals_names_and_networks_are_covered() {
        let scope = Scope::new(&["hospital.example.jp".to_owned()], &["203.0.113.0/24".to_owned()]).unwrap();
        for inside in [
            "hospital.example.jp",
            "hub.hospital.example.jp",
            "10.0.0.2",
            "203.0.113.9",
            "fd00::1",
            "hub.local",
            "::1",
        ] {
            assert!(scope.covers(inside), "{inside}");
        }
        for outside in [
            "example.jp",
            "evilhospital.example.jp",
            "8.8.8.8",
            "203.0.114.1",
            "2001:db8::1",
            "bank.example",
            "172.32.0.1",
        ] {
            assert!(!scope.covers(outside), "{outside}");
        }
    }

    #[test]
    fn what_is_too_wide_or_no_name_is_refused() {
        for (domains, networks) in [
            (vec!["jp"], vec![]),
            (vec![], vec!["0.0.0.0/0"]),
            (vec!["*.example.jp"], vec![]),
            (vec![], vec!["10.0.0.0"]),
            (vec!["Ä.jp"], vec![]),
        ] {
            let owned = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
            assert!(
                Scope::new(&owned(domains.clone()), &owned(networks.clone())).is_err(),
                "{domains:?} {networks:?}"
            );
        }
        for bad in [
            "",
            "hub_1",
            "HUB.example.jp",
            "-a.jp",
            "1.2.3.999",
            "a..b",
            "https://hub",
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }
}
