//! What the regex reader says, in Russian with the fix.
//!
//! Place in the flow: under `parse`, for `/…/` that is no regular expression. Invariant: what
//! nobody foresaw is called wrong without a reason, never in English.

/// Part of what the reader says, what we say, the fix.
const SAID: &[(&str, &str, &str)] = &[
    ("unclosed group", "скобка «(» не закрыта", "допишите «)» или пишите «\\(»"),
    ("unopened group", "лишняя скобка «)»", "уберите её или пишите «\\)»"),
    ("unclosed character class", "скобка «[» не закрыта", "допишите «]» или пишите «\\[»"),
    ("invalid character class range", "буквы вокруг «-» стоят не по порядку", "пишите [а-я]"),
    ("repetition operator missing", "перед «*», «+» или «?» ничего нет", "допишите, что повторять"),
    ("unclosed counted repetition", "скобка «{» не закрыта", "пишите {2} или {2,5}"),
    ("repetition quantifier", "в скобках «{ }» не число", "пишите {2} или {2,5}"),
    ("invalid repetition count", "в «{ }» первое число больше второго", "пишите {2,5}"),
    ("decimal", "в скобках «{ }» не число", "пишите {2} или {2,5}"),
    ("unrecognized escape", "после «\\» стоит знак, который ничего не значит", "уберите «\\»"),
    ("incomplete escape", "после «\\» ничего нет", "пишите «\\\\»"),
    ("backreferences", "ссылки на найденное («\\1») не поддерживаются", "повторите слова"),
    ("look-around", "заглядывание «(?=», «(?!» не поддерживается", "пишите unless или «-слово»"),
    ("Unicode property", "такого вида знаков нет", "пишите буквы в скобках: [а-я]"),
    ("flag", "после «(?» стоит то, что ничего не значит", "пишите просто «(»"),
    ("group name", "имена скобок не нужны", "пишите просто «(»"),
];

/// What is wrong with a pattern, by what the reader says of it.
pub(super) fn russian(message: &str) -> (&'static str, &'static str) {
    let last = message.lines().last().unwrap_or_default();
    let known = SAID.iter().find(|(part, ..)| last.contains(part));
    known.map_or(
        ("записано неверно", "посмотрите на скобки и знак «\\»"),
        |(_, text, fix)| (text, fix),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_with_a_slip_are_told_in_russian() {
        for (pattern, expected) in [
            ("(ям", "скобка «(» не закрыта"),
            ("ям)", "лишняя скобка «)»"),
            ("ям[аы", "скобка «[» не закрыта"),
            ("[я-а]", "буквы вокруг «-» стоят не по порядку"),
            ("*ям", "перед «*», «+» или «?» ничего нет"),
            ("ям{2", "скобка «{» не закрыта"),
            ("ям{5,2}", "в «{ }» первое число больше второго"),
            ("ям{а}", "в скобках «{ }» не число"),
            (r"\ям", "после «\\» стоит знак, который ничего не значит"),
            (r"(ям)\1", "ссылки на найденное («\\1») не поддерживаются"),
            ("ям(?=а)", "заглядывание «(?=», «(?!» не поддерживается"),
            (r"\p{Русский}", "такого вида знаков нет"),
            ("(?я)ям", "после «(?» стоит то, что ничего не значит"),
        ] {
            let error = regex::Regex::new(pattern).expect_err(pattern);
            assert_eq!(russian(&error.to_string()).0, expected, "{error}");
        }
    }
}
