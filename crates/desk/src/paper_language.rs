//! 用紙のことば: which second language a patient's paper carries, as a list to choose from and as what was chosen.
//!
//! The register's language is chosen beforehand where the screen may know it. A reception card shows nothing from a chart; there the first
//! choice is 登録のとおり. Not here: the words themselves, which are the press's.

use chart::{Language, PaperLanguage};

use crate::visit::Visit;

/// What was chosen: one of the languages offered or Japanese alone; `None` for anything else, and then the register counts.
pub fn paper_language(visit: &Visit, chosen: &str) -> Option<PaperLanguage> {
    let chosen = PaperLanguage::parse(chosen)?;
    let offered = |language: Language| visit.site.desk.languages.iter().any(|(known, _)| *known == language);
    // A language without words of its own may be what the register says: its paper is printed in English then.
    (chosen.0.is_none_or(offered)).then_some(chosen)
}

/// Every choice with whether it is the one in force: what was chosen on this page, else the registered language.
pub fn paper_languages(visit: &Visit, registered: Option<Language>, chosen: &str) -> Vec<(String, String, bool)> {
    let w = visit.w();
    let in_force = PaperLanguage::parse(chosen).unwrap_or(PaperLanguage(registered));
    let mut all = vec![(
        "ja".to_owned(),
        w["paper-japanese-only"].to_owned(),
        in_force.0.is_none(),
    )];
    let languages = &visit.site.desk.languages;
    all.extend(languages.iter().map(|(language, name)| {
        let words = w.with("paper-and", &[("language", name.into())]);
        (language.to_string(), words, in_force.0 == Some(*language))
    }));
    if let Some(other) = in_force
        .0
        .filter(|language| languages.iter().all(|(known, _)| known != language))
    {
        // Left empty, the register's language stays in force, and the paper says it in English.
        let words = w.with("paper-in-english", &[("language", other.in_japanese().into())]);
        all.push((String::new(), words, true));
    }
    all
}

/// The choices on a card that shows nothing from the chart; empty where paper comes in Japanese only.
pub fn reception_languages(visit: &Visit) -> Vec<(String, String)> {
    let languages = &visit.site.desk.languages;
    if languages.is_empty() {
        return Vec::new();
    }
    let w = visit.w();
    let mut all = vec![(String::new(), w["paper-registered"].to_owned())];
    all.extend(
        languages
            .iter()
            .map(|(language, name)| (language.to_string(), w.with("paper-and", &[("language", name.into())]))),
    );
    all.push(("ja".to_owned(), w["paper-japanese-only"].to_owned()));
    all
}
