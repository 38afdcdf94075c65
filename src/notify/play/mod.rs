//! Local servers that play a mail server and the messengers: true protocol, true faults.
//!
//! Place in the flow: outside it. Tests, drills and the demo let the real notifiers talk to these
//! over loopback sockets. Invariant: a play knows the protocol as documented, never the notifier
//! that speaks to it; what it accepted it keeps, also when the answer is lost on the way.

mod bot;
mod entities;
mod gate;
mod http;
mod parts;
mod smtp;
mod updates;

pub use bot::{BotFault, BotMessage, LocalBot};
pub use entities::parsed_units;
pub use gate::{GateFault, GateMessage, LocalGate, Service};
pub use parts::Part;
pub use smtp::{LocalSmtp, Mail, SmtpFault, SmtpStage};
pub use updates::PERSON;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// State shared between a test and its server.
type Shared<T> = Arc<Mutex<T>>;

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server's task; ends when dropped, connections with it.
struct Running(tokio::task::JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
