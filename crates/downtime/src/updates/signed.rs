//! Bytes with the signatures under them, and the rule that counts: so many different keys, each counted once.
//!
//! Whose keys count is decided by [`super::Trust`]. A signature of a key that nobody trusts is carried along and counts for nothing.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};
use vault::keys::{ApprovalPublic, ApprovalSecret, ReleasePublic, ReleaseSecret};

/// Most signatures under one body.
pub const MAX_SIGNATURES: usize = 16;

/// Largest signed body with its signatures, in bytes.
pub const MAX_SIGNED: usize = 256 << 10;

/// Why something about a new version was not accepted. Nothing was changed by it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UpdateFault {
    /// Not the bytes of this kind of thing.
    #[error(
        "{0}を読めません。壊れているか、このプログラムより新しい版で書かれています。もとの媒体から取り直してください"
    )]
    Unreadable(&'static str),
    /// Too few keys that count have signed.
    #[error(
        "{what}の署名が足りません（{needed} つ必要、有効なものは {valid} つ）。採用していません。同じ鍵の署名は1つと数えます"
    )]
    TooFew {
        /// What was signed.
        what: &'static str,
        /// How many keys must have signed.
        needed: u8,
        /// How many did.
        valid: u8,
    },
    /// The approval is for another release.
    #[error("この承認は別のリリースのものです。採用していません")]
    OtherRelease,
    /// Not newer than what is or was here.
    #[error("版 {offered} は、この端末がもう使った版 {highest} より新しくありません。戻りません")]
    Older {
        /// The version that was offered.
        offered: super::ProgramVersion,
        /// The newest that was here.
        highest: super::ProgramVersion,
    },
    /// The time for taking it is over.
    #[error("版 {0} の配布期限は過ぎました。新しいリリースを受け取ってください。今のプログラムはそのまま動きます")]
    Expired(super::ProgramVersion),
    /// An older approval than one that was seen.
    #[error("この承認は、もう受け取ったものより古いものです。採用していません")]
    OlderApproval,
    /// The hospital has withdrawn it.
    #[error("版 {0} は病院が取り下げました。採用していません")]
    Withdrawn(super::ProgramVersion),
    /// No file for this kind of machine.
    #[error("版 {0} には、この種類の端末（{1}）のプログラムがありません")]
    NoFile(super::ProgramVersion, String),
    /// The file is not the one that was signed.
    #[error("プログラムのファイルが、署名された一覧と違います（{0}）。採用していません。取り直してください")]
    OtherFile(&'static str),
    /// Bounds that the makers of a release or approval have overstepped.
    #[error("{0}")]
    Bounds(String),
    /// A trust that does not follow from the one before.
    #[error("新しい信頼（鍵の一覧）は、前のものに続くものではありません。前のものを使い続けます")]
    NotFollowing,
    /// The disk.
    #[error("プログラムの置き場所を{0}。今のプログラムはそのまま動きます")]
    Disk(String),
}

/// Bytes with signatures.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Signed {
    /// What was signed, as it was signed.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// By whom.
    #[n(1)]
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Signature {
    /// The public key.
    #[cbor(n(0), with = "minicbor::bytes")]
    by: [u8; 32],
    #[cbor(n(1), with = "minicbor::bytes")]
    signature: [u8; 64],
}

impl Signed {
    /// A body that nobody has signed yet.
    #[must_use]
    pub const fn unsigned(body: Vec<u8>) -> Self {
        Self {
            body,
            signatures: Vec::new(),
        }
    }

    /// Adds the signature of somebody who releases; one that is there already is not added again.
    ///
    /// # Errors
    /// [`UpdateFault::Bounds`] when there are [`MAX_SIGNATURES`].
    pub fn sign_release(&mut self, key: &ReleaseSecret) -> Result<(), UpdateFault> {
        let signature = key.sign(&self.body);
        self.add(key.public().to_bytes(), signature)
    }

    /// Adds the signature of the hospital.
    ///
    /// # Errors
    /// [`UpdateFault::Bounds`] when there are [`MAX_SIGNATURES`].
    pub fn sign_approval(&mut self, key: &ApprovalSecret) -> Result<(), UpdateFault> {
        let signature = key.sign(&self.body);
        self.add(key.public().to_bytes(), signature)
    }

    fn add(&mut self, by: [u8; 32], signature: [u8; 64]) -> Result<(), UpdateFault> {
        let made = Signature { by, signature };
        if self.signatures.contains(&made) {
            return Ok(());
        }
        if self.signatures.len() >= MAX_SIGNATURES {
            return Err(UpdateFault::Bounds(format!("署名は {MAX_SIGNATURES} までです")));
        }
        self.signatures.push(made);
        Ok(())
    }

    /// Which of these release keys have signed.
    #[must_use]
    pub fn by_release(&self, keys: &[ReleasePublic]) -> Vec<ReleasePublic> {
        self.unique(keys, |key, signature| {
            key.to_bytes() == signature.by && key.verify(&self.body, &signature.signature).is_ok()
        })
    }

    /// Which of these approval keys have signed.
    #[must_use]
    pub fn by_approval(&self, keys: &[ApprovalPublic]) -> Vec<ApprovalPublic> {
        self.unique(keys, |key, signature| {
            key.to_bytes() == signature.by && key.verify(&self.body, &signature.signature).is_ok()
        })
    }

    /// Keys that have signed, each once: however often a key stands in the list or under the body, it is one.
    fn unique<K: Copy>(&self, keys: &[K], signed: impl Fn(&K, &Signature) -> bool) -> Vec<K> {
        let mut counted = BTreeSet::new();
        let mut found = Vec::new();
        for signature in self.signatures.iter().take(MAX_SIGNATURES) {
            if let Some(key) = keys.iter().find(|key| signed(key, signature))
                && counted.insert(signature.by)
            {
                found.push(*key);
            }
        }
        found
    }

    /// CBOR, as files and the line carry it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // invariant: writing into a vector does not fail.
        minicbor::to_vec(self).unwrap_or_default()
    }

    /// Reads [`Self::to_bytes`].
    ///
    /// # Errors
    /// [`UpdateFault::Unreadable`] when it is not that, or larger than [`MAX_SIGNED`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, UpdateFault> {
        if bytes.len() > MAX_SIGNED {
            return Err(UpdateFault::Unreadable("署名つきのファイル"));
        }
        minicbor::decode(bytes).map_err(|_| UpdateFault::Unreadable("署名つきのファイル"))
    }
}
