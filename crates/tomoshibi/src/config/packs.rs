//! `[packs]`: which print packs are made by themselves after a sealing, and where they are printed.

use anyhow::{Context, Result, bail, ensure};
use downtime::packs::Kind;
use downtime::printing::Printer;
use serde::Deserialize;

/// `[packs]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packs {
    /// Whether they are made at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Codes of the departments; left out, every one that has appointments.
    #[serde(default)]
    pub departments: Option<Vec<String>>,
    /// Codes of the wards; left out, every one.
    #[serde(default)]
    pub wards: Option<Vec<String>>,
    /// Pages that a printer prints in a minute; `forms.pages_per_minute` when left out.
    #[serde(default)]
    pub pages_per_minute: Option<u16>,
    /// `[[packs.printer]]`
    #[serde(default)]
    pub printer: Vec<Route>,
}

/// The printers of one department or ward.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Code of the department.
    #[serde(default)]
    pub department: Option<String>,
    /// Code of the ward.
    #[serde(default)]
    pub ward: Option<String>,
    /// Printers of the list; several share the pack, in this order.
    pub names: Vec<String>,
}

/// Most routes, and most codes of a list.
const MOST: usize = 500;
/// Most printers that share a pack.
const MOST_SHARE: usize = 8;

impl Default for Packs {
    fn default() -> Self {
        Self {
            enabled: yes(),
            departments: None,
            wards: None,
            pages_per_minute: None,
            printer: Vec::new(),
        }
    }
}

const fn yes() -> bool {
    true
}

impl Packs {
    /// Whether a pack is made by itself.
    #[must_use]
    pub fn wants(&self, kind: Kind, code: &str) -> bool {
        let listed = match kind {
            Kind::Department => &self.departments,
            Kind::Ward => &self.wards,
        };
        self.enabled && listed.as_ref().is_none_or(|codes| codes.iter().any(|one| one == code))
    }

    /// The printers of a department or ward.
    #[must_use]
    pub fn printers(&self, kind: Kind, code: &str) -> Vec<String> {
        let mine = |route: &&Route| match kind {
            Kind::Department => route.department.as_deref() == Some(code),
            Kind::Ward => route.ward.as_deref() == Some(code),
        };
        let route = self.printer.iter().find(mine);
        route.map_or_else(Vec::new, |route| {
            route.names.iter().map(|name| name.trim().to_owned()).collect()
        })
    }

    /// Whether what is written can be meant.
    ///
    /// # Errors
    /// Which place is wrong, and how.
    pub fn check(&self, listed: &[Printer]) -> Result<()> {
        if let Some(pages) = self.pages_per_minute {
            ensure!((1..=1000).contains(&pages), "packs.pages_per_minute は 1–1000 です");
        }
        for codes in [&self.departments, &self.wards].into_iter().flatten() {
            ensure!(codes.len() <= MOST, "[packs] の科・病棟は {MOST} までです");
            ensure!(
                codes.iter().all(|code| !code.trim().is_empty()),
                "[packs] の科・病棟に空のコードがあります"
            );
        }
        ensure!(self.printer.len() <= MOST, "[[packs.printer]] は {MOST} までです");
        let mut seen = Vec::new();
        for (place, route) in self.printer.iter().enumerate() {
            let at = || format!("[[packs.printer]] {} 番目", place + 1);
            let whose = match (&route.department, &route.ward) {
                (Some(code), None) => (Kind::Department, code),
                (None, Some(code)) => (Kind::Ward, code),
                _ => bail!("{}: department か ward のどちらか1つを書きます", at()),
            };
            ensure!(!seen.contains(&whose), "{}: {} が2回あります", at(), whose.1);
            seen.push(whose);
            ensure!(
                (1..=MOST_SHARE).contains(&route.names.len()),
                "{}: names は 1–{MOST_SHARE} 台です",
                at()
            );
            for (n, name) in route.names.iter().enumerate() {
                let known = listed.iter().find(|printer| printer.name == name.trim());
                let known =
                    known.with_context(|| format!("{}: プリンタ「{name}」は [[printer]] にありません", at()))?;
                ensure!(
                    known.holds(downtime::printing::Paper::A4),
                    "{}: プリンタ「{name}」に A4 がありません（trays）",
                    at()
                );
                ensure!(
                    !route.names.iter().take(n).any(|other| other.trim() == name.trim()),
                    "{}: プリンタ「{name}」が2回あります",
                    at()
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Vec<Printer> {
        let printer = |name: &str, paper| Printer {
            name: name.into(),
            uri: "ipp://p/ipp/print".into(),
            place: String::new(),
            trays: [(paper, String::new())].into(),
            stations: Vec::new(),
        };
        vec![
            printer("1階", downtime::printing::Paper::A4),
            printer("2階", downtime::printing::Paper::A4),
            printer("窓口", downtime::printing::Paper::A5),
        ]
    }

    fn read(text: &str) -> Result<Packs> {
        let packs: Packs = toml::from_str(text)?;
        packs.check(&listed())?;
        Ok(packs)
    }

    #[test]
    fn packs_as_the_manual_writes_them() {
        let text = "departments = [\"01\"]\n[[printer]]\ndepartment = \"01\"\nnames = [\"1階\", \"2階\"]\n[[printer]]\nward = \"01\"\nnames = [\"2階\"]\n";
        let packs = read(text).unwrap();
        assert!(packs.wants(Kind::Department, "01") && !packs.wants(Kind::Department, "02"));
        assert!(packs.wants(Kind::Ward, "5E"), "left out: every ward");
        assert_eq!(packs.printers(Kind::Department, "01"), ["1階", "2階"]);
        assert_eq!(packs.printers(Kind::Ward, "01"), ["2階"]);
        assert!(packs.printers(Kind::Ward, "5E").is_empty());
        assert!(read("").unwrap().enabled);
        assert!(!read("enabled = false").unwrap().wants(Kind::Ward, "5E"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_its_place() {
        for (text, says) in [
            ("blanks = 3", "blanks"),
            ("pages_per_minute = 0", "1–1000"),
            ("departments = [\"\"]", "空のコード"),
            ("[[printer]]\nnames = [\"1階\"]", "どちらか1つ"),
            (
                "[[printer]]\nward = \"1\"\ndepartment = \"1\"\nnames = [\"1階\"]",
                "どちらか1つ",
            ),
            ("[[printer]]\nward = \"1\"\nnames = []", "1–8"),
            ("[[printer]]\nward = \"1\"\nnames = [\"3階\"]", "3階"),
            ("[[printer]]\nward = \"1\"\nnames = [\"窓口\"]", "A4"),
            ("[[printer]]\nward = \"1\"\nnames = [\"1階\", \"1階\"]", "2回"),
            (
                "[[printer]]\nward = \"1\"\nnames = [\"1階\"]\n[[printer]]\nward = \"1\"\nnames = [\"2階\"]",
                "2回",
            ),
        ] {
            let fault = format!("{:#}", read(text).unwrap_err());
            assert!(fault.contains(says), "{text}: {fault}");
        }
    }
}
