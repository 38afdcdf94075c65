//! House rules: what reviewers would repeat is held here, over the whole tree.
//!
//! Place in the flow: reads the repository as text. Invariant: a rule lives in one of the modules below
//! as a pure function with its own small test; the tests here only apply them.

mod code;
mod lex;
mod order;
mod tree;
mod unit;

use std::fs;
use std::path::Path;

use tree::File;

/// Every file below `folder` (from the root), sorted by path; texts that are no UTF-8 come empty.
fn below(folder: &str) -> Vec<File> {
    let mut files = Vec::new();
    walk(&crate::root().join(folder), folder, &mut files);
    files.sort();
    files
}

fn walk(path: &Path, name: &str, files: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let own = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            walk(&entry.path(), &own, files);
        } else {
            files.push((own, fs::read_to_string(entry.path()).unwrap_or_default()));
        }
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(crate::root().join(name)).unwrap_or_default()
}

/// Fails with every complaint at once.
fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn rust_files() -> Vec<File> {
    let files = [below("src"), below("collectors/src")].concat();
    files.into_iter().filter(|(path, _)| path.ends_with(".rs")).collect()
}

#[test]
fn every_file_keeps_the_house_rules() {
    none(rust_files().iter().flat_map(|(path, text)| code::complaints(path, text)).collect());
}

#[test]
fn tests_keep_headers_and_names() {
    let files = [below("tests"), below("collectors/tests")].concat();
    let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
    none(
        rust.flat_map(|(path, text)| {
            code::header(path, text).into_iter().chain(code::names(path)).collect::<Vec<_>>()
        })
        .collect(),
    );
}

#[test]
fn modules_name_only_what_stands_to_their_left() {
    none(
        below("src")
            .iter()
            .flat_map(|(path, text)| {
                if path.ends_with(".rs") { order::complaints(path, text) } else { Vec::new() }
            })
            .collect(),
    );
}

#[test]
fn platforms_do_not_name_one_another() {
    let platforms = ["vk", "ok", "telegram", "max", "rss"];
    let mut found = Vec::new();
    for (path, text) in below("collectors/src") {
        let own = path.trim_start_matches("collectors/src/").split(['/', '.']).next();
        let Some(own) = own.filter(|own| platforms.contains(own)) else { continue };
        for other in order::named(&text) {
            if other != own && platforms.contains(&other.as_str()) {
                found.push(format!("{path}: `{own}` names `{other}`"));
            }
        }
    }
    none(found);
}

#[test]
fn crates_depend_one_way() {
    let dependencies = |manifest: &str| -> Vec<String> {
        let table: toml::Table = read(manifest).parse().expect("a manifest");
        let named = |key: &str| table.get(key).and_then(toml::Value::as_table).cloned();
        named("dependencies").into_iter().flat_map(|t| t.into_iter().map(|(k, _)| k)).collect()
    };
    let of = |names: Vec<String>, banned: &[&str]| -> Vec<String> {
        names.into_iter().filter(|n| banned.iter().any(|b| n.starts_with(b))).collect()
    };
    let collectors = dependencies("collectors/Cargo.toml");
    assert!(!collectors.is_empty());
    none(of(collectors, &["otklik", "rusqlite", "axum", "lettre", "toml"]));
    none(of(dependencies("Cargo.toml"), &["grammers", "feed-rs", "scraper"]));
}

#[test]
fn every_file_is_reached_by_a_mod() {
    let files =
        [below("src"), below("tests"), below("collectors/src"), below("collectors/tests")].concat();
    let roots = [
        "src/lib.rs",
        "src/main.rs",
        "tests/it/main.rs",
        "collectors/src/lib.rs",
        "collectors/tests/it/main.rs",
    ];
    none(tree::unreachable(&files, &roots));
}

/// Folders one and two levels deep that the map must name.
#[test]
fn the_map_names_every_folder() {
    let mut folders = Vec::new();
    for (parent, deep) in
        [("", false), ("src", true), ("collectors", true), ("collectors/src", true)]
    {
        let path = crate::root().join(parent);
        for entry in fs::read_dir(path).expect("a folder").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = !name.starts_with('.') && !["target", "demo-out"].contains(&name.as_str());
            if entry.path().is_dir() && ours {
                folders.push(if deep { format!("{parent}/{name}") } else { name });
            }
        }
    }
    folders.sort();
    none(tree::map(&read("ARCHITECTURE.md"), &folders));
}

#[test]
fn every_fixture_is_named_by_a_test() {
    let fixtures = [below("collectors/fixtures"), below("tests/golden")].concat();
    let fixtures: Vec<String> = fixtures.into_iter().map(|(path, _)| path).collect();
    let code = [rust_files(), below("tests"), below("collectors/tests")].concat();
    none(tree::unnamed(&fixtures, &code));
}

#[test]
fn every_platform_is_whole() {
    let sample = read("config/sources.toml");
    let tests = below("collectors/tests");
    let mut found = Vec::new();
    for name in otklik::config::sources::PLATFORMS {
        let known = name.parse::<otklik_collectors::Platform>().is_ok();
        let module = [format!("collectors/src/{name}.rs"), format!("collectors/src/{name}/mod.rs")];
        let mut lacks = |what: &str, there: bool| {
            if !there {
                found.push(format!("platform `{name}` has no {what}"));
            }
        };
        lacks("variant of `Platform`", known);
        lacks("module", module.iter().any(|path| crate::root().join(path).exists()));
        lacks("fixtures", !below(&format!("collectors/fixtures/{name}")).is_empty());
        lacks("test", tests.iter().any(|(path, _)| path.contains(name)));
        lacks("sample in config/sources.toml", {
            sample.contains(&format!("platform = \"{name}\""))
        });
    }
    assert_eq!(otklik_collectors::Platform::ALL.len(), otklik::config::sources::PLATFORMS.len());
    none(found);
}

#[test]
fn every_pack_carries_its_examples() {
    let packs = below("keywords");
    let packs: Vec<_> = packs.iter().filter(|(path, _)| path.ends_with(".toml")).collect();
    assert!(packs.len() >= 14, "ten civic packs and four danger packs at least: {}", packs.len());
    none(packs.iter().flat_map(|(path, text)| tree::pack(path, text)).collect());
}

#[test]
fn the_binary_carries_every_pack() {
    let shipped: Vec<&str> = otklik::config::shipped::keywords().map(|(name, _)| name).collect();
    let files = below("keywords");
    let there = files.iter().filter_map(|(path, _)| path.strip_prefix("keywords/"));
    let there: Vec<&str> = there
        .filter(|name| !name.starts_with("local/"))
        .filter(|name| name.ends_with(".toml") || *name == "README.md")
        .collect();
    assert_eq!(shipped, there);
}

#[test]
fn dependencies_have_a_ceiling() {
    let packages = tree::packages(&read("Cargo.lock"));
    assert!((1..=tree::PACKAGES_MAX).contains(&packages), "{packages} packages in Cargo.lock");
}

#[test]
fn readme_and_ci_run_the_same_commands() {
    let readme = tree::commands(&read("README.md"));
    let twin = tree::commands(&read("docs/ru/README.md"));
    let ci = read(".ci/run");
    for wanted in ["cargo run -- demo", "cargo test --workspace"] {
        assert!(readme.iter().any(|line| line == wanted), "README.md: {wanted}");
        assert!(twin.iter().any(|line| line == wanted), "docs/ru/README.md: {wanted}");
    }
    assert!(ci.lines().any(|line| line.trim() == "cargo test --workspace"), ".ci/run");
    for exit in ["0", "1", "2", "3", "75", "78"] {
        assert!(read("README.md").contains(&format!("| {exit} |")), "README.md: exit code {exit}");
    }
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut found = Vec::new();
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "docs/ru/README.md",
        "systemd/README.md",
        "CHANGELOG.md",
    ] {
        let text = read(name);
        assert!(!text.is_empty(), "{name} is not there");
        let folder = Path::new(name).parent().unwrap_or(Path::new(""));
        for part in text.split("](").skip(1) {
            let link = part.split([')', '#']).next().unwrap_or_default();
            if !link.is_empty() && !link.contains("://") {
                let target = crate::root().join(folder).join(link);
                if !target.exists() {
                    found.push(format!("{name}: {link} is not there"));
                }
            }
        }
    }
    none(found);
}
