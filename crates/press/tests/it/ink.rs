//! What lies on the paper besides words: ink, margins, fonts.

use crate::paper::{CODES, picture, print, sample, tool};

#[test]
fn black_only_and_nothing_in_the_margins() {
    for code in CODES {
        let sheet = sample(code);
        let pdf = print(&sheet);
        let (left, top, right, foot) = crate::paper::press()
            .forms()
            .get(code)
            .unwrap()
            .about
            .paper
            .margins_mm();
        for page in 1..=pdf.pages {
            let dpi = 127; // 5 pixels a millimetre
            let picture = picture(&pdf, page, dpi);
            let limits = (
                usize::from(left) * 5 - 3,
                usize::from(top) * 5 - 3,
                usize::from(right) * 5 - 3,
                usize::from(foot) * 5 - 3,
            );
            let mut inked = 0;
            for (at, pixel) in picture.pixels.iter().enumerate() {
                if *pixel == [255; 3] {
                    continue;
                }
                assert_eq!(*pixel, [0; 3], "{code} page {page}: ink that is not black");
                let (x, y) = (at % picture.width, at / picture.width);
                let inside =
                    x >= limits.0 && y >= limits.1 && x + limits.2 < picture.width && y + limits.3 < picture.height;
                assert!(
                    inside,
                    "{code} page {page}: ink in the margin at {x},{y} of {}x{}",
                    picture.width, picture.height
                );
                inked += 1;
            }
            assert!(inked > picture.pixels.len() / 100, "{code} page {page} is nearly white");
        }
    }
}

#[test]
fn the_only_grey_is_the_word_of_a_drill() {
    let mut sheet = sample("F01");
    sheet.drill = true;
    let greys = |sheet: &chart::Sheet| {
        picture(&print(sheet), 1, 50)
            .pixels
            .iter()
            .filter(|p| p[0] == p[1] && p[1] == p[2] && (1..=254).contains(&p[0]))
            .count()
    };
    assert!(greys(&sheet) > 100, "no overlay");
    sheet.drill = false;
    assert_eq!(greys(&sheet), 0);
}

#[test]
fn every_font_is_ours_embedded_subset_and_searchable() {
    let mut sheet = sample("F02");
    sheet.strip.as_mut().unwrap().name = "𠮷田　NGUYỄN".to_owned();
    let fonts = String::from_utf8(tool(&print(&sheet), "poppler-utils", &["pdffonts", "{}"])).unwrap();
    let fonts: Vec<Vec<&str>> = fonts
        .lines()
        .skip(2)
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(fonts.len() >= 4, "{fonts:?}");
    for font in &fonts {
        let ours = ["+BIZUDPGothic", "+BIZUDGothic", "+NotoSansCJKjp"]
            .iter()
            .any(|name| font[0].contains(name));
        let flags = &font[font.len() - 5..font.len() - 2];
        assert!(ours && flags == ["yes", "yes", "yes"], "{font:?}");
    }
}

#[test]
fn marks_of_drill_reissue_and_temporary_patient_are_in_words_too() {
    let mut sheet = sample("F14");
    (sheet.drill, sheet.reissue) = (true, true);
    let words = crate::paper::words(&print(&sheet), 1);
    for mark in ["訓練", "再発行", "仮患者", "電子カルテ停止中"] {
        assert!(words.contains(mark), "{mark}");
    }
}
