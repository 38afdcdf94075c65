//! What a text takes back: settled clauses («уже починили») and negated troubles («не холодные»).
//!
//! Place in the flow: between reading a text and verifying its rules. Invariant: only whole clauses
//! and single words are hidden, and a hidden word never makes a complaint match.

use super::run::Range;
use super::scratch::Scratch;
use super::terms::{IS_FILLER, IS_NEGATION, IS_TROUBLE};

/// Longest last clause of a question («свет дали, да?») that questions the whole sentence.
const TAG_WORDS: u32 = 2;

/// A marker that matched.
#[derive(Debug, Clone, Copy)]
pub struct Marker {
    /// Its tokens.
    pub range: Range,
    /// Whether it names itself what is settled.
    pub subject: bool,
    /// Whether it settles the whole sentence.
    pub sentence: bool,
}

/// Markers and guards that matched.
#[derive(Debug, Default)]
pub struct Found {
    /// Markers.
    pub markers: Vec<Marker>,
    /// Guards.
    pub guards: Vec<Range>,
}

/// Fills `settled`, `hidden`, `marker` of the scratch, then the open pairs and places. Most texts
/// hide nothing: then all of these stay empty.
pub fn hide(scratch: &mut Scratch, mut found: Found) {
    scratch.hidden.clear();
    let negated = negated_troubles(scratch);
    if found.markers.is_empty() && negated.is_empty() {
        return;
    }
    let tokens = scratch.tokens.list().len();
    scratch.hidden.resize(tokens, false);
    scratch.settled.clear();
    scratch.settled.resize(scratch.tokens.clauses().len(), false);
    found.markers.extend(negated.iter().map(|&at| Marker {
        range: (at - 1, at + 1),
        subject: true,
        sentence: false,
    }));
    settle(scratch, &found);
    for (clause, _) in scratch.settled.iter().enumerate().filter(|(_, settled)| **settled) {
        let Some(clause) = scratch.tokens.clauses().get(clause) else { continue };
        scratch.hidden[clause.first as usize..clause.last as usize].fill(true);
    }
    for at in negated {
        scratch.hidden[at as usize] = true;
    }
    if !scratch.hidden.contains(&true) {
        scratch.hidden.clear();
        return;
    }
    let hidden = &scratch.hidden;
    let open = |token: u32| !hidden.get(token as usize).is_some_and(|hidden| *hidden);
    scratch.open.clear();
    scratch.open.extend(scratch.pairs.iter().filter(|pair| open(pair.1)));
    scratch.open_places.clear();
    scratch.open_places.extend(scratch.places.iter().filter(|place| open(place.0)));
}

/// Tokens of troubles with «не» directly in front of them. They are hidden even where their clause
/// is not settled.
fn negated_troubles(scratch: &Scratch) -> Vec<u32> {
    let trouble = |&at: &usize| {
        scratch.flags[at] & IS_TROUBLE != 0
            && scratch.tokens.text(at - 1) == "не"
            && scratch.tokens.sentence_of(at) == scratch.tokens.sentence_of(at - 1)
    };
    (1..scratch.flags.len()).filter(trouble).filter_map(|at| u32::try_from(at).ok()).collect()
}

fn settle(scratch: &mut Scratch, found: &Found) {
    let clauses = scratch.tokens.clauses();
    let clause_of = |token: u32| {
        scratch.tokens.list().get(token as usize).map_or(0, |token| token.clause as usize)
    };
    let mut guarded = vec![false; clauses.len()];
    for guard in &found.guards {
        guarded[clause_of(guard.0)..=clause_of(guard.1 - 1)].fill(true);
    }
    let mut bare = Vec::new();
    let mut settled = std::mem::take(&mut scratch.settled);
    for marker in &found.markers {
        let range = marker.range;
        let (mut first, mut last) = (clause_of(range.0), clause_of(range.1 - 1));
        let stopped = guarded[first..=last].contains(&true)
            || is_negated(scratch, range)
            || is_question(scratch, last);
        if stopped {
            continue;
        }
        if marker.sentence {
            let same = |clause: &crate::text::Clause| clause.sentence == clauses[last].sentence;
            let start = clauses.iter().position(same).unwrap_or(first);
            let end = clauses.iter().rposition(same).unwrap_or(last);
            first = (start..=first).rev().find(|&at| clauses[at].contrast).unwrap_or(start);
            last = (last..end).find(|&at| clauses[at + 1].contrast).unwrap_or(end);
        }
        for clause in first..=last {
            settled[clause] |= !guarded[clause];
        }
        if scratch.marker.is_none_or(|old| range < old) {
            scratch.marker = Some(range);
        }
        if !marker.subject {
            bare.extend(first..=last);
        }
    }
    scratch.settled = settled;
    bare.sort_unstable();
    bare.dedup();
    let plain: Vec<Range> =
        found.markers.iter().filter(|marker| !marker.subject).map(|marker| marker.range).collect();
    for clause in bare {
        if is_bare(scratch, &plain, clause) {
            reach_back(scratch, clause);
        }
    }
}

/// «не починили», «не до конца починили», «фонари не горят»; a marker that starts with «не» means
/// it.
fn is_negated(scratch: &Scratch, marker: Range) -> bool {
    let first = marker.0 as usize;
    let clause = |at: usize| scratch.tokens.list().get(at).map(|token| token.clause);
    (first.saturating_sub(2)..marker.1 as usize)
        .filter(|&at| at != first && clause(at) >= clause(first))
        .any(|at| scratch.flags.get(at).is_some_and(|flags| flags & IS_NEGATION != 0))
}

/// Whether the clause is asked, not said: the last of a question, or followed by a short tag.
fn is_question(scratch: &Scratch, clause: usize) -> bool {
    let clauses = scratch.tokens.clauses();
    let Some(own) = clauses.get(clause) else { return false };
    let sentence = scratch.tokens.sentences().get(own.sentence as usize);
    let Some(sentence) = sentence.filter(|sentence| sentence.question) else { return false };
    own.last == sentence.last
        || clauses
            .get(clause + 1)
            .is_some_and(|next| next.last == sentence.last && next.last - next.first <= TAG_WORDS)
}

/// Whether a clause holds nothing but filler and markers that do not name what is settled.
fn is_bare(scratch: &Scratch, markers: &[Range], clause: usize) -> bool {
    let Some(clause) = scratch.tokens.clauses().get(clause) else { return false };
    (clause.first..clause.last).all(|token| {
        scratch.flags.get(token as usize).is_some_and(|flags| flags & IS_FILLER != 0)
            || markers.iter().any(|marker| marker.0 <= token && token < marker.1)
    })
}

/// A bare marker settles what was said before it in its sentence, and, if only filler follows and
/// its own sentence holds nothing else, in the whole text.
fn reach_back(scratch: &mut Scratch, clause: usize) {
    let clauses = scratch.tokens.clauses();
    let Some(own) = clauses.get(clause) else { return };
    let sentence = own.sentence;
    let first =
        clauses[..clause].iter().rposition(|c| c.sentence != sentence).map_or(0, |at| at + 1);
    let says_nothing = |at: usize| {
        let clause = &clauses[at];
        let filler = |token: u32| {
            scratch.flags.get(token as usize).is_some_and(|flags| flags & IS_FILLER != 0)
        };
        scratch.settled[at] || (clause.first..clause.last).all(filler)
    };
    let alone = (first..clause).all(&says_nothing);
    let last = (clause + 1..clauses.len()).all(says_nothing);
    let from = if alone && last { 0 } else { first };
    scratch.settled[from..clause].fill(true);
}
