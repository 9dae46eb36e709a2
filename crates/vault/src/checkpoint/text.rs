//! The text form of a checkpoint: a C2SP signed note.
//!
//! There is one text per checkpoint. Reading takes the lines apart, then writes the checkpoint again and compares: so
//! no leading zero, other line end, further line, capital digit or loose bit of base64 passes, and no rule is said
//! twice. It deliberately reads no note of others: a note may carry any number of lines, this one carries five.

use std::fmt::Write;

use crate::codec_text::{from_base64, to_base64};
use crate::ids::{HospitalId, IncarnationId, StationId};
use crate::sign::SIGNATURE_LEN;

use super::{Checkpoint, KEY_ID, Origin, SignedCheckpoint};

/// Longest text that is looked at, in bytes.
pub const MAX_TEXT: usize = 1024;

/// What an origin starts with: the product and the kind of log.
pub(super) const ORIGIN: &str = "tomoshibi/audit/";

const TIME: &str = "time ";
const SIGNED_BY: &str = "— ";

/// What is signed.
pub(super) fn body(checkpoint: &Checkpoint) -> String {
    let Checkpoint {
        origin,
        size,
        root,
        time,
    } = checkpoint;
    format!("{origin}\n{size}\n{}\n{TIME}{time}\n", to_base64(root))
}

pub(super) fn write(signed: &SignedCheckpoint) -> String {
    let mut text = body(&signed.claim);
    let signature = to_base64(&[signed.key_id.as_slice(), &signed.signature].concat());
    // Writing to a string does not fail.
    let _ = write!(text, "\n{SIGNED_BY}{} {signature}\n", signed.claim.origin);
    text
}

pub(super) fn read(text: &str) -> Option<SignedCheckpoint> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let mut lines = text.split('\n');
    let mut line = || lines.next();
    let claim = Checkpoint {
        origin: read_origin(line()?)?,
        size: line()?.parse().ok()?,
        root: from_base64(line()?)?,
        time: line()?.strip_prefix(TIME)?.parse().ok()?,
    };
    let _empty = line()?;
    let (_, signature) = line()?.rsplit_once(' ')?;
    let bytes: [u8; KEY_ID + SIGNATURE_LEN] = from_base64(signature)?;
    let (key_id, signature) = bytes.split_first_chunk()?;
    let signed = SignedCheckpoint {
        claim,
        key_id: *key_id,
        signature: *signature.first_chunk()?,
    };
    (write(&signed) == text).then_some(signed)
}

fn read_origin(line: &str) -> Option<Origin> {
    let mut parts = line.strip_prefix(ORIGIN)?.split('/');
    Some(Origin {
        hospital: HospitalId(from_hex(parts.next()?)?),
        station: StationId(from_hex(parts.next()?)?),
        incarnation: IncarnationId(from_hex(parts.next()?)?),
    })
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|value| u8::try_from(value).ok()))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    bytes.try_into().ok()
}
