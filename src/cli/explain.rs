//! `otklik explain`: why a text is assessed as it is, word by word.
//!
//! Place in the flow: the analyst's question to the packs. Invariants: says what `classify` says,
//! by the same code; attitude is shown here, for the text just given, and weighs nothing; nothing
//! is stored.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};
use std::sync::Arc;

use clap::Args;
use otklik_collectors::door::{Door, Masked};

use crate::classify::resolve::confidence;
use crate::classify::{PlaceReason, Rule, Scratch};
use crate::clock::{Clock, SystemClock};
use crate::config::Need;
use crate::model::{PlaceBy, PlaceFinding, RiskLevel};
use crate::pipeline::district::District;
use crate::pipeline::keys::PassingKeys;

use super::assessed::{self, AssessedLine, TopicLine};
use super::line::PostLine;
use super::paint::{Ink, Paint};
use super::{Exit, Failure, Globals, Result, say, table};

/// Longest text in bytes.
const TEXT_BYTES_MAX: u64 = 1024 * 1024;

/// Characters of a query that are shown.
const QUERY_CHARS: usize = 160;

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Текст (начинается с «-»: поставьте перед ним «--»); «-»: со стандартного ввода
    #[arg(value_name = "ТЕКСТ", required = true, num_args = 1..)]
    text: Vec<String>,
    /// Считать своим любое место: для текстов других районов
    #[arg(long)]
    anywhere: bool,
    /// Ответ одной строкой JSON, как у classify
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: ExplainArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let district = District::load_rules(&settings, args.anywhere)?;
    let text = match args.text.as_slice() {
        [dash] if dash == "-" => read_stdin()?,
        words => words.join(" "),
    };
    let door = Door::new(Arc::new(PassingKeys::default()), []);
    let line = PostLine { id: "explain".to_owned(), text, ..PostLine::default() };
    let mut scratch = Scratch::default();
    let now = SystemClock.now();
    let assessed = assessed::assess_line(&line, &district, &door, now, &mut scratch);
    if args.json {
        say!("{}", serde_json::to_string(&assessed).map_err(io::Error::from)?)?;
        return Ok(Exit::Done);
    }
    let masked = door.mask(&line.text);
    let explained = Explained {
        text: &line.text,
        masked: &masked,
        assessed: &assessed,
        settled: scratch.cancelled(&district.lexicon),
        excluded: scratch.excluded(&district.lexicon),
        district: &district,
        paint: Paint::of_stdout(),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    explained.print(&mut out)?;
    out.flush()?;
    Ok(Exit::Done)
}

fn read_stdin() -> Result<String> {
    let mut bytes = Vec::new();
    io::stdin().lock().take(TEXT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        let mib = TEXT_BYTES_MAX / 1024 / 1024;
        return Err(Failure::failed(format!("текст длиннее {mib} МиБ")));
    }
    let text = String::from_utf8(bytes);
    text.map(|text| text.trim_end().to_owned())
        .map_err(|_| Failure::failed("текст не в кодировке UTF-8"))
}

/// Everything that is printed about one text.
struct Explained<'a> {
    text: &'a str,
    masked: &'a Masked,
    assessed: &'a AssessedLine,
    /// Rules that matched only what is settled or negated.
    settled: Vec<&'a str>,
    /// Rules that matched together with their `unless`.
    excluded: Vec<&'a str>,
    district: &'a District,
    paint: Paint,
}

impl Explained<'_> {
    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{}\n", self.marked_text())?;
        let language = match &*self.assessed.language.0 {
            "ru" => "русский (ru)".to_owned(),
            "bua" => "бурятский (bua)".to_owned(),
            "und" => "не определён (und)".to_owned(),
            other => other.to_owned(),
        };
        writeln!(out, "{} {language}", self.head("Язык:"))?;
        self.masks(out)?;
        let (attitude, topics): (Vec<_>, Vec<_>) =
            self.assessed.topics.iter().partition(|topic| topic.kind == "attitude");
        writeln!(out, "\n{}", self.head("Темы"))?;
        if topics.is_empty() {
            writeln!(out, "  не найдены: ни одно правило не подошло")?;
        }
        topics.iter().try_for_each(|topic| self.topic(topic, out))?;
        let why = "Не засчитано: в тексте сказано, что решено или что этого нет";
        self.silenced(why, &self.settled, out)?;
        self.silenced("Не засчитано: подошло и unless правила", &self.excluded, out)?;
        if !attitude.is_empty() {
            let note = "обратная связь: не хранится, на риск не влияет";
            writeln!(out, "\n{} ({note})", self.head("Отношение"))?;
            attitude.iter().try_for_each(|topic| self.topic(topic, out))?;
        }
        self.places(out)?;
        self.risk(out)
    }

    fn head(&self, text: &str) -> String {
        self.paint.ink(Ink::Bold, text)
    }

    fn dim(&self, text: &str) -> String {
        self.paint.ink(Ink::Dim, text)
    }

    /// The text with its matched words, places and masked parts in colour.
    fn marked_text(&self) -> String {
        let length = self.text.chars().count();
        let mut inks: Vec<Option<Ink>> = vec![None; length];
        let mut mark = |start: u32, end: u32, ink: Ink| {
            let range = start as usize..(end as usize).min(length);
            if let Some(part) = inks.get_mut(range) {
                part.fill(Some(ink));
            }
        };
        for place in &self.assessed.places {
            if let Some(span) = place.span {
                mark(span.start, span.end, Ink::Place);
            }
            if let (Some(start), Some(end)) = (place.street_start, place.street_end) {
                mark(start, end, Ink::Place);
            }
        }
        for found in self.assessed.topics.iter().flat_map(|topic| &topic.matches) {
            mark(found.span.start, found.span.end, Ink::Match);
        }
        for (start, end) in self.masked_spans() {
            mark(start, end, Ink::Masked);
        }
        let mut painted = String::new();
        let mut run = String::new();
        let mut ink = None;
        for (c, next) in self.text.chars().zip(inks) {
            if next != ink {
                painted.push_str(&self.run(ink, &run));
                run.clear();
                ink = next;
            }
            run.push(c);
        }
        painted.push_str(&self.run(ink, &run));
        painted
    }

    fn run(&self, ink: Option<Ink>, text: &str) -> String {
        ink.map_or_else(|| text.to_owned(), |ink| self.paint.ink(ink, text))
    }

    /// Code points of the text that the door masks.
    fn masked_spans(&self) -> Vec<(u32, u32)> {
        let point = |byte: usize| {
            let before = self.text.get(..byte).unwrap_or(self.text);
            u32::try_from(before.chars().count()).unwrap_or(u32::MAX)
        };
        let masks = self.masked.masks().iter();
        masks.map(|mask| (point(mask.original.start), point(mask.original.end))).collect()
    }

    /// What the door would hide before anything is stored.
    fn masks(&self, out: &mut impl Write) -> io::Result<()> {
        if self.masked.masks().is_empty() {
            return Ok(());
        }
        let count = self.masked.masks().len();
        writeln!(out, "{} мест {count}, хранится так:", self.head("Скрыто до записи:"))?;
        writeln!(out, "  {}", self.masked.as_str())
    }

    fn topic(&self, topic: &TopicLine, out: &mut impl Write) -> io::Result<()> {
        let known = self.district.lexicon.topic(topic.topic.as_str());
        let title = known.map_or(topic.topic.as_str(), |known| known.title.as_str());
        let kind = match topic.kind {
            "danger" => "опасность",
            "rumour" => "слух",
            "attitude" => "отношение",
            _ => "проблема",
        };
        let severity = known.map_or(0, |known| known.severity);
        writeln!(
            out,
            "  {} ({}): {} {}",
            self.head(title),
            topic.topic,
            self.head(&topic.score.to_string()),
            self.dim(&format!("{kind}, тяжесть {severity} из 5")),
        )?;
        let mut rules: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut order: Vec<&str> = Vec::new();
        for found in &topic.matches {
            let words = rules.entry(found.rule.as_str()).or_insert_with(|| {
                order.push(found.rule.as_str());
                Vec::new()
            });
            let span = format!("{}–{}", found.span.start, found.span.end);
            words.push(format!(
                "«{}» {}",
                self.paint.ink(Ink::Match, &found.text),
                self.dim(&span)
            ));
        }
        let mut rest = 1.0;
        for name in order {
            let rule = self.district.lexicon.rule(name);
            let weight = rule.map_or(0, |rule| rule.weight);
            rest *= 1.0 - f64::from(weight) / 100.0;
            let words = rules.get(name).map(|words| words.join(", ")).unwrap_or_default();
            writeln!(out, "    {words}")?;
            writeln!(out, "      {name}  +{weight}  {}", self.dim(&place_of(rule)))?;
            if let Some(rule) = rule {
                let query = table::start(&rule.find, QUERY_CHARS);
                writeln!(out, "      {}", self.dim(&format!("find = {query}")))?;
            }
        }
        let sum = (100.0 * (1.0 - rest)).round();
        // The classifier bends weights by where and how often; see `assemble`.
        let note = match f64::from(topic.score) - sum {
            more if more >= 1.0 => "повышено: сказано не раз",
            less if less <= -1.0 => "снижено: те же слова, конец длинного письма или объявление",
            _ => return Ok(()),
        };
        writeln!(out, "    правила дают {sum:.0}, {note}")?;
        Ok(())
    }

    /// Rules that matched and do not count, with the reason.
    fn silenced(&self, why: &str, rules: &[&str], out: &mut impl Write) -> io::Result<()> {
        if rules.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n{}", self.head(why))?;
        for name in rules {
            let rule = self.district.lexicon.rule(name);
            writeln!(out, "  {name}  {}", self.dim(&place_of(rule)))?;
        }
        Ok(())
    }

    fn places(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "\n{}", self.head("Места"))?;
        if self.assessed.places.is_empty() {
            writeln!(out, "  в тексте не названы")?;
        }
        let reasons = self.district.lexicon.gazetteer().reasons(self.text);
        for place in &self.assessed.places {
            writeln!(out, "  {}", self.place(place, &reasons))?;
        }
        for mark in reasons.iter().filter(|reason| reason.title.is_empty()) {
            let span = format!("{}–{}", mark.span.start, mark.span.end);
            let note = self.dim(&format!("({}, {span})", mark.why));
            writeln!(out, "  «{}» {note}", self.paint.ink(Ink::Place, &mark.text))?;
        }
        Ok(())
    }

    fn place(&self, place: &PlaceFinding, reasons: &[PlaceReason]) -> String {
        let mut parts = Vec::new();
        if !place.title.is_empty() {
            parts.push(self.paint.ink(Ink::Place, &place.title));
        }
        if let Some(street) = &place.street {
            let house = place.house.as_ref().map(|house| format!(", {house}")).unwrap_or_default();
            parts.push(format!("улица {street}{house}"));
        }
        let why = match place.by {
            PlaceBy::Text => match place.span {
                Some(span) => {
                    let reason = reasons.iter().find(|reason| reason.span == span);
                    let why = reason.map_or("назван в тексте", |reason| &reason.why);
                    let sure = reason.map_or_else(|| confidence(place), |r| r.confidence);
                    format!("{why}, {}–{}, уверенность {sure} %", span.start, span.end)
                }
                None => format!("назван в тексте, уверенность {} %", confidence(place)),
            },
            PlaceBy::Parent => "по записи, на которую отвечают".to_owned(),
            PlaceBy::Thread => "по обсуждению".to_owned(),
            PlaceBy::Source => "по источнику".to_owned(),
            PlaceBy::District => "район целиком".to_owned(),
        };
        let id = place.place.as_ref().map(|id| format!("{id}, ")).unwrap_or_default();
        let elsewhere = if place.elsewhere { ", не наш район" } else { "" };
        format!("{} {}", parts.join(", "), self.dim(&format!("({id}{why}{elsewhere})")))
    }

    fn risk(&self, out: &mut impl Write) -> io::Result<()> {
        let risk = &self.assessed.risk;
        let level = match risk.level {
            RiskLevel::Low => "низкий",
            RiskLevel::Elevated => "повышенный",
            RiskLevel::High => "высокий",
            RiskLevel::Critical => "критический",
        };
        let verdict = format!("{} — {level} ({})", risk.score, risk.level.name());
        let verdict = self.paint.ink(Ink::of(risk.level), &verdict);
        writeln!(out, "\n{} {verdict}", self.head("Риск:"))?;
        for reason in &risk.reasons {
            let points = format!("{:+}", reason.points);
            let name = self.dim(&format!("({})", reason.reason));
            writeln!(out, "  {points:>4}  {} {name}", reason.text)?;
        }
        Ok(())
    }
}

/// Where a rule stands.
fn place_of(rule: Option<&Rule>) -> String {
    rule.map(|rule| format!("{}:{}", rule.file.display(), rule.line)).unwrap_or_default()
}
