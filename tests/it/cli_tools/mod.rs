//! The analyst's and the operator's tools, run as they run them: explain, packs, evaluate, try,
//! check.

mod evaluate;
mod online;
mod packs;
mod sheets;
mod try_page;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder with a configuration and four small packs of its own.
pub struct Desk {
    dir: tempfile::TempDir,
}

/// What a command said: exit code, standard output, error output.
pub type Said = (i32, String, String);

const OTKLIK: &str = "[district]\nname = \"Селянинский район\"\ntimezone = \"Asia/Irkutsk\"\n";

const PACKS: [(&str, &str); 4] = [
    (
        "heating",
        r#"id = "heating"
title = "Отопление"
kind = "problem"
severity = 4
department = "jkh"
[[rule]]
id = "cold"
find = 'батареи'
unless = 'ноутбук'
weight = 60
[[rule]]
id = "boiler"
find = 'котельная'
weight = 40
[[example]]
text = "Батареи холодные"
is = true
[[example]]
text = "Котельная встала"
is = true
[[example]]
text = "Батареи ноутбука хватает на день"
is = false
[[example]]
text = "Добрый день"
is = false
"#,
    ),
    (
        "water",
        r#"id = "water"
title = "Вода"
kind = "problem"
severity = 4
[[rule]]
id = "tap"
find = 'вода'
weight = 50
[[example]]
text = "Вода ржавая"
is = true
[[example]]
text = "Из крана течёт бурая вода"
is = true
[[example]]
text = "Добрый день"
is = false
[[example]]
text = "Батареи холодные"
is = false
"#,
    ),
    (
        "fire",
        r#"id = "fire"
title = "Пожар"
kind = "danger"
severity = 5
[[rule]]
id = "burning"
find = 'пожар | "горит дом"~3'
weight = 90
[[example]]
text = "Пожар на Советской"
is = true
[[example]]
text = "Горит дом"
is = true
[[example]]
text = "Добрый день"
is = false
[[example]]
text = "Вода ржавая"
is = false
"#,
    ),
    (
        "feedback",
        r#"id = "feedback"
title = "Отношение к власти"
kind = "attitude"
severity = 1
[[rule]]
id = "shame"
find = 'позор'
weight = 70
[[example]]
text = "Позор"
is = true
[[example]]
text = "Какой позор"
is = true
[[example]]
text = "Добрый день"
is = false
[[example]]
text = "Вода ржавая"
is = false
"#,
    ),
];

impl Desk {
    /// Packs and a configuration with `more` lines in `otklik.toml`.
    pub fn new(more: &str) -> Self {
        let desk = Self { dir: tempfile::tempdir().expect("temp dir") };
        desk.write("config/otklik.toml", &format!("{OTKLIK}{more}"));
        for (name, text) in PACKS {
            desk.write(&format!("keywords/{name}.toml"), text);
        }
        desk
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file with its folders.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        std::fs::write(path, text).expect("write");
    }

    /// Replaces a part of a file that must be there.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path().join(name)).expect("read");
        assert!(text.contains(from), "{name} has no {from}");
        self.write(name, &text.replace(from, to));
    }

    /// Runs the binary here.
    pub fn otklik(&self, args: &[&str]) -> Said {
        self.otklik_with(args, &[])
    }

    /// The same with environment variables.
    pub fn otklik_with(&self, args: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otklik"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("OTKLIK_VK_TOKEN").envs(variables.iter().copied());
        let Output { status, stdout, stderr } = command.output().expect("the binary runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code().expect("an exit code"), text(stdout), text(stderr))
    }

    /// Runs the binary and reads its one line of JSON.
    pub fn json(&self, args: &[&str]) -> (i32, Value) {
        let (code, out, err) = self.otklik(args);
        assert_eq!(out.lines().count(), 1, "{args:?}: {out}{err}");
        (code, serde_json::from_str(&out).expect("JSON"))
    }

    /// Every file, to prove that nothing was stored.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }
}
