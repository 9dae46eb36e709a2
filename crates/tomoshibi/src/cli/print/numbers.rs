//! Numbers of blank sheets: the top of this station's own range of a day, counted in a file of their own.
//!
//! The running station counts from below and never comes here ([`Block::blanks`]), so nobody has to be asked. The file is written before a
//! number is given away: after a crash numbers are left out, never given twice. It holds no patient. One process at a time counts;
//! a second waits. Registers of packs are looked at too, so that a lost file repeats nothing.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chart::FormId;
use downtime::identity::ranges::Block;
use downtime::scans::Pack;
use jiff::civil::Date;

use crate::home::write_durably;

/// Most blank sheets made at once.
pub const MAX_BLANKS: u16 = 500;

/// Longest counter file read, in bytes.
const MAX_FILE: u64 = 64;

/// The counter, held until it is dropped: nobody else counts meanwhile.
#[derive(Debug)]
pub struct BlankNumbers {
    path: PathBuf,
    _lock: File,
    block: Block,
    day: Date,
    /// Largest sequence given on this day.
    last: u32,
}

impl BlankNumbers {
    /// Takes the counter of a station, waiting for whoever holds it. `packs` are read after it is held.
    ///
    /// # Errors
    /// When the file cannot be used; nothing was printed then.
    pub fn hold(data: &Path, block: Block, day: Date) -> Result<Self> {
        let dir = data.join("scans");
        let path = dir.join("blank-numbers");
        let held = || -> std::io::Result<(File, String)> {
            fs::create_dir_all(&dir)?;
            let lock = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(dir.join("blank-numbers.lock"))?;
            lock.lock()?;
            let mut text = String::new();
            match File::open(&path) {
                Ok(file) => {
                    file.take(MAX_FILE).read_to_string(&mut text)?;
                }
                Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => {}
                Err(other) => return Err(other),
            }
            Ok((lock, text))
        };
        let (lock, text) = held().with_context(|| broken(&path))?;
        let mut numbers = Self {
            path: path.clone(),
            _lock: lock,
            block,
            day,
            last: block.blanks().start - 1,
        };
        // A file that says something else is damaged; the registers are asked all the same.
        if let Some(kept) = FormId::parse(&text) {
            numbers.notice(&kept);
        }
        Ok(numbers)
    }

    /// Steps over every number in the registers of packs.
    pub fn step_over<'a>(&mut self, packs: impl IntoIterator<Item = &'a Pack>) {
        for sheet in packs.into_iter().flat_map(|pack| &pack.sheets) {
            self.notice(&sheet.form_id);
        }
    }

    fn notice(&mut self, used: &FormId) {
        let today = FormId::issue(self.day, self.block.node(), 0);
        let same = today.is_some_and(|today| today.day_part() == used.day_part() && today.node() == used.node());
        if same && self.block.blanks().contains(&used.sequence()) {
            self.last = self.last.max(used.sequence());
        }
    }

    /// Gives the next numbers; that they are given is on the disk first.
    ///
    /// # Errors
    /// When the range of the day is used up or the disk fails: no number was given.
    pub fn give(&mut self, count: u16) -> Result<Vec<FormId>> {
        let left = self.block.blanks().end - 1 - self.last;
        let count = u32::from(count);
        if count > left {
            bail!(
                "この端末の今日の白紙の番号は残り {left} 枚です。何も印刷していません。枚数を減らすか、明日か別の端末で印刷してください"
            );
        }
        let wanted = self.last + 1..=self.last + count;
        let numbers: Option<Vec<FormId>> = wanted.map(|n| FormId::issue(self.day, self.block.node(), n)).collect();
        let numbers = numbers
            .context("この端末の番号（node）が 1–79 ではありません。何も印刷していません。設定を確認してください")?;
        if let Some(last) = numbers.last() {
            write_durably(&self.path, last.as_str().as_bytes()).with_context(|| broken(&self.path))?;
        }
        self.last += count;
        Ok(numbers)
    }
}

fn broken(path: &Path) -> String {
    format!(
        "白紙の番号の控え {} を読み書きできません。何も印刷していません。空き容量と権限を確認してください",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use chart::id::FIRST_BLANK;
    use jiff::civil::date;

    use super::*;

    fn node(node: u8) -> Block {
        Block::whole(node).unwrap()
    }

    #[test]
    fn no_number_is_given_twice_whatever_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let day = date(2026, 11, 20);
        let hold = || BlankNumbers::hold(dir.path(), node(3), day).unwrap();
        let first = hold().give(3).unwrap();
        assert_eq!(first[0].sequence(), FIRST_BLANK);
        let second = hold().give(2).unwrap();
        assert_eq!(second[0].sequence(), FIRST_BLANK + 3);
        // The file is lost: the registers still know.
        fs::remove_file(dir.path().join("scans/blank-numbers")).unwrap();
        let pack = Pack {
            at: chart::Moment(0),
            by: String::new(),
            title: String::new(),
            sheets: vec![downtime::scans::Issued {
                form_id: second[1].clone(),
                form: "F04".into(),
                subject: chart::Subject::Hospital,
            }],
            blank: true,
        };
        let mut numbers = hold();
        numbers.step_over([&pack]);
        assert_eq!(numbers.give(1).unwrap()[0].sequence(), FIRST_BLANK + 5);
        // Held: a second one would wait. Another day and another station begin anew.
        drop(numbers);
        let tomorrow = BlankNumbers::hold(dir.path(), node(3), date(2026, 11, 21))
            .unwrap()
            .give(1);
        assert_eq!(tomorrow.unwrap()[0].sequence(), FIRST_BLANK);
    }

    #[test]
    fn a_range_that_is_used_up_gives_nothing_and_says_what_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let mut numbers = BlankNumbers::hold(dir.path(), node(3), date(2026, 11, 20)).unwrap();
        for _ in 0..5 {
            numbers.give(MAX_BLANKS).unwrap();
        }
        numbers.give(MAX_BLANKS - 1).unwrap();
        let refused = numbers.give(2).unwrap_err().to_string();
        assert!(refused.contains("残り 1 枚"), "{refused}");
        assert_eq!(numbers.give(1).unwrap()[0].sequence(), FormId::MAX_SEQUENCE);
    }

    #[test]
    fn a_part_of_a_node_gives_its_own_top_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let block = Block::new(79, 500, 500).unwrap();
        let mut numbers = BlankNumbers::hold(dir.path(), block, date(2026, 11, 20)).unwrap();
        let given = numbers.give(150).unwrap();
        let sequences: Vec<u32> = given.iter().map(FormId::sequence).collect();
        assert_eq!(sequences, (850..1_000).collect::<Vec<_>>());
        assert!(numbers.give(1).unwrap_err().to_string().contains("残り 0 枚"));
        // Another block of the same station (after a re-image) begins at its own beginning.
        drop(numbers);
        let other = Block::new(79, 1_000, 500).unwrap();
        let given = BlankNumbers::hold(dir.path(), other, date(2026, 11, 20))
            .unwrap()
            .give(1);
        assert_eq!(given.unwrap()[0].sequence(), 1_350);
    }
}
