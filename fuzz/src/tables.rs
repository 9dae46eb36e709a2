//! Target of a hospital's export as tables, with a mapping that stays the same.

/// The mapping of the target `table`.
const MAPPING: &str = r#"
[codes.sex]
1 = "男"
2 = "女"

[[files]]
kind = "patient"
pattern = "patients.csv"
as_of = { fixed = "2026-11-20 00:05" }
[files.fields]
id = "番号"
name = "氏名"
kana = "カナ"
sex = { column = "性別", codes = "sex" }
birth = "生年月日"
"#;

/// A hospital's export, in whatever encoding and shape it is.
pub fn table(data: &[u8]) -> bool {
    use downtime::sources::{Scope, Source, table};
    let Ok(dir) = tempfile::tempdir() else {
        return false;
    };
    if std::fs::write(dir.path().join("patients.csv"), data).is_err() {
        return false;
    }
    let day = jiff::civil::date(2026, 11, 20);
    let scope = Scope {
        day,
        thin_days: 14,
        now: chart::Moment::from_local(day.at(0, 30, 0, 0)),
        wanted: None,
    };
    let source = table::Config::read(MAPPING).and_then(|config| table::Table::new(config, dir.path().to_owned()));
    source.is_ok_and(|source| source.pull(&scope, &mut |_| Ok(()), &mut |_| {}).is_ok())
}
