//! Secret files: versioned bytes with a check sum, so that damage is told apart from a wrong key.
//!
//! `"TMBKEY1\0" ‖ kind ‖ 7 zero bytes ‖ 32 secret bytes (a station: 64) ‖ first 8 bytes of SHA-256 over all before`

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::codec::{Malformed, Reader};

use super::KeyFault;

/// Whose secret a file holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Station = 1,
    User = 2,
    Role = 3,
    Sealer = 4,
    Recovery = 5,
    Release = 6,
    Approval = 7,
}

const FILE_MAGIC: &[u8; 8] = b"TMBKEY1\0";
const FILE_CHECK: usize = 8;

pub(super) fn secret_file(kind: Kind, seeds: &[&[u8; 32]]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(128));
    out.extend_from_slice(FILE_MAGIC);
    out.extend_from_slice(&[kind as u8, 0, 0, 0, 0, 0, 0, 0]);
    seeds.iter().for_each(|seed| out.extend_from_slice(*seed));
    let check = Sha256::digest(&*out);
    out.extend(check.iter().take(FILE_CHECK));
    out
}

pub(super) fn read_secret_file<const N: usize>(kind: Kind, bytes: &[u8]) -> Result<[Zeroizing<[u8; 32]>; N], KeyFault> {
    let malformed = |Malformed| KeyFault::NotAKeyFile;
    let mut reader = Reader::new(bytes);
    if reader.array().map_err(malformed)? != *FILE_MAGIC {
        return Err(KeyFault::NotAKeyFile);
    }
    let (body, check) = bytes.split_last_chunk::<FILE_CHECK>().ok_or(KeyFault::NotAKeyFile)?;
    if !Sha256::digest(body).starts_with(check) {
        return Err(KeyFault::Damaged);
    }
    let [found, reserved @ ..] = reader.array::<8>().map_err(malformed)?;
    if found != kind as u8 {
        return Err(KeyFault::OtherKind);
    }
    let mut seeds: [Zeroizing<[u8; 32]>; N] = std::array::from_fn(|_| Zeroizing::new([0; 32]));
    for seed in &mut seeds {
        **seed = reader.array().map_err(|Malformed| KeyFault::Damaged)?;
    }
    if reserved != [0; 7] || reader.rest().len() != FILE_CHECK {
        return Err(KeyFault::NotAKeyFile);
    }
    Ok(seeds)
}
