//! Marks the Russian letters of a whole text at once.
//!
//! Place in the flow: before `tokens` reads a text; words of Russian letters alone are then found
//! by their marks, without a look at their letters. Invariant: a marked run of bytes is whole
//! letters; what is odd about one may be marked where nothing is, never the other way round.
//!
//! Two ways give the same marks: sixteen bytes at once by the vector instructions that every x86-64
//! has (the compiler makes four times as many of the loop below), and byte by byte everywhere else.

/// Bytes whose marks stand in one number.
const BITS: usize = 64;
/// Bytes that are looked at together with one.
const AHEAD: usize = 5;
/// Bytes that must stand behind a text.
pub(super) const BEHIND: usize = BITS + AHEAD;

/// Marks of 64 bytes, the first one lowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Block {
    /// A Russian letter begins.
    letters: u64,
    /// It is a capital.
    capitals: u64,
    /// It is ё, or one of three in a row that are alike.
    odd: u64,
    /// A character goes on that began before.
    inner: u64,
}

/// One bit for each byte of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// By 64 bytes: their letters, capitals, odd letters; both bytes of a letter have its mark.
    masks: Vec<[u64; 3]>,
    /// By 64 bytes: bytes inside characters, and the code points in front of all.
    points: Vec<(u64, u32)>,
}

/// A run of letters from some byte on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Letters {
    /// How many bytes it is long: 64 if it may be longer.
    pub(super) length: usize,
    /// Which of its bytes belong to capitals, the first one lowest.
    pub(super) capitals: u64,
    /// Whether some letter is odd.
    pub(super) odd: bool,
}

impl Marks {
    /// Marks the first `length` bytes of `text`, behind which [`BEHIND`] spaces stand.
    pub(super) fn fill(&mut self, text: &[u8], length: usize) {
        self.masks.clear();
        self.points.clear();
        let (mut before, mut points) = ([0; 3], 0);
        for from in (0..=length).step_by(BITS) {
            let Some(bytes) = text.get(from..).and_then(|rest| rest.first_chunk()) else { break };
            let block = marks_of(bytes);
            let mut masks = [block.letters, block.capitals, block.odd];
            for (mask, before) in masks.iter_mut().zip(&mut before) {
                let first = *mask;
                // The second byte of a letter has the mark of the first.
                *mask = first | first << 1 | *before;
                *before = first >> 63;
            }
            self.masks.push(masks);
            self.points.push((block.inner, points));
            points += BITS as u32 - block.inner.count_ones();
        }
        // One number more, so that a run can be read across two.
        self.masks.push([0; 3]);
    }

    /// The run of letters from byte `at` on.
    #[inline]
    pub(super) fn run(&self, at: usize) -> Option<Letters> {
        let [here, behind] = *self.masks.get(at / BITS..)?.first_chunk()?;
        let from = at % BITS;
        let window = |of: usize| here[of] >> from | behind[of] << 1 << (BITS - 1 - from);
        let length = window(0).trailing_ones();
        let own = if length == 64 { u64::MAX } else { (1 << length) - 1 };
        let (capitals, odd) = (window(1) & own, window(2) & own != 0);
        Some(Letters { length: length as usize, capitals, odd })
    }

    /// Code points in front of byte `at`, on which a character begins or the text ends.
    #[inline]
    pub(super) fn points(&self, at: usize) -> u32 {
        let (inner, before) = self.points.get(at / BITS).copied().unwrap_or_default();
        let own = inner & ((1 << (at % BITS)) - 1);
        before + (at % BITS) as u32 - own.count_ones()
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn marks_of(bytes: &[u8; BEHIND]) -> Block {
    one_by_one(bytes)
}

/// The marks of 64 bytes and those that are looked at together with them.
#[cfg(target_arch = "x86_64")]
#[inline]
fn marks_of(bytes: &[u8; BEHIND]) -> Block {
    #[expect(unsafe_code, reason = "the compiler does not take the baseline for granted")]
    // SAFETY: SSE2 belongs to every x86-64.
    unsafe {
        sixteen_at_once(bytes)
    }
}

/// `one_by_one` by vector instructions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn sixteen_at_once(bytes: &[u8; BEHIND]) -> Block {
    use std::arch::x86_64::{
        __m128i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set_epi64x, _mm_set1_epi8, _mm_setzero_si128, _mm_xor_si128,
    };
    /// Bytes of one vector.
    const LANES: usize = 16;
    let all = |byte: u8| _mm_set1_epi8(byte.cast_signed());
    let is = |bytes: __m128i, byte: u8| _mm_cmpeq_epi8(bytes, all(byte));
    let load = |from: usize| {
        let eight = |from: usize| {
            let eight = bytes.get(from..).and_then(|rest| rest.first_chunk());
            i64::from_le_bytes(eight.copied().unwrap_or_default())
        };
        _mm_set_epi64x(eight(from + LANES / 2), eight(from))
    };
    let mut block = Block::default();
    for at in (0..BITS).step_by(LANES) {
        let bits = |lanes: __m128i| u64::from(_mm_movemask_epi8(lanes).cast_unsigned()) << at;
        // The last bytes of three letters in a row.
        let (now, next) = (load(at), load(at + 1));
        let (third, fifth) = (load(at + 3), load(at + AHEAD));
        let (low, high) = (is(now, 0xD0), is(now, 0xD1));
        let upper = _mm_and_si128(next, all(0xF0));
        let small =
            _mm_or_si128(_mm_and_si128(low, is(upper, 0xB0)), _mm_and_si128(high, is(upper, 0x80)));
        let capital = _mm_and_si128(low, _mm_or_si128(is(upper, 0x90), is(upper, 0xA0)));
        let upper_yo = _mm_and_si128(low, is(next, 0x81));
        let yo = _mm_or_si128(_mm_and_si128(high, is(next, 0x91)), upper_yo);
        let plain = _mm_or_si128(small, capital);
        // Case takes nothing away from the lowest five bits.
        let differ = _mm_or_si128(_mm_xor_si128(next, third), _mm_xor_si128(third, fifth));
        let differ = _mm_and_si128(differ, all(0x1F));
        let thrice = _mm_and_si128(_mm_cmpeq_epi8(differ, _mm_setzero_si128()), plain);
        block.letters |= bits(_mm_or_si128(plain, yo));
        block.capitals |= bits(_mm_or_si128(capital, upper_yo));
        block.odd |= bits(_mm_or_si128(thrice, yo));
        // As signed numbers 10xxxxxx are the lowest.
        block.inner |= bits(_mm_cmplt_epi8(now, all(0xC0)));
    }
    block
}

/// The marks of 64 bytes and those that are looked at together with them.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn one_by_one(bytes: &[u8; BEHIND]) -> Block {
    let mut block = Block::default();
    for at in 0..BITS {
        let (now, next, third, fifth) =
            (bytes[at], bytes[at + 1], bytes[at + 3], bytes[at + AHEAD]);
        let small = matches!((now, next), (0xD0, 0xB0..=0xBF) | (0xD1, 0x80..=0x8F));
        let capital = matches!((now, next), (0xD0, 0x90..=0xAF));
        let upper_yo = (now, next) == (0xD0, 0x81);
        let yo = upper_yo || (now, next) == (0xD1, 0x91);
        // Case takes nothing away from the lowest five bits.
        let same = |one: u8, two: u8| (one ^ two) & 0x1F == 0;
        let thrice = (small || capital) && same(next, third) && same(third, fifth);
        block.letters |= u64::from(small || capital || yo) << at;
        block.capitals |= u64::from(capital || upper_yo) << at;
        block.odd |= u64::from(yo || thrice) << at;
        block.inner |= u64::from(now & 0xC0 == 0x80) << at;
    }
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes of which letters are made, at the ends of their ranges, and some others.
    const BYTES: &[u8] = &[
        0xD0, 0xD1, 0xD0, 0xD1, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xAF, 0xB0, 0xBF, 0xC0,
        0xD2, 0xFF, 0x7F, b' ', b'a',
    ];

    #[test]
    fn runs_are_what_a_walk_finds() {
        let text = "Вода ооо Ёж ёлка ТЕЧЁТ я 12дом wi-fi «Ленина» уһан і".repeat(9);
        let padded = format!("{text}{}", " ".repeat(BEHIND));
        let mut marks = Marks::default();
        marks.fill(padded.as_bytes(), text.len());
        for (at, _) in text.char_indices() {
            let run = marks.run(at).expect("within the text");
            let russian = |c: &char| matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё');
            let letters: Vec<char> = text[at..].chars().take_while(russian).collect();
            assert_eq!(run.length, 2 * letters.len(), "{}", &text[at..]);
            for (order, letter) in letters.iter().enumerate() {
                let capital = run.capitals >> (2 * order) & 3;
                let expected = if matches!(letter, 'А'..='Я' | 'Ё') { 3 } else { 0 };
                assert_eq!(capital, expected, "{letter}");
            }
            let yo = letters.iter().any(|c| matches!(c, 'ё' | 'Ё'));
            let thrice = letters.windows(3).any(|three| three.iter().all(|c| *c == three[0]));
            assert!(run.odd || !yo && !thrice, "{}", &text[at..]);
        }
        assert!(marks.run(text.len() + 64).is_none());
        for (order, (at, _)) in text.char_indices().chain([(text.len(), ' ')]).enumerate() {
            assert_eq!(marks.points(at) as usize, order, "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_give_the_same_marks(
            bytes in prop::collection::vec(prop::sample::select(BYTES), BEHIND),
            any in prop::array::uniform32(any::<u8>()),
        ) {
            let mut block: [u8; BEHIND] = bytes.try_into().expect("as many");
            prop_assert_eq!(marks_of(&block), one_by_one(&block));
            block[7..39].copy_from_slice(&any);
            prop_assert_eq!(marks_of(&block), one_by_one(&block));
        }
    }
}
