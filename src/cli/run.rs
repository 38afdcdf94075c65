//! `otklik run`: the daemon.
//!
//! Place in the flow: checks everything, joins the services, hands them to the loop. Invariants: a
//! bad configuration ends it before anything is touched (78); a second daemon is refused (75) and
//! told who holds the store; SIGTERM and Ctrl-C stop it in peace.

use std::sync::Arc;

use clap::Args;
use jiff::SignedDuration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::clock::{Clock, SystemClock};
use crate::config::{Need, Settings};
use crate::daemon::{self, Control, reload::Reload};
use crate::pipeline::district::District;
use crate::pipeline::services::Services;

use super::{Exit, Failure, Globals, Result, check, logging, open};

/// Longest sleep of the loop: how fast it sees changed files.
const TICK_SECS: i64 = 1;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {}

/// Runs the command.
pub fn run(_args: RunArgs, globals: &Globals) -> Result<Exit> {
    // All faults of all files at once, before anything else.
    let faults = check::stopping_faults(globals);
    if !faults.is_empty() {
        return Err(faults.into());
    }
    let settings = globals.settings(Need::All)?;
    logging::start(settings.log);
    let district = District::load(&settings, false)?;
    let store = open::store_to_write(&settings)?;
    open::wait(serve(settings, district, store))
}

async fn serve(settings: Settings, district: District, store: crate::store::Store) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let socket = open::socket_path(&settings);
    let reload = Reload::new(settings.clone());
    let sources = district.sources.len();
    let services = Services::connect(settings, clock, store, district)?;
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        if stop.send(true).is_err() {
            tracing::debug!("the loop had ended");
        }
    });
    tracing::info!(sources, "otklik is running");
    let control = Control {
        stop: stopped,
        socket: Some(socket),
        reload: Some(reload),
        tick: SignedDuration::from_secs(TICK_SECS),
        systemd: true,
    };
    match daemon::run(Arc::new(services), control).await {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            tracing::error!(%error, "the store cannot go on");
            Err(Failure::failed(format!("{error}. Служба остановлена; восстановите хранилище")))
        }
    }
}
