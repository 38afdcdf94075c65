//! What the local VK holds: walls with their posts and comments, and made-up people.
//!
//! Place in the flow: changed by tests and the simulated district, read by `methods`. Invariant:
//! posts and comments of one wall share one sequence of numbers, given in the order of creation, so
//! a post written ahead (postponed) has a smaller number than its neighbours of the same date.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::talk::{Said, Talk, TalkKind};

/// All walls and people.
#[derive(Default)]
pub struct World {
    /// Walls by owner, negative for communities.
    pub walls: BTreeMap<i64, Wall>,
    /// First and last names of people; unknown people are made up from their number.
    pub names: BTreeMap<i64, (String, String)>,
    /// Sends profiles with names and avatars even unasked.
    pub chatty: bool,
}

/// One page.
#[derive(Default, Clone)]
pub struct Wall {
    /// Short name.
    pub screen_name: String,
    /// Title.
    pub name: String,
    /// Members or followers.
    pub members: u64,
    /// 0 open, 1 closed, 2 private.
    pub is_closed: i64,
    /// The token's owner is a member: a closed page is shown all the same.
    pub member: bool,
    /// `deleted` or `banned`.
    pub deactivated: Option<String>,
    /// `group`, `page`, `event` or `user`.
    pub kind: String,
    /// The post on top.
    pub pinned: Option<i64>,
    /// Living posts that the wall does not list and that are shown by number alone.
    pub unlisted: BTreeSet<i64>,
    /// Posts by number.
    pub posts: BTreeMap<i64, Post>,
    /// Comments by number.
    pub comments: BTreeMap<i64, Comment>,
    /// Numbers of all comments by post, and of all replies by root.
    by_post: BTreeMap<i64, Vec<i64>>,
    by_root: BTreeMap<i64, Vec<i64>>,
    next: i64,
    /// Talks besides the wall, by kind and number.
    pub talks: BTreeMap<(TalkKind, i64), Talk>,
    /// What is said in them, by kind and number.
    pub said: BTreeMap<(TalkKind, i64), Said>,
}

/// When something exists and what it says.
#[derive(Clone)]
pub struct Life {
    /// When it appears.
    pub date: Timestamp,
    /// Texts with the instant from which each is shown.
    pub(super) versions: Vec<(Timestamp, String)>,
    /// Deletions (false) and restorations (true).
    pub(super) turns: Vec<(Timestamp, bool)>,
}

impl Life {
    pub(super) fn new(date: Timestamp, text: &str) -> Self {
        Life { date, versions: vec![(date, text.to_owned())], turns: Vec::new() }
    }

    /// Whether it is to be seen.
    #[must_use]
    pub fn alive(&self, now: Timestamp) -> bool {
        let last = self.turns.iter().filter(|(at, _)| *at <= now).max_by_key(|(at, _)| *at);
        self.date <= now && last.is_none_or(|(_, alive)| *alive)
    }

    /// The text shown.
    #[must_use]
    pub fn text(&self, now: Timestamp) -> &str {
        let shown = self.versions.iter().rev().filter(|(at, _)| *at <= now);
        shown.max_by_key(|(at, _)| *at).map_or("", |(_, text)| text.as_str())
    }

    /// When the text shown was written, if it is not the first.
    #[must_use]
    pub fn edited(&self, now: Timestamp) -> Option<Timestamp> {
        self.versions.iter().skip(1).map(|(at, _)| *at).filter(|at| *at <= now).max()
    }
}

/// A post.
#[derive(Clone)]
pub struct Post {
    /// Author.
    pub from: i64,
    /// Dates and texts.
    pub life: Life,
    /// Comments are closed.
    pub closed: bool,
    /// Further fields of the answer, which win over the usual ones.
    pub extra: Map<String, Value>,
}

/// A comment.
#[derive(Clone)]
pub struct Comment {
    /// Author.
    pub from: i64,
    /// Post it stands under.
    pub post: i64,
    /// Root of the thread, for a reply.
    pub root: Option<i64>,
    /// Comment it answers.
    pub reply_to: Option<i64>,
    /// Dates and texts.
    pub life: Life,
    /// Further fields of the answer, which win over the usual ones.
    pub extra: Map<String, Value>,
}

impl World {
    /// Adds a community; `owner` is negative.
    pub fn add_community(&mut self, owner: i64, screen_name: &str, name: &str, members: u64) {
        self.add(owner, screen_name, name, members, "group");
    }

    /// Adds a personal page; `owner` is positive.
    pub fn add_person_page(&mut self, owner: i64, screen_name: &str, name: &str, followers: u64) {
        self.add(owner, screen_name, name, followers, "user");
    }

    fn add(&mut self, owner: i64, screen_name: &str, name: &str, members: u64, kind: &str) {
        let wall = Wall {
            screen_name: screen_name.to_owned(),
            name: name.to_owned(),
            members,
            kind: kind.to_owned(),
            ..Wall::default()
        };
        self.walls.insert(owner, wall);
    }

    /// A wall that must exist.
    ///
    /// # Panics
    /// If nobody added it.
    pub fn wall(&mut self, owner: i64) -> &mut Wall {
        self.walls.get_mut(&owner).expect("the wall was added before")
    }

    /// Writes a post that appears at `date`; returns its number.
    pub fn post(&mut self, owner: i64, from: i64, date: Timestamp, text: &str) -> i64 {
        let wall = self.wall(owner);
        let id = wall.number();
        let life = Life::new(date, text);
        wall.posts.insert(id, Post { from, life, closed: false, extra: Map::new() });
        id
    }

    /// Writes a comment that appears at `date`; an answer to a reply joins the reply's thread.
    pub fn comment(
        &mut self,
        owner: i64,
        post: i64,
        from: i64,
        date: Timestamp,
        text: &str,
        reply_to: Option<i64>,
    ) -> i64 {
        let wall = self.wall(owner);
        let id = wall.number();
        let root = reply_to
            .and_then(|to| wall.comments.get(&to).map(|comment| comment.root.unwrap_or(to)));
        let life = Life::new(date, text);
        let extra = Map::new();
        wall.by_post.entry(post).or_default().push(id);
        if let Some(root) = root {
            wall.by_root.entry(root).or_default().push(id);
        }
        wall.comments.insert(id, Comment { from, post, root, reply_to, life, extra });
        id
    }

    /// Changes the text of a post or comment from `at` on.
    pub fn edit(&mut self, owner: i64, id: i64, at: Timestamp, text: &str) {
        if let Some(life) = self.wall(owner).life(id) {
            life.versions.push((at, text.to_owned()));
        }
    }

    /// Removes a post or comment at `at`.
    pub fn delete(&mut self, owner: i64, id: i64, at: Timestamp) {
        if let Some(life) = self.wall(owner).life(id) {
            life.turns.push((at, false));
        }
    }

    /// Brings a removed post or comment back at `at`.
    pub fn restore(&mut self, owner: i64, id: i64, at: Timestamp) {
        if let Some(life) = self.wall(owner).life(id) {
            life.turns.push((at, true));
        }
    }

    /// Puts a post on top, or nothing.
    pub fn pin(&mut self, owner: i64, id: Option<i64>) {
        self.wall(owner).pinned = id;
    }

    /// Sets a field of the answer about a post or comment, for example `copy_history`.
    pub fn set(&mut self, owner: i64, id: i64, field: &str, value: Value) {
        let wall = self.wall(owner);
        let post = wall.posts.get_mut(&id).map(|post| &mut post.extra);
        let extra = post.or_else(|| wall.comments.get_mut(&id).map(|comment| &mut comment.extra));
        if let Some(extra) = extra {
            extra.insert(field.to_owned(), value);
        }
    }

    /// First and last name of a person.
    #[must_use]
    pub fn name(&self, id: i64) -> (String, String) {
        let made = || (format!("Имя{id}"), format!("Фамилия{id}"));
        self.names.get(&id).cloned().unwrap_or_else(made)
    }

    /// The wall of this short name or `club123`, `public123`, `id123`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<i64> {
        let number = |prefix: &str| name.strip_prefix(prefix).and_then(|it| it.parse::<i64>().ok());
        let by_number = number("club")
            .or_else(|| number("public"))
            .or_else(|| number("event"))
            .map(|id| -id)
            .or_else(|| number("id"));
        let by_name = self.walls.iter().find(|(_, wall)| wall.screen_name == name);
        by_name
            .map(|(owner, _)| *owner)
            .or_else(|| by_number.filter(|owner| self.walls.contains_key(owner)))
    }
}

impl Wall {
    fn number(&mut self) -> i64 {
        self.next += 1;
        self.next
    }

    fn life(&mut self, id: i64) -> Option<&mut Life> {
        let post = self.posts.get_mut(&id).map(|post| &mut post.life);
        post.or_else(|| self.comments.get_mut(&id).map(|comment| &mut comment.life))
    }

    /// Posts as the wall shows them: the pinned one, then the newest first.
    #[must_use]
    pub fn shown(&self, now: Timestamp) -> Vec<i64> {
        let mut alive: Vec<(bool, Timestamp, i64)> = self
            .posts
            .iter()
            .filter(|(id, post)| post.life.alive(now) && !self.unlisted.contains(id))
            .map(|(id, post)| (self.pinned == Some(*id), post.life.date, *id))
            .collect();
        alive.sort_unstable_by(|a, b| b.cmp(a));
        alive.into_iter().map(|(_, _, id)| id).collect()
    }

    /// Living comments of a post.
    #[must_use]
    pub fn living(&self, post: i64, now: Timestamp) -> usize {
        self.listed(self.by_post.get(&post)).filter(|(_, it)| it.life.alive(now)).count()
    }

    /// Roots of a post, oldest first: the living, and deleted ones with living replies.
    #[must_use]
    pub fn roots(&self, post: i64, now: Timestamp) -> Vec<i64> {
        let shown = |id: i64, comment: &Comment| {
            comment.life.alive(now)
                || (comment.life.date <= now && !self.replies(id, now).is_empty())
        };
        let all = self.listed(self.by_post.get(&post));
        in_order(all.filter(|(id, comment)| comment.root.is_none() && shown(**id, comment)))
    }

    /// Living replies of a thread, oldest first.
    #[must_use]
    pub fn replies(&self, root: i64, now: Timestamp) -> Vec<i64> {
        let all = self.listed(self.by_root.get(&root));
        in_order(all.filter(|(_, comment)| comment.life.alive(now)))
    }

    fn listed<'a>(
        &'a self,
        ids: Option<&'a Vec<i64>>,
    ) -> impl Iterator<Item = (&'a i64, &'a Comment)> {
        ids.into_iter().flatten().filter_map(|id| self.comments.get(id).map(|it| (id, it)))
    }
}

fn in_order<'a>(comments: impl Iterator<Item = (&'a i64, &'a Comment)>) -> Vec<i64> {
    let mut all: Vec<(Timestamp, i64)> =
        comments.map(|(id, comment)| (comment.life.date, *id)).collect();
    all.sort_unstable();
    all.into_iter().map(|(_, id)| id).collect()
}
