//! `otklik init`: a working configuration, by questions or by flags.
//!
//! Place in the flow: the first command of an operator; `check` passes on what it wrote. Invariant:
//! nothing that is there already is overwritten.

use std::io::{BufRead, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::check::{Checked, title, zone};
use crate::config::reference::{Answers, render_file};
use crate::config::{save, shipped};

use super::{Exit, Failure, Globals, Result, say};

/// Proposed answers.
const NAME: &str = "Заиграевский район";
const TIMEZONE: &str = "Asia/Irkutsk";
const DIR: &str = "config";

/// Reloadable files that a person edits first.
const EDITED: [&str; 4] = ["sources.toml", "routes.toml", "duty.toml", "calendar.toml"];

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArgs {
    /// Папка для настройки (без ключа: config)
    #[arg(long, value_name = "ПАПКА")]
    dir: Option<PathBuf>,
    /// Название района
    #[arg(long, value_name = "НАЗВАНИЕ")]
    name: Option<String>,
    /// Часовой пояс, например Asia/Irkutsk
    #[arg(long, value_name = "ПОЯС")]
    timezone: Option<String>,
    /// Не задавать вопросов: взять предложенные ответы
    #[arg(long, short)]
    yes: bool,
}

/// Runs the command.
pub fn run(mut args: InitArgs, globals: &Globals) -> Result<Exit> {
    if let (None, Some(config)) = (&args.dir, &globals.config) {
        args.dir = Some(folder_of(config)?);
    }
    let answered = args.name.is_some() && args.timezone.is_some();
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    let (dir, mut answers) = if args.yes || answered {
        (args.dir.unwrap_or_else(|| DIR.into()), given(args.name, args.timezone)?)
    } else if terminal {
        let stdin = std::io::stdin();
        ask(args, &mut stdin.lock(), &mut std::io::stderr().lock())?
    } else {
        return Err(Failure::usage(
            "вопросы задаются в терминале; без него ответьте ключами --name и --timezone \
             или возьмите предложенное: --yes",
        ));
    };
    answers.store = match &globals.store {
        Some(store) => Some(std::path::absolute(store)?.display().to_string()),
        None => None,
    };
    for written in write_all(&dir, &answers)? {
        say!("записано: {}", written.display())?;
    }
    let config = dir.join("otklik.toml");
    let flag = match config == Path::new(super::CONFIG_FILES[0]) {
        true => String::new(),
        false => format!(" --config {}", config.display()),
    };
    say!("Дальше:")?;
    say!("  otklik{flag} sources add https://vk.com/имя_сообщества")?;
    say!("  otklik{flag} check")?;
    Ok(Exit::Done)
}

/// The folder that `--config` names.
fn folder_of(config: &Path) -> Result<PathBuf> {
    if config.is_dir() {
        return Ok(config.to_path_buf());
    }
    match config.file_name() {
        Some(name) if name == "otklik.toml" => {
            let folder = config.parent().filter(|folder| *folder != Path::new(""));
            Ok(folder.unwrap_or(Path::new(".")).to_path_buf())
        }
        _ => Err(Failure::usage("файл настройки зовётся otklik.toml → --dir ПАПКА")),
    }
}

/// Answers given by flags, the rest as proposed.
fn given(name: Option<String>, timezone: Option<String>) -> Result<Answers> {
    let name = sound("--name", title(name.as_deref().unwrap_or(NAME)))?;
    let (_, timezone) = sound("--timezone", zone(timezone.as_deref().unwrap_or(TIMEZONE)))?;
    Ok(Answers { name, timezone, store: None })
}

fn sound<T>(flag: &str, value: Checked<T>) -> Result<T> {
    value.map_err(|wrong| Failure::usage(format!("{flag}: {} → {}", wrong.text, wrong.fix)))
}

/// Asks for what the flags did not say. An empty answer takes what is proposed.
fn ask(args: InitArgs, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<(PathBuf, Answers)> {
    let folder = |text: &str| Ok(PathBuf::from(text));
    let dir = match args.dir {
        Some(dir) => dir,
        None => question(input, out, "Папка для настройки", DIR, folder)?,
    };
    let name = match args.name {
        Some(name) => sound("--name", title(&name))?,
        None => question(input, out, "Название района", NAME, title)?,
    };
    let timezone = match args.timezone {
        Some(timezone) => sound("--timezone", zone(&timezone))?.1,
        None => question(input, out, "Часовой пояс", TIMEZONE, |text| {
            zone(text).map(|z| z.1)
        })?,
    };
    Ok((dir, Answers { name, timezone, store: None }))
}

/// Asks until the answer is sound.
fn question<T>(
    input: &mut dyn BufRead,
    out: &mut dyn Write,
    text: &str,
    proposed: &str,
    rule: impl Fn(&str) -> Checked<T>,
) -> Result<T> {
    loop {
        write!(out, "{text} [{proposed}]: ")?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Err(Failure::usage("ответа нет; ничего не записано"));
        }
        let typed = line.trim();
        match rule(if typed.is_empty() { proposed } else { typed }) {
            Ok(value) => return Ok(value),
            Err(wrong) => writeln!(out, "  {} → {}", wrong.text, wrong.fix)?,
        }
    }
}

/// Writes every file of a new configuration; refuses if one is there.
fn write_all(dir: &Path, answers: &Answers) -> Result<Vec<PathBuf>> {
    let mut files = vec![(dir.join("otklik.toml"), render_file(Some(answers)))];
    for name in EDITED {
        if let Some(text) = shipped::text(&format!("config/{name}")) {
            files.push((dir.join(name), text.to_owned()));
        }
    }
    if !dir.join("keywords").is_dir() && !dir.join("../keywords").is_dir() {
        let packs = shipped::keywords();
        files.extend(packs.map(|(name, text)| (dir.join("keywords").join(name), text.to_owned())));
    }
    if let Some((there, _)) = files.iter().find(|(file, _)| file.exists()) {
        return Err(Failure::failed(format!(
            "{} уже есть, ничего не записано → другая папка: --dir ПАПКА, или правьте этот файл",
            there.display()
        )));
    }
    let mut written = Vec::new();
    for (file, text) in files {
        let folder = file.parent().unwrap_or(dir);
        let saved = std::fs::create_dir_all(folder).and_then(|()| save::create(&file, &text));
        saved.map_err(|error| {
            Failure::failed(format!("не удалось записать {}: {error}", file.display()))
        })?;
        written.push(file);
    }
    Ok(shortened(dir, written))
}

/// The packs as their folder, so that the list stays short.
fn shortened(dir: &Path, files: Vec<PathBuf>) -> Vec<PathBuf> {
    let packs = dir.join("keywords");
    let (inside, mut rest): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.starts_with(&packs));
    if !inside.is_empty() {
        rest.push(packs);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> InitArgs {
        InitArgs { dir: None, name: None, timezone: None, yes: false }
    }

    #[test]
    fn a_wrong_answer_is_asked_again_with_the_hint() {
        let mut out = Vec::new();
        let typed = "\nСелянинский район\nАsia/Ulan-Ude\nAsia/Irkutsk\n";
        let (dir, answers) = ask(args(), &mut typed.as_bytes(), &mut out).expect("answers");
        assert_eq!(dir, Path::new("config"));
        assert_eq!(answers.name, "Селянинский район");
        assert_eq!(answers.timezone, "Asia/Irkutsk");
        let shown = String::from_utf8(out).expect("text");
        assert!(shown.contains("напишите \"Asia/Irkutsk\""), "{shown}");
        assert!(shown.contains("Название района [Заиграевский район]: "), "{shown}");
    }

    #[test]
    fn no_answer_writes_nothing() {
        let failure = ask(args(), &mut "".as_bytes(), &mut Vec::new()).expect_err("no answer");
        assert_eq!(failure.exit, Exit::Usage);
    }
}
