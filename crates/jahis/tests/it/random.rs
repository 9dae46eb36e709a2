//! Thousands of random prescriptions: written, read by the independent reader, written again; hundreds drawn and decoded.

use std::cell::Cell;

use chart::rx::{Dose, RxSheet, Usage};
use jahis::script::Class;
use jahis::{Layout, Level, Script, Symbol, compose, draw, proof, read, self_test, split, symbols, write};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::shapes::any_sheet;

/// Images of a torture that one prescription stands for: a million are ten thousand prescriptions.
const IMAGES_A_CASE: u64 = 100;

fn runner(cases: u32) -> TestRunner {
    seeded(cases, [0; 32])
}

fn seeded(cases: u32, seed: [u8; 32]) -> TestRunner {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(
        config,
        proptest::test_runner::TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &seed),
    )
}

/// What is handed over of each drug, in thousandths: from the prescription …
fn meant(sheet: &RxSheet) -> Vec<u64> {
    sheet
        .rx
        .drugs()
        .map(|(_, rp, drug)| match (&drug.dose, &rp.usage) {
            (Dose::Each(each), Usage::Oral(oral)) => each.milli * u64::from(oral.timing.times()) * u64::from(oral.days),
            (Dose::Divided(day), Usage::Oral(oral)) => day.milli * u64::from(oral.days),
            (Dose::Uneven(all), Usage::Oral(oral)) => all.iter().map(|q| q.milli).sum::<u64>() * u64::from(oral.days),
            (Dose::PerUse(each), Usage::AsNeeded { times, .. }) => each.milli * u64::from(*times),
            (Dose::Total(total), _) => total.milli,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// … and from the symbol, by the rule of its table: amount × quantity, whatever the class.
fn said(script: &Script) -> Vec<u64> {
    let of = |rp: &jahis::script::ScriptRp| {
        let quantity = u64::from(rp.quantity);
        assert!(matches!(rp.class, Class::Oral | Class::AsNeeded) || quantity == 1);
        rp.drugs
            .iter()
            .map(|drug| drug.amount.e5() / 100 * quantity)
            .collect::<Vec<_>>()
    };
    script.rps.iter().flat_map(of).collect()
}

#[test]
fn ten_thousand_prescriptions_come_back() {
    let longest = Cell::new(0);
    runner(10_000)
        .run(&any_sheet(), |sheet| {
            let composed = compose(&sheet);
            prop_assert!(composed.is_ok(), "{:?}", composed);
            let (script, _) = composed.unwrap();
            let bytes = write(&script).unwrap();
            longest.set(longest.get().max(bytes.len()));
            let reading = read(&bytes).unwrap();
            prop_assert_eq!(&reading.findings, &[]);
            prop_assert_eq!(&reading.script, &script);
            prop_assert_eq!(write(&reading.script).unwrap(), bytes);
            prop_assert_eq!(said(&reading.script), meant(&sheet));
            Ok(())
        })
        .unwrap();
    assert!(longest.get() > 2_000, "{longest:?}");
}

/// 300 in the suite, 10,000 and more under `cargo xtask torture --only prescriptions`.
#[test]
#[allow(clippy::disallowed_methods, reason = "the TORTURE… variables are read here")]
fn prescriptions_are_drawn_decoded_and_compared() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let cases = number("TORTURE_IMAGES").map_or(300, |images| {
        u32::try_from(images / IMAGES_A_CASE).unwrap_or(u32::MAX).max(1)
    });
    let mut seed = [0; 32];
    seed.iter_mut()
        .zip(number("TORTURE_SEED").unwrap_or(0).to_le_bytes())
        .for_each(|(to, from)| *to = from);

    let layouts = prop::sample::select(vec![(12, Level::M), (15, Level::M), (20, Level::L), (25, Level::Q)]);
    let seen = Cell::new(0);
    seeded(cases, seed)
        .run(&(any_sheet(), layouts), |(sheet, (version, level))| {
            let bytes = write(&compose(&sheet).unwrap().0).unwrap();
            let layout = Layout { version, level };
            let Ok(parts) = split(&bytes, layout) else {
                prop_assert!(bytes.len() > 16 * symbols::capacity(version, level, true).unwrap());
                return Ok(());
            };
            let symbols = draw(&parts, layout).unwrap();
            seen.set(seen.get() + symbols.len());
            prop_assert_eq!(self_test(&symbols, &bytes), Ok(()));
            Ok(())
        })
        .unwrap();
    assert!(
        seen.get() > 2 * usize::try_from(cases).unwrap() - 1,
        "{seen:?} of {cases}"
    );
}

/// A second decoder, which finds the symbols in one picture and joins them by itself.
#[test]
fn zbar_reads_and_joins_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("row.pgm");
    runner(12)
        .run(&any_sheet(), |sheet| {
            let bytes = write(&compose(&sheet).unwrap().0).unwrap();
            let layout = Layout {
                version: 15,
                level: Level::M,
            };
            let symbols = draw(&split(&bytes, layout).unwrap(), layout).unwrap();
            std::fs::write(&path, row(&symbols)).unwrap();
            let run = std::process::Command::new("zbarimg")
                .args([
                    "--quiet",
                    "--raw",
                    "--oneshot",
                    "-Sdisable",
                    "-Sqrcode.enable",
                    "-Sbinary",
                ])
                .arg(&path)
                .output()
                .unwrap();
            prop_assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            prop_assert_eq!(&run.stdout, &bytes, "{} symbols", symbols.len());
            Ok(())
        })
        .unwrap();
}

/// Symbols side by side as a PGM picture.
fn row(symbols: &[Symbol]) -> Vec<u8> {
    let pictures: Vec<proof::Raster> = symbols.iter().map(proof::raster).collect();
    let side = pictures[0].side;
    let mut pgm = format!("P5\n{} {side}\n255\n", side * pictures.len()).into_bytes();
    for y in 0..side {
        for picture in &pictures {
            pgm.extend(&picture.pixels[y * side..(y + 1) * side]);
        }
    }
    pgm
}
