//! Reads house numbers: «5», «д. 5а/2», «18–24», «12, 14 и 16», «5 корп. 2».
//!
//! Place in the flow: behind the name of a street. Invariant: a count («5 минут», «3 подъезд»), a
//! time («18-00») or a telephone is no house; every house is a piece of the text as written.

use std::ops::Range;

use super::words;
use crate::text::fold;

/// Most digits of a house number; in a dispatcher's list flats are glued to it.
const DIGITS_MAX: usize = 4;
pub(super) const DIGITS_LISTED_MAX: usize = 5;
/// Most houses of one street.
pub(super) const HOUSES_MAX: usize = 400;
/// Words for a part of a house, longest first.
pub(super) const PARTS: &[&str] = &[
    "корпус",
    "корп",
    "кор",
    "строение",
    "стр",
    "секция",
    "блок",
    "литера",
    "лит",
    "помещение",
    "пом",
    "участок",
    "уч",
    "к",
];
/// Words for a house, longest first.
const WORDS: &[&str] = &[
    "номер дома",
    "домами",
    "домов",
    "домам",
    "домах",
    "домом",
    "дома",
    "дому",
    "доме",
    "дом",
    "зд.",
    "здание",
    "уч.",
    "д",
    "дд",
    "№",
];
/// What may stand between a street and the word for a house: «Сатпаева около дома 56».
const NEAR: &[&str] = &[
    "около",
    "возле",
    "напротив",
    "у",
    "рядом с",
    "в районе",
    "во дворе",
    "от",
    "в",
    "перед",
    "за",
    "между",
    "вдоль",
    "к",
    "по",
    "на",
];

/// The houses that follow byte `from`, with the byte behind them.
pub(super) fn behind(text: &str, from: usize) -> Vec<Range<usize>> {
    let mut scan = Scan { text, at: from };
    let listed = scan.lead();
    let Some(lead) = listed else { return Vec::new() };
    let mut houses = Vec::new();
    match scan.house(lead == Lead::Word) {
        Some(house) => houses.push(house),
        None => return houses,
    }
    while houses.len() < HOUSES_MAX {
        scan.skip_tail(lead == Lead::Word);
        if !scan.separator() {
            break;
        }
        let Some(house) = scan.house(lead == Lead::Word) else { break };
        houses.push(house);
    }
    houses
}

/// The house right at byte `at`, which holds a digit: for «дом 15 по улице …».
pub(super) fn at(text: &str, at: usize) -> Option<Range<usize>> {
    Scan { text, at }.house(true)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// «дом», «д.», «№» stood there.
    Word,
    Bare,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Scan<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\u{A0}', '\t']).len();
    }

    fn take(&mut self, allowed: impl Fn(char) -> bool) -> bool {
        match self.peek() {
            Some(c) if allowed(c) => {
                self.at += c.len_utf8();
                true
            }
            _ => false,
        }
    }

    /// Skips what stands between street and number. `None` if no number follows.
    pub(super) fn lead(&mut self) -> Option<Lead> {
        self.take(|c| matches!(c, '»' | '"' | ')'));
        self.blanks();
        if self.take(|c| matches!(c, ',' | ':' | '.' | '(' | '-' | '–' | '—' | ';')) {
            self.blanks();
        }
        let mut word = self.word_of_house();
        if !word {
            for near in NEAR {
                let mut ahead = *self;
                if ahead.word(near) && (ahead.blanks(), ahead.word_of_house()).1 {
                    *self = ahead;
                    word = true;
                    break;
                }
            }
        }
        let digit = self.peek().is_some_and(|c| c.is_ascii_digit());
        digit.then_some(if word { Lead::Word } else { Lead::Bare })
    }

    fn word_of_house(&mut self) -> bool {
        let mut found = false;
        // «дома №№ 5, 7», «д. №5», «дом номер 5»
        for _ in 0..3 {
            let mut ahead = *self;
            let hit = WORDS.iter().any(|word| {
                let mut trial = ahead;
                let fits = trial.word(word);
                if fits {
                    ahead = trial;
                }
                fits
            });
            if !hit {
                break;
            }
            ahead.take(|c| c == '.' || c == ':');
            ahead.blanks();
            *self = ahead;
            found = true;
        }
        if found {
            let mut ahead = *self;
            if ahead.word("с")
                && (ahead.blanks(), ahead.peek()).1.is_some_and(|c| c.is_ascii_digit())
            {
                *self = ahead;
            }
        }
        found
    }

    /// Takes `word` in any case of letters, if no letter follows.
    fn word(&mut self, word: &str) -> bool {
        let mut chars = self.rest().char_indices();
        for expected in word.chars() {
            match chars.next() {
                Some((_, c)) if fold::lower(c) == expected => {}
                _ => return false,
            }
        }
        let length = chars.clone().next().map_or(self.rest().len(), |(at, _)| at);
        let follows = self.rest()[length..].chars().next();
        if word.chars().all(char::is_alphabetic) && follows.is_some_and(is_letter) {
            return false;
        }
        self.at += length;
        true
    }

    /// Takes one house; leaves the place as it was if there is none.
    fn house(&mut self, sure: bool) -> Option<Range<usize>> {
        let from = self.at;
        let house = self.number(sure);
        if house.is_none() {
            self.at = from;
        }
        house
    }

    fn number(&mut self, sure: bool) -> Option<Range<usize>> {
        let from = self.at;
        self.digits_up_to(if sure { DIGITS_LISTED_MAX } else { DIGITS_MAX })?;
        if self.text[from..].starts_with("24/7")
            || is_clock(&self.text[from..])
            || is_telephone(&self.text[from..])
        {
            return None;
        }
        // «5-й подъезд», «1-я Садовая»: an ordinal number.
        let mut ahead = *self;
        if ahead.take(|c| c == '-') && is_ordinal(ahead.rest()) {
            // «12-й дом»
            let house = ahead.rest().trim_start_matches(is_letter).trim_start().starts_with("дом");
            return house.then_some(from..self.at);
        }
        self.letter()?;
        while self.part() {}
        let end = self.at;
        (!self.follows_count(sure)).then_some(from..end)
    }

    fn digits(&mut self) -> Option<usize> {
        self.digits_up_to(DIGITS_MAX)
    }

    fn digits_up_to(&mut self, most: usize) -> Option<usize> {
        let length = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 || length > most {
            return None;
        }
        self.at += length;
        Some(length)
    }

    /// The letter of a house: «5а», «5 А,». `None` if letters make the number something else.
    fn letter(&mut self) -> Option<()> {
        let rest = self.rest();
        let mut letters = rest.chars().take_while(|c| is_letter(*c));
        match (letters.next(), letters.next()) {
            (None, _) => {
                let spaced = rest.strip_prefix(' ').and_then(|rest| {
                    let letter = rest.chars().next()?;
                    let after = rest[letter.len_utf8()..].chars().next();
                    // «110 б,» in lower case needs a sign behind it: «5 в доме».
                    let closes = match letter {
                        'А'..='Ж' => {
                            after.is_none_or(|c| matches!(c, ',' | ';' | '.' | ')' | '\n'))
                        }
                        'а'..='ж' => after.is_none_or(|c| matches!(c, ',' | ';')),
                        _ => false,
                    };
                    closes.then_some(1 + letter.len_utf8())
                });
                self.at += spaced.unwrap_or(0);
                Some(())
            }
            (Some('й'), None) => None,
            (Some(letter), None) => {
                self.at += letter.len_utf8();
                Some(())
            }
            (Some(_), Some(_)) => {
                let word: String = rest.chars().take_while(|c| is_letter(*c)).collect();
                (!words::is_unit(&word.to_lowercase()) || word.starts_with("кв")).then_some(())
            }
        }
    }

    /// A further part of one house: «/2», «-24», « корп. 2».
    fn part(&mut self) -> bool {
        let before = *self;
        let slash = self.take(|c| matches!(c, '/' | '\\'));
        if slash {
            let number = self.digits().is_some();
            let letter = self.take(is_letter);
            if (number || letter) && !(letter && self.peek().is_some_and(is_letter)) {
                return true;
            }
            *self = before;
            return false;
        }
        self.take(|c| c == ' ');
        if self.take(|c| matches!(c, '-' | '–' | '—')) {
            self.take(|c| c == ' ');
            let range = self.digits().is_some() && {
                self.take(is_letter);
                !self.peek().is_some_and(|c| is_letter(c) || matches!(c, '-' | ':'))
                    && !self.follows_count(false)
            };
            if range {
                return true;
            }
            *self = before;
            return false;
        }
        *self = before;
        self.take(|c| c == ',');
        self.blanks();
        for word in
            PARTS.iter().filter(|word| !["пом", "помещение", "участок", "уч"].contains(word))
        {
            let mut ahead = *self;
            let fits = ahead.word(word);
            if fits {
                ahead.take(|c| c == '.');
                ahead.blanks();
                if ahead.digits().is_some() || ahead.take(|c| ('А'..='Я').contains(&c)) {
                    *self = ahead;
                    return true;
                }
            }
        }
        *self = before;
        false
    }

    /// Whether the number just read counts something: «5 минут», «3 подъезд», «10%».
    fn follows_count(&self, sure: bool) -> bool {
        let rest = self.rest().trim_start_matches([' ', '\u{A0}']);
        if rest.starts_with(['%', '°', '+', '=', '*']) {
            return true;
        }
        let word: String = rest.chars().take_while(|c| is_letter(*c)).take(12).collect();
        if word.is_empty() {
            return rest.strip_prefix('-').is_some_and(is_ordinal);
        }
        let glued = self.peek().is_some_and(is_letter);
        if glued {
            return false;
        }
        let word = word.to_lowercase();
        let one = word.chars().count() == 1;
        // «дом 5 кв. 12»: the flat belongs to the house.
        let part = ["кв", "подъезд", "под", "этаж", "офис"].iter().any(|p| word.starts_with(p));
        let behind = rest.trim_start_matches(is_letter).trim_start_matches(['.', ' ', '№']);
        let flat = part && behind.starts_with(|c: char| c.is_ascii_digit() || c == '[');
        !(flat || one && (sure || !matches!(word.as_str(), "м" | "ч" | "г" | "т" | "л" | "х")))
            && words::is_unit(&word)
    }

    /// Skips what is glued to a house in a dispatcher's list: «5(гараж)», «18кв.75».
    fn skip_tail(&mut self, sure: bool) {
        if !sure {
            return;
        }
        let rest = self.rest();
        let glued =
            rest.chars().next().is_some_and(|c| is_letter(c) || matches!(c, '(' | '/' | '.'));
        if glued {
            let length = rest.find([',', ' ', '\n']).unwrap_or(rest.len());
            self.at += length;
        }
    }

    /// Takes what stands between two houses of a list.
    fn separator(&mut self) -> bool {
        let from = self.at;
        self.blanks();
        let mut taken = false;
        while self.take(|c| matches!(c, ',' | ';' | '.')) {
            taken = true;
            self.blanks();
        }
        if !taken && self.word("и") {
            taken = true;
            self.blanks();
        }
        let word = self.word_of_house();
        let digit = self.peek().is_some_and(|c| c.is_ascii_digit());
        if digit && (taken || word || self.at > from) {
            return true;
        }
        self.at = from;
        false
    }
}

fn is_letter(c: char) -> bool {
    matches!(fold::kind(c), fold::Kind::Cyrillic | fold::Kind::Foreign)
}

/// «-й», «-го» behind a number: what `rest` begins with.
fn is_ordinal(rest: &str) -> bool {
    let word: String = rest.chars().take_while(|c| is_letter(*c)).take(4).collect();
    matches!(
        word.to_lowercase().as_str(),
        "й" | "я"
            | "е"
            | "го"
            | "ый"
            | "ая"
            | "ой"
            | "м"
            | "х"
            | "му"
            | "ми"
            | "ти"
            | "ю"
            | "ую"
    )
}

/// «18-00», «18:30»: a time of day.
fn is_clock(rest: &str) -> bool {
    let bytes = rest.as_bytes();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let Some(sign) = bytes.get(digits) else { return false };
    let minutes = bytes.get(digits + 1..digits + 3).unwrap_or(b"");
    let two = minutes.len() == 2 && minutes.iter().all(u8::is_ascii_digit);
    let ends = !bytes.get(digits + 3).is_some_and(u8::is_ascii_digit);
    digits <= 2
        && two
        && ends
        && match sign {
            b':' => true,
            b'-' => matches!(minutes, b"00"),
            b'.' => minutes[0] == b'0' || minutes == b"30",
            _ => false,
        }
}

/// Three groups of digits joined by hyphens: a telephone or a date.
fn is_telephone(rest: &str) -> bool {
    let number = rest.split(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '.'))).next();
    let number = number.unwrap_or("").trim_end_matches(['.', '-']);
    number.split(['-', '.']).filter(|part| !part.is_empty()).count() >= 3
}
