//! The parsers of what stations prove about themselves. Like the others, they must not panic, whatever they are given.

/// Readiness receipts from another station.
pub fn receipts(data: &[u8]) -> bool {
    use downtime::readiness::board::Bundle;
    let Ok(bundle) = Bundle::from_bytes(data) else {
        return false;
    };
    assert_eq!(
        Bundle::from_bytes(&bundle.to_bytes()).ok().as_ref(),
        Some(&bundle),
        "read as it was written"
    );
    for signed in bundle.receipts.iter().take(100) {
        let Ok(receipt) = signed.claim() else { continue };
        assert!(
            !receipt.is_good() || receipt.holds.is_some(),
            "good only with a snapshot"
        );
        let worst = receipt.worst().map(downtime::readiness::receipt::Point::light);
        assert!(
            receipt.points.iter().all(|point| Some(point.light()) <= worst),
            "nothing is worse than the worst"
        );
    }
    true
}

/// The canary section of a snapshot, opened.
pub fn canaries(data: &[u8]) -> bool {
    use downtime::readiness::canaries::{Canaries, is_canary};
    let Ok(canaries) = Canaries::from_bytes(data) else {
        return false;
    };
    assert!(canaries.charts.iter().all(is_canary), "nobody else among them");
    let _ = downtime::readiness::canaries::filled(&canaries.charts, &[]);
    true
}
