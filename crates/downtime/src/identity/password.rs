//! Which passwords are taken: long enough for what stands beside them, and not among those that are guessed first.
//!
//! No rules of composition and no periodic change (NIST SP 800-63B-4 §3.1.1.2; MHLW guideline Q&A シQ-54 (a), (c)). Guessing
//! is estimated against embedded lists of common passwords, words, names and keyboard runs, and against what is known of the
//! person and the hospital. What a password opens is the slot's matter, not this room's.

use unicode_normalization::UnicodeNormalization;

/// Shortest password where it stands alone (NIST SP 800-63B-4 for a single factor; the ministry's Q&A シQ-54 (a) asks 13).
pub const MIN_ALONE: usize = 15;

/// Shortest password beside a continuity badge (シQ-54 (c)).
pub const MIN_WITH_BADGE: usize = 8;

/// Longest password in characters; longer ones are refused before any work is done.
pub const MAX_CHARS: usize = 256;

/// Why a password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short.
    #[error("パスワードが短すぎます。{0} 文字以上にしてください")]
    Short(usize),
    /// Too long.
    #[error("パスワードが長すぎます。{MAX_CHARS} 文字以下にしてください")]
    Long,
    /// Among the first that are tried.
    #[error(
        "よく使われる言葉・並び、または氏名・職員番号・病院名から推測できるパスワードです。登録していません。関係のない言葉をいくつか並べてください"
    )]
    Guessable,
}

/// Judges a password for somebody about whom `known` things are public: number, name, hospital.
///
/// # Errors
/// [`Weak`], with what to do.
pub fn judge(password: &str, with_badge: bool, known: &[&str]) -> Result<(), Weak> {
    let password: String = password.nfkc().take(MAX_CHARS + 1).collect();
    let length = password.chars().count();
    let least = if with_badge { MIN_WITH_BADGE } else { MIN_ALONE };
    if length > MAX_CHARS {
        return Err(Weak::Long);
    }
    if length < least {
        return Err(Weak::Short(least));
    }
    let known: Vec<String> = known
        .iter()
        .map(|text| {
            text.nfkc()
                .filter(|c| !c.is_whitespace())
                .collect::<String>()
                .to_lowercase()
        })
        .filter(|text| !text.is_empty())
        .collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    if is_one_character(&password) || zxcvbn::zxcvbn(&password, &known).score() < zxcvbn::Score::Three {
        return Err(Weak::Guessable);
    }
    Ok(())
}

fn is_one_character(password: &str) -> bool {
    let mut characters = password.chars();
    let first = characters.next();
    characters.all(|c| Some(c) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 3] = ["1001", "田中　恵", "Akari General Hospital"];

    #[test]
    fn length_depends_on_what_stands_beside_it() {
        assert_eq!(judge("gz7-plum-kite", false, &KNOWN), Err(Weak::Short(MIN_ALONE)));
        assert_eq!(judge("gz7-plum-kite", true, &KNOWN), Ok(()));
        assert_eq!(judge("q8#Tz", true, &KNOWN), Err(Weak::Short(MIN_WITH_BADGE)));
        assert_eq!(judge(&"ながい".repeat(100), false, &KNOWN), Err(Weak::Long));
    }

    #[test]
    fn what_is_guessed_first_is_refused_however_long() {
        for bad in [
            "password1234567",
            "passwordpassword",
            "qwertyuiopasdfgh",
            "aaaaaaaaaaaaaaaaaaaa",
            "あああああああああああああああ",
            "123456789012345",
            "abcdefghijklmnop",
            "ｐａｓｓｗｏｒｄ１２３４５６７",
        ] {
            assert_eq!(judge(bad, false, &KNOWN), Err(Weak::Guessable), "{bad}");
        }
        assert_eq!(
            judge("akarigeneralhospital", true, &["akarigeneralhospital"]),
            Err(Weak::Guessable)
        );
    }

    #[test]
    fn plain_words_side_by_side_are_welcome() {
        assert_eq!(judge("あさひ-うみ-やまびこ-とびら-47", false, &KNOWN), Ok(()));
        assert_eq!(judge("correct horse umbrella lamp", false, &KNOWN), Ok(()));
    }
}
