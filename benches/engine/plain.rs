//! The obvious way to do the same: what anybody would write in Rust in an afternoon.
//!
//! Place in the flow: the contender of the bench. Lower-cases each character, splits on what is no
//! letter, stems each word, looks it up in a hash map, hangs each rule on its rarest word. Asked two
//! ways: [`Plain::count`] only counts rules, [`Plain::find`] gives what `classify` gives of them:
//! topics by score, each with rule, words and code points of its matches. Invariant: finds the same
//! rules; it folds nothing but case and ё, knows no polarity, no slips, no places, no language.

use std::collections::{BTreeMap, HashMap};

use rust_stemmers::{Algorithm, Stemmer};

use super::corpus::{Kind, PACK, Rule, WINDOW, Words};

/// A topic as `classify` gives it.
pub struct Topic {
    pub id: String,
    pub score: u8,
    pub matches: Vec<Match>,
}

/// A match as `classify` gives it.
pub struct Match {
    pub rule: String,
    pub text: String,
    pub start: usize,
    pub end: usize,
}

/// A known word of a text: its number, order, sentence, code points and bytes.
struct Hit {
    number: u32,
    at: usize,
    sentence: usize,
    points: (usize, usize),
    bytes: (usize, usize),
}

/// All rules, ready to be asked.
pub struct Plain {
    stemmer: Stemmer,
    vocabulary: HashMap<String, u32>,
    rules: Vec<(Kind, [u32; 3])>,
    names: Vec<String>,
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
        let name = |at: usize| format!("bench_{}:r{}", at / PACK, at % PACK);
        let names = (0..rules.len()).map(name).collect();
        Self { stemmer, vocabulary, rules, names, hung }
    }

    /// How many rules match `text`.
    pub fn count(&self, text: &str) -> usize {
        let mut matched = 0;
        self.each(text, |_, _, _| matched += 1);
        matched
    }

    /// What `text` is about.
    pub fn find(&self, text: &str) -> Vec<Topic> {
        let mut packs: BTreeMap<usize, Vec<Match>> = BTreeMap::new();
        self.each(text, |rule, first, last| {
            let (first, last) = if first.at < last.at { (first, last) } else { (last, first) };
            packs.entry(rule / PACK).or_default().push(Match {
                rule: self.names[rule].clone(),
                text: text[first.bytes.0..last.bytes.1].to_owned(),
                start: first.points.0,
                end: last.points.1,
            });
        });
        let mut topics: Vec<Topic> = packs
            .into_iter()
            .map(|(pack, mut matches)| {
                matches.sort_by_key(|found| found.start);
                let left: f64 = matches.iter().map(|_| 1.0 - 0.2).product();
                let score = (100.0 * (1.0 - left)).round() as u8;
                Topic { id: format!("bench_{pack}"), score, matches }
            })
            .collect();
        topics.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.id.cmp(&b.id)));
        topics
    }

    /// Calls `found` with each rule that matches and the first and last word that show it.
    fn each(&self, text: &str, mut found: impl FnMut(usize, &Hit, &Hit)) {
        let mut hits: Vec<Hit> = Vec::new();
        let (mut word, mut at, mut sentence) = (String::new(), 0, 0);
        let (mut from, mut point) = ((0, 0), 0);
        for (byte, c) in text.char_indices().chain([(text.len(), ' ')]) {
            if c.is_alphanumeric() {
                if word.is_empty() {
                    from = (byte, point);
                }
                word.extend(c.to_lowercase().map(|c| if c == 'ё' { 'е' } else { c }));
                point += 1;
                continue;
            }
            if !word.is_empty() {
                let stem = self.stemmer.stem(&word);
                if let Some(&number) = self.vocabulary.get(stem.as_ref()) {
                    let (points, bytes) = ((from.1, point), (from.0, byte));
                    hits.push(Hit { number, at, sentence, points, bytes });
                }
                at += 1;
                word.clear();
            }
            point += 1;
            sentence += usize::from(matches!(c, '.' | '!'));
        }
        for (order, hit) in hits.iter().enumerate() {
            if hits[..order].iter().any(|before| before.number == hit.number) {
                continue;
            }
            for &rule in &self.hung[hit.number as usize] {
                let rule = rule as usize;
                if let Some((first, last)) = self.matches(&self.rules[rule], &hits) {
                    found(rule, first, last);
                }
            }
        }
    }

    fn matches<'h>(
        &self,
        (kind, [a, b, c]): &(Kind, [u32; 3]),
        hits: &'h [Hit],
    ) -> Option<(&'h Hit, &'h Hit)> {
        let pair = |near: &dyn Fn(usize, usize) -> bool| {
            let firsts = hits.iter().filter(|hit| hit.number == *a);
            let mut pairs = firsts.flat_map(|one| {
                hits.iter().filter(|two| two.number == *b).map(move |two| (one, two))
            });
            pairs.find(|(one, two)| one.sentence == two.sentence && near(one.at, two.at))
        };
        let window = |one: usize, two: usize| one != two && one.abs_diff(two) < WINDOW;
        match kind {
            Kind::Word => hits.iter().find(|hit| hit.number == *a).map(|hit| (hit, hit)),
            Kind::Phrase => pair(&|one, two| two == one + 1),
            Kind::Window => pair(&window),
            Kind::Unless => pair(&window).filter(|_| !hits.iter().any(|hit| hit.number == *c)),
        }
    }
}
