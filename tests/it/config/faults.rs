//! Broken `otklik.toml` files: each fault at its place, with the fix, and all of them at once.

use std::path::Path;

use otklik::config::{self, Fault};

/// A sound beginning: the text under test starts in line 4.
const DISTRICT: &str = "[district]\nname = \"Район\"\ntimezone = \"Asia/Irkutsk\"\n";

fn faults(text: &str) -> Vec<Fault> {
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("otklik.toml");
    std::fs::write(&file, text).expect("write");
    let (_, mut faults) = config::examine(&file);
    for fault in &mut faults {
        fault.file = Path::new("otklik.toml").to_path_buf();
    }
    faults
}

/// `rest` after the sound beginning has exactly one fault, printed so.
fn check(rest: &str, expected: &str) {
    let found: Vec<String> =
        faults(&format!("{DISTRICT}{rest}")).iter().map(ToString::to_string).collect();
    assert_eq!(found, [expected], "{rest}");
}

/// The whole text has exactly these faults.
fn check_all(text: &str, expected: &[&str]) {
    let found: Vec<String> = faults(text).iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn unknown_words_get_the_nearest_known_one() {
    check("[netwrok]\n", "otklik.toml:4:2: неизвестный раздел `netwrok` → может быть, `network`?");
    check(
        "[platforms.tg]\n",
        "otklik.toml:4:12: неизвестный раздел `tg` → здесь бывают: vk, ok, telegram, max",
    );
    check(
        "[platforms.telegrm]\n",
        "otklik.toml:4:12: неизвестный раздел `telegrm` → может быть, `telegram`?",
    );
    check(
        "[store]\npaht = \"x\"\n",
        "otklik.toml:5:1: неизвестный ключ `paht` → может быть, `path`?",
    );
    check(
        "[log]\nverbosity = 3\n",
        "otklik.toml:5:1: неизвестный ключ `verbosity` → здесь бывают: level",
    );
    check("name = \"x\"\n", "otklik.toml:4:1: ключ задан дважды → оставьте одну строку");
    check(
        "[log]\nlevel = \"inf\"\n",
        "otklik.toml:5:9: неизвестное значение «inf» → может быть, `info`?",
    );
    check(
        "[log]\nlevel = \"громко\"\n",
        "otklik.toml:5:9: неизвестное значение «громко» → \
         здесь бывают: error, warn, info, debug, trace",
    );
}

#[test]
fn wrong_kinds_say_what_is_needed() {
    check(
        "[store]\npath = 5\n",
        "otklik.toml:5:8: `path`: значение не того вида → нужно: строка в кавычках",
    );
    check(
        "[retention]\nmatched_days = \"365\"\n",
        "otklik.toml:5:16: `matched_days`: значение не того вида → нужно: целое число",
    );
    check(
        "[network]\nallow = \"127.0.0.1\"\n",
        "otklik.toml:5:9: `allow`: значение не того вида → \
         нужно: список строк в квадратных скобках",
    );
    check(
        "[network]\nallow = [\"127.0.0.1\", 10]\n",
        "otklik.toml:5:23: `allow`: значение не того вида → нужно: строка в кавычках",
    );
    check(
        "[platforms]\nvk = \"token\"\n",
        "otklik.toml:5:6: `platforms.vk` — раздел, а не значение → [platforms.vk]",
    );
}

#[test]
fn zones_that_do_not_exist_get_the_hint() {
    let check = |zone: &str, fix: &str| {
        check_all(
            &format!("[district]\nname = \"Район\"\ntimezone = \"{zone}\"\n"),
            &[&format!("otklik.toml:3:12: нет часового пояса «{zone}» → {fix}")],
        );
    };
    check("Asia/Ulan-Ude", "напишите \"Asia/Irkutsk\"");
    check("Asia/Ulan_Ude", "напишите \"Asia/Irkutsk\"");
    check("Улан-Удэ", "напишите \"Asia/Irkutsk\"");
    check("Asia/Irkusk", "может быть, \"Asia/Irkutsk\"?");
    check("Марс", "имя по базе IANA, например \"Asia/Irkutsk\"");
}

#[test]
fn required_keys_are_named() {
    check_all(
        "",
        &["otklik.toml: нет обязательного раздела [district] → \
           допишите: [district], name = \"…\", timezone = \"Asia/Irkutsk\""],
    );
    check_all(
        "[district]\nname = \"Район\"\n",
        &["otklik.toml:1:1: в [district] нет обязательного ключа `timezone` → \
           допишите timezone = \"Asia/Irkutsk\""],
    );
    check(
        "[platforms.vk]\n",
        "otklik.toml:4:1: в [platforms.vk] нет обязательного ключа `token` → \
         допишите token = { credential = \"vk_token\" }",
    );
    check(
        "[smtp]\nurl = \"smtp://127.0.0.1:2525\"\n",
        "otklik.toml:4:1: в [smtp] нет обязательного ключа `from` → \
         допишите from = \"Отклик <otklik@example.org>\"",
    );
}

#[test]
fn values_are_checked() {
    check_all(
        "[district]\nid = \"мой район\"\nname = \"  \"\ntimezone = \"Asia/Irkutsk\"\n",
        &[
            "otklik.toml:2:6: в имени недопустимый знак « » → буквы, цифры, «_», «-», «.»",
            "otklik.toml:3:8: пустое название → напишите его так, как пишут в письмах",
        ],
    );
    check(
        "[store]\npath = \"\"\n",
        "otklik.toml:5:8: пустой путь → напишите путь или удалите строку",
    );
    check(
        "[retention]\nunmatched_days = 0\n",
        "otklik.toml:5:18: срок хранения 0 суток → от 1 до 36500",
    );
    check(
        "[schedule]\nrescan = \"7д\"\n",
        "otklik.toml:5:10: не понять срок «7д» → единица пишется латинской буквой: \"7d\"",
    );
    check("[schedule]\nrescan = \"5m\"\n", "otklik.toml:5:10: срок «5m» мал → не меньше 1h");
    check(
        "[schedule]\ndigest = \"0 9 * * 1\"\n",
        "otklik.toml:5:10: день недели числом читают по-разному → \
         пишите словом: Mon, Tue, Wed, Thu, Fri, Sat, Sun",
    );
    check(
        "[schedule]\ndigest = \"понедельник\"\n",
        "otklik.toml:5:10: в расписании полей: 1 → \
         пять полей: минута час число месяц день недели, например \"0 9 * * Mon\"",
    );
    check(
        "[network]\nallow = [\"localhost\"]\n",
        "otklik.toml:5:10: это не адрес и не сеть → пишите \"127.0.0.1\" или \"10.1.0.0/16\"",
    );
    check(
        "[network]\nallow = [\"10.0.0.0/99\"]\n",
        "otklik.toml:5:10: неверная длина сети → после «/» — число от 0 до 32",
    );
    check(
        "[network]\nproxy = \"10.0.0.1:3128\"\n",
        "otklik.toml:5:9: это не адрес → начните с http:// или https:// или socks5:// или socks5h://",
    );
    check(
        "[platforms.telegram]\npreview_url = \"t.me\"\n",
        "otklik.toml:5:15: это не адрес → начните с https:// или http://",
    );
    check(
        "[platforms.telegram]\napi_id = -4\n",
        "otklik.toml:5:10: это не номер приложения Telegram → возьмите api_id на my.telegram.org",
    );
    check(
        "[platforms.telegram]\ndc_address = \"149.154.167.50\"\n",
        "otklik.toml:5:14: это не адрес с портом → пишите \"149.154.167.50:443\"",
    );
}

#[test]
fn values_of_platforms_and_mail_are_checked() {
    let vk = "[platforms.vk]\ntoken = { env = \"VK\" }\n";
    check(
        &format!("{vk}api_url = \"vk\"\n"),
        "otklik.toml:6:11: это не адрес → начните с https:// или http://",
    );
    check(
        &format!("{vk}token_kind = \"servise\"\n"),
        "otklik.toml:6:14: неизвестное значение «servise» → может быть, `service`?",
    );
    check(
        &format!("{vk}version = \"v5\"\n"),
        "otklik.toml:6:11: это не версия API → пишите \"5.199\"",
    );
    let from = "[smtp]\nfrom = \"otklik@example.org\"\n";
    check(
        &format!("{from}url = \"imap://mail\"\n"),
        "otklik.toml:6:7: адрес с «imap://» здесь не подходит → начните с smtps:// или smtp://",
    );
    check(
        "[smtp]\nurl = \"smtp://mail\"\nfrom = \"Отклик\"\n",
        "otklik.toml:6:8: это не почтовый адрес → \
         пишите otklik@example.org или «Отклик <otklik@example.org>»",
    );
}

#[test]
fn secrets_never_stand_in_the_file_and_are_never_repeated() {
    let refused = |text: &str, expected: &str| {
        check(text, expected);
        for fault in faults(&format!("{DISTRICT}{text}")) {
            assert!(!format!("{fault:?}").contains("s3cret"), "{fault:?}");
        }
    };
    refused(
        "[platforms.vk]\ntoken = \"s3cret\"\n",
        "otklik.toml:5:9: `token` — секрет, он не пишется прямо в файле → \
         token = { credential = \"vk_token\" } или { file = \"…\" }, { env = \"…\" }",
    );
    refused(
        "[telegram_bot]\ntoken = { value = \"s3cret\" }\n",
        "otklik.toml:5:11: неизвестный вид секрета `value` → здесь бывают: credential, file, env",
    );
    refused(
        "[telegram_bot]\ntoken = { env = \"A\", file = \"b\" }\n",
        "otklik.toml:5:9: `token`: нужно назвать ровно одно место секрета → \
         token = { credential = \"telegram_bot_token\" } или { file = \"…\" }, { env = \"…\" }",
    );
    refused(
        "[platforms.vk]\ntoken = { credential = \"/etc/vk\" }\n",
        "otklik.toml:5:24: `token`: имя секрета systemd не бывает путём → \
         для файла есть { file = \"…\" }",
    );
    refused(
        "[platforms.vk]\ntoken = { file = \"\" }\n",
        "otklik.toml:5:18: `token`: место секрета не названо → \
         token = { credential = \"vk_token\" }",
    );
    refused(
        "[smtp]\nurl = \"smtps://u:s3cret@mail:465\"\nfrom = \"a@b.ru\"\n",
        "otklik.toml:5:7: в адресе почтового сервера есть пароль → \
         уберите его и допишите password = { credential = \"smtp_password\" }",
    );
    refused(
        "[network]\nproxy = \"http://u:s3cret@10.0.0.1:3128\"\n",
        "otklik.toml:5:9: в адресе прокси есть пароль → \
         уберите его и допишите proxy_password = { credential = \"proxy_password\" }",
    );
    refused(
        "[platforms.vk]\ntoken = s3cret\n",
        "otklik.toml:5:9: строка без кавычек → возьмите её в кавычки \"…\"",
    );
}

#[test]
fn what_is_no_toml_is_said_in_russian() {
    check("[store\n", "otklik.toml:4:7: в заголовке раздела нет закрывающей скобки → допишите «]»");
    check(
        "[store]\npath\n",
        "otklik.toml:5:5: у ключа нет значения → допишите «= значение» или удалите строку",
    );
    check(
        "[store]\npath =\n",
        "otklik.toml:5:7: у ключа нет значения → допишите значение после знака «=»",
    );
    check(
        "[store]\npath = \"a\n",
        "otklik.toml:5:10: строка не закрыта кавычкой → поставьте закрывающую кавычку",
    );
    check(
        "[network]\nallow = [\"a\n",
        "otklik.toml:5:12: у списка нет закрывающей скобки → допишите «]»",
    );
    check("[store]\n[store]\n", "otklik.toml:5:2: ключ задан дважды → оставьте одну строку");
    check(
        "[store]\npath = \"a\" # да\nпуть = \"b\"\n",
        "otklik.toml:6:1: имя ключа с недопустимым знаком → латинские буквы, цифры, «_», «-»",
    );
    check(
        "[store]\npath = \"C:\\data\"\n",
        "otklik.toml:5:12: обратная черта в строке → напишите «\\\\» или возьмите в апострофы",
    );
}

#[test]
fn all_faults_of_a_file_come_at_once_in_its_order() {
    check_all(
        "[district]\nnam = \"Район\"\ntimezone = \"Asia/Ulan-Ude\"\n\n[platforms.vk]\n\
         token = \"abc\"\nversion = \"5\"\n\n[log]\nlevel = 3\n",
        &[
            "otklik.toml:1:1: в [district] нет обязательного ключа `name` → \
             допишите name = \"Заиграевский район\"",
            "otklik.toml:2:1: неизвестный ключ `nam` → может быть, `name`?",
            "otklik.toml:3:12: нет часового пояса «Asia/Ulan-Ude» → напишите \"Asia/Irkutsk\"",
            "otklik.toml:6:9: `token` — секрет, он не пишется прямо в файле → \
             token = { credential = \"vk_token\" } или { file = \"…\" }, { env = \"…\" }",
            "otklik.toml:7:11: это не версия API → пишите \"5.199\"",
            "otklik.toml:10:9: `level`: значение не того вида → нужно: строка в кавычках",
        ],
    );
}

#[test]
fn files_of_windows_are_read_and_its_old_encoding_is_named() {
    check_all("\u{feff}[district]\r\nname = \"Район\"\r\ntimezone = \"Asia/Irkutsk\"\r\n", &[]);
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("otklik.toml");
    std::fs::write(&file, b"[district]\nname = \"\xD0\xE0\xE9\xEE\xED\"\n").expect("write");
    let (_, faults) = config::examine(&file);
    assert_eq!((faults.len(), faults[0].line, faults[0].column), (1, 2, 1));
    assert!(faults[0].text.contains("Windows-1251"), "{}", faults[0]);
}

#[test]
fn a_missing_file_names_the_way_out() {
    let dir = tempfile::tempdir().expect("temp dir");
    let file = dir.path().join("otklik.toml");
    let faults = config::load_all(&file).expect_err("no file");
    assert!(faults[0].to_string().ends_with("файла настройки нет → создайте его: otklik init"));
}

/// A file saved half-way, at every character: faults or settings, never a panic.
#[test]
fn every_beginning_of_a_file_is_read_without_panic() {
    let text = "[district]\nname = \"Район «А»\"\ntimezone = \"Asia/Irkutsk\"\n[network]\n\
                allow = [\"127.0.0.1\", '10.0.0.0/8']\n[platforms.vk]\n\
                token = { file = \"vk\" } # да\n[schedule]\nrescan = \"7d\"\n\
                [retention]\nmatched_days = 0x10\n[smtp]\nurl = \"smtp://mail\"\n\
                from = \"\"\"a@b.ru\"\"\"\n";
    let file = Path::new("otklik.toml");
    let mut sound = 0;
    for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
        let (sources, faults) = config::sources::parse_sources(file, &text[..at], None);
        assert!(sources.is_empty() && (at == 0 || !faults.is_empty()), "{}", &text[..at]);
        sound += usize::from(self::faults(&text[..at]).is_empty());
    }
    assert!(sound > 3, "the whole file and some beginnings are sound: {sound}");
}
