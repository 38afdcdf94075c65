//! Counts code points: spans leave the program in code points, inside it they are bytes.
//!
//! Place in the flow: wherever a byte span becomes a [`Span`]. Invariant: asking costs one pass
//! over the text in all, and no more than a block of it each time, in whatever order.

use crate::model::Span;

/// Bytes between two places whose code points are kept.
const BLOCK: usize = 64;

/// Turns bytes of one text into code points.
#[derive(Debug, Clone)]
pub struct Points<'a> {
    text: &'a str,
    /// Code points in front of each block that was asked for so far.
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
        let bytes = self.text.as_bytes();
        if self.blocks.is_empty() {
            self.blocks.reserve(bytes.len() / BLOCK + 1);
            self.blocks.push(0);
        }
        let block = at / BLOCK;
        while self.blocks.len() <= block {
            let last = self.blocks.len() - 1;
            let points = self.blocks[last] + count(&bytes[last * BLOCK..(last + 1) * BLOCK]);
            self.blocks.push(points);
        }
        self.blocks[block] + count(&bytes[block * BLOCK..at])
    }

    /// The span of bytes `start..end`.
    pub fn span(&mut self, start: usize, end: usize) -> Span {
        let start = self.at(start);
        Span { start, end: self.at(end) }
    }
}

/// Code points that begin in `bytes`, eight bytes at a time.
#[inline]
fn count(bytes: &[u8]) -> u32 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut inner = 0;
    let mut eights = bytes.chunks_exact(8);
    for eight in &mut eights {
        let mut word = [0; 8];
        word.copy_from_slice(eight);
        let word = u64::from_le_bytes(word);
        // A byte 10xxxxxx goes on with a character: the high bit set, the next one clear.
        let within = word & !(word << 1) & HIGH;
        inner += (within >> 7).wrapping_mul(ONES) >> 56;
    }
    let rest = eights.remainder().iter().filter(|&&byte| byte & 0xC0 == 0x80).count();
    u32::try_from(bytes.len() - rest).unwrap_or(u32::MAX) - u32::try_from(inner).unwrap_or(0)
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
