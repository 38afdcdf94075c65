//! Integration tests.

mod packs;
mod tokens;
