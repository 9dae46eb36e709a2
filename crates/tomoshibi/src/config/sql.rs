//! `[[extract.sources]] type = "sql"`: the hospital's questions to a database, and the mapping of their answers.
//!
//! The password lies in a file that only its owner may read and is never written here. How a database is spoken to is `database`'s; what
//! the answers mean is the mapping's.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use database::settings::{ANSWER_WITHIN, CONNECT_WITHIN};
use database::{MySql, Place, PostgreSql, Secret, Settings, SqlServer, mysql, postgresql, sqlserver};
use downtime::sources::Source;
use downtime::sources::sql::{Asking, Database, EncodingName, Limits, MAX_BYTES, MAX_QUESTIONS, Question, Sql};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::Config;
use super::source::mapping;
use crate::secrets;

/// Longest that one question may be given, in seconds: an hour.
const MAX_SECONDS: u64 = 3_600;
/// Most rows of one answer that may be set.
const MAX_ROWS: u64 = 100_000_000;
/// Most MiB held in memory that may be set.
const MAX_MIB: usize = 65_536;

/// One database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlSettings {
    /// The source's name, shown as the origin of what it says.
    pub name: String,
    /// Whose protocol is spoken.
    pub database: Engine,
    /// Name or address of the server, or the path of a Unix socket.
    #[serde(default)]
    pub host: String,
    /// Its port; the database's usual one without it.
    pub port: Option<u16>,
    /// The database on the server.
    #[serde(default)]
    pub dbname: String,
    /// The account that reads.
    #[serde(default)]
    pub user: String,
    /// Its password, in a file with mode 0600.
    pub password_file: Option<PathBuf>,
    /// The hospital's certificate authority (PEM). Without it only this machine is spoken to.
    pub ca: Option<PathBuf>,
    /// `odbc` only: the connection string without account and password.
    pub connection: Option<String>,
    /// A folder of questions, one `.sql` file each. The file's name is what the mapping calls the answer.
    pub queries: PathBuf,
    /// What the columns of the answers mean.
    pub mapping: PathBuf,
    /// The encoding of texts in columns of bytes.
    #[serde(default = "cp932")]
    pub text: EncodingName,
    /// How long one question may take.
    pub timeout_seconds: Option<u64>,
    /// Most rows of one answer.
    pub max_rows: Option<u64>,
    /// Most MiB of all answers together.
    pub max_mib: Option<usize>,
}

/// Whose protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// PostgreSQL.
    PostgreSql,
    /// MySQL and MariaDB.
    #[serde(alias = "mariadb")]
    MySql,
    /// SQL Server.
    SqlServer,
    /// Whatever has an ODBC driver.
    Odbc,
}

fn cp932() -> EncodingName {
    EncodingName::Cp932
}

impl SqlSettings {
    /// The source.
    ///
    /// # Errors
    /// With what to write instead.
    pub fn open(&self, config: &Config) -> Result<Box<dyn Source + Send + Sync>> {
        let asking = self.asking(config)?;
        Ok(Box::new(Sql::over(asking, mapping(config, &self.mapping)?)?))
    }

    /// The database with its questions, before anybody says what the answers mean.
    ///
    /// # Errors
    /// With what to write instead.
    pub fn asking(&self, config: &Config) -> Result<Asking> {
        let database = self.database(config)?;
        let questions = questions(&config.path(&self.queries), database.as_ref())?;
        let usual = Limits::default();
        let rows = within("max_rows", self.max_rows.unwrap_or(usual.rows), MAX_ROWS)?;
        let limits = Limits {
            rows,
            bytes: match self.max_mib {
                Some(mib) => within("max_mib", mib, MAX_MIB)? << 20,
                None => usual.bytes,
            },
        };
        Ok(Asking::new(database, questions)?.within(limits, self.text))
    }

    /// The database itself.
    ///
    /// # Errors
    /// With what to write instead; nothing is connected.
    pub fn database(&self, config: &Config) -> Result<Box<dyn Database + Send + Sync>> {
        if self.engine_is_odbc() {
            return self.odbc(config);
        }
        if self.connection.is_some() {
            bail!("connection は database = \"odbc\" のときだけ書きます");
        }
        let port = match self.database {
            Engine::PostgreSql => postgresql::PORT,
            Engine::MySql => mysql::PORT,
            Engine::SqlServer => sqlserver::PORT,
            Engine::Odbc => 0,
        };
        for (key, text) in [("host", &self.host), ("dbname", &self.dbname), ("user", &self.user)] {
            if text.trim().is_empty() {
                bail!("{key} がありません");
            }
        }
        let settings = self.settings(config, port)?;
        settings.line()?;
        Ok(match self.database {
            Engine::MySql => Box::new(MySql::new(settings)),
            Engine::SqlServer => Box::new(SqlServer::new(settings)),
            _ => Box::new(PostgreSql::new(settings)),
        })
    }

    fn engine_is_odbc(&self) -> bool {
        self.database == Engine::Odbc
    }

    fn settings(&self, config: &Config, port: u16) -> Result<Settings> {
        let seconds = self.timeout_seconds.unwrap_or(ANSWER_WITHIN.as_secs());
        Ok(Settings {
            place: Place::read(self.host.trim(), self.port.unwrap_or(port)),
            database: self.dbname.clone(),
            user: self.user.clone(),
            secret: self.secret(config)?,
            ca: self.ca.as_ref().map(|path| config.path(path)),
            connect_within: CONNECT_WITHIN,
            answer_within: Duration::from_secs(within("timeout_seconds", seconds, MAX_SECONDS)?),
        })
    }

    fn secret(&self, config: &Config) -> Result<Option<Secret>> {
        let Some(path) = &self.password_file else {
            return Ok(None);
        };
        let path = config.path(path);
        let bytes = Zeroizing::new(secrets::read(&path)?);
        let secret = Secret::new(bytes.to_vec()).map_err(|what| anyhow::anyhow!("{}: {what}", path.display()))?;
        Ok(Some(secret))
    }

    #[cfg(not(feature = "odbc"))]
    fn odbc(&self, _: &Config) -> Result<Box<dyn Database + Send + Sync>> {
        bail!("この版の tomoshibi には ODBC が入っていません（docs/operating/sql.md の「ODBC」）")
    }

    #[cfg(feature = "odbc")]
    fn odbc(&self, config: &Config) -> Result<Box<dyn Database + Send + Sync>> {
        let settings = self.settings(config, 0)?;
        let Some(connection) = self.connection.clone() else {
            bail!("connection に ODBC の接続文字列を書いてください（口座とパスワードは書かない）");
        };
        Ok(Box::new(database::Odbc {
            connection,
            user: settings.user,
            secret: settings.secret,
            connect_within: settings.connect_within,
            answer_within: settings.answer_within,
        }))
    }
}

fn within<N: PartialOrd + Default + std::fmt::Display>(key: &str, value: N, most: N) -> Result<N> {
    if value <= N::default() || value > most {
        bail!("{key} は 1〜{most} です: {value}");
    }
    Ok(value)
}

/// The questions of a folder, by name.
fn questions(dir: &Path, database: &(dyn Database + Send + Sync)) -> Result<Vec<Question>> {
    let cannot = || format!("問い合わせのフォルダ {} を読めません", dir.display());
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name();
        let Some(name) = name.to_str() else { continue };
        if Path::new(name)
            .extension()
            .is_some_and(|ext| ext.eq_ignore_ascii_case("sql"))
        {
            names.push(name.to_owned());
        }
        if names.len() > MAX_QUESTIONS {
            bail!(
                "{} に問い合わせ（.sql）が {MAX_QUESTIONS} 個より多くあります",
                dir.display()
            );
        }
    }
    names.sort();
    names
        .iter()
        .map(|name| {
            let path = dir.join(name);
            let size = std::fs::metadata(&path).map_or(0, |about| about.len());
            if size > MAX_BYTES as u64 {
                bail!("{} は大きすぎます（{MAX_BYTES} バイトまで）", path.display());
            }
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("問い合わせ {} を読めません（UTF-8 で書いてください）", path.display()))?;
            Ok(Question::read(name, &text, database.dialect())?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "name = 'EHR'\ndatabase = 'postgresql'\nhost = '127.0.0.1'\ndbname = 'ehr'\nuser = 'reader'\nqueries = \
                         'queries'\nmapping = 'mapping.toml'\n";

    fn opened(text: &str, dir: &Path) -> Result<Asking> {
        let settings: SqlSettings = toml::from_str(text)?;
        let file = dir.join("tomoshibi.toml");
        let station = "[hospital]\nname = '試験'\n[station]\ncode = 'H01'\nnode = 1\nletter = 'A'\n";
        std::fs::write(&file, station)?;
        let config = Config::read(&file)?;
        settings.asking(&config)
    }

    #[test]
    fn what_cannot_be_is_refused_before_anybody_connects() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("queries")).unwrap();
        let said = |text: &str| match opened(text, dir.path()) {
            Ok(_) => String::new(),
            Err(fault) => format!("{fault:#}"),
        };
        assert!(said(PLAIN).contains("0個"), "{}", said(PLAIN));
        let question = dir.path().join("queries/01_patient.SQL");
        std::fs::write(&question, "SELECT 1").unwrap();
        assert_eq!(said(PLAIN), "");
        assert_eq!(said(&PLAIN.replace("postgresql", "sqlserver")), "");
        for (change, word) in [
            (("127.0.0.1", "ehr.example"), "暗号化"),
            (("postgresql", "oracle"), "oracle"),
            (("'reader'", "''"), "user"),
            (("mapping =", "timeout_seconds = 0\nmapping ="), "timeout_seconds"),
            (("mapping =", "max_rows = 0\nmapping ="), "max_rows"),
            (("mapping =", "connection = 'x'\nmapping ="), "odbc"),
            (("mapping =", "password_file = 'none'\nmapping ="), "none"),
            (("mapping =", "password = 'x'\nmapping ="), "password"),
        ] {
            let told = said(&PLAIN.replace(change.0, change.1));
            assert!(told.contains(word), "{change:?}: {told}");
        }
        std::fs::write(&question, "SELECT 1;\nDELETE FROM t").unwrap();
        assert!(said(PLAIN).contains("2行目"), "{}", said(PLAIN));
    }
}
