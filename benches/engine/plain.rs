//! The obvious way to do the same: what anybody would write in Rust in an afternoon.
//!
//! Place in the flow: the contender of the bench. Lower-cases each character, splits on what is no
//! letter, stems each word, looks it up in a hash map, hangs each rule on its rarest word.
//! Invariant: finds the same rules; it folds nothing but case and ё, knows no polarity, no places,
//! no language.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

use super::corpus::{Kind, Rule, WINDOW, Words};

/// All rules, ready to be asked.
pub struct Plain {
    stemmer: Stemmer,
    vocabulary: HashMap<String, u32>,
    rules: Vec<(Kind, [u32; 3])>,
    hung: Vec<Vec<u32>>,
}

impl Plain {
    pub fn new(words: &Words, rules: &[Rule]) -> Self {
        let stemmer = Stemmer::create(Algorithm::Russian);
        let mut vocabulary = HashMap::new();
        let mut uses: Vec<u32> = Vec::new();
        let mut number = |lexeme: usize, used: bool| {
            let stem = stemmer.stem(&words.lexemes[lexeme][0]).into_owned();
            let next = vocabulary.len() as u32;
            let number = *vocabulary.entry(stem).or_insert(next);
            uses.resize(uses.len().max(number as usize + 1), 0);
            uses[number as usize] += u32::from(used);
            number
        };
        let rules: Vec<(Kind, [u32; 3])> = rules
            .iter()
            .map(|rule| {
                let first = number(rule.words[0], true);
                let second = number(rule.words[1], rule.kind != Kind::Word);
                let third = number(rule.words[2], false);
                (rule.kind, [first, second, third])
            })
            .collect();
        let mut hung = vec![Vec::new(); uses.len()];
        for (at, (kind, [a, b, _])) in rules.iter().enumerate() {
            let first = *kind == Kind::Word || uses[*a as usize] <= uses[*b as usize];
            hung[if first { *a } else { *b } as usize].push(at as u32);
        }
        Self { stemmer, vocabulary, rules, hung }
    }

    /// How many rules match `text`.
    pub fn count(&self, text: &str) -> usize {
        let mut hits: Vec<(u32, usize, usize)> = Vec::new();
        let (mut word, mut at, mut sentence) = (String::new(), 0, 0);
        for c in text.chars().chain([' ']) {
            if c.is_alphanumeric() {
                word.extend(c.to_lowercase().map(|c| if c == 'ё' { 'е' } else { c }));
                continue;
            }
            if !word.is_empty() {
                let stem = self.stemmer.stem(&word);
                if let Some(&number) = self.vocabulary.get(stem.as_ref()) {
                    hits.push((number, at, sentence));
                }
                at += 1;
                word.clear();
            }
            sentence += usize::from(matches!(c, '.' | '!'));
        }
        let mut matched = 0;
        for (order, hit) in hits.iter().enumerate() {
            if hits[..order].iter().any(|before| before.0 == hit.0) {
                continue;
            }
            for &rule in &self.hung[hit.0 as usize] {
                matched += usize::from(self.matches(&self.rules[rule as usize], &hits));
            }
        }
        matched
    }

    fn matches(&self, (kind, [a, b, c]): &(Kind, [u32; 3]), hits: &[(u32, usize, usize)]) -> bool {
        let pair = |near: &dyn Fn(usize, usize) -> bool| {
            let firsts = hits.iter().filter(|hit| hit.0 == *a);
            let mut pairs = firsts
                .flat_map(|one| hits.iter().filter(|two| two.0 == *b).map(move |two| (one, two)));
            pairs.any(|(one, two)| one.2 == two.2 && near(one.1, two.1))
        };
        let window = |one: usize, two: usize| one != two && one.abs_diff(two) < WINDOW;
        match kind {
            Kind::Word => true,
            Kind::Phrase => pair(&|one, two| two == one + 1),
            Kind::Window => pair(&window),
            Kind::Unless => pair(&window) && !hits.iter().any(|hit| hit.0 == *c),
        }
    }
}
