//! The channels beside mail and Telegram: MAX, messages of a VK community, a webhook.

use otklik::notify::play::{GateMessage, LocalGate, Service};

/// Token of all three, made up.
pub const TOKEN: &str = "vymyshlennyy";

/// One server a channel.
pub struct Gates {
    max: LocalGate,
    vk: LocalGate,
    hook: LocalGate,
}

impl Gates {
    pub async fn open() -> Self {
        let start = async |service| LocalGate::start(service, TOKEN).await.expect("a socket");
        Self {
            max: start(Service::Max).await,
            vk: start(Service::Vk).await,
            hook: start(Service::Hook).await,
        }
    }

    /// Sections of otklik.toml.
    pub fn sections(&self) -> String {
        let token = "token = { file = \"gate.txt\" }";
        let (max, vk) = (self.max.url(), self.vk.url());
        format!(
            "[max_bot]\napi_url = \"{max}\"\n{token}\n\
             [vk_bot]\napi_url = \"{vk}\"\n{token}\n\
             [webhook]\nsecret = {{ file = \"gate.txt\" }}\n\
             [network]\nallow = [\"127.0.0.1\"]\n"
        )
    }

    /// Receivers of routes.toml.
    pub fn receivers(&self) -> String {
        let hook = self.hook.url();
        [("МАКС", "max_chat = -7".to_owned()), ("Сообщения", "vk_peer = 77".to_owned())]
            .into_iter()
            .chain([("Табло", format!("webhook = \"{hook}/alerts\""))])
            .map(|(name, way)| {
                format!("[[receiver]]\nname = \"{name}\"\n{way}\nmin_level = \"low\"\n")
            })
            .collect()
    }

    /// What each channel took: its name in an export, and the messages.
    pub fn taken(&self) -> [(&'static str, Vec<GateMessage>); 3] {
        [
            ("max", self.max.messages()),
            ("vk", self.vk.messages()),
            ("webhook", self.hook.messages()),
        ]
    }

    /// How many messages all of them took.
    pub fn count(&self) -> usize {
        self.taken().iter().map(|(_, messages)| messages.len()).sum()
    }
}
