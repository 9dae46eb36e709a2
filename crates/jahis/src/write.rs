//! The records of a prescription symbol as bytes: order, commas, CR LF, Shift_JIS, EOF.
//!
//! No decision about what to say is made here (that is [`crate::compose()`]); what does not fit is refused all the same.

use jiff::civil::Date;

use crate::EOF;
use crate::refusal::{Faults, Refused};
use crate::repertoire;
use crate::script::{Class, Script, ScriptDrug, ScriptRp};

/// The file of a symbol: header to EOF.
///
/// # Errors
/// A character outside the repertoire, a separator inside an item, or a file over [`crate::MAX_BYTES`].
pub fn write(script: &Script) -> Result<Vec<u8>, Refused> {
    let mut out = Records::default();
    out.line(&[format!("JAHIS{}", script.version)]);
    head(script, &mut out);
    for (at, rp) in script.rps.iter().enumerate() {
        group(at + 1, rp, &mut out);
    }
    out.bytes.push(EOF);
    if out.bytes.len() > crate::MAX_BYTES {
        out.faults
            .add("シンボル全体", format!("{}バイトは長すぎます", out.bytes.len()));
    }
    out.faults.or(out.bytes)
}

#[derive(Default)]
pub(crate) struct Records {
    pub(crate) bytes: Vec<u8>,
    pub(crate) faults: Faults,
}

impl Records {
    pub(crate) fn line(&mut self, items: &[String]) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.bytes.push(b',');
            }
            match repertoire::encode(item) {
                Ok(bytes) if !bytes.contains(&b',') => self.bytes.extend(bytes),
                Ok(_) => self.faults.add(item.clone(), "項目の中にコンマがあります"),
                Err(c) => self.faults.add(item.clone(), format!("「{c}」は書けません")),
            }
        }
        self.bytes.extend(b"\r\n");
    }

    /// A record when at least one of its items says something.
    fn if_any(&mut self, number: &str, items: &[&str]) {
        if items.iter().any(|item| !item.is_empty()) {
            self.all(number, items);
        }
    }

    fn all(&mut self, number: &str, items: &[&str]) {
        let mut line = vec![number.to_owned()];
        line.extend(items.iter().map(|item| (*item).to_owned()));
        self.line(&line);
    }
}

fn head(script: &Script, out: &mut Records) {
    let s = script;
    out.all(
        "1",
        &[
            &s.facility_kind.to_string(),
            &s.facility_code,
            &s.prefecture,
            &s.facility_name,
        ],
    );
    out.if_any("2", &[&s.postcode, &s.address]);
    if !s.phone.is_empty() || !s.fax.is_empty() {
        out.all("3", &[&s.phone, &s.fax, ""]);
    }
    if !s.department_code.is_empty() || !s.department_name.is_empty() {
        let kind = if s.department_code.is_empty() { "1" } else { "2" };
        out.all("4", &[kind, &s.department_code, &s.department_name]);
    }
    out.all("5", &[&s.doctor_code, &s.doctor_kana, &s.doctor_name]);
    out.all("11", &[&s.patient_code, &s.patient_name, &s.patient_kana]);
    out.all("12", &[&s.sex.to_string()]);
    out.all("13", &[&date(s.birth)]);
    out.if_any("14", &[&digit(s.burden)]);
    out.all("22", &[&s.insurer]);
    out.all(
        "23",
        &[&s.insured_symbol, &s.insured_number, &digit(s.member), &s.branch],
    );
    for ((payer, recipient), number) in s.payers.iter().zip(["27", "28", "29"]) {
        out.all(number, &[payer, recipient]);
    }
    out.all("51", &[&date(s.issued_on)]);
    out.if_any("52", &[&date(s.valid_until)]);
    out.if_any("62", &[&digit(s.leftovers)]);
    out.if_any("64", &[&digit(s.refill)]);
    for (at, remark) in s.remarks.iter().enumerate() {
        out.all("81", &[&(at + 1).to_string(), "", remark]);
    }
}

fn group(number: usize, rp: &ScriptRp, out: &mut Records) {
    let number = number.to_string();
    let class = match rp.class {
        Class::Oral => "1",
        Class::AsNeeded => "2",
        Class::External => "3",
        Class::Drops => "4",
        Class::Injection => "5",
        Class::Material => "6",
        Class::Unknown => "9",
    };
    out.all("101", &[&number, class, "", &rp.quantity.to_string()]);
    let kind = if rp.usage_code.is_empty() { "1" } else { "2" };
    out.all(
        "111",
        &[&number, kind, &rp.usage_code, &rp.usage_name, &digit(rp.times)],
    );
    for (at, note) in rp.notes.iter().enumerate() {
        out.all(
            "181",
            &[
                &number,
                &(at + 1).to_string(),
                &digit(note.kind),
                &note.text,
                &note.code,
                "",
            ],
        );
    }
    for (at, drug) in rp.drugs.iter().enumerate() {
        line(&number, &(at + 1).to_string(), drug, out);
    }
}

fn line(rp: &str, at: &str, drug: &ScriptDrug, out: &mut Records) {
    let flag = if drug.active { "2" } else { "1" };
    let amount = drug.amount.text();
    out.all(
        "201",
        &[
            rp,
            at,
            &digit(drug.kind),
            &drug.system.to_string(),
            &drug.code,
            &drug.name,
            &amount,
            flag,
            &drug.unit,
        ],
    );
    if let Some(factor) = drug.conversion {
        out.all("211", &[rp, at, &factor.text()]);
    }
    if !drug.uneven.is_empty() {
        let mut items = vec![rp.to_owned(), at.to_owned()];
        items.extend(drug.uneven.iter().map(|amount| amount.text()));
        // Five amounts, then five codes, which are left out.
        items.resize(12, String::new());
        out.all("221", &items.iter().map(String::as_str).collect::<Vec<_>>());
    }
    if !drug.single.is_empty() {
        out.all("241", &[rp, at, &drug.single, &digit(drug.single_times)]);
    }
    for (place, (kind, text)) in drug.notes.iter().enumerate() {
        out.all("281", &[rp, at, &(place + 1).to_string(), &digit(*kind), text, ""]);
    }
}

fn digit(number: Option<u8>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

fn date(date: Option<Date>) -> String {
    date.map(|d| format!("{:04}{:02}{:02}", d.year(), d.month(), d.day()))
        .unwrap_or_default()
}
