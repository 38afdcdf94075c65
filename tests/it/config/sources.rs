//! `sources.toml`: what a sound row becomes, and what each broken one is told.

use std::collections::BTreeSet;
use std::path::Path;

use otklik::config::sources::parse_sources;
use otklik::model::{PlaceId, SourceKind, SourceScope};

const SOUND: &str = "[[source]]\nid = \"a\"\nplatform = \"vk\"\nhandle = \"primer\"\n";

/// The text has exactly these faults. Known places: onohoy, zaigraevo.
fn check(text: &str, expected: &[&str]) {
    let places: BTreeSet<PlaceId> = ["onohoy", "zaigraevo"].map(PlaceId::from).into();
    let (_, faults) = parse_sources(Path::new("sources.toml"), text, Some(&places));
    let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

/// The same for lines added to one sound row; they begin in line 5.
fn check_row(lines: &str, expected: &str) {
    check(&format!("{SOUND}{lines}"), &[expected]);
}

#[test]
fn a_row_becomes_a_source_with_defaults() {
    let (sources, faults) = parse_sources(Path::new("sources.toml"), SOUND, None);
    assert_eq!(faults, []);
    let source = &sources[0];
    assert_eq!((source.id.as_str(), source.platform.as_str()), ("a", "vk"));
    assert_eq!((source.kind, source.scope), (SourceKind::Community, SourceScope::District));
    assert_eq!((source.every_secs, source.backfill_secs), (900, 7 * 86_400));
    assert!(source.comments && source.place.is_none());
}

#[test]
fn every_key_is_read() {
    let text = "[[source]]\nid = \"n\"\nplatform = \"rss\"\nhandle = \"https://news.example.org/rss\"\n\
                kind = \"news\"\nscope = \"region\"\nplace = \"onohoy\"\nevery = \"1h\"\n\
                comments = false\nbackfill = \"30d\"\n";
    let (sources, faults) = parse_sources(Path::new("sources.toml"), text, None);
    assert_eq!(faults, []);
    let source = &sources[0];
    assert_eq!((source.kind, source.scope), (SourceKind::News, SourceScope::Region));
    assert_eq!((source.every_secs, source.backfill_secs), (3_600, 30 * 86_400));
    assert_eq!(source.place, Some(PlaceId::from("onohoy")));
    assert!(!source.comments);
}

#[test]
fn addresses_and_names_of_one_page_are_one_handle() {
    let text = "[[source]]\nid = \"a\"\nplatform = \"vk\"\nhandle = \"https://vk.com/club200001\"\n\
                [[source]]\nid = \"b\"\nplatform = \"telegram\"\nhandle = \"@primer_news\"\n";
    let (sources, faults) = parse_sources(Path::new("sources.toml"), text, None);
    assert_eq!(faults, []);
    assert_eq!(sources[0].handle, "-200001");
    assert_eq!(sources[1].handle, "primer_news");
}

#[test]
fn unknown_words() {
    check_row(
        "evry = \"1h\"\n",
        "sources.toml:5:1: неизвестный ключ `evry` → может быть, `every`?",
    );
    check_row(
        "kind = \"comunity\"\n",
        "sources.toml:5:8: неизвестное значение «comunity» → может быть, `community`?",
    );
    check_row(
        "scope = \"город\"\n",
        "sources.toml:5:9: неизвестное значение «город» → здесь бывают: district, region",
    );
    check_row(
        "place = \"onohoi\"\n",
        "sources.toml:5:9: неизвестное место «onohoi» → может быть, \"onohoy\"?",
    );
    check_row(
        "place = \"москва\"\n",
        "sources.toml:5:9: неизвестное место «москва» → возьмите id из places.toml",
    );
    check(
        "[[sourse]]\nid = \"a\"\n",
        &["sources.toml:1:3: неизвестный раздел `sourse` → может быть, `source`?"],
    );
    check("[source]\nid = \"a\"\n", &["sources.toml:1:1: `source` — не список → [[source]]"]);
}

#[test]
fn values() {
    check_row("every = \"10s\"\n", "sources.toml:5:9: срок «10s» мал → не меньше 1m");
    check_row("every = \"30d\"\n", "sources.toml:5:9: срок «30d» велик → не больше 1w");
    check_row(
        "every = 15\n",
        "sources.toml:5:9: `every`: значение не того вида → нужно: строка в кавычках",
    );
    check_row(
        "backfill = \"месяц\"\n",
        "sources.toml:5:12: не понять срок «месяц» → \
         пишите число и единицу: \"15m\" (минуты), \"1h\" (часы), \"30d\" (сутки)",
    );
    check_row(
        "comments = \"да\"\n",
        "sources.toml:5:12: `comments`: значение не того вида → нужно: true или false",
    );
    check(
        "[[source]]\nid = \"a b\"\nplatform = \"vk\"\nhandle = \"primer\"\n",
        &["sources.toml:2:6: в имени недопустимый знак « » → буквы, цифры, «_», «-», «.»"],
    );
}

#[test]
fn platforms_and_pages() {
    let row = |platform: &str, handle: &str| {
        format!("[[source]]\nid = \"a\"\nplatform = \"{platform}\"\nhandle = \"{handle}\"\n")
    };
    check(
        &row("ok", "https://ok.ru/profile/500000000001"),
        &["sources.toml:4:10: это личная страница → в ОК читаются только группы"],
    );
    check(
        &row("max", "https://max.ru/join/AbCdEf"),
        &["sources.toml:4:10: это приглашение в закрытый чат → \
           годятся каналы и открытые чаты, где бот администратор"],
    );
    check(
        &row("vkontakte", "primer"),
        &["sources.toml:3:12: неизвестная платформа «vkontakte» → \
           здесь бывают: vk, telegram, rss, ok, max"],
    );
    check(
        &row("vk", "id15"),
        &["sources.toml:4:10: это личная страница → личные страницы читаются только как \
           kind = \"leader\", от 10 000 подписчиков; у сообщества номер с минусом"],
    );
    check(
        &row("telegram", "https://t.me/+AbCd"),
        &["sources.toml:4:10: это приглашение в закрытый чат → годятся только открытые каналы"],
    );
    check(
        &row("telegram", "https://vk.com/primer"),
        &["sources.toml:4:10: это адрес vk, а не telegram → platform = \"vk\""],
    );
    check(
        &row("rss", "news.example.org/rss"),
        &["sources.toml:4:10: у ленты нужен полный адрес → начните с https://"],
    );
    check(
        "[[source]]\nid = \"a\"\nplatform = \"vk\"\n",
        &["sources.toml:1:1: в [source] нет обязательного ключа `handle` → \
           допишите handle = \"onohoy_online\""],
    );
}

#[test]
fn nothing_stands_twice() {
    check(
        &format!("{SOUND}\n[[source]]\nid = \"a\"\nplatform = \"vk\"\nhandle = \"inoe\"\n"),
        &["sources.toml:7:6: источник «a» уже есть в строке 2 → дайте другое имя"],
    );
    check(
        &format!("{SOUND}\n[[source]]\nid = \"b\"\nplatform = \"vk\"\nhandle = \"vk.ru/Primer\"\n"),
        &["sources.toml:9:10: эту страницу уже читает источник в строке 4 → оставьте один из двух"],
    );
}

#[test]
fn a_missing_file_is_no_sources() {
    let nowhere = Path::new("/nonexistent/sources.toml");
    assert_eq!(otklik::config::load_sources(nowhere, None), Ok(Vec::new()));
    assert!(otklik::config::load_services(nowhere).is_empty());
}

/// Service accounts: numbers with the body whose they are; anything else is a fault, and one that
/// stands twice is worth a word.
#[test]
fn service_accounts_name_their_body() {
    let row = |account: &str, body: &str| {
        format!("[[service]]\nplatform = \"vk\"\naccount = \"{account}\"\nbody = \"{body}\"\n")
    };
    let faults = |text: &str| {
        let (_, faults) = parse_sources(Path::new("sources.toml"), text, None);
        faults.iter().map(|fault| fault.text.clone()).collect::<Vec<_>>()
    };
    let sound = format!("{}{}", row("club200002", "МКУ «Служба»"), row("id100500", "Отдел ЖКХ"));
    assert_eq!(faults(&sound), [""; 0]);
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), &sound).expect("written");
    let listed: Vec<String> = otklik::config::load_services(file.path()).into_iter().collect();
    assert_eq!(listed, ["vk:-200002", "vk:100500"]);
    assert_eq!(faults(&row("ivan_primerov", "Отдел")), ["`ivan_primerov` — не номер аккаунта"]);
    assert_eq!(faults(&row("id100500", " ")), ["пустое название"]);
    let twice = format!("{}{}", row("club200002", "А"), row("-200002", "А"));
    assert_eq!(faults(&twice), ["этот аккаунт уже есть в строке 3"]);
    let without = "[[service]]\nplatform = \"vk\"\naccount = \"club200002\"\n";
    assert_eq!(faults(without).len(), 1, "whose it is must be said");
}
