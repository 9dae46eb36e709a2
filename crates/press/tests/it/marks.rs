//! 訓練 and 再発行 on every page of every form: in words and in ink, with everything else still to be read.

use chart::Sheet;

use crate::codes::read;
use crate::paper::{CODES, Picture, picture, print, sample, squeeze, words};

fn numbered(code: &str) -> Sheet {
    let mut sheet = sample(code);
    sheet.form_id = "261120031279".to_owned();
    sheet
}

fn marked(code: &str) -> Sheet {
    Sheet {
        drill: true,
        reissue: true,
        ..numbered(code)
    }
}

#[test]
fn every_page_of_a_drill_says_so_in_words_and_in_grey_across_the_page() {
    for code in CODES {
        let pdf = print(&marked(code));
        for page in 1..=pdf.pages {
            let text = words(&pdf, page);
            // In the title row and across the page.
            assert!(text.matches("訓練").count() >= 2, "{code} page {page}: {text}");
            assert!(text.contains("再発行"), "{code} page {page}: {text}");
            let grey = picture(&pdf, page, 50)
                .pixels
                .iter()
                .filter(|p| p[0] == p[1] && p[1] == p[2] && (200..=250).contains(&p[0]))
                .count();
            assert!(grey > 100, "{code} page {page}: {grey} grey pixels");
        }
    }
}

#[test]
fn the_reissue_mark_is_ink_in_the_head_of_every_page() {
    for code in CODES {
        let (first, again) = (
            print(&numbered(code)),
            Sheet {
                reissue: true,
                ..numbered(code)
            },
        );
        let again = print(&again);
        // A mark that needs a line more may need a page more, never fewer.
        assert!(again.pages >= first.pages, "{code}");
        for page in 1..=first.pages {
            let head = |picture: Picture| {
                let rows = picture.width * picture.height / 5;
                picture.pixels.into_iter().take(rows).collect::<Vec<_>>()
            };
            let (plain, marked) = (head(picture(&first, page, 72)), head(picture(&again, page, 72)));
            assert_ne!(plain, marked, "{code} page {page}");
            assert!(
                !words(&first, page).contains("再発行") || code == "F23",
                "{code} page {page}"
            );
        }
    }
}

#[test]
fn whose_it_is_and_every_code_is_read_through_the_marks() {
    for code in CODES {
        let sheet = marked(code);
        let plain = print(&numbered(code));
        let pdf = print(&sheet);
        for page in 1..=pdf.pages {
            let text = words(&pdf, page);
            if let Some(strip) = &sheet.strip {
                for what in [&strip.kana, &strip.name, &strip.birth, &strip.sex, &strip.id] {
                    assert!(text.contains(&squeeze(what)), "{code} page {page} lacks {what}");
                }
            }
            assert!(text.contains(&format!("{page}/{}", pdf.pages)), "{code} page {page}");
            let found = read(&pdf, page, 200);
            assert!(
                found.contains(&format!("CODE-128:{}", sheet.form_id)),
                "{code} page {page}: {found:?}"
            );
            if page <= plain.pages && plain.pages == pdf.pages {
                assert_eq!(
                    found,
                    read(&plain, page, 200),
                    "{code} page {page}: the marks cost a code"
                );
            }
        }
    }
}
