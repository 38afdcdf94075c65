//! Integration tests.

mod engine_props;
mod lexicons;
mod normalise;
mod packs;
mod polarity;
mod query;
mod shipped;
mod tokens;
