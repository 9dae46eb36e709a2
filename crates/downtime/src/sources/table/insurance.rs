//! 保険・公費: one row is one insurance of one patient, as the EHR last knew it.
//!
//! What decides whether an insurance may be printed (its days) must be readable: a row whose end cannot be read is left out and told,
//! because without its end it would look as if it held. What is over by its own date stays, and is seen to be over on the day it is looked at.
//! Nothing is looked up, and no digit is mended.

use chart::Severity;
use chart::coverage::{Coverage, PublicPayer};
use chart::id::half_width_text;
use chart::rx::{Burden, Member};
use jiff::civil::Date;

use super::cell::Cell;
use super::plan::Fields;
use super::take::{Take, short};

/// Days from this year on mean that there is no end (9999年12月31日 in many systems).
const NO_END_YEAR: i16 = 2200;

/// 保険・公費 bound to columns.
#[derive(Debug)]
pub struct InsurancePlan {
    /// 保険者番号
    pub insurer: Option<Cell>,
    /// 第一公費 第二公費
    pub public: [PublicCells; 2],
    kind: Option<Cell>,
    symbol: Option<Cell>,
    number: Option<Cell>,
    branch: Option<Cell>,
    member: Option<Cell>,
    burden: Option<Cell>,
    share: Option<Cell>,
    valid_from: Option<Cell>,
    valid_until: Option<Cell>,
}

/// One 公費 bound to columns.
#[derive(Debug)]
pub struct PublicCells {
    /// 負担者番号
    pub payer: Option<Cell>,
    recipient: Option<Cell>,
    until: Option<Cell>,
}

/// What a row said.
pub struct InsuranceRow {
    /// The insurance; `None` when the row names none, or when its days cannot be read.
    pub coverage: Option<Coverage>,
    /// Something of the row that decides could not be read.
    pub unsure: bool,
}

impl InsurancePlan {
    /// Binds the fields.
    pub fn bind(fields: &mut Fields<'_, '_>) -> Self {
        let mut public = |payer, recipient, until| PublicCells {
            payer: fields.one(payer),
            recipient: fields.one(recipient),
            until: fields.one(until),
        };
        let public = [
            public("payer_1", "recipient_1", "until_1"),
            public("payer_2", "recipient_2", "until_2"),
        ];
        Self {
            public,
            insurer: fields.one("insurer"),
            kind: fields.one("kind"),
            symbol: fields.one("symbol"),
            number: fields.one("number"),
            branch: fields.one("branch"),
            member: fields.one("member"),
            burden: fields.one("burden"),
            share: fields.one("share"),
            valid_from: fields.one("valid_from"),
            valid_until: fields.one("valid_until"),
        }
    }

    /// The columns that say when something begins or ends.
    pub fn ends(&self) -> [(&'static str, Option<&Cell>); 4] {
        let [first, second] = &self.public;
        [
            ("valid_from", self.valid_from.as_ref()),
            ("valid_until", self.valid_until.as_ref()),
            ("until_1", first.until.as_ref()),
            ("until_2", second.until.as_ref()),
        ]
    }

    /// Reads one insurance.
    pub fn read<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> InsuranceRow {
        let mut unsure = false;
        let mut coverage = Coverage {
            kind: take.text(self.kind.as_ref()),
            insurer: digits(take, self.insurer.as_ref()),
            symbol: take.text(self.symbol.as_ref()),
            number: take.text(self.number.as_ref()),
            branch: branch(digits(take, self.branch.as_ref())),
            member: take.word(self.member.as_ref(), member, "本人・家族").flatten(),
            burden: take.word(self.burden.as_ref(), burden, "一部負担区分").flatten(),
            share: self.share(take),
            ..Coverage::default()
        };
        for cells in &self.public {
            let payer = digits(take, cells.payer.as_ref());
            if payer.is_empty() {
                continue;
            }
            match end(take, cells.until.as_ref()) {
                Ok(valid_until) => coverage.public.push(PublicPayer {
                    payer,
                    recipient: digits(take, cells.recipient.as_ref()),
                    valid_until,
                }),
                Err(()) => unsure = true,
            }
        }
        let says_something = !coverage.insurer.is_empty() || !coverage.public.is_empty();
        match (
            end(take, self.valid_from.as_ref()),
            end(take, self.valid_until.as_ref()),
        ) {
            (Ok(from), Ok(until)) => (coverage.valid_from, coverage.valid_until) = (from, until),
            _ => {
                return InsuranceRow {
                    coverage: None,
                    unsure: true,
                };
            }
        }
        tell_wrong(&coverage, take);
        InsuranceRow {
            coverage: says_something.then_some(coverage),
            unsure,
        }
    }

    fn share<'t>(&'t self, take: &mut Take<'_, '_, 't>) -> Option<u8> {
        let cell = self.share.as_ref()?;
        let text = take.seen(Some(cell));
        let read = share(&text);
        if read.is_none() && !text.trim().is_empty() {
            let message = format!("負担割合「{}」を読めません。空として扱いました。", short(&text));
            take.sink
                .tell("number.unreadable", Severity::Warning, &cell.title, message);
        }
        read
    }
}

/// Digits in half width, without what stands around them; anything else stays as it is, to be found wrong.
fn digits<'t>(take: &mut Take<'_, '_, 't>, cell: Option<&'t Cell>) -> String {
    half_width_text(&take.seen(cell)).trim().to_owned()
}

/// 枝番 has two digits; sources write 1 for 01.
fn branch(text: String) -> String {
    if text.len() == 1 && text.bytes().all(|b| b.is_ascii_digit()) {
        format!("0{text}")
    } else {
        text
    }
}

/// A first or last day; `Ok(None)` when there is none, an error when there is one that cannot be read.
fn end<'t>(take: &mut Take<'_, '_, 't>, cell: Option<&'t Cell>) -> Result<Option<Date>, ()> {
    let text = take.seen(cell);
    let text = text.trim();
    // 00000000, 99999999: the ways of old systems to say "none".
    if text.is_empty() || text.chars().all(|c| matches!(c, '0' | '/' | '-')) || text.chars().all(|c| c == '9') {
        return Ok(None);
    }
    match take.date(cell) {
        Some(date) => Ok((date.year() < NO_END_YEAR).then_some(date)),
        None => Err(()),
    }
}

fn tell_wrong(coverage: &Coverage, take: &mut Take<'_, '_, '_>) {
    let public = coverage.public.iter().find_map(PublicPayer::fault);
    if let Some(field) = coverage.fault().or(public) {
        let message = format!(
            "保険の「{field}」の桁数か検証番号が合いません。処方箋には印刷せず、欄を空にします。保険証を見て電子カルテの登録を確かめてください。"
        );
        take.sink.tell("insurance.wrong", Severity::Warning, field, message);
    }
}

/// Reads 本人 家族; an empty text is unknown.
#[must_use]
pub fn member(text: &str) -> Option<Option<Member>> {
    Some(match text.trim() {
        "" => None,
        "本人" | "被保険者" | "世帯主" | "組合員" => Some(Member::Insured),
        "家族" | "被扶養者" => Some(Member::Dependent),
        _ => return None,
    })
}

/// Reads 高一 高７ 高８ ６歳; an empty text is none.
#[must_use]
pub fn burden(text: &str) -> Option<Option<Burden>> {
    Some(match half_width_text(text.trim()).as_ref() {
        "" => None,
        "高一" => Some(Burden::ElderlyUsual),
        "高7" => Some(Burden::Elderly70),
        "高8" => Some(Burden::Elderly80),
        "6歳" => Some(Burden::Infant),
        _ => return None,
    })
}

/// Reads 3割, 30%, 30, 3 and 0.3 as tenths; more than the whole is no share.
#[must_use]
pub fn share(text: &str) -> Option<u8> {
    let folded = half_width_text(text.trim());
    let text = folded.trim_end_matches(['割', '%', '％']);
    let tenths = match text.strip_prefix("0.") {
        Some(rest) if rest.len() == 1 => rest.parse().ok()?,
        Some(_) => return None,
        None => text.parse::<u8>().ok()?,
    };
    let percent = folded.ends_with(['%', '％']) || tenths > 10;
    let tenths = match (percent, tenths % 10) {
        (true, 0) => tenths / 10,
        (true, _) => return None,
        (false, _) => tenths,
    };
    (tenths <= 10).then_some(tenths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_in_the_ways_they_are_written() {
        for text in ["3", "3割", "３割", "30%", "30", "0.3"] {
            assert_eq!(share(text), Some(3), "{text}");
        }
        for (text, tenths) in [("0", 0), ("10割", 10), ("100", 10), ("１０％", 1)] {
            assert_eq!(share(text), Some(tenths), "{text}");
        }
        for text in ["", "15", "0.35", "三割", "110", "-1"] {
            assert_eq!(share(text), None, "{text}");
        }
    }

    #[test]
    fn closed_words() {
        assert_eq!(member("被扶養者"), Some(Some(Member::Dependent)));
        assert_eq!(member("1"), None);
        assert_eq!(burden("高７"), Some(Some(Burden::Elderly70)));
        assert_eq!(burden("高い"), None);
        assert_eq!(branch("1".to_owned()), "01");
        assert_eq!(branch("x".to_owned()), "x");
    }
}
