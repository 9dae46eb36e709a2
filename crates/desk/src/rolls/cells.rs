//! A person as cells of a list, in HTML.
//!
//! What is put in is escaped here; whose cells they are and in what order they stand is decided by whoever asks.

use chart::Name;
use downtime::identity::Role;
use jiff::civil::Date;

use crate::say;
use crate::visit::Visit;

/// What the cells of a person say.
pub struct Identity {
    /// Where the name leads; `None` for roles that open no patient.
    pub href: Option<String>,
    /// 氏名・カナ
    pub name: Name,
    /// 同姓同名 2人, or 仮患者.
    pub flag: Option<String>,
    /// 生年月日
    pub birth: Option<Date>,
    /// 性別
    pub sex: chart::Sex,
    /// As shown.
    pub id: String,
    /// Age in words, where there is no birth date to compute it from.
    pub age: Option<String>,
}

/// Where a name leads, by role.
#[must_use]
pub fn href(role: Role, handle: &str) -> Option<String> {
    if crate::screens::reads_charts(role) {
        Some(format!("/p/{handle}"))
    } else if role == Role::Reception {
        Some(format!("/reception/{handle}"))
    } else if role == Role::Accounting {
        Some(format!("/p/{handle}/payment"))
    } else {
        None
    }
}

/// Name with reading and label, birth date, age, sex, number: five cells.
#[must_use]
pub fn person_cells(visit: &Visit, who: &Identity) -> String {
    let w = visit.w();
    let mut html = String::with_capacity(360);
    html.push_str("<th scope=\"row\">");
    if let Some(href) = &who.href {
        html.push_str("<a data-row href=\"");
        escape(href, &mut html);
        html.push_str("\">");
    }
    html.push_str("<span class=\"kana\">");
    escape(&say::kana(w, &who.name), &mut html);
    html.push_str("</span><span class=\"name\">");
    escape(&who.name.shown(), &mut html);
    html.push_str("</span>");
    if let Some(flag) = &who.flag {
        html.push_str(" <span class=\"flag\">");
        escape(flag, &mut html);
        html.push_str("</span>");
    }
    if who.href.is_some() {
        html.push_str("</a>");
    }
    let age = match &who.age {
        Some(age) => age.clone(),
        None => say::age(w, who.birth, visit.state.now.day()),
    };
    html.push_str("</th>");
    for (class, text) in [
        ("fig", say::birth_short(w, who.birth)),
        ("nowrap", age),
        ("nowrap", say::sex_short(w, who.sex).to_owned()),
        ("fig", who.id.clone()),
    ] {
        html.push_str("<td class=\"");
        html.push_str(class);
        html.push_str("\">");
        escape(&text, &mut html);
        html.push_str("</td>");
    }
    html
}

/// Department and doctor.
#[must_use]
pub fn place(department: &str, doctor: &str) -> String {
    place_from(department, doctor, "")
}

/// Department and doctor, and where the booking comes from, where that is not the day's own list.
#[must_use]
pub fn place_from(department: &str, doctor: &str, from: &str) -> String {
    let mut html = String::from("<td>");
    escape(department, &mut html);
    if !from.is_empty() {
        html.push_str(" <span class=\"flag\">");
        escape(from, &mut html);
        html.push_str("</span>");
    }
    if !doctor.is_empty() {
        html.push_str("<br><span class=\"quiet\">");
        escape(doctor, &mut html);
        html.push_str("</span>");
    }
    html.push_str("</td>");
    html
}

/// Text as HTML text or attribute value.
pub fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn hostile_text_stays_text() {
        let mut html = String::new();
        escape("<b onclick='x'>\"&山田", &mut html);
        assert_eq!(html, "&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;山田");
    }
}
