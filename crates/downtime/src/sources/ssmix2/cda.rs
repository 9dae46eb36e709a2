//! The text of a CDA R2 document, for reading in a downtime: titles and narrative blocks, nothing coded.
//!
//! A document comes from outside: bounded in bytes, depth and text; a document type or an entity of its own is refused, so that nothing
//! is fetched and nothing grows. It deliberately is no XML library: what is not well-formed is read as far as it goes.

use chart::Coded;

/// Largest document read.
pub const MAX_BYTES: usize = 8 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 256;
/// Most characters taken.
const MAX_TEXT: usize = 40_000;

/// The narrative of a document and who wrote it; `None` when it is no CDA with text, or is refused.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<(String, Head)> {
    if bytes.len() > MAX_BYTES {
        return None;
    }
    let xml = decoded(bytes)?;
    let head = xml
        .get(..xml.len().min(4_000))
        .or_else(|| xml.get(..xml.char_indices().nth(1_000)?.0))
        .unwrap_or("");
    if !head.contains("ClinicalDocument") || xml.contains("<!DOCTYPE") || xml.contains("<!ENTITY") {
        return None;
    }
    let mut walk = Walk::default();
    let mut rest = xml.as_str();
    while let Some(begin) = rest.find('<') {
        walk.characters(rest.get(..begin).unwrap_or(""));
        rest = rest.get(begin..).unwrap_or("");
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
        } else if let Some(data) = rest.strip_prefix("<![CDATA[") {
            let (data, behind) = data.split_once("]]>").unwrap_or((data, ""));
            walk.plain(data);
            rest = behind;
        } else {
            let (tag, behind) = rest.get(1..).unwrap_or("").split_once('>').unwrap_or(("", ""));
            walk.tag(tag);
            rest = behind;
        }
        if walk.is_full() {
            rest = "";
        }
    }
    walk.characters(rest);
    walk.finish()
}

/// Shift_JIS where the declaration says so, else UTF-8.
fn decoded(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200))?).to_ascii_lowercase();
    if head.contains("shift_jis") || head.contains("windows-31j") || head.contains("ms932") {
        return Some(encoding_rs::SHIFT_JIS.decode_without_bom_handling(bytes).0.into_owned());
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    Some(String::from_utf8_lossy(bytes).into_owned())
}

#[derive(Default)]
struct Walk {
    open: Vec<String>,
    out: String,
    count: usize,
    /// White space was passed that separates words.
    blank: bool,
    /// Where the title of a section begins.
    title_at: Option<usize>,
    /// The text of a marked section stands behind its mark.
    after_mark: bool,
    about: Head,
}

/// Who wrote a document, where, when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The first author.
    pub author: Coded,
    /// The organisation of the author.
    pub department: Coded,
    /// effectiveTime of the document.
    pub at: String,
}

/// The value of an attribute within a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, behind) = tag.split_once(&format!(" {name}=\""))?;
    let value = behind.split('"').next()?;
    Some(value.chars().take(60).collect())
}

impl Walk {
    /// True inside a title or a narrative block of the body.
    fn shown(&self) -> bool {
        let in_body = self.open.iter().any(|name| name == "structuredBody");
        in_body && self.open.iter().any(|name| name == "text" || name == "title")
    }

    fn is_full(&self) -> bool {
        self.count >= MAX_TEXT
    }

    fn tag(&mut self, tag: &str) {
        if tag.starts_with(['?', '!']) {
            return;
        }
        let closing = tag.starts_with('/');
        let own = tag.trim_start_matches('/').trim_end_matches('/');
        let name = own.split(char::is_whitespace).next().unwrap_or("");
        // Prefixes name the same elements.
        let name = name.rsplit(':').next().unwrap_or(name);
        let block = matches!(
            name,
            "paragraph" | "br" | "item" | "tr" | "title" | "text" | "list" | "table" | "caption"
        );
        if block && self.shown() {
            self.line();
        }
        if matches!(name, "td" | "th") && closing && self.shown() {
            self.plain(" ");
        }
        if closing && name == "title" {
            self.title();
        }
        if let Some(value) = attribute(tag, "value").filter(|_| name == "effectiveTime" && self.open.len() == 1) {
            self.about.at = value;
        }
        let root = |element: &str| name == "id" && self.open.last().is_some_and(|open| open == element);
        if let Some(id) = attribute(tag, "extension") {
            if root("assignedAuthor") && self.about.author.code.is_empty() {
                self.about.author.code = id;
            } else if root("representedOrganization") && self.about.department.code.is_empty() {
                self.about.department.code = id;
            }
        }
        if closing {
            if let Some(at) = self.open.iter().rposition(|open| open == name) {
                self.open.truncate(at);
            }
        } else if !tag.ends_with('/') && self.open.len() < MAX_DEPTH {
            self.open.push(name.to_owned());
            if name == "title" && self.shown() {
                self.line();
                self.title_at = Some(self.out.len());
            }
        }
    }

    fn line(&mut self) {
        self.blank = false;
        if self.after_mark {
            return;
        }
        let trimmed = self.out.trim_end_matches([' ', '\u{3000}']).len();
        self.out.truncate(trimmed);
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    /// S, O, A and P are marked as everywhere; other titles stand out.
    fn title(&mut self) {
        let Some(at) = self.title_at.take() else { return };
        let title = self.out.get(at..).unwrap_or("").trim().to_owned();
        if title.is_empty() {
            return;
        }
        self.out.truncate(at);
        let soap = matches!(title.as_str(), "S" | "O" | "A" | "P");
        self.out.push_str(&if soap {
            format!("{title}) ")
        } else {
            format!("■{title}\n")
        });
        self.after_mark = soap;
    }

    /// Names of the head.
    fn head(&mut self, raw: &str) {
        let inside = |element: &str| self.open.iter().any(|open| open == element);
        if self.open.last().is_none_or(|open| open != "name") || !inside("author") {
            return;
        }
        let text: String = raw.trim().chars().take(60).collect();
        if inside("assignedPerson") && self.about.author.name.is_empty() {
            self.about.author.name = text;
        } else if inside("representedOrganization") && self.about.department.name.is_empty() {
            self.about.department.name = text;
        }
    }

    fn characters(&mut self, raw: &str) {
        self.head(raw);
        if !self.shown() || raw.is_empty() {
            return;
        }
        let mut rest = raw;
        while let Some((before, behind)) = rest.split_once('&') {
            self.words(before);
            let (name, after) = behind
                .split_once(';')
                .filter(|(name, _)| name.len() <= 12)
                .unwrap_or(("", behind));
            match entity(name) {
                Some(c) => self.plain(c.encode_utf8(&mut [0; 4])),
                None => self.plain("〓"),
            }
            rest = after;
        }
        self.words(rest);
    }

    /// Line breaks and indentation of the file are no text.
    fn words(&mut self, text: &str) {
        self.blank |= text.starts_with(|c: char| c.is_ascii_whitespace());
        for word in text.split_ascii_whitespace() {
            self.plain(word);
            self.blank = true;
        }
        self.blank &= text.is_empty() || text.ends_with(|c: char| c.is_ascii_whitespace());
    }

    fn plain(&mut self, text: &str) {
        if !self.shown() {
            return;
        }
        if std::mem::take(&mut self.blank) && !self.out.is_empty() && !self.out.ends_with(['\n', ' ']) {
            self.out.push(' ');
        }
        self.after_mark &= text.trim().is_empty();
        for c in text.chars().filter(|c| !c.is_control() || *c == '\n') {
            if self.count >= MAX_TEXT {
                return;
            }
            self.out.push(c);
            self.count += 1;
        }
    }

    fn finish(self) -> Option<(String, Head)> {
        let full = self.is_full();
        let mut text = self.out.trim().to_owned();
        if full {
            text.push_str("…（以下省略）");
        }
        (!text.is_empty()).then_some((text, self.about))
    }
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code).filter(|c| !c.is_control())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<String> {
        read(bytes).map(|(text, _)| text)
    }

    #[test]
    fn soap_titles_are_marks_and_the_author_is_known() {
        let document = "<ClinicalDocument><effectiveTime value=\"202609111632\"/><author><assignedAuthor><id extension=\"D1\"/>\
            <assignedPerson><name>鬼頭　剛</name></assignedPerson><representedOrganization><id extension=\"11\"/><name>整形外科</name>\
            </representedOrganization></assignedAuthor></author><structuredBody><section><title>S</title><text>痛い。<br/>眠い。</text>\
            </section><section><title>P</title><text>継続</text></section></structuredBody></ClinicalDocument>";
        let (text, head) = read(document.as_bytes()).unwrap();
        assert_eq!(text, "S) 痛い。\n眠い。\nP) 継続");
        assert_eq!(
            (head.author, head.department),
            (Coded::new("D1", "鬼頭　剛"), Coded::new("11", "整形外科"))
        );
        assert_eq!(head.at, "202609111632");
    }

    const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><title>退院時サマリー</title><component><structuredBody>
<component><section><title>入院経過</title><text>
  <paragraph>心不全で入院。</paragraph><list><item>利尿薬 &lt;20mg&gt;</item><item>減塩</item></list>
  <table><tr><th>BNP</th><td>212</td></tr></table><!-- <paragraph>隠し</paragraph> -->
</text></section></component></structuredBody></component></ClinicalDocument>"#;

    #[test]
    fn narrative_becomes_lines() {
        let text = text(DOCUMENT.as_bytes()).unwrap();
        assert_eq!(text, "■入院経過\n心不全で入院。\n利尿薬 <20mg>\n減塩\nBNP 212");
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        let bomb = DOCUMENT.replacen(
            "<ClinicalDocument",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><ClinicalDocument",
            1,
        );
        assert_eq!(text(bomb.as_bytes()), None);
        assert_eq!(text(b"<html>ClinicalDocument</html>"), None);
        let unknown = DOCUMENT.replace("心不全", "&boom;");
        assert!(text(unknown.as_bytes()).unwrap().contains('〓'));
    }

    #[test]
    fn shift_jis_and_a_file_that_ends_too_early() {
        let sjis = DOCUMENT.replace("UTF-8", "Shift_JIS");
        let (bytes, ..) = encoding_rs::SHIFT_JIS.encode(&sjis);
        assert!(text(&bytes).unwrap().contains("心不全で入院。"));
        for end in (0..bytes.len()).step_by(7) {
            let _ = text(&bytes[..end]);
        }
        let deep = format!("<ClinicalDocument><structuredBody><text>{}x", "<a>".repeat(100_000));
        assert_eq!(text(deep.as_bytes()).as_deref(), Some("x"));
    }
}
