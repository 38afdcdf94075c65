//! What the server tells, in Telegram's own types.
//!
//! Place in the flow: [`super::PlayMtproto`] answers with these. Invariant: a message carries what
//! the true ones carry, names and numbers of people included, so that a reader that lets them out
//! fails its tests.

use grammers_client::tl::{Deserializable, Serializable, enums, types};
use jiff::Timestamp;

use super::world::{Room, Said, Who, World};

/// A name that no answer of ours may let out.
pub const PERSON_NAME: &str = "Выдуман Выдуманович";

/// Writes one field.
type Part<'a> = dyn Fn(&mut Vec<u8>) + 'a;

/// A value with nothing in it, read from zeros: these types have dozens of optional fields.
fn blank<T: Deserializable>(parts: &[&Part<'_>]) -> T {
    let mut bytes = Vec::new();
    for part in parts {
        part(&mut bytes);
    }
    T::from_bytes(&bytes).expect("a blank value has all its parts")
}

fn int(value: i32) -> impl Fn(&mut Vec<u8>) {
    move |bytes| value.serialize(bytes)
}

fn long(value: i64) -> impl Fn(&mut Vec<u8>) {
    move |bytes| value.serialize(bytes)
}

fn text(value: &str) -> impl Fn(&mut Vec<u8>) {
    move |bytes| value.to_owned().serialize(bytes)
}

fn channel_peer(id: i64) -> enums::Peer {
    types::PeerChannel { channel_id: id }.into()
}

fn seconds(at: Timestamp) -> i32 {
    i32::try_from(at.as_second()).unwrap_or(i32::MAX)
}

/// One message of a room.
pub(super) fn message(
    world: &World,
    room: &Room,
    number: i32,
    said: &Said,
    now: Timestamp,
) -> enums::Message {
    if said.trim.service {
        return service(room, number, said);
    }
    let (words, edited) = said.version(now);
    let peer = channel_peer(room.id);
    let mut message: types::Message = blank(&[
        &int(0),
        &int(0),
        &int(number),
        &|bytes| peer.serialize(bytes),
        &int(seconds(said.date)),
        &text(words),
    ]);
    message.post = room.broadcast;
    message.from_id = match said.from {
        Who::Room => None,
        Who::User(id) => Some(types::PeerUser { user_id: id }.into()),
        Who::Channel(id) => Some(channel_peer(id)),
    };
    message.edit_date = edited.map(seconds);
    message.grouped_id = said.trim.album;
    message.post_author.clone_from(&said.trim.signed);
    message.views = said.trim.views;
    message.forwards = said.trim.views.map(|_| 1);
    message.fwd_from = forwarded(room, said);
    message.reply_to = said.reply_to.map(|id| reply(id, said.top));
    message.media = said.trim.poll.as_deref().map(poll);
    message.reactions = said.trim.reactions.map(reactions);
    message.replies = replies(world, room, number, now);
    message.into()
}

fn service(room: &Room, number: i32, said: &Said) -> enums::Message {
    let (peer, action) = (channel_peer(room.id), enums::MessageAction::PinMessage);
    let message: types::MessageService = blank(&[
        &int(0),
        &int(number),
        &|bytes| peer.serialize(bytes),
        &int(seconds(said.date)),
        &|bytes| action.serialize(bytes),
    ]);
    message.into()
}

fn forwarded(room: &Room, said: &Said) -> Option<enums::MessageFwdHeader> {
    let origin = match (&said.trim.forwarded, said.copy_of) {
        (None, None) => return None,
        (name, copy_of) => (name.clone(), copy_of),
    };
    let mut header: types::MessageFwdHeader = blank(&[&int(0), &int(seconds(said.date))]);
    header.from_name = origin.0;
    if let (Some(post), Some(channel)) = (origin.1, room.linked) {
        header.from_id = Some(channel_peer(channel));
        header.channel_post = Some(post);
        header.saved_from_peer = Some(channel_peer(channel));
        header.saved_from_msg_id = Some(post);
    }
    Some(header.into())
}

fn reply(id: i32, top: Option<i32>) -> enums::MessageReplyHeader {
    let mut header: types::MessageReplyHeader = blank(&[&int(0)]);
    header.reply_to_msg_id = Some(id);
    // A direct comment names its root only once.
    header.reply_to_top_id = top.filter(|top| *top != id);
    header.into()
}

fn poll(question: &str) -> enums::MessageMedia {
    let words = |text: &str| -> enums::TextWithEntities {
        types::TextWithEntities { text: text.to_owned(), entities: Vec::new() }.into()
    };
    let question = words(question);
    let answers: Vec<enums::PollAnswer> = Vec::new();
    let poll: types::Poll = blank(&[
        &long(1),
        &int(0),
        &|bytes| question.serialize(bytes),
        &|bytes| answers.serialize(bytes),
        &long(0),
    ]);
    let results: types::PollResults = blank(&[&int(0)]);
    let (poll, results): (enums::Poll, enums::PollResults) = (poll.into(), results.into());
    let media: types::MessageMediaPoll =
        blank(&[&int(0), &|bytes| poll.serialize(bytes), &|bytes| results.serialize(bytes)]);
    media.into()
}

fn reactions(count: i32) -> enums::MessageReactions {
    let kind = |emoji: &str, count| -> enums::ReactionCount {
        let reaction = types::ReactionEmoji { emoticon: emoji.to_owned() }.into();
        types::ReactionCount { chosen_order: None, reaction, count }.into()
    };
    // Paid stars are no opinion and count for nothing.
    let paid: enums::ReactionCount =
        types::ReactionCount { chosen_order: None, reaction: enums::Reaction::Paid, count: 11 }
            .into();
    types::MessageReactions {
        min: false,
        can_see_list: false,
        reactions_as_tags: false,
        results: vec![kind("👍", count - count / 3), kind("🔥", count / 3), paid],
        recent_reactions: None,
        top_reactors: None,
    }
    .into()
}

/// How many comments a post has, and the newest; nothing where nobody may comment.
fn replies(
    world: &World,
    room: &Room,
    number: i32,
    now: Timestamp,
) -> Option<enums::MessageReplies> {
    let linked = room.linked.filter(|_| room.broadcast)?;
    let thread = world.thread(room.id, number, now)?;
    let mut replies: types::MessageReplies = blank(&[&int(0), &int(0), &int(0)]);
    replies.comments = true;
    replies.replies = i32::try_from(thread.len()).unwrap_or(i32::MAX);
    replies.channel_id = Some(linked);
    replies.max_id = thread.last().copied();
    replies.recent_repliers = Some(vec![types::PeerUser { user_id: 777_001 }.into()]);
    Some(replies.into())
}

/// A room as it stands beside messages.
pub(super) fn room(room: &Room) -> enums::Chat {
    let photo = enums::ChatPhoto::Empty;
    let mut channel: types::Channel = blank(&[
        &int(0),
        &int(0),
        &long(room.id),
        &text(&room.title),
        &|bytes| photo.serialize(bytes),
        &int(1_600_000_000),
    ]);
    channel.access_hash = Some(room.hash);
    channel.username.clone_from(&room.name);
    channel.broadcast = room.broadcast;
    channel.megagroup = !room.broadcast;
    channel.has_link = room.linked.is_some();
    channel.into()
}

/// A person as Telegram sends one beside every message, wanted or not.
pub(super) fn person(id: i64) -> enums::User {
    let mut user: types::User = blank(&[&int(0), &int(0), &long(id)]);
    user.access_hash = Some(id ^ 0x55);
    user.first_name = Some(PERSON_NAME.to_owned());
    user.username = Some(format!("vydumka_{id}"));
    user.phone = Some("79990000001".to_owned());
    user.into()
}

/// The server's configuration: no other address than the one it is asked at.
pub(super) fn config() -> enums::Config {
    let no: enums::DcOption = types::DcOption {
        ipv6: false,
        media_only: true,
        tcpo_only: false,
        cdn: false,
        r#static: false,
        this_port_only: false,
        id: 2,
        ip_address: "127.0.0.1".to_owned(),
        port: 1,
        secret: None,
    }
    .into();
    let mut bytes = Vec::new();
    for number in [0, 1_600_000_000, 1_600_003_600] {
        int(number)(&mut bytes);
    }
    false.serialize(&mut bytes);
    int(2)(&mut bytes);
    vec![no].serialize(&mut bytes);
    text("")(&mut bytes);
    for number in CONFIG_NUMBERS {
        int(number)(&mut bytes);
    }
    text("https://t.me/")(&mut bytes);
    for number in [1024, 4096, 4] {
        int(number)(&mut bytes);
    }
    types::Config::from_bytes(&bytes).expect("a configuration has all its parts").into()
}

/// From `chat_size_max` to `call_packet_timeout_ms`; nobody here reads them.
const CONFIG_NUMBERS: [i32; 21] = [
    200,
    200_000,
    100,
    210_000,
    5_000,
    30_000,
    300_000,
    30_000,
    1_500,
    60_000,
    2,
    172_800,
    2_147_483_647,
    2_147_483_647,
    2_419_200,
    200,
    604_800,
    20_000,
    90_000,
    30_000,
    10_000,
];
