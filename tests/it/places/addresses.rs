//! Streets, houses and the settlement they belong to, with the spans that leave the program.

use otklik::classify::Gazetteer;
use otklik::model::PlaceFinding;
use otklik::text::Tokens;

use super::gazetteer;

fn findings(gazetteer: &Gazetteer, text: &str) -> Vec<PlaceFinding> {
    let tokens = Tokens::of(text);
    let mut hits = Vec::new();
    gazetteer.find(&tokens, text, &mut hits);
    gazetteer.findings(&tokens, text, &hits)
}

fn shown(text: &str, place: &PlaceFinding) -> String {
    let slice = |start: u32, end: u32| -> String {
        text.chars().skip(start as usize).take((end - start) as usize).collect()
    };
    let street = place.street.as_deref().map(|street| {
        let house = place.house.as_deref().map(|house| format!(" {house}")).unwrap_or_default();
        let span = match (place.street_start, place.street_end) {
            (Some(start), Some(end)) => slice(start, end),
            _ => String::new(),
        };
        format!("{street}{house} «{span}»")
    });
    [Some(place.title.clone()).filter(|title| !title.is_empty()), street]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(": ")
}

#[test]
fn streets_belong_to_settlements() {
    let gazetteer = gazetteer();
    for (text, expected) in [
        ("Онохой, Советская, 5", "Онохой: Советская 5 «Советская, 5»"),
        ("Онохой ул Советская 5а/2 мёрзнем", "Онохой: Советская 5а/2 «Советская 5а/2»"),
        ("ул. Ленина, 3 в Заиграево без воды", "Заиграево: Ленина 3 «Ленина, 3»"),
        ("нет света по ул. Школьной", "Школьная «Школьной»"),
        (
            "Илька: ул. Школьная, 12, 14. Челутай: ул. Новая, 3",
            "Илька: Школьная 12 «Школьная, 12»; Челутай: Новая 3 «Новая, 3»; \
             Илька: Школьная 14 «Школьная, 12, 14»",
        ),
        (
            "Новая Брянь, улица 50 лет Октября, 18–24",
            "Новая Брянь: 50 лет Октября 18–24 «50 лет Октября, 18–24»",
        ),
        ("звонили в Улан-Удэ, ул. Мира 4 без света", "Улан-Удэ; Мира 4 «Мира 4»"),
        ("На углу Мира и Кирова яма", "Мира «Мира»; Кирова «Кирова»"),
        ("Гагарина 7, 3 подъезд, нет тепла", "Гагарина 7 «Гагарина 7»"),
        ("дом 15 по улице Кирова", "Кирова 15 «Кирова»"),
        ("возле школы темно", ""),
        ("напротив ФАПа яма", ""),
        ("на 15 км трассы авария", ""),
        ("ждём 5 дней, обещали 12 числа", ""),
    ] {
        let places = findings(&gazetteer, text);
        let got = places.iter().map(|place| shown(text, place)).collect::<Vec<_>>().join("; ");
        assert_eq!(got, expected, "{text}");
    }
}

#[test]
fn the_bare_name_has_a_span_of_its_own() {
    let text = "Заиграево, улица Карла Маркса, дом 8";
    let streets = gazetteer().streets(text);
    let names: Vec<&str> = streets.iter().map(|hit| &text[hit.name.clone()]).collect();
    assert_eq!(names, ["Карла Маркса"]);
}

#[test]
fn each_name_says_why_it_counts() {
    let gazetteer = gazetteer();
    for (text, expected) in [
        ("в Онохое холодно", "Онохое 98"),
        ("онохойская школа", "онохойская школа 75"),
        ("онохойская дорога", "онохойская 90"),
        ("звонили из Ильки", "Ильки 90"),
        ("Илька, нет света", "Илька 83"),
        ("пожар в Москве", "Москве 95"),
        ("в Ильке напротив ФАПа яма", "Ильке 90; напротив ФАПа 40"),
    ] {
        let reasons = gazetteer.reasons(text);
        let got: Vec<String> =
            reasons.iter().map(|reason| format!("{} {}", reason.text, reason.confidence)).collect();
        assert_eq!(got.join("; "), expected, "{text}");
        assert!(reasons.iter().all(|reason| !reason.why.is_empty()));
    }
}
