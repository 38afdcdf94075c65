//! `try` against local servers: one page is read, nothing is stored.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use otklik::clock::{Clock as _, SystemClock};
use otklik_collectors::play::rss::PlayRss;
use otklik_collectors::play::telegram::PlayTelegram;
use otklik_collectors::play::vk::{PlayVk, Token};
use otklik_collectors::play::{Play, Server, serve};

use super::{Desk, Said};

/// Runs `test` while a play is served.
pub fn with_server<P: Play + 'static>(play: P, test: impl FnOnce(&Server, &Mutex<P>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let play = Arc::new(Mutex::new(play));
    let shared: Arc<Mutex<P>> = Arc::clone(&play);
    let server = runtime.block_on(serve(shared, Arc::new(SystemClock))).expect("a socket");
    test(&server, &play);
}

fn hours_ago(hours: i64) -> Timestamp {
    SystemClock.now() - SignedDuration::from_hours(hours)
}

fn channel() -> PlayTelegram {
    let mut play = PlayTelegram::new();
    play.add_channel("selyanka", 1_500_000_001, "Селянка");
    play.post("selyanka", hours_ago(9), "Добрый день, соседи");
    play.post("selyanka", hours_ago(5), "Батареи холодные в Онохое, звоните 89021234567");
    play.post("selyanka", hours_ago(1), "Пожар! Горит дом, позор");
    play
}

fn feed() -> PlayRss {
    let mut play = PlayRss::new();
    let feed = play.add_feed("/rss.xml", "Газета");
    feed.post(hours_ago(9), "Добрый день", "<p>Праздник прошёл весело</p>");
    feed.post(hours_ago(5), "Батареи холодные", "<p>Так пишут из Онохоя</p>");
    feed.post(hours_ago(1), "Пожар, горит дом", "<p>Позор, говорят соседи</p>");
    play
}

#[test]
fn a_channel_is_tried_by_its_address() {
    with_server(channel(), |server, _| {
        let desk =
            Desk::new(&format!("[platforms.telegram]\npreview_url = \"{}\"\n", server.url()));
        let before = desk.files();
        let (code, out, err) = desk.otklik(&["try", "https://t.me/s/selyanka"]);
        assert_eq!(code, 0, "{out}{err}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "telegram selyanka: записей на странице 3");
        assert!(lines[1].contains("Пожар") && lines[2].contains("Отопление"), "{out}");
        assert!(lines[2].contains("Онохой") && lines[2].contains("звоните [телефон]"), "{out}");
        assert!(lines[3].contains("low 0") && lines[3].contains('—'), "{out}");
        assert!(lines[4].starts_with("Всего 3: показано 3, с темой 2, high и выше "), "{out}");
        assert!(lines[4].ends_with("Ничего не сохранено."), "{out}");
        assert!(!out.contains("Отношение"), "attitude is not shown: {out}");
        assert_eq!(desk.files(), before, "nothing is stored");
    });
}

#[test]
fn a_listed_source_is_tried_by_its_name() {
    with_server(feed(), |server, _| {
        let desk = Desk::new("[network]\nallow = [\"127.0.0.1\"]\n");
        let address = format!("{}/rss.xml", server.url());
        let list = |more: &str| {
            let source = "[[source]]\nid = \"gazeta\"\nplatform = \"rss\"\n";
            let text = format!("{source}handle = \"{address}\"\n{more}\n");
            desk.write("config/sources.toml", &text);
        };
        list("place = \"onohoy\"");
        let (code, found) = desk.json(&["try", "gazeta", "--json", "--count", "1"]);
        assert_eq!((code, &found["source"], &found["read"]), (0, &"gazeta".into(), &3.into()));
        assert_eq!((&found["with_topic"], &found["left_out"]), (&2.into(), &0.into()));
        assert_eq!(found["posts"].as_array().map(Vec::len), Some(1));
        assert_eq!(found["posts"][0]["topics"][0]["topic"], "fire");
        assert_eq!(found["posts"][0]["places"][0]["by"], "source", "{found}");
        assert!(!found.to_string().contains("feedback"), "attitude is not shown: {found}");
        let (_, found) = desk.json(&["try", &address, "--json"]);
        assert_eq!(found["source"], "gazeta", "the page is known");
        list("scope = \"region\"");
        let (_, found) = desk.json(&["try", "gazeta", "--json"]);
        assert_eq!((&found["read"], &found["left_out"]), (&3.into(), &2.into()), "{found}");
        list("kind = \"leader\"");
        let (code, out, _) = desk.otklik(&["try", "gazeta"]);
        assert_eq!((code, out.lines().count()), (0, 2), "of a leader only health: {out}");
        assert!(out.contains("страница лидера мнений"), "{out}");
    });
}

#[test]
fn a_feed_is_read_only_where_it_is_allowed() {
    with_server(feed(), |server, play| {
        let address = format!("{}/rss.xml", server.url());
        let closed = Desk::new("");
        let (code, out, err) = closed.otklik(&["try", &address]);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains("[network] allow") && !err.contains("127.0.0.1"), "{err}");
        assert!(play.lock().expect("no panic").plan.log().is_empty(), "nobody was asked");
        let bare = tempfile::tempdir().expect("temp dir");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_otklik"))
            .args(["try", &address])
            .current_dir(bare.path())
            .output()
            .expect("the binary runs");
        let err = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1), "no configuration is needed: {err}");
        assert!(err.contains("[network] allow"), "{err}");
        let open = Desk::new("[network]\nallow = [\"127.0.0.1\"]\n");
        let (code, found) = open.json(&["try", &address, "--json"]);
        assert_eq!((code, &found["read"]), (0, &3.into()), "{found}");
    });
}

#[test]
fn vk_is_tried_with_a_token_given_for_it() {
    let mut play = PlayVk::new();
    play.tokens.insert("canary-token".to_owned(), Token::Service);
    play.world.add_community(-200_001, "selo", "Село", 900);
    play.world.post(-200_001, 100_001, hours_ago(3), "Батареи холодные");
    play.world.add_person_page(100_005, "primer_person", "Человек", 300);
    with_server(play, |server, _| {
        let vk = "[platforms.vk]\ntoken = { file = \"absent\" }\n";
        let desk = Desk::new(&format!("{vk}api_url = \"{}/method\"\n", server.url()));
        desk.write("token", "canary-token\n");
        let read = |said: Said| {
            let (code, out, err) = said;
            assert_eq!(code, 0, "{out}{err}");
            assert!(out.contains("vk selo: записей на странице 1"), "{out}");
            assert!(!out.contains("canary") && !err.contains("canary"), "{out}{err}");
        };
        read(desk.otklik(&["try", "https://vk.com/selo", "--token-file", "token"]));
        let variable = [("OTKLIK_VK_TOKEN", "canary-token")];
        read(desk.otklik_with(&["try", "vk.ru/selo"], &variable));
        let wrong = [("OTKLIK_VK_TOKEN", "canary-wrong")];
        let (code, _, err) = desk.otklik_with(&["try", "vk.com/selo"], &wrong);
        assert!(code == 1 && !err.is_empty() && !err.contains("canary"), "{err}");
        let (code, _, err) = desk.otklik(&["try", "vk.com/selo"]);
        assert!(code == 78 && err.contains("нет файла с секретом"), "{err}");
        let (code, _, err) = desk.otklik_with(&["try", "vk.com/primer_person"], &variable);
        assert!(code == 1 && err.contains("Личная страница"), "{err}");
        let (code, _, err) = desk.otklik_with(&["try", "vk.com/net_takoy"], &variable);
        assert!(code == 1 && err.contains("Такой страницы в VK нет"), "{err}");
    });
}

#[test]
fn what_cannot_be_tried_is_said_with_the_way_out() {
    let desk = Desk::new("");
    let check = |page: &str, code: i32, part: &str| {
        let (found, out, err) = desk.otklik(&["try", page]);
        assert_eq!((found, out.as_str()), (code, ""), "{page}: {err}");
        assert!(err.contains(part), "{page}: {err}");
    };
    check("https://vk.com/selo", 78, "--token-file ФАЙЛ");
    check("https://vk.com/selo", 78, "OTKLIK_VK_TOKEN=…");
    check("https://vk.com/id15", 2, "личная страница");
    check("https://t.me/+AbCdEf", 2, "приглашение");
    check("https://ok.ru/group/51234", 78, "[platforms.ok]");
    check("https://max.ru/selo", 78, "[platforms.max]");
    check("https://ok.ru/profile/51234", 2, "личная страница");
    check("selo", 2, "не понять, на какой это платформе");
}
