//! Telegram: channels by the public preview `t.me/s/<name>`, and by an account what the preview
//! does not show: closed previews, public groups, comments.
//!
//! Place in the flow: one platform behind [`Collector`]. [`preview`] and [`account`] read pages,
//! [`walk`] and [`talk`] keep the place, [`adapt`] makes posts; this file joins them and names the
//! faults. Both ways give the same ids (`tg:<channel>_<message>`); a comment lives in the numbers
//! of its group and names its post as parent.
//!
//! Invariants: an answer that is no whole page of the channel asked for is an error and changes
//! nothing; the preview is asked first; a trouble of the account never keeps a channel with a
//! preview from being read.

mod account;
mod adapt;
mod comments;
mod message;
mod place;
mod posts;
mod preview;
mod talk;
mod walk;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::Collector;
use crate::error::{Class, CollectError, Scope};
use crate::http::{Request, Response, host_of};
use crate::ports::{Call, Ports};
use crate::raw::{Cursor, Page, Platform, SourceSpec};
use crate::status;

pub use account::{
    Account, Carrier, Line, LineSettings, Login, LoginStep, Proxy, SessionFile, Trouble, explain,
};

use place::Place;
use posts::Look;
use preview::Answer;

/// Nobody publishes a limit; one request in 2–5 seconds is what the preview is known to bear.
const SPACING_MS: u32 = 2_500;
/// Comments of a long discussion wait while the posts are read again after this time.
const POSTS_FIRST: SignedDuration = SignedDuration::from_mins(10);

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

/// Reads channels and groups.
pub struct Telegram {
    base: String,
    host: String,
    account: Option<Arc<Account>>,
    ports: Ports,
}

impl Telegram {
    /// A reader with these settings; without an account it reads the preview alone.
    #[must_use]
    pub fn new(settings: TelegramSettings, account: Option<Arc<Account>>, ports: Ports) -> Self {
        let base = settings.preview_url.trim_end_matches('/').to_owned();
        let host = host_of(&base).unwrap_or_default();
        Self { base, host, account, ports }
    }

    /// One answer of the preview with a status of success.
    async fn get(&self, path: &str) -> Result<Response, CollectError> {
        let call = Call {
            host: self.host.clone(),
            token: "none".to_owned(),
            fingerprint: String::new(),
            method: "preview".to_owned(),
            spacing_ms: SPACING_MS,
            per_day_max: None,
        };
        self.ports.budget.take(&call).await?;
        let request = Request {
            url: format!("{}{path}", self.base),
            headers: vec![("accept-language".to_owned(), "en".to_owned())],
            ..Request::default()
        };
        let sent = self.ports.transport.send(request).await;
        let now = self.ports.clock.now();
        let answered =
            sent.and_then(|response| status::check(&response, now, Scope::Host).map(|()| response));
        self.ports.budget.heard(&call, answered.as_ref().map(|_| ())).await;
        answered
    }

    /// After the last page of posts: comments follow, or the look ends.
    fn end_of_posts(&self, look: &Look<'_>, mut page: Page, mut place: Place) -> Page {
        if place.posts.more() {
            return page;
        }
        let mute = place.talk.is_mute(self.ports.clock.now());
        if look.source.comments && self.account.is_some() && !mute {
            place.talk.begin(place.rolled);
            page.cursor = place.write();
            page.more = true;
            return page;
        }
        if look.source.comments && self.account.is_none() {
            let holes = self.without(look, place.clone()).facts.coverage.holes;
            page.facts.coverage.holes.extend(holes);
        }
        page.facts.coverage.read = place.posts.covered();
        page.facts.coverage.holes.extend(place.unwatched());
        page
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
        let look = Look { source, name: &name, horizon };
        let mut place = Place::read(cursor);
        if source.platform_id.is_some() {
            place.posts.channel.clone_from(&source.platform_id);
        }
        let read = place.posts.is_fresh(self.ports.clock.now(), POSTS_FIRST);
        if place.talk.on && !place.posts.more() && read {
            return self.comments(&look, place).await;
        }
        let (page, place) = self.posts(&look, place).await?;
        Ok(self.end_of_posts(&look, page, place))
    }

    fn under_way(&self, _source: &SourceSpec, cursor: &Cursor) -> bool {
        Place::read(Some(cursor)).more()
    }

    async fn prove(&self) -> Result<String, CollectError> {
        if let Some(account) = &self.account {
            account.prove(&self.ports).await?;
            return Ok("Telegram: учётная запись принята; читаем каналы, открытые группы и \
                       комментарии."
                .to_owned());
        }
        let response = self.get("/s/telegram").await?;
        match preview::read_listing(&response.body) {
            Answer::Nonsense => Err(nonsense()),
            _ => Ok("Telegram: без учётной записи читаем только каналы с открытым просмотром; \
                     группы и комментарии не читаем."
                .to_owned()),
        }
    }
}

fn embed_path(name: &str, id: i64) -> String {
    format!("/{name}/{id}?embed=1")
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

fn closed(account: bool) -> CollectError {
    let text = match account {
        true => "Канал не показывает записи без входа: предпросмотр закрыт или это не канал.",
        false => {
            "Канал не показывает записи без входа: предпросмотр закрыт или это группа. Чтобы \
             читать, войдите учётной записью: otklik telegram login."
        }
    };
    CollectError::new(Class::NoAccess, Scope::Source, "telegram closed", text)
}

fn private() -> CollectError {
    CollectError::new(
        Class::NoAccess,
        Scope::Source,
        "telegram private",
        "Канал или группа больше не открыты для всех: otklik читает только открытые и проверит \
         снова через сутки.",
    )
}

fn no_person() -> CollectError {
    CollectError::new(
        Class::Refused,
        Scope::Source,
        "telegram person",
        "Под этим именем человек или бот, а не канал и не группа; людей мы не читаем.",
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
