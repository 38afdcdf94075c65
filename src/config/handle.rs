//! Handles: the name of a page on its platform, out of a name or an address.
//!
//! Place in the flow: `sources.toml` and `sources add`. Invariant: what names a closed place
//! (invitation, private chat) or a person who is no opinion leader is refused here already, with
//! the reason.

use crate::model::SourceKind;

use super::check::{Checked, wrong};

/// A page recognised from what a person pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// `vk`, `telegram`, `rss`, `ok`, `max`.
    pub platform: &'static str,
    /// Its name there.
    pub handle: String,
}

/// Hosts of each platform whose pages have addresses.
const HOSTS: [(&str, &str); 12] = [
    ("vk.com", "vk"),
    ("vk.ru", "vk"),
    ("m.vk.com", "vk"),
    ("m.vk.ru", "vk"),
    ("t.me", "telegram"),
    ("telegram.me", "telegram"),
    ("ok.ru", "ok"),
    ("m.ok.ru", "ok"),
    ("odnoklassniki.ru", "ok"),
    ("max.ru", "max"),
    ("web.max.ru", "max"),
    ("telegram.dog", "telegram"),
];

/// The platform that a host belongs to.
pub fn platform_of(host: &str) -> Option<&'static str> {
    let host = host.to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host);
    HOSTS.iter().find(|(name, _)| *name == host).map(|(_, platform)| *platform)
}

/// Platform and name from an address; the scheme may be missing, a feed needs it.
pub fn recognise(text: &str) -> Checked<Recognised> {
    let text = text.trim();
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    if scheme.is_some_and(|scheme| scheme != "http" && scheme != "https") {
        return wrong("это не адрес страницы", "адрес начинается с https://");
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let known = platform_of(host);
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    match (known, scheme) {
        (Some(platform), _) => Ok(Recognised { platform, handle: named(platform, path)? }),
        (None, Some(_)) if !host.is_empty() => {
            Ok(Recognised { platform: "rss", handle: text.to_owned() })
        }
        _ => wrong("не понять, на какой это платформе", "дайте адрес целиком или --platform"),
    }
}

/// The name of the page in the path of its address.
fn named(platform: &str, path: &str) -> Checked<String> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next().unwrap_or_default();
    let name = match (platform, first) {
        ("telegram", "s") => parts.next().unwrap_or_default(),
        ("telegram", "c") | ("telegram", "joinchat") => {
            return wrong("это закрытый чат, он не читается", "годятся только открытые каналы");
        }
        ("ok", "group") => parts.next().unwrap_or_default(),
        ("ok", "profile") => return personal_ok(),
        ("max", "join" | "u" | "c") => return closed_max(),
        ("vk", wall) if wall.starts_with("wall") => wall[4..].split('_').next().unwrap_or_default(),
        (_, first) => first,
    };
    if name.is_empty() {
        return wrong("в адресе нет имени страницы", "скопируйте адрес самой страницы");
    }
    Ok(name.to_owned())
}

/// The handle as the collectors want it, out of a name or an address typed in `sources.toml`.
pub fn check(platform: &str, text: &str, kind: SourceKind) -> Checked<String> {
    let text = text.trim();
    if text.is_empty() {
        return wrong("пустое имя страницы", "напишите её имя или адрес");
    }
    let of_other = |found: &Recognised| found.platform != platform && found.platform != "rss";
    let name = match (platform, text.contains('/')) {
        ("rss", _) => return feed(text),
        (_, true) => match recognise(text)? {
            found if found.platform == platform => found.handle,
            found if of_other(&found) => {
                let fix = format!("platform = \"{}\"", found.platform);
                return wrong(format!("это адрес {}, а не {platform}", found.platform), fix);
            }
            _ => return wrong(format!("это не адрес {platform}"), "напишите имя страницы"),
        },
        (_, false) => text.to_owned(),
    };
    let name = name.strip_prefix('@').unwrap_or(&name);
    match platform {
        "vk" => vk(name, kind),
        "telegram" => telegram(name),
        "ok" => ok(name),
        "max" => max(name),
        _ => Ok(name.to_owned()),
    }
}

fn vk(name: &str, kind: SourceKind) -> Checked<String> {
    let number = |prefix: &str| {
        let rest = name.strip_prefix(prefix)?;
        (!rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit())).then(|| rest.to_owned())
    };
    for prefix in ["-", "club", "public", "event"] {
        if let Some(digits) = number(prefix) {
            return Ok(format!("-{digits}"));
        }
    }
    if let Some(digits) = number("").or_else(|| number("id")) {
        return match kind {
            SourceKind::Leader => Ok(digits),
            _ => wrong(
                "это личная страница",
                "личные страницы читаются только как kind = \"leader\", от 10 000 подписчиков; \
                 у сообщества номер с минусом",
            ),
        };
    }
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if !name.chars().all(sound) || name.chars().count() < 2 {
        return wrong("такого имени в VK не бывает", "скопируйте адрес страницы целиком");
    }
    Ok(name.to_owned())
}

fn telegram(name: &str) -> Checked<String> {
    if name.starts_with('+') {
        return wrong("это приглашение в закрытый чат", "годятся только открытые каналы");
    }
    let sound = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && (4..=32).contains(&name.len());
    if !sound {
        return wrong("такого имени в Telegram не бывает", "скопируйте адрес канала: t.me/имя");
    }
    Ok(name.to_owned())
}

/// A group of OK: its number, or its short name.
fn ok(name: &str) -> Checked<String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(number) = name.strip_prefix("group").filter(|rest| digits(rest)) {
        return Ok(number.to_owned());
    }
    if name == "profile" {
        return personal_ok();
    }
    let sound = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if !name.chars().all(sound) || name.len() < 2 {
        return wrong("такого имени в ОК не бывает", "скопируйте адрес группы: ok.ru/group/…");
    }
    Ok(name.to_owned())
}

fn personal_ok() -> Checked<String> {
    wrong("это личная страница", "в ОК читаются только группы")
}

/// A channel of MAX by the name of its link, or a chat by its number.
fn max(name: &str) -> Checked<String> {
    if name.parse::<i64>().is_ok_and(|chat| chat != 0) {
        return Ok(name.to_owned());
    }
    let sound = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        && name.len() >= 2;
    if !sound {
        return wrong("такого имени в MAX не бывает", "скопируйте адрес канала: max.ru/имя");
    }
    Ok(name.to_owned())
}

fn closed_max() -> Checked<String> {
    wrong("это приглашение в закрытый чат", "годятся каналы и открытые чаты, где бот администратор")
}

fn feed(text: &str) -> Checked<String> {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = host.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
    if host.is_empty() || text.contains(char::is_whitespace) {
        return wrong("у ленты нужен полный адрес", "начните с https://");
    }
    if host.contains('@') {
        return wrong("в адресе ленты есть имя или пароль", "читаются только открытые ленты");
    }
    Ok(text.to_owned())
}

/// The handle in the form in which two of them are compared.
#[must_use]
pub fn folded(platform: &str, handle: &str) -> String {
    if platform == "rss" {
        return handle.trim_end_matches('/').to_owned();
    }
    handle.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_recognised() {
        let check = |text: &str, platform: &str, handle: &str| {
            let found = recognise(text).expect(text);
            assert_eq!((found.platform, found.handle.as_str()), (platform, handle), "{text}");
        };
        check("https://vk.com/onohoy_online", "vk", "onohoy_online");
        check("https://vk.ru/club200001", "vk", "club200001");
        check("https://m.vk.com/public200001?w=wall-200001_7", "vk", "public200001");
        check("vk.com/wall-200001_765", "vk", "-200001");
        check("https://t.me/s/onohoy_news", "telegram", "onohoy_news");
        check("t.me/onohoy_news/12", "telegram", "onohoy_news");
        check("https://ok.ru/group/51234", "ok", "51234");
        check("https://max.ru/onohoy", "max", "onohoy");
        check("https://news.example.org/rss.xml", "rss", "https://news.example.org/rss.xml");
    }

    #[test]
    fn closed_places_and_people_are_refused() {
        let check = |platform: &str, text: &str, kind: SourceKind, expected: &str| {
            let found = super::check(platform, text, kind).expect_err(text);
            assert!(found.text.contains(expected), "{text}: {found:?}");
        };
        check("telegram", "https://t.me/+AbCdEf", SourceKind::News, "приглашение");
        check("telegram", "https://t.me/joinchat/AbC", SourceKind::News, "закрытый чат");
        check("telegram", "https://t.me/c/123/4", SourceKind::News, "закрытый чат");
        check("telegram", "имя", SourceKind::News, "не бывает");
        check("vk", "id15", SourceKind::Community, "личная страница");
        check("vk", "15", SourceKind::News, "личная страница");
        check("vk", "имя", SourceKind::Community, "не бывает");
        check("ok", "https://ok.ru/profile/5", SourceKind::Leader, "личная страница");
        check("ok", "имя", SourceKind::News, "не бывает");
        check("max", "https://max.ru/join/AbCdEf", SourceKind::News, "закрытый чат");
        check("max", "https://max.ru/u/AbCdEf", SourceKind::News, "закрытый чат");
        check("max", "имя", SourceKind::News, "не бывает");
        check("vk", "https://t.me/onohoy", SourceKind::Community, "это адрес telegram");
        check("vk", "https://news.example.org/a", SourceKind::Community, "не адрес vk");
        check("rss", "news.example.org", SourceKind::News, "полный адрес");
        check("rss", "https://u:p@news.example.org/", SourceKind::News, "имя или пароль");
    }

    #[test]
    fn handles_take_one_form() {
        let check = |platform: &str, text: &str, kind: SourceKind, expected: &str| {
            assert_eq!(super::check(platform, text, kind).as_deref(), Ok(expected), "{text}");
        };
        check("vk", "https://vk.com/club200001", SourceKind::Community, "-200001");
        check("vk", "public200001", SourceKind::Community, "-200001");
        check("vk", "-200001", SourceKind::Community, "-200001");
        check("vk", "id15", SourceKind::Leader, "15");
        check("vk", "onohoy.online", SourceKind::Community, "onohoy.online");
        check("telegram", "@onohoy_news", SourceKind::News, "onohoy_news");
        check("telegram", "https://t.me/s/onohoy_news", SourceKind::News, "onohoy_news");
        check("ok", "https://ok.ru/group/51234/topic/7", SourceKind::Community, "51234");
        check("ok", "ok.ru/group51234", SourceKind::Community, "51234");
        check("ok", "https://m.ok.ru/onohoy", SourceKind::Community, "onohoy");
        check("ok", "51234", SourceKind::Community, "51234");
        check("max", "https://max.ru/onohoy-news", SourceKind::Official, "onohoy-news");
        check("max", "-70000000000001", SourceKind::Community, "-70000000000001");
    }
}
