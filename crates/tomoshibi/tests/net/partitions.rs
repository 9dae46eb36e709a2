//! The network falls into pieces, people go on, and it comes back: every way in which five stations can be grouped, in both directions or
//! in one, before, during and after new data are published.
//!
//! 52 groupings × 2 × 3 = 312 courses, each with a number. A course: the wires are cut; at every station people write notes, receive,
//! register, print; the hub seals; the wires are mended. Then nothing that a desk said was saved may be missing anywhere, no number may
//! have been given twice, every station must hold byte for byte the same, and must have the newest data.

use std::collections::BTreeSet;

use crate::effort::{Dice, count, pause};
use crate::hospital::WARDS;
use crate::story::Story;

/// Courses in every run of the suite; torture tries all.
const IN_THE_SUITE: usize = 2;

/// When the network breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    BeforeTheSealing,
    WhileItIsFetched,
    AfterwardsOnly,
}

/// One course of events.
#[derive(Debug, Clone)]
struct Course {
    number: usize,
    /// For each of the five stations the number of its group; groups are numbered in the order in which they appear.
    groups: [usize; 5],
    /// A group is reached by earlier ones and does not reach them.
    one_way: bool,
    when: When,
}

impl Course {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for groups in groupings() {
            for one_way in [false, true] {
                for when in [When::BeforeTheSealing, When::WhileItIsFetched, When::AfterwardsOnly] {
                    let number = all.len();
                    all.push(Self {
                        number,
                        groups,
                        one_way,
                        when,
                    });
                }
            }
        }
        all
    }

    /// The group of a place: the hub goes with the first station, the other hub with the last.
    fn group(&self, place: usize) -> usize {
        match place {
            0 => self.groups[0],
            1 => self.groups[4],
            ward => self.groups[ward - WARDS.start],
        }
    }

    fn may(&self, from: usize, to: usize) -> bool {
        let (from, to) = (self.group(from), self.group(to));
        from == to || (self.one_way && from < to)
    }
}

/// Every way to put five into groups: 52, the fifth Bell number.
fn groupings() -> Vec<[usize; 5]> {
    let mut all = Vec::new();
    for n in 0..5_usize.pow(5) {
        let groups: [usize; 5] = std::array::from_fn(|at| n / 5_usize.pow(4 - at as u32) % 5);
        let mut highest = 0;
        let ordered = groups.iter().enumerate().all(|(at, group)| {
            let next = if at == 0 { 0 } else { highest + 1 };
            let fits = *group <= next;
            highest = highest.max(*group);
            fits
        });
        if ordered {
            all.push(groups);
        }
    }
    all
}

#[test]
fn five_stations_have_fifty_two_groupings() {
    let all: BTreeSet<[usize; 5]> = groupings().into_iter().collect();
    assert_eq!((all.len(), groupings().len()), (52, 52));
    assert_eq!(Course::all().len(), 312);
}

/// In torture all of them, in the suite a few that differ: 103 and 312 have no common divisor.
pub fn courses(story: &mut Story, dice: &mut Dice) -> usize {
    let all = Course::all();
    let wanted = count(IN_THE_SUITE, all.len());
    let first = dice.roll(all.len());
    for n in 0..wanted {
        let course = &all[if wanted == all.len() {
            n
        } else {
            (first + n * 103) % all.len()
        }];
        println!("course {} of 312: {course:?}", course.number);
        follow(story, course, dice);
    }
    wanted
}

fn follow(story: &mut Story, course: &Course, dice: &mut Dice) {
    let hospital = std::sync::Arc::clone(&story.hospital);
    match course.when {
        When::BeforeTheSealing => {
            hospital.wires.only(|from, to| course.may(from, to));
            hospital.seal();
        }
        When::WhileItIsFetched => {
            hospital.seal();
            pause(dice.roll(1_500) as u64);
            hospital.wires.only(|from, to| course.may(from, to));
        }
        When::AfterwardsOnly => {
            let epoch = story.sealed();
            story.everybody_has(epoch);
            hospital.wires.only(|from, to| course.may(from, to));
        }
    }
    story.work(dice);
    hospital.wires.heal();
    story.comes_together(&format!("course {}", course.number));
}
