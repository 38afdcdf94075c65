//! `otklik evaluate`: how well the packs judge a labelled file.
//!
//! Place in the flow: run by the analyst after an edit of the packs, weekly over confirmed posts;
//! reads no store. Invariants: measures exactly what `classify` prints; rows are counted, never
//! kept, and only those asked for with `--errors` are shown.

mod measure;
mod report;
mod tally;

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use otklik_collectors::door::Door;
use serde_json::{Map, Value};

use crate::classify::Scratch;
use crate::clock::{Clock, SystemClock};
use crate::config::{Need, fault};
use crate::pipeline::district::District;
use crate::pipeline::keys::PassingKeys;

use super::line::PostLine;
use super::stream::Turn;
use super::{Exit, Failure, Globals, Result, assessed, say, stream, table};
use report::Report;
use tally::{Label, Mode, Row, Vote};

/// Characters of a wrong row that are shown.
const SAMPLE_CHARS: usize = 100;
/// Fields of a row that are read as those of a post; the others belong to the labels.
const POST_FIELDS: [&str; 5] = ["id", "text", "published", "official", "place"];
/// The word for no label.
const NO_LABEL: &str = "none";

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// Размеченный файл .jsonl или .jsonl.gz; «-»: стандартный ввод
    #[arg(value_name = "ФАЙЛ")]
    file: PathBuf,
    /// Поле с меткой: тема, true/false (опасность) или язык; без ключа или none: доли уровней риска
    #[arg(long, value_name = "ПОЛЕ")]
    label: Option<String>,
    /// Метки отдельно от текстов: в каждой строке номер записи и метка через запятую или табуляцию
    #[arg(long, value_name = "ФАЙЛ", conflicts_with = "label")]
    labels: Option<PathBuf>,
    /// Считать своим любое место: для текстов других районов
    #[arg(long)]
    anywhere: bool,
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
    /// Показать столько неверных строк, равномерно по файлу
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    errors: usize,
    /// Сколько строк нужно теме, чтобы войти в среднее (без ключа: 20)
    #[arg(long, value_name = "N", default_value_t = 20, hide_default_value = true)]
    min_rows: u64,
    /// День для сезонности строк без времени, например 2026-01-15 (без ключа: сегодня)
    #[arg(long, value_name = "ДЕНЬ")]
    date: Option<Date>,
    /// Сколько потоков (без ключа: все ядра)
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
}

/// Runs the command.
pub fn run(args: EvaluateArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let district = District::load_rules(&settings, args.anywhere)?;
    let now = match args.date {
        Some(date) => noon(date, &district)?,
        None => SystemClock.now(),
    };
    let labels = match (&args.labels, &args.label) {
        (Some(file), _) => Labels::Apart(read_labels(file)?),
        (None, Some(field)) if field != NO_LABEL => Labels::Field(field.clone()),
        _ => Labels::Absent,
    };
    let (rows, rejected) = assess(&args, &labels, &district, now)?;
    let mode = match labels {
        Labels::Absent => Mode::Levels,
        _ => tally::mode(&rows).map_err(Failure::failed)?,
    };
    let label = match labels {
        Labels::Field(field) => Some(field),
        _ => args.labels.as_ref().map(|file| file.display().to_string()),
    };
    let about = report::About {
        file: args.file.display().to_string(),
        label,
        mode,
        rows: rows.len() as u64,
        unlabelled: rows.iter().filter(|row| row.label.is_none()).count() as u64,
        rejected,
        date: now.to_zoned(district.zone.clone()).date().to_string(),
        min_rows: args.min_rows,
    };
    let report = Report::new(about, &rows, args.errors);
    if args.json {
        say!("{}", serde_json::to_string(&report).map_err(io::Error::from)?)?;
    } else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        report.print(&mut out)?;
        out.flush()?;
    }
    Ok(if rejected > 0 { Exit::Partly } else { Exit::Done })
}

fn noon(date: Date, district: &District) -> Result<Timestamp> {
    let noon = date.at(12, 0, 0, 0).to_zoned(district.zone.clone());
    noon.map(|zoned| zoned.timestamp()).map_err(|_| Failure::usage("--date: такого дня нет"))
}

/// All rows of the file, assessed, and how many were rejected.
fn assess(
    args: &EvaluateArgs,
    labels: &Labels,
    district: &District,
    now: Timestamp,
) -> Result<(Vec<Row>, u64)> {
    let door = Door::new(Arc::new(PassingKeys::default()), []);
    let input = stream::open_input(&args.file)
        .map_err(|error| Failure::failed(format!("{}: {error}", args.file.display())))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let reader = RowReader { district, door: &door, now, labels, samples: args.errors > 0 };
    let worker = || {
        let (mut scratch, reader) = (Scratch::default(), &reader);
        move |number: usize, line: io::Result<String>| {
            let line = line.map_err(|error| error.to_string());
            let row = line.and_then(|line| reader.row(number, &line, &mut scratch));
            row.map_err(|text| format!("строка {number}: {text}"))
        }
    };
    let progress = indicatif::ProgressBar::new_spinner();
    let (mut rows, mut rejected) = (Vec::new(), 0_u64);
    stream::map_lines(input, args.threads.unwrap_or(cores), worker, |turn| {
        match turn {
            Turn::Pause => return Ok(()),
            Turn::Answer(Ok(row)) => rows.push(row),
            Turn::Answer(Err(text)) => {
                rejected += 1;
                progress.suspend(|| writeln!(io::stderr().lock(), "{text}"))?;
            }
        }
        progress.inc(1);
        Ok(())
    })?;
    progress.finish_and_clear();
    Ok((rows, rejected))
}

/// Where the labels are.
enum Labels {
    /// Nowhere.
    Absent,
    /// In this field of each row.
    Field(String),
    /// In a file of their own, by id.
    Apart(BTreeMap<String, Label>),
}

/// Makes rows of lines.
struct RowReader<'a> {
    district: &'a District,
    door: &'a Door,
    now: Timestamp,
    labels: &'a Labels,
    samples: bool,
}

impl RowReader<'_> {
    /// One assessed row; the error is a Russian sentence about the line.
    fn row(
        &self,
        number: usize,
        line: &str,
        scratch: &mut Scratch,
    ) -> std::result::Result<Row, String> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| format!("это не JSON (символ {})", error.column()))?;
        let Value::Object(map) = value else {
            return Err("ожидается объект JSON в фигурных скобках".to_owned());
        };
        let own = match self.labels {
            Labels::Field(field) => read_label(&map, field)?,
            _ => None,
        };
        let mut fields: Map<String, Value> =
            map.into_iter().filter(|(name, _)| POST_FIELDS.contains(&name.as_str())).collect();
        fields.entry("id").or_insert_with(|| number.to_string().into());
        let line = PostLine::from_map(&fields, &self.district.zone)?;
        let assessed = assessed::assess_line(&line, self.district, self.door, self.now, scratch);
        let votes = assessed.topics.into_iter().filter(|topic| topic.kind != "attitude");
        let sample = match self.samples {
            true => table::start(self.door.mask(&line.text).as_str(), SAMPLE_CHARS),
            false => String::new(),
        };
        let label = match self.labels {
            Labels::Apart(labels) => labels.get(&line.id).cloned(),
            _ => own,
        };
        Ok(Row {
            id: line.id,
            label,
            votes: votes.map(vote).collect(),
            language: assessed.language.0.into_owned(),
            score: assessed.risk.score,
            sample,
        })
    }
}

fn vote(topic: assessed::TopicLine) -> Vote {
    let mut rules: Vec<String> = topic.matches.iter().map(|found| found.rule.to_string()).collect();
    rules.sort();
    rules.dedup();
    Vote { topic: topic.topic.into(), rules }
}

/// Reads labels that stand apart: id and label in a line; blank lines and `#` are skipped.
fn read_labels(file: &Path) -> Result<BTreeMap<String, Label>> {
    let text = fault::read_text(file).map_err(|fault| Failure::failed(fault.to_string()))?;
    let mut labels = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((id, label)) = line.split_once(['\t', ',', ';']) else {
            let text = "нужны номер записи и метка через запятую или табуляцию";
            return Err(Failure::failed(format!("{}:{}: {text}", file.display(), at + 1)));
        };
        let label = match label.trim() {
            "" => continue,
            "true" => Label::Flag(true),
            "false" => Label::Flag(false),
            word => Label::word(word),
        };
        labels.insert(id.trim().to_owned(), label);
    }
    Ok(labels)
}

/// The label of a row; `null`, an empty word or no such field is none.
fn read_label(map: &Map<String, Value>, field: &str) -> std::result::Result<Option<Label>, String> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(Label::Flag(*flag))),
        Some(Value::String(word)) if word.trim().is_empty() => Ok(None),
        Some(Value::String(word)) => Ok(Some(Label::word(word.trim()))),
        Some(Value::Number(number)) => Ok(Some(Label::word(&number.to_string()))),
        Some(_) => Err(format!("поле {field}: ожидается слово, true или false")),
    }
}
