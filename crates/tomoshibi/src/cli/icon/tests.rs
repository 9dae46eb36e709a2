//! Who stands where on the icon's page, and that nothing in it can become more than text.

use super::*;

fn config(more: &str) -> Config {
    let text = format!(
        "[hospital]\nname = \"あかり<b>病院\"\n[station]\ncode = \"H01\"\nnode = 1\nletter = \"A\"\nnames = [\"hub.local\"]\nlisten = \"0.0.0.0:8300\"\n{more}"
    );
    toml::from_str(&text).unwrap()
}

fn station(code: &str, wards: &[&str], retired: bool) -> Enrolled {
    let mut rng = crate::random::system();
    let role = vault::keys::RoleSecret::random(&mut rng).public();
    let sealer = vault::keys::SealerSecret::random(&mut rng).public();
    let mut roster = downtime::identity::Roster::new(vault::HospitalId([1; 16]), "x", &role, &role, &sealer);
    let public = vault::keys::StationSecret::random(&mut rng).public();
    let code = chart::StationCode::parse(code).unwrap();
    roster.enrol_station(code, 3, 'C', &public).unwrap();
    let mut one = roster.stations.remove(0);
    one.wards = wards.iter().map(|ward| (*ward).to_owned()).collect();
    one.retired = retired;
    one
}

#[test]
fn the_own_ward_comes_first_and_who_left_is_not_named() {
    let config = config("[icon.places]\nR03 = \"3階東 看護詰所\"\n[icon.names]\n3E = \"3階東病棟\"\n");
    let stations = [
        station("H01", &[], false),
        station("R02", &["2W"], false),
        station("R03", &["3E"], false),
        station("R04", &["3E", "2W"], false),
        station("R09", &["3E"], true),
    ];
    let wards = wards(&config, &stations, Some("3E"));
    let told: Vec<(&str, Vec<&str>)> = wards
        .iter()
        .map(|ward| {
            (
                ward.name.as_str(),
                ward.stations.iter().map(|(code, _)| code.as_str()).collect(),
            )
        })
        .collect();
    assert_eq!(told, [("3階東病棟", vec!["R03", "R04"]), ("2W", vec!["R02", "R04"]),]);
    assert_eq!(wards[0].stations[0].1, "3階東 看護詰所");
}

/// The page of an invented hospital, as it is reviewed and as the browser's tests open it. Nobody answers at its desks' addresses.
#[test]
fn the_page_is_as_reviewed() {
    let names = [
        ("2W", "2階西病棟"),
        ("3E", "3階東病棟"),
        ("3W", "3階西病棟"),
        ("4E", "4階東病棟"),
        ("ICU", "集中治療室"),
        ("INT", "内科外来"),
    ];
    let places = [
        ("R02", "2階西 看護詰所"),
        ("R03", "3階東 看護詰所"),
        ("R04", "3階東 処置室の奥"),
        ("R05", "3階西 看護詰所"),
        ("R06", "4階東 看護詰所"),
        ("R07", "集中治療室 入口"),
        ("R08", "1階 内科受付"),
        ("R09", "1階 総合案内"),
    ];
    let table = |rows: &[(&str, &str)]| {
        rows.iter()
            .map(|(code, text)| format!("{code} = \"{text}\"\n"))
            .collect::<String>()
    };
    let config = config(&format!(
        "[icon]\nphone = \"内線 4119（医療情報室）\"\nforms = \"各病棟の赤い箱「停止時の様式」\"\n[icon.names]\n{}[icon.places]\n{}",
        table(&names),
        table(&places)
    ));
    let stations: Vec<Enrolled> = [
        ("H01", ""),
        ("R02", "2W"),
        ("R03", "3E"),
        ("R04", "3E"),
        ("R05", "3W"),
        ("R06", "4E"),
        ("R07", "ICU"),
        ("R08", "INT"),
        ("R09", ""),
    ]
    .map(|(code, ward)| {
        station(
            code,
            if ward.is_empty() {
                &[]
            } else {
                std::slice::from_ref(&ward)
            },
            false,
        )
    })
    .into();
    let hubs = ["https://127.0.0.1:1".to_owned(), "https://localhost:1".to_owned()];
    let made = page(&config, &hubs, &stations, Some("3E"), Moment(1_795_000_000)).unwrap();
    assert!(!made.contains('@') && made.contains("あかり&lt;b&gt;病院"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/icon/page.html");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &made).unwrap();
    }
    assert!(
        fs::read_to_string(path).unwrap() == made,
        "run with UPDATE=1 and read the difference"
    );
    assert!(
        page(&config, &hubs, &stations, Some("9X"), Moment(0)).is_err(),
        "a ward that has no station"
    );
}

#[test]
fn names_stay_text() {
    assert_eq!(
        escape("<a href=\"x\">&'@MADE@"),
        "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&#64;MADE&#64;"
    );
}
