//! Voices of a problem: how many people wrote, and what pages said in their own name.
//!
//! Place in the flow: under the problems. Invariants: voices are counted, never listed by person;
//! what was counted once is not lost when its rows pass their retention or go over to a problem of
//! another topic, because the problem's own number is a lower bound.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rusqlite::params;

use super::Tx;
use super::column::At;
use super::error::Result;
use crate::model::{Problem, ProblemId};

/// How many distinct people wrote about a problem since it opened or last came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VoiceCount {
    /// The largest month's number.
    pub voices: u32,
    /// Whether there may be more («не менее»).
    pub at_least: bool,
}

/// What the members of a problem count for.
pub(super) struct Said {
    /// Voices of each month (yyyymm) since the problem opened or last came back.
    pub voices: BTreeMap<u32, BTreeSet<[u8; 8]>>,
    /// Fingerprints of texts that pages published in their own name, with their last time.
    pub own_texts: BTreeMap<Vec<u8>, Timestamp>,
}

/// What members published at `horizon` or later count for.
pub(super) fn said(tx: &Tx<'_>, problem: &Problem, horizon: Timestamp) -> Result<Said> {
    let mut found = Said { voices: BTreeMap::new(), own_texts: BTreeMap::new() };
    let back = problem.back.unwrap_or(Timestamp::MIN);
    let members = tx.rows(
        "SELECT published, month, voice, own_text FROM membership
         WHERE district = ?1 AND problem = ?2 AND published >= ?3
             AND (month IS NOT NULL OR own_text IS NOT NULL)",
        params![tx.district, problem.id.as_str(), At(horizon)],
        |row| {
            let (month, voice) = (row.get::<_, Option<u32>>(1)?, row.get::<_, Option<_>>(2)?);
            Ok((row.get::<_, At>(0)?.0, month.zip(voice), row.get::<_, Option<Vec<u8>>>(3)?))
        },
    )?;
    for (published, voice, own_text) in members {
        if let Some((month, voice)) = voice.filter(|_| published >= back) {
            found.voices.entry(month).or_default().insert(voice);
        }
        if let Some(text) = own_text {
            let last = found.own_texts.entry(text).or_insert(published);
            *last = published.max(*last);
        }
    }
    Ok(found)
}

/// Counts the voices of a problem.
pub(super) fn count_voices(tx: &Tx<'_>, problem: &Problem) -> Result<VoiceCount> {
    let (found, months) = largest_month(tx, &problem.id, problem.back)?;
    Ok(VoiceCount {
        voices: problem.voices.max(found),
        at_least: months > 1 || problem.voices > found || problem.spans_months(),
    })
}

/// Voices of the largest month among the members published at `since` or later, and how many
/// months there are.
pub(super) fn largest_month(
    tx: &Tx<'_>,
    id: &ProblemId,
    since: Option<Timestamp>,
) -> Result<(u32, usize)> {
    let months = tx.rows(
        "SELECT COUNT(DISTINCT voice) FROM membership
         WHERE district = ?1 AND problem = ?2 AND published >= ?3 AND month IS NOT NULL
         GROUP BY month",
        params![tx.district, id.as_str(), At(since.unwrap_or(Timestamp::MIN))],
        |row| row.get::<_, u32>(0),
    )?;
    Ok((months.iter().copied().max().unwrap_or(0), months.len()))
}
