//! Seeded chance of the model tests.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0, less than `most`.
    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).expect("fits")
    }

    /// So many seconds at most.
    pub fn within(&mut self, secs: i64) -> i64 {
        i64::try_from(self.below(usize::try_from(secs).expect("positive"))).expect("fits")
    }

    /// One of these.
    pub fn pick(&mut self, from: &[i64]) -> Option<i64> {
        (!from.is_empty()).then(|| from[self.below(from.len())])
    }
}

/// The seeds of a model test: `OTKLIK_SEEDS` of them, from `OTKLIK_SEED` on.
pub fn seeds() -> std::ops::Range<u64> {
    let number = |name| std::env::var(name).ok().and_then(|it| it.parse::<u64>().ok());
    let first = number("OTKLIK_SEED").unwrap_or(0);
    first..first + number("OTKLIK_SEEDS").unwrap_or(200)
}
