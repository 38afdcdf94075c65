//! Receivers whose channel nobody has set up.
//!
//! Place in the flow: one of the checkers of `check`. Invariants: a receiver is named with the line
//! of its address; where some receiver can be told, one that cannot is an error; a configuration
//! that is still without any channel (fresh from `init`) is one clear warning.

use serde::Deserialize;
use toml::Spanned;

use crate::config::routes::{self, KnownNames, Receiver};
use crate::config::{Fault, RuleFiles, Settings};
use crate::model::Channel;

/// `routes.toml`, as far as it says where the addresses stand.
#[derive(Deserialize)]
struct Places {
    #[serde(default)]
    receiver: Vec<Place>,
}

#[derive(Deserialize)]
struct Place {
    name: String,
    email: Option<Spanned<toml::Value>>,
    telegram_chat: Option<Spanned<toml::Value>>,
    max_chat: Option<Spanned<toml::Value>>,
    vk_peer: Option<Spanned<toml::Value>>,
    webhook: Option<Spanned<toml::Value>>,
}

impl Place {
    fn of(&self, channel: Channel) -> usize {
        let address = match channel {
            Channel::Email => &self.email,
            Channel::Telegram => &self.telegram_chat,
            Channel::Max => &self.max_chat,
            Channel::Vk => &self.vk_peer,
            Channel::Webhook => &self.webhook,
        };
        address.as_ref().map_or(0, |address| address.span().start)
    }
}

/// The section of `otklik.toml` and the key of `routes.toml` of a channel.
fn names(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Email => ("[smtp]", "email"),
        Channel::Telegram => ("[telegram_bot]", "telegram_chat"),
        Channel::Max => ("[max_bot]", "max_chat"),
        Channel::Vk => ("[vk_bot]", "vk_peer"),
        Channel::Webhook => ("[webhook]", "webhook"),
    }
}

fn is_set_up(settings: &Settings, channel: Channel) -> bool {
    match channel {
        Channel::Email => settings.smtp.is_some(),
        Channel::Telegram => settings.telegram_bot.is_some(),
        Channel::Max => settings.max_bot.is_some(),
        Channel::Vk => settings.vk_bot.is_some(),
        Channel::Webhook => settings.webhook.is_some(),
    }
}

/// Channels that receivers have and `otklik.toml` has not.
pub(super) fn not_set_up(settings: &Settings) -> Vec<Fault> {
    let Ok(Some(file)) = RuleFiles::read(settings).table("routes.toml") else { return Vec::new() };
    let parsed = routes::parse(&file.path, &file.text, &KnownNames::default());
    let (Ok((routes, _)), Ok(places)) = (parsed, toml::from_str::<Places>(&file.text)) else {
        return Vec::new();
    };
    let reached = |receiver: &Receiver| {
        receiver.channels.iter().any(|(channel, _)| is_set_up(settings, *channel))
    };
    let offset = |receiver: &Receiver, channel| {
        let place = places.receiver.iter().find(|place| place.name.trim() == receiver.name);
        place.map_or(0, |place| place.of(channel))
    };
    if !routes.receivers.iter().any(reached) {
        let Some(first) = routes.receivers.first() else { return Vec::new() };
        let names: Vec<&str> = routes.receivers.iter().map(|it| it.name.as_str()).collect();
        let text = format!(
            "ни один канал получателей не настроен, сообщения не уйдут никому: {}",
            names.join(", ")
        );
        let fix = "настройте в otklik.toml [smtp] или бота ([telegram_bot], [max_bot], [vk_bot])";
        let at = first.channels.first().map_or(0, |(channel, _)| offset(first, *channel));
        return vec![Fault::at(&file.path, &file.text, at, text, fix).warning()];
    }
    let mut faults = Vec::new();
    for receiver in &routes.receivers {
        for (channel, _) in receiver.channels.iter().filter(|it| !is_set_up(settings, it.0)) {
            let (section, key) = names(*channel);
            let other = reached(receiver);
            let rest = match other {
                true => "сообщения идут другим каналом",
                false => "сообщения ему не уйдут",
            };
            let text = format!(
                "«{}»: {key} есть, а раздела {section} в otklik.toml нет: {rest}",
                receiver.name
            );
            let fix = format!("настройте {section} или замените {key} настроенным каналом");
            let fault = Fault::at(&file.path, &file.text, offset(receiver, *channel), text, fix);
            faults.push(if other { fault.warning() } else { fault });
        }
    }
    faults
}
