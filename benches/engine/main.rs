//! How fast texts are classified, and against what.
//!
//! Place in the flow: `cargo bench --bench engine`. Every number is a ratio taken in one run, in
//! processor time of this thread, the contenders taking turns, the median of the rounds; what is
//! compared is first shown to find the same. Parts:
//!
//! ```text
//! cargo bench --bench engine                     all but the two below
//! cargo bench --bench engine -- load | latency | plain | automaton
//! cargo bench --bench engine -- instructions N   classifies under callgrind (benches/instructions)
//! cargo bench --bench engine -- write FOLDER N   corpus and packs as files (benches/process)
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a bench speaks and may stop")]

mod corpus;
mod plain;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use otklik::classify::{Gazetteer, Lexicon, Scratch, classify};
use otklik::config::places::PlacesFile;

use corpus::{Rule, Words};
use plain::Plain;

const SEED: u64 = 20_240_607;
const MESSAGES: usize = 12_000;
/// Lexemes that messages use; rules of the instruction count use others.
const USED: usize = 20_000;
const SIZES: [usize; 3] = [300, 3_000, 30_000];
const ROUNDS: usize = 5;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["instructions", rules] => instructions(rules.parse().unwrap()),
        ["write", folder, rules] => write(Path::new(folder), rules.parse().unwrap()),
        ["plain"] => against_plain(),
        ["automaton"] => against_automaton(),
        ["load"] => load(),
        ["latency"] => latency(),
        _ => {
            against_plain();
            against_automaton();
            load();
            latency();
        }
    }
}

/// Processor time of this thread so far, by the kernel's scheduler.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let before = cpu();
    let done = work();
    (done, (cpu() - before).as_secs_f64())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn lexicon(words: &Words, rules: &[Rule]) -> Lexicon {
    let places = PlacesFile::built_in();
    let lexicon = Lexicon::compile(corpus::packs(words, rules), Gazetteer::compile(&places));
    lexicon.unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// Rules that match in `text`, those of our own lists left out.
fn count(text: &str, lexicon: &Lexicon, scratch: &mut Scratch) -> usize {
    let found = classify(text, lexicon, scratch);
    let rules = found.findings.iter().flat_map(|finding| {
        finding.matches.chunk_by(|a, b| a.rule == b.rule).map(|hits| hits[0].rule.as_str())
    });
    let mut rules: Vec<&str> = rules.collect();
    rules.sort_unstable();
    rules.dedup();
    rules.len()
}

/// The whole classification against the obvious Rust, which gives the same kind of result or only
/// counts rules.
fn against_plain() {
    println!("whole classification against the obvious Rust, one core, warm:");
    let words = Words::new(USED);
    let messages = corpus::messages(&words, USED, MESSAGES, SEED);
    let bytes: usize = messages.iter().map(String::len).sum();
    println!("  {} messages, {} bytes on average", messages.len(), bytes / messages.len());
    for size in SIZES {
        let rules = corpus::rules(&words, size, 0, SEED);
        let (lexicon, plain) = (lexicon(&words, &rules), Plain::new(&words, &rules));
        let mut scratch = Scratch::new();
        let ours: usize = messages.iter().map(|text| count(text, &lexicon, &mut scratch)).sum();
        let theirs: usize = messages.iter().map(|text| plain.count(text)).sum();
        let same = same_places(&messages, &lexicon, &plain);
        let (mut our_times, mut finding, mut counting) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            our_times.push(timed(|| run(&messages, &lexicon, &mut scratch)).1);
            let all = || messages.iter().for_each(|text| drop(black_box(plain.find(text))));
            finding.push(timed(all).1);
            let all = || messages.iter().map(|text| black_box(plain.count(text))).sum::<usize>();
            counting.push(timed(all).1);
        }
        let [ours_s, finding, counting] = [our_times, finding, counting].map(median);
        let rate = |seconds: f64| messages.len() as f64 / seconds;
        println!(
            "  {size:>6} rules: {:>8.0}/s against {:>7.0}/s = {:.1}x; against counting {:>7.0}/s \
             = {:.1}x; rules matched {ours} against {theirs}, {same:.1} % of theirs at our place",
            rate(ours_s),
            rate(finding),
            finding / ours_s,
            rate(counting),
            counting / ours_s,
        );
    }
}

/// How many of the twin's matches we show too, at the same place and in the same words.
fn same_places(messages: &[String], lexicon: &Lexicon, plain: &Plain) -> f64 {
    let mut scratch = Scratch::new();
    let (mut all, mut same) = (0_usize, 0_usize);
    for text in messages {
        let found = classify(text, lexicon, &mut scratch);
        let ours: Vec<_> = found.findings.iter().flat_map(|finding| &finding.matches).collect();
        for topic in plain.find(text) {
            assert!((1..=100).contains(&topic.score) && !topic.id.is_empty());
            all += topic.matches.len();
            same += topic.matches.iter().filter(|theirs| shows(&ours, theirs)).count();
        }
    }
    100.0 * same as f64 / all.max(1) as f64
}

/// We join what stands close together, so our place may be the longer one.
fn shows(ours: &[&otklik::model::Match], theirs: &plain::Match) -> bool {
    ours.iter().any(|hit| {
        let (start, end) = (hit.span.start as usize, hit.span.end as usize);
        hit.rule.as_str() == theirs.rule
            && start <= theirs.start
            && theirs.end <= end
            && hit.text.contains(&theirs.text)
    })
}

fn run(messages: &[String], lexicon: &Lexicon, scratch: &mut Scratch) {
    for text in messages {
        black_box(classify(black_box(text), lexicon, scratch));
    }
}

/// The whole classification against an automaton of the inflected forms that is handed the text in
/// lower case; the fastest kind of the crate that fits.
fn against_automaton() {
    println!(
        "whole classification against aho-corasick over lower-cased text, forms of the words:"
    );
    let words = Words::new(USED);
    let messages = corpus::messages(&words, USED, MESSAGES, SEED);
    let lowered: Vec<String> = messages.iter().map(|text| text.to_lowercase()).collect();
    for size in SIZES {
        let rules = corpus::rules(&words, size, 0, SEED);
        let lexicon = lexicon(&words, &rules);
        let forms = forms(&rules);
        let mut scratch = Scratch::new();
        run(&messages, &lexicon, &mut scratch);
        let mut best = (f64::MAX, "");
        let mut our_times = Vec::new();
        for (kind, name) in
            [(AhoCorasickKind::DFA, "DFA"), (AhoCorasickKind::ContiguousNFA, "contiguous NFA")]
        {
            let automaton = AhoCorasick::builder().kind(Some(kind)).build(&forms).unwrap();
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                times.push(timed(|| black_box(whole_words(&automaton, &lowered))).1);
                our_times.push(timed(|| run(&messages, &lexicon, &mut scratch)).1);
            }
            let time = median(times);
            best = if time < best.0 { (time, name) } else { best };
        }
        let ours = median(our_times);
        println!(
            "  {size:>6} rules, {:>6} forms: {:>8.0}/s against {:>8.0}/s ({}) = {:.2}x",
            forms.len(),
            messages.len() as f64 / ours,
            messages.len() as f64 / best.0,
            best.1,
            best.0 / ours,
        );
    }
}

/// Every form of every word of the rules.
fn forms(rules: &[Rule]) -> Vec<String> {
    let mut lexemes: Vec<usize> = rules.iter().flat_map(|rule| rule.words).collect();
    lexemes.sort_unstable();
    lexemes.dedup();
    lexemes.into_iter().flat_map(corpus::forms).collect()
}

fn whole_words(automaton: &AhoCorasick, texts: &[String]) -> usize {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let mut found = 0;
    for text in texts {
        for hit in automaton.find_overlapping_iter(text) {
            let (before, behind) = (&text[..hit.start()], &text[hit.end()..]);
            let inside = letter(before.chars().next_back()) || letter(behind.chars().next());
            found += usize::from(!inside);
        }
    }
    found
}

/// Time from files in memory to a lexicon whose examples hold, against the automaton of the forms.
fn load() {
    println!("load of 30,000 rules:");
    let words = Words::new(USED);
    let rules = corpus::rules(&words, 30_000, 0, SEED);
    let forms = forms(&rules);
    let ours = median((0..ROUNDS).map(|_| timed(|| lexicon(&words, &rules)).1).collect());
    let writing = median((0..ROUNDS).map(|_| timed(|| corpus::packs(&words, &rules)).1).collect());
    let ours = ours - writing;
    let build = || AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(&forms).unwrap();
    let theirs = median((0..3).map(|_| timed(build).1).collect());
    println!(
        "  {:.0} ms against {:.0} ms of a DFA of {} forms = 1/{:.1}",
        ours * 1e3,
        theirs * 1e3,
        forms.len(),
        theirs / ours
    );
}

/// Time of single classifications.
fn latency() {
    println!("time of one classification at 30,000 rules, warm:");
    let words = Words::new(USED);
    let messages = corpus::messages(&words, USED, MESSAGES, SEED);
    let lexicon = lexicon(&words, &corpus::rules(&words, 30_000, 0, SEED));
    let mut scratch = Scratch::new();
    run(&messages, &lexicon, &mut scratch);
    // The best of several looks at each message: what is measured is the message, not the machine.
    let mut times: Vec<f64> = vec![f64::MAX; messages.len()];
    for _ in 0..ROUNDS {
        for (text, best) in messages.iter().zip(&mut times) {
            let before = std::time::Instant::now();
            black_box(classify(black_box(text), &lexicon, &mut scratch));
            *best = best.min(before.elapsed().as_secs_f64());
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize] * 1e6;
    println!(
        "  p50 {:.1} us, p99 {:.1} us, p99.9 {:.1} us, most {:.1} us; p99/p50 = {:.1}",
        at(0.5),
        at(0.99),
        at(0.999),
        at(1.0),
        at(0.99) / at(0.5)
    );
}

/// Classifies 2,000 messages again and again with `size` rules that match nothing; callgrind counts
/// the last time, in the function below.
fn instructions(size: usize) {
    let words = Words::new(USED + 40_000);
    let messages = corpus::messages(&words, USED, 2_000, SEED);
    let lexicon = lexicon(&words, &corpus::rules(&words, size, USED, SEED));
    let mut scratch = Scratch::new();
    for _ in 0..3 {
        run(&messages, &lexicon, &mut scratch);
    }
    counted(&messages, &lexicon, &mut scratch);
}

/// What callgrind counts (`--toggle-collect='*counted*'`).
#[inline(never)]
fn counted(messages: &[String], lexicon: &Lexicon, scratch: &mut Scratch) {
    run(messages, lexicon, scratch);
}

/// Corpus, packs and words as files for the comparison of whole processes.
fn write(folder: &Path, size: usize) {
    let words = Words::new(USED);
    let rules = corpus::rules(&words, size, 0, SEED);
    let keywords = folder.join("keywords");
    std::fs::create_dir_all(&keywords).unwrap();
    for pack in corpus::packs(&words, &rules) {
        std::fs::write(folder.join(&pack.path), &pack.text).unwrap();
    }
    std::fs::write(
        folder.join("otklik.toml"),
        "[district]\nname = \"Пробный район\"\ntimezone = \"Asia/Irkutsk\"\n",
    )
    .unwrap();
    let mut lines = String::new();
    for (at, text) in corpus::messages(&words, USED, 60_000, SEED).iter().enumerate() {
        let line = serde_json::json!({ "id": at.to_string(), "text": text });
        writeln!(lines, "{line}").unwrap();
    }
    std::fs::write(folder.join("messages.jsonl"), lines).unwrap();
    let mut list = String::new();
    for rule in &rules {
        let names = rule.words.map(|at| words.lexemes[at][0].as_str());
        writeln!(list, "{:?}\t{}", rule.kind, names.join("\t")).unwrap();
    }
    std::fs::write(folder.join("rules.tsv"), list).unwrap();
    println!("{}: 60000 messages, {size} rules", folder.display());
}
