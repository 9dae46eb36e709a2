//! QR symbols of the JAHIS formats as this hospital configured them: how large, how many, and drawn only after they were read back.
//!
//! What the symbols say is not decided here.

use downtime::forms::DrawnSymbol;
use jahis::symbols::MAX_SYMBOLS;
use jahis::{Layout, Level, Symbol};

/// Symbols of both kinds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Symbols {
    /// 院外処方箋２次元シンボル
    pub rx: SymbolSize,
    /// 電子版お薬手帳
    pub notebook: SymbolSize,
}

/// How symbols of one kind are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SymbolSize {
    /// Largest version and error correction.
    pub layout: Layout,
    /// Most symbols of one paper; more are refused, because nobody reads them all.
    pub most: usize,
    /// Side of a module in millimetres; `None` leaves it to the form.
    pub module_mm: Option<f64>,
}

impl SymbolSize {
    /// Bytes that the symbols of one paper hold together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let one = jahis::symbols::capacity(self.layout.version, self.layout.level, self.most > 1);
        one.unwrap_or(0).saturating_mul(self.most)
    }
}

impl Default for Symbols {
    /// Version 12 for prescriptions, as their readers are used to; 20 for notebooks, which telephones read and whose parts repeat their beginning. Level M.
    fn default() -> Self {
        let size = |version| SymbolSize {
            layout: Layout {
                version,
                level: Level::M,
            },
            most: MAX_SYMBOLS,
            module_mm: None,
        };
        Self {
            rx: size(Layout::default().version),
            notebook: size(20),
        }
    }
}

/// Draws files, each read back and compared before it is given; symbols of one file that does not fit one belong together.
///
/// # Errors
/// More symbols than configured, or one that does not read as what was meant; in words for people.
pub fn drawn(files: &[Vec<u8>], size: SymbolSize) -> Result<Vec<DrawnSymbol>, String> {
    let layout = size.layout;
    let mut parts = Vec::new();
    for file in files {
        parts.push((file, jahis::split(file, layout).map_err(|fault| fault.to_string())?));
    }
    let count: usize = parts.iter().map(|(_, parts)| parts.len()).sum();
    if count > size.most {
        return Err(format!(
            "QRコードが{count}個になります（設定の上限は{}個、型番{}）。QRコードなしで印刷します。設定 [forms.symbols] の version か most を大きくしてください。",
            size.most, layout.version
        ));
    }
    let mut all = Vec::new();
    for (file, parts) in parts {
        let symbols = jahis::draw(&parts, layout).map_err(|fault| fault.to_string())?;
        jahis::self_test(&symbols, file).map_err(|fault| fault.to_string())?;
        all.extend(symbols.iter().map(|symbol| DrawnSymbol {
            rows: rows(symbol),
            module_mm: size.module_mm,
        }));
    }
    Ok(all)
}

fn rows(symbol: &Symbol) -> Vec<String> {
    let lines = symbol.modules.chunks(symbol.side.max(1));
    lines
        .map(|line| line.iter().map(|ink| if *ink { '1' } else { '0' }).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_symbols_than_configured_are_refused_and_say_which_setting() {
        let mut size = Symbols::default().rx;
        assert_eq!(drawn(&[vec![b'a'; 600]], size).unwrap().len(), 3);
        size.most = 2;
        let said = drawn(&[vec![b'a'; 600]], size).unwrap_err();
        assert!(said.contains("3個") && said.contains("forms.symbols"), "{said}");
        size.layout.version = 20;
        assert_eq!(drawn(&[vec![b'a'; 600]], size).unwrap().len(), 1);
    }
}
