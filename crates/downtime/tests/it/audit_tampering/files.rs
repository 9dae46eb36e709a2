//! The files of a log taken apart and put together again, with the means of whoever holds the disk.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use vault::keys::StationSecret;
use vault::sign::Purpose;

pub const BLOCK: usize = 4096;

/// Bitwise CRC-32C, as every segment carries it.
pub fn crc(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82F6_3B78 & (crc & 1).wrapping_neg());
        }
    }
    (!crc).to_le_bytes()
}

pub fn u32_at(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The log's files, taken apart.
#[derive(Clone)]
pub struct Log {
    pub segments: Vec<Segment>,
}

#[derive(Clone)]
pub struct Segment {
    pub name: String,
    pub head: Vec<u8>,
    pub batches: Vec<(u32, Vec<Vec<u8>>)>,
}

impl Log {
    pub fn read(dir: &Path) -> Self {
        let mut names: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
        names.retain(|path| path.extension().is_some_and(|e| e == "tmbj"));
        names.sort();
        let segments = names.iter().map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let mut batches = Vec::new();
            let mut at = BLOCK;
            while at < bytes.len() {
                let (count, len) = (u32_at(&bytes, at + 16), u32_at(&bytes, at + 20));
                let flags = u32_at(&bytes, at + 24) as u32;
                let mut records = Vec::new();
                let mut from = at + 32;
                for _ in 0..count {
                    let size = u32_at(&bytes, from + 4);
                    records.push(bytes[from..from + size].to_vec());
                    from += size;
                }
                batches.push((flags, records));
                at = (at + 32 + len).next_multiple_of(BLOCK);
            }
            Segment {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                head: bytes[..BLOCK].to_vec(),
                batches,
            }
        });
        Self {
            segments: segments.collect(),
        }
    }

    pub fn write(&self, dir: &Path) {
        for segment in &self.segments {
            let mut out = segment.head.clone();
            for ((flags, records), number) in segment.batches.iter().zip(0_u32..) {
                let mut head = b"TMJB".to_vec();
                head.extend_from_slice(&segment.head[16..24]);
                head.extend_from_slice(&number.to_le_bytes());
                head.extend_from_slice(&u32::try_from(records.len()).unwrap().to_le_bytes());
                let len: usize = records.iter().map(Vec::len).sum();
                head.extend_from_slice(&u32::try_from(len).unwrap().to_le_bytes());
                head.extend_from_slice(&flags.to_le_bytes());
                let check = crc(&head);
                head.extend_from_slice(&check);
                out.extend(head);
                records.iter().for_each(|record| out.extend_from_slice(record));
                out.resize(out.len().next_multiple_of(BLOCK), 0);
            }
            std::fs::write(dir.join(&segment.name), out).unwrap();
        }
    }

    /// Places of all records: segment, batch, record.
    pub fn places(&self) -> Vec<(usize, usize, usize)> {
        let mut all = Vec::new();
        for (s, segment) in self.segments.iter().enumerate() {
            for (b, (_, records)) in segment.batches.iter().enumerate() {
                all.extend((0..records.len()).map(|r| (s, b, r)));
            }
        }
        // A tail carried into the next life stands in two segments; the place that counts is the later one.
        all.sort_by_key(|place| seq(self.at(*place)));
        all.dedup_by_key(|place| seq(self.at(*place)));
        all
    }

    pub fn at(&self, (s, b, r): (usize, usize, usize)) -> &Vec<u8> {
        &self.segments[s].batches[b].1[r]
    }

    /// Changes the record with this number wherever it stands.
    pub fn change(&mut self, number: u64, edit: &dyn Fn(&mut Vec<u8>)) {
        self.each(&mut |record| {
            if seq(record) == number {
                edit(record);
            }
        });
    }

    pub fn each(&mut self, edit: &mut dyn FnMut(&mut Vec<u8>)) {
        for segment in &mut self.segments {
            for (_, records) in &mut segment.batches {
                records.iter_mut().for_each(&mut *edit);
            }
        }
    }

    pub fn retain(&mut self, keep: &dyn Fn(u64) -> bool) {
        for segment in &mut self.segments {
            for (_, records) in &mut segment.batches {
                records.retain(|record| keep(seq(record)));
            }
        }
    }

    /// Puts a record at the end of the last batch.
    pub fn push(&mut self, record: Vec<u8>) {
        let (_, records) = self.segments.last_mut().unwrap().batches.last_mut().unwrap();
        records.push(record);
    }

    pub fn number(&self, seq_wanted: u64) -> Vec<u8> {
        let place = self
            .places()
            .into_iter()
            .find(|place| seq(self.at(*place)) == seq_wanted);
        self.at(place.unwrap()).clone()
    }

    pub fn last(&self) -> u64 {
        self.places().last().map(|place| seq(self.at(*place))).unwrap()
    }

    /// Makes the chain anew from a number on: predecessors and signatures, as a thief of the key can.
    pub fn rechain(&mut self, from: u64, secret: &StationSecret) {
        for number in from..=self.last() {
            let previous: Option<[u8; 32]> = (number > 1).then(|| Sha256::digest(self.number(number - 1)).into());
            self.change(number, &|record| {
                if let Some(previous) = previous {
                    record[64..96].copy_from_slice(&previous);
                }
                sign(record, secret);
            });
        }
    }
}

pub fn seq(record: &[u8]) -> u64 {
    u64::from_le_bytes(record[56..64].try_into().unwrap())
}

/// Both check sums, right again.
pub fn refit(record: &mut [u8]) {
    let head = crc(&record[..136]);
    record[136..140].copy_from_slice(&head);
    let end = record.len() - 4;
    let all = crc(&record[..end]);
    record[end..].copy_from_slice(&all);
}

pub fn sign(record: &mut [u8], secret: &StationSecret) {
    let head = crc(&record[..136]);
    record[136..140].copy_from_slice(&head);
    let signed = record.len() - 68;
    let signature = secret.sign(Purpose::Record, &record[..signed]);
    record[signed..signed + 64].copy_from_slice(&signature);
    refit(record);
}

/// Flips one bit of a field and makes the sums right.
pub fn flip(at: usize) -> impl Fn(&mut Vec<u8>) {
    move |record| {
        record[at] ^= 1;
        refit(record);
    }
}
