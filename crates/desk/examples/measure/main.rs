//! CPU time of a page, from request to last byte, through the whole router: `cargo run --release -p desk --example measure [people]`.
//!
//! One thread, no socket: what is measured is the gate, the lookups, the opening of the chart and the template. The kernel's
//! own figure of time on the CPU is used, so a busy machine does not matter.

#[path = "../../tests/it/hospital.rs"]
#[allow(dead_code, unused_imports, clippy::unwrap_used, clippy::panic)]
mod hospital;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use chart::{Chart, Name, PatientId};
use jiff::civil::date;
use tower::ServiceExt;

const TIMES: u32 = 400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let people = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(600);
    let hospital = hospital::Hospital::open(crowd(people));
    hospital.silence();
    let router = desk::router(hospital.desk())?;
    println!("{people} people, {TIMES} times each: µs CPU a page, KiB");
    for (staff, name) in [("2001", "physician"), ("1001", "reception")] {
        let cookie = sign_in(&router, staff).await?;
        let list = get(&router, &cookie, "/patients").await?;
        let list = String::from_utf8(list)?;
        let before = list.split("山田　花子").next().unwrap_or_default();
        let person = before
            .rsplit("href=\"")
            .next()
            .and_then(|part| part.split('"').next())
            .unwrap_or("/")
            .to_owned();
        for path in [
            "/",
            "/state",
            "/patients",
            "/patients?sort=kana",
            &person,
            &format!("{person}/note"),
            "/to-enter",
        ] {
            let size = get(&router, &cookie, path).await?.len();
            let start = on_cpu()?;
            for _ in 0..TIMES {
                get(&router, &cookie, path).await?;
            }
            let micros = (on_cpu()? - start) as f64 / 1000.0 / f64::from(TIMES);
            let shown = if path.len() > 30 {
                format!("{}…", &path[..12])
            } else {
                path.to_owned()
            };
            println!("{name:10} {shown:24} {micros:8.1} {:8.1}", size as f64 / 1024.0);
        }
        for q in ["yam", "ささ", "0012"] {
            let start = on_cpu()?;
            for _ in 0..TIMES {
                post(&router, &cookie, "/patients/rows", q).await?;
            }
            let micros = (on_cpu()? - start) as f64 / 1000.0 / f64::from(TIMES);
            println!("{name:10} search {q:17} {micros:8.1}");
        }
    }
    Ok(())
}

/// Nanoseconds this thread has been on a CPU.
fn on_cpu() -> anyhow::Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split(' ').next().unwrap_or("0").parse()?)
}

async fn sign_in(router: &Router, staff: &str) -> anyhow::Result<String> {
    let request = Request::post("/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("badge={staff}")))?;
    let answer = router.clone().oneshot(request).await?;
    let cookie = answer
        .headers()
        .get(header::SET_COOKIE)
        .map_or("", |value| value.to_str().unwrap_or(""));
    Ok(cookie.split(';').next().unwrap_or("").to_owned())
}

async fn get(router: &Router, cookie: &str, path: &str) -> anyhow::Result<Vec<u8>> {
    let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty())?;
    let answer = router.clone().oneshot(request).await?;
    Ok(to_bytes(answer.into_body(), 64 << 20).await?.to_vec())
}

async fn post(router: &Router, cookie: &str, path: &str, q: &str) -> anyhow::Result<Vec<u8>> {
    let encoded: String = q.bytes().map(|b| format!("%{b:02X}")).collect();
    let request = Request::post(path)
        .header(header::COOKIE, cookie)
        .header("x-part", "rows")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("q={encoded}")))?;
    let answer = router.clone().oneshot(request).await?;
    Ok(to_bytes(answer.into_body(), 64 << 20).await?.to_vec())
}

/// The literal people and many more, each with a full chart.
fn crowd(n: usize) -> Vec<Chart> {
    const FAMILIES: [(&str, &str); 8] = [
        ("佐々木", "ササキ"),
        ("渡邉", "ワタナベ"),
        ("小川", "オガワ"),
        ("長谷川", "ハセガワ"),
        ("森", "モリ"),
        ("石井", "イシイ"),
        ("大野", "オオノ"),
        ("上田", "ウエダ"),
    ];
    let mut all = hospital::people();
    for i in all.len()..n {
        let (family, kana) = FAMILIES[i % FAMILIES.len()];
        let given: String = i
            .to_string()
            .chars()
            .map(|c| char::from_u32('ア' as u32 + c as u32 % 16 * 2).unwrap_or('ア'))
            .collect();
        let mut chart = hospital::hanako();
        if let Some(id) = PatientId::parse(&format!("{:08}", 1_000_000 + i)) {
            chart.patient.id = id;
        }
        let part = |most: usize| i8::try_from(i % most).unwrap_or(0);
        chart.patient.name = Name::new(format!("{family}　{i}子"), format!("{kana}　{given}コ"));
        chart.patient.birth = Some(date(1940 + i16::from(part(70)), 1 + part(12), 1 + part(28)));
        chart.appointments = vec![hospital::booking(
            "01",
            "循環器内科",
            "D1",
            "佐藤　一郎",
            (8 + part(8), part(4) * 15),
        )];
        all.push(chart);
    }
    all
}
