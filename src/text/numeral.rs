//! Numbers written as words: «третий день», «две недели».
//!
//! Place in the flow: `@число` and the amounts of signals. Invariant: only whole words count, small
//! numbers only; «сорок» and the like are read, sums («двадцать пять») are not added up.

use std::sync::LazyLock;

use super::words::WordMap;

/// Number words by value, forms separated by spaces (folded).
const WORDS: &[(u32, &str)] = &[
    (1, "один одна одно одну одного одной первый первая первое первую первого первые"),
    (2, "два две двух двое второй вторая второе вторую второго вторые вторые"),
    (3, "три трех трое третий третья третье третью третьего третьи"),
    (4, "четыре четырех четверо четвертый четвертая четвертые четвертую четвертого"),
    (5, "пять пяти пятеро пятый пятая пятые пятую пятого"),
    (6, "шесть шести шестой шестая шестую шестые шестого"),
    (7, "семь семи седьмой седьмая седьмую седьмые седьмого"),
    (8, "восемь восьми восьмой восьмая восьмую восьмые восьмого"),
    (9, "девять девяти девятый девятая девятую девятые девятого"),
    (10, "десять десяти десятый десятая десятые десятого"),
    (15, "пятнадцать"),
    (20, "двадцать двадцати"),
    (30, "тридцать тридцати"),
    (40, "сорок сорока"),
    (50, "пятьдесят"),
    (100, "сто"),
];

/// The number that a folded word means, digits or a word; digits beyond `u32` count as its maximum.
#[must_use]
pub fn value(word: &str) -> Option<u32> {
    if word.is_empty() {
        return None;
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(word.parse().unwrap_or(u32::MAX));
    }
    static TABLE: LazyLock<WordMap<u32>> = LazyLock::new(|| {
        WordMap::new(WORDS.iter().flat_map(|&(n, forms)| forms.split(' ').map(move |f| (f, n))))
    });
    TABLE.get(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        for (word, expected) in [
            ("третий", Some(3)),
            ("две", Some(2)),
            ("35", Some(35)),
            ("99999999999", Some(u32::MAX)),
            ("дверь", None),
            ("", None),
        ] {
            assert_eq!(value(word), expected, "{word}");
        }
    }
}
