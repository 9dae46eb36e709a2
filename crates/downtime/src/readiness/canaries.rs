//! 見本患者: invented patients that travel in every snapshot, and what the sealer's press made of them.
//!
//! A station opens them with nobody signed in, prints every form from them into memory and compares. They are the same in every snapshot
//! of one program version, their day is long past, and everything about them says 見本: nobody can take one for a patient. Nothing of
//! them is ever listed, searched, shown or printed on paper. The format: `docs/formats/canaries.md`.

use chart::Chart;
use minicbor::{Decode, Encode};

mod people;
mod sheets;

#[cfg(test)]
mod tests;

pub use people::{DAY, charts};
pub use sheets::{Filled, Wanted, filled};

/// The version of the section that is written.
pub const CANARIES_VERSION: u8 = 1;

/// What every number of a canary patient begins with.
pub const CANARY_ID: &str = "MIHON";

/// The word in the name of every canary patient, and in the head of every sheet.
pub const CANARY_WORD: &str = "見本";

/// Most canary patients a section may hold.
pub const MAX_CANARY_CHARTS: usize = 64;

/// Most forms the sealer may say something about.
const MAX_FORMS: usize = 512;

/// What a canary section holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canaries {
    /// The patients.
    pub charts: Vec<Chart>,
    /// What the sealer's press made of them; `None` where it could not be asked.
    pub pressed: Option<Pressed>,
}

/// What one program's press made of the canary patients.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Pressed {
    /// Which program.
    #[n(0)]
    pub maker: Maker,
    /// Each form, by its code.
    #[n(1)]
    pub forms: Vec<FormPages>,
}

/// Which program on what kind of system: only the same one makes the same pages, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Maker {
    /// Version of the program.
    #[n(0)]
    pub version: String,
    /// Kind of system, such as `linux-x86_64`.
    #[n(1)]
    pub system: String,
}

/// One form as it came out of a press.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FormPages {
    /// Its code.
    #[n(0)]
    pub form: String,
    /// Sheets printed with it.
    #[n(1)]
    pub sheets: u32,
    /// Pages of them.
    #[n(2)]
    pub pages: u32,
    /// SHA-256 over the files of the sheets, one behind the other.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub sha256: [u8; 32],
}

#[derive(Encode, Decode)]
struct Written {
    #[n(0)]
    version: u8,
    #[n(1)]
    charts: Vec<Bytes>,
    #[n(2)]
    #[cbor(default)]
    pressed: Option<Pressed>,
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct Bytes(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>);

/// Why a canary section cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CanaryFault {
    /// Made by a newer program.
    #[error("見本患者は新しい版（{0}）で書かれています。この端末のプログラムを更新してください")]
    Newer(u8),
    /// Not what a sealer writes.
    #[error("見本患者を読めません（{0}）。この号は使えない疑いがあります。取り直してください")]
    Unreadable(String),
    /// A chart among them that is not marked as invented: somebody put real data where everybody at the machine could read them.
    #[error("見本患者の中に、見本の印のないカルテがあります。この端末の医療情報担当へ連絡してください")]
    NotMarked,
}

impl Canaries {
    /// The bytes of a section.
    ///
    /// # Errors
    /// [`CanaryFault::Unreadable`] when a chart does not encode.
    pub fn to_bytes(charts: &[Chart], pressed: Option<Pressed>) -> Result<Vec<u8>, CanaryFault> {
        let unreadable = |why: String| CanaryFault::Unreadable(why);
        let bytes = |chart: &Chart| {
            let mut out = Vec::new();
            chart
                .to_bytes(&mut out)
                .map_err(|fault| unreadable(fault.to_string()))?;
            Ok(Bytes(out))
        };
        let written = Written {
            version: CANARIES_VERSION,
            charts: charts.iter().map(bytes).collect::<Result<_, CanaryFault>>()?,
            pressed,
        };
        minicbor::to_vec(written).map_err(|fault| unreadable(fault.to_string()))
    }

    /// Reads a section; every chart must open and must be marked as invented.
    ///
    /// # Errors
    /// [`CanaryFault`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CanaryFault> {
        let unreadable = |why: String| CanaryFault::Unreadable(why);
        let written: Written = minicbor::decode(bytes).map_err(|fault| unreadable(fault.to_string()))?;
        if written.version > CANARIES_VERSION {
            return Err(CanaryFault::Newer(written.version));
        }
        let forms = written.pressed.as_ref().map_or(0, |pressed| pressed.forms.len());
        if written.charts.is_empty() || written.charts.len() > MAX_CANARY_CHARTS || forms > MAX_FORMS {
            return Err(unreadable(format!("{} 人、{forms} 帳票", written.charts.len())));
        }
        let open = |bytes: &Bytes| {
            let chart = Chart::from_bytes(&bytes.0).map_err(|fault| unreadable(fault.to_string()))?;
            if is_canary(&chart) {
                Ok(chart)
            } else {
                Err(CanaryFault::NotMarked)
            }
        };
        Ok(Self {
            charts: written.charts.iter().map(open).collect::<Result<_, _>>()?,
            pressed: written.pressed,
        })
    }
}

/// Whether a chart is one of the invented patients of the proof: by its number and by its name.
#[must_use]
pub fn is_canary(chart: &Chart) -> bool {
    let patient = &chart.patient;
    patient.id.as_str().starts_with(CANARY_ID) && patient.name.written.contains(CANARY_WORD)
}

/// How what came out here stands to what the sealer got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// The same pages.
    Same,
    /// Other programs or systems need not make the same bytes: nothing was compared.
    OtherMaker,
    /// The sealer said nothing.
    Nothing,
    /// These forms came out otherwise, though the program is the same: other forms or fonts here, or damage.
    Otherwise(Vec<String>),
}

/// Compares what this press made with what the sealer's did.
#[must_use]
pub fn compare(sealer: Option<&Pressed>, here: &Pressed) -> Compared {
    let Some(sealer) = sealer else { return Compared::Nothing };
    if sealer.maker != here.maker {
        return Compared::OtherMaker;
    }
    let same = |wanted: &&FormPages| here.forms.contains(wanted);
    let otherwise: Vec<String> = sealer
        .forms
        .iter()
        .filter(|wanted| !same(wanted))
        .map(|wanted| wanted.form.clone())
        .collect();
    if otherwise.is_empty() {
        Compared::Same
    } else {
        Compared::Otherwise(otherwise)
    }
}
