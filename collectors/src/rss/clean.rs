//! From the bytes of a feed to its entries, each as a small document of its own.
//!
//! Place in the flow: before feed-rs, which loses a whole feed for one bad character. Bytes are
//! decoded (whatever the prolog claims), complete `<item>` / `<entry>` elements are cut out,
//! repaired and wrapped. Invariant: an entry that is not complete is counted, never handed on; the
//! others do not suffer.

use std::sync::LazyLock;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1251};
use regex::Regex;

/// Most entries taken from one answer.
const ENTRIES_MAX: usize = 2_000;

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)*) => {
        $(static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a constant pattern is valid"));)*
    };
}

patterns! {
    CHARSET = r#"(?i)charset\s*=\s*["']?([\w.:-]+)"#;
    PROLOG = r#"(?i)^\s*<\?xml[^>]*?encoding\s*=\s*["']([\w.:-]+)["']"#;
    ATTRIBUTE = r#"\b(xmlns:[\w.-]+)\s*=\s*("[^"<]*"|'[^'<]*')"#;
    BASE = r#"\bxml:base\s*=\s*["']([^"'<]*)["']"#;
    REFERENCE = r"^&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|\w{1,31});";
    BODY_TAG = r"<(description|content:encoded|[\w.-]+:full-text|summary|content)(?:\s[^<>]*)?>";
    ENCODED = r"<(/?)content:encoded\b";
    FULL_TEXT = r"<(/?)[\w.-]+:full-text\b";
}

/// What an answer turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// A feed in XML.
    Feed(Feed),
    /// Perhaps a feed in JSON.
    Json,
    /// A web page; whether it looks like a guard against robots.
    Html(bool),
    /// Nothing.
    Empty,
    /// Something else, or a feed cut off before its first entry.
    Nonsense,
}

/// The entries of an XML feed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Feed {
    /// Documents of one entry each.
    pub entries: Vec<String>,
    /// Entries begun, but not complete.
    pub broken: u32,
    /// Entries that are too many to be read.
    pub left: u32,
    /// Whether the feed came to its end.
    pub complete: bool,
    /// Address that relative links start from, as the feed declares it.
    pub base: Option<String>,
}

/// Decodes a body. UTF-8 that is valid is believed over any claim: nothing else looks like it by
/// chance.
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => return text.to_owned(),
        // Cut off inside the last character.
        Err(error) if error.error_len().is_none() => {
            return String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
        }
        Err(_) => {}
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(256)]);
    let named = |pattern: &Regex, text: &str| {
        let label = pattern.captures(text)?.get(1)?.as_str().to_owned();
        Encoding::for_label(label.as_bytes()).filter(|encoding| *encoding != UTF_8)
    };
    let encoding = named(&PROLOG, &start).or_else(|| named(&CHARSET, content_type?));
    let guess = || if mostly_utf8(bytes) { UTF_8 } else { WINDOWS_1251 };
    encoding.unwrap_or_else(guess).decode_without_bom_handling(bytes).0.into_owned()
}

/// UTF-8 with a few broken characters, against a one-byte encoding that merely claims to be UTF-8.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let bad = text.matches('\u{fffd}').count();
    let good = text.chars().filter(|c| !c.is_ascii() && *c != '\u{fffd}').count();
    bad * 10 < good
}

/// Cuts a decoded body into entries.
pub fn cut(text: &str) -> Body {
    let text = text.trim_start_matches(['\u{feff}', '\0']).trim();
    if text.is_empty() {
        return Body::Empty;
    }
    if text.starts_with('{') {
        return Body::Json;
    }
    let mut tags = Tags { text, at: 0 };
    let Some(root) = tags.find(|tag| !tag.closing) else { return Body::Nonsense };
    let local = root.name.rsplit(':').next().unwrap_or(root.name).to_lowercase();
    let entry_name = match local.as_str() {
        "rss" | "rdf" => "item".to_owned(),
        "feed" => root.name.replace("feed", "entry"),
        "html" | "head" | "body" | "script" => return Body::Html(looks_like_guard(text)),
        _ => return Body::Nonsense,
    };
    let feed = collect(tags, &root, &entry_name, local == "feed");
    if feed.entries.is_empty() && !feed.complete { Body::Nonsense } else { Body::Feed(feed) }
}

fn collect(tags: Tags<'_>, root: &Tag<'_>, entry_name: &str, atom: bool) -> Feed {
    let mut feed = Feed::default();
    let text = tags.text;
    let mut attributes = root.source.to_owned();
    let mut open: Option<usize> = None;
    for tag in tags {
        if tag.name == root.name && tag.closing {
            feed.complete = true;
            break;
        }
        if tag.name == "channel" && !tag.closing && feed.entries.is_empty() {
            attributes.push_str(tag.source);
        }
        if tag.name != entry_name || tag.empty {
            continue;
        }
        match (open, tag.closing) {
            (Some(start), true) => {
                if feed.entries.len() < ENTRIES_MAX {
                    feed.entries.push(wrap(&text[start..tag.end], &attributes, atom));
                } else {
                    feed.left += 1;
                }
                open = None;
            }
            // An entry begins inside another: the first one never ended.
            (before, false) => {
                feed.broken += u32::from(before.is_some());
                open = Some(tag.start);
            }
            (None, true) => {}
        }
    }
    feed.broken += u32::from(open.is_some());
    feed.base = BASE.captures(&attributes).map(|found| found[1].to_owned());
    feed
}

/// A document of one entry, in RSS 2.0 or Atom, with the prefixes that the feed declared and the
/// usual ones.
fn wrap(entry: &str, attributes: &str, atom: bool) -> String {
    let mut declared = String::new();
    for (prefix, address) in [
        ("content", "http://purl.org/rss/1.0/modules/content/"),
        ("dc", "http://purl.org/dc/elements/1.1/"),
        ("atom", "http://www.w3.org/2005/Atom"),
    ] {
        if !attributes.contains(&format!("xmlns:{prefix}")) {
            declared.push_str(&format!(" xmlns:{prefix}=\"{address}\""));
        }
    }
    let mut known: Vec<&str> = Vec::new();
    for attribute in ATTRIBUTE.captures_iter(attributes) {
        let name = attribute.get(1).map_or("", |m| m.as_str());
        if !known.contains(&name) {
            known.push(name);
            declared.push(' ');
            declared.push_str(attribute.get(0).map_or("", |m| m.as_str()));
        }
    }
    let entry = repair(&without_people_and_media(entry));
    if atom {
        format!("<feed xmlns=\"http://www.w3.org/2005/Atom\"{declared}>{entry}</feed>")
    } else {
        format!("<rss version=\"2.0\"{declared}><channel>{entry}</channel></rss>")
    }
}

/// The same entry with `yandex:full-text` in place of its body: many Russian sites put the whole
/// text there.
pub fn with_full_text(entry: &str) -> Option<String> {
    if !FULL_TEXT.is_match(entry) {
        return None;
    }
    let without = ENCODED.replace_all(entry, "<${1}passed-over");
    Some(FULL_TEXT.replace_all(&without, "<${1}content:encoded").into_owned())
}

/// Leaves out who wrote an entry (nobody here may know) and its media (nobody here needs them;
/// feed-rs has been seen to panic on their durations).
fn without_people_and_media(entry: &str) -> String {
    let mut out = String::with_capacity(entry.len());
    let mut kept = 0;
    let mut open: Option<(&str, usize)> = None;
    for tag in (Tags { text: entry, at: 0 }) {
        match open {
            None if unwanted(tag.name) && tag.empty => {
                out.push_str(&entry[kept..tag.start]);
                kept = tag.end;
            }
            None if unwanted(tag.name) && !tag.closing => open = Some((tag.name, tag.start)),
            Some((name, start)) if tag.closing && tag.name == name => {
                out.push_str(&entry[kept..start]);
                kept = tag.end;
                open = None;
            }
            _ => {}
        }
    }
    out.push_str(&entry[kept..]);
    out
}

fn unwanted(name: &str) -> bool {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    matches!(prefix, "media" | "itunes" | "podcast")
        || matches!(local, "author" | "creator" | "contributor" | "managingEditor" | "webMaster")
}

/// Makes an entry well-formed as far as that is certain: lone `&`, characters that XML forbids,
/// HTML put into a text element without escaping.
fn repair(entry: &str) -> String {
    let mut out = String::with_capacity(entry.len() + 64);
    let mut rest = entry;
    while let Some(at) = rest.find("<![CDATA[") {
        let end = rest[at..].find("]]>").map_or(rest.len(), |end| at + end + 3);
        escape_ampersands(&rest[..at], &mut out);
        out.extend(rest[at..end].chars().filter(|c| allowed(*c)));
        rest = &rest[end..];
    }
    escape_ampersands(rest, &mut out);
    enclose_html(&out)
}

fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
}

fn escape_ampersands(text: &str, out: &mut String) {
    let mut skip_to = 0;
    for (i, c) in text.char_indices() {
        if i < skip_to || !allowed(c) {
            continue;
        }
        if c != '&' {
            out.push(c);
            continue;
        }
        let Some(reference) = REFERENCE.captures(&text[i..]) else {
            out.push_str("&amp;");
            continue;
        };
        let code = |i: usize, radix| {
            reference.get(i).map(|m| u32::from_str_radix(m.as_str(), radix).unwrap_or(0))
        };
        let number = code(1, 10).or_else(|| code(2, 16));
        if number.is_some_and(|n| !char::from_u32(n).is_some_and(allowed)) {
            skip_to = i + reference[0].len();
        } else {
            out.push('&');
        }
    }
}

/// Puts bodies that hold unescaped HTML into CDATA, so that mismatched tags there break nothing.
fn enclose_html(entry: &str) -> String {
    let mut out = String::with_capacity(entry.len() + 64);
    let mut rest = entry;
    while let Some(found) = BODY_TAG.captures(rest) {
        let (tag, name) = (&found[0], &found[1]);
        let start = rest.find(tag).unwrap_or(0) + tag.len();
        let close = format!("</{name}>");
        let Some(length) = rest[start..].find(&close) else { break };
        let body = &rest[start..start + length];
        out.push_str(&rest[..start]);
        let xhtml = tag.contains("xhtml") || tag.ends_with("/>");
        if !xhtml && body.contains('<') && !body.contains("<![CDATA[") {
            out.push_str(&format!("<![CDATA[{body}]]>"));
        } else {
            out.push_str(body);
        }
        out.push_str(&close);
        rest = &rest[start + length + close.len()..];
    }
    out.push_str(rest);
    out
}

/// Words that pages against robots show instead of the feed.
fn looks_like_guard(page: &str) -> bool {
    let lower = page.to_lowercase();
    ["ddos-guard", "cf-challenge", "challenge-platform", "captcha", "checking your browser"]
        .iter()
        .chain(&["проверка браузера", "вы не робот", "__js_p_", "document.cookie"])
        .any(|mark| lower.contains(mark))
}

/// A tag in XML text.
struct Tag<'a> {
    name: &'a str,
    source: &'a str,
    start: usize,
    end: usize,
    closing: bool,
    empty: bool,
}

/// Tags outside comments, CDATA and declarations; ends where the text is cut off inside one of
/// them.
struct Tags<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Tags<'a> {
    type Item = Tag<'a>;

    fn next(&mut self) -> Option<Tag<'a>> {
        loop {
            let start = self.at + self.text[self.at..].find('<')?;
            let rest = &self.text[start..];
            let passed = |open: &str, end: &str| {
                rest.starts_with(open).then(|| rest.find(end).map(|at| start + at + end.len()))
            };
            if rest.starts_with("<![CDATA[") {
                self.at = start + cdata_end(rest)?;
            } else if let Some(end) = passed("<!--", "-->").or_else(|| passed("<?", "?>")) {
                self.at = end?;
            } else if rest.starts_with("<!") {
                let end = rest.find('>')?;
                let subset = rest[..end].contains('[');
                let end = if subset { rest.find("]>").map(|at| at + 1)? } else { end };
                self.at = start + end + 1;
            } else if let Some(tag) = tag(self.text, start) {
                self.at = tag.end;
                return Some(tag);
            } else {
                self.at = start + 1;
            }
        }
    }
}

/// Length of a CDATA section. One that was never closed ends before the next entry instead of
/// eating it.
fn cdata_end(rest: &str) -> Option<usize> {
    let end = rest.find("]]>");
    let inside = &rest[..end.unwrap_or(rest.len())];
    let next_entry = ["</item>", "</entry>"].iter().filter_map(|close| {
        let at = inside.find(close)?;
        let after = rest[at + close.len()..].trim_start();
        (after.starts_with("<item") || after.starts_with("<entry"))
            .then(|| rest.len() - after.len())
    });
    match (end, next_entry.min()) {
        (Some(end), Some(next)) if end > next => Some(next),
        (None, next) => next,
        (Some(end), _) => Some(end + 3),
    }
}

fn tag(text: &str, start: usize) -> Option<Tag<'_>> {
    let rest = &text[start + 1..];
    let closing = rest.starts_with('/');
    let rest = if closing { &rest[1..] } else { rest };
    let name_end = rest.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/' | '<'))?;
    let name = &rest[..name_end];
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return None;
    }
    let mut quote = None;
    for (i, c) in rest[name_end..].char_indices() {
        match (quote, c) {
            // XML has no `<` in attributes: this is no tag, or one cut off.
            (_, '<') => return None,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => {
                let end = start + 1 + usize::from(closing) + name_end + i + 1;
                let source = &text[start..end];
                return Some(Tag {
                    name,
                    source,
                    start,
                    end,
                    closing,
                    empty: source.ends_with("/>"),
                });
            }
            _ => {}
        }
    }
    None
}
