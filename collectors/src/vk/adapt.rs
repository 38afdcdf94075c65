//! Turns VK's posts and comments into ours: the only place where an author's number is read.
//!
//! Place in the flow: between `wire` and the page. Invariant: texts leave masked, authors leave as
//! seeds; signers, reply targets and the origin of a repost are not read at all.

use jiff::Timestamp;

use super::talk::{Side, Spot};
use super::wire;
use crate::door::Door;
use crate::raw::{Author, Counts, RawKind, RawPost, SourceSpec};

/// What the elements of one wall have in common.
pub(super) struct Adapter<'a> {
    pub source: &'a SourceSpec,
    pub owner: i64,
    pub door: &'a Door,
}

/// A post or comment that came through.
pub(super) struct Adapted {
    pub post: RawPost,
    /// Pictures or video and not a word.
    pub pictures_only: bool,
}

/// Attachments that a text may have gone into.
const PICTURES: [&str; 7] = ["photo", "posted_photo", "video", "clip", "doc", "album", "story"];

impl Adapter<'_> {
    /// The stable id of a post or comment of this wall.
    pub(super) fn id(&self, number: i64) -> String {
        format!("vk:{}_{number}", self.owner)
    }

    /// A post; none if it is not public (postponed, suggested, paid).
    pub(super) fn post(&self, post: &wire::Post) -> Option<Adapted> {
        let hidden = matches!(post.post_type.as_deref(), Some("postpone" | "suggest"))
            || post.donut.as_ref().is_some_and(|donut| donut.placeholder.is_some());
        let published = Timestamp::from_second(post.date).ok();
        if hidden || published.is_none() {
            return None;
        }
        let own = clean(post.text.as_deref().unwrap_or_default());
        let mut pictures = has_pictures(post.attachments.as_deref());
        let mut text = own;
        let mut repost = false;
        if text.is_empty() {
            for original in originals(post) {
                repost = true;
                pictures |= has_pictures(original.attachments.as_deref());
                text = clean(original.text.as_deref().unwrap_or_default());
                if !text.is_empty() {
                    break;
                }
            }
        }
        let pictures_only = text.is_empty() && pictures;
        let author = self.author(post.from_id, published);
        let count = |count: &Option<wire::Count>| count.as_ref().and_then(|it| it.count);
        let post = RawPost {
            id: self.id(post.id),
            parent: None,
            kind: RawKind::Post,
            text: self.door.mask(&text),
            published,
            edited: post.edited.and_then(|at| Timestamp::from_second(at).ok()),
            official: self.official(&author),
            author,
            url: Some(format!("https://vk.com/wall{}_{}", self.owner, post.id)),
            counts: Counts {
                views: count(&post.views),
                likes: count(&post.likes),
                reposts: count(&post.reposts),
                comments: count(&post.comments),
            },
            repost,
        };
        Some(Adapted { post, pictures_only })
    }

    /// A living comment under `post`, with the root of its thread if it is a reply. `parent` is the
    /// number of the post or comment it hangs on.
    pub(super) fn comment(
        &self,
        post: i64,
        root: Option<i64>,
        parent: i64,
        comment: &wire::Comment,
    ) -> Option<Adapted> {
        if comment.donut.as_ref().is_some_and(|donut| donut.placeholder.is_some()) {
            return None;
        }
        let published = comment.date.and_then(|at| Timestamp::from_second(at).ok());
        let text = clean(comment.text.as_deref().unwrap_or_default());
        let pictures_only = text.is_empty() && has_pictures(comment.attachments.as_deref());
        let author = self.author(comment.from_id, published);
        let thread = root.map(|root| format!("&thread={root}")).unwrap_or_default();
        let post = RawPost {
            id: self.id(comment.id),
            parent: Some(self.id(parent)),
            kind: RawKind::Comment,
            text: self.door.mask(&text),
            published,
            edited: None,
            official: self.official(&author),
            author,
            url: Some(format!(
                "https://vk.com/wall{}_{post}?reply={}{thread}",
                self.owner, comment.id
            )),
            counts: Counts {
                likes: comment.likes.as_ref().and_then(|it| it.count),
                ..Counts::default()
            },
            repost: false,
        };
        Some(Adapted { post, pictures_only })
    }

    /// The stable id of a talk besides the wall, for example `vk:-200001_topic5`.
    pub(super) fn talk_id(&self, spot: Spot) -> String {
        format!("vk:{}_{spot}", self.owner)
    }

    /// The stable id of what is said there, for example `vk:-200001_topic5_7`.
    pub(super) fn said_id(&self, spot: Spot, number: i64) -> String {
        format!("vk:{}_{spot}_{number}", self.owner)
    }

    /// A topic or video as a post; none if it has no words, and of a photo there are none.
    pub(super) fn talk(&self, spot: Spot, talk: &wire::Talk) -> Option<RawPost> {
        let text = clean(&talk.text);
        if text.is_empty() {
            return None;
        }
        let published = Timestamp::from_second(talk.date).ok();
        let author = self.author(talk.from_id, published);
        Some(RawPost {
            id: self.talk_id(spot),
            parent: None,
            kind: RawKind::Post,
            text: self.door.mask(&text),
            published,
            edited: None,
            official: self.official(&author),
            author,
            url: Some(format!("https://vk.com/{}{}_{}", spot.side, self.owner, spot.number)),
            counts: Counts { comments: talk.comments, ..Counts::default() },
            repost: false,
        })
    }

    /// What somebody said in a talk besides the wall.
    pub(super) fn said(&self, spot: Spot, comment: &wire::Comment) -> Option<Adapted> {
        let mut adapted = self.comment(spot.number, None, spot.number, comment)?;
        adapted.post.id = self.said_id(spot, comment.id);
        // A photo is stored as no post of its own, so nothing hangs on it.
        adapted.post.parent = (spot.side != Side::Photos).then(|| self.talk_id(spot));
        let anchor = if spot.side == Side::Board { "post" } else { "reply" };
        let (side, owner, number) = (spot.side, self.owner, spot.number);
        let page = format!("https://vk.com/{side}{owner}_{number}?{anchor}={}", comment.id);
        adapted.post.url = Some(page);
        Some(adapted)
    }

    /// The page itself, or one voice: a person's, or that of another community.
    fn author(&self, from: Option<i64>, published: Option<Timestamp>) -> Author {
        match (from, published) {
            (Some(from), _) if from == self.owner => Author::Source,
            (Some(from), Some(published)) if from != 0 => {
                self.door.author(&format!("vk:{from}"), published)
            }
            _ => Author::Anonymous,
        }
    }

    fn official(&self, author: &Author) -> bool {
        author.is_official(self.source.kind)
    }
}

fn originals(post: &wire::Post) -> impl Iterator<Item = &wire::Original> {
    post.copy_history.iter().flatten().filter_map(|original| match original {
        wire::Odd::Good(original) => Some(original),
        wire::Odd::Bad(_) => None,
    })
}

fn has_pictures(attachments: Option<&[wire::Attachment]>) -> bool {
    attachments.is_some_and(|all| all.iter().any(|it| PICTURES.contains(&it.kind.as_str())))
}

/// Undoes HTML once: entities, `<br>`; drops NUL; trims the ends.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '\0']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (made, length) = special(rest);
        out.push_str(made.as_deref().unwrap_or(&rest[..length]));
        rest = &rest[length..];
    }
    out.push_str(rest);
    out.trim().to_owned()
}

/// What stands at the start of `rest` (an `&`, a `<` or a NUL): its meaning, if any, and length.
fn special(rest: &str) -> (Option<String>, usize) {
    if rest.starts_with('\0') {
        return (Some(String::new()), 1);
    }
    if rest.starts_with('<') {
        for tag in ["<br>", "<br/>", "<br />"] {
            if rest.get(..tag.len()).is_some_and(|it| it.eq_ignore_ascii_case(tag)) {
                return (Some("\n".to_owned()), tag.len());
            }
        }
        return (None, 1);
    }
    // The longest entity of use, `&#1114111;`, has 10 bytes.
    let Some(end) = rest.bytes().take(12).position(|byte| byte == b';') else { return (None, 1) };
    let named = match &rest[1..end] {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        "laquo" => Some('«'),
        "raquo" => Some('»'),
        "ndash" => Some('–'),
        "mdash" => Some('—'),
        "hellip" => Some('…'),
        name => name.strip_prefix('#').and_then(numbered),
    };
    match named {
        Some('\0') => (Some(String::new()), end + 1),
        Some(found) => (Some(found.to_string()), end + 1),
        None => (None, 1),
    }
}

fn numbered(digits: &str) -> Option<char> {
    let number = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(number.ok()?)
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn html_is_undone_once() {
        for (text, expected) in [
            ("", ""),
            ("просто текст", "просто текст"),
            ("нет воды<br>второй день<BR/>и света", "нет воды\nвторой день\nи света"),
            ("&quot;Заря&quot; &amp; &laquo;Мир&raquo;", "\"Заря\" & «Мир»"),
            ("&#10071;внимание&#x2757;", "❗внимание❗"),
            ("&amp;lt;br&amp;gt;", "&lt;br&gt;"),
            ("&lt;br&gt;", "<br>"),
            ("a < b & c; d &незнакомо; &#99999999; &", "a < b & c; d &незнакомо; &#99999999; &"),
            ("&ж;", "&ж;"),
            ("\0x\0 &#0;", "x"),
            ("  края \n", "края"),
            ("<b", "<b"),
        ] {
            assert_eq!(clean(text), expected, "{text}");
        }
    }
}
