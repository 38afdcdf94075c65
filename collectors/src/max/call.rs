//! One call of MAX's bot API: budget, retries, reading of the answer.
//!
//! Place in the flow: below `place`, `inbox` and `mod`. Invariants: the token travels in a header
//! only; at most [`TRIES`] tries a call, every wait on our clock; no log line holds a parameter, a
//! text or a number of anybody.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::debug;

use super::{MaxSettings, errors};
use crate::error::{Class, CollectError};
use crate::http::{Method, Request, Response, retry_after};
use crate::ports::{Call, Ports};

/// Most tries of one call, the first included.
const TRIES: u32 = 5;
/// Most tries when each one costs a whole time-out, or when the answer is no answer.
const TRIES_SLOW: u32 = 2;
/// The longest wait, in seconds, within a call.
const RETRY_AFTER_MAX: i64 = 10;
/// Least time between two calls: MAX allows 30 a second to a host. Half of that leaves the other
/// half to the alerts that the same bot may send.
const SPACING_MS: u32 = 67;

/// What a call is called in budgets and logs, without anybody's number, and its path.
#[derive(Clone, Copy)]
pub(super) struct Name<'a>(pub &'static str, pub &'a str);

/// The API as one bot sees it.
pub(super) struct Api<'a> {
    pub settings: &'a MaxSettings,
    pub host: &'a str,
    pub ports: &'a Ports,
}

impl Api<'_> {
    /// Asks for `path` and reads the answer. `name` is the path without anybody's number, for
    /// budgets and logs.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        name: &'static str,
        path: &str,
        params: &[(&str, String)],
    ) -> Result<T, CollectError> {
        self.send(Method::Get, Name(name, path), params, None).await
    }

    /// Makes a call and reads the answer; `json` is the body of a POST. Every call here may be made
    /// twice without harm.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        Name(name, path): Name<'_>,
        params: &[(&str, String)],
        json: Option<String>,
    ) -> Result<T, CollectError> {
        let call = Call {
            host: self.host.to_owned(),
            token: "max".to_owned(),
            fingerprint: Call::fingerprint(&[&self.settings.token]),
            method: name.to_owned(),
            spacing_ms: SPACING_MS,
            per_day_max: None,
        };
        for tried in 1.. {
            self.ports.budget.take(&call).await?;
            let (error, asked) = match self.once(method, path, params, &json).await {
                Ok(answer) => {
                    self.ports.budget.heard(&call, Ok(())).await;
                    return Ok(answer);
                }
                Err(fault) => fault,
            };
            debug!(name, tried, code = %error.code, "max call failed");
            self.ports.budget.heard(&call, Err(&error)).await;
            match self.retry_at(&error, asked, tried) {
                Some(at) => self.ports.clock.sleep_until(at).await,
                None => return Err(error),
            }
        }
        unreachable!("the last try returns")
    }

    /// Whether and when the same call is tried again.
    fn retry_at(
        &self,
        error: &CollectError,
        asked: Option<Timestamp>,
        tried: u32,
    ) -> Option<Timestamp> {
        let now = self.ports.clock.now();
        let (tries, secs) = match error.class {
            Class::RateLimited if error.code == "max 429" || error.code == "http 429" => {
                (TRIES, 60)
            }
            Class::Transient if error.timed_out() => (TRIES_SLOW, 1),
            Class::Transient => (TRIES, 1 << (tried - 1)),
            Class::Malformed => (TRIES_SLOW, 2),
            _ => (0, 0),
        };
        let at = asked.unwrap_or_else(|| errors::later(now, secs));
        let soon = at <= errors::later(now, RETRY_AFTER_MAX);
        (tried < tries && soon).then_some(at)
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        params: &[(&str, String)],
        json: &Option<String>,
    ) -> Result<T, (CollectError, Option<Timestamp>)> {
        let mut url = format!("{}{path}", self.settings.api_url.trim_end_matches('/'));
        if !params.is_empty() {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
            url.push_str(&format!("?{query}"));
        }
        let request = Request {
            method,
            url,
            json: json.clone(),
            headers: vec![("authorization".to_owned(), self.settings.token.clone())],
            ..Request::default()
        };
        let response = self.ports.transport.send(request).await.map_err(|error| (error, None))?;
        read(&response, self.ports.clock.now())
    }
}

/// Reads an answer: a status says whether it is one, and a body of failure whether MAX wrote it.
fn read<T: DeserializeOwned>(
    response: &Response,
    now: Timestamp,
) -> Result<T, (CollectError, Option<Timestamp>)> {
    let body = String::from_utf8_lossy(&response.body);
    if response.status != 200 {
        let asked = retry_after(response, now);
        let value: Option<Value> = serde_json::from_str(&body).ok();
        let own = value.is_some_and(|value| value.get("code").is_some());
        return Err((errors::explain(response.status, own, asked, now), asked));
    }
    let odd = |code: &str| (errors::malformed(code, now), None);
    let value: Value = serde_json::from_str(&body).map_err(|_| odd("max not json"))?;
    serde_json::from_value(value).map_err(|_| odd("max odd answer"))
}
