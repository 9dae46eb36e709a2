//! Every folder of `fixtures/sources/table`: an export, its mapping, and what must come out of it.

use serde_json::json;

use super::{pull, show};
use crate::every_case::every;

#[test]
fn every_case_gives_what_it_must() {
    every("table", 25, |case| {
        let mapping = std::fs::read_to_string(case.join("mapping.toml")).unwrap();
        match pull(&mapping, &case.join("in")) {
            Ok((charts, extract)) => show::pulled(&charts, &extract),
            Err(fault) => json!({ "error": fault.to_string().replace(&case.display().to_string(), "…") }),
        }
    });
}
