//! Number ranges of stations: which numbers of a node and day are one station's, and what stands before its reception numbers.
//!
//! The twelve digits of a form number stay as they are (`chart::FormId`): two digits of node, four of sequence. A desk that prints all
//! day has a whole node; a ward terminal has a few hundred sequences of a node that it shares with others. Who has which is in the
//! roster; nobody is asked when a number is issued. Nothing is counted here.

use std::fmt;
use std::ops::Range;

use minicbor::data::Type;
use minicbor::encode::{Error as EncodeError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::MAX_NODE;

/// Sequences of one node in one day.
pub const NODE: u16 = 10_000;
/// Blocks begin and end at multiples of this.
pub const GRAIN: u16 = 100;
/// The block of a station that prints now and then: 350 sheets and 150 blank ones a day.
pub const SMALL_BLOCK: u16 = 500;

/// The sequences of one node that belong to one station: `first`, and so many from there.
///
/// The lower seven tenths are for screens, the upper three for blank sheets printed beforehand, so that both count upward without
/// asking each other (decision 0014).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    node: u8,
    first: u16,
    len: u16,
}

impl Block {
    /// Every sequence of a node; what every station of a roster from before there were blocks has. `None` when the node is not a
    /// station's.
    #[must_use]
    pub const fn whole(node: u8) -> Option<Self> {
        Self::new(node, 0, NODE)
    }

    /// A part of a node. `None` when it is not one: a node out of 1–[`MAX_NODE`], bounds that are no multiples of [`GRAIN`], nothing
    /// in it, or more than the node has.
    #[must_use]
    pub const fn new(node: u8, first: u16, len: u16) -> Option<Self> {
        let fits = node > 0
            && node <= MAX_NODE
            && first.is_multiple_of(GRAIN)
            && len.is_multiple_of(GRAIN)
            && len > 0
            && first < NODE
            && len <= NODE - first;
        if fits { Some(Self { node, first, len }) } else { None }
    }

    /// The node.
    #[must_use]
    pub const fn node(&self) -> u8 {
        self.node
    }

    /// How many sequences.
    #[must_use]
    pub const fn len(&self) -> u16 {
        self.len
    }

    /// Never: a block without a number is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether it is all of its node.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.len == NODE
    }

    /// Sequences for sheets and visits. 0 is never issued.
    #[must_use]
    pub const fn sheets(&self) -> Range<u32> {
        let first = if self.first == 0 { 1 } else { self.first as u32 };
        first..self.first_blank()
    }

    /// Sequences for blank sheets printed beforehand.
    #[must_use]
    pub const fn blanks(&self) -> Range<u32> {
        self.first_blank()..self.first as u32 + self.len as u32
    }

    const fn first_blank(&self) -> u32 {
        // `len` is a multiple of 100, so this is exact.
        self.first as u32 + self.len as u32 / 10 * 7
    }

    /// Whether some number is in both.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.node == other.node && self.first < other.first + other.len && other.first < self.first + self.len
    }
}

/// `3` for a whole node, `79/0500–0999` for a part.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return write!(f, "{}", self.node);
        }
        write!(f, "{}/{:04}–{:04}", self.node, self.first, self.first + self.len - 1)
    }
}

/// A whole node is its number, as rosters have always had it. A part is an array: a program from before there were blocks cannot read
/// such a roster, and must not, because it would count in the whole node.
impl<C> Encode<C> for Block {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        if self.is_whole() {
            return e.u8(self.node)?.ok();
        }
        e.array(3)?.u8(self.node)?.u16(self.first)?.u16(self.len)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Block {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let block = if d.datatype()? == Type::Array {
            if d.array()? != Some(3) {
                return Err(minicbor::decode::Error::message("not a block of numbers"));
            }
            Self::new(d.u8()?, d.u16()?, d.u16()?)
        } else {
            Self::whole(d.u8()?)
        };
        block.ok_or_else(|| minicbor::decode::Error::message("not a block of numbers"))
    }
}

/// Letters that are proposed: none that is read as another or as a digit (B 8, I 1, O 0, Q 0, S 5, V U, Z 2).
pub const CLEAR_LETTERS: &[u8] = b"ACDEFGHJKLMNPRTUWXY";
/// Second characters that are proposed: the letters and the digits that none of them is read as.
pub const CLEAR_SECOND: &[u8] = b"ACDEFGHJKLMNPRTUWXY23456789";

/// What stands before a station's reception numbers: `A`, `C4`, or the station's own code where letters have run out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(String);

/// Most characters of a label: a station's code and one more.
const MAX_LABEL: usize = 4;

impl Label {
    /// Reads one to four capital letters and digits; lower case is raised.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let fits = (1..=MAX_LABEL).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && text.bytes().any(|b| b.is_ascii_uppercase());
        fits.then_some(Self(text))
    }

    /// As it is printed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a tired eye takes one for the other.
    #[must_use]
    pub fn looks_like(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.bytes().map(looks).eq(other.0.bytes().map(looks))
    }

    /// Every label that is proposed, the shortest first: one letter, then two characters.
    pub fn proposals() -> impl Iterator<Item = Self> {
        let text = |bytes: &[u8]| Self(bytes.iter().map(|b| char::from(*b)).collect());
        let one = CLEAR_LETTERS.iter().map(move |a| text(&[*a]));
        let two = CLEAR_LETTERS
            .iter()
            .flat_map(move |a| CLEAR_SECOND.iter().map(move |b| text(&[*a, *b])));
        one.chain(two)
    }
}

/// The one character that stands for all that look like it.
const fn looks(byte: u8) -> u8 {
    match byte {
        b'8' => b'B',
        b'1' => b'I',
        b'0' | b'Q' => b'O',
        b'5' => b'S',
        b'V' => b'U',
        b'2' => b'Z',
        other => other,
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One letter is a character, as rosters have always had it; anything longer is text, which a program from before cannot read.
impl<C> Encode<C> for Label {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), EncodeError<W::Error>> {
        let mut chars = self.0.chars();
        match (chars.next(), chars.next()) {
            (Some(one), None) => e.char(one)?.ok(),
            _ => e.str(&self.0)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Label {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let text = match d.datatype()? {
            Type::String => d.str()?.to_owned(),
            _ => d.char()?.to_string(),
        };
        Self::parse(&text).ok_or_else(|| minicbor::decode::Error::message("not the letters of a station"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_old_roster_means_the_whole_node_and_its_numbers_are_as_before() {
        let block = Block::whole(3).unwrap();
        assert_eq!(block.sheets(), 1..chart::id::FIRST_BLANK);
        assert_eq!(block.blanks(), chart::id::FIRST_BLANK..10_000);
        assert_eq!(minicbor::to_vec(block).unwrap(), minicbor::to_vec(3_u8).unwrap());
        assert_eq!(
            minicbor::to_vec(Label::parse("c").unwrap()).unwrap(),
            minicbor::to_vec('C').unwrap()
        );
        // A program that knows only whole nodes and single letters refuses the rest.
        let part = minicbor::to_vec(Block::new(79, 500, 500).unwrap()).unwrap();
        assert!(minicbor::decode::<u8>(&part).is_err());
        assert!(minicbor::decode::<char>(&minicbor::to_vec(Label::parse("C4").unwrap()).unwrap()).is_err());
        for node in [0, MAX_NODE + 1, 99] {
            assert_eq!(Block::whole(node), None, "{node}");
        }
    }

    #[test]
    fn every_label_that_is_proposed_is_told_from_every_other() {
        let all: Vec<Label> = Label::proposals().collect();
        let seen: BTreeSet<Vec<u8>> = all.iter().map(|l| l.0.bytes().map(looks).collect()).collect();
        assert_eq!(seen.len(), all.len());
        assert!(all.len() > 500, "{}", all.len());
        assert!(!Label::parse("B").unwrap().looks_like(&Label::parse("8B").unwrap()));
        assert!(Label::parse("A8").unwrap().looks_like(&Label::parse("AB").unwrap()));
        assert_eq!(
            Label::parse("123"),
            None,
            "digits alone would be read as part of the number"
        );
        assert_eq!(Label::parse("ABCDE"), None);
    }

    prop_compose! {
        fn any_block()(node in 1..=MAX_NODE, first in 0_u16..100, len in 1_u16..=100) -> Block {
            let len = len.min(100 - first);
            Block::new(node, first * GRAIN, len * GRAIN).unwrap()
        }
    }

    proptest! {
        #[test]
        fn blocks_come_back_and_share_a_number_only_where_they_overlap(a in any_block(), b in any_block()) {
            let bytes = minicbor::to_vec(a).unwrap();
            prop_assert_eq!(minicbor::decode::<Block>(&bytes).unwrap(), a);
            let numbers = |x: Block| x.sheets().chain(x.blanks()).map(|n| (x.node(), n)).collect::<BTreeSet<_>>();
            prop_assert!(a.sheets().end == a.blanks().start && !a.sheets().is_empty() && !a.blanks().is_empty());
            prop_assert_eq!(!numbers(a).is_disjoint(&numbers(b)), a.overlaps(&b));
        }
    }
}
