//! Finds mentions, e-mail addresses, links and account names.
//!
//! Place in the flow: the first rules of the door. Invariant: what belongs to a configured source
//! stays readable, everything else that leads to a page or a person is masked whole.

use super::handles::Handles;
use super::tokens::{Found, Kind, Shape, Text, What};

/// Most tokens of the target and of the label in `[target|label]`.
const TARGET_MAX: usize = 60;
const LABEL_MAX: usize = 120;
/// Most tokens before `@` in an e-mail address, and most labels of a host.
const LOCAL_MAX: usize = 40;
const HOST_MAX: usize = 60;

/// Top-level domains that make a link even without `https://`.
const TOP: &[&str] = &[
    "ru", "su", "рф", "com", "net", "org", "info", "me", "io", "tv", "cc", "biz", "pro", "online",
    "site", "shop", "store", "club", "xyz", "top", "app", "dev", "link", "ly", "gl", "be", "co",
    "uk", "de", "kz", "ua", "by", "cn", "mn", "us", "eu", "edu", "gov", "mobi", "name", "ws", "to",
    "gg", "ai", "fm", "im", "life", "live", "news", "space", "website", "tech", "fun", "example",
    "invalid", "ph", "st", "group", "art",
];

/// Words after which a bare Latin word is an account.
const NETWORKS: [&str; 20] = [
    "тг",
    "телеграм",
    "телеграмм",
    "телега",
    "telegram",
    "tg",
    "инста",
    "инстаграм",
    "instagram",
    "insta",
    "вк",
    "vk",
    "ник",
    "скайп",
    "skype",
    "вайбер",
    "viber",
    "дискорд",
    "discord",
    "ватсап",
];

/// `[id1|Name]`, `[id1:bp-2_3|Name]`, `[post1|Name]`, `[club1|Name]`, `@id1 (Name)`, `*id1 (Name)`.
pub(super) fn mentions(text: &Text<'_>, handles: &Handles) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        let place = match text.kind(i) {
            Kind::Mark('[') => bracketed(text, i, handles),
            Kind::Mark('@' | '*') => parenthesised(text, i, handles),
            Kind::Word(_) => bare_id(text, i),
            _ => None,
        };
        i = place.map_or(i + 1, |place| place.to);
        found.extend(place);
    }
    found
}

/// `id1`, or `post1` as the answers of old discussions name whom they answer.
fn is_person(target: &str) -> bool {
    let number = target.strip_prefix("id").or_else(|| target.strip_prefix("post"));
    number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn bracketed(text: &Text<'_>, i: usize, handles: &Handles) -> Option<Found> {
    let plain = |j: &usize| {
        !matches!(
            text.kind(*j),
            Kind::Space(_) | Kind::Masked(_) | Kind::Mark('[' | ']' | '|' | '(' | ')' | '«' | '»')
        )
    };
    let bar = (i + 1..i + TARGET_MAX).find(|j| !plain(j))?;
    if !text.is_mark(bar, '|') || bar == i + 1 {
        return None;
    }
    let target = text.fold_range(i + 1..bar);
    if !target.contains(char::is_alphabetic) {
        return None;
    }
    let closed = |j: &usize| matches!(text.kind(*j), Kind::Mark('[' | ']') | Kind::Space(true));
    let close = (bar + 1..bar + LABEL_MAX).find(closed).filter(|j| text.is_mark(*j, ']'));
    let known = match target.contains(['/', '.']) {
        true => handles.has_link(&target),
        false => handles.has_name(&target),
    };
    if known && !is_person(&target) {
        return None;
    }
    let what = if is_person(&target) {
        What::Name
    } else if target.contains('/') {
        What::Link
    } else {
        What::Account
    };
    match close {
        Some(close) => Some(Found { from: i, to: close + 1, what }),
        // A mention cut off in the middle: at least the number goes; the name rules see the rest.
        None => is_person(&target).then_some(Found { from: i, to: bar + 1, what: What::Account }),
    }
}

fn parenthesised(text: &Text<'_>, i: usize, handles: &Handles) -> Option<Found> {
    if !text.is_one_of(i + 1, &["id", "club", "public", "event"])
        || text.kind(i + 2) != Kind::Number
    {
        return None;
    }
    let target = text.fold_range(i + 1..i + 3);
    if handles.has_name(&target) && !is_person(&target) {
        return None;
    }
    let what = if is_person(&target) { What::Name } else { What::Account };
    let open = text.past_space(i + 3);
    let closed = |j: &usize| matches!(text.kind(*j), Kind::Mark('(' | ')') | Kind::Space(true));
    let close = text
        .is_mark(open, '(')
        .then(|| (open + 1..open + LABEL_MAX).find(closed))
        .flatten()
        .filter(|j| text.is_mark(*j, ')'));
    Some(match close {
        Some(close) => Found { from: i, to: close + 1, what },
        None => Found { from: i, to: i + 3, what: What::Account },
    })
}

/// `id100001` without any sign.
fn bare_id(text: &Text<'_>, i: usize) -> Option<Found> {
    let glued = matches!(text.before(i), Kind::Mark('/' | '=' | '_' | '-' | '.') | Kind::Number);
    (!glued
        && text.kind(i + 1) == Kind::Number
        && text.chars(i + 1) >= 4
        && text.is_one_of(i, &["id"]))
    .then_some(Found { from: i, to: i + 2, what: What::Account })
}

/// E-mail addresses, also with spaces around `@` and with «собака».
pub(super) fn mails(text: &Text<'_>) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for i in 0..text.tokens.len() {
        let done = found.last().map_or(0, |f| f.to);
        let (at, loose) = match text.kind(i) {
            Kind::Mark('@') => (i..i + 1, false),
            Kind::Word(_) if text.chars(i) == 6 && text.is_one_of(i, &["собака"]) => {
                let open = matches!(text.before(i), Kind::Mark('(' | '['));
                let close = matches!(text.kind(i + 1), Kind::Mark(')' | ']'));
                (i - usize::from(open)..i + 1 + usize::from(close), true)
            }
            _ => continue,
        };
        let host = text.past_space(at.end);
        let before =
            if text.before(at.start) == Kind::Space(false) { at.start - 1 } else { at.start };
        let spaced = host != at.end || before != at.start || loose;
        let Some(end) = host_end(text, host, spaced) else { continue };
        let from = local_start(text, before, done);
        let latin = |j: usize| text.is_ascii(j);
        if from < before && (!spaced || (from..before).all(latin)) {
            found.push(Found { from, to: end, what: What::Mail });
        }
    }
    found
}

/// First token of the part before `@`, not before token `floor`.
fn local_start(text: &Text<'_>, before: usize, floor: usize) -> usize {
    let mut from = before;
    while from > floor && before - from < LOCAL_MAX {
        match text.kind(from - 1) {
            Kind::Word(_) | Kind::Number | Kind::Mark('.' | '_' | '-' | '+' | '%') => from -= 1,
            _ => break,
        }
    }
    while from < before && matches!(text.kind(from), Kind::Mark(_)) {
        from += 1;
    }
    from
}

/// Token after a host that starts at `i`: labels joined by dots, a known top-level domain if
/// `strict`.
fn host_end(text: &Text<'_>, i: usize, strict: bool) -> Option<usize> {
    let (mut j, mut end, mut labels) = (i, None, 0);
    while j < i + HOST_MAX {
        let from = j;
        while j < i + HOST_MAX
            && (matches!(text.kind(j), Kind::Word(_) | Kind::Number)
                || (j > from && matches!(text.kind(j), Kind::Mark('-' | '_'))))
        {
            j += 1;
        }
        if j == from {
            break;
        }
        let single = j == from + 1 && text.is_word(from) && text.chars(from) >= 2;
        if labels > 0 && single {
            let label = text.folded(from);
            let latin = (i..from).all(|k| !text.is_word(k) || text.is_ascii(k));
            let fits = latin || !label.is_ascii();
            if fits && (TOP.contains(&label.as_str()) || (!strict && label.is_ascii())) {
                end = Some(j);
            }
        }
        labels += 1;
        if !text.is_mark(j, '.') {
            break;
        }
        j += 1;
    }
    end
}

/// Links with or without scheme that lead to no configured source.
pub(super) fn links(text: &Text<'_>, handles: &Handles) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        let Some(end) = link_end(text, i) else {
            i += 1;
            continue;
        };
        let (start, stop) = (text.tokens[i].start, text.tokens[end - 1].end);
        let link: String = text.fold_range(i..end);
        let exact = text.raw.get(start..stop).unwrap_or_default();
        if !handles.has_link(exact) && !handles.has_link(&link) {
            found.push(Found { from: i, to: end, what: What::Link });
        }
        i = end;
    }
    found
}

fn link_end(text: &Text<'_>, i: usize) -> Option<usize> {
    if !matches!(text.kind(i), Kind::Word(_) | Kind::Number) {
        return None;
    }
    if text.is_mark(i + 1, ':') && text.is_mark(i + 2, '/') && text.is_mark(i + 3, '/') {
        let end = path_end(text, i + 4);
        return (end > i + 4).then_some(end);
    }
    let glued = matches!(
        text.before(i),
        Kind::Word(_) | Kind::Number | Kind::Mark('.' | '-' | '_' | '@' | '/')
    );
    if glued {
        return None;
    }
    let host = host_end(text, i, true)?;
    let mut end = host;
    if text.is_mark(end, ':') && text.kind(end + 1) == Kind::Number {
        end += 2;
    }
    match text.kind(end) {
        Kind::Mark('/' | '?' | '#') => Some(path_end(text, end).max(end)),
        _ => Some(end),
    }
}

/// Token after the rest of a link, without the punctuation of the sentence around it.
fn path_end(text: &Text<'_>, from: usize) -> usize {
    let (mut end, mut open) = (from, 0_usize);
    while end < text.tokens.len() {
        match text.kind(end) {
            Kind::Space(_) | Kind::Masked(_) => break,
            Kind::Mark('<' | '>' | '"' | '«' | '»' | '“' | '”' | '[' | ']' | '|' | '{' | '}') =>
            {
                break;
            }
            Kind::Mark(',' | ';') if !text.is_ascii(end + 1) => break,
            Kind::Mark('(') => open += 1,
            Kind::Mark(')') if open == 0 => break,
            Kind::Mark(')') => open -= 1,
            _ => {}
        }
        end += 1;
    }
    while end > from
        && matches!(
            text.kind(end - 1),
            Kind::Mark('.' | ',' | ';' | ':' | '!' | '?' | '…' | '(' | '*')
        )
    {
        end -= 1;
    }
    end
}

/// `@name`, and `тг: name`.
pub(super) fn accounts(text: &Text<'_>, handles: &Handles) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        let place = match text.kind(i) {
            Kind::Mark('@' | '＠') => signed(text, i, found.last().is_some_and(|f| f.to == i)),
            Kind::Word(_) => after_network(text, i),
            _ => None,
        };
        match place {
            Some((from, name, to)) if !handles.has_name(&text.fold_range(name..to)) => {
                found.push(Found { from, to, what: What::Account });
                i = to;
            }
            Some((_, _, to)) => i = to,
            None => i += 1,
        }
    }
    found
}

fn name_end(text: &Text<'_>, from: usize) -> usize {
    let mut end = from;
    loop {
        match text.kind(end) {
            Kind::Word(_) | Kind::Number | Kind::Mark('_') => end += 1,
            Kind::Mark('.' | '-')
                if end > from
                    && matches!(text.kind(end + 1), Kind::Word(Shape::Lower))
                    && text.is_ascii(end + 1)
                    && text.is_ascii(end - 1) =>
            {
                end += 1;
            }
            _ => return end,
        }
    }
}

/// From, first token of the name, token after it. `after_mask`: a mask ends right before `i`.
fn signed(text: &Text<'_>, i: usize, after_mask: bool) -> Option<(usize, usize, usize)> {
    let obscured = text.is_word(i + 1) && !text.is_ascii(i + 1);
    let in_word = matches!(text.before(i), Kind::Word(_)) && !after_mask;
    if obscured && in_word && !text.is_ascii(i - 1) {
        // A letter of an obscene word.
        return None;
    }
    let end = name_end(text, i + 1);
    let chars: usize = (i + 1..end).map(|j| text.chars(j)).sum();
    (chars >= 2 && (i + 1..end).any(|j| text.is_word(j))).then_some((i, i + 1, end))
}

fn after_network(text: &Text<'_>, i: usize) -> Option<(usize, usize, usize)> {
    if text.chars(i) > 10 || !matches!(text.kind(i + 1), Kind::Space(false) | Kind::Mark(':' | '-'))
    {
        return None;
    }
    if !NETWORKS.contains(&text.folded(i).as_str()) {
        return None;
    }
    let skip = |j: usize| matches!(text.kind(j), Kind::Space(false) | Kind::Mark(':' | '-' | '—'));
    let from = (i + 1..i + 5).find(|j| !skip(*j))?;
    let named = (i + 1..from).any(|j| text.is_mark(j, ':'));
    let end = name_end(text, from);
    let name = text.fold_range(from..end);
    let odd = name.bytes().any(|b| b == b'_' || b.is_ascii_digit());
    let letters = name.bytes().any(|b| b.is_ascii_lowercase());
    (name.is_ascii() && letters && name.len() >= 4 && (odd || named)).then_some((from, from, end))
}
