//! Where a message that waited goes today.
//!
//! Place in the flow: asked by the outbox worker between claim and sending, because addresses and
//! receivers change while a message waits. Invariants: nothing goes to an address that
//! `routes.toml` no longer names; a chat that moved is the chat that it was; a message to a chat
//! that its receiver joined stays with that chat and ends with it.

use super::district::District;
use super::{press, words};
use crate::model::{Channel, Delivery};
use crate::store::enrol::is_twin;
use crate::store::{Store, StoreError};

/// Most moves of one chat that are followed.
const MOVES_MAX: usize = 8;

/// What today's routes say about a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes where it was going.
    Stays,
    /// It goes there instead.
    Moves(Channel, String),
    /// It goes nowhere; why, in Russian.
    Over(&'static str),
}

/// What today's routes say about `delivery`.
pub(super) async fn of(
    store: &Store,
    district: &District,
    delivery: &Delivery,
) -> Result<Standing, StoreError> {
    let known = district.routes.receivers.iter().find(|it| it.name == delivery.receiver);
    let Some(receiver) = known else { return Ok(Standing::Over(words::RECEIVER_GONE)) };
    if is_twin(&delivery.id) {
        return joined(store, delivery).await;
    }
    let same = receiver.channels.iter().filter(|(channel, _)| *channel == delivery.channel);
    for (channel, address) in same {
        if names(store, *channel, address).await?.contains(&delivery.address) {
            return Ok(Standing::Stays);
        }
    }
    let same = receiver.channels.iter().find(|(channel, _)| *channel == delivery.channel);
    match same.or(receiver.channels.first()) {
        Some((channel, address)) => {
            let now = names(store, *channel, address).await?.pop();
            Ok(Standing::Moves(*channel, now.unwrap_or_else(|| address.clone())))
        }
        None => Ok(Standing::Over(words::RECEIVER_GONE)),
    }
}

/// The same for a chat that the receiver joined itself.
async fn joined(store: &Store, delivery: &Delivery) -> Result<Standing, StoreError> {
    let names = names(store, delivery.channel, &delivery.address).await?;
    let enrolled = store.enrolled().await?;
    let mut own = enrolled
        .iter()
        .filter(|it| it.receiver == delivery.receiver && it.channel == delivery.channel);
    Ok(match own.find(|it| names.contains(&it.address)) {
        Some(chat) if chat.address == delivery.address => Standing::Stays,
        Some(chat) => Standing::Moves(chat.channel, chat.address.clone()),
        None => Standing::Over(words::CHAT_LEFT),
    })
}

/// All names of a chat, from `address` on to the one it has now.
async fn names(store: &Store, channel: Channel, address: &str) -> Result<Vec<String>, StoreError> {
    let mut names = vec![address.to_owned()];
    while let Some(last) = names.last().filter(|_| names.len() <= MOVES_MAX) {
        let next = store.setting(&press::moved_key(channel, last)).await?;
        match next.filter(|next| !names.contains(next)) {
            Some(next) => names.push(next),
            None => break,
        }
    }
    Ok(names)
}
