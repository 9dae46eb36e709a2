//! What a source keeps between two runs of the program, sealed to this station: never a patient's data in the clear, never believed
//! when anything about it is odd.
//!
//! A file is a list of parts (docs/formats/source-keep.md). One that is lost, damaged, another hospital's or another source's is none:
//! the source then asks for everything, as it did when there was no such file. It deliberately knows nothing of what the parts say.

use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use rand_core::CryptoRng;
use vault::HospitalId;
use vault::context::Context;
use vault::keys::{Key32, StationSecret};
use vault::{sealbox, wrap};
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"TMBKEEP1";
/// Most parts of one file.
const MAX_PARTS: usize = 65_536;
/// Largest part before it is compressed.
pub const MAX_PART: usize = 256 << 20;
/// Fast, and what is kept is mostly text that repeats itself.
const LEVEL: i32 = 3;

/// Where dice come from: a fresh one for each file.
pub type Dice = Arc<dyn Fn() -> Box<dyn CryptoRng + Send> + Send + Sync>;

/// One source's file.
#[derive(Clone)]
pub struct Keep {
    /// The hospital.
    pub hospital: HospitalId,
    /// This station's key.
    pub secret: Arc<StationSecret>,
    /// Dice.
    pub dice: Dice,
    /// The file.
    pub path: PathBuf,
    /// The source, and what of it is kept: part of every seal.
    pub name: String,
}

impl std::fmt::Debug for Keep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keep").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Keep {
    /// Seals parts and puts them in the place of what was there, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written, or the parts are more or larger than a reader takes.
    pub fn write(&self, parts: &[&[u8]]) -> io::Result<()> {
        let too_much = parts.len() > MAX_PARTS || parts.iter().any(|part| part.len() > MAX_PART);
        if too_much {
            return Err(io::Error::other("more than may be kept"));
        }
        let count = u32::try_from(parts.len()).map_err(io::Error::other)?;
        let mut rng = (self.dice)();
        let key = Key32::random(&mut *rng);
        let wrapped = wrap::wrap(&self.secret.public(), &self.key_context(), key.as_bytes(), &mut *rng);
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent)?;
        }
        let beside = self.path.with_extension("new");
        let mut file = io::BufWriter::new(fs::File::create(&beside)?);
        file.write_all(MAGIC)?;
        file.write_all(&count.to_le_bytes())?;
        file.write_all(&wrapped.map_err(io::Error::other)?)?;
        for (number, part) in (0_u32..).zip(parts) {
            let small = Zeroizing::new(zstd::bulk::compress(part, LEVEL)?);
            let sealed = sealbox::seal(&key, &self.part_context(number, count), &small, &mut *rng);
            let length = u32::try_from(sealed.len()).map_err(io::Error::other)?;
            file.write_all(&length.to_le_bytes())?;
            file.write_all(&sealed)?;
        }
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&beside, &self.path)
    }

    /// The parts; `None` when there is no file, or one that is not whole and not ours.
    #[must_use]
    pub fn read(&self) -> Option<Vec<Zeroizing<Vec<u8>>>> {
        let mut file = io::BufReader::new(fs::File::open(&self.path).ok()?);
        if take(&mut file, MAGIC.len())? != MAGIC {
            return None;
        }
        let count = number(&mut file)?;
        let wrapped = take(&mut file, wrap::wrapped_len(32))?;
        let key = wrap::unwrap(&*self.secret, &self.key_context(), &wrapped).ok()?;
        let key = Key32::from_slice(&key)?;
        if count as usize > MAX_PARTS {
            return None;
        }
        let mut parts = Vec::new();
        for part in 0..count {
            let length = number(&mut file)? as usize;
            if length > sealbox::sealed_len(MAX_PART + MAX_PART / 128) {
                return None;
            }
            let sealed = take(&mut file, length)?;
            let small = sealbox::open(&key, &self.part_context(part, count), &sealed).ok()?;
            parts.push(Zeroizing::new(zstd::bulk::decompress(&small, bound(&small)?).ok()?));
        }
        // Anything behind the last part is not of this file.
        take(&mut file, 1).is_none().then_some(parts)
    }

    /// Removes what is kept, so that the next run begins anew.
    pub fn forget(&self) {
        let gone = fs::remove_file(&self.path);
        if let Err(fault) = gone.or_else(|fault| (fault.kind() == io::ErrorKind::NotFound).then_some(()).ok_or(fault)) {
            tracing::warn!(path = %self.path.display(), %fault, "what a source keeps could not be removed");
        }
    }

    fn key_context(&self) -> Context {
        Context::new("keep-key", &self.hospital).variable(self.name.as_bytes())
    }

    fn part_context(&self, number: u32, count: u32) -> Context {
        Context::new("keep-part", &self.hospital)
            .variable(self.name.as_bytes())
            .u32(number)
            .u32(count)
    }
}

/// The size that a compressed part says, within the bound.
fn bound(small: &[u8]) -> Option<usize> {
    let size = zstd::zstd_safe::get_frame_content_size(small).ok()??;
    usize::try_from(size).ok().filter(|size| *size <= MAX_PART)
}

fn number(file: &mut impl Read) -> Option<u32> {
    let bytes = take(file, 4)?;
    Some(u32::from_le_bytes(*bytes.first_chunk::<4>()?))
}

/// Exactly so many bytes; memory is taken as they come, not as a damaged length says.
fn take(file: &mut impl Read, length: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    Read::take(&mut *file, length as u64).read_to_end(&mut bytes).ok()?;
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(dir: &std::path::Path, name: &str) -> Keep {
        let dice: Dice = Arc::new(|| Box::new(rand_core::UnwrapErr(getrandom::SysRng)));
        Keep {
            hospital: HospitalId([7; 16]),
            secret: Arc::new(StationSecret::random(&mut *dice())),
            dice,
            path: dir.join("sources/x.keep"),
            name: name.to_owned(),
        }
    }

    #[test]
    fn only_the_same_source_of_the_same_station_reads_what_was_kept_and_only_whole() {
        let dir = tempfile::tempdir().unwrap();
        let ours = keep(dir.path(), "x");
        assert!(ours.read().is_none(), "nothing is kept yet");
        let parts: [&[u8]; 3] = [b"0001234567 \xE6\xA8\xA1\xE6\x93\xAC", b"", &[9; 100_000]];
        ours.write(&parts).unwrap();
        let read = ours.read().unwrap();
        assert!(read.iter().map(|part| part.as_slice()).eq(parts));
        let bytes = fs::read(&ours.path).unwrap();
        assert!(
            !bytes.windows(7).any(|window| window == b"1234567"),
            "nothing in the clear"
        );
        let other = Keep {
            name: "y".to_owned(),
            ..ours.clone()
        };
        assert!(other.read().is_none(), "another source");
        let other = Keep {
            hospital: HospitalId([8; 16]),
            ..ours.clone()
        };
        assert!(other.read().is_none(), "another hospital");
        let other = Keep {
            path: ours.path.clone(),
            ..keep(dir.path(), "x")
        };
        assert!(other.read().is_none(), "another station");
        for cut in [0, 4, 11, 50, bytes.len() - 1] {
            fs::write(&ours.path, &bytes[..cut]).unwrap();
            assert!(ours.read().is_none(), "cut at {cut}");
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 40) {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            fs::write(&ours.path, &bytes).unwrap();
            assert!(ours.read().is_none(), "a bit at {at}");
        }
        fs::write(&ours.path, [&bytes[..], b"x"].concat()).unwrap();
        assert!(ours.read().is_none(), "something behind the end");
        ours.write(&parts).unwrap();
        ours.forget();
        ours.forget();
        assert!(ours.read().is_none());
    }
}
