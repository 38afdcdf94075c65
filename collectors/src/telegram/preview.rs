//! Reads the pages of Telegram's public preview: `/s/<name>` and the embed of one post.
//!
//! Place in the flow: bytes in, [`Listing`] or [`Embed`] out; [`super::adapt`] makes posts of it.
//! Invariant: only a whole page of the expected kind is read; a broken or foreign page is told
//! apart from a page that says "nothing here".

use std::sync::LazyLock;

use scraper::{ElementRef, Html, Selector};

use crate::markup;

use super::message::{Listing, Message};

/// What a page of a channel turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A channel's page.
    Listing(Listing),
    /// The name exists, but gives no preview: closed, restricted, a group, a bot, a person.
    Closed,
    /// Nobody has this name.
    Missing,
    /// Cut off or no page of Telegram.
    Nonsense,
}

/// What the embed of one post says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Embed {
    /// The post is there; the number of its channel, if the page names it.
    Post(Option<String>),
    /// A whole page which says that there is no such post.
    NotFound,
    /// A whole page that proves nothing.
    Unclear,
    /// Cut off or no page of Telegram.
    Nonsense,
}

macro_rules! selectors {
    ($($name:ident = $css:literal;)*) => {
        $(static $name: LazyLock<Selector> =
            LazyLock::new(|| Selector::parse($css).expect("a constant selector is valid"));)*
    };
}

selectors! {
    INFO = ".tgme_channel_info";
    HISTORY = ".tgme_channel_history";
    OLDER = "link[rel=prev], .js-messages_more[data-before]";
    LANDING = ".tgme_page";
    LANDING_TITLE = ".tgme_page_title";
    MESSAGE = ".tgme_widget_message[data-post]";
    ANY_MESSAGE = ".tgme_widget_message";
    WIDGET = "body.tgme_widget";
    ERROR = ".tgme_widget_message_error";
    // A reply's quote wears the first class too, but never the second.
    TEXT = ".tgme_widget_message_text.js-message_text";
    POLL = ".tgme_widget_message_poll_question";
    SERVICE = ".service_message";
    FORWARDED = ".tgme_widget_message_forwarded_from";
    // A video has a `time` of its own: its length.
    DATE = ".tgme_widget_message_date time[datetime]";
    VIEWS = ".tgme_widget_message_views";
    REACTION = ".tgme_reaction:not(.tgme_reaction_paid)";
}

/// Whether the page came to its end.
fn whole(page: &str) -> bool {
    page.rfind("</html>").is_some_and(|at| page.len() - at < 4096)
}

/// Reads an answer to `/s/<name>`.
pub fn read_listing(body: &[u8]) -> Answer {
    let page = String::from_utf8_lossy(body);
    if !whole(&page) {
        return Answer::Nonsense;
    }
    let html = Html::parse_document(&page);
    let has = |selector| html.select(selector).next().is_some();
    if !has(&INFO) {
        return match (has(&LANDING), has(&LANDING_TITLE)) {
            (true, true) => Answer::Closed,
            (true, false) => Answer::Missing,
            _ => Answer::Nonsense,
        };
    }
    if !has(&HISTORY) {
        return Answer::Nonsense;
    }
    let mut listing = Listing { older: has(&OLDER), ..Listing::default() };
    let mut channel: Option<String> = None;
    for element in html.select(&MESSAGE) {
        let Some((name, id)) = address(element) else {
            listing.unreadable += 1;
            continue;
        };
        // Messages of two channels on one page: somebody's cache gave us a wrong page.
        if *channel.get_or_insert_with(|| name.clone()) != name {
            return Answer::Nonsense;
        }
        let message = read_message(element, id);
        if message.published.is_none() && !message.service {
            listing.unread.push(id);
        } else {
            listing.messages.push(message);
        }
    }
    listing.messages.sort_by_key(|m| m.id);
    listing.messages.dedup_by_key(|m| m.id);
    Answer::Listing(listing)
}

/// Reads an answer to `/<name>/<id>?embed=1`.
pub fn read_embed(body: &[u8], id: i64) -> Embed {
    let page = String::from_utf8_lossy(body);
    if !whole(&page) {
        return Embed::Nonsense;
    }
    let html = Html::parse_document(&page);
    if let Some(message) = html.select(&MESSAGE).next() {
        let number = message.attr("data-peer").and_then(channel_number);
        // The embed of an album's part may name the album's first post.
        let same = address(message).is_some_and(|(_, found)| found == id);
        return if same || number.is_some() { Embed::Post(number) } else { Embed::Unclear };
    }
    if let Some(error) = html.select(&ERROR).next() {
        let text = markup::text_of(error).to_lowercase();
        let gone = text.contains("post not found");
        return if gone { Embed::NotFound } else { Embed::Unclear };
    }
    let bare = html.select(&WIDGET).next().is_some() && html.select(&ANY_MESSAGE).next().is_none();
    if bare { Embed::NotFound } else { Embed::Nonsense }
}

/// Name (lower case) and number of a message, from `data-post`.
fn address(element: ElementRef<'_>) -> Option<(String, i64)> {
    let (name, id) = element.attr("data-post")?.split_once('/')?;
    let id: i64 = id.parse().ok()?;
    (id > 0).then(|| (name.to_lowercase(), id))
}

/// `c1000000001_-1` → `1000000001`.
fn channel_number(peer: &str) -> Option<String> {
    let number = peer.strip_prefix('c')?.split('_').next()?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| number.to_owned())
}

fn read_message(element: ElementRef<'_>, id: i64) -> Message {
    let first = |selector| element.select(selector).next();
    let published = first(&DATE).and_then(|time| time.attr("datetime")?.parse().ok());
    let reactions: Vec<u64> =
        element.select(&REACTION).filter_map(|r| count(&own_text(r))).collect();
    Message {
        id,
        published,
        text: first(&TEXT).or_else(|| first(&POLL)).map(markup::text_of).unwrap_or_default(),
        forwarded: first(&FORWARDED).is_some(),
        service: SERVICE.matches(&element) || first(&SERVICE).is_some(),
        views: first(&VIEWS).and_then(|views| count(&own_text(views))),
        reactions: (!reactions.is_empty()).then(|| reactions.iter().sum()),
        ..Message::default()
    }
}

/// Text directly in an element: a reaction's number without its emoji.
fn own_text(element: ElementRef<'_>) -> String {
    element.children().filter_map(|child| child.value().as_text()).map(|t| t.trim()).collect()
}

/// `146`, `57.8K`, `2.81M` → a number, as exact as Telegram tells it.
fn count(text: &str) -> Option<u64> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' => (&text[..text.len() - 1], 1_000),
        b'M' => (&text[..text.len() - 1], 1_000_000),
        b'B' => (&text[..text.len() - 1], 1_000_000_000),
        _ => (text, 1),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mut value = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let mut step = unit;
    for digit in part.chars() {
        step /= 10;
        value = value.checked_add(u64::from(digit.to_digit(10)?) * step)?;
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_exactly_as_told() {
        let check = |text: &str, expected| assert_eq!(count(text), expected, "{text:?}");
        check("146", Some(146));
        check("57.8K", Some(57_800));
        check("2.81M", Some(2_810_000));
        check("3K", Some(3_000));
        check("", None);
        check("K", None);
        check("много", None);
        check("99999999999999999999M", None);
    }

    #[test]
    fn channel_numbers_lose_their_dressing() {
        let check = |peer: &str, expected: Option<&str>| {
            assert_eq!(channel_number(peer).as_deref(), expected, "{peer}");
        };
        check("c1000000001_-1", Some("1000000001"));
        check("c1000000001", Some("1000000001"));
        check("u77", None);
        check("c_1", None);
        check("c12x_1", None);
    }
}
