//! Sees in one pass which rules of the door could find anything in a text: most texts have nothing
//! to mask.
//!
//! Place in the flow: in front of the rules. Invariant: a rule that is left out finds nothing; a
//! text with any unusual character is left to all rules (held by a test over random texts).

use std::sync::LazyLock;

use super::name_tables::{names, patronymic};

/// Cues for families of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cues(u8);

impl Cues {
    /// Brackets, `@` or `*`, or digits beside Latin letters: mentions.
    pub(super) const MENTION: Self = Self(1);
    /// A full stop right before a letter or digit, or `://`: addresses.
    pub(super) const HOST: Self = Self(1 << 1);
    /// `@` or Latin letters: accounts.
    pub(super) const ACCOUNT: Self = Self(1 << 2);
    /// Digits: phones, cards, papers, flats.
    pub(super) const DIGIT: Self = Self(1 << 3);
    /// A first name, a patronymic or initials.
    pub(super) const NAME: Self = Self(1 << 4);
    /// All of them.
    pub(super) const ALL: Self = Self(0xFF);
    const NONE: Self = Self(0);

    /// Whether no rule could find anything.
    pub(super) fn is_empty(self) -> bool {
        self == Self::NONE
    }

    /// Whether the rules of `cue` could find something.
    pub(super) fn has(self, cue: Self) -> bool {
        self.0 & cue.0 != 0
    }

    fn add(&mut self, cue: Self) {
        self.0 |= cue.0;
    }

    /// The cues of a text.
    pub(super) fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut reader = Reader { cues: Self::NONE, word: Word::default(), single: false };
        let (mut at, mut latin, mut emoji) = (0, false, false);
        while let Some(&byte) = bytes.get(at) {
            if byte & 0xFE == 0xD0 {
                let second = bytes.get(at + 1).copied().unwrap_or(0);
                let letter = LETTERS[usize::from(byte & 1) << 6 | usize::from(second & 0x3F)];
                if letter == 0 {
                    return Self::ALL;
                }
                reader.word.push(letter, at);
                at += 2;
                continue;
            }
            if byte.is_ascii_alphabetic() {
                latin = true;
                reader.word.push_latin(byte, at);
                at += 1;
                continue;
            }
            reader.close(bytes, at);
            let length = match byte {
                0..0x80 => {
                    reader.sign(byte, &bytes[at + 1..]);
                    1
                }
                _ => other(&bytes[at..], emoji),
            };
            if length == 0 {
                return Self::ALL;
            }
            emoji = length > 2;
            at += length;
        }
        reader.close(bytes, at);
        let mut cues = reader.cues;
        if latin {
            cues.add(Self::ACCOUNT);
            if cues.has(Self::DIGIT) {
                cues.add(Self::MENTION);
            }
        }
        cues
    }
}

/// Bytes of the character that `rest` begins with, if it surely is no letter, digit or invisible
/// sign; 0 otherwise. A mark of style may follow an emoji.
fn other(rest: &[u8], after_emoji: bool) -> usize {
    match rest {
        // Hard space, « and ».
        [0xC2, 0xA0 | 0xAB | 0xBB, ..] => 2,
        // Dashes, quotes, dots of print; №; signs and emoji.
        [0xE2, 0x80, 0x90..=0xA7, ..] | [0xE2, 0x84, 0x96, ..] | [0xE2, 0x98..=0x9E, _, ..] => 3,
        [0xEF, 0xB8, 0x8F, ..] if after_emoji => 3,
        [0xF0, 0x9F, 0x8C..=0xAB, _, ..] => 4,
        _ => 0,
    }
}

/// U+0400–U+047F by their low seven bits: the number of each Russian letter in the alphabet without
/// ё, the highest bit set for capitals; 0 for everything else.
static LETTERS: [u8; 128] = letters();

const fn letters() -> [u8; 128] {
    let mut table = [0; 128];
    let mut code = 0x10;
    while code < 0x50 {
        table[code] = if code < 0x30 { (code as u8 - 0x0F) | 0x80 } else { code as u8 - 0x2F };
        code += 1;
    }
    table[0x01] = number('е') | 0x80;
    table[0x51] = number('е');
    table
}

/// The number of a lower-case letter, from 1.
const fn number(letter: char) -> u8 {
    (letter as u32 - 0x42F) as u8
}

/// A run of letters.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    start: usize,
    letters: usize,
    /// The letters as digits of a number: tells words of up to 12 letters apart. A longer word may
    /// pass for a name; the rules then see that it is none.
    key: u64,
    /// Its last letters, six bits each.
    tail: u32,
    latin: bool,
    cyrillic: bool,
    capital: bool,
}

impl Word {
    #[inline]
    fn push(&mut self, letter: u8, at: usize) {
        if self.letters == 0 {
            *self = Self { start: at, capital: letter & 0x80 != 0, ..Self::default() };
        }
        let low = letter & 0x7F;
        self.key = self.key.wrapping_mul(33).wrapping_add(u64::from(low));
        self.tail = self.tail << 6 | u32::from(low);
        self.letters += 1;
        self.cyrillic = true;
    }

    fn push_latin(&mut self, letter: u8, at: usize) {
        if self.letters == 0 {
            let capital = letter.is_ascii_uppercase();
            *self = Self { start: at, capital, ..Self::default() };
        }
        self.letters += 1;
        self.latin = true;
    }

    /// Whether its last letters could be a patronymic's.
    fn may_be_patronymic(&self) -> bool {
        let last = |back: u32| (self.tail >> (6 * back) & 0x3F) as u8;
        let is = |back: u32, letters: &[char]| letters.iter().any(|c| number(*c) == last(back));
        let stem = |back: u32| {
            is(back, &['н']) && is(back + 1, &['в', 'ч'])
                || is(back, &['ч']) && is(back + 1, &['и', 'ы'])
        };
        let short = is(0, &['а', 'ы', 'е', 'у']);
        let long = is(1, &['о', 'е']) && is(0, &['й', 'ю', 'м']);
        self.letters >= 5 && (stem(0) || short && stem(1) || long && stem(2))
    }
}

struct Reader {
    cues: Cues,
    word: Word,
    /// Whether the word before was a single letter.
    single: bool,
}

impl Reader {
    /// Ends the word that was being read in front of byte `at`.
    #[inline]
    fn close(&mut self, bytes: &[u8], at: usize) {
        if self.word.letters == 0 {
            return;
        }
        let word = std::mem::take(&mut self.word);
        let single = word.letters == 1;
        if single {
            // «И. Петров», «Петров И И», «петров и.и.», «Ц-Д. Петров».
            let dotted = bytes.get(at) == Some(&b'.');
            if dotted && (word.capital || self.single) || word.capital && self.single {
                self.cues.add(Cues::NAME);
            }
        } else if word.cyrillic && (word.latin || self.is_name(&word, &bytes[word.start..at])) {
            // Look-alikes are left to the rules.
            self.cues.add(Cues::NAME);
        }
        self.single = single;
    }

    fn is_name(&self, word: &Word, bytes: &[u8]) -> bool {
        NAMES.has(word) || word.may_be_patronymic() && patronymic(&folded(bytes)) != 0
    }

    /// A sign or digit of ASCII with what follows it.
    #[inline]
    fn sign(&mut self, byte: u8, rest: &[u8]) {
        match byte {
            b'0'..=b'9' => self.cues.add(Cues::DIGIT),
            b'[' | b'*' => self.cues.add(Cues::MENTION),
            b'@' => {
                self.cues.add(Cues::MENTION);
                self.cues.add(Cues::ACCOUNT);
            }
            b'.' if rest
                .first()
                .is_some_and(|next| next.is_ascii_alphanumeric() || *next > 0xC2) =>
            {
                self.cues.add(Cues::HOST);
            }
            b':' if rest.starts_with(b"//") => self.cues.add(Cues::HOST),
            _ => {}
        }
    }
}

/// The Russian letters of a word, folded.
fn folded(bytes: &[u8]) -> String {
    let letter = |pair: &[u8]| {
        let letter = LETTERS[usize::from(pair[0] & 1) << 6 | usize::from(pair[1] & 0x3F)] & 0x7F;
        char::from_u32(0x42F + u32::from(letter))
    };
    bytes.chunks_exact(2).filter_map(letter).collect()
}

/// Keys of all first names in all their forms.
struct Names {
    /// One bit for the hash of each key: most words end here.
    bits: Vec<u64>,
    keys: Vec<u64>,
}

/// Bits of the filter, as a power of two.
const BITS: u32 = 16;

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names { bits: vec![0; 1 << (BITS - 6)], keys: Vec::new() };
    for name in names_of_letters() {
        let bit = Names::bit(name);
        names.bits[bit >> 6] |= 1 << (bit & 63);
        names.keys.push(name);
    }
    names.keys.sort_unstable();
    names
});

/// Keys of the names of Russian letters alone.
fn names_of_letters() -> impl Iterator<Item = u64> {
    let digit = |c: char| matches!(c, 'а'..='я').then(|| u64::from(number(c)));
    names().filter_map(move |name| {
        name.chars().try_fold(0_u64, |key, c| Some(key.wrapping_mul(33).wrapping_add(digit(c)?)))
    })
}

impl Names {
    fn bit(key: u64) -> usize {
        (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - BITS)) as usize
    }

    #[inline]
    fn has(&self, word: &Word) -> bool {
        let bit = Self::bit(word.key);
        self.bits[bit >> 6] >> (bit & 63) & 1 == 1 && self.keys.binary_search(&word.key).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_cue() {
        let russian = |name: &&str| name.chars().all(|c| matches!(c, 'а'..='я'));
        for name in names().filter(russian) {
            assert!(Cues::of(&format!("нет, {name}!")).has(Cues::NAME), "{name}");
        }
        assert!(names().filter(russian).count() > 1_000);
    }

    #[test]
    fn cues_of_texts() {
        let has = |text: &str| {
            let cues = Cues::of(text);
            let all = [Cues::MENTION, Cues::HOST, Cues::ACCOUNT, Cues::DIGIT, Cues::NAME];
            all.map(|cue| u8::from(cues.has(cue)))
        };
        for (text, expected) in [
            ("Третий день нет воды, г. Улан-Удэ… «Ужас» — да! 😡❤\u{fe0f} № ёж", [0, 0, 0, 0, 0]),
            ("в доме 5", [0, 0, 0, 1, 0]),
            ("[id", [1, 0, 1, 0, 0]),
            ("пишите на сайт.рф", [0, 1, 0, 0, 0]),
            ("ftp://x", [0, 1, 1, 0, 0]),
            ("wifi id5", [1, 0, 1, 1, 0]),
            ("@кто", [1, 0, 1, 0, 0]),
            ("Иванов Иван", [0, 0, 0, 0, 1]),
            ("Октябрина Выдумовна", [0, 0, 0, 0, 1]),
            ("Основной кирпич дневной", [0, 0, 0, 0, 0]),
            ("Шмидт А. А", [0, 0, 0, 0, 1]),
            ("шмидт а.а.", [0, 1, 0, 0, 1]),
            ("Шмидт А А", [0, 0, 0, 0, 1]),
            ("пeтров", [0, 0, 1, 0, 1]),
            ("во\u{301}ды", [1, 1, 1, 1, 1]),
            ("", [0, 0, 0, 0, 0]),
        ] {
            assert_eq!(has(text), expected, "{text}");
        }
    }
}
