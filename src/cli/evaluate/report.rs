//! What `evaluate` found, as JSON and as tables for people.
//!
//! Place in the flow: behind the counting. Invariant: both forms say the same; lists that people
//! read are short and say how much they leave out.

use std::io::{self, Write};

use serde::Serialize;

use super::measure::{self, Measured, Scores};
use super::tally::{self, Label, Mode, Row, WordsTally};
use crate::cli::table;
use crate::model::RiskLevel;

/// Rows of the league and of the confusions that people are shown.
const SHOWN: usize = 20;
/// Score from which on a text is at high or above.
const HIGH: u8 = 60;

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// File.
    pub file: String,
    /// Field with the label.
    pub label: Option<String>,
    /// What the labels are.
    pub mode: Mode,
    /// Rows read.
    pub rows: u64,
    /// Of them without a label.
    pub unlabelled: u64,
    /// Lines that could not be read.
    pub rejected: u64,
    /// Day of rows without a time.
    pub date: String,
    /// Rows a topic needs to enter the mean.
    pub min_rows: u64,
}

/// A row that is wrong, for reading.
#[derive(Debug, Clone, Serialize)]
pub struct Wrong {
    /// Id.
    pub id: String,
    /// The label.
    pub wanted: String,
    /// What was found instead.
    pub got: String,
    /// Start of the text, people masked.
    pub text: String,
}

/// Rows labelled true or false, told apart by the risk score.
#[derive(Debug, Clone, Serialize)]
pub struct FlagTally {
    /// Area under the ROC curve of `risk.score`.
    pub auc: Option<Measured>,
    /// Rows labelled true.
    pub true_rows: u64,
    /// Share of them at high or above.
    pub true_high: Option<Measured>,
    /// Rows labelled false.
    pub false_rows: u64,
    /// Share of them at high or above.
    pub false_high: Option<Measured>,
}

/// Rows of one level.
#[derive(Debug, Clone, Serialize)]
pub struct LevelTally {
    /// Level.
    pub level: RiskLevel,
    /// Rows.
    pub rows: u64,
    /// Share of all rows.
    pub share: Option<Measured>,
}

/// Everything that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    #[serde(flatten)]
    about: About,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    words: Option<WordsTally>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    flags: Option<FlagTally>,
    levels: Vec<LevelTally>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong>,
    #[serde(skip)]
    wrong: usize,
}

impl Report {
    /// Counts rows; keeps at most `errors` wrong ones.
    #[must_use]
    pub fn new(about: About, rows: &[Row], errors: usize) -> Self {
        let (mut words, mut flags) = (None, None);
        let mut predicted = Vec::new();
        match about.mode {
            Mode::Topics | Mode::Languages => {
                predicted = tally::predictions(rows, about.mode);
                words = Some(tally::count_words(rows, &predicted, about.min_rows));
            }
            Mode::Flag => flags = Some(flag_tally(rows)),
            Mode::Levels => {}
        }
        let wrong = wrong_rows(about.mode, rows, &predicted);
        let errors = spread(&wrong, errors)
            .into_iter()
            .map(|(row, got)| Wrong {
                id: row.id.clone(),
                wanted: wanted(row),
                got: got.clone(),
                text: row.sample.clone(),
            })
            .collect();
        let levels = level_tally(rows);
        Self { about, words, flags, levels, errors, wrong: wrong.len() }
    }

    /// Prints tables.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let about = &self.about;
        write!(out, "{}: строк {}", about.file, about.rows)?;
        if let Some(label) = &about.label {
            write!(out, ", метка {label}, без метки {}", about.unlabelled)?;
        }
        if about.rejected > 0 {
            write!(out, ", отвергнуто {}", about.rejected)?;
        }
        writeln!(out, "; сезонность на {}", about.date)?;
        if let Some(words) = &self.words {
            self.print_words(words, out)?;
        }
        if let Some(flags) = &self.flags {
            print_flags(flags, out)?;
        }
        if about.mode == Mode::Levels {
            self.print_levels(out)?;
        }
        self.print_errors(out)
    }

    fn print_words(&self, words: &WordsTally, out: &mut impl Write) -> io::Result<()> {
        let head = ["метка", "строк", "верно", "лишних", "пропущено", "точность", "полнота", "F1"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(words.topics.iter().map(|topic| {
            vec![
                topic.topic.clone(),
                topic.rows.to_string(),
                topic.right.to_string(),
                topic.extra.to_string(),
                topic.missed.to_string(),
                measured(topic.precision),
                measured(topic.recall),
                measured(topic.f1),
            ]
        }));
        lines(out, &rows)?;
        let macro_f1 = words.macro_f1.map_or("—".to_owned(), number);
        writeln!(out, "Верно: {}", measured(words.accuracy))?;
        let (min, topics) = (self.about.min_rows, words.macro_topics);
        writeln!(out, "Средняя F1 меток от {min} строк (их {topics}): {macro_f1}")?;
        if !words.confusions.is_empty() {
            writeln!(out, "\nЧто за что принято (показано {SHOWN} самых частых):")?;
            let pairs = words.confusions.iter().take(SHOWN).map(|pair| {
                let got = pair.got.as_deref().unwrap_or("ничего");
                vec![format!("  {}", pair.wanted), format!("→ {got}"), pair.rows.to_string()]
            });
            lines(out, &pairs.collect::<Vec<_>>())?;
        }
        if words.rules.iter().any(|rule| rule.right < rule.matched) {
            writeln!(out, "\nПравила, которые чаще всего ошибаются (показано {SHOWN}):")?;
            let head = ["  правило", "строк", "верно", "точность", "решило неверно"];
            let mut rows = vec![head.map(str::to_owned).to_vec()];
            let bad = words.rules.iter().filter(|rule| rule.right < rule.matched);
            rows.extend(bad.take(SHOWN).map(|rule| {
                vec![
                    format!("  {}", rule.rule),
                    rule.matched.to_string(),
                    rule.right.to_string(),
                    measured(rule.precision),
                    rule.spoiled.to_string(),
                ]
            }));
            lines(out, &rows)?;
        }
        Ok(())
    }

    fn print_levels(&self, out: &mut impl Write) -> io::Result<()> {
        let head = ["уровень", "строк", "доля"].map(str::to_owned).to_vec();
        let mut rows = vec![head];
        rows.extend(self.levels.iter().map(|level| {
            vec![level.level.name().to_owned(), level.rows.to_string(), measured(level.share)]
        }));
        lines(out, &rows)?;
        let high = self.levels.iter().filter(|it| it.level >= RiskLevel::High);
        let high = measure::share(high.map(|it| it.rows).sum(), self.about.rows);
        writeln!(out, "high и выше: {}", measured(high))
    }

    fn print_errors(&self, out: &mut impl Write) -> io::Result<()> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let what = match self.about.mode {
            Mode::Levels => "Строки уровня high и выше",
            _ => "Неверные строки",
        };
        writeln!(out, "\n{what} (показано {} из {}):", self.errors.len(), self.wrong)?;
        for wrong in &self.errors {
            writeln!(out, "  {}: надо {}, вышло {}", wrong.id, wrong.wanted, wrong.got)?;
            writeln!(out, "    {}", wrong.text)?;
        }
        Ok(())
    }
}

fn print_flags(flags: &FlagTally, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "AUC по risk.score: {}", measured(flags.auc))?;
    let (yes, no) = (flags.true_rows, flags.false_rows);
    writeln!(out, "true (строк {yes}), high и выше: {}", measured(flags.true_high))?;
    writeln!(out, "false (строк {no}), high и выше: {}", measured(flags.false_high))
}

fn flag_tally(rows: &[Row]) -> FlagTally {
    let (yes, no) = tally::count_flags(rows);
    let high = |scores: &Scores| measure::share(scores.from(HIGH), scores.rows());
    FlagTally {
        auc: measure::auc(&yes, &no),
        true_rows: yes.rows(),
        true_high: high(&yes),
        false_rows: no.rows(),
        false_high: high(&no),
    }
}

fn level_tally(rows: &[Row]) -> Vec<LevelTally> {
    let all = rows.len() as u64;
    let tally = |level| {
        let here = rows.iter().filter(|row| RiskLevel::of(row.score) == level).count() as u64;
        LevelTally { level, rows: here, share: measure::share(here, all) }
    };
    RiskLevel::ALL.map(tally).to_vec()
}

/// Rows that are wrong, in the order of the file, with what was found.
fn wrong_rows<'a>(
    mode: Mode,
    rows: &'a [Row],
    predicted: &[Option<String>],
) -> Vec<(&'a Row, String)> {
    let risk = |row: &Row| {
        let topic = row.votes.first().map_or("без темы", |vote| vote.topic.as_str());
        format!("{} {} ({topic})", RiskLevel::of(row.score).name(), row.score)
    };
    let mut wrong = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let high = row.score >= HIGH;
        match (mode, &row.label) {
            (Mode::Levels, _) if high => wrong.push((row, risk(row))),
            (Mode::Flag, Some(Label::Flag(flag))) if *flag != high => {
                wrong.push((row, risk(row)));
            }
            (Mode::Topics | Mode::Languages, Some(Label::Word(word))) => {
                let got = predicted.get(at).and_then(Option::as_deref);
                if got != Some(word) {
                    wrong.push((row, got.unwrap_or("ничего").to_owned()));
                }
            }
            _ => {}
        }
    }
    wrong
}

/// At most `count` of `all`, evenly spread, so that a sorted file shows all its parts.
fn spread<T>(all: &[T], count: usize) -> Vec<&T> {
    let count = count.min(all.len());
    (0..count).filter_map(|number| all.get(number * all.len() / count)).collect()
}

fn wanted(row: &Row) -> String {
    match &row.label {
        Some(Label::Word(word)) => word.clone(),
        Some(Label::Flag(flag)) => flag.to_string(),
        None => "—".to_owned(),
    }
}

fn lines(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    table::aligned(rows).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// A number as it is written in Russian.
fn number(value: f64) -> String {
    format!("{value:.3}").replace('.', ",")
}

fn measured(found: Option<Measured>) -> String {
    found.map_or("—".to_owned(), |it| {
        format!("{} [{}–{}]", number(it.value), number(it.low), number(it.high))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_rows_are_spread_over_the_file() {
        let all: Vec<u32> = (0..10).collect();
        for (count, expected) in [(0, &[][..]), (3, &[0, 3, 6]), (10, &all), (99, &all)] {
            let found: Vec<u32> = spread(&all, count).into_iter().copied().collect();
            assert_eq!(found, expected, "{count}");
        }
    }

    #[test]
    fn numbers_are_written_in_russian() {
        assert_eq!(number(0.851_2), "0,851");
        assert_eq!(measured(measure::share(1, 2)), "0,500 [0,095–0,905]");
        assert_eq!(measured(None), "—");
    }
}
