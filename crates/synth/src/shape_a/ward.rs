//! The files of shape A about inpatients: who lies in which bed, what is due, what was measured, what was told.

use super::words::{Printed, clock};
use super::{department_code, doctor_code};
use crate::SynthError;
use crate::calendar::slashed;
use crate::catalogue::DrugKind;
use crate::cp932::Lost;
use crate::hospital::Hospital;
use crate::inpatient::{Bed, Lying, WARDS};
use crate::sheet::Sheet;

const STAYS: [&str; 25] = [
    "病棟コード",
    "病室",
    "病床",
    "患者番号",
    "入院日",
    "科コード",
    "主治医コード",
    "担当看護師",
    "入院目的",
    "食事",
    "安静度",
    "隔離",
    "酸素",
    "点滴",
    "インスリン",
    "方針",
    "ADL",
    "転倒危険度",
    "嚥下",
    "皮膚",
    "手術予定",
    "退院予定",
    "家族氏名",
    "続柄",
    "家族電話",
];
const DUE: [&str; 13] = [
    "患者番号",
    "実施日",
    "時刻",
    "薬品コード",
    "薬品名",
    "区分",
    "1回量",
    "1日量",
    "用量単位",
    "用法",
    "投与方法",
    "高リスク",
    "コメント",
];
const VITALS: [&str; 8] = [
    "患者番号",
    "測定日",
    "測定時刻",
    "体温",
    "収縮期血圧",
    "拡張期血圧",
    "脈拍",
    "SpO2",
];
const TOLD: [&str; 5] = ["患者番号", "記載日", "記載時刻", "記載者", "申し送り"];

/// Opens a file by its name with a row of headings.
type Opens<'a> = &'a mut dyn FnMut(&str, &[&str]) -> Result<Sheet, SynthError>;

/// The files being written.
pub(super) struct Sheets {
    stays: Sheet,
    due: Sheet,
    vitals: Sheet,
    told: Sheet,
    wards: Sheet,
}

impl Sheets {
    /// Opens them.
    pub(super) fn open(sheet: Opens<'_>) -> Result<Self, SynthError> {
        let mut wards = sheet("病棟.csv", &["病棟コード", "病棟名"])?;
        for (code, name) in WARDS {
            wards.row(Lost::Square, &[code, name])?;
        }
        Ok(Self {
            stays: sheet("入院患者.csv", &STAYS)?,
            due: sheet("与薬予定.csv", &DUE)?,
            vitals: sheet("バイタル.csv", &VITALS)?,
            told: sheet("申し送り.csv", &TOLD)?,
            wards,
        })
    }

    /// All of them, for the tally.
    pub(super) fn into_sheets(self) -> [Sheet; 5] {
        [self.stays, self.due, self.vitals, self.told, self.wards]
    }

    /// A bed without anybody: only where it stands.
    pub(super) fn empty(&mut self, bed: &Bed) -> Result<(), SynthError> {
        let mut row = [""; STAYS.len()];
        let ward = WARDS.get(bed.ward).map_or("", |ward| ward.0);
        for (cell, text) in row.iter_mut().zip([ward, &bed.room, &bed.bed]) {
            *cell = text;
        }
        self.stays.row(Lost::Square, &row)
    }

    /// Somebody in a bed.
    pub(super) fn lying(&mut self, hospital: &Hospital, lost: Lost, id: &str, lying: &Lying) -> Result<(), SynthError> {
        let ward = WARDS.get(lying.bed.ward).map_or("", |ward| ward.0);
        let (admitted, leaves) = (
            slashed(lying.admitted),
            lying.discharge.map(slashed).unwrap_or_default(),
        );
        let mut row = vec![
            ward,
            &lying.bed.room,
            &lying.bed.bed,
            id,
            &admitted,
            department_code(hospital, lying.department),
            doctor_code(hospital, lying.doctor),
            lying.nurse,
            lying.purpose,
        ];
        row.extend(lying.marks);
        row.extend([
            lying.operation.as_str(),
            &leaves,
            &lying.contact.0,
            lying.contact.1,
            &lying.contact.2,
        ]);
        self.stays.row(lost, &row)?;
        let today = slashed(hospital.today());
        for line in &lying.due {
            let printed = Printed::of(&line.drug);
            let kind = if line.drug.kind == DrugKind::Injection {
                "注射"
            } else {
                "内服"
            };
            let hours: Vec<String> = line.hours.iter().map(|hour| format!("{hour}:00")).collect();
            let hours: Vec<&str> = if hours.is_empty() {
                vec![""]
            } else {
                hours.iter().map(String::as_str).collect()
            };
            for hour in hours {
                let row = [
                    id,
                    &today,
                    hour,
                    line.drug.code,
                    line.drug.name,
                    kind,
                    &printed.each,
                    &printed.daily,
                    line.drug.unit,
                    line.drug.usage,
                    line.how,
                    if line.high_risk { "○" } else { "" },
                    line.drug.remark,
                ];
                self.due.row(lost, &row)?;
            }
        }
        for one in &lying.vitals {
            let (day, at) = (slashed(one.at.date()), clock(one.at.time()));
            let temperature = format!("{}.{}", one.temperature / 10, one.temperature % 10);
            let numbers = [one.pressure.0, one.pressure.1, one.pulse, one.spo2].map(|n| n.to_string());
            let [high, low, pulse, spo2] = &numbers;
            self.vitals
                .row(lost, &[id, &day, &at, &temperature, high, low, pulse, spo2])?;
        }
        for (at, who, text) in &lying.handovers {
            let (day, at) = (slashed(at.date()), clock(at.time()));
            self.told.row(lost, &[id, &day, &at, who, text])?;
        }
        Ok(())
    }
}
