//! `[[extract.sources]] type = "fhir"`: a folder of FHIR files, or a server.
//!
//! Secrets are named by file and never written here. A server is spoken to over TLS only; without it only on this machine itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use chart::DataKind;
use downtime::sources::Source;
use downtime::sources::fhir::server::{Algorithm, Client, MAX_HELD, Server, ServerSettings, Way};
use downtime::sources::fhir::{Folder, KINDS, Settings};
use serde::Deserialize;

use crate::config::Config;
use crate::fhir_line::FhirLine;

/// One FHIR source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FhirSettings {
    /// The source's name, shown as the origin of what it says.
    pub name: String,
    /// A folder of NDJSON and JSON files; this or `server`.
    pub dir: Option<PathBuf>,
    /// A server; this or `dir`.
    pub server: Option<FhirServer>,
    /// `identifier.system` of the hospital's own patient numbers.
    #[serde(default)]
    pub patient_system: String,
    /// The server's address that absolute references in files begin with.
    #[serde(default)]
    pub base: String,
    /// The kinds it is asked for (`patient`, `allergy` …); all that FHIR can carry without it.
    pub kinds: Option<Vec<String>>,
    /// Kinds of which there may truly be nothing.
    #[serde(default)]
    pub may_be_empty: Vec<String>,
}

/// A server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FhirServer {
    /// `https://ehr.example/fhir`
    pub url: String,
    /// `search` or `bulk`.
    #[serde(default)]
    pub way: FhirWay,
    /// `Group/<id>` for `bulk`; all patients without it.
    #[serde(default)]
    pub group: String,
    /// The hospital's certificate authority (PEM).
    pub ca: Option<PathBuf>,
    /// Our registration, where the server wants one.
    pub client: Option<FhirClient>,
    /// Most MiB held in memory.
    pub max_mib: Option<u64>,
}

/// How the data is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FhirWay {
    /// Searches for whoever is booked or lies in a bed.
    #[default]
    Search,
    /// A Bulk Data export.
    Bulk,
}

/// Our registration at the server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FhirClient {
    /// Where tokens are given.
    pub token_url: String,
    /// Our name there.
    pub id: String,
    /// The key's name there.
    pub key_id: String,
    /// The private key (PEM, PKCS#8).
    pub key: PathBuf,
    /// What we ask to be allowed.
    #[serde(default = "all_reading")]
    pub scope: String,
}

fn all_reading() -> String {
    "system/*.read".to_owned()
}

impl FhirSettings {
    /// The source itself.
    ///
    /// # Errors
    /// With what to write instead.
    pub fn open(&self, config: &Config) -> Result<Box<dyn Source + Send + Sync>> {
        let settings = Settings {
            patient_system: self.patient_system.clone(),
            base: self.base.clone(),
            carries: match &self.kinds {
                Some(words) => kinds(words)?,
                None => KINDS.into_iter().collect(),
            },
            may_be_empty: kinds(&self.may_be_empty)?,
            ..Settings::default()
        };
        match (&self.dir, &self.server) {
            (Some(dir), None) => Ok(Box::new(Folder::new(settings, config.path(dir)))),
            (None, Some(server)) => {
                let source = server.open(settings, config)?;
                let keep = crate::keeping::keep(config, &self.name, "fhir")?;
                Ok(Box::new(source.kept_in(keep)))
            }
            _ => bail!("type = \"fhir\" には dir（フォルダ）か server（サーバ）のどちらか1つを書いてください"),
        }
    }
}

impl FhirServer {
    fn open(&self, settings: Settings, config: &Config) -> Result<Server> {
        secure(&self.url).context("server.url")?;
        let ca = self.ca.as_ref().map(|path| config.path(path));
        let key = self
            .client
            .as_ref()
            .map(|client| wire::Key::read(&config.path(&client.key)))
            .transpose()?;
        let client = match (&self.client, &key) {
            (Some(client), Some(key)) => {
                secure(&client.token_url).context("server.client.token_url")?;
                Some(Client {
                    token_url: client.token_url.clone(),
                    id: client.id.clone(),
                    key_id: client.key_id.clone(),
                    scope: client.scope.clone(),
                    algorithm: match key.algorithm() {
                        wire::Algorithm::Rs384 => Algorithm::Rs384,
                        wire::Algorithm::Es384 => Algorithm::Es384,
                    },
                })
            }
            _ => None,
        };
        let way = match (self.way, self.group.is_empty()) {
            (FhirWay::Bulk, _) => Way::Bulk {
                group: self.group.clone(),
            },
            (FhirWay::Search, true) => Way::Search,
            (FhirWay::Search, false) => bail!("group は way = \"bulk\" のときだけ書けます"),
        };
        let server = ServerSettings {
            base: self.url.clone(),
            way,
            client,
            most_bytes: self
                .max_mib
                .map_or(MAX_HELD, |mib| mib.saturating_mul(1 << 20).min(MAX_HELD)),
        };
        Ok(Server::new(
            settings,
            server,
            Box::new(FhirLine::new(ca.as_deref(), key)?),
        ))
    }
}

/// Patients' data and tokens go over TLS; without it only to this machine, where a relay of the hospital's may listen.
fn secure(url: &str) -> Result<()> {
    let own = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|front| {
            let behind = url.strip_prefix(front);
            behind.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
    if url.starts_with("https://") || own {
        return Ok(());
    }
    bail!("{url} は暗号化されません。https:// の住所を書いてください（同じ機械の中だけは http:// でもかまいません）")
}

fn kinds(words: &[String]) -> Result<BTreeSet<DataKind>> {
    let one = |word: &String| {
        let found = KINDS.into_iter().find(|kind| kind.word() == word);
        let known = || KINDS.map(DataKind::word).join("、");
        found.with_context(|| {
            format!(
                "「{word}」は FHIR から取り出せる内容の名前ではありません。書けるもの: {}",
                known()
            )
        })
    };
    words.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_spoken_to_in_the_open() {
        for good in [
            "https://ehr.example/fhir",
            "http://127.0.0.1:8080/fhir",
            "http://localhost/fhir",
        ] {
            assert!(secure(good).is_ok(), "{good}");
        }
        for bad in [
            "http://ehr.example/fhir",
            "http://127.0.0.1.example/fhir",
            "http://localhost.example",
            "ftp://x",
            "",
        ] {
            assert!(secure(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn kinds_are_named_by_their_words() {
        assert_eq!(
            kinds(&["allergy".to_owned()]).unwrap(),
            BTreeSet::from([DataKind::Allergy])
        );
        assert!(kinds(&["nothing".to_owned()]).is_err());
    }
}
