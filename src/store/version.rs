//! Older versions of edited posts: hash and bare assessment, no word of the text.
//!
//! Place in the flow: written when a page brings another text, read when problems are joined once
//! more. Invariant: nothing here lets a text be read again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};

use super::column::{At, Json};
use super::error::Result;
use super::post::PostRow;
use super::{Store, Tx};
use crate::model::{PlaceId, PostId, PostKey, SourceId, TopicId};

/// Topics of the older texts of edited posts, oldest first, each with the time of the text after
/// it.
pub type OlderTopics = BTreeMap<PostKey, Vec<(Timestamp, BTreeSet<TopicId>)>>;

/// What stays of an older version: topics, rules, places and points, no words.
#[derive(Serialize)]
struct BareAssessment<'a> {
    language: &'a str,
    score: u8,
    reasons: Vec<(&'a str, i32)>,
    topics: Vec<BareTopic<'a>>,
    places: Vec<&'a PlaceId>,
}

#[derive(Serialize)]
struct BareTopic<'a> {
    topic: &'a TopicId,
    score: u8,
    rules: Vec<&'a str>,
}

/// Keeps what may stay of a post that gets a new text.
pub(super) fn keep(tx: &Tx<'_>, stored: &PostRow, now: Timestamp) -> Result<()> {
    let assessment = stored.assessment(tx)?;
    let bare = BareAssessment {
        language: &assessment.language.0,
        score: assessment.risk.score,
        reasons: assessment.risk.reasons.iter().map(|r| (r.reason.as_str(), r.points)).collect(),
        topics: assessment
            .findings
            .iter()
            .map(|found| BareTopic {
                topic: &found.topic,
                score: found.score,
                rules: found.matches.iter().map(|hit| hit.rule.as_str()).collect(),
            })
            .collect(),
        places: assessment.places.iter().filter_map(|found| found.place.as_ref()).collect(),
    };
    tx.exec(
        "INSERT INTO post_version (district, source, post, version, fingerprint, assessment,
             lexicon, replaced)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (district, source, post, version) DO NOTHING",
        params![
            tx.district,
            stored.post.key.source.as_str(),
            stored.post.key.id.as_str(),
            stored.version,
            stored.fingerprint,
            Json(&bare),
            stored.lexicon,
            At(now),
        ],
    )?;
    Ok(())
}

/// The part of a bare assessment that is read again.
#[derive(Deserialize)]
struct OnlyTopics {
    topics: Vec<OnlyTopic>,
}

#[derive(Deserialize)]
struct OnlyTopic {
    topic: TopicId,
}

impl Store {
    /// Topics of all older texts.
    pub async fn older_topics(&self) -> Result<OlderTopics> {
        self.read(|tx| {
            let rows = tx.rows(
                "SELECT source, post, replaced, assessment FROM post_version WHERE district = ?1
                 ORDER BY source, post, version",
                params![tx.district],
                |row| {
                    let key = PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) };
                    let topics = row.get::<_, Json<OnlyTopics>>(3)?.0.topics;
                    let topics = topics.into_iter().map(|it| it.topic).collect();
                    Ok((key, (row.get::<_, At>(2)?.0, topics)))
                },
            )?;
            let mut older = OlderTopics::new();
            for (key, version) in rows {
                older.entry(key).or_default().push(version);
            }
            Ok(older)
        })
        .await
    }
}
