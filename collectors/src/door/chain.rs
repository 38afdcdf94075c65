//! Reads numbers as people write them: groups of digits with spaces, dashes, dots and brackets
//! between.
//!
//! Place in the flow: read by the rules for papers and phones. Invariant: one chain is bounded, so
//! that a text of numbers alone costs no more than its length.

use super::tokens::{Kind, Text};

/// Most digits and groups of one written number.
const DIGITS_MAX: usize = 20;
const GROUPS_MAX: usize = 12;
/// Groups of digits joined by spaces, dashes, dots or brackets. Fixed arrays, because every number
/// of a text is the start of a chain.
pub(super) struct Chain {
    pub(super) digits: [u8; DIGITS_MAX],
    /// Digits in each group.
    pub(super) lens: [usize; GROUPS_MAX],
    pub(super) groups: [Group; GROUPS_MAX],
    pub(super) count: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Group {
    /// Digits up to the end of this group.
    pub(super) total: usize,
    /// Token after this group.
    pub(super) end: usize,
    /// What joins it to the group before.
    pub(super) joint: Joint,
}

/// The most telling mark between two groups, and whether a bracket closes there.
#[derive(Clone, Copy)]
pub(super) struct Joint {
    pub(super) mark: char,
    pub(super) closes: bool,
}

const SPACE: Joint = Joint { mark: ' ', closes: false };

impl Chain {
    /// The chain that starts at token `i` (a number, `(` or `+`).
    pub(super) fn read(text: &Text<'_>, i: usize) -> Self {
        let none = Group { total: 0, end: i, joint: SPACE };
        let mut chain = Self {
            digits: [0; DIGITS_MAX],
            lens: [0; GROUPS_MAX],
            groups: [none; GROUPS_MAX],
            count: 0,
        };
        let (mut at, mut joint) = (i, SPACE);
        if matches!(text.kind(at), Kind::Mark('(' | '+')) {
            at = text.past_space(at + 1);
        }
        let mut total = 0;
        while text.kind(at) == Kind::Number && chain.count < GROUPS_MAX {
            let len = text.chars(at);
            if total + len > DIGITS_MAX {
                break;
            }
            for (place, digit) in chain.digits[total..].iter_mut().zip(text.digits(at)) {
                *place = digit;
            }
            total += len;
            at += 1;
            chain.lens[chain.count] = len;
            chain.groups[chain.count] = Group { total, end: at, joint };
            chain.count += 1;
            (at, joint) = next_group(text, at);
        }
        chain
    }

    /// The group whose end completes exactly `digits` digits.
    pub(super) fn upto(&self, digits: usize) -> Option<usize> {
        self.groups[..self.count].iter().position(|g| g.total == digits)
    }

    pub(super) fn lens(&self, groups: usize) -> &[usize] {
        &self.lens[..groups]
    }

    pub(super) fn total(&self) -> usize {
        self.count.checked_sub(1).map_or(0, |last| self.groups[last].total)
    }

    pub(super) fn joined_by(&self, groups: usize, marks: &[char]) -> usize {
        self.groups[1..groups.max(1)].iter().filter(|g| marks.contains(&g.joint.mark)).count()
    }

    /// The number that group `i` shows.
    pub(super) fn value(&self, i: usize) -> u32 {
        let total = self.groups[i].total;
        let digits = &self.digits[total - self.lens[i]..total];
        digits.iter().fold(0, |n, d| n.wrapping_mul(10).wrapping_add(u32::from(*d)))
    }

    pub(super) fn closes(&self, groups: usize) -> bool {
        self.groups[..groups].iter().any(|g| g.joint.closes)
    }

    /// Whether it starts with a year.
    pub(super) fn starts_with_year(&self) -> bool {
        self.lens[0] == 4 && matches!(self.digits[..2], [1, 9] | [2, 0])
    }
}

const DASHES: [char; 6] = ['-', '‑', '–', '—', '−', '‐'];

/// Where the next group would start and what joins it; a joint is at most four marks and spaces.
fn next_group(text: &Text<'_>, from: usize) -> (usize, Joint) {
    let (mut at, mut joint) = (from, SPACE);
    while at < from + 4 {
        match text.kind(at) {
            Kind::Space(false) if text.chars(at) <= 2 => {}
            Kind::Mark(mark) if DASHES.contains(&mark) => joint.mark = '-',
            Kind::Mark('(') => joint.mark = '(',
            Kind::Mark(')') => joint = Joint { mark: ')', closes: true },
            Kind::Mark('.') if joint.mark == ' ' => joint.mark = '.',
            _ => break,
        }
        at += 1;
    }
    (at, joint)
}
