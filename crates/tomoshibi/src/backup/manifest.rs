//! The manifest of a generation: what it consists of and what must be found in it, signed by the station that made it.
//!
//! Whoever can write to a store can put anything there; what no enrolled station has signed is no generation.

use anyhow::{Context, Result, bail};
use chart::{Moment, StationCode};
use downtime::identity::Roster;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use vault::keys::RecoveryPublic;
use vault::sign::Purpose;

use super::contents::{Counts, Listed};
use super::parts::{MOST_PARTS, PART, Part, hex, part_name, unhex};
use super::store::Store;
use super::{MANIFEST, MAX_SMALL, PUBLIC, README, SIGNATURE};
use crate::home::Home;

/// Version of the manifest.
const FORMAT: u32 = 1;

/// What a generation consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version; a higher one is not read.
    pub format: u32,
    /// Name of the generation.
    pub name: String,
    /// Hospital, in hexadecimal.
    pub hospital: String,
    /// The station that made it.
    pub station: String,
    /// When, in seconds since 1970.
    pub made: i64,
    /// The same for people.
    pub made_text: String,
    /// Version of the program.
    pub program: String,
    /// Keys that open it, as age writes them.
    pub recipients: Vec<String>,
    /// The parts, in their order.
    pub parts: Vec<Part>,
    /// The small files beside them.
    #[serde(default)]
    pub beside: Vec<Part>,
    /// What must be found in it.
    pub counts: Counts,
}

/// `tmb-H01-20261120T0900-1a2b3c4d`
pub fn name(home: &Home, now: Moment, chance: [u8; 4]) -> String {
    let digits: String = now.text().chars().filter(char::is_ascii_digit).take(12).collect();
    let (day, time) = digits.split_at_checked(8).unwrap_or((&digits, ""));
    format!("tmb-{}-{day}T{time}-{}", home.code, hex(&chance))
}

impl Manifest {
    pub(super) fn new(
        home: &Home,
        name: &str,
        now: Moment,
        recipients: &[RecoveryPublic],
        parts: Vec<Part>,
        listed: Listed,
        counts: Counts,
    ) -> Self {
        Self {
            format: FORMAT,
            name: name.to_owned(),
            hospital: hex(home.roster.hospital().as_bytes()),
            station: home.code.to_string(),
            made: now.0,
            made_text: now.text(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            recipients: recipients.iter().map(vault::age::recipient).collect(),
            parts,
            beside: Vec::new(),
            counts: Counts {
                files: listed.files,
                bytes: listed.bytes,
                ..counts
            },
        }
    }

    /// Bytes of all parts.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len).sum()
    }

    /// Every file of the generation, the manifest first: without it the rest is nothing.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let all = self.beside.iter().chain(&self.parts).map(|part| part.name.as_str());
        [MANIFEST, SIGNATURE]
            .into_iter()
            .chain(all)
            .map(str::to_owned)
            .collect()
    }

    /// Signs and stores it: signature first, so that a manifest is never without one.
    pub(super) fn store(&self, home: &Home, store: &Store) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        let signature = hex(&home.secret.sign(Purpose::Backup, &bytes));
        store.put_new(&self.name, SIGNATURE, signature.as_bytes())?;
        store.put_new(&self.name, MANIFEST, &bytes)?;
        Ok(())
    }

    /// Reads and checks the manifest of a generation.
    ///
    /// # Errors
    /// When it is not there, not signed by a station of this hospital, or says impossible things.
    pub fn read(store: &Store, generation: &str, roster: &Roster) -> Result<Self> {
        let bytes = store
            .get(generation, MANIFEST, MAX_SMALL)
            .context("控えの目録がありません。書きかけか、控えではありません")?;
        let signature = store
            .get(generation, SIGNATURE, 1_024)
            .context("控えの目録に署名がありません")?;
        Self::check(&bytes, &signature, generation, roster)
    }

    /// The same for bytes.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn check(bytes: &[u8], signature: &[u8], generation: &str, roster: &Roster) -> Result<Self> {
        let manifest: Self = serde_json::from_slice(bytes).context("控えの目録を読めません")?;
        if manifest.format > FORMAT {
            bail!("新しい版が作った控えです。プログラムを新しくしてください");
        }
        if manifest.hospital != hex(roster.hospital().as_bytes()) {
            bail!("別の病院の控えです");
        }
        let code = StationCode::parse(&manifest.station);
        let station = code.and_then(|code| roster.station(code));
        let station = station.with_context(|| format!("端末 {} は名簿にありません", manifest.station))?;
        let text = std::str::from_utf8(signature).unwrap_or_default().trim();
        let signature: [u8; 64] = unhex(text).context("控えの目録の署名を読めません")?;
        station
            .public()?
            .verify(Purpose::Backup, bytes, &signature)
            .map_err(|_| anyhow::anyhow!("控えの目録の署名が違います。この控えは使わないでください"))?;
        let known = |part: &Part| part.name == README || PUBLIC.contains(&part.name.as_str());
        let beside = manifest.beside.iter().all(|part| known(part) && part.len <= MAX_SMALL);
        let ordered = manifest.parts.iter().enumerate().all(|(n, part)| {
            part.name == part_name(n) && part.len <= PART as u64 && unhex::<32>(&part.sha256).is_some()
        });
        if manifest.name != generation
            || manifest.parts.is_empty()
            || manifest.parts.len() > MOST_PARTS
            || !ordered
            || !beside
        {
            bail!("控えの目録の中身がおかしい。この控えは使わないでください");
        }
        Ok(manifest)
    }

    /// Reads every part and compares it with the manifest; gives the bytes of each to `each`.
    ///
    /// # Errors
    /// Which part is missing or changed.
    pub fn read_parts(&self, store: &Store, each: &mut dyn FnMut(&Part, Vec<u8>) -> Result<()>) -> Result<()> {
        for part in self.beside.iter().chain(&self.parts) {
            let bytes = self.read_part(store, part)?;
            each(part, bytes)?;
        }
        Ok(())
    }

    /// Reads one part and compares it.
    ///
    /// # Errors
    /// When it is missing or changed.
    pub fn read_part(&self, store: &Store, part: &Part) -> Result<Vec<u8>> {
        let bytes = store
            .get(&self.name, &part.name, part.len)
            .with_context(|| format!("{} の {} を読めません", self.name, part.name))?;
        if bytes.len() as u64 != part.len || hex(&Sha256::digest(&bytes)) != part.sha256 {
            bail!(
                "{} の {} が変わっています。別の世代を使ってください",
                self.name,
                part.name
            );
        }
        Ok(bytes)
    }
}

/// Every generation of a store whose manifest is signed by a station of this hospital. The others are said in the log.
pub fn generations(store: &Store, roster: &Roster) -> Result<Vec<Manifest>> {
    let mut found = Vec::new();
    for name in store.list()? {
        match Manifest::read(store, &name, roster) {
            Ok(manifest) => found.push(manifest),
            Err(fault) => tracing::debug!(generation = name, "no generation: {fault:#}"),
        }
    }
    Ok(found)
}

/// What somebody needs who finds this in twenty years, with no program of ours.
pub fn readme(hospital: &str, name: &str) -> String {
    format!(
        "{hospital}\nTomoshibi（灯火）の控え / backup: {name}\n\n\
         1. 中身は age（age-encryption.org/v1）で封じた一つの tar です。開くには病院の復旧鍵が要ります。\n   \
         The parts are one tar, sealed with age (age-encryption.org/v1) to the hospital's recovery key.\n\n\
         2. 復旧鍵は、印刷された5枚のシェアのうち3枚と recovery.boxes から作ります。\n   \
         The key comes from any 3 of the 5 printed shares and recovery.boxes:\n   \
         tomoshibi recovery identity --boxes DIR --share s1.txt --share s3.txt --share s5.txt --out key.txt\n   \
         （方式 / construction: docs/formats/recovery.md）\n\n\
         3. cat backup.tar.age.* | age -d -i key.txt > backup.tar ; tar xf backup.tar ; sha256sum -c SHA256SUMS\n\n\
         4. tar の中の data/ は封印されたままです。開け方は docs/formats/ にあります。\n   \
         Inside, data/ is still sealed, as docs/formats/ describes.\n   \
         tomoshibi backup test --from DIR --share …  が、すべてを開いて数えます / opens and counts all of it.\n\n\
         5. key.txt は使い終わったら消してください。すべてが開きます。 / Destroy key.txt afterwards: it opens everything.\n"
    )
}
