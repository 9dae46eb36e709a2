//! The frames of MLLP around messages on a connection: bytes in, frames out. No socket here.
//!
//! A frame is `0x0B`, the message, `0x1C 0x0D`. However the bytes are cut on their way, the frames are the same. What lies outside frames,
//! a frame that never ends and a frame beyond the bound are said as events: whoever owns the socket decides what they are worth.

/// Begins a frame.
pub const START: u8 = 0x0B;

/// Ends a frame, with a CR behind it.
pub const END: u8 = 0x1C;

const CR: u8 = 0x0D;

/// What came out of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The bytes of one message, as they were sent.
    Frame(Vec<u8>),
    /// Bytes outside any frame: how many. Line ends between frames are not counted.
    Stray(usize),
    /// A frame began before the last one ended. Its bytes, which cannot be answered, are dropped: how many.
    Unfinished(usize),
    /// A frame longer than the bound was passed over to its end: how many bytes, and its beginning.
    Oversize {
        /// Bytes of the message.
        bytes: usize,
        /// Its first bytes, enough for the header.
        head: Vec<u8>,
    },
}

/// How much of a frame that is too long is kept, to answer it.
pub const OVERSIZE_HEAD: usize = 4_096;

/// Cuts a stream of bytes into frames.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    buffer: Vec<u8>,
    /// Inside a frame.
    inside: bool,
    /// The last byte seen was an [`END`] inside the frame, which is not in the buffer yet.
    ending: bool,
    /// Bytes of a frame beyond the limit that were dropped.
    beyond: usize,
    stray: usize,
}

impl Framer {
    /// A framer for one connection; no message may have more than `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
            inside: false,
            ending: false,
            beyond: 0,
            stray: 0,
        }
    }

    /// Bytes of an unfinished frame that are held.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.buffer.len()
    }

    /// True between frames: nothing begun is lost when the connection closes.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        !self.inside
    }

    /// Takes bytes as they came and hands every event to `event`, in order.
    pub fn feed(&mut self, mut bytes: &[u8], event: &mut dyn FnMut(Event)) {
        while let Some(&first) = bytes.first() {
            if !self.inside {
                let begin = memchr::memchr(START, bytes);
                let outside = bytes.get(..begin.unwrap_or(bytes.len())).unwrap_or(bytes);
                self.stray += outside
                    .iter()
                    .filter(|byte| !matches!(*byte, &(b'\r' | b'\n' | END)))
                    .count();
                let Some(begin) = begin else { break };
                self.tell_stray(event);
                self.inside = true;
                bytes = bytes.get(begin + 1..).unwrap_or(&[]);
            } else if self.ending {
                self.ending = false;
                match first {
                    CR => {
                        self.finish(event);
                        bytes = bytes.get(1..).unwrap_or(&[]);
                    }
                    // The next frame follows at once: the CR was left out.
                    START => self.finish(event),
                    // One END alone is no end.
                    _ => self.hold(&[END]),
                }
            } else {
                let stop = memchr::memchr2(START, END, bytes);
                self.hold(bytes.get(..stop.unwrap_or(bytes.len())).unwrap_or(bytes));
                let Some(stop) = stop else { return };
                if bytes.get(stop) == Some(&END) {
                    self.ending = true;
                } else {
                    event(Event::Unfinished(self.buffer.len() + self.beyond));
                    self.clear();
                }
                bytes = bytes.get(stop + 1..).unwrap_or(&[]);
            }
        }
        self.tell_stray(event);
    }

    fn tell_stray(&mut self, event: &mut dyn FnMut(Event)) {
        if self.stray > 0 {
            event(Event::Stray(self.stray));
            self.stray = 0;
        }
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.limit.saturating_sub(self.buffer.len());
        if self.beyond == 0 && bytes.len() <= room {
            self.buffer.extend_from_slice(bytes);
            return;
        }
        // Too long: only the head stays, the rest is counted.
        let whole = self.buffer.len() + self.beyond + bytes.len();
        if self.buffer.len() < OVERSIZE_HEAD {
            let more = bytes.get(..(OVERSIZE_HEAD - self.buffer.len()).min(bytes.len()));
            self.buffer.extend_from_slice(more.unwrap_or(&[]));
        }
        self.buffer.truncate(OVERSIZE_HEAD);
        self.buffer.shrink_to(OVERSIZE_HEAD);
        self.beyond = whole.saturating_sub(self.buffer.len());
    }

    fn finish(&mut self, event: &mut dyn FnMut(Event)) {
        let buffer = std::mem::take(&mut self.buffer);
        if self.beyond > 0 {
            event(Event::Oversize {
                bytes: buffer.len() + self.beyond,
                head: buffer,
            });
        } else {
            event(Event::Frame(buffer));
        }
        self.clear();
        self.inside = false;
    }

    fn clear(&mut self) {
        self.buffer.clear();
        self.beyond = 0;
        self.ending = false;
    }
}

/// A message in its frame.
#[must_use]
pub fn frame(message: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(message.len() + 3);
    framed.push(START);
    framed.extend_from_slice(message);
    framed.extend_from_slice(&[END, CR]);
    framed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(limit: usize, pieces: &[&[u8]]) -> Vec<Event> {
        let mut framer = Framer::new(limit);
        let mut events = Vec::new();
        for piece in pieces {
            framer.feed(piece, &mut |event| events.push(event));
        }
        events
    }

    fn framed(bytes: &[u8]) -> Event {
        Event::Frame(bytes.to_vec())
    }

    #[test]
    fn frames_come_out_whole() {
        assert_eq!(events(99, &[b"\x0bMSH|\x1c\r"]), [framed(b"MSH|")]);
        assert_eq!(
            events(99, &[b"\x0ba\x1c\r\x0bb\x1c\r\x0bc"]),
            [framed(b"a"), framed(b"b")]
        );
        assert_eq!(events(99, &[b"\x0ba\x1c", b"\r"]), [framed(b"a")]);
        assert_eq!(events(99, &[b"\x0b", b"\x1c", b"\r\n"]), [framed(b"")]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(events(99, &[b"GET / \r\n\x0ba\x1c\r"]), [Event::Stray(6), framed(b"a")]);
        assert_eq!(
            events(99, &[b"\x0babc\x0bd\x1c\r"]),
            [Event::Unfinished(3), framed(b"d")]
        );
        assert_eq!(
            events(99, &[b"\x0ba\x1c\x0bb\x1c\r"]),
            [framed(b"a"), framed(b"b")],
            "the CR left out"
        );
        assert_eq!(events(99, &[b"\x0ba\x1cb\x1c\r"]), [framed(b"a\x1cb")]);
    }

    #[test]
    fn what_is_too_long_is_passed_over_without_being_kept() {
        let long = [b"\x0b".as_slice(), &[b'x'; 5_000], b"\x1c\r\x0bb\x1c\r"].concat();
        let found = events(100, &[&long]);
        let oversize = Event::Oversize {
            bytes: 5_000,
            head: vec![b'x'; OVERSIZE_HEAD],
        };
        assert_eq!(found, [oversize, framed(b"b")]);
        let mut framer = Framer::new(10_000);
        framer.feed(b"\x0b", &mut |_| ());
        for _ in 0..10_000 {
            framer.feed(&[b'x'; 1_000], &mut |_| ());
        }
        assert!(framer.held() <= 10_000);
    }

    proptest! {
        #[test]
        fn however_the_stream_is_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>().prop_filter("payload", |b| !matches!(b, 0x0B | 0x1C)), 0..60), 0..6),
            noise in prop::collection::vec(any::<u8>().prop_filter("noise", |b| *b != 0x0B), 0..5),
            cuts in prop::collection::vec(1_usize..40, 1..60),
        ) {
            let mut stream = noise.clone();
            for message in &messages {
                stream.extend_from_slice(&frame(message));
                stream.extend_from_slice(b"\n");
            }
            let mut framer = Framer::new(100);
            let mut found = Vec::new();
            let (mut rest, mut cut) = (stream.as_slice(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, behind) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
                framer.feed(piece, &mut |event| if let Event::Frame(frame) = event { found.push(frame); });
                rest = behind;
            }
            prop_assert_eq!(found, messages);
            prop_assert!(framer.is_idle());
        }

        #[test]
        fn no_bytes_make_it_hold_more_than_the_bound(
            pieces in prop::collection::vec(prop::collection::vec(prop_oneof![Just(0x0B_u8), Just(0x1C), Just(0x0D), any::<u8>()], 0..80), 0..40),
        ) {
            let mut framer = Framer::new(64);
            let mut whole = Framer::new(64);
            let (mut found, mut at_once) = (Vec::new(), Vec::new());
            for piece in &pieces {
                framer.feed(piece, &mut |event| found.push(event));
                prop_assert!(framer.held() <= OVERSIZE_HEAD);
            }
            whole.feed(&pieces.concat(), &mut |event| at_once.push(event));
            let frames = |events: Vec<Event>| events.into_iter().filter(|event| !matches!(event, Event::Stray(_))).collect::<Vec<_>>();
            prop_assert_eq!(frames(found), frames(at_once));
        }
    }
}
