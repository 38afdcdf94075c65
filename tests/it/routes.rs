//! routes.toml: what is refused with place and fix, what is read, who is told.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use otklik::alert::{Roster, RouteFacts, route, weigh};
use otklik::config::calendar::Calendar;
use otklik::config::duty::Duties;
use otklik::config::routes::{KnownNames, Routes, parse};
use otklik::model::{Channel, PlaceId, RiskLevel, TopicId, TopicKind};

fn read(source: &str) -> Result<(Routes, Vec<String>), Vec<String>> {
    let known = KnownNames {
        topics: Some(
            ["heating", "electricity", "water", "communications"].map(str::to_owned).into(),
        ),
        places: Some(["onohoy".to_owned()].into()),
        objects: Some(["lift".to_owned()].into()),
        receivers: false,
    };
    let lines =
        |faults: Vec<otklik::config::Fault>| faults.iter().map(ToString::to_string).collect();
    match parse(Path::new("routes.toml"), source, &known) {
        Ok((routes, warnings)) => Ok((routes, lines(warnings))),
        Err(faults) => Err(lines(faults)),
    }
}

/// Routes with the people and the calendar around them.
struct Office<'a> {
    routes: &'a Routes,
    duties: Duties,
    calendar: Calendar,
    zone: TimeZone,
}

impl<'a> Office<'a> {
    fn of(routes: &'a Routes) -> Self {
        let zone = TimeZone::get("Asia/Irkutsk").expect("a known zone");
        Self { routes, duties: Duties::default(), calendar: Calendar::default(), zone }
    }

    fn roster(&self) -> Roster<'_> {
        let Self { routes, duties, calendar, zone } = self;
        Roster { routes, duties, calendar, zone }
    }
}

/// Monday, 23 November 2026, 12:00 in Irkutsk.
fn monday() -> Timestamp {
    "2026-11-23T04:00:00Z".parse().expect("an instant")
}

#[track_caller]
fn check_fault(source: &str, expected: &[&str]) {
    let faults = read(source).unwrap_err();
    assert_eq!(faults.len(), expected.len(), "{faults:?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault} does not start with {expected}");
    }
}

#[test]
fn faults_name_their_place() {
    check_fault(
        "[[receiver]]\nname = \"А\"\n",
        &["routes.toml:2:8: у получателя «А» нет ни одного"],
    );
    check_fault(
        "[[receiver]]\nname = \"А\"\nemail = \"a@b@c\"\nmin_level = \"red\"\n",
        &["routes.toml:3:9: «a@b@c» не похоже", "routes.toml:4:13: нет такого уровня: «red»"],
    );
    for bad in
        ["", "a", "a@", "@b", "a b@c.ru", "a@c.ru, d@e.ru", "a@c.ru\\r\\nBcc: x@y.z", "a@.ru"]
    {
        let source = format!("[[receiver]]\nname = \"А\"\nemail = \"{bad}\"\n");
        check_fault(&source, &["routes.toml:3:9:"]);
    }
    for bad in ["0", "\"abc\"", "\"@a b\"", "\"@x\"", "\"12/../x\""] {
        let source = format!("[[receiver]]\nname = \"А\"\ntelegram_chat = {bad}\n");
        check_fault(&source, &["routes.toml:3:17: неверный чат"]);
    }
    let two = "[[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\n".repeat(2);
    check_fault(&two, &["routes.toml:5:8: получатель «А» уже есть"]);
    let order = "[[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\norder = [\"telegram\"]\n";
    check_fault(order, &["routes.toml:4:10: у получателя нет канала «telegram»"]);
    check_fault(
        "[alert]\nrumour_voices = 2\nvoices = 0\n",
        &["routes.toml:2:17:", "routes.toml:3:10:"],
    );
    check_fault("[[receiver]]\nname = \"А\"\nmail = \"a@b.ru\"\n", &["routes.toml:3:1:"]);
    check_fault("[[receiver]]\nname = \"А\nemail = 1\n", &["routes.toml:2:"]);
}

#[test]
fn budgets_trials_and_effects_name_their_place() {
    check_fault(
        "[alert]\nbudget = 1\nshift_hours = 30\ntrial_until = \"скоро\"\n\
         [[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\nanalyst = true\n",
        &[
            "routes.toml:2:10: число должно быть от 2 до 1000",
            "routes.toml:3:15: число должно быть от 1 до 24",
            "routes.toml:4:15: «скоро» не день",
        ],
    );
    check_fault(
        "[[inhibit]]\ncause = \"heating\"\neffects = [\"heating\"]\nhours = 0\n",
        &["routes.toml:2:9: effects: нужны темы следствий", "routes.toml:4:9: число должно быть"],
    );
    check_fault("[[inhibit]]\ncause = \"heating\"\n", &["routes.toml:1:1:"]);
    let trial = "[alert]\ntrial_until = \"2026-12-15\"\n\
                 [[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\n";
    let (routes, warnings) = read(trial).unwrap();
    assert_eq!(routes.alert.trial_until.map(|day| day.to_string()).as_deref(), Some("2026-12-15"));
    let nobody = "routes.toml:2:15: предупреждение: пробный режим до 2026-12-15, а сообщать некому";
    assert!(warnings.len() == 1 && warnings[0].starts_with(nobody), "{warnings:?}");
}

#[test]
fn unknown_names_are_warned_of() {
    let source = "[departments]\njkh = [\"Б\"]\n[[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\n\
                  topics = [\"heating\", \"heatng\"]\nplaces = [\"onohoi\"]\nvk_peer = 2\n";
    let (routes, warnings) = read(source).unwrap();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[0].starts_with("routes.toml:2:8: предупреждение: нет получателя «Б»"));
    assert!(warnings[1].starts_with("routes.toml:6:22: предупреждение: нет такой темы: «heatng»"));
    assert_eq!(routes.receivers[0].channels.len(), 2);
    let strict = KnownNames { receivers: true, ..KnownNames::default() };
    let faults = parse(Path::new("routes.toml"), source, &strict).expect_err("an error there");
    assert!(faults[0].to_string().starts_with("routes.toml:2:8: нет получателя «Б»"));
}

#[test]
fn the_shipped_file_is_good_and_an_empty_one_too() {
    let shipped = include_str!("../../config/routes.toml");
    let (routes, warnings) = read(shipped).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    assert!(routes.receivers.iter().any(|it| it.digest));
    assert_eq!(routes.alert, Routes::default().alert, "the file shows the defaults");
    assert_eq!(read("").unwrap().0, Routes::default());
}

#[test]
fn channels_stand_in_the_wished_order() {
    let source =
        "[[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\ntelegram_chat = -100\nmax_chat = \"7\"\n";
    let order = |source: &str| -> Vec<Channel> {
        let (routes, _) = read(source).unwrap();
        routes.receivers[0].channels.iter().map(|(channel, _)| *channel).collect()
    };
    assert_eq!(order(source), [Channel::Email, Channel::Telegram, Channel::Max]);
    let wished = format!("{source}order = [\"max\", \"telegram_chat\"]\n");
    assert_eq!(order(&wished), [Channel::Max, Channel::Telegram, Channel::Email]);
}

#[test]
fn filters_choose_and_nobody_chosen_means_all() {
    let (routes, _) = read(
        "[departments]\njkh = [\"ЖКХ\"]\n\
         [[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"high\"\n\
         [[receiver]]\nname = \"ЖКХ\"\nemail = \"j@b.ru\"\n\
         [[receiver]]\nname = \"ЕДДС\"\nemail = \"e@b.ru\"\nkinds = [\"danger\"]\n\
         [[receiver]]\nname = \"Онохой\"\nemail = \"o@b.ru\"\nplaces = [\"onohoy\"]\n",
    )
    .unwrap();
    let check = |kind, department, level, place: Option<&str>, expected: &str| {
        let (topic, place) = (TopicId::from("heating"), place.map(PlaceId::from));
        let place = place.as_ref();
        let facts = RouteFacts { topic: &topic, kind, department, level, place, object: None };
        let told = route(&facts, &Office::of(&routes).roster(), monday());
        let names: Vec<String> = told.into_iter().map(|it| it.name).collect();
        assert_eq!(names.join(" "), expected);
    };
    use RiskLevel::{Critical, Elevated, High, Low};
    use TopicKind::{Danger, Problem};
    check(Problem, Some("jkh"), High, None, "МЦУ ЖКХ");
    check(Problem, Some("jkh"), Elevated, Some("onohoy"), "ЖКХ Онохой");
    check(Danger, None, Critical, None, "МЦУ ЕДДС");
    check(Problem, Some("roads"), Elevated, Some("chelutay"), "ЖКХ ЕДДС Онохой");
    check(Problem, Some("jkh"), Low, Some("onohoy"), "");
    let topic = TopicId::from("heating");
    let facts = RouteFacts {
        topic: &topic,
        kind: Problem,
        department: Some("jkh"),
        level: Elevated,
        place: None,
        object: None,
    };
    let because: Vec<(bool, String)> = weigh(&facts, &Office::of(&routes).roster(), monday())
        .into_iter()
        .map(|it| (it.told, it.because))
        .collect();
    let expected = [
        (false, "уровень ниже, чем «высокий» (high)"),
        (true, "отдел jkh"),
        (false, "не тот вид темы"),
        (false, "место не названо"),
    ];
    assert_eq!(because, expected.map(|(told, because)| (told, because.to_owned())));
}

#[test]
fn ladders_hours_and_objects_are_checked() {
    let receiver = "[[receiver]]\nname = \"А\"\nemail = \"a@b.ru\"\n";
    for (key, expected) in [
        ("hours = \"9-18\"", "routes.toml:4:9: часы «9-18» не понятны"),
        ("timezone = \"Asia/Ulan-Ude\"", "routes.toml:4:12: нет часового пояса"),
        ("[[ladder]]\nafter = \"5s\"", "routes.toml:5:9: слишком мало"),
        ("[[ladder]]\nafter = \"скоро\"", "routes.toml:5:9: время «скоро» не понятно"),
        ("[[ladder]]\nafter = \"1h\"\nlevel = \"red\"", "routes.toml:6:9: нет такого уровня"),
        ("[alert]\nwaiting = \"5m\"", "routes.toml:5:11: слишком мало"),
    ] {
        check_fault(&format!("{receiver}{key}\n"), &[expected]);
    }
    let odd =
        format!("{receiver}objects = [\"lft\"]\n[[ladder]]\nafter = \"1h\"\ntell = [\"Б\"]\n");
    let (routes, warnings) = read(&odd).unwrap();
    assert!(
        warnings[0].starts_with("routes.toml:4:12: предупреждение: нет такого предмета: «lft»")
    );
    assert!(warnings[1].starts_with("routes.toml:7:9: предупреждение: нет получателя «Б»"));
    assert_eq!(routes.ladder[0].tell, Vec::<String>::new());
    let never = read(&format!("[alert]\nwaiting = \"never\"\n{receiver}")).unwrap().0;
    assert_eq!(never.alert.waiting, None);
}

#[test]
fn a_post_is_held_in_turns_and_hours_are_kept() {
    let (routes, _) = read(
        "[[receiver]]\nname = \"пост\"\nemail = \"p@b.ru\"\n\
         [[receiver]]\nname = \"первый\"\nemail = \"a@b.ru\"\n\
         [[receiver]]\nname = \"второй\"\nemail = \"c@b.ru\"\n\
         [[receiver]]\nname = \"отдел\"\nemail = \"o@b.ru\"\nhours = \"work\"\n\
         [[receiver]]\nname = \"лифты\"\nemail = \"l@b.ru\"\nobjects = [\"lift\"]\n",
    )
    .unwrap();
    let names = routes.receivers.iter().map(|it| it.name.as_str()).collect();
    let duties = "[[duty]]\nreceiver = \"пост\"\npeople = [\"первый\", \"второй\"]\n\
                  from = \"2026-11-23\"\nevery = \"1d\"\n";
    let duties = Duties::parse(Path::new("duty.toml"), duties, &names).unwrap();
    let office = Office { duties, ..Office::of(&routes) };
    let told = |level, object, at: &str| {
        let topic = TopicId::from("housing");
        let (kind, at) = (TopicKind::Problem, at.parse().unwrap());
        let facts =
            RouteFacts { topic: &topic, kind, department: None, level, place: None, object };
        let told = route(&facts, &office.roster(), at);
        told.iter().map(|it| format!("{} {}", it.name, it.due)).collect::<Vec<_>>().join(", ")
    };
    let (noon, night) = ("2026-11-23T04:00:00Z", "2026-11-23T18:00:00Z");
    let high = RiskLevel::High;
    assert_eq!(told(high, None, noon), format!("первый {noon}, отдел {noon}"));
    // 02:00 of the next day: still the first one's turn; the department opens at 08:30.
    assert_eq!(told(high, None, night), format!("первый {night}, отдел 2026-11-24T00:30:00Z"));
    let critical = told(RiskLevel::Critical, Some("lift"), night);
    assert_eq!(critical, format!("первый {night}, отдел {night}, лифты {night}"));
    let tuesday = "2026-11-24T04:00:00Z";
    assert_eq!(told(high, None, tuesday), format!("второй {tuesday}, отдел {tuesday}"));
}
