//! Any text as a post, by the shipped packs and places: spans within the text, the same answer
//! whatever was classified before.

#![no_main]

use std::cell::RefCell;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use otklik::classify::{Gazetteer, Lexicon, Scratch, classify};
use otklik::config::packs::PackFile;
use otklik::config::places::PlacesFile;
use otklik::config::shipped;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(|| {
    let packs = shipped::keywords().filter(|(name, _)| name.ends_with(".toml"));
    let packs = packs.map(|(name, text)| PackFile::new(format!("keywords/{name}"), text)).collect();
    Lexicon::compile(packs, Gazetteer::compile(&PlacesFile::built_in())).expect("sound packs")
});

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::new());
}

fuzz_target!(|text: &str| {
    let found = SCRATCH.with_borrow_mut(|scratch| classify(text, &LEXICON, scratch));
    let length = text.chars().count() as u32;
    for finding in &found.findings {
        assert!((1..=100).contains(&finding.score));
        for hit in &finding.matches {
            assert!(hit.span.start < hit.span.end && hit.span.end <= length);
            let (start, end) = (hit.span.start as usize, hit.span.end as usize);
            let words: String = text.chars().skip(start).take(end - start).collect();
            assert_eq!(words, hit.text);
        }
    }
    let fresh = classify(text, &LEXICON, &mut Scratch::new());
    assert_eq!(found, fresh);
});
