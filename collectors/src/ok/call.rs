//! One call of OK's API: budget, signature, form, retries, reading of the answer.
//!
//! Place in the flow: below `place` and `mod`. Invariants: everything travels in the body of a
//! POST, so no address holds a key; at most [`TRIES`] tries a call, every wait on our clock; no log
//! line holds a parameter, a text or a number of anybody.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::debug;

use super::{OkSettings, errors, sign, wire};
use crate::error::{Class, CollectError, Scope};
use crate::http::{Method, Request, Response, retry_after};
use crate::ports::{Call, Ports};

/// Most tries of one call, the first included.
const TRIES: u32 = 5;
/// Most tries when each one costs a whole time-out, or when the answer is no answer.
const TRIES_SLOW: u32 = 2;
/// The longest wait, in seconds, within a call.
const RETRY_AFTER_MAX: i64 = 10;
/// Least time between two calls: OK publishes no number, two or three a second are practice. At
/// this distance four never fall into one second, even when the network delays the first of them.
const SPACING_MS: u32 = 400;
/// The same while OK finds us too fast, and for how many seconds that lasts.
const SPACING_SLOW_MS: u32 = 800;
const SLOW_SECS: i64 = 3_600;

/// A failed call, with OK's own code if OK said no.
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
    pub settings: &'a OkSettings,
    pub host: &'a str,
    pub ports: &'a Ports,
    /// Until when (Unix seconds) calls keep twice their distance.
    pub slow_until: &'a AtomicI64,
}

impl Api<'_> {
    /// Calls `method` and reads its answer.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<T, Fault> {
        for tried in 1.. {
            let now = self.ports.clock.now().as_second();
            let slow = now < self.slow_until.load(Ordering::Relaxed);
            let call = Call {
                host: self.host.to_owned(),
                token: "ok".to_owned(),
                fingerprint: self.fingerprint(),
                method: method.to_owned(),
                spacing_ms: if slow { SPACING_SLOW_MS } else { SPACING_MS },
                per_day_max: None,
            };
            self.ports.budget.take(&call).await?;
            let fault = match self.once(method, params).await {
                Ok(response) => {
                    self.ports.budget.heard(&call, Ok(())).await;
                    return Ok(response);
                }
                Err(fault) => fault,
            };
            debug!(method, tried, code = %fault.error.code, "ok call failed");
            if fault.error.class == Class::RateLimited {
                self.slow_until.fetch_max(now + SLOW_SECS, Ordering::Relaxed);
            }
            self.ports.budget.heard(&call, Err(&fault.error)).await;
            match self.retry_at(&fault, tried) {
                Some(at) => self.ports.clock.sleep_until(at).await,
                None => return Err(fault),
            }
        }
        unreachable!("the last try returns")
    }

    /// Whether and when the same call is tried again.
    fn retry_at(&self, fault: &Fault, tried: u32) -> Option<Timestamp> {
        let now = self.ports.clock.now();
        let error = &fault.error;
        let (tries, secs) = match error.class {
            Class::RateLimited if error.scope == Scope::Host => (TRIES, 60),
            Class::Transient if error.timed_out() => (TRIES_SLOW, 1),
            Class::Transient => (TRIES, 1 << (tried - 1)),
            Class::Malformed if fault.code.is_none() => (TRIES_SLOW, 2),
            _ => (0, 0),
        };
        let at = fault.asked.unwrap_or_else(|| errors::later(now, secs));
        let soon = at <= errors::later(now, RETRY_AFTER_MAX);
        (tried < tries && soon).then_some(at)
    }

    /// The name of what the operator can change when OK refuses us: the keys.
    fn fingerprint(&self) -> String {
        let keys = self.settings;
        Call::fingerprint(&[&keys.application_key, &keys.access_token, &keys.session_secret])
    }

    async fn once<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &[(&str, String)],
    ) -> Result<T, Fault> {
        let mut form: Vec<(String, String)> =
            params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let ours = [
            ("application_key", self.settings.application_key.as_str()),
            ("format", "json"),
            ("method", method),
            ("__online", "false"),
        ];
        form.extend(ours.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let sig = sign::signature(&form, &self.settings.session_secret);
        form.push(("sig".to_owned(), sig));
        form.push(("access_token".to_owned(), self.settings.access_token.clone()));
        let request = Request {
            method: Method::Post,
            url: address(&self.settings.api_url),
            form,
            ..Request::default()
        };
        let response = self.ports.transport.send(request).await?;
        read(&response, method, self.ports.clock.now())
    }
}

/// The address of all calls; the file name may be left out in the settings.
fn address(api_url: &str) -> String {
    let base = api_url.trim_end_matches('/');
    if base.ends_with("/fb.do") { base.to_owned() } else { format!("{base}/fb.do") }
}

/// Reads an answer. OK says no with HTTP 200, in the body and in the header `Invocation-Error`; a
/// success has no frame around it and may be a bare array.
fn read<T: DeserializeOwned>(
    response: &Response,
    method: &str,
    now: Timestamp,
) -> Result<T, Fault> {
    let header = response.header("invocation-error").and_then(|code| code.trim().parse().ok());
    let explained = |code: i64| Fault {
        code: Some(code),
        asked: None,
        error: errors::explain(code, method, now),
    };
    if response.status != 200 {
        let asked = retry_after(response, now);
        let error = errors::of_status(response.status, asked, now);
        return Err(header.map_or(Fault { asked, ..error.into() }, explained));
    }
    let body = String::from_utf8_lossy(&response.body);
    let value: Option<Value> = serde_json::from_str(&body).ok();
    let failed = value.as_ref().filter(|value| value.get("error_code").is_some());
    if let Some(failed) = failed {
        let code = serde_json::from_value::<wire::ApiError>(failed.clone()).ok();
        let code = code.and_then(|it| it.error_code.0.parse().ok()).or(header);
        return Err(code.map_or_else(|| errors::malformed("ok odd error", now).into(), explained));
    }
    if let Some(code) = header {
        return Err(explained(code));
    }
    let value = value.ok_or_else(|| errors::malformed("ok not json", now))?;
    serde_json::from_value(value).map_err(|_| errors::malformed("ok odd answer", now).into())
}
