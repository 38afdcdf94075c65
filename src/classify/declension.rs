//! Case forms of place names, by the school tables of Russian declension.
//!
//! Place in the flow: used once, when the gazetteer is compiled. Invariant: input and output are
//! folded (lower case, ё = е); the first form is the name itself; forms are unique.

/// Cases as bits: what a preposition must agree with.
pub const NOMINATIVE: u8 = 1;
/// Genitive: из, до, около.
pub const GENITIVE: u8 = 1 << 1;
/// Dative: по, к.
pub const DATIVE: u8 = 1 << 2;
/// Accusative: в, на, через.
pub const ACCUSATIVE: u8 = 1 << 3;
/// Instrumental: под, за.
pub const INSTRUMENTAL: u8 = 1 << 4;
/// Prepositional: в, на.
pub const PREPOSITIONAL: u8 = 1 << 5;
/// Every case: a form that never changes.
pub const ALL_CASES: u8 = 0b11_1111;

const ORDER: [u8; 6] = [NOMINATIVE, GENITIVE, DATIVE, ACCUSATIVE, INSTRUMENTAL, PREPOSITIONAL];

/// All case forms of a name of one or more words with the cases each may stand in, the name itself
/// first.
///
/// Adjectives agree with their noun («новая брянь» → «новой бряни»); a first part before a hyphen
/// that is no adjective stays as it is («усть-брянь» → «усть-бряни»). Names in -о stand in every
/// case unchanged too («в заиграево»).
#[must_use]
pub fn cases(name: &str) -> Vec<(String, u8)> {
    let words: Vec<&str> = name.split(' ').collect();
    let tables: Vec<[String; 6]> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let last = at + 1 == words.len();
            if last || words.len() == 1 { noun(word) } else { adjective(word) }
        })
        .collect();
    let mut forms: Vec<(String, u8)> = Vec::with_capacity(8);
    let mut add = |form: String, cases: u8| match forms.iter_mut().find(|known| known.0 == form) {
        Some(known) => known.1 |= cases,
        None => forms.push((form, cases)),
    };
    for (case, bit) in ORDER.into_iter().enumerate() {
        add(tables.iter().map(|t| t[case].as_str()).collect::<Vec<_>>().join(" "), bit);
    }
    for genitive in words.last().map(|word| second_genitives(word)).unwrap_or_default() {
        let mut parts: Vec<&str> = tables.iter().map(|table| table[1].as_str()).collect();
        if let Some(last) = parts.last_mut() {
            *last = &genitive;
        }
        add(parts.join(" "), GENITIVE);
    }
    if name.ends_with('о') {
        forms[0].1 = ALL_CASES;
    }
    forms
}

/// The forms of [`cases`] alone.
#[must_use]
pub fn forms(name: &str) -> Vec<String> {
    cases(name).into_iter().map(|(form, _)| form).collect()
}

/// Other genitives that plural names have: «химки» → «химок», «челны» → «челнов», «тальцы» →
/// «талец».
fn second_genitives(word: &str) -> Vec<String> {
    if let Some(stem) = word.strip_suffix("ки") {
        vec![format!("{stem}ок"), format!("{stem}ек")]
    } else if let Some(stem) = word.strip_suffix('ы').filter(|stem| !stem.ends_with('ц')) {
        vec![format!("{stem}ов")]
    } else if let Some(stem) = word.strip_suffix("цы") {
        // «тальцы» → «талец»
        vec![format!("{stem}цев"), format!("{}ец", stem.trim_end_matches('ь'))]
    } else {
        Vec::new()
    }
}

fn table(stem: &str, ends: [&str; 6]) -> [String; 6] {
    ends.map(|end| format!("{stem}{end}"))
}

fn unchanged(word: &str) -> [String; 6] {
    table(word, ["", "", "", "", "", ""])
}

/// Nominative, genitive, dative, accusative, instrumental, prepositional of an adjective before a
/// name.
fn adjective(word: &str) -> [String; 6] {
    let soft = |stem: &str| stem.ends_with(['к', 'г', 'х', 'ж', 'ш', 'щ', 'ч']);
    if let Some(stem) = word.strip_suffix("ая") {
        table(stem, ["ая", "ой", "ой", "ую", "ой", "ой"])
    } else if let Some(stem) = word.strip_suffix("яя") {
        table(stem, ["яя", "ей", "ей", "юю", "ей", "ей"])
    } else if let Some(stem) = word.strip_suffix("ое") {
        let ends = if soft(stem) { "им" } else { "ым" };
        table(stem, ["ое", "ого", "ому", "ое", ends, "ом"])
    } else if let Some(stem) = word.strip_suffix("ее") {
        table(stem, ["ее", "его", "ему", "ее", "им", "ем"])
    } else if let Some(stem) = word.strip_suffix("ые") {
        table(stem, ["ые", "ых", "ым", "ые", "ыми", "ых"])
    } else if let Some(stem) = word.strip_suffix("ие") {
        table(stem, ["ие", "их", "им", "ие", "ими", "их"])
    } else if let Some(stem) = word.strip_suffix("ый").or_else(|| word.strip_suffix("ой")) {
        table(stem, [&word[stem.len()..], "ого", "ому", &word[stem.len()..], "ым", "ом"])
    } else if let Some(stem) = word.strip_suffix("ий") {
        if soft(stem) {
            table(stem, ["ий", "ого", "ому", "ий", "им", "ом"])
        } else {
            table(stem, ["ий", "его", "ему", "ий", "им", "ем"])
        }
    } else {
        unchanged(word)
    }
}

/// The same of the last word of a name.
fn noun(word: &str) -> [String; 6] {
    if let Some((first, rest)) = word.split_once("-на-") {
        return noun(first).map(|form| format!("{form}-на-{rest}"));
    }
    if let Some(at) = word.rfind('-') {
        let (first, last) = (&word[..=at], &word[at + 1..]);
        let forms = noun(last);
        // «петровск-забайкальский» → «петровска-забайкальского»
        if last.ends_with("ский") && first.ends_with("к-") {
            let firsts = noun(first.trim_end_matches('-'));
            return std::array::from_fn(|case| format!("{}-{}", firsts[case], forms[case]));
        }
        return forms.map(|form| format!("{first}{form}"));
    }
    let hard_k = |stem: &str| stem.ends_with(['к', 'г', 'х', 'ж', 'ш', 'щ', 'ч', 'ц']);
    if ["ий", "ый", "ая", "ое", "ские", "ные", "ской", "ской"].iter().any(|e| word.ends_with(e))
        && word.chars().count() > 4
    {
        adjective(word)
    } else if let Some(stem) = word.strip_suffix("ия") {
        table(stem, ["ия", "ии", "ии", "ию", "ией", "ии"])
    } else if let Some(stem) = word.strip_suffix('а') {
        let genitive = if hard_k(stem) { "и" } else { "ы" };
        table(stem, ["а", genitive, "е", "у", "ой", "е"])
    } else if let Some(stem) = word.strip_suffix('я') {
        table(stem, ["я", "и", "е", "ю", "ей", "е"])
    } else if let Some(stem) = word.strip_suffix("ье") {
        table(stem, ["ье", "ья", "ью", "ье", "ьем", "ье"])
    } else if let Some(stem) = word.strip_suffix('о') {
        table(stem, ["о", "а", "у", "о", "ом", "е"])
    } else if let Some(stem) = word.strip_suffix("ец").filter(|stem| stem.len() > 4) {
        table(stem, ["ец", "ца", "цу", "ец", "цом", "це"])
    } else if is_masculine_soft(word) {
        table(&word[..word.len() - 'ь'.len_utf8()], ["ь", "я", "ю", "ь", "ем", "е"])
    } else if let Some(stem) = word.strip_suffix('ь') {
        // Names of settlements in -ь are feminine (Брянь, Пермь, Тверь) but for a few.
        table(stem, ["ь", "и", "и", "ь", "ью", "и"])
    } else if let Some(stem) = word.strip_suffix('й') {
        table(stem, ["й", "я", "ю", "й", "ем", "е"])
    } else if let Some(stem) = word.strip_suffix("цы") {
        table(stem, ["цы", "цов", "цам", "цы", "цами", "цах"])
    } else if let Some(stem) = word.strip_suffix('ы') {
        table(stem, ["ы", "", "ам", "ы", "ами", "ах"])
    } else if let Some(stem) = word.strip_suffix('и') {
        let genitive = if stem.ends_with(['ч', 'щ', 'ш', 'ж']) { "ей" } else { "ов" };
        table(stem, ["и", genitive, "ам", "и", "ами", "ах"])
    } else if word.ends_with(['э', 'у', 'ю', 'е']) || !word.ends_with(is_cyrillic) {
        unchanged(word)
    } else {
        table(word, ["", "а", "у", "", "ом", "е"])
    }
}

/// Whether a name in -ь is masculine: Ярославль, Севастополь, Анадырь, Ключ.
fn is_masculine_soft(word: &str) -> bool {
    let feminine = ["сталь", "соль", "пристань"];
    (word.ends_with("ль") || word.ends_with("дырь") || word.ends_with("ламонь"))
        && !feminine.iter().any(|end| word.ends_with(end))
}

fn is_cyrillic(c: char) -> bool {
    ('а'..='я').contains(&c)
}

/// All forms of an adjective given in the masculine nominative («онохойский»).
#[must_use]
pub fn adjective_forms(masculine: &str) -> Vec<String> {
    let Some(stem) = ["ий", "ый", "ой"].iter().find_map(|end| masculine.strip_suffix(end))
    else {
        return vec![masculine.to_owned()];
    };
    let soft = stem.ends_with(['к', 'г', 'х']);
    let (i, im) = if soft { ("ие", "им") } else { ("ые", "ым") };
    let (ih, imi) = if soft { ("их", "ими") } else { ("ых", "ыми") };
    let own = &masculine[stem.len()..];
    [own, "ого", "ому", im, "ом", "ая", "ой", "ую", "ою", "ое", i, ih, imi]
        .iter()
        .map(|end| format!("{stem}{end}"))
        .collect()
}

/// All forms of a name for residents given in the plural («онохойцы»): one man, many people.
#[must_use]
pub fn people_forms(plural: &str) -> Vec<String> {
    if let Some(stem) = plural.strip_suffix("не") {
        let ends = ["не", "н", "нам", "нами", "нах", "нин", "нина", "нину", "нином", "нка", "нки"];
        return ends.iter().map(|end| format!("{stem}{end}")).collect();
    }
    let Some(stem) = plural.strip_suffix("цы") else { return forms(plural) };
    let mut forms: Vec<String> = ["цы", "цев", "цов", "цам", "цами", "цах", "ца", "цу", "цем"]
        .iter()
        .map(|end| format!("{stem}{end}"))
        .collect();
    let short = stem.strip_suffix('й').unwrap_or(stem);
    forms.push(format!("{short}ец"));
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decline_as_people_write_them() {
        for (name, expected) in [
            ("онохой", "онохой онохоя онохою онохоем онохое"),
            ("заиграево", "заиграево заиграева заиграеву заиграевом заиграеве"),
            ("новая брянь", "новая брянь|новой бряни|новую брянь|новой брянью"),
            ("усть-брянь", "усть-брянь усть-бряни усть-брянью"),
            ("илька", "илька ильки ильке ильку илькой"),
            (
                "татарский ключ",
                "татарский ключ|татарского ключа|татарскому ключу|татарским ключом|татарском ключе",
            ),
            (
                "нижние тальцы",
                "нижние тальцы|нижних тальцов|нижним тальцам|нижними тальцами|нижних тальцах|нижних тальцев\
                 |нижних талец",
            ),
            ("эрхирик", "эрхирик эрхирика эрхирику эрхириком эрхирике"),
            ("мухор-тала", "мухор-тала мухор-талы мухор-тале мухор-талу мухор-талой"),
            ("улан-удэ", "улан-удэ"),
            ("ключи", "ключи ключей ключам ключами ключах"),
            (
                "старый онохой",
                "старый онохой|старого онохоя|старому онохою|старым онохоем|старом онохое",
            ),
        ] {
            let split = if expected.contains('|') { '|' } else { ' ' };
            let expected: Vec<&str> = expected.split(split).collect();
            let mut forms = forms(name);
            if name == "татарский ключ" || name == "старый онохой" {
                forms.dedup();
            }
            assert_eq!(forms, expected, "{name}");
        }
    }

    #[test]
    fn adjectives_have_all_genders() {
        let forms = adjective_forms("онохойский");
        for form in ["онохойская", "онохойской", "онохойские", "онохойских", "онохойском"]
        {
            assert!(forms.iter().any(|f| f == form), "{form}");
        }
    }
}
