//! Shape B in the plain form.

use super::Facts;
use super::plain::{full, short_era};
use crate::files::{Files, named_b, plain_b};
use std::collections::BTreeMap;

pub fn facts_b(files: &Files) -> Facts {
    let mut facts: Facts = BTreeMap::new();
    let mut add = |id: &str, fact: String| facts.entry(id.to_owned()).or_default().push(fact);
    let departments: BTreeMap<String, String> = named_b(files, "dept.csv")
        .into_iter()
        .map(|d| (d["code"].clone(), d["name"].clone()))
        .collect();
    for p in named_b(files, "pt.tsv") {
        let name = format!("{}　{}", p["fam"], p["giv"]);
        let dates = ["bd", "dod", "reg", "lastv"].map(|c| p[c].as_str()).join("|");
        let texts = ["oldfam", "alias", "addr", "tel", "mob", "work", "worktel", "abo"]
            .map(|c| p[c].as_str())
            .join("|");
        let kana = full(&format!("{}{}", p["kfam"], p["kgiv"]));
        add(
            &p["pid"],
            format!(
                "person|{}|{}|{}|{dates}|{name}|{texts}|{kana}",
                p["sex"], p["ins"], p["rh"]
            ),
        );
        for (kind, value, day) in [
            ("身長", "ht", "htd"),
            ("体重", "wt", "wtd"),
            ("HBs抗原", "hbs", "infd"),
            ("HCV抗体", "hcv", "infd"),
            ("ペースメーカ", "pm", "pmd"),
        ] {
            if !p[value].is_empty() {
                add(&p["pid"], format!("fact|{kind}|{}|{}", p[value], p[day]));
            }
        }
    }
    for c in named_b(files, "ins.csv") {
        let numbers = ["insno", "inskg", "insbg", "insedb", "kh1", "kj1"]
            .map(|column| c[column].as_str())
            .join("|");
        let share: u32 = c["rate"].parse().expect("a number");
        let until = c["vto"].replace("99999999", "");
        add(
            &c["pid"],
            format!(
                "ins|{}|{}|{}|{}0|{numbers}|{}|{}|{until}",
                c["cls"],
                c["mem"],
                c["burden"],
                share / 10,
                c["ku1"],
                c["vfrom"]
            ),
        );
    }
    for d in named_b(files, "dx.tsv") {
        add(
            &d["pid"],
            format!(
                "dx|{}|{}|{}|{}{}|{}|{}|{}|{}",
                d["seq"],
                d["name"],
                d["icd"],
                d["susp"],
                d["main"],
                short_era(&d["onset"]),
                d["outcome"],
                short_era(&d["enddate"]),
                departments[&d["dept"]]
            ),
        );
    }
    for n in named_b(files, "note.csv") {
        let parts = [("S", "s"), ("O", "o"), ("A", "a"), ("P", "p")];
        let whole = parts
            .iter()
            .filter(|(_, c)| !n[*c].is_empty())
            .map(|(letter, c)| format!("【{letter}】{}", n[*c]))
            .collect::<Vec<_>>()
            .join("\n");
        add(
            &n["pid"],
            format!(
                "note|{}|{}|{}|{}|{whole}",
                n["date"], departments[&n["dept"]], n["dr"], n["written"]
            ),
        );
    }
    for r in plain_b(files, "rx.csv") {
        let same = [3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]
            .map(|c: usize| r[c].as_str())
            .join("|");
        let fact = format!(
            "rx|{}|{}|{}|{same}|{}|{}|{}|{}",
            r[1], departments[&r[2]], r[8], r[15], r[16], r[17], r[18]
        );
        add(&r[0], fact);
    }
    for c in named_b(files, "alg.tsv").into_iter().filter(|c| c["st"] != "U") {
        let same = [
            "st", "kind", "cls", "code", "text", "react", "sev", "ond", "cfd", "memo",
        ]
        .map(|k| c[k].as_str())
        .join("|");
        add(&c["pid"], format!("caution|{same}"));
    }
    for l in named_b(files, "lab.csv") {
        add(
            &l["pid"],
            format!(
                "lab|{}{}|{}|{}|{}|{}|{}|{}",
                l["date"], l["time"], l["name"], l["val"], l["unit"], l["ref"], l["flag"], l["memo"]
            ),
        );
    }
    let exams: BTreeMap<String, String> = named_b(files, "exm.csv")
        .into_iter()
        .map(|e| (e["code"].clone(), format!("{}@{}", e["name"], e["place"])))
        .collect();
    for b in plain_b(files, "appt_20261120.csv") {
        let orders = b[16..24]
            .iter()
            .filter(|code| !code.is_empty())
            .map(|code| exams[code].clone())
            .collect::<Vec<_>>()
            .join("/");
        add(
            &b[1],
            format!(
                "appt|{}{}|{}|{}|{}|{}|{}|{}　{}|{}|{orders}",
                b[2], b[3], b[0], b[5], b[6], b[8], b[10], b[11], b[12], b[9]
            ),
        );
    }
    for t in plain_b(files, "next14.csv") {
        add(
            &t[4],
            format!(
                "thin|{}{}|{}|{}|{}|{}|{}",
                t[0],
                t[1],
                departments[&t[2]],
                t[3],
                t[5].replacen(' ', "　", 1),
                t[8],
                t[7]
            ),
        );
    }
    facts
}
