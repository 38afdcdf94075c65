//! Findings and places of a post as rows.
//!
//! Place in the flow: written with the post in one transaction, read for grouping, counting and
//! export. Invariant: a blanked post keeps topics, scores, rule names and settlements, and no word
//! of its text.

use rusqlite::params;

use super::Tx;
use super::column::{Json, Word, span};
use super::error::Result;
use crate::model::{Finding, Match, PlaceFinding, PlaceId, PostKey, Wording};

/// Writes the findings of a post.
pub(super) fn write(tx: &Tx<'_>, post: &PostKey, findings: &[Finding]) -> Result<()> {
    for finding in findings {
        tx.exec(
            "INSERT INTO finding (district, source, post, topic, kind, score, matches, clause_start,
                 clause_end)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (district, source, post, topic) DO UPDATE SET kind = excluded.kind,
                 score = excluded.score, matches = excluded.matches,
                 clause_start = excluded.clause_start, clause_end = excluded.clause_end",
            params![
                tx.district,
                post.source.as_str(),
                post.id.as_str(),
                finding.topic.as_str(),
                Word(finding.kind),
                finding.score,
                Json(&finding.matches),
                finding.clause.map(|clause| clause.start),
                finding.clause.map(|clause| clause.end),
            ],
        )?;
    }
    Ok(())
}

/// Writes the places of a post that has none yet.
pub(super) fn write_places(tx: &Tx<'_>, post: &PostKey, places: &[PlaceFinding]) -> Result<()> {
    for (position, found) in (0_u32..).zip(places) {
        tx.exec(
            "INSERT INTO place_finding (district, source, post, position, place, title, found_by,
                 elsewhere, span_start, span_end, street, house, street_start, street_end)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            params![
                tx.district,
                post.source.as_str(),
                post.id.as_str(),
                position,
                found.place.as_ref().map(PlaceId::as_str),
                found.title,
                Word(found.by),
                found.elsewhere,
                found.span.map(|span| span.start),
                found.span.map(|span| span.end),
                found.street,
                found.house,
                found.street_start,
                found.street_end,
            ],
        )?;
    }
    Ok(())
}

/// Findings of a post, best first, ties by topic.
pub(super) fn read(tx: &Tx<'_>, post: &PostKey) -> Result<Vec<Finding>> {
    tx.rows(
        "SELECT topic, kind, score, matches, clause_start, clause_end FROM finding
         WHERE district = ?1 AND source = ?2 AND post = ?3 ORDER BY score DESC, topic",
        params![tx.district, post.source.as_str(), post.id.as_str()],
        |row| {
            Ok(Finding {
                topic: row.get(0)?,
                kind: row.get::<_, Word<_>>(1)?.0,
                score: row.get(2)?,
                matches: row.get::<_, Json<_>>(3)?.0,
                clause: span(row.get(4)?, row.get(5)?),
            })
        },
    )
}

/// Places of a post, in their order.
pub(super) fn read_places(tx: &Tx<'_>, post: &PostKey) -> Result<Vec<PlaceFinding>> {
    tx.rows(
        "SELECT place, title, found_by, elsewhere, span_start, span_end, street, house,
             street_start, street_end
         FROM place_finding WHERE district = ?1 AND source = ?2 AND post = ?3 ORDER BY position",
        params![tx.district, post.source.as_str(), post.id.as_str()],
        |row| {
            Ok(PlaceFinding {
                place: row.get::<_, Option<String>>(0)?.map(PlaceId),
                title: row.get(1)?,
                by: row.get::<_, Word<_>>(2)?.0,
                elsewhere: row.get(3)?,
                span: span(row.get(4)?, row.get(5)?),
                street: row.get(6)?,
                house: row.get(7)?,
                street_start: row.get(8)?,
                street_end: row.get(9)?,
            })
        },
    )
}

/// Deletes findings, places and voices of a post; returns the numbers in this order.
pub(super) fn delete(tx: &Tx<'_>, post: &PostKey) -> Result<[u64; 3]> {
    let mut deleted = [0; 3];
    let statements = [
        "DELETE FROM finding WHERE district = ?1 AND source = ?2 AND post = ?3",
        "DELETE FROM place_finding WHERE district = ?1 AND source = ?2 AND post = ?3",
        "DELETE FROM voice WHERE district = ?1 AND source = ?2 AND post = ?3",
    ];
    for (number, sql) in deleted.iter_mut().zip(statements) {
        let key = params![tx.district, post.source.as_str(), post.id.as_str()];
        *number = tx.exec(sql, key)? as u64;
    }
    Ok(deleted)
}

/// Takes the words of the text out of findings and places.
pub(super) fn blank(tx: &Tx<'_>, post: &PostKey) -> Result<()> {
    let bare: Vec<Finding> = read(tx, post)?.into_iter().map(without_words).collect();
    write(tx, post, &bare)?;
    tx.exec(
        "DELETE FROM place_finding
         WHERE district = ?1 AND source = ?2 AND post = ?3 AND place IS NULL",
        params![tx.district, post.source.as_str(), post.id.as_str()],
    )?;
    tx.exec(
        "UPDATE place_finding SET span_start = NULL, span_end = NULL, street = NULL, house = NULL,
             street_start = NULL, street_end = NULL
         WHERE district = ?1 AND source = ?2 AND post = ?3",
        params![tx.district, post.source.as_str(), post.id.as_str()],
    )?;
    Ok(())
}

/// The same finding without words and without places in the text.
pub(super) fn without_words(mut finding: Finding) -> Finding {
    for Match { text, span, .. } in &mut finding.matches {
        *text = Wording::default();
        (span.start, span.end) = (0, 0);
    }
    finding.clause = None;
    finding
}
