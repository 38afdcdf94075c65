//! `otklik demo`: four weeks of a simulated district, lived through by the real daemon in seconds.
//!
//! Place in the flow: joins the simulated district and the daemon, then counts what was found
//! against what was planted. Invariants: nothing leaves this machine and no key is needed; a folder
//! that no demo made is not touched; the exit code says whether it ran, never how well it found.

mod folder;
mod tell;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::SignedDuration;
use serde::Serialize;
use tokio::sync::watch;

use crate::daemon::{self, Control};
use crate::pipeline::services::Services;
use crate::sim::run::{Drill, DrillError};
use crate::sim::score::{Score, Totals, Traces, listed};
use crate::sim::{Story, WEEKS};
use crate::store::StoreError;

use super::{Exit, Failure, Globals, Result, open, say};

/// Where it writes if nobody says.
const OUT: &str = "demo-out";
/// The story told if nobody says: any number tells one.
const SEED: u64 = 2026;

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Папка для писем, сводок и хранилища (без ключа: demo-out); непустая чужая не годится
    #[arg(long, value_name = "ПАПКА")]
    out: Option<PathBuf>,
    /// Число, по которому придумывается жизнь района: то же число, та же жизнь
    #[arg(long, value_name = "ЧИСЛО", default_value_t = SEED)]
    seed: u64,
    /// Сколько недель жизни района показать, от 4 до 13 (квартал)
    #[arg(long, value_name = "НЕДЕЛЬ", default_value_t = WEEKS)]
    weeks: i64,
    /// Итог одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// The last line of the output.
#[derive(Serialize)]
struct TotalsLine {
    #[serde(flatten)]
    totals: Totals,
    out: String,
}

impl From<DrillError> for Failure {
    fn from(error: DrillError) -> Self {
        match error {
            DrillError::Io(error) => error.into(),
            DrillError::Faults(faults) => faults.into(),
            DrillError::Store(error) => error.into(),
        }
    }
}

/// Runs the command.
pub fn run(args: DemoArgs, _globals: &Globals) -> Result<Exit> {
    let out = args.out.unwrap_or_else(|| OUT.into());
    folder::prepare(&out)?;
    open::wait(show(&out, Story::tell_weeks(args.seed, args.weeks), args.json))
}

async fn show(out: &Path, story: Story, json: bool) -> Result<Exit> {
    let days = (story.end.as_second() - story.start.as_second()) / 86_400;
    let drill = Drill::prepare(story).await?;
    folder::write_config(out, &drill)?;
    let bar = progress(days);
    let ended = drill.run(out, daemon, |day| bar.set_position(day.unsigned_abs())).await?;
    bar.finish_and_clear();
    let traces = Traces::read(&ended.services).await?;
    let score = Score::of(drill.story(), &traces, ended.mails.len() + ended.chats.len());
    folder::write_messages(out, &ended)?;
    folder::write_told(out, &listed(drill.story(), &traces))?;
    folder::write_digests(out, &ended, drill.story()).await?;
    if json {
        let line = TotalsLine { totals: score.totals(), out: out.display().to_string() };
        say!("{}", serde_json::to_string(&line).map_err(io::Error::from)?)?;
        return Ok(Exit::Done);
    }
    let told = tell::Told { out, story: drill.story(), ended: &ended, traces: &traces };
    let lines = told.lines(&score).await?;
    let mut stdout = io::stdout().lock();
    for line in lines {
        writeln!(stdout, "{line}")?;
    }
    Ok(Exit::Done)
}

/// The daemon as `otklik run` starts it, without a service manager and without files to watch.
async fn daemon(
    services: Arc<Services>,
    stop: watch::Receiver<bool>,
) -> std::result::Result<(), StoreError> {
    let tick = SignedDuration::from_hours(1);
    let control = Control::alone(stop, tick);
    daemon::run(services, control).await
}

/// A bar over the days of the story; none in a pipe.
fn progress(days: i64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new((days + 1).unsigned_abs());
    let style = ProgressStyle::with_template("{bar:28} день {pos} из {len}, прошло {elapsed}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}
