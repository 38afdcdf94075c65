//! Which channel or chat a source means, and whether the bot may read it.
//!
//! Place in the flow: when a source is new, and every day after that. Invariant: dialogs and closed
//! chats never get through; a channel does only where the bot is an administrator with the right to
//! read all messages, so only what the administration itself runs is read.

use super::call::Api;
use super::{errors, wire};
use crate::error::{Class, CollectError, Scope};
use crate::raw::SourceSpec;

/// The right without which history is not given.
const READ_ALL: &str = "read_all_messages";

/// A channel or chat that may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub chat: i64,
    /// A channel: posts are the channel's own, comments are not given by the bot API.
    pub channel: bool,
}

/// The source's channel or chat, after the checks of the door.
pub(super) async fn find(api: &Api<'_>, source: &SourceSpec) -> Result<Place, CollectError> {
    let name = match source.platform_id.as_deref() {
        Some(known) => known.to_owned(),
        None => parse(&source.handle).ok_or_else(|| {
            refused(
                api,
                "max handle",
                "Не похоже на адрес канала MAX: нужно имя, номер чата или ссылка max.ru",
            )
        })?,
    };
    let chat: wire::Chat = api.get("chats", &format!("/chats/{name}"), &[]).await?;
    let channel = chat.kind == "channel";
    if !channel && chat.kind != "chat" {
        let text = "Личная переписка: otklik читает только каналы и открытые чаты";
        return Err(refused(api, "max dialog", text));
    }
    if !channel && !chat.is_public {
        let text = "Закрытый чат: otklik читает только каналы и открытые чаты";
        return Err(refused(api, "max closed chat", text));
    }
    if !matches!(chat.status.as_str(), "active" | "") {
        return Err(not_admitted(api, Class::NoAccess, "Бота нет в этом канале MAX. Добавьте его"));
    }
    let path = format!("/chats/{}/members/me", chat.chat_id);
    let member: wire::Member = api.get("members", &path, &[]).await?;
    let holds = |rights: &Vec<String>| rights.iter().any(|right| right == READ_ALL);
    let may = member.permissions.as_ref().is_none_or(holds);
    let reads = member.is_owner || (member.is_admin && may);
    if !reads {
        let text = "Бот в этом канале MAX не администратор или без права «читать все сообщения». \
                    Дайте ему это право";
        return Err(not_admitted(api, Class::NeedsPerson, text));
    }
    Ok(Place { chat: chat.chat_id, channel })
}

fn refused(api: &Api<'_>, code: &str, text: &str) -> CollectError {
    let tomorrow = errors::later(api.ports.clock.now(), 24 * 3600);
    CollectError::new(Class::Refused, Scope::Source, code, text).until(tomorrow)
}

fn not_admitted(api: &Api<'_>, class: Class, text: &str) -> CollectError {
    let soon = errors::later(api.ports.clock.now(), 3600);
    CollectError::new(class, Scope::Source, "max no right", text).until(soon)
}

/// Reads a handle: a number of a chat, a name, or an address of max.ru.
fn parse(handle: &str) -> Option<String> {
    let mut path = handle.trim();
    path = path.strip_prefix("https://").or_else(|| path.strip_prefix("http://")).unwrap_or(path);
    for prefix in ["www.", "web."] {
        path = path.strip_prefix(prefix).unwrap_or(path);
    }
    match path.strip_prefix("max.ru/") {
        Some(rest) => path = rest,
        None if path.contains('/') => return None,
        None => {}
    }
    let name = path.split(['?', '#', '/']).next().unwrap_or_default();
    let name = name.strip_prefix('@').unwrap_or(name);
    if name.parse::<i64>().is_ok_and(|chat| chat != 0) {
        return Some(name.to_owned());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
    (begins && name.len() >= 2 && name.chars().all(plain) && !matches!(name, "join" | "u"))
        .then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn handles() {
        for (handle, expected) in [
            ("onohoy", Some("onohoy")),
            ("@onohoy", Some("onohoy")),
            ("-70000000000001", Some("-70000000000001")),
            ("https://max.ru/onohoy", Some("onohoy")),
            ("https://max.ru/id0301000001_gos", Some("id0301000001_gos")),
            ("https://max.ru/onohoy/AZabcdef?x=1", Some("onohoy")),
            ("https://web.max.ru/-70000000000001", Some("-70000000000001")),
            ("https://max.ru/join/AbCdEf", None),
            ("https://max.ru/u/f9LHodD0c", None),
            ("https://example.org/onohoy", None),
            ("0", None),
            ("", None),
            ("канал", None),
            ("../me", None),
        ] {
            assert_eq!(parse(handle).as_deref(), expected, "{handle}");
        }
    }
}
