//! The trial: everything is decided, only analysts hear of it, and in the end there is a page.

use otklik::model::DeliveryState;

use crate::office::{Office, Says, hours, says};
use crate::rig::Rig;

/// 11:00 in the district; the trial ends at midnight, thirteen hours later.
const START: &str = "2026-03-14T03:00:00Z";
const ROUTES: &str = "[alert]\ntrial_until = \"2026-03-15\"\n\
                      [[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"low\"\n\
                      [[receiver]]\nname = \"Отдел ЖКХ\"\ntelegram_chat = -7\nmin_level = \"low\"\n\
                      topics = [\"heating\"]\n\
                      [[receiver]]\nname = \"Аналитик\"\nemail = \"a@b.ru\"\nmin_level = \"critical\"\n\
                      topics = [\"fire\"]\nanalyst = true\n";

fn four(place: &'static str, first: u32) -> Vec<Says> {
    let cold = "Нет отопления третий день";
    (0..4).map(|n| Says { place: Some(place), ..says(first + n, cold) }).collect()
}

#[tokio::test]
async fn only_the_analyst_hears_until_the_trial_ends() {
    let office = Office::on(Rig::new(), ROUTES, START);
    office.write(&four("kedrovo", 1)).await;
    assert!(office.to("m@b.ru").is_empty() && office.to("-7").is_empty());
    let told = office.to("a@b.ru");
    assert_eq!(told.len(), 1, "one message, whoever else would have got it");
    let said = &told[0].message;
    let head = "Пробный режим: отправил бы → МЦУ (почта), Отдел ЖКХ (Telegram)";
    assert!(said.text.starts_with(head), "{}", said.text);
    assert!(said.html.contains(head) && said.telegram[0].contains(head), "{}", said.html);
    assert!(said.subject.starts_with("[пробный режим] "), "{}", said.subject);
    let rows = office.store().export_deliveries(None, None, 100).await.expect("read");
    let kept = rows.iter().map(|row| &row.delivery).filter(|row| row.receiver != "Аналитик");
    for row in kept {
        assert_eq!(row.state, DeliveryState::Suppressed, "{row:?}");
        assert_eq!(row.trouble.as_deref(), Some("пробный режим"));
    }

    office.pass(hours(14)).await;
    let told = office.to("a@b.ru");
    let page = &told.last().expect("a page").message;
    assert_eq!(page.subject, "Лесной район: итоги пробного режима");
    assert!(page.text.contains("МЦУ: 1 сообщение, в среднем 1,0 в день"), "{}", page.text);
    assert!(page.text.contains("Отдел ЖКХ: 1 сообщение"), "{}", page.text);
    let pages = |office: &Office| {
        let subjects = office.subjects("a@b.ru");
        subjects.iter().filter(|subject| subject.contains("итоги")).count()
    };
    office.pass(hours(5)).await;
    assert_eq!(pages(&office), 1, "it is told once");

    office.write(&four("sosnyagino", 11)).await;
    let heard: Vec<String> =
        office.to("m@b.ru").iter().map(|sent| sent.message.subject.clone()).collect();
    assert_eq!(heard.len(), 1, "now in earnest: {heard:?}");
    assert!(!office.to("m@b.ru")[0].message.text.contains("Пробный режим"));
}
