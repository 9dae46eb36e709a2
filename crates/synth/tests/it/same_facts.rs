//! Both shapes say the same: whatever both can carry is turned into one plain form and compared, for every patient.

mod plain;
mod shape_a;
mod shape_b;

use crate::files::{export, small};
use std::collections::BTreeMap;
use synth::{Plan, Shape};

/// Facts in plain words by patient number.
type Facts = BTreeMap<String, Vec<String>>;

#[test]
fn both_shapes_hold_the_same_facts() {
    let plan = Plan {
        patients: 150,
        ..small()
    };
    let left = shape_a::facts_a(&export(&plan, Shape::A));
    let right = shape_b::facts_b(&export(&plan, Shape::B));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    let mut compared = 0;
    for (id, a) in left {
        let mut b: Vec<String> = right[&id].iter().map(|fact| as_old(fact)).collect();
        assert_eq!(a.len(), b.len(), "{id}");
        for fact in &a {
            let exact = b.iter().position(|other| other == fact);
            let found = exact.or_else(|| b.iter().position(|other| like(fact, other)));
            assert!(found.is_some(), "{id}: only in A: {fact}\nB has {b:#?}");
            b.swap_remove(found.unwrap_or_default());
            compared += 1;
        }
    }
    assert!(compared > 3000, "only {compared} facts");
}

/// As it reads after CP932, but for characters that CP932 lacks.
fn as_old(fact: &str) -> String {
    let kept = fact.chars().filter(|c| !('\u{e0100}'..='\u{e01ef}').contains(c));
    kept.map(|c| match c {
        '〜' => '～',
        '−' => '－',
        other => other,
    })
    .collect()
}

/// Equal, except where shape A says that a character was lost.
fn like(a: &str, b: &str) -> bool {
    let lost = |g: char, e: char| matches!(g, '■' | '〓' | '\u{e000}') && e == '𠮷';
    a.chars().count() == b.chars().count() && a.chars().zip(b.chars()).all(|(g, e)| g == e || lost(g, e))
}
