//! Plays Telegram's public preview: `/s/<name>`, the embed of one post, the landing page of a name.
//!
//! Place in the flow: see [`crate::play`]. Invariants: numbers only grow; a page shows what was
//! visible at the instant it was asked for; `before` is exclusive and pages are ascending, as on
//! the true site.

mod render;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::play::{Ask, Fault, Plan, Play, Reply};

/// Messages on a page; an album counts with all its parts, so fewer may show.
const PAGE_MESSAGES: usize = 20;

/// What a post shows besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dress {
    /// Name and number of the post it answers, with the quote shown.
    pub reply: Option<(i64, String)>,
    /// Name and title of the channel it was forwarded from.
    pub forwarded: Option<(String, String)>,
    /// Pictures; more than one makes an album that takes as many numbers.
    pub pictures: u32,
    /// Whether it has a video, which brings a `time` of its own.
    pub video: bool,
    /// Title of a link preview.
    pub link_preview: Option<String>,
    /// Reactions: emoji and count as shown (`55.2K`).
    pub reactions: Vec<(String, String)>,
    /// Views as shown (`57.8K`).
    pub views: Option<String>,
    /// Whether it is a service message (pinned, renamed): its text is what Telegram says.
    pub service: bool,
}

#[derive(Debug, Clone)]
struct Version {
    at: Timestamp,
    text: String,
}

#[derive(Debug, Clone)]
struct Message {
    date: Timestamp,
    versions: Vec<Version>,
    deleted: Option<Timestamp>,
    dress: Dress,
}

impl Message {
    fn visible(&self, now: Timestamp) -> bool {
        self.date <= now && self.deleted.is_none_or(|at| at > now)
    }

    fn version(&self, now: Timestamp) -> (&str, bool) {
        let index = self.versions.iter().rposition(|v| v.at <= now).unwrap_or(0);
        (&self.versions[index].text, index > 0)
    }
}

#[derive(Debug, Clone)]
struct Channel {
    bare_id: i64,
    title: String,
    messages: BTreeMap<i64, Message>,
    next_id: i64,
    last_date: Timestamp,
    preview: bool,
}

/// The preview site with its channels.
#[derive(Debug, Default)]
pub struct PlayTelegram {
    channels: BTreeMap<String, Channel>,
    /// Faults to come and the log of requests.
    pub plan: Plan,
}

impl PlayTelegram {
    /// A site without channels.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a channel. `bare_id` is its number without `-100`.
    pub fn add_channel(&mut self, name: &str, bare_id: i64, title: &str) {
        let channel = Channel {
            bare_id,
            title: title.to_owned(),
            messages: BTreeMap::new(),
            next_id: 1,
            last_date: Timestamp::MIN,
            preview: true,
        };
        self.channels.insert(name.to_owned(), channel);
    }

    /// Switches the preview of a channel on or off.
    pub fn set_preview(&mut self, name: &str, on: bool) {
        if let Some(channel) = self.channels.get_mut(name) {
            channel.preview = on;
        }
    }

    /// Gives the name up; whoever asks for it finds nobody.
    pub fn remove_channel(&mut self, name: &str) {
        self.channels.remove(name);
    }

    /// Posts `text`, to be seen from `date` on, and returns its number (0 without such a channel).
    /// Numbers grow with dates, so a date before the last post's is moved up to it.
    pub fn post(&mut self, name: &str, date: Timestamp, text: &str) -> i64 {
        self.post_dressed(name, date, text, Dress::default())
    }

    /// The same with more than text.
    pub fn post_dressed(&mut self, name: &str, date: Timestamp, text: &str, dress: Dress) -> i64 {
        let Some(channel) = self.channels.get_mut(name) else { return 0 };
        let date = date.max(channel.last_date);
        channel.last_date = date;
        let id = channel.next_id;
        channel.next_id += i64::from(dress.pictures.max(1));
        let versions = vec![Version { at: date, text: text.to_owned() }];
        channel.messages.insert(id, Message { date, versions, deleted: None, dress });
        id
    }

    /// Changes the text of a post from `at` on.
    pub fn edit(&mut self, name: &str, id: i64, at: Timestamp, text: &str) {
        if let Some(message) = self.message_mut(name, id) {
            let place = message.versions.partition_point(|v| v.at <= at);
            message.versions.insert(place, Version { at, text: text.to_owned() });
        }
    }

    /// Deletes a post from `at` on.
    pub fn delete(&mut self, name: &str, id: i64, at: Timestamp) {
        if let Some(message) = self.message_mut(name, id) {
            message.deleted = Some(at);
        }
    }

    /// What can be seen in a channel at `now`: number, date and text, service messages left out.
    #[must_use]
    pub fn living(&self, name: &str, now: Timestamp) -> Vec<(i64, Timestamp, String)> {
        let Some(channel) = self.channels.get(name) else { return Vec::new() };
        channel
            .messages
            .iter()
            .filter(|(_, m)| m.visible(now) && !m.dress.service)
            .map(|(id, m)| (*id, m.date, m.version(now).0.to_owned()))
            .collect()
    }

    /// Lets the next request without a planned fault fail.
    pub fn fail_next(&mut self, fault: Fault) {
        self.plan.fail_next(fault);
    }

    fn message_mut(&mut self, name: &str, id: i64) -> Option<&mut Message> {
        self.channels.get_mut(name)?.messages.get_mut(&id)
    }

    fn proper(&self, ask: &Ask, now: Timestamp) -> Reply {
        let parts: Vec<&str> = ask.path.split('/').filter(|part| !part.is_empty()).collect();
        let page = match parts.as_slice() {
            ["s", name] => self.listing(name, ask, now),
            [name, id] if ask.param("embed").is_some() => {
                self.embed(name, id.parse().unwrap_or(0), now)
            }
            [name] | [name, _] => render::landing(name, self.title(name)),
            _ => return Reply::status(404, "text/html; charset=utf-8", render::landing("", None)),
        };
        let mut reply = Reply::ok("text/html; charset=utf-8", page);
        if let (Reply::Answer(response), ["s", name]) = (&mut reply, parts.as_slice())
            && !self.channels.get(*name).is_some_and(|c| c.preview)
        {
            // The true site redirects; this is where the reader finds itself.
            response.path = format!("/{name}");
        }
        reply
    }

    fn title(&self, name: &str) -> Option<&str> {
        self.channels.get(name).map(|channel| channel.title.as_str())
    }

    fn listing(&self, name: &str, ask: &Ask, now: Timestamp) -> String {
        let Some(channel) = self.channels.get(name).filter(|channel| channel.preview) else {
            return render::landing(name, self.title(name));
        };
        let number = |key| ask.param(key).and_then(|v| v.parse::<i64>().ok());
        let visible = |range: (i64, i64)| {
            channel.messages.range(range.0..range.1).filter(|(_, m)| m.visible(now))
        };
        let mut room = PAGE_MESSAGES;
        let mut fits = |m: &Message| {
            let size = m.dress.pictures.max(1) as usize;
            let fits = room >= size;
            room = room.saturating_sub(size);
            fits
        };
        let page: BTreeMap<i64, &Message> = match number("after") {
            Some(after) => visible((after + 1, i64::MAX))
                .take_while(|(_, m)| fits(m))
                .map(|(id, m)| (*id, m))
                .collect(),
            None => visible((0, number("before").unwrap_or(i64::MAX)))
                .rev()
                .take_while(|(_, m)| fits(m))
                .map(|(id, m)| (*id, m))
                .collect(),
        };
        let first = page
            .keys()
            .next()
            .copied()
            .filter(|first| channel.messages.range(..first).any(|(_, m)| m.visible(now)));
        render::listing(name, channel, &page, first, now)
    }

    fn embed(&self, name: &str, id: i64, now: Timestamp) -> String {
        let Some(channel) = self.channels.get(name) else {
            return render::embed_error("Channel with this username not found");
        };
        let message = channel.messages.get(&id).filter(|m| m.visible(now));
        match message {
            Some(message) => render::embed(name, channel, id, message, now),
            None => render::embed_error("Post not found"),
        }
    }
}

impl Play for PlayTelegram {
    fn answer(&mut self, ask: &Ask, now: Timestamp) -> Reply {
        let proper = self.proper(ask, now);
        self.plan.apply(ask, now, proper)
    }
}
