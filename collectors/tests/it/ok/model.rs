//! A group that changes between the calls: whatever happens, after quiet and one pass all is known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::ok::Odnoklassniki;
use otklik_collectors::play::ok::{Fault, Group, Life, MOVIE, PHOTO, PlayOk, TOPIC, World};
use otklik_collectors::{Clock, Collector, Cursor, Platform, RawKind, SourceKind, SourceSpec};

use super::rig::{ANNA, BORIS, DAY, GROUP, HOUR, settings};
use crate::chance::{Chance, seeds};
use crate::ports::{TestPorts, at};

fn lock(play: &Mutex<PlayOk>) -> MutexGuard<'_, PlayOk> {
    play.lock().unwrap_or_else(PoisonError::into_inner)
}

fn before(now: Timestamp, secs: i64) -> Timestamp {
    now - SignedDuration::from_secs(secs)
}

type Under = (String, i64);

fn under(topic: i64) -> Under {
    (TOPIC.to_owned(), topic)
}

/// Our name of a thing.
fn thing(under: &Under) -> String {
    match under.0.as_str() {
        PHOTO => format!("ok:{GROUP}_photo{}", under.1),
        MOVIE => format!("ok:{GROUP}_movie{}", under.1),
        _ => format!("ok:{GROUP}_{}", under.1),
    }
}

/// Living topics, living photos and films that people talk below, and living comments of both.
fn living(world: &World, now: Timestamp) -> (Vec<i64>, Vec<Under>, Vec<i64>) {
    let group = &world.groups[&GROUP];
    let topics = group.shown(now);
    let others: Vec<Under> = group
        .others
        .keys()
        .filter(|it| group.thing(it, now).is_some() && !group.living(it, now).is_empty())
        .cloned()
        .collect();
    let open = |it: &Under| group.thing(it, now).is_some_and(|thing| !thing.closed);
    let comments = group.comments.iter().filter(|(_, it)| it.life.alive(now) && open(&it.under));
    let comments = comments.map(|(id, _)| *id).collect();
    (topics, others, comments)
}

/// The group before the first look.
fn populate(world: &mut World, chance: &mut Chance, now: Timestamp) {
    world.add_group(GROUP, "village", "Село-пример");
    // Most groups are small, so that many seeds cost little; the rare ones have several pages.
    let busy = [2, 4, 7, 10, 14, 20, 30, 45, 70, 130][chance.below(10)];
    for _ in 0..busy {
        let date = before(now, chance.within(9 * DAY));
        let topic = world.topic(GROUP, [GROUP, ANNA, BORIS][chance.below(3)], date, "тема");
        if chance.below(60) == 0 {
            world.group(GROUP).topics.get_mut(&topic).expect("just made").closed = true;
        }
        for _ in 0..[0, 0, 1, 5, 14][chance.below(5)] {
            comment(world, chance, &under(topic), date);
        }
    }
    for _ in 0..chance.below(4) {
        let date = before(now, chance.within(20 * DAY));
        let kind = [PHOTO, MOVIE][chance.below(2)];
        let photo = world.other(GROUP, kind, date, "подпись");
        for _ in 0..[0, 1, 6][chance.below(3)] {
            let at = date.max(before(now, chance.within(3 * DAY)));
            comment(world, chance, &(kind.to_owned(), photo), at);
        }
    }
    if chance.below(12) == 0 {
        let date = before(now, DAY);
        let topic = world.topic(GROUP, GROUP, date, "горячая тема");
        for _ in 0..[150, 260][chance.below(2)] {
            comment(world, chance, &under(topic), date);
        }
    }
}

fn comment(world: &mut World, chance: &mut Chance, under: &Under, date: Timestamp) {
    let group = &world.groups[&GROUP];
    let answered = (chance.below(2) == 0).then(|| chance.pick(&group.living(under, date)));
    let from = if chance.below(9) == 0 { GROUP } else { ANNA + chance.within(9) };
    world.comment(GROUP, (&under.0, under.1), from, date, "комментарий", answered.flatten());
}

/// One change, as people make them while the collector reads.
fn change(world: &mut World, chance: &mut Chance, now: Timestamp) {
    let (topics, others, comments) = living(world, now);
    let group = &world.groups[&GROUP];
    let dead = |life: &Life| !life.alive(now) && life.date <= now;
    let all = group.topics.iter();
    let dead: Vec<i64> = all.filter(|(_, it)| dead(&it.life)).map(|(id, _)| *id).collect();
    let note = |chance: &mut Chance| format!("поправлено {}", chance.below(1_000));
    match chance.below(18) {
        0..=2 => {
            let date = if chance.below(5) == 0 { now + SignedDuration::from_mins(30) } else { now };
            world.topic(GROUP, [GROUP, ANNA][chance.below(2)], date, "новая тема");
        }
        3 => topics.first().into_iter().for_each(|id| world.delete(GROUP, *id, now)),
        4 => chance.pick(&topics).into_iter().for_each(|id| world.delete(GROUP, id, now)),
        5 => {
            let many = [1, 5, 25][chance.below(3)];
            topics.iter().take(many).for_each(|id| world.delete(GROUP, *id, now));
        }
        6 => chance.pick(&dead).into_iter().for_each(|id| world.restore(GROUP, id, now)),
        7 => {
            let text = note(chance);
            chance.pick(&topics).into_iter().for_each(|id| world.edit(GROUP, id, now, &text));
        }
        8 => {
            let pinned = (0..chance.below(3)).filter_map(|_| chance.pick(&topics)).collect();
            world.group(GROUP).pinned = pinned;
        }
        9 => {
            let text = note(chance);
            chance.pick(&comments).into_iter().for_each(|id| world.edit(GROUP, id, now, &text));
        }
        10 | 11 => chance.pick(&comments).into_iter().for_each(|id| world.delete(GROUP, id, now)),
        12 => {
            let photos: Vec<i64> = others.iter().map(|(_, id)| *id).collect();
            chance.pick(&photos).into_iter().for_each(|id| world.delete(GROUP, id, now));
        }
        13 => {
            let kind = [PHOTO, MOVIE][chance.below(2)];
            let photo = world.other(GROUP, kind, now, "новая подпись");
            comment(world, chance, &(kind.to_owned(), photo), now);
        }
        14 if !others.is_empty() => {
            let below = others[chance.below(others.len())].clone();
            comment(world, chance, &below, now);
        }
        _ => {
            if let Some(topic) = chance.pick(&topics) {
                comment(world, chance, &under(topic), now);
            }
        }
    }
}

/// What a caller has stored: living ids with their last text.
#[derive(Default)]
struct Stored {
    texts: BTreeMap<String, String>,
    cursor: Option<Cursor>,
    platform_id: Option<String>,
}

struct Model {
    seed: u64,
    ports: TestPorts,
    play: Arc<Mutex<PlayOk>>,
    stored: Stored,
}

impl Model {
    fn horizon(&self) -> Timestamp {
        before(self.ports.clock.now(), 7 * DAY)
    }

    /// Reads pages to the end of a look as a caller does: an error keeps the cursor.
    async fn pass(&mut self) {
        for _ in 0..3_000 {
            // A new reader for every page: nothing may live outside the cursor.
            let reader = Odnoklassniki::new(settings(), self.ports.play(self.play.clone()));
            let source = SourceSpec {
                id: "village".to_owned(),
                platform: Platform::Ok,
                handle: "village".to_owned(),
                kind: SourceKind::Community,
                comments: true,
                platform_id: self.stored.platform_id.clone(),
            };
            let read = reader.page(&source, self.stored.cursor.as_ref(), self.horizon()).await;
            let page = match read {
                Ok(page) => page,
                Err(error) => {
                    let until = error.until.unwrap_or(self.ports.clock.now());
                    self.ports.clock.sleep_until(until).await;
                    continue;
                }
            };
            // In the order in which a store takes them: a parent stands before its answers.
            for post in page.posts {
                if post.kind == RawKind::Comment {
                    let parent = post.parent.expect("a comment has a parent");
                    let known = self.stored.texts.contains_key(&parent);
                    assert!(known, "seed {}: {} under {parent}", self.seed, post.id);
                }
                self.stored.texts.insert(post.id, post.text.into_string());
            }
            self.check_gone(&page.gone);
            for id in page.gone {
                self.stored.texts.remove(&id);
            }
            self.stored.platform_id = page.facts.platform_id;
            self.stored.cursor = Some(page.cursor);
            if !page.more {
                return;
            }
        }
        panic!("seed {}: the look does not end", self.seed);
    }

    /// Nothing that anybody can still read is called gone, not even until the next look.
    fn check_gone(&self, gone: &[String]) {
        if gone.is_empty() {
            return;
        }
        let play = lock(&self.play);
        let (topics, others, comments) = living(&play.world, self.ports.clock.now());
        let below = &play.world.groups[&GROUP].comments;
        let comments = comments.iter().map(|id| format!("{}_{id}", thing(&below[id].under)));
        let things = topics.into_iter().map(under).chain(others);
        let alive: BTreeSet<String> = things.map(|it| thing(&it)).chain(comments).collect();
        let wrong = gone.iter().find(|id| alive.contains(*id));
        assert_eq!(wrong, None, "seed {}: it lives, but was called gone", self.seed);
    }

    /// Everything living in the window is stored with its last text, and nothing dead.
    fn check(&self, horizon: Timestamp) {
        let now = self.ports.clock.now();
        let play = lock(&self.play);
        let group = &play.world.groups[&GROUP];
        let (topics, others, comments) = living(&play.world, now);
        let mut expected: BTreeMap<String, &str> = BTreeMap::new();
        let things = topics.into_iter().map(under).chain(others);
        let fresh = |it: &Under| group.active(it, now).is_some_and(|at| at >= horizon);
        let put_up = |it: &Under| group.thing(it, now).map(|thing| thing.life.date);
        let inside = |it: &Under| match it.0.as_str() {
            TOPIC => put_up(it).is_some_and(|at| at >= horizon),
            _ => fresh(it),
        };
        for it in things.filter(|it| put_up(it).is_some_and(|at| at >= horizon)) {
            let text = group.thing(&it, now).map_or("", |thing| thing.life.text(now));
            expected.insert(thing(&it), text);
        }
        for id in comments {
            let comment = &group.comments[&id];
            if inside(&comment.under) && comment.life.date >= horizon {
                let name = format!("{}_{id}", thing(&comment.under));
                expected.insert(name, comment.life.text(now));
            }
        }
        for (id, text) in &expected {
            let stored = self.stored.texts.get(id).map(String::as_str);
            assert_eq!(stored, Some(*text), "seed {}: {id}", self.seed);
        }
        for id in self.stored.texts.keys().filter(|id| !expected.contains_key(*id)) {
            assert!(excused(group, id, horizon, now), "seed {}: {id} is dead", self.seed);
        }
    }
}

/// Whether something stored and not expected is out of the window, or can no longer be read.
fn excused(group: &Group, id: &str, horizon: Timestamp, now: Timestamp) -> bool {
    let name = id.strip_prefix(&format!("ok:{GROUP}_")).expect("an id of the group");
    let of = name.split('_').next().unwrap_or_default();
    let number = of.trim_start_matches(|it: char| it.is_ascii_alphabetic());
    let kind = match &of[..of.len() - number.len()] {
        "photo" => PHOTO,
        "movie" => MOVIE,
        _ => TOPIC,
    };
    let it = (kind.to_owned(), number.parse().expect("a number"));
    let thing = match kind {
        TOPIC => &group.topics[&it.1],
        _ => &group.others[&it],
    };
    let comment = name.split_once('_').and_then(|(_, id)| id.parse::<i64>().ok());
    let recent = comment.is_some_and(|id| group.comments[&id].life.date >= horizon);
    let old = thing.life.date < horizon;
    if kind == TOPIC {
        return thing.closed || old;
    }
    let talked = group.active(&it, now).is_some_and(|at| at >= horizon);
    // What nobody talks below any more is in no list of OK, and is alive all the same.
    let unlisted = group.living(&it, now).is_empty() && thing.life.alive(now);
    (old && !(talked && recent)) || (unlisted && comment.is_none())
}

async fn run(seed: u64) {
    let ports = TestPorts::new();
    let play = Arc::new(Mutex::new(PlayOk::new()));
    let mut chance = Chance(seed);
    populate(&mut lock(&play).world, &mut chance, at(0));
    {
        let mut play = lock(&play);
        play.paging.positions = chance.below(2) == 0;
        play.paging.no_has_more = chance.below(3) == 0;
        play.paging.numbers = chance.below(2) == 0;
        play.paging.anchor_secs = (chance.below(3) == 0).then_some(20);
        play.blank_by_ids = chance.below(4) == 0;
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
    let mut model = Model { seed, ports, play, stored: Stored::default() };
    for _ in 0..4 {
        for _ in 0..chance.below(3) {
            let fault = match chance.below(8) {
                0 => Fault::Code(2),
                1 => Fault::Status(502),
                2 => Fault::Html,
                3 => Fault::Reset,
                4 => Fault::Cut(chance.below(500)),
                5 => Fault::Body("{}".to_owned()),
                6 => Fault::Short(chance.below(500)),
                _ => Fault::Code(1),
            };
            let number = lock(&model.play).log.len() + 1 + chance.below(12);
            lock(&model.play).faults.insert(number, fault);
        }
        model.pass().await;
        model.ports.clock.advance(60 + chance.within(HOUR));
    }
    lively.store(false, Ordering::Relaxed);
    lock(&model.play).faults.clear();
    lock(&model.play).blank_by_ids = false;
    model.ports.clock.advance(2 * DAY + HOUR);
    let horizon = model.horizon();
    model.pass().await;
    // What nothing else proves gone is believed at the second look.
    model.ports.clock.advance(1);
    model.pass().await;
    model.check(horizon);
    quiet(&mut model).await;

    let play = lock(&model.play);
    let broken = play.log.iter().find(|call| matches!(call.error, Some(7 | 8 | 104)));
    assert_eq!(broken, None, "seed {seed}: too many calls a second, or badly signed");
    assert!(play.busiest_second() <= 3, "seed {seed}: {}", play.busiest_second());
}

/// A pass over a group in which nothing happened asks for the two lists alone.
async fn quiet(model: &mut Model) {
    let asked = lock(&model.play).log.len();
    let stored = model.stored.texts.clone();
    let horizon = model.horizon();
    let (inside, pinned) = {
        let play = lock(&model.play);
        let group = &play.world.groups[&GROUP];
        let topics = group.shown(model.ports.clock.now());
        let inside = topics.iter().filter(|id| group.topics[id].life.date >= horizon).count();
        (inside, group.pinned.len())
    };
    model.pass().await;
    assert_eq!(model.stored.texts, stored, "seed {}: a quiet pass changed something", model.seed);
    let play = lock(&model.play);
    let calls = &play.log[asked..];
    let lists = ["mediatopic.getTopics", "discussions.getList"];
    let others = calls.iter().find(|call| !lists.contains(&call.method.as_str()));
    assert_eq!(others, None, "seed {}: a quiet pass", model.seed);
    // Pages of 50, on which old topics may be held on top; ten others in a row end the walk; a list
    // whose end is not marked is asked once more, for the empty page or the repeated anchor.
    let walk = calls.iter().filter(|call| call.method == lists[0]).count();
    let most = (inside + pinned + 10).div_ceil(50) + usize::from(play.paging.no_has_more);
    assert!(walk <= most.max(1), "seed {}: {walk} pages for {inside}", model.seed);
    assert!(calls.len() - walk <= 1 + usize::from(play.paging.no_has_more));
}

#[tokio::test]
async fn whatever_happens_between_calls_everything_is_known_after_quiet() {
    for seed in seeds() {
        println!("seed {seed}");
        run(seed).await;
    }
}
