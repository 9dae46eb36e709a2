//! Results of the laboratory and vital signs: SPM, OBR, OBX.

use super::codes::{iso, jlac10, material};
use super::medicine::Ordered;
use super::{V2, coded, esc, minute, second, segment};
use crate::inpatient::Measured;
use crate::patient::{LabSheet, Result};
use crate::person::Sex;

impl V2<'_> {
    /// All results of a sample, material by material: SPM, OBR, ORC, OBX.
    pub(crate) fn results(&self, ordered: &Ordered<'_>, sheet: &LabSheet, sex: Sex, state: &str) -> String {
        let labs = &self.hospital.catalogue.labs;
        let material_of = |result: &Result| {
            labs.get(result.item)
                .map_or(("", ""), |lab| material(lab.code_a, lab.name))
        };
        let mut materials: Vec<(&str, &str)> = Vec::new();
        for result in &sheet.results {
            let one = material_of(result);
            if !materials.contains(&one) {
                materials.push(one);
            }
        }
        let taken = minute(sheet.taken);
        let mut out = String::new();
        for (place, (code, name)) in (1_usize..).zip(materials) {
            let specimen = format!("{}{place}", ordered.number.get(1..).unwrap_or_default());
            let number = place.to_string();
            out += &segment(
                "SPM",
                &[
                    (1, &number),
                    (2, &specimen),
                    (4, &coded(code, name, "JC10")),
                    (17, &taken),
                ],
            );
            let doctor = self.xcn(ordered.doctor);
            out += &segment(
                "OBR",
                &[
                    (1, &number),
                    (2, ordered.number),
                    (3, &specimen),
                    (4, "E001^検体検査^99O03"),
                    (7, &taken),
                    (16, &doctor),
                    (22, &second(ordered.at)),
                ],
            );
            out += &self.orc(ordered, "", "CM").replacen("ORC|NW", "ORC|SC", 1);
            let mine = sheet
                .results
                .iter()
                .filter(|result| material_of(result) == (code, name));
            for (at, result) in (1_usize..).zip(mine) {
                out += &self.result(at, result, sex, &taken, state);
            }
        }
        out
    }

    fn result(&self, at: usize, result: &Result, sex: Sex, taken: &str, state: &str) -> String {
        let Some(lab) = self.hospital.catalogue.labs.get(result.item) else {
            return String::new();
        };
        let what = match jlac10(lab.code_a) {
            Some(code) => format!("{code}^{}^JC10^{}^{}^99LAB", esc(lab.name), lab.code_a, esc(lab.name)),
            None => coded(lab.code_a, lab.name, "99LAB"),
        };
        let kind = if result.value.parse::<f64>().is_ok() {
            "NM"
        } else {
            "ST"
        };
        let unit = if lab.unit.is_empty() {
            String::new()
        } else {
            coded(&iso(lab.unit), lab.unit, "ISO+")
        };
        let (low, high) = lab.reference(sex);
        let range = match (low, high, lab.decimals) {
            (low, _, None) => low.to_owned(),
            ("", "", _) => String::new(),
            (low, "", _) => format!(">{low}"),
            ("", high, _) => format!("<{high}"),
            (low, high, _) => format!("{low}-{high}"),
        };
        let mut out = segment(
            "OBX",
            &[
                (1, &at.to_string()),
                (2, kind),
                (3, &what),
                (5, &esc(&result.value)),
                (6, &unit),
                (7, &esc(&range)),
                (8, &result.flag.map(String::from).unwrap_or_default()),
                (11, state),
                (14, taken),
            ],
        );
        if !result.remark.is_empty() {
            out += &segment("NTE", &[(1, "1"), (2, "L"), (3, &esc(result.remark))]);
        }
        out
    }

    /// Vital signs of one time: OBR and OBX.
    pub(crate) fn vitals(&self, number: &str, one: &Measured) -> String {
        let at = minute(one.at);
        let mut out = segment(
            "OBR",
            &[
                (1, "1"),
                (2, number),
                (4, "VITAL^バイタルサイン^99OBS"),
                (7, &at),
                (25, "F"),
            ],
        );
        let temperature = format!("{}.{}", one.temperature / 10, one.temperature % 10);
        let rows = [
            ("9P100000000000001^体温(腋窩)^JC10", temperature, "cel^℃^ISO+"),
            (
                "9A751000000000001^収縮期血圧(1回目)^JC10",
                one.pressure.0.to_string(),
                "mm(hg)^mmHg^ISO+",
            ),
            (
                "9A761000000000001^拡張期血圧(1回目)^JC10",
                one.pressure.1.to_string(),
                "mm(hg)^mmHg^ISO+",
            ),
            ("9P300000000000001^脈拍^JC10", one.pulse.to_string(), "/min^/分^ISO+"),
            ("3H065000000000001^SpO2^JC10", one.spo2.to_string(), "%^%^ISO+"),
        ];
        for (place, (what, value, unit)) in (1_usize..).zip(rows) {
            out += &segment(
                "OBX",
                &[
                    (1, &place.to_string()),
                    (2, "NM"),
                    (3, what),
                    (5, &value),
                    (6, unit),
                    (11, "F"),
                    (14, &at),
                ],
            );
        }
        out
    }
}
