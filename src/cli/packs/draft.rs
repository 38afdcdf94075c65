//! A pack as rows of a sheet, and back.
//!
//! Place in the flow: between `sheets` and the files. Invariant: what is read from a file and
//! written back says the same; the text made for the checks has one value a line, so that a fault
//! leads to its cell.

use std::fmt;

use toml::{Table, Value};
use toml_edit::{ArrayOfTables, DocumentMut, Item};

use super::sections;
use super::sheets::{rules, text};

/// A cell of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Row, from 1.
    pub row: usize,
    /// Column, from 0.
    pub column: u8,
    /// Column in the line made for the checks where the value's first sign stands; 0: none.
    pub value: u32,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ячейка {}{}", char::from(b'A' + self.column), self.row)
    }
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A field of the pack: `title`, `severity`, `codes.pos`; `advice` may stand several times.
    Field(String, String),
    /// A rule.
    Rule { id: String, find: String, unless: String, weight: Option<i64>, disabled: bool },
    /// An example.
    Example { is: bool, text: String },
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Number of the row, from 1; 0 if it comes from a file.
    pub row: usize,
    /// What it says.
    pub said: Said,
}

/// A pack.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Its rows, fields first.
    pub lines: Vec<Line>,
}

const NUMBERS: [&str; 1] = ["severity"];
const FIELDS: [&str; 8] =
    ["id", "title", "kind", "severity", "department", "season", "advice", "codes"];

impl Line {
    /// The cells of a row.
    #[must_use]
    pub fn cells(&self) -> [String; 6] {
        let yes = |flag: bool| if flag { "да" } else { "нет" }.to_owned();
        let no = String::new;
        match &self.said {
            Said::Field(key, value) => [key.clone(), no(), value.clone(), no(), no(), no()],
            Said::Rule { id, find, unless, weight, disabled } => [
                "rule".to_owned(),
                id.clone(),
                find.clone(),
                unless.clone(),
                weight.map(|weight| weight.to_string()).unwrap_or_default(),
                if *disabled { yes(true) } else { no() },
            ],
            Said::Example { is, text } => {
                ["example".to_owned(), yes(*is), text.clone(), no(), no(), no()]
            }
        }
    }

    /// Reads the cells of row `row`. The error names the cell.
    pub fn of_cells(row: usize, cells: &[String]) -> Result<Self, (Cell, String)> {
        let cell = |column: usize| cells.get(column).map(|cell| cell.trim()).unwrap_or_default();
        let at = |column: u8| Cell { row, column, value: 0 };
        let flag = |column: u8| match cell(usize::from(column)).to_lowercase().as_str() {
            "да" | "true" | "1" => Ok(true),
            "нет" | "false" | "0" | "" => Ok(false),
            _ => Err((at(column), "нужно «да» или «нет»".to_owned())),
        };
        let said = match cell(0) {
            "rule" => Said::Rule {
                id: cell(1).to_owned(),
                find: cell(2).to_owned(),
                unless: cell(3).to_owned(),
                weight: match cell(4) {
                    "" => None,
                    weight => Some(
                        weight
                            .parse()
                            .map_err(|_| (at(4), "нужно целое число от 1 до 100".to_owned()))?,
                    ),
                },
                disabled: flag(5)?,
            },
            "example" if cell(1).is_empty() => {
                return Err((
                    at(1),
                    "нужно «да» или «нет»: должен ли пример находиться".to_owned(),
                ));
            }
            "example" => Said::Example { is: flag(1)?, text: cell(2).to_owned() },
            key if FIELDS.contains(&key) || key.starts_with("codes.") => {
                if NUMBERS.contains(&key) && cell(2).parse::<i64>().is_err() {
                    return Err((at(2), "нужно целое число".to_owned()));
                }
                Said::Field(key.to_owned(), cell(2).to_owned())
            }
            "" => return Err((at(0), "не сказано, что это за строка".to_owned())),
            other => {
                let text = format!("неизвестная строка «{other}» → бывает rule, example");
                return Err((at(0), format!("{text}, {}", FIELDS.join(", "))));
            }
        };
        Ok(Self { row, said })
    }
}

impl Draft {
    /// What a file says.
    #[must_use]
    pub fn of_table(table: &Table) -> Self {
        let mut said = Vec::new();
        for key in FIELDS {
            match table.get(key) {
                Some(Value::Array(list)) => said.extend(
                    list.iter()
                        .filter_map(Value::as_str)
                        .map(|text| Said::Field(key.to_owned(), text.to_owned())),
                ),
                Some(Value::Table(pairs)) => {
                    said.extend(pairs.iter().filter_map(|(name, text)| {
                        Some(Said::Field(format!("{key}.{name}"), text.as_str()?.to_owned()))
                    }))
                }
                Some(Value::String(text)) => said.push(Said::Field(key.to_owned(), text.clone())),
                Some(other) => said.push(Said::Field(key.to_owned(), other.to_string())),
                None => {}
            }
        }
        let of = |table: &Table, key| text(table, key).unwrap_or_default().trim().to_owned();
        said.extend(rules(table).map(|rule| Said::Rule {
            id: of(rule, "id"),
            find: of(rule, "find"),
            unless: of(rule, "unless"),
            weight: rule.get("weight").and_then(Value::as_integer),
            disabled: rule.get("disabled").and_then(Value::as_bool) == Some(true),
        }));
        said.extend(sections(table, "example").map(|example| Said::Example {
            is: example.get("is").and_then(Value::as_bool) == Some(true),
            text: of(example, "text"),
        }));
        Self { lines: said.into_iter().map(|said| Line { row: 0, said }).collect() }
    }

    /// What the rows say, whatever their numbers.
    #[must_use]
    pub fn values(&self) -> Vec<&Said> {
        self.lines.iter().map(|line| &line.said).collect()
    }

    /// The pack as TOML with one value a line, and the cell of each line.
    #[must_use]
    pub fn text(&self) -> (String, Vec<Cell>) {
        let mut out = Text::default();
        let fields = self.lines.iter().filter_map(|line| match &line.said {
            Said::Field(key, value) => Some((line.row, key.as_str(), value.as_str())),
            _ => None,
        });
        let lone = |key: &str| key != "advice" && !key.starts_with("codes");
        for (row, key, value) in fields.clone().filter(|field| lone(field.1)) {
            match NUMBERS.contains(&key) {
                true => out.line(&format!("{key} = {value}"), row, 2, 0),
                false => out.value(key, value, row, 2),
            }
        }
        let advice: Vec<_> = fields.clone().filter(|field| field.1 == "advice").collect();
        if let Some((row, ..)) = advice.first() {
            out.line("advice = [", *row, 0, 0);
            advice.iter().for_each(|(row, _, value)| out.entry(value, *row));
            out.line("]", *row, 0, 0);
        }
        let codes: Vec<_> = fields.filter(|field| field.1.starts_with("codes.")).collect();
        // Dotted keys stand on lines of their own.
        codes.iter().for_each(|(row, key, value)| out.value(key, value, *row, 2));
        for line in &self.lines {
            out.section(line);
        }
        (out.text, out.cells)
    }

    /// The file `old` with what this says: what stays keeps its comments and its form.
    pub fn laid_over(&self, old: &str) -> Result<String, String> {
        let read = |text: &str, whose: &str| -> Result<DocumentMut, String> {
            text.parse().map_err(|_| format!("{whose} файл не читается: otklik check скажет, где"))
        };
        let (new, mut doc) = (read(&self.text().0, "новый")?, read(old, "прежний")?);
        let fields = FIELDS.iter().filter(|key| meaning(doc.get(key)) != meaning(new.get(key)));
        for key in fields.copied().collect::<Vec<_>>() {
            match new.get(key) {
                Some(item) => doc[key] = item.clone(),
                None => drop(doc.remove(key)),
            }
        }
        for (list, names) in [("rule", &["id", "find"][..]), ("example", &["text"])] {
            lay(&mut doc, &new, list, names);
        }
        Ok(doc.to_string())
    }
}

/// Lays the tables `[[list]]` of one document over those of another.
fn lay(doc: &mut DocumentMut, new: &DocumentMut, list: &str, names: &[&str]) {
    let known = doc.get(list).and_then(Item::as_array_of_tables).cloned().unwrap_or_default();
    let wanted = new.get(list).and_then(Item::as_array_of_tables).cloned().unwrap_or_default();
    let value = |table: &toml_edit::Table, key: &str| {
        table.get(key).and_then(Item::as_str).map(|text| text.trim().to_owned())
    };
    let name = |table: &toml_edit::Table| names.iter().find_map(|key| value(table, key));
    let mut tables = ArrayOfTables::new();
    for table in wanted.iter() {
        let same = known.iter().find(|old| name(old).is_some() && name(old) == name(table));
        let mut own = same.cloned().unwrap_or_else(|| {
            let mut fresh = table.clone();
            fresh.decor_mut().set_prefix("\n");
            fresh
        });
        let keys = ["id", "find", "unless", "weight", "disabled", "text", "is"];
        for key in keys.into_iter().filter(|_| same.is_some()) {
            match table.get(key) {
                Some(item) if meaning(own.get(key)) != meaning(Some(item)) => {
                    own[key] = item.clone();
                }
                None => drop(own.remove(key)),
                Some(_) => {}
            }
        }
        own.set_position(None);
        tables.push(own);
    }
    match tables.is_empty() {
        true => drop(doc.remove(list)),
        false => doc[list] = Item::ArrayOfTables(tables),
    }
}

/// An item as its meaning: form and comments do not matter.
fn meaning(item: Option<&Item>) -> Option<String> {
    let item = item?;
    if let Some(text) = item.as_str() {
        return Some(text.trim().to_owned());
    }
    let mut doc = DocumentMut::new();
    doc["it"] = item.clone();
    toml::from_str::<Table>(&doc.to_string()).ok().map(|table| table.to_string())
}

#[derive(Default)]
struct Text {
    text: String,
    cells: Vec<Cell>,
}

impl Text {
    fn line(&mut self, line: &str, row: usize, column: u8, value: u32) {
        self.text.push_str(line);
        self.text.push('\n');
        self.cells.push(Cell { row, column, value });
    }

    fn value(&mut self, key: &str, value: &str, row: usize, column: u8) {
        let start = u32::try_from(key.chars().count()).unwrap_or(0) + 5;
        self.line(&format!("{key} = {}", quoted(value)), row, column, start);
    }

    fn entry(&mut self, value: &str, row: usize) {
        self.line(&format!("  {},", quoted(value)), row, 2, 4);
    }

    fn section(&mut self, line: &Line) {
        let row = line.row;
        match &line.said {
            Said::Field(..) => {}
            Said::Rule { id, find, unless, weight, disabled } => {
                self.line("[[rule]]", row, 0, 0);
                for (key, value, column) in
                    [("id", id, 1), ("find", find, 2), ("unless", unless, 3)]
                {
                    if !value.is_empty() {
                        self.value(key, value, row, column);
                    }
                }
                if let Some(weight) = weight {
                    self.line(&format!("weight = {weight}"), row, 4, 0);
                }
                if *disabled {
                    self.line("disabled = true", row, 5, 0);
                }
            }
            Said::Example { is, text } => {
                self.line("[[example]]", row, 0, 0);
                self.value("text", text, row, 2);
                self.line(&format!("is = {is}"), row, 1, 0);
            }
        }
    }
}

/// A text as a TOML literal on one line, plain quotes if it can be.
fn quoted(text: &str) -> String {
    let plain = !text.contains(['\'', '\n', '\r']) && !text.chars().any(char::is_control);
    match plain {
        true => format!("'{text}'"),
        false => Value::String(text.to_owned()).to_string().replace('\n', "\\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "# Вода.\nid = \"water\"\ntitle = \"Вода\"\nkind = \"problem\"\nseverity = 4\n\
        advice = [\n  \"Запросить график\", # дважды\n]\ncodes = { pos = \"ЖКХ\" }\n\n\
        # Главное правило.\n[[rule]]\nid = \"a\"\nfind = '''\n  вода |\n  кран\n'''\nweight = 60\n\n\
        # Второе.\n[[rule]]\nfind = 'труба' # слабое\n\n[[example]]\ntext = \"вода\"\nis = true\n";

    fn draft(text: &str) -> Draft {
        Draft::of_table(&toml::from_str(text).expect("TOML"))
    }

    #[test]
    fn a_pack_survives_its_sheet() {
        let draft = draft(OLD);
        let rows = draft.lines.iter().enumerate();
        let again: Vec<Line> = rows
            .map(|(at, line)| Line::of_cells(at + 2, &line.cells()).expect("a sound row"))
            .collect();
        let again = Draft { lines: again };
        assert_eq!(again.values(), draft.values());
        let (text, cells) = again.text();
        assert_eq!(super::tests::draft(&text).values(), draft.values());
        assert_eq!(text.lines().count(), cells.len());
        let find = text.lines().position(|line| line.starts_with("find = 'труба")).expect("a line");
        assert_eq!(cells[find].to_string(), "ячейка C9");
    }

    #[test]
    fn comments_of_what_stays_are_kept() {
        let mut edited = draft(OLD);
        for line in &mut edited.lines {
            if let Said::Rule { id, weight, .. } = &mut line.said
                && id == "a"
            {
                *weight = Some(70);
            }
        }
        let rule = Said::Rule {
            id: "new".to_owned(),
            find: "\"нет воды\"".to_owned(),
            unless: String::new(),
            weight: None,
            disabled: false,
        };
        edited.lines.push(Line { row: 20, said: rule });
        let text = edited.laid_over(OLD).expect("a document");
        for kept in ["# Вода.", "# Главное правило.", "# дважды", "# слабое", "  вода |\n  кран\n"]
        {
            assert!(text.contains(kept), "{kept} in {text}");
        }
        assert!(text.contains("weight = 70") && text.contains("find = '\"нет воды\"'"), "{text}");
        let mut lines = draft(&text).lines;
        lines.sort_by_key(|line| line.cells());
        let mut wanted = draft(&edited.text().0).lines;
        wanted.sort_by_key(|line| line.cells());
        assert_eq!(lines, wanted);
    }

    #[test]
    fn bad_cells_are_named() {
        let row = |cells: [&str; 6]| {
            let cells = cells.map(str::to_owned);
            Line::of_cells(7, &cells).err().map(|(cell, _)| cell.to_string())
        };
        for (cells, expected) in [
            (["rule", "", "вода", "", "много", ""], Some("ячейка E7")),
            (["rule", "", "вода", "", "", "может"], Some("ячейка F7")),
            (["example", "", "вода", "", "", ""], Some("ячейка B7")),
            (["severity", "", "высокая", "", "", ""], Some("ячейка C7")),
            (["правило", "", "вода", "", "", ""], Some("ячейка A7")),
            (["rule", "a", "вода", "", "60", "да"], None),
        ] {
            assert_eq!(row(cells).as_deref(), expected, "{cells:?}");
        }
    }
}
