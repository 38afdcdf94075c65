//! One loop over a closed enum of events: what is due, what has ended, what a person asks.
//!
//! Place in the flow: `otklik run` and the simulated district start it. Invariants: the loop itself
//! does no work, it starts tasks and hears of their end; everything periodic is a row with its
//! time, so a restart forgets nothing; the watchdog is fed by this loop only while its tasks make
//! progress.

pub mod ears;
pub mod pushes;
pub mod reload;
pub mod socket;
mod tasks;
mod turns;
mod watchdog;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, watch};

use crate::clock::Busy;
use crate::config::{Fault, Severity, rules};
use crate::model::{Command, CommandKind, CommandReply};
use crate::pipeline::health::RULES_FAULT;
use crate::pipeline::note::{self, Note};
use crate::pipeline::{command, renew, report, services::Services, together};
use crate::store::{FreedLeases, RulesEntry, StoreError};
use reload::Reload;
use socket::{Asked, Socket};
use tasks::Tasks;

/// Most events that wait for the loop.
const EVENTS_MAX: usize = 256;
/// Longest wait for running tasks after a stop: enough for what makes progress, too short to wait
/// for a server that hangs.
const STOP_SECS: u64 = 3;

/// Everything that can happen to the loop.
pub(crate) enum Event {
    /// A page brought something new: there is something to group.
    Page,
    /// A task ended.
    Ended(Task, Result<Ending, StoreError>, Busy),
    /// A person asks.
    Asked(Asked),
}

/// What kind of task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    /// A look at a source.
    Look,
    /// Grouping.
    Group,
    /// Emptying the outbox.
    Dispatch,
    /// Changing what was sent.
    Touch,
    /// Fixed jobs.
    Jobs,
    /// A digest a person asked for.
    Command,
}

/// What a task that ended well says.
pub(crate) struct Ending;

/// How the loop is run.
pub struct Control {
    /// Turns true when the daemon shall stop.
    pub stop: watch::Receiver<bool>,
    /// Where to listen for commands, if anywhere.
    pub socket: Option<PathBuf>,
    /// Files to watch, if any.
    pub reload: Option<Reload>,
    /// What is wrong with the files, if the daemon starts with an earlier set of rules.
    pub fault: Option<String>,
    /// Longest sleep of the loop: it looks at files and feeds the watchdog at least so often.
    pub tick: SignedDuration,
    /// Whether to talk to the service manager.
    pub systemd: bool,
    /// Whether to listen to our bots.
    pub hear: bool,
}

impl Control {
    /// A daemon by itself: no socket, no files to watch, no service manager, nobody to hear.
    #[must_use]
    pub const fn alone(stop: watch::Receiver<bool>, tick: SignedDuration) -> Self {
        let (socket, reload, fault) = (None, None, None);
        Self { stop, socket, reload, fault, tick, systemd: false, hear: false }
    }
}

/// Runs until told to stop. Returns what must end the process: a store that is damaged or cannot be
/// written.
pub async fn run(services: Arc<Services>, mut control: Control) -> Result<(), StoreError> {
    let busy = services.clock.busy();
    let (sender, mut events) = mpsc::channel::<Event>(EVENTS_MAX);
    let (ask, mut asked) = mpsc::channel::<Asked>(16);
    let _socket = open_socket(control.socket.as_deref(), ask);
    take_over(&services).await?;
    let fault = control.fault.take();
    begin(&services, fault.as_deref()).await?;
    if fault.is_none() {
        keep_rules(&services, By::start()).await?;
    }
    let _ears = match control.hear {
        true => Some(ears::start(&services, &sender, &control.stop).await?),
        false => None,
    };
    let _pushes = match control.hear {
        true => pushes::start(&services, &sender).await?,
        false => None,
    };
    let mut tasks = Tasks::new(Arc::clone(&services), sender, control.stop.clone());
    let watchdog = watchdog::Watchdog::start(control.systemd);
    let mut alive = None;
    loop {
        if *control.stop.borrow() {
            break;
        }
        alive = together::alive(&services.store, alive, services.clock.now()).await?;
        reload_files(&services, control.reload.as_mut()).await?;
        let due = tasks.start_due().await?;
        let now = services.clock.now();
        watchdog.feed(&tasks.ages(now));
        let wake = due.min(now.saturating_add(control.tick).unwrap_or(now));
        let event = tokio::select! {
            event = events.recv() => event,
            Some(asked) = asked.recv() => Some(Event::Asked(asked)),
            () = services.clock.sleep_until(wake) => None,
            changed = control.stop.changed() => match changed {
                Ok(()) => None,
                // Nobody is left who could say stop.
                Err(_) => break,
            },
        };
        match event {
            Some(Event::Asked(asked)) => {
                answer(&services, control.reload.as_mut(), &mut tasks, asked).await?;
            }
            Some(event) => tasks.hear(event)?,
            None => {}
        }
        // What came meanwhile is heard before the store is asked again.
        while let Ok(event) = events.try_recv() {
            tasks.hear(event)?;
        }
    }
    watchdog.stopping();
    // From here on the loop waits for its tasks, not for the clock: they may still need time to
    // pass.
    drop(busy);
    tasks.finish(&mut events, std::time::Duration::from_secs(STOP_SECS)).await
}

fn open_socket(path: Option<&std::path::Path>, ask: mpsc::Sender<Asked>) -> Option<Socket> {
    let path = path?;
    match socket::listen(path, ask) {
        Ok(socket) => Some(socket),
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "command socket not opened");
            None
        }
    }
}

/// Takes over from a daemon that ended in the middle of its work.
async fn take_over(services: &Services) -> Result<(), StoreError> {
    let freed = services.store.free_leases().await?;
    if freed != FreedLeases::default() {
        tracing::warn!(
            sources = freed.sources.len(),
            deliveries = freed.deliveries,
            jobs = freed.jobs,
            "the last run ended in the middle of its work, going on from there"
        );
    }
    Ok(())
}

/// Rows for sources and fixed jobs.
async fn begin(services: &Services, fault: Option<&str>) -> Result<(), StoreError> {
    let district = services.district.load_full();
    services.store.sync_sources(&district.sources, services.clock.now()).await?;
    renew::renew(services).await?;
    report::plan(services, &district).await?;
    keep_fault(services, fault.unwrap_or_default()).await
}

/// Keeps what is wrong with the files that people edit; whoever is to know is told at once.
async fn keep_fault(services: &Services, fault: &str) -> Result<(), StoreError> {
    let store = &services.store;
    if store.setting(RULES_FAULT).await?.unwrap_or_default() == fault {
        return Ok(());
    }
    store.keep_setting(RULES_FAULT, fault).await?;
    store.plan_job(report::HEALTH, services.clock.now(), true).await
}

/// Who changed the rules, and why.
struct By {
    actor: String,
    reason: String,
    /// Whether the reason is entered even if the rules are the same.
    again: bool,
}

impl By {
    fn start() -> Self {
        Self {
            actor: "otklik".to_owned(), reason: "запуск службы".to_owned(), again: false
        }
    }
}

/// Enters the rules in force into the history; nothing if they are its last entry.
async fn keep_rules(services: &Services, by: By) -> Result<(), StoreError> {
    let Some(named) = services.district.load().files.named() else { return Ok(()) };
    let By { actor, reason, again } = by;
    let (version, at) = (rules::version(&named), services.clock.now());
    let entry = RulesEntry { version, at, actor, reason };
    services.store.keep_rules(entry, named, again).await?;
    Ok(())
}

/// Puts changed files in force; a bad file leaves the old rules.
async fn reload_files(
    services: &Services,
    reload: Option<&mut Reload>,
) -> Result<Option<Result<(), String>>, StoreError> {
    let Some(reload) = reload else { return Ok(None) };
    let Some(outcome) = reload.look(services.clock.now()) else { return Ok(None) };
    let (actor, reason) = reload.edit();
    put_in_force(services, outcome, By { actor, reason, again: false }).await.map(Some)
}

async fn put_in_force(
    services: &Services,
    outcome: reload::Outcome,
    by: By,
) -> Result<Result<(), String>, StoreError> {
    let faults = match outcome {
        Ok(district) => services.replace(district).err().map(|fault| vec![fault]),
        Err(faults) => Some(faults),
    };
    if let Some(faults) = faults {
        for fault in &faults {
            tracing::error!(%fault, "changed files not used, the old rules stay in force");
        }
        let broken = |fault: &&Fault| fault.severity == Severity::Error;
        let first = faults.iter().find(broken).or(faults.first());
        let first = first.map(ToString::to_string).unwrap_or_default();
        keep_fault(services, &first).await?;
        return Ok(Err(format!("Правила не приняты, действуют прежние. {first}")));
    }
    begin(services, None).await?;
    keep_rules(services, by).await?;
    let district = services.district.load();
    tracing::info!(lexicon = district.lexicon.hash(), "changed files in force");
    Ok(Ok(()))
}

/// Reads the files now because somebody asked; what they gave as a reason goes into the history.
async fn reread(
    services: &Services,
    reload: &mut Reload,
    command: &Command,
    why: &Option<String>,
) -> Result<Result<(), String>, StoreError> {
    let outcome = reload.now(services.clock.now());
    let (_, edit) = reload.edit();
    let actor = command.actor.clone();
    let by = match why {
        Some(why) => By { actor, reason: why.clone(), again: true },
        None => By { actor, reason: edit, again: false },
    };
    put_in_force(services, outcome, by).await
}

/// Notes a complaint under the rules in force.
async fn take_note(
    services: &Services,
    asked: Note<'_>,
    now: Timestamp,
) -> Result<CommandReply, StoreError> {
    let (district, reading) = (services.district.load_full(), services.reading.load_full());
    note::take(&services.store, &district, &reading.door, asked, now).await
}

async fn change_store(
    services: &Services,
    command: &Command,
    now: Timestamp,
) -> Result<Option<CommandReply>, StoreError> {
    let district = services.district.load_full();
    command::change_store(&services.store, Some(&district), command, now).await
}

async fn answer(
    services: &Arc<Services>,
    reload: Option<&mut Reload>,
    tasks: &mut Tasks,
    asked: Asked,
) -> Result<(), StoreError> {
    let now: Timestamp = services.clock.now();
    let reply = match &asked.command.kind {
        CommandKind::Reload { why } => match reload {
            None => CommandReply {
                done: false, text: "Перечитывать нечего".to_owned()
            },
            Some(reload) => match reread(services, reload, &asked.command, why).await? {
                Ok(()) => CommandReply {
                    done: true, text: "Правила перечитаны".to_owned()
                },
                Err(text) => CommandReply { done: false, text },
            },
        },
        CommandKind::SendDigest { week } => {
            tasks.digest(week.clone(), asked.reply);
            return Ok(());
        }
        CommandKind::Note { text, place, topic } => {
            let asked = Note { text, place: place.as_ref(), topic: topic.as_ref() };
            match take_note(services, asked, now).await {
                Ok(reply) => {
                    tasks.regroup();
                    reply
                }
                Err(error) if error.is_transient() => {
                    CommandReply { done: false, text: format!("Не выполнено: {error}") }
                }
                Err(error) => return Err(error),
            }
        }
        _ => match change_store(services, &asked.command, now).await {
            Ok(Some(reply)) => reply,
            Ok(None) => {
                CommandReply { done: false, text: "Команда неизвестна".to_owned() }
            }
            Err(error) if error.is_transient() => {
                CommandReply { done: false, text: format!("Не выполнено: {error}") }
            }
            Err(error) => return Err(error),
        },
    };
    if asked.command.kind != CommandKind::Ping {
        let Command { actor, role, .. } = &asked.command;
        tracing::info!(%actor, %role, done = reply.done, "command");
    }
    if asked.reply.send(reply).is_err() {
        tracing::debug!("whoever asked has gone");
    }
    Ok(())
}
