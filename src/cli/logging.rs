//! The log: to the error output, for people on a terminal and for journald in a service.
//!
//! Place in the flow: started by commands that run for long. Invariant: a failure is logged once,
//! where it is handled; texts of posts, authors and secrets are never logged at any level.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::config::LogLevel;

/// Starts the log at `level`; `OTKLIK_LOG` (a filter such as `otklik=debug`) overrides it.
pub fn start(level: LogLevel) {
    let default = format!("warn,otklik={0},otklik_collectors={0}", level.name());
    let filter = EnvFilter::try_from_env("OTKLIK_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let terminal = std::io::stderr().is_terminal();
    let service = std::env::var_os("JOURNAL_STREAM").is_some();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        .with_target(false);
    // journald writes the time itself.
    let started = if service { log.without_time().try_init() } else { log.try_init() };
    if started.is_err() {
        tracing::debug!("the log runs already");
    }
}
