//! Counts code points: spans leave the program in code points, inside it they are bytes.
//!
//! Place in the flow: wherever a byte span becomes a [`Span`]. Invariant: asking in text order
//! costs one pass over the text in all.

use crate::model::Span;

/// Turns bytes of one text into code points.
#[derive(Debug, Clone)]
pub struct Points<'a> {
    text: &'a str,
    byte: usize,
    point: u32,
}

impl<'a> Points<'a> {
    /// A counter over `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, byte: 0, point: 0 }
    }

    /// Code points in front of byte `at`; inside a character the character's own number.
    pub fn at(&mut self, at: usize) -> u32 {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let bytes = self.text.as_bytes();
        if at >= self.byte {
            self.point += count(&bytes[self.byte..at]);
        } else {
            self.point -= count(&bytes[at..self.byte]);
        }
        self.byte = at;
        self.point
    }

    /// The span of bytes `start..end`.
    pub fn span(&mut self, start: usize, end: usize) -> Span {
        let start = self.at(start);
        Span { start, end: self.at(end) }
    }
}

fn count(bytes: &[u8]) -> u32 {
    let points = bytes.iter().filter(|&&byte| (byte as i8) >= -0x40).count();
    u32::try_from(points).unwrap_or(u32::MAX)
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
}
