//! Taking the words of a post out of everything that was derived from it.
//!
//! Place in the flow: used when a post is edited, gone, expired or erased. Invariant: afterwards no
//! quote points into the old text, and no reason stored with a problem, event or alert cites it.
//! Counts stay. This is the one exception to append-only events: words are blanked, nothing else.

use rusqlite::params;

use super::column::{Json, Word};
use super::error::Result;
use super::post::{PostRow, PostState};
use super::{Tx, finding, post, work};
use crate::model::{
    AlertFacts, PostId, PostKey, ProblemEventKind, ProblemId, QuoteRef, RiskReason, SourceId, Span,
};

/// What stands where words were.
pub const REMOVED: &str = "[удалено]";

/// A match shorter than this is too common to tell whose word it is.
const MATCH_CHARS_MIN: usize = 4;

/// Removes the text of a live post and its words everywhere. False if there was none to remove.
pub(super) fn remove_text(tx: &Tx<'_>, key: &PostKey, state: PostState) -> Result<bool> {
    let Some(row) = post::read(tx, key)?.filter(|row| row.state == PostState::Live) else {
        return Ok(false);
    };
    forget_words(tx, &row, "")?;
    finding::blank(tx, key)?;
    let reasons: Vec<RiskReason> = row.risk.reasons.into_iter().map(bare).collect();
    tx.exec(
        "UPDATE post SET text = '', url = NULL, state = ?4, reasons = ?5
         WHERE district = ?1 AND source = ?2 AND id = ?3",
        params![tx.district, key.source.as_str(), key.id.as_str(), Word(state), Json(reasons)],
    )?;
    work::finish(tx, key)?;
    Ok(true)
}

fn bare(mut reason: RiskReason) -> RiskReason {
    reason.text = REMOVED.to_owned();
    reason
}

/// Takes back quotes and cited words of `row`'s text. Words that `new_text` still has may stay.
pub(super) fn forget_words(tx: &Tx<'_>, row: &PostRow, new_text: &str) -> Result<()> {
    let key = &row.post.key;
    let joined = post::joined(tx, key)?;
    if joined.is_empty() {
        return Ok(());
    }
    let words = Words::of(tx, row, new_text)?;
    tx.exec(
        "UPDATE membership SET quote_start = NULL, quote_end = NULL, sketch = NULL, address = NULL
         WHERE district = ?1 AND source = ?2 AND post = ?3",
        params![tx.district, key.source.as_str(), key.id.as_str()],
    )?;
    for (problem, _) in &joined {
        forget_in_problem(tx, problem, &words)?;
        forget_in_events(tx, problem, &words)?;
        change_alerts(tx, problem, |facts| {
            let quoted = unquote(facts, key);
            words.blank(&mut facts.reasons) || quoted
        })?;
    }
    Ok(())
}

/// Takes the very name of an erased post out of the alerts of a problem; returns how many named it.
pub(super) fn forget_key(tx: &Tx<'_>, problem: &ProblemId, key: &PostKey) -> Result<u64> {
    change_alerts(tx, problem, |facts| {
        let mut changed = false;
        for quote in facts.quotes.iter_mut().filter(|quote| quote.post == *key) {
            quote.post = PostKey { source: SourceId(String::new()), id: PostId(String::new()) };
            changed = true;
        }
        changed
    })
}

/// Empties the spans of quotes of `key`: an empty span reads as removed.
fn unquote(facts: &mut AlertFacts, key: &PostKey) -> bool {
    let mut changed = false;
    for QuoteRef { post, span } in &mut facts.quotes {
        if post == key {
            *span = Span { start: 0, end: 0 };
            changed = true;
        }
    }
    changed
}

fn forget_in_problem(tx: &Tx<'_>, problem: &ProblemId, words: &Words) -> Result<()> {
    let reasons = tx.row(
        "SELECT reasons FROM problem WHERE district = ?1 AND id = ?2",
        params![tx.district, problem.as_str()],
        |row| row.get::<_, Json<Vec<RiskReason>>>(0),
    )?;
    let Some(Json(mut reasons)) = reasons else { return Ok(()) };
    if words.blank(&mut reasons) {
        tx.exec(
            "UPDATE problem SET reasons = ?3 WHERE district = ?1 AND id = ?2",
            params![tx.district, problem.as_str(), Json(reasons)],
        )?;
    }
    Ok(())
}

fn forget_in_events(tx: &Tx<'_>, problem: &ProblemId, words: &Words) -> Result<()> {
    let events = tx.rows(
        "SELECT seq, event FROM problem_event WHERE district = ?1 AND problem = ?2 ORDER BY seq",
        params![tx.district, problem.as_str()],
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Json<ProblemEventKind>>(1)?.0)),
    )?;
    for (seq, mut event) in events {
        let ProblemEventKind::Grew { reasons, .. } = &mut event else { continue };
        if words.blank(reasons) {
            tx.exec(
                "UPDATE problem_event SET event = ?4
                 WHERE district = ?1 AND problem = ?2 AND seq = ?3",
                params![tx.district, problem.as_str(), seq, Json(event)],
            )?;
        }
    }
    Ok(())
}

/// Rewrites the facts of a problem's alerts where `change` says that it changed them; returns how
/// many.
fn change_alerts(
    tx: &Tx<'_>,
    problem: &ProblemId,
    change: impl Fn(&mut AlertFacts) -> bool,
) -> Result<u64> {
    let mut changed = 0;
    let alerts = tx.rows(
        "SELECT id, facts FROM alert WHERE district = ?1 AND problem = ?2 ORDER BY id",
        params![tx.district, problem.as_str()],
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, Json<AlertFacts>>(1)?.0)),
    )?;
    for (id, mut facts) in alerts {
        if change(&mut facts) {
            tx.exec(
                "UPDATE alert SET facts = ?3 WHERE district = ?1 AND id = ?2",
                params![tx.district, id, Json(facts)],
            )?;
            changed += 1;
        }
    }
    Ok(changed)
}

/// The words of a text that must no longer be cited.
struct Words {
    old: String,
    new: String,
    matches: Vec<String>,
}

impl Words {
    fn of(tx: &Tx<'_>, row: &PostRow, new_text: &str) -> Result<Self> {
        let matches = finding::read(tx, &row.post.key)?
            .into_iter()
            .flat_map(|found| found.matches)
            .map(|hit| hit.text.to_lowercase())
            .filter(|text| text.chars().count() >= MATCH_CHARS_MIN)
            .collect();
        Ok(Self { old: row.post.text.to_lowercase(), new: new_text.to_lowercase(), matches })
    }

    /// Blanks the reasons that cite the old text; whether there were any.
    fn blank(&self, reasons: &mut [RiskReason]) -> bool {
        let mut changed = false;
        for reason in reasons.iter_mut().filter(|reason| self.cited_in(&reason.text)) {
            reason.text = REMOVED.to_owned();
            changed = true;
        }
        changed
    }

    fn cited_in(&self, reason: &str) -> bool {
        let reason = reason.to_lowercase();
        let only_old = |words: &str| self.old.contains(words) && !self.new.contains(words);
        let quoted = reason.split(['«', '»', '"', '„', '“', '”']).skip(1).step_by(2);
        quoted.filter(|words| !words.is_empty()).any(only_old)
            || self.matches.iter().any(|hit| reason.contains(hit) && only_old(hit))
    }
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn a_reason_that_cites_the_old_text_is_found() {
        let words = Words {
            old: "третий день батареи ледяные, дома дети".to_owned(),
            new: "дома дети".to_owned(),
            matches: vec!["батареи ледяные".to_owned()],
        };
        let check = |reason: &str, expected: bool| {
            assert_eq!(words.cited_in(reason), expected, "{reason}");
        };
        check("тяжесть темы", false);
        check("«Батареи ледяные»", true);
        check("нет тепла: батареи ледяные", true);
        check("дети: «дети»", false);
        check("давно: «третий день»", true);
        check("пишут: «воды нет»", false);
    }
}
