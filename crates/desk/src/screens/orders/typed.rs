//! What was typed on S15: read into an order, offered again when something is wrong, packed into a draft.
//!
//! Ticks are named by what they tick and never by their place: a list that changed under an open page must not order something else.

use std::collections::BTreeMap;

use chart::order::{Amount, Instruction, Item, MAX_NAME, MAX_TEXT, Order, OrderKind};
use chart::{Coded, ExamOrder};
use downtime::forms::OrderList;
use downtime::identity::{Ordering, Role};
use downtime::index::Index;
use downtime::view::View;

use super::super::rx;
use super::apart::{apart_key, said};
use crate::drafts;
use crate::say;
use crate::visit::Visit;

/// Rows of one's own on the page.
const OWN: usize = 4;

/// Fields that come once for every tick.
const MANY: [&str; 3] = ["tick", "ehr", "row"];

/// Fields that are kept while somebody types.
const KEPT: &[&str] = &[
    "tick",
    "ehr",
    "row",
    "urgent",
    "clinical",
    "other",
    "part",
    "material",
    "when",
    "apart-0",
    "apart-1",
    "apart-2",
    "apart-when-0",
    "apart-when-1",
    "apart-when-2",
    "department",
    "doctor",
    "when-0",
    "when-1",
    "when-2",
    "when-3",
    "name-0",
    "name-1",
    "name-2",
    "name-3",
    "amount-0",
    "amount-1",
    "amount-2",
    "amount-3",
    "dilution-0",
    "dilution-1",
    "dilution-2",
    "dilution-3",
    "route-0",
    "route-1",
    "route-2",
    "route-3",
    "rate-0",
    "rate-1",
    "rate-2",
    "rate-3",
    "comment-0",
    "comment-1",
    "comment-2",
    "comment-3",
    "high-0",
    "high-1",
    "high-2",
    "high-3",
];

pub(super) fn draft_kind(kind: OrderKind) -> drafts::Kind {
    drafts::Kind {
        name: format!("orders-{}", kind.word()),
        fields: KEPT,
    }
}

/// What was sent, field by field; a tick's field comes again for every tick.
#[derive(Default)]
pub(super) struct Typed(pub(super) Vec<(String, String)>);

/// Something to tick.
pub(super) struct Tick {
    pub(super) value: String,
    pub(super) name: String,
    pub(super) tag: String,
    pub(super) detail: String,
    /// When it was ordered today already, in words.
    pub(super) already: Option<String>,
    pub(super) on: bool,
}

/// A row that somebody types.
pub(super) struct OwnRow<'t> {
    pub(super) n: usize,
    pub(super) when: &'t str,
    pub(super) name: &'t str,
    pub(super) amount: &'t str,
    pub(super) dilution: &'t str,
    pub(super) route: &'t str,
    pub(super) rate: &'t str,
    pub(super) comment: &'t str,
    pub(super) high: bool,
}

impl OwnRow<'_> {
    fn is_empty(&self) -> bool {
        let all = [
            self.when,
            self.name,
            self.amount,
            self.dilution,
            self.route,
            self.rate,
            self.comment,
        ];
        all.iter().all(|text| text.is_empty())
    }
}

/// How an order of the EHR is named in a field.
fn ehr_key(exam: &ExamOrder) -> String {
    format!("{}/{}", exam.number, exam.exam.label())
}

/// What the EHR ordered for today.
fn ehr_today(view: &View) -> impl Iterator<Item = &ExamOrder> {
    let today = view.moment().day();
    let orders = view.chart.iter().flat_map(|c| &c.orders);
    orders.filter(move |order| order.on == today && !order.exam.is_empty())
}

impl Typed {
    pub(super) fn kind(&self) -> OrderKind {
        OrderKind::parse(self.one("kind")).unwrap_or(OrderKind::Laboratory)
    }

    pub(super) fn one(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, text)| text.trim())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        !self.one(name).is_empty()
    }

    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let found = self.0.iter().filter(|(n, _)| n == name);
        found.map(|(_, text)| text.trim()).collect()
    }

    /// One field for each name, as drafts keep them: ticks line by line.
    pub(super) fn packed(self) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = Vec::new();
        for (name, text) in self.0 {
            let before = out
                .iter_mut()
                .find(|(n, _)| MANY.contains(&name.as_str()) && *n == name);
            match before {
                Some((_, lines)) => {
                    lines.push('\n');
                    lines.push_str(&text);
                }
                None => out.push((name, text)),
            }
        }
        out
    }

    /// The reverse of [`Self::packed`].
    pub(super) fn unpacked(kept: BTreeMap<String, String>) -> Self {
        let mut out = Vec::new();
        for (name, text) in kept {
            if MANY.contains(&name.as_str()) {
                out.extend(text.lines().map(|line| (name.clone(), line.to_owned())));
            } else {
                out.push((name, text));
            }
        }
        Self(out)
    }

    /// The department chosen, else where the person is today.
    pub(super) fn department(&self, view: &View, index: &Index) -> Coded {
        let code = self.one("department");
        let chosen = index.departments().iter().find(|d| d.code == code && !code.is_empty());
        chosen.cloned().unwrap_or_else(|| usual_department(view))
    }

    fn already(visit: &Visit, view: &View, name: &str) -> Option<String> {
        let standing = view.orders_today().filter(|o| o.voided.is_none());
        let newest = standing.filter(|o| o.ordered.order.has(name)).last()?;
        let at = say::moment(visit.w(), newest.recorded.entry.written_at, visit.state.now);
        Some(visit.w().with("orders-already", &[("time", (&at).into())]))
    }

    /// Today's examinations of the EHR; injections are not among them.
    pub(super) fn ehr_ticks(&self, visit: &Visit, view: &View, kind: OrderKind) -> Vec<Tick> {
        if kind == OrderKind::Treatment {
            return Vec::new();
        }
        let ticked = self.all("ehr");
        let tick = |exam: &ExamOrder| {
            let key = ehr_key(exam);
            let detail = [exam.place.as_str(), exam.remarks.as_str()];
            Tick {
                name: exam.exam.label().to_owned(),
                tag: String::new(),
                detail: detail
                    .into_iter()
                    .filter(|s| !s.is_empty())
                    .collect::<Vec<_>>()
                    .join("　"),
                already: Self::already(visit, view, exam.exam.label()),
                on: ticked.contains(&key.as_str()),
                value: key,
            }
        };
        ehr_today(view).map(tick).collect()
    }

    /// The department's list: examinations, or whole rows of injections and treatments.
    pub(super) fn list_ticks(&self, visit: &Visit, view: &View, list: Option<&OrderList>) -> Vec<Tick> {
        let ticked = [self.all("tick"), self.all("row")].concat();
        let tick = |name: &str, tag: &str, detail: String| Tick {
            value: name.to_owned(),
            name: name.to_owned(),
            tag: tag.to_owned(),
            detail,
            already: Self::already(visit, view, name),
            on: ticked.contains(&name),
        };
        let items = list.into_iter().flat_map(|l| &l.items);
        let rows = list.into_iter().flat_map(|l| &l.rows);
        let items = items.map(|name| tick(name, "", String::new()));
        let rows = rows.map(|row| {
            let mark = if row.high_risk {
                &visit.w()["orders-high-risk"]
            } else {
                ""
            };
            let rest = Instruction {
                name: String::new(),
                high_risk: false,
                ..row.clone()
            };
            let tags = [mark, row.tag.as_str()];
            let tags: Vec<&str> = tags.into_iter().filter(|s| !s.is_empty()).collect();
            tick(&row.name, &tags.join(" "), rest.text())
        });
        items.chain(rows).collect()
    }

    pub(super) fn own_rows(&self) -> Vec<OwnRow<'_>> {
        let at = |name: &str, n: usize| self.one(&format!("{name}-{n}"));
        (0..OWN)
            .map(|n| OwnRow {
                n,
                when: at("when", n),
                name: at("name", n),
                amount: at("amount", n),
                dilution: at("dilution", n),
                route: at("route", n),
                rate: at("rate", n),
                comment: at("comment", n),
                high: self.has(&format!("high-{n}")),
            })
            .collect()
    }

    /// The order as typed, for which department and in which physician's name, or every sentence that says what is wrong.
    pub(super) fn read(&self, visit: &Visit, view: &View) -> Result<(Coded, Coded, Order), Vec<String>> {
        let w = visit.w();
        let kind = self.kind();
        let mut problems = Vec::new();
        if kind != OrderKind::Laboratory && !self.has("allergy") {
            problems.push(w["orders-allergy-first"].to_owned());
        }
        let Ok(signed) = visit.signed() else {
            return Err(problems);
        };
        let index = signed.session.index();
        let department = self.department(view, &index);
        if department.is_empty() && !index.departments().is_empty() {
            problems.push(w["reception-choose-department"].to_owned());
        }
        let author = signed.session.author();
        let doctor = match visit.role().map(Role::ordering) {
            Some(Ordering::OnWord) => physician(&index, self.one("doctor")),
            _ => Coded::new(&author.user, &author.name),
        };
        if doctor.is_empty() {
            problems.push(w["orders-no-doctor"].to_owned());
        }
        let text = |name: &str| self.one(name).chars().take(MAX_TEXT).collect::<String>();
        let mut order = Order {
            urgent: self.has("urgent"),
            clinical: text("clinical"),
            other: text("other"),
            part: text("part"),
            material: text("material"),
            ..Order::empty(kind)
        };
        if kind == OrderKind::Treatment {
            self.read_rows(visit, &department, &mut order, &mut problems);
        } else {
            self.read_items(visit, view, &mut order, &mut problems);
        }
        self.check_apart(visit, &mut problems);
        problems.extend(order.check().iter().map(ToString::to_string));
        if problems.is_empty() {
            Ok((department, doctor, order))
        } else {
            Err(problems)
        }
    }

    fn read_items(&self, visit: &Visit, view: &View, order: &mut Order, problems: &mut Vec<String>) {
        let gone = |name: &str| visit.w().with("orders-gone", &[("name", name.into())]);
        for key in self.all("ehr") {
            match ehr_today(view).find(|exam| ehr_key(exam) == key) {
                Some(exam) => order.items.push(Item {
                    exam: exam.exam.clone(),
                    ehr_order: exam.number.clone(),
                    when: said(self.when_of(&apart_key(true, key))),
                }),
                None => problems.push(gone(key)),
            }
        }
        let lists = visit.site.station().order_lists();
        for name in self.all("tick") {
            if !lists.knows(order.kind, name) {
                problems.push(gone(name));
            } else if !order.has(name) {
                order.items.push(Item {
                    exam: Coded::new("", name),
                    ehr_order: String::new(),
                    when: said(self.when_of(&apart_key(false, name))),
                });
            }
        }
    }

    fn read_rows(&self, visit: &Visit, department: &Coded, order: &mut Order, problems: &mut Vec<String>) {
        let w = visit.w();
        let when: String = self.one("when").chars().take(MAX_NAME).collect();
        let own_when = |own: &OwnRow<'_>| match own.when {
            "" => when.clone(),
            typed => typed.chars().take(MAX_NAME).collect(),
        };
        let lists = visit.site.station().order_lists();
        for name in self.all("row") {
            match lists.row(department, name) {
                Some(row) => order.rows.push(Instruction {
                    when: self.when_of(&apart_key(false, name)),
                    ..row.clone()
                }),
                None => problems.push(w.with("orders-gone", &[("name", name.into())])),
            }
        }
        for own in self.own_rows().iter().filter(|own| !own.is_empty()) {
            if own.name.is_empty() {
                let n = (own.n + 1).to_string();
                problems.push(w.with("orders-nameless", &[("n", n.as_str().into())]));
                continue;
            }
            let amount = match own.amount {
                "" => None,
                typed => match Amount::read(typed) {
                    Ok(amount) => Some(amount),
                    Err(fault) => {
                        let why = fault.to_string();
                        let parts = [("name", own.name.into()), ("why", why.as_str().into())];
                        problems.push(w.with("orders-wrong-amount", &parts));
                        None
                    }
                },
            };
            order.rows.push(Instruction {
                when: own_when(own),
                name: own.name.to_owned(),
                amount,
                dilution: own.dilution.to_owned(),
                route: own.route.to_owned(),
                rate: own.rate.to_owned(),
                comment: own.comment.to_owned(),
                high_risk: own.high,
                tag: String::new(),
            });
        }
    }
}

/// Where the person was received or is booked, or where a temporary patient was sent.
fn usual_department(view: &View) -> Coded {
    let known = rx::department(view);
    let temporary = || view.temporary.as_ref().map(|t| t.department.clone());
    if known.is_empty() {
        temporary().unwrap_or_default()
    } else {
        known
    }
}

/// The physician on whose word a nurse orders: of the hospital's list where the name is in it.
fn physician(index: &Index, name: &str) -> Coded {
    let known = index.doctors().iter().find(|d| d.label() == name && !name.is_empty());
    known
        .cloned()
        .unwrap_or_else(|| Coded::new("", name.chars().take(MAX_NAME).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_gives_back_every_tick() {
        let sent = [
            ("tick", "血算"),
            ("other", "髄液"),
            ("tick", "CRP"),
            ("ehr", "77/心電図"),
            ("name-0", "生食"),
        ];
        let sent: Vec<(String, String)> = sent.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        let packed = Typed(sent).packed();
        assert!(packed.iter().all(|(name, _)| KEPT.contains(&name.as_str())));
        assert_eq!(packed.len(), 4);
        let back = Typed::unpacked(packed.into_iter().collect());
        assert_eq!(back.all("tick"), ["血算", "CRP"]);
        assert_eq!((back.one("other"), back.own_rows()[0].name), ("髄液", "生食"));
    }

    #[test]
    fn every_field_of_a_row_is_kept() {
        let fields = ["when", "name", "amount", "dilution", "route", "rate", "comment", "high"];
        for n in 0..OWN {
            for field in fields {
                assert!(KEPT.contains(&format!("{field}-{n}").as_str()), "{field}-{n}");
            }
        }
        for n in 0..super::super::apart::APART {
            for field in ["apart", "apart-when"] {
                assert!(KEPT.contains(&format!("{field}-{n}").as_str()), "{field}-{n}");
            }
        }
    }
}
