//! 処方箋の交付: what a physician prescribed on paper while the EHR was away.

use minicbor::{Decode, Encode};

use crate::id::{Coded, FormId};
use crate::rx::Rx;

/// 処方箋の交付. Printing is issuing: the number is the sheet's, and another print of it is marked 再発行.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Prescribed {
    /// 処方箋の番号: the number of its first sheet.
    #[n(0)]
    pub sheet: FormId,
    /// 診療科
    #[n(1)]
    pub department: Coded,
    /// What is prescribed.
    #[n(2)]
    pub rx: Rx,
}
