//! What MAX's answers of failure mean for us: class, reach, next try, one Russian sentence.
//!
//! Place in the flow: `call` asks here for every status that is not 200. Invariant: only the status
//! and whether the body is MAX's own are looked at; nothing the platform sent is repeated.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Class, CollectError, Scope};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Every status that MAX documents for a failure.
pub const STATUSES: [u16; 8] = [400, 401, 403, 404, 405, 429, 500, 503];

/// What a status means at the instant `now`. `own` says that the body is an error of MAX, not the
/// page of somebody in between; `asked` is what `Retry-After` named.
#[must_use]
pub fn explain(status: u16, own: bool, asked: Option<Timestamp>, now: Timestamp) -> CollectError {
    let code = if own { format!("max {status}") } else { format!("http {status}") };
    use Class::{Gone, Malformed, NeedsPerson, NoAccess, Ours, RateLimited, Transient};
    let (class, scope, secs, text) = match (status, own) {
        (429, _) => {
            (RateLimited, Scope::Host, MINUTE, "MAX просит обращаться к нему реже. Замедляемся")
        }
        (500..=599, _) => (
            Transient,
            Scope::Host,
            MINUTE,
            "MAX временно не отвечает как следует. Попробуем ещё раз",
        ),
        (401, true) => (
            NeedsPerson,
            Scope::Token,
            HOUR,
            "MAX не принимает ключ бота: он отозван или неверен. Замените token",
        ),
        (403, true) => (
            NoAccess,
            Scope::Source,
            DAY,
            "MAX не даёт боту читать этот канал. Сделайте бота администратором с правом читать \
             все сообщения",
        ),
        (404, true) => (
            Gone,
            Scope::Source,
            DAY,
            "Такого канала или чата в MAX нет, или бота из него удалили. Проверьте адрес источника",
        ),
        (405, true) => (
            Ours,
            Scope::Method,
            6 * HOUR,
            "MAX не знает такого запроса: версия программы устарела. Обновите otklik",
        ),
        (400, true) => {
            (Ours, Scope::Source, HOUR, "MAX считает запрос неверным: проверьте адрес источника")
        }
        (300..=399 | 401 | 403 | 451, false) => (
            Transient,
            Scope::Host,
            15 * MINUTE,
            "Вместо MAX отвечает страница входа или запрета: сеть не пускает к MAX",
        ),
        _ => (
            Malformed,
            Scope::Host,
            15 * MINUTE,
            "По адресу MAX отвечает не MAX. Проверьте адрес MAX в настройках",
        ),
    };
    CollectError::new(class, scope, code, text).until(later(now, secs)).asked(asked)
}

/// An answer that is no answer of MAX's API.
pub(super) fn malformed(code: &str, now: Timestamp) -> CollectError {
    CollectError::new(
        Class::Malformed,
        Scope::Source,
        code,
        "MAX ответил не по своим правилам; из ответа ничего не взято. Попробуем позже",
    )
    .until(later(now, 15 * MINUTE))
}

/// `now` and so many seconds.
pub(super) fn later(now: Timestamp, secs: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(now)
}
