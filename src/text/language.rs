//! Tells Russian from Buryat by cheap signs; asks whatlang only about the rest.
//!
//! Place in the flow: once a text, in `classify`. Invariant: a text with as many Russian signs as Buryat
//! ones is Russian: a settlement's name or a borrowed word never makes a complaint Buryat.
//!
//! Buryat is known by Ө Ү Һ, and when typed without them by long vowels (аа, ээ, оо, уу), «э» inside
//! words, endings and a few dozen function words. Russian is known by function words and endings.

use crate::model::Language;

use super::fold::{self, Kind};
use super::tokens::{CAPITAL, LATIN, NUMBER, Tokens};

/// Folded Buryat function words, typed with О У Х for Ө Ү Һ.
const BURYAT_WORDS: &[&str] = &[
    "аад",
    "ажал",
    "байгаа",
    "байна",
    "байхан",
    "баярлаа",
    "бии",
    "бидэ",
    "бидэнэй",
    "болоно",
    "болоо",
    "болон",
    "буряад",
    "бэшэ",
    "гу",
    "гэжэ",
    "гэр",
    "гээд",
    "гээшэ",
    "гэхэн",
    "даа",
    "дээрэ",
    "ерээ",
    "жэл",
    "зай",
    "зон",
    "зуун",
    "лэ",
    "манай",
    "менд",
    "мун",
    "муноо",
    "мэндэ",
    "нютаг",
    "нэгэ",
    "олон",
    "ород",
    "соо",
    "таанад",
    "танай",
    "тон",
    "тухай",
    "тэндэ",
    "тэрэ",
    "уггы",
    "угы",
    "угэй",
    "унэхоор",
    "ухан",
    "хадаа",
    "хайн",
    "хайхан",
    "харин",
    "хоер",
    "хун",
    "хэлэ",
    "хэн",
    "хэр",
    "хэрэг",
    "шни",
    "шэнги",
    "эгээл",
    "эндэ",
    "энэ",
    "эхэ",
    "ехэ",
    "юм",
    "юун",
    "юундэ",
    "ямар",
    "хаана",
    "хэзээ",
    "гурбан",
    "табан",
    "арбан",
    "удэр",
    "узэг",
];

/// Folded Russian function words that are no Buryat words.
const RUSSIAN_WORDS: &[&str] = &[
    "а",
    "без",
    "был",
    "была",
    "были",
    "было",
    "в",
    "вам",
    "вас",
    "во",
    "вот",
    "все",
    "вы",
    "где",
    "да",
    "для",
    "до",
    "его",
    "ее",
    "если",
    "есть",
    "еще",
    "же",
    "за",
    "и",
    "из",
    "или",
    "их",
    "к",
    "как",
    "когда",
    "кто",
    "ли",
    "меня",
    "мне",
    "мы",
    "на",
    "над",
    "нам",
    "нас",
    "не",
    "нет",
    "ни",
    "но",
    "о",
    "об",
    "он",
    "она",
    "они",
    "опять",
    "от",
    "очень",
    "по",
    "под",
    "после",
    "почему",
    "при",
    "про",
    "с",
    "сейчас",
    "со",
    "так",
    "там",
    "то",
    "тоже",
    "только",
    "тут",
    "у",
    "уже",
    "что",
    "чтобы",
    "эта",
    "эти",
    "это",
    "этот",
    "я",
    "здесь",
    "надо",
    "можно",
    "нельзя",
    "день",
    "спасибо",
    "здравствуйте",
    "нету",
    "пожалуйста",
    "сегодня",
    "вчера",
    "завтра",
    "который",
];

/// Endings of Russian words of four letters or more.
const RUSSIAN_ENDINGS: &[&str] = &[
    "ть", "ся", "сь", "ого", "его", "ому", "ему", "ами", "ями", "ах", "ях", "ет", "ет", "ут", "ют",
    "ят", "ый", "ая", "ое", "ые", "ых", "ым", "ую", "ие", "их", "ия", "ии", "ию", "ом", "ем", "ла",
    "ло", "ли", "те", "ка", "ки", "ку", "ке", "ов", "ев", "ости", "ость", "но", "ны", "на", "ется",
];

/// Endings of Buryat words of five letters or more (О У Х for Ө Ү Һ).
const BURYAT_ENDINGS: &[&str] = &[
    "аар",
    "оор",
    "аад",
    "ууд",
    "нууд",
    "гуй",
    "гуйл",
    "иин",
    "иие",
    "уудые",
    "даг",
    "дог",
    "шье",
    "абди",
    "обди",
    "бди",
    "хамни",
    "мнай",
    "тнай",
    "агша",
    "гшад",
    "лга",
    "дахи",
];

/// Endings that make a word Russian whatever stands inside («травмоопасная», «заасфальтировать»).
const SURELY_RUSSIAN: &[&str] =
    &["ть", "ться", "тся", "ого", "ому", "ами", "ый", "ая", "ые", "ых", "ение", "ения", "ость"];

/// Beginnings of Russian words with «э» or a double vowel inside.
const RUSSIAN_EXCEPTIONS: &[&str] = &[
    "мэр",
    "сэр",
    "пэр",
    "рэп",
    "тэц",
    "аэро",
    "поэ",
    "дуэ",
    "кэш",
    "фэн",
    "тэг",
    "сэкон",
    "удэ",
    "улан",
    "статуэт",
    "силуэт",
    "маэстро",
    "каноэ",
    "алоэ",
    "фаэтон",
    "шоссэ",
    "мэм",
    "сэлфи",
    "саа",
    "исаак",
    "зоо",
    "коо",
    "воо",
    "соо",
    "поо",
    "аутсай",
    "вакуум",
    "континуум",
];

/// The language of `text`, which was split into `tokens`.
#[must_use]
pub fn language(text: &str, tokens: &Tokens) -> Language {
    let mut signs = Signs::default();
    for (at, token) in tokens.list().iter().enumerate() {
        if token.is(NUMBER) {
            continue;
        }
        let word = tokens.text(at);
        if token.is(LATIN) {
            signs.foreign += word.chars().count();
        } else {
            signs.read(word, token.is(CAPITAL));
        }
    }
    Language(signs.verdict(text).to_owned())
}

#[derive(Debug, Default)]
struct Signs {
    cyrillic: usize,
    foreign: usize,
    buryat: u32,
    russian: u32,
    /// Letters of neither alphabet: і, ў, қ, ә …
    strange: u32,
}

impl Signs {
    /// Weighs one folded Cyrillic word; names say less than other words.
    fn read(&mut self, word: &str, capital: bool) {
        let mut letters = 0;
        let mut special = 0;
        for c in word.chars() {
            letters += 1;
            match c {
                'ө' | 'ү' | 'һ' => special += 1,
                'а'..='я' => {}
                _ if fold::kind(c) == Kind::Cyrillic => self.strange += 1,
                _ => {}
            }
        }
        self.cyrillic += letters;
        let plain: std::borrow::Cow<'_, str> = if special > 0 {
            self.buryat += 4;
            word.chars().map(plain_letter).collect::<String>().into()
        } else {
            word.into()
        };
        if RUSSIAN_WORDS.contains(&word) {
            self.russian += 3;
            return;
        }
        if BURYAT_WORDS.contains(&&*plain) {
            self.buryat += 3;
            return;
        }
        let surely = special == 0 && SURELY_RUSSIAN.iter().any(|end| word.ends_with(end));
        let most = if surely { 0 } else { 3 - u32::from(capital) };
        let buryat = buryat_shape(&plain, letters).min(most);
        self.buryat += buryat;
        if buryat == 0 && letters >= 4 && RUSSIAN_ENDINGS.iter().any(|end| word.ends_with(end)) {
            self.russian += 2;
        }
        if word.contains(['щ', 'ъ']) {
            self.russian += 2;
        }
    }

    fn verdict(&self, text: &str) -> &'static str {
        if self.cyrillic + self.foreign == 0 {
            return if text.chars().any(char::is_alphabetic) { guess(text) } else { "und" };
        }
        if self.foreign > self.cyrillic {
            return guess(text);
        }
        if self.strange > 0 && self.strange * 2 > self.russian {
            return match guess(text) {
                "und" | "en" => "ru",
                code => code,
            };
        }
        match (self.buryat, self.russian) {
            (buryat, russian) if buryat > russian && (buryat > 2 || self.cyrillic > 16) => "bua",
            (0, 0) if self.cyrillic >= 24 => match guess(text) {
                code @ ("uk" | "be" | "bg" | "sr" | "mk") => code,
                _ => "ru",
            },
            _ => "ru",
        }
    }
}

/// Points for what no Russian word has: long vowels, «э» inside, endings.
fn buryat_shape(word: &str, letters: usize) -> u32 {
    if letters < 3 || RUSSIAN_EXCEPTIONS.iter().any(|start| word.starts_with(start)) {
        return 0;
    }
    let mut points = 0;
    let mut before = '\0';
    for (order, c) in word.chars().enumerate() {
        if c == 'э' && order > 0 {
            points += if before == 'э' { 1 } else { 2 };
        } else if c == before && matches!(c, 'а' | 'у') || c == 'о' && before == 'о' && order > 2
        {
            points += 2;
        }
        before = c;
    }
    if letters >= 5 && BURYAT_ENDINGS.iter().any(|end| word.ends_with(end)) {
        points += 2;
    }
    points.min(3)
}

fn plain_letter(c: char) -> char {
    match c {
        'ө' => 'о',
        'ү' => 'у',
        'һ' => 'х',
        c => c,
    }
}

/// What whatlang says, as an ISO 639-1 code where there is one; "und" if it is not sure.
fn guess(text: &str) -> &'static str {
    let long = text.chars().filter(|c| c.is_alphabetic()).nth(24).is_some();
    let sure = |found: &whatlang::Info| {
        found.is_reliable()
            || long && found.script() == whatlang::Script::Latin && found.confidence() > 0.1
    };
    let Some(found) = whatlang::detect(text).filter(sure) else {
        return "und";
    };
    match found.lang().code() {
        "rus" => "ru",
        "eng" => "en",
        "ukr" => "uk",
        "bel" => "be",
        "bul" => "bg",
        "srp" => "sr",
        "mkd" => "mk",
        "deu" => "de",
        "fra" => "fr",
        "spa" => "es",
        "ita" => "it",
        "por" => "pt",
        "pol" => "pl",
        "tur" => "tr",
        "uzb" => "uz",
        "aze" => "az",
        "cmn" => "zh",
        "jpn" => "ja",
        "kor" => "ko",
        "ara" => "ar",
        "kat" => "ka",
        "hye" => "hy",
        "vie" => "vi",
        code => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_and_buryat() {
        for (text, expected) in [
            ("Третий день нет воды", "ru"),
            ("Когда дадут тепло в Онохое", "ru"),
            ("Улан-Удэ", "ru"),
            ("мэр обещал фонари у мэрии", "ru"),
            ("Вообще сообщите о вывозе", "ru"),
            ("Ямы", "ru"),
            ("Дээдэ-Онгостой без света", "ru"),
            ("Уһан үгы, гэр хүйтэн", "bua"),
            ("Манай нютагта уhан угы болоо", "bua"),
            ("Сайн байна, мэндэ амар", "bua"),
            ("Энэ харгы муу даа, машинаар ябахад бэрхэтэй", "bua"),
            ("The water has been cut off for three days in our whole street", "en"),
            ("Третій день немає води у нашому будинку і ніхто не відповідає", "uk"),
            ("123 !!! 😡", "und"),
            ("", "und"),
        ] {
            assert_eq!(language(text, &Tokens::of(text)).0, expected, "{text:?}");
        }
    }
}
