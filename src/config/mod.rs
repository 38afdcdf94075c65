//! Configuration: what was typed, what is wrong with it, what is true.
//!
//! Place in the flow: read once at start (static) or again when a file changes (reloadable), then
//! handed on as values. Invariant: all faults of a file are reported at once, each with file, line,
//! column and fix.

pub mod calendar;
pub mod check;
pub mod duration;
pub mod duty;
pub mod fault;
pub mod file;
pub mod handle;
pub mod hook;
pub mod nearest;
pub mod packs;
pub mod places;
pub mod read;
pub mod reference;
mod resolve;
pub mod risk;
pub mod routes;
pub mod rules;
pub mod save;
pub mod season;
pub mod secret;
pub mod service;
pub mod settings;
pub mod shipped;
pub mod sources;
pub mod syntax;
pub mod wording;

pub use fault::{Fault, Severity};
pub use risk::RiskRules;
pub use rules::RuleFiles;
pub use season::Season;
pub use secret::{Secret, SecretError, SecretFrom, SecretText};
pub use service::load_services;
pub use settings::{
    Bot, District, LogLevel, Max, MaxWebhook, Need, Network, OkApi, Platforms, Retention, Schedule,
    Settings, Smtp, Telegram, TokenKind, Vk, Webhook, builtin, examine, load, load_all,
    load_district, load_for_classify, load_for_store,
};
pub use sources::{KnownPlaces, examine_sources, load_sources};
