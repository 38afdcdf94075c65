//! Answers to alerts: by keyboard, kept with what the alert was made of, exported, shown.

use serde_json::{Value, json};

use crate::rig::Rig;

/// A rig with one alert of two posts; returns its id.
fn with_alert() -> (Rig, String) {
    let rig = Rig::new();
    rig.write(
        "config/routes.toml",
        "[departments]\njkh = [\"Отдел ЖКХ\"]\n\
         [[receiver]]\nname = \"МЦУ\"\nemail = \"mcu@example.org\"\nmin_level = \"low\"\n\
         [[receiver]]\nname = \"Отдел ЖКХ\"\nemail = \"jkh@example.org\"\nmin_level = \"low\"\n",
    );
    let line = |id: &str, at: &str| {
        json!({ "id": id, "source": "s", "author": id, "published": at,
                "text": "В Кедрово горит дом" })
    };
    rig.import(&[line("1", "2026-11-20T02:00:00Z"), line("2", "2026-11-20T02:01:00Z")], 0);
    let id = rig.export("alerts")[0]["id"].as_str().expect("an id").to_owned();
    (rig, id)
}

#[track_caller]
fn answer(rig: &Rig, id: &str, more: &[&str]) -> String {
    let ended = rig.run(&[&["alerts", "ack", id], more].concat());
    assert_eq!(ended.code, 0, "{more:?}: {ended:?}");
    ended.out
}

#[test]
fn marks_are_kept_once_with_their_rules_and_exported() {
    let (rig, id) = with_alert();
    assert!(answer(&rig, &id, &[]).contains("Отмечено: взято в работу"));
    assert!(answer(&rig, &id, &[]).contains("Уже отмечено: взято в работу"));
    assert!(answer(&rig, &id, &["--mark", "useful"]).contains("полезно"));
    let handed = answer(&rig, &id, &["--mark", "not-ours", "--to", "jkh"]);
    assert!(handed.contains("не наше, передано: jkh"), "{handed}");
    let marks = rig.export("marks");
    assert_eq!(marks.len(), 3, "{marks:?}");
    let words: Vec<&Value> = marks.iter().map(|row| &row["mark"]).collect();
    assert_eq!(words, [&json!("taken"), &json!("useful"), &json!("not_ours")]);
    assert_eq!(marks[2]["to"], "jkh");
    for row in &marks {
        assert_eq!((&row["alert"], &row["by"]), (&json!(id), &json!("operator")));
        let posts = row["rules"][0]["posts"].as_u64().expect("a number");
        assert!((1..=2).contains(&posts), "only what was there when it was decided: {row}");
        let rule = json!([{ "rule": "fire:burning", "points": 90, "posts": posts }]);
        assert_eq!(row["rules"], rule, "{row}");
        assert!(!row["lexicon"].as_str().expect("a hash").is_empty());
    }
    let csv = rig.run(&["export", "marks", "--format", "csv"]).out;
    assert!(csv.starts_with("alert,problem,mark,by,channel,to,at,lexicon,rules\n"), "{csv}");
    assert!(csv.contains("fire:burning"), "{csv}");
    let sheet = rig.path("marks.xlsx");
    let sheet = sheet.to_string_lossy();
    assert_eq!(rig.run(&["export", "marks", "--format", "xlsx", "-o", &sheet]).code, 0);

    // Who was meant by the department has a message now, once.
    let queued = rig.export("deliveries");
    let to = |name: &str| queued.iter().filter(|row| row["receiver"] == name).count();
    assert_eq!((to("Отдел ЖКХ"), to("МЦУ")), (1, 1), "{queued:?}");
    let shown = rig.run(&["alerts", "show", &id]).out;
    assert!(shown.contains("operator: взято в работу"), "{shown}");
    assert!(shown.contains("operator: не наше → jkh"), "{shown}");

    // Who thinks otherwise is heard: the last answer counts.
    assert!(answer(&rig, &id, &[]).contains("Отмечено: взято в работу"));
    let marks = rig.export("marks");
    assert_eq!((marks.len(), &marks[2]["mark"]), (3, &json!("taken")), "{marks:?}");
    assert!(answer(&rig, &id, &["--mark", "useful"]).contains("Уже отмечено"));
}

#[test]
fn a_solved_problem_is_closed_and_comes_back_with_a_new_complaint() {
    let (rig, id) = with_alert();
    assert!(answer(&rig, &id, &["--mark", "solved"]).contains("проблема закрыта"));
    assert_eq!(rig.export("problems")[0]["state"], "closed");
    answer(&rig, &id, &["--mark", "noise"]);
    let line = json!({ "id": "3", "source": "s", "author": "9", "text": "В Кедрово горит дом",
                       "published": "2026-11-21T02:00:00Z" });
    rig.import(&[line], 0);
    let problems = rig.export("problems");
    assert_eq!((problems.len(), &problems[0]["state"]), (1, &json!("reopened")), "{problems:?}");
}

#[test]
fn what_cannot_be_answered_is_refused() {
    let (rig, id) = with_alert();
    for (args, words) in [
        (vec!["a000000000000"], "Нет оповещения"),
        (vec![id.as_str(), "--to", "jkh"], "только вместе"),
        (vec![id.as_str(), "--mark", "not-ours", "--to", "Никто"], "«Никто»"),
    ] {
        let ended = rig.run(&[&["alerts", "ack"], args.as_slice()].concat());
        assert!(ended.code == 1 && ended.err.contains(words), "{args:?}: {ended:?}");
    }
    assert!(rig.export("marks").is_empty());
    assert_eq!(rig.run(&["alerts", "ack", &id, "--mark", "liked"]).code, 2);
}

#[test]
fn open_work_goes_to_another_with_a_trail() {
    let (rig, id) = with_alert();
    rig.write("config/duty.toml", "[tokens]\n\"smtp.password\" = \"МЦУ\"\n");
    let routes = rig.path("config/routes.toml");
    let before = std::fs::read_to_string(&routes).expect("written");
    rig.write(
        "config/routes.toml",
        &format!("{before}[[receiver]]\nname = \"Замена\"\nemail = \"z@example.org\"\n"),
    );
    // Taken at the keyboard by a role that is no receiver: it stays where it is.
    answer(&rig, &id, &[]);
    let ended = rig.run(&["duty", "handover", "МЦУ", "--to", "Замена"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("В работе ничего не было"), "{ended:?}");
    assert!(ended.out.contains("замените их: smtp.password"), "{ended:?}");
    for (from, to, words) in
        [("Никто", "МЦУ", "«Никто»"), ("МЦУ", "МЦУ", "тот же"), ("МЦУ", "Никто", "«Никто»")]
    {
        let ended = rig.run(&["duty", "handover", from, "--to", to]);
        assert!(ended.code == 1 && ended.err.contains(words), "{from} {to}: {ended:?}");
    }
}
