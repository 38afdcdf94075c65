//! The common word: nothing but Russian letters, ended by something that surely ends it.
//!
//! Place in the flow: under `tokens`, which reads every other word letter by letter. Invariant:
//! what is read here gives the same token as letter by letter (held by a test over random texts).

/// A word of Russian letters alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainWord {
    /// Behind its last byte.
    pub(super) end: usize,
    /// How many of its letters are capitals.
    pub(super) upper: usize,
    /// Whether its first letter is one.
    pub(super) first_upper: bool,
    /// Whether its bytes are folded as they stand, but for the first letter if that is a capital.
    pub(super) folded: bool,
}

/// The word that starts at byte `start`; `None` if there is none, or if something in it or behind
/// it needs a closer look.
#[inline]
pub(super) fn plain_word(bytes: &[u8], start: usize) -> Option<PlainWord> {
    match small_word(bytes, start) {
        Some(word) => Some(word),
        None => any_word(bytes, start),
    }
}

/// One of each four pairs of bytes.
const LANES: u64 = 0x0001_0001_0001_0001;

/// [`plain_word`] for the most common words, four letters at a time: small letters but for the
/// first, no letter twice in a row.
#[inline]
fn small_word(bytes: &[u8], start: usize) -> Option<PlainWord> {
    let [lead, second] = *bytes.get(start..)?.first_chunk()?;
    if lead & 0xFE != 0xD0 {
        return None;
    }
    let first = LETTERS[usize::from(lead & 1) << 6 | usize::from(second & 0x3F)];
    let capital = first >> 7 == 1;
    let mut end = start + if capital { 2 } else { 0 };
    loop {
        let (now, next) = (four(bytes, end)?, four(bytes, end + 2)?);
        let letters = small_letters(now);
        let mask = if letters == 4 { u64::MAX } else { (1 << (16 * letters)) - 1 };
        // The lowest pair of bytes that is zero: a letter like the one behind it.
        let change = now ^ next;
        if change.wrapping_sub(LANES) & !change & (LANES << 15) & mask != 0 {
            return None;
        }
        end += 2 * letters as usize;
        if letters < 4 {
            break;
        }
    }
    if end == start || !ends_plainly(&bytes[end..]) || u32::try_from(end).is_err() {
        return None;
    }
    Some(PlainWord { end, upper: usize::from(capital), first_upper: capital, folded: true })
}

/// Four letters from byte `at` on, the first one lowest.
#[inline]
fn four(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))
}

/// How many small letters from а to я stand at the start of four.
#[inline]
fn small_letters(four: u64) -> u32 {
    let (lead, second) = (four & (LANES * 0xFF), four >> 8 & (LANES * 0xFF));
    // The low seven bits of each letter: 0x30 to 0x4F.
    let code = (lead & LANES) << 6 | second & (LANES * 0x3F);
    let strange = (code + LANES * 0x50) & (LANES * 0xE0) ^ (LANES * 0x80);
    let foreign = lead & (LANES * 0xFE) ^ (LANES * 0xD0);
    (strange | foreign).trailing_zeros() / 16
}

/// [`plain_word`] letter by letter.
fn any_word(bytes: &[u8], start: usize) -> Option<PlainWord> {
    let (mut upper, mut prev, mut same, mut folded) = (0_usize, 0, 0, true);
    let (mut first, mut letters) = (0, 0);
    for pair in bytes.get(start..)?.chunks_exact(2) {
        let (lead, second) = (pair[0], pair[1]);
        if lead & 0xFE != 0xD0 {
            break;
        }
        let letter = LETTERS[usize::from(lead & 1) << 6 | usize::from(second & 0x3F)];
        if letter == 0 {
            return None;
        }
        first = if letters == 0 { letter } else { first };
        let low = letter & 0x7F;
        upper += usize::from(letter >> 7);
        same = if low == prev { same + 1 } else { 1 };
        folded &= second & 0x3F == low & 0x3F && same < 3;
        prev = low;
        letters += 1;
    }
    let end = start + 2 * letters;
    if letters == 0 || !ends_plainly(&bytes[end..]) || u32::try_from(end).is_err() {
        return None;
    }
    Some(PlainWord { end, upper, first_upper: first >> 7 == 1, folded: folded && upper == 0 })
}

/// U+0400–U+047F by their low seven bits: what each Russian letter folds to, the highest bit set
/// for capitals; 0 for everything that is no Russian letter.
static LETTERS: [u8; 128] = letters();

const fn letters() -> [u8; 128] {
    let mut table = [0; 128];
    let mut code = 0x10;
    while code < 0x50 {
        table[code] = if code < 0x30 { (code as u8 + 0x20) | 0x80 } else { code as u8 };
        code += 1;
    }
    // Ё and ё are е.
    table[0x01] = 0x35 | 0x80;
    table[0x51] = 0x35;
    table
}

/// Whether what follows a word surely ends it.
#[inline]
fn ends_plainly(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b'-' | b'\'' | b'`' | b'@', ..] => false,
        [byte, ..] if byte.is_ascii() => !byte.is_ascii_alphanumeric(),
        // « » and the hard space; dashes, quotes and dots of print.
        [0xC2, 0xA0 | 0xAB | 0xBB, ..] => true,
        [0xE2, 0x80, 0x93 | 0x94 | 0x9C | 0x9D | 0x9E | 0xA6, ..] => true,
        _ => false,
    }
}
