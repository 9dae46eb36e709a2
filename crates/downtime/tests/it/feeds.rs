//! Feeds: what was acknowledged is there, whatever ends the process, the power or the disk; real senders send to the real listener.

mod clients;
mod killed;
mod listening;
mod logged;
mod paced;

use std::path::Path;
use std::sync::Arc;

use chart::Moment;
use downtime::feeds::{Arrival, Place, Reader, Stored};
use vault::files::Files;
use vault::keys::StationSecret;
use vault::{HospitalId, StationId};

#[path = "../../../tomoshibi/src/feed_listener.rs"]
#[allow(
    dead_code,
    clippy::disallowed_methods,
    reason = "the roof uses all of it, and time enters there"
)]
pub mod feed_listener;

const NOW: Moment = Moment(1_795_000_000);

fn place(files: Arc<dyn Files>, dir: &Path, secret: &Arc<StationSecret>) -> Place {
    Place {
        files,
        dir: dir.to_path_buf(),
        hospital: HospitalId([7; 16]),
        station: StationId([1; 16]),
        secret: Arc::clone(secret),
        feed: "ehr".into(),
        segment_bytes: downtime::feeds::SEGMENT_BYTES,
    }
}

fn random() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

fn secret() -> Arc<StationSecret> {
    Arc::new(StationSecret::random(&mut random()))
}

/// An update of a patient's address, as ISO-2022-JP.
fn message(control: &str, address: &str) -> Vec<u8> {
    let text = format!(
        "MSH|^~\\&|HIS|KAKU|GW|RCV|20261120093015.120||ADT^A08^ADT_A01|{control}|P|2.5||||||~ISO IR87||ISO 2022-1994\r\
         EVN||20261120093015\rPID|0001||0001234567^^^^PI||模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P||19580302|M|||^^^^105-0000^JPN^H^{address}\r"
    );
    let encoded = hl7::charset::encode(&text, hl7::Encoding::Iso2022Jp, hl7::charset::Policy::Refuse);
    encoded.unwrap().bytes
}

fn arrival(bytes: Vec<u8>, received: Moment) -> Arrival {
    let line = hl7::header::first_line(&bytes).text.into_owned();
    let message = hl7::Message::parse(&line).ok();
    Arrival::new(
        bytes,
        message.as_ref().map(hl7::Message::header).as_ref(),
        message.is_none(),
        "10.0.3.15",
        received,
    )
}

fn stored(place: &Place) -> Vec<Stored> {
    let reader = Reader::open(place.clone()).unwrap();
    let messages = reader.messages(1).collect::<Result<Vec<_>, _>>().unwrap();
    assert!(
        messages
            .iter()
            .zip(1..)
            .all(|(message, number)| message.number == number),
        "no gap"
    );
    messages
}

/// MSH-10 of a kept message.
fn control(stored: &Stored) -> String {
    let decoded = stored.decoded();
    let message = hl7::Message::parse(&decoded.text).unwrap();
    message.header().control_id().into_owned()
}
