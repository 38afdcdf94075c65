//! Maps of columns, kept under a name beside the configuration.
//!
//! Place in the flow: `--map auto` writes one, `--map NAME` reads it. Invariant: a map is a small
//! file that an analyst can read and change; it holds names of columns, never what stands in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::columns::{Columns, FIELDS};
use crate::cli::{Failure, Result};
use crate::config::fault::parse_toml;

/// A saved map: `maps/<name>.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    /// Source of lines that name none.
    #[serde(default)]
    pub source: Option<String>,
    /// Platform of lines that name none.
    #[serde(default)]
    pub platform: Option<String>,
    /// Sheet of a workbook; the first one without it.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Field of each column, by the column's name.
    pub columns: BTreeMap<String, String>,
}

impl ColumnMap {
    /// Where the map `name` is kept beside the configuration.
    #[must_use]
    pub fn file(config: &Path, name: &str) -> PathBuf {
        config.with_file_name("maps").join(format!("{name}.toml"))
    }

    /// Reads a saved map.
    pub fn load(config: &Path, name: &str) -> Result<Self> {
        if !is_name(name) {
            return Err(Failure::usage(format!(
                "имя карты столбцов «{name}»: годятся буквы, цифры, «-» и «_»"
            )));
        }
        let file = Self::file(config, name);
        let text = std::fs::read_to_string(&file).map_err(|_| {
            Failure::failed(format!(
                "карты столбцов «{name}» нет ({}); предложить её: --map auto --save {name}",
                file.display()
            ))
        })?;
        let map: Self = parse_toml(&file, &text)?;
        let known = |field: &&String| FIELDS.iter().any(|(own, ..)| own == field);
        if let Some(field) = map.columns.values().find(|field| !known(field)) {
            let fields: Vec<&str> = FIELDS.iter().map(|(field, ..)| *field).collect();
            return Err(Failure {
                exit: crate::cli::Exit::BadConfig,
                text: format!(
                    "{}: поля «{field}» нет; есть: {}",
                    file.display(),
                    fields.join(", ")
                ),
            });
        }
        Ok(map)
    }

    /// Keeps a proposed map for later. Returns its file, or `None` if another map of that name is
    /// there already.
    pub fn save(config: &Path, name: &str, columns: &Columns) -> Result<Option<PathBuf>> {
        let file = Self::file(config, name);
        let text = text_of(name, columns);
        match std::fs::read_to_string(&file) {
            Ok(old) if old == text => return Ok(Some(file)),
            Ok(_) => return Ok(None),
            Err(_) => {}
        }
        let failed = |error: std::io::Error| {
            Failure::failed(format!("{}: карта не сохранена: {error}", file.display()))
        };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&file, text).map_err(failed)?;
        Ok(Some(file))
    }
}

/// Whether a map may be called so.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !name.is_empty() && name.chars().count() <= 60 && name.chars().all(fits) && name != "auto"
}

/// The map as a file.
fn text_of(name: &str, columns: &Columns) -> String {
    let mut text = format!(
        "# Столбцы таблицы: слева имя столбца, справа поле. Правьте смело; столбец без строки не читается.\n\
         # Загрузить такую таблицу: otklik import ФАЙЛ --map {name}\n# Поля:"
    );
    for (field, meaning, _) in FIELDS {
        text.push_str(&format!(" {field} ({meaning}),"));
    }
    text.pop();
    text.push('\n');
    for (key, value) in [("source", &columns.source), ("platform", &columns.platform)] {
        if let Some(value) = value {
            text.push_str(&format!("{key} = {}\n", toml::Value::from(value.as_str())));
        }
    }
    text.push_str("\n[columns]\n");
    for (name, field) in &columns.fields {
        if let Some(field) = field {
            text.push_str(&format!("{} = \"{field}\"\n", toml::Value::from(name.as_str())));
        }
    }
    text
}
