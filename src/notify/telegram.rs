//! Telegram by the Bot API.
//!
//! Place in the flow: one of the notifiers. Invariant: the token stands in every address, so no
//! error of the HTTP client is ever printed and redirects are not followed; a message is sent whole
//! or split, never cut.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::redirect::Policy;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Attachment, Message, Notifier};
use crate::alert::render::words::escape;
use crate::model::SendOutcome;

/// Longest message, in UTF-16 units after entity parsing.
pub const UNITS_MAX: usize = 4_096;
/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 1 << 20;
const WAIT: Duration = Duration::from_secs(30);

/// How the bot is reached.
#[derive(Clone, Copy)]
pub struct TelegramSettings<'a> {
    /// Base address, for example `https://api.telegram.org`.
    pub api_url: &'a str,
    /// Token of the bot.
    pub token: &'a str,
    /// Proxy, for example `socks5h://127.0.0.1:1080`.
    pub proxy: Option<&'a str>,
    /// Further root certificate, PEM.
    pub ca_pem: Option<&'a [u8]>,
}

/// The Telegram notifier.
pub struct Telegram {
    client: reqwest::Client,
    /// Base address with the token: secret.
    base: String,
}

/// How a call failed.
enum Trouble {
    /// The HTML was not understood.
    Entities,
    /// Everything else, as the worker should see it.
    Outcome(SendOutcome),
}

impl From<SendOutcome> for Trouble {
    fn from(outcome: SendOutcome) -> Self {
        Trouble::Outcome(outcome)
    }
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    result: Value,
    error_code: Option<u16>,
    #[serde(default)]
    description: String,
    parameters: Option<Parameters>,
}

#[derive(Deserialize)]
struct Parameters {
    retry_after: Option<i64>,
    migrate_to_chat_id: Option<i64>,
}

impl Telegram {
    /// Checks the settings; calls nothing. Errors are Russian sentences without the settings'
    /// values.
    pub fn new(settings: &TelegramSettings<'_>) -> Result<Self, String> {
        Self::with_wait(settings, WAIT)
    }

    /// The same, waiting at most `wait` for each answer.
    pub fn with_wait(settings: &TelegramSettings<'_>, wait: Duration) -> Result<Self, String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_');
        if settings.token.is_empty() || !settings.token.chars().all(plain) {
            return Err("[telegram_bot] token: неверный вид, нужен 123456:AA…".to_owned());
        }
        let api_url = settings.api_url.trim_end_matches('/');
        let base = format!("{api_url}/bot{}", settings.token);
        if reqwest::Url::parse(&base).is_err() || !api_url.starts_with("http") {
            return Err("[telegram_bot] api_url: нужно вида https://api.telegram.org".to_owned());
        }
        // The first one in the process wins; both crates of ours install the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = reqwest::Client::builder()
            .timeout(wait)
            .connect_timeout(wait / 3)
            .redirect(Policy::none())
            .pool_max_idle_per_host(0)
            .no_proxy();
        if let Some(proxy) = settings.proxy {
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| "[network] proxy: неверный адрес".to_owned())?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string("127.0.0.1")));
        }
        if let Some(pem) = settings.ca_pem {
            let roots = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|_| "[network] ca_file: это не сертификаты PEM".to_owned())?;
            builder = builder.tls_certs_merge(roots);
        }
        let client = builder.build().map_err(|_| "Telegram: шифрование недоступно".to_owned())?;
        Ok(Self { client, base })
    }

    /// One call with a JSON body.
    async fn call(&self, method: &str, body: &Value) -> Result<Value, Trouble> {
        let bytes = serde_json::to_vec(body).unwrap_or_default();
        self.post(method, "application/json", bytes).await
    }

    async fn post(&self, method: &str, mime: &str, body: Vec<u8>) -> Result<Value, Trouble> {
        let request = self
            .client
            .post(format!("{}/{method}", self.base))
            .header("content-type", mime)
            .body(body);
        let mut response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status().as_u16();
        let retry_after =
            response.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| lost(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                break;
            }
        }
        match serde_json::from_slice::<Answer>(&bytes) {
            Ok(answer) if answer.ok => Ok(answer.result),
            Ok(answer) => Err(refusal(&answer, status, retry_after)),
            Err(_) => {
                let text = format!("Telegram ответил непонятно (HTTP {status})");
                Err(SendOutcome::Retry { after_secs: retry_after, text }.into())
            }
        }
    }

    /// Sends one message; if its HTML is not understood, its plain text.
    async fn message(
        &self,
        chat: &str,
        html: &str,
        answers: Option<i64>,
    ) -> Result<Value, Trouble> {
        let mut body = json!({
            "chat_id": chat_of(chat),
            "text": html,
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
        });
        if let Some(id) = answers {
            body["reply_parameters"] =
                json!({ "message_id": id, "allow_sending_without_reply": true });
        }
        match self.call("sendMessage", &body).await {
            Err(Trouble::Entities) => {
                body["text"] = Value::String(plain_of(html));
                if let Some(body) = body.as_object_mut() {
                    body.remove("parse_mode");
                }
                self.call("sendMessage", &body).await
            }
            other => other,
        }
    }

    /// Sends one file.
    async fn file(&self, chat: &str, id: &str, file: &Attachment) -> Result<Value, Trouble> {
        let boundary = format!("otklik-{id}-7d1c0e52");
        let name: String =
            file.name.chars().filter(|c| !c.is_control() && !"\"\\".contains(*c)).collect();
        let mut body = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"chat_id\"\r\n\r\n{chat}\r\n\
             --{boundary}\r\ncontent-disposition: form-data; name=\"document\"; \
             filename=\"{name}\"\r\ncontent-type: application/octet-stream\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&file.bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let mime = format!("multipart/form-data; boundary={boundary}");
        self.post("sendDocument", &mime, body).await
    }

    async fn send_all(&self, message: &Message, chat: &str) -> Result<Option<String>, Trouble> {
        let answers = message.thread.as_ref().and_then(|it| it.receipt.as_ref()?.parse().ok());
        let pieces = pieces(message);
        let mut receipt = None;
        for piece in &pieces {
            let sent = self.message(chat, piece, answers).await?;
            let id = sent.get("message_id").and_then(Value::as_i64);
            receipt = receipt.or(id.map(|id| id.to_string()));
        }
        for file in &message.attachments {
            self.file(chat, message.id.as_str(), file).await?;
        }
        Ok(receipt)
    }
}

#[async_trait]
impl Notifier for Telegram {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        match self.send_all(message, address).await {
            Ok(receipt) => SendOutcome::Sent { receipt },
            Err(Trouble::Outcome(outcome)) => outcome,
            Err(Trouble::Entities) => {
                let text = "Telegram не понял сообщение даже как простой текст".to_owned();
                SendOutcome::Refused { text }
            }
        }
    }

    async fn prove(&self) -> Result<String, String> {
        match self.call("getMe", &json!({})).await {
            Ok(me) => {
                let name = me.get("username").and_then(Value::as_str).unwrap_or("без имени");
                Ok(format!("Telegram: бот @{} отвечает", one_word(name)))
            }
            Err(Trouble::Outcome(
                SendOutcome::Retry { text, .. }
                | SendOutcome::Unreachable { text }
                | SendOutcome::Lost { text }
                | SendOutcome::Refused { text },
            )) => Err(text),
            Err(_) => Err("Telegram ответил непонятно".to_owned()),
        }
    }
}

/// A failed exchange. The error itself holds the address, and with it the token: it ends here.
fn lost(error: &reqwest::Error) -> Trouble {
    let outcome = if error.is_connect() {
        SendOutcome::Unreachable { text: "Нет соединения с Telegram".to_owned() }
    } else if error.is_timeout() {
        SendOutcome::Lost { text: "Telegram не отвечает вовремя".to_owned() }
    } else {
        SendOutcome::Lost { text: "Связь с Telegram прервалась".to_owned() }
    };
    Trouble::Outcome(outcome)
}

/// What a "no" of the Bot API means. Its words are only recognised here, never repeated.
fn refusal(answer: &Answer, status: u16, retry_after: Option<i64>) -> Trouble {
    let code = answer.error_code.unwrap_or(status);
    let parameters = answer.parameters.as_ref();
    if let Some(chat) = parameters.and_then(|it| it.migrate_to_chat_id) {
        return SendOutcome::Moved { address: chat.to_string() }.into();
    }
    let words = answer.description.to_ascii_lowercase();
    let says = |text: &str| words.contains(text);
    if code == 400 && says("can't parse entities") {
        return Trouble::Entities;
    }
    let outcome = match code {
        429 => SendOutcome::Retry {
            after_secs: parameters.and_then(|it| it.retry_after).or(retry_after).or(Some(30)),
            text: "Telegram просит подождать (429)".to_owned(),
        },
        401 | 404 => refused(
            "Telegram не принял токен бота: возьмите новый у @BotFather и обновите \
             [telegram_bot] token",
        ),
        403 if says("blocked") => refused("Получатель заблокировал бота (403)"),
        403 if says("kicked") => refused("Бота удалили из чата (403)"),
        403 => refused("Боту нельзя писать в этот чат (403)"),
        400 if says("chat not found") => {
            refused("Telegram не знает этого чата (400): получатель должен первым написать боту")
        }
        400 if says("rights") => refused("У бота нет права писать в этот канал (400)"),
        400 if says("deactivated") => refused("Группа Telegram закрыта (400)"),
        400 if says("too long") => refused("Telegram: сообщение слишком длинное (400)"),
        409 | 500.. => SendOutcome::Retry {
            after_secs: retry_after,
            text: format!("Telegram временно не принимает сообщения ({code})"),
        },
        _ => refused(&format!("Telegram отказал ({code})")),
    };
    Trouble::Outcome(outcome)
}

fn refused(text: &str) -> SendOutcome {
    SendOutcome::Refused { text: text.to_owned() }
}

/// Chat numbers are numbers in JSON, names are strings.
fn chat_of(chat: &str) -> Value {
    chat.parse::<i64>().map_or_else(|_| Value::String(chat.to_owned()), Value::from)
}

/// A foreign name inside our sentence.
fn one_word(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect()
}

/// The messages to send: as rendered, or the plain text split where there is no rendering that
/// fits.
fn pieces(message: &Message) -> Vec<String> {
    let plain = |text: &str| split(text).iter().map(|it| escape(it)).collect::<Vec<_>>();
    if message.telegram.is_empty() {
        return plain(&message.text);
    }
    let fits = |html: &str| plain_of(html).encode_utf16().count() <= UNITS_MAX;
    let all = message.telegram.iter();
    all.flat_map(|html| if fits(html) { vec![html.clone()] } else { plain(&plain_of(html)) })
        .collect()
}

/// Plain text in pieces of at most [`UNITS_MAX`] units, cut behind a line end or a space where
/// there is one in the second half; nothing but that character is dropped.
fn split(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end();
    while rest.encode_utf16().count() > UNITS_MAX {
        let mut units = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            units += c.len_utf16();
            units > UNITS_MAX
        });
        let end = fits.map_or(rest.len(), |(at, _)| at);
        let head = &rest[..end];
        let edge = head.rfind('\n').filter(|at| *at > end / 2);
        let edge = edge.or_else(|| head.rfind(' ').filter(|at| *at > end / 2));
        let (piece, tail) = match edge {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (head, &rest[end..]),
        };
        pieces.push(piece.to_owned());
        rest = tail;
    }
    pieces.push(rest.to_owned());
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

/// The plain text of our own HTML.
fn plain_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if inside => {}
            _ => text.push(c),
        }
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}
