//! Integration tests, one module a subject.

mod alert_decide;
mod alert_render;
mod cluster;
mod digest;
mod notify_email;
mod notify_next;
mod notify_telegram;
mod payloads;
mod routes;
