//! A pile of returned paper: printed, scanned badly, and every page must find its own sheet. A page that is not read waits for a
//! person; a page that goes to another sheet is never acceptable.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chart::SheetCode;
use scan::{Finding, Picture};

use crate::distort::{Dice, faded, jpeg, noisy, one_bit, punched, skewed, stained, torn, turned};
use crate::paper::{TWO_CODES, by_poppler, by_scan, code, press, sheet};

/// Pages of the suite's pile.
const USUAL: u64 = 320;

/// Sheets that are printed, as often as their forms come back; each comes back several times, damaged differently.
const SHEETS: [&str; 14] = [
    "F02", "F01", "F06", "F02", "F14", "F01", "F02", "F13", "F06", "F02", "F14", "F01", "F27", "F28",
];

/// Under torture, one page for so many of its images: a page costs as much.
const IMAGES_A_PAGE: u64 = 200;

struct Printed {
    page: Picture,
    dpi: f64,
    code: SheetCode,
}

/// Every page of every printed sheet at 150, 200 and 300 dpi.
fn printed() -> Vec<Printed> {
    let mut out = Vec::new();
    for (n, form) in (0_u32..).zip(SHEETS) {
        let sheet = sheet(form, n + 1);
        let pdf = press().sheet(&sheet).unwrap();
        let mut add = |pages: Vec<Picture>, dpi: f64| {
            assert_eq!(pages.len(), pdf.pages);
            for (at, page) in pages.into_iter().enumerate() {
                let code = code(&sheet, at + 1, pdf.pages);
                out.push(Printed { page, dpi, code });
            }
        };
        match n % 3 {
            0 => add(by_poppler(&pdf.bytes, 150), 150.0),
            1 => add(by_scan(pdf.bytes.clone()), 200.0),
            _ => add(by_poppler(&pdf.bytes, 300), 300.0),
        }
    }
    out
}

/// One way in which a page comes back, with its name.
fn damaged(printed: &Printed, dice: &mut Dice) -> (String, Picture) {
    let mut done = vec![format!("{} dpi", printed.dpi)];
    let mut page = printed.page.clone();
    let two = TWO_CODES.contains(&printed.code.form.as_str());
    if dice.chance(40) {
        page = punched(&page, printed.dpi);
        done.push("punched".into());
    }
    if dice.chance(30) {
        let corner = dice.below(4);
        page = stained(&page, corner, printed.dpi);
        done.push(format!("cup on corner {corner}"));
    } else if two && dice.chance(15) {
        let corner = dice.below(4);
        page = torn(&page, corner, printed.dpi);
        done.push(format!("corner {corner} torn"));
    }
    if dice.chance(70) {
        let degrees = dice.between(-5.0, 5.0);
        page = skewed(&page, degrees, if dice.chance(20) { 30 } else { 255 });
        done.push(format!("{degrees:.1}°"));
    }
    let turns = dice.below(4);
    page = turned(&page, turns);
    done.push(format!("turned {}°", turns * 90));
    if dice.chance(30) {
        page = faded(&page, dice.between(0.0, 90.0), dice.between(190.0, 255.0));
        done.push("faded".into());
    }
    if dice.chance(40) {
        page = page.smoothed();
        done.push("blurred".into());
    }
    if dice.chance(60) {
        page = noisy(&page, dice.between(5.0, 40.0), dice.between(0.0, 0.003), dice);
        done.push("noisy".into());
    }
    match dice.below(3) {
        0 => {
            let threshold = dice.between(100.0, 150.0) as u8;
            page = one_bit(&page, threshold);
            done.push(format!("1 bit at {threshold}"));
        }
        1 => {
            page = by_scan(jpeg(&page, 40)).remove(0);
            done.push("JPEG 40".into());
        }
        _ => {}
    }
    (done.join(", "), page)
}

#[derive(Default)]
struct Tally {
    filed: u64,
    waiting: Vec<String>,
    misfiled: Vec<String>,
    by_form: BTreeMap<String, (u64, u64)>,
}

#[test]
fn degraded_pages_of_printed_forms_are_filed_and_never_misfiled() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let asked = number("TORTURE_IMAGES").map(|images| (images / IMAGES_A_PAGE).max(1));
    let until = number("TORTURE_SECONDS").filter(|seconds| *seconds > 0);
    let until = until.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let wanted = if until.is_some() {
        u64::MAX
    } else {
        asked.unwrap_or(USUAL)
    };
    let first = number("TORTURE_SEED").unwrap_or(0);
    let (printed, next, tally) = (printed(), AtomicUsize::new(0), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed) as u64;
                    if n >= wanted || until.is_some_and(|until| Instant::now() >= until) {
                        break;
                    }
                    let seed = first + n;
                    let one = &printed[seed as usize % printed.len()];
                    let (how, page) = damaged(one, &mut Dice::new(seed));
                    let found = scan::read(&page);
                    let mut tally = tally.lock().unwrap();
                    let words = format!("seed {seed} {} page {}: {how}", one.code.form, one.code.page);
                    let form = tally.by_form.entry(one.code.form.clone()).or_default();
                    form.1 += 1;
                    match found {
                        Finding::Sheet { code, .. } if code == one.code => {
                            form.0 += 1;
                            tally.filed += 1;
                        }
                        Finding::Sheet { code, .. } => tally.misfiled.push(format!("{words} → {code:?}")),
                        other => tally.waiting.push(format!("{words} → {other:?}")),
                    }
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let read = tally.by_form.values().map(|(_, all)| all).sum::<u64>();
    println!(
        "torture: pile: {read} pages: {} filed, {} wait for a person, {} misfiled; filed and all by form {:?}",
        tally.filed,
        tally.waiting.len(),
        tally.misfiled.len(),
        tally.by_form
    );
    tally
        .waiting
        .iter()
        .for_each(|words| println!("torture: waits: {words}"));
    assert_eq!(tally.misfiled, Vec::<String>::new());
    // Of a single page (a seed tried again) no hundredth can be asked.
    assert!(
        read < 100 || tally.filed * 100 >= read * 99,
        "{} of {read}",
        tally.filed
    );
}
