//! How well likeness tells that two texts tell the same story.
//!
//! `cargo bench --bench likeness -- PAIRS.jsonl[.gz]`: lines with `text`, `text2` and `label`
//! (`same` or else). Prints precision, recall and F1 at [`SAME_STORY`], and the cost of a sketch.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::ExitCode;
use std::time::Instant;

use otklik::text::Sketch;
use otklik::text::sketch::SAME_STORY;

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the bench is for")]
fn main() -> ExitCode {
    let Some(path) = std::env::args().skip(1).find(|argument| !argument.starts_with("--")) else {
        eprintln!("cargo bench --bench likeness -- PAIRS.jsonl[.gz]");
        return ExitCode::SUCCESS;
    };
    let Ok(file) = File::open(&path) else {
        eprintln!("{path}: cannot be opened");
        return ExitCode::FAILURE;
    };
    let plain: Box<dyn Read> = if path.ends_with(".gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let (mut right, mut called, mut same, mut all, mut bytes) = (0_u32, 0_u32, 0_u32, 0_u32, 0);
    let begun = Instant::now();
    for line in BufReader::new(plain).lines().map_while(Result::ok) {
        let Ok(row) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let (one, other) = (text("text"), text("text2"));
        bytes += one.len() + other.len();
        let alike = Sketch::of(&one).likeness(&Sketch::of(&other)) >= SAME_STORY;
        let meant = text("label") == "same";
        all += 1;
        right += u32::from(alike && meant);
        called += u32::from(alike);
        same += u32::from(meant);
    }
    let spent = begun.elapsed();
    let share = |part: u32, of: u32| f64::from(part) / f64::from(of.max(1));
    println!(
        "pairs {all}: precision {:.3}, recall {:.3}, F1 {:.3} at {SAME_STORY}; {bytes} bytes, {spent:?}",
        share(right, called),
        share(right, same),
        share(2 * right, called + same)
    );
    ExitCode::SUCCESS
}
