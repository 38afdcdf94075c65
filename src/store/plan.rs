//! What the statements of a store touch: for the test that none of them walks over the past.
//!
//! Place in the flow: tests only. Invariant: a statement that is asked while a store is watched is
//! judged by the plan that `SQLite` makes for it, not by how it is written.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::Store;
use super::error::Result;

/// Statements asked so far.
#[derive(Default)]
pub struct Asked(Mutex<BTreeSet<String>>);

impl Asked {
    pub(super) fn note(&self, sql: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(sql.to_owned());
    }
}

/// Tables whose rows of one problem grow with its past.
const GROWING: [&str; 2] = ["membership", "problem_event"];

impl Store {
    /// Forgets what was asked.
    pub fn forget_asked(&self) {
        self.inner.asked.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// How many statements were asked, and what is wrong with the plans of those that touch more
    /// than an index range.
    pub async fn wide_statements(&self) -> Result<(usize, Vec<String>)> {
        let asked = self.inner.asked.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let number = asked.len();
        let wide = self
            .read(move |tx| {
                let mut wide = Vec::new();
                for sql in &asked {
                    wide.extend(faults(sql, &plan(tx.conn, sql)?));
                }
                Ok(wide)
            })
            .await?;
        Ok((number, wide))
    }
}

fn plan(conn: &rusqlite::Connection, sql: &str) -> Result<Vec<String>> {
    let mut explained = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
    let mut rows = explained.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(row.get::<_, String>(3)?);
    }
    Ok(steps)
}

/// A walk over a table, over all rows of the district, or over all that a problem ever had. A walk
/// in the order of an index ends at a LIMIT.
fn faults(sql: &str, steps: &[String]) -> Vec<String> {
    let sorts = steps.iter().any(|step| step.starts_with("USE TEMP B-TREE FOR ORDER BY"));
    let ends = sql.contains("LIMIT") && !sorts || sql.contains("SELECT MIN(");
    let is_wide = |step: &&String| {
        let Some(searched) = step.strip_prefix("SEARCH ") else {
            return step.starts_with("SCAN ");
        };
        let table = searched.split(' ').next().unwrap_or_default();
        let grows = GROWING.contains(&table) && !searched.contains("membership_quote");
        let all = searched.ends_with("(district=?)")
            || (grows && searched.ends_with("(district=? AND problem=?)"));
        all && !ends
    };
    steps.iter().filter(is_wide).map(|step| format!("{step}: {sql}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_plans_are_told_from_narrow_ones() {
        let check = |step: &str, sql: &str, wide: bool| {
            assert_eq!(!faults(sql, &[step.to_owned()]).is_empty(), wide, "{step}: {sql}");
        };
        check("SCAN post", "SELECT 1 FROM post", true);
        check("SEARCH post USING INDEX post_time (district=?)", "SELECT 1", true);
        check("SEARCH work USING INDEX work_order (district=?)", "SELECT 1 LIMIT ?1", false);
        check("SEARCH membership USING PRIMARY KEY (district=? AND problem=?)", "SELECT 1", true);
        let range =
            "SEARCH membership USING PRIMARY KEY (district=? AND problem=? AND published>?)";
        check(range, "SELECT 1", false);
        let quotes = "SEARCH membership USING INDEX membership_quote (district=? AND problem=?)";
        check(quotes, "SELECT 1", false);
        let sorted = ["SEARCH work USING PRIMARY KEY (district=?)", "USE TEMP B-TREE FOR ORDER BY"];
        assert_eq!(faults("SELECT 1 LIMIT ?1", &sorted.map(str::to_owned)).len(), 1);
    }
}
