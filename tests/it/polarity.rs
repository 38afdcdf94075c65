//! Complaints, and what only looks like one: settled, denied, asked, offered.

use otklik::classify::{Lexicon, Scratch, classify};

use crate::lexicons::compile;

const PACK: &str = r#"
id = "village"
title = "Посёлок"
kind = "problem"
severity = 3
[[rule]]
id = "it"
find = '''
  "нет (вода | свет | отопление | тепло | газ)"~3 | "(горячая | холодная) вода" | батарея | яма | мусор |
  "не (работать | греть | горят | вывозят | чистят)" | замерзать | протекать | "проблема с (вода | свет)" |
  "отключили (вода | свет)"~3 | лифт | фонарь | "бродячие собаки" | свалка | снег | "нет проблем"
'''
weight = 60
[[example]]
text = "Яма у школы"
is = true
[[example]]
text = "Нет воды"
is = true
[[example]]
text = "Привет"
is = false
[[example]]
text = "Яму засыпали"
is = false
"#;

fn village() -> Lexicon {
    compile(&[("village", PACK)])
}

fn is_complaint(lexicon: &Lexicon, scratch: &mut Scratch, text: &str) -> bool {
    !classify(text, lexicon, scratch).findings.is_empty()
}

#[test]
fn complaints_stay_complaints() {
    let (lexicon, mut scratch) = (village(), Scratch::new());
    for text in [
        "Нет воды третий день",
        "Воды нет, сил нет!",
        "Не работает лифт",
        "Мусор не вывозят",
        "Снег не чистят с ноября",
        "Фонари не горят",
        "Когда уже починят лифт?",
        "Обещали, что починили, но батареи ледяные",
        "Так и не починили лифт",
        "Лифт не починили",
        "Лифт до сих пор не починили",
        "Опять починили лифт на один день",
        "Снова отключили воду",
        "Свет дали, а воды нет",
        "Свет дали, но фонари не горят",
        "Починили дорогу. А яма у школы осталась",
        "Почините лифт, пожалуйста, спасибо",
        "Заранее спасибо. Яма у школы",
        "Спасибо администрации за мусор",
        "Воды нет! Спасибо!",
        "Лифт починили? Нет, стоит",
        "Дали воду, а батареи холодные",
        "Если бы починили лифт, мы бы не писали",
        "Почему не починили батареи",
        "Яму якобы засыпали",
        "Проблема: нет воды",
        "Спасибо за ремонт, но лифт стоит",
        "Не первый день замерзаем",
        "Нет, воды нет с утра",
        "Воды у нас не хватает, нет воды к вечеру",
    ] {
        assert!(is_complaint(&lexicon, &mut scratch, text), "{text}");
    }
}

#[test]
fn settled_and_denied_complaints_do_not_count() {
    let (lexicon, mut scratch) = (village(), Scratch::new());
    for text in [
        "Лифт уже починили",
        "Лифт починили, спасибо",
        "Яму засыпали, спасибо дорожникам",
        "Горячую воду дали",
        "Уже дали горячую воду",
        "Горячая вода есть, проблем нет",
        "Нет проблем с водой",
        "С горячей водой всё в порядке",
        "Не было воды, но уже дали",
        "Отключили воду, через час включили. Уже починили!",
        "Третий день нет воды. Уже починили, спасибо!",
        "Нет воды. UPD: починили",
        "Мусор вывезли",
        "Мусор вчера вывезли, площадку убрали",
        "Снег убрали утром",
        "Батареи не холодные",
        "Мы не замерзаем",
        "Крыша не протекает",
        "Спасибо, что убрали мусор",
        "Спасибо за оперативность, лифт поехал",
        "Проблема с водой решена",
        "Вопрос с мусором решили",
        "Авария устранена, горячая вода есть",
        "Спасибо за ремонт, лифт поехал",
        "Свалку уже убрали",
        "Бродячие собаки, их уже отловили",
        "Фонарь заменили",
        "Отключили свет, электрики приехали, уже включили",
        "Продам батарею чугунную",
        "Куплю снегоуборщик, снег чистить",
        "Требуется водитель, мусор возить",
    ] {
        let found = classify(text, &lexicon, &mut scratch);
        assert!(found.findings.is_empty(), "{text}: {:?}", found.findings);
    }
}

#[test]
fn a_settled_text_says_so() {
    let (lexicon, mut scratch) = (village(), Scratch::new());
    for (text, resolved, cancelled) in [
        ("Яму засыпали", Some("Яму засыпали"), true),
        ("Всё починили, спасибо", Some("починили"), false),
        ("Свет дали, а воды нет", None, false),
        ("Нет воды", None, false),
    ] {
        let found = classify(text, &lexicon, &mut scratch);
        let signal = found.signals.iter().find(|signal| signal.name == "resolved");
        assert_eq!(signal.map(|signal| signal.text.as_str()), resolved, "{text}");
        let rules = scratch.cancelled(&lexicon);
        assert_eq!(rules == ["village:it"], cancelled, "{text}: {rules:?}");
    }
}

#[test]
fn signals_name_circumstances_with_amounts() {
    let (lexicon, mut scratch) = (village(), Scratch::new());
    for (text, expected) in [
        (
            "Третий день нет воды, дети болеют",
            vec![("children", 1), ("complaint", 1), ("days", 3), ("outage", 1)],
        ),
        ("Нет воды 2 недели", vec![("complaint", 1), ("days", 14), ("outage", 1)]),
        ("Опять яма, в мороз -35", vec![("complaint", 1), ("frost", 1), ("repeated", 1)]),
        ("Продам гараж", vec![("ad", 1)]),
        ("Никто не отвечает", vec![("complaint", 1), ("unanswered", 1)]),
    ] {
        let found = classify(text, &lexicon, &mut scratch);
        let signals: Vec<(&str, u32)> =
            found.signals.iter().map(|signal| (signal.name.as_str(), signal.amount)).collect();
        assert_eq!(signals, expected, "{text}");
    }
}
