//! How a command ends: exit code, and what it says when it fails.
//!
//! Place in the flow: every command returns these; `main` turns them into the process's exit code.
//! Invariant: the codes are a contract (DESIGN 6.5); a closed pipe is no failure.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::config::{Fault, SecretError};

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Failed.
    Failed,
    /// The command line was wrong.
    Usage,
    /// Done, some input rejected.
    Partly,
    /// A daemon holds the store.
    Held,
    /// Bad configuration.
    BadConfig,
}

impl Exit {
    /// The code of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partly => 3,
            Exit::Held => 75,
            Exit::BadConfig => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// Why a command stopped: its code and a Russian sentence (empty: nothing to say).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What is printed to the error output.
    pub text: String,
}

/// What a command returns.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure of ours.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, text: text.into() }
    }

    /// The person asked for something that cannot be.
    pub fn usage(text: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Failure {}

impl From<io::Error> for Failure {
    /// The reader of our output went away: that is its right.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self { exit: Exit::Done, text: String::new() },
            _ => Self::failed(format!("ошибка ввода-вывода: {error}")),
        }
    }
}

impl From<Vec<Fault>> for Failure {
    fn from(faults: Vec<Fault>) -> Self {
        let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
        Self { exit: Exit::BadConfig, text: lines.join("\n") }
    }
}

impl From<SecretError> for Failure {
    fn from(error: SecretError) -> Self {
        Self { exit: Exit::BadConfig, text: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_contract() {
        let codes =
            [Exit::Done, Exit::Failed, Exit::Usage, Exit::Partly, Exit::Held, Exit::BadConfig]
                .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 75, 78]);
    }

    #[test]
    fn a_closed_pipe_is_quiet() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit, failure.text.as_str()), (Exit::Done, ""));
        assert_eq!(Failure::from(io::Error::other("x")).exit, Exit::Failed);
    }
}
