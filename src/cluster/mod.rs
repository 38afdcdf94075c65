//! One problem, once: joins a post to problems by topic, place and time.
//!
//! Place in the flow: behind `risk`, before `alert`; the pipeline loads the problems that a post's
//! keys may touch, calls [`assign`], and stores the events and memberships in the post's
//! transaction. Invariant: posts are taken one at a time and only the gap between them counts, so
//! identical posts in identical order make identical problems, whatever the batch size or restart
//! points. An official text opens nothing and has no voice; a post that is no ground opens nothing
//! and joins as a count.

mod chance;
mod history;
mod join;
mod key;
mod lifecycle;
mod open;
pub mod usual;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Finding, Membership, PlaceFinding, PostKey, ProblemEvent, ProblemId, ProblemKey, Risk, TopicId,
    TopicKind,
};
use crate::text::Sketch;

pub use join::assign;
pub use key::{Reach, Subject};
pub use lifecycle::{Life, age, life};
pub use open::{Loaded, OpenProblems, Trait, VoiceMark, count_voices, problem_id, split_id};

/// Posts of a problem whose words and addresses are kept at hand.
pub const RECENT_MAX: usize = 32;

/// Problems of one key that a post looks at: those with the latest posts.
pub const CANDIDATES_MAX: usize = 64;

/// Hours over which growth is measured: shorter, and a village's two posts are a flood; longer, and
/// it says what the number of voices says already.
pub const GROWTH_HOURS: i64 = 6;

/// How long a page's own text is remembered in a problem, in days.
pub const MEMORY_DAYS: u32 = 60;

/// Bounds and times of joining.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterRules {
    /// Least score of a topic that joins or opens a problem.
    pub join_score: u8,
    /// A topic with less risk than this is only named in the post, not complained about: it opens
    /// nothing, and joins only what its thread or the very house that it names is about. Whoever
    /// names house and topic clearly reports, in however few words: then only what the lack of a
    /// complaint takes off is left out of account.
    pub least_risk: u8,
    /// A topic that nothing in the post complains of counts as one from this score on.
    pub calm_score: u8,
    /// Most topics of one post that join.
    pub topics_max: usize,
    /// Most places of one post that join.
    pub places_max: usize,
    /// Days after its last post during which a problem simply grows.
    pub quiet_days: u32,
    /// Days after its last post during which a post reopens it; later ones open a new problem.
    pub reopen_days: u32,
    /// Days after its last post during which a post from another house of the settlement joins a
    /// problem that may have one cause for both.
    pub near_days: u32,
    /// Days after its last post during which a problem without a place grows by a like text.
    pub unplaced_days: u32,
    /// Least likeness of a text that joins a problem without a place.
    pub unplaced_likeness: f64,
    /// Most posts of a problem that keep a clause to quote.
    pub quotes_max: usize,
    /// Topics that are a matter of one house or yard.
    pub house: BTreeSet<TopicId>,
    /// Topics that are a matter of one street.
    pub street: BTreeSet<TopicId>,
}

impl Default for ClusterRules {
    fn default() -> Self {
        let topics = |ids: &[&str]| ids.iter().map(|id| TopicId::from(*id)).collect();
        Self {
            join_score: 40,
            least_risk: 10,
            calm_score: 60,
            topics_max: 3,
            places_max: 3,
            quiet_days: 7,
            reopen_days: 30,
            near_days: 2,
            unplaced_days: 3,
            unplaced_likeness: 0.8,
            quotes_max: 5,
            house: topics(&[
                "housing",
                "vandalism",
                "landscaping",
                "rubbish",
                "greenery",
                "construction",
                "trade",
                "lighting",
                "culture_sport",
                "street_hazard",
                "snow",
            ]),
            street: topics(&["roads"]),
        }
    }
}

impl ClusterRules {
    /// How wide a failure of this topic usually is.
    #[must_use]
    pub fn reach(&self, topic: &TopicId) -> Reach {
        if self.house.contains(topic) {
            Reach::House
        } else if self.street.contains(topic) {
            Reach::Street
        } else {
            Reach::Settlement
        }
    }
}

/// What within its topics is complained about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Name; that of `topic` itself if the object only says that the topic is meant.
    pub name: String,
    /// Topic of its problems, whichever of its topics was found.
    pub topic: TopicId,
}

/// A post that has been assessed and looks for its problems.
#[derive(Debug, Clone, PartialEq)]
pub struct Newcomer {
    /// Which post.
    pub key: PostKey,
    /// When it was published.
    pub published: Timestamp,
    /// Topics, with the clause that may be quoted.
    pub findings: Vec<Finding>,
    /// Places, resolved: from the text, its parent, thread, source or district.
    pub places: Vec<PlaceFinding>,
    /// Risk of the post alone, by topic; a topic that is lacking has none.
    pub risks: BTreeMap<TopicId, Risk>,
    /// Topics that are named without any sign of a complaint, with the risk that they would have
    /// beside one.
    pub calm: BTreeMap<TopicId, u8>,
    /// Object that the text names, by the topics within which it tells problems apart.
    pub objects: BTreeMap<TopicId, Object>,
    /// Whether it names nothing itself and only agrees with the post it answers.
    pub echo: bool,
    /// What tells its copies.
    pub sketch: Sketch,
    /// Voice per topic; none for an official text.
    pub voices: BTreeMap<TopicId, VoiceMark>,
    /// Whether the page wrote in its own name: counts once per distinct text, for no k.
    pub own_name: bool,
    /// Whether a body speaks: opens nothing, has no voice.
    pub official: bool,
    /// Whether it may be a ground of an alert: false with an attitude match or for an official
    /// text.
    pub ground: bool,
    /// Whether its clause may be quoted.
    pub quotable: bool,
    /// Hash of the folded text: tells copies of a page's own text.
    pub text_hash: u64,
    /// Problems that the post it answers belongs to, the main one first.
    pub thread: Vec<ProblemId>,
    /// Problems it has joined before (an edit is assessed again, but counted once).
    pub member_of: Vec<ProblemId>,
    /// Problems that a person took it out of.
    pub barred: Vec<ProblemId>,
}

impl Newcomer {
    /// Topics and settlements under which it may be counted; `""` is no settlement.
    #[must_use]
    pub fn cells(&self, rules: &ClusterRules) -> BTreeSet<(String, String)> {
        let named = self.findings.iter().flat_map(|finding| key::subjects(self, finding, rules));
        let lone = key::lone_subjects(self, rules);
        let cell = |subject: Subject| {
            let place = subject.key.place.map(|place| place.0).unwrap_or_default();
            (subject.topic.into(), place)
        };
        named.chain(lone).map(cell).collect()
    }

    /// Every key under which it looks for problems.
    #[must_use]
    pub fn keys(&self, rules: &ClusterRules) -> BTreeSet<ProblemKey> {
        let named = self.findings.iter().flat_map(|finding| key::subjects(self, finding, rules));
        let lone =
            if self.findings.is_empty() { key::lone_subjects(self, rules) } else { Vec::new() };
        named.chain(lone).map(|subject| subject.key).collect()
    }
}

/// What a problem weighs: input of the problem's score. No counter of fame is here.
#[derive(Debug, Clone, PartialEq)]
pub struct ProblemFacts<'a> {
    /// Topic.
    pub topic: &'a TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Risk of the problem before this post (score 0 for a new one), with its reasons.
    pub before: &'a Risk,
    /// Risk of the post that joins; `None` if it is no ground: then only the counts may change it.
    pub post: Option<&'a Risk>,
    /// Posts, this one among them.
    pub posts: u32,
    /// Distinct voices (largest month).
    pub voices: u32,
    /// Distinct voices of the last [`GROWTH_HOURS`] up to the latest post, as far as the latest
    /// posts are kept ([`RECENT_MAX`]).
    pub lately: u32,
    /// Sources that carry it.
    pub sources: u32,
    /// How many times it came back.
    pub returns: u32,
    /// Time from its first to its last post.
    pub lasts: SignedDuration,
    /// When a body last answered.
    pub answered: Option<Timestamp>,
}

/// Scores a problem; given by the caller, so that this stage does not know the risk table.
pub type ScoreProblem<'a> = dyn Fn(&ProblemFacts<'_>) -> Risk + 'a;

/// What one post did to one problem.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// Which problem.
    pub problem: ProblemId,
    /// Events to append, in order; the first is `Opened` for a new problem. May be empty (a copy).
    pub events: Vec<ProblemEvent>,
    /// The post's place in the problem; `None` for an answer and for a post that is there already.
    pub membership: Option<Membership>,
    /// The voice to keep with the problem, if it is a new one there.
    pub voice: Option<VoiceMark>,
    /// Hash of a page's own text to keep with the problem, if it is a new one there.
    pub own_text: Option<u64>,
}

/// `n` days of 24 hours.
fn days(n: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(n) * 24)
}
