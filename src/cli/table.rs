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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["имя", "x"], ["a", "длинное"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), ["имя  x", "a    длинное"]);
    }
}
