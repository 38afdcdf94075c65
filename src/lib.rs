//! otklik: from a public page to the people who can fix what residents write about.
//!
//! Modules stand in the order data flows; a module names only modules above it (ARCHITECTURE.md).

pub mod classify;
pub mod config;
pub mod model;
pub mod risk;
pub mod text;
