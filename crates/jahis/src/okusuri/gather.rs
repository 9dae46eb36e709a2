//! Everything that was read of a patient's notebook, of whatever kind and in whatever order, as notebooks; and what is missing or something else.
//!
//! Symbols with places are joined by their places, typed texts by what they say, files by 911. Nothing is left out silently: what belongs to no notebook
//! is a [`Stray`], what waits for others a [`Waiting`]. Whose notebook it is, is not decided here.

use chart::entry::{NotebookPiece, NotebookWay};

use crate::okusuri::typed::{self, TypedFile};
use crate::okusuri::{Fragment, JoinError, NotebookReading, join, join_files, read};

/// One notebook, or as much of it as was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// What it says.
    pub reading: NotebookReading,
    /// Of how many files (911); 1 for a notebook that was not split.
    pub of: u16,
    /// Numbers of files (from 1) that were not read.
    pub missing: Vec<u16>,
    /// A scanner that only types gave the pieces in an order that cannot be read; another one can, and only that.
    pub reordered: bool,
}

/// Symbols that belong together and cannot be read before all are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How many are there.
    pub have: u16,
    /// Of how many.
    pub of: u16,
    /// Which are missing, from 1; empty when all are there and disagree.
    pub missing: Vec<u16>,
    /// Why.
    pub why: JoinError,
}

/// What was read and belongs to no notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stray {
    /// A prescription (院外処方箋２次元シンボル).
    Prescription,
    /// Records of a notebook without its beginning.
    Headless,
    /// Wide characters: the input method was on while the scanner typed.
    Wide,
    /// Another code.
    Other,
    /// Begins like a notebook and cannot be taken.
    Unreadable(JoinError),
}

/// All that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gathered {
    /// Notebooks, in the order their first piece was read.
    pub books: Vec<Book>,
    /// Symbols that wait for others.
    pub waiting: Vec<Waiting>,
    /// What is something else.
    pub strays: Vec<Stray>,
}

impl Gathered {
    /// Whether anything is missing of what is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.waiting.is_empty() && self.books.iter().all(|book| book.missing.is_empty())
    }
}

/// Puts everything together. Doubles are taken once. Pure: the same pieces in the same order say the same.
#[must_use]
pub fn gather(pieces: &[NotebookPiece]) -> Gathered {
    let mut all = Gathered::default();
    let mut files: Vec<TypedFile> = Vec::new();
    let (placed, alone): (Vec<&NotebookPiece>, Vec<&NotebookPiece>) = pieces
        .iter()
        .filter(|piece| piece.way == NotebookWay::Picture)
        .partition(|piece| piece.joined.is_some_and(|(_, of, _)| of > 1));
    for piece in alone {
        if piece.bytes.starts_with(b"JAHISTC") {
            files.push(whole(piece.bytes.clone()));
        } else {
            all.strays.push(typed::of_bytes(&piece.bytes));
        }
    }
    for set in sets(&placed) {
        let fragments: Vec<Fragment> = set
            .iter()
            .map(|piece| Fragment {
                joined: piece.joined,
                bytes: piece.bytes.clone(),
            })
            .collect();
        match join(&fragments) {
            Ok(bytes) if bytes.starts_with(b"JAHISTC") => files.push(whole(bytes)),
            Ok(bytes) => all.strays.push(typed::of_bytes(&bytes)),
            Err(why) => {
                let of = set
                    .first()
                    .and_then(|piece| piece.joined)
                    .map_or(0, |(_, of, _)| u16::from(of));
                let missing = match &why {
                    JoinError::Missing { missing, .. } => missing.clone(),
                    _ => Vec::new(),
                };
                let have = of.saturating_sub(u16::try_from(missing.len()).unwrap_or(u16::MAX));
                all.waiting.push(Waiting { have, of, missing, why });
            }
        }
    }
    let texts: Vec<String> = pieces
        .iter()
        .filter(|piece| piece.way == NotebookWay::Typed)
        .map(|piece| String::from_utf8_lossy(&piece.bytes).into_owned())
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (typed, strays) = typed::files(&texts);
    files.extend(typed);
    all.strays.extend(strays);
    all.take(files);
    all
}

fn whole(bytes: Vec<u8>) -> TypedFile {
    TypedFile {
        bytes,
        reordered: false,
    }
}

/// Symbols with the same number and parity belong together; the same symbol twice counts once.
fn sets<'a>(placed: &[&'a NotebookPiece]) -> Vec<Vec<&'a NotebookPiece>> {
    let key = |piece: &NotebookPiece| piece.joined.map(|(_, of, parity)| (of, parity));
    let mut sets: Vec<Vec<&NotebookPiece>> = Vec::new();
    for piece in placed {
        match sets
            .iter_mut()
            .find(|set| set.first().map(|first| key(first)) == Some(key(piece)))
        {
            Some(set) if set.contains(piece) => {}
            Some(set) => set.push(piece),
            None => sets.push(vec![piece]),
        }
    }
    sets
}

/// Files with one 911 ID, in the order of their first.
struct Group {
    id: Option<(String, u16)>,
    files: Vec<Vec<u8>>,
    reordered: bool,
}

impl Gathered {
    fn take(&mut self, files: Vec<TypedFile>) {
        let mut groups: Vec<Group> = Vec::new();
        for file in files {
            let id = match read(&file.bytes) {
                Ok(reading) => reading.notebook.part.map(|(id, of, _)| (id, of)),
                Err(why) => {
                    self.strays.push(Stray::Unreadable(why));
                    continue;
                }
            };
            match groups.iter_mut().find(|group| id.is_some() && group.id == id) {
                Some(group) => {
                    group.files.push(file.bytes);
                    group.reordered |= file.reordered;
                }
                None => groups.push(Group {
                    id,
                    files: vec![file.bytes],
                    reordered: file.reordered,
                }),
            }
        }
        for group in groups {
            match join_files(&group.files) {
                Ok(joined) => {
                    let book = Book {
                        reading: joined.reading,
                        of: group.id.map_or(1, |(_, of)| of),
                        missing: joined.missing,
                        reordered: group.reordered,
                    };
                    if !self
                        .books
                        .iter()
                        .any(|before| before.reading.notebook == book.reading.notebook)
                    {
                        self.books.push(book);
                    }
                }
                Err(why) => self.strays.push(Stray::Unreadable(why)),
            }
        }
    }
}
