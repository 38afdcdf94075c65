//! Joins one post to its problems, or opens them.
//!
//! Place in the flow: the body of the stage. Invariants: looks at the problems of the post's own
//! keys and of its thread only, and at a bounded number of them, so the cost of a post does not
//! depend on the length of history; nothing but the post and what is loaded decides.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::key::{self, Reach, Subject};
use super::{
    Assignment, CANDIDATES_MAX, ClusterRules, GROWTH_HOURS, Loaded, MEMORY_DAYS, Newcomer,
    OpenProblems, ProblemFacts, ScoreProblem, Trait, VoiceMark, days,
};
use crate::model::{
    Finding, Membership, Problem, ProblemEvent, ProblemEventKind, ProblemId, ProblemKey, QuoteRef,
    Risk, Span,
};
use crate::text::Sketch;

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
    let mut assignments: Vec<Assignment> = Vec::new();
    let mut met: BTreeSet<ProblemId> = BTreeSet::new();
    let mut keys: BTreeSet<ProblemKey> = BTreeSet::new();
    for finding in joined_topics(item, rules) {
        for subject in key::subjects(item, finding, rules) {
            let meeting = meet(item, &subject, open, rules);
            let meant = is_complaint(item, finding, rules)
                || is_report(item, finding, &subject, rules)
                || adds(item, &subject, &meeting);
            if !meant {
                continue;
            }
            // Two topics of one object meet in one problem, however little the text says.
            let known = meeting.problem().is_some_and(|id| met.contains(id));
            if known || keys.contains(&subject.key) {
                continue;
            }
            let risk = item.risks.get(&finding.topic).filter(|_| item.ground);
            let desk = Desk { item, rules, score, risk, primary: assignments.is_empty() };
            let joined = desk.join(&subject, finding.clause, meeting, open);
            met.extend(joined.iter().map(|assignment| assignment.problem.clone()));
            keys.extend(joined.iter().map(|_| subject.key.clone()));
            assignments.extend(joined);
        }
    }
    if item.findings.is_empty() {
        let desk = Desk { item, rules, score, risk: None, primary: true };
        assignments.extend(desk.follow(open));
    }
    assignments
}

/// Whether the post complains of a topic: the one gate between complaints and mere mentions.
/// «Где подстричь собаку» is no beginning of a pack of dogs; «нет света, Ерхирик» is a complaint
/// though nothing in it complains.
fn is_complaint(item: &Newcomer, finding: &Finding, rules: &ClusterRules) -> bool {
    let risk = item.risks.get(&finding.topic).map_or(0, |risk| risk.score);
    let clear = finding.score >= rules.calm_score || !item.calm.contains_key(&finding.topic);
    risk >= rules.least_risk && clear
}

/// Whether the post names a topic clearly at a very house: that is a report without a word of
/// complaint («Садовая 5, надписи в подъезде»), unless something else speaks against it.
fn is_report(item: &Newcomer, finding: &Finding, subject: &Subject, rules: &ClusterRules) -> bool {
    let risk = item.calm.get(&finding.topic).copied().unwrap_or(0);
    subject.is_at_house() && finding.score >= rules.calm_score && risk >= rules.least_risk
}

/// Whether a mere mention may add to a problem that is there: in its thread, or at its very house.
fn adds(item: &Newcomer, subject: &Subject, meeting: &Meeting) -> bool {
    let Meeting::Grows(id) = meeting else { return false };
    item.thread.contains(id) || subject.is_at_house()
}

/// Topics that may join, best first, ties by id.
fn joined_topics<'a>(item: &'a Newcomer, rules: &ClusterRules) -> Vec<&'a Finding> {
    let clear = |finding: &&Finding| finding.score >= rules.join_score;
    let mut topics: Vec<&Finding> = item.findings.iter().filter(clear).collect();
    topics.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.topic.cmp(&b.topic)));
    topics.truncate(rules.topics_max);
    topics
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

impl Meeting {
    fn problem(&self) -> Option<&ProblemId> {
        match self {
            Meeting::Grows(id) | Meeting::Reopens(id) => Some(id),
            Meeting::Opens => None,
        }
    }
}

/// One post on its way into one problem.
struct Desk<'a> {
    item: &'a Newcomer,
    rules: &'a ClusterRules,
    score: &'a ScoreProblem<'a>,
    /// Risk of the post alone, if it is a ground.
    risk: Option<&'a Risk>,
    primary: bool,
}

impl Desk<'_> {
    /// Joins the post to the problem of one subject.
    fn join(
        &self,
        subject: &Subject,
        clause: Option<Span>,
        meeting: Meeting,
        open: &mut OpenProblems,
    ) -> Option<Assignment> {
        let item = self.item;
        let mut events = Vec::new();
        let id = match meeting {
            Meeting::Grows(id) => id,
            // What no alert may stand on opens nothing: it counts where others have written too.
            Meeting::Reopens(_) | Meeting::Opens if !item.ground => return None,
            Meeting::Reopens(id) => {
                let event = ProblemEvent { at: item.published, kind: ProblemEventKind::Reopened };
                if let Some(loaded) = open.get_mut(&id) {
                    loaded.come_back(&event);
                }
                events.push(event);
                id
            }
            Meeting::Opens => {
                let (id, opened) = open.begin(subject, item);
                events.push(opened);
                id
            }
        };
        let loaded = open.get_mut(&id)?;
        Some(self.enter(loaded, events, clause, subject.named.clone()))
    }

    /// A text without a topic of its own: agrees with its thread, or names the object and the house
    /// of a problem that others opened.
    fn follow(&self, open: &mut OpenProblems) -> Option<Assignment> {
        let item = self.item;
        let near_days = days(self.rules.quiet_days);
        let living = |open: &OpenProblems, id: &ProblemId| {
            let loaded = open.living(open.get(id)?);
            let alive = loaded.problem.ended.is_none();
            let near = gap(&loaded.problem, item.published) <= near_days;
            let barred = item.barred.contains(&loaded.problem.id);
            (alive && near && !barred).then(|| loaded.problem.id.clone())
        };
        let id = if item.echo {
            item.thread.first().and_then(|id| living(open, id))
        } else {
            key::lone_subjects(item, self.rules).iter().find_map(|subject| {
                match meet(item, subject, open, self.rules) {
                    Meeting::Grows(id) => living(open, &id),
                    Meeting::Reopens(_) | Meeting::Opens => None,
                }
            })
        }?;
        let loaded = open.get_mut(&id)?;
        Some(self.enter(loaded, Vec::new(), None, None))
    }

    /// Counts the post in a problem that is open to it.
    fn enter(
        &self,
        loaded: &mut Loaded,
        events: Vec<ProblemEvent>,
        clause: Option<Span>,
        address: Option<String>,
    ) -> Assignment {
        let item = self.item;
        let problem = loaded.problem.id.clone();
        let mut assignment =
            Assignment { problem, events, membership: None, voice: None, own_text: None };
        if item.member_of.contains(&assignment.problem) {
            return assignment;
        }
        let known = loaded.own_texts.get(&item.text_hash).copied();
        // A page's text that is repeated after a long time is said anew.
        let repeated =
            known.is_some_and(|at| item.published.duration_since(at) <= days(MEMORY_DAYS));
        let own_copy = item.own_name && repeated;
        let copy = own_copy || loaded.has_copy(&item.sketch);
        if item.own_name {
            assignment.own_text = (!own_copy).then_some(item.text_hash);
            let last = loaded.own_texts.entry(item.text_hash).or_insert(item.published);
            *last = item.published.max(*last);
        }
        loaded.sources.insert(item.key.source.clone());
        let sketch = (item.sketch.telling() && !copy).then(|| item.sketch.clone());
        let voice = item.voices.get(&loaded.problem.topic).filter(|_| !copy && !item.own_name);
        let voice = voice.copied();
        let said = Trait { sketch, address: address.clone(), voice: voice.map(|(_, mark)| mark) };
        loaded.remember(item.published, &item.key, said.clone());
        if !own_copy {
            if !copy {
                assignment.voice = hear(item, loaded);
            }
            let grew = self.grow(loaded);
            let grew = ProblemEvent { at: item.published, kind: grew };
            loaded.problem.apply(&grew);
            assignment.events.push(grew);
        }
        assignment.membership = Some(Membership {
            problem: assignment.problem.clone(),
            post: item.key.clone(),
            primary: self.primary,
            quote: keep_quote(item, clause, copy, loaded, self.rules),
            published: item.published,
            copy,
            sketch: said.sketch.as_ref().map(Sketch::to_bytes),
            address,
            voice,
            own_text: item.own_name.then_some(item.text_hash),
        });
        assignment
    }

    /// The growth that this post is, with the problem's new score.
    fn grow(&self, loaded: &Loaded) -> ProblemEventKind {
        let Problem { score, level, reasons, last, .. } = &loaded.problem;
        let published = self.item.published;
        let before = Risk { score: *score, level: *level, reasons: reasons.clone() };
        // Up to the latest post, whichever joins: the score does not depend on who was read last.
        let latest = published.max(*last);
        let lasts = latest.duration_since(published.min(loaded.problem.since()));
        let hours = SignedDuration::from_hours(GROWTH_HOURS);
        let since = latest.saturating_sub(hours).unwrap_or(Timestamp::MIN);
        let voices = loaded.count_voices().0;
        let risk = (self.score)(&ProblemFacts {
            topic: &loaded.problem.topic,
            kind: loaded.problem.kind,
            before: &before,
            post: self.risk,
            posts: loaded.problem.posts_since() + 1,
            voices,
            lately: loaded.voices_between(since, latest),
            sources: loaded.sources_since(),
            returns: loaded.problem.returns,
            lasts,
            answered: loaded.problem.answered,
        });
        ProblemEventKind::Grew { published, score: risk.score, reasons: risk.reasons, voices }
    }
}

/// Finds the problem of this subject that the post belongs to by time, text and address.
fn meet(item: &Newcomer, subject: &Subject, open: &OpenProblems, rules: &ClusterRules) -> Meeting {
    let aspect = subject.key.aspect.as_str();
    let here = |id: &&ProblemId| {
        open.of_key(&subject.key).any(|loaded| open.living(loaded).problem.id == **id)
    };
    if let Some(id) = item.member_of.iter().find(here) {
        return Meeting::Grows(id.clone());
    }
    if subject.key.is_unplaced()
        && let Some(loaded) = in_thread(item, aspect, open)
        && gap(&loaded.problem, item.published) <= days(rules.quiet_days)
        && loaded.problem.ended.is_none()
        && !item.barred.contains(&loaded.problem.id)
    {
        return Meeting::Grows(loaded.problem.id.clone());
    }
    let mut candidates: Vec<&Loaded> = open.of_key(&subject.key).collect();
    candidates.sort_by(|a, b| {
        b.problem.last.cmp(&a.problem.last).then_with(|| a.problem.id.cmp(&b.problem.id))
    });
    candidates.truncate(CANDIDATES_MAX);
    let nearest = candidates
        .into_iter()
        .map(|loaded| open.living(loaded))
        .filter(|loaded| !item.barred.contains(&loaded.problem.id))
        .filter_map(|loaded| Some((closeness(item, subject, loaded, rules)?, loaded)))
        .min_by(|(a, x), (b, y)| {
            a.cmp(b)
                .then_with(|| y.problem.opened.cmp(&x.problem.opened))
                .then_with(|| x.problem.id.cmp(&y.problem.id))
        });
    let Some(((_, gap), loaded)) = nearest else { return Meeting::Opens };
    let problem = &loaded.problem;
    let later = item.published > problem.last;
    let near = gap <= days(rules.quiet_days);
    match problem.ended {
        // A post from before the last one, read late, is part of what is over; a later one reopens.
        Some(_) if later => Meeting::Reopens(problem.id.clone()),
        None if later && !near => Meeting::Reopens(problem.id.clone()),
        _ if near => Meeting::Grows(problem.id.clone()),
        _ => Meeting::Opens,
    }
}

/// The thread's problem about the same matter: a comment without a place means the same place.
fn in_thread<'a>(item: &Newcomer, aspect: &str, open: &'a OpenProblems) -> Option<&'a Loaded> {
    let mut thread = item.thread.iter().filter_map(|id| open.get(id));
    let found = thread.find(|loaded| loaded.problem.aspect() == aspect)?;
    Some(open.living(found))
}

/// How far a post is from a problem of its key: first by its words (in coarse steps, so that time
/// decides among problems that are equally like it), then by time. `None`: too far.
fn closeness(
    item: &Newcomer,
    subject: &Subject,
    loaded: &Loaded,
    rules: &ClusterRules,
) -> Option<(i32, SignedDuration)> {
    let gap = gap(&loaded.problem, item.published);
    let likeness = loaded.likeness(&item.sketch);
    let reach = if subject.key.is_unplaced() {
        let like = item.sketch.telling() && likeness >= rules.unplaced_likeness;
        if !like {
            return None;
        }
        rules.unplaced_days
    } else if subject.reach == Reach::Settlement
        && subject.named.as_deref().is_some_and(|named| loaded.is_at_others(named))
    {
        rules.near_days
    } else {
        rules.reopen_days
    };
    let within = gap <= days(rules.quiet_days);
    // What is alive comes before what would have to be reopened, whatever the words.
    let words = if within && item.sketch.telling() && likeness >= ALIKE { 0 } else { 1 };
    (gap <= days(reach)).then_some((words + i32::from(!within), gap))
}

/// A text this like one of a problem's belongs rather there than to a nearer problem of the key.
const ALIKE: f64 = 0.5;

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

/// Adds the post's voice to those since the problem opened or last came back; returns it if it is
/// new there.
fn hear(item: &Newcomer, loaded: &mut Loaded) -> Option<VoiceMark> {
    if item.own_name {
        return None;
    }
    let (month, voice) = *item.voices.get(&loaded.problem.topic)?;
    if item.published < loaded.problem.since() && loaded.problem.back.is_some() {
        return None;
    }
    loaded.voices.entry(month).or_default().insert(voice).then_some((month, voice))
}

/// Keeps the clause of the first few quotable grounds.
fn keep_quote(
    item: &Newcomer,
    clause: Option<Span>,
    copy: bool,
    loaded: &mut Loaded,
    rules: &ClusterRules,
) -> Option<Span> {
    let span = clause?;
    if copy || !item.ground || !item.quotable || loaded.quotes.len() >= rules.quotes_max {
        return None;
    }
    loaded.quotes.push(QuoteRef { post: item.key.clone(), span });
    Some(span)
}
