//! The documents of the configuration say what the program does.

use std::path::{Path, PathBuf};

use otklik::config::{self, reference};

use crate::bless::held;

#[test]
fn reference_md_is_current() {
    held("config/REFERENCE.md", &reference::render_reference());
}

#[test]
fn shipped_file_is_current() {
    held("config/otklik.toml", &reference::shipped_file());
}

#[test]
fn shipped_files_have_no_faults() {
    let file = crate::root().join("config/otklik.toml");
    let (settings, faults) = config::examine(&file);
    assert_eq!(faults, []);
    let (sources, faults) = config::examine_sources(&settings.sources_file(), None);
    assert_eq!(faults, []);
    assert_eq!(sources, [], "the sample watches nothing");
}

/// A line of the shipped file that shows a default may be uncommented and changes nothing.
#[test]
fn shown_defaults_are_the_defaults() {
    let shipped = reference::shipped_file();
    let typed: Vec<String> = shipped
        .lines()
        .map(|line| if line.contains("# пример") { line } else { uncommented(line) }.to_owned())
        .collect();
    let typed = without_optional(&typed);
    let dir = tempfile::tempdir().expect("temp dir");
    let load = |name: &str, text: &str| {
        let file = dir.path().join(name);
        std::fs::write(&file, text).expect("write");
        let mut settings = config::load_all(&file).expect(name);
        settings.file = PathBuf::new();
        format!("{settings:#?}")
    };
    assert_ne!(typed, shipped);
    assert_eq!(load("a.toml", &typed), load("b.toml", &shipped));
}

/// The text without the keys of sections whose heading is a comment.
fn without_optional(lines: &[String]) -> String {
    let mut kept = String::new();
    let mut live = true;
    for line in lines {
        if line.starts_with("# [") {
            live = false;
        } else if line.starts_with('[') {
            live = true;
        }
        if live || line.starts_with('#') {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

#[test]
fn the_sample_of_sources_is_sound_when_uncommented() {
    let file = crate::root().join("config/sources.toml");
    let text = std::fs::read_to_string(&file).expect("the sample");
    let typed: Vec<&str> = text.lines().map(uncommented).collect();
    let typed = typed.join("\n");
    let (sources, faults) = config::sources::parse_sources(Path::new("sources.toml"), &typed, None);
    assert_eq!(faults, []);
    assert!(sources.len() >= 3, "{sources:?}");
}

/// `# key = value` and `# [[section]]` without the comment sign; prose stays as it is.
fn uncommented(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("# ") else { return line };
    let name = rest.split(" = ").next().unwrap_or_default();
    let key = name.len() < rest.len() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if key || rest.starts_with("[[") { rest } else { line }
}
