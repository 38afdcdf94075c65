//! Any text as a pack file: a lexicon, or faults that stand within the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otklik::classify::{Gazetteer, Lexicon};
use otklik::config::packs::PackFile;

fuzz_target!(|text: &str| {
    let lines = text.lines().count() as u32 + 1;
    for path in ["keywords/water.toml", "keywords/local/water.toml", "keywords/_offers.toml"] {
        let file = PackFile::new(path, text.replace("\r\n", "\n"));
        if let Err(faults) = Lexicon::compile(vec![file], Gazetteer::empty()) {
            assert!(!faults.is_empty());
            for fault in faults {
                assert!(fault.line <= lines.max(1), "{fault}");
            }
        }
    }
});
