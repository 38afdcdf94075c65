//! Faults in files that people edit, and reading such files.
//!
//! Place in the flow: every reader of TOML (configuration, packs, places, risk) reports through
//! [`Fault`]. Invariant: a fault names file, line and column (both from 1, columns in characters)
//! and, where there is one, the fix; it never repeats a secret.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use toml::de::DeTable;

use super::{syntax, wording};

/// Whether a fault stops the file from being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// Worth a look.
    Warning,
}

/// One fault in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// File, as the user would name it.
    pub file: PathBuf,
    /// Line, from 1; 0 if the fault is about the whole file.
    pub line: u32,
    /// Column in characters, from 1; 0 if the fault is about the whole file.
    pub column: u32,
    /// What is wrong, in Russian.
    pub text: String,
    /// What to do, in Russian; empty if the text says it all.
    pub fix: String,
    /// How bad it is.
    pub severity: Severity,
}

impl Fault {
    /// An error at byte `offset` of `source`, the content of `file`.
    pub fn at(
        file: &Path,
        source: &str,
        offset: usize,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        let (line, column) = line_column(source, offset);
        Self {
            file: file.to_path_buf(),
            line,
            column,
            text: text.into(),
            fix: fix.into(),
            severity: Severity::Error,
        }
    }

    /// An error about a whole file.
    pub fn whole(file: &Path, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            file: file.to_path_buf(),
            line: 0,
            column: 0,
            text: text.into(),
            fix: fix.into(),
            severity: Severity::Error,
        }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if self.severity == Severity::Warning {
            f.write_str("предупреждение: ")?;
        }
        f.write_str(&self.text)?;
        if !self.fix.is_empty() {
            write!(f, " → {}", self.fix)?;
        }
        Ok(())
    }
}

/// Line and column (characters, both from 1) of byte `offset` in `source`.
#[must_use]
pub fn line_column(source: &str, offset: usize) -> (u32, u32) {
    let offset = (0..=offset.min(source.len()))
        .rev()
        .find(|&at| source.is_char_boundary(at))
        .unwrap_or_default();
    let before = &source[..offset];
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let column = before[start..].chars().count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// Reads a text file as people save it: a BOM and CRLF are accepted; CP1251 is named with the fix.
pub fn read_text(file: &Path) -> Result<String, Fault> {
    let bytes = std::fs::read(file).map_err(|error| {
        let text = match error.kind() {
            std::io::ErrorKind::NotFound => "файл не найден".to_owned(),
            std::io::ErrorKind::PermissionDenied => "нет права читать файл".to_owned(),
            _ => format!("файл не читается ({error})"),
        };
        Fault::whole(file, text, "")
    })?;
    decode(file, &bytes)
}

/// The content of a file as text with `\n` line ends; see [`read_text`].
pub fn decode(file: &Path, bytes: &[u8]) -> Result<String, Fault> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.replace("\r\n", "\n")),
        Err(error) => {
            let line = bytes[..error.valid_up_to()].iter().filter(|&&b| b == b'\n').count() + 1;
            let mut fault = Fault::whole(
                file,
                "файл не в кодировке UTF-8 (похоже на Windows-1251)",
                "в Блокноте: «Сохранить как…», кодировка «UTF-8»",
            );
            fault.line = u32::try_from(line).unwrap_or(u32::MAX);
            fault.column = 1;
            Err(fault)
        }
    }
}

/// Parses TOML; an error comes back as a fault at its place.
pub fn parse_toml<T: DeserializeOwned>(file: &Path, source: &str) -> Result<T, Fault> {
    toml::from_str(source).map_err(|error| {
        let form = syntax::faults(source, DeTable::parse_recoverable(source).1);
        if let Some(said) = form.into_iter().next() {
            return Fault::at(file, source, said.at, said.text, said.fix);
        }
        let offset = error.span().map_or(0, |span| span.start);
        let after = source.get(offset..).unwrap_or_default();
        let (text, fix) = wording::russian(error.message(), after);
        Fault::at(file, source, offset, text, fix)
    })
}
