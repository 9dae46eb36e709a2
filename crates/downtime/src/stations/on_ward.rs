//! A ward's list shows what stands in everybody's chart: who it shows is in the audit log, on the disk, before the first chart opens.
//!
//! Which beds there are is the index's; what is shown of a chart is the screen's.

use std::sync::Arc;

use chart::{PatientId, Subject};

use super::Session;
use super::session::ONE_VIEW_SECONDS;
use crate::audit::{Deed, Sighting};
use crate::shelf::OpenFault;
use crate::view::{View, lay_over};

/// Most charts that one list opens.
pub const MOST_ON_A_WARD: usize = 300;

impl Session {
    /// Opens the charts of these rows for a list named `what`: one sighting for each patient and one for the whole, again only when
    /// ten minutes have passed. A chart that does not open is its own fault, not the list's.
    ///
    /// # Errors
    /// [`OpenFault::NotAudited`] when it could not be written down: nothing was opened.
    pub async fn look_at_ward(
        &self,
        what: &str,
        rows: &[u32],
    ) -> Result<Vec<(u32, Result<View, OpenFault>)>, OpenFault> {
        let opened = self.opened();
        let index = Arc::clone(opened.index());
        let rows: Vec<(u32, PatientId)> = rows
            .iter()
            .take(MOST_ON_A_WARD)
            .filter_map(|row| Some((*row, index.row(*row)?.id()?)))
            .collect();
        if self.is_new_list(what) {
            for (_, id) in &rows {
                self.station.audit.note(Sighting {
                    subject: Subject::Patient(id.clone()),
                    detail: what.to_owned(),
                    count: 1,
                    ..self.sighting(Deed::Listed)
                });
            }
            // Records are written in the order in which they come: when the last one is on the disk, those before it are.
            let mut whole = self.sighting(Deed::Listed);
            what.clone_into(&mut whole.detail);
            whole.count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            let written = self.witness(whole).await;
            written.map_err(|fault| OpenFault::NotAudited(fault.to_string()))?;
            self.remember_list(what);
        }
        let now = self.station.now();
        let charts: Vec<_> = rows.iter().map(|(row, _)| (*row, opened.chart(*row))).collect();
        let day = self.day();
        let views = charts.into_iter().zip(&rows).map(|((row, chart), (_, id))| {
            let view = chart.map(|chart| lay_over(&Subject::Patient(id.clone()), Some(Arc::new(chart)), &day, now));
            (row, view)
        });
        Ok(views.collect())
    }

    fn is_new_list(&self, what: &str) -> bool {
        let now = self.station.now();
        let listed = self.listed();
        !listed
            .iter()
            .any(|(before, at)| before == what && (0..ONE_VIEW_SECONDS).contains(&(now.0 - at.0)))
    }

    fn remember_list(&self, what: &str) {
        let now = self.station.now();
        let mut listed = self.listed();
        listed.retain(|(before, at)| before != what && (0..ONE_VIEW_SECONDS).contains(&(now.0 - at.0)));
        listed.push((what.to_owned(), now));
    }
}
