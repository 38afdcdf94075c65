//! Settings: defaults, paths, and what each command needs.

use std::path::{Path, PathBuf};

use otklik::config::{self, Fault, LogLevel, SecretFrom, Settings, TokenKind};

const DISTRICT: &str = "[district]\nname = \"Район\"\ntimezone = \"Asia/Irkutsk\"\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("temp dir"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes `district/otklik.toml` and returns its path.
    fn config(&self, rest: &str) -> PathBuf {
        let dir = self.path("district");
        std::fs::create_dir_all(&dir).expect("folder");
        let file = dir.join("otklik.toml");
        std::fs::write(&file, format!("{DISTRICT}{rest}")).expect("write");
        file
    }

    fn load(&self, rest: &str) -> Settings {
        config::load_all(&self.config(rest)).expect("sound settings")
    }
}

#[test]
fn defaults_hold_without_a_key() {
    let folder = Folder::new();
    let settings = folder.load("");
    assert_eq!(settings.district.id.as_str(), "district");
    assert_eq!(settings.district.zone_name, "Asia/Irkutsk");
    assert_eq!(settings.store, folder.path("district/otklik.db"));
    assert!(settings.platforms.vk.is_none() && settings.smtp.is_none());
    assert!(settings.telegram_bot.is_none() && settings.network.allow.is_empty());
    assert_eq!(settings.platforms.telegram.preview_url, "https://t.me");
    assert_eq!(settings.schedule.digest, "0 0 9 * * Mon");
    assert_eq!(settings.schedule.rescan_secs, 7 * 86_400);
    assert_eq!(settings.retention.matched_days, 365);
    assert_eq!(settings.log, LogLevel::Info);
}

#[test]
fn defaults_of_a_platform_hold_in_its_section() {
    let settings = Folder::new().load(
        "[platforms.vk]\ntoken = { env = \"VK\" }\n[telegram_bot]\ntoken = { env = \"BOT\" }\n",
    );
    let vk = settings.platforms.vk.expect("a section");
    assert_eq!(vk.api_url, "https://api.vk.ru/method");
    assert_eq!((vk.version.as_str(), vk.token_kind), ("5.199", TokenKind::Service));
    assert_eq!(settings.telegram_bot.expect("a section").api_url, "https://api.telegram.org");
}

#[test]
fn own_communities_have_their_tokens() {
    let text = "[platforms.vk]\ntoken = { env = \"VK\" }\n\
                communities = { 200001 = { file = \"own.txt\" }, club200002 = { env = \"OWN\" } }\n";
    let settings = Folder::new().load(text);
    let vk = settings.platforms.vk.as_ref().expect("a section");
    let groups: Vec<i64> = vk.communities.iter().map(|(group, _)| *group).collect();
    assert_eq!(groups, [200_001, 200_002]);
    let (_, token) = &vk.communities[0];
    assert!(settings.secrets().contains(&token), "its token is a secret like the others");
}

/// The same community in two spellings: the first counts, and that is said.
#[test]
fn a_community_named_twice_is_a_warning() {
    let text = "[platforms.vk]\ntoken = { env = \"VK\" }\n\
                communities = { 200001 = { env = \"A\" }, club200001 = { env = \"B\" } }\n";
    let folder = Folder::new();
    let settings = folder.load(text);
    let vk = settings.platforms.vk.as_ref().expect("a section");
    assert_eq!(vk.communities.len(), 1);
    assert_eq!(vk.communities[0].1.from(), &SecretFrom::Env("A".to_owned()));
}

#[test]
fn paths_are_relative_to_the_file() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("packs")).expect("folder");
    std::fs::create_dir_all(folder.path("district")).expect("folder");
    std::fs::write(folder.path("district/ca.pem"), "").expect("write");
    let settings = folder.load(
        "[store]\npath = \"../var/otklik.db\"\n[keywords]\npath = \"../packs\"\n\
         [network]\nca_file = \"ca.pem\"\n[platforms.vk]\ntoken = { file = \"vk\" }\n\
         [platforms.telegram]\nsession = \"/var/lib/x\"\n",
    );
    assert_eq!(settings.store, folder.path("var/otklik.db"));
    assert_eq!(settings.keywords, folder.path("packs"));
    assert_eq!(settings.network.ca_file, Some(folder.path("district/ca.pem")));
    assert_eq!(settings.platforms.telegram.session.as_deref(), Some(Path::new("/var/lib/x")));
    assert_eq!(settings.sources_file(), folder.path("district/sources.toml"));
    let vk = settings.platforms.vk.expect("a section");
    assert_eq!(vk.token.from(), &SecretFrom::File(folder.path("district/vk")));
}

#[test]
fn keywords_are_found_inside_then_beside_the_folder() {
    let folder = Folder::new();
    assert_eq!(folder.load("").keywords, folder.path("keywords"));
    std::fs::create_dir_all(folder.path("district/keywords")).expect("folder");
    assert_eq!(folder.load("").keywords, folder.path("district/keywords"));
}

#[test]
fn an_installed_configuration_keeps_its_store_in_var() {
    let settings = config::builtin(Path::new("/etc/otklik/otklik.toml"));
    assert_eq!(settings.store, Path::new("/var/lib/otklik/otklik.db"));
}

#[test]
fn a_typed_path_that_leads_nowhere_is_a_fault() {
    let folder = Folder::new();
    let file = folder.config("[keywords]\npath = \"packs\"\n");
    let faults = config::load_for_classify(&file).expect_err("no folder");
    assert_eq!((faults[0].line, faults[0].column), (5, 8));
    assert!(faults[0].text.starts_with("папки словарей нет"), "{}", faults[0]);
}

/// Which loaders refuse a file with this fault: district, classify, store, all.
fn refused(rest: &str) -> [bool; 4] {
    let file_of = Folder::new();
    let file = file_of.config(rest);
    let bad = |outcome: Result<(), Vec<Fault>>| outcome.is_err();
    [
        bad(config::load_district(&file).map(drop)),
        bad(config::load_for_classify(&file).map(drop)),
        bad(config::load_for_store(&file).map(drop)),
        bad(config::load_all(&file).map(drop)),
    ]
}

#[test]
fn a_command_reads_only_what_it_needs() {
    assert_eq!(refused(""), [false; 4]);
    assert_eq!(refused("[smtp]\nurl = 5\n"), [false, false, false, true]);
    assert_eq!(refused("[platforms.vk]\ntoken = \"x\"\n"), [false, false, false, true]);
    assert_eq!(refused("[retention]\nmatched_days = 0\n"), [false, false, true, true]);
    assert_eq!(refused("[keywords]\npath = \"\"\n"), [false, true, true, true]);
    assert_eq!(refused("[distrikt]\n"), [true; 4]);
    assert_eq!(refused("[smtp\n"), [true; 4], "what is no TOML stops everything");
}

#[test]
fn secrets_are_not_read_before_they_are_needed_and_never_shown() {
    let folder = Folder::new();
    let settings = folder.load(
        "[platforms.vk]\ntoken = { file = \"vk\" }\n[smtp]\nurl = \"smtp://127.0.0.1:2525\"\n\
         from = \"a@b.ru\"\npassword = { file = \"smtp\" }\n",
    );
    let keys: Vec<&str> = settings.secrets().iter().map(|secret| secret.key()).collect();
    assert_eq!(keys, ["platforms.vk.token", "smtp.password"]);
    assert!(settings.secrets()[0].read().is_err(), "nothing there yet");
    std::fs::write(folder.path("district/vk"), "canary-51c\n").expect("write");
    assert_eq!(settings.secrets()[0].read().expect("there now").expose(), "canary-51c");
    assert!(!format!("{settings:?}").contains("canary"));
}
