//! Splitting and folding: what the engine takes for a word, and where it stands.

use otklik::text::tokens::{CAPITAL, CAPS, GLUED, HYPHEN, LATIN, NUMBER, STARTS, Tokens};

fn words(text: &str) -> Vec<String> {
    let tokens = Tokens::of(text);
    (0..tokens.len()).map(|at| tokens.text(at).to_owned()).collect()
}

#[test]
fn folding() {
    for (text, expected) in [
        ("Нет ВОДЫ!", "нет воды"),
        ("Ёлка у подъЕзда", "елка у подъезда"),
        ("х0л0дно", "холодно"),
        ("0тключили свет", "отключили свет"),
        ("Boды нeт", "воды нет"),
        ("оооочень холодноооо", "очень холодно"),
        ("вообще ванная", "вообще ванная"),
        ("кое-где юго‑запад", "кое где юго запад"),
        ("отоп-\nление", "отопление"),
        ("д.12а кв3 5мин", "д 12 а кв 3 5 мин"),
        ("дом3а", "дом 3 а"),
        ("Ленина3кв10", "ленина 3 кв 10"),
        ("к\u{438}\u{306} е\u{308}ж", "кй еж"),
        ("во\u{AD}да с\u{200B}вет", "вода свет"),
        ("об'явление п@дик", "объявление падик"),
        ("😡Нет😡воды😡", "нет воды"),
        ("VK-группа WhatsAppчат", "vk группа whatsapp чат"),
        ("СOVID", "covid"),
        ("hайн мүнөө Һэн", "һайн мүнөө һэн"),
        ("mail@example.ru", "mail example ru"),
        ("-35 10.000 8:30", "35 10 000 8 30"),
        ("", ""),
        ("!!! ...", ""),
    ] {
        assert_eq!(words(text).join(" "), expected, "{text:?}");
    }
}

#[test]
fn spans_point_into_the_original() {
    let text = "😀 Х0Л0ДНО, нееет";
    let tokens = Tokens::of(text);
    let spans: Vec<&str> =
        tokens.list().iter().map(|token| &text[token.start as usize..token.end as usize]).collect();
    assert_eq!(spans, ["Х0Л0ДНО", "нееет"]);
    assert_eq!(words(text), ["холодно", "нет"]);
}

#[test]
fn flags() {
    let tokens = Tokens::of("Нет СВЕТА в Онохой-2, wi-fi 12а");
    let flags: Vec<u16> = tokens.list().iter().map(|token| token.flags).collect();
    let number = NUMBER;
    assert_eq!(
        flags,
        [
            CAPITAL | STARTS,
            CAPITAL | CAPS,
            0,
            CAPITAL,
            number | HYPHEN,
            LATIN,
            LATIN | HYPHEN,
            number,
            GLUED
        ]
    );
}

#[test]
fn clauses_and_sentences() {
    for (text, clauses, sentences) in [
        ("Свет дали, а воды нет", "Свет дали|а воды нет", 1),
        ("Воды нет. света тоже", "Воды нет|света тоже", 2),
        ("ул. Ленина, д. 5", "ул Ленина|д 5", 1),
        ("на ул.Мира нет света", "на ул Мира нет света", 1),
        ("свет дали но воды нет", "свет дали|но воды нет", 1),
        ("дом 12 а не греет", "дом 12 а не греет", 1),
        ("нет воды...и света", "нет воды|и света", 1),
        ("Нет воды… И света", "Нет воды|И света", 1),
        ("нет света\nнет воды\nКогда?", "нет света|нет воды|Когда", 2),
        ("в 8:30, 1,5 часа (снова)", "в 8 30|1 5 часа|снова", 1),
        ("т.е. воды нет", "т е воды нет", 1),
    ] {
        let tokens = Tokens::of(text);
        let got: Vec<String> = tokens
            .clauses()
            .iter()
            .map(|clause| {
                let range = clause.first as usize..clause.last as usize;
                let words: Vec<&str> = tokens.list()[range]
                    .iter()
                    .map(|token| &text[token.start as usize..token.end as usize])
                    .collect();
                words.join(" ")
            })
            .collect();
        assert_eq!(got.join("|"), clauses, "{text:?}");
        assert_eq!(tokens.sentences().len(), sentences, "{text:?}");
    }
}

#[test]
fn questions_are_known() {
    let tokens = Tokens::of("Воду дали? Дали.");
    let questions: Vec<bool> = tokens.sentences().iter().map(|s| s.question).collect();
    assert_eq!(questions, [true, false]);
}

#[test]
fn bytes_to_tokens() {
    let tokens = Tokens::of("нет воды дома");
    assert_eq!(tokens.range(0, 6), 0..1);
    assert_eq!(tokens.range(7, 8), 1..2);
    assert_eq!(tokens.range(6, 7), 1..1);
    assert_eq!(tokens.range(0, 100), 0..3);
}

#[test]
fn masks_of_the_door_are_no_words() {
    let tokens = Tokens::of("Батареи ледяные. Звоните [телефон], спросить [имя][квартира] тут");
    let words: Vec<&str> = (0..tokens.len()).map(|at| tokens.text(at)).collect();
    assert_eq!(words, ["батареи", "ледяные", "звоните", "спросить", "тут"]);
}

#[test]
fn spelled_out_words_are_put_together() {
    for (text, expected) in [
        ("в о д ы  н е т", "воды нет"),
        ("С Р О Ч Н О! нет тепла", "срочно нет тепла"),
        ("дайте с-в-е-т", "дайте свет"),
        ("нет г а з а, третий день", "нет газа третий день"),
        ("и в с", "и в с"),
        ("я и в 5 б с у", "я и в 5 б с у"),
        ("ул. К. Маркса, д. 5 а", "ул к маркса д 5 а"),
        ("т. е. воды нет", "т е воды нет"),
    ] {
        assert_eq!(words(text).join(" "), expected, "{text:?}");
    }
    let text = "опять нет в о д ы, а у нас дети";
    let tokens = Tokens::of(text);
    let spans: Vec<&str> =
        tokens.list().iter().map(|token| &text[token.start as usize..token.end as usize]).collect();
    assert_eq!(spans, ["опять", "нет", "в о д ы", "а", "у", "нас", "дети"]);
}

#[test]
fn letters_with_different_signs_between_them_are_no_spelled_out_word() {
    for (text, expected) in [
        ("ветер до 17 м/с и гололед", "ветер до 17 м с и гололед"),
        ("дом 13(т.к в подвале вода", "дом 13 т к в подвале вода"),
        ("из в/к Д-50. Без воды", "из в к д 50 без воды"),
        ("м/с в о д ы нет", "м с воды нет"),
        ("нет в.о.д.ы в доме", "нет воды в доме"),
    ] {
        assert_eq!(words(text).join(" "), expected, "{text:?}");
    }
}

#[test]
fn a_spelled_out_word_ends_before_a_number_of_two_digits() {
    for (text, expected) in [
        ("нет в о д ы 10 дней", "нет воды 10 дней"),
        ("10 дней нет г а з а 25 дом", "10 дней нет газа 25 дом"),
        ("дом 12 с в е т 34", "дом 12 свет 34"),
        ("we go в дом", "we go в дом"),
        ("ok он у é б", "ok он у é б"),
    ] {
        assert_eq!(words(text).join(" "), expected, "{text:?}");
    }
}
