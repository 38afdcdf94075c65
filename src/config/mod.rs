//! Configuration: what was typed, what is wrong with it, what is true.
//!
//! Place in the flow: read once at start (static) or again when a file changes (reloadable), then handed
//! on as values. Invariant: all faults of a file are reported at once, each with file, line, column and fix.

pub mod fault;
pub mod packs;
pub mod risk;
pub mod season;

pub use fault::{Fault, Severity};
pub use risk::RiskRules;
pub use season::Season;
