//! A department's morning in one PDF.

use chart::Sheet;
use press::{Pdf, Progress};

use crate::paper::{press, sample, tool, words};

/// The list, then five patients' charts, the third of which cannot be laid out.
fn morning() -> Vec<Sheet> {
    let charts = (1..=5).map(|number| {
        let mut sheet = sample("F02");
        let strip = sheet.strip.as_mut().unwrap();
        (strip.id, strip.id_code) = (format!("0012 000{number}"), format!("0012000{number}"));
        if number == 3 {
            sheet.body["drugs"] = "not a panel".into();
        }
        sheet
    });
    std::iter::once(sample("F13")).chain(charts).collect()
}

#[test]
fn sheets_stand_in_order_numbered_one_by_one_and_a_spoiled_one_says_so() {
    let (mut bytes, mut seen) = (Vec::new(), Vec::new());
    let report = press()
        .pack(morning(), |progress: Progress| seen.push(progress), &mut bytes)
        .unwrap();
    let pages = |sheet: &Sheet| press().sheet(sheet).map_or(1, |pdf| pdf.pages);
    let expected: Vec<usize> = morning().iter().map(pages).collect();
    assert_eq!(
        report.printed,
        Progress {
            sheets: 6,
            pages: expected.iter().sum()
        }
    );
    assert_eq!(report.bytes, bytes.len());
    assert_eq!(seen.len(), 6);
    assert_eq!(seen.last(), Some(&report.printed));
    let spoiled = &report.spoiled;
    assert_eq!(
        (
            spoiled.len(),
            spoiled[0].index,
            spoiled[0].patient.as_str(),
            spoiled[0].placeholder
        ),
        (1, 3, "0012 0003", true)
    );
    let pdf = Pdf {
        bytes,
        pages: report.printed.pages,
        instead: None,
        warning: None,
    };
    let mut page = 0;
    for (number, pages) in expected.into_iter().enumerate() {
        for n in 1..=pages {
            page += 1;
            let text = words(&pdf, page);
            assert!(text.contains(&format!("{n}/{pages}")), "page {page}: {text}");
            if number > 0 {
                assert!(text.contains(&format!("0012000{number}")), "page {page}: {text}");
            }
            assert_eq!(text.contains("この用紙は印刷できませんでした"), number == 3);
        }
    }
}

#[test]
fn each_font_is_embedded_once() {
    let charts: Vec<Sheet> = morning().into_iter().skip(4).collect();
    let mut bytes = Vec::new();
    let report = press().pack(charts, |_| (), &mut bytes).unwrap();
    let pdf = Pdf {
        bytes,
        pages: report.printed.pages,
        instead: None,
        warning: None,
    };
    let fonts = String::from_utf8(tool(&pdf, "poppler-utils", &["pdffonts", "{}"])).unwrap();
    let mut names: Vec<&str> = fonts
        .lines()
        .skip(2)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{fonts}");
    assert!(all <= 4, "{fonts}");
}

#[test]
fn the_same_morning_gives_the_same_bytes_on_any_number_of_threads() {
    let charts: Vec<Sheet> = morning()
        .into_iter()
        .filter(|sheet| sheet.form == "F02")
        .take(2)
        .collect();
    let once = |threads: usize| {
        let press = press::Press::new(press::Forms::built_in().unwrap(), threads.try_into().unwrap()).unwrap();
        let mut bytes = Vec::new();
        press.pack(charts.clone(), |_| (), &mut bytes).unwrap();
        bytes
    };
    assert!(once(1) == once(3));
}

#[test]
fn a_long_pack_is_joined_from_segments_in_order() {
    // 130 pages: one more than a segment holds, so that two are joined.
    let list = |number: usize| {
        let mut sheet = sample("F13");
        sheet.body["department"] = format!("第{number}科").into();
        sheet.body["rows"] = vec![sheet.body["rows"][0].clone(); 28].into();
        sheet
    };
    let mut bytes = Vec::new();
    let report = press().pack((1..=130).map(list), |_| (), &mut bytes).unwrap();
    assert_eq!(
        report.printed,
        Progress {
            sheets: 130,
            pages: 130
        }
    );
    let pdf = Pdf {
        bytes,
        pages: 130,
        instead: None,
        warning: None,
    };
    for page in [1, 119, 120, 121, 130] {
        let text = words(&pdf, page);
        assert!(
            text.contains(&format!("第{page}科")) && text.contains("1/1"),
            "page {page}: {text}"
        );
    }
    tool(
        &pdf,
        "poppler-utils",
        &["pdftoppm", "-r", "20", "-f", "125", "-l", "125", "-singlefile", "{}"],
    );
}

#[test]
fn a_full_disk_is_an_error_and_an_empty_pack_is_not() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(
        press().pack(vec![sample("F01")], |_| (), Full),
        Err(press::PressError::Sink(_))
    ));
    let report = press().pack(Vec::new(), |_| (), Vec::new()).unwrap();
    assert_eq!((report.printed, report.bytes), (Progress::default(), 0));
}
