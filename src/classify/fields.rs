//! Reads a TOML file field by field and collects every fault, not only the first.
//!
//! Place in the flow: under `pack` and `lists`. Invariant: each fault stands at the character it is
//! about, also inside a quoted text with escapes.

use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::config::packs::PackFile;
use crate::config::{Fault, syntax, wording};
use crate::text::Tokens;

use super::flat::{Flat, Value};

/// A text of a file with the place it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The text.
    pub value: String,
    /// Number of the file.
    pub file: usize,
    /// Bytes of the file, quotes included.
    pub at: Range<usize>,
}

impl Text {
    /// A fault at byte `inside` of the value; `file` is the file it came from.
    #[must_use]
    pub fn fault(
        &self,
        file: &PackFile,
        inside: usize,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Fault {
        let literal = file.text.get(self.at.clone()).unwrap_or_default();
        let at = self.at.start + inside_literal(literal, inside);
        Fault::at(&file.path, &file.text, at, what, fix)
    }
}

/// A table of a file with its place.
pub struct Section<'t> {
    table: Table<'t>,
    /// Bytes of the file that open the section.
    pub at: Range<usize>,
}

/// Where the fields of a table are.
enum Table<'t> {
    Toml(&'t DeTable<'t>),
    /// Among the fields of a plain file.
    Plain(Rc<Flat<'t>>, Range<usize>),
}

/// A value of a table.
enum Found<'t> {
    Toml(&'t Spanned<DeValue<'t>>),
    Plain(Value<'t>, Range<usize>),
}

/// One file being read.
pub struct Sheet<'f> {
    file: &'f PackFile,
    number: usize,
    /// What is wrong so far.
    pub faults: Vec<Fault>,
    /// Lines that are no TOML: what they hold is not judged.
    broken: Vec<u32>,
    /// Byte from which on everything was read as part of something else.
    lost: usize,
    /// Buffers for whoever reads a text of the file.
    pub tokens: Tokens,
    /// The tables of rules and examples, if they are plain.
    flat: Option<Rc<Flat<'f>>>,
}

impl<'f> Sheet<'f> {
    /// Starts to read file number `number`.
    #[must_use]
    pub fn new(file: &'f PackFile, number: usize) -> Self {
        let (faults, broken) = (Vec::new(), Vec::new());
        let lost = usize::MAX;
        Self { file, number, faults, broken, lost, tokens: Tokens::default(), flat: None }
    }

    /// Parses the file as TOML; syntax errors become faults, the rest is read all the same.
    #[must_use]
    pub fn table(&mut self) -> Spanned<DeTable<'f>> {
        // Only packs have rules and examples: in a list they are faults like any other odd key.
        let list =
            self.file.path.file_name().is_some_and(|it| it.to_string_lossy().starts_with('_'));
        if let Some(flat) = Flat::of(&self.file.text).filter(|_| !list) {
            let (table, errors) = DeTable::parse_recoverable(&self.file.text[..flat.head]);
            let head = table.get_ref();
            // `[rule]` before `[[example]]` is a fault that only the whole file shows.
            let odd = head.contains_key("rule") || head.contains_key("example");
            if errors.is_empty() && !odd {
                self.flat = Some(Rc::new(flat));
                return table;
            }
        }
        let (table, errors) = DeTable::parse_recoverable(&self.file.text);
        for said in syntax::faults(&self.file.text, errors) {
            let fault = Fault::at(&self.file.path, &self.file.text, said.at, said.text, said.fix);
            self.broken.push(fault.line);
            self.faults.push(fault);
            if said.rest {
                self.lost = said.at;
            }
        }
        table
    }

    /// Adds a fault at byte `at` of the file, unless a fault in its form made it.
    pub fn fault(&mut self, at: usize, text: impl Into<String>, fix: impl Into<String>) {
        self.add(at, Fault::at(&self.file.path, &self.file.text, at, text, fix));
    }

    fn add(&mut self, at: usize, fault: Fault) {
        // A value that could not be read stands nowhere.
        let echo = self.broken.contains(&fault.line) || at == 0 && !self.broken.is_empty();
        if !echo && at < self.lost {
            self.faults.push(fault);
        }
    }

    /// Adds a fault at byte `inside` of a text's value.
    pub fn fault_in(
        &mut self,
        text: &Text,
        inside: usize,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.add(text.at.start, text.fault(self.file, inside, what, fix));
    }

    /// A text; a value of another type is a fault.
    pub fn text(&mut self, section: &Section<'_>, key: &str) -> Option<Text> {
        let value = match section.get(key)? {
            Found::Toml(value) => value,
            Found::Plain(Value::Text(text), at) => {
                return Some(Text { value: text.to_owned(), file: self.number, at });
            }
            Found::Plain(..) => return None,
        };
        match value.get_ref() {
            DeValue::String(text) => {
                Some(Text { value: text.to_string(), file: self.number, at: value.span() })
            }
            other => {
                self.wrong_type(key, value.span(), other, "текст в кавычках");
                None
            }
        }
    }

    /// A whole number within `range`.
    pub fn number(
        &mut self,
        section: &Section<'_>,
        key: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<u8> {
        let (number, at) = match section.get(key)? {
            Found::Plain(Value::Number(number), at) => (number, at),
            Found::Plain(..) => return None,
            Found::Toml(value) => {
                let DeValue::Integer(number) = value.get_ref() else {
                    self.wrong_type(key, value.span(), value.get_ref(), "целое число");
                    return None;
                };
                let number = i64::from_str_radix(number.as_str(), number.radix());
                (number.unwrap_or(i64::MAX), value.span())
            }
        };
        match u8::try_from(number) {
            Ok(small) if range.contains(&number) => Some(small),
            _ => {
                let text = format!("«{key}» вне пределов");
                let fix = format!("укажите от {} до {}", range.start(), range.end());
                self.fault(at.start, text, fix);
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, section: &Section<'_>, key: &str) -> Option<bool> {
        let value = match section.get(key)? {
            Found::Toml(value) => value,
            Found::Plain(Value::Flag(flag), _) => return Some(flag),
            Found::Plain(..) => return None,
        };
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                self.wrong_type(key, value.span(), other, "true или false");
                None
            }
        }
    }

    /// A list of texts; empty if there is none.
    pub fn texts(&mut self, section: &Section<'_>, key: &str) -> Vec<Text> {
        let Some(value) = section.toml(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(key, value.span(), value.get_ref(), "список: [\"…\", \"…\"]");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for entry in list.iter() {
            match entry.get_ref() {
                DeValue::String(text) => {
                    let (value, file) = (text.to_string(), self.number);
                    texts.push(Text { value, file, at: entry.span() });
                }
                other => self.wrong_type(key, entry.span(), other, "текст в кавычках"),
            }
        }
        texts
    }

    /// The tables `[[key]]`.
    pub fn sections<'t>(&mut self, section: &Section<'t>, key: &str) -> Vec<Section<'t>>
    where
        'f: 't,
    {
        if let Some(flat) = &self.flat {
            let own = flat.tables.iter().filter(|table| table.name == key);
            return own
                .map(|table| Section {
                    table: Table::Plain(Rc::clone(flat), table.fields.clone()),
                    at: table.at.clone(),
                })
                .collect();
        }
        let Some(value) = section.toml(key) else { return Vec::new() };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(key, value.span(), value.get_ref(), &format!("таблицы [[{key}]]"));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for entry in list.iter() {
            match entry.get_ref() {
                DeValue::Table(table) => {
                    sections.push(Section { table: Table::Toml(table), at: entry.span() });
                }
                other => {
                    self.wrong_type(key, entry.span(), other, &format!("таблица [[{key}]]"));
                }
            }
        }
        sections
    }

    /// The texts of a table by key, in the order of the file.
    pub fn pairs(&mut self, section: &Section<'_>, key: &str) -> Vec<(String, Text)> {
        let Some(value) = section.toml(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_type(key, value.span(), value.get_ref(), "таблица: { имя = \"…\" }");
            return Vec::new();
        };
        let section = Section { table: Table::Toml(table), at: value.span() };
        let names: Vec<String> = table.iter().map(|(name, _)| name.get_ref().to_string()).collect();
        names
            .into_iter()
            .filter_map(|name| self.text(&section, &name).map(|text| (name, text)))
            .collect()
    }

    /// Reports keys that mean nothing, with the nearest key that does.
    pub fn known(&mut self, section: &Section<'_>, known: &[&str]) {
        // A plain file has no other keys.
        let Table::Toml(table) = &section.table else { return };
        for (key, _) in table.iter() {
            let name = key.get_ref();
            if known.contains(&name.as_ref()) {
                continue;
            }
            let fix = match nearest(name, known) {
                Some(near) => format!("может быть, «{near}»?"),
                None => format!("здесь бывают: {}", known.join(", ")),
            };
            self.fault(key.span().start, format!("неизвестный ключ «{name}»"), fix);
        }
    }

    /// Reports a missing required key.
    pub fn missing(&mut self, section: &Section<'_>, key: &str, what: &str) {
        let flat = self.flat.iter().flat_map(|flat| &flat.tables);
        let tables = matches!(section.table, Table::Toml(_));
        if section.get(key).is_none() && !(tables && flat.into_iter().any(|it| it.name == key)) {
            self.fault(section.at.start, format!("{what}: нет обязательного «{key}»"), "");
        }
    }

    fn wrong_type(&mut self, key: &str, at: Range<usize>, found: &DeValue<'_>, wanted: &str) {
        let found = match found {
            DeValue::String(_) => "текст",
            DeValue::Integer(_) => "целое число",
            DeValue::Float(_) => "дробное число",
            DeValue::Boolean(_) => "true или false",
            DeValue::Datetime(_) => "дата",
            DeValue::Array(_) => "список",
            DeValue::Table(_) => "таблица",
        };
        let text = format!("«{key}»: {found}");
        let fault =
            Fault::at(&self.file.path, &self.file.text, at.start, text, format!("нужно: {wanted}"));
        // Quotes would not make a number of a word without them.
        let bare = wording::russian(wording::BARE, "x").0;
        let mut said = self.faults.iter_mut();
        match said.find(|said| said.line == fault.line && said.text == bare) {
            Some(said) => *said = fault,
            None => self.add(at.start, fault),
        }
    }
}

impl<'t> Section<'t> {
    /// The whole file as a section.
    #[must_use]
    pub fn whole(table: &'t Spanned<DeTable<'t>>) -> Self {
        Self { table: Table::Toml(table.get_ref()), at: 0..0 }
    }

    /// The value of a field.
    fn get(&self, key: &str) -> Option<Found<'_>> {
        match &self.table {
            Table::Toml(table) => table.get(key).map(Found::Toml),
            Table::Plain(flat, fields) => {
                let field = flat.fields[fields.clone()].iter().find(|field| field.key == key)?;
                Some(Found::Plain(field.value, field.at.clone()))
            }
        }
    }

    /// The value of a field of a table that is not plain.
    fn toml(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        match self.table {
            Table::Toml(table) => table.get(key),
            Table::Plain(..) => None,
        }
    }
}

/// The byte within a TOML literal (quotes included) that byte `inside` of its value came from.
fn inside_literal(literal: &str, inside: usize) -> usize {
    // What the parser took for a text in a broken file.
    if !literal.starts_with(['"', '\'']) {
        return 0;
    }
    let skip_newline = |from: usize| from + usize::from(literal[from..].starts_with('\n'));
    if literal.starts_with("'''") {
        return skip_newline(3) + inside;
    }
    if literal.starts_with('\'') {
        return 1 + inside;
    }
    let mut at = if literal.starts_with("\"\"\"") { skip_newline(3) } else { 1 };
    let mut value = 0;
    let continues = |rest: &str| {
        rest.strip_prefix('\\').is_some_and(|rest| rest.starts_with(char::is_whitespace))
    };
    while at < literal.len() && (value < inside || continues(&literal[at..])) {
        let rest = &literal[at..];
        let Some(escape) = rest.strip_prefix('\\') else {
            let length = rest.chars().next().map_or(1, char::len_utf8);
            at += length;
            value += length;
            continue;
        };
        let hex = |digits: usize| {
            let code = escape.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            (digits + 2, code.and_then(char::from_u32).map_or(1, char::len_utf8))
        };
        let (typed, meant) = match escape.chars().next() {
            Some('u') => hex(4),
            Some('U') => hex(8),
            Some('x') => hex(2),
            Some(c) if c.is_whitespace() => (1 + escape.len() - escape.trim_start().len(), 0),
            _ => (2, 1),
        };
        at += typed;
        value += meant;
    }
    at.min(literal.len())
}

/// The known key nearest to a mistyped one, if it is near enough.
fn nearest<'k>(typed: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|key| (distance(typed, key), *key))
        .min()
        .filter(|&(distance, key)| distance <= 1 + key.len() / 4)
        .map(|(_, key)| key)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, c) in a.chars().take(64).enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, d) in b.iter().enumerate() {
            let step = corner + usize::from(c != *d);
            corner = row[j + 1];
            row[j + 1] = step.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_inside_literals() {
        for (literal, inside, expected) in [
            ("'аб в'", 4, 5),
            ("'''\nаб'''", 2, 6),
            ("\"а\\\"б\"", 3, 5),
            ("\"\\u0430б\"", 2, 7),
            ("\"\"\"\na \\\n  b\"\"\"", 2, 10),
            ("\"аб\"", 99, 6),
            ("аб", 1, 0),
            ("", 1, 0),
        ] {
            assert_eq!(inside_literal(literal, inside), expected, "{literal}");
        }
    }

    #[test]
    fn nearest_keys() {
        let known = ["id", "find", "unless", "weight"];
        for (typed, expected) in [
            ("wieght", Some("weight")),
            ("finf", Some("find")),
            ("unles", Some("unless")),
            ("colour", None),
        ] {
            assert_eq!(nearest(typed, &known), expected, "{typed}");
        }
    }
}
