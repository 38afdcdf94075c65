//! What the TOML reader says, in Russian with the fix.
//!
//! Place in the flow: `fault::parse_toml` and the table reader pass every message of the `toml` and
//! `serde` crates through here. Invariant: a message nobody foresaw still names its place and says
//! that the line is not TOML; values are never repeated, they may be secrets.

use super::nearest::nearest;

/// What the reader says of a text without quotes, by its beginning.
pub const BARE: &str = "string values must be quoted";

/// Message of the reader (by its beginning), what we say, the fix.
const SYNTAX: &[(&str, &str, &str)] = &[
    ("duplicate key", "ключ задан дважды", "оставьте одну строку"),
    ("unclosed table", "в заголовке раздела нет закрывающей скобки", "допишите «]»"),
    ("unclosed array table", "в заголовке раздела нет закрывающих скобок", "допишите «]]»"),
    ("unclosed array", "у списка нет закрывающей скобки", "допишите «]»"),
    ("unclosed inline table", "нет закрывающей фигурной скобки", "допишите «}»"),
    ("missing value", "у ключа нет значения", "допишите значение после знака «=»"),
    ("key with no value", "у ключа нет значения", "допишите «= значение» или удалите строку"),
    ("missing assignment", "между ключом и значением нет знака «=»", "поставьте «=»"),
    ("extra assignment", "лишний знак «=»", "удалите его"),
    ("extra `=`", "лишний знак «=»", "удалите его"),
    ("missing comma", "между значениями нет запятой", "поставьте запятую"),
    ("extra comma", "лишняя запятая", "удалите её"),
    ("missing opening quote", "нет открывающей кавычки", "возьмите строку в кавычки \"…\""),
    (BARE, "строка без кавычек", "возьмите её в кавычки \"…\""),
    ("invalid basic string", "строка не закрыта кавычкой", "поставьте закрывающую кавычку"),
    ("invalid literal string", "строка не закрыта апострофом", "поставьте закрывающий апостроф"),
    ("invalid multi-line", "длинная строка не закрыта", "закройте её теми же тремя кавычками"),
    ("invalid string", "строка записана неверно", "возьмите её в кавычки \"…\""),
    (
        "missing escaped value",
        "обратная черта в строке",
        "напишите «\\\\» или возьмите в апострофы",
    ),
    ("invalid unquoted key", "имя ключа с недопустимым знаком", "латинские буквы, цифры, «_», «-»"),
    ("invalid key", "имя ключа с недопустимым знаком", "латинские буквы, цифры, «_», «-»"),
    ("unquoted keys cannot be empty", "перед знаком «=» нет имени ключа", "допишите его"),
    (
        "cannot extend value",
        "этот раздел уже записан по-другому",
        "соберите его ключи в одном месте",
    ),
    ("unexpected key or value", "лишний текст в конце строки", "перенесите его на новую строку"),
    ("cannot recurse further", "слишком глубокие скобки", "уберите вложенные скобки"),
    ("unexpected leading zero", "число начинается с нуля", "уберите ноль"),
    ("invalid mantissa", "число записано неверно", "пишите цифры без пробелов"),
    ("invalid integer", "число записано неверно", "пишите цифры без пробелов"),
    ("invalid float", "число записано неверно", "пишите, например, 0.5"),
    ("invalid date", "дата записана неверно", "пишите, например, 2026-01-31"),
    ("invalid time", "время записано неверно", "пишите, например, 08:30:00"),
    ("invalid boolean", "значение записано неверно", "строчными буквами: true или false"),
    ("invalid fraction", "число записано неверно", "пишите, например, 0.5"),
    ("invalid exponent", "число записано неверно", "пишите цифры без букв"),
    ("invalid hexadecimal", "число записано неверно", "пишите цифры без букв"),
    ("invalid octal", "число записано неверно", "пишите цифры без букв"),
    ("invalid binary", "число записано неверно", "пишите цифры без букв"),
    ("redundant", "лишний знак у числа", "оставьте одни цифры"),
    ("unexpected sign", "лишний знак у числа", "оставьте одни цифры"),
    ("radix must", "число записано неверно", "пишите цифры без букв"),
    ("integers with a radix", "лишний знак у числа", "оставьте одни цифры"),
    ("`_` may only", "лишний знак «_» в числе", "оставьте одни цифры"),
    ("integer number overflowed", "слишком большое число", "уменьшите его"),
    ("floating-point number overflowed", "слишком большое число", "уменьшите его"),
    ("too few unicode", "неверный знак после «\\»", "в апострофах '…' он пишется просто"),
    ("missing key for inline", "в фигурных скобках нет имени ключа", "пишите: { имя = \"…\" }"),
    ("invalid inline table", "в фигурных скобках записано неверно", "пишите: { имя = \"…\" }"),
    ("unexpected `=` in array", "знак «=» внутри списка", "уберите его или закройте список: «]»"),
];

/// Words of serde for the kind of a value, in Russian.
const KINDS: &[(&str, &str)] = &[
    ("a string", "строка в кавычках"),
    ("string", "строка"),
    ("a boolean", "true или false"),
    ("boolean", "true или false"),
    ("integer", "число"),
    ("floating point", "дробное число"),
    ("a sequence", "список в квадратных скобках"),
    ("sequence", "список"),
    ("a map", "раздел"),
    ("map", "раздел"),
    ("struct", "раздел"),
    ("f32", "число"),
    ("f64", "число"),
];

/// What is wrong and what to do, for a message of the reader; `after` is the text from its place
/// on.
#[must_use]
pub fn russian(message: &str, after: &str) -> (String, String) {
    let ends = after.trim_start_matches([' ', '\t', '\r']);
    let ends = ends.is_empty() || ends.starts_with(['\n', '#']);
    let message = match message.starts_with("string values must be quoted") && ends {
        true => "missing value",
        false => message,
    };
    if let Some(said) = of_serde(message) {
        return said;
    }
    for (start, text, fix) in SYNTAX {
        if message.starts_with(start) {
            return ((*text).to_owned(), (*fix).to_owned());
        }
    }
    if is_russian(message) {
        return (message.to_owned(), String::new());
    }
    let fix = "посмотрите на кавычки, скобки и знак «=»";
    ("здесь записано неверно".to_owned(), fix.to_owned())
}

/// Whether a message is one of ours: outside of what it quotes it begins with a Russian word. What
/// the crates say begins with an English one.
fn is_russian(message: &str) -> bool {
    let mut own = message.split(['`', '"']).step_by(2).flat_map(str::chars);
    own.find(|c| c.is_alphabetic()).is_some_and(|c| !c.is_ascii())
}

/// The messages that serde makes for derived types.
fn of_serde(message: &str) -> Option<(String, String)> {
    let mut named = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let found = named.next()?;
        let known: Vec<&str> = named.collect();
        let what = if message.starts_with("unknown field") {
            format!("неизвестный ключ `{found}`")
        } else {
            format!("неизвестное значение `{found}`")
        };
        return Some((what, suggestion(found, &known)));
    }
    if message.starts_with("missing field") {
        let field = named.next()?;
        return Some((
            format!("нет обязательного ключа `{field}`"),
            format!("допишите {field} = …"),
        ));
    }
    if message.starts_with("duplicate field") {
        return Some((
            format!("ключ `{}` задан дважды", named.next()?),
            "оставьте одну строку".to_owned(),
        ));
    }
    if message.starts_with("invalid type") || message.starts_with("invalid value") {
        let wanted = kind(message.rsplit("expected ").next()?);
        let fix = wanted.map_or_else(String::new, |wanted| format!("нужно: {wanted}"));
        return Some(("значение не того вида".to_owned(), fix));
    }
    None
}

/// A kind of value in Russian; numbers of Rust become «целое число». `None` if nobody foresaw it.
fn kind(wanted: &str) -> Option<&str> {
    let numbers = ["u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64"];
    let found = KINDS
        .iter()
        .find(|(word, _)| wanted == *word || (*word == "struct" && wanted.starts_with("struct")));
    match found {
        Some((_, russian)) => Some(russian),
        None if numbers.contains(&wanted) => Some("целое число"),
        None => Some(wanted).filter(|wanted| is_russian(wanted)),
    }
}

/// The fix for an unknown word: the nearest known one, else all of them.
#[must_use]
pub fn suggestion(found: &str, known: &[&str]) -> String {
    match nearest(found, known.iter().copied()) {
        Some(word) => format!("может быть, `{word}`?"),
        None if known.is_empty() => "удалите его".to_owned(),
        None => format!("здесь бывают: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_the_reader_are_russian() {
        let check = |message: &str, text: &str, fix: &str| {
            assert_eq!(russian(message, "x"), (text.to_owned(), fix.to_owned()), "{message}");
        };
        check("duplicate key", "ключ задан дважды", "оставьте одну строку");
        check(
            "unknown field `wieght`, expected one of `find`, `unless`, `weight`",
            "неизвестный ключ `wieght`",
            "может быть, `weight`?",
        );
        check("missing field `id`", "нет обязательного ключа `id`", "допишите id = …");
        check(
            "invalid type: string \"не число\", expected u8",
            "значение не того вида",
            "нужно: целое число",
        );
        check(
            "something new",
            "здесь записано неверно",
            "посмотрите на кавычки, скобки и знак «=»",
        );
    }

    #[test]
    fn what_the_crates_say_of_russian_texts_stays_with_us() {
        for message in [
            "invalid type: string \"много\", expected any valid TOML value",
            "failed to parse \"вчера\" as a date",
            "`важность` is not known",
        ] {
            let (text, fix) = russian(message, "x");
            let latin = |c: char| c.is_ascii_alphabetic();
            assert!(!text.contains(latin) && !fix.contains(latin), "{message}: {text} → {fix}");
        }
    }

    #[test]
    fn our_own_russian_messages_pass_unchanged() {
        assert_eq!(russian("месяц 13", "").0, "месяц 13");
    }
}
