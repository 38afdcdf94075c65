//! Telegram's HTML, as the Bot API reads it.
//!
//! Place in the flow: the local bot server judges messages with it; tests measure lengths with it.
//! Invariant: stricter than lenient: an unknown tag, an open tag, a stray bracket are errors.

const TAGS: [&str; 12] =
    ["b", "strong", "i", "em", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler", "ins"];

/// Length after entity parsing in UTF-16 units, or the reason why the HTML cannot be parsed.
pub fn parsed_units(html: &str) -> Result<usize, String> {
    let mut open: Vec<String> = Vec::new();
    let mut units = 0;
    let mut rest = html;
    while let Some(c) = rest.chars().next() {
        let at = html.len() - rest.len();
        match c {
            '<' => {
                let end = rest.find('>').ok_or_else(|| format!("Unclosed tag at byte {at}"))?;
                tag(&rest[1..end], &mut open).map_err(|it| format!("{it} at byte {at}"))?;
                rest = &rest[end + 1..];
            }
            '&' => {
                let end = rest.find(';').filter(|end| *end <= 10);
                let c = end.and_then(|end| entity(&rest[1..end]));
                let (Some(end), Some(c)) = (end, c) else {
                    return Err(format!("Unknown entity at byte {at}"));
                };
                units += c.len_utf16();
                rest = &rest[end + 1..];
            }
            '>' => return Err(format!("Stray bracket at byte {at}")),
            _ => {
                units += c.len_utf16();
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    match open.pop() {
        Some(name) => Err(format!("Can't find end tag corresponding to start tag {name}")),
        None => Ok(units),
    }
}

fn tag(text: &str, open: &mut Vec<String>) -> Result<(), String> {
    if let Some(name) = text.strip_prefix('/') {
        return match open.pop() {
            Some(last) if last == name => Ok(()),
            _ => Err(format!("Unmatched end tag {name}")),
        };
    }
    let (name, attributes) = text.split_once(' ').unwrap_or((text, ""));
    if !TAGS.contains(&name) {
        return Err(format!("Unsupported start tag {name}"));
    }
    let value = attributes.strip_prefix("href=\"").and_then(|it| it.strip_suffix('"'));
    let good = attributes.is_empty() || (name == "a" && value.is_some_and(|it| !it.contains('"')));
    if !good {
        return Err(format!("Bad attributes of {name}"));
    }
    open.push(name.to_owned());
    Ok(())
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?),
    }
}
