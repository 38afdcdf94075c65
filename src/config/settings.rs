//! What is true: the configuration with every value checked, typed and resolved.
//!
//! Place in the flow: made once at start from `otklik.toml`, handed on as values. Invariants: paths
//! no longer depend on the working folder; a command asks for what it [`Need`]s, and faults in
//! other sections do not stop it; secrets are places, not texts.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;

use crate::model::DistrictId;

use super::fault::{Fault, Severity, read_text};
use super::hook::HookBody;
use super::secret::Secret;

/// How much of the configuration a command reads. Each step includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The district alone.
    District,
    /// Where the packs are too: classify, explain, evaluate, packs.
    Classify,
    /// The store too: import, export, problems.
    Store,
    /// Platforms and network too: collect, try.
    Collect,
    /// Everything: run, check, digest.
    All,
}

impl Need {
    /// The least need that reads this section of `otklik.toml`.
    #[must_use]
    pub fn of_section(path: &str) -> Self {
        match path {
            "" | "district" => Need::District,
            "keywords" => Need::Classify,
            "store" | "retention" => Need::Store,
            "network" | "schedule" => Need::Collect,
            platform if platform.starts_with("platforms.") => Need::Collect,
            _ => Need::All,
        }
    }
}

/// The configuration as the program uses it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `otklik.toml` itself.
    pub file: PathBuf,
    /// Its folder: sources.toml, routes.toml, risk.toml, places.toml lie here.
    pub dir: PathBuf,
    /// Whom we listen to.
    pub district: District,
    /// File of the store.
    pub store: PathBuf,
    /// Folder of the packs.
    pub keywords: PathBuf,
    /// The way out.
    pub network: Network,
    /// What can be read.
    pub platforms: Platforms,
    /// Mail, if configured.
    pub smtp: Option<Smtp>,
    /// The Telegram bot for alerts, if configured.
    pub telegram_bot: Option<Bot>,
    /// The MAX bot for alerts, if configured.
    pub max_bot: Option<Bot>,
    /// The VK community that sends alerts, if configured.
    pub vk_bot: Option<Bot>,
    /// How webhooks are posted, if configured.
    pub webhook: Option<Webhook>,
    /// Fixed jobs.
    pub schedule: Schedule,
    /// How long things are kept.
    pub retention: Retention,
    /// How much is logged.
    pub log: LogLevel,
}

/// The district.
#[derive(Debug, Clone)]
pub struct District {
    /// Its id: first part of every key in the store.
    pub id: DistrictId,
    /// Its name as people write it.
    pub name: String,
    /// Its time zone.
    pub timezone: TimeZone,
    /// The zone's name in the IANA database.
    pub zone_name: String,
}

/// The way out.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Proxy for everything, without a password.
    pub proxy: Option<String>,
    /// The proxy's password.
    pub proxy_password: Option<Secret>,
    /// More root certificates (PEM).
    pub ca_file: Option<PathBuf>,
    /// Private addresses and networks that sources may live in: `127.0.0.1`, `10.1.0.0/16`.
    pub allow: Vec<String>,
}

/// What can be read.
#[derive(Debug, Clone)]
pub struct Platforms {
    /// VK, if configured.
    pub vk: Option<Vk>,
    /// OK, if configured.
    pub ok: Option<OkApi>,
    /// Telegram; its preview needs no configuration.
    pub telegram: Telegram,
    /// MAX, if configured.
    pub max: Option<Max>,
}

/// Whose VK token it is: decides how often we may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Service token of an application: 5 calls a second.
    Service,
    /// Token of a user: 3 calls a second.
    User,
}

/// VK.
#[derive(Debug, Clone)]
pub struct Vk {
    /// What stands before `/wall.get`, without a slash at its end.
    pub api_url: String,
    /// Token.
    pub token: Secret,
    /// Whose it is.
    pub token_kind: TokenKind,
    /// Version of the API.
    pub version: String,
    /// Numbers of communities we run ourselves, with their tokens.
    pub communities: Vec<(i64, Secret)>,
}

/// OK.
#[derive(Debug, Clone)]
pub struct OkApi {
    /// Address of the API.
    pub api_url: String,
    /// Public key of the application.
    pub application_key: Secret,
    /// Access token.
    pub access_token: Secret,
    /// Secret of the session, with which requests are signed.
    pub session_secret: Secret,
}

/// Telegram.
#[derive(Debug, Clone)]
pub struct Telegram {
    /// Address of the preview, without a slash at its end.
    pub preview_url: String,
    /// Number of the application.
    pub api_id: Option<i32>,
    /// Hash of the application.
    pub api_hash: Option<Secret>,
    /// File with the auth key.
    pub session: Option<PathBuf>,
    /// `host:port` of a data centre.
    pub dc_address: Option<String>,
}

/// MAX.
#[derive(Debug, Clone)]
pub struct Max {
    /// Address of the API.
    pub api_url: String,
    /// Token of the bot.
    pub token: Secret,
    /// Where MAX pushes what happens, if anywhere.
    pub webhook: Option<MaxWebhook>,
}

/// An address that MAX pushes to, and ours behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaxWebhook {
    /// The public address.
    pub url: String,
    /// Where we listen, on this machine.
    pub listen: SocketAddr,
}

/// Mail.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// `smtps://user@host:465`; never holds a password.
    pub url: String,
    /// Sender.
    pub from: String,
    /// Password.
    pub password: Option<Secret>,
}

/// A bot or community that sends alerts.
#[derive(Debug, Clone)]
pub struct Bot {
    /// Address of its API, without a slash at its end.
    pub api_url: String,
    /// Token.
    pub token: Secret,
}

/// How webhooks are posted.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// What is sent.
    pub body: HookBody,
    /// Key of the signature.
    pub secret: Option<Secret>,
}

/// Fixed jobs, on civil time of the district.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Weekly digest: six cron fields, seconds first.
    pub digest: String,
    /// Removal of what is past its retention: six cron fields, seconds first.
    pub cleanup: String,
    /// How far back posts are read again, in seconds.
    pub rescan_secs: i64,
}

/// How many days each class is kept, counted from storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Texts with a topic.
    pub matched_days: u32,
    /// Texts without one.
    pub unmatched_days: u32,
    /// Closed problems.
    pub problems_days: u32,
    /// Alerts and deliveries.
    pub alerts_days: u32,
    /// What could not be read or sent.
    pub dead_letters_days: u32,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Errors.
    Error,
    /// And warnings.
    Warn,
    /// And what was done.
    Info,
    /// And how.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word in the file and in filters of the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }
}

impl Settings {
    /// The host that a platform's API answers on, as budgets name it; feeds have one each.
    #[must_use]
    pub fn platform_host(&self, platform: &str) -> Option<String> {
        let platforms = &self.platforms;
        let url = match platform {
            "vk" => &platforms.vk.as_ref()?.api_url,
            "ok" => &platforms.ok.as_ref()?.api_url,
            "telegram" => &platforms.telegram.preview_url,
            "max" => &platforms.max.as_ref()?.api_url,
            _ => return None,
        };
        otklik_collectors::http::host_of(url)
    }

    /// A reloadable file of the folder: `sources.toml`, `routes.toml`, …
    #[must_use]
    pub fn reloadable(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Every secret that is configured.
    #[must_use]
    pub fn secrets(&self) -> Vec<&Secret> {
        let platforms = &self.platforms;
        let ok = platforms.ok.as_ref();
        [
            self.network.proxy_password.as_ref(),
            platforms.vk.as_ref().map(|vk| &vk.token),
            ok.map(|ok| &ok.application_key),
            ok.map(|ok| &ok.access_token),
            ok.map(|ok| &ok.session_secret),
            platforms.telegram.api_hash.as_ref(),
            platforms.max.as_ref().map(|max| &max.token),
            self.smtp.as_ref().and_then(|smtp| smtp.password.as_ref()),
            self.telegram_bot.as_ref().map(|bot| &bot.token),
            self.max_bot.as_ref().map(|bot| &bot.token),
            self.vk_bot.as_ref().map(|bot| &bot.token),
            self.webhook.as_ref().and_then(|hook| hook.secret.as_ref()),
        ]
        .into_iter()
        .flatten()
        .chain(platforms.vk.iter().flat_map(|vk| vk.communities.iter().map(|(_, token)| token)))
        .collect()
    }

    /// `sources.toml`.
    #[must_use]
    pub fn sources_file(&self) -> PathBuf {
        self.reloadable("sources.toml")
    }

    /// `routes.toml`.
    #[must_use]
    pub fn routes_file(&self) -> PathBuf {
        self.reloadable("routes.toml")
    }

    /// `places.toml`.
    #[must_use]
    pub fn places_file(&self) -> PathBuf {
        self.reloadable("places.toml")
    }
}

/// Reads what `need` wants. Errors are the faults (with warnings) of the sections it wants.
pub fn load(file: &Path, need: Need) -> Result<Settings, Vec<Fault>> {
    let source = read_text(file).map_err(|fault| vec![without(fault)])?;
    let (settings, faults) = super::resolve::resolve(file, &source);
    let faults: Vec<Fault> = faults
        .into_iter()
        .filter(|(section, _)| Need::of_section(section) <= need)
        .map(|(_, fault)| fault)
        .collect();
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults);
    }
    Ok(settings)
}

/// A file that is not there gets the way out.
fn without(mut fault: Fault) -> Fault {
    if fault.fix.is_empty() && !fault.file.exists() {
        fault.text = "файла настройки нет".to_owned();
        fault.fix = "создайте его: otklik init".to_owned();
    }
    fault
}

/// Reads the district alone.
pub fn load_district(file: &Path) -> Result<District, Vec<Fault>> {
    load(file, Need::District).map(|settings| settings.district)
}

/// Reads what classification needs: no store, no platforms, no secrets.
pub fn load_for_classify(file: &Path) -> Result<Settings, Vec<Fault>> {
    load(file, Need::Classify)
}

/// Reads what work on the store needs: no platforms, no secrets.
pub fn load_for_store(file: &Path) -> Result<Settings, Vec<Fault>> {
    load(file, Need::Store)
}

/// Reads everything.
pub fn load_all(file: &Path) -> Result<Settings, Vec<Fault>> {
    load(file, Need::All)
}

/// Everything that can be said about the file: settings as far as they are sound, and all faults.
pub fn examine(file: &Path) -> (Settings, Vec<Fault>) {
    match read_text(file) {
        Ok(source) => {
            let (settings, faults) = super::resolve::resolve(file, &source);
            (settings, faults.into_iter().map(|(_, fault)| fault).collect())
        }
        Err(fault) => (super::resolve::resolve(file, "").0, vec![without(fault)]),
    }
}

/// The settings that hold before anybody configured anything, as if `file` were the shipped one.
#[must_use]
pub fn builtin(file: &Path) -> Settings {
    super::resolve::resolve(file, &super::reference::shipped_file()).0
}
