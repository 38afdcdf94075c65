//! One problem, once: joins a post to problems by topic, place and time.
//!
//! Place in the flow: behind `risk`, before `alert`; the pipeline loads the problems that a post's
//! keys may touch, calls [`assign`], and stores the events and memberships in the post's
//! transaction. Invariant: posts are taken one at a time and only the gap between them counts, so
//! identical posts in identical order make identical problems, whatever the batch size or restart
//! points. An official text opens nothing and has no voice; a post that is no ground opens nothing
//! and joins as a count.

mod lifecycle;
mod open;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::model::{
    Finding, Membership, PlaceFinding, PlaceId, PostKey, Problem, ProblemEvent, ProblemEventKind,
    ProblemId, ProblemState, Risk, Span, TopicId, TopicKind,
};

pub use lifecycle::age;
pub use open::{Loaded, OpenProblems, VoiceMark, count_voices, problem_id};

/// Bounds and times of joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRules {
    /// Least score of a topic that joins or opens a problem.
    pub join_score: u8,
    /// A topic with less risk than this is only named in the post, not complained about: it joins
    /// and opens nothing.
    pub least_risk: u8,
    /// Most topics of one post that join.
    pub topics_max: usize,
    /// Most places of one post that join.
    pub places_max: usize,
    /// Days after its last post during which a problem simply grows.
    pub quiet_days: u32,
    /// Days after its last post during which a post reopens it; later ones open a new problem.
    pub reopen_days: u32,
    /// Most posts of a problem that keep a clause to quote.
    pub quotes_max: usize,
}

impl Default for ClusterRules {
    fn default() -> Self {
        Self {
            join_score: 40,
            least_risk: 10,
            topics_max: 3,
            places_max: 3,
            quiet_days: 7,
            reopen_days: 30,
            quotes_max: 5,
        }
    }
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
    /// Problems that the post it answers belongs to.
    pub thread: Vec<ProblemId>,
    /// Problems it has joined before (an edit is assessed again, but counted once).
    pub member_of: Vec<ProblemId>,
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

/// Joins one post to its problems and folds the events into `open`. Returns what to store: main
/// problem first, then by topic score and place order. Nothing for a text that belongs nowhere.
pub fn assign(
    item: &Newcomer,
    open: &mut OpenProblems,
    rules: &ClusterRules,
    score: &ScoreProblem<'_>,
) -> Vec<Assignment> {
    if item.official {
        return answer(item, open);
    }
    let Some(places) = joined_places(&item.places, rules.places_max) else {
        return Vec::new();
    };
    let mut assignments = Vec::new();
    for finding in joined_topics(item, rules) {
        for place in &places {
            let primary = assignments.is_empty();
            let joined = join(item, finding, place.as_ref(), primary, open, rules, score);
            assignments.extend(joined);
        }
    }
    assignments
}

/// Topics that join, best first, ties by id.
fn joined_topics<'a>(item: &'a Newcomer, rules: &ClusterRules) -> Vec<&'a Finding> {
    let meant = |finding: &&Finding| {
        let risk = item.risks.get(&finding.topic).map_or(0, |risk| risk.score);
        finding.score >= rules.join_score && risk >= rules.least_risk
    };
    let mut topics: Vec<&Finding> = item.findings.iter().filter(meant).collect();
    topics.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.topic.cmp(&b.topic)));
    topics.truncate(rules.topics_max);
    topics
}

/// Our settlements in order, each once; `[None]` if none is known; nothing if all lie elsewhere.
fn joined_places(places: &[PlaceFinding], places_max: usize) -> Option<Vec<Option<PlaceId>>> {
    let mut ours: Vec<Option<PlaceId>> = Vec::new();
    for place in places.iter().filter(|place| !place.elsewhere && place.place.is_some()) {
        if !ours.contains(&place.place) && ours.len() < places_max {
            ours.push(place.place.clone());
        }
    }
    if ours.is_empty() {
        if places.iter().any(|place| place.elsewhere) {
            return None;
        }
        ours.push(None);
    }
    Some(ours)
}

/// An official text: answers the problems of the thread it stands in, and nothing else.
fn answer(item: &Newcomer, open: &mut OpenProblems) -> Vec<Assignment> {
    let mut answered: Vec<ProblemId> = item.thread.clone();
    answered.sort();
    answered.dedup();
    let mut assignments = Vec::new();
    for id in answered {
        let Some(loaded) = open.get_mut(&id) else { continue };
        // An edit of an answer, or an older answer read later, is not a newer one.
        if loaded.problem.answered.is_some_and(|at| at >= item.published) {
            continue;
        }
        let kind = ProblemEventKind::Answered { published: item.published };
        let event = ProblemEvent { at: item.published, kind };
        loaded.problem.apply(&event);
        assignments.push(Assignment {
            problem: id,
            events: vec![event],
            membership: None,
            voice: None,
            own_text: None,
        });
    }
    assignments
}

/// How a post meets a problem of its key.
enum Meeting {
    Grows(ProblemId),
    Reopens(ProblemId),
    Opens,
}

/// Joins one post to the problem of one key.
fn join(
    item: &Newcomer,
    finding: &Finding,
    place: Option<&PlaceId>,
    primary: bool,
    open: &mut OpenProblems,
    rules: &ClusterRules,
    score: &ScoreProblem<'_>,
) -> Option<Assignment> {
    let mut events = Vec::new();
    let event = |kind| ProblemEvent { at: item.published, kind };
    let id = match meet(item, &finding.topic, place, open, rules) {
        Meeting::Grows(id) => id,
        // What no alert may stand on opens nothing: it is counted where others have written too.
        Meeting::Reopens(_) | Meeting::Opens if !item.ground => return None,
        Meeting::Reopens(id) => {
            events.push(event(ProblemEventKind::Reopened));
            id
        }
        Meeting::Opens => {
            events.push(event(ProblemEventKind::Opened {
                topic: finding.topic.clone(),
                kind: finding.kind,
                place: place.cloned(),
            }));
            open.begin(&finding.topic, finding.kind, place, item)
        }
    };
    let loaded = open.get_mut(&id).expect("the problem was found or begun just now");
    for event in &events {
        loaded.problem.apply(event);
    }
    let mut assignment =
        Assignment { problem: id.clone(), events, membership: None, voice: None, own_text: None };
    if item.member_of.contains(&id) {
        return Some(assignment);
    }
    let copy = item.own_name && !loaded.own_texts.insert(item.text_hash);
    assignment.own_text = (item.own_name && !copy).then_some(item.text_hash);
    loaded.sources.insert(item.key.source.clone());
    if !copy {
        assignment.voice = hear(item, &finding.topic, loaded);
        let grew = event(grow(item, loaded, score));
        loaded.problem.apply(&grew);
        assignment.events.push(grew);
    }
    let quote = keep_quote(item, finding, copy, loaded, rules);
    assignment.membership =
        Some(Membership { problem: id, post: item.key.clone(), primary, quote });
    Some(assignment)
}

/// Finds the problem of this key that the post belongs to by time.
fn meet(
    item: &Newcomer,
    topic: &TopicId,
    place: Option<&PlaceId>,
    open: &OpenProblems,
    rules: &ClusterRules,
) -> Meeting {
    if let Some(id) = item.member_of.iter().find(|id| open.has_key(id, topic, place)) {
        return Meeting::Grows(id.clone());
    }
    let nearest = open
        .of_key(topic, place)
        .map(|loaded| (gap(&loaded.problem, item.published), &loaded.problem))
        .min_by(|a, b| a.0.cmp(&b.0).then_with(|| b.1.opened.cmp(&a.1.opened)));
    let Some((gap, problem)) = nearest else { return Meeting::Opens };
    let later = item.published > problem.last;
    if gap <= days(rules.quiet_days) {
        // A post from before the end, read late, is part of what is over; a later one reopens it.
        if later && problem.state == ProblemState::Closed {
            return Meeting::Reopens(problem.id.clone());
        }
        Meeting::Grows(problem.id.clone())
    } else if gap <= days(rules.reopen_days) && later {
        Meeting::Reopens(problem.id.clone())
    } else {
        Meeting::Opens
    }
}

/// Time between a post and the life of a problem; zero inside it.
fn gap(problem: &Problem, published: Timestamp) -> SignedDuration {
    if published > problem.last {
        published.duration_since(problem.last)
    } else if published < problem.opened {
        problem.opened.duration_since(published)
    } else {
        SignedDuration::ZERO
    }
}

/// `n` days of 24 hours.
fn days(n: u32) -> SignedDuration {
    SignedDuration::from_hours(i64::from(n) * 24)
}

/// Adds the post's voice to the problem; returns it if it is new there.
fn hear(item: &Newcomer, topic: &TopicId, loaded: &mut Loaded) -> Option<VoiceMark> {
    if item.own_name {
        return None;
    }
    let (month, voice) = *item.voices.get(topic)?;
    loaded.voices.entry(month).or_default().insert(voice).then_some((month, voice))
}

/// The growth that this post is, with the problem's new score.
fn grow(item: &Newcomer, loaded: &Loaded, score: &ScoreProblem<'_>) -> ProblemEventKind {
    let problem = &loaded.problem;
    let before =
        Risk { score: problem.score, level: problem.level, reasons: problem.reasons.clone() };
    let first = problem.opened.min(item.published);
    let last = problem.last.max(item.published);
    let risk = score(&ProblemFacts {
        topic: &problem.topic,
        kind: problem.kind,
        before: &before,
        post: item.risks.get(&problem.topic).filter(|_| item.ground),
        posts: problem.posts + 1,
        voices: count_voices(&loaded.voices).0,
        sources: u32::try_from(loaded.sources.len()).unwrap_or(u32::MAX),
        returns: problem.returns,
        lasts: last.duration_since(first),
        answered: problem.answered,
    });
    ProblemEventKind::Grew { published: item.published, score: risk.score, reasons: risk.reasons }
}

/// Keeps the clause of the first few quotable grounds.
fn keep_quote(
    item: &Newcomer,
    finding: &Finding,
    copy: bool,
    loaded: &mut Loaded,
    rules: &ClusterRules,
) -> Option<Span> {
    let span = finding.clause?;
    if copy || !item.ground || !item.quotable || loaded.quotes.len() >= rules.quotes_max {
        return None;
    }
    loaded.quotes.push(crate::model::QuoteRef { post: item.key.clone(), span });
    Some(span)
}
