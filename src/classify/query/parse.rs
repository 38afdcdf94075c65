//! Reads a query, character by character.
//!
//! Place in the flow: under `query`. Invariant: every way out is a query within the limits or one
//! fault with the byte it is about; recursion is bounded by [`DEPTH_MAX`].

use crate::text::Tokens;

use super::{
    CHARS_MAX, DEPTH_MAX, How, Item, Mark, PHRASE_PARTS_MAX, PREFIX_MIN, Query, QueryFault,
    REGEX_CHARS_MAX, TERMS_MAX, WINDOW_MAX, WINDOW_PARTS_MAX, Word, pattern,
};

type Parsed<T> = Result<T, QueryFault>;

/// Parses a query. `Err` points at the character that is wrong.
pub fn parse(source: &str) -> Parsed<Query> {
    parse_with(source, &mut Tokens::default())
}

/// [`parse`] with buffers that are used again.
pub fn parse_with(source: &str, tokens: &mut Tokens) -> Parsed<Query> {
    if source.chars().nth(CHARS_MAX).is_some() {
        return fault(0, format!("запрос длиннее {CHARS_MAX} знаков"), "разделите его на правила");
    }
    let mut parser = Parser { source, at: 0, tokens };
    parser.skip_space();
    if parser.peek().is_none() {
        return fault(0, "пустой запрос", "напишите хотя бы одно слово");
    }
    let query = parser.or(0)?;
    if let Some(c) = parser.peek() {
        return parser.unexpected(c);
    }
    if query.terms() > TERMS_MAX {
        let text = format!("в запросе больше {TERMS_MAX} слов");
        return fault(0, text, "разделите его на несколько правил");
    }
    Ok(query)
}

fn fault<T>(offset: usize, text: impl Into<String>, fix: impl Into<String>) -> Parsed<T> {
    Err(QueryFault { offset, text: text.into(), fix: fix.into() })
}

struct Parser<'a> {
    source: &'a str,
    at: usize,
    tokens: &'a mut Tokens,
}

/// A word as typed: its letters and the signs around them.
struct Typed {
    /// Nearly always the only one.
    first: String,
    /// Words behind it that a hyphen or a digit parts from it.
    more: Vec<String>,
    how: How,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<char> {
        self.source[self.at..].chars().next()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.bump();
        }
        found
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.bump();
        }
    }

    fn or(&mut self, depth: usize) -> Parsed<Query> {
        let first = self.and(depth)?;
        if self.peek() != Some('|') {
            return Ok(first);
        }
        let mut any = vec![first];
        while self.eat('|') {
            any.push(self.and(depth)?);
        }
        Ok(Query::Or(any))
    }

    fn and(&mut self, depth: usize) -> Parsed<Query> {
        // Most often one part is all there is.
        let (mut first, mut all, mut none) = (None, Vec::new(), Vec::new());
        self.skip_space();
        let start = self.at;
        loop {
            self.skip_space();
            match self.peek() {
                None | Some('|' | ')') => break,
                _ => {}
            }
            let at = self.at;
            if self.exclusion()? {
                if self.exclusion()? {
                    return fault(at, "исключение исключения", "оставьте один минус");
                }
                none.push(self.part(depth, true)?);
            } else {
                let part = self.part(depth, false)?;
                match first.take() {
                    None if all.is_empty() => first = Some(part),
                    before => all.extend(before.into_iter().chain([part])),
                }
            }
        }
        match first {
            Some(only) if none.is_empty() => return Ok(only),
            first => all.extend(first),
        }
        if !all.is_empty() {
            return Ok(Query::And(all, none));
        }
        if !none.is_empty() {
            let text = "одни исключения: такой запрос подойдёт к любому тексту";
            return fault(start, text, "добавьте слово, которое должно быть в тексте");
        }
        match self.peek() {
            Some('|') => fault(self.at, "перед «|» ничего нет", "уберите лишнюю черту"),
            Some(')') if depth == 0 => {
                fault(self.at, "лишняя закрывающая скобка", "уберите её или откройте скобку раньше")
            }
            Some(')') => fault(self.at, "в скобках пусто", "напишите слова или уберите скобки"),
            _ => fault(start, "после «|» ничего нет", "допишите вариант или уберите черту"),
        }
    }

    /// Reads `-` or `НЕ` in front of a part.
    fn exclusion(&mut self) -> Parsed<bool> {
        let at = self.at;
        if self.eat('-') {
            return match self.peek() {
                None => fault(at, "после «-» ничего нет", "допишите, что исключить"),
                Some(c) if c.is_whitespace() || matches!(c, '|' | ')') => {
                    fault(at, "минус стоит отдельно", "пишите его слитно со словом: -слово")
                }
                _ => Ok(true),
            };
        }
        let rest = &self.source[self.at..];
        let Some(behind) = rest.strip_prefix("НЕ") else { return Ok(false) };
        if !behind.is_empty()
            && !behind.starts_with(|c: char| c.is_whitespace() || matches!(c, '(' | '"'))
        {
            return Ok(false);
        }
        self.at += "НЕ".len();
        self.skip_space();
        match self.peek() {
            None | Some('|' | ')') => fault(at, "после «НЕ» ничего нет", "допишите, что исключить"),
            _ => Ok(true),
        }
    }

    fn part(&mut self, depth: usize, excluded: bool) -> Parsed<Query> {
        let at = self.at;
        match self.peek() {
            Some('(') => self.brackets(depth),
            Some('"') => self.quotes(depth),
            Some('/') => self.regex(),
            Some('@') => self.mark().map(Query::Mark),
            Some('~') => fault(at, "окно ~N стоит без кавычек", "пишите \"слово слово\"~5"),
            Some(c) if is_quote(c) => typographic(at, c),
            _ => {
                let typed = self.word()?;
                if !excluded && typed.how == How::Stem {
                    operator(&self.source[at..self.at], at)?;
                }
                Ok(as_query(typed))
            }
        }
    }

    fn brackets(&mut self, depth: usize) -> Parsed<Query> {
        let at = self.at;
        self.deeper(depth)?;
        self.bump();
        let inner = self.or(depth + 1)?;
        if self.eat(')') {
            Ok(inner)
        } else {
            fault(at, "нет закрывающей скобки", "")
        }
    }

    fn deeper(&self, depth: usize) -> Parsed<()> {
        if depth < DEPTH_MAX {
            return Ok(());
        }
        fault(self.at, format!("скобки вложены глубже {DEPTH_MAX} раз"), "упростите запрос")
    }

    fn mark(&mut self) -> Parsed<Mark> {
        let at = self.at;
        self.bump();
        let from = self.at;
        while self.peek().is_some_and(char::is_alphanumeric) {
            self.bump();
        }
        match &self.source[from..self.at] {
            "место" => Ok(Mark::Place),
            "орг" => Ok(Mark::Org),
            "число" => Ok(Mark::Number),
            name => {
                let text =
                    format!("неизвестный знак «@{}»", name.chars().take(20).collect::<String>());
                fault(at, text, "есть @место, @орг и @число")
            }
        }
    }

    fn regex(&mut self) -> Parsed<Query> {
        let at = self.at;
        self.bump();
        let from = self.at;
        loop {
            match self.peek() {
                None => return fault(at, "нет закрывающей косой черты «/»", ""),
                Some('/') => break,
                Some('\\') => {
                    self.bump();
                    self.bump();
                }
                Some(_) => self.bump(),
            }
        }
        let pattern = self.source[from..self.at].replace("\\/", "/");
        self.bump();
        if pattern.chars().count() > REGEX_CHARS_MAX {
            let text = format!("регулярное выражение длиннее {REGEX_CHARS_MAX} знаков");
            return fault(at, text, "разделите его на несколько");
        }
        match super::regex(&pattern) {
            Ok(regex) if regex.is_match("") => fault(
                at,
                "регулярное выражение подходит к пустому тексту",
                "потребуйте хотя бы один знак: «+» вместо «*»",
            ),
            Ok(_) => Ok(Query::Regex(pattern)),
            Err(regex::Error::CompiledTooBig(_)) => {
                fault(at, "регулярное выражение слишком велико", "уменьшите повторы {n,m}")
            }
            Err(error) => {
                let (what, fix) = pattern::russian(&error.to_string());
                fault(at, format!("ошибка в регулярном выражении: {what}"), fix)
            }
        }
    }

    fn quotes(&mut self, depth: usize) -> Parsed<Query> {
        let at = self.at;
        self.bump();
        let items = self.items(at, '"', depth)?;
        self.bump();
        if items.is_empty() {
            return fault(at, "в кавычках пусто", "напишите слова или уберите кавычки");
        }
        if !self.eat('~') {
            return Ok(phrase(items));
        }
        let digits = self.source[self.at..].chars().take_while(char::is_ascii_digit).count();
        let from = self.at;
        self.at += digits;
        let words: u32 = match self.source[from..self.at].parse() {
            Ok(words) => words,
            Err(_) if digits == 0 => {
                return fault(from - 1, "после «~» нужно число слов", "пишите так: \"а б\"~5");
            }
            Err(_) => u32::MAX,
        };
        if words > WINDOW_MAX {
            return fault(from, format!("окно больше {WINDOW_MAX} слов"), "уменьшите число");
        }
        if items.len() > WINDOW_PARTS_MAX {
            let text = format!("в окне больше {WINDOW_PARTS_MAX} слов");
            return fault(at, text, "уберите слова или напишите фразу без ~");
        }
        if (words as usize) < items.len() {
            let text = format!("окно ~{words} меньше числа слов в кавычках");
            return fault(from, text, format!("пишите ~{} или больше", items.len()));
        }
        if items.len() == 1 {
            return Ok(phrase(items));
        }
        Ok(Query::Window(items, words))
    }

    /// Parts of a phrase up to `end`, or up to «|» or «)» within brackets.
    fn items(&mut self, opened: usize, end: char, depth: usize) -> Parsed<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            self.skip_space();
            let at = self.at;
            if items.len() > PHRASE_PARTS_MAX {
                let text = format!("во фразе больше {PHRASE_PARTS_MAX} слов");
                return fault(at, text, "сократите её");
            }
            match self.peek() {
                Some(c) if c == end => return Ok(items),
                Some('|') if end == ')' => return Ok(items),
                None if end == '"' => return fault(opened, "нет закрывающей кавычки", ""),
                None => return fault(opened, "нет закрывающей скобки", ""),
                Some('"') => return fault(opened, "нет закрывающей скобки", "закройте до кавычки"),
                Some('|') => {
                    return fault(
                        at,
                        "«|» внутри кавычек",
                        "возьмите варианты в скобки: \"(а | б) в\"",
                    );
                }
                Some(')') => return fault(at, "лишняя закрывающая скобка", ""),
                Some('-') => {
                    return fault(at, "исключение внутри кавычек", "вынесите его из кавычек");
                }
                Some('/') => {
                    return fault(at, "регулярное выражение внутри кавычек", "вынесите его");
                }
                Some('~') => return fault(at, "«~» внутри кавычек", "поставьте его после кавычки"),
                Some('(') => items.push(self.group(depth)?),
                Some('@') => items.push(Item::Mark(self.mark()?)),
                Some(c) if is_quote(c) => return typographic(at, c),
                Some(_) => items.extend(as_items(self.word()?)),
            }
        }
    }

    fn group(&mut self, depth: usize) -> Parsed<Item> {
        let at = self.at;
        self.deeper(depth)?;
        self.bump();
        let mut any = Vec::new();
        loop {
            let items = self.items(at, ')', depth + 1)?;
            if items.is_empty() {
                return fault(
                    self.at,
                    "пустой вариант в скобках",
                    "допишите слово или уберите «|»",
                );
            }
            any.push(items);
            if self.eat(')') {
                return Ok(Item::Any(any));
            }
            self.bump();
        }
    }

    /// Reads `слово`, `!слово` or `сло*`.
    fn word(&mut self) -> Parsed<Typed> {
        let start = self.at;
        let exact = self.eat('!');
        let from = self.at;
        while self.peek().is_some_and(is_letter) {
            self.bump();
        }
        let letters = &self.source[from..self.at];
        if letters.is_empty() || letters.starts_with('-') {
            return match self.peek() {
                Some('*') => fault(self.at, "звёздочка без начала слова", "пишите так: сло*"),
                Some(c) if !exact => self.unexpected(c),
                _ => fault(start, "после «!» нужно слово", "пишите слитно: !слово"),
            };
        }
        let prefix = self.eat('*');
        if prefix && exact {
            return fault(start, "«!» и «*» у одного слова", "оставьте один знак");
        }
        if let Some(c) = self.peek().filter(|&c| !ends_word(c)) {
            if is_letter(c) {
                return fault(self.at - 1, "звёздочка внутри слова", "она ставится только в конце");
            }
            return self.unexpected(c);
        }
        let (mut first, mut more) = (String::new(), Vec::new());
        if is_folded(letters) {
            first.push_str(letters);
        } else {
            self.tokens.fill(letters);
            first.push_str(self.tokens.text(0));
            more.extend((1..self.tokens.len()).map(|at| self.tokens.text(at).to_owned()));
        }
        if first.is_empty() {
            return fault(from, "нет ни одной буквы", "напишите слово");
        }
        if more.len() >= PHRASE_PARTS_MAX {
            return fault(from, format!("в слове больше {PHRASE_PARTS_MAX} частей"), "");
        }
        let last = more.last().unwrap_or(&first);
        if prefix && last.chars().count() < PREFIX_MIN {
            let text = format!("начало слова короче {PREFIX_MIN} букв");
            return fault(from, text, "допишите буквы перед звёздочкой");
        }
        let how = match (exact, prefix) {
            (true, _) => How::Form,
            (_, true) => How::Prefix,
            _ => How::Stem,
        };
        Ok(Typed { first, more, how })
    }

    fn unexpected<T>(&self, c: char) -> Parsed<T> {
        let at = self.at;
        match c {
            ')' => fault(at, "лишняя закрывающая скобка", "уберите её или откройте скобку раньше"),
            '(' => fault(at, "скобка приклеена к слову", "поставьте перед ней пробел"),
            '"' => fault(at, "кавычка приклеена к слову", "поставьте перед ней пробел"),
            '~' => fault(at, "окно ~N стоит без кавычек", "пишите \"слово слово\"~5"),
            '–' | '—' | '−' => fault(at, format!("тире «{c}» вместо минуса"), "пишите «-»"),
            c if is_quote(c) => typographic(at, c),
            c if c.is_control() => fault(at, "непечатаемый знак", "удалите его"),
            c => fault(at, format!("знак «{c}» в запросе ничего не значит"), "уберите его"),
        }
    }
}

fn phrase(mut items: Vec<Item>) -> Query {
    match items.len() {
        1 => match items.remove(0) {
            Item::Word(word) => Query::Word(word),
            Item::Mark(mark) => Query::Mark(mark),
            Item::Any(any) => Query::Or(any.into_iter().map(phrase).collect()),
        },
        _ => Query::Phrase(items),
    }
}

fn as_query(typed: Typed) -> Query {
    match typed.more.is_empty() {
        true => Query::Word(Word { text: typed.first, how: typed.how }),
        false => phrase(as_items(typed).collect()),
    }
}

/// «кое-где*» is a phrase; `*` belongs to its last word, `!` to all.
fn as_items(typed: Typed) -> impl Iterator<Item = Item> {
    let last = typed.more.len();
    let how = move |order| match typed.how {
        How::Prefix if order != last => How::Stem,
        how => how,
    };
    let word = move |(order, text)| Item::Word(Word { text, how: how(order) });
    std::iter::once(typed.first).chain(typed.more).enumerate().map(word)
}

/// Whether letters are one word that is folded as it stands: small Russian ones, none three times
/// in a row.
fn is_folded(letters: &str) -> bool {
    let pairs = || letters.as_bytes().chunks_exact(2);
    let thrice =
        || pairs().zip(pairs().skip(1)).zip(pairs().skip(2)).any(|((a, b), c)| a == b && b == c);
    crate::text::letters::number(letters) != 0 && !thrice()
}

/// Words that other systems use as operators are named with what stands for them here.
fn operator(word: &str, at: usize) -> Parsed<()> {
    match word {
        "ИЛИ" | "OR" => fault(at, format!("«{word}» здесь не пишут"), "пишите «|»"),
        "И" | "AND" => fault(at, format!("«{word}» здесь не пишут"), "пробел и значит «и»"),
        "NOT" => fault(at, "«NOT» здесь не пишут", "пишите «-слово» или «НЕ слово»"),
        _ => Ok(()),
    }
}

fn typographic<T>(at: usize, c: char) -> Parsed<T> {
    fault(at, format!("типографская кавычка «{c}»"), "замените на прямую: \"")
}

fn is_quote(c: char) -> bool {
    matches!(c, '“' | '”' | '„' | '‟' | '«' | '»' | '‘' | '‚')
}

fn is_letter(c: char) -> bool {
    use crate::text::fold::{Kind, kind};
    kind(c) != Kind::Other || matches!(c, '-' | '\u{2010}' | '\u{2011}' | '\'' | '’')
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, '|' | ')' | '"')
}
