//! SS-MIX2 standardized storage 1.2x with its extended storage and transaction log: one HL7 message per file in the standard's tree.
//!
//! What the tree holds beside the current state is described in `docs/operating/synthetic-hospital.md`: superseded and deleted files,
//! a renaming caught halfway, stays that moved. It prints facts and decides none but these.

mod documents;
mod orders;
mod stays;

use crate::calendar;
use crate::export::Printer;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::patient::{Patient, ThinRow};
use crate::person::Person;
use crate::sheet::Open;
use crate::stream::{Heap, Stream, whole};
use crate::v2::{FACILITY, Head, Use, V2, day, second};
use crate::{FileSummary, SynthError, jis};
use jiff::ToSpan;
use jiff::civil::{Date, DateTime, time};

/// What the format cannot carry.
const CARRIES: &str = include_str!("../data/carries/ssmix2.toml");
/// The number of an order where there is none.
const NO_ORDER: &str = "999999999999999";

/// The tree being written.
pub(crate) struct ShapeSsMix2<'h> {
    hospital: &'h Hospital,
    v2: V2<'h>,
    heap: Heap,
    log: Stream,
    /// Beds with somebody in them so far.
    lain: u32,
    control: u32,
}

/// One file of the standardized storage.
#[derive(Debug, Clone)]
struct Leaf<'a> {
    id: &'a str,
    /// 診療日; none for `-`.
    on: Option<Date>,
    /// データ種別
    kind: &'a str,
    /// MSH-9
    message: &'a str,
    order: &'a str,
    /// 発生日時
    at: DateTime,
    /// 診療科コード
    department: &'a str,
    /// Condition: 1 current, 2 superseded, 0 deleted.
    flag: u8,
}

impl<'h> ShapeSsMix2<'h> {
    /// Opens the log; every other file is opened when it is written.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        let today = hospital.today();
        let name = format!("TR_STD/{}/TR_{}000500000_00001.DAT", today.year(), day(today));
        Ok(ShapeSsMix2 {
            hospital,
            v2: V2 {
                hospital,
                way: Use::Storage,
            },
            heap: Heap::default(),
            log: Stream::open(open, &name)?,
            lain: 0,
            control: 0,
        })
    }

    /// A moment of a patient: the day, hour and minute with seconds that differ from patient to patient.
    fn moment(&self, on: Date, hour: i8, minute: i8, number: u32, nth: u32) -> DateTime {
        let spread = number.wrapping_mul(7919).wrapping_add(nth.wrapping_mul(104_729));
        let at = on.to_datetime(time(hour, minute, 0, 0));
        at.checked_add((i64::from(spread % 59)).seconds().milliseconds(i64::from(spread % 997)))
            .unwrap_or(at)
    }

    /// Writes a file, and into the log what was written today.
    fn leaf(&mut self, open: Open, leaf: &Leaf<'_>, body: &str) -> Result<(), SynthError> {
        self.control += 1;
        let stamp = format!("{}{:03}", second(leaf.at), leaf.at.millisecond());
        let control = format!("{stamp}{:03}", self.control % 1000);
        let msh = self.v2.msh(&Head {
            from: "HIS",
            at: leaf.at,
            kind: leaf.message,
            control: &control,
            unicode: false,
        });
        let mut bytes = Vec::with_capacity(body.len() + 256);
        jis::encode(&msh, &mut bytes);
        jis::encode(body, &mut bytes);
        let on = leaf.on.map_or_else(|| "-".to_owned(), day);
        let root = match leaf.on {
            Some(on) => format!("STD/{FACILITY}_{}", on.year()),
            None => format!("STD/{FACILITY}_ALL"),
        };
        let (kind, order, department) = (leaf.kind, leaf.order, leaf.department);
        let name = format!("{}_{on}_{kind}_{order}_{stamp}_{department}_{}", leaf.id, leaf.flag);
        let path = format!("{root}/{}/{on}/{kind}/{name}", shelf(leaf.id));
        if leaf.at.date() == self.hospital.today() {
            let class = if leaf.flag == 0 { "DEL" } else { "INS" };
            let head = format!("{class},{FACILITY},{name},{}\r\n", bytes.len());
            self.log.push(head.as_bytes(), 1)?;
            self.log.push(&bytes, 0)?;
            self.log.push(b"\r\n", 0)?;
        }
        self.heap.put(open, &format!("STD/*/{kind}"), &path, &bytes)
    }

    /// Who it is, what they do not bear, and their diagnoses: what has no date.
    fn undated(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        let today = self.hospital.today();
        let yesterday = calendar::plus(today, -1);
        let number = patient.number;
        let at = self.moment(yesterday, 23, 10, number, 0);
        let mut leaf = Leaf {
            id: &patient.id,
            on: None,
            kind: "ADT-00",
            message: "ADT^A08^ADT_A01",
            order: NO_ORDER,
            at,
            department: "-",
            flag: 1,
        };
        let adt = |patient: &Patient, at: DateTime| {
            let pv1 = match (&patient.lying, patient.visits.first()) {
                (Some(lying), _) => v2.pv1_in(lying, &crate::v2::Place::of(lying), None, None, None),
                (None, Some(visit)) => v2.pv1_out(visit.department, visit.doctor, None),
                (None, None) => "PV1|0001|O\r".to_owned(),
            };
            [
                v2.evn(at, None, None),
                v2.pid(patient, Some(at)),
                v2.nk1(patient),
                pv1,
                v2.profile(patient),
                v2.al1(&patient.cautions),
                v2.in1(patient),
            ]
            .concat()
        };
        // Before: they lived elsewhere.
        if number % 4 == 1 {
            let mut before = patient.clone();
            before.person.address = "灯里市旧町1-1-1".to_owned();
            before.person.mobile.clear();
            let earlier = Leaf {
                at: self.moment(calendar::plus(today, -400), 10, 5, number, 1),
                flag: 2,
                ..leaf.clone()
            };
            self.leaf(open, &earlier, &adt(&before, earlier.at))?;
        }
        self.leaf(open, &leaf, &adt(patient, at))?;
        let iam = v2.iam(&patient.cautions);
        if !iam.is_empty() {
            leaf.kind = "ADT-61";
            leaf.message = "ADT^A60^ADT_A60";
            leaf.at = self.moment(yesterday, 23, 11, number, 2);
            let head = [v2.evn(leaf.at, None, None), v2.pid(patient, None)].concat();
            // Before: only the first was known.
            if number % 5 == 2 {
                let first = iam.split_inclusive('\r').next().unwrap_or_default();
                let earlier = Leaf {
                    at: self.moment(calendar::plus(today, -30), 9, 40, number, 3),
                    flag: 2,
                    ..leaf.clone()
                };
                self.leaf(open, &earlier, &format!("{head}{first}"))?;
            }
            self.leaf(open, &leaf, &format!("{head}{iam}"))?;
        }
        if !patient.diagnoses.is_empty() {
            leaf.kind = "PPR-01";
            leaf.message = "PPR^ZD1^PPR_ZD1";
            leaf.department = "-";
            leaf.at = self.moment(yesterday, 23, 12, number, 4);
            let head = v2.pid(patient, None);
            let list = |count: usize| -> String {
                let all = (1..).zip(&patient.diagnoses).take(count);
                all.map(|(seq, d)| v2.problem(number, seq, d)).collect()
            };
            // Before: the last one was not yet there.
            if number % 7 == 2 && patient.diagnoses.len() > 1 {
                let earlier = Leaf {
                    at: self.moment(calendar::plus(today, -60), 15, 20, number, 5),
                    flag: 2,
                    ..leaf.clone()
                };
                self.leaf(open, &earlier, &format!("{head}{}", list(patient.diagnoses.len() - 1)))?;
            }
            self.leaf(open, &leaf, &format!("{head}{}", list(usize::MAX)))?;
        }
        Ok(())
    }
}

/// The folders of a patient: the first three digits, the next three, all.
fn shelf(id: &str) -> String {
    format!(
        "{}/{}/{id}",
        id.get(..3).unwrap_or_default(),
        id.get(3..6).unwrap_or_default()
    )
}

impl Printer for ShapeSsMix2<'_> {
    fn patient(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        self.undated(patient, open)?;
        self.attended(patient, open)?;
        self.notes(patient, open)?;
        if let Some(lying) = &patient.lying {
            self.stay(patient, lying, None, open)?;
            self.ward_orders(patient, lying, open)?;
            self.vitals(patient, lying, open)?;
            self.lain += 1;
        }
        Ok(())
    }

    fn empty_bed(&mut self, bed: &Bed, open: Open) -> Result<(), SynthError> {
        let former = self.hospital.former(bed);
        self.undated(&former.patient, open)?;
        match &former.patient.lying {
            Some(lying) => self.stay(&former.patient, lying, Some((former.at, former.left)), open),
            None => Ok(()),
        }
    }

    fn other(&mut self, _: &Person, _: &ThinRow, _: Open) -> Result<(), SynthError> {
        // The standard has no kind of data for appointments.
        Ok(())
    }

    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        let mut done = self.heap.finish();
        done.push(self.log.finish()?);
        done.push(whole(open, "carries.toml", CARRIES)?);
        Ok(done)
    }
}
