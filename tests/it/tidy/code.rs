//! How a file looks: header, lengths, words, where SQL and Russian stand.
//!
//! Place in the flow: called by `tidy` for every Rust file. Invariant: each rule is a pure function with
//! a test of its own.

use super::lex::{is_word, lex, production};
use super::order::has_word;

/// Lines of a file without its tests.
const FILE_LINES_MAX: usize = 500;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Characters of a line.
const COLUMNS_MAX: usize = 100;
/// Characters of a line that holds a string, which rustfmt cannot break.
const STRING_COLUMNS_MAX: usize = 110;

/// Words that no file, folder or module may be called.
const BANNED_NAMES: [&str; 10] =
    ["utils", "util", "helpers", "manager", "data", "info", "incident", "item", "common", "misc"];

/// Where a person reads what stands in the file, or where the words are the language itself.
const RUSSIAN: [(&str, &str); 16] = [
    ("src/pipeline/words.rs", "answers and health rows"),
    ("src/cli/", "read by the operator"),
    ("src/config/", "faults with their fix"),
    ("src/web/", "pages"),
    ("src/sim/", "the village's own words"),
    ("src/text/", "tables of the language"),
    ("src/classify/", "query errors, polarity and place tables"),
    ("src/risk/", "reasons, printed as they are made"),
    ("src/digest/", "the digest"),
    ("src/alert/", "the alert"),
    ("src/notify/", "why a message could not be sent"),
    ("src/store/", "why the store refuses"),
    ("src/pipeline/health", "what to do about a source"),
    ("src/daemon", "answers to commands"),
    ("collectors/src/door", "masks"),
    ("collectors/src/", "one sentence for each outside answer"),
];

/// Marks of work that is not done.
const UNDONE: [&str; 6] = ["TODO", "FIXME", "XXX", "TO BE WRITTEN", "dbg!", "unimplemented!"];

/// Complaints about one file of `src/` or `collectors/src/`.
pub fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(header(path, text));
    found.extend(lengths(path, text));
    found.extend(long_functions(path, text));
    found.extend(undone(path, text));
    found.extend(globs(path, text));
    found.extend(names(path));
    if path.ends_with("/tests.rs") {
        found.retain(|complaint| !complaint.contains("imports everything"));
        return found;
    }
    found.extend(sql(path, text));
    found.extend(russian(path, text));
    found.extend(printing(path, text));
    found
}

/// Every file says what it is for.
pub fn header(path: &str, text: &str) -> Option<String> {
    (!text.starts_with("//! ")).then(|| format!("{path}: does not open with `//!`"))
}

fn lengths(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = production(text).lines().count();
    if lines > FILE_LINES_MAX {
        found.push(format!("{path}: {lines} lines without tests, at most {FILE_LINES_MAX}"));
    }
    let strings = lex(text).strings;
    for (number, line) in (1..).zip(text.lines()) {
        let columns = line.chars().count();
        let in_string = |(begins, inside): &(usize, String)| {
            (*begins..=begins + inside.matches('\n').count()).contains(&number)
        };
        let most = match columns > COLUMNS_MAX && strings.iter().any(in_string) {
            true => STRING_COLUMNS_MAX,
            false => COLUMNS_MAX,
        };
        if columns > most {
            found.push(format!("{path}:{number}: {columns} columns, at most {most}"));
        }
    }
    found
}

fn long_functions(path: &str, text: &str) -> Vec<String> {
    let code = lex(production(text)).code;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].chars().next_back().is_some_and(is_word) {
            continue;
        }
        let Some(lines) = function_lines(&code[at..]) else { continue };
        if lines > FUNCTION_LINES_MAX {
            let line = code[..at].matches('\n').count() + 1;
            found.push(format!(
                "{path}:{line}: function of {lines} lines, at most {FUNCTION_LINES_MAX}"
            ));
        }
    }
    found
}

/// Lines of the function whose text begins here; nothing if it has no body.
fn function_lines(code: &str) -> Option<usize> {
    let open = code.find(['{', ';'])?;
    if code[open..].starts_with(';') && !code[..open].contains('[') {
        return None;
    }
    let open = open + code[open..].find('{')?;
    let mut depth = 0_usize;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(code[..=open + at].matches('\n').count() + 1);
        }
    }
    None
}

fn undone(path: &str, text: &str) -> Vec<String> {
    let marks = UNDONE.iter().filter(|mark| text.contains(*mark));
    marks.map(|mark| format!("{path}: `{mark}`")).collect()
}

fn globs(path: &str, text: &str) -> Vec<String> {
    let code = lex(production(text)).code;
    let lines = code.lines().enumerate();
    lines
        .filter(|(_, line)| {
            let line = line.trim_start();
            (line.starts_with("use ") || line.starts_with("pub use ")) && line.contains("::*")
        })
        .map(|(number, _)| format!("{path}:{}: imports everything", number + 1))
        .collect()
}

/// No file is called by a word that says nothing.
pub fn names(path: &str) -> Vec<String> {
    let parts = path.split(['/', '.']);
    parts
        .filter(|part| BANNED_NAMES.contains(part))
        .map(|part| format!("{path}: nothing is called `{part}` here"))
        .collect()
}

fn sql(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("src/store") {
        return Vec::new();
    }
    let starts = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "PRAGMA ", "CREATE TABLE "];
    lex(production(text))
        .strings
        .iter()
        .filter(|(_, string)| starts.iter().any(|start| string.trim_start().starts_with(start)))
        .map(|(line, _)| format!("{path}:{line}: SQL stands only under src/store"))
        .collect()
}

fn russian(path: &str, text: &str) -> Vec<String> {
    let rendered = path.contains("/render");
    if rendered || RUSSIAN.iter().any(|(place, _)| path.starts_with(place)) {
        return Vec::new();
    }
    lex(production(text))
        .strings
        .iter()
        .filter(|(_, string)| string.chars().any(is_cyrillic))
        .map(|(line, _)| format!("{path}:{line}: Russian text stands only where a person reads it"))
        .collect()
}

fn is_cyrillic(c: char) -> bool {
    ('\u{400}'..='\u{4ff}').contains(&c)
}

/// Only the command line prints.
fn printing(path: &str, text: &str) -> Vec<String> {
    if path.starts_with("src/cli/") || path == "build.rs" {
        return Vec::new();
    }
    let code = lex(production(text)).code;
    ["println!", "eprintln!", "print!", "eprint!"]
        .iter()
        .filter(|word| {
            let name = word.trim_end_matches('!');
            has_word(&code, name) && code.contains(*word)
        })
        .map(|word| format!("{path}: `{word}` outside src/cli"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_file_has_no_complaints() {
        let text = "//! Clean.\nfn f() -> &'static str {\n    \"clean\"\n}\n";
        assert_eq!(complaints("src/model/clean.rs", text), Vec::<String>::new());
    }

    #[test]
    fn each_rule_can_fail() {
        let check = |path: &str, text: &str, expected: &str| {
            let found = complaints(path, &format!("//! x\n{text}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}");
        };
        assert!(header("src/a.rs", "fn f() {}").is_some());
        check("src/model/a.rs", &"\n".repeat(500), "501 lines");
        check("src/model/a.rs", &format!("// {}", "x".repeat(98)), "101 columns");
        let long = format!("const A: &str = \"{}\";", "x".repeat(100));
        check("src/model/a.rs", &long, "119 columns, at most 110");
        check("src/model/a.rs", &format!("fn f() {{{}}}", "\n".repeat(70)), "71 lines");
        check("src/model/a.rs", "// TODO later", "`TODO`");
        check("src/model/a.rs", "use super::*;", "imports everything");
        check("src/model/utils.rs", "", "called `utils`");
        check("src/alert/a.rs", "const A: &str = \"SELECT 1\";", "SQL");
        check("src/model/a.rs", "const A: &str = \"дом\";", "Russian");
        check("src/model/a.rs", "fn f() { println!() }", "println!");
    }

    #[test]
    fn what_is_allowed_is_allowed() {
        let check = |path: &str, text: &str| {
            let found = complaints(path, &format!("//! x\n{text}"));
            assert_eq!(found, Vec::<String>::new());
        };
        check("src/store/a.rs", "const A: &str = \"SELECT 1\";");
        check("src/digest/render.rs", "const A: &str = \"дом\";");
        check("src/model/a.rs", "// дом");
        check("src/model/a.rs", "#[cfg(test)]\nmod tests {\n    use super::*;\n}");
        check("src/model/a.rs", "trait T {\n    fn f(&self);\n}");
        check("src/cli/a.rs", "fn f() { println!() }");
        check("src/risk/tests.rs", "use super::*;\nconst A: &str = \"SELECT 1\";");
        check("src/model/a.rs", &format!("const A: &str = \"{}\";", "x".repeat(90)));
    }
}
