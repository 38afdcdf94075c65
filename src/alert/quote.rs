//! Which clauses an alert may quote, and which of them it does.
//!
//! Place in the flow: asked when an alert is decided, with the clauses of the problem's posts.
//! Invariants: pure; a clause that names somebody, or tells a child's age, class or illness, is
//! never quoted: an alert is about what happened, and losing a quote costs less than showing one.

use crate::model::QuoteRef;

/// Most quotes of an alert.
pub const QUOTES_SHOWN: usize = 2;

/// Words from which on a clause says enough: a longer one is not chosen for its length.
const WORDS: usize = 12;

/// Words for a person's post, as their beginnings; a name in one of the next words is theirs.
const POSTS: [&str; 25] = [
    "губернатор",
    "депутат",
    "директор",
    "начальник",
    "заведующ",
    "министр",
    "председател",
    "прокурор",
    "участков",
    "врач",
    "доктор",
    "фельдшер",
    "медсестр",
    "учител",
    "воспитател",
    "заместител",
    "чиновни",
    "инспектор",
    "завуч",
    "старост",
    "руководител",
    "секретар",
    "гражданин",
    "гражданк",
    "водител",
];
/// The same, where a beginning would say too much.
const POSTS_WHOLE: [&str; 16] = [
    "глава",
    "главы",
    "главе",
    "главу",
    "главой",
    "мэр",
    "мэра",
    "мэру",
    "мэром",
    "тётя",
    "тетя",
    "дядя",
    "семья",
    "семьи",
    "семье",
    "семью",
];
/// Words behind a word for a post that may still be the name of whoever holds it.
const POST_WORDS: usize = 3;

/// Words behind which a surname is the name of a street or of a place.
const BEFORE_STREETS: [&str; 22] = [
    "на",
    "по",
    "в",
    "во",
    "ул",
    "улица",
    "улице",
    "улицы",
    "улицу",
    "пер",
    "переулок",
    "переулке",
    "мкр",
    "микрорайон",
    "микрорайоне",
    "село",
    "селе",
    "посёлок",
    "поселок",
    "посёлке",
    "поселке",
    "имени",
];
/// Endings of surnames in the cases in which people do something.
const SURNAMES: [&str; 9] = ["ов", "ев", "ёв", "ова", "ева", "ёва", "енко", "чук", "дзе"];
/// Fewer letters are no surname.
const SURNAME_LETTERS: usize = 5;

/// A single child, as beginnings of words.
const CHILD: [&str; 12] = [
    "ребён",
    "ребен",
    "сын",
    "доч",
    "внук",
    "внуч",
    "младен",
    "малыш",
    "школьни",
    "племянни",
    "мальчи",
    "девоч",
];
/// Children in general: their ages and classes are details, their colds are not.
const CHILDREN: [&str; 5] = ["дети", "детей", "детям", "детьми", "детях"];
/// Illnesses, as beginnings of words.
const ILL: [&str; 14] = [
    "астм",
    "диабет",
    "инвалид",
    "дцп",
    "аллерг",
    "боле",
    "забол",
    "больн",
    "диагноз",
    "эпилепс",
    "онколог",
    "аутис",
    "температур",
    "операци",
];
/// What follows the number of an age or a class.
const AGES: [&str; 5] = ["лет", "год", "мес", "класс", "недел"];

/// A clause that may be quoted, with how much it says for the quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuoteCandidate {
    /// Where it is.
    pub quote: QuoteRef,
    /// Risk of its post alone, 0–100.
    pub risk: u8,
    /// Its words, as stored.
    pub words: String,
}

/// Chooses at most two clauses: highest risk first, then those that say more, earlier first among
/// equals, no two alike, none that names anybody.
#[must_use]
pub fn choose_quotes(candidates: &[QuoteCandidate]) -> Vec<QuoteRef> {
    let mut order: Vec<&QuoteCandidate> =
        candidates.iter().filter(|it| names_nobody(&it.words)).collect();
    let says = |candidate: &QuoteCandidate| candidate.words.split_whitespace().count().min(WORDS);
    order.sort_by_key(|candidate| std::cmp::Reverse((candidate.risk, says(candidate))));
    let mut chosen: Vec<(&QuoteCandidate, String)> = Vec::new();
    for candidate in order {
        let folded: String =
            candidate.words.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
        let fresh = !chosen.iter().any(|(_, other)| *other == folded);
        if !folded.is_empty() && fresh && chosen.len() < QUOTES_SHOWN {
            chosen.push((candidate, folded));
        }
    }
    chosen.into_iter().map(|(candidate, _)| candidate.quote.clone()).collect()
}

/// Whether a clause names no person and tells nothing of a child that could be told apart.
#[must_use]
pub fn names_nobody(clause: &str) -> bool {
    // What the door masked was somebody's; a link or a flat is nobody's name.
    let masked = ["[имя]", "[телефон]", "[почта]", "[аккаунт]", "[карта]", "[документ]"];
    if masked.iter().any(|mask| clause.contains(mask)) {
        return false;
    }
    let words: Vec<Word> = clause
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| !word.is_empty())
        .map(Word::of)
        .collect();
    !names_holder(&words) && !names_surname(&words) && !tells_of_child(&words)
}

struct Word {
    lower: String,
    title: bool,
}

impl Word {
    fn of(word: &str) -> Self {
        let mut letters = word.chars();
        let title = letters.next().is_some_and(char::is_uppercase)
            && letters.next().is_some_and(char::is_lowercase);
        Self { lower: word.to_lowercase(), title }
    }

    fn begins(&self, beginnings: &[&str]) -> bool {
        beginnings.iter().any(|it| self.lower.starts_with(it))
    }

    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.lower.as_str())
    }

    fn counts(&self) -> bool {
        self.lower.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// «Директор школы Петрова», «глава Цыренов».
fn names_holder(words: &[Word]) -> bool {
    words.iter().enumerate().any(|(at, word)| {
        let post = word.begins(&POSTS) || word.is(&POSTS_WHOLE);
        post && words[at + 1..].iter().take(POST_WORDS).any(|next| next.title)
    })
}

/// «а Петров не отвечает»; not «на Петрова», «улица Кирова».
fn names_surname(words: &[Word]) -> bool {
    words.windows(2).any(|pair| {
        let [before, word] = pair else { return false };
        word.title
            && word.lower.chars().count() >= SURNAME_LETTERS
            && SURNAMES.iter().any(|ending| word.lower.ends_with(ending))
            && !before.is(&BEFORE_STREETS)
    })
}

/// A child with an age, a class or an illness.
fn tells_of_child(words: &[Word]) -> bool {
    let one = words.iter().any(|word| word.begins(&CHILD));
    let any = one || words.iter().any(|word| word.is(&CHILDREN));
    let aged = words.iter().enumerate().any(|(at, word)| {
        let next = words[at + 1..].iter().take(2);
        let spoken = word.counts() && next.into_iter().any(|next| next.begins(&AGES));
        spoken || (word.counts() && AGES.iter().any(|age| word.lower.contains(age)))
    });
    let class = words.windows(2).any(|pair| pair[0].counts() && pair[1].begins(&["класс"]));
    (any && aged) || class || (one && words.iter().any(|word| word.begins(&ILL)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_is_not_quoted() {
        for named in [
            "В Лесном у [имя] нет отопления",
            "звоните [телефон], воды нет",
            "Директор школы Петрова отключила отопление",
            "глава Цыренов не даёт воду",
            "глава района Петров молчит, а воды нет",
            "воды нет, а Сидоренко не отвечает",
            "свет отключил Иванов ещё вчера",
            "дядя Коля перекрыл дорогу",
        ] {
            assert!(!names_nobody(named), "{named}");
        }
    }

    #[test]
    fn what_tells_of_a_child_is_not_quoted() {
        for told in [
            "в доме холодно, сын 8 лет заболел",
            "у ребёнка астма, а топить нечем",
            "дети 5 и 7 лет сидят в куртках",
            "во 2 классе не топят",
            "дочка болеет вторую неделю, в квартире +12",
        ] {
            assert!(!names_nobody(told), "{told}");
        }
    }

    #[test]
    fn what_names_nobody_is_quoted() {
        for plain in [
            "Третий день нет воды на Кирова",
            "На улице Петрова открытый люк",
            "Ленина 5, в подъезде +8",
            "в доме замерзаем, дети болеют",
            "Ребёнок спит в шапке, в подъезде иней",
            "В Онохое вторые сутки нет тепла",
            "Главная дорога Онохоя вся в ямах",
            "мёрзнем с маленькими детьми вторые сутки",
            "по [ссылка] видно, что дорога провалилась",
        ] {
            assert!(names_nobody(plain), "{plain}");
        }
    }
}
