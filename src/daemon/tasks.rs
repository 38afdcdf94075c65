//! The tasks that the loop has running: who may start now, who has ended.
//!
//! Place in the flow: between the loop and the pipeline. Invariants: looks run side by side up to a
//! bound and in fair turns, grouping, sending and fixed jobs one at a time each; a task that fails
//! is logged once and tried again when its row is due; a damaged store ends the daemon.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{self, JoinSet};

use super::turns::Turns;
use super::{Ending, Event, Task};
use crate::model::CommandReply;
use crate::pipeline::collect::{self, Manner};
use crate::pipeline::dispatch::Pulse;
use crate::pipeline::group::{self, Sending};
use crate::pipeline::services::Services;
use crate::pipeline::{command, dispatch, follow, report, touch};
use crate::store::{Agenda, StoreError};

/// Looks side by side.
const LOOKS_MAX: usize = 8;
/// Due sources among which turns are chosen.
const DUE_MAX: u32 = 512;
/// How long fixed jobs are held.
const JOBS_LEASE_MINUTES: i64 = 30;
/// Pause after a task failed before the same kind starts again.
const PAUSE_SECS: i64 = 30;

/// Running tasks.
pub(super) struct Tasks {
    services: Arc<Services>,
    events: mpsc::Sender<Event>,
    stop: watch::Receiver<bool>,
    set: JoinSet<()>,
    kinds: HashMap<task::Id, Task>,
    lease: String,
    looks: usize,
    turns: Turns,
    running: BTreeMap<Task, Timestamp>,
    /// Whether posts wait to be grouped.
    waits: bool,
    /// Set by looks that committed something new.
    grown: Arc<AtomicBool>,
    paused: BTreeMap<Task, Timestamp>,
    /// What the loop and the sending tell each other.
    pulse: Arc<Pulse>,
}

impl Tasks {
    pub(super) fn new(
        services: Arc<Services>,
        events: mpsc::Sender<Event>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        // A process number comes back (in a container it is always the same), an instant does not.
        let lease = format!("run-{}-{}", std::process::id(), services.clock.now());
        Self {
            services,
            events,
            stop,
            set: JoinSet::new(),
            kinds: HashMap::new(),
            lease,
            looks: 0,
            turns: Turns::default(),
            running: BTreeMap::new(),
            waits: true,
            grown: Arc::default(),
            paused: BTreeMap::new(),
            pulse: Arc::default(),
        }
    }

    /// Starts everything that is due and has a free place. Returns when the next thing is due that
    /// nobody is doing yet.
    pub(super) async fn start_due(&mut self) -> Result<Timestamp, StoreError> {
        self.bury()?;
        let now = self.services.clock.now();
        let due = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let mut agenda = self.services.store.agenda(now).await?;
        if due(agenda.look) && self.start_looks(now).await? {
            agenda = self.services.store.agenda(now).await?;
        }
        if self.grown.swap(false, Ordering::Relaxed) || due(agenda.follow) {
            self.waits = true;
        }
        if self.waits && self.free(Task::Group, now) {
            self.waits = false;
            self.group(now);
        }
        if due(agenda.sending) {
            match self.free(Task::Dispatch, now) {
                true => self.dispatch(now),
                // It may wait for one channel while another has something new.
                false => self.pulse.knock(),
            }
        }
        if due(agenda.job) && self.free(Task::Jobs, now) {
            self.jobs(now);
        }
        if due(agenda.touch) && self.free(Task::Touch, now) {
            self.touch(now);
        }
        // A source whose lane is full stays due; those of other lanes must not wait for it.
        let Agenda { look, next_look, sending, next_sending, job, follow, touch } = agenda;
        let times = [look, next_look, sending, next_sending, job, follow, touch];
        let times = times.into_iter().flatten().chain(self.paused.values().copied());
        Ok(times.filter(|at| *at > now).min().unwrap_or(Timestamp::MAX))
    }

    /// Something was stored outside a look: there is something to group.
    pub(super) fn regroup(&mut self) {
        self.waits = true;
    }

    fn free(&self, task: Task, now: Timestamp) -> bool {
        !self.running.contains_key(&task)
            && self.paused.get(&task).is_none_or(|until| *until <= now)
    }

    /// Whether a look began.
    async fn start_looks(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let places = LOOKS_MAX.saturating_sub(self.looks);
        if places == 0 || self.paused.get(&Task::Look).is_some_and(|until| *until > now) {
            return Ok(false);
        }
        let until = collect::lease_end(now);
        let due = self.services.store.due_sources(now, DUE_MAX).await?;
        let district = self.services.district.load_full();
        let mut began = false;
        for (id, place) in self.turns.choose(&due, &district.sources, places) {
            let claimed = self.services.store.claim_source(&id, now, &self.lease, until).await?;
            let Some(due) = claimed else { continue };
            began = true;
            self.looks += 1;
            let (services, lease) = (Arc::clone(&self.services), self.lease.clone());
            let (page, grown) = (self.events.clone(), Arc::clone(&self.grown));
            self.spawn(Task::Look, async move {
                let district = services.district.load_full();
                let told = move || {
                    grown.store(true, Ordering::Relaxed);
                    // A full queue means that the loop will turn anyway.
                    drop(page.try_send(Event::Page));
                };
                let report =
                    collect::look(&services, &district, due, &lease, Manner::Daemon, &told).await?;
                tracing::debug!(pages = report.pages, new = report.posts.new, "look ended");
                drop(place);
                Ok(Ending)
            });
        }
        Ok(began)
    }

    fn group(&mut self, now: Timestamp) {
        self.running.insert(Task::Group, now);
        let services = Arc::clone(&self.services);
        self.spawn(Task::Group, async move {
            let district = services.district.load_full();
            let report = group::group(&services, &district, Sending::Live).await?;
            if report.alerts > 0 {
                tracing::info!(posts = report.posts, alerts = report.alerts, "alerts decided");
            }
            let now = services.clock.now();
            let messages = follow::take_up(&services.store, &district, now).await?;
            if messages > 0 {
                tracing::info!(messages, "told problems followed up");
            }
            Ok(Ending)
        });
    }

    fn dispatch(&mut self, now: Timestamp) {
        self.running.insert(Task::Dispatch, now);
        let (services, lease) = (Arc::clone(&self.services), self.lease.clone());
        let (pulse, stop) = (Arc::clone(&self.pulse), self.stop.clone());
        self.spawn(Task::Dispatch, async move {
            let goes_on = || !*stop.borrow();
            let report = dispatch::dispatch(&services, &lease, &pulse, &goes_on).await?;
            tracing::info!(
                sent = report.sent,
                again = report.again,
                failed = report.failed,
                "sent"
            );
            Ok(Ending)
        });
    }

    fn touch(&mut self, now: Timestamp) {
        self.running.insert(Task::Touch, now);
        let (services, stop) = (Arc::clone(&self.services), self.stop.clone());
        self.spawn(Task::Touch, async move {
            let district = services.district.load_full();
            let goes_on = || !*stop.borrow();
            let changed = touch::touch(&services, &district, &goes_on).await?;
            tracing::debug!(changed, "sent messages changed");
            Ok(Ending)
        });
    }

    fn jobs(&mut self, now: Timestamp) {
        self.running.insert(Task::Jobs, now);
        let (services, lease) = (Arc::clone(&self.services), self.lease.clone());
        self.spawn(Task::Jobs, async move {
            let district = services.district.load_full();
            let until =
                now.saturating_add(SignedDuration::from_mins(JOBS_LEASE_MINUTES)).unwrap_or(now);
            for job in services.store.claim_jobs(now, &lease, until).await? {
                let next = report::run_job(&services, &district, &job.name, job.next_due).await?;
                services.store.finish_job(&job.name, &lease, next).await?;
                tracing::info!(job = job.name, %next, "fixed job done");
            }
            Ok(Ending)
        });
    }

    /// Makes a digest that a person asked for, beside the loop.
    pub(super) fn digest(&mut self, week: String, reply: oneshot::Sender<CommandReply>) {
        let services = Arc::clone(&self.services);
        self.spawn(Task::Command, async move {
            let district = services.district.load_full();
            let answer = command::send_digest(&services, &district, &week).await?;
            drop(reply.send(answer));
            Ok(Ending)
        });
    }

    fn spawn(
        &mut self,
        task: Task,
        work: impl Future<Output = Result<Ending, StoreError>> + Send + 'static,
    ) {
        let events = self.events.clone();
        let busy = self.services.clock.busy();
        let handle = self.set.spawn(async move {
            let end = work.await;
            // The mark of work travels with the news of its end, so that no time passes between.
            drop(events.send(Event::Ended(task, end, busy)).await);
        });
        self.kinds.insert(handle.id(), task);
    }

    /// Takes leave of tasks that are over. One that panicked sent no news: its place is free
    /// again, and what it held comes free with its lease.
    fn bury(&mut self) -> Result<(), StoreError> {
        while let Some(over) = self.set.try_join_next_with_id() {
            let (id, broken) = match over {
                Ok((id, ())) => (id, None),
                Err(error) => (error.id(), Some(error)),
            };
            let task = self.kinds.remove(&id);
            if let (Some(task), Some(broken)) = (task, broken) {
                self.vacate(task);
                self.fail(task, StoreError::Failed(broken.into()))?;
            }
        }
        Ok(())
    }

    /// Frees the place of a task.
    fn vacate(&mut self, task: Task) {
        match task {
            Task::Look => self.looks = self.looks.saturating_sub(1),
            Task::Group | Task::Dispatch | Task::Jobs | Task::Command | Task::Touch => {
                self.running.remove(&task);
            }
        }
    }

    /// Notes what ended. A store that cannot go on ends the daemon.
    pub(super) fn hear(&mut self, event: Event) -> Result<(), StoreError> {
        match event {
            Event::Page | Event::Asked(_) => {}
            Event::Ended(task, end, _busy) => {
                self.vacate(task);
                if let Err(error) = end {
                    self.fail(task, error)?;
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, task: Task, error: StoreError) -> Result<(), StoreError> {
        if matches!(error, StoreError::Corrupt(_) | StoreError::Denied(_)) {
            return Err(error);
        }
        tracing::error!(?task, error = %error, chain = ?std::error::Error::source(&error), "task failed");
        let now = self.services.clock.now();
        let until = now.saturating_add(SignedDuration::from_secs(PAUSE_SECS)).unwrap_or(now);
        self.paused.insert(task, until);
        self.waits |= task == Task::Group;
        Ok(())
    }

    /// For how long each kind of task has been running, for the watchdog.
    pub(super) fn ages(&self, now: Timestamp) -> Vec<SignedDuration> {
        let since = |(task, since): (&Task, &Timestamp)| match task {
            // The channels take turns for as long as anything is due; one message does not.
            Task::Dispatch => self.pulse.since().max(*since),
            _ => *since,
        };
        self.running.iter().map(since).map(|since| now.duration_since(since)).collect()
    }

    /// Waits for what is running, up to `patience`; what does not end by then is dropped, which is
    /// safe: every step is one transaction.
    pub(super) async fn finish(
        mut self,
        events: &mut mpsc::Receiver<Event>,
        patience: std::time::Duration,
    ) -> Result<(), StoreError> {
        let drained = tokio::time::timeout(patience, async {
            while self.looks > 0 || !self.running.is_empty() {
                match events.recv().await {
                    Some(event) => self.hear(event)?,
                    None => break,
                }
            }
            Ok(())
        })
        .await;
        self.set.shutdown().await;
        drained.unwrap_or(Ok(()))
    }
}
