//! Which column of a table means which field: by known names, by a saved map, or proposed.
//!
//! Place in the flow: asked once a table, after its first rows. Invariants: a proposal rests on the
//! name of a column and on what stands in it, never on its position; a column with personal details
//! is not read.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::maps::ColumnMap;
use crate::cli::line::parse_instant;

/// Rows looked at before a map is proposed.
pub const SAMPLE_ROWS: usize = 200;
/// Rows above a table that may hold its title.
const HEAD_ROWS: usize = 20;
/// Shortest mean length, in characters, of a column that is taken for the text without its name.
const TEXT_CHARS_MIN: usize = 25;

/// Fields of a line, what each means, and what people call its column, surest first. The field's
/// own name always works.
pub(super) const FIELDS: &[(&str, &str, &[&str])] = &[
    (
        "id",
        "номер",
        &[
            "номер",
            "ид",
            "номер сообщения",
            "номер обращения",
            "номер инцидента",
            "регистрационный номер",
            "рег номер",
            "идентификатор",
            "id инцидента",
            "id сообщения",
            "id обращения",
            "№ обращения",
            "№ сообщения",
            "№",
        ],
    ),
    (
        "text",
        "текст",
        &[
            "текст",
            "сообщение",
            "текст сообщения",
            "текст обращения",
            "текст инцидента",
            "текст публикации",
            "описание проблемы",
            "суть обращения",
            "содержание обращения",
            "содержание",
            "описание",
            "обращение",
            "вопрос",
        ],
    ),
    (
        "published",
        "когда написано",
        &[
            "дата",
            "опубликовано",
            "дата публикации",
            "дата и время публикации",
            "дата сообщения",
            "дата обращения",
            "дата подачи",
            "дата поступления",
            "дата регистрации",
            "дата создания",
            "дата и время",
            "время",
        ],
    ),
    ("edited", "когда изменено", &["изменено", "дата изменения", "дата правки"]),
    (
        "author",
        "чей голос (не хранится)",
        &["автор", "автор сообщения", "фио", "фио заявителя", "заявитель", "имя автора"],
    ),
    (
        "url",
        "ссылка",
        &[
            "ссылка",
            "ссылка на сообщение",
            "ссылка на публикацию",
            "ссылка на первоисточник",
            "адрес публикации",
        ],
    ),
    ("source", "источник", &["источник", "сообщество", "название сообщества", "группа"]),
    (
        "platform",
        "площадка",
        &["площадка", "соцсеть", "социальная сеть", "тип источника", "канал поступления"],
    ),
    (
        "place",
        "населённый пункт",
        &["место", "населенный пункт", "поселение", "муниципальное образование", "муниципалитет"],
    ),
    (
        "address",
        "адрес: место и улица",
        &["адрес", "адрес проблемы", "адрес объекта", "местоположение", "место проблемы"],
    ),
    ("kind", "вид: post или comment", &["вид"]),
    ("parent", "на что отвечает", &["ответ на"]),
    ("official", "официальный текст", &["официально"]),
    ("views", "просмотры", &["просмотры"]),
    ("likes", "лайки", &["лайки"]),
    ("reposts", "репосты", &["репосты"]),
    ("comments", "комментарии", &["комментарии"]),
];

/// Words of columns that are never read.
const PERSONAL: &[&str] = &[
    "телефон",
    "почта",
    "email",
    "mail",
    "паспорт",
    "снилс",
    "инн",
    "рождения",
    "пол",
    "возраст",
    "квартира",
];

/// How the columns of a table are understood.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// By their known names.
    Known,
    /// As proposed; the name is the source of lines that name none.
    Auto(String),
    /// As a saved map says.
    Saved(ColumnMap),
}

/// Columns of one table, understood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// Row of the names, counted from 0 among the rows seen.
    pub head: usize,
    /// Name and field of each column; `None` for one that is not read.
    pub fields: Vec<(String, Option<String>)>,
    /// Source and platform of lines that name none.
    pub source: Option<String>,
    pub platform: Option<String>,
    /// What is shown about each column; only of a proposal.
    pub notes: Vec<String>,
}

impl Columns {
    /// Whether some column has `field`.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.fields.iter().any(|(_, of)| of.as_deref() == Some(field))
    }
}

/// Columns, or why they cannot be understood.
pub type Understood = std::result::Result<Columns, String>;

/// Understands the columns of a table from its first rows.
pub fn understand(want: &Want, rows: &[Vec<String>], zone: &TimeZone) -> Understood {
    match want {
        Want::Known => known(rows),
        Want::Auto(source) => {
            let columns = propose(rows, zone)?;
            let named = columns.has("source");
            Ok(Columns { source: (!named).then(|| source.clone()), ..columns })
        }
        Want::Saved(map) => saved(map, rows),
    }
}

fn known(rows: &[Vec<String>]) -> Understood {
    let head = rows.first().ok_or("таблица пуста")?;
    let field_of = |name: &String| {
        let name = plain(name);
        let own = FIELDS.iter().find(|(field, ..)| *field == name && name != "address");
        let meant = || FIELDS.iter().find(|(_, _, names)| names.iter().any(|n| *n == name));
        own.or_else(meant).map(|(field, ..)| (*field).to_owned())
    };
    let mut fields: Vec<(String, Option<String>)> =
        head.iter().map(|name| (shown(name), field_of(name))).collect();
    keep_first(&mut fields);
    let columns = Columns { fields, ..Columns::default() };
    for needed in ["id", "text"] {
        if !columns.has(needed) {
            return Err(format!(
                "в первой строке таблицы нет столбца «{needed}»; назовите так столбец с {} \
                 или дайте разобрать столбцы: --map auto",
                if needed == "id" { "номером сообщения" } else { "текстом" },
            ));
        }
    }
    Ok(columns)
}

/// Of several columns with one field the first counts, but for texts, which are joined.
fn keep_first(fields: &mut [(String, Option<String>)]) {
    let mut seen = std::collections::BTreeSet::new();
    for (_, field) in fields {
        if field.as_ref().is_some_and(|f| f != "text" && !seen.insert(f.clone())) {
            *field = None;
        }
    }
}

fn saved(map: &ColumnMap, rows: &[Vec<String>]) -> Understood {
    let named: BTreeMap<String, &String> =
        map.columns.iter().map(|(name, field)| (plain(name), field)).collect();
    let known = |row: &Vec<String>| row.iter().filter(|n| named.contains_key(&plain(n))).count();
    let best = rows
        .iter()
        .take(HEAD_ROWS)
        .enumerate()
        .max_by_key(|(at, row)| (known(row), HEAD_ROWS - at));
    let (head, row) = best.ok_or("таблица пуста")?;
    let here: Vec<String> = row.iter().map(|name| plain(name)).collect();
    if let Some(absent) = map.columns.keys().find(|name| !here.contains(&plain(name))) {
        return Err(format!("в таблице нет столбца «{absent}», который называет карта столбцов"));
    }
    let mut fields: Vec<(String, Option<String>)> = row
        .iter()
        .map(|name| (shown(name), named.get(&plain(name)).map(|field| (*field).clone())))
        .collect();
    keep_first(&mut fields);
    let columns = Columns {
        head,
        fields,
        source: map.source.clone(),
        platform: map.platform.clone(),
        notes: Vec::new(),
    };
    if !columns.has("text") {
        return Err("карта столбцов не называет столбца с полем text".to_owned());
    }
    Ok(columns)
}

/// What stands in a column.
struct Kind {
    filled: usize,
    /// Times that are written out, and numbers that a spreadsheet may mean as one.
    dates: usize,
    serials: usize,
    links: usize,
    distinct: usize,
    chars: usize,
}

impl Kind {
    fn of(rows: &[Vec<String>], at: usize, zone: &TimeZone) -> Self {
        let cells = || rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.trim());
        let filled: Vec<&str> = cells().filter(|cell| !cell.is_empty()).collect();
        let distinct: std::collections::BTreeSet<&&str> = filled.iter().collect();
        Self {
            dates: filled.iter().filter(|cell| is_written_time(cell, zone)).count(),
            serials: filled.iter().filter(|cell| serial(cell, zone).is_some()).count(),
            links: filled.iter().filter(|cell| cell.starts_with("http")).count(),
            distinct: distinct.len(),
            chars: filled.iter().map(|cell| cell.chars().count()).sum(),
            filled: filled.len(),
        }
    }

    fn is_time(&self) -> bool {
        self.filled > 0 && self.dates * 10 >= self.filled * 8
    }

    fn is_link(&self) -> bool {
        self.filled > 0 && self.links * 2 >= self.filled
    }

    fn mean(&self) -> usize {
        self.chars.checked_div(self.filled).unwrap_or(0)
    }

    /// Whether what stands in the column can be the field.
    fn suits(&self, field: &str, rows: usize) -> bool {
        match field {
            "published" | "edited" => (self.dates + self.serials) * 2 >= self.filled.max(1),
            "url" => self.filled == 0 || self.is_link(),
            "id" => self.filled == rows && self.distinct == self.filled && !self.is_time(),
            "text" => !self.is_time() && !self.is_link(),
            "author" | "source" | "platform" | "place" | "address" => !self.is_time(),
            _ => true,
        }
    }
}

fn propose(rows: &[Vec<String>], zone: &TimeZone) -> Understood {
    let recognised = |row: &Vec<String>| {
        row.iter().filter(|name| FIELDS.iter().any(|field| likeness(name, field) > 0)).count()
    };
    let best = rows
        .iter()
        .take(HEAD_ROWS)
        .enumerate()
        .max_by_key(|(at, row)| (recognised(row), HEAD_ROWS - at));
    let (head, names) = best.ok_or("таблица пуста")?;
    let filled = |row: &&Vec<String>| row.iter().any(|cell| !cell.trim().is_empty());
    let body: Vec<Vec<String>> = rows[head + 1..].iter().filter(filled).cloned().collect();
    let kinds: Vec<Kind> = (0..names.len()).map(|at| Kind::of(&body, at, zone)).collect();
    let mut chosen: Vec<Option<&str>> = vec![None; names.len()];
    for field in FIELDS {
        let fits = |at: &usize| {
            chosen[*at].is_none()
                && likeness(&names[*at], field) > 0
                && !is_personal(&names[*at])
                && kinds[*at].suits(field.0, body.len())
        };
        let best = (0..names.len())
            .filter(fits)
            .max_by_key(|at| (likeness(&names[*at], field), names.len() - at));
        if let Some(at) = best {
            chosen[at] = Some(field.0);
        }
    }
    let free = |at: &usize, chosen: &[Option<&str>]| {
        chosen[*at].is_none() && !is_personal(&names[*at]) && kinds[*at].filled > 0
    };
    if !chosen.contains(&Some("text")) {
        let longest = (0..names.len())
            .filter(|at| free(at, &chosen) && kinds[*at].suits("text", body.len()))
            .max_by_key(|at| kinds[*at].mean())
            .filter(|at| kinds[*at].mean() >= TEXT_CHARS_MIN);
        let at = longest.ok_or("не видно столбца с текстом; назовите его «Текст»")?;
        chosen[at] = Some("text");
    }
    if !chosen.contains(&Some("published"))
        && let Some(at) = (0..names.len()).find(|at| free(at, &chosen) && kinds[*at].is_time())
    {
        chosen[at] = Some("published");
    }
    let notes = names.iter().enumerate().filter(|(_, name)| !name.trim().is_empty());
    let notes = notes.map(|(at, name)| note(name, chosen[at], &kinds[at])).collect();
    let fields = names.iter().zip(&chosen);
    let fields = fields.map(|(name, field)| (shown(name), field.map(str::to_owned))).collect();
    Ok(Columns { head, fields, notes, ..Columns::default() })
}

/// What is shown about one proposed column; never what stands in it.
fn note(name: &str, field: Option<&str>, kind: &Kind) -> String {
    let meaning = |field: &str| {
        FIELDS.iter().find(|(own, ..)| *own == field).map_or("", |(_, meaning, _)| *meaning)
    };
    let (field, why) = match field {
        Some(field @ ("published" | "edited")) => {
            let read = kind.dates + kind.serials;
            (field, format!("{}; читаются {read} из {}", meaning(field), kind.filled))
        }
        Some(field) => (field, meaning(field).to_owned()),
        None if is_personal(name) => ("—", "не берётся: личные сведения".to_owned()),
        None => ("—", "не берётся".to_owned()),
    };
    format!("  «{}» → {field} ({why})", shown(name))
}

/// How well a column's name fits a field: 0 not at all.
fn likeness(name: &str, (field, _, names): &(&str, &str, &[&str])) -> usize {
    let name = plain(name);
    if name.is_empty() {
        return 0;
    }
    if name == *field {
        return 1_000;
    }
    let exact = names.iter().position(|known| *known == name);
    let part = || {
        let starts = |known: &&&str| known.contains(' ') && name.starts_with(**known);
        names.iter().filter(starts).map(|known| known.chars().count()).max()
    };
    // Of two known names the more telling one counts: «Дата публикации» before «Дата».
    match exact {
        Some(at) => 500 + name.split(' ').count() * 50 + names.len() - at,
        None => part().unwrap_or(0),
    }
}

fn is_personal(name: &str) -> bool {
    plain(name).split(' ').any(|word| PERSONAL.contains(&word))
}

/// A name in lower case, without signs and double blanks.
fn plain(name: &str) -> String {
    let lower = name.to_lowercase().replace('ё', "е");
    let kept: String = lower
        .chars()
        .map(|c| if c.is_alphanumeric() || c == '№' || c == '_' { c } else { ' ' })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name as it is shown and saved.
fn shown(name: &str) -> String {
    name.trim_start_matches('\u{FEFF}').split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a cell is a time, and not a number that could be one.
fn is_written_time(cell: &str, zone: &TimeZone) -> bool {
    !cell.bytes().all(|byte| byte.is_ascii_digit()) && parse_instant(cell, zone).is_some()
}

/// A time of a table: written out, or the day number a spreadsheet keeps.
pub fn instant(cell: &str, zone: &TimeZone) -> Option<jiff::Timestamp> {
    parse_instant(cell, zone).or_else(|| serial(cell, zone))
}

/// Days since the last day but one of 1899, as spreadsheets count.
fn serial(cell: &str, zone: &TimeZone) -> Option<jiff::Timestamp> {
    let days: f64 = cell.replace(',', ".").parse().ok()?;
    // 1954 to 2119.
    if !(20_000.0..80_000.0).contains(&days) {
        return None;
    }
    let start = jiff::civil::date(1899, 12, 30).at(0, 0, 0, 0);
    #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
    let seconds = (days * 86_400.0).round() as i64;
    let civil = start.checked_add(jiff::SignedDuration::from_secs(seconds)).ok()?;
    zone.to_ambiguous_zoned(civil).compatible().ok().map(|zoned| zoned.timestamp())
}
