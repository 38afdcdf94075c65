//! `otklik classify`: JSON lines in, assessed JSON lines out, same order, no store.
//!
//! Place in the flow: a pipe for other programs and for measuring. Invariant: a bad line is
//! reported with its number, skipped and counted; it costs nothing else.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use otklik_collectors::door::Door;

use crate::classify::Scratch;
use crate::clock::{Clock, SystemClock};
use crate::config::Need;
use crate::pipeline::district::District;
use crate::pipeline::keys::PassingKeys;

use super::line::PostLine;
use super::stream::Turn;
use super::{Exit, Failure, Globals, Result, assessed, stream};

/// Arguments of `classify`.
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// Файл .jsonl или .jsonl.gz; «-» или ничего: стандартный ввод
    #[arg(value_name = "ФАЙЛ", default_value = "-")]
    file: PathBuf,
    /// Сколько потоков (без ключа: все ядра)
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Считать своим любое место: для текстов других районов
    #[arg(long)]
    anywhere: bool,
}

/// Runs the command.
pub fn run(args: ClassifyArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let district = District::load_rules(&settings, args.anywhere)?;
    let door = Door::new(Arc::new(PassingKeys::default()), []);
    let input = stream::open_input(&args.file)
        .map_err(|error| Failure::failed(format!("{}: {error}", args.file.display())))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let now = SystemClock.now();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut bad = 0_u64;
    let worker = || {
        let mut scratch = Scratch::default();
        let (district, door) = (&district, &door);
        move |number: usize, line: io::Result<String>| {
            answer(number, line, district, door, now, &mut scratch)
        }
    };
    stream::map_lines(input, args.threads.unwrap_or(cores), worker, |turn| match turn {
        Turn::Answer(Ok(line)) => out.write_all(line.as_bytes()),
        Turn::Answer(Err(text)) => {
            bad += 1;
            writeln!(io::stderr().lock(), "{text}")
        }
        Turn::Pause => out.flush(),
    })?;
    out.flush()?;
    if bad > 0 {
        writeln!(io::stderr().lock(), "Отвергнуто строк: {bad}.")?;
        return Ok(Exit::Partly);
    }
    Ok(Exit::Done)
}

/// A line to print, or why there is none.
type Answer = std::result::Result<String, String>;

fn answer(
    number: usize,
    line: io::Result<String>,
    district: &District,
    door: &Door,
    now: jiff::Timestamp,
    scratch: &mut Scratch,
) -> Answer {
    let told = |text: String| format!("строка {number}: {text}");
    let line = line.map_err(|error| told(error.to_string()))?;
    let post = PostLine::parse(&line, &district.zone).map_err(told)?;
    let assessed = assessed::assess_line(&post, district, door, now, scratch);
    let mut text = serde_json::to_string(&assessed).map_err(|error| told(error.to_string()))?;
    text.push('\n');
    Ok(text)
}
