//! A live daemon: every other command works beside it, files change under it, pages answer
//! nonsense.

use std::sync::PoisonError;

use otklik::model::CommandKind;
use otklik_collectors::play::{Fault, vk};
use serde_json::json;

use crate::rig::{PACKS, bytes_below, holds};
use crate::town::{CHANNEL, Daemon, Town, done, health, lock, minutes_ago, status};

#[test]
fn every_other_command_works_beside_the_daemon() {
    let town = Town::new();
    town.writes(100_001, 50, "В Кедрово горит дом");
    town.writes(100_002, 40, "Доброе утро");
    let mut daemon = town.start();
    daemon.wait_for("an alert by mail", || (!town.smtp.mails().is_empty()).then_some(()));
    daemon.wait_for("an alert by bot", || (!town.bot.messages().is_empty()).then_some(()));
    let rig = &town.rig;

    let pid = daemon.pid().to_string();
    for args in [&["import", "-"][..], &["collect", "--once"], &["run"]] {
        let ended = rig.feed(args, "{\"id\":\"1\",\"text\":\"a\"}\n");
        assert_eq!(ended.code, 75, "{args:?}: {ended:?}");
        assert!(ended.err.contains(&pid) && ended.err.contains("systemctl stop"), "{ended:?}");
    }
    assert_eq!(status(rig)["running"], true);
    assert!(done(rig, &["status"]).out.contains("Служба: работает"));
    for what in ["posts", "problems", "alerts", "deliveries"] {
        assert!(!rig.export(what).is_empty(), "{what}");
    }
    assert!(done(rig, &["problems"]).out.contains("Пожар"));
    assert!(done(rig, &["sources", "list"]).out.contains("vk-lesnoy"));
    assert!(done(rig, &["check"]).out.contains("порядке"));
    assert!(done(rig, &["explain", "Горит дом"]).out.contains("Пожар"));
    let line = "{\"id\":\"1\",\"text\":\"Горит дом\"}\n";
    assert_eq!(rig.feed(&["classify"], line).rows(0).len(), 1);
    assert!(done(rig, &["digest"]).out.contains("сводка"));

    let alert = rig.export("alerts")[0]["id"].as_str().expect("an id").to_owned();
    assert!(done(rig, &["alerts"]).out.contains(&alert));
    assert!(done(rig, &["alerts", "show", &alert]).out.contains("горит дом"));
    assert!(done(rig, &["alerts", "ack", &alert]).out.contains("взято в работу"));
    assert!(done(rig, &["reload"]).out.contains("перечитаны"));
    assert!(done(rig, &["digest", "--send"]).out.contains("поставлена в очередь"));
    let again = rig.run(&["digest", "--send"]);
    assert!(again.code == 1 && again.err.contains("уже была"), "{again:?}");
    daemon.wait_for("the digest by mail", || {
        town.smtp.mails().iter().any(|mail| mail.raw.contains("digest-")).then_some(())
    });

    let problem = rig.export("problems")[0]["id"].as_str().expect("an id").to_owned();
    done(rig, &["problems", "close", &problem]);
    assert_eq!(rig.export("problems")[0]["state"], "closed");

    let noted = done(rig, &["add", "Звонят: горит дом", "--place", "sosnyagino"]);
    assert!(noted.out.contains("Тема: Пожар. Место: Соснягино"), "{noted:?}");
    daemon.wait_for("a problem of the noted complaint", || {
        rig.export("problems").iter().any(|row| row["place"] == "sosnyagino").then_some(())
    });
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    assert!(!rig.path("store/otklik.db.sock").exists(), "the socket goes with the daemon");
    done(rig, &["status"]);
}

#[test]
fn the_service_manager_is_told_and_a_kill_is_survived() {
    let town = Town::new();
    let mut daemon = town.start();
    daemon.wait_to_hear("WATCHDOG=1");
    daemon.deaf();
    daemon.wait_to_hear("WATCHDOG=1");
    drop(daemon);
    // Killed: the lock is free at once, the stale socket is in nobody's way.
    assert_eq!(status(&town.rig)["running"], false);
    town.writes(100_001, 10, "В Кедрово горит дом");
    let mut daemon = town.start();
    daemon.look_again();
    daemon.wait_for("a post", || (!town.rig.export("posts").is_empty()).then_some(()));
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn edited_files_are_in_force_within_seconds_and_broken_ones_are_not() {
    let town = Town::new();
    let rig = &town.rig;
    let mut daemon = town.start();
    daemon
        .wait_for("a first look", || health(rig, "vk-lesnoy")["last_ok"].is_string().then_some(()));

    // A pack: a new rule.
    rig.write(
        "words/heating.toml",
        &PACKS[0]
            .1
            .replace("ледяные батареи", "стылые батареи")
            .replace("text = \"Батареи ледяные\"", "text = \"Батареи стылые\""),
    );
    daemon.wait_for("the new pack", || log_says(&town, "changed files in force", 1));
    town.writes(100_001, 5, "В Кедрово стылые батареи");
    daemon.look_again();
    daemon.wait_for("a problem", || (rig.export("problems").len() == 1).then_some(()));

    // A broken pack: told with its place, the old rules stay, the daemon goes on.
    rig.add("words/heating.toml", "[[rule]]\nfind = '\"не закрыта'\n");
    daemon.wait_for("the fault", || log_says(&town, "heating.toml:", 1));
    assert!(daemon.log().contains("нет закрывающей кавычки"), "{}", daemon.log());
    let reply = daemon.ask(CommandKind::Reload { why: None });
    assert!(!reply.done && reply.text.contains("heating.toml:29:"), "{reply:?}");
    let told = done(rig, &["status"]).out;
    assert!(told.contains("heating.toml:29:"), "status says what is not in force: {told}");
    town.writes(100_002, 4, "В Соснягино стылые батареи");
    daemon.look_again();
    daemon.wait_for("a second problem", || (rig.export("problems").len() == 2).then_some(()));
    rig.write("words/heating.toml", PACKS[0].1);
    daemon.wait_for("the repair", || log_says(&town, "changed files in force", 2));
    assert!(!done(rig, &["status"]).out.contains("heating.toml"));

    // Sources: one page less, one more.
    lock(&town.telegram).add_channel("vtoroy_kanal", 1_700_000_002, "Второй");
    lock(&town.telegram).post("vtoroy_kanal", minutes_ago(3), "В Кедрово всё хорошо");
    let list = town.sources().replace(CHANNEL, "vtoroy_kanal").replace("tg-lesnoy", "tg-vtoroy");
    rig.write("config/sources.toml", &list);
    daemon.wait_for("the new page", || {
        rig.export("posts").iter().any(|row| row["source"] == "tg-vtoroy").then_some(())
    });
    let status = status(rig);
    let listed: Vec<&str> = status["sources"]
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["source"].as_str())
        .collect();
    assert!(!listed.contains(&"tg-lesnoy") && listed.contains(&"tg-vtoroy"), "{listed:?}");
    done(rig, &["sources", "add", "https://t.me/tretiy_kanal", "--id", "tg-tretiy"]);
    daemon.wait_for("the page added by command", || {
        let rows = crate::town::status(rig)["sources"].as_array().expect("rows").clone();
        rows.iter().any(|row| row["source"] == "tg-tretiy").then_some(())
    });

    // Routes: another address.
    let routes = std::fs::read_to_string(rig.path("config/routes.toml")).expect("read");
    rig.write("config/routes.toml", &routes.replace("d@example.org", "novyy@example.org"));
    daemon.wait_for("the new routes", || log_says(&town, "changed files in force", 5));
    town.writes(100_003, 2, "В Кедрово горит дом");
    daemon.ask(CommandKind::CollectNow { sources: Vec::new() });
    daemon.wait_for("a mail to the new address", || {
        town.smtp.mails().iter().any(|mail| mail.to == ["novyy@example.org"]).then_some(())
    });
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
}

/// Whether the log has had `text` so many times.
fn log_says(town: &Town, text: &str, times: usize) -> Option<()> {
    let log = std::fs::read_to_string(town.rig.path("log")).unwrap_or_default();
    (log.matches(text).count() >= times).then_some(())
}

/// Rows that a bad answer must not change.
fn kept(town: &Town) -> Vec<Option<String>> {
    let conn = rusqlite::Connection::open_with_flags(
        town.rig.path("store/otklik.db"),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
    )
    .expect("opens");
    let mut rows = Vec::new();
    for sql in [
        "SELECT id || ':' || coalesce(cursor, '') FROM source WHERE id = 'vk-lesnoy' ORDER BY id",
        "SELECT source || id || text || state || version FROM post ORDER BY source, id",
    ] {
        let mut statement = conn.prepare(sql).expect("prepared");
        let found = statement.query_map([], |row| row.get(0)).expect("asked");
        rows.extend(found.map(|row| row.expect("a row")));
    }
    rows
}

#[test]
fn a_page_that_answers_nonsense_harms_nobody_and_nothing() {
    let town = Town::new();
    let rig = &town.rig;
    town.writes(100_001, 50, "В Кедрово горит дом");
    let first = town.writes(100_002, 45, "Доброе утро");
    lock(&town.telegram).post(CHANNEL, minutes_ago(44), "Новости канала");
    let mut daemon = town.start();
    daemon.wait_for("both pages", || (rig.export("posts").len() == 3).then_some(()));
    daemon.wait_for("grouped", || (status(rig)["waiting"] == 0).then_some(()));
    let before = kept(&town);
    let faults = [
        vk::Fault::Html,
        vk::Fault::Body("{\"response\":{\"count\":0}}".to_owned()),
        vk::Fault::Body("{\"response\":{\"count\":2,\"items\":\"нет\"}}".to_owned()),
        vk::Fault::Body("[]".to_owned()),
        vk::Fault::Code(777),
    ];
    for (n, fault) in faults.into_iter().enumerate() {
        let next = {
            let mut play = town.vk.lock().unwrap_or_else(PoisonError::into_inner);
            let next = play.log.len() + 1;
            play.faults.extend((next..next + 40).map(|call| (call, fault.clone())));
            next
        };
        lock(&town.telegram).post(CHANNEL, minutes_ago(20 - i64::try_from(n).unwrap_or(0)), "Ещё");
        daemon.look_again();
        let row = health(rig, "vk-lesnoy");
        assert_ne!(row["state"], "ok", "{fault:?} from call {next}: {row}");
        assert!(row["text"].as_str().is_some_and(|text| !text.is_empty()), "{row}");
        assert_eq!(health(rig, "tg-lesnoy")["state"], "ok", "{fault:?}");
        assert_eq!(health(rig, "rss-lesnoy")["state"], "ok", "{fault:?}");
        let now: Vec<_> = kept(&town).into_iter().filter(|row| before.contains(row)).collect();
        assert_eq!(now, before, "{fault:?} changed what was stored");
        lock(&town.vk).faults.clear();
    }
    let told = done(rig, &["status"]).out;
    assert!(told.contains("vk-lesnoy"), "{told}");
    let stored = rig.export("posts").len();
    assert_eq!(stored, 3 + 5, "the other page was read all the while");

    // The same for the preview: HTML of somebody else, an empty page, one cut by its server.
    for fault in [
        Fault::Body("text/html".to_owned(), "<html><body>Вход</body></html>".to_owned()),
        Fault::Body("text/html".to_owned(), String::new()),
        Fault::Short(600),
    ] {
        for _ in 0..8 {
            lock(&town.telegram).fail_next(fault.clone());
        }
        daemon.look_again();
        let row = health(rig, "tg-lesnoy");
        assert_ne!(row["state"], "ok", "{fault:?}: {row}");
        assert_eq!(health(rig, "vk-lesnoy")["state"], "ok", "it has recovered");
        assert_eq!(rig.export("posts").len(), stored, "{fault:?}");
        lock(&town.telegram).plan.calm();
    }

    // Both at once with what is tried again within a look: a broken server, a broken connection.
    for _ in 0..40 {
        lock(&town.vk).fail_next(vk::Fault::Status(500));
        lock(&town.telegram).fail_next(Fault::Cut(300));
    }
    daemon.look_again();
    for source in ["vk-lesnoy", "tg-lesnoy"] {
        assert_eq!(health(rig, source)["state"], "slow", "{source}");
    }
    assert_eq!(health(rig, "rss-lesnoy")["state"], "ok");
    assert_eq!(rig.export("posts").len(), stored);
    lock(&town.vk).faults.clear();
    lock(&town.telegram).plan.calm();
    daemon.look_again();
    assert_eq!(health(rig, "tg-lesnoy")["state"], "ok", "the trouble is over and told no more");
    let posts = rig.export("posts");
    let greeting = posts.iter().find(|row| row["id"] == json!(first)).expect("a row");
    assert_eq!(greeting["text"], "Доброе утро");
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn an_erased_post_is_nowhere_and_does_not_come_back() {
    let town = Town::new();
    let rig = &town.rig;
    let words = "В Кедрово горит дом возле зелёной мельницы";
    let id = town.writes(100_001, 50, words);
    let second = "В Кедрово горит дом возле синей мельницы";
    let mut daemon = town.start();
    daemon.wait_for("an alert", || (!town.smtp.mails().is_empty()).then_some(()));
    // An edit makes a version and takes the old words back.
    let number = id.rsplit('_').next().and_then(|it| it.parse().ok()).expect("a number");
    lock(&town.vk).world.edit(crate::town::OWNER, number, minutes_ago(1), second);
    daemon.look_again();
    daemon.wait_for("the edit", || (rig.export("posts")[0]["text"] == second).then_some(()));
    daemon.wait_for("grouped", || (status(rig)["waiting"] == 0).then_some(()));

    let receipt = done(rig, &["erase", "vk-lesnoy", &id]);
    assert!(receipt.out.contains("удалена"), "{receipt:?}");
    assert!(rig.export("posts").is_empty());
    let alert = rig.export("alerts")[0]["id"].as_str().expect("an id").to_owned();
    let shown = done(rig, &["alerts", "show", &alert]).out;
    assert!(shown.contains("[удалено]") && !shown.contains("мельницы"), "{shown}");
    for (path, bytes) in bytes_below(&rig.path("store")) {
        for trace in [
            "зелёной",
            "синей",
            "мельниц",
            id.as_str(),
            &format!("wall{}_{number}", crate::town::OWNER),
        ] {
            assert!(!holds(&bytes, trace), "{trace} in {}", path.display());
        }
    }
    daemon.look_again();
    daemon.look_again();
    assert!(rig.export("posts").is_empty(), "it came back");
    assert_eq!(rig.export("problems")[0]["posts"], 1, "its count stays");
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("мельниц"), "{log}");
    for (path, bytes) in bytes_below(&rig.path("store")) {
        assert!(!holds(&bytes, "мельниц"), "{}", path.display());
    }
    // Nor does it come back by a file.
    let line = json!({ "id": id, "source": "vk-lesnoy", "platform": "vk", "text": second });
    rig.import(&[line], 0);
    assert!(rig.export("posts").is_empty());
}

#[test]
fn a_command_never_reaches_the_daemon_of_another_store() {
    let town = Town::new();
    let rig = &town.rig;
    let id = town.writes(100_001, 50, "В Кедрово горит дом");
    let runtime = rig.path("runtime");
    std::fs::create_dir(&runtime).expect("created");
    let mut daemon = Daemon::start_in(&town, "info", Some(&runtime));
    daemon.wait_for("a post", || (rig.export("posts").len() == 1).then_some(()));
    let run = |args: &[&str]| {
        let mut command = rig.command(args);
        command.env("RUNTIME_DIRECTORY", &runtime);
        crate::rig::feed(command, "{\"id\":\"1\",\"text\":\"a\"}\n")
    };
    let other = rig.path("store/other.db");
    let other = other.to_string_lossy();
    assert_eq!(run(&["import", "-", "--store", &other]).code, 0);
    let erased = run(&["erase", "vk-lesnoy", &id, "--store", &other]);
    assert!(erased.code == 0, "{erased:?}");
    assert_eq!(rig.export("posts").len(), 1, "the daemon's store was changed");
    let status = run(&["status", "--json", "--store", &other]).rows(0).remove(0);
    assert_eq!(status["running"], false);
    assert_eq!(run(&["status", "--json"]).rows(0)[0]["running"], true);
    assert_eq!(run(&["erase", "vk-lesnoy", &id]).code, 0);
    assert!(rig.export("posts").is_empty(), "the daemon of this store is found in its folder");
}
