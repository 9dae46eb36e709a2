//! Files byte by byte as real devices write them: image-only PDF in every coding, TIFF of fax machines and 1-bit scanners. Each must be read.

use fax::maps::{black, white};
use fax::{BitWriter, Bits, Color, VecWriter, encoder::Encoder};
use scan::{Finding, Picture, read};

use crate::distort::{Dice, jpeg, noisy, one_bit, punched, skewed, turned};
use crate::paper::{by_poppler, by_scan, code, press, sheet};

/// A page at 200 dpi and what its code must say.
fn printed(form: &str, sequence: u32, dpi: u32) -> (Picture, chart::SheetCode) {
    let sheet = sheet(form, sequence);
    let pdf = press().sheet(&sheet).unwrap();
    (by_poppler(&pdf.bytes, dpi).remove(0), code(&sheet, 1, pdf.pages))
}

fn said(page: &Picture) -> Option<chart::SheetCode> {
    match read(page) {
        Finding::Sheet { code, .. } => Some(code),
        _ => None,
    }
}

/// True is black.
fn lines(page: &Picture) -> impl Iterator<Item = Vec<bool>> + '_ {
    let rows = page.pixels().chunks_exact(page.width());
    rows.map(|row| row.iter().map(|pixel| *pixel < 128).collect())
}

/// Every second line is gone.
fn every_second_line(page: &Picture) -> Picture {
    let rows = page.pixels().chunks_exact(page.width()).step_by(2);
    Picture::new(
        page.width(),
        page.height().div_ceil(2),
        rows.flatten().copied().collect(),
    )
    .unwrap()
}

/// One bit a pixel, 1 black, rows padded to bytes.
fn packed(page: &Picture) -> Vec<u8> {
    let byte = |eight: &[bool]| (0..8).fold(0, |sum, at| sum << 1 | u8::from(eight.get(at) == Some(&true)));
    lines(page)
        .flat_map(|row| row.chunks(8).map(byte).collect::<Vec<u8>>())
        .collect()
}

fn group4(page: &Picture) -> Vec<u8> {
    let mut encoder = Encoder::new(VecWriter::new());
    for row in lines(page) {
        let pels = row.iter().map(|ink| if *ink { Color::Black } else { Color::White });
        encoder.encode_line(pels, u16::try_from(page.width()).unwrap()).unwrap();
    }
    encoder.finish().unwrap().finish()
}

/// One-dimensional coding, each line after an EOL (or, for the TIFF of compression 2, on a byte of its own and without one).
fn group3(page: &Picture, with_eol: bool) -> Vec<u8> {
    let mut out = VecWriter::new();
    for row in lines(page) {
        if with_eol {
            out.write(Bits { data: 1, len: 12 }).unwrap();
        }
        let (mut colour, mut at) = (false, 0);
        while at < row.len() {
            let run = row[at..].iter().take_while(|ink| **ink == colour).count();
            let table = |n: usize| {
                let entries: &[(u16, Bits)] = if colour { &black::ENTRIES } else { &white::ENTRIES };
                entries[if n >= 64 { 63 + n / 64 } else { n }].1
            };
            if run >= 64 {
                out.write(table(run & !63)).unwrap();
            }
            out.write(table(run % 64)).unwrap();
            (colour, at) = (!colour, at + run);
        }
        if !with_eol {
            out.pad();
        }
    }
    out.finish()
}

/// ITU-T T.88: page information, then one generic region coded as group 4 (MMR), as it lies in a PDF.
fn jbig2(page: &Picture) -> Vec<u8> {
    let (width, height) = (page.width() as u32, page.height() as u32);
    let segment = |number: u32, kind: u8, data: Vec<u8>| {
        let mut out = number.to_be_bytes().to_vec();
        out.extend([kind, 0, 1]);
        out.extend((data.len() as u32).to_be_bytes());
        out.extend(data);
        out
    };
    let mut info = [width, height, 0, 0].map(u32::to_be_bytes).concat();
    info.extend([0, 0, 0]);
    let mut region = [width, height, 0, 0].map(u32::to_be_bytes).concat();
    region.extend([0, 1]);
    region.extend(group4(page));
    [segment(0, 48, info), segment(1, 38, region)].concat()
}

/// A page of a PDF: its picture's dictionary and bytes, its paper in points, its /Rotate.
struct Leaf {
    picture: String,
    bytes: Vec<u8>,
    paper: (f64, f64),
    rotate: u32,
}

/// A PDF of whole-page pictures and nothing else.
fn pdf(leaves: &[Leaf]) -> Vec<u8> {
    let mut out = b"%PDF-1.5\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let mut places = Vec::new();
    let mut object = |out: &mut Vec<u8>, head: &str, stream: Option<&[u8]>| {
        places.push(out.len());
        let number = places.len();
        out.extend(format!("{number} 0 obj\n{head}\n").bytes());
        if let Some(stream) = stream {
            out.extend(b"stream\n");
            out.extend(stream);
            out.extend(b"\nendstream\n");
        }
        out.extend(b"endobj\n");
    };
    let kids: Vec<String> = (0..leaves.len()).map(|at| format!("{} 0 R", 3 + at * 3)).collect();
    object(&mut out, "<< /Type /Catalog /Pages 2 0 R >>", None);
    let tree = format!("<< /Type /Pages /Count {} /Kids [{}] >>", leaves.len(), kids.join(" "));
    object(&mut out, &tree, None);
    for (at, leaf) in leaves.iter().enumerate() {
        let (w, h) = leaf.paper;
        let (content, picture) = (4 + at * 3, 5 + at * 3);
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {w} {h}] /Rotate {} /Contents {content} 0 R /Resources << /XObject << /Im0 {picture} 0 R >> >> >>",
            leaf.rotate
        );
        object(&mut out, &page, None);
        let draw = format!("q {w} 0 0 {h} 0 0 cm /Im0 Do Q");
        object(
            &mut out,
            &format!("<< /Length {} >>", draw.len()),
            Some(draw.as_bytes()),
        );
        let dictionary = format!(
            "<< /Type /XObject /Subtype /Image {} /Length {} >>",
            leaf.picture,
            leaf.bytes.len()
        );
        object(&mut out, &dictionary, Some(&leaf.bytes));
    }
    let start = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1).bytes());
    for place in &places {
        out.extend(format!("{place:010} 00000 n \n").bytes());
    }
    let size = places.len() + 1;
    out.extend(format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes());
    out
}

fn leaf(page: &Picture, dpi: (f64, f64), coding: &str) -> Leaf {
    let (w, h) = (page.width(), page.height());
    let one_bit = format!("/Width {w} /Height {h} /ColorSpace /DeviceGray /BitsPerComponent 1");
    let (picture, bytes) = match coding {
        "jpeg" => (
            format!("/Width {w} /Height {h} /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"),
            jpeg(page, 50),
        ),
        "g4" => (
            format!("{one_bit} /Filter /CCITTFaxDecode /DecodeParms << /K -1 /Columns {w} /Rows {h} >>"),
            group4(page),
        ),
        "g3" => (
            format!(
                "{one_bit} /Filter /CCITTFaxDecode /DecodeParms << /K 0 /Columns {w} /Rows {h} /EndOfLine true /EndOfBlock false >>"
            ),
            group3(page, true),
        ),
        "jbig2" => (format!("{one_bit} /Filter /JBIG2Decode"), jbig2(page)),
        // What scanners call stencils: ink where the bit is 0.
        "mask" => (
            format!("/Width {w} /Height {h} /ImageMask true /BitsPerComponent 1 /Decode [1 0]"),
            packed(page),
        ),
        other => panic!("{other}"),
    };
    Leaf {
        picture,
        bytes,
        paper: (w as f64 * 72.0 / dpi.0, h as f64 * 72.0 / dpi.1),
        rotate: 0,
    }
}

#[test]
fn pdf_of_pictures_in_every_coding_of_scanners_is_read() {
    let (page, expected) = printed("F02", 31, 150);
    let (coarse, other) = printed("F01", 32, 200);
    for coding in ["jpeg", "g4", "g3", "jbig2", "mask"] {
        let mut leaves = vec![leaf(&page, (150.0, 150.0), coding)];
        let mut codes = vec![Some(expected.clone())];
        if coding == "jbig2" {
            leaves.push(leaf(&coarse, (200.0, 200.0), coding));
            codes.push(Some(other.clone()));
        }
        let found: Vec<_> = by_scan(pdf(&leaves)).iter().map(said).collect();
        assert_eq!(found, codes, "{coding}");
    }
}

#[test]
fn pdf_pages_that_are_turned_or_have_other_dots_across_than_down_are_read() {
    let (page, expected) = printed("F06", 33, 200);
    let flat = every_second_line(&printed("F06", 33, 300).0);
    let mut leaves: Vec<Leaf> = [0, 90, 180, 270]
        .map(|rotate| Leaf {
            rotate,
            ..leaf(&page, (200.0, 200.0), "g4")
        })
        .into();
    leaves.push(leaf(&flat, (300.0, 150.0), "jpeg"));
    let pages = by_scan(pdf(&leaves));
    assert_eq!(pages[1].width(), pages[0].height(), "/Rotate turns the paper");
    for (at, page) in pages.iter().enumerate() {
        assert_eq!(said(page).as_ref(), Some(&expected), "page {at}");
    }
}

/// A TIFF page: what its tags say and its bytes.
struct Frame {
    size: (usize, usize),
    compression: u16,
    white_is_zero: bool,
    turned_bits: bool,
    dpi: (u32, u32),
    bytes: Vec<u8>,
}

/// Little-endian TIFF 6.0 of one-bit pages, one strip each.
fn tiff(frames: &[Frame]) -> Vec<u8> {
    let mut out = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    for frame in frames {
        let data = out.len() as u32;
        out.extend(
            frame
                .bytes
                .iter()
                .map(|b| if frame.turned_bits { b.reverse_bits() } else { *b }),
        );
        let dpi = (out.len() + out.len() % 2) as u32;
        out.resize(dpi as usize, 0);
        out.extend([frame.dpi.0, 1, frame.dpi.1, 1].map(u32::to_le_bytes).concat());
        let here = out.len() as u32;
        out[link..link + 4].copy_from_slice(&here.to_le_bytes());
        let (width, height) = (frame.size.0 as u32, frame.size.1 as u32);
        let tags: [(u16, u16, u32); 13] = [
            (256, 4, width),
            (257, 4, height),
            (258, 3, 1),
            (259, 3, frame.compression.into()),
            (262, 3, u32::from(!frame.white_is_zero)),
            (266, 3, if frame.turned_bits { 2 } else { 1 }),
            (273, 4, data),
            (277, 3, 1),
            (278, 4, height),
            (279, 4, frame.bytes.len() as u32),
            (282, 5, dpi),
            (283, 5, dpi + 8),
            (296, 3, 2),
        ];
        out.extend((tags.len() as u16).to_le_bytes());
        for (tag, kind, value) in tags {
            out.extend(tag.to_le_bytes());
            out.extend(kind.to_le_bytes());
            out.extend(1_u32.to_le_bytes());
            out.extend(value.to_le_bytes());
        }
        link = out.len();
        out.extend([0; 4]);
    }
    out
}

/// PackBits of TIFF 6.0: literal runs only, which every reader must take.
fn literal(bytes: &[u8]) -> Vec<u8> {
    let run = |run: &[u8]| [&[(run.len() - 1) as u8], run].concat();
    bytes.chunks(128).flat_map(run).collect()
}

#[test]
fn tiff_of_faxes_and_one_bit_scanners_is_read_page_by_page() {
    let (page, expected) = printed("F02", 34, 200);
    let frame = |compression: u16, white_is_zero: bool, turned_bits: bool| Frame {
        size: (page.width(), page.height()),
        compression,
        white_is_zero,
        turned_bits,
        dpi: (200, 200),
        bytes: match compression {
            1 => packed(&page),
            2 => group3(&page, false),
            3 => group3(&page, true),
            4 => group4(&page),
            _ => literal(&packed(&page)),
        },
    };
    let mut all = Vec::new();
    for compression in [1, 2, 3, 4, 32_773] {
        all.push((format!("{compression}"), frame(compression, true, false)));
    }
    for compression in [3, 4] {
        all.push((format!("{compression}, bits turned"), frame(compression, true, true)));
    }
    let (names, frames): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let pages = by_scan(tiff(&frames));
    assert_eq!(pages.len(), frames.len());
    let ink = lines(&page).flatten().map(|ink| if ink { 0 } else { 255 });
    let ink: Vec<u8> = ink.collect();
    for (name, one) in names.iter().zip(&pages) {
        assert!(
            one.pixels() == ink,
            "{name}: the same ink at the same place, whatever the coding"
        );
    }
    assert_eq!(said(&pages[0]).as_ref(), Some(&expected));
    // Black said to be the coding's white: the picture comes out inverted twice, that is right.
    let inverted = Picture::new(
        page.width(),
        page.height(),
        page.pixels().iter().map(|p| 255 - p).collect(),
    )
    .unwrap();
    let other_way = Frame {
        white_is_zero: false,
        bytes: group4(&inverted),
        ..frame(4, true, false)
    };
    assert!(by_scan(tiff(&[other_way]))[0].pixels() == ink);
}

#[test]
fn a_page_with_half_as_many_lines_as_dots_gets_its_shape_back() {
    let (page, expected) = printed("F01", 35, 300);
    let half = every_second_line(&page);
    let frame = |dpi| Frame {
        size: (half.width(), half.height()),
        compression: 4,
        white_is_zero: true,
        turned_bits: false,
        dpi,
        bytes: group4(&half),
    };
    // The second is a fax of the usual quality: 204 dots across, 98 down.
    let pages = by_scan(tiff(&[frame((300, 150)), frame((204, 98)), frame((204, 196))]));
    for (page, times) in pages.iter().zip([2, 2, 1]) {
        assert_eq!((page.width(), page.height()), (half.width(), half.height() * times));
    }
    assert_eq!(said(&pages[0]), Some(expected));
}

#[test]
fn a_fax_that_breaks_off_keeps_its_lines_and_ends() {
    let (page, _) = printed("F01", 36, 150);
    let whole = Frame {
        size: (page.width(), page.height()),
        compression: 4,
        white_is_zero: true,
        turned_bits: false,
        dpi: (150, 150),
        bytes: group4(&page),
    };
    let mut cut = tiff(&[Frame {
        bytes: whole.bytes[..whole.bytes.len() / 2].to_vec(),
        ..whole
    }]);
    let read = by_scan(cut.clone()).remove(0);
    assert_eq!(read.pixels()[..page.width() * 100], {
        let ink = page.pixels()[..page.width() * 100].iter();
        ink.map(|pixel| if *pixel < 128 { 0 } else { 255 }).collect::<Vec<u8>>()
    });
    // Bytes that mean nothing give a fault or a picture, never a panic and never a sheet.
    let mut dice = Dice::new(7);
    for _ in 0..40 {
        let at = 8 + dice.below(cut.len() as u64 / 2) as usize;
        cut[at] = dice.below(256) as u8;
    }
    let _ = scan::pages(cut, |_, _| {});
}

/// A pile fed upside down comes out last page first and each page on its head; both sides are scanned.
#[test]
fn a_pile_the_wrong_way_round_with_its_empty_backs() {
    let (front, expected) = printed("F02", 37, 200);
    let (other, also) = printed("F01", 38, 200);
    let back = Picture::new(1_654, 2_339, vec![244; 1_654 * 2_339]).unwrap();
    let mut dice = Dice::new(1);
    let dusty = noisy(&back, 4.0, 0.000_5, &mut dice);
    let pile = [&dusty, &turned(&other, 2), &back, &turned(&front, 2)];
    let leaves: Vec<Leaf> = pile.iter().map(|page| leaf(page, (200.0, 200.0), "jpeg")).collect();
    let found: Vec<Finding> = by_scan(pdf(&leaves)).iter().map(read).collect();
    assert_eq!((&found[0], &found[2]), (&Finding::Blank, &Finding::Blank));
    assert!(matches!(&found[1], Finding::Sheet { code, .. } if *code == also));
    assert!(matches!(&found[3], Finding::Sheet { code, .. } if *code == expected));
}

/// Whatever a person put on paper goes to a person.
#[test]
fn only_paper_with_nothing_on_it_is_blank() {
    for dpi in [150.0, 300.0] {
        let (w, h) = ((8.27 * dpi) as usize, (11.69 * dpi) as usize);
        let paper = |value: u8| Picture::new(w, h, vec![value; w * h]).unwrap();
        let mut dice = Dice::new(dpi as u64);
        assert!(paper(255).is_blank() && paper(200).is_blank(), "{dpi}");
        assert!(noisy(&paper(240), 8.0, 0.0, &mut dice).is_blank(), "{dpi}: grain");
        assert!(
            one_bit(&noisy(&paper(235), 6.0, 0.000_1, &mut dice), 128).is_blank(),
            "{dpi}: dust"
        );
        assert!(
            skewed(&paper(240), 1.0, 255).is_blank(),
            "{dpi}: askew on a white glass"
        );
        // A stroke of a ball pen of 6 mm, blue-grey; a tick; holes; a dark glass: none of them is nothing.
        let mut pixels = paper(240).pixels().to_vec();
        let (thick, long) = ((dpi * 0.4 / 25.4) as usize, (dpi * 6.0 / 25.4) as usize);
        for y in h / 2..h / 2 + thick.max(2) {
            pixels[y * w + w / 3..y * w + w / 3 + long].fill(110);
        }
        assert!(!Picture::new(w, h, pixels).unwrap().is_blank(), "{dpi}: a stroke");
        assert!(!punched(&paper(240), dpi).is_blank(), "{dpi}: holes");
        assert!(!paper(90).is_blank(), "{dpi}: a dark page");
    }
    assert!(!Picture::new(3, 3, vec![0; 9]).unwrap().is_blank());
}
