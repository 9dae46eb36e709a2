//! 検査・処置の選択肢: what a department ticks on its order sheets, the results it expects back and what is asked before an image.
//!
//! A hospital's own words, from a TOML file of its configuration (`docs/operating/orders.md`). Bounded by what the sheets have room for, so
//! that a list that was accepted is also a list that prints. Deliberately absent: codes of any master, prices, and rules of medicine.

use std::collections::BTreeSet;

use chart::Coded;
use chart::order::{Amount, AmountFault, Instruction, MAX_ITEMS, MAX_NAME, Order, OrderKind};
use serde::Deserialize;
use thiserror::Error;
use unicode_width::UnicodeWidthStr;

/// Largest file accepted, in bytes.
pub const MAX_ORDER_LISTS: usize = 1 << 20;
/// Lists of one hospital: every department of a big one with three kinds.
const MAX_LISTS: usize = 200;
/// Departments of one list.
const MAX_DEPARTMENTS: usize = 100;
/// Result rows: what the lower half of F07 has room for.
const MAX_RESULTS: usize = 16;
/// Questions before an image.
const MAX_QUESTIONS: usize = 8;
/// Widest item of the grid of four columns: two lines, in half-width characters.
const ITEM_WIDTH: usize = 24;
/// Widest name and unit of a result, and widest question.
const RESULT_WIDTH: usize = 10;
const UNIT_WIDTH: usize = 12;
const QUESTION_WIDTH: usize = 30;

/// The lists of a hospital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLists {
    lists: Vec<OrderList>,
    fault: Option<String>,
}

/// What one kind of sheet offers to some departments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderList {
    /// Which sheet.
    pub kind: OrderKind,
    /// Codes or names of departments; empty for every department without a list of its own.
    pub departments: Vec<String>,
    /// Examinations to tick.
    pub items: Vec<String>,
    /// Injections and treatments to tick, each a whole row of F09.
    pub rows: Vec<Instruction>,
    /// Results to be written in: name and unit.
    pub results: Vec<(String, String)>,
    /// What is asked before an image.
    pub questions: Vec<String>,
}

/// Why a file of lists cannot be used.
#[derive(Debug, Error)]
pub enum OrderListFault {
    /// Not TOML, or with words that are not known.
    #[error("書き方が違います: {0}")]
    Toml(String),
    /// Larger than [`MAX_ORDER_LISTS`].
    #[error("大きすぎます（{0} バイト、上限 {MAX_ORDER_LISTS} バイト）")]
    TooLarge(usize),
    /// More than there is room for.
    #[error("{place}の{what}は{max}までです（いま{found}）")]
    TooMany {
        /// Which list.
        place: String,
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        max: usize,
        /// What was there.
        found: usize,
    },
    /// A text that is empty, or wider than its box.
    #[error("{place}の「{text}」は空か、半角{max}字の幅を超えます")]
    Text {
        /// Which list.
        place: String,
        /// As written.
        text: String,
        /// The bound, in half-width characters.
        max: usize,
    },
    /// One name twice in one list: nobody could say which was ticked.
    #[error("{place}に「{name}」が2回あります")]
    Twice {
        /// Which list.
        place: String,
        /// The name.
        name: String,
    },
    /// A key that this kind of sheet has no room for.
    #[error("{place}に{key}は書けません（{kind}の用紙に欄がありません）")]
    Misplaced {
        /// Which list.
        place: String,
        /// The key.
        key: &'static str,
        /// The kind.
        kind: &'static str,
    },
    /// An amount that cannot be printed.
    #[error("{place}の「{name}」の量: {fault}")]
    Amount {
        /// Which list.
        place: String,
        /// The row.
        name: String,
        /// Why.
        fault: AmountFault,
    },
    /// A row that could not be issued, such as one with the mark of a narcotic.
    #[error("{place}: {why}")]
    Row {
        /// Which list.
        place: String,
        /// Why.
        why: String,
    },
    /// Two lists of one kind for one department.
    #[error("{kind}の一覧が「{department}」に2つあります。1つにまとめてください")]
    TwoLists {
        /// The kind.
        kind: &'static str,
        /// The department.
        department: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    list: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Kind,
    #[serde(default)]
    departments: Vec<String>,
    #[serde(default)]
    items: Vec<String>,
    #[serde(default)]
    row: Vec<Row>,
    #[serde(default)]
    results: Vec<ResultRow>,
    #[serde(default)]
    questions: Vec<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Laboratory,
    Imaging,
    Treatment,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Row {
    name: String,
    amount: String,
    dilution: String,
    route: String,
    rate: String,
    comment: String,
    tag: String,
    high_risk: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResultRow {
    name: String,
    #[serde(default)]
    unit: String,
}

const BUILT_IN: &str = include_str!("order_lists.toml");

impl OrderLists {
    /// The lists for a hospital that has none of its own.
    ///
    /// # Errors
    /// Never with the text that is built in; a test reads it.
    pub fn built_in() -> Result<Self, OrderListFault> {
        Self::parse(BUILT_IN)
    }

    /// Reads a hospital's file. A file without lists is good: then everything is free text.
    ///
    /// # Errors
    /// [`OrderListFault`] with the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, OrderListFault> {
        if text.len() > MAX_ORDER_LISTS {
            return Err(OrderListFault::TooLarge(text.len()));
        }
        let file: File = toml::from_str(text).map_err(|fault| OrderListFault::Toml(fault.to_string()))?;
        bound("ファイル", "一覧", MAX_LISTS, file.list.len())?;
        let mut lists = Vec::new();
        let mut taken = BTreeSet::new();
        for (at, written) in file.list.into_iter().enumerate() {
            let list = written.checked(&format!("{}番目の一覧", at + 1))?;
            let mut of = list.departments.clone();
            if of.is_empty() {
                of.push(String::new());
            }
            for department in of {
                if !taken.insert((list.kind, department.clone())) {
                    let department = if department.is_empty() {
                        "ほかのすべての診療科".to_owned()
                    } else {
                        department
                    };
                    return Err(OrderListFault::TwoLists {
                        kind: list.kind.label(),
                        department,
                    });
                }
            }
            lists.push(list);
        }
        Ok(Self { lists, fault: None })
    }

    /// No lists, because the hospital's file cannot be used: people still order, in free text, and the screen says why.
    #[must_use]
    pub const fn unreadable(why: String) -> Self {
        Self {
            lists: Vec::new(),
            fault: Some(why),
        }
    }

    /// Why the hospital's own lists are not here; `None` when they are, or when it has none.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// What a department ticks; `None` when everything is free text.
    #[must_use]
    pub fn of(&self, kind: OrderKind, department: &Coded) -> Option<&OrderList> {
        let mut of_kind = self.lists.iter().filter(|list| list.kind == kind);
        let named = |list: &&OrderList| {
            let is_it = |name: &String| !name.is_empty() && (*name == department.code || *name == department.name);
            list.departments.iter().any(is_it)
        };
        let own = of_kind.clone().find(named);
        own.or_else(|| of_kind.find(|list| list.departments.is_empty()))
    }

    /// Whether some list of this kind has this item.
    #[must_use]
    pub fn knows(&self, kind: OrderKind, item: &str) -> bool {
        let of_kind = self.lists.iter().filter(|list| list.kind == kind);
        of_kind.flat_map(|list| &list.items).any(|known| known == item)
    }

    /// The row of this name, of the department's list first.
    #[must_use]
    pub fn row(&self, department: &Coded, name: &str) -> Option<&Instruction> {
        let own = self.of(OrderKind::Treatment, department).into_iter();
        let all = own.chain(&self.lists).filter(|list| list.kind == OrderKind::Treatment);
        all.flat_map(|list| &list.rows).find(|row| row.name == name)
    }

    /// `検体検査 2、画像・生理検査 1、注射・処置 1`: how many lists there are.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = |kind: OrderKind| self.lists.iter().filter(|list| list.kind == kind).count();
        let kinds = OrderKind::ALL.map(|kind| format!("{} {}", kind.label(), count(kind)));
        kinds.join("、")
    }
}

impl Written {
    fn checked(self, place: &str) -> Result<OrderList, OrderListFault> {
        let kind = match self.kind {
            Kind::Laboratory => OrderKind::Laboratory,
            Kind::Imaging => OrderKind::Imaging,
            Kind::Treatment => OrderKind::Treatment,
        };
        let place = &format!("{place}（{}）", kind.label());
        let is = |wanted: OrderKind| kind == wanted;
        for (key, there, right) in [
            ("items", !self.items.is_empty(), !is(OrderKind::Treatment)),
            ("row", !self.row.is_empty(), is(OrderKind::Treatment)),
            ("results", !self.results.is_empty(), is(OrderKind::Laboratory)),
            ("questions", !self.questions.is_empty(), is(OrderKind::Imaging)),
        ] {
            if there && !right {
                return Err(OrderListFault::Misplaced {
                    place: place.clone(),
                    key,
                    kind: kind.label(),
                });
            }
        }
        bound(place, "departments", MAX_DEPARTMENTS, self.departments.len())?;
        bound(place, "items", MAX_ITEMS, self.items.len())?;
        bound(place, "row", MAX_ITEMS, self.row.len())?;
        bound(place, "results", MAX_RESULTS, self.results.len())?;
        bound(place, "questions", MAX_QUESTIONS, self.questions.len())?;
        let mut seen = BTreeSet::new();
        for name in self.items.iter().chain(self.row.iter().map(|row| &row.name)) {
            if !seen.insert(name.as_str()) {
                return Err(OrderListFault::Twice {
                    place: place.clone(),
                    name: name.clone(),
                });
            }
        }
        for item in &self.items {
            text(place, item, ITEM_WIDTH)?;
        }
        for department in &self.departments {
            text(place, department, MAX_NAME * 2)?;
        }
        for result in &self.results {
            text(place, &result.name, RESULT_WIDTH)?;
            if !result.unit.is_empty() {
                text(place, &result.unit, UNIT_WIDTH)?;
            }
        }
        for question in &self.questions {
            text(place, question, QUESTION_WIDTH)?;
        }
        let rows = self.row.into_iter().map(|row| row.checked(place));
        Ok(OrderList {
            kind,
            departments: self.departments,
            items: self.items,
            rows: rows.collect::<Result<_, _>>()?,
            results: self.results.into_iter().map(|r| (r.name, r.unit)).collect(),
            questions: self.questions,
        })
    }
}

impl Row {
    fn checked(self, place: &str) -> Result<Instruction, OrderListFault> {
        let amount = match self.amount.as_str() {
            "" => None,
            written => Some(Amount::read(written).map_err(|fault| OrderListFault::Amount {
                place: place.to_owned(),
                name: self.name.clone(),
                fault,
            })?),
        };
        let row = Instruction {
            when: String::new(),
            name: self.name,
            amount,
            dilution: self.dilution,
            route: self.route,
            rate: self.rate,
            comment: self.comment,
            high_risk: self.high_risk,
            tag: self.tag,
        };
        let mut order = Order::empty(OrderKind::Treatment);
        order.rows.push(row.clone());
        match order.check().first() {
            None => Ok(row),
            Some(fault) => Err(OrderListFault::Row {
                place: place.to_owned(),
                why: fault.to_string(),
            }),
        }
    }
}

fn bound(place: &str, what: &'static str, max: usize, found: usize) -> Result<(), OrderListFault> {
    if found <= max {
        return Ok(());
    }
    Err(OrderListFault::TooMany {
        place: place.to_owned(),
        what,
        max,
        found,
    })
}

fn text(place: &str, text: &str, max: usize) -> Result<(), OrderListFault> {
    let fits = !text.trim().is_empty() && text.width() <= max && !text.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    Err(OrderListFault::Text {
        place: place.to_owned(),
        text: text.to_owned(),
        max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hospital_without_a_file_can_work() {
        let lists = OrderLists::built_in().unwrap();
        for kind in OrderKind::ALL {
            let list = lists.of(kind, &Coded::new("99", "どこか")).unwrap();
            assert!(!list.items.is_empty() || !list.rows.is_empty(), "{kind:?}");
        }
        assert_eq!(lists.summary(), "検体検査 1、画像・生理検査 1、注射・処置 1");
        assert_eq!(lists.fault(), None);
        let broken = OrderLists::unreadable("書き方が違います".to_owned());
        let none = OrderKind::ALL
            .iter()
            .all(|kind| broken.of(*kind, &Coded::default()).is_none());
        assert!(none && broken.fault().is_some(), "free text, and it says why");
        assert!(lists.knows(OrderKind::Laboratory, "血算") && !lists.knows(OrderKind::Imaging, "血算"));
    }

    #[test]
    fn a_department_has_its_own_list_and_the_others_share_one() {
        let lists = OrderLists::parse(
            r#"
            [[list]]
            kind = "laboratory"
            departments = ["02", "循環器内科"]
            items = ["BNP"]
            [[list]]
            kind = "laboratory"
            items = ["血算"]
            [[list]]
            kind = "treatment"
            [[list.row]]
            name = "フロセミド注 20 mg"
            amount = "0.5筒"
            high_risk = true
            "#,
        )
        .unwrap();
        let items = |code: &str, name: &str| {
            let list = lists.of(OrderKind::Laboratory, &Coded::new(code, name)).unwrap();
            list.items.clone()
        };
        assert_eq!(items("02", ""), ["BNP"]);
        assert_eq!(items("", "循環器内科"), ["BNP"]);
        assert_eq!(items("", ""), ["血算"], "a department that is not known is nobody's");
        assert!(lists.of(OrderKind::Imaging, &Coded::default()).is_none(), "free text");
        let row = lists.row(&Coded::default(), "フロセミド注 20 mg").unwrap();
        assert!(row.high_risk && row.amount.as_ref().is_some_and(|a| a.text() == "0.5筒"));
        assert!(
            OrderLists::parse("")
                .unwrap()
                .of(OrderKind::Laboratory, &Coded::default())
                .is_none()
        );
    }

    #[test]
    fn what_the_sheets_have_no_room_for_is_refused_with_its_place() {
        let many: Vec<String> = (0..25).map(|n| format!("\"項目{n}\"")).collect();
        let list = |rest: &str| format!("[[list]]\nkind = \"laboratory\"\n{rest}");
        let row = |rest: &str| format!("[[list]]\nkind = \"treatment\"\n[[list.row]]\n{rest}");
        for (text, says) in [
            (list(&format!("items = [{}]", many.join(","))), "24までです（いま25）"),
            (list("items = [\"血算\", \"血算\"]"), "2回あります"),
            (list("items = [\" \"]"), "空か"),
            (list("items = [\"とても長い名前の検査項目その一\"]"), "半角24字"),
            (list("questions = [\"妊娠なし\"]"), "questionsは書けません"),
            (list("results = [{ name = \"とても長い結果\" }]"), "半角10字"),
            (list("colour = \"red\""), "unknown field"),
            ("[[list]]\nkind = \"surgery\"".to_owned(), "surgery"),
            (list("") + "\n" + &list(""), "2つあります"),
            (row("name = \"生食\"\namount = \"500\""), "単位がありません"),
            (row("name = \"モルヒネ（麻）\""), "麻薬"),
            (row("amount = \"5 mL\""), "名前が空"),
        ] {
            let found = OrderLists::parse(&text).unwrap_err().to_string();
            assert!(found.contains(says), "{text} → {found}");
        }
        assert!(matches!(
            OrderLists::parse(&"#".repeat(MAX_ORDER_LISTS + 1)),
            Err(OrderListFault::TooLarge(_))
        ));
    }
}
