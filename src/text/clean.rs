//! Takes out of a text what nobody can see.
//!
//! Place in the flow: first step of `normalise`, before a text is stored. Invariant: what is left
//! reads the same; cleaning twice changes nothing.

/// Removes control characters (but `\n` and `\t`), invisible characters (zero-width space and
/// joiner, soft hyphen, BOM) and overrides of the writing direction; `\r\n` and `\r` become `\n`.
///
/// The joiner U+200D and variation selectors stay between emoji, where they draw one picture.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\t' => out.push(c),
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    out.push('\n');
                }
            }
            '\u{2028}' | '\u{2029}' | '\u{85}' => out.push('\n'),
            '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' => {}
            '\u{200D}' if out.chars().next_back().is_some_and(is_pictorial) => {
                if chars.peek().is_some_and(|&next| is_pictorial(next)) {
                    out.push(c);
                }
            }
            c if is_hidden(c) => {}
            _ => out.push(c),
        }
    }
    out
}

/// Whether a character shows nothing by itself.
fn is_hidden(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{61C}'
            | '\u{180E}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
    )
}

fn is_pictorial(c: char) -> bool {
    matches!(c, '\u{2600}'..='\u{27BF}' | '\u{2B00}'..='\u{2BFF}' | '\u{FE0F}'
        | '\u{1F000}'..='\u{1FAFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let cleaned = clean(text);
        assert_eq!(cleaned, expected, "{text:?}");
        assert_eq!(clean(&cleaned), cleaned, "cleaning {text:?} twice");
    }

    #[test]
    fn what_nobody_sees_goes() {
        check("воды\r\nнет\rсовсем", "воды\nнет\nсовсем");
        check("во\u{200B}ды не\u{AD}т", "воды нет");
        check("\u{FEFF}нет\0 света\u{7}", "нет света");
        check("\u{202E}тевс\u{202C} дали", "тевс дали");
        check("таб\tи строка\n", "таб\tи строка\n");
        check("семья 👨\u{200D}👩\u{200D}👧 ждёт", "семья 👨\u{200D}👩\u{200D}👧 ждёт");
        check("в\u{200D}ода", "вода");
        check("абзац\u{2029}ещё", "абзац\nещё");
    }
}
