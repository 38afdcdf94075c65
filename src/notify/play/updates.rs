//! What a bot's server tells the bot by itself, and the buttons that stand under its messages.
//!
//! Place in the flow: under the local bot servers. Invariant: an update is given again until a
//! later place is asked for, as the platforms do; whoever presses here has a name that nobody may
//! find in what the program keeps or says.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::http::Reply;

/// Name of everybody who presses and writes here.
pub const PERSON: &str = "CANARYперсона";
/// Their number.
const PERSON_ID: i64 = 770_077_000_777;

/// Updates and buttons of one bot.
pub(super) struct Updates {
    waiting: BTreeMap<i64, Value>,
    last: i64,
    bell: watch::Sender<u64>,
    /// Answers to presses: question, text.
    pub answers: Vec<(String, String)>,
    /// Buttons under messages: title and what it carries.
    pub buttons: BTreeMap<String, Value>,
    /// Messages that were changed, in order.
    pub edits: Vec<String>,
}

impl Default for Updates {
    fn default() -> Self {
        Self {
            waiting: BTreeMap::new(),
            last: 1_000,
            bell: watch::Sender::new(0),
            answers: Vec::new(),
            buttons: BTreeMap::new(),
            edits: Vec::new(),
        }
    }
}

impl Updates {
    /// Adds an update; returns its number.
    pub fn add(&mut self, update: Value) -> i64 {
        self.last += 1;
        self.waiting.insert(self.last, update);
        self.ring();
        self.last
    }

    /// Number of the next update.
    pub fn next(&self) -> i64 {
        self.last + 1
    }

    /// Lets those who wait ask again.
    pub fn ring(&mut self) {
        self.bell.send_modify(|rung| *rung += 1);
    }

    /// Forgets everything before `number`.
    pub fn confirm(&mut self, number: i64) {
        self.waiting = self.waiting.split_off(&number);
    }

    /// Those that wait, with their numbers.
    pub fn waiting(&self) -> impl Iterator<Item = (i64, &Value)> {
        self.waiting.iter().map(|(number, update)| (*number, update))
    }

    /// The last number given.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Holds a question for updates; `empty` is the answer if nothing comes.
    pub fn hold(&self, secs: u64, empty: &Value) -> Reply {
        if secs == 0 {
            return Reply::say(200, empty.to_string());
        }
        Reply::Later(self.bell.subscribe(), Duration::from_secs(secs), empty.to_string())
    }
}

/// Whoever presses and writes.
pub(super) fn person() -> Value {
    json!({ "id": PERSON_ID, "user_id": PERSON_ID, "is_bot": false, "first_name": PERSON,
            "username": "canary_person" })
}

/// Rows of (title, what it carries) out of a platform's buttons.
pub(super) fn rows(buttons: &Value, title: &str, carries: &str) -> Vec<Vec<(String, String)>> {
    let text = |button: &Value, key: &str| {
        button.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let row = |row: &Value| {
        let row = row.as_array().into_iter().flatten();
        row.map(|button| (text(button, title), text(button, carries))).collect()
    };
    buttons.as_array().into_iter().flatten().map(row).collect()
}
