//! The tree against the vectors everybody else uses, against its definition, and against every small forgery.

use proptest::prelude::*;
use vault::tree::{
    BadProof, Hash, MAX_PROOF, Tree, empty_root, leaf_hash, node_hash, verify_consistency, verify_inclusion,
};

use crate::vectors::hex;

/// The eight leaves of the reference tests of certificate transparency.
const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];

const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn tree_of(leaves: u64) -> Tree {
    let mut tree = Tree::new();
    for n in 0..leaves {
        assert_eq!(tree.push(&leaf(n)), n);
    }
    tree
}

fn leaf(n: u64) -> Vec<u8> {
    format!("record {n}").into_bytes()
}

fn shown(proof: Option<Vec<Hash>>) -> Vec<String> {
    proof.unwrap().iter().map(|hash| hex(hash)).collect()
}

#[test]
fn the_vectors_of_certificate_transparency() {
    let mut tree = Tree::new();
    assert_eq!(
        hex(&tree.root(0).unwrap()),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    for (leaf, root) in LEAVES.iter().zip(ROOTS) {
        let index = tree.push(leaf);
        assert_eq!(hex(&tree.root(index + 1).unwrap()), root);
    }
    for (size, root) in (1..).zip(ROOTS) {
        assert_eq!(hex(&tree.root(size).unwrap()), root, "roots of the past stay");
    }
    assert_eq!(shown(tree.inclusion(0, 1)), [""; 0]);
    assert_eq!(
        shown(tree.inclusion(0, 8)),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    assert_eq!(
        shown(tree.inclusion(5, 8)),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert_eq!(
        shown(tree.consistency(1, 8)),
        [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ]
    );
    assert_eq!(
        shown(tree.consistency(6, 8)),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
    );
    assert_eq!(
        shown(tree.consistency(2, 5)),
        [
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ]
    );
}

/// RFC 6962 §2.1 word for word: slow, and obviously what it says.
mod definition {
    use super::*;

    fn k(n: usize) -> usize {
        (0..).map(|e| 1 << e).take_while(|power| *power < n).last().unwrap()
    }

    pub fn mth(d: &[Hash]) -> Hash {
        match d {
            [] => empty_root(),
            [one] => *one,
            d => node_hash(&mth(&d[..k(d.len())]), &mth(&d[k(d.len())..])),
        }
    }

    pub fn path(m: usize, d: &[Hash]) -> Vec<Hash> {
        if d.len() == 1 {
            return Vec::new();
        }
        let (left, right) = d.split_at(k(d.len()));
        let (mut path, sibling) = if m < left.len() {
            (path(m, left), mth(right))
        } else {
            (path(m - left.len(), right), mth(left))
        };
        path.push(sibling);
        path
    }

    pub fn subproof(m: usize, d: &[Hash], whole: bool) -> Vec<Hash> {
        if m == d.len() {
            return if whole { Vec::new() } else { vec![mth(d)] };
        }
        let (left, right) = d.split_at(k(d.len()));
        let (mut proof, sibling) = if m <= left.len() {
            (subproof(m, left, whole), mth(right))
        } else {
            (subproof(m - left.len(), right, false), mth(left))
        };
        proof.push(sibling);
        proof
    }
}

const ALL: u64 = 64;

#[test]
fn every_root_and_proof_up_to_64_leaves_is_what_the_definition_says_and_verifies() {
    let tree = tree_of(ALL);
    let hashes: Vec<Hash> = (0..ALL).map(|n| leaf_hash(&leaf(n))).collect();
    for size in 0..=ALL {
        let d = &hashes[..size as usize];
        let root = tree.root(size).unwrap();
        assert_eq!(root, definition::mth(d), "root of {size}");
        for m in 0..size {
            let proof = tree.inclusion(m, size).unwrap();
            assert_eq!(proof, definition::path(m as usize, d), "{m} in {size}");
            verify_inclusion(&hashes[m as usize], m, size, &proof, &root).unwrap();
        }
        for old in 0..=size {
            let proof = tree.consistency(old, size).unwrap();
            if old > 0 {
                assert_eq!(proof, definition::subproof(old as usize, d, true), "{old} to {size}");
            }
            verify_consistency(old, &tree.root(old).unwrap(), size, &root, &proof).unwrap();
        }
    }
    assert_eq!(tree.root(65), None);
    assert_eq!(tree.inclusion(64, 64), None);
    assert_eq!(tree.inclusion(0, 65), None);
    assert_eq!(tree.consistency(3, 65), None);
    assert_eq!(tree.consistency(4, 3), None);
    assert_eq!(tree.leaf(63), Some(&hashes[63]));
    assert_eq!(tree.leaf(64), None);
}

/// Everything a proof can be changed into by one step: each flipped bit, one hash less, more, or in another place.
fn forgeries(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..proof.len() {
        for bit in 0..256 {
            let mut changed = proof.to_vec();
            changed[at][bit / 8] ^= 1 << (bit % 8);
            all.push(changed);
        }
        let mut shorter = proof.to_vec();
        shorter.remove(at);
        all.push(shorter);
        let mut longer = proof.to_vec();
        longer.insert(at, proof[at]);
        all.push(longer);
        if at > 0 {
            let mut swapped = proof.to_vec();
            swapped.swap(at - 1, at);
            all.push(swapped);
        }
    }
    all.push([proof, &[[0; 32]]].concat());
    all.push([proof, &[[0; 32]; MAX_PROOF + 1]].concat());
    all
}

#[test]
fn no_changed_inclusion_proof_and_no_other_place_is_accepted() {
    let tree = tree_of(23);
    for size in [1, 2, 7, 8, 13, 23] {
        let root = tree.root(size).unwrap();
        for m in 0..size {
            let (hash, proof) = (*tree.leaf(m).unwrap(), tree.inclusion(m, size).unwrap());
            for changed in forgeries(&proof) {
                assert_eq!(
                    verify_inclusion(&hash, m, size, &changed, &root),
                    Err(BadProof),
                    "{m} in {size}"
                );
            }
            for (other, other_size) in (0..24).flat_map(|other| (0..24).map(move |size| (other, size))) {
                let another_root = tree.root(other_size).unwrap_or_default();
                if (other, other_size) != (m, size) {
                    assert!(verify_inclusion(&hash, other, other_size, &proof, &another_root).is_err());
                }
                if other != m {
                    let refused = verify_inclusion(&hash, other, size, &proof, &root);
                    assert!(refused.is_err(), "{m} of {size} as {other}");
                }
            }
            let mut changed = root;
            changed[31] ^= 1;
            assert!(verify_inclusion(&hash, m, size, &proof, &changed).is_err());
            assert!(verify_inclusion(&leaf_hash(b"another"), m, size, &proof, &root).is_err());
        }
    }
    assert!(verify_inclusion(&[0; 32], u64::MAX, u64::MAX, &[], &[0; 32]).is_err());
    assert!(verify_inclusion(&[0; 32], 0, u64::MAX, &[[0; 32]; MAX_PROOF], &[0; 32]).is_err());
}

#[test]
fn no_changed_consistency_proof_and_no_other_sizes_are_accepted() {
    let tree = tree_of(24);
    let root = |size: u64| tree.root(size).unwrap();
    for (old, new) in [
        (1, 2),
        (1, 8),
        (3, 7),
        (4, 7),
        (6, 8),
        (8, 23),
        (13, 23),
        (22, 23),
        (7, 7),
        (0, 5),
        (0, 0),
    ] {
        let proof = tree.consistency(old, new).unwrap();
        let check = |old, old_root: &Hash, new, new_root: &Hash, proof: &[Hash]| {
            verify_consistency(old, old_root, new, new_root, proof)
        };
        check(old, &root(old), new, &root(new), &proof).unwrap();
        for changed in forgeries(&proof) {
            let refused = check(old, &root(old), new, &root(new), &changed);
            assert_eq!(refused, Err(BadProof), "{old} to {new}");
        }
        for bit in 0..256 {
            let flip = |mut hash: Hash| {
                hash[bit / 8] ^= 1 << (bit % 8);
                hash
            };
            assert!(
                check(old, &flip(root(old)), new, &root(new), &proof).is_err(),
                "old root"
            );
            if old > 0 {
                assert!(
                    check(old, &root(old), new, &flip(root(new)), &proof).is_err(),
                    "new root"
                );
            }
        }
        for (a, b) in (0..24).flat_map(|a| (a..24).map(move |b| (a, b))) {
            let accepted = check(a, &root(a), b, &root(b), &proof).is_ok();
            assert_eq!(
                accepted,
                tree.consistency(a, b).unwrap() == proof,
                "{old}, {new} as {a}, {b}"
            );
        }
        assert!(
            check(new + 1, &root(new + 1), new, &root(new), &proof).is_err(),
            "backwards"
        );
    }
    assert!(verify_consistency(u64::MAX - 1, &[0; 32], u64::MAX, &[1; 32], &[]).is_err());
    assert!(verify_consistency(1 << 63, &[0; 32], u64::MAX, &[1; 32], &[[0; 32]; MAX_PROOF]).is_err());
    assert!(
        verify_consistency(5, &[0; 32], 5, &[1; 32], &[]).is_err(),
        "one size, two roots"
    );
    assert!(
        verify_consistency(0, &[0; 32], 5, &[1; 32], &[]).is_err(),
        "not the empty tree"
    );
}

#[test]
fn a_million_leaves_cost_a_logarithm() {
    let mut tree = Tree::new();
    let mut word = [0; 32];
    for n in 0..1_000_000_u32 {
        word[..4].copy_from_slice(&n.to_le_bytes());
        tree.push_hash(word);
    }
    let root = tree.root(1_000_000).unwrap();
    for old in (1..1_000_000).step_by(9_973) {
        let proof = tree.consistency(old, 1_000_000).unwrap();
        assert!(proof.len() <= 21);
        verify_consistency(old, &tree.root(old).unwrap(), 1_000_000, &root, &proof).unwrap();
        let proof = tree.inclusion(old, 1_000_000).unwrap();
        assert!(proof.len() <= 20);
        verify_inclusion(tree.leaf(old).unwrap(), old, 1_000_000, &proof, &root).unwrap();
    }
}

proptest! {
    /// A log that was changed anywhere before a remembered size cannot prove that it continues it.
    #[test]
    fn a_rewritten_past_has_no_proof(size in 2_u64..200, old in 1_u64..200, at in 0_u64..200) {
        let (old, at) = (old.min(size), at % old.min(size));
        let honest = tree_of(size);
        let mut forged = Tree::new();
        for n in 0..size {
            forged.push(&if n == at { b"rewritten".to_vec() } else { leaf(n) });
        }
        let remembered = honest.root(old).unwrap();
        let proof = forged.consistency(old, size).unwrap();
        prop_assert!(verify_consistency(old, &remembered, size, &forged.root(size).unwrap(), &proof).is_err());
        let proof = honest.consistency(old, size).unwrap();
        prop_assert!(verify_consistency(old, &remembered, size, &forged.root(size).unwrap(), &proof).is_err());
        prop_assert!(verify_consistency(old, &remembered, size, &honest.root(size).unwrap(), &proof).is_ok());
    }
}
