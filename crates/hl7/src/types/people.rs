//! XPN, XCN, XAD, XTN: names, doctors, addresses, telephones.
//!
//! It deliberately does not fold or compare names: see `chart::fold`.

use std::borrow::Cow;

use super::trimmed;
use crate::{Field, Repetition};

/// How a name is written (table 0465).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Representation {
    /// `I`: kanji.
    Ideographic,
    /// `P`: kana.
    Phonetic,
    /// `A`: Latin letters.
    Alphabetic,
}

impl Representation {
    fn read(code: &str) -> Option<Self> {
        match code {
            "I" => Some(Self::Ideographic),
            "P" => Some(Self::Phonetic),
            "A" => Some(Self::Alphabetic),
            _ => None,
        }
    }

    /// What the letters look like, where the message does not say.
    fn seen_in(text: &str) -> Self {
        let mut letters = text.chars().filter(|c| c.is_alphabetic() || matches!(c, 'ー' | 'ｰ'));
        let kana = |c: char| matches!(c, '\u{3041}'..='\u{30ff}' | '\u{ff66}'..='\u{ff9f}');
        if text.is_ascii() {
            Self::Alphabetic
        } else if letters.all(kana) {
            Self::Phonetic
        } else {
            Self::Ideographic
        }
    }
}

/// One name of a person (XPN).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName<'a> {
    /// The family name. May be the whole name where a system has only one field.
    pub family: Cow<'a, str>,
    /// The given name.
    pub given: Cow<'a, str>,
    /// Table 0200: `L` legal, `A` alias (通称), `M` maiden name (旧姓). Empty when not said.
    pub kind: Cow<'a, str>,
    /// How it is written: as the message says, else as the letters look.
    pub representation: Representation,
    /// True when the message says how it is written.
    pub representation_said: bool,
}

impl<'a> PersonName<'a> {
    /// Every name of a field, empty ones left out.
    pub fn all(field: Field<'a>) -> impl Iterator<Item = Self> + use<'a> {
        field
            .repetitions()
            .map(Self::of)
            .filter(|name| !(name.family.is_empty() && name.given.is_empty()))
    }

    /// From a repetition. Components 7 and 8 are type and representation; a pair of them one component early is known too.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        let text = |number: usize| trimmed(repetition.component(number).text());
        let said = |number: usize| Representation::read(&text(number));
        let kinds = ["L", "A", "M", "N", "S", "U", "D", "B", "C", "T"];
        let early = text(8).is_empty() && said(7).is_some() && kinds.contains(&&*text(6));
        let (kind, representation) = if early { (text(6), said(7)) } else { (text(7), said(8)) };
        // Family names have sub-components of their own; the first is the name.
        let (family, given) = (trimmed(repetition.component(1).sub(1).text()), text(2));
        Self {
            representation: representation.unwrap_or_else(|| Representation::seen_in(&format!("{family}{given}"))),
            representation_said: representation.is_some(),
            family,
            given,
            kind,
        }
    }

    /// The whole name, a full-width space between its parts where both are there.
    #[must_use]
    pub fn full(&self) -> Cow<'a, str> {
        joined(&self.family, &self.given)
    }
}

fn joined<'a>(family: &Cow<'a, str>, given: &Cow<'a, str>) -> Cow<'a, str> {
    match (family.is_empty(), given.is_empty()) {
        (_, true) => family.clone(),
        (true, false) => given.clone(),
        (false, false) if family.is_ascii() && given.is_ascii() => Cow::Owned(format!("{family} {given}")),
        (false, false) => Cow::Owned(format!("{family}　{given}")),
    }
}

/// A doctor or another person of the hospital (XCN).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doctor<'a> {
    /// The site's number of the person.
    pub id: Cow<'a, str>,
    /// The family name. May be the whole name.
    pub family: Cow<'a, str>,
    /// The given name.
    pub given: Cow<'a, str>,
    /// How it is written: component 15, else as the letters look.
    pub representation: Representation,
}

impl<'a> Doctor<'a> {
    /// Every person of a field, empty ones left out. A second repetition in kana is the same person.
    pub fn all(field: Field<'a>) -> impl Iterator<Item = Self> + use<'a> {
        field
            .repetitions()
            .map(Self::of)
            .filter(|doctor| !(doctor.id.is_empty() && doctor.full().is_empty()))
    }

    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        let text = |number: usize| trimmed(repetition.component(number).text());
        let (family, given) = (trimmed(repetition.component(2).sub(1).text()), text(3));
        let said = [15, 14, 16]
            .into_iter()
            .find_map(|number| Representation::read(&text(number)));
        Self {
            id: text(1),
            representation: said.unwrap_or_else(|| Representation::seen_in(&format!("{family}{given}"))),
            family,
            given,
        }
    }

    /// The whole name.
    #[must_use]
    pub fn full(&self) -> Cow<'a, str> {
        joined(&self.family, &self.given)
    }
}

/// An address (XAD).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// Component 5, the postcode.
    pub postcode: Cow<'a, str>,
    /// The address in one line: component 8 where it is there, the parts of a structured one joined.
    pub text: Cow<'a, str>,
    /// Component 7: `H` home, `B` business, `M` mail.
    pub kind: Cow<'a, str>,
}

impl<'a> Address<'a> {
    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        let text = |number: usize| trimmed(repetition.component(number).text());
        // Prefecture, city, street, other: the order of a Japanese address.
        let parts: Vec<Cow<'a, str>> = [4, 3, 1, 2, 8]
            .into_iter()
            .map(text)
            .filter(|part| !part.is_empty())
            .collect();
        let whole = match parts.as_slice() {
            [only] => only.clone(),
            several => Cow::Owned(several.concat()),
        };
        Self {
            postcode: text(5),
            text: whole,
            kind: text(7),
        }
    }

    /// Nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.postcode.is_empty()
    }
}

/// A telephone or another line (XTN).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Phone<'a> {
    /// The number: component 12, else 1, else country, area and local number joined.
    pub number: Cow<'a, str>,
    /// Component 2: `PRN` home, `WPN` work, `EMR` emergency, `ORN` other.
    pub usage: Cow<'a, str>,
    /// Component 3: `PH` telephone, `FX` fax, `CP` mobile.
    pub equipment: Cow<'a, str>,
}

impl<'a> Phone<'a> {
    /// Every number of a field, empty ones left out.
    pub fn all(field: Field<'a>) -> impl Iterator<Item = Self> + use<'a> {
        field
            .repetitions()
            .map(Self::of)
            .filter(|phone| !phone.number.is_empty())
    }

    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        let text = |number: usize| trimmed(repetition.component(number).text());
        let whole = [12, 1].into_iter().map(text).find(|number| !number.is_empty());
        let number = whole.unwrap_or_else(|| {
            let parts: Vec<Cow<'a, str>> = [5, 6, 7]
                .into_iter()
                .map(text)
                .filter(|part| !part.is_empty())
                .collect();
            Cow::Owned(parts.join("-"))
        });
        Self {
            number,
            usage: text(2),
            equipment: text(3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn message(line: &str) -> String {
        format!("MSH|^~\\&|A\rPID|{line}\r")
    }

    fn names(line: &str) -> Vec<(String, Representation)> {
        let text = message(line);
        let names = PersonName::all(Message::parse(&text).unwrap().field("PID", 1));
        names
            .map(|name| (name.full().into_owned(), name.representation))
            .collect()
    }

    #[test]
    fn names_wherever_the_type_stands() {
        use Representation::{Alphabetic, Ideographic, Phonetic};
        let both = vec![
            ("模擬　日出男".to_owned(), Ideographic),
            ("モギ　ヒデオ".to_owned(), Phonetic),
        ];
        assert_eq!(names("模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P"), both);
        assert_eq!(
            names("模擬^日出男^^^^L^I~モギ^ヒデオ^^^^L^P"),
            both,
            "one component early"
        );
        assert_eq!(
            names("モギ^ヒデオ^^^^^L^P~模擬^日出男^^^^^L^I~"),
            [both[1].clone(), both[0].clone()]
        );
        assert_eq!(
            names("模擬　日出男~ﾓｷﾞ ﾋﾃﾞｵ~MOGI^HIDEO^^^^^L^A")
                .iter()
                .map(|name| name.1)
                .collect::<Vec<_>>(),
            [Ideographic, Phonetic, Alphabetic]
        );
    }

    #[test]
    fn doctors_addresses_telephones() {
        let text = message(
            "D001^架空^花子^^^^^^^L^^^^^I~D001^カクウ^ハナコ^^^^^^^L^^^^^P|607^医師一郎^^^|^^^^105-0000^JPN^H^東京都港区架空町１|２丁目^^港区^東京都^105-0001|^PRN^PH^^^^^^^^^03-0000-2222~03-0000-1111~^WPN^PH^^81^3^12345678",
        );
        let message = Message::parse(&text).unwrap();
        let field = |number| message.field("PID", number);
        let doctors: Vec<_> = Doctor::all(field(1)).collect();
        assert_eq!(doctors.len(), 2);
        assert_eq!(
            (doctors[0].full().as_ref(), doctors[1].representation),
            ("架空　花子", Representation::Phonetic)
        );
        assert_eq!(Doctor::of(field(2).first()).full(), "医師一郎");
        assert_eq!(Address::of(field(3).first()).text, "東京都港区架空町１");
        assert_eq!(Address::of(field(4).first()).text, "東京都港区２丁目");
        let numbers: Vec<_> = Phone::all(field(5)).map(|phone| phone.number.into_owned()).collect();
        assert_eq!(numbers, ["03-0000-2222", "03-0000-1111", "81-3-12345678"]);
    }
}
