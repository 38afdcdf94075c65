//! Looks at a channel that lives meanwhile, on a simulated clock.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::play::telegram::{Dress, PlayTelegram};
use otklik_collectors::play::{Fault, Shared};
use otklik_collectors::telegram::{Telegram, TelegramSettings};
use otklik_collectors::{
    Class, CollectError, Collector, Cursor, HoleCause, Page, Platform, SourceKind, SourceSpec,
};

use super::{CLOSED, END, HTML, MISSING, days, start};
use crate::web_ports::{Dice, World, seeds, source};

/// What a store would hold.
#[derive(Default)]
struct Store {
    texts: BTreeMap<String, String>,
    dates: BTreeMap<String, Timestamp>,
    cursor: Option<Cursor>,
    platform_id: Option<String>,
}

impl Store {
    fn commit(&mut self, page: Page) {
        for post in page.posts {
            self.dates.insert(post.id.clone(), post.published.unwrap());
            self.texts.insert(post.id, post.text.into_string());
        }
        for id in page.gone {
            self.texts.remove(&id);
        }
        self.cursor = Some(page.cursor);
        self.platform_id = page.facts.platform_id.or(self.platform_id.take());
    }
}

struct Stage {
    play: Shared<PlayTelegram>,
    world: World,
    telegram: Telegram,
    spec: SourceSpec,
    store: Store,
}

const NAME: &str = "selo_vestnik";

impl Stage {
    fn new() -> Self {
        let play = Arc::new(Mutex::new(PlayTelegram::new()));
        play.lock().unwrap().add_channel(NAME, 1_700_000_001, "Вестник посёлка");
        let world = World::new(play.clone(), start());
        let telegram = Telegram::new(TelegramSettings::default(), None, world.ports.clone());
        let spec = source(Platform::Telegram, "t.me/selo_vestnik");
        Self { play, world, telegram, spec, store: Store::default() }
    }

    fn horizon(&self) -> Timestamp {
        self.world.now() - days(7)
    }

    async fn page(&mut self) -> Result<Page, CollectError> {
        self.spec.platform_id.clone_from(&self.store.platform_id);
        let horizon = self.horizon();
        self.telegram.page(&self.spec, self.store.cursor.as_ref(), horizon).await
    }

    /// Looks to the end; returns the number of pages.
    async fn look(&mut self) -> usize {
        for pages in 1..1_000 {
            let page = self.page().await.unwrap();
            let more = page.more;
            self.store.commit(page);
            if !more {
                return pages;
            }
        }
        panic!("a look without end");
    }

    fn living(&self) -> BTreeMap<String, String> {
        let horizon = self.horizon();
        let living = self.play.lock().unwrap().living(NAME, self.world.now());
        living
            .into_iter()
            .filter(|(_, date, _)| *date >= horizon)
            .map(|(id, _, text)| (format!("tg:1700000001_{id}"), text))
            .collect()
    }
}

#[tokio::test]
async fn a_look_reads_back_to_the_horizon_and_no_further() {
    let mut stage = Stage::new();
    for hour in (0..24 * 10).rev() {
        let date = start() - SignedDuration::from_hours(hour);
        stage.play.lock().unwrap().post(NAME, date, &format!("Запись {hour}"));
    }
    let pages = stage.look().await;
    // 169 posts in 7 days, 20 on a page; the ninth page meets the horizon.
    assert_eq!(pages, 9);
    assert_eq!(stage.store.texts, stage.living());
    let calls = stage.world.budget.calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 10, "nine pages and one embed");
    assert!(calls.iter().all(|c| c.host == "t.me" && c.method == "preview"));
    assert!(stage.world.now() >= start() + SignedDuration::from_millis(2_500 * 9));
}

#[tokio::test]
async fn a_quiet_second_look_delivers_nothing() {
    let mut stage = Stage::new();
    for n in 0..30 {
        let date = start() - SignedDuration::from_hours(30 - n);
        stage.play.lock().unwrap().post(NAME, date, "Запись");
    }
    stage.look().await;
    let page = stage.page().await.unwrap();
    assert!(page.posts.is_empty() && page.gone.is_empty());
}

#[tokio::test]
async fn what_came_in_a_long_pause_is_not_lost() {
    let mut stage = Stage::new();
    stage.play.lock().unwrap().post(NAME, start() - days(1), "До паузы");
    stage.look().await;
    for n in 0..50 {
        let date = start() + SignedDuration::from_hours(1 + n);
        stage.play.lock().unwrap().post(NAME, date, &format!("В паузе {n}"));
    }
    stage.world.clock.pass(days(30));
    stage.look().await;
    assert_eq!(stage.store.texts.len(), 51);
}

#[tokio::test]
async fn a_deleted_post_is_asked_for_before_it_is_gone() {
    let mut stage = Stage::new();
    let mut ids = Vec::new();
    for n in 0..5 {
        let date = start() - SignedDuration::from_hours(5 - n);
        ids.push(stage.play.lock().unwrap().post(NAME, date, "Запись"));
    }
    stage.look().await;
    let now = stage.world.now();
    stage.play.lock().unwrap().delete(NAME, ids[4], now);
    let listing = stage.page().await.unwrap();
    assert!(listing.gone.is_empty() && listing.more, "absence from one listing proves nothing");
    stage.store.commit(listing);
    let answer = stage.page().await.unwrap();
    assert_eq!(answer.gone, vec![format!("tg:1700000001_{}", ids[4])]);
    let asked = stage.play.lock().unwrap().plan.log().last().unwrap().1.clone();
    assert_eq!(asked.path, format!("/{NAME}/{}", ids[4]));
}

#[tokio::test]
async fn two_complete_listings_prove_a_deletion_too() {
    let mut stage = Stage::new();
    let mut ids = Vec::new();
    for n in 0..60 {
        let date = start() - SignedDuration::from_mins(100 - n);
        ids.push(stage.play.lock().unwrap().post(NAME, date, "Запись"));
    }
    stage.look().await;
    let now = stage.world.now();
    for id in &ids[1..51] {
        stage.play.lock().unwrap().delete(NAME, *id, now);
    }
    let calls = |stage: &Stage| stage.world.budget.calls.lock().unwrap().len();
    let before = calls(&stage);
    stage.look().await;
    assert_eq!(stage.store.texts.len(), 40, "twenty were asked for by number");
    assert_eq!(calls(&stage) - before, 1 + 20);
    stage.look().await;
    assert_eq!(stage.store.texts, stage.living());
}

#[tokio::test]
async fn an_answer_that_hides_posts_deletes_none() {
    let empty_page = END.replace("selo_vestnik?before=31", "selo_vestnik");
    let faults = [
        Fault::Body(HTML.to_owned(), empty_page),
        Fault::Body(HTML.to_owned(), CLOSED.to_owned()),
        Fault::Body(HTML.to_owned(), MISSING.to_owned()),
        Fault::Body(HTML.to_owned(), String::new()),
        Fault::Short(3_000),
        Fault::Cut(3_000),
        Fault::Reset,
        Fault::Hang,
        Fault::Status(502, None),
        Fault::Status(404, None),
    ];
    for fault in faults {
        let mut stage = Stage::new();
        for n in 0..30 {
            let date = start() - SignedDuration::from_hours(30 - n);
            stage.play.lock().unwrap().post(NAME, date, "Запись");
        }
        stage.look().await;
        for call in 0..2 {
            let number = stage.play.lock().unwrap().plan.log().len() + call;
            stage.play.lock().unwrap().plan.fail_call(number, fault.clone());
            loop {
                // An error moves nothing: the same request comes again.
                let Ok(page) = stage.page().await else { continue };
                assert!(page.gone.is_empty(), "{fault:?}");
                let more = page.more;
                stage.store.commit(page);
                if !more {
                    break;
                }
            }
            assert_eq!(stage.store.texts, stage.living(), "{fault:?} {call}");
        }
    }
}

#[tokio::test]
async fn an_older_page_that_is_empty_against_its_word_is_asked_for_again() {
    let mut stage = Stage::new();
    for n in 0..30 {
        let date = start() - SignedDuration::from_hours(30 - n);
        stage.play.lock().unwrap().post(NAME, date, "Запись");
    }
    // Newest page, embed for the channel's number, then the older page.
    let empty = Fault::Body(HTML.to_owned(), END.to_owned());
    stage.play.lock().unwrap().plan.fail_call(2, empty);
    stage.look().await;
    assert_eq!(stage.store.texts.len(), 30);
}

#[tokio::test]
async fn a_limit_is_honoured_until_its_time() {
    let mut stage = Stage::new();
    stage.play.lock().unwrap().post(NAME, start() - days(1), "Запись");
    stage.play.lock().unwrap().fail_next(Fault::Status(429, Some("90".to_owned())));
    let error = stage.page().await.err().unwrap();
    assert_eq!(error.class, Class::RateLimited);
    assert_eq!(error.until, Some(start() + SignedDuration::from_secs(90)));
    let error = stage.page().await.err().unwrap();
    assert_eq!(error.code, "paused", "no second request before that time");
    assert_eq!(stage.play.lock().unwrap().plan.log().len(), 1);
    stage.world.clock.pass(SignedDuration::from_secs(91));
    stage.look().await;
    assert_eq!(stage.store.texts.len(), 1);
}

#[tokio::test]
async fn a_name_taken_over_by_another_channel_is_noticed() {
    let mut stage = Stage::new();
    for n in 0..30 {
        let date = start() - SignedDuration::from_hours(30 - n);
        stage.play.lock().unwrap().post(NAME, date, "Запись");
    }
    stage.look().await;
    {
        let mut play = stage.play.lock().unwrap();
        play.remove_channel(NAME);
        play.add_channel(NAME, 1_800_000_002, "Чужие");
        play.post(NAME, start(), "Чужая запись");
    }
    let error = stage.page().await.err().unwrap();
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "telegram other"));
    stage.play.lock().unwrap().remove_channel(NAME);
    assert_eq!(stage.page().await.err().unwrap().class, Class::Gone);
}

/// The numbers of the other channel may go on where ours ended, or we may remember nothing.
#[tokio::test]
async fn a_name_taken_over_by_a_longer_channel_is_noticed() {
    for quiet_days in [0, 9] {
        let mut stage = Stage::new();
        for n in 0..30 {
            let date = start() - SignedDuration::from_hours(30 - n);
            stage.play.lock().unwrap().post(NAME, date, "Запись");
        }
        stage.look().await;
        stage.world.clock.pass(days(quiet_days));
        stage.look().await;
        let stored = stage.store.texts.clone();
        stage.world.clock.pass(days(1));
        {
            let (mut play, now) = (stage.play.lock().unwrap(), stage.world.now());
            play.remove_channel(NAME);
            play.add_channel(NAME, 1_800_000_002, "Чужие");
            for n in 0..45 {
                play.post(NAME, now, &format!("Чужая запись {n}"));
            }
        }
        let error = stage.page().await.err().unwrap();
        assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "telegram other"));
        assert_eq!(stage.store.texts, stored);
    }
}

#[tokio::test]
async fn a_broken_cursor_starts_from_the_horizon() {
    for broken in ["", "{}", "{\"v\":99}", "не JSON", "null"] {
        let mut stage = Stage::new();
        stage.play.lock().unwrap().post(NAME, start() - days(1), "Запись");
        stage.store.cursor = Some(Cursor(broken.to_owned()));
        stage.look().await;
        assert_eq!(stage.store.texts, stage.living(), "{broken}");
    }
}

#[tokio::test]
async fn an_official_channel_speaks_officially_and_unread_comments_are_counted() {
    let mut stage = Stage::new();
    stage.spec.kind = SourceKind::Official;
    stage.spec.comments = true;
    let pictures = Dress { pictures: 3, ..Dress::default() };
    let pinned = Dress { service: true, ..Dress::default() };
    let date = start() - days(1);
    stage.play.lock().unwrap().post(NAME, date, "Объявление");
    stage.play.lock().unwrap().post_dressed(NAME, date, "", pictures);
    stage.play.lock().unwrap().post_dressed(NAME, date, "pinned a message", pinned);
    let page = stage.page().await.unwrap();
    assert_eq!(page.posts.len(), 2);
    assert!(page.posts.iter().all(|p| p.official));
    assert_eq!((page.facts.pictures_only, page.facts.comments_closed), (1, 2));
}

/// One random thing that happens in a channel.
fn stir(dice: &mut Dice, stage: &Stage, n: &mut u32) {
    let now = stage.world.now();
    let mut play = stage.play.lock().unwrap();
    let living = play.living(NAME, now);
    *n += 1;
    let text = format!("Запись {n} ❗\nhttps://selo.example/?a=1&b=2 5 < 6");
    match dice.roll(6) {
        0..3 => {
            let dress = Dress {
                pictures: [0, 0, 1, 4][dice.roll(4) as usize],
                reply: dice.one_in(4).then(|| (1, "Старая запись".to_owned())),
                forwarded: dice.one_in(8).then(|| ("gorod".to_owned(), "Город".to_owned())),
                video: dice.one_in(8),
                link_preview: dice.one_in(8).then(|| "Чужое".to_owned()),
                service: dice.one_in(10),
                views: dice.one_in(2).then(|| "1.5K".to_owned()),
                ..Dress::default()
            };
            play.post_dressed(NAME, now, &text, dress);
        }
        // The last post stays: an emptied channel is refused, not believed.
        3 if living.len() > 1 => {
            let (id, ..) = living[dice.roll(living.len() as u64) as usize];
            play.delete(NAME, id, now);
        }
        4 if !living.is_empty() => {
            let (id, ..) = living[dice.roll(living.len() as u64) as usize];
            play.edit(NAME, id, now, &text);
        }
        _ => {
            play.post(NAME, now + SignedDuration::from_mins(dice.roll(30) as i64), &text);
        }
    }
}

fn spoil(dice: &mut Dice, stage: &Stage) {
    let fault = match dice.roll(7) {
        0 => Fault::Status(503, Some("30".to_owned())),
        1 => Fault::Status(429, Some("40".to_owned())),
        2 => Fault::Short(dice.roll(4_000) as usize),
        3 => Fault::Cut(dice.roll(4_000) as usize),
        4 => Fault::Body(HTML.to_owned(), CLOSED.to_owned()),
        5 => Fault::Reset,
        _ => Fault::Hang,
    };
    stage.play.lock().unwrap().fail_next(fault);
}

/// Posts, edits, deletions, faults and crashes between the pages of a look; then quiet and one
/// look.
async fn live(seed: u64) {
    let mut dice = Dice(seed);
    let mut stage = Stage::new();
    let mut n = 0;
    for hour in (0..dice.roll(90)).rev() {
        let date = start() - SignedDuration::from_mins(hour as i64 * 50);
        stage.play.lock().unwrap().post(NAME, date, &format!("Прошлое {hour}"));
    }
    stage.play.lock().unwrap().post(NAME, start(), "Всегда здесь");
    for _ in 0..25 {
        for _ in 0..dice.roll(6) {
            stir(&mut dice, &stage, &mut n);
        }
        if dice.one_in(6) {
            spoil(&mut dice, &stage);
        }
        if let Ok(page) = stage.page().await {
            let there = stage.play.lock().unwrap().living(NAME, stage.world.now());
            for id in &page.gone {
                let alive = there.iter().any(|(n, ..)| *id == format!("tg:1700000001_{n}"));
                assert!(!alive, "seed {seed}: {id} lives, but was called gone");
            }
            // A crash before the commit: the page is lost with its cursor.
            if !dice.one_in(8) {
                stage.store.commit(page);
            }
        }
        stage.world.clock.pass(SignedDuration::from_secs(dice.roll(900) as i64));
    }
    stage.play.lock().unwrap().plan.calm();
    stage.world.clock.pass(SignedDuration::from_hours(1));
    // The look under way ends; then one whole look sees everything.
    stage.look().await;
    stage.look().await;
    let living = stage.living();
    for (id, text) in &living {
        assert_eq!(stage.store.texts.get(id), Some(text), "seed {seed}: {id}");
    }
    // A deletion is proven at the latest by the second listing.
    stage.look().await;
    for (id, text) in &stage.store.texts {
        let recent = stage.store.dates[id] >= stage.horizon();
        assert_eq!(recent.then_some(text), stage.living().get(id), "seed {seed}: {id} stays");
    }
}

#[tokio::test]
async fn every_living_post_is_delivered_with_its_last_text() {
    let seeds = seeds();
    println!("{seeds} seeds");
    for seed in 0..seeds {
        live(seed).await;
    }
}

#[tokio::test]
async fn a_look_goes_on_from_any_page() {
    for stop in 0..9 {
        let mut stage = Stage::new();
        for hour in (0..24 * 7).rev() {
            let date = start() - SignedDuration::from_hours(hour);
            stage.play.lock().unwrap().post(NAME, date, &format!("Запись {hour}"));
        }
        for _ in 0..stop {
            let page = stage.page().await.unwrap();
            stage.store.commit(page);
        }
        // Restarted much later, with new posts above.
        stage.world.clock.pass(SignedDuration::from_hours(2));
        let now = stage.world.now();
        for n in 0..45 {
            stage.play.lock().unwrap().post(NAME, now, &format!("Новая {n}"));
        }
        let again = Telegram::new(TelegramSettings::default(), None, stage.world.ports.clone());
        stage.telegram = again;
        stage.look().await;
        let living = stage.living();
        assert!(living.iter().all(|(id, text)| stage.store.texts.get(id) == Some(text)), "{stop}");
    }
}

#[tokio::test]
async fn a_look_says_what_it_read_without_a_gap() {
    let mut stage = Stage::new();
    for n in 0..45 {
        let date = start() - SignedDuration::from_hours(4 * (45 - n));
        stage.play.lock().unwrap().post(NAME, date, "Запись");
    }
    let mut pages = Vec::new();
    loop {
        let page = stage.page().await.unwrap();
        let (more, facts) = (page.more, page.facts.clone());
        stage.store.commit(page);
        pages.push(facts);
        if !more {
            break;
        }
    }
    let (last, before) = pages.split_last().unwrap();
    assert!(before.iter().all(|facts| facts.coverage.read.is_none()), "only the last page knows");
    let (from, to) = last.coverage.read.unwrap();
    assert!(from <= start() - days(6) && to >= start() && to <= stage.world.now(), "{from} {to}");
    assert!(last.coverage.holes.is_empty());
    // After a month nothing between the looks is missing, although the window is a week.
    for n in 0..50 {
        let date = start() + SignedDuration::from_hours(12 * n);
        stage.play.lock().unwrap().post(NAME, date, "В паузе");
    }
    stage.world.clock.pass(days(30));
    stage.spec.comments = true;
    let page = loop {
        let page = stage.page().await.unwrap();
        if !page.more {
            break page;
        }
        stage.store.commit(page);
    };
    let (again, _) = page.facts.coverage.read.unwrap();
    assert!(again <= start(), "{again}: what came since the last look was read too");
    let hole = &page.facts.coverage.holes[0];
    assert_eq!((hole.cause, hole.posts), (HoleCause::CommentsRefused, None));
}
