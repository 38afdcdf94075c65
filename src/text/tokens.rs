//! Splits a text into folded words that know where they came from.
//!
//! Place in the flow: first step of classification; the query parser splits its words the same way.
//! Invariants: spans are bytes of the original text on character boundaries, in order, not
//! overlapping; one pass, no allocation per word: the buffers of a [`Tokens`] are reused.

mod contrast;
mod marks;
mod masks;
mod mixed;
mod parts;
mod plain;
mod spaced;

use std::sync::LazyLock;

use super::fold::{self, Kind};
use super::letters;
use super::repair::{Piece, broken_word, inner_letter};
use super::words::WordSet;
use super::work;
use crate::model::Span;

use contrast::{A, is_contrast};
use marks::Marks;
use masks::mask_length;
use plain::LETTER;

pub use parts::{
    CAPITAL, CAPS, Clause, GLUED, HYPHEN, LATIN, NUMBER, REPAIRED, STARTS, Sentence, Token,
};

/// Bytes that can be read at once from the start of a word.
pub const BLOCK: usize = 64;
/// Bytes of a text that are read.
const TEXT_MAX: usize = 1 << 30;
/// Stands behind the text and behind the letters of all words, so that a block can be read at the
/// last one.
const PADDING: &str = match str::from_utf8(&[b' '; BLOCK + marks::BEHIND]) {
    Ok(padding) => padding,
    Err(_) => "",
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Break {
    #[default]
    None,
    Clause,
    Sentence,
}

/// The word being read.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    start: usize,
    from: usize,
    cyrillic: u32,
    foreign: u32,
    digits: u32,
    upper: u32,
    first_upper: bool,
    prev: char,
    same: u32,
    flags: u16,
}

impl Run {
    fn letters(&self) -> u32 {
        self.cyrillic + self.foreign
    }
}

/// The words of one text. Reusable: [`Tokens::fill`] forgets the text before.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// The text as given, and behind it the letters of words that are folded otherwise.
    folded: String,
    marks: Marks,
    list: Vec<Token>,
    /// For each token its letters as one number; 0 if it has none.
    numbers: Vec<u128>,
    /// Which signs of ASCII stand anywhere in the text: a bit each.
    signs: u128,
    clauses: Vec<Clause>,
    sentences: Vec<Sentence>,
    pieces: Vec<Piece>,
    pending: Break,
    joined: u16,
    /// How many of the last tokens are single letters with one sign between them, and that sign.
    spelled: usize,
    between: u8,
    /// Behind the last row of dots and spaces that was looked at.
    row_end: usize,
}

impl Tokens {
    /// Splits `text` with fresh buffers.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut tokens = Self::default();
        tokens.fill(text);
        tokens
    }

    /// Number of tokens.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is no token.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All tokens, in text order.
    #[must_use]
    pub fn list(&self) -> &[Token] {
        &self.list
    }

    /// Folded letters of token `at`; empty if there is none.
    #[must_use]
    pub fn text(&self, at: usize) -> &str {
        self.list.get(at).map_or("", |token| &self.folded[token.from as usize..token.to as usize])
    }

    /// For each token its [`letters::number`].
    #[must_use]
    pub fn numbers(&self) -> &[u128] {
        &self.numbers
    }

    /// Whether a sign of ASCII stands anywhere in the text.
    #[must_use]
    pub fn has_sign(&self, sign: u8) -> bool {
        self.signs.checked_shr(u32::from(sign)).is_some_and(|signs| signs & 1 == 1)
    }

    /// [`BLOCK`] bytes from the first folded letter of token `at` on, and how many are its own.
    #[inline]
    #[must_use]
    pub fn block(&self, at: usize) -> Option<(&[u8; BLOCK], usize)> {
        let token = self.list.get(at)?;
        let block = self.folded.as_bytes().get(token.from as usize..)?.first_chunk()?;
        Some((block, (token.to - token.from) as usize))
    }

    /// All clauses, in text order.
    #[must_use]
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// All sentences, in text order.
    #[must_use]
    pub fn sentences(&self) -> &[Sentence] {
        &self.sentences
    }

    /// Index of the sentence that token `at` stands in.
    #[must_use]
    pub fn sentence_of(&self, at: usize) -> usize {
        self.list
            .get(at)
            .and_then(|token| self.clauses.get(token.clause as usize))
            .map_or(0, |clause| clause.sentence as usize)
    }

    /// Bytes `start..end` of the original text, character boundaries, in code points.
    #[inline]
    #[must_use]
    pub fn span(&self, start: usize, end: usize) -> Span {
        Span { start: self.marks.points(start), end: self.marks.points(end) }
    }

    /// Indexes of the tokens that touch bytes `start..end` of the original text.
    #[must_use]
    pub fn range(&self, start: usize, end: usize) -> std::ops::Range<usize> {
        let first = self.list.partition_point(|token| token.end as usize <= start);
        let last = self.list.partition_point(|token| (token.start as usize) < end);
        first..last.max(first)
    }

    /// Splits `text`, forgetting the text before. Text behind 1 GiB is not read.
    pub fn fill(&mut self, text: &str) {
        self.read(&text[..text.floor_char_boundary(TEXT_MAX)], true);
    }

    /// `quick`: plain words in one go.
    fn read(&mut self, text: &str, quick: bool) {
        self.forget(text);
        self.marks.fill(self.folded.as_bytes(), text.len());
        let mut run = Run::default();
        let mut inside = false;
        let mut at = 0;
        let bytes = text.as_bytes();
        while at < bytes.len() {
            if quick
                && !inside
                && let Some(next) = self.plain(text, at)
            {
                at = next;
                continue;
            }
            let Some(c) = text[at..].chars().next() else { break };
            let next = at + c.len_utf8();
            if c.is_ascii() {
                self.signs |= 1 << (c as u32);
            }
            if c == '['
                && !inside
                && let Some(length) = mask_length(&text[at..])
            {
                self.signs |= 1 << b']';
                at += length;
                continue;
            }
            let kind = fold::kind(c);
            if matches!(kind, Kind::Cyrillic | Kind::Foreign | Kind::Digit) {
                if !inside {
                    inside = true;
                    run = Run { start: at, from: self.folded.len(), ..Run::default() };
                }
                self.push(&mut run, c, kind);
            } else if inside {
                if kind == Kind::Mark {
                    self.combine(&mut run, c);
                } else if let Some(letter) = inner_letter(run.prev, c, &text[next..]) {
                    self.push(&mut run, letter, Kind::Cyrillic);
                    run.flags |= REPAIRED;
                } else if let Some(skipped) = broken_word(run.prev, c, &text[next..]) {
                    at = next + skipped;
                    continue;
                } else {
                    inside = false;
                    self.close(text, run, at);
                    self.separate(text, c, at, next);
                }
            } else if kind != Kind::Mark {
                self.separate(text, c, at, next);
            }
            at = next;
        }
        if inside {
            self.close(text, run, at);
        }
        self.close_up();
        self.end_clauses();
        self.folded.push_str(PADDING);
    }

    /// Makes ready for `text`.
    fn forget(&mut self, text: &str) {
        self.folded.clear();
        // Most words are folded as they stand.
        self.folded.push_str(text);
        self.folded.push_str(PADDING);
        self.list.clear();
        self.numbers.clear();
        self.signs = 0;
        self.clauses.clear();
        self.sentences.clear();
        self.pending = Break::Sentence;
        self.joined = 0;
        self.spelled = 0;
        self.row_end = 0;
    }

    /// Takes one letter or digit into the word being read; three equal letters or more become one.
    #[inline]
    fn push(&mut self, run: &mut Run, c: char, kind: Kind) {
        let folded = fold::lower(c);
        match kind {
            Kind::Cyrillic => run.cyrillic += 1,
            Kind::Foreign => run.foreign += 1,
            _ => run.digits += 1,
        }
        if kind != Kind::Digit && fold::is_upper(c) {
            run.first_upper |= run.letters() == 1 && run.digits == 0;
            run.upper += 1;
        }
        push_folded(&mut self.folded, &mut run.prev, &mut run.same, folded);
    }

    /// A combining mark: и + breve is й; every other mark is dropped.
    fn combine(&mut self, run: &mut Run, mark: char) {
        if mark == '\u{306}' && self.folded[run.from..].ends_with('и') {
            self.folded.pop();
            self.folded.push('й');
            run.prev = 'й';
        }
    }

    /// Ends the word being read.
    fn close(&mut self, text: &str, run: Run, end: usize) {
        let kinds =
            u8::from(run.cyrillic > 0) + u8::from(run.foreign > 0) + u8::from(run.digits > 0);
        if kinds > 1 {
            self.folded.truncate(run.from);
            self.take_apart(text, run, end);
            return;
        }
        let mut flags = run.flags;
        if run.digits > 0 {
            flags |= NUMBER;
        } else {
            if run.foreign > 0 {
                flags |= LATIN;
            }
            flags |= if run.first_upper { CAPITAL } else { 0 };
            flags |= if run.upper > 1 && run.upper == run.letters() { CAPS } else { 0 };
        }
        let own = (run.from, self.folded.len());
        let number = letters::number(&self.folded[own.0..own.1]);
        self.add(run.start, end, own, flags, number);
    }

    /// Adds a token whose folded letters stand at bytes `from..to` of the buffer.
    #[inline]
    fn add(
        &mut self,
        start: usize,
        end: usize,
        (from, to): (usize, usize),
        mut flags: u16,
        number: u128,
    ) {
        let letter = to - from == LETTER && flags & (NUMBER | LATIN) == 0;
        self.spell(start, letter);
        flags |= std::mem::take(&mut self.joined);
        let contrast = is_contrast(number)
            && flags & (GLUED | HYPHEN) == 0
            && !(number == A && self.list.last().is_some_and(|token| token.is(NUMBER)));
        if self.pending != Break::None || contrast {
            flags |= self.begin(contrast);
        }
        self.numbers.push(number);
        self.list.push(Token {
            start: short(start),
            end: short(end),
            from: short(from),
            to: short(to),
            clause: short(self.clauses.len().saturating_sub(1)),
            flags,
        });
    }

    /// Begins a clause with the next token, and a sentence if one is due. The first token of a text
    /// always begins one. Returns the token's flag.
    fn begin(&mut self, contrast: bool) -> u16 {
        let index = short(self.list.len());
        let starts = std::mem::take(&mut self.pending) == Break::Sentence;
        self.end_clauses();
        if starts {
            let clause = short(self.clauses.len());
            self.sentences.push(Sentence { first: index, last: index, clause, question: false });
        }
        let sentence = short(self.sentences.len().saturating_sub(1));
        self.clauses.push(Clause { first: index, last: index, sentence, contrast });
        if starts { STARTS } else { 0 }
    }

    /// Ends the last clause and the last sentence behind the last token.
    fn end_clauses(&mut self) {
        let end = short(self.list.len());
        if let (Some(clause), Some(sentence)) = (self.clauses.last_mut(), self.sentences.last_mut())
        {
            (clause.last, sentence.last) = (end, end);
        }
    }

    /// What stands between words: hyphens join, punctuation ends clauses and sentences.
    fn separate(&mut self, text: &str, c: char, at: usize, next: usize) {
        let after = text[next..].chars().next();
        let touches = self.list.last().is_some_and(|token| token.end as usize == at);
        match c {
            '-' | '\u{2010}' | '\u{2011}' if touches && after.is_some_and(is_word) => {
                self.joined = HYPHEN;
                return;
            }
            ' ' | '\t' | '\u{A0}' => {}
            '.' => {
                let how = self.dot(text, at, next);
                self.split(how);
            }
            '!' => self.split(Break::Sentence),
            '?' => {
                if let Some(sentence) = self.sentences.last_mut()
                    && self.pending != Break::Sentence
                {
                    sentence.question = true;
                }
                self.split(Break::Sentence);
            }
            '\n' => {
                let lower = text[next..]
                    .chars()
                    .find(|c| *c != ' ')
                    .is_some_and(|c| fold::kind(c) == Kind::Cyrillic && !fold::is_upper(c));
                self.split(if lower { Break::Clause } else { Break::Sentence });
            }
            ',' | ':' if touches && after.is_some_and(|c| c.is_ascii_digit()) => {
                let number = self.list.last().is_some_and(|token| token.is(NUMBER));
                self.split(if number { Break::None } else { Break::Clause });
            }
            ',' | ';' | ':' | '(' | ')' | '[' | ']' | '…' | '•' => self.split(Break::Clause),
            c if (c as u32) >= 0x2600 => self.split(Break::Clause),
            _ => {}
        }
        self.joined = 0;
    }

    fn split(&mut self, how: Break) {
        self.pending = self.pending.max(how);
    }

    /// What a full stop means: nothing within numbers and after abbreviations.
    fn dot(&mut self, text: &str, at: usize, next: usize) -> Break {
        let after = text[next..].chars().next();
        if text[..at].ends_with('.') || after == Some('.') {
            // Every dot of a row sees the same behind it: one look for all of them.
            if next > self.row_end {
                self.row_end = next + text[next..].chars().take_while(is_row).count();
            }
            let upper = text[self.row_end..].chars().next();
            return if upper.is_some_and(fold::is_upper) { Break::Sentence } else { Break::Clause };
        }
        let Some(last) = self.list.last().filter(|token| token.end as usize == at) else {
            return Break::Sentence;
        };
        if last.is(NUMBER) && after.is_some_and(|c| c.is_ascii_digit()) {
            return Break::None;
        }
        let word = self.text(self.list.len() - 1);
        let single = !last.is(NUMBER) && word.chars().nth(1).is_none();
        if single || word.len() <= SHORTENED_BYTES && SHORTENED.has(word) {
            Break::None
        } else {
            Break::Sentence
        }
    }
}

/// Words whose full stop ends no sentence.
const ABBREVIATIONS: &str = "ул пер пр просп пл наб бул туп пос пгт дер ст мкр мкрн обл респ корп \
стр кв оф эт под тел им гр др руб коп тыс млн млрд мин час сек см мм км га шт чел тд тп те св проч \
напр уваж зам нач рн снт днт";

/// Bytes of the longest of them.
const SHORTENED_BYTES: usize = 10;

static SHORTENED: LazyLock<WordSet> = LazyLock::new(|| WordSet::of(ABBREVIATIONS));

fn push_folded(out: &mut String, prev: &mut char, same: &mut u32, c: char) {
    if c == *prev && !c.is_ascii_digit() {
        *same += 1;
        if *same == 3 {
            out.pop();
        }
        if *same >= 3 {
            return;
        }
    } else {
        *prev = c;
        *same = 1;
    }
    out.push(c);
}

/// Whether a row of dots goes on with `c`, one byte long.
fn is_row(c: &char) -> bool {
    work::step();
    matches!(c, '.' | ' ')
}

fn is_word(c: char) -> bool {
    matches!(fold::kind(c), Kind::Cyrillic | Kind::Foreign | Kind::Digit)
}

/// A byte or an index: with all its folded words a text stays below 4 GiB.
#[inline]
fn short(number: usize) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests;
