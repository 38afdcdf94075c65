//! `otklik export`: what is stored, as JSON lines, CSV or XLSX (DESIGN 6.7).
//!
//! Place in the flow: reads the store beside a running daemon. Invariants: texts are masked, voices
//! and attitude are not among the columns; rows come in a fixed order, page by page with flat
//! memory.

use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, duration};
use crate::model::{Alert, Marked, PostKind};
use crate::store::{
    MarkPlace, PostMark, Store, StoredDelivery, StoredPost, StoredProblem, TimeMark,
};

use super::assessed::TopicLine;
use super::line::parse_instant;
use super::words;
use super::{Exit, Failure, Globals, Result, open};

/// Rows read at once.
const PAGE: u32 = 500;
/// Most rows of a sheet.
const SHEET_ROWS_MAX: u32 = 1_048_575;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Публикации с темами, местами и риском
    Posts,
    /// Проблемы
    Problems,
    /// Оповещения
    Alerts,
    /// Отправка оповещений
    Deliveries,
    /// Ответы на оповещения: что нажали получатели и какие правила за этим стоят
    Marks,
}

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Строки JSON
    Jsonl,
    /// Таблица CSV
    Csv,
    /// Книга Excel
    Xlsx,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Что выгрузить
    #[arg(value_enum, value_name = "ЧТО")]
    what: What,
    /// Не раньше этого времени: 2026-11-01, 2026-11-01T09:00 или срок назад: 7d, 12h
    #[arg(long, value_name = "ВРЕМЯ")]
    since: Option<String>,
    /// Вид
    #[arg(long, value_enum, default_value = "jsonl")]
    format: Format,
    /// Файл (без ключа: стандартный вывод; для xlsx обязателен)
    #[arg(long, short, value_name = "ФАЙЛ")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: ExportArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let since = match &args.since {
        None => None,
        Some(text) => Some(since_of(text, &settings.district.timezone)?),
    };
    if args.format == Format::Xlsx && args.output.is_none() {
        return Err(Failure::usage("для книги Excel назовите файл: --output файл.xlsx"));
    }
    let store = open::store_to_read(&settings)?;
    let mut sink = Sink::open(args.format, args.output, columns_of(args.what))?;
    open::wait(async {
        match args.what {
            What::Posts => posts(&store, since, &mut sink).await?,
            What::Problems => problems(&store, since, &mut sink).await?,
            What::Alerts => alerts(&store, since, &mut sink).await?,
            What::Deliveries => deliveries(&store, since, &mut sink).await?,
            What::Marks => marks(&store, since, &mut sink).await?,
        }
        Ok(())
    })?;
    sink.finish()?;
    Ok(Exit::Done)
}

/// An instant, or a span back from now.
pub(super) fn since_of(text: &str, zone: &jiff::tz::TimeZone) -> Result<Timestamp> {
    if let Some(at) = parse_instant(text, zone) {
        return Ok(at);
    }
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && let Ok(zoned) = date.to_zoned(zone.clone())
    {
        return Ok(zoned.timestamp());
    }
    let secs = duration::parse(text).map_err(|_| {
        Failure::usage("--since: время пишется как 2026-11-01, 2026-11-01T09:00, 7d или 12h")
    })?;
    let back = jiff::SignedDuration::from_secs(secs);
    SystemClock.now().saturating_sub(back).map_err(|_| Failure::usage("--since: слишком давно"))
}

async fn posts(store: &Store, since: Option<Timestamp>, sink: &mut Sink) -> Result<()> {
    let mut after: Option<PostMark> = None;
    loop {
        let page = store.export_posts(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(PostMark { published: last.post.published, key: last.post.key.clone() });
        for post in page {
            sink.row(post_row(post))?;
        }
    }
}

fn post_row(stored: StoredPost) -> Map<String, Value> {
    let (post, assessment) = (stored.post, stored.assessment);
    let mut row = Map::new();
    let mut put = |name: &str, value: Value| {
        row.insert(name.to_owned(), value);
    };
    put("id", json!(post.key.id));
    put("text", json!(post.text));
    put("platform", json!(post.platform));
    put("source", json!(post.key.source));
    put("kind", json!(if post.kind == PostKind::Comment { "comment" } else { "post" }));
    put("published", json!(post.published.to_string()));
    put("official", json!(post.official));
    let optional = [
        ("parent", json!(post.parent)),
        ("edited", json!(post.edited.map(|at| at.to_string()))),
        ("url", json!(post.url)),
        ("views", json!(post.counts.views)),
        ("likes", json!(post.counts.likes)),
        ("reposts", json!(post.counts.reposts)),
        ("comments", json!(post.counts.comments)),
        ("place", json!(post.place)),
    ];
    for (name, value) in optional {
        if !value.is_null() {
            put(name, value);
        }
    }
    let topics: Vec<TopicLine> = assessment.findings.into_iter().map(TopicLine::from).collect();
    put("language", json!(assessment.language));
    put("topics", json!(topics));
    put("places", json!(assessment.places));
    put("risk", json!(assessment.risk));
    put("masked", json!(post.masked));
    put("problem", json!(stored.main_problem));
    put("problems", json!(stored.problems));
    row
}

async fn problems(store: &Store, since: Option<Timestamp>, sink: &mut Sink) -> Result<()> {
    let mut after: Option<TimeMark> = None;
    loop {
        let page = store.export_problems(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(TimeMark { at: last.problem.opened, id: last.problem.id.0.clone() });
        for stored in page {
            sink.row(problem_row(&stored))?;
        }
    }
}

/// A problem as a row: posts of its whole life, voices since it opened or last came back.
pub fn problem_row(stored: &StoredProblem) -> Map<String, Value> {
    let problem = &stored.problem;
    fields([
        ("id", json!(problem.id)),
        ("topic", json!(problem.topic)),
        ("place", json!(problem.place)),
        ("level", json!(problem.level)),
        ("state", json!(problem.state)),
        ("opened", json!(problem.opened.to_string())),
        ("last", json!(problem.last.to_string())),
        ("posts", json!(problem.posts)),
        ("voices", json!(stored.voices.voices)),
    ])
}

async fn alerts(store: &Store, since: Option<Timestamp>, sink: &mut Sink) -> Result<()> {
    let mut after: Option<TimeMark> = None;
    loop {
        let page = store.alerts(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(TimeMark { at: last.at, id: last.id.0.clone() });
        for alert in page {
            sink.row(alert_row(&alert))?;
        }
    }
}

/// An alert as a row.
pub fn alert_row(alert: &Alert) -> Map<String, Value> {
    fields([
        ("id", json!(alert.id)),
        ("problem", json!(alert.problem)),
        ("reason", json!(alert.reason)),
        ("at", json!(alert.at.to_string())),
    ])
}

async fn deliveries(store: &Store, since: Option<Timestamp>, sink: &mut Sink) -> Result<()> {
    let mut after: Option<TimeMark> = None;
    loop {
        let page = store.export_deliveries(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(TimeMark { at: last.created, id: last.delivery.id.0.clone() });
        for stored in page {
            sink.row(delivery_row(&stored))?;
        }
    }
}

/// A delivery as a row; a digest has no alert.
pub fn delivery_row(stored: &StoredDelivery) -> Map<String, Value> {
    let delivery = &stored.delivery;
    fields([
        ("alert", json!(delivery.subject.strip_prefix("alert:"))),
        ("receiver", json!(delivery.receiver)),
        ("channel", json!(delivery.channel)),
        ("state", json!(delivery.state)),
        ("copies", json!(delivery.copies)),
        ("subject", json!(delivery.subject)),
    ])
}

async fn marks(store: &Store, since: Option<Timestamp>, sink: &mut Sink) -> Result<()> {
    let mut after: Option<MarkPlace> = None;
    loop {
        let page = store.marks(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(MarkPlace::of(last));
        for marked in page {
            sink.row(mark_row(&marked))?;
        }
    }
}

/// A mark as a row.
pub fn mark_row(marked: &Marked) -> Map<String, Value> {
    fields([
        ("alert", json!(marked.alert)),
        ("problem", json!(marked.problem)),
        ("mark", json!(marked.mark)),
        ("by", json!(marked.by)),
        ("channel", json!(marked.channel)),
        ("to", json!(marked.to)),
        ("at", json!(marked.at.to_string())),
        ("lexicon", json!(marked.lexicon)),
        ("rules", json!(marked.rules)),
    ])
}

fn fields<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Where rows go.
enum Sink {
    Lines(Box<dyn io::Write>),
    Csv { out: Box<csv::Writer<Box<dyn io::Write>>>, columns: Columns },
    Xlsx { book: Box<rust_xlsxwriter::Workbook>, file: PathBuf, columns: Columns, row: u32 },
}

/// Names of a table's columns, in order.
type Columns = &'static [&'static str];

/// The columns of DESIGN 6.7, for posts those of 6.1 and 6.2 together.
fn columns_of(what: What) -> Columns {
    match what {
        What::Posts => POST_COLUMNS,
        What::Problems => {
            &["id", "topic", "place", "level", "state", "opened", "last", "posts", "voices"]
        }
        What::Alerts => &["id", "problem", "reason", "at"],
        What::Deliveries => &["alert", "receiver", "channel", "state", "copies", "subject"],
        What::Marks => {
            &["alert", "problem", "mark", "by", "channel", "to", "at", "lexicon", "rules"]
        }
    }
}

const POST_COLUMNS: Columns = &[
    "id",
    "text",
    "platform",
    "source",
    "parent",
    "kind",
    "published",
    "edited",
    "official",
    "url",
    "views",
    "likes",
    "reposts",
    "comments",
    "place",
    "language",
    "topics",
    "places",
    "risk",
    "masked",
    "problem",
    "problems",
];

impl Sink {
    /// Opens the output; a table begins with its columns even if no row follows.
    fn open(format: Format, output: Option<PathBuf>, columns: Columns) -> Result<Self> {
        if format == Format::Xlsx {
            let file = output.unwrap_or_default();
            let mut book = Box::new(rust_xlsxwriter::Workbook::new());
            let sheet = book.add_worksheet();
            for (column, name) in (0..).zip(columns) {
                sheet.write_string(0, column, *name).map_err(sheet_failure)?;
            }
            return Ok(Sink::Xlsx { book, file, columns, row: 0 });
        }
        let out: Box<dyn io::Write> = match output {
            Some(file) => Box::new(io::BufWriter::new(
                std::fs::File::create(&file)
                    .map_err(|error| Failure::failed(format!("{}: {error}", file.display())))?,
            )),
            None => Box::new(io::BufWriter::new(io::stdout())),
        };
        if format == Format::Jsonl {
            return Ok(Sink::Lines(out));
        }
        let mut out = Box::new(csv::Writer::from_writer(out));
        out.write_record(columns).map_err(csv_failure)?;
        Ok(Sink::Csv { out, columns })
    }

    fn row(&mut self, row: Map<String, Value>) -> Result<()> {
        match self {
            Sink::Lines(out) => {
                serde_json::to_writer(&mut *out, &row).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Sink::Csv { out, columns } => {
                let cells = columns.iter().map(|name| words::guard(&cell(row.get(*name))));
                out.write_record(cells).map_err(csv_failure)?;
            }
            Sink::Xlsx { book, columns, row: at, .. } => {
                *at += 1;
                if *at > SHEET_ROWS_MAX {
                    return Err(Failure::failed(
                        "в лист Excel больше не помещается; сузьте --since или возьмите csv",
                    ));
                }
                let sheet = book.worksheet_from_index(0).map_err(sheet_failure)?;
                for (column, name) in (0..).zip(*columns) {
                    let text = words::sheet_cell(&cell(row.get(*name)));
                    sheet.write_string(*at, column, text).map_err(sheet_failure)?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        match self {
            Sink::Lines(mut out) => out.flush()?,
            Sink::Csv { mut out, .. } => out.flush()?,
            Sink::Xlsx { mut book, file, .. } => {
                book.save(&file).map_err(sheet_failure)?;
            }
        }
        Ok(())
    }
}

/// A cell's text: strings as they are, lists of topics and places in short, nothing for null.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let short = |item: &Value| match item {
                Value::Object(map) => {
                    let name = ["topic", "place", "street", "rule"]
                        .iter()
                        .find_map(|key| map.get(*key)?.as_str());
                    name.unwrap_or_default().to_owned()
                }
                other => cell(Some(other)),
            };
            items.iter().map(short).collect::<Vec<_>>().join(", ")
        }
        Some(Value::Object(map)) => map
            .get("score")
            .map_or_else(|| Value::Object(map.clone()).to_string(), ToString::to_string),
        Some(other) => other.to_string(),
    }
}

fn csv_failure(error: csv::Error) -> Failure {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        _ => Failure::failed("таблица CSV не записывается"),
    }
}

fn sheet_failure(error: rust_xlsxwriter::XlsxError) -> Failure {
    Failure::failed(format!("книга Excel не записывается: {error}"))
}
