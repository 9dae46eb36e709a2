//! What a feed holds, in the order in which it came: for sources, and for whoever wants to know what was taken.
//!
//! Reads beside a running listener: what is not whole yet is not there yet. It deliberately does not decode or interpret; a message is
//! its bytes, and [`Stored::decoded`] is a help.

use chart::Moment;

use super::Place;
use super::segment::{self, FAULTY, REUSED, Record, Segment};

/// One kept message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its number in this feed: rising, in the order of arrival. A source remembers how far it has read by it.
    pub number: u64,
    /// When it was received.
    pub received: Moment,
    /// Who sent it.
    pub sender: String,
    /// Its sender was told that it is structurally faulty (AR); it was kept all the same.
    pub faulty: bool,
    /// Another message with the same MSH-3, MSH-4 and MSH-10, and other words, came before.
    pub reused: bool,
    /// The bytes as they came, without the frame.
    pub bytes: Vec<u8>,
}

impl Stored {
    fn of(record: Record) -> Self {
        Self {
            number: record.number,
            received: record.received,
            sender: record.sender,
            faulty: record.flags & FAULTY != 0,
            reused: record.flags & REUSED != 0,
            bytes: record.bytes,
        }
    }

    /// The text with what was wrong with it. [`hl7::Message::parse`] is the next step.
    #[must_use]
    pub fn decoded(&self) -> hl7::Decoded<'_> {
        hl7::decode(&self.bytes)
    }
}

/// Messages that should be there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "受信記録の {from} 番から {until} 番の手前までを読めません（セグメント {segment}）。ファイルはそのまま残してあります。送信元に、その間の再送を頼んでください"
)]
pub struct Unread {
    /// The segment.
    pub segment: u64,
    /// The first number that is missing.
    pub from: u64,
    /// The number behind the last one that is missing.
    pub until: u64,
}

/// A feed's log, opened for reading.
pub struct Reader {
    place: Place,
    /// Segments with whether they are compact, and the number at which the next one takes over.
    segments: Vec<(u64, bool, Option<u64>)>,
    /// Segments whose header does not read.
    pub unreadable: Vec<u64>,
}

impl Reader {
    /// Looks at the directory. A feed that has received nothing is empty.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(place: Place) -> std::io::Result<Self> {
        let mut segments: Vec<(u64, bool, Option<u64>)> = Vec::new();
        let mut unreadable = Vec::new();
        for (number, compact) in segment::list(&*place.files, &place.dir)? {
            let opened = match Segment::open(&place, number, compact) {
                // Rewritten compactly or removed at this moment.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Segment::open(&place, number, true).or_else(gone)?
                }
                other => other?,
            };
            match opened {
                None => unreadable.push(number),
                // Begun and nothing in it yet: the one before still counts to its end.
                Some(segment) if segment.batches.is_empty() => {}
                Some(segment) => {
                    if let Some(before) = segments.last_mut() {
                        before.2 = Some(segment.first);
                    }
                    segments.push((number, compact, None));
                }
            }
        }
        Ok(Self {
            place,
            segments,
            unreadable,
        })
    }

    /// The readable records from this number on.
    pub(super) fn records(&self, from: u64) -> impl Iterator<Item = Record> + use<'_> {
        let mut messages = self.messages(from);
        std::iter::from_fn(move || messages.next_record()).filter_map(Result::ok)
    }

    /// Every message from this number on, in order. What cannot be read is said in its place.
    #[must_use]
    pub fn messages(&self, from: u64) -> Messages<'_> {
        // A segment is needed when the one behind it begins beyond `from`.
        let first = self
            .segments
            .iter()
            .position(|(_, _, next)| next.is_none_or(|next| next > from));
        Messages {
            reader: self,
            next_segment: first.unwrap_or(self.segments.len()),
            open: None,
            waiting: Vec::new().into_iter(),
            expected: None,
            from,
        }
    }
}

fn gone(error: std::io::Error) -> std::io::Result<Option<Segment>> {
    if error.kind() == std::io::ErrorKind::NotFound {
        Ok(None)
    } else {
        Err(error)
    }
}

/// Messages in order. See [`Reader::messages`].
pub struct Messages<'r> {
    reader: &'r Reader,
    next_segment: usize,
    open: Option<(Segment, usize, Option<u64>)>,
    waiting: std::vec::IntoIter<Record>,
    /// The number that comes next if nothing is missing; `None` before the first.
    expected: Option<u64>,
    from: u64,
}

impl Iterator for Messages<'_> {
    type Item = Result<Stored, Unread>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_record().map(|record| record.map(Stored::of))
    }
}

impl Messages<'_> {
    fn next_record(&mut self) -> Option<Result<Record, Unread>> {
        loop {
            if let Some(record) = self.waiting.next() {
                // What a segment repeats of the one before it was told already.
                let behind = self.expected.is_some_and(|expected| record.number < expected);
                if behind || record.number < self.from {
                    continue;
                }
                self.expected = Some(record.number + 1);
                return Some(Ok(record));
            }
            match self.open.take() {
                Some((segment, number, cut)) => {
                    let Some((_, head)) = segment.batches.get(number) else {
                        continue;
                    };
                    if cut.is_some_and(|cut| head.first >= cut) {
                        continue;
                    }
                    let (first, end) = (head.first, head.end());
                    let gap = self.expected.filter(|expected| *expected < first);
                    let records = segment.records(&self.reader.place, number);
                    let unread = |from, until| Unread {
                        segment: segment.number,
                        from,
                        until,
                    };
                    let said = match (gap, &records) {
                        (Some(from), Some(_)) => Some(unread(from, first)),
                        (from, None) => Some(unread(from.unwrap_or(first), end)),
                        (None, Some(_)) => None,
                    };
                    self.expected = Some(if records.is_some() {
                        first.max(self.expected.unwrap_or(0))
                    } else {
                        end
                    });
                    let upto = |record: &Record| cut.is_none_or(|cut| record.number < cut);
                    self.waiting = records
                        .unwrap_or_default()
                        .into_iter()
                        .filter(upto)
                        .collect::<Vec<_>>()
                        .into_iter();
                    self.open = Some((segment, number + 1, cut));
                    if let Some(unread) = said.filter(|unread| unread.until > self.from) {
                        return Some(Err(unread));
                    }
                }
                None => {
                    let &(number, compact, cut) = self.reader.segments.get(self.next_segment)?;
                    self.next_segment += 1;
                    let place = &self.reader.place;
                    let opened = Segment::open(place, number, compact).or_else(|_| Segment::open(place, number, true));
                    if let Ok(Some(segment)) = opened {
                        self.open = Some((segment, 0, cut));
                    } else {
                        let from = self.expected.unwrap_or(self.from);
                        self.expected = cut.or(self.expected);
                        return Some(Err(Unread {
                            segment: number,
                            from,
                            until: cut.unwrap_or(from),
                        }));
                    }
                }
            }
        }
    }
}
