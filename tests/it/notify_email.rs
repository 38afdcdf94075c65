//! E-mail against a local mail server with every fault at every stage.

use std::sync::Arc;
use std::time::Duration;

use otklik::model::SendOutcome;
use otklik::notify::play::{LocalSmtp, SmtpFault, SmtpStage};
use otklik::notify::{Attachment, Email, EmailSettings, Message, Notifier, Thread};

use crate::payloads::hostile;

const PASSWORD: &str = "canary-pass-7f3a";

pub fn message() -> Message {
    Message {
        id: "d0123456789ab".into(),
        at: "2026-11-20T02:30:00Z".parse().unwrap(),
        subject: "Отопление, Онохой".into(),
        text: "Пишут 4 человека\n.\nкороткая строка".into(),
        html: "<html><body><b>Отопление</b></body></html>".into(),
        telegram: vec!["<b>Отопление</b>".into()],
        attachments: Vec::new(),
        thread: None,
        buttons: Vec::new(),
    }
}

fn email(url: &str) -> Email {
    email_waiting(url, Duration::from_secs(20))
}

fn email_waiting(url: &str, wait: Duration) -> Email {
    let settings = EmailSettings {
        url,
        from: "Отклик <otklik@example.org>",
        password: Some(PASSWORD),
        ca_pem: None,
    };
    Email::new(&settings).unwrap().with_wait(wait)
}

/// Outcome in one word.
pub fn word(outcome: &SendOutcome) -> String {
    let text = match outcome {
        SendOutcome::Sent { .. } | SendOutcome::Moved { .. } => "",
        SendOutcome::Retry { text, .. }
        | SendOutcome::Unreachable { text }
        | SendOutcome::Lost { text }
        | SendOutcome::Unset { text }
        | SendOutcome::Refused { text } => text,
    };
    for secret in [PASSWORD, "127.0.0.1", "smtp://", "http://", "canary"] {
        assert!(!text.contains(secret), "{text}");
    }
    match outcome {
        SendOutcome::Sent { .. } => "sent".into(),
        SendOutcome::Retry { after_secs: Some(secs), .. } => format!("retry {secs}"),
        SendOutcome::Retry { .. } => "retry".into(),
        SendOutcome::Unreachable { .. } => "unreachable".into(),
        SendOutcome::Lost { .. } => "lost".into(),
        SendOutcome::Unset { .. } => "unset".into(),
        SendOutcome::Refused { .. } => "refused".into(),
        SendOutcome::Moved { address } => format!("moved {address}"),
    }
}

#[tokio::test]
async fn every_fault_at_every_stage_has_its_outcome() {
    use SmtpFault::{Code, Disconnect, Hang};
    use SmtpStage::{Accepted, Content, Data, Ehlo, Greeting, Mail, Rcpt};
    let server = LocalSmtp::start().await.unwrap();
    let patient = email(&server.url());
    let hasty = email_waiting(&server.url(), Duration::from_millis(100));
    let mut table = vec![
        (Disconnect(Greeting), "unreachable", 0),
        (Disconnect(Ehlo), "unreachable", 0),
        (Hang(Greeting), "unreachable", 0),
        (Hang(Data), "lost", 0),
        (Hang(Content), "lost", 0),
        (Code(Greeting, 554), "unset", 0),
        (Code(Greeting, 421), "retry", 0),
        (Disconnect(Accepted), "lost", 1),
        (Hang(Accepted), "lost", 1),
    ];
    for stage in [Mail, Rcpt, Data, Accepted] {
        table.push((Code(stage, 451), "retry", 0));
        table.push((Code(stage, 550), "refused", 0));
    }
    for stage in [Mail, Rcpt, Data, Content] {
        table.push((Disconnect(stage), "lost", 0));
    }
    for (fault, expected, accepted) in table {
        server.fail(fault);
        let before = server.mails().len();
        let email = if matches!(fault, Hang(_)) { &hasty } else { &patient };
        let outcome = email.send(&message(), "a@example.org").await;
        assert_eq!(word(&outcome), expected, "{fault:?}");
        assert_eq!(server.mails().len() - before, accepted, "{fault:?}");
    }
    let sent = patient.send(&message(), "a@example.org").await;
    assert!(matches!(sent, SendOutcome::Sent { receipt: Some(_) }));
}

#[tokio::test]
async fn copies_are_the_same_mail() {
    let server = LocalSmtp::start().await.unwrap();
    let mut message = message();
    message.attachments.push(Attachment {
        name: "сводка.xlsx".into(),
        mime: "application/octet-stream".into(),
        bytes: vec![0, 1, 2, 255],
    });
    message.thread = Some(Thread { first: "dfirst".into(), receipt: None });
    for _ in 0..2 {
        assert_eq!(word(&email(&server.url()).send(&message, "a@example.org").await), "sent");
    }
    let mails = server.mails();
    assert_eq!(mails[0], mails[1]);
    let header = |name| mails[0].header(name).unwrap();
    assert_eq!(header("Message-ID"), "<d0123456789ab@otklik.example.org>");
    assert_eq!(header("In-Reply-To"), "<dfirst@otklik.example.org>");
    assert_eq!(header("References"), "<dfirst@otklik.example.org>");
    assert_eq!(header("Auto-Submitted"), "auto-generated");
    assert!(header("Date").starts_with("Fri, 20 Nov 2026 02:30:00"));
    assert_eq!((mails[0].from.as_str(), mails[0].to.len()), ("otklik@example.org", 1));
    for part in ["text/plain", "text/html", "application/octet-stream"] {
        assert!(mails[0].raw.contains(part), "{part}");
    }
}

#[tokio::test]
async fn greylisting_and_refusal_are_per_recipient() {
    let server = LocalSmtp::start().await.unwrap();
    server.greylist(2);
    server.refuse("b@example.org", 550);
    let email = email(&server.url());
    let mut words = Vec::new();
    for address in ["a@example.org", "a@example.org", "b@example.org", "a@example.org"] {
        words.push(word(&email.send(&message(), address).await));
    }
    assert_eq!(words, ["retry", "retry", "refused", "sent"]);
    assert_eq!((server.mails().len(), server.conversations()), (1, 4));
}

#[tokio::test]
async fn a_login_is_used_and_never_shown() {
    let server = LocalSmtp::start().await.unwrap();
    server.want_login("user@x", PASSWORD);
    let url = server.url().replace("smtp://", "smtp://user%40x@");
    assert_eq!(word(&email(&url).send(&message(), "a@example.org").await), "sent");
    assert!(email(&url).prove().await.unwrap().contains("логин принят"));
    server.want_login("user@x", "another");
    assert_eq!(word(&email(&url).send(&message(), "a@example.org").await), "unset");
    let proof = email(&url).prove().await.unwrap_err();
    assert!(proof.contains("535") && !proof.contains(PASSWORD), "{proof}");
    assert_eq!(word(&email(&server.url()).send(&message(), "a@example.org").await), "unset");
    let free = LocalSmtp::start().await.unwrap();
    let required = format!("{}?tls=required", free.url());
    assert_eq!(word(&email(&required).send(&message(), "a@example.org").await), "unset");
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let server = LocalSmtp::start().await.unwrap();
    let url = server.url();
    drop(server);
    tokio::task::yield_now().await;
    assert_eq!(word(&email(&url).send(&message(), "a@example.org").await), "unreachable");
    assert_eq!(word(&email(&url).send(&message(), "not an address").await), "refused");
}

#[tokio::test]
async fn hostile_texts_add_no_header() {
    let server = LocalSmtp::start().await.unwrap();
    let email = email(&server.url());
    let names = |raw: &str| -> Vec<String> {
        let head = raw.split("\r\n\r\n").next().unwrap();
        let lines = head.split("\r\n").filter(|line| !line.starts_with([' ', '\t']));
        lines.map(|line| line.split(':').next().unwrap().to_ascii_lowercase()).collect()
    };
    assert_eq!(word(&email.send(&message(), "a@example.org").await), "sent");
    let expected = names(&server.mails()[0].raw);
    let mut sending = tokio::task::JoinSet::new();
    let email = Arc::new(email);
    let payloads = hostile();
    for payload in payloads.clone() {
        let email = Arc::clone(&email);
        sending.spawn(async move {
            let mut message = message();
            message.subject.clone_from(&payload);
            message.text.clone_from(&payload);
            message.attachments = vec![Attachment {
                name: payload.clone(),
                mime: "text/plain".into(),
                bytes: payload.clone().into_bytes(),
            }];
            (word(&email.send(&message, "a@example.org").await), payload)
        });
    }
    while let Some(done) = sending.join_next().await {
        let (outcome, payload) = done.unwrap();
        assert_eq!(outcome, "sent", "{payload:?}");
    }
    let mails = server.mails();
    assert_eq!(mails.len(), 1 + payloads.len());
    for mail in &mails[1..] {
        assert_eq!(names(&mail.raw), expected, "{}", mail.raw);
        assert_eq!(mail.to, ["a@example.org"]);
    }
}

#[test]
fn settings_are_checked_without_repeating_them() {
    let check = |url: &str, from: &str, password: Option<&str>, good: bool| {
        let settings = EmailSettings { url, from, password, ca_pem: None };
        match Email::new(&settings) {
            Ok(_) => assert!(good, "{url}"),
            Err(text) => {
                assert!(!good, "{url}: {text}");
                assert!(!text.contains("canary"), "{text}");
            }
        }
    };
    let from = "otklik@example.org";
    check("smtp://mail.example.org", from, None, true);
    check("smtps://u@mail.example.org", from, Some(PASSWORD), true);
    check("smtp://u@127.0.0.1:2525?tls=off", from, Some(PASSWORD), true);
    check("smtp://[::1]:25", from, None, true);
    check("smtp://u@mail.example.org?tls=off", from, Some(PASSWORD), false);
    check("smtp://canary@mail.example.org", from, None, false);
    check("http://canary.example.org", from, None, false);
    check("smtp://mail.example.org?tls=maybe", from, None, false);
    check("canary", from, None, false);
    check("smtp://mail.example.org", "canary", None, false);
}
