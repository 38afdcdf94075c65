//! What the stages with I/O tell a person.
//!
//! Place in the flow: answers to commands, health rows, faults at start. Invariant: whole Russian
//! sentences; none repeats a secret or what a platform sent.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::alert::render::words::{count, level, moment, reason};
use crate::model::{Alert, AlertId, Delivery, Mark, Works, WorksState};
use crate::store::ErasureReceipt;

pub(super) const WAITS: &str = "Площадка просила подождать; опрос продолжится сам";
pub(super) const NOT_COUNTED: &str =
    "Хранилище не записало расход вызовов, поэтому вызов не сделан";
pub(super) const ALIVE: &str = "Служба работает";
pub(super) const NOTHING_TO_TELL: &str = "Сообщать больше не о чем";
pub(super) const RECEIVER_GONE: &str = "Получателя больше нет в routes.toml";
pub(super) const CHAT_LEFT: &str = "Чат отключён от получателя";
pub(super) const ADDRESS_CHANGED: &str = "Адрес в routes.toml изменён";
pub(super) const WEEK_FORM: &str = "Неделя пишется как 2026-W47";
pub(super) const KEYS_FIX: &str = "проверьте права на папку хранилища";

pub(super) const LOGGED_OUT: &str = "Telegram: вход не выполнен, читаем только открытый просмотр \
                                     каналов; войдите: otklik telegram login";
pub(super) const SESSION_BUSY: &str =
    "Telegram: учётной записью сейчас читает служба; её состояние: otklik status";
pub(super) const NO_PROXY: &str = "Telegram: через прокси https:// учётной записью не читаем; \
                                   укажите в [network] proxy адрес socks5:// или http://";

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

/// A trouble that passes by itself, for whoever asks by hand.
pub(super) fn come_again(text: &str, until: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let text = text.trim_end_matches('.');
    format!("{text}. Повторите не раньше {}", moment(until, now, zone))
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

pub(super) fn same_person(from: &str, to: &str) -> String {
    format!("Дела «{from}» передать некому: за «{to}» отвечает тот же получатель")
}

pub(super) fn has_it(receiver: &str) -> String {
    format!("Это сообщение уже есть у получателя «{receiver}»")
}

/// What went from one receiver to another, and what a person must still do.
pub(super) fn handed_over(
    from: &str,
    to: &str,
    taken: &[AlertId],
    passed: &[AlertId],
    (messages, silences): (u32, u32),
    tokens: &[&str],
) -> String {
    let mut text = format!("Дела «{from}» приняты: «{to}».");
    let list =
        |alerts: &[AlertId]| alerts.iter().map(AlertId::as_str).collect::<Vec<&str>>().join(", ");
    if taken.is_empty() {
        text.push_str(" В работе ничего не было.");
    } else {
        text.push_str(&format!(" В работе: {}.", list(taken)));
    }
    if !passed.is_empty() {
        text.push_str(&format!(" Ждали ответа: {}.", list(passed)));
    }
    if messages > 0 {
        text.push_str(&format!(" Ещё не отправленных сообщений: {messages}."));
    }
    if silences > 0 {
        text.push_str(&format!(" Тишин на нём: {silences}."));
    }
    if !tokens.is_empty() {
        let tokens = tokens.join(", ");
        text.push_str(&format!(" На него выданы ключи, замените их: {tokens}."));
    }
    text
}

/// A line about a message that no channel took.
pub(super) fn unsent(delivery: &Delivery, cause: &str, now: Timestamp) -> String {
    about(delivery, "не доставлено", cause, now)
}

/// A line about a message that waits until our settings are mended.
pub(super) fn unset(delivery: &Delivery, cause: &str, now: Timestamp) -> String {
    about(delivery, "пока не уходит (пробуем трое суток)", cause, now)
}

fn about(delivery: &Delivery, what: &str, cause: &str, now: Timestamp) -> String {
    let subject = &delivery.subject;
    let (kind, id) = subject.split_once(':').unwrap_or((subject, ""));
    let alert = id.split(':').next().unwrap_or(id);
    let which = match kind {
        "alert" => format!("оповещение {alert}; показать: otklik alerts show {alert}"),
        "reminder" => format!("напоминание; показать: otklik alerts show {alert}"),
        "digest" => format!("недельная сводка {id}"),
        _ => "сообщение службы".to_owned(),
    };
    let (receiver, channel) = (&delivery.receiver, delivery.channel.name());
    format!("{now} {receiver} ({channel}): {what} {which}. {cause}")
}

pub(super) fn no_alert(alert: impl std::fmt::Display) -> String {
    format!("Нет оповещения {alert}")
}

pub(super) const TO_ALONE: &str = "Кому передать, говорят только вместе с «не наше»";
pub(super) const NO_RULES: &str = "Правила не прочитаны, отметка не поставлена";

/// Answers to a press.
pub const STRANGER: &str = "Эта кнопка не для этого чата";
pub(super) const TAP_UNKNOWN: &str = "Эта кнопка больше не действует";
pub(super) const ALERT_GONE: &str = "Этого оповещения уже нет";
pub(super) const ONLY_SAYS: &str = "Это отметка: кто и когда ответил";
pub(super) const WHOM: &str = "Кому передать?";
pub(super) const NO_LONGER_THERE: &str = "Такого получателя больше нет, выберите другого";
/// The list of receivers could not be shown.
pub const NOT_SHOWN: &str = "Не получилось показать кнопки, нажмите ещё раз";
/// A command that nobody carries out.
pub const NOT_NOW: &str = "Сейчас это не выполнить";

/// Answers to what is written to a bot.
pub(super) const SEND_CODE: &str = "Это бот оповещений района. Чтобы получать их здесь, \
     пришлите код приглашения: его даёт тот, кто ведёт «Отклик» в администрации.";
pub(super) const WRONG_CODE: &str =
    "Код не подошёл: он действует сутки и один раз. Попросите новый и пришлите его сюда.";

/// Why a channel is not heard.
pub(super) const ONE_QUEUE: &str = "MAX: [max_bot] и [platforms.max] — один и тот же бот, \
     его события забирает чтение площадки, поэтому кнопок и приглашений в MAX нет; заведите для \
     оповещений второго бота";

/// A chat joined a receiver.
pub(super) fn joined(receiver: &str, known: bool) -> String {
    let later = match known {
        true => "",
        false => " Такого получателя сейчас нет в routes.toml: сообщите тому, кто ведёт «Отклик».",
    };
    format!("Готово: сюда придут оповещения для «{receiver}».{later}")
}

/// One text speaks of two things: the message about one names the other.
pub(super) fn beside(topic: &str) -> String {
    format!("пишут и о другом: {topic}")
}

/// An alert was handed on.
pub(super) fn handed(by: &str, to: &str) -> String {
    format!("передано: {by} → {to}")
}

pub(super) fn no_receiver(name: &str) -> String {
    format!("Нет ни получателя, ни отдела «{name}» в routes.toml")
}

/// What an answer to an alert is called.
#[must_use]
pub fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Taken => "взято в работу",
        Mark::Solved => "решено",
        Mark::NotOurs => "не наше",
        Mark::Passed => "передано",
        Mark::Useful => "полезно",
        Mark::Noise => "шум",
    }
}

/// That an answer was noted, or was before.
pub(super) fn marked(given: Mark, to: Option<&str>, fresh: bool) -> String {
    let begin = if fresh { "Отмечено" } else { "Уже отмечено" };
    let to = to.map(|to| format!(", передано: {to}")).unwrap_or_default();
    let after = match given {
        Mark::Solved if fresh => "; проблема закрыта, новые жалобы откроют её снова",
        Mark::Noise if fresh => "; напоминать о проблеме больше не будем никому",
        _ => "",
    };
    format!("{begin}: {}{to}{after}", mark(given))
}

/// What came of taking all of a roll-up into work.
pub(super) fn all_taken(taken: u32, before: u32) -> String {
    match (taken, before) {
        (0, _) => "Всё уже взято в работу".to_owned(),
        (_, 0) => format!("Взято в работу проблем: {taken}"),
        _ => format!("Взято в работу проблем: {taken}, уже было: {before}"),
    }
}

pub(super) fn no_roll_up(subject: &str) -> String {
    format!("Нет общего сообщения {subject}: номер стоит в его последней строке")
}

pub(super) fn invited(receiver: &str) -> String {
    format!("Приглашение для «{receiver}» действует сутки")
}

pub(super) fn forgotten(receiver: &str, count: u32) -> String {
    match count {
        0 => format!("У получателя «{receiver}» нет чатов, подключённых по приглашению"),
        _ => format!("Отключено чатов получателя «{receiver}»: {count}"),
    }
}

pub(super) const SILENCE_PAST: &str = "Конец тишины уже прошёл: укажите --until позже";
pub(super) const SILENCE_WHAT: &str =
    "Тишине нужно, о чём она (--topic, --place или --problem), и причина до 200 знаков (--reason)";
pub(super) const WORKS_PAST: &str = "Работы уже кончились или кончаются раньше, чем начинаются";

pub(super) fn silence_long(days: i64) -> String {
    format!("Тишина не бывает дольше {days} дней: что мешает дольше, надо чинить или исключать")
}

pub(super) fn silenced(id: &str) -> String {
    format!(
        "Тишина {id} действует. Критическое и опасность, ставшая серьёзнее, проходят; остальное \
         сосчитано: otklik silence list"
    )
}

pub(super) fn no_silence(id: &str) -> String {
    format!("Нет действующей тишины {id} (otklik silence list)")
}

pub(super) fn silence_ended(id: &str, hidden: &str) -> String {
    format!("Тишина {id} снята: {hidden}")
}

pub(super) fn works_accepted(id: &str) -> String {
    format!("Плановые работы {id} приняты: до их конца жалобы на это не приходят отдельно")
}

pub(super) fn works_rejected(id: &str) -> String {
    format!("Плановые работы {id} отклонены")
}

pub(super) fn works_ended(id: &str) -> String {
    format!("Плановые работы {id} закончены: кто ещё жалуется, о том придёт оповещение")
}

pub(super) fn works_not(id: &str, known: Option<&Works>) -> String {
    let Some(works) = known else {
        return format!("Нет плановых работ {id} (otklik works list)");
    };
    let by = works.decided.as_ref().map(|(_, by)| format!(", решил: {by}")).unwrap_or_default();
    format!("С плановыми работами {id} этого не сделать: они {}{by}", works_state(works.state))
}

/// What planned works are.
#[must_use]
pub fn works_state(state: WorksState) -> &'static str {
    match state {
        WorksState::Proposed => "предложены",
        WorksState::Accepted => "приняты",
        WorksState::Rejected => "отклонены",
        WorksState::Ended => "закончены",
    }
}

/// One alert that was held, as a list says it.
pub(super) fn held_line(topic: &str, place: Option<&str>, alert: &Alert) -> String {
    let place = place.map_or_else(String::new, |place| format!(", {place}"));
    let facts = &alert.facts;
    format!(
        "{topic}{place}: {} (уровень {}). № {}",
        reason(alert.reason, facts.kind),
        level(facts.level),
        alert.id
    )
}

/// What follows from a cause, in its conversation.
pub(super) fn effect(topic: &str, problems: usize, voices: u32) -> String {
    let n = u32::try_from(problems).unwrap_or(u32::MAX);
    let problems = count(n, "проблема", "проблемы", "проблем");
    format!("заодно жалуются: {topic} ({problems}, до {voices} чел.); отдельно не сообщается")
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

pub(super) fn rumour_noted(problem: impl std::fmt::Display) -> String {
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

/// MAX did not end a subscription, in the words of `trouble`.
#[must_use]
pub fn pushes_stay(url: &str, trouble: &str) -> String {
    format!(
        "MAX по-прежнему присылает извещения на прежний адрес {url}, отменить это не удалось: \
         {trouble} Перезапустите службу, чтобы попробовать снова"
    )
}

/// Nobody can end a subscription any more.
#[must_use]
pub fn pushes_orphaned(url: &str) -> String {
    format!(
        "MAX по-прежнему присылает извещения на прежний адрес {url}, а отменить это можно только \
         ключом бота: верните [platforms.max] token до следующего запуска службы; без него MAX \
         перестанет сам, когда адрес не ответит восемь часов"
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
