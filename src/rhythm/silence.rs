//! Whether a source has been silent for longer than its own rhythm explains.
//!
//! Place in the flow: asked when a look ended well. Invariant: an odd silence is rarer than one in
//! a thousand by the source's own rate *and* longer than any of its own silences of four weeks; a
//! source with too few posts is never called silent.

use jiff::Timestamp;

use super::{History, Rhythm, hour_of};

/// Probability below which a silence is odd: the 99.9 % gap.
const ODD: f64 = 0.001;
/// Posts (older ones counted less) below which nothing is known of a rhythm.
const STRENGTH_MIN: f64 = 8.0;
/// How much longer than the longest silence so far, in posts expected.
const LONGER: f64 = 1.25;

/// Since which hour nobody has written, if that is odd.
///
/// The probability of no post while Λ were expected, with a rate known from n posts only, is
/// (1 + Λ/n)^-n: the predictive distribution of a gamma–Poisson model at zero. As people write in
/// bursts, the silence must also be longer than the longest one before it, both measured in posts
/// expected, so that nights and weekends weigh little.
#[must_use]
pub fn odd_silence(rhythm: &Rhythm, history: &History, now: Timestamp) -> Option<Timestamp> {
    if rhythm.strength < STRENGTH_MIN {
        return None;
    }
    let last = history.hours.last()?.0;
    let expected =
        |from: i64, to: i64| -> f64 { (from + 1..to).map(|hour| rhythm.usual(hour)).sum() };
    let silent = expected(last, hour_of(now));
    let n = rhythm.strength;
    if (1.0 + silent / n).powf(-n) >= ODD {
        return None;
    }
    let gaps = history.hours.windows(2).map(|two| expected(two[0].0, two[1].0));
    let longest = gaps.fold(0.0, f64::max);
    (silent > longest * LONGER).then(|| Timestamp::from_second(last * 3_600).ok()).flatten()
}
