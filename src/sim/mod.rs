//! The simulated district: several weeks of village life, told from a seed.
//!
//! Place in the flow: beside it. The demo and tests put a [`Story`] on the local servers of
//! `otklik_collectors::play` and run the real daemon against them. Invariant: everything here is
//! made up; the same seed tells the same story; the story knows nothing of packs, it is written as
//! people write.

mod chatter;
mod later;
mod pages;
mod plots;
mod rng;
pub mod run;
pub mod schedule;
pub mod score;
pub mod stage;
mod words;

pub use rng::Rng;

use jiff::{Timestamp, ToSpan};
use otklik_collectors::Platform;

use crate::model::SourceKind;

/// A page of the simulated district.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimPage {
    /// Id in sources.toml.
    pub id: &'static str,
    /// Platform it lives on.
    pub platform: Platform,
    /// Name on the platform.
    pub handle: &'static str,
    /// Title.
    pub title: &'static str,
    /// Number on the platform (VK community, Telegram channel; 0 for feeds).
    pub number: i64,
    /// Kind of page.
    pub kind: SourceKind,
    /// Whether it covers the whole region.
    pub region: bool,
    /// Settlement its texts are about unless they say otherwise.
    pub place: Option<&'static str>,
}

/// Who writes in the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SimAuthor {
    /// The page in its own name.
    Page,
    /// Resident number n: nobody.
    Resident(u32),
}

/// One post or comment of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimPost {
    /// Index into [`Story::pages`].
    pub page: usize,
    /// When it appears.
    pub at: Timestamp,
    /// Who writes.
    pub author: SimAuthor,
    /// Text.
    pub text: String,
    /// Index into [`Story::posts`] of the post it comments on.
    pub reply_to: Option<usize>,
}

/// A problem planted in the story, against which the findings are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planted {
    /// What happened, in Russian.
    pub title: &'static str,
    /// Topics under which it counts as found, the first is the best.
    pub topics: &'static [&'static str],
    /// Settlement it happened in.
    pub place: &'static str,
    /// First text about it.
    pub begins: Timestamp,
    /// Last text about it.
    pub ends: Timestamp,
}

/// Several weeks of village life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// First instant.
    pub start: Timestamp,
    /// Last instant.
    pub end: Timestamp,
    /// Pages.
    pub pages: Vec<SimPage>,
    /// Posts and comments; a comment stands behind its post.
    pub posts: Vec<SimPost>,
    /// Planted problems.
    pub planted: Vec<Planted>,
}

/// Zone of the simulated district: UTC+8 without daylight saving since 2016.
const LOCAL_HOURS: i64 = 8;

/// Weeks told if nobody says.
pub const WEEKS: i64 = 4;
/// Most weeks: a quarter of a year.
pub const WEEKS_MAX: i64 = 13;

impl Story {
    /// Tells the story of `seed`: four weeks from Monday, 20 April 2026, 00:00 in Irkutsk time.
    #[must_use]
    pub fn tell(seed: u64) -> Self {
        Self::tell_weeks(seed, WEEKS)
    }

    /// The same over so many weeks, [`WEEKS`] to [`WEEKS_MAX`].
    #[must_use]
    pub fn tell_weeks(seed: u64, weeks: i64) -> Self {
        let weeks = weeks.clamp(WEEKS, WEEKS_MAX);
        let start: Timestamp = "2026-04-19T16:00:00Z".parse().expect("a valid instant");
        let mut story = Story {
            start,
            end: start + (weeks * 7 * 24).hours(),
            pages: pages::pages(),
            posts: Vec::new(),
            planted: Vec::new(),
        };
        let mut rng = Rng::new(seed);
        plots::plant(&mut story, &mut rng, weeks);
        chatter::chat(&mut story, &mut rng);
        story
    }

    /// Weeks it tells.
    #[must_use]
    pub fn weeks(&self) -> i64 {
        (self.end.as_second() - self.start.as_second()) / (7 * 86_400)
    }

    /// The instant of local `hour` (with fraction) on day `day` of the story.
    fn local(&self, day: i64, hour: f64) -> Timestamp {
        #[expect(clippy::cast_possible_truncation, reason = "an hour of a day in seconds is small")]
        let seconds = (hour * 3600.0) as i64;
        self.start + (day * 24).hours() + seconds.seconds()
    }

    /// Index of the page named `id`.
    fn page(&self, id: &str) -> usize {
        self.pages.iter().position(|page| page.id == id).expect("the story names its own pages")
    }

    /// Adds a post; returns its index.
    fn say(&mut self, page: &str, at: Timestamp, author: SimAuthor, text: String) -> usize {
        let page = self.page(page);
        self.posts.push(SimPost { page, at, author, text, reply_to: None });
        self.posts.len() - 1
    }

    /// Adds a comment below `post`, unless its platform has none here.
    fn reply(&mut self, post: usize, at: Timestamp, author: SimAuthor, text: String) {
        let page = self.posts[post].page;
        if self.pages[page].platform == Platform::Vk {
            self.posts.push(SimPost { page, at, author, text, reply_to: Some(post) });
        }
    }

    /// Local hour of day of an instant, for tests of the rhythm.
    #[must_use]
    pub fn local_hour(at: Timestamp) -> i64 {
        (at.as_second() / 3600 + LOCAL_HOURS).rem_euclid(24)
    }
}
