//! What receivers answered, as rows.
//!
//! Place in the flow: written by a command, read by `alerts show`, by the buttons and by `export`.
//! Invariants: a mark is committed with the event of its problem and the messages it causes; the
//! same mark of the same receiver is one row.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::column::{At, Json, Word};
use super::error::Result;
use super::{Store, Tx, delivery, follow, person, problem, touch};
use crate::model::{
    Alert, AlertId, Delivery, Follow, Mark, Marked, Match, Problem, ProblemEvent, ProblemEventKind,
    ProblemId, ProblemState, RuleName,
};

/// Newest posts of a problem whose rules are counted.
const POSTS_MAX: u32 = 1_000;

/// A mark with what follows from it.
#[derive(Debug, Clone)]
pub struct MarkCommit {
    /// The mark.
    pub marked: Marked,
    /// What happened to its problem.
    pub events: Vec<ProblemEventKind>,
    /// Messages to those to whom it was handed over.
    pub deliveries: Vec<Delivery>,
    /// What must be looked at again since then.
    pub follows: Vec<Follow>,
    /// The present instant.
    pub now: Timestamp,
}

/// Where a list of marks goes on: behind this row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkPlace {
    /// Time of the last row.
    pub at: Timestamp,
    /// Its key: alert, receiver, mark, to.
    pub key: [String; 4],
}

impl MarkPlace {
    /// The place of a row.
    #[must_use]
    pub fn of(marked: &Marked) -> Self {
        let key = [
            marked.alert.0.clone(),
            marked.by.clone(),
            marked.mark.name().to_owned(),
            marked.to.clone().unwrap_or_default(),
        ];
        Self { at: marked.at, key }
    }

    fn start() -> Self {
        Self { at: Timestamp::MIN, key: Default::default() }
    }
}

impl Store {
    /// Keeps a mark, in one transaction with its events and messages. False if this receiver has
    /// made the same mark before: nothing changes then.
    pub async fn mark(&self, commit: MarkCommit) -> Result<bool> {
        self.write(move |tx| mark(tx, &commit)).await
    }

    /// Marks of an alert, oldest first.
    pub async fn marks_of(&self, alert: &AlertId) -> Result<Vec<Marked>> {
        let alert = alert.clone();
        self.read(move |tx| {
            tx.rows(
                concat!(
                    "SELECT ",
                    mark_columns!(),
                    " FROM mark WHERE district = ?1 AND alert = ?2
                     ORDER BY at, marked_by, mark, handed_to"
                ),
                params![tx.district, alert.as_str()],
                mark_of,
            )
        })
        .await
    }

    /// Up to `limit` marks by (at, alert, receiver, mark, to), made at `since` or later, behind
    /// `after`.
    pub async fn marks(
        &self,
        since: Option<Timestamp>,
        after: Option<&MarkPlace>,
        limit: u32,
    ) -> Result<Vec<Marked>> {
        let place = after.cloned().unwrap_or_else(MarkPlace::start);
        self.read(move |tx| {
            let [alert, by, mark, to] = &place.key;
            tx.rows(
                concat!(
                    "SELECT ",
                    mark_columns!(),
                    " FROM mark WHERE district = ?1 AND at >= ?2
                         AND (at, alert, marked_by, mark, handed_to) > (?3, ?4, ?5, ?6, ?7)
                     ORDER BY at, alert, marked_by, mark, handed_to LIMIT ?8"
                ),
                params![
                    tx.district,
                    At(since.unwrap_or(Timestamp::MIN)),
                    At(place.at),
                    alert,
                    by,
                    mark,
                    to,
                    limit
                ],
                mark_of,
            )
        })
        .await
    }

    /// The rules by which posts came into the problem of `alert` until it was decided, by name,
    /// with the number of those posts.
    pub async fn rules_behind(&self, alert: &Alert) -> Result<BTreeMap<RuleName, u32>> {
        let alert = alert.clone();
        self.read(move |tx| {
            let matches = tx.rows(
                "SELECT finding.matches FROM membership
                 JOIN finding ON finding.district = membership.district
                     AND finding.source = membership.source AND finding.post = membership.post
                     AND finding.topic = ?3
                 WHERE membership.district = ?1 AND membership.problem = ?2
                     AND membership.published <= ?4
                 ORDER BY membership.published DESC, membership.source, membership.post LIMIT ?5",
                params![
                    tx.district,
                    alert.problem.as_str(),
                    alert.facts.topic.as_str(),
                    At(alert.at),
                    POSTS_MAX
                ],
                |row| Ok(row.get::<_, Json<Vec<Match>>>(0)?.0),
            )?;
            let mut posts = BTreeMap::new();
            for mut of_post in matches {
                of_post.sort_by(|a, b| a.rule.cmp(&b.rule));
                of_post.dedup_by(|a, b| a.rule == b.rule);
                for found in of_post {
                    *posts.entry(found.rule).or_insert(0) += 1;
                }
            }
            Ok(posts)
        })
        .await
    }
}

macro_rules! mark_columns {
    () => {
        "alert, problem, marked_by, channel, at, mark, handed_to, lexicon, rules"
    };
}
use mark_columns;

fn mark_of(row: &Row<'_>) -> rusqlite::Result<Marked> {
    let to: String = row.get(6)?;
    Ok(Marked {
        alert: AlertId(row.get(0)?),
        problem: ProblemId(row.get(1)?),
        by: row.get(2)?,
        channel: row.get::<_, Option<Word<_>>>(3)?.map(|word| word.0),
        at: row.get::<_, At>(4)?.0,
        mark: row.get::<_, Word<_>>(5)?.0,
        to: (!to.is_empty()).then_some(to),
        lexicon: row.get(7)?,
        rules: row.get::<_, Json<_>>(8)?.0,
    })
}

fn mark(tx: &Tx<'_>, commit: &MarkCommit) -> Result<bool> {
    let marked = &commit.marked;
    let fresh = tx.exec(
        "INSERT INTO mark (district, alert, problem, marked_by, channel, at, mark, handed_to,
             lexicon, rules)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (district, alert, marked_by, mark, handed_to) DO NOTHING",
        params![
            tx.district,
            marked.alert.as_str(),
            marked.problem.as_str(),
            marked.by,
            marked.channel.map(Word),
            At(marked.at),
            Word(marked.mark),
            marked.to.as_deref().unwrap_or_default(),
            marked.lexicon,
            Json(&marked.rules),
        ],
    )?;
    let now = person::living(tx, &marked.problem)?;
    let problem = now.as_ref().map_or(&marked.problem, |problem| &problem.id);
    let closed = now.as_ref().is_some_and(|problem| problem.state == ProblemState::Closed);
    let in_work = now.as_ref().is_some_and(Problem::in_work);
    // Taken again where new facts ended the first time is an answer of its own.
    let again = marked.mark == Mark::Taken && !closed && !in_work;
    // Whoever is away a second time passes it on a second time.
    let passed = marked.mark == Mark::Passed;
    if fresh == 0 && !renewed(tx, marked)? && !again && !passed {
        return Ok(false);
    }
    if closed && marked.mark == Mark::Taken {
        let event = ProblemEvent { at: commit.now, kind: ProblemEventKind::Reinstated };
        problem::append(tx, &[(problem.clone(), event)])?;
    }
    for kind in &commit.events {
        // Who says that it is over after it was over says nothing new.
        if closed && matches!(kind, ProblemEventKind::Closed { .. }) {
            continue;
        }
        let event = ProblemEvent { at: commit.now, kind: kind.clone() };
        problem::append(tx, &[(problem.clone(), event)])?;
    }
    for message in &commit.deliveries {
        delivery::send_anew(tx, message, commit.now)?;
    }
    for row in &commit.follows {
        follow::keep(tx, &Follow { problem: problem.clone(), ..row.clone() })?;
    }
    if marked.mark == Mark::Noise {
        // Nobody is reminded of what should not have been told.
        follow::end_all(tx, problem)?;
    }
    touch::alert(tx, &marked.alert, commit.now)?;
    Ok(true)
}

/// A mark that its receiver has taken back by another one of the same sort counts anew. Whether it
/// was so.
fn renewed(tx: &Tx<'_>, marked: &Marked) -> Result<bool> {
    let renewed = tx.exec(
        "UPDATE mark SET at = ?6
         WHERE district = ?1 AND alert = ?2 AND marked_by = ?3 AND mark = ?4 AND handed_to = ?5
             AND EXISTS (SELECT 1 FROM mark later WHERE later.district = mark.district
                 AND later.alert = mark.alert AND later.marked_by = mark.marked_by
                 AND later.at > mark.at
                 AND (later.mark IN ('useful', 'noise')) = (mark.mark IN ('useful', 'noise')))",
        params![
            tx.district,
            marked.alert.as_str(),
            marked.by,
            Word(marked.mark),
            marked.to.as_deref().unwrap_or_default(),
            At(marked.at),
        ],
    )?;
    Ok(renewed > 0)
}
