//! `otklik packs backtest`: what an edit would have told, before it goes live.
//!
//! Place in the flow: the files as they stand now against the set in force, over stored posts.
//! Invariants: works beside a running daemon and writes nothing; both sides are replayed by the
//! same code over the same posts; quotes are those the alert itself would carry.

use std::io::{self, Write};

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::config::{Need, RuleFiles, Settings};
use crate::model::TopicId;
use crate::pipeline::district::District;
use crate::pipeline::replay::{Difference, Pair, Replay, Replayed, ReplayedAlert, compare};
use crate::store::{PostMark, Store};

use super::history;
use crate::cli::{Exit, Failure, Globals, Result, export, open, paint, say, table, words};

/// Posts read at once.
const PAGE: u32 = 500;
/// Alerts of each sort that people are shown.
const SHOWN: usize = 40;
/// Characters of a quote.
const QUOTE_CHARS: usize = 120;

/// Arguments of `packs backtest`.
#[derive(Debug, Args)]
pub struct BacktestArgs {
    /// С какого времени брать публикации: 2026-11-01, 30d или 12h (без ключа: за 30 дней)
    #[arg(long, value_name = "ВРЕМЯ", default_value = "30d", hide_default_value = true)]
    since: String,
    /// С чем сравнить: версия из packs history или shipped — словари из программы (без ключа: с
    /// действующими правилами)
    #[arg(long, value_name = "ВЕРСИЯ")]
    against: Option<String>,
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &BacktestArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    // The edit first: what is broken needs no replay.
    let edited = District::with_files(RuleFiles::read(&settings), &settings)?;
    let store = open::store_to_read(&settings)?;
    let since = export::since_of(&args.since, &edited.zone)?;
    let (name, files) = open::wait(base(args, &settings, &store))?;
    let base = District::with_files(files, &settings).map_err(|faults| {
        let first = faults.first().map(ToString::to_string).unwrap_or_default();
        Failure::failed(format!("с набором {name} сравнить нельзя, он больше не годится: {first}"))
    })?;
    let (before, after) = open::wait(async {
        let (mut before, mut after) = (Replay::new(&base), Replay::new(&edited));
        let mut mark: Option<PostMark> = None;
        loop {
            let page = store.replay_posts(Some(since), mark.as_ref(), PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            let (published, key) = (last.post.published, last.post.key.clone());
            mark = Some(PostMark { published, key });
            for (post, voices) in &page {
                before.take(post, voices);
                after.take(post, voices);
            }
        }
        Ok((before.finish(), after.finish()))
    })?;
    let shown = Shown { name, before: &before, after: &after, base: &base, edited: &edited };
    let difference = compare(&before, &after);
    if args.json {
        say!("{}", shown.json(&difference))?;
    } else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        shown.print(&difference, &edited.zone, &mut out)?;
        out.flush()?;
    }
    Ok(Exit::Done)
}

/// What the edit is compared with: its name and its files.
async fn base(
    args: &BacktestArgs,
    settings: &Settings,
    store: &Store,
) -> Result<(String, RuleFiles)> {
    let now = RuleFiles::read(settings);
    if args.against.as_deref() == Some("shipped") {
        return Ok(("shipped".to_owned(), now.with_packs(history::shipped())));
    }
    let entry = history::find(store, args.against.as_deref()).await?;
    let named = store.rules_files(&entry.version).await?;
    Ok((entry.version, RuleFiles::of_named(settings, named)))
}

struct Shown<'a> {
    name: String,
    before: &'a Replayed,
    after: &'a Replayed,
    base: &'a District,
    edited: &'a District,
}

impl Shown<'_> {
    fn print(
        &self,
        found: &Difference<'_>,
        zone: &TimeZone,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let paint = paint::Paint::of_stdout();
        let (before, after) = (self.before, self.after);
        writeln!(
            out,
            "Публикаций {}: правила {} → файлы сейчас. Проблем {} → {}, оповещений {} → {}.",
            after.posts,
            self.name,
            before.opened,
            after.opened,
            before.alerts.len(),
            after.alerts.len()
        )?;
        let topics = self.topics();
        if !topics.is_empty() {
            writeln!(out, "\nПубликаций с темой:")?;
            let rows: Vec<Vec<String>> = topics
                .iter()
                .map(|(topic, old, new)| {
                    let change = format!("{:+}", i128::from(*new) - i128::from(*old));
                    vec![format!("  {topic}"), format!("{old} → {new}"), change]
                })
                .collect();
            table::aligned(&rows).iter().try_for_each(|line| writeln!(out, "{line}"))?;
        }
        if found.won.is_empty() && found.lost.is_empty() && found.changed.is_empty() {
            return writeln!(out, "\nОповещения те же.");
        }
        let head = |out: &mut dyn Write, text: &str, count: usize| {
            let text = paint.ink(paint::Ink::Bold, &format!("{text}: {count}"));
            writeln!(out, "\n{text}")
        };
        if !found.won.is_empty() {
            head(out, "Появятся", found.won.len())?;
            for alert in found.won.iter().take(SHOWN) {
                self.alert("+", alert, self.edited, zone, out)?;
            }
        }
        if !found.lost.is_empty() {
            head(out, "Пропадут", found.lost.len())?;
            for alert in found.lost.iter().take(SHOWN) {
                self.alert("-", alert, self.base, zone, out)?;
            }
        }
        if !found.changed.is_empty() {
            head(out, "Изменятся", found.changed.len())?;
            for pair in found.changed.iter().take(SHOWN) {
                self.alert("-", pair.before, self.base, zone, out)?;
                self.alert("+", pair.after, self.edited, zone, out)?;
            }
        }
        let shown = [found.won.len(), found.lost.len(), found.changed.len()];
        if shown.iter().any(|&count| count > SHOWN) {
            writeln!(out, "Показано по {SHOWN} каждого вида; все: --json")?;
        }
        writeln!(out, "Без изменений: {}.", found.same)
    }

    fn alert(
        &self,
        sign: &str,
        it: &ReplayedAlert,
        rules: &District,
        zone: &TimeZone,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let facts = &it.alert.facts;
        let place = facts.place.as_ref().map(|place| format!(", {}", rules.place_title(place)));
        let at = it.alert.at.to_zoned(zone.clone()).strftime("%d.%m %H:%M").to_string();
        let receivers = match it.receivers.is_empty() {
            true => "никому".to_owned(),
            false => it.receivers.join(", "),
        };
        writeln!(
            out,
            "  {sign} {at}  {}{}  {} ({}), {}; {receivers}",
            rules.topic_title(&facts.topic),
            place.unwrap_or_default(),
            words::level(facts.level),
            facts.score,
            words::reason(it.alert.reason, facts.kind),
        )?;
        let quote = it.quotes.first().map(|quote| table::start(quote, QUOTE_CHARS));
        let quote = quote.map(|quote| format!("«{quote}» ")).unwrap_or_default();
        writeln!(out, "      {quote}{} {}", it.post.source, it.post.id)
    }

    /// Topics whose number of posts changes, by id.
    fn topics(&self) -> Vec<(&TopicId, u64, u64)> {
        let (before, after) = (&self.before.topics, &self.after.topics);
        let mut all: Vec<&TopicId> = before.keys().chain(after.keys()).collect();
        all.sort();
        all.dedup();
        let count = |found: &std::collections::BTreeMap<TopicId, u64>, topic: &TopicId| {
            found.get(topic).copied().unwrap_or(0)
        };
        let rows = all.into_iter().map(|topic| (topic, count(before, topic), count(after, topic)));
        rows.filter(|(_, old, new)| old != new).collect()
    }

    fn json(&self, found: &Difference<'_>) -> Value {
        let all = |list: &[&ReplayedAlert]| list.iter().map(|it| row(it)).collect::<Vec<_>>();
        let pair = |it: &Pair<'_>| json!({ "before": row(it.before), "after": row(it.after) });
        let topics: Vec<Value> = self
            .topics()
            .into_iter()
            .map(|(topic, old, new)| json!({ "topic": topic, "before": old, "after": new }))
            .collect();
        json!({
            "against": self.name,
            "posts": self.after.posts,
            "alerts_before": self.before.alerts.len(),
            "alerts_after": self.after.alerts.len(),
            "problems_before": self.before.opened,
            "problems_after": self.after.opened,
            "won": all(&found.won),
            "lost": all(&found.lost),
            "changed": found.changed.iter().map(pair).collect::<Vec<_>>(),
            "same": found.same,
            "topics": topics,
        })
    }
}

fn row(it: &ReplayedAlert) -> Value {
    let facts = &it.alert.facts;
    json!({
        "at": it.alert.at.to_string(),
        "topic": facts.topic,
        "place": facts.place,
        "level": facts.level,
        "score": facts.score,
        "reason": it.alert.reason,
        "receivers": it.receivers,
        "source": it.post.source,
        "post": it.post.id,
    })
}
