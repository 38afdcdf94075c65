//! `otklik duty`: who is on duty now and next.
//!
//! Place in the flow: reads `duty.toml` by the code that routes. Invariant: stores nothing, names
//! receivers only.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::clock::{Clock, SystemClock};
use crate::config::Need;
use crate::pipeline::district::District;

use super::table::aligned;
use super::{Exit, Globals, Result, say, words};

/// `otklik duty`
#[derive(Debug, Args)]
pub struct DutyArgs {
    /// Сколько дней вперёд показать
    #[arg(long, value_name = "ДНЕЙ", default_value_t = 7)]
    days: u16,
    /// Строки JSON
    #[arg(long)]
    json: bool,
}

/// One turn: somebody holds a post from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Turn {
    receiver: String,
    from: Timestamp,
    who: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    instead_of: Option<String>,
}

/// Runs `duty`.
pub fn run(args: DutyArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Classify)?;
    let district = District::load_rules(&settings, false)?;
    let now = SystemClock.now();
    let turns = turns(&district, now, args.days);
    if args.json {
        for turn in &turns {
            say!("{}", serde_json::to_string(turn).map_err(std::io::Error::from)?)?;
        }
        return Ok(Exit::Done);
    }
    if turns.is_empty() {
        say!("Никто не дежурит по очереди: в duty.toml нет таблиц [[duty]].")?;
    }
    let rows = turns.iter().map(|turn| {
        let who = turn.who.clone().unwrap_or_else(|| "все отсутствуют: получает сам".to_owned());
        let instead = turn.instead_of.as_ref().map(|away| format!("вместо «{away}»"));
        let from = match turn.from == now {
            true => "сейчас".to_owned(),
            false => format!("с {}", words::moment(turn.from, now, &district.zone)),
        };
        vec![turn.receiver.clone(), from, who, instead.unwrap_or_default()]
    });
    for line in aligned(&rows.collect::<Vec<_>>()) {
        say!("{line}")?;
    }
    Ok(Exit::Done)
}

/// Every change within `days`, each post by itself.
fn turns(district: &District, now: Timestamp, days: u16) -> Vec<Turn> {
    let mut turns = Vec::new();
    for duty in &district.duties.duties {
        let mut before: Option<Turn> = None;
        // Nothing changes between two changes of the day.
        let mut at = now;
        for step in 0..=days {
            if step > 0 {
                at = change_after(district, duty.change, at);
            }
            let civil = at.to_zoned(district.zone.clone()).datetime();
            let held = district.duties.on_duty(&duty.receiver, civil);
            let turn = Turn {
                receiver: duty.receiver.clone(),
                from: at,
                who: held.as_ref().map(|held| held.who.to_owned()),
                instead_of: held.and_then(|held| held.instead_of.map(str::to_owned)),
            };
            let same = |other: &Turn| other.who == turn.who && other.instead_of == turn.instead_of;
            if !before.as_ref().is_some_and(same) {
                before = Some(turn.clone());
                turns.push(turn);
            }
        }
    }
    turns
}

/// The next instant after `at` at which it is `change` on the clock.
fn change_after(district: &District, change: jiff::civil::Time, at: Timestamp) -> Timestamp {
    let local = at.to_zoned(district.zone.clone());
    let today = local.date().to_datetime(change);
    let date = if local.datetime() < today {
        local.date()
    } else {
        local.date().tomorrow().unwrap_or(local.date())
    };
    let next = date.to_datetime(change).to_zoned(district.zone.clone());
    next.map_or(at + SignedDuration::from_hours(24), |zoned| zoned.timestamp())
}
