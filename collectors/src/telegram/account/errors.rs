//! What each of Telegram's refusals means: class, reach, next try, one Russian sentence.
//!
//! Place in the flow: between the connection and everything above it. Invariant: every code has an
//! answer; one that nobody has met yet goes by its number. Names of errors are matched only here.

use jiff::{SignedDuration, Timestamp};

use crate::error::{Class, CollectError, Scope};

/// Longest wait that Telegram may order, as for any server: one that is wrong about the year must
/// not be lost for one.
const WAIT_SECS_MAX: i64 = 30 * 24 * 3600;
/// How long to keep away when a limit names no time.
const WAIT_UNNAMED: SignedDuration = SignedDuration::from_hours(1);
/// How much longer than told we wait: Telegram counts in whole seconds.
const WAIT_MORE_SECS: i64 = 1;

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Telegram refuses: code, name without its number, the number.
    Rpc(i32, String, Option<u32>),
    /// The connection could not be made or broke.
    Network,
    /// Nothing came in time.
    Timeout,
    /// The connection is being made anew, not before this instant.
    Down(Timestamp),
    /// Telegram does not know our key.
    Key,
    /// Too many connections.
    Crowded,
    /// What came makes no sense.
    Garbled,
}

impl Trouble {
    /// An error as Telegram names it: `FLOOD_WAIT_31` is `FLOOD_WAIT` and 31.
    #[must_use]
    pub fn rpc(code: i32, name: &str) -> Self {
        let parts: Vec<&str> = name.split('_').collect();
        let number = |part: &&&str| part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty();
        let value = parts.iter().find(number).and_then(|part| part.parse().ok());
        let rest: Vec<&str> = parts.iter().filter(|part| !number(part)).copied().collect();
        Trouble::Rpc(code, rest.join("_"), value)
    }

    /// Whether Telegram refused with this name.
    #[must_use]
    pub fn is(&self, expected: &str) -> bool {
        matches!(self, Trouble::Rpc(_, name, _) if name == expected)
    }

    /// Whether it is the connection that failed, not the request.
    #[must_use]
    pub fn is_line(&self) -> bool {
        !matches!(self, Trouble::Rpc(..) | Trouble::Garbled)
    }
}

type Row = (Class, Scope, &'static str);

const LOGIN: Row = (
    Class::NeedsPerson,
    Scope::Token,
    "Telegram больше не принимает вход нашей учётной записи; войдите снова: otklik telegram login.",
);
const BANNED: Row = (
    Class::NeedsPerson,
    Scope::Token,
    "Учётная запись Telegram заблокирована или удалена; нужна другая: otklik telegram login.",
);
const FROZEN: Row = (
    Class::NeedsPerson,
    Scope::Token,
    "Telegram заморозил учётную запись; откройте её в приложении и подайте возражение.",
);
const APPLICATION: Row = (
    Class::NeedsPerson,
    Scope::Token,
    "Telegram не принимает api_id и api_hash; проверьте их на my.telegram.org.",
);
const MOVED: Row = (
    Class::NeedsPerson,
    Scope::Token,
    "Учётная запись Telegram живёт в другом центре данных; войдите снова: otklik telegram login.",
);
const BOT: Row = (
    Class::NeedsPerson,
    Scope::Token,
    "Вход выполнен ботом, а ботам чужие каналы не показывают; войдите учётной записью человека.",
);
const CLOSED: Row = (
    Class::NoAccess,
    Scope::Source,
    "Канал или группа закрыты для нас: стали закрытыми или не пускают нашу учётную запись.",
);
const MISSING: Row = (
    Class::Gone,
    Scope::Source,
    "Канала с таким именем в Telegram нет: переименован или удалён; укажите новое имя.",
);
const NAME: Row = (
    Class::Refused,
    Scope::Source,
    "Такого имени в Telegram не бывает; проверьте адрес источника.",
);
const NO_DISCUSSION: Row =
    (Class::NoAccess, Scope::Source, "У этой записи нет обсуждения или она удалена.");
const LATER: Row =
    (Class::Transient, Scope::Host, "Telegram отвечает ошибкой; попробуем ещё раз позже.");
const SLOWER: Row =
    (Class::RateLimited, Scope::Method, "Telegram просит обращаться реже; продолжим позже.");
const ODD: Row = (
    Class::Ours,
    Scope::Source,
    "Telegram не понял наш запрос: похоже на ошибку программы, сообщите разработчикам.",
);
const CANNOT: Row =
    (Class::NoAccess, Scope::Source, "Telegram не разрешает нашей учётной записи это читать.");
const UNEXPECTED: Row =
    (Class::Malformed, Scope::Source, "Telegram ответил не так, как ожидалось.");

/// Errors by name; whatever is not here goes by its code.
const TABLE: [(&str, Row); 58] = [
    ("FLOOD_WAIT", SLOWER),
    ("FLOOD_PREMIUM_WAIT", SLOWER),
    ("FLOOD_TEST_PHONE_WAIT", SLOWER),
    ("SLOWMODE_WAIT", SLOWER),
    ("PEER_FLOOD", SLOWER),
    ("FROZEN_METHOD_INVALID", FROZEN),
    ("FROZEN_PARTICIPANT_MISSING", FROZEN),
    ("AUTH_KEY_UNREGISTERED", LOGIN),
    ("AUTH_KEY_INVALID", LOGIN),
    ("AUTH_KEY_PERM_EMPTY", LOGIN),
    ("AUTH_KEY_DUPLICATED", LOGIN),
    ("AUTH_KEY_UNSYNCHRONIZED", LOGIN),
    ("SESSION_REVOKED", LOGIN),
    ("SESSION_EXPIRED", LOGIN),
    ("SESSION_PASSWORD_NEEDED", LOGIN),
    ("USER_DEACTIVATED", BANNED),
    ("USER_DEACTIVATED_BAN", BANNED),
    ("PHONE_NUMBER_BANNED", BANNED),
    ("INPUT_USER_DEACTIVATED", BANNED),
    ("API_ID_INVALID", APPLICATION),
    ("API_ID_PUBLISHED_FLOOD", APPLICATION),
    ("BOT_METHOD_INVALID", BOT),
    ("USER_BOT_INVALID", BOT),
    ("PHONE_MIGRATE", MOVED),
    ("USER_MIGRATE", MOVED),
    ("NETWORK_MIGRATE", MOVED),
    ("FILE_MIGRATE", MOVED),
    ("STATS_MIGRATE", MOVED),
    ("CHANNEL_PRIVATE", CLOSED),
    ("CHANNEL_INVALID", CLOSED),
    ("CHANNEL_PUBLIC_GROUP_NA", CLOSED),
    ("CHANNEL_MONOFORUM_UNSUPPORTED", CLOSED),
    ("CHAT_ADMIN_REQUIRED", CLOSED),
    ("CHAT_FORBIDDEN", CLOSED),
    ("CHAT_RESTRICTED", CLOSED),
    ("CHAT_ID_INVALID", CLOSED),
    ("PEER_ID_INVALID", CLOSED),
    ("USER_BANNED_IN_CHANNEL", CLOSED),
    ("USER_NOT_PARTICIPANT", CLOSED),
    ("USERNAME_NOT_OCCUPIED", MISSING),
    ("USERNAME_INVALID", NAME),
    ("MSG_ID_INVALID", NO_DISCUSSION),
    ("MESSAGE_ID_INVALID", NO_DISCUSSION),
    ("TOPIC_ID_INVALID", NO_DISCUSSION),
    ("TIMEOUT", LATER),
    ("RPC_CALL_FAIL", LATER),
    ("RPC_MCGET_FAIL", LATER),
    ("RPC_SEND_FAIL", LATER),
    ("INTERDC_CALL_ERROR", LATER),
    ("INTERDC_CALL_RICH_ERROR", LATER),
    ("WORKER_BUSY_TOO_LONG_RETRY", LATER),
    ("MSG_WAIT_FAILED", LATER),
    ("MSG_WAIT_TIMEOUT", LATER),
    ("NEED_CHAT_INVALID", LATER),
    ("CONNECTION_NOT_INITED", ODD),
    ("CONNECTION_LAYER_INVALID", ODD),
    ("LIMIT_INVALID", ODD),
    ("OFFSET_INVALID", ODD),
];

/// What to do about it. `now` is when the answer came.
#[must_use]
pub fn explain(trouble: &Trouble, now: Timestamp) -> CollectError {
    let of_line = |code: &str, text: &str| {
        CollectError::new(Class::Transient, Scope::Host, format!("telegram {code}"), text)
    };
    match trouble {
        Trouble::Rpc(code, name, value) => refusal(*code, name, *value, now),
        Trouble::Network => of_line("network", "Связь с Telegram прервалась; попробуем ещё раз."),
        Trouble::Timeout => of_line("timeout", "Telegram не ответил вовремя; попробуем ещё раз."),
        Trouble::Down(until) => {
            of_line("down", "Связь с Telegram восстанавливается; попробуем ещё раз.").until(*until)
        }
        Trouble::Crowded => of_line("crowded", "Telegram не принимает больше соединений.")
            .until(now + SignedDuration::from_mins(1)),
        Trouble::Key => {
            let (class, scope, text) = LOGIN;
            CollectError::new(class, scope, "telegram key", text)
        }
        Trouble::Garbled => {
            let (class, scope, text) = UNEXPECTED;
            CollectError::new(class, scope, "telegram answer", text)
        }
    }
}

fn refusal(code: i32, name: &str, value: Option<u32>, now: Timestamp) -> CollectError {
    let listed = TABLE.iter().find(|(known, _)| *known == name).map(|(_, row)| *row);
    let (class, scope, text) = listed.unwrap_or(match code {
        303 => MOVED,
        400 | 404 => ODD,
        401 => LOGIN,
        403 | 406 => CANNOT,
        420 => SLOWER,
        code if !(0..500).contains(&code) => LATER,
        _ => UNEXPECTED,
    });
    // Names are Telegram's own words, never ours or a person's; a strange one is left out.
    let plain = name.len() <= 60 && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let name = if plain { name } else { "?" };
    let error = CollectError::new(class, scope, format!("telegram {code} {name}"), text);
    match (class, value) {
        (Class::RateLimited, Some(secs)) => {
            let secs = i64::from(secs).min(WAIT_SECS_MAX) + WAIT_MORE_SECS;
            let until = now.saturating_add(SignedDuration::from_secs(secs)).unwrap_or(now);
            error.until(until).asked(Some(until))
        }
        (Class::RateLimited, None) => error.until(now + WAIT_UNNAMED),
        _ => error,
    }
}
