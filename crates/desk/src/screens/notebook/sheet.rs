//! F30 お薬手帳用紙・患者さん控え: today's prescriptions for the patient, with the notebook's symbols.
//!
//! A sheet whose symbols cannot be made goes out without them and says why.

use std::sync::Arc;

use chart::entry::Prescribed;
use downtime::view::{Recorded, View};

use crate::fault::Fault;
use crate::paper::{self, Order};
use crate::rx_symbols;
use crate::screens::print::was_printed;
use crate::visit::Visit;
use crate::who::Who;

/// Prescriptions of the view's day that hold.
fn of_today(view: &View) -> Vec<(Arc<Recorded>, Prescribed)> {
    let today = view.moment().day_number();
    let all = view.prescribed.iter();
    all.filter(|(recorded, _)| recorded.entry.written_at.day_number() == today)
        .cloned()
        .collect()
}

/// Whether there is anything to put on the sheet.
pub(in crate::screens) fn has_any(view: &View) -> bool {
    !of_today(view).is_empty()
}

/// Issues the sheet.
///
/// # Errors
/// [`Fault::Stale`] without a prescription of today; or what printing says.
pub(in crate::screens) async fn issue(visit: &Visit, who: &Who, view: View) -> Result<String, Fault> {
    let signed = visit.signed()?;
    let prescribed = of_today(&view);
    if prescribed.is_empty() {
        return Err(Fault::Stale);
    }
    let order = Order {
        subject: who.subject.clone(),
        number: None,
        reissue: was_printed(visit, who, "F30"),
    };
    let institution = signed.session.station().institution().clone();
    let size = visit.site.desk.symbols.notebook;
    let symbols = rx_symbols::notebook(&view, &prescribed, &institution, size, visit.state.now);
    if let Err(why) = &symbols {
        tracing::warn!(%why, "a notebook sheet carries no symbols");
    }
    paper::issue(visit, signed, order, |issue| {
        let symbols = symbols.as_deref().map_err(String::as_str);
        let sheet = downtime::forms::notebook_sheet(&view, &prescribed, &institution, symbols, issue);
        Some(sheet)
    })
    .await
}
