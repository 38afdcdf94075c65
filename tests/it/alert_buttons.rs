//! Which buttons stand under an alert, by what was answered.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use otklik::alert::buttons::{choices, chosen, under};
use otklik::config::routes::{KnownNames, Routes, parse};
use otklik::model::{Keyboard, Mark, Marked, Tap};

use crate::alert_render::alert;
use crate::payloads::hostile;

fn zone() -> TimeZone {
    TimeZone::get("Asia/Irkutsk").unwrap()
}

fn marked(by: &str, mark: Mark, to: Option<&str>, hours: i64) -> Marked {
    let at: Timestamp = "2026-11-20T06:35:00Z".parse().unwrap();
    Marked {
        alert: alert().id,
        problem: alert().problem,
        by: by.to_owned(),
        channel: None,
        at: at + SignedDuration::from_hours(hours),
        mark,
        to: to.map(str::to_owned),
        lexicon: "hash".to_owned(),
        rules: Vec::new(),
    }
}

fn titles(keyboard: &Keyboard) -> Vec<String> {
    let row = |row: &Vec<otklik::model::Button>| {
        row.iter().map(|button| button.title.as_str()).collect::<Vec<_>>().join(" | ")
    };
    keyboard.iter().map(row).collect()
}

#[track_caller]
fn check(marks: &[Marked], receiver: &str, overtaken: bool, expected: &[&str]) {
    let keyboard = under(&alert(), marks, receiver, &zone(), overtaken);
    assert_eq!(titles(&keyboard), expected);
    bounded(&keyboard);
}

fn bounded(keyboard: &Keyboard) {
    for button in keyboard.iter().flatten() {
        assert_eq!(Tap::read(&button.tap.text()).as_ref(), Some(&button.tap));
        assert!((1..=60).contains(&button.title.chars().count()), "{}", button.title);
    }
}

#[test]
fn buttons_follow_what_was_answered() {
    let judge = "Полезно | Шум";
    check(&[], "МЦУ", false, &["В работу | Решено", "Не наше → кому", judge]);
    let taken = marked("МЦУ, дежурный", Mark::Taken, None, 0);
    let line = "✔ В работе, 14:35 · МЦУ, дежурный";
    check(std::slice::from_ref(&taken), "МЦУ", false, &[line, "Решено | Не наше → кому", judge]);
    let useful = marked("ЕДДС", Mark::Useful, None, 24);
    let said = "✔ Полезно, 21 ноября, 14:35 · ЕДДС";
    let both = [taken.clone(), useful.clone()];
    check(&both, "МЦУ", false, &[line, said, "Решено | Не наше → кому"]);
    check(&both, "МЦУ", true, &[line, said, "↓ Есть новое сообщение ниже"]);
    let solved = marked("МЦУ", Mark::Solved, None, 1);
    check(&[taken, solved], "МЦУ", false, &["✔ Решено, 15:35 · МЦУ", "Вернуть в работу", judge]);

    // Who says «не наше» is asked no more whose it is; the others are.
    let other = marked("МЦУ", Mark::NotOurs, Some("Отдел ЖКХ"), 0);
    let line = "✔ Не наше, 14:35 · МЦУ → Отдел ЖКХ";
    check(std::slice::from_ref(&other), "МЦУ", false, &[line, "В работу | Решено", judge]);
    let rows = [line, "В работу | Решено", "Не наше → кому", judge];
    check(&[other], "Отдел ЖКХ", false, &rows);
}

fn routes(names: &[&str]) -> Routes {
    let table = |name: &&str| {
        let name = serde_json::to_string(name).unwrap();
        format!("[[receiver]]\nname = {name}\nemail = \"a@example.org\"\n")
    };
    let text: String = names.iter().map(table).collect();
    parse("routes.toml".as_ref(), &text, &KnownNames::default()).unwrap().0
}

#[test]
fn everybody_else_can_be_chosen_and_is_found_again() {
    let routes = routes(&["МЦУ, дежурный", "Отдел ЖКХ", "ЕДДС"]);
    let keyboard = choices(&alert(), &routes, "МЦУ, дежурный");
    bounded(&keyboard);
    assert_eq!(titles(&keyboard), ["→ Отдел ЖКХ", "→ ЕДДС", "Не знаю кому | ← Назад"]);
    assert_eq!(chosen(&routes, &keyboard[0][0].tap.word), Some("Отдел ЖКХ"));
    for word in ["to.", "to.000000000000", "taken", ""] {
        assert_eq!(chosen(&routes, word), None, "{word}");
    }
}

#[test]
fn no_name_breaks_a_button() {
    for name in hostile() {
        let marks = [marked(&name, Mark::NotOurs, Some(&name), 0)];
        bounded(&under(&alert(), &marks, "МЦУ", &zone(), false));
    }
}
