//! Marks the Russian letters of a whole text at once.
//!
//! Place in the flow: before `tokens` reads a text; words of Russian letters alone are then found
//! by their marks, without a look at their letters. Invariant: a marked run of bytes is whole
//! letters; what is odd about one may be marked where nothing is, never the other way round.
//!
//! The loops here have no branches, so that the compiler makes them of vector instructions.

/// Bytes whose marks stand in one number.
const BITS: usize = 64;
/// Bytes that are looked at together with one.
const AHEAD: usize = 5;
/// A Russian letter begins.
const LETTER: u8 = 1;
/// It is a capital.
const CAPITAL: u8 = 1 << 1;
/// It is ё, or one of three in a row that are alike.
const ODD: u8 = 1 << 2;

/// One bit for each byte of a text.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// Marks of the letters that begin at each byte.
    kinds: Vec<u8>,
    /// By 64 bytes: their letters, capitals, odd letters.
    masks: Vec<[u64; 3]>,
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
    /// Marks the first `length` bytes of `text`, behind which spaces stand.
    pub(super) fn fill(&mut self, text: &[u8], length: usize) {
        self.kinds.clear();
        self.masks.clear();
        let Some(all) = text.get(..length + AHEAD) else { return };
        // One number more, so that a run can be read across two.
        self.kinds.resize((length / BITS + 2) * BITS, 0);
        let (now, next) = (&all[..length], &all[1..=length]);
        let (third, fifth) = (&all[3..length + 3], &all[AHEAD..]);
        let bytes = now.iter().zip(next).zip(third).zip(fifth);
        for (kind, (((now, next), third), fifth)) in self.kinds.iter_mut().zip(bytes) {
            *kind = kind_of(*now, *next, *third, *fifth);
        }
        let mut before = [0; 3];
        for block in self.kinds.as_chunks::<BITS>().0 {
            let eights = || block.as_chunks::<8>().0.iter().map(|it| u64::from_le_bytes(*it));
            let (mut masks, mut any) = ([0; 3], 0);
            for (at, eight) in eights().enumerate() {
                any |= eight;
                masks[0] |= bits(eight) << (8 * at);
                masks[1] |= bits(eight >> 1) << (8 * at);
            }
            // Few texts have many odd letters.
            if any & (EACH * u64::from(ODD)) != 0 {
                for (at, eight) in eights().enumerate() {
                    masks[2] |= bits(eight >> 2) << (8 * at);
                }
            }
            for (mask, before) in masks.iter_mut().zip(&mut before) {
                let first = *mask;
                // The second byte of a letter has the mark of the first.
                *mask = first | first << 1 | *before;
                *before = first >> 63;
            }
            self.masks.push(masks);
        }
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
}

/// What begins at a byte; `next`, `third` and `fifth` are the last bytes of the letters from there.
#[inline]
fn kind_of(now: u8, next: u8, third: u8, fifth: u8) -> u8 {
    let within = |byte: u8, from: u8, span: u8| u8::from(byte.wrapping_sub(from) <= span);
    let (low, high) = (u8::from(now == 0xD0), u8::from(now == 0xD1));
    let small = low & within(next, 0xB0, 0x0F) | high & within(next, 0x80, 0x0F);
    let capital = low & within(next, 0x90, 0x1F);
    let (upper_yo, yo) = (low & u8::from(next == 0x81), high & u8::from(next == 0x91));
    // Case takes nothing away from the lowest five bits.
    let same = |one: u8, two: u8| u8::from((one ^ two) & 0x1F == 0);
    let thrice = same(next, third) & same(third, fifth) & (small | capital);
    let capital = capital | upper_yo;
    let odd = yo | upper_yo | thrice;
    (LETTER * (small | capital | yo)) | (CAPITAL * capital) | (ODD * odd)
}

/// One in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The lowest bits of eight bytes, the first one lowest.
#[inline]
fn bits(eight: u64) -> u64 {
    (eight & EACH).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_what_a_walk_finds() {
        let text = "Вода ооо Ёж ёлка ТЕЧЁТ я 12дом wi-fi «Ленина» уһан і".repeat(9);
        let padded = format!("{text}{}", " ".repeat(64));
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
    }
}
