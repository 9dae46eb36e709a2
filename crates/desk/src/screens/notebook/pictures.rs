//! Pictures of a notebook: taken from the form within limits, handed to the roof's reader, which alone knows how a picture is read.
//!
//! The pictures themselves are not kept: what the symbols say is.

use std::sync::Arc;

use axum::extract::Multipart;
use chart::SheetCode;
use chart::entry::{NotebookPiece, NotebookWay};

use crate::fault::Fault;
use crate::visit::Visit;

/// Most bytes of one upload, all pictures together.
pub(super) const MAX_UPLOAD: usize = 32 << 20;

/// Most pictures of one upload.
const MAX_PICTURES: usize = 8;

/// What came with the form.
pub(super) struct Sent {
    /// What was read before.
    pub(super) pieces: Vec<String>,
    pictures: Vec<Vec<u8>>,
    left_out: usize,
}

/// Takes the form apart.
///
/// # Errors
/// [`Fault::Input`] for a form that is cut off or too large.
pub(super) async fn sent(mut parts: Multipart) -> Result<Sent, Fault> {
    let mut sent = Sent {
        pieces: Vec::new(),
        pictures: Vec::new(),
        left_out: 0,
    };
    while let Some(field) = parts.next_field().await.map_err(|_| Fault::Input("image"))? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "piece" => sent.pieces.push(field.text().await.map_err(|_| Fault::Input("piece"))?),
            "image" => {
                let bytes = field.bytes().await.map_err(|_| Fault::Input("image"))?;
                if bytes.is_empty() {
                    // A field in which nothing was chosen.
                } else if sent.pictures.len() == MAX_PICTURES {
                    sent.left_out += 1;
                } else {
                    sent.pictures.push(bytes.to_vec());
                }
            }
            _ => {}
        }
    }
    Ok(sent)
}

/// The symbols of the pictures, and what to say about pictures without any.
///
/// # Errors
/// [`Fault::Broken`] when the reader's thread ends.
pub(super) async fn symbols(visit: &Visit, sent: Sent) -> Result<(Vec<NotebookPiece>, Vec<String>), Fault> {
    let codes = Arc::clone(&visit.site.desk.codes);
    let (pictures, left_out) = (sent.pictures, sent.left_out);
    let looked = tokio::task::spawn_blocking(move || pictures.iter().map(|picture| codes(picture)).collect::<Vec<_>>());
    let looked = looked.await.map_err(|fault| Fault::Broken(fault.to_string()))?;
    let w = visit.w();
    let (mut pieces, mut problems) = (Vec::new(), Vec::new());
    for (found, n) in looked.into_iter().zip(1_usize..) {
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let why = why.to_string();
                problems.push(w.with("notebook-picture-bad", &[("n", n.into()), ("why", (&why).into())]));
                continue;
            }
        };
        let found = found.into_iter().filter(|code| !is_ours(&code.bytes));
        let before = pieces.len();
        pieces.extend(found.map(|code| NotebookPiece {
            way: NotebookWay::Picture,
            joined: code.joined,
            bytes: code.bytes,
        }));
        if pieces.len() == before {
            problems.push(w.with("notebook-picture-none", &[("n", n.into())]));
        }
    }
    if left_out > 0 {
        problems.push(w.with("notebook-pictures-most", &[("most", MAX_PICTURES.into())]));
    }
    Ok((pieces, problems))
}

/// The code in the corner of our own sheets, which stands on the same paper.
fn is_ours(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| SheetCode::parse(text).is_some())
}
