//! Rules made ready to run: queries over term numbers, hung on the rarest term each one needs.
//!
//! Place in the flow: `lexicon` compiles all packs and lists into one program; `run` verifies only
//! the branches whose anchor a text has. Invariant: a branch that matches a text always has an
//! anchor in it.

use regex::Regex;

use super::query::{How, Item, Mark, Query, Word, regex};
use super::terms::{NUMBER, ORG, PLACE, TermId, Terms};

/// A query over term numbers.
#[derive(Debug, Clone)]
pub enum Node {
    /// A term, or a mark.
    Term(TermId),
    /// Two words, one behind the other: most phrases.
    Pair(TermId, TermId),
    /// Two words in any order within so many words: most windows.
    Near(TermId, TermId, u32),
    /// Parts one behind the other.
    Phrase(Box<[Part]>),
    /// Parts in any order within so many words.
    Window(Box<[Part]>, u32),
    /// All of the first so many, none of the rest.
    All(Box<[Node]>, u32),
    /// At least one.
    Any(Box<[Node]>),
    /// Number of a regular expression.
    Regex(u32),
}

impl Node {
    /// What must be there and what must not, of a node that needs several.
    #[inline]
    #[must_use]
    pub fn split(nodes: &[Node], all: u32) -> (&[Node], &[Node]) {
        nodes.split_at_checked(all as usize).unwrap_or((nodes, &[]))
    }
}

/// Part of a phrase or window.
#[derive(Debug, Clone)]
pub enum Part {
    /// A term, or a mark.
    Term(TermId),
    /// One of several phrases.
    Any(Box<[Box<[Part]>]>),
}

impl Part {
    /// The term of a part that is one word.
    #[inline]
    #[must_use]
    pub fn word(&self) -> Option<TermId> {
        match self {
            Self::Term(term) if !matches!(*term, PLACE | ORG) => Some(*term),
            _ => None,
        }
    }
}

/// An alternative of a rule: the top `|` of its query taken apart.
#[derive(Debug)]
pub struct Branch {
    /// Number of the rule.
    pub rule: u32,
    /// What must match.
    pub node: Node,
}

/// A branch on one of its anchors.
#[derive(Debug, Clone, Copy)]
pub struct Hung {
    /// Number of the branch.
    pub branch: u32,
    /// The next rarest term without which it cannot match; its anchor if there is none.
    pub need: TermId,
}

/// A regular expression of a rule.
#[derive(Debug)]
pub struct Pattern {
    /// It, compiled.
    pub regex: Regex,
    /// The signs that a match may begin with; empty if that is not plain.
    pub signs: Box<[char]>,
}

impl Pattern {
    fn new(pattern: &str) -> Option<Self> {
        Some(Self { regex: regex(pattern).ok()?, signs: signs(pattern) })
    }
}

/// The signs that a pattern plainly begins with: `+` of `\+\s?\d`, all of `[-–]\d`.
fn signs(pattern: &str) -> Box<[char]> {
    let mut chars = pattern.chars();
    let signs: Vec<char> = match chars.next() {
        Some('\\') => chars.by_ref().take(1).collect(),
        Some('[') => chars.by_ref().take_while(|c| *c != ']').collect(),
        _ => return Box::default(),
    };
    // A range, a negation or a kind of signs is not plain.
    let plain = |c: char| !c.is_alphanumeric() && !matches!(c, '[' | '\\' | '^' | '&');
    let class = pattern.starts_with('[');
    let range = class && signs.iter().skip(1).any(|c| *c == '-');
    let escaped = !class && signs.iter().all(char::is_ascii_punctuation);
    let optional = matches!(chars.next(), Some('?' | '*' | '{'));
    let sure = !optional && !range && !has_choice(pattern) && (escaped || class);
    if sure && signs.iter().all(|c| plain(*c) || escaped) { signs.into() } else { Box::default() }
}

/// Whether a pattern has a `|` outside of brackets.
fn has_choice(pattern: &str) -> bool {
    let (mut depth, mut class) = (0_u32, false);
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            ']' => class = false,
            _ if class => {}
            '[' => class = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// All rules.
#[derive(Debug, Default)]
pub struct Program {
    /// Branches of all rules.
    pub branches: Vec<Branch>,
    /// What keeps a rule from matching, by rule.
    pub unless: Vec<Option<Node>>,
    /// Regular expressions.
    pub regexes: Vec<Pattern>,
    /// Branches without an anchor: verified for every text.
    pub always: Vec<u32>,
    /// For each term where its branches start in `anchored`.
    starts: Vec<u32>,
    anchored: Vec<Hung>,
    /// How often each term is used.
    uses: Vec<u32>,
}

impl Program {
    /// Adds the next rule.
    pub fn add(&mut self, find: &Query, unless: Option<&Query>, terms: &mut Terms) {
        let rule = u32::try_from(self.unless.len()).unwrap_or(u32::MAX);
        let mut branches = Vec::new();
        flatten(find, &mut branches);
        for query in branches {
            let node = self.node(query, terms);
            self.branches.push(Branch { rule, node });
        }
        let unless = unless.map(|query| self.node(query, terms));
        self.unless.push(unless);
    }

    /// Hangs each branch on its anchors. Call once, when all rules are there.
    pub fn seal(&mut self, terms: &mut Terms) {
        terms.seal();
        self.uses.resize(terms.len(), 0);
        let costs = self.costs(terms);
        let mut hung: Vec<(TermId, Hung)> = Vec::with_capacity(self.branches.len());
        let mut needs = Vec::new();
        for (number, branch) in self.branches.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            if let Some((anchor, need)) = simple(&branch.node, &costs) {
                hung.push((anchor, Hung { branch: number, need }));
                continue;
            }
            let Some((_, mut anchors)) = anchor(&branch.node, &costs) else {
                self.always.push(number);
                continue;
            };
            anchors.sort_unstable();
            anchors.dedup();
            needs.clear();
            required(&branch.node, &mut needs);
            needs.retain(|term| anchors.binary_search(term).is_err());
            let need = needs.iter().min_by_key(|term| (cost(**term, &costs), **term));
            let on = |term: TermId| (term, Hung { branch: number, need: *need.unwrap_or(&term) });
            hung.extend(anchors.into_iter().map(on));
        }
        self.starts = vec![0; terms.len() + 1];
        for &(term, _) in &hung {
            self.starts[term as usize + 1] += 1;
        }
        for at in 1..self.starts.len() {
            self.starts[at] += self.starts[at - 1];
        }
        // Each to its term's place, in the order of the branches.
        let mut next = self.starts.clone();
        self.anchored = vec![Hung { branch: 0, need: 0 }; hung.len()];
        for (term, hung) in hung {
            let at = &mut next[term as usize];
            self.anchored[*at as usize] = hung;
            *at += 1;
        }
    }

    /// How often each term is to be expected: words that rules use often are frequent in texts,
    /// too.
    fn costs(&self, terms: &Terms) -> Vec<u32> {
        let mut costs: Vec<u32> = self.uses.iter().map(|uses| uses.saturating_add(4)).collect();
        for word in COMMON.split(' ') {
            let meaning = terms.meaning(word);
            for term in [meaning.stem, meaning.form] {
                if let Some(cost) = costs.get_mut(term as usize).filter(|cost| **cost < FREQUENT) {
                    *cost += FREQUENT;
                }
            }
        }
        for mark in [PLACE, ORG, NUMBER] {
            if let Some(cost) = costs.get_mut(mark as usize) {
                *cost += 50_000;
            }
        }
        costs
    }

    /// Branches that hang on `term`.
    #[inline]
    #[must_use]
    pub fn hung_on(&self, term: TermId) -> &[Hung] {
        let at = term as usize;
        match (self.starts.get(at), self.starts.get(at + 1)) {
            (Some(&from), Some(&to)) => &self.anchored[from as usize..to as usize],
            _ => &[],
        }
    }

    fn node(&mut self, query: &Query, terms: &mut Terms) -> Node {
        match query {
            Query::Word(word) => Node::Term(self.term(word, terms)),
            Query::Mark(mark) => Node::Term(self.mark(*mark)),
            Query::Phrase(items) => match items.as_slice() {
                [Item::Word(one), Item::Word(two)] => {
                    Node::Pair(self.term(one, terms), self.term(two, terms))
                }
                items => Node::Phrase(self.parts(items, terms)),
            },
            Query::Window(items, words) => match items.as_slice() {
                [Item::Word(one), Item::Word(two)] => {
                    Node::Near(self.term(one, terms), self.term(two, terms), *words)
                }
                items => Node::Window(self.parts(items, terms), *words),
            },
            Query::And(all, none) => {
                let nodes = all.iter().chain(none).map(|query| self.node(query, terms));
                Node::All(nodes.collect(), u32::try_from(all.len()).unwrap_or(u32::MAX))
            }
            Query::Or(any) => Node::Any(any.iter().map(|query| self.node(query, terms)).collect()),
            Query::Regex(pattern) => match Pattern::new(pattern) {
                Some(pattern) => {
                    self.regexes.push(pattern);
                    Node::Regex(u32::try_from(self.regexes.len() - 1).unwrap_or(u32::MAX))
                }
                None => Node::Any(Box::default()),
            },
        }
    }

    fn parts(&mut self, items: &[Item], terms: &mut Terms) -> Box<[Part]> {
        items
            .iter()
            .map(|item| match item {
                Item::Word(word) => Part::Term(self.term(word, terms)),
                Item::Mark(mark) => Part::Term(self.mark(*mark)),
                Item::Any(any) => {
                    Part::Any(any.iter().map(|items| self.parts(items, terms)).collect())
                }
            })
            .collect()
    }

    fn term(&mut self, word: &Word, terms: &mut Terms) -> TermId {
        let term = match word.how {
            How::Stem => terms.stem(&word.text),
            How::Form => terms.form(&word.text),
            How::Prefix => terms.prefix_of(&word.text),
        };
        self.used(term)
    }

    fn mark(&mut self, mark: Mark) -> TermId {
        self.used(match mark {
            Mark::Place => PLACE,
            Mark::Org => ORG,
            Mark::Number => NUMBER,
        })
    }

    fn used(&mut self, term: TermId) -> TermId {
        if self.uses.len() <= term as usize {
            self.uses.resize(term as usize + 1, 0);
        }
        self.uses[term as usize] += 1;
        term
    }
}

/// The alternatives at the top of a query.
fn flatten<'q>(query: &'q Query, out: &mut Vec<&'q Query>) {
    match query {
        Query::Or(any) => any.iter().for_each(|query| flatten(query, out)),
        query => out.push(query),
    }
}

/// Words that stand in nearly every text: poor anchors.
const COMMON: &str = "и в не на что с по у к а но как это нет за от до из для о так все мы нас нам он они \
уже еще бы же или если когда где кто день год раз без при над под про дом улица вода люди человек";

/// What stands in nearly every text costs so much more.
const FREQUENT: u32 = 100_000;

fn cost(term: TermId, costs: &[u32]) -> u64 {
    u64::from(costs.get(term as usize).copied().unwrap_or(4))
}

/// Anchor and next rarest term of a node of one or two words.
fn simple(node: &Node, costs: &[u32]) -> Option<(TermId, TermId)> {
    match *node {
        Node::Term(term) => Some((term, term)),
        Node::Pair(one, two) | Node::Near(one, two, _) => {
            Some(if cost(two, costs) < cost(one, costs) { (two, one) } else { (one, two) })
        }
        _ => None,
    }
}

/// The cheapest set of terms of which every match has at least one, with its cost.
/// `None` if there is no such set.
fn anchor(node: &Node, costs: &[u32]) -> Option<(u64, Vec<TermId>)> {
    if let Some((term, _)) = simple(node, costs) {
        return Some((cost(term, costs), vec![term]));
    }
    match node {
        Node::Phrase(parts) | Node::Window(parts, _) => part_anchor(parts, costs),
        Node::All(nodes, all) => {
            let all = Node::split(nodes, *all).0;
            all.iter().filter_map(|node| anchor(node, costs)).min_by_key(|(cost, _)| *cost)
        }
        Node::Any(any) => union(any.iter().map(|node| anchor(node, costs))),
        _ => None,
    }
}

fn part_anchor(parts: &[Part], costs: &[u32]) -> Option<(u64, Vec<TermId>)> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Term(term) => Some((cost(*term, costs), vec![*term])),
            Part::Any(any) => union(any.iter().map(|parts| part_anchor(parts, costs))),
        })
        .min_by_key(|(cost, _)| *cost)
}

/// The terms that every match of `node` has.
fn required(node: &Node, out: &mut Vec<TermId>) {
    match node {
        Node::Term(term) => out.push(*term),
        Node::Pair(one, two) | Node::Near(one, two, _) => out.extend([*one, *two]),
        Node::Phrase(parts) | Node::Window(parts, _) => {
            out.extend(parts.iter().filter_map(|part| match part {
                Part::Term(term) => Some(*term),
                Part::Any(_) => None,
            }));
        }
        Node::All(nodes, all) => {
            Node::split(nodes, *all).0.iter().for_each(|node| required(node, out));
        }
        Node::Any(_) | Node::Regex(_) => {}
    }
}

fn union(sets: impl Iterator<Item = Option<(u64, Vec<TermId>)>>) -> Option<(u64, Vec<TermId>)> {
    sets.reduce(|one, two| {
        let ((cost, mut set), (more, terms)) = (one?, two?);
        set.extend(terms);
        Some((cost + more, set))
    })
    .unwrap_or(Some((0, Vec::new())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_that_patterns_begin_with() {
        for (pattern, expected) in [
            (r"\+\s?\d", "+"),
            (r"\(о", "("),
            (r"\+?\d", ""),
            (r"\+{0,2}\d", ""),
            (r"\*", "*"),
            (r"\+\d|ям", ""),
            (r"\+(\d|ям)", "+"),
            (r"\d+", ""),
            (r"\", ""),
            (r"[-−–][2-5]\d(?:\D|$)", "-−–"),
            (r"[-−–]?[2-5]", ""),
            (r"[!-/]а", ""),
            (r"[^!]а", ""),
            (r"[аб]в", ""),
            (r"[\d]в", ""),
            (r"[+|]в", "+|"),
            (r"[", ""),
            ("ям[аы]", ""),
        ] {
            assert_eq!(signs(pattern).iter().collect::<String>(), expected, "{pattern}");
        }
    }
}
