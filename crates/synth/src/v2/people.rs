//! Who it is, where they are, what they do not bear, and who pays: PID, NK1, PV1, OBX of the body, AL1, IAM, IN1, PRB.

use super::codes::plan;
use super::{Use, V2, coded, day, esc, second, segment};
use crate::Amount;
use crate::catalogue::Stay;
use crate::inpatient::{Lying, WARDS};
use crate::patient::{Caution, Cautions, Diagnosis, Patient};
use crate::person::{Person, Sex};
use jiff::civil::{Date, DateTime};

/// Where somebody is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Place {
    pub(crate) ward: String,
    pub(crate) room: String,
    pub(crate) bed: String,
}

impl Place {
    /// The bed of a stay.
    pub(crate) fn of(lying: &Lying) -> Self {
        Place {
            ward: WARDS.get(lying.bed.ward).map_or("", |ward| ward.0).to_owned(),
            room: lying.bed.room.clone(),
            bed: lying.bed.bed.clone(),
        }
    }

    fn pl(&self) -> String {
        if self.ward.is_empty() {
            return String::new();
        }
        format!("{}^{}^{}^^^N", self.ward, self.room, self.bed)
    }
}

fn phone(use_code: &str, kind: &str, number: &str) -> String {
    if number.is_empty() {
        return String::new();
    }
    format!("^{use_code}^{kind}^^^^^^^^^{}", esc(number))
}

/// `姓^名^^^^^L^I~セイ^メイ^^^^^L^P` and other names.
fn names(p: &Person) -> String {
    let mut out = vec![format!("{}^{}^^^^^L^I", esc(&p.family), esc(&p.given))];
    if let Some((family, given)) = &p.kana {
        out.push(format!("{}^{}^^^^^L^P", esc(family), esc(given)));
    }
    if !p.former.is_empty() {
        out.push(format!("{}^^^^^^M^I", esc(&p.former)));
    }
    if !p.alias.is_empty() {
        out.push(format!("{}^^^^^^A^I", esc(&p.alias)));
    }
    out.join("~")
}

impl V2<'_> {
    /// PID; `full` with address and telephones.
    pub(crate) fn pid(&self, patient: &Patient, full: Option<DateTime>) -> String {
        self.pid_of(&patient.id, &patient.person, full)
    }

    /// PID of anybody.
    pub(crate) fn pid_of(&self, id: &str, p: &Person, full: Option<DateTime>) -> String {
        let sex = match p.sex {
            Sex::Male => "M",
            Sex::Female => "F",
            Sex::Unknown => "U",
        };
        let id = format!("{id}^^^^PI");
        let (name, birth) = (names(p), day(p.birth));
        let mut fields = vec![(1, "0001"), (3, id.as_str()), (5, &name), (7, &birth), (8, sex)];
        let address = format!("^^^^{}^JPN^H^{}", p.post_code, esc(&p.address));
        let phones = [phone("PRN", "PH", &p.home), phone("PRN", "CP", &p.mobile)];
        let phones: Vec<&str> = phones.iter().map(String::as_str).filter(|p| !p.is_empty()).collect();
        let phones = phones.join("~");
        let work = phone("WPN", "PH", &p.work_phone);
        let (death, updated) = (
            p.death.map(day).unwrap_or_default(),
            full.map(second).unwrap_or_default(),
        );
        if full.is_some() {
            fields.extend([(11, address.as_str()), (13, &phones), (14, &work)]);
            // Death has no place in a storage.
            if self.way == Use::Stream && !death.is_empty() {
                fields.extend([(29, death.as_str()), (30, "Y")]);
            }
            fields.push((33, &updated));
        }
        segment("PID", &fields)
    }

    /// NK1: the family of an inpatient, and the workplace.
    pub(crate) fn nk1(&self, patient: &Patient) -> String {
        let mut out = String::new();
        let mut number = 0;
        if let Some(lying) = &patient.lying {
            let (name, relation, call) = &lying.contact;
            let (family, given) = name.split_once('　').unwrap_or((name, ""));
            let code = match *relation {
                "妻" | "夫" => "SPO",
                "母" => "MTH",
                _ => "CHD",
            };
            number += 1;
            out += &segment(
                "NK1",
                &[
                    (1, &number.to_string()),
                    (2, &format!("{}^{}^^^^^L^I", esc(family), esc(given))),
                    (3, &coded(code, relation, "HL70063")),
                    (5, &phone("EMR", "CP", call)),
                ],
            );
        }
        let work = patient.person.workplace;
        if !work.is_empty() {
            number += 1;
            out += &segment(
                "NK1",
                &[
                    (1, &number.to_string()),
                    (3, "SEL^本人^HL70063"),
                    (6, &phone("WPN", "PH", &patient.person.work_phone)),
                    (13, &esc(work)),
                ],
            );
        }
        out
    }

    /// PV1 of an outpatient, with the time of the visit where there is one.
    pub(crate) fn pv1_out(&self, department: usize, doctor: usize, at: Option<DateTime>) -> String {
        let place = format!("{}^^^^^C", self.department_code(department));
        let at = at.map(second).unwrap_or_default();
        segment(
            "PV1",
            &[(1, "0001"), (2, "O"), (3, &place), (7, &self.xcn(doctor)), (44, &at)],
        )
    }

    /// PV1 of an inpatient.
    pub(crate) fn pv1_in(
        &self,
        lying: &Lying,
        place: &Place,
        before: Option<&Place>,
        admitted: Option<DateTime>,
        left: Option<(DateTime, &str)>,
    ) -> String {
        let doctor = self.xcn(lying.doctor);
        let (before, admitted) = (
            before.map(Place::pl).unwrap_or_default(),
            admitted.map(second).unwrap_or_default(),
        );
        let (at, how) = left.map_or((String::new(), ""), |(at, how)| (second(at), how));
        segment(
            "PV1",
            &[
                (1, "0001"),
                (2, "I"),
                (3, &place.pl()),
                (6, &before),
                (7, &doctor),
                (10, self.department_code(lying.department)),
                (36, how),
                (44, &admitted),
                (45, &at),
            ],
        )
    }

    /// PV2: purpose (between systems only), day of discharge planned, day of return.
    pub(crate) fn pv2(&self, purpose: &str, leaves: Option<Date>, returns: Option<DateTime>) -> String {
        let purpose = if self.way == Use::Stream && !purpose.is_empty() {
            coded("", purpose, "99PUR")
        } else {
            String::new()
        };
        let (leaves, returns) = (
            leaves.map(day).unwrap_or_default(),
            returns.map(second).unwrap_or_default(),
        );
        if purpose.is_empty() && leaves.is_empty() && returns.is_empty() {
            return String::new();
        }
        segment("PV2", &[(3, &purpose), (9, &leaves), (47, &returns)])
    }

    /// OBX of facts that change seldom.
    pub(crate) fn profile(&self, patient: &Patient) -> String {
        let p = &patient.profile;
        let tenth = |value: i64| Amount(value * 100).to_string();
        let sign = |positive: bool| if positive { "(+)" } else { "(-)" }.to_owned();
        let mut rows: Vec<(&str, &str, String, &str, String)> = Vec::new();
        rows.extend(
            p.height
                .map(|(v, on)| ("9N001000000000001^身長^JC10", "NM", tenth(v), "cm^cm^ISO+", day(on))),
        );
        rows.extend(
            p.weight
                .map(|(v, on)| ("9N006000000000001^体重^JC10", "NM", tenth(v), "kg^kg^ISO+", day(on))),
        );
        if let Some((abo, positive)) = patient.person.blood {
            let rh = if positive { "+" } else { "-" };
            rows.push(("ABO^血液型ABO^99FCT", "ST", abo.to_owned(), "", String::new()));
            rows.push(("RH^血液型Rh^99FCT", "ST", rh.to_owned(), "", String::new()));
        }
        rows.extend(
            p.infections
                .map(|(hbs, _, on)| ("HBS^HBs抗原^99FCT", "ST", sign(hbs), "", day(on))),
        );
        rows.extend(
            p.infections
                .map(|(_, hcv, on)| ("HCV^HCV抗体^99FCT", "ST", sign(hcv), "", day(on))),
        );
        let there = |there| if there { "あり" } else { "なし" }.to_owned();
        rows.extend(
            p.pacemaker
                .map(|(is, on)| ("PM^ペースメーカ^99FCT", "ST", there(is), "", day(on))),
        );
        let mut out = String::new();
        for (place, (what, kind, value, unit, on)) in (1..).zip(&rows) {
            let number: u32 = place;
            let fields = [
                (1, number.to_string()),
                (2, (*kind).to_owned()),
                (3, (*what).to_owned()),
                (5, value.clone()),
                (6, (*unit).to_owned()),
                (11, "F".to_owned()),
                (14, on.clone()),
            ];
            out += &segment("OBX", &fields.each_ref().map(|(at, text)| (*at, text.as_str())));
        }
        out
    }

    /// AL1: the short list.
    pub(crate) fn al1(&self, cautions: &Cautions) -> String {
        let Cautions::Known(items) = cautions else {
            return String::new();
        };
        let row = |(place, item): (usize, &Caution)| {
            segment(
                "AL1",
                &[
                    (1, &place.to_string()),
                    (2, &kind(item)),
                    (3, &coded(item.code, &item.text, "99ALG")),
                ],
            )
        };
        (1..).zip(items).map(row).collect()
    }

    /// IAM: the whole list, which replaces the one before; nothing when nobody recorded anything.
    pub(crate) fn iam(&self, cautions: &Cautions) -> String {
        match cautions {
            Cautions::Known(items) => (1_usize..).zip(items).map(|(place, item)| iam(place, item)).collect(),
            Cautions::ConfirmedNone(on) => segment(
                "IAM",
                &[
                    (1, "1"),
                    (3, "0000^アレルギーなし^99ALG"),
                    (6, "A^追加^HL70323"),
                    (20, &day(*on)),
                ],
            ),
            Cautions::NotRecorded | Cautions::Unavailable => String::new(),
        }
    }

    /// IN1 of every insurance, public money as an insurance of its own.
    pub(crate) fn in1(&self, patient: &Patient) -> String {
        let mut out = String::new();
        let mut number = 0;
        for cover in &patient.insurances {
            let (code, name) = plan(cover.kind);
            let own = if cover.own {
                "SEL^本人^HL70063"
            } else {
                "OTH^家族^HL70063"
            };
            if !cover.insurer.is_empty() {
                number += 1;
                out += &segment(
                    "IN1",
                    &[
                        (1, &number.to_string()),
                        (
                            2,
                            &format!(
                                "{code}^{name}^JHSD0001^{}^{}^99HKN",
                                cover.kind.digit(),
                                cover.kind.word()
                            ),
                        ),
                        (3, &cover.insurer),
                        (10, &esc(&cover.symbol)),
                        (11, &esc(&cover.number)),
                        (12, &day(cover.from)),
                        (13, &cover.until.map(day).unwrap_or_default()),
                        (17, own),
                    ],
                );
            }
            if let Some((payer, recipient, until)) = &cover.public {
                number += 1;
                let (law, name) = match payer.get(..2) {
                    Some("12") => ("12", "生活保護"),
                    Some("21") => ("21", "精神通院医療"),
                    _ => ("54", "難病医療"),
                };
                out += &segment(
                    "IN1",
                    &[
                        (1, &number.to_string()),
                        (2, &format!("{law}^{name}^JHSD0001")),
                        (3, payer),
                        (11, recipient),
                        (12, &day(cover.from)),
                        (13, &day(*until)),
                        (15, "PE"),
                        (17, "SEL^本人^HL70063"),
                    ],
                );
            }
        }
        out
    }

    /// PRB, ZPR and ORC of one diagnosis.
    pub(crate) fn problem(&self, number: u32, seq: usize, d: &Diagnosis) -> String {
        let instance = format!("{:015}", u64::from(number) * 100 + seq as u64);
        // Local names have no number of the standard master: the one for what is not in it, with the words.
        let name = coded("20084317", d.name, "MDCDX2");
        let icd = d.icd.replace('.', "");
        let (outcome, ended) = match d.stay {
            Stay::Continuing => ("", ""),
            Stay::Cured => ("F^治癒^HL70241", "1"),
            Stay::Stopped => ("ZC^中止^99TNK", "1"),
        };
        let ended = match (ended, d.ended) {
            ("", _) => String::new(),
            (_, on) => day(on.unwrap_or(d.onset)),
        };
        let mut out = segment(
            "PRB",
            &[
                (1, "AD"),
                (2, &day(d.onset)),
                (3, &name),
                (4, &instance),
                (7, &day(d.onset)),
                (9, &ended),
                (10, &format!("{icd}^^I10^O^外来時^JHSD0004^2013")),
                (13, if d.suspected { "1^疑いあり^JHSD0005" } else { "" }),
                (14, outcome),
                (16, &day(d.onset)),
                (18, if d.principal { "1^主診断^JHSD0007" } else { "" }),
            ],
        );
        let suffix = if d.suspected { "8002^の疑い^MDCDX2" } else { "" };
        out += &segment("ZPR", &[(2, &name), (3, suffix)]);
        out += &segment(
            "ORC",
            &[
                (1, "NW"),
                (2, &instance),
                (17, &self.department_cwe(d.department)),
                (29, "O^外来患者オーダ^HL70482"),
            ],
        );
        out
    }
}

fn kind(item: &Caution) -> String {
    let (code, text) = match (item.contraindication, item.class) {
        (true, 'M') => ("MC", "禁忌（造影剤・検査）"),
        (true, _) => ("MC", "禁忌"),
        (_, 'D') => ("DA", "薬剤"),
        (_, 'F') => ("FA", "食物"),
        (_, 'M') => ("MA", "造影剤"),
        (_, 'L') => ("MA", "ラテックス"),
        _ => ("MA", "その他"),
    };
    coded(code, text, "HL70127")
}

fn iam(place: usize, item: &Caution) -> String {
    let severity = match item.severity {
        Some(1) => "MI^軽度^HL70128",
        Some(2) => "MO^中等度^HL70128",
        Some(_) => "SV^重度^HL70128",
        None => "",
    };
    segment(
        "IAM",
        &[
            (1, &place.to_string()),
            (2, &kind(item)),
            (3, &coded(item.code, &item.text, "99ALG")),
            (4, severity),
            (5, &esc(item.reaction)),
            (6, "A^追加^HL70323"),
            (8, &esc(item.remark)),
            (11, &item.happened.map(day).unwrap_or_default()),
            (20, &day(item.recorded)),
        ],
    )
}
