//! Everything a day shows, as bytes: two days that show the same are the same bytes, and only those.

use chart::{EntryId, Moment, Subject};
use downtime::view::{Day, Recorded, lay_over};
use std::sync::Arc;

/// Lays everything visible down, in a fixed order.
pub fn shown(day: &Day, moments: &[Moment]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 << 10);
    let mut subjects: Vec<&Subject> = day.subjects().iter().collect();
    for r in day.all() {
        put(&mut out, Some(&r));
        put(&mut out, day.undone_by(&r.id).as_ref());
        put(&mut out, day.corrected_by(&r.id).as_ref());
        put(&mut out, day.entered_by(&r.id).as_ref());
        put(&mut out, day.confirmed_by(&r.id).as_ref());
        if let Some((until, waits)) = day.declared_until(&r.id) {
            out.extend(until.0.to_le_bytes());
            out.push(u8::from(waits));
        }
    }
    subjects.sort_unstable();
    for subject in subjects {
        out.extend(moments.iter().map(|now| day.progress(subject, *now) as u8));
        day.receptions(subject).for_each(|(r, _)| put(&mut out, Some(&r)));
        out.push(b'|');
        for order in moments.iter().flat_map(|now| lay_over(subject, None, day, *now).orders) {
            put(&mut out, Some(&order.recorded));
            put(&mut out, order.voided.as_ref());
        }
    }
    day.temporary_patients().for_each(|(r, _)| put(&mut out, Some(&r)));
    day.provisional().for_each(|(r, _)| put(&mut out, Some(&r)));
    day.openings().for_each(|r| put(&mut out, Some(&r)));
    for link in day.links() {
        put(&mut out, Some(&link.proposal));
        out.extend([u8::from(link.holds()), u8::from(link.waits())]);
    }
    for moment in moments {
        put(&mut out, day.declaration(*moment).map(|(r, _)| r).as_ref());
        out.extend(day.checked_in(*moment).to_le_bytes());
    }
    day.disabled_users().for_each(|user| out.extend(user.bytes()));
    for (r, mark) in day.to_enter() {
        put(&mut out, Some(&r));
        put(&mut out, mark.as_ref());
    }
    for conflict in day.conflicts() {
        out.push(conflict.kind as u8);
        conflict.entries.iter().for_each(|id| name(&mut out, id));
        out.push(b'>');
        conflict.proposed.iter().for_each(|id| name(&mut out, id));
    }
    out
}

fn put(out: &mut Vec<u8>, recorded: Option<&Arc<Recorded>>) {
    match recorded {
        Some(r) => name(out, &r.id),
        None => out.push(b'-'),
    }
}

/// Enough of a name to tell entries of one seed apart.
fn name(out: &mut Vec<u8>, id: &EntryId) {
    out.extend(id.0.iter().take(8));
}
