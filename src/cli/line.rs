//! A post as a JSON line (DESIGN 6.1): what `import`, `classify` and `evaluate` read.
//!
//! Place in the flow: the outermost edge; a line becomes a raw post only through the door.
//! Invariant: an error names the field, never its content.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use otklik_collectors::Counts;
use serde_json::{Map, Value};

use crate::alert::render::words::MONTHS;

/// A line as it may be used: required fields are there, the others have their types.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PostLine {
    /// Id, unique together with the source.
    pub id: String,
    /// Text, may be empty.
    pub text: String,
    /// Platform, any string.
    pub platform: Option<String>,
    /// Source, any string.
    pub source: Option<String>,
    /// Id of the post it answers.
    pub parent: Option<String>,
    /// Whether it is a comment.
    pub comment: bool,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was edited.
    pub edited: Option<Timestamp>,
    /// Who wrote it; only the seed is ever used.
    pub author: Option<String>,
    /// Whether a body speaks.
    pub official: bool,
    /// Link to the post, unless it was a link to a person's page.
    pub url: Option<String>,
    /// Counters.
    pub counts: Counts,
    /// Place that came with the line: an id or a name.
    pub place: Option<String>,
}

/// Longest id, source or platform in characters.
const NAME_CHARS_MAX: usize = 200;

impl PostLine {
    /// Parses one JSON line. `zone` is the zone of times that name none. The error is one Russian
    /// sentence that names the field.
    pub fn parse(line: &str, zone: &TimeZone) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| format!("это не JSON (символ {})", error.column()))?;
        let Value::Object(map) = value else {
            return Err("ожидается объект JSON в фигурных скобках".to_owned());
        };
        Self::from_map(&map, zone)
    }

    /// Takes the fields of a JSON object; see [`PostLine::parse`].
    pub fn from_map(map: &Map<String, Value>, zone: &TimeZone) -> Result<Self, String> {
        let id = name(map, "id")?.ok_or("нет обязательного поля id")?;
        if id.is_empty() {
            return Err("поле id пустое".to_owned());
        }
        let text = match map.get("text") {
            Some(Value::String(text)) => text.clone(),
            None => return Err("нет обязательного поля text".to_owned()),
            Some(_) => return Err("поле text: ожидается строка".to_owned()),
        };
        let parent = name(map, "parent")?;
        let comment = match word(map, "kind")?.as_deref() {
            None => parent.is_some(),
            Some("post") => false,
            Some("comment") => true,
            Some(_) => return Err("поле kind: ожидается post или comment".to_owned()),
        };
        Ok(Self {
            id,
            text,
            platform: name(map, "platform")?,
            source: name(map, "source")?,
            parent,
            comment,
            published: instant(map, "published", zone)?,
            edited: instant(map, "edited", zone)?,
            author: name(map, "author")?,
            official: flag(map, "official")?,
            url: word(map, "url")?.filter(|url| is_post_url(url)),
            counts: Counts {
                views: count(map, "views")?,
                likes: count(map, "likes")?,
                reposts: count(map, "reposts")?,
                comments: count(map, "comments")?,
            },
            place: word(map, "place")?,
        })
    }
}

fn word(map: &Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("поле {field}: ожидается строка")),
    }
}

/// A string or a whole number, as tables often have it.
fn name(map: &Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    let text = match map.get(field) {
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        _ => match word(map, field)? {
            Some(text) => text,
            None => return Ok(None),
        },
    };
    if text.chars().count() > NAME_CHARS_MAX {
        return Err(format!("поле {field}: длиннее {NAME_CHARS_MAX} знаков"));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("поле {field}: управляющие знаки не допускаются"));
    }
    Ok(Some(text))
}

fn flag(map: &Map<String, Value>, field: &str) -> Result<bool, String> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("поле {field}: ожидается true или false")),
    }
}

fn count(map: &Map<String, Value>, field: &str) -> Result<Option<u64>, String> {
    match map.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_u64()
            .filter(|&count| i64::try_from(count).is_ok())
            .map(Some)
            .ok_or_else(|| format!("поле {field}: ожидается целое число от нуля")),
    }
}

fn instant(
    map: &Map<String, Value>,
    field: &str,
    zone: &TimeZone,
) -> Result<Option<Timestamp>, String> {
    let Some(text) = word(map, field)? else { return Ok(None) };
    parse_instant(text.trim(), zone)
        .map(Some)
        .ok_or_else(|| format!("поле {field}: ожидается время, например 2026-11-20T09:30:00+08:00"))
}

/// RFC 3339, or civil time in `zone` as tables have it: `2026-11-20 09:30[:00]`, `20.11.2026
/// 09:30`, `20/11/2026`, `20 ноября 2026 г., 9:30`; «МСК» behind it names the zone.
#[must_use]
pub fn parse_instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    const MOMENTS: &[&str] = &[
        "%d.%m.%Y %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%d.%m.%y %H:%M",
        "%Y-%m-%d %H:%M",
        "%Y.%m.%d %H:%M:%S",
        "%Y.%m.%d %H:%M",
    ];
    const DATES: &[&str] = &["%d.%m.%Y", "%d.%m.%y", "%Y.%m.%d"];
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let moscow = moscow_time(text);
    let (text, zone) = match &moscow {
        Some((text, moscow)) => (*text, moscow),
        None => (text, zone),
    };
    let civil = text.parse::<DateTime>().ok().or_else(|| {
        let text = in_figures(text);
        let moment = MOMENTS.iter().find_map(|form| DateTime::strptime(form, &text).ok());
        let day = || DATES.iter().find_map(|form| Date::strptime(form, &text).ok());
        moment.or_else(|| day().map(|date| date.at(0, 0, 0, 0)))
    })?;
    zone.to_ambiguous_zoned(civil).compatible().ok().map(|zoned| zoned.timestamp())
}

/// The text before «МСК» or «(МСК)», with that zone.
fn moscow_time(text: &str) -> Option<(&str, TimeZone)> {
    let bare = text.trim_end_matches([')', ' ']);
    let end = bare.len().checked_sub("МСК".len())?;
    let named = bare.get(end..).is_some_and(|word| word.to_uppercase() == "МСК");
    let zone = if named { TimeZone::get("Europe/Moscow").ok()? } else { return None };
    Some((bare[..end].trim_end_matches(['(', ' ']), zone))
}

/// «20 ноября 2026 г., в 9:30» as «20.11.2026 9:30».
fn in_figures(text: &str) -> String {
    let text = text.to_lowercase().replace('/', ".").replace(',', " ");
    let mut words: Vec<String> = Vec::new();
    let mut glue = false;
    for word in text.split_whitespace().filter(|word| !matches!(*word, "г." | "г" | "года" | "в"))
    {
        let month = MONTHS.iter().position(|month| *month == word);
        match (month, words.last_mut()) {
            (Some(month), Some(day)) => {
                day.push_str(&format!(".{:02}.", month + 1));
                glue = true;
            }
            (_, Some(date)) if glue => {
                date.push_str(word.trim_end_matches("г."));
                glue = false;
            }
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

/// Whether an address may lead to a post rather than to a person: pages of social networks count
/// only with a post in them.
#[must_use]
pub fn is_post_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else {
        return false;
    };
    let rest = rest.to_lowercase();
    let (host, path) = rest.split_once('/').unwrap_or((&rest, ""));
    if host.contains('@') || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return false;
    }
    let host = host.split(':').next().unwrap_or("");
    let is = |site: &str| host == site || host.strip_suffix(site).is_some_and(|h| h.ends_with('.'));
    let numbered = |text: &str| {
        text.split(['?', '#'])
            .next()
            .unwrap_or("")
            .rsplit('/')
            .next()
            .is_some_and(|last| !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit()))
    };
    if is("vk.com") || is("vk.ru") {
        ["wall", "topic-", "photo", "video", "clip"].iter().any(|mark| {
            path.split(['=', '/', '?', '&']).any(|part| {
                part.strip_prefix(mark).is_some_and(|id| {
                    id.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                })
            })
        })
    } else if is("ok.ru") || is("odnoklassniki.ru") {
        path.contains("topic/") || path.contains("statuses/")
    } else if is("t.me") || is("telegram.me") {
        path.contains('/') && numbered(path)
    } else if is("max.ru") {
        path.contains('/')
    } else {
        !["facebook.com", "instagram.com", "twitter.com", "x.com", "tiktok.com"]
            .iter()
            .any(|site| is(site))
            && host.contains('.')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Irkutsk").expect("a known zone")
    }

    #[test]
    fn good_lines() {
        let line = PostLine::parse(
            r#"{"id":7,"text":"","parent":"1","published":"2026-11-20 09:30","author":5,"x":1,"views":3}"#,
            &zone(),
        )
        .expect("a good line");
        assert_eq!(
            (line.id.as_str(), line.comment, line.author.as_deref()),
            ("7", true, Some("5"))
        );
        assert_eq!(
            line.published.map(|at| at.to_string()).as_deref(),
            Some("2026-11-20T01:30:00Z")
        );
        assert_eq!(line.counts.views, Some(3));
    }

    #[test]
    fn bad_lines_name_the_field_and_not_its_content() {
        for (line, text) in [
            ("", "это не JSON (символ 0)"),
            ("[1]", "ожидается объект JSON в фигурных скобках"),
            (r#"{"text":"a"}"#, "нет обязательного поля id"),
            (r#"{"id":"","text":"a"}"#, "поле id пустое"),
            (r#"{"id":"1"}"#, "нет обязательного поля text"),
            (r#"{"id":"1","text":5}"#, "поле text: ожидается строка"),
            (r#"{"id":"1","text":"a","kind":"story"}"#, "поле kind: ожидается post или comment"),
            (
                r#"{"id":"1","text":"a","published":"secret"}"#,
                "поле published: ожидается время, например 2026-11-20T09:30:00+08:00",
            ),
            (r#"{"id":"1","text":"a","views":-1}"#, "поле views: ожидается целое число от нуля"),
            (r#"{"id":"1","text":"a","official":"да"}"#, "поле official: ожидается true или false"),
        ] {
            assert_eq!(PostLine::parse(line, &zone()).expect_err("a bad line"), text, "{line}");
        }
    }

    #[test]
    fn profile_addresses_are_dropped() {
        for (url, kept) in [
            ("https://vk.com/wall-200001_765", true),
            ("https://vk.ru/wall-200001_765?reply=766", true),
            ("https://m.vk.com/primer?w=wall-1_2", true),
            ("https://vk.com/id100001", false),
            ("https://vk.com/primer_primerov", false),
            ("https://ok.ru/profile/100001", false),
            ("https://ok.ru/group/55/topic/77", true),
            ("https://t.me/primer_rayon/12", true),
            ("https://t.me/primer_primerov", false),
            ("https://gazeta.example/news/1", true),
            ("https://user@gazeta.example/news/1", false),
            ("javascript:alert(1)", false),
            ("https://instagram.com/primer", false),
        ] {
            assert_eq!(is_post_url(url), kept, "{url}");
        }
    }
}
