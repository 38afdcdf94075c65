//! The formulas of `evaluate`: shares with intervals, F1, the area under the curve.
//!
//! Place in the flow: pure numbers in, pure numbers out. Invariant: an interval always contains its
//! value and lies within 0–1; nothing is measured where there is nothing to measure.
//!
//! Sources of the formulas:
//! - interval of a share: Wilson's score interval without continuity correction (E. B. Wilson,
//!   1927; recommended for small counts by R. G. Newcombe, Statistics in Medicine 17, 1998);
//! - F1 = 2·TP / (2·TP + FP + FN). With J = TP / (TP + FP + FN), the share of right rows among all
//!   rows that are labelled or predicted so, F1 = 2·J / (1 + J) grows with J, so the interval of F1
//!   is Wilson's interval of J carried over by the same formula;
//! - area under the ROC curve: the share of pairs (one row true, one false) in which the true row
//!   scores higher, a tie counting half (Mann–Whitney U); its interval by J. A. Hanley and B. J.
//!   McNeil, Radiology 143, 1982.

use serde::Serialize;

/// Quantile of the normal distribution for 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// A measured value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measured {
    /// The value, 0–1.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The share of `hits` among `all`; `None` if there are none.
#[must_use]
pub fn share(hits: u64, all: u64) -> Option<Measured> {
    if all == 0 {
        return None;
    }
    let (n, p) = (all as f64, hits as f64 / all as f64);
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let low = if hits == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if hits == all { 1.0 } else { (middle + half).min(1.0) };
    Some(Measured { value: p, low, high })
}

/// F1 from the counts of right, superfluous and missed rows; `None` if there are none at all.
#[must_use]
pub fn f1(right: u64, extra: u64, missed: u64) -> Option<Measured> {
    let of = |j: f64| 2.0 * j / (1.0 + j);
    let Measured { value, low, high } = share(right, right + extra + missed)?;
    Some(Measured { value: of(value), low: of(low), high: of(high) })
}

/// Counts of rows by score, 0–100.
#[derive(Debug, Clone)]
pub struct Scores([u64; 101]);

impl Default for Scores {
    fn default() -> Self {
        Self([0; 101])
    }
}

impl Scores {
    /// Adds a row.
    pub fn add(&mut self, score: u8) {
        self.0[usize::from(score.min(100))] += 1;
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How many rows have at least this score.
    #[must_use]
    pub fn from(&self, least: u8) -> u64 {
        self.0.iter().skip(usize::from(least)).sum()
    }
}

/// Area under the ROC curve of scores that should tell `positive` rows from `negative` ones; `None`
/// if one of the two is empty.
#[must_use]
pub fn auc(positive: &Scores, negative: &Scores) -> Option<Measured> {
    let (p, n) = (positive.rows() as f64, negative.rows() as f64);
    if p == 0.0 || n == 0.0 {
        return None;
    }
    let (mut below, mut won) = (0.0, 0.0);
    for (&here, &others) in positive.0.iter().zip(&negative.0) {
        won += here as f64 * (below + others as f64 / 2.0);
        below += others as f64;
    }
    let a = won / (p * n);
    let (q1, q2) = (a / (2.0 - a), 2.0 * a * a / (1.0 + a));
    let spread = a * (1.0 - a) + (p - 1.0) * (q1 - a * a) + (n - 1.0) * (q2 - a * a);
    let half = Z * (spread.max(0.0) / (p * n)).sqrt();
    Some(Measured { value: a, low: (a - half).max(0.0), high: (a + half).min(1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 0.000_5
    }

    #[test]
    fn shares_have_the_intervals_of_the_tables() {
        // 81/263, 15/148, 0/20 and 1/29 are Newcombe's (1998) examples.
        for (hits, all, value, low, high) in [
            (81, 263, 0.308, 0.2553, 0.3662),
            (15, 148, 0.1014, 0.0624, 0.1605),
            (0, 20, 0.0, 0.0, 0.1611),
            (1, 29, 0.0345, 0.0061, 0.1718),
            (29, 29, 1.0, 0.883, 1.0),
        ] {
            let found = share(hits, all).expect("rows");
            assert!(near(found.value, value), "{hits}/{all}: {found:?}");
            assert!(near(found.low, low) && near(found.high, high), "{hits}/{all}: {found:?}");
        }
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn f1_by_hand() {
        // P = 6/8, R = 6/10: F1 = 2·0.75·0.6 / 1.35 = 2/3; J = 6/12.
        let found = f1(6, 2, 4).expect("rows");
        assert!(near(found.value, 2.0 / 3.0), "{found:?}");
        let j = share(6, 12).expect("rows");
        assert!(near(found.low, 2.0 * j.low / (1.0 + j.low)), "{found:?}");
        assert_eq!(f1(0, 0, 0), None);
        assert_eq!(f1(0, 3, 0).map(|found| found.value), Some(0.0));
    }

    #[test]
    fn area_by_hand() {
        let scores = |list: &[u8]| {
            let mut scores = Scores::default();
            list.iter().for_each(|&score| scores.add(score));
            scores
        };
        for (positive, negative, expected) in [
            (&[80, 60][..], &[10, 20][..], 1.0),
            (&[10], &[80], 0.0),
            (&[50], &[50], 0.5),
            // Pairs: 70>30, 70>70 half, 40>30, 40<70: 2.5 of 4.
            (&[70, 40], &[30, 70], 0.625),
            (&[0, 0, 100], &[0], 2.0 / 3.0),
        ] {
            let found = auc(&scores(positive), &scores(negative)).expect("both kinds");
            assert!(near(found.value, expected), "{positive:?} {negative:?}: {found:?}");
            assert!(found.low <= found.value && found.value <= found.high);
        }
        assert_eq!(auc(&scores(&[1]), &scores(&[])), None);
    }
}
