//! What the samples say, word for word, and what every page of them must say. `UPDATE=1` writes the goldens anew.

use image::GrayImage;

use crate::paper::{CODES, forms_folder, print, sample, squeeze, tool, words};

/// Dots to the inch of the golden pictures: enough for an eye to see what stands where, and little in the repository.
const DPI: &str = "50";
/// Greys by which a dot may differ: edges are rendered a little differently by each version of poppler.
const GREYS: i16 = 110;
/// Dots that may differ all the same; one word that moved is a hundred.
const DOTS: usize = 12;

#[test]
fn samples_say_what_they_said() {
    let mut changed = Vec::new();
    for code in CODES {
        let text = tool(
            &print(&sample(code)),
            "poppler-utils",
            &["pdftotext", "-layout", "{}", "-"],
        );
        let text = String::from_utf8(text).unwrap();
        let golden = forms_folder().join(code).join("golden.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            changed.push(code);
        }
    }
    assert!(
        changed.is_empty(),
        "{changed:?} print other words than golden.txt; look at them, then UPDATE=1 cargo test -p press"
    );
}

/// The first page as a picture, looked at by a person before it became the golden one.
#[test]
fn samples_look_as_they_did() {
    let mut changed = Vec::new();
    for code in CODES {
        let arguments = ["pdftoppm", "-r", DPI, "-gray", "-png", "-l", "1", "-singlefile", "{}"];
        let found = tool(&print(&sample(code)), "poppler-utils", &arguments);
        let golden = forms_folder().join(code).join("golden.png");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &found).unwrap();
            continue;
        }
        let expected = std::fs::read(&golden).unwrap_or_default();
        let same = image::load_from_memory(&expected).is_ok_and(|expected| {
            alike(
                &expected.into_luma8(),
                &image::load_from_memory(&found).unwrap().into_luma8(),
            )
        });
        if !same {
            changed.push(code);
        }
    }
    assert!(
        changed.is_empty(),
        "{changed:?} look otherwise than golden.png; look at them, then UPDATE=1 cargo test -p press"
    );
}

#[test]
fn a_word_that_moved_is_seen_and_a_softer_edge_is_not() {
    let mut page = GrayImage::from_pixel(60, 60, image::Luma([255]));
    (10..40).for_each(|x| (20..24).for_each(|y| page.put_pixel(x, y, image::Luma([0]))));
    let mut soft = page.clone();
    (10..40).for_each(|x| soft.put_pixel(x, 20, image::Luma([90])));
    assert!(alike(&page, &soft));
    let mut moved = GrayImage::from_pixel(60, 60, image::Luma([255]));
    (10..40).for_each(|x| (26..30).for_each(|y| moved.put_pixel(x, y, image::Luma([0]))));
    assert!(!alike(&page, &moved));
    assert!(!alike(&page, &GrayImage::from_pixel(60, 61, image::Luma([255]))));
}

/// The same size, and every dot like one at or beside its place in the other picture, both ways.
fn alike(one: &GrayImage, other: &GrayImage) -> bool {
    let strangers = |one: &GrayImage, other: &GrayImage| {
        let beside = |x: u32, y: u32, grey: u8| {
            (x.saturating_sub(1)..=x + 1).any(|x| {
                (y.saturating_sub(1)..=y + 1).any(|y| {
                    let there = other.get_pixel_checked(x, y).map(|dot| i16::from(dot.0[0]));
                    there.is_some_and(|there| (there - i16::from(grey)).abs() <= GREYS)
                })
            })
        };
        one.enumerate_pixels()
            .filter(|(x, y, dot)| !beside(*x, *y, dot.0[0]))
            .count()
    };
    one.dimensions() == other.dimensions() && strangers(one, other) <= DOTS && strangers(other, one) <= DOTS
}

#[test]
fn every_page_says_who_as_of_when_sealed_by_whom_and_which_page() {
    for code in CODES {
        let mut sheet = sample(code);
        sheet.form_id = "261120031279".to_owned();
        let pdf = print(&sheet);
        for page in 1..=pdf.pages {
            let text = words(&pdf, page);
            let strip = sheet.strip.clone().unwrap_or_default();
            let title = press_title(code);
            for words in [
                &sheet.as_of,
                &sheet.seal,
                &sheet.issued,
                &sheet.form_id,
                &sheet.title_mark,
                &sheet.hospital,
                &title,
                &strip.kana,
                &strip.name,
                &strip.birth,
                &strip.sex,
                &strip.id,
                &format!("{page}/{}", pdf.pages),
            ] {
                assert!(
                    text.contains(&squeeze(words)),
                    "{code} page {page} lacks {words:?}:\n{text}"
                );
            }
        }
    }
}

#[test]
fn a_part_torn_off_still_says_whose_it_is() {
    for code in ["F01", "F06", "F16"] {
        let sheet = sample(code);
        let (text, strip) = (words(&print(&sheet), 1), sheet.strip.unwrap());
        let (_, part) = text.split_once("病院用控え").unwrap();
        for words in [&strip.kana, &strip.name, &strip.birth, &strip.sex, &strip.id] {
            assert!(
                part.contains(&squeeze(words)),
                "the hospital's part of {code} lacks {words:?}"
            );
        }
    }
}

#[test]
fn each_row_of_a_list_carries_both_identifiers() {
    let sheet = sample("F13");
    let pdf = print(&sheet);
    let text = crate::paper::all_words(&pdf);
    for row in sheet.body["rows"].as_array().unwrap() {
        for key in ["kana", "name", "birth", "id"] {
            let words = squeeze(row[key].as_str().unwrap());
            assert!(text.contains(&words), "{words:?} is missing");
        }
    }
}

#[test]
fn twenty_eight_patients_fill_a_page_of_the_list() {
    let mut sheet = sample("F13");
    sheet.form_id = "261120031279".to_owned();
    let plain = sheet.body["rows"][0].clone();
    for (rows, pages) in [(0, 1), (1, 1), (28, 1), (29, 2), (56, 2), (57, 3)] {
        sheet.body["rows"] = vec![plain.clone(); rows].into();
        assert_eq!(print(&sheet).pages, pages, "{rows} rows");
    }
}

#[test]
fn the_same_sheet_gives_the_same_bytes() {
    let sheet = sample("F02");
    assert!(print(&sheet).bytes == print(&sheet).bytes);
}

fn press_title(code: &str) -> String {
    crate::paper::press().forms().get(code).unwrap().about.title.clone()
}
