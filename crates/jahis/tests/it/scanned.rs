//! What scanners, telephones and pictures really give, as files in `fixtures/notebooks/`: each case is a folder of pieces in the order they were read and
//! what becomes of them (`expected.txt`, written by `UPDATE=1`).

use std::fmt::Write;
use std::path::{Path, PathBuf};

use chart::entry::{NotebookPiece, NotebookWay};
use jahis::okusuri::{Gathered, NotebookReading, gather};

fn cases() -> Vec<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/notebooks");
    let mut all: Vec<_> = std::fs::read_dir(top).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

/// `01-typed.txt`, `02-picture.bin`, `03-picture-PLACE-OF-PARITY.bin`.
fn pieces(case: &Path) -> Vec<NotebookPiece> {
    let mut files: Vec<_> = std::fs::read_dir(case).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| !file.ends_with("expected.txt"));
    files.sort();
    let piece = |file: &PathBuf| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let mut parts = name.split('-').skip(1);
        let way = match parts.next().unwrap() {
            "typed" => NotebookWay::Typed,
            _ => NotebookWay::Picture,
        };
        let numbers: Vec<u8> = parts.map(|n| n.parse().unwrap()).collect();
        NotebookPiece {
            way,
            joined: match numbers.as_slice() {
                [place, of, parity] => Some((*place, *of, *parity)),
                _ => None,
            },
            bytes: std::fs::read(file).unwrap(),
        }
    };
    files.iter().map(piece).collect()
}

fn said(all: &Gathered) -> String {
    let mut out = String::new();
    for book in &all.books {
        writeln!(
            out,
            "notebook JAHISTC{:02}, {} file(s), missing {:?}, reordered {}",
            book.reading.notebook.edition, book.of, book.missing, book.reordered
        )
        .unwrap();
        reading(&mut out, &book.reading);
    }
    for waiting in &all.waiting {
        writeln!(out, "waiting {} of {}: {}", waiting.have, waiting.of, waiting.why).unwrap();
    }
    for stray in &all.strays {
        writeln!(out, "stray {stray:?}").unwrap();
    }
    out
}

fn reading(out: &mut String, reading: &NotebookReading) {
    let book = &reading.notebook;
    let holder = &book.holder;
    writeln!(
        out,
        "  {} {} {:?} {}",
        holder.name, holder.kana, holder.birth, holder.sex
    )
    .unwrap();
    for caution in &book.cautions {
        writeln!(
            out,
            "  {} {} ({})",
            caution.kind.word(),
            caution.text,
            caution.origin.word()
        )
        .unwrap();
    }
    for otc in &book.otc {
        writeln!(out, "  OTC {} {:?} {:?}", otc.name, otc.from, otc.until).unwrap();
    }
    for block in &book.dispensings {
        let name = |place: &Option<jahis::okusuri::Place>| place.as_ref().map(|p| p.name.clone()).unwrap_or_default();
        writeln!(
            out,
            "  {:?} {} < {}",
            block.on,
            name(&block.place),
            name(&block.prescribed_at)
        )
        .unwrap();
        for rp in &block.rps {
            for drug in &rp.drugs {
                writeln!(out, "    Rp{} {} {}{}", rp.number, drug.name, drug.amount, drug.unit).unwrap();
            }
            if let Some(u) = &rp.usage {
                writeln!(out, "      {} {}{} {}", u.name, u.quantity, u.unit, u.form.word()).unwrap();
            }
        }
        for remark in &block.remarks {
            writeln!(out, "    {} {}", remark.record, remark.text).unwrap();
        }
    }
    for finding in &reading.findings {
        writeln!(out, "  finding {}: {}", finding.code, finding.message).unwrap();
    }
}

#[test]
fn every_realistic_input_is_read_as_far_as_it_can_be_and_says_what_it_lacks() {
    let cases = cases();
    assert!(cases.len() >= 20, "{}", cases.len());
    for case in cases {
        let got = said(&gather(&pieces(&case)));
        let file = case.join("expected.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &got).unwrap();
        }
        let meant = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(got, meant, "{}", case.display());
    }
}

#[test]
fn what_can_be_read_whole_says_the_same_however_it_came_in() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/notebooks");
    let one = gather(&pieces(&top.join("one-symbol-typed"))).books;
    for other in [
        "one-symbol-picture",
        "bytes-typed-as-latin-letters",
        "three-symbols-cut-within-characters-out-of-order",
        "typed-bytes-of-three-symbols-cut-within-characters",
        "typed-text-of-three-symbols-in-order",
        "typed-text-of-three-symbols-out-of-order",
        "three-symbols-in-one-field",
    ] {
        let books = gather(&pieces(&top.join(other))).books;
        assert_eq!(books.len(), 1, "{other}");
        assert_eq!(books[0].reading, one[0].reading, "{other}");
    }
}

#[test]
fn every_order_of_three_symbols_is_the_same_notebook() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/notebooks");
    for case in [
        "three-symbols-cut-within-characters-out-of-order",
        "typed-text-of-three-symbols-in-order",
    ] {
        let all = pieces(&top.join(case));
        let all = &all[..3];
        let meant = gather(all).books[0].reading.clone();
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let pieces: Vec<_> = order.iter().map(|at| all[*at].clone()).collect();
            assert_eq!(gather(&pieces).books[0].reading, meant, "{case} {order:?}");
        }
    }
}
