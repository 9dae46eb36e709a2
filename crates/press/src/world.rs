//! What Typst is allowed to see of the world: the frame, one form, one sheet, the embedded fonts. No disk, no network, no clock.
//!
//! All paths are fixed. Typst interns a path for ever and has room for 65,535, so a path per patient would end the program one day.

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

use crate::error::PressError;
use crate::fonts::Fonts;
use crate::forms::Form;
use crate::ink;

/// What every sheet shares: Typst's library with our codes, the fonts, the frame. Made once.
pub struct Stock {
    library: LazyHash<Library>,
    pub(crate) fonts: Fonts,
    main: Source,
    frame: Source,
    parts: Source,
    second: Source,
    data: FileId,
}

impl Stock {
    /// Parses the frame and reads the fonts; `own` are the hospital's, for second languages.
    pub fn new(own: &[Font]) -> Result<Self, PressError> {
        let mut library = Library::default();
        ink::add_functions(library.global.scope_mut());
        Ok(Self {
            library: LazyHash::new(library),
            fonts: Fonts::with_own(own)?,
            main: Source::new(file_id("/main.typ")?, MAIN.to_owned()),
            frame: Source::new(file_id("/frame.typ")?, include_str!("../frame.typ").to_owned()),
            parts: Source::new(file_id("/parts.typ")?, include_str!("../parts.typ").to_owned()),
            second: Source::new(file_id("/second.typ")?, include_str!("../second.typ").to_owned()),
            data: file_id("/data.cbor")?,
        })
    }
}

/// The whole program Typst runs: the frame around the form's body. Neither can be swapped by the other.
const MAIN: &str = r#"#import "/frame.typ": page-frame
#import "/form.typ" as form
#page-frame(cbor("/data.cbor"), dictionary(form))
"#;

/// One sheet on its way through Typst.
pub struct Galley<'a> {
    /// Shared by all sheets.
    pub stock: &'a Stock,
    /// The form being filled.
    pub form: &'a Form,
    /// The sheet as CBOR, see `frame.typ`.
    pub data: Bytes,
}

impl World for Galley<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.stock.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.stock.fonts.book
    }

    fn main(&self) -> FileId {
        self.stock.main.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let sources = [
            &self.stock.main,
            &self.stock.frame,
            &self.stock.parts,
            &self.stock.second,
            &self.form.source,
        ];
        let found = sources.into_iter().find(|source| source.id() == id);
        found.cloned().ok_or_else(|| not_found(id))
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == self.stock.data {
            return Ok(self.data.clone());
        }
        let picture = self.form.pictures.iter().find(|(name, _)| *name == id);
        picture.map(|(_, bytes)| bytes.clone()).ok_or_else(|| not_found(id))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.stock.fonts.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

/// The interned id of a path inside the press's own little tree.
pub fn file_id(path: &str) -> Result<FileId, PressError> {
    let path = VirtualPath::new(path).map_err(|error| PressError::Setup(format!("{path}: {error:?}")))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

fn not_found(id: FileId) -> FileError {
    FileError::NotFound(id.get().vpath().get_without_slash().into())
}
