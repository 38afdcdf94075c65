//! Telegram: channels by the public preview `t.me/s/<name>`, without an account.
//!
//! Place in the flow: one platform behind [`Collector`]. [`preview`] reads pages, [`walk`] keeps
//! the place, [`adapt`] makes posts; this file sends the requests and names the faults. Reading by
//! account (MTProto) gives the same ids (`tg:<channel>_<message>`) and will stand beside the
//! preview in this folder.
//!
//! Invariant: an answer that is no whole page of the channel asked for is an error and changes
//! nothing.

mod adapt;
mod preview;
mod walk;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::Collector;
use crate::error::{Class, CollectError, Scope};
use crate::hash::fingerprint;
use crate::http::{Method, Request, Response};
use crate::ports::{Call, Ports};
use crate::raw::{Cursor, Facts, Page, Platform, SourceSpec};
use crate::status;

use preview::{Answer, Embed, Listing, Message};
use walk::{Position, Step};

/// Nobody publishes a limit; one request in 2–5 seconds is what the preview is known to bear.
const SPACING_MS: u32 = 2_500;
/// How many posts are tried for the channel's number before giving up for this time.
const NUMBER_TRIES: usize = 3;

/// Settings of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TelegramSettings {
    /// Address before `/s/<name>`.
    pub preview_url: String,
}

impl Default for TelegramSettings {
    fn default() -> Self {
        Self { preview_url: "https://t.me".to_owned() }
    }
}

/// Reads channels by the public preview.
pub struct Telegram {
    base: String,
    host: String,
    ports: Ports,
}

impl Telegram {
    /// A reader with these settings.
    #[must_use]
    pub fn new(settings: TelegramSettings, ports: Ports) -> Self {
        let base = settings.preview_url.trim_end_matches('/').to_owned();
        let host = url::Url::parse(&base).ok().and_then(|url| url.host_str().map(str::to_owned));
        Self { base, host: host.unwrap_or_default(), ports }
    }

    /// One answer of the preview with a status of success.
    async fn get(&self, path: &str) -> Result<Response, CollectError> {
        let call = Call {
            host: self.host.clone(),
            token: "none".to_owned(),
            method: "preview".to_owned(),
            spacing_ms: SPACING_MS,
            per_day_max: None,
        };
        self.ports.budget.take(&call).await?;
        let request = Request {
            method: Method::Get,
            url: format!("{}{path}", self.base),
            headers: vec![("accept-language".to_owned(), "en".to_owned())],
            form: Vec::new(),
            guarded: false,
        };
        let response = self.ports.transport.send(request).await?;
        if let Err(error) = status::check(&response, self.ports.clock.now(), Scope::Host) {
            if let (Class::RateLimited, Some(until)) = (error.class, error.until) {
                self.ports.budget.pause(&self.host, "none", None, until).await;
            }
            return Err(error);
        }
        Ok(response)
    }

    /// The channel's number, from the embed of one of its newest posts. `None`: no post to ask.
    async fn number(&self, name: &str, listing: &Listing) -> Result<Option<String>, CollectError> {
        let posts = listing.messages.iter().rev().filter(|message| !message.service);
        let mut asked = false;
        for message in posts.take(NUMBER_TRIES) {
            asked = true;
            let response = self.get(&embed_path(name, message.id)).await?;
            if let Embed::Post(Some(number)) = preview::read_embed(&response.body, message.id) {
                return Ok(Some(number));
            }
        }
        if asked { Err(unknown_number()) } else { Ok(None) }
    }

    /// Reads one page of the listing into `position`.
    async fn list(
        &self,
        source: &SourceSpec,
        name: &str,
        mut position: Position,
        before: Option<i64>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError> {
        let query = before.map(|id| format!("?before={id}")).unwrap_or_default();
        let response = self.get(&format!("/s/{name}{query}")).await?;
        let listing = match preview::read_listing(&response.body) {
            Answer::Listing(listing) => listing,
            Answer::Closed => return Err(closed()),
            Answer::Missing => return Err(missing()),
            Answer::Nonsense => return Err(nonsense()),
        };
        // A server that ignores `before` would lead us round in a circle.
        if before.is_some_and(|before| listing.ids().any(|id| id >= before)) {
            return Err(nonsense());
        }
        if before.is_none() && listing.ids().next().is_none() && position.knows_messages() {
            return Err(emptied());
        }
        let suspicious = before.is_none() && position.fell_back(&listing);
        if position.channel.is_none() || suspicious {
            let number = self.number(name, &listing).await?;
            match (&position.channel, &number) {
                (Some(known), Some(found)) if known != found => return Err(other_channel()),
                (None, _) => position.channel = number,
                _ => {}
            }
        }
        let masked: Vec<_> =
            listing.messages.iter().map(|m| adapt::masked(&self.ports, m)).collect();
        let texts: Vec<_> = masked.iter().map(|text| fingerprint(&[text.as_str()])).collect();
        let change = position.list(&listing, &texts, horizon, self.ports.clock.now());
        let channel = position.channel.clone().unwrap_or_default();
        let mut page = Page {
            posts: Vec::new(),
            gone: change.gone.iter().map(|&id| adapt::post_id(&channel, id)).collect(),
            cursor: position.cursor(),
            more: position.more(),
            facts: Facts { platform_id: position.channel, ..Facts::default() },
        };
        page.facts.unreadable = listing.unreadable + listing.unread.len() as u32;
        for (message, text) in listing.messages.iter().zip(masked) {
            if change.deliver.contains(&message.id) {
                count_blind_spots(&mut page.facts, message, source);
                page.posts.push(adapt::post(source, name, &channel, message, text));
            }
        }
        Ok(page)
    }

    /// Asks for one message that a listing missed.
    async fn ask(&self, name: &str, mut position: Position, id: i64) -> Result<Page, CollectError> {
        let response = self.get(&embed_path(name, id)).await?;
        let there = match preview::read_embed(&response.body, id) {
            Embed::Post(Some(number))
                if position.channel.as_ref().is_some_and(|c| *c != number) =>
            {
                return Err(other_channel());
            }
            Embed::Post(_) => Some(true),
            Embed::NotFound => Some(false),
            Embed::Unclear => None,
            Embed::Nonsense => return Err(nonsense()),
        };
        let change = position.answered(id, there, self.ports.clock.now());
        let channel = position.channel.clone().unwrap_or_default();
        Ok(Page {
            posts: Vec::new(),
            gone: change.gone.iter().map(|&id| adapt::post_id(&channel, id)).collect(),
            cursor: position.cursor(),
            more: position.more(),
            facts: Facts { platform_id: position.channel, ..Facts::default() },
        })
    }
}

#[async_trait]
impl Collector for Telegram {
    fn platform(&self) -> Platform {
        Platform::Telegram
    }

    async fn page(
        &self,
        source: &SourceSpec,
        cursor: Option<&Cursor>,
        horizon: Timestamp,
    ) -> Result<Page, CollectError> {
        let name = channel_name(&source.handle)?;
        let mut position = Position::parse(cursor);
        if source.platform_id.is_some() {
            position.channel.clone_from(&source.platform_id);
        }
        match position.step(self.ports.clock.now()) {
            Step::List(before) => self.list(source, &name, position, before, horizon).await,
            Step::Ask(id) => self.ask(&name, position, id).await,
        }
    }

    fn under_way(&self, _source: &SourceSpec, cursor: &Cursor) -> bool {
        Position::parse(Some(cursor)).more()
    }

    async fn prove(&self) -> Result<String, CollectError> {
        let response = self.get("/s/telegram").await?;
        match preview::read_listing(&response.body) {
            Answer::Nonsense => Err(nonsense()),
            _ => Ok("Открытые каналы Telegram читаются без учётной записи.".to_owned()),
        }
    }
}

fn embed_path(name: &str, id: i64) -> String {
    format!("/{name}/{id}?embed=1")
}

/// What nobody can classify or read in a delivered message.
fn count_blind_spots(facts: &mut Facts, message: &Message, source: &SourceSpec) {
    facts.pictures_only += u32::from(message.text.is_empty());
    // The preview shows no comments at all.
    facts.comments_closed += u32::from(source.comments);
}

/// The channel's name in a handle: `name`, `@name`, `t.me/name`, `t.me/s/name`, with or without
/// scheme.
///
/// # Errors
/// `Refused` for invitations, private channels and whatever else is no name of an open channel.
pub fn channel_name(handle: &str) -> Result<String, CollectError> {
    let rest = handle.trim();
    let rest = rest.strip_prefix("https://").or(rest.strip_prefix("http://")).unwrap_or(rest);
    let rest = rest.strip_prefix("www.").unwrap_or(rest);
    let hosts = ["t.me/", "telegram.me/", "telegram.dog/"];
    let path = hosts.iter().find_map(|host| rest.strip_prefix(host));
    let name = match path {
        Some(path) => path.strip_prefix("s/").unwrap_or(path).split(['/', '?', '#']).next(),
        None => Some(rest.strip_prefix('@').unwrap_or(rest)),
    };
    let valid = |name: &&str| {
        (4..=32).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && *name != "joinchat"
    };
    name.filter(valid).map(str::to_lowercase).ok_or_else(|| {
        CollectError::new(
            Class::Refused,
            Scope::Source,
            "telegram handle",
            "Это не имя открытого канала Telegram: нужен адрес вида t.me/имя.",
        )
    })
}

fn closed() -> CollectError {
    CollectError::new(
        Class::NoAccess,
        Scope::Source,
        "telegram closed",
        "Канал не показывает записи без входа: предпросмотр закрыт или это не канал.",
    )
}

fn missing() -> CollectError {
    CollectError::new(
        Class::Gone,
        Scope::Source,
        "telegram missing",
        "Канала с таким именем в Telegram нет: переименован или удалён; укажите новое имя.",
    )
}

fn nonsense() -> CollectError {
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        "telegram page",
        "Telegram прислал не страницу канала или не всю страницу; из неё ничего не взято.",
    )
}

fn emptied() -> CollectError {
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        "telegram empty",
        "Telegram показал канал пустым, хотя записи в нём были; у нас ничего не изменено.",
    )
}

fn unknown_number() -> CollectError {
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        "telegram number",
        "Не удалось узнать номер канала; записи возьмём в следующий раз.",
    )
}

fn other_channel() -> CollectError {
    CollectError::new(
        Class::NeedsPerson,
        Scope::Source,
        "telegram other",
        "Под этим именем теперь другой канал; проверьте адрес источника.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_understood_in_every_spelling() {
        let check = |handle: &str, expected: Option<&str>| {
            assert_eq!(channel_name(handle).ok().as_deref(), expected, "{handle}");
        };
        check("zaigraevo_news", Some("zaigraevo_news"));
        check("@Zaigraevo_News", Some("zaigraevo_news"));
        check(" t.me/zaigraevo_news ", Some("zaigraevo_news"));
        check("https://t.me/s/zaigraevo_news", Some("zaigraevo_news"));
        check("https://t.me/zaigraevo_news/15?single", Some("zaigraevo_news"));
        check("http://www.t.me/zaigraevo_news#x", Some("zaigraevo_news"));
        check("https://t.me/+AbCdEf123", None);
        check("https://t.me/joinchat/AbCdEf", None);
        check("https://t.me/c/1234567890/1", None);
        check("https://vk.com/zaigraevo", None);
        check("заиграево", None);
        check("", None);
    }
}
