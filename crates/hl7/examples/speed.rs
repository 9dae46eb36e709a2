//! How many messages a second one core indexes, reads and decodes: `cargo run --release -p hl7 --example speed [seconds]`.
//!
//! `speed write FILE` writes the messages instead, one a line. One line for each figure, `name messages/s MB/s` (per second of CPU time), so that `cargo xtask bench` and people can read it. Messages are an invented ADT of about
//! 900 bytes, a thousand of them that differ. Nothing is asserted: this is for who compares.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use hl7::charset::{Policy, encode};
use hl7::{Encoding, Index, Message, decode};

fn message(number: usize) -> String {
    format!(
        "MSH|^~\\&|HIS|KAKU|GW|RCV|20261118140511.200||ADT^A01^ADT_A01|2026111814{number:07}|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO\r\
         EVN||20261118140500|||N010\r\
         PID|0001||{number:010}^^^^PI||模擬^日出男^^^^^L^I~モギ^ヒデオ^^^^^L^P||19580302|M|||^^^^105-0000^JPN^H^東京都港区架空町１丁目２番３号||^PRN^PH^^^^^^^^^03-0000-2222||||||||||||||||||||20261120093000\r\
         NK1|1|模擬^桜^^^^^L^I~モギ^サクラ^^^^^L^P|SPO^配偶者^HL70063||^PRN^PH^^^^^^^^^03-0000-3333\r\
         PV1|0001|I|05E^512^2^^^N||||D001^架空^花子^^^^^^^L^^^^^I|||01|||||||D001^架空^花子^^^^^^^L^^^^^I|||||||||||||||||||||||||||20261118140000\r\
         AL1|1|DA^薬剤アレルギー^HL70127|ZZ01^ペニシリン系^99ZAL\r\
         IN1|1|06^組合管掌健康保険^JHSD0001|06139992|||||||模擬１２|３４５|20240401|||||SEL^本人^HL70683\r"
    )
}

/// CPU seconds of this thread, where the system tells (Linux): other programs on the machine then do not count.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = text.split(' ').next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

fn main() {
    let texts: Vec<String> = (0..1_000).map(message).collect();
    let mut arguments = std::env::args().skip(1);
    let seconds = match arguments.next().as_deref() {
        None => 2.0,
        Some("write") => {
            // For parsers in other languages: one message a line.
            let lines: Vec<String> = texts.iter().map(|text| text.replace('\r', "\\r") + "\n").collect();
            std::fs::write(arguments.next().unwrap(), lines.concat()).unwrap();
            return;
        }
        Some(seconds) => seconds.parse().unwrap(),
    };
    let encoded: Vec<Vec<u8>> = texts
        .iter()
        .map(|text| encode(text, Encoding::Iso2022Jp, Policy::Refuse).unwrap().bytes)
        .collect();
    let bytes: usize = texts.iter().map(String::len).sum();
    let stored: usize = encoded.iter().map(Vec::len).sum();
    let limit = Duration::from_secs_f64(seconds);
    let run = |name: &str, size: usize, work: &mut dyn FnMut(usize)| {
        let (begun, used, mut rounds) = (Instant::now(), cpu_seconds(), 0_u32);
        while begun.elapsed() < limit {
            (0..texts.len()).for_each(&mut *work);
            rounds += 1;
        }
        let spent = used
            .zip(cpu_seconds())
            .map_or(begun.elapsed().as_secs_f64(), |(before, after)| after - before);
        let rate = f64::from(rounds) / spent;
        println!(
            "{name} {:.0} {:.0}",
            rate * texts.len() as f64,
            rate * size as f64 / 1e6
        );
    };
    run("memchr.limit", bytes, &mut |at| {
        black_box(memchr::memchr_iter(b'|', texts[at].as_bytes()).count());
    });
    let mut index = Index::new();
    run("index.full", bytes, &mut |at| {
        let indexed = index.read(&texts[at]).unwrap();
        black_box(indexed.delimiter_count());
    });
    run("index.five-fields", bytes, &mut |at| {
        let indexed = index.read(&texts[at]).unwrap();
        let (pid, pv1) = (indexed.segment("PID").unwrap(), indexed.segment("PV1").unwrap());
        let name = pid.field(5).component(1).text();
        black_box((
            pid.field(3).component(1).text(),
            name,
            pid.field(7).text(),
            pv1.field(3).raw(),
            pv1.field(44).text(),
        ));
    });
    run("views.five-fields", bytes, &mut |at| {
        let message = Message::parse(&texts[at]).unwrap();
        let (pid, pv1) = (message.segment("PID").unwrap(), message.segment("PV1").unwrap());
        let name = pid.field(5).component(1).text();
        black_box((
            pid.field(3).component(1).text(),
            name,
            pid.field(7).text(),
            pv1.field(3).raw(),
            pv1.field(44).text(),
        ));
    });
    run("header.identity", stored, &mut |at| {
        let line = hl7::header::first_line(&encoded[at]);
        let message = Message::parse(&line.text).unwrap();
        black_box(hl7::header::identity(&message));
    });
    run("decode.iso2022jp", stored, &mut |at| {
        black_box(decode(&encoded[at]).text.len());
    });
    run("decode.and.index", stored, &mut |at| {
        let decoded = decode(&encoded[at]);
        black_box(index.read(&decoded.text).unwrap().delimiter_count());
    });
}
