//! Makes posts of messages: the only place where the number of a person is read.
//!
//! Place in the flow: the last step in this folder; authors pass the door here, texts came through
//! it. Invariant: no name leaves: signer, forward origin and reply target are never read.

use crate::door::Masked;
use crate::ports::Ports;
use crate::raw::{Author, Counts, RawKind, RawPost, SourceKind};

use super::message::{Message, Writer};
use super::posts::Look;

/// The stable id of a message, the same for preview and MTProto. A comment lives in its group.
pub fn post_id(room: &str, id: i64) -> String {
    format!("tg:{room}_{id}")
}

/// A channel's message as a post in the channel's own name.
pub(super) fn post(look: &Look<'_>, channel: &str, message: &Message, text: Masked) -> RawPost {
    RawPost {
        id: post_id(channel, message.id),
        parent: None,
        kind: RawKind::Post,
        text,
        published: message.published,
        // The preview marks an edit, but does not say when.
        edited: message.edited,
        author: Author::Source,
        official: look.source.kind == SourceKind::Official,
        url: Some(format!("https://t.me/{}/{}", look.name, message.id)),
        counts: Counts {
            views: message.views,
            likes: message.reactions,
            reposts: message.forwards,
            comments: message.replies.map(|replies| u64::from(replies.count)),
        },
        repost: message.forwarded,
    }
}

/// A message of a public group. It answers `parent` if that is stored; otherwise it stands alone.
pub(super) fn said(
    ports: &Ports,
    look: &Look<'_>,
    group: &str,
    message: &Message,
    parent: Option<i64>,
    text: Masked,
) -> RawPost {
    let author = author(ports, message, None);
    RawPost {
        kind: if parent.is_some() { RawKind::Comment } else { RawKind::Post },
        parent: parent.map(|id| post_id(group, id)),
        official: is_official(look, &author),
        author,
        ..post(look, group, message, text)
    }
}

/// A comment in `group` below the post `below` (channel and number).
pub(super) fn comment(
    ports: &Ports,
    look: &Look<'_>,
    below: (&str, i64),
    group: &str,
    message: &Message,
    text: Masked,
) -> RawPost {
    let author = author(ports, message, below.0.parse().ok());
    RawPost {
        kind: RawKind::Comment,
        parent: Some(post_id(below.0, below.1)),
        url: Some(format!("https://t.me/{}/{}?comment={}", look.name, below.1, message.id)),
        official: is_official(look, &author),
        author,
        ..post(look, group, message, text)
    }
}

/// The room itself, or its channel, or one voice: a person's, or that of another channel.
fn author(ports: &Ports, message: &Message, channel: Option<i64>) -> Author {
    let named = match message.writer {
        Writer::Room => return Author::Source,
        Writer::Channel(id) if Some(id) == channel => return Author::Source,
        Writer::Person(id) => format!("tg:{id}"),
        Writer::Channel(id) => format!("tg:-100{id}"),
        Writer::Nobody => return Author::Anonymous,
    };
    match message.published {
        Some(published) => ports.door.author(&named, published),
        None => Author::Anonymous,
    }
}

fn is_official(look: &Look<'_>, author: &Author) -> bool {
    author.is_official(look.source.kind)
}
