//! 検査・処置の依頼: what is ordered on one sheet while the EHR is away, as data. Screen and paper are made from this one object.
//!
//! What is wrong with one is found by [`Order::check`]. Deliberately absent: any judgement whether an examination or an injection is right
//! for the patient, and results, which come back on the sheet.

mod amount;
mod check;

use minicbor::{Decode, Encode};

use crate::id::Coded;
pub use amount::{Amount, AmountFault};
pub use check::Fault;

/// Items ticked on one sheet: as many as its grid has boxes.
pub const MAX_ITEMS: usize = 24;

/// Injections and treatments on one sheet: two pages of a pen's height each.
pub const MAX_ROWS: usize = 16;

/// Characters of an item's name and of the boxes of a row: what a cell of the sheet takes in two lines.
pub const MAX_NAME: usize = 40;

/// Characters of 病名・目的, その他, 部位・方向 and of a comment.
pub const MAX_TEXT: usize = 200;

/// What kind of sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum OrderKind {
    /// 検体検査
    #[n(0)]
    Laboratory,
    /// 画像・生理検査
    #[n(1)]
    Imaging,
    /// 注射・処置
    #[n(2)]
    Treatment,
}

impl OrderKind {
    /// Every kind, in the order of the screen.
    pub const ALL: [Self; 3] = [Self::Laboratory, Self::Imaging, Self::Treatment];

    /// Stable word for files, addresses and exports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Laboratory => "laboratory",
            Self::Imaging => "imaging",
            Self::Treatment => "treatment",
        }
    }

    /// The reverse of [`Self::word`].
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// 検体検査 画像・生理検査 注射・処置
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Laboratory => "検体検査",
            Self::Imaging => "画像・生理検査",
            Self::Treatment => "注射・処置",
        }
    }

    /// The form it is printed on.
    #[must_use]
    pub const fn form(self) -> &'static str {
        match self {
            Self::Laboratory => "F07",
            Self::Imaging => "F08",
            Self::Treatment => "F09",
        }
    }
}

/// One ticked item.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Item {
    /// The examination, in the words of the hospital's list or of the EHR.
    #[n(0)]
    pub exam: Coded,
    /// The EHR's own order number, for one that the EHR had ordered already; otherwise empty.
    #[n(1)]
    #[cbor(default)]
    pub ehr_order: String,
    /// 時期: 来院時, 診察後. `None` where nobody said; such an item has the bytes of a program that did not know of it.
    #[n(2)]
    #[cbor(default)]
    pub when: Option<String>,
}

impl Item {
    /// Name, and when it is to be done where somebody said: `採血（来院時）`.
    #[must_use]
    pub fn text(&self) -> String {
        let name = self.exam.label();
        self.when
            .as_ref()
            .map_or_else(|| name.to_owned(), |when| format!("{name}（{when}）"))
    }
}

/// One injection or treatment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
pub struct Instruction {
    /// 日時 as written: `11-20 10:30`, 診察後すぐ.
    #[n(0)]
    pub when: String,
    /// 薬剤・処置
    #[n(1)]
    pub name: String,
    /// 量
    #[n(2)]
    pub amount: Option<Amount>,
    /// 溶解・希釈
    #[n(3)]
    #[cbor(default)]
    pub dilution: String,
    /// 経路
    #[n(4)]
    #[cbor(default)]
    pub route: String,
    /// 速度
    #[n(5)]
    #[cbor(default)]
    pub rate: String,
    /// Printed as written.
    #[n(6)]
    #[cbor(default)]
    pub comment: String,
    /// 高リスク薬: two people check and sign.
    #[n(7)]
    #[cbor(default)]
    pub high_risk: bool,
    /// A label of the hospital's list: 高濃度K, 抗がん薬.
    #[n(8)]
    #[cbor(default)]
    pub tag: String,
}

impl Instruction {
    /// The whole row on one line, for lists and for typing it into the EHR.
    #[must_use]
    pub fn text(&self) -> String {
        let amount = self.amount.as_ref().map(Amount::text).unwrap_or_default();
        let mark = if self.high_risk {
            "【高リスク 2人で確認】"
        } else {
            ""
        };
        let comment = if self.comment.is_empty() {
            String::new()
        } else {
            format!("※{}", self.comment)
        };
        [
            &self.when,
            mark,
            &self.name,
            &amount,
            &self.dilution,
            &self.route,
            &self.rate,
            &comment,
        ]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<&str>>()
        .join("　")
    }
}

/// What is ordered on one sheet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    /// Which sheet.
    #[n(0)]
    pub kind: OrderKind,
    /// 至急
    #[n(1)]
    #[cbor(default)]
    pub urgent: bool,
    /// 病名・目的
    #[n(2)]
    #[cbor(default)]
    pub clinical: String,
    /// The ticked examinations, in the order of the list.
    #[n(3)]
    #[cbor(default)]
    pub items: Vec<Item>,
    /// その他: free text.
    #[n(4)]
    #[cbor(default)]
    pub other: String,
    /// 部位・方向・左右 of an image.
    #[n(5)]
    #[cbor(default)]
    pub part: String,
    /// 材料 of a specimen.
    #[n(6)]
    #[cbor(default)]
    pub material: String,
    /// The injections and treatments.
    #[n(7)]
    #[cbor(default)]
    pub rows: Vec<Instruction>,
}

impl Order {
    /// An order of nothing yet.
    #[must_use]
    pub const fn empty(kind: OrderKind) -> Self {
        Self {
            kind,
            urgent: false,
            clinical: String::new(),
            items: Vec::new(),
            other: String::new(),
            part: String::new(),
            material: String::new(),
            rows: Vec::new(),
        }
    }

    /// What is ordered, by name: items, free text, rows.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let items = self.items.iter().map(|item| item.exam.label());
        let rows = self.rows.iter().map(|row| row.name.as_str());
        items
            .chain(Some(self.other.as_str()).filter(|text| !text.is_empty()))
            .chain(rows)
    }

    /// Whether somebody ordered this by the same name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// The order line by line, as lists show it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let items: Vec<String> = self.items.iter().map(Item::text).collect();
        let mut lines = Vec::new();
        let mut put = |head: &str, text: &str| {
            if !text.is_empty() {
                lines.push(format!("{head}{text}"));
            }
        };
        put("", &items.join("、"));
        for row in &self.rows {
            put("", &row.text());
        }
        put("その他：", &self.other);
        put("材料：", &self.material);
        put("部位・方向：", &self.part);
        put("目的：", &self.clinical);
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_word_and_form() {
        for kind in OrderKind::ALL {
            assert_eq!(OrderKind::parse(kind.word()), Some(kind));
        }
        assert_eq!(OrderKind::ALL.map(OrderKind::form), ["F07", "F08", "F09"]);
        assert_eq!(OrderKind::parse("検体検査"), None);
    }

    #[test]
    fn an_order_names_what_was_ticked_written_and_listed() {
        let mut order = Order::empty(OrderKind::Treatment);
        order.items.push(Item {
            exam: Coded::new("", "血算"),
            ehr_order: String::new(),
            when: Some("来院時".into()),
        });
        order.other = "髄液の細胞数".into();
        order.rows.push(Instruction {
            when: "診察後".into(),
            name: "塩化カリウム注 20 mEq キット".into(),
            amount: Some(Amount::read("1キット").unwrap()),
            route: "点滴静注".into(),
            comment: "原液の静注は禁止".into(),
            high_risk: true,
            ..Instruction::default()
        });
        assert_eq!(
            order.names().collect::<Vec<_>>(),
            ["血算", "髄液の細胞数", "塩化カリウム注 20 mEq キット"]
        );
        assert!(order.has("血算") && !order.has("血"));
        assert_eq!(
            order.lines(),
            [
                "血算（来院時）",
                "診察後　【高リスク 2人で確認】　塩化カリウム注 20 mEq キット　1キット　点滴静注　※原液の静注は禁止",
                "その他：髄液の細胞数"
            ]
        );
    }
}
