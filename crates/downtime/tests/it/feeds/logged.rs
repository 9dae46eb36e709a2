//! The log itself: order, resends, rewriting, age, damage, and a simulated disk that goes wrong at every operation.

use std::sync::Arc;

use chart::Moment;
use downtime::feeds::{Inbox, NotTaken, Place, Reader, Taken};
use vault::files::{Disk, Files};
use vault::simfs::{Ending, Fault, SimFs};

use super::{NOW, arrival, control, message, place, random, secret, stored};

fn inbox(place: &Place) -> Inbox {
    Inbox::start(place.clone(), 400, Box::new(random())).unwrap()
}

fn take(inbox: &Inbox, control: &str, address: &str) -> Result<Taken, NotTaken> {
    inbox.take_and_wait(arrival(message(control, address), NOW))
}

#[test]
fn messages_come_back_in_order_and_resends_are_kept_once() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(Arc::new(Disk), dir.path(), &secret());
    assert!(stored(&place).is_empty(), "nothing received is nothing, not a fault");
    let first = inbox(&place);
    assert_eq!(take(&first, "1", "港区"), Ok(Taken::Stored(1)));
    assert_eq!(take(&first, "2", "港区"), Ok(Taken::Stored(2)));
    assert_eq!(take(&first, "1", "港区"), Ok(Taken::Again));
    assert_eq!(
        take(&first, "1", "中央区"),
        Ok(Taken::Stored(3)),
        "another message under a used number is not lost"
    );
    let overview = first.overview();
    assert_eq!(
        (overview.stored, overview.again, overview.reused, overview.last_number),
        (3, 1, 1, 3)
    );
    drop(first);
    let second = inbox(&place);
    assert_eq!(
        second.overview().last_received,
        Some(NOW),
        "silence is known across a restart"
    );
    assert_eq!(take(&second, "2", "港区"), Ok(Taken::Again), "also after a restart");
    assert_eq!(take(&second, "4", "港区"), Ok(Taken::Stored(4)));
    let found = stored(&place);
    assert_eq!(found.iter().map(control).collect::<Vec<_>>(), ["1", "2", "1", "4"]);
    assert_eq!(
        found.iter().map(|message| message.reused).collect::<Vec<_>>(),
        [false, false, true, false]
    );
    assert_eq!(found[0].bytes, message("1", "港区"), "as it came, byte for byte");
    assert_eq!((found[0].received, found[0].sender.as_str()), (NOW, "10.0.3.15"));
    let reader = Reader::open(place.clone()).unwrap();
    let from: Vec<_> = reader.messages(3).map(|message| message.unwrap().number).collect();
    assert_eq!(from, [3, 4]);
}

#[test]
fn nothing_on_the_disk_is_readable_without_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(Arc::new(Disk), dir.path(), &secret());
    take(&inbox(&place), "1", "港区").unwrap();
    for name in Disk.list(dir.path()).unwrap() {
        let bytes = std::fs::read(dir.path().join(name)).unwrap();
        for plain in [b"0001234567".as_slice(), b"19580302", b"\x1b$B", b"ADT"] {
            assert!(!bytes.windows(plain.len()).any(|window| window == plain));
        }
    }
    let other = Place {
        secret: secret(),
        ..place.clone()
    };
    assert_eq!(Reader::open(other).unwrap().unreadable, [1]);
    let elsewhere = Place {
        feed: "lab".into(),
        ..place
    };
    assert_eq!(
        Reader::open(elsewhere).unwrap().unreadable,
        [1],
        "a log moved to another feed does not open"
    );
}

#[test]
fn two_programs_do_not_write_one_feed() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(Arc::new(Disk), dir.path(), &secret());
    let _held = inbox(&place);
    assert!(Inbox::start(place, 400, Box::new(random())).is_err());
}

#[test]
fn closed_segments_become_small_and_old_ones_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut place = place(Arc::new(Disk), dir.path(), &secret());
    place.segment_bytes = 40_000;
    let first = Inbox::start(place.clone(), 10, Box::new(random())).unwrap();
    for number in 1..=50 {
        first
            .take_and_wait(arrival(message(&number.to_string(), "港区"), NOW))
            .unwrap();
    }
    drop(first);
    let names = Disk.list(dir.path()).unwrap();
    let small: Vec<_> = names.iter().filter(|name| name.ends_with(".tmbc")).collect();
    assert!(small.len() >= 4, "{names:?}");
    let size = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().len();
    assert!(
        small.iter().all(|name| size(name) <= 3 * 4_096),
        "nine messages of a block each take one"
    );
    assert_eq!(stored(&place).len(), 50);
    // Eleven days later the segments of that day go as new ones close.
    let later = Moment(NOW.0 + 11 * 86_400);
    let second = Inbox::start(place.clone(), 10, Box::new(random())).unwrap();
    assert_eq!(
        second.take_and_wait(arrival(message("7", "港区"), later)),
        Ok(Taken::Again)
    );
    for number in 51..=75 {
        second
            .take_and_wait(arrival(message(&number.to_string(), "港区"), later))
            .unwrap();
    }
    drop(second);
    let reader = Reader::open(place.clone()).unwrap();
    let left: Vec<_> = reader.messages(1).map(|message| message.unwrap()).collect();
    assert!(left.iter().filter(|message| message.received == NOW).count() < 20);
    assert_eq!(left.iter().filter(|message| message.received == later).count(), 25);
    assert_eq!(left.last().unwrap().number, 75);
}

#[test]
fn damage_is_named_and_costs_its_own_messages_only() {
    let fs = SimFs::new(1);
    let place = place(Arc::new(fs.clone()), std::path::Path::new("feed"), &secret());
    let first = inbox(&place);
    for number in 1..=5 {
        take(&first, &number.to_string(), "港区").unwrap();
    }
    drop(first);
    // Header in block 0, then a batch of one message in each block.
    fs.tamper(std::path::Path::new("feed/0000000001.tmbf"), |bytes| {
        bytes[2 * 4_096 + 100] ^= 1
    });
    let reader = Reader::open(place.clone()).unwrap();
    let found: Vec<_> = reader
        .messages(1)
        .map(|message| message.map(|message| message.number))
        .collect();
    let [Ok(1), Err(unread), Ok(3), Ok(4), Ok(5)] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!((unread.segment, unread.from, unread.until), (1, 2, 3));
    let second = inbox(&place);
    assert_eq!(take(&second, "6", "港区"), Ok(Taken::Stored(6)));
    assert_eq!(
        take(&second, "2", "港区"),
        Ok(Taken::Stored(7)),
        "what is not there any more is taken again"
    );
}

#[test]
fn a_full_disk_takes_nothing_says_so_and_goes_on_when_there_is_room() {
    let fs = SimFs::new(1);
    let place = place(Arc::new(fs.clone()), std::path::Path::new("feed"), &secret());
    let inbox = inbox(&place);
    take(&inbox, "1", "港区").unwrap();
    fs.full_in(0);
    assert!(take(&inbox, "2", "港区").is_err());
    assert!(inbox.overview().not_taking.is_some());
    assert_eq!(
        take(&inbox, "1", "港区"),
        Ok(Taken::Again),
        "what is kept can still be answered"
    );
    fs.heal();
    assert_eq!(take(&inbox, "2", "港区"), Ok(Taken::Stored(2)));
    assert_eq!(inbox.overview().not_taking, None);
    assert_eq!(stored(&place).iter().map(control).collect::<Vec<_>>(), ["1", "2"]);
}

/// A life that ends at a given operation: what was acknowledged, in order.
fn life(place: &Place, first: u32, acknowledged: &mut Vec<String>) {
    let Ok(inbox) = Inbox::start(place.clone(), 400, Box::new(random())) else {
        return;
    };
    for number in first..first + 6 {
        let control = number.to_string();
        if take(&inbox, &control, "港区").is_ok() {
            acknowledged.push(control);
        }
    }
}

#[test]
fn whatever_goes_wrong_at_whatever_operation_what_was_acknowledged_is_there() {
    let torture = std::env::var_os("TORTURE").is_some();
    let secret = secret();
    let mut cases = 0;
    for fault in [Fault::Kill, Fault::Fail, Fault::Short, Fault::Full] {
        for ending in [Ending::Kill, Ending::PowerCut] {
            for at in 0..40_u64 {
                for seed in 0..if torture { 100 } else { 2 } {
                    let fs = SimFs::new(seed * 1_000 + at);
                    let mut place = place(Arc::new(fs.clone()), std::path::Path::new("feed"), &secret);
                    // Small: rotation and rewriting are among the operations that go wrong.
                    place.segment_bytes = 13_000;
                    let mut acknowledged = Vec::new();
                    life(&place, 0, &mut acknowledged);
                    fs.restart(Ending::PowerCut);
                    fs.fault_in(at, fault);
                    life(&place, 100, &mut acknowledged);
                    fs.restart(ending);
                    // Killed again at once, before anything new: what is in the air must not be lost by starting.
                    fs.fault_in(seed % 5, Fault::Kill);
                    life(&place, 200, &mut acknowledged);
                    fs.restart(Ending::PowerCut);
                    life(&place, 300, &mut acknowledged);
                    let found: Vec<_> = stored(&place).iter().map(control).collect();
                    for control in &acknowledged {
                        let times = found.iter().filter(|found| *found == control).count();
                        assert_eq!(
                            times, 1,
                            "{control} after {fault:?} at {at}, {ending:?}, seed {seed}: {found:?}"
                        );
                    }
                    let order: Vec<_> = found.iter().filter(|found| acknowledged.contains(found)).collect();
                    assert!(order.into_iter().eq(acknowledged.iter()), "in the order of arrival");
                    assert!(acknowledged.len() >= 12);
                    cases += 1;
                }
            }
        }
    }
    assert!(cases >= 640);
}
