//! Puts a story on local platforms: VK, Telegram's preview and a feed, on loopback sockets.
//!
//! Place in the flow: in front of the collectors, where the internet would be. Invariant:
//! everything is written ahead; what a page shows depends on the story and on the instant of the
//! request alone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use otklik_collectors::play::rss::PlayRss;
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::play::vk::PlayVk;
use otklik_collectors::play::{Server, serve};
use otklik_collectors::{Clock, Platform};

use super::{SimAuthor, SimPage, Story};
use crate::config::sources::kind_name;

/// Members of a community: nobody looks at the number, but VK would show one.
const MEMBERS: u64 = 1_200;
/// Longest headline of an article, in characters.
const HEADLINE_CHARS_MAX: usize = 90;
/// How often a page of the district is read, and one of the region.
const EVERY: (&str, &str) = ("30m", "1h");
/// How far back the first look goes.
const BACKFILL: &str = "1d";

/// The platforms of a story before anybody can reach them.
pub struct Platforms {
    /// VK with its walls.
    pub vk: PlayVk,
    /// The preview with its channels.
    pub telegram: PlayTelegram,
    /// The sites with their feeds.
    pub rss: PlayRss,
}

impl Platforms {
    /// Everything the story tells, written ahead in the order of its dates.
    #[must_use]
    pub fn of(story: &Story) -> Self {
        let mut platforms = Self::empty(story);
        let mut order: Vec<usize> = (0..story.posts.len()).collect();
        order.sort_by_key(|number| (story.posts[*number].at, *number));
        let mut walls: BTreeMap<usize, i64> = BTreeMap::new();
        for number in order {
            let post = &story.posts[number];
            let page = &story.pages[post.page];
            match page.platform {
                Platform::Vk => {
                    let under = post.reply_to.and_then(|post| walls.get(&post).copied());
                    let id = platforms.write_vk(page, post.author, post.at, &post.text, under);
                    walls.insert(number, id);
                }
                Platform::Telegram => {
                    platforms.telegram.post(page.handle, post.at, &post.text);
                }
                _ => {
                    if let Some(feed) = platforms.rss.feed(page.handle) {
                        feed.post(post.at, &headline(&post.text), &post.text);
                    }
                }
            }
        }
        platforms
    }

    fn empty(story: &Story) -> Self {
        let mut platforms =
            Self { vk: PlayVk::new(), telegram: PlayTelegram::new(), rss: PlayRss::new() };
        for page in &story.pages {
            match page.platform {
                Platform::Vk => {
                    platforms.vk.world.add_community(
                        -page.number,
                        page.handle,
                        page.title,
                        MEMBERS,
                    );
                }
                Platform::Telegram => {
                    platforms.telegram.add_channel(page.handle, page.number, page.title);
                }
                _ => {
                    platforms.rss.add_feed(page.handle, page.title);
                }
            }
        }
        platforms
    }

    /// Writes a post, or a comment if there is a post above it; returns its number.
    fn write_vk(
        &mut self,
        page: &SimPage,
        author: SimAuthor,
        at: Timestamp,
        text: &str,
        under: Option<i64>,
    ) -> i64 {
        let wall = -page.number;
        let from = match author {
            SimAuthor::Page => wall,
            SimAuthor::Resident(number) => i64::from(number),
        };
        match under {
            Some(post) => self.vk.world.comment(wall, post, from, at, text, None),
            None => self.vk.world.post(wall, from, at, text),
        }
    }
}

/// The first sentence of an article, or as much of it as a headline takes.
fn headline(text: &str) -> String {
    let sentence = text.split_inclusive(['.', '!', '?']).next().unwrap_or(text);
    sentence.trim_end_matches('.').chars().take(HEADLINE_CHARS_MAX).collect()
}

/// A story on loopback sockets; they close when it is dropped.
pub struct Stage {
    vk: Server,
    telegram: Server,
    rss: Server,
}

impl Stage {
    /// Opens the platforms of `story`; `clock` tells them the time.
    pub async fn open(story: &Story, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let platforms = Platforms::of(story);
        Ok(Self {
            vk: serve(Arc::new(Mutex::new(platforms.vk)), Arc::clone(&clock)).await?,
            telegram: serve(Arc::new(Mutex::new(platforms.telegram)), Arc::clone(&clock)).await?,
            rss: serve(Arc::new(Mutex::new(platforms.rss)), clock).await?,
        })
    }

    /// For `[platforms.vk] api_url`.
    #[must_use]
    pub fn vk_url(&self) -> String {
        format!("http://{}/method", self.vk.addr)
    }

    /// For `[platforms.telegram] preview_url`.
    #[must_use]
    pub fn telegram_url(&self) -> String {
        format!("http://{}", self.telegram.addr)
    }

    /// The story's pages as sources.toml lists them.
    #[must_use]
    pub fn sources_toml(&self, story: &Story) -> String {
        let mut text =
            "# Вымышленные страницы вымышленного района; они живут только во время показа.\n"
                .to_owned();
        for page in &story.pages {
            text.push_str(&self.source_toml(page));
        }
        text
    }

    fn source_toml(&self, page: &SimPage) -> String {
        let handle = match page.platform {
            Platform::Rss => format!("http://{}{}", self.rss.addr, page.handle),
            _ => page.handle.to_owned(),
        };
        let (scope, every) = if page.region { ("region", EVERY.1) } else { ("district", EVERY.0) };
        let mut text = format!(
            "\n# {}\n[[source]]\nid = \"{}\"\nplatform = \"{}\"\nhandle = \"{handle}\"\nkind = \"{}\"\n\
             scope = \"{scope}\"\nevery = \"{every}\"\nbackfill = \"{BACKFILL}\"\n",
            page.title,
            page.id,
            page.platform.name(),
            kind_name(page.kind),
        );
        if let Some(place) = page.place {
            // Writing to a string cannot fail.
            writeln!(text, "place = \"{place}\"").ok();
        }
        text
    }
}
