//! What must stand beside a name before it counts as a place.
//!
//! Place in the flow: asked for each candidate of the index. Invariant: a name that is also a
//! street, a surname or an ordinary word counts only beside a cue that agrees with its case.

use crate::classify::declension::{
    ACCUSATIVE, DATIVE, GENITIVE, INSTRUMENTAL, PREPOSITIONAL, cases,
};
use crate::classify::street::words::{self, class};
use crate::text::tokens::{CAPITAL, HYPHEN, NUMBER, STARTS, Tokens};

/// How a form of a name counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    /// Wherever it stands.
    Name,
    /// Needs a preposition or type word before it.
    Strict,
    /// Needs that and a capital letter.
    Cue,
    /// «онохойский».
    Adjective,
    /// «онохойцы».
    People,
}

/// Why a name counts, or why it does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cue {
    /// The name needs none.
    Itself,
    /// «село», «станция» stands before it.
    Kind,
    /// A preposition that agrees stands before it.
    Preposition,
    /// It stands in a list of places or opens the text.
    Position,
}

/// Words that announce a settlement.
const KINDS: &str = " село села селе селу селом с поселок поселка поселке поселку поселком п пос пгт рп \
    улус улуса улусе улусу деревня деревни деревне деревню дер станция станции станцию ст разъезд \
    разъезде город города городе городу г гор сп мо поселение поселения поселении администрация \
    администрации снт днт ";

/// Prepositions with the cases they may stand before in a statement about a place.
const PREPOSITIONS: &[(&str, u8)] = &[
    ("в", ACCUSATIVE | PREPOSITIONAL),
    ("во", ACCUSATIVE | PREPOSITIONAL),
    ("на", ACCUSATIVE | PREPOSITIONAL),
    ("из", GENITIVE),
    ("до", GENITIVE),
    ("около", GENITIVE),
    ("возле", GENITIVE),
    ("вблизи", GENITIVE),
    ("близ", GENITIVE),
    ("под", INSTRUMENTAL | ACCUSATIVE),
    ("за", INSTRUMENTAL | ACCUSATIVE),
    ("между", INSTRUMENTAL | GENITIVE),
    ("через", ACCUSATIVE),
    ("по", DATIVE | PREPOSITIONAL),
    ("над", INSTRUMENTAL),
];

/// Prepositions that stand before people too.
const PERSONAL: &[&str] = &["на", "за", "по", "над", "между", "через", "под", "возле", "около"];

/// Stems of words that bring a far place in only as a way or an addressee.
const PASSING: &str = "звон дозвон езд еха еде едет вез вози отвез увез привез прие уех уезж добир \
    добер доех обращ обрат пиш писал напис жалоб жалов отправ направ жде ждать бригад прислал \
    поезд автобус электрич маршрут рейс трасс дорог такси билет отсюда скор госпитал";

fn is_one_of(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

/// Whether `word` announces a settlement.
pub(super) fn is_kind(word: &str) -> bool {
    !word.is_empty() && is_one_of(KINDS, word)
}

/// Why a candidate of `sort` with `cases` counts at tokens `at..last`; `None` if it does not.
/// `last_hit` is the token behind the place found before it.
pub(super) fn allowed(
    tokens: &Tokens,
    text: &str,
    (at, last): (usize, usize),
    (sort, cases): (Sort, u8),
    last_hit: usize,
) -> Option<Cue> {
    let before = if at > 0 { tokens.text(at - 1) } else { "" };
    let list = tokens.list();
    // A part of a longer word: «ново-илькинский»; a route («Онохой-Шабур») is two names.
    if list[at].is(HYPHEN) && last_hit != at {
        return None;
    }
    if is_street(tokens, at, last, sort)
        || matches!(before, "имени" | "им" | "площадь" | "музей" | "музее" | "музея")
    {
        return None;
    }
    let in_list = last_hit > 0
        && (last_hit == at || last_hit + 1 == at && matches!(before, "и" | "или" | "до"));
    let opens = list[at].is(STARTS) && stands_alone(tokens, text, last);
    match sort {
        // «Новоильинский район» is another place than the station Новоильинский.
        Sort::Name if is_of_district(tokens, last) => None,
        Sort::Name | Sort::People => Some(Cue::Itself),
        Sort::Adjective => is_adjective_of_place(tokens, last).then_some(Cue::Itself),
        Sort::Strict | Sort::Cue => {
            let capital = sort == Sort::Strict || list[at].is(CAPITAL);
            let shouted = list[at].is(crate::text::tokens::CAPS) && sort == Sort::Cue;
            let cue = announced(tokens, at, sort, cases)
                .or((in_list && sort == Sort::Strict).then_some(Cue::Position))
                .or((opens && sort == Sort::Strict).then_some(Cue::Position));
            cue.filter(|cue| capital && (!shouted || *cue == Cue::Kind))
        }
    }
}

/// A type word, or a preposition that agrees with the case of the form.
fn announced(tokens: &Tokens, at: usize, sort: Sort, cases: u8) -> Option<Cue> {
    let before = at.checked_sub(1).map(|before| tokens.text(before))?;
    // «Ульяновск г, Кирова ул»: the comma parts them.
    if tokens.list()[at].clause != tokens.list()[at - 1].clause {
        return None;
    }
    if is_kind(before) {
        let preposition = before == "с" && !tokens.list()[at].is(CAPITAL);
        return (!preposition).then_some(Cue::Kind);
    }
    let agrees = PREPOSITIONS.iter().any(|(word, with)| *word == before && with & cases != 0);
    let personal = sort == Sort::Cue && PERSONAL.contains(&before);
    (agrees && !personal).then_some(Cue::Preposition)
}

/// Whether the words at `at..last` are a street: «улица Онохойская», «Онохойская, 5».
fn is_street(tokens: &Tokens, at: usize, last: usize, sort: Sort) -> bool {
    let word = |at: usize| tokens.text(at);
    let kind = |at: usize| {
        let hyphened = tokens.list().get(at + 1).is_some_and(|token| token.is(HYPHEN));
        let pair = hyphened
            && matches!(
                (word(at), word(at + 1)),
                ("пр", "т" | "кт" | "д") | ("б", "р") | ("кв", "л") | ("мкр", "н")
            );
        let class = class(word(at));
        pair || class & words::KIND != 0 && class & words::LOOSE == 0
    };
    let joined = |at: usize| tokens.sentence_of(at) == tokens.sentence_of(at.saturating_sub(1));
    if at > 0 && class(word(at - 1)) & words::KIND != 0 && class(word(at - 1)) & words::LOOSE == 0 {
        // «на нашей улице, Онохой»: a comma parts them.
        let list = tokens.list();
        if list[at].clause == list[at - 1].clause && word(at - 1) != "микрорайон" {
            return true;
        }
    }
    if at > 1 && kind(at - 2) && tokens.list()[at - 1].is(HYPHEN) {
        return true;
    }
    if matches!(sort, Sort::Strict | Sort::Cue) {
        // «Кирова ул, д. 10»; but «Илька ул. Мира, 10» is the village.
        let next = last + 1;
        let house = word(next) == "д" || tokens.list().get(next).is_some_and(|t| t.is(NUMBER));
        return kind(last) && joined(last) && house;
    }
    if sort != Sort::Adjective {
        return false;
    }
    let number = tokens.list().get(last).is_some_and(|token| token.is(NUMBER));
    let house = matches!(word(last), "д" | "дом")
        && tokens.list().get(last + 1).is_some_and(|token| token.is(NUMBER));
    joined(last) && (kind(last) || number || house)
}

/// «Заиграевский район» is the whole district, not its seat.
fn is_adjective_of_place(tokens: &Tokens, last: usize) -> bool {
    let after = tokens.text(last);
    !after.starts_with("район") && after != "рн" && !(after == "р" && tokens.text(last + 1) == "н")
}

/// Whether the name that ends before token `last` is an adjective of the word «район» behind it.
fn is_of_district(tokens: &Tokens, last: usize) -> bool {
    let name = tokens.text(last.wrapping_sub(1));
    let ends = ["ский", "ского", "скому", "ском", "ским"];
    ends.iter().any(|end| name.ends_with(end)) && !is_adjective_of_place(tokens, last)
}

/// Whether a comma, a dash or the end follows token `last - 1`.
fn stands_alone(tokens: &Tokens, text: &str, last: usize) -> bool {
    let list = tokens.list();
    let Some(token) = last.checked_sub(1).and_then(|at| list.get(at)) else { return false };
    let rest = text.get(token.end as usize..).unwrap_or("").trim_start_matches(' ');
    rest.is_empty() || rest.starts_with([',', '.', ':', '-', '–', '—', '\n', '!', '?', ';', '('])
}

/// Whether a place elsewhere at token `at` is only a way or an addressee: «звонили в Улан-Удэ»,
/// «автобус до Улан-Удэ».
pub(super) fn is_passing(tokens: &Tokens, at: usize) -> bool {
    let before = at.checked_sub(1).map_or("", |before| tokens.text(before));
    if matches!(before, "из" | "до" | "через" | "к") {
        return true;
    }
    let clause = tokens.list().get(at).map_or(0, |token| token.clause as usize);
    let first = tokens.clauses().get(clause).map_or(at, |clause| clause.first as usize);
    let from = first.max(at.saturating_sub(5));
    let hit =
        |at: usize| PASSING.split(' ').any(|s| !s.is_empty() && tokens.text(at).starts_with(s));
    matches!(before, "в" | "во" | "на" | "с" | "от" | "под") && (from..at).any(hit)
}

/// Whether the words behind token `last` say that the place lies in another district or region:
/// «Петропавловка Джидинского района», «Красный Яр (Самарская область)».
pub(super) fn is_of_another_region(tokens: &Tokens, last: usize, own: &str) -> bool {
    let adjective = tokens.text(last);
    let noun = tokens.text(last + 1);
    let region = noun.starts_with("район")
        || noun.starts_with("област")
        || matches!(noun, "края" | "край" | "обл" | "р" | "рн")
        || noun.starts_with("республик");
    let stem: String = own.chars().take(6).collect();
    region
        && ["ского", "ской", "цкого", "ская", "ский", "ском"].iter().any(|e| adjective.ends_with(e))
        && !adjective.starts_with(&folded_stem(&stem))
}

/// Whether an adjective of another place stands before an organisation at token `at`.
pub(super) fn is_of_another(tokens: &Tokens, at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| tokens.text(before)) else { return false };
    ["ская", "ской", "скую", "ский", "ского", "ском", "скому", "скими", "цкая", "цкой", "цкую"]
        .iter()
        .any(|end| before.ends_with(end))
        && !before.starts_with("районн")
        && !before.starts_with("сельск")
}

fn folded_stem(stem: &str) -> String {
    stem.chars().map(crate::text::fold::lower).collect()
}

/// Case forms of the name of a district, the short «р-н» too.
pub(super) fn district_forms(name: &str) -> Vec<String> {
    let mut forms: Vec<String> = cases(name).into_iter().map(|(form, _)| form).collect();
    if let Some(adjective) = name.strip_suffix(" район") {
        for (form, _) in cases(name) {
            let Some((adjective, _)) = form.split_once(' ') else { continue };
            for short in ["р-н", "р-на", "р-не", "р-ну", "р-ном", "рн"] {
                forms.push(format!("{adjective} {short}"));
            }
        }
        forms.push(format!("{adjective} р-н"));
    }
    forms.sort();
    forms.dedup();
    forms
}
