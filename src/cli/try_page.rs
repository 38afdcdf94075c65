//! `otklik try`: reads one page of a source and shows how it would be assessed.
//!
//! Place in the flow: before anything is configured, and before a source is added. Invariants:
//! nothing is stored and no limit of a platform is broken; attitude is not shown; of a leader's
//! page only that it can be read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use otklik_collectors::vk::VkSettings;
use otklik_collectors::{Page, registry};
use serde::Serialize;

use crate::classify::Scratch;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Need, Secret, SecretFrom, Settings, handle, sources};
use crate::model::{
    Language, PlaceFinding, PostKind, Risk, RiskLevel, Source, SourceId, SourceKind, SourceScope,
};
use crate::pipeline::assess::{Batch, assess};
use crate::pipeline::collect::spec_of;
use crate::pipeline::district::District;
use crate::pipeline::services::{self, Reading, vk_settings};
use crate::pipeline::telegram::{self, Entry, PassingRooms};

use super::assessed::TopicLine;
use super::{Exit, Failure, Globals, Result, open, say, table};

/// Characters of a text that are shown.
const TEXT_CHARS: usize = 80;
/// How far back posts of a quiet page are of interest.
const HORIZON_DAYS: i64 = 365;
/// Where a token for a try may be.
const TOKEN_VARIABLE: &str = "OTKLIK_VK_TOKEN";

/// Arguments of `try`.
#[derive(Debug, Args)]
pub struct TryArgs {
    /// Источник из sources.toml или адрес страницы: VK, ОК, Telegram, MAX, лента RSS
    #[arg(value_name = "ИСТОЧНИК", allow_hyphen_values = true)]
    page: String,
    /// Сколько записей показать (без ключа: 20)
    #[arg(long, value_name = "N", default_value_t = 20, hide_default_value = true)]
    count: usize,
    /// Ответ одной строкой JSON
    #[arg(long)]
    json: bool,
    /// Файл с ключом VK для пробы (или переменная окружения OTKLIK_VK_TOKEN)
    #[arg(long, value_name = "ФАЙЛ")]
    token_file: Option<PathBuf>,
    /// Это страница лидера мнений (от 10 000 подписчиков)
    #[arg(long)]
    leader: bool,
}

/// Runs the command.
pub fn run(args: TryArgs, globals: &Globals) -> Result<Exit> {
    let settings = globals.settings_or_shipped(Need::Collect)?;
    let (listed, _) = config::examine_sources(&settings.sources_file(), None);
    let source = find(&args, &listed)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let entry = match source.platform.as_str() {
        "telegram" => telegram::open(&settings, &clock, Arc::new(PassingRooms::default())),
        _ => Entry::Off,
    };
    // Only what this page needs: the keys of other platforms may be out of reach for whoever tries.
    let of = |platform: &str| source.platform == platform;
    let platforms = registry::Settings {
        vk: if of("vk") { Some(token(&args, &settings)?) } else { None },
        ok: if of("ok") { Some(wanted("ok", services::ok_settings(&settings)?)?) } else { None },
        max: if of("max") {
            Some(wanted("max", services::max_settings(&settings)?)?)
        } else {
            None
        },
        max_webhook: None,
        telegram: services::telegram_settings(&settings),
        account: entry.account(),
    };
    let district = District::load_rules(&settings, false)?;
    let mut known = listed;
    if !known.iter().any(|known| known.id == source.id) {
        known.push(source.clone());
    }
    let reading = Reading::passing(&settings, &known, platforms, Arc::clone(&clock))?;
    let horizon = clock.now().saturating_sub(SignedDuration::from_hours(24 * HORIZON_DAYS));
    let horizon = horizon.unwrap_or(Timestamp::UNIX_EPOCH);
    let page = open::wait(async {
        let spec = spec_of(&source, None);
        let collector = reading.collector(spec.platform).map_err(refused)?;
        collector.page(&spec, None, horizon).await.map_err(refused)
    })?;
    let tried = Tried::new(page, &source, &district, &reading, clock.now());
    if args.json {
        say!("{}", serde_json::to_string(&tried.cut(args.count)).map_err(io::Error::from)?)?;
    } else {
        print(&tried, args.count, &district)?;
    }
    Ok(Exit::Done)
}

/// Keys that must be configured for a try.
fn wanted<T>(platform: &str, keys: Option<T>) -> Result<T> {
    keys.ok_or_else(|| Failure {
        exit: Exit::BadConfig,
        text: format!(
            "для этой страницы нужны ключи: заполните [platforms.{platform}] в otklik.toml"
        ),
    })
}

fn refused(error: otklik_collectors::CollectError) -> Failure {
    Failure::failed(error.text)
}

/// The source that is meant: by its id, by the page it reads, or a page nobody configured.
fn find(args: &TryArgs, listed: &[Source]) -> Result<Source> {
    if let Some(source) = listed.iter().find(|source| source.id.as_str() == args.page) {
        return Ok(source.clone());
    }
    let usage =
        |wrong: config::check::Wrong| Failure::usage(format!("{} → {}", wrong.text, wrong.fix));
    let found = handle::recognise(&args.page).map_err(|wrong| {
        let ids: Vec<&str> = listed.iter().take(10).map(|source| source.id.as_str()).collect();
        let fix = match ids.is_empty() {
            true => wrong.fix,
            false => format!("{}; или источник: {}", wrong.fix, ids.join(", ")),
        };
        Failure::usage(format!("«{}»: {} → {fix}", args.page, wrong.text))
    })?;
    let platform = sources::platform(found.platform).map_err(usage)?;
    let kind = if args.leader { SourceKind::Leader } else { SourceKind::Community };
    let handle = handle::check(&platform, &found.handle, kind).map_err(usage)?;
    let page = handle::folded(&platform, &handle);
    let same = listed.iter().find(|source| {
        source.platform == platform && handle::folded(&source.platform, &source.handle) == page
    });
    Ok(same.cloned().unwrap_or(Source {
        id: SourceId("try".to_owned()),
        platform,
        handle,
        kind,
        scope: SourceScope::District,
        place: None,
        every_secs: 900,
        comments: false,
        backfill_secs: 0,
    }))
}

/// How VK is read in a try: the token given for it, else the configured one.
fn token(args: &TryArgs, settings: &Settings) -> Result<VkSettings> {
    let given = match (&args.token_file, std::env::var_os(TOKEN_VARIABLE)) {
        (Some(file), _) => Some(SecretFrom::File(std::path::absolute(file)?)),
        (None, Some(_)) => Some(SecretFrom::Env(TOKEN_VARIABLE.to_owned())),
        (None, None) => None,
    };
    let Some(given) = given else {
        return vk_settings(settings)?.ok_or_else(|| Failure {
            exit: Exit::BadConfig,
            text: format!(
                "VK читается только с ключом, а его нет. Для пробы дайте ключ одним из способов:\n  \
                 otklik try … --token-file ФАЙЛ   (одна строка, права 0600)\n  \
                 {TOKEN_VARIABLE}=… otklik try …\n\
                 Сервисный ключ выдаётся в настройках приложения VK; для службы впишите его \
                 в [platforms.vk] файла otklik.toml"
            ),
        });
    };
    let secret = Secret::new("ключ VK", given, Path::new("."));
    let token = secret.read()?.expose().to_owned();
    let mut vk = VkSettings::new(token);
    // Whose token it is is not known: the slower of the two is kept.
    vk.token_kind = otklik_collectors::vk::TokenKind::User;
    if let Some(configured) = &settings.platforms.vk {
        vk.api_url.clone_from(&configured.api_url);
        vk.version.clone_from(&configured.version);
    }
    Ok(vk)
}

/// One post as it would be assessed.
#[derive(Debug, Clone, Serialize)]
struct TriedPost {
    id: String,
    published: Timestamp,
    kind: &'static str,
    official: bool,
    text: String,
    language: Language,
    topics: Vec<TopicLine>,
    places: Vec<PlaceFinding>,
    risk: Risk,
    masked: u32,
}

/// What one page held.
#[derive(Debug, Clone, Serialize)]
struct Tried {
    source: String,
    platform: String,
    handle: String,
    /// Posts on the page.
    read: usize,
    /// Of them with a topic.
    with_topic: usize,
    /// Of them at high or above.
    high: usize,
    /// Left out: a regional source's posts without one of our places.
    left_out: usize,
    pictures_only: u32,
    comments_closed: u32,
    unreadable: u32,
    /// Newest first; none of a leader's page.
    posts: Vec<TriedPost>,
    #[serde(skip)]
    leader: bool,
}

impl Tried {
    fn new(
        page: Page,
        source: &Source,
        district: &District,
        reading: &Reading,
        now: Timestamp,
    ) -> Self {
        let (read, facts) = (page.posts.len(), page.facts);
        let mut batch = Batch {
            district,
            door: &reading.door,
            source,
            parents: Default::default(),
            given: Default::default(),
            stored: Default::default(),
            now,
        };
        let assessed = assess(&mut batch, page.posts, &mut Scratch::default());
        let mut posts: Vec<TriedPost> = assessed
            .posts
            .into_iter()
            .map(|commit| {
                let (post, found) = (commit.post, commit.assessment);
                TriedPost {
                    id: post.key.id.0,
                    published: post.published,
                    kind: match post.kind {
                        PostKind::Post => "post",
                        PostKind::Comment => "comment",
                    },
                    official: post.official,
                    text: post.text,
                    language: found.language,
                    topics: found.findings.into_iter().map(TopicLine::from).collect(),
                    places: found.places,
                    risk: found.risk,
                    masked: post.masked,
                }
            })
            .collect();
        posts.sort_by(|a, b| b.published.cmp(&a.published).then_with(|| b.id.cmp(&a.id)));
        let leader = source.kind == SourceKind::Leader;
        let tried = Self {
            source: source.id.0.clone(),
            platform: source.platform.clone(),
            handle: source.handle.clone(),
            read,
            with_topic: posts.iter().filter(|post| !post.topics.is_empty()).count(),
            high: posts.iter().filter(|post| post.risk.level >= RiskLevel::High).count(),
            left_out: read - posts.len(),
            pictures_only: facts.pictures_only,
            comments_closed: facts.comments_closed,
            unreadable: facts.unreadable,
            posts,
            leader,
        };
        match leader {
            true => Self { with_topic: 0, high: 0, left_out: 0, posts: Vec::new(), ..tried },
            false => tried,
        }
    }

    /// The same with at most `count` posts.
    fn cut(&self, count: usize) -> Self {
        let mut cut = self.clone();
        cut.posts.truncate(count);
        cut
    }
}

fn print(tried: &Tried, count: usize, district: &District) -> Result<()> {
    say!("{} {}: записей на странице {}", tried.platform, tried.handle, tried.read)?;
    if tried.leader {
        say!("Это страница лидера мнений: она читается, отдельно по ней ничего не показывается.")?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> =
        tried.posts.iter().take(count).map(|post| row(post, district)).collect();
    for line in table::aligned(&rows) {
        say!("{line}")?;
    }
    let mut counts = vec![
        format!("показано {}", rows.len()),
        format!("с темой {}", tried.with_topic),
        format!("high и выше {}", tried.high),
    ];
    for (number, what) in [
        (tried.left_out, "не о наших местах"),
        (tried.pictures_only as usize, "только картинки"),
        (tried.comments_closed as usize, "без комментариев"),
        (tried.unreadable as usize, "не разобрано"),
    ] {
        if number > 0 {
            counts.push(format!("{what} {number}"));
        }
    }
    say!("Всего {}: {}. Ничего не сохранено.", tried.read, counts.join(", "))?;
    Ok(())
}

fn row(post: &TriedPost, district: &District) -> Vec<String> {
    let time = post.published.to_zoned(district.zone.clone());
    let topics: Vec<&str> =
        post.topics.iter().map(|topic| district.topic_title(&topic.topic)).collect();
    let mut places: Vec<&str> = post.places.iter().map(|place| place.title.as_str()).collect();
    places.retain(|title| !title.is_empty());
    places.dedup();
    let or_dash = |text: String| if text.is_empty() { "—".to_owned() } else { text };
    vec![
        time.strftime("%d.%m.%Y %H:%M").to_string(),
        format!("{} {}", post.risk.level.name(), post.risk.score),
        or_dash(topics.join(", ")),
        or_dash(places.join(", ")),
        table::start(&post.text, TEXT_CHARS),
    ]
}
