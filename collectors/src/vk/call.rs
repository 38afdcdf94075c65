//! One call of VK's API: budget, form, retries, reading of the answer.
//!
//! Place in the flow: below `place` and `mod`. Invariants: the token travels in a header only; at
//! most [`TRIES`] tries a call, every wait on our clock; no log line holds a parameter, a text or a
//! number of anybody.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tracing::debug;

use super::{VkSettings, errors, execute, talk, wire};
use crate::error::{Class, CollectError, Scope};
use crate::http::{Method, Request, Response, host_of, retry_after};
use crate::ports::{Call, Ports};

/// Most tries of one call, the first included.
const TRIES: u32 = 5;
/// Most tries when each one costs a whole time-out, or when the answer is no answer.
const TRIES_SLOW: u32 = 2;
/// The longest wait, in seconds, within a call.
const RETRY_AFTER_MAX: i64 = 10;
/// VK gives `wall.get` so many calls a day.
pub const WALL_GET_PER_DAY: u32 = 5_000;

/// A failed call, with VK's own code if VK said no.
#[derive(Debug)]
pub(super) struct Fault {
    pub code: Option<i64>,
    /// When to come back, if the HTTP answer said so itself.
    pub asked: Option<Timestamp>,
    pub error: CollectError,
}

impl From<CollectError> for Fault {
    fn from(error: CollectError) -> Self {
        Fault { code: None, asked: None, error }
    }
}

impl From<Fault> for CollectError {
    fn from(fault: Fault) -> Self {
        fault.error
    }
}

/// The API as one token sees it.
pub(super) struct Api<'a> {
    pub settings: &'a VkSettings,
    /// The token that pays, and its name in budgets.
    pub token: &'a str,
    pub name: String,
    /// Least time between two calls, in milliseconds.
    pub spacing_ms: u32,
    pub host: &'a str,
    pub ports: &'a Ports,
}

impl Api<'_> {
    /// Calls `method` and reads its response.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<T, Fault> {
        Ok(self.whole(method, params).await?.0)
    }

    /// The same with what `execute` says beside its response: which of its calls failed.
    pub(super) async fn whole<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<(T, Vec<wire::ApiError>), Fault> {
        let call = Call {
            host: self.host.to_owned(),
            token: self.name.clone(),
            fingerprint: self.fingerprint(),
            method: method.to_owned(),
            spacing_ms: self.spacing_ms,
            per_day_max: (method == "wall.get").then_some(WALL_GET_PER_DAY),
        };
        for tried in 1.. {
            self.ports.budget.take(&call).await?;
            let mut fault = match self.once(method, params).await {
                Ok(response) => {
                    self.ports.budget.heard(&call, Ok(())).await;
                    return Ok(response);
                }
                Err(fault) => fault,
            };
            if let Some(code) = fault.code.filter(|_| talk::is_aside(method)) {
                fault.error = errors::aside(code, fault.error);
            }
            if let Some(code) = fault.code.filter(|_| method == execute::METHOD) {
                fault.error = errors::of_execute(code, fault.error);
            }
            debug!(method, tried, code = %fault.error.code, "vk call failed");
            self.ports.budget.heard(&call, Err(&fault.error)).await;
            match self.retry_at(method, &fault, tried) {
                Some(at) => self.ports.clock.sleep_until(at).await,
                None => return Err(fault),
            }
        }
        unreachable!("the last try returns")
    }

    /// Whether and when the same call is tried again.
    fn retry_at(&self, method: &str, fault: &Fault, tried: u32) -> Option<Timestamp> {
        let now = self.ports.clock.now();
        let error = &fault.error;
        let (tries, secs) = match error.class {
            Class::RateLimited if fault.code == Some(6) => (TRIES, i64::from(tried)),
            Class::RateLimited if error.scope == Scope::Host => (TRIES, 60),
            Class::Transient if error.timed_out() => (TRIES_SLOW, 1),
            Class::Transient => (TRIES, 1 << (tried - 1)),
            Class::Malformed if fault.code.is_none() => (TRIES_SLOW, 2),
            _ => (0, 0),
        };
        // What is besides the wall must not hold it up.
        let tries = if talk::is_aside(method) { tries.min(TRIES_SLOW) } else { tries };
        let at = fault.asked.unwrap_or_else(|| errors::later(now, secs));
        let soon = at <= errors::later(now, RETRY_AFTER_MAX);
        (tried < tries && soon).then_some(at)
    }

    /// Asks a Long Poll server, once and without a long wait. The key travels in the address, as
    /// VK wants it; the address stands in no error.
    pub(super) async fn events(
        &self,
        server: &str,
        key: &str,
        ts: u64,
    ) -> Result<wire::Polled, CollectError> {
        let mut url = url::Url::parse(server).map_err(|_| self.odd("vk odd server"))?;
        url.query_pairs_mut()
            .append_pair("act", "a_check")
            .append_pair("key", key)
            .append_pair("ts", &ts.to_string())
            .append_pair("wait", "1");
        let host = host_of(server).unwrap_or_default();
        let call = Call {
            host: host.clone(),
            token: self.name.clone(),
            fingerprint: self.fingerprint(),
            method: "a_check".to_owned(),
            spacing_ms: self.spacing_ms,
            per_day_max: None,
        };
        self.ports.budget.take(&call).await?;
        let request = Request {
            url: url.into(),
            // Another host than the configured one is as foreign as any page.
            guarded: host != self.host,
            ..Request::default()
        };
        let sent = self.ports.transport.send(request).await;
        let now = self.ports.clock.now();
        let answered = sent.and_then(|response| match response.status {
            200 => Ok(response),
            status => Err(errors::of_status(status, retry_after(&response, now), now)),
        });
        self.ports.budget.heard(&call, answered.as_ref().map(|_| ())).await;
        serde_json::from_slice(&answered?.body).map_err(|_| self.odd("vk odd events"))
    }

    /// The name of what the operator can change when VK refuses us: the key and the version.
    fn fingerprint(&self) -> String {
        Call::fingerprint(&[self.token, &self.settings.version])
    }

    /// An answer that makes no sense.
    pub(super) fn odd(&self, code: &str) -> CollectError {
        errors::malformed(code, self.ports.clock.now())
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<(T, Vec<wire::ApiError>), Fault> {
        let mut form: Vec<(String, String)> =
            params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        form.push(("v".to_owned(), self.settings.version.clone()));
        let request = Request {
            method: Method::Post,
            url: format!("{}/{method}", self.settings.api_url.trim_end_matches('/')),
            headers: vec![("authorization".to_owned(), format!("Bearer {}", self.token))],
            form,
            ..Request::default()
        };
        let response = self.ports.transport.send(request).await?;
        read(&response, self.ports.clock.now())
    }
}

/// Reads an answer; an `error` in it wins over everything but the HTTP status.
fn read<T: DeserializeOwned>(
    response: &Response,
    now: Timestamp,
) -> Result<(T, Vec<wire::ApiError>), Fault> {
    if response.status != 200 {
        let asked = retry_after(response, now);
        let error = errors::of_status(response.status, asked, now);
        return Err(Fault { asked, ..error.into() });
    }
    let body = String::from_utf8_lossy(&response.body);
    // The type of `response` does not matter while it is unknown whether there is one.
    let failed: wire::Envelope<serde::de::IgnoredAny> =
        serde_json::from_str(&body).map_err(|_| errors::malformed("vk not json", now))?;
    if let Some(error) = failed.error {
        let explained =
            errors::explain(error.error_code, error.error_subcode, &error.error_msg, now);
        return Err(Fault { code: Some(error.error_code), asked: None, error: explained });
    }
    serde_json::from_str::<wire::Envelope<T>>(&body)
        .ok()
        .and_then(|envelope| Some((envelope.response?, envelope.execute_errors)))
        .ok_or_else(|| errors::malformed("vk odd answer", now).into())
}
