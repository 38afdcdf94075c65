//! Hearing and changing, as every channel with buttons promises it: answers and their outcomes, odd
//! updates, bounds, no secret and no person in anything that comes out.

use std::time::Duration;

use otklik::model::{Button, SendOutcome, Tap};
use otklik::notify::play::{BotFault, GateFault, LocalBot, LocalGate, PERSON, Service};
use otklik::notify::{Batch, BotSettings, Ear, Heard, Max, Message, Notifier, Telegram, Way};
use serde_json::json;

use crate::notify_email::{message, word};
use crate::payloads::hostile;

const TOKEN: &str = "123456:canary-token_A";
const HASTY: Duration = Duration::from_millis(300);

fn telegram(server: &LocalBot) -> Telegram {
    let settings = BotSettings { api_url: &server.url(), token: TOKEN, way: Way::default() };
    Telegram::with_wait(&settings, HASTY).unwrap()
}

fn max(server: &LocalGate) -> Max {
    let settings = BotSettings { api_url: &server.url(), token: TOKEN, way: Way::default() };
    Max::with_wait(&settings, HASTY).unwrap()
}

fn with_buttons(title: &str) -> Message {
    let tap = Tap::new("alert", "a0123456789ab", "taken");
    Message { buttons: vec![vec![Button { title: title.to_owned(), tap }]], ..message() }
}

/// What an outcome says, with nothing that must not be in it.
fn clean(outcome: &SendOutcome) -> String {
    let shown = format!("{outcome:?}");
    for secret in ["canary", PERSON, "127.0.0.1", "http"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    word(outcome)
}

fn unheard(heard: Result<Batch, SendOutcome>) -> String {
    clean(&heard.expect_err("it cannot be heard"))
}

#[tokio::test]
async fn every_answer_of_telegram_has_its_outcome() {
    let server = LocalBot::start(TOKEN).await.unwrap();
    let bot = telegram(&server);
    assert_eq!(word(&bot.send(&with_buttons("В работу"), "-100").await), "sent");
    let common = [
        (BotFault::TooMany(17), "retry 17"),
        (BotFault::Gateway(502), "retry"),
        (BotFault::Blocked, "refused"),
        (BotFault::Migrate(-1_001), "moved -1001"),
        (BotFault::Hang, "lost"),
        (BotFault::Reset, "lost"),
    ];
    for (fault, expected) in common {
        server.fail_at("getUpdates", fault);
        assert_eq!(unheard(bot.hear(None).await), expected, "{fault:?}");
        server.fail_at("answerCallbackQuery", fault);
        assert_eq!(clean(&bot.answer("query1", "Да").await), expected, "{fault:?}");
        server.fail_at("editMessageReplyMarkup", fault);
        let changed = bot.edit(&with_buttons("✔"), "-100", "1").await;
        assert_eq!(clean(&changed), expected, "{fault:?}");
    }
    for fault in [BotFault::Conflict, BotFault::Webhook] {
        server.fail_at("getUpdates", fault);
        assert_eq!(unheard(bot.hear(None).await), "refused", "{fault:?}");
    }
    server.fail_at("answerCallbackQuery", BotFault::TooOld);
    assert_eq!(clean(&bot.answer("query1", "Да").await), "refused");
    // The same buttons again are what was wished; a message that is gone is not.
    for _ in 0..2 {
        assert_eq!(word(&bot.edit(&with_buttons("✔"), "-100", "1").await), "sent");
    }
    assert_eq!(server.edits(), 1);
    for (chat, receipt) in [("-100", "77"), ("-101", "1"), ("-100", "canary")] {
        assert_eq!(clean(&bot.edit(&with_buttons("x"), chat, receipt).await), "refused");
    }
    let long = "я".repeat(500);
    assert_eq!(word(&bot.answer("query2", &long).await), "sent");
    assert_eq!(server.answers().pop().unwrap().1.chars().count(), 200);
}

#[tokio::test]
async fn updates_of_telegram_are_heard_in_order_until_they_are_confirmed() {
    let server = LocalBot::start(TOKEN).await.unwrap();
    let bot = telegram(&server);
    assert_eq!(bot.hear(None).await.unwrap(), Batch::default());
    server.tell(json!({ "edited_message": { "text": PERSON } }));
    server.tell(json!({ "callback_query": { "id": 7, "data": {} } }));
    server.press(-100, 5, "alert:a:taken");
    server.says(500, "private", &format!("код {}", "я".repeat(5_000)));
    server.tell(json!({ "my_chat_member": { "chat": { "id": -100 }, "from": { "id": 1 },
        "new_chat_member": { "status": "kicked" } } }));
    let first = bot.hear(None).await.unwrap();
    assert_eq!(first.heard.len(), 3, "{first:?}");
    let shown = format!("{first:?}");
    assert!(!shown.contains(PERSON) && !shown.contains("770077000777"), "{shown}");
    let Heard::Press(press) = &first.heard[0] else { panic!("{first:?}") };
    assert_eq!((press.address.as_str(), press.tap.as_str()), ("-100", "alert:a:taken"));
    let Heard::Said(said) = &first.heard[1] else { panic!("{first:?}") };
    assert!(said.private && said.words.chars().count() == 200);
    assert_eq!(first.heard[2], Heard::Left { address: "-100".to_owned() });
    assert_eq!(bot.hear(None).await.unwrap(), first, "not confirmed, so told again");
    let mut next = first.next.clone();
    assert_eq!(bot.hear(next.as_deref()).await.unwrap(), Batch::default());
    assert_eq!(server.unheard(), 0);
    // Whatever a client puts into a button comes as it is and is nothing but words.
    for payload in hostile().into_iter().filter(|it| it.len() < 2_000) {
        server.press(-100, 5, &payload);
        let batch = bot.hear(next.as_deref()).await.unwrap();
        let Some(Heard::Press(press)) = batch.heard.last() else { panic!("{batch:?}") };
        assert_eq!((press.tap.as_str(), batch.heard.len()), (payload.as_str(), 1));
        next = batch.next;
    }
}

#[tokio::test]
async fn max_is_heard_answered_and_changed() {
    let server = LocalGate::start(Service::Max, TOKEN).await.unwrap();
    let bot = max(&server);
    assert_eq!(word(&bot.send(&with_buttons("В работу"), "-700").await), "sent");
    assert_eq!(server.buttons("mid.1")[0][0].1, "alert:a0123456789ab:taken");
    let table = [
        (GateFault::TooMany(17), "retry 17"),
        (GateFault::No(403), "refused"),
        (GateFault::No(404), "refused"),
        (GateFault::No(503), "retry"),
        (GateFault::Gateway(502), "retry"),
        (GateFault::Hang, "lost"),
        (GateFault::Reset, "lost"),
    ];
    for (fault, expected) in table {
        server.fail_updates(fault);
        assert_eq!(unheard(bot.hear(None).await), expected, "{fault:?}");
        server.fail(fault);
        assert_eq!(clean(&bot.answer("query&1", "Да").await), expected, "{fault:?}");
        server.fail(fault);
        let changed = bot.edit(&with_buttons("✔"), "-700", "mid.1").await;
        assert_eq!(clean(&changed), expected, "{fault:?}");
    }
    assert_eq!(word(&bot.edit(&with_buttons("✔ В работе"), "-700", "mid.1").await), "sent");
    assert_eq!(server.buttons("mid.1")[0][0].0, "✔ В работе");
    assert_eq!(clean(&bot.edit(&with_buttons("x"), "-700", "mid.9&a=b").await), "refused");
    // Without a marker only the latest update is given; the first one is kept from then on.
    server.press(-700, "mid.1", "lost");
    let query = server.press(-700, "mid.1", "alert:a:taken");
    let first = bot.hear(None).await.unwrap();
    let Some(Heard::Press(press)) = first.heard.first() else { panic!("{first:?}") };
    assert_eq!((first.heard.len(), press.tap.as_str()), (1, "alert:a:taken"));
    assert_eq!(word(&bot.answer(&press.query, "Да").await), "sent");
    assert_eq!(server.answers(), [(query, "Да".to_owned())]);
    for odd in [json!(5), json!({}), json!({ "update_type": "message_callback", "callback": [] })] {
        server.tell(odd);
    }
    server.says(55, "dialog", "код");
    let next = bot.hear(first.next.as_deref()).await.unwrap();
    assert!(matches!(next.heard.as_slice(), [Heard::Said(said)] if said.private), "{next:?}");
    assert!(!format!("{next:?}").contains(PERSON));
    let silent = max(&server).deaf();
    assert_eq!(word(&silent.send(&with_buttons("В работу"), "-700").await), "sent");
    assert!(server.buttons("mid.2").is_empty(), "nobody hears them, so none are shown");
}
