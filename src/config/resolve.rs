//! From what was typed to what is true.
//!
//! Place in the flow: between `file.rs` and `settings.rs`. Invariant: always returns settings, as
//! sound as the file allows, together with every fault and the section it belongs to; the caller
//! decides which faults stop it.

use std::path::{Component, Path, PathBuf};

use jiff::tz::TimeZone;
use toml::Spanned;

use crate::model::DistrictId;

use super::check::{self, Checked};
use super::fault::Fault;
use super::file::File;
use super::hook::{BodyForm, HookBody};
use super::read::Reader;
use super::secret::{Secret, SecretFrom};
use super::settings::{
    Bot, District, LogLevel, Max, MaxWebhook, Network, OkApi, Platforms, Retention, Schedule,
    Settings, Smtp, Telegram, TokenKind, Vk, Webhook,
};

/// Folder of an installed configuration.
const INSTALLED_DIR: &str = "/etc/otklik";

/// Store of an installed otklik.
const INSTALLED_STORE: &str = "/var/lib/otklik/otklik.db";

/// Settings of `source`, the text of `file`, and its faults with their sections.
pub fn resolve(file: &Path, source: &str) -> (Settings, Vec<(&'static str, Fault)>) {
    let mut reader = Reader::new(file, source);
    let typed = File::read(&mut reader);
    let dir = folder(file);
    let mut work = Work { reader, dir: &dir };
    let settings = Settings {
        file: file.to_path_buf(),
        district: work.district(&typed),
        store: work.store(&typed).unwrap_or_else(|| default_store(&dir)),
        keywords: work.keywords(&typed).unwrap_or_else(|| keywords(&dir)),
        network: work.network(&typed),
        platforms: Platforms {
            vk: work.vk(&typed),
            ok: work.ok(&typed),
            telegram: work.telegram(&typed),
            max: work.max(&typed),
        },
        smtp: work.smtp(&typed),
        telegram_bot: work.bot(
            "telegram_bot",
            typed.bot.at,
            typed.bot.api_url.as_ref(),
            typed.bot.token.as_ref(),
        ),
        max_bot: work.bot(
            "max_bot",
            typed.max_bot.at,
            typed.max_bot.api_url.as_ref(),
            typed.max_bot.token.as_ref(),
        ),
        vk_bot: work.bot(
            "vk_bot",
            typed.vk_bot.at,
            typed.vk_bot.api_url.as_ref(),
            typed.vk_bot.token.as_ref(),
        ),
        webhook: work.webhook(&typed),
        schedule: work.schedule(&typed),
        retention: work.retention(&typed),
        log: work.log(&typed),
        dir: dir.clone(),
    };
    (settings, work.reader.into_faults())
}

/// The folder of `file`, never empty.
fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if parent != Path::new("") => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Where the store is if nobody says.
fn default_store(dir: &Path) -> PathBuf {
    if dir == Path::new(INSTALLED_DIR) {
        return PathBuf::from(INSTALLED_STORE);
    }
    dir.join("otklik.db")
}

/// Where the packs are if nobody says: `<dir>/keywords` if it exists, else `<dir>/../keywords`.
fn keywords(dir: &Path) -> PathBuf {
    let inside = dir.join("keywords");
    if inside.is_dir() { inside } else { tidy(&dir.join("../keywords")) }
}

/// The path with `name/..` taken out where that is the same path for people.
fn tidy(path: &Path) -> PathBuf {
    let mut parts: Vec<Component<'_>> = Vec::new();
    for part in path.components() {
        match (part, parts.last()) {
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    if parts.is_empty() { PathBuf::from(".") } else { parts.iter().collect() }
}

/// The reader with the folder that paths are relative to.
struct Work<'a> {
    reader: Reader<'a>,
    dir: &'a Path,
}

impl Work<'_> {
    /// The value after its rule; a broken one is reported and left out.
    fn checked<T, U>(
        &mut self,
        value: Option<&Spanned<T>>,
        rule: impl FnOnce(&T) -> Checked<U>,
    ) -> Option<U> {
        let value = value?;
        match rule(value.get_ref()) {
            Ok(sound) => Some(sound),
            Err(wrong) => {
                self.reader.fault(value.span().start, wrong.text, wrong.fix);
                None
            }
        }
    }

    /// The same for texts.
    fn text<U>(
        &mut self,
        value: Option<&Spanned<String>>,
        rule: impl FnOnce(&str) -> Checked<U>,
    ) -> Option<U> {
        self.checked(value, |text| rule(text))
    }

    /// A path, taken from the folder of the file.
    fn path(&mut self, value: Option<&Spanned<String>>) -> Option<PathBuf> {
        let dir = self.dir;
        self.text(value, |text| match text {
            "" => check::wrong("пустой путь", "напишите путь или удалите строку"),
            text => Ok(tidy(&dir.join(text))),
        })
    }

    /// The same for a path that must lead to something.
    fn there(&mut self, value: Option<&Spanned<String>>, text: &str) -> Option<PathBuf> {
        let path = self.path(value)?;
        if !path.exists() {
            let at = value.map_or(0, |value| value.span().start);
            self.reader.fault(at, format!("{text}: {}", path.display()), "исправьте путь");
        }
        Some(path)
    }

    fn store(&mut self, typed: &File) -> Option<PathBuf> {
        self.reader.enter("store");
        self.path(typed.store.path.as_ref())
    }

    fn keywords(&mut self, typed: &File) -> Option<PathBuf> {
        self.reader.enter("keywords");
        self.there(typed.keywords.path.as_ref(), "папки словарей нет")
    }

    /// A secret of the section being read.
    fn secret(&self, key: &str, value: Option<&Spanned<SecretFrom>>) -> Option<Secret> {
        let from = value?.get_ref().clone();
        Some(Secret::new(format!("{}.{key}", self.reader.section_name()), from, self.dir))
    }

    fn district(&mut self, typed: &File) -> District {
        let section = &typed.district;
        self.reader.enter("district");
        if section.at.is_none() {
            let fix = "допишите: [district], name = \"…\", timezone = \"Asia/Irkutsk\"";
            self.reader.missing_whole("нет обязательного раздела [district]", fix);
        }
        let id = self.text(section.id.as_ref(), check::id).unwrap_or_else(|| "district".to_owned());
        let name = self.text(section.name.as_ref(), check::title).unwrap_or_default();
        let (timezone, zone_name) = self
            .text(section.timezone.as_ref(), check::zone)
            .unwrap_or_else(|| (TimeZone::UTC, "UTC".to_owned()));
        District { id: DistrictId(id), name, timezone, zone_name }
    }

    fn network(&mut self, typed: &File) -> Network {
        let section = &typed.network;
        self.reader.enter("network");
        let mut allow = Vec::new();
        for row in section.allow.iter().flat_map(|list| list.get_ref()) {
            allow.extend(self.text(Some(row), check::network));
        }
        Network {
            proxy: self.text(section.proxy.as_ref(), check::proxy),
            proxy_password: self.secret("proxy_password", section.proxy_password.as_ref()),
            ca_file: self.there(section.ca_file.as_ref(), "файла с сертификатами нет"),
            allow,
        }
    }

    fn vk(&mut self, typed: &File) -> Option<Vk> {
        let section = &typed.vk;
        section.at?;
        self.reader.enter("platforms.vk");
        let kinds = [("service", TokenKind::Service), ("user", TokenKind::User)];
        let api_url = self.text(section.api_url.as_ref(), check::base_url);
        let token_kind = self.text(section.token_kind.as_ref(), |text| check::word(text, &kinds));
        let version = self.text(section.version.as_ref(), check::api_version);
        let own = section.communities.iter().flat_map(|typed| &typed.get_ref().0);
        let communities = own.map(|(number, from)| {
            let key = format!("platforms.vk.communities.{number}");
            (*number, Secret::new(key, from.clone(), self.dir))
        });
        let communities = communities.collect();
        Some(Vk {
            api_url: api_url?,
            token: self.secret("token", section.token.as_ref())?,
            token_kind: token_kind?,
            version: version?,
            communities,
        })
    }

    fn ok(&mut self, typed: &File) -> Option<OkApi> {
        let section = &typed.ok;
        section.at?;
        self.reader.enter("platforms.ok");
        let public = section.application_key.as_ref().map(|key| {
            let from = key.get_ref().0.clone();
            Secret::new("platforms.ok.application_key", from, self.dir)
        });
        let api_url = self.text(section.api_url.as_ref(), check::base_url);
        let access_token = self.secret("access_token", section.access_token.as_ref());
        let session_secret = self.secret("session_secret", section.session_secret.as_ref());
        Some(OkApi {
            api_url: api_url?,
            application_key: public?,
            access_token: access_token?,
            session_secret: session_secret?,
        })
    }

    fn telegram(&mut self, typed: &File) -> Telegram {
        let section = &typed.telegram;
        self.reader.enter("platforms.telegram");
        let preview_url = self.text(section.preview_url.as_ref(), check::base_url);
        Telegram {
            preview_url: preview_url.unwrap_or_default(),
            api_id: self.checked(section.api_id.as_ref(), |number| check::api_id(*number)),
            api_hash: self.secret("api_hash", section.api_hash.as_ref()),
            session: self.path(section.session.as_ref()),
            dc_address: self.text(section.dc_address.as_ref(), check::host_port),
        }
    }

    fn max(&mut self, typed: &File) -> Option<Max> {
        let section = &typed.max;
        section.at?;
        self.reader.enter("platforms.max");
        let api_url = self.text(section.api_url.as_ref(), check::base_url);
        let url = self.text(section.webhook.as_ref(), check::webhook_url);
        let listen = self.text(section.listen.as_ref(), check::loopback);
        let webhook = url.zip(listen).map(|(url, listen)| MaxWebhook { url, listen });
        let token = self.secret("token", section.token.as_ref());
        Some(Max { api_url: api_url?, token: token?, webhook })
    }

    fn smtp(&mut self, typed: &File) -> Option<Smtp> {
        let section = &typed.smtp;
        section.at?;
        self.reader.enter("smtp");
        let url = self.text(section.url.as_ref(), check::smtp_url);
        let from = self.text(section.from.as_ref(), check::mailbox);
        let password = self.secret("password", section.password.as_ref());
        Some(Smtp { url: url?, from: from?, password })
    }

    /// One of the bots that send alerts.
    fn bot(
        &mut self,
        section: &'static str,
        at: Option<usize>,
        api_url: Option<&Spanned<String>>,
        token: Option<&Spanned<SecretFrom>>,
    ) -> Option<Bot> {
        at?;
        self.reader.enter(section);
        let api_url = self.text(api_url, check::base_url);
        Some(Bot { api_url: api_url?, token: self.secret("token", token)? })
    }

    fn webhook(&mut self, typed: &File) -> Option<Webhook> {
        let section = &typed.webhook;
        section.at?;
        self.reader.enter("webhook");
        let form = self.text(section.form.as_ref(), |text| check::word(text, &BodyForm::ALL))?;
        let body = self.text(section.body.as_ref(), |text| match HookBody::parse(text, form) {
            Ok(body) => Ok(body),
            Err(fault) => check::wrong(format!("тело webhook: {fault}"), ""),
        });
        let secret = self.secret("secret", section.secret.as_ref());
        Some(Webhook { body: body?, secret })
    }

    fn schedule(&mut self, typed: &File) -> Schedule {
        let section = &typed.schedule;
        self.reader.enter("schedule");
        let rescan =
            self.text(section.rescan.as_ref(), |text| check::duration(text, 3_600, 90 * 86_400));
        Schedule {
            digest: self.text(section.digest.as_ref(), check::cron).unwrap_or_default(),
            cleanup: self.text(section.cleanup.as_ref(), check::cron).unwrap_or_default(),
            rescan_secs: rescan.unwrap_or(7 * 86_400),
        }
    }

    fn retention(&mut self, typed: &File) -> Retention {
        let section = &typed.retention;
        self.reader.enter("retention");
        let mut days = |value: Option<&Spanned<i64>>| {
            self.checked(value, |number| check::days(*number)).unwrap_or(u32::MAX)
        };
        Retention {
            matched_days: days(section.matched_days.as_ref()),
            unmatched_days: days(section.unmatched_days.as_ref()),
            problems_days: days(section.problems_days.as_ref()),
            alerts_days: days(section.alerts_days.as_ref()),
            dead_letters_days: days(section.dead_letters_days.as_ref()),
        }
    }

    fn log(&mut self, typed: &File) -> LogLevel {
        self.reader.enter("log");
        let levels =
            [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace]
                .map(|level| (level.name(), level));
        self.text(typed.log.level.as_ref(), |text| check::word(text, &levels))
            .unwrap_or(LogLevel::Info)
    }
}
