//! Appointments and examinations of the day, and appointments of the coming days.

use chart::{Appointment, Chart, ExamOrder};

use super::{Field, From, Line, coded, line, time};
use crate::equal::hospital::DAY;

pub const FIELDS: &[Field] = &[
    (
        "appointments",
        From::Whole(|c| today(c, |a| format!("{} {}", time(a.at), coded(&a.department)))),
    ),
    ("appointments.place", From::Whole(|c| today(c, |a| a.place.clone()))),
    ("appointments.doctor", From::Whole(|c| today(c, |a| coded(&a.doctor)))),
    ("appointments.purpose", From::Whole(|c| today(c, |a| a.purpose.clone()))),
    ("appointments.number", From::Whole(|c| today(c, |a| a.number.clone()))),
    (
        "appointments.coming",
        From::Everybody(|c| {
            booked(c, false, |a| {
                format!("{} {} {}", coded(&a.department), coded(&a.doctor), a.place)
            })
        }),
    ),
    ("orders", From::Whole(|c| orders(c, |o| chart::date::iso(o.on)))),
    ("orders.at", From::Whole(|c| orders(c, |o| time(o.at)))),
    (
        "orders.exam",
        From::Whole(|c| orders(c, |o| format!("{} / {}", coded(&o.exam), coded(&o.department)))),
    ),
    ("orders.place", From::Whole(|c| orders(c, |o| o.place.clone()))),
    (
        "orders.preparation",
        From::Words(|c, words| orders(c, |o| words.preparations.of(&o.remarks).0)),
    ),
    (
        "orders.remark",
        From::Words(|c, words| orders(c, |o| words.preparations.of(&o.remarks).1)),
    ),
    ("orders.number", From::Whole(|c| orders(c, |o| o.number.clone()))),
];

fn booked(chart: &Chart, today: bool, show: impl Fn(&Appointment) -> String) -> Vec<Line> {
    let booked = chart.appointments.iter().filter(|a| (a.on == DAY) == today);
    booked
        .filter_map(|a| {
            let key = format!("{} {} {}", chart::date::iso(a.on), time(a.at), a.department.code);
            line(key, show(a).trim())
        })
        .collect()
}

fn today(chart: &Chart, show: impl Fn(&Appointment) -> String) -> Vec<Line> {
    booked(chart, true, show)
}

fn orders(chart: &Chart, show: impl Fn(&ExamOrder) -> String) -> Vec<Line> {
    let orders = chart.orders.iter();
    orders.filter_map(|o| line(o.exam.code.clone(), show(o))).collect()
}
