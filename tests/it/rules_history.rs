//! Sets of rules that went live: who and why, the way back, a start with bad files, and what an
//! edit would have told.

use otklik::model::CommandKind;
use serde_json::Value;

use crate::rig::{PACKS, Rig};
use crate::town::{Town, done};

const FIRE: &str = "words/fire.toml";

/// The pack of fires, as it would be without houses.
fn huts() -> String {
    PACKS[1]
        .1
        .replace("горит дом", "горит изба")
        .replace("Горит дом", "Горит изба")
        .replace("text = \"Дом горит!\"", "text = \"Изба горит!\"")
}

fn history(rig: &Rig) -> Vec<Value> {
    rig.run(&["packs", "history", "--json"]).rows(0)
}

#[test]
fn a_bad_folder_at_the_start_leaves_the_last_good_rules() {
    let town = Town::new();
    let rig = &town.rig;
    rig.add("config/routes.toml", "operator = true\n");
    town.writes(100_001, 50, "В Кедрово горит дом");
    let mut daemon = town.start();
    daemon.wait_for("a problem", || (rig.export("problems").len() == 1).then_some(()));
    let same = rig.run(&["packs", "backtest", "--json"]).rows(0).remove(0);
    assert_eq!((&same["same"], same["won"].as_array().map(Vec::len)), (&1.into(), Some(0)));

    // An edit with its reason.
    rig.write(FIRE, &huts());
    let reply = daemon.ask(CommandKind::Reload { why: Some("просьба МЦУ".to_owned()) });
    assert!(reply.done, "{reply:?}");
    let rows = history(rig);
    assert_eq!(rows[0]["reason"], "просьба МЦУ");
    let first = rows.last().expect("the start")["version"].as_str().expect("a version").to_owned();
    assert_eq!(rows.last().expect("the start")["reason"], "запуск службы");
    // A bad edit is told once, with its place, and so is its end.
    let told = |text: &str| {
        town.bot.messages().iter().filter(|message| message.text.contains(text)).count()
    };
    let fault = "нет закрывающей кавычки";
    rig.add(FIRE, "[[rule]]\nfind = '\"не закрыта'\n");
    daemon.wait_for("the fault", || (told(fault) == 1 && told("fire.toml:") == 1).then_some(()));
    rig.write(FIRE, &huts());
    daemon.wait_for("its end", || (told("Правила исправлены") == 1).then_some(()));
    assert_eq!(told(fault), 1);
    daemon.stop();

    // Broken while nobody ran: the daemon starts with what was good last, and says so.
    rig.add(FIRE, "[[rule]]\nfind = '\"не закрыта'\n");
    let mut daemon = town.start();
    let told = done(rig, &["status"]).out;
    assert!(told.contains("fire.toml:") && told.contains("действует набор"), "{told}");
    assert!(daemon.log().contains("нет закрывающей кавычки"), "{}", daemon.log());
    town.writes(100_002, 40, "В Соснягино горит изба");
    daemon.look_again();
    daemon.wait_for("a second problem", || (rig.export("problems").len() == 2).then_some(()));

    // The way back.
    let back = done(rig, &["packs", "rollback", &first[..8], "--why", "вернуть дома"]).out;
    assert!(back.contains("изменено файлов: 1") && back.contains("перечитаны"), "{back}");
    let text = std::fs::read_to_string(rig.path(FIRE)).expect("read");
    assert_eq!(text, PACKS[1].1);
    let rows = history(rig);
    assert_eq!((&rows[0]["reason"], &rows[0]["version"]), (&"вернуть дома".into(), &first.into()));
    assert!(!done(rig, &["status"]).out.contains("fire.toml"));
    daemon.stop();

    // What the edit would tell, before it goes live.
    rig.write(FIRE, &huts());
    let found = rig.run(&["packs", "backtest", "--json"]).rows(0).remove(0);
    let places = |list: &str| found[list][0]["place"].as_str().expect("a place").to_owned();
    assert_eq!((&*places("won"), &*places("lost")), ("sosnyagino", "kedrovo"), "{found}");
    assert_eq!(found["won"][0]["receivers"].as_array().expect("names").len(), 2);
    let text = done(rig, &["packs", "backtest"]).out;
    assert!(text.contains("Появятся: 1") && text.contains("«В Соснягино горит изба»"), "{text}");
    let lines = rig.run(&[
        "packs",
        "diff",
        "--against",
        &history(rig)[0]["version"].as_str().expect("a version")[..6],
    ]);
    assert!(
        lines.out.contains("~ rule:burning find: \"горит дом\"~3 → \"горит изба\"~3"),
        "{lines:?}"
    );
}
