//! Telegram against a local Bot API server with its documented faults.

use std::time::Duration;

use otklik::notify::play::{BotFault, LocalBot};
use otklik::notify::{
    Attachment, BotSettings, Message, Notifier, Notifiers, Telegram, Thread, Way,
};

use crate::notify_email::{message, word};
use crate::payloads::hostile;

const TOKEN: &str = "123456:canary-token_A";

fn telegram(api_url: &str, token: &str) -> Telegram {
    telegram_waiting(api_url, token, Duration::from_secs(20))
}

fn telegram_waiting(api_url: &str, token: &str, wait: Duration) -> Telegram {
    let settings = BotSettings { api_url, token, way: Way::default() };
    Telegram::with_wait(&settings, wait).unwrap()
}

#[tokio::test]
async fn every_answer_has_its_outcome() {
    let server = LocalBot::start(TOKEN).await.unwrap();
    let bot = telegram(&server.url(), TOKEN);
    let hasty = telegram_waiting(&server.url(), TOKEN, Duration::from_millis(200));
    let table = [
        (BotFault::TooMany(17), "retry 17", 0),
        (BotFault::Blocked, "refused", 0),
        (BotFault::Kicked, "refused", 0),
        (BotFault::NoChat, "refused", 0),
        (BotFault::Migrate(-1_001), "moved -1001", 0),
        (BotFault::Gateway(502), "retry", 0),
        (BotFault::Gateway(500), "retry", 0),
        (BotFault::Hang, "lost", 0),
        (BotFault::Reset, "lost", 0),
        (BotFault::LostAnswer, "lost", 1),
        (BotFault::CantParse, "sent", 1),
    ];
    for (fault, expected, kept) in table {
        server.fail(fault);
        let before = server.messages().len();
        let bot = if fault == BotFault::Hang { &hasty } else { &bot };
        let outcome = bot.send(&message(), "-100").await;
        assert_eq!(word(&outcome), expected, "{fault:?}");
        assert_eq!(server.messages().len() - before, kept, "{fault:?}");
    }
    let plain = server.messages().pop().unwrap();
    assert_eq!((plain.text.as_str(), plain.html), ("Отопление", false));
}

#[tokio::test]
async fn a_wrong_token_is_said_in_russian_and_not_shown() {
    let server = LocalBot::start("1:other").await.unwrap();
    let bot = telegram(&server.url(), TOKEN);
    let outcome = bot.send(&message(), "-100").await;
    assert_eq!(word(&outcome), "unset");
    let proof = bot.prove().await.unwrap_err();
    assert!(proof.contains("токен") && !proof.contains("canary"), "{proof}");
    let good = telegram(&server.url(), "1:other").prove().await.unwrap();
    assert_eq!(good, "Telegram: бот @otklik_local_bot отвечает");
    let url = server.url();
    drop(server);
    tokio::task::yield_now().await;
    assert_eq!(word(&telegram(&url, TOKEN).send(&message(), "-100").await), "unreachable");
    for (api_url, token) in [("canary", TOKEN), (url.as_str(), "canary token/..")] {
        let settings = BotSettings { api_url, token, way: Way::default() };
        let text = Telegram::new(&settings).err().unwrap();
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn long_texts_are_split_and_never_lost() {
    let server = LocalBot::start(TOKEN).await.unwrap();
    let bot = telegram(&server.url(), TOKEN);
    let words: Vec<String> = (0..3_000).map(|n| format!("слово{n}<&😀")).collect();
    let text = words.join(" ");
    for html in
        [Vec::new(), vec![format!("<b>{}</b>", text.replace('&', "&amp;").replace('<', "&lt;"))]]
    {
        let before = server.messages().len();
        let long = Message { text: text.clone(), telegram: html, ..message() };
        assert_eq!(word(&bot.send(&long, "-100").await), "sent");
        let all: Vec<String> =
            server.messages()[before..].iter().map(|it| it.text.clone()).collect();
        assert!(all.len() > 5);
        let joined = all.join(" ").replace("&lt;", "<").replace("&amp;", "&");
        assert_eq!(joined, text);
    }
}

#[tokio::test]
async fn conversations_and_files_arrive() {
    let server = LocalBot::start(TOKEN).await.unwrap();
    let bot = telegram(&server.url(), TOKEN);
    let bytes: Vec<u8> = (0..=255).chain(*b"\r\n--x\r\n").collect();
    let message = Message {
        thread: Some(Thread { first: "d1".into(), receipt: Some("41".into()) }),
        attachments: vec![Attachment {
            name: "сводка\"\r\n.xlsx".into(),
            mime: "application/octet-stream".into(),
            bytes: bytes.clone(),
        }],
        ..message()
    };
    assert_eq!(word(&bot.send(&message, "@kanal").await), "sent");
    let got = server.messages();
    assert_eq!((got[0].answers, got[0].chat.as_str(), got[0].html), (Some(41), "@kanal", true));
    assert_eq!((got[1].text.as_str(), got[1].chat.as_str()), ("сводка.xlsx", "@kanal"));
    assert_eq!(got[1].file.as_ref(), Some(&bytes));
}

#[tokio::test]
async fn hostile_plain_texts_arrive_as_they_are() {
    let server = LocalBot::start(TOKEN).await.unwrap();
    let bot = telegram(&server.url(), TOKEN);
    for payload in hostile().into_iter().filter(|it| it.len() < 2_000) {
        let message = Message { text: payload.clone(), telegram: Vec::new(), ..message() };
        assert_eq!(word(&bot.send(&message, "1").await), "sent", "{payload:?}");
        let got = server.messages().pop().unwrap();
        assert!(got.html, "escaped, not resent");
    }
}

#[tokio::test]
async fn a_channel_that_is_not_set_up_is_a_fault_of_our_own() {
    let none = Notifiers::default();
    for channel in [otklik::model::Channel::Email, otklik::model::Channel::Max] {
        assert_eq!(word(&none.send(channel, &message(), "1").await), "unset");
    }
}
