//! What an HTTP status means for a source read without a token, and how long to wait.
//!
//! Place in the flow: between the transport and the platforms that read plain web pages and feeds.
//! Invariant: a status that is no success never reaches a parser.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Class, CollectError, Scope};
use crate::http::{Response, retry_after};

/// How long to keep away after a 429 that names no time.
const WAIT_UNNAMED: SignedDuration = SignedDuration::from_mins(1);

/// Passes an answer with a status of success; anything else becomes an error. `scope` is how far a
/// server fault reaches.
pub(crate) fn check(response: &Response, now: Timestamp, scope: Scope) -> Result<(), CollectError> {
    let (class, scope, text) = match response.status {
        200..=299 => return Ok(()),
        429 => (
            Class::RateLimited,
            Scope::Host,
            "Сервер просит обращаться к нему реже; продолжим позже.",
        ),
        408 | 500..=599 => {
            (Class::Transient, scope, "Сервер отвечает ошибкой; попробуем ещё раз позже.")
        }
        401 | 403 | 451 => {
            (Class::NoAccess, Scope::Source, "Сервер не даёт нам читать эту страницу.")
        }
        // Pages do come back from 404, so it is no proof that the source is gone.
        404 => (
            Class::Transient,
            Scope::Source,
            "По этому адресу ничего нет; если это повторится, проверьте адрес источника.",
        ),
        410 => (Class::Gone, Scope::Source, "Сервер сообщает, что эта страница удалена навсегда."),
        _ => (Class::Malformed, Scope::Source, "Сервер ответил не так, как ожидалось."),
    };
    let error = CollectError::new(class, scope, format!("http {}", response.status), text);
    let error = match class {
        Class::RateLimited => error.until(now + WAIT_UNNAMED),
        _ => error,
    };
    Err(error.asked(retry_after(response, now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Response {
        Response {
            status,
            headers: retry_after
                .map(|v| ("retry-after".to_owned(), v.to_owned()))
                .into_iter()
                .collect(),
            ..Response::default()
        }
    }

    #[test]
    fn every_status_has_a_class_and_a_time() {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        let check = |status, retry: Option<&str>, class: Class, after: Option<i64>| {
            let error = super::check(&answer(status, retry), now, Scope::Source).unwrap_err();
            assert_eq!(error.class, class, "{status}");
            assert_eq!(error.code, format!("http {status}"));
            let until = after.map(|secs| now + SignedDuration::from_secs(secs));
            assert_eq!(error.until, until, "{status} {retry:?}");
        };
        check(429, None, Class::RateLimited, Some(60));
        check(429, Some("120"), Class::RateLimited, Some(120));
        check(503, Some("Mon, 02 Mar 2026 10:30:00 GMT"), Class::Transient, Some(1800));
        check(503, Some("Mon, 02 Mar 2026 09:30:00 GMT"), Class::Transient, None);
        check(503, Some("soon"), Class::Transient, None);
        check(503, Some("316800"), Class::Transient, Some(316_800));
        check(500, None, Class::Transient, None);
        check(403, None, Class::NoAccess, None);
        check(404, None, Class::Transient, None);
        check(410, None, Class::Gone, None);
        check(302, None, Class::Malformed, None);
        assert!(super::check(&answer(200, None), now, Scope::Host).is_ok());
    }
}
