//! Integration tests of the collectors.
