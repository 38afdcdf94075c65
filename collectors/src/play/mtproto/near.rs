//! Asks the play without a socket: the connection of model tests.
//!
//! Place in the flow: in the place of [`crate::telegram::Line`]. Invariant: what a socket would
//! make of a fault, this makes of it at once.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::{PlayMtproto, Reply};
use crate::ports::Clock;
use crate::telegram::{Carrier, Trouble};

/// A connection to a play in the same process.
pub struct Near {
    play: Arc<Mutex<PlayMtproto>>,
    clock: Arc<dyn Clock>,
}

impl Near {
    /// A connection to `play`; `clock` tells the play the time.
    #[must_use]
    pub fn new(play: Arc<Mutex<PlayMtproto>>, clock: Arc<dyn Clock>) -> Self {
        Self { play, clock }
    }
}

#[async_trait]
impl Carrier for Near {
    async fn carry(&self, request: Vec<u8>) -> Result<Vec<u8>, Trouble> {
        let now = self.clock.now();
        loop {
            let mut play = self.play.lock().unwrap_or_else(PoisonError::into_inner);
            return match play.answer(&request, now) {
                Reply::Body(body) | Reply::Packed(body) => Ok(body),
                Reply::Error(code, name) => Err(Trouble::rpc(code, &name)),
                Reply::Drop => Err(Trouble::Network),
                Reply::Silence | Reply::Bare(_) => Err(Trouble::Timeout),
                Reply::Transport(404) => Err(Trouble::Key),
                Reply::Transport(_) => Err(Trouble::Crowded),
                Reply::BadSalt => continue,
            };
        }
    }
}
