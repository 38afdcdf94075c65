//! `evaluate` on small files whose figures are worked out by hand.

use std::io::Write as _;

use serde_json::Value;

use super::Desk;

/// Right: 1, 2, 4, 6, 9. Row 3 is taken for water, 5 (once covid) and 7 are not found as labelled,
/// 8 has no label, the last line is broken.
const ROWS: &str = r#"{"id":"1","text":"Батареи холодные","t":"heating"}
{"id":"2","text":"Котельная встала","t":"heating","kind":"anything"}
{"id":"3","text":"Вода ржавая, котельная молчит","t":"heating"}
{"id":"4","text":"Вода ржавая","t":"water"}
{"id":5,"text":"Вода в больнице","t":"covid"}
{"text":"Добрый день","t":"other"}
{"id":"7","text":"Добрый   день,\nсоседи, звоните 89021234567","t":"water"}
{"id":"8","text":"Вода","t":null}

{"id":"9","text":"Позор","t":"other"}
{"id":"10","text":
"#;

fn near(found: &Value, expected: f64) -> bool {
    found.as_f64().is_some_and(|found| (found - expected).abs() < 0.000_1)
}

fn row<'a>(report: &'a Value, list: &str, key: &str, name: &str) -> &'a Value {
    let rows = report[list].as_array().expect("a list");
    rows.iter().find(|row| row[key] == name).unwrap_or_else(|| panic!("no {name} in {report}"))
}

#[test]
fn topics_are_measured_by_hand() {
    let desk = Desk::new("");
    desk.write("rows.jsonl", ROWS);
    let args =
        ["evaluate", "rows.jsonl", "--label", "t", "--min-rows", "2", "--json", "--errors", "9"];
    let (code, report) = desk.json(&args);
    assert_eq!(code, 3, "a broken line is counted, the rest goes on");
    for (key, expected) in [("rows", 9), ("unlabelled", 1), ("rejected", 1), ("macro_topics", 3)] {
        assert_eq!(report[key], expected, "{key}");
    }
    let accuracy = &report["accuracy"];
    assert!(near(&accuracy["value"], 5.0 / 8.0), "{report}");
    assert!(near(&accuracy["low"], 0.3057) && near(&accuracy["high"], 0.8632), "{accuracy}");
    assert!(near(&report["macro_f1"], (0.8 + 0.4 + 0.8) / 3.0), "{report}");
    for (topic, rows, right, extra, missed, f1) in [
        ("heating", 3, 2, 0, 1, 0.8),
        ("water", 2, 1, 2, 1, 0.4),
        ("other", 2, 2, 1, 0, 0.8),
        ("healthcare", 1, 0, 0, 1, 0.0),
    ] {
        let found = row(&report, "topics", "topic", topic);
        let counts = [&found["rows"], &found["right"], &found["extra"], &found["missed"]];
        assert_eq!(counts, [rows, right, extra, missed], "{topic}");
        assert!(near(&found["f1"]["value"], f1), "{topic}: {found}");
    }
    let heating = row(&report, "topics", "topic", "heating");
    assert!(near(&heating["precision"]["value"], 1.0), "{heating}");
    // Wilson for 2 of 3: 0.2077–0.9385.
    assert!(near(&heating["recall"]["low"], 0.2077), "{heating}");
    assert!(near(&heating["recall"]["high"], 0.9385), "{heating}");
    assert_eq!(row(&report, "topics", "topic", "healthcare")["precision"], Value::Null);

    let tap = &report["rules"][0];
    assert_eq!((&tap["rule"], &tap["matched"]), (&"water:tap".into(), &3.into()));
    assert_eq!((&tap["right"], &tap["spoiled"]), (&1.into(), &2.into()));
    assert_eq!(report["confusions"][0]["rows"], 1);

    let errors = report["errors"].as_array().expect("errors");
    let shown: Vec<(&str, &str, &str)> = errors
        .iter()
        .map(|e| (&e["id"], &e["wanted"], &e["got"]))
        .filter_map(|(id, wanted, got)| Some((id.as_str()?, wanted.as_str()?, got.as_str()?)))
        .collect();
    let expected =
        [("3", "heating", "water"), ("5", "healthcare", "water"), ("7", "water", "other")];
    assert_eq!(shown, expected);
    assert_eq!(errors[2]["text"], "Добрый день, соседи, звоните [телефон]");
}

#[test]
fn threads_and_packing_change_nothing() {
    let desk = Desk::new("");
    desk.write("rows.jsonl", &ROWS.repeat(40));
    let file = std::fs::File::create(desk.path().join("rows.jsonl.gz")).expect("create");
    let mut gz = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    gz.write_all(ROWS.repeat(40).as_bytes()).expect("write");
    gz.finish().expect("finish");
    let run = |file: &str, threads: &str| {
        let date = ["--date", "2026-01-15"];
        let args = ["evaluate", file, "--label", "t", "--threads", threads, "--json"];
        let (code, mut report) = desk.json(&[&args[..], &date].concat());
        assert_eq!((code, &report["rows"]), (3, &360.into()));
        assert_eq!(report["date"], "2026-01-15");
        report["file"] = Value::Null;
        report
    };
    let one = run("rows.jsonl", "1");
    assert_eq!(one, run("rows.jsonl", "4"));
    assert_eq!(one, run("rows.jsonl.gz", "2"));
}

#[test]
fn a_flag_is_told_apart_by_the_score() {
    let desk = Desk::new("");
    // Pairs of a true and a false row: the fire wins both, the greeting ties both: 3 of 4.
    desk.write(
        "rows.jsonl",
        r#"{"id":"1","text":"Пожар, горит дом, внутри дети","hazard":true}
{"id":"2","text":"Добрый день","hazard":true}
{"id":"3","text":"Добрый день","hazard":false}
{"id":"4","text":"Добрый день","hazard":false}
{"id":"5","text":"Пожар","hazard":null}
"#,
    );
    let args = ["evaluate", "rows.jsonl", "--label", "hazard", "--json", "--errors", "5"];
    let (code, report) = desk.json(&args);
    assert_eq!((code, &report["mode"]), (0, &"flag".into()));
    assert!(near(&report["auc"]["value"], 0.75), "{report}");
    assert_eq!((&report["true_rows"], &report["false_rows"]), (&2.into(), &2.into()));
    assert!(near(&report["true_high"]["value"], 0.5), "{report}");
    assert!(near(&report["false_high"]["value"], 0.0), "{report}");
    let errors = report["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1);
    assert_eq!((&errors[0]["id"], &errors[0]["got"]), (&"2".into(), &"low 0 (без темы)".into()));
    let (_, out, _) = desk.otklik(&["evaluate", "rows.jsonl", "--label", "hazard"]);
    assert!(out.contains("AUC по risk.score: 0,750"), "{out}");
}

#[test]
fn without_a_label_levels_are_counted() {
    let desk = Desk::new("");
    let rows =
        "{\"text\":\"Добрый день\"}\n".repeat(3) + "{\"text\":\"Пожар, горит дом, внутри дети\"}\n";
    desk.write("rows.jsonl", &rows);
    for label in [&[][..], &["--label", "none"]] {
        let args = [&["evaluate", "rows.jsonl", "--json", "--errors", "1"], label].concat();
        let (code, report) = desk.json(&args);
        assert_eq!((code, &report["mode"]), (0, &"levels".into()));
        assert_eq!(report["levels"][0]["rows"], 3);
        assert!(near(&report["levels"][0]["share"]["value"], 0.75), "{report}");
        assert_eq!(report["errors"][0]["id"], "4", "the row at high or above is shown");
    }
}

#[test]
fn languages_are_measured_where_the_labels_are_languages() {
    let desk = Desk::new("");
    desk.write(
        "rows.jsonl",
        r#"{"id":"1","text":"Сегодня хорошая погода, мы идём в школу","l":"rus"}
{"id":"2","text":"Би мүнөөдэр һургуулида ошоноб, үдэшэ гэртээ ерэхэб","l":"bua"}
"#,
    );
    let (code, report) = desk.json(&["evaluate", "rows.jsonl", "--label", "l", "--json"]);
    assert_eq!((code, &report["mode"]), (0, &"languages".into()));
    assert!(near(&report["accuracy"]["value"], 1.0), "{report}");
}

#[test]
fn labels_may_stand_apart_from_the_texts() {
    let desk = Desk::new("");
    desk.write("rows.jsonl", "{\"id\":\"a\",\"text\":\"Вода\"}\n{\"id\":2,\"text\":\"Вода\"}\n");
    desk.write("labels.csv", "# id,code\na,water\n\n2\theating\n3;heating\n");
    let args = ["evaluate", "rows.jsonl", "--labels", "labels.csv", "--json"];
    let (code, report) = desk.json(&args);
    assert_eq!((code, &report["label"]), (0, &"labels.csv".into()));
    assert!(near(&report["accuracy"]["value"], 0.5), "{report}");
    desk.write("labels.csv", "a,water\nheating\n");
    let (code, _, err) = desk.otklik(&args);
    assert!(code == 1 && err.contains("labels.csv:2: нужны номер записи"), "{err}");
}

#[test]
fn what_cannot_be_measured_is_said() {
    let desk = Desk::new("");
    desk.write("rows.jsonl", "{\"text\":\"а\",\"a\":true}\n{\"text\":\"б\",\"a\":\"water\"}\n");
    let check = |args: &[&str], code: i32, part: &str| {
        let (found, _, err) = desk.otklik(args);
        assert_eq!(found, code, "{args:?}: {err}");
        assert!(err.contains(part), "{args:?}: {err}");
    };
    check(&["evaluate", "rows.jsonl", "--label", "b"], 1, "ни у одной строки нет этой метки");
    check(&["evaluate", "rows.jsonl", "--label", "a"], 1, "и словом, и true/false");
    check(&["evaluate", "absent.jsonl"], 1, "absent.jsonl");
    check(&["evaluate", "rows.jsonl", "--date", "вчера"], 2, "вчера");
    desk.edit("keywords/water.toml", "вода'", "\"вода'");
    check(&["evaluate", "rows.jsonl"], 78, "keywords/water.toml:7:");
}
