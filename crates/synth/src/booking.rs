//! Appointments of the day with their examinations.

use crate::body::Body;
use crate::catalogue::Exam;
use crate::hospital::Hospital;
use crate::illness::{Attended, Case};
use crate::patient::{Appointment, Cautions, Order, Visit};
use crate::person::Sex;
use crate::rng::{Rng, Subject};
use jiff::civil::{DateTime, Time};

/// At most so many examinations with one appointment.
const MAX_ORDERS: usize = 6;

const REMARKS: [&str; 16] = [
    "車椅子",
    "家族同席希望",
    "検査結果説明",
    "紹介状持参",
    "診断書希望",
    "要通訳（英語）",
    "耳が遠い、筆談可",
    "歩行介助が必要",
    "採血で気分不良の既往、臥位で採血",
    "予約変更あり（電話）",
    "介護タクシー利用、終了後に電話",
    "お薬のみ希望",
    "〜10時までに終了希望",
    "次回手術説明",
    "身体障害者手帳の書類あり",
    "主治医意見書",
];
const ORDER_REMARKS: [&str; 6] = [
    "前回と比較",
    "車椅子",
    "結果は当日説明",
    "検査後に診察",
    "本人確認は生年月日で",
    "介助者同伴",
];
const BLOOD_REMARKS: [&str; 4] = [
    "右腕での採血を避ける",
    "真空管4本",
    "抗凝固薬内服中、止血を長めに",
    "採血困難、細い針で",
];
const TUBE_REMARKS: [&str; 2] = ["閉所が苦手", "背もたれを上げて待機"];
/// Examinations made by one department for its own patients.
const OWN: [&str; 10] = ["RUS", "UFM", "TVU", "FET", "PTC", "KOH", "NFS", "AUD", "TYM", "VFD"];

/// Examinations with X-rays or strong magnets, not booked in pregnancy.
const NOT_IN_PREGNANCY: [&str; 11] = [
    "CXR", "AXR", "BXR", "SXR", "CTP", "CTE", "MRI", "DXA", "MMG", "GIF", "TCS",
];

/// Books the day: one appointment in each department that is booked.
pub(crate) fn book(
    hospital: &Hospital,
    number: u32,
    case: &Case,
    body: &Body,
    cautions: &Cautions,
    visits: &mut [Visit],
) {
    let mut rng = hospital.rng(number, Subject::Booking);
    let hazard = hospital.hazard(number);
    let mut taken: Vec<Time> = Vec::new();
    for (place, (attended, visit)) in case.attended.iter().zip(visits.iter_mut()).enumerate() {
        if !attended.booked {
            continue;
        }
        let laid_down = hazard
            .filter(|_| place == 0)
            .and_then(|row| row.time.parse::<Time>().ok());
        let mut time = laid_down.unwrap_or_else(|| slot(&mut rng));
        if !taken.is_empty() {
            // The second consultation of the day comes at least an hour after the first, if the day is long enough.
            time = taken.iter().max().map_or(time, |first| later_slot(&mut rng, *first));
        }
        taken.push(time);
        let at = hospital.today().to_datetime(time);
        let code = format!("Y{:09}", u64::from(number) * 10 + place as u64);
        let orders = if attended.first {
            first_orders(hospital, case)
        } else {
            orders(hospital, &mut rng, case, body, cautions, attended)
        };
        let orders = orders
            .into_iter()
            .enumerate()
            .map(|(nth, exam)| Order {
                code: format!("K{:09}", u64::from(number) * 100 + place as u64 * 10 + nth as u64),
                exam,
                time: hospital
                    .catalogue
                    .exams
                    .get(exam)
                    .filter(|e| e.timed)
                    .map(|_| before(&mut rng, at)),
                remark: order_remark(hospital, &mut rng, exam),
            })
            .collect();
        visit.appointment = Some(Appointment {
            code,
            at,
            first: attended.first,
            remark: remark(hospital, number, &mut rng, attended.first),
            orders,
        });
    }
}

fn order_remark(hospital: &Hospital, rng: &mut Rng, exam: usize) -> &'static str {
    if !rng.chance(5) {
        return "";
    }
    match hospital.catalogue.exams.get(exam).map_or("", |e| e.code_b) {
        "BLD" | "FBS" => rng.word(&BLOOD_REMARKS),
        "MRI" | "CTE" | "CTP" => rng.word(&TUBE_REMARKS),
        _ => rng.word(&ORDER_REMARKS),
    }
}

fn remark(hospital: &Hospital, number: u32, rng: &mut Rng, first: bool) -> &'static str {
    match hospital.hazard(number) {
        Some(row) if row.has("formula") => "=cmd|'/c echo'!A1, \"紹介\"",
        Some(row) if row.has("5c") => "構造表、予約・貼付の件（ソ・ポ・十・能）",
        Some(row) if row.has("wide") => "１０：００〜１１：００の間に会計希望　（全角）",
        Some(row) if row.has("html") => "<b>要</b>検査 & 説明",
        _ if first => "紹介状持参",
        _ if rng.chance(9) => rng.word(&REMARKS),
        _ => "",
    }
}

/// A quarter of an hour of the morning, sometimes of the afternoon.
pub(crate) fn slot(rng: &mut Rng) -> Time {
    let quarters = if rng.chance(74) {
        rng.between(0, 14)
    } else {
        rng.between(20, 32)
    };
    quarter(quarters)
}

fn later_slot(rng: &mut Rng, first: Time) -> Time {
    let gone = (i64::from(first.hour()) * 60 + i64::from(first.minute()) - 510) / 15;
    quarter((gone + rng.between(4, 9)).min(32))
}

/// So many quarters of an hour after 8:30.
fn quarter(quarters: i64) -> Time {
    let minutes = 510 + quarters.clamp(0, 32) * 15;
    Time::new((minutes / 60) as i8, (minutes % 60) as i8, 0, 0).unwrap_or(Time::midnight())
}

/// A time for an examination before the consultation, not before 8:30.
fn before(rng: &mut Rng, at: DateTime) -> Time {
    let minutes = i64::from(at.hour()) * 60 + i64::from(at.minute()) - rng.between(2, 6) * 15;
    quarter((minutes.max(510) - 510) / 15)
}

fn first_orders(hospital: &Hospital, case: &Case) -> Vec<usize> {
    let wanted: &[&str] = if case.age >= 15 { &["BLD", "URN"] } else { &[] };
    (0..hospital.catalogue.exams.len())
        .filter(|place| {
            hospital
                .catalogue
                .exams
                .get(*place)
                .is_some_and(|e| wanted.contains(&e.code_b))
        })
        .collect()
}

fn orders(
    hospital: &Hospital,
    rng: &mut Rng,
    case: &Case,
    body: &Body,
    cautions: &Cautions,
    attended: &Attended,
) -> Vec<usize> {
    let catalogue = &hospital.catalogue;
    let pregnant = case.pregnant(catalogue);
    let reacts = matches!(cautions, Cautions::Known(items) if items.iter().any(|item| item.code == "AL301" || item.text.contains("造影")));
    let paced = case.has(catalogue, "I49.5") || case.has(catalogue, "I44.2");
    let here = catalogue.departments.get(attended.department).map_or("", |d| d.place);
    let fits = |exam: &Exam| {
        (case.age >= 6 || exam.child)
            && (exam.place.starts_with(here)
                || !OWN.contains(&exam.code_b)
                || exam.code_b == "VFD" && here.starts_with("3階 K"))
            && !(pregnant && NOT_IN_PREGNANCY.contains(&exam.code_b))
            && !(exam.code_b == "MRI" && paced)
            && !(exam.code_b == "CTE" && (body.egfr < 30 || reacts))
            && !(exam.code_b == "TVU" && case.sex != Sex::Female)
    };
    let mut chosen: Vec<usize> = Vec::new();
    for (nth, disease) in attended
        .diseases
        .iter()
        .filter_map(|place| catalogue.diseases.get(*place))
        .enumerate()
    {
        for (exam, percent) in &disease.exams {
            let share = match nth {
                0 => *percent,
                _ if catalogue.looks_after(attended.department, disease) => percent / 3,
                _ => 0,
            };
            let fits = catalogue.exams.get(*exam).is_some_and(fits);
            if rng.chance(share) && fits && !chosen.contains(exam) && chosen.len() < MAX_ORDERS {
                chosen.push(*exam);
            }
        }
    }
    // Fasting blood takes the place of ordinary blood.
    let place = |code: &str| catalogue.exams.iter().position(|e| e.code_b == code);
    if place("FBS").is_some_and(|fasting| chosen.contains(&fasting)) {
        chosen.retain(|exam| Some(*exam) != place("BLD"));
    }
    chosen.sort_unstable();
    chosen
}
