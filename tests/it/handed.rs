//! What becomes of an alert that is handed over, solved before it was sent, or told while the
//! trial runs; and commands as they cross the socket.

use otklik::model::{
    AlertId, Channel, Command, CommandKind, DeliveryState, Mark, PostKey, ProblemState,
    RumourState, SilenceFacts, WorksFacts, WorksState,
};
use otklik::pipeline::command::change_store;
use otklik::store::StoredProblem;

use crate::office::{Office, Says, hours, instant, mins, says};
use crate::rig::Rig;

const ROUTES: &str = "[[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"low\"\n\
                      [[receiver]]\nname = \"Отдел\"\nemail = \"o@b.ru\"\nmin_level = \"critical\"\n\
                      kinds = [\"rumour\"]\nhours = \"work\"\n\
                      [[ladder]]\nafter = \"1h\"\nlevel = \"low\"\n";
const COLD: &str = "Нет отопления третий день";

/// Saturday, 11:00 in the district: the department rests.
const START: &str = "2026-03-14T03:00:00Z";

fn office(routes: &str) -> Office {
    Office::on(Rig::new(), routes, START)
}

fn people(count: u32, text: &str) -> Vec<Says> {
    (0..count).map(|n| Says { place: Some("kedrovo"), ..says(n + 1, text) }).collect()
}

async fn alert(office: &Office) -> AlertId {
    office.store().alerts(None, None, 10).await.expect("read").remove(0).id
}

/// A receiver answers.
async fn answer(office: &Office, by: &str, mark: Mark, to: Option<&str>) {
    let kind = CommandKind::Mark {
        alert: alert(office).await,
        mark,
        to: to.map(str::to_owned),
        channel: Some(Channel::Email),
    };
    let (actor, role) = ("email".to_owned(), by.to_owned());
    let command = Command { actor, role, at: office.now(), kind };
    let district = office.services.district.load_full();
    let reply = change_store(office.store(), Some(&district), &command, office.now()).await;
    assert!(reply.expect("carried out").expect("a command of the store").done);
}

#[tokio::test]
async fn what_was_taken_and_then_handed_over_is_in_work_no_more() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    assert_eq!((office.to("m@b.ru").len(), office.to("o@b.ru").len()), (1, 0));
    answer(&office, "МЦУ", Mark::Taken, None).await;
    office.pass(hours(2)).await;
    assert_eq!(office.to("m@b.ru").len(), 1, "somebody has it in work");
    answer(&office, "МЦУ", Mark::NotOurs, Some("Отдел")).await;
    office.pass(mins(59)).await;
    assert_eq!(office.to("o@b.ru").len(), 1, "handed over");
    office.pass(mins(2)).await;
    assert_eq!(office.to("o@b.ru").len(), 2, "nobody has it in work now");
    assert_eq!(office.to("m@b.ru").len(), 1, "who said that it is not theirs is not reminded");
    let reminder = &office.to("o@b.ru")[1].message.text;
    assert!(reminder.contains("никто не взял"), "{reminder}");
}

#[tokio::test]
async fn a_critical_alert_is_handed_over_at_once_another_in_open_hours() {
    for (people_count, waits) in [(12, false), (4, true)] {
        let office = office(ROUTES);
        office.write(&people(people_count, COLD)).await;
        let critical = office.store().alerts(None, None, 10).await.expect("read");
        let critical = critical.iter().any(|it| it.facts.level.name() == "critical");
        assert_eq!(critical, !waits, "{people_count}");
        answer(&office, "МЦУ", Mark::NotOurs, Some("Отдел")).await;
        office.pass(mins(1)).await;
        assert_eq!(office.to("o@b.ru").is_empty(), waits, "{people_count}");
    }
}

#[tokio::test]
async fn what_is_solved_before_it_was_sent_is_no_news() {
    let routes = format!(
        "{ROUTES}[[receiver]]\nname = \"Утром\"\nemail = \"u@b.ru\"\nmin_level = \"low\"\n\
         hours = \"work\"\n"
    );
    let office = office(&routes);
    office.write(&people(4, COLD)).await;
    assert_eq!(office.to("m@b.ru").len(), 1);
    answer(&office, "МЦУ", Mark::Solved, None).await;
    office.pass(hours(72)).await;
    assert_eq!(office.subjects("u@b.ru"), Vec::<String>::new());
    let rows = office.store().export_deliveries(None, None, 100).await.expect("read");
    let late = rows.iter().find(|row| row.delivery.receiver == "Утром").expect("a row");
    assert_eq!(late.delivery.state, DeliveryState::Suppressed);
}

#[tokio::test]
async fn what_was_called_solved_by_mistake_is_taken_back() {
    let office = office(ROUTES);
    office.write(&people(4, COLD)).await;
    answer(&office, "МЦУ", Mark::Solved, None).await;
    let id = office.store().alerts(None, None, 10).await.expect("read").remove(0).problem;
    let state = async || {
        let problem = office.store().problem(&id).await.expect("read").expect("there");
        (problem.state, problem.in_work(), problem.returns)
    };
    assert_eq!(state().await, (ProblemState::Closed, true, 0));
    office.pass(mins(1)).await;
    answer(&office, "МЦУ", Mark::Taken, None).await;
    assert_eq!(state().await, (ProblemState::Open, true, 0));
    office.pass(mins(1)).await;
    answer(&office, "МЦУ", Mark::Solved, None).await;
    assert_eq!(state().await, (ProblemState::Closed, true, 0));
}

#[tokio::test]
async fn a_merge_keeps_what_was_told_and_who_is_reminded() {
    let office = office(&format!("[alert]\nlevel = \"critical\"\n{ROUTES}"));
    office.write(&people(4, COLD)).await;
    office.write(&[Says { place: Some("sosnyagino"), ..says(31, "Батареи ледяные") }]).await;
    assert_eq!(office.subjects("m@b.ru").len(), 1, "{:?}", office.subjects("m@b.ru"));
    let problems = office.store().export_problems(None, None, 10).await.expect("read");
    let of = |place: &str| {
        let here =
            |it: &&StoredProblem| it.problem.place.as_ref().is_some_and(|at| at.as_str() == place);
        problems.iter().find(here).expect("a problem").problem.id.clone()
    };
    let (from, into) = (of("kedrovo"), of("sosnyagino"));
    let merge = CommandKind::MergeProblems { problem: from, into: into.clone() };
    assert!(office.ask(merge).await.done);
    let merged = office.store().problem(&into).await.expect("read").expect("there");
    assert_eq!((merged.alerts, merged.told.is_some()), (1, true));
    office.pass(mins(61)).await;
    let told = office.subjects("m@b.ru");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].starts_with("Напоминание. "), "{told:?}");
    office.write(&[Says { place: Some("sosnyagino"), ..says(32, COLD) }]).await;
    let told = office.subjects("m@b.ru");
    assert!(told[2..].iter().all(|it| !it.contains("новая проблема")), "{told:?}");
}

#[tokio::test]
async fn a_trial_keeps_what_is_handed_over_from_everybody_but_the_analyst() {
    let routes = format!(
        "[alert]\ntrial_until = \"2026-03-20\"\n{ROUTES}[[receiver]]\nname = \"Аналитик\"\n\
         email = \"a@b.ru\"\nanalyst = true\n"
    );
    let office = office(&routes.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    answer(&office, "Аналитик", Mark::NotOurs, Some("Отдел")).await;
    office.pass(mins(5)).await;
    assert_eq!(office.subjects("o@b.ru"), Vec::<String>::new());
    assert!(!office.to("a@b.ru").is_empty(), "the analyst hears of it");
}

#[tokio::test]
async fn an_alert_says_what_was_told_before_and_which_addresses_are_named() {
    let office = office(ROUTES);
    office.write(&people(4, "Нет отопления третий день, Кедрово, улица Садовая, 5")).await;
    let text = &office.to("m@b.ru")[0].message.text;
    assert!(text.contains("Называют: "), "{text}");
    assert!(!text.contains("раньше сообщали"), "{text}");
    office.pass(hours(3)).await;
    let more: Vec<Says> = (0..12)
        .map(|n| Says {
            place: Some("kedrovo"), ..says(50 + n, "Батареи ледяные, мёрзнем")
        })
        .collect();
    office.write(&more).await;
    let told = office.to("m@b.ru");
    let text = &told.last().expect("told").message.text;
    assert!(text.contains("раньше сообщали 14 марта, 11:00: уровень"), "{text}");
}

/// Every command crosses the socket as it was given: no two of its fields share a name.
#[test]
fn every_command_is_read_as_it_was_written() {
    let (problem, post) = ("p1".into(), PostKey { source: "s".into(), id: "i".into() });
    let text = || "x".to_owned();
    let kinds = [
        CommandKind::Ping,
        CommandKind::Reload { why: Some(text()) },
        CommandKind::CollectNow { sources: vec!["s".into()] },
        CommandKind::Erase { post: post.clone() },
        CommandKind::Mark {
            alert: "a1".into(),
            mark: Mark::NotOurs,
            to: Some(text()),
            channel: Some(Channel::Max),
        },
        CommandKind::TakeAll { roll_up: text(), channel: None },
        CommandKind::Invite { receiver: text(), salt: text(), code: text() },
        CommandKind::Forget { receiver: text(), channel: Channel::Telegram },
        CommandKind::AddSilence {
            facts: SilenceFacts {
                topic: Some("heating".into()),
                place: Some("kedrovo".into()),
                problem: Some("p2".into()),
                reason: text(),
                owner: Some(text()),
                role: "analyst".to_owned(),
            },
            until: instant(START),
        },
        CommandKind::EndSilence { id: text() },
        CommandKind::AddWorks {
            facts: WorksFacts { topic: "heating".into(), place: None, streets: vec![text()] },
            begins: instant(START),
            until: instant(START),
        },
        CommandKind::DecideWorks { id: text(), state: WorksState::Accepted },
        CommandKind::CloseProblem { problem },
        CommandKind::MergeProblems { problem: "p1".into(), into: "p2".into() },
        CommandKind::SplitProblem { problem: "p1".into(), posts: vec![post], address: None },
        CommandKind::SetRumour {
            problem: "p1".into(),
            state: RumourState::Refuted,
            link: Some(text()),
        },
        CommandKind::Note {
            text: text(),
            place: Some("kedrovo".into()),
            topic: Some("heating".into()),
        },
        CommandKind::HandOver { from: text(), to: text() },
        CommandKind::SendDigest { week: text() },
    ];
    for kind in kinds {
        let (actor, role) = ("root".to_owned(), "operator".to_owned());
        let command = Command { actor, role, at: instant(START), kind };
        let line = serde_json::to_string(&command).expect("written");
        let read = serde_json::from_str::<Command>(&line);
        assert_eq!(read.ok().as_ref(), Some(&command), "{line}");
    }
}

#[tokio::test]
async fn what_nobody_answered_goes_to_whoever_takes_over() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    assert_eq!((office.to("m@b.ru").len(), office.to("o@b.ru").len()), (1, 0));
    let (from, to) = ("МЦУ".to_owned(), "Отдел".to_owned());
    let reply = office.ask(CommandKind::HandOver { from, to }).await;
    assert!(reply.done && reply.text.contains("Ждали ответа: a"), "{reply:?}");
    office.pass(mins(59)).await;
    assert_eq!(office.to("o@b.ru").len(), 1, "told at once");
    office.pass(mins(2)).await;
    assert_eq!(office.to("o@b.ru").len(), 2, "reminded an hour after that");
    assert_eq!(office.to("m@b.ru").len(), 1, "who left is not reminded");
    let marks = office.store().marks(None, None, 10).await.expect("read");
    assert_eq!((marks.len(), marks[0].mark.name()), (1, "passed"));
    assert_eq!(marks[0].to.as_deref(), Some("Отдел"));
}

#[tokio::test]
async fn what_waits_goes_over_within_the_hours_of_whoever_takes_over() {
    // It waits for the other's Monday, unless it is critical.
    for (people_count, waits) in [(12, false), (4, true)] {
        let routes =
            ROUTES.replace("min_level = \"low\"\n[[", "min_level = \"low\"\nhours = \"work\"\n[[");
        let office = office(&routes);
        office.write(&people(people_count, COLD)).await;
        let (from, to) = ("МЦУ".to_owned(), "Отдел".to_owned());
        assert!(office.ask(CommandKind::HandOver { from, to }).await.done);
        office.pass(mins(1)).await;
        assert_eq!(office.to("o@b.ru").is_empty(), waits, "{people_count}");
    }
}

#[tokio::test]
async fn a_body_that_has_the_alert_hears_that_it_is_theirs_now() {
    let routes = ROUTES.replace("hours = \"work\"\n", "").replace("critical", "low");
    let office = office(&routes.replace("kinds = [\"rumour\"]\n", ""));
    office.write(&people(4, COLD)).await;
    assert_eq!((office.to("m@b.ru").len(), office.to("o@b.ru").len()), (1, 1));
    answer(&office, "МЦУ", Mark::NotOurs, Some("Отдел")).await;
    office.pass(mins(1)).await;
    let told = office.to("o@b.ru");
    assert_eq!(told.len(), 2, "{:?}", office.subjects("o@b.ru"));
    assert!(told[1].message.text.contains("передано: МЦУ → Отдел"), "{}", told[1].message.text);
    // Its ladder begins anew: each of its reminders is another one.
    office.pass(hours(1)).await;
    assert_eq!(office.to("o@b.ru").len(), 3, "{:?}", office.subjects("o@b.ru"));
}

impl Office {
    async fn hands_over(&self, from: &str, to: &str) -> String {
        let (from, to) = (from.to_owned(), to.to_owned());
        let reply = self.ask(CommandKind::HandOver { from, to }).await;
        assert!(reply.done, "{reply:?}");
        reply.text
    }
}

#[tokio::test]
async fn who_comes_back_is_reminded_again() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    office.hands_over("МЦУ", "Отдел").await;
    office.pass(mins(5)).await;
    assert_eq!((office.to("m@b.ru").len(), office.to("o@b.ru").len()), (1, 1));
    office.hands_over("Отдел", "МЦУ").await;
    office.pass(mins(5)).await;
    assert_eq!(office.to("m@b.ru").len(), 2, "it is theirs again: {:?}", office.subjects("m@b.ru"));
    office.pass(mins(60)).await;
    assert_eq!(office.to("m@b.ru").len(), 3, "the ladder goes on: {:?}", office.subjects("m@b.ru"));
    assert_eq!(office.to("o@b.ru").len(), 1, "{:?}", office.subjects("o@b.ru"));
    // And away once more.
    assert!(office.hands_over("МЦУ", "Отдел").await.contains("Ждали ответа: a"));
    office.pass(mins(5)).await;
    assert_eq!(office.to("o@b.ru").len(), 2, "{:?}", office.subjects("o@b.ru"));
}

#[tokio::test]
async fn a_waiting_message_that_was_given_away_can_come_back() {
    let routes =
        ROUTES.replace("min_level = \"low\"\n[[", "min_level = \"low\"\nhours = \"work\"\n[[");
    let office = office(&routes);
    office.write(&people(4, COLD)).await;
    assert!(office.hands_over("МЦУ", "Отдел").await.contains("Ещё не отправленных сообщений: 1"));
    office.hands_over("Отдел", "МЦУ").await;
    office.pass(hours(72)).await;
    let (first, second) = (office.subjects("m@b.ru"), office.subjects("o@b.ru"));
    assert!(first.iter().any(|it| it.contains("новая проблема")), "{first:?} {second:?}");
}

#[tokio::test]
async fn only_what_is_in_work_is_taken_over_as_work() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    answer(&office, "МЦУ", Mark::Taken, None).await;
    office.pass(mins(1)).await;
    answer(&office, "МЦУ", Mark::NotOurs, None).await;
    office.pass(mins(1)).await;
    assert!(office.hands_over("МЦУ", "Отдел").await.contains("В работе ничего не было"));
    let id = office.store().alerts(None, None, 10).await.expect("read").remove(0).problem;
    let problem = office.store().problem(&id).await.expect("read").expect("there");
    assert!(problem.waits(), "nobody has it in work");
}

#[tokio::test]
async fn a_useful_alert_is_not_answered_yet() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    answer(&office, "МЦУ", Mark::Useful, None).await;
    assert!(office.hands_over("МЦУ", "Отдел").await.contains("Ждали ответа: a"));
    office.pass(mins(1)).await;
    assert_eq!(office.to("o@b.ru").len(), 1);
}

#[tokio::test]
async fn a_merge_reminds_when_either_would_have() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    office.pass(mins(30)).await;
    let there = |n: u32| Says { place: Some("sosnyagino"), ..says(40 + n, COLD) };
    office.write(&[there(1), there(2), there(3), there(4)]).await;
    assert_eq!(office.to("m@b.ru").len(), 2, "{:?}", office.subjects("m@b.ru"));
    let problems = office.store().export_problems(None, None, 10).await.expect("read");
    let of = |place: &str| {
        let here =
            |it: &&StoredProblem| it.problem.place.as_ref().is_some_and(|at| at.as_str() == place);
        problems.iter().find(here).expect("a problem").problem.id.clone()
    };
    let (problem, into) = (of("kedrovo"), of("sosnyagino"));
    assert!(office.ask(CommandKind::MergeProblems { problem, into }).await.done);
    office.pass(mins(31)).await;
    let told = office.subjects("m@b.ru");
    assert!(told.len() == 3 && told[2].starts_with("Напоминание. "), "{told:?}");
}

#[tokio::test]
async fn new_facts_after_taking_are_handed_over_as_unanswered() {
    let office = office(&ROUTES.replace("hours = \"work\"\n", ""));
    office.write(&people(4, COLD)).await;
    answer(&office, "МЦУ", Mark::Taken, None).await;
    office.pass(mins(1)).await;
    let more: Vec<Says> = people(16, COLD).split_off(4);
    office.write(&more).await;
    let told = office.to("m@b.ru").len();
    assert!(told > 1, "new facts end the work: {:?}", office.subjects("m@b.ru"));
    let reply = office.hands_over("МЦУ", "Отдел").await;
    assert!(reply.contains("В работе ничего не было") && reply.contains("Ждали ответа"), "{reply}");
    let id = office.store().alerts(None, None, 10).await.expect("read").remove(0).problem;
    let problem = office.store().problem(&id).await.expect("read").expect("there");
    assert!(problem.waits(), "nobody has read the new facts yet");
}
