//! PostgreSQL and MariaDB of this machine, each in a folder that goes with the test.
//!
//! Both refuse to run as root: then PostgreSQL runs as the user its package made, and MariaDB changes to its own by itself.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use database::{MySql, Place, PostgreSql, Secret, Settings};
use downtime::sources::sql::Database;
use tempfile::TempDir;

/// Password of the server's own account, never of the accounts that are tested.
const ROOT: &str = "root-of-the-test";
/// An account that only reads.
pub const READER: (&str, &str) = ("reader", "reader's secret '%\\");
/// An account that may write.
pub const WRITER: (&str, &str) = ("writer", "writer-secret");

/// A server of a kind.
pub trait Server {
    /// The folder of its scripts in the fixtures.
    fn script(&self) -> &'static str;
    /// Runs statements as the server's own account.
    fn run(&self, sql: &str) -> Output;
    /// The database as a source sees it.
    fn database(&self, settings: Settings) -> Box<dyn Database + Send + Sync>;
    /// Where it listens.
    fn port(&self) -> u16;
    /// Its socket.
    fn socket(&self) -> PathBuf {
        self.dir().join("socket")
    }
    /// The authority that vouches for it.
    fn ca(&self) -> PathBuf {
        self.dir().join("server-ca.pem")
    }
    /// The folder that goes with the test.
    fn dir(&self) -> &Path;
    /// What differs between databases.
    fn words(&self) -> Words;
    /// Ends every line of the account that reads.
    fn hang_up(&self);
    /// Where Debian's programs for other drivers find the database.
    fn settings(&self, (user, secret): (&str, &str)) -> Settings {
        Settings {
            place: Place::read("localhost", self.port()),
            database: "ehr".to_owned(),
            user: user.to_owned(),
            secret: Some(Secret::new(secret.as_bytes().to_vec()).unwrap()),
            ca: Some(self.ca()),
            connect_within: Duration::from_secs(20),
            answer_within: Duration::from_secs(60),
        }
    }
}

/// Questions that every database is asked, in its own words.
pub struct Words {
    pub sleep: &'static str,
    pub many: &'static str,
    pub make_types: &'static str,
    pub types: &'static str,
    pub typed: &'static [&'static str],
    pub stray: &'static str,
}

fn done(command: &mut Command) -> Output {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{shown}: {error}. `cargo xtask setup` installs what the tests need"));
    assert!(
        output.status.success(),
        "{shown}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

fn root() -> bool {
    String::from_utf8_lossy(&done(Command::new("id").arg("-u")).stdout).trim() == "0"
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// An authority, and the certificate of a server that it vouches for.
pub fn certificates(dir: &Path, name: &str) {
    let at = |file: &str| dir.join(format!("{name}{file}"));
    let openssl = |arguments: &[&str]| {
        done(Command::new("openssl").args(arguments).current_dir(dir));
    };
    fs::write(at(".ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
    let [key, ca, server_key, request, server, extra] =
        ["-ca.key", "-ca.pem", ".key", ".csr", ".pem", ".ext"].map(|file| at(file).display().to_string());
    let authority = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=hospital",
    ];
    openssl(&[&authority[..], &["-keyout", &key, "-out", &ca]].concat());
    openssl(&[
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=localhost",
        "-keyout",
        &server_key,
        "-out",
        &request,
    ]);
    openssl(&[
        "x509",
        "-req",
        "-days",
        "2",
        "-in",
        &request,
        "-CA",
        &ca,
        "-CAkey",
        &key,
        "-CAcreateserial",
        "-extfile",
        &extra,
        "-out",
        &server,
    ]);
}

/// A folder that the servers' own users can enter.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    done(Command::new("chmod").arg("755").arg(dir.path()));
    dir
}

/// PostgreSQL.
pub struct Postgres {
    dir: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Postgres {
    pub fn start() -> Self {
        let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL is not installed: `cargo xtask setup` does it")
            .map(|entry| entry.unwrap().path().join("bin"))
            .collect();
        versions.sort();
        let server = Self {
            dir: folder(),
            programs: versions.pop().unwrap(),
            port: free_port(),
        };
        let at = |name: &str| server.dir.path().join(name);
        certificates(server.dir.path(), "server");
        fs::create_dir(at("data")).unwrap();
        fs::create_dir(at("socket")).unwrap();
        fs::write(at("password"), ROOT).unwrap();
        if root() {
            done(Command::new("chown").arg("-R").arg("postgres").arg(server.dir.path()));
        }
        done(Command::new("chmod").args(["600"]).arg(at("server.key")));
        let mut initdb = server.own("initdb");
        initdb.args([
            "-U",
            "postgres",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "--pwfile",
        ]);
        done(initdb.arg(at("password")).arg("-D").arg(at("data")));
        let settings = format!(
            "\nport = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{}'\nfsync = off\nssl = on\n\
             ssl_cert_file = '{}'\nssl_key_file = '{}'\n",
            server.port,
            at("socket").display(),
            at("server.pem").display(),
            at("server.key").display()
        );
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(at("data/postgresql.conf"))
            .unwrap();
        file.write_all(settings.as_bytes()).unwrap();
        let mut start = server.own("pg_ctl");
        // Its output would keep ours open for as long as it lives.
        start
            .args(["-w", "-t", "60", "start"])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        start.arg("-l").arg(at("log")).arg("-D").arg(at("data"));
        let started = start.status().unwrap();
        assert!(
            started.success(),
            "{}",
            fs::read_to_string(at("log")).unwrap_or_default()
        );
        done(&mut server.psql("postgres", "CREATE DATABASE ehr"));
        let script = format!(
            "CREATE ROLE {} LOGIN PASSWORD '{}'; CREATE ROLE {} LOGIN PASSWORD '{}'; \
             ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {}; ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {}",
            READER.0,
            READER.1.replace('\'', "''"),
            WRITER.0,
            WRITER.1,
            READER.0,
            WRITER.0
        );
        let made = server.run(&script);
        assert!(made.status.success(), "{made:?}");
        server
    }

    /// A program that must not run as root.
    fn own(&self, program: &str) -> Command {
        let path = self.programs.join(program);
        let mut command = if root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.current_dir("/");
        command
    }

    fn psql(&self, database: &str, sql: &str) -> Command {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-h", "127.0.0.1", "-U", "postgres", "-v", "ON_ERROR_STOP=1"])
            .args(["-p", &self.port.to_string(), "-d", database])
            .env("PGPASSWORD", ROOT);
        if sql.len() > 10_000 {
            let file = self.dir.path().join("script.sql");
            fs::write(&file, sql).unwrap();
            psql.arg("-f").arg(file);
        } else {
            psql.args(["-c", sql]);
        }
        psql
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.dir.path().join("data");
        let _ = self
            .own("pg_ctl")
            .args(["-w", "-m", "immediate", "stop", "-D"])
            .arg(data)
            .output();
    }
}

impl Server for Postgres {
    fn script(&self) -> &'static str {
        "postgresql.sql"
    }

    fn run(&self, sql: &str) -> Output {
        self.psql("ehr", sql).output().unwrap()
    }

    fn database(&self, settings: Settings) -> Box<dyn Database + Send + Sync> {
        Box::new(PostgreSql::new(settings))
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn words(&self) -> Words {
        Words {
            sleep: "SELECT pg_sleep(60)",
            many: "SELECT n, repeat('x', 200) AS text FROM generate_series(1, 3000000) AS n",
            make_types: "CREATE TABLE types (a numeric(8,2), b boolean, c date, d timestamp(3), e timestamptz, f time, g double precision, \
                         h bytea, i text, j char(4), k int, l text, m real, n uuid); \
                         INSERT INTO types VALUES (1.50, true, '2026-11-20', '2026-11-20 09:30:00.250', '2026-11-20 00:30:00+00', '09:30', \
                         1.5e-7, decode('8E5293FAA0FD', 'hex'), 'a,\"b\nc', 'ab', NULL, '', 36.6, '00000000-0000-0000-0000-000000000001')",
            types: "SELECT * FROM types",
            typed: &[
                "1.50",
                "1",
                "2026-11-20",
                "2026-11-20 09:30:00",
                "2026-11-20 09:30:00",
                "09:30:00",
                "0.00000015",
                "bytes 8e5293faa0fd",
                "a,\"b\nc",
                "ab  ",
                "NULL",
                "",
                "36.6",
                "00000000-0000-0000-0000-000000000001",
            ],
            stray: "UPDATE PATIENT SET WORKPLACE = NULL; ALTER TABLE PATIENT ALTER COLUMN WORKPLACE TYPE bytea USING NULL; \
                    UPDATE PATIENT SET WORKPLACE = decode('93FFFD92E5', 'hex') WHERE PATIENT_NO = '00123456'",
        }
    }

    fn hang_up(&self) {
        let ended = self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'reader'");
        assert!(ended.status.success(), "{ended:?}");
    }
}

/// MariaDB.
pub struct MariaDb {
    dir: TempDir,
    port: u16,
    process: Child,
}

impl MariaDb {
    pub fn start() -> Self {
        let dir = folder();
        let at = |name: &str| dir.path().join(name);
        certificates(dir.path(), "server");
        fs::create_dir(at("data")).unwrap();
        if root() {
            done(Command::new("chown").arg("-R").arg("mysql").arg(dir.path()));
        }
        let mut install = Command::new("mariadb-install-db");
        install.args([
            "--no-defaults",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]);
        install.arg(format!("--datadir={}", at("data").display()));
        if root() {
            install.arg("--user=mysql");
        }
        done(&mut install);
        let port = free_port();
        let mut command = Command::new(if Path::new("/usr/sbin/mariadbd").exists() {
            "/usr/sbin/mariadbd"
        } else {
            "mariadbd"
        });
        command.args([
            "--no-defaults",
            "--bind-address=127.0.0.1",
            "--innodb-flush-log-at-trx-commit=0",
        ]);
        command.args(["--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin"]);
        command.arg(format!("--port={port}"));
        for (option, file) in [
            ("datadir", "data"),
            ("socket", "socket"),
            ("pid-file", "pid"),
            ("ssl-ca", "server-ca.pem"),
            ("ssl-cert", "server.pem"),
            ("ssl-key", "server.key"),
        ] {
            command.arg(format!("--{option}={}", at(file).display()));
        }
        if root() {
            command.arg("--user=mysql");
        }
        let log = fs::File::create(at("log")).unwrap();
        let process = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let server = Self { dir, port, process };
        // It waits by itself until there is somebody.
        let waited = Command::new("mariadb-admin")
            .args([
                "--no-defaults",
                "-u",
                "root",
                "--wait=60",
                "--connect-timeout=60",
                "ping",
            ])
            .arg(format!("--socket={}", server.socket().display()))
            .output()
            .unwrap();
        let log = fs::read_to_string(server.dir.path().join("log")).unwrap_or_default();
        assert!(waited.status.success(), "{waited:?}\n{log}");
        let made = server.script_of(&format!(
            "CREATE DATABASE ehr; CREATE USER {}@localhost IDENTIFIED BY '{}'; CREATE USER {}@localhost IDENTIFIED BY '{}'; \
             GRANT SELECT ON ehr.* TO {}@localhost; GRANT ALL ON ehr.* TO {}@localhost;",
            READER.0,
            READER.1.replace('\\', "\\\\").replace('\'', "''"),
            WRITER.0,
            WRITER.1,
            READER.0,
            WRITER.0
        ), "mysql");
        assert!(made.status.success(), "{made:?}");
        server
    }

    fn script_of(&self, sql: &str, database: &str) -> Output {
        let mut client = Command::new("mariadb");
        client.args(["--no-defaults", "-u", "root", "--default-character-set=utf8mb4"]);
        client
            .arg(format!("--socket={}", self.socket().display()))
            .arg(database);
        let file = self.dir.path().join("script.sql");
        fs::write(&file, sql).unwrap();
        client.stdin(fs::File::open(file).unwrap()).output().unwrap()
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server for MariaDb {
    fn script(&self) -> &'static str {
        "mysql.sql"
    }

    fn run(&self, sql: &str) -> Output {
        self.script_of(sql, "ehr")
    }

    fn database(&self, settings: Settings) -> Box<dyn Database + Send + Sync> {
        Box::new(MySql::new(settings))
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn words(&self) -> Words {
        Words {
            sleep: "SELECT COUNT(*) FROM seq_1_to_1000000000000 WHERE MD5(seq) = 'x'",
            many: "SELECT seq AS n, REPEAT('x', 200) AS text FROM seq_1_to_3000000",
            make_types: "CREATE TABLE types (a decimal(8,2), b tinyint(1), c date, d datetime(3), e timestamp NULL, f time, g double, \
                         h varbinary(20), i text, j char(4), k int, l text, m float, n bit(9)); \
                         SET time_zone = '+00:00'; \
                         INSERT INTO types VALUES (1.50, true, '2026-11-20', '2026-11-20 09:30:00.250', '2026-11-20 00:30:00', '09:30', \
                         1.5e-7, X'8E5293FAA0FD', 'a,\"b\nc', 'ab', NULL, '', 36.6, b'100000001')",
            types: "SELECT * FROM types",
            typed: &[
                "1.50",
                "1",
                "2026-11-20",
                "2026-11-20 09:30:00",
                "2026-11-20 09:30:00",
                "09:30:00",
                "0.00000015",
                "bytes 8e5293faa0fd",
                "a,\"b\nc",
                "ab",
                "NULL",
                "",
                "36.6",
                "257",
            ],
            stray: "UPDATE PATIENT SET WORKPLACE = NULL; ALTER TABLE PATIENT MODIFY WORKPLACE varbinary(80); \
                    UPDATE PATIENT SET WORKPLACE = X'93FFFD92E5' WHERE PATIENT_NO = '00123456'",
        }
    }

    fn hang_up(&self) {
        let ended = self.run("KILL CONNECTION USER reader@localhost");
        assert!(ended.status.success(), "{ended:?}");
    }
}
