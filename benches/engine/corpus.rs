//! Messages and rules made from a seed: the same for every contender.
//!
//! Place in the flow: first step of the bench. Invariants: no text of a person; the same seed gives
//! the same bytes; a third of the running words come from a long tail, as in a real stream.
//!
//! Words are those of the shipped packs' own examples and as many invented lexemes as the rules
//! need, declined by the school tables of Russian. A message has 36 words on average in sentences
//! of 4–14 words.

use std::collections::BTreeSet;

use otklik::config::packs::PackFile;
use otklik::sim::Rng;
use otklik::text::Tokens;
use otklik::text::tokens::{LATIN, NUMBER};

/// Kinds of rules, as in the published comparison of percolators: single words, phrases, windows,
/// windows with an exclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    Phrase,
    Window,
    Unless,
}

/// A rule over lexemes, by their numbers.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub kind: Kind,
    pub words: [usize; 3],
}

/// Rules of one pack.
pub const PACK: usize = 1_500;
/// Words a window is long, its own included.
pub const WINDOW: usize = 5;

const FUNCTION_WORDS: &str = "и в не на что с по это у а как но за к из от так мы вы он все она же \
уже бы то для до ли если при еще когда только или нет был была есть где нам нас вам без под раз там";

const NOUN: [&str; 6] = ["а", "ы", "е", "у", "ой", "ам"];
const MALE: [&str; 6] = ["", "а", "у", "ом", "е", "ы"];
const ADJECTIVE: [&str; 6] = ["ый", "ого", "ому", "ым", "ая", "ые"];
const VERB: [&str; 6] = ["ать", "ает", "ают", "ал", "ала", "али"];

/// All endings of the four classes above, by the same tables: 20 forms a word on average, as
/// OpenCorpora gives words of rules.
const PARADIGMS: [&[&str]; 4] = [
    &["а", "ы", "е", "у", "ой", "ою", "", "ам", "ами", "ах"],
    &["", "а", "у", "ом", "е", "ы", "ов", "ам", "ами", "ах"],
    &[
        "ый", "ого", "ому", "ым", "ом", "ая", "ой", "ую", "ое", "ые", "ых", "ыми", "", "а", "о",
        "ы", "ее", "ей",
    ],
    &[
        "ать",
        "аю",
        "аешь",
        "ает",
        "аем",
        "аете",
        "ают",
        "ал",
        "ала",
        "ало",
        "али",
        "ай",
        "айте",
        "ая",
        "ав",
        "авши",
        "ающий",
        "ающего",
        "ающему",
        "ающим",
        "ающем",
        "ающая",
        "ающей",
        "ающую",
        "ающее",
        "ающие",
        "ающих",
        "ающими",
        "анный",
        "анного",
        "анному",
        "анным",
        "анном",
        "анная",
        "анной",
        "анную",
        "анное",
        "анные",
        "анных",
        "анными",
        "ан",
        "ана",
        "ано",
        "аны",
    ],
];

const STARTS: [&str; 24] = [
    "бор",
    "вал",
    "гар",
    "дол",
    "жил",
    "зам",
    "кар",
    "лом",
    "мер",
    "нос",
    "пар",
    "рад",
    "сел",
    "тур",
    "фил",
    "хол",
    "чаш",
    "шум",
    "строй",
    "плав",
    "крен",
    "глуб",
    "тран",
    "снеж",
];
/// No two have a letter in common at the same place: no lexeme is one slip away from another.
const UNITS: [&str; 9] = ["ав", "ек", "ил", "ом", "ун", "ыр", "эс", "юд", "яч"];

/// All lexemes a message or a rule may use.
pub struct Words {
    /// Forms of each invented lexeme, the first one names it.
    pub lexemes: Vec<[String; 6]>,
    real: Vec<String>,
}

impl Words {
    /// `count` invented lexemes beside the words of the shipped packs.
    pub fn new(count: usize) -> Self {
        let lexemes = (0..count).map(lexeme).collect();
        Self { lexemes, real: real_words() }
    }
}

/// Invented lexeme number `number`: a start and two to four units, declined.
fn lexeme(number: usize) -> [String; 6] {
    let stem = stem(number);
    [NOUN, MALE, ADJECTIVE, VERB][number % 4].map(|end| format!("{stem}{end}"))
}

/// All forms of a lexeme.
pub fn forms(number: usize) -> impl Iterator<Item = String> {
    let stem = stem(number);
    PARADIGMS[number % 4].iter().map(move |end| format!("{stem}{end}"))
}

fn stem(number: usize) -> String {
    let (start, mut rest) = (number % STARTS.len(), number / STARTS.len());
    let mut units = 2;
    while rest >= UNITS.len().pow(units) {
        rest -= UNITS.len().pow(units);
        units += 1;
    }
    let mut stem = STARTS[start].to_owned();
    for _ in 0..units {
        stem.push_str(UNITS[rest % UNITS.len()]);
        rest /= UNITS.len();
    }
    stem
}

/// The words of the shipped packs' examples, in order of their first sight.
fn real_words() -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut words = Vec::new();
    for (_, text) in otklik::config::shipped::keywords() {
        let Ok(table) = toml::from_str::<toml::Table>(text) else { continue };
        let examples = table.get("example").and_then(toml::Value::as_array);
        for example in examples.into_iter().flatten() {
            let text = example.get("text").and_then(toml::Value::as_str).unwrap_or_default();
            let tokens = Tokens::of(text);
            for at in 0..tokens.len() {
                let letters = tokens.list()[at].flags & (LATIN | NUMBER) == 0;
                if letters && seen.insert(tokens.text(at).to_owned()) {
                    words.push(tokens.text(at).to_owned());
                }
            }
        }
    }
    words
}

/// A rank by Zipf's law out of `count`.
fn rank(rng: &mut Rng, count: usize) -> usize {
    let u = rng.unit();
    let top = (count as f64 + 2.7).ln() - 2.7_f64.ln();
    let at = ((2.7_f64.ln() + u * top).exp() - 2.7) as usize;
    at.min(count - 1)
}

/// `count` messages over the first `used` lexemes.
pub fn messages(words: &Words, used: usize, count: usize, seed: u64) -> Vec<String> {
    let mut rng = Rng::new(seed);
    let common: Vec<&str> = FUNCTION_WORDS.split(' ').collect();
    let mut all = Vec::with_capacity(count);
    for _ in 0..count {
        let length = 6 + rng.below(24) + if rng.below(4) == 0 { 60 } else { 0 };
        let mut text = String::new();
        let mut left = 0;
        for at in 0..length {
            let form = match rng.below(100) {
                0..34 => common[rank(&mut rng, common.len())].to_owned(),
                34..54 => words.real[rank(&mut rng, words.real.len())].clone(),
                _ => {
                    let lexeme = &words.lexemes[rank(&mut rng, used)];
                    lexeme[rng.below(6)].clone()
                }
            };
            let starts = left == 0;
            if starts {
                left = 4 + rng.below(11);
            }
            left -= 1;
            if at > 0 {
                text.push(' ');
            }
            match starts {
                true => text.push_str(&capital(&form)),
                false if rng.below(60) == 0 => text.push_str(&form.to_uppercase()),
                false => text.push_str(&form),
            }
            if left == 0 || at + 1 == length {
                text.push_str(["!", "…", ".", ".", ".", "."][rng.below(6)]);
            } else if rng.below(9) == 0 {
                text.push(',');
            }
        }
        all.push(text);
    }
    all
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}

/// `count` rules over lexemes from number `from` on: 60 % words, 18 % phrases, 12 % windows, 10 %
/// windows with an exclusion.
pub fn rules(words: &Words, count: usize, from: usize, seed: u64) -> Vec<Rule> {
    let mut rng = Rng::new(seed);
    let lexemes = words.lexemes.len() - from;
    let lexeme = |rng: &mut Rng| from + rng.below(lexemes);
    (0..count)
        .map(|number| {
            let kind = match number % 50 {
                0..30 => Kind::Word,
                30..39 => Kind::Phrase,
                39..45 => Kind::Window,
                _ => Kind::Unless,
            };
            // A stride that shares no factor with the number of lexemes: frequent words and rare.
            let own = from + number * 7_919 % lexemes;
            let first = if kind == Kind::Word { own } else { lexeme(&mut rng) };
            Rule { kind, words: [first, lexeme(&mut rng), lexeme(&mut rng)] }
        })
        .collect()
}

/// The rules as pack files of at most [`PACK`] rules.
pub fn packs(words: &Words, rules: &[Rule]) -> Vec<PackFile> {
    let name = |lexeme: usize| words.lexemes[lexeme][0].as_str();
    let pack = |(number, rules): (usize, &[Rule])| {
        let id = format!("bench_{number}");
        let mut text = format!(
            "id = \"{id}\"\ntitle = \"Проба {number}\"\nkind = \"problem\"\nseverity = 3\n\
             [[rule]]\nid = \"probe\"\nfind = 'зюзябра{number}'\n\
             [[example]]\ntext = \"зюзябра{number}\"\nis = true\n\
             [[example]]\ntext = \"зюзябра{number} есть\"\nis = true\n\
             [[example]]\ntext = \"…\"\nis = false\n[[example]]\ntext = \"—\"\nis = false\n"
        );
        for (at, rule) in rules.iter().enumerate() {
            let [a, b, c] = rule.words.map(name);
            let find = match rule.kind {
                Kind::Word => a.to_owned(),
                Kind::Phrase => format!("\"{a} {b}\""),
                Kind::Window => format!("\"{a} {b}\"~{WINDOW}"),
                Kind::Unless => format!("\"{a} {b}\"~{WINDOW} -{c}"),
            };
            text.push_str(&format!("[[rule]]\nid = \"r{at}\"\nfind = '{find}'\nweight = 20\n"));
        }
        PackFile::new(format!("keywords/{id}.toml"), text)
    };
    rules.chunks(PACK).enumerate().map(pack).collect()
}
