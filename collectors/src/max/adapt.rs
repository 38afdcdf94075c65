//! Turns MAX's messages into posts: the only place where an author's number is read.
//!
//! Place in the flow: between `wire` and the page. Invariant: texts leave masked, authors leave as
//! seeds; names and the origin of a forward are not read at all.

use jiff::Timestamp;

use super::place::Place;
use super::wire;
use crate::door::Door;
use crate::raw::{Author, Counts, RawKind, RawPost, SourceSpec};

/// What the messages of one chat have in common.
pub(super) struct Adapter<'a> {
    pub source: &'a SourceSpec,
    pub place: Place,
    pub door: &'a Door,
}

/// A message that came through.
pub(super) struct Adapted {
    pub post: RawPost,
    /// Pictures or video and not a word.
    pub pictures_only: bool,
}

/// Attachments that a text may have gone into.
const PICTURES: [&str; 4] = ["image", "video", "file", "sticker"];

impl Adapter<'_> {
    /// The stable id of a message.
    pub(super) fn id(&self, mid: &str) -> String {
        format!("max:{}_{mid}", self.place.chat)
    }

    /// A message of this name; `parent` is the stored message that it answers, `edited` when it was
    /// changed, if that was said.
    pub(super) fn message(
        &self,
        mid: &str,
        message: &wire::Message,
        parent: Option<&str>,
        edited: Option<Timestamp>,
    ) -> Adapted {
        let published = Timestamp::from_millisecond(message.timestamp).ok();
        let own = message.body.as_ref();
        let mut text = own.map(words).unwrap_or_default();
        let mut pictures = own.is_some_and(has_pictures);
        let mut repost = false;
        let link = message.link.as_ref().filter(|link| link.kind == "forward");
        if let Some(original) = link.and_then(|link| link.message.as_ref())
            && text.is_empty()
        {
            repost = true;
            text = words(original);
            pictures |= has_pictures(original);
        }
        let author = self.author(message.sender.as_ref(), published);
        let url = message.url.as_deref();
        let post = RawPost {
            id: self.id(mid),
            parent: parent.map(|parent| self.id(parent)),
            kind: if parent.is_some() { RawKind::Comment } else { RawKind::Post },
            text: self.door.mask(&text),
            published,
            edited,
            official: author.is_official(self.source.kind),
            author,
            url: url.filter(|url| url.starts_with("https://max.ru/")).map(str::to_owned),
            counts: Counts {
                views: message.stat.as_ref().and_then(|stat| stat.views),
                ..Counts::default()
            },
            repost,
        };
        Adapted { pictures_only: text.is_empty() && pictures, post }
    }

    /// A channel writes in its own name; in a chat people do, and bots nobody counts.
    fn author(&self, sender: Option<&wire::Sender>, published: Option<Timestamp>) -> Author {
        match (sender, published) {
            _ if self.place.channel => Author::Source,
            (Some(sender), Some(published)) => {
                let named = self.door.author(&format!("max:{}", sender.user_id), published);
                match named {
                    Author::Person(_) if sender.is_bot => Author::Anonymous,
                    named => named,
                }
            }
            _ => Author::Anonymous,
        }
    }
}

fn words(body: &wire::Body) -> String {
    body.text.as_deref().unwrap_or_default().replace('\0', "").trim().to_owned()
}

fn has_pictures(body: &wire::Body) -> bool {
    let kinds = body.attachments.iter().flatten();
    kinds.into_iter().any(|it| PICTURES.contains(&it.kind.as_str()))
}
