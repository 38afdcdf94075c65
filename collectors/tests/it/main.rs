//! Integration tests of the collectors.

mod mask;
