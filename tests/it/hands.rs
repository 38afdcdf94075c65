//! Presses, codes and chats from the bots' servers through the live daemon to the store, and back
//! under the messages.

use otklik::notify::play::{BotFault, GateFault, LocalGate, PERSON, Service};
use serde_json::{Value, json};

use crate::payloads::hostile;
use crate::rig::{Rig, bytes_below, holds};
use crate::town::{Daemon, Town, done};

const CHAT: i64 = -1001;

/// A town whose chat got an alert by Telegram: the number of its message.
fn alerted(town: &Town) -> (Daemon<'_>, i64) {
    town.writes(100_001, 50, "В Кедрово горит дом");
    let mut daemon = town.start();
    let message = daemon.wait_for("an alert by bot", || Some(town.bot.messages().first()?.id));
    (daemon, message)
}

/// What the button with this title carries.
#[track_caller]
fn carries(rows: &[Vec<(String, String)>], title: &str) -> String {
    let found = rows.iter().flatten().find(|(it, _)| it.starts_with(title));
    found.unwrap_or_else(|| panic!("no button {title}: {rows:?}")).1.clone()
}

/// Presses and waits for the answer.
#[track_caller]
fn press(town: &Town, daemon: &mut Daemon<'_>, chat: i64, message: i64, data: &str) -> String {
    let query = town.bot.press(chat, message, data);
    daemon.wait_for("an answer to a press", || {
        town.bot.answers().into_iter().find(|(id, _)| *id == query).map(|(_, text)| text)
    })
}

fn nobody_is_named(town: &Town, log: &str) {
    assert!(!log.contains(PERSON) && !log.contains("canary_person"), "{log}");
    for (path, bytes) in bytes_below(&town.rig.path("store")) {
        for trace in [PERSON, "canary_person", "770077000777"] {
            assert!(!holds(&bytes, trace), "{trace} in {}", path.display());
        }
    }
}

#[test]
fn a_press_is_kept_answered_and_shown() {
    let town = Town::new();
    let (mut daemon, message) = alerted(&town);
    let buttons = || town.bot.buttons(message);
    let titles: Vec<String> = buttons().into_iter().flatten().map(|(title, _)| title).collect();
    assert_eq!(titles, ["В работу", "Решено", "Не наше → кому", "Полезно", "Шум"]);
    let taken = carries(&buttons(), "В работу");
    assert_eq!(press(&town, &mut daemon, CHAT, message, &taken), "Отмечено: взято в работу");
    let shown = daemon.wait_for("the mark under the message", || {
        buttons()[0][0].0.starts_with("✔ В работе, ").then(|| buttons()[0][0].0.clone())
    });
    assert!(shown.ends_with(" · Чат"), "{shown}");
    assert_eq!(press(&town, &mut daemon, CHAT, message, &taken), "Уже отмечено: взято в работу");

    // Somebody else's: first the list, then the choice.
    let whom = carries(&buttons(), "Не наше");
    assert_eq!(press(&town, &mut daemon, CHAT, message, &whom), "Кому передать?");
    let to = carries(&buttons(), "→ Дежурный");
    let back = carries(&buttons(), "← Назад");
    press(&town, &mut daemon, CHAT, message, &back);
    carries(&buttons(), "Решено");
    let handed = press(&town, &mut daemon, CHAT, message, &to);
    assert_eq!(handed, "Отмечено: не наше, передано: Дежурный");
    daemon.wait_for("who it was handed to", || {
        buttons()[0][0].0.contains("Чат → Дежурный").then_some(())
    });

    let marks = town.rig.export("marks");
    let words: Vec<(&Value, &Value)> = marks.iter().map(|it| (&it["mark"], &it["by"])).collect();
    assert_eq!(words, [(&json!("taken"), &json!("Чат")), (&json!("not_ours"), &json!("Чат"))]);
    assert_eq!((&marks[0]["channel"], &marks[1]["to"]), (&json!("telegram"), &json!("Дежурный")));
    let id = marks[0]["alert"].as_str().expect("an id");
    let receipts = done(&town.rig, &["alerts", "show", id]).out;
    assert!(receipts.contains(&format!("Telegram: принято, квитанция {message}")), "{receipts}");

    // A mark from the keyboard is shown as well.
    done(&town.rig, &["alerts", "ack", id, "--mark", "useful"]);
    daemon.wait_for("the other mark", || {
        buttons().iter().flatten().any(|(it, _)| it.starts_with("✔ Полезно")).then_some(())
    });
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    nobody_is_named(&town, &log);
}

#[test]
fn strangers_forgeries_and_failing_edits_do_no_harm() {
    let town = Town::new();
    let (mut daemon, message) = alerted(&town);
    let rows = town.bot.buttons(message);
    let (taken, noise) = (carries(&rows, "В работу"), carries(&rows, "Шум"));
    let strange = "Эта кнопка не для этого чата";
    assert_eq!(press(&town, &mut daemon, -4_242, message, &taken), strange);
    for payload in hostile().iter().filter(|it| it.len() < 1_000).take(60) {
        let text = press(&town, &mut daemon, CHAT, message, payload);
        assert!(text.contains("больше не действует"), "{payload:?}: {text}");
    }
    for (data, words) in [
        ("alert:a000000000000:taken", "уже нет"),
        ("alert:a000000000000:whom", "уже нет"),
        ("works:x:accept", "больше не действует"),
        ("alert:../..:taken", "больше не действует"),
    ] {
        let text = press(&town, &mut daemon, CHAT, message, data);
        assert!(text.contains(words), "{data}: {text}");
    }
    let gone = taken.replace("taken", "to.000000000000");
    assert!(press(&town, &mut daemon, CHAT, message, &gone).contains("выберите другого"));
    // Updates that are no updates are passed over.
    for odd in [
        json!({}),
        json!({ "callback_query": 5 }),
        json!({ "message": { "chat": [] } }),
        json!({ "callback_query": { "id": "query-0", "from": {} } }),
    ] {
        town.bot.tell(odd);
    }
    assert!(town.rig.export("marks").is_empty());

    // The message cannot be changed, the answer cannot be given: the mark is there.
    town.bot.fail_at("editMessageReplyMarkup", BotFault::TooMany(1));
    town.bot.fail_at("editMessageReplyMarkup", BotFault::Kicked);
    town.bot.fail_at("answerCallbackQuery", BotFault::TooOld);
    town.bot.press(CHAT, message, &noise);
    daemon.wait_for("a mark", || (town.rig.export("marks").len() == 1).then_some(()));
    daemon.wait_for("the place kept", || (town.bot.unheard() == 0).then_some(()));
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("no receiver's: refused") && !log.contains("4242"), "{log}");
    nobody_is_named(&town, &log);
}

#[test]
fn a_group_that_became_a_supergroup_is_still_the_receivers() {
    let town = Town::new();
    town.bot.fail_at("sendMessage", BotFault::Migrate(-100_222));
    let (mut daemon, message) = alerted(&town);
    assert_eq!(town.bot.messages()[0].chat, "-100222");
    let taken = carries(&town.bot.buttons(message), "В работу");
    assert!(press(&town, &mut daemon, -100_222, message, &taken).contains("взято в работу"));
    daemon.wait_for("the mark under the message", || {
        town.bot.buttons(message)[0][0].0.starts_with("✔").then_some(())
    });
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
}

#[test]
fn a_kill_between_the_mark_and_its_place_repeats_the_press_and_nothing_else() {
    let town = Town::new();
    let (mut daemon, message) = alerted(&town);
    let taken = carries(&town.bot.buttons(message), "В работу");
    town.bot.fail_at("answerCallbackQuery", BotFault::Hang);
    let query = town.bot.press(CHAT, message, &taken);
    daemon.wait_for("a mark", || (town.rig.export("marks").len() == 1).then_some(()));
    assert!(town.bot.unheard() > 0, "the place is kept behind the answer");
    drop(daemon);
    let mut daemon = town.start();
    let text = daemon.wait_for("the press once more", || {
        town.bot.answers().into_iter().find(|(id, _)| *id == query).map(|(_, text)| text)
    });
    assert_eq!(text, "Уже отмечено: взято в работу");
    assert_eq!(town.rig.export("marks").len(), 1);
    // Who else listens to the bot, or takes its updates away, is said where the operator looks.
    for (fault, words) in
        [(BotFault::Conflict, "ещё одна программа"), (BotFault::Webhook, "webhook")]
    {
        town.bot.fail_at("getUpdates", fault);
        daemon.wait_for("what is wrong", || {
            done(&town.rig, &["status"]).out.contains(words).then_some(())
        });
        drop(daemon);
        daemon = town.start();
        daemon.wait_for("that it is over", || {
            (!done(&town.rig, &["status"]).out.contains(words)).then_some(())
        });
    }
    let (code, log) = daemon.stop();
    assert_eq!(code, Some(0), "{log}");
}

/// The code that `receivers invite` prints.
#[track_caller]
fn invited(rig: &Rig, name: &str) -> String {
    let out = done(rig, &["receivers", "invite", name]).out;
    let code = out.lines().find_map(|line| line.split_once("/start ")).expect("a code").1;
    assert!(out.contains("@otklik_local_bot"), "{out}");
    code.to_owned()
}

#[test]
fn a_chat_joins_a_receiver_by_a_code_and_is_told_from_then_on() {
    let town = Town::new();
    let rig = &town.rig;
    let mut daemon = town.start();
    let code = invited(rig, "Дежурный");
    let to = |chat: &str| {
        let all = town.bot.messages().into_iter().filter(move |it| it.chat == chat);
        all.map(|it| it.text).collect::<Vec<_>>()
    };
    town.bot.says(500, "private", "/start");
    daemon.wait_for("a hint", || to("500").first()?.contains("код приглашения").then_some(()));
    town.bot.says(500, "private", &format!("/start {}", code.to_lowercase()));
    daemon.wait_for("a welcome", || {
        (to("500").last()? == "Готово: сюда придут оповещения для «Дежурный».").then_some(())
    });
    // The same code is no good for anybody else; five wrong ones are answered, the sixth is not.
    for _ in 0..6 {
        town.bot.says(600, "private", &code);
    }
    town.bot.says(500, "private", &code);
    daemon.wait_for("all heard", || (town.bot.unheard() == 0).then_some(()));
    daemon.wait_for("all answered", || (to("500").len() == 3).then_some(()));
    let answers = to("600");
    assert_eq!(answers.len(), 5, "{answers:?}");
    assert!(answers.iter().all(|text| text.contains("Код не подошёл")));

    town.writes(100_001, 3, "В Кедрово горит дом");
    daemon.look_again();
    daemon.wait_for("the alert there too", || to("500").last()?.contains("Пожар").then_some(()));
    daemon.wait_for("and by mail", || (!town.smtp.mails().is_empty()).then_some(()));
    let message = town.bot.messages().into_iter().rfind(|it| it.chat == "500").expect("one").id;
    let taken = carries(&town.bot.buttons(message), "В работу");
    assert!(press(&town, &mut daemon, 500, message, &taken).contains("взято в работу"));
    assert_eq!(rig.export("marks")[0]["by"], "Дежурный");

    let listed = done(rig, &["receivers"]).out;
    assert!(listed.contains("чат по приглашению") && listed.contains("d@example.org"), "{listed}");
    let ended = done(rig, &["receivers", "test"]);
    assert_eq!(ended.out.matches("принято").count(), 3, "{ended:?}");
    assert!(to("500").last().expect("one").starts_with("ПРОВЕРКА"));
    town.bot.fail_chat("-1001", BotFault::Blocked);
    let ended = rig.run(&["receivers", "test", "Чат"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.out.contains("не принято: Получатель заблокировал бота"), "{ended:?}");

    assert!(done(rig, &["receivers", "forget", "Дежурный", "telegram"]).out.contains("Отключено"));
    assert!(!done(rig, &["receivers"]).out.contains("чат по приглашению"));
    assert_eq!(rig.run(&["receivers", "forget", "Дежурный", "telegram"]).code, 1);
    assert!(press(&town, &mut daemon, 500, message, &taken).contains("не для этого чата"));
    let (exit, log) = daemon.stop();
    assert_eq!(exit, Some(0), "{log}");
    assert!(!log.contains(&code) && !log.contains(&code.replace('-', "")), "{log}");
    for (path, bytes) in bytes_below(&rig.path("store")) {
        assert!(!holds(&bytes, &code.replace('-', "")), "the code in {}", path.display());
    }
    nobody_is_named(&town, &log);
}

#[test]
fn max_is_heard_changed_and_joined_unless_its_bot_reads_too() {
    let town = Town::new();
    let rig = &town.rig;
    let token = "CANARYmaxTOKEN0123456789";
    let gate = town.runtime.block_on(LocalGate::start(Service::Max, token)).expect("a socket");
    let path = rig.write("config/maxbot", token);
    let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, own).expect("set");
    rig.add(
        "config/otklik.toml",
        &format!("[max_bot]\napi_url = \"{}\"\ntoken = {{ file = \"maxbot\" }}\n", gate.url()),
    );
    rig.add(
        "config/routes.toml",
        "[[receiver]]\nname = \"МЦУ\"\nmax_chat = -700\nmin_level = \"low\"\n",
    );
    town.writes(100_001, 50, "В Кедрово горит дом");
    let mut daemon = town.start();
    daemon.wait_for("an alert over MAX", || (!gate.messages().is_empty()).then_some(()));
    gate.fail_updates(GateFault::TooMany(1));
    let taken = carries(&gate.buttons("mid.1"), "В работу");
    for (chat, words) in [(-700, "взято в работу"), (-7, "не для этого чата")]
    {
        let query = gate.press(chat, "mid.1", &taken);
        let text = daemon.wait_for("an answer", || {
            gate.answers().into_iter().find(|(id, _)| *id == query).map(|(_, text)| text)
        });
        assert!(text.contains(words), "{text}");
    }
    daemon.wait_for("the mark under the message", || {
        gate.buttons("mid.1")[0][0].0.starts_with("✔ В работе").then_some(())
    });
    assert!(gate.messages()[0].text.contains("Пожар"), "the text stays");
    assert_eq!(rig.export("marks")[0]["channel"], "max");
    gate.tell(json!({ "update_type": "message_callback" }));
    let code = done(rig, &["receivers", "invite", "МЦУ"]).out;
    let code = code.lines().find_map(|line| line.strip_prefix("MAX")?.split_once("/start "));
    gate.says(55, "dialog", code.expect("a code").1);
    daemon.wait_for("a welcome", || {
        gate.messages().iter().any(|it| it.to == "55" && it.text.contains("Готово")).then_some(())
    });
    let (exit, log) = daemon.stop();
    assert_eq!(exit, Some(0), "{log}");
    nobody_is_named(&town, &log);

    // One bot for both would take the updates away from the reading: it shows no buttons and says
    // so.
    rig.add(
        "config/otklik.toml",
        &format!(
            "[platforms.max]\napi_url = \"{}\"\ntoken = {{ file = \"maxbot\" }}\n",
            gate.url()
        ),
    );
    let mut daemon = town.start();
    daemon.wait_for("that it says so", || {
        done(rig, &["status"]).out.contains("второго бота").then_some(())
    });
    let (_, log) = daemon.stop();
    assert!(log.contains("один и тот же бот"), "{log}");
}

#[test]
fn a_later_message_of_the_conversation_takes_the_buttons_over() {
    let town = Town::new();
    let (mut daemon, first) = alerted(&town);
    let taken = carries(&town.bot.buttons(first), "В работу");
    press(&town, &mut daemon, CHAT, first, &taken);
    done(
        &town.rig,
        &["problems", "close", town.rig.export("problems")[0]["id"].as_str().expect("id")],
    );
    town.writes(100_002, 1, "В Кедрово горит дом, опять");
    daemon.look_again();
    let second = daemon.wait_for("a second message", || {
        town.bot.messages().into_iter().find(|it| it.answers == Some(first)).map(|it| it.id)
    });
    daemon.wait_for("the first one without its buttons", || {
        let rows = town.bot.buttons(first);
        rows.iter().flatten().any(|(it, _)| it.starts_with("↓")).then_some(())
    });
    let rows = town.bot.buttons(first);
    assert!(rows[0][0].0.starts_with("✔ В работе") && rows.len() == 2, "{rows:?}");
    carries(&town.bot.buttons(second), "В работу");
    let (exit, log) = daemon.stop();
    assert_eq!(exit, Some(0), "{log}");
}
