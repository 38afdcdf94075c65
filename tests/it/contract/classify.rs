//! `otklik classify` to the letter of DESIGN 6.2.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{points, post};
use crate::rig::Rig;

/// The one answer about one text.
#[track_caller]
fn answer(rig: &Rig, text: &str) -> Value {
    rig.feed(&["classify"], &format!("{}\n", post("x", text))).rows(0).remove(0)
}

#[test]
fn a_line_is_answered_to_the_letter() {
    let rig = Rig::new();
    let text = "В Кедрово на ул. Советской, 5 ледяные батареи";
    let (start, end) = points(text, "ледяные батареи");
    let (place_start, place_end) = points(text, "Кедрово");
    let row = answer(&rig, text);
    assert_eq!(row["id"], "x");
    assert_eq!(row["language"], "ru");
    assert_eq!(row["masked"], 0);
    let topic = &row["topics"][0];
    assert_eq!((&topic["topic"], &topic["kind"]), (&json!("heating"), &json!("problem")));
    assert!(topic["score"].as_u64().is_some_and(|score| (1..=100).contains(&score)), "{row}");
    let expected =
        json!([{ "rule": "heating:icy", "text": "ледяные батареи", "start": start, "end": end }]);
    assert_eq!(topic["matches"], expected);
    let place = &row["places"][0];
    for (field, value) in [
        ("place", json!("kedrovo")),
        ("title", json!("Кедрово")),
        ("by", json!("text")),
        ("elsewhere", json!(false)),
        ("start", json!(place_start)),
        ("end", json!(place_end)),
        ("street", json!("Советская")),
        ("house", json!("5")),
    ] {
        assert_eq!(place[field], value, "{field} in {row}");
    }
    for field in ["street_start", "street_end"] {
        assert!(place[field].is_u64(), "{field} in {row}");
    }
    let risk = &row["risk"];
    assert_eq!(risk["level"], "high", "{row}");
    for reason in risk["reasons"].as_array().expect("reasons") {
        assert!(reason["reason"].is_string() && reason["text"].is_string(), "{reason}");
    }
    let keys: Vec<&String> = row.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 6, "{keys:?}");
}

#[test]
fn spans_count_code_points_of_the_input_behind_every_mask() {
    let rig = Rig::new();
    for before in [
        "",
        "Звоните 8 914 000-00-00, ",
        "🔥👨‍👩‍👧 [id100001|Пётр Примеров], e-mail primer@example.org и +7 (914) 000-00-00: ",
        "\u{301}ё\u{200B}\u{FEFF} @primer_primerov кв. 15, ",
    ] {
        for after in ["", ", тел. 89140000000, кв. 8"] {
            let text = format!("{before}В Кедрово ледяные батареи{after}");
            let row = answer(&rig, &text);
            let found = &row["topics"][0]["matches"][0];
            let (start, end) = points(&text, "ледяные батареи");
            assert_eq!(
                (&found["start"], &found["end"]),
                (&json!(start), &json!(end)),
                "{text}: {row}"
            );
            assert_eq!(found["text"], "ледяные батареи", "{text}");
            let (start, end) = points(&text, "Кедрово");
            let place = &row["places"][0];
            assert_eq!(
                (&place["start"], &place["end"]),
                (&json!(start), &json!(end)),
                "{text}: {row}"
            );
            let masks = row["masked"].as_u64().expect("a number");
            assert_eq!(masks > 0, !before.is_empty() || !after.is_empty(), "{text}: {row}");
        }
    }
}

#[test]
fn topics_come_best_first_and_attitude_last_without_weight() {
    let rig = Rig::new();
    let plain = "В Кедрово нет отопления, батареи ледяные, и горит дом";
    let with = "В Кедрово нет отопления, батареи ледяные, и горит дом. Администрация спит!";
    let (plain, with) = (answer(&rig, plain), answer(&rig, with));
    let topics = |row: &Value| -> Vec<(String, u64)> {
        let topics = row["topics"].as_array().expect("topics");
        let name = |topic: &Value| topic["topic"].as_str().unwrap_or_default().to_owned();
        topics.iter().map(|topic| (name(topic), topic["score"].as_u64().unwrap_or(0))).collect()
    };
    let found = topics(&plain);
    let mut sorted = found.clone();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    assert_eq!(found, sorted);
    assert_eq!(found.len(), 2);
    let regard = topics(&with);
    assert_eq!(regard.len(), 3, "{with}");
    assert_eq!(regard[..2], found[..], "attitude changes nothing before it");
    assert_eq!((regard[2].0.as_str(), &with["topics"][2]["kind"]), ("regard", &json!("attitude")));
    assert_eq!(plain["risk"], with["risk"]);
    let alone = answer(&rig, "Администрация спит");
    assert_eq!(alone["risk"], json!({ "score": 0, "level": "low", "reasons": [] }));
    let rumour = answer(&rig, "Говорят, школу закроют");
    assert_eq!(rumour["topics"][0]["kind"], "rumour");
}

#[test]
fn reasons_sum_to_the_score_and_levels_are_fixed() {
    let rig = Rig::new();
    let texts = [
        "Привет",
        "",
        "!!!",
        "В Кедрово нет отопления",
        "Горит дом! Горит дом в Кедрово, дети внутри, есть пострадавшие",
        "В Верхоречье горит дом",
        "Говорят, школу закроют",
        "ледяные батареи",
        "Нет отопления десятый день, старики и дети мёрзнут, никто не отвечает, мороз",
        "Уже починили, нет отопления было вчера",
    ];
    let input: String = texts
        .iter()
        .enumerate()
        .map(|(n, text)| format!("{}\n", post(&n.to_string(), text)))
        .collect();
    let rows = rig.feed(&["classify", "-"], &input).rows(0);
    assert_eq!(rows.len(), texts.len());
    for row in rows {
        let risk = &row["risk"];
        let score = risk["score"].as_i64().expect("a score");
        let reasons = risk["reasons"].as_array().expect("reasons");
        let sum: i64 = reasons.iter().filter_map(|reason| reason["points"].as_i64()).sum();
        assert_eq!(sum, score, "{row}");
        let level = match score {
            ..30 => "low",
            30..60 => "elevated",
            60..80 => "high",
            _ => "critical",
        };
        assert_eq!(risk["level"], level, "{row}");
    }
}

#[test]
fn languages_are_named_and_nothing_is_guessed() {
    let rig = Rig::new();
    for (text, language) in [
        ("В нашем селе третий день холодно дома", "ru"),
        ("Манай нютагта дулаан үгы болоо, хүйтэн байна, юу хэхэбибди", "bua"),
        ("The heating has been off for three days in our house", "en"),
        ("!!! 123 🔥", "und"),
        ("", "und"),
    ] {
        assert_eq!(answer(&rig, text)["language"], language, "{text}");
    }
}

#[test]
fn only_what_the_line_supports_is_a_place() {
    let rig = Rig::new();
    assert_eq!(answer(&rig, "Нет отопления")["places"], json!([]));
    let elsewhere = answer(&rig, "В Верхоречье нет отопления");
    assert_eq!(elsewhere["places"][0]["elsewhere"], true);
    let street = answer(&rig, "На улице Советской 5 нет отопления");
    let place = &street["places"][0];
    assert_eq!(
        (&place["place"], &place["street"]),
        (&Value::Null, &json!("Советская")),
        "{street}"
    );
    let anywhere =
        rig.feed(&["classify", "--anywhere"], &post("x", "В Верхоречье нет отопления").to_string());
    let place = &anywhere.rows(0)[0]["places"][0];
    assert_ne!(place["elsewhere"], true, "{place}");
}

/// Lines of all kinds, the same for the same number.
fn many(count: usize) -> String {
    let texts = [
        "В Кедрово нет отопления третий день, батареи ледяные",
        "Продам ёлку, тел. 8 914 000-00-00",
        "Администрация спит, а в Соснягино горит дом 🔥",
        "Доброе утро, земляки! Хорошего всем дня и тепла",
        "",
        "Говорят, школу закроют, [id100001|Пётр] слышал",
    ];
    (0..count)
        .map(|n| format!("{}\n", post(&n.to_string(), &format!("{} №{n}", texts[n % texts.len()]))))
        .collect()
}

#[test]
fn one_thread_and_many_give_the_same_bytes_in_the_same_order() {
    let rig = Rig::new();
    let mut input = many(1_500);
    input.push_str("это не JSON\n");
    input.push_str(&many(10));
    let one = rig.feed(&["classify", "--threads", "1"], &input);
    let many = rig.feed(&["classify", "--threads", "5"], &input);
    assert_eq!((one.code, many.code), (3, 3));
    assert!(one.out == many.out && one.err == many.err, "the answers differ");
    let rows = one.rows(3);
    let ids: Vec<String> = rows
        .iter()
        .take(1_500)
        .map(|row| row["id"].as_str().unwrap_or_default().to_owned())
        .collect();
    let expected: Vec<String> = (0..1_500).map(|n| n.to_string()).collect();
    assert_eq!(ids, expected);
}

#[test]
fn a_line_is_answered_before_the_next_one_comes() {
    let rig = Rig::new();
    let mut command = rig.command(&["classify"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let killer = KillLate::after(child.id(), Duration::from_secs(20));
    for n in 0..3 {
        writeln!(stdin, "{}", post(&n.to_string(), "Нет отопления")).expect("written");
        stdin.flush().expect("flushed");
        let mut line = String::new();
        out.read_line(&mut line).expect("an answer");
        let row: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(row["id"], n.to_string());
    }
    drop(stdin);
    assert!(child.wait().expect("it ends").success());
    drop(killer);
}

/// Kills a process that hangs, so that a test fails instead of waiting for ever.
struct KillLate {
    _over: std::sync::mpsc::Sender<()>,
}

impl KillLate {
    fn after(pid: u32, patience: Duration) -> Self {
        let (sender, over) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            if over.recv_timeout(patience) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let killed = std::process::Command::new("kill").arg(pid.to_string()).status();
                assert!(killed.is_ok_and(|status| status.success()));
            }
        });
        Self { _over: sender }
    }
}

#[test]
fn a_reader_that_leaves_early_ends_the_command_quietly() {
    let rig = Rig::new();
    let file = rig.write("many.jsonl", &many(6_000));
    let mut command = rig.command(&["classify"]);
    command.arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    let mut first = [0; 64];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("some bytes");
    drop(child.stdout.take());
    let began = Instant::now();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("asked") {
            break status;
        }
        if began.elapsed() > Duration::from_secs(20) {
            child.kill().expect("killed");
            panic!("it waits for a reader that has gone");
        }
        crate::rig::pause(20);
    };
    let mut told = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut told).expect("read");
    assert_eq!((ended.code(), told.as_str()), (Some(0), ""));
}

/// The most memory a process has had, in kB.
fn peak(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn memory_stays_flat_however_many_lines_come() {
    let lines = std::env::var("OTKLIK_LINES").ok().and_then(|it| it.parse().ok()).unwrap_or(6_000);
    let rig = Rig::new();
    let mut command = rig.command(&["classify"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("runs");
    let pid = child.id();
    let mut stdin = child.stdin.take().expect("a pipe");
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let (mut answered, mut most) = (0_usize, 0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let block = many(1_000);
            for _ in 0..lines / 1_000 {
                stdin.write_all(block.as_bytes()).expect("written");
            }
        });
        for line in out.lines() {
            line.expect("a line");
            answered += 1;
            if answered % 500 == 0 {
                most = most.max(peak(pid).unwrap_or(0));
            }
        }
    });
    assert!(child.wait().expect("it ends").success());
    assert_eq!(answered, lines / 1_000 * 1_000);
    assert!(most > 0 && most < 200 * 1024, "{most} kB");
}
