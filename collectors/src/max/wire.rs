//! MAX's answers as they come, read tolerantly.
//!
//! Place in the flow: filled by `call`, read by `adapt` and `look`, never seen outside this folder.
//! Invariant: no field for a name, an avatar or any other thing about a person, except author
//! numbers that `adapt` turns into seeds; one odd element spoils itself alone, an odd frame the
//! whole answer.

use serde::Deserialize;
use serde::de::IgnoredAny;

/// An element that is as expected, or not.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Odd<T> {
    Good(T),
    Bad(serde_json::Value),
}

/// `GET /me`.
#[derive(Deserialize)]
pub(super) struct Me {
    /// That it is there is all that counts.
    #[serde(rename = "user_id")]
    pub _bot: IgnoredAny,
}

/// `GET /chats/{chat}`.
#[derive(Deserialize)]
pub(super) struct Chat {
    pub chat_id: i64,
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    pub is_public: bool,
}

/// `GET /chats/{chat}/members/me`: what the bot may do there.
#[derive(Deserialize)]
pub(super) struct Member {
    #[serde(default)]
    pub is_admin: bool,
    #[serde(default)]
    pub is_owner: bool,
    pub permissions: Option<Vec<String>>,
}

/// `GET /messages`.
#[derive(Deserialize)]
pub(super) struct Messages {
    pub messages: Vec<Odd<Message>>,
}

/// A message of a chat or channel.
#[derive(Deserialize)]
pub(super) struct Message {
    pub sender: Option<Sender>,
    pub recipient: Recipient,
    /// Unix milliseconds.
    pub timestamp: i64,
    pub link: Option<Link>,
    pub body: Option<Body>,
    pub stat: Option<Stat>,
    pub url: Option<String>,
}

/// How the names of bare forwards begin, which have none of MAX's own.
pub(super) const FORWARD: &str = "fwd";

/// Whether this is the name of a message.
pub(super) fn sound(mid: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=128).contains(&mid.len()) && mid.chars().all(plain) && !mid.starts_with(FORWARD)
}

impl Message {
    /// Its name. A message that is nothing but a forward has no body and so no name of its own: it
    /// is called by its instant and by what it forwards.
    pub(super) fn name(&self) -> Option<String> {
        if let Some(body) = &self.body {
            return sound(&body.mid).then(|| body.mid.clone());
        }
        let forwarded = self.link.as_ref().and_then(|link| link.message.as_ref())?;
        sound(&forwarded.mid).then(|| format!("{FORWARD}{}.{}", self.timestamp, forwarded.mid))
    }
}

/// Who wrote it; absent in channels.
#[derive(Deserialize)]
pub(super) struct Sender {
    pub user_id: i64,
    #[serde(default)]
    pub is_bot: bool,
}

/// Where it stands.
#[derive(Deserialize)]
pub(super) struct Recipient {
    pub chat_id: Option<i64>,
}

/// What it answers or forwards.
#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub message: Option<Body>,
}

/// Words and attachments.
#[derive(Deserialize)]
pub(super) struct Body {
    pub mid: String,
    pub text: Option<String>,
    pub attachments: Option<Vec<Attachment>>,
}

/// Any attachment: only its type is of use.
#[derive(Deserialize)]
pub(super) struct Attachment {
    #[serde(rename = "type", default)]
    pub kind: String,
}

/// Counters of a channel's message.
#[derive(Deserialize)]
pub(super) struct Stat {
    pub views: Option<u64>,
}

/// `GET /updates`.
#[derive(Deserialize)]
pub(super) struct Updates {
    pub updates: Vec<Odd<Update>>,
    pub marker: Option<i64>,
}

/// `GET /subscriptions`.
#[derive(Deserialize)]
pub(super) struct Subscriptions {
    pub subscriptions: Vec<Odd<Subscription>>,
}

/// An address that updates are pushed to.
#[derive(Deserialize)]
pub(super) struct Subscription {
    pub url: String,
}

/// The answer to what changes a subscription.
#[derive(Deserialize)]
pub(super) struct Done {
    pub success: bool,
}

/// A push of any kind: that it names one is all that counts.
#[derive(Deserialize)]
pub(super) struct Push {
    #[serde(rename = "update_type")]
    pub _kind: String,
}

/// Something that happened; what is of no use to us is left out.
#[derive(Deserialize)]
pub(super) struct Update {
    pub update_type: String,
    /// Unix milliseconds.
    pub timestamp: i64,
    pub message: Option<Message>,
    pub message_id: Option<String>,
    pub chat_id: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_forward_has_a_name_of_its_own() {
        for (text, expected) in [
            (r#"{"body":{"mid":"mid.1"}}"#, Some("mid.1")),
            (
                r#"{"body":null,"link":{"type":"forward","message":{"mid":"mid.2"}}}"#,
                Some("fwd1.mid.2"),
            ),
            (r#"{"body":null}"#, None),
            (r#"{"body":{"mid":""}}"#, None),
            (r#"{"body":{"mid":"a/b"}}"#, None),
            (r#"{"body":{"mid":"fwd1.mid.2"}}"#, None),
        ] {
            let text = text.replacen('{', r#"{"recipient":{},"timestamp":1,"#, 1);
            let message: Message = serde_json::from_str(&text).expect("reads");
            assert_eq!(message.name().as_deref(), expected, "{text}");
        }
    }
}
