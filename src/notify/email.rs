//! E-mail by SMTP.
//!
//! Place in the flow: one of the notifiers. Invariant: one message, one recipient, one connection
//! that is closed after it (an idle one would die unseen); a password never travels unencrypted
//! except to this machine; the same delivery always makes the same Message-ID and the same bytes.

use std::future::Future;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment as FilePart, Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message as Mail};
use reqwest::Url;

use super::{Message, Notifier};
use crate::model::{DeliveryId, SendOutcome};

/// Longest wait for a connection, a handshake or a login.
const WAIT: Duration = Duration::from_secs(30);

/// How mail leaves.
#[derive(Clone, Copy)]
pub struct EmailSettings<'a> {
    /// `smtp://[user@]host[:port][?tls=required|off]` or `smtps://…`. Without `tls`: STARTTLS if
    /// the server offers it, always before a login to another machine.
    pub url: &'a str,
    /// Sender: `otklik@example.org` or `Отклик <otklik@example.org>`.
    pub from: &'a str,
    /// Password, if the server wants a login.
    pub password: Option<&'a str>,
    /// Further root certificate, PEM.
    pub ca_pem: Option<&'a [u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tls {
    Implicit,
    Required,
    IfOffered,
    Off,
}

/// What a connection was busy with when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connect,
    Tls,
    Login,
    Send,
}

/// The e-mail notifier.
pub struct Email {
    host: String,
    port: u16,
    tls: Tls,
    login: Option<Credentials>,
    from: Mailbox,
    ca_pem: Option<Vec<u8>>,
    wait: Duration,
}

impl Email {
    /// Checks the settings; opens nothing. Errors are Russian sentences without the settings'
    /// values.
    pub fn new(settings: &EmailSettings<'_>) -> Result<Self, String> {
        let url = Url::parse(settings.url)
            .map_err(|_| "[smtp] url: нужно вида smtp://mail.example.org:25".to_owned())?;
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err("[smtp] url: не указан сервер".to_owned());
        }
        let user = unescape(url.username());
        let password = settings.password.map(str::to_owned).or(url.password().map(unescape));
        let near = host == "localhost"
            || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
        let tls = tls_of(&url, !user.is_empty(), near)?;
        let login = match (user.is_empty(), password) {
            (true, _) => None,
            (false, Some(password)) => Some(Credentials::new(user, password)),
            (false, None) => return Err("[smtp] url называет логин, но пароля нет".to_owned()),
        };
        let from: Mailbox = settings
            .from
            .parse()
            .map_err(|_| "[smtp] from: нужно вида otklik@example.org".to_owned())?;
        let default_port = if tls == Tls::Implicit { 465 } else { 25 };
        Ok(Self {
            host,
            port: url.port().unwrap_or(default_port),
            tls,
            login,
            from,
            ca_pem: settings.ca_pem.map(<[u8]>::to_vec),
            wait: WAIT,
        })
    }

    /// Waits at most this long for each step (a whole message: four times as long).
    #[must_use]
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Message-ID of a delivery.
    fn message_id(&self, id: &DeliveryId) -> String {
        format!("<{id}@otklik.{}>", self.from.email.domain())
    }

    /// The mail of a message, the same bytes each time.
    fn mail(&self, message: &Message, to: Address) -> Result<(Envelope, Vec<u8>), String> {
        let failed = |_| "Письмо не собралось: проверьте адреса".to_owned();
        let envelope = Envelope::new(Some(self.from.email.clone()), vec![to.clone()]);
        let envelope = envelope.map_err(|_| "Письмо не собралось: нет получателя".to_owned())?;
        let auto = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut builder = Mail::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .date(SystemTime::from(message.at))
            .message_id(Some(self.message_id(&message.id)))
            .subject(one_line(&message.subject))
            .raw_header(HeaderValue::new(auto, "auto-generated".to_owned()));
        if let Some(thread) = &message.thread {
            let first = self.message_id(&thread.first);
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        let text = MultiPart::alternative()
            .boundary(format!("otklik-{}-text", message.id))
            .singlepart(SinglePart::plain(message.text.clone()))
            .singlepart(SinglePart::html(message.html.clone()));
        let mail = if message.attachments.is_empty() {
            builder.multipart(text).map_err(failed)?
        } else {
            let boundary = format!("otklik-{}-files", message.id);
            let mut parts = MultiPart::mixed().boundary(boundary).multipart(text);
            for file in &message.attachments {
                let mime = ContentType::parse(&file.mime)
                    .map_err(|_| "Письмо не собралось: неверный тип файла".to_owned())?;
                let part = FilePart::new(one_line(&file.name)).body(file.bytes.clone(), mime);
                parts = parts.singlepart(part);
            }
            builder.multipart(parts).map_err(failed)?
        };
        Ok((envelope, mail.formatted()))
    }

    /// Connects, encrypts and logs in.
    async fn open(&self) -> Result<AsyncSmtpConnection, SendOutcome> {
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let server = (self.host.as_str(), self.port);
        let implicit = (self.tls == Tls::Implicit).then(|| self.tls_parameters()).transpose()?;
        let connect =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.wait), &hello, implicit, None);
        let mut connection = within(Stage::Connect, self.wait, connect).await?;
        let upgrade = match self.tls {
            Tls::Required => true,
            Tls::IfOffered => connection.can_starttls(),
            Tls::Implicit | Tls::Off => false,
        };
        if upgrade {
            let parameters = self.tls_parameters()?;
            within(Stage::Tls, self.wait, connection.starttls(parameters, &hello)).await?;
        }
        if let Some(login) = &self.login {
            let ways = [Mechanism::Plain, Mechanism::Login];
            within(Stage::Login, self.wait, connection.auth(&ways, login)).await?;
        }
        Ok(connection)
    }

    fn tls_parameters(&self) -> Result<TlsParameters, SendOutcome> {
        let failed = |_| SendOutcome::Unreachable {
            text: "Почта: не удалось подготовить шифрование, проверьте ca_file".to_owned(),
        };
        let mut builder = TlsParameters::builder(self.host.clone());
        if let Some(pem) = &self.ca_pem {
            builder = builder.add_root_certificate(Certificate::from_pem(pem).map_err(failed)?);
        }
        builder.build().map_err(failed)
    }
}

#[async_trait]
impl Notifier for Email {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        let Ok(to) = address.parse::<Address>() else {
            return SendOutcome::Refused {
                text: "Неверный адрес почты получателя".to_owned()
            };
        };
        let (envelope, bytes) = match self.mail(message, to) {
            Ok(mail) => mail,
            Err(text) => return SendOutcome::Refused { text },
        };
        let mut connection = match self.open().await {
            Ok(connection) => connection,
            Err(outcome) => return outcome,
        };
        let sending = within(Stage::Send, self.wait * 4, connection.send(&envelope, &bytes)).await;
        match sending {
            Err(outcome) => outcome,
            Ok(response) => {
                let receipt = response.first_line().map(one_line);
                // The mail is accepted and that must be noted at once: a crash until then costs a
                // second copy. How the goodbye ends does not matter.
                let patience = self.wait.min(WAIT / 6);
                tokio::spawn(async move {
                    drop(tokio::time::timeout(patience, connection.quit()).await);
                });
                SendOutcome::Sent { receipt }
            }
        }
    }

    async fn prove(&self) -> Result<String, String> {
        let mut connection = self.open().await.map_err(|outcome| match outcome {
            SendOutcome::Retry { text, .. }
            | SendOutcome::Unreachable { text }
            | SendOutcome::Lost { text }
            | SendOutcome::Unset { text }
            | SendOutcome::Refused { text } => text,
            SendOutcome::Sent { .. } | SendOutcome::Moved { .. } => String::new(),
        })?;
        drop(tokio::time::timeout(self.wait.min(WAIT / 6), connection.quit()).await);
        let login = if self.login.is_some() {
            "логин принят"
        } else {
            "логин не нужен"
        };
        Ok(format!("Почта: сервер отвечает, {login}"))
    }
}

/// Encryption that the address asks for.
fn tls_of(url: &Url, login: bool, near: bool) -> Result<Tls, String> {
    let wish = url.query_pairs().find(|(key, _)| key == "tls").map(|(_, value)| value.into_owned());
    match (url.scheme(), wish.as_deref()) {
        ("smtps", None | Some("required")) => Ok(Tls::Implicit),
        ("smtp", Some("required")) => Ok(Tls::Required),
        ("smtp", Some("off" | "none")) if login && !near => {
            Err("[smtp] url: пароль нельзя посылать без шифрования, уберите tls=off".to_owned())
        }
        ("smtp", Some("off" | "none")) => Ok(Tls::Off),
        ("smtp", None) if login && !near => Ok(Tls::Required),
        ("smtp", None) => Ok(Tls::IfOffered),
        ("smtp" | "smtps", Some(_)) => Err("[smtp] url: tls=required или tls=off".to_owned()),
        _ => Err("[smtp] url: нужно smtp:// или smtps://".to_owned()),
    }
}

/// Runs one stage within a time and names what its failure means.
async fn within<T>(
    stage: Stage,
    wait: Duration,
    work: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
) -> Result<T, SendOutcome> {
    match tokio::time::timeout(wait, work).await {
        Ok(result) => result.map_err(|error| outcome(stage, &error)),
        Err(_) => {
            let text = "Почтовый сервер не отвечает вовремя".to_owned();
            Err(match stage {
                Stage::Send => SendOutcome::Lost { text },
                Stage::Connect | Stage::Tls | Stage::Login => SendOutcome::Unreachable { text },
            })
        }
    }
}

/// What to do after an SMTP error. Only codes speak: a server's words may repeat what it was given.
fn outcome(stage: Stage, error: &lettre::transport::smtp::Error) -> SendOutcome {
    if let Some(code) = error.status() {
        let code = u16::from(code);
        let meaning = meaning(stage, code);
        let text = format!("Почтовый сервер ответил {code}: {meaning}");
        // Before the mail, and where a login is missed, the server refuses us, not the receiver.
        let ours = stage != Stage::Send || matches!(code, 530 | 534 | 535 | 538);
        return match error.is_transient() {
            true => SendOutcome::Retry { after_secs: None, text },
            false if ours => SendOutcome::Unset { text },
            false => SendOutcome::Refused { text },
        };
    }
    if error.is_tls() || stage == Stage::Tls && !error.is_client() {
        let text = "Почта: защищённое соединение не удалось, проверьте сертификат сервера";
        return SendOutcome::Unreachable { text: text.to_owned() };
    }
    if error.is_client() {
        let text = match stage {
            Stage::Tls => "Почтовый сервер не умеет шифрование STARTTLS",
            Stage::Login => "Почтовый сервер не знает ни одного нашего способа входа",
            Stage::Connect | Stage::Send => "Почтовый сервер не принимает такие письма",
        };
        let text = text.to_owned();
        return match stage {
            Stage::Tls | Stage::Login => SendOutcome::Unset { text },
            Stage::Connect | Stage::Send => SendOutcome::Refused { text },
        };
    }
    if stage == Stage::Connect {
        let text = "Нет соединения с почтовым сервером".to_owned();
        return SendOutcome::Unreachable { text };
    }
    let text = "Связь с почтовым сервером прервалась".to_owned();
    match stage {
        Stage::Send => SendOutcome::Lost { text },
        Stage::Connect | Stage::Tls | Stage::Login => SendOutcome::Retry { after_secs: None, text },
    }
}

fn meaning(stage: Stage, code: u16) -> &'static str {
    match (stage, code) {
        (Stage::Login, 500..) => "логин или пароль не принят",
        (_, 421) => "сервер занят или закрывается",
        (_, 450 | 451) => "просит повторить позже",
        (_, 452) => "у сервера нет места",
        (_, 550 | 551 | 553) => "адрес получателя не принят",
        (_, 552) => "ящик полон или письмо велико",
        (_, 554) => "письмо отвергнуто",
        (_, 530 | 534 | 535 | 538) => "нужен вход с логином и паролем",
        (_, 400..500) => "временный отказ",
        _ => "отказ",
    }
}

/// Text as one line of a header: whatever could begin another header is a space.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(200).collect()
}

/// `%40` and the like in a user name.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = (first == b'%').then(|| tail.get(..2)).flatten();
        let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
