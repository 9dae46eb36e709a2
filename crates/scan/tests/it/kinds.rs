//! Files as scanners write them, and files that are none: everything in order, nothing without an end.

use std::io::Cursor;
use std::process::Command;

use proptest::prelude::*;
use scan::{FileFault, Finding, Kind, PageFault, Picture, kind, pages, read};
use tiff::encoder::{TiffEncoder, colortype};

use crate::distort::{jpeg, skewed, turned};
use crate::paper::{by_poppler, by_scan, code, press, sheet};

fn printed(form: &str, sequence: u32) -> (chart::Sheet, Picture) {
    let sheet = sheet(form, sequence);
    let pdf = press().sheet(&sheet).unwrap();
    let page = by_poppler(&pdf.bytes, 200).remove(0);
    (sheet, page)
}

fn png(page: &Picture) -> Vec<u8> {
    use image::ImageEncoder;
    let mut out = Vec::new();
    let (width, height) = (
        u32::try_from(page.width()).unwrap(),
        u32::try_from(page.height()).unwrap(),
    );
    let encoder = image::codecs::png::PngEncoder::new(&mut out);
    encoder
        .write_image(page.pixels(), width, height, image::ExtendedColorType::L8)
        .unwrap();
    out
}

fn said(page: &Picture) -> Option<chart::SheetCode> {
    match read(page) {
        Finding::Sheet { code, .. } => Some(code),
        _ => None,
    }
}

#[test]
fn many_sheets_in_one_tiff_come_out_in_their_order_grey_and_in_one_bit() {
    let all: Vec<_> = [("F02", 1), ("F01", 2), ("F14", 3)]
        .map(|(form, n)| printed(form, n))
        .into();
    let mut bytes = Vec::new();
    let mut encoder = TiffEncoder::new(Cursor::new(&mut bytes)).unwrap();
    for (_, page) in all.iter().rev() {
        let (width, height) = (
            u32::try_from(page.width()).unwrap(),
            u32::try_from(page.height()).unwrap(),
        );
        encoder
            .write_image::<colortype::Gray8>(width, height, page.pixels())
            .unwrap();
    }
    assert_eq!(kind(&bytes), Some(Kind::Tiff));
    let found: Vec<_> = by_scan(bytes).iter().map(said).collect();
    let expected: Vec<_> = all
        .iter()
        .rev()
        .map(|(sheet, _)| Some(code(sheet, 1, 1).form_id))
        .collect();
    assert_eq!(
        found
            .iter()
            .map(|code| code.as_ref().map(|c| c.form_id.clone()))
            .collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn one_bit_tiff_of_another_program_is_read() {
    let sheet = sheet("F02", 4);
    let pdf = press().sheet(&sheet).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, stem) = (folder.path().join("in.pdf"), folder.path().join("page"));
    std::fs::write(&file, &pdf.bytes).unwrap();
    for compression in ["packbits", "lzw", "deflate", "none"] {
        let done = Command::new("pdftoppm")
            .args([
                "-mono",
                "-tiff",
                "-tiffcompression",
                compression,
                "-r",
                "200",
                "-singlefile",
            ])
            .args([&file, &stem])
            .status();
        assert!(done.unwrap().success());
        let page = by_scan(std::fs::read(stem.with_extension("tif")).unwrap()).remove(0);
        assert_eq!(said(&page), Some(code(&sheet, 1, pdf.pages)), "{compression}");
    }
}

#[test]
fn pdf_png_and_jpeg_say_the_same() {
    let (sheet, page) = printed("F01", 5);
    let expected = Some(code(&sheet, 1, 1));
    assert_eq!(said(&by_scan(press().sheet(&sheet).unwrap().bytes).remove(0)), expected);
    assert_eq!(said(&by_scan(png(&page)).remove(0)), expected);
    assert_eq!(said(&by_scan(jpeg(&page, 60)).remove(0)), expected);
}

#[test]
fn another_decoder_reads_the_same_text() {
    for (form, n) in [("F01", 6), ("F02", 7), ("F06", 8), ("F14", 9)] {
        let (sheet, page) = printed(form, n);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.png");
        std::fs::write(&file, png(&skewed(&turned(&page, 1), 2.0, 255))).unwrap();
        let read = Command::new("zbarimg")
            .args(["-q", "--raw", "-Sdisable", "-Sqrcode.enable"])
            .arg(&file)
            .output();
        let read = read.unwrap_or_else(|error| panic!("zbarimg is needed ({error}): apt-get install zbar-tools"));
        let text = String::from_utf8(read.stdout).unwrap();
        let codes: Vec<&str> = text.lines().collect();
        let page = said(&page).unwrap();
        assert_eq!(page.form_id.as_str(), sheet.form_id);
        assert!(
            !codes.is_empty() && codes.iter().all(|code| *code == page.text().unwrap()),
            "{form}: {codes:?}"
        );
    }
}

#[test]
fn two_sheets_on_one_glass_go_to_a_person() {
    let ((_, one), (_, other)) = (printed("F01", 10), printed("F14", 11));
    let width = one.width() + other.width();
    let height = one.height().max(other.height());
    let mut pixels = vec![255; width * height];
    for (page, left) in [(&one, 0), (&other, one.width())] {
        for y in 0..page.height() {
            let row = &page.pixels()[y * page.width()..(y + 1) * page.width()];
            pixels[y * width + left..y * width + left + page.width()].copy_from_slice(row);
        }
    }
    let glass = Picture::new(width, height, pixels).unwrap();
    assert!(matches!(read(&glass), Finding::Disagree(codes) if codes.len() == 2));
}

#[test]
fn a_sheet_whose_codes_are_gone_still_shows_its_number() {
    let (sheet, page) = printed("F02", 12);
    let mm = 200.0 / 25.4;
    let (w, h) = (page.width() as f64, page.height() as f64);
    let covered = |x: f64, y: f64| (x > w - 40.0 * mm && y < 40.0 * mm) || (x < 40.0 * mm && y > h - 36.0 * mm);
    let pixels = page.pixels().iter().enumerate();
    let pixels = pixels.map(|(at, old)| {
        let (x, y) = ((at % page.width()) as f64, (at / page.width()) as f64);
        if covered(x, y) { 255 } else { *old }
    });
    let page = Picture::new(page.width(), page.height(), pixels.collect()).unwrap();
    let Finding::Numbers(numbers) = read(&page) else {
        panic!("{:?}", read(&page))
    };
    assert_eq!(
        numbers.iter().map(chart::FormId::as_str).collect::<Vec<_>>(),
        [sheet.form_id.as_str()]
    );
}

#[test]
fn foreign_codes_are_nothing() {
    assert_eq!(read(&Picture::new(1, 1, vec![0]).unwrap()), Finding::Nothing);
    // A badge's code is ours, but no sheet's.
    let sample = press().forms().get("F24").unwrap().sample.clone().unwrap();
    let mut badges: chart::Sheet = serde_json::from_str(&sample).unwrap();
    badges.form_id.clear();
    let page = by_poppler(&press().sheet(&badges).unwrap().bytes, 150).remove(0);
    assert_eq!(read(&page), Finding::Nothing);
}

#[test]
fn what_is_no_scan_is_refused_with_a_reason() {
    assert_eq!(pages(b"GIF89a".to_vec(), |_, _| {}), Err(FileFault::Unknown));
    assert_eq!(pages(Vec::new(), |_, _| {}), Err(FileFault::Unknown));
    assert!(matches!(
        pages(b"%PDF-1.7\nnothing".to_vec(), |_, _| {}),
        Err(FileFault::Broken(_)) | Ok(0)
    ));
    // A PNG that claims to be 60,000 pixels square is refused before anything of that size is made.
    let mut huge = png(&Picture::new(8, 8, vec![0; 64]).unwrap());
    huge[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    let mut said = Vec::new();
    pages(huge, |_, page| said.push(page)).unwrap();
    assert!(
        matches!(said.as_slice(), [Err(PageFault::TooLarge(..) | PageFault::Broken(_))]),
        "{said:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn mutated_files_never_end_the_program(which in 0..3_usize, at in 0..2_000_usize, byte: u8, cut in 0..2_000_usize) {
        let small = Picture::new(40, 40, (0..1_600).map(|n| (n % 251) as u8).collect()).unwrap();
        let mut tiff = Vec::new();
        let mut encoder = TiffEncoder::new(Cursor::new(&mut tiff)).unwrap();
        encoder.write_image::<colortype::Gray8>(40, 40, small.pixels()).unwrap();
        let mut bytes = [png(&small), jpeg(&small, 50), tiff][which].clone();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % length / 2);
        let mut seen = 0;
        let count = pages(bytes, |_, page: Result<Picture, PageFault>| {
            seen += 1;
            // What a broken picture says is nobody's sheet.
            assert!(page.is_err() || !matches!(read(&page.unwrap()), Finding::Sheet { .. }));
        });
        prop_assert!(count.is_err() || count == Ok(seen));
    }
}
