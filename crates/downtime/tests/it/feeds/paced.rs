//! A sender that is too fast waits and loses nothing; the others do not notice. Over real connections.

#![allow(clippy::disallowed_methods, reason = "how long a sender waits is what is measured")]

use std::io::Write;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hl7::mllp::frame;

use super::feed_listener::{Network, Pace, Paces};
use super::listening::{answers, connect, running, verdict};
use super::{message, stored};

const NO_BOUND: u32 = 1 << 30;

fn of_everybody(messages: u32, bytes: u32) -> Paces {
    Paces {
        usual: Some(Pace { messages, bytes }),
        own: Vec::new(),
    }
}

fn stream(numbers: std::ops::Range<u32>) -> Vec<u8> {
    numbers
        .flat_map(|number| frame(&message(&number.to_string(), "港区")))
        .collect()
}

/// Sends so many messages at once and waits for every answer.
fn send_all(to: std::net::SocketAddr, numbers: std::ops::Range<u32>) -> Duration {
    let mut sender = connect(to);
    let began = Instant::now();
    let count = numbers.len();
    let wanted: Vec<_> = numbers.clone().map(|n| ("AA".to_owned(), n.to_string())).collect();
    // Message by message, as a sender does that waits for its answers: each read is short.
    let mut found = Vec::new();
    for number in numbers {
        sender.write_all(&stream(number..number + 1)).unwrap();
        found.extend(answers(&mut sender, 1).iter().map(|answer| verdict(answer)));
    }
    assert_eq!(found.len(), count);
    assert_eq!(found, wanted);
    began.elapsed()
}

#[test]
fn messages_beyond_the_pace_wait_and_all_of_them_are_kept() {
    let running = running(|settings| settings.paces = of_everybody(20, NO_BOUND));
    let took = send_all(running.listener.address(), 0..50);
    // Twenty at once, and what is beyond at twenty a second: the last is read after 29 of them have had their time.
    assert!(took >= Duration::from_millis(1_400), "{took:?}");
    assert_eq!(stored(&running.place).len(), 50);
    assert!(running.listener.counts().slowed.load(Ordering::Relaxed) > 0);
}

#[test]
fn bytes_count_and_several_connections_are_one_sender() {
    let one = u32::try_from(stream(0..1).len()).unwrap();
    let running = running(|settings| settings.paces = of_everybody(NO_BOUND, one * 20));
    let address = running.listener.address();
    let began = Instant::now();
    let senders: Vec<_> = (0..4)
        .map(|n| std::thread::spawn(move || send_all(address, n * 100..n * 100 + 12)))
        .collect();
    for sender in senders {
        sender.join().unwrap();
    }
    let took = began.elapsed();
    // 48 messages of slightly different length, 20 of them at once; each of four connections has one answered before it waits.
    assert!(took >= Duration::from_millis(1_000), "{took:?}");
    assert_eq!(stored(&running.place).len(), 48);
}

#[test]
fn what_is_sent_blindly_waits_in_the_senders_own_buffers() {
    let running = running(|settings| settings.paces = of_everybody(NO_BOUND, 256 << 10));
    let mut sender = connect(running.listener.address());
    let all = stream(0..3_000);
    let (mut writing, bytes) = (sender.try_clone().unwrap(), all.len());
    let began = Instant::now();
    let writer = std::thread::spawn(move || writing.write_all(&all));
    let found = answers(&mut sender, 3_000);
    writer.join().unwrap().unwrap();
    assert_eq!(found.len(), 3_000, "nothing is lost");
    let least = Duration::from_secs_f64((bytes as f64 / f64::from(256 << 10) - 1.3).max(0.1));
    assert!(began.elapsed() >= least, "{:?} for {bytes} bytes", began.elapsed());
    assert_eq!(stored(&running.place).len(), 3_000);
}

#[test]
fn another_sender_is_not_held_back_and_a_listener_that_ends_does_not_wait() {
    let slow = Pace {
        messages: 1,
        bytes: NO_BOUND,
    };
    let running = running(|settings| {
        settings.paces = Paces {
            usual: None,
            own: vec![(Network::parse("127.0.0.1").unwrap(), slow)],
        };
    });
    let mut held = connect(running.listener.address());
    held.write_all(&stream(0..600)).unwrap();
    let found = answers(&mut held, 1);
    assert!(!found.is_empty(), "answered before it waits");
    let address = running.listener.address();
    let began = Instant::now();
    drop(running);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(std::net::TcpStream::connect(address).is_err());
}
