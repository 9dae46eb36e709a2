//! What a new terminal and other stations send about enrolment and the roster, and what the hub keeps of it.

use downtime::identity::enrolment::{Answer, InvitationCode, Ledger, SignedAsk};
use downtime::identity::passing::{Asks, Passed, SignedRoster};

/// Every message of enrolment, and the code as a person types it.
pub fn enrolment(data: &[u8]) -> bool {
    let mut sound = false;
    if let Ok(ask) = SignedAsk::from_bytes(data) {
        sound = true;
        let again = SignedAsk::from_bytes(&ask.to_bytes());
        assert!(
            again.is_ok_and(|again| again == ask),
            "a request is read again as it was written"
        );
        if let Ok(inner) = ask.read() {
            assert!(inner.machine.chars().count() <= 64, "a name stays short");
        }
    }
    if let Ok(answer) = Answer::from_bytes(data) {
        sound = true;
        let again = Answer::from_bytes(&answer.to_bytes());
        assert!(
            again.is_ok_and(|again| again == answer),
            "an answer is read again as it was written"
        );
    }
    if let Ok(ledger) = Ledger::from_bytes(data) {
        sound = true;
        let again = Ledger::from_bytes(&ledger.to_bytes());
        assert!(
            again.is_ok_and(|again| again == ledger),
            "a ledger is read again as it was written"
        );
        for invitation in ledger.invitations.iter().take(100) {
            let _ = invitation.standing(chart::Moment(0));
            let _ = invitation.asking().map(|asking| asking.fingerprint());
        }
    }
    if let Ok(passed) = Passed::from_bytes(data) {
        sound = true;
        let again = Passed::from_bytes(&passed.to_bytes());
        assert!(
            again.is_ok_and(|again| again == passed),
            "what was passed on is read again as it was written"
        );
    }
    if let Ok(asks) = Asks::from_bytes(data) {
        sound = true;
        assert!(Asks::from_bytes(&asks.to_bytes()).is_ok_and(|again| again == asks));
    }
    if let Ok(signed) = SignedRoster::from_bytes(data) {
        sound = true;
        assert!(signed.to_bytes().is_ok());
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(code) = InvitationCode::from_typed(text)
    {
        sound = true;
        let again = InvitationCode::from_typed(&code.to_typed());
        assert!(
            again.is_ok_and(|again| again == code),
            "a code is read again as it was printed"
        );
    }
    sound
}
