//! Buryat words of the rules: found with any chain of endings, and typed on a Russian keyboard.
//!
//! Place in the flow: `terms` hands over the words of queries that have a letter no Russian word
//! has (Ө, Ү, Һ), and asks for words of texts that no Russian stem fits; other Buryat words are
//! written in packs as beginnings (`дулаан*`). Invariants: a
//! word matches if it begins with the word of the rule and the rest is a chain of the endings
//! below; О, У, Х stand for Ө, Ү, Һ on both sides; no Russian word of a rule is touched.
//!
//! Endings, by the school grammar of Buryat (plain letters; vowel harmony gives each its variants):
//! plural -нууд, -ууд, -д, -нар; genitive -ай, -ын, -иин, -н; dative -да, -та; accusative -ые,
//! -иие; instrumental -аар, -гаар; comitative -тай; ablative -һаа; possession -мни, -шни, -нь,
//! -аа; of verbs -на, -ба, -һан, -жа, -аад, -ха, -гүй.

use super::terms::TermId;
use crate::text::language::plain_letter;
use crate::text::words::{QuickMap, WordSet};

const ENDINGS: &str = "нууд ууд д нар нэр нор ай эй ой ын иин ии н да дэ до та тэ то ые ие иие аар \
ээр оор яар еэр гаар гээр гоор тай тэй той хаа хээ хоо мни шни нь мнай тнай аа ээ оо яа еэ на нэ но \
ба бэ бо хан хэн хон жа жэ жо аад ээд оод ха хэ хо гуй гоо гээ гаа т";

/// Fewest letters of a word of a rule.
const LETTERS_MIN: usize = 3;
/// Most endings in a chain.
const CHAIN_MAX: u8 = 4;

/// Buryat words of the rules.
#[derive(Debug)]
pub struct Buryat {
    words: QuickMap<Box<str>, TermId>,
    endings: WordSet,
    /// Characters of the longest word.
    longest: usize,
}

impl Default for Buryat {
    fn default() -> Self {
        Self { words: QuickMap::default(), endings: WordSet::of(ENDINGS), longest: 0 }
    }
}

impl Buryat {
    /// The word in plain letters, if it is Buryat.
    #[must_use]
    pub fn key(word: &str) -> Option<String> {
        let buryat = word.contains(['ө', 'ү', 'һ']);
        let long = word.chars().nth(LETTERS_MIN - 1).is_some();
        (buryat && long).then(|| plain(word))
    }

    /// The term of a word that [`Buryat::key`] made.
    pub fn number(&mut self, key: String, count: &mut TermId) -> TermId {
        self.longest = self.longest.max(key.chars().count());
        *self.words.entry(key.into()).or_insert_with(|| {
            *count += 1;
            *count - 1
        })
    }

    /// The longest word that a word of a text is a form of.
    #[must_use]
    pub fn find(&self, word: &str) -> Option<TermId> {
        if self.words.is_empty() {
            return None;
        }
        let word = plain(word);
        let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
        let starts: Vec<usize> = ends.take(self.longest).skip(LETTERS_MIN - 1).collect();
        starts.into_iter().rev().find_map(|end| {
            let term = self.words.get(&word[..end])?;
            self.is_chain(&word[end..], CHAIN_MAX).then_some(*term)
        })
    }

    /// Whether `rest` is nothing but endings.
    fn is_chain(&self, rest: &str, left: u8) -> bool {
        if rest.is_empty() {
            return true;
        }
        let mut ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).take(4);
        left > 0
            && ends
                .any(|end| self.endings.has(&rest[..end]) && self.is_chain(&rest[end..], left - 1))
    }
}

fn plain(word: &str) -> String {
    word.chars().map(plain_letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_meet_with_and_without_the_letters() {
        let mut buryat = Buryat::default();
        let mut count = 0;
        for word in ["уһан", "түймэр", "үер", "хүйтэн"] {
            let key = Buryat::key(word).expect("a Buryat word");
            buryat.number(key, &mut count);
        }
        for (word, expected) in [
            ("уһан", Some(0)),
            ("уһанай", Some(0)),
            ("уһанһаа", Some(0)),
            ("ухандаа", Some(0)),
            ("түймэрнүүд", Some(1)),
            ("туймэртэй", Some(1)),
            ("уерэй", Some(2)),
            ("хуйтэн", Some(3)),
            ("уха", None),
            ("уханов", None),
            ("уезд", None),
            ("", None),
        ] {
            assert_eq!(buryat.find(word), expected, "{word}");
        }
        for word in ["вода", "пожар", "уезд", "ых"] {
            assert_eq!(Buryat::key(word), None, "{word}");
        }
    }
}
