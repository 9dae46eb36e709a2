//! The page with the authority's fingerprint, to be printed and compared with what a browser or iPad shows before it is trusted.

use anyhow::{Context, Result};
use chart::Moment;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::authority::Scope;

/// What stands on it.
pub struct About<'a> {
    /// Name of the hospital.
    pub hospital: &'a str,
    /// SHA-256 with colons.
    pub fingerprint: &'a str,
    /// When it ends.
    pub until: Option<Moment>,
    /// Names of the hub.
    pub names: &'a [String],
    /// What it may vouch for.
    pub scope: Option<&'a Scope>,
    /// When the page was made.
    pub now: Moment,
}

/// One self-contained page, A4.
///
/// # Errors
/// When the code does not fit, which it does.
pub fn page(about: &About<'_>) -> Result<String> {
    let escape = crate::cli::icon::escape;
    let groups: Vec<&str> = about.fingerprint.split(':').collect();
    let lines: Vec<String> = groups.chunks(8).map(|line| line.join(" ")).collect();
    let code = symbol(&format!("SHA-256 {}", about.fingerprint))?;
    Ok(format!(
        include_str!("paper.html"),
        hospital = escape(about.hospital),
        fingerprint = lines.join("<br>"),
        until = about.until.map_or_else(|| "－".to_owned(), Moment::text),
        names = escape(&about.names.join("、")),
        scope = about.scope.map(|scope| escape(&scope.to_string())).unwrap_or_default(),
        now = about.now.text(),
        code = code,
    ))
}

fn symbol(text: &str) -> Result<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)
        .ok()
        .context("QRコードを作れません")?;
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{x} {y}h1v1h-1z"));
        }
    }
    Ok(format!(
        "<svg role=\"img\" aria-label=\"QR\" viewBox=\"-4 -4 {0} {0}\" shape-rendering=\"crispEdges\"><rect x=\"-4\" y=\"-4\" width=\"{0}\" height=\"{0}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>",
        size + 8
    ))
}
