//! Processes die in the middle of what they do: the hub while it seals, while it hands out data, while people type; a station whenever it
//! likes. What a desk said was saved is there afterwards, and what could be opened before can be opened still.

use std::time::Duration;

use crate::effort::{Dice, count, pause, seed, until};
use crate::hospital::{HUB, Hospital, WARDS};
use crate::partitions::Story;
use crate::wires::alone;

/// Sealings that are killed in every run of the suite, and in torture.
const SEALINGS: (usize, usize) = (4, 60);
/// Rounds in which the hub dies while it hands out data and people type, in every run of the suite and in torture.
const ROUNDS: (usize, usize) = (3, 40);

#[test]
fn a_sealing_that_is_killed_leaves_the_last_good_data() {
    alone("kills::a_sealing_that_is_killed_leaves_the_last_good_data", || {
        let seed = seed();
        let mut dice = Dice::new(seed);
        let hospital = Hospital::new(120);
        let begun = std::time::Instant::now();
        hospital.seal();
        let whole = usize::try_from(begun.elapsed().as_millis()).unwrap_or(1_000);
        let mut good = hospital.verified(HUB).expect("a first day");
        let (mut killed, wanted) = (0, count(SEALINGS.0, SEALINGS.1));
        for n in 0..wanted {
            let mut sealing = hospital.sealing().spawn().expect("the program starts");
            // Every moment of it, and a little later than that.
            pause((whole * (n % 16) / 16 + dice.roll(whole / 16 + 1)) as u64);
            killed += usize::from(sealing.try_wait().is_ok_and(|ended| ended.is_none()));
            let _ = sealing.kill();
            let _ = sealing.wait();
            let now = hospital
                .verified(HUB)
                .unwrap_or_else(|why| panic!("seed {seed}, kill {n}: nothing opens: {why}"));
            assert!(
                now >= good,
                "seed {seed}, kill {n}: the data went back from {good} to {now}"
            );
            good = now;
        }
        hospital.seal();
        let now = hospital.verified(HUB).expect("a sealing that is left alone");
        assert!(now > good, "seed {seed}: after the kills nothing new is sealed");
        println!("torture: {wanted} sealings, seed {seed}: {killed} killed, the last good data opened after each");
        assert!(killed > 0, "all of them were through before they were killed");
    });
}

#[test]
fn a_hub_and_a_station_that_die_while_people_type_lose_nothing_that_was_saved() {
    alone(
        "kills::a_hub_and_a_station_that_die_while_people_type_lose_nothing_that_was_saved",
        || {
            let seed = seed();
            let mut dice = Dice::new(seed);
            let hospital = Hospital::new(120);
            hospital.start_all();
            let mut story = Story::begin(&hospital);
            let rounds = count(ROUNDS.0, ROUNDS.1);
            for round in 0..rounds {
                // The hub has new data and dies while the others fetch them; one of those dies too, somewhere in between.
                hospital.seal();
                let victim = WARDS.start + dice.roll(WARDS.len());
                std::thread::scope(|scope| {
                    let (hospital, wait) = (&hospital, [dice.roll(1_200), dice.roll(900)]);
                    scope.spawn(move || {
                        pause(wait[0] as u64);
                        hospital.kill(HUB);
                        pause(wait[1] as u64);
                        hospital.kill(victim);
                    });
                    story.work_at(HUB, &mut dice);
                    story.work_at(victim, &mut dice);
                    story.work_at(HUB, &mut dice);
                    story.work_at(victim, &mut dice);
                });
                story.work_at(WARDS.start + dice.roll(WARDS.len()), &mut dice);
                // Without a hub, and with a ward's PC gone: what they held opens.
                for place in [HUB, victim] {
                    hospital
                        .verified(place)
                        .unwrap_or_else(|why| panic!("seed {seed}, round {round}: {why}"));
                }
                hospital.start(HUB);
                hospital.start(victim);
                until("the hub's desk is there again", Duration::from_secs(60), || {
                    crate::desk::Person::at(&hospital, HUB, crate::hospital::RECEPTION)
                        .mode()
                        .map(drop)
                });
                story.work(&mut dice);
                story.comes_together(&format!("seed {seed}, round {round}"));
            }
            println!(
                "torture: {rounds} rounds, seed {seed}: hub and station killed while people typed: {} entries said to be saved, none lost",
                story.saved.len()
            );
        },
    );
}
