//! What the press of a button means.
//!
//! Place in the flow: between an ear and the daemon's loop. Invariants: a press counts only in a
//! chat that is an address of a receiver to whom the thing was told; what a button carries is a
//! question, never an authority; the person who pressed is not known here.

use std::collections::BTreeSet;

use super::district::District;
use super::services::Services;
use super::{dispatch, together, words};
use crate::alert::buttons;
use crate::model::{
    AlertId, Channel, Command, CommandKind, Delivery, DeliveryId, Keyboard, Mark, Tap, WorksState,
};
use crate::notify::{Message, Press};
use crate::store::StoreError;

pub use super::words::{NOT_NOW, NOT_SHOWN, STRANGER};

/// What is to be done about a press.
pub enum Meaning {
    /// Nothing; the person is told why.
    Say(&'static str),
    /// The chat is nobody's: refused, and worth a line in the log.
    Stranger,
    /// A command of the receiver to whom the chat belongs.
    Do(Command),
    /// Other buttons under the same message, and one sentence.
    Show(Box<Message>, &'static str),
}

/// Reads a press.
pub async fn read(
    services: &Services,
    district: &District,
    press: &Press,
) -> Result<Meaning, StoreError> {
    let own = receivers(services, district, press).await?;
    if own.is_empty() {
        return Ok(Meaning::Stranger);
    }
    match Tap::read(&press.tap) {
        Some(tap) if tap.noun == buttons::NOUN => alert(services, district, press, &tap, own).await,
        Some(tap) if tap.noun == buttons::ROLL_UP => roll_up(services, press, &tap, &own).await,
        Some(tap) if tap.noun == buttons::WORKS => works(services, press, &tap, &own).await,
        _ => Ok(Meaning::Say(words::TAP_UNKNOWN)),
    }
}

/// Receivers of the routes whose chat this is: as the routes say, as the chat is called since it
/// moved, or as they joined it themselves.
async fn receivers(
    services: &Services,
    district: &District,
    press: &Press,
) -> Result<BTreeSet<String>, StoreError> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    if press.address.is_empty() {
        return Ok(names);
    }
    let known = &district.routes.receivers;
    for enrolled in services.store.enrolled().await? {
        if (enrolled.channel, &enrolled.address) == (press.channel, &press.address) {
            names.insert(enrolled.receiver);
        }
    }
    names.retain(|name| known.iter().any(|receiver| receiver.name == *name));
    for receiver in known {
        let chats = receiver.channels.iter().filter(|(channel, _)| *channel == press.channel);
        for (channel, address) in chats {
            let moved = services.store.setting(&moved_key(*channel, address)).await?;
            if *address == press.address || moved.as_ref() == Some(&press.address) {
                names.insert(receiver.name.clone());
            }
        }
    }
    Ok(names)
}

/// Under which name the new address of a chat is kept.
pub(super) fn moved_key(channel: Channel, address: &str) -> String {
    format!("moved:{}:{address}", channel.name())
}

async fn alert(
    services: &Services,
    district: &District,
    press: &Press,
    tap: &Tap,
    own: BTreeSet<String>,
) -> Result<Meaning, StoreError> {
    let id = AlertId(tap.id.clone());
    let told = services.store.deliveries_about(&id).await?;
    let here = |it: &&Delivery| it.channel == press.channel && it.address == press.address;
    let ours = || told.iter().filter(|it| own.contains(&it.receiver));
    let Some(found) = services.store.alert(&id).await? else {
        return Ok(Meaning::Say(words::ALERT_GONE));
    };
    let Some(delivery) = ours().find(here).or_else(|| ours().next()) else {
        return Ok(Meaning::Stranger);
    };
    let by = delivery.receiver.clone();
    let answer = |mark, to: Option<&str>| {
        let (alert, to) = (id.clone(), to.map(str::to_owned));
        let kind = CommandKind::Mark { alert, mark, to, channel: Some(press.channel) };
        command(services, press, by.clone(), kind)
    };
    Ok(match tap.word.as_str() {
        buttons::SEEN => Meaning::Say(words::ONLY_SAYS),
        buttons::ASK_WHOM | buttons::BACK => {
            let Some((_, mut message)) = dispatch::reworded(services, district, delivery).await?
            else {
                return Ok(Meaning::Say(words::ALERT_GONE));
            };
            let asks = tap.word == buttons::ASK_WHOM;
            message.buttons = match asks {
                true => buttons::choices(&found, &district.routes, &by),
                false => buttons_of(services, district, &found, &by, false).await?,
            };
            Meaning::Show(Box::new(message), if asks { words::WHOM } else { "" })
        }
        word if word.starts_with(buttons::TO) => match buttons::chosen(&district.routes, word) {
            Some(to) => answer(Mark::NotOurs, Some(to)),
            None => Meaning::Say(words::NO_LONGER_THERE),
        },
        word => match Mark::of(word) {
            Some(mark) => answer(mark, None),
            None => Meaning::Say(words::TAP_UNKNOWN),
        },
    })
}

/// All that a roll-up told is taken into work by the receiver whose message it is.
async fn roll_up(
    services: &Services,
    press: &Press,
    tap: &Tap,
    own: &BTreeSet<String>,
) -> Result<Meaning, StoreError> {
    let found = services.store.delivery(&DeliveryId(tap.id.clone())).await?;
    let Some(told) = found.filter(|row| together::is_roll_up(&row.subject)) else {
        return Ok(Meaning::Say(words::TAP_UNKNOWN));
    };
    if !own.contains(&told.receiver) {
        return Ok(Meaning::Stranger);
    }
    Ok(match tap.word.as_str() {
        buttons::SEEN => Meaning::Say(words::ONLY_SAYS),
        word if Mark::of(word) == Some(Mark::Taken) => {
            let kind = CommandKind::TakeAll { roll_up: told.subject, channel: Some(press.channel) };
            command(services, press, told.receiver, kind)
        }
        _ => Meaning::Say(words::TAP_UNKNOWN),
    })
}

/// Planned works are accepted or rejected by those to whom they were proposed.
async fn works(
    services: &Services,
    press: &Press,
    tap: &Tap,
    own: &BTreeSet<String>,
) -> Result<Meaning, StoreError> {
    let asked = services.store.deliveries_of(&format!("works:{}", tap.id)).await?;
    if asked.is_empty() {
        return Ok(Meaning::Say(words::TAP_UNKNOWN));
    }
    let Some(asked) = asked.into_iter().find(|row| own.contains(&row.receiver)) else {
        return Ok(Meaning::Stranger);
    };
    let state = match tap.word.as_str() {
        buttons::SEEN => return Ok(Meaning::Say(words::ONLY_SAYS)),
        buttons::ACCEPT => WorksState::Accepted,
        buttons::REJECT => WorksState::Rejected,
        _ => return Ok(Meaning::Say(words::TAP_UNKNOWN)),
    };
    let kind = CommandKind::DecideWorks { id: tap.id.clone(), state };
    Ok(command(services, press, asked.receiver, kind))
}

/// A command of the receiver in whose chat was pressed.
fn command(services: &Services, press: &Press, role: String, kind: CommandKind) -> Meaning {
    let (actor, at) = (press.channel.name().to_owned(), services.clock.now());
    Meaning::Do(Command { actor, role, at, kind })
}

/// The buttons under a message about an alert, as its marks have them now.
pub(super) async fn buttons_of(
    services: &Services,
    district: &District,
    alert: &crate::model::Alert,
    receiver: &str,
    overtaken: bool,
) -> Result<Keyboard, StoreError> {
    let marks = services.store.marks_of(&alert.id).await?;
    Ok(buttons::under(alert, &marks, receiver, &district.zone, overtaken))
}
