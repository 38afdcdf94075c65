//! One look at one source: page after page, each committed whole.
//!
//! Place in the flow: the daemon and `collect --once` start looks; a look ends in a health row.
//! Invariants: a page's posts and its cursor are one transaction; an error moves no cursor and
//! touches no post; whoever commits holds the source's lease.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::{
    Class, CollectError, Coverage, Cursor, Page, Platform, Scope, SourceSpec, Spoilt,
};

use super::assess::{Batch, assess};
use super::district::District;
use super::services::Services;
use super::words;
use crate::model::{
    Health, HealthState, HoleCause, LookReason, Noted, NotedHole, PostId, PostKey, Source, Stretch,
};
use crate::store::{
    DeadLetter, DueSource, LookFacts, LookPage, PageCommit, PageOutcome, StoreError,
};

/// Code of a page that has fallen silent.
const SILENT: &str = "silent";
/// How long one look may hold a source before somebody else may take it, renewed with each page.
const LEASE_MINUTES: i64 = 15;
/// Least and most wait after a failed look.
const RETRY_SECS: (i64, i64) = (60, 6 * 3600);
/// Most wait after a failure that concerns a whole host, our own network among them.
const HOST_RETRY_SECS: i64 = 20 * 60;
/// Wait after a host could not be trusted.
const HOST_SECS: i64 = 3600;
/// Failures in a row that a source is taken to have that waits without a call for what others have
/// met: so many they were at least.
const HELD_FAILURES: u32 = 3;
/// Pages of one turn of the daemon: then whoever has been due for longer goes first.
const PAGES_A_TURN: u32 = 20;
/// Furthest that a look reaches back to close a gap, in days, unless its source's backfill is more.
const BACK_DAYS_MAX: i64 = 90;
/// Longest wait for a limit inside `collect --once`.
const PATIENCE_SECS: i64 = 90;
/// Tries of one page inside `collect --once`.
const TRIES: u32 = 6;

/// How a look is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// By the daemon: a failure ends the look, the health row says when to try again.
    Daemon,
    /// By `collect --once`: transient faults are tried again within the run.
    Once,
}

/// What a look did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LookReport {
    /// Pages read.
    pub pages: u32,
    /// What the pages changed.
    pub posts: PageOutcome,
    /// The trouble it ended with, if it did.
    pub trouble: Option<String>,
}

impl LookReport {
    /// Adds what a further look did.
    pub fn add(&mut self, further: LookReport) {
        self.pages += further.pages;
        add(&mut self.posts, &further.posts);
        self.trouble = further.trouble;
    }
}

/// Whether the look at a claimed source goes on with one that was broken off.
#[must_use]
pub fn under_way(services: &Services, source: &Source, due: &DueSource) -> bool {
    let spec = spec_of(source, due.platform_id.clone());
    let reading = services.reading.load();
    let collector = reading.collector(spec.platform);
    let cursor = due.cursor.clone().map(Cursor);
    cursor.is_some_and(|cursor| collector.is_ok_and(|it| it.under_way(&spec, &cursor)))
}

/// The end of a lease taken at `now`.
#[must_use]
pub fn lease_end(now: Timestamp) -> Timestamp {
    now.saturating_add(SignedDuration::from_mins(LEASE_MINUTES)).unwrap_or(now)
}

/// Looks at a claimed source to the end, or for one turn of the daemon. `lease` is the one it was
/// claimed with; `on_page` is called after each commit, so that grouping need not wait for the end
/// of the look.
pub async fn look(
    services: &Services,
    district: &District,
    due: DueSource,
    lease: &str,
    manner: Manner,
    on_page: &(dyn Fn() + Send + Sync),
) -> Result<LookReport, StoreError> {
    let mut report = LookReport::default();
    let Some(source) = district.sources.iter().find(|source| source.id == due.id) else {
        return Ok(report);
    };
    let mut cursor = due.cursor.clone().map(Cursor);
    let mut spec = spec_of(source, due.platform_id.clone());
    let horizon = horizon(source, &due, services.settings.schedule.rescan_secs);
    let mut newest = None;
    loop {
        match read_page(services, &spec, cursor.as_ref(), horizon, manner).await {
            Ok(page) => {
                let more = page.more;
                newest = newest.max(page.posts.iter().filter_map(|raw| raw.published).max());
                cursor = Some(page.cursor.clone());
                if page.facts.platform_id.is_some() {
                    spec.platform_id.clone_from(&page.facts.platform_id);
                }
                let end = match more {
                    true => None,
                    false => {
                        let notice = page.facts.notice.clone();
                        let health = well(services, district, source, &due.health, newest).await?;
                        Some(Health { text: health.text.or(notice), ..health })
                    }
                };
                let outcome = commit(services, district, source, end, lease, page).await?;
                report.pages += 1;
                add(&mut report.posts, &outcome);
                if outcome.new + outcome.edited + outcome.revived > 0 {
                    on_page();
                }
                if !more {
                    return Ok(report);
                }
                if manner == Manner::Daemon && report.pages >= PAGES_A_TURN {
                    services.store.yield_look(&source.id, lease, services.clock.now()).await?;
                    return Ok(report);
                }
            }
            Err(error) => {
                match error.held {
                    // Said once, by the look that met it.
                    true => tracing::debug!(source = %source.id, code = %error.code, "look waits"),
                    false => tracing::warn!(source = %source.id, code = %error.code, "look failed"),
                }
                let health = sick(&due.health, &error, services.clock.now());
                report.trouble = Some(match manner {
                    Manner::Once => told(&error, services.clock.now(), district),
                    Manner::Daemon => error.text,
                });
                services.store.finish_look(&source.id, lease, &health).await?;
                return Ok(report);
            }
        }
    }
}

/// How far back a look goes: the backfill at first, later the re-scan window. After an absence it
/// reaches back to where everything had been read, and for holes that can be read again to the
/// oldest of them, but never further than [`BACK_DAYS_MAX`].
fn horizon(source: &Source, due: &DueSource, rescan_secs: i64) -> Timestamp {
    let back = |secs| due.began.saturating_sub(SignedDuration::from_secs(secs));
    let window = match due.health.last_ok {
        None => source.backfill_secs.max(rescan_secs),
        Some(_) => rescan_secs,
    };
    let window = back(window).unwrap_or(due.began);
    let furthest = back(BACK_DAYS_MAX * 86_400).unwrap_or(window);
    let wanted = [due.read_until, due.owed].into_iter().flatten().fold(window, Timestamp::min);
    wanted.max(furthest).min(window)
}

/// What a page proves about the completeness of its source, in our words.
fn noted(coverage: &Coverage) -> Noted {
    use otklik_collectors::HoleCause as Theirs;
    let holes = coverage.holes.iter().map(|hole| NotedHole {
        stretch: Stretch::new(hole.from, hole.to),
        cause: match hole.cause {
            Theirs::PageMissed => HoleCause::PageMissed,
            Theirs::HistoryEnds => HoleCause::HistoryEnds,
            Theirs::Numbers => HoleCause::Numbers,
            Theirs::CommentsRefused => HoleCause::CommentsRefused,
            Theirs::Unreadable => HoleCause::Unreadable,
            Theirs::TooMany => HoleCause::TooMany,
            Theirs::Unwatched => HoleCause::Unwatched,
            Theirs::Late => HoleCause::Late,
            Theirs::Cut => HoleCause::Cut,
        },
        posts: hole.posts,
    });
    let read = coverage.read.map(|(from, to)| Stretch::new(from, to));
    Noted { read, holes: holes.collect() }
}

/// What a collector needs to know of a source.
#[must_use]
pub fn spec_of(source: &Source, platform_id: Option<String>) -> SourceSpec {
    use crate::model::SourceKind as Ours;
    use otklik_collectors::SourceKind as Theirs;
    SourceSpec {
        id: source.id.0.clone(),
        platform: source.platform.parse().unwrap_or(Platform::Rss),
        handle: source.handle.clone(),
        kind: match source.kind {
            Ours::Official => Theirs::Official,
            Ours::News => Theirs::News,
            Ours::Community => Theirs::Community,
            Ours::Leader => Theirs::Leader,
        },
        comments: source.comments,
        platform_id,
    }
}

/// A trouble for whoever started a pass by hand: where it has an end that is known, when to come
/// again.
fn told(error: &CollectError, now: Timestamp, district: &District) -> String {
    let waits =
        error.asked || error.held || matches!(error.class, Class::RateLimited | Class::Quota);
    match error.until.filter(|until| waits && *until > now) {
        Some(until) => words::come_again(&error.text, until, now, &district.zone),
        None => error.text.clone(),
    }
}

/// Reads one page; `collect --once` waits out short limits and tries transient faults again.
async fn read_page(
    services: &Services,
    spec: &SourceSpec,
    cursor: Option<&Cursor>,
    horizon: Timestamp,
    manner: Manner,
) -> Result<Page, CollectError> {
    let reading = services.reading.load_full();
    let collector = reading.collector(spec.platform)?;
    let mut tries = 0;
    loop {
        let error = match collector.page(spec, cursor, horizon).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        tries += 1;
        let now = services.clock.now();
        let named = error.until.map(|at| at.duration_since(now));
        let wait = match error.class {
            // Before that instant nobody answers, or no call would be made.
            Class::Transient | Class::Malformed if error.asked || error.held => named,
            Class::Transient | Class::Malformed => {
                Some(SignedDuration::from_secs(1 << tries.min(5)))
            }
            Class::RateLimited => Some(named.unwrap_or(SignedDuration::from_secs(5))),
            _ => None,
        };
        let patient = |wait: &SignedDuration| {
            manner == Manner::Once && tries < TRIES && wait.as_secs() <= PATIENCE_SECS
        };
        match wait.filter(patient) {
            Some(wait) => {
                let at = now.saturating_add(wait).unwrap_or(now);
                services.clock.sleep_until(at).await;
            }
            None => return Err(error),
        }
    }
}

async fn commit(
    services: &Services,
    district: &District,
    source: &Source,
    end: Option<Health>,
    lease: &str,
    page: Page,
) -> Result<PageOutcome, StoreError> {
    let now = services.clock.now();
    let key = |id: &str| PostKey { source: source.id.clone(), id: PostId(id.to_owned()) };
    let mut asked: Vec<PostKey> =
        page.posts.iter().filter_map(|raw| raw.parent.as_deref()).map(key).collect();
    asked.sort();
    asked.dedup();
    let parents = services.store.places_of(&asked).await?;
    let mut there = services.store.stored(&asked).await?;
    let ids: Vec<PostKey> = page.posts.iter().map(|raw| key(&raw.id)).collect();
    let stored = services.store.fingerprints(&ids).await?;
    let reading = services.reading.load_full();
    let mut batch = Batch {
        district,
        door: &reading.door,
        source,
        parents,
        given: BTreeMap::new(),
        stored,
        now,
    };
    let mut assessed = services.with_scratch(|scratch| assess(&mut batch, page.posts, scratch));
    there.extend(assessed.posts.iter().map(|commit| commit.post.key.clone()));
    for commit in &mut assessed.posts {
        // Of a region's page the post may be left out and the comment kept.
        commit.post.parent.take_if(|parent| !there.contains(&key(parent.as_str())));
    }
    for key in &assessed.broken {
        tracing::error!(%source.id, id = key.id.as_str(), "a post broke down our stages, left out");
    }
    let commit = PageCommit {
        look: Some(LookPage {
            source: source.id.clone(),
            lease: lease.to_owned(),
            lease_until: Some(lease_end(now)),
            cursor: page.cursor.0,
            platform_id: page.facts.platform_id,
            facts: LookFacts {
                pictures_only: page.facts.pictures_only,
                comments_closed: page.facts.comments_closed,
                unreadable: page.facts.unreadable
                    + u32::try_from(assessed.broken.len()).unwrap_or(u32::MAX),
            },
            noted: noted(&page.facts.coverage),
            end,
        }),
        posts: assessed.posts,
        seen: assessed.seen,
        gone: page.gone.iter().map(|id| key(id)).collect(),
        gone_below: page.gone_below.iter().map(|id| key(id)).collect(),
        dead_letters: dead_letters(source, page.facts.spoilt, &assessed.broken),
        now,
    };
    services.store.commit_page(commit).await
}

/// What of a page is not stored, without a word of it: which parser gave up, or our own stages.
fn dead_letters(source: &Source, spoilt: Vec<Spoilt>, broken: &[PostKey]) -> Vec<DeadLetter> {
    let unread = spoilt.into_iter().map(|spoilt| DeadLetter {
        source: source.id.clone(),
        id: spoilt.id,
        hash: spoilt.hash.into_bytes(),
        position: spoilt.position,
    });
    let broken = broken.iter().map(|key| DeadLetter {
        source: source.id.clone(),
        id: Some(key.id.as_str().to_owned()),
        hash: key.id.as_str().as_bytes().to_vec(),
        position: "assess".to_owned(),
    });
    unread.chain(broken).collect()
}

fn add(sum: &mut PageOutcome, more: &PageOutcome) {
    sum.new += more.new;
    sum.edited += more.edited;
    sum.known += more.known;
    sum.gone += more.gone;
    sum.revived += more.revived;
    sum.erased += more.erased;
}

/// Health after a look that ended well: when we look next, and whether the page has fallen silent.
async fn well(
    services: &Services,
    district: &District,
    source: &Source,
    before: &Health,
    newest: Option<Timestamp>,
) -> Result<Health, StoreError> {
    let now = services.clock.now();
    // A wrong date in the future is no sign of life tomorrow.
    let newest = newest.map(|at| at.min(now));
    let outlook = services.watch.outlook(services, district, source, newest, now).await?;
    let state = if outlook.silent.is_some() { HealthState::Silent } else { HealthState::Ok };
    Ok(Health {
        state,
        since: if before.state == state { before.since } else { now },
        code: outlook.silent.map(|_| SILENT.to_owned()),
        text: outlook.silent.map(|since| words::silent(since, now, &district.zone)),
        failures: 0,
        last_ok: Some(now),
        next: outlook.next.at,
        why: outlook.next.why,
    })
}

/// Health after a failed look: what to do next, since when, and when we try again.
#[must_use]
pub fn sick(before: &Health, error: &CollectError, now: Timestamp) -> Health {
    let waiting = matches!(error.class, Class::RateLimited | Class::Quota);
    let failures = match (waiting, error.held) {
        (true, _) => before.failures,
        (false, true) => before.failures.max(HELD_FAILURES),
        (false, false) => before.failures.saturating_add(1),
    };
    let state = match error.class {
        Class::Transient | Class::Malformed => HealthState::Slow,
        Class::RateLimited | Class::Quota => HealthState::Paused,
        Class::NeedsPerson | Class::Ours | Class::Refused => HealthState::NeedsPerson,
        Class::NoAccess | Class::Gone => HealthState::Gone,
    };
    let (least, most) = RETRY_SECS;
    let wait = match error.class {
        Class::Transient | Class::Malformed => {
            // A network that comes back must not find everybody asleep for hours, and whoever
            // names a time means to answer about then.
            let named = error.scope == Scope::Host || error.until.is_some();
            let most = if named { HOST_RETRY_SECS } else { most };
            (least << failures.saturating_sub(1).min(9)).min(most)
        }
        Class::RateLimited => least,
        Class::Quota | Class::NeedsPerson | Class::Ours | Class::Refused => most,
        // A certificate may be refused for our own clock, which soon goes right again.
        Class::NoAccess if error.scope == Scope::Host => HOST_SECS,
        Class::NoAccess | Class::Gone => 24 * 3600,
    };
    let next = now.saturating_add(SignedDuration::from_secs(wait)).unwrap_or(now);
    let next = match (error.until, error.class) {
        (None, _) => next,
        // The same minute named after each failure is no reason not to wait longer.
        (Some(until), Class::Transient | Class::Malformed) if !error.held => until.max(next),
        (Some(until), _) => until.max(now),
    };
    Health {
        state,
        since: if before.state == state { before.since } else { now },
        code: Some(error.code.clone()),
        text: Some(error.text.clone()),
        failures,
        last_ok: before.last_ok,
        next,
        why: LookReason::Trouble,
    }
}

#[cfg(test)]
mod tests;
