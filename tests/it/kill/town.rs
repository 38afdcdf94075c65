//! A made-up town on a local VK: a configuration, and a script of posts and comments.
//!
//! The same script always gives the same numbers on the same walls, so that a run that was killed
//! can be compared with one that was not. Every problem is opened by the oldest post about it and
//! all its texts are alike: then problems and alerts do not depend on the order in which comments
//! are read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use otklik::sim::Rng;
use otklik_collectors::play::vk::World;

/// Communities: number, name, settlement.
pub const WALLS: [(i64, &str, &str); 2] =
    [(-200_001, "primer_onohoy", "onohoy"), (-200_002, "primer_ilka", "ilka")];
/// Token in `[telegram_bot]`, made up.
pub const BOT_TOKEN: &str = "1:vymyshlennyy";

/// One thing that somebody does.
#[derive(Debug, Clone)]
pub enum Deed {
    /// Writes a post on wall number `wall`.
    Post { wall: usize, from: i64, text: String },
    /// Comments on what deed number `under` wrote.
    Comment { under: usize, from: i64, text: String },
    /// Changes the text of a post.
    Edit { deed: usize, text: String },
    /// Removes a post.
    Delete { deed: usize },
}

// Below eight words that tell something: longer texts as alike as these are copies of each other,
// and copies are one voice, whoever wrote which first.

fn complaint(number: usize) -> String {
    format!("Третий день ледяные батареи, в доме холодно, № {number}")
}

fn danger(number: usize) -> String {
    format!("Горит лес за селом, дым идёт на дома, № {number}")
}

fn chatter(number: usize) -> String {
    format!("Доброе утро, соседи, хорошего дня, привет {number}")
}

fn blame(number: usize) -> String {
    format!("Чиновникам наплевать на людей, мнение {number}")
}

/// A script of about `length` deeds. Deed 0 and 1 open heating problems, deed 2 a danger.
pub fn script(rng: &mut Rng, length: usize) -> Vec<Deed> {
    let mut deeds = vec![
        Deed::Post { wall: 0, from: 11, text: complaint(0) },
        Deed::Post { wall: 1, from: 12, text: complaint(1) },
        Deed::Post { wall: 0, from: 13, text: danger(2) },
    ];
    let mut chats = Vec::new();
    while deeds.len() < length {
        let number = deeds.len();
        // Some people write more than once.
        let from = 100 + i64::try_from(rng.below(length)).expect("small");
        let under = rng.below(number);
        let posted = matches!(deeds[under], Deed::Post { .. });
        // What is removed must not have counted for anything, or it would matter who saw it before.
        let harmless = matches!(&deeds[under], Deed::Post { text, .. } if text.starts_with('Д'));
        deeds.push(match rng.below(20) {
            0..4 => Deed::Post { wall: rng.below(WALLS.len()), from, text: complaint(number) },
            4 => Deed::Post { wall: 0, from, text: danger(number) },
            5..7 => {
                chats.push(number);
                Deed::Post { wall: rng.below(WALLS.len()), from, text: chatter(number) }
            }
            7 if posted => edit(&deeds[under], under, number),
            8 if !chats.is_empty() => {
                Deed::Delete { deed: chats.swap_remove(rng.below(chats.len())) }
            }
            9 | 10 if posted && !harmless => Deed::Comment { under, from, text: blame(number) },
            11..15 if posted => Deed::Comment { under, from, text: chatter(number) },
            _ if posted && !harmless => Deed::Comment { under, from, text: complaint(number) },
            _ => continue,
        });
    }
    deeds
}

/// An edit keeps what the post is about.
fn edit(post: &Deed, deed: usize, number: usize) -> Deed {
    let Deed::Post { text, .. } = post else { unreachable!("only posts are edited") };
    let text = match text.chars().next() {
        Some('Т') => complaint(number),
        Some('Г') => danger(number),
        _ => chatter(number),
    };
    Deed::Edit { deed, text }
}

/// Plays a script on the walls, deed by deed, each dated `step` after the one before, so that their
/// order is the script's however many are played at once.
pub struct Writer {
    deeds: Vec<Deed>,
    start: Timestamp,
    step: SignedDuration,
    next: usize,
    /// Wall and number of what each deed wrote.
    written: BTreeMap<usize, (i64, i64)>,
}

impl Writer {
    /// A writer whose first deed is dated `start`.
    pub fn new(deeds: Vec<Deed>, start: Timestamp, step: SignedDuration) -> Self {
        Self { deeds, start, step, next: 0, written: BTreeMap::new() }
    }

    /// A writer whose deeds all lie in the past.
    pub fn past(deeds: Vec<Deed>, now: Timestamp) -> Self {
        let step = SignedDuration::from_secs(1);
        let start = now - step * i32::try_from(deeds.len()).expect("small");
        Self::new(deeds, start, step)
    }

    pub fn left(&self) -> usize {
        self.deeds.len() - self.next
    }

    /// Plays the next `count` deeds.
    pub fn write(&mut self, world: &mut World, count: usize) {
        for number in self.next..self.deeds.len().min(self.next + count) {
            self.next = number + 1;
            let now = self.start + self.step * i32::try_from(number).expect("small");
            match &self.deeds[number] {
                Deed::Post { wall, from, text } => {
                    let wall = WALLS[*wall].0;
                    self.written.insert(number, (wall, world.post(wall, *from, now, text)));
                }
                Deed::Comment { under, from, text } => {
                    let (wall, post) = self.written[under];
                    let id = world.comment(wall, post, *from, now, text, None);
                    self.written.insert(number, (wall, id));
                }
                Deed::Edit { deed, text } => {
                    let (wall, post) = self.written[deed];
                    world.edit(wall, post, now, text);
                }
                Deed::Delete { deed } => {
                    let (wall, post) = self.written[deed];
                    world.delete(wall, post, now);
                }
            }
        }
    }
}

/// What a reader of the walls sees at `now`: text by id.
pub fn living(world: &World, now: Timestamp) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for (owner, wall) in &world.walls {
        let id = |number: &i64| format!("vk:{owner}_{number}");
        let posts = wall.posts.iter().filter(|(_, post)| post.life.alive(now));
        texts.extend(posts.map(|(number, post)| (id(number), post.life.text(now).to_owned())));
        let comments = wall.comments.iter().filter(|(_, comment)| {
            comment.life.alive(now) && wall.posts[&comment.post].life.alive(now)
        });
        texts.extend(comments.map(|(number, it)| (id(number), it.life.text(now).to_owned())));
    }
    texts
}

/// Who wrote a text with `word` that can be seen at `now`, on one wall.
pub fn people(world: &World, owner: i64, now: Timestamp, word: &str) -> BTreeSet<i64> {
    let wall = &world.walls[&owner];
    let posts = wall.posts.values().map(|post| (post.from, &post.life));
    let comments = wall.comments.values().map(|comment| (comment.from, &comment.life));
    posts
        .chain(comments)
        .filter(|(_, life)| life.alive(now) && life.text(now).contains(word))
        .map(|(from, _)| from)
        .collect()
}

/// How many people blamed somebody, on all walls.
pub fn critics(world: &World, now: Timestamp) -> usize {
    let walls = WALLS.iter().flat_map(|(owner, ..)| people(world, *owner, now, "наплевать"));
    walls.collect::<BTreeSet<i64>>().len()
}

/// Adds the communities to a world.
pub fn found(world: &mut World) {
    for (owner, name, _) in WALLS {
        world.add_community(owner, name, name, 1_200);
    }
}

/// Addresses that a configuration names.
pub struct Addresses {
    pub vk: String,
    pub smtp: String,
    pub bot: String,
    /// Sections and receivers of further channels.
    pub gates: Option<(String, String)>,
}

/// Writes a whole configuration into `folder`; returns otklik.toml. `every` is how often sources
/// are read.
pub fn configure(folder: &Path, addresses: &Addresses, every: &str) -> PathBuf {
    let write = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("folder");
        std::fs::write(file, text).expect("written");
    };
    let Addresses { vk, smtp, bot, gates } = addresses;
    let (sections, receivers) = gates.clone().unwrap_or_default();
    write(
        "otklik.toml",
        &format!(
            "[district]\nname = \"Пример\"\ntimezone = \"Asia/Irkutsk\"\n\
             [store]\npath = \"store/otklik.db\"\n[keywords]\npath = \"words\"\n\
             [platforms.vk]\napi_url = \"{vk}/method\"\ntoken = {{ file = \"vk.txt\" }}\n\
             [smtp]\nurl = \"{smtp}\"\nfrom = \"otklik@example.org\"\n\
             [telegram_bot]\napi_url = \"{bot}\"\ntoken = {{ file = \"bot.txt\" }}\n{sections}"
        ),
    );
    write("vk.txt", "vymyshlennyy-klyuch\n");
    write("bot.txt", &format!("{BOT_TOKEN}\n"));
    write("gate.txt", super::gates::TOKEN);
    let sources: String = WALLS
        .iter()
        .map(|(_, name, place)| {
            format!(
                "[[source]]\nid = \"{name}\"\nplatform = \"vk\"\nhandle = \"{name}\"\n\
                 place = \"{place}\"\nevery = \"{every}\"\n"
            )
        })
        .collect();
    write("sources.toml", &sources);
    write("routes.toml", &format!("{ROUTES}{receivers}"));
    write("words/heating.toml", HEATING);
    write("words/smoke.toml", SMOKE);
    write("words/attitude.toml", ATTITUDE);
    folder.join("otklik.toml")
}

const ROUTES: &str = r#"
[alert]
level = "high"
voices = 3
budget = 1000
volley = 1000

[[receiver]]
name = "Дежурный"
email = "duty@example.org"
telegram_chat = -100
min_level = "low"

[[receiver]]
name = "ЕДДС"
telegram_chat = -200
min_level = "low"
"#;

const HEATING: &str = r#"
id = "heating"
title = "Отопление"
kind = "problem"
severity = 4
[[rule]]
id = "cold-radiators"
find = '"ледяные батареи"~2'
weight = 80
[[example]]
text = "Батареи ледяные"
is = true
[[example]]
text = "Вторую неделю ледяные батареи"
is = true
[[example]]
text = "Купили новые батареи"
is = false
[[example]]
text = "Ледяные горки открыты"
is = false
"#;

const SMOKE: &str = r#"
id = "smoke"
title = "Дым"
kind = "danger"
severity = 5
[[rule]]
id = "forest"
find = '"горит лес"~2'
weight = 90
[[example]]
text = "Горит лес у дороги"
is = true
[[example]]
text = "За рекой лес горит"
is = true
[[example]]
text = "В лес за грибами"
is = false
[[example]]
text = "В окне горит свет"
is = false
"#;

const ATTITUDE: &str = r#"
id = "attitude"
title = "Отношение к власти"
kind = "attitude"
severity = 1
[[rule]]
id = "do-nothing"
find = '"чиновникам наплевать"~3'
weight = 70
[[example]]
text = "Чиновникам наплевать"
is = true
[[example]]
text = "Опять чиновникам наплевать"
is = true
[[example]]
text = "Чиновникам вручили грамоты"
is = false
[[example]]
text = "Наплевать на погоду"
is = false
"#;
