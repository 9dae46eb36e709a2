//! `[[printer]]`: the list of printers, which is also the list of the only places where paper ever comes out by itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use axum::http::Uri;
use downtime::printing::{Paper, Printer as Listed};
use serde::Deserialize;

use crate::printing::Trusts;
use crate::printing::tls::Trust;

/// One printer as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printer {
    /// As people say it, such as `1階受付`.
    pub name: String,
    /// `ipp://` or `http://` address, or `ipps://` or `https://` with `ca` or `pin`.
    pub uri: String,
    /// PEM file of the authority that vouches for an encrypted printer; relative paths start at the configuration file.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// SHA-256 of an encrypted printer's own certificate, in hexadecimal digits.
    #[serde(default)]
    pub pin: Option<String>,
    /// Where it stands.
    #[serde(default)]
    pub place: String,
    /// Paper size (`A4`, `A5`) and the tray it comes from (`media-source`, such as `tray-2`); `""` leaves it to the printer.
    pub trays: BTreeMap<String, String>,
    /// Codes of the stations it serves; left out, every one.
    #[serde(default)]
    pub terminals: Vec<String>,
}

/// Most printers of one station: each has a thread of its own.
const MOST: usize = 32;
/// Longest name, in characters.
const LONGEST: usize = 40;

/// Checks the list.
pub(super) fn listed(printers: &[Printer]) -> Result<Vec<Listed>> {
    ensure!(
        printers.len() <= MOST,
        "[[printer]] は {MOST} 台までです（今は {} 台）",
        printers.len()
    );
    let mut out: Vec<Listed> = Vec::new();
    for (place, printer) in printers.iter().enumerate() {
        let one = checked(printer).with_context(|| format!("[[printer]] {} 台目「{}」", place + 1, printer.name))?;
        if out.iter().any(|other| other.name == one.name) {
            bail!("[[printer]] name 「{}」が2回あります。呼び名は1台に1つです", one.name);
        }
        out.push(one);
    }
    Ok(out)
}

/// What proves who each encrypted printer is.
pub(super) fn trusts(printers: &[Printer], path: &dyn Fn(&Path) -> PathBuf) -> Result<Trusts> {
    let mut out = Trusts::new();
    for printer in printers {
        let name = printer.name.trim();
        let place = || format!("[[printer]] 「{name}」");
        let trust = match (&printer.ca, &printer.pin) {
            (Some(ca), _) => Trust::authority(&path(ca)).with_context(place)?,
            (None, Some(pin)) => Trust::pinned(pin)
                .context("pin は証明書の SHA-256（16進64桁。: で区切ってもよい）です")
                .with_context(place)?,
            (None, None) => continue,
        };
        out.insert(name.to_owned(), trust);
    }
    Ok(out)
}

fn checked(printer: &Printer) -> Result<Listed> {
    let name = printer.name.trim();
    ensure!(
        (1..=LONGEST).contains(&name.chars().count()) && !name.chars().any(char::is_control),
        "name は 1–{LONGEST} 文字です"
    );
    ensure!(
        printer.place.chars().count() <= LONGEST && !printer.place.chars().any(char::is_control),
        "place は {LONGEST} 文字までです"
    );
    let uri: Uri = printer
        .uri
        .parse()
        .with_context(|| format!("uri を読めません（例: ipp://10.0.3.11/ipp/print）: {}", printer.uri))?;
    match uri.scheme_str() {
        Some("ipp" | "http") => ensure!(
            printer.ca.is_none() && printer.pin.is_none(),
            "ca と pin は暗号化した印刷（ipps://）のためのものです。uri を ipps:// にするか、ca・pin を消してください"
        ),
        Some("ipps" | "https") => ensure!(
            printer.ca.is_some() != printer.pin.is_some(),
            "暗号化した印刷（ipps）には、ca（院内の認証局の証明書ファイル）か pin（プリンタの証明書の SHA-256）のどちらか1つが要ります"
        ),
        _ => bail!(
            "uri は ipp:// か ipps:// で始まる住所です（例: ipp://10.0.3.11/ipp/print）: {}",
            printer.uri
        ),
    }
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    ensure!(
        !authority.is_empty() && !authority.contains('@'),
        "uri には相手の名前か番号だけを書きます。パスワードは書けません: {}",
        printer.uri
    );
    let mut trays = BTreeMap::new();
    for (size, tray) in &printer.trays {
        let paper = Paper::parse(size).with_context(|| format!("trays の用紙は A4 か A5 です: {size}"))?;
        let plain = tray.len() <= 60 && tray.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        ensure!(plain, "trays のトレイの名前は英数字と - _ . です（例: tray-2）: {tray}");
        trays.insert(paper, tray.clone());
    }
    ensure!(
        !trays.is_empty(),
        "trays に用紙が1つもありません（例: trays = {{ A4 = \"\" }}）"
    );
    for code in &printer.terminals {
        ensure!(
            chart::StationCode::parse(code).is_some(),
            "terminals は端末コード（英大文字と数字の3文字）です: {code}"
        );
    }
    Ok(Listed {
        name: name.to_owned(),
        uri: printer.uri.clone(),
        place: printer.place.trim().to_owned(),
        trays,
        stations: printer.terminals.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Listed>> {
        #[derive(Deserialize)]
        struct File {
            printer: Vec<Printer>,
        }
        listed(&toml::from_str::<File>(text)?.printer)
    }

    #[test]
    fn a_printer_as_the_manual_writes_it() {
        let text = "[[printer]]\nname = \"1階受付\"\nuri = \"ipp://10.0.3.11/ipp/print\"\nplace = \"1階 総合受付\"\ntrays = { A4 = \"tray-1\", A5 = \"\" }\nterminals = [\"R03\"]\n";
        let printers = read(text).unwrap();
        assert_eq!(printers[0].name, "1階受付");
        assert_eq!(printers[0].trays[&Paper::A4], "tray-1");
        assert!(printers[0].serves("R03", Paper::A5) && !printers[0].serves("H01", Paper::A5));
    }

    #[test]
    fn what_cannot_be_a_printer_is_refused_with_its_place_in_the_list() {
        let good = "name = \"a\"\nuri = \"ipp://p/ipp/print\"\ntrays = { A4 = \"\" }\n";
        for (from, to, says) in [
            ("ipp://p/ipp/print", "ipps://p/ipp/print", "ca"),
            ("name = \"a\"", "name = \"a\"\nca = \"x.pem\"", "ipps"),
            ("ipp://p/ipp/print", "socket://p:9100", "ipp://"),
            ("ipp://p/ipp/print", "ipp://user:secret@p/ipp/print", "パスワード"),
            ("ipp://p/ipp/print", "file:///etc/passwd", "ipp://"),
            ("{ A4 = \"\" }", "{ B5 = \"\" }", "A4 か A5"),
            ("{ A4 = \"\" }", "{}", "1つもありません"),
            ("{ A4 = \"\" }", "{ A4 = \"tray 1;x\" }", "英数字"),
            ("name = \"a\"", "name = \" \"", "name"),
            ("name = \"a\"", "name = \"a\"\nterminals = [\"r3\"]", "terminals"),
        ] {
            let text = format!("[[printer]]\n{good}[[printer]]\n{}", good.replace(from, to));
            let fault = format!("{:#}", read(&text).unwrap_err());
            assert!(fault.contains(says) && fault.contains("2 台目"), "{to}: {fault}");
        }
        let twice = format!("[[printer]]\n{good}[[printer]]\n{good}");
        assert!(format!("{:#}", read(&twice).unwrap_err()).contains("2回"));
        let unknown = format!("[[printer]]\n{good}secret = 1\n");
        assert!(read(&unknown).is_err());
    }
}
