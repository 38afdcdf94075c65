//! otklik: from a public page to the people who can fix what residents write about.
//!
//! Modules stand in the order data flows; a module names only modules above it (ARCHITECTURE.md).

pub mod clock;
pub mod model;

pub mod config;

pub mod text;

pub mod classify;

pub mod risk;

pub mod cluster;

pub mod alert;

pub mod digest;

pub mod rhythm;

pub mod store;

pub mod notify;

pub mod pipeline;

pub mod sim;

pub mod daemon;

pub mod cli;
