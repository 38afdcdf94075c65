//! Secrets: where one is kept, and its text when it is needed.
//!
//! Place in the flow: settings carry [`Secret`]s, the one that calls a platform or a mail server
//! reads the text. Invariant: neither a [`Secret`] nor a [`SecretText`] can be printed; no fault
//! repeats one.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// Largest secret read from a file.
const SECRET_BYTES_MAX: u64 = 64 * 1024;

/// Where a secret is kept, as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretFrom {
    /// A systemd credential: a file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// A file; in settings its path no longer depends on the folder of the configuration.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// Typed in the file: only for keys that a platform calls public.
    Public(String),
}

/// A secret that is read each time it is needed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The key that names it, for messages: `platforms.vk.token`.
    key: String,
    from: SecretFrom,
}

/// The text of a secret. Prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

/// Why a secret could not be read: key, what is wrong, the fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretError {
    /// The key that names it.
    pub key: String,
    /// What is wrong, in Russian.
    pub text: String,
    /// What to do, in Russian.
    pub fix: String,
}

impl Secret {
    /// A secret for `key`; a relative file is taken from `dir`.
    #[must_use]
    pub fn new(key: impl Into<String>, from: SecretFrom, dir: &Path) -> Self {
        let from = match from {
            SecretFrom::File(path) => SecretFrom::File(dir.join(path)),
            other => other,
        };
        Self { key: key.into(), from }
    }

    /// Where it is kept.
    #[must_use]
    pub fn from(&self) -> &SecretFrom {
        &self.from
    }

    /// The key that names it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Reads the text: the file, the credential or the variable, without line ends at its end.
    pub fn read(&self) -> Result<SecretText, SecretError> {
        self.read_with(&|name| std::env::var_os(name))
    }

    /// The same with another environment.
    pub fn read_with(
        &self,
        env: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<SecretText, SecretError> {
        let text = match &self.from {
            SecretFrom::Public(text) => text.clone(),
            SecretFrom::Env(name) => match env(name).map(OsString::into_string) {
                Some(Ok(text)) => text,
                Some(Err(_)) => {
                    return Err(self.error(format!("переменная {name} не в кодировке UTF-8"), ""));
                }
                None => {
                    let text = format!("нет переменной окружения {name}");
                    return Err(self.error(text, format!("задайте её: export {name}=…")));
                }
            },
            SecretFrom::File(path) => self.read_file(path)?,
            SecretFrom::Credential(name) => {
                let Some(dir) = env("CREDENTIALS_DIRECTORY") else {
                    let text = format!("секрет {name} передаёт systemd, а команда запущена руками");
                    let fix = "для запуска руками подойдёт { file = \"…\" } или { env = \"…\" }";
                    return Err(self.error(text, fix));
                };
                self.read_file(&PathBuf::from(dir).join(name)).map_err(|error| SecretError {
                    fix: format!("положите секрет в /etc/credstore/otklik.{name}, права 0600"),
                    ..error
                })?
            }
        };
        let text = text.trim_end_matches(['\n', '\r']).to_owned();
        if text.trim().is_empty() {
            return Err(self.error("секрет пуст", "запишите его одной строкой"));
        }
        Ok(SecretText(text))
    }

    fn read_file(&self, path: &Path) -> Result<String, SecretError> {
        let shown = path.display();
        let error = |error: &std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => self.error(
                format!("нет файла с секретом {shown}"),
                "создайте его: одна строка, права 0600",
            ),
            std::io::ErrorKind::PermissionDenied => self.error(
                format!("нет права читать файл с секретом {shown}"),
                "отдайте его учётной записи otklik: chown otklik, права 0600",
            ),
            _ => self.error(format!("файл с секретом {shown} не читается ({})", error.kind()), ""),
        };
        let size = std::fs::metadata(path).map_err(|e| error(&e))?.len();
        if size > SECRET_BYTES_MAX {
            return Err(self.error(format!("файл с секретом {shown} слишком велик"), ""));
        }
        let bytes = std::fs::read(path).map_err(|e| error(&e))?;
        String::from_utf8(bytes)
            .map_err(|_| self.error(format!("файл с секретом {shown} не в кодировке UTF-8"), ""))
    }

    fn error(&self, text: impl Into<String>, fix: impl Into<String>) -> SecretError {
        SecretError { key: self.key.clone(), text: text.into(), fix: fix.into() }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}: {:?})", self.key, self.from)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            SecretFrom::Credential(name) => write!(f, "{{ credential = \"{name}\" }}"),
            SecretFrom::File(path) => write!(f, "{{ file = \"{}\" }}", path.display()),
            SecretFrom::Env(name) => write!(f, "{{ env = \"{name}\" }}"),
            SecretFrom::Public(text) => write!(f, "\"{text}\""),
        }
    }
}

impl SecretText {
    /// The secret itself, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.text)?;
        if !self.fix.is_empty() {
            write!(f, " → {}", self.fix)?;
        }
        Ok(())
    }
}

impl std::error::Error for SecretError {}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-9f31";

    fn secret(from: SecretFrom, dir: &Path) -> Secret {
        Secret::new("platforms.vk.token", from, dir)
    }

    #[test]
    fn reads_from_each_place_and_never_prints() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::write(dir.path().join("vk_token"), format!("{CANARY}\r\n")).expect("write");
        let folder = dir.path().as_os_str().to_owned();
        let env = |name: &str| match name {
            "CREDENTIALS_DIRECTORY" => Some(folder.clone()),
            "VK" => Some(CANARY.into()),
            _ => None,
        };
        for from in [
            SecretFrom::Credential("vk_token".into()),
            SecretFrom::File("vk_token".into()),
            SecretFrom::Env("VK".into()),
        ] {
            let secret = secret(from, dir.path());
            let text = secret.read_with(&env).expect("a secret");
            assert_eq!(text.expose(), CANARY);
            for shown in
                [format!("{secret:?}"), format!("{secret}"), format!("{text:?}"), format!("{text}")]
            {
                assert!(!shown.contains(CANARY), "{shown}");
            }
        }
    }

    #[test]
    fn a_secret_that_is_not_there_says_what_to_do() {
        let dir = tempfile::tempdir().expect("temp dir");
        std::fs::write(dir.path().join("empty"), "\n").expect("write");
        let folder = dir.path().as_os_str().to_owned();
        let systemd = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| folder.clone());
        let check = |from: SecretFrom, credentials: bool, text: &str, fix: &str| {
            let bare = |_: &str| None;
            let error = if credentials {
                secret(from, dir.path()).read_with(&systemd)
            } else {
                secret(from, dir.path()).read_with(&bare)
            }
            .expect_err(text);
            assert!(error.text.contains(text) && error.fix.contains(fix), "{error}");
            assert!(error.to_string().starts_with("platforms.vk.token: "), "{error}");
        };
        check(SecretFrom::Env("VK".into()), false, "нет переменной окружения VK", "export VK=");
        check(SecretFrom::File("absent".into()), false, "нет файла с секретом", "права 0600");
        check(SecretFrom::File("empty".into()), false, "секрет пуст", "одной строкой");
        check(SecretFrom::Credential("vk".into()), false, "передаёт systemd", "{ file = ");
        check(SecretFrom::Credential("vk".into()), true, "нет файла", "/etc/credstore/otklik.vk");
    }
}
