//! The answer to a message: accepted, failed here, refused as it is.
//!
//! Original mode answers AA, AE, AR. Enhanced mode (MSH-15 or MSH-16 valued) says which answers are wanted; one frame is answered by one
//! frame here, since senders wait for one: a commit answer (CA, CE, CR) where MSH-15 wants it, else an application answer where MSH-16
//! does. It deliberately does not know why something failed; the caller says it in words for the sender's log.

use crate::{Builder, Delimiters, Header};

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is stored, durably.
    Accepted,
    /// It could not be stored now: send it again later.
    Failed,
    /// It is no message that can be taken: sending it again is of no use.
    Refused,
}

/// A condition of table 0357 with words for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// ERR-3: the condition.
    pub condition: Condition,
    /// ERR-2, where it lies: segment and field.
    pub place: Option<(&'static str, u16)>,
    /// What happened, for MSA-3 and ERR-8. ASCII, so that every sender's log shows it.
    pub words: String,
}

/// Table 0357, as far as it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// 100
    SegmentSequence,
    /// 101
    RequiredFieldMissing,
    /// 102
    DataType,
    /// 207
    ApplicationInternal,
}

impl Condition {
    const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::SegmentSequence => ("100", "Segment sequence error"),
            Self::RequiredFieldMissing => ("101", "Required field missing"),
            Self::DataType => ("102", "Data type error"),
            Self::ApplicationInternal => ("207", "Application internal error"),
        }
    }
}

/// Who answers, when, under which number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answerer<'a> {
    /// MSH-3 of the answer.
    pub application: &'a str,
    /// MSH-4 of the answer, where the message did not name a receiving facility.
    pub facility: &'a str,
    /// MSH-7: `YYYYMMDDHHMMSS`.
    pub time: &'a str,
    /// MSH-10, at most 20 characters.
    pub control_id: &'a str,
}

/// Whether a message is in enhanced mode and what it wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Wanted {
    Original,
    Commit,
    Application,
    Nothing,
}

fn wanted(header: &Header<'_>, verdict: Verdict) -> Wanted {
    let (accept, application) = (header.accept_wanted(), header.application_wanted());
    let wants = |said: &str| match said.trim() {
        "AL" => true,
        "ER" => verdict != Verdict::Accepted,
        "SU" => verdict == Verdict::Accepted,
        _ => false,
    };
    match (accept.trim(), application.trim()) {
        ("", "") => Wanted::Original,
        (accept, _) if wants(accept) => Wanted::Commit,
        (_, application) if wants(application) => Wanted::Application,
        _ => Wanted::Nothing,
    }
}

/// The answer, as text whose segments end with CR; `None` when the sender wants none. A message without a readable header is answered
/// with an empty MSA-2.
#[must_use]
pub fn answer(
    header: Option<&Header<'_>>,
    verdict: Verdict,
    trouble: Option<&Trouble>,
    by: &Answerer<'_>,
) -> Option<String> {
    let mode = header.map_or(Wanted::Original, |header| wanted(header, verdict));
    let code = match (mode, verdict) {
        (Wanted::Nothing, _) => return None,
        (Wanted::Commit, Verdict::Accepted) => "CA",
        (Wanted::Commit, Verdict::Failed) => "CE",
        (Wanted::Commit, Verdict::Refused) => "CR",
        (_, Verdict::Accepted) => "AA",
        (_, Verdict::Failed) => "AE",
        (_, Verdict::Refused) => "AR",
    };
    let mut builder = Builder::with(Delimiters::default());
    let said = |get: fn(&Header<'_>) -> String| header.map(get).unwrap_or_default();
    let receiver = said(|header| header.receiving_facility().into_owned());
    let event = said(|header| header.event().into_owned());
    let version = said(|header| header.version().into_owned());
    let processing = said(|header| header.processing_id().into_owned());
    let msh = builder.segment("MSH");
    msh.text(3, by.application)
        .text(4, if receiver.is_empty() { by.facility } else { &receiver })
        .text(5, &said(|header| header.sending_application().into_owned()))
        .text(6, &said(|header| header.sending_facility().into_owned()))
        .text(7, by.time)
        .components(9, &["ACK", &event, "ACK"])
        .text(10, by.control_id)
        .text(11, if processing.is_empty() { "P" } else { &processing })
        .text(12, if version.is_empty() { "2.5" } else { &version });
    if let Some(header) = header.filter(|header| header.character_sets().next().is_some()) {
        for set in header.field(18).repetitions() {
            msh.repeat(18, &[&set.component(1).text()]);
        }
        if header.field(18).raw().starts_with('~') {
            // The first repetition is empty: ASCII, then the others.
            let sets: Vec<_> = header.character_sets().collect();
            msh.raw(18, format!("~{}", sets.join("~")));
        }
        msh.text(20, &header.field(20).text());
    }
    let msa = builder.segment("MSA");
    msa.text(1, code)
        .text(2, &said(|header| header.control_id().into_owned()));
    if let Some(trouble) = trouble {
        msa.text(3, &trouble.words);
        let (number, name) = trouble.condition.code();
        let err = builder.segment("ERR");
        if let Some((segment, field)) = trouble.place {
            err.components(2, &[segment, "1", &field.to_string()]);
        }
        err.components(3, &[number, name, "HL70357"])
            .text(4, "E")
            .text(8, &trouble.words);
    }
    Some(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;

    const BY: Answerer<'_> = Answerer {
        application: "TOMOSHIBI",
        facility: "KAKU",
        time: "20261120093016",
        control_id: "A1",
    };

    fn answered(header: &str, verdict: Verdict, trouble: Option<&Trouble>) -> Option<String> {
        let message = Message::parse(header).unwrap();
        answer(Some(&message.header()), verdict, trouble, &BY)
    }

    #[test]
    fn original_mode() {
        let header = "MSH|^~\\&|HIS|KAKU|GW|RCV|20261120093015.120||ADT^A08^ADT_A01|20261120093015120|P|2.5||||||~ISO IR87||ISO 2022-1994\r";
        assert_eq!(
            answered(header, Verdict::Accepted, None).unwrap(),
            "MSH|^~\\&|TOMOSHIBI|RCV|HIS|KAKU|20261120093016||ACK^A08^ACK|A1|P|2.5||||||~ISO IR87||ISO 2022-1994\rMSA|AA|20261120093015120\r"
        );
        let trouble = Trouble {
            condition: Condition::ApplicationInternal,
            place: None,
            words: "disk full | retry".into(),
        };
        let failed = answered(header, Verdict::Failed, Some(&trouble)).unwrap();
        assert!(failed.ends_with("MSA|AE|20261120093015120|disk full \\F\\ retry\rERR|||207^Application internal error^HL70357|E||||disk full \\F\\ retry\r"), "{failed}");
    }

    #[test]
    fn enhanced_mode_answers_what_is_wanted() {
        let code = |wanted: &str, verdict| {
            let answer = answered(
                &format!("MSH|^~\\&|A|B|||2026||ADT^A01|7|P|2.5|||{wanted}\r"),
                verdict,
                None,
            )?;
            Some(Message::parse(&answer).unwrap().field("MSA", 1).raw().to_owned())
        };
        let some = |code: &str| Some(code.to_owned());
        use Verdict::{Accepted, Failed, Refused};
        assert_eq!(code("AL|NE", Accepted), some("CA"));
        assert_eq!(code("AL|AL", Failed), some("CE"));
        assert_eq!(code("ER|NE", Accepted), None);
        assert_eq!(code("ER|NE", Refused), some("CR"));
        assert_eq!(code("NE|AL", Accepted), some("AA"));
        assert_eq!(code("NE|NE", Accepted), None);
    }

    #[test]
    fn no_header_at_all() {
        let refused = answer(None, Verdict::Refused, None, &BY).unwrap();
        assert_eq!(
            refused,
            "MSH|^~\\&|TOMOSHIBI|KAKU|||20261120093016||ACK^^ACK|A1|P|2.5\rMSA|AR\r"
        );
    }
}
