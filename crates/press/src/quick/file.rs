//! A PDF file written page by page: pages go out as they come, the fonts' used glyphs follow at the end.
//!
//! Codes of a font are fixed (glyph number, or an alias), so that a page's bytes do not depend on the pages before it and the same pages
//! give the same file whatever order they were made in. Stamps stand beside the fonts, and are found by their numbers.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use subsetter::GlyphRemapper;

use crate::fonts::Fonts;

use super::face::{Face, Faces, Kind};
use super::ink::{Page, Stamp};
use super::used::Used;

const CATALOG: usize = 1;
const TREE: usize = 2;
const RESOURCES: usize = 3;
const INFO: usize = 4;
/// Objects of each font: itself, its descendant, descriptor, file, code map, glyph map.
const FONT_OBJECTS: usize = 6;
const FIRST_FONT: usize = 5;
const FIRST_STAMP: usize = FIRST_FONT + 4 * FONT_OBJECTS;
/// Most stamps of a file.
const MAX_STAMPS: usize = 8;
const FIRST_FREE: usize = FIRST_STAMP + MAX_STAMPS;

/// Pages under one node of the page tree.
const BRANCH: usize = 64;

/// A PDF in the making.
pub struct File {
    out: Vec<u8>,
    /// Where each object starts, 0 for none.
    places: Vec<usize>,
    used: Used,
    /// Finished nodes of the page tree with their number of pages.
    branches: Vec<(usize, usize)>,
    branch: Vec<usize>,
    node: usize,
    size: (f64, f64),
    pages: usize,
}

impl File {
    /// An empty file of pages of this size, in points.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            out: b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec(),
            places: vec![0; FIRST_FREE],
            used: Used::new(),
            branches: Vec::new(),
            branch: Vec::new(),
            node: 0,
            size: (width, height),
            pages: 0,
        }
    }

    /// Pages so far.
    pub fn pages(&self) -> usize {
        self.pages
    }

    fn next(&mut self) -> usize {
        self.places.push(0);
        self.places.len() - 1
    }

    fn object(&mut self, number: usize, body: &str) {
        self.start(number);
        self.out.extend_from_slice(body.as_bytes());
        self.out.extend_from_slice(b"\nendobj\n");
    }

    fn start(&mut self, number: usize) {
        let place = self.out.len();
        if let Some(at) = self.places.get_mut(number) {
            *at = place;
        }
        self.out.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
    }

    fn stream(&mut self, number: usize, more: &str, deflated: &[u8]) {
        self.start(number);
        let head = format!("<</Length {}/Filter/FlateDecode{more}>>stream\n", deflated.len());
        self.out.extend_from_slice(head.as_bytes());
        self.out.extend_from_slice(deflated);
        self.out.extend_from_slice(b"\nendstream\nendobj\n");
    }

    /// Adds a page.
    pub fn add(&mut self, page: &Page) {
        if self.branch.is_empty() {
            self.node = self.next();
        }
        let (number, content) = (self.next(), self.next());
        let node = self.node;
        self.object(
            number,
            &format!("<</Type/Page/Parent {node} 0 R/Contents {content} 0 R>>"),
        );
        self.stream(content, "", &page.content);
        for (kind, code) in &page.used {
            self.used.note(*kind, *code);
        }
        self.branch.push(number);
        self.pages += 1;
        if self.branch.len() == BRANCH {
            self.close_branch();
        }
    }

    fn close_branch(&mut self) {
        let kids = std::mem::take(&mut self.branch);
        if kids.is_empty() {
            return;
        }
        let node = self.node;
        let list: Vec<String> = kids.iter().map(|kid| format!("{kid} 0 R")).collect();
        let count = kids.len();
        self.object(
            node,
            &format!(
                "<</Type/Pages/Parent {TREE} 0 R/Count {count}/Kids[{}]>>",
                list.join(" ")
            ),
        );
        self.branches.push((node, count));
    }

    /// The finished file. `title` is what a viewer shows in its window.
    pub fn finish(mut self, fonts: &Fonts, faces: &Faces, stamps: &[Stamp], title: Option<&str>) -> Option<Vec<u8>> {
        self.close_branch();
        for (kind, code) in stamps.iter().flat_map(|stamp| &stamp.used) {
            self.used.note(*kind, *code);
        }
        let mut names = String::new();
        for kind in Kind::ALL {
            let used = self.used.of(kind);
            if used.is_empty() {
                continue;
            }
            let first = FIRST_FONT + kind as usize * FONT_OBJECTS;
            let _ = write!(names, "/F{} {first} 0 R", kind as usize);
            self.font(first, fonts.fonts.get(kind as usize)?, faces.of(kind)?, &used)?;
        }
        let mut resources = format!("<</Font<<{names}>>/XObject<<");
        (stamps.len() <= MAX_STAMPS).then_some(())?;
        for (number, stamp) in stamps.iter().enumerate() {
            let object = FIRST_STAMP + number;
            let _ = write!(resources, "/S{number} {object} 0 R");
            let [left, foot, right, top] = stamp.edges;
            let about = format!(
                "/Type/XObject/Subtype/Form/BBox[{left:.3} {foot:.3} {right:.3} {top:.3}]/Resources<</Font<<{names}>>>>"
            );
            self.stream(object, &about, &stamp.content);
        }
        resources.push_str(">>>>");
        self.object(RESOURCES, &resources);
        let kids: Vec<String> = self.branches.iter().map(|(node, _)| format!("{node} 0 R")).collect();
        let (width, height) = self.size;
        self.object(
            TREE,
            &format!(
                "<</Type/Pages/Count {}/MediaBox[0 0 {width:.3} {height:.3}]/Resources {RESOURCES} 0 R/Kids[{}]>>",
                self.pages,
                kids.join(" ")
            ),
        );
        self.object(CATALOG, &format!("<</Type/Catalog/Pages {TREE} 0 R/Lang(ja-JP)>>"));
        let title = title.map_or_else(String::new, |title| format!("/Title<FEFF{}>", utf16(title)));
        self.object(INFO, &format!("<<{title}/Creator(Tomoshibi)>>"));
        let start = self.out.len();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", self.places.len());
        for place in self.places.iter().skip(1) {
            let _ = match place {
                0 => writeln!(table, "0000000000 65535 f "),
                place => writeln!(table, "{place:010} 00000 n "),
            };
        }
        let _ = write!(
            table,
            "trailer<</Size {}/Root {CATALOG} 0 R/Info {INFO} 0 R>>\nstartxref\n{start}\n%%EOF\n",
            self.places.len()
        );
        self.out.extend_from_slice(table.as_bytes());
        Some(self.out)
    }

    fn font(&mut self, first: usize, font: &typst::text::Font, face: &Face, used: &[u16]) -> Option<()> {
        let mut glyphs: Vec<u16> = used.iter().map(|code| face.glyph(*code)).collect();
        glyphs.sort_unstable();
        glyphs.dedup();
        let mapper = GlyphRemapper::new_from_glyphs_sorted(&glyphs);
        let subset = subsetter::subset(font.data(), font.index(), &mapper).ok()?;
        let ttf = ttf_parser::Face::parse(font.data(), font.index()).ok()?;
        let per_mille = 1000.0 / f64::from(ttf.units_per_em());
        let name = format!("{}+{}", tag(&glyphs), post_script_name(&ttf)?);
        self.object(
            first,
            &format!(
                "<</Type/Font/Subtype/Type0/BaseFont/{name}/Encoding/Identity-H/DescendantFonts[{} 0 R]/ToUnicode {} 0 R>>",
                first + 1,
                first + 4
            ),
        );
        let mut widths = String::new();
        let mut expected = None;
        for code in used {
            if expected != Some(*code) {
                let _ = write!(widths, "{}{code}[", if expected.is_some() { "]" } else { "" });
            }
            let width = (face.advance(*code)? * 1e6).round() / 1e3;
            let _ = write!(widths, "{width} ");
            expected = Some(code.saturating_add(1));
        }
        self.object(
            first + 1,
            &format!(
                "<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>\
                 /FontDescriptor {} 0 R/DW 0/W[{widths}]]/CIDToGIDMap {} 0 R>>",
                first + 2,
                first + 5
            ),
        );
        let (frame, round) = (ttf.global_bounding_box(), |units: i16| {
            (f64::from(units) * per_mille).round()
        });
        self.object(
            first + 2,
            &format!(
                "<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[{} {} {} {}]/ItalicAngle 0/Ascent {}/Descent {}/CapHeight {}\
                 /StemV {}/FontFile2 {} 0 R>>",
                round(frame.x_min),
                round(frame.y_min),
                round(frame.x_max),
                round(frame.y_max),
                round(ttf.ascender()),
                round(ttf.descender()),
                round(ttf.capital_height().unwrap_or(ttf.ascender())),
                if ttf.is_bold() { 140 } else { 80 },
                first + 3
            ),
        );
        let whole = format!("/Length1 {}", subset.len());
        self.stream(first + 3, &whole, &deflated(&subset)?);
        self.stream(first + 4, "", &deflated(unicode_map(face, used)?.as_bytes())?);
        let mut map = vec![0_u8; 2 * usize::from(face.codes())];
        for code in used {
            let glyph = mapper.get(face.glyph(*code))?.to_be_bytes();
            let at = 2 * usize::from(*code);
            map.get_mut(at..at + 2)?.copy_from_slice(&glyph);
        }
        self.stream(first + 5, "", &deflated(&map)?);
        Some(())
    }
}

fn deflated(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::new(6));
    out.write_all(bytes).ok()?;
    out.finish().ok()
}

fn utf16(text: &str) -> String {
    text.encode_utf16().fold(String::new(), |mut out, unit| {
        let _ = write!(out, "{unit:04X}");
        out
    })
}

/// Which character each code is, for whoever copies or reads out the text.
fn unicode_map(face: &Face, used: &[u16]) -> Option<String> {
    let mut out = String::from(
        "/CIDInit/ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo<</Registry(Adobe)/Ordering(UCS)/Supplement 0>>def\n\
         /CMapName/Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000><FFFF>\nendcodespacerange\n",
    );
    for some in used.chunks(100) {
        let _ = writeln!(out, "{} beginbfchar", some.len());
        for code in some {
            let c = face.character(*code)?;
            let _ = writeln!(out, "<{code:04X}><{}>", utf16(c.encode_utf8(&mut [0; 4])));
        }
        out.push_str("endbfchar\n");
    }
    out.push_str("endcmap\nCMapName currentdict/CMap defineresource pop\nend\nend\n");
    Some(out)
}

/// Six letters that tell this choice of glyphs from another.
fn tag(glyphs: &[u16]) -> String {
    let mut hash = glyphs.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, glyph| {
        (hash ^ u64::from(*glyph)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut letter = || {
        let letter = u8::try_from(hash % 26).unwrap_or(0);
        hash /= 26;
        char::from(b'A' + letter)
    };
    (0..6).map(|_| letter()).collect()
}

fn post_script_name(ttf: &ttf_parser::Face) -> Option<String> {
    let names = ttf
        .names()
        .into_iter()
        .filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME);
    let name = names.filter_map(|name| name.to_string()).next()?;
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        .then_some(name)
}
