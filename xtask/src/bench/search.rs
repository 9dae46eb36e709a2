//! Finding one person among many, through the route that live search uses.
//!
//! It deliberately asks what people type: the beginning of a reading, kanji, a patient number, romaji, a birth date; and
//! it takes the words from the list itself, so that there is something to find.

use anyhow::{Result, bail};

use super::http::{self, Connection};
use super::pages::milliseconds_each;
use super::server::Server;
use super::{Ground, Measured, load, medians_of, percentile};

/// Each search is asked this often in one measurement, so that 10 ms steps of CPU time do not matter; less often where
/// one search takes several of them.
const TIMES: usize = 20;
const TIMES_AMONG_MANY: usize = 5;
/// Searches of each kind.
const OF_A_KIND: usize = 8;
/// What some surnames look like in romaji, and words that find nobody.
const TYPED: [&str; 6] = ["sato", "suzuki", "yama", "zzz", "東雲", "0999999999"];

/// p95 over the searches: CPU ms of the server, and wall ms of one browser.
pub fn among(ground: &Ground, patients: u32) -> Result<Vec<Measured>> {
    let hospital = ground.hospitals.of(patients)?;
    let server = Server::start(&hospital)?;
    let cookie = server.sign_in()?;
    let list = Connection::open(server.address)?.must_answer(&http::get("/patients", &cookie), 200)?;
    let searches = searches(&String::from_utf8_lossy(&list.body))?;
    let requests: Vec<Vec<u8>> = searches
        .iter()
        .map(|words| http::post("/patients/rows", &cookie, true, &[("q", words)]))
        .collect();
    let runs = ground.runs.min(3);
    let times = if patients > 10_000 { TIMES_AMONG_MANY } else { TIMES };
    let [cpu, wall] = medians_of(runs, || {
        let (mut cpu, mut wall) = (Vec::new(), Vec::new());
        for request in &requests {
            let before = server.cpu_seconds()?;
            let load = load::drive(server.address, 1, times, 200, |_| request.clone())?;
            cpu.push(milliseconds_each(server.cpu_seconds()? - before, times));
            wall.extend(load.latencies);
        }
        Ok([percentile(&mut cpu, 95), percentile(&mut wall, 95)])
    })?;
    Ok(vec![Measured::alone(cpu), Measured::alone(wall)])
}

/// What to type, from the rows of a list.
fn searches(list: &str) -> Result<Vec<String>> {
    let after = |row: &str, mark: &str| -> Option<String> {
        let text = row.split(mark).nth(1)?.split('<').next()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    let rows: Vec<&str> = list.split("<tr>").skip(1).collect();
    let mut searches: Vec<String> = TYPED.map(str::to_owned).to_vec();
    for row in rows.iter().step_by((rows.len() / OF_A_KIND).max(1)) {
        let kana = after(row, "class=\"kana\">");
        let name = after(row, "class=\"name\">");
        searches.extend(kana.as_ref().map(|kana| kana.chars().take(2).collect()));
        searches.extend(kana);
        searches.extend(name.as_ref().map(|name| name.chars().take(1).collect()));
        searches.extend(name);
        // Time and reception number come first; birth date and patient number are the longer figures.
        let figures = row.split("class=\"fig\">").skip(1);
        let figures = figures.filter_map(|rest| rest.split('<').next()).map(str::trim);
        searches.extend(figures.filter(|text| text.len() >= 6).map(str::to_owned));
    }
    if searches.len() < TYPED.len() + 5 * OF_A_KIND {
        bail!("only {} things to search for were found on the list", searches.len());
    }
    Ok(searches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_gives_what_people_type() {
        let row = "<tr><td class=\"fig\">09:00</td><td class=\"fig\"></td><th><span class=\"kana\">アカリ ハナ</span>\
            <span class=\"name\">明里 花</span></th><td class=\"fig\">1951/5/12</td><td class=\"fig\">00012345</td></tr>";
        let found = searches(&row.repeat(OF_A_KIND)).unwrap();
        for wanted in ["アカ", "アカリ ハナ", "明", "明里 花", "1951/5/12", "00012345", "sato"] {
            assert!(found.iter().any(|words| words == wanted), "{wanted}");
        }
        assert!(!found.iter().any(|words| words == "09:00"));
        assert!(searches("<tr></tr>").is_err());
    }
}
