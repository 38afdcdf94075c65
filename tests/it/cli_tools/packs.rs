//! `explain`, `packs` and what `check` says about packs.

use super::Desk;

#[test]
fn explain_goes_from_the_word_to_the_level() {
    let desk = Desk::new("");
    let text = "Батареи холодные в Онохое. Какой позор, звоните 89021234567";
    let (code, out, err) = desk.otklik(&["explain", text]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for part in [
        "Батареи холодные в Онохое",
        "Язык: русский (ru)",
        "Скрыто до записи: мест 1",
        "звоните [телефон]",
        "Отопление (heating): 60 проблема, тяжесть 4 из 5",
        "«Батареи» 0–7",
        "heating:cold  +60  keywords/heating.toml:8",
        "find = батареи",
        "Отношение (обратная связь: не хранится, на риск не влияет)",
        "feedback:shame  +70  keywords/feedback.toml:7",
        "Онохой (onohoy, назван в тексте, 19–25, уверенность 98 %)",
        "Риск: ",
        "(severity)",
    ] {
        assert!(out.contains(part), "no «{part}» in:\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "no colours in a pipe: {out}");
}

#[test]
fn explain_says_what_was_silenced_and_why() {
    let desk = Desk::new("");
    let check = |text: &str, expected: &str, absent: &str| {
        let (code, out, _) = desk.otklik(&["explain", text]);
        assert_eq!(code, 0, "{text}");
        assert!(out.contains(expected), "{text}: {out}");
        assert!(absent.is_empty() || !out.contains(absent), "{text}: {out}");
    };
    let settled = "сказано, что решено или что этого нет\n  heating:cold  keywords/heating.toml:8";
    check("Батареи уже починили, спасибо", settled, "(heating):");
    let unless = "подошло и unless правила\n  heating:cold  keywords/heating.toml:8";
    check("Батареи ноутбука сели", unless, "(heating):");
    check("Добрый день", "не найдены: ни одно правило не подошло", "Не засчитано");
    check("Добрый день", "в тексте не названы", "");
    check("Добрый день", "Риск: 0 — низкий (low)", "");
}

#[test]
fn explain_says_why_a_place_counts_and_how_sure_it_is() {
    let desk = Desk::new("");
    let text = "Онохойские дворы стоят, и в Ильке темно, у школы провал, звонили в Улан-Удэ";
    let (code, out, _) = desk.otklik(&["explain", text]);
    assert_eq!(code, 0, "{out}");
    for part in [
        "Онохой (onohoy, прилагательное от названия, 0–10, уверенность 90 %)",
        "Илька (ilka, назван в тексте, имя двойное, место видно по предлогу и падежу, 28–33, \
         уверенность 90 %)",
        "Улан-Удэ (ulan_ude, место вне района, но лишь как направление или адресат",
        "«у школы» (ориентир, 41–48)",
    ] {
        assert!(out.contains(part), "no «{part}» in:\n{out}");
    }
}

#[test]
fn explain_reads_the_standard_input_and_speaks_json() {
    use std::io::Write as _;
    let desk = Desk::new("");
    let (code, line) = desk.json(&["explain", "--json", "Вода", "ржавая"]);
    assert_eq!((code, &line["topics"][0]["topic"]), (0, &"water".into()));
    assert_eq!(line["topics"][0]["matches"][0]["rule"], "water:tap");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_otklik"))
        .args(["explain", "-", "--json"])
        .current_dir(desk.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all("Вода ржавая\n".as_bytes()).expect("write");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found, line);
    assert_eq!(desk.otklik(&["explain"]).0, 2, "a text is wanted");
}

#[test]
fn explain_needs_no_configuration() {
    let dir = tempfile::tempdir().expect("temp dir");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_otklik"))
        .args(["--config", "config/absent.toml", "packs", "list"])
        .current_dir(dir.path())
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(78), "a file that was asked for must be there");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_otklik"))
        .args(["packs", "list", "--json"])
        .current_dir(dir.path())
        .output()
        .expect("the binary runs");
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(out.contains("\"id\":\"heating\""), "the shipped packs: {out}");
}

#[test]
fn packs_are_listed_with_their_overlays() {
    let desk = Desk::new("");
    desk.write(
        "keywords/local/water.toml",
        "id = \"water\"\n[[rule]]\nid = \"tap\"\ndisabled = true\n\
         [[rule]]\nid = \"well\"\nfind = 'колодец'\n\
         [[example]]\ntext = \"Колодец сухой, из крана течёт\"\nis = true\n",
    );
    let (code, out, _) = desk.otklik(&["packs", "list"]);
    assert_eq!(code, 0, "{out}");
    let water = out.lines().find(|line| line.starts_with("water")).expect("water");
    let cells: Vec<&str> = water.split_whitespace().collect();
    assert_eq!(cells[..6], ["water", "Вода", "problem", "4", "1", "5"]);
    assert!(water.ends_with("keywords/water.toml + keywords/local/water.toml"), "{water}");
    let (_, out, _) = desk.otklik(&["packs", "list", "--json"]);
    assert_eq!(out.lines().count(), 4, "{out}");
}

#[test]
fn examples_are_tested_and_failures_named() {
    let desk = Desk::new("");
    let (code, out, _) = desk.otklik(&["packs", "test"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "Словарей: 4, правил: 5, примеров: 16. Все примеры верны.\n")
    );
    desk.edit("keywords/water.toml", "text = \"Вода ржавая\"", "text = \"Пожар у реки\"");
    desk.edit(
        "keywords/fire.toml",
        "text = \"Добрый день\"",
        "text = \"Пожарная сигнализация, пожар\"",
    );
    let (code, out, _) = desk.otklik(&["packs", "test"]);
    assert_eq!(code, 78, "{out}");
    for part in [
        "keywords/water.toml:10:9: пример не найден ни одним правилом, нашлось другое: fire («Пожар»)",
        "    text = \"Пожар у реки\"",
        "keywords/fire.toml:16:9: пример не должен находиться, но найден: fire:burning («пожар»)",
        "Ошибок: 2.",
    ] {
        assert!(out.contains(part), "no «{part}» in:\n{out}");
    }
    let (code, out, _) = desk.otklik(&["packs", "test", "heating"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("Словарей: 1,") && out.contains("ошибок в других файлах: 2"), "{out}");
    let (code, report) = desk.json(&["packs", "test", "water", "--json"]);
    assert_eq!(
        (code, &report["errors"], &report["faults"][0]["line"]),
        (78, &1.into(), &10.into())
    );
    let (code, _, err) = desk.otklik(&["packs", "test", "watre"]);
    assert_eq!(code, 2);
    assert!(err.contains("нет словаря «watre»"), "{err}");
}

#[test]
fn check_names_the_faults_of_all_files_at_once() {
    let desk = Desk::new("");
    let routes = "[departments]\njkh = [\"Отдел\"]\n[[receiver]]\nname = \"Отдел\"\n\
                  email = \"otdel@example.org\"\n";
    desk.write("config/routes.toml", routes);
    let (code, out, _) = desk.otklik(&["check"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("ни один канал получателей не настроен"), "{out}");

    desk.write("config/routes.toml", &routes.replace("jkh = [\"Отдел\"]", "roads = [\"Отдал\"]"));
    desk.write("config/risk.toml", "[[part]]\nname = 5\n");
    desk.write("config/places.toml", "[[place]]\nid = 5\n");
    desk.write("config/sources.toml", "[[source]]\nid = 4\n");
    desk.edit("keywords/fire.toml", "severity = 5", "severity = 9");
    desk.edit("keywords/feedback.toml", "find = 'позор'", "find = '(позор'");
    desk.edit("keywords/water.toml", "title = \"Вода\"", "title = \"Вода Иванова Петра\"");
    let (code, out, _) = desk.otklik(&["check"]);
    assert_eq!(code, 78, "{out}");
    for part in [
        "config/routes.toml:2:10: нет получателя «Отдал»",
        "config/risk.toml:",
        "config/places.toml:",
        "config/sources.toml:2:6:",
        "keywords/fire.toml:4:12:",
        "keywords/feedback.toml:7:",
        "keywords/water.toml:2:",
        "имя человека",
    ] {
        assert!(out.contains(part), "no «{part}» in:\n{out}");
    }
    let files: Vec<&str> = out.lines().filter_map(|line| line.split(':').next()).collect();
    let mut sorted = files[..files.len() - 1].to_vec();
    sorted.sort_unstable();
    assert_eq!(files[..files.len() - 1], sorted, "{out}");
    let (code, report) = desk.json(&["check", "--json"]);
    assert_eq!((code, &report["ok"]), (78, &false.into()));
    let told = report["errors"].as_u64().zip(report["warnings"].as_u64());
    assert_eq!(told, Some((files.len() as u64 - 2, 1)), "the mail is not set up: {report}");
}

#[test]
fn an_unknown_department_stops_check_and_not_explain() {
    let desk = Desk::new("");
    desk.write(
        "config/routes.toml",
        "[[receiver]]\nname = \"Отдел\"\nemail = \"otdel@example.org\"\n",
    );
    let (code, out, _) = desk.otklik(&["check"]);
    assert_eq!(code, 78, "{out}");
    assert!(out.contains("нет отдела «jkh», а его называют словари: heating"), "{out}");
    assert_eq!(desk.otklik(&["explain", "Вода"]).0, 0);
}

#[test]
fn route_test_says_who_would_be_told_and_who_not() {
    let desk = Desk::new("");
    desk.write(
        "config/routes.toml",
        "[departments]\njkh = [\"Отдел\"]\n[[receiver]]\nname = \"Отдел\"\n\
         email = \"otdel@example.org\"\nmin_level = \"low\"\n[[receiver]]\nname = \"ЕДДС\"\n\
         telegram_chat = -5\nkinds = [\"danger\"]\nmin_level = \"low\"\n",
    );
    let (code, out, err) = desk.otklik(&["alerts", "route-test", "Батареи ледяные третий день"]);
    assert_eq!(code, 0, "{err}");
    for part in ["отдел jkh", "→  Отдел  почта", "·  ЕДДС   Telegram", "не тот вид темы"]
    {
        assert!(out.contains(part), "no «{part}» in:\n{out}");
    }
    let (code, out, _) = desk.otklik(&["alerts", "route-test", "Какое позорище, в отставку"]);
    assert_eq!(code, 0);
    assert!(out.contains("сообщать не о чем") && !out.contains("Отдел"), "{out}");
}
