//! HTML to the text a reader sees.
//!
//! Place in the flow: shared by the platforms that get HTML. Invariant: nothing a reader sees is
//! lost and nothing is added: lines stay lines, entities are resolved once, tags and control
//! characters are gone.

use scraper::{ElementRef, Html, Node};

/// Longest text kept of one post, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Elements that begin and end a line.
const BLOCKS: [&str; 19] = [
    "p",
    "div",
    "blockquote",
    "pre",
    "ul",
    "ol",
    "li",
    "table",
    "tr",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "section",
    "article",
    "figure",
    "hr",
];

/// The text below an element of a parsed page.
pub(crate) fn text_of(element: ElementRef<'_>) -> String {
    let mut out = String::new();
    // An explicit stack: pages from outside may nest deeper than ours could.
    let mut stack = vec![(*element, false)];
    while let Some((node, leaving)) = stack.pop() {
        match node.value() {
            Node::Text(text) => push_spaced(&mut out, text),
            Node::Element(tag) => {
                let name = tag.name();
                if matches!(name, "script" | "style" | "template" | "head") {
                    continue;
                }
                if name == "br" || BLOCKS.contains(&name) {
                    out.push('\n');
                }
                if !leaving {
                    if BLOCKS.contains(&name) {
                        stack.push((node, true));
                    }
                    stack.extend(node.children().rev().map(|child| (child, false)));
                }
            }
            _ if !leaving => stack.extend(node.children().rev().map(|child| (child, false))),
            _ => {}
        }
    }
    tidy(&out)
}

/// The text of a piece of HTML, or of plain text with entities in it. A `<` that begins no tag is
/// text.
pub(crate) fn plain(html: &str) -> String {
    if !html.contains(['<', '&']) {
        let mut out = String::new();
        push_spaced(&mut out, html);
        return tidy(&out);
    }
    let document = Html::parse_fragment(&escape_lone(html));
    text_of(document.root_element())
}

/// Source whitespace means one space; control characters mean nothing.
fn push_spaced(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            ' ' | '\t' | '\n' | '\r' | '\u{c}' | '\u{a0}' => out.push(' '),
            c if c.is_control() || c == '\u{feff}' => {}
            c => out.push(c),
        }
    }
}

/// Trims lines, joins runs of spaces, keeps at most one empty line in a row, bounds the length.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut empty = 0;
    for line in text.split('\n') {
        let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            empty += 1;
            continue;
        }
        if !out.is_empty() {
            out.push_str(if empty > 0 { "\n\n" } else { "\n" });
        }
        empty = 0;
        out.push_str(&words.join(" "));
    }
    if out.len() > TEXT_BYTES_MAX {
        out.truncate(out.floor_char_boundary(TEXT_BYTES_MAX));
    }
    out
}

/// Writes `&lt;` for every `<` that begins neither a tag nor a comment.
fn escape_lone(html: &str) -> String {
    let mut out = String::with_capacity(html.len() + 16);
    for (i, c) in html.char_indices() {
        if c == '<' && !begins_tag(&html[i + 1..]) { out.push_str("&lt;") } else { out.push(c) }
    }
    out
}

fn begins_tag(rest: &str) -> bool {
    if rest.starts_with("!--") || rest.starts_with("![") {
        return true;
    }
    let name = rest.strip_prefix('/').unwrap_or(rest);
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    letter && rest.find(['<', '>']).is_some_and(|at| rest.as_bytes()[at] == b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_what_a_reader_sees() {
        let check = |html: &str, expected: &str| assert_eq!(plain(html), expected, "{html:?}");
        check("Воды нет", "Воды нет");
        check("Воды нет<br/>с утра<br><br><br>второй день", "Воды нет\nс утра\n\nвторой день");
        check("<p>Первый</p>\n<p>Второй</p>", "Первый\n\nВторой");
        check("<b>Ремонт</b>&nbsp;дороги &laquo;М&raquo; &amp;", "Ремонт дороги «М» &");
        check("5 < 6 и x<y, t<-30", "5 < 6 и x<y, t<-30");
        check("<script>alert(1)</script>текст<style>a{}</style>", "текст");
        check("стро\u{b}ка\u{0}", "строка");
        check("a\n  b", "a b");
        check("<!-- скрыто -->видно", "видно");
        check("<div><div><p>глубоко</p></div></div>", "глубоко");
        check("", "");
        check(&"<b>".repeat(3000), "");
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let text = plain(&"ы".repeat(TEXT_BYTES_MAX));
        assert_eq!(text.len(), TEXT_BYTES_MAX);
    }
}
