//! Logging in, as far as a server without Telegram's secrets can play it.
//!
//! Place in the flow: inside [`super::PlayMtproto`]. Invariant: a code or password that is not the
//! one expected is refused as Telegram refuses it. Two things are not played: the exchange of a new
//! key, and whether the proof of a password is right (the server believes every first proof but
//! those it was told to refuse).

use std::collections::BTreeMap;

use grammers_client::tl::{Deserializable, Identifiable, Serializable, enums, functions, types};

use super::{Reply, tell};

/// The account of the tests, and the people whose names can be looked up.
#[derive(Debug, Clone)]
pub struct Account {
    /// Whether the key belongs to a logged-in account.
    pub logged_in: bool,
    /// The number that may log in, the code it is sent.
    pub phone: (String, String),
    /// Whether a password is asked for after the code; how many proofs are refused first.
    pub password: Option<u32>,
    /// The prime of the password's proof: Telegram's own, which clients check.
    pub prime: Vec<u8>,
    /// Names of people: a reader that looks one up must go no further.
    pub people: BTreeMap<String, i64>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            logged_in: true,
            phone: ("+79990000001".to_owned(), "12345".to_owned()),
            password: None,
            prime: Vec::new(),
            people: BTreeMap::new(),
        }
    }
}

const NAMES: [(u32, &str); 5] = [
    (functions::updates::GetState::CONSTRUCTOR_ID, "updates.getState"),
    (functions::auth::SendCode::CONSTRUCTOR_ID, "auth.sendCode"),
    (functions::auth::SignIn::CONSTRUCTOR_ID, "auth.signIn"),
    (functions::account::GetPassword::CONSTRUCTOR_ID, "account.getPassword"),
    (functions::auth::CheckPassword::CONSTRUCTOR_ID, "auth.checkPassword"),
];

impl Account {
    pub(super) fn knows(id: u32) -> bool {
        Self::name(id).is_some()
    }

    pub(super) fn name(id: u32) -> Option<&'static str> {
        NAMES.iter().find(|(known, _)| *known == id).map(|(_, name)| *name)
    }

    pub(super) fn answer(&mut self, id: u32, body: &[u8]) -> Reply {
        let answered = match id {
            functions::updates::GetState::CONSTRUCTOR_ID => self.state(),
            functions::auth::SendCode::CONSTRUCTOR_ID => self.send_code(body),
            functions::auth::SignIn::CONSTRUCTOR_ID => self.sign_in(body),
            functions::account::GetPassword::CONSTRUCTOR_ID => Ok(self.password_terms()),
            _ => self.check_password(),
        };
        match answered {
            Ok(body) => Reply::Body(body),
            Err((code, name)) => Reply::Error(code, name.to_owned()),
        }
    }

    fn state(&self) -> Result<Vec<u8>, (i32, &'static str)> {
        if !self.logged_in {
            return Err((401, "AUTH_KEY_UNREGISTERED"));
        }
        let state = types::updates::State { pts: 1, qts: 0, date: 1, seq: 0, unread_count: 0 };
        Ok(enums::updates::State::from(state).to_bytes())
    }

    fn send_code(&self, body: &[u8]) -> Result<Vec<u8>, (i32, &'static str)> {
        let asked = functions::auth::SendCode::from_bytes(body).map_err(|_| super::BROKEN)?;
        if asked.api_hash.is_empty() {
            return Err((400, "API_ID_INVALID"));
        }
        if asked.phone_number != self.phone.0 {
            return Err((400, "PHONE_NUMBER_INVALID"));
        }
        let sent = types::auth::SentCode {
            r#type: types::auth::SentCodeTypeApp { length: 5 }.into(),
            phone_code_hash: "hash".to_owned(),
            next_type: None,
            timeout: None,
        };
        Ok(enums::auth::SentCode::from(sent).to_bytes())
    }

    fn sign_in(&mut self, body: &[u8]) -> Result<Vec<u8>, (i32, &'static str)> {
        let asked = functions::auth::SignIn::from_bytes(body).map_err(|_| super::BROKEN)?;
        if asked.phone_code.as_deref() != Some(self.phone.1.as_str()) {
            return Err((400, "PHONE_CODE_INVALID"));
        }
        match self.password {
            Some(_) => Err((401, "SESSION_PASSWORD_NEEDED")),
            None => Ok(self.welcome()),
        }
    }

    fn check_password(&mut self) -> Result<Vec<u8>, (i32, &'static str)> {
        match &mut self.password {
            Some(refused) if *refused > 0 => {
                *refused -= 1;
                Err((400, "PASSWORD_HASH_INVALID"))
            }
            _ => Ok(self.welcome()),
        }
    }

    fn password_terms(&self) -> Vec<u8> {
        let algo = types::PasswordKdfAlgoSha256Sha256Pbkdf2Hmacsha512iter100000Sha256ModPow {
            salt1: vec![1; 8],
            salt2: vec![2; 16],
            g: 3,
            p: self.prime.clone(),
        };
        let terms = types::account::Password {
            has_recovery: false,
            has_secure_values: false,
            has_password: true,
            current_algo: Some(algo.into()),
            srp_b: Some(vec![3; 256]),
            srp_id: Some(1),
            hint: Some("подсказка".to_owned()),
            email_unconfirmed_pattern: None,
            new_algo: enums::PasswordKdfAlgo::Unknown,
            new_secure_algo: enums::SecurePasswordKdfAlgo::Unknown,
            secure_random: vec![4; 256],
            pending_reset_date: None,
            login_email_pattern: None,
        };
        enums::account::Password::from(terms).to_bytes()
    }

    fn welcome(&mut self) -> Vec<u8> {
        self.logged_in = true;
        let welcome = types::auth::Authorization {
            setup_password_required: false,
            otherwise_relogin_days: None,
            tmp_sessions: None,
            future_auth_token: None,
            user: tell::person(777_999),
        };
        enums::auth::Authorization::from(welcome).to_bytes()
    }
}
