//! Listening to our bots beside the loop: one task a channel.
//!
//! Place in the flow: a press becomes a command, a code a chat of a receiver; the answer goes back.
//! Invariants: the place from which a channel is heard next is kept after what was heard is
//! committed, so a kill repeats a press and loses none; nothing here is logged or kept of whoever
//! pressed; an ear that fails waits and never ends the daemon or holds anything up.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::Event;
use crate::model::{Channel, Command, SendOutcome};
use crate::notify::{Batch, Ear, Heard, Message, Press, Said};
use crate::pipeline::command;
use crate::pipeline::enrol::{self, Guesses};
use crate::pipeline::press::{self, Meaning};
use crate::pipeline::services::Services;
use crate::store::StoreError;

/// What is wrong with hearing a channel, for `status`; empty if nothing is.
#[must_use]
pub fn fault_key(channel: Channel) -> String {
    format!("hearing:{}:fault", channel.name())
}

/// From where a channel is heard next.
fn place_key(channel: Channel) -> String {
    format!("hearing:{}:next", channel.name())
}

/// First pause after a failure; the next ones double.
const PAUSE_SECS: i64 = 2;
/// Longest pause, also after what needs a person.
const PAUSE_SECS_MAX: i64 = 60;
/// An answer without anything heard that comes sooner than this is followed by a pause.
const HASTY_MILLIS: i64 = 500;
/// Pause before a task that broke is started again.
const MEND_SECS: i64 = 30;

/// The listening tasks; they end when this is dropped.
pub(super) struct Ears(#[expect(dead_code, reason = "held for its tasks")] JoinSet<()>);

/// Starts to listen to everything that can be heard.
pub(super) async fn start(
    services: &Arc<Services>,
    wake: &mpsc::Sender<Event>,
    stop: &watch::Receiver<bool>,
) -> Result<Ears, StoreError> {
    let mut tasks = JoinSet::new();
    for (channel, text) in services.notifiers.deaf() {
        tracing::warn!("{text}");
        services.store.keep_setting(&fault_key(channel), text).await?;
    }
    for (channel, ear) in services.notifiers.ears() {
        let listener = Listener {
            services: Arc::clone(services),
            channel,
            ear: Arc::clone(ear),
            wake: wake.clone(),
            stop: stop.clone(),
        };
        tasks.spawn(listener.live());
    }
    Ok(Ears(tasks))
}

#[derive(Clone)]
struct Listener {
    services: Arc<Services>,
    channel: Channel,
    ear: Arc<dyn Ear>,
    wake: mpsc::Sender<Event>,
    stop: watch::Receiver<bool>,
}

impl Listener {
    /// Listens until the daemon stops, also after a task of it broke.
    async fn live(self) {
        loop {
            let mut once = JoinSet::new();
            once.spawn(self.clone().listen());
            match once.join_next().await {
                Some(Err(error)) if error.is_panic() => {
                    tracing::error!(channel = self.channel.name(), "listening broke");
                }
                _ => return,
            }
            if self.pause(MEND_SECS).await {
                return;
            }
        }
    }

    async fn listen(mut self) {
        let mut guesses = Guesses::default();
        let mut failures = 0_u32;
        while !*self.stop.borrow() {
            let began = self.services.clock.now();
            let place = self.services.store.setting(&place_key(self.channel)).await;
            let Ok(place) = place else {
                failures += 1;
                if self.pause(pause_secs(failures)).await {
                    return;
                }
                continue;
            };
            let heard = tokio::select! {
                biased;
                _ = self.stop.changed() => return,
                heard = self.ear.hear(place.as_deref()) => heard,
            };
            let taken = match heard {
                Ok(batch) => self.take_in(&mut guesses, batch, began).await,
                Err(outcome) => Err(self.failed(outcome).await),
            };
            failures = if taken.is_ok() { 0 } else { failures + 1 };
            let rest = match taken {
                Ok(rest) => rest,
                Err(ordered) => ordered.unwrap_or_else(|| pause_secs(failures)),
            };
            if rest > 0 && self.pause(rest).await {
                return;
            }
        }
    }

    /// Carries out what was heard and keeps the place behind it. Returns how long to rest.
    async fn take_in(
        &self,
        guesses: &mut Guesses,
        batch: Batch,
        began: Timestamp,
    ) -> Result<i64, Option<i64>> {
        let nothing = batch.heard.is_empty();
        for heard in batch.heard {
            if let Err(error) = self.carry_out(guesses, heard).await {
                tracing::error!(channel = self.channel.name(), %error, "what was heard waits");
                return Err(None);
            }
        }
        let store = &self.services.store;
        let mut kept = Ok(());
        if let Some(next) = &batch.next {
            kept = store.keep_setting(&place_key(self.channel), next).await;
        }
        let key = fault_key(self.channel);
        if store.setting(&key).await.is_ok_and(|fault| fault.is_some_and(|it| !it.is_empty())) {
            tracing::info!(channel = self.channel.name(), "the bot is heard again");
            kept = kept.and(store.keep_setting(&key, "").await);
        }
        if kept.is_err() {
            return Err(None);
        }
        let hasty = self.services.clock.now().duration_since(began)
            < SignedDuration::from_millis(HASTY_MILLIS);
        Ok(i64::from(nothing && hasty))
    }

    /// Notes why nothing is heard; returns the pause that was ordered.
    async fn failed(&self, outcome: SendOutcome) -> Option<i64> {
        let (text, ordered) = match outcome {
            SendOutcome::Retry { after_secs, text } => (text, after_secs),
            SendOutcome::Refused { text } | SendOutcome::Unset { text } => {
                (text, Some(PAUSE_SECS_MAX))
            }
            SendOutcome::Unreachable { text } | SendOutcome::Lost { text } => (text, None),
            SendOutcome::Sent { .. } | SendOutcome::Moved { .. } => return None,
        };
        let key = fault_key(self.channel);
        let store = &self.services.store;
        if store.setting(&key).await.is_ok_and(|known| known.as_deref() != Some(&text)) {
            tracing::warn!(channel = self.channel.name(), trouble = %text, "the bot is not heard");
            if let Err(error) = store.keep_setting(&key, &text).await {
                tracing::error!(%error, "not noted");
            }
        }
        ordered.map(|secs| secs.clamp(1, PAUSE_SECS_MAX))
    }

    async fn carry_out(&self, guesses: &mut Guesses, heard: Heard) -> Result<(), StoreError> {
        let district = self.services.district.load_full();
        match heard {
            Heard::Press(press) => {
                let meaning = press::read(&self.services, &district, &press).await?;
                self.answer(&press, meaning).await
            }
            Heard::Said(said) => {
                match enrol::hear(&self.services, &district, guesses, &said).await? {
                    Some(text) => self.write(&said, text).await,
                    None => Ok(()),
                }
            }
            Heard::Left { address } => {
                let routes = &district.routes.receivers;
                let here = (self.channel, address);
                if let Some(whose) = routes.iter().find(|it| it.channels.contains(&here)) {
                    tracing::warn!(receiver = %whose.name, "the bot was taken out of a chat");
                }
                Ok(())
            }
        }
    }

    async fn answer(&self, press: &Press, meaning: Meaning) -> Result<(), StoreError> {
        let text = match meaning {
            Meaning::Say(text) => text.to_owned(),
            Meaning::Stranger => {
                tracing::warn!(
                    channel = self.channel.name(),
                    "a button was pressed in a chat that is no receiver's: refused"
                );
                press::STRANGER.to_owned()
            }
            Meaning::Do(command) => self.carried(command).await?,
            Meaning::Show(message, text) => self.shown(press, &message, text).await,
        };
        // What was answered counts whether or not the answer arrives.
        let outcome = self.ear.answer(&press.query, &text).await;
        if !matches!(outcome, SendOutcome::Sent { .. }) {
            tracing::debug!(channel = self.channel.name(), "a press could not be answered");
        }
        Ok(())
    }

    /// Carries out a receiver's command. One that fails is not answered: the place is not kept, and
    /// the press comes again.
    async fn carried(&self, command: Command) -> Result<String, StoreError> {
        let district = self.services.district.load_full();
        let (store, now) = (&self.services.store, self.services.clock.now());
        let reply = command::change_store(store, Some(&district), &command, now).await?;
        let Some(reply) = reply else { return Ok(press::NOT_NOW.to_owned()) };
        let Command { actor, role, .. } = &command;
        tracing::info!(%actor, %role, done = reply.done, "command");
        // A full queue means that the loop will turn anyway.
        drop(self.wake.try_send(Event::Page));
        Ok(reply.text)
    }

    async fn shown(&self, press: &Press, message: &Message, text: &str) -> String {
        let edited = match (self.services.notifiers.of(self.channel), &press.message) {
            (Some(notifier), Some(receipt)) => {
                notifier.edit(message, &press.address, receipt).await
            }
            _ => return press::NOT_SHOWN.to_owned(),
        };
        match edited {
            SendOutcome::Sent { .. } => text.to_owned(),
            _ => press::NOT_SHOWN.to_owned(),
        }
    }

    async fn write(&self, said: &Said, text: String) -> Result<(), StoreError> {
        let message = Message::plain("enrol", self.services.clock.now(), text);
        let outcome = self.services.notifiers.send(self.channel, &message, &said.address).await;
        if !matches!(outcome, SendOutcome::Sent { .. }) {
            tracing::warn!(channel = self.channel.name(), "a text to the bot was not answered");
        }
        Ok(())
    }

    /// Rests; true if the daemon stops meanwhile.
    async fn pause(&self, secs: i64) -> bool {
        let now = self.services.clock.now();
        let until = now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(now);
        let mut stop = self.stop.clone();
        tokio::select! {
            () = self.services.clock.sleep_until(until) => *stop.borrow(),
            _ = stop.changed() => true,
        }
    }
}

fn pause_secs(failures: u32) -> i64 {
    (PAUSE_SECS << failures.saturating_sub(1).min(8)).min(PAUSE_SECS_MAX)
}
