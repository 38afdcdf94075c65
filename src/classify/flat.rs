//! Reads the rules and examples of a pack file line by line, as nearly all files are written.
//!
//! Place in the flow: under `fields`, beside the TOML reader, which reads what stands before the
//! first rule, and the whole file wherever anything here is not plain. Invariant: what is read here
//! is read the same by the TOML reader; a file with a fault is never read here.
//!
//! A pack of a thousand rules is then two thousand lines, not two thousand tables.

use std::ops::Range;

/// A value with its key.
#[derive(Debug)]
pub struct Field<'f> {
    /// Key.
    pub key: &'f str,
    /// What stands behind `=`.
    pub value: Value<'f>,
    /// Bytes of the value, quotes included.
    pub at: Range<usize>,
}

/// What rules and examples hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'f> {
    /// A text without escapes.
    Text(&'f str),
    /// A small whole number.
    Number(i64),
    /// `true` or `false`.
    Flag(bool),
}

/// A table `[[rule]]` or `[[example]]`.
#[derive(Debug)]
pub struct Plain<'f> {
    /// `rule` or `example`.
    pub name: &'f str,
    /// Bytes of its header.
    pub at: Range<usize>,
    /// Its fields among all.
    pub fields: Range<usize>,
}

/// The plain part of a file.
#[derive(Debug)]
pub struct Flat<'f> {
    /// Bytes in front of it.
    pub head: usize,
    /// Its tables.
    pub tables: Vec<Plain<'f>>,
    /// The fields of all tables.
    pub fields: Vec<Field<'f>>,
}

/// What the keys of each table hold.
const KEYS: &[(&str, &str, Kind)] = &[
    ("rule", "id", Kind::Text),
    ("rule", "find", Kind::Text),
    ("rule", "unless", Kind::Text),
    ("rule", "weight", Kind::Number),
    ("rule", "disabled", Kind::Flag),
    ("example", "text", Kind::Text),
    ("example", "is", Kind::Flag),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Flag,
}

impl Value<'_> {
    fn kind(self) -> Kind {
        match self {
            Value::Text(_) => Kind::Text,
            Value::Number(_) => Kind::Number,
            Value::Flag(_) => Kind::Flag,
        }
    }
}

impl<'f> Flat<'f> {
    /// The tables of `text` from the first `[[` that begins a line on; `None` if anything from
    /// there on, or a text of several lines before, needs the TOML reader.
    #[must_use]
    pub fn of(text: &'f str) -> Option<Self> {
        let head = if text.starts_with("[[") { 0 } else { text.find("\n[[")? + 1 };
        if text[..head].contains("\"\"\"") || text[..head].contains("'''") {
            return None;
        }
        let strange = |byte: u8| byte < b' ' && !matches!(byte, b'\n' | b'\t') || byte == 0x7F;
        if text.bytes().any(strange) {
            return None;
        }
        let mut flat = Self { head, tables: Vec::new(), fields: Vec::new() };
        let mut at = head;
        while at < text.len() {
            at = flat.line(text, at)?;
        }
        Some(flat)
    }

    /// Reads the line that starts at byte `at`, to the end of its value. Returns where the next
    /// one starts.
    fn line(&mut self, text: &'f str, at: usize) -> Option<usize> {
        let line = line_at(text, at);
        let next = at + line.len() + 1;
        let start = line.trim_start_matches(BLANKS);
        if is_empty(start) {
            return Some(next);
        }
        let from = at + line.len() - start.len();
        if let Some(header) = start.strip_prefix("[[") {
            let (name, rest) = header.split_once("]]")?;
            let known = KEYS.iter().any(|key| key.0 == name) && is_empty(rest);
            let end = from + start.len() - rest.len();
            let fields = self.fields.len()..self.fields.len();
            self.tables.push(Plain { name, at: from..end, fields });
            return known.then_some(next);
        }
        let (key, rest) = start.split_once('=')?;
        let key = key.trim_end_matches(BLANKS);
        let behind = rest.trim_start_matches(BLANKS);
        let from = from + start.len() - behind.len();
        let (value, length) = value(&text[from..])?;
        let end = from + length;
        let tail = line_at(text, end);
        let table = self.tables.last_mut()?;
        let kind = KEYS.iter().find(|known| known.0 == table.name && known.1 == key)?.2;
        let again = self.fields[table.fields.clone()].iter().any(|field| field.key == key);
        if kind != value.kind() || again || !is_empty(tail) {
            return None;
        }
        self.fields.push(Field { key, value, at: from..end });
        table.fields.end += 1;
        Some(end + tail.len() + 1)
    }
}

/// What is left of the line that byte `at` stands in.
fn line_at(text: &str, at: usize) -> &str {
    text[at..].split('\n').next().unwrap_or_default()
}

const BLANKS: [char; 2] = [' ', '\t'];

/// Whether nothing but blanks or a comment is left of a line.
fn is_empty(rest: &str) -> bool {
    let rest = rest.trim_start_matches(BLANKS);
    rest.is_empty() || rest.starts_with('#')
}

/// The plain value that `rest` begins with, and how many bytes it is long.
fn value(rest: &str) -> Option<(Value<'_>, usize)> {
    if let Some(body) = rest.strip_prefix("'''") {
        let (text, behind) = body.split_once("'''")?;
        let own = text.strip_prefix('\n').unwrap_or(text);
        return (!behind.starts_with('\'')).then_some((Value::Text(own), text.len() + 6));
    }
    let quote = rest.chars().next()?;
    if matches!(quote, '\'' | '"') {
        let (text, behind) = rest[1..].split_once(quote)?;
        let escapes = quote == '"' && text.contains('\\');
        let plain = !behind.starts_with(quote) && !escapes && !text.contains('\n');
        return plain.then_some((Value::Text(text), text.len() + 2));
    }
    for (word, flag) in [("true", true), ("false", false)] {
        if rest.starts_with(word) {
            return Some((Value::Flag(flag), word.len()));
        }
    }
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let plain = (1..=3).contains(&digits) && (digits == 1 || quote != '0');
    plain.then_some((Value::Number(rest[..digits].parse().ok()?), digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_tables_are_read_and_all_else_is_left() {
        let read = |text: &str| {
            let flat = Flat::of(text)?;
            let table = |table: &Plain<'_>| {
                let fields = &flat.fields[table.fields.clone()];
                let fields = fields.iter().map(|f| format!(" {}={:?}", f.key, &text[f.at.clone()]));
                format!("{}{}", &text[table.at.clone()], fields.collect::<String>())
            };
            Some(flat.tables.iter().map(table).collect::<Vec<_>>().join("; "))
        };
        for (text, expected) in [
            (
                "id = \"a\"\n[[rule]]\nfind = 'а | \"б в\"~3'\n",
                "[[rule]] find=\"'а | \\\"б в\\\"~3'\"",
            ),
            (
                "[[rule]] # x\n\n  id =\"a\" # y\nweight=60",
                "[[rule]] id=\"\\\"a\\\"\" weight=\"60\"",
            ),
            (
                "[[example]]\ntext = \"а # б\"\nis = false",
                "[[example]] text=\"\\\"а # б\\\"\" is=\"false\"",
            ),
            ("[[rule]]\n[[rule]]", "[[rule]]; [[rule]]"),
            (
                "[[rule]]\nfind = '''\nа |\n# б''' # в\nweight = 5",
                "[[rule]] find=\"'''\\nа |\\n# б'''\" weight=\"5\"",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "id = 'a'",
            "[[marker]]\nfind = 'а'",
            "[[rule]]\nfind = 'а",
            "[[rule]]\nfind = '''а''''",
            "[[rule]]\nfind = 'а\nб'",
            "[[rule]]\nfind = ''''",
            "[[rule]]\nfind = \"а\\n\"",
            "[[rule]]\nfind = 5",
            "[[rule]]\nweight = 5.0",
            "[[rule]]\nweight = 05",
            "[[rule]]\nweight = 1_0",
            "[[rule]]\nid = 'a'\nid = 'b'",
            "[[rule]]\nid = 'a' id = 'b'",
            "[[rule]]\nfnd = 'a'",
            "[[rule]]\n'find' = 'a'",
            "[[rule]]\ndisabled = truely",
            "[[rule]]\r\nid = 'a'",
            "[[rule]]\n[codes]\nx = 'a'",
            "[[rule]]\nid = 'a\u{1}'",
            "a = '''\n[[rule]]\n'''\n[[rule]]",
        ] {
            assert!(Flat::of(text).is_none(), "{text}");
        }
    }
}
