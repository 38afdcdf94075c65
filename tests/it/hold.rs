//! Silences, planned works and effects of one cause: what is held, what passes, what is told later.

use otklik::model::{
    Channel, CommandKind, DeliveryState, HeldBy, SilenceFacts, Tap, WorksFacts, WorksState,
};
use otklik::notify::Press;
use otklik::pipeline::command::change_store;
use otklik::pipeline::press::{self, Meaning};
use otklik::pipeline::touch::touch;

use crate::office::{Office, Says, hours, instant, mins, says};
use crate::rig::{PACKS, Rig};

const ROUTES: &str = "[[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"low\"\n\
                      digest = true\n";
/// 11:00 in the district.
const START: &str = "2026-03-14T03:00:00Z";

fn office(routes: &str) -> Office {
    let rig = Rig::new();
    let power = PACKS[0]
        .1
        .replace("heating", "electricity")
        .replace("Отопление\"", "Электричество\"")
        .replace("нет отопление", "нет свет")
        .replace("ледяные батареи", "погас свет")
        .replace("Нет отопления третий день", "Нет света третий день")
        .replace("Батареи ледяные", "Свет погас")
        .replace("Отопление дали", "Свет дали");
    rig.write("words/electricity.toml", &power);
    Office::on(rig, routes, START)
}

/// Four people complain of it there.
fn four(text: &str, place: &'static str, first: u32) -> Vec<Says> {
    (0..4).map(|n| Says { place: Some(place), ..says(first + n, text) }).collect()
}

const COLD: &str = "Нет отопления третий день";
const DARK: &str = "Нет света третий день";

fn silence(topic: Option<&str>, place: Option<&str>) -> SilenceFacts {
    SilenceFacts {
        topic: topic.map(Into::into),
        place: place.map(Into::into),
        reason: "чинят, знаем".to_owned(),
        role: "operator".to_owned(),
        ..SilenceFacts::default()
    }
}

async fn suppressed(office: &Office) -> Vec<String> {
    let rows = office.store().export_deliveries(None, None, 1_000).await.expect("read");
    let held = rows.into_iter().filter(|row| row.delivery.state == DeliveryState::Suppressed);
    held.filter_map(|row| row.delivery.trouble).collect()
}

#[tokio::test]
async fn a_silence_holds_counts_reminds_and_ends() {
    let office = office(ROUTES);
    let until = office.now() + hours(10);
    let facts = silence(Some("heating"), Some("kedrovo"));
    let reply = office.ask(CommandKind::AddSilence { facts, until }).await;
    assert!(reply.done, "{reply:?}");
    office.write(&four(COLD, "kedrovo", 1)).await;
    assert!(office.subjects("m@b.ru").is_empty(), "{:?}", office.subjects("m@b.ru"));
    let (made, hidden) = office.store().silences(Some(office.now())).await.expect("read").remove(0);
    assert_eq!((hidden.alerts, hidden.problems), (1, 1));
    let why = suppressed(&office).await;
    assert_eq!(why, [format!("тишина {} до 14 марта, 21:00: чинят, знаем", made.id)]);
    // Another place is not meant.
    office.write(&four(COLD, "sosnyagino", 11)).await;
    assert_eq!(office.subjects("m@b.ru").len(), 1);
    // The last tenth of ten hours is one hour.
    office.pass(hours(9) + mins(1)).await;
    let told = office.to("m@b.ru");
    assert_eq!(told.len(), 2);
    assert_eq!(told[1].at, until - hours(1));
    let soon = &told[1].message;
    assert_eq!(soon.subject, "Лесной район: тишина скоро закончится — Отопление, Кедрово");
    assert!(soon.text.contains("скрыто 1 оповещение о 1 проблеме"), "{}", soon.text);
    assert!(soon.text.contains("№ a"), "{}", soon.text);
    office.pass(hours(2)).await;
    let told = office.to("m@b.ru");
    assert_eq!(told.len(), 3);
    assert_eq!(told[2].at, until);
    assert!(
        told[2].message.subject.contains("тишина закончилась"),
        "{:?}",
        told[2].message.subject
    );
    office.pass(hours(30)).await;
    assert_eq!(office.to("m@b.ru").len(), 3, "it is told once");
}

#[tokio::test]
async fn what_is_critical_passes_a_silence_and_says_so() {
    let office = office(ROUTES);
    let until = office.now() + hours(10);
    let facts = silence(None, Some("kedrovo"));
    office.ask(CommandKind::AddSilence { facts, until }).await;
    let fire = "Горит дом, внутри дети, погибли люди, срочно!";
    office.write(&four(fire, "kedrovo", 1)).await;
    let alerts = office.store().alerts(None, None, 10).await.expect("read");
    let critical = alerts.iter().find(|it| it.facts.level.name() == "critical");
    let passed = critical.expect("a critical alert");
    assert!(passed.facts.notes[0].ends_with("прошло: уровень критический"), "{passed:?}");
    let told = office.to("m@b.ru");
    assert!(told.iter().any(|it| it.message.text.contains("прошло: уровень критический")));
    let held = alerts.len() - told.len();
    assert_eq!(suppressed(&office).await.len(), held, "the rest is held with its reason");
}

#[tokio::test]
async fn a_silence_needs_an_end_a_reason_and_something_to_be_about() {
    let office = office(ROUTES);
    let now = office.now();
    let mut unfounded = silence(Some("heating"), None);
    unfounded.reason = " ".to_owned();
    let mut strange = silence(None, None);
    strange.problem = Some("p000000000000".into());
    for (facts, until, expected) in [
        (silence(Some("heating"), None), now, "Конец тишины уже прошёл"),
        (silence(Some("heating"), None), now + hours(24 * 31), "не бывает дольше 30 дней"),
        (silence(None, None), now + hours(1), "Тишине нужно"),
        (unfounded, now + hours(1), "Тишине нужно"),
        (strange, now + hours(1), "Нет проблемы"),
    ] {
        let reply = office.ask(CommandKind::AddSilence { facts, until }).await;
        assert!(!reply.done && reply.text.contains(expected), "{reply:?}");
    }
    let reply = office.ask(CommandKind::EndSilence { id: "s1".to_owned() }).await;
    assert!(!reply.done && reply.text.contains("Нет действующей тишины s1"), "{reply:?}");
}

#[tokio::test]
async fn an_announced_outage_is_proposed_accepted_and_overdue() {
    let office = office(ROUTES);
    let notice = Says {
        official: true,
        ..says(0, "Плановое отключение электроэнергии 14 марта с 12:00 до 17:00, село Кедрово")
    };
    office.write(&[notice]).await;
    let told = office.to("m@b.ru");
    assert_eq!(told.len(), 1, "one message with the proposal");
    let text = &told[0].message.text;
    assert!(text.contains("С 14 марта, 12:00 до 14 марта, 17:00."), "{text}");
    let works = office.store().works(office.now()).await.expect("read").remove(0).0;
    assert!(text.contains(&format!("otklik works accept {}", works.id)), "{text}");
    assert_eq!(works.state, WorksState::Proposed);
    assert_eq!(works.until, instant("2026-03-14T09:00:00Z"));

    // One tap, of those who were asked: not from another chat, not another word.
    let accept = CommandKind::DecideWorks { id: works.id.clone(), state: WorksState::Accepted };
    let taps: Vec<Tap> =
        told[0].message.buttons.iter().flatten().map(|button| button.tap.clone()).collect();
    assert_eq!(taps[0], Tap::new("works", &works.id, "accept"));
    let means = async |address: &str, tap: String| {
        let (address, query) = (address.to_owned(), "q".to_owned());
        let press = Press { channel: Channel::Email, address, tap, query, message: None };
        let district = office.services.district.load_full();
        press::read(&office.services, &district, &press).await.expect("read")
    };
    let tapped = taps[0].text();
    assert!(matches!(means("x@b.ru", tapped.clone()).await, Meaning::Stranger));
    let odd = Tap::new("works", &works.id, "burn").text();
    assert!(matches!(means("m@b.ru", odd).await, Meaning::Say(_)));
    let Meaning::Do(command) = means("m@b.ru", tapped).await else { panic!("a command") };
    assert_eq!(command.kind, accept);
    assert!(office.ask(command.kind).await.done);
    let again = office.ask(accept).await;
    assert!(!again.done && again.text.contains("они приняты, решил: operator"), "{again:?}");
    office.pass(hours(5) + mins(30)).await;
    office.write(&four(DARK, "kedrovo", 1)).await;
    assert_eq!(office.to("m@b.ru").len(), 1, "it was to be expected");
    assert_eq!(suppressed(&office).await, ["плановые работы до 17:00"]);
    assert_eq!(office.store().held_by(HeldBy::Works, &works.id).await.expect("read").len(), 1);

    office.pass(mins(31)).await;
    let told = office.to("m@b.ru");
    assert_eq!(told.len(), 2, "{:?}", office.subjects("m@b.ru"));
    assert_eq!(told[1].at, works.until, "the minute the announced end passes");
    let overdue = "работы должны были кончиться в 17:00";
    assert!(told[1].message.text.contains(overdue), "{}", told[1].message.text);
    office.write(&four(DARK, "kedrovo", 21)[..1]).await;
    office.pass(hours(3)).await;
    assert_eq!(office.to("m@b.ru").len(), 2, "it is told once");
}

#[tokio::test]
async fn a_notice_of_many_places_is_one_message_and_one_tap() {
    let office = office(&ROUTES.replace("email = \"m@b.ru\"", "telegram_chat = 77"));
    let notice = "Плановое отключение электроэнергии 14 марта с 12:00 до 17:00: село Кедрово, \
                  посёлок Соснягино";
    office.write(&[Says { official: true, ..says(0, notice) }]).await;
    let told = office.to("77");
    assert_eq!(told.len(), 1, "{:?}", office.subjects("77"));
    let message = &told[0].message;
    assert!(message.subject.ends_with("Электричество: 2 места"), "{}", message.subject);
    for place in ["Кедрово", "Соснягино"] {
        let line = format!("Электричество: {place}, вся территория. С 14 марта, 12:00");
        assert!(message.text.contains(&line), "{}", message.text);
    }
    let row = message.buttons[0].clone();
    let titles: Vec<&str> = row.iter().map(|button| button.title.as_str()).collect();
    assert_eq!(titles, ["Принять все (2)", "Отклонить все (2)"]);

    let (address, query) = ("77".to_owned(), "q".to_owned());
    let press =
        Press { channel: Channel::Telegram, address, tap: row[0].tap.text(), query, message: None };
    let district = office.services.district.load_full();
    let meant = press::read(&office.services, &district, &press).await.expect("read");
    let Meaning::Do(command) = meant else { panic!("a command") };
    let reply = change_store(office.store(), Some(&district), &command, office.now()).await;
    assert!(reply.expect("asked").expect("an answer").done);
    let works = office.store().works(office.now()).await.expect("read");
    assert!(works.iter().all(|(it, _)| it.state == WorksState::Accepted), "{works:?}");

    // Everybody who was asked sees who said yes, and nothing more to press.
    assert_eq!(touch(&office.services, &district, &|| true).await.expect("changed"), 1);
    let shown = office.changed("77").pop().expect("changed").message;
    let titles: Vec<&str> = shown.buttons.iter().flatten().map(|it| it.title.as_str()).collect();
    assert_eq!(titles, ["✔ Принято, 11:00 · МЦУ"]);
    assert!(shown.text.contains("Принято 14 марта, 11:00: МЦУ."), "{}", shown.text);
    assert!(!shown.text.contains("otklik works accept"), "{}", shown.text);
    office.pass(hours(2)).await;
    office.write(&four(DARK, "sosnyagino", 1)).await;
    assert_eq!(office.to("77").len(), 1, "it was to be expected there too");
}

#[tokio::test]
async fn works_end_in_peace_unless_people_still_write() {
    let office = office(ROUTES);
    let facts = WorksFacts {
        topic: "electricity".into(),
        place: Some("kedrovo".into()),
        streets: Vec::new(),
    };
    let (begins, until) = (office.now(), office.now() + hours(6));
    let reply = office.ask(CommandKind::AddWorks { facts, begins, until }).await;
    assert!(reply.done, "{reply:?}");
    office.write(&four(DARK, "kedrovo", 1)).await;
    // Other topics and places are not meant.
    office.write(&four(COLD, "kedrovo", 11)).await;
    office.write(&four(DARK, "sosnyagino", 21)).await;
    assert_eq!(office.to("m@b.ru").len(), 2);
    office.pass(hours(7)).await;
    assert_eq!(office.to("m@b.ru").len(), 2, "nobody has written for hours: it ended in peace");
    office.write(&four(DARK, "kedrovo", 31)[..1]).await;
    let told = office.to("m@b.ru");
    assert_eq!(told.len(), 3, "a complaint behind the announced end");
    let overdue = "работы должны были кончиться в 17:00";
    assert!(told[2].message.text.contains(overdue), "{}", told[2].message.text);
}

#[tokio::test]
async fn an_effect_is_told_in_the_conversation_of_its_cause() {
    let routes = format!(
        "{ROUTES}[[inhibit]]\ncause = \"electricity\"\neffects = [\"heating\"]\nhours = 6\n"
    );
    let office = office(&routes);
    office.write(&four(DARK, "kedrovo", 1)).await;
    assert_eq!(office.to("m@b.ru").len(), 1);
    office.write(&four(COLD, "kedrovo", 11)).await;
    assert_eq!(office.to("m@b.ru").len(), 1, "it follows from the dark");
    let why = suppressed(&office).await;
    assert_eq!(why, ["следствие: о причине (electricity) сообщено 14 марта, 11:00"]);
    office.write(&four(COLD, "sosnyagino", 21)).await;
    assert_eq!(office.to("m@b.ru").len(), 2, "another place has no such cause");
    // The dark grows: its conversation names what follows.
    let more: Vec<Says> = (0..3).flat_map(|n| four(DARK, "kedrovo", 40 + 4 * n)).collect();
    office.write(&more).await;
    let told = office.to("m@b.ru");
    let text = &told.last().expect("a burst").message.text;
    assert!(text.contains("заодно жалуются: Отопление (1 проблема"), "{text}");
    // Behind the hours it is told by itself again.
    office.pass(hours(7)).await;
    let more: Vec<Says> = (0..5).flat_map(|n| four(COLD, "kedrovo", 60 + 4 * n)).collect();
    let before = office.to("m@b.ru").len();
    office.write(&more).await;
    assert!(office.to("m@b.ru").len() > before);
}

#[test]
fn a_person_types_silences_and_works() {
    let rig = Rig::new();
    let done = |args: &[&str]| {
        let ended = rig.run(args);
        assert_eq!(ended.code, 0, "{args:?}: {ended:?}");
        ended.out
    };
    let cold = ["--topic", "heating", "--place", "Кедрово"];
    let add = [&["silence", "add"], &cold[..], &["--until", "6h", "--reason", "меняют насос"]];
    let said = done(&add.concat());
    assert!(said.contains("действует"), "{said}");
    let listed = done(&["silence", "list"]);
    assert!(
        listed.contains("Отопление, Кедрово") && listed.contains("ничего не скрыто"),
        "{listed}"
    );
    let row = rig.run(&["silence", "list", "--json"]).rows(0).remove(0);
    assert_eq!((row["place"].as_str(), row["hidden_alerts"].as_u64()), (Some("kedrovo"), Some(0)));
    let id = row["id"].as_str().expect("an id").to_owned();
    assert!(done(&["status"]).contains(&format!("Тишина {id} до")));
    assert!(done(&["silence", "end", &id]).contains("снята: ничего не скрыто"));
    let again = rig.run(&["silence", "end", &id]);
    assert!(again.code == 1 && again.err.contains("Нет действующей тишины"), "{again:?}");
    assert!(done(&["silence", "list"]).contains("Действующих тишин нет"));

    for (args, expected) in [
        (
            &["silence", "add", "--topic", "heatng", "--until", "6h", "--reason", "а"][..],
            "нет темы",
        ),
        (
            &["silence", "add", "--place", "Москва", "--until", "6h", "--reason", "а"],
            "нет среди мест",
        ),
        (
            &["silence", "add", "--topic", "heating", "--until", "скоро", "--reason", "а"],
            "не время",
        ),
    ] {
        let refused = rig.run(args);
        assert!(refused.code == 2 && refused.err.contains(expected), "{refused:?}");
    }

    let works = [&["works", "add"], &cold[..], &["--street", "Лесная", "--to", "6h"]].concat();
    assert!(done(&works).contains("приняты"));
    let row = rig.run(&["works", "list", "--json"]).rows(0).remove(0);
    assert_eq!(
        (row["state"].as_str(), row["streets"][0].as_str()),
        (Some("accepted"), Some("Лесная"))
    );
    let id = row["id"].as_str().expect("an id").to_owned();
    assert!(done(&["works"]).contains(&id));
    assert!(done(&["works", "end", &id]).contains("закончены"));
    let unknown = rig.run(&["works", "accept", "w000000000000"]);
    assert!(unknown.code == 1 && unknown.err.contains("Нет плановых работ"), "{unknown:?}");
}

#[tokio::test]
async fn one_text_about_two_things_is_one_message_until_others_write_of_one() {
    let routes = format!("[alert]\nvoices = 2\n{ROUTES}");
    let office = office(&routes);
    let both = |n: u32| {
        let text = format!("Нет отопления третий день и нет света, помогите, дом {n}, мёрзнем все");
        Says { place: Some("kedrovo"), ..says(n, &text) }
    };
    office.write(&[both(1), both(2)]).await;
    let told = office.to("m@b.ru");
    assert_eq!(told.len(), 1, "{:?}", office.subjects("m@b.ru"));
    let (topic, other) = match told[0].message.subject.contains("Отопление") {
        true => ("Отопление", "Электричество"),
        false => ("Электричество", "Отопление"),
    };
    let text = &told[0].message.text;
    assert!(text.contains(&format!("пишут и о другом: {other}")), "{topic}: {text}");
    // Somebody writes of the other thing alone: that is news.
    let alone = if other == "Отопление" { COLD } else { DARK };
    office.write(&four(alone, "kedrovo", 11)).await;
    let told = office.to("m@b.ru");
    assert!(
        told[1..].iter().any(|it| it.message.subject.contains(other)),
        "{:?}",
        office.subjects("m@b.ru")
    );
}

#[tokio::test]
async fn who_hears_of_one_thing_only_hears_of_it_though_one_text_told_both() {
    let other = "[[receiver]]\nname = \"Сети\"\nemail = \"s@b.ru\"\nmin_level = \"low\"\n\
                 topics = [\"electricity\"]\n";
    let heat =
        ROUTES.replace("min_level = \"low\"\n", "min_level = \"low\"\ntopics = [\"heating\"]\n");
    let office = office(&format!("{heat}{other}"));
    let text = "Нет отопления третий день и нет света, помогите, мёрзнем все";
    office.write(&four(text, "kedrovo", 1)).await;
    assert_eq!((office.to("m@b.ru").len(), office.to("s@b.ru").len()), (1, 1));
}

#[tokio::test]
async fn a_danger_beside_what_is_known_is_told() {
    let office = office(ROUTES);
    office.write(&four(COLD, "kedrovo", 1)).await;
    assert_eq!(office.to("m@b.ru").len(), 1);
    office.pass(hours(30)).await;
    let before = office.to("m@b.ru").len();
    let both = "Нет отопления третий день, а теперь ещё и горит дом, помогите";
    office.write(&[Says { place: Some("kedrovo"), ..says(9, both) }]).await;
    let told = &office.subjects("m@b.ru")[before..];
    assert!(told.iter().any(|it| it.contains("Пожар")), "{told:?}");
}

#[tokio::test]
async fn what_stands_beside_a_held_alert_is_told_by_itself() {
    let office = office(ROUTES);
    let facts = silence(Some("heating"), Some("kedrovo"));
    let until = office.now() + hours(24);
    assert!(office.ask(CommandKind::AddSilence { facts, until }).await.done);
    let both = "Нет отопления третий день и нет света, помогите, мёрзнем все";
    office.write(&four(both, "kedrovo", 1)).await;
    let told = office.subjects("m@b.ru");
    assert!(told.iter().any(|it| it.contains("Электричество")), "{told:?}");
}
