//! A district without pages: posts are put in by hand, messages are kept as they leave.
//!
//! Place in the flow: used by the tests of what is told, held and told together. Invariant: the real store,
//! stages and outbox on a clock that moves when it is told to; only the last step, the channel, is played.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use otklik::classify::Scratch;
use otklik::clock::{Clock, SimClock};
use otklik::config;
use otklik::model::{
    Channel, Command, CommandKind, CommandReply, PostId, SendOutcome, Source, SourceKind,
    SourceScope,
};
use otklik::notify::{Message, Notifier, Notifiers};
use otklik::pipeline::assess::{Batch, Given, assess};
use otklik::pipeline::command::change_store;
use otklik::pipeline::dispatch::{self, Pulse};
use otklik::pipeline::district::District;
use otklik::pipeline::group::{Sending, group};
use otklik::pipeline::services::Services;
use otklik::pipeline::{follow, hold, report, together};
use otklik::store::{Invite, PageCommit, Store};
use otklik_collectors::play::InProcess;
use otklik_collectors::play::rss::PlayRss;
use otklik_collectors::{Author, Counts, RawKind, RawPost};

use tokio::sync::Notify;

use crate::rig::Rig;
use crate::town::lock;

/// A message that left.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: Timestamp,
    pub to: String,
    pub message: Message,
    /// Whether it took the place of one that was sent before.
    pub changed: bool,
}

/// How addresses answer that do not take everything.
#[derive(Default)]
struct Moods {
    answers: Mutex<BTreeMap<String, SendOutcome>>,
    /// Those that say nothing until they are woken.
    hung: Mutex<BTreeSet<String>>,
    woken: Notify,
}

/// Takes every message and keeps it.
struct Slot {
    clock: SimClock,
    sent: Arc<Mutex<Vec<Sent>>>,
    moods: Arc<Moods>,
}

impl Slot {
    fn keep(&self, message: &Message, address: &str, changed: bool) -> SendOutcome {
        let (at, to, message) = (self.clock.now(), address.to_owned(), message.clone());
        let mut sent = lock(&self.sent);
        sent.push(Sent { at, to, message, changed });
        SendOutcome::Sent { receipt: Some(sent.len().to_string()) }
    }
}

#[async_trait]
impl Notifier for Slot {
    async fn send(&self, message: &Message, address: &str) -> SendOutcome {
        while lock(&self.moods.hung).contains(address) {
            self.moods.woken.notified().await;
        }
        let answer = lock(&self.moods.answers).get(address).cloned();
        answer.unwrap_or_else(|| self.keep(message, address, false))
    }

    async fn edit(&self, message: &Message, address: &str, _receipt: &str) -> SendOutcome {
        self.keep(message, address, true)
    }

    async fn prove(&self) -> Result<String, String> {
        Ok("Есть".to_owned())
    }
}

/// What somebody writes.
#[derive(Debug, Clone)]
pub struct Says {
    pub person: u32,
    pub text: String,
    pub place: Option<&'static str>,
    pub official: bool,
}

pub fn says(person: u32, text: &str) -> Says {
    Says { person, text: text.to_owned(), place: None, official: false }
}

pub struct Office {
    pub rig: Rig,
    moods: Arc<Moods>,
    pub pulse: Pulse,
    pub clock: SimClock,
    pub services: Arc<Services>,
    sent: Arc<Mutex<Vec<Sent>>>,
    number: AtomicU32,
}

pub fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

impl Office {
    /// With these routes on this folder, from this instant on.
    pub fn on(rig: Rig, routes: &str, start: &str) -> Self {
        rig.write("config/routes.toml", routes);
        rig.write("config/sources.toml", "");
        let clock = SimClock::new(instant(start));
        let sent = Arc::default();
        let moods = Arc::default();
        let slot =
            Slot { clock: clock.clone(), sent: Arc::clone(&sent), moods: Arc::clone(&moods) };
        let services = Self::open(&rig, &clock, slot);
        let (number, pulse) = (AtomicU32::new(1), Pulse::default());
        Self { rig, moods, pulse, clock, services, sent, number }
    }

    fn open(rig: &Rig, clock: &SimClock, slot: Slot) -> Arc<Services> {
        let settings = config::load_all(&rig.path("config/otklik.toml")).expect("sound");
        let district =
            District::load(&settings, false).unwrap_or_else(|faults| panic!("{faults:?}"));
        let store = Store::open_play(&settings.store, settings.district.id.clone()).expect("opens");
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let nowhere = InProcess::new(Arc::new(Mutex::new(PlayRss::new())), shared.clone());
        let slot = Arc::new(slot);
        let notifiers = Channel::ALL
            .into_iter()
            .fold(Notifiers::default(), |all, channel| all.with(channel, slot.clone()));
        let joined =
            Services::join(settings, shared, store, district, Arc::new(nowhere), notifiers);
        Arc::new(joined.unwrap_or_else(|fault| panic!("{fault}")))
    }

    /// Puts these routes in force.
    pub fn reroute(&self, routes: &str) {
        self.rig.write("config/routes.toml", routes);
        let district = District::load(&self.services.settings, false);
        let district = district.unwrap_or_else(|faults| panic!("{faults:?}"));
        self.services.replace(district).unwrap_or_else(|fault| panic!("{fault}"));
    }

    /// From now on an address answers so; `None`: it takes everything.
    pub fn answers(&self, address: &str, outcome: Option<SendOutcome>) {
        let mut answers = lock(&self.moods.answers);
        match outcome {
            Some(outcome) => answers.insert(address.to_owned(), outcome),
            None => answers.remove(address),
        };
    }

    /// From now on an address takes what it is sent and says nothing.
    pub fn hang(&self, address: &str) {
        lock(&self.moods.hung).insert(address.to_owned());
    }

    /// It answers again, to what it was sent meanwhile too.
    pub fn wake(&self, address: &str) {
        lock(&self.moods.hung).remove(address);
        self.moods.woken.notify_waiters();
    }

    pub fn store(&self) -> &Store {
        &self.services.store
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// People write now, each a post of its own.
    pub async fn write(&self, said: &[Says]) {
        let district = self.services.district.load_full();
        let reading = self.services.reading.load_full();
        for official in [true, false] {
            let kind = if official { SourceKind::Official } else { SourceKind::Community };
            let source = Source {
                id: if official { "vlast" } else { "lesnoy" }.into(),
                platform: "vk".to_owned(),
                handle: "lesnoy".to_owned(),
                kind,
                scope: SourceScope::District,
                place: None,
                every_secs: 600,
                comments: true,
                backfill_secs: 0,
            };
            let mut batch = Batch {
                district: &district,
                door: &reading.door,
                source: &source,
                parents: BTreeMap::new(),
                given: BTreeMap::new(),
                stored: BTreeMap::new(),
                now: self.now(),
            };
            let mut raws = Vec::new();
            for said in said.iter().filter(|said| said.official == official) {
                let id = format!("vk:-1_{}", self.number.fetch_add(1, Ordering::Relaxed));
                let place = said.place.map(Into::into);
                batch.given.insert(PostId(id.clone()), Given { place, topic: None });
                raws.push(RawPost {
                    id,
                    parent: None,
                    kind: RawKind::Post,
                    text: reading.door.mask(&said.text),
                    published: Some(self.now()),
                    edited: None,
                    author: match official {
                        true => Author::Source,
                        false => Author::Person(
                            reading.door.seed(&format!("person {}", said.person), self.now()),
                        ),
                    },
                    official,
                    url: None,
                    counts: Counts::default(),
                    repost: false,
                });
            }
            let found = self
                .services
                .with_scratch(|scratch: &mut Scratch| assess(&mut batch, raws, scratch));
            let page = PageCommit {
                look: None,
                posts: found.posts,
                seen: Vec::new(),
                gone: Vec::new(),
                gone_below: Vec::new(),
                dead_letters: Vec::new(),
                now: self.now(),
            };
            self.store().commit_page(page).await.expect("committed");
        }
        self.turn().await;
    }

    /// Everything that the daemon does at an instant: signs of life, grouping, jobs, sending.
    pub async fn turn(&self) {
        let district = self.services.district.load_full();
        let now = self.now();
        together::alive(self.store(), None, now).await.expect("noted");
        self.store().plan_job(hold::RESTRAINTS, now, false).await.expect("planned");
        group(&self.services, &district, Sending::Live).await.expect("grouped");
        follow::take_up(self.store(), &district, now).await.expect("taken up");
        for job in self.store().claim_jobs(now, "test", now + hours(1)).await.expect("claimed") {
            let ended = report::run_job(&self.services, &district, &job.name, job.next_due).await;
            let next = ended.expect("done");
            self.store().finish_job(&job.name, "test", next).await.expect("held");
        }
        dispatch::dispatch(&self.services, "test", &self.pulse, &|| true).await.expect("sent");
    }

    /// Lets time pass, stopping wherever something is due.
    pub async fn pass(&self, span: SignedDuration) {
        let end = self.now() + span;
        loop {
            let agenda = self.store().agenda(self.now()).await.expect("read");
            let alive = self.now() + SignedDuration::from_mins(30);
            let due = [agenda.sending, agenda.job, agenda.follow]
                .into_iter()
                .flatten()
                .chain([alive])
                .min();
            let next = due.unwrap_or(end).max(self.now() + SignedDuration::from_secs(1));
            if next >= end {
                break;
            }
            self.clock.sleep_until(next).await;
            self.turn().await;
        }
        self.clock.sleep_until(end).await;
        self.turn().await;
    }

    /// Lets time pass while nothing runs.
    pub async fn away(&self, span: SignedDuration) {
        self.clock.sleep_until(self.now() + span).await;
    }

    /// A person asks.
    pub async fn ask(&self, kind: CommandKind) -> CommandReply {
        let command =
            Command { actor: "test".to_owned(), role: "operator".to_owned(), at: self.now(), kind };
        let district = self.services.district.load_full();
        let reply = change_store(self.store(), Some(&district), &command, self.now()).await;
        let reply = reply.expect("carried out");
        reply.expect("a command of the store")
    }

    /// A chat of Telegram joins a receiver.
    pub async fn join(&self, chat: &str, receiver: &str) {
        let invite = Invite::new(receiver, "K7M4Q2XA", b"salt", self.now() + hours(1));
        self.store().invite(invite, self.now()).await.expect("invited");
        let joined = self.store().enrol("K7M4Q2XA", Channel::Telegram, chat, self.now());
        assert_eq!(joined.await.expect("joined").as_deref(), Some(receiver));
    }

    /// Messages that left for an address, in order.
    pub fn to(&self, address: &str) -> Vec<Sent> {
        let sent = lock(&self.sent);
        sent.iter().filter(|sent| sent.to == address && !sent.changed).cloned().collect()
    }

    /// What took the place of messages sent to an address, in order.
    pub fn changed(&self, address: &str) -> Vec<Sent> {
        let sent = lock(&self.sent);
        sent.iter().filter(|sent| sent.to == address && sent.changed).cloned().collect()
    }

    /// Their subjects.
    pub fn subjects(&self, address: &str) -> Vec<String> {
        self.to(address).into_iter().map(|sent| sent.message.subject).collect()
    }
}

pub fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

pub fn mins(mins: i64) -> SignedDuration {
    SignedDuration::from_mins(mins)
}
