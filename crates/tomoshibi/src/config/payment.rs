//! `[payment]`: what the hospital says about payments put off to another day (S32, F16).

use anyhow::{Result, bail};
use downtime::forms::PaymentRules;
use serde::Deserialize;

/// Most services and fees offered as ticks beside those the entries know.
const MAX_FEES: usize = 24;
/// Longest name of one, in characters: it must fit beside its box.
const MAX_FEE: usize = 20;
/// Farthest day of payment.
const MAX_DAYS: u16 = 180;

/// `[payment]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Payment {
    /// Services and fees offered as ticks, such as those easily forgotten; a usual list when absent.
    fees: Option<Vec<String>>,
    /// Phone for questions; that for appointments when absent.
    phone: String,
    /// Its hours.
    hours: String,
    /// Days until it can be paid.
    from_days: Option<u16>,
    /// Days until it must be.
    until_days: Option<u16>,
}

impl Payment {
    /// As the desk uses it.
    ///
    /// # Errors
    /// When the file says what cannot be printed or does not go together.
    pub fn rules(&self) -> Result<PaymentRules> {
        let usual = PaymentRules::default();
        let fees = self.fees.clone().unwrap_or(usual.fees);
        let bad = fees
            .iter()
            .find(|fee| fee.trim().is_empty() || fee.chars().count() > MAX_FEE);
        if let Some(bad) = bad {
            bail!("payment.fees の名前は 1–{MAX_FEE} 文字です: 「{bad}」");
        }
        if fees.len() > MAX_FEES {
            bail!("payment.fees は {MAX_FEES} 個までです（{} 個あります）", fees.len());
        }
        let (from_days, until_days) = (
            self.from_days.unwrap_or(usual.from_days),
            self.until_days.unwrap_or(usual.until_days),
        );
        if from_days > until_days || until_days > MAX_DAYS {
            bail!("payment.from_days ≦ payment.until_days ≦ {MAX_DAYS} です（{from_days}、{until_days}）");
        }
        Ok(PaymentRules {
            fees,
            phone: self.phone.trim().to_owned(),
            hours: self.hours.trim().to_owned(),
            from_days,
            until_days,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_refused_with_its_name() {
        let read = |text: &str| toml::from_str::<Payment>(text).unwrap().rules();
        assert!(read("").unwrap().fees.contains(&"時間外".to_owned()));
        let own = read("fees = [\"夜間・早朝\"]\nuntil_days = 30\nphone = \"000-0000-1200\"").unwrap();
        assert_eq!((own.fees.len(), own.from_days, own.until_days), (1, 4, 30));
        for (text, expected) in [
            ("fees = [\"\"]", "fees"),
            ("from_days = 40", "until_days"),
            ("until_days = 200", "until_days"),
        ] {
            assert!(read(text).unwrap_err().to_string().contains(expected), "{text}");
        }
        assert!(
            toml::from_str::<Payment>("fee = 1").is_err(),
            "unknown keys are refused"
        );
    }
}
