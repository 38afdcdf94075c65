//! Stored posts through other rules: what would have been told, had they been in force.
//!
//! Place in the flow: `packs backtest` replays the same posts through the rules in force and
//! through the edited ones and shows the difference. Invariants: nothing is stored; posts go
//! through the same stages as live ones, in the same order, each at its own time. A topic that a
//! post did not have when it was stored has no voice there: each such post then counts as a voice
//! of its own, so a number of voices may come out too high, never too low.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use otklik_collectors::Author;
use otklik_collectors::door::Door;

use super::assess::{Batch, Threads, assess_one};
use super::desk::{Desk, nothing};
use super::district::District;
use super::group::{Sending, newcomer};
use super::import::source_of;
use super::keys::PassingKeys;
use crate::classify::Scratch;
use crate::cluster::OpenProblems;
use crate::cluster::usual::Usual;
use crate::model::{Alert, PostId, PostKey, ProblemId, Source, SourceId, TopicId, month_of};
use crate::store::{
    ParentFacts, PostCommit, PostState, StoredPost, VoiceMark, WorkItem, WorkMarks, WorkTicket,
};
use crate::text::fingerprint::fingerprint;

/// An alert that would have been decided.
#[derive(Debug, Clone, PartialEq)]
pub struct ReplayedAlert {
    /// The alert.
    pub alert: Alert,
    /// The post that gave the last push.
    pub post: PostKey,
    /// Who would have been told, by name.
    pub receivers: Vec<String>,
    /// The clauses that it quotes.
    pub quotes: Vec<String>,
}

/// What a replay found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Replayed {
    /// Posts read.
    pub posts: u64,
    /// Problems opened.
    pub opened: u32,
    /// Alerts, in order.
    pub alerts: Vec<ReplayedAlert>,
    /// Posts by topic.
    pub topics: BTreeMap<TopicId, u64>,
}

/// One replay under way.
pub struct Replay<'a> {
    district: &'a District,
    sources: BTreeMap<SourceId, Source>,
    door: Door,
    scratch: Scratch,
    desk: Desk<'a>,
    said: BTreeMap<PostKey, ParentFacts>,
    threads: BTreeMap<SourceId, Threads>,
    joined: BTreeMap<PostKey, Vec<ProblemId>>,
    found: Replayed,
}

impl<'a> Replay<'a> {
    /// A replay through the rules of `district`, from an empty start.
    #[must_use]
    pub fn new(district: &'a District) -> Self {
        let sources = district.sources.iter();
        let open = OpenProblems::new(district.id.clone());
        Self {
            district,
            sources: sources.map(|source| (source.id.clone(), source.clone())).collect(),
            door: Door::new(Arc::new(PassingKeys::default()), []),
            scratch: Scratch::default(),
            desk: Desk::new(
                district,
                open,
                Usual::default(),
                Sending::Suppressed,
                Timestamp::UNIX_EPOCH,
            ),
            said: BTreeMap::new(),
            threads: BTreeMap::new(),
            joined: BTreeMap::new(),
            found: Replayed::default(),
        }
    }

    /// Takes the next post, in the order of `Store::export_posts`. What is gone is not read.
    pub fn take(&mut self, stored: &StoredPost, voices: &[VoiceMark]) {
        if stored.state != PostState::Live {
            return;
        }
        self.found.posts += 1;
        let key = stored.post.key.clone();
        let Some(commit) = self.assess(stored) else { return };
        let findings = commit.assessment.findings.iter();
        let said = ParentFacts {
            places: commit.assessment.places.clone(),
            topics: findings.map(|finding| finding.topic.clone()).collect(),
        };
        self.said.insert(key.clone(), said);
        for finding in &commit.assessment.findings {
            *self.found.topics.entry(finding.topic.clone()).or_default() += 1;
        }
        let Some(marks) = commit.work.clone() else { return };
        let voices = known_voices(&commit, voices);
        let item = self.item(commit, marks, voices, stored.stored);
        let newcomer = newcomer(&item, self.district);
        self.desk.take(item, newcomer);
        self.hear(&key);
    }

    /// What was found.
    #[must_use]
    pub fn finish(mut self) -> Replayed {
        self.found.opened = self.desk.report.opened;
        self.found
    }

    fn assess(&mut self, stored: &StoredPost) -> Option<PostCommit> {
        let post = stored.post.clone();
        let id = post.key.source.clone();
        let source = self
            .sources
            .entry(id.clone())
            .or_insert_with(|| source_of(id.clone(), post.platform.clone()));
        let parent = post.parent.as_ref().map(|parent| answered(&post.key, parent));
        let parents = parent.and_then(|key| Some((key.clone(), self.said.get(&key)?.clone())));
        let batch = Batch {
            district: self.district,
            door: &self.door,
            source,
            parents: parents.into_iter().collect(),
            given: BTreeMap::new(),
            stored: BTreeMap::new(),
            now: post.published,
        };
        let print = fingerprint(&post.text).to_be_bytes().to_vec();
        let threads = self.threads.entry(id).or_default();
        assess_one(&batch, post, print, &Author::Anonymous, threads, &mut self.scratch)
    }

    fn item(
        &self,
        commit: PostCommit,
        marks: WorkMarks,
        voices: Vec<VoiceMark>,
        stored: Timestamp,
    ) -> WorkItem {
        let problems = |key: &PostKey| self.joined.get(key).cloned().unwrap_or_default();
        let parent = commit.post.parent.as_ref().map(|parent| answered(&commit.post.key, parent));
        WorkItem {
            ticket: WorkTicket { post: commit.post.key.clone(), version: 1 },
            fingerprint: commit.fingerprint,
            assessment: commit.assessment,
            voices,
            marks,
            joined: Vec::new(),
            parent_joined: parent.as_ref().map(problems).unwrap_or_default(),
            parted: Vec::new(),
            stored,
            // Whether it is told is not asked here: everything is judged at its own time.
            first_look: None,
            post: commit.post,
        }
    }

    /// Takes over what the desk decided about one post.
    fn hear(&mut self, post: &PostKey) {
        let commit = std::mem::replace(&mut self.desk.commit, nothing(Timestamp::UNIX_EPOCH));
        let mut joined: Vec<(bool, ProblemId)> =
            commit.memberships.into_iter().map(|m| (!m.primary, m.problem)).collect();
        joined.sort();
        if !joined.is_empty() {
            let ids = joined.into_iter().map(|(_, id)| id).collect();
            self.joined.insert(post.clone(), ids);
        }
        for alert in commit.alerts {
            let subject = format!("alert:{}", alert.id);
            let own = commit.deliveries.iter().filter(|delivery| delivery.subject == subject);
            let quotes = alert.facts.quotes.iter().filter_map(|quote| {
                self.desk.words.get(&(quote.post.clone(), quote.span.start)).cloned()
            });
            self.found.alerts.push(ReplayedAlert {
                receivers: own.map(|delivery| delivery.receiver.clone()).collect(),
                quotes: quotes.collect(),
                post: post.clone(),
                alert,
            });
        }
    }
}

fn answered(key: &PostKey, parent: &PostId) -> PostKey {
    PostKey { source: key.source.clone(), id: parent.clone() }
}

/// The stored voices of the topics that a post has now; for a new topic one made of the post.
fn known_voices(commit: &PostCommit, stored: &[VoiceMark]) -> Vec<VoiceMark> {
    if commit.post.official || commit.post.own_name {
        return Vec::new();
    }
    let key = &commit.post.key;
    let own = fingerprint(&format!("{}\n{}", key.source, key.id)).to_be_bytes();
    let month = month_of(commit.post.published);
    let voice = |topic: &TopicId| {
        let known = stored.iter().find(|mark| mark.topic == *topic).cloned();
        known.unwrap_or_else(|| VoiceMark { topic: topic.clone(), month, voice: own })
    };
    commit.assessment.findings.iter().map(|finding| voice(&finding.topic)).collect()
}

/// Two alerts about the same matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair<'r> {
    /// By the rules in force.
    pub before: &'r ReplayedAlert,
    /// By the edited rules.
    pub after: &'r ReplayedAlert,
}

/// What an edit changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Difference<'r> {
    /// Alerts that only the edited rules decide.
    pub won: Vec<&'r ReplayedAlert>,
    /// Alerts that only the rules in force decide.
    pub lost: Vec<&'r ReplayedAlert>,
    /// Alerts about the same matter that differ in time, reason, level, topic or receivers.
    pub changed: Vec<Pair<'r>>,
    /// How many are the same.
    pub same: u64,
}

/// Days between two alerts of one topic and place that may be the same matter.
const NEAR_HOURS: i64 = 7 * 24;

/// Compares two replays of the same posts: first alerts of one topic and place that are near in
/// time, then alerts that the same post set off under another topic or place.
#[must_use]
pub fn compare<'r>(before: &'r Replayed, after: &'r Replayed) -> Difference<'r> {
    let mut difference = Difference::default();
    let mut free: Vec<&ReplayedAlert> = after.alerts.iter().collect();
    let mut lost: Vec<&ReplayedAlert> = Vec::new();
    for old in &before.alerts {
        let key = |it: &ReplayedAlert| (it.alert.facts.topic.clone(), it.alert.facts.place.clone());
        let apart = |it: &ReplayedAlert| it.alert.at.duration_since(old.alert.at).as_hours().abs();
        let nearest = (0..free.len())
            .filter(|&at| key(free[at]) == key(old) && apart(free[at]) <= NEAR_HOURS)
            .min_by_key(|&at| (free[at].alert.reason != old.alert.reason, apart(free[at]), at));
        match nearest.map(|at| free.remove(at)) {
            Some(new) if is_same(old, new) => difference.same += 1,
            Some(new) => difference.changed.push(Pair { before: old, after: new }),
            None => lost.push(old),
        }
    }
    for old in lost {
        match free.iter().position(|new| new.post == old.post) {
            Some(at) => {
                difference.changed.push(Pair { before: old, after: free.remove(at) });
            }
            None => difference.lost.push(old),
        }
    }
    difference.changed.sort_by_key(|pair| pair.before.alert.at);
    difference.won = free;
    difference
}

fn is_same(old: &ReplayedAlert, new: &ReplayedAlert) -> bool {
    let facts = |it: &ReplayedAlert| (it.alert.at, it.alert.reason, it.alert.facts.level);
    facts(old) == facts(new) && old.receivers == new.receivers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertFacts, AlertReason, RiskLevel, TopicKind};

    fn alert(topic: &str, hour: i64, post: &str, level: RiskLevel) -> ReplayedAlert {
        let at = Timestamp::from_second(hour * 3600).expect("an instant");
        let facts = AlertFacts {
            topic: topic.into(),
            kind: TopicKind::Problem,
            place: None,
            score: 60,
            level,
            reasons: Vec::new(),
            since: at,
            posts: 1,
            voices: 1,
            voices_at_least: false,
            sources: 1,
            returns: 0,
            first: None,
            addresses: Vec::new(),
            before: None,
            quotes: Vec::new(),
            lexicon: String::new(),
            burst: None,
            notes: Vec::new(),
        };
        let alert = Alert {
            id: format!("{topic}{hour}").as_str().into(),
            problem: ProblemId(topic.to_owned()),
            reason: AlertReason::NewProblem,
            at,
            facts,
        };
        let post = PostKey { source: "page".into(), id: PostId(post.to_owned()) };
        ReplayedAlert { alert, post, receivers: Vec::new(), quotes: Vec::new() }
    }

    fn replayed(alerts: Vec<ReplayedAlert>) -> Replayed {
        Replayed { alerts, ..Replayed::default() }
    }

    #[test]
    fn alerts_are_won_lost_and_changed() {
        use RiskLevel::{Critical, High};
        let before = replayed(vec![
            alert("water", 1, "a", High),
            alert("heating", 2, "b", High),
            alert("roads", 3, "c", High),
            alert("snow", 4, "d", High),
        ]);
        let after = replayed(vec![
            alert("water", 1, "a", High),
            alert("heating", 5, "e", Critical),
            alert("housing", 3, "c", High),
            alert("fire", 9, "f", High),
        ]);
        let found = compare(&before, &after);
        let topics = |list: &[&ReplayedAlert]| {
            list.iter().map(|it| it.alert.facts.topic.as_str()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!((found.same, &*topics(&found.won), &*topics(&found.lost)), (1, "fire", "snow"));
        let pairs: Vec<String> = found
            .changed
            .iter()
            .map(|pair| format!("{}>{}", pair.before.alert.problem, pair.after.alert.problem))
            .collect();
        assert_eq!(pairs, ["heating>heating", "roads>housing"]);
    }

    #[test]
    fn an_alert_of_another_month_is_another_matter() {
        let before = replayed(vec![alert("water", 1, "a", RiskLevel::High)]);
        let after = replayed(vec![alert("water", 1000, "z", RiskLevel::High)]);
        let found = compare(&before, &after);
        assert_eq!((found.won.len(), found.lost.len(), found.changed.len()), (1, 1, 0));
    }
}
