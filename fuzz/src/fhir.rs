//! What an EHR sends in a standard's own form.

/// FHIR: the same bytes as lines and as one file.
pub fn fhir(data: &[u8]) -> bool {
    use downtime::sources::fhir::{Folder, Settings};
    use downtime::sources::{Scope, Source};
    let Ok(dir) = tempfile::tempdir() else {
        return false;
    };
    let day = jiff::civil::date(2026, 11, 20);
    let scope = Scope {
        day,
        thin_days: 14,
        now: chart::Moment::from_local(day.at(0, 30, 0, 0)),
        wanted: None,
    };
    let mut past_the_door = false;
    for name in ["all.ndjson", "all.json"] {
        let path = dir.path().join(name);
        if std::fs::write(&path, data).is_err() {
            return false;
        }
        let source = Folder::new(Settings::default(), dir.path().to_owned());
        past_the_door |= source.pull(&scope, &mut |_| Ok(()), &mut |_| {}).is_ok();
        if std::fs::remove_file(&path).is_err() {
            return false;
        }
    }
    past_the_door
}
