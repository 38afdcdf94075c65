//! `otklik digest`: the weekly digest shown, written to files, or sent.
//!
//! Place in the flow: what the daemon makes every week, on demand. Invariant: the same week and
//! store give the same digest; a week is sent once.

use std::path::PathBuf;

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::config::Need;
use crate::digest;
use crate::model::CommandKind;
use crate::pipeline::district::District;
use crate::pipeline::report;

use super::{Exit, Failure, Globals, Result, open, say};

/// Arguments of `digest`.
#[derive(Debug, Args)]
pub struct DigestArgs {
    /// Неделя, например 2026-W47 (без неё: прошлая)
    #[arg(value_name = "НЕДЕЛЯ")]
    week: Option<String>,
    /// Отправить получателям (если за эту неделю сводка ещё не уходила)
    #[arg(long)]
    send: bool,
    /// Записать в папку: .txt, .html, .xlsx, .docx
    #[arg(long, value_name = "ПАПКА")]
    out: Option<PathBuf>,
}

/// `otklik digest`: shows, writes or sends the digest of a week.
pub fn run(args: DigestArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Store)?;
    let week = match &args.week {
        Some(name) => {
            report::parse_week(name).ok_or_else(|| Failure::usage("неделя пишется как 2026-W47"))?
        }
        None => report::week_before(SystemClock.now(), &settings.district.timezone),
    };
    if args.send {
        let kind = CommandKind::SendDigest { week: week.name() };
        return open::told(&open::wait(open::change(&settings, kind))?);
    }
    let district = District::load_rules(&settings, false)?;
    let store = open::store_to_read(&settings)?;
    let made = open::wait(async {
        Ok(report::build_digest(&store, &district, week, SystemClock.now()).await?)
    })?;
    match args.out {
        None => say!("{}", digest::text(&made))?,
        Some(folder) => {
            write_digest(&folder, &made)?;
            say!("Сводка {} записана в {}", week.name(), folder.display())?;
        }
    }
    Ok(Exit::Done)
}

/// Writes a digest in all its forms; returns nothing but failure.
pub fn write_digest(folder: &std::path::Path, made: &digest::Digest) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let forms: [(&str, std::result::Result<Vec<u8>, String>); 4] = [
        ("txt", Ok(digest::text(made).into_bytes())),
        ("html", Ok(digest::html(made).into_bytes())),
        ("xlsx", digest::sheet(made)),
        ("docx", digest::document(made)),
    ];
    for (end, bytes) in forms {
        let file = folder.join(format!("digest-{}.{end}", made.week));
        std::fs::write(file, bytes.map_err(Failure::failed)?)?;
    }
    Ok(())
}
