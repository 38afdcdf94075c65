//! Complaints that come by telephone: noted in the official's own words, masked like everything.

use serde_json::json;

use crate::rig::{Rig, bytes_below, holds};

#[test]
fn a_note_is_masked_placed_and_grouped_and_its_topic_may_be_named() {
    let rig = Rig::new();
    let text = "Звонила Иванова И.И., тел. 89021234567: ул. Мира, 5, кв. 12, нет отопления";
    let ended = rig.run(&["add", text, "--place", "Кедрово"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.out.contains("Тема: Отопление. Место: Кедрово"), "{ended:?}");
    let rows = rig.export("posts");
    assert_eq!((rows.len(), &rows[0]["source"]), (1, &json!("reception")));
    assert_eq!(
        (&rows[0]["place"], &rows[0]["topics"][0]["topic"]),
        (&json!("kedrovo"), &json!("heating"))
    );
    for hidden in ["Иванова", "89021234567", "кв. 12"] {
        let kept = bytes_below(&rig.path("store")).into_iter().any(|(_, b)| holds(&b, hidden));
        assert!(!kept, "{hidden} is stored");
    }
    let problems = rig.export("problems");
    assert_eq!((&problems[0]["topic"], &problems[0]["voices"]), (&json!("heating"), &json!(1)));

    let plain = rig.run(&["add", "Жалуются на Соснягино"]);
    assert!(plain.out.contains("Тема не распознана"), "{plain:?}");
    let named = rig.run(&["add", "Снова жалуются на Соснягино", "--topic", "heating", "--json"]);
    assert_eq!(named.rows(0)[0]["done"], true, "{named:?}");
    assert_eq!(rig.export("problems").len(), 2);
}

#[test]
fn what_cannot_be_noted_is_refused_with_the_way_out() {
    let rig = Rig::new();
    for (args, told) in [
        (&["add", "холодно", "--place", "Атлантида"][..], "места «Атлантида» нет"),
        (&["add", "холодно", "--topic", "нет-такой"], "Темы нет-такой нет"),
        (&["add", " "], "Текст пуст"),
    ] {
        let ended = rig.run(args);
        assert!(ended.code == 2 && ended.err.contains(told), "{args:?}: {ended:?}");
    }
    assert!(!rig.path("store/otklik.db").exists());
}
