//! A person lets a pack out: to its printers, or as one PDF. Only then are its sheets issued.
//!
//! The order: everybody on it is in the audit log; that the pages leave is noted beside the pack, so that a second time is marked
//! 再発行 whatever breaks off; each part's sheets are in the register before the part is in the queue. What is sealed and whole is
//! printed as it was made; a drill, old data, a second time and every damage are printed from the snapshot, with their marks.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Form;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chart::Subject;
use downtime::audit::{Deed, Sighting};
use downtime::identity::verb;
use downtime::packs::{Batch, Only, Pack, PackId, Release, Store, render, share, wanted};
use downtime::printing::{Job, Queue, Sheet};
use downtime::scans::Issued;
use downtime::shelf::Opened;
use jiff::civil::Date;

use super::{Fault, Packs, Visit, Wish, confirm, packs};
use crate::gate::SHEET_POLICY;
use crate::session::SignedIn;

/// Form code under which parts of a pack stand in the queue.
const FORM: &str = "PACK";
/// What stands on pages that are printed while no downtime is declared, as on every pack.
const MARK: &str = "電子カルテ停止時";

/// A pack that somebody wants out, as it is now.
struct Wanted {
    signed: Arc<SignedIn>,
    packs: Arc<Packs>,
    opened: Arc<Opened>,
    epoch: u64,
    day: Date,
    id: PackId,
    /// Parts that are out already.
    out: BTreeSet<usize>,
    /// All of it is, or may be, out.
    again: bool,
    /// Pages made earlier may be used: no drill, no old data, not printed before.
    as_made: bool,
    drill: bool,
    closed: bool,
}

/// Pages ready to leave.
struct Piece {
    at: usize,
    pages: u32,
    paper: String,
    sheets: Vec<Issued>,
    pdf: Vec<u8>,
}

/// Prints. Gives the pages that were sent, or why not all of them were.
pub(super) async fn print(visit: &Visit, wish: &Wish) -> Result<Result<u32, String>, Fault> {
    let w = visit.w();
    let wanted = match Wanted::read(visit, wish)? {
        Ok(wanted) => wanted,
        Err(key) => return Ok(Err(w[key].to_owned())),
    };
    let Some(queue) = visit.site.desk.printers.clone() else {
        return Ok(Err(w["packs-no-printer"].to_owned()));
    };
    let batch = wanted.batch()?;
    let names = if wish.to.is_empty() {
        let kind = wanted.kind(&batch);
        (wanted.packs.printers)(kind, batch.key())
    } else {
        vec![wish.to.clone()]
    };
    if names.is_empty() || names.iter().any(|name| queue.printer(name).is_none()) {
        return Ok(Err(w["printing-not-listed"].to_owned()));
    }
    if wanted.again && wish.again.is_empty() {
        return Ok(Err(w["packs-out-already"].to_owned()));
    }
    witness(visit, &wanted, &batch, Deed::Printed, &names.join("・")).await?;
    let sent = tokio::task::spawn_blocking(move || wanted.send(&queue, &names)).await;
    let sent = sent.map_err(|fault| Fault::Broken(fault.to_string()))?;
    Ok(sent.map_err(|(pages, why)| {
        let values = [("n", u64::from(pages).into()), ("why", (&why).into())];
        w.with("packs-not-all", &values)
    }))
}

/// The whole pack as one PDF, for who may take data out of the program. It counts as handed out.
pub(super) async fn pdf(visit: Visit, Form(wish): Form<Wish>) -> Result<Response, Fault> {
    let w = visit.w();
    PackId::parse(&wish.pack).ok_or(Fault::Stale)?;
    let may = visit.role().is_some_and(|role| role.verbs() & verb::EXPORT != 0);
    if !may {
        return Err(Fault::Role);
    }
    let _turn = visit.site.turn("packs").await;
    let wanted = match Wanted::read(&visit, &wish)? {
        Ok(wanted) => wanted,
        Err(key) => return confirm(&visit, StatusCode::CONFLICT, &wish.pack, Some(w[key].to_owned())),
    };
    let batch = wanted.batch()?;
    witness(&visit, &wanted, &batch, Deed::Exported, "PDF").await?;
    let name = format!("{}_{}.pdf", batch.kind(), wanted.epoch);
    let made = tokio::task::spawn_blocking(move || wanted.whole()).await;
    let made = made.map_err(|fault| Fault::Broken(fault.to_string()))?;
    let pdf = made.map_err(Fault::NotPrinted)?;
    let mut response = pdf.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(SHEET_POLICY));
    // The name says nothing about patients.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Everybody on the paper is in the audit log, on the disk, before the first chart opens.
async fn witness(visit: &Visit, wanted: &Wanted, batch: &Batch, deed: Deed, to: &str) -> Result<(), Fault> {
    let session = &wanted.signed.session;
    let index = wanted.opened.index();
    let rows = batch.rows();
    let again = if wanted.again { "　再発行" } else { "" };
    let mut whole = session.sighting(deed);
    whole.count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    whole.detail = format!(
        "パック {} {} 第{}号{again} → {to}",
        batch.forms(),
        batch.label(),
        wanted.epoch
    );
    let ids = rows.iter().filter_map(|row| index.row(*row)?.id());
    for id in ids {
        visit.site.station().audit().note(Sighting {
            subject: Subject::Patient(id),
            count: 1,
            ..whole.clone()
        });
    }
    // Records are written in the order in which they come: when the last one is on the disk, those before it are.
    let written = session.witness(whole).await;
    written.map_err(|fault| Fault::NotAudited(fault.to_string()))
}

impl Wanted {
    /// What is wanted, if it still is what was shown; else the words that say why not.
    fn read(visit: &Visit, wish: &Wish) -> Result<Result<Self, &'static str>, Fault> {
        let signed = Arc::clone(visit.signed()?);
        let packs = packs(visit)?;
        let id = PackId::parse(&wish.pack).ok_or(Fault::Stale)?;
        let opened = signed.session.opened();
        let state = opened.shelved().state();
        if !opened.opens_everybody() {
            return Ok(Err("packs-scope"));
        }
        if state.epoch != wish.epoch {
            return Ok(Err("packs-changed"));
        }
        let released = packs.store.released(state.epoch, &id);
        let released = released.map_err(|fault| Fault::Broken(fault.to_string()))?;
        let parts = packs
            .store
            .open(state.epoch, &id)
            .map_or(0, |pack| pack.printed().len());
        let as_pdf = released.last.as_ref().is_some_and(|last| last.to == "PDF");
        // Without the pack nobody can say which parts are missing.
        let again = !released.is_none() && (parts == 0 || as_pdf || released.is_whole(parts));
        Ok(Ok(Self {
            epoch: state.epoch,
            day: opened.shelved().stat().day.ok_or(Fault::Stale)?,
            as_made: !again && !visit.state.drill && !state.has_run_out(visit.state.now),
            drill: visit.state.drill,
            closed: !visit.state.mode.is_open(),
            out: if again { BTreeSet::new() } else { released.out },
            again,
            signed,
            packs,
            opened,
            id,
        }))
    }

    fn batch(&self) -> Result<Batch, Fault> {
        let all = wanted(&self.opened, self.day, Only::default()).unwrap_or_default();
        all.into_iter().find(|batch| batch.id() == self.id).ok_or(Fault::Stale)
    }

    const fn kind(&self, batch: &Batch) -> downtime::packs::Kind {
        match batch {
            Batch::Department(..) => downtime::packs::Kind::Department,
            Batch::Ward(_) => downtime::packs::Kind::Ward,
        }
    }

    /// What the sheets say about now, where they are made now.
    fn issue(&self) -> downtime::forms::Issue {
        let mut issue = self.signed.session.issue(None, self.again);
        issue.drill = self.drill;
        if self.closed {
            MARK.clone_into(&mut issue.mark);
        }
        issue
    }

    /// The pages made earlier, all that are still to leave; `None` when one of them cannot be used.
    fn sealed(&self) -> Option<Vec<Piece>> {
        let pack = self.packs.store.open(self.epoch, &self.id);
        let pack = pack.inspect_err(|fault| tracing::warn!(%fault, "a pack is printed from the snapshot instead"));
        let pack: Pack = pack.ok()?;
        let left = (0..pack.printed().len()).filter(|at| !self.out.contains(at));
        let piece = |at: usize| {
            let part = pack.printed().get(at)?;
            let plain = pack.part(&self.opened, at);
            let plain =
                plain.inspect_err(|fault| tracing::warn!(%fault, "a pack is printed from the snapshot instead"));
            let plain = plain.ok()?;
            Some(Piece {
                at,
                pages: part.pages,
                paper: part.paper.clone(),
                sheets: plain.sheets,
                pdf: plain.pdf,
            })
        };
        left.map(piece).collect()
    }

    /// The pages, from the snapshot.
    fn rendered(&self) -> Result<Vec<Piece>, String> {
        let batch = self.batch().map_err(|_| "パックが見つかりません".to_owned())?;
        let checkpoint = (self.packs.checkpoint)();
        let (mut pieces, mut at) = (Vec::new(), 0);
        let notes = render(
            &batch,
            &self.opened,
            &self.issue(),
            &self.packs.lent(&checkpoint),
            &mut |paper, sheets, rendered| {
                if !self.out.contains(&at) {
                    pieces.push(Piece {
                        at,
                        pages: u32::try_from(rendered.pages).unwrap_or(u32::MAX),
                        paper: paper.word().to_owned(),
                        sheets,
                        pdf: rendered.pdf,
                    });
                }
                at += 1;
                Ok(())
            },
        )?;
        if !notes.is_empty() {
            tracing::error!(
                sheets = notes.len(),
                "★ sheets of a pack are not as they should be; a page says so in their place"
            );
        }
        Ok(pieces)
    }

    fn release(&self, to: &str, pieces: &[&Piece], back: bool) -> Result<(), String> {
        let session = &self.signed.session;
        let now = session.station().now();
        let release = Release {
            parts: pieces.iter().map(|piece| piece.at).collect(),
            pages: pieces.iter().map(|piece| piece.pages).sum(),
            back,
            ..Store::release_by(session.author(), now, to, self.again)
        };
        let noted = self.packs.store.note_release(self.epoch, &self.id, &release);
        noted.map_err(|fault| fault.to_string())
    }

    /// Sends the pieces to the printers; else the pages that went, and why the others did not.
    fn send(&self, queue: &Queue, names: &[String]) -> Result<u32, (u32, String)> {
        let none = |why: String| (0, why);
        let batch = self.batch().map_err(|_| none("パックが見つかりません".to_owned()))?;
        let ready = if self.as_made { self.sealed() } else { None };
        let pieces = ready.map_or_else(|| self.rendered(), Ok).map_err(none)?;
        self.release(&names.join("・"), &pieces.iter().collect::<Vec<_>>(), false)
            .map_err(none)?;
        let pages: Vec<u32> = pieces.iter().map(|piece| piece.pages).collect();
        let shares = share(&pages, names.len());
        let of = pieces.len();
        let (mut sent, mut left) = (0_u32, Vec::new());
        let mut trouble: Option<String> = None;
        for (one, name) in shares.iter().zip(names) {
            for (place, piece) in one.parts.clone().filter_map(|at| Some((at + 1, pieces.get(at)?))) {
                if trouble.is_none()
                    && let Err(why) = self.hand(queue, name, &batch, piece, (place, of))
                {
                    trouble = Some(why);
                }
                match trouble {
                    None => sent = sent.saturating_add(piece.pages),
                    Some(_) => left.push(piece),
                }
            }
        }
        let Some(why) = trouble else { return Ok(sent) };
        // What stays can follow unmarked. If that cannot be noted, it comes out marked 再発行: rather a mark too many.
        if let Err(fault) = self.release(&names.join("・"), &left, true) {
            tracing::error!(%fault, "a pack that was not sent counts as printed");
        }
        Err((sent, why))
    }

    fn hand(
        &self,
        queue: &Queue,
        name: &str,
        batch: &Batch,
        piece: &Piece,
        place: (usize, usize),
    ) -> Result<(), String> {
        let session = &self.signed.session;
        let issued = session.issue_pack(batch.label(), piece.sheets.clone());
        issued.map_err(|fault| fault.to_string())?;
        let now = session.station().now();
        let sheet = Sheet {
            job: Job {
                form: FORM.to_owned(),
                number: format!("{} {}/{}", batch.label(), place.0, place.1),
                subject: Subject::Hospital,
                by: session.author().clone(),
                at: now,
                pages: piece.pages,
                paper: piece.paper.clone(),
            },
            pdf: piece.pdf.clone(),
        };
        queue
            .add(sheet, name, now)
            .map(drop)
            .map_err(|refused| refused.to_string())
    }

    /// Everything as one PDF, made now.
    fn whole(mut self) -> Result<Vec<u8>, String> {
        // Whoever has some of it on paper already gets all of it, marked.
        self.again |= !self.out.is_empty();
        self.out.clear();
        let batch = self.batch().map_err(|_| "パックが見つかりません".to_owned())?;
        let checkpoint = (self.packs.checkpoint)();
        let lent = self.packs.lent(&checkpoint);
        let (sheets, issue) = (std::sync::Mutex::new(Vec::new()), self.issue());
        // The sheets are gathered first, so that fonts are shared by all pages.
        let gather = |piece: Vec<chart::Sheet>| {
            let mut sheets = sheets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            sheets.extend(piece);
            Ok(downtime::packs::Rendered::default())
        };
        let gathering = downtime::packs::Lent { pages: &gather, ..lent };
        render(&batch, &self.opened, &issue, &gathering, &mut |_, _, _| Ok(()))?;
        let sheets = sheets.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let whose: Vec<Issued> = sheets.iter().filter_map(downtime::packs::issued).collect();
        let rendered = (self.packs.pages)(sheets).map_err(|fault| fault.to_string())?;
        let mut release = Store::release_by(
            self.signed.session.author(),
            self.signed.session.station().now(),
            "PDF",
            self.again,
        );
        release.pages = u32::try_from(rendered.pages).unwrap_or(u32::MAX);
        let parts = self
            .packs
            .store
            .open(self.epoch, &self.id)
            .map_or(1, |pack| pack.printed().len());
        release.parts = (0..parts).collect();
        let noted = self.packs.store.note_release(self.epoch, &self.id, &release);
        noted.map_err(|fault| fault.to_string())?;
        let issued = self.signed.session.issue_pack(batch.label(), whose);
        issued.map_err(|fault| fault.to_string())?;
        Ok(rendered.pdf)
    }
}
