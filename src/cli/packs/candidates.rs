//! `otklik packs candidates`: words that separate confirmed posts of a topic from the rest.
//!
//! Place in the flow: the analyst's question «what does this pack not see yet». Confirmed posts
//! come from the store (members of problems that somebody took into work or that were answered) or
//! from a labelled file. Invariants: a word is shown only if five confirmed posts have it; names
//! are left out; nothing is written.
//!
//! Source of the formula: log-odds ratio with an informative Dirichlet prior and its z-score, B. L.
//! Monroe, M. P. Colaresi, K. M. Quinn, «Fightin' Words», Political Analysis 16, 2008, equations 16
//! and 22; the prior is the frequency of the words in all the posts, [`PRIOR`] posts strong. What
//! is counted is posts with a word, not its repetitions.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::classify::{Lexicon, Scratch, classify};
use crate::config::Need;
use crate::pipeline::confirmed;
use crate::pipeline::district::District;
use crate::text::tokens::{CAPITAL, LATIN, NUMBER, STARTS};
use crate::text::{Stems, Tokens};

use crate::cli::{Exit, Failure, Globals, Result, export, open, say, stream, table};

/// Fewest confirmed posts a word must stand in.
const POSTS_MIN: u64 = 5;
/// Strength of the prior: as if so many posts had been read before.
const PRIOR: f64 = 100.0;

/// Arguments of `packs candidates`.
#[derive(Debug, Args)]
pub struct CandidatesArgs {
    /// Имя словаря
    #[arg(value_name = "СЛОВАРЬ")]
    pack: String,
    /// Размеченный файл .jsonl или .jsonl.gz вместо хранилища
    #[arg(long, value_name = "ФАЙЛ", requires = "label")]
    file: Option<PathBuf>,
    /// Поле файла с темой
    #[arg(long, value_name = "ПОЛЕ", requires = "file")]
    label: Option<String>,
    /// С какого времени брать публикации хранилища: 2026-11-01 или 90d (без ключа: все)
    #[arg(long, value_name = "ВРЕМЯ", conflicts_with = "file")]
    since: Option<String>,
    /// Сколько слов показать
    #[arg(long, value_name = "N", default_value_t = 40, hide_default_value = true)]
    top: usize,
    /// Построчно в JSON
    #[arg(long)]
    json: bool,
}

/// A word or pair of words that may be worth a rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Candidate {
    /// Its most frequent form.
    word: String,
    /// Confirmed posts that have it.
    confirmed: u64,
    /// Other posts that have it.
    others: u64,
    /// Confirmed posts with it in which the pack finds nothing.
    unseen: u64,
    /// How far its log-odds are from those of the rest, in standard deviations.
    z: f64,
}

/// Runs the command.
pub fn run(args: &CandidatesArgs, globals: &Globals) -> Result<Exit> {
    let need = if args.file.is_some() { Need::Classify } else { Need::Store };
    let settings = globals.settings_or_shipped(need)?;
    let district = District::load_rules(&settings, true)?;
    if district.lexicon.topic(&args.pack).is_none() {
        let text = format!("нет словаря «{}» → какие есть: otklik packs list", args.pack);
        return Err(Failure::usage(text));
    }
    let mut corpus = Corpus::new(&district.lexicon, &args.pack);
    match (&args.file, &args.label) {
        (Some(file), Some(label)) => of_file(&mut corpus, file, label)?,
        _ => {
            let store = open::store_to_read(&settings)?;
            let since = args.since.as_deref().map(|it| export::since_of(it, &district.zone));
            let since = since.transpose()?;
            let pack = args.pack.as_str();
            open::wait(async {
                let mut add = |text: &str, is: bool| corpus.add(text, is);
                Ok(confirmed::each(&store, pack, since, &mut add).await?)
            })?;
        }
    }
    let (confirmed, others) = (corpus.confirmed, corpus.others);
    if confirmed < POSTS_MIN {
        let text = format!("подтверждённых публикаций темы «{}»: {confirmed}", args.pack);
        let fix = "нужно хотя бы 5: взятые в работу или отвеченные проблемы, либо --file и --label";
        return Err(Failure::failed(format!("{text} → {fix}")));
    }
    let mut found = corpus.candidates();
    found.truncate(args.top);
    if args.json {
        for candidate in &found {
            say!("{}", serde_json::to_string(candidate).map_err(std::io::Error::from)?)?;
        }
        return Ok(Exit::Done);
    }
    say!("Подтверждённых публикаций {confirmed}, остальных {others}.")?;
    let head = ["слова", "подтв.", "остальн.", "словарь не видит", "z"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(found.iter().map(|it| {
        let z = format!("{:.1}", it.z).replace('.', ",");
        let counts = [it.confirmed, it.others, it.unseen].map(|count| count.to_string());
        [vec![it.word.clone()], counts.to_vec(), vec![z]].concat()
    }));
    for line in table::aligned(&rows) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

fn of_file(corpus: &mut Corpus<'_>, file: &std::path::Path, label: &str) -> Result<()> {
    let unreadable =
        |error: std::io::Error| Failure::failed(format!("{}: {error}", file.display()));
    let mut lines = stream::Lines::new(stream::open_input(file).map_err(unreadable)?);
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        let row = line.ok().and_then(|line| serde_json::from_str::<serde_json::Value>(&line).ok());
        let Some(row) = row else { continue };
        let word = |key: &str| row.get(key).and_then(serde_json::Value::as_str);
        if let (Some(text), Some(topic)) = (word("text"), word(label)) {
            corpus.add(text, topic == corpus.pack);
        }
    }
    Ok(())
}

/// Counts of one word or pair.
#[derive(Default)]
struct Counts {
    confirmed: u64,
    others: u64,
    unseen: u64,
    forms: BTreeMap<String, u64>,
    /// Posts in which it stands without the capital of a name.
    plain: u64,
}

struct Corpus<'a> {
    lexicon: &'a Lexicon,
    pack: &'a str,
    stems: Stems,
    tokens: Tokens,
    scratch: Scratch,
    confirmed: u64,
    others: u64,
    words: BTreeMap<String, Counts>,
}

impl<'a> Corpus<'a> {
    fn new(lexicon: &'a Lexicon, pack: &'a str) -> Self {
        Self {
            lexicon,
            pack,
            stems: Stems::new(),
            tokens: Tokens::default(),
            scratch: Scratch::new(),
            confirmed: 0,
            others: 0,
            words: BTreeMap::new(),
        }
    }

    /// Counts the words of one post, each once.
    fn add(&mut self, text: &str, confirmed: bool) {
        let seen = confirmed && {
            let found = classify(text, self.lexicon, &mut self.scratch);
            found.findings.iter().any(|finding| finding.topic.as_str() == self.pack)
        };
        self.tokens.fill(text);
        let mut own: BTreeMap<String, (String, bool)> = BTreeMap::new();
        let mut before: Option<(String, String, bool, u32)> = None;
        for (at, token) in self.tokens.list().iter().enumerate() {
            if token.is(NUMBER) || token.is(LATIN) {
                before = None;
                continue;
            }
            let form = self.tokens.text(at).to_owned();
            let stem = self.stems.stem(&form);
            let plain = !token.is(CAPITAL) || token.is(STARTS);
            let word = own.entry(stem.clone()).or_insert_with(|| (form.clone(), false));
            word.1 |= plain && !token.is(STARTS);
            if let Some((first, first_form, first_plain, _)) =
                before.filter(|before| before.3 == token.clause)
            {
                let pair = format!("{first_form} {form}");
                let known = own.entry(format!("{first} {stem}")).or_insert((pair, false));
                known.1 |= plain && first_plain;
            }
            before = Some((stem, form, plain, token.clause));
        }
        *if confirmed { &mut self.confirmed } else { &mut self.others } += 1;
        for (stem, (form, plain)) in own {
            let counts = self.words.entry(stem).or_default();
            *if confirmed { &mut counts.confirmed } else { &mut counts.others } += 1;
            counts.unseen += u64::from(confirmed && !seen);
            counts.plain += u64::from(plain);
            if confirmed {
                *counts.forms.entry(form).or_default() += 1;
            }
        }
    }

    /// All candidates, best first.
    fn candidates(&self) -> Vec<Candidate> {
        let totals = self
            .words
            .values()
            .fold((0, 0), |sum, counts| (sum.0 + counts.confirmed, sum.1 + counts.others));
        let shown = |counts: &&Counts| {
            counts.confirmed >= POSTS_MIN && counts.plain * 2 >= counts.confirmed
        };
        let of = |counts: &Counts| {
            let most = counts.forms.iter().max_by_key(|(form, count)| (**count, form.len()));
            Candidate {
                word: most.map(|(form, _)| form.clone()).unwrap_or_default(),
                confirmed: counts.confirmed,
                others: counts.others,
                unseen: counts.unseen,
                z: z_score((counts.confirmed, totals.0), (counts.others, totals.1)),
            }
        };
        let mut found: Vec<Candidate> = self.words.values().filter(shown).map(of).collect();
        found.retain(|candidate| candidate.z > 0.0);
        found.sort_by(|a, b| b.z.total_cmp(&a.z).then_with(|| a.word.cmp(&b.word)));
        found
    }
}

/// z-score of the log-odds of a word with `(count, all)` here against `(count, all)` there.
fn z_score(here: (u64, u64), there: (u64, u64)) -> f64 {
    let all = (here.1 + there.1).max(1) as f64;
    let prior = PRIOR * (here.0 + there.0) as f64 / all;
    let odds = |(count, total): (u64, u64)| {
        let with = count as f64 + prior;
        (with / (total as f64 + PRIOR - with)).ln()
    };
    let spread = 1.0 / (here.0 as f64 + prior) + 1.0 / (there.0 as f64 + prior);
    (odds(here) - odds(there)) / spread.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::Gazetteer;

    #[test]
    fn the_formula_by_hand() {
        // 10 of 100 here, 5 of 900 there: prior 1.5 of 100.
        let z = z_score((10, 100), (5, 900));
        let (here, there) = (11.5_f64 / 188.5, 6.5_f64 / 993.5);
        let expected = (here.ln() - there.ln()) / (1.0 / 11.5 + 1.0 / 6.5_f64).sqrt();
        assert!((z - expected).abs() < 1e-12, "{z} {expected}");
        assert!(z_score((5, 100), (45, 900)).abs() < 1e-9, "as frequent here as there");
    }

    #[test]
    fn words_of_the_topic_come_first_and_names_not_at_all() {
        let lexicon = Lexicon::compile(super::super::history::shipped(), Gazetteer::empty());
        let lexicon = lexicon.expect("the shipped packs");
        let mut corpus = Corpus::new(&lexicon, "water");
        for number in 0..8 {
            corpus.add(&format!("Опять колонка у Выдумова пустая, {number} день"), true);
            corpus.add(&format!("Опять концерт в клубе, {number} билетов"), false);
        }
        let found = corpus.candidates();
        let words: Vec<&str> = found.iter().map(|it| it.word.as_str()).collect();
        assert!(words[..3].contains(&"колонка"), "{words:?}");
        assert!(!words.iter().any(|word| word.contains("выдумов")), "{words:?}");
        assert!(!words.contains(&"опять"), "{words:?}");
    }
}
