//! ISO-2022-JP to text, made for HL7: it knows that delimiters and ends of lines must be ASCII, and finds its way back after damage.
//!
//! Known sets: ASCII, JIS X 0201 Roman and kana, JIS C 6226, JIS X 0208, 0212 and 0213. The state goes back to ASCII at every end of
//! line, so that one missing escape costs one line at most; inside the line the decoder looks for the delimiter where ASCII must have
//! begun again. It deliberately does not correct what it bridges without saying so.

use super::{DamageKind, Decoded, Encoding, Making, jisx0213};
use std::borrow::Cow;

const ESCAPE: u8 = 0x1B;

/// The set that bytes stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Set {
    Ascii,
    Kana,
    Jis0208,
    Jis0212,
    /// JIS X 0213, plane 1 or 2.
    Jis0213(u8),
}

/// Known escape sequences behind ESC.
const SETS: [(&[u8], Set); 12] = [
    (b"(B", Set::Ascii),
    (b"(J", Set::Ascii),
    (b"(H", Set::Ascii),
    (b"(I", Set::Kana),
    (b"$B", Set::Jis0208),
    (b"$@", Set::Jis0208),
    (b"$(B", Set::Jis0208),
    (b"$(@", Set::Jis0208),
    (b"$(D", Set::Jis0212),
    (b"$(O", Set::Jis0213(1)),
    (b"$(Q", Set::Jis0213(1)),
    (b"$(P", Set::Jis0213(2)),
];

/// Decodes a message.
pub fn decode(bytes: &[u8]) -> Decoded<'_> {
    if bytes.is_ascii() && memchr::memchr(ESCAPE, bytes).is_none() {
        // Sound by the line above; an empty text otherwise, which the length would tell.
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Decoded {
                text: Cow::Borrowed(text),
                ..Making::default().done(Encoding::Iso2022Jp, None)
            };
        }
    }
    let mut decoder = Decoder {
        bytes,
        at: 0,
        set: Set::Ascii,
        delimiters: delimiters(bytes),
        made: Making::with_room(bytes.len()),
    };
    decoder.run();
    decoder.made.done(Encoding::Iso2022Jp, None)
}

/// The delimiters that end damaged kanji: those of the header where there is one, else the usual ones. The escape character `\` is
/// not among them: it stands inside text.
fn delimiters(bytes: &[u8]) -> [u8; 4] {
    let usual = [b'|', b'^', b'~', b'&'];
    match bytes {
        [b'M', b'S', b'H', field, component, repetition, _, sub, ..] => {
            let said = [*field, *component, *repetition, *sub];
            if said.iter().all(u8::is_ascii_punctuation) {
                said
            } else {
                usual
            }
        }
        _ => usual,
    }
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
    set: Set,
    delimiters: [u8; 4],
    made: Making,
}

impl Decoder<'_> {
    fn run(&mut self) {
        while let Some(&byte) = self.bytes.get(self.at) {
            if byte == ESCAPE {
                self.escape();
                continue;
            }
            let end = self.run_end();
            match self.set {
                Set::Ascii | Set::Kana => self.single(end),
                _ => self.double(end),
            }
            if matches!(self.bytes.get(self.at), Some(b'\r' | b'\n')) {
                self.line_end();
            }
        }
        if self.set != Set::Ascii && self.bytes.last() != Some(&b'\n') {
            self.made.tell(DamageKind::MissingReturn, self.at);
        }
    }

    /// The next escape or end of line. No kanji holds one of them.
    fn run_end(&self) -> usize {
        let rest = self.bytes.get(self.at..).unwrap_or(&[]);
        memchr::memchr3(ESCAPE, b'\r', b'\n', rest).map_or(self.bytes.len(), |found| self.at + found)
    }

    /// Back to ASCII at every end of line.
    fn line_end(&mut self) {
        if self.set != Set::Ascii {
            self.made.tell(DamageKind::MissingReturn, self.at);
            self.set = Set::Ascii;
        }
        if let Some(&byte) = self.bytes.get(self.at) {
            self.made.text.push(char::from(byte));
            self.at += 1;
        }
    }

    fn escape(&mut self) {
        let behind = self.bytes.get(self.at + 1..).unwrap_or(&[]);
        let Some((name, set)) = SETS.iter().find(|(name, _)| behind.starts_with(name)) else {
            // ESC & @ announces the revision of 1990 and stands before ESC $ B.
            if behind.starts_with(b"&@\x1b") {
                self.at += 3;
                return;
            }
            self.made.tell(DamageKind::UnknownEscape, self.at);
            self.at += 1;
            return;
        };
        let begin = self.at;
        self.at += 1 + name.len();
        let kanji = !matches!(set, Set::Ascii | Set::Kana);
        if kanji
            && self
                .bytes
                .get(self.at..)
                .is_some_and(|rest| rest.starts_with(b"\x1b(B") || rest.starts_with(b"\x1b(J"))
        {
            self.made.tell(DamageKind::EmptyRun, begin);
        }
        self.set = *set;
    }

    /// ASCII, Roman or kana, up to `end`.
    fn single(&mut self, end: usize) {
        let run = self.bytes.get(self.at..end).unwrap_or(&[]);
        if self.set == Set::Ascii
            && run.is_ascii()
            && let Ok(text) = std::str::from_utf8(run)
        {
            self.made.text.push_str(text);
            self.at = end;
            return;
        }
        for (at, &byte) in (self.at..).zip(run) {
            match byte {
                // A delimiter that kana cannot mean: the return is missing. (0x60 to 0x7E are no kana.)
                0x21..=0x5F if self.set == Set::Kana && !self.ends_kana(at) => self.kana(byte + 0x80),
                0x21..=0x7E if self.set == Set::Kana => {
                    self.made.tell(DamageKind::MissingReturn, at);
                    self.set = Set::Ascii;
                    self.made.text.push(char::from(byte));
                }
                0xA1..=0xDF => {
                    // JIS of eight bits: half-width kana without an escape.
                    self.made.tell(DamageKind::StrayByte, at);
                    self.kana(byte);
                }
                0x80.. => self.made.lost(DamageKind::StrayByte, at),
                _ => self.made.text.push(char::from(byte)),
            }
        }
        self.at = end;
    }

    /// A run of kana that no escape ends, from the first pair of the same delimiters or the first field separator on.
    fn ends_kana(&self, at: usize) -> bool {
        let pair = (self.bytes.get(at), self.bytes.get(at + 1));
        matches!(pair, (Some(one), Some(two)) if one == two && self.delimiters.contains(one))
    }

    fn kana(&mut self, byte: u8) {
        let kana = char::from_u32(0xFF61 + u32::from(byte.wrapping_sub(0xA1)));
        self.made.text.push(kana.unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    /// Kanji up to `end`.
    fn double(&mut self, end: usize) {
        let run = self.bytes.get(self.at..end).unwrap_or(&[]);
        let returned = self.bytes.get(end..).is_some_and(|rest| {
            [b"\x1b(B", b"\x1b(J", b"\x1b(I", b"\x1b(H"]
                .into_iter()
                .any(|escape| rest.starts_with(escape))
        });
        let cut = if returned { None } else { self.ascii_begins(run) };
        let kanji = run.get(..cut.unwrap_or(run.len())).unwrap_or(run);
        self.pairs(kanji);
        if let Some(cut) = cut {
            self.made.tell(DamageKind::MissingReturn, self.at);
            self.set = Set::Ascii;
            debug_assert!(self.at + run.len() - cut == end);
            self.single(end);
        }
        self.at = end;
    }

    /// Where ASCII must have begun again in kanji that no escape ended. Kanji up to there read as kanji; what is behind does not.
    fn ascii_begins(&self, run: &[u8]) -> Option<usize> {
        let [field, _, repetition, _] = self.delimiters;
        let mut pairs = run.chunks(2).enumerate().map(|(number, pair)| (2 * number, pair));
        pairs.find_map(|(at, pair)| {
            let first = *pair.first()?;
            if !self.delimiters.contains(&first) {
                return None;
            }
            let second = pair.get(1).copied();
            let surely =
                first == field || first == repetition || second.is_none_or(|second| self.delimiters.contains(&second));
            let rest = run.get(at..)?;
            (surely || !self.reads_as_kanji(rest)).then_some(at)
        })
    }

    /// Whole pairs of the plain sets up to the next delimiter that is no kanji's first byte.
    fn reads_as_kanji(&self, run: &[u8]) -> bool {
        let [field, _, repetition, _] = self.delimiters;
        let stop = |pair: &&[u8]| matches!(pair, [first, ..] if *first != field && *first != repetition);
        run.chunks(2).take_while(stop).all(|pair| match pair {
            [first @ 0x21..=0x74, second @ 0x21..=0x7E] => jis0208(*first, *second).is_some(),
            _ => false,
        })
    }

    fn pairs(&mut self, run: &[u8]) {
        if self.set == Set::Jis0208 && self.whole_run(run) {
            return;
        }
        let mut at = 0;
        while let Some(&first) = run.get(at) {
            let place = self.at + at;
            let second = run.get(at + 1).copied();
            match (first, second) {
                (0x21..=0x7E, Some(second @ 0x21..=0x7E)) => {
                    self.pair(first, second, place);
                    at += 2;
                }
                // Half a kanji. A delimiter is more likely than half a kanji that begins with its byte.
                (0x21..=0x7E, _) => {
                    if self.delimiters.contains(&first) {
                        self.made.tell(DamageKind::OddByte, place);
                        self.made.text.push(char::from(first));
                    } else {
                        self.made.lost(DamageKind::OddByte, place);
                    }
                    at += 1;
                }
                (0..=0x20 | 0x7F, _) => {
                    self.made.tell(DamageKind::StrayByte, place);
                    self.made.text.push(char::from(first));
                    at += 1;
                }
                (0x80.., _) => {
                    self.made.lost(DamageKind::StrayByte, place);
                    at += 1;
                }
            }
        }
        self.at += run.len();
    }

    /// The usual case at once: every byte is one half of a kanji that exists.
    fn whole_run(&mut self, run: &[u8]) -> bool {
        let mut high = [0_u8; 256];
        if run.len() % 2 != 0 || run.len() > high.len() || !run.iter().all(|byte| (0x21..=0x7E).contains(byte)) {
            return false;
        }
        for (to, from) in high.iter_mut().zip(run) {
            *to = from | 0x80;
        }
        let euc = high.get(..run.len()).unwrap_or(&[]);
        let Some(text) = encoding_rs::EUC_JP.decode_without_bom_handling_and_without_replacement(euc) else {
            return false;
        };
        self.made.text.push_str(&text);
        self.at += run.len();
        true
    }

    fn pair(&mut self, first: u8, second: u8, place: usize) {
        match self.set {
            Set::Jis0208 | Set::Ascii | Set::Kana => match jis0208(first, second) {
                Some(c) => self.made.text.push(c),
                // Rows 95 and beyond, and what no standard fills, are where hospitals put their own characters.
                None if first >= 0x75 => self.made.lost(DamageKind::Gaiji, place),
                None => self.made.lost(DamageKind::Unmapped, place),
            },
            Set::Jis0212 => match euc(&[0x8F, first | 0x80, second | 0x80]) {
                Some(c) => self.made.text.push(c),
                None => self.made.lost(DamageKind::Unmapped, place),
            },
            Set::Jis0213(plane) => match jisx0213::characters(plane, first, second) {
                Some((c, more)) => {
                    self.made.text.push(c);
                    self.made.text.extend(more);
                }
                None => match (plane == 1).then(|| jis0208(first, second)).flatten() {
                    Some(c) => self.made.text.push(c),
                    None => self.made.lost(DamageKind::Unmapped, place),
                },
            },
        }
    }
}

/// A character of JIS X 0208, with the rows of NEC and IBM that Windows writes into it.
pub fn jis0208(first: u8, second: u8) -> Option<char> {
    euc(&[first | 0x80, second | 0x80])
}

fn euc(bytes: &[u8]) -> Option<char> {
    let text = encoding_rs::EUC_JP.decode_without_bom_handling_and_without_replacement(bytes)?;
    let mut characters = text.chars();
    let one = characters.next()?;
    characters.next().is_none().then_some(one)
}
