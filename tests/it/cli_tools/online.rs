//! `check --online` against local servers: each token, login and page proven, one sentence each.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use otklik::clock::{Clock as _, SystemClock};
use otklik::notify::play::{LocalBot, LocalSmtp};
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::play::vk::{PlayVk, Token};
use otklik_collectors::play::{Server, serve};

use super::Desk;

/// Everything a district talks to, on local sockets.
struct Outside {
    runtime: tokio::runtime::Runtime,
    vk: Server,
    telegram: Server,
    bot: LocalBot,
    smtp: LocalSmtp,
}

impl Outside {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let hour_ago = SystemClock.now() - SignedDuration::from_hours(1);
        let mut vk = PlayVk::new();
        vk.tokens.insert("canary-vk".to_owned(), Token::Service);
        vk.world.add_community(-200_001, "selo", "Село", 900);
        vk.world.post(-200_001, 100_001, hour_ago, "Добрый день");
        vk.world.add_person_page(100_005, "primer_person", "Человек", 300);
        let mut telegram = PlayTelegram::new();
        telegram.add_channel("selyanka", 1_500_000_001, "Селянка");
        telegram.post("selyanka", hour_ago, "Добрый день");
        let started = runtime.block_on(async {
            let clock = Arc::new(SystemClock);
            let vk = serve(Arc::new(Mutex::new(vk)), clock.clone()).await?;
            let telegram = serve(Arc::new(Mutex::new(telegram)), clock).await?;
            let (bot, smtp) = (LocalBot::start("1:canary-bot").await?, LocalSmtp::start().await?);
            std::io::Result::Ok((vk, telegram, bot, smtp))
        });
        let (vk, telegram, bot, smtp) = started.expect("sockets");
        smtp.want_login("otklik", "canary-mail");
        Self { runtime, vk, telegram, bot, smtp }
    }

    /// A desk configured to talk to all of it.
    fn desk(&self) -> Desk {
        let desk = Desk::new(&format!(
            "[platforms.vk]\napi_url = \"{}/method\"\ntoken = {{ file = \"vk\" }}\n\
             [platforms.telegram]\npreview_url = \"{}\"\n\
             [smtp]\nurl = \"smtp://otklik@{}?tls=off\"\nfrom = \"otklik@example.org\"\n\
             password = {{ file = \"mail\" }}\n\
             [telegram_bot]\napi_url = \"{}\"\ntoken = {{ file = \"bot\" }}\n",
            self.vk.url(),
            self.telegram.url(),
            self.smtp.addr(),
            self.bot.url(),
        ));
        let secrets = [("vk", "canary-vk"), ("bot", "1:canary-bot"), ("mail", "canary-mail")];
        for (name, text) in secrets {
            desk.write(&format!("config/{name}"), text);
            private(&desk.path().join("config").join(name));
        }
        desk.write("config/sources.toml", SOURCES);
        desk
    }
}

const SOURCES: &str = "[[source]]\nid = \"selo\"\nplatform = \"vk\"\nhandle = \"selo\"\n\
                       [[source]]\nid = \"selyanka\"\nplatform = \"telegram\"\nhandle = \"selyanka\"\n";

fn private(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(file, mode).expect("permissions");
}

#[test]
fn everything_that_works_is_said_to_work() {
    let outside = Outside::start();
    let desk = outside.desk();
    let (code, out, err) = desk.otklik(&["check", "--online"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for part in [
        "Настройка в порядке.",
        "есть  VK: сервисный ключ принят",
        "есть  VK: нужно около 96 вызовов wall.get в день из 5000",
        "есть  Почта: сервер отвечает, логин принят",
        "есть  Telegram: бот @",
        "есть  selo: читается, записей на странице 1, последняя 1 ч. назад",
        "есть  selyanka: читается, записей на странице 1, последняя 1 ч. назад",
        "Связь в порядке.",
    ] {
        assert!(out.contains(part), "no «{part}» in:\n{out}");
    }
    assert!(!out.contains("canary"), "{out}");
    assert!(outside.smtp.mails().is_empty() && outside.bot.messages().is_empty());
    drop(outside.runtime);
}

#[test]
fn everything_that_does_not_work_is_named() {
    let outside = Outside::start();
    let desk = outside.desk();
    desk.write("config/vk", "canary-old");
    desk.write("config/bot", "1:canary-old");
    desk.write("config/mail", "canary-old");
    desk.edit("config/sources.toml", "handle = \"selyanka\"", "handle = \"net_takogo\"");
    let (code, report) = desk.json(&["check", "--online", "--json"]);
    assert_eq!((code, &report["ok"], &report["errors"]), (78, &false.into(), &0.into()));
    let proofs = report["online"].as_array().expect("proofs");
    let ok = |what: &str| {
        let proof = proofs.iter().find(|proof| proof["what"] == what);
        let proof = proof.unwrap_or_else(|| panic!("no {what} in {report}"));
        assert!(proof["text"].as_str().is_some_and(|text| text.chars().count() > 10), "{proof}");
        proof["ok"].as_bool()
    };
    for (what, expected) in [
        ("platforms.vk", false),
        ("smtp", false),
        ("telegram_bot", false),
        ("source selo", false),
        ("source selyanka", false),
    ] {
        assert_eq!(ok(what), Some(expected), "{what}");
    }
    assert!(!report.to_string().contains("canary"), "{report}");
    drop(outside.runtime);
}

#[test]
fn a_personal_page_and_a_missing_secret_are_refused() {
    let outside = Outside::start();
    let desk = outside.desk();
    desk.edit("config/sources.toml", "handle = \"selo\"", "handle = \"primer_person\"");
    std::fs::remove_file(desk.path().join("config/mail")).expect("remove");
    let (code, out, _) = desk.otklik(&["check", "--online"]);
    assert_eq!(code, 78, "{out}");
    assert!(out.contains("НЕТ   selo: Личная страница"), "{out}");
    assert!(out.contains("НЕТ   smtp.password: нет файла с секретом"), "{out}");
    assert!(out.contains("есть  Telegram: бот @"), "the rest goes on: {out}");
    assert!(out.ends_with("Не работает: 2.\n"), "{out}");
    drop(outside.runtime);
}

#[test]
fn without_sound_settings_nobody_is_asked() {
    let outside = Outside::start();
    let desk = outside.desk();
    desk.edit("config/otklik.toml", "Asia/Irkutsk", "Asia/Ulan-Ude");
    let (code, out, _) = desk.otklik(&["check", "--online"]);
    assert_eq!(code, 78, "{out}");
    assert!(out.contains("Связь не проверялась: сначала исправьте config/otklik.toml"), "{out}");
    assert_eq!((outside.bot.calls(), outside.smtp.conversations()), (0, 0));
    drop(outside.runtime);
}
