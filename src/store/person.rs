//! What a person does to problems: merging two, splitting posts off.
//!
//! Place in the flow: behind a command. Invariants: a merge or split is one transaction with its
//! events, so the trail and the memberships cannot disagree; ids never change, a merged problem
//! keeps its own and says which one has its posts; posts that were split off are remembered and
//! never join that problem again.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rusqlite::params;

use super::column::{At, time};
use super::error::Result;
use super::post::PostRow;
use super::problem::{append, read};
use super::{Store, Tx, follow, post, voice};
use crate::model::{
    PostId, PostKey, Problem, ProblemEvent, ProblemEventKind, ProblemId, Recount, Share, SourceId,
    TopicId,
};

/// How a merge or split ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum PersonEnd {
    /// Done; so many posts moved.
    Moved(u32),
    /// There is no such problem.
    Unknown(ProblemId),
    /// It has been merged already, or both are the same.
    Same,
    /// These posts are none of the problem's, or all of them.
    Nothing,
}

/// Posts that a person takes out of a problem.
#[derive(Debug, Clone)]
pub struct SplitOff {
    /// The problem.
    pub from: ProblemId,
    /// The posts.
    pub posts: BTreeSet<PostKey>,
    /// Id of the problem they become.
    pub new: ProblemId,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// The problem that has the posts of `id` now, whatever was merged; nothing if it is not known.
    pub async fn living_problem(&self, id: &ProblemId) -> Result<Option<Problem>> {
        let id = id.clone();
        self.read(move |tx| living(tx, &id)).await
    }

    /// Joins `from` to `into`: its posts move, and posts of its key follow them from now on.
    pub async fn merge_problems(
        &self,
        from: &ProblemId,
        into: &ProblemId,
        at: Timestamp,
    ) -> Result<PersonEnd> {
        let (from, into) = (from.clone(), into.clone());
        self.write(move |tx| merge(tx, &from, &into, at)).await
    }

    /// Makes some posts of a problem a problem of their own.
    pub async fn split_problem(&self, split: SplitOff) -> Result<PersonEnd> {
        self.write(move |tx| part(tx, &split)).await
    }

    /// Posts that people took out of problems: which, out of which problem, and when.
    pub async fn parted_posts(&self) -> Result<Vec<(PostKey, ProblemId, Timestamp)>> {
        self.read(|tx| {
            tx.rows(
                "SELECT source, post, problem, at FROM parted WHERE district = ?1
                 ORDER BY source, post, problem",
                params![tx.district],
                |row| {
                    let post = PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) };
                    Ok((post, ProblemId(row.get(2)?), row.get::<_, At>(3)?.0))
                },
            )
        })
        .await
    }

    /// Posts of a problem that name this street or house.
    pub async fn members_at(&self, id: &ProblemId, address: &str) -> Result<BTreeSet<PostKey>> {
        let (id, address) = (id.clone(), address.to_owned());
        self.read(move |tx| {
            let posts = tx.rows(
                "SELECT source, post FROM membership
                 WHERE district = ?1 AND problem = ?2 AND address = ?3",
                params![tx.district, id.as_str(), address],
                |row| Ok(PostKey { source: SourceId(row.get(0)?), id: PostId(row.get(1)?) }),
            )?;
            Ok(posts.into_iter().collect())
        })
        .await
    }

    /// Texts of the latest posts of a problem that are no copies, with the street and house that
    /// each names.
    pub async fn members_said(
        &self,
        id: &ProblemId,
        limit: u32,
    ) -> Result<Vec<(String, Option<String>)>> {
        let id = id.clone();
        self.read(move |tx| {
            tx.rows(
                "SELECT post.text, membership.address FROM membership
                 JOIN post ON post.district = membership.district
                     AND post.source = membership.source AND post.id = membership.post
                 WHERE membership.district = ?1 AND membership.problem = ?2
                     AND membership.copy = 0
                 ORDER BY membership.published DESC, membership.source DESC, membership.post DESC
                 LIMIT ?3",
                params![tx.district, id.as_str(), limit],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
    }
}

/// The problem that has the posts of `id` now; nothing if it is not known.
pub(super) fn living(tx: &Tx<'_>, id: &ProblemId) -> Result<Option<Problem>> {
    let mut met: BTreeSet<ProblemId> = BTreeSet::new();
    let mut found = read(tx, id)?.map(|row| row.problem);
    // However long the chain: only rows that lie could make a circle of it.
    while let Some(into) = found.as_ref().and_then(|problem| problem.merged.clone()) {
        if !met.insert(into.clone()) {
            break;
        }
        found = read(tx, &into)?.map(|row| row.problem);
    }
    Ok(found)
}

fn merge(tx: &Tx<'_>, from: &ProblemId, into: &ProblemId, at: Timestamp) -> Result<PersonEnd> {
    let Some(source) = read(tx, from)? else { return Ok(PersonEnd::Unknown(from.clone())) };
    let Some(target) = read(tx, into)? else { return Ok(PersonEnd::Unknown(into.clone())) };
    let (source, target) = (source.problem, target.problem);
    if from == into || source.merged.is_some() || target.merged.is_some() {
        return Ok(PersonEnd::Same);
    }
    if source.topic != target.topic {
        speak_of(tx, from, &target.topic)?;
    }
    let moved = tx.exec(
        "UPDATE membership SET problem = ?3 WHERE district = ?1 AND problem = ?2
             AND NOT EXISTS (SELECT 1 FROM membership AS other
                 WHERE other.district = membership.district AND other.problem = ?3
                     AND other.source = membership.source AND other.post = membership.post)",
        params![tx.district, from.as_str(), into.as_str()],
    )?;
    count_sources(tx, into)?;
    // What was in both stays in one: if that was the main problem of a post, it is so now.
    tx.exec(
        "UPDATE membership SET main = 1 WHERE district = ?1 AND problem = ?3
             AND EXISTS (SELECT 1 FROM membership AS other
                 WHERE other.district = membership.district AND other.problem = ?2
                     AND other.source = membership.source AND other.post = membership.post
                     AND other.main = 1)",
        params![tx.district, from.as_str(), into.as_str()],
    )?;
    let both = tx.exec(
        "DELETE FROM membership WHERE district = ?1 AND problem = ?2",
        params![tx.district, from.as_str()],
    )?;
    count_sources(tx, from)?;
    let moved = u32::try_from(moved).unwrap_or(u32::MAX);
    let came = source.posts.saturating_sub(u32::try_from(both).unwrap_or(u32::MAX));
    let absorbed = absorbed(tx, from, source.share(came), &target, at)?;
    follow::go_over(tx, from, into)?;
    let merged = ProblemEventKind::Merged { into: into.clone() };
    append(tx, &[(from.clone(), ProblemEvent { at, kind: merged }), (into.clone(), absorbed)])?;
    Ok(PersonEnd::Moved(moved))
}

/// The event of posts that `into` has now, with the counts of all its members.
fn absorbed(
    tx: &Tx<'_>,
    from: &ProblemId,
    share: Share,
    into: &Problem,
    at: Timestamp,
) -> Result<ProblemEvent> {
    let event = |share: Share, recount| {
        let (from, share) = (from.clone(), Box::new(share));
        ProblemEvent { at, kind: ProblemEventKind::Absorbed { from, share, recount } }
    };
    let mut whole = into.clone();
    whole.apply(&event(share.clone(), None));
    let counted = recount(tx, &whole)?;
    // Voices of another topic cannot be told from those here: their number is a lower bound.
    let voices = counted.voices.max(whole.voices);
    let recount = Recount { opened: whole.opened, last: whole.last, voices, ..counted };
    Ok(event(share, Some(recount)))
}

/// Counts the members of a problem anew.
fn recount(tx: &Tx<'_>, problem: &Problem) -> Result<Recount> {
    let back = problem.back.unwrap_or(Timestamp::MIN);
    let counted = tx.row(
        "SELECT MIN(published), MAX(published), COUNT(CASE WHEN published < ?3 THEN 1 END) FROM membership
         WHERE district = ?1 AND problem = ?2 AND NOT (copy = 1 AND own_text IS NOT NULL)",
        params![tx.district, problem.id.as_str(), At(back)],
        |row| Ok((time(row.get(0)?), time(row.get(1)?), row.get::<_, u32>(2)?)),
    )?;
    let (opened, last, before) = counted.unwrap_or_default();
    Ok(Recount {
        opened: opened.unwrap_or(problem.opened),
        last: last.unwrap_or(problem.last),
        before: before.min(problem.posts),
        voices: voice::largest_month(tx, &problem.id, problem.back)?.0,
    })
}

/// Voices join across no topics: members that go over to a problem of another topic take the voice
/// that they have there.
fn speak_of(tx: &Tx<'_>, id: &ProblemId, topic: &TopicId) -> Result<()> {
    tx.exec(
        "UPDATE membership SET
             month = (SELECT voice.month FROM voice WHERE voice.district = membership.district
                 AND voice.source = membership.source AND voice.post = membership.post
                 AND voice.topic = ?3),
             voice = (SELECT voice.voice FROM voice WHERE voice.district = membership.district
                 AND voice.source = membership.source AND voice.post = membership.post
                 AND voice.topic = ?3)
         WHERE district = ?1 AND problem = ?2 AND copy = 0",
        params![tx.district, id.as_str(), topic.as_str()],
    )?;
    Ok(())
}

/// Notes anew which sources carry a problem whose members have changed.
fn count_sources(tx: &Tx<'_>, id: &ProblemId) -> Result<()> {
    tx.exec(
        "DELETE FROM problem_source WHERE district = ?1 AND problem = ?2",
        params![tx.district, id.as_str()],
    )?;
    tx.exec(
        "INSERT INTO problem_source (district, problem, source)
         SELECT DISTINCT district, problem, source FROM membership
         WHERE district = ?1 AND problem = ?2",
        params![tx.district, id.as_str()],
    )?;
    Ok(())
}

fn part(tx: &Tx<'_>, split: &SplitOff) -> Result<PersonEnd> {
    let SplitOff { from, posts, new, at } = split;
    let Some(source) = read(tx, from)? else { return Ok(PersonEnd::Unknown(from.clone())) };
    let source = source.problem;
    if source.merged.is_some() || read(tx, new)?.is_some() {
        return Ok(PersonEnd::Same);
    }
    let mut moved = Vec::new();
    for key in posts {
        let member = post::joined(tx, key)?.iter().any(|(id, _)| id == from);
        moved.extend(post::read(tx, key)?.filter(|_| member));
    }
    let all = tx.number(
        "SELECT COUNT(*) FROM membership WHERE district = ?1 AND problem = ?2",
        params![tx.district, from.as_str()],
    )?;
    let Some(share) = part_of(&source, &moved) else { return Ok(PersonEnd::Nothing) };
    if moved.len() as u64 >= all {
        return Ok(PersonEnd::Nothing);
    }
    for row in &moved {
        take_out(tx, split, &row.post.key)?;
    }
    for id in [from, new] {
        count_sources(tx, id)?;
    }
    let (opened, posts) = (share.opened, share.posts);
    let begun = ProblemEventKind::Opened {
        topic: source.topic.clone(),
        kind: source.kind,
        place: source.place.clone(),
        address: source.address.clone(),
        object: source.object.clone(),
    };
    let begun = ProblemEvent { at: opened, kind: begun };
    let empty = Problem::open(new.clone(), source.topic.clone(), source.kind, None, opened);
    let absorbed = absorbed(tx, from, share, &empty, *at)?;
    let mut stayed = source.clone();
    let split = |recount| ProblemEventKind::Split { new: new.clone(), posts, recount };
    stayed.apply(&ProblemEvent { at: *at, kind: split(None) });
    let counted = recount(tx, &stayed)?;
    // Voices past their retention have no rows: what went takes no more than its own along.
    let moved = voice::largest_month(tx, new, None)?.0;
    let voices = counted.voices.max(source.voices.saturating_sub(moved));
    let parted = split(Some(Recount { voices, ..counted }));
    append(
        tx,
        &[
            (new.clone(), begun),
            (new.clone(), absorbed),
            (from.clone(), ProblemEvent { at: *at, kind: parted }),
        ],
    )?;
    Ok(PersonEnd::Moved(posts))
}

/// What these posts of a problem are by themselves: as alive as it is, and told to nobody. Nothing
/// without posts.
fn part_of(source: &Problem, posts: &[PostRow]) -> Option<Share> {
    let gravest = posts.iter().map(|row| &row.risk).max_by_key(|risk| risk.score)?;
    let times = || posts.iter().map(|row| row.post.published);
    Some(Share {
        opened: times().min()?,
        last: times().max()?,
        score: gravest.score,
        reasons: gravest.reasons.clone(),
        voices: 0,
        alerts: 0,
        told: None,
        acknowledged: None,
        answered: None,
        returns: 0,
        back: None,
        ..source.share(u32::try_from(posts.len()).unwrap_or(u32::MAX))
    })
}

/// Moves one post to the new problem, and remembers that it does not belong to the old one.
fn take_out(tx: &Tx<'_>, split: &SplitOff, key: &PostKey) -> Result<()> {
    let (from, new) = (split.from.as_str(), split.new.as_str());
    let (source, id) = (key.source.as_str(), key.id.as_str());
    tx.exec(
        "UPDATE membership SET problem = ?5
         WHERE district = ?1 AND problem = ?2 AND source = ?3 AND post = ?4",
        params![tx.district, from, source, id, new],
    )?;
    tx.exec(
        "INSERT INTO parted (district, problem, source, post, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (district, source, post, problem) DO NOTHING",
        params![tx.district, from, source, id, At(split.at)],
    )?;
    Ok(())
}
