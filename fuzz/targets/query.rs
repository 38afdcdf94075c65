//! Any text as a query: a query within the limits, or one fault that points into the text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otklik::classify::query::{TERMS_MAX, parse};

fuzz_target!(|source: &str| match parse(source) {
    Ok(query) => assert!(query.terms() <= TERMS_MAX),
    Err(fault) => {
        assert!(source.is_char_boundary(fault.offset), "{fault:?}");
        assert!(!fault.text.is_empty());
    }
});
