//! Counts code points: spans leave the program in code points, inside it they are bytes.
//!
//! Place in the flow: wherever a byte span becomes a [`Span`]. Invariant: asking costs one pass
//! over the text in all, and no more than a block each time, in whatever order.

use crate::model::Span;

/// Bytes that are counted at once.
const BLOCK: usize = 8;

/// Turns bytes of one text into code points.
#[derive(Debug, Clone)]
pub struct Points<'a> {
    text: &'a str,
    /// Code points in front of each block, as soon as one was asked for.
    blocks: Vec<u32>,
}

impl<'a> Points<'a> {
    /// A counter over `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, blocks: Vec::new() }
    }

    /// Code points in front of byte `at`; inside a character the character's own number.
    pub fn at(&mut self, at: usize) -> u32 {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        if self.blocks.is_empty() {
            self.count();
        }
        let (block, inside) = (at / BLOCK, at % BLOCK);
        let rest = self.text.as_bytes().get(block * BLOCK..).unwrap_or_default();
        let eight = rest.first_chunk().copied().unwrap_or_else(|| {
            let mut eight = [0; BLOCK];
            eight[..rest.len()].copy_from_slice(rest);
            eight
        });
        // What stands behind the place counts for nothing.
        let before = (1 << (8 * inside)) - 1;
        let eight = u64::from_le_bytes(eight) & before | INNER & !before;
        self.blocks.get(block).copied().unwrap_or(0) + begun(eight)
    }

    /// Counts the code points in front of all blocks.
    fn count(&mut self) {
        let blocks = self.text.as_bytes().as_chunks::<BLOCK>().0;
        self.blocks.resize(blocks.len() + 1, 0);
        let mut points = 0;
        for (behind, eight) in self.blocks[1..].iter_mut().zip(blocks) {
            points += begun(u64::from_le_bytes(*eight));
            *behind = points;
        }
    }

    /// The span of bytes `start..end`.
    pub fn span(&mut self, start: usize, end: usize) -> Span {
        let start = self.at(start);
        Span { start, end: self.at(end) }
    }
}

/// The highest bits of eight bytes; alone they are bytes inside characters.
const INNER: u64 = 0x8080_8080_8080_8080;
/// One in each of eight bytes.
const ONES: u64 = INNER >> 7;

/// Code points that begin in eight bytes.
#[inline]
fn begun(eight: u64) -> u32 {
    // A byte 10xxxxxx goes on with a character: the high bit set, the next one clear.
    let within = (eight & !(eight << 1) & INNER) >> 7;
    // The highest byte of the product is the sum of all bytes.
    BLOCK as u32 - (within.wrapping_mul(ONES) >> 56) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_a_mixed_text() {
        let text = "а😀b\u{301}ё нет";
        let mut points = Points::new(text);
        let order = (0..=text.len()).chain((0..=text.len()).rev());
        for at in order.filter(|&at| text.is_char_boundary(at)) {
            assert_eq!(points.at(at) as usize, text[..at].chars().count(), "byte {at}");
        }
        assert_eq!(points.span(2, 6), Span { start: 1, end: 2 });
    }

    #[test]
    fn a_text_of_many_blocks_in_any_order() {
        let text = "aя😀\u{301} ".repeat(40);
        let mut points = Points::new(&text);
        for step in 0..text.len() {
            let at = step * 97 % (text.len() + 1);
            if text.is_char_boundary(at) {
                assert_eq!(points.at(at) as usize, text[..at].chars().count(), "byte {at}");
            }
        }
    }
}
