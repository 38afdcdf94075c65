//! Canaries: people and secrets planted in what platforms answer and in the settings, looked for in every
//! byte that the program leaves behind or sends out.

use calamine::{Reader as _, Xlsx, open_workbook};
use otklik::notify::play::{BotFault, SmtpFault, SmtpStage};
use otklik_collectors::play::telegram::Dress;
use otklik_collectors::play::vk;
use serde_json::json;

use crate::rig::{bytes_below, holds};
use crate::town::{
    BOT_TOKEN, CHANNEL, Daemon, OWNER, SMTP_PASSWORD, Town, VK_TOKEN, done, health, lock,
    minutes_ago, status,
};

/// What must be nowhere: names, numbers, handles, pictures, signers, reply targets, origins, raw fields.
const PEOPLE: [&str; 18] = [
    "Канарейкин",
    "Кенарь",
    "137913701",
    "137913702",
    "137913703",
    "137913704",
    "kanareykin_k",
    "canary_face",
    "canary_raw",
    "9140137913",
    "914 013-79-13",
    "kanareykin@example.org",
    "canary_chat",
    "Канареечник",
    "canary_import",
    "canary_origin",
    "canary_creator",
    "4276 1380 1379 1378",
];

fn secrets() -> Vec<String> {
    vec![
        VK_TOKEN.to_owned(),
        BOT_TOKEN.to_owned(),
        BOT_TOKEN.split(':').nth(1).unwrap_or_default().to_owned(),
        SMTP_PASSWORD.to_owned(),
        // The form in which a mail client sends it.
        base64(format!("\0otklik\0{SMTP_PASSWORD}").as_bytes()),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        let bits = bits << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            out.push(char::from(SIGNS[(bits >> (18 - 6 * n) & 63) as usize]));
        }
    }
    out
}

/// Fails if a canary stands in `bytes`.
#[track_caller]
fn clean(place: &str, bytes: &[u8]) {
    let secrets = secrets();
    for canary in PEOPLE.into_iter().chain(secrets.iter().map(String::as_str)) {
        assert!(!holds(bytes, canary), "{canary} in {place}");
    }
}

/// Plants people in everything a platform may answer.
fn plant(town: &Town) {
    let mut vk = lock(&town.vk);
    let world = &mut vk.world;
    world.chatty = true;
    for (id, last) in [(137_913_701, "Канарейкин"), (137_913_702, "Кенарь")] {
        world.names.insert(id, ("Кузьма".to_owned(), last.to_owned()));
    }
    let contacts = "пишите @kanareykin_k, [id137913702|Кузьма Кенарь], vk.com/id137913703, \
        t.me/canary_chat, kanareykin@example.org, 89140137913 или +7 (914) 013-79-13, \
        карта 4276 1380 1379 1378, Кузьма Канарейкин";
    let text = format!("В Кедрово горит дом! {contacts}");
    let post = world.post(OWNER, 137_913_701, minutes_ago(50), &text);
    world.set(OWNER, post, "signer_id", json!(137_913_702));
    world.set(
        OWNER,
        post,
        "canary_raw",
        json!({ "photo_200": "https://x.example/canary_face.jpg" }),
    );
    let origin = json!([{ "id": 5, "owner_id": 137_913_703, "from_id": 137_913_703,
        "date": minutes_ago(90).as_second(), "text": "В Соснягино горит дом canary_origin",
        "post_type": "post" }]);
    let repost = world.post(OWNER, 137_913_702, minutes_ago(45), "Поделюсь: в Соснягино горит дом");
    world.set(OWNER, repost, "copy_history", origin);
    let comment =
        world.comment(OWNER, post, 137_913_702, minutes_ago(40), "И у нас горит дом", None);
    let answer = "[id137913702|Кузьма], в Кедрово нет отопления";
    let reply = world.comment(OWNER, post, 137_913_704, minutes_ago(30), answer, Some(comment));
    world.set(OWNER, reply, "reply_to_user", json!(137_913_702));
    drop(vk);
    let mut telegram = lock(&town.telegram);
    let dress = Dress {
        forwarded: Some(("canary_origin".to_owned(), "Канареечник".to_owned())),
        ..Dress::default()
    };
    telegram.post_dressed(
        CHANNEL,
        minutes_ago(20),
        "В Кедрово нет отопления, звоните 89140137913",
        dress,
    );
    telegram.post(CHANNEL, minutes_ago(19), "Автор: Кузьма Канарейкин, @kanareykin_k");
    drop(telegram);
    let mut rss = lock(&town.rss);
    let feed = rss.feed("/rss.xml").expect("a feed");
    feed.post(
        minutes_ago(15),
        "В Кедрово горит дом",
        "<p class=\"canary_raw\">Пишет Кузьма Канарейкин <a href=\"https://vk.com/id137913701\">тут</a> \
         <img src=\"https://x.example/canary_face.jpg\"> kanareykin@example.org</p>",
    );
}

#[test]
fn no_person_and_no_secret_leaves_a_trace() {
    let town = Town::new();
    let rig = &town.rig;
    plant(&town);
    let line = json!({ "id": "i-1", "author": "canary_import", "author_name": "Канарейкин",
        "url": "https://vk.com/kanareykin_k", "avatar": "canary_face", "published": "2026-01-05",
        "text": "Нет отопления, Кузьма Канарейкин, тел. 89140137913" });
    rig.import(&[line], 0);
    let bad = "{\"id\":\"canary_raw\",\"text\":5}\n{\"id\":\"Канарейкин\n";
    let refused = rig.feed(&["import", "-"], bad);
    clean("refused lines", refused.err.as_bytes());

    // The channels fail first, so that their errors are told too.
    town.smtp.fail(SmtpFault::Code(SmtpStage::Auth, 451));
    town.bot.fail(BotFault::Gateway(502));
    let mut daemon = Daemon::start(&town, "trace");
    daemon.wait_for("posts of all pages", || {
        let rows = rig.export("posts");
        let from = |source: &str| rows.iter().any(|row| row["source"] == source);
        (from("vk-lesnoy") && from("tg-lesnoy") && from("rss-lesnoy")).then_some(())
    });
    daemon.wait_for("decided", || (status(rig)["waiting"] == 0).then_some(()));
    daemon.wait_for("alerts by both channels", || {
        (!town.smtp.mails().is_empty() && !town.bot.messages().is_empty()).then_some(())
    });
    // Errors that repeat the token among their parameters, as VK does.
    for code in [5, 113, 14] {
        let next = lock(&town.vk).log.len() + 1;
        lock(&town.vk).faults.extend((next..next + 20).map(|call| (call, vk::Fault::Code(code))));
        daemon.look_again();
        assert_ne!(health(rig, "vk-lesnoy")["state"], "ok");
        clean("status", done(rig, &["status"]).out.as_bytes());
        clean("status --json", done(rig, &["status", "--json"]).out.as_bytes());
        lock(&town.vk).faults.clear();
    }
    done(rig, &["digest", "--send"]);
    let alerts = rig.export("alerts");
    for alert in &alerts {
        let shown = done(rig, &["alerts", "show", alert["id"].as_str().unwrap_or("")]).out;
        clean("alerts show", shown.as_bytes());
    }
    for args in [&["alerts"][..], &["problems"], &["digest"], &["check"], &["sources", "list"]] {
        clean(&format!("{args:?}"), done(rig, args).out.as_bytes());
    }
    exports(&town);
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("TRACE") && log.contains("DEBUG"), "the log says everything it can");
    clean("the log", log.as_bytes());
    for text in ["горит дом", "нет отопления"] {
        assert!(!log.contains(text), "no text of a post is logged: {text}");
    }
    sent(&town);
    let files = bytes_below(&rig.path("store"));
    let names: Vec<String> = files.iter().map(|(path, _)| path.display().to_string()).collect();
    assert!(names.iter().any(|name| name.ends_with(".keys")), "{names:?}");
    for (path, bytes) in files {
        clean(&path.display().to_string(), &bytes);
    }
}

fn exports(town: &Town) {
    let rig = &town.rig;
    for what in ["posts", "problems", "alerts", "deliveries"] {
        for format in ["jsonl", "csv"] {
            let out = done(rig, &["export", what, "--format", format]).out;
            assert!(out.lines().count() > 0, "{what}");
            clean(&format!("export {what} {format}"), out.as_bytes());
        }
        let path = rig.path("export.xlsx");
        done(rig, &["export", what, "--format", "xlsx", "-o", &path.to_string_lossy()]);
        let mut book: Xlsx<_> = open_workbook(&path).expect("a workbook");
        let sheet = book.worksheet_range_at(0).expect("a sheet").expect("read");
        let cells: Vec<String> = sheet.used_cells().map(|(_, _, cell)| cell.to_string()).collect();
        clean(&format!("export {what} xlsx"), cells.join("\n").as_bytes());
        clean("the workbook", &std::fs::read(&path).expect("read"));
    }
}

/// Mails, with their parts decoded, and messages of the bot.
fn sent(town: &Town) {
    let mails = town.smtp.mails();
    assert!(mails.iter().any(|mail| decoded(&mail.raw).contains("Кедрово")), "mails are decoded");
    for mail in mails {
        clean("a mail", mail.raw.as_bytes());
        clean("a decoded mail", decoded(&mail.raw).as_bytes());
    }
    for message in town.bot.messages() {
        clean("a message", message.text.as_bytes());
    }
}

/// The text parts of a mail in words.
fn decoded(raw: &str) -> String {
    let mut out = String::new();
    for part in raw.split("\r\n--") {
        let (head, body) = part.split_once("\r\n\r\n").unwrap_or(("", part));
        let head = head.to_ascii_lowercase();
        if head.contains("encoding: base64") {
            out += &String::from_utf8_lossy(&unbase64(body));
        } else if head.contains("encoding: quoted-printable") {
            out += &String::from_utf8_lossy(&unquoted(body));
        } else {
            out += body;
        }
    }
    out
}

fn unbase64(text: &str) -> Vec<u8> {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes() {
        let Some(value) = SIGNS.iter().position(|sign| *sign == byte) else { continue };
        bits = bits << 6 | u32::try_from(value).unwrap_or(0);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 255).unwrap_or(0));
        }
    }
    out
}

fn unquoted(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let code = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], code) {
            (b'=', Some(code)) => {
                out.push(code);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[test]
fn a_wrong_secret_is_told_without_the_secret() {
    let town = Town::new();
    let rig = &town.rig;
    lock(&town.vk).tokens.clear();
    lock(&town.vk).tokens.insert(VK_TOKEN.to_owned(), vk::Token::Dead);
    let once = rig.run(&["collect", "--once"]);
    assert_eq!(once.code, 0, "{once:?}");
    assert!(once.out.contains("vk-lesnoy") && once.out.contains("Ошибка"), "{once:?}");
    clean("collect", format!("{}{}", once.out, once.err).as_bytes());
    let online = rig.run(&["check", "--online"]);
    assert_eq!(online.code, 78, "{online:?}");
    clean("check --online", format!("{}{}", online.out, online.err).as_bytes());
}
