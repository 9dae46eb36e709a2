//! 同姓同名注意: who in today's universe could be mistaken for whom.
//!
//! Universe: everybody booked on the day (and inpatients, when there are). Flagging the whole database would flag a third
//! of the people and be ignored.

use std::collections::HashMap;

use chart::Sex;

/// How many others resemble a person, per kind of resemblance; counts stop at 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Alike {
    /// 同姓同名: others whose folded kanji are equal.
    pub same_name: u8,
    /// 読み同じ: others whose folded kana are equal but whose kanji differ.
    pub same_reading: u8,
    /// 似た名前: others one edit away in kana with the same sex, or with the same family name and birth date.
    pub near: u8,
}

/// The strongest kind of resemblance, for a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resemblance {
    /// 同姓同名
    SameName,
    /// 読み同じ
    SameReading,
    /// 似た名前
    Near,
}

impl Alike {
    /// The strongest resemblance and how many people share it, the person included.
    #[must_use]
    pub fn strongest(self) -> Option<(Resemblance, u16)> {
        if self.same_name > 0 {
            Some((Resemblance::SameName, u16::from(self.same_name) + 1))
        } else if self.same_reading > 0 {
            Some((Resemblance::SameReading, u16::from(self.same_reading) + 1))
        } else if self.near > 0 {
            Some((Resemblance::Near, u16::from(self.near) + 1))
        } else {
            None
        }
    }

    /// 同姓同名 2人, or empty.
    #[must_use]
    pub fn label(self) -> String {
        match self.strongest() {
            Some((Resemblance::SameName, n)) => format!("同姓同名 {n}人"),
            Some((Resemblance::SameReading, n)) => format!("読み同じ {n}人"),
            Some((Resemblance::Near, n)) => format!("似た名前 {n}人"),
            None => String::new(),
        }
    }
}

/// What decides whether two people resemble each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person<'a> {
    pub name_key: &'a str,
    pub kana_key: &'a str,
    pub family: &'a str,
    pub birth: u32,
    pub sex: Sex,
}

/// Resemblances of everybody, in the order given.
pub(super) fn compare(people: &[Person<'_>]) -> Vec<Alike> {
    let mut out = vec![Alike::default(); people.len()];
    for group in groups(people, |p| p.name_key) {
        for &i in &group {
            bump(&mut out, i, |a| &mut a.same_name, group.len() - 1);
        }
    }
    for group in groups(people, |p| p.kana_key) {
        for &i in &group {
            let Some(me) = people.get(i) else { continue };
            let others = group
                .iter()
                .filter(|j| people.get(**j).is_some_and(|p| p.name_key != me.name_key))
                .count();
            bump(&mut out, i, |a| &mut a.same_reading, others);
        }
    }
    near(people, &mut out);
    out
}

fn near(people: &[Person<'_>], out: &mut [Alike]) {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (i, j) in one_deletion_apart(people) {
        if let (Some(a), Some(b)) = (people.get(i), people.get(j))
            && a.sex == b.sex
            && a.kana_key != b.kana_key
            && chart::fold::distance_up_to_two(a.kana_key, b.kana_key) == 1
        {
            pairs.push((i.min(j), i.max(j)));
        }
    }
    let mut twins: HashMap<(u32, &str), Vec<usize>> = HashMap::new();
    for (i, p) in people.iter().enumerate() {
        if p.birth != 0 && !p.family.is_empty() {
            twins.entry((p.birth, p.family)).or_default().push(i);
        }
    }
    for group in twins.values() {
        for (n, &i) in group.iter().enumerate() {
            for &j in group.iter().skip(n + 1) {
                let same = people.get(i).zip(people.get(j));
                if same.is_some_and(|(a, b)| a.name_key != b.name_key && a.kana_key != b.kana_key) {
                    pairs.push((i, j));
                }
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    for (i, j) in pairs {
        bump(out, i, |a| &mut a.near, 1);
        bump(out, j, |a| &mut a.near, 1);
    }
}

/// Pairs that could be one edit apart: keys that agree when one character is left out of one or both.
fn one_deletion_apart(people: &[Person<'_>]) -> Vec<(usize, usize)> {
    // Most people a shape may have before it is too common to compare pair by pair (load tests, not hospitals).
    const CROWD: usize = 64;
    let mut shapes: HashMap<u64, Vec<u32>> = HashMap::with_capacity(people.len() * 8);
    for (i, p) in people.iter().enumerate() {
        if p.kana_key.is_empty() {
            continue;
        }
        let Ok(i) = u32::try_from(i) else { break };
        for shape in deletions(p.kana_key) {
            let list = shapes.entry(shape).or_default();
            if list.len() < CROWD && list.last() != Some(&i) {
                list.push(i);
            }
        }
    }
    let mut pairs = Vec::new();
    for list in shapes.values() {
        for (n, &i) in list.iter().enumerate() {
            pairs.extend(list.iter().skip(n + 1).map(|&j| (i as usize, j as usize)));
        }
    }
    pairs
}

/// FNV-1a of the key itself and of the key with each character left out.
fn deletions(key: &str) -> impl Iterator<Item = u64> {
    let hash = |skip: Option<usize>| {
        key.chars()
            .enumerate()
            .filter(move |(n, _)| Some(*n) != skip)
            .fold(0xcbf2_9ce4_8422_2325_u64, |h, (_, c)| {
                (h ^ u64::from(u32::from(c))).wrapping_mul(0x0000_0100_0000_01b3)
            })
    };
    std::iter::once(hash(None)).chain((0..key.chars().count()).map(move |n| hash(Some(n))))
}

fn groups<'a>(people: &[Person<'a>], key: impl Fn(&Person<'a>) -> &'a str) -> Vec<Vec<usize>> {
    let mut map: HashMap<&str, Vec<usize>> = HashMap::with_capacity(people.len());
    for (i, p) in people.iter().enumerate() {
        let key = key(p);
        if !key.is_empty() {
            map.entry(key).or_default().push(i);
        }
    }
    map.into_values().filter(|group| group.len() > 1).collect()
}

fn bump(out: &mut [Alike], i: usize, field: impl Fn(&mut Alike) -> &mut u8, by: usize) {
    if let Some(alike) = out.get_mut(i) {
        let count = field(alike);
        *count = count.saturating_add(u8::try_from(by).unwrap_or(u8::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person<'a>(name_key: &'a str, kana_key: &'a str, family: &'a str, birth: u32, sex: Sex) -> Person<'a> {
        Person {
            name_key,
            kana_key,
            family,
            birth,
            sex,
        }
    }

    #[test]
    fn the_three_kinds() {
        let people = [
            person("山田花子", "ヤマダハナコ", "山田", 19510512, Sex::Female),
            person("山田花子", "ヤマダハナコ", "山田", 19780101, Sex::Female),
            person("山田華子", "ヤマダハナコ", "山田", 19781102, Sex::Female),
            person("山田花", "ヤマダハナ", "山田", 19900101, Sex::Female),
            person("山多花", "ヤマタハナコ", "山多", 19900102, Sex::Male),
            person("鈴木一", "スズキハジメ", "鈴木", 20200101, Sex::Male),
            person("鈴木葵", "スズキアオイ", "鈴木", 20200101, Sex::Female),
            person("", "", "", 0, Sex::Unknown),
        ];
        let alike = compare(&people);
        assert_eq!(
            alike[0],
            Alike {
                same_name: 1,
                same_reading: 1,
                near: 1
            }
        );
        assert_eq!(
            alike[2],
            Alike {
                same_name: 0,
                same_reading: 2,
                near: 1
            }
        );
        assert_eq!(
            alike[3],
            Alike {
                same_name: 0,
                same_reading: 0,
                near: 3
            }
        );
        assert_eq!(alike[4], Alike::default(), "another sex does not resemble by one edit");
        assert_eq!(alike[5].near, 1, "twins");
        assert_eq!(alike[7], Alike::default());
        assert_eq!(alike[0].label(), "同姓同名 2人");
        assert_eq!(alike[2].label(), "読み同じ 3人");
    }
}
