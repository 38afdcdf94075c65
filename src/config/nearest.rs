//! The known word that was probably meant.
//!
//! Place in the flow: every check that meets an unknown word asks here for the fix. Invariant:
//! among words equally near the first one given is returned, so that messages repeat.

/// The nearest of `known` words, if it is near enough to be meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        let far = distance(&word, &other);
        let limit = (word.len().max(other.len()) / 3).clamp(1, 4);
        if far <= limit && best.is_none_or(|(least, _)| far < least) {
            best = Some((far, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Edits between two words: insert, delete, replace, swap of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut rows = vec![0; (a.len() + 1) * width];
    for (column, cell) in rows.iter_mut().take(width).enumerate() {
        *cell = column;
    }
    for i in 1..=a.len() {
        rows[i * width] = i;
        for j in 1..=b.len() {
            let replace = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[(i - 1) * width + j] + 1)
                .min(rows[i * width + j - 1] + 1)
                .min(rows[(i - 1) * width + j - 1] + replace);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[(i - 2) * width + j - 2] + 1);
            }
            rows[i * width + j] = least;
        }
    }
    rows[a.len() * width + b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let check = |word: &str, expected: Option<&str>| {
            let known = ["token", "token_kind", "api_url", "path"];
            assert_eq!(nearest(word, known), expected, "{word}");
        };
        check("tokn", Some("token"));
        check("tokne", Some("token"));
        check("Token", Some("token"));
        check("apiurl", Some("api_url"));
        check("tokenkind", Some("token_kind"));
        check("password", None);
        check("", None);
    }
}
