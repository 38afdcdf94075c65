//! Who may name whom.
//!
//! Place in the flow: called by `tidy` for every file under `src/`. Invariant: data moves one way; a
//! module names only modules to its left, and only `pipeline` joins the store to the pure stages.

use std::collections::BTreeSet;

use super::lex::{is_word, lex, production};

/// Modules of `src/` from left to right; those of one group do not name one another.
pub const ORDER: [&[&str]; 17] = [
    &["clock", "model"],
    &["config"],
    &["text"],
    &["classify"],
    &["risk"],
    &["cluster"],
    &["alert"],
    &["digest"],
    &["rhythm"],
    &["store"],
    &["notify"],
    &["pipeline"],
    &["sim"],
    &["web"],
    &["daemon"],
    &["cli"],
    &["main", "lib"],
];

/// The stages: values in, values with reasons out.
const PURE: [&str; 7] = ["text", "classify", "risk", "cluster", "alert", "digest", "rhythm"];

/// Words of the world outside, which a pure stage never names.
const IMPURE: [&str; 12] = [
    "tokio",
    "reqwest",
    "rusqlite",
    "lettre",
    "tracing",
    "std::fs",
    "std::env",
    "std::net",
    "std::thread",
    "SystemTime",
    "async fn",
    "include_bytes!",
];

/// Modules that may name the collectors crate.
const COLLECTORS: [&str; 8] =
    ["clock", "config", "text", "pipeline", "sim", "daemon", "cli", "store"];

/// The module a file of `src/` belongs to.
pub fn module(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split(['/', '.']).next().unwrap_or_default()
}

fn position(module: &str) -> Option<usize> {
    ORDER.iter().position(|group| group.contains(&module))
}

/// Modules of this crate that the production code of `text` names.
pub fn named(text: &str) -> BTreeSet<String> {
    let code = lex(production(text)).code;
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].chars().next_back().is_some_and(|c| is_word(c) || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(first_words(group)),
            None => names.extend(first_word(rest)),
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.trim_start().chars().take_while(|c| is_word(*c)).collect();
    (!word.is_empty()).then_some(word)
}

/// The first words of the members of `{a::b, c::{d}}`, without the opening bracket.
fn first_words(group: &str) -> Vec<String> {
    let mut words: Vec<String> = first_word(group).into_iter().collect();
    let mut depth = 1;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => words.extend(first_word(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    words
}

/// Complaints about one file of `src/`.
pub fn complaints(path: &str, text: &str) -> Vec<String> {
    let own = module(path);
    let Some(place) = position(own) else {
        return vec![format!("{path}: module `{own}` has no place in tests/it/tidy/order.rs")];
    };
    if matches!(own, "main" | "lib") {
        return Vec::new();
    }
    let names = named(text);
    let mut found = Vec::new();
    for name in &names {
        match position(name) {
            Some(other) if other > place || (other == place && name != own) => {
                found.push(format!("{path}: `{own}` names `{name}`, which stands to its right"));
            }
            _ => {}
        }
    }
    if own == "store" {
        let allowed = ["store", "model", "clock"];
        let strangers = names
            .iter()
            .filter(|name| position(name).is_some() && !allowed.contains(&name.as_str()));
        found.extend(strangers.map(|name| format!("{path}: `store` names `{name}`")));
    }
    let stage = names.iter().find(|name| PURE.contains(&name.as_str()));
    if let (Some(stage), true, false) = (stage, names.contains("store"), own == "pipeline") {
        found.push(format!("{path}: joins `store` to `{stage}`, which is the pipeline's work"));
    }
    let code = lex(production(text)).code;
    if PURE.contains(&own) {
        let words = IMPURE.iter().filter(|word| has_word(&code, word));
        found.extend(words.map(|word| format!("{path}: a pure stage names `{word}`")));
        if names.contains("clock") {
            found.push(format!("{path}: a pure stage names `clock`; time is an argument"));
        }
    }
    if has_word(&code, "otklik_collectors") && !COLLECTORS.contains(&own) {
        found.push(format!("{path}: `{own}` names the collectors crate"));
    }
    found
}

/// Whether `word` stands in `code` as a word of its own.
pub fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_stand() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = named(text).into_iter().collect();
            assert_eq!(found, expected, "{text}");
        };
        check("use crate::store::Store;", &["store"]);
        check("use crate::{model::Post, config::{self, Fault}};", &["config", "model"]);
        check("fn f() { crate::clock::now(); }", &["clock"]);
        check("// crate::store\nlet x = \"crate::web\";", &[]);
        check("#[cfg(test)]\nmod tests { use crate::store::Store; }", &[]);
        check("otklik_crate::x", &[]);
    }

    #[test]
    fn complaints_name_the_breach() {
        let check = |path: &str, text: &str, expected: &str| {
            let found = complaints(path, text);
            match expected {
                "" => assert_eq!(found, Vec::<String>::new(), "{path}: {text}"),
                part => assert!(found.iter().any(|c| c.contains(part)), "{path}: {found:?}"),
            }
        };
        check("src/classify/mod.rs", "use crate::text::Tokens;", "");
        check("src/classify/mod.rs", "use crate::store::Store;", "stands to its right");
        check("src/model/post.rs", "use crate::clock::Clock;", "stands to its right");
        check("src/store/posts.rs", "use crate::config::Settings;", "`store` names `config`");
        check("src/store/posts.rs", "use crate::model::Post;", "");
        check("src/alert/mod.rs", "async fn f() {}", "names `async fn`");
        check("src/alert/mod.rs", "fn f() { std::fs::read(x) }", "names `std::fs`");
        check("src/risk/mod.rs", "use crate::clock::Clock;", "time is an argument");
        check("src/cli/x.rs", "use crate::{store::Store, classify};", "pipeline's work");
        check("src/pipeline/x.rs", "use crate::{store::Store, classify};", "");
        check("src/risk/mod.rs", "use otklik_collectors::RawPost;", "collectors crate");
        check("src/helpers/mod.rs", "", "has no place");
    }
}
