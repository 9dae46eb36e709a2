//! The hospital as a stream of HL7 v2.5 messages: one file of MLLP frames, and the same messages one file each.
//!
//! First everything is sent as a new receiver would be filled in the night, patient after patient; then come the changes of the morning:
//! corrections, cancellations, resends and messages that arrive too late. What is true at the end is what every other shape says.
//! Which messages there are is described in `docs/operating/synthetic-hospital.md`.

mod booked;
mod morning;
mod persons;
mod texts;
mod ward;

use crate::export::Printer;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::patient::{Patient, ThinRow};
use crate::person::Person;
use crate::sheet::Open;
use crate::stream::{Heap, Stream, whole};
use crate::v2::{Head, Use, V2, day};
use crate::{FileSummary, SynthError, jis};
use jiff::ToSpan;
use jiff::civil::{DateTime, time};

/// What the format cannot carry.
const CARRIES: &str = include_str!("../data/carries/hl7.toml");
/// Milliseconds from one message of the night to the next.
const NIGHT_STEP: i64 = 4;
/// Milliseconds from one message of the morning to the next.
const MORNING_STEP: i64 = 250;
/// Beginning and end of an MLLP frame.
const FRAME: (&[u8], &[u8]) = (b"\x0b", b"\x1c\r");

/// What is sent differently for one patient of twenty.
mod habit {
    /// An old address in the night, the right one in the morning.
    pub(super) const CORRECTED: u32 = 1;
    /// The right address in the night, an older message with the old one arrives in the morning.
    pub(super) const LATE: u32 = 3;
    /// The same message twice, with the same number.
    pub(super) const TWICE: u32 = 5;
    /// An appointment that is cancelled in the morning.
    pub(super) const CANCELLED: u32 = 7;
    /// An appointment at another time, moved in the morning.
    pub(super) const MOVED: u32 = 9;
    /// A prescription that is cancelled in the morning.
    pub(super) const TAKEN_BACK: u32 = 11;
    /// The last diagnosis comes in the morning.
    pub(super) const DIAGNOSED: u32 = 13;
    /// Half of the results, preliminary; all of them in the morning.
    pub(super) const PRELIMINARY: u32 = 15;
    /// One patient in so many has each of these.
    pub(super) const EVERY: u32 = 20;
}

/// The sending applications. The two that write free text use UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    /// The record itself, ISO-2022-JP.
    His,
    /// The laboratory, ISO-2022-JP.
    Lis,
    /// The ward's system, UTF-8.
    Ward,
    /// The writer of notes, UTF-8.
    Karte,
}

/// The stream being written.
pub(crate) struct ShapeHl7<'h> {
    hospital: &'h Hospital,
    v2: V2<'h>,
    frames: Stream,
    heap: Heap,
    /// Messages so far.
    sent: u64,
    /// The time of the next message.
    now: DateTime,
    step: i64,
    /// Beds with somebody in them so far.
    lain: u32,
    /// A message kept to be sent again.
    kept: Option<(String, Vec<u8>)>,
    again: Vec<(String, Vec<u8>)>,
}

impl<'h> ShapeHl7<'h> {
    /// Opens the file of frames; every other file is opened when it is written.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        Ok(ShapeHl7 {
            hospital,
            v2: V2 {
                hospital,
                way: Use::Stream,
            },
            frames: Stream::open(open, "stream.mllp")?,
            heap: Heap::default(),
            sent: 0,
            now: hospital.today().to_datetime(time(0, 5, 0, 0)),
            step: NIGHT_STEP,
            lain: 0,
            kept: None,
            again: Vec::new(),
        })
    }

    /// Sends a message now. `kind` is MSH-9, `body` everything behind MSH.
    fn send(&mut self, from: From, kind: &str, body: &str, open: Open) -> Result<(), SynthError> {
        self.send_dated(from, kind, self.now, body, open)
    }

    /// Sends a message that says it was written at another time.
    fn send_dated(&mut self, from: From, kind: &str, at: DateTime, body: &str, open: Open) -> Result<(), SynthError> {
        let control = format!("{}{:09}", day(self.hospital.today()), self.sent + 1);
        let (name, unicode) = match from {
            From::His => ("HIS", false),
            From::Lis => ("LIS", false),
            From::Ward => ("WARD", true),
            From::Karte => ("KARTE", true),
        };
        let msh = self.v2.msh(&Head {
            from: name,
            at,
            kind,
            control: &control,
            unicode,
        });
        let mut bytes = Vec::with_capacity(body.len() + 256);
        if unicode {
            bytes.extend(msh.as_bytes());
            bytes.extend(body.as_bytes());
        } else {
            jis::encode(&msh, &mut bytes);
            jis::encode(body, &mut bytes);
        }
        self.deliver(kind, bytes, open)
    }

    /// Puts a finished message on the line.
    fn deliver(&mut self, kind: &str, bytes: Vec<u8>, open: Open) -> Result<(), SynthError> {
        self.sent += 1;
        let mut framed = Vec::with_capacity(bytes.len() + 3);
        framed.extend(FRAME.0);
        framed.extend(&bytes);
        framed.extend(FRAME.1);
        self.frames.push(&framed, 1)?;
        let event: String = kind.split('^').take(2).collect::<Vec<_>>().join("_");
        let path = format!("messages/{:04}/{:08}_{event}.hl7", self.sent / 1000, self.sent);
        self.heap.put(open, &format!("messages/*_{event}.hl7"), &path, &bytes)?;
        self.now = self.now.checked_add(self.step.milliseconds()).unwrap_or(self.now);
        self.kept = Some((kind.to_owned(), bytes));
        Ok(())
    }

    /// What is sent differently for somebody. Only of those booked: the morning does not go through the wards again.
    fn habit(&self, patient: &Patient) -> u32 {
        if patient.number > self.hospital.plan().patients {
            return 0;
        }
        patient.number % habit::EVERY
    }

    /// Keeps the message just sent to send it again in the morning.
    fn keep(&mut self) {
        self.again.extend(self.kept.take());
    }
}

impl Printer for ShapeHl7<'_> {
    fn patient(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        self.registered(patient, open)?;
        self.background(patient, open)?;
        self.attended(patient, open)?;
        if let Some(lying) = &patient.lying {
            self.stay(patient, lying, None, open)?;
            self.ward(patient, lying, open)?;
            self.lain += 1;
        }
        match &patient.later {
            Some(row) => self.coming(&patient.id, &patient.person, row, open),
            None => Ok(()),
        }
    }

    fn empty_bed(&mut self, bed: &Bed, open: Open) -> Result<(), SynthError> {
        let former = self.hospital.former(bed);
        match &former.patient.lying {
            Some(lying) => self.stay(&former.patient, lying, Some((former.at, former.left)), open),
            None => Ok(()),
        }
    }

    fn other(&mut self, person: &Person, row: &ThinRow, open: Open) -> Result<(), SynthError> {
        self.coming(&row.id, person, row, open)
    }

    fn finish(mut self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        self.now = self.hospital.today().to_datetime(time(8, 0, 0, 0));
        self.step = MORNING_STEP;
        self.morning(open)?;
        let mut done = vec![self.frames.finish()?];
        done.extend(self.heap.finish());
        done.push(whole(open, "carries.toml", CARRIES)?);
        Ok(done)
    }
}

/// A number of 15 digits for an order: whose, what kind, which.
fn order_number(number: u32, kind: u64, nth: u64) -> String {
    format!("{:015}", u64::from(number) * 10_000 + kind * 1_000 + nth)
}
