//! The one HTTP client: time-outs, size cap, address guard, redacted errors.
//!
//! Place in the flow: the real [`crate::Transport`]. Invariants: no error text contains an address
//! or a header; every hop of a guarded request is judged before it is made, at connect time too.
//!
//! Behind a proxy the proxy resolves names, so a guarded name is judged by its spelling only; an
//! address in numbers is judged as without a proxy.

mod fault;
mod guard;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;
use url::Url;

use crate::error::CollectError;
use crate::ports::Transport;

use guard::{Guard, Resolver};

/// HTTP method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
}

/// One request.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Request {
    /// Method.
    pub method: Method,
    /// Absolute address.
    pub url: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Form fields of a POST, sent form-urlencoded.
    pub form: Vec<(String, String)>,
    /// Body of a POST in JSON, sent instead of the form.
    pub json: Option<String>,
    /// Whether the address comes from a source (guarded against private networks) or is a
    /// platform's base.
    pub guarded: bool,
}

/// One whole answer, any status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body after decompression.
    pub body: Vec<u8>,
    /// Path and query that answered, after redirects (no host, no secrets).
    pub path: String,
}

impl Response {
    /// First header of this (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Who answers at an absolute address, as budgets name it: the host, with the port if it is not the
/// usual one.
#[must_use]
pub fn host_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Longest wait that a `Retry-After` may order: a server that is wrong about the year must not be
/// lost for one.
const RETRY_AFTER_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Headers that go along when a redirect leaves the host; the others may be secrets.
const HARMLESS_HEADERS: [&str; 5] =
    ["accept", "accept-language", "if-none-match", "if-modified-since", "user-agent"];

/// Parameters that never appear in [`Response::path`].
const SECRET_PARAMS: [&str; 6] =
    ["access_token", "token", "sig", "session_key", "session_secret_key", "application_key"];

/// The instant before which the server wants no further request: `Retry-After` in seconds or as a
/// date, at most thirty days ahead. None if it names no time or one that has passed.
#[must_use]
pub fn retry_after(response: &Response, now: Timestamp) -> Option<Timestamp> {
    let value = response.header("retry-after")?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX)),
        Err(_) if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => RETRY_AFTER_MAX,
        Err(_) => jiff::fmt::rfc2822::DateTimeParser::new()
            .relaxed_weekday(true)
            .parse_timestamp(value)
            .ok()?
            .duration_since(now),
    };
    let until = now.checked_add(wait.min(RETRY_AFTER_MAX)).ok()?;
    (until > now).then_some(until)
}

/// Bounds of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most time for everything, redirects and body included.
    pub total: Duration,
    /// Most time to connect.
    pub connect: Duration,
    /// Time before a slow body counts as slow.
    pub grace: Duration,
    /// Fewest bytes a second of body, counted after `grace`.
    pub bytes_per_sec_min: u64,
    /// Most bytes of body, after decompression.
    pub body_bytes_max: usize,
    /// Most redirects.
    pub redirects_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(60),
            connect: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            bytes_per_sec_min: 1024,
            body_bytes_max: 16 * 1024 * 1024,
            redirects_max: 5,
        }
    }
}

/// The `[network]` section and the bounds.
#[derive(Clone)]
pub struct HttpSettings {
    /// Proxy for everything, for example `socks5h://127.0.0.1:1080`.
    pub proxy: Option<String>,
    /// Certificates (PEM or DER) trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// Addresses (`127.0.0.1`), networks (`10.0.0.0/8`) and host names that sources may lead to
    /// although they are private or use another port.
    pub allow: Vec<String>,
    /// What the client calls itself.
    pub user_agent: String,
    /// Bounds of one request.
    pub limits: Limits,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            proxy: None,
            ca_file: None,
            allow: Vec::new(),
            user_agent: concat!("otklik/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: Limits::default(),
        }
    }
}

/// The real transport. Cheap to share behind an `Arc`; keeps connections alive between requests.
pub struct Http {
    /// For a platform's own base address.
    open: reqwest::Client,
    /// For addresses that come from sources: resolves to allowed addresses only.
    guarded: reqwest::Client,
    guard: Arc<Guard>,
    limits: Limits,
}

impl Http {
    /// A client for these settings. Without any certificates in the system, encrypted connections
    /// fail as `tls`; plain ones still work.
    ///
    /// # Errors
    /// When the proxy's address or the certificate file is of no use.
    pub fn new(settings: HttpSettings) -> Result<Self, CollectError> {
        // Somebody else in the process may have installed one before; both are fine.
        rustls::crypto::ring::default_provider().install_default().ok();
        let guard = Arc::new(Guard::new(&settings.allow, settings.proxy.is_some()));
        // Behind a proxy the only name resolved here is the proxy's own, which may be private.
        let judged = settings.proxy.is_none().then(|| guard.clone());
        Ok(Self {
            open: client(&settings, Resolver { guard: None })?,
            guarded: client(&settings, Resolver { guard: judged })?,
            guard,
            limits: settings.limits,
        })
    }

    /// Follows redirects by hand, so that every hop is judged.
    async fn follow(&self, request: Request) -> Result<Response, CollectError> {
        let mut url = Url::parse(&request.url).map_err(|_| fault::bad_url())?;
        let home = url.origin();
        let mut hop =
            Hop { method: request.method, headers: &request.headers, body: body(&request) };
        let harmless: Vec<(String, String)> = request
            .headers
            .iter()
            .filter(|(name, _)| HARMLESS_HEADERS.contains(&name.as_str()))
            .cloned()
            .collect();
        for _ in 0..=self.limits.redirects_max {
            let guarded = request.guarded || url.origin() != home;
            if guarded {
                self.guard.check(&url).await?;
            }
            let client = if guarded { &self.guarded } else { &self.open };
            let response = hop.send(client, &url).await?;
            let status = response.status().as_u16();
            let location = response.headers().get("location").and_then(|v| v.to_str().ok());
            let (301 | 302 | 303 | 307 | 308, Some(location)) = (status, location) else {
                return self.read(response, &url).await;
            };
            url = url.join(location).map_err(|_| fault::redirects())?;
            if hop.method == Method::Post && matches!(status, 301..=303) {
                (hop.method, hop.body) = (Method::Get, None);
            }
            if url.origin() != home {
                if hop.method != Method::Get {
                    // The body may hold a token; it goes to its own host only.
                    return Err(fault::redirects());
                }
                hop.headers = &harmless;
            }
        }
        Err(fault::redirects())
    }

    /// Reads the whole body within the bounds of size and speed.
    async fn read(
        &self,
        mut response: reqwest::Response,
        url: &Url,
    ) -> Result<Response, CollectError> {
        let limits = &self.limits;
        if response.content_length().is_some_and(|len| len > limits.body_bytes_max as u64) {
            return Err(fault::too_big());
        }
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let (start, mut body) = (Instant::now(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|e| fault::from_client(&e))? {
            if body.len() + chunk.len() > limits.body_bytes_max {
                return Err(fault::too_big());
            }
            body.extend_from_slice(&chunk);
            let slow = start.elapsed().saturating_sub(limits.grace).as_secs_f64();
            if (body.len() as f64) < slow * limits.bytes_per_sec_min as f64 {
                return Err(fault::timeout());
            }
        }
        Ok(Response { status, headers, body, path: path(url) })
    }
}

#[async_trait]
impl Transport for Http {
    async fn send(&self, request: Request) -> Result<Response, CollectError> {
        let whole = tokio::time::timeout(self.limits.total, self.follow(request));
        whole.await.unwrap_or_else(|_| Err(fault::timeout()))
    }
}

/// What is sent at one hop.
struct Hop<'r> {
    method: Method,
    headers: &'r [(String, String)],
    /// Its type and itself.
    body: Option<(&'static str, String)>,
}

impl Hop<'_> {
    async fn send(
        &self,
        client: &reqwest::Client,
        url: &Url,
    ) -> Result<reqwest::Response, CollectError> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            let pair = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()));
            let (Ok(name), Ok(mut value)) = pair else {
                return Err(fault::setting("header", "Заголовок запроса записан неверно"));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let mut request = match self.method {
            Method::Get => client.get(url.clone()),
            Method::Post => client.post(url.clone()),
            Method::Delete => client.delete(url.clone()),
        };
        if let Some((kind, body)) = &self.body {
            request = request.header(CONTENT_TYPE, *kind).body(body.clone());
        }
        request.headers(headers).send().await.map_err(|e| fault::from_client(&e))
    }
}

/// The body of a POST and its type.
fn body(request: &Request) -> Option<(&'static str, String)> {
    if request.method != Method::Post {
        return None;
    }
    if let Some(json) = &request.json {
        return Some(("application/json", json.clone()));
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    Some(("application/x-www-form-urlencoded", form.extend_pairs(&request.form).finish()))
}

/// Path and query of an address, without parameters that are secrets.
fn path(url: &Url) -> String {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| !SECRET_PARAMS.contains(&name.as_ref()))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    match url.query() {
        None => url.path().to_owned(),
        Some(query) if kept.len() == url.query_pairs().count() => {
            format!("{}?{query}", url.path())
        }
        Some(_) => {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish();
            format!("{}?{query}", url.path())
        }
    }
}

fn client(settings: &HttpSettings, resolver: Resolver) -> Result<reqwest::Client, CollectError> {
    let unread = || {
        let text = "Файл [network] ca_file не читается или в нём нет сертификатов";
        fault::setting("ca_file", text)
    };
    let roots = match &settings.ca_file {
        None => Vec::new(),
        Some(file) => certificates(file).ok_or_else(unread)?,
    };
    let resolver = Arc::new(resolver);
    let builder = || -> Result<reqwest::ClientBuilder, CollectError> {
        let builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(settings.limits.connect)
            .dns_resolver(resolver.clone());
        match &settings.proxy {
            None => Ok(builder.no_proxy()),
            Some(proxy) => {
                let proxy = reqwest::Proxy::all(proxy).map_err(|_| {
                    fault::setting("proxy", "Адрес [network] proxy записан неверно")
                })?;
                Ok(builder.proxy(proxy))
            }
        }
    };
    if let Ok(client) = builder()?.tls_certs_merge(roots.clone()).build() {
        return Ok(client);
    }
    // A system without any certificates must not keep plain connections from working.
    let own = !roots.is_empty();
    let client = builder()?.tls_certs_only(roots).build();
    client.map_err(|error| if own { unread() } else { fault::from_client(&error) })
}

fn certificates(file: &std::path::Path) -> Option<Vec<reqwest::Certificate>> {
    let bytes = std::fs::read(file).ok()?;
    let pem = reqwest::Certificate::from_pem_bundle(&bytes).ok().filter(|all| !all.is_empty());
    pem.or_else(|| reqwest::Certificate::from_der(&bytes).ok().map(|one| vec![one]))
}
