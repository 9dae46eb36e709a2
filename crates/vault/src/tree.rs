//! A Merkle tree over a log's records, so that anybody who saw the log once can check that nothing was taken back.
//!
//! The tree of RFC 6962 §2.1: leaf hash SHA-256(0x00 ‖ leaf), node hash SHA-256(0x01 ‖ left ‖ right), an unbalanced
//! tree split at the largest power of two below its size. [`Tree`] only grows. It keeps the hash of every complete
//! subtree, 64 bytes per leaf, so that any root, any [`Tree::inclusion`] and any [`Tree::consistency`] proof costs
//! some logarithm of the size. [`verify_inclusion`] and [`verify_consistency`] are the algorithms of RFC 9162
//! §2.1.3.2 and §2.1.4.2, step by step, and need no tree.
//!
//! A root does not hold its size: some proofs hold for several sizes. A size is believed because it is signed together
//! with its root.
//!
//! It deliberately knows no signature (see [`crate::checkpoint`]), stores nothing, and has no shortcut besides the two
//! plain proofs: a log that offered one (a linear part, checked by other rules) was forged through it.

use sha2::{Digest, Sha256};

/// SHA-256.
pub type Hash = [u8; 32];

/// Longest proof there can be: one hash per level of a tree of 2⁶⁴ leaves, and one to start from.
pub const MAX_PROOF: usize = 65;

/// Why a proof was not accepted. Nothing it was to prove is known to be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this proof does not show what it should show about the log; nothing was accepted; ask for another copy")]
pub struct BadProof;

/// A tree that only grows.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Level k holds the hashes of the complete subtrees of 2ᵏ leaves, from the left.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// An empty tree.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of leaves.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Whether there is no leaf yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a leaf and returns its index.
    pub fn push(&mut self, leaf: &[u8]) -> u64 {
        self.push_hash(leaf_hash(leaf))
    }

    /// Appends a leaf that is already hashed by [`leaf_hash`] and returns its index.
    pub fn push_hash(&mut self, leaf: Hash) -> u64 {
        let index = self.len();
        let mut carried = leaf;
        let mut level = 0;
        loop {
            if self.levels.len() == level {
                self.levels.push(Vec::new());
            }
            let Some(row) = self.levels.get_mut(level) else { break };
            row.push(carried);
            let [.., left, right] = row.as_slice() else { break };
            if row.len() % 2 == 1 {
                break;
            }
            carried = node_hash(left, right);
            level += 1;
        }
        index
    }

    /// The hash of a leaf.
    #[must_use]
    pub fn leaf(&self, index: u64) -> Option<&Hash> {
        self.levels.first()?.get(usize::try_from(index).ok()?)
    }

    /// The root over the first `size` leaves; `None` when there are fewer. The root over none is SHA-256 of nothing.
    #[must_use]
    pub fn root(&self, size: u64) -> Option<Hash> {
        match size {
            0 => Some(empty_root()),
            size if size > self.len() => None,
            size => self.range(0, size),
        }
    }

    /// The proof that leaf `index` is in the tree of the first `size` leaves; `None` when it is not.
    #[must_use]
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        if index >= size || size > self.len() {
            return None;
        }
        let mut path = Vec::new();
        let (mut from, mut to) = (0, size);
        while to - from > 1 {
            let middle = from + split(to - from);
            if index < middle {
                path.push(self.range(middle, to)?);
                to = middle;
            } else {
                path.push(self.range(from, middle)?);
                from = middle;
            }
        }
        path.reverse();
        Some(path)
    }

    /// The proof that the tree of the first `new` leaves continues that of the first `old`; `None` when `old > new` or
    /// there are fewer leaves. Nothing needs proving from an empty tree or between equal ones: the proof is empty.
    #[must_use]
    pub fn consistency(&self, old: u64, new: u64) -> Option<Vec<Hash>> {
        if old > new || new > self.len() {
            return None;
        }
        let mut path = Vec::new();
        if old == 0 || old == new {
            return Some(path);
        }
        let (mut from, mut to) = (0, new);
        // Ends when what is left of the old tree is a complete subtree that both trees have.
        while old != to {
            let middle = from + split(to - from);
            if old <= middle {
                path.push(self.range(middle, to)?);
                to = middle;
            } else {
                path.push(self.range(from, middle)?);
                from = middle;
            }
        }
        // Starting at leaf 0, that subtree is the old tree itself, whose root the reader has.
        if from > 0 {
            path.push(self.range(from, to)?);
        }
        path.reverse();
        Some(path)
    }

    /// The root over the leaves `from..to`, where `from` is a place at which the tree splits.
    fn range(&self, from: u64, to: u64) -> Option<Hash> {
        let len = to.checked_sub(from).filter(|len| *len > 0)?;
        if len.is_power_of_two() {
            let level = len.trailing_zeros();
            let row = self.levels.get(usize::try_from(level).ok()?)?;
            return row.get(usize::try_from(from >> level).ok()?).copied();
        }
        let middle = from + split(len);
        Some(node_hash(&self.range(from, middle)?, &self.range(middle, to)?))
    }
}

/// The hash of a leaf: SHA-256(0x00 ‖ leaf).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// The hash of a node: SHA-256(0x01 ‖ left ‖ right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let hasher = Sha256::new().chain_update([1]).chain_update(left);
    hasher.chain_update(right).finalize().into()
}

/// The root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Checks that the leaf with this hash stands at `index` in the tree of `size` leaves with this root (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`BadProof`].
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> Result<(), BadProof> {
    if index >= size {
        return Err(BadProof);
    }
    let (mut fnode, mut snode) = (index, size - 1);
    let mut r = *leaf;
    for p in proof {
        if snode == 0 {
            return Err(BadProof);
        }
        if is_right(fnode) || fnode == snode {
            r = node_hash(p, &r);
            up_to_right(&mut fnode, &mut snode);
        } else {
            r = node_hash(&r, p);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode == 0 && r == *root {
        Ok(())
    } else {
        Err(BadProof)
    }
}

/// Checks that the tree of `new` leaves with `new_root` begins with the tree of `old` leaves with `old_root`
/// (RFC 9162 §2.1.4.2). Equal sizes need equal roots and an empty proof; from an empty tree everything continues, and
/// the proof is empty as well.
///
/// # Errors
/// [`BadProof`].
pub fn verify_consistency(
    old: u64,
    old_root: &Hash,
    new: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), BadProof> {
    let empty = (old == 0, new == 0);
    if old > new
        || (empty.0 && *old_root != empty_root())
        || (empty.1 && *new_root != empty_root())
        || (old == new && old_root != new_root)
    {
        return Err(BadProof);
    }
    if old == 0 || old == new {
        return if proof.is_empty() { Ok(()) } else { Err(BadProof) };
    }
    let (first, rest) = if old.is_power_of_two() && !proof.is_empty() {
        (old_root, proof)
    } else {
        proof.split_first().ok_or(BadProof)?
    };
    let (mut fnode, mut snode) = (old - 1, new - 1);
    let levels = fnode.trailing_ones();
    fnode >>= levels;
    snode >>= levels;
    let (mut fr, mut sr) = (*first, *first);
    for c in rest {
        if snode == 0 {
            return Err(BadProof);
        }
        if is_right(fnode) || fnode == snode {
            fr = node_hash(c, &fr);
            sr = node_hash(c, &sr);
            up_to_right(&mut fnode, &mut snode);
        } else {
            sr = node_hash(&sr, c);
        }
        fnode >>= 1;
        snode >>= 1;
    }
    if snode == 0 && fr == *old_root && sr == *new_root {
        Ok(())
    } else {
        Err(BadProof)
    }
}

/// The largest power of two below `len`, which is at least 2.
fn split(len: u64) -> u64 {
    1 << (63 - (len - 1).leading_zeros())
}

fn is_right(node: u64) -> bool {
    node & 1 == 1
}

/// A last node without a sibling stands in for its parents until one is a right child (or the root).
fn up_to_right(fnode: &mut u64, snode: &mut u64) {
    while !is_right(*fnode) && *fnode != 0 {
        *fnode >>= 1;
        *snode >>= 1;
    }
}
