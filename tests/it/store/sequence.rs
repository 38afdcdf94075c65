//! Random sequences of sightings, removals, erasures and kills against a model of a few lines.

use std::collections::{BTreeMap, BTreeSet};

use otklik::store::{PageOutcome, PostState};
use proptest::prelude::*;

use super::{World, at, complaint, gone, key};

#[derive(Debug, Clone)]
enum Step {
    /// Posts of one page, as (id, text).
    See(Vec<(u8, u8)>),
    Gone(u8),
    Erase(u8),
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec((0..4_u8, 0..3_u8), 1..5).prop_map(Step::See),
        2 => (0..4_u8).prop_map(Step::Gone),
        1 => (0..4_u8).prop_map(Step::Erase),
        1 => Just(Step::Kill),
    ]
}

/// What must be stored: text and state of each post, and what never comes back.
#[derive(Default)]
struct Model {
    posts: BTreeMap<u8, (u8, PostState)>,
    erased: BTreeSet<u8>,
}

impl Model {
    fn see(&mut self, id: u8, text: u8, outcome: &mut PageOutcome) {
        if self.erased.contains(&id) {
            outcome.erased += 1;
            return;
        }
        *match self.posts.insert(id, (text, PostState::Live)) {
            None => &mut outcome.new,
            Some((_, PostState::Gone)) => &mut outcome.revived,
            Some((before, _)) if before == text => &mut outcome.known,
            Some(_) => &mut outcome.edited,
        } += 1;
    }

    fn remove(&mut self, id: u8) -> u32 {
        match self.posts.get_mut(&id) {
            Some((_, state @ PostState::Live)) => {
                *state = PostState::Gone;
                1
            }
            _ => 0,
        }
    }

    fn expected(&self) -> Vec<(String, String, PostState)> {
        let shown = |(id, (text, state)): (&u8, &(u8, PostState))| {
            let words = if *state == PostState::Live { words(*text) } else { String::new() };
            (id.to_string(), words, *state)
        };
        self.posts.iter().map(shown).collect()
    }
}

fn words(text: u8) -> String {
    format!("Холодно, вариант {text}")
}

async fn run(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut world = World::new();
    let mut model = Model::default();
    for (minute, step) in (0..).zip(steps) {
        let now = at(minute);
        match step {
            Step::See(posts) => {
                let mut expected = PageOutcome::default();
                posts.iter().for_each(|(id, text)| model.see(*id, *text, &mut expected));
                let posts = posts
                    .into_iter()
                    .map(|(id, text)| complaint(&id.to_string(), &words(text), at(0), id))
                    .collect();
                prop_assert_eq!(world.commit(posts, now).await, expected);
            }
            Step::Gone(id) => {
                let page = gone(&[key(&id.to_string())], now);
                let outcome = world.store.commit_page(page).await.expect("committed");
                prop_assert_eq!(outcome.gone, model.remove(id));
            }
            Step::Erase(id) => {
                world.store.erase(&key(&id.to_string()), now).await.expect("erased");
                model.posts.remove(&id);
                model.erased.insert(id);
            }
            Step::Kill => world = world.killed(),
        }
        let stored = world.store.export_posts(None, None, 100).await.expect("read");
        let stored: Vec<_> =
            stored.into_iter().map(|row| (row.post.key.id.0, row.post.text, row.state)).collect();
        prop_assert_eq!(stored, model.expected());
        let waiting = world.store.take_work(100).await.expect("read");
        let live = model.posts.values().filter(|(_, state)| *state == PostState::Live).count();
        prop_assert_eq!(waiting.len(), live, "every live post waits once, no other does");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..<_>::default() })]

    #[test]
    fn nothing_is_lost_doubled_or_brought_back(steps in prop::collection::vec(step(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(run(steps))?;
    }
}
