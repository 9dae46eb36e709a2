//! Every delimiter of a message found in one pass, for work that asks for many fields of many messages.
//!
//! [`Message`] finds a field by walking to it, which is the quickest way to a few fields; the index walks once and then goes straight
//! there. It holds positions only and is used again from message to message without allocating. The views are the same.

use crate::message::begins_segment;
use crate::{Delimiters, Fault, Field, Message, Segment};

/// The delimiters of one message.
#[derive(Debug, Default, Clone)]
pub struct Index {
    /// Field separators and the ends of segments, rising.
    fields: Vec<u32>,
    /// Components, repetitions, sub-components and escape characters, rising.
    inner: Vec<u32>,
    /// Where each segment begins in the text, where it ends, and which entry of `fields` is its first.
    segments: Vec<(u32, u32, u32)>,
    marks: Vec<u64>,
}

/// Bytes looked at in one step.
const BLOCK: usize = 64;

impl Index {
    /// An empty index, to be filled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Indexes a message; what was indexed before is forgotten.
    ///
    /// # Errors
    /// [`Fault`] as [`Message::parse`].
    pub fn read<'i, 'a>(&'i mut self, text: &'a str) -> Result<Indexed<'i, 'a>, Fault> {
        let message = Message::parse(text)?;
        let delimiters = message.delimiters();
        self.scan(message.text(), delimiters);
        Ok(Indexed {
            index: self,
            text: message.text(),
            delimiters,
        })
    }

    fn scan(&mut self, text: &str, delimiters: Delimiters) {
        let bytes = text.as_bytes();
        self.mark(bytes, delimiters);
        self.segments.clear();
        let most: usize = self.marks.iter().map(|marks| marks.count_ones() as usize).sum();
        // One more than can be needed: a position is written before it is known whether it counts.
        for list in [&mut self.fields, &mut self.inner] {
            list.clear();
            list.resize(most + 1, 0);
        }
        let (mut fields, mut inner, mut begin, mut first) = (0_usize, 0_usize, 0_u32, 0_u32);
        for (block, marks) in self.marks.iter().enumerate() {
            let mut marks = *marks;
            while marks != 0 {
                let at = block * BLOCK + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                let Some(&byte) = bytes.get(at) else { break };
                let position = at as u32;
                if byte == b'\r' || byte == b'\n' {
                    let ends = byte == b'\r' || begins_segment(bytes.get(at + 1..).unwrap_or(&[]), delimiters);
                    if ends {
                        if position > begin {
                            self.segments.push((begin, position, first));
                        }
                        begin = position + 1;
                        first = fields as u32;
                    }
                    continue;
                }
                let is_field = byte == delimiters.field;
                if let Some(place) = self.fields.get_mut(fields) {
                    *place = position;
                }
                if let Some(place) = self.inner.get_mut(inner) {
                    *place = position;
                }
                fields += usize::from(is_field);
                inner += usize::from(!is_field);
            }
        }
        if bytes.len() as u32 > begin {
            self.segments.push((begin, bytes.len() as u32, first));
        }
        self.fields.truncate(fields);
        self.inner.truncate(inner);
    }

    /// One bit for every byte that is a delimiter or ends a line.
    fn mark(&mut self, bytes: &[u8], delimiters: Delimiters) {
        let [field, component, repetition, escape, sub] = delimiters.all();
        self.marks.clear();
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        let mark = |block: &[u8; BLOCK]| {
            let mut flags = [0_u8; BLOCK];
            for (flag, &byte) in flags.iter_mut().zip(block) {
                let delimiter =
                    (byte == field) | (byte == component) | (byte == repetition) | (byte == escape) | (byte == sub);
                *flag = u8::from(delimiter | (byte == b'\r') | (byte == b'\n'));
            }
            let mut marks = 0_u64;
            for (at, eight) in flags.as_chunks::<8>().0.iter().enumerate() {
                // Eight bytes of 0 or 1 become eight bits: each lands on its own bit of the highest byte.
                let bits = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
                marks |= bits << (8 * at);
            }
            marks
        };
        self.marks.extend(blocks.iter().map(mark));
        if !rest.is_empty() {
            let mut last = [0_u8; BLOCK];
            for (to, from) in last.iter_mut().zip(rest) {
                *to = *from;
            }
            self.marks.push(mark(&last));
        }
    }
}

/// A message with its index.
#[derive(Debug, Clone, Copy)]
pub struct Indexed<'i, 'a> {
    index: &'i Index,
    text: &'a str,
    delimiters: Delimiters,
}

impl<'i, 'a> Indexed<'i, 'a> {
    /// How many segments there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.segments.len()
    }

    /// True for no segment at all, which no message is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.segments.is_empty()
    }

    /// How many delimiters were found, ends of segments not counted.
    #[must_use]
    pub fn delimiter_count(&self) -> usize {
        self.index.fields.len() + self.index.inner.len()
    }

    /// Every segment in its order.
    pub fn segments(&self) -> impl Iterator<Item = IndexedSegment<'i, 'a>> + use<'i, 'a> {
        let whole = *self;
        (0..self.len()).filter_map(move |number| whole.segment_at(number))
    }

    /// A segment by its place, from 0.
    #[must_use]
    pub fn segment_at(&self, number: usize) -> Option<IndexedSegment<'i, 'a>> {
        let &(begin, end, first) = self.index.segments.get(number)?;
        let last = self
            .index
            .segments
            .get(number + 1)
            .map_or(self.index.fields.len(), |next| next.2 as usize);
        Some(IndexedSegment {
            text: self.text,
            begin: begin as usize,
            end: end as usize,
            separators: self.index.fields.get(first as usize..last).unwrap_or(&[]),
            delimiters: self.delimiters,
        })
    }

    /// The first segment of this name.
    #[must_use]
    pub fn segment(&self, name: &str) -> Option<IndexedSegment<'i, 'a>> {
        self.segments().find(|segment| segment.name() == name)
    }
}

/// One segment whose fields are known.
#[derive(Debug, Clone, Copy)]
pub struct IndexedSegment<'i, 'a> {
    text: &'a str,
    begin: usize,
    end: usize,
    separators: &'i [u32],
    delimiters: Delimiters,
}

impl<'a> IndexedSegment<'_, 'a> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        let end = self.separators.first().map_or(self.end, |first| *first as usize);
        self.text.get(self.begin..end).unwrap_or("")
    }

    /// The segment as [`Message`] gives it.
    #[must_use]
    pub fn segment(&self) -> Segment<'a> {
        Segment {
            text: self
                .text
                .get(self.begin..self.end)
                .unwrap_or("")
                .trim_end_matches(['\r', '\n']),
            delimiters: self.delimiters,
        }
    }

    /// A field, from 1. Empty when the segment is shorter.
    #[must_use]
    pub fn field(&self, number: usize) -> Field<'a> {
        let header = self.name() == "MSH";
        let absent = Field::absent(self.delimiters);
        let Some(before) = number.checked_sub(if header { 2 } else { 1 }) else {
            let separator = self.text.get(self.begin + 3..self.begin + 4);
            return separator
                .filter(|_| header && number == 1)
                .map_or(absent, |separator| Field::at(separator, self.delimiters, true));
        };
        let Some(begin) = self.separators.get(before) else {
            return absent;
        };
        let end = self.separators.get(before + 1).map_or(self.end, |next| *next as usize);
        let raw = self.text.get(*begin as usize + 1..end).unwrap_or("");
        Field::at(raw, self.delimiters, header && number == 2)
    }
}
