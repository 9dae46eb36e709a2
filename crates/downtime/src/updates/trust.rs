//! Whose signatures count: the keys of those who release, and the keys of the hospital. Both are needed, always.
//!
//! The first trust is put on a station by hand, where the program itself cannot write. A later one follows it only when enough keys
//! of the one before have signed it, of both kinds; so a stolen hub can take neither place.

use minicbor::{Decode, Encode};
use vault::keys::{ApprovalPublic, ReleasePublic};

use super::{Approval, Order, ProgramVersion, Release, Signed, UpdateFault, sha256};

/// Most keys of one kind.
const MAX_KEYS: usize = 16;

/// Most trusts that follow one another.
pub const MAX_CHAIN: usize = 64;

/// What stands before the fields, so that no other signed thing is taken for a trust.
const MAGIC: &[u8; 8] = b"TMBTRU1\0";

/// The keys that count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    serial: u32,
    release: Vec<ReleasePublic>,
    release_needed: u8,
    approval: Vec<ApprovalPublic>,
    approval_needed: u8,
}

#[derive(Encode, Decode)]
struct Fields {
    #[n(0)]
    serial: u32,
    #[n(1)]
    release: Vec<Key>,
    #[n(2)]
    release_needed: u8,
    #[n(3)]
    approval: Vec<Key>,
    #[n(4)]
    approval_needed: u8,
}

#[derive(Encode, Decode)]
#[cbor(transparent)]
struct Key(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]);

impl Trust {
    /// The keys that count, and how many of each must sign.
    ///
    /// # Errors
    /// [`UpdateFault::Bounds`] when a number is out of reach, a key stands there twice, or one key is of both kinds.
    pub fn new(
        serial: u32,
        release: Vec<ReleasePublic>,
        release_needed: u8,
        approval: Vec<ApprovalPublic>,
        approval_needed: u8,
    ) -> Result<Self, UpdateFault> {
        let mut all: Vec<[u8; 32]> = release.iter().map(|key| key.to_bytes()).collect();
        all.extend(approval.iter().map(|key| key.to_bytes()));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        if all.len() != count {
            return Err(UpdateFault::Bounds(
                "同じ鍵が2回あります。リリースの鍵と病院の承認の鍵は、すべて別の鍵にしてください".to_owned(),
            ));
        }
        let reachable = |needed: u8, keys: usize| needed >= 1 && usize::from(needed) <= keys && keys <= MAX_KEYS;
        if !reachable(release_needed, release.len()) || !reachable(approval_needed, approval.len()) {
            return Err(UpdateFault::Bounds(
                "必要な署名の数は、鍵の数（1–16）までです。どちらの鍵も1つ以上要ります".to_owned(),
            ));
        }
        Ok(Self {
            serial,
            release,
            release_needed,
            approval,
            approval_needed,
        })
    }

    /// Counts the trusts that followed one another.
    #[must_use]
    pub const fn serial(&self) -> u32 {
        self.serial
    }

    /// Keys of those who release, and how many must sign.
    #[must_use]
    pub fn release(&self) -> (&[ReleasePublic], u8) {
        (&self.release, self.release_needed)
    }

    /// Keys of the hospital, and how many must sign.
    #[must_use]
    pub fn approval(&self) -> (&[ApprovalPublic], u8) {
        (&self.approval, self.approval_needed)
    }

    /// The bytes of the file, and the bytes to sign for a later one.
    #[must_use]
    pub fn to_body(&self) -> Vec<u8> {
        let fields = Fields {
            serial: self.serial,
            release: self.release.iter().map(|key| Key(key.to_bytes())).collect(),
            release_needed: self.release_needed,
            approval: self.approval.iter().map(|key| Key(key.to_bytes())).collect(),
            approval_needed: self.approval_needed,
        };
        // invariant: writing into a vector does not fail.
        [MAGIC.as_slice(), &minicbor::to_vec(fields).unwrap_or_default()].concat()
    }

    /// Reads [`Self::to_body`].
    ///
    /// # Errors
    /// [`UpdateFault::Unreadable`] or [`UpdateFault::Bounds`].
    pub fn from_body(body: &[u8]) -> Result<Self, UpdateFault> {
        let unreadable = || UpdateFault::Unreadable("信頼する鍵の一覧");
        let fields = body.strip_prefix(MAGIC.as_slice()).ok_or_else(unreadable)?;
        let fields: Fields = minicbor::decode(fields).map_err(|_| unreadable())?;
        let release: Result<_, _> = fields
            .release
            .iter()
            .map(|key| ReleasePublic::from_bytes(&key.0))
            .collect();
        let approval: Result<_, _> = fields
            .approval
            .iter()
            .map(|key| ApprovalPublic::from_bytes(&key.0))
            .collect();
        Self::new(
            fields.serial,
            release.map_err(|_| unreadable())?,
            fields.release_needed,
            approval.map_err(|_| unreadable())?,
            fields.approval_needed,
        )
    }

    /// This trust and those that followed it, the newest last; what does not follow ends the line. Only the newest decides on what is
    /// taken; a program that is here already may have been taken under any of them.
    #[must_use]
    pub fn line(self, chain: &[Signed]) -> Vec<Self> {
        let mut line = vec![self];
        for signed in chain.iter().take(MAX_CHAIN) {
            let Some(newest) = line.last() else { break };
            match Self::from_body(&signed.body) {
                Ok(later) if later.serial <= newest.serial => {}
                Ok(later) if newest.lets_follow(&later, signed) => line.push(later),
                _ => break,
            }
        }
        line
    }

    /// True when enough keys of this one, of both kinds, have signed the next.
    fn lets_follow(&self, later: &Self, signed: &Signed) -> bool {
        Some(later.serial) == self.serial.checked_add(1)
            && signed.by_release(&self.release).len() >= usize::from(self.release_needed)
            && signed.by_approval(&self.approval).len() >= usize::from(self.approval_needed)
    }

    /// A release that enough of those who release have signed.
    ///
    /// # Errors
    /// [`UpdateFault`], when it is not one.
    pub fn accept_release(&self, signed: &Signed) -> Result<Release, UpdateFault> {
        let release = Release::from_body(&signed.body)?;
        enough("リリース", self.release_needed, signed.by_release(&self.release).len())?;
        Ok(release)
    }

    /// An approval of this release that enough of the hospital's keys have signed, whatever it orders.
    ///
    /// # Errors
    /// [`UpdateFault`], when it is not one.
    pub fn accept_approval(&self, release: &Signed, signed: &Signed) -> Result<Approval, UpdateFault> {
        let approval = Approval::from_body(&signed.body)?;
        enough(
            "病院の承認",
            self.approval_needed,
            signed.by_approval(&self.approval).len(),
        )?;
        if approval.release != sha256(&release.body) {
            return Err(UpdateFault::OtherRelease);
        }
        Ok(approval)
    }

    /// Both, for a release that may be taken.
    ///
    /// # Errors
    /// [`UpdateFault`], when a signature is missing, they do not belong together, or it was withdrawn.
    pub fn accept(&self, release: &Signed, approval: &Signed) -> Result<(Release, Approval), UpdateFault> {
        let accepted = self.accept_release(release)?;
        let approved = self.accept_approval(release, approval)?;
        if approved.version != accepted.version {
            return Err(UpdateFault::OtherRelease);
        }
        match approved.order {
            Order::Take => Ok((accepted, approved)),
            Order::Withdraw => Err(UpdateFault::Withdrawn(accepted.version)),
        }
    }

    /// Refuses what is not newer than the newest that was here: nothing leads back.
    ///
    /// # Errors
    /// [`UpdateFault::Older`].
    pub fn newer(offered: ProgramVersion, highest: ProgramVersion) -> Result<(), UpdateFault> {
        if offered > highest {
            Ok(())
        } else {
            Err(UpdateFault::Older { offered, highest })
        }
    }
}

fn enough(what: &'static str, needed: u8, valid: usize) -> Result<(), UpdateFault> {
    if valid >= usize::from(needed) {
        return Ok(());
    }
    Err(UpdateFault::TooFew {
        what,
        needed,
        valid: u8::try_from(valid).unwrap_or(u8::MAX),
    })
}
