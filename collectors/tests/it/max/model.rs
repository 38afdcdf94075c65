//! Chats that change between the calls: whatever happens, after quiet and one pass all is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::max::{Max, MaxSettings, Pushed, Webhook};
use otklik_collectors::play::Fault;
use otklik_collectors::play::max::{PlayMax, World};
use otklik_collectors::{Clock, Collector, Cursor, RawKind, SourceSpec};

use super::rig::{ANNA, CHANNEL, CHAT, DAY, HOUR, source};
use crate::chance::{Chance, seeds};
use crate::ports::{TestPorts, at};

fn lock(play: &Mutex<PlayMax>) -> MutexGuard<'_, PlayMax> {
    play.lock().unwrap_or_else(PoisonError::into_inner)
}

fn before(now: Timestamp, secs: i64) -> Timestamp {
    now - SignedDuration::from_secs(secs)
}

fn pick(chance: &mut Chance, from: &[String]) -> Option<String> {
    (!from.is_empty()).then(|| from[chance.below(from.len())].clone())
}

fn living(world: &World, chat: i64, now: Timestamp) -> Vec<String> {
    world.chats[&chat].shown(now).into_iter().map(str::to_owned).collect()
}

/// Our names of what can be read in a chat.
fn names(world: &World, chat: i64, now: Timestamp) -> BTreeSet<String> {
    let of_chat = &world.chats[&chat];
    let name = |mid: &&str| {
        let message = &of_chat.messages[*mid];
        match &message.forward {
            None => format!("max:{chat}_{mid}"),
            Some((origin, _)) => {
                format!("max:{chat}_fwd{}.{origin}", message.life.date.as_millisecond())
            }
        }
    };
    of_chat.shown(now).iter().map(name).collect()
}

fn write(world: &mut World, chance: &mut Chance, chat: i64, date: Timestamp) {
    let from = (chat == CHAT).then(|| ANNA + chance.within(9));
    if chance.below(12) == 0 {
        let origin = format!("mid.origin{}", chance.below(3));
        world.forward(chat, from, date, (&origin, "чужие слова"));
        return;
    }
    let under = living(world, chat, date);
    let answered = if chance.below(3) == 0 { pick(chance, &under) } else { None };
    world.message(chat, from, date, "сообщение", answered.as_deref());
}

/// The chats before the first look.
fn populate(world: &mut World, chance: &mut Chance, now: Timestamp) {
    world.add(CHANNEL, "channel", "village");
    world.add(CHAT, "chat", "village_chat");
    for chat in [CHANNEL, CHAT] {
        let many = [0, 1, 3, 9, 20, 60, 130, 250][chance.below(8)];
        // Bursts: many messages within the same second.
        let span = [9 * DAY, 9 * DAY, 20][chance.below(3)];
        let mut dates: Vec<Timestamp> =
            (0..many).map(|_| before(now, chance.within(span))).collect();
        dates.sort_unstable();
        for date in dates {
            write(world, chance, chat, date);
        }
    }
}

/// One change, as people make them while the collector reads.
fn change(world: &mut World, chance: &mut Chance, now: Timestamp) {
    let chat = [CHANNEL, CHAT][chance.below(2)];
    let alive = living(world, chat, now);
    match chance.below(10) {
        0..=4 => write(world, chance, chat, now),
        5 | 6 => {
            let text = format!("поправлено {}", chance.below(1_000));
            let bare = |mid: &String| world.chats[&chat].messages[mid].forward.is_none();
            let words: Vec<String> = alive.into_iter().filter(bare).collect();
            pick(chance, &words).into_iter().for_each(|mid| world.edit(chat, &mid, now, &text));
        }
        7 => {
            let many = [1, 5, 25][chance.below(3)];
            alive.iter().take(many).for_each(|mid| world.delete(chat, mid, now));
        }
        _ => pick(chance, &alive).into_iter().for_each(|mid| world.delete(chat, &mid, now)),
    }
}

/// What a caller has stored of one source: living ids with their last text.
#[derive(Default)]
struct Stored {
    texts: BTreeMap<String, String>,
    cursor: Option<Cursor>,
    platform_id: Option<String>,
}

/// MAX's side of a subscription: pushes come late, twice and in any order.
#[derive(Default)]
struct Courier {
    /// Number of the next update that is pushed.
    next: usize,
    /// Bodies that are tried again later.
    held: Vec<String>,
}

impl Courier {
    fn deliver(
        &mut self,
        play: &PlayMax,
        webhook: &Webhook,
        now: Timestamp,
        mut chance: Option<&mut Chance>,
    ) {
        let (fresh, next) = play.pushes(self.next, now);
        self.next = next;
        let Some(secret) = play.subscriptions.get(webhook.url()) else {
            self.held.clear();
            return;
        };
        self.held.extend(fresh);
        let mut bodies = std::mem::take(&mut self.held);
        while !bodies.is_empty() {
            let (at, fate) = match &mut chance {
                Some(chance) => (chance.below(bodies.len()), chance.below(4)),
                None => (0, 3),
            };
            let body = bodies.swap_remove(at);
            if fate == 0 {
                self.held.push(body);
                continue;
            }
            assert_ne!(webhook.take(Some(secret), body.as_bytes()), Pushed::Refused);
            if fate == 1 {
                self.held.push(body);
            }
        }
    }
}

struct Model {
    seed: u64,
    chance: Chance,
    ports: TestPorts,
    play: Arc<Mutex<PlayMax>>,
    max: Max,
    webhook: Option<Arc<Webhook>>,
    courier: Courier,
    stored: BTreeMap<i64, Stored>,
}

impl Model {
    fn horizon(&self) -> Timestamp {
        before(self.ports.clock.now(), 7 * DAY)
    }

    fn restart(&mut self) {
        self.ports.clock.advance(1);
        let settings = MaxSettings::new("MADEUPTOKEN");
        self.max = Max::new(settings.clone(), self.ports.play(self.play.clone()));
        if self.webhook.is_some() {
            self.push_here(&settings);
        }
    }

    /// A new process, which listens to pushes.
    fn push_here(&mut self, settings: &MaxSettings) {
        let url = "https://otklik.example.org/max";
        let webhook = Arc::new(Webhook::new(settings, url, self.ports.clock.now()));
        webhook.open();
        let max = Max::new(settings.clone(), self.ports.play(self.play.clone()));
        self.max = max.pushed_to(webhook.clone());
        self.webhook = Some(webhook);
    }

    fn deliver(&mut self, lively: bool) {
        let Some(webhook) = &self.webhook else { return };
        let mut play = lock(&self.play);
        let now = self.ports.clock.now();
        if lively && self.chance.below(60) == 0 {
            play.subscriptions.clear();
        }
        let chance = lively.then_some(&mut self.chance);
        self.courier.deliver(&play, webhook, now, chance);
    }

    /// Reads pages to the end of a look at each chat, the chats by turns as a daemon does. An error
    /// keeps the cursor; now and then the process dies with a page that was not stored.
    async fn pass(&mut self, crashes: bool) {
        let mut open = vec![CHANNEL, CHAT];
        for _ in 0..3_000 {
            if open.is_empty() {
                return;
            }
            self.deliver(crashes);
            let chat = open[self.chance.below(open.len())];
            let stored = self.stored.entry(chat).or_default();
            let handle = if chat == CHANNEL { "village".to_owned() } else { chat.to_string() };
            let source = SourceSpec { platform_id: stored.platform_id.clone(), ..source(&handle) };
            let horizon = before(self.ports.clock.now(), 7 * DAY);
            let page = match self.max.page(&source, stored.cursor.as_ref(), horizon).await {
                Ok(page) => page,
                Err(error) => {
                    let until = error.until.unwrap_or(self.ports.clock.now());
                    self.ports.clock.sleep_until(until).await;
                    continue;
                }
            };
            match self.chance.below(30) {
                0 if crashes => {
                    self.restart();
                    continue;
                }
                // The store was busy: the same process, the old cursor.
                1 if crashes => continue,
                _ => {}
            }
            let stored = self.stored.entry(chat).or_default();
            for post in page.posts {
                if post.kind == RawKind::Comment {
                    let parent = post.parent.expect("a comment has a parent");
                    assert!(parent.starts_with(&format!("max:{chat}_")));
                }
                stored.texts.insert(post.id, post.text.into_string());
            }
            let alive = names(&lock(&self.play).world, chat, self.ports.clock.now());
            for id in page.gone {
                let lives = alive.contains(&id);
                assert!(!lives, "seed {}: {id} lives, but was called gone", self.seed);
                stored.texts.remove(&id);
            }
            stored.platform_id = page.facts.platform_id;
            stored.cursor = Some(page.cursor);
            if !page.more {
                open.retain(|other| *other != chat);
            }
        }
        panic!("seed {}: the looks do not end", self.seed);
    }

    /// Everything living in the window is stored with its last text, and nothing dead.
    fn check(&self, horizon: Timestamp) {
        let now = self.ports.clock.now();
        let play = lock(&self.play);
        for chat in [CHANNEL, CHAT] {
            let of_chat = &play.world.chats[&chat];
            let mut expected: BTreeMap<String, &str> = BTreeMap::new();
            for mid in of_chat.shown(now) {
                let message = &of_chat.messages[mid];
                if message.life.date < horizon {
                    continue;
                }
                let (name, text) = match &message.forward {
                    None => (mid.to_owned(), message.life.text(now)),
                    Some((origin, text)) => {
                        let at = message.life.date.as_millisecond();
                        (format!("fwd{at}.{origin}"), text.as_str())
                    }
                };
                expected.insert(format!("max:{chat}_{name}"), text);
            }
            let stored = &self.stored[&chat].texts;
            for (id, text) in &expected {
                let found = stored.get(id).map(String::as_str);
                assert_eq!(found, Some(*text), "seed {}: {id}", self.seed);
            }
            for id in stored.keys().filter(|id| !expected.contains_key(*id)) {
                let name = id.rsplit_once('_').expect("an id").1;
                let date = match name.strip_prefix("fwd").and_then(|it| it.split_once('.')) {
                    Some((ms, _)) => {
                        ms.parse().ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())
                    }
                    None => of_chat.messages.get(name).map(|message| message.life.date),
                };
                let date = date.expect("a date");
                assert!(date < horizon, "seed {}: {id} is dead", self.seed);
            }
        }
    }
}

async fn run(seed: u64) {
    let ports = TestPorts::new();
    let play = Arc::new(Mutex::new(PlayMax::new()));
    let mut chance = Chance(seed);
    populate(&mut lock(&play).world, &mut chance, at(0));
    {
        let mut play = lock(&play);
        play.webhook = chance.below(4) == 0;
        play.count_max = [100, 100, 50][chance.below(3)];
    }
    let lively = Arc::new(AtomicBool::new(true));
    {
        let lively = lively.clone();
        let often = [2, 4, 10][chance.below(3)];
        let mut chance = Chance(seed ^ 0xABCD);
        lock(&play).on_call = Some(Box::new(move |world, _, now| {
            if lively.load(Ordering::Relaxed) && chance.below(often) == 0 {
                for _ in 0..=chance.below(4) {
                    change(world, &mut chance, now);
                }
            }
        }));
    }
    let max = Max::new(MaxSettings::new("MADEUPTOKEN"), ports.play(play.clone()));
    let pushes = chance.below(3) == 0 && !lock(&play).webhook;
    let mut model = Model {
        seed,
        chance,
        ports,
        play,
        max,
        webhook: None,
        courier: Courier::default(),
        stored: BTreeMap::new(),
    };
    if pushes {
        model.push_here(&MaxSettings::new("MADEUPTOKEN"));
    }
    let mut lied = false;
    for _ in 0..6 {
        for _ in 0..model.chance.below(3) {
            let fault = match model.chance.below(8) {
                0 => Fault::Status(502, None),
                1 => Fault::Status(429, Some("2".to_owned())),
                2 => Fault::Body("text/html".to_owned(), "<html></html>".to_owned()),
                3 => Fault::Reset,
                4 => Fault::Cut(model.chance.below(500)),
                5 => Fault::Body("application/json".to_owned(), "{}".to_owned()),
                // A false answer: whoever believes it takes the whole chat for gone. Only one: of
                // what has no name to ask for it by, two are believed.
                6 if !std::mem::replace(&mut lied, true) => {
                    Fault::Body("application/json".to_owned(), "{\"messages\":[]}".to_owned())
                }
                _ => Fault::Short(model.chance.below(500)),
            };
            let number = lock(&model.play).log.len() + 1 + model.chance.below(12);
            lock(&model.play).faults.insert(number, fault);
        }
        model.pass(true).await;
        let secs = 60 + model.chance.within(2 * HOUR);
        model.ports.clock.advance(secs);
    }
    lively.store(false, Ordering::Relaxed);
    lock(&model.play).faults.clear();
    // A day later the history is walked again; what has no name is believed gone at the second
    // walk.
    model.ports.clock.advance(DAY);
    let horizon = model.horizon();
    model.pass(false).await;
    model.ports.clock.advance(7 * HOUR);
    model.pass(false).await;
    model.check(horizon.max(model.horizon()));
    quiet(&mut model).await;
    let play = lock(&model.play);
    let refused: Vec<u16> = play.log.iter().map(|call| call.status).collect();
    let busiest = play.busiest_second();
    assert!(busiest <= 16, "seed {seed}: {busiest} calls in a second, {refused:?}");
}

/// A look at a chat in which nothing happened is one call; where a webhook takes the updates, that
/// and the pages of the window.
async fn quiet(model: &mut Model) {
    model.ports.clock.advance(60);
    let asked = lock(&model.play).log.len();
    let before: Vec<_> = model.stored.values().map(|it| it.texts.clone()).collect();
    model.pass(false).await;
    let after: Vec<_> = model.stored.values().map(|it| it.texts.clone()).collect();
    assert_eq!(after, before, "seed {}: a quiet pass changed something", model.seed);
    let play = lock(&model.play);
    let calls = play.log.len() - asked;
    if model.webhook.is_some() {
        assert!(calls <= 1, "seed {}: {calls} calls though all is pushed", model.seed);
    } else if !play.webhook {
        assert_eq!(calls, 2, "seed {}: one call a chat", model.seed);
    }
}

#[tokio::test]
async fn whatever_happens_between_calls_everything_is_known_after_quiet() {
    for seed in seeds() {
        println!("seed {seed}");
        run(seed).await;
    }
}
