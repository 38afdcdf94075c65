//! What OK's error codes mean for us: class, reach, next try, one Russian sentence.
//!
//! Place in the flow: `call` asks here for every error, `look` for nothing. Invariant: only the
//! code and the method's own name are looked at; nothing the platform sent is repeated.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Class, CollectError, Scope};

/// What to do about a group of codes.
struct Row {
    codes: &'static [i64],
    class: Class,
    scope: Scope,
    secs: i64,
    text: &'static str,
}

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Codes by which OK says that it failed itself.
const INSIDE: [i64; 3] = [1, 2, 9999];

const ROWS: &[Row] = &[
    Row {
        codes: &[1, 2, 9999],
        class: Class::Transient,
        scope: Scope::Source,
        secs: MINUTE,
        text: "ОК не справились с запросом. Попробуем ещё раз",
    },
    Row {
        codes: &[3, 4, 12, 451, 1200],
        class: Class::Ours,
        scope: Scope::Method,
        secs: 6 * HOUR,
        text: "ОК не знают такого запроса: версия программы устарела. Обновите otklik",
    },
    Row {
        codes: &[8],
        class: Class::RateLimited,
        scope: Scope::Method,
        secs: 5 * MINUTE,
        text: "ОК просят обращаться к ним реже. Ждём и замедляемся",
    },
    Row {
        codes: &[7],
        class: Class::RateLimited,
        scope: Scope::Method,
        secs: HOUR,
        text: "ОК на время закрыли этот запрос: обращались слишком часто. Ждём час и замедляемся",
    },
    Row {
        codes: &[11],
        class: Class::Quota,
        scope: Scope::Method,
        secs: HOUR,
        text: "Запас запросов к ОК исчерпан. Раз в час проверяем, не пополнился ли он",
    },
    Row {
        codes: &[9],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        secs: 6 * HOUR,
        text: "ОК не пускают запросы с этого сервера. Разрешите его адрес в настройках \
               приложения ОК",
    },
    Row {
        codes: &[101, 210, 900],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        secs: 6 * HOUR,
        text: "Приложение ОК неизвестно или выключено. Проверьте application_key и само \
               приложение",
    },
    Row {
        codes: &[102],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        secs: HOUR,
        text: "Ключ доступа ОК истёк. Получите новый access_token, лучше вечный",
    },
    Row {
        codes: &[103, 401, 402, 452, 453, 457],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        secs: HOUR,
        text: "ОК не принимают ключ доступа: он отозван или неверен. Замените access_token и \
               session_secret",
    },
    Row {
        codes: &[104],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        secs: 6 * HOUR,
        text: "ОК не приняли подпись запроса: session_secret не подходит к access_token. \
               Возьмите оба из одного окна настроек приложения",
    },
    Row {
        codes: &[403],
        class: Class::NeedsPerson,
        scope: Scope::Token,
        secs: 6 * HOUR,
        text: "ОК просят владельца ключа подтвердить, что он не робот. Войдите в ОК и пройдите \
               проверку; программа её не обходит и ждёт",
    },
    Row {
        codes: &[50],
        class: Class::NoAccess,
        scope: Scope::Source,
        secs: DAY,
        text: "ОК дают это только администраторам группы. Сделайте владельца ключа модератором",
    },
    Row {
        codes: &[200, 211, 212, 213, 214, 454, 455, 456, 458],
        class: Class::NoAccess,
        scope: Scope::Source,
        secs: DAY,
        text: "Группа ОК не даёт себя читать: она закрыта, или владелец ключа в ней не состоит",
    },
    Row {
        codes: &[702, 704, 705, 706],
        class: Class::NoAccess,
        scope: Scope::Source,
        secs: DAY,
        text: "Комментарии закрыты",
    },
    Row {
        codes: &[701, 1101, 1102, 1103],
        class: Class::NoAccess,
        scope: Scope::Source,
        secs: DAY,
        text: "ОК не дали доступа к части страницы",
    },
    Row {
        codes: &[105, 106, 110, 120, 121, 130, 140, 141, 150, 151, 160, 300, 700],
        class: Class::Gone,
        scope: Scope::Source,
        secs: DAY,
        text: "Такой группы или записи в ОК нет. Проверьте адрес источника",
    },
    Row {
        codes: &[100],
        class: Class::Ours,
        scope: Scope::Source,
        secs: HOUR,
        text: "ОК считают запрос неверным: проверьте адрес источника",
    },
    Row {
        codes: &[
            21, 22, 23, 24, 324, 500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511, 512,
            513, 514, 600, 601, 602, 603, 604, 605, 606, 610, 1001, 1002, 1003, 1004, 1005,
        ],
        class: Class::Ours,
        scope: Scope::Method,
        secs: 6 * HOUR,
        text: "ОК ответили ошибкой загрузки, хотя программа ничего не загружает. Обновите otklik",
    },
];

/// Every code of OK that has a row of its own.
pub fn known_codes() -> impl Iterator<Item = i64> {
    ROWS.iter().flat_map(|row| row.codes.iter().copied()).chain([10])
}

/// What an error of OK means for us at the instant `now`. `method` is ours, for example
/// `mediatopic.getTopics`: a right that is missing is named by it.
#[must_use]
pub fn explain(code: i64, method: &str, now: Timestamp) -> CollectError {
    let name = format!("ok {code}");
    if code == 10 {
        let text = format!(
            "У приложения ОК нет права {}. Запросите его письмом в поддержку: образец в \
             docs/ru/письмо-ок.md",
            right_for(method)
        );
        // Of this source alone: to an account that is no member another group may still open.
        return CollectError::new(Class::NeedsPerson, Scope::Source, name, text)
            .until(later(now, 6 * HOUR));
    }
    if let Some(row) = ROWS.iter().find(|row| row.codes.contains(&code)) {
        return CollectError::new(row.class, row.scope, name, row.text)
            .until(later(now, row.secs))
            .inside(INSIDE.contains(&code));
    }
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        name,
        "ОК ответили неожиданной ошибкой. Попробуем позже; если повторится, сообщите разработчикам",
    )
    .until(later(now, 15 * MINUTE))
}

/// The right that a method wants, by OK's documentation.
#[must_use]
pub fn right_for(method: &str) -> &'static str {
    match method.split('.').next() {
        Some("mediatopic") => "GROUP_CONTENT",
        Some("group") => "GROUP_CONTENT и VALUABLE_ACCESS",
        _ => "VALUABLE_ACCESS",
    }
}

/// `now` and so many seconds.
pub(super) fn later(now: Timestamp, secs: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(now)
}

/// An answer that is no answer of OK's API.
pub(super) fn malformed(code: &str, now: Timestamp) -> CollectError {
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        code,
        "ОК ответили не по своим правилам; из ответа ничего не взято. Попробуем позже",
    )
    .until(later(now, 15 * MINUTE))
}

/// An HTTP status that is not 200. `asked` is what the answer's `Retry-After` named.
pub(super) fn of_status(status: u16, asked: Option<Timestamp>, now: Timestamp) -> CollectError {
    let code = format!("http {status}");
    let (class, secs, text) = match status {
        429 => (Class::RateLimited, MINUTE, "ОК просят обращаться к ним реже. Замедляемся"),
        500..=599 => {
            (Class::Transient, MINUTE, "ОК временно не отвечают как следует. Попробуем ещё раз")
        }
        300..=399 | 401 | 403 | 451 => (
            Class::Transient,
            15 * MINUTE,
            "Вместо ОК отвечает страница входа или запрета: сеть не пускает к ОК",
        ),
        _ => (
            Class::Malformed,
            15 * MINUTE,
            "По адресу ОК отвечают не ОК. Проверьте адрес ОК в настройках",
        ),
    };
    CollectError::new(class, Scope::Host, code, text).until(later(now, secs)).asked(asked)
}
