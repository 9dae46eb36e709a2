//! File names with a day in them: which files of a folder belong to which entry of the mapping.
//!
//! `*` stands for any text, `{date:YYYYMMDD}` for the day that is being extracted, `{written:YYYYMMDDhhmm}` for the time at
//! which the export was written. A file of another day never matches: yesterday's list must not pass as today's.

use chart::Moment;
use jiff::civil::{Date, DateTime};
use unicode_normalization::UnicodeNormalization;

/// A parsed file name pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Any,
    Date(Vec<Token>),
    Written(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Year4,
    Year2,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Text(char),
}

/// The files of a folder that one pattern takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// Files to read, by name, with the time of writing that their name holds.
    pub files: Vec<(String, Option<Moment>)>,
    /// Files that match but were written earlier than the one taken.
    pub older: Vec<String>,
    /// Files that would match on another day.
    pub other_days: Vec<String>,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in Japanese.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("ファイル名が空です".to_owned());
        }
        if text.contains(['/', '\\']) {
            return Err(format!(
                "ファイル名「{text}」にフォルダの区切りは書けません。出力フォルダの中の名前だけを書いてください"
            ));
        }
        let folded = fold(text);
        let mut rest = folded.as_str();
        let mut parts = Vec::new();
        while let Some(at) = rest.find(['*', '{']) {
            let (before, found) = rest.split_at(at);
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            if let Some(after) = found.strip_prefix('*') {
                parts.push(Part::Any);
                rest = after;
                continue;
            }
            // The braces were looked for in folded text; the forms inside are case-sensitive and come from the original.
            let (inside, after) = found
                .strip_prefix('{')
                .and_then(|f| f.split_once('}'))
                .ok_or_else(|| format!("「{text}」の {{ が閉じていません"))?;
            parts.push(placeholder(&original(text, inside), text)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let stars = parts.iter().filter(|part| matches!(part, Part::Any)).count();
        if stars > 4 {
            return Err(format!("「{text}」の * が多すぎます（4つまで）"));
        }
        Ok(Self { parts })
    }

    /// True when the file's name holds the day of its rows.
    #[must_use]
    pub fn names_the_day(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Date(_)))
    }

    /// Picks the files of a folder for one day; with `{written:…}` only the one written last.
    #[must_use]
    pub fn choose(&self, names: &[String], day: Date) -> Chosen {
        let mut chosen = Chosen::default();
        for name in names {
            let folded = fold(name);
            if let Some(written) = self.matches(&folded, Some(day)) {
                chosen.files.push((name.clone(), written));
            } else if self.matches(&folded, None).is_some() {
                chosen.other_days.push(name.clone());
            }
        }
        chosen.files.sort();
        if self.parts.iter().any(|part| matches!(part, Part::Written(_))) {
            let newest = chosen.files.iter().filter_map(|(_, written)| *written).max();
            let (newest_files, older): (Vec<_>, Vec<_>) =
                chosen.files.drain(..).partition(|(_, written)| *written == newest);
            chosen.files = newest_files;
            chosen.older = older.into_iter().map(|(name, _)| name).collect();
        }
        chosen
    }

    /// Matches a folded name; without a day any digits stand for the date.
    fn matches(&self, name: &str, day: Option<Date>) -> Option<Option<Moment>> {
        let mut written = None;
        walk(&self.parts, name, day, &mut written).then_some(written)
    }
}

fn fold(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).collect()
}

fn original(text: &str, inside: &str) -> String {
    let composed: String = text.nfc().collect();
    composed
        .split('{')
        .filter_map(|part| part.split_once('}'))
        .map(|(candidate, _)| candidate)
        .find(|candidate| fold(candidate) == inside)
        .unwrap_or(inside)
        .to_owned()
}

fn placeholder(inside: &str, whole: &str) -> Result<Part, String> {
    let (name, form) = inside.split_once(':').ok_or_else(|| {
        format!("「{whole}」の {{{inside}}} は {{date:YYYYMMDD}} か {{written:YYYYMMDDhhmm}} の形で書いてください")
    })?;
    let tokens = tokens(form).ok_or_else(|| {
        format!("「{whole}」の日付の形「{form}」を読めません（YYYY 年、YY 年2桁、MM 月、DD 日、hh 時、mm 分、ss 秒）")
    })?;
    let has = |token: &Token| tokens.contains(token);
    let whole_day = (has(&Token::Year4) || has(&Token::Year2)) && has(&Token::Month) && has(&Token::Day);
    match name {
        "date" if whole_day => Ok(Part::Date(tokens)),
        "written" if whole_day => Ok(Part::Written(tokens)),
        "date" | "written" => Err(format!("「{whole}」の {{{inside}}} に年・月・日がそろっていません")),
        _ => Err(format!(
            "「{whole}」の {{{inside}}} は知らない名前です（date か written）"
        )),
    }
}

fn tokens(form: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = form;
    while !rest.is_empty() {
        let known = [
            ("YYYY", Token::Year4),
            ("YY", Token::Year2),
            ("MM", Token::Month),
            ("DD", Token::Day),
            ("hh", Token::Hour),
            ("HH", Token::Hour),
            ("mm", Token::Minute),
            ("ss", Token::Second),
        ]
        .into_iter()
        .find_map(|(word, token)| rest.strip_prefix(word).map(|after| (token, after)));
        if let Some((token, after)) = known {
            out.push(token);
            rest = after;
            continue;
        }
        let mut chars = rest.chars();
        let c = chars.next()?;
        if c.is_ascii_alphanumeric() {
            return None;
        }
        out.push(Token::Text(c));
        rest = chars.as_str();
    }
    Some(out)
}

fn walk(parts: &[Part], name: &str, day: Option<Date>, written: &mut Option<Moment>) -> bool {
    let Some((part, others)) = parts.split_first() else {
        return name.is_empty();
    };
    match part {
        Part::Text(text) => name
            .strip_prefix(text.as_str())
            .is_some_and(|rest| walk(others, rest, day, written)),
        Part::Any => {
            let mut rest = name;
            loop {
                if walk(others, rest, day, written) {
                    return true;
                }
                let mut chars = rest.chars();
                if chars.next().is_none() {
                    return false;
                }
                rest = chars.as_str();
            }
        }
        Part::Date(tokens) => take(tokens, name).is_some_and(|(found, rest)| {
            let fits = day.is_none_or(|day| found.fits(day));
            fits && walk(others, rest, day, written)
        }),
        Part::Written(tokens) => {
            let Some((found, rest)) = take(tokens, name) else {
                return false;
            };
            let Some(at) = found.moment() else { return false };
            *written = Some(at);
            walk(others, rest, day, written)
        }
    }
}

/// The numbers found where a pattern has its tokens.
#[derive(Default)]
struct Numbers {
    year: Option<i16>,
    year2: Option<i16>,
    month: i8,
    day: i8,
    hour: i8,
    minute: i8,
    second: i8,
}

impl Numbers {
    fn fits(&self, day: Date) -> bool {
        self.year.is_none_or(|year| year == day.year())
            && self.year2.is_none_or(|year| year == day.year().rem_euclid(100))
            && self.month == day.month()
            && self.day == day.day()
    }

    fn moment(&self) -> Option<Moment> {
        let year = self.year.or(self.year2.map(|year| 2000 + year))?;
        DateTime::new(year, self.month, self.day, self.hour, self.minute, self.second, 0)
            .ok()
            .map(Moment::from_local)
    }
}

fn take<'n>(tokens: &[Token], name: &'n str) -> Option<(Numbers, &'n str)> {
    let mut found = Numbers::default();
    let mut rest = name;
    for token in tokens {
        if let Token::Text(c) = token {
            rest = rest.strip_prefix(*c)?;
            continue;
        }
        let length = if *token == Token::Year4 { 4 } else { 2 };
        let digits = rest.get(..length).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
        rest = rest.get(length..)?;
        let small = || digits.parse::<i8>().ok();
        match token {
            Token::Year4 => found.year = Some(digits.parse().ok()?),
            Token::Year2 => found.year2 = Some(digits.parse().ok()?),
            Token::Month => found.month = small()?,
            Token::Day => found.day = small()?,
            Token::Hour => found.hour = small()?,
            Token::Minute => found.minute = small()?,
            Token::Second => found.second = small()?,
            Token::Text(_) => {}
        }
    }
    Some((found, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|s| (*s).to_owned()).collect()
    }

    fn chosen(pattern: &str, list: &[&str]) -> Vec<String> {
        let chosen = Pattern::parse(pattern)
            .unwrap()
            .choose(&names(list), date(2026, 11, 20));
        chosen.files.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn the_day_must_fit() {
        let list = ["予約一覧_20261119.csv", "予約一覧_20261120.csv", "予約14日.csv"];
        assert_eq!(chosen("予約一覧_{date:YYYYMMDD}.csv", &list), ["予約一覧_20261120.csv"]);
        assert_eq!(
            chosen("APPT_{date:YY-MM-DD}.CSV", &["appt_26-11-20.csv"]),
            ["appt_26-11-20.csv"]
        );
        let pattern = Pattern::parse("予約一覧_{date:YYYYMMDD}.csv").unwrap();
        assert!(pattern.names_the_day());
        assert_eq!(pattern.choose(&names(&list), date(2026, 11, 21)).other_days.len(), 2);
    }

    #[test]
    fn stars_take_parts_and_decomposed_names_match() {
        assert_eq!(
            chosen("lab_*.csv", &["lab_2.csv", "lab_1.csv", "rx.csv"]),
            ["lab_1.csv", "lab_2.csv"]
        );
        assert_eq!(chosen("*", &["a"]), ["a"]);
        assert_eq!(chosen("ガ.csv", &["カ\u{3099}.csv"]), ["カ\u{3099}.csv"]);
    }

    #[test]
    fn of_several_generations_the_last_written_is_taken() {
        let list = ["x_202611192300.csv", "x_202611200005.csv", "x_20261120.csv"];
        let chosen = Pattern::parse("x_{written:YYYYMMDDhhmm}.csv")
            .unwrap()
            .choose(&names(&list), date(2026, 11, 20));
        assert_eq!(chosen.files.len(), 1);
        assert_eq!(chosen.files[0].0, "x_202611200005.csv");
        assert_eq!(chosen.files[0].1.unwrap().text(), "2026-11-20 00:05");
        assert_eq!(chosen.older, ["x_202611192300.csv"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for bad in [
            "",
            "a/b.csv",
            "x_{date}.csv",
            "x_{date:YYYY}.csv",
            "x_{day:YYYYMMDD}.csv",
            "x_{date:YYYYMMDD.csv",
            "*a*b*c*d*e",
        ] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
