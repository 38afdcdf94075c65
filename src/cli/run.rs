//! `otklik run`: the daemon.
//!
//! Place in the flow: checks everything, joins the services, hands them to the loop. Invariants: a
//! bad configuration ends it before anything is touched (78); a second daemon is refused (75) and
//! told who holds the store; SIGTERM and Ctrl-C stop it in peace.

use std::sync::Arc;

use clap::Args;
use jiff::SignedDuration;
use tokio::sync::watch;

use crate::clock::{Clock, SystemClock};
use crate::config::rules::TABLES;
use crate::config::{Fault, Need, RuleFiles, Settings};
use crate::daemon::{self, Control, reload::Reload};
use crate::pipeline::district::District;
use crate::pipeline::services::Services;
use crate::store::Store;

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
    if faults.is_empty() {
        let settings = globals.settings(Need::All)?;
        logging::start(settings.log);
        let district = District::load(&settings, false)?;
        let store = open::store_to_write(&settings)?;
        return open::wait(serve(settings, district, store, None));
    }
    let Some((settings, district, store, said)) = last_good(globals, &faults) else {
        return Err(faults.into());
    };
    logging::start(settings.log);
    for fault in &faults {
        tracing::error!(%fault, "a file of the rules is not used");
    }
    tracing::warn!("{said}");
    let first = format!("{}. {said}", faults[0]);
    open::wait(serve(settings, district, store, Some(first)))
}

/// If only files of the rules are bad: the last set of rules that was in force, and a sentence that
/// says so. `None` if there is none, or something else is bad.
fn last_good(globals: &Globals, faults: &[Fault]) -> Option<(Settings, District, Store, String)> {
    let settings = globals.settings(Need::All).ok()?;
    let of_rules = |fault: &Fault| {
        let files = TABLES.map(|table| settings.reloadable(table));
        fault.file.starts_with(&settings.keywords) || files.contains(&fault.file)
    };
    if !faults.iter().all(of_rules) || !settings.store.exists() {
        return None;
    }
    let store = Store::open(&settings.store, settings.district.id.clone()).ok()?;
    let kept = open::wait(async {
        let Some(last) = store.rules_history(1).await?.pop() else { return Ok(None) };
        let files = store.rules_files(&last.version).await?;
        Ok(Some((last, files)))
    });
    let (last, named) = kept.ok()??;
    let district = District::with_files(RuleFiles::of_named(&settings, named), &settings).ok()?;
    let at = last.at.to_zoned(settings.district.timezone.clone()).strftime("%d.%m.%Y %H:%M");
    let said =
        format!("Файлы правил с ошибками не приняты: действует набор {} от {at}", last.version);
    Some((settings, district, store, said))
}

async fn serve(
    settings: Settings,
    district: District,
    store: Store,
    fault: Option<String>,
) -> Result<Exit> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let socket = open::socket_path(&settings);
    let reload = Reload::new(settings.clone());
    let sources = district.sources.len();
    let services = Services::connect(settings, clock, store, district)?;
    let (stop, stopped) = watch::channel(false);
    let told = told_to_stop()?;
    tokio::spawn(async move {
        told.await;
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
        fault,
        tick: SignedDuration::from_secs(TICK_SECS),
        systemd: true,
        hear: true,
    };
    match daemon::run(Arc::new(services), control).await {
        Ok(()) => Ok(Exit::Done),
        Err(error) => {
            tracing::error!(%error, "the store cannot go on");
            Err(Failure::failed(format!("{error}. Служба остановлена; восстановите хранилище")))
        }
    }
}

/// Ends when the service manager or a person says stop.
#[cfg(unix)]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "nobody can say stop");
        }
    })
}
