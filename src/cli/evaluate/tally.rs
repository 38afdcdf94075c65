//! Rows of a labelled file, counted.
//!
//! Place in the flow: between the classifier and the printed report. Invariant: attitude is not
//! among the topics of a row, so it is never a prediction; the same rows give the same counts in
//! any order of threads.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::measure::{self, Measured, Scores};

/// Labels that mean another one: the pandemic is long over, its appeals are about healthcare.
const ALIASES: [(&str, &str); 2] = [("covid", "healthcare"), ("rus", "ru")];
/// The label of texts that no topic of the file fits.
pub const OTHER: &str = "other";
/// Labels of a file that is about languages.
const LANGUAGES: [&str; 3] = ["ru", "bua", "und"];

/// What a row is labelled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// A word: topic or language.
    Word(String),
    /// Yes or no.
    Flag(bool),
}

impl Label {
    /// A word, aliases folded.
    #[must_use]
    pub fn word(word: &str) -> Self {
        let alias = ALIASES.iter().find(|(from, _)| *from == word);
        Label::Word(alias.map_or(word, |(_, to)| to).to_owned())
    }
}

/// A topic of a row with the rules that voted for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// Topic.
    pub topic: String,
    /// `pack:rule`, each once, sorted.
    pub rules: Vec<String>,
}

/// One assessed row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Id, or the number of the line.
    pub id: String,
    /// Its label.
    pub label: Option<Label>,
    /// Topics, best first, without attitude.
    pub votes: Vec<Vote>,
    /// Language.
    pub language: String,
    /// Risk score.
    pub score: u8,
    /// First characters of the text; empty if nobody wants to read it.
    pub sample: String,
}

/// What the labels of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Topics.
    Topics,
    /// Languages.
    Languages,
    /// Yes or no, to be told apart by the risk score.
    Flag,
    /// None: shares of risk levels.
    Levels,
}

/// What the labelled rows are labelled with; the error is a Russian sentence.
pub fn mode(rows: &[Row]) -> Result<Mode, &'static str> {
    let labels: BTreeSet<&Label> = rows.iter().filter_map(|row| row.label.as_ref()).collect();
    let flags = labels.iter().filter(|label| matches!(label, Label::Flag(_))).count();
    let language = |label: &&Label| matches!(label, Label::Word(word) if is_language(word));
    match (labels.len(), flags) {
        (0, _) => Err("ни у одной строки нет этой метки"),
        (all, flags) if flags == all => Ok(Mode::Flag),
        (_, 0) if labels.iter().all(language) => Ok(Mode::Languages),
        (_, 0) => Ok(Mode::Topics),
        _ => Err("метка бывает и словом, и true/false: годится что-то одно"),
    }
}

fn is_language(word: &str) -> bool {
    LANGUAGES.contains(&word)
}

/// How one topic was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopicTally {
    /// Topic.
    pub topic: String,
    /// Rows labelled so.
    pub rows: u64,
    /// Of them predicted so.
    pub right: u64,
    /// Predicted so, labelled otherwise.
    pub extra: u64,
    /// Labelled so, predicted otherwise.
    pub missed: u64,
    /// Share of right ones among the predicted.
    pub precision: Option<Measured>,
    /// Share of right ones among the labelled.
    pub recall: Option<Measured>,
    /// Both together.
    pub f1: Option<Measured>,
}

/// Rows labelled one way and predicted another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confusion {
    /// The label.
    pub wanted: String,
    /// The prediction; `None`: no topic of the file.
    pub got: Option<String>,
    /// How many.
    pub rows: u64,
}

/// How one rule voted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleTally {
    /// `pack:rule`.
    pub rule: String,
    /// Labelled rows it matched.
    pub matched: u64,
    /// Of them labelled with its topic.
    pub right: u64,
    /// Rows whose wrong prediction is its topic.
    pub spoiled: u64,
    /// Share of right ones.
    pub precision: Option<Measured>,
}

/// Everything counted about words as labels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WordsTally {
    /// Share of rows predicted right.
    pub accuracy: Option<Measured>,
    /// Mean F1 of the topics with enough rows.
    pub macro_f1: Option<f64>,
    /// How many topics have enough rows.
    pub macro_topics: usize,
    /// Each topic of the file, most rows first.
    pub topics: Vec<TopicTally>,
    /// What is taken for what, most rows first.
    pub confusions: Vec<Confusion>,
    /// The league of rules, worst first.
    pub rules: Vec<RuleTally>,
}

/// The prediction for each row, in their order; `None` where no label of the file was predicted.
#[must_use]
pub fn predictions(rows: &[Row], mode: Mode) -> Vec<Option<String>> {
    let known: BTreeSet<&str> = rows.iter().filter_map(|row| word(row)).collect();
    let predict = |row: &Row| match mode {
        Mode::Languages => Some(row.language.clone()),
        _ => {
            let first = row.votes.iter().find(|vote| known.contains(vote.topic.as_str()));
            let other = || known.contains(OTHER).then(|| OTHER.to_owned());
            first.map(|vote| vote.topic.clone()).or_else(other)
        }
    };
    rows.iter().map(predict).collect()
}

/// The word a row is labelled with.
#[must_use]
pub fn word(row: &Row) -> Option<&str> {
    match &row.label {
        Some(Label::Word(word)) => Some(word),
        _ => None,
    }
}

/// Counts rows labelled with words. Topics with fewer than `min_rows` rows do not enter the mean.
#[must_use]
pub fn count_words(rows: &[Row], predicted: &[Option<String>], min_rows: u64) -> WordsTally {
    let mut topics: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    let mut confusions: BTreeMap<(&str, Option<&str>), u64> = BTreeMap::new();
    for (row, got) in rows.iter().zip(predicted) {
        let Some(wanted) = word(row) else { continue };
        let got = got.as_deref();
        let labelled = topics.entry(wanted).or_default();
        if got == Some(wanted) {
            labelled.0 += 1;
            continue;
        }
        labelled.2 += 1;
        if let Some(got) = got {
            topics.entry(got).or_default().1 += 1;
        }
        *confusions.entry((wanted, got)).or_default() += 1;
    }
    let rows_of = |&(right, _, missed): &(u64, u64, u64)| right + missed;
    let right = topics.values().map(|counts| counts.0).sum();
    let all = topics.values().map(rows_of).sum();
    let enough: Vec<f64> = topics
        .values()
        .filter(|counts| rows_of(counts) >= min_rows.max(1))
        .filter_map(|&(right, extra, missed)| measure::f1(right, extra, missed))
        .map(|f1| f1.value)
        .collect();
    let macro_f1 = (!enough.is_empty()).then(|| enough.iter().sum::<f64>() / enough.len() as f64);
    let mut topics: Vec<TopicTally> = topics.into_iter().map(topic_tally).collect();
    topics.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.topic.cmp(&b.topic)));
    let mut confusions: Vec<Confusion> = confusions
        .into_iter()
        .map(|((wanted, got), rows)| Confusion {
            wanted: wanted.to_owned(),
            got: got.map(str::to_owned),
            rows,
        })
        .collect();
    confusions.sort_by_key(|pair| std::cmp::Reverse(pair.rows));
    WordsTally {
        accuracy: measure::share(right, all),
        macro_f1,
        macro_topics: enough.len(),
        topics,
        confusions,
        rules: league(rows, predicted),
    }
}

fn topic_tally((topic, (right, extra, missed)): (&str, (u64, u64, u64))) -> TopicTally {
    TopicTally {
        topic: topic.to_owned(),
        rows: right + missed,
        right,
        extra,
        missed,
        precision: measure::share(right, right + extra),
        recall: measure::share(right, right + missed),
        f1: measure::f1(right, extra, missed),
    }
}

/// How each rule voted, worst first: by the predictions it spoiled, then by its wrong votes. Rules
/// of topics that the file does not know are left out: nobody said whether they are right.
fn league(rows: &[Row], predicted: &[Option<String>]) -> Vec<RuleTally> {
    let known: BTreeSet<&str> = rows.iter().filter_map(|row| word(row)).collect();
    let mut rules: BTreeMap<&str, (u64, u64, u64)> = BTreeMap::new();
    for (row, got) in rows.iter().zip(predicted) {
        let Some(wanted) = word(row) else { continue };
        for vote in row.votes.iter().filter(|vote| known.contains(vote.topic.as_str())) {
            let right = vote.topic == wanted;
            let spoiled = !right && got.as_ref() == Some(&vote.topic);
            for rule in &vote.rules {
                let counts = rules.entry(rule).or_default();
                counts.0 += 1;
                counts.1 += u64::from(right);
                counts.2 += u64::from(spoiled);
            }
        }
    }
    let mut rules: Vec<RuleTally> = rules
        .into_iter()
        .map(|(rule, (matched, right, spoiled))| RuleTally {
            rule: rule.to_owned(),
            matched,
            right,
            spoiled,
            precision: measure::share(right, matched),
        })
        .collect();
    rules.sort_by(|a, b| {
        let wrong = |rule: &RuleTally| (rule.spoiled, rule.matched - rule.right);
        wrong(b).cmp(&wrong(a)).then_with(|| a.rule.cmp(&b.rule))
    });
    rules
}

/// Scores of the rows labelled true and of those labelled false.
#[must_use]
pub fn count_flags(rows: &[Row]) -> (Scores, Scores) {
    let (mut yes, mut no) = (Scores::default(), Scores::default());
    for row in rows {
        match row.label {
            Some(Label::Flag(true)) => yes.add(row.score),
            Some(Label::Flag(false)) => no.add(row.score),
            _ => {}
        }
    }
    (yes, no)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, votes: &[(&str, &[&str])]) -> Row {
        let votes = votes.iter().map(|(topic, rules)| Vote {
            topic: (*topic).to_owned(),
            rules: rules.iter().map(|&rule| rule.to_owned()).collect(),
        });
        Row {
            id: String::new(),
            label: (!label.is_empty()).then(|| Label::word(label)),
            votes: votes.collect(),
            language: "ru".to_owned(),
            score: 0,
            sample: String::new(),
        }
    }

    #[test]
    fn the_first_topic_that_the_file_knows_is_the_prediction() {
        let rows = [
            row("water", &[("fire", &[]), ("water", &[])]),
            row("covid", &[("healthcare", &[])]),
            row("snow", &[("fire", &[])]),
            row("", &[("snow", &[])]),
        ];
        let known = |rows: &[Row]| {
            let found = predictions(rows, Mode::Topics);
            found.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(known(&rows), "water healthcare  snow");
        let with_other = [&rows[..], &[row("other", &[])]].concat();
        assert_eq!(known(&with_other), "water healthcare other snow other");
    }

    #[test]
    fn words_are_counted_by_hand() {
        let rows = [
            row("water", &[("water", &["water:a"])]),
            row("water", &[("water", &["water:a", "water:b"])]),
            row("water", &[("snow", &["snow:a"]), ("water", &["water:b"])]),
            row("snow", &[("snow", &["snow:a"])]),
            row("snow", &[("water", &["water:b"]), ("fire", &["fire:a"])]),
            row("gas", &[]),
        ];
        let found = count_words(&rows, &predictions(&rows, Mode::Topics), 2);
        let topics: Vec<_> =
            found.topics.iter().map(|t| (&*t.topic, t.right, t.extra, t.missed)).collect();
        assert_eq!(topics, [("water", 2, 1, 1), ("snow", 1, 1, 1), ("gas", 0, 0, 1)]);
        assert_eq!(found.accuracy.map(|it| it.value), Some(0.5));
        // F1 of water 2/3, of snow 1/2; gas has too few rows.
        assert_eq!((found.macro_f1, found.macro_topics), (Some((2.0 / 3.0 + 0.5) / 2.0), 2));
        let pairs: Vec<_> =
            found.confusions.iter().map(|c| (&*c.wanted, c.got.as_deref(), c.rows)).collect();
        assert_eq!(
            pairs,
            [("gas", None, 1), ("snow", Some("water"), 1), ("water", Some("snow"), 1)]
        );
        let rules: Vec<_> =
            found.rules.iter().map(|r| (&*r.rule, r.matched, r.right, r.spoiled)).collect();
        assert_eq!(rules, [("snow:a", 2, 1, 1), ("water:b", 3, 2, 1), ("water:a", 2, 2, 0)]);
    }

    #[test]
    fn labels_say_what_is_measured() {
        let flag = |flag| Row { label: Some(Label::Flag(flag)), ..row("", &[]) };
        let check = |rows: &[Row], expected| assert_eq!(mode(rows).ok(), expected, "{rows:?}");
        check(&[row("water", &[]), row("ru", &[])], Some(Mode::Topics));
        check(&[row("rus", &[]), row("bua", &[])], Some(Mode::Languages));
        check(&[flag(true), row("", &[])], Some(Mode::Flag));
        check(&[flag(true), row("water", &[])], None);
        check(&[row("", &[])], None);
    }
}
