//! Names, places to live, allergens, and the patients with the hazards of the trade.

use super::diseases::Disease;
use super::places::Department;
use super::table::Rows;
use crate::SynthError;
use crate::person::Sex;

/// A family name with its reading (or a post code with its town).
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: &'static str,
    pub(crate) kana: &'static str,
}

/// A given name with its reading and the years in which it was given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) sex: Sex,
    pub(crate) years: (i16, i16),
    pub(crate) text: &'static str,
    pub(crate) kana: &'static str,
}

/// Something that people do not bear, or that must not be done to them.
#[derive(Debug, Clone)]
pub(crate) struct Allergen {
    pub(crate) code: &'static str,
    /// A contraindication, not an allergy.
    pub(crate) contraindication: bool,
    /// D drug, F food, M contrast medium, L latex, O other.
    pub(crate) class: char,
    pub(crate) text: &'static str,
    pub(crate) weight: u32,
    pub(crate) reactions: Vec<&'static str>,
    /// Drug groups that are not given then.
    pub(crate) stops: Vec<&'static str>,
    /// ICD prefixes of which one must be there; `*` = anybody.
    pub(crate) needs: Vec<&'static str>,
}

/// One patient whose particulars are laid down.
#[derive(Debug, Clone)]
pub(crate) struct HazardRow {
    pub(crate) number: u32,
    pub(crate) id: &'static str,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) family_kana: &'static str,
    pub(crate) given_kana: &'static str,
    pub(crate) former: &'static str,
    pub(crate) alias: &'static str,
    pub(crate) sex: Sex,
    /// A date, `-N` days ago, or `yN-MM-DD`: turns N on that day of the year before or of the plan.
    pub(crate) birth: &'static str,
    pub(crate) department: usize,
    pub(crate) time: &'static str,
    /// Places in the table of diseases, first those of the department, then those of a second one.
    pub(crate) diseases: [Vec<usize>; 2],
    pub(crate) second: Option<usize>,
    pub(crate) allergy: Option<&'static str>,
    pub(crate) flags: Vec<&'static str>,
    pub(crate) hazards: Vec<&'static str>,
}

impl HazardRow {
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }
}

pub(super) fn names(rows: Rows) -> Result<Vec<Name>, SynthError> {
    rows.read(|row| {
        Ok(Name {
            text: row.text(0),
            kana: row.text(1),
        })
    })
}

pub(super) fn given(rows: Rows) -> Result<Vec<Given>, SynthError> {
    rows.read(|row| {
        Ok(Given {
            sex: Sex::only(row.text(0)).ok_or_else(|| row.fault("a given name has a sex here"))?,
            years: (row.number(1)?, row.number(2)?),
            text: row.text(3),
            kana: row.text(4),
        })
    })
}

pub(super) fn allergens(rows: Rows) -> Result<Vec<Allergen>, SynthError> {
    rows.read(|row| {
        Ok(Allergen {
            code: row.text(0),
            contraindication: row.text(1) == "C",
            class: row.text(2).chars().next().unwrap_or('O'),
            text: row.text(3),
            weight: row.number(4)?,
            reactions: row.list(5, '|'),
            stops: row.list(6, ','),
            needs: row.list(7, ','),
        })
    })
}

pub(super) fn hazards(
    rows: Rows,
    departments: &[Department],
    diseases: &[Disease],
) -> Result<Vec<HazardRow>, SynthError> {
    rows.read(|row| {
        let (first, second) = row.text(12).split_once('/').unwrap_or((row.text(12), ""));
        let places = |keys: &'static str| {
            keys.split(',')
                .filter(|key| !key.is_empty())
                .map(|key| row.find(key, diseases, |d| d.key))
                .collect::<Result<Vec<_>, _>>()
        };
        let mut flags = row.list(13, ';');
        let allergy = flags.iter().find_map(|flag| flag.strip_prefix("allergy="));
        let two = flags.iter().find_map(|flag| flag.strip_prefix("two="));
        flags.retain(|flag| !flag.contains('='));
        Ok(HazardRow {
            number: row.number(0)?,
            id: row.text(1),
            family: row.text(2),
            given: row.text(3),
            family_kana: row.text(4),
            given_kana: row.text(5),
            former: row.text(6),
            alias: row.text(7),
            sex: Sex::only(row.text(8)).unwrap_or(Sex::Unknown),
            birth: row.text(9),
            department: row.find(row.text(10), departments, |d| d.code_a)?,
            time: row.text(11),
            diseases: [places(first)?, places(second)?],
            second: two.map(|code| row.find(code, departments, |d| d.code_a)).transpose()?,
            allergy,
            flags,
            hazards: row.list(14, ';'),
        })
    })
}
