//! A local mail server.
//!
//! Place in the flow: see the folder. Invariant: a mail counts as accepted the moment its last line
//! is read without a refusal, even if the connection dies before the answer.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{Running, Shared, lock};

/// Longest line and longest mail, so that nothing is read without a bound.
const LINE_BYTES_MAX: u64 = 64 * 1024;
const MAIL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Where in a conversation a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SmtpStage {
    /// Instead of the greeting.
    Greeting,
    /// At EHLO.
    Ehlo,
    /// At AUTH.
    Auth,
    /// At MAIL FROM.
    Mail,
    /// At RCPT TO.
    Rcpt,
    /// At DATA.
    Data,
    /// Half-way through the content: the mail is not accepted.
    Content,
    /// After the content: a code refuses the mail, a disconnect or hang loses the answer of an
    /// accepted one.
    Accepted,
}

/// What goes wrong in one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpFault {
    /// Answers with this code.
    Code(SmtpStage, u16),
    /// Closes the connection.
    Disconnect(SmtpStage),
    /// Says nothing any more.
    Hang(SmtpStage),
}

/// A mail that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Envelope sender.
    pub from: String,
    /// Envelope recipients.
    pub to: Vec<String>,
    /// Header and body as they came.
    pub raw: String,
}

impl Mail {
    /// First header of this name, unfolded; encoded words stay encoded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.raw.split("\r\n\r\n").next()?.replace("\r\n ", " ").replace("\r\n\t", " ");
        head.split("\r\n").find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

#[derive(Default)]
struct State {
    faults: VecDeque<SmtpFault>,
    refused: BTreeMap<String, u16>,
    greylist: u32,
    seen: BTreeMap<String, u32>,
    login: Option<(String, String)>,
    mails: Vec<Mail>,
    conversations: usize,
}

/// A running mail server on a loopback port; stops when dropped.
pub struct LocalSmtp {
    addr: SocketAddr,
    state: Shared<State>,
    _running: Running,
}

impl LocalSmtp {
    /// Starts one that accepts everything.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let state: Shared<State> = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            // Held here, so that the conversations end with the server.
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                conversations.spawn(async move {
                    // A client that goes away is its own affair.
                    drop(Conversation::new(stream, shared).run().await);
                });
                while conversations.try_join_next().is_some() {}
            }
        });
        Ok(Self { addr, state, _running: Running(task) })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Address for `[smtp] url`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("smtp://{}", self.addr)
    }

    /// Lets the next conversation without a fault of its own go wrong like this.
    pub fn fail(&self, fault: SmtpFault) {
        lock(&self.state).faults.push_back(fault);
    }

    /// Forgets the faults that no conversation has met yet.
    pub fn heal(&self) {
        lock(&self.state).faults.clear();
    }

    /// Refuses this recipient with a code, always.
    pub fn refuse(&self, recipient: &str, code: u16) {
        lock(&self.state).refused.insert(recipient.to_owned(), code);
    }

    /// Greylists: the first `times` tries of each recipient get 451.
    pub fn greylist(&self, times: u32) {
        lock(&self.state).greylist = times;
    }

    /// Asks for this login (AUTH PLAIN) before MAIL.
    pub fn want_login(&self, user: &str, password: &str) {
        lock(&self.state).login = Some((user.to_owned(), password.to_owned()));
    }

    /// Everything accepted so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.state).mails.clone()
    }

    /// How many conversations began.
    #[must_use]
    pub fn conversations(&self) -> usize {
        lock(&self.state).conversations
    }
}

/// Whether the conversation goes on.
type Next = io::Result<bool>;

struct Conversation {
    stream: BufReader<TcpStream>,
    state: Shared<State>,
    fault: Option<SmtpFault>,
    known: bool,
    from: String,
    to: Vec<String>,
}

impl Conversation {
    fn new(stream: TcpStream, state: Shared<State>) -> Self {
        let fault = {
            let mut state = lock(&state);
            state.conversations += 1;
            state.faults.pop_front()
        };
        let stream = BufReader::new(stream);
        Self { stream, state, fault, known: false, from: String::new(), to: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        if !self.stage(SmtpStage::Greeting, "220 local.test ESMTP").await? {
            return Ok(());
        }
        while let Some(line) = self.line().await? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let goes_on = match verb.as_str() {
                "EHLO" | "HELO" => self.ehlo().await?,
                "AUTH" => self.auth(&line).await?,
                "MAIL" => self.mail(&line).await?,
                "RCPT" => self.rcpt(&line).await?,
                "DATA" => self.data().await?,
                "RSET" | "NOOP" => self.say("250 2.0.0 Ok").await?,
                "QUIT" => {
                    self.say("221 2.0.0 Bye").await?;
                    false
                }
                _ => self.say("500 5.5.1 Unknown command").await?,
            };
            if !goes_on {
                break;
            }
        }
        Ok(())
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        let mut bounded = (&mut self.stream).take(LINE_BYTES_MAX);
        if bounded.read_until(b'\n', &mut bytes).await? == 0 {
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn say(&mut self, text: &str) -> Next {
        self.stream.get_mut().write_all(format!("{text}\r\n").as_bytes()).await?;
        Ok(true)
    }

    /// Answers with `usual`, unless this is the stage at which the conversation goes wrong.
    async fn stage(&mut self, stage: SmtpStage, usual: &str) -> Next {
        match self.fault {
            Some(SmtpFault::Code(at, code)) if at == stage => {
                self.say(&format!("{code} 0.0.0 as told")).await?;
                Ok(stage != SmtpStage::Greeting)
            }
            Some(SmtpFault::Disconnect(at)) if at == stage => Ok(false),
            Some(SmtpFault::Hang(at)) if at == stage => std::future::pending().await,
            _ => self.say(usual).await,
        }
    }

    /// Whether a code is ordered for this stage.
    fn refuses(&self, stage: SmtpStage) -> bool {
        matches!(self.fault, Some(SmtpFault::Code(at, _)) if at == stage)
    }

    async fn ehlo(&mut self) -> Next {
        let auth = if lock(&self.state).login.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
        let text = format!("250-local.test\r\n{auth}250-8BITMIME\r\n250 SIZE {MAIL_BYTES_MAX}");
        self.stage(SmtpStage::Ehlo, &text).await
    }

    async fn auth(&mut self, line: &str) -> Next {
        let wanted = lock(&self.state).login.clone();
        let given = line.rsplit(' ').next().unwrap_or_default();
        let expected = wanted.map(|(user, password)| base64(&format!("\0{user}\0{password}")));
        self.known = expected.as_deref() == Some(given);
        let usual =
            if self.known { "235 2.7.0 Accepted" } else { "535 5.7.8 Authentication failed" };
        self.stage(SmtpStage::Auth, usual).await
    }

    async fn mail(&mut self, line: &str) -> Next {
        if lock(&self.state).login.is_some() && !self.known {
            return self.say("530 5.7.0 Authentication required").await;
        }
        self.from = address(line);
        self.to.clear();
        self.stage(SmtpStage::Mail, "250 2.1.0 Ok").await
    }

    async fn rcpt(&mut self, line: &str) -> Next {
        let to = address(line);
        let refusal = {
            let mut state = lock(&self.state);
            let greylist = state.greylist;
            let seen = state.seen.entry(to.clone()).or_default();
            *seen += 1;
            let grey = (*seen <= greylist).then_some(451);
            state.refused.get(&to).copied().or(grey)
        };
        if let Some(code) = refusal {
            return self.say(&format!("{code} <{to}> not now or never")).await;
        }
        if !self.refuses(SmtpStage::Rcpt) {
            self.to.push(to);
        }
        self.stage(SmtpStage::Rcpt, "250 2.1.5 Ok").await
    }

    async fn data(&mut self) -> Next {
        if self.to.is_empty() {
            return self.say("503 5.5.1 No recipients").await;
        }
        let go = "354 End data with <CR><LF>.<CR><LF>";
        if !self.stage(SmtpStage::Data, go).await? {
            return Ok(false);
        }
        if self.refuses(SmtpStage::Data) {
            return Ok(true);
        }
        let mut raw = String::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(false) };
            if line == "." {
                break;
            }
            match self.fault {
                Some(SmtpFault::Disconnect(SmtpStage::Content)) => return Ok(false),
                Some(SmtpFault::Hang(SmtpStage::Content)) => std::future::pending::<()>().await,
                _ => {}
            }
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push_str("\r\n");
            if raw.len() > MAIL_BYTES_MAX {
                return self.say("552 5.3.4 Too big").await;
            }
        }
        if !self.refuses(SmtpStage::Accepted) {
            let mail = Mail { from: self.from.clone(), to: std::mem::take(&mut self.to), raw };
            lock(&self.state).mails.push(mail);
        }
        self.stage(SmtpStage::Accepted, "250 2.0.0 Ok: queued").await
    }
}

/// The address between the angle brackets.
fn address(line: &str) -> String {
    let inner = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}

/// Base64 of a short text.
fn base64(text: &str) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let byte = |n: usize| u32::from(chunk.get(n).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let sign = SIGNS[(bits >> (18 - 6 * n) & 63) as usize];
            out.push(if n > chunk.len() { '=' } else { char::from(sign) });
        }
    }
    out
}
