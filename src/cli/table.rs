//! Tables for people: columns of equal width.
//!
//! Place in the flow: lists that commands print. Invariant: the last column is never padded, so
//! that lines end where their text ends.

/// Rows as aligned lines; widths are counted in characters.
#[must_use]
pub fn aligned(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                line.push_str(cell);
                if column + 1 < row.len() {
                    let pad = widths[column] - cell.chars().count() + 2;
                    line.push_str(&" ".repeat(pad));
                }
            }
            line.trim_end().to_owned()
        })
        .collect()
}

/// At most `chars` characters of a text on one line; an ellipsis says that it goes on.
#[must_use]
pub fn start(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["имя", "x"], ["a", "длинное"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), ["имя  x", "a    длинное"]);
    }

    #[test]
    fn a_start_is_one_line() {
        for (text, expected) in [("a  б\nв", "a б в"), ("абвгде", "абвгд…"), ("абвгд", "абвгд")]
        {
            assert_eq!(start(text, 5), expected);
        }
    }
}
