//! Makes posts of what the preview shows.
//!
//! Place in the flow: the last step in this folder; texts pass the door here. Invariant: no name
//! leaves: signer, forward origin and reply target are never read.

use crate::door::Masked;
use crate::ports::Ports;
use crate::raw::{Author, Counts, RawKind, RawPost, SourceKind, SourceSpec};

use super::preview::Message;

/// The stable id of a message, the same for preview and MTProto.
pub fn post_id(channel: &str, id: i64) -> String {
    format!("tg:{channel}_{id}")
}

/// A channel's message as a post in the channel's own name.
pub fn post(
    source: &SourceSpec,
    name: &str,
    channel: &str,
    message: &Message,
    text: Masked,
) -> RawPost {
    RawPost {
        id: post_id(channel, message.id),
        parent: None,
        kind: RawKind::Post,
        text,
        published: message.published,
        // The preview marks an edit, but does not say when.
        edited: None,
        author: Author::Source,
        official: source.kind == SourceKind::Official,
        url: Some(format!("https://t.me/{name}/{}", message.id)),
        counts: Counts {
            views: message.views,
            likes: message.reactions,
            reposts: None,
            comments: None,
        },
        repost: message.forwarded,
    }
}

/// The text through the door.
pub fn masked(ports: &Ports, message: &Message) -> Masked {
    ports.door.mask(&message.text)
}
