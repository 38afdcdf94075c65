//! Properties of the engine: nothing typed or posted makes it panic, spans are valid, and the
//! compiled matcher finds what a naive one finds.

use otklik::classify::query::{self, How, Item, Mark, Query, Word};
use otklik::classify::{Gazetteer, Lexicon, Scratch, classify};
use otklik::config::packs::PackFile;
use otklik::text::{Stems, Tokens, clean, fold, language, numeral};
use proptest::prelude::*;

use crate::lexicons::{matches, probe};

/// A small generator of its own (SplitMix64), so that a failing seed can be run again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.roll(words.len())]
    }
}

const WORDS: &[&str] =
    &["вода", "воды", "водой", "яма", "ямы", "дом", "дома", "кот", "не", "5", "три"];

fn random_item(dice: &mut Dice, depth: usize) -> String {
    match dice.roll(if depth > 1 { 6 } else { 8 }) {
        0 => format!("!{}", dice.pick(WORDS)),
        1 => format!("{}*", dice.pick(&["во", "вод", "до", "ям", "тр"])),
        2 => "@число".to_owned(),
        3..=5 => dice.pick(WORDS).to_owned(),
        _ => {
            let phrases: Vec<String> = (0..1 + dice.roll(2))
                .map(|_| {
                    let items: Vec<String> =
                        (0..1 + dice.roll(2)).map(|_| random_item(dice, depth + 1)).collect();
                    items.join(" ")
                })
                .collect();
            format!("({})", phrases.join(" | "))
        }
    }
}

fn random_query(dice: &mut Dice, depth: usize) -> String {
    let items = |dice: &mut Dice, count: usize| -> String {
        (0..count).map(|_| random_item(dice, 0)).collect::<Vec<_>>().join(" ")
    };
    match dice.roll(if depth > 2 { 4 } else { 8 }) {
        0 | 1 => dice.pick(WORDS).to_owned(),
        2 => {
            let count = 2 + dice.roll(2);
            format!("\"{}\"", items(dice, count))
        }
        3 => {
            let count = 2 + dice.roll(2);
            let words = count + dice.roll(4);
            format!("\"{}\"~{words}", items(dice, count))
        }
        4 => format!("({} | {})", random_query(dice, depth + 1), random_query(dice, depth + 1)),
        5 => format!("{} {}", random_query(dice, depth + 1), random_query(dice, depth + 1)),
        6 => format!("({} -{})", random_query(dice, depth + 1), dice.pick(WORDS)),
        _ => format!("{} -({})", random_query(dice, depth + 1), random_query(dice, depth + 1)),
    }
}

fn random_text(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.roll(9) {
        text.push_str(dice.pick(WORDS));
        text.push_str(dice.pick(&[" ", " ", " ", ", ", ". Вот ", " снег "]));
    }
    text
}

/// The obvious matcher: no terms, no anchors, no memory.
struct Naive<'a> {
    tokens: &'a Tokens,
    stems: &'a Stems,
}

impl Naive<'_> {
    fn word(&self, word: &Word, at: usize) -> bool {
        let text = self.tokens.text(at);
        match word.how {
            How::Stem => self.stems.stem(text) == self.stems.stem(&word.text),
            How::Form => fold::squeeze(text) == fold::squeeze(&word.text),
            How::Prefix => fold::squeeze(text).starts_with(&fold::squeeze(&word.text)),
        }
    }

    /// Where `items` may end if they start at `at`.
    fn ends(&self, items: &[Item], at: usize, limit: usize) -> Vec<usize> {
        let Some((first, rest)) = items.split_first() else { return vec![at] };
        let middle = match first {
            _ if at >= limit => Vec::new(),
            Item::Word(word) if self.word(word, at) => vec![at + 1],
            Item::Mark(Mark::Number) if numeral::value(self.tokens.text(at)).is_some() => {
                vec![at + 1]
            }
            Item::Any(any) => any.iter().flat_map(|items| self.ends(items, at, limit)).collect(),
            _ => Vec::new(),
        };
        middle.into_iter().flat_map(|at| self.ends(rest, at, limit)).collect()
    }

    fn window(
        &self,
        items: &[Item],
        from: usize,
        limit: usize,
        taken: &mut Vec<(usize, usize)>,
    ) -> bool {
        let Some((first, rest)) = items.split_first() else { return true };
        for at in from..limit {
            for end in self.ends(std::slice::from_ref(first), at, limit) {
                if taken.iter().all(|&(start, stop)| end <= start || stop <= at) {
                    taken.push((at, end));
                    if self.window(rest, from, limit, taken) {
                        return true;
                    }
                    taken.pop();
                }
            }
        }
        false
    }

    fn matches(&self, query: &Query) -> bool {
        let sentence_end =
            |at: usize| self.tokens.sentences()[self.tokens.sentence_of(at)].last as usize;
        let mut all = 0..self.tokens.len();
        match query {
            Query::Word(word) => all.any(|at| self.word(word, at)),
            Query::Mark(_) => all.any(|at| numeral::value(self.tokens.text(at)).is_some()),
            Query::Phrase(items) => {
                all.any(|at| !self.ends(items, at, sentence_end(at)).is_empty())
            }
            Query::Window(items, words) => all.any(|at| {
                let limit = (at + *words as usize).min(sentence_end(at));
                self.window(items, at, limit, &mut Vec::new())
            }),
            Query::And(all, none) => {
                all.iter().all(|query| self.matches(query))
                    && !none.iter().any(|query| self.matches(query))
            }
            Query::Or(any) => any.iter().any(|query| self.matches(query)),
            Query::Regex(_) => unreachable!("no regular expressions here"),
        }
    }
}

#[test]
fn the_compiled_matcher_finds_what_the_naive_one_finds() {
    let stems = Stems::new();
    let mut hits = 0;
    for seed in 0..120 {
        let mut dice = Dice(seed);
        let source = random_query(&mut dice, 0);
        let query = query::parse(&source).unwrap_or_else(|fault| panic!("{source}: {fault:?}"));
        let lexicon = probe(&source, "");
        for _ in 0..40 {
            let text = random_text(&mut dice);
            let tokens = Tokens::of(&text);
            let expected = Naive { tokens: &tokens, stems: &stems }.matches(&query);
            let found = !matches(&lexicon, &text).is_empty();
            assert_eq!(found, expected, "seed {seed}: {source:?} in {text:?}");
            hits += usize::from(found);
        }
    }
    assert!(hits > 500, "the texts must often match: {hits}");
}

fn village() -> Lexicon {
    let find =
        "вода | \"нет (свет | тепло)\"~4 | /ям[аы] \\w+/ | дыр* (дом -кот) | \"@число день\"";
    probe(find, "продам")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_query_makes_the_parser_panic(source in "\\PC{0,60}|[а-я \"()|~*!@/\\\\0-9НЕ-]{0,60}") {
        if let Err(fault) = query::parse(&source) {
            prop_assert!(source.is_char_boundary(fault.offset), "{source:?}: {fault:?}");
            prop_assert!(!fault.text.is_empty());
        }
    }

    #[test]
    fn no_text_breaks_tokens(text in "\\PC{0,80}|[a-zа-яёөүһ0-9 .,!?\n\u{AD}\u{301}\u{306}@'-]{0,80}") {
        let tokens = Tokens::of(&text);
        let mut behind = 0;
        for (at, token) in tokens.list().iter().enumerate() {
            prop_assert!(behind <= token.start && token.start < token.end);
            prop_assert!(text.get(token.start as usize..token.end as usize).is_some());
            prop_assert!(!tokens.text(at).is_empty());
            behind = token.end;
        }
        let covered: u32 = tokens.clauses().iter().map(|clause| clause.last - clause.first).sum();
        prop_assert_eq!(covered as usize, tokens.len());
        let covered: u32 = tokens.sentences().iter().map(|s| s.last - s.first).sum();
        prop_assert_eq!(covered as usize, tokens.len());
        prop_assert!(!language(&text, &tokens).0.is_empty());
        let cleaned = clean(&text);
        prop_assert_eq!(clean(&cleaned), cleaned);
    }
}

#[test]
fn no_text_breaks_classification() {
    let lexicon = village();
    let mut scratch = Scratch::new();
    let strategy = "(\\PC|вода|нет|света|ямы|5|день|дом|починили|не|холодно|[ .,!?]){0,40}";
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let texts = proptest::string::string_regex(strategy).expect("a strategy");
    for _ in 0..600 {
        let tree = proptest::strategy::Strategy::new_tree(&texts, &mut runner).expect("a text");
        let text = proptest::strategy::ValueTree::current(&tree);
        let chars: Vec<char> = text.chars().collect();
        let found = classify(&text, &lexicon, &mut scratch);
        for finding in &found.findings {
            assert!((1..=100).contains(&finding.score));
            for hit in &finding.matches {
                let words: String =
                    chars[hit.span.start as usize..hit.span.end as usize].iter().collect();
                assert_eq!(hit.text, words, "{text:?}");
            }
            let clause = finding.clause.expect("a clause");
            assert!(clause.start < clause.end && clause.end as usize <= chars.len(), "{text:?}");
        }
        assert_eq!(found, classify(&text, &lexicon, &mut Scratch::new()), "{text:?}");
    }
}

/// Twin of the fuzz target `pack`: a sound file with parts torn out, doubled or swapped.
#[test]
fn no_file_breaks_the_compiler() {
    const FILE: &str = "id = \"probe\"\ntitle = \"Проба\"\nkind = \"problem\"\nseverity = 3\n\
        advice = [\"Ответить\"]\ncodes = { pos = \"ЖКХ\" }\n[[rule]]\nid = \"it\"\n\
        find = '''\"нет (вода | свет)\"~4 |\n дыр* -кот | /ям[аы]/ | @число'''\nunless = \"продам\"\n\
        weight = 60\n[[example]]\ntext = \"Нет воды\"\nis = true\n[[example]]\n\
        text = \"Яма \\u0431\"\nis = true\n[[example]]\ntext = \"Кот\"\nis = false\n\
        [[example]]\ntext = \"Привет\"\nis = false\n";
    let (mut sound, mut broken) = (0, 0);
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut chars: Vec<char> = FILE.chars().collect();
        for _ in 0..dice.roll(4) {
            let (from, length) = (dice.roll(chars.len()), dice.roll(12));
            let part: Vec<char> = chars.iter().skip(from).take(length).copied().collect();
            let at = dice.roll(chars.len());
            match dice.roll(3) {
                0 => drop(chars.drain(from..(from + length).min(chars.len()))),
                1 => drop(chars.splice(at..at, part)),
                _ => {
                    chars[at] =
                        ['"', '\'', '(', ')', '|', '~', '\n', 'я', '=', '[', '\\'][dice.roll(11)]
                }
            }
        }
        let text: String = chars.into_iter().collect();
        let lines = u32::try_from(text.lines().count()).expect("few") + 1;
        let file = PackFile::new("keywords/probe.toml", text);
        match Lexicon::compile(vec![file], Gazetteer::empty()) {
            Ok(_) => sound += 1,
            Err(faults) => {
                broken += 1;
                assert!(!faults.is_empty(), "seed {seed}");
                assert!(faults.iter().all(|fault| fault.line <= lines), "seed {seed}: {faults:?}");
            }
        }
    }
    assert!(sound > 20 && broken > 100, "{sound} {broken}");
}
