//! The new terminal's side of enrolment: keys are made here and stay here; a fingerprint is shown; an officer decides; then it is set up.
//!
//! Until it is enrolled there is only `joining/` in the directory: its keys, and which code they were made for. Whoever starts again with
//! the same code goes on; a refusal or a code that ran out leaves nothing. At the end `joining/` becomes `data/` in one step.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use downtime::identity::Roster;
use downtime::identity::enrolment::{Answer, Ask, Card, InvitationCode, MAX_ANSWER, Offer, Reply, SignedAsk, Welcome};
use vault::HospitalId;
use vault::keys::{SealerSecret, StationSecret};

use crate::config::Config;
use crate::config::line::check_address;
use crate::home::{roster_file, sealer_key, station_key, write_durably};
use crate::line::Line;
use crate::secrets::{KeyFiles, KeyPort as _};
use crate::{random, secrets};

/// Longest one request may take. A wrong code is answered late on purpose.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pause between two questions.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// `station join`
#[derive(Debug, clap::Args)]
pub struct Join {
    /// New directory for configuration and data.
    #[arg(long)]
    dir: PathBuf,
    /// Address of the hub.
    #[arg(long)]
    hub: String,
    /// The code that the officer issued; asked at the keyboard when absent.
    #[arg(long)]
    code: Option<String>,
    /// Address and port of its own desk. A station that others reach listens to all, at the port of its address, unless this says otherwise.
    #[arg(long)]
    listen: Option<String>,
    /// Minutes to wait for the officer, at most 1440.
    #[arg(long, default_value_t = 60)]
    wait_minutes: u64,
}

/// Keys of a terminal that is being enrolled.
struct Joining {
    dir: PathBuf,
    station: StationSecret,
    sealer: SealerSecret,
}

/// What became of a question.
enum Told {
    Reply(Box<Card>, Reply),
    NotNow(String),
    Refused(&'static str),
}

impl Join {
    /// Enrols this machine.
    pub fn run(&self) -> Result<()> {
        check_address(&self.hub, false)?;
        let hub = self.hub.trim_end_matches('/');
        if self.dir.join("data").exists() {
            bail!("{} にはもう Tomoshibi があります。上書きしません", self.dir.display());
        }
        let typed = match &self.code {
            Some(code) => code.clone(),
            None => asked()?,
        };
        let code = InvitationCode::from_typed(&typed).map_err(|fault| {
            anyhow::anyhow!("登録コードを読み間違えています（{fault}）。何も送っていません。もう一度見て入れてください")
        })?;
        let joining = Joining::begin(&self.dir, &code)?;
        say!("この端末の指紋  {}", joining.station.public().fingerprint());
        say!("hub の画面（端末の一覧）に出る指紋と、1文字ずつ比べてもらってください");
        let (card, welcome) = match self.wait(hub, &code, &joining) {
            Ok(welcome) => welcome,
            Err(Ended::Over(why)) => {
                joining.forget()?;
                bail!("{why}。この端末には何も残していません");
            }
            Err(Ended::Later(why)) => bail!("{why}。同じ登録コードでもう一度実行すると、続きから始まります"),
        };
        let offer = joining.settle(&self.dir, hub, self.listen.as_deref(), &card, &welcome)?;
        say!("端末 {} として登録されました（{}）", offer.code, card.name);
        say!("  番号 {}  受付番号 {}-001 から", offer.block, offer.label);
        say!(
            "次にすること: tomoshibi serve -c {}",
            self.dir.join("tomoshibi.toml").display()
        );
        Ok(())
    }

    fn wait(&self, hub: &str, code: &InvitationCode, joining: &Joining) -> Result<(Card, Welcome), Ended> {
        let agent = Line::unproven().agent(PATIENCE);
        let until = Instant::now() + Duration::from_secs(self.wait_minutes.clamp(1, 1_440) * 60);
        let mut said = false;
        loop {
            let ask = Ask::new(
                code,
                &joining.station.public(),
                &joining.sealer.public(),
                &machine(),
                env!("CARGO_PKG_VERSION"),
                &mut random::system(),
            );
            let signed = ask.sign(code, &joining.station);
            match tell(&agent, hub, code, &signed) {
                Told::Reply(card, Reply::Welcome { sealed }) => {
                    let hospital = HospitalId(card.hospital);
                    let welcome = Welcome::unseal(&hospital, &joining.station, &sealed);
                    let welcome = welcome.map_err(|e| Ended::Later(format!("hub の答えを読めません: {e}")))?;
                    return Ok((*card, welcome));
                }
                Told::Reply(card, Reply::Waiting { offer, until }) => {
                    if !said {
                        say!(
                            "{} の hub {} で、端末 {} としての承認を待っています（{} まで）",
                            card.name,
                            card.hub,
                            offer.code,
                            until.text()
                        );
                    }
                    said = true;
                }
                Told::Reply(_, Reply::Refused { why }) => {
                    return Err(Ended::Over(format!("登録は断られました（{why}）")));
                }
                Told::Reply(_, Reply::Expired) => {
                    return Err(Ended::Over(
                        "登録コードの期限が切れています。hub で新しいコードを作ってください".into(),
                    ));
                }
                Told::Reply(_, Reply::Used) => {
                    return Err(Ended::Over(
                        "この登録コードは別の端末が使いました。心当たりがなければ、医療情報担当へすぐに知らせてください".into(),
                    ));
                }
                Told::Refused(why) => return Err(Ended::Over(why.to_owned())),
                Told::NotNow(why) if Instant::now() >= until => return Err(Ended::Later(why)),
                Told::NotNow(why) => tracing::warn!("{why}"),
            }
            if Instant::now() >= until {
                return Err(Ended::Later("承認を待つ時間が終わりました".into()));
            }
            std::thread::sleep(ASK_EVERY);
        }
    }
}

/// Why nothing was set up.
enum Ended {
    /// For good: nothing stays here.
    Over(String),
    /// The same code may still become something.
    Later(String),
}

/// Asks once.
fn tell(agent: &ureq::Agent, hub: &str, code: &InvitationCode, signed: &SignedAsk) -> Told {
    let sent = agent.post(format!("{hub}/parcel/enrol")).send(&signed.to_bytes()[..]);
    let answer = match sent {
        Ok(answer) => answer,
        Err(ureq::Error::StatusCode(403)) => {
            return Told::Refused("登録コードが違うか、もう使えません。hub で発行されたコードを確かめてください");
        }
        Err(ureq::Error::StatusCode(404)) => {
            return Told::Refused("そこは登録を受け付ける hub ではありません。hub の住所を確かめてください");
        }
        Err(ureq::Error::StatusCode(400 | 413)) => {
            return Told::Refused("hub がこの版の登録を読めません。両方の版を確かめてください");
        }
        Err(ureq::Error::StatusCode(429)) => {
            return Told::NotNow("hub が混んでいます。待って、もう一度たずねます".into());
        }
        Err(error) => return Told::NotNow(format!("hub に届きません（{error}）。待って、もう一度たずねます")),
    };
    let body = answer.into_body().with_config().limit(MAX_ANSWER as u64).read_to_vec();
    let opened = body
        .map_err(|e| e.to_string())
        .and_then(|bytes| Answer::from_bytes(&bytes).map_err(|e| e.to_string()))
        .and_then(|answer| answer.open(signed, code).map_err(|e| e.to_string()));
    match opened {
        Ok((card, reply)) => Told::Reply(Box::new(card), reply),
        // Whoever answered does not know the code: not the hub that issued it.
        Err(_) => Told::Refused(
            "答えたのは、登録コードを発行した hub ではありません。住所を確かめ、心当たりがなければ医療情報担当へ知らせてください",
        ),
    }
}

impl Joining {
    /// The keys made for this code before, or new ones.
    fn begin(dir: &Path, code: &InvitationCode) -> Result<Self> {
        let joining = dir.join("joining");
        let marker = joining.join("invitation");
        let id: String = code.id().iter().map(|b| format!("{b:02x}")).collect();
        if joining.exists() {
            let same = fs::read_to_string(&marker).is_ok_and(|text| text == id);
            let keys = (
                secrets::read(&station_key(&joining)),
                secrets::read(&sealer_key(&joining)),
            );
            if let (true, (Ok(station), Ok(sealer))) = (same, keys) {
                return Ok(Self {
                    dir: joining,
                    station: StationSecret::from_file_bytes(&station)?,
                    sealer: SealerSecret::from_file_bytes(&sealer)?,
                });
            }
            forget(&joining)?;
        }
        let mut rng = random::system();
        let made = Self {
            station: StationSecret::random(&mut rng),
            sealer: SealerSecret::random(&mut rng),
            dir: joining,
        };
        fs::create_dir_all(made.dir.join("keys")).with_context(|| format!("{} を作れません", made.dir.display()))?;
        secrets::write(&station_key(&made.dir), &made.station.to_file_bytes())?;
        secrets::write(&sealer_key(&made.dir), &made.sealer.to_file_bytes())?;
        write_durably(&marker, id.as_bytes())?;
        Ok(made)
    }

    fn forget(&self) -> Result<()> {
        forget(&self.dir)
    }

    /// Trust, keys and configuration in their places.
    fn settle(&self, dir: &Path, hub: &str, listen: Option<&str>, card: &Card, welcome: &Welcome) -> Result<Offer> {
        let offer = welcome.offer.clone();
        let roster = Roster::from_bytes(&welcome.roster)?;
        let own = roster
            .station(offer.code)
            .context("名簿にこの端末がありません。登録し直してください")?;
        if roster.hospital().0 != card.hospital || own.public()?.to_bytes() != self.station.public().to_bytes() {
            bail!("届いた名簿はこの端末のものではありません。何も設定していません。登録し直してください");
        }
        let trust = if offer.hub {
            roster_file(&self.dir)
        } else {
            self.dir.join("trust.cbor")
        };
        write_durably(&trust, &welcome.roster)?;
        let port = offer
            .address
            .as_ref()
            .and_then(|a| a.rsplit(':').next()?.parse::<u16>().ok());
        let listen = match (listen, port) {
            (Some(listen), _) => listen.to_owned(),
            (None, Some(port)) => format!("0.0.0.0:{port}"),
            (None, None) => "127.0.0.1:8300".to_owned(),
        };
        let word = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let text = format!(
            "# Tomoshibi の設定（端末 {}）。番号と受付の文字は名簿が決めます\n\n{}\n[station]\ncode = {}\ndata = \"data\"\nlisten = {}\nhub = {}\n",
            offer.code,
            welcome.settings,
            word(offer.code.as_str()),
            word(&listen),
            word(hub)
        );
        let config = dir.join("tomoshibi.toml");
        write_durably(&config, text.as_bytes())?;
        Config::read(&config)?;
        let data = dir.join("data");
        fs::rename(&self.dir, &data).with_context(|| format!("{} を data にできません", self.dir.display()))?;
        // From here on it is a station; what was for the way here goes last, so that a cut before this line can go on.
        if !offer.hub {
            KeyFiles(data.join("keys")).destroy("sealer.key")?;
        }
        fs::remove_file(data.join("invitation"))?;
        Ok(offer)
    }
}

/// Destroys keys that nobody will use.
fn forget(joining: &Path) -> Result<()> {
    let keys = KeyFiles(joining.join("keys"));
    for name in ["station.key", "sealer.key"] {
        keys.destroy(name)?;
    }
    fs::remove_dir_all(joining).with_context(|| format!("{} を消せません", joining.display()))
}

fn asked() -> Result<String> {
    use std::io::{BufRead as _, Write as _};
    eprint!("登録コード: ");
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("登録コードを読めません")?;
    Ok(line)
}

/// What this machine calls itself, so that the officer sees which one asks.
fn machine() -> String {
    let named = ["COMPUTERNAME", "HOSTNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let file = || {
        fs::read_to_string("/etc/hostname")
            .ok()
            .map(|text| text.trim().to_owned())
    };
    named.or_else(file).unwrap_or_default()
}
