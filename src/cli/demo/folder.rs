//! The folder of the demo: who may write into it, and what it holds in the end.
//!
//! Place in the flow: first and last step of the command. Invariant: only what an earlier demo
//! wrote is ever removed, and only in a folder that carries its mark.

use std::fs;
use std::io;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::model::PlaceId;
use crate::model::digest::Week;
use crate::notify::play::{BotMessage, Mail};
use crate::pipeline::report;
use crate::sim::Story;
use crate::sim::run::{Drill, Ended};
use crate::sim::score::Listed;
use crate::store::StoreLock;

use super::super::{Failure, Result, words};

/// Tells that a demo made the folder.
const MARK: &str = ".otklik-demo";
const MARK_TEXT: &str =
    "Эту папку создала команда otklik demo. Следующий показ заменит её содержимое.\n";
/// File of the store.
const STORE: &str = "otklik.db";
/// Folders that a demo fills.
const FOLDERS: [&str; 3] = ["config", "mail", "telegram"];

/// Makes the folder ready: creates it, or empties one that an earlier demo made.
pub fn prepare(out: &Path) -> Result<()> {
    let failed =
        |error: io::Error| Failure::failed(format!("папка {} не готова: {error}", out.display()));
    if out.exists() && !out.is_dir() {
        let text = format!("{} — файл, а нужна папка → другая: --out ПАПКА", out.display());
        return Err(Failure::failed(text));
    }
    fs::create_dir_all(out).map_err(failed)?;
    let empty = fs::read_dir(out).map_err(failed)?.next().is_none();
    if !empty {
        if !out.join(MARK).is_file() {
            return Err(Failure::failed(format!(
                "папка {} не пуста, и создал её не показ; в ней ничего не тронуто → \
                 другая: --out ПАПКА",
                out.display()
            )));
        }
        // Whoever still writes there, a demo or a daemon, holds this lock.
        drop(StoreLock::take(&out.join(STORE))?);
        clear(out).map_err(failed)?;
    }
    fs::write(out.join(MARK), MARK_TEXT).map_err(failed)
}

/// Removes what a demo writes.
fn clear(out: &Path) -> io::Result<()> {
    for entry in fs::read_dir(out)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if FOLDERS.contains(&name.as_str()) {
                fs::remove_dir_all(entry.path())?;
            }
        } else if !name.ends_with(".lock")
            && (name.starts_with(STORE) || name.starts_with("digest-") || name == "messages.tsv")
        {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Writes the configuration of the simulated district.
pub fn write_config(out: &Path, drill: &Drill) -> Result<()> {
    for (name, text) in drill.files() {
        let file = out.join(name);
        fs::create_dir_all(file.parent().unwrap_or(out))?;
        fs::write(&file, text)?;
    }
    Ok(())
}

/// Writes what the receivers were sent, in the order of arrival.
pub fn write_messages(out: &Path, ended: &Ended) -> Result<()> {
    let mails = out.join("mail");
    fs::create_dir_all(&mails)?;
    for (number, mail) in ended.mails.iter().enumerate() {
        let name = mail_name(number, mail);
        fs::write(mails.join(format!("{name}.eml")), &mail.raw)?;
        let page = mail.part("text/html").map(|part| part.bytes).unwrap_or_default();
        fs::write(mails.join(format!("{name}.html")), page)?;
    }
    let chats = out.join("telegram");
    fs::create_dir_all(&chats)?;
    for (number, message) in ended.chats.iter().enumerate() {
        write_chat(&chats, number, message)?;
    }
    Ok(())
}

/// Writes a list of all messages of alerts, with the planted problem that each is about.
pub fn write_told(out: &Path, listed: &[Listed]) -> io::Result<()> {
    let mut lines =
        vec!["when\treceiver\tchannel\treason\ttopic\tplace\tlevel\tplanted".to_owned()];
    for told in listed {
        let (topic, place, level) = &told.about;
        let place = place.as_ref().map_or("—", PlaceId::as_str);
        let planted = told.planted.unwrap_or("—");
        let (channel, reason) = (told.channel.name(), told.reason.name());
        lines.push(format!(
            "{}\t{}\t{channel}\t{reason}\t{topic}\t{place}\t{}\t{planted}",
            told.at,
            told.receiver,
            level.name()
        ));
    }
    fs::write(out.join("messages.tsv"), lines.join("\n") + "\n")
}

/// `003-jkh`: number and the receiver's mailbox.
pub fn mail_name(number: usize, mail: &Mail) -> String {
    let to = mail.to.first().map(String::as_str).unwrap_or_default();
    let mailbox: String = to
        .chars()
        .take_while(|c| *c != '@')
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    format!("{:03}-{mailbox}", number + 1)
}

fn write_chat(folder: &Path, number: usize, message: &BotMessage) -> io::Result<()> {
    match &message.file {
        Some(bytes) => {
            // The name is the sender's word: only its last part may become a file.
            let name = Path::new(&message.text).file_name().unwrap_or_default();
            fs::write(folder.join(format!("{:03}-{}", number + 1, name.to_string_lossy())), bytes)
        }
        None => {
            let text = message.text.replace('\n', "<br>\n");
            let page = format!("<!doctype html><meta charset=\"utf-8\">\n<p>{text}\n");
            fs::write(folder.join(format!("{:03}.html", number + 1)), page)
        }
    }
}

/// The weeks of a story.
pub fn weeks(story: &Story, ended: &Ended) -> Vec<Week> {
    let zone = &ended.services.settings.district.timezone;
    let first: Date = story.start.to_zoned(zone.clone()).date();
    (0..story.weeks()).map(|week| Week::of(first.saturating_add((week * 7).days()))).collect()
}

/// Writes the digest of each week in all its forms, as it was made and sent.
pub async fn write_digests(out: &Path, ended: &Ended, story: &Story) -> Result<()> {
    let district = ended.services.district.load_full();
    let store = &ended.services.store;
    for week in weeks(story, ended) {
        let name = format!("digest-{}", week.name());
        let Some(stored) = store.digest(&week.name()).await? else {
            let text = format!("сводка за неделю {} не сделана", week.name());
            return Err(Failure::failed(text));
        };
        fs::write(out.join(format!("{name}.html")), stored.html)?;
        fs::write(out.join(format!("{name}.txt")), stored.text)?;
        for end in ["xlsx", "docx"] {
            let file = format!("{name}.{end}");
            let bytes = match attached(&ended.mails, &file) {
                Some(bytes) => bytes,
                None => {
                    let made = report::build_digest(store, &district, week, stored.made).await?;
                    let made =
                        if end == "xlsx" { words::sheet(&made) } else { words::document(&made) };
                    made.map_err(|error| Failure::failed(format!("{file}: {error}")))?
                }
            };
            fs::write(out.join(file), bytes)?;
        }
    }
    Ok(())
}

/// A file that some mail brought.
fn attached(mails: &[Mail], name: &str) -> Option<Vec<u8>> {
    let holds = |mail: &&Mail| mail.raw.contains(name);
    mails
        .iter()
        .filter(holds)
        .flat_map(Mail::parts)
        .find(|part| part.name.as_deref() == Some(name))
        .map(|part| part.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_demo_wrote_is_replaced() {
        let dir = tempfile::tempdir().expect("temp dir");
        let out = dir.path().join("new/out");
        prepare(&out).expect("created");
        for name in ["otklik.db", "otklik.db-wal", "digest-2026-W17.html", "notes.txt"] {
            fs::write(out.join(name), "x").expect("written");
        }
        fs::create_dir_all(out.join("mail")).expect("created");
        fs::create_dir_all(out.join("mine")).expect("created");
        prepare(&out).expect("an earlier demo made it");
        let mut left: Vec<String> = fs::read_dir(&out)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        left.sort();
        assert_eq!(left, [MARK, "mine", "notes.txt", "otklik.db.lock"]);
        fs::remove_file(out.join(MARK)).expect("removed");
        let refused = prepare(&out).expect_err("no mark");
        assert!(refused.text.contains("ничего не тронуто"), "{refused}");
    }
}
