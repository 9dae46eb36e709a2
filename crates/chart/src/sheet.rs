//! One form filled for one patient at one moment: display-ready words, the same that the screens show.
//!
//! A sheet carries no layout; `press` and the form's folder do. The body is whatever the form's `form.typ` prints.

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// What the frame prints on every page, and the body for the form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    /// Form code such as `F01`: the folder in `forms/`.
    pub form: String,
    /// The boxed word in the header: 電子カルテ停止時, 通常, 訓練.
    pub title_mark: String,
    /// A drill: every page carries 訓練.
    pub drill: bool,
    /// 再発行
    pub reissue: bool,
    /// Who the sheet is about; `None` only for lists, whose rows each carry both identifiers.
    pub strip: Option<PatientStrip>,
    /// データ時点 … – ready made; also says when the data is stale.
    pub as_of: String,
    /// 封印 … – which snapshot, who sealed it, whether it verifies.
    pub seal: String,
    /// 発行 2026-11-20 09:12 R03
    pub issued: String,
    /// 帳票番号, 12 digits.
    pub form_id: String,
    /// Name of the hospital.
    pub hospital: String,
    /// What the patient reads besides Japanese; forms for patients then carry both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<Language>,
    /// What the form's body prints.
    pub body: serde_json::Value,
}

/// Identity as every page shows it: two identifiers and more, never blank.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PatientStrip {
    /// カナ氏名
    pub kana: String,
    /// 氏名 with 〓 for characters nobody has.
    pub name: String,
    /// 1951年5月12日（昭和26年）生
    pub birth: String,
    /// 75歳
    pub age: String,
    /// 女性
    pub sex: String,
    /// 0012 3456
    pub id: String,
    /// The number as a bar code carries it.
    pub id_code: String,
    /// 同姓同名 2人, 読み同じ 2人 …
    pub flags: Vec<String>,
    /// A temporary patient: striped edge.
    pub temporary: bool,
    /// The name holds characters that could not be printed.
    pub gaiji: bool,
    /// A blank numbered sheet: nothing is known yet, and the frame draws boxes to write the identity in.
    #[serde(default)]
    pub blank: bool,
}

impl PatientStrip {
    /// The strip of a blank sheet: every box is written by hand.
    #[must_use]
    pub fn to_write() -> Self {
        Self {
            blank: true,
            ..Self::default()
        }
    }
}
