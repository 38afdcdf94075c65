//! Turns OK's topics, photos and comments into ours: the only place where an author's number is
//! read.
//!
//! Place in the flow: between `wire` and the page. Invariant: texts leave masked, authors leave as
//! seeds; names, reply targets and the origin of what is handed on are not read at all.

use jiff::Timestamp;

use super::ids::{CommentId, Kind, Thing};
use super::wire::{self, Odd};
use crate::door::Door;
use crate::raw::{Author, Counts, RawKind, RawPost, SourceKind, SourceSpec};

/// What the elements of one group have in common.
pub(super) struct Adapter<'a> {
    pub source: &'a SourceSpec,
    pub group: i64,
    pub door: &'a Door,
}

/// A post or comment that came through.
pub(super) struct Adapted {
    pub post: RawPost,
    /// Pictures or video and not a word.
    pub pictures_only: bool,
}

/// Longest marked piece of a text, marks included; a longer one is left as it is.
const MARKED_BYTES_MAX: usize = 1_024;

/// Blocks and attachments that a text may have gone into.
const PICTURES: [&str; 6] = ["photo", "movie", "video", "present", "sticker", "gif"];

impl Adapter<'_> {
    /// The stable id of a topic, photo or movie of this group.
    pub(super) fn id(&self, thing: Thing) -> String {
        format!("ok:{}_{thing}", self.group)
    }

    /// The stable id of a comment below one of them.
    pub(super) fn comment_id(&self, thing: Thing, comment: &CommentId) -> String {
        format!("ok:{}_{thing}_{comment}", self.group)
    }

    /// A topic of this number and date; `others` are the topics that the answer brought along.
    pub(super) fn topic(
        &self,
        id: i64,
        published: Timestamp,
        topic: &wire::Topic,
        others: &[&wire::Topic],
    ) -> Adapted {
        let mut text = words(topic);
        let mut pictures = has_pictures(topic);
        let mut repost = false;
        if text.is_empty() {
            for original in originals(topic, others) {
                repost = true;
                pictures |= has_pictures(original);
                text = words(original);
                if !text.is_empty() {
                    break;
                }
            }
        }
        if text.is_empty() {
            text = titles(topic);
        }
        let author = match topic.author_ref.as_deref().and_then(|it| it.split_once(':')) {
            Some(("group", group)) if group.parse() == Ok(self.group) => Author::Source,
            Some(("group", group)) => self.door.author(&format!("ok:group{group}"), published),
            Some(("user", user)) => self.door.author(&format!("ok:{user}"), published),
            _ => Author::Anonymous,
        };
        let count = |count: &Option<wire::Count>| count.as_ref().and_then(|it| it.count);
        let post = RawPost {
            id: self.id(Thing::topic(id)),
            parent: None,
            kind: RawKind::Post,
            text: self.door.mask(&text),
            published: Some(published),
            edited: None,
            official: self.official(&author),
            author,
            url: Some(self.url(Thing::topic(id))),
            counts: Counts {
                views: None,
                likes: count(&topic.like_summary),
                reposts: count(&topic.reshare_summary),
                comments: topic.discussion_summary.as_ref().and_then(|it| it.comments_count),
            },
            repost,
        };
        Adapted { pictures_only: text.is_empty() && pictures, post }
    }

    /// A photo or movie that people talk below; its caption is the text. Who put it there is not
    /// said, so it is taken for the group's own only when the group is a body's.
    pub(super) fn discussion(&self, thing: Thing, found: &wire::Discussion) -> Adapted {
        let caption = [found.message.as_deref(), found.title.as_deref()].into_iter().flatten();
        let text = caption.map(clean).find(|text| !text.is_empty()).unwrap_or_default();
        let own = self.source.kind == SourceKind::Official;
        let author = if own { Author::Source } else { Author::Anonymous };
        let post = RawPost {
            id: self.id(thing),
            parent: None,
            kind: RawKind::Post,
            text: self.door.mask(&text),
            published: found.created(),
            edited: None,
            official: own,
            author,
            url: Some(self.url(thing)),
            counts: Counts {
                likes: found.like_count,
                comments: found.total_comments_count,
                ..Counts::default()
            },
            repost: false,
        };
        Adapted { pictures_only: text.is_empty(), post }
    }

    /// A living comment; `parent` is the comment it answers, if that one was handed on.
    pub(super) fn comment(
        &self,
        thing: Thing,
        id: &CommentId,
        parent: Option<&CommentId>,
        comment: &wire::Comment,
    ) -> Adapted {
        let published = comment.at();
        let text = clean(comment.text.as_deref().unwrap_or_default());
        let pictures = comment.attachments.iter().flatten();
        let pictures_only = text.is_empty() && pictures.clone().any(|it| pictured(&it.kind));
        let author = self.commenter(comment, published);
        let post = RawPost {
            id: self.comment_id(thing, id),
            parent: Some(match parent {
                Some(parent) => self.comment_id(thing, parent),
                None => self.id(thing),
            }),
            kind: RawKind::Comment,
            text: self.door.mask(&text),
            published,
            edited: None,
            official: self.official(&author),
            author,
            url: Some(self.url(thing)),
            counts: Counts { likes: comment.like_count, ..Counts::default() },
            repost: false,
        };
        Adapted { post, pictures_only }
    }

    fn commenter(&self, comment: &wire::Comment, published: Option<Timestamp>) -> Author {
        let of_group = comment.author_type.as_deref() == Some("GROUP");
        match (&comment.author_id, published) {
            (Some(id), _) if of_group && id.number() == Some(self.group) => Author::Source,
            (Some(id), Some(published)) if !id.0.is_empty() => {
                let kind = if of_group { "group" } else { "" };
                self.door.author(&format!("ok:{kind}{}", id.0), published)
            }
            _ => Author::Anonymous,
        }
    }

    fn official(&self, author: &Author) -> bool {
        author.is_official(self.source.kind)
    }

    /// OK has no address of one comment, nor of a photo whose album is unknown.
    fn url(&self, thing: Thing) -> String {
        match thing.kind {
            Kind::Topic => format!("https://ok.ru/group/{}/topic/{}", self.group, thing.id),
            Kind::Photo => format!("https://ok.ru/group/{}/photos", self.group),
            Kind::Movie => format!("https://ok.ru/video/{}", thing.id),
        }
    }
}

fn good<T>(element: &Odd<T>) -> Option<&T> {
    match element {
        Odd::Good(good) => Some(good),
        Odd::Bad(_) => None,
    }
}

fn blocks(topic: &wire::Topic) -> impl Iterator<Item = &wire::Media> {
    topic.media.iter().flatten().filter_map(good)
}

/// The text blocks of a topic, one below the other.
fn words(topic: &wire::Topic) -> String {
    let texts = blocks(topic).filter(|block| block.kind == "text");
    let texts: Vec<String> = texts.filter_map(|it| it.text.as_deref()).map(clean).collect();
    texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What a topic's links are called, for a topic that has no words of its own.
fn titles(topic: &wire::Topic) -> String {
    let links = blocks(topic).filter(|block| block.kind == "link");
    let parts = links.flat_map(|link| [link.title.as_deref(), link.description.as_deref()]);
    let parts = parts.flatten().map(clean).filter(|text| !text.is_empty());
    parts.collect::<Vec<_>>().join("\n")
}

fn pictured(kind: &str) -> bool {
    PICTURES.contains(&kind.to_ascii_lowercase().as_str())
}

fn has_pictures(topic: &wire::Topic) -> bool {
    blocks(topic).any(|block| pictured(&block.kind))
}

/// The topics that a topic hands on.
fn originals<'t>(topic: &'t wire::Topic, others: &[&'t wire::Topic]) -> Vec<&'t wire::Topic> {
    let mut found = Vec::new();
    for block in blocks(topic).filter(|block| block.kind == "topic") {
        found.extend(block.media_topics.iter().flatten().filter_map(good));
        for name in block.media_topic_refs.iter().flatten() {
            let id = name.rsplit(':').next().unwrap_or_default();
            found.extend(others.iter().copied().find(|other| other.id.0 == id));
        }
    }
    found
}

/// Undoes OK's markup: `{user:5}Имя{user}` becomes a mention, which the door takes out,
/// `{group:7}Город{group}` and the like leave what they enclose; drops NUL; trims the ends.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '\0']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some((kind, enclosed, length)) = marked(rest) else {
            if rest.starts_with('{') {
                out.push('{');
            }
            rest = &rest[1..];
            continue;
        };
        match kind {
            "user" | "profile" => out.push_str(&format!("[id1|{}]", enclosed.replace(']', " "))),
            _ => out.push_str(enclosed),
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// A pair of marks at the start of `rest`: its kind, what it encloses, the length of it all.
fn marked(rest: &str) -> Option<(&str, &str, usize)> {
    let rest = &rest[..rest.floor_char_boundary(MARKED_BYTES_MAX)];
    let (mark, after) = rest.strip_prefix('{')?.split_once('}')?;
    let (kind, id) = mark.split_once(':')?;
    let plain = |text: &str| !text.is_empty() && text.len() <= 32 && text.is_ascii();
    let named = kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !plain(kind) || !plain(id) || !named {
        return None;
    }
    let end = format!("{{{kind}}}");
    let length = after.find(&end)?;
    Some((kind, &after[..length], mark.len() + 2 + length + end.len()))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn markup_is_undone() {
        for (text, expected) in [
            ("", ""),
            (" просто текст\n", "просто текст"),
            ("{media_topic:15}Нет воды{media_topic} второй день", "Нет воды второй день"),
            ("{group:7}Село{group}: свет дали", "Село: свет дали"),
            ("{user:500000000001}Анна Первая{user}, да", "[id1|Анна Первая], да"),
            ("{user:5}не закрыто", "{user:5}не закрыто"),
            ("{5} {x:} {x:1} { \0}", "{5} {x:} {x:1} { }"),
            ("{user:1}а{user}{user:2}б{user}", "[id1|а][id1|б]"),
            ("{ы:1}а{ы}", "{ы:1}а{ы}"),
        ] {
            assert_eq!(clean(text), expected, "{text}");
        }
    }
}
