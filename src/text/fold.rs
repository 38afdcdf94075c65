//! Letters: which characters make words, and what each becomes when case, ё and look-alikes are
//! folded.
//!
//! Place in the flow: under `tokens`, `stem` and the query parser, so that packs and texts are
//! folded by the same hands. Invariant: one character in, one character out; ASCII and Cyrillic are
//! decided by range alone (`char::is_alphanumeric` and `to_lowercase` cost more than the whole
//! classification).

/// What a character is to the splitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A Cyrillic letter.
    Cyrillic,
    /// A letter of another script.
    Foreign,
    /// A decimal digit.
    Digit,
    /// Invisible or combining: part of the word it stands in.
    Mark,
    /// Everything else.
    Other,
}

const fn ascii_kinds() -> [Kind; 128] {
    let mut kinds = [Kind::Other; 128];
    let mut at = 0;
    while at < 128 {
        let byte = at as u8;
        if byte.is_ascii_alphabetic() {
            kinds[at] = Kind::Foreign;
        } else if byte.is_ascii_digit() {
            kinds[at] = Kind::Digit;
        }
        at += 1;
    }
    kinds
}

static ASCII: [Kind; 128] = ascii_kinds();

/// What `c` is to the splitter.
#[inline]
#[must_use]
pub fn kind(c: char) -> Kind {
    match c as u32 {
        code @ 0..=0x7F => ASCII[code as usize],
        0x400..=0x481 | 0x48A..=0x52F => Kind::Cyrillic,
        // Hard spaces, « », dashes, quotes and dots of print.
        0xA0 | 0xAB | 0xBB | 0x2010..=0x2027 => Kind::Other,
        _ => kind_rare(c),
    }
}

#[cold]
fn kind_rare(c: char) -> Kind {
    match c as u32 {
        0x300..=0x36F
        | 0x483..=0x489
        | 0xAD
        | 0x200B..=0x200D
        | 0x2060
        | 0xFE00..=0xFE0F
        | 0xFEFF => Kind::Mark,
        _ if c.is_alphabetic() => Kind::Foreign,
        _ if c.is_numeric() && c.is_ascii_digit() => Kind::Digit,
        _ => Kind::Other,
    }
}

/// Lower case, ё as е; other characters as they are.
#[inline]
#[must_use]
pub fn lower(c: char) -> char {
    let code = c as u32;
    let folded = match code {
        0x41..=0x5A => code + 32,
        0..=0x7F => code,
        0x410..=0x42F => code + 32,
        0x430..=0x44F => code,
        0x401 | 0x451 => 0x435,
        0x400..=0x40F => code + 80,
        0x460..=0x481 | 0x48A..=0x4BF | 0x4D0..=0x52F => code | 1,
        0x4C0 => 0x4CF,
        0x4C1..=0x4CE => code + (code & 1),
        0x450..=0x52F => code,
        _ => return lower_rare(c),
    };
    char::from_u32(folded).unwrap_or(c)
}

#[cold]
fn lower_rare(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Whether `c` is an upper-case letter.
#[inline]
#[must_use]
pub fn is_upper(c: char) -> bool {
    match c as u32 {
        0x41..=0x5A | 0x400..=0x42F => true,
        0..=0x7F | 0x430..=0x45F => false,
        _ => c.is_uppercase(),
    }
}

/// The Cyrillic letter that a Latin one looks like, by its case as written.
/// Lower-case `h` is the Buryat `һ` typed on a Latin keyboard.
#[must_use]
pub fn cyrillic_twin(c: char) -> Option<char> {
    Some(match c {
        'A' | 'a' => 'а',
        'B' => 'в',
        'b' => 'ь',
        'C' | 'c' => 'с',
        'E' | 'e' => 'е',
        'H' => 'н',
        'h' => 'һ',
        'K' | 'k' => 'к',
        'M' | 'm' => 'м',
        'O' | 'o' => 'о',
        'P' | 'p' => 'р',
        'T' | 't' => 'т',
        'X' | 'x' => 'х',
        'Y' | 'y' => 'у',
        'u' => 'и',
        'n' => 'п',
        _ => return None,
    })
}

/// The Latin letter that a Cyrillic one looks like (folded).
#[must_use]
pub fn latin_twin(c: char) -> Option<char> {
    Some(match lower(c) {
        'а' => 'a',
        'в' => 'b',
        'с' => 'c',
        'е' => 'e',
        'н' => 'h',
        'к' => 'k',
        'м' => 'm',
        'о' => 'o',
        'р' => 'p',
        'т' => 't',
        'х' => 'x',
        'у' => 'y',
        _ => return None,
    })
}

/// The Cyrillic letter that a digit is typed for inside a word.
#[must_use]
pub fn digit_twin(c: char) -> Option<char> {
    Some(match c {
        '0' => 'о',
        '3' => 'з',
        '4' => 'ч',
        '6' => 'б',
        _ => return None,
    })
}

/// Whether `c` is a folded Cyrillic vowel, Buryat ones included.
#[must_use]
pub fn is_vowel(c: char) -> bool {
    matches!(c, 'а' | 'е' | 'и' | 'о' | 'у' | 'ы' | 'э' | 'ю' | 'я' | 'ө' | 'ү')
}

/// Folds spelling inside a folded word or stem for comparison: doubled consonants to one (not at
/// the start of the word: «ввод» is not «вод»), ъ to ь. Vowels stay: they tell Buryat words apart.
#[must_use]
pub fn squeeze(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut before: Option<char> = None;
    for (order, c) in word.chars().enumerate() {
        let c = if c == 'ъ' { 'ь' } else { c };
        if before == Some(c) && order > 1 && !is_vowel(c) && kind(c) == Kind::Cyrillic {
            continue;
        }
        before = Some(c);
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_equals_the_standard_library_but_for_yo() {
        for code in 0..0x3000 {
            let Some(c) = char::from_u32(code) else { continue };
            let mut standard = c.to_lowercase();
            let expected = match (standard.next(), standard.next()) {
                (Some('ё'), None) => 'е',
                (Some(one), None) => one,
                _ => c,
            };
            assert_eq!(lower(c), expected, "U+{code:04X}");
        }
    }

    #[test]
    fn kinds_of_characters() {
        for (c, expected) in [
            ('я', Kind::Cyrillic),
            ('Ё', Kind::Cyrillic),
            ('Ү', Kind::Cyrillic),
            ('һ', Kind::Cyrillic),
            ('z', Kind::Foreign),
            ('é', Kind::Foreign),
            ('7', Kind::Digit),
            ('\u{AD}', Kind::Mark),
            ('\u{301}', Kind::Mark),
            ('-', Kind::Other),
            ('😀', Kind::Other),
            ('№', Kind::Other),
        ] {
            assert_eq!(kind(c), expected, "{c:?}");
        }
    }

    #[test]
    fn squeeze_keeps_what_tells_words_apart() {
        for (word, expected) in [
            ("колличество", "количество"),
            ("ввод", "ввод"),
            ("ссора", "ссора"),
            ("подъезд", "подьезд"),
            ("вообще", "вообще"),
            ("программа", "програма"),
            ("112", "112"),
        ] {
            assert_eq!(squeeze(word), expected);
        }
    }
}
