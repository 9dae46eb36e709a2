//! The data types of HL7 v2.5 as they are used in Japan: who, where, what, how much, when.
//!
//! Readers take what a hospital's system really sends: components shifted by one, coding systems with blanks around them, whole names in
//! the family name. They say what stands there and never decide what it means: which name is shown, whether a code is known.

mod people;
mod stamp;
mod timing;

use std::borrow::Cow;

pub use people::{Address, Doctor, PersonName, Phone, Representation};
pub use stamp::{Precision, Stamp};
pub use timing::{Quantity, Timing, Usage};

use crate::{Component, Repetition};

/// CWE, CNE, CE: a code with its text in a coding system, and the same in a second one (often the site's own).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coded<'a> {
    /// The code.
    pub code: Cow<'a, str>,
    /// Its text.
    pub text: Cow<'a, str>,
    /// The coding system: `HOT9`, `JC10`, `99xxx` for the site's own.
    pub system: Cow<'a, str>,
    /// The code in the second system.
    pub other_code: Cow<'a, str>,
    /// Its text there.
    pub other_text: Cow<'a, str>,
    /// The second coding system.
    pub other_system: Cow<'a, str>,
}

impl<'a> Coded<'a> {
    /// From components, from `first` on (1 where the repetition is the code).
    #[must_use]
    pub fn from_components(repetition: Repetition<'a>, first: usize) -> Self {
        Self::from_parts(|number| trimmed(repetition.component(first + number - 1).text()))
    }

    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        Self::from_components(repetition, 1)
    }

    /// From the sub-components of one component, as in RPT (TQ1-3) and CQ.
    #[must_use]
    pub fn of_subs(component: Component<'a>) -> Self {
        Self::from_parts(|number| trimmed(component.sub(number).text()))
    }

    fn from_parts(part: impl Fn(usize) -> Cow<'a, str>) -> Self {
        Self {
            code: part(1),
            text: part(2),
            system: part(3),
            other_code: part(4),
            other_text: part(5),
            other_system: part(6),
        }
    }

    /// Nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.code.is_empty() && self.text.is_empty() && self.other_code.is_empty() && self.other_text.is_empty()
    }

    /// The code in this system, whichever of the two it is.
    #[must_use]
    pub fn in_system(&self, system: &str) -> Option<&str> {
        let said = |code: &'_ Cow<'a, str>, named: &str| named == system && !code.is_empty();
        if said(&self.code, &self.system) {
            Some(&self.code)
        } else {
            said(&self.other_code, &self.other_system).then_some(&*self.other_code)
        }
    }

    /// The text staff know: the site's own where there is one, else the standard one, else the code.
    #[must_use]
    pub fn label(&self) -> &str {
        let local = |system: &str| system.starts_with("99");
        let texts = if local(&self.other_system) && !local(&self.system) {
            [&self.other_text, &self.text]
        } else {
            [&self.text, &self.other_text]
        };
        let named = texts.into_iter().find(|text| !text.is_empty());
        named.map_or(&*self.code, |text| &**text)
    }
}

/// CX: an identifier with its type (`PI` for the hospital's patient number) and who assigned it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identifier<'a> {
    /// The identifier.
    pub id: Cow<'a, str>,
    /// Component 4: who assigned it; its namespace.
    pub authority: Cow<'a, str>,
    /// Component 5.
    pub kind: Cow<'a, str>,
}

impl<'a> Identifier<'a> {
    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        Self {
            id: trimmed(repetition.component(1).text()),
            authority: trimmed(repetition.component(4).sub(1).text()),
            kind: trimmed(repetition.component(5).text()),
        }
    }
}

/// PL: a place. For inpatients ward, room and bed; for outpatients the department in the first component.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place<'a> {
    /// Component 1: the ward, or the department.
    pub point: Cow<'a, str>,
    /// Component 2: the room.
    pub room: Cow<'a, str>,
    /// Component 3: the bed.
    pub bed: Cow<'a, str>,
    /// Component 6: `N` ward, `C` clinic, `D` department. Read from 5 or 4 where a system puts it there.
    pub kind: Cow<'a, str>,
}

impl<'a> Place<'a> {
    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        let text = |number: usize| trimmed(repetition.component(number).text());
        let kinds = ["N", "C", "D"];
        let kind = [6, 5, 4].into_iter().map(text).find(|kind| kinds.contains(&&**kind));
        Self {
            point: text(1),
            room: text(2),
            bed: text(3),
            kind: kind.unwrap_or_else(|| text(6)),
        }
    }

    /// Nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.point.is_empty() && self.room.is_empty() && self.bed.is_empty()
    }
}

/// EI and what is built on it (EIP's first half): a number with its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Number<'a> {
    /// The number.
    pub id: Cow<'a, str>,
    /// Its namespace, mostly empty.
    pub namespace: Cow<'a, str>,
}

impl<'a> Number<'a> {
    /// From a repetition: EI, components.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        Self {
            id: trimmed(repetition.component(1).text()),
            namespace: trimmed(repetition.component(2).text()),
        }
    }

    /// One half of an EIP (ORC-8, OBR-29): 1 the placer's number, 2 the filler's; each is an EI in sub-components.
    #[must_use]
    pub fn of_half(repetition: Repetition<'a>, half: usize) -> Self {
        let component = repetition.component(half);
        Self {
            id: trimmed(component.sub(1).text()),
            namespace: trimmed(component.sub(2).text()),
        }
    }
}

/// PRL (OBR-26): the result that this one belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParentResult<'a> {
    /// What was examined: OBX-3 of the parent.
    pub observation: Coded<'a>,
    /// OBX-4 of the parent.
    pub sub_id: Cow<'a, str>,
    /// OBX-5 of the parent, as text: the organism.
    pub value: Cow<'a, str>,
}

impl<'a> ParentResult<'a> {
    /// From a repetition.
    #[must_use]
    pub fn of(repetition: Repetition<'a>) -> Self {
        Self {
            observation: Coded::of_subs(repetition.component(1)),
            sub_id: trimmed(repetition.component(2).text()),
            value: trimmed(repetition.component(3).text()),
        }
    }
}

/// DR (SPM-17): from when to when. A lone time is its beginning.
#[must_use]
pub fn span(repetition: Repetition<'_>) -> (Option<Stamp>, Option<Stamp>) {
    let part = |number: usize| Stamp::read(&repetition.component(number).text());
    (part(1), part(2))
}

/// Without blanks around it, and without the `""` that says "no value".
fn trimmed(text: Cow<'_, str>) -> Cow<'_, str> {
    let blank = |c: char| c.is_whitespace();
    let within = match &text {
        Cow::Borrowed(text) => return Cow::Borrowed(without_null(text.trim_matches(blank))),
        Cow::Owned(text) => without_null(text.trim_matches(blank)).to_owned(),
    };
    Cow::Owned(within)
}

fn without_null(text: &str) -> &str {
    if text == "\"\"" { "" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    fn first<'a>(message: &Message<'a>, segment: &str, number: usize) -> Repetition<'a> {
        message.field(segment, number).first()
    }

    #[test]
    fn codes_places_numbers() {
        let head = "MSH|^~\\&|A\rPV1|1|I|05E^512^2^^^N|||32^302^^^^N\rPV2|1|32^302^1^N\r\
                    OBX|1|NM|3H015000002326101^Ｋ^JC10 ^0181^カリウム^99LAB||\"\"|mmol/L\r\
                    TQ1|1||1012040400000000&内服・経口・１日２回朝夕食後&JAMISDP01|||14^d\r";
        let text = format!("{head}OBR|1|A^N{}6B010&培養&JC10^1^大腸菌|||12&X^34\r", "|".repeat(24));
        let message = Message::parse(&text).unwrap();
        let place = Place::of(first(&message, "PV1", 3));
        assert_eq!(
            (&*place.point, &*place.room, &*place.bed, &*place.kind),
            ("05E", "512", "2", "N")
        );
        assert_eq!(Place::of(first(&message, "PV1", 6)).bed, "");
        assert_eq!(Place::of(first(&message, "PV2", 2)).kind, "N", "shifted");
        let item = Coded::of(first(&message, "OBX", 3));
        assert_eq!(
            (item.label(), item.in_system("JC10"), item.in_system("99LAB")),
            ("カリウム", Some("3H015000002326101"), Some("0181"))
        );
        assert!(Coded::of(first(&message, "OBX", 5)).is_empty(), "a null is no code");
        let usage = Coded::of_subs(message.field("TQ1", 3).component(1));
        assert_eq!((&*usage.code, &*usage.system), ("1012040400000000", "JAMISDP01"));
        assert_eq!(Number::of(first(&message, "OBR", 2)).namespace, "N");
        assert_eq!(ParentResult::of(first(&message, "OBR", 26)).value, "大腸菌");
        assert_eq!(Number::of_half(first(&message, "OBR", 29), 2).id, "34");
    }
}
