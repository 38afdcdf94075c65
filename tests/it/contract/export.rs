//! `export` to the letter of DESIGN 6.7: order, columns, masking, nothing lost, nothing doubled.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{points, post};
use crate::rig::{Ended, Rig};

fn keys(row: &Value) -> BTreeSet<&str> {
    row.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn told(id: &str, source: &str, at: &str, author: &str, text: &str) -> Value {
    json!({ "id": id, "source": source, "published": at, "author": author, "text": text })
}

/// Three people about heating in one place, two about a fire in another, one word to the authorities.
fn story(rig: &Rig) {
    let lines = [
        told("b", "z", "2026-11-20T01:00:00Z", "p1", "В Кедрово нет отопления, кв. 7"),
        told(
            "a",
            "z",
            "2026-11-20T01:00:00Z",
            "p2",
            "Кедрово, ледяные батареи! Администрация спит",
        ),
        told("c", "y", "2026-11-20T01:00:00Z", "p3", "Нет отопления, Кедрово, тел. 89140000000"),
        told("d", "z", "2026-11-20T03:00:00Z", "p4", "В Соснягино горит дом!"),
        told("e", "z", "2026-11-19T03:00:00Z", "p5", "Доброе утро"),
    ];
    rig.import(&lines, 0);
}

#[test]
fn posts_come_by_time_source_and_id_with_both_halves() {
    let rig = Rig::new();
    story(&rig);
    let rows = rig.export("posts");
    let order: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(order, ["e", "c", "a", "b", "d"]);
    for row in &rows {
        let text = row["text"].as_str().expect("a text");
        for found in row["topics"].as_array().expect("topics") {
            assert_ne!(found["kind"], "attitude", "{row}");
            for hit in found["matches"].as_array().expect("matches") {
                let part = hit["text"].as_str().expect("words");
                let span = (hit["start"].as_u64(), hit["end"].as_u64());
                let (start, end) = points(text, part);
                assert_eq!(span, (Some(start), Some(end)), "spans are of the exported text: {row}");
            }
        }
        for field in ["author", "voice", "voices", "own_name"] {
            assert!(row.get(field).is_none(), "{field} in {row}");
        }
        assert!(!row.to_string().contains("regard"), "{row}");
        assert!(!row.to_string().contains("8914"), "{row}");
    }
    let heating = rig.export("problems").iter().find(|row| row["topic"] == "heating").cloned();
    let id = heating.expect("a problem")["id"].clone();
    for row in rows.iter().filter(|row| ["a", "b", "c"].contains(&row["id"].as_str().unwrap_or("")))
    {
        assert_eq!((&row["problem"], &row["problems"]), (&id, &json!([id])), "{row}");
    }
    assert_eq!((&rows[0]["problem"], &rows[0]["problems"]), (&Value::Null, &json!([])));
}

#[test]
fn problems_alerts_and_deliveries_have_the_named_columns() {
    let rig = Rig::new();
    rig.write(
        "config/routes.toml",
        "[[receiver]]\nname = \"Дежурный\"\nemail = \"d@example.org\"\nmin_level = \"low\"\n",
    );
    story(&rig);
    let problems = rig.export("problems");
    assert_eq!(problems.len(), 2);
    let columns = ["id", "topic", "place", "level", "state", "opened", "last", "posts", "voices"];
    for row in &problems {
        assert_eq!(keys(row), BTreeSet::from(columns), "{row}");
    }
    assert_eq!(problems[0]["topic"], "heating");
    assert_eq!((&problems[0]["posts"], &problems[0]["voices"]), (&json!(3), &json!(3)));
    assert_eq!(problems[0]["opened"], "2026-11-20T01:00:00Z");
    let alerts = rig.export("alerts");
    assert!(!alerts.is_empty());
    for row in &alerts {
        assert_eq!(keys(row), BTreeSet::from(["id", "problem", "reason", "at"]), "{row}");
    }
    let deliveries = rig.export("deliveries");
    assert_eq!(deliveries.len(), alerts.len());
    for row in &deliveries {
        for (field, value) in
            [("receiver", "Дежурный"), ("channel", "email"), ("state", "suppressed")]
        {
            assert_eq!(row[field], value, "{row}");
        }
        assert_eq!(row["copies"], 0);
        assert!(alerts.iter().any(|alert| alert["id"] == row["alert"]), "{row}");
    }
    for what in ["posts", "problems", "alerts", "deliveries"] {
        let twice = (rig.run(&["export", what]).out, rig.run(&["export", what]).out);
        assert_eq!(twice.0, twice.1);
    }
}

#[test]
fn since_cuts_by_instant_date_and_span() {
    let rig = Rig::new();
    story(&rig);
    let ids = |since: &str| -> Vec<String> {
        let rows = rig.run(&["export", "posts", "--since", since]).rows(0);
        rows.iter().map(|row| row["id"].as_str().unwrap_or_default().to_owned()).collect()
    };
    assert_eq!(ids("2026-11-20"), ["c", "a", "b", "d"]);
    assert_eq!(ids("2026-11-20T10:00"), ["d"], "in the zone of the district");
    assert_eq!(ids("2026-11-20T01:00:00Z"), ["c", "a", "b", "d"]);
    assert_eq!(ids("3650d").len(), 5);
    let Ended { code, err, .. } = rig.run(&["export", "posts", "--since", "вчера"]);
    assert!(code == 2 && err.contains("--since"), "{err}");
}

#[test]
fn an_import_done_twice_loses_and_doubles_nothing() {
    let lines = std::env::var("OTKLIK_LINES").ok().and_then(|it| it.parse().ok()).unwrap_or(1_500);
    let rig = Rig::new();
    let texts = [
        "Доброе утро",
        "В Кедрово нет отопления",
        "Продам ёлку",
        "В Соснягино ледяные батареи",
        "",
    ];
    let file: String = (0..lines)
        .map(|n: usize| {
            let at = format!("2026-11-{:02}T{:02}:{:02}:00Z", 1 + n % 20, n / 60 % 24, n % 60);
            let source = format!("s{}", n % 7);
            let author = format!("p{}", n % 900);
            let text = format!("{} ({n})", texts[n % texts.len()]);
            format!("{}\n", told(&format!("id-{n}"), &source, &at, &author, &text))
        })
        .collect();
    let path = rig.write("posts.jsonl", &file);
    let run = || {
        let tally = rig.run(&["import", &path.to_string_lossy(), "--json"]).rows(0).remove(0);
        let problems = rig.run(&["export", "problems"]).out;
        (tally, rig.run(&["export", "posts"]).out, problems)
    };
    let (first, posts, problems) = run();
    let (second, again, problems_again) = run();
    assert_eq!((&first["new"], &first["known"]), (&json!(lines), &json!(0)));
    assert_eq!((&second["new"], &second["known"]), (&json!(0), &json!(lines)));
    assert_eq!((&second["problems"], &second["alerts"]), (&json!(0), &json!(0)));
    assert!(posts == again && problems == problems_again, "the second import changed something");
    let ids: BTreeSet<String> =
        crate::rig::json_lines(&posts).iter().map(|row| row["id"].to_string()).collect();
    assert_eq!((ids.len(), posts.lines().count()), (lines, lines));
}

#[test]
fn lists_for_people_and_machines() {
    let rig = Rig::new();
    story(&rig);
    let listed = rig.run(&["problems"]);
    assert!(listed.code == 0 && listed.out.contains("Отопление"), "{listed:?}");
    let rows = rig.run(&["problems", "list", "--json"]).rows(0);
    assert_eq!(rows.len(), 2);
    let id = rows[0]["id"].as_str().expect("an id");
    let closed = rig.run(&["problems", "close", id]);
    assert_eq!(closed.code, 0, "{closed:?}");
    assert_eq!(rig.run(&["problems", "list", "--json"]).rows(0).len(), 1);
    assert_eq!(rig.run(&["problems", "list", "--all", "--json"]).rows(0).len(), 2);
    let absent = rig.run(&["problems", "close", "нет-такой"]);
    assert_eq!(absent.code, 1, "{absent:?}");
    let status = rig.run(&["status", "--json"]).rows(0).remove(0);
    assert_eq!((&status["running"], &status["posts"]), (&json!(false), &json!(5)));
    let digest = rig.run(&["digest", "2026-W47"]);
    assert!(digest.code == 0 && digest.out.contains("ЧЕГО МЫ НЕ ВИДЕЛИ"), "{digest:?}");
    for quoted in ["ледяные", "Доброе утро"] {
        assert!(!digest.out.contains(quoted), "a digest quotes nobody: {}", digest.out);
    }
    let wrong = rig.run(&["digest", "ноябрь"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
}

#[test]
fn an_alert_is_shown_in_words_with_its_quote() {
    let rig = Rig::new();
    story(&rig);
    rig.import(&[post("q", "Горит дом в Кедрово")], 0);
    let alerts = rig.run(&["alerts", "list", "--json"]).rows(0);
    let shown: Vec<String> = alerts
        .iter()
        .map(|alert| rig.run(&["alerts", "show", alert["id"].as_str().unwrap_or("")]).out)
        .collect();
    assert!(
        shown.iter().any(|text| text.contains("Соснягино") && text.contains("горит дом")),
        "{shown:?}"
    );
    assert!(shown.iter().all(|text| !text.contains("дминистрация спит")), "{shown:?}");
}
