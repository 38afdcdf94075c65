//! The configuration: what each broken file is told, what holds without a key, where paths lead.

mod faults;
mod settings;
mod sources;
