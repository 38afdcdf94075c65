//! The log: to the error output, for people on a terminal and for journald in a service.
//!
//! Place in the flow: started by commands that run for long. Invariant: a failure is logged once,
//! where it is handled; texts of posts, authors and secrets are never logged at any level.

use std::io::{self, IsTerminal as _, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

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
    let started = match service {
        // journald writes the time itself.
        true => log.without_time().with_writer(Journal).try_init(),
        false => log.try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log runs already");
    }
}

/// Lines that begin with their priority, as journald reads them from a service (sd-daemon(3)).
struct Journal;

impl<'a> MakeWriter<'a> for Journal {
    type Writer = Prefixed;

    fn make_writer(&'a self) -> Self::Writer {
        Prefixed("<6>")
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        Prefixed(priority(meta.target(), *meta.level()))
    }
}

/// The priority of a line: what nobody but the reader of the journal will ever hear of is critical.
fn priority(target: &str, level: Level) -> &'static str {
    match level {
        _ if target == "otklik::critical" => "<2>",
        Level::ERROR => "<3>",
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        _ => "<7>",
    }
}

/// Writes the priority in front of each line.
struct Prefixed(&'static str);

impl Write for Prefixed {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // One write a line, so that two threads do not mix theirs.
        let mut whole = self.0.as_bytes().to_vec();
        whole.extend_from_slice(line);
        io::stderr().lock().write_all(&whole)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_are_those_of_the_journal() {
        assert_eq!(priority("otklik::critical", Level::ERROR), "<2>");
        assert_eq!(priority("otklik::daemon", Level::ERROR), "<3>");
        assert_eq!(priority("otklik::daemon", Level::INFO), "<6>");
        assert_eq!(priority("otklik::daemon", Level::TRACE), "<7>");
    }
}
