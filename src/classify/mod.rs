//! What a text is about: topics, places, circumstances, with the words that say so.
//!
//! Place in the flow: `text` splits, this finds, `risk` weighs. Pure: the same text and lexicon
//! give the same answer, whatever was classified before.
//!
//! The interface, kept stable:
//! - [`Lexicon::compile`] makes packs and lists into one structure, or says all that is wrong with
//!   them;
//!   [`Lexicon::hash`], [`Lexicon::topic`], [`Lexicon::topics`], [`Lexicon::rule`] describe it;
//! - [`classify`] and [`classify_post`] read one text with a [`Scratch`] of buffers;
//! - [`Gazetteer`] finds places: `find` gives [`PlaceHit`]s before rules are verified, `findings`
//!   their meaning;
//! - [`query::parse`] reads the query language.
//!
//! How a text is read: fold and split ([`crate::text::Tokens`]) → what each word means to the packs
//! (`terms`, remembered by `memo`) → branches of rules whose rarest term is there (`program`) →
//! markers and guards hide what is settled (`polarity`) → the other branches are verified on the
//! rest (`run`) → scores and spans (`assemble`). The cost follows the text and its matches, not the
//! number of rules.
//!
//! The score of a topic is `100 · (1 − ∏(1 − weight/100))` over its matched rules; `assemble` first
//! bends each weight by where and how often its rule was found.

mod assemble;
mod buryat;
mod declension;
mod fields;
mod flat;
mod haystack;
mod lexicon;
mod lists;
mod memo;
mod merge;
mod names;
pub mod outage;
mod pack;
pub mod place;
mod polarity;
mod program;
mod proof;
pub mod query;
pub mod resolve;
mod run;
mod scratch;
mod seen;
mod slips;
mod street;
mod terms;

pub use crate::config::Season;
pub use lexicon::{Lexicon, Owner, Rule, Topic};
pub use lists::{ECHO, OBJECT};
pub use pack::PackKind;
pub use place::{Gazetteer, PlaceReason};
pub use scratch::Scratch;
pub use street::{Landmark, LandmarkKind, StreetHit};

use crate::model::{Classified, Post};
use crate::text::Tokens;
use crate::text::language::Tally;
use crate::text::tokens::{CAPITAL, CAPS, STARTS};

use run::{Range, Run};
use seen::Seen;
use terms::{IS_GUESS, IS_NUMBER, IS_PLACE, Meaning, NONE, NUMBER, ORG, PLACE, TermId};

/// A place or organisation that a text names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlaceHit {
    /// First byte in the text.
    pub start: u32,
    /// Behind the last byte in the text.
    pub end: u32,
    /// Whether it is an organisation (`@орг`), not a place (`@место`).
    pub is_org: bool,
    /// Number of the entry in the gazetteer that made the hit; its meaning belongs to the
    /// gazetteer.
    pub entry: u32,
}

/// Places shown for one rule in one text.
const MATCHES_MAX: usize = 8;
/// Words between two hits of one rule that are shown as one.
const GAP_MAX: u32 = 4;
/// Words of the longest post in which an exclusion silences a rule of a problem wherever it stands.
const LONG_WORDS: usize = 40;

/// Classifies a post's text.
#[must_use]
pub fn classify_post(post: &Post, lexicon: &Lexicon, scratch: &mut Scratch) -> Classified {
    classify(&post.text, lexicon, scratch)
}

/// Classifies `text`. Spans are code points of `text` as given.
#[must_use]
pub fn classify(text: &str, lexicon: &Lexicon, scratch: &mut Scratch) -> Classified {
    scratch.prepare(lexicon);
    let tally = read(text, lexicon, scratch);
    candidates(lexicon, scratch);
    let found = polarity_rules(text, lexicon, scratch);
    polarity::hide(scratch, found);
    verify(text, lexicon, scratch);
    assemble::assemble(text, lexicon, scratch, tally.verdict(text))
}

/// Splits the text and looks up what its words mean.
fn read(text: &str, lexicon: &Lexicon, scratch: &mut Scratch) -> Tally {
    scratch.tokens.fill(text);
    scratch.memo.meanings(&scratch.tokens, &mut scratch.meanings, |word| lexicon.meaning(word));
    let tally = terms_of(lexicon, scratch);
    let may = |at: usize| scratch.flags.get(at).is_some_and(|flags| flags & IS_PLACE != 0);
    lexicon.gazetteer.find_among(&scratch.tokens, text, may, &mut scratch.place_hits);
    for hit in &scratch.place_hits {
        let range = scratch.tokens.range(hit.start as usize, hit.end as usize);
        if let (Ok(first), Ok(last)) = (u32::try_from(range.start), u32::try_from(range.end))
            && first < last
        {
            scratch.places.push((first, last, hit.is_org));
        }
    }
    scratch.places.sort_unstable();
    for term in scratch.pairs.iter().map(|pair| pair.0) {
        scratch.present.add(term);
    }
    for place in &scratch.places {
        scratch.present.add(if place.2 { ORG } else { PLACE });
    }
    // One number for both: compared at once.
    scratch.pairs.sort_unstable_by_key(|pair| u64::from(pair.0) << 32 | u64::from(pair.1));
    tally
}

/// Gathers the terms of all words, and what else they say.
fn terms_of(lexicon: &Lexicon, scratch: &mut Scratch) -> Tally {
    let mut tally = Tally::default();
    let Scratch { tokens, meanings, flags, classes, pairs, .. } = scratch;
    flags.extend(meanings.iter().map(|meaning| meaning.flags));
    classes.extend(meanings.iter().map(|meaning| meaning.class));
    // Every word is written down, and the next over it if it had no term: whether it has one
    // nobody can foretell.
    let room = 2 * meanings.len();
    pairs.resize(room, (NONE, 0));
    let mut count = 0;
    for ((at, token), meaning) in (0..).zip(tokens.list()).zip(meanings.iter()) {
        tally.add(token, meaning.signs);
        // A name is spelled as it is spelled.
        let name = token.flags & (CAPITAL | STARTS | CAPS) == CAPITAL;
        let guess = meaning.flags & IS_GUESS != 0;
        pairs[count] = (meaning.stem, at);
        count += usize::from((meaning.stem != NONE) & !(guess & name));
        pairs[count] = (meaning.form, at);
        count += usize::from(meaning.form != NONE);
        if (meaning.prefix != NONE) | (meaning.flags & IS_NUMBER != 0) {
            more_terms(lexicon, meaning, at, pairs);
        }
    }
    pairs.drain(count..room);
    tally
}

/// Adds the other terms of a word: that it is a number, and what it begins with.
fn more_terms(lexicon: &Lexicon, meaning: &Meaning, at: u32, pairs: &mut Vec<(TermId, u32)>) {
    if meaning.flags & IS_NUMBER != 0 {
        pairs.push((NUMBER, at));
    }
    let mut prefix = meaning.prefix;
    while prefix != NONE {
        let (term, shorter) = lexicon.terms.prefix(prefix);
        pairs.push((term, at));
        prefix = shorter;
    }
}

/// Collects the branches that have an anchor and their next rarest term in the text, in the order
/// of the rules.
fn candidates(lexicon: &Lexicon, scratch: &mut Scratch) {
    scratch.candidates.extend_from_slice(&lexicon.program.always);
    let mut last = NONE;
    let marks = [(PLACE, false), (ORG, true)];
    let marked = marks.iter().filter(|(_, org)| scratch.places.iter().any(|place| place.2 == *org));
    for term in marked.map(|mark| mark.0).chain(scratch.pairs.iter().map(|pair| pair.0)) {
        if term == last {
            continue;
        }
        last = term;
        let hung = lexicon.program.hung_on(term).iter();
        let possible = hung.filter(|hung| scratch.present.may(hung.need));
        scratch.candidates.extend(possible.map(|hung| hung.branch));
    }
    scratch.candidates.sort_unstable();
    // A branch may hang on several terms of the text.
    scratch.candidates.dedup();
}

/// Runs markers and guards on the whole text.
fn polarity_rules(text: &str, lexicon: &Lexicon, scratch: &mut Scratch) -> polarity::Found {
    let program = &lexicon.program;
    let mut found = polarity::Found::default();
    let all = scratch.all();
    let in_sentence = run_over(text, lexicon, scratch, all);
    let in_clause = Run { in_clause: true, ..in_sentence };
    let mut hits = Vec::new();
    for &branch in &scratch.candidates {
        if branch >= lexicon.polarity_branches {
            break;
        }
        let branch = &program.branches[branch as usize];
        hits.clear();
        let owner = lexicon.head(branch.rule).owner;
        let wide = matches!(owner, Owner::Marker { sentence: true, .. });
        let run = if wide { &in_sentence } else { &in_clause };
        let unless = program.unless[branch.rule as usize].as_ref();
        if !run.hits(all, &branch.node, &mut hits) || unless.is_some_and(|n| run.is_hit(all, n)) {
            continue;
        }
        match owner {
            Owner::Marker { subject, sentence } => {
                let marker = |&range: &Range| polarity::Marker { range, subject, sentence };
                found.markers.extend(hits.iter().map(marker));
            }
            _ => found.guards.extend_from_slice(&hits),
        }
    }
    found
}

fn run_over<'a>(
    text: &'a str,
    lexicon: &'a Lexicon,
    scratch: &'a Scratch,
    all: Seen<'a>,
) -> Run<'a> {
    Run {
        text,
        in_clause: false,
        tokens: &scratch.tokens,
        all,
        haystack: &scratch.haystack,
        regexes: &lexicon.program.regexes,
    }
}

/// Verifies the candidates of all other rules on what is left open.
fn verify(text: &str, lexicon: &Lexicon, scratch: &mut Scratch) {
    let mut matched = std::mem::take(&mut scratch.matched);
    let mut cancelled = std::mem::take(&mut scratch.cancelled);
    let mut excluded = std::mem::take(&mut scratch.excluded);
    let mut hits = std::mem::take(&mut scratch.hits);
    let mut rules = std::mem::take(&mut scratch.rules);
    let program = &lexicon.program;
    let (all, open) = (scratch.all(), scratch.open());
    let some_hidden = !scratch.hidden.is_empty();
    let run = run_over(text, lexicon, scratch, all);
    let first = scratch.candidates.partition_point(|&branch| branch < lexicon.polarity_branches);
    let candidates = &scratch.candidates[first..];
    // All are fetched before one is verified: the processor then waits for the memory of many at
    // once.
    rules.clear();
    rules.extend(candidates.iter().map(|&branch| {
        let rule = program.branches[branch as usize].rule;
        (rule, lexicon.head(rule).has_unless)
    }));
    let mut behind = 0;
    for same in rules.chunk_by(|a, b| a.0 == b.0) {
        let (rule, has_unless) = same[0];
        let branches = &candidates[behind..behind + same.len()];
        behind += same.len();
        let nodes = || branches.iter().map(|&branch| &program.branches[branch as usize].node);
        hits.clear();
        for node in nodes() {
            run.hits(open, node, &mut hits);
        }
        let would = hits.is_empty() && some_hidden && nodes().any(|node| run.is_hit(all, node));
        if hits.is_empty() && !would {
            continue;
        }
        if has_unless
            && let Some(node) = &program.unless[rule as usize]
            && run.is_hit(all, node)
        {
            let long = scratch.tokens.list().len() > LONG_WORDS;
            if would || !long || !is_problem(lexicon, rule) {
                excluded.push(rule);
                continue;
            }
            keep_far(&scratch.tokens, &mut hits, |out| run.hits(all, node, out));
            if hits.is_empty() {
                excluded.push(rule);
                continue;
            }
        }
        if would {
            // What was taken back is told of topics; a circumstance that is settled is simply none.
            if matches!(lexicon.head(rule).owner, Owner::Topic(_)) {
                cancelled.push(rule);
            }
            continue;
        }
        join(&mut hits, |one, two| {
            two.0.saturating_sub(one.1) <= GAP_MAX
                && scratch.tokens.sentence_of(one.0 as usize)
                    == scratch.tokens.sentence_of(two.0 as usize)
        });
        matched.extend(hits.iter().take(MATCHES_MAX).map(|&hit| (rule, hit)));
    }
    scratch.matched = matched;
    scratch.cancelled = cancelled;
    scratch.excluded = excluded;
    scratch.hits = hits;
    scratch.rules = rules;
}

/// Whether a rule belongs to a pack of problems.
fn is_problem(lexicon: &Lexicon, rule: u32) -> bool {
    match lexicon.head(rule).owner {
        Owner::Topic(number) => lexicon.topic_at(number).kind == PackKind::Problem,
        _ => false,
    }
}

/// Drops hits with an exclusion in their own sentence or one beside it: a letter of many matters
/// must not lose one because it also names what the rule leaves to another.
fn keep_far(tokens: &Tokens, hits: &mut Vec<Range>, exclusions: impl Fn(&mut Vec<Range>) -> bool) {
    let mut excluded = Vec::new();
    exclusions(&mut excluded);
    let sentence = |range: &Range| tokens.sentence_of(range.0 as usize);
    let near = |hit: &Range| excluded.iter().any(|it| sentence(it).abs_diff(sentence(hit)) <= 1);
    hits.retain(|hit| !near(hit));
}

/// Sorts ranges and joins neighbours.
fn join(ranges: &mut Vec<Range>, near: impl Fn(Range, Range) -> bool) {
    ranges.sort_unstable();
    ranges.dedup_by(|later, earlier| {
        let joined = later.0 < earlier.1 || near(*earlier, *later);
        if joined {
            earlier.1 = earlier.1.max(later.1);
        }
        joined
    });
}
