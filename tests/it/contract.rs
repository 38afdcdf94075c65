//! Posts as JSON lines (DESIGN 6.1) through the real binary: what is taken, what is refused, what comes out.

use serde_json::{Value, json};

use crate::rig::Rig;

mod classify;
mod export;
mod notes;
mod settings;
mod tables;

/// Code points before `part` in `text`, and behind its end.
fn points(text: &str, part: &str) -> (u64, u64) {
    let at = text.find(part).expect("the part is there");
    let start = text[..at].chars().count() as u64;
    (start, start + part.chars().count() as u64)
}

fn post(id: &str, text: &str) -> Value {
    json!({ "id": id, "text": text, "published": "2026-11-20T09:30:00+08:00" })
}

#[test]
fn every_field_of_a_line_is_kept() {
    let rig = Rig::new();
    let line = json!({
        "id": "a-1", "text": "Привет", "platform": "forum", "source": "village",
        "kind": "comment", "parent": "a-0",
        "published": "2026-11-20T09:30:00+08:00", "edited": "2026-11-20T02:00:00Z",
        "author": "forum:15", "official": true, "url": "https://forum.example/t/1",
        "views": 10, "likes": 2, "reposts": 0, "comments": 1, "place": "kedrovo",
        "mood": "unknown fields are ignored", "nested": {"id": 5},
    });
    rig.import(&[line], 0);
    let rows = rig.export("posts");
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    let expected = json!({
        "id": "a-1", "text": "Привет", "platform": "forum", "source": "village",
        "kind": "comment", "parent": "a-0",
        "published": "2026-11-20T01:30:00Z", "edited": "2026-11-20T02:00:00Z",
        "official": true, "url": "https://forum.example/t/1",
        "views": 10, "likes": 2, "reposts": 0, "comments": 1, "place": "kedrovo",
        "masked": 0, "problem": null, "problems": [], "topics": [],
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&row[field], value, "{field} in {row}");
    }
    for field in ["author", "voice", "voices", "mood", "nested", "attitude"] {
        assert!(row.get(field).is_none(), "{field} in {row}");
    }
    assert_eq!(
        (&row["places"][0]["place"], row["risk"]["score"].as_i64()),
        (&json!("kedrovo"), Some(0))
    );
}

#[test]
fn only_id_and_text_are_required_and_the_rest_has_defaults() {
    let rig = Rig::new();
    rig.import(&[json!({ "id": 77, "text": "" })], 0);
    let rows = rig.export("posts");
    let row = &rows[0];
    assert_eq!((&row["id"], &row["text"]), (&json!("77"), &json!("")));
    assert_eq!((&row["platform"], &row["source"]), (&json!("import"), &json!("import")));
    assert_eq!((&row["kind"], &row["official"]), (&json!("post"), &json!(false)));
    assert!(row["published"].as_str().is_some_and(|at| at.ends_with('Z')), "{row}");
}

#[test]
fn an_id_is_unique_together_with_its_source() {
    let rig = Rig::new();
    let in_source = |id: &str, source: &str, text: &str| json!({ "id": id, "source": source, "text": text, "published": "2026-11-20T01:30:00Z" });
    let lines =
        [in_source("1", "a", "раз"), in_source("1", "b", "два"), in_source("2", "a", "три")];
    rig.import(&lines, 0);
    let told = rig.import(&lines, 0);
    let tally: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(
        (&tally["new"], &tally["known"], &tally["edited"]),
        (&json!(0), &json!(3), &json!(0))
    );
    let edit = rig.import(&[in_source("1", "b", "Два!")], 0);
    let tally: Value = serde_json::from_str(&edit.out).expect("JSON");
    assert_eq!(
        (&tally["new"], &tally["known"], &tally["edited"]),
        (&json!(0), &json!(0), &json!(1))
    );
    let keys: Vec<String> = rig
        .export("posts")
        .iter()
        .map(|row| format!("{}/{}/{}", row["source"], row["id"], row["text"]).replace('"', ""))
        .collect();
    assert_eq!(keys, ["a/1/раз", "a/2/три", "b/1/Два!"]);
}

#[test]
fn profile_addresses_are_dropped_and_people_masked() {
    let rig = Rig::new();
    let url = |id: &str, url: &str| {
        json!({ "id": id, "text": "Тема", "url": url,
        "published": "2026-11-20T01:30:00Z" })
    };
    rig.import(
        &[
            url("1", "https://vk.com/id100001"),
            url("2", "https://vk.com/wall-200001_765"),
            url("3", "https://ok.ru/profile/5"),
            json!({ "id": "4", "text": "Звоните 8 914 000-00-00, [id100001|Пётр] в курсе",
                "published": "2026-11-20T01:30:00Z" }),
        ],
        0,
    );
    let rows = rig.export("posts");
    let urls: Vec<&Value> = rows.iter().map(|row| &row["url"]).collect();
    assert_eq!(
        urls,
        [&Value::Null, &json!("https://vk.com/wall-200001_765"), &Value::Null, &Value::Null]
    );
    let text = rows[3]["text"].as_str().expect("a text");
    assert!(!text.contains("914") && !text.contains("Пётр") && !text.contains("100001"), "{text}");
    assert_eq!(rows[3]["masked"], 2);
}

#[test]
fn a_time_without_zone_is_the_districts() {
    let rig = Rig::new();
    let at = |id: &str, at: &str| json!({ "id": id, "text": "Тема", "published": at });
    rig.import(
        &[
            at("1", "2026-11-20T09:30:00"),
            at("2", "2026-11-20 09:30"),
            at("3", "20.11.2026 09:30"),
            at("4", "2026-11-20T01:30:00Z"),
            at("5", "2026-11-20T04:30:00+03:00"),
        ],
        0,
    );
    for row in rig.export("posts") {
        assert_eq!(row["published"], "2026-11-20T01:30:00Z", "{row}");
    }
}

#[test]
fn bad_lines_are_numbered_counted_and_cost_nothing_else() {
    let rig = Rig::new();
    let secret = "НЕ-ПОВТОРЯТЬ";
    let input = [
        r#"{"id":"1","text":"раз"}"#.to_owned(),
        format!("{{\"id\":\"2\",\"text\":\"{secret}"),
        String::new(),
        format!(r#"{{"text":"{secret}"}}"#),
        format!(r#"{{"id":"3","text":"два","published":"{secret}"}}"#),
        r#"{"id":"4","text":"три"}"#.to_owned(),
    ]
    .join("\r\n");
    for command in ["import", "classify"] {
        let ended = rig.feed(&[command, "-"], &input);
        assert_eq!(ended.code, 3, "{ended:?}");
        let numbers: Vec<&str> = ended
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("строка ")?.split(':').next())
            .collect();
        assert_eq!(numbers, ["2", "4", "5"], "{ended:?}");
        assert!(!ended.err.contains(secret), "{ended:?}");
    }
    let ids: Vec<Value> = rig.export("posts").iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
}

#[test]
fn a_byte_order_mark_is_no_reason_to_lose_a_line() {
    let rig = Rig::new();
    let input = "\u{FEFF}{\"id\":\"1\",\"text\":\"раз\"}\r\n";
    for command in ["import", "classify"] {
        let ended = rig.feed(&[command, "-"], input);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

#[test]
fn a_comment_takes_the_place_of_its_parent_in_the_same_file() {
    let rig = Rig::new();
    let comment = json!({ "id": "2", "text": "И у нас нет отопления", "parent": "1",
        "published": "2026-11-20T10:30:00+08:00" });
    // The comment stands first in the file: time decides, not the order of lines.
    rig.import(&[comment, post("1", "Кедрово, как дела?")], 0);
    let rows = rig.export("posts");
    assert_eq!((&rows[1]["id"], &rows[1]["kind"]), (&json!("2"), &json!("comment")));
    let place = &rows[1]["places"][0];
    assert_eq!((&place["place"], &place["by"]), (&json!("kedrovo"), &json!("parent")), "{place}");
    assert_eq!(rig.export("problems")[0]["place"], "kedrovo");
}

#[test]
fn lines_without_author_are_one_anonymous_voice() {
    let rig = Rig::new();
    let lines: Vec<Value> = (0..6)
        .map(|n| post(&n.to_string(), &format!("В Кедрово нет отопления, дом {n}")))
        .collect();
    rig.import(&lines, 0);
    let problem = &rig.export("problems")[0];
    assert_eq!((&problem["posts"], &problem["voices"]), (&json!(6), &json!(1)), "{problem}");
    let named: Vec<Value> = ["a", "b", "a", "anonymous"]
        .iter()
        .enumerate()
        .map(|(n, author)| {
            let mut line = post(&format!("n{n}"), "В Кедрово нет отопления");
            line["author"] = json!(author);
            line
        })
        .collect();
    rig.import(&named, 0);
    let problem = &rig.export("problems")[0];
    assert_eq!((&problem["posts"], &problem["voices"]), (&json!(10), &json!(4)), "{problem}");
}
