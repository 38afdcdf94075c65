//! MAX: the collector against the local MAX.

mod answers;
mod faults;
mod looks;
mod model;
mod rig;
mod webhook;
