//! What VK's error codes mean for us: class, reach, next try, one Russian sentence.
//!
//! Place in the flow: `call` asks here for every `error` object. Invariant: only the code, the
//! subcode and a few known words of the message are looked at; nothing the platform sent is
//! repeated, because an error of VK repeats the request's own parameters, sometimes with the token.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Class, CollectError, Scope};

/// When trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// After so many seconds.
    Secs(i64),
    /// At the next midnight of Moscow, when VK's daily counters are taken to start anew.
    Midnight,
}

/// What to do about a group of codes.
struct Row {
    codes: &'static [i64],
    class: Class,
    scope: Scope,
    next: Next,
    text: &'static str,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Text of an error that says: this token is of the wrong kind.
const WRONG_TOKEN: &str = "Ключ VK не того вида: нужен сервисный ключ приложения или ключ \
     пользователя. Замените ключ в настройках";

/// Codes that concern a token whatever it asked for.
const OF_TOKEN: [i64; 19] =
    [2, 4, 5, 14, 16, 17, 38, 42, 101, 1114, 1115, 1116, 1117, 1118, 3300, 3301, 3302, 3303, 3304];

/// Codes by which VK says that it failed itself.
const INSIDE: [i64; 2] = [1, 10];

const ROWS: &[Row] = &[
    Row {
        codes: &[1, 10, 22, 106],
        class: Class::Transient,
        scope: Scope::Source,
        next: Next::Secs(MINUTE),
        text: "VK не справился с запросом. Попробуем ещё раз",
    },
    Row {
        codes: &[32, 36, 43],
        class: Class::Transient,
        scope: Scope::Source,
        next: Next::Secs(10 * MINUTE),
        text: "VK временно не отдаёт этот раздел. Попробуем ещё раз",
    },
    Row {
        codes: &[6],
        class: Class::RateLimited,
        scope: Scope::Token,
        next: Next::Secs(1),
        text: "VK просит реже обращаться к нему. Замедляемся",
    },
    Row {
        codes: &[9, 601, 103],
        class: Class::RateLimited,
        scope: Scope::Method,
        next: Next::Secs(3 * HOUR),
        text: "VK счёл запросы слишком частыми и на несколько часов закрыл их. Ждём",
    },
    Row {
        codes: &[29],
        class: Class::Quota,
        scope: Scope::Method,
        next: Next::Midnight,
        text: "Дневной запас запросов VK исчерпан. Продолжим после полуночи по Москве",
    },
    Row {
        codes: &[5, 16, 1114, 1115, 1116, 1117, 1118],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(HOUR),
        text: "VK не принимает ключ: он отозван, истёк или выдан для другого адреса. Замените ключ",
    },
    Row {
        codes: &[27, 28, 3609, 3610, 20, 21],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(HOUR),
        text: WRONG_TOKEN,
    },
    Row {
        codes: &[42],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(HOUR),
        text: "Ключ VK не действует с этого сервера. Разрешите его адрес в настройках приложения VK",
    },
    Row {
        codes: &[14, 3300],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(6 * HOUR),
        text: "VK просит подтвердить, что вы не робот. Войдите в VK под владельцем ключа и пройдите \
               проверку; программа её не обходит и ждёт",
    },
    Row {
        codes: &[17, 24, 25, 41, 3301, 3302, 3303, 3304],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(6 * HOUR),
        text: "VK просит владельца ключа подтвердить вход. Войдите в VK и выполните проверку",
    },
    Row {
        codes: &[2, 38, 101],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(6 * HOUR),
        text: "Приложение VK выключено или неизвестно. Включите его в кабинете VK или замените ключ",
    },
    Row {
        codes: &[4],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        next: Next::Secs(6 * HOUR),
        text: "VK не принимает подпись запроса. Замените ключ приложения",
    },
    Row {
        codes: &[7, 15, 183, 203, 210, 701],
        class: Class::NoAccess,
        scope: Scope::Source,
        next: Next::Secs(DAY),
        text: "Страница VK не даёт себя читать: стена закрыта или только для участников",
    },
    Row {
        codes: &[211, 212, 213],
        class: Class::NoAccess,
        scope: Scope::Source,
        next: Next::Secs(DAY),
        text: "Комментарии закрыты",
    },
    Row {
        codes: &[30],
        class: Class::NoAccess,
        scope: Scope::Source,
        next: Next::Secs(DAY),
        text: "Личная страница закрыта её владельцем",
    },
    Row {
        codes: &[19],
        class: Class::NoAccess,
        scope: Scope::Source,
        next: Next::Secs(7 * DAY),
        text: "VK заблокировал эту страницу. Проверим через неделю",
    },
    Row {
        codes: &[18, 37],
        class: Class::Gone,
        scope: Scope::Source,
        next: Next::Secs(DAY),
        text: "Страница удалена или заблокирована. Если она переехала, укажите новый адрес",
    },
    Row {
        codes: &[39, 40, 104, 113, 125, 140],
        class: Class::Gone,
        scope: Scope::Source,
        next: Next::Secs(DAY),
        text: "Такой страницы в VK нет. Проверьте адрес источника",
    },
    Row {
        codes: &[3, 23, 33],
        class: Class::Ours,
        scope: Scope::Method,
        next: Next::Secs(6 * HOUR),
        text: "VK не знает этого запроса: версия программы устарела. Обновите otklik",
    },
    Row {
        codes: &[34, 35],
        class: Class::Ours,
        scope: Scope::Token,
        next: Next::Secs(6 * HOUR),
        text: "VK больше не принимает эту версию запросов. Обновите otklik или укажите новую версию",
    },
    Row {
        codes: &[8, 11, 12, 13, 100, 150],
        class: Class::Ours,
        scope: Scope::Source,
        next: Next::Secs(HOUR),
        text: "VK считает запрос неверным: проверьте адрес источника и версию в настройках VK",
    },
    Row {
        codes: &[
            141, 200, 201, 204, 205, 214, 219, 220, 221, 222, 223, 224, 225, 250, 251, 252, 253,
            260, 300, 500, 600,
        ],
        class: Class::NoAccess,
        scope: Scope::Source,
        next: Next::Secs(DAY),
        text: "VK не дал доступа к части страницы",
    },
    Row {
        codes: &[9999],
        class: Class::Ours,
        scope: Scope::Method,
        next: Next::Secs(HOUR),
        text: "VK не принимает такой способ запроса. Проверьте адрес VK в настройках",
    },
];

/// Every code of VK that has a row of its own.
pub fn known_codes() -> impl Iterator<Item = i64> {
    ROWS.iter().flat_map(|row| row.codes.iter().copied())
}

/// What an error of VK means for us at the instant `now`. `message` is only searched for known
/// words.
#[must_use]
pub fn explain(code: i64, subcode: Option<i64>, message: &str, now: Timestamp) -> CollectError {
    let name = match subcode {
        Some(subcode) => format!("vk {code}/{subcode}"),
        None => format!("vk {code}"),
    };
    let message = message.to_lowercase();
    if matches!(code, 8 | 15) && message.contains("try again") {
        return error(Class::Transient, Scope::Source, name, Next::Secs(MINUTE), now)(
            "VK не справился с запросом. Попробуем ещё раз",
        );
    }
    let of_token = matches!(subcode, Some(1133 | 1134))
        || message.contains("no access to call this method")
        || message.contains("current scopes");
    if code == 15 && of_token {
        return error(Class::NeedsPerson, Scope::Token, name, Next::Secs(HOUR), now)(WRONG_TOKEN);
    }
    if let Some(row) = ROWS.iter().find(|row| row.codes.contains(&code)) {
        let inside = INSIDE.contains(&code);
        return error(row.class, row.scope, name, row.next, now)(row.text).inside(inside);
    }
    error(Class::Malformed, Scope::Source, name, Next::Secs(15 * MINUTE), now)(
        "VK ответил неожиданной ошибкой. Попробуем позже; если повторится, сообщите разработчикам",
    )
}

/// The same error of a method that reads what is besides the wall. That a token may not call it
/// says nothing about the token: the wall goes on. What concerns the token as a whole (captcha,
/// revoked, too many calls) stays as it is.
#[must_use]
pub fn aside(code: i64, error: CollectError) -> CollectError {
    let passes = matches!(error.class, Class::Transient | Class::RateLimited | Class::Quota);
    if passes || OF_TOKEN.contains(&code) {
        return error;
    }
    CollectError {
        class: Class::NoAccess,
        scope: Scope::Method,
        text: "Этот раздел VK ключ не читает; стена читается дальше".to_owned(),
        ..error
    }
}

/// A refusal of `execute` itself: what the token may not batch it may still ask call by call.
#[must_use]
pub fn of_execute(code: i64, error: CollectError) -> CollectError {
    let passes = matches!(error.class, Class::Transient | Class::RateLimited | Class::Quota);
    if passes || OF_TOKEN.contains(&code) || matches!(code, 12 | 13) {
        return error;
    }
    CollectError {
        class: Class::Ours,
        scope: Scope::Method,
        text: "VK не даёт этому ключу объединять запросы; спрашиваем по одному".to_owned(),
        ..error
    }
}

fn error(
    class: Class,
    scope: Scope,
    code: String,
    next: Next,
    now: Timestamp,
) -> impl FnOnce(&str) -> CollectError {
    let until = match next {
        Next::Secs(secs) => later(now, secs),
        Next::Midnight => moscow_midnight(now),
    };
    move |text| CollectError::new(class, scope, code, text).until(until)
}

/// `now` and so many seconds.
pub(super) fn later(now: Timestamp, secs: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(now)
}

/// The first midnight of Moscow (UTC+3 all year) after `now`.
#[must_use]
pub fn moscow_midnight(now: Timestamp) -> Timestamp {
    const MOSCOW: i64 = 3 * HOUR;
    let days = (now.as_second() + MOSCOW).div_euclid(DAY) + 1;
    Timestamp::from_second(days * DAY - MOSCOW).unwrap_or(now)
}

/// An answer that is no answer of VK's API.
pub(super) fn malformed(code: &str, now: Timestamp) -> CollectError {
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        code,
        "VK ответил не по своим правилам; из ответа ничего не взято. Попробуем позже",
    )
    .until(later(now, 15 * MINUTE))
}

/// An HTTP status that is not 200. `asked` is what the answer's `Retry-After` named.
pub(super) fn of_status(status: u16, asked: Option<Timestamp>, now: Timestamp) -> CollectError {
    let code = format!("http {status}");
    let (class, scope, secs, text) = match status {
        429 => (
            Class::RateLimited,
            Scope::Host,
            MINUTE,
            "VK просит реже обращаться к нему. Замедляемся",
        ),
        500..=599 => (
            Class::Transient,
            Scope::Host,
            MINUTE,
            "VK временно не отвечает как следует. Попробуем ещё раз",
        ),
        300..=399 | 401 | 403 | 451 => (
            Class::Transient,
            Scope::Host,
            15 * MINUTE,
            "Вместо VK отвечает страница входа или запрета: сеть не пускает к VK",
        ),
        _ => (
            Class::Malformed,
            Scope::Host,
            15 * MINUTE,
            "По адресу VK отвечает не VK. Проверьте адрес VK в настройках",
        ),
    };
    CollectError::new(class, scope, code, text).until(later(now, secs)).asked(asked)
}
