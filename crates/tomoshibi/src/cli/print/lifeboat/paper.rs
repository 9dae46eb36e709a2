//! F31 合言葉の紙: the passphrases of the lifeboats, one page for each file, for whoever does not copy twenty signs by hand.
//!
//! A secret in the clear, like badges and envelopes: the caller prints it at once and destroys the file. It is never kept here.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use downtime::audit::Deed;
use downtime::papers::{BoatPaper, passphrase};
use press::Press;

use super::{Contents, Made};
use crate::cli::person::Entered;
use crate::cli::user::office;
use crate::config::Config;
use crate::home::Home;
use crate::{serving, trail};

/// Opens the press, and looks whether the file can be written, before any passphrase exists.
pub(super) fn ready(config: &Config, path: &Path) -> Result<Arc<Press>> {
    anyhow::ensure!(
        !path.exists(),
        "{} はもうあります。何も作っていません。別の名前にしてください",
        path.display()
    );
    serving::press(config)
}

/// Prints them all into one PDF.
pub(super) fn print(
    press: &Press,
    config: &Config,
    home: &Home,
    entered: &Entered,
    path: &Path,
    made: &[Made],
    list: &Contents,
) -> Result<()> {
    let mut sighting = entered.acting.sighting(home, Deed::Printed);
    sighting.count = u32::try_from(made.len()).unwrap_or(u32::MAX);
    "F31 ライフボートの合言葉".clone_into(&mut sighting.detail);
    trail::write(home, vec![sighting])?;
    let typed: Vec<_> = made.iter().map(|one| one.passphrase.to_typed()).collect();
    let pages = (0_u32..).zip(made.iter().zip(&typed));
    let sheets = pages.map(|(nth, (one, typed))| {
        let paper = BoatPaper {
            label: &one.department,
            day: &list.day,
            people: one.people,
            file: &one.listed.name,
            sha256: &one.listed.sha256,
            typed,
        };
        passphrase(&paper, &office(config, home, nth))
    });
    let mut pdf = Vec::new();
    let report = press.pack(sheets, |_| {}, &mut pdf)?;
    anyhow::ensure!(
        report.spoiled.is_empty(),
        "合言葉の紙を作れませんでした。合言葉は上に出したものだけです。書き写してください"
    );
    crate::secrets::write(path, &pdf)?;
    say!(
        "合言葉の紙 {} を作りました。すぐに印刷し、ファイルを消してください（これがあれば全部の控えが開きます）",
        path.display()
    );
    Ok(())
}
