//! How well bursts are told from chance over simulated years, beside two rules that everybody uses.
//!
//! `cargo bench --bench year [-- SEEDS]`: prints one row a rule and seed, then the means, then what
//! the same rules call a burst in years without any (the budget is 0.25 a week). `sim::year` says
//! what counts as found and as false.

use std::process::ExitCode;

use otklik::sim::year::{YearShape, score_year};

#[expect(clippy::print_stdout, reason = "the table is what the bench is for")]
fn main() -> ExitCode {
    let seeds: u64 =
        std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5);
    println!("rule             seed  found  precision  delay, posts  false a week");
    let mut sums = std::collections::BTreeMap::<&str, [f64; 3]>::new();
    for seed in 1..=seeds {
        for score in score_year(seed, YearShape::WHOLE) {
            let delay = score.delay_posts.map_or("-".to_owned(), |posts| posts.to_string());
            println!(
                "{:<16} {seed:>4}  {:>5.3}  {:>9.3}  {delay:>12}  {:>12.2}",
                score.name, score.found, score.precision, score.false_a_week
            );
            let sum = sums.entry(score.name).or_default();
            for (sum, value) in
                sum.iter_mut().zip([score.found, score.precision, score.false_a_week])
            {
                *sum += value;
            }
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
    for (name, sum) in sums {
        let [found, precision, errors] = sum.map(|sum| sum / seeds.max(1) as f64);
        println!("{name:<16} mean  {found:>5.3}  {precision:>9.3}  {:>12}  {errors:>12.2}", "");
    }
    let calm = YearShape { planted: 0, ..YearShape::WHOLE };
    let mut false_ones = std::collections::BTreeMap::<&str, f64>::new();
    for score in (1..=seeds).flat_map(|seed| score_year(seed, calm)) {
        *false_ones.entry(score.name).or_default() += score.false_a_week;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
    for (name, sum) in false_ones {
        println!("{name:<16} nothing planted: {:.2} a week", sum / seeds.max(1) as f64);
    }
    ExitCode::SUCCESS
}
