//! A receiver answers an alert.
//!
//! Place in the flow: behind a command, so behind a button and behind the keyboard alike.
//! Invariants: the mark, what happened to the problem and the messages to those to whom it was
//! handed over are one commit; the same answer again changes nothing and says so.

use jiff::Timestamp;

use super::district::District;
use super::{tell, together, trial, words};
use crate::alert::{Roster, RoutedReceiver, follow, route};
use crate::model::{
    Alert, AlertId, Channel, CloseReason, CommandReply, Delivery, DeliveryState, Mark, Marked,
    ProblemEventKind, RiskLevel, RollUp, RuleName, RuleShare, is_matter_of, last_said,
};
use crate::store::{MarkCommit, Store, StoreError};

/// An answer to an alert.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Which alert.
    pub alert: &'a AlertId,
    /// What.
    pub mark: Mark,
    /// A receiver or a department, for what is handed on.
    pub to: Option<&'a str>,
    /// Receiver or role that answers.
    pub by: &'a str,
    /// Over which channel; none from the keyboard.
    pub channel: Option<Channel>,
}

/// Keeps an answer.
pub async fn take(
    store: &Store,
    district: &District,
    answer: Answer<'_>,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let refused = |text: String| Ok(CommandReply { done: false, text });
    let Some(found) = store.alert(answer.alert).await? else {
        return refused(words::no_alert(answer.alert));
    };
    let (mut deliveries, mut follows) = (Vec::new(), Vec::new());
    if let Some(to) = answer.to {
        if !answer.mark.hands_on() {
            return refused(words::TO_ALONE.to_owned());
        }
        let mut meant = named(&district.roster(), to, now);
        if meant.is_empty() {
            return refused(words::no_receiver(to));
        }
        if found.facts.level == RiskLevel::Critical {
            meant.iter_mut().for_each(|receiver| receiver.due = now);
        }
        follows.extend(follow::anew(&found, &meant[0].name, &district.roster(), now));
        let told = store.deliveries_of(&format!("alert:{}", found.id)).await?;
        deliveries = handed(district, &found, meant, &told, now);
    }
    let marked = Marked {
        alert: found.id.clone(),
        problem: found.problem.clone(),
        by: answer.by.to_owned(),
        channel: answer.channel,
        at: now,
        mark: answer.mark,
        to: answer.to.map(str::to_owned),
        lexicon: found.facts.lexicon.clone(),
        rules: rules(store, district, &found).await?,
    };
    let mut events = events(&marked);
    if marked.mark == Mark::NotOurs && has_it(&store.marks_of(&marked.alert).await?, &marked.by) {
        events.push(ProblemEventKind::Released { role: marked.by.clone() });
    }
    let fresh = store.mark(MarkCommit { marked, events, deliveries, follows, now }).await?;
    Ok(CommandReply { done: true, text: words::marked(answer.mark, answer.to, fresh) })
}

/// Takes everything that a roll-up told into work; what somebody has in work already, or what is
/// over, stays as it is. From a chat only what its receiver was told counts.
pub(super) async fn take_all(
    store: &Store,
    district: &District,
    subject: &str,
    (by, channel): (&str, Option<Channel>),
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let told = store.roll_ups_of(subject).await?;
    let told = told.into_iter().filter(|(receiver, _)| channel.is_none() || receiver == by);
    let told: Vec<RollUp> = told.map(|(_, roll_up)| roll_up).collect();
    if told.is_empty() {
        return Ok(CommandReply { done: false, text: words::no_roll_up(subject) });
    }
    let (mut taken, mut before) = (0, 0);
    for told in together::problems_in(store, &told).await? {
        if !told.open {
            before += 1;
            continue;
        }
        taken += 1;
        for alert in &told.alerts {
            let answer = Answer { alert, mark: Mark::Taken, to: None, by, channel };
            take(store, district, answer, now).await?;
        }
    }
    store.show_anew(subject, now).await?;
    Ok(CommandReply { done: true, text: words::all_taken(taken, before) })
}

/// The receivers that a name means: the receiver itself, else those of a department; a post's
/// holder for the post, within their hours.
#[must_use]
pub fn named(roster: &Roster<'_>, name: &str, now: Timestamp) -> Vec<RoutedReceiver> {
    let direct = roster.routes.receivers.iter().any(|receiver| receiver.name == name);
    let department = roster.routes.departments.get(name).cloned().unwrap_or_default();
    let names = if direct { vec![name.to_owned()] } else { department };
    let open = |receiver: RoutedReceiver| {
        let due = route::open_from(&receiver.name, roster, now);
        RoutedReceiver { due, ..receiver }
    };
    names.iter().filter_map(|name| route::named(name, roster, now)).map(open).collect()
}

/// Whether an alert still is this receiver's matter: not handed on, or handed back since, to it or
/// to its department.
pub(super) fn is_theirs(district: &District, marks: &[Marked], receiver: &str) -> bool {
    let departments = &district.routes.departments;
    is_matter_of(marks, receiver, |to| {
        to == receiver || departments.get(to).is_some_and(|all| all.iter().any(|it| it == receiver))
    })
}

/// Whether this receiver was the last to say what becomes of an alert, and took it into work.
pub(super) fn has_it(marks: &[Marked], by: &str) -> bool {
    last_said(marks).is_some_and(|marked| marked.by == by && marked.mark == Mark::Taken)
}

/// The alert for those to whom it was handed over; who has it already is reminded of it.
fn handed(
    district: &District,
    alert: &Alert,
    receivers: Vec<RoutedReceiver>,
    told: &[Delivery],
    now: Timestamp,
) -> Vec<Delivery> {
    let has = |receiver: &RoutedReceiver| {
        let mut own = told.iter().filter(|row| row.receiver == receiver.name);
        own.any(|row| matches!(row.state, DeliveryState::Sent | DeliveryState::RolledUp))
    };
    let (know, new): (Vec<_>, Vec<_>) = receivers.into_iter().partition(has);
    let mut rows = trial::outbox(district, &format!("alert:{}", alert.id), new, now);
    let reminder = tell::reminder(&alert.id, &format!("{}-handed", now.as_second()));
    rows.extend(trial::outbox(district, &reminder, know, now));
    rows
}

/// What an answer does to the problem.
fn events(marked: &Marked) -> Vec<ProblemEventKind> {
    match marked.mark {
        Mark::Taken => vec![ProblemEventKind::Acknowledged { role: marked.by.clone() }],
        Mark::Solved => vec![
            ProblemEventKind::Acknowledged { role: marked.by.clone() },
            ProblemEventKind::Closed { reason: CloseReason::Person },
        ],
        Mark::Passed => Vec::new(),
        Mark::NotOurs | Mark::Useful | Mark::Noise => {
            vec![ProblemEventKind::Judged { mark: marked.mark.name().to_owned() }]
        }
    }
}

async fn rules(
    store: &Store,
    district: &District,
    alert: &Alert,
) -> Result<Vec<RuleShare>, StoreError> {
    let counted = store.rules_behind(alert).await?;
    let share = |(rule, posts): (RuleName, u32)| {
        let points = district.lexicon.rule(rule.as_str());
        RuleShare { points: points.map(|known| known.weight), rule, posts }
    };
    Ok(counted.into_iter().map(share).collect())
}
