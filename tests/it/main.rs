//! Integration tests, one module a subject.

#![allow(clippy::unwrap_used, reason = "what a test relies on and does not get ends it")]

mod alert_decide;
mod alert_render;
mod cluster;
mod digest;
mod notify_email;
mod notify_next;
mod notify_telegram;
mod payloads;
mod routes;
