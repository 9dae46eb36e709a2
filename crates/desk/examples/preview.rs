//! Every screen in a browser within seconds, without Typst: `cargo run -p desk --example preview [normal]`.
//!
//! An invented hospital of a few people on a temporary disk; the EHR is silent, so patient screens are open, unless `normal` is said. For looking
//! at screens while working on them; the demo of the program is the real thing.

#[path = "../tests/it/hospital.rs"]
#[allow(dead_code, unused_imports, clippy::unwrap_used, clippy::panic)]
mod hospital;

use std::sync::atomic::Ordering;
use std::time::Duration;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mode = std::env::args().nth(1).unwrap_or_default();
    let hospital = hospital::Hospital::open(hospital::people());
    match mode.as_str() {
        "normal" => hospital.answers(),
        _ => hospital.silence(),
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8390").await?;
    println!("http://{}/ ({mode})", listener.local_addr()?);
    // The invented clock runs on from its own 9:12, a second a second.
    let (clock, station) = (hospital.clock.clone(), hospital.station.clone());
    let answers = mode == "normal";
    tokio::spawn(async move {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            second.tick().await;
            clock.fetch_add(1, Ordering::SeqCst);
            station.observe_ehr(answers);
        }
    });
    axum::serve(listener, desk::router(hospital.desk())?).await?;
    Ok(())
}
