//! The judgement: stories, and what holds whatever was seen.

use proptest::prelude::*;

use super::super::FAILURES;
use super::*;

const NOW: Moment = Moment(1_800_000_000);

fn seen(answers: bool, since_ago: i64, checked_ago: i64) -> Watch {
    let mut watch = Watch::default();
    if answers {
        watch.observe(Moment(NOW.0 - checked_ago), true);
    } else {
        for at in [since_ago, since_ago - 1, checked_ago] {
            watch.observe(Moment(NOW.0 - at), false);
        }
    }
    watch
}

fn probe(name: &str, what: Watched, via: Option<&str>, watch: Watch) -> Probe {
    Probe {
        watch,
        ..Probe::new(name, what, via)
    }
}

fn alive() -> Watch {
    seen(true, 0, 2)
}

fn dead(ago: i64) -> Watch {
    seen(false, ago, 2)
}

fn hospital(db: Watch, app: Watch, gateway: Watch, line: Watch) -> Vec<Probe> {
    vec![
        probe("DB", Watched::EhrDb, Some("A"), db),
        probe("アプリ", Watched::EhrApp, Some("G"), app),
        probe("G", Watched::Gateway, None, gateway),
        probe("A", Watched::Line, None, line),
    ]
}

#[test]
fn a_server_a_network_both_and_which_path() {
    let says = |db, app, gateway, line| {
        let judged = judge(&hospital(db, app, gateway, line), NOW);
        (judged.cause, judged.since.map(|at| NOW.0 - at.0))
    };
    assert_eq!(says(alive(), alive(), alive(), alive()), (Cause::Nothing, None));
    assert_eq!(says(dead(300), alive(), alive(), alive()), (Cause::Server, Some(300)));
    assert_eq!(
        says(dead(300), alive(), alive(), dead(310)),
        (Cause::Network, Some(310))
    );
    assert_eq!(says(dead(300), dead(60), alive(), dead(310)), (Cause::Both, Some(310)));
    assert_eq!(says(alive(), alive(), dead(90), alive()), (Cause::Path, Some(90)));
    let path = judge(&hospital(alive(), alive(), dead(90), alive()), NOW);
    assert_eq!(path.paths().collect::<Vec<_>>(), ["G"]);
    assert_eq!(
        says(dead(300), alive(), alive(), seen(true, 0, 40)),
        (Cause::Unclear, Some(300))
    );
    assert_eq!(
        says(alive(), alive(), seen(true, 0, 16), alive()),
        (Cause::Checking, None)
    );
}

#[test]
fn without_a_named_way_the_paths_must_agree() {
    let db = || probe("DB", Watched::EhrDb, None, dead(50));
    let line = |name: &str, watch| probe(name, Watched::Line, None, watch);
    let cause = |probes: &[Probe]| judge(probes, NOW).cause;
    assert_eq!(cause(&[db()]), Cause::Unclear, "nobody looked at the way");
    assert_eq!(cause(&[db(), line("A", alive()), line("B", alive())]), Cause::Server);
    assert_eq!(cause(&[db(), line("A", dead(60)), line("B", dead(60))]), Cause::Network);
    assert_eq!(cause(&[db(), line("A", dead(60)), line("B", alive())]), Cause::Unclear);
}

#[test]
fn a_feed_is_suspected_only_beyond_its_usual_gap() {
    let feed = |last: Option<i64>, usual| Probe {
        quiet: Quiet {
            last: last.map(|ago| Moment(NOW.0 - ago)),
            usual,
            ..Quiet::default()
        },
        ..probe("ADT", Watched::Feed, None, alive())
    };
    let cause = |probe| judge(&[probe], NOW).cause;
    assert_eq!(cause(feed(Some(600), Some(300))), Cause::Nothing);
    assert_eq!(cause(feed(Some(601), Some(300))), Cause::Feed);
    assert_eq!(
        cause(feed(Some(119), Some(1))),
        Cause::Nothing,
        "seconds are never suspicious"
    );
    assert_eq!(cause(feed(Some(9_999), None)), Cause::Checking, "not learnt yet");
    assert_eq!(cause(feed(None, Some(300))), Cause::Checking, "never heard");
}

#[test]
fn the_ehr_is_there_when_all_of_it_is() {
    assert!(together([&alive(), &alive()]).is_proven(NOW));
    assert!(
        !together([&alive(), &Watch::default()]).is_proven(NOW),
        "one was never checked"
    );
    assert_eq!(together([&alive(), &dead(50)]).silent_since(), Some(Moment(NOW.0 - 50)));
    let mut once = alive();
    once.observe(Moment(NOW.0 - 100), false);
    assert_eq!(
        together([&once, &dead(50)]).silent_since(),
        Some(Moment(NOW.0 - 50)),
        "a single failure elsewhere does not make the silence longer"
    );
    assert_eq!(together([]), Watch::default());
}

fn any_watch() -> impl Strategy<Value = Watch> {
    (0..6_u32, any::<bool>(), 0..40_i64, 3..5_000_i64).prop_map(|(failures, ever, checked, before)| {
        let mut watch = Watch::default();
        if ever {
            watch.observe(Moment(NOW.0 - before - 60), failures == 0);
        }
        for n in (0..failures).rev() {
            watch.observe(Moment(NOW.0 - checked - i64::from(n) * 3), false);
        }
        if failures == 0 && ever {
            watch.observe(Moment(NOW.0 - checked), true);
        }
        watch
    })
}

fn any_probe() -> impl Strategy<Value = Probe> {
    (0..6_usize, 0..6_usize, any_watch(), prop::option::of(0..4_000_i64)).prop_map(|(what, via, watch, quiet)| {
        let what = Watched::ALL[what];
        Probe {
            quiet: Quiet {
                last: quiet.map(|ago| Moment(NOW.0 - ago)),
                usual: Some(600),
                ..Quiet::default()
            },
            ..probe(
                &format!("{}{via}", what.word()),
                what,
                (via < 3).then(|| format!("line{via}")).as_deref(),
                watch,
            )
        }
    })
}

proptest! {
    #[test]
    fn what_is_claimed_was_seen_lately(probes in prop::collection::vec(any_probe(), 0..8)) {
        let judged = judge(&probes, NOW);
        let fresh = |p: &Probe| p.watch.checked.is_some_and(|at| NOW.0 - at.0 <= FRESH_SECONDS);
        for silent in &judged.silent {
            prop_assert!(probes.iter().any(|p| p.name == silent.name && fresh(p)
                && (p.what == Watched::Feed || p.watch.failures >= FAILURES)));
        }
        if judged.cause == Cause::Nothing {
            prop_assert!(!probes.is_empty());
            prop_assert!(probes.iter().all(|p| fresh(p) && p.watch.failures == 0));
        }
        if judged.cause == Cause::Server {
            prop_assert_eq!(judged.paths().count(), 0, "a path that is gone is never kept quiet about");
            prop_assert!(judged.servers().count() > 0);
            prop_assert!(probes.iter().any(|p| p.what.is_path() && p.standing(NOW) == Standing::Answers));
        }
        if judged.cause == Cause::Network {
            prop_assert!(judged.paths().count() > 0 && judged.servers().count() > 0);
        }
        prop_assert_eq!(judged.since.is_some(), judged.cause.is_trouble());
        if let Some(since) = judged.since {
            prop_assert!(judged.silent.iter().any(|s| s.since == since));
        }
    }

    #[test]
    fn the_order_of_the_probes_does_not_matter(probes in prop::collection::vec(any_probe(), 0..8), turn in 0..8_usize) {
        let mut other = probes.clone();
        if !other.is_empty() {
            let by = turn % other.len();
            other.rotate_left(by);
            other.reverse();
        }
        prop_assert_eq!(judge(&probes, NOW), judge(&other, NOW));
    }

    #[test]
    fn old_checks_prove_nothing(probes in prop::collection::vec(any_probe(), 0..8)) {
        let judged = judge(&probes, Moment(NOW.0 + 3_600));
        prop_assert_eq!(judged.cause, Cause::Checking);
        prop_assert!(judged.silent.is_empty());
        prop_assert_eq!(judged.unknown.len(), probes.len());
    }

    #[test]
    fn the_whole_ehr_is_never_better_than_any_part_of_it(watches in prop::collection::vec(any_watch(), 1..5)) {
        let whole = together(&watches);
        prop_assert_eq!(whole.is_proven(NOW), watches.iter().all(|w| w.is_proven(NOW)));
        prop_assert_eq!(whole.silent_since(), watches.iter().filter_map(Watch::silent_since).min());
    }
}

#[test]
fn a_feed_is_judged_by_what_the_hospital_expects_and_only_from_when_it_was_listened_to() {
    let feed = |last: i64, quiet: Quiet| Probe {
        quiet: Quiet {
            last: Some(Moment(NOW.0 - last)),
            ..quiet
        },
        ..probe("ADT", Watched::Feed, None, alive())
    };
    let cause = |probe| judge(&[probe], NOW).cause;
    let said = Quiet {
        usual: Some(10_000),
        allowed: Some(900),
        ..Quiet::default()
    };
    assert_eq!(cause(feed(900, said)), Cause::Nothing);
    assert_eq!(
        cause(feed(901, said)),
        Cause::Feed,
        "what was said is believed before what was learnt"
    );
    let since = |ago: i64| Quiet {
        counts_since: Some(Moment(NOW.0 - ago)),
        ..said
    };
    assert_eq!(cause(feed(30_000, since(0))), Cause::Nothing, "quiet hours");
    assert_eq!(
        cause(feed(30_000, since(900))),
        Cause::Nothing,
        "quiet until a quarter of an hour ago"
    );
    let judgement = judge(&[feed(30_000, since(901))], NOW);
    assert_eq!(
        (judgement.cause, judgement.since),
        (Cause::Feed, Some(Moment(NOW.0 - 30_000))),
        "the last message"
    );
    assert_eq!(
        cause(feed(901, since(2_000))),
        Cause::Feed,
        "quiet hours before the last message change nothing"
    );
    let never = Probe {
        quiet: Quiet {
            last: None,
            ..since(5_000)
        },
        ..feed(0, said)
    };
    assert_eq!(
        cause(never),
        Cause::Checking,
        "a feed that was never heard is not known"
    );
}
