//! What becomes of an alert with time: reminders climb while nobody takes it into work, a missing
//! answer is told, an acknowledgement ends the climb and new facts end the acknowledgement.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use otklik::alert::render::Again;
use otklik::config;
use otklik::model::{
    CloseReason, Command, CommandKind, DeliveryState, Mark, Matter, PlaceId, ProblemEvent,
    ProblemEventKind, ProblemId, RumourState, SilenceFacts, TopicKind, told_alert,
};
use otklik::pipeline::command::change_store;
use otklik::pipeline::dispatch::word_alert;
use otklik::pipeline::district::District;
use otklik::pipeline::follow::take_up;
use otklik::pipeline::group::{Sending, group_store};
use otklik::pipeline::health;
use otklik::pipeline::keys::PassingKeys;
use otklik::pipeline::note::{self, Note};
use otklik::store::{DeliveryEnd, Store};
use otklik_collectors::door::Door;

use crate::rig::Rig;

const ROUTES: &str = "
[alert]
waiting = \"3d\"
[[receiver]]
name = \"МЦУ\"
email = \"m@example.org\"
operator = true
[[receiver]]
name = \"Отдел\"
email = \"o@example.org\"
hours = \"work\"
[[receiver]]
name = \"Глава\"
email = \"g@example.org\"
min_level = \"critical\"
hours = \"work\"
[[receiver]]
name = \"ЦУР\"
email = \"c@example.org\"
topics = [\"gas\"]
[[ladder]]
after = \"1h\"
level = \"high\"
[[ladder]]
after = \"2h\"
level = \"high\"
tell = [\"Глава\"]
[[ladder]]
after = \"4h\"
level = \"high\"
tell = [\"ЦУР\"]
";

const RUMOUR: &str = "
id = \"rumour\"
title = \"Слух\"
kind = \"rumour\"
severity = 3
[[rule]]
find = 'говорят отравить'
weight = 70
[[example]]
text = \"Говорят, воду отравили\"
is = true
[[example]]
text = \"Говорят, что отравили колодец\"
is = true
[[example]]
text = \"Говорят, завтра снег\"
is = false
[[example]]
text = \"Колодец почистили\"
is = false
";

/// A district with its store and a clock that the test turns.
struct Hall {
    _rig: Rig,
    store: Store,
    district: District,
    door: Door,
}

impl Hall {
    fn new() -> Self {
        let rig = Rig::new();
        rig.write("config/routes.toml", ROUTES);
        rig.write("words/rumour.toml", RUMOUR);
        let settings = config::load_all(&rig.path("config/otklik.toml")).expect("sound");
        let district =
            District::load(&settings, false).unwrap_or_else(|faults| panic!("{faults:?}"));
        let store = Store::open_play(&settings.store, settings.district.id.clone()).expect("opens");
        let door = Door::new(Arc::new(PassingKeys::default()), []);
        Self { _rig: rig, store, district, door }
    }

    /// Somebody writes that a house burns or that it is cold; grouped at once.
    async fn complaint(&self, text: &str, now: Timestamp) {
        let place = PlaceId::from("sosnyagino");
        let note = Note { text, place: Some(&place), topic: None };
        let noted = note::take(&self.store, &self.district, &self.door, note, now).await;
        assert!(noted.expect("stored").done);
        group_store(&self.store, &self.district, Sending::Live, || now).await.expect("grouped");
    }

    async fn take_up(&self, now: Timestamp) -> u32 {
        take_up(&self.store, &self.district, now).await.expect("taken up")
    }

    /// Everything in the outbox: kind of subject, receiver, when due.
    async fn outbox(&self) -> Vec<(String, String, Timestamp)> {
        let stored = self.store.export_deliveries(None, None, 1_000).await.expect("read");
        let told = stored.into_iter().map(|row| row.delivery);
        let told = told.filter(|row| told_alert(&row.subject).is_some());
        let mut rows: Vec<_> = told
            .map(|row| {
                let kind = row.subject.split(':').next().unwrap_or_default().to_owned();
                (kind, row.receiver, row.due)
            })
            .collect();
        rows.sort_by(|a, b| (a.2, &a.0, &a.1).cmp(&(b.2, &b.0, &b.1)));
        rows
    }

    async fn reminders(&self) -> Vec<String> {
        let rows = self.outbox().await.into_iter().filter(|(kind, ..)| kind == "reminder");
        rows.map(|(_, receiver, due)| format!("{receiver} {due}")).collect()
    }

    async fn reasons(&self) -> Vec<&'static str> {
        let alerts = self.store.alerts(None, None, 100).await.expect("read");
        alerts.iter().map(|alert| alert.reason.name()).collect()
    }

    async fn the_problem(&self) -> ProblemId {
        self.store.alerts(None, None, 1).await.expect("read")[0].problem.clone()
    }

    async fn append(&self, kind: ProblemEventKind, at: Timestamp) {
        let event = (self.the_problem().await, ProblemEvent { at, kind });
        self.store.append_events(&[event]).await.expect("stored");
    }

    async fn acknowledge(&self, now: Timestamp) {
        self.mark(Mark::Taken, now).await;
    }

    async fn mark(&self, mark: Mark, now: Timestamp) {
        self.mark_as("duty", mark, now).await;
    }

    async fn mark_as(&self, role: &str, mark: Mark, now: Timestamp) {
        let alert = self.store.alerts(None, None, 100).await.expect("read").pop().expect("one").id;
        let kind = CommandKind::Mark { alert, mark, to: None, channel: None };
        let command = Command { actor: "a".into(), role: role.into(), at: now, kind };
        let reply =
            change_store(&self.store, Some(&self.district), &command, now).await.expect("done");
        assert!(reply.is_some_and(|reply| reply.done));
    }
}

const COLD: &str = "Третий день батареи ледяные, в подъезде иней, дети замерзают, отопления нет";

/// Monday, 23 November 2026, 15:00 in Irkutsk, and so many minutes.
fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-11-23T07:00:00Z".parse().expect("an instant");
    start + SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn a_ladder_is_climbed_step_by_step_until_somebody_takes_it() {
    let hall = Hall::new();
    hall.complaint(COLD, at(0)).await;
    assert_eq!(hall.reasons().await, ["new_problem"]);
    assert_eq!(hall.take_up(at(59)).await, 0);
    assert_eq!(hall.reminders().await, Vec::<String>::new());
    // To those who know, once; the department's own time is still open.
    assert_eq!(hall.take_up(at(60)).await, 2);
    assert_eq!(hall.take_up(at(61)).await, 0, "a step is done once");
    let first = [format!("МЦУ {}", at(60)), format!("Отдел {}", at(60))];
    assert_eq!(hall.reminders().await, first);
    // 18:00: the head works again in the morning.
    assert_eq!(hall.take_up(at(180)).await, 1);
    let morning: Timestamp = "2026-11-24T00:30:00Z".parse().expect("an instant");
    assert_eq!(hall.reminders().await[2], format!("Глава {morning}"));
    hall.acknowledge(at(300)).await;
    assert_eq!(hall.take_up(at(9_000)).await, 0, "nobody writes any more: no news");
    assert_eq!(hall.reminders().await.len(), 3, "nobody climbs on");
}

#[tokio::test]
async fn everybody_silent_reaches_the_last_step_and_ends_there() {
    let hall = Hall::new();
    hall.complaint(COLD, at(0)).await;
    for minutes in (0..48 * 60).step_by(30) {
        hall.take_up(at(minutes)).await;
    }
    let reminders = hall.reminders().await;
    assert_eq!(reminders.len(), 4, "{reminders:?}");
    assert_eq!(reminders[2], format!("ЦУР {}", at(420)));
    let problem = hall.the_problem().await;
    let open = hall.store.follows_of(&problem).await.expect("read");
    assert_eq!(open.iter().map(|row| row.matter).collect::<Vec<_>>(), [Matter::Waiting]);
}

#[tokio::test]
async fn noise_reminds_nobody_and_taken_again_after_new_facts_counts() {
    let hall = Hall::new();
    hall.complaint(COLD, at(0)).await;
    hall.mark(Mark::Noise, at(5)).await;
    assert_eq!(hall.take_up(at(30 * 24 * 60)).await, 0);

    let hall = Hall::new();
    hall.complaint(COLD, at(0)).await;
    hall.acknowledge(at(5)).await;
    let alert = hall.store.alerts(None, None, 1).await.expect("read")[0].clone();
    let (level, voices) = (alert.facts.level, 9);
    hall.append(ProblemEventKind::Told { alert: alert.id, level, voices }, at(50)).await;
    let problem = hall.the_problem().await;
    let in_work = async || {
        let found = hall.store.problems(std::slice::from_ref(&problem)).await.expect("read");
        found[0].problem.in_work()
    };
    assert!(!in_work().await, "new facts end it");
    hall.acknowledge(at(60)).await;
    assert!(in_work().await);
}

#[tokio::test]
async fn a_closed_or_answered_problem_reminds_nobody() {
    for end in [
        ProblemEventKind::Closed { reason: CloseReason::Person },
        ProblemEventKind::Answered { published: at(30) },
    ] {
        let hall = Hall::new();
        hall.complaint(COLD, at(0)).await;
        hall.append(end.clone(), at(30)).await;
        assert_eq!(hall.take_up(at(30 * 24 * 60)).await, 0, "{end:?}");
        assert!(hall.store.follows_of(&hall.the_problem().await).await.expect("read").is_empty());
    }
}

#[tokio::test]
async fn a_missing_answer_is_told_while_people_write_after_three_nine_and_twenty_seven_days() {
    let hall = Hall::new();
    let mut told = Vec::new();
    for day in 0..60 {
        let noon = at(day * 24 * 60);
        hall.take_up(noon).await;
        if hall.reasons().await.iter().filter(|it| **it == "waits_too_long").count() > told.len() {
            told.push(day);
        }
        if day != 3 {
            hall.complaint(COLD, at(day * 24 * 60 + 1)).await;
        }
        hall.acknowledge(at(day * 24 * 60 + 2)).await;
    }
    assert_eq!(told, [4, 13, 40]);
}

#[tokio::test]
async fn a_missing_answer_is_no_news_where_nobody_writes() {
    let hall = Hall::new();
    hall.complaint(COLD, at(0)).await;
    hall.acknowledge(at(1)).await;
    for day in 0..60 {
        assert_eq!(hall.take_up(at(day * 24 * 60)).await, 0);
    }
}

#[tokio::test]
async fn new_facts_end_an_acknowledgement_and_the_text_says_so() {
    let hall = Hall::new();
    hall.complaint("В Соснягино холодно в домах, отопления нет", at(0)).await;
    let level = hall.store.alerts(None, None, 9).await.expect("read");
    assert_eq!(level.len(), 1, "told once: {level:?}");
    hall.acknowledge(at(10)).await;
    let now = at(200);
    let alert = &level[0];
    let text = word_alert(&hall.store, &hall.district, alert, None).await.expect("worded").text;
    assert!(text.contains("взято в работу: 23 ноября, 15:10"), "{text}");
    let kind = ProblemEventKind::Told {
        alert: alert.id.clone(),
        level: alert.facts.level,
        voices: alert.facts.voices,
    };
    hall.append(kind, now).await;
    let later = otklik::model::Alert { at: now, ..alert.clone() };
    let text = word_alert(&hall.store, &hall.district, &later, None).await.expect("worded").text;
    assert!(text.contains("взято в работу: 23 ноября, 15:10; после этого есть новое"), "{text}");
    let again = Some(Again { now: at(320), new_to_reader: true });
    let told = word_alert(&hall.store, &hall.district, &later, again).await.expect("worded");
    assert!(told.subject.starts_with("Напоминание. "), "{}", told.subject);
    let line = "Вам сообщаем, потому что с 23 ноября, 18:20 никто не взял это в работу.";
    for form in [&told.text, &told.html, &told.telegram[0]] {
        assert!(form.contains(line), "{form}");
    }
}

#[tokio::test]
async fn an_imported_past_is_followed_by_nobody() {
    let hall = Hall::new();
    let place = PlaceId::from("sosnyagino");
    let note = Note { text: COLD, place: Some(&place), topic: None };
    note::take(&hall.store, &hall.district, &hall.door, note, at(0)).await.expect("stored");
    group_store(&hall.store, &hall.district, Sending::Suppressed, || at(0)).await.expect("grouped");
    assert_eq!(hall.take_up(at(100_000)).await, 0);
    let alert = &hall.store.alerts(None, None, 1).await.expect("read")[0];
    let rows = hall.store.deliveries_of(&format!("alert:{}", alert.id)).await.expect("read");
    assert!(rows.iter().all(|row| row.state == DeliveryState::Suppressed));
}

#[tokio::test]
async fn messages_that_no_channel_took_are_told_to_the_operator_once() {
    let hall = Hall::new();
    let told = async |now| health::tell(&hall.store, &hall.district, now).await.expect("told");
    assert!(!told(at(0)).await);
    hall.complaint(COLD, at(0)).await;
    let claimed = hall.store.claim_deliveries(at(1), "worker", at(9), 10).await.expect("claimed");
    for claim in claimed {
        let row = claim.delivery;
        let end = DeliveryEnd {
            state: DeliveryState::Failed,
            due: row.due,
            channel: row.channel,
            address: row.address,
            tries: 1,
            unreachable_since: None,
            trouble: Some("Ящика нет (550)".to_owned()),
            receipt: None,
            may_have_left: false,
        };
        hall.store.finish_delivery(&row.id, "worker", end, at(2)).await.expect("finished");
    }
    assert!(told(at(30)).await);
    let notice = hall.store.notice(&at(30).to_string()).await.expect("read").expect("there");
    let lost: Vec<(&str, u32)> =
        notice.unsent.iter().map(|line| (line.receiver.as_str(), line.messages)).collect();
    assert_eq!(lost, [("МЦУ", 1), ("Отдел", 1)]);
    let rows = hall.store.deliveries_of(&format!("health:{}", at(30))).await.expect("read");
    assert_eq!(rows.iter().map(|row| row.receiver.as_str()).collect::<Vec<_>>(), ["МЦУ"]);
    assert!(!told(at(60)).await, "said once");
}

#[tokio::test]
async fn a_handover_moves_what_was_taken_and_what_has_not_left() {
    let hall = Hall::new();
    hall.complaint(COLD, at(0)).await;
    hall.mark_as("МЦУ", Mark::Taken, at(5)).await;
    let facts = SilenceFacts {
        topic: Some("gas".into()),
        owner: Some("МЦУ".to_owned()),
        reason: "проверка".to_owned(),
        ..SilenceFacts::default()
    };
    let silence = CommandKind::AddSilence { facts, until: at(600) };
    let command = Command { actor: "a".into(), role: "duty".into(), at: at(6), kind: silence };
    let reply = change_store(&hall.store, Some(&hall.district), &command, at(6)).await;
    assert!(reply.expect("done").is_some_and(|reply| reply.done));
    let kind = CommandKind::HandOver { from: "МЦУ".to_owned(), to: "Глава".to_owned() };
    let command = Command { actor: "a".into(), role: "operator".into(), at: at(9), kind };
    let reply = change_store(&hall.store, Some(&hall.district), &command, at(9)).await;
    let reply = reply.expect("done").expect("an answer");
    let alert = hall.store.alerts(None, None, 1).await.expect("read")[0].id.clone();
    assert!(reply.done && reply.text.contains(&format!("В работе: {alert}.")), "{}", reply.text);
    assert!(reply.text.contains("Ещё не отправленных сообщений: 1"), "{}", reply.text);
    assert!(reply.text.contains("Тишин на нём: 1"), "{}", reply.text);
    let marks = hall.store.marks_of(&alert).await.expect("read");
    let by: Vec<&str> = marks.iter().map(|marked| marked.by.as_str()).collect();
    assert_eq!(by, ["МЦУ", "Глава"]);
    let rows = hall.store.deliveries_of(&format!("alert:{alert}")).await.expect("read");
    let goes = rows.iter().filter(|row| row.state == DeliveryState::Pending);
    let mut to: Vec<(&str, &str)> =
        goes.map(|row| (row.receiver.as_str(), row.address.as_str())).collect();
    to.sort_unstable();
    assert_eq!(to, [("Глава", "g@example.org"), ("Отдел", "o@example.org")]);
    assert!(hall.store.in_hand("МЦУ").await.expect("read").is_empty());
    assert_eq!(hall.store.in_hand("Глава").await.expect("read"), [alert]);
}

#[tokio::test]
async fn a_rumour_that_proves_true_is_told_at_once() {
    let hall = Hall::new();
    hall.complaint("Говорят, в Соснягино воду отравили, это правда?", at(0)).await;
    let problems = hall.store.export_problems(None, None, 100).await.expect("read");
    let rumour = problems.iter().find(|it| it.problem.kind == TopicKind::Rumour);
    let problem = rumour.expect("a rumour").problem.id.clone();
    let set = async |state, now| {
        let kind = CommandKind::SetRumour { problem: problem.clone(), state, link: None };
        let command = Command { actor: "a".into(), role: "analyst".into(), at: now, kind };
        let reply = change_store(&hall.store, Some(&hall.district), &command, now).await;
        assert!(reply.expect("done").expect("an answer").done);
    };
    set(RumourState::Seen, at(20)).await;
    assert_eq!(hall.take_up(at(20)).await, 0);
    set(RumourState::CheckedTrue, at(30)).await;
    assert!(hall.take_up(at(30)).await > 0);
    assert_eq!(hall.reasons().await.last(), Some(&"rumour_confirmed"));
    assert_eq!(hall.take_up(at(31)).await, 0, "once");
}
