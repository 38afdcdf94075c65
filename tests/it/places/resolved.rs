//! Where a text is placed when it names no settlement itself, or only one far away.

use otklik::classify::resolve::{Surroundings, confidence, resolve};
use otklik::model::{PlaceBy, PlaceFinding};
use otklik::text::Tokens;

use super::gazetteer;

fn of_text(text: &str) -> Vec<PlaceFinding> {
    let gazetteer = gazetteer();
    let tokens = Tokens::of(text);
    let mut hits = Vec::new();
    gazetteer.find(&tokens, text, &mut hits);
    gazetteer.findings(&tokens, text, &hits)
}

fn decided(text: &str, around: &Surroundings) -> String {
    let in_passing = gazetteer().only_in_passing(text);
    let around = Surroundings { in_passing, ..around.clone() };
    let shown = |place: &PlaceFinding| {
        let street = place.street.as_deref().map(|s| format!(", {s}")).unwrap_or_default();
        let sign = if place.elsewhere { "-" } else { "" };
        format!("{sign}{}{street} {:?}", place.title, place.by)
    };
    resolve(&of_text(text), &around).iter().map(shown).collect::<Vec<_>>().join("; ")
}

#[test]
fn text_then_parent_then_thread_then_source() {
    let source = Surroundings {
        source: Some(("onohoy".into(), "Онохой".to_owned())),
        ..Surroundings::default()
    };
    let thread =
        Surroundings { thread: of_text("у нас в Шабуре тоже"), ..source.clone() };
    let parent =
        Surroundings { parent: of_text("В Ильке нет света"), ..thread.clone() };
    let quarrel =
        Surroundings { thread: of_text("в Шабуре и в Горхоне"), ..source.clone() };
    let nothing = Surroundings::default();
    for (text, around, expected) in [
        ("в Челутае холодно", &parent, "Челутай Text"),
        ("и у нас холодно", &parent, "Илька Parent"),
        ("и у нас холодно", &thread, "Шабур Thread"),
        ("и у нас холодно", &quarrel, "Онохой Source"),
        ("и у нас холодно", &source, "Онохой Source"),
        ("ул. Мира темно", &source, "Онохой, Мира Source"),
        ("ул. Мира темно", &nothing, ", Мира Text"),
        ("и у нас холодно", &nothing, ""),
        ("По всему Заиграевскому району нет света", &source, "Заиграевский район Text"),
        ("в Москве холодно", &source, "-Москва Text"),
        ("нет света, звонили в Улан-Удэ", &source, "Онохой Source"),
        ("автобус до Улан-Удэ отменили", &source, "Онохой Source"),
        ("из Улан-Удэ обещали бригаду, ул. Мира без света", &source, "Онохой, Мира Source"),
        ("автобус до Улан-Удэ отменили", &nothing, ""),
        ("звонили в Улан-Удэ, в Ильке темно", &source, "-Улан-Удэ Text; Илька Text"),
    ] {
        assert_eq!(decided(text, around), expected, "{text}");
    }
}

#[test]
fn a_list_of_houses_is_not_inherited() {
    let around = Surroundings {
        parent: of_text("Илька, ул. Мира, 5, 7 и 9"),
        ..Surroundings::default()
    };
    assert_eq!(decided("когда починят?", &around), "Илька Parent");
}

#[test]
fn nearer_sources_of_a_place_are_surer() {
    let order =
        [PlaceBy::Text, PlaceBy::Parent, PlaceBy::Thread, PlaceBy::Source, PlaceBy::District];
    let place = |by| PlaceFinding { by, ..of_text("в Ильке темно").remove(0) };
    let sure: Vec<u8> = order.iter().map(|by| confidence(&place(*by))).collect();
    assert!(sure.windows(2).all(|pair| pair[0] > pair[1]), "{sure:?}");
}
