//! Finds the long word of a rule that a text has with one slip: a letter too many, too few, another
//! one that sounds alike or lies beside it on the keyboard, or two that changed places.
//!
//! Place in the flow: `terms` asks here for a new word that means nothing as it is written; the
//! answer is remembered with it. Invariants: both stems have six letters or more, the first two and
//! the last are as they are in the rule (endings and prefixes are grammar, not slips); the nearest
//! of several is taken only if it is the only one.
//!
//! Words are found by their deletions (W. Garbe, «Symmetric Delete», 2012): two words are one slip
//! apart only if one of them, or one of them less a letter, is the other, or the other less a
//! letter.

use super::terms::TermId;

/// Fewest letters of a stem that may be guessed.
const STEM_LETTERS_MIN: usize = 6;
/// Most letters of a stem: longer ones are no words.
const STEM_LETTERS_MAX: usize = 24;
/// Fewest letters of a word that may be a slip.
const WORD_LETTERS_MIN: usize = 7;

/// Long stems of the rules by their deletions.
#[derive(Debug, Default)]
pub struct Slips {
    stems: Vec<(Box<[char]>, TermId)>,
    /// By the highest bits of the hash of each stem and each of its deletions the first link of
    /// their chain; as many as a power of two.
    heads: Vec<u32>,
    links: Vec<Link>,
}

/// A stem that has a deletion.
#[derive(Debug, Clone, Copy, Default)]
struct Link {
    /// Lowest bits of the deletion's hash.
    tag: u32,
    /// Number of the stem.
    stem: u32,
    /// Number of the next link; 0 ends.
    next: u32,
}

impl Slips {
    /// The table of these stems.
    #[must_use]
    pub fn of<'s>(stems: impl Iterator<Item = (&'s str, TermId)>) -> Self {
        let mut long: Vec<(Box<[char]>, TermId)> = stems
            .filter(|(stem, _)| stem.len() >= STEM_LETTERS_MIN)
            .map(|(stem, term)| (stem.chars().collect::<Box<[char]>>(), term))
            .filter(|(stem, _)| is_long(stem))
            .collect();
        if long.is_empty() {
            return Self::default();
        }
        long.sort_by_key(|(_, term)| *term);
        let most: usize = long.iter().map(|(stem, _)| stem.len()).sum();
        let mut slips = Self {
            stems: Vec::new(),
            heads: vec![0; most.next_power_of_two()],
            links: Vec::with_capacity(most + 1),
        };
        slips.links.push(Link::default());
        for (number, (stem, _)) in long.iter().enumerate() {
            let stem_number = u32::try_from(number).unwrap_or(u32::MAX);
            deletions(stem, |hash| {
                let link = u32::try_from(slips.links.len()).unwrap_or(0);
                let at = slips.place(hash);
                let next = std::mem::replace(&mut slips.heads[at], link);
                slips.links.push(Link { tag: hash as u32, stem: stem_number, next });
            });
        }
        slips.stems = long;
        slips
    }

    /// Where the chain of a hash begins.
    fn place(&self, hash: u64) -> usize {
        (hash >> 32) as usize & (self.heads.len() - 1)
    }

    /// The one stem that `word` with the stem `stem` is a slip away from.
    #[must_use]
    pub fn find(&self, word: &str, stem: &str) -> Option<TermId> {
        if self.stems.is_empty() || word.chars().nth(WORD_LETTERS_MIN - 1).is_none() {
            return None;
        }
        let typed: Vec<char> = stem.chars().take(STEM_LETTERS_MAX + 1).collect();
        if !is_long(&typed) {
            return None;
        }
        let mut found: Option<u32> = None;
        let mut several = false;
        deletions(&typed, |hash| {
            let mut at = self.heads[self.place(hash)];
            while let Some(link) = self.links.get(at as usize).filter(|_| at > 0) {
                if link.tag == hash as u32 && is_slip(&typed, &self.stems[link.stem as usize].0) {
                    several |= found.is_some_and(|other| other != link.stem);
                    found = Some(link.stem);
                }
                at = link.next;
            }
        });
        found.filter(|_| !several).map(|number| self.stems[number as usize].1)
    }
}

fn is_long(stem: &[char]) -> bool {
    let russian = |c: &char| matches!(c, 'а'..='я');
    (STEM_LETTERS_MIN..=STEM_LETTERS_MAX).contains(&stem.len()) && stem.iter().all(russian)
}

/// Calls `each` with the hash of `stem` and of all it is less one inner letter.
///
/// A word is hashed as a number whose digits are its letters, so that what stands before the letter
/// and what stands behind it are each read once.
fn deletions(stem: &[char], mut each: impl FnMut(u64)) {
    const BASE: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = |number: u64| {
        let number = (number ^ (number >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        number ^ (number >> 29)
    };
    // The number that is read from each letter on, and what it is to be multiplied with.
    let mut behind = [(0_u64, 1_u64); STEM_LETTERS_MAX + 2];
    for (at, c) in stem.iter().enumerate().rev() {
        let (number, power) = behind[at + 1];
        let number = number.wrapping_add(u64::from(*c).wrapping_mul(power));
        behind[at] = (number, power.wrapping_mul(BASE));
    }
    each(mixed(behind[0].0));
    let mut before = 0_u64;
    for (at, c) in stem[..stem.len() - 1].iter().enumerate() {
        // Of two equal neighbours it does not matter which one goes.
        if at >= 2 && *c != stem[at - 1] {
            let (number, power) = behind[at + 1];
            each(mixed(before.wrapping_mul(power).wrapping_add(number)));
        }
        before = before.wrapping_mul(BASE).wrapping_add(u64::from(*c));
    }
}

/// Letters that are heard alike where no stress or a silent neighbour falls on them.
const ALIKE: [&str; 10] = ["ао", "еиэя", "ыи", "бп", "вф", "гк", "дт", "жшщ", "зс", "ъь"];
/// Rows of the Russian keyboard, each half a key to the right of the one above.
const KEYS: [&str; 3] = ["йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю"];

/// Whether people take one letter for the other: by ear or by a neighbouring key. Any letter for
/// any other would make «проезд» of «приезд» and «переселение» of «пересечение».
fn is_mistaken(a: char, b: char) -> bool {
    if ALIKE.iter().any(|letters| letters.contains(a) && letters.contains(b)) {
        return true;
    }
    let key = |c: char| {
        let mut rows = KEYS.iter().zip(0_i32..);
        rows.find_map(|(row, y)| {
            let x = i32::try_from(row.chars().position(|key| key == c)?).ok()?;
            Some((2 * x + y, y))
        })
    };
    let (Some((ax, ay)), Some((bx, by))) = (key(a), key(b)) else { return false };
    match (ay - by).abs() {
        0 => (ax - bx).abs() == 2,
        1 => (ax - bx).abs() == 1,
        _ => false,
    }
}

/// Whether one slip inside the word makes one of the other.
fn is_slip(one: &[char], two: &[char]) -> bool {
    if one == two || one[..2] != two[..2] || one.last() != two.last() {
        return false;
    }
    let same = one.iter().zip(two).take_while(|(a, b)| a == b).count();
    let (a, b) = (&one[same..], &two[same..]);
    match a.len() as isize - b.len() as isize {
        0 => {
            let swapped = a.len() > 2 && a[0] == b[1] && a[1] == b[0] && a[2..] == b[2..];
            swapped || (a[1..] == b[1..] && is_mistaken(a[0], b[0]))
        }
        1 => a[1..] == *b,
        -1 => *a == b[1..],
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slip_inside_a_long_word() {
        let stems = ["отоплен", "электричеств", "канализац", "контор", "вод"];
        let slips = Slips::of(stems.iter().zip(0..).map(|(stem, term)| (*stem, term)));
        for (word, stem, expected) in [
            ("отаплениe", "отаплен", Some(0)),
            ("оотпление", "оотплен", None),
            ("отпоплением", "отпоплен", Some(0)),
            ("отоление", "отолен", Some(0)),
            ("отолпение", "отолпен", Some(0)),
            ("електричество", "електричеств", None),
            ("электичество", "электичеств", Some(1)),
            ("канализацыя", "канализаця", None),
            ("контара", "контар", Some(3)),
            ("контор", "контор", None),
            ("воды", "вод", None),
            ("затопление", "затоплен", None),
            ("отоплений", "отоплени", None),
        ] {
            assert_eq!(slips.find(word, stem), expected, "{word}");
        }
    }

    #[test]
    fn another_word_is_no_slip() {
        let stems = ["проезд", "переселен", "вырубк", "подстанц", "крапив"];
        let slips = Slips::of(stems.iter().zip(0..).map(|(stem, term)| (*stem, term)));
        for (word, stem) in [
            ("приезда", "приезд"),
            ("пересечении", "пересечен"),
            ("выручка", "выручк"),
            ("повстанцы", "повстанц"),
            ("красивые", "красив"),
        ] {
            assert_eq!(slips.find(word, stem), None, "{word}");
        }
        for (word, stem, expected) in
            [("праезда", "праезд", 0), ("подстонция", "подстонц", 3), ("вырцбка", "вырцбк", 2)]
        {
            assert_eq!(slips.find(word, stem), Some(expected), "{word}");
        }
    }

    #[test]
    fn of_two_that_are_near_none_is_taken() {
        let slips = Slips::of([("станция", 0), ("станиия", 1)].into_iter());
        assert_eq!(slips.find("станциия", "станциия"), None);
        assert_eq!(slips.find("станцция", "станцция"), Some(0));
    }
}
