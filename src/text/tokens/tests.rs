//! Both ways of reading a text give the same tokens.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn plain_words_are_read_as_letter_by_letter(
        parts in prop::collection::vec(prop_oneof![
            4 => "[а-яА-ЯёЁ]{1,9}",
            2 => "[ .,!?:\n-]{1,2}",
            1 => "(ооо|ССС|а\u{301}|и\u{306}|[A-Za-z0-9өүһЇі]{1,3})",
            1 => "[\u{a0}«»—…“”'@`№\u{ad}😡\u{2011}()]",
        ], 0..24),
    ) {
        let text: String = parts.concat();
        let (mut quick, mut slow) = (Tokens::default(), Tokens::default());
        quick.read(&text, true);
        slow.read(&text, false);
        prop_assert_eq!(quick.list(), slow.list());
        prop_assert_eq!(&quick.folded, &slow.folded);
        prop_assert_eq!(quick.clauses(), slow.clauses());
        prop_assert_eq!(quick.sentences(), slow.sentences());
    }
}
