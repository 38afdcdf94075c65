//! From raw posts to words: cleaning, folding, splitting, stems, language, fingerprints.
//!
//! Place in the flow: right behind the door. `normalise` makes a [`Post`] of what a collector read;
//! `classify` splits texts with [`Tokens`] and reads packs with the same functions. Invariants:
//! spans always point into the text as given; this is the only module of the pure band that names
//! the collectors crate.

pub mod clean;
pub mod fingerprint;
pub mod fold;
pub mod language;
pub mod letters;
pub mod numeral;
pub mod points;
mod repair;
pub mod sketch;
pub mod stem;
pub mod tokens;
pub mod words;
mod work;

pub use clean::clean;
pub use fingerprint::{fingerprint, fingerprint_of_words};
pub use language::language;
pub use points::Points;
pub use sketch::Sketch;
pub use stem::Stems;
pub use tokens::{Clause, Sentence, Token, Tokens};

use jiff::Timestamp;
use otklik_collectors::{Author, RawKind, RawPost};

use crate::model::{Counts, Post, PostId, PostKey, PostKind, Source};

/// Makes a post of what was read from `source`, first seen at `seen`. The author comes back beside
/// the post, never inside it: it lives only until the voices are counted.
#[must_use]
pub fn normalise(raw: RawPost, source: &Source, seen: Timestamp) -> (Post, Author) {
    let masked = u32::try_from(raw.text.masks().len()).unwrap_or(u32::MAX);
    let post = Post {
        key: PostKey { source: source.id.clone(), id: PostId(raw.id) },
        platform: source.platform.clone(),
        kind: match raw.kind {
            RawKind::Post => PostKind::Post,
            RawKind::Comment => PostKind::Comment,
        },
        parent: raw.parent.map(PostId),
        text: clean(raw.text.as_str()),
        masked,
        published: raw.published.unwrap_or(seen),
        edited: raw.edited,
        official: raw.official,
        own_name: matches!(raw.author, Author::Source),
        repost: raw.repost,
        url: raw.url,
        counts: Counts {
            views: raw.counts.views,
            likes: raw.counts.likes,
            reposts: raw.counts.reposts,
            comments: raw.counts.comments,
        },
        place: source.place.clone(),
    };
    (post, raw.author)
}
