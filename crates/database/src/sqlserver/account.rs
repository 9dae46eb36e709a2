//! What the server says of itself before the first question: its clock, how it isolates, and what the account may do.
//!
//! Nothing here keeps anybody from writing; it is said so that a person takes the right away. Deliberately absent: server-wide settings,
//! other databases on the same server.

use chart::{Finding, Moment, Severity};

use super::server::{Server, Trouble};
use super::statements::{FACTS, WRITABLE};

/// How `snapshot_isolation_state` says that the database allows SNAPSHOT; 2 and 3 are on the way there or back.
const SNAPSHOT_ON: i64 = 1;

/// What FACTS asks, in its order, for people.
const ROLES: [&str; 8] = [
    "サーバの役割 sysadmin",
    "役割 db_owner",
    "役割 db_datawriter",
    "役割 db_ddladmin",
    "権限 INSERT",
    "権限 UPDATE",
    "権限 DELETE",
    "権限 EXECUTE",
];

/// What is known of the server.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Numbers of FACTS; none where the server would not say.
    said: Option<Vec<i64>>,
    /// Tables that may be written by rights of their own; none where it was not asked or not answered.
    writable: Option<i64>,
}

impl Facts {
    /// Asks. A refusal is no reason not to go on, but it is told.
    ///
    /// # Errors
    /// When the line is gone or too slow.
    pub fn ask(server: &mut Server) -> Result<Self, Trouble> {
        let answered = |asked: Result<Vec<i64>, Trouble>| match asked {
            Ok(numbers) => Ok(Some(numbers)),
            Err(Trouble::Refused(..)) => Ok(None),
            Err(trouble) => Err(trouble),
        };
        let mut facts = Self {
            said: answered(server.numbers(FACTS))?.filter(|numbers| numbers.len() == ROLES.len() + 4),
            writable: None,
        };
        if facts.roles().is_empty() {
            facts.writable = answered(server.numbers(WRITABLE))?.and_then(|numbers| numbers.first().copied());
        }
        Ok(facts)
    }

    fn number(&self, at: usize) -> Option<i64> {
        self.said.as_ref()?.get(at).copied()
    }

    /// The server's clock.
    pub fn now(&self) -> Option<Moment> {
        let (days, seconds) = (self.number(0)?, self.number(1)?);
        Some(Moment(days * 86_400 + seconds))
    }

    /// True when all questions can be answered as of one moment.
    pub fn snapshot(&self) -> bool {
        self.number(2) == Some(SNAPSHOT_ON)
    }

    fn roles(&self) -> Vec<&'static str> {
        let held = ROLES.iter().enumerate();
        held.filter(|(at, _)| self.number(at + 4).is_some_and(|has| has != 0))
            .map(|(_, role)| *role)
            .collect()
    }

    /// What the hospital should know, when so many transactions were begun.
    pub fn remarks(&self, begun: u32) -> Vec<Finding> {
        let mut remarks = vec![self.isolation()];
        if self.snapshot() && begun > 1 {
            remarks.push(crate::second_transaction());
        }
        let roles = self.roles();
        let may = match (roles.is_empty(), self.writable) {
            (false, _) => Some(roles.join("、")),
            (true, Some(0)) => None,
            (true, Some(tables)) => Some(format!("{tables}個の表かビューへの書き込みの権限")),
            (true, None) => {
                let message = "接続の口座に書き込みの権限があるか、サーバが答えませんでした。読むだけの口座か、データベースの管理者に確かめてください。";
                remarks.push(Finding::new("sql.account_unknown", Severity::Warning, message));
                None
            }
        };
        if let Some(may) = may {
            let message = format!(
                "接続の口座はデータベースに書き込めます（{may}）。灯火は書き込みませんが、パスワードが漏れたときに電子カルテが書き換えられます。db_datareader だけの口座に替えてください。"
            );
            remarks.push(Finding::new("sql.account_writes", Severity::Warning, message));
        }
        remarks
    }

    fn isolation(&self) -> Finding {
        if self.snapshot() {
            let message =
                "すべての問い合わせを SNAPSHOT 分離レベルの1つのトランザクションで読みました（同じ瞬間のデータです）。";
            return Finding::new("sql.isolation", Severity::Note, message);
        }
        let each = if self.number(3) == Some(1) {
            "1つの問い合わせの中は同じ瞬間のデータですが、"
        } else {
            "読んでいる間に変わった行があるかもしれず、"
        };
        let message = format!(
            "データベースが SNAPSHOT を許していないので、READ COMMITTED で読みました。{each}問い合わせどうしは同じ瞬間ではありません。管理者に ALLOW_SNAPSHOT_ISOLATION を頼んでください。"
        );
        Finding::new("sql.isolation", Severity::Warning, message)
    }
}
