//! Service accounts of bodies: `[[service]]` in `sources.toml`.
//!
//! Place in the flow: read with the sources; their names go to the door and nowhere else.
//! Invariant: only numbers that the operator states as a community or as a service account of a
//! body, with the body's name; whoever writes from one is official and no voice, and nothing about
//! the account is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::check::{self, Checked, wrong};
use super::fault::read_text;
use super::handle;
use super::read::{Reader, Shown, section};

section! {
    /// Служебный аккаунт, которым орган или учреждение отвечает людям в чужих сообществах. Его
    /// тексты — официальные ответы, а не голоса жителей. Годятся сообщества и аккаунты организаций,
    /// не личные страницы; сам аккаунт нигде не хранится.
    ServiceSection = "service" {
        /// Где аккаунт: vk, telegram, ok, max.
        platform: String = Shown::Required("\"vk\"");
        /// Номер: club200002 или id100500 (vk), group/550001 или profile/570001 (ok),
        /// -1001700000002 или 7000001 (telegram), 9000001 (max).
        account: String = Shown::Required("\"club200002\"");
        /// Чей это аккаунт: название органа или учреждения.
        body: String = Shown::Required("\"Администрация района\"");
    }
}

/// The accounts that the rows of `sources.toml` list, by the names the door knows them by.
pub(super) fn examine(reader: &mut Reader<'_>, rows: &[ServiceSection]) -> BTreeSet<String> {
    let mut lines: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows {
        if let Some(body) = &row.body
            && let Err(fault) = check::title(body.get_ref())
        {
            reader.fault(body.span().start, fault.text, fault.fix);
        }
        let (Some(platform), Some(account)) = (&row.platform, &row.account) else { continue };
        match named(platform.get_ref(), account.get_ref()) {
            Err(fault) => reader.fault(account.span().start, fault.text, fault.fix),
            Ok(name) => {
                let line = reader.line(account.span().start);
                if let Some(first) = lines.get(&name) {
                    let text = format!("этот аккаунт уже есть в строке {first}");
                    reader.warning(account.span().start, text, "оставьте один раздел из двух");
                }
                lines.entry(name).or_insert(line);
            }
        }
    }
    lines.into_keys().collect()
}

/// The sound accounts of `file`, by the names the door knows them by; a missing file lists none.
#[must_use]
pub fn load_services(file: &Path) -> BTreeSet<String> {
    let Ok(source) = read_text(file) else { return BTreeSet::new() };
    let mut reader = Reader::new(file, &source);
    let parsed = reader.parse();
    let rows: Vec<ServiceSection> = reader.rows(parsed.get_ref());
    examine(&mut reader, &rows)
}

/// The name of an account for the door: platform and number, for example `vk:-200002`.
fn named(platform: &str, account: &str) -> Checked<String> {
    let typed = account.trim();
    let path = match typed.contains("://") {
        false => typed.trim_matches('/'),
        true => address(platform, typed)?,
    };
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number > 0);
    let after = |prefix: &str| number(path.strip_prefix(prefix)?.trim_start_matches('/'));
    let found = match platform {
        "vk" => {
            let community = ["club", "public", "event", "-"].iter().find_map(|it| after(it));
            let community = community.map(|number| format!("vk:-{number}"));
            community.or_else(|| after("id").map(|number| format!("vk:{number}")))
        }
        "ok" => {
            let group = after("group").map(|number| format!("ok:group{number}"));
            group.or_else(|| after("profile").map(|number| format!("ok:{number}")))
        }
        "telegram" => {
            let channel = after("-100").map(|number| format!("tg:-100{number}"));
            channel.or_else(|| number(path).map(|number| format!("tg:{number}")))
        }
        "max" => number(path).map(|number| format!("max:{number}")),
        _ => {
            let text = format!("на платформе «{platform}» служебных аккаунтов нет");
            return wrong(text, "vk, telegram, ok или max");
        }
    };
    match found {
        Some(name) => Ok(name),
        None => {
            let fix = "нужен номер: club200002, id100500, group/550001, profile/570001";
            wrong(format!("`{typed}` — не номер аккаунта"), fix)
        }
    }
}

/// The path of an address on the platform.
fn address<'t>(platform: &str, typed: &'t str) -> Checked<&'t str> {
    let rest = typed.split_once("://").map_or(typed, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    match handle::platform_of(host) {
        Some(found) if found == platform => Ok(path.trim_matches('/')),
        _ => wrong(format!("это не адрес на платформе «{platform}»"), "проверьте platform"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_numbers_of_communities_or_stated_service_accounts() {
        for (platform, account, expected) in [
            ("vk", "club200002", Some("vk:-200002")),
            ("vk", "-200002", Some("vk:-200002")),
            ("vk", "https://vk.com/public200002", Some("vk:-200002")),
            ("vk", "id100500", Some("vk:100500")),
            ("vk", "ivan_primerov", None),
            ("vk", "https://ok.ru/group/1", None),
            ("vk", "club0", None),
            ("ok", "https://ok.ru/group/550001", Some("ok:group550001")),
            ("ok", "profile/570001", Some("ok:570001")),
            ("telegram", "-1001700000002", Some("tg:-1001700000002")),
            ("telegram", "7000001", Some("tg:7000001")),
            ("telegram", "@primer", None),
            ("max", "9000001", Some("max:9000001")),
            ("rss", "1", None),
        ] {
            let found = named(platform, account).ok();
            assert_eq!(found.as_deref(), expected, "{platform} {account}");
        }
    }
}
