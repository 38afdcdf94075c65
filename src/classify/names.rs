//! Finds names of people in packs: packs look for problems, not for people.
//!
//! Place in the flow: `pack` refuses what this finds. Invariant: streets and places named after
//! people pass («улица Ивана Петрова»); a lone surname cannot be told from a word and passes too.

use std::ops::Range;

use crate::text::Tokens;
use crate::text::tokens::{CAPITAL, HYPHEN};

/// Stems of common first names, all cases by prefix.
const FIRST: &str = "александр алексе анатоли андре антон аркади артем артур баир батор борис булат \
вадим валенти валери василис васили виктор витали владими владислав всеволод вячеслав геннади георги \
григори данил дени дмитри доржи евгени егор зорикт иван игор иль кирилл константин леонид максим \
матве михаил никит никола олег павел павл петр роман русла серге станислав степан тимур федор юри \
яков ярослав анастаси анна анн алл вер галин дарь екатерин елен жанн зинаид инн ирин карин ксени \
ларис лид любов людмил маргарит марин мари надежд натал нин оксан ольг полин раис светлан софь \
тамар татьян юли баярм дарим сэсэг туян";

/// Words after which a name is the name of a place.
const PLACES: &str = "ул улица улицы улице улицу улицей имени им переулок переулка переулке пер площадь \
площади пл проспект проспекта просп пр школа школы школе набережная наб бульвар сквер парк поселок \
село деревня станция храм церковь музей театр библиотека памятник бюст дворец";

/// The first name of a person in `text`, as bytes; `tokens` are buffers.
#[must_use]
pub fn find(text: &str, tokens: &mut Tokens) -> Option<Range<usize>> {
    // A name has two words at least.
    if !text.trim().contains([' ', '.', '\u{A0}', '-']) {
        return None;
    }
    tokens.fill(text);
    (0..tokens.len())
        .find_map(|at| full_name(text, tokens, at).or_else(|| initials(text, tokens, at)))
}

/// First name with patronymic in any case of letters, or with a surname, both capitalised.
fn full_name(text: &str, tokens: &Tokens, at: usize) -> Option<Range<usize>> {
    let (one, two) = (tokens.list().get(at)?, tokens.list().get(at + 1)?);
    if two.is(HYPHEN) || two.start - one.end > 2 {
        return None;
    }
    let capitals = one.is(CAPITAL) && two.is(CAPITAL);
    let (first, second) = (tokens.text(at), tokens.text(at + 1));
    let person = if is_patronymic(second) {
        is_first(first) || capitals && !is_patronymic(first)
    } else {
        capitals && (is_first(first) && is_surname(second) || is_surname(first) && is_first(second))
    };
    let range = one.start as usize..two.end as usize;
    let joined = text[one.end as usize..two.start as usize].chars().all(|c| c == ' ');
    (person && joined && !named_place(tokens, at)).then_some(range)
}

/// «А. Б. Фамилия», «Фамилия А.Б.».
fn initials(text: &str, tokens: &Tokens, at: usize) -> Option<Range<usize>> {
    let list = tokens.list();
    let part = list.get(at..at + 3)?;
    let initial = |index: usize| {
        let token = &list[index];
        token.is(CAPITAL)
            && tokens.text(index).chars().count() == 1
            && text[token.end as usize..].starts_with('.')
    };
    let surname = |index: usize| list[index].is(CAPITAL) && is_surname(tokens.text(index));
    let person = initial(at) && initial(at + 1) && surname(at + 2)
        || surname(at) && initial(at + 1) && initial(at + 2);
    let person = person && !named_place(tokens, at);
    person.then(|| part[0].start as usize..part[2].end as usize)
}

fn named_place(tokens: &Tokens, at: usize) -> bool {
    (1..=2).any(|back| at >= back && has(PLACES, tokens.text(at - back)))
}

fn is_first(word: &str) -> bool {
    let ending = |rest: &str| {
        matches!(
            rest,
            "" | "а"
                | "у"
                | "ом"
                | "е"
                | "й"
                | "я"
                | "ю"
                | "ем"
                | "и"
                | "ь"
                | "ы"
                | "ой"
                | "ей"
                | "л"
                | "рь"
                | "ря"
                | "с"
                | "са"
                | "су"
                | "р"
                | "ра"
                | "ис"
                | "иса"
                | "н"
                | "на"
        )
    };
    FIRST.split(' ').any(|stem| word.strip_prefix(stem).is_some_and(ending))
}

fn is_patronymic(word: &str) -> bool {
    let endings = [
        "ович",
        "евич",
        "овича",
        "евича",
        "овичу",
        "евичу",
        "овичем",
        "евичем",
        "овна",
        "евна",
        "овны",
        "евны",
        "овне",
        "евне",
        "овну",
        "евну",
        "овной",
        "евной",
        "ична",
        "ичны",
        "ичне",
        "ичну",
        "ичной",
        "ильич",
        "ильича",
        "ильичу",
    ];
    // «в» or «ч» stands in each of them; most words have neither.
    word.contains(['в', 'ч'])
        && word.chars().count() >= 6
        && endings.iter().any(|ending| word.ends_with(ending))
}

fn is_surname(word: &str) -> bool {
    let endings = [
        "ов",
        "ев",
        "ин",
        "ова",
        "ева",
        "ина",
        "ову",
        "еву",
        "ину",
        "овым",
        "евым",
        "иным",
        "овой",
        "евой",
        "иной",
        "ский",
        "ская",
        "ского",
        "скому",
        "ской",
        "ко",
        "ук",
        "юк",
        "ых",
        "их",
    ];
    word.chars().count() >= 4 && endings.iter().any(|ending| word.ends_with(ending))
}

fn has(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_found_and_places_pass() {
        for (text, expected) in [
            ("глава Пётр Сидорович не отвечает", Some("Пётр Сидорович")),
            ("\"петр сидорович\" | глава", Some("петр сидорович")),
            ("жалоба на Б. Г. Пустовалова", Some("Б. Г. Пустовалова")),
            ("Пустовалов Б.Г. обещал", Some("Пустовалов Б.Г")),
            ("Анна Выдумова", Some("Анна Выдумова")),
            ("улица Ивана Петрова без света", None),
            ("на ул. Марии Выдумовой яма", None),
            ("Третий день холодные батареи", None),
            ("церковь основана давно", None),
            ("Роман о деревне", None),
            ("вера | надежда | роман", None),
            ("готовили основной ремонт", None),
        ] {
            let found = find(text, &mut Tokens::default());
            assert_eq!(found.map(|range| &text[range]), expected, "{text}");
        }
    }
}
