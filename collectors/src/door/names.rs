//! Finds names of people: a surname beside a first name or initials, a first name with patronymic.
//!
//! Place in the flow: the last rules of the door. Invariant: a bare first name and a bare surname
//! stay, and so do streets, monuments and bodies named after people; everything else that names a
//! person goes.

use super::flats;
use super::name_tables::{
    ANY, Cases, DATIVE, FAMOUS, GENITIVE, Known, Surname, known, patronymic, surname,
};
use super::tokens::{Found, Kind, Shape, Text, What};

/// Most parts of a hyphenated word, and most words between a street's word and its name.
const PARTS_MAX: usize = 4;
const RANKS_MAX: usize = 6;

/// What lies between a word and the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// A space or nothing.
    Near,
    /// A full stop of an abbreviation, or quotes.
    Soft,
    /// A comma.
    Comma,
    /// Anything else, a line break too.
    Hard,
}

/// A word, a hyphenated word or an initial with its full stop.
struct Unit {
    from: usize,
    to: usize,
    shape: Shape,
    gap: Gap,
    /// Whether quotes open right before it.
    quoted: bool,
    /// A single letter; `Some(true)` with a full stop.
    initial: Option<bool>,
    known: Known,
    patronymic: Cases,
    surname: Surname,
}

impl Unit {
    fn is_title(&self) -> bool {
        self.shape == Shape::Title && self.initial.is_none()
    }

    fn is_name(&self) -> bool {
        self.known.name != 0 && self.initial.is_none()
    }

    fn is_word(&self) -> bool {
        self.initial.is_none() && !self.known.plain
    }

    /// Cases of a surname that its ending or the table tells; 0 = not told.
    fn surname_cases(&self) -> Cases {
        match (self.is_word(), self.known.surname) {
            (false, _) => 0,
            (true, 0) => self.surname.cases,
            (true, sure) => sure,
        }
    }

    /// A surname by its ending, in a shape that allows the ending to count.
    fn is_surname(&self) -> bool {
        let firm = self.surname.firm || self.known.surname != 0;
        self.surname_cases() != 0 && (firm || self.is_title())
    }

    /// A capital initial with its full stop.
    fn is_capital_initial(&self) -> bool {
        self.initial == Some(true) && self.shape != Shape::Lower
    }
}

/// Names of people.
pub(super) fn find(text: &Text<'_>) -> Vec<Found> {
    let units = units(text);
    let mut found = Vec::new();
    let mut i = 0;
    while i < units.len() {
        let Some(end) = name_at(text, &units, i) else {
            i += 1;
            continue;
        };
        if !is_street(text, &units, i, end) {
            let place = Found { from: units[i].from, to: units[end - 1].to, what: What::Name };
            found.push(place);
        }
        i = end;
    }
    found
}

/// The words of a text with what the tables say about them.
fn units(text: &Text<'_>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::with_capacity(text.tokens.len() / 2);
    let mut word = String::new();
    let (mut i, mut done) = (0, 0);
    while i < text.tokens.len() {
        let Kind::Word(shape) = text.kind(i) else {
            i += 1;
            continue;
        };
        let from = i;
        word.clear();
        text.fold_onto(i, &mut word);
        i += 1;
        while i < from + 2 * PARTS_MAX && text.is_mark(i, '-') && text.is_word(i + 1) {
            word.push('-');
            text.fold_onto(i + 1, &mut word);
            i += 2;
        }
        // «Ц-Д.» is one initial of a double name.
        let single = (from..i).all(|j| text.chars(j) == 1);
        let dotted = single && text.is_mark(i, '.');
        let (gap, quoted) =
            gap(text, done, from, units.last().is_some_and(|u| u.initial == Some(true)));
        i += usize::from(dotted);
        units.push(unit(
            &word,
            Unit {
                from,
                to: i,
                shape,
                gap,
                quoted,
                initial: single.then_some(dotted),
                known: Known::default(),
                patronymic: 0,
                surname: Surname { cases: 0, firm: false },
            },
        ));
        done = i;
    }
    units
}

/// Fills in what the tables say about `word`; of a hyphenated one the last part decides.
fn unit(word: &str, mut unit: Unit) -> Unit {
    if unit.initial.is_some() {
        return unit;
    }
    unit.known = known(word);
    let last = word.rsplit('-').next().unwrap_or(word);
    if last.len() != word.len() {
        let first = known(word.split('-').next().unwrap_or(word));
        if !unit.known.plain && !unit.known.street {
            let name = first.name & known(last).name;
            unit.known.name |= name;
        }
    }
    unit.patronymic = patronymic(last);
    unit.surname = surname(last);
    unit
}

/// What lies between tokens `done` and `from`.
fn gap(text: &Text<'_>, done: usize, from: usize, after_initial: bool) -> (Gap, bool) {
    if done == 0 {
        let quoted = matches!(text.before(from), Kind::Mark('«' | '"' | '“' | '„'));
        return (Gap::Hard, quoted);
    }
    let (mut gap, mut quoted) = (Gap::Near, false);
    for i in done..from {
        let next = match text.kind(i) {
            Kind::Space(false) if text.chars(i) <= 3 => Gap::Near,
            Kind::Mark('-') if after_initial => Gap::Near,
            Kind::Mark('.' | '«' | '"' | '“' | '„' | '№') => Gap::Soft,
            Kind::Mark(',') => Gap::Comma,
            _ => Gap::Hard,
        };
        quoted = matches!(text.kind(i), Kind::Mark('«' | '"' | '“' | '„'));
        gap = match (gap, next) {
            (Gap::Hard, _) | (_, Gap::Hard) => Gap::Hard,
            (Gap::Comma, _) | (_, Gap::Comma) => Gap::Comma,
            (Gap::Soft, _) | (_, Gap::Soft) => Gap::Soft,
            (Gap::Near, Gap::Near) => Gap::Near,
        };
    }
    (gap, quoted)
}

/// The unit behind `i`, if nothing but a space lies between.
fn near(units: &[Unit], i: usize) -> Option<&Unit> {
    units.get(i).filter(|unit| unit.gap == Gap::Near)
}

/// The end of the longest name that starts at unit `i`.
fn name_at(text: &Text<'_>, units: &[Unit], i: usize) -> Option<usize> {
    [
        first_name(text, units, i),
        surname_first(text, units, i),
        surname_and_initials(text, units, i),
        initials_and_surname(text, units, i),
        unknown_and_patronymic(text, units, i),
    ]
    .into_iter()
    .flatten()
    .max()
}

/// «Мария Ивановна Петрова», «Мария Петрова», «Мария И. Петрова», «Рашид Ахмед оглы».
fn first_name(text: &Text<'_>, units: &[Unit], i: usize) -> Option<usize> {
    let name = units.get(i).filter(|u| u.is_name())?;
    let next = near(units, i + 1)?;
    if next.patronymic != 0 && next.is_word() {
        let end = i + 2;
        let full = near(units, end).is_some_and(|u| goes_with(text, name, u));
        return Some(end + usize::from(full));
    }
    if next.is_capital_initial() {
        let surname = near(units, i + 2)?;
        return (surname.is_title() && surname.is_surname()).then_some(i + 3);
    }
    if next.is_name() && next.surname_cases() == 0 {
        let son = near(units, i + 2)
            .is_some_and(|u| text.is_one_of(u.from, &["оглы", "кызы", "гызы", "уулу"]));
        return son.then_some(i + 3);
    }
    if !goes_with(text, name, next) {
        return None;
    }
    let with_patronymic = near(units, i + 2).is_some_and(|u| u.patronymic != 0 && u.is_word());
    Some(i + 2 + usize::from(with_patronymic))
}

/// Whether `next`, right behind a first name, is its surname.
fn goes_with(text: &Text<'_>, name: &Unit, next: &Unit) -> bool {
    if !next.is_word() || next.patronymic != 0 && next.known.surname == 0 {
        return false;
    }
    let agrees = next.surname_cases() & name.known.name != 0;
    let sure = next.known.surname != 0 && agrees;
    if name.is_title() && next.is_title() {
        // An unknown capitalised word is a surname too: «Иван Шмидт».
        let long = text.chars(next.from) >= 3;
        let odd = long && !name.known.is_abstract && !next.is_name();
        return next.is_surname() || odd;
    }
    sure || (agrees && next.surname.firm && !name.known.ambiguous)
}

/// «Петрова Мария», «Петров Иван Иванович», «петров иван иванович».
fn surname_first(text: &Text<'_>, units: &[Unit], i: usize) -> Option<usize> {
    let surname = units.get(i).filter(|u| u.is_surname())?;
    let name = near(units, i + 1).filter(|u| u.is_name())?;
    let full = near(units, i + 2).filter(|u| u.patronymic != 0 && u.is_word()).is_some();
    let agrees = surname.surname_cases() & name.known.name != 0;
    let genitive = |cases: Cases| cases & GENITIVE != 0;
    let of_street = genitive(surname.surname_cases()) && !genitive(name.known.name);
    if of_street && after_street(text, units, i) {
        // «ул. Петрова Иван Иванович»: the surname is the street's.
        return None;
    }
    let titles = surname.is_title() && name.is_title();
    let begins = surname.gap != Gap::Near;
    let pair = (titles && (agrees || !begins)) || (surname.known.surname != 0 && agrees);
    if full {
        return (titles || agrees).then_some(i + 3);
    }
    let initial = near(units, i + 2).is_some_and(Unit::is_capital_initial);
    pair.then_some(i + 2 + usize::from(initial))
}

/// Number of initials at `i`, and whether they are capitals.
fn initials(units: &[Unit], i: usize) -> (usize, bool) {
    let count = (i..i + 3)
        .take_while(|j| {
            let unit = units.get(*j);
            unit.is_some_and(|u| u.initial == Some(true) && (*j == i || u.gap == Gap::Near))
        })
        .count();
    (count, (i..i + count).all(|j| units[j].shape != Shape::Lower))
}

/// Two letters with full stops that abbreviate something else.
fn abbreviates(text: &Text<'_>, units: &[Unit], i: usize) -> bool {
    let pair: String = (i..i + 2).map(|j| text.folded(units[j].from)).collect();
    [
        "те", "тк", "тп", "тд", "ио", "мб", "жд", "зп", "нэ", "гр", "уе", "сг", "сш", "тч", "тн",
        "вч", "пд",
    ]
    .contains(&pair.as_str())
}

/// «Петров И. И.», «Петров И.», «Шмидт А. А», «петров и.и.».
fn surname_and_initials(text: &Text<'_>, units: &[Unit], i: usize) -> Option<usize> {
    let unit = units.get(i).filter(|u| u.is_word() && u.patronymic == 0)?;
    let next = near(units, i + 1)?;
    let (count, capital) = initials(units, i + 1);
    let strict = unit.is_surname();
    if count == 0 {
        // «Петров И И» without full stops.
        let bare = |u: &Unit| u.initial.is_some() && u.shape != Shape::Lower;
        let second = near(units, i + 2)?;
        return (strict && unit.shape != Shape::Lower && bare(next) && bare(second))
            .then_some(i + 3);
    }
    // A last initial often has no full stop: «Петров И.И».
    let open = near(units, i + 1 + count).filter(|u| u.initial == Some(false) && count == 1);
    let open = usize::from(open.is_some_and(|u| u.shape != Shape::Lower));
    let all = count + open;
    let better = near(units, i + 1 + count).is_some_and(|u| u.is_title() && u.is_surname());
    let fits = match (unit.shape, capital) {
        (Shape::Lower | Shape::Mixed, _) | (_, false) => {
            strict && count >= 2 && !abbreviates(text, units, i + 1)
        }
        (Shape::Title, true) => {
            (strict && !(better && count == 1))
                || (all >= 2 && !better && !unit.is_name() && text.chars(unit.from) >= 3)
        }
        (Shape::Upper, true) => strict,
    };
    fits.then_some(i + 1 + all)
}

/// «И. И. Петров», «И. Петров», «и.и. петров».
fn initials_and_surname(text: &Text<'_>, units: &[Unit], i: usize) -> Option<usize> {
    let (count, capital) = initials(units, i);
    let unit = near(units, i + count).filter(|u| count > 0 && u.is_word() && u.patronymic == 0)?;
    let strict = unit.is_surname();
    let fits = match (count, capital) {
        (1, true) => {
            // «С. Петропавловский» at the start of a sentence may be a village.
            let letter = text.folded(units[i].from);
            let place = ["г", "с", "п", "д", "б"].contains(&letter.as_str())
                && text.folded(unit.from).contains("ск");
            strict && unit.is_title() && !place
        }
        (_, true) => {
            let long = unit.is_title() && text.chars(unit.from) >= 3;
            (strict || long) && text.folded(units[i].from) != "p"
        }
        (1, false) => false,
        (_, false) => strict && !abbreviates(text, units, i),
    };
    fits.then_some(i + count + 1)
}

/// «Октябрина Петровна»: a patronymic tells that the word before it is a name.
fn unknown_and_patronymic(text: &Text<'_>, units: &[Unit], i: usize) -> Option<usize> {
    let unit = units.get(i).filter(|u| u.is_title() && u.is_word() && !u.is_name())?;
    let next = near(units, i + 1).filter(|u| u.is_title() && u.patronymic != 0 && u.is_word())?;
    if unit.patronymic != 0 || next.known.surname != 0 || text.chars(unit.from) < 3 {
        return None;
    }
    let full = near(units, i + 2).is_some_and(|u| u.is_title() && u.is_surname());
    Some(i + 2 + usize::from(full))
}

/// The unit that says what the name at `i` belongs to, past ranks: «улица генерала …».
fn governor(units: &[Unit], i: usize) -> Option<(usize, &Unit)> {
    let mut at = i;
    while at > 0 && i - at <= RANKS_MAX {
        if !matches!(units[at].gap, Gap::Near | Gap::Soft) {
            return None;
        }
        at -= 1;
        if !units[at].known.rank || units[at].known.street {
            return Some((at, &units[at]));
        }
    }
    None
}

fn after_street(text: &Text<'_>, units: &[Unit], i: usize) -> bool {
    governor(units, i).is_some_and(|(at, unit)| {
        // «от имени Петрова Ивана» names a person.
        let person = at > 0
            && text.is_one_of(unit.from, &["имени"])
            && text.is_one_of(units[at - 1].from, &["от", "по", "моего", "своего", "его"]);
        unit.known.street && !person
    })
}

/// Whether the name of units `i..end` is a street's, a monument's or a body's.
fn is_street(text: &Text<'_>, units: &[Unit], i: usize, end: usize) -> bool {
    let parts = &units[i..end];
    if is_famous(text, parts) {
        return true;
    }
    let cases = parts.iter().filter(|u| u.initial.is_none()).fold(ANY, |all, unit| {
        let own = unit.known.name | unit.surname_cases() | unit.patronymic;
        if own == 0 { all } else { all & own }
    });
    let body =
        i > 0 && parts[0].quoted && units[i - 1].known.body && matches!(parts[0].gap, Gap::Soft);
    let named = |cases_of: Cases| {
        parts.iter().all(|u| {
            let own = u.known.name | u.surname_cases() | u.patronymic;
            own == 0 || own & cases_of != 0
        })
    };
    if body {
        return true;
    }
    if after_street(text, units, i) {
        let monument = governor(units, i).is_some_and(|(_, unit)| unit.known.monument);
        return named(GENITIVE) || (monument && named(DATIVE)) || cases & GENITIVE != 0;
    }
    let behind = near(units, end).is_some_and(|u| u.known.street);
    let shortened = behind && parts.len() == 2 && parts[0].initial.is_some();
    shortened
        || ((behind || in_list_of_streets(units, i) || with_house(text, units, i, end))
            && named(GENITIVE))
}

/// «на Ивана Франко, 5», «Ивана Франко д. 5», «по Ивана Франко»: the genitive with a house, or
/// behind a preposition that wants another case, is a street's even without its word.
fn with_house(text: &Text<'_>, units: &[Unit], i: usize, end: usize) -> bool {
    let parts = &units[i..end];
    // A surname stands behind the name or the initials on a street sign.
    let sign = parts[0].is_name() || parts[0].initial.is_some();
    if !sign || parts.iter().any(|u| u.patronymic != 0) {
        return false;
    }
    let before = i.checked_sub(1).filter(|_| units[i].gap == Gap::Near).map(|at| units[at].from);
    let is_before = |words: &[&str]| before.is_some_and(|at| text.is_one_of(at, words));
    if is_before(&["у", "от", "для", "без", "возле", "рядом"]) {
        return false;
    }
    let owns = |u: &Unit| u.known.name | u.surname_cases();
    if is_before(&["по"]) && parts.iter().all(|u| owns(u) & DATIVE == 0) {
        return true;
    }
    let mut at = units[end - 1].to;
    while at < units[end - 1].to + 3
        && matches!(text.kind(at), Kind::Space(false) | Kind::Mark(','))
    {
        at += 1;
    }
    match text.kind(at) {
        Kind::Number => text.chars(at) <= 3 && !flats::counts(text, at),
        Kind::Word(_) => {
            let number = text.past_space(at + 1 + usize::from(text.is_mark(at + 1, '.')));
            text.is_one_of(at, &["д", "дом"]) && text.kind(number) == Kind::Number
        }
        _ => false,
    }
}

/// «на улицах Ивана Франко и Юрия Гагарина»: the second name of a list.
fn in_list_of_streets(units: &[Unit], i: usize) -> bool {
    let mut at = i;
    while at > 0 && i - at < 2 * RANKS_MAX {
        if units[at].gap == Gap::Hard {
            return false;
        }
        at -= 1;
        if units[at].known.streets {
            return true;
        }
        let joins = units[at].is_title() || units[at].initial.is_some() || units[at].known.rank;
        if !joins {
            return false;
        }
    }
    false
}

/// Whether a street all over the country bears this name.
fn is_famous(text: &Text<'_>, parts: &[Unit]) -> bool {
    if parts.iter().any(|u| u.patronymic != 0) {
        return false;
    }
    let words: Vec<String> = parts.iter().map(|u| text.folded(u.from)).collect();
    FAMOUS.iter().any(|(name, surname)| {
        let first = name.chars().next();
        let named = |(word, unit): (&String, &Unit)| match unit.initial {
            Some(_) => word.chars().next() == first,
            None => word.starts_with(name),
        };
        words.iter().any(|w| w.starts_with(surname)) && words.iter().zip(parts).any(named)
    })
}
