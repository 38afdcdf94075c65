//! Posts as rows: one row a post, its older versions as hash and assessment.
//!
//! Place in the flow: [`super::page`] writes them, grouping, alerts and export read them.
//! Invariants: no column tells who wrote it; attitude has no column; an older version holds no word
//! of the text.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use super::attitude::AttitudeTally;
use super::column::{At, Count, Json, Word, at, time};
use super::error::Result;
use super::{Store, Tx, finding};
use crate::model::{
    Counts, Finding, Language, PlaceFinding, PlaceId, Post, PostId, PostKey, ProblemId, QuoteRef,
    Risk, RiskLevel, RiskReason, SourceId, TopicId,
};

/// What the pure stages said about a post. Attitude is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// Language of the text.
    pub language: Language,
    /// Topics, best first.
    pub findings: Vec<Finding>,
    /// Places, resolved: named in the text, taken from the parent, the thread or the source.
    pub places: Vec<PlaceFinding>,
    /// Risk of the post.
    pub risk: Risk,
    /// Hash of the packs that judged it.
    pub lexicon: String,
}

/// One distinct person in one topic of one month. Cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct VoiceMark {
    /// Topic.
    pub topic: TopicId,
    /// Month of the key that made it, as yyyymm.
    pub month: u32,
    /// The voice.
    pub voice: [u8; 8],
}

/// How a post may join problems. Kept only while the post waits to be grouped: a row that stayed
/// would tell which posts carry an attitude.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WorkMarks {
    /// Whether it may be a ground of an alert.
    pub ground: bool,
    /// Whether its clause may be quoted.
    pub quotable: bool,
    /// Risk of each of its topics alone: a post about two things is not equally grave in both.
    pub risks: BTreeMap<TopicId, Risk>,
    /// Object named within a topic: its name and the topic of its problems.
    pub objects: BTreeMap<TopicId, (String, TopicId)>,
    /// Whether it only agrees with the post it answers.
    pub echo: bool,
}

/// What a comment takes over from the post it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParentFacts {
    /// Places of that post.
    pub places: Vec<PlaceFinding>,
    /// Topics of that post.
    pub topics: Vec<TopicId>,
}

/// A post to be stored, with everything decided about it.
pub struct PostCommit {
    /// The post.
    pub post: Post,
    /// Hash of its text: the same hash means the same text.
    pub fingerprint: Vec<u8>,
    /// What was said about it.
    pub assessment: Assessment,
    /// Voices, one a topic found. A post in its source's own name has none.
    pub voices: Vec<VoiceMark>,
    /// Attitude, counted on the first sight of the post only.
    pub attitude: Vec<AttitudeTally>,
    /// How it joins problems; `None` if it waits for no grouping.
    pub work: Option<WorkMarks>,
}

/// What became of a stored post's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PostState {
    /// Here.
    Live,
    /// Removed by its author; the text is gone here too.
    Gone,
    /// Past its retention; the text is gone.
    Expired,
}

/// A post out of the store. The text is empty unless the state is live.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPost {
    /// The post.
    pub post: Post,
    /// What became of its text.
    pub state: PostState,
    /// What was said about it; without words of the text unless it is live.
    pub assessment: Assessment,
    /// When it was first stored.
    pub stored: Timestamp,
    /// Problems it joined, the main one first.
    pub problems: Vec<ProblemId>,
    /// Its main problem.
    pub main_problem: Option<ProblemId>,
}

/// Where a list of posts goes on: behind this one, by (published, source, id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostMark {
    /// When the last one was published.
    pub published: Timestamp,
    /// Its key.
    pub key: PostKey,
}

impl Store {
    /// One post.
    pub async fn post(&self, key: &PostKey) -> Result<Option<StoredPost>> {
        let key = key.clone();
        self.read(move |tx| match read(tx, &key)? {
            Some(row) => row.complete(tx).map(Some),
            None => Ok(None),
        })
        .await
    }

    /// Hashes of the texts of these posts, as far as they are stored and not gone.
    pub async fn fingerprints(&self, keys: &[PostKey]) -> Result<BTreeMap<PostKey, Vec<u8>>> {
        let keys = keys.to_vec();
        self.read(move |tx| {
            let mut found = BTreeMap::new();
            for key in &keys {
                let fingerprint = tx.row(
                    "SELECT fingerprint FROM post
                     WHERE district = ?1 AND source = ?2 AND id = ?3 AND state <> 'gone'",
                    params![tx.district, key.source.as_str(), key.id.as_str()],
                    |row| row.get::<_, Vec<u8>>(0),
                )?;
                found.extend(fingerprint.map(|fingerprint| (key.clone(), fingerprint)));
            }
            Ok(found)
        })
        .await
    }

    /// Places and topics of these posts (of parents, before their comments are assessed). Unknown
    /// posts are left out.
    pub async fn places_of(&self, keys: &[PostKey]) -> Result<BTreeMap<PostKey, ParentFacts>> {
        let keys = keys.to_vec();
        self.read(move |tx| {
            let mut found = BTreeMap::new();
            for key in &keys {
                let places = finding::read_places(tx, key)?;
                let findings = finding::read(tx, key)?;
                if !places.is_empty() || !findings.is_empty() {
                    let topics = findings.into_iter().map(|finding| finding.topic).collect();
                    found.insert(key.clone(), ParentFacts { places, topics });
                }
            }
            Ok(found)
        })
        .await
    }

    /// Those of these posts that are stored, with or without their words.
    pub async fn stored(&self, keys: &[PostKey]) -> Result<BTreeSet<PostKey>> {
        let keys = keys.to_vec();
        self.read(move |tx| {
            let mut found = BTreeSet::new();
            for key in &keys {
                let id: Option<String> = tx.row(
                    "SELECT id FROM post WHERE district = ?1 AND source = ?2 AND id = ?3",
                    params![tx.district, key.source.as_str(), key.id.as_str()],
                    |row| row.get(0),
                )?;
                found.extend(id.map(|_| key.clone()));
            }
            Ok(found)
        })
        .await
    }

    /// The words of each quote; `None` where they are gone, erased, or changed since the quote was
    /// chosen.
    pub async fn quotes_text(&self, quotes: &[QuoteRef]) -> Result<Vec<Option<String>>> {
        let quotes = quotes.to_vec();
        self.read(move |tx| quotes.iter().map(|quote| quote_text(tx, quote)).collect()).await
    }

    /// Links to the posts of these quotes, where the posts are still there.
    pub async fn quotes_url(&self, quotes: &[QuoteRef]) -> Result<Vec<Option<String>>> {
        let quotes = quotes.to_vec();
        self.read(move |tx| {
            let live = |quote: &QuoteRef| {
                Ok(quote_text(tx, quote)?.and(read(tx, &quote.post)?).and_then(|row| row.post.url))
            };
            quotes.iter().map(live).collect()
        })
        .await
    }
}

fn quote_text(tx: &Tx<'_>, quote: &QuoteRef) -> Result<Option<String>> {
    let text: Option<String> = tx.row(
        "SELECT text FROM post WHERE district = ?1 AND source = ?2 AND id = ?3",
        params![tx.district, quote.post.source.as_str(), quote.post.id.as_str()],
        |row| row.get(0),
    )?;
    let length = quote.span.end.saturating_sub(quote.span.start) as usize;
    let words: String =
        text.unwrap_or_default().chars().skip(quote.span.start as usize).take(length).collect();
    Ok((!words.is_empty()).then_some(words))
}

/// The post table's columns, in the order [`PostRow::of`] reads them.
macro_rules! post_columns {
    () => {
        "post.source, post.id, post.platform, post.kind, post.parent, post.text, post.masked,
         post.published, post.edited, post.official, post.own_name, post.repost, post.url,
         post.views, post.likes, post.reposts, post.comments, post.place, post.state, post.version,
         post.fingerprint, post.stored, post.language, post.score, post.reasons, post.lexicon"
    };
}
pub(super) use post_columns;

/// Number of columns of [`post_columns`].
pub(super) const POST_COLUMNS: usize = 26;

/// A row of the post table.
pub(super) struct PostRow {
    pub post: Post,
    pub state: PostState,
    pub version: u32,
    pub fingerprint: Vec<u8>,
    pub stored: Timestamp,
    pub language: Language,
    pub risk: Risk,
    pub lexicon: String,
}

impl PostRow {
    pub fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let score = row.get(23)?;
        let reasons = row.get::<_, Json<Vec<RiskReason>>>(24)?.0;
        Ok(Self {
            post: post_of(row)?,
            state: row.get::<_, Word<_>>(18)?.0,
            version: row.get(19)?,
            fingerprint: row.get(20)?,
            stored: row.get::<_, At>(21)?.0,
            language: Language(row.get::<_, String>(22)?.into()),
            risk: Risk { score, level: RiskLevel::of(score), reasons },
            lexicon: row.get(25)?,
        })
    }

    /// Its assessment, with findings and places read beside it.
    pub fn assessment(&self, tx: &Tx<'_>) -> Result<Assessment> {
        Ok(Assessment {
            language: self.language.clone(),
            findings: finding::read(tx, &self.post.key)?,
            places: finding::read_places(tx, &self.post.key)?,
            risk: self.risk.clone(),
            lexicon: self.lexicon.clone(),
        })
    }

    /// The whole stored post.
    pub fn complete(self, tx: &Tx<'_>) -> Result<StoredPost> {
        let assessment = self.assessment(tx)?;
        let joined = joined(tx, &self.post.key)?;
        let main_problem = joined.iter().find(|(_, main)| *main).map(|(id, _)| id.clone());
        Ok(StoredPost {
            post: self.post,
            state: self.state,
            assessment,
            stored: self.stored,
            problems: joined.into_iter().map(|(id, _)| id).collect(),
            main_problem,
        })
    }
}

fn post_of(row: &Row<'_>) -> rusqlite::Result<Post> {
    Ok(Post {
        key: PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) },
        platform: row.get(2)?,
        kind: row.get::<_, Word<_>>(3)?.0,
        parent: row.get::<_, Option<String>>(4)?.map(PostId),
        text: row.get(5)?,
        masked: row.get(6)?,
        published: row.get::<_, At>(7)?.0,
        edited: time(row.get(8)?),
        official: row.get(9)?,
        own_name: row.get(10)?,
        repost: row.get(11)?,
        url: row.get(12)?,
        counts: Counts {
            views: row.get::<_, Option<Count>>(13)?.map(|count| count.0),
            likes: row.get::<_, Option<Count>>(14)?.map(|count| count.0),
            reposts: row.get::<_, Option<Count>>(15)?.map(|count| count.0),
            comments: row.get::<_, Option<Count>>(16)?.map(|count| count.0),
        },
        place: row.get::<_, Option<String>>(17)?.map(PlaceId),
    })
}

/// The row of one post.
pub(super) fn read(tx: &Tx<'_>, key: &PostKey) -> Result<Option<PostRow>> {
    tx.row(
        concat!(
            "SELECT ",
            post_columns!(),
            " FROM post WHERE district = ?1 AND source = ?2 AND id = ?3"
        ),
        params![tx.district, key.source.as_str(), key.id.as_str()],
        PostRow::of,
    )
}

/// Everything that hangs below `tops` by the chain of parents, whatever its state. Reads the
/// parents of a whole source: talks end seldom, and an index would weigh on every comment stored.
pub(super) fn below(tx: &Tx<'_>, tops: &[PostKey]) -> Result<Vec<PostKey>> {
    let mut open: Vec<PostKey> = tops.to_vec();
    let mut found = Vec::new();
    let Some(source) = tops.first().map(|top| top.source.clone()) else { return Ok(found) };
    let mut answers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let parents = tx.rows(
        "SELECT parent, id FROM post
         WHERE district = ?1 AND source = ?2 AND parent IS NOT NULL ORDER BY id",
        params![tx.district, source.as_str()],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    )?;
    for (parent, id) in parents {
        answers.entry(parent).or_default().push(id);
    }
    while let Some(top) = open.pop() {
        // Taken out, so that a ring of parents ends.
        for id in answers.remove(top.id.as_str()).unwrap_or_default() {
            let key = PostKey { source: source.clone(), id: PostId(id) };
            open.push(key.clone());
            found.push(key);
        }
    }
    Ok(found)
}

/// Problems a post joined and whether each is its main one, the main one first.
pub(super) fn joined(tx: &Tx<'_>, key: &PostKey) -> Result<Vec<(ProblemId, bool)>> {
    tx.rows(
        "SELECT problem, main FROM membership
         WHERE district = ?1 AND source = ?2 AND post = ?3 ORDER BY main DESC, problem",
        params![tx.district, key.source.as_str(), key.id.as_str()],
        |row| Ok((ProblemId(row.get(0)?), row.get(1)?)),
    )
}

/// Writes the row of a post and everything that hangs on it, over what was there.
pub(super) fn write(
    tx: &Tx<'_>,
    commit: &PostCommit,
    version: u32,
    stored: Timestamp,
) -> Result<()> {
    let PostCommit { post, assessment, .. } = commit;
    write_row(tx, commit, version, stored)?;
    finding::write(tx, &post.key, &assessment.findings)?;
    finding::write_places(tx, &post.key, &assessment.places)?;
    if post.own_name {
        // The page itself speaks: it counts for no voice threshold.
        return Ok(());
    }
    for mark in &commit.voices {
        tx.exec(
            "INSERT INTO voice (district, source, post, topic, month, voice)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (district, source, post, topic) DO UPDATE SET month = excluded.month,
                 voice = excluded.voice",
            params![
                tx.district,
                post.key.source.as_str(),
                post.key.id.as_str(),
                mark.topic.as_str(),
                mark.month,
                mark.voice,
            ],
        )?;
    }
    Ok(())
}

fn write_row(tx: &Tx<'_>, commit: &PostCommit, version: u32, stored: Timestamp) -> Result<()> {
    let PostCommit { post, assessment, .. } = commit;
    tx.exec(
        "INSERT INTO post (district, source, id, platform, kind, parent, text, masked, published,
             edited, official, own_name, repost, url, views, likes, reposts, comments, place, state,
             version, fingerprint, stored, language, score, reasons, lexicon)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
             ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)
         ON CONFLICT (district, source, id) DO UPDATE SET platform = excluded.platform,
             kind = excluded.kind, parent = COALESCE(excluded.parent, post.parent),
             text = excluded.text, masked = excluded.masked, edited = excluded.edited,
             official = excluded.official, own_name = excluded.own_name, repost = excluded.repost,
             url = excluded.url, views = COALESCE(excluded.views, post.views),
             likes = COALESCE(excluded.likes, post.likes),
             reposts = COALESCE(excluded.reposts, post.reposts),
             comments = COALESCE(excluded.comments, post.comments), place = excluded.place,
             state = excluded.state, version = excluded.version,
             fingerprint = excluded.fingerprint, language = excluded.language,
             score = excluded.score, reasons = excluded.reasons, lexicon = excluded.lexicon",
        params![
            tx.district,
            post.key.source.as_str(),
            post.key.id.as_str(),
            post.platform,
            Word(post.kind),
            post.parent.as_ref().map(PostId::as_str),
            post.text,
            post.masked,
            At(post.published),
            at(post.edited),
            post.official,
            post.own_name,
            post.repost,
            post.url,
            post.counts.views.map(Count),
            post.counts.likes.map(Count),
            post.counts.reposts.map(Count),
            post.counts.comments.map(Count),
            post.place.as_ref().map(PlaceId::as_str),
            Word(PostState::Live),
            version,
            commit.fingerprint,
            At(stored),
            assessment.language.0,
            assessment.risk.score,
            Json(&assessment.risk.reasons),
            assessment.lexicon,
        ],
    )?;
    Ok(())
}
