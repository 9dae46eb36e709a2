//! Prescriptions and what is due to inpatients: ORC, RXE, TQ1, RXR, RXC.

use super::codes::{route, unit, usage};
use super::{FACILITY_NAME, Use, V2, coded, day, esc, minute, segment};
use crate::amount::Amount;
use crate::catalogue::DrugKind;
use crate::inpatient::DueLine;
use crate::patient::{Interval, Prescribed};
use jiff::civil::{Date, DateTime, Time};

/// Who ordered, where and when.
#[derive(Debug, Clone)]
pub(crate) struct Ordered<'a> {
    /// ORC-1: `NW`, `CA`.
    pub(crate) control: &'a str,
    /// Number of the order, 15 digits.
    pub(crate) number: &'a str,
    pub(crate) at: DateTime,
    pub(crate) department: usize,
    pub(crate) doctor: usize,
    pub(crate) inpatient: bool,
}

impl V2<'_> {
    /// ORC of an order, with its group and state.
    pub(crate) fn orc(&self, ordered: &Ordered<'_>, group: &str, state: &str) -> String {
        let doctor = self.xcn(ordered.doctor);
        let place = format!("{}^^^^^C", self.department_code(ordered.department));
        segment(
            "ORC",
            &[
                (1, ordered.control),
                (2, ordered.number),
                (4, group),
                (5, state),
                (9, &super::second(ordered.at)),
                (10, &doctor),
                (12, &doctor),
                (13, &place),
                (17, &self.department_cwe(ordered.department)),
                (21, FACILITY_NAME),
                (
                    29,
                    if ordered.inpatient {
                        "I^入院患者オーダ^HL70482"
                    } else {
                        "O^外来患者オーダ^HL70482"
                    },
                ),
            ],
        )
    }

    /// One drug of a prescription. `hours` are the hours of the ward, which a storage has no place for.
    pub(crate) fn drug(&self, ordered: &Ordered<'_>, item: &Prescribed, start: Date, hours: Option<&[u8]>) -> String {
        let mut out = self.orc(ordered, &item.rp.0.to_string(), "");
        let (least, most, uneven) = amounts(item);
        let (total, total_unit) = total(item);
        let daily = item
            .daily
            .map(|a| format!("{a}^{}", unit(item.unit).replace('^', "&")))
            .unwrap_or_default();
        let mut remarks: Vec<String> = uneven;
        if !item.remark.is_empty() {
            remarks.push(coded("CM", item.remark, "99CMT"));
        }
        let given = if least.is_empty() {
            "\"\"".to_owned()
        } else {
            unit(item.unit)
        };
        let kind = match item.kind {
            DrugKind::Oral => "21^内服^JHSP0003",
            DrugKind::AsNeeded => "22^頓用^JHSP0003",
            DrugKind::External => "23^外用^JHSP0003",
            DrugKind::Injection => "24^自己注射^JHSP0003",
        };
        out += &segment(
            "RXE",
            &[
                (2, &coded(item.code, item.name, "99DRG")),
                (3, if least.is_empty() { "\"\"" } else { &least }),
                (4, &most),
                (5, &given),
                (7, &remarks.join("~")),
                (10, &total),
                (11, &total_unit),
                (15, ordered.number),
                (19, &daily),
                (
                    21,
                    if ordered.inpatient {
                        "IHP^入院処方^MR9P~FTP^定時処方^JHSI0001"
                    } else {
                        "OHP^外来処方^MR9P~OHO^院外処方^MR9P"
                    },
                ),
                (27, kind),
            ],
        );
        out += &self.timing(item, start, hours);
        let (code, name) = route(item.usage, item.kind);
        out += &segment("RXR", &[(1, &coded(code, name, "HL70162"))]);
        out
    }

    /// TQ1 of a prescribed drug: usage, days that are not every day, how long, from when.
    fn timing(&self, item: &Prescribed, start: Date, hours: Option<&[u8]>) -> String {
        let (code, system) = usage(item.usage, item.kind);
        let mut pattern = format!("{code}&{}&{system}", esc(item.usage));
        match item.interval {
            Interval::Daily => {}
            Interval::OtherDay => pattern.push_str("~I1100000&１日おき&JAMISDP01"),
            Interval::Weekdays(flags) => {
                let digits: String = flags.iter().map(|on| if *on { '1' } else { '0' }).collect();
                pattern.push_str(&format!(
                    "~W{digits}&{}&JAMISDP01",
                    crate::shape_a::interval(item.interval)
                ));
            }
        }
        let clock = hours
            .filter(|_| self.way == Use::Stream)
            .map_or(String::new(), |hours| {
                let each: Vec<String> = hours.iter().map(|hour| format!("{hour:02}00")).collect();
                each.join("~")
            });
        let days = if item.kind == DrugKind::Oral {
            format!("{}^d", item.quantity)
        } else {
            String::new()
        };
        let times = if item.kind == DrugKind::AsNeeded {
            item.quantity.to_string()
        } else {
            String::new()
        };
        segment(
            "TQ1",
            &[
                (1, "1"),
                (3, &pattern),
                (4, &clock),
                (6, &days),
                (7, &day(start)),
                (14, &times),
            ],
        )
    }

    /// One bottle at one hour: an injection of a ward.
    pub(crate) fn bottle(
        &self,
        ordered: &Ordered<'_>,
        rp: usize,
        seq: usize,
        line: &DueLine,
        at: (Date, u8),
    ) -> String {
        let group = format!("{}_{rp:02}_{seq:03}", ordered.number);
        let mut out = self.orc(ordered, &group, "");
        let amount = line.drug.each.map(|a| a.to_string()).unwrap_or_default();
        let (rate, rate_unit) = rate(line.how);
        let class = if line.drug.name.contains("抗がん") {
            "07^抗がん剤^JHSI0002"
        } else {
            "00^一般^JHSI0002"
        };
        // Between systems the ward's rule that two people give it has a place of its own.
        let risk = if self.way == Use::Stream && line.high_risk {
            "HR^ダブルチェック^99CMT"
        } else {
            ""
        };
        out += &segment(
            "RXE",
            &[
                (2, class),
                (3, &amount),
                (5, &unit(line.drug.unit)),
                (7, risk),
                (21, "IHP^入院処方^MR9P~FTP^定時処方^JHSI0001"),
                (23, &rate),
                (24, rate_unit),
                (
                    27,
                    if line.how.contains("点滴") {
                        "02^点滴^JHSI0009"
                    } else {
                        "01^ワンショット^JHSI0009"
                    },
                ),
            ],
        );
        let start =
            at.0.to_datetime(Time::new(at.1.min(23) as i8, 0, 0, 0).unwrap_or(Time::midnight()));
        out += &segment("TQ1", &[(1, "1"), (7, &minute(start))]);
        let route = if line.how.contains("皮下") {
            "SC^皮下^HL70162"
        } else {
            "IV^静脈内^HL70162"
        };
        out += &segment("RXR", &[(1, route), (4, &coded("", line.how, "99HOW"))]);
        out += &segment(
            "RXC",
            &[
                (1, "B"),
                (2, &coded(line.drug.code, line.drug.name, "99DRG")),
                (3, &amount),
                (4, &unit(line.drug.unit)),
            ],
        );
        out
    }
}

/// Least and most of one dose, and the doses one by one when they differ.
fn amounts(item: &Prescribed) -> (String, String, Vec<String>) {
    let Some(parts) = item.uneven else {
        return (
            item.each.map(|a| a.to_string()).unwrap_or_default(),
            String::new(),
            Vec::new(),
        );
    };
    let taken: Vec<Amount> = parts.into_iter().filter(|a| a.0 > 0).collect();
    let (least, most) = (taken.iter().min(), taken.iter().max());
    let doses = (1..).zip(&taken).map(|(place, amount)| {
        let number: u32 = place;
        let code = format!("V{number}{amount}");
        format!("{code:N<8}^{amount}{}^JAMISDP01", item.unit)
    });
    (
        least.map(ToString::to_string).unwrap_or_default(),
        most.map(ToString::to_string).unwrap_or_default(),
        doses.collect(),
    )
}

/// What is handed out.
fn total(item: &Prescribed) -> (String, String) {
    match (item.kind, item.daily, item.each) {
        (DrugKind::Oral, Some(daily), _) => (daily.times(item.quantity).to_string(), unit(item.unit)),
        (DrugKind::AsNeeded, _, Some(each)) => (each.times(item.quantity).to_string(), unit(item.unit)),
        _ => (item.quantity.to_string(), unit(item.quantity_unit)),
    }
}

/// `2.1`, `ml/hr` of `持続静注 2.1 mL/時`.
fn rate(how: &str) -> (String, &'static str) {
    let Some((before, _)) = how.split_once(" mL/時") else {
        return (String::new(), "");
    };
    (
        before.rsplit(' ').next().unwrap_or_default().to_owned(),
        "ml/hr^mL/時^ISO+",
    )
}
