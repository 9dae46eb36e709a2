//! What is wrong with an order: everything at once and before anything is printed. Only the shape is looked at, never the medicine.

use thiserror::Error;

use super::{Amount, MAX_ITEMS, MAX_NAME, MAX_ROWS, MAX_TEXT, Order};

/// One thing that keeps an order from being issued.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// Nothing is ordered.
    #[error("何も依頼されていません。項目に印を付けるか、書いてください。")]
    Empty,
    /// More than the sheet has room for.
    #[error("{what}は1枚に{max}までです（いま{found}）。依頼票を分けてください。")]
    TooMany {
        /// 項目 or 注射・処置.
        what: &'static str,
        /// The bound.
        max: usize,
        /// What was there.
        found: usize,
    },
    /// A text that is empty where it must not be, too long, or holds a line break.
    #[error("{field}が空か、{max}字を超えるか、改行を含みます。書き直してください。")]
    Text {
        /// Which box.
        field: String,
        /// Its bound.
        max: usize,
    },
    /// An amount that says nothing or could be misread.
    #[error("「{name}」の量を読めません。「20 mg」のように数と単位を書いてください。")]
    Amount {
        /// The drug.
        name: String,
    },
    /// A narcotic: it needs the hospital's own paper.
    #[error("「{0}」は麻薬です。この指示票では出せません。病院の麻薬注射箋に手書きしてください。")]
    Narcotic(String),
}

impl Order {
    /// Everything that is wrong, in the order of the sheet; empty when it can be issued.
    #[must_use]
    pub fn check(&self) -> Vec<Fault> {
        let mut found = Vec::new();
        if self.names().next().is_none() {
            found.push(Fault::Empty);
        }
        for (what, max, count) in [
            ("項目", MAX_ITEMS, self.items.len()),
            ("注射・処置", MAX_ROWS, self.rows.len()),
        ] {
            if count > max {
                found.push(Fault::TooMany {
                    what,
                    max,
                    found: count,
                });
            }
        }
        let mut text = |field: &str, text: &str, max: usize, needed: bool| {
            if (needed && text.trim().is_empty()) || text.chars().count() > max || text.chars().any(char::is_control) {
                found.push(Fault::Text {
                    field: field.to_owned(),
                    max,
                });
            }
        };
        text("病名・目的", &self.clinical, MAX_TEXT, false);
        text("その他", &self.other, MAX_TEXT, false);
        text("部位・方向", &self.part, MAX_TEXT, false);
        text("材料", &self.material, MAX_NAME, false);
        for item in &self.items {
            // The EHR's names may be longer than a list's.
            text("項目の名前", item.exam.label(), MAX_TEXT, true);
            // A time that is empty would be printed as a time.
            if let Some(when) = &item.when {
                text(&format!("「{}」の時期", item.exam.label()), when, MAX_NAME, true);
            }
        }
        for row in &self.rows {
            for (field, words, max) in [
                ("日時", &row.when, MAX_NAME),
                ("溶解", &row.dilution, MAX_NAME),
                ("経路", &row.route, MAX_NAME),
                ("速度", &row.rate, MAX_NAME),
                ("コメント", &row.comment, MAX_TEXT),
                ("印", &row.tag, MAX_NAME),
            ] {
                text(&format!("「{}」の{field}", row.name), words, max, false);
            }
            text("薬剤・処置の名前", &row.name, MAX_NAME, true);
        }
        for row in &self.rows {
            if !row.amount.as_ref().is_none_or(Amount::is_sound) {
                found.push(Fault::Amount { name: row.name.clone() });
            }
        }
        let narcotics = self.names().filter(|name| crate::rx::check::names_a_narcotic(name));
        let narcotics: Vec<Fault> = narcotics.map(|name| Fault::Narcotic(name.to_owned())).collect();
        found.extend(narcotics);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Instruction, Item, OrderKind};
    use super::*;
    use crate::id::Coded;

    fn row(name: &str) -> Instruction {
        Instruction {
            name: name.into(),
            ..Instruction::default()
        }
    }

    #[test]
    fn an_order_of_nothing_and_one_of_too_much_are_refused() {
        let mut order = Order::empty(OrderKind::Laboratory);
        assert_eq!(order.check(), [Fault::Empty]);
        let item = |n: usize| Item {
            exam: Coded::new("", format!("項目{n}")),
            ehr_order: String::new(),
            when: None,
        };
        order.items = (0..MAX_ITEMS).map(item).collect();
        assert!(order.check().is_empty());
        order.items.push(item(99));
        assert!(matches!(order.check().as_slice(), [Fault::TooMany { found: 25, .. }]));
    }

    #[test]
    fn words_that_the_sheet_has_no_room_for_are_named() {
        let mut order = Order::empty(OrderKind::Imaging);
        order.other = "あ".repeat(MAX_TEXT + 1);
        order.clinical = "二\n行".into();
        let found = order.check();
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|fault| fault.to_string().contains("その他")));
        order = Order::empty(OrderKind::Treatment);
        order.rows = vec![row(""), row(&"長".repeat(MAX_NAME + 1))];
        assert_eq!(order.check().len(), 2);
    }

    #[test]
    fn narcotics_and_amounts_that_could_be_misread_are_refused() {
        let mut order = Order::empty(OrderKind::Treatment);
        order.rows = vec![row("モルヒネ塩酸塩注射液10mg【麻】"), row("生理食塩液")];
        order.rows[1].amount = Some(Amount::Words("1.0 mL×2".into()));
        let found: Vec<String> = order.check().iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("量を読めません") && found[1].contains("麻薬注射箋"));
    }
}
