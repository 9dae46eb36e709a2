//! What `tomoshibi backup` says about generations that were kept and removed.

use crate::backup::Kept;

/// Says what was kept, what was removed, and what a person must look at.
pub(super) fn kept(kept: &Kept) {
    say!(
        "保管中 {} 世代、消したもの {} 世代",
        kept.kept.len(),
        kept.removed.len()
    );
    for name in &kept.not_good {
        say!("★ {name} は完全な控えではありません。消していません。人が見て決めてください");
    }
    if let Some(why) = &kept.held_back {
        say!("★ 古い世代を消していません: {why}");
    }
}
