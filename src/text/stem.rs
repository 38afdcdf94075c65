//! The stem of a word: what all its forms have in common.
//!
//! Place in the flow: on a word's first sight in `classify`, and for every word of a query.
//! Invariant: packs and texts go through the same function, so a stem need not be a word, only the
//! same for all forms.
//!
//! Snowball's Russian stemmer does the work. Four things are put right around it, because analysts
//! meet them daily:
//! 1. Forms that it throws together with another word: «водить» with «вода», «гореть» with «гора»,
//!    «дорогая» with «дорога», «стоит» with «сто», «домой» with «дом».
//! 2. Forms of one word that it tears apart: «день/дня», «лёд/льда», «огонь/огня», «уголь/угля».
//! 3. The vowel that runs away: «участок/участка», «остановок/остановка», «кошек/кошка»; the «е»
//!    that
//!    stays behind: «батарея/батарей», «аллея/аллей».
//!
//! 4. Nouns that end like reflexive verbs: «надпись», «запись», «смесь».
//!
//! What stays unclear is decided once: «дорогой» is the road, not the price; «угле» is coal.

use std::borrow::Cow;

use rust_stemmers::{Algorithm, Stemmer};

use super::fold;
use super::words::WordMap;

/// Forms, separated by spaces, and the stem they all get.
const FORMS: &[(&str, &str)] = &[
    ("водить", "водить водит водят водим водите водил водила водили водишь вожу"),
    ("дорогостоя", "дорогая дорогие дорогое дорогую дорогого дорогих дорогим дорогими дорогому"),
    ("гореть", "гореть горит горят горел горела горело горели горим горишь горевший горящий"),
    ("стоять", "стоит стоят стоял стояла стояло стояли стоять стоим"),
    ("домой", "домой"),
    ("день", "день дня дню днем дне дни дней дням днями днях"),
    ("лед", "лед льда льду льдом льде льды"),
    ("огонь", "огонь огня огню огнем огне огни огней огням огнями огнях"),
    ("уголь", "уголь угля углю углем угле угли"),
    ("угол", "угол угла углу углом углы углов углам углами углах"),
    ("пес", "пес пса псу псом псе псы псов псам псами псах"),
    ("котел", "котел котла котлу котлом котле котлы котлов котлам котлами котлах"),
    ("узел", "узел узла узлу узлом узле узлы узлов узлам узлами узлах"),
    ("козел", "козел козла козлу козлом козле козлы козлов козлам козлами козлах"),
    ("жилец", "жилец жильца жильцу жильцом жильце жильцы жильцов жильцам жильцами жильцах"),
    ("палец", "палец пальца пальцу пальцем пальце пальцы пальцев пальцам пальцами пальцах"),
    ("рот", "рот рта рту ртом рте рты"),
    ("сон", "сон сна сну сном сне сны снов"),
    ("лоб", "лоб лба лбу лбом лбе лбы"),
    ("пень", "пень пня пню пнем пне пни пней пнями пнях"),
    ("пол", "пол пола полу полом поле полы полов полам полами полах"),
    ("окно", "окно окна окну окном окне окон окнам окнами окнах"),
    ("письмо", "письмо письма письму письмом письме писем письмам письмами письмах"),
    ("земля", "земля земли землю землей земле земель землям землями землях"),
    ("идти", "идти иду идет идут идем шел шла шло шли идешь"),
    ("мочь", "мочь могу может могут можем можете мог могла могло могли можешь"),
    ("течь", "течь течет текут тек текла текло текли течи потек потекла потекло потекли"),
    ("сжечь", "сжечь сжег сожгли сжигают сжигать жгут жечь жгли жег жжет"),
    ("вывезти", "вывезти вывез вывезла вывезли вывезут вывезет вывезен вывезена вывезено вывезены"),
    (
        "привезти",
        "привезти привез привезла привезли привезут привезет привезен привезено привезены",
    ),
    ("увезти", "увезти увез увезла увезли увезут увезет"),
    ("замерзнуть", "замерзнуть замерз замерзла замерзло замерзли замерзнет замерзнем замерзнут"),
    ("промерзнуть", "промерзнуть промерз промерзла промерзло промерзли промерзнет промерзнут"),
    ("погаснуть", "погаснуть погас погасла погасло погасли погаснет погаснут"),
    ("сгореть", "сгореть сгорел сгорела сгорело сгорели сгорит сгорят"),
    ("смесь", "смесь смеси смесью смесей смесям смесями смесях"),
    ("ось", "ось оси осью осей осям"),
    ("лось", "лось лося лосю лосем лоси лосей лосям лосями лосях"),
    ("человек", "человек человека человеку человеком человеке"),
];

/// Words on «-ок», «-ек», «-ец» whose vowel stays: «урок/урока».
const STEADY: &[&str] = &[
    "урок",
    "порок",
    "пророк",
    "срок",
    "зарок",
    "оброк",
    "восток",
    "поток",
    "исток",
    "приток",
    "проток",
    "отток",
    "водосток",
    "водопоток",
    "кровоток",
    "сток",
    "высок",
    "жесток",
    "глубок",
    "широк",
    "одинок",
    "волок",
    "войлок",
    "далек",
    "игрок",
    "знаток",
    "электроток",
    "теплопоток",
    "кузнец",
    "боец",
    "подлец",
    "мертвец",
    "мудрец",
    "храбрец",
    "жрец",
    "недалек",
    "невысок",
];

/// Finds stems. Costs about 200 ns a word: `classify` remembers the answers.
pub struct Stems {
    snowball: Stemmer,
    forms: WordMap<&'static str>,
}

impl std::fmt::Debug for Stems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stems").finish_non_exhaustive()
    }
}

impl Default for Stems {
    fn default() -> Self {
        Self::new()
    }
}

impl Stems {
    /// The stemmer with its table of exceptions.
    #[must_use]
    pub fn new() -> Self {
        let forms = FORMS.iter();
        let forms = forms.flat_map(|&(stem, forms)| forms.split(' ').map(move |form| (form, stem)));
        let forms = WordMap::new(forms);
        Self { snowball: Stemmer::create(Algorithm::Russian), forms }
    }

    /// The stem of a word folded by [`super::tokens`], spelling squeezed ([`fold::squeeze`]).
    /// A word without Cyrillic letters, and a number, is its own stem.
    #[must_use]
    pub fn stem(&self, word: &str) -> String {
        if !word.starts_with(|c| fold::kind(c) == fold::Kind::Cyrillic) {
            return word.to_owned();
        }
        if let Some(stem) = self.forms.get(word) {
            return fold::squeeze(stem);
        }
        let word = runaway(word.strip_suffix('ь').filter(|w| w.ends_with("пис")).unwrap_or(word));
        let stem = self.snowball.stem(&word);
        let short = stem.strip_suffix('е').filter(|short| short.chars().count() > 2);
        fold::squeeze(short.unwrap_or(&stem))
    }
}

/// Takes the vowel out of «участок», «кошек», «колодец», so that they meet «участка», «кошка»,
/// «колодца».
fn runaway(word: &str) -> Cow<'_, str> {
    let may_run = word.ends_with('к') || word.ends_with("ец");
    if !may_run || word.chars().nth(4).is_none() || STEADY.contains(&word) {
        return Cow::Borrowed(word);
    }
    for (ending, short) in [("ок", "к"), ("чек", "чк"), ("шек", "шк"), ("жек", "жк"), ("ец", "ц")]
    {
        if let Some(head) = word.strip_suffix(ending)
            && head.chars().any(fold::is_vowel)
            && !(ending == "ец" && head.ends_with(fold::is_vowel))
        {
            return Cow::Owned(format!("{head}{short}"));
        }
    }
    Cow::Borrowed(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_word_meet() {
        let stems = Stems::new();
        for forms in [
            "вода воды воду водой воде вод",
            "дорога дороги дорогу дорогой дороге дорог дорогам",
            "дорогая дорогие дорогого",
            "батарея батареи батарей батарее батареями",
            "холодный холодная холодные холодных холодного",
            "участок участка участки участков",
            "остановка остановки остановок остановке",
            "переулок переулка переулке",
            "кошка кошек кошки",
            "колодец колодца колодцы",
            "день дня дней дни",
            "лед льда льду",
            "уголь угля углем",
            "собака собаки собак собакам",
            "мусор мусора мусором",
            "снег снега снегу снегом",
            "яма ямы ям ямами",
            "отопление отопления отоплению отоплением",
            "подъезд подьезд подъезда подъездах",
            "количество колличество колличества",
            "программа програма программы",
            "авария аварии аварию аварий",
            "починил починила починили",
            "горит горят горело",
            "вывезли вывезут вывезти",
            "замерз замерзли замерзнем",
            "ванная ванной ванную",
            "аллея аллеи аллей аллее",
            "надпись надписи надписей надписью",
            "запись записи записью",
        ] {
            let found: Vec<String> = forms.split(' ').map(|form| stems.stem(form)).collect();
            assert!(found.iter().all(|stem| *stem == found[0]), "{forms}: {found:?}");
        }
    }

    #[test]
    fn different_words_stay_apart() {
        let stems = Stems::new();
        for words in [
            "вода водит водитель ввод водка",
            "дорога дорогая дорожный",
            "гора горит город",
            "стоит сто стол",
            "дом домой",
            "уголь угол",
            "лед лето",
            "день деньги",
            "газ газета газон",
            "переход переезд",
            "говорят гора",
            "поток потолок",
            "урок укроп",
            "масса маска",
        ] {
            let found: Vec<String> = words.split(' ').map(|word| stems.stem(word)).collect();
            let mut distinct = found.clone();
            distinct.sort();
            distinct.dedup();
            assert_eq!(distinct.len(), found.len(), "{words}: {found:?}");
        }
    }

    #[test]
    fn foreign_words_and_numbers_are_their_own_stems() {
        let stems = Stems::new();
        for word in ["wifi", "112", "", "covid"] {
            assert_eq!(stems.stem(word), word);
        }
    }
}
