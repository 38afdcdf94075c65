//! The command socket: how a person's change reaches the running daemon.
//!
//! Place in the flow: beside the loop. Invariant: where the system has no such sockets (the tools
//! of the analyst run there, the daemon does not), nobody listens and everybody is told so.

#[cfg(not(unix))]
mod none;
#[cfg(unix)]
mod unix;

use tokio::sync::oneshot;

use crate::model::{Command, CommandReply};

#[cfg(not(unix))]
pub use none::{Socket, listen, send, send_to};
#[cfg(unix)]
pub use unix::{Socket, listen, send, send_to};

/// A command and where its answer goes.
pub struct Asked {
    /// What is asked.
    pub command: Command,
    /// Where the answer goes.
    pub reply: oneshot::Sender<CommandReply>,
}
