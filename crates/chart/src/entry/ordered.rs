//! 検査・処置の依頼: what a physician, or a nurse on a physician's word, ordered on paper while the EHR was away.

use minicbor::{Decode, Encode};

use crate::id::{Coded, FormId};
use crate::order::Order;

/// 依頼. Printing is ordering: the number is the sheet's, and another print of it is marked 再発行.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Ordered {
    /// 依頼票の番号
    #[n(0)]
    pub sheet: FormId,
    /// 診療科, to which the sheet comes back.
    #[n(1)]
    pub department: Coded,
    /// The physician who answers for it: who signed in, or on whose word a nurse ordered.
    #[n(2)]
    pub doctor: Coded,
    /// What is ordered.
    #[n(3)]
    pub order: Order,
}
