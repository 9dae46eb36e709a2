//! Shape A, 分割型: the columns are described in `docs/operating/synthetic-hospital.md`.
//!
//! It prints facts and decides none, except what stands for a character that CP932 lacks.

use crate::calendar::{long_era, slashed};
use crate::catalogue::{DrugKind, Stay};
use crate::cp932::Lost;
use crate::export::Printer;
use crate::hospital::Hospital;
use crate::patient::{Appointment, Caution, Cautions, Interval, Note, Patient, Prescribed, ThinRow, Visit};
use crate::person::{Insurance, Person, Sex};
use crate::sheet::{Open, Sheet, Style};
use crate::{Amount, FileSummary, SynthError};
use jiff::civil::{DateTime, Time};

/// The files of shape A being written.
pub(crate) struct ShapeA<'h> {
    hospital: &'h Hospital,
    people: Sheet,
    bookings: Sheet,
    orders: Sheet,
    diagnoses: Sheet,
    notes: Sheet,
    drugs: Sheet,
    cautions: Sheet,
    labs: Sheet,
    facts: Sheet,
    thin: Sheet,
    masters: Vec<Sheet>,
}

const PEOPLE: [&str; 19] = [
    "患者番号",
    "漢字氏名",
    "カナ氏名",
    "旧姓",
    "通称名",
    "性別",
    "生年月日",
    "死亡日",
    "郵便番号",
    "住所",
    "電話番号",
    "携帯電話",
    "勤務先",
    "勤務先電話",
    "血液型",
    "RH",
    "保険区分",
    "初回登録日",
    "最終来院日",
];
const BOOKINGS: [&str; 14] = [
    "予約番号",
    "予約日",
    "予約時刻",
    "患者番号",
    "患者氏名",
    "カナ氏名",
    "性別",
    "生年月日",
    "科コード",
    "科名",
    "医師コード",
    "受付場所",
    "予約区分",
    "予約コメント",
];
const ORDERS: [&str; 11] = [
    "患者番号",
    "オーダ番号",
    "予約番号",
    "検査日",
    "検査時刻",
    "検査コード",
    "検査名",
    "実施場所",
    "依頼科コード",
    "注意事項",
    "コメント",
];
const DIAGNOSES: [&str; 10] = [
    "患者番号",
    "病名連番",
    "病名",
    "ICD10",
    "疑い",
    "主病名",
    "診断日",
    "転帰",
    "転帰日",
    "科コード",
];
const NOTES: [&str; 6] = ["患者番号", "診療日", "科コード", "医師コード", "記載日時", "記事"];
const DRUGS: [&str; 19] = [
    "患者番号",
    "処方日",
    "科コード",
    "医師コード",
    "RP番号",
    "RP内連番",
    "薬品コード",
    "薬品名",
    "区分",
    "1回量",
    "1日量",
    "用量単位",
    "用法",
    "1日回数",
    "投与数量",
    "投与単位",
    "不均等",
    "投与間隔",
    "コメント",
];
const CAUTIONS: [&str; 11] = [
    "患者番号",
    "状態",
    "区分",
    "分類",
    "コード",
    "名称",
    "反応",
    "重症度",
    "発現日",
    "確認日",
    "備考",
];
const LABS: [&str; 11] = [
    "患者番号",
    "採取日",
    "採取時刻",
    "項目コード",
    "項目名",
    "結果値",
    "単位",
    "基準下限",
    "基準上限",
    "判定",
    "コメント",
];
const FACTS: [&str; 4] = ["患者番号", "種別", "値", "日付"];
const THIN: [&str; 9] = [
    "予約日",
    "予約時刻",
    "科コード",
    "医師コード",
    "患者番号",
    "患者氏名",
    "カナ氏名",
    "生年月日",
    "電話番号",
];

impl<'h> ShapeA<'h> {
    /// Opens all files but the tally.
    pub(crate) fn open(hospital: &'h Hospital, open: Open) -> Result<Self, SynthError> {
        let mut sheet = |name: &str, header: &[&str]| Sheet::open(open, name, Style::OldCsv, header);
        let day = crate::calendar::compact(hospital.today());
        Ok(ShapeA {
            hospital,
            people: sheet("患者基本.csv", &PEOPLE)?,
            bookings: sheet(&format!("予約一覧_{day}.csv"), &BOOKINGS)?,
            orders: sheet("検査予約.csv", &ORDERS)?,
            diagnoses: sheet("病名.csv", &DIAGNOSES)?,
            notes: sheet("診療録.csv", &NOTES)?,
            drugs: sheet("処方.csv", &DRUGS)?,
            cautions: sheet("アレルギー禁忌.csv", &CAUTIONS)?,
            labs: sheet("検体検査結果.csv", &LABS)?,
            facts: sheet("患者特記.csv", &FACTS)?,
            thin: sheet("予約14日.csv", &THIN)?,
            masters: {
                let mut departments = sheet("診療科.csv", &["科コード", "科名", "略称", "受付場所", "内線"])?;
                for d in &hospital.catalogue.departments {
                    departments.row(Lost::Square, &[d.code_a, d.name, d.short, d.place, d.extension])?;
                }
                let mut doctors = sheet("医師.csv", &["医師コード", "医師名", "カナ", "科コード", "内線"])?;
                for d in &hospital.catalogue.doctors {
                    let (name, kana) = (
                        format!("{}　{}", d.family, d.given),
                        format!("{}　{}", d.family_kana, d.given_kana),
                    );
                    doctors.row(
                        Lost::Square,
                        &[
                            d.code,
                            &name,
                            &kana,
                            department_code(hospital, d.department),
                            d.extension,
                        ],
                    )?;
                }
                vec![departments, doctors]
            },
        })
    }

    fn person(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let p = &patient.person;
        let (abo, rh) = p
            .blood
            .map_or(("", ""), |(abo, positive)| (abo, if positive { "+" } else { "-" }));
        let last = patient.last_visit().map(slashed).unwrap_or_default();
        let row = [
            patient.id.as_str(),
            &name(p),
            &kana(p),
            &p.former,
            &p.alias,
            match p.sex {
                Sex::Male => "1",
                Sex::Female => "2",
                Sex::Unknown => "9",
            },
            &long_era(p.birth),
            &p.death.map(slashed).unwrap_or_default(),
            p.post_code,
            &p.address,
            &p.home,
            &p.mobile,
            p.workplace,
            &p.work_phone,
            abo,
            rh,
            match p.insurance {
                Insurance::Employees => "社保",
                Insurance::National => "国保",
                Insurance::LateElderly => "後期高齢者",
                Insurance::PublicAssistance => "生活保護",
                Insurance::OwnExpense => "自費",
            },
            &slashed(p.registered),
            &last,
        ];
        self.people.row(lost, &row)
    }

    fn booking(
        &mut self,
        lost: Lost,
        patient: &Patient,
        visit: &Visit,
        appointment: &Appointment,
    ) -> Result<(), SynthError> {
        let p = &patient.person;
        let Some(department) = self.hospital.catalogue.departments.get(visit.department) else {
            return Ok(());
        };
        let day = slashed(appointment.at.date());
        let row = [
            appointment.code.as_str(),
            &day,
            &clock(appointment.at.time()),
            &patient.id,
            &name(p),
            &kana(p),
            match p.sex {
                Sex::Male => "男",
                Sex::Female => "女",
                Sex::Unknown => "",
            },
            &slashed(p.birth),
            department.code_a,
            department.name,
            doctor_code(self.hospital, visit.doctor),
            department.place,
            if appointment.first { "初診" } else { "再診" },
            appointment.remark,
        ];
        self.bookings.row(lost, &row)?;
        for order in &appointment.orders {
            let Some(exam) = self.hospital.catalogue.exams.get(order.exam) else {
                continue;
            };
            let time = order.time.map(clock).unwrap_or_default();
            let row = [
                &patient.id,
                &order.code,
                &appointment.code,
                &day,
                &time,
                exam.code_a,
                exam.name,
                exam.place,
                department.code_a,
                exam.preparation,
                order.remark,
            ];
            self.orders.row(lost, &row)?;
        }
        Ok(())
    }

    fn record(&mut self, lost: Lost, patient: &Patient, visit: &Visit) -> Result<(), SynthError> {
        let (department, doctor) = (
            department_code(self.hospital, visit.department),
            doctor_code(self.hospital, visit.doctor),
        );
        if let (Some(last), Some(note)) = (visit.last, &visit.note) {
            self.notes.row(
                lost,
                &[
                    &patient.id,
                    &slashed(last),
                    department,
                    doctor,
                    &stamp(note.written),
                    &whole(note),
                ],
            )?;
        }
        let Some(prescription) = &visit.prescription else {
            return Ok(());
        };
        let day = slashed(prescription.date);
        for item in &prescription.items {
            let printed = Printed::of(item);
            let row = [
                patient.id.as_str(),
                &day,
                department,
                doctor,
                &item.rp.0.to_string(),
                &item.rp.1.to_string(),
                item.code,
                item.name,
                match item.kind {
                    DrugKind::Oral => "内服",
                    DrugKind::AsNeeded => "頓服",
                    DrugKind::External => "外用",
                    DrugKind::Injection => "注射",
                },
                &printed.each,
                &printed.daily,
                item.unit,
                item.usage,
                &printed.times,
                &item.quantity.to_string(),
                item.quantity_unit,
                &item.uneven.map(|parts| uneven(&parts, item.unit)).unwrap_or_default(),
                &interval(item.interval),
                item.remark,
            ];
            self.drugs.row(lost, &row)?;
        }
        Ok(())
    }

    fn caution(&mut self, lost: Lost, id: &str, item: &Caution) -> Result<(), SynthError> {
        let row = [
            id,
            "あり",
            if item.contraindication {
                "禁忌"
            } else {
                "アレルギー"
            },
            match item.class {
                'D' => "薬剤",
                'F' => "食物",
                'M' => "造影剤",
                'L' => "ラテックス",
                _ => "その他",
            },
            item.code,
            &item.text,
            item.reaction,
            match item.severity {
                Some(1) => "軽度",
                Some(2) => "中等度",
                Some(_) => "重度",
                None => "",
            },
            &item.happened.map(slashed).unwrap_or_default(),
            &slashed(item.recorded),
            item.remark,
        ];
        self.cautions.row(lost, &row)
    }

    fn results(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let Some(sheet) = &patient.labs else { return Ok(()) };
        let (day, time) = (slashed(sheet.taken.date()), clock(sheet.taken.time()));
        for result in &sheet.results {
            let Some(lab) = self.hospital.catalogue.labs.get(result.item) else {
                continue;
            };
            let (low, high) = lab.reference(patient.person.sex);
            let flag = result.flag.map(String::from).unwrap_or_default();
            self.labs.row(
                lost,
                &[
                    &patient.id,
                    &day,
                    &time,
                    lab.code_a,
                    lab.name,
                    &result.value,
                    lab.unit,
                    low,
                    high,
                    &flag,
                    result.remark,
                ],
            )?;
        }
        Ok(())
    }

    fn profile(&mut self, lost: Lost, patient: &Patient) -> Result<(), SynthError> {
        let p = &patient.profile;
        let sign = |positive: bool| if positive { "(+)" } else { "(-)" }.to_owned();
        let mut facts = Vec::new();
        facts.extend(
            p.height
                .map(|(value, day)| ("身長", Amount(value * 100).to_string(), day)),
        );
        facts.extend(
            p.weight
                .map(|(value, day)| ("体重", Amount(value * 100).to_string(), day)),
        );
        facts.extend(p.infections.map(|(hbs, _, day)| ("HBs抗原", sign(hbs), day)));
        facts.extend(p.infections.map(|(_, hcv, day)| ("HCV抗体", sign(hcv), day)));
        facts.extend(
            p.pacemaker
                .map(|(there, day)| ("ペースメーカ", if there { "あり" } else { "なし" }.to_owned(), day)),
        );
        for (kind, value, day) in facts {
            self.facts.row(lost, &[&patient.id, kind, &value, &slashed(day)])?;
        }
        Ok(())
    }

    fn thin(&mut self, lost: Lost, person: &Person, row: &ThinRow) -> Result<(), SynthError> {
        let phone = if person.mobile.is_empty() {
            &person.home
        } else {
            &person.mobile
        };
        let (department, doctor) = (
            department_code(self.hospital, row.department),
            doctor_code(self.hospital, row.doctor),
        );
        let row = [
            &slashed(row.at.date()),
            &clock(row.at.time()),
            department,
            doctor,
            &row.id,
            &name(person),
            &kana(person),
            &slashed(person.birth),
            phone,
        ];
        self.thin.row(lost, &row)
    }
}

impl Printer for ShapeA<'_> {
    fn patient(&mut self, patient: &Patient) -> Result<(), SynthError> {
        let lost = lost_of(patient.number);
        let id = patient.id.as_str();
        self.person(lost, patient)?;
        for visit in &patient.visits {
            if let Some(appointment) = &visit.appointment {
                self.booking(lost, patient, visit, appointment)?;
            }
            self.record(lost, patient, visit)?;
        }
        for (place, d) in (1..).zip(&patient.diagnoses) {
            let outcome = match d.stay {
                Stay::Continuing => "継続",
                Stay::Cured => "治癒",
                Stay::Stopped => "中止",
            };
            let ended = d.ended.map(long_era).unwrap_or_default();
            let (suspected, principal) = (
                if d.suspected { "疑い" } else { "" },
                if d.principal { "○" } else { "" },
            );
            let number: i32 = place;
            self.diagnoses.row(
                lost,
                &[
                    id,
                    &number.to_string(),
                    d.name,
                    d.icd,
                    suspected,
                    principal,
                    &long_era(d.onset),
                    outcome,
                    &ended,
                    department_code(self.hospital, d.department),
                ],
            )?;
        }
        match &patient.cautions {
            Cautions::Known(items) => items.iter().try_for_each(|item| self.caution(lost, id, item))?,
            Cautions::ConfirmedNone(day) => self
                .cautions
                .row(lost, &[id, "なし", "", "", "", "", "", "", "", &slashed(*day), ""])?,
            Cautions::NotRecorded => {}
            Cautions::Unavailable => self.cautions.row(
                lost,
                &[id, "参照不可", "", "", "", "", "", "", "", "", "アレルギー連携エラー"],
            )?,
        }
        self.results(lost, patient)?;
        self.profile(lost, patient)?;
        match &patient.later {
            Some(row) => self.thin(lost, &patient.person, row),
            None => Ok(()),
        }
    }

    fn other(&mut self, person: &Person, row: &ThinRow) -> Result<(), SynthError> {
        self.thin(Lost::Square, person, row)
    }

    fn finish(self: Box<Self>, open: Open) -> Result<Vec<FileSummary>, SynthError> {
        let stamp = format!("{} 0:05", slashed(self.hospital.today()));
        let sheets = [
            self.people,
            self.bookings,
            self.orders,
            self.diagnoses,
            self.notes,
            self.drugs,
            self.cautions,
            self.labs,
            self.facts,
            self.thin,
        ];
        let mut done = sheets
            .into_iter()
            .chain(self.masters)
            .map(Sheet::finish)
            .collect::<Result<Vec<_>, _>>()?;
        let mut tally = Sheet::open(open, "出力件数.csv", Style::OldCsv, &["ファイル名", "件数", "出力日時"])?;
        for file in &done {
            tally.row(Lost::Square, &[&file.name, &file.rows.to_string(), &stamp])?;
        }
        done.push(tally.finish()?);
        Ok(done)
    }
}

/// Numbers of a prescribed drug as printed in both shapes.
pub(crate) struct Printed {
    pub(crate) each: String,
    pub(crate) daily: String,
    pub(crate) times: String,
}

impl Printed {
    pub(crate) fn of(item: &Prescribed) -> Self {
        let amount = |amount: Option<Amount>| amount.map(|a| a.to_string()).unwrap_or_default();
        Printed {
            each: amount(item.each),
            daily: amount(item.daily),
            times: if item.times == 0 {
                String::new()
            } else {
                item.times.to_string()
            },
        }
    }
}

/// What stands for lost characters in one patient's rows: three systems, three habits.
fn lost_of(number: u32) -> Lost {
    match number {
        12 => Lost::Square,
        13 => Lost::Geta,
        14 => Lost::Vendor,
        n if n % 5 == 0 => Lost::Geta,
        n if n % 7 == 0 => Lost::Vendor,
        _ => Lost::Square,
    }
}

fn department_code(hospital: &Hospital, place: usize) -> &'static str {
    hospital.catalogue.departments.get(place).map_or("", |d| d.code_a)
}

fn doctor_code(hospital: &Hospital, place: usize) -> &'static str {
    hospital.catalogue.doctors.get(place).map_or("", |d| d.code)
}

fn name(person: &Person) -> String {
    format!("{}　{}", person.family, person.given)
}

fn kana(person: &Person) -> String {
    person
        .kana
        .as_ref()
        .map(|(family, given)| format!("{family}　{given}"))
        .unwrap_or_default()
}

fn clock(time: Time) -> String {
    format!("{}:{:02}", time.hour(), time.minute())
}

fn stamp(at: DateTime) -> String {
    format!("{} {}", slashed(at.date()), clock(at.time()))
}

/// The four parts under their headings; empty parts are left out.
fn whole(note: &Note) -> String {
    let parts = [("S", &note.s), ("O", &note.o), ("A", &note.a), ("P", &note.p)];
    parts
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(letter, text)| format!("【{letter}】{text}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// `朝2錠・夕1錠`.
fn uneven(parts: &[Amount; 4], unit: &str) -> String {
    let slots = ["朝", "昼", "夕", "寝る前"]
        .iter()
        .zip(parts)
        .filter(|(_, amount)| amount.0 > 0);
    slots
        .map(|(slot, amount)| format!("{slot}{amount}{unit}"))
        .collect::<Vec<_>>()
        .join("・")
}

/// `隔日`, `週1回(月)`, `週3回(月・水・金)`.
fn interval(interval: Interval) -> String {
    match interval {
        Interval::Daily => String::new(),
        Interval::OtherDay => "隔日".to_owned(),
        Interval::Weekdays(flags) => {
            let days: Vec<&str> = ["日", "月", "火", "水", "木", "金", "土"]
                .iter()
                .zip(flags)
                .filter(|(_, on)| *on)
                .map(|(day, _)| *day)
                .collect();
            format!("週{}回({})", days.len(), days.join("・"))
        }
    }
}
