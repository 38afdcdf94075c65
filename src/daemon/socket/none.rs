//! No command socket: nobody listens.
//!
//! Place in the flow: systems without the sockets of `unix`. Invariant: whoever asks hears that no
//! daemon is there, so that a change is made directly.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use tokio::sync::mpsc;

use super::Asked;
use crate::model::{Command, CommandReply};

/// A socket that cannot be.
pub enum Socket {}

/// Listens nowhere.
pub fn listen(_: &Path, _: mpsc::Sender<Asked>) -> Result<Socket> {
    Err(ErrorKind::Unsupported.into())
}

/// Finds nobody.
pub async fn send(_: &Path, _: &Command) -> Result<CommandReply> {
    Err(Error::from(ErrorKind::NotFound))
}

/// Finds nobody.
pub async fn send_to(path: &Path, _: u32, command: &Command) -> Result<CommandReply> {
    send(path, command).await
}
