//! Which alerts and reminders go alone, which are told together, and when: the attention of one
//! receiver.
//!
//! Place in the flow: asked by the outbox before it claims a message. Invariants: what is not sent
//! alone stands in a roll-up, nothing vanishes; a receiver gets at most its budget of messages in
//! any shift, critical ones apart, and what is told together comes within its hours; a critical
//! alert never waits longer than a few minutes; the same outstanding alerts at the same instant
//! always give the same answer.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use super::outbox_row;
use crate::config::routes::AlertRules;
use crate::model::{
    Absence, Allotment, DeliveryId, Outstanding, RiskLevel, RollUp, RollUpReason, WaitingAlert,
};

/// What is called a volley, and how long the first roll-up of one gathers.
const VOLLEY_SECS: i64 = 60;
/// How long the program may be away before what comes then is told as one message.
pub const ABSENCE_HOURS: i64 = 2;
/// How long what came during an absence is collected before it is told.
pub const CATCH_UP_MINUTES: i64 = 15;
/// Longest wait of a critical alert beyond all bounds, between two roll-ups.
const CRITICAL_MINUTES: i64 = 10;

/// Length of a shift.
#[must_use]
pub fn shift(rules: &AlertRules) -> SignedDuration {
    SignedDuration::from_hours(i64::from(rules.shift_hours))
}

/// The absence that ends at `now`, if the last sign of life lies so far back.
#[must_use]
pub fn absence(last: Timestamp, now: Timestamp) -> Option<Absence> {
    let away = now.duration_since(last) > SignedDuration::from_hours(ABSENCE_HOURS);
    away.then(|| Absence { from: last, until: now, told: later(now, minutes(CATCH_UP_MINUTES)) })
}

/// What becomes of the alerts that wait for one receiver. `absence`: the last time the program did
/// not run, if any; `opens`: when the receiver may be told what is not critical, from an instant
/// on.
#[must_use]
pub fn allot(
    outstanding: &Outstanding,
    rules: &AlertRules,
    absence: Option<&Absence>,
    opens: &dyn Fn(Timestamp) -> Timestamp,
    now: Timestamp,
) -> Allotment {
    let budget = rules.budget as usize;
    let (alone, mut rest) = critical(outstanding, budget, now);
    // Critical alerts beyond all bounds are urgent, but a hundred of them are told together.
    let urgent = !rest.is_empty();
    let ordinary = outstanding.waiting.iter().filter(|it| it.level < RiskLevel::Critical);
    let used = outstanding.left.len() + alone;
    let catching = absence.filter(|absence| is_of(outstanding, absence, now));
    let room = match catching {
        Some(_) => 0,
        None => single_room(outstanding, rules, alone, now),
    };
    rest.extend(behind(ordinary.collect(), room));
    if rest.is_empty() {
        return Allotment::default();
    }
    // Those that go alone now count too.
    let waiting = outstanding.waiting.len() - rest.len() - alone;
    let used = used + waiting;
    let due = match catching {
        Some(absence) if !urgent => absence.told,
        _ => roll_up_due(outstanding, &rest, (used, budget), urgent, rules, now),
    };
    // Each of them was due within the receiver's hours; the room for all may come after them.
    let due = if urgent { due } else { opens(due.max(now)) };
    let ids: Vec<DeliveryId> = rest.iter().map(|it| it.delivery.clone()).collect();
    if due > now {
        return Allotment { gather: Some((ids, due)), roll_up: None };
    }
    if rest.len() == 1 && catching.is_none() {
        // Nothing joined it: it says more by itself.
        return Allotment::default();
    }
    let reason = match catching {
        Some(absence) => RollUpReason::CatchUp { from: absence.from, until: absence.until },
        None if used + reserve(budget) >= budget => RollUpReason::Budget,
        None => RollUpReason::Volley,
    };
    Allotment { gather: None, roll_up: Some(roll_up(outstanding, &rest, reason, now)) }
}

/// How many critical alerts go alone, and those beyond what anybody could read.
fn critical(
    outstanding: &Outstanding,
    budget: usize,
    now: Timestamp,
) -> (usize, Vec<&WaitingAlert>) {
    let critical = outstanding.waiting.iter().filter(|it| it.level == RiskLevel::Critical);
    let critical: Vec<&WaitingAlert> = critical.collect();
    let most = (budget + reserve(budget)).saturating_sub(outstanding.left.len());
    if critical.len() <= most {
        return (critical.len(), Vec::new());
    }
    // The oldest go alone; none of them after it began to gather.
    let mut alone: Vec<&WaitingAlert> = critical.clone();
    alone.retain(|it| !it.gathers && it.since <= now);
    alone.truncate(most);
    let rest = critical.into_iter().filter(|it| !alone.contains(it)).collect();
    (alone.len(), rest)
}

/// Whether what waits came of the absence: until it has been told, everything does.
fn is_of(outstanding: &Outstanding, absence: &Absence, now: Timestamp) -> bool {
    let told = outstanding.rolled.is_some_and(|rolled| rolled >= absence.told);
    let gathered = |it: &WaitingAlert| it.gathers && it.since < absence.told;
    !told && (now < absence.told || outstanding.waiting.iter().any(gathered))
}

/// Messages of the budget that only roll-ups may use.
fn reserve(budget: usize) -> usize {
    (budget / 4).max(1)
}

/// How many ordinary alerts may go alone now.
fn single_room(
    outstanding: &Outstanding,
    rules: &AlertRules,
    critical: usize,
    now: Timestamp,
) -> usize {
    let budget = rules.budget as usize;
    if outstanding.waiting.iter().any(|it| it.gathers) {
        return 0;
    }
    let minute = earlier(now, SignedDuration::from_secs(VOLLEY_SECS));
    let lately = outstanding.left.iter().filter(|left| **left > minute).count();
    let volley = (rules.volley as usize).saturating_sub(lately + critical);
    let used = outstanding.left.len() + critical;
    volley.min((budget - reserve(budget).min(budget)).saturating_sub(used))
}

/// All but the `room` gravest, oldest first among equals.
fn behind(mut ordinary: Vec<&WaitingAlert>, room: usize) -> Vec<&WaitingAlert> {
    ordinary.sort_by_key(|it| (Reverse(it.level), it.since, it.delivery.clone()));
    ordinary.into_iter().skip(room).collect()
}

/// When the next roll-up is due: a volley gathers for a minute; the fewer messages are left of the
/// shift, the wider the spaces between them; with none left it waits until one is free.
fn roll_up_due(
    outstanding: &Outstanding,
    rest: &[&WaitingAlert],
    (used, budget): (usize, usize),
    urgent: bool,
    rules: &AlertRules,
    now: Timestamp,
) -> Timestamp {
    let begun = rest.iter().map(|it| it.since).min().unwrap_or(now);
    let gathered = later(begun, SignedDuration::from_secs(VOLLEY_SECS));
    let spaced = |last: Option<Timestamp>, gap: SignedDuration| match last {
        Some(last) => gathered.max(later(last, gap)),
        None => gathered,
    };
    if urgent {
        return spaced(outstanding.rolled, minutes(CRITICAL_MINUTES));
    }
    let shift = shift(rules);
    if used >= budget {
        let frees = outstanding.left.get(used.saturating_sub(budget));
        return gathered.max(later(frees.copied().unwrap_or(now), shift));
    }
    let slots = i32::try_from(budget - used).unwrap_or(i32::MAX);
    let scarce = used + reserve(budget) >= budget;
    // What is left of a shift is spread over it; before that only roll-ups keep their distance.
    let last = if scarce { outstanding.left.last().copied() } else { outstanding.rolled };
    spaced(last, shift / slots.saturating_add(1))
}

/// The message that stands for all of `rest`, gravest first.
fn roll_up(
    outstanding: &Outstanding,
    rest: &[&WaitingAlert],
    reason: RollUpReason,
    now: Timestamp,
) -> (crate::model::Delivery, RollUp) {
    let mut order = rest.to_vec();
    order.sort_by_key(|it| (Reverse(it.level), it.since, it.delivery.clone()));
    let subject = match reason {
        RollUpReason::CatchUp { .. } => format!("catchup:{now}"),
        RollUpReason::Volley | RollUpReason::Budget => {
            format!("rollup:{}:{now}", outstanding.receiver)
        }
    };
    // As routes.toml has it now: an older row may stand on a channel that is gone.
    let newest = rest.iter().max_by_key(|it| it.since).unwrap_or(&order[0]);
    let channel = (newest.channel, newest.address.clone());
    let row = outbox_row(&subject, &outstanding.receiver, channel, now);
    let (reminders, alerts): (Vec<_>, Vec<_>) = order.iter().partition(|it| it.reminds);
    let pairs = |list: Vec<&&WaitingAlert>| {
        list.iter().map(|it| (it.alert.clone(), it.delivery.clone())).collect()
    };
    let (alerts, reminders) = (pairs(alerts), pairs(reminders));
    (row, RollUp { reason, at: now, alerts, reminders })
}

fn minutes(minutes: i64) -> SignedDuration {
    SignedDuration::from_mins(minutes)
}

fn later(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_add(span).unwrap_or(Timestamp::MAX)
}

fn earlier(at: Timestamp, span: SignedDuration) -> Timestamp {
    at.saturating_sub(span).unwrap_or(Timestamp::MIN)
}
