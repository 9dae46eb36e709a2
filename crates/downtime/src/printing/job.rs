//! One sheet on its way to one printer: what it is, and how far it has come.

use chart::{Author, Moment, Subject};
use minicbor::{Decode, Encode};

/// Name of a job: 8 random bytes, as 16 hexadecimal digits in file names, addresses and the printer's own list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub [u8; 8]);

impl JobId {
    /// 16 digits.
    #[must_use]
    pub fn hex(&self) -> String {
        self.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The reverse of [`Self::hex`]; nothing else is accepted.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let number = u64::from_str_radix(text, 16).ok().filter(|_| plain)?;
        Some(Self(number.to_be_bytes()))
    }
}

/// What is to be printed, without its bytes. It does not change.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Job {
    /// Code of the form, such as `F01`.
    #[n(0)]
    pub form: String,
    /// 帳票番号
    #[n(1)]
    pub number: String,
    /// About whom; `Hospital` for lists.
    #[n(2)]
    pub subject: Subject,
    /// Who had it printed.
    #[n(3)]
    pub by: Author,
    /// When.
    #[n(4)]
    pub at: Moment,
    /// Pages of the PDF.
    #[n(5)]
    pub pages: u32,
    /// `A4` or `A5`.
    #[n(6)]
    pub paper: String,
}

/// How far a job has come. Each step is durable before the next one is taken.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum State {
    /// 待ち: the printer has not been given it.
    #[n(0)]
    Waiting(#[n(0)] String),
    /// 送信中: it is being handed over. Whoever finds this after a crash does not know whether it came out.
    #[n(1)]
    Sending(#[n(0)] String),
    /// 印刷中: the printer took it, under a number of its own.
    #[n(2)]
    Printing(#[n(0)] String, #[n(1)] i32),
    /// 止まっている: it will not come out by itself.
    #[n(3)]
    Stopped(#[n(0)] String, #[n(1)] Stop),
    /// 出たか確かめてください: nobody knows whether it came out. Only a person sends it again.
    #[n(4)]
    Unsure(#[n(0)] String),
}

impl State {
    /// The printer it is or was for.
    #[must_use]
    pub fn printer(&self) -> &str {
        match self {
            Self::Waiting(printer)
            | Self::Sending(printer)
            | Self::Printing(printer, _)
            | Self::Stopped(printer, _)
            | Self::Unsure(printer) => printer,
        }
    }

    /// Whether only a person can go on from here.
    #[must_use]
    pub const fn needs_somebody(&self) -> bool {
        matches!(self, Self::Stopped(..) | Self::Unsure(_))
    }
}

/// Why a job does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Stop {
    /// The printer cannot print what we send (PDF, paper size).
    #[n(0)]
    NotPrintable,
    /// The printer wants a password or does not let this station print.
    #[n(1)]
    NotAllowed,
    /// The printer gave it up.
    #[n(2)]
    Aborted,
    /// It was taken back at the printer.
    #[n(3)]
    TakenBack,
    /// It has waited so long that its data is old.
    #[n(4)]
    Old,
    /// Its printer is no longer on the list.
    #[n(5)]
    NotListed,
    /// There is no printer at the configured address.
    #[n(6)]
    NoSuchPrinter,
    /// What answers at its address has not proven, over TLS, that it is the listed printer.
    #[n(7)]
    NotProven,
}

impl Stop {
    /// Stable word, used to find the sentence on screen.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotPrintable => "not-printable",
            Self::NotAllowed => "not-allowed",
            Self::Aborted => "aborted",
            Self::TakenBack => "taken-back",
            Self::Old => "old",
            Self::NotListed => "not-listed",
            Self::NoSuchPrinter => "no-such-printer",
            Self::NotProven => "not-proven",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_jobs_read_back_and_nothing_else_does() {
        let id = JobId([0, 1, 2, 3, 0xab, 0xcd, 0xef, 9]);
        assert_eq!(JobId::parse(&id.hex()), Some(id));
        for bad in [
            "",
            "00010203abcdef0",
            "00010203ABCDEF09",
            "+0010203abcdef09",
            "00010203abcdef0900",
            "日本語日本",
        ] {
            assert_eq!(JobId::parse(bad), None, "{bad}");
        }
    }
}
