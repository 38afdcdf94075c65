//! RSS, Atom and JSON feeds of sites.
//!
//! Place in the flow: one platform behind [`Collector`]. [`clean`] cuts a body into entries,
//! feed-rs reads each, [`adapt`] makes posts; this file asks conditionally and keeps the place. One
//! look is one request.
//!
//! Invariants: absence from a feed means nothing, so nothing is ever gone; an answer that is no
//! feed, or only part of one, does not move the cursor (its whole entries are still handed on).

mod adapt;
mod clean;
mod dates;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use feed_rs::model::Entry;
use feed_rs::parser::Builder;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Collector;
use crate::error::{Class, CollectError, Scope};
use crate::hash::fingerprint;
use crate::http::{Request, Response, host_of};
use crate::ports::{Call, Ports};
use crate::raw::{Coverage, Cursor, Facts, Hole, HoleCause, Page, Platform, SourceSpec};
use crate::status;

use adapt::Article;
use clean::Body;

const VERSION: u32 = 1;
const SPACING_MS: u32 = 1_000;
/// Some servers keep an `ETag` although the feed changed: this often nobody asks them about it.
const FULL_EVERY: SignedDuration = SignedDuration::from_hours(24);
const ACCEPT: &str =
    "application/rss+xml, application/atom+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5";

/// The cursor of a feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Position {
    v: u32,
    etag: Option<String>,
    modified: Option<String>,
    /// Fingerprint of the last whole body.
    body: Option<String>,
    /// When a body last came, in seconds.
    full_at: i64,
    /// Newest date in the last whole body, in seconds: what came later is wanted after any pause.
    newest: i64,
    /// Ids in the last whole body with fingerprints of their texts.
    seen: BTreeMap<String, String>,
}

impl Position {
    /// A missing, broken or foreign cursor starts anew from the horizon.
    fn parse(cursor: Option<&Cursor>) -> Self {
        cursor
            .and_then(|cursor| serde_json::from_str::<Position>(&cursor.0).ok())
            .filter(|position| position.v == VERSION)
            .unwrap_or_else(|| Position { v: VERSION, ..Position::default() })
    }

    fn cursor(&self) -> Cursor {
        Cursor(serde_json::to_string(self).expect("a position is plain JSON"))
    }

    /// Headers that ask for a body only if it changed.
    fn conditions(&self, now: Timestamp) -> Vec<(String, String)> {
        let due = now.as_second() - self.full_at >= FULL_EVERY.as_secs();
        let header = |name: &str, value: &String| (name.to_owned(), value.clone());
        match (&self.etag, &self.modified) {
            _ if due || self.body.is_none() => Vec::new(),
            (Some(etag), _) => vec![header("if-none-match", etag)],
            (None, Some(modified)) => vec![header("if-modified-since", modified)],
            (None, None) => Vec::new(),
        }
    }

    /// Takes validators verbatim. A 304 may leave them out, a 200 without them has none.
    fn validate(&mut self, response: &Response) {
        let header = |name| response.header(name).map(str::to_owned);
        let keep = response.status == 304;
        self.etag = header("etag").or(self.etag.take().filter(|_| keep));
        self.modified = header("last-modified").or(self.modified.take().filter(|_| keep));
    }
}

/// What a body held.
#[derive(Default)]
struct Reading {
    articles: Vec<Article>,
    unreadable: u32,
    /// Entries that are too many to be read.
    left: u32,
    /// Hashes of entries that no parser took.
    spoilt: Vec<String>,
    complete: bool,
}

/// Reads feeds.
pub struct Rss {
    ports: Ports,
}

impl Rss {
    /// A reader of feeds.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    async fn get(&self, url: &Url, position: &Position) -> Result<Response, CollectError> {
        let host = host_of(url.as_str()).unwrap_or_default();
        let call = Call {
            host,
            token: "none".to_owned(),
            fingerprint: String::new(),
            method: "feed".to_owned(),
            spacing_ms: SPACING_MS,
            per_day_max: None,
        };
        self.ports.budget.take(&call).await?;
        let mut headers = position.conditions(self.ports.clock.now());
        headers.push(("accept".to_owned(), ACCEPT.to_owned()));
        let request =
            Request { url: url.as_str().to_owned(), headers, guarded: true, ..Request::default() };
        let sent = self.ports.transport.send(request).await;
        let now = self.ports.clock.now();
        let answered = sent.and_then(|response| pass(response, now));
        self.ports.budget.heard(&call, answered.as_ref().map(|_| ())).await;
        answered
    }

    /// Posts of articles that are new or have a new text, and the position after them.
    fn take(
        &self,
        source: &SourceSpec,
        before: &Position,
        reading: &Reading,
        horizon: Timestamp,
    ) -> (Page, Position) {
        let horizon = horizon.as_second();
        let oldest = if before.body.is_some() { horizon.min(before.newest) } else { horizon };
        let mut after = Position { seen: BTreeMap::new(), ..before.clone() };
        let mut page = empty_page(before);
        for hash in &reading.spoilt {
            page.facts.spoil(None, hash, "feed");
        }
        page.facts.unreadable += reading.unreadable;
        let now = self.ports.clock.now().as_second();
        for (id, article) in
            adapt::ids(&source.id, &reading.articles).into_iter().zip(&reading.articles)
        {
            let at = article.published.map(Timestamp::as_second);
            let seen = before.seen.get(&id);
            let wanted = at.is_none_or(|at| at >= oldest);
            if let Some(at) = at.filter(|at| *at <= now) {
                after.newest = after.newest.max(at);
            }
            // The first of two entries with one id is the one.
            if (!wanted && seen.is_none()) || after.seen.contains_key(&id) {
                continue;
            }
            let post = article.post(source, id.clone(), &self.ports);
            let text = fingerprint(&[post.text.as_str()]);
            let changed = seen != Some(&text);
            after.seen.insert(id, text);
            if changed && wanted {
                page.facts.pictures_only += u32::from(post.text.as_str().is_empty());
                page.posts.push(post);
            }
        }
        (page, after)
    }
}

#[async_trait]
impl Collector for Rss {
    fn platform(&self) -> Platform {
        Platform::Rss
    }

    async fn page(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError> {
        let url = feed_url(&source.handle)?;
        let position = Position::parse(cursor);
        let response = self.get(&url, &position).await?;
        let mut next = position.clone();
        next.validate(&response);
        let now = self.ports.clock.now();
        if response.status == 304 {
            return Ok(unchanged(&next, &position, now));
        }
        let text = clean::decode(&response.body, response.header("content-type"));
        next.full_at = now.as_second();
        next.body = Some(fingerprint(&[&text]));
        if next.body == position.body {
            return Ok(unchanged(&next, &position, now));
        }
        let reading = read(&text, &url)?;
        let (mut page, after) = self.take(source, &position, &reading, horizon);
        // A feed that lost everything at once is a fault of the site, not an answer.
        let emptied = reading.articles.is_empty() && !position.seen.is_empty();
        if reading.complete && !emptied {
            page.facts.coverage = coverage(&position, &after, &reading, horizon, now);
            let left = (reading.left > 0).then_some(reading.left);
            page.facts.coverage.holes.extend(left.map(|left| {
                let cause = HoleCause::TooMany;
                Hole { from: horizon.min(now), to: now, cause, posts: Some(left) }
            }));
            next.seen = after.seen;
            next.newest = after.newest;
            page.cursor = next.cursor();
        }
        Ok(page)
    }

    fn under_way(&self, _source: &SourceSpec, _cursor: &Cursor) -> bool {
        false
    }

    async fn prove(&self) -> Result<String, CollectError> {
        Ok("Ленты сайтов читаются без ключей; каждая проверяется своим запросом.".to_owned())
    }
}

/// A feed that has not changed since it was read: nothing was published meanwhile.
fn unchanged(next: &Position, before: &Position, now: Timestamp) -> Page {
    let read = Timestamp::from_second(before.full_at).ok().map(|since| (since.min(now), now));
    let coverage = Coverage { read, ..Coverage::default() };
    Page { facts: Facts { coverage, ..Facts::default() }, ..empty_page(next) }
}

/// What a feed that was read whole proves. Where it shares an entry with the feed of the look
/// before, nothing between them is missing; else it begins with its oldest entry, and what was
/// published before that since the last look (or the horizon) it gives no more.
fn coverage(
    before: &Position,
    after: &Position,
    reading: &Reading,
    horizon: Timestamp,
    now: Timestamp,
) -> Coverage {
    let known = before.body.as_ref().and_then(|_| Timestamp::from_second(before.full_at).ok());
    let touches = after.seen.keys().any(|id| before.seen.contains_key(id));
    let wanted = known.unwrap_or(horizon).min(now);
    let oldest = reading.articles.iter().filter_map(|article| article.published).min();
    let begins = oldest.map_or(wanted, |oldest| oldest.min(now));
    if (known.is_some() && touches) || begins <= wanted {
        return Coverage { read: Some((wanted, now)), holes: Vec::new() };
    }
    let hole = Hole { from: wanted, to: begins, cause: HoleCause::HistoryEnds, posts: None };
    Coverage { read: Some((begins, now)), holes: vec![hole] }
}

fn empty_page(position: &Position) -> Page {
    Page {
        posts: Vec::new(),
        gone: Vec::new(),
        gone_below: Vec::new(),
        cursor: position.cursor(),
        more: false,
        facts: Facts::default(),
    }
}

/// Reads all entries of a decoded body.
fn read(text: &str, url: &Url) -> Result<Reading, CollectError> {
    match clean::cut(text) {
        Body::Feed(feed) => {
            let mut reading = Reading {
                unreadable: feed.broken,
                left: feed.left,
                complete: feed.complete,
                ..Reading::default()
            };
            let base = feed.base.and_then(|base| url.join(&base).ok());
            let base = base.as_ref().unwrap_or(url);
            for document in &feed.entries {
                let Some(entry) = parse(document, base).and_then(|mut entries| entries.pop())
                else {
                    reading.spoilt.push(fingerprint(&[document]));
                    continue;
                };
                let full = clean::with_full_text(document)
                    .and_then(|document| parse(&document, base)?.pop());
                reading.articles.push(adapt::article(&entry, full.as_ref()));
            }
            Ok(reading)
        }
        Body::Json => {
            let entries = parse(text, url).ok_or_else(nonsense)?;
            let articles = entries.iter().map(|entry| adapt::article(entry, None)).collect();
            Ok(Reading { articles, complete: true, ..Reading::default() })
        }
        Body::Html(true) => Err(guarded()),
        Body::Html(false) => Err(html()),
        Body::Empty => Err(empty()),
        Body::Nonsense => Err(nonsense()),
    }
}

/// Entries of one document. A parser keeps state after an error, so each document gets its own; and
/// a panic of the parser on what some site wrote must not reach the daemon.
fn parse(document: &str, base: &Url) -> Option<Vec<Entry>> {
    let parser = Builder::new()
        .base_uri(Some(base.as_str()))
        // No id at all instead of one made of the headline, or a random one.
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(dates::parse_chrono)
        .sanitize_content(false)
        .build();
    let parsed = std::panic::catch_unwind(AssertUnwindSafe(|| parser.parse(document.as_bytes())));
    Some(parsed.ok()?.ok()?.entries)
}

fn feed_url(handle: &str) -> Result<Url, CollectError> {
    let refused = || {
        CollectError::new(
            Class::Refused,
            Scope::Source,
            "rss handle",
            "Это не адрес ленты: нужен полный адрес, который начинается с https:// или http://.",
        )
    };
    let url = Url::parse(handle.trim()).map_err(|_| refused())?;
    let allowed = matches!(url.scheme(), "http" | "https") && url.host_str().is_some();
    if allowed { Ok(url) } else { Err(refused()) }
}

fn malformed(code: &str, text: &str) -> CollectError {
    CollectError::new(Class::Malformed, Scope::Source, code, text)
}

fn html() -> CollectError {
    malformed("rss html", "Вместо ленты сайт прислал обычную страницу; проверьте адрес ленты.")
}

fn empty() -> CollectError {
    malformed("rss empty", "Сайт прислал пустой ответ вместо ленты; попробуем позже.")
}

fn nonsense() -> CollectError {
    malformed("rss body", "Ленту не удалось разобрать: она оборвана или это не лента.")
}

/// Passes an answer with a status of success and one that says that nothing changed.
fn pass(response: Response, now: Timestamp) -> Result<Response, CollectError> {
    if response.status == 304 {
        return Ok(response);
    }
    if response.status == 403 && response.header("cf-mitigated").is_some() {
        return Err(guarded());
    }
    let Err(error) = status::check(&response, now, Scope::Source) else { return Ok(response) };
    let html = error.class == Class::NoAccess
        && matches!(clean::cut(&clean::decode(&response.body, None)), Body::Html(true));
    Err(if html { guarded() } else { error })
}

fn guarded() -> CollectError {
    CollectError::new(
        Class::NoAccess,
        Scope::Source,
        "rss guard",
        "Сайт закрыт защитой от роботов; попросите его владельца разрешить чтение ленты.",
    )
}
