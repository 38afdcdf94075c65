//! Turns network trouble into errors that say what to do and nothing else.
//!
//! Place in the flow: made by the HTTP client. Invariant: no text contains an address, a header or
//! what a server sent.

use std::error::Error;

use crate::error::{Class, CollectError, Scope};

use super::guard::{NotAllowed, NotFound};

/// An address that sources may not lead to.
pub(super) fn refused() -> CollectError {
    let text = "Этот адрес для источников запрещён: он ведёт в закрытую сеть или на необычный \
                порт; если так и надо, впишите его в [network] allow";
    CollectError::new(Class::Refused, Scope::Source, "refused_address", text)
}

/// No answer in time, or one that trickles.
pub(super) fn timeout() -> CollectError {
    let text = "Сервер не ответил вовремя; попробуем ещё раз";
    CollectError::new(Class::Transient, Scope::Host, "timeout", text)
}

/// An answer beyond the cap.
pub(super) fn too_big() -> CollectError {
    let text = "Ответ сервера слишком велик, он не прочитан";
    CollectError::new(Class::Malformed, Scope::Source, "too_big", text)
}

/// A redirect that leads nowhere.
pub(super) fn redirects() -> CollectError {
    let text = "Сервер переадресует без конца или неверно; проверьте адрес источника";
    CollectError::new(Class::Malformed, Scope::Source, "redirects", text)
}

/// An address that is none.
pub(super) fn bad_url() -> CollectError {
    let text = "Адрес записан неверно; проверьте настройки";
    CollectError::new(Class::Ours, Scope::Source, "url", text)
}

/// A wrong setting of the network section.
pub(super) fn setting(code: &str, text: &str) -> CollectError {
    CollectError::new(Class::Ours, Scope::Host, code, text)
}

fn dns() -> CollectError {
    let text = "Имя сервера не находится; проверьте адрес источника и сеть";
    CollectError::new(Class::Transient, Scope::Host, "dns", text)
}

fn connect() -> CollectError {
    let text = "Сервер не принимает соединение; попробуем ещё раз";
    CollectError::new(Class::Transient, Scope::Host, "connect", text)
}

/// Nobody there takes the connection: nothing was sent.
fn connect_timeout() -> CollectError {
    CollectError { code: "connect_timeout".to_owned(), ..timeout() }
}

fn cut() -> CollectError {
    let text = "Соединение оборвалось, ответ не дочитан; попробуем ещё раз";
    CollectError::new(Class::Transient, Scope::Host, "cut", text)
}

/// A certificate that is not trusted waits for a person or the next day, not for the next minute.
fn tls(error: &rustls::Error) -> CollectError {
    match error {
        rustls::Error::InvalidCertificate(_) => {
            let text = "Сертификат сервера не принят: он просрочен, чужой или подписан неизвестным \
                        центром; проверьте часы и [network] ca_file";
            CollectError::new(Class::NoAccess, Scope::Host, "tls", text)
        }
        _ => {
            let text = "Защищённое соединение не получилось; попробуем ещё раз";
            CollectError::new(Class::Transient, Scope::Host, "tls", text)
        }
    }
}

/// The error of encryption inside `at`; I/O errors hold theirs out of the chain, one in another.
fn encryption<'e>(at: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut at = at;
    loop {
        if let Some(error) = at.downcast_ref::<rustls::Error>() {
            return Some(error);
        }
        at = at.downcast_ref::<std::io::Error>()?.get_ref()?;
    }
}

/// What an error of the client means; causes are told apart by type, never by text.
pub(super) fn from_client(error: &reqwest::Error) -> CollectError {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(at) = cause {
        if at.is::<NotAllowed>() {
            return refused();
        }
        if at.is::<NotFound>() {
            return dns();
        }
        if let Some(error) = encryption(at) {
            return tls(error);
        }
        cause = at.source();
    }
    if error.is_timeout() && error.is_connect() {
        connect_timeout()
    } else if error.is_timeout() {
        timeout()
    } else if error.is_builder() {
        bad_url()
    } else if error.is_connect() {
        connect()
    } else {
        cut()
    }
}
