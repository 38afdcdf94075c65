//! clap in Russian: help, usage and errors.
//!
//! Place in the flow: every command passes through [`russian`] before the arguments are read; every
//! error of clap through [`explain`]. Invariant: no English sentence of clap reaches the operator.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

const TEMPLATE: &str = "\
{before-help}{about-with-newline}
Как вызвать: {usage}

{all-args}{after-help}";

/// The command with Russian headings, flags and usage, and all its subcommands.
#[must_use]
pub fn russian(command: Command) -> Command {
    let command = dressed(command, true);
    let mut probe = command.clone();
    probe.build();
    with_usage(command, &mut probe)
}

fn dressed(command: Command, root: bool) -> Command {
    let help = Arg::new("help").short('h').long("help").action(ArgAction::Help);
    let mut command = command
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .help_template(TEMPLATE)
        .subcommand_value_name("КОМАНДА")
        .subcommand_help_heading("Команды")
        .arg(help.help("Показать эту справку").display_order(998));
    if root {
        let version = Arg::new("version").short('V').long("version").action(ArgAction::Version);
        command = command.arg(version.help("Показать версию").display_order(999));
    }
    command
        .mut_args(|arg| {
            let heading = if arg.is_positional() { "Аргументы" } else { "Ключи" };
            let valued = arg.get_action().takes_values();
            let arg = arg.help_heading(heading);
            if valued { arg.hide_default_value(true).hide_possible_values(true) } else { arg }
        })
        .mut_subcommands(|sub| dressed(sub, false))
}

/// Sets the usage that clap makes, with its English words replaced.
fn with_usage(command: Command, probe: &mut Command) -> Command {
    let usage = probe.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let usage = usage.replace("[OPTIONS]", "[КЛЮЧИ]").replace("<COMMAND>", "<КОМАНДА>");
    command.override_usage(StyledStr::from(usage)).mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        match probe.find_subcommand_mut(&name) {
            Some(probe) => with_usage(sub, probe),
            None => sub,
        }
    })
}

/// What is wrong with the command line, in Russian, and where to look.
#[must_use]
pub fn explain(error: &clap::Error) -> String {
    let text = |kind| context(error, kind);
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let mut said = match error.kind() {
        ErrorKind::UnknownArgument => format!("неизвестный ключ или аргумент «{argument}»"),
        ErrorKind::InvalidSubcommand => format!(
            "неизвестная команда «{}»",
            text(ContextKind::InvalidSubcommand).unwrap_or_default()
        ),
        ErrorKind::MissingRequiredArgument => format!("не хватает: {argument}"),
        ErrorKind::MissingSubcommand => "не названа команда".to_owned(),
        ErrorKind::InvalidValue if value.is_empty() => format!("у {argument} нет значения"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("«{value}» не подходит для {argument}")
        }
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).unwrap_or_default();
            match other == argument || other.is_empty() {
                true => format!("{argument} можно указать один раз"),
                false => format!("{argument} и {other} вместе не бывают"),
            }
        }
        ErrorKind::TooManyValues => format!("у {argument} лишнее значение «{value}»"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("у {argument} не хватает значений")
        }
        ErrorKind::NoEquals => format!("между {argument} и значением нужен знак «=»"),
        ErrorKind::InvalidUtf8 => "в командной строке неверная кодировка".to_owned(),
        _ => "команда записана неверно".to_owned(),
    };
    if let Some(known) = text(ContextKind::ValidValue).filter(|known| !known.is_empty()) {
        said.push_str(&format!("; бывает: {known}"));
    }
    for kind in
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue]
    {
        if let Some(near) = text(kind).filter(|near| !near.is_empty()) {
            said.push_str(&format!(" → может быть, {near}?"));
            return said;
        }
    }
    said.push_str(" → справка: otklik --help");
    said
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(", ")),
        ContextValue::StyledStr(text) => Some(text.to_string()),
        ContextValue::StyledStrs(texts) => {
            Some(texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        ContextValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
