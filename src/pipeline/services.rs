//! What the stages that do I/O share: settings, time, store, keys, the way out, and what may be
//! reloaded.
//!
//! Place in the flow: built once by the command line (or the simulated district), handed to the
//! daemon and to single commands. Invariant: what may change while running stands in one swap each,
//! so a stage sees the old or the new, never a mixture.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use otklik_collectors::door::Door;
use otklik_collectors::http::{Http, HttpSettings};
use otklik_collectors::max::{MaxSettings, Webhook};
use otklik_collectors::ok::OkSettings;
use otklik_collectors::telegram::{Account, TelegramSettings};
use otklik_collectors::vk::{OwnCommunity, VkSettings};
use otklik_collectors::{
    Class, CollectError, Collector, MonthKeys, Platform, Ports, Scope, Transport, registry,
};

use super::budget::StoredBudget;
use super::district::District;
use super::keys::{KeyFile, PassingKeys};
use super::passing::PassingBudget;
use super::telegram::{self, Entry, StoredRooms};
use super::watch::Watch;
use super::words;
use crate::classify::Scratch;
use crate::clock::Clock;
use crate::config::{Bot, Fault, Secret, SecretError, SecretText, Settings, TokenKind};
use crate::model::{Channel, Source};
use crate::notify::{
    self, BotSettings, Email, EmailSettings, Notifier, Notifiers, Telegram, Way, WebhookSettings,
};
use crate::store::Store;

/// The collectors and the door they share; rebuilt when the sources change, because the door leaves
/// the names of configured sources readable.
pub struct Reading {
    /// The only maker of authors and texts.
    pub door: Door,
    /// One reader a platform.
    pub collectors: BTreeMap<Platform, Arc<dyn Collector>>,
}

impl Reading {
    /// Readers that leave no trace: limits are kept in memory, month keys end with the process.
    pub fn passing(
        settings: &Settings,
        sources: &[Source],
        platforms: registry::Settings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let door = Door::new(Arc::new(PassingKeys::default()), handles(sources));
        let ports = Ports {
            budget: Arc::new(PassingBudget::new(Arc::clone(&clock))),
            clock,
            transport: transport(settings)?,
            door: door.clone(),
        };
        let collectors = registry::build(platforms, &ports);
        Ok(Self { door, collectors })
    }

    /// The reader of a platform.
    pub fn collector(&self, platform: Platform) -> Result<&Arc<dyn Collector>, CollectError> {
        self.collectors.get(&platform).ok_or_else(|| {
            CollectError::new(
                Class::NeedsPerson,
                Scope::Source,
                "not configured",
                words::not_configured(platform),
            )
        })
    }
}

/// Everything a stage with I/O needs.
pub struct Services {
    /// As configured.
    pub settings: Settings,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The store.
    pub store: Store,
    /// Month keys.
    pub keys: Arc<KeyFile>,
    /// The way out, shared by all collectors.
    pub transport: Arc<dyn Transport>,
    /// Channels.
    pub notifiers: Notifiers,
    /// Rules in force.
    pub district: ArcSwap<District>,
    /// Collectors in force.
    pub reading: ArcSwap<Reading>,
    /// The account that reads Telegram, shared by all collectors after one another.
    pub telegram: Entry,
    /// What MAX pushes to us, if it is configured; shared by all readers after one another.
    pub max_webhook: Option<Arc<Webhook>>,
    /// When to look next.
    pub watch: Watch,
    /// Buffers of classification, kept between pages: fresh ones know no word yet.
    scratches: Mutex<Vec<Scratch>>,
}

impl Services {
    /// Runs `work` with buffers of classification that nobody else uses meanwhile.
    pub fn with_scratch<T>(&self, work: impl FnOnce(&mut Scratch) -> T) -> T {
        let kept = || self.scratches.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = kept().pop().unwrap_or_default();
        let done = work(&mut scratch);
        kept().push(scratch);
        done
    }

    /// Joins everything over the real network.
    pub fn connect(
        settings: Settings,
        clock: Arc<dyn Clock>,
        store: Store,
        district: District,
    ) -> Result<Self, Fault> {
        let transport = transport(&settings)?;
        let notifiers = notifiers(&settings)?;
        Self::join(settings, clock, store, district, transport, notifiers)
    }

    /// Joins everything over a way out and channels that are there already.
    pub fn join(
        settings: Settings,
        clock: Arc<dyn Clock>,
        store: Store,
        district: District,
        transport: Arc<dyn Transport>,
        notifiers: Notifiers,
    ) -> Result<Self, Fault> {
        let keys =
            Arc::new(KeyFile::open(&settings.store, Arc::clone(&clock)).map_err(|error| {
                Fault::whole(
                    &KeyFile::path_of(&settings.store),
                    words::keys_closed(error),
                    words::KEYS_FIX,
                )
            })?);
        let telegram = telegram::open(&settings, &clock, Arc::new(StoredRooms(store.clone())));
        if let Some(trouble) = telegram.trouble() {
            tracing::warn!("{trouble}");
        }
        let keys_open: Arc<dyn MonthKeys> = Arc::clone(&keys) as Arc<dyn MonthKeys>;
        let door = door_of(&district, keys_open);
        let ports = ports(&clock, &store, &transport, door);
        let max_webhook = max_webhook(&settings, &*clock)?;
        let reading = read_with(&settings, ports, telegram.account(), max_webhook.clone())?;
        Ok(Self {
            settings,
            clock,
            store,
            keys,
            transport,
            notifiers,
            district: ArcSwap::from_pointee(district),
            reading: ArcSwap::from_pointee(reading),
            telegram,
            max_webhook,
            watch: Watch::default(),
            scratches: Mutex::default(),
        })
    }

    /// Ports for a call that belongs to no source.
    #[must_use]
    pub fn ports(&self) -> Ports {
        let door = self.reading.load().door.clone();
        ports(&self.clock, &self.store, &self.transport, door)
    }

    /// Puts new rules in force, with new collectors if the sources changed.
    pub fn replace(&self, district: District) -> Result<(), Fault> {
        let before = self.district.load();
        if before.sources != district.sources || before.services != district.services {
            let keys: Arc<dyn MonthKeys> = Arc::clone(&self.keys) as Arc<dyn MonthKeys>;
            let door = door_of(&district, keys);
            let ports = ports(&self.clock, &self.store, &self.transport, door);
            let (account, webhook) = (self.telegram.account(), self.max_webhook.clone());
            let reading = read_with(&self.settings, ports, account, webhook)?;
            self.reading.store(Arc::new(reading));
        }
        self.district.store(Arc::new(district));
        Ok(())
    }
}

/// The door of a district: its pages stay readable in texts, its bodies' accounts are official.
fn door_of(district: &District, keys: Arc<dyn MonthKeys>) -> Door {
    Door::new(keys, handles(&district.sources)).with_services(district.services.clone())
}

fn ports(
    clock: &Arc<dyn Clock>,
    store: &Store,
    transport: &Arc<dyn Transport>,
    door: Door,
) -> Ports {
    Ports {
        clock: Arc::clone(clock),
        budget: Arc::new(StoredBudget::new(store.clone(), Arc::clone(clock))),
        transport: Arc::clone(transport),
        door,
    }
}

fn read_with(
    settings: &Settings,
    ports: Ports,
    account: Option<Arc<Account>>,
    max_webhook: Option<Arc<Webhook>>,
) -> Result<Reading, Fault> {
    let platforms = registry::Settings {
        vk: vk_settings(settings)?,
        ok: ok_settings(settings)?,
        max: max_settings(settings)?,
        max_webhook,
        telegram: telegram_settings(settings),
        account,
    };
    let collectors = registry::build(platforms, &ports);
    Ok(Reading { door: ports.door, collectors })
}

/// The real network, as configured.
pub fn transport(settings: &Settings) -> Result<Arc<dyn Transport>, Fault> {
    let http = Http::new(HttpSettings {
        proxy: settings.network.proxy.clone(),
        ca_file: settings.network.ca_file.clone(),
        allow: settings.network.allow.clone(),
        ..HttpSettings::default()
    });
    match http {
        Ok(http) => Ok(Arc::new(http)),
        Err(error) => Err(Fault::whole(&settings.file, words::no_network(error), "")),
    }
}

/// How VK is read, its token included; `None` if it is not configured.
pub fn vk_settings(settings: &Settings) -> Result<Option<VkSettings>, Fault> {
    let Some(vk) = &settings.platforms.vk else { return Ok(None) };
    let token = vk.token.read().map_err(|error| unread(settings, error))?;
    // A community whose key cannot be read is read like any other.
    let own = vk.communities.iter().map(|(group, token)| OwnCommunity {
        group: *group,
        token: token.read().map(|token| token.expose().to_owned()).map_err(|error| error.text),
    });
    let communities = own.collect();
    Ok(Some(VkSettings {
        api_url: vk.api_url.clone(),
        token: token.expose().to_owned(),
        version: vk.version.clone(),
        token_kind: match vk.token_kind {
            TokenKind::Service => otklik_collectors::vk::TokenKind::Service,
            TokenKind::User => otklik_collectors::vk::TokenKind::User,
        },
        communities,
    }))
}

/// How OK is read, its keys included; `None` if it is not configured.
pub fn ok_settings(settings: &Settings) -> Result<Option<OkSettings>, Fault> {
    let Some(ok) = &settings.platforms.ok else { return Ok(None) };
    let read = |secret: &Secret| match secret.read() {
        Ok(text) => Ok(text.expose().to_owned()),
        Err(error) => Err(unread(settings, error)),
    };
    Ok(Some(OkSettings {
        api_url: ok.api_url.clone(),
        application_key: read(&ok.application_key)?,
        access_token: read(&ok.access_token)?,
        session_secret: read(&ok.session_secret)?,
    }))
}

/// How MAX is read, the bot's token included; `None` if it is not configured.
pub fn max_settings(settings: &Settings) -> Result<Option<MaxSettings>, Fault> {
    let Some(max) = &settings.platforms.max else { return Ok(None) };
    let token = max.token.read().map_err(|error| unread(settings, error))?;
    Ok(Some(MaxSettings { api_url: max.api_url.clone(), token: token.expose().to_owned() }))
}

/// Our side of a subscription of MAX, if an address for it is configured.
pub fn max_webhook(settings: &Settings, clock: &dyn Clock) -> Result<Option<Arc<Webhook>>, Fault> {
    let configured = settings.platforms.max.as_ref().and_then(|max| max.webhook.as_ref());
    let (Some(hook), Some(max)) = (configured, max_settings(settings)?) else { return Ok(None) };
    Ok(Some(Arc::new(Webhook::new(&max, hook.url.clone(), clock.now()))))
}

/// How Telegram is read.
#[must_use]
pub fn telegram_settings(settings: &Settings) -> TelegramSettings {
    TelegramSettings { preview_url: settings.platforms.telegram.preview_url.clone() }
}

/// A secret that cannot be read, as a fault of the configuration.
fn unread(settings: &Settings, error: SecretError) -> Fault {
    Fault::whole(&settings.file, format!("{}: {}", error.key, error.text), error.fix)
}

/// More root certificates, if configured.
fn ca_pem(settings: &Settings) -> Result<Option<Vec<u8>>, Fault> {
    let Some(file) = &settings.network.ca_file else { return Ok(None) };
    let bytes = std::fs::read(file)
        .map_err(|error| Fault::whole(file, words::no_certificates(error), ""))?;
    Ok(Some(bytes))
}

/// All channels that are configured, heard where they can be.
pub fn notifiers(settings: &Settings) -> Result<Notifiers, Fault> {
    let mut notifiers = Notifiers::default();
    for channel in [Channel::Email, Channel::Vk, Channel::Webhook] {
        if let Some(notifier) = notifier(settings, channel)? {
            notifiers = notifiers.with(channel, notifier);
        }
    }
    if let Some(bot) = bot(settings, settings.telegram_bot.as_ref(), Telegram::new)? {
        let bot = Arc::new(bot);
        notifiers = notifiers.with(Channel::Telegram, bot.clone()).hearing(Channel::Telegram, bot);
    }
    if let Some(bot) = bot(settings, settings.max_bot.as_ref(), notify::Max::new)? {
        notifiers = if reads_too(settings)? {
            let notifiers = notifiers.deafened(Channel::Max, words::ONE_QUEUE);
            notifiers.with(Channel::Max, Arc::new(bot.deaf()))
        } else {
            let bot = Arc::new(bot);
            notifiers.with(Channel::Max, bot.clone()).hearing(Channel::Max, bot)
        };
    }
    Ok(notifiers)
}

/// Whether the bot that sends over MAX is the one that reads it. Updates of a bot are one queue:
/// who takes them first, takes them from the other.
fn reads_too(settings: &Settings) -> Result<bool, Fault> {
    let (Some(bot), Some(max)) = (&settings.max_bot, max_settings(settings)?) else {
        return Ok(false);
    };
    let token = bot.token.read().map_err(|error| unread(settings, error))?;
    Ok(token.expose() == max.token)
}

/// A notifier as one of many.
fn shared<T: Notifier + 'static>(notifier: Option<T>) -> Option<Arc<dyn Notifier>> {
    notifier.map(|notifier| Arc::new(notifier) as Arc<dyn Notifier>)
}

/// One channel; `None` if it is not configured.
pub fn notifier(settings: &Settings, channel: Channel) -> Result<Option<Arc<dyn Notifier>>, Fault> {
    match channel {
        Channel::Email => email(settings),
        Channel::Telegram => {
            Ok(shared(bot(settings, settings.telegram_bot.as_ref(), Telegram::new)?))
        }
        Channel::Max => Ok(shared(bot(settings, settings.max_bot.as_ref(), notify::Max::new)?)),
        Channel::Vk => Ok(shared(bot(settings, settings.vk_bot.as_ref(), notify::Vk::new)?)),
        Channel::Webhook => webhook(settings),
    }
}

fn email(settings: &Settings) -> Result<Option<Arc<dyn Notifier>>, Fault> {
    let Some(smtp) = &settings.smtp else { return Ok(None) };
    let password = smtp.password.as_ref().map(Secret::read).transpose();
    let password = password.map_err(|error| unread(settings, error))?;
    let email = Email::new(&EmailSettings {
        url: &smtp.url,
        from: &smtp.from,
        password: password.as_ref().map(SecretText::expose),
        ca_pem: ca_pem(settings)?.as_deref(),
    })
    .map_err(|text| Fault::whole(&settings.file, text, ""))?;
    Ok(Some(Arc::new(email)))
}

fn bot<T>(
    settings: &Settings,
    configured: Option<&Bot>,
    make: impl FnOnce(&BotSettings<'_>) -> Result<T, String>,
) -> Result<Option<T>, Fault> {
    let Some(configured) = configured else { return Ok(None) };
    let token = configured.token.read().map_err(|error| unread(settings, error))?;
    let notifier = make(&BotSettings {
        api_url: &configured.api_url,
        token: token.expose(),
        way: Way { proxy: settings.network.proxy.as_deref(), ca_pem: ca_pem(settings)?.as_deref() },
    });
    notifier.map(Some).map_err(|text| Fault::whole(&settings.file, text, ""))
}

fn webhook(settings: &Settings) -> Result<Option<Arc<dyn Notifier>>, Fault> {
    let Some(hook) = &settings.webhook else { return Ok(None) };
    let secret = hook.secret.as_ref().map(Secret::read).transpose();
    let secret = secret.map_err(|error| unread(settings, error))?;
    let webhook = notify::Webhook::new(&WebhookSettings {
        body: hook.body.clone(),
        secret: secret.as_ref().map(SecretText::expose),
        way: Way { proxy: settings.network.proxy.as_deref(), ca_pem: ca_pem(settings)?.as_deref() },
    });
    Ok(Some(Arc::new(webhook.map_err(|text| Fault::whole(&settings.file, text, ""))?)))
}

/// Names and addresses of configured sources as the door compares them.
#[must_use]
pub fn handles(sources: &[Source]) -> Vec<String> {
    let mut handles = Vec::new();
    for source in sources {
        let name = source.handle.trim_start_matches('@').to_lowercase();
        let bare = name.trim_start_matches("https://").trim_start_matches("http://").to_owned();
        match source.platform.as_str() {
            "vk" => handles.push(format!("vk.com/{bare}")),
            "telegram" => handles.push(format!("t.me/{bare}")),
            "ok" if bare.bytes().all(|byte| byte.is_ascii_digit()) => {
                handles.push(format!("ok.ru/group/{bare}"));
            }
            "ok" => handles.push(format!("ok.ru/{bare}")),
            "max" => handles.push(format!("max.ru/{bare}")),
            _ => {}
        }
        handles.push(bare);
    }
    handles
}
