//! Packs: what is wrong is said at its line and column, all at once; overlays lie on packs.

use otklik::classify::{Gazetteer, Lexicon, PackKind, Scratch, classify};
use otklik::config::Season;
use otklik::config::packs::{PackFile, read_dir};

use crate::lexicons::{EXAMPLES, compile};

const GOOD: &str = "id = \"heating\"\ntitle = \"Отопление\"\nkind = \"problem\"\nseverity = 4\n\
     [[rule]]\nid = \"cold\"\nfind = '\"холодные батареи\"~3 | зюзябра'\nweight = 60\n";

fn faults(files: &[(&str, &str)]) -> Vec<String> {
    let files =
        files.iter().map(|(name, text)| PackFile::new(format!("k/{name}.toml"), *text)).collect();
    match Lexicon::compile(files, Gazetteer::empty()) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// The good pack with `from` replaced by `to`, and the one fault that this makes.
fn check(from: &str, to: &str, expected: &str) {
    let good = format!("{GOOD}{EXAMPLES}");
    assert!(from.is_empty() || good.contains(from), "{from:?}");
    let broken = if from.is_empty() { format!("{to}{good}") } else { good.replacen(from, to, 1) };
    let found = faults(&[("heating", &broken)]);
    let short: Vec<&str> =
        found.iter().map(|line| line.split(" → ").next().unwrap_or_default()).collect();
    assert_eq!(short, [expected], "{from:?} → {to:?}");
}

#[test]
fn a_good_pack_has_no_fault() {
    assert_eq!(faults(&[("heating", &format!("{GOOD}{EXAMPLES}"))]), Vec::<String>::new());
}

#[test]
fn fields() {
    check("title = \"Отопление\"\n", "", "k/heating.toml:1:1: пакет: нет обязательного «title»");
    check("severity = 4\n", "", "k/heating.toml:1:1: пакет: нет обязательного «severity»");
    check("kind = \"problem\"\n", "", "k/heating.toml:1:1: пакет: нет обязательного «kind»");
    check("\"problem\"", "\"беда\"", "k/heating.toml:3:9: неизвестный вид «беда»");
    check("= 4", "= 9", "k/heating.toml:4:12: «severity» вне пределов");
    check("= 4", "= \"4\"", "k/heating.toml:4:12: «severity»: текст");
    check("= 60", "= 0", "k/heating.toml:8:10: «weight» вне пределов");
    check("= 60", "= 1.5", "k/heating.toml:8:10: «weight»: дробное число");
    check("weight", "wieght", "k/heating.toml:8:1: неизвестный ключ «wieght»");
    check("title", "titel", "k/heating.toml:2:1: неизвестный ключ «titel»");
    check(
        "\"heating\"",
        "\"water\"",
        "k/heating.toml:1:7: id «water» не равен имени файла «heating»",
    );
    check("\"heating\"", "\"Тепло\"", "k/heating.toml:1:7: неверный id");
    check("\"cold\"", "\"холод\"", "k/heating.toml:6:7: неверный id правила");
    check("\"Отопление\"", "\" \"", "k/heating.toml:2:9: «title» пусто");
    check("kind", "season = \"осень\"\nkind", "k/heating.toml:3:11: непонятный сезон «осень»");
    check(
        "kind",
        "season = \"02-30..03-01\"\nkind",
        "k/heating.toml:3:11: непонятный сезон «02-30..03-01»",
    );
    check("kind", "advice = \"Ответить\"\nkind", "k/heating.toml:3:10: «advice»: текст");
    check("kind", "advice = [1]\nkind", "k/heating.toml:3:11: «advice»: целое число");
    check("kind", "codes = []\nkind", "k/heating.toml:3:9: «codes»: список");
    check("is = true", "is = \"да\"", "k/heating.toml:11:6: «is»: текст");
}

#[test]
fn toml_itself() {
    check("\"Отопление\"", "“Отопление”", "k/heating.toml:2:9: типографская кавычка «“»");
    check("kind", "title = \"Ещё\"\nkind", "k/heating.toml:3:1: ключ задан дважды");
}

#[test]
fn queries_point_into_the_file() {
    let find = "'\"холодные батареи\"~3 | зюзябра'";
    check(find, "'зюзябра | \"нет'", "k/heating.toml:7:19: нет закрывающей кавычки");
    check(find, "\"зюзябра | \\\"нет\"", "k/heating.toml:7:19: нет закрывающей кавычки");
    check(find, "'''\nзюзябра |\n  (яма'''", "k/heating.toml:9:3: нет закрывающей скобки");
    check(
        find,
        "'зюзябра | -яма'",
        "k/heating.toml:7:19: одни исключения: такой запрос подойдёт к любому тексту",
    );
    check(
        "weight = 60",
        "unless = 'яма, дом'",
        "k/heating.toml:8:14: знак «,» в запросе ничего не значит",
    );
}

#[test]
fn examples_are_run() {
    check(
        "text = \"зюзябра зюзябра\"",
        "text = \"тепло\"",
        "k/heating.toml:13:9: пример не найден ни одним правилом",
    );
    check(
        "text = \"—\"",
        "text = \"батареи холодные\"",
        "k/heating.toml:19:9: пример не должен находиться, но найден: heating:cold («батареи холодные»)",
    );
    check(
        "text = \"зюзябра зюзябра\"",
        "text = \"зюзябра! Починили\"",
        "k/heating.toml:13:9: пример не найден: heating:cold снято как решённое",
    );
    check(
        "[[example]]\ntext = \"—\"\nis = false\n",
        "",
        "k/heating.toml:1:1: примеров is = false нужно не меньше 2, есть 1",
    );
}

#[test]
fn people_are_refused() {
    check(
        "\"Отопление\"",
        "\"Борис Пустович\"",
        "k/heating.toml:2:10: имя человека: «Борис Пустович»",
    );
    check(
        "зюзябра'",
        "зюзябра | \"анна пустовна\"'",
        "k/heating.toml:7:43: имя человека: «анна пустовна»",
    );
    check(
        "text = \"—\"",
        "text = \"А. Б. Пустов\"",
        "k/heating.toml:19:9: имя человека: «А. Б. Пустов»",
    );
}

#[test]
fn rules_of_one_pack_differ() {
    check(
        "weight = 60\n",
        "weight = 60\n[[rule]]\nid = \"cold\"\nfind = 'яма'\n",
        "k/heating.toml:10:7: id правила «cold» повторяется",
    );
    check(
        "weight = 60\n",
        "weight = 60\n[[rule]]\nfind = 'яма'\n[[rule]]\nfind = 'яма'\n",
        "k/heating.toml:12:9: правило повторяется слово в слово",
    );
    check(
        "weight = 60\n",
        "weight = 60\n[[rule]]\nweight = 5\n",
        "k/heating.toml:9:1: правило: нет обязательного «find»",
    );
}

#[test]
fn all_faults_of_all_files_come_at_once() {
    let two = GOOD.replace("severity = 4", "severity = 40").replace("weight", "waight");
    let found = faults(&[
        ("heating", &format!("{two}{EXAMPLES}")),
        ("water", &format!("{GOOD}{EXAMPLES}")),
        ("_resolve", "x = 1"),
    ]);
    let places: Vec<&str> =
        found.iter().map(|line| line.split(": ").next().unwrap_or_default()).collect();
    assert_eq!(
        places,
        ["k/_resolve.toml:1:1", "k/heating.toml:4:12", "k/heating.toml:8:1", "k/water.toml:1:7"],
        "{found:#?}"
    );
}

#[test]
fn no_pack_hunts_for_attitude() {
    let attitude = format!(
        "id = \"attitude\"\ntitle = \"Отклик\"\nkind = \"attitude\"\nseverity = 1\n\
         [[rule]]\nid = \"it\"\nfind = 'бездельники | зюзябра'\n{EXAMPLES}"
    );
    let roads = format!("{GOOD}{EXAMPLES}")
        .replace("зюзябра", "колдобина")
        .replace("text = \"колдобина колдобина\"", "text = \"колдобина, бездельники\"");
    let found = faults(&[("attitude", &attitude), ("heating", &roads)]);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("k/heating.toml:13:9: пример подходит и пакету отношения"));
    let lexicon = compile(&[("attitude", &attitude)]);
    let seen = classify("бездельники", &lexicon, &mut Scratch::new());
    assert!(seen.findings.is_empty());
    assert_eq!(seen.attitude.len(), 1);
    assert_eq!(lexicon.topics()[0].kind, PackKind::Attitude);
}

#[test]
fn overlays_lie_on_packs() {
    let good = format!("{GOOD}{EXAMPLES}");
    let over = |rules: &str| format!("id = \"heating\"\n{rules}");
    let scores = |rules: &str, text: &str| -> Vec<u8> {
        let overlay = over(rules);
        let lexicon = compile(&[("heating", &good), ("local/heating", &overlay)]);
        let found = classify(text, &lexicon, &mut Scratch::new());
        found.findings.iter().map(|finding| finding.score).collect()
    };
    assert_eq!(scores("", "холодные батареи"), [60]);
    assert_eq!(scores("[[rule]]\nid = \"cold\"\nweight = 20", "холодные батареи"), [20]);
    assert_eq!(
        scores("[[rule]]\nid = \"new\"\nfind = 'иней'\nweight = 30", "холодные батареи, иней"),
        [72]
    );
    let off = over("[[rule]]\nid = \"cold\"\ndisabled = true\n[[rule]]\nfind = 'зюзябра'");
    let lexicon = compile(&[("heating", &good), ("local/heating", &off)]);
    assert!(classify("холодные батареи", &lexicon, &mut Scratch::new()).findings.is_empty());
    let lost = over("[[rule]]\nid = \"cld\"\nweight = 20");
    assert_eq!(
        faults(&[("heating", &good), ("local/heating", &lost)]),
        ["k/local/heating.toml:2:1: в пакете «heating» нет правила «cld» → есть: cold"]
    );
    let alone = "id = \"own\"\ntitle = \"Своё\"\n";
    let found = faults(&[("local/own", alone)]);
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn hash_follows_content_not_order() {
    let (one, two) =
        (format!("{GOOD}{EXAMPLES}"), format!("{GOOD}{EXAMPLES}").replace("heating", "water"));
    let first = compile(&[("heating", &one), ("water", &two)]);
    let second = compile(&[("water", &two), ("heating", &one)]);
    let third = compile(&[("heating", &one), ("water", &two.replace("= 60", "= 61"))]);
    assert_eq!(first.hash(), second.hash());
    assert_ne!(first.hash(), third.hash());
    assert_eq!(first.hash().len(), 16);
}

#[test]
fn rules_without_id_are_named_by_their_text() {
    let pack = |rules: &str| {
        let text = format!("{GOOD}{rules}{EXAMPLES}");
        let lexicon = compile(&[("heating", &text)]);
        let name = |rule: &otklik::classify::Rule| rule.name.to_string();
        lexicon
            .rules()
            .iter()
            .map(name)
            .filter(|name| name.starts_with("heating:"))
            .collect::<Vec<_>>()
    };
    let alone = pack("[[rule]]\nfind = 'иней'\n");
    let moved = pack("[[rule]]\nfind = 'лёд'\n[[rule]]\nfind = '  иней '\n");
    assert!(moved.contains(&alone[1]), "{alone:?} {moved:?}");
}

#[test]
fn scores_combine_and_seasons_wrap() {
    let text = format!(
        "{GOOD}[[rule]]\nid = \"b\"\nfind = 'иней'\nweight = 50\n[[rule]]\nid = \"c\"\nfind = 'лёд'\nweight = 100\n{EXAMPLES}"
    );
    let lexicon = compile(&[("heating", &text)]);
    for (text, expected) in [
        ("холодные батареи", 60),
        ("холодные батареи и холодные батареи", 60),
        ("холодные батареи у нас, у соседей в доме тоже холодные батареи", 71),
        ("холодные батареи, иней", 80),
        ("иней, лёд", 100),
    ] {
        let found = classify(text, &lexicon, &mut Scratch::new());
        assert_eq!(found.findings[0].score, expected, "{text}");
    }
    let late = format!("{}холодные батареи", "Пишем вам уже не первый раз. ".repeat(20));
    let found = classify(&late, &lexicon, &mut Scratch::new());
    assert_eq!(found.findings[0].score, 27, "a third of its weight behind a hundred words");
    let season = Season::parse("09-15..05-15").expect("a season");
    for (day, expected) in [("2026-01-01", true), ("2026-05-15", true), ("2026-07-01", false)] {
        assert_eq!(season.contains(day.parse().expect("a day")), expected, "{day}");
    }
}

#[test]
fn a_folder_is_read_with_its_overlays() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("local")).expect("a folder");
    let bom = format!("\u{FEFF}{GOOD}{EXAMPLES}").replace('\n', "\r\n");
    std::fs::write(folder.path().join("heating.toml"), bom).expect("a file");
    std::fs::write(folder.path().join("README.md"), "пояснение").expect("a file");
    std::fs::write(folder.path().join("local/heating.toml"), "id = \"heating\"").expect("a file");
    let files = read_dir(folder.path()).expect("readable");
    let names: Vec<(&str, bool)> =
        files.iter().map(|file| (file.stem(), file.is_local())).collect();
    assert_eq!(names, [("heating", false), ("heating", true)]);
    assert!(Lexicon::compile(files, Gazetteer::empty()).is_ok());
    std::fs::write(folder.path().join("bad.toml"), b"title = \"\xCE\xF2\"").expect("a file");
    let found = read_dir(folder.path()).expect_err("CP1251");
    assert!(found[0].text.contains("Windows-1251"), "{}", found[0]);
    assert!(read_dir(&folder.path().join("none")).is_err());
}

/// What the quick reader of plain tables skips, nobody may skip.
#[test]
fn a_rule_in_single_brackets_is_a_fault_whatever_follows() {
    let pack = "id = \"cold\"\ntitle = \"Холод\"\nkind = \"problem\"\nseverity = 3\n";
    let example = "[[example]]\ntext = \"Мёрзнем\"\nis = true\n";
    for (odd, named) in
        [("[rule]\nid = \"it\"\nfind = 'холод'\nweight = 9\n", "rule"), ("rule = true\n", "rule")]
    {
        let found = faults(&[("cold", &format!("{pack}{odd}{example}"))]);
        let fault = format!("«{named}»");
        assert!(found.iter().any(|it| it.contains(&fault) && it.contains(":5:")), "{found:?}");
    }
    let odd = format!("{pack}example = \"x\"\n[[rule]]\nid = \"it\"\nfind = 'холод'\n");
    let found = faults(&[("cold", &odd)]);
    assert!(found.iter().any(|it| it.contains("«example»")), "{found:?}");
    let found = faults(&[("_objects", "[[rule]]\nfind = 'а'\n")]);
    assert!(found.iter().any(|it| it.contains("неизвестный ключ «rule»")), "{found:?}");
}
