//! Twins of the fuzz targets: queries, pack files and posts, torn and joined from the shipped packs.
//!
//! Place in the flow: a few hundred seeds with every test; long runs by hand, one target at a time:
//!
//! ```text
//! OTKLIK_FUZZ=100000000 timeout 600 cargo test --test it engine_fuzz::queries -- --nocapture
//! ```
//!
//! Invariant: the same seed makes the same text; a failure names its seed, `OTKLIK_FUZZ_FROM` begins
//! there.

use otklik::classify::query::{TERMS_MAX, parse};
use otklik::classify::{Gazetteer, Lexicon, Scratch, classify};
use otklik::config::packs::PackFile;
use otklik::config::places::PlacesFile;
use otklik::config::shipped;
use otklik::sim::Rng;

/// Signs that mean something to one of the targets.
const SIGNS: &[char] = &[
    '"', '\'', '(', ')', '|', '~', '-', '!', '*', '@', '/', '\\', '[', ']', '{', '}', '=', '#',
    '\n', '\r', '\t', ' ', '.', ',', '?', '0', '5', '9', 'я', 'Ё', 'ё', 'й', 'h', 'Z', 'ө', 'ү',
    'һ', 'і', '«', '»', '—', '…', '№', '😡', '\u{301}', '\u{306}', '\u{ad}', '\u{200b}',
    '\u{feff}', '\0',
];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// Calls `check` with texts made of `corpus`, each from its own seed; `few` of them in a suite.
#[expect(clippy::print_stdout, reason = "a long run says how far it got")]
fn each(corpus: &[&str], few: u64, mut check: impl FnMut(u64, &str)) {
    let from = number("OTKLIK_FUZZ_FROM", 0);
    for seed in from..from + number("OTKLIK_FUZZ", few) {
        if seed > few && seed.is_power_of_two() {
            println!("{seed} texts");
        }
        check(seed, &torn(corpus, &mut Rng::new(seed)));
    }
}

/// A text of the corpus with a few parts cut out, doubled, replaced or taken from another.
fn torn(corpus: &[&str], rng: &mut Rng) -> String {
    let mut text: Vec<char> = corpus[rng.below(corpus.len())].chars().collect();
    for _ in 0..rng.below(8) {
        let at = rng.below(text.len() + 1);
        let most = 1 << rng.below(9);
        let behind = (at + 1 + rng.below(most)).min(text.len());
        match rng.below(5) {
            0 => drop(text.drain(at..behind)),
            1 => {
                let part = text[at..behind].to_vec();
                let to = rng.below(text.len() + 1);
                text.splice(to..to, part);
            }
            2 => {
                let other: Vec<char> = corpus[rng.below(corpus.len())].chars().collect();
                let start = rng.below(other.len() + 1);
                let length = rng.below(64);
                text.splice(at..at, other.into_iter().skip(start).take(length));
            }
            3 => text.insert(at, SIGNS[rng.below(SIGNS.len())]),
            _ if at < text.len() => text[at] = SIGNS[rng.below(SIGNS.len())],
            _ => {}
        }
    }
    text.into_iter().collect()
}

/// The texts of one key in all packs.
fn values(table: &str, key: &str) -> Vec<String> {
    let packs =
        shipped::keywords().filter_map(|(_, text)| toml::from_str::<toml::Table>(text).ok());
    let entries = packs.flat_map(|pack| {
        pack.get(table).and_then(toml::Value::as_array).cloned().unwrap_or_default()
    });
    entries.filter_map(|entry| Some(entry.get(key)?.as_str()?.to_owned())).collect()
}

fn as_refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

#[test]
fn queries() {
    let rules = values("rule", "find");
    each(&as_refs(&rules), 2_000, |seed, source| match parse(source) {
        Ok(query) => assert!(query.terms() <= TERMS_MAX, "seed {seed}"),
        Err(fault) => {
            assert!(source.is_char_boundary(fault.offset), "seed {seed}: {fault:?}");
            assert!(!fault.text.is_empty(), "seed {seed}");
        }
    });
}

#[test]
fn pack_files() {
    let packs: Vec<&str> = shipped::keywords().map(|(_, text)| text).collect();
    each(&packs, 12, |seed, text| {
        let lines = u32::try_from(text.lines().count()).expect("few") + 1;
        for path in ["keywords/water.toml", "keywords/local/water.toml", "keywords/_offers.toml"] {
            let file = PackFile::new(path, text.replace("\r\n", "\n"));
            if let Err(faults) = Lexicon::compile(vec![file], Gazetteer::empty()) {
                assert!(!faults.is_empty(), "seed {seed}");
                let inside = |line: u32| line <= lines;
                assert!(faults.iter().all(|fault| inside(fault.line)), "seed {seed}: {faults:?}");
            }
        }
    });
}

#[test]
fn posts() {
    let packs = shipped::keywords().filter(|(name, _)| name.ends_with(".toml"));
    let packs = packs.map(|(name, text)| PackFile::new(format!("keywords/{name}"), text)).collect();
    let lexicon = Lexicon::compile(packs, Gazetteer::compile(&PlacesFile::built_in()));
    let lexicon = lexicon.unwrap_or_else(|faults| panic!("{}", faults[0]));
    let mut scratch = Scratch::new();
    let examples = values("example", "text");
    each(&as_refs(&examples), 400, |seed, text| {
        let found = classify(text, &lexicon, &mut scratch);
        let chars: Vec<char> = text.chars().collect();
        for hit in found.findings.iter().flat_map(|finding| &finding.matches) {
            let words = chars.get(hit.span.start as usize..hit.span.end as usize);
            let words: String = words.expect("a span within the text").iter().collect();
            assert_eq!(hit.text, words, "seed {seed}: {text:?}");
        }
        assert!(found.findings.iter().all(|finding| (1..=100).contains(&finding.score)));
        if seed % 64 == 0 {
            let fresh = classify(text, &lexicon, &mut Scratch::new());
            assert_eq!(found, fresh, "seed {seed}: {text:?}");
        }
    });
}
