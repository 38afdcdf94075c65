//! `routes.toml` as typed, and everything that can be wrong with it.
//!
//! Place in the flow: [`parse`] is the only way from the file to [`Routes`]. Invariant: all faults
//! at once; an error means that nothing of the file is used, a warning that it is used as far as it
//! goes.

mod inhibit;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};
use toml::Spanned;

use super::{AlertRules, Hours, KnownNames, LadderStep, Receiver, Routes};
use crate::config::calendar::DayHours;
use crate::config::duration;
use crate::config::fault::{Fault, Severity, parse_toml};
use crate::model::{Channel, PlaceId, RiskLevel, TopicId, TopicKind};
use inhibit::InhibitTable;

/// Most receivers in the file.
const RECEIVERS_MAX: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutesFile {
    #[serde(default)]
    alert: AlertTable,
    #[serde(default)]
    departments: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    #[serde(default)]
    receiver: Vec<Spanned<ReceiverTable>>,
    #[serde(default)]
    ladder: Vec<Spanned<LadderTable>>,
    #[serde(default)]
    inhibit: Vec<InhibitTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LadderTable {
    level: Option<Spanned<String>>,
    after: Spanned<String>,
    #[serde(default)]
    tell: Vec<Spanned<String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AlertTable {
    level: Option<Spanned<String>>,
    voices: Option<Spanned<i64>>,
    rumour_voices: Option<Spanned<i64>>,
    burst_times: Option<Spanned<i64>>,
    burst_more: Option<Spanned<i64>>,
    waiting: Option<Spanned<String>>,
    budget: Option<Spanned<i64>>,
    volley: Option<Spanned<i64>>,
    shift_hours: Option<Spanned<i64>>,
    trial_until: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReceiverTable {
    name: Spanned<String>,
    email: Option<Spanned<String>>,
    telegram_chat: Option<Spanned<Address>>,
    max_chat: Option<Spanned<Address>>,
    vk_peer: Option<Spanned<Address>>,
    webhook: Option<Spanned<String>>,
    #[serde(default)]
    order: Vec<Spanned<String>>,
    min_level: Option<Spanned<String>>,
    #[serde(default)]
    kinds: Vec<Spanned<String>>,
    #[serde(default)]
    topics: Vec<Spanned<String>>,
    #[serde(default)]
    departments: Vec<Spanned<String>>,
    #[serde(default)]
    places: Vec<Spanned<String>>,
    #[serde(default)]
    objects: Vec<Spanned<String>>,
    hours: Option<Spanned<String>>,
    timezone: Option<Spanned<String>>,
    #[serde(default)]
    digest: bool,
    #[serde(default)]
    operator: bool,
    #[serde(default)]
    analyst: bool,
}

/// A chat or peer: people write its number with and without quotes.
struct Address(String);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Address;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("число или строка")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Address, E> {
                Ok(Address(number.to_string()))
            }

            fn visit_str<E>(self, text: &str) -> Result<Address, E> {
                Ok(Address(text.trim().to_owned()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads `source`, the content of `file`. Ok: the routes and warnings; Err: all faults, warnings
/// too.
pub fn parse(
    file: &Path,
    source: &str,
    known: &KnownNames,
) -> Result<(Routes, Vec<Fault>), Vec<Fault>> {
    let typed: RoutesFile = parse_toml(file, source).map_err(|fault| vec![fault])?;
    let mut check = Check { file, source, known, faults: Vec::new() };
    let routes = check.routes(typed);
    let mut faults = check.faults;
    faults.sort_by_key(|fault| (fault.line, fault.column));
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults);
    }
    Ok((routes, faults))
}

struct Check<'a> {
    file: &'a Path,
    source: &'a str,
    known: &'a KnownNames,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn error<T>(&mut self, at: &Spanned<T>, text: impl Into<String>, fix: impl Into<String>) {
        self.faults.push(Fault::at(self.file, self.source, at.span().start, text, fix));
    }

    fn warn<T>(&mut self, at: &Spanned<T>, text: impl Into<String>, fix: impl Into<String>) {
        let fault = Fault::at(self.file, self.source, at.span().start, text, fix);
        self.faults.push(fault.warning());
    }

    fn routes(&mut self, typed: RoutesFile) -> Routes {
        let alert = self.alert(&typed.alert);
        if let Some(extra) = typed.receiver.get(RECEIVERS_MAX) {
            self.error(extra, format!("получателей больше {RECEIVERS_MAX}"), "объедините их");
        }
        let mut receivers: Vec<Receiver> = Vec::new();
        for table in &typed.receiver {
            let receiver = self.receiver(table);
            if receivers.iter().any(|other| other.name == receiver.name) {
                let text = format!("получатель «{}» уже есть", receiver.name);
                self.error(&table.get_ref().name, text, "дайте другое имя");
            }
            receivers.push(receiver);
        }
        let departments = self.departments(&typed, &mut receivers);
        let ladder =
            typed.ladder.iter().map(|step| self.step(step.get_ref(), &receivers)).collect();
        self.trial(&typed.alert, &receivers);
        let inhibits = typed.inhibit.iter().map(|table| self.inhibit(table)).collect();
        Routes { alert, receivers, ladder, departments, inhibits }
    }

    fn alert(&mut self, table: &AlertTable) -> AlertRules {
        let default = AlertRules::default();
        AlertRules {
            level: self.level(table.level.as_ref(), default.level),
            voices: self.number(table.voices.as_ref(), 1, default.voices),
            // DESIGN 3: a rumour is told from 3 voices on, not earlier.
            rumour_voices: self.number(table.rumour_voices.as_ref(), 3, default.rumour_voices),
            burst_times: self.number(table.burst_times.as_ref(), 2, default.burst_times),
            burst_more: self.number(table.burst_more.as_ref(), 1, default.burst_more),
            waiting: match &table.waiting {
                None => default.waiting,
                Some(typed) if typed.get_ref().trim() == "never" => None,
                Some(typed) => Some(self.length(typed, 3_600)),
            },
            budget: self.within(table.budget.as_ref(), (2, 1_000), default.budget),
            volley: self.within(table.volley.as_ref(), (1, 1_000), default.volley),
            shift_hours: self.within(table.shift_hours.as_ref(), (1, 24), default.shift_hours),
            trial_until: self.day(table.trial_until.as_ref()),
        }
    }

    /// A length of time of at least `least` seconds.
    fn length(&mut self, typed: &Spanned<String>, least: i64) -> SignedDuration {
        match duration::parse(typed.get_ref()) {
            Ok(secs) if secs >= least => SignedDuration::from_secs(secs),
            Ok(_) => {
                let text = format!("слишком мало: «{}»", typed.get_ref());
                self.error(typed, text, format!("не меньше {}", duration::render(least)));
                SignedDuration::from_secs(least)
            }
            Err(fix) => {
                self.error(typed, format!("время «{}» не понятно", typed.get_ref()), fix);
                SignedDuration::from_secs(least)
            }
        }
    }

    fn step(&mut self, typed: &LadderTable, receivers: &[Receiver]) -> LadderStep {
        let mut tell = Vec::new();
        for name in &typed.tell {
            let wanted = name.get_ref().trim();
            if receivers.iter().any(|receiver| receiver.name == wanted) {
                tell.push(wanted.to_owned());
            } else {
                self.no_receiver(name);
            }
        }
        LadderStep {
            level: self.level(typed.level.as_ref(), RiskLevel::High),
            after: self.length(&typed.after, 60),
            tell,
        }
    }

    /// Somebody is named whom no table describes.
    fn no_receiver(&mut self, name: &Spanned<String>) {
        let text = format!("нет получателя «{}»", name.get_ref());
        let fix = "добавьте [[receiver]] с этим именем";
        match self.known.receivers {
            true => self.error(name, text, fix),
            false => self.warn(name, text, fix),
        }
    }

    fn hours(&mut self, typed: Option<&Spanned<String>>) -> Hours {
        let Some(typed) = typed else { return Hours::Always };
        match typed.get_ref().trim() {
            "always" => Hours::Always,
            "work" => Hours::Work,
            text => DayHours::parse(text).map(Hours::Daily).unwrap_or_else(|text| {
                let fix = "always — всегда, work — по calendar.toml, или часы \"08:00-20:00\"";
                self.error(typed, text, fix);
                Hours::Always
            }),
        }
    }

    fn zone(&mut self, typed: &Spanned<String>) -> Option<TimeZone> {
        let zone = TimeZone::get(typed.get_ref().trim()).ok();
        if zone.is_none() {
            let text = format!("нет часового пояса «{}»", typed.get_ref());
            self.error(typed, text, "например Asia/Irkutsk");
        }
        zone
    }

    fn number(&mut self, typed: Option<&Spanned<i64>>, least: u32, default: u32) -> u32 {
        self.within(typed, (least, 10_000), default)
    }

    fn within(
        &mut self,
        typed: Option<&Spanned<i64>>,
        (least, most): (u32, u32),
        default: u32,
    ) -> u32 {
        let Some(typed) = typed else { return default };
        match u32::try_from(*typed.get_ref()) {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                let text = format!("число должно быть от {least} до {most}");
                self.error(typed, text, format!("обычно {default}"));
                default
            }
        }
    }

    fn level(&mut self, typed: Option<&Spanned<String>>, default: RiskLevel) -> RiskLevel {
        let Some(typed) = typed else { return default };
        let found = RiskLevel::ALL.into_iter().find(|level| level.name() == typed.get_ref());
        found.unwrap_or_else(|| {
            let text = format!("нет такого уровня: «{}»", typed.get_ref());
            self.error(typed, text, "low, elevated, high или critical");
            default
        })
    }

    fn receiver(&mut self, table: &Spanned<ReceiverTable>) -> Receiver {
        let typed = table.get_ref();
        let name = typed.name.get_ref().trim().to_owned();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            self.error(&typed.name, "имя получателя: от 1 до 100 знаков в одной строке", "");
        }
        let mut channels = self.addresses(typed);
        if channels.is_empty() {
            let fix = "укажите email, telegram_chat, max_chat, vk_peer или webhook";
            self.error(&typed.name, format!("у получателя «{name}» нет ни одного канала"), fix);
        }
        self.reorder(&typed.order, &mut channels);
        let known = self.known;
        let topics = self.names(&typed.topics, known.topics.as_ref(), "такой темы");
        let places = self.names(&typed.places, known.places.as_ref(), "такого места");
        let objects = self.names(&typed.objects, known.objects.as_ref(), "такого предмета");
        Receiver {
            name,
            channels,
            min_level: self.level(typed.min_level.as_ref(), RiskLevel::Elevated),
            kinds: self.kinds(&typed.kinds),
            topics: topics.into_iter().map(TopicId::from).collect(),
            departments: self.names(&typed.departments, None, "").into_iter().collect(),
            places: places.into_iter().map(PlaceId).collect(),
            objects: objects.into_iter().collect(),
            hours: self.hours(typed.hours.as_ref()),
            zone: typed.timezone.as_ref().and_then(|zone| self.zone(zone)),
            digest: typed.digest,
            operator: typed.operator,
            analyst: typed.analyst,
        }
    }

    /// The channels of one receiver, in the default order.
    fn addresses(&mut self, typed: &ReceiverTable) -> Vec<(Channel, String)> {
        let mut channels = Vec::new();
        if let Some(email) = &typed.email {
            let address = email.get_ref().trim();
            if !is_email(address) {
                let text = format!("«{address}» не похоже на адрес почты");
                self.error(email, text, "нужно вида dezhurny@example.org, один адрес");
            }
            channels.push((Channel::Email, address.to_owned()));
        }
        if let Some(chat) = &typed.telegram_chat {
            if !is_chat(&chat.get_ref().0) {
                let fix = "номер чата (-1001234567890) или @имя_канала";
                self.error(chat, "неверный чат Telegram", fix);
            }
            channels.push((Channel::Telegram, chat.get_ref().0.clone()));
        }
        let later =
            [(Channel::Max, "max_chat", &typed.max_chat), (Channel::Vk, "vk_peer", &typed.vk_peer)];
        for (channel, key, typed) in later {
            let Some(typed) = typed else { continue };
            if typed.get_ref().0.parse::<i64>().is_err() {
                self.error(
                    typed,
                    format!("{key}: нужен номер"),
                    "только цифры, может быть с минусом",
                );
            }
            channels.push((channel, typed.get_ref().0.clone()));
        }
        if let Some(hook) = &typed.webhook {
            let address = hook.get_ref().trim();
            let scheme = address.starts_with("https://") || address.starts_with("http://");
            if !scheme || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
                self.error(hook, "webhook: нужен адрес https://…", "");
            }
            channels.push((Channel::Webhook, address.to_owned()));
        }
        channels
    }

    /// Puts the channels named in `order` first, the others behind them.
    fn reorder(&mut self, order: &[Spanned<String>], channels: &mut [(Channel, String)]) {
        let mut front = 0;
        for wanted in order {
            let place = channels.iter().position(|(channel, _)| {
                channel.name() == wanted.get_ref() || key_of(*channel) == wanted.get_ref()
            });
            match place {
                Some(place) if place >= front => {
                    channels[front..=place].rotate_right(1);
                    front += 1;
                }
                Some(_) => self.error(wanted, "канал назван дважды", "оставьте один раз"),
                None => {
                    let text = format!("у получателя нет канала «{}»", wanted.get_ref());
                    self.error(wanted, text, "email, telegram, max, vk или webhook");
                }
            }
        }
    }

    fn kinds(&mut self, typed: &[Spanned<String>]) -> BTreeSet<TopicKind> {
        let mut kinds = BTreeSet::new();
        for kind in typed {
            match kind.get_ref().as_str() {
                "problem" => kinds.insert(TopicKind::Problem),
                "danger" => kinds.insert(TopicKind::Danger),
                "rumour" => kinds.insert(TopicKind::Rumour),
                other => {
                    let text = format!("нет такого вида тем: «{other}»");
                    self.error(kind, text, "problem, danger или rumour");
                    continue;
                }
            };
        }
        kinds
    }

    /// Trimmed names; unknown ones are warned of.
    fn names(
        &mut self,
        typed: &[Spanned<String>],
        known: Option<&BTreeSet<String>>,
        what: &str,
    ) -> Vec<String> {
        for name in typed {
            if known.is_some_and(|known| !known.contains(name.get_ref().trim())) {
                self.warn(name, format!("нет {what}: «{}»", name.get_ref()), "проверьте написание");
            }
        }
        typed.iter().map(|name| name.get_ref().trim().to_owned()).collect()
    }

    /// Departments; each becomes a filter of the receivers it names.
    fn departments(
        &mut self,
        typed: &RoutesFile,
        receivers: &mut [Receiver],
    ) -> BTreeMap<String, Vec<String>> {
        let mut departments = BTreeMap::new();
        for (department, names) in &typed.departments {
            for name in names {
                match receivers.iter_mut().find(|it| it.name == name.get_ref().trim()) {
                    Some(receiver) => {
                        receiver.departments.insert(department.get_ref().clone());
                    }
                    None => self.no_receiver(name),
                }
            }
            let names = names.iter().map(|name| name.get_ref().trim().to_owned()).collect();
            departments.insert(department.get_ref().clone(), names);
        }
        departments
    }
}

/// The key that gives this channel its address.
fn key_of(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "email",
        Channel::Telegram => "telegram_chat",
        Channel::Max => "max_chat",
        Channel::Vk => "vk_peer",
        Channel::Webhook => "webhook",
    }
}

/// One plain ASCII address: nothing that could add a header, a second recipient or a comment.
fn is_email(address: &str) -> bool {
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(c);
    let host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    !local.is_empty()
        && local.len() <= 64
        && address.len() <= 254
        && local.chars().all(plain)
        && !domain.is_empty()
        && domain.chars().all(host)
        && domain.split('.').all(|label| !label.is_empty())
}

/// A chat number or the public name of a channel.
fn is_chat(chat: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match chat.strip_prefix('@') {
        Some(handle) => handle.len() >= 4 && handle.len() <= 32 && handle.chars().all(name),
        None => chat.parse::<i64>().is_ok_and(|number| number != 0),
    }
}
