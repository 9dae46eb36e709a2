//! The hospital as FHIR R4 after JP Core and JP-CLINS: Bulk Data (one NDJSON file a kind of resource), and for some patients the Bundles and
//! documents of the national service.
//!
//! Which resource carries what is described in `docs/operating/synthetic-hospital.md`.

mod booked;
mod bundles;
mod codes;
mod json;
mod medicine;
mod observed;
mod people;

use crate::export::Printer;
use crate::former::Left;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::patient::{Patient, ThinRow};
use crate::person::Person;
use crate::sheet::Open;
use crate::stream::{Heap, Stream, whole};
use crate::v2::FACILITY;
use crate::{FileSummary, SynthError};
use codes::{instant, reference};
use jiff::civil::{DateTime, time};
use json::{Json, list, map};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What the format cannot carry.
const CARRIES: &str = include_str!("../data/carries/fhir.toml");
/// The kinds of resources, one file each.
const KINDS: [&str; 16] = [
    "AllergyIntolerance",
    "Appointment",
    "Condition",
    "Coverage",
    "DocumentReference",
    "Encounter",
    "List",
    "Location",
    "MedicationAdministration",
    "MedicationRequest",
    "NutritionOrder",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "ServiceRequest",
];

/// Makes resources from facts.
#[derive(Debug, Clone, Copy)]
struct Maker<'h> {
    hospital: &'h Hospital,
    /// When everything was put together.
    loaded: DateTime,
    /// For the national service: with the institution, and without pointing to what is not in the Bundle.
    service: bool,
}

/// The resources of one patient.
struct Parts {
    resources: Vec<Json>,
}

/// The files being written.
pub(crate) struct ShapeFhir<'h> {
    maker: Maker<'h>,
    files: BTreeMap<&'static str, Stream>,
    heap: Heap,
    line: String,
    /// Beds with somebody in them so far.
    lain: u32,
}

impl<'h> ShapeFhir<'h> {
    /// Opens the files of Bulk Data and writes what belongs to no patient.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        let mut files = BTreeMap::new();
        for kind in KINDS {
            files.insert(kind, Stream::open(open, &format!("bulk/{kind}.ndjson"))?);
        }
        let maker = Maker {
            hospital,
            loaded: hospital.today().to_datetime(time(0, 5, 0, 0)),
            service: false,
        };
        let masters = maker.masters();
        let mut shape = ShapeFhir {
            maker,
            files,
            heap: Heap::default(),
            line: String::new(),
            lain: 0,
        };
        masters.iter().try_for_each(|one| shape.put(one))?;
        Ok(shape)
    }

    /// Writes a resource into the file of its kind.
    fn put(&mut self, resource: &Json) -> Result<(), SynthError> {
        self.line.clear();
        resource.write(&mut self.line);
        self.line.push('\n');
        match self.files.get_mut(resource.text("resourceType")) {
            Some(file) => file.push(self.line.as_bytes(), 1),
            None => Ok(()),
        }
    }

    /// Writes a Bundle into a file of its own.
    fn bundle(&mut self, open: Open, kind: &str, path: &str, bundle: &Json) -> Result<(), SynthError> {
        self.line.clear();
        bundle.write(&mut self.line);
        self.line.push('\n');
        self.heap.put(open, kind, path, self.line.as_bytes())
    }

    /// The maker for the national service.
    fn service(&self) -> Maker<'h> {
        Maker {
            service: true,
            ..self.maker
        }
    }

    /// The Bundles and documents of one of the first patients.
    fn bundles(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        let maker = self.service();
        let parts = maker.parts(patient, &maker.bundled_subject(patient), 0);
        for kind in ["Condition", "AllergyIntolerance", "Observation"] {
            if let Some(bundle) = maker.information(patient, kind, &parts.resources) {
                let path = format!("clins/{}_{kind}.json", patient.id);
                self.bundle(open, &format!("clins/*_{kind}.json"), &path, &bundle)?;
            }
        }
        if patient.number % 12 == 1 {
            let bundle = maker.referral(patient, &parts);
            let path = format!("documents/{}_referral.json", patient.id);
            self.bundle(open, "documents/*_referral.json", &path, &bundle)?;
        }
        Ok(())
    }
}

impl Maker<'_> {
    /// The department; for the national service the institution too.
    fn extensions(&self, department: usize) -> Json {
        let institution = map! {
            "url": "http://jpfhir.jp/fhir/clins/Extension/StructureDefinition/JP_eCS_InstitutionNumber",
            "valueIdentifier": map! {
                "system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": FACILITY,
            },
        };
        let department = map! {
            "url": "http://jpfhir.jp/fhir/eCS/Extension/StructureDefinition/JP_eCS_Department",
            "valueCodeableConcept": self.department(department),
        };
        list![self.service.then_some(institution), department]
    }

    /// A doctor with the name.
    fn doctor(&self, place: usize) -> Json {
        let Some(doctor) = self.hospital.catalogue.doctors.get(place) else {
            return Json::List(Vec::new());
        };
        let reference = (!self.service).then(|| format!("Practitioner/{}", doctor.code));
        map! { "reference": reference, "display": format!("{} {}", doctor.family, doctor.given) }
    }

    /// Everything about a patient but who it is. `nth` is their place among those in a bed.
    fn parts(&self, patient: &Patient, subject: &Json, nth: u32) -> Parts {
        let mut out = self.cautions(patient, subject);
        out.extend(
            (1..)
                .zip(&patient.diagnoses)
                .map(|(seq, d)| self.condition(patient, seq, d, subject)),
        );
        out.extend(self.results(patient, subject));
        out.extend(self.facts(patient, subject));
        out.extend(self.coverages(patient));
        for (place, visit) in patient.visits.iter().enumerate() {
            out.extend(self.visit(patient, visit, place, subject));
            out.extend(self.note(patient, visit, place, subject));
            out.extend(self.prescribed(patient, visit, place, subject));
            if let Some(appointment) = &visit.appointment {
                out.extend(self.booked(patient, visit, appointment));
                out.extend(self.orders(visit, appointment, subject));
            }
        }
        out.extend(patient.later.as_ref().map(|row| self.coming(row)));
        if let Some(lying) = &patient.lying {
            out.push(self.stay(patient, lying, nth, None));
            out.push(self.bed(&lying.bed, true));
            out.push(self.diet(patient, lying, subject));
            out.extend(self.due(patient, lying, subject));
            out.extend(self.given(patient, lying, subject));
            out.extend(self.ward_observations(patient, lying, subject));
            out.extend(self.handovers(patient, lying, subject));
        }
        Parts { resources: out }
    }
}

impl Printer for ShapeFhir<'_> {
    fn patient(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        self.put(&self.maker.patient(patient))?;
        let parts = self.maker.parts(patient, &reference("Patient", &patient.id), self.lain);
        parts.resources.iter().try_for_each(|one| self.put(one))?;
        if patient.lying.is_some() {
            self.lain += 1;
        } else if patient.number <= bundles::BUNDLED {
            self.bundles(patient, open)?;
        }
        Ok(())
    }

    fn empty_bed(&mut self, bed: &Bed, open: Open) -> Result<(), SynthError> {
        self.put(&self.maker.bed(bed, false))?;
        let former = self.maker.hospital.former(bed);
        let patient = &former.patient;
        self.put(&self.maker.patient(patient))?;
        let Some(lying) = &patient.lying else { return Ok(()) };
        let stay = self
            .maker
            .stay(patient, lying, u32::MAX, Some((former.at, former.left)));
        self.put(&stay)?;
        if former.left == Left::Died {
            return Ok(());
        }
        let mut before = patient.clone();
        before.lying = None;
        let maker = self.service();
        let parts = maker.parts(&before, &maker.bundled_subject(patient), 0);
        let bundle = maker.discharge(patient, &parts);
        let path = format!("documents/{}_discharge.json", patient.id);
        self.bundle(open, "documents/*_discharge.json", &path, &bundle)
    }

    fn other(&mut self, person: &Person, row: &ThinRow, _: Open) -> Result<(), SynthError> {
        self.put(&self.maker.person(&row.id, person, Vec::new()))?;
        self.put(&self.maker.coming(row))
    }

    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        let mut done = Vec::new();
        let mut output = String::new();
        for (kind, file) in self.files {
            let file = file.finish()?;
            if !output.is_empty() {
                output.push(',');
            }
            let _ = write!(
                output,
                "{{\"type\":\"{kind}\",\"url\":\"{kind}.ndjson\",\"count\":{}}}",
                file.rows
            );
            done.push(file);
        }
        done.extend(self.heap.finish());
        let manifest = format!(
            "{{\"transactionTime\":\"{}\",\"request\":\"http://akari.example/fhir/$export\",\"requiresAccessToken\":true,\"output\":[{output}],\"error\":[]}}\n",
            instant(self.maker.loaded)
        );
        done.push(whole(open, "bulk/manifest.json", &manifest)?);
        done.push(whole(open, "carries.toml", CARRIES)?);
        Ok(done)
    }
}
