//! One person's open work goes to another: who was ill, left, or has a holiday.
//!
//! Place in the flow: behind a command. Invariants: what was taken into work is taken by the other,
//! what nobody answered is told to the other, each with a mark of its own, so that the trail stays
//! true; a message that waits leaves once.

use jiff::Timestamp;

use super::district::District;
use super::mark::{self, Answer};
use super::words;
use crate::alert::route;
use crate::model::{CommandReply, Mark};
use crate::store::{GivenMessages, Store, StoreError};

/// Gives the open work of `from` to `to`, and names what else hangs on that person.
pub(super) async fn hand_over(
    store: &Store,
    district: &District,
    from: &str,
    to: &str,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let refused = |text: String| Ok(CommandReply { done: false, text });
    let known = |name: &str| district.routes.receivers.iter().any(|it| it.name == name);
    if let Some(unknown) = [from, to].into_iter().find(|name| !known(name)) {
        return refused(words::no_receiver(unknown));
    }
    let target = route::named(to, &district.roster(), now).filter(|target| target.name != from);
    let Some(target) = target else { return refused(words::same_person(from, to)) };
    let Some(way) = target.channels.first().cloned() else {
        return refused(words::no_receiver(to));
    };
    let taken = store.in_hand(from).await?;
    for alert in &taken {
        let by = target.name.as_str();
        let answer = Answer { alert, mark: Mark::Taken, to: None, by, channel: None };
        mark::take(store, district, answer, now).await?;
    }
    let passed = store.unanswered_by(from).await?;
    for alert in &passed {
        let (mark, to) = (Mark::Passed, Some(target.name.as_str()));
        let answer = Answer { alert, mark, to, by: from, channel: None };
        mark::take(store, district, answer, now).await?;
    }
    let trouble = words::has_it(&target.name);
    let open = route::open_from(&target.name, &district.roster(), now);
    let given = GivenMessages { from, to: &target.name, way, trouble: &trouble, open };
    let messages = store.give_messages(given, now).await?;
    let silences = store.give_silences(from, &target.name, now).await?;
    let tokens: Vec<&str> = district
        .duties
        .tokens
        .iter()
        .filter(|(_, owner)| *owner == from)
        .map(|(key, _)| key.as_str())
        .collect();
    let counts = (messages, silences);
    let text = words::handed_over(from, &target.name, &taken, &passed, counts, &tokens);
    Ok(CommandReply { done: true, text })
}
