//! Who is told about a problem, over which channels, when, and why.
//!
//! Place in the flow: between the decision and the outbox. Invariants: an alert whose level
//! somebody wants reaches somebody: if the filters leave nobody, everybody who wants the level gets
//! it; a post whose people are all away gets its messages itself; a critical alert waits for no
//! hours.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::hours::next_open;
use super::render::words;
use crate::config::calendar::Calendar;
use crate::config::duty::Duties;
use crate::config::routes::{Hours, Receiver, Routes};
use crate::model::{Channel, PlaceId, RiskLevel, TopicId, TopicKind};

/// What routing looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteFacts<'a> {
    /// Topic.
    pub topic: &'a TopicId,
    /// Kind of the topic.
    pub kind: TopicKind,
    /// Default owner of the topic (key of `[departments]`).
    pub department: Option<&'a str>,
    /// Level of the problem.
    pub level: RiskLevel,
    /// Place, if known.
    pub place: Option<&'a PlaceId>,
    /// Object within the topic, if the posts name one.
    pub object: Option<&'a str>,
}

/// Who is told, and when people work.
#[derive(Debug, Clone, Copy)]
pub struct Roster<'a> {
    /// Who is told what.
    pub routes: &'a Routes,
    /// Who holds a post when.
    pub duties: &'a Duties,
    /// When people work.
    pub calendar: &'a Calendar,
    /// Civil time of the district.
    pub zone: &'a TimeZone,
}

/// A receiver that is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedReceiver {
    /// Its name.
    pub name: String,
    /// Its channels with addresses, in the order to try.
    pub channels: Vec<(Channel, String)>,
    /// Why it is told, in Russian, for `alerts route-test` and `alerts show`.
    pub because: String,
    /// When its message may leave.
    pub due: Timestamp,
}

/// A receiver with why it is told, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed<'a> {
    /// Who.
    pub receiver: &'a Receiver,
    /// Whether it is told.
    pub told: bool,
    /// Why or why not, in Russian.
    pub because: String,
    /// When its message may leave.
    pub due: Timestamp,
}

/// Receivers of a problem at `now`, in the order of the file; nobody twice.
#[must_use]
pub fn route(facts: &RouteFacts<'_>, roster: &Roster<'_>, now: Timestamp) -> Vec<RoutedReceiver> {
    let told = weigh(facts, roster, now).into_iter().filter(|weighed| weighed.told);
    told.map(|it| RoutedReceiver { due: it.due, ..routed(it.receiver, it.because, now) }).collect()
}

/// Every receiver, in the order of the file, with why it is told at `now` or not. What goes to a
/// post is told to whoever holds it.
#[must_use]
pub fn weigh<'a>(facts: &RouteFacts<'_>, roster: &Roster<'a>, now: Timestamp) -> Vec<Weighed<'a>> {
    let own = |receiver: &Receiver| match roster.duties.takes_turns(&receiver.name) {
        true => Err("получает только в свою смену".to_owned()),
        false => matches(facts, receiver),
    };
    let mut all: Vec<Weighed<'a>> = roster
        .routes
        .receivers
        .iter()
        .map(|receiver| {
            let (told, because) = match own(receiver) {
                Ok(because) => (true, because),
                Err(because) => (false, because),
            };
            Weighed { receiver, told, because, due: now }
        })
        .collect();
    if !all.iter().any(|weighed| weighed.told) {
        let wants = |it: &Weighed<'_>| {
            facts.level >= it.receiver.min_level && !roster.duties.takes_turns(&it.receiver.name)
        };
        for weighed in all.iter_mut().filter(|it| wants(it)) {
            weighed.told = true;
            weighed.because = "никому не подошло по отборам: сообщаем всем".to_owned();
        }
    }
    hand_over(&mut all, roster, now);
    if facts.level < RiskLevel::Critical {
        for weighed in all.iter_mut().filter(|it| it.told) {
            let zone = weighed.receiver.zone.as_ref().unwrap_or(roster.zone);
            weighed.due = next_open(weighed.receiver.hours, roster.calendar, zone, now);
            if weighed.due > now {
                weighed.because.push_str(", ждёт его часов");
            }
        }
    }
    all
}

/// Gives what would go to a post to whoever holds it at `now`.
fn hand_over(all: &mut [Weighed<'_>], roster: &Roster<'_>, now: Timestamp) {
    let civil = now.to_zoned(roster.zone.clone()).datetime();
    let posts: Vec<usize> = (0..all.len()).filter(|&at| all[at].told).collect();
    for post in posts {
        let name = all[post].receiver.name.as_str();
        let Some(holder) = roster.duties.on_duty(name, civil) else { continue };
        let Some(person) = all.iter().position(|it| it.receiver.name == holder.who) else {
            continue;
        };
        let mut because = format!("дежурит за «{name}»");
        if let Some(away) = holder.instead_of {
            because.push_str(&format!(" вместо «{away}»"));
        }
        all[post].told = false;
        all[post].because = format!("дежурит «{}»", holder.who);
        all[person].told = true;
        all[person].because = because;
    }
}

/// Whoever is reminded under this name at `now`: the holder if it is a post.
#[must_use]
pub fn named(name: &str, roster: &Roster<'_>, now: Timestamp) -> Option<RoutedReceiver> {
    let civil = now.to_zoned(roster.zone.clone()).datetime();
    let holder = roster.duties.on_duty(name, civil).map_or(name, |holder| holder.who);
    let receiver = roster.routes.receivers.iter().find(|receiver| receiver.name == holder)?;
    Some(routed(receiver, "никто не взял в работу".to_owned(), now))
}

/// When a message that is not critical may reach `receiver`.
#[must_use]
pub fn open_from(receiver: &str, roster: &Roster<'_>, now: Timestamp) -> Timestamp {
    let (hours, zone) = hours_of(receiver, roster);
    next_open(hours, roster.calendar, zone, now)
}

/// The hours of a receiver and their zone.
#[must_use]
pub fn hours_of<'a>(receiver: &str, roster: &Roster<'a>) -> (Hours, &'a TimeZone) {
    let found = roster.routes.receivers.iter().find(|it| it.name == receiver);
    let zone = found.and_then(|it| it.zone.as_ref()).unwrap_or(roster.zone);
    (found.map_or(Hours::Always, |it| it.hours), zone)
}

/// Receivers of the weekly digest, in the order of the file.
#[must_use]
pub fn digest_receivers(routes: &Routes, now: Timestamp) -> Vec<RoutedReceiver> {
    let wanting = routes.receivers.iter().filter(|receiver| receiver.digest);
    wanting.map(|receiver| routed(receiver, "недельная сводка".to_owned(), now)).collect()
}

/// Those who are told about sources in trouble, in the order of the file.
#[must_use]
pub fn operators(routes: &Routes, now: Timestamp) -> Vec<RoutedReceiver> {
    let wanting = routes.receivers.iter().filter(|receiver| receiver.operator);
    wanting.map(|receiver| routed(receiver, "состояние источников".to_owned(), now)).collect()
}

/// Who answers for a silence or planned works, within their hours: the receiver named, else the
/// first body; whoever holds it now, if it is a post.
#[must_use]
pub fn owner(roster: &Roster<'_>, name: Option<&str>, now: Timestamp) -> Option<RoutedReceiver> {
    let receivers = &roster.routes.receivers;
    let meant = receivers.iter().find(|it| Some(it.name.as_str()) == name);
    let digest = || receivers.iter().find(|it| it.digest);
    let owner = meant.or_else(digest).or(receivers.first())?;
    let told = named(&owner.name, roster, now)?;
    let due = open_from(&told.name, roster, now);
    Some(RoutedReceiver { due, because: "отвечает за это".to_owned(), ..told })
}

/// Those who get what others would get while the trial runs, in the order of the file.
#[must_use]
pub fn analysts(routes: &Routes, now: Timestamp) -> Vec<RoutedReceiver> {
    let wanting = routes.receivers.iter().filter(|receiver| receiver.analyst);
    wanting.map(|receiver| routed(receiver, "пробный режим".to_owned(), now)).collect()
}

fn routed(receiver: &Receiver, because: String, due: Timestamp) -> RoutedReceiver {
    let (name, channels) = (receiver.name.clone(), receiver.channels.clone());
    RoutedReceiver { name, channels, because, due }
}

/// Why the filters of this receiver let the problem through, or which one does not.
fn matches(facts: &RouteFacts<'_>, receiver: &Receiver) -> Result<String, String> {
    if facts.level < receiver.min_level {
        return Err(format!("уровень ниже, чем {}", words::level_key(receiver.min_level)));
    }
    let mut because = Vec::new();
    if !receiver.kinds.is_empty() {
        if !receiver.kinds.contains(&facts.kind) {
            return Err("не тот вид темы".to_owned());
        }
        because.push("вид темы".to_owned());
    }
    if !receiver.topics.is_empty() {
        if !receiver.topics.contains(facts.topic) {
            return Err(format!("тема {} не в его списке", facts.topic));
        }
        because.push(format!("тема {}", facts.topic));
    }
    if !receiver.departments.is_empty() {
        match facts.department {
            Some(own) if receiver.departments.contains(own) => {
                because.push(format!("отдел {own}"));
            }
            Some(own) => return Err(format!("это дело отдела {own}")),
            None => return Err("у темы нет отдела".to_owned()),
        }
    }
    if !receiver.places.is_empty() {
        match facts.place {
            Some(place) if receiver.places.contains(place) => {
                because.push(format!("место {place}"));
            }
            Some(place) => return Err(format!("место {place} не в его списке")),
            None => return Err("место не названо".to_owned()),
        }
    }
    if !receiver.objects.is_empty() {
        match facts.object {
            Some(object) if receiver.objects.contains(object) => {
                because.push(format!("предмет {object}"));
            }
            _ => return Err("предмет не из его списка".to_owned()),
        }
    }
    if because.is_empty() {
        because.push("получает все темы".to_owned());
    }
    Ok(because.join(", "))
}
