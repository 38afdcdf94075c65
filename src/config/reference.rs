//! Documents made from the description of the keys: REFERENCE.md and the shipped `otklik.toml`.
//!
//! Place in the flow: `init` writes a file made here; tests hold the two committed ones. Invariant:
//! nothing is said about a key that is not said where the key is defined.

use super::file::File;
use super::read::{About, Key, Section as _, Shown};
use super::service::ServiceSection;
use super::sources::SourceSection;

/// What `init` fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answers {
    /// Name of the district.
    pub name: String,
    /// Zone of the district.
    pub timezone: String,
    /// File of the store, if not the usual one.
    pub store: Option<String>,
}

const HEAD: &str = "\
# Настройка программы «Отклик». Обязателен только раздел [district].
# Строка вида «# ключ = значение» показывает значение, которое действует и без неё;
# с пометкой «пример» — образец: без такой строки ключ не задан.
# Пути считаются от папки этого файла. Секрет сюда не пишется никогда, пишется его место:
#   { credential = \"имя\" } — его передаст systemd, { file = \"путь\" } — файл,
#   { env = \"ИМЯ\" } — переменная окружения.
# Проверить: otklik check. Все ключи с пояснениями: REFERENCE.md.
";

/// The shipped `otklik.toml`.
#[must_use]
pub fn shipped_file() -> String {
    render_file(None)
}

/// An `otklik.toml` with these answers, or the shipped one.
#[must_use]
pub fn render_file(answers: Option<&Answers>) -> String {
    let mut lines: Vec<String> = HEAD.lines().map(str::to_owned).collect();
    for about in File::SECTIONS {
        lines.push(String::new());
        lines.extend(about.doc.iter().map(|line| format!("#{line}")));
        let hash = if is_optional(&about) { "# " } else { "" };
        lines.push(format!("{hash}[{}]", about.path));
        for key in about.keys {
            lines.extend(key.doc.iter().map(|line| format!("#{line}")));
            lines.push(key_line(&about, key, answers));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Whether the section may be missing as a whole, and means something when it is there.
fn is_optional(about: &About) -> bool {
    about.path != "district" && about.keys.iter().any(|key| matches!(key.shown, Shown::Required(_)))
}

fn key_line(about: &About, key: &Key, answers: Option<&Answers>) -> String {
    let answer = answers.and_then(|answers| match (about.path, key.name) {
        ("district", "name") => Some(quoted(&answers.name)),
        ("district", "timezone") => Some(quoted(&answers.timezone)),
        ("store", "path") => answers.store.as_deref().map(quoted),
        _ => None,
    });
    if let (Some(typed), false) = (&answer, is_optional(about)) {
        return format!("{} = {typed}", key.name);
    }
    let value = key.shown.value();
    match key.shown {
        Shown::Required(_) if !is_optional(about) => format!("{} = {value}", key.name),
        Shown::Required(_) | Shown::Default(_) => format!("# {} = {value}", key.name),
        Shown::Example(_) => format!("# {} = {value}  # пример", key.name),
    }
}

/// `text` as a TOML string.
#[must_use]
pub fn quoted(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

/// `config/REFERENCE.md`.
#[must_use]
pub fn render_reference() -> String {
    let mut lines: Vec<String> = REFERENCE_HEAD.lines().map(str::to_owned).collect();
    lines.push("\n## otklik.toml".to_owned());
    for about in File::SECTIONS {
        push_section(&mut lines, &about, &format!("[{}]", about.path));
    }
    lines.push("\n## sources.toml".to_owned());
    push_section(&mut lines, &SourceSection::ABOUT, "[[source]]");
    push_section(&mut lines, &ServiceSection::ABOUT, "[[service]]");
    lines.push(String::new());
    lines.join("\n")
}

const REFERENCE_HEAD: &str = "\
# Справочник настройки

Этот файл сделан из описаний ключей в программе; тест следит, чтобы он не отставал.
Обновить после правки: `OTKLIK_BLESS=1 cargo test --test it reference`.

- `otklik.toml` читается при запуске; `sources.toml`, `routes.toml`, `risk.toml`, `places.toml`
  и словари перечитываются на ходу. Нет перечитываемого файла — действуют встроенные значения.
- Пути считаются от папки файла, в котором они написаны.
- Секрет не пишется в файл. Пишется его место: `{ credential = \"имя\" }` (передаёт systemd),
  `{ file = \"путь\" }` (права 0600) или `{ env = \"ИМЯ\" }`. Читается он в тот момент, когда нужен.
- Сроки: число и единица — `90s`, `15m`, `1h`, `30d`, `2w`.
- `otklik check` называет все ошибки сразу: файл:строка:столбец и что написать вместо.
";

fn push_section(lines: &mut Vec<String>, about: &About, title: &str) {
    lines.push(format!("\n### `{title}`\n"));
    lines.push(paragraph(about.doc));
    lines.push("\n| ключ | значение | без него | о чём |\n|---|---|---|---|".to_owned());
    for key in about.keys {
        let without = match key.shown {
            Shown::Required(_) => "обязателен".to_owned(),
            Shown::Default(value) => format!("`{value}`"),
            Shown::Example(_) => "нет".to_owned(),
        };
        let example = match key.shown {
            Shown::Default(_) => String::new(),
            Shown::Required(value) | Shown::Example(value) => format!(" Пример: `{value}`."),
        };
        let text = paragraph(key.doc);
        lines.push(format!("| `{}` | {} | {without} | {text}{example} |", key.name, key.kind));
    }
}

/// Doc lines as one line of text.
fn paragraph(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}
