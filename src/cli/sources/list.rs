//! `otklik sources list`: what is watched, how often, and how completely.
//!
//! Place in the flow: joins `sources.toml` to what the store knows, read beside a running daemon.
//! Invariant: a store that is not there yet leaves the list of the file; of a source nothing is
//! shown but its health and its completeness.

use std::collections::BTreeMap;

use jiff::Timestamp;
use otklik_collectors::Platform;
use serde_json::{Value, json};

use crate::clock::{Clock, SystemClock};
use crate::config::sources::{kind_name, scope_name};
use crate::config::{Need, Settings, duration, load_sources};
use crate::model::{Completeness, LookReason, Source};
use crate::store::{StoreError, WatchedSource};

use super::super::{Exit, Globals, Result, open, say, table, words};

/// Shows all sources.
pub(super) fn list(json: bool, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings(Need::Store)?;
    let sources = load_sources(&settings.sources_file(), None)?;
    let now = SystemClock.now();
    let watched = watched(&settings, now)?;
    if json {
        for source in &sources {
            say!("{}", row(source, watched.get(source.id.as_str())))?;
        }
        return Ok(Exit::Done);
    }
    if sources.is_empty() {
        say!("Источников нет. Добавить: otklik sources add https://vk.com/имя_сообщества")?;
        return Ok(Exit::Done);
    }
    let head = [
        "имя",
        "платформа",
        "страница",
        "вид",
        "охват",
        "место",
        "каждые",
        "на деле",
        "полнота",
        "состояние",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(sources.iter().map(|it| cells(it, watched.get(it.id.as_str()))));
    for line in table::aligned(&rows) {
        say!("{line}")?;
    }
    for source in &sources {
        let Some(watched) = watched.get(source.id.as_str()) else { continue };
        tell_gaps(&settings, source, watched, now)?;
    }
    tell_preview(&settings, &sources)?;
    Ok(Exit::Done)
}

/// Says what is not read of Telegram as long as no account is logged in.
fn tell_preview(settings: &Settings, sources: &[Source]) -> Result<()> {
    let account = &settings.platforms.telegram;
    let logged_in = account.session.as_ref().is_some_and(|file| file.exists());
    let telegram = sources.iter().any(|source| source.platform == Platform::Telegram.name());
    if telegram && !(account.api_id.is_some() && logged_in) {
        say!("{}; войти: otklik telegram login", words::PREVIEW_ALONE)?;
    }
    Ok(())
}

/// What the store knows, by id; nothing if there is no store yet.
fn watched(settings: &Settings, now: Timestamp) -> Result<BTreeMap<String, WatchedSource>> {
    let store = match open::store_to_read(settings) {
        Ok(store) => store,
        Err(_) if !settings.store.exists() => return Ok(BTreeMap::new()),
        Err(failure) => return Err(failure),
    };
    let found = open::wait(async { Ok::<_, super::super::Failure>(store.watched(now).await) })?;
    match found {
        Ok(found) => Ok(found.into_iter().map(|it| (it.row.source.id.0.clone(), it)).collect()),
        Err(error @ StoreError::Missing(_)) => {
            tracing::debug!(%error, "no store yet");
            Ok(BTreeMap::new())
        }
        Err(error) => Err(error.into()),
    }
}

fn cells(source: &Source, watched: Option<&WatchedSource>) -> Vec<String> {
    let unknown = || "—".to_owned();
    let real = watched.and_then(|it| it.row.interval_secs);
    vec![
        source.id.to_string(),
        source.platform.clone(),
        source.handle.clone(),
        kind_name(source.kind).to_owned(),
        scope_name(source.scope).to_owned(),
        source.place.as_ref().map_or_else(unknown, ToString::to_string),
        duration::render(source.every_secs),
        real.map_or_else(unknown, |secs| duration::render(rounded(secs))),
        watched.map_or_else(unknown, |it| words::share(&it.completeness)),
        watched.map_or_else(unknown, |it| words::health(it.row.health.state).to_owned()),
    ]
}

/// Whole minutes from two minutes on.
fn rounded(secs: i64) -> i64 {
    if secs < 120 { secs } else { (secs + 30) / 60 * 60 }
}

/// Under the table: what lacks of a source, in words.
fn tell_gaps(
    settings: &Settings,
    source: &Source,
    watched: &WatchedSource,
    now: Timestamp,
) -> Result<()> {
    let zone = &settings.district.timezone;
    if watched.row.health.why == LookReason::Quota {
        say!("{}: смотрим реже желаемого: суточная норма площадки не позволяет чаще", source.id)?;
    }
    let reasons = words::gaps(&watched.completeness, source.comments, now, zone);
    if !reasons.is_empty() {
        say!("{}: {}", source.id, reasons.join("; "))?;
    }
    if let Some(text) = &watched.row.health.text {
        say!("{}: {text}", source.id)?;
    }
    Ok(())
}

fn row(source: &Source, watched: Option<&WatchedSource>) -> Value {
    let mut row = json!({
        "id": source.id,
        "platform": source.platform,
        "handle": source.handle,
        "kind": kind_name(source.kind),
        "scope": scope_name(source.scope),
    });
    if let Some(place) = &source.place {
        row["place"] = json!(place);
    }
    row["every"] = json!(duration::render(source.every_secs));
    row["comments"] = json!(source.comments);
    row["backfill"] = json!(duration::render(source.backfill_secs));
    if let Some(watched) = watched {
        let health = &watched.row.health;
        row["every_real_secs"] = json!(watched.row.interval_secs);
        row["state"] = json!(health.state);
        row["text"] = json!(health.text);
        row["last_ok"] = json!(health.last_ok.map(|at| at.to_string()));
        row["next"] = json!(health.next.to_string());
        row["why"] = json!(health.why);
        row["completeness"] = completeness(&watched.completeness);
    }
    row
}

/// Completeness for machines: `percent` with one digit behind the point, `null` if not measured.
pub(in crate::cli) fn completeness(told: &Completeness) -> Value {
    let gaps: Vec<Value> = told
        .gaps
        .iter()
        .map(|gap| {
            json!({
                "cause": gap.cause,
                "open": gap.open,
                "queued": gap.queued,
                "back_filled": gap.back_filled,
                "posts": gap.posts,
                "from": gap.stretch.map(|it| it.from.to_string()),
                "to": gap.stretch.map(|it| it.to.to_string()),
            })
        })
        .collect();
    json!({
        "percent": told.share.map(|share| f64::from(share) / 10.0),
        "window_secs": told.window_secs,
        "dark_secs": told.dark_secs,
        "not_looked_secs": told.not_looked_secs,
        "stored": told.stored.posts,
        "unread": told.unread(),
        "unreadable": told.stored.unreadable,
        "pictures_only": told.stored.pictures_only,
        "comments_closed": told.stored.comments_closed,
        "gaps": gaps,
    })
}
