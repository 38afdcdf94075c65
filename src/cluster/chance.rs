//! Exact chances of small counts.
//!
//! Place in the flow: under `usual`. Invariant: a tail is summed from its near end upwards, so that
//! one in a billion is as exact as one in two.

/// Terms after which a tail is cut; the rest is bounded by a geometric series.
const TERMS_MAX: u32 = 10_000;

/// Chance that a negative binomial count with this mean and size (gamma-mixed Poisson; variance
/// `mean + mean²/size`) is at least `count`. `size` above a million counts as Poisson.
///
/// Terms: `P(x) = Γ(x+r)/(Γ(r)·x!) · p^r · q^x` with `q = mean/(mean+r)`, each from the one before
/// by `P(x+1)/P(x) = q·(x+r)/(x+1)`.
#[must_use]
pub fn at_least(count: u32, mean: f64, size: f64) -> f64 {
    if count == 0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let size = size.clamp(1e-9, 1e6);
    let q = mean / (mean + size);
    let ln_p = -(mean / size).ln_1p();
    let at = f64::from(count);
    let ln_first =
        ln_gamma(at + size) - ln_gamma(size) - ln_gamma(at + 1.0) + size * ln_p + at * q.ln();
    let mut term = ln_first.exp();
    let mut sum = 0.0;
    for step in 0..TERMS_MAX {
        sum += term;
        let x = at + f64::from(step);
        let ratio = q * (x + size) / (x + 1.0);
        term *= ratio;
        if term <= sum * 1e-15 && ratio < 1.0 {
            break;
        }
    }
    sum.min(1.0)
}

/// Chance that an event of a gamma-mixed Poisson process meets so many within a span, itself
/// counted, where `mean` with this size are expected: events come rather where the mixing factor is
/// large, so the others are negative binomial of size + 1 (the size-biased law).
#[must_use]
pub fn met(count: u32, mean: f64, size: f64) -> f64 {
    at_least(count.saturating_sub(1), mean * (size + 1.0) / size, size + 1.0)
}

/// The least count, 2 or more, whose chance of being reached is not above `level`.
#[must_use]
pub fn seldom(level: f64, mean: f64, size: f64) -> u32 {
    let mut count = 2;
    while count < TERMS_MAX && at_least(count, mean, size) > level {
        count += 1;
    }
    count
}

/// ln Γ(x) for x > 0: Stirling's series above 16, the recurrence below.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 16.0 {
        product *= x;
        x += 1.0;
    }
    let square = 1.0 / (x * x);
    let far = 1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0);
    let series = (1.0 / 12.0 - square * far) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_exact() {
        let check = |count, mean, size, expected: f64| {
            let found = at_least(count, mean, size);
            assert!((found / expected - 1.0).abs() < 1e-9, "{count} {mean} {size}: {found}");
        };
        // Size 1 is geometric: q^k.
        check(3, 0.25, 1.0, 0.2_f64.powi(3));
        check(12, 0.25, 1.0, 0.2_f64.powi(12));
        // Size 2: 1 − p²(1 + 2q) for two or more, with p = 2/3, q = 1/3.
        check(2, 1.0, 2.0, 1.0 - 4.0 / 9.0 * (1.0 + 2.0 / 3.0));
        assert!((at_least(0, 3.0, 1.0) - 1.0).abs() < 1e-12);
        assert!(at_least(4, 0.0, 1.0) < 1e-12);
    }

    #[test]
    fn what_is_seldom_keeps_its_level() {
        for (level, mean, size) in [(0.01, 0.05, 1.0), (1e-5, 0.02, 0.7), (1e-3, 4.0, 2.0)] {
            let count = seldom(level, mean, size);
            assert!(at_least(count, mean, size) <= level, "{level} {mean}");
            assert!(count == 2 || at_least(count - 1, mean, size) > level, "{level} {mean}");
        }
    }

    #[test]
    fn an_event_meets_the_size_biased_law() {
        // Σ x·P(x) over x ≥ count, divided by the mean, is what an event meets.
        let (mean, size) = (0.7, 1.3);
        for count in 1..6_u32 {
            let law = |x: u32| at_least(x, mean, size) - at_least(x + 1, mean, size);
            let biased: f64 = (count..400).map(|x| f64::from(x) * law(x)).sum::<f64>() / mean;
            assert!((met(count, mean, size) - biased).abs() < 1e-9, "{count}");
        }
        assert!((met(1, 0.2, 0.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn factorials() {
        assert!((ln_gamma(5.0) - 24.0_f64.ln()).abs() < 1e-12);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-10);
    }
}
