//! Packs that change while texts are classified: each text is judged by one set, none is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;
use otklik::classify::{Lexicon, Scratch, classify};

use crate::lexicons::probe;

/// Two packs that find the same words by rules of their own, so that a mixture would show.
fn packs() -> [Lexicon; 2] {
    [probe("вода | свет", ""), probe("\"нет вода\"~3 | фонарь | тепло", "")]
}

const TEXTS: [(&str, [usize; 2]); 4] = [
    ("Нет воды третий день", [1, 1]),
    ("Света нет, фонари не горят", [1, 1]),
    ("Тепло дайте", [0, 1]),
    ("Вода бурая", [1, 0]),
];

#[test]
fn a_swap_under_load_mixes_and_loses_nothing() {
    let [one, two] = packs().map(Arc::new);
    let hashes = [one.hash().to_owned(), two.hash().to_owned()];
    let in_force = ArcSwap::new(Arc::clone(&one));
    let (over, judged) = (AtomicBool::new(false), [AtomicU64::new(0), AtomicU64::new(0)]);
    std::thread::scope(|scope| {
        let work = || {
            let mut scratch = Scratch::new();
            let mut own = 0_usize;
            while !over.load(Ordering::Relaxed) || own < 200 {
                let (text, expected) = TEXTS[own % TEXTS.len()];
                let lexicon = in_force.load_full();
                let found = classify(text, &lexicon, &mut scratch);
                let which = hashes.iter().position(|hash| hash == lexicon.hash()).expect("a set");
                assert_eq!(found.findings.len(), expected[which], "{text} by set {which}");
                judged[which].fetch_add(1, Ordering::Relaxed);
                own += 1;
            }
        };
        let workers = [scope.spawn(work), scope.spawn(work)];
        for turn in 0..2_000 {
            // Until both sets have judged, and then many times more.
            let next = if turn % 2 == 0 { &two } else { &one };
            in_force.store(Arc::clone(next));
            std::thread::yield_now();
        }
        over.store(true, Ordering::Relaxed);
        for worker in workers {
            worker.join().expect("no worker stopped");
        }
    });
    let [first, second] = judged.map(AtomicU64::into_inner);
    assert!(first + second >= 400, "{first} {second}");
}

#[test]
fn a_scratch_forgets_the_packs_before() {
    let [one, two] = packs();
    let mut scratch = Scratch::new();
    for _ in 0..3 {
        for (text, expected) in TEXTS {
            assert_eq!(classify(text, &one, &mut scratch).findings.len(), expected[0], "{text}");
            assert_eq!(classify(text, &two, &mut scratch).findings.len(), expected[1], "{text}");
        }
    }
}
