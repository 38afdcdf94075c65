//! Which group a source means, and whether it may be read at all.
//!
//! Place in the flow: when a source's number is learned, and every day after that. Invariant: only
//! open groups get through; a personal page never does, because OK gives none to programs.

use super::call::Api;
use super::{errors, wire};
use crate::error::{Class, CollectError, Scope};
use crate::raw::SourceSpec;

/// Addresses of OK, one site under several names.
const SITES: [&str; 2] = ["ok.ru/", "odnoklassniki.ru/"];

/// What the operator wrote as a handle.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Handle {
    /// The number of a group.
    Number(i64),
    /// A short name.
    Name(String),
    /// A person's page.
    Person,
}

/// The number of the source's group, after the checks of the door.
pub(super) async fn find(api: &Api<'_>, source: &SourceSpec) -> Result<i64, CollectError> {
    let refuse = |class, code: &str, text: &str| {
        Err(CollectError::new(class, Scope::Source, code, text)
            .until(errors::later(api.ports.clock.now(), 24 * 3600)))
    };
    let personal = "Личная страница: в ОК otklik читает только группы";
    let group = match parse(&source.handle) {
        Some(Handle::Number(group)) => group,
        Some(Handle::Name(name)) => {
            let params = [("url", format!("https://ok.ru/{name}"))];
            let found: wire::UrlInfo = api.call("url.getInfo", &params).await?;
            let number = [found.id_text, found.id].into_iter().flatten().find_map(|id| id.number());
            match (found.kind.as_str(), number) {
                ("GROUP", Some(group)) => group,
                ("PROFILE", _) => return refuse(Class::Refused, "ok personal page", personal),
                ("UNKNOWN" | "", _) => {
                    let text = "Такой страницы в ОК нет. Проверьте адрес источника";
                    return refuse(Class::Gone, "ok no such name", text);
                }
                _ => {
                    let text = "По этому адресу в ОК не группа";
                    return refuse(Class::Refused, "ok not a group", text);
                }
            }
        }
        Some(Handle::Person) => return refuse(Class::Refused, "ok personal page", personal),
        None => {
            let text = "Не похоже на адрес группы ОК: нужно короткое имя, номер или ссылка ok.ru";
            return refuse(Class::Refused, "ok handle", text);
        }
    };
    admit(api, group).await?;
    Ok(group)
}

/// Refuses groups that do not exist or are closed.
pub(super) async fn admit(api: &Api<'_>, group: i64) -> Result<(), CollectError> {
    let tomorrow = errors::later(api.ports.clock.now(), 24 * 3600);
    let params = [("uids", group.to_string()), ("fields", "uid,private".to_owned())];
    let found: Vec<wire::Group> = api.call("group.getInfo", &params).await?;
    let Some(found) = found.into_iter().find(|it| it.uid.number() == Some(group)) else {
        let text = "Такой группы в ОК нет. Проверьте адрес источника";
        return Err(
            CollectError::new(Class::Gone, Scope::Source, "ok no such group", text).until(tomorrow)
        );
    };
    if found.private.yes() {
        let text = "Закрытая группа: otklik читает только открытые";
        return Err(CollectError::new(Class::NoAccess, Scope::Source, "ok closed group", text)
            .until(tomorrow));
    }
    Ok(())
}

/// Reads a handle: a short name, a number, or an address of ok.ru.
fn parse(handle: &str) -> Option<Handle> {
    let mut path = handle.trim();
    path = path.strip_prefix("https://").or_else(|| path.strip_prefix("http://")).unwrap_or(path);
    for prefix in ["www.", "m."] {
        path = path.strip_prefix(prefix).unwrap_or(path);
    }
    match SITES.iter().find_map(|site| path.strip_prefix(site)) {
        Some(rest) => path = rest,
        None if path.contains('.') && path.contains('/') => return None,
        None => {}
    }
    path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let mut parts = path.split('/');
    let first = parts.next().unwrap_or_default();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let group = |text: &str| {
        let number = text.parse::<i64>().ok().filter(|number| *number > 0 && digits(text));
        number.map(Handle::Number)
    };
    match first {
        "group" => group(parts.next().unwrap_or_default()),
        "profile" => Some(Handle::Person),
        "" => None,
        name if digits(name) => group(name),
        name => match name.strip_prefix("group").filter(|rest| !rest.is_empty() && digits(rest)) {
            Some(number) => group(number),
            None => {
                let fits = |char: char| char.is_ascii_alphanumeric() || "_.-".contains(char);
                (name.len() >= 2 && name.chars().all(fits))
                    .then(|| Handle::Name(name.to_lowercase()))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{Handle, parse};

    #[test]
    fn handles() {
        let number = |number| Some(Handle::Number(number));
        let name = |name: &str| Some(Handle::Name(name.to_owned()));
        for (handle, expected) in [
            ("gorod", name("gorod")),
            ("Gorod.Primer", name("gorod.primer")),
            ("55000000000001", number(55_000_000_000_001)),
            ("group/55000000000001", number(55_000_000_000_001)),
            ("group55000000000001", number(55_000_000_000_001)),
            ("https://ok.ru/group/55000000000001", number(55_000_000_000_001)),
            ("https://ok.ru/group/55000000000001/topic/150", number(55_000_000_000_001)),
            ("https://ok.ru/gorod/topic/150?st.cmd=x", name("gorod")),
            ("http://m.ok.ru/gorod", name("gorod")),
            ("www.odnoklassniki.ru/gorod/", name("gorod")),
            ("https://ok.ru/profile/500000000001", Some(Handle::Person)),
            ("groupies", name("groupies")),
            ("", None),
            ("0", None),
            ("group/", None),
            ("https://ok.ru/", None),
            ("имя", None),
            ("a b", None),
            ("https://example.org/page", None),
        ] {
            assert_eq!(parse(handle), expected, "{handle}");
        }
    }
}
