//! Every type of SQL Server as the text of a field: digits as they are stored, days and times as one reads them in Japan.
//!
//! Deliberately absent: code pages. Text of code page 932 comes as bytes and goes on as bytes.

use std::borrow::Cow;
use std::fmt::Write;

use downtime::sources::sql::Field;
use jiff::Span;
use jiff::civil::{Date as Day, date};
use tiberius::numeric::Numeric;
use tiberius::time::{Date, DateTime2, Time};
use tiberius::{ColumnData, ColumnType};

use super::columns::Coming;

/// Seconds by which Japan is ahead of UTC.
const JAPAN: i64 = 9 * 3_600;
/// Days from 0001-01-01, from which DATE counts, to 1970-01-01.
const FIRST_TO_EPOCH: i64 = 719_162;
/// Days from 1900-01-01, from which DATETIME counts, to 1970-01-01.
const NINETEEN_HUNDRED_TO_EPOCH: i64 = 25_567;
const EPOCH: Day = date(1970, 1, 1);
const SECONDS_A_DAY: i64 = 86_400;

/// The field of a value. `room` holds the text of what is not text.
pub fn field<'v>(value: &'v ColumnData<'_>, kind: ColumnType, coming: Coming, room: &'v mut String) -> Field<'v> {
    room.clear();
    let written = match value {
        ColumnData::String(text) => return text.as_deref().map_or(Field::Null, Field::Text),
        ColumnData::Xml(xml) => return xml.as_deref().map_or(Field::Null, |xml| Field::Text(xml.as_ref())),
        ColumnData::Binary(bytes) => {
            return bytes
                .as_deref()
                .map_or(Field::Null, |bytes| stored(bytes, coming, room));
        }
        ColumnData::U8(number) => put(room, *number),
        ColumnData::I16(number) => put(room, *number),
        ColumnData::I32(number) => put(room, *number),
        ColumnData::I64(number) => put(room, *number),
        // The shortest digits that mean the same number, and never an exponent.
        ColumnData::F32(number) => put(room, *number),
        ColumnData::F64(Some(number)) if matches!(kind, ColumnType::Money | ColumnType::Money4) => {
            write!(room, "{number:.4}").is_ok()
        }
        ColumnData::F64(number) => put(room, *number),
        ColumnData::Bit(bit) => put(room, bit.map(u8::from)),
        ColumnData::Guid(guid) => {
            let some = put(room, *guid);
            room.make_ascii_uppercase();
            some
        }
        ColumnData::Numeric(number) => number.is_some_and(|number| decimal(room, number)),
        // Three hundredths of a second since midnight.
        ColumnData::DateTime(at) => at.is_some_and(|at| {
            let seconds = i64::from(at.seconds_fragments()) / 300;
            moment(room, i64::from(at.days()) - NINETEEN_HUNDRED_TO_EPOCH, seconds)
        }),
        // Minutes since midnight, whatever the driver calls them.
        ColumnData::SmallDateTime(at) => at.is_some_and(|at| {
            let seconds = i64::from(at.seconds_fragments()) * 60;
            moment(room, i64::from(at.days()) - NINETEEN_HUNDRED_TO_EPOCH, seconds)
        }),
        ColumnData::Date(date) => date.is_some_and(|days| day(room, days_of(days))),
        ColumnData::Time(time) => time.is_some_and(|time| clock(room, seconds(time))),
        ColumnData::DateTime2(at) => at.is_some_and(|at| datetime2(room, at, 0)),
        // Stored in UTC whatever its offset.
        ColumnData::DateTimeOffset(at) => at.is_some_and(|at| datetime2(room, at.datetime2(), JAPAN)),
    };
    if written { Field::Text(room) } else { Field::Null }
}

fn stored<'v>(bytes: &'v [u8], coming: Coming, room: &'v mut String) -> Field<'v> {
    if coming != Coming::Utf8 {
        return Field::Bytes(bytes);
    }
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Field::Text(text),
        Cow::Owned(text) => {
            *room = text;
            Field::Text(room)
        }
    }
}

fn put(room: &mut String, value: Option<impl std::fmt::Display>) -> bool {
    value.is_some_and(|value| write!(room, "{value}").is_ok())
}

fn decimal(room: &mut String, number: Numeric) -> bool {
    let scale = usize::from(number.scale());
    let digits = format!("{:0>width$}", number.value().unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
    if number.value() < 0 {
        room.push('-');
    }
    room.push_str(whole);
    if !part.is_empty() {
        room.push('.');
        room.push_str(part);
    }
    true
}

fn days_of(date: Date) -> i64 {
    i64::from(date.days()) - FIRST_TO_EPOCH
}

/// Whole seconds since midnight: what is behind them no list shows, and databases answer alike.
fn seconds(time: Time) -> i64 {
    let unit = 10_u64.saturating_pow(u32::from(time.scale()));
    i64::try_from(time.increments() / unit).unwrap_or(i64::MAX)
}

fn datetime2(room: &mut String, at: DateTime2, ahead: i64) -> bool {
    let since = seconds(at.time()).saturating_add(ahead);
    moment(
        room,
        days_of(at.date()) + since.div_euclid(SECONDS_A_DAY),
        since.rem_euclid(SECONDS_A_DAY),
    )
}

fn moment(room: &mut String, days: i64, seconds: i64) -> bool {
    if !day(room, days) {
        return false;
    }
    room.push(' ');
    clock(room, seconds)
}

/// A day by its number since 1970-01-01. Where it is no day of ours, the number itself says so.
fn day(room: &mut String, days: i64) -> bool {
    let date = Span::new().try_days(days).and_then(|since| EPOCH.checked_add(since));
    match date {
        Ok(date) => write!(room, "{}", chart::date::iso(date)).is_ok(),
        Err(_) => write!(room, "?{days}").is_ok(),
    }
}

/// A time of the day, to the second.
fn clock(room: &mut String, seconds: i64) -> bool {
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    write!(room, "{hour:02}:{minute:02}:{second:02}").is_ok()
}
