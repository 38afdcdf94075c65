//! One text with its tokens, asked about word by word.
//!
//! Place in the flow: under the rules of `typed`, `bare` and `crossing`. Invariant: asking beyond
//! the ends of the text answers "no".

use super::words;
use crate::text::tokens::{CAPITAL, GLUED, HYPHEN, LATIN, NUMBER, Token, Tokens};

/// A text and its words.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a Tokens,
    /// Class of each word, looked up once.
    pub(super) classes: &'a [u32],
    /// What is anywhere in the text: most passes need not look at most texts.
    pub(super) seen: Cues,
}

/// What a text has, wherever it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cues {
    /// The classes of all words.
    pub(super) classes: u32,
    /// The flags of all tokens.
    pub(super) flags: u16,
    /// Whether there is a «/».
    pub(super) stroke: bool,
}

impl Cues {
    /// Whether some word has one of `classes`.
    pub(super) fn any(self, classes: u32) -> bool {
        self.classes & classes != 0
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a Tokens, classes: &'a [u32]) -> Self {
        let seen = Cues {
            classes: classes.iter().fold(0, |all, class| all | class),
            flags: tokens.list().iter().fold(0, |all, token| all | token.flags),
            stroke: tokens.has_sign(b'/'),
        };
        Self { text, tokens, classes, seen }
    }

    pub(super) fn len(self) -> usize {
        self.tokens.len()
    }

    pub(super) fn word(self, at: usize) -> &'a str {
        self.tokens.text(at)
    }

    pub(super) fn token(self, at: usize) -> Option<&'a Token> {
        self.tokens.list().get(at)
    }

    pub(super) fn is(self, at: usize, flag: u16) -> bool {
        self.token(at).is_some_and(|token| token.is(flag))
    }

    pub(super) fn class(self, at: usize) -> u32 {
        self.classes.get(at).copied().unwrap_or(0)
    }

    pub(super) fn has(self, at: usize, class: u32) -> bool {
        self.class(at) & class != 0
    }

    pub(super) fn number(self, at: usize) -> bool {
        self.is(at, NUMBER)
    }

    /// A Cyrillic word that starts with a capital.
    pub(super) fn capital(self, at: usize) -> bool {
        self.token(at).is_some_and(|t| t.is(CAPITAL) && !t.is(NUMBER) && !t.is(LATIN))
    }

    /// A Cyrillic word.
    pub(super) fn letters(self, at: usize) -> bool {
        self.token(at).is_some_and(|t| !t.is(NUMBER) && !t.is(LATIN))
    }

    pub(super) fn hyphen(self, at: usize) -> bool {
        self.is(at, HYPHEN)
    }

    pub(super) fn glued(self, at: usize) -> bool {
        self.is(at, GLUED)
    }

    /// Number of letters of a word.
    pub(super) fn letters_count(self, at: usize) -> usize {
        self.word(at).chars().count()
    }

    /// What stands between token `at` and the one before it.
    pub(super) fn gap(self, at: usize) -> &'a str {
        let list = self.tokens.list();
        match (at.checked_sub(1).and_then(|before| list.get(before)), list.get(at)) {
            (Some(before), Some(token)) => {
                self.text.get(before.end as usize..token.start as usize).unwrap_or("")
            }
            _ => "\n",
        }
    }

    /// Whether only blanks, a full stop behind an abbreviation or a hyphen part a token from the
    /// one before it.
    pub(super) fn joined(self, at: usize) -> bool {
        self.gap(at).chars().all(|c| matches!(c, ' ' | '\u{A0}' | '.' | '-' | '«' | '"' | '»'))
    }

    /// How many tokens a street word at `at` has («пр-т» has two); 0 if there is none.
    pub(super) fn kind(self, at: usize) -> usize {
        let hyphen = self.hyphen(at + 1);
        if !hyphen && !self.has(at, words::KIND) {
            return 0;
        }
        let word = self.word(at);
        if hyphen {
            let pair = (word, self.word(at + 1));
            if matches!(
                pair,
                ("пр", "т" | "кт" | "д" | "зд")
                    | ("б", "р")
                    | ("кв", "л")
                    | ("мкр", "н" | "он")
                    | ("мк", "н")
                    | ("пер", "к")
                    | ("м", "н")
            ) {
                return 2;
            }
        }
        let and_so_on = word == "пр" && self.word(at.wrapping_sub(1)) == "и";
        // «Ш.-Н.» are initials, «ш.» is a road.
        let initial = word == "ш" && self.capital(at);
        usize::from(self.has(at, words::KIND) && !and_so_on && !initial)
    }

    /// Whether a token opens its sentence.
    pub(super) fn starts_sentence(self, at: usize) -> bool {
        self.is(at, crate::text::tokens::STARTS)
    }

    /// Two capitals or more and nothing else: «ХВС», «ЖК», or a shouted word.
    pub(super) fn caps(self, at: usize) -> bool {
        self.is(at, crate::text::tokens::CAPS)
    }

    /// First token of the clause of `at`.
    pub(super) fn clause_start(self, at: usize) -> usize {
        let clause = self.token(at).map_or(0, |token| token.clause as usize);
        self.tokens.clauses().get(clause).map_or(at, |clause| clause.first as usize)
    }

    /// Whether both tokens are of one clause.
    pub(super) fn same_clause(self, one: usize, two: usize) -> bool {
        matches!((self.token(one), self.token(two)), (Some(a), Some(b)) if a.clause == b.clause)
    }
}

/// Endings that adjectives have as names of streets.
pub(super) fn is_adjective(word: &str) -> bool {
    const ENDS: &[&str] = &[
        "ская",
        "ской",
        "скую",
        "цкая",
        "цкой",
        "цкую",
        "ная",
        "ной",
        "ную",
        "вая",
        "вой",
        "вую",
        "шая",
        "лая",
        "лой",
        "рая",
        "рой",
        "хая",
        "хой",
        "тая",
        "той",
        "няя",
        "ней",
        "чья",
        "жья",
        "ский",
        "ского",
        "ском",
        "скому",
        "цкий",
        "ный",
        "ного",
        "ном",
        "ному",
        "вый",
        "вого",
        "вом",
        "лый",
        "рый",
        "тый",
        "ское",
        "ная",
        "мая",
        "мой",
        "ний",
        "него",
        "нем",
        "нему",
    ];
    word.len() >= 10 && ENDS.iter().any(|end| word.ends_with(end))
}

/// Endings of feminine adjectives: what a street is without its street word.
pub(super) fn is_feminine(word: &str) -> bool {
    is_adjective(word)
        && ["ая", "яя", "ой", "ей", "ую", "юю", "ья"].iter().any(|e| word.ends_with(e))
}

/// Endings of surnames in the genitive, and of callings («Строителей»).
pub(super) fn is_surname(word: &str) -> bool {
    const ENDS: &[&str] = &[
        "ова",
        "ева",
        "ина",
        "ына",
        "овой",
        "евой",
        "иной",
        "ского",
        "цкого",
        "енко",
        "ного",
        "лого",
        "телей",
        "истов",
        "аторов",
        "навтов",
        "лургов",
        "щиков",
        "иков",
    ];
    /// Ends that short words have by chance.
    const LONG_ENDS: &[&str] = &["ной", "ых", "их", "яна", "ича", "ера", "ана", "овца", "евца"];
    let (short, long) = (word.len() < 8, word.len() >= 12);
    !short && ENDS.iter().any(|end| word.ends_with(end))
        || long && LONG_ENDS.iter().any(|end| word.ends_with(end))
}
