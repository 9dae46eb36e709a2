//! `[forms.symbols]` and `[forms.notebook-symbols]`: how large QR symbols of prescriptions and medicine notebooks are, and how many.
//!
//! Which size is read well depends on the reader at the pharmacy's desk; nothing here changes what the symbols say.

use anyhow::{Result, bail};
use desk::{Layout, Level, SymbolSize, Symbols};
use serde::Deserialize;

/// Versions that may be configured: below 5 not even one drug fits sixteen symbols, above 40 there is none.
const VERSIONS: std::ops::RangeInclusive<u8> = 5..=40;
/// Symbols of one paper: structured append knows no more than sixteen.
const MOST: std::ops::RangeInclusive<usize> = 1..=16;
/// Sides of a module in millimetres: three dots at 300 dpi, and what the widest symbol leaves of an A5 sheet.
const MODULES: std::ops::RangeInclusive<f64> = 0.25..=0.6;
/// Widest printable line of an A5 sheet, in millimetres.
const WIDTH_MM: f64 = 125.0;
/// Bytes that every hospital's symbols must hold: a prescription of five lines has 500 to 900.
const LEAST_BYTES: usize = 1_200;

/// One table; what is left out is as without the table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SymbolTable {
    /// Largest version.
    pub version: Option<u8>,
    /// Error correction: `L`, `M`, `Q` or `H`.
    pub level: Option<String>,
    /// Side of a module in millimetres.
    pub module_mm: Option<f64>,
    /// Most symbols of one paper.
    pub most: Option<usize>,
}

impl SymbolTable {
    /// The settings over the usual ones.
    ///
    /// # Errors
    /// Which key is out of its bounds, or that the symbols would not hold an ordinary prescription.
    pub fn over(&self, table: &str, usual: SymbolSize) -> Result<SymbolSize> {
        let version = self.version.unwrap_or(usual.layout.version);
        if !VERSIONS.contains(&version) {
            bail!(
                "{table} version は {}–{} です: {version}",
                VERSIONS.start(),
                VERSIONS.end()
            );
        }
        let level = match self.level.as_deref() {
            None => usual.layout.level,
            Some("L") => Level::L,
            Some("M") => Level::M,
            Some("Q") => Level::Q,
            Some("H") => Level::H,
            Some(other) => bail!("{table} level は L、M、Q、H のどれかです: {other}"),
        };
        let most = self.most.unwrap_or(usual.most);
        if !MOST.contains(&most) {
            bail!("{table} most は {}–{} です: {most}", MOST.start(), MOST.end());
        }
        if let Some(module) = self.module_mm {
            let side = f64::from(17 + 4 * u16::from(version) + 8) * module;
            if !MODULES.contains(&module) || side > WIDTH_MM {
                bail!(
                    "{table} module_mm は {}–{}、シンボルの幅は {WIDTH_MM} mm までです: {module}（型番{version}で幅 {side:.0} mm）",
                    MODULES.start(),
                    MODULES.end()
                );
            }
        }
        let size = SymbolSize {
            layout: Layout { version, level },
            most,
            module_mm: self.module_mm,
        };
        let holds = size.bytes();
        if holds < LEAST_BYTES {
            bail!(
                "{table} 型番{version}・{level:?}・{most}個では {holds} バイトしか入りません。ふつうの処方箋（{LEAST_BYTES} バイトまで）が入るように version か most を大きくしてください"
            );
        }
        Ok(size)
    }
}

/// Both tables.
///
/// # Errors
/// As [`SymbolTable::over`].
pub fn both(rx: &SymbolTable, notebook: &SymbolTable) -> Result<Symbols> {
    let usual = Symbols::default();
    Ok(Symbols {
        rx: rx.over("[forms.symbols]", usual.rx)?,
        notebook: notebook.over("[forms.notebook-symbols]", usual.notebook)?,
    })
}

/// In words, for `tomoshibi doctor`.
#[must_use]
pub fn words(size: SymbolSize) -> String {
    let module = size.module_mm.map_or_else(
        || "モジュールは用紙まかせ".to_owned(),
        |mm| format!("モジュール {mm} mm"),
    );
    format!(
        "型番{}・{:?}・{module}・{}個まで（{} バイトまで）",
        size.layout.version,
        size.layout.level,
        size.most,
        size.bytes()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<SymbolSize> {
        let table: SymbolTable = toml::from_str(text)?;
        table.over("[forms.symbols]", Symbols::default().rx)
    }

    #[test]
    fn nothing_configured_is_what_it_was() {
        assert_eq!(read("").unwrap(), Symbols::default().rx);
        let size = read("version = 20\nlevel = \"Q\"\nmodule_mm = 0.4\nmost = 4").unwrap();
        assert_eq!((size.layout.version, size.layout.level, size.most), (20, Level::Q, 4));
        assert!(words(size).contains("型番20・Q・モジュール 0.4 mm・4個まで"));
    }

    #[test]
    fn what_cannot_work_is_refused_with_its_key() {
        for (text, said) in [
            ("version = 4", "version は 5–40"),
            ("version = 41", "version は 5–40"),
            ("level = \"X\"", "level は"),
            ("module_mm = 0.1", "module_mm は"),
            ("version = 40\nmodule_mm = 0.69", "module_mm は"),
            ("most = 17", "most は 1–16"),
            ("version = 5\nmost = 2", "しか入りません"),
            ("side = 3", "side"),
        ] {
            let fault = format!("{:#}", read(text).unwrap_err());
            assert!(fault.contains(said), "{text}: {fault}");
        }
    }
}
