//! A receiver answers an alert.
//!
//! Place in the flow: behind a command, so behind a button and behind the keyboard alike.
//! Invariants: the mark, what happened to the problem and the messages to those to whom it was
//! handed over are one commit; the same answer again changes nothing and says so.

use jiff::Timestamp;

use super::district::District;
use super::words;
use crate::alert::{self, RoutedReceiver, route};
use crate::model::{
    Alert, AlertId, Channel, CommandReply, Delivery, DeliveryState, Mark, Marked, ProblemEventKind,
    RuleName, RuleShare,
};
use crate::store::{MarkCommit, Store, StoreError};

/// An answer to an alert.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Which alert.
    pub alert: &'a AlertId,
    /// What.
    pub mark: Mark,
    /// A receiver or a department, for [`Mark::NotOurs`].
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
    let mut deliveries = Vec::new();
    if let Some(to) = answer.to {
        if answer.mark != Mark::NotOurs {
            return refused(words::TO_ALONE.to_owned());
        }
        let meant = named(district, to, now);
        if meant.is_empty() {
            return refused(words::no_receiver(to));
        }
        deliveries = handed(&found, meant);
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
    let events = events(&marked);
    let fresh = store.mark(MarkCommit { marked, events, deliveries, now }).await?;
    Ok(CommandReply { done: true, text: words::marked(answer.mark, answer.to, fresh) })
}

/// The receivers that a name means: the receiver itself, else those of a department; who holds a
/// post stands for it.
fn named(district: &District, name: &str, now: Timestamp) -> Vec<RoutedReceiver> {
    let roster = district.roster();
    if let Some(receiver) = route::named(name, &roster, now) {
        return vec![receiver];
    }
    let of_department = district.routes.departments.get(name);
    let mut found: Vec<RoutedReceiver> = Vec::new();
    for name in of_department.into_iter().flatten() {
        if let Some(receiver) = route::named(name, &roster, now)
            && !found.iter().any(|other| other.name == receiver.name)
        {
            found.push(receiver);
        }
    }
    found
}

/// The alert for those to whom it was handed over; who has it already gets no second one.
fn handed(alert: &Alert, receivers: Vec<RoutedReceiver>) -> Vec<Delivery> {
    alert::outbox(&format!("alert:{}", alert.id), receivers, DeliveryState::Pending)
}

/// What an answer does to the problem.
fn events(marked: &Marked) -> Vec<ProblemEventKind> {
    match marked.mark {
        Mark::Taken => vec![ProblemEventKind::Acknowledged { role: marked.by.clone() }],
        Mark::Solved => vec![
            ProblemEventKind::Acknowledged { role: marked.by.clone() },
            ProblemEventKind::Closed { reason: "person".to_owned() },
        ],
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
