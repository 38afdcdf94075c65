//! Runs queries over the words of one text.
//!
//! Place in the flow: `classify` verifies the candidate branches here. Invariants: the work for one
//! branch is bounded by the text and the branch, whatever both hold; results are ranges of tokens
//! in text order.

use crate::text::Tokens;

use super::haystack::Haystack;
use super::program::{Node, Part, Pattern};
use super::seen::Seen;
use super::terms::{ORG, PLACE, TermId};

/// First token, and behind the last token.
pub type Range = (u32, u32);

/// Hits kept for one node: more are not shown, and need not be found.
const HITS_MAX: usize = 32;
/// Tries a window may take at one place before it is given up.
const TRIES_MAX: u32 = 4_096;

/// One text, ready to be asked.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// As it was given.
    pub text: &'a str,
    /// Its words.
    pub tokens: &'a Tokens,
    /// Everything in it.
    pub all: Seen<'a>,
    /// Its folded letters, for regular expressions.
    pub haystack: &'a Haystack,
    /// Whether phrases and windows stay within a clause, not only within a sentence.
    pub in_clause: bool,
    /// The regular expressions of the program.
    pub regexes: &'a [Pattern],
}

impl Run<'_> {
    /// Whether `node` matches; its hits are added to `out`. Exclusions look at the whole text.
    pub fn hits(&self, seen: Seen<'_>, node: &Node, out: &mut Vec<Range>) -> bool {
        let before = out.len();
        if !is_possible(seen, node) {
            return false;
        }
        match node {
            Node::Term(term) => out.extend(seen.ranges(*term).take(HITS_MAX)),
            Node::Pair(one, two) => self.pairs(seen, *one, *two, out),
            Node::Near(one, two, words) => {
                self.pairs_within(seen.at(*one), seen.at(*two), *words, out);
            }
            Node::Phrase(parts) => self.phrases(seen, parts, out),
            Node::Window(parts, words) => self.windows(seen, parts, *words, out),
            Node::Any(any) => {
                for node in any {
                    self.hits(seen, node, out);
                    if out.len() - before >= HITS_MAX {
                        break;
                    }
                }
            }
            Node::All(nodes, all) => {
                let (all, none) = Node::split(nodes, *all);
                let excluded = none.iter().any(|node| self.is_hit(self.all, node));
                if !excluded {
                    self.together(seen, all, out);
                }
            }
            Node::Regex(number) => self.regex(seen, *number, out),
        }
        out.len() > before
    }

    /// Whether `node` matches.
    pub fn is_hit(&self, seen: Seen<'_>, node: &Node) -> bool {
        match node {
            Node::Term(term) => seen.ranges(*term).next().is_some(),
            Node::Any(any) => any.iter().any(|node| self.is_hit(seen, node)),
            Node::All(nodes, all) => {
                let (all, none) = Node::split(nodes, *all);
                all.iter().all(|node| self.is_hit(seen, node))
                    && !none.iter().any(|node| self.is_hit(self.all, node))
            }
            node => self.hits(seen, node, &mut Vec::new()),
        }
    }

    /// The hits of several nodes that stand closest together.
    fn together(&self, seen: Seen<'_>, nodes: &[Node], out: &mut Vec<Range>) {
        let mut lists: Vec<Vec<Range>> = Vec::with_capacity(nodes.len());
        for node in nodes {
            let mut hits = Vec::new();
            if !self.hits(seen, node, &mut hits) {
                return;
            }
            lists.push(hits);
        }
        let Some(fewest) = lists.iter().min_by_key(|hits| hits.len()) else { return };
        let near = |around: Range| {
            lists
                .iter()
                .filter_map(move |hits| hits.iter().copied().min_by_key(|&hit| gap(around, hit)))
        };
        let best = fewest
            .iter()
            .copied()
            .min_by_key(|&around| near(around).map(|hit| gap(around, hit)).sum::<u32>());
        if let Some(around) = best {
            out.extend(near(around));
        }
    }

    /// Behind the last token that a phrase or window starting at `token` may reach.
    fn reach(&self, token: u32) -> u32 {
        if self.in_clause {
            let clause = self.tokens.list().get(token as usize).map_or(0, |token| token.clause);
            return self.tokens.clauses().get(clause as usize).map_or(token + 1, |c| c.last);
        }
        let sentence = self.tokens.sentence_of(token as usize);
        self.tokens.sentences().get(sentence).map_or(token + 1, |sentence| sentence.last)
    }

    /// [`Run::phrases`] of two words, as most are.
    fn pairs(&self, seen: Seen<'_>, one: TermId, two: TermId, out: &mut Vec<Range>) {
        let mut behind = 0;
        for &(_, start) in seen.at(one) {
            let next = start + 2;
            if start >= behind && seen.has(two, start + 1) && next <= self.reach(start) {
                behind = next;
                out.push((start, next));
            }
        }
    }

    fn phrases(&self, seen: Seen<'_>, parts: &[Part], out: &mut Vec<Range>) {
        if let Some((first, rest)) = parts.split_first()
            && parts.iter().all(|part| part.word().is_some())
        {
            return self.plain_phrases(seen, first, rest, out);
        }
        let mut found = self.part_ranges(seen, parts);
        found.dedup_by_key(|range| range.0);
        let mut behind = 0;
        for range in found {
            if range.0 >= behind {
                behind = range.1;
                out.push(range);
            }
        }
    }

    /// [`Run::phrases`] of single words alone, as most are: nothing is gathered.
    fn plain_phrases(&self, seen: Seen<'_>, first: &Part, rest: &[Part], out: &mut Vec<Range>) {
        let Some(term) = first.word() else { return };
        let mut behind = 0;
        for &(_, start) in seen.at(term) {
            let mut next = start + 1;
            let stands = |part: &Part| {
                next += 1;
                part.word().is_some_and(|term| seen.has(term, next - 1))
            };
            if start >= behind && rest.iter().all(stands) && next <= self.reach(start) {
                behind = next;
                out.push((start, next));
            }
        }
    }

    /// All ranges of a phrase, sorted; of those that start together the shortest first.
    fn part_ranges(&self, seen: Seen<'_>, parts: &[Part]) -> Vec<Range> {
        let Some(first) = parts.first() else { return Vec::new() };
        let mut starts = Vec::new();
        self.starts(seen, first, &mut starts);
        starts.sort_unstable();
        starts.dedup();
        let mut ranges = Vec::new();
        let mut ends = Vec::new();
        for start in starts {
            ends.clear();
            self.ends(seen, parts, start, self.reach(start), &mut ends);
            ends.sort_unstable();
            ends.dedup();
            ranges.extend(ends.iter().map(|&end| (start, end)));
        }
        ranges
    }

    /// Where a part may start.
    fn starts(&self, seen: Seen<'_>, part: &Part, out: &mut Vec<u32>) {
        match part {
            Part::Term(term) => out.extend(seen.ranges(*term).map(|range| range.0)),
            Part::Any(any) => {
                for first in any.iter().filter_map(|parts| parts.first()) {
                    self.starts(seen, first, out);
                }
            }
        }
    }

    /// Where `parts` may end if they start at token `at`, within `limit`.
    fn ends(&self, seen: Seen<'_>, parts: &[Part], at: u32, limit: u32, out: &mut Vec<u32>) {
        let Some((first, rest)) = parts.split_first() else {
            out.push(at);
            return;
        };
        match first {
            _ if at >= limit => {}
            Part::Term(term @ (PLACE | ORG)) => {
                for (_, end) in
                    seen.ranges(*term).filter(|&(start, end)| start == at && end <= limit)
                {
                    self.ends(seen, rest, end, limit, out);
                }
            }
            Part::Term(term) => {
                if seen.has(*term, at) {
                    self.ends(seen, rest, at + 1, limit, out);
                }
            }
            Part::Any(any) => {
                let mut ends = Vec::new();
                for parts in any {
                    self.ends(seen, parts, at, limit, &mut ends);
                }
                ends.sort_unstable();
                ends.dedup();
                for end in ends {
                    self.ends(seen, rest, end, limit, out);
                }
            }
        }
    }

    fn windows(&self, seen: Seen<'_>, parts: &[Part], words: u32, out: &mut Vec<Range>) {
        let mut lists: Vec<Vec<Range>> = Vec::with_capacity(parts.len());
        for part in parts {
            let ranges: Vec<Range> = match part {
                Part::Term(term) => seen.ranges(*term).collect(),
                Part::Any(any) => {
                    let mut ranges: Vec<Range> =
                        any.iter().flat_map(|parts| self.part_ranges(seen, parts)).collect();
                    ranges.sort_unstable();
                    ranges.dedup();
                    ranges
                }
            };
            if ranges.is_empty() {
                return;
            }
            lists.push(ranges);
        }
        lists.sort_by_key(Vec::len);
        let mut starts: Vec<u32> = lists.iter().flatten().map(|range| range.0).collect();
        starts.sort_unstable();
        starts.dedup();
        let (mut behind, mut found) = (0, None);
        for start in starts {
            if let Some(range) = found.filter(|range: &Range| start >= range.1) {
                out.push(range);
                behind = range.1;
                found = None;
                if out.len() >= HITS_MAX {
                    return;
                }
            }
            let limit = (start + words).min(self.reach(start));
            if start < behind {
                continue;
            }
            let mut taken = Vec::with_capacity(lists.len());
            let mut tries = TRIES_MAX;
            if place(&lists, start, limit, &mut taken, &mut tries) {
                let end = taken.iter().map(|range: &Range| range.1).max().unwrap_or(limit);
                let first = taken.iter().map(|range| range.0).min().unwrap_or(start);
                let shorter = found.is_none_or(|old: Range| end - first < old.1 - old.0);
                found = if shorter { Some((first, end)) } else { found };
            }
        }
        out.extend(found);
    }

    /// [`Run::windows`] of two single words, as most are: nothing is gathered.
    fn pairs_within(
        &self,
        one: &[(TermId, u32)],
        two: &[(TermId, u32)],
        words: u32,
        out: &mut Vec<Range>,
    ) {
        // The rarer word first; it makes no difference which of two equals.
        let (one, two) = if two.len() < one.len() { (two, one) } else { (one, two) };
        let (mut at, mut behind) = ((0, 0), 0);
        let mut found: Option<Range> = None;
        loop {
            let start = match (one.get(at.0), two.get(at.1)) {
                (Some(a), Some(b)) => a.1.min(b.1),
                (Some(a), None) => a.1,
                (None, Some(b)) => b.1,
                (None, None) => break,
            };
            if let Some(range) = found.filter(|range| start >= range.1) {
                out.push(range);
                (behind, found) = (range.1, None);
                if out.len() >= HITS_MAX {
                    return;
                }
            }
            if start >= behind {
                let limit = (start + words).min(self.reach(start));
                if let Some((a, b)) = first_pair(&one[at.0..], &two[at.1..], limit) {
                    let (first, end) = (a.min(b), a.max(b) + 1);
                    let shorter = found.is_none_or(|old| end - first < old.1 - old.0);
                    found = if shorter { Some((first, end)) } else { found };
                }
            }
            at.0 += usize::from(one.get(at.0).is_some_and(|pair| pair.1 == start));
            at.1 += usize::from(two.get(at.1).is_some_and(|pair| pair.1 == start));
        }
        out.extend(found);
    }

    fn regex(&self, seen: Seen<'_>, number: u32, out: &mut Vec<Range>) {
        let Some(Pattern { regex, signs }) = self.regexes.get(number as usize) else { return };
        // Most texts have no such sign, and then need not be folded.
        let stands = |sign: &char| match u8::try_from(*sign) {
            Ok(sign) if sign.is_ascii() => self.tokens.has_sign(sign),
            _ => self.text.contains(*sign),
        };
        if !signs.is_empty() && !signs.iter().any(stands) {
            return;
        }
        let folded = self.haystack.folded(self.text, self.tokens);
        for found in regex.find_iter(folded.text()).take(HITS_MAX) {
            let range = folded.tokens(found.start(), found.end());
            let counts =
                (range.0..range.1).all(|at| !seen.hidden.get(at as usize).is_some_and(|h| *h));
            if range.0 < range.1 && counts {
                out.push(range);
            }
        }
    }
}

/// Whether every term that `node` cannot do without is there at all: most candidates fail here,
/// where nothing has been gathered yet.
fn is_possible(seen: Seen<'_>, node: &Node) -> bool {
    match node {
        Node::Term(_) | Node::Any(_) | Node::Regex(_) => true,
        Node::Pair(one, two) | Node::Near(one, two, _) => {
            seen.is_there(*one) && seen.is_there(*two)
        }
        Node::Phrase(parts) | Node::Window(parts, _) => are_possible(seen, parts),
        Node::All(nodes, all) => Node::split(nodes, *all).0.iter().all(|node| match node {
            Node::Term(term) => seen.is_there(*term),
            node => is_possible(seen, node),
        }),
    }
}

fn are_possible(seen: Seen<'_>, parts: &[Part]) -> bool {
    parts.iter().all(|part| match part {
        Part::Term(term) => seen.is_there(*term),
        Part::Any(any) => any.iter().any(|parts| are_possible(seen, parts)),
    })
}

/// The first of each list before `limit` that are not the same token.
fn first_pair(one: &[(TermId, u32)], two: &[(TermId, u32)], limit: u32) -> Option<(u32, u32)> {
    let before = |pair: &&(TermId, u32)| pair.1 < limit;
    one.iter().take_while(before).find_map(|a| {
        let mut others = two.iter().take_while(before);
        others.find(|b| b.1 != a.1).map(|b| (a.1, b.1))
    })
}

/// Finds for each list a range within `start..limit`, none overlapping another.
fn place(
    lists: &[Vec<Range>],
    start: u32,
    limit: u32,
    taken: &mut Vec<Range>,
    tries: &mut u32,
) -> bool {
    let Some((list, rest)) = lists.split_first() else { return true };
    let from = list.partition_point(|range| range.0 < start);
    for &range in list[from..].iter().take_while(|range| range.0 < limit) {
        if *tries == 0 {
            return false;
        }
        *tries -= 1;
        let free = taken.iter().all(|other| range.1 <= other.0 || other.1 <= range.0);
        if range.1 <= limit && free {
            taken.push(range);
            if place(rest, start, limit, taken, tries) {
                return true;
            }
            taken.pop();
        }
    }
    false
}

/// Words between two ranges.
fn gap(one: Range, two: Range) -> u32 {
    two.0.saturating_sub(one.1).max(one.0.saturating_sub(two.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::program::Program;
    use crate::classify::query;
    use crate::classify::seen::Present;
    use crate::classify::terms::{NONE, Terms};

    /// Whether `find` matches `text`, whose token 1 is a place and token 2 an organisation.
    fn check(find: &str, text: &str) -> bool {
        let (mut terms, mut program) = (Terms::new(), Program::default());
        program.add(&query::parse(find).expect("a query"), None, &mut terms);
        program.seal(&mut terms);
        let tokens = Tokens::of(text);
        let mut pairs: Vec<(TermId, u32)> = (0..tokens.len())
            .map(|at| (terms.meaning(tokens.text(at)).stem, at as u32))
            .filter(|pair| pair.0 != NONE)
            .collect();
        pairs.sort_unstable();
        let places = [(1, 2, false), (2, 3, true)];
        let mut present = Present::default();
        pairs.iter().for_each(|pair| present.add(pair.0));
        [PLACE, ORG].iter().for_each(|mark| present.add(*mark));
        let all = Seen { pairs: &pairs, places: &places, hidden: &[], present: &present };
        let haystack = Haystack::default();
        let (tokens, haystack) = (&tokens, &haystack);
        let run = Run { text, tokens, all, haystack, in_clause: false, regexes: &[] };
        program.branches.iter().any(|branch| run.is_hit(all, &branch.node))
    }

    #[test]
    fn places_and_organisations_are_marks() {
        let text = "свет Онохой школа вода";
        for (find, expected) in [
            ("@место", true),
            ("@орг", true),
            ("\"свет @место\"", true),
            ("\"@место свет\"", false),
            ("\"@место свет\"~2", true),
            ("\"@место @орг вода\"", true),
            ("\"(@место | газ) вода\"", false),
            ("\"@орг вода\"~2 -@место", false),
        ] {
            assert_eq!(check(find, text), expected, "{find}");
        }
    }
}
