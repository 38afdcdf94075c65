//! Case forms of place names, by the school tables of Russian declension.
//!
//! Place in the flow: used once, when the gazetteer is compiled. Invariant: input and output are folded
//! (lower case, ё = е); the first form is the name itself; forms are unique.

/// All case forms of a name of one or more words, the name itself first.
///
/// Adjectives agree with their noun («новая брянь» → «новой бряни»); a first part before a hyphen that is
/// no adjective stays as it is («усть-брянь» → «усть-бряни»).
#[must_use]
pub fn forms(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split(' ').collect();
    let tables: Vec<[String; 6]> = words
        .iter()
        .enumerate()
        .map(|(at, word)| {
            let last = at + 1 == words.len();
            if last || words.len() == 1 { noun(word) } else { adjective(word) }
        })
        .collect();
    let mut forms = Vec::with_capacity(6);
    for case in 0..6 {
        let form = tables.iter().map(|t| t[case].as_str()).collect::<Vec<_>>().join(" ");
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

fn table(stem: &str, ends: [&str; 6]) -> [String; 6] {
    ends.map(|end| format!("{stem}{end}"))
}

fn unchanged(word: &str) -> [String; 6] {
    table(word, ["", "", "", "", "", ""])
}

/// Nominative, genitive, dative, accusative, instrumental, prepositional of an adjective before a name.
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

fn noun(word: &str) -> [String; 6] {
    if let Some(at) = word.rfind('-') {
        let (first, last) = (&word[..=at], &word[at + 1..]);
        return noun(last).map(|form| format!("{first}{form}"));
    }
    let hard_k = |stem: &str| stem.ends_with(['к', 'г', 'х', 'ж', 'ш', 'щ', 'ч', 'ц']);
    if ["ий", "ый", "ая", "ое", "ские", "ные"].iter().any(|end| word.ends_with(end))
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
    } else if let Some(stem) = word.strip_suffix('ь') {
        // Names of settlements in -ь are feminine (Брянь, Пермь, Тверь) but for a few rivers.
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
                "нижние тальцы|нижних тальцов|нижним тальцам|нижними тальцами|нижних тальцах",
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
