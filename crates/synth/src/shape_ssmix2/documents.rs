//! The extended storage: notes as CDA documents, vital signs as messages.

use super::{ShapeSsMix2, shelf};
use crate::calendar::compact;
use crate::cp932::{self, Lost};
use crate::inpatient::Lying;
use crate::patient::{Note, Patient, Visit};
use crate::sheet::Open;
use crate::v2::{FACILITY, Head, day, minute, second};
use crate::{SynthError, jis};
use std::fmt::Write as _;

/// The folder of notes: no local code, the standard's code of an outpatient's record.
const NOTES: &str = "^外来カルテ^^34108-1^外来診療録^LN";
/// The folder of vital signs, which has no standard code.
const VITALS: &str = "L-OBSERVATIONS^OBSERVATIONS^99ZL01";

/// Text of XML with line breaks as `<br/>`.
fn xml(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    plain.replace('"', "&quot;").replace('\n', "<br/>")
}

impl ShapeSsMix2<'_> {
    /// The last note of every department; one in four patients' in Shift_JIS, as older gateways write.
    pub(super) fn notes(&mut self, patient: &Patient, open: Open) -> Result<(), SynthError> {
        for (nth, visit) in (0_u32..).zip(&patient.visits) {
            let (Some(last), Some(note)) = (visit.last, &visit.note) else {
                continue;
            };
            if [&note.s, &note.o, &note.a, &note.p].iter().all(|part| part.is_empty()) {
                continue;
            }
            let old = patient.number % 4 == 0;
            let text = self.document(patient, visit, note, if old { "Shift_JIS" } else { "UTF-8" });
            let mut bytes = Vec::new();
            if old {
                cp932::encode(&text, Lost::Square, &mut bytes);
            } else {
                bytes.extend(text.as_bytes());
            }
            let at = self.moment(
                note.written.date(),
                note.written.hour(),
                note.written.minute(),
                patient.number,
                50 + nth,
            );
            let stamp = format!("{}{:03}", second(at), at.millisecond());
            let department = self.v2.department_code(visit.department);
            let folder = format!(
                "ANX/{FACILITY}_EXT/{}/{}/{NOTES}/{}_{}_34108-1_{:015}_{stamp}_{department}_1",
                shelf(&patient.id),
                compact(last),
                patient.id,
                compact(last),
                u64::from(patient.number) * 10 + u64::from(nth),
            );
            let path = format!("{folder}/main_document.xml");
            self.heap.put(open, "ANX/*/34108-1", &path, &bytes)?;
        }
        Ok(())
    }

    fn document(&self, patient: &Patient, visit: &Visit, note: &Note, encoding: &str) -> String {
        let p = &patient.person;
        let doctor = self.hospital.catalogue.doctors.get(visit.doctor);
        let (code, author) = doctor.map_or(("", String::new()), |d| (d.code, format!("{}　{}", d.family, d.given)));
        let department = self.v2.department(visit.department).map_or("", |d| d.name);
        let kana = p.kana.as_ref().map_or(String::new(), |(family, given)| {
            format!(
                "<name use=\"SYL\"><family>{}</family><given>{}</given></name>",
                xml(family),
                xml(given)
            )
        });
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<ClinicalDocument xmlns=\"urn:hl7-org:v3\">\
             <typeId root=\"2.16.840.1.113883.1.3\" extension=\"POCD_HD000040\"/>\
             <id root=\"1.2.392.100495.20.3.51.1{FACILITY}\" extension=\"N{}{}\"/>\
             <code code=\"34108-1\" codeSystem=\"2.16.840.1.113883.6.1\" displayName=\"外来診療録\"/><title>外来診療録</title>\
             <effectiveTime value=\"{}\"/>\
             <recordTarget><patientRole><id root=\"1.2.392.100495.20.3.51.1{FACILITY}\" extension=\"{}\"/><patient>\
             <name use=\"IDE\"><family>{}</family><given>{}</given></name>{kana}<birthTime value=\"{}\"/></patient></patientRole></recordTarget>\
             <author><time value=\"{}\"/><assignedAuthor><id extension=\"{code}\"/><assignedPerson><name>{}</name></assignedPerson>\
             <representedOrganization><id extension=\"{}\"/><name>{department}</name></representedOrganization></assignedAuthor></author>\
             <component><structuredBody>",
            patient.id,
            compact(note.written.date()),
            minute(note.written),
            patient.id,
            xml(&p.family),
            xml(&p.given),
            day(p.birth),
            minute(note.written),
            xml(&author),
            self.v2.department_code(visit.department),
        );
        let parts = [
            ("61150-9", "S", &note.s),
            ("61149-1", "O", &note.o),
            ("51848-0", "A", &note.a),
            ("18776-5", "P", &note.p),
        ];
        for (code, title, text) in parts {
            if !text.is_empty() {
                let _ = write!(
                    out,
                    "<component><section><code code=\"{code}\" codeSystem=\"2.16.840.1.113883.6.1\"/><title>{title}</title><text>{}</text></section></component>",
                    xml(text)
                );
            }
        }
        out.push_str("</structuredBody></component></ClinicalDocument>\n");
        out
    }

    /// Vital signs, one file a measurement.
    pub(super) fn vitals(&mut self, patient: &Patient, lying: &Lying, open: Open) -> Result<(), SynthError> {
        let v2 = self.v2;
        for (nth, one) in (0..).zip(&lying.vitals) {
            let at = self.moment(
                one.at.date(),
                one.at.hour(),
                one.at.minute() + 3,
                patient.number,
                60 + nth,
            );
            let stamp = format!("{}{:03}", second(at), at.millisecond());
            let key = format!("{:0>15}", minute(one.at).get(..10).unwrap_or_default());
            let on = compact(one.at.date());
            let department = v2.department_code(lying.department);
            let control = format!("{stamp}V{nth:02}");
            let text = [
                v2.msh(&Head {
                    from: "WARD",
                    at,
                    kind: "ORU^R30^ORU_R30",
                    control: &control,
                    unicode: false,
                }),
                v2.pid(patient, None),
                v2.pv1_in(lying, &crate::v2::Place::of(lying), None, None, None),
                v2.vitals(&key, one),
            ]
            .concat();
            let mut bytes = Vec::new();
            jis::encode(&text, &mut bytes);
            // One in eight folders lacks the department, as published samples do.
            let name = if patient.number % 8 == 0 {
                format!("{}_{on}_L-OBSERVATIONS_{key}_{stamp}_1", patient.id)
            } else {
                format!("{}_{on}_L-OBSERVATIONS_{key}_{stamp}_{department}_1", patient.id)
            };
            let path = format!(
                "ANX/{FACILITY}_EXT/{}/{on}/{VITALS}/{name}/main_document.hl7",
                shelf(&patient.id)
            );
            self.heap.put(open, "ANX/*/L-OBSERVATIONS", &path, &bytes)?;
        }
        Ok(())
    }
}
