//! Turns Telegram's own answers into listings.
//!
//! Place in the flow: the only place that sees Telegram's types; between the connection and
//! [`super::Account`]. Invariants: people beside the messages (names, phones, pictures) are dropped
//! unread; an answer with messages of a room that was not asked for is refused whole.

use std::collections::BTreeMap;

use grammers_client::tl::enums;
use grammers_client::tl::types;
use jiff::Timestamp;

use crate::telegram::message::{Listing, Message, Replies, Writer};

/// Messages that we ask for at once, the most that Telegram gives.
pub(super) const PAGE: i32 = 100;

/// A page of messages: the room they are in, and what the room holds in all.
pub(super) struct Read {
    /// Nothing if the page is empty.
    pub room: Option<i64>,
    pub count: u32,
    pub listing: Listing,
    /// Rooms told of beside the messages that nobody finds by a name: closed ones.
    nameless: Vec<i64>,
}

impl Read {
    /// Whether the room is told to be closed to those who do not belong to it.
    pub(super) fn is_closed(&self, room: i64) -> bool {
        self.nameless.contains(&room)
    }
}

/// Reads a page that was asked for with [`PAGE`]; nothing if it makes no sense.
pub(super) fn page(answer: enums::messages::Messages) -> Option<Read> {
    let (messages, chats, count) = match answer {
        enums::messages::Messages::ChannelMessages(page) => {
            (page.messages, page.chats, Some(page.count))
        }
        enums::messages::Messages::Slice(page) => (page.messages, page.chats, Some(page.count)),
        enums::messages::Messages::Messages(page) => (page.messages, page.chats, None),
        enums::messages::Messages::NotModified(_) => return None,
    };
    let nameless = chats.iter().filter_map(nameless).collect();
    let taken = u32::try_from(messages.len()).ok()?;
    let count = count.map_or(Some(taken), |count| u32::try_from(count).ok())?;
    let room = one_room(&messages)?;
    let full = messages.len() >= PAGE as usize;
    let mut listing = Listing {
        older: full,
        // A full page proves nothing about what lies below it.
        total: (!full).then_some((count, taken)).or(Some((u32::MAX, taken))),
        ..Listing::default()
    };
    let mut parts: Vec<(Option<i64>, Message)> = messages.into_iter().map(read).collect();
    parts.sort_by_key(|(_, message)| message.id);
    parts.dedup_by_key(|(_, message)| message.id);
    if full {
        leave_cut_album(&mut parts);
    }
    listing.messages = join_albums(parts);
    Some(Read { room, count, listing, nameless })
}

/// The number of a channel or group that has no name of its own, so that only members find it.
fn nameless(chat: &enums::Chat) -> Option<i64> {
    match chat {
        enums::Chat::Channel(channel) => {
            let active =
                |name: &enums::Username| matches!(name, enums::Username::Username(it) if it.active);
            let named =
                channel.username.is_some() || channel.usernames.iter().flatten().any(active);
            (!named).then_some(channel.id)
        }
        enums::Chat::ChannelForbidden(channel) => Some(channel.id),
        _ => None,
    }
}

/// Which of the messages asked for by number are there.
pub(super) fn there(answer: enums::messages::Messages, room: i64) -> Option<BTreeMap<i64, bool>> {
    let messages = match answer {
        enums::messages::Messages::ChannelMessages(page) => page.messages,
        enums::messages::Messages::Slice(page) => page.messages,
        enums::messages::Messages::Messages(page) => page.messages,
        enums::messages::Messages::NotModified(_) => return None,
    };
    if one_room(&messages)?.is_some_and(|found| found != room) {
        return None;
    }
    let there = messages.into_iter().map(|message| match message {
        enums::Message::Empty(empty) => (i64::from(empty.id), false),
        enums::Message::Message(message) => (i64::from(message.id), true),
        enums::Message::Service(message) => (i64::from(message.id), true),
    });
    Some(there.collect())
}

/// The room of all messages; `Some(None)` if no message names one, nothing if they differ.
fn one_room(messages: &[enums::Message]) -> Option<Option<i64>> {
    let mut room = None;
    for message in messages {
        let peer = match message {
            enums::Message::Empty(_) => continue,
            enums::Message::Message(message) => &message.peer_id,
            enums::Message::Service(message) => &message.peer_id,
        };
        let enums::Peer::Channel(peer) = peer else { return None };
        if *room.get_or_insert(peer.channel_id) != peer.channel_id {
            return None;
        }
    }
    Some(room)
}

fn read(message: enums::Message) -> (Option<i64>, Message) {
    match message {
        enums::Message::Message(message) => (message.grouped_id, read_message(message)),
        enums::Message::Service(message) => {
            let published = Timestamp::from_second(i64::from(message.date)).ok();
            let id = i64::from(message.id);
            (None, Message { id, published, service: true, ..Message::default() })
        }
        enums::Message::Empty(empty) => {
            (None, Message { id: i64::from(empty.id), service: true, ..Message::default() })
        }
    }
}

fn read_message(message: types::Message) -> Message {
    let instant = |secs: i32| Timestamp::from_second(i64::from(secs)).ok();
    let count = |count: i32| u64::try_from(count).ok();
    let mut text = message.message.trim().to_owned();
    if text.is_empty()
        && let Some(enums::MessageMedia::Poll(media)) = &message.media
    {
        let enums::Poll::Poll(poll) = &media.poll;
        let enums::TextWithEntities::Entities(question) = &poll.question;
        question.text.trim().clone_into(&mut text);
    }
    let published = instant(message.date);
    Message {
        id: i64::from(message.id),
        published,
        edited: message.edit_date.filter(|_| !message.edit_hide).and_then(instant),
        text,
        writer: writer(&message),
        reply_to: reply(message.reply_to.as_ref()),
        forwarded: message.fwd_from.is_some(),
        // What we cannot date we cannot place.
        service: published.is_none(),
        views: message.views.and_then(count),
        forwards: message.forwards.and_then(count),
        reactions: message.reactions.as_ref().map(reactions),
        replies: message.replies.as_ref().and_then(replies),
    }
}

fn writer(message: &types::Message) -> Writer {
    let enums::Peer::Channel(room) = &message.peer_id else { return Writer::Nobody };
    match &message.from_id {
        // A channel's post is the channel's, whoever signs it.
        _ if message.post => Writer::Room,
        None => Writer::Room,
        Some(enums::Peer::User(user)) => Writer::Person(user.user_id),
        Some(enums::Peer::Channel(from)) if from.channel_id == room.channel_id => Writer::Room,
        Some(enums::Peer::Channel(from)) => Writer::Channel(from.channel_id),
        Some(enums::Peer::Chat(_)) => Writer::Nobody,
    }
}

fn reply(header: Option<&enums::MessageReplyHeader>) -> Option<i64> {
    match header? {
        // Answers to another room, to a story or to the topic of a forum answer nothing of ours.
        enums::MessageReplyHeader::Header(header) if header.reply_to_peer_id.is_none() => {
            header.reply_to_msg_id.map(i64::from)
        }
        _ => None,
    }
}

fn reactions(reactions: &enums::MessageReactions) -> u64 {
    let enums::MessageReactions::Reactions(reactions) = reactions;
    let counts = reactions.results.iter().map(|enums::ReactionCount::Count(count)| count);
    counts
        .filter(|count| !matches!(count.reaction, enums::Reaction::Paid))
        .map(|count| u64::try_from(count.count).unwrap_or(0))
        .sum()
}

fn replies(replies: &enums::MessageReplies) -> Option<Replies> {
    let enums::MessageReplies::Replies(replies) = replies;
    replies.comments.then(|| Replies {
        count: u32::try_from(replies.replies).unwrap_or(0),
        newest: replies.max_id.map_or(0, i64::from),
    })
}

/// The lowest album of a full page may go on below it: it is left for the next page, which begins
/// above it, unless it is all there is.
fn leave_cut_album(parts: &mut Vec<(Option<i64>, Message)>) {
    let Some(album) = parts.first().and_then(|(album, _)| *album) else { return };
    let rest = parts.iter().position(|(other, _)| *other != Some(album));
    if let Some(rest) = rest {
        parts.drain(..rest);
    }
}

/// An album is one message under its lowest number, as the preview shows it.
fn join_albums(parts: Vec<(Option<i64>, Message)>) -> Vec<Message> {
    let mut joined: Vec<(Option<i64>, Message)> = Vec::with_capacity(parts.len());
    for (album, message) in parts {
        match joined.last_mut() {
            Some((Some(last), first)) if album == Some(*last) => {
                if first.text.is_empty() {
                    first.text = message.text;
                }
                first.edited = first.edited.max(message.edited);
                first.replies = first.replies.or(message.replies);
            }
            _ => joined.push((album, message)),
        }
    }
    joined.into_iter().map(|(_, message)| message).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: i64, album: Option<i64>, text: &str) -> (Option<i64>, Message) {
        (album, Message { id, text: text.to_owned(), ..Message::default() })
    }

    fn told(messages: &[Message]) -> Vec<(i64, &str)> {
        messages.iter().map(|m| (m.id, m.text.as_str())).collect()
    }

    #[test]
    fn an_album_is_one_message_with_its_lowest_number() {
        let parts = vec![
            part(1, None, "до"),
            part(2, Some(9), ""),
            part(3, Some(9), "подпись"),
            part(4, Some(8), "другой"),
            part(5, None, "после"),
        ];
        let joined = join_albums(parts);
        assert_eq!(told(&joined), [(1, "до"), (2, "подпись"), (4, "другой"), (5, "после")]);
    }

    #[test]
    fn an_album_that_a_page_cuts_waits_for_the_next_page() {
        let mut parts = vec![part(2, Some(9), ""), part(3, Some(9), ""), part(4, None, "целая")];
        leave_cut_album(&mut parts);
        assert_eq!(parts.len(), 1);
        // Where there is nothing else, it is taken as it is.
        let mut parts = vec![part(2, Some(9), ""), part(3, Some(9), "")];
        leave_cut_album(&mut parts);
        assert_eq!(parts.len(), 2);
    }
}
