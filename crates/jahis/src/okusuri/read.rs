//! Reads the file of a medicine notebook, by the format page alone (`docs/formats/jahis-okusuri.md`).
//!
//! Old editions, dropped commas, UTF-8 from telephones and records of unknown numbers are taken; what is not understood is told with its text. Nothing
//! is verified.

use chart::{Finding, Severity};
use encoding_rs::SHIFT_JIS;
use jiff::civil::Date;

use crate::okusuri::{
    Caution, CautionKind, Dispensing, Form, JoinError, Notebook, NotebookDrug, NotebookRp, NotebookUsage, Origin, Otc,
    Place, Remark,
};

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotebookReading {
    /// What it says.
    pub notebook: Notebook,
    /// What could not be understood, with its line.
    pub findings: Vec<Finding>,
}

/// Reads one file, with or without its EOF.
///
/// # Errors
/// When it is no notebook, or longer than one can be.
pub fn read(bytes: &[u8]) -> Result<NotebookReading, JoinError> {
    if bytes.len() > 47_000 {
        return Err(JoinError::TooLong);
    }
    let (text, malformed) = decode(bytes);
    let mut lines = text
        .split('\n')
        .map(|line| line.trim_end_matches(['\r', '\u{1A}']))
        .enumerate();
    let (edition, output) = lines
        .next()
        .and_then(|(_, line)| header(line))
        .ok_or(JoinError::Header)?;
    let mut reader = Reader {
        book: Notebook {
            edition,
            output,
            ..Notebook::default()
        },
        findings: Vec::new(),
        doctor: None,
    };
    if malformed {
        reader.tell("notebook.bytes", 1, "文字コードとして読めない文字があります。", "");
    }
    for (at, line) in lines {
        if line.contains('\u{FFFD}') && !malformed {
            let number = u64::try_from(at).unwrap_or(0) + 1;
            let what = "読み取り機が文字にできなかった所（�）があります。原文: ";
            reader.tell("notebook.bytes", number, what, line);
        }
        if !line.is_empty() && !reader.record(line) {
            let number = u64::try_from(at).unwrap_or(0) + 1;
            reader.tell(
                "notebook.record",
                number,
                "読み取れないレコードか項目があります。原文: ",
                line,
            );
        } else if has_too_many(line) {
            let number = u64::try_from(at).unwrap_or(0) + 1;
            reader.tell(
                "notebook.items",
                number,
                "項目の多いレコードです。2つのレコードがつながっているかもしれません。原文: ",
                line,
            );
        }
    }
    Ok(NotebookReading {
        notebook: reader.book,
        findings: reader.findings,
    })
}

/// Shift_JIS as the standard says, or UTF-8 as some telephones write.
fn decode(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        // Half-width kana in Shift_JIS can look like two-byte UTF-8, which has no Japanese in it.
        Ok(text) if text.is_ascii() || text.chars().any(|c| c >= '\u{3000}') => {
            (text.trim_start_matches('\u{FEFF}').to_owned(), false)
        }
        _ => {
            let (text, malformed) = SHIFT_JIS.decode_without_bom_handling(bytes);
            (text.into_owned(), malformed)
        }
    }
}

fn header(line: &str) -> Option<(u8, u8)> {
    let (name, output) = line.split_once(',').unwrap_or((line, ""));
    let digits = name.strip_prefix("JAHISTC")?;
    let two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
    let output = match output.trim_end_matches(',') {
        "1" => 1,
        "2" => 2,
        _ => 0,
    };
    two.then(|| digits.parse().ok())
        .flatten()
        .map(|edition| (edition, output))
}

/// Whether a record has more items than its table knows: most likely a line end was lost, and what follows would be passed over.
fn has_too_many(line: &str) -> bool {
    let full = line.trim_end_matches([',', ' ', '\u{3000}']);
    let most = match line.split(',').next().unwrap_or_default() {
        "1" | "201" => 11,
        "11" | "301" => 9,
        "3" | "701" => 7,
        "31" | "51" => 6,
        "5" | "401" | "421" | "501" | "601" => 3,
        // The standard's own example of 411 has eight.
        "411" => 8,
        _ => 4,
    };
    full.split(',').count() > most
}

struct Reader {
    book: Notebook,
    findings: Vec<Finding>,
    /// A 55 that waits for the first drug it counts for.
    doctor: Option<(String, String, Origin)>,
}

/// The items of a record; a missing one is empty.
struct Items<'a>(Vec<&'a str>);

impl Items<'_> {
    fn at(&self, at: usize) -> &str {
        self.0.get(at).copied().unwrap_or("").trim_matches([' ', '\u{3000}'])
    }

    fn own(&self, at: usize) -> String {
        self.at(at).to_owned()
    }

    fn origin(&self, at: usize) -> Origin {
        match self.at(at) {
            "1" => Origin::Medical,
            "2" => Origin::Patient,
            "8" => Origin::Other,
            _ => Origin::Unknown,
        }
    }
}

impl Reader {
    fn tell(&mut self, code: &str, line: u64, what: &str, raw: &str) {
        const MOST: usize = 200;
        if self.findings.len() < MOST {
            let raw: String = raw.chars().take(120).collect();
            let message = format!("{what}{raw}");
            self.findings
                .push(Finding::new(code, Severity::Warning, message).at("お薬手帳QR", line));
        }
    }

    /// Takes a record; `false` when something in it was not understood.
    fn record(&mut self, line: &str) -> bool {
        let items = Items(line.split(',').collect());
        let text = |record: u16, text: usize, origin: usize| Remark {
            record,
            text: items.own(text),
            origin: items.origin(origin),
            ..Remark::default()
        };
        match items.at(0) {
            "1" => return self.holder(&items),
            "2" => {
                let kind = match items.at(1) {
                    "1" => CautionKind::Allergy,
                    "2" => CautionKind::SideEffect,
                    "3" => CautionKind::History,
                    _ => CautionKind::Other,
                };
                self.book.cautions.push(Caution {
                    kind,
                    text: items.own(2),
                    origin: items.origin(3),
                });
                return matches!(items.at(1), "1" | "2" | "3" | "9");
            }
            "3" => {
                let otc = Otc {
                    name: items.own(1),
                    from: day(items.at(2)),
                    until: day(items.at(3)),
                    origin: items.origin(4),
                    number: items.own(5),
                    jan: items.own(6),
                    ingredients: Vec::new(),
                };
                let dates =
                    (otc.from.is_some() || items.at(2).is_empty()) && (otc.until.is_some() || items.at(3).is_empty());
                self.book.otc.push(otc);
                return dates;
            }
            "31" => {
                let number = items.at(1);
                let Some(otc) = self.book.otc.iter_mut().rev().find(|otc| otc.number == number) else {
                    return false;
                };
                otc.ingredients
                    .push((items.own(2), items.own(3), items.own(4), items.origin(5)));
            }
            "4" => {
                let on = day(items.at(2));
                self.book.memos.push(Remark { on, ..text(4, 1, 3) });
                return on.is_some() || items.at(2).is_empty();
            }
            "5" => {
                self.doctor = None;
                let on = day(items.at(1));
                self.book.dispensings.push(Dispensing {
                    on,
                    origin: items.origin(2),
                    ..Dispensing::default()
                });
                return on.is_some();
            }
            "701" => self.book.pharmacists.push((1..=6).map(|at| items.own(at)).collect()),
            "911" => {
                let (of, number) = (items.at(2).parse().ok(), items.at(3).parse().ok());
                let Some((of, number)) = of.zip(number) else {
                    return false;
                };
                self.book.part = Some((items.own(1), of, number));
            }
            "55" => self.doctor = Some((items.own(1), items.own(2), items.origin(3))),
            other => return self.in_block(other, &items),
        }
        true
    }

    fn holder(&mut self, items: &Items<'_>) -> bool {
        let holder = &mut self.book.holder;
        (holder.name, holder.kana) = (items.own(1), items.own(10));
        holder.sex = match items.at(2) {
            "1" => 1,
            "2" => 2,
            _ => 0,
        };
        holder.birth = day(items.at(3));
        for (at, rest) in holder.rest.iter_mut().enumerate() {
            *rest = items.own(at + 4);
        }
        holder.sex > 0 && holder.birth.is_some()
    }

    /// Records that belong to the last 5.
    fn in_block(&mut self, record: &str, items: &Items<'_>) -> bool {
        let Some(block) = self.book.dispensings.last_mut() else {
            return false;
        };
        let place = |contact: bool| Place {
            name: items.own(1),
            prefecture: items.own(2),
            table: items.own(3),
            code: items.own(4),
            contact: if contact {
                [items.own(5), items.own(6), items.own(7)]
            } else {
                Default::default()
            },
            origin: items.origin(if contact { 8 } else { 5 }),
        };
        let number = items.at(1).parse::<u16>().ok();
        match record {
            "11" => block.place = Some(place(true)),
            "15" => block.staff = Some((items.own(1), items.own(2), items.origin(3))),
            "51" => block.prescribed_at = Some(place(false)),
            "201" => {
                let Some(number) = number else { return false };
                if block
                    .rps
                    .last()
                    .is_none_or(|rp| rp.number != number || rp.usage.is_some())
                {
                    block.rps.push(NotebookRp {
                        doctor: self.doctor.take(),
                        number,
                        ..NotebookRp::default()
                    });
                }
                let Some(rp) = block.rps.last_mut() else { return false };
                rp.drugs.push(NotebookDrug {
                    name: items.own(2),
                    amount: items.own(3),
                    unit: items.own(4),
                    system: items.own(5),
                    code: items.own(6),
                    origin: items.origin(7),
                    generic: [items.own(8), items.own(9), items.own(10)],
                    remarks: Vec::new(),
                });
            }
            "301" | "281" | "291" | "311" | "391" => {
                let rp = block.rps.iter_mut().rev().find(|rp| Some(rp.number) == number);
                let Some(rp) = rp else { return false };
                let remark = |record| Remark {
                    record,
                    text: items.own(2),
                    origin: items.origin(3),
                    ..Remark::default()
                };
                match (record, rp.drugs.last_mut()) {
                    ("301", _) => {
                        let form = form(items.at(5));
                        rp.usage = Some(NotebookUsage {
                            name: items.own(2),
                            quantity: items.own(3),
                            unit: items.own(4),
                            form: form.unwrap_or_default(),
                            code_kind: items.own(6),
                            code: items.own(7),
                            origin: items.origin(8),
                        });
                        return form.is_some();
                    }
                    ("281", Some(drug)) => drug.remarks.push(remark(281)),
                    ("291", Some(drug)) => drug.remarks.push(remark(291)),
                    ("311", _) => rp.remarks.push(remark(311)),
                    (_, _) => rp.remarks.push(remark(391)),
                }
            }
            "401" | "421" | "501" => block.remarks.push(Remark {
                record: record.parse().unwrap_or(501),
                text: items.own(1),
                origin: items.origin(2),
                ..Remark::default()
            }),
            "411" => block.remarks.push(Remark {
                record: 411,
                text: items.own(1),
                kind: items.own(2),
                origin: items.origin(3),
                on: None,
            }),
            "601" => block.remarks.push(Remark {
                record: 601,
                text: items.own(1),
                on: day(items.at(2)),
                origin: Origin::Patient,
                kind: String::new(),
            }),
            _ => return false,
        }
        true
    }
}

fn form(text: &str) -> Option<Form> {
    Some(match text {
        "1" => Form::Oral,
        "2" => Form::Drops,
        "3" => Form::AsNeeded,
        "4" => Form::Injection,
        "5" => Form::External,
        "6" => Form::Decoction,
        "7" => Form::Infusion,
        "9" => Form::Material,
        "10" => Form::Other,
        _ => return None,
    })
}

/// YYYYMMDD, or GYYMMDD with the era as a letter.
fn day(text: &str) -> Option<Date> {
    if !text.is_ascii() {
        return None;
    }
    let (year, rest) = match text.len() {
        8 => (text.get(..4)?.parse::<i16>().ok()?, text.get(4..)?),
        7 => {
            let before = match text.get(..1)? {
                "M" => 1867,
                "T" => 1911,
                "S" => 1925,
                "H" => 1988,
                "R" => 2018,
                _ => return None,
            };
            (before + text.get(1..3)?.parse::<i16>().ok()?, text.get(3..)?)
        }
        _ => return None,
    };
    Date::new(year, rest.get(..2)?.parse().ok()?, rest.get(2..)?.parse().ok()?).ok()
}
