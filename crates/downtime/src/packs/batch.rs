//! What is printed together: the patients of one department, or those of one ward.
//!
//! Which forms that gives is `forms`; where the pages go is the business of whoever asks.

use std::collections::BTreeSet;

use chart::Sheet;
use jiff::civil::Date;

use super::{Kind, PackId};
use crate::forms::{Department, Issue, OpenBed, Ward, departments, open_ward, pack_sheets, ward_sheets, wards};
use crate::index::BedList;
use crate::shelf::{OpenFault, Opened};

/// There is nobody to print for: the words say what was looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Nobody(pub String);

/// What somebody wants: everything, or one department, or one ward.
#[derive(Debug, Clone, Copy, Default)]
pub struct Only<'a> {
    /// Code of the department.
    pub department: Option<&'a str>,
    /// Code of the ward.
    pub ward: Option<&'a str>,
}

/// One department or one ward.
pub enum Batch {
    /// A department with its place among all.
    Department(usize, Department),
    /// A ward.
    Ward(Ward),
}

impl Batch {
    /// 循環器内科, 5階東.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Department(_, department) => department.department.label(),
            Self::Ward(ward) => ward.label(),
        }
    }

    /// What it is called in files and addresses.
    #[must_use]
    pub fn id(&self) -> PackId {
        let kind = match self {
            Self::Department(..) => Kind::Department,
            Self::Ward(_) => Kind::Ward,
        };
        PackId::of(kind, self.key())
    }

    /// Its code; its name where it has none.
    #[must_use]
    pub fn key(&self) -> &str {
        let named = match self {
            Self::Department(_, department) => &department.department,
            Self::Ward(ward) => &ward.ward,
        };
        if named.code.is_empty() {
            &named.name
        } else {
            &named.code
        }
    }

    /// The word that keeps a ward's files apart from a department's of the same code.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Department(..) => "department",
            Self::Ward(_) => "ward",
        }
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Department(_, department) => &department.department.code,
            Self::Ward(ward) => &ward.ward.code,
        }
    }

    /// Forms, for the audit log.
    #[must_use]
    pub const fn forms(&self) -> &'static str {
        match self {
            Self::Department(..) => "F13・F02",
            Self::Ward(_) => "F10・F11・F12",
        }
    }

    /// Rows of the people in it, each once, in the order of the list.
    #[must_use]
    pub fn rows(&self) -> Vec<u32> {
        let mut seen = BTreeSet::new();
        let all: Vec<u32> = match self {
            Self::Department(_, department) => department.slots.iter().map(|slot| slot.row).collect(),
            Self::Ward(ward) => ward.rows().collect(),
        };
        all.into_iter().filter(|row| seen.insert(*row)).collect()
    }

    /// Sheets there will be, for the bar.
    #[must_use]
    pub fn sheets_expected(&self) -> usize {
        match self {
            Self::Department(_, department) => department.slots.len() + 1,
            Self::Ward(ward) => ward.rows().count() * 2 + 1,
        }
    }

    /// `2026-11-28_01_循環器内科`, `2026-11-28_ward_5E_5階東`: what its file or folder is called.
    #[must_use]
    pub fn file_name(&self, day: Date) -> String {
        let clean = |text: &str| -> String {
            let letters = text.chars().take(40);
            letters.map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
        };
        let ward = match self {
            Self::Department(..) => "",
            Self::Ward(_) => "ward_",
        };
        format!(
            "{}_{ward}{}_{}",
            chart::date::iso(day),
            clean(self.code()),
            clean(self.label())
        )
    }

    /// Charts that must be open before the first sheet: those of a ward, whose list shows something of each.
    #[must_use]
    pub fn open<'a>(&'a self, opened: &Opened, day: Date, damaged: &mut Vec<(String, OpenFault)>) -> Vec<OpenBed<'a>> {
        match self {
            Self::Department(..) => Vec::new(),
            Self::Ward(ward) => open_ward(opened, ward, day, damaged),
        }
    }

    /// Its sheets in their order.
    pub fn sheets<'a>(
        &'a self,
        opened: &'a Opened,
        beds: &'a [OpenBed<'a>],
        day: Date,
        issue: &'a Issue,
        damaged: &'a mut Vec<(String, OpenFault)>,
    ) -> Box<dyn Iterator<Item = Sheet> + Send + 'a> {
        match self {
            Self::Department(number, department) => {
                Box::new(pack_sheets(opened, department, *number, day, issue, damaged))
            }
            Self::Ward(ward) => Box::new(ward_sheets(opened, ward, beds, day, issue)),
        }
    }
}

/// The batches that are wanted.
///
/// # Errors
/// When there is none: the words say which were looked for.
pub fn wanted(opened: &Opened, day: Date, only: Only<'_>) -> Result<Vec<Batch>, Nobody> {
    let everything = only.department.is_none() && only.ward.is_none();
    let mut batches = Vec::new();
    if everything || only.department.is_some() {
        let all = departments(opened, day).into_iter().enumerate();
        let chosen = all.filter(|(_, d)| only.department.is_none_or(|code| d.department.code == code));
        batches.extend(chosen.map(|(number, department)| Batch::Department(number, department)));
    }
    if everything || only.ward.is_some() {
        let index = opened.index();
        let chosen = wards(index).into_iter().map(Batch::Ward);
        batches.extend(chosen.filter(|ward| only.ward.is_none_or(|wanted| ward.key() == wanted)));
        if only.ward.is_some() && index.bed_list() == BedList::NotAsked {
            return Err(Nobody(
                "封印済みデータに入院患者がありません。対応表に kind = \"stay\" のファイルを書いてください（docs/operating/ward.md）"
                    .to_owned(),
            ));
        }
    }
    if batches.is_empty() {
        let what = match (only.department, only.ward) {
            (_, Some(ward)) => format!("病棟 {ward}"),
            (Some(department), None) => format!("{} に予約のある診療科 {department}", chart::date::iso(day)),
            (None, None) => format!("{} に予約のある診療科も、入院患者のいる病棟も", chart::date::iso(day)),
        };
        return Err(Nobody(format!("{what} が見つかりません")));
    }
    Ok(batches)
}
