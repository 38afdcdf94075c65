//! Rust text without its comments and strings, and the strings apart.
//!
//! Place in the flow: rules on code look at `code`, rules on texts at `strings`. Invariant: `code` has
//! the lines of the original, so that a complaint can name one.

/// A file taken apart.
pub struct Lexed {
    /// The text with comments and the insides of strings blanked.
    pub code: String,
    /// Each string with the line (from 1) where it begins.
    pub strings: Vec<(usize, String)>,
}

/// Takes `text` apart.
pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, line: 1, code: String::new() };
    let mut strings = Vec::new();
    while let Some(&c) = lexer.chars.get(lexer.at) {
        let before = lexer.code.chars().next_back().unwrap_or(' ');
        match c {
            '/' if lexer.peek(1) == Some('/') => lexer.blank_while(|c| c != '\n'),
            '/' if lexer.peek(1) == Some('*') => lexer.block_comment(),
            '"' => strings.push(lexer.string(None)),
            'r' if !is_word(before) || before == 'b' => match lexer.raw_hashes() {
                Some(hashes) => strings.push(lexer.string(Some(hashes))),
                None => lexer.keep(),
            },
            '\'' => lexer.quote(),
            _ => lexer.keep(),
        }
    }
    Lexed { code: lexer.code, strings }
}

/// The part of a file before its tests.
pub fn production(text: &str) -> &str {
    match text.find("#[cfg(test)]\nmod ") {
        Some(at) => &text[..at],
        None => text,
    }
}

/// Whether `c` may stand in a word of Rust.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    line: usize,
    code: String,
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn step(&mut self, shown: bool) {
        if let Some(&c) = self.chars.get(self.at) {
            if c == '\n' {
                self.line += 1;
            }
            self.code.push(if shown || c == '\n' { c } else { ' ' });
            self.at += 1;
        }
    }

    fn keep(&mut self) {
        self.step(true);
    }

    fn blank_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek(0).is_some_and(&wanted) {
            self.step(false);
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            match (self.peek(0), self.peek(1)) {
                (Some('/'), Some('*')) => {
                    depth += 1;
                    self.step(false);
                }
                (Some('*'), Some('/')) => {
                    depth -= 1;
                    self.step(false);
                }
                (None, _) => return,
                _ => {}
            }
            self.step(false);
            if depth == 0 {
                return;
            }
        }
    }

    /// Hashes of a raw string that begins here.
    fn raw_hashes(&self) -> Option<usize> {
        let hashes = (1..).take_while(|&ahead| self.peek(ahead) == Some('#')).count();
        (self.peek(1 + hashes) == Some('"')).then_some(hashes)
    }

    fn string(&mut self, raw: Option<usize>) -> (usize, String) {
        let begins = self.line;
        if let Some(hashes) = raw {
            (0..=hashes).for_each(|_| self.keep());
        }
        self.keep();
        let mut inside = String::new();
        while let Some(c) = self.peek(0) {
            let closes = c == '"'
                && raw.is_none_or(|hashes| (1..=hashes).all(|n| self.peek(n) == Some('#')));
            if closes {
                (0..=raw.unwrap_or(0)).for_each(|_| self.keep());
                break;
            }
            inside.push(c);
            if c == '\\' && raw.is_none() {
                self.step(false);
                inside.extend(self.peek(0));
            }
            self.step(false);
        }
        (begins, inside)
    }

    /// A character or the mark of a lifetime.
    fn quote(&mut self) {
        let literal = self.peek(1) == Some('\\') || self.peek(2) == Some('\'');
        self.keep();
        if literal {
            if self.peek(0) == Some('\\') {
                self.step(false);
            }
            self.step(false);
            self.blank_while(|c| c != '\'');
            self.keep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked() {
        let check = |text: &str, code: &str, strings: &[&str]| {
            let lexed = lex(text);
            assert_eq!(lexed.code, code, "{text}");
            let found: Vec<&str> = lexed.strings.iter().map(|(_, s)| s.as_str()).collect();
            assert_eq!(found, strings, "{text}");
        };
        check("a // b\nc", "a     \nc", &[]);
        check("a /* b /* c */ */ d", "a                 d", &[]);
        check("f(\"a\\\"b\")", "f(\"    \")", &["a\\\"b"]);
        check("f(r#\"a\"b\"#)", "f(r#\"   \"#)", &["a\"b"]);
        check("let c = '\"'; x", "let c = ' '; x", &[]);
        check("let c = '\\''; x", "let c = '  '; x", &[]);
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}", &[]);
        check("br\"x\" for_r(\"y\")", "br\" \" for_r(\" \")", &["x", "y"]);
    }

    #[test]
    fn strings_know_their_line() {
        assert_eq!(lex("a\n\"b\nc\"\n\"d\"").strings[1], (4, "d".to_owned()));
    }

    #[test]
    fn tests_are_cut_off() {
        assert_eq!(production("a\n#[cfg(test)]\nmod tests {}"), "a\n");
        assert_eq!(production("#[cfg(test)]\nfn a() {}"), "#[cfg(test)]\nfn a() {}");
    }
}
