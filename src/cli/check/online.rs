//! `check --online`: proves every token, login and page with one harmless call each.
//!
//! Place in the flow: after the files were checked; run by the operator after `init` and when
//! something stopped working. Invariants: nothing is stored, nothing is sent to anybody; limits of
//! the platforms are kept; each thing gets one Russian sentence, good or bad.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::vk::WALL_GET_PER_DAY;
use otklik_collectors::{Facts, Page, Platform, registry};
use serde::Serialize;

use crate::clock::{Clock, SystemClock};
use crate::config::{Fault, Settings};
use crate::daemon::pushes;
use crate::model::{Channel, Source, SourceKind};
use crate::pipeline::collect::spec_of;
use crate::pipeline::services::{self, Reading};
use crate::pipeline::telegram::{self, Entry, PassingRooms};

use super::super::{open, words};

/// How far back the first page of a source is read.
const HORIZON_DAYS: i64 = 365;
/// Seconds of a day.
const DAY_SECS: i64 = 24 * 3600;

/// What was proven about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// What it is: a section of `otklik.toml`, or `source <id>`.
    pub what: String,
    /// Whether it works.
    pub ok: bool,
    /// One sentence.
    pub text: String,
}

/// Proves everything that is configured; `told` hears each proof at once.
pub async fn prove(settings: &Settings, sources: &[Source], told: &mut dyn FnMut(&Proof)) -> bool {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let telegram = telegram::open(settings, &clock, Arc::new(PassingRooms::default()));
    let mut prover = Prover { settings, sources, telegram, told, ok: true };
    match prover.reading(clock) {
        Ok(reading) => {
            prover.platforms(&reading).await;
            prover.pushes().await;
            prover.quota();
            prover.channels().await;
            for source in sources {
                prover.source(&reading, source).await;
            }
        }
        Err(fault) => {
            prover.tell("network", Err(sentence(&fault)));
            prover.channels().await;
        }
    }
    prover.ok
}

struct Prover<'a> {
    settings: &'a Settings,
    sources: &'a [Source],
    telegram: Entry,
    told: &'a mut dyn FnMut(&Proof),
    ok: bool,
}

impl Prover<'_> {
    fn tell(&mut self, what: &str, outcome: Result<String, String>) {
        let ok = outcome.is_ok();
        self.ok &= ok;
        let (Ok(text) | Err(text)) = outcome;
        (self.told)(&Proof { what: what.to_owned(), ok, text });
    }

    /// Collectors over the real network; those with keys only if the keys can be read.
    fn reading(&mut self, clock: Arc<dyn Clock>) -> Result<Reading, Fault> {
        let settings = self.settings;
        let platforms = registry::Settings {
            vk: self.keys("platforms.vk", services::vk_settings(settings)),
            ok: self.keys("platforms.ok", services::ok_settings(settings)),
            max: self.keys("platforms.max", services::max_settings(settings)),
            max_webhook: services::max_webhook(settings, &*clock).ok().flatten(),
            telegram: services::telegram_settings(settings),
            account: self.telegram.account(),
        };
        Reading::passing(settings, self.sources, platforms, clock)
    }

    fn keys<T>(&mut self, what: &str, read: Result<Option<T>, Fault>) -> Option<T> {
        read.unwrap_or_else(|fault| {
            self.tell(what, Err(sentence(&fault)));
            None
        })
    }

    /// Platforms that are read with a token; pages read without one are proven source by source.
    async fn platforms(&mut self, reading: &Reading) {
        for platform in [Platform::Vk, Platform::Ok, Platform::Max] {
            if let Some(reader) = reading.collectors.get(&platform) {
                let outcome = reader.prove().await.map_err(|error| error.text);
                self.tell(&format!("platforms.{platform}"), outcome);
            }
        }
        let wanted = self.sources.iter().any(|it| it.platform == Platform::Telegram.name());
        let reader = reading.collectors.get(&Platform::Telegram).filter(|_| wanted);
        let outcome = match (self.telegram.trouble(), &self.telegram, reader) {
            // The daemon reads by it: that is as it should be.
            (Some(text), Entry::Busy, _) => Ok(text),
            (Some(text), ..) => Err(text),
            (None, Entry::Ready(_), Some(reader)) => {
                reader.prove().await.map_err(|error| error.text)
            }
            (None, _, Some(_)) => Ok(words::PREVIEW_ALONE.to_owned()),
            (None, _, None) => return,
        };
        self.tell("platforms.telegram", outcome);
    }

    /// What the service could not take back of what it told MAX.
    async fn pushes(&mut self) {
        let Ok(store) = open::store_to_read(self.settings) else { return };
        if let Ok(Some(fault)) = pushes::fault(&store, SystemClock.now()).await {
            self.tell("platforms.max webhook", Err(fault));
        }
    }

    /// Whether the wished intervals fit VK's daily quota; each look asks for a wall at least once.
    fn quota(&mut self) {
        let walls = self.sources.iter().filter(|source| source.platform == Platform::Vk.name());
        let calls: i64 = walls.map(|source| DAY_SECS / source.every_secs.max(1)).sum();
        if calls == 0 {
            return;
        }
        let text = match calls > i64::from(WALL_GET_PER_DAY) {
            false => {
                format!("VK: нужно около {calls} вызовов wall.get в день из {WALL_GET_PER_DAY}")
            }
            true => format!(
                "VK: для всех источников нужно {calls} вызовов wall.get в день, а дают \
                 {WALL_GET_PER_DAY}: смотреть будем реже, чем просит every"
            ),
        };
        self.tell("platforms.vk quota", Ok(text));
    }

    async fn channels(&mut self) {
        for channel in Channel::ALL {
            let outcome = match services::notifier(self.settings, channel) {
                Ok(None) => continue,
                Ok(Some(notifier)) => notifier.prove().await,
                Err(fault) => Err(sentence(&fault)),
            };
            self.tell(section_of(channel), outcome);
        }
    }

    /// The first page of a source: public, not a person's.
    async fn source(&mut self, reading: &Reading, source: &Source) {
        let what = format!("source {}", source.id);
        let spec = spec_of(source, None);
        let now = SystemClock.now();
        let horizon = now.saturating_sub(SignedDuration::from_hours(24 * HORIZON_DAYS));
        let outcome = match reading.collector(spec.platform) {
            Ok(collector) => {
                collector.page(&spec, None, horizon.unwrap_or(Timestamp::UNIX_EPOCH)).await
            }
            Err(error) => Err(error),
        };
        let why = outcome.as_ref().err().map(|error| error.text.clone());
        let outcome = outcome.map(|page| seen(source, &page, now));
        self.tell(&what, outcome.map_err(|error| format!("{}: {}", source.id, error.text)));
        let Ok(collector) = reading.collector(spec.platform) else { return };
        for right in collector.rights(&spec).await {
            match right {
                Ok(text) => self.tell(&what, Ok(format!("{}: {text}", source.id))),
                // Why the page is not read was said just now.
                Err(error) if why.as_ref() == Some(&error.text) => {}
                Err(error) => self.tell(&what, Err(format!("{}: {}", source.id, error.text))),
            }
        }
    }
}

/// The section of `otklik.toml` that sets a channel up.
fn section_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "smtp",
        Channel::Telegram => "telegram_bot",
        Channel::Max => "max_bot",
        Channel::Vk => "vk_bot",
        Channel::Webhook => "webhook",
    }
}

/// What the first page of a source showed.
fn seen(source: &Source, page: &Page, now: Timestamp) -> String {
    if source.kind == SourceKind::Leader {
        return format!("{}: страница лидера мнений, читается", source.id);
    }
    let newest = page.posts.iter().filter_map(|post| post.published).max();
    let newest = match newest {
        Some(at) => format!("последняя {}", ago(now, at)),
        None => "новых за год нет".to_owned(),
    };
    let Facts { unreadable, .. } = page.facts;
    let spoilt = match unreadable {
        0 => String::new(),
        number => format!(", не разобрано {number}"),
    };
    format!("{}: читается, записей на странице {}, {newest}{spoilt}", source.id, page.posts.len())
}

/// How long ago, in the largest whole unit.
fn ago(now: Timestamp, at: Timestamp) -> String {
    let secs = now.duration_since(at).as_secs().max(0);
    match secs {
        0..3_600 => format!("{} мин. назад", secs / 60),
        3_600..172_800 => format!("{} ч. назад", secs / 3_600),
        _ => format!("{} дн. назад", secs / DAY_SECS),
    }
}

/// A fault without its file, as one sentence.
fn sentence(fault: &Fault) -> String {
    match fault.fix.is_empty() {
        true => fault.text.clone(),
        false => format!("{} → {}", fault.text, fault.fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_in_the_largest_unit() {
        let now: Timestamp = "2026-03-02T10:00:00Z".parse().expect("an instant");
        for (secs, expected) in [
            (-5, "0 мин. назад"),
            (59 * 60, "59 мин. назад"),
            (3 * 3_600, "3 ч. назад"),
            (47 * 3_600, "47 ч. назад"),
            (50 * 3_600, "2 дн. назад"),
        ] {
            assert_eq!(ago(now, now - SignedDuration::from_secs(secs)), expected);
        }
    }
}
