//! Slips of people who edit packs and settings: each is told in Russian, at its character, once,
//! with what to do.

use std::path::Path;

use otklik::classify::{Gazetteer, Lexicon};
use otklik::config::packs::{PackFile, read_dir};
use otklik::config::{Fault, RiskRules};

const PACK: &str = r#"id = "probe"
title = "Проба"
kind = "problem"
severity = 3
department = "jkh"
season = "09-15..05-15"
advice = ["Проверить", "Ответить"]
codes = { buryatia = "ЖКХ", pos = "2" }

[[rule]]
id = "one"
find = 'вода | "нет вода"~3'
unless = 'фильм'
weight = 60

[[rule]]
find = "лед"
weight = 50

[[example]]
text = "нет воды"
is = true
[[example]]
text = "лед во дворе"
is = true
[[example]]
text = "солнце"
is = false
[[example]]
text = "ветер"
is = false
"#;

/// What stands in [`PACK`], what is typed instead, the only fault or its beginning.
const SLIPS: &[(&str, &str, &str)] = &[
    (
        "title = \"Проба\"",
        "title = \"Проба",
        "2:15: строка не закрыта кавычкой → поставьте закрывающую кавычку",
    ),
    (
        "title = \"Проба\"",
        "title = Проба\"",
        "2:9: нет открывающей кавычки → возьмите строку в кавычки \"…\"",
    ),
    ("title = \"Проба\"", "title = Проба", "2:9: строка без кавычек → возьмите её в кавычки \"…\""),
    (
        "title = \"Проба\"",
        "title = “Проба”",
        "2:9: типографская кавычка «“» → замените на прямую: \"",
    ),
    (
        "title = \"Проба\"",
        "title = \"Проба”",
        "2:15: типографская кавычка «”» → замените на прямую: \"",
    ),
    (
        "title = \"Проба\"",
        "title = \"Проба'",
        "2:15: текст начат кавычкой, а закончен апострофом → ",
    ),
    (
        "title = \"Проба\"",
        "title = \"Про\nба\"",
        "2:13: строка не закрыта кавычкой → поставьте закрывающую кавычку",
    ),
    (
        "title = \"Проба\"",
        "title = \"C:\\папка\"",
        "2:13: обратная черта в строке → напишите «\\\\» или возьмите в апострофы",
    ),
    (
        "title = \"Проба\"",
        "title = \"Про\u{1}ба\"",
        "2:13: управляющий знак, которого не видно → удалите его",
    ),
    (
        "title = \"Проба\"",
        "title = 31.01.2026",
        "2:9: «title»: дробное число → нужно: текст в кавычках",
    ),
    ("title =", "tіtle =", "2:2: в имени «tіtle» русские буквы среди латинских → "),
    (
        "unless = 'фильм'",
        "unless = 'фильм",
        "13:16: строка не закрыта апострофом → поставьте закрывающий апостроф",
    ),
    (
        "unless = 'фильм'",
        "unless = ‘фильм’",
        "13:10: типографская кавычка «‘» → замените на прямую: \"",
    ),
    ("\"ветер\"", "\"дом \"Ветер\" закрыт\"", "30:14: кавычки внутри кавычек → "),
    (
        "find = \"лед\"",
        "find = '''\nлед",
        "17:8: длинная строка не закрыта → закройте её теми же тремя кавычками",
    ),
    (
        "find = \"лед\"",
        "find = '/(лед/'",
        "17:9: ошибка в регулярном выражении: скобка «(» не закрыта → ",
    ),
    (
        "[[rule]]\nfind",
        "[[rule]\nfind",
        "16:8: в заголовке раздела нет закрывающих скобок → допишите «]]»",
    ),
    (
        "[[rule]]\nfind",
        "[rule]]\nfind",
        "16:2: раздел «rule» открыт и одной скобкой, и двумя → везде пишите [[rule]]",
    ),
    (
        "[[rule]]\nfind",
        "[rule]\nfind",
        "16:2: раздел «rule» открыт и одной скобкой, и двумя → везде пишите [[rule]]",
    ),
    ("[[rule]]\nfind", "[[rule]]:\nfind", "16:9: заголовок раздела записан неверно → "),
    ("[[rule]]\nfind", "[[правило]]\nfind", "16:3: имя ключа с недопустимым знаком → "),
    ("weight = 50", "weight = 50\nweight = 60", "19:1: ключ задан дважды → оставьте одну строку"),
    (
        "weight = 50",
        "weight = 0,5",
        "18:11: дробное число с запятой → отделите дробную часть точкой",
    ),
    ("weight = 50", "weight = 50%", "18:12: лишнее после числа → "),
    ("weight = 50", "weight = много", "18:10: «weight»: текст → нужно: целое число"),
    ("weight = 50", "weight = \"50\"", "18:10: «weight»: текст → нужно: целое число"),
    ("weight = 50", "weight = 050", "18:10: число начинается с нуля → уберите ноль"),
    ("weight = 50", "wieght = 50", "18:1: неизвестный ключ «wieght» → может быть, «weight»?"),
    ("is = true", "is = да", "22:6: «да» здесь не пишут → напишите true или false"),
    (
        "is = true",
        "is = True",
        "22:6: значение записано неверно → строчными буквами: true или false",
    ),
    (
        "severity = 3",
        "severity =",
        "4:11: у ключа нет значения → допишите значение после знака «=»",
    ),
    ("severity = 3", "severity 3", "4:10: между ключом и значением нет знака «=» → поставьте «=»"),
    ("severity = 3", "severity: 3", "4:9: вместо «:» нужен знак «=» → замените «:» на «=»"),
    ("severity = 3", "severity == 3", "4:11: лишний знак «=» → удалите его"),
    ("severity = 3", "severity = 3;", "4:13: лишний знак «;» в конце строки → удалите его"),
    ("severity = 3", "severity = 3,", "4:13: лишний знак «,» в конце строки → удалите его"),
    (
        "severity = 3",
        "severity = 3 // да",
        "4:14: примечание начинается не с «//», а с «#» → замените «//» на «#»",
    ),
    (
        "severity = 3",
        "важная тема\nseverity = 3",
        "4:1: строка — не «ключ = значение» и не заголовок → ",
    ),
    ("severity = 3", "важность = 3", "4:1: имя ключа с недопустимым знаком → "),
    (
        "severity = 3\n",
        "severity = 3 ",
        "4:12: в одной строке два ключа → перенесите второй на новую строку",
    ),
    ("severity = 3", "severity =\u{a0}3", "4:11: неразрывный пробел → наберите обычный пробел"),
    ("severity = 3", "\u{200b}severity = 3", "4:1: невидимый знак → удалите его"),
    ("severity = 3\n", "severity = 3\r", "4:14: неверный знак конца строки → "),
    ("severity = 3", "<<<<<<< HEAD\nseverity = 3", "4:1: след слияния двух файлов → "),
    (
        "department = ",
        "depart ment = ",
        "5:8: пробел в имени ключа → пишите его слитно или через «_»",
    ),
    ("\"09-15..05-15\"", "09-15..05-15", "6:10: «season»: дата → нужно: текст в кавычках"),
    ("\"Ответить\"]", "\"Ответить\"", "7:34: у списка нет закрывающей скобки → допишите «]»"),
    ("= [\"Проверить\"", "= \"Проверить\"", "7:21: несколько значений без скобок списка → "),
    ("\"Проверить\", ", "\"Проверить\" ", "7:23: между значениями нет запятой → поставьте запятую"),
    ("pos = \"2\" }", "pos = \"2\"", "8:38: нет закрывающей фигурной скобки → допишите «}»"),
    ("\"ЖКХ\", pos", "\"ЖКХ\" pos", "8:28: между значениями нет запятой → поставьте запятую"),
    ("buryatia = ", "buryatia: ", "8:19: вместо «:» нужен знак «=» → замените «:» на «=»"),
];

fn faults(text: &str) -> Vec<Fault> {
    let file = PackFile::new("keywords/probe.toml", text);
    Lexicon::compile(vec![file], Gazetteer::empty()).err().unwrap_or_default()
}

/// The Latin words of an answer that stand neither in the pack nor in what was typed.
fn foreign<'a>(answer: &'a str, typed: &str) -> Vec<&'a str> {
    let words = answer.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let latin = words.filter(|word| word.contains(|c: char| c.is_ascii_alphabetic()));
    latin.filter(|word| !PACK.contains(word) && !typed.contains(word)).collect()
}

#[test]
fn every_slip_in_a_pack_is_told_in_russian_with_the_fix() {
    assert_eq!(faults(PACK), []);
    for (from, to, expected) in SLIPS {
        assert!(PACK.contains(from), "{from}");
        let said: Vec<String> =
            faults(&PACK.replacen(from, to, 1)).iter().map(Fault::to_string).collect();
        let answer = said.first().and_then(|first| first.strip_prefix("keywords/probe.toml:"));
        let answer = answer.unwrap_or_else(|| panic!("{to}: {said:?}"));
        assert!(answer.starts_with(expected) && answer.contains(" → "), "{to}: {said:?}");
        // A text that goes on behind the end of its line is two faults.
        assert!(said.len() <= to.lines().count(), "{to}: {said:?}");
        for said in &said {
            assert_eq!(foreign(said, to), ["keywords", "toml"], "{said}");
        }
    }
}

#[test]
fn a_pack_with_tabs_a_bom_and_windows_line_ends_is_read() {
    let folder = tempfile::tempdir().expect("temp dir");
    let text = PACK.replace(" = ", "\t=\t").replace('\n', "\r\n");
    std::fs::write(folder.path().join("probe.toml"), format!("\u{feff}{text}")).expect("written");
    let files = read_dir(folder.path()).expect("read");
    assert!(Lexicon::compile(files, Gazetteer::empty()).is_ok());
}

#[test]
fn a_pack_saved_in_the_encoding_of_windows_is_told_so() {
    let folder = tempfile::tempdir().expect("temp dir");
    let byte = |c: char| match c {
        'А'..='я' => (c as u32 - 0x410 + 0xC0) as u8,
        c => u8::try_from(c).unwrap_or(b'?'),
    };
    let bytes: Vec<u8> = PACK.chars().map(byte).collect();
    std::fs::write(folder.path().join("probe.toml"), bytes).expect("written");
    let faults = read_dir(folder.path()).expect_err("no UTF-8");
    let said = faults[0].to_string();
    let expected = "probe.toml:2:1: файл не в кодировке UTF-8 (похоже на Windows-1251) → \
                    в Блокноте: «Сохранить как…», кодировка «UTF-8»";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn other_files_are_told_by_the_same_words() {
    for (text, expected) in [
        ("[weights]\nseverity: 3\n", "risk.toml:2:9: вместо «:» нужен знак «=» → "),
        ("два = 2\n", "risk.toml:1:1: имя ключа с недопустимым знаком → "),
        ("a = \"вода”\n", "risk.toml:1:10: типографская кавычка «”» → "),
        ("a = 5 // да\n", "risk.toml:1:7: примечание начинается не с «//», а с «#» → "),
        ("a = [1\n[weights]\n", "risk.toml:1:7: у списка нет закрывающей скобки → "),
    ] {
        let faults = RiskRules::parse(Path::new("risk.toml"), text).expect_err(text);
        assert!(faults[0].to_string().starts_with(expected), "{text}: {}", faults[0]);
    }
}
