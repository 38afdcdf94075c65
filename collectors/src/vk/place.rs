//! Which wall a source means, and whether it may be read at all.
//!
//! Place in the flow: when a source's number is learned, and every day after that. Invariant: a
//! personal page gets through only as a leader's with [`FOLLOWERS_MIN`] followers, a closed
//! community never.

use super::call::{Api, Fault};
use super::{errors, wire};
use crate::error::{Class, CollectError, Scope};
use crate::raw::{SourceKind, SourceSpec};

/// Followers from which on a personal page is a public one.
const FOLLOWERS_MIN: u64 = 10_000;

/// Addresses of VK, one site under several names.
const SITES: [&str; 3] = ["vk.com/", "vk.ru/", "vkontakte.ru/"];

/// What the operator wrote as a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Handle {
    /// The number of a wall, negative for a community.
    Number(i64),
    /// A short name.
    Name(String),
}

/// The number of the source's wall, after the checks of the door.
pub(super) async fn find(api: &Api<'_>, source: &SourceSpec) -> Result<i64, CollectError> {
    let now = api.ports.clock.now();
    let refuse = |class, code: &str, text: &str| {
        Err(CollectError::new(class, Scope::Source, code, text)
            .until(errors::later(now, 24 * 3600)))
    };
    let owner = match parse(&source.handle) {
        Some(Handle::Number(owner)) => owner,
        Some(Handle::Name(name)) => {
            let params = [("screen_name", name)];
            match api.call::<wire::Resolved>("utils.resolveScreenName", &params).await? {
                wire::Resolved::Found { kind, object_id } => match kind.as_str() {
                    "group" | "page" | "event" => -object_id.abs(),
                    "user" => object_id.abs(),
                    _ => {
                        return refuse(
                            Class::Refused,
                            "vk not a wall",
                            "По этому адресу в VK приложение, а не страница со стеной",
                        );
                    }
                },
                wire::Resolved::Nothing(_) => {
                    return refuse(
                        Class::Gone,
                        "vk no such name",
                        "Такой страницы в VK нет. Проверьте адрес источника",
                    );
                }
            }
        }
        None => {
            return refuse(
                Class::Refused,
                "vk handle",
                "Не похоже на адрес страницы VK: нужно короткое имя, club123 или ссылка vk.com",
            );
        }
    };
    admit_kind(source, owner)?;
    admit(api, owner).await?;
    Ok(owner)
}

/// Refuses what is not there, or not open to everybody.
pub(super) async fn admit(api: &Api<'_>, owner: i64) -> Result<(), CollectError> {
    if owner < 0 { admit_community(api, -owner).await } else { admit_person(api, owner).await }
}

/// Refuses a personal page under any kind but a leader's; asks nobody.
pub(super) fn admit_kind(source: &SourceSpec, owner: i64) -> Result<(), CollectError> {
    if owner < 0 || (owner > 0 && source.kind == SourceKind::Leader) {
        return Ok(());
    }
    Err(CollectError::new(
        Class::Refused,
        Scope::Source,
        "vk personal page",
        "Личная страница: otklik читает такие, только если это страница лидера мнений \
         (kind = \"leader\") с 10 000 подписчиков и больше",
    ))
}

async fn admit_community(api: &Api<'_>, group: i64) -> Result<(), CollectError> {
    let now = api.ports.clock.now();
    let tomorrow = errors::later(now, 24 * 3600);
    let params = [("group_id", group.to_string())];
    let found: wire::Groups =
        api.call("groups.getById", &params).await.map_err(CollectError::from)?;
    let Some(found) = found.list().into_iter().find(|it| it.id == group) else {
        return Err(CollectError::new(
            Class::Gone,
            Scope::Source,
            "vk no such community",
            "Такого сообщества в VK нет. Проверьте адрес источника",
        )
        .until(tomorrow));
    };
    if found.deactivated.is_some() {
        return Err(CollectError::new(
            Class::Gone,
            Scope::Source,
            "vk community gone",
            "Сообщество удалено или заблокировано",
        )
        .until(tomorrow));
    }
    if found.is_closed != 0 {
        return Err(CollectError::new(
            Class::NoAccess,
            Scope::Source,
            "vk closed community",
            "Закрытое сообщество: otklik читает только открытые",
        )
        .until(tomorrow));
    }
    Ok(())
}

async fn admit_person(api: &Api<'_>, user: i64) -> Result<(), CollectError> {
    let now = api.ports.clock.now();
    let tomorrow = errors::later(now, 24 * 3600);
    let params = [("user_ids", user.to_string()), ("fields", "followers_count".to_owned())];
    let found: Vec<wire::User> =
        api.call("users.get", &params).await.map_err(|fault: Fault| fault.error)?;
    let found = found.into_iter().find(|it| it.id == user);
    let Some(found) = found.filter(|it| it.deactivated.is_none()) else {
        return Err(CollectError::new(
            Class::Gone,
            Scope::Source,
            "vk page gone",
            "Страница удалена или заблокирована",
        )
        .until(tomorrow));
    };
    if found.is_closed {
        return Err(CollectError::new(
            Class::NoAccess,
            Scope::Source,
            "vk closed page",
            "Личная страница закрыта её владельцем: otklik читает только открытые",
        )
        .until(tomorrow));
    }
    if found.followers_count < FOLLOWERS_MIN {
        return Err(CollectError::new(
            Class::Refused,
            Scope::Source,
            "vk few followers",
            "У личной страницы меньше 10 000 подписчиков: otklik такие не читает",
        )
        .until(tomorrow));
    }
    Ok(())
}

/// Reads a handle: a short name, `club123`, `id123`, `-123`, or an address of vk.com or vk.ru.
fn parse(handle: &str) -> Option<Handle> {
    // Short names and hosts mean the same in any case.
    let lower = handle.trim().to_lowercase();
    let mut name = lower.as_str();
    name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    for prefix in ["www.", "m."] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    match SITES.iter().find_map(|site| name.strip_prefix(site)) {
        Some(path) => name = path,
        None if name.contains('/') => return None,
        None => {}
    }
    name = name.split(['?', '#', '/']).next().unwrap_or_default();
    name = name.strip_prefix('@').unwrap_or(name);
    let number = |digits: &str| digits.parse::<i64>().ok().filter(|number| *number != 0);
    let plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    let numbered = [("club", -1), ("public", -1), ("event", -1), ("board", -1), ("id", 1)];
    for (prefix, sign) in numbered {
        if let Some(digits) = name.strip_prefix(prefix).filter(|it| plain(it))
            && let Some(number) = number(digits)
        {
            return Some(Handle::Number(sign * number));
        }
    }
    // The address of something on the page names the page first: `wall-200001_765`.
    let parts = ["wall", "topic", "photos", "photo", "albums", "album", "videos", "video", "clip"];
    let owners = parts.iter().filter_map(|part| name.strip_prefix(part)?.split('_').next());
    if let Some(number) = owners.chain([name]).find_map(number) {
        return Some(Handle::Number(number));
    }
    let fits = |char: char| char.is_ascii_alphanumeric() || char == '_' || char == '.';
    (name.len() >= 2 && name.chars().all(fits)).then(|| Handle::Name(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Handle, parse};

    #[test]
    fn handles() {
        let number = |number| Some(Handle::Number(number));
        let name = |name: &str| Some(Handle::Name(name.to_owned()));
        for (handle, expected) in [
            ("zaigraevo_online", name("zaigraevo_online")),
            ("Zaigraevo_Online", name("zaigraevo_online")),
            ("@zaigraevo.online", name("zaigraevo.online")),
            ("club200001", number(-200_001)),
            ("public200001", number(-200_001)),
            ("event200001", number(-200_001)),
            ("id100001", number(100_001)),
            ("-200001", number(-200_001)),
            ("100001", number(100_001)),
            ("https://vk.com/zaigraevo_online", name("zaigraevo_online")),
            ("https://vk.ru/club200001", number(-200_001)),
            ("http://m.vk.com/public200001?w=wall-200001_5", number(-200_001)),
            ("vk.com/wall-200001_765", number(-200_001)),
            ("https://www.vk.com/zaigraevo_online/", name("zaigraevo_online")),
            ("HTTPS://VK.RU/Zaigraevo_Online", name("zaigraevo_online")),
            ("https://m.vk.ru/club200001", number(-200_001)),
            ("https://vk.ru/topic-200001_5?post=7", number(-200_001)),
            ("vk.com/board200001", number(-200_001)),
            ("vk.com/video-200001_3", number(-200_001)),
            ("vk.com/albums-200001", number(-200_001)),
            ("https://vk.com/@zaigraevo_online", name("zaigraevo_online")),
            ("topical", name("topical")),
            ("video_zaigraevo", name("video_zaigraevo")),
            ("boarding", name("boarding")),
            ("club_of_friends", name("club_of_friends")),
            ("wallpaper", name("wallpaper")),
            ("identity", name("identity")),
            ("", None),
            ("-0", None),
            ("https://vk.com/", None),
            ("имя", None),
            ("a b", None),
            ("https://example.org/page", None),
        ] {
            assert_eq!(parse(handle), expected, "{handle}");
        }
    }
}
