//! `otklik check`: everything that is wrong with the configuration, at once.
//!
//! Place in the flow: run by the operator after each change, by `run` at start. Invariant: without
//! `--online` it needs no network, no store and no secret; warnings do not fail.

mod channels;
mod online;

use std::collections::BTreeSet;

use clap::Args;
use serde::Serialize;

use crate::clock::{Clock, SystemClock};
use crate::config::calendar::Calendar;
use crate::config::routes::{self, KnownNames};
use crate::config::{self, Fault, RuleFiles, SecretError, SecretFrom, Settings, Severity};
use crate::pipeline::district::{District, Strictness};
use online::Proof;

use super::{Exit, Globals, Result, open, say};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
    /// Проверить связь: ключи, права, квоты, почту, бота и каждый источник; ничего не отправляется
    #[arg(long)]
    online: bool,
}

/// Looks at one part of the configuration. Gets settings as far as they are sound.
type Checker = fn(&Settings) -> Vec<Fault>;

/// Everything that is checked besides `otklik.toml` itself.
const CHECKERS: &[Checker] =
    &[rules, next_year, past_trial, unread_platforms, unread_communities, open_secrets];

/// Runs the command.
pub fn run(args: CheckArgs, globals: &Globals) -> Result<Exit> {
    let faults = all_faults(globals);
    let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
    let warnings = faults.len() - errors;
    if !args.json {
        for fault in &faults {
            say!("{fault}")?;
        }
        say!("{}", summary(errors, warnings))?;
    }
    let calls = forecast(globals);
    if !args.json {
        for call in &calls {
            say!("{}", call.words())?;
        }
    }
    let (proofs, proven) = if args.online { go_online(&args, globals)? } else { (None, true) };
    let ok = errors == 0 && proven;
    if args.json {
        let faults = faults.iter().map(Row::from).collect();
        let report = Report { ok, errors, warnings, faults, calls, online: proofs };
        say!("{}", serde_json::to_string(&report).map_err(std::io::Error::from)?)?;
    }
    Ok(if ok { Exit::Done } else { Exit::BadConfig })
}

/// Every fault of the configuration, errors and warnings, in the order of files and lines.
pub fn all_faults(globals: &Globals) -> Vec<Fault> {
    let (settings, mut faults) = daemon_faults(globals);
    faults.extend(channels::not_set_up(&settings));
    in_order(&settings, faults)
}

fn in_order(settings: &Settings, mut faults: Vec<Fault>) -> Vec<Fault> {
    let place = |fault: &Fault| (fault.file != settings.file, fault.file.clone(), fault.line);
    faults.sort_by_cached_key(|fault| (place(fault), fault.column, fault.text.clone()));
    faults.dedup();
    faults
}

/// Every fault but those of receivers whom nobody can reach.
fn daemon_faults(globals: &Globals) -> (Settings, Vec<Fault>) {
    let (settings, mut faults) = config::examine(&globals.config_file());
    for checker in CHECKERS {
        faults.extend(checker(&settings));
    }
    (settings, faults)
}

/// The faults that must keep the daemon from starting. A receiver whose channel is not set up is
/// none of them: the others are still told, and its messages wait.
pub fn stopping_faults(globals: &Globals) -> Vec<Fault> {
    let (settings, faults) = daemon_faults(globals);
    let mut faults = in_order(&settings, faults);
    faults.retain(|fault| fault.severity == Severity::Error);
    faults
}

/// Proves what is configured and says so; a file that cannot be read leaves nothing to prove.
fn go_online(args: &CheckArgs, globals: &Globals) -> Result<(Option<Vec<Proof>>, bool)> {
    let (settings, faults) = config::examine(&globals.config_file());
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        if !args.json {
            say!("Связь не проверялась: сначала исправьте {}.", settings.file.display())?;
        }
        return Ok((None, false));
    }
    let (sources, _) = config::examine_sources(&settings.sources_file(), None);
    let mut proofs = Vec::new();
    let mut told = |proof: &Proof| {
        proofs.push(proof.clone());
        if !args.json {
            let mark = if proof.ok { "есть" } else { "НЕТ " };
            // A closed pipe ends the command at its next line.
            drop(say!("{mark}  {}", proof.text));
        }
    };
    let proven = open::wait(async { Ok(online::prove(&settings, &sources, &mut told).await) })?;
    if !args.json {
        let bad = proofs.iter().filter(|proof| !proof.ok).count();
        match (proofs.is_empty(), bad) {
            (true, _) => say!("Проверять нечего: нет ни источников, ни каналов.")?,
            (_, 0) => say!("Связь в порядке.")?,
            _ => say!("Не работает: {bad}.")?,
        }
    }
    Ok((Some(proofs), proven))
}

/// Methods with a daily quota, by platform: every look makes at least one such call.
const QUOTAS: [(&str, &str, u32); 1] =
    [("vk", "wall.get", otklik_collectors::vk::WALL_GET_PER_DAY)];

/// Calls a day that the wished intervals make, at one call a look, against the quota.
#[derive(Debug, Serialize)]
struct Forecast {
    platform: String,
    sources: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'static str>,
    wished: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<u32>,
}

impl Forecast {
    fn words(&self) -> String {
        let Self { platform, sources, wished, .. } = self;
        let Some((method, quota)) = self.method.zip(self.quota) else {
            return format!(
                "{platform}: источников {sources}, просмотров в сутки {wished}; суточной нормы нет"
            );
        };
        let head = format!(
            "{platform}: источников {sources}, вызовов {method} в сутки {wished}, норма {quota}"
        );
        if *wished <= i64::from(quota) {
            return head;
        }
        let tenths = (wished * 10 + i64::from(quota) / 2) / i64::from(quota.max(1));
        let (whole, tenth) = (tenths / 10, tenths % 10);
        format!("{head}: в среднем будем смотреть реже желаемого в {whole},{tenth} раза")
    }
}

/// One line a platform that is read.
fn forecast(globals: &Globals) -> Vec<Forecast> {
    let (settings, _) = config::examine(&globals.config_file());
    let (sources, _) = config::examine_sources(&settings.sources_file(), None);
    let platforms: BTreeSet<&str> = sources.iter().map(|it| it.platform.as_str()).collect();
    let of = |platform: &str| {
        let its: Vec<_> = sources.iter().filter(|source| source.platform == platform).collect();
        let quota = QUOTAS.iter().find(|(name, ..)| *name == platform);
        Forecast {
            platform: platform.to_owned(),
            sources: its.len(),
            method: quota.map(|(_, method, _)| *method),
            wished: its.iter().map(|source| 86_400 / source.every_secs.max(1)).sum(),
            quota: quota.map(|(.., most)| *most),
        }
    };
    platforms.into_iter().map(of).collect()
}

fn summary(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, 0) => "Настройка в порядке.".to_owned(),
        (0, _) => format!("Ошибок нет, предупреждений: {warnings}."),
        (_, 0) => format!("Ошибок: {errors}."),
        _ => format!("Ошибок: {errors}, предупреждений: {warnings}."),
    }
}

/// A trial whose last day has passed: everybody is told again, the key only confuses.
fn past_trial(settings: &Settings) -> Vec<Fault> {
    let Ok(Some(file)) = RuleFiles::read(settings).table("routes.toml") else { return Vec::new() };
    let Ok((routes, _)) = routes::parse(&file.path, &file.text, &KnownNames::default()) else {
        return Vec::new();
    };
    let today = SystemClock.now().to_zoned(settings.district.timezone.clone()).date();
    let mut keys = file.text.lines().scan(0, |at, line| {
        let begins = *at;
        *at += line.len() + 1;
        Some((begins, line))
    });
    let key = keys.find(|(_, line)| line.trim_start().starts_with("trial_until"));
    match (routes.alert.trial_until, key) {
        (Some(until), Some((at, _))) if until <= today => {
            let text = format!("пробный режим закончился {until}: сообщения идут получателям");
            vec![Fault::at(&file.path, &file.text, at, text, "уберите trial_until").warning()]
        }
        _ => Vec::new(),
    }
}

/// In December: the next year's days off are not known yet.
fn next_year(settings: &Settings) -> Vec<Fault> {
    let Ok(Some(file)) = RuleFiles::read(settings).table("calendar.toml") else {
        return Vec::new();
    };
    let Ok(calendar) = Calendar::parse(&file.path, &file.text) else { return Vec::new() };
    let today = SystemClock.now().to_zoned(settings.district.timezone.clone()).date();
    let fault = |year| {
        let text = format!("выходные и рабочие дни {year} года не названы");
        let fix = "добавьте [[year]] с переносами и Сагаалганом; праздники известны и так";
        Fault::whole(&file.path, text, fix).warning()
    };
    calendar.lacks(today).map(fault).into_iter().collect()
}

/// Packs with their examples, places, risk, routes, sources.
fn rules(settings: &Settings) -> Vec<Fault> {
    District::examine(settings, false, Strictness::Strict).1
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

/// Communities of our own whose key is not there: they are read all the same, more slowly. A
/// credential is there for the service alone.
fn unread_communities(settings: &Settings) -> Vec<Fault> {
    let own = settings.platforms.vk.iter().flat_map(|vk| &vk.communities);
    let here = own.filter(|(_, token)| !matches!(token.from(), SecretFrom::Credential(_)));
    let unread = here.filter_map(|(group, token)| Some((group, token.read().err()?)));
    let fault = |(group, error): (&i64, SecretError)| {
        let text = format!(
            "события сообщества {group} не придут, оно читается как обычное: {}",
            error.text
        );
        Fault::whole(&settings.file, text, error.fix).warning()
    };
    unread.map(fault).collect()
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
    calls: Vec<Forecast>,
    #[serde(skip_serializing_if = "Option::is_none")]
    online: Option<Vec<Proof>>,
}

/// A fault as a line of a report.
#[derive(Serialize)]
pub struct Row<'a> {
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
