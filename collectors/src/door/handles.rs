//! Knows which names and addresses belong to configured sources.
//!
//! Place in the flow: built with the door, asked by the link rules. Invariant: an address that
//! could lead to a person's page is never called configured, whatever stands in its query.

use std::collections::BTreeSet;

/// A platform whose pages are told apart by path, not by host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Vk,
    Telegram,
    Ok,
    Max,
}

/// Hosts on which strangers share one name: only the very page configured counts there.
const SHARED: [&str; 14] = [
    "dzen.ru",
    "youtube.com",
    "youtu.be",
    "rutube.ru",
    "instagram.com",
    "facebook.com",
    "twitter.com",
    "x.com",
    "tiktok.com",
    "livejournal.com",
    "wa.me",
    "viber.com",
    "whatsapp.com",
    "telegra.ph",
];

/// The configured sources, in one spelling.
#[derive(Debug, Default)]
pub(super) struct Handles {
    /// Names of pages: `zaigraevo_online`, `-200001`, `group/570001`.
    names: BTreeSet<String>,
    /// Hosts of sites, and `host/page` on shared hosts.
    sites: BTreeSet<String>,
}

fn network(host: &str) -> Option<Network> {
    match host {
        "vk.com" | "vk.ru" | "m.vk.com" | "m.vk.ru" | "vkontakte.ru" => Some(Network::Vk),
        "t.me" | "telegram.me" | "telegram.dog" => Some(Network::Telegram),
        "ok.ru" | "m.ok.ru" | "odnoklassniki.ru" => Some(Network::Ok),
        "max.ru" | "web.max.ru" => Some(Network::Max),
        _ => None,
    }
}

fn digits(s: &str) -> bool {
    !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit())
}

/// One spelling for the names of a VK page: `club5`, `public5`, `wall-5_7` are `-5`; `wall5_7` is
/// `id5`.
fn vk_name(name: &str) -> String {
    for kind in ["club", "public", "event"] {
        if let Some(number) = name.strip_prefix(kind).filter(|n| digits(n)) {
            return format!("-{number}");
        }
    }
    for kind in ["wall", "topic", "photo", "video", "album", "clip", "doc", "@"] {
        let Some((owner, rest)) =
            name.strip_prefix(kind).map(|n| n.split_once('_').unwrap_or((n, "0")))
        else {
            continue;
        };
        let bare = owner.strip_prefix('-').unwrap_or(owner);
        if digits(bare) && rest.bytes().all(|b| b.is_ascii_digit() || b == b'_') {
            return if bare == owner { format!("id{owner}") } else { owner.to_owned() };
        }
    }
    name.to_owned()
}

/// The page a path of `network` belongs to; none if it may lead elsewhere.
fn page(network: Network, path: &str) -> Option<String> {
    let (path, query) = match path.find(['?', '#']) {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, ""),
    };
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let first = parts.next()?;
    let rest: Vec<&str> = parts.collect();
    match network {
        Network::Vk => {
            let name = vk_name(first);
            let harmless = query.is_empty()
                || query.strip_prefix("w=").is_some_and(|w| {
                    w.starts_with("wall-") && !w.contains(['?', '&', '%']) && {
                        let owner = vk_name(w);
                        owner.starts_with('-') && (!name.starts_with('-') || owner == name)
                    }
                });
            (rest.is_empty() && harmless).then_some(name)
        }
        Network::Telegram => {
            let (name, rest) = match (first, rest.split_first()) {
                ("s", Some((name, rest))) => (*name, rest),
                _ => (first, &rest[..]),
            };
            let plain = !matches!(name, "c" | "joinchat" | "s") && !name.starts_with('+');
            (plain && rest.iter().all(|part| digits(part)) && query.is_empty())
                .then(|| name.to_owned())
        }
        Network::Ok => {
            let harmless = query.is_empty();
            match (first, rest.first()) {
                ("group" | "profile", Some(number)) if harmless => {
                    Some(format!("{first}/{number}"))
                }
                (_, None | Some(&"topic")) if harmless => Some(first.to_owned()),
                _ => None,
            }
        }
        Network::Max => (rest.len() <= 1 && query.is_empty()).then(|| first.to_owned()),
    }
}

/// Host and path of an address in one spelling: lower case, without scheme, `www.` and port.
fn parts(address: &str) -> (String, String) {
    let bare = address.split_once("://").map_or(address, |(_, rest)| rest);
    let cut = bare.find(['/', '?', '#']).unwrap_or(bare.len());
    let (host, path) = bare.split_at(cut);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host).trim_end_matches('.');
    let host = host.to_lowercase();
    (host.strip_prefix("www.").unwrap_or(&host).to_owned(), path.to_lowercase())
}

fn shared(host: &str) -> bool {
    SHARED.iter().any(|s| host.strip_suffix(s).is_some_and(|h| h.is_empty() || h.ends_with('.')))
}

/// What stands for a site in the set: its host, with the first part of the path on a shared host.
fn site(host: &str, path: &str) -> String {
    if !shared(host) {
        return host.to_owned();
    }
    let first = path.trim_start_matches('/').split(['/', '?', '#']).next().unwrap_or_default();
    format!("{host}/{first}")
}

impl Handles {
    /// Reads the operator's handles, however they are spelled.
    pub(super) fn new(handles: impl IntoIterator<Item = String>) -> Self {
        let mut all = Self::default();
        for handle in handles {
            let handle = handle.trim().trim_start_matches('@');
            let (host, path) = parts(handle);
            match network(&host) {
                Some(network) => all.names.extend(page(network, &path)),
                None if handle.contains("://") || (host.contains('.') && !path.is_empty()) => {
                    all.sites.insert(site(&host, &path));
                }
                None if path.is_empty() || digits(path.trim_start_matches('/')) => {
                    if host.contains('.') {
                        all.sites.insert(site(&host, &path));
                    }
                    all.names.insert(vk_name(&format!("{host}{path}")));
                }
                None => {}
            }
        }
        all
    }

    /// Whether `@name` or the target of a mention belongs to a configured source.
    pub(super) fn has_name(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let name = name.split_once(":bp").map_or(name.as_str(), |(name, _)| name);
        !name.is_empty() && self.names.contains(&vk_name(name))
    }

    /// Whether a link leads to a configured source.
    pub(super) fn has_link(&self, link: &str) -> bool {
        let (host, path) = parts(link);
        match network(&host) {
            Some(network) => page(network, &path).is_some_and(|name| {
                let number = name.strip_prefix("group/");
                self.names.contains(&name) || number.is_some_and(|n| self.names.contains(n))
            }),
            None => !host.is_empty() && self.sites.contains(&site(&host, &path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Handles;

    #[test]
    fn links_of_sources_are_known_in_every_spelling() {
        let handles = Handles::new(
            [
                "zaigraevo_online",
                "https://vk.ru/Public200002",
                "-200003",
                "t.me/s/zaigraevo_tg",
                "group/570001",
                "https://novosti.example/rss.xml",
                "https://dzen.ru/zaigraevo",
            ]
            .map(str::to_owned),
        );
        let check = |link: &str, expected: bool| {
            assert_eq!(handles.has_link(link), expected, "{link}");
        };
        check("https://vk.com/zaigraevo_online", true);
        check("m.vk.com/Zaigraevo_Online", true);
        check("vk.ru/zaigraevo_online?w=wall-200001_5", true);
        check("vk.com/zaigraevo_online?z=photo100001_5", false);
        check("vk.com/zaigraevo_online?w=wall100001_5", false);
        check("vk.com/zaigraevo_online/100001", false);
        check("vk.com/club200002", true);
        check("https://vk.com/wall-200003_765", true);
        check("vk.com/wall-200004_765", false);
        check("vk.com/wall200003_765", false);
        check("vk.com/id100001", false);
        check("https://t.me/zaigraevo_tg/15", true);
        check("t.me/s/zaigraevo_tg", true);
        check("t.me/joinchat/zaigraevo_tg", false);
        check("t.me/c/100001/5", false);
        check("ok.ru/group/570001/topic/6", true);
        check("ok.ru/profile/570001", false);
        check("max.ru/zaigraevo_online", true);
        check("https://www.novosti.example:443/a/b?c=1#d", true);
        check("https://user@novosti.example/", true);
        check("https://novosti.example.evil.ru/", false);
        check("https://evil.ru/novosti.example/", false);
        check("dzen.ru/zaigraevo?x=1", true);
        check("dzen.ru/ivanov", false);
        check("vk.com", false);
        check("", false);
    }
}
