//! Posts of a topic that somebody confirmed, and all the others.
//!
//! Place in the flow: read by `packs candidates`. Invariant: confirmed are the members of problems
//! that were taken into work or answered; official texts are neither.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::ProblemId;
use crate::store::{PostMark, Store, StoreError, TimeMark};

/// Posts read at once.
const PAGE: u32 = 500;

/// Calls `each` with the text of every post since `since`, and whether it is a confirmed one of
/// `topic`.
pub async fn each(
    store: &Store,
    topic: &str,
    since: Option<Timestamp>,
    each: &mut (dyn FnMut(&str, bool) + Send),
) -> Result<(), StoreError> {
    let mut confirmed: BTreeSet<ProblemId> = BTreeSet::new();
    let mut after: Option<TimeMark> = None;
    loop {
        let page = store.export_problems(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(TimeMark { at: last.problem.opened, id: last.problem.id.0.clone() });
        let sure = page.into_iter().map(|stored| stored.problem).filter(|problem| {
            let taken = problem.acknowledged.is_some() || problem.answered.is_some();
            problem.topic.as_str() == topic && taken
        });
        confirmed.extend(sure.map(|problem| problem.id));
    }
    let mut after: Option<PostMark> = None;
    loop {
        let page = store.export_posts(since, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(PostMark { published: last.post.published, key: last.post.key.clone() });
        for stored in page.iter().filter(|stored| !stored.post.official) {
            let is = stored.problems.iter().any(|problem| confirmed.contains(problem));
            each(&stored.post.text, is);
        }
    }
}
