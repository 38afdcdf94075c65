//! Makes posts of feed entries and gives them ids that outlive edits.
//!
//! Place in the flow: after feed-rs; texts pass the door here. Invariants: an id depends on the
//! headline only when the feed gives neither guid nor link; authors of entries are never read.

use std::collections::{BTreeMap, BTreeSet};

use feed_rs::model::Entry;
use jiff::Timestamp;
use url::Url;

use crate::hash::fingerprint;
use crate::markup;
use crate::ports::Ports;
use crate::raw::{Author, Counts, RawKind, RawPost, SourceKind, SourceSpec};

/// Parameters that tell where a reader came from, not what is read.
const TRACKING: [&str; 6] = ["yclid", "gclid", "fbclid", "ysclid", "_openstat", "erid"];

/// An entry as far as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// What the feed calls it, normalised if it is an address.
    guid: Option<String>,
    /// Normalised link.
    link: Option<String>,
    /// Link as given, absolute.
    url: Option<String>,
    title: String,
    body: String,
    /// When it was published; if the feed does not say, when it was updated.
    pub published: Option<Timestamp>,
    edited: Option<Timestamp>,
}

/// Reads an entry. `full` is the same entry with another body, of which the richer is taken.
pub fn article(entry: &Entry, full: Option<&Entry>) -> Article {
    let time = |at: chrono::DateTime<chrono::Utc>| Timestamp::from_second(at.timestamp()).ok();
    let published = entry.published.or(entry.updated).and_then(time);
    let url = entry
        .links
        .iter()
        .filter(|link| link.target.is_none())
        .find(|link| matches!(link.rel.as_deref(), None | Some("alternate")))
        .map(|link| link.href.clone())
        .or_else(|| Some(entry.id.clone()))
        .filter(|href| href.starts_with("http://") || href.starts_with("https://"));
    let guid = entry.id.trim();
    let guid = normal_link(guid).unwrap_or_else(|| guid.to_owned());
    Article {
        guid: Some(guid).filter(|guid| !guid.is_empty()),
        link: url.as_deref().and_then(normal_link).filter(|link| names_a_page(link)),
        url,
        title: entry.title.as_ref().map(|t| markup::plain(&t.content)).unwrap_or_default(),
        body: [Some(entry), full]
            .into_iter()
            .flatten()
            .flat_map(bodies)
            .max_by_key(|body| body.chars().count())
            .unwrap_or_default(),
        published,
        edited: entry.updated.and_then(time).filter(|at| published.is_some_and(|p| *at > p)),
    }
}

fn bodies(entry: &Entry) -> impl Iterator<Item = String> {
    let content = entry.content.as_ref().and_then(|content| content.body.as_deref());
    let summary = entry.summary.as_ref().map(|summary| summary.content.as_str());
    [summary, content].into_iter().flatten().map(markup::plain)
}

impl Article {
    /// Title and body, as a reader sees them.
    pub fn text(&self) -> String {
        if self.title.is_empty() || self.body.starts_with(&self.title) {
            return self.body.clone();
        }
        if self.body.is_empty() {
            return self.title.clone();
        }
        format!("{}\n{}", self.title, self.body)
    }

    /// The post. `id` is one of [`ids`].
    pub fn post(&self, source: &SourceSpec, id: String, ports: &Ports) -> RawPost {
        RawPost {
            id,
            parent: None,
            kind: RawKind::Post,
            text: ports.door.mask(&self.text()),
            published: self.published,
            edited: self.edited,
            author: Author::Source,
            official: source.kind == SourceKind::Official,
            url: self.url.clone(),
            counts: Counts::default(),
            repost: false,
        }
    }
}

/// Stable ids of a feed's articles, in their order: by guid, else by link, else by title and date.
/// A guid that names different links, or a link that many articles share, names nothing.
pub fn ids(source: &str, articles: &[Article]) -> Vec<String> {
    let mut links_of: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    let mut titles_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for article in articles {
        if let Some(guid) = &article.guid {
            links_of.entry(guid).or_default().insert(article.link.as_deref());
        }
        if let Some(link) = &article.link {
            titles_of.entry(link).or_default().insert(&article.title);
        }
    }
    let id = |article: &Article| {
        let guid = article.guid.as_deref().filter(|guid| links_of[guid].len() == 1);
        let link = article.link.as_deref().filter(|link| titles_of[link].len() == 1);
        let hash = match guid.or(link) {
            Some(name) => fingerprint(&[name]),
            None => {
                let date = article.published.map(|at| at.to_string()).unwrap_or_default();
                fingerprint(&[&article.title, &date])
            }
        };
        format!("rss:{source}_{hash}")
    };
    articles.iter().map(id).collect()
}

/// An address without what varies: scheme, `www.`, tracking, fragment, trailing slash.
fn normal_link(link: &str) -> Option<String> {
    let url = Url::parse(link).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let host = url.host_str()?.trim_start_matches("www.").to_lowercase();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let query: Vec<String> = url
        .query_pairs()
        .filter(|(name, _)| !name.starts_with("utm_") && !TRACKING.contains(&name.as_ref()))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    Some(format!("{host}{port}{}{query}", url.path().trim_end_matches('/')))
}

/// A link to the site itself names no article.
fn names_a_page(link: &str) -> bool {
    link.contains(['/', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lose_what_varies() {
        let check = |link: &str, expected: Option<&str>| {
            assert_eq!(normal_link(link).as_deref(), expected, "{link}");
        };
        let page = Some("selo.example/news/1");
        check("https://www.selo.example/news/1/?utm_source=rss&utm_medium=x#top", page);
        check("http://selo.example/news/1", page);
        check("HTTPS://Selo.Example:443/news/1/", page);
        check("https://selo.example/news?id=5&yclid=9", Some("selo.example/news?id=5"));
        check("https://selo.example/", Some("selo.example"));
        check("urn:uuid:1", None);
        check("17", None);
    }

    fn article(guid: &str, link: &str, title: &str) -> Article {
        Article {
            guid: Some(guid.to_owned()).filter(|g| !g.is_empty()),
            link: Some(link.to_owned()).filter(|l| !l.is_empty()),
            url: None,
            title: title.to_owned(),
            body: String::new(),
            published: None,
            edited: None,
        }
    }

    #[test]
    fn an_id_names_one_article_whatever_the_feed_does() {
        let ids = |articles: &[Article]| super::ids("s", articles);
        let check = |a: &Article, b: &Article, same: bool| {
            assert_eq!(ids(std::slice::from_ref(a)) == ids(std::slice::from_ref(b)), same);
        };
        // A changed headline changes nothing when there is a guid or a link.
        check(&article("1", "x/1", "Было"), &article("1", "x/1", "Стало"), true);
        check(&article("", "x/1", "Было"), &article("", "x/1", "Стало"), true);
        check(&article("", "", "Было"), &article("", "", "Стало"), false);
        check(&article("1", "x/1", "А"), &article("2", "x/1", "А"), false);
        // A guid or link used for everything names nothing.
        let three = [article("0", "x/1", "А"), article("0", "x/2", "Б"), article("0", "x/2", "В")];
        assert_eq!(BTreeSet::from_iter(ids(&three)).len(), 3);
        // The same article listed twice stays one.
        let twice = [article("7", "x/7", "А"), article("7", "x/7", "А")];
        assert_eq!(BTreeSet::from_iter(ids(&twice)).len(), 1);
    }

    #[test]
    fn a_text_does_not_say_its_title_twice() {
        let check = |title: &str, body: &str, expected: &str| {
            let mut article = article("1", "", title);
            article.body = body.to_owned();
            assert_eq!(article.text(), expected);
        };
        check("Ремонт", "Дорогу чинят", "Ремонт\nДорогу чинят");
        check("Ремонт", "Ремонт дороги начат", "Ремонт дороги начат");
        check("Ремонт", "", "Ремонт");
        check("", "Дорогу чинят", "Дорогу чинят");
    }
}
