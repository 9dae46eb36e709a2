//! Reads the file of a prescription symbol, by the format page alone (`docs/formats/jahis-rx.md`): nothing is shared with the writer but
//! the types it fills.
//!
//! Real symbols break the tables. A record that is short is padded, one that is not understood is told and kept as written; only what is no such
//! file at all is refused. Nothing is looked up.

use chart::{Finding, Severity};
use encoding_rs::SHIFT_JIS;
use jiff::civil::Date;
use thiserror::Error;

use crate::amount::Amount;
use crate::script::{Class, Script, ScriptDrug, ScriptRp, UsageNote};

/// Not a prescription symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Larger than sixteen symbols hold.
    #[error("処方箋のシンボルには長すぎます。別のファイルを読んでいないか確かめてください。")]
    TooLong,
    /// The first line is not JAHIS and a number.
    #[error("処方箋のシンボルではありません（先頭がJAHISと数字ではない）。読む順番と用紙を確かめてください。")]
    Header,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it says.
    pub script: Script,
    /// What could not be understood, with its line; nothing of it is lost.
    pub findings: Vec<Finding>,
}

/// Reads a file, with or without its EOF.
///
/// # Errors
/// When it is no such file.
pub fn read(bytes: &[u8]) -> Result<Reading, ReadError> {
    if bytes.len() > 47_000 {
        return Err(ReadError::TooLong);
    }
    let (text, malformed) = SHIFT_JIS.decode_without_bom_handling(bytes);
    let text = text.trim_end_matches('\u{1A}');
    let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r')).enumerate();
    let version = lines
        .next()
        .and_then(|(_, line)| header(line))
        .ok_or(ReadError::Header)?;
    let mut reader = Reader {
        script: Script {
            version,
            ..Script::default()
        },
        findings: Vec::new(),
        line: 1,
        raw: String::new(),
    };
    if malformed {
        reader.tell("symbol.bytes", "Shift_JISとして読めない文字があります。");
    }
    for (at, line) in lines {
        if !line.is_empty() {
            reader.line = u64::try_from(at).unwrap_or(0) + 1;
            line.clone_into(&mut reader.raw);
            reader.record(line);
        }
    }
    Ok(Reading {
        script: reader.script,
        findings: reader.findings,
    })
}

fn header(line: &str) -> Option<u8> {
    let digits = line.split(',').next()?.strip_prefix("JAHIS")?;
    ((1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

struct Reader {
    script: Script,
    findings: Vec<Finding>,
    line: u64,
    raw: String,
}

impl Reader {
    fn tell(&mut self, code: &str, what: &str) {
        const MOST: usize = 200;
        if self.findings.len() < MOST {
            let message = format!("{what}「{}」", self.raw.chars().take(120).collect::<String>());
            self.findings
                .push(Finding::new(code, Severity::Warning, message).at("シンボル", self.line));
        }
    }

    fn record(&mut self, line: &str) {
        let items: Vec<&str> = line.split(',').collect();
        let item = |at: usize| items.get(at).copied().unwrap_or("").trim_matches([' ', '\u{3000}']);
        let owned = |at: usize| item(at).to_owned();
        let s = &mut self.script;
        let good = match item(0) {
            "1" => {
                let kind = small(item(1));
                s.facility_kind = kind.unwrap_or(1);
                (s.facility_code, s.prefecture, s.facility_name) = (owned(2), owned(3), owned(4));
                kind.is_some() || item(1).is_empty()
            }
            "2" => {
                (s.postcode, s.address) = (owned(1), owned(2));
                true
            }
            "3" => {
                (s.phone, s.fax) = (owned(1), owned(2));
                item(3).is_empty()
            }
            "4" => {
                (s.department_code, s.department_name) = (owned(2), owned(3));
                matches!(item(1), "1" | "2")
            }
            "5" => {
                (s.doctor_code, s.doctor_kana, s.doctor_name) = (owned(1), owned(2), owned(3));
                true
            }
            "11" => {
                (s.patient_code, s.patient_name, s.patient_kana) = (owned(1), owned(2), owned(3));
                true
            }
            "12" => {
                s.sex = small(item(1)).unwrap_or(0);
                matches!(s.sex, 1 | 2)
            }
            "13" => {
                s.birth = day(item(1));
                s.birth.is_some()
            }
            "14" => {
                s.burden = small(item(1));
                s.burden.is_some()
            }
            "22" => {
                s.insurer = owned(1);
                true
            }
            "23" => {
                (s.insured_symbol, s.insured_number) = (owned(1), owned(2));
                s.member = small(item(3));
                s.branch = owned(4);
                s.member.is_some() || item(3).is_empty()
            }
            number @ ("27" | "28" | "29") => {
                s.payers.push((owned(1), owned(2)));
                number.parse() == Ok(26 + s.payers.len())
            }
            "51" => {
                s.issued_on = day(item(1));
                s.issued_on.is_some()
            }
            "52" => {
                s.valid_until = day(item(1));
                s.valid_until.is_some()
            }
            "62" => {
                s.leftovers = small(item(1));
                s.leftovers.is_some()
            }
            "64" => {
                s.refill = small(item(1));
                s.refill.is_some()
            }
            "81" => {
                s.remarks.push(owned(3));
                item(2).is_empty()
            }
            "101" | "111" | "181" => self.usage(item(0), &item),
            "201" | "211" | "221" | "241" | "281" => self.drug(item(0), &item),
            _ => false,
        };
        if !good {
            self.tell("symbol.record", "読み取れないレコードか項目があります。原文: ");
        }
    }

    /// The Rp of a number; a new one when it is the next.
    fn rp(&mut self, number: &str) -> Option<&mut ScriptRp> {
        const MOST: usize = 999;
        let number: usize = number.parse().ok()?;
        let next = self.script.rps.len() + 1;
        if number == next && number <= MOST {
            self.script.rps.push(ScriptRp::default());
        }
        self.script.rps.get_mut(number.checked_sub(1)?)
    }

    fn usage<'a>(&mut self, record: &str, item: &impl Fn(usize) -> &'a str) -> bool {
        let Some(rp) = self.rp(item(1)) else { return false };
        match record {
            "101" => {
                rp.class = match item(2) {
                    "1" => Class::Oral,
                    "2" => Class::AsNeeded,
                    "3" => Class::External,
                    "4" => Class::Drops,
                    "5" => Class::Injection,
                    "6" => Class::Material,
                    _ => Class::Unknown,
                };
                let quantity = item(4).parse::<u16>();
                rp.quantity = quantity.clone().unwrap_or(0);
                quantity.is_ok() && (rp.class != Class::Unknown || item(2) == "9")
            }
            "111" => {
                item(3).clone_into(&mut rp.usage_code);
                item(4).clone_into(&mut rp.usage_name);
                rp.times = small(item(5));
                rp.times.is_some() || item(5).is_empty()
            }
            _ => {
                rp.notes.push(UsageNote {
                    kind: small(item(3)),
                    text: item(4).to_owned(),
                    code: item(5).to_owned(),
                });
                small(item(3)).is_some() || item(3).is_empty()
            }
        }
    }

    fn drug<'a>(&mut self, record: &str, item: &impl Fn(usize) -> &'a str) -> bool {
        let Some(rp) = self.rp(item(1)) else { return false };
        let Ok(number) = item(2).parse::<usize>() else {
            return false;
        };
        if record == "201" {
            if number != rp.drugs.len() + 1 {
                return false;
            }
            let amount = decimal(item(7));
            rp.drugs.push(ScriptDrug {
                kind: small(item(3)),
                system: small(item(4)).unwrap_or(0),
                code: item(5).to_owned(),
                name: item(6).to_owned(),
                amount: amount.unwrap_or_default(),
                active: item(8) == "2",
                unit: item(9).to_owned(),
                ..ScriptDrug::default()
            });
            return amount.is_some() && small(item(4)).is_some() && matches!(item(8), "1" | "2");
        }
        let Some(drug) = number.checked_sub(1).and_then(|at| rp.drugs.get_mut(at)) else {
            return false;
        };
        match record {
            "211" => {
                drug.conversion = decimal(item(3));
                drug.conversion.is_some()
            }
            "221" => {
                let said: Vec<&str> = (3..8).map(item).filter(|text| !text.is_empty()).collect();
                drug.uneven = said.iter().filter_map(|text| decimal(text)).collect();
                drug.uneven.len() == said.len() && said.len() >= 2
            }
            "241" => {
                item(3).clone_into(&mut drug.single);
                drug.single_times = small(item(4));
                !drug.single.is_empty()
            }
            _ => {
                drug.notes.push((small(item(4)), item(5).to_owned()));
                small(item(4)).is_some() || item(4).is_empty()
            }
        }
    }
}

/// One or two digits.
fn small(text: &str) -> Option<u8> {
    ((1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

/// A decimal of up to six digits before the point and five behind it.
fn decimal(text: &str) -> Option<Amount> {
    let mut e5 = 0_u64;
    let (mut before, mut behind, mut point) = (0, 0, false);
    for b in text.bytes() {
        match b {
            b'0'..=b'9' => {
                e5 = e5.checked_mul(10)?.checked_add(u64::from(b - b'0'))?;
                if point {
                    behind += 1;
                } else {
                    before += 1;
                }
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    if before + behind == 0 || before > 6 || behind > 5 {
        return None;
    }
    Amount::from_e5(e5.checked_mul(10_u64.pow(5 - behind))?)
}

/// YYYYMMDD, or GYYMMDD with the era as a digit: 1 明治 2 大正 3 昭和 4 平成 5 令和.
fn day(text: &str) -> Option<Date> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match text.len() {
        8 => (text.get(..4)?.parse::<i16>().ok()?, text.get(4..)?),
        7 => {
            let before = match text.get(..1)? {
                "1" => 1867,
                "2" => 1911,
                "3" => 1925,
                "4" => 1988,
                "5" => 2018,
                _ => return None,
            };
            (before + text.get(1..3)?.parse::<i16>().ok()?, text.get(3..)?)
        }
        _ => return None,
    };
    Date::new(year, rest.get(..2)?.parse().ok()?, rest.get(2..)?.parse().ok()?).ok()
}
