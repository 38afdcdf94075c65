//! From posts to problems through the real store: batches and restarts change nothing, a replay
//! finds the same, and what people merge and split stays so.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use otklik::clock::{Clock, SimClock};
use otklik::model::{
    Command, CommandKind, CommandReply, PostKey, Problem, ProblemEvent, ProblemEventKind,
    ProblemId, ProblemState, RumourState,
};
use otklik::pipeline::command::change_store;
use otklik::pipeline::district::District;
use otklik::pipeline::facets::facets;
use otklik::pipeline::import::{Imported, import_batch};
use otklik::pipeline::keys::KeyFile;
use otklik::pipeline::rejoin::rejoin;
use otklik::sim::Rng;
use otklik::store::{Store, StoredPost};
use otklik_collectors::door::Door;
use otklik_collectors::{Author, Counts, RawKind, RawPost};

/// A village in a store of its own.
struct Village {
    district: District,
    store: Store,
    keys: Arc<KeyFile>,
    folder: tempfile::TempDir,
}

fn start() -> Timestamp {
    "2026-10-01T00:00:00Z".parse().expect("a valid instant")
}

fn at(hours: f64) -> Timestamp {
    start() + SignedDuration::from_secs((hours * 3600.0) as i64)
}

/// One line of a village: hours since the start, source, author, text, and what it answers.
#[derive(Clone)]
struct Line {
    id: usize,
    hours: f64,
    source: &'static str,
    author: usize,
    text: String,
    answers: Option<usize>,
}

impl Village {
    fn new() -> Self {
        let settings =
            otklik::config::load_all(&crate::root().join("config/otklik.toml")).expect("shipped");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("otklik.db");
        let district = District::load_rules(&settings, false).expect("sound rules");
        let store = Store::open_play(&path, district.id.clone()).expect("opened");
        let clock: Arc<dyn Clock> = Arc::new(SimClock::new(start()));
        let keys = Arc::new(KeyFile::open(&path, clock).expect("a key file"));
        Self { district, store, keys, folder }
    }

    /// The same store, opened again.
    fn restarted(self) -> Self {
        let Self { district, store, keys, folder } = self;
        drop(store);
        let path = folder.path().join("otklik.db");
        let store = Store::open_play(&path, district.id.clone()).expect("opened again");
        Self { district, store, keys, folder }
    }

    async fn import(&self, lines: &[Line]) {
        self.import_at(lines, start()).await;
    }

    async fn import_at(&self, lines: &[Line], now: Timestamp) {
        let door = Door::new(self.keys.clone(), []);
        let batch = lines.iter().map(|line| imported(line, &door)).collect();
        import_batch(&self.store, &self.district, &door, batch, now, &mut Default::default())
            .await
            .expect("imported");
    }

    async fn posts(&self) -> Vec<StoredPost> {
        self.store.export_posts(None, None, 10_000).await.expect("read")
    }

    /// Everything that problems are: rows, and which post is where.
    async fn picture(&self) -> (Vec<Problem>, Vec<(PostKey, Vec<ProblemId>)>) {
        let problems = self.store.export_problems(None, None, 10_000).await.expect("read");
        let posts = self.posts().await;
        (
            problems.into_iter().map(|stored| stored.problem).collect(),
            posts.into_iter().map(|stored| (stored.post.key, stored.problems)).collect(),
        )
    }

    async fn ask(&self, kind: CommandKind, when: Timestamp) -> CommandReply {
        let actor = "tester".to_owned();
        let command = Command { actor, role: "analyst".to_owned(), at: when, kind };
        change_store(&self.store, Some(&self.district), &command, when)
            .await
            .expect("asked")
            .expect("an answer")
    }

    async fn problem(&self, id: &ProblemId) -> Problem {
        self.store.problems(std::slice::from_ref(id)).await.expect("read").remove(0).problem
    }

    /// The main problem of a line.
    async fn problem_of(&self, id: usize) -> ProblemId {
        let posts = self.posts().await;
        let mut posts = posts.into_iter();
        let found = posts.find(|it| it.post.key.id.as_str() == id.to_string()).expect("stored");
        found.main_problem.expect("it joined a problem")
    }
}

fn imported(line: &Line, door: &Door) -> Imported {
    let published = at(line.hours);
    Imported {
        source: line.source.into(),
        platform: "import".to_owned(),
        place: None,
        raw: RawPost {
            id: line.id.to_string(),
            parent: line.answers.map(|id| id.to_string()),
            kind: if line.answers.is_some() { RawKind::Comment } else { RawKind::Post },
            text: door.mask(&line.text),
            published: Some(published),
            edited: None,
            author: Author::Person(door.seed(&line.author.to_string(), published)),
            official: false,
            url: None,
            counts: Counts::default(),
            repost: false,
        },
    }
}

fn line(id: usize, hours: f64, text: &str) -> Line {
    Line { id, hours, source: "club", author: id, text: text.to_owned(), answers: None }
}

/// Some weeks of a village, told from a seed.
fn told(seed: u64, count: usize) -> Vec<Line> {
    const TEXTS: [&str; 12] = [
        "Онохой, третий день холодные батареи, дети мёрзнут",
        "Онохой, Гагарина 12, батареи ледяные, когда дадут тепло?",
        "Онохой, Гагарина 8, нет отопления",
        "Новая Брянь без воды с утра, из крана ни капли",
        "Новая Брянь, Рабочая 5, прорвало трубу, вода течёт по дороге",
        "В Заиграево возле школы стая бродячих собак, дети боятся",
        "Заиграево, Октябрьская 3, в подъезде не горит свет, темно",
        "Заиграево, Октябрьская 3, подъезд не убирают, грязь на лестнице",
        "Нет света, Илька",
        "Не вывозят мусор третью неделю, контейнеры переполнены, вонь на всю улицу, помогите",
        "Продам диван, самовывоз",
        "На улице Гагарина в Онохое яма на дороге, машины бьются",
    ];
    const ECHOES: [&str; 3] = ["+1", "у нас тоже", "третий день уже"];
    let mut rng = Rng::new(seed);
    let mut lines: Vec<Line> = Vec::new();
    let mut hours = 0.0;
    for id in 0..count {
        hours += 20.0 * rng.unit() * rng.unit();
        let answers = (id > 0 && rng.chance(0.3)).then(|| id - 1 - rng.below(id.min(6)));
        // Only posts are answered.
        let answers = answers.filter(|parent| lines[*parent].answers.is_none());
        let source =
            answers.map_or_else(|| rng.pick(&["club", "news"]), |parent| lines[parent].source);
        let source = if source == "club" { "club" } else { "news" };
        let text = match answers {
            Some(_) if rng.chance(0.7) => *ECHOES.get(rng.below(3)).expect("three"),
            _ => *TEXTS.get(rng.below(12)).expect("twelve"),
        };
        let author = rng.below(40);
        lines.push(Line { id, hours, source, author, text: text.to_owned(), answers });
    }
    lines
}

#[tokio::test]
async fn batches_and_restarts_make_the_same_problems() {
    for seed in [1, 2, 3] {
        let lines = told(seed, 120);
        let whole = Village::new();
        whole.import(&lines).await;
        let expected = whole.picture().await;
        assert!(expected.0.len() > 8, "seed {seed}: {} problems", expected.0.len());
        for size in [1, 7, 50] {
            let mut village = Village::new();
            // Month keys of a month that is over live in memory only: voices must be the same.
            village.keys = whole.keys.clone();
            for (number, batch) in lines.chunks(size).enumerate() {
                village.import(batch).await;
                if number % 5 == 4 {
                    village = village.restarted();
                }
            }
            assert_eq!(village.picture().await, expected, "seed {seed}, batches of {size}");
        }
    }
}

#[tokio::test]
async fn a_replay_finds_what_is_there() {
    let village = Village::new();
    let lines = told(4, 150);
    village.import(&lines).await;
    let found = rejoin(&village.store, &village.district, Timestamp::MIN).await.expect("replayed");
    assert_eq!(found.moved, [], "seed 4");
    let (problems, posts) = village.picture().await;
    assert_eq!(found.posts as usize, posts.len());
    assert_eq!(found.problems as usize, problems.len());
    let late = rejoin(&village.store, &village.district, at(200.0)).await.expect("replayed");
    assert!(late.posts < found.posts && late.moved.is_empty(), "{late:?}");
}

#[tokio::test]
async fn a_merge_is_remembered_and_leaves_a_trail() {
    let village = Village::new();
    village.import(&[line(1, 0.0, "Онохой, холодные батареи, мёрзнем")]).await;
    village.import(&[line(2, 1.0, "Онохой, нет воды, из крана ни капли")]).await;
    let (from, into) = (village.problem_of(1).await, village.problem_of(2).await);
    let merge = |problem: &ProblemId, into: &ProblemId| CommandKind::MergeProblems {
        problem: problem.clone(),
        into: into.clone(),
    };
    assert!(village.ask(merge(&from, &into), at(2.0)).await.done);
    assert!(!village.ask(merge(&from, &into), at(2.0)).await.done, "once is enough");
    assert!(!village.ask(merge(&into, &into), at(2.0)).await.done);
    assert!(!village.ask(merge(&"p0".into(), &into), at(2.0)).await.done);
    let village = village.restarted();
    village.import(&[line(3, 3.0, "Онохой, батареи ледяные второй день")]).await;
    assert_eq!(village.problem_of(1).await, into);
    assert_eq!(village.problem_of(3).await, into, "posts of its key follow");
    let (gone, lives) = (village.problem(&from).await, village.problem(&into).await);
    assert_eq!((gone.state, gone.merged), (ProblemState::Closed, Some(into.clone())));
    assert_eq!((lives.posts, lives.opened), (3, at(0.0)));
    let found = rejoin(&village.store, &village.district, Timestamp::MIN).await.expect("replayed");
    assert_eq!(found.posts, 3);
}

#[tokio::test]
async fn a_split_is_remembered() {
    let village = Village::new();
    let lines = [
        line(1, 0.0, "Онохой, Гагарина 12, батареи ледяные"),
        line(2, 1.0, "Онохой, Гагарина 12, в квартире холод, нет отопления"),
        line(3, 2.0, "Онохой, Садовая 3, батареи холодные, воздух в трубах"),
    ];
    village.import(&lines).await;
    let whole = village.problem_of(1).await;
    assert_eq!(village.problem_of(3).await, whole, "one boiler house");
    let split = |address: &str| CommandKind::SplitProblem {
        problem: whole.clone(),
        posts: Vec::new(),
        address: Some(address.to_owned()),
    };
    assert!(!village.ask(split("лесная, 1"), at(3.0)).await.done);
    let reply = village.ask(split("садовая, 3"), at(3.0)).await;
    assert!(reply.done, "{}", reply.text);
    let new = village.problem_of(3).await;
    assert_ne!(new, whole);
    let counts = [village.problem(&whole).await.posts, village.problem(&new).await.posts];
    assert_eq!(counts, [2, 1]);
    // An edit is assessed again, but stays where the person put it.
    let mut edited = lines[2].clone();
    edited.text = "Онохой, Садовая 3, батареи холодные второй день, воздух в трубах".to_owned();
    village.import(&[edited]).await;
    assert_eq!(village.problem_of(3).await, new);
    let stored = village.posts().await;
    assert_eq!(stored.iter().filter(|it| it.problems.contains(&whole)).count(), 2);
}

#[tokio::test]
async fn a_merge_leaves_no_post_without_a_main_problem() {
    let village = Village::new();
    let both = "Онохой, холодные батареи, мёрзнем; и нет воды, из крана ни капли";
    village
        .import(&[line(1, 0.0, both), line(2, 1.0, "Онохой, нет воды, из крана ни капли")])
        .await;
    let post = village.posts().await.into_iter().find(|it| it.post.key.id.as_str() == "1");
    let post = post.expect("stored");
    assert_eq!(post.problems.len(), 2, "{post:?}");
    let (main, other) = (post.problems[0].clone(), post.problems[1].clone());
    assert_eq!(post.main_problem.as_ref(), Some(&main));
    let merge = CommandKind::MergeProblems { problem: main, into: other.clone() };
    assert!(village.ask(merge, at(2.0)).await.done);
    assert_eq!(village.problem_of(1).await, other);
}

#[tokio::test]
async fn a_replay_finds_what_people_merged_and_split() {
    for seed in [5, 6, 7] {
        let village = Village::new();
        let lines = told(seed, 160);
        for (number, batch) in lines.chunks(20).enumerate() {
            let when = start() + SignedDuration::from_secs(2 * number as i64);
            village.import_at(batch, when).await;
            let (problems, posts) = village.picture().await;
            let when = when + SignedDuration::from_secs(1);
            let largest =
                problems.iter().filter(|it| it.merged.is_none()).max_by_key(|it| it.posts);
            let largest = largest.expect("some problem").id.clone();
            let mut rng = Rng::new(seed + number as u64);
            let kind = if number % 2 == 0 {
                let members = posts.iter().filter(|(_, ids)| ids.contains(&largest));
                let taken: Vec<_> = members.filter(|_| rng.chance(0.4)).collect();
                let posts = taken.iter().map(|(key, _)| key.clone()).collect();
                CommandKind::SplitProblem { problem: largest, posts, address: None }
            } else {
                let mut others =
                    problems.iter().filter(|it| it.merged.is_none() && it.id != largest);
                let problem = others.next_back().expect("another").id.clone();
                CommandKind::MergeProblems { problem, into: largest }
            };
            village.ask(kind, when).await;
        }
        let replayed = rejoin(&village.store, &village.district, Timestamp::MIN).await;
        let found = replayed.expect("replayed");
        assert_eq!(found.moved, [], "seed {seed}");
        assert!(found.by_person > 0, "seed {seed}: somebody took posts out");
    }
}

#[tokio::test]
async fn only_a_rumour_has_a_state_of_its_own() {
    let village = Village::new();
    village.import(&[line(1, 0.0, "Онохой, холодные батареи, мёрзнем")]).await;
    let problem = village.problem_of(1).await;
    let state = RumourState::Seen;
    let kind = CommandKind::SetRumour { problem: problem.clone(), state, link: None };
    assert!(!village.ask(kind, at(1.0)).await.done);
    assert_eq!(village.problem(&problem).await.rumour, None);
}

#[tokio::test]
async fn what_posts_have_in_common_is_counted() {
    let village = Village::new();
    let lines = [
        line(1, 0.0, "Онохой, Гагарина 12, батареи ледяные"),
        line(2, 1.0, "Онохой, Гагарина 8, в Онохойской школе и дома холод, нет отопления"),
        line(3, 2.0, "Онохой, Гагарина 12, батареи холодные, в Онохойской школе тоже"),
        line(4, 3.0, "Онохой, Садовая 3, батареи холодные, воздух в трубах"),
    ];
    village.import(&lines).await;
    let id = village.problem_of(1).await;
    let found = facets(&village.store, &village.district, &id).await.expect("read");
    assert_eq!(found.streets, [("гагарина".to_owned(), 3)]);
    assert_eq!(found.houses, [("гагарина, 12".to_owned(), 2)]);
    assert_eq!(found.organisations, [("Онохойской школе".to_owned(), 2)]);
}

#[tokio::test]
async fn a_date_that_lies_ahead_stops_no_counting() {
    let village = Village::new();
    let years = 70.0 * 365.0 * 24.0;
    village.import_at(&[line(1, years, "Онохой, холодные батареи, мёрзнем")], at(1.0)).await;
    let district = ("*".to_owned(), "*".to_owned());
    let counted = village.store.tallies(vec![district.clone()]).await.expect("read");
    assert!(counted.is_empty(), "nothing is counted ahead of time: {counted:?}");
    village.import_at(&[line(2, 0.5, "Онохой, нет воды, из крана ни капли")], at(1.0)).await;
    let counted = village.store.tallies(vec![district]).await.expect("read");
    assert_eq!(counted.len(), 1, "what is written today counts");
}

const COLD: &str = "Онохой, холодные батареи, мёрзнем";
const DRY: &str = "Онохой, нет воды, из крана ни капли";

impl Village {
    async fn merge(&self, from: &ProblemId, into: &ProblemId, when: Timestamp) {
        let (problem, into) = (from.clone(), into.clone());
        let reply = self.ask(CommandKind::MergeProblems { problem, into }, when).await;
        assert!(reply.done, "{}", reply.text);
    }

    async fn voices(&self, id: &ProblemId) -> (u32, bool) {
        let all = self.store.export_problems(None, None, 100).await.expect("read");
        let found = all.into_iter().find(|stored| stored.problem.id == *id).expect("there");
        (found.voices.voices, found.voices.at_least)
    }

    async fn replayed(&self) -> otklik::pipeline::rejoin::Rejoined {
        rejoin(&self.store, &self.district, Timestamp::MIN).await.expect("replayed")
    }
}

#[tokio::test]
async fn a_merge_across_topics_loses_no_voice() {
    let village = Village::new();
    let cold: Vec<Line> = (1..6).map(|n| line(n, n as f64, COLD)).collect();
    // Copies of one text would be one voice.
    let cold = cold.into_iter().map(|it| {
        let text = format!("Онохой, {} день холодно, батареи ледяные", it.id);
        Line { text, ..it }
    });
    village.import(&cold.collect::<Vec<_>>()).await;
    village.import(&[line(6, 6.0, DRY)]).await;
    let (from, into) = (village.problem_of(1).await, village.problem_of(6).await);
    assert_eq!(village.voices(&from).await, (5, false));
    village.merge(&from, &into, at(7.0)).await;
    assert_eq!(village.problem(&into).await.voices, 5);
    assert_eq!(village.voices(&into).await, (5, true), "five at least, whoever they are");
    village.import(&[line(9, 8.0, "Онохой, второй день нет воды")]).await;
    assert_eq!(village.voices(&into).await, (5, true));
}

#[tokio::test]
async fn a_merge_of_lives_that_do_not_meet_is_a_return() {
    // The old problem is over, the new one alive: whichever way they are joined, they are one
    // problem that came back.
    for old_into_new in [true, false] {
        let village = Village::new();
        village.import(&[line(1, 0.0, COLD), line(2, 1.0, "Онохой, батареи ледяные")]).await;
        let old = village.problem_of(1).await;
        let close = CommandKind::CloseProblem { problem: old.clone() };
        assert!(village.ask(close, at(24.0)).await.done);
        village.import(&[line(3, 240.0, DRY)]).await;
        let new = village.problem_of(3).await;
        let (from, into) = if old_into_new { (&old, &new) } else { (&new, &old) };
        village.merge(from, into, at(241.0)).await;
        let whole = village.problem(into).await;
        assert_eq!((whole.state, whole.returns), (ProblemState::Reopened, 1), "{old_into_new}");
        assert_eq!((whole.posts, whole.opened, whole.last), (3, at(0.0), at(240.0)));
        assert_eq!((whole.since(), whole.posts_since()), (at(240.0), 1));
        assert_eq!(whole.ended, None);
        assert_eq!(village.voices(into).await.0, 1);
    }
}

#[tokio::test]
async fn posts_since_a_return_are_right_after_a_split() {
    let village = Village::new();
    let lines = [
        line(1, 0.0, "Онохой, Гагарина 12, батареи ледяные"),
        line(2, 1.0, "Онохой, Садовая 3, батареи холодные, воздух в трубах"),
        line(3, 240.0, "Онохой, Гагарина 12, опять ледяные батареи, мёрзнем"),
    ];
    village.import(&lines).await;
    let id = village.problem_of(1).await;
    assert_eq!(village.problem_of(3).await, id, "it came back");
    assert_eq!(village.problem(&id).await.posts_since(), 1);
    let posts = village.posts().await.into_iter().map(|it| it.post.key);
    let posts = posts.filter(|key| key.id.as_str() == "2").collect();
    let kind = CommandKind::SplitProblem { problem: id.clone(), posts, address: None };
    assert!(village.ask(kind, at(241.0)).await.done);
    let stayed = village.problem(&id).await;
    assert_eq!((stayed.posts, stayed.posts_since(), stayed.voices), (2, 1, 1));
    let split = village.problem(&village.problem_of(2).await).await;
    assert_eq!((split.posts, split.opened, split.last), (1, at(1.0), at(1.0)));
}

#[tokio::test]
async fn a_merge_chain_of_any_length_is_followed() {
    let village = Village::new();
    village.import(&[line(0, 0.0, DRY), line(1, 1.0, COLD)]).await;
    let first = village.problem_of(0).await;
    let mut last = village.problem_of(1).await;
    village.merge(&first, &last, at(2.0)).await;
    for n in 2..72 {
        let text = format!("Онохой, Советская {n}, в подъезде не горит свет, темно");
        village.import(&[line(n, 2.0, &text)]).await;
        let next = village.problem_of(n).await;
        village.merge(&last, &next, at(2.0)).await;
        last = next;
    }
    let living = village.store.living_problem(&first).await.expect("read").expect("there");
    assert_eq!(living.id, last);
}

#[tokio::test]
async fn a_replay_finds_what_was_edited_closed_and_taken_back() {
    let village = Village::new();
    let now = |secs| start() + SignedDuration::from_secs(secs);
    village.import_at(&[line(1, 0.0, COLD), line(2, 1.0, DRY)], now(0)).await;
    let cold = village.problem_of(1).await;
    // The first post of the problem is about something else now; it stays where it was counted.
    village.import_at(&[line(1, 0.0, "Онохой, не горит фонарь, темно на улице")], now(10)).await;
    village.import_at(&[line(3, 2.0, "Онохой, батареи ледяные второй день")], now(20)).await;
    assert_eq!(village.problem_of(3).await, cold);
    // Told by mistake that it is over, and taken back: nothing returns.
    let close = CommandKind::CloseProblem { problem: cold.clone() };
    assert!(village.ask(close, now(30)).await.done);
    let back = ProblemEvent { at: now(31), kind: ProblemEventKind::Reinstated };
    village.store.append_events(&[(cold.clone(), back)]).await.expect("appended");
    village.import_at(&[line(4, 3.0, "Онохой, в квартире холод, нет отопления")], now(40)).await;
    assert_eq!(village.problem(&cold).await.returns, 0);
    let found = village.replayed().await;
    assert_eq!((found.moved, found.edited), (vec![], 1));
}
