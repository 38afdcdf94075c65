//! Makes findings, attitudes and signals of matched rules.
//!
//! Place in the flow: last step of `classify`. Invariants: order is by score, then by name; an
//! attitude pack never becomes a finding; spans are code points of the text as given.

use crate::model::finding::Signal;
use crate::model::{Attitude, Classified, Finding, Language, Match, Span, TopicId, TopicKind};
use crate::text::{Points, numeral};

use super::lexicon::{Lexicon, Owner};
use super::lists::Entry;
use super::run::Range;
use super::scratch::Scratch;

/// Words of a clause below which an alert quotes the whole sentence.
const CLAUSE_WORDS_MIN: u32 = 4;
/// Words of the longest sentence quoted for a short clause.
const SENTENCE_WORDS_MAX: u32 = 30;

/// Everything classification says about the text that `scratch` was filled from.
pub fn assemble(
    text: &str,
    lexicon: &Lexicon,
    scratch: &Scratch,
    language: Language,
) -> Classified {
    let mut writer = Writer { text, scratch, points: Points::new(text) };
    let matched = &scratch.matched;
    let owner = |rule: u32| lexicon.rules()[rule as usize].owner;
    let (mut findings, mut attitude, mut signals) = (Vec::new(), Vec::new(), Vec::new());
    let mut keep = 100;
    for hits in matched.chunk_by(|a, b| owner(a.0) == owner(b.0)) {
        match owner(hits[0].0) {
            Owner::Topic(number) => {
                let topic = &lexicon.topics()[number];
                let score = score(lexicon, hits);
                let matches = writer.matches(lexicon, hits);
                match topic.kind.topic() {
                    Some(kind) => {
                        let clause = Some(writer.clause(best(lexicon, hits)));
                        let topic = topic.id.clone();
                        findings.push(Finding { topic, score, kind, matches, clause });
                    }
                    None => attitude.push(Attitude { pack: topic.id.clone(), score, matches }),
                }
            }
            Owner::Entry(number) => {
                let entry = &lexicon.entries[number];
                if let Entry::Offer { keep: percent, .. } = entry {
                    keep = keep.min(u32::from(*percent));
                }
                signals.extend(writer.signal(entry, hits));
            }
            Owner::Marker { .. } | Owner::Guard => {}
        }
    }
    lower(&mut findings, keep);
    if is_resolved(lexicon, scratch, &findings)
        && let Some(marker) = scratch.marker
    {
        signals.push(writer.named("resolved", 1, marker));
    }
    findings.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.topic.cmp(&b.topic)));
    attitude.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.pack.cmp(&b.pack)));
    let places = lexicon.gazetteer.findings(&scratch.tokens, text, &scratch.place_hits);
    Classified { language, findings, places, signals: strongest(signals), attitude }
}

/// `100 · (1 − ∏(1 − weight/100))`, each rule once.
fn score(lexicon: &Lexicon, hits: &[(u32, Range)]) -> u8 {
    let rest: f64 = hits
        .chunk_by(|a, b| a.0 == b.0)
        .map(|hits| 1.0 - f64::from(lexicon.rules()[hits[0].0 as usize].weight) / 100.0)
        .product();
    let score = (100.0 * (1.0 - rest)).round().clamp(1.0, 100.0);
    score as u8
}

/// The first place of the rule with the most points.
fn best(lexicon: &Lexicon, hits: &[(u32, Range)]) -> Range {
    let weight = |rule: u32| lexicon.rules()[rule as usize].weight;
    hits.iter()
        .min_by_key(|(rule, range)| (100 - weight(*rule), *rule, *range))
        .map_or((0, 0), |(_, range)| *range)
}

/// Advertisements and the like: problems keep `percent` of their points.
fn lower(findings: &mut Vec<Finding>, percent: u32) {
    if percent >= 100 {
        return;
    }
    for finding in findings.iter_mut().filter(|f| f.kind == TopicKind::Problem) {
        let score = u32::from(finding.score) * percent / 100;
        finding.score = u8::try_from(score).unwrap_or(100);
    }
    findings.retain(|finding| finding.score > 0);
}

/// Whether what is settled is what the findings are about, or nothing else is left.
fn is_resolved(lexicon: &Lexicon, scratch: &Scratch, findings: &[Finding]) -> bool {
    let topic = |rule: &u32| -> Option<&TopicId> {
        match lexicon.rules().get(*rule as usize)?.owner {
            Owner::Topic(number) => Some(&lexicon.topics()[number].id),
            _ => None,
        }
    };
    let mut settled = scratch.cancelled.iter().filter_map(topic);
    findings.is_empty() || settled.any(|id| findings.iter().any(|finding| finding.topic == *id))
}

/// One signal of each name: the largest amount, the first place.
fn strongest(mut signals: Vec<Signal>) -> Vec<Signal> {
    signals.sort_by(|a, b| {
        a.name.cmp(&b.name).then(b.amount.cmp(&a.amount)).then(a.span.cmp(&b.span))
    });
    signals.dedup_by(|later, earlier| later.name == earlier.name);
    signals
}

struct Writer<'a> {
    text: &'a str,
    scratch: &'a Scratch,
    points: Points<'a>,
}

impl<'a> Writer<'a> {
    /// Words and span of a range of tokens.
    fn words(&mut self, range: Range) -> (&'a str, Span) {
        let list = self.scratch.tokens.list();
        let first = list.get(range.0 as usize);
        let last = list.get((range.1 as usize).wrapping_sub(1));
        let (Some(first), Some(last)) = (first, last) else {
            return ("", Span { start: 0, end: 0 });
        };
        let (start, end) = (first.start as usize, last.end as usize);
        (&self.text[start..end], self.points.span(start, end))
    }

    fn matches(&mut self, lexicon: &Lexicon, hits: &[(u32, Range)]) -> Vec<Match> {
        let mut sorted: Vec<(Range, u32)> =
            hits.iter().map(|&(rule, range)| (range, rule)).collect();
        sorted.sort_unstable();
        sorted
            .into_iter()
            .map(|(range, rule)| {
                let (text, span) = self.words(range);
                let rule = lexicon.rules()[rule as usize].name.clone();
                Match { rule, text: text.to_owned(), span }
            })
            .collect()
    }

    /// The clause around a range; the sentence if the clause says too little.
    fn clause(&mut self, range: Range) -> Span {
        let tokens = &self.scratch.tokens;
        let of = |token: u32| {
            let token = tokens.list().get(token as usize)?;
            tokens.clauses().get(token.clause as usize)
        };
        let (Some(first), Some(last)) = (of(range.0), of(range.1.saturating_sub(1))) else {
            return Span { start: 0, end: 0 };
        };
        let mut span = (first.first, last.last);
        if let Some(sentence) = tokens.sentences().get(first.sentence as usize)
            && span.1 - span.0 < CLAUSE_WORDS_MIN
            && first.sentence == last.sentence
            && sentence.last - sentence.first <= SENTENCE_WORDS_MAX
        {
            span = (sentence.first, sentence.last);
        }
        self.words(span).1
    }

    fn signal(&mut self, entry: &Entry, hits: &[(u32, Range)]) -> Vec<Signal> {
        if let (Entry::Object { names, rank }, Some(&(_, range))) = (entry, hits.first()) {
            return names.iter().map(|name| self.named(name, *rank, range)).collect();
        }
        let (name, amount, times) = match entry {
            Entry::Signal { name, amount, times } => (name, *amount, *times),
            Entry::Offer { name, .. } => (name, false, 1),
            Entry::Marker { .. } | Entry::Guard | Entry::Object { .. } => return Vec::new(),
        };
        let tokens = &self.scratch.tokens;
        let number = |range: Range| {
            (range.0..range.1).find_map(|at| numeral::value(tokens.text(at as usize))).unwrap_or(1)
        };
        let numbers: Vec<(Range, u32)> = hits
            .iter()
            .map(|&(_, range)| (range, if amount { number(range) } else { 1 }))
            .collect();
        numbers
            .into_iter()
            .map(|(range, number)| self.named(name, number.saturating_mul(times), range))
            .collect()
    }

    fn named(&mut self, name: &str, amount: u32, range: Range) -> Signal {
        let (text, span) = self.words(range);
        Signal { name: name.to_owned(), amount, text: text.to_owned(), span }
    }
}
