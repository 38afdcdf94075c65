//! Plays sites with feeds: encodings, validators honest and lying, broken XML, guards against
//! robots.
//!
//! Place in the flow: see [`crate::play`]. Invariant: an entry keeps its guid and link through
//! edits; what is visible depends only on the instant of the request.

use std::collections::BTreeMap;

use encoding_rs::WINDOWS_1251;
use jiff::{Timestamp, tz};

use crate::http::Response;
use crate::play::{Ask, Fault, Plan, Play, Reply};

/// How the bytes are encoded and what the feed claims about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wire {
    /// UTF-8, declared so.
    #[default]
    Utf8,
    /// windows-1251, declared so.
    Cp1251,
    /// windows-1251 without a word.
    Cp1251Undeclared,
    /// windows-1251 that claims to be UTF-8.
    Cp1251AsUtf8,
    /// UTF-8 that claims to be windows-1251.
    Utf8AsCp1251,
}

/// How dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dates {
    /// `Mon, 06 Sep 2021 10:00:00 +0300`
    #[default]
    Standard,
    /// `Mon, 06 Sep 2021 10:00:00 MSK`
    Msk,
    /// `06.09.2021 10:00` in Moscow time
    Civil,
    /// `06 сен 2021 10:00:00 +0300`
    Russian,
    /// None at all.
    Absent,
}

/// What the server says so that a reader may ask conditionally.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validators {
    /// An `ETag` that follows the content.
    #[default]
    Etag,
    /// `Last-Modified` alone.
    Modified,
    /// An `ETag` that never changes, and a 304 to whoever believes it.
    Lying,
    /// Nothing.
    Absent,
}

/// What names an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// Guid and link.
    #[default]
    Both,
    /// Link alone, with tracking that changes from day to day.
    Link,
    /// Neither.
    Absent,
}

#[derive(Debug, Clone)]
struct Version {
    at: Timestamp,
    title: String,
    body: String,
}

#[derive(Debug, Clone)]
struct Entry {
    date: Timestamp,
    versions: Vec<Version>,
    removed: Option<Timestamp>,
    broken: bool,
}

/// One feed. The switches may be changed at any time.
#[derive(Debug, Clone)]
pub struct PlayFeed {
    title: String,
    entries: Vec<Entry>,
    /// Encoding.
    pub wire: Wire,
    /// Dates.
    pub dates: Dates,
    /// Validators.
    pub validators: Validators,
    /// Guids and links.
    pub names: Names,
    /// Whether the body stands in `yandex:full-text` and the description is a teaser.
    pub full_text: bool,
    /// Whether `&` stays unescaped.
    pub lone_ampersands: bool,
    /// Most entries shown, newest first.
    pub shown_max: usize,
}

/// Sites with feeds by path.
#[derive(Debug, Default)]
pub struct PlayRss {
    feeds: BTreeMap<String, PlayFeed>,
    /// Faults to come and the log of requests.
    pub plan: Plan,
}

impl PlayRss {
    /// A site without feeds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a feed at `path` (`/rss.xml`) and hands it out to be switched.
    pub fn add_feed(&mut self, path: &str, title: &str) -> &mut PlayFeed {
        self.feeds.entry(path.to_owned()).or_insert_with(|| PlayFeed {
            title: title.to_owned(),
            entries: Vec::new(),
            wire: Wire::default(),
            dates: Dates::default(),
            validators: Validators::default(),
            names: Names::default(),
            full_text: false,
            lone_ampersands: false,
            shown_max: 30,
        })
    }

    /// The feed at `path`.
    pub fn feed(&mut self, path: &str) -> Option<&mut PlayFeed> {
        self.feeds.get_mut(path)
    }

    /// Lets the next request without a planned fault fail.
    pub fn fail_next(&mut self, fault: Fault) {
        self.plan.fail_next(fault);
    }

    fn proper(&self, ask: &Ask, now: Timestamp) -> Reply {
        let Some(feed) = self.feeds.get(&ask.path) else {
            return Reply::status(404, "text/html; charset=utf-8", "<html><body>404</body></html>");
        };
        let body = feed.encode(&feed.document(now));
        let mut headers = vec![("content-type".to_owned(), "application/rss+xml".to_owned())];
        let unchanged = match feed.validators {
            Validators::Etag | Validators::Lying => {
                let etag = match feed.validators {
                    Validators::Lying => "\"constant\"".to_owned(),
                    _ => format!("W/\"{:016x}\"", checksum(&body)),
                };
                headers.push(("etag".to_owned(), etag.clone()));
                ask.header("if-none-match") == Some(etag.as_str())
            }
            Validators::Modified => {
                let at = feed.modified(now).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
                headers.push(("last-modified".to_owned(), at.clone()));
                ask.header("if-none-match").is_none()
                    && ask.header("if-modified-since") == Some(at.as_str())
            }
            Validators::Absent => false,
        };
        let (status, body) = if unchanged { (304, Vec::new()) } else { (200, body) };
        Reply::Answer(Response { status, headers, body, path: String::new() })
    }
}

impl Play for PlayRss {
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply {
        let proper = self.proper(ask, now);
        self.plan.apply(ask, now, proper)
    }
}

impl PlayFeed {
    /// Publishes an entry, to be seen from `date` on, and returns its number. `body` is HTML.
    pub fn post(&mut self, date: Timestamp, title: &str, body: &str) -> usize {
        let version = Version { at: date, title: title.to_owned(), body: body.to_owned() };
        self.entries.push(Entry { date, versions: vec![version], removed: None, broken: false });
        self.entries.len() - 1
    }

    /// Changes an entry from `at` on.
    pub fn edit(&mut self, number: usize, at: Timestamp, title: &str, body: &str) {
        if let Some(entry) = self.entries.get_mut(number) {
            let place = entry.versions.partition_point(|v| v.at <= at);
            let version = Version { at, title: title.to_owned(), body: body.to_owned() };
            entry.versions.insert(place, version);
        }
    }

    /// Takes an entry off the feed from `at` on.
    pub fn remove(&mut self, number: usize, at: Timestamp) {
        if let Some(entry) = self.entries.get_mut(number) {
            entry.removed = Some(at);
        }
    }

    /// Makes an entry's XML broken (or whole again).
    pub fn break_entry(&mut self, number: usize, broken: bool) {
        if let Some(entry) = self.entries.get_mut(number) {
            entry.broken = broken;
        }
    }

    /// What the feed shows at `now`, newest first: number, date, title and body.
    #[must_use]
    pub fn living(&self, now: Timestamp) -> Vec<(usize, Timestamp, String, String)> {
        let mut living: Vec<_> = self
            .entries
            .iter()
            .enumerate()
            .filter(|(_, e)| e.date <= now && e.removed.is_none_or(|at| at > now))
            .filter_map(|(number, e)| {
                let version = e.versions.iter().rfind(|v| v.at <= now)?;
                Some((number, e.date, version.title.clone(), version.body.clone()))
            })
            .collect();
        living.sort_by_key(|(number, date, ..)| std::cmp::Reverse((*date, *number)));
        living.truncate(self.shown_max);
        living
    }

    fn modified(&self, now: Timestamp) -> Timestamp {
        let changes = self
            .entries
            .iter()
            .flat_map(|e| e.versions.iter().map(|v| v.at).chain(e.removed).filter(|at| *at <= now));
        changes.max().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn document(&self, now: Timestamp) -> String {
        let encoding = match self.wire {
            Wire::Utf8 | Wire::Cp1251AsUtf8 => " encoding=\"utf-8\"",
            Wire::Cp1251 | Wire::Utf8AsCp1251 => " encoding=\"windows-1251\"",
            Wire::Cp1251Undeclared => "",
        };
        let mut out = format!("<?xml version=\"1.0\"{encoding}?>\n<rss version=\"2.0\" ");
        out += "xmlns:yandex=\"http://news.yandex.ru\"><channel>\n";
        out += &format!("<title>{}</title>\n", escape(&self.title));
        out += "<link>https://selo.example/</link>\n<description></description>\n<ttl>60</ttl>\n";
        for (number, date, title, body) in self.living(now) {
            out += &self.item(number, date, &title, &body, now);
        }
        out + "</channel></rss>\n"
    }

    fn item(
        &self,
        number: usize,
        date: Timestamp,
        title: &str,
        body: &str,
        now: Timestamp,
    ) -> String {
        let mut title = escape(title);
        if self.lone_ampersands {
            title = title.replace("&amp;", "&");
        }
        let mut out = format!("<item><title>{title}</title>\n");
        if self.names != Names::Absent {
            let link = format!("https://www.selo.example/news/{number}/");
            let day = now.as_second() / 86_400;
            out += &format!("<link>{link}?utm_source=rss&amp;utm_term={day}</link>\n");
        }
        if self.names == Names::Both {
            out += &format!("<guid isPermaLink=\"false\">news-{number}</guid>\n");
        }
        if self.full_text {
            out += "<description>Подробности на сайте</description>\n";
            out += &format!("<yandex:full-text>{}</yandex:full-text>\n", escape(body));
        } else {
            out += &format!("<description><![CDATA[{body}]]></description>\n");
        }
        if let Some(date) = self.date(date) {
            out += &format!("<pubDate>{date}</pubDate>\n");
        }
        if self.entries.get(number).is_some_and(|entry| entry.broken) {
            out += "<enclosure><category></enclosure>\n";
        }
        out + "</item>\n"
    }

    fn date(&self, date: Timestamp) -> Option<String> {
        const MONTHS: [&str; 12] =
            ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];
        let moscow = date.to_zoned(tz::Offset::constant(3).to_time_zone());
        let month = MONTHS[usize::try_from(moscow.month() - 1).unwrap_or(0)];
        Some(match self.dates {
            Dates::Standard => moscow.strftime("%a, %d %b %Y %H:%M:%S %z").to_string(),
            Dates::Msk => moscow.strftime("%a, %d %b %Y %H:%M:%S MSK").to_string(),
            Dates::Civil => moscow.strftime("%d.%m.%Y %H:%M").to_string(),
            Dates::Russian => {
                format!("{} {month} {}", moscow.day(), moscow.strftime("%Y %H:%M:%S %z"))
            }
            Dates::Absent => return None,
        })
    }

    fn encode(&self, document: &str) -> Vec<u8> {
        match self.wire {
            Wire::Utf8 | Wire::Utf8AsCp1251 => document.as_bytes().to_vec(),
            _ => WINDOWS_1251.encode(document).0.into_owned(),
        }
    }
}

/// FNV-1a: enough for an `ETag`.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
