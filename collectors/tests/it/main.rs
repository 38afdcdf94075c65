//! Integration tests of the collectors.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod http;
mod mask;
mod retry_after;
mod server;
mod wire;
