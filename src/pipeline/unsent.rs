//! What no channel took: said at once where the machine itself can be read.
//!
//! Place in the flow: behind the last failed try of a message, and behind the first one that meets
//! a fault of our own settings. Invariants: the file (0600, beside
//! the store) and the journal name the alert, the receiver and the cause, never a text of anybody,
//! so that an erasure has nothing to do there; a file that cannot be written costs nothing else.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::words;
use crate::model::Delivery;

/// The file of a store.
#[must_use]
pub fn file_of(store: &Path) -> PathBuf {
    let mut name = store.as_os_str().to_owned();
    name.push(".unsent.txt");
    PathBuf::from(name)
}

/// Notes that `delivery` was given up at `now` for `cause`.
pub(super) fn note(store: &Path, delivery: &Delivery, cause: &str, now: Timestamp) {
    keep(store, delivery, &words::unsent(delivery, cause, now), cause);
}

/// Notes that `delivery` waits at `now` until our settings, the `cause`, are mended.
pub(super) fn note_waiting(store: &Path, delivery: &Delivery, cause: &str, now: Timestamp) {
    keep(store, delivery, &words::unset(delivery, cause, now), cause);
}

fn keep(store: &Path, delivery: &Delivery, line: &str, cause: &str) {
    tracing::error!(
        target: "otklik::critical",
        delivery = %delivery.id,
        subject = %delivery.subject,
        receiver = %delivery.receiver,
        trouble = %cause,
        "no channel took a message"
    );
    if let Err(error) = append(&file_of(store), line) {
        tracing::error!(%error, "the file of unsent messages cannot be written");
    }
}

fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    writeln!(options.open(file)?, "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Channel, DeliveryId, DeliveryState};

    #[test]
    fn every_loss_is_one_line_for_the_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("otklik.db");
        let now: Timestamp = "2026-11-23T07:00:00Z".parse().expect("an instant");
        let delivery = Delivery {
            id: DeliveryId("d1".to_owned()),
            subject: "alert:a0123".to_owned(),
            receiver: "Отдел ЖКХ".to_owned(),
            channel: Channel::Telegram,
            address: "-100".to_owned(),
            state: DeliveryState::Failed,
            due: now,
            tries: 3,
            copies: 0,
            unreachable_since: None,
            trouble: None,
        };
        for _ in 0..2 {
            note(&store, &delivery, "Получатель заблокировал бота (403)", now);
        }
        let text = std::fs::read_to_string(file_of(&store)).expect("written");
        assert_eq!(text.lines().count(), 2);
        assert!(text.starts_with("2026-11-23T07:00:00Z Отдел ЖКХ (telegram): "), "{text}");
        assert!(text.contains("otklik alerts show a0123") && !text.contains("-100"), "{text}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(file_of(&store)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // A folder that is gone costs nothing else.
        note(&folder.path().join("gone/otklik.db"), &delivery, "причина", now);
    }
}
