//! Exit codes and configuration as commands meet them (DESIGN 6.5 and 6.6).

use crate::rig::{PACKS, Rig, SETTINGS};

const LINE: &str = "{\"id\":\"1\",\"text\":\"В Кедрово нет отопления\"}\n";

#[test]
fn a_command_reads_only_what_it_needs() {
    let rig = Rig::new();
    rig.add("config/otklik.toml", "[smtp]\nurl = 5\n[platforms.vk]\ntoken = { file = \"нет\" }\n");
    rig.write("config/sources.toml", "[[source]\n");
    rig.write("config/routes.toml", "[[receiver]]\nназвание = 1\n");
    let classified = rig.feed(&["classify"], LINE);
    assert_eq!(classified.code, 0, "{classified:?}");
    let imported = rig.feed(&["import", "-"], LINE);
    assert_eq!(imported.code, 0, "{imported:?}");
    assert_eq!(rig.export("posts").len(), 1);
    for args in [&["check"][..], &["run"], &["collect", "--once"]] {
        let ended = rig.run(args);
        assert_eq!(ended.code, 78, "{args:?}: {ended:?}");
        assert!((ended.out + &ended.err).contains("sources.toml:1:"), "{args:?}");
    }
}

#[test]
fn missing_reloadable_files_are_the_built_in_defaults() {
    let rig = Rig::new();
    std::fs::remove_file(rig.path("config/places.toml")).expect("removed");
    let rows =
        rig.feed(&["classify"], "{\"id\":\"1\",\"text\":\"В Онохое нет отопления\"}\n").rows(0);
    assert_eq!(rows[0]["places"][0]["place"], "onohoy");
    assert!(rows[0]["risk"]["score"].as_i64().is_some_and(|score| score > 0), "{rows:?}");
}

#[test]
fn packs_lie_beside_the_settings_or_one_folder_up() {
    let bare = SETTINGS.replace("[keywords]\npath = \"../words\"\n", "");
    let topic = |rig: &Rig| {
        let rows = rig.feed(&["classify"], LINE).rows(0);
        rows[0]["topics"][0]["topic"].as_str().unwrap_or_default().to_owned()
    };
    let rig = Rig::new();
    rig.write("config/otklik.toml", &bare);
    rig.write("keywords/heating.toml", PACKS[0].1);
    assert_eq!(topic(&rig), "heating");
    let other = PACKS[0].1.replace("id = \"heating\"", "id = \"housing\"");
    rig.write("config/keywords/housing.toml", &other);
    assert_eq!(topic(&rig), "housing", "the nearer folder wins");
    rig.write("config/otklik.toml", SETTINGS);
    assert_eq!(topic(&rig), "heating", "a path in a file is relative to that file");
}

#[test]
fn exit_codes_are_the_contract() {
    let rig = Rig::new();
    let code = |args: &[&str]| rig.run(args).code;
    assert_eq!(rig.feed(&["import", "-"], LINE).code, 0);
    assert_eq!(code(&["status"]), 0);
    assert_eq!(code(&["export", "posts"]), 0);
    assert_eq!(code(&["import", "/нет/файла.jsonl"]), 1);
    assert_eq!(code(&["alerts", "show", "нет"]), 1);
    assert_eq!(code(&["reload"]), 1);
    assert_eq!(code(&["collect"]), 2);
    assert_eq!(code(&["collect", "--once", "нет-такого"]), 2);
    assert_eq!(code(&["export", "people"]), 2);
    assert_eq!(rig.feed(&["import", "-"], "{}\n").code, 3);
    assert_eq!(rig.feed(&["classify", "-"], "{}\n").code, 3);
    rig.add("words/heating.toml", "[[rule]]\nfind = '\"не закрыта'\n");
    for args in [&["classify"][..], &["import", "-"], &["run"]] {
        let ended = rig.feed(args, LINE);
        assert_eq!(ended.code, 78, "{args:?}: {ended:?}");
        assert!(ended.err.contains("heating.toml:"), "{args:?}: {ended:?}");
        assert!(ended.err.contains("нет закрывающей кавычки"), "{args:?}: {ended:?}");
    }
    rig.write("config/otklik.toml", "[district]\nname = \"Район\"\ntimezone = \"Asia/Ulan-Ude\"\n");
    let ended = rig.feed(&["classify"], LINE);
    assert!(ended.code == 78 && ended.err.contains("Asia/Irkutsk"), "{ended:?}");
}

#[test]
fn a_store_is_named_on_the_command_line_too() {
    let rig = Rig::new();
    let store = rig.path("elsewhere/other.db");
    let store = store.to_string_lossy();
    assert_eq!(rig.feed(&["import", "-", "--store", &store], LINE).code, 0);
    assert_eq!(rig.run(&["export", "posts", "--store", &store]).rows(0).len(), 1);
    let absent = rig.run(&["export", "posts"]);
    assert!(absent.code == 1 && absent.err.contains("otklik.db"), "{absent:?}");
}

#[test]
fn a_secret_is_a_place_and_never_a_text() {
    let rig = Rig::new();
    rig.add("config/otklik.toml", "[platforms.vk]\ntoken = \"CANARY-TOKEN-1\"\n");
    let ended = rig.run(&["check"]);
    let told = format!("{}{}", ended.out, ended.err);
    assert!(ended.code == 78 && told.contains("`token`"), "{told}");
    assert!(!told.contains("CANARY"), "a refusal does not repeat the secret: {told}");
}

#[test]
fn unknown_receivers_and_departments_are_warnings_until_somebody_relies_on_them() {
    let rig = Rig::new();
    rig.write(
        "config/routes.toml",
        "[departments]\njkh = [\"Нет такого\"]\n[[receiver]]\nname = \"Дежурный\"\n\
         email = \"d@example.org\"\ndepartments = [\"нет\"]\n",
    );
    assert_eq!(rig.feed(&["classify"], LINE).code, 0);
    assert_eq!(rig.feed(&["import", "-"], LINE).code, 0);
    for args in [&["check"][..], &["run"]] {
        let ended = rig.run(args);
        assert_eq!(ended.code, 78, "{args:?}: {ended:?}");
        assert!((ended.out + &ended.err).contains("routes.toml:2:"), "{args:?}");
    }
}

#[test]
fn check_names_every_receiver_whose_channel_is_not_set_up() {
    let rig = Rig::new();
    let routes = "[[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\ntelegram_chat = -5\n\
                  [[receiver]]\nname = \"ЖКХ\"\nemail = \"j@b.ru\"\n";
    rig.write("config/routes.toml", routes);
    let ended = rig.run(&["check"]);
    assert_eq!(ended.code, 0, "nothing is set up yet: {ended:?}");
    assert!(ended.out.contains("сообщения не уйдут никому: МЦУ, ЖКХ"), "{ended:?}");

    rig.add("config/otklik.toml", "[telegram_bot]\ntoken = { env = \"OTKLIK_TEST_BOT\" }\n");
    let ended = rig.run(&["check"]);
    assert_eq!(ended.code, 78, "{ended:?}");
    let spare = "routes.toml:3:9: предупреждение: «МЦУ»: email есть, а раздела [smtp]";
    assert!(ended.out.contains(spare), "{ended:?}");
    assert!(
        ended.out.contains("routes.toml:7:9: «ЖКХ»: email есть, а раздела [smtp]"),
        "{ended:?}"
    );
    assert!(ended.out.contains("настройте [smtp] или замените email"), "{ended:?}");

    rig.write("config/routes.toml", &format!("{routes}telegram_chat = -7\n"));
    let ended = rig.run(&["check"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("Ошибок нет, предупреждений: 2."), "{ended:?}");
}
