//! All packs and lists, compiled into one structure.
//!
//! Place in the flow: made when packs are loaded or reloaded, then read by every `classify`.
//! Invariants: a lexicon exists only if its packs have no fault and their examples hold; the same
//! files give the same hash and the same numbers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::config::packs::PackFile;
use crate::config::{Fault, Season, Severity};
use crate::model::{RuleName, TopicId, Wording};
use crate::text::Tokens;
use crate::text::words::QuickMap;

use super::fields::Text;
use super::lists::{self, Entry, EntryDraft, ListDraft};
use super::merge::merge;
use super::pack::{self, Draft, PackKind, RuleDraft};
use super::place::Gazetteer;
use super::program::Program;
use super::query::{self, Query};
use super::terms::{IS_FILLER, IS_GUESS, IS_PLACE, IS_TROUBLE, Meaning, NONE, Terms};
use super::{Scratch, proof, street};

/// Rules all packs may have together.
pub const RULES_MAX: usize = 100_000;
/// Words, marks and regular expressions all packs may have together.
pub const TERMS_MAX: usize = 500_000;

/// How many lexicons there have been.
static LEXICONS: AtomicU64 = AtomicU64::new(1);

/// A pack as the rest of the program sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Id of the pack.
    pub id: TopicId,
    /// Title for people.
    pub title: String,
    /// Kind.
    pub kind: PackKind,
    /// Severity, 1–5.
    pub severity: u8,
    /// Default owner, a key of `routes.toml`.
    pub department: Option<String>,
    /// Season.
    pub season: Option<Season>,
    /// Advice, printed verbatim.
    pub advice: Vec<String>,
    /// Codes for hand-off: `buryatia`, `incident`, `pos`.
    pub codes: BTreeMap<String, String>,
}

/// A rule as `explain` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `pack:rule`, or `_list:line` for an entry of a list.
    pub name: RuleName,
    /// What it belongs to.
    pub owner: Owner,
    /// Points, 1–100.
    pub weight: u8,
    /// File it stands in.
    pub file: Arc<Path>,
    /// Line of its query, from 1.
    pub line: u32,
    /// Query as typed.
    pub find: String,
}

/// What a rule belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Number of a topic.
    Topic(u32),
    /// Settles its clause.
    Marker {
        /// Whether it names itself what is settled.
        subject: bool,
        /// Whether it settles the whole sentence.
        sentence: bool,
    },
    /// Keeps its clause from being settled.
    Guard,
    /// Number of an entry in `entries`.
    Entry(u32),
}

/// What every match asks of its rule, kept close together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// Bytes of its name among all names.
    name: (u32, u32),
    /// What the rule belongs to.
    pub(super) owner: Owner,
    /// Its points.
    pub(super) weight: u8,
    /// Whether something keeps it from matching.
    pub(super) has_unless: bool,
}

/// All packs, compiled.
#[derive(Debug)]
pub struct Lexicon {
    hash: String,
    /// Tells this lexicon from every other one of the process.
    pub(super) serial: u64,
    topics: Vec<Topic>,
    rules: Vec<Rule>,
    /// One for each of `rules`.
    heads: Vec<Head>,
    /// The names of all rules, one behind the other.
    names: Arc<str>,
    warnings: Vec<Fault>,
    /// Signals and offers.
    pub(super) entries: Vec<Entry>,
    /// Branches before this number belong to markers and guards.
    pub(super) polarity_branches: u32,
    pub(super) terms: Terms,
    pub(super) program: Program,
    pub(super) gazetteer: Gazetteer,
}

impl Lexicon {
    /// Compiles the files of a `keywords/` folder: packs, lists (`_*.toml`), overlays (`local/`).
    /// Lists that are lacking are the shipped ones. Errors: every fault of every file, sorted.
    pub fn compile(files: Vec<PackFile>, gazetteer: Gazetteer) -> Result<Self, Vec<Fault>> {
        let mut files = files;
        files.extend(lists::lacking(&files));
        let mut faults = Vec::new();
        let (mut packs, mut lists) = read(&files, &mut faults);
        let mut builder = Builder::new(&files, gazetteer);
        for list in &mut lists {
            builder.list(list);
        }
        builder.entries();
        for pack in &mut packs {
            builder.pack(pack);
        }
        faults.append(&mut builder.faults);
        let broken = builder.broken_files(&faults);
        let lexicon = builder.finish();
        let judged = packs.iter().filter(|pack| !broken.contains(&pack.file));
        faults.extend(proof::examples(&lexicon, judged, &files, &mut Scratch::new()));
        finish(lexicon, faults)
    }

    /// 16 hex digits that name the content of all files.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// All packs, sorted by id.
    #[must_use]
    pub fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// The pack called `id`.
    #[must_use]
    pub fn topic(&self, id: &str) -> Option<&Topic> {
        let at = self.topics.binary_search_by(|topic| topic.id.as_str().cmp(id)).ok()?;
        self.topics.get(at)
    }

    /// All rules, those of lists first.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule called `pack:rule`.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// Name, owner and weight of rule number `rule`.
    #[inline]
    pub(super) fn head(&self, rule: u32) -> &Head {
        &self.heads[rule as usize]
    }

    /// The name of rule number `rule`.
    #[inline]
    pub(super) fn name(&self, rule: u32) -> RuleName {
        RuleName::within(&self.names, self.head(rule).name)
    }

    /// The topic of number `number`.
    pub(super) fn topic_at(&self, number: u32) -> &Topic {
        &self.topics[number as usize]
    }

    /// What a folded word means to packs and places.
    pub(super) fn meaning(&self, word: &str) -> Meaning {
        let mut meaning = self.terms.meaning(word);
        meaning.class = street::words::class(word);
        if self.gazetteer.begins(word) {
            meaning.flags |= IS_PLACE;
            if meaning.flags & IS_GUESS != 0 {
                (meaning.stem, meaning.flags) = (NONE, meaning.flags & !IS_GUESS);
            }
        }
        meaning
    }

    /// Names of the objects within topics that `_objects.toml` lists.
    #[must_use]
    pub fn objects(&self) -> BTreeSet<String> {
        let names = self.entries.iter().filter_map(|entry| match entry {
            Entry::Object { names, .. } => Some(names),
            _ => None,
        });
        let own = |name: &Wording| name.rsplit(':').next().unwrap_or(name).to_owned();
        names.flatten().map(own).collect()
    }

    /// What is worth a look in the files, though it stops nothing.
    #[must_use]
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// Known places and organisations.
    #[must_use]
    pub fn gazetteer(&self) -> &Gazetteer {
        &self.gazetteer
    }
}

fn finish(mut lexicon: Lexicon, mut faults: Vec<Fault>) -> Result<Lexicon, Vec<Fault>> {
    let key = |fault: &Fault| (fault.file.clone(), fault.line, fault.column, fault.text.clone());
    faults.sort_by_key(key);
    faults.dedup();
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults);
    }
    lexicon.warnings = faults;
    Ok(lexicon)
}

/// Reads all files; packs come back merged.
fn read(files: &[PackFile], faults: &mut Vec<Fault>) -> (Vec<Draft>, Vec<ListDraft>) {
    let (mut shipped, mut local, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for (number, file) in files.iter().enumerate() {
        if file.is_list() {
            let (list, found) = lists::read(file, number);
            lists.push(list);
            faults.extend(found);
            continue;
        }
        let (draft, found) = pack::read(file, number, file.is_local());
        if found.is_empty() {
            if file.is_local() { local.push(draft) } else { shipped.push(draft) }
        }
        faults.extend(found);
    }
    (merge(shipped, local, files, faults), lists)
}

struct Builder<'f> {
    files: &'f [PackFile],
    lexicon: Lexicon,
    terms: usize,
    faults: Vec<Fault>,
    /// For each file the bytes at which its lines end.
    ends: Vec<Vec<usize>>,
    /// Paths of the files, shared by their rules.
    paths: Vec<Arc<Path>>,
    /// Names of all rules.
    names: String,
    /// Signals and offers, compiled behind markers and guards.
    later: Vec<EntryDraft>,
    /// Buffers of the query parser.
    tokens: Tokens,
}

impl<'f> Builder<'f> {
    fn new(files: &'f [PackFile], gazetteer: Gazetteer) -> Self {
        let lexicon = Lexicon {
            hash: hash(files),
            serial: LEXICONS.fetch_add(1, Ordering::Relaxed),
            topics: Vec::new(),
            rules: Vec::new(),
            heads: Vec::new(),
            names: Arc::from(""),
            warnings: Vec::new(),
            entries: Vec::new(),
            polarity_branches: 0,
            terms: Terms::new(),
            program: Program::default(),
            gazetteer,
        };
        let ends = |file: &PackFile| file.text.match_indices('\n').map(|(at, _)| at).collect();
        let ends = files.iter().map(ends).collect();
        let paths = files.iter().map(|file| Arc::from(file.path.as_path())).collect();
        let (faults, later, tokens) = (Vec::new(), Vec::new(), Tokens::default());
        let names = String::new();
        Self { files, lexicon, terms: 0, faults, ends, paths, names, later, tokens }
    }

    /// Word lists, and the entries that decide polarity.
    fn list(&mut self, list: &mut ListDraft) {
        for (words, flag) in [(&list.filler, IS_FILLER), (&list.trouble, IS_TROUBLE)] {
            if let Some(words) = words {
                self.lexicon.terms.flag(&words.value, flag);
            }
        }
        for draft in &mut list.entries {
            let owner = match draft.entry {
                Entry::Marker { subject, sentence } => Owner::Marker { subject, sentence },
                Entry::Guard => Owner::Guard,
                Entry::Signal { .. } | Entry::Offer { .. } | Entry::Object { .. } => {
                    self.later.push(draft.clone());
                    continue;
                }
            };
            self.entry(draft, owner);
        }
    }

    /// Ends the rules of polarity and compiles the other entries of the lists.
    fn entries(&mut self) {
        self.lexicon.polarity_branches = short(self.lexicon.program.branches.len());
        for mut draft in std::mem::take(&mut self.later) {
            let owner = Owner::Entry(short(self.lexicon.entries.len()));
            self.lexicon.entries.push(draft.entry.clone());
            self.entry(&mut draft, owner);
        }
    }

    fn entry(&mut self, draft: &mut EntryDraft, owner: Owner) {
        let file = &self.files[draft.spot.file];
        let line = self.line(draft.spot.file, draft.spot.at);
        let name = (file.stem(), line.to_string());
        let name = (name.0, name.1.as_str());
        self.rule(name, owner, 1, &mut draft.find, draft.unless.as_ref());
    }

    fn pack(&mut self, draft: &mut Draft) {
        let (Some(title), Some(kind), Some(severity)) =
            (draft.title.clone(), draft.kind, draft.severity)
        else {
            return;
        };
        let owner = Owner::Topic(short(self.lexicon.topics.len()));
        self.lexicon.topics.push(Topic {
            id: draft.id.as_str().into(),
            title,
            kind,
            severity,
            department: draft.department.clone(),
            season: draft.season,
            advice: draft.advice.clone(),
            codes: draft.codes.iter().cloned().collect(),
        });
        let mut names: QuickMap<Cow<'_, str>, ()> = QuickMap::default();
        names.reserve(draft.rules.len());
        for RuleDraft { id, find, unless, weight, .. } in &mut draft.rules {
            let Some(find) = find else { continue };
            let name = rule_name(id.as_deref(), find, unless.as_ref());
            if names.insert(name.clone(), ()).is_some() {
                let file = &self.files[find.file];
                let text = "правило повторяется слово в слово";
                self.faults.push(find.fault(file, 0, text, "уберите одно из двух"));
                continue;
            }
            let weight = weight.unwrap_or(pack::WEIGHT_DEFAULT);
            self.rule((&draft.id, &name), owner, weight, find, unless.as_ref());
        }
    }

    /// Compiles a rule; its query is taken out of `find`.
    fn rule(
        &mut self,
        (pack, name): (&str, &str),
        owner: Owner,
        weight: u8,
        find: &mut Text,
        unless: Option<&Text>,
    ) {
        let query = self.query(find);
        let exclusion = unless.map(|text| self.query(text));
        let (Some(query), Some(exclusion)) = (query, exclusion.map_or(Some(None), |q| q.map(Some)))
        else {
            return;
        };
        let file = &self.files[find.file];
        if self.lexicon.rules.len() == RULES_MAX {
            let text = format!("правил во всех пакетах больше {RULES_MAX}");
            self.faults.push(find.fault(file, 0, text, "уберите лишние пакеты"));
        }
        let before = self.terms;
        self.terms += query.terms() + exclusion.as_ref().map_or(0, Query::terms);
        if before <= TERMS_MAX && self.terms > TERMS_MAX {
            let text = format!("слов во всех пакетах больше {TERMS_MAX}");
            self.faults.push(find.fault(file, 0, text, "уберите лишние пакеты"));
        }
        let line = self.line(find.file, find.at.start);
        self.lexicon.program.add(&query, exclusion.as_ref(), &mut self.lexicon.terms);
        let (path, text) = (Arc::clone(&self.paths[find.file]), std::mem::take(&mut find.value));
        let start = short(self.names.len());
        self.names.extend([pack, ":", name]);
        let own = (start, short(self.names.len()));
        let has_unless = exclusion.is_some();
        self.lexicon.heads.push(Head { name: own, owner, weight, has_unless });
        // Its name is known when all names stand together.
        let name = RuleName::within(&self.lexicon.names, own);
        self.lexicon.rules.push(Rule { name, owner, weight, file: path, line, find: text });
    }

    /// Line of byte `at`, from 1.
    fn line(&self, file: usize, at: usize) -> u32 {
        let before = self.ends[file].partition_point(|&end| end < at);
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    fn query(&mut self, text: &Text) -> Option<Query> {
        match query::parse_with(&text.value, &mut self.tokens) {
            Ok(query) => Some(query),
            Err(found) => {
                let file = &self.files[text.file];
                self.faults.push(text.fault(file, found.offset, found.text, found.fix));
                None
            }
        }
    }

    /// Numbers of the files that have an error: their examples cannot be judged.
    fn broken_files(&self, faults: &[Fault]) -> Vec<usize> {
        let broken = |file: &PackFile| faults.iter().any(|fault| fault.file == file.path);
        (0..self.files.len()).filter(|&number| broken(&self.files[number])).collect()
    }

    fn finish(self) -> Lexicon {
        let mut lexicon = self.lexicon;
        lexicon.names = self.names.into();
        for (rule, head) in lexicon.rules.iter_mut().zip(&lexicon.heads) {
            rule.name = RuleName::within(&lexicon.names, head.name);
        }
        lexicon.program.seal(&mut lexicon.terms);
        lexicon
    }
}

/// The id of a rule, or the hash of its text: never its position.
fn rule_name<'r>(id: Option<&'r str>, find: &Text, unless: Option<&Text>) -> Cow<'r, str> {
    if let Some(id) = id {
        return Cow::Borrowed(id);
    }
    let unless = unless.map_or("", |text| text.value.as_str());
    let words: Vec<&str> = find.value.split_whitespace().collect();
    let text = format!("{}\n{}", words.join(" "), unless);
    Cow::Owned(format!("{:08x}", crate::text::fingerprint(&text) >> 32))
}

fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// 16 hex digits over names and contents, in the order of the names.
fn hash(files: &[PackFile]) -> String {
    let mut sorted: Vec<&PackFile> = files.iter().collect();
    sorted.sort_by_key(|file| (file.is_local(), file.stem().to_owned()));
    let mut sha = Sha256::new();
    for file in sorted {
        let head = format!("{}\0{}\0{}\0", file.is_local(), file.stem(), file.text.len());
        sha.update(head.as_bytes());
        sha.update(file.text.as_bytes());
    }
    sha.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
