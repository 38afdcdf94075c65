//! Long texts in pieces that a channel takes.
//!
//! Place in the flow: under the notifiers. Invariant: nothing is lost but the one line end or space
//! at which a text is cut.

use super::Message;

/// Said instead of files by channels that carry none.
const FILES_ELSEWHERE: &str = "Файлы приходят письмом; на этом канале только текст.";

/// Plain text in pieces of at most `max` units as `units` counts a character, cut behind a line
/// end or a space where there is one in the second half.
pub(super) fn split(text: &str, max: usize, units: fn(char) -> usize) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_end();
    while rest.chars().map(units).sum::<usize>() > max {
        let mut so_far = 0;
        let fits = rest.char_indices().find(|(_, c)| {
            so_far += units(*c);
            so_far > max
        });
        let end = fits.map_or(rest.len(), |(at, _)| at);
        let head = &rest[..end];
        let edge = head.rfind('\n').filter(|at| *at > end / 2);
        let edge = edge.or_else(|| head.rfind(' ').filter(|at| *at > end / 2));
        let (piece, tail) = match edge {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (head, &rest[end..]),
        };
        pieces.push(piece.to_owned());
        rest = tail;
    }
    pieces.push(rest.to_owned());
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

/// The plain text of a message for a channel that carries no files, in pieces of at most `max`
/// characters.
pub(super) fn plain(message: &Message, max: usize) -> Vec<String> {
    let mut text = message.text.clone();
    if !message.attachments.is_empty() {
        text = format!("{}\n\n{FILES_ELSEWHERE}", text.trim_end());
    }
    split(&text, max, |_| 1)
}
