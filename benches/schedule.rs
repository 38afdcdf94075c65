//! The adaptive schedule against equal intervals on 60 simulated pages at 5,000 calls a day.
//!
//! `cargo bench --bench schedule [-- SEEDS [DAYS]]`: seeds 1..=SEEDS (10), DAYS measured (14).

#![allow(clippy::print_stdout, reason = "what is measured is printed")]

use std::time::Instant;

use otklik::sim::schedule::{Trial, compare};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<u64>().ok());
    let seeds = numbers.next().unwrap_or(10);
    let days = i64::try_from(numbers.next().unwrap_or(14)).unwrap_or(14);
    for drawn in [false, true] {
        println!("rates: {}", if drawn { "drawn" } else { "quantiles" });
        run(seeds, days, drawn);
    }
}

fn run(seeds: u64, days: i64, drawn: bool) {
    println!(
        "seed   posts  equal: mean    p99   adaptive: mean    p99  worst  calls   gain  bound   tail"
    );
    let (mut gains, mut tails) = (Vec::new(), Vec::new());
    for seed in 1..=seeds {
        let began = Instant::now();
        let outcome = compare(&Trial { seed, sources: 60, calls_a_day: 5_000, days, drawn });
        let (equal, adaptive) = (&outcome.equal, &outcome.adaptive);
        println!(
            "{seed:4} {:7} {:12.0}s {:5.0}s {:15.0}s {:5.0}s {:5.0}s {:6} {:6.2} {:6.2} {:6.2}   ({:.1} s)",
            equal.posts,
            equal.mean,
            equal.p99,
            adaptive.mean,
            adaptive.p99,
            adaptive.worst,
            adaptive.calls_a_day,
            outcome.gain(),
            outcome.bound,
            outcome.tail(),
            began.elapsed().as_secs_f64(),
        );
        gains.push(outcome.gain());
        tails.push(outcome.tail());
    }
    let (gain, tail) = (spread(&mut gains), spread(&mut tails));
    println!("gain: least {:.2}, median {:.2}, most {:.2}", gain.0, gain.1, gain.2);
    println!("tail: least {:.2}, median {:.2}, most {:.2}", tail.0, tail.1, tail.2);
}

/// Least, median, most.
fn spread(numbers: &mut [f64]) -> (f64, f64, f64) {
    numbers.sort_by(f64::total_cmp);
    let at = |place: usize| numbers.get(place).copied().unwrap_or_default();
    (at(0), at(numbers.len() / 2), at(numbers.len().saturating_sub(1)))
}
