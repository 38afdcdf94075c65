//! `otklik check`: everything that is wrong with the configuration, at once.
//!
//! Place in the flow: run by the operator after each change, by `run` at start. Invariant: needs no
//! network, no store and no secret; warnings do not fail.

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::config::{self, Fault, SecretFrom, Settings, Severity};

use super::{Exit, Globals, Result, say};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
}

/// Looks at one part of the configuration. Gets settings as far as they are sound.
type Checker = fn(&Settings) -> Vec<Fault>;

/// Everything that is checked besides `otklik.toml` itself.
const CHECKERS: &[Checker] = &[sources, unread_platforms, open_secrets];

/// Runs the command.
pub fn run(args: CheckArgs, globals: &Globals) -> Result<Exit> {
    let faults = all_faults(globals);
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let warnings = faults.len() - errors;
    if args.json {
        let report = Report {
            ok: errors == 0,
            errors,
            warnings,
            faults: faults.iter().map(Row::from).collect(),
        };
        say!("{}", serde_json::to_string(&report).map_err(std::io::Error::from)?)?;
    } else {
        for fault in &faults {
            say!("{fault}")?;
        }
        say!("{}", summary(errors, warnings))?;
    }
    Ok(if errors == 0 { Exit::Done } else { Exit::BadConfig })
}

/// Every fault of the configuration, errors and warnings, in the order of files and lines.
pub fn all_faults(globals: &Globals) -> Vec<Fault> {
    let (settings, mut faults) = config::examine(&globals.config_file());
    for checker in CHECKERS {
        faults.extend(checker(&settings));
    }
    faults
}

/// The faults that must keep the daemon from starting.
pub fn stopping_faults(globals: &Globals) -> Vec<Fault> {
    let mut faults = all_faults(globals);
    faults.retain(|fault| fault.severity == Severity::Error);
    faults
}

fn summary(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "Настройка в порядке.".to_owned(),
        (0, _) => format!("Ошибок нет, предупреждений: {warnings}."),
        (_, 0) => format!("Ошибок: {errors}."),
        _ => format!("Ошибок: {errors}, предупреждений: {warnings}."),
    }
}

fn sources(settings: &Settings) -> Vec<Fault> {
    config::examine_sources(&settings.sources_file(), None).1
}

/// Sources whose platform has no token.
fn unread_platforms(settings: &Settings) -> Vec<Fault> {
    let (sources, _) = config::examine_sources(&settings.sources_file(), None);
    let named: BTreeSet<&str> = sources.iter().map(|source| source.platform.as_str()).collect();
    if named.contains("vk") && settings.platforms.vk.is_none() {
        let text = "есть источники VK, а раздела [platforms.vk] с ключом нет";
        let fix = "уберите «#» перед [platforms.vk] и token";
        return vec![Fault::whole(&settings.file, text, fix).warning()];
    }
    Vec::new()
}

/// Files with secrets that others may read.
#[cfg(unix)]
fn open_secrets(settings: &Settings) -> Vec<Fault> {
    use std::os::unix::fs::PermissionsExt as _;
    let mut faults = Vec::new();
    for secret in settings.secrets() {
        let SecretFrom::File(path) = secret.from() else { continue };
        let Ok(found) = std::fs::metadata(path) else { continue };
        if found.permissions().mode() & 0o077 != 0 {
            let text = format!("{}: секрет могут прочитать другие", secret.key());
            faults.push(Fault::whole(path, text, "chmod 600").warning());
        }
    }
    faults
}

/// Elsewhere rights are not ours to judge.
#[cfg(not(unix))]
fn open_secrets(_: &Settings) -> Vec<Fault> {
    let _: Option<SecretFrom> = None;
    Vec::new()
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    errors: usize,
    warnings: usize,
    faults: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    file: String,
    line: u32,
    column: u32,
    severity: &'static str,
    text: &'a str,
    fix: &'a str,
}

impl<'a> From<&'a Fault> for Row<'a> {
    fn from(fault: &'a Fault) -> Self {
        Self {
            file: fault.file.display().to_string(),
            line: fault.line,
            column: fault.column,
            severity: match fault.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            text: &fault.text,
            fix: &fault.fix,
        }
    }
}
