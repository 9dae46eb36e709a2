//! The results panel: newest first, each with its reference and, where it is not the newest, its day.
//!
//! No trend and no judgement: a flag is the EHR's.

use chart::result::Flag;
use chart::{DataKind, Known, LabResult};
use downtime::view::View;
use serde::Serialize;

use super::{as_of, of_chart};
use crate::reader::Reader;
use crate::say;

/// 検査
#[derive(Debug, Default, Serialize)]
pub struct Labs {
    /// Words of the three states without data.
    pub absent: Option<String>,
    /// データ時点
    pub as_of: String,
    /// Day of the newest.
    pub head: String,
    /// Newest first.
    pub items: Vec<Lab>,
}

/// One result.
#[derive(Debug, Default, Serialize)]
pub struct Lab {
    /// BNP
    pub name: String,
    /// 212
    pub value: String,
    /// pg/mL
    pub unit: String,
    /// H L 緊急値
    pub flag: &'static str,
    /// 緊急値
    pub critical: bool,
    /// 0–18.4
    pub reference: String,
    /// Day, where it is not the newest.
    pub on: String,
}

/// The results panel.
#[must_use]
pub fn labs(visit: &impl Reader, view: &View) -> Labs {
    let known = of_chart(view, &Known::NotRecorded, |c| &c.results);
    let newest = known.items().iter().filter_map(|r| r.on).max();
    let item = |r: &LabResult| Lab {
        name: r.name.clone(),
        value: r.value.clone(),
        unit: r.unit.clone(),
        flag: r.flag.map_or("", Flag::word),
        critical: r.flag == Some(Flag::Critical),
        reference: r.reference.clone(),
        on: match r.on {
            Some(on) if Some(on) == newest => String::new(),
            Some(on) => chart::date::iso(on),
            None => visit.w()["date-unknown"].to_owned(),
        },
    };
    Labs {
        absent: say::absence(visit.w(), known, visit.now()),
        as_of: as_of(visit, view, DataKind::Result),
        head: newest.map(chart::date::iso).unwrap_or_default(),
        items: known.items().iter().map(item).collect(),
    }
}
