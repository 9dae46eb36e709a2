//! Answering another station's questions. What an answer vouches for is durable before it is given.

use std::collections::BTreeSet;

use vault::receipt::Receipt;

use super::chains::ChainName;
use super::talk::{Answer, Ask, Records, Since, Told};
use super::{ROOM, Replica, Taken};
use crate::stations::parcel::ParcelFault;

impl Replica {
    /// Answers a question. Whatever the answer vouches for is durable before it is given.
    ///
    /// # Errors
    /// [`ParcelFault::NotSaved`]: nothing was taken, and nothing is vouched for.
    pub fn answer(&self, ask: &Ask, now: i64) -> Result<(Answer, Taken), ParcelFault> {
        match ask {
            Ask::Hello(hello) => {
                let since = hello
                    .since
                    .filter(|since| since.life == self.life)
                    .map(|since| since.count);
                let count = self.core().chains.growth();
                // Somebody who remembers more than there was asks a process that was started anew.
                let since = since.filter(|since| *since <= count);
                let told = Told {
                    from: self.station.0,
                    since: Since { life: self.life, count },
                    whole: since.is_none(),
                    heads: self.core().chains.heads(since),
                    receipts: self.receipts_for(&hello.from, since.unwrap_or(0), now),
                };
                Ok((Answer::Heads(told), Taken::default()))
            }
            Ask::Give(give) => {
                self.hear_receipts(give.receipts.iter().filter_map(|r| Receipt::from_bytes(&r.0).ok()));
                let before = self.core().chains.growth();
                let taken = self.take(&give.records)?;
                let core = self.core();
                let given: BTreeSet<ChainName> = give.records.iter().filter_map(|r| chain_of_bytes(&r.0)).collect();
                let heads = given.iter().map(|name| core.chains.head(name)).collect();
                drop(core);
                let own = given.iter().any(|(station, _)| *station == give.from);
                let told = Told {
                    from: self.station.0,
                    since: Since {
                        life: self.life,
                        count: before,
                    },
                    whole: false,
                    heads,
                    // Also for what was here before: the first answer may have been lost.
                    receipts: if own {
                        self.receipts_for(&give.from, 0, now)
                    } else {
                        Vec::new()
                    },
                };
                Ok((Answer::Taken(told), taken))
            }
            Ask::Want(want) => {
                let wanted: Vec<_> = want.heads.iter().map(|head| (head.chain(), head.seq)).collect();
                let (records, cut) = self.behind(&wanted, ROOM);
                let more = cut.is_some();
                Ok((Answer::Records(Records { records, more }), Taken::default()))
            }
        }
    }
}

/// The chain a record's bytes claim to be in, unverified.
fn chain_of_bytes(bytes: &[u8]) -> Option<ChainName> {
    vault::journal::claimed(bytes).map(|header| (header.station.0, header.incarnation.0))
}
