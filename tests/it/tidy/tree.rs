//! What belongs together in the repository: modules, folders, fixtures, packs, documents.
//!
//! Place in the flow: called by `tidy` with the whole tree. Invariant: nothing lies about that nobody
//! names, and nothing is named that is not there.

use std::collections::BTreeSet;

use super::lex::lex;

/// Most packages in Cargo.lock; raising it is a decision.
pub const PACKAGES_MAX: usize = 420;

/// A file by its path from the root, with its text.
pub type File = (String, String);

/// Rust files that no `mod` line reaches from one of the roots.
pub fn unreachable(files: &[File], roots: &[&str]) -> Vec<String> {
    let mut reached = BTreeSet::new();
    let mut queue: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
    while let Some(path) = queue.pop() {
        let Some((_, text)) = files.iter().find(|(name, _)| *name == path) else { continue };
        if !reached.insert(path.clone()) {
            continue;
        }
        let folder = module_folder(&path);
        for name in modules(text) {
            queue.push(format!("{folder}/{name}.rs"));
            queue.push(format!("{folder}/{name}/mod.rs"));
        }
    }
    let folders: Vec<&str> =
        roots.iter().filter_map(|root| root.rsplit_once('/').map(|(folder, _)| folder)).collect();
    files
        .iter()
        .map(|(path, _)| path)
        .filter(|path| folders.iter().any(|folder| path.starts_with(&format!("{folder}/"))))
        .filter(|path| path.ends_with(".rs") && !reached.contains(*path))
        .map(|path| format!("{path}: no `mod` reaches it"))
        .collect()
}

/// The folder in which the modules of a file lie.
fn module_folder(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    }
}

/// The modules that a file declares in files of their own.
fn modules(text: &str) -> Vec<String> {
    let code = lex(text).code;
    let mut names = Vec::new();
    for line in code.lines() {
        let Some(rest) = line.trim().strip_suffix(';') else { continue };
        let mut words = rest.split_whitespace().skip_while(|word| *word != "mod");
        if let (Some("mod"), Some(name), None) = (words.next(), words.next(), words.next()) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Folders named in the map of ARCHITECTURE.md that are not there, and the reverse.
pub fn map(architecture: &str, folders: &[String]) -> Vec<String> {
    let named: BTreeSet<&str> = architecture
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|quoted| quoted.strip_suffix('/'))
        .filter(|quoted| !quoted.contains([' ', '<', '*']))
        .collect();
    let there: BTreeSet<&str> = folders.iter().map(String::as_str).collect();
    let gone = named.difference(&there).map(|f| format!("ARCHITECTURE.md names `{f}/`: not there"));
    let silent = there.difference(&named).map(|f| format!("`{f}/` is not in ARCHITECTURE.md"));
    gone.chain(silent).collect()
}

/// Fixtures and golden files that no Rust file names.
pub fn unnamed(fixtures: &[String], code: &[File]) -> Vec<String> {
    let is_named = |fixture: &str| {
        let name = fixture.rsplit('/').next().unwrap_or(fixture);
        let stem = name.split('.').next().unwrap_or(name);
        code.iter().any(|(_, text)| text.contains(name) || text.contains(&format!("\"{stem}\"")))
    };
    fixtures
        .iter()
        .filter(|fixture| !is_named(fixture))
        .map(|fixture| format!("{fixture}: no test names it"))
        .collect()
}

/// Complaints about one pack: name, and two examples each way.
pub fn pack(path: &str, text: &str) -> Vec<String> {
    let stem = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml");
    if stem.starts_with('_') {
        return Vec::new();
    }
    let Ok(table) = text.parse::<toml::Table>() else {
        return vec![format!("{path}: is no TOML")];
    };
    let mut found = Vec::new();
    if table.get("id").and_then(toml::Value::as_str) != Some(stem) {
        found.push(format!("{path}: id is not `{stem}`"));
    }
    let examples = table.get("example").and_then(toml::Value::as_array);
    for wanted in [true, false] {
        let count = examples
            .into_iter()
            .flatten()
            .filter(|example| example.get("is").and_then(toml::Value::as_bool) == Some(wanted));
        let count = count.count();
        if count < 2 {
            found.push(format!("{path}: {count} examples with is = {wanted}, at least 2"));
        }
    }
    found
}

/// Packages in a Cargo.lock.
pub fn packages(lock: &str) -> usize {
    lock.lines().filter(|line| *line == "[[package]]").count()
}

/// Commands in the fenced blocks of a document, without comments.
pub fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("```").skip(1).step_by(2);
    blocks
        .flat_map(|block| block.lines().skip(1))
        .filter_map(|line| line.split(" #").next())
        .map(|line| line.trim().trim_start_matches("$ ").to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        (path.to_owned(), text.to_owned())
    }

    #[test]
    fn a_file_without_a_mod_is_found() {
        let files = [
            file("src/lib.rs", "pub mod a;\n// mod c;\nmod b { fn f() {} }"),
            file("src/a.rs", "mod inner;"),
            file("src/a/inner.rs", ""),
            file("src/c.rs", ""),
            file("tests/x.rs", ""),
        ];
        assert_eq!(unreachable(&files, &["src/lib.rs"]), ["src/c.rs: no `mod` reaches it"]);
    }

    #[test]
    fn the_map_and_the_folders_agree() {
        let folders = ["src".to_owned(), "src/web".to_owned()];
        assert_eq!(
            map("`src/` code, `src/gone/`, `cargo test`", &folders),
            [
                "ARCHITECTURE.md names `src/gone/`: not there",
                "`src/web/` is not in ARCHITECTURE.md"
            ]
        );
    }

    #[test]
    fn a_fixture_nobody_names_is_found() {
        let fixtures = ["f/a.json".to_owned(), "f/b.json".to_owned(), "f/c.json".to_owned()];
        let code = [file("t.rs", "include_str!(\"../f/a.json\"); load(\"b\")")];
        assert_eq!(unnamed(&fixtures, &code), ["f/c.json: no test names it"]);
    }

    #[test]
    fn a_pack_without_examples_is_found() {
        let example = |is: bool| format!("[[example]]\ntext = \"x\"\nis = {is}\n");
        let whole = [true, true, false, false].map(example).concat();
        assert_eq!(pack("keywords/a.toml", &format!("id = \"a\"\n{whole}")), Vec::<String>::new());
        assert_eq!(pack("keywords/_list.toml", ""), Vec::<String>::new());
        let poor = pack("keywords/a.toml", &format!("id = \"b\"\n{}", example(true)));
        assert_eq!(poor.len(), 3, "{poor:?}");
    }

    #[test]
    fn packages_and_commands_are_counted() {
        assert_eq!(packages("[[package]]\nname = \"a\"\n\n[[package]]\n"), 2);
        assert_eq!(commands("x\n```sh\n$ a b   # why\n\nc\n```\ny"), ["a b", "c"]);
    }
}
