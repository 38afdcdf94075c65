//! What MAX pushes to us: the true listener, pushes late, twice, torn, false and too big.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otklik_collectors::http::{Method, Request};
use otklik_collectors::listen::{BODY_BYTES_MAX, Head, Listener, Patience, Push, Taker, listen};
use otklik_collectors::max::{Max, Pushed, SECRET_HEADER, Webhook, unsubscribe};
use otklik_collectors::{Clock, Collector, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::rig::{ANNA, CHAT, HOUR, MINUTE, Rig, id};
use crate::looked::Looked;
use crate::ports::at;
use crate::wire;

const URL: &str = "https://otklik.example.org/max";

/// A rig whose reader is pushed to; the listener is open.
fn rig() -> (Rig, Arc<Webhook>) {
    let mut rig = Rig::new();
    let webhook = Arc::new(Webhook::new(&rig.settings, URL, rig.ports.clock.now()));
    webhook.open();
    let max = Max::new(rig.settings.clone(), rig.ports.play(rig.play.clone()));
    rig.max = max.pushed_to(webhook.clone());
    (rig, webhook)
}

fn secret(rig: &Rig) -> String {
    rig.play().subscriptions[URL].clone()
}

/// Pushes everything that happened from the update number `from` on; the number to go on with.
fn push(rig: &Rig, webhook: &Webhook, from: usize) -> usize {
    let (bodies, next) = rig.play().pushes(from, rig.ports.clock.now());
    let secret = secret(rig);
    for body in bodies {
        assert_ne!(webhook.take(Some(&secret), body.as_bytes()), Pushed::Refused);
    }
    next
}

fn texts(looked: &Looked) -> Vec<(&str, &str)> {
    looked.posts.iter().map(|post| (post.id.as_str(), post.text.as_str())).collect()
}

#[tokio::test]
async fn what_is_pushed_is_asked_for_by_name_and_a_quiet_look_asks_nothing() {
    let (rig, webhook) = rig();
    let old = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "нет воды", None);
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), [id(&old)]);
    assert_eq!(rig.play().calls("/updates"), 0, "nobody asks for what is pushed");
    let from = rig.play().pushes(0, rig.ports.clock.now()).1;
    let asked = rig.play().log.len();
    rig.ports.clock.advance(MINUTE);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(rig.play().log.len(), asked, "nothing was pushed, nothing is asked");

    let now = rig.ports.clock.now();
    let (new, answer) = {
        let mut play = rig.play();
        play.world.edit(CHAT, &old, now, "воды нет до сих пор");
        let new = play.world.message(CHAT, Some(ANNA), now, "и света", None);
        let answer = play.world.message(CHAT, Some(ANNA), now, "и газа", Some(&new));
        (new, answer)
    };
    let from = push(&rig, &webhook, from);
    looked = rig.look(looked.cursor).await.expect("reads");
    let expected =
        [(id(&old), "воды нет до сих пор"), (id(&new), "и света"), (id(&answer), "и газа")];
    let found = texts(&looked);
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for (id, text) in &expected {
        assert!(found.contains(&(id.as_str(), *text)), "{id} {text} in {found:?}");
    }
    let of = |id: &str| looked.posts.iter().find(|post| post.id == id).expect("there");
    assert_eq!(of(&id(&answer)).parent, Some(id(&new)));
    assert_eq!(of(&id(&old)).edited, Some(now));
    assert_eq!(rig.play().log.len(), asked + 1, "one call for all of them");

    rig.play().world.delete(CHAT, &new, now);
    push(&rig, &webhook, from);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [id(&new)]);
    assert!(!looked.ids().contains(&id(&new).as_str()), "those shown prove the answer");
    assert_eq!(rig.play().log.len(), asked + 2);
}

/// An old push that comes after newer ones, and every push twice: the message is as it is now.
#[tokio::test]
async fn late_and_repeated_pushes_change_nothing() {
    let (rig, webhook) = rig();
    let mut looked = rig.look(None).await.expect("reads");
    let now = rig.ports.clock.now();
    let message = rig.play().world.message(CHAT, Some(ANNA), now, "было", None);
    let (early, _) = rig.play().pushes(0, now);
    rig.play().world.edit(CHAT, &message, now, "стало");
    let from = push(&rig, &webhook, 0);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(texts(&looked), [(id(&message).as_str(), "стало")]);
    let secret = secret(&rig);
    for _ in 0..2 {
        assert_eq!(webhook.take(Some(&secret), early[0].as_bytes()), Pushed::News(CHAT));
    }
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(texts(&looked), [(id(&message).as_str(), "стало")]);
    // Removed, and then the push of its making comes once more.
    rig.play().world.delete(CHAT, &message, rig.ports.clock.now());
    push(&rig, &webhook, from);
    webhook.take(Some(&secret), early[0].as_bytes());
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!((looked.posts.len(), looked.gone), (0, vec![id(&message)]));
    webhook.take(Some(&secret), early[0].as_bytes());
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!((looked.posts.len(), looked.gone.len()), (0, 0), "it does not come back");
}

/// What comes while a look is on is read by one more look at once.
#[tokio::test]
async fn a_push_during_a_look_is_not_left_for_later() {
    let (rig, webhook) = rig();
    let first = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "раз", None);
    let mut cursor = None;
    let mut ids = Vec::new();
    for page in 0..9 {
        let got = rig.page(cursor.as_ref()).await.expect("reads");
        ids.extend(got.posts.iter().map(|post| post.id.clone()));
        cursor = Some(got.cursor);
        if page == 1 {
            let now = rig.ports.clock.now();
            let late = rig.play().world.message(CHAT, Some(ANNA), now, "два", None);
            rig.play().world.delete(CHAT, &late, now);
            rig.play().world.message(CHAT, Some(ANNA), now, "три", None);
            push(&rig, &webhook, 1);
        }
        if !got.more {
            break;
        }
    }
    let third = rig.play().world.chats[&CHAT].messages.len();
    assert_eq!((ids.contains(&id(&first)), third), (true, 3));
    let last = rig.play().world.chats[&CHAT].shown(rig.ports.clock.now())[0].to_owned();
    assert!(ids.contains(&id(&last)), "{ids:?}");
}

/// Without a subscription updates are asked for; when MAX drops one, it is set again and the
/// history tells what was pushed to nobody.
#[tokio::test]
async fn a_lost_subscription_is_set_again_and_a_refused_one_asked_around() {
    let (rig, webhook) = rig();
    let mut looked = rig.look(None).await.expect("reads");
    assert_eq!(rig.play().subscriptions.len(), 1);
    rig.play().subscriptions.clear();
    let lost = rig.play().world.message(CHAT, Some(ANNA), at(MINUTE), "никому не сказано", None);
    rig.ports.clock.advance(HOUR);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.ids(), [id(&lost)]);
    assert_eq!(rig.play().subscriptions.len(), 1, "set again");

    // MAX takes no webhook any more: the queue is asked, after one walk.
    rig.play().subscriptions.clear();
    rig.play().no_webhooks = true;
    rig.ports.clock.advance(HOUR);
    let now = rig.ports.clock.now();
    let asked = rig.play().world.message(CHAT, Some(ANNA), now, "спросили", None);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&id(&asked).as_str()));
    assert!(rig.play().calls("/updates") > 0);
    for hour in 0..3 {
        rig.ports.clock.advance(HOUR);
        let walks = rig.play().calls("/messages");
        looked = rig.look(looked.cursor).await.expect("reads");
        assert_eq!(rig.play().calls("/messages"), walks, "hour {hour}: no walk without a cause");
    }
    rig.play().no_webhooks = false;
    rig.ports.clock.advance(HOUR);
    let now = rig.ports.clock.now();
    let again = rig.play().world.message(CHAT, Some(ANNA), now, "снова сами", None);
    looked = rig.look(looked.cursor).await.expect("reads");
    assert!(looked.ids().contains(&id(&again).as_str()));
    assert_eq!((rig.play().subscriptions.len(), webhook.url()), (1, URL));
}

/// Nobody listens (`collect --once`, another port taken): no subscription is set, history is read.
#[tokio::test]
async fn without_a_listener_nobody_subscribes() {
    let mut rig = Rig::new();
    let webhook = Arc::new(Webhook::new(&rig.settings, URL, rig.ports.clock.now()));
    let max = Max::new(rig.settings.clone(), rig.ports.play(rig.play.clone()));
    rig.max = max.pushed_to(webhook);
    let message = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "нет воды", None);
    let looked = rig.look(None).await.expect("reads");
    assert_eq!(looked.ids(), [id(&message)]);
    assert!(rig.play().subscriptions.is_empty());
    let told = rig.max.rights(&rig.source).await;
    let text = told.last().expect("told").as_ref().expect("no fault of anybody's");
    assert!(text.contains("(webhook) пока нет"), "{text}");
}

#[tokio::test]
async fn a_subscription_can_be_ended() {
    let (rig, _) = rig();
    rig.look(None).await.expect("reads");
    let ports = rig.ports.play(rig.play.clone());
    unsubscribe(&rig.settings, &ports, URL).await.expect("ends");
    assert!(rig.play().subscriptions.is_empty());
    unsubscribe(&rig.settings, &ports, URL).await.expect("none is no error");
}

/// Bodies that are no update of ours: none of them changes anything, whatever its secret.
#[tokio::test]
async fn false_and_torn_pushes_change_nothing() {
    let (rig, webhook) = rig();
    let message = rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "нет воды", None);
    let mut looked = rig.look(None).await.expect("reads");
    let (bodies, _) = rig.play().pushes(0, rig.ports.clock.now());
    let good = secret(&rig);
    let body = bodies[0].as_bytes();
    for wrong in [None, Some(""), Some("MADEUPTOKEN"), Some(&good[1..]), Some(&good.to_uppercase())]
    {
        assert_eq!(webhook.take(wrong, body), Pushed::Refused, "{wrong:?}");
    }
    let removed = format!(
        r#"{{"update_type":"message_removed","timestamp":1,"message_id":"{message}","chat_id":{CHAT}}}"#
    );
    for whole in [body, removed.as_bytes()] {
        for cut in 0..whole.len() {
            assert_eq!(webhook.take(Some(&good), &whole[..cut]), Pushed::Unreadable, "{cut}");
        }
    }
    for odd in [
        r#"{"update_type":"chat_title_changed","timestamp":1,"chat_id":-7,"title":"x"}"#,
        r#"{"update_type":"of_the_future","timestamp":"now"}"#,
        r#"{"update_type":"message_created","timestamp":1}"#,
    ] {
        assert_eq!(webhook.take(Some(&good), odd.as_bytes()), Pushed::Nothing, "{odd}");
    }
    for no in ["", "null", "[]", "{}", "7"] {
        assert_eq!(webhook.take(Some(&good), no.as_bytes()), Pushed::Unreadable, "{no}");
    }
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!((looked.posts.len(), looked.gone.len()), (0, 0));
    // A false "removed" with the true secret: the message is asked for, and lives.
    assert_eq!(webhook.take(Some(&good), removed.as_bytes()), Pushed::News(CHAT));
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone.len(), 0);
    assert_eq!(texts(&looked), [(id(&message).as_str(), "нет воды")]);
}

/// A flood of pushes is bounded; the history tells what did not find room.
#[tokio::test]
async fn a_flood_of_pushes_is_bounded() {
    let (rig, webhook) = rig();
    let mut looked = rig.look(None).await.expect("reads");
    let message = rig.play().world.message(CHAT, Some(ANNA), at(MINUTE), "одно", None);
    rig.ports.clock.advance(2 * MINUTE);
    let (bodies, _) = rig.play().pushes(0, rig.ports.clock.now());
    let good = secret(&rig);
    for _ in 0..12_000 {
        webhook.take(Some(&good), bodies[0].as_bytes());
    }
    looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.ids(), [id(&message)]);
}

/// What the root crate does with a push, without its store.
struct Hand(Arc<Webhook>);

#[async_trait]
impl Taker for Hand {
    fn refuses(&self, head: &Head) -> Option<u16> {
        (!self.0.knows(head.header(SECRET_HEADER))).then_some(403)
    }

    async fn take(&self, push: Push) -> u16 {
        match self.0.take(push.head.header(SECRET_HEADER), &push.body) {
            Pushed::News(_) | Pushed::Nothing => 200,
            Pushed::Unreadable => 400,
            Pushed::Refused => 403,
        }
    }
}

async fn listener(webhook: &Arc<Webhook>) -> Listener {
    let patience = Patience { head: Duration::from_millis(300), body: Duration::from_millis(300) };
    let addr = ([127, 0, 0, 1], 0).into();
    listen(addr, patience, Arc::new(Hand(webhook.clone()))).await.expect("listens")
}

/// Over a real socket as MAX's pushes come through a proxy.
#[tokio::test]
async fn the_listener_takes_pushes_and_nothing_else() {
    let (rig, webhook) = rig();
    let looked = rig.look(None).await.expect("reads");
    let message = rig.play().world.message(CHAT, Some(ANNA), at(0), "нет воды", None);
    let (bodies, _) = rig.play().pushes(0, rig.ports.clock.now());
    let listener = listener(&webhook).await;
    let url = format!("http://{}/max", listener.addr);
    let good = secret(&rig);
    let post = |secret: Option<&str>, body: &str| Request {
        method: Method::Post,
        url: url.clone(),
        headers: secret.map(|it| (SECRET_HEADER.to_owned(), it.to_owned())).into_iter().collect(),
        json: Some(body.to_owned()),
        ..Request::default()
    };
    let http = wire::http();
    let status = async |request: Request| http.send(request).await.map(|it| it.status);
    assert_eq!(status(post(None, &bodies[0])).await, Ok(403));
    assert_eq!(status(post(Some("wrong"), &bodies[0])).await, Ok(403));
    assert_eq!(status(post(Some(&good), "{")).await, Ok(400));
    assert_eq!(status(wire::get(&url)).await, Ok(405));
    let again = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(again.posts.len(), 0, "nothing of it was believed");
    assert_eq!(status(post(Some(&good), &bodies[0])).await, Ok(200));
    assert_eq!(status(post(Some(&good), &bodies[0])).await, Ok(200), "again");
    let looked = rig.look(again.cursor).await.expect("reads");
    assert_eq!(looked.ids(), [id(&message)]);
}

#[tokio::test]
async fn huge_and_slow_pushes_are_cut_off() {
    let (rig, webhook) = rig();
    rig.look(None).await.expect("reads");
    let listener = listener(&webhook).await;
    let good = secret(&rig);
    let head = |length: usize| {
        format!(
            "POST /max HTTP/1.1\r\nhost: x\r\n{SECRET_HEADER}: {good}\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let huge = head(BODY_BYTES_MAX + 1);
    let answer = wire::raw(listener.addr, huge.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    // A length that says little and a body that does not end.
    let chunked = format!(
        "POST /max HTTP/1.1\r\nhost: x\r\n{SECRET_HEADER}: {good}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    let mut endless = chunked.into_bytes();
    for _ in 0..=BODY_BYTES_MAX / 4_096 {
        endless.extend(b"1000\r\n");
        endless.extend(vec![b' '; 4_096]);
        endless.extend(b"\r\n");
    }
    let mut stream = TcpStream::connect(listener.addr).await.expect("connects");
    // Whoever goes on sending to a closed connection may not hear why it was closed.
    stream.write_all(&endless).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 413"), "{answer:?}");
    // A head that never ends, and a body that never comes.
    let answer = wire::raw(listener.addr, b"POST /max HTTP/1.1\r\nhost: x\r\n").await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    let answer = wire::raw(listener.addr, head(100).as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    // A head of headers alone.
    let mut wide = b"POST /max HTTP/1.1\r\n".to_vec();
    wide.extend(vec![b'a'; 200_000]);
    let mut stream = TcpStream::connect(listener.addr).await.expect("connects");
    stream.write_all(&wide).await.ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok();
    assert!(answer.len() < 400, "it ends");
    let (bodies, _) = rig.play().pushes(0, rig.ports.clock.now());
    assert!(bodies.is_empty());
}

/// A message that lies before what is walked is stored all the same: its removal counts.
#[tokio::test]
async fn a_removal_that_is_pushed_counts_for_messages_of_long_ago() {
    let (rig, webhook) = rig();
    rig.play().world.message(CHAT, Some(ANNA), at(-HOUR), "нет воды", None);
    let looked = rig.look(None).await.expect("reads");
    let old = "mid.0000000000000abc".to_owned();
    let removed = format!(
        r#"{{"update_type":"message_removed","timestamp":1,"message_id":"{old}","chat_id":{CHAT}}}"#
    );
    assert_eq!(webhook.take(Some(&secret(&rig)), removed.as_bytes()), Pushed::News(CHAT));
    let looked = rig.look(looked.cursor).await.expect("reads");
    assert_eq!(looked.gone, [id(&old)]);
}

/// Whoever does not know the secret is answered at once: his body, which never comes, holds no
/// place that a push of MAX could need.
#[tokio::test]
async fn a_stranger_is_refused_before_his_body_is_read() {
    let (rig, webhook) = rig();
    rig.look(None).await.expect("reads");
    let patience = Patience { head: Duration::from_secs(60), body: Duration::from_secs(3_600) };
    let addr = ([127, 0, 0, 1], 0).into();
    let listener = listen(addr, patience, Arc::new(Hand(webhook.clone()))).await.expect("listens");
    for secret in ["", "x-max-bot-api-secret: wrong\r\n"] {
        let head = format!("POST /max HTTP/1.1\r\nhost: x\r\n{secret}content-length: 100\r\n\r\n");
        let answer = wire::raw(listener.addr, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{answer}");
    }
}
