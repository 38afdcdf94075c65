//! The binary as an operator meets it: exit codes, Russian words, commands that need no store.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs otklik in `dir` with `args`.
fn otklik(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_otklik"))
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("temp dir")
}

#[test]
fn help_is_russian_for_every_command() {
    let dir = folder();
    for args in [
        &["--help"][..],
        &["init", "--help"],
        &["check", "--help"],
        &["sources", "--help"],
        &["explain", "--help"],
        &["packs", "--help"],
        &["packs", "list", "--help"],
        &["packs", "test", "--help"],
        &["evaluate", "--help"],
        &["try", "--help"],
        &["demo", "--help"],
        &["sources", "add", "--help"],
        &["sources", "list", "--help"],
    ] {
        let (code, out, err) = otklik(dir.path(), args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        assert!(out.contains("Как вызвать: otklik") && out.contains("Ключи:"), "{out}");
        for english in ["Usage", "Options", "Commands", "Arguments", "OPTIONS", "Print", "default"]
        {
            assert!(!out.contains(english), "{args:?}: {english} in {out}");
        }
    }
}

#[test]
fn a_wrong_command_line_exits_2_in_russian() {
    let dir = folder();
    let check = |args: &[&str], expected: &str| {
        let (code, out, err) = otklik(dir.path(), args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert_eq!(err.trim_end(), expected, "{args:?}");
    };
    check(&["chek"], "неизвестная команда «chek» → может быть, check?");
    check(&["check", "--jsn"], "неизвестный ключ или аргумент «--jsn» → может быть, --json?");
    check(&["check", "x"], "неизвестный ключ или аргумент «x» → справка: otklik --help");
    check(&["check", "--config"], "у --config <ФАЙЛ> нет значения → справка: otklik --help");
    check(
        &["sources", "add", "x", "--kind", "group"],
        "«group» не подходит для --kind <ВИД>; бывает: official, news, community, leader → \
         справка: otklik --help",
    );
    let (code, _, err) = otklik(dir.path(), &[]);
    assert!(code == 2 && err.contains("Команды:"), "{err}");
}

#[test]
fn init_makes_a_configuration_that_passes_check() {
    let dir = folder();
    let (code, out, err) =
        otklik(dir.path(), &["init", "--name", "Селянинский район", "--timezone", "asia/irkutsk"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("записано: config/otklik.toml"), "{out}");
    let settings =
        otklik::config::load_all(&dir.path().join("config/otklik.toml")).expect("settings");
    assert_eq!(settings.district.name, "Селянинский район");
    assert_eq!(settings.district.zone_name, "Asia/Irkutsk");
    let (code, out, err) = otklik(dir.path(), &["check"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let told: Vec<&str> = out.lines().collect();
    assert_eq!(told.len(), 2, "{out}");
    let nobody = "предупреждение: ни один канал получателей не настроен, сообщения не уйдут никому: \
                  МЦУ, дежурный, Отдел ЖКХ,";
    assert!(told[0].contains("routes.toml:") && told[0].contains(nobody), "{out}");
    assert_eq!(told[1], "Ошибок нет, предупреждений: 1.");
}

#[test]
fn init_overwrites_nothing() {
    let dir = folder();
    std::fs::create_dir(dir.path().join("config")).expect("folder");
    std::fs::write(dir.path().join("config/sources.toml"), "# моё\n").expect("write");
    let (code, _, err) = otklik(dir.path(), &["init", "--yes"]);
    assert_eq!(code, 1);
    assert!(err.contains("config/sources.toml уже есть, ничего не записано"), "{err}");
    assert!(!dir.path().join("config/otklik.toml").exists());
}

#[test]
fn init_refuses_what_check_would_refuse() {
    let dir = folder();
    let (code, _, err) =
        otklik(dir.path(), &["init", "--name", "Район", "--timezone", "Asia/Ulan-Ude"]);
    assert_eq!(code, 2);
    assert!(err.contains("напишите \"Asia/Irkutsk\""), "{err}");
    let (code, _, err) = otklik(dir.path(), &["init"]);
    assert!(code == 2 && err.contains("--yes"), "questions need a terminal: {err}");
    assert!(!dir.path().join("config").exists());
}

#[test]
fn check_prints_every_fault_and_exits_78() {
    let dir = folder();
    otklik(dir.path(), &["init", "--yes"]);
    let file = dir.path().join("config/otklik.toml");
    let text = std::fs::read_to_string(&file).expect("read");
    let text = text.replace("\"Asia/Irkutsk\"", "\"Asia/Ulan-Ude\"");
    std::fs::write(&file, text).expect("write");
    std::fs::write(dir.path().join("config/sources.toml"), "[[source]]\nid = 4\n").expect("write");
    let (code, out, _) = otklik(dir.path(), &["check"]);
    assert_eq!(code, 78, "{out}");
    assert!(out.contains("config/otklik.toml:16:12: нет часового пояса"), "{out}");
    assert!(out.contains("config/sources.toml:2:6: `id`: значение не того вида"), "{out}");
    assert!(out.ends_with("Ошибок: 4, предупреждений: 1.\n"), "{out}");
    let (code, out, _) = otklik(dir.path(), &["check", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, report["errors"].as_u64()), (78, Some(4)));
    assert_eq!(report["faults"][0]["line"], 16);
}

#[test]
fn warnings_do_not_fail() {
    let dir = folder();
    otklik(dir.path(), &["init", "--yes"]);
    otklik(dir.path(), &["sources", "add", "https://vk.com/primer"]);
    let (code, out, _) = otklik(dir.path(), &["check"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("предупреждение: есть источники VK"), "{out}");
    assert!(out.contains("Ошибок нет, предупреждений: 2.\n"), "{out}");
    assert!(out.ends_with("в сутки 96, норма 5000\n"), "the calls are foreseen: {out}");
}

/// A community of our own that is listed twice, or whose key is not there, costs its events alone.
#[test]
fn own_communities_in_trouble_are_warnings() {
    let dir = folder();
    otklik(dir.path(), &["init", "--yes"]);
    let file = dir.path().join("config/otklik.toml");
    let mut text = std::fs::read_to_string(&file).expect("written");
    text.push_str(
        "[platforms.vk]\ntoken = { env = \"VK\" }\n\
         communities = { 200001 = { file = \"net\" }, club200001 = { env = \"X\" } }\n",
    );
    std::fs::write(&file, text).expect("written");
    let (code, out, _) = otklik(dir.path(), &["check"]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("сообщество 200001 названо дважды"), "{out}");
    assert!(out.contains("события сообщества 200001 не придут"), "{out}");
}

#[test]
fn a_missing_configuration_says_how_to_make_one() {
    let dir = folder();
    let (code, _, err) = otklik(dir.path(), &["--config", "absent/otklik.toml", "sources", "list"]);
    assert_eq!(code, 78);
    assert!(err.contains("создайте его: otklik init"), "{err}");
}

#[test]
fn sources_are_added_once_and_comments_stay() {
    let dir = folder();
    otklik(dir.path(), &["init", "--yes"]);
    let file = dir.path().join("config/sources.toml");
    let before = std::fs::read_to_string(&file).expect("read");
    let add = |args: &[&str]| {
        let mut all = vec!["sources", "add"];
        all.extend(args);
        otklik(dir.path(), &all)
    };
    assert_eq!(add(&["https://vk.com/club200001", "--every", "1h", "--place", "onohoy"]).0, 0);
    assert_eq!(add(&["https://t.me/s/primer_news", "--kind", "news"]).0, 0);
    assert_eq!(
        add(&["https://news.example.org/rss.xml", "--kind", "news", "--scope", "region"]).0,
        0
    );
    assert_eq!(add(&["primer_news", "--platform", "vk", "--id", "vtoroy"]).0, 0);
    let after = std::fs::read_to_string(&file).expect("read");
    assert!(after.starts_with(&before), "what was there is untouched");

    let (code, _, err) = add(&["vk.ru/public200001"]);
    assert!(code == 1 && err.contains("уже читает источник «vk-200001»"), "{err}");
    let (code, _, err) = add(&["https://t.me/inoy_kanal", "--id", "vtoroy"]);
    assert!(code == 1 && err.contains("источник «vtoroy» уже есть"), "{err}");
    let (code, _, err) = add(&["https://ok.ru/profile/51234"]);
    assert!(code == 2 && err.contains("личная страница"), "{err}");
    let (code, _, err) = add(&["https://t.me/inoy_kanal", "--every", "15м"]);
    assert!(code == 2 && err.contains("\"15m\""), "{err}");
    let (code, _, err) = add(&["https://vk.com/id15"]);
    assert!(code == 2 && err.contains("личная страница"), "{err}");
    assert_eq!(std::fs::read_to_string(&file).expect("read"), after, "refusals change nothing");

    let (code, out, _) = otklik(dir.path(), &["sources", "list", "--json"]);
    assert_eq!(code, 0);
    let rows: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let ids: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    assert_eq!(ids, ["vk-200001", "primer_news", "news.example.org", "vtoroy"]);
    assert_eq!(rows[0]["handle"], "-200001");
    assert_eq!((&rows[0]["every"], &rows[0]["place"]), (&"1h".into(), &"onohoy".into()));
    assert_eq!(rows[2]["scope"], "region");
    let (_, out, _) = otklik(dir.path(), &["sources", "list"]);
    // A head, the sources, and what of Telegram is not read without an account.
    assert_eq!(out.lines().count(), 6, "{out}");
    assert!(out.ends_with("войти: otklik telegram login\n"), "{out}");
}

#[test]
fn a_broken_list_is_not_edited() {
    let dir = folder();
    otklik(dir.path(), &["init", "--yes"]);
    let file = dir.path().join("config/sources.toml");
    std::fs::write(&file, "[[source]\n").expect("write");
    let (code, _, err) = otklik(dir.path(), &["sources", "add", "https://vk.com/primer"]);
    assert_eq!(code, 78, "{err}");
    assert_eq!(std::fs::read_to_string(&file).expect("read"), "[[source]\n");
}

#[test]
fn a_closed_pipe_is_quiet() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_otklik"))
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
