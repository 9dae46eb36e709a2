//! One question: the hospital's SQL, with the places for the day, and nothing in it that writes.
//!
//! What keeps the database safe is a read-only account in a read-only transaction. The look at the words here is for the mistake that
//! is noticed before the night, not for an enemy: whoever may write the configuration may ask what the account may ask.

use jiff::civil::Date;

use super::super::Scope;
use super::database::Dialect;

/// Most bytes of one question.
pub const MAX_BYTES: usize = 256 * 1024;

/// Words that write, lock or leave SQL, wherever they stand outside texts, names in quotes and comments.
const WRITING: [&str; 17] = [
    "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "DROP", "ALTER", "CREATE", "GRANT", "REVOKE", "EXEC", "EXECUTE",
    "INTO", "COMMIT", "ROLLBACK", "WAITFOR", "SHUTDOWN",
];

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    name: String,
    parts: Vec<Part>,
}

/// A piece of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// As the hospital wrote it.
    Text(String),
    /// The day, as a date.
    Day,
    /// The day, as text of eight digits.
    DayDigits,
    /// The last day of the thin list, as a date.
    Until,
    /// The same as text of eight digits.
    UntilDigits,
    /// The patients that are wanted, with commas between.
    Patients,
}

/// Why a question cannot be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("問い合わせ {name} の{line}行目: {what}")]
pub struct QuestionFault {
    /// The question.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl Question {
    /// Reads a question. `name` is what the mapping calls its answer.
    ///
    /// # Errors
    /// [`QuestionFault`]: something that writes, several statements, a place that is not known.
    pub fn read(name: &str, text: &str, dialect: Dialect) -> Result<Self, QuestionFault> {
        let fault = |at: usize, what: String| QuestionFault {
            name: name.to_owned(),
            line: text.get(..at).unwrap_or(text).matches('\n').count() + 1,
            what,
        };
        if text.len() > MAX_BYTES {
            return Err(fault(0, format!("長すぎます（{MAX_BYTES}バイトまで）")));
        }
        let text = text.trim_start_matches('\u{FEFF}');
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut words = 0;
        let mut ended = false;
        let mut at = 0;
        while let Some(token) = Token::next(text.get(at..).unwrap_or_default(), dialect) {
            let here = text.get(at..at + token.length()).unwrap_or_default();
            match token {
                Token::Blank(_) => {}
                Token::Semicolon => {
                    ended = true;
                    at += 1;
                    continue;
                }
                _ if ended => {
                    return Err(fault(
                        at,
                        "文は1つだけにしてください（; の後に続きがあります）".to_owned(),
                    ));
                }
                Token::Unclosed(_) => return Err(fault(at, "閉じていない引用符かコメントがあります".to_owned())),
                Token::Place(_) => {
                    let part = match here {
                        ":day" => Part::Day,
                        ":day8" => Part::DayDigits,
                        ":until" => Part::Until,
                        ":until8" => Part::UntilDigits,
                        ":patients" => Part::Patients,
                        other => {
                            let what = format!(
                                "{other} は分かりません。書けるのは :day、:until（日付）、:day8、:until8（8桁の文字）、:patients です"
                            );
                            return Err(fault(at, what));
                        }
                    };
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(part);
                    at += here.len();
                    continue;
                }
                Token::Word(_) => {
                    let word = here.to_ascii_uppercase();
                    if words == 0 && word != "SELECT" && word != "WITH" {
                        return Err(fault(
                            at,
                            format!("{here} で始まっています。SELECT か WITH で始めてください"),
                        ));
                    }
                    if WRITING.contains(&word.as_str()) {
                        let what = format!(
                            "{here} は書けません。問い合わせは読むだけです（列の名前なら引用符で囲んでください）"
                        );
                        return Err(fault(at, what));
                    }
                    words += 1;
                }
                Token::Quoted(_) | Token::Other(_) => {}
            }
            plain.push_str(here);
            at += here.len();
        }
        if words == 0 {
            return Err(fault(0, "問い合わせがありません".to_owned()));
        }
        parts.push(Part::Text(plain));
        Ok(Self {
            name: name.to_owned(),
            parts,
        })
    }

    /// What the mapping calls its answer.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True when it is asked for patients whom another source names.
    #[must_use]
    pub fn asks_for_patients(&self) -> bool {
        self.parts.contains(&Part::Patients)
    }

    /// The SQL for a day and, where it has a place for them, patients.
    #[must_use]
    pub fn text(&self, dialect: Dialect, scope: &Scope, patients: &[String]) -> String {
        let one = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Day => date(dialect, scope.day),
            Part::DayDigits => digits(scope.day),
            Part::Until => date(dialect, scope.last_day()),
            Part::UntilDigits => digits(scope.last_day()),
            Part::Patients if patients.is_empty() => "NULL".to_owned(),
            Part::Patients => patients.iter().map(|id| quoted(id)).collect::<Vec<_>>().join(", "),
        };
        self.parts.iter().map(one).collect()
    }
}

/// A date that no setting of the server reads otherwise.
fn date(dialect: Dialect, day: Date) -> String {
    let iso = chart::date::iso(day);
    match dialect {
        Dialect::PostgreSql | Dialect::MySql => format!("DATE '{iso}'"),
        Dialect::SqlServer => format!("'{}'", iso.replace('-', "")),
        Dialect::Odbc => format!("{{d '{iso}'}}"),
    }
}

/// `'20261120'`, for columns that hold days as text.
fn digits(day: Date) -> String {
    format!("'{}'", chart::date::iso(day).replace('-', ""))
}

/// A patient number as a literal. Numbers are letters, digits and a few marks; whatever else one had is left out, which finds nobody.
fn quoted(id: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ' ');
    format!("'{}'", id.chars().filter(safe).collect::<String>())
}

/// One piece of SQL text with its length in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Blanks and comments.
    Blank(usize),
    /// A name or keyword without quotes.
    Word(usize),
    /// `:name`
    Place(usize),
    /// A text or a name in quotes.
    Quoted(usize),
    /// One that never ends.
    Unclosed(usize),
    /// `;`
    Semicolon,
    /// Anything else.
    Other(usize),
}

impl Token {
    const fn length(self) -> usize {
        match self {
            Self::Blank(n) | Self::Word(n) | Self::Place(n) | Self::Quoted(n) | Self::Unclosed(n) | Self::Other(n) => n,
            Self::Semicolon => 1,
        }
    }

    fn next(text: &str, dialect: Dialect) -> Option<Self> {
        let first = text.chars().next()?;
        let while_true = |from: usize, keep: fn(char) -> bool| {
            let rest = text.get(from..).unwrap_or_default();
            from + rest.find(|c: char| !keep(c)).unwrap_or(rest.len())
        };
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#' | '@');
        let my = dialect == Dialect::MySql;
        if first.is_whitespace() {
            return Some(Self::Blank(while_true(0, char::is_whitespace)));
        }
        if text.starts_with("--") || (my && first == '#') {
            return Some(Self::Blank(while_true(0, |c| c != '\n')));
        }
        if text.starts_with("/*") {
            // What MySQL runs as code is no comment.
            if my && (text.starts_with("/*!") || text.starts_with("/*M!")) {
                return Some(Self::Unclosed(2));
            }
            return Some(comment(text).map_or(Self::Unclosed(2), Self::Blank));
        }
        if text.starts_with("::") {
            return Some(Self::Other(2));
        }
        match first {
            ';' => return Some(Self::Semicolon),
            '\'' | '"' | '`' => return Some(closed(text, first, my && first != '`')),
            '[' if dialect == Dialect::SqlServer => return Some(closed(text, ']', false)),
            '$' if dialect == Dialect::PostgreSql => return Some(dollars(text)),
            _ => {}
        }
        if first == ':'
            && text
                .get(1..)
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        {
            return Some(Self::Place(while_true(1, in_word)));
        }
        // Texts with escapes, whose end is not where the next quote is.
        if dialect == Dialect::PostgreSql && (text.starts_with("E'") || text.starts_with("e'")) {
            return Some(match closed(text.get(1..).unwrap_or_default(), '\'', true) {
                Self::Quoted(n) => Self::Quoted(n + 1),
                _ => Self::Unclosed(1),
            });
        }
        if first.is_alphabetic() || first == '_' {
            return Some(Self::Word(while_true(0, in_word)));
        }
        if first.is_ascii_digit() {
            return Some(Self::Other(while_true(0, in_word)));
        }
        Some(Self::Other(first.len_utf8()))
    }
}

/// The length of a comment, others inside it included.
fn comment(text: &str) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let rest = text.get(at..)?;
        let (open, close) = (rest.find("/*"), rest.find("*/")?);
        if open.is_some_and(|open| open < close) {
            depth += 1;
            at += open? + 2;
        } else {
            depth -= 1;
            at += close + 2;
        }
    }
    Some(at)
}

/// A text up to its closing mark; the mark doubled is one of the text.
fn closed(text: &str, mark: char, escapes: bool) -> Token {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == mark {
            if chars.peek().is_some_and(|(_, next)| *next == mark) {
                chars.next();
            } else {
                return Token::Quoted(at + 1);
            }
        }
    }
    Token::Unclosed(text.len())
}

/// A text between `$tag$` and `$tag$`.
fn dollars(text: &str) -> Token {
    let tag = text.get(1..).and_then(|rest| rest.find('$')).map(|at| at + 2);
    let tag = tag.and_then(|length| text.get(..length));
    let Some(tag) = tag.filter(|tag| tag.trim_matches('$').chars().all(|c| c.is_alphanumeric() || c == '_')) else {
        return Token::Other(1);
    };
    let body = text.get(tag.len()..).unwrap_or_default();
    body.find(tag).map_or(Token::Unclosed(text.len()), |at| {
        Token::Quoted(tag.len() + at + tag.len())
    })
}

#[cfg(test)]
mod tests {
    use chart::Moment;
    use jiff::civil::date;

    use super::*;

    fn scope() -> Scope {
        Scope {
            day: date(2026, 11, 20),
            thin_days: 14,
            now: Moment(0),
            wanted: None,
        }
    }

    fn asked(text: &str, dialect: Dialect) -> String {
        let question = Question::read("q.sql", text, dialect).unwrap();
        question.text(dialect, &scope(), &["0001".to_owned(), "00'02".to_owned()])
    }

    #[test]
    fn places_become_literals_outside_texts_and_comments() {
        let text = "-- :day\nSELECT ':day' AS \":day\", x::date /* :until */ FROM t WHERE d = :day AND e <= :until AND id IN (:patients);\n";
        assert_eq!(
            asked(text, Dialect::PostgreSql),
            "-- :day\nSELECT ':day' AS \":day\", x::date /* :until */ FROM t WHERE d = DATE '2026-11-20' AND e <= DATE '2026-12-04' AND id IN ('0001', '0002')\n"
        );
        assert!(
            asked("SELECT [:day] FROM t WHERE d = :day", Dialect::SqlServer)
                .ends_with("SELECT [:day] FROM t WHERE d = '20261120'")
        );
        assert!(asked("SELECT 1 WHERE d = :day", Dialect::Odbc).ends_with("{d '2026-11-20'}"));
        assert!(asked("SELECT 'it\\'s :day' # :day", Dialect::MySql).ends_with("'it\\'s :day' # :day"));
    }

    #[test]
    fn days_as_text_are_eight_digits() {
        assert_eq!(
            asked("SELECT 1 WHERE d >= :day8 AND d <= :until8", Dialect::MySql),
            "SELECT 1 WHERE d >= '20261120' AND d <= '20261204'"
        );
    }

    #[test]
    fn what_writes_is_refused_with_its_line() {
        for (bad, line) in [
            ("UPDATE t SET a = 1", 1),
            ("SELECT 1;\nDELETE FROM t", 2),
            ("WITH x AS (\nDELETE FROM t RETURNING *) SELECT * FROM x", 2),
            ("SELECT * INTO copy FROM t", 1),
            ("SELECT :when", 1),
            ("SELECT 'a", 1),
            ("SELECT 1 /* never", 1),
            ("  \n-- nothing\n", 1),
            ("", 1),
        ] {
            let fault = Question::read("q.sql", bad, Dialect::PostgreSql).unwrap_err();
            assert_eq!(fault.line, line, "{bad}: {fault}");
        }
        assert!(Question::read("q.sql", "SELECT 1 /*! , sleep(9) */", Dialect::MySql).is_err());
        // Names that only look like it.
        for good in [
            "SELECT \"update\", deleted_at, 'DROP' FROM into_t",
            "SELECT updated FROM t",
        ] {
            assert!(Question::read("q.sql", good, Dialect::PostgreSql).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_patient_number_cannot_leave_its_quotes() {
        assert_eq!(quoted("0012-3"), "'0012-3'");
        assert_eq!(quoted("1' OR '1'='1"), "'1 OR 11'");
    }
}
