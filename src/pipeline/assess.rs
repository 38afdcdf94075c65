//! From a post that came through the door to everything that is stored about it.
//!
//! Place in the flow: normalise → classify → resolve the place → score, for one post; called for
//! each page of a source and each batch of imported lines. Invariant: attitude ends here, as a
//! tally that only the weekly count can read; what goes on carries no trace of it but the two marks
//! of the work row.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use jiff::Timestamp;
use otklik_collectors::door::{Door, Seed};
use otklik_collectors::{Author, RawPost};

use super::district::District;
use super::works;
use crate::classify::Gazetteer;
use crate::classify::resolve::{Surroundings, resolve};
use crate::classify::{ECHO, OBJECT};
use crate::classify::{Scratch, classify};
use crate::model::digest::Week;
use crate::model::{
    Classified, Finding, PlaceBy, PlaceFinding, PlaceId, Post, PostId, PostKey, Risk, Source,
    SourceScope, Span, TopicId, month_of,
};
use crate::risk::{self, RiskContext};
use crate::store::{
    Assessment, AttitudeTally, ParentFacts, PostCommit, SeenPost, VoiceMark, WorkMarks,
};
use crate::text::{self, fingerprint::fingerprint};

/// What is known beside the posts of one batch.
pub struct Batch<'a> {
    /// Whose rules hold.
    pub district: &'a District,
    /// The only maker of seeds.
    pub door: &'a Door,
    /// Where the posts come from.
    pub source: &'a Source,
    /// Places and topics of stored posts that are answered by posts of this batch.
    pub parents: BTreeMap<PostKey, ParentFacts>,
    /// What came with posts beside their texts.
    pub given: BTreeMap<PostId, Given>,
    /// Hashes of the texts of this batch's posts that are stored already.
    pub stored: BTreeMap<PostKey, Vec<u8>>,
    /// The present instant: publication time of posts that have none.
    pub now: Timestamp,
}

/// What somebody said about a post beside its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Its settlement.
    pub place: Option<PlaceId>,
    /// Its topic, never an attitude.
    pub topic: Option<TopicId>,
}

/// What assessing made of a batch.
#[derive(Default)]
pub struct Assessed {
    /// Posts to be stored.
    pub posts: Vec<PostCommit>,
    /// Posts that are stored with the same text: nothing new can be said about them.
    pub seen: Vec<SeenPost>,
    /// Posts over whose text a stage broke down: they are not stored.
    pub broken: Vec<PostKey>,
}

/// Assesses the posts of one batch in order. Posts that are not ours (a regional source's text
/// without one of our places) are left out.
pub fn assess(batch: &mut Batch<'_>, raws: Vec<RawPost>, scratch: &mut Scratch) -> Assessed {
    let mut raws = raws;
    // Posts before their comments, so that a comment finds its parent's place.
    raws.sort_by_key(|raw| raw.parent.is_some());
    let mut assessed = Assessed::default();
    let mut threads = Threads::new();
    for raw in raws {
        let (mut post, author) = text::normalise(raw, batch.source, batch.now);
        post.place = batch.given.get(&post.key.id).and_then(|given| given.place.clone());
        let key = post.key.clone();
        let fingerprint = fingerprint(&post.text).to_be_bytes().to_vec();
        if batch.stored.get(&key) == Some(&fingerprint) {
            assessed.seen.push(SeenPost { key, fingerprint, counts: post.counts });
            continue;
        }
        let one = AssertUnwindSafe(|| {
            assess_one(batch, post, fingerprint, &author, &mut threads, scratch)
        });
        let Ok(ours) = std::panic::catch_unwind(one) else {
            // One text must not keep the others of its page, and those of all later ones, from us.
            *scratch = Scratch::default();
            assessed.broken.push(key);
            continue;
        };
        if let Some(commit) = ours {
            let topics =
                commit.assessment.findings.iter().map(|finding| finding.topic.clone()).collect();
            let places = commit.assessment.places.clone();
            batch.parents.insert(key, ParentFacts { places, topics });
            assessed.posts.push(commit);
        }
    }
    assessed
}

/// Places that the answers of this batch name themselves, by the post they answer. Answers of
/// earlier pages are not looked up: the store has no index by parent.
pub(super) type Threads = BTreeMap<PostId, Vec<PlaceFinding>>;

/// Assesses one post; `None` if it is not ours.
pub(super) fn assess_one(
    batch: &Batch<'_>,
    post: Post,
    fingerprint: Vec<u8>,
    author: &Author,
    threads: &mut Threads,
    scratch: &mut Scratch,
) -> Option<PostCommit> {
    let district = batch.district;
    let mut classified = classify(&post.text, &district.lexicon, scratch);
    let given = batch.given.get(&post.key.id);
    if let Some(topic) = given.and_then(|given| given.topic.as_ref()) {
        name_topic(&mut classified, district, topic, &post.text);
    }
    let places = resolve_places(batch, &post, &classified, threads);
    // A settlement of ours, or the district by its name.
    let ours = places
        .iter()
        .any(|place| !place.elsewhere && (place.place.is_some() || !place.title.is_empty()));
    if batch.source.scope == SourceScope::Region && !ours {
        return None;
    }
    let risk = score(district, &post, &classified, &places);
    let seed = seed_of(batch, &post, author);
    let objects = objects(&classified);
    let parent = parent_of(batch, &post);
    let echo = parent.is_some() && is_echo(&post, &classified);
    let voices = voices(&post, &classified, &objects, parent.filter(|_| echo), &seed);
    let attitude = tallies(district, &post, &classified, &seed);
    // A house and an object in it may tell of a problem though no pack knows the complaint.
    let at_house = places.iter().any(|place| place.street.is_some() && place.house.is_some());
    let waits = !classified.findings.is_empty()
        || (post.official && post.parent.is_some())
        || echo
        || (at_house && !objects.is_empty())
        || works::announces(&post, &district.zone);
    let work = waits.then(|| marks_of(district, &post, &classified, &places, echo));
    Some(PostCommit {
        fingerprint,
        assessment: Assessment {
            language: classified.language,
            findings: classified.findings,
            places,
            risk,
            lexicon: district.lexicon.hash().to_owned(),
        },
        voices,
        attitude,
        work,
        post,
    })
}

/// How a post may join problems. Of attitude only this goes on: that it is no ground.
pub fn marks_of(
    district: &District,
    post: &Post,
    classified: &Classified,
    places: &[PlaceFinding],
    echo: bool,
) -> WorkMarks {
    let plain = classified.attitude.is_empty();
    WorkMarks {
        ground: plain && !post.official,
        quotable: plain && !post.official && !post.repost,
        risks: topic_risks(district, post, classified, places),
        objects: objects(classified),
        echo,
    }
}

/// Points of a topic that a person named and the packs did not find.
const NAMED_SCORE: u8 = 80;

/// Adds a topic that a person named. It is about the whole text.
fn name_topic(classified: &mut Classified, district: &District, topic: &TopicId, text: &str) {
    let kind = district.lexicon.topic(topic.as_str()).and_then(|topic| topic.kind.topic());
    let known = classified.findings.iter().any(|finding| finding.topic == *topic);
    let (Some(kind), false) = (kind, known) else { return };
    let end = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    classified.findings.push(Finding {
        topic: topic.clone(),
        score: NAMED_SCORE,
        kind,
        matches: Vec::new(),
        clause: Some(Span { start: 0, end }),
    });
    classified
        .findings
        .sort_by(|one, two| two.score.cmp(&one.score).then_with(|| one.topic.cmp(&two.topic)));
}

/// Risk of one post. Attitude is not among the inputs.
pub fn score(
    district: &District,
    post: &Post,
    classified: &Classified,
    places: &[PlaceFinding],
) -> Risk {
    let context = risk_context(district, post, places);
    risk::score(classified, &|topic| district.topic_facts(topic), &context, &district.risk)
}

/// Risk of each topic alone.
fn topic_risks(
    district: &District,
    post: &Post,
    classified: &Classified,
    places: &[PlaceFinding],
) -> BTreeMap<TopicId, Risk> {
    let context = risk_context(district, post, places);
    let risk = |finding: &Finding| {
        let facts = district.topic_facts(&finding.topic)?;
        let rules = &district.risk;
        let risk = risk::score_finding(finding, &facts, &classified.signals, &context, rules);
        Some((finding.topic.clone(), risk))
    };
    classified.findings.iter().filter_map(risk).collect()
}

fn risk_context(district: &District, post: &Post, places: &[PlaceFinding]) -> RiskContext {
    let mut named = places.iter().filter(|place| place.place.is_some()).peekable();
    RiskContext {
        date: post.published.to_zoned(district.zone.clone()).date(),
        elsewhere: named.peek().is_some() && named.all(|place| place.elsewhere),
        official: post.official,
        repost: post.repost,
    }
}

fn resolve_places(
    batch: &Batch<'_>,
    post: &Post,
    classified: &Classified,
    threads: &mut Threads,
) -> Vec<PlaceFinding> {
    let gazetteer = district_places(batch.district);
    let titled = |id: &PlaceId| gazetteer.title(id).map(|title| (id.clone(), title.to_owned()));
    let parent = parent_of(batch, post).map(|parent| parent.places.clone());
    let siblings = post.parent.as_ref().map(|parent| threads.entry(parent.clone()).or_default());
    let thread = siblings.as_deref().cloned().unwrap_or_default();
    if let Some(siblings) = siblings {
        siblings.extend(classified.places.iter().filter(|p| p.place.is_some()).cloned());
    }
    let elsewhere = classified.places.iter().any(|place| place.elsewhere);
    let around = Surroundings {
        in_passing: elsewhere && gazetteer.only_in_passing(&post.text),
        thread,
        given: post.place.as_ref().and_then(titled),
        parent: parent.unwrap_or_default(),
        source: batch.source.place.as_ref().and_then(titled),
    };
    let mut places = resolve(&classified.places, &around);
    if places.is_empty() && batch.source.scope == SourceScope::District {
        places.push(whole_district(batch.district));
    }
    places
}

/// What a text is about that nothing places closer.
fn whole_district(district: &District) -> PlaceFinding {
    PlaceFinding {
        place: None,
        title: district.name.clone(),
        by: PlaceBy::District,
        elsewhere: false,
        span: None,
        street: None,
        house: None,
        street_start: None,
        street_end: None,
    }
}

fn district_places(district: &District) -> &Gazetteer {
    district.lexicon.gazetteer()
}

/// The seed that voices are made of. A page in its own name speaks with the source's seed; texts
/// without an author all speak with one anonymous seed. No imported author can be called like
/// either, because a line refuses control characters.
fn seed_of(batch: &Batch<'_>, post: &Post, author: &Author) -> Seed {
    match author {
        Author::Person(seed) => seed.clone(),
        Author::Source => batch.door.seed(&format!("\0source:{}", post.key.source), post.published),
        Author::Service | Author::Anonymous => batch.door.seed("\0anonymous", post.published),
    }
}

/// One voice a topic: of those found, of the object named, and for a comment that only agrees of
/// those of the post it answers.
fn voices(
    post: &Post,
    classified: &Classified,
    objects: &Objects,
    echoed: Option<&ParentFacts>,
    seed: &Seed,
) -> Vec<VoiceMark> {
    if post.official {
        return Vec::new();
    }
    let found = classified.findings.iter().map(|finding| &finding.topic);
    let named = objects.values().map(|(_, topic)| topic);
    let echoed = echoed.into_iter().flat_map(|parent| &parent.topics);
    let topics: BTreeSet<&TopicId> = found.chain(named).chain(echoed).collect();
    topics
        .into_iter()
        .map(|topic| VoiceMark {
            topic: topic.clone(),
            month: month_of(post.published),
            voice: seed.voice(topic.as_str()).0,
        })
        .collect()
}

/// Object named within a topic: its name and the topic of its problems.
/// Object within each topic, with the topic that its problem gets.
pub type Objects = BTreeMap<TopicId, (String, TopicId)>;

/// The objects that a text names: of several within a topic the one that the list has first.
pub fn objects(classified: &Classified) -> Objects {
    let mut ranked: BTreeMap<TopicId, (u32, (String, TopicId))> = BTreeMap::new();
    for signal in &classified.signals {
        let parts: Vec<&str> = signal.name.split(':').collect();
        let [OBJECT, topic, first, name] = parts.as_slice() else { continue };
        let object = (signal.amount, ((*name).to_owned(), TopicId::from(*first)));
        let best = ranked.entry(TopicId::from(*topic)).or_insert_with(|| object.clone());
        if object.0 < best.0 {
            *best = object;
        }
    }
    ranked.into_iter().map(|(topic, (_, object))| (topic, object)).collect()
}

/// Most words of a comment that only agrees: who says more tells something of his own.
const ECHO_WORDS_MAX: usize = 10;

/// Whether a text names nothing itself and only agrees («+1», «у нас тоже»).
pub fn is_echo(post: &Post, classified: &Classified) -> bool {
    let agrees = classified.signals.iter().any(|signal| signal.name == ECHO);
    let short = post.text.split_whitespace().count() <= ECHO_WORDS_MAX;
    agrees && short && classified.findings.is_empty() && !post.official
}

fn parent_of<'a>(batch: &'a Batch<'_>, post: &Post) -> Option<&'a ParentFacts> {
    let id = post.parent.clone()?;
    batch.parents.get(&PostKey { source: post.key.source.clone(), id })
}

fn tallies(
    district: &District,
    post: &Post,
    classified: &Classified,
    seed: &Seed,
) -> Vec<AttitudeTally> {
    // A page in its own name counts for no k.
    if post.official || post.own_name {
        return Vec::new();
    }
    let week = Week::of(post.published.to_zoned(district.zone.clone()).date()).name();
    classified
        .attitude
        .iter()
        .map(|attitude| {
            let voice = seed.voice(attitude.pack.as_str()).0;
            AttitudeTally::new(attitude.pack.clone(), week.clone(), voice)
        })
        .collect()
}
