//! One HTTP exchange of a channel: bounded in time and size, without redirects.
//!
//! Place in the flow: under the notifiers that speak HTTP. Invariant: an address may hold a token,
//! so no error of the HTTP client leaves this file; what fails is told in one Russian sentence that
//! names the service alone.

use std::time::Duration;

use reqwest::redirect::Policy;

use crate::model::SendOutcome;

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Longest wait for an answer.
pub(super) const WAIT: Duration = Duration::from_secs(30);

/// How a bot's server is reached.
#[derive(Clone, Copy)]
pub struct BotSettings<'a> {
    /// Base address, for example `https://api.telegram.org`.
    pub api_url: &'a str,
    /// Token of the bot or community.
    pub token: &'a str,
    /// The way there.
    pub way: Way<'a>,
}

/// The way out of the house.
#[derive(Clone, Copy, Default)]
pub struct Way<'a> {
    /// Proxy, for example `socks5h://127.0.0.1:1080`.
    pub proxy: Option<&'a str>,
    /// Further root certificates, PEM.
    pub ca_pem: Option<&'a [u8]>,
}

/// A client for one service.
pub(super) struct Wire {
    client: reqwest::Client,
    /// The service as sentences call it: «Telegram».
    name: &'static str,
}

/// What came back, whatever its status.
pub(super) struct Reply {
    pub status: u16,
    /// Seconds of `Retry-After`, if the answer has them.
    pub retry_after: Option<i64>,
    pub bytes: Vec<u8>,
}

impl Wire {
    /// A client that waits at most `wait` for each answer. Errors are Russian sentences.
    pub fn new(name: &'static str, way: Way<'_>, wait: Duration) -> Result<Self, String> {
        // The first one in the process wins; both crates of ours install the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .timeout(wait)
            .connect_timeout(wait / 3)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .no_proxy();
        if let Some(proxy) = way.proxy {
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| "[network] proxy: неверный адрес".to_owned())?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string("127.0.0.1")));
        }
        if let Some(pem) = way.ca_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| "[network] ca_file: это не сертификаты PEM".to_owned())?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|_| format!("{name}: шифрование недоступно"))?;
        Ok(Self { client, name })
    }

    /// Sends `body` to `url` and reads the whole answer.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply, SendOutcome> {
        self.exchange(self.client.post(url).body(body), headers).await
    }

    /// Puts `body` at `url` and reads the whole answer.
    pub async fn put(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Reply, SendOutcome> {
        self.exchange(self.client.put(url).body(body), headers).await
    }

    /// Asks `url` and reads the whole answer.
    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Reply, SendOutcome> {
        self.exchange(self.client.get(url), headers).await
    }

    async fn exchange(
        &self,
        mut request: reqwest::RequestBuilder,
        headers: &[(&str, &str)],
    ) -> Result<Reply, SendOutcome> {
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = request.send().await.map_err(|error| self.lost(&error))?;
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.lost(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        Ok(Reply { status, retry_after, bytes })
    }

    /// A failed exchange. The error itself holds the address: it ends here.
    fn lost(&self, error: &reqwest::Error) -> SendOutcome {
        let name = self.name;
        if error.is_connect() {
            SendOutcome::Unreachable { text: format!("Нет соединения: {name}") }
        } else if error.is_timeout() {
            SendOutcome::Lost { text: format!("{name} не отвечает вовремя") }
        } else if error.is_builder() {
            SendOutcome::Refused { text: format!("{name}: адрес не читается") }
        } else {
            SendOutcome::Lost { text: format!("Связь прервалась: {name}") }
        }
    }

    /// An answer that is not in the service's language: a page of a gateway, a cut one.
    pub fn odd(&self, reply: &Reply) -> SendOutcome {
        let text = format!("{} ответил непонятно (HTTP {})", self.name, reply.status);
        SendOutcome::Retry { after_secs: reply.retry_after, text }
    }
}

/// How long a server may hold a question for updates, so that its answer comes within `wait`.
pub(super) fn hold_secs(wait: Duration) -> u64 {
    wait.as_secs().saturating_sub(5)
}

/// A "no" for good.
pub(super) fn refused(text: impl Into<String>) -> SendOutcome {
    SendOutcome::Refused { text: text.into() }
}

/// A "no" to our own settings, whoever the receiver is.
pub(super) fn unset(text: impl Into<String>) -> SendOutcome {
    SendOutcome::Unset { text: text.into() }
}

/// Whether a token can stand in an address or a header as it is.
pub(super) fn is_plain_token(token: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.');
    !token.is_empty() && token.chars().all(plain)
}

/// The base address without its last slash; `key` names it in the error.
pub(super) fn base<'a>(key: &str, api_url: &'a str, example: &str) -> Result<&'a str, String> {
    let base = api_url.trim_end_matches('/');
    if reqwest::Url::parse(base).is_err() || !base.starts_with("http") {
        return Err(format!("{key}: нужно вида {example}"));
    }
    Ok(base)
}

/// The sentence of an outcome that is no delivery, for `check --online`.
pub(super) fn sentence(outcome: SendOutcome) -> String {
    match outcome {
        SendOutcome::Retry { text, .. }
        | SendOutcome::Unreachable { text }
        | SendOutcome::Lost { text }
        | SendOutcome::Unset { text }
        | SendOutcome::Refused { text } => text,
        SendOutcome::Sent { .. } | SendOutcome::Moved { .. } => "ответ непонятен".to_owned(),
    }
}
