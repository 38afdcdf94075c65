//! Is a typed value sound? Every rule on single values of the configuration, with its fix.
//!
//! Place in the flow: `settings.rs` and `sources.rs` ask here for each value. Invariant: a rule
//! returns the value as the program uses it, or says in Russian what is wrong and what to write
//! instead.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use jiff::tz::TimeZone;

use super::nearest::nearest;

/// What is wrong with a value and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub fix: String,
}

/// The outcome of a rule.
pub type Checked<T> = Result<T, Wrong>;

/// Shorthand for [`Wrong`].
pub fn wrong<T>(text: impl Into<String>, fix: impl Into<String>) -> Checked<T> {
    Err(Wrong { text: text.into(), fix: fix.into() })
}

/// Names that people give to the zone of Buryatia or of other regions, with the zone of the
/// database.
const ZONES: &[(&str, &str)] = &[
    ("ulan", "Asia/Irkutsk"),
    ("улан", "Asia/Irkutsk"),
    ("бурят", "Asia/Irkutsk"),
    ("buryat", "Asia/Irkutsk"),
    ("иркут", "Asia/Irkutsk"),
    ("irkutsk", "Asia/Irkutsk"),
    ("+08", "Asia/Irkutsk"),
    ("+8", "Asia/Irkutsk"),
    ("моск", "Europe/Moscow"),
    ("мск", "Europe/Moscow"),
    ("msk", "Europe/Moscow"),
    ("+03", "Europe/Moscow"),
    ("+3", "Europe/Moscow"),
    ("чит", "Asia/Chita"),
    ("красноярск", "Asia/Krasnoyarsk"),
    ("новосибирск", "Asia/Novosibirsk"),
    ("омск", "Asia/Omsk"),
    ("екатеринбург", "Asia/Yekaterinburg"),
    ("якутск", "Asia/Yakutsk"),
    ("владивосток", "Asia/Vladivostok"),
];

/// A zone of the IANA database and its name there.
pub fn zone(name: &str) -> Checked<(TimeZone, String)> {
    let folded = name.trim().to_lowercase();
    let plain = name.contains('/') || name == "UTC";
    if let (true, Ok(found)) = (plain, TimeZone::get(name))
        && let Some(canonical) = found.iana_name()
    {
        let canonical = canonical.to_owned();
        return Ok((found, canonical));
    }
    let text = format!("нет часового пояса «{name}»");
    if let Some((_, right)) = ZONES.iter().find(|(part, _)| folded.contains(part)) {
        return wrong(text, format!("напишите \"{right}\""));
    }
    let known: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let near = nearest(name, known.iter().map(String::as_str).filter(|name| name.contains('/')));
    match near {
        Some(right) => wrong(text, format!("может быть, \"{right}\"?")),
        None => wrong(text, "имя по базе IANA, например \"Asia/Irkutsk\""),
    }
}

/// An id of ours: letters of any alphabet, digits, `_`, `-`, `.`; at most 64.
pub fn id(text: &str) -> Checked<String> {
    let sound = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if text.is_empty() {
        return wrong("пустое имя", "буквы, цифры, «_», «-», «.»");
    }
    if text.chars().count() > 64 {
        return wrong("имя длиннее 64 знаков", "сократите его");
    }
    if let Some(bad) = text.chars().find(|&c| !sound(c)) {
        return wrong(format!("в имени недопустимый знак «{bad}»"), "буквы, цифры, «_», «-», «.»");
    }
    Ok(text.to_owned())
}

/// A text for people that is not empty.
pub fn title(text: &str) -> Checked<String> {
    match text.trim() {
        "" => wrong("пустое название", "напишите его так, как пишут в письмах"),
        trimmed => Ok(trimmed.to_owned()),
    }
}

/// A number of days that something is kept: 1 to 36,500.
pub fn days(number: i64) -> Checked<u32> {
    match u32::try_from(number) {
        Ok(days) if (1..=36_500).contains(&days) => Ok(days),
        _ => wrong(format!("срок хранения {number} суток"), "от 1 до 36500"),
    }
}

/// A length of time between two bounds, in seconds.
pub fn duration(text: &str, least: i64, most: i64) -> Checked<i64> {
    match super::duration::parse(text) {
        Err(fix) => wrong(format!("не понять срок «{text}»"), fix),
        Ok(secs) if secs < least => wrong(
            format!("срок «{text}» мал"),
            format!("не меньше {}", super::duration::render(least)),
        ),
        Ok(secs) if secs > most => wrong(
            format!("срок «{text}» велик"),
            format!("не больше {}", super::duration::render(most)),
        ),
        Ok(secs) => Ok(secs),
    }
}

/// The address of a platform: `http(s)://host…`, no slash at the end, no password.
pub fn base_url(text: &str) -> Checked<String> {
    let address = address(text, &["https", "http"])?;
    if address.user.is_some() {
        return wrong("в адресе есть имя или пароль", "ключи пишутся отдельно, как секрет");
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// The address of a proxy; a user name may stand in it, a password may not.
pub fn proxy(text: &str) -> Checked<String> {
    let address = address(text, &["http", "https", "socks5", "socks5h"])?;
    if address.password {
        let fix = "уберите его и допишите proxy_password = { credential = \"proxy_password\" }";
        return wrong("в адресе прокси есть пароль", fix);
    }
    Ok(text.to_owned())
}

/// The address of a mail server; a user name may stand in it, a password may not.
pub fn smtp_url(text: &str) -> Checked<String> {
    let address = address(text, &["smtps", "smtp"])?;
    if address.password {
        let fix = "уберите его и допишите password = { credential = \"smtp_password\" }";
        return wrong("в адресе почтового сервера есть пароль", fix);
    }
    Ok(text.to_owned())
}

/// The parts of an address that our rules look at.
struct Address<'a> {
    user: Option<&'a str>,
    password: bool,
}

fn address<'a>(text: &'a str, schemes: &[&str]) -> Checked<Address<'a>> {
    let example = format!("начните с {}://", schemes.join(":// или "));
    let Some((scheme, rest)) = text.split_once("://") else {
        return wrong("это не адрес", example);
    };
    if !schemes.contains(&scheme) {
        return wrong(format!("адрес с «{scheme}://» здесь не подходит"), example);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let name = host.rsplit_once(':').map_or(host, |(name, port)| match port.parse::<u16>() {
        Ok(_) => name,
        Err(_) => host,
    });
    if name.is_empty() || text.contains(char::is_whitespace) {
        return wrong("в адресе нет имени сервера", format!("{}://сервер", schemes[0]));
    }
    if name.contains(':') && !name.starts_with('[') {
        return wrong("в адресе неверный порт", "порт — число от 1 до 65535");
    }
    Ok(Address { user, password: user.is_some_and(|user| user.contains(':')) })
}

/// A mailbox: `name@host` or `Имя <name@host>`.
pub fn mailbox(text: &str) -> Checked<String> {
    let inner = match (text.find('<'), text.ends_with('>')) {
        (Some(open), true) => &text[open + 1..text.len() - 1],
        _ => text,
    };
    let sound = match inner.split_once('@') {
        Some((user, host)) => {
            let clean = |part: &str| !part.is_empty() && !part.contains(['<', '>', ' ', '@', ',']);
            clean(user) && clean(host)
        }
        None => false,
    };
    if sound && !text.contains(['\n', '\r']) {
        Ok(text.to_owned())
    } else {
        wrong(
            "это не почтовый адрес",
            "пишите otklik@example.org или «Отклик <otklik@example.org>»",
        )
    }
}

/// An address or a network that may be read although it is private.
pub fn network(text: &str) -> Checked<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, Some(bits)),
        None => (text, None),
    };
    let Ok(parsed) = IpAddr::from_str(address) else {
        return wrong("это не адрес и не сеть", "пишите \"127.0.0.1\" или \"10.1.0.0/16\"");
    };
    let most = if parsed.is_ipv4() { 32 } else { 128 };
    match bits.map(u8::from_str) {
        None => Ok(text.to_owned()),
        Some(Ok(bits)) if bits <= most => Ok(text.to_owned()),
        Some(_) => wrong("неверная длина сети", format!("после «/» — число от 0 до {most}")),
    }
}

/// `host:port`.
pub fn host_port(text: &str) -> Checked<String> {
    match text.rsplit_once(':').map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(port))) if !host.is_empty() && port > 0 => Ok(text.to_owned()),
        _ => wrong("это не адрес с портом", "пишите \"149.154.167.50:443\""),
    }
}

/// A public address that a platform pushes to: encrypted, on the usual port, without a query.
pub fn webhook_url(text: &str) -> Checked<String> {
    let example = "пишите \"https://otklik.example.org/max\"";
    if address(text, &["https"])?.user.is_some() {
        return wrong("в адресе есть имя или пароль", example);
    }
    let rest = text.trim_start_matches("https://");
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.strip_suffix(":443").unwrap_or(host);
    if host.contains(':') {
        return wrong("MAX присылает новости только на порт 443", example);
    }
    if host.parse::<IpAddr>().is_ok() || !host.contains('.') {
        return wrong("MAX присылает новости на открытое имя с сертификатом", example);
    }
    if path.contains(['?', '#']) {
        return wrong("в адресе не может быть «?» и «#»", example);
    }
    Ok(text.to_owned())
}

/// An address and a port of this machine.
pub fn loopback(text: &str) -> Checked<SocketAddr> {
    let fix = "пишите \"127.0.0.1:8117\" и передавайте туда запросы веб-сервером";
    match text.parse::<SocketAddr>() {
        Ok(addr) if !addr.ip().is_loopback() => {
            wrong("слушать можно только на самой этой машине", fix)
        }
        Ok(addr) if addr.port() == 0 => wrong("нет порта", fix),
        Ok(addr) => Ok(addr),
        Err(_) => wrong("это не адрес с портом", fix),
    }
}

/// A calendar of five fields; comes back with the seconds that the cron crate wants in front.
pub fn cron(text: &str) -> Checked<String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let example = "пять полей: минута час число месяц день недели, например \"0 9 * * Mon\"";
    let [.., weekday] = fields[..] else {
        return wrong("пустое расписание", example);
    };
    if fields.len() != 5 {
        return wrong(format!("в расписании полей: {}", fields.len()), example);
    }
    if weekday.contains(|c: char| c.is_ascii_digit()) {
        let fix = "пишите словом: Mon, Tue, Wed, Thu, Fri, Sat, Sun";
        return wrong("день недели числом читают по-разному", fix);
    }
    let full = format!("0 {}", fields.join(" "));
    match cron::Schedule::from_str(&full) {
        Ok(_) => Ok(full),
        Err(_) => wrong(format!("не понять расписание «{text}»"), example),
    }
}

/// A version of an API: numbers and a dot.
pub fn api_version(text: &str) -> Checked<String> {
    let sound = text.split_once('.').is_some_and(|(major, minor)| {
        let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        number(major) && number(minor)
    });
    if sound {
        Ok(text.to_owned())
    } else {
        wrong("это не версия API", "пишите \"5.199\"")
    }
}

/// The number of an application of Telegram.
pub fn api_id(number: i64) -> Checked<i32> {
    match i32::try_from(number) {
        Ok(id) if id > 0 => Ok(id),
        _ => wrong("это не номер приложения Telegram", "возьмите api_id на my.telegram.org"),
    }
}

/// One of a few words.
pub fn word<T: Copy>(text: &str, known: &[(&str, T)]) -> Checked<T> {
    match known.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(*value),
        None => {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let fix = super::wording::suggestion(text, &names);
            wrong(format!("неизвестное значение «{text}»"), fix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_get_the_hint() {
        for name in ["Asia/Ulan-Ude", "Asia/Ulan_Ude", "Улан-Удэ", "Buryatia", "UTC+8", "+08:00"]
        {
            let fix = zone(name).expect_err(name).fix;
            assert_eq!(fix, "напишите \"Asia/Irkutsk\"", "{name}");
        }
        assert_eq!(zone("Asia/Irkutks").expect_err("typo").fix, "может быть, \"Asia/Irkutsk\"?");
        assert_eq!(zone("asia/irkutsk").expect("any case").1, "Asia/Irkutsk");
        assert_eq!(zone("Мск").expect_err("word").fix, "напишите \"Europe/Moscow\"");
        assert!(zone("").is_err());
    }

    #[test]
    fn addresses() {
        let check = |outcome: Checked<String>, expected: Result<&str, &str>| match expected {
            Ok(value) => assert_eq!(outcome.as_deref(), Ok(value)),
            Err(text) => {
                let wrong = outcome.expect_err(text);
                assert!(wrong.text.contains(text), "{wrong:?} / {text}");
                assert!(!wrong.text.contains("s3cret") && !wrong.fix.contains("s3cret"));
            }
        };
        check(base_url("https://api.vk.ru/method/"), Ok("https://api.vk.ru/method"));
        check(base_url("http://127.0.0.1:8080/x"), Ok("http://127.0.0.1:8080/x"));
        check(base_url("http://[::1]:8080"), Ok("http://[::1]:8080"));
        check(base_url("api.vk.ru"), Err("не адрес"));
        check(base_url("ftp://api.vk.ru"), Err("не подходит"));
        check(base_url("https://"), Err("нет имени сервера"));
        check(base_url("https://x:99999"), Err("неверный порт"));
        check(base_url("https://u:s3cret@x"), Err("имя или пароль"));
        check(smtp_url("smtp://127.0.0.1:2525"), Ok("smtp://127.0.0.1:2525"));
        check(smtp_url("smtps://u@x:465"), Ok("smtps://u@x:465"));
        check(smtp_url("smtps://u:s3cret@x:465"), Err("есть пароль"));
        check(proxy("socks5://10.0.0.1:1080"), Ok("socks5://10.0.0.1:1080"));
        check(proxy("http://u:s3cret@10.0.0.1"), Err("есть пароль"));
        check(mailbox("Отклик <a@b.ru>"), Ok("Отклик <a@b.ru>"));
        check(mailbox("a@b.ru"), Ok("a@b.ru"));
        check(mailbox("a@b.ru, c@d.ru"), Err("не почтовый адрес"));
        check(mailbox("Отклик"), Err("не почтовый адрес"));
        check(network("10.0.0.0/8"), Ok("10.0.0.0/8"));
        check(network("10.0.0.0/33"), Err("длина сети"));
        check(network("localhost"), Err("не адрес и не сеть"));
    }

    #[test]
    fn calendars() {
        assert_eq!(cron("0 9 * * Mon").as_deref(), Ok("0 0 9 * * Mon"));
        assert_eq!(cron("30 3 * * *").as_deref(), Ok("0 30 3 * * *"));
        for (text, expected) in [
            ("", "пустое"),
            ("9 * * Mon", "полей: 4"),
            ("0 0 9 * * Mon", "полей: 6"),
            ("0 9 * * 1", "числом"),
            ("0 25 * * Mon", "не понять"),
        ] {
            assert!(cron(text).expect_err(text).text.contains(expected), "{text}");
        }
    }
}
