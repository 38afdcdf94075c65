//! Integration tests.

mod tokens;
