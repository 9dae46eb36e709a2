//! A hospital's own forms: in the place of ours when they work, in nobody's way when they do not.

use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;

use press::{Forms, Press, PressError};

use crate::paper::{forms_folder, sample, words};

/// A directory whose `F01` is ours with another `form.typ`, or with another `form.toml`.
fn own_f01(typ: Option<&str>, toml: Option<&str>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("F01");
    fs::create_dir(&folder).unwrap();
    for (file, own) in [("form.typ", typ), ("form.toml", toml)] {
        let ours = fs::read_to_string(forms_folder().join("F01").join(file)).unwrap();
        fs::write(folder.join(file), own.unwrap_or(&ours)).unwrap();
    }
    directory
}

fn with(directory: &Path) -> (Press, Vec<PressError>) {
    let (forms, complaints) = Forms::with_directory(directory).unwrap();
    (Press::new(forms, NonZeroUsize::MIN).unwrap(), complaints)
}

#[test]
fn its_own_form_is_printed_inside_the_same_frame() {
    let own = "#import \"/parts.typ\": *\n#let body(sheet) = [海辺病院の様式 #sheet.body.reception_number #image(\"/mark.svg\", width: 10mm)]";
    let directory = own_f01(Some(own), None);
    let mark = "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><path d='M0 0h10v10z'/></svg>";
    fs::write(directory.path().join("F01/mark.svg"), mark).unwrap();
    let (press, complaints) = with(directory.path());
    assert!(complaints.is_empty(), "{complaints:?}");
    assert!(press.forms().get("F01").unwrap().overridden);
    let pdf = press.sheet(&sample("F01")).unwrap();
    let text = words(&pdf, 1);
    for expected in [
        "海辺病院の様式A-127",
        "ヤマダハナコ",
        "1951年5月12日",
        "データ時点",
        "1/1",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn a_form_that_fails_on_a_sheet_gives_way_to_ours() {
    let directory = own_f01(Some("#let body(sheet) = [\n#sheet.body.no_such_key]"), None);
    let (press, complaints) = with(directory.path());
    assert!(complaints.is_empty());
    let pdf = press.sheet(&sample("F01")).unwrap();
    assert!(words(&pdf, 1).contains("本日の流れ"));
    let why = pdf.instead.unwrap();
    assert!(why.contains("form.typ line 2") && why.contains("no_such_key"), "{why}");
}

#[test]
fn a_folder_that_is_no_form_is_a_sentence_and_ours_stays() {
    let toml = "code = \"F01\"\ntitle = \"x\"\nversion = \"1\"\npaper = \"A3\"\n";
    let cases = [
        (own_f01(Some("#let body(sheet) = ["), None), "form.typ"),
        (own_f01(None, Some(toml)), "form.toml"),
        (
            own_f01(None, Some(&toml.replace("F01", "F99").replace("A3", "A4"))),
            "folder's name is F01",
        ),
        (
            own_f01(None, Some(&toml.replace("A3", "A4").replace("title", "titel"))),
            "titel",
        ),
    ];
    for (directory, expected) in cases {
        let (press, complaints) = with(directory.path());
        assert_eq!(complaints.len(), 1);
        assert!(
            complaints[0].to_string().contains(expected),
            "{} / {expected}",
            complaints[0]
        );
        assert!(!press.forms().get("F01").unwrap().overridden);
    }
    let (_, complaints) = with(Path::new("/no/such/directory"));
    assert_eq!(complaints.len(), 1);
}

#[test]
fn a_form_sees_nothing_of_the_machine() {
    for reach in [
        "#read(\"/etc/hostname\")",
        "#read(\"../../../../etc/hostname\")",
        "#datetime.today()",
        "#import \"@preview/x:0.1.0\": *",
    ] {
        let directory = own_f01(Some(&format!("#let body(sheet) = [{reach}]")), None);
        let (press, _) = with(directory.path());
        assert!(press.sheet(&sample("F01")).unwrap().instead.is_some(), "{reach}");
    }
}

#[test]
fn sheets_that_would_mislead_are_refused() {
    type Spoil = fn(&mut chart::Sheet);
    let spoil: [(&str, Spoil); 7] = [
        ("as_of", |sheet| sheet.as_of = "　".to_owned()),
        ("seal", |sheet| sheet.seal.clear()),
        ("no patient", |sheet| sheet.strip = None),
        ("no number or no name", |sheet| sheet.strip.as_mut().unwrap().id.clear()),
        ("does not fit a bar code", |sheet| {
            sheet.strip.as_mut().unwrap().id_code = "12/34".to_owned()
        }),
        ("check digit", |sheet| sheet.form_id = "261120031270".to_owned()),
        ("at most", |sheet| {
            sheet.body["department"] = "長".repeat(400_000).into()
        }),
    ];
    for (expected, spoil) in spoil {
        let mut sheet = sample("F01");
        spoil(&mut sheet);
        let error = crate::paper::press().sheet(&sheet).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let mut sheet = sample("F01");
    sheet.form = "F99".to_owned();
    assert!(matches!(
        crate::paper::press().sheet(&sheet),
        Err(PressError::UnknownForm { .. })
    ));
}
