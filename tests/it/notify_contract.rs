//! What every channel promises, held for MAX, VK and webhooks against local servers.

use std::time::Duration;

use otklik::config::hook::{BodyForm, HookBody};
use otklik::notify::play::{GateFault, LocalGate, Service};
use otklik::notify::{
    Attachment, BotSettings, Max, Message, Notifier, Thread, Vk, Way, Webhook, WebhookSettings,
};

use crate::notify_email::{message, word};
use crate::payloads::hostile;

const TOKEN: &str = "canary-token_A";
const PATIENT: Duration = Duration::from_secs(20);
const HASTY: Duration = Duration::from_millis(200);

/// A channel with its server.
struct Bench {
    service: Service,
    server: LocalGate,
}

impl Bench {
    async fn start(service: Service) -> Self {
        Self { service, server: LocalGate::start(service, TOKEN).await.unwrap() }
    }

    fn notifier(&self, wait: Duration) -> Box<dyn Notifier> {
        notifier(self.service, &self.server.url(), TOKEN, wait)
    }

    fn address(&self) -> String {
        match self.service {
            Service::Max => "-700".to_owned(),
            Service::Vk => "2000000001".to_owned(),
            Service::Hook => format!("{}/in?key=canary#+70000000000", self.server.url()),
        }
    }
}

fn notifier(service: Service, url: &str, token: &str, wait: Duration) -> Box<dyn Notifier> {
    let bot = BotSettings { api_url: url, token, way: Way::default() };
    match service {
        Service::Max => Box::new(Max::with_wait(&bot, wait).unwrap()),
        Service::Vk => Box::new(Vk::with_wait(&bot, wait).unwrap()),
        Service::Hook => {
            let body = "{\"to\": \"{to}\", \"id\": \"{id}\", \"text\": \"{text}\"}";
            let settings = WebhookSettings {
                body: HookBody::parse(body, BodyForm::Json).unwrap(),
                secret: Some(token),
                way: Way::default(),
            };
            Box::new(Webhook::with_wait(&settings, wait).unwrap())
        }
    }
}

const ALL: [Service; 3] = [Service::Max, Service::Vk, Service::Hook];

#[tokio::test]
async fn every_answer_has_its_outcome() {
    use GateFault::{Gateway, Hang, LostAnswer, No, Reset, TooMany};
    let table = [
        (Service::Max, TooMany(17), "retry 17"),
        (Service::Max, No(403), "refused"),
        (Service::Max, No(404), "refused"),
        (Service::Max, No(400), "refused"),
        (Service::Max, No(503), "retry"),
        (Service::Vk, TooMany(0), "retry 1"),
        (Service::Vk, No(9), "retry 60"),
        (Service::Vk, No(29), "retry 3600"),
        (Service::Vk, No(10), "retry"),
        (Service::Vk, No(5), "unset"),
        (Service::Vk, No(7), "unset"),
        (Service::Vk, No(14), "unset"),
        (Service::Vk, No(900), "refused"),
        (Service::Vk, No(901), "refused"),
        (Service::Vk, No(914), "refused"),
        (Service::Vk, No(917), "refused"),
        (Service::Vk, No(12_345), "refused"),
        (Service::Hook, TooMany(17), "retry 17"),
        (Service::Hook, No(301), "refused"),
        (Service::Hook, No(401), "unset"),
        (Service::Hook, No(404), "refused"),
        (Service::Hook, No(500), "retry"),
    ];
    for service in ALL {
        let bench = Bench::start(service).await;
        let (patient, hasty) = (bench.notifier(PATIENT), bench.notifier(HASTY));
        let own = table.iter().filter(|(it, _, _)| *it == service);
        let own = own.map(|(_, fault, outcome)| (*fault, *outcome, 0));
        let common = [
            (Gateway(502), "retry", 0),
            (Hang, "lost", 0),
            (Reset, "lost", 0),
            (LostAnswer, "lost", 1),
        ];
        for (fault, expected, kept) in own.chain(common) {
            bench.server.fail(fault);
            let before = bench.server.messages().len();
            let notifier = if fault == Hang { &hasty } else { &patient };
            let outcome = notifier.send(&message(), &bench.address()).await;
            assert_eq!(word(&outcome), expected, "{service:?} {fault:?}");
            assert_eq!(bench.server.messages().len() - before, kept, "{service:?} {fault:?}");
        }
        let before = bench.server.messages().len();
        assert_eq!(word(&patient.send(&message(), &bench.address()).await), "sent", "{service:?}");
        // VK knows the copy whose answer was lost and keeps one; the others get a second one.
        let more = usize::from(service != Service::Vk);
        assert_eq!(bench.server.messages().len() - before, more, "{service:?}");
    }
}

#[tokio::test]
async fn a_wrong_token_or_no_server_is_said_without_a_secret() {
    for service in [Service::Max, Service::Vk] {
        let bench = Bench::start(service).await;
        let wrong = notifier(service, &bench.server.url(), "canary-wrong", PATIENT);
        assert_eq!(word(&wrong.send(&message(), &bench.address()).await), "unset");
        let proof = wrong.prove().await.unwrap_err();
        assert!(proof.contains("ключ") && !proof.contains("canary"), "{proof}");
        assert!(
            bench.notifier(PATIENT).prove().await.unwrap().contains("ключ")
                == (service == Service::Vk)
        );
        let odd = bench.notifier(PATIENT).send(&message(), "chat").await;
        assert_eq!(word(&odd), "refused", "{service:?}");
    }
    for service in ALL {
        let bench = Bench::start(service).await;
        let (notifier, address) = (bench.notifier(PATIENT), bench.address());
        drop(bench);
        tokio::task::yield_now().await;
        assert_eq!(word(&notifier.send(&message(), &address).await), "unreachable", "{service:?}");
    }
}

#[tokio::test]
async fn long_texts_are_split_and_never_lost() {
    for (service, most) in [(Service::Max, 4_000), (Service::Vk, 4_096)] {
        let bench = Bench::start(service).await;
        let words: Vec<String> = (0..3_000).map(|n| format!("слово{n}<&😀")).collect();
        let long = Message { text: words.join(" "), ..message() };
        assert_eq!(word(&bench.notifier(PATIENT).send(&long, &bench.address()).await), "sent");
        let texts: Vec<String> = bench.server.messages().into_iter().map(|it| it.text).collect();
        assert!(texts.len() > 5 && texts.iter().all(|text| text.chars().count() <= most));
        assert_eq!(texts.join(" "), words.join(" "));
    }
}

#[tokio::test]
async fn conversations_go_on_and_files_are_announced() {
    for (service, receipt, expected) in [
        (Service::Max, "mid.1", Some("mid.1")),
        (Service::Vk, "41", Some("41")),
        (Service::Hook, "", None),
    ] {
        let bench = Bench::start(service).await;
        let answer = Message {
            thread: Some(Thread { first: "d1".into(), receipt: Some(receipt.to_owned()) }),
            attachments: vec![Attachment {
                name: "сводка.xlsx".into(),
                mime: "application/octet-stream".into(),
                bytes: vec![1],
            }],
            ..message()
        };
        assert_eq!(word(&bench.notifier(PATIENT).send(&answer, &bench.address()).await), "sent");
        let got = bench.server.messages();
        assert_eq!(got[0].answers.as_deref(), expected, "{service:?}");
        assert_eq!(got[0].text.contains("Файлы приходят письмом"), service != Service::Hook);
    }
}

#[tokio::test]
async fn hostile_texts_arrive_as_they_are() {
    for service in ALL {
        let bench = Bench::start(service).await;
        let notifier = bench.notifier(PATIENT);
        let payloads = hostile();
        let short = |text: &&String| text.chars().count() < 3_500 && !text.trim().is_empty();
        for (number, payload) in payloads.iter().filter(short).enumerate() {
            let id = format!("d{number}").as_str().into();
            let sent = Message { id, text: payload.clone(), subject: payload.clone(), ..message() };
            assert_eq!(word(&notifier.send(&sent, &bench.address()).await), "sent", "{payload:?}");
            let got = bench.server.messages().pop().unwrap();
            let text = match service {
                Service::Hook => {
                    let body: serde_json::Value = serde_json::from_str(&got.text).expect("JSON");
                    body["text"].as_str().unwrap().to_owned()
                }
                _ => got.text,
            };
            let expected = match service {
                Service::Hook => payload.as_str(),
                _ => payload.trim_end(),
            };
            assert_eq!(text, expected, "{service:?}");
        }
    }
}

#[tokio::test]
async fn a_webhook_is_signed_over_time_and_body() {
    let bench = Bench::start(Service::Hook).await;
    bench.notifier(PATIENT).send(&message(), &bench.address()).await;
    let got = bench.server.messages().pop().unwrap();
    assert_eq!(got.to, "/in?key=canary");
    assert_eq!(got.copy.as_deref(), Some("d0123456789ab"));
    let body = "{\"to\": \"+70000000000\", \"id\": \"d0123456789ab\", \"text\": \
                \"Пишут 4 человека\\n.\\nкороткая строка\"}";
    assert_eq!(got.text, body);
    assert_eq!(got.at.as_deref(), Some("2026-11-20T02:30:00Z"));
    // Made by another program: printf '%s.%s' AT BODY | openssl dgst -sha256 -hmac KEY.
    let signature = "sha256=3bf1395d4dab21fca2bc882a50bb6dff6a9bb254da40c084efaea5136300a6b8";
    assert_eq!(got.signature.as_deref(), Some(signature));
}
