//! Which program this is: its version, the kind of system, and the hash of its own file.

use std::fs::File;
use std::io::Read;
use std::sync::OnceLock;

use downtime::readiness::canaries::Maker;
use downtime::readiness::receipt::Program;
use sha2::{Digest, Sha256};

/// Bytes read at a time.
const PIECE: usize = 256 << 10;

/// Longest program file that is hashed.
const MAX_PROGRAM: u64 = 1 << 30;

/// Whose pages can be compared with whose.
#[must_use]
pub fn maker() -> Maker {
    Maker {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH),
    }
}

/// This program. Its file is read once.
#[must_use]
pub fn program() -> Program {
    static PROGRAM: OnceLock<Program> = OnceLock::new();
    let fresh = || {
        let Maker { version, system } = maker();
        Program {
            version,
            system,
            file: own_hash().unwrap_or_default(),
        }
    };
    PROGRAM.get_or_init(fresh).clone()
}

fn own_hash() -> Option<[u8; 32]> {
    let path = std::env::current_exe().ok()?;
    let mut file = File::open(path).ok()?.take(MAX_PROGRAM);
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE];
    loop {
        match file.read(&mut piece).ok()? {
            0 => return Some(hasher.finalize().into()),
            n => hasher.update(piece.get(..n)?),
        }
    }
}
