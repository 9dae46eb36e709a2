//! What was read and is not kept yet, as hidden fields of the page: `t..BASE64` for typed text, `p.PLACE-OF-PARITY.BASE64` for a symbol of a picture.
//!
//! A browser could send anything here; it could type anything, too. What does not read is left out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chart::entry::{MAX_NOTEBOOK_BYTES, MAX_NOTEBOOK_PIECES, NotebookPiece, NotebookWay};

/// Reads hidden fields.
pub(super) fn read<'s>(fields: impl Iterator<Item = &'s str>) -> Vec<NotebookPiece> {
    fields.take(MAX_NOTEBOOK_PIECES).filter_map(piece).collect()
}

fn piece(field: &str) -> Option<NotebookPiece> {
    if field.len() > MAX_NOTEBOOK_BYTES * 2 {
        return None;
    }
    let mut parts = field.splitn(3, '.');
    let way = match parts.next()? {
        "t" => NotebookWay::Typed,
        "p" => NotebookWay::Picture,
        _ => return None,
    };
    let numbers = parts.next()?;
    let joined = if numbers.is_empty() {
        None
    } else {
        let mut numbers = numbers.splitn(3, '-').map(str::parse::<u8>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
    Some(NotebookPiece { way, joined, bytes })
}

/// Writes a hidden field.
pub(super) fn written(piece: &NotebookPiece) -> String {
    let way = match piece.way {
        NotebookWay::Typed => 't',
        NotebookWay::Picture => 'p',
    };
    let joined = piece
        .joined
        .map(|(place, of, parity)| format!("{place}-{of}-{parity}"))
        .unwrap_or_default();
    format!("{way}.{joined}.{}", URL_SAFE_NO_PAD.encode(&piece.bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_and_nonsense_is_left_out() {
        for (way, joined) in [
            (NotebookWay::Typed, None),
            (NotebookWay::Picture, Some((2, 16, 255))),
            (NotebookWay::Picture, None),
        ] {
            let one = NotebookPiece {
                way,
                joined,
                bytes: vec![0, 0x83, 0xFF, b'\n'],
            };
            assert_eq!(read([written(&one).as_str()].into_iter()), [one]);
        }
        for nonsense in ["", "t", "t.", "x..QQ", "p.1-2.QQ", "p.1-2-300.QQ", "t..%%"] {
            assert!(read([nonsense].into_iter()).is_empty(), "{nonsense}");
        }
    }
}
