//! OK: the collector against the local OK.

mod answers;
mod errors;
mod faults;
mod looks;
mod model;
mod play;
mod rig;
