//! A list of places in total order that takes an entry anywhere at once, however long it is.
//!
//! Ninety days are opened newest first, so almost every entry goes to the front of a list of millions: in one piece of memory each would
//! push all others along. Here the list lies in short pieces. What the order is, is the caller's knowledge.

use super::store::Place;

/// Places in one piece, at most: so many are pushed along when one is put in.
const MOST: usize = 1_024;

/// Places in total order.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// None is empty.
    pieces: Vec<Vec<Place>>,
}

impl Sorted {
    /// Puts a place where it belongs, behind all that stand before it.
    pub(super) fn insert(&mut self, place: Place, is_before: impl Fn(Place, Place) -> bool) {
        let begins_before = |piece: &Vec<Place>| piece.first().is_some_and(|first| is_before(*first, place));
        // Mostly at the end: then nothing is searched.
        let piece = match self.pieces.last() {
            Some(last) if begins_before(last) => self.pieces.len() - 1,
            _ => self.pieces.partition_point(begins_before).saturating_sub(1),
        };
        let Some(list) = self.pieces.get_mut(piece) else {
            self.pieces.push(vec![place]);
            return;
        };
        let at = match list.last() {
            Some(last) if is_before(*last, place) => list.len(),
            _ => list.partition_point(|other| is_before(*other, place)),
        };
        if list.len() >= MOST && at == list.len() {
            // Full pieces stay full where a list only grows.
            self.pieces.insert(piece + 1, vec![place]);
            return;
        }
        list.insert(at, place);
        if list.len() > MOST {
            let behind = list.split_off(MOST / 2);
            self.pieces.insert(piece + 1, behind);
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Place> + '_ {
        self.pieces.iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list is in order and in short pieces however its places come: an insertion pushes along one piece, never the list.
    #[test]
    fn in_order_and_in_short_pieces_whatever_comes_when() {
        const ALL: u32 = 20_000;
        let before = |one: Place, other: Place| one.index() < other.index();
        let slices = || (0..ALL / 500).rev().flat_map(|n| n * 500..(n + 1) * 500);
        let arrivals: [Vec<u32>; 4] = [
            (0..ALL).collect(),
            (0..ALL).rev().collect(),
            slices().collect(),
            (0..ALL).map(|n| n * 7_919 % ALL).collect(),
        ];
        for arrivals in arrivals {
            let mut sorted = Sorted::default();
            arrivals.iter().for_each(|n| sorted.insert(Place::new(*n), before));
            let got: Vec<usize> = sorted.iter().map(Place::index).collect();
            assert_eq!(got, (0..got.len()).collect::<Vec<_>>());
            assert_eq!(got.len(), arrivals.len());
            assert!(sorted.pieces.iter().all(|piece| (1..=MOST).contains(&piece.len())));
            assert!(
                sorted.pieces.len() <= 2 * got.len() / MOST + 1,
                "pieces are half full at least"
            );
        }
    }
}
