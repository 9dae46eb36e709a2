//! A reading of a medicine notebook for whoever types it in: its records in the order they were read, as they stand in the symbols.
//!
//! Nothing is interpreted here: a record the notebook's reader does not understand is handed back like all others. Not here: whether it is true.

use chart::entry::{NotebookPiece, NotebookRead, NotebookWay};

/// The labelled fields of one reading.
pub(super) fn fields(read: &NotebookRead, put: &mut impl FnMut(&'static str, String)) {
    put("出所", "お薬手帳（患者持参、確認されていません）".to_owned());
    put("記名が一致しない理由", read.reason.clone());
    for piece in &read.pieces {
        put(label(piece), text(piece));
    }
}

const fn label(piece: &NotebookPiece) -> &'static str {
    match piece.way {
        NotebookWay::Typed => "手帳の原文（スキャナー）",
        NotebookWay::Picture => "手帳の原文（画像）",
    }
}

/// What a piece says. A symbol may end within a character: that one is shown as �.
fn text(piece: &NotebookPiece) -> String {
    let text = match (piece.way, std::str::from_utf8(&piece.bytes)) {
        (_, Ok(text)) => text.to_owned(),
        (NotebookWay::Typed, Err(_)) => String::from_utf8_lossy(&piece.bytes).into_owned(),
        (NotebookWay::Picture, Err(_)) => encoding_rs::SHIFT_JIS
            .decode_without_bom_handling(&piece.bytes)
            .0
            .into_owned(),
    };
    text.replace("\r\n", "\n").trim_end_matches(['\u{1A}', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_character_sets_are_handed_back_and_the_mark_at_the_end_is_not() {
        let piece = |way, bytes: &[u8]| NotebookPiece {
            way,
            joined: None,
            bytes: bytes.to_vec(),
        };
        let sjis = encoding_rs::SHIFT_JIS.encode("2,1,卵,1\r\n\u{1A}").0.into_owned();
        assert_eq!(text(&piece(NotebookWay::Picture, &sjis)), "2,1,卵,1");
        assert_eq!(
            text(&piece(NotebookWay::Typed, "5,R081120,1\r\n".as_bytes())),
            "5,R081120,1"
        );
    }
}
