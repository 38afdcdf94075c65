//! Cuts a text into tokens that the masking rules read.
//!
//! Place in the flow: inside the door, before any rule. Invariant: invisible characters (zero-width
//! spaces, soft hyphens, variation selectors, accents) neither split nor join anything, so nobody
//! can hide a phone or a name with them; every token is cut on character borders of the original
//! text.

use std::ops::Range;

/// What stands in the text instead of a person's trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Name,
    Phone,
    Mail,
    Link,
    Account,
    Card,
    Document,
    Flat,
}

impl What {
    const ALL: [What; 8] = [
        What::Name,
        What::Phone,
        What::Mail,
        What::Link,
        What::Account,
        What::Card,
        What::Document,
        What::Flat,
    ];

    /// The word a reader sees.
    pub(super) fn word(self) -> &'static str {
        match self {
            What::Name => "[имя]",
            What::Phone => "[телефон]",
            What::Mail => "[почта]",
            What::Link => "[ссылка]",
            What::Account => "[аккаунт]",
            What::Card => "[карта]",
            What::Document => "[документ]",
            What::Flat => "[квартира]",
        }
    }
}

/// How a word is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Lower,
    Title,
    Upper,
    Mixed,
}

/// Kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters only.
    Word(Shape),
    /// Digits only.
    Number,
    /// White space; `true` if it holds a line break.
    Space(bool),
    /// Any other single character.
    Mark(char),
    /// A mask, ours or one that stood in the text already: opaque to every rule.
    Masked(What),
}

/// A piece of the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// First byte.
    pub(super) start: usize,
    /// Byte after the last.
    pub(super) end: usize,
    /// Visible characters.
    pub(super) chars: usize,
}

/// A place to be masked: tokens `from..to`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) what: What,
}

/// A text and its tokens.
pub(super) struct Text<'t> {
    pub(super) raw: &'t str,
    pub(super) tokens: Vec<Token>,
}

/// Characters that a reader does not see.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{20e3}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{300}'..='\u{36f}')
}

/// Invisible characters that belong to the character before them: accents, emoji styles, key caps.
fn sits_on(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{fe00}'..='\u{fe0f}' | '\u{20e3}')
}

/// The digit a character shows: ASCII, full-width, Arabic-Indic or mathematical.
fn digit(c: char) -> Option<u8> {
    let base = match c {
        '0'..='9' => '0' as u32,
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        '\u{660}'..='\u{669}' => 0x660,
        '\u{1d7ce}'..='\u{1d7ff}' => return Some(((c as u32 - 0x1d7ce) % 10) as u8),
        _ => return None,
    };
    Some((c as u32 - base) as u8)
}

/// Lower case, with ё as е; other letters that change length when lowered keep their first
/// character.
fn lower(c: char) -> char {
    match c {
        'а'..='я' | 'a'..='z' => c,
        'А'..='Я' => char::from_u32(c as u32 + 32).unwrap_or(c),
        'ё' | 'Ё' => 'е',
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => c.to_lowercase().next().unwrap_or(c),
    }
}

/// The Cyrillic letter a Latin one (lower case) looks like.
fn look_alike(c: char) -> char {
    match c {
        'a' => 'а',
        'b' => 'в',
        'c' => 'с',
        'e' => 'е',
        'h' => 'н',
        'k' => 'к',
        'm' => 'м',
        'o' => 'о',
        'p' => 'р',
        't' => 'т',
        'x' => 'х',
        'y' => 'у',
        _ => c,
    }
}

impl<'t> Text<'t> {
    /// Cuts `raw`.
    pub(super) fn new(raw: &'t str) -> Self {
        let mut tokens: Vec<Token> = Vec::with_capacity(raw.len() / 5);
        let mut at = 0;
        while let Some(c) = raw[at..].chars().next() {
            let token = if c == '[' { masked(raw, at) } else { None };
            let token = token.or_else(|| cut(raw, at, c));
            match token {
                Some(token) => {
                    at = token.end;
                    tokens.push(token);
                }
                None => at += c.len_utf8(),
            }
        }
        Self { raw, tokens }
    }

    /// The kind of token `i`; a line break beyond both ends.
    pub(super) fn kind(&self, i: usize) -> Kind {
        self.tokens.get(i).map_or(Kind::Space(true), |t| t.kind)
    }

    /// The kind of the token before `i`.
    pub(super) fn before(&self, i: usize) -> Kind {
        i.checked_sub(1).map_or(Kind::Space(true), |i| self.kind(i))
    }

    /// Whether token `i` is this mark.
    pub(super) fn is_mark(&self, i: usize, mark: char) -> bool {
        self.kind(i) == Kind::Mark(mark)
    }

    /// Whether token `i` is a word.
    pub(super) fn is_word(&self, i: usize) -> bool {
        matches!(self.kind(i), Kind::Word(_))
    }

    /// `i`, or the token after it if `i` is a space without a line break.
    pub(super) fn past_space(&self, i: usize) -> usize {
        if self.kind(i) == Kind::Space(false) { i + 1 } else { i }
    }

    /// Visible characters of token `i`.
    pub(super) fn chars(&self, i: usize) -> usize {
        self.tokens.get(i).map_or(0, |t| t.chars)
    }

    /// Appends token `i` to `out`, folded: lower case, ё as е, without invisible characters, Latin
    /// look-alikes inside a Cyrillic word as Cyrillic.
    pub(super) fn fold_onto(&self, i: usize, out: &mut String) {
        let Some(token) = self.tokens.get(i) else { return };
        if let Some(word) = self.plain(i) {
            out.push_str(word);
            return;
        }
        let from = out.len();
        let mut mixed = (false, false);
        for c in self.raw[token.start..token.end].chars() {
            match c {
                '\u{306}' if out.ends_with('и') => {
                    out.pop();
                    out.push('й');
                }
                c if is_invisible(c) => {}
                c => {
                    let c = digit(c).map_or_else(|| lower(c), |d| char::from(b'0' + d));
                    mixed.0 |= c.is_ascii_lowercase();
                    mixed.1 |= !c.is_ascii();
                    out.push(c);
                }
            }
        }
        if mixed == (true, true) {
            let cyrillic: String = out[from..].chars().map(look_alike).collect();
            out.truncate(from);
            out.push_str(&cyrillic);
        }
    }

    /// Token `i` if it stands folded as it is: lower-case Russian letters but ё, as nearly every
    /// word.
    fn plain(&self, i: usize) -> Option<&'t str> {
        let token = self.tokens.get(i)?;
        let word = self.raw.get(token.start..token.end)?;
        let pairs = word.as_bytes().chunks_exact(2);
        let plain = pairs.remainder().is_empty()
            && pairs
                .into_iter()
                .all(|pair| matches!(pair, [0xD0, 0xB0..=0xBF] | [0xD1, 0x80..=0x8F]));
        plain.then_some(word)
    }

    /// Token `i`, folded. For rules that look at few tokens.
    pub(super) fn folded(&self, i: usize) -> String {
        let length = self.tokens.get(i).map_or(0, |token| token.end - token.start);
        let mut out = String::with_capacity(length);
        self.fold_onto(i, &mut out);
        out
    }

    /// Whether token `i`, folded, is one of `words`.
    pub(super) fn is_one_of(&self, i: usize, words: &[&str]) -> bool {
        if !self.is_word(i) {
            return false;
        }
        if let Some(word) = self.plain(i) {
            return words.contains(&word);
        }
        let chars = self.chars(i);
        words.iter().any(|word| word.chars().count() == chars)
            && words.contains(&self.folded(i).as_str())
    }

    /// Whether token `i` is visible text in ASCII; not a space, a mask or the end.
    pub(super) fn is_ascii(&self, i: usize) -> bool {
        let Some(token) = self.tokens.get(i) else { return false };
        let visible = !matches!(token.kind, Kind::Space(_) | Kind::Masked(_));
        let raw = &self.raw[token.start..token.end];
        visible && (raw.is_ascii() || raw.chars().all(|c| c.is_ascii() || is_invisible(c)))
    }

    /// The digits of token `i`.
    pub(super) fn digits(&self, i: usize) -> impl Iterator<Item = u8> {
        let token = self.tokens.get(i).map_or("", |token| &self.raw[token.start..token.end]);
        token.chars().filter_map(digit)
    }

    /// The number in token `i`, if it is one of at most nine digits.
    pub(super) fn number(&self, i: usize) -> Option<u32> {
        let short = self.kind(i) == Kind::Number && self.chars(i) <= 9;
        short.then(|| self.digits(i).fold(0, |n, d| n * 10 + u32::from(d)))
    }

    /// Visible text of tokens `range`, folded, spaces as they are.
    pub(super) fn fold_range(&self, range: Range<usize>) -> String {
        let mut out = String::new();
        for i in range {
            self.fold_onto(i, &mut out);
        }
        out
    }

    /// Puts masks in place of `found` (in order, without overlaps).
    pub(super) fn replace(&mut self, found: &[Found]) {
        if found.is_empty() {
            return;
        }
        let mut tokens = Vec::with_capacity(self.tokens.len());
        let mut at = 0;
        for place in found {
            tokens.extend_from_slice(&self.tokens[at..place.from]);
            let (start, end) = (self.tokens[place.from].start, self.tokens[place.to - 1].end);
            tokens.push(Token { kind: Kind::Masked(place.what), start, end, chars: 1 });
            at = place.to;
        }
        tokens.extend_from_slice(&self.tokens[at..]);
        self.tokens = tokens;
    }
}

/// A mask word standing at `at`.
fn masked(raw: &str, at: usize) -> Option<Token> {
    let what = What::ALL.into_iter().find(|what| raw[at..].starts_with(what.word()))?;
    Some(Token { kind: Kind::Masked(what), start: at, end: at + what.word().len(), chars: 1 })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Digit,
    Space,
    Other,
}

fn class(c: char) -> Class {
    match c {
        'а'..='я' | 'А'..='Я' | 'a'..='z' | 'A'..='Z' => Class::Letter,
        ' ' | '\n' | '\t' | '\r' => Class::Space,
        '!'..='/' | ':'..='@' => Class::Other,
        c if digit(c).is_some() => Class::Digit,
        c if c.is_alphabetic() => Class::Letter,
        c if c.is_whitespace() => Class::Space,
        _ => Class::Other,
    }
}

/// The token at `at`, whose first character is `c`; none if that is invisible.
fn cut(raw: &str, at: usize, c: char) -> Option<Token> {
    if is_invisible(c) {
        return None;
    }
    let first = class(c);
    let (mut end, mut chars, mut breaks) = (at + c.len_utf8(), 1, c == '\n' || c == '\r');
    let (mut uppers, mut first_upper) = (0, false);
    if first == Class::Letter && c.is_uppercase() {
        (uppers, first_upper) = (1, true);
    }
    if first != Class::Other {
        let from = end;
        for (i, c) in raw[from..].char_indices() {
            if sits_on(c) {
                end = from + i + c.len_utf8();
                continue;
            }
            if is_invisible(c) {
                // Belongs to the token only if the token goes on behind it.
                continue;
            }
            if class(c) != first {
                break;
            }
            uppers += usize::from(first == Class::Letter && c.is_uppercase());
            breaks |= c == '\n' || c == '\r';
            chars += 1;
            end = from + i + c.len_utf8();
        }
    }
    let kind = match first {
        Class::Letter => Kind::Word(match (uppers, first_upper) {
            (0, _) => Shape::Lower,
            (1, true) => Shape::Title,
            (n, _) if n == chars => Shape::Upper,
            _ => Shape::Mixed,
        }),
        Class::Digit => Kind::Number,
        Class::Space => Kind::Space(breaks),
        Class::Other => Kind::Mark(c),
    };
    Some(Token { kind, start: at, end, chars })
}
