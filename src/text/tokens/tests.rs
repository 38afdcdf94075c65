//! Both ways of reading a text give the same tokens.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn plain_words_are_read_as_letter_by_letter(
        parts in prop::collection::vec(prop_oneof![
            4 => "[а-яА-ЯёЁ]{1,9}",
            2 => "[ .,!?:/+\n-]{1,2}",
            1 => "(ооо|ССС|Ввв|длинношеее|автомобилестроительный|оонн)",
            1 => "(а\u{301}|и\u{306}|[A-Za-z0-9өүһЇі]{1,3})",
            1 => "[\u{a0}«»—…“”'@`№\u{ad}😡\u{2011}()]",
        ], 0..24),
    ) {
        let text: String = parts.concat();
        let (mut quick, mut slow) = (Tokens::default(), Tokens::default());
        quick.read(&text, true);
        slow.read(&text, false);
        let of = |token: &Token| (token.start, token.end, token.clause, token.flags);
        prop_assert!(quick.list().iter().map(of).eq(slow.list().iter().map(of)));
        let words = |tokens: &Tokens| -> Vec<String> {
            (0..tokens.len()).map(|at| tokens.text(at).to_owned()).collect()
        };
        prop_assert_eq!(words(&quick), words(&slow));
        for sign in (b'!'..=b'~').filter(u8::is_ascii_punctuation) {
            prop_assert_eq!(quick.has_sign(sign), text.contains(char::from(sign)));
        }
        prop_assert_eq!(quick.clauses(), slow.clauses());
        prop_assert_eq!(quick.sentences(), slow.sentences());
        let numbers = words(&slow).iter().map(|word| letters::number(word)).collect::<Vec<_>>();
        prop_assert_eq!(quick.numbers(), &numbers);
        prop_assert_eq!(slow.numbers(), &numbers);
    }
}

#[test]
fn long_rows_of_dots_and_of_repaired_letters_cost_what_they_are_long() {
    let steps = |text: &str| work::steps(|| drop(Tokens::of(text)));
    for part in ["а0", "0а", "аа0", "0аа", "3а4б0", ".", ".. . ", "... А ", "а0. .. "] {
        let (once, twice) = (steps(&part.repeat(5_000)), steps(&part.repeat(10_000)));
        assert!(once > 0 && twice <= 2 * once + 8, "{part:?}: {once}, then {twice}");
    }
}

#[test]
fn dots_of_a_row_end_what_the_row_ends() {
    for (text, sentences) in [
        ("вода.. . . Свет", 2),
        ("вода.. свет", 1),
        ("вода... свет... Газ", 2),
        ("....... Вода... [имя].. Газ", 2),
        ("вода ... ", 1),
    ] {
        assert_eq!(Tokens::of(text).sentences().len(), sentences, "{text}");
    }
}
