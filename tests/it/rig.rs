//! A district in a folder of its own, with tiny packs and made-up places, and the real binary run on it.
//!
//! Place in the flow: used by the tests of contracts, of the live daemon and of the boundary. Invariant:
//! nothing here reads the shipped packs, so that a changed word list breaks no test of the machinery.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub const SETTINGS: &str = r#"
[district]
name = "Лесной район"
timezone = "Asia/Irkutsk"
[keywords]
path = "../words"
[store]
path = "../store/otklik.db"
[network]
allow = ["127.0.0.1"]
"#;

pub const PLACES: &str = r#"
[[place]]
id = "kedrovo"
name = "Кедрово"
kind = "село"
[[place]]
id = "sosnyagino"
name = "Соснягино"
kind = "посёлок"
[[elsewhere]]
names = ["Верхоречье"]
"#;

/// Names of pack files with their content.
pub const PACKS: [(&str, &str); 4] = [
    (
        "heating",
        r#"
id = "heating"
title = "Отопление"
kind = "problem"
severity = 4
advice = ["Ответить, когда дадут тепло."]
[[rule]]
id = "no-heating"
find = '"нет отопление"~3'
weight = 80
[[rule]]
id = "icy"
find = '"ледяные батареи"~3'
weight = 60
[[example]]
text = "Нет отопления третий день"
is = true
[[example]]
text = "Батареи ледяные"
is = true
[[example]]
text = "Отопление дали"
is = false
[[example]]
text = "Продам ёлку"
is = false
"#,
    ),
    (
        "fire",
        r#"
id = "fire"
title = "Пожар"
kind = "danger"
severity = 5
advice = ["Проверить на месте."]
[[rule]]
id = "burning"
find = '"горит дом"~3'
weight = 90
[[example]]
text = "Горит дом на окраине"
is = true
[[example]]
text = "Дом горит!"
is = true
[[example]]
text = "Дом построен"
is = false
[[example]]
text = "Продам ёлку"
is = false
"#,
    ),
    (
        "hearsay",
        r#"
id = "hearsay"
title = "Слухи"
kind = "rumour"
severity = 3
advice = ["Опубликовать факты."]
[[rule]]
id = "will-close"
find = '"говорят закроют"~5'
weight = 70
[[example]]
text = "Говорят, школу закроют"
is = true
[[example]]
text = "Говорят, больницу закроют"
is = true
[[example]]
text = "Школу построили"
is = false
[[example]]
text = "Продам ёлку"
is = false
"#,
    ),
    (
        "regard",
        r#"
id = "regard"
title = "Отношение к администрации"
kind = "attitude"
severity = 1
[[rule]]
id = "idle-lot"
find = '"администрация спит"~3'
weight = 70
[[example]]
text = "Администрация спит"
is = true
[[example]]
text = "Спит наша администрация"
is = true
[[example]]
text = "Администрация ответила"
is = false
[[example]]
text = "Продам ёлку"
is = false
"#,
    ),
];

/// How the binary ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        let code = output.status.code().expect("an exit code");
        Self { code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// The standard output as JSON lines; the command must have ended with `code`.
    #[track_caller]
    pub fn rows(&self, code: i32) -> Vec<Value> {
        assert_eq!(self.code, code, "{self:?}");
        json_lines(&self.out)
    }
}

pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

pub struct Rig {
    dir: tempfile::TempDir,
}

impl Rig {
    pub fn new() -> Self {
        let rig = Self { dir: tempfile::tempdir().expect("a folder") };
        rig.write("config/otklik.toml", SETTINGS);
        rig.write("config/places.toml", PLACES);
        for (name, text) in PACKS {
            rig.write(&format!("words/{name}.toml"), text);
        }
        rig
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Appends to a file.
    pub fn add(&self, name: &str, text: &str) {
        let before = std::fs::read_to_string(self.path(name)).unwrap_or_default();
        self.write(name, &format!("{before}\n{text}"));
    }

    /// The binary with the settings of this folder, run from elsewhere.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otklik"));
        command.arg("--config").arg(self.path("config/otklik.toml")).args(args);
        command.current_dir("/").stdin(Stdio::null());
        command.env_remove("OTKLIK_LOG").env_remove("RUNTIME_DIRECTORY");
        command.env_remove("NOTIFY_SOCKET").env_remove("JOURNAL_STREAM");
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        Ended::of(self.command(args).output().expect("the binary runs"))
    }

    /// Runs with `input` on the standard input.
    pub fn feed(&self, args: &[&str], input: &str) -> Ended {
        feed(self.command(args), input)
    }

    /// Imports JSON lines; `code` is the exit code that must come.
    #[track_caller]
    pub fn import(&self, lines: &[Value], code: i32) -> Ended {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let ended = self.feed(&["import", "-", "--json"], &text);
        assert_eq!(ended.code, code, "{ended:?}");
        ended
    }

    #[track_caller]
    pub fn export(&self, what: &str) -> Vec<Value> {
        self.run(&["export", what]).rows(0)
    }
}

/// Runs with `input` on the standard input, written beside the reading of the output.
pub fn feed(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Who stops reading early is the subject of some tests.
            drop(stdin.write_all(input.as_bytes()));
        });
        Ended::of(child.wait_with_output().expect("it ends"))
    })
}

/// All bytes below a folder, with the names of their files.
pub fn bytes_below(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(bytes_below(&path));
        } else if path.is_file() {
            let mut bytes = Vec::new();
            std::fs::File::open(&path).expect("opens").read_to_end(&mut bytes).expect("read");
            found.push((path, bytes));
        }
    }
    found
}

/// Whether `text` stands in `bytes`.
pub fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Lets a child process go on: it lives on real time.
#[expect(clippy::disallowed_methods, reason = "a child process has no clock of ours")]
pub fn pause(millis: u64) {
    std::thread::sleep(std::time::Duration::from_millis(millis));
}
