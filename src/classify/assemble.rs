//! Makes findings, attitudes and signals of matched rules.
//!
//! Place in the flow: last step of `classify`. Invariants: order is by score, then by name, and a
//! topic with less evidence never shows as many points as one before it; an attitude pack never
//! becomes a finding; spans are code points of the text as given.

use std::sync::LazyLock;

use crate::model::finding::Signal;
use crate::model::{
    Attitude, Classified, Finding, Language, Match, Span, TopicId, TopicKind, Wording,
};
use crate::text::numeral;

use super::lexicon::{Lexicon, Owner};
use super::lists::Entry;
use super::run::Range;
use super::scratch::Scratch;

/// What a rule of a problem keeps at least, however late in a long text it is found.
const LATE_KEEPS: f64 = 1.0 / 3.0;
/// Words within which nothing is late: most posts are no longer.
const EARLY_WORDS: u32 = 8;
/// Words behind those until what lateness can take is taken but for 1/e: letters open with their
/// matter.
const LATE_WORDS: f64 = 22.0;
/// What saying it again adds, for each natural logarithm of the number of places.
const REPEAT_ADDS: f64 = 0.5;
/// What a rule keeps whose every place lies within those of weightier rules of its topic.
const WITHIN_KEEPS: f64 = 0.5;
/// The heaviest weight in calculation: a hundred would end all comparison.
const WEIGHT_MOST: f64 = 0.999;
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
    let mut writer = Writer { text, scratch, sorted: Vec::new() };
    let matched = &scratch.matched;
    let owner = |rule: u32| lexicon.head(rule).owner;
    let mut judge = Judge::default();
    let (mut attitude, mut signals) = (Vec::new(), Vec::new());
    let owners = || matched.chunk_by(|a, b| owner(a.0) == owner(b.0));
    // As many as there are at most: a list that grew costs more than all it holds.
    let mut findings = Vec::with_capacity(owners().count());
    let mut keep = 100;
    for hits in owners() {
        match owner(hits[0].0) {
            Owner::Topic(number) => {
                let topic = lexicon.topic_at(number);
                let evidence = judge.evidence(lexicon, hits, topic.kind.topic());
                let score = points(evidence);
                let matches = writer.matches(lexicon, hits);
                match topic.kind.topic() {
                    Some(kind) => {
                        let clause = Some(writer.clause(best(lexicon, hits)));
                        let topic = topic.id.clone();
                        let finding = Finding { topic, score, kind, matches, clause };
                        findings.push((evidence, finding));
                    }
                    None => attitude.push(Attitude { pack: topic.id.clone(), score, matches }),
                }
            }
            Owner::Entry(number) => {
                let entry = &lexicon.entries[number as usize];
                if let Entry::Offer { keep: percent, .. } = entry {
                    keep = keep.min(u32::from(*percent));
                }
                writer.signals(entry, hits, &mut signals);
            }
            Owner::Marker { .. } | Owner::Guard => {}
        }
    }
    let findings = ranked(lowered(findings, keep));
    if is_resolved(lexicon, scratch, &findings)
        && let Some(marker) = scratch.marker
    {
        signals.push(writer.named(&"resolved".into(), 1, marker));
    }
    attitude.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.pack.cmp(&b.pack)));
    let (hits, classes) = (&scratch.place_hits, &scratch.classes);
    let places = lexicon.gazetteer.findings_classed(&scratch.tokens, text, hits, classes);
    Classified { language, findings, places, signals: strongest(signals), attitude }
}

/// Words whose lateness is calculated once.
const KNOWN_WORDS: u32 = 512;

/// Evidence of a rule by its lightness: `−ln(1 − weight/100)`.
static ALONE: LazyLock<[f64; 101]> = LazyLock::new(|| {
    std::array::from_fn(|light| -(1.0 - ((100 - light) as f64 / 100.0).min(WEIGHT_MOST)).ln())
});

/// What a rule of a problem keeps that is found first at word number `first`.
fn early(first: u32) -> f64 {
    static EARLY: LazyLock<Vec<f64>> = LazyLock::new(|| (0..KNOWN_WORDS).map(early_at).collect());
    EARLY.get(first as usize).copied().unwrap_or_else(|| early_at(first))
}

fn early_at(first: u32) -> f64 {
    let late = f64::from(first.saturating_sub(EARLY_WORDS));
    LATE_KEEPS + (1.0 - LATE_KEEPS) * (-late / LATE_WORDS).exp()
}

/// Buffers of [`Judge::evidence`], reused for every topic of a text.
#[derive(Default)]
struct Judge {
    /// Each rule's lightness, its number, and its hits among those of the topic.
    rules: Vec<(u8, u32, std::ops::Range<usize>)>,
    /// What weightier rules have taken.
    covered: Vec<Range>,
}

impl Judge {
    /// How much speaks for a topic: the sum over its rules, each once, of `−ln(1 − weight/100)`
    /// times what its places make of it. A rule said again counts more; one that only repeats the
    /// words of a weightier rule less; of a problem, one that comes late in a long text less.
    /// Dangers and rumours are as grave at the end of a letter as at its start.
    fn evidence(
        &mut self,
        lexicon: &Lexicon,
        hits: &[(u32, Range)],
        kind: Option<TopicKind>,
    ) -> f64 {
        self.rules.clear();
        self.covered.clear();
        let mut from = 0;
        for one in hits.chunk_by(|a, b| a.0 == b.0) {
            let rule = one[0].0;
            self.rules.push((100 - lexicon.head(rule).weight, rule, from..from + one.len()));
            from += one.len();
        }
        self.rules.sort_unstable_by_key(|(light, rule, _)| (*light, *rule));
        let mut sum = 0.0;
        for (light, _, at) in &self.rules {
            let hits = &hits[at.clone()];
            let within =
                |hit: Range| self.covered.iter().any(|range| range.0 < hit.1 && hit.0 < range.1);
            let again = hits.iter().all(|(_, range)| within(*range));
            let first = hits.iter().map(|(_, range)| range.0).min().unwrap_or(0);
            let early = match kind {
                Some(TopicKind::Problem) => early(first),
                _ => 1.0,
            };
            let places = match hits.chunk_by(|a, b| a.1 == b.1).count() {
                1 => 0.0,
                more => (more as f64).ln(),
            };
            let alone = ALONE[usize::from(*light).min(100)];
            let kept = if again { WITHIN_KEEPS } else { 1.0 };
            sum += alone * early * kept * (1.0 + REPEAT_ADDS * places);
            self.covered.extend(hits.iter().map(|(_, range)| *range));
        }
        sum
    }
}

/// `100 · (1 − e^−evidence)`, 1–100: one rule alone, once, at the start gives its own weight.
fn points(evidence: f64) -> u8 {
    let points = (100.0 * (1.0 - (-evidence).exp())).round().clamp(1.0, 100.0);
    points as u8
}

/// The first place of the rule with the most points.
fn best(lexicon: &Lexicon, hits: &[(u32, Range)]) -> Range {
    let weight = |rule: u32| lexicon.head(rule).weight;
    hits.iter()
        .min_by_key(|(rule, range)| (100 - weight(*rule), *rule, *range))
        .map_or((0, 0), |(_, range)| *range)
}

/// Advertisements and the like: problems keep `percent` of their points.
fn lowered(mut findings: Vec<(f64, Finding)>, percent: u32) -> Vec<(f64, Finding)> {
    if percent >= 100 {
        return findings;
    }
    for (evidence, finding) in findings.iter_mut().filter(|f| f.1.kind == TopicKind::Problem) {
        let left = f64::from(percent) / 100.0 * (1.0 - (-*evidence).exp());
        *evidence = -(1.0 - left).ln();
        finding.score = (100.0 * left).floor() as u8;
    }
    findings.retain(|(_, finding)| finding.score > 0);
    findings
}

/// Findings with the most evidence first; equal evidence by name. Points are rounded and end at
/// 100, so a finding with less evidence gives up a point where it would show as many.
fn ranked(mut findings: Vec<(f64, Finding)>) -> Vec<Finding> {
    findings.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.topic.cmp(&b.1.topic)));
    let mut before: Option<(f64, u8)> = None;
    for (evidence, finding) in &mut findings {
        if let Some((more, score)) = before
            && finding.score >= score
        {
            let less = u8::from(*evidence < more);
            finding.score = score.saturating_sub(less).max(1);
        }
        before = Some((*evidence, finding.score));
    }
    findings.into_iter().map(|(_, finding)| finding).collect()
}

/// Whether what is settled is what the findings are about, or nothing else is left.
fn is_resolved(lexicon: &Lexicon, scratch: &Scratch, findings: &[Finding]) -> bool {
    let topic = |rule: &u32| -> Option<&TopicId> {
        match lexicon.head(*rule).owner {
            Owner::Topic(number) => Some(&lexicon.topic_at(number).id),
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
    /// Hits of one topic in text order.
    sorted: Vec<(Range, u32)>,
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
        (&self.text[start..end], self.scratch.tokens.span(start, end))
    }

    fn matches(&mut self, lexicon: &Lexicon, hits: &[(u32, Range)]) -> Vec<Match> {
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.clear();
        sorted.extend(hits.iter().map(|&(rule, range)| (range, rule)));
        sorted.sort_unstable();
        let matches = sorted.iter().map(|&(range, rule)| {
            let (text, span) = self.words(range);
            let rule = lexicon.name(rule);
            Match { rule, text: text.into(), span }
        });
        let matches = matches.collect();
        self.sorted = sorted;
        matches
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

    fn signals(&mut self, entry: &Entry, hits: &[(u32, Range)], out: &mut Vec<Signal>) {
        let (name, amount, times) = match entry {
            Entry::Object { names, rank } => {
                if let Some(&(_, range)) = hits.first() {
                    out.extend(names.iter().map(|name| self.named(name, *rank, range)));
                }
                return;
            }
            Entry::Signal { name, amount, times } => (name, *amount, *times),
            Entry::Offer { name, .. } => (name, false, 1),
            Entry::Marker { .. } | Entry::Guard => return,
        };
        let tokens = &self.scratch.tokens;
        let number = |range: Range| {
            (range.0..range.1).find_map(|at| numeral::value(tokens.text(at as usize))).unwrap_or(1)
        };
        for &(_, range) in hits {
            let number = if amount { number(range) } else { 1 };
            out.push(self.named(name, number.saturating_mul(times), range));
        }
    }

    fn named(&mut self, name: &Wording, amount: u32, range: Range) -> Signal {
        let (text, span) = self.words(range);
        Signal { name: name.clone(), amount, text: text.into(), span }
    }
}
