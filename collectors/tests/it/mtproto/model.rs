//! A channel and its discussion that live while they are read: posts, comments, edits, deletions,
//! pins, faults and crashes between any two requests.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use otklik_collectors::play::mtproto::{Fault, Trim, Who};
use otklik_collectors::play::telegram::Dress;

use super::{CHANNEL, GROUP, NAME, Stage, start};
use crate::chance::seeds;
use crate::web_ports::Dice;

struct Live {
    dice: Dice,
    stage: Stage,
    said: u32,
    /// Posts with their number of parts.
    posts: Vec<(i32, i32)>,
    comments: Vec<(i32, i32)>,
}

impl Live {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let stage = Stage::new();
        if dice.one_in(2) {
            stage.close_preview();
        }
        Self { dice, stage, said: 0, posts: Vec::new(), comments: Vec::new() }
    }

    fn words(&mut self) -> String {
        self.said += 1;
        format!("Запись {} ❗", self.said)
    }

    fn post(&mut self, at: Timestamp) {
        let text = self.words();
        if self.dice.one_in(8) {
            let pictures = Dress { pictures: 3, ..Dress::default() };
            self.stage.site.lock().unwrap().post_dressed(NAME, at, &text, pictures);
            let album = Some(i64::from(self.said));
            let mut play = self.stage.play.lock().unwrap();
            let trim = || Trim { album, ..Trim::default() };
            let first = play.world.post_trimmed(CHANNEL, at, &text, trim());
            for _ in 0..2 {
                play.world.post_trimmed(CHANNEL, at, "", trim());
            }
            self.posts.push((first, 3));
        } else {
            self.posts.push((self.stage.post(at, &text), 1));
        }
    }

    fn comment(&mut self, at: Timestamp) {
        let text = self.words();
        let Some(&(post, _)) = pick(&mut self.dice, &self.posts) else { return };
        let below: Vec<i32> =
            self.comments.iter().filter(|(p, _)| *p == post).map(|(_, id)| *id).collect();
        let answered =
            pick(&mut self.dice, &below).copied().filter(|_| self.said.is_multiple_of(3));
        let who = Who::User(777_000 + i64::from(self.said % 5));
        let mut play = self.stage.play.lock().unwrap();
        if let Some(id) = play.world.comment(CHANNEL, post, at, who, &text, answered) {
            self.comments.push((post, id));
        }
    }

    /// One random thing that happens.
    fn stir(&mut self) {
        let now = self.stage.world.now();
        match self.dice.roll(10) {
            0..2 => self.post(now),
            2..6 => self.comment(now),
            // The last posts stay: an emptied channel is refused, not believed.
            6 if self.posts.len() > 2 => {
                let index = self.dice.roll(self.posts.len() as u64) as usize;
                let (post, parts) = self.posts.remove(index);
                for part in post..post + parts {
                    self.stage.play.lock().unwrap().world.delete(CHANNEL, part, now);
                }
                self.stage.site.lock().unwrap().delete(NAME, i64::from(post), now);
            }
            7 => {
                let text = self.words();
                if let Some(&(post, _)) = pick(&mut self.dice, &self.posts) {
                    self.stage.play.lock().unwrap().world.edit(CHANNEL, post, now, &text);
                    self.stage.site.lock().unwrap().edit(NAME, i64::from(post), now, &text);
                }
            }
            8 => {
                let text = self.words();
                if let Some(&(_, id)) = pick(&mut self.dice, &self.comments) {
                    let mut play = self.stage.play.lock().unwrap();
                    match self.said % 2 {
                        0 => play.world.delete(GROUP, id, now),
                        _ => play.world.edit(GROUP, id, now, &text),
                    }
                }
            }
            _ => {
                let pinned = Dress { service: true, ..Dress::default() };
                self.stage.site.lock().unwrap().post_dressed(NAME, now, "pinned", pinned);
                let trim = Trim { service: true, ..Trim::default() };
                self.stage.play.lock().unwrap().world.post_trimmed(CHANNEL, now, "", trim);
            }
        }
    }

    fn spoil(&mut self) {
        let fault = match self.dice.roll(9) {
            0 => Fault::Drop,
            1 => Fault::Silence,
            2 => Fault::Cut(self.dice.roll(600) as usize),
            3 => Fault::Garbage(vec![7; 24]),
            4 => Fault::Rpc(500, "RPC_CALL_FAIL".to_owned()),
            5 => Fault::Flood(3 + self.dice.roll(600) as u32),
            6 => Fault::Empty,
            7 => Fault::Transport(429),
            _ => Fault::Rpc(400, "CHANNEL_PRIVATE".to_owned()),
        };
        self.stage.play.lock().unwrap().fail_next(fault);
    }

    /// What anybody could read now.
    fn living(&self) -> BTreeMap<String, String> {
        let (now, play) = (self.stage.world.now(), self.stage.play.lock().unwrap());
        let mut living = BTreeMap::new();
        let seen: BTreeMap<i32, String> = play
            .world
            .living(CHANNEL, now)
            .into_iter()
            .filter(|(_, date, _)| *date >= self.stage.horizon())
            .map(|(id, _, text)| (id, text))
            .collect();
        for (post, _) in self.posts.iter().filter(|(post, _)| seen.contains_key(post)) {
            living.insert(format!("tg:{CHANNEL}_{post}"), seen[post].clone());
            for (id, _, text) in play.world.comments(CHANNEL, *post, now) {
                living.insert(format!("tg:{GROUP}_{id}"), text);
            }
        }
        living
    }

    async fn step(&mut self, seed: u64) {
        for _ in 0..self.dice.roll(5) {
            self.stir();
        }
        if self.dice.one_in(6) {
            self.spoil();
        }
        if let Ok(page) = self.stage.page().await {
            let living = self.living();
            for id in &page.gone {
                assert!(!living.contains_key(id), "seed {seed}: {id} lives, but was called gone");
            }
            // A crash before the commit: the page is lost with its cursor.
            if !self.dice.one_in(8) {
                self.stage.store.commit(page);
            }
        }
        self.stage.world.clock.pass(SignedDuration::from_secs(self.dice.roll(400) as i64));
    }
}

fn pick<'a, T>(dice: &mut Dice, from: &'a [T]) -> Option<&'a T> {
    from.get(dice.roll(from.len() as u64) as usize)
}

async fn live(seed: u64) -> usize {
    let mut live = Live::new(seed);
    for hour in (0..live.dice.roll(60)).rev() {
        live.post(start() - SignedDuration::from_mins(hour as i64 * 50));
    }
    live.post(start() - SignedDuration::from_mins(20));
    for _ in 0..live.dice.roll(200) {
        live.comment(start() - SignedDuration::from_mins(10));
    }
    for _ in 0..40 {
        live.step(seed).await;
    }
    live.stage.play.lock().unwrap().calm();
    // Edits of comments show in no counter: they are seen within a day.
    live.stage.world.clock.pass(SignedDuration::from_hours(25));
    // The look under way ends; then one whole look sees everything.
    live.stage.look().await;
    live.stage.look().await;
    assert_eq!(live.stage.store.texts(), live.living(), "seed {seed}");
    // A quiet look asks for the posts of the window and nothing else.
    let before = live.stage.calls();
    live.stage.look().await;
    let asked = live.stage.asked(before);
    assert!(asked.iter().all(|m| *m == "messages.getHistory"), "seed {seed}: {asked:?}");
    let play = live.stage.play.lock().unwrap();
    assert_eq!(play.broken_waits(), 0, "seed {seed}");
    play.log().len()
}

#[tokio::test]
async fn every_living_post_and_comment_is_stored_with_its_last_text() {
    let seeds = seeds();
    let mut calls = 0;
    for seed in seeds.clone() {
        calls += live(seed).await;
    }
    println!("seeds {seeds:?}, {calls} calls of the account");
}
