//! What the TOML reader stumbled over, told by the line that it stands on.
//!
//! Place in the flow: between the `toml` crate and the readers of configuration and packs; what the
//! line does not tell is left to `wording`. Invariants: one fault a line, because the next ones are
//! its echoes, and none behind what swallows the rest of the file; values are never repeated, they
//! may be secrets.

use toml::de::Error;

use super::wording;

/// A fault in the form of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Byte of the file.
    pub at: usize,
    /// What is wrong.
    pub text: String,
    /// What to do.
    pub fix: String,
    /// Whether all that stands behind was read as part of it.
    pub rest: bool,
}

/// The faults that the reader's `errors` tell of, in the order of the file.
#[must_use]
pub fn faults(source: &str, errors: Vec<Error>) -> Vec<Said> {
    let at = |error: &Error| error.span().map_or(0, |span| span.start.min(source.len()));
    let mut errors: Vec<(usize, String)> =
        errors.iter().map(|error| (at(error), error.message().to_owned())).collect();
    errors.sort_by_key(|error| error.0);
    let mut faults: Vec<Said> = Vec::new();
    for (at, message) in errors {
        let said = say(&Spot::new(source, at), &message);
        let line = line_start(source, said.at);
        if faults.iter().any(|before| line_start(source, before.at) == line) {
            continue;
        }
        let rest = said.rest;
        faults.push(said);
        if rest {
            break;
        }
    }
    faults
}

fn line_start(source: &str, at: usize) -> usize {
    source.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1)
}

/// A place in a file and the line around it.
struct Spot<'s> {
    source: &'s str,
    at: usize,
    /// The line.
    line: &'s str,
    /// What stands in front of the place.
    before: &'s str,
    /// The rest of the line.
    rest: &'s str,
}

/// Place, text, fix.
type Told = (usize, String, String);

impl<'s> Spot<'s> {
    fn new(source: &'s str, at: usize) -> Self {
        let at = (0..=at).rev().find(|&at| source.is_char_boundary(at)).unwrap_or_default();
        let start = line_start(source, at);
        let end = source[at..].find('\n').map_or(source.len(), |length| at + length);
        let (line, before, rest) = (&source[start..end], &source[start..at], &source[at..end]);
        Self { source, at, line, before, rest }
    }

    /// The same, `ahead` bytes further.
    fn told(&self, ahead: usize, text: impl Into<String>, fix: &str) -> Option<Told> {
        Some((self.at + ahead, text.into(), fix.to_owned()))
    }

    fn first(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Whether the place begins a line that is no part of a list: `key =`, `[section]`.
    fn is_next_line(&self) -> bool {
        let key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let rest = self.rest.trim_start_matches(key);
        let assigns = rest.len() < self.rest.len() && rest.trim_start().starts_with('=');
        let ends = self.source[self.at..].trim().is_empty();
        ends || self.before.trim().is_empty() && (self.rest.starts_with('[') || assigns)
    }
}

fn say(spot: &Spot<'_>, message: &str) -> Said {
    let is = |start: &str| message.starts_with(start);
    if let Some(said) = open(spot, message) {
        return said;
    }
    let told = strange_sign(spot, message).or_else(|| comment(spot)).or_else(|| match () {
        () if is("invalid unquoted key") || is("key with no value") => key(spot, message),
        () if is("unexpected key or value") => behind(spot),
        () if is("string values must be quoted") => bare(spot),
        () if is("invalid basic string") => quoted(spot),
        () if is("duplicate key") => header(spot),
        () if is("invalid date") || is("invalid float") || is("invalid time") => date(spot),
        () => None,
    });
    let (at, text, fix) = told.unwrap_or_else(|| {
        let (text, fix) = wording::russian(message, spot.rest);
        (spot.at, text, fix)
    });
    Said { at, text, fix, rest: message.starts_with("unclosed") && !is("unclosed table") }
}

/// A list, a table in braces or a long text that nobody closed.
fn open(spot: &Spot<'_>, message: &str) -> Option<Said> {
    if message.starts_with("invalid multi-line") {
        let quotes = if message.contains("literal") { "'''" } else { "\"\"\"" };
        let at = spot.source[..spot.at].rfind(quotes)?;
        let (text, fix) = wording::russian(message, spot.rest);
        return Some(Said { at, text, fix, rest: true });
    }
    let list = message.contains("array elements") || message.contains("in array");
    let braces = message.contains("key-value pairs") || message.contains("inline table");
    if !spot.is_next_line() || !(list || braces || message == "unclosed array, expected `]`") {
        return None;
    }
    let at = spot.source[..spot.at].trim_end().len();
    let name = if braces { "unclosed inline table" } else { "unclosed array" };
    let (text, fix) = wording::russian(name, "x");
    Some(Said { at, text, fix, rest: true })
}

fn is_typographic(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '«' | '»' | '‘' | '’')
}

/// A sign that looks like another one, or like none.
fn strange_sign(spot: &Spot<'_>, message: &str) -> Option<Told> {
    if message.starts_with("carriage return") {
        let fix = "сохраните файл заново в Блокноте";
        return spot.told(0, "неверный знак конца строки", fix);
    }
    if ["<<<<<<<", "=======", ">>>>>>>"].iter().any(|marks| spot.line.starts_with(marks)) {
        let fix = "оставьте один вариант, а эту строку удалите";
        return spot.told(0, "след слияния двух файлов", fix);
    }
    let c = spot.first()?;
    match c {
        '\u{A0}' | '\u{202F}' | '\u{2009}' => {
            spot.told(0, "неразрывный пробел", "наберите обычный пробел")
        }
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}' | '\u{FEFF}' => {
            spot.told(0, "невидимый знак", "удалите его")
        }
        c if c.is_control() && !matches!(c, '\n' | '\r' | '\t') => {
            spot.told(0, "управляющий знак, которого не видно", "удалите его")
        }
        c if is_typographic(c) => {
            spot.told(0, format!("типографская кавычка «{c}»"), "замените на прямую: \"")
        }
        _ => None,
    }
}

/// «//» where a comment was meant.
fn comment(spot: &Spot<'_>) -> Option<Told> {
    let slashes = spot.rest.match_indices("//").find(|(at, _)| {
        spot.rest[..*at].chars().next_back().is_none_or(char::is_whitespace)
            && !spot.rest[..*at].contains('"')
    })?;
    spot.told(slashes.0, "примечание начинается не с «//», а с «#»", "замените «//» на «#»")
}

/// A key that is none.
fn key(spot: &Spot<'_>, message: &str) -> Option<Told> {
    if spot.rest.starts_with(':') {
        return spot.told(0, "вместо «:» нужен знак «=»", "замените «:» на «=»");
    }
    let start = spot.line.trim_start();
    if !spot.line.contains('=') && !start.starts_with('[') {
        let value = spot.rest.trim_start();
        if value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | '\'')) {
            return spot.told(0, "между ключом и значением нет знака «=»", "поставьте «=»");
        }
        let fix = "если это примечание, поставьте в её начале «#»";
        let several = start.contains(' ') || !start.is_ascii();
        return several
            .then(|| spot.told(0, "строка — не «ключ = значение» и не заголовок", fix))?;
    }
    if message.starts_with("key with no value") {
        let fix = "пишите его слитно или через «_»";
        return spot.told(0, "пробел в имени ключа", fix).filter(|_| spot.line.contains('='));
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, '=' | '[' | ']' | '{' | '}' | ',' | '.');
    let head = spot.before.rsplit(ends).next().unwrap_or_default();
    let tail = spot.rest.split(ends).next().unwrap_or_default();
    let latin = |part: &str| part.contains(|c: char| c.is_ascii_alphabetic());
    let mixed = (latin(head) || latin(tail)) && !tail.contains(['"', '\'']);
    mixed.then(|| {
        let text = format!("в имени «{head}{tail}» русские буквы среди латинских");
        spot.told(0, text, "наберите его заново латинскими буквами")
    })?
}

/// What stands behind a value or a header.
fn behind(spot: &Spot<'_>) -> Option<Told> {
    let rest = spot.rest.trim_end();
    for (quote, fix) in [
        ('"', "внутри поставьте «…» или снаружи апострофы: '…'"),
        ('\'', "внутри поставьте «…» или снаружи кавычки: \"…\""),
    ] {
        if spot.before.ends_with(quote) && rest.contains(quote) && !rest.starts_with(',') {
            return spot.told(0, "кавычки внутри кавычек", fix);
        }
    }
    if spot.line.trim_start().starts_with('[') {
        let fix = "в строке заголовка — только имя и скобки, слева и справа поровну";
        return spot.told(0, "заголовок раздела записан неверно", fix);
    }
    let mut signs = rest.chars();
    match (signs.next()?, signs.next()) {
        (',', Some('0'..='9')) => {
            spot.told(0, "дробное число с запятой", "отделите дробную часть точкой")
        }
        (',' | ';', None) => {
            spot.told(0, format!("лишний знак «{rest}» в конце строки"), "удалите его")
        }
        (',', _) if !spot.before.contains('[') => {
            let fix = "возьмите весь список в скобки: [\"…\", \"…\"]";
            spot.told(0, "несколько значений без скобок списка", fix)
        }
        _ if rest.contains('=') => two_keys(spot),
        _ => None,
    }
}

fn two_keys(spot: &Spot<'_>) -> Option<Told> {
    spot.told(0, "в одной строке два ключа", "перенесите второй на новую строку")
}

/// A value without quotes.
fn bare(spot: &Spot<'_>) -> Option<Told> {
    let value = spot.rest.trim_end();
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(known) = value.strip_suffix([';', ','])
        && (number(known) || matches!(known, "true" | "false"))
    {
        let text = format!("лишний знак «{}» в конце строки", &value[known.len()..]);
        return spot.told(known.len(), text, "удалите его");
    }
    if value.starts_with(|c: char| c.is_ascii_digit()) {
        if value.contains('=') {
            return two_keys(spot);
        }
        let digits = value.bytes().take_while(u8::is_ascii_digit).count();
        let fix = "оставьте одно число, без пробелов и знаков";
        return spot.told(digits, "лишнее после числа", fix);
    }
    if value.starts_with(';') {
        return spot.told(0, "вместо «;» нужна запятая", "замените «;» на «,»");
    }
    let word = value.to_lowercase();
    if matches!(word.as_str(), "да" | "нет" | "истина" | "ложь") {
        return spot.told(0, format!("«{word}» здесь не пишут"), "напишите true или false");
    }
    None
}

/// A text whose quote is not closed by the same quote.
fn quoted(spot: &Spot<'_>) -> Option<Told> {
    let text = spot.before.trim_end();
    let last = text.chars().next_back()?;
    let at = spot.at - (spot.before.len() - text.len()) - last.len_utf8();
    if is_typographic(last) {
        let what = format!("типографская кавычка «{last}»");
        return Some((at, what, "замените на прямую: \"".to_owned()));
    }
    let fix = "поставьте в конце такую же кавычку, как в начале";
    (last == '\'').then(|| (at, "текст начат кавычкой, а закончен апострофом".into(), fix.into()))
}

/// A section that is opened by one bracket here and by two there.
fn header(spot: &Spot<'_>) -> Option<Told> {
    let start = spot.line.trim_start();
    let name = start.trim_start_matches('[').split(']').next().unwrap_or_default();
    let (one, two) = (format!("[{name}]"), format!("[[{name}]]"));
    let lines = || spot.source.lines().map(str::trim);
    let single = lines().any(|line| line.starts_with(&one));
    let double = lines().any(|line| line.starts_with(&two));
    let mixed = start.starts_with('[') && single && double;
    let text = format!("раздел «{name}» открыт и одной скобкой, и двумя");
    mixed.then(|| (spot.at, text, format!("везде пишите {two}")))
}

/// A text that begins like a date or a fraction: «09-15..05-15», «31.01.2026».
fn date(spot: &Spot<'_>) -> Option<Told> {
    let (name, value) = spot.line.split_once('=')?;
    let blanks = value.len() - value.trim_start().len();
    let at = spot.at - spot.before.len() + name.len() + 1 + blanks;
    let (text, fix) = wording::russian(wording::BARE, "x");
    (value.matches('.').count() > 1).then_some((at, text, fix))
}
