//! F23 事後入力 送付票: the cover of a batch of returned paper, with every sheet of a department and what became of it.
//!
//! Not here: what has to be typed into the EHR, and what stands on the paper.

use chart::Sheet;
use serde_json::json;

use crate::forms::{Issue, day_text, title};
use crate::scans::{Balance, Issued, Register};

/// A line of F23: a sheet and what became of it.
#[derive(Debug, Clone, Copy)]
pub struct CoverLine<'a> {
    /// The sheet.
    pub sheet: &'a Issued,
    /// 回収 使用せず 未回収, and for a blank that waits 回収・だれのものか未確認.
    pub state: &'static str,
}

/// Every sheet of a department, with what became of it, by number: what F23 lists.
#[must_use]
pub fn cover_lines<'a>(department: &str, register: &'a Register, balance: &'a Balance) -> Vec<CoverLine<'a>> {
    let state = |sheet: &Issued| {
        let disputed = || balance.disputed.iter().any(|(of, _)| of == sheet);
        if balance.unnamed.contains(sheet) || disputed() {
            "回収・氏名未確認"
        } else if balance.returned.contains(sheet) {
            "回収"
        } else if balance.void.contains(sheet) {
            "使用せず"
        } else {
            "未回収"
        }
    };
    register
        .all()
        .filter(|sheet| register.department(sheet) == department)
        .map(|sheet| CoverLine {
            sheet,
            state: state(sheet),
        })
        .collect()
}

/// F23 事後入力 送付票: the counts by form and every sheet of a department. `whose` names a sheet's patient.
#[must_use]
pub fn cover_sheet(
    department: &str,
    lines: &[CoverLine<'_>],
    whose: &dyn Fn(&Issued) -> Option<String>,
    sender: &str,
    issue: &Issue,
) -> Sheet {
    let mut counts: Vec<(&str, usize, usize)> = Vec::new();
    for line in lines {
        let back = usize::from(line.state.starts_with("回収"));
        match counts.iter_mut().find(|(form, ..)| *form == line.sheet.form) {
            Some((_, all, returned)) => {
                *all += 1;
                *returned += back;
            }
            None => counts.push((&line.sheet.form, 1, back)),
        }
    }
    counts.sort_unstable();
    let returned: usize = counts.iter().map(|(.., returned)| returned).sum();
    let clock = issue.now.local();
    let body = json!({
        "department": department,
        "date": day_text(issue.now.day()),
        "batch": null,
        "priority": null,
        "counts": counts
            .iter()
            .map(|(form, all, back)| json!({"form": form, "title": title(form), "count": format!("{back}/{all}")}))
            .collect::<Vec<_>>(),
        "total": format!("回収 {returned} / 発行 {}", lines.len()),
        "forms": lines
            .iter()
            .map(|line| json!({
                "id": line.sheet.form_id.as_str(),
                "form": line.sheet.form,
                "patient": whose(line.sheet),
                "remark": line.state,
            }))
            .collect::<Vec<_>>(),
        "sender": sender,
        "sent_at": format!("{}:{:02}", clock.hour(), clock.minute()),
        "blank_rows": 0,
    });
    issue.sheet("F23", None, body)
}

#[cfg(test)]
mod tests {
    use chart::{FormId, Moment, Subject};

    use super::*;
    use crate::scans::{Contents, Decided, Decision, Pack};
    use crate::view::Day;

    #[test]
    fn a_department_s_sheets_are_listed_once_with_what_became_of_each() {
        let sheet = |n: u32, form: &str| Issued {
            form_id: FormId::issue(jiff::civil::date(2026, 11, 20), 3, 7_000 + n).unwrap(),
            form: form.into(),
            subject: Subject::Hospital,
        };
        let pack = |title: &str, sheets: Vec<Issued>| Pack {
            at: Moment(0),
            by: "1001".into(),
            title: title.into(),
            sheets,
            blank: true,
        };
        let ours = vec![sheet(0, "F04"), sheet(1, "F04"), sheet(2, "F22")];
        let packs = vec![pack("循環器内科", ours.clone()), pack("眼科", vec![sheet(9, "F04")])];
        let register = Register::gather(&Day::default(), &packs);
        let what = Decided::Void {
            sheet: ours[1].clone(),
            reason: "白紙".into(),
        };
        let contents = Contents {
            decisions: vec![Decision {
                at: Moment(1),
                by: "1001".into(),
                what,
            }],
            ..Contents::default()
        };
        let balance = Balance::draw(&register, &contents);
        let lines = cover_lines("循環器内科", &register, &balance);
        let states: Vec<_> = lines
            .iter()
            .map(|line| (line.sheet.form.as_str(), line.state))
            .collect();
        assert_eq!(states, [("F04", "未回収"), ("F04", "使用せず"), ("F22", "未回収")]);
        assert_eq!(
            register.departments().into_iter().collect::<Vec<_>>(),
            ["循環器内科", "眼科"]
        );
    }
}
