//! Tells Russian from Buryat by cheap signs; asks whatlang only about the rest.
//!
//! Place in the flow: `classify` weighs each word once ([`signs`], remembered) and sums the signs
//! of a text. Invariant: a text with as many Russian signs as Buryat ones is Russian: a
//! settlement's name or a borrowed word never makes a complaint Buryat.
//!
//! Buryat is known by Ө Ү Һ, and when typed without them by long vowels (аа, ээ, оо, уу), «э»
//! inside words, endings and a few dozen function words. Russian is known by function words and
//! endings.

use std::sync::LazyLock;

use crate::model::Language;

use super::fold::{self, Kind};
use super::tokens::{CAPITAL, LATIN, NUMBER, Token, Tokens};
use super::words::WordSet;

/// Folded Buryat function words, typed with О У Х for Ө Ү Һ.
const BURYAT_WORDS: &str = "аад ажал байгаа байна байхан баярлаа бии бидэ бидэнэй болоно болоо болон \
буряад бэшэ гу гэжэ гэр гээд гээшэ гэхэн даа дээрэ ерээ жэл зай зон зуун лэ манай менд мун муноо \
мэндэ нютаг нэгэ олон ород соо таанад танай тон тухай тэндэ тэрэ угы угэй унэхоор ухан хадаа хайн \
хайхан харин хоер хун хэлэ хэн хэр хэрэг шни шэнги эгээл эндэ энэ эхэ ехэ юм юун юундэ ямар хаана \
хэзээ гурбан табан арбан удэр узэг";

/// Folded Russian function words that are no Buryat words.
const RUSSIAN_WORDS: &str = "а без был была были было в вам вас во вот все вы где да для до его ее если \
есть еще же за и из или их к как когда кто ли меня мне мы на над нам нас не нет ни но о об он она они \
опять от очень по под после почему при про с сейчас со так там то тоже только тут у уже что чтобы эта \
эти это этот я здесь надо можно нельзя день спасибо здравствуйте нету пожалуйста сегодня вчера завтра \
который";

/// Endings of Russian words of four letters or more.
const RUSSIAN_ENDINGS: &str = "ть ся сь ого его ому ему ами ями ах ях ет ут ют ят ый ая ое ые ых ым ую ие \
их ия ии ию ом ем ла ло ли те ка ки ку ке ов ев ости ость но ны на";

/// Endings that make a word Russian whatever stands inside («травмоопасная», «заасфальтировать»).
const SURELY_RUSSIAN: &str = "ть тся ого ому ами ый ая нные вые ские тые чные ых ение ения ость";

/// Endings of Buryat words of five letters or more (О У Х for Ө Ү Һ).
const BURYAT_ENDINGS: &str = "аар оор аад ууд гуй гуйл иин иие уудые даг дог шье абди обди бди хамни \
мнай тнай агша гшад лга дахи";

/// Beginnings of Russian words with «э» or a double vowel inside, and of names of the region.
const RUSSIAN_EXCEPTIONS: &str = "мэр сэр пэр рэп тэц аэро поэ дуэ кэш фэн тэг удэ улан статуэт силуэт \
маэстро каноэ алоэ фаэтон мэм сэлфи саа исаак зоо коо воо соо поо аутсай вакуум континуум";

/// The lists above, ready to be asked.
struct Lists {
    buryat: WordSet,
    russian: WordSet,
    russian_endings: WordSet,
    surely_russian: WordSet,
    buryat_endings: WordSet,
    exceptions: WordSet,
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| Lists {
    buryat: WordSet::of(BURYAT_WORDS),
    russian: WordSet::of(RUSSIAN_WORDS),
    russian_endings: WordSet::of(RUSSIAN_ENDINGS),
    surely_russian: WordSet::of(SURELY_RUSSIAN),
    buryat_endings: WordSet::of(BURYAT_ENDINGS),
    exceptions: WordSet::of(RUSSIAN_EXCEPTIONS),
});

/// What one word says about the language of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Signs {
    /// Letters, Cyrillic ones.
    pub letters: u8,
    /// Points for Buryat.
    pub buryat: u8,
    /// Points for Buryat if the word is written as a name: less.
    pub buryat_name: u8,
    /// Points for Russian.
    pub russian: u8,
    /// Letters of neither alphabet: і, ў, қ, ә …
    pub strange: u8,
}

/// Weighs one folded word.
#[must_use]
pub fn signs(word: &str) -> Signs {
    let (mut letters, mut special, mut strange) = (0_u8, 0_u8, 0_u8);
    for c in word.chars().filter(|&c| fold::kind(c) == Kind::Cyrillic) {
        letters = letters.saturating_add(1);
        match c {
            'ө' | 'ү' | 'һ' => special += u8::from(special < 9),
            'а'..='я' => {}
            _ => strange += u8::from(strange < 9),
        }
    }
    if letters == 0 {
        return Signs::default();
    }
    let plain =
        if special > 0 { word.chars().map(plain_letter).collect() } else { word.to_owned() };
    let base = if special > 0 { 4 } else { 0 };
    let with = |buryat: u8, name: u8, russian: u8| Signs {
        letters,
        buryat: base + buryat,
        buryat_name: base + name,
        russian,
        strange,
    };
    if LISTS.russian.has(word) {
        return with(0, 0, 3);
    }
    if LISTS.buryat.has(&plain) {
        return with(3, 3, 0);
    }
    let surely = special == 0 && LISTS.surely_russian.ends(word);
    let shape = if surely { 0 } else { buryat_shape(&plain, letters) };
    let mut russian = 0;
    if shape == 0 && letters >= 4 && LISTS.russian_endings.ends(word) {
        russian += 2;
    }
    if word.contains(['щ', 'ъ']) {
        russian += 2;
    }
    with(shape, shape.min(2), russian)
}

/// The language of `text`, which was split into `tokens`. [`Tally`] does the same with remembered
/// signs.
#[must_use]
pub fn language(text: &str, tokens: &Tokens) -> Language {
    let mut tally = Tally::default();
    for (at, token) in tokens.list().iter().enumerate() {
        let word = tokens.text(at);
        tally.add(token, signs(word));
    }
    tally.verdict(text)
}

/// Signs of a whole text.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    cyrillic: u32,
    foreign: u32,
    buryat: u32,
    russian: u32,
    strange: u32,
}

impl Tally {
    /// Adds the signs of one token's word.
    #[inline]
    pub fn add(&mut self, token: &Token, signs: Signs) {
        if token.is(NUMBER) {
            return;
        }
        if token.is(LATIN) {
            self.foreign += (token.to - token.from).min(64);
            return;
        }
        self.cyrillic += u32::from(signs.letters);
        self.russian += u32::from(signs.russian);
        self.strange += u32::from(signs.strange);
        self.buryat += u32::from(if token.is(CAPITAL) { signs.buryat_name } else { signs.buryat });
    }

    /// The language: `ru`, `bua`, another ISO 639 code, `und` for a text without letters.
    #[must_use]
    pub fn verdict(&self, text: &str) -> Language {
        Language(self.code(text).into())
    }

    fn code(&self, text: &str) -> &'static str {
        if self.cyrillic + self.foreign == 0 {
            return "und";
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
fn buryat_shape(word: &str, letters: u8) -> u8 {
    if letters < 3 {
        return 0;
    }
    let mut points = 0;
    let mut before = '\0';
    for (order, c) in word.chars().take(40).enumerate() {
        if c == 'э' && order > 0 {
            points += if before == 'э' { 1 } else { 2 };
        } else if c == before && matches!(c, 'а' | 'у') || c == 'о' && before == 'о' && order > 2
        {
            points += 2;
        }
        before = c;
    }
    if letters >= 5 && LISTS.buryat_endings.ends(word) {
        points += 2;
    }
    if points > 0 && LISTS.exceptions.begins(word) { 0 } else { points.min(3) }
}

/// The letter of Russian keyboards that stands for a Buryat one.
#[must_use]
pub fn plain_letter(c: char) -> char {
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
            ("Травмоопасная наледь", "ru"),
            ("Необходим ремонт гаража", "ru"),
            ("Свалкаа мусора", "ru"),
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
