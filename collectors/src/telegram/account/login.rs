//! Logging in: a phone number, the code that Telegram sends, a password if the account has one.
//!
//! Place in the flow: `otklik telegram login` asks the person and hands the words in. Invariants:
//! the session is written only after Telegram has said yes; code, password and number are kept no
//! longer than the step that needs them; a panic in the library ends the login, not the program.

use std::sync::Arc;
use std::time::Duration;

use grammers_client::client::{LoginToken, PasswordToken};
use grammers_client::{Client, InvocationError, SignInError};
use jiff::Timestamp;
use tokio::task::JoinHandle;

use super::errors::{Trouble, explain};
use super::line::{LineSettings, start};
use super::session::{Ours, SessionFile};
use crate::error::{Class, CollectError, Scope};

/// Longest wait for one step; making a new key takes several round trips.
const STEP: Duration = Duration::from_secs(60);

/// What Telegram wants next.
pub enum LoginStep {
    /// The code it has sent.
    Code,
    /// The code was wrong: once more.
    WrongCode,
    /// The account's password; with the person's own hint.
    Password(Option<String>),
    /// The password was wrong: once more.
    WrongPassword,
    /// Logged in: what is to be written.
    Done(SessionFile),
}

/// A login under way.
pub struct Login {
    client: Client,
    session: Arc<Ours>,
    runner: JoinHandle<()>,
    code: Option<Arc<LoginToken>>,
    password: Option<PasswordToken>,
}

impl Drop for Login {
    fn drop(&mut self) {
        self.runner.abort();
    }
}

impl Login {
    /// Begins. `known` is a session that is there already: its key is used again.
    #[must_use]
    pub fn new(settings: &LineSettings, known: Option<&SessionFile>) -> Self {
        let session = Ours::new(known, settings.dc_address, true);
        let session = Arc::new(session.through(settings.proxy.as_ref()));
        let (handle, runner) = start(&session, settings);
        Self { client: Client::new(handle), session, runner, code: None, password: None }
    }

    /// Whether the session that is there is logged in. `now` is the present instant.
    ///
    /// # Errors
    /// When Telegram cannot be asked.
    pub async fn is_done(&self, now: Timestamp) -> Result<bool, CollectError> {
        if self.session.file().is_none() {
            return Ok(false);
        }
        let client = self.client.clone();
        let asked = guarded(async move { client.is_authorized().await }, now).await?;
        asked.map_err(|error| refused(error, now))
    }

    /// Has the code sent to `phone`.
    ///
    /// # Errors
    /// When Telegram refuses or cannot be asked.
    pub async fn phone(
        &mut self,
        phone: &str,
        api_hash: &str,
        now: Timestamp,
    ) -> Result<LoginStep, CollectError> {
        let (client, phone, hash) = (self.client.clone(), phone.to_owned(), api_hash.to_owned());
        let sent = guarded(async move { client.request_login_code(&phone, &hash).await }, now);
        self.code = Some(Arc::new(sent.await?.map_err(|error| refused(error, now))?));
        Ok(LoginStep::Code)
    }

    /// Hands in the code.
    ///
    /// # Errors
    /// When Telegram refuses or cannot be asked.
    pub async fn code(&mut self, code: &str, now: Timestamp) -> Result<LoginStep, CollectError> {
        let Some(token) = self.code.clone() else { return Err(out_of_order()) };
        let (client, code) = (self.client.clone(), code.to_owned());
        let signed = guarded(async move { client.sign_in(&token, &code).await }, now).await?;
        match signed {
            Ok(_) => self.done(),
            Err(SignInError::InvalidCode) => Ok(LoginStep::WrongCode),
            Err(other) => self.password_step(other, now),
        }
    }

    /// Hands in the password.
    ///
    /// # Errors
    /// When Telegram refuses or cannot be asked.
    pub async fn password(
        &mut self,
        password: &str,
        now: Timestamp,
    ) -> Result<LoginStep, CollectError> {
        let Some(token) = self.password.take() else { return Err(out_of_order()) };
        let (client, word) = (self.client.clone(), password.to_owned());
        let checked = guarded(async move { client.check_password(token, word).await }, now).await?;
        match checked {
            Ok(_) => self.done(),
            Err(SignInError::InvalidPassword(token)) => {
                self.password = Some(token);
                Ok(LoginStep::WrongPassword)
            }
            Err(other) => self.password_step(other, now),
        }
    }

    fn password_step(
        &mut self,
        error: SignInError,
        now: Timestamp,
    ) -> Result<LoginStep, CollectError> {
        match error {
            SignInError::PasswordRequired(token) => {
                let hint = token.hint().map(str::to_owned);
                self.password = Some(token);
                Ok(LoginStep::Password(hint))
            }
            SignInError::SignUpRequired => Err(CollectError::new(
                Class::NeedsPerson,
                Scope::Token,
                "telegram sign up",
                "С этим номером в Telegram никто не зарегистрирован; сначала войдите в приложении.",
            )),
            SignInError::Other(error) => Err(refused(error, now)),
            SignInError::InvalidCode | SignInError::InvalidPassword(_) => Err(out_of_order()),
        }
    }

    fn done(&self) -> Result<LoginStep, CollectError> {
        self.session.file().map(LoginStep::Done).ok_or_else(out_of_order)
    }
}

/// Runs one step beside us, so that neither a panic nor an endless wait gets here.
async fn guarded<T: Send + 'static>(
    step: impl Future<Output = T> + Send + 'static,
    now: Timestamp,
) -> Result<T, CollectError> {
    match tokio::time::timeout(STEP, tokio::spawn(step)).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(explain(&Trouble::Garbled, now)),
        Err(_) => Err(explain(&Trouble::Timeout, now)),
    }
}

fn refused(error: InvocationError, now: Timestamp) -> CollectError {
    let InvocationError::Rpc(rpc) = error else { return explain(&Trouble::Network, now) };
    let text = match rpc.name.as_str() {
        "PHONE_NUMBER_INVALID" => "Telegram не знает такого номера; нужен вид +79991234567.",
        "PHONE_CODE_EXPIRED" => "Код устарел; начните вход сначала.",
        "PHONE_PASSWORD_FLOOD" | "PHONE_NUMBER_FLOOD" => {
            "С этим номером входили слишком часто; попробуйте завтра."
        }
        _ => return explain(&Trouble::Rpc(rpc.code, rpc.name, rpc.value), now),
    };
    let code = format!("telegram {} {}", rpc.code, rpc.name);
    CollectError::new(Class::NeedsPerson, Scope::Token, code, text)
}

fn out_of_order() -> CollectError {
    CollectError::new(
        Class::Ours,
        Scope::Token,
        "telegram login",
        "Шаги входа перепутались; начните вход сначала.",
    )
}
