//! A wall that changes between the calls: whatever happens, after quiet and one pass all is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::play::vk::{Fault, PlayVk, TalkKind, Token, World};
use otklik_collectors::vk::{OwnCommunity, TokenKind, Vk, VkSettings};
use otklik_collectors::{
    Clock, Collector, Coverage, Cursor, HoleCause, Platform, RawKind, SourceKind, SourceSpec,
};

use crate::chance::{Chance, seeds};
use crate::ports::{TestPorts, at};

const OWNER: i64 = -200_001;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn lock(play: &Mutex<PlayVk>) -> MutexGuard<'_, PlayVk> {
    play.lock().unwrap_or_else(PoisonError::into_inner)
}

fn before(now: Timestamp, secs: i64) -> Timestamp {
    now - SignedDuration::from_secs(secs)
}

/// Living posts, and living comments of living posts, at `now`.
fn living(world: &World, now: Timestamp) -> (Vec<i64>, Vec<i64>) {
    let wall = &world.walls[&OWNER];
    let posts: Vec<i64> = wall.shown(now);
    let alive: BTreeSet<i64> = posts.iter().copied().collect();
    let comments = wall.comments.iter().filter(|(_, comment)| {
        comment.life.alive(now)
            && alive.contains(&comment.post)
            && !wall.posts[&comment.post].closed
    });
    (posts, comments.map(|(id, _)| *id).collect())
}

/// The wall before the first look.
fn populate(world: &mut World, chance: &mut Chance, now: Timestamp) {
    world.add_community(OWNER, "village", "Село", 3_000);
    // Most walls are small, so that many seeds cost little; the rare ones have two or three pages.
    let busy = [3, 5, 8, 12, 15, 20, 25, 30, 40, 130, 260][chance.below(11)];
    let hot = chance.below(12) == 0;
    let threads = chance.below(3) == 0;
    for _ in 0..busy {
        let date = before(now, chance.within(9 * DAY));
        let from = [OWNER, 100_001, 100_002][chance.below(3)];
        let post = world.post(OWNER, from, date, "пост");
        if chance.below(60) == 0 {
            world.wall(OWNER).posts.get_mut(&post).expect("just made").closed = true;
        }
        for _ in 0..[0, 0, 1, 5, 14][chance.below(5)] {
            comment(world, chance, post, date, threads);
        }
    }
    for _ in 0..[0, 0, 1, 3, 14, 120][chance.below(6)] {
        let date = before(now, chance.within(9 * DAY));
        let topic = world.talk(OWNER, TalkKind::Topic, 100_001, date, "обсуждение");
        for _ in 0..chance.below(6) {
            say(world, chance, topic, date);
        }
    }
    if hot {
        let post = world.post(OWNER, OWNER, before(now, DAY), "горячий пост");
        for _ in 0..250 {
            comment(world, chance, post, before(now, DAY), true);
        }
    }
}

fn comment(world: &mut World, chance: &mut Chance, post: i64, date: Timestamp, threads: bool) {
    let under: Vec<i64> = world.walls[&OWNER]
        .comments
        .iter()
        .filter(|(_, comment)| comment.post == post && comment.life.alive(date))
        .map(|(id, _)| *id)
        .collect();
    // Answers crowd under the first comments, so that some threads grow longer than ten.
    let crowd = &under[..under.len().min(if threads { 2 } else { 9 })];
    let reply = if chance.below(2) == 0 { chance.pick(crowd) } else { None };
    let from = 100_001 + chance.within(9);
    world.comment(OWNER, post, from, date, "комментарий", reply);
}

fn say(world: &mut World, chance: &mut Chance, topic: i64, date: Timestamp) {
    let from = 100_001 + chance.within(9);
    world.say(OWNER, TalkKind::Topic, topic, from, date, "реплика");
}

/// One change on the board.
fn discuss(world: &mut World, chance: &mut Chance, now: Timestamp) {
    let wall = &world.walls[&OWNER];
    let topics: Vec<i64> = wall.talks.keys().map(|(_, id)| *id).collect();
    let said: Vec<i64> = wall.said.keys().map(|(_, id)| *id).collect();
    match chance.below(8) {
        0 => {
            let topic = world.talk(OWNER, TalkKind::Topic, 100_002, now, "новое обсуждение");
            say(world, chance, topic, now);
        }
        1 if chance.below(4) == 0 => {
            let topic = chance.pick(&topics);
            topic.into_iter().for_each(|id| world.close_talk(OWNER, TalkKind::Topic, id, now));
        }
        2 => {
            let text = format!("исправлено {}", chance.below(1_000));
            let id = chance.pick(&said);
            id.into_iter().for_each(|id| world.edit_said(OWNER, TalkKind::Topic, id, now, &text));
        }
        3 | 4 => {
            let (id, alive) = (chance.pick(&said), chance.below(4) == 0);
            id.into_iter().for_each(|id| world.turn_said(OWNER, TalkKind::Topic, id, now, alive));
        }
        _ => {
            if let Some(topic) = chance.pick(&topics) {
                say(world, chance, topic, now);
            }
        }
    }
}

/// One change, as people make them while the collector reads.
fn change(world: &mut World, chance: &mut Chance, now: Timestamp) {
    let (posts, comments) = living(world, now);
    let dead: Vec<i64> = world.walls[&OWNER]
        .posts
        .iter()
        .filter(|(_, post)| !post.life.alive(now) && post.life.date <= now)
        .map(|(id, _)| *id)
        .collect();
    match chance.below(19) {
        16..=18 => discuss(world, chance, now),
        0..=2 => {
            let date = if chance.below(5) == 0 { now + SignedDuration::from_mins(30) } else { now };
            world.post(OWNER, [OWNER, 100_003][chance.below(2)], date, "новый пост");
        }
        3 => posts.first().into_iter().for_each(|id| world.delete(OWNER, *id, now)),
        4 => chance.pick(&posts).into_iter().for_each(|id| world.delete(OWNER, id, now)),
        5 => {
            let many = [1, 5, 25][chance.below(3)];
            posts.iter().take(many).for_each(|id| world.delete(OWNER, *id, now));
        }
        6 => chance.pick(&dead).into_iter().for_each(|id| world.restore(OWNER, id, now)),
        7 => {
            let text = format!("исправлено {}", chance.below(1_000));
            chance.pick(&posts).into_iter().for_each(|id| world.edit(OWNER, id, now, &text));
        }
        8 => {
            let post = chance.pick(&posts).filter(|_| chance.below(3) > 0);
            world.pin(OWNER, post);
        }
        9 => {
            let text = format!("поправлено {}", chance.below(1_000));
            chance.pick(&comments).into_iter().for_each(|id| world.edit(OWNER, id, now, &text));
        }
        10 | 11 => {
            chance.pick(&comments).into_iter().for_each(|id| world.delete(OWNER, id, now));
        }
        _ => {
            if let Some(post) = chance.pick(&posts) {
                comment(world, chance, post, now, true);
            }
        }
    }
}

/// What a caller has stored: living ids with their last text.
#[derive(Default)]
struct Stored {
    texts: BTreeMap<String, String>,
    /// All ids ever stored, living or not.
    ever: BTreeSet<String>,
    cursor: Option<Cursor>,
    platform_id: Option<String>,
    /// What the last look proved.
    coverage: Coverage,
}

struct Model {
    seed: u64,
    ports: TestPorts,
    play: Arc<Mutex<PlayVk>>,
    stored: Stored,
    /// The community is ours and its events are polled.
    own: bool,
    /// A user's token reads it, which may use `execute`.
    batches: bool,
    /// Where the window of the last look began.
    horizon: Timestamp,
}

impl Model {
    /// Reads pages to the end of a look as a caller does: an error keeps the cursor.
    async fn pass(&mut self) {
        self.horizon = before(self.ports.clock.now(), 7 * DAY);
        self.same_window().await;
    }

    /// The same for the window of the look before.
    async fn same_window(&mut self) {
        self.stored.coverage = Coverage::default();
        for _ in 0..3_000 {
            let source = SourceSpec {
                id: "village".to_owned(),
                platform: Platform::Vk,
                handle: "village".to_owned(),
                kind: SourceKind::Community,
                comments: true,
                platform_id: self.stored.platform_id.clone(),
            };
            // A new collector for every page: nothing may live outside the cursor.
            let mut settings = VkSettings::new("MADEUPTOKEN");
            if self.batches {
                settings.token_kind = TokenKind::User;
            }
            if self.own {
                let own = OwnCommunity { group: -OWNER, token: Ok("MADEUPOWN".to_owned()) };
                settings.communities.push(own);
            }
            let vk = Vk::new(settings, self.ports.play(self.play.clone()));
            match vk.page(&source, self.stored.cursor.as_ref(), self.horizon).await {
                Ok(page) => {
                    // In the order in which a store takes them: a parent before its answers.
                    for post in page.posts {
                        if post.kind == RawKind::Comment {
                            let parent = post.parent.expect("a comment has a parent");
                            let known = self.stored.ever.contains(&parent);
                            assert!(known, "seed {}: {} under {parent}", self.seed, post.id);
                        }
                        self.stored.ever.insert(post.id.clone());
                        self.stored.texts.insert(post.id, post.text.into_string());
                    }
                    self.check_gone(&page.gone);
                    for id in page.gone {
                        self.stored.texts.remove(&id);
                    }
                    self.stored.coverage.read = page.facts.coverage.read;
                    self.stored.coverage.holes.extend(page.facts.coverage.holes);
                    self.stored.cursor = Some(page.cursor);
                    self.stored.platform_id = page.facts.platform_id;
                    if !page.more {
                        return;
                    }
                }
                Err(error) => {
                    let until = error.until.expect("a time is named");
                    self.ports.clock.sleep_until(until).await;
                }
            }
        }
        panic!("seed {}: the look never ends", self.seed);
    }

    /// Nothing that anybody can still read is called gone, not even until the next look. Only
    /// events may: what was removed and brought back is told of one after the other.
    fn check_gone(&self, gone: &[String]) {
        let now = self.ports.clock.now();
        let play = lock(&self.play);
        let wall = &play.world.walls[&OWNER];
        let (posts, comments) = living(&play.world, now);
        let open = wall.talks.iter().filter(|(_, talk)| talk.life.alive(now));
        let said = open.clone().flat_map(|((kind, topic), _)| {
            let heard = wall.heard(*kind, *topic, now).into_iter();
            heard.map(move |(id, _)| format!("vk:{OWNER}_topic{topic}_{id}"))
        });
        let told = self.own;
        let comments = comments.into_iter().filter(|_| !told);
        let alive: BTreeSet<String> = posts
            .into_iter()
            .chain(comments)
            .map(|id| format!("vk:{OWNER}_{id}"))
            .chain(open.map(|((_, topic), _)| format!("vk:{OWNER}_topic{topic}")))
            .chain(said.filter(|_| !told))
            .collect();
        let wrong = gone.iter().find(|id| alive.contains(*id));
        assert_eq!(wrong, None, "seed {}: it lives, but was called gone", self.seed);
    }

    /// The last look says that it read the whole window, and that nothing was missed: at most
    /// numbers of what was removed, and comments that are closed.
    fn covered(&self, horizon: Timestamp) {
        let now = self.ports.clock.now();
        let (from, to) = self.stored.coverage.read.expect("the look came to its end");
        let late = from.duration_since(horizon).as_secs();
        assert!(late < 2 * HOUR && to <= now, "seed {}: {from} {to}", self.seed);
        assert!(now.duration_since(to).as_secs() < HOUR, "seed {}: {to}", self.seed);
        for hole in &self.stored.coverage.holes {
            let known = match hole.cause {
                HoleCause::Numbers | HoleCause::CommentsRefused => true,
                HoleCause::Late => self.has_older(horizon),
                _ => false,
            };
            assert!(known && hole.from <= hole.to, "seed {}: {hole:?}", self.seed);
        }
    }

    /// Posts older than the window stand on the wall.
    fn has_older(&self, horizon: Timestamp) -> bool {
        let play = lock(&self.play);
        let posts = play.world.walls[&OWNER].posts.values();
        posts.into_iter().any(|post| post.life.date < horizon)
    }

    /// The wall or the board is empty.
    fn bare(&self) -> bool {
        let now = self.ports.clock.now();
        let play = lock(&self.play);
        let mut talks = play.world.walls[&OWNER].talks.values();
        let talked = !play.world.walls[&OWNER].talks.is_empty();
        living(&play.world, now).0.is_empty() || (talked && !talks.any(|talk| talk.life.alive(now)))
    }

    /// Every living post and comment of the window is stored with its last text, and no dead one.
    fn check(&self, horizon: Timestamp) {
        let now = self.ports.clock.now();
        let play = lock(&self.play);
        let wall = &play.world.walls[&OWNER];
        let (posts, comments) = living(&play.world, now);
        let mut expected: BTreeMap<String, &str> = BTreeMap::new();
        for id in posts {
            if wall.posts[&id].life.date >= horizon {
                expected.insert(format!("vk:{OWNER}_{id}"), wall.posts[&id].life.text(now));
            }
        }
        for id in comments {
            let comment = &wall.comments[&id];
            if wall.posts[&comment.post].life.date >= horizon {
                expected.insert(format!("vk:{OWNER}_{id}"), comment.life.text(now));
            }
        }
        let talks = wall.talks.iter().filter(|(_, talk)| talk.life.alive(now));
        for ((kind, topic), talk) in talks {
            let heard = wall.heard(*kind, *topic, now);
            let moved = heard.last().map_or(talk.life.date, |(_, said)| said.life.date);
            if talk.life.date >= horizon {
                expected.insert(format!("vk:{OWNER}_topic{topic}"), talk.life.text(now));
            }
            if moved.max(talk.life.date) >= horizon {
                let window = heard.into_iter().filter(|(_, said)| said.life.date >= horizon);
                let said = window.map(|(id, said)| {
                    (format!("vk:{OWNER}_topic{topic}_{id}"), said.life.text(now))
                });
                expected.extend(said);
            }
        }
        for (id, text) in &expected {
            let stored = self.stored.texts.get(id).map(String::as_str);
            assert_eq!(stored, Some(*text), "seed {}: {id}", self.seed);
        }
        for id in self.stored.texts.keys().filter(|id| !expected.contains_key(*id)) {
            if let Some((_, name)) = id.split_once("_topic") {
                // Out of the window: its topic, or what was said.
                let mut numbers = name.split('_').filter_map(|it| it.parse::<i64>().ok());
                let topic = numbers.next().expect("a topic");
                let talk = &wall.talks[&(TalkKind::Topic, topic)].life;
                let heard = wall.heard(TalkKind::Topic, topic, now);
                let moved = heard.last().map_or(talk.date, |(_, said)| said.life.date);
                let old = |said: i64| wall.said[&(TalkKind::Topic, said)].life.date < horizon;
                let apart = numbers.next().map_or(talk.date < horizon, old);
                let out = moved.max(talk.date) < horizon || apart;
                assert!(out, "seed {}: {id} is dead", self.seed);
                continue;
            }
            let number: i64 = id.rsplit('_').next().and_then(|it| it.parse().ok()).expect("an id");
            let post = wall.comments.get(&number).map_or(number, |comment| comment.post);
            let date = wall.posts[&post].life.date;
            let closed = wall.posts[&post].closed;
            assert!(date < horizon || closed, "seed {}: {id} is dead", self.seed);
        }
    }
}

async fn run(seed: u64) {
    let ports = TestPorts::new();
    let play = Arc::new(Mutex::new(PlayVk::new()));
    let mut chance = Chance(seed);
    populate(&mut lock(&play).world, &mut chance, at(0));
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
    let own = chance.below(3) == 0;
    {
        let mut play = lock(&play);
        play.tokens.insert("MADEUPTOKEN".to_owned(), Token::Service);
        play.tokens.insert("MADEUPOWN".to_owned(), Token::Community);
        // Some events are lost on the way: they are hints and no more.
        play.poll.drops = [0, 3][chance.below(2)];
    }
    let mut aside = Chance(seed ^ 0x00C0_FFEE);
    let batches = !own && aside.below(3) == 0;
    if batches {
        let mut play = lock(&play);
        play.tokens.insert("MADEUPTOKEN".to_owned(), Token::User);
        play.execute.fails_each = [None, Some(3), Some(7)][aside.below(3)];
        play.execute.bytes_max = [None, Some(3_000), Some(20_000)][aside.below(3)];
    }
    let stored = Stored::default();
    let mut model = Model { seed, ports, play, stored, own, batches, horizon: at(0) };
    for _ in 0..4 {
        for _ in 0..chance.below(3) {
            let fault = match chance.below(7) {
                0 => Fault::Code(10),
                1 => Fault::Status(502),
                2 => Fault::Html,
                3 => Fault::Reset,
                4 => Fault::Cut(chance.below(500)),
                5 => Fault::Body("{\"response\":{}}".to_owned()),
                _ => Fault::Code(1),
            };
            let number = lock(&model.play).log.len() + 1 + chance.below(12);
            lock(&model.play).faults.insert(number, fault);
        }
        model.pass().await;
        model.ports.clock.advance(60 + chance.within(HOUR));
        let mut play = lock(&model.play);
        match chance.below(6) {
            0 => play.poll.key += 1,
            1 => play.poll.forgotten = Some(model.ports.clock.now()),
            2 => play.poll.broken = true,
            _ => {}
        }
    }
    lively.store(false, Ordering::Relaxed);
    lock(&model.play).faults.clear();
    model.ports.clock.advance(2 * DAY + HOUR);
    let mut horizon = before(model.ports.clock.now(), 7 * DAY);
    model.pass().await;
    if model.bare() {
        // An empty wall, or board, has nothing to prove an answer with: the second look at it is
        // believed. A board where nothing is new is listed once a day at least.
        model.ports.clock.advance(DAY + HOUR);
        horizon = before(model.ports.clock.now(), 7 * DAY);
        model.pass().await;
    }
    model.check(horizon);
    model.covered(horizon);
    quiet(&mut model).await;

    let play = lock(&model.play);
    let broken = play.log.iter().find(|call| call.error == Some(6));
    assert_eq!(broken, None, "seed {seed}: too many calls a second");
    let most = if batches { 3 } else { 5 };
    assert!(play.busiest_second() <= most, "seed {seed}: {}", play.busiest_second());
}

/// A pass over a wall on which nothing happened asks for the wall alone. That no post left the
/// window meanwhile is part of it: below the one that is the oldest then, numbers may be new to us.
async fn quiet(model: &mut Model) {
    let asked = lock(&model.play).log.len();
    let stored = model.stored.texts.clone();
    let (posts, _) = living(&lock(&model.play).world, model.ports.clock.now());
    let horizon = model.horizon;
    let inside = {
        let play = lock(&model.play);
        let wall = &play.world.walls[&OWNER];
        posts.iter().filter(|id| wall.posts[id].life.date >= horizon).count()
    };
    model.same_window().await;
    assert_eq!(model.stored.texts, stored, "seed {}: a quiet pass changed something", model.seed);
    let play = lock(&model.play);
    let polled = ["a_check", "groups.getLongPollServer"];
    let calls = play.log[asked..].iter().filter(|call| !polled.contains(&call.method.as_str()));
    let calls: Vec<_> = calls.collect();
    let others = calls.iter().find(|call| call.method != "wall.get");
    assert_eq!(others, None, "seed {}: a quiet pass", model.seed);
    // Pages of 100 that overlap by 10; ten old posts in a row end the walk.
    let most = (inside + 10).saturating_sub(10).div_ceil(90).max(1) + 1;
    assert!(calls.len() <= most, "seed {}: {} pages for {inside}", model.seed, calls.len());
}

#[tokio::test]
async fn whatever_happens_between_calls_everything_is_known_after_quiet() {
    for seed in seeds() {
        println!("seed {seed}");
        run(seed).await;
    }
}
