//! What few patients read besides Japanese. By position, so that nobody else changes and a small hospital has some too.
//!
//! Names say nothing about it: who has lived here for long may have any name.

/// A language as the two shapes write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// As shape A writes it: `英語`.
    pub word: &'static str,
    /// As shape B writes it, ISO 639-1: `en`.
    pub code: &'static str,
}

/// Nobody below this position: the particulars of the hazards stay what they are described as.
const FIRST: u32 = 40;

/// Every how many, at which remainder, which. English is 2.5 %; for the others there may be no words on paper.
const READ: [(u32, u32, Language); 4] = [
    (
        40,
        5,
        Language {
            word: "英語",
            code: "en",
        },
    ),
    (
        100,
        58,
        Language {
            word: "ベトナム語",
            code: "vi",
        },
    ),
    (
        100,
        52,
        Language {
            word: "ネパール語",
            code: "ne",
        },
    ),
    (
        200,
        49,
        Language {
            word: "中国語",
            code: "zh",
        },
    ),
];

/// What the patient at this position reads besides Japanese; nothing for most.
pub(crate) fn of(number: u32) -> Option<Language> {
    let fitting = |(every, at, _): &&(u32, u32, Language)| number >= FIRST && number % every == *at;
    READ.iter().find(fitting).map(|(.., language)| *language)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn two_to_three_in_a_hundred_read_english_and_a_few_something_else() {
        let read = |code| (1..=10_000).filter(|n| of(*n).is_some_and(|l| l.code == code)).count();
        assert!((200..=300).contains(&read("en")), "{}", read("en"));
        for code in ["vi", "ne", "zh"] {
            assert!((40..=110).contains(&read(code)), "{code}");
        }
        let small: Vec<&str> = (1..=60).filter_map(of).map(|l| l.code).collect();
        assert_eq!(small, ["en", "zh", "ne", "vi"]);
    }
}
