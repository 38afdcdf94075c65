//! Lets the real daemon live through a story in seconds.
//!
//! Place in the flow: around everything: local platforms in front, local receivers behind, a
//! simulated clock in place of the wall's. The daemon is handed in, because it stands to the right
//! of this module. Invariant: nothing here decides, collects or sends anything; what comes out is
//! what the daemon did.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use tokio::sync::watch;

use super::Story;
use super::stage::Stage;
use crate::clock::{Clock, SimClock};
use crate::config::{self, Fault, shipped};
use crate::notify::play::{BotMessage, LocalBot, LocalSmtp, Mail};
use crate::pipeline::district::District;
use crate::pipeline::services::Services;
use crate::store::{Store, StoreError};

/// The daemon is switched on at this local time of the first Monday: behind the hour of the digest,
/// or the first thing it said would be a digest of a week that nobody told.
const BEGINS_MINUTES: i64 = 9 * 60 + 30;
/// It is switched off at this local time of the Monday after the last week: behind the last digest.
const ENDS_MINUTES: i64 = 9 * 60 + 30;

/// Keys that open nothing: the local servers ask for some.
const TOKENS: [(&str, &str); 2] =
    [("config/vk_token.txt", "vymyshlennyy-klyuch"), ("config/bot_token.txt", "1:vymyshlennyy")];

/// A simulated district, ready to be watched.
pub struct Drill {
    story: Story,
    clock: SimClock,
    stage: Stage,
    smtp: LocalSmtp,
    bot: LocalBot,
}

/// What the daemon left behind.
pub struct Ended {
    /// Its services: store and rules.
    pub services: Arc<Services>,
    /// Mails that arrived, in order.
    pub mails: Vec<Mail>,
    /// Messages and files that the bot was given, in order.
    pub chats: Vec<BotMessage>,
    /// When it was switched off.
    pub at: Timestamp,
}

/// Why a story could not be lived through.
#[derive(Debug)]
pub enum DrillError {
    /// A file or socket.
    Io(io::Error),
    /// The configuration, which was made here.
    Faults(Vec<Fault>),
    /// The store.
    Store(StoreError),
}

impl From<io::Error> for DrillError {
    fn from(error: io::Error) -> Self {
        DrillError::Io(error)
    }
}

impl From<Vec<Fault>> for DrillError {
    fn from(faults: Vec<Fault>) -> Self {
        DrillError::Faults(faults)
    }
}

impl From<StoreError> for DrillError {
    fn from(error: StoreError) -> Self {
        DrillError::Store(error)
    }
}

impl Drill {
    /// Opens the platforms and the receivers of a story.
    pub async fn prepare(story: Story) -> io::Result<Self> {
        let clock = SimClock::new(story.start + BEGINS_MINUTES.minutes());
        let stage = Stage::open(&story, Arc::new(clock.clone())).await?;
        let smtp = LocalSmtp::start().await?;
        let bot = LocalBot::start(TOKENS[1].1).await?;
        Ok(Self { story, clock, stage, smtp, bot })
    }

    /// The story.
    #[must_use]
    pub fn story(&self) -> &Story {
        &self.story
    }

    /// A whole configuration for it: path below the folder of the drill, and text.
    #[must_use]
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        let mut files = vec![
            (PathBuf::from("config/otklik.toml"), self.otklik_toml()),
            (PathBuf::from("config/sources.toml"), self.stage.sources_toml(&self.story)),
            (PathBuf::from("config/routes.toml"), ROUTES.to_owned()),
        ];
        for (name, token) in TOKENS {
            files.push((PathBuf::from(name), format!("{token}\n")));
        }
        for name in ["config/risk.toml", "config/places.toml"] {
            if let Some(text) = shipped::text(name) {
                files.push((PathBuf::from(name), text.to_owned()));
            }
        }
        let folder = Path::new("config/keywords");
        files.extend(shipped::keywords().map(|(name, text)| (folder.join(name), text.to_owned())));
        files
    }

    fn otklik_toml(&self) -> String {
        format!(
            "# Настройка вымышленного района. Адреса ниже жили только во время показа.\n\
             [district]\nname = \"Заиграевский район\"\ntimezone = \"Asia/Irkutsk\"\n\n\
             [store]\npath = \"../otklik.db\"\n\n\
             [network]\nallow = [\"127.0.0.1\"]\n\n\
             [platforms.vk]\napi_url = \"{vk}\"\ntoken = {{ file = \"vk_token.txt\" }}\n\n\
             [platforms.telegram]\npreview_url = \"{telegram}\"\n\n\
             [smtp]\nurl = \"{smtp}\"\nfrom = \"Отклик <otklik@example.org>\"\n\n\
             [telegram_bot]\napi_url = \"{bot}\"\ntoken = {{ file = \"bot_token.txt\" }}\n",
            vk = self.stage.vk_url(),
            telegram = self.stage.telegram_url(),
            smtp = self.smtp.url(),
            bot = self.bot.url(),
        )
    }

    /// Switches the daemon on in `folder`, where [`Drill::files`] were written, and off when the
    /// story has been told. `daemon` runs until its watch turns true, and marks its work before it
    /// first waits. `day` hears of each day that has passed.
    pub async fn run(
        &self,
        folder: &Path,
        daemon: impl AsyncFnOnce(Arc<Services>, watch::Receiver<bool>) -> Result<(), StoreError>,
        day: impl Fn(i64),
    ) -> Result<Ended, DrillError> {
        let settings = config::load_all(&folder.join("config/otklik.toml"))?;
        let district = District::load(&settings, false)?;
        let store = Store::open_play(&settings.store, settings.district.id.clone())?;
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        let services = Services::connect(settings, clock, store, district);
        let services = Arc::new(services.map_err(|fault| vec![fault])?);
        let (stop, stopped) = watch::channel(false);
        let until = self.story.end + ENDS_MINUTES.minutes();
        let busy = self.clock.busy();
        let watch = async {
            let mut passed = 0;
            while self.clock.now() < until {
                passed += 1;
                let next = (self.story.start + (passed * 24).hours()).min(until);
                self.clock.sleep_until(next).await;
                day(passed);
            }
            stop.send_replace(true);
            drop(busy);
        };
        // The daemon first: were the watch alone at work, time would run to its end at once.
        let (ended, ()) = tokio::join!(daemon(Arc::clone(&services), stopped), watch);
        ended?;
        Ok(Ended { services, mails: self.smtp.mails(), chats: self.bot.messages(), at: until })
    }
}

/// Who is told in the simulated district. All made up.
const ROUTES: &str = "\
# Кому и когда сообщать в вымышленном районе.

[alert]
level = \"high\"
voices = 3

[departments]
jkh = [\"Отдел ЖКХ\"]
energy = [\"Отдел ЖКХ\"]
roads = [\"Отдел дорог\"]

[[receiver]]
name = \"МЦУ, дежурный\"
email = \"dezhurny@example.org\"
min_level = \"elevated\"
digest = true

[[receiver]]
name = \"Отдел ЖКХ\"
email = \"jkh@example.org\"
min_level = \"elevated\"

[[receiver]]
name = \"Отдел дорог\"
email = \"dorogi@example.org\"
min_level = \"elevated\"

[[receiver]]
name = \"ЕДДС\"
telegram_chat = -1000000000042
email = \"edds@example.org\"
order = [\"telegram\"]
min_level = \"high\"
kinds = [\"danger\"]
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::routes::{self, KnownNames};

    #[test]
    fn the_receivers_are_sound() {
        let known = KnownNames::default();
        let (routes, faults) =
            routes::parse(Path::new("routes.toml"), ROUTES, &known).expect("sound routes");
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(routes.receivers.iter().filter(|it| it.digest).count(), 1);
    }
}
