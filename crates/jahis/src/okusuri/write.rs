//! The records of a notebook as bytes, whole or in parts with 911 分割制御.

use jiff::civil::Date;

use crate::EOF;
use crate::okusuri::{CautionKind, Dispensing, Form, Notebook, NotebookRp, Origin, Place, Remark};
use crate::refusal::{Faults, Refused};
use crate::write::Records;

/// The file of a notebook: header to EOF.
///
/// # Errors
/// A character outside the repertoire, a separator inside an item, or a file over [`crate::MAX_BYTES`].
pub fn write(book: &Notebook) -> Result<Vec<u8>, Refused> {
    let mut out = Records::default();
    out.line(&[format!("JAHISTC{:02}", book.edition), book.output.to_string()]);
    let h = &book.holder;
    let [postcode, address, phone, emergency, blood, weight] = &h.rest;
    let sex = h.sex.to_string();
    all(
        &mut out,
        1,
        &[
            &h.name,
            &sex,
            &day(h.birth),
            postcode,
            address,
            phone,
            emergency,
            blood,
            weight,
            &h.kana,
        ],
    );
    for caution in &book.cautions {
        let kind = match caution.kind {
            CautionKind::Allergy => "1",
            CautionKind::SideEffect => "2",
            CautionKind::History => "3",
            CautionKind::Other => "9",
        };
        all(&mut out, 2, &[kind, &caution.text, by(caution.origin)]);
    }
    for otc in &book.otc {
        all(
            &mut out,
            3,
            &[
                &otc.name,
                &day(otc.from),
                &day(otc.until),
                by(otc.origin),
                &otc.number,
                &otc.jan,
            ],
        );
        for (name, kind, code, origin) in &otc.ingredients {
            all(&mut out, 31, &[&otc.number, name, kind, code, by(*origin)]);
        }
    }
    for memo in &book.memos {
        all(&mut out, 4, &[&memo.text, &day(memo.on), by(memo.origin)]);
    }
    for dispensing in &book.dispensings {
        block(dispensing, &mut out);
    }
    for pharmacist in &book.pharmacists {
        let items: Vec<&str> = pharmacist.iter().map(String::as_str).collect();
        all(&mut out, 701, &items);
    }
    if let Some((id, of, number)) = &book.part {
        all(&mut out, 911, &[id, &of.to_string(), &number.to_string()]);
    }
    out.bytes.push(EOF);
    if out.bytes.len() > crate::MAX_BYTES {
        out.faults
            .add("シンボル全体", format!("{}バイトは長すぎます", out.bytes.len()));
    }
    out.faults.or(out.bytes)
}

/// The notebook as one file of at most `max` bytes, or as several, each complete: patient in all of them, cautions, memos and the like in the first,
/// the dispensing's own records before its drugs. `id` is up to 14 digits, the same for all parts (the moment of writing).
///
/// # Errors
/// Like [`write()`]; one Rp alone is longer than `max`; or more than 999 parts.
pub fn write_parts(book: &Notebook, max: usize, id: &str) -> Result<Vec<Vec<u8>>, Refused> {
    let whole = write(book)?;
    if whole.len() <= max {
        return Ok(vec![whole]);
    }
    let empty = |keep: &Notebook| Notebook {
        edition: keep.edition,
        output: keep.output,
        holder: keep.holder.clone(),
        part: Some((id.to_owned(), 999, 999)),
        ..Notebook::default()
    };
    let mut first = empty(book);
    first.cautions.clone_from(&book.cautions);
    first.otc.clone_from(&book.otc);
    first.memos.clone_from(&book.memos);
    first.pharmacists.clone_from(&book.pharmacists);
    let mut parts = vec![first];
    for dispensing in &book.dispensings {
        let head = Dispensing {
            rps: Vec::new(),
            remarks: Vec::new(),
            ..dispensing.clone()
        };
        let mut doctor = None;
        let mut pieces: Vec<Dispensing> = dispensing
            .rps
            .iter()
            .map(|rp| {
                doctor = rp.doctor.clone().or_else(|| doctor.clone());
                // A part must say the doctor itself.
                let rp = NotebookRp {
                    doctor: doctor.clone(),
                    ..rp.clone()
                };
                Dispensing {
                    rps: vec![rp],
                    ..head.clone()
                }
            })
            .collect();
        if !dispensing.remarks.is_empty() || pieces.is_empty() {
            pieces.push(Dispensing {
                remarks: dispensing.remarks.clone(),
                ..head
            });
        }
        let mut fresh = true;
        for piece in pieces {
            let last = parts.last().cloned().unwrap_or_default();
            let mut longer = last;
            append(&mut longer, piece.clone(), fresh);
            fresh = false;
            if write(&longer)?.len() <= max {
                parts.pop();
                parts.push(longer);
            } else {
                let mut next = empty(book);
                next.dispensings.push(piece);
                parts.push(next);
            }
        }
    }
    number(parts, max, id)
}

/// Adds a piece of a dispensing; a fresh one opens its own block even where the last looks the same.
fn append(part: &mut Notebook, piece: Dispensing, fresh: bool) {
    match part.dispensings.last_mut() {
        Some(last) if !fresh => {
            let doctor = last.rps.iter().rev().find_map(|rp| rp.doctor.clone());
            last.rps.extend(piece.rps.into_iter().map(|mut rp| {
                if rp.doctor == doctor {
                    rp.doctor = None;
                }
                rp
            }));
            last.remarks.extend(piece.remarks);
        }
        _ => part.dispensings.push(piece),
    }
}

fn number(parts: Vec<Notebook>, max: usize, id: &str) -> Result<Vec<Vec<u8>>, Refused> {
    let mut faults = Faults::default();
    let count = u16::try_from(parts.len()).unwrap_or(u16::MAX);
    if count > 999 || id.is_empty() || id.len() > 14 || !id.bytes().all(|b| b.is_ascii_digit()) {
        faults.add("分割制御", "IDは14桁までの数字、分割は999までです");
    }
    let mut files = Vec::with_capacity(parts.len());
    for (mut part, number) in parts.into_iter().zip(1..) {
        part.part = Some((id.to_owned(), count, number));
        let file = write(&part)?;
        if file.len() > max {
            faults.add(
                "分割",
                format!("1つの記録が{max}バイトに収まりません（{}バイト）", file.len()),
            );
        }
        files.push(file);
    }
    faults.or(files)
}

fn block(dispensing: &Dispensing, out: &mut Records) {
    all(out, 5, &[&day(dispensing.on), by(dispensing.origin)]);
    if let Some(place) = &dispensing.place {
        let [postcode, address, phone] = &place.contact;
        let Place {
            name,
            prefecture,
            table,
            code,
            origin,
            ..
        } = place;
        all(
            out,
            11,
            &[name, prefecture, table, code, postcode, address, phone, by(*origin)],
        );
    }
    if let Some((name, contact, origin)) = &dispensing.staff {
        all(out, 15, &[name, contact, by(*origin)]);
    }
    if let Some(place) = &dispensing.prescribed_at {
        all(
            out,
            51,
            &[
                &place.name,
                &place.prefecture,
                &place.table,
                &place.code,
                by(place.origin),
            ],
        );
    }
    for rp in &dispensing.rps {
        group(rp, out);
    }
    for remark in &dispensing.remarks {
        match remark.record {
            411 => all(out, 411, &[&remark.text, &remark.kind, by(remark.origin)]),
            601 => all(out, 601, &[&remark.text, &day(remark.on)]),
            other => all(out, other, &[&remark.text, by(remark.origin)]),
        }
    }
}

fn group(rp: &NotebookRp, out: &mut Records) {
    let number = rp.number.to_string();
    if let Some((name, department, origin)) = &rp.doctor {
        all(out, 55, &[name, department, by(*origin)]);
    }
    let texts = |out: &mut Records, remarks: &[Remark]| {
        for remark in remarks {
            all(out, remark.record, &[&number, &remark.text, by(remark.origin)]);
        }
    };
    for drug in &rp.drugs {
        let [generic, kind, code] = &drug.generic;
        all(
            out,
            201,
            &[
                &number,
                &drug.name,
                &drug.amount,
                &drug.unit,
                &drug.system,
                &drug.code,
                by(drug.origin),
                generic,
                kind,
                code,
            ],
        );
        texts(out, &drug.remarks);
    }
    if let Some(usage) = &rp.usage {
        let form = match usage.form {
            Form::Oral => "1",
            Form::Drops => "2",
            Form::AsNeeded => "3",
            Form::Injection => "4",
            Form::External => "5",
            Form::Decoction => "6",
            Form::Infusion => "7",
            Form::Material => "9",
            Form::Other => "10",
        };
        all(
            out,
            301,
            &[
                &number,
                &usage.name,
                &usage.quantity,
                &usage.unit,
                form,
                &usage.code_kind,
                &usage.code,
                by(usage.origin),
            ],
        );
    }
    texts(out, &rp.remarks);
}

fn all(out: &mut Records, number: u16, items: &[&str]) {
    let mut line = vec![number.to_string()];
    line.extend(items.iter().map(|item| (*item).to_owned()));
    out.line(&line);
}

const fn by(origin: Origin) -> &'static str {
    match origin {
        Origin::Medical => "1",
        Origin::Patient => "2",
        Origin::Other => "8",
        Origin::Unknown => "9",
    }
}

fn day(date: Option<Date>) -> String {
    date.map(|d| format!("{:04}{:02}{:02}", d.year(), d.month(), d.day()))
        .unwrap_or_default()
}
