//! What the stages with I/O tell a person.
//!
//! Place in the flow: answers to commands, health rows, faults at start. Invariant: whole Russian
//! sentences; none repeats a secret or what a platform sent.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::alert::render::words::moment;
use crate::store::ErasureReceipt;

pub(super) const WAITS: &str = "Площадка просила подождать; опрос продолжится сам";
pub(super) const NOT_COUNTED: &str =
    "Хранилище не записало расход вызовов, поэтому вызов не сделан";
pub(super) const ALIVE: &str = "Служба работает";
pub(super) const NOTHING_TO_TELL: &str = "Сообщать больше не о чем";
pub(super) const WEEK_FORM: &str = "Неделя пишется как 2026-W47";
pub(super) const KEYS_FIX: &str = "проверьте права на папку хранилища";

pub(super) const LOGGED_OUT: &str = "Telegram: вход не выполнен, читаем только открытый просмотр \
                                     каналов; войдите: otklik telegram login";
pub(super) const SESSION_BUSY: &str =
    "Telegram: учётной записью сейчас читает служба; её состояние: otklik status";
pub(super) const NO_PROXY: &str = "Telegram: через прокси учётной записью не читаем; укажите \
                                   прямой путь в [platforms.telegram] dc_address";

pub(super) fn no_address(place: &str) -> String {
    format!("Telegram: адрес dc_address = \"{place}\" не находится")
}

pub(super) fn session_unread(path: &Path, error: impl std::fmt::Display) -> String {
    format!("Telegram: файл входа {} не читается ({error})", path.display())
}

pub(super) fn session_open(path: &Path) -> String {
    let path = path.display();
    format!("Telegram: файл входа {path} открыт другим пользователям; закройте: chmod 600 {path}")
}

pub(super) fn session_broken(path: &Path) -> String {
    let path = path.display();
    format!("Telegram: файл входа {path} испорчен; войдите снова: otklik telegram login")
}

pub(super) fn spent(method: &str) -> String {
    format!("Дневная норма вызовов {method} исчерпана; опрос продолжится завтра")
}

pub(super) fn not_configured(platform: impl std::fmt::Display) -> String {
    format!("Площадка {platform} не настроена: впишите [platforms.{platform}] в otklik.toml")
}

/// A page that answers, on which nobody writes any more.
pub(super) fn silent(since: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let since = moment(since, now, zone);
    format!(
        "Страница открывается, но с {since} на ней никто не пишет: так долго она не молчала ни разу \
         за четыре недели. Проверьте, не переехала ли она и видны ли её публикации всем"
    )
}

pub(super) fn no_network(error: impl std::fmt::Display) -> String {
    format!("сеть не настраивается: {error}")
}

pub(super) fn keys_closed(error: impl std::fmt::Display) -> String {
    format!("файл месячных ключей не открывается ({error})")
}

pub(super) fn no_certificates(error: impl std::fmt::Display) -> String {
    format!("файл сертификатов не читается ({error})")
}

pub(super) fn note_length(most: usize) -> String {
    format!("Текст пуст или длиннее {most} знаков")
}

pub(super) fn no_topic(topic: impl std::fmt::Display) -> String {
    format!("Темы {topic} нет среди словарей проблем (otklik packs list)")
}

pub(super) fn no_place(place: impl std::fmt::Display) -> String {
    format!("Места {place} нет в places.toml")
}

/// What was understood of a note.
pub(super) fn noted<'a>(
    id: &str,
    topics: impl Iterator<Item = &'a str>,
    places: impl Iterator<Item = &'a str>,
) -> String {
    let join = |names: Vec<&str>| {
        let named: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        named.join(", ")
    };
    let (topics, places) = (join(topics.collect()), join(places.collect()));
    let topics = if topics.is_empty() {
        "Тема не распознана: её можно назвать ключом --topic.".to_owned()
    } else {
        format!("Тема: {topics}.")
    };
    format!("Записано ({id}). {topics} Место: {places}.")
}

pub(super) fn no_alert(alert: impl std::fmt::Display) -> String {
    format!("Нет оповещения {alert}")
}

pub(super) fn taken(alert: impl std::fmt::Display) -> String {
    format!("Оповещение {alert} взято в работу")
}

pub(super) fn no_problem(problem: impl std::fmt::Display) -> String {
    format!("Нет проблемы {problem}")
}

pub(super) fn closed(problem: impl std::fmt::Display) -> String {
    format!("Проблема {problem} закрыта")
}

pub(super) const SAME_PROBLEM: &str = "Эта проблема уже присоединена или это одна и та же проблема";
pub(super) const NOTHING_TO_SPLIT: &str =
    "Таких публикаций в проблеме нет, или это все её публикации: выделять нечего";

pub(super) fn moved(posts: u32) -> String {
    format!("Перенесено публикаций: {posts}; это запомнено")
}

pub(super) fn no_rumour(problem: impl std::fmt::Display) -> String {
    format!("Проблема {problem} не слух")
}

pub(super) fn marked(problem: impl std::fmt::Display) -> String {
    format!("Отмечено: {problem}")
}

pub(super) fn hastened(count: u32) -> String {
    format!("Источников поставлено в очередь на опрос: {count}")
}

pub(super) fn digest_queued(week: &str) -> String {
    format!("Сводка {week} составлена и поставлена в очередь")
}

pub(super) fn digest_known(week: &str) -> String {
    format!("Сводка {week} уже была составлена и отправлена")
}

pub(super) fn digest_subject(week: &str) -> String {
    format!("Недельная сводка {week}")
}

/// The receipt of an erasure as a person reads it.
pub(super) fn receipt(receipt: &ErasureReceipt) -> String {
    let removed: Vec<String> =
        receipt.removed.iter().map(|(table, rows)| format!("{table}: {rows}")).collect();
    let removed = if removed.is_empty() {
        "ничего не было".to_owned()
    } else {
        removed.join(", ")
    };
    format!(
        "Публикация удалена {} (хеш ключа {}). Удалено: {removed}",
        receipt.at, receipt.key_hash
    )
}

/// Packs name a department that `routes.toml` does not have.
pub(super) fn no_department(department: &str, packs: &str) -> String {
    format!("нет отдела «{department}», а его называют словари: {packs}")
}

/// What to do about it.
pub(super) fn department_fix(department: &str) -> String {
    format!("допишите в [departments]: {department} = [\"имя получателя\"], или пустой список: []")
}
