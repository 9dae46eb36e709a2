//! Blank numbered sheets: a form's blank body with what is known beforehand, and boxes to write the identity in.
//!
//! Nothing about a patient is on them. What a blank body says stands in the form's folder (`blank.json`), so that a hospital's own form has a
//! blank version without any code.

use chart::rx::Institution;
use chart::{FormId, PatientStrip, Sheet};
use serde_json::{Map, Value, json};

use super::or_null;

/// What is known when blank sheets are made.
#[derive(Debug, Clone, Default)]
pub struct BlankSet {
    /// Name of the hospital.
    pub hospital: String,
    /// 保険医療機関, for prescriptions.
    pub institution: Institution,
    /// Department for which they are made; empty: written by hand.
    pub department: String,
    /// Phone for changing appointments and for questions; empty: written by hand.
    pub contact_phone: String,
    /// 発行 … line.
    pub issued: String,
    /// How many sheets the set has.
    pub count: usize,
}

/// One blank sheet: the `at`-th (from 1) of its set. `about_a_patient`: the form carries a patient's strip, so the frame draws boxes for it.
#[must_use]
pub fn blank_sheet(
    form: &str,
    body: &Map<String, Value>,
    about_a_patient: bool,
    number: &FormId,
    at: usize,
    set: &BlankSet,
) -> Sheet {
    let mut body = body.clone();
    // Only what the form has a place for; the rest stays as its folder says.
    let mut fill = |key: &str, value: Value| {
        if !value.is_null()
            && let Some(place) = body.get_mut(key)
        {
            *place = value;
        }
    };
    let institution = &set.institution;
    fill("department", or_null(&set.department));
    fill("set", json!(format!("{at} 枚目／全{}枚", set.count)));
    fill("hospital_name", or_null(&set.hospital));
    fill("hospital_address", or_null(&institution.address));
    fill("prefecture", or_null(&institution.prefecture));
    fill("hospital_code", or_null(&institution.code));
    if !institution.code.is_empty() {
        fill("point_table", json!("1"));
    }
    let phone = [&institution.phone, &set.contact_phone]
        .into_iter()
        .find(|phone| !phone.is_empty());
    fill("phone", phone.map_or(Value::Null, |phone| json!(phone)));
    if !set.contact_phone.is_empty()
        && let Some(contact) = body.get_mut("contact").and_then(Value::as_object_mut)
    {
        contact.insert("phone".to_owned(), json!(set.contact_phone));
    }
    Sheet {
        form: form.to_owned(),
        title_mark: "停止時・手書き".to_owned(),
        drill: false,
        reissue: false,
        strip: about_a_patient.then(PatientStrip::to_write),
        as_of: "データ時点 なし（白紙の用紙）".to_owned(),
        seal: "使わなかった用紙も捨てずに返す".to_owned(),
        issued: set.issued.clone(),
        form_id: number.to_string(),
        hospital: set.hospital.clone(),
        // Filled by a person of the hospital: nobody's language is known.
        second: None,
        body: Value::Object(body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_form_has_a_place_for_is_filled_and_nobody_is_named() {
        let number = FormId::issue(jiff::civil::date(2026, 11, 20), 3, 7_000).unwrap();
        let body = json!({"department": "＿＿", "contact": {"label": "電話", "phone": "＿＿"}, "set": ""});
        let set = BlankSet {
            department: "循環器内科".into(),
            contact_phone: "000-0000-1234".into(),
            count: 20,
            ..BlankSet::default()
        };
        let sheet = blank_sheet("F06", body.as_object().unwrap(), true, &number, 3, &set);
        assert_eq!(sheet.body["department"], "循環器内科");
        assert_eq!(sheet.body["contact"]["phone"], "000-0000-1234");
        assert_eq!(sheet.body["set"], "3 枚目／全20枚");
        assert_eq!(sheet.body.as_object().unwrap().len(), 3, "nothing is added");
        let strip = sheet.strip.unwrap();
        assert!(strip.blank && strip.id_code.is_empty() && strip.name.is_empty());
        let list = blank_sheet(
            "F13",
            body.as_object().unwrap(),
            false,
            &number,
            1,
            &BlankSet::default(),
        );
        assert_eq!((list.strip, list.body["department"].as_str()), (None, Some("＿＿")));
    }
}
