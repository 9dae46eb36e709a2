//! The notebook's symbols on a printed sheet: all found, each alone, with its bytes, whichever way the page lies.

use scan::{Payload, PhotoFault, of_picture, payloads};

use crate::paper::{by_poppler, press, sheet};

fn of_notebooks(found: Vec<Payload>) -> Vec<Payload> {
    let mut found: Vec<_> = found.into_iter().filter(|p| p.bytes.starts_with(b"JAHISTC")).collect();
    found.sort_by(|a, b| a.bytes.cmp(&b.bytes));
    found
}

#[test]
fn every_symbol_of_a_printed_notebook_sheet_is_read_from_its_picture() {
    let pdf = press().sheet(&sheet("F30", 77)).unwrap();
    let mut first: Option<Vec<Payload>> = None;
    for dpi in [150, 200, 300] {
        let pages = by_poppler(&pdf.bytes, dpi);
        let found = of_notebooks(pages.iter().flat_map(of_picture).collect());
        assert_eq!(found.len(), 2, "{dpi} dpi: {found:?}");
        assert!(found.iter().all(|p| p.joined.is_none() && p.bytes.ends_with(&[0x1A])));
        match &first {
            None => first = Some(found),
            Some(first) => assert_eq!(&found, first, "{dpi} dpi"),
        }
    }
}

#[test]
fn what_is_no_picture_is_refused_in_words() {
    assert_eq!(payloads(b"%PDF-1.4"), Err(PhotoFault::Kind));
    assert_eq!(payloads(b""), Err(PhotoFault::Kind));
    assert!(matches!(
        payloads(b"\x89PNG\r\n\x1a\nrubbish"),
        Err(PhotoFault::Page(_))
    ));
    assert!(matches!(
        payloads(&vec![0; scan::MAX_PHOTO_BYTES + 1]),
        Err(PhotoFault::TooLarge(_))
    ));
}
