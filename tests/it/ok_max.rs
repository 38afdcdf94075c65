//! OK and MAX from the configuration to the store and to `check --online`, by the real binary over real
//! sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};

use otklik::clock::{Clock, SystemClock};
use otklik_collectors::play::max::PlayMax;
use otklik_collectors::play::ok::{PHOTO, PlayOk, TOPIC};
use otklik_collectors::play::{Server, serve};
use serde_json::Value;

use crate::rig::{Rig, bytes_below, pause};
use crate::town::{lock, minutes_ago};

const GROUP: i64 = 55_000_000_000_001;
const CHANNEL: i64 = -70_000_000_000_001;
const CHAT: i64 = -70_000_000_000_002;
const ANNA: i64 = 500_137_913_701;
/// Secrets as they stand in their files.
const SECRETS: [(&str, &str); 4] = [
    ("ok_key", "CANARYokAPPKEY01"),
    ("ok_token", "CANARYokTOKEN0123456789"),
    ("ok_secret", "CANARYokSECRET0123456789"),
    ("max_token", "CANARYmaxTOKEN0123456789"),
];

/// A village with a group in OK, a channel and a chat in MAX.
struct Village {
    rig: Rig,
    ok: Arc<Mutex<PlayOk>>,
    max: Arc<Mutex<PlayMax>>,
    _runtime: tokio::runtime::Runtime,
    _servers: [Server; 2],
}

impl Village {
    fn new() -> Self {
        let mut ok = PlayOk::new();
        let [key, token, secret, bot] = SECRETS.map(|(_, secret)| secret.to_owned());
        (ok.application_key, ok.access_token, ok.session_secret) = (key, token, secret);
        ok.world.add_group(GROUP, "kedrovo", "Кедрово-пример");
        let mut max = PlayMax::new();
        max.token = bot;
        max.world.add(CHANNEL, "channel", "kedrovo");
        max.world.add(CHAT, "chat", "kedrovo_chat");
        let (ok, max) = (Arc::new(Mutex::new(ok)), Arc::new(Mutex::new(max)));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let servers = runtime.block_on(async {
            let clock: Arc<dyn Clock> = Arc::new(SystemClock);
            let ok = serve(ok.clone(), clock.clone()).await.expect("a socket");
            [ok, serve(max.clone(), clock).await.expect("a socket")]
        });
        let rig = Rig::new();
        for (name, secret) in SECRETS {
            let path = rig.write(&format!("config/{name}"), secret);
            let own = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(path, own).expect("set");
        }
        rig.add(
            "config/otklik.toml",
            &format!(
                "[platforms.ok]\napi_url = \"{}/fb.do\"\napplication_key = {{ file = \"ok_key\" }}\n\
                 access_token = {{ file = \"ok_token\" }}\nsession_secret = {{ file = \"ok_secret\" }}\n\
                 [platforms.max]\napi_url = \"{}\"\ntoken = {{ file = \"max_token\" }}\n",
                servers[0].url(),
                servers[1].url()
            ),
        );
        let source = |id: &str, platform: &str, handle: &str| {
            format!(
                "[[source]]\nid = \"{id}\"\nplatform = \"{platform}\"\nhandle = \"{handle}\"\n\
                 kind = \"official\"\n"
            )
        };
        let sources = [
            source("ok-kedrovo", "ok", "https://ok.ru/kedrovo"),
            source("max-kedrovo", "max", "https://max.ru/kedrovo"),
            source("max-chat", "max", &CHAT.to_string()),
        ];
        rig.write("config/sources.toml", &sources.concat());
        Village { rig, ok, max, _runtime: runtime, _servers: servers }
    }

    /// Ids and texts in the store.
    fn stored(&self) -> Vec<(String, String)> {
        let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let rows = self.rig.export("posts");
        let mut all: Vec<_> = rows.iter().map(|row| (text(row, "id"), text(row, "text"))).collect();
        all.sort();
        all
    }
}

#[test]
fn ok_and_max_are_collected_into_the_store() {
    let village = Village::new();
    let (topic, answer, photo, remark) = {
        let world = &mut lock(&village.ok).world;
        let topic = world.topic(GROUP, GROUP, minutes_ago(90), "Где нет тепла?");
        let words = "В Кедрово нет отопления, пишет {user:500137913701}Кузьма Канарейкин{user}";
        let answer = world.comment(GROUP, (TOPIC, topic), ANNA, minutes_ago(60), words, None);
        let photo = world.other(GROUP, PHOTO, minutes_ago(80), "Котельная");
        let remark = world.comment(GROUP, (PHOTO, photo), ANNA, minutes_ago(50), "Дымит", None);
        (topic, answer, photo, remark)
    };
    let (post, first, reply) = {
        let world = &mut lock(&village.max).world;
        let post = world.message(CHANNEL, None, minutes_ago(40), "Тепло дадут к вечеру", None);
        let first = world.message(CHAT, Some(ANNA), minutes_ago(30), "Батареи ледяные", None);
        let reply = world.message(CHAT, Some(ANNA), minutes_ago(20), "И у нас", Some(&first));
        (post, first, reply)
    };
    let ended = village.rig.run(&["collect", "--once", "--json"]);
    for row in ended.rows(0) {
        assert_eq!(row["trouble"], Value::Null, "{row}");
    }
    let expected = [
        (format!("max:{CHANNEL}_{post}"), "Тепло дадут к вечеру"),
        (format!("max:{CHAT}_{first}"), "Батареи ледяные"),
        (format!("max:{CHAT}_{reply}"), "И у нас"),
        (format!("ok:{GROUP}_{topic}"), "Где нет тепла?"),
        (format!("ok:{GROUP}_{topic}_{answer}"), "В Кедрово нет отопления, пишет [имя]"),
        (format!("ok:{GROUP}_photo{photo}"), "Котельная"),
        (format!("ok:{GROUP}_photo{photo}_{remark}"), "Дымит"),
    ];
    let mut expected = expected.map(|(id, text)| (id, text.to_owned()));
    expected.sort();
    assert_eq!(village.stored(), expected);
    let rows = village.rig.export("posts");
    let of = |id: &str| rows.iter().find(|row| row["id"] == id).expect("stored").clone();
    assert_eq!(of(&expected[4].0)["parent"], expected[3].0.as_str());
    assert_eq!(of(&expected[2].0)["parent"], expected[1].0.as_str());
    assert_eq!(of(&expected[0].0)["official"], true, "the channel speaks in its own name");

    // Edited, removed: known after the next pass.
    let now = SystemClock.now();
    lock(&village.ok).world.edit(GROUP, topic, now, "Где нет тепла? Пишите сюда");
    lock(&village.max).world.delete(CHAT, &first, now);
    let ended = village.rig.run(&["collect", "--once", "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let stored = village.stored();
    let text = |id: &str| stored.iter().find(|(it, _)| it == id).map(|(_, text)| text.as_str());
    assert_eq!(text(&expected[3].0), Some("Где нет тепла? Пишите сюда"));
    assert_ne!(text(&expected[1].0), Some("Батареи ледяные"), "its author took it back");

    // Neither people nor keys are in the store or beside it.
    let mut secrets: Vec<&str> = SECRETS.map(|(_, secret)| secret).into();
    secrets.extend(["500137913701", "Канарейкин"]);
    for (path, bytes) in bytes_below(&village.rig.path("store")) {
        for secret in &secrets {
            let held = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!held, "{secret} in {}", path.display());
        }
    }
}

#[test]
fn check_online_says_which_rights_are_missing() {
    let village = Village::new();
    lock(&village.ok).world.topic(GROUP, GROUP, minutes_ago(90), "Где нет тепла?");
    lock(&village.ok).rights.remove("VALUABLE_ACCESS");
    lock(&village.max).world.chat(CHAT).permissions.clear();
    // The short name of a group is asked for with the same right.
    let sources = std::fs::read_to_string(village.rig.path("config/sources.toml")).expect("read");
    let sources = sources.replace("https://ok.ru/kedrovo", &format!("https://ok.ru/group/{GROUP}"));
    village.rig.write("config/sources.toml", &sources);
    let ended = village.rig.run(&["check", "--online"]);
    let said = format!("{}{}", ended.out, ended.err);
    assert_ne!(ended.code, 0, "{said}");
    for words in [
        "У приложения ОК нет права VALUABLE_ACCESS",
        "ok-kedrovo: темы группы читаются",
        "ok-kedrovo: комментарии: нет права VALUABLE_ACCESS",
        "письмо-ок.md",
        "MAX: ключ бота принят",
        "max-kedrovo: комментарии под записями канала MAX программам не отдаёт",
        "max-chat: Бот в этом канале MAX не администратор или без права «читать все сообщения»",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    for (_, secret) in SECRETS {
        assert!(!said.contains(secret), "{said}");
    }
}

/// Posts a body as the operator's web server hands it on; the first line of the answer.
fn hand_on(addr: SocketAddr, secret: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(addr).expect("somebody listens");
    write!(
        stream,
        "POST /max HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         x-max-bot-api-secret: {secret}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    answer.lines().next().unwrap_or_default().to_owned()
}

/// Waits until `seen` gives something.
#[track_caller]
fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_500 {
        if let Some(found) = seen() {
            return found;
        }
        pause(20);
    }
    panic!("{what} did not come");
}

/// What MAX pushes is in the store within seconds though the next look is far away; whoever does
/// not know the secret changes nothing; an address that is no longer configured is taken back.
#[test]
fn what_max_pushes_is_looked_at_within_seconds() {
    let village = Village::new();
    let addr = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let config = village.rig.path("config/otklik.toml");
    let before = std::fs::read_to_string(&config).expect("read");
    let url = "https://otklik.example.org/max";
    let ours = format!("[platforms.max]\nwebhook = \"{url}\"\nlisten = \"{addr}\"\n");
    std::fs::write(&config, before.replace("[platforms.max]\n", &ours)).expect("written");
    let started = || village.rig.command(&["run"]).spawn().expect("the daemon starts");
    let mut daemon = started();
    let subscribed = || lock(&village.max).subscriptions.get(url).cloned();
    let secret = wait_for("a subscription", subscribed);
    let first = lock(&village.max).world.message(CHAT, None, minutes_ago(30), "Уже было", None);
    let there = |id: &str| village.stored().iter().any(|(it, _)| it == id).then_some(());
    let now = SystemClock.now();
    let (bodies, next) = lock(&village.max).pushes(0, now);
    for (given, status) in [("wrong", "403"), (secret.as_str(), "200")] {
        let answer = hand_on(addr, given, &bodies[0]);
        assert!(answer.contains(status), "{answer}");
    }
    wait_for("the first message", || there(&format!("max:{CHAT}_{first}")));
    let asked = lock(&village.max).calls("/updates");
    let second = lock(&village.max).world.message(CHAT, Some(ANNA), SystemClock.now(), "Дым", None);
    let (bodies, _) = lock(&village.max).pushes(next, SystemClock.now());
    for _ in 0..3 {
        assert!(hand_on(addr, &secret, &bodies[0]).contains("200"));
    }
    wait_for("the second message", || there(&format!("max:{CHAT}_{second}")));
    assert_eq!(lock(&village.max).calls("/updates"), asked, "nobody asks for what is pushed");
    daemon.kill().expect("killed");
    daemon.wait().expect("ended");

    // Another key of the same bot makes another secret: the subscription is set anew with it.
    village.rig.write("config/max_token", "CANARYmaxTOKEN9876543210");
    lock(&village.max).token = "CANARYmaxTOKEN9876543210".to_owned();
    let mut daemon = started();
    wait_for("a new secret", || subscribed().filter(|new| *new != secret));
    daemon.kill().expect("killed");
    daemon.wait().expect("ended");

    // Without the key nobody can end the subscription: a person is told, until it is ended.
    let keyless =
        before.replace("[platforms.max]\n", "").replace("token = { file = \"max_token\" }", "");
    let api = before.lines().rfind(|line| line.starts_with("api_url")).expect("MAX's");
    std::fs::write(&config, keyless.replace(api, "")).expect("written");
    let mut daemon = started();
    let told = || {
        let status = village.rig.run(&["status", "--json"]);
        let row: Value = serde_json::from_str(&status.out).ok()?;
        row["pushes_fault"].as_str().map(str::to_owned)
    };
    let fault = wait_for("the fault", told);
    assert!(fault.contains(url) && fault.contains("верните [platforms.max] token"), "{fault}");
    let status = village.rig.run(&["status"]).out;
    assert!(status.contains(&format!("Нужен человек. {fault}")), "{status}");
    let checked = village.rig.run(&["check", "--online"]);
    assert!(format!("{}{}", checked.out, checked.err).contains(&fault), "{}", checked.out);
    assert_ne!(checked.code, 0);
    daemon.kill().expect("killed");
    daemon.wait().expect("ended");

    std::fs::write(&config, before).expect("written");
    let mut daemon = started();
    wait_for("the end of the subscription", || subscribed().is_none().then_some(()));
    wait_for("the end of the fault", || told().is_none().then_some(()));
    daemon.kill().expect("killed");
    daemon.wait().expect("ended");
}
