//! `ins.csv`: one row an insurance.

use super::{ANY, Patient, ShapeB, SynthError, compact};

impl ShapeB<'_> {
    pub(super) fn insurance(&mut self, patient: &Patient) -> Result<(), SynthError> {
        for cover in &patient.insurances {
            let (payer, recipient, until) = match &cover.public {
                Some((payer, recipient, until)) => (payer.as_str(), recipient.as_str(), compact(*until)),
                None => ("", "", String::new()),
            };
            let row = [
                patient.id.as_str(),
                cover.kind.digit(),
                &cover.insurer,
                &cover.symbol,
                &cover.number,
                &cover.branch,
                if cover.own { "1" } else { "2" },
                cover.burden_digit(),
                &format!("{:02}", u32::from(cover.share) * 10),
                payer,
                recipient,
                &until,
                &compact(cover.from),
                &cover.until.map_or_else(|| "99999999".to_owned(), compact),
            ];
            self.insurances.row(ANY, &row)?;
        }
        Ok(())
    }
}
