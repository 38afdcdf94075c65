//! Looks of the MAX collector: history, updates shared by the sources of a bot, restarts.

use std::sync::Arc;

use otklik_collectors::http::Http;
use otklik_collectors::max::Max;
use otklik_collectors::play::serve;
use otklik_collectors::{Clock, Collector, Cursor, HoleCause, RawKind};

use super::rig::{ANNA, BORIS, CHANNEL, CHAT, DAY, HOUR, MINUTE, Rig, id};
use crate::ports::at;
use crate::wire;

#[tokio::test]
async fn a_look_in_which_nothing_happened_is_one_call() {
    let rig = Rig::new();
    for n in 0..250 {
        rig.play().world.message(CHAT, Some(ANNA), at(-n * 60), "сообщение", None);
    }
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids().len(), 250);
    let first = rig.play().log.len();
    assert_eq!(first, 2 + 1 + 4, "door, updates, three pages and the one that shows nothing new");
    assert_eq!(looked.coverage.read, Some((at(-7 * DAY), at(0))));
    rig.ports.clock.advance(10 * MINUTE);
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().log.len() - first, 1);
    let (_, to) = looked.coverage.read.expect("said");
    assert!(to > at(0), "without a gap up to now");
    rig.ports.clock.advance(6 * HOUR);
    rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().log.len() - first, 1 + 5, "the history all the same, every six hours");
}

/// What MAX tells the bot belongs to several sources: none takes it from another.
#[tokio::test]
async fn sources_of_one_bot_share_what_it_receives() {
    let mut rig = Rig::new();
    let chat = rig.look(None).await.expect("reads").cursor;
    rig.source.handle = "village".to_owned();
    let channel = rig.look(None).await.expect("reads").cursor;
    rig.ports.clock.advance(MINUTE);
    let now = rig.ports.clock.now();
    let of_chat = rig.play().world.message(CHAT, Some(ANNA), now, "в чате", None);
    rig.play().world.message(CHANNEL, None, now, "в канале", None);
    let looked = rig.look(channel).await.expect("reads");
    assert_eq!(looked.posts[0].text.as_str(), "в канале");
    rig.source.handle = CHAT.to_string();
    let asked = rig.play().calls("/messages");
    let looked = rig.look(chat).await.expect("reads");
    assert_eq!(looked.ids(), [id(&of_chat)]);
    assert_eq!(rig.play().calls("/messages"), asked, "received, not walked");
}

/// After a restart the history tells what was missed meanwhile.
#[tokio::test]
async fn after_a_restart_the_history_is_walked() {
    let mut rig = Rig::new();
    let first = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "первое", None);
    let second = rig.play().world.message(CHAT, Some(BORIS), at(-HOUR), "второе", Some(&first));
    let looked = rig.look(None).await.expect("reads");
    let answer = looked.posts.iter().find(|post| post.id == id(&second)).expect("there");
    assert_eq!((answer.kind, answer.parent.clone()), (RawKind::Comment, Some(id(&first))));
    rig.play().world.delete(CHAT, &first, at(1));
    rig.play().world.edit(CHAT, &second, at(2), "второе, поправлено");
    rig.ports.clock.advance(MINUTE);
    // Somebody else received what happened.
    let other = Max::new(rig.settings.clone(), rig.ports.play(rig.play.clone()));
    other.page(&rig.source, None, at(-DAY)).await.expect("reads");
    rig.restart();
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [id(&first)]);
    let edited = looked.posts.iter().find(|post| post.id == id(&second)).expect("there");
    assert_eq!(edited.text.as_str(), "второе, поправлено");
    assert_eq!(edited.kind, RawKind::Comment, "it stays what it was");
}

#[tokio::test]
async fn a_bot_that_was_away_reads_the_history() {
    let rig = Rig::new();
    let looked = rig.look(None).await.expect("reads");
    rig.ports.clock.advance(MINUTE);
    let now = rig.ports.clock.now();
    for kind in ["bot_removed", "bot_added"] {
        let update = serde_json::json!({
            "update_type": kind, "timestamp": now.as_millisecond(), "chat_id": CHAT,
        });
        rig.play().world.tell(now, update);
    }
    let asked = rig.play().calls("/messages");
    rig.look(looked.cursor).await.expect("reads");
    assert!(rig.play().calls("/messages") > asked);
}

#[tokio::test]
async fn where_a_webhook_takes_the_updates_the_history_is_enough() {
    let rig = Rig::new();
    rig.play().webhook = true;
    let mid = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "сообщение", None);
    let mut looked = rig.look(None).await.expect("reads");
    for _ in 0..2 {
        rig.ports.clock.advance(10 * MINUTE);
        looked = rig.look(looked.cursor).await.expect("reads");
        assert_eq!(looked.ids(), [id(&mid)]);
    }
    assert_eq!(rig.play().calls("/updates"), 1, "asked again after six hours");
}

/// History is cut by time: a burst within one millisecond ends no walk before its time.
#[tokio::test]
async fn bursts_do_not_end_the_walk() {
    for (burst, read, holes) in [(90, 90, 0), (150, 100, 1)] {
        let rig = Rig::new();
        for n in 0..60 {
            rig.play().world.message(CHAT, Some(ANNA), at(-2 * HOUR - n), "до залпа", None);
        }
        for _ in 0..burst {
            rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "залп", None);
        }
        let looked = rig.look(None).await.expect("reads");
        assert_eq!(looked.ids().len(), 60 + read, "{burst} at once");
        let causes: Vec<HoleCause> = looked.coverage.holes.iter().map(|it| it.cause).collect();
        assert_eq!(causes, vec![HoleCause::HistoryEnds; holes]);
    }
}

#[tokio::test]
async fn a_cursor_of_no_sense_begins_again() {
    let rig = Rig::new();
    let mid = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "сообщение", None);
    let good = rig.look(None).await.expect("reads").cursor.expect("a cursor").0;
    for text in ["", "{}", "[]", "null", &good[..good.len() / 2]] {
        let looked = rig.look(Some(Cursor(text.to_owned()))).await.expect("reads");
        assert_eq!(looked.ids(), [id(&mid)], "{text}");
        assert!(looked.gone.is_empty(), "{text}");
    }
}

/// The same over a socket: the header, the query and the answers as they travel.
#[tokio::test]
async fn a_look_over_a_real_socket() {
    let mut rig = Rig::new();
    let mid = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "вода & <свет>", None);
    let server = serve(rig.play.clone(), rig.ports.clock.clone()).await.expect("a free port");
    rig.settings.api_url = server.url();
    let http = Http::new(wire::settings()).expect("settings of the tests");
    rig.max = Max::new(rig.settings.clone(), rig.ports.over(Arc::new(http)));
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), [id(&mid)]);
    assert_eq!(looked.posts[0].text.as_str(), "вода & <свет>");
    assert!(rig.play().log.iter().all(|call| call.status == 200));
}

/// A bot is told what is said in a closed chat all the same: such a chat is asked about once a day
/// and read no more, until it is open to everybody again.
#[tokio::test]
async fn a_chat_that_closes_is_left_alone_until_it_opens() {
    let rig = Rig::new();
    let first = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "нет воды", None);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), [id(&first)]);
    rig.play().world.chats.get_mut(&CHAT).expect("there").public = false;
    let inside = rig.play().world.message(CHAT, Some(ANNA), at(HOUR), "для своих", None);
    for _ in 0..2 {
        rig.ports.clock.advance(DAY + MINUTE);
        let asked = rig.play().log.len();
        let error = rig.page(looked.cursor.as_ref()).await.err().expect("refused");
        assert_eq!(error.code, "max closed chat");
        assert_eq!(rig.play().log.len() - asked, 1);
        let until = error.until.expect("a time");
        assert_eq!(until.duration_since(rig.ports.clock.now()).as_secs(), DAY);
    }
    rig.play().world.chats.get_mut(&CHAT).expect("there").public = true;
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&id(&inside).as_str()));
}
