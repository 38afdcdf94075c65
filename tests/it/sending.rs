//! Sending when something is amiss: our own settings, a channel that hangs, addresses that change.

use std::time::Duration;

use otklik::model::{Delivery, DeliveryId, DeliveryState, SendOutcome};
use otklik::pipeline::unsent;

use crate::office::{Office, Says, hours, mins, says};
use crate::rig::Rig;

/// 11:00 in the district.
const START: &str = "2026-03-14T03:00:00Z";
const MAIL: &str = "[[receiver]]\nname = \"МЦУ\"\nemail = \"m@b.ru\"\nmin_level = \"low\"\n";
const CHAT: &str = "[[receiver]]\nname = \"ЖКХ\"\ntelegram_chat = -7\nmin_level = \"low\"\n";

fn office(routes: &str) -> Office {
    Office::on(Rig::new(), routes, START)
}

/// Four people complain of the cold there.
fn cold(place: &'static str, first: u32) -> Vec<Says> {
    let text = "Нет отопления третий день";
    (0..4).map(|n| Says { place: Some(place), ..says(first + n, text) }).collect()
}

fn unset() -> SendOutcome {
    SendOutcome::Unset { text: "Почтовый сервер ответил 535".to_owned() }
}

fn later() -> SendOutcome {
    SendOutcome::Retry { after_secs: Some(60), text: "просит подождать".to_owned() }
}

async fn rows(office: &Office, receiver: &str) -> Vec<Delivery> {
    let rows = office.store().export_deliveries(None, None, 1_000).await.expect("read");
    rows.into_iter().map(|row| row.delivery).filter(|row| row.receiver == receiver).collect()
}

/// Lines about what no channel took.
fn unsent(office: &Office) -> Vec<String> {
    let file = unsent::file_of(&office.services.settings.store);
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_fault_of_our_own_settings_waits_until_it_is_mended() {
    let office = office(MAIL);
    office.answers("m@b.ru", Some(unset()));
    office.write(&cold("kedrovo", 1)).await;
    office.pass(hours(5)).await;
    let waiting = rows(&office, "МЦУ").await;
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    assert_eq!(waiting[0].state, DeliveryState::Pending);
    assert!(waiting[0].tries > 3, "{waiting:?}");
    let told = unsent(&office);
    assert_eq!(told.len(), 1, "told at once and once: {told:?}");
    assert!(told[0].contains("МЦУ (email): пока не уходит") && told[0].contains("535"));
    let stuck = office.store().status(office.now()).await.expect("read").deliveries.stuck;
    assert_eq!((stuck.len(), stuck[0].messages), (1, 1), "{stuck:?}");
    let status = office.rig.run(&["status"]).out;
    assert!(
        status.contains("Не уходит, пробуем снова: 1. Почтовый сервер ответил 535"),
        "{status}"
    );
    assert!(!status.contains("всё отправлено"), "{status}");

    office.answers("m@b.ru", None);
    office.pass(hours(2)).await;
    assert_eq!(office.to("m@b.ru").len(), 1, "nothing was lost");
    let stuck = office.store().status(office.now()).await.expect("read").deliveries.stuck;
    assert!(stuck.is_empty(), "{stuck:?}");
}

#[tokio::test]
async fn a_fault_of_our_own_settings_costs_the_channel_its_turn_and_ends_after_three_days() {
    let office = office(&format!("{MAIL}telegram_chat = -5\n{CHAT}"));
    for address in ["m@b.ru", "-7"] {
        office.answers(address, Some(unset()));
    }
    office.write(&cold("kedrovo", 1)).await;
    assert_eq!(office.to("-5").len(), 1, "the next channel at once");
    assert_eq!(unsent(&office).len(), 1, "only what has no other channel");
    office.pass(hours(74)).await;
    let given_up = rows(&office, "ЖКХ").await;
    assert_eq!(given_up[0].state, DeliveryState::Failed, "{given_up:?}");
    let told = unsent(&office);
    assert!(told.iter().any(|line| line.contains("ЖКХ (telegram): не доставлено")), "{told:?}");
}

/// Waits until an address got so many messages.
async fn got(office: &Office, address: &str, messages: usize) {
    let come = async {
        while office.to(address).len() < messages {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), come).await.expect("it comes");
}

#[tokio::test]
async fn a_mail_server_that_hangs_delays_no_other_channel() {
    let office = office(&format!("{MAIL}{CHAT}"));
    office.hang("m@b.ru");
    let posts = cold("kedrovo", 1);
    tokio::join!(office.write(&posts), async {
        got(&office, "-7", 1).await;
        // Something new is due while the mail still hangs.
        let sent = rows(&office, "ЖКХ").await.remove(0);
        let (id, state, tries) = (DeliveryId("dnew".to_owned()), DeliveryState::Pending, 0);
        let new = Delivery { id, state, tries, copies: 0, due: office.now(), ..sent };
        office.store().queue_deliveries(&[new], office.now()).await.expect("queued");
        office.pulse.knock();
        got(&office, "-7", 2).await;
        let mail = rows(&office, "МЦУ").await;
        assert_eq!(mail[0].state, DeliveryState::Claimed, "{mail:?}");
        assert!(office.to("m@b.ru").is_empty());
        office.wake("m@b.ru");
    });
    assert_eq!((office.to("m@b.ru").len(), office.to("-7").len()), (1, 2));
}

#[tokio::test]
async fn critical_alerts_leave_before_others_that_wait_longer() {
    let office = office(MAIL);
    office.answers("m@b.ru", Some(later()));
    office.write(&cold("kedrovo", 1)).await;
    office.away(mins(1)).await;
    office.write(&[Says { place: Some("sosnyagino"), ..says(50, "Горит дом!") }]).await;
    office.away(mins(10)).await;
    office.answers("m@b.ru", None);
    office.turn().await;
    let told = office.subjects("m@b.ru");
    assert!(told.len() == 2 && told[0].contains("Пожар"), "{told:?}");
}

#[tokio::test]
async fn what_waits_goes_where_the_routes_say_today() {
    let office = office(&format!("{MAIL}{CHAT}"));
    office.join("77", "МЦУ").await;
    for address in ["m@b.ru", "n@b.ru", "-7", "77"] {
        office.answers(address, Some(later()));
    }
    office.write(&cold("kedrovo", 1)).await;
    // Another address on the same channel.
    office.reroute(&format!("{}{CHAT}", MAIL.replace("m@b.ru", "n@b.ru")));
    office.away(mins(10)).await;
    office.turn().await;
    let own = |rows: Vec<Delivery>| rows.into_iter().find(|row| !row.id.0.contains('.'));
    let row = own(rows(&office, "МЦУ").await).expect("a row");
    assert_eq!((row.address.as_str(), row.state), ("n@b.ru", DeliveryState::Pending));
    // Another channel; the chat that it joined itself keeps its own.
    let chat = MAIL.replace("email = \"m@b.ru\"", "telegram_chat = -5");
    office.reroute(&format!("{chat}{CHAT}"));
    office.answers("-5", Some(SendOutcome::Moved { address: "-105".to_owned() }));
    office.answers("-105", Some(later()));
    office.answers("77", None);
    office.away(mins(10)).await;
    office.turn().await;
    assert_eq!(office.to("77").len(), 1);
    // A chat that moved is the chat that the routes name.
    office.answers("-105", None);
    office.reroute(&chat);
    office.away(mins(10)).await;
    office.turn().await;
    assert_eq!(office.to("-105").len(), 1);
    assert!(office.to("m@b.ru").is_empty() && office.to("n@b.ru").is_empty());
    // A receiver that is gone hears nothing.
    let gone = rows(&office, "ЖКХ").await;
    assert_eq!(gone[0].state, DeliveryState::Suppressed, "{gone:?}");
    assert_eq!(gone[0].trouble.as_deref(), Some("Получателя больше нет в routes.toml"));
    office.answers("-7", None);
    office.pass(hours(2)).await;
    assert!(office.to("-7").is_empty());
}

#[tokio::test]
async fn a_dead_chat_that_joined_is_no_loss() {
    let office = office(MAIL);
    office.join("77", "МЦУ").await;
    let text = "Получатель заблокировал бота (403)".to_owned();
    office.answers("77", Some(SendOutcome::Refused { text }));
    office.write(&cold("kedrovo", 1)).await;
    assert_eq!(office.to("m@b.ru").len(), 1);
    let all = rows(&office, "МЦУ").await;
    let mut states: Vec<&str> = all.iter().map(|row| row.state.name()).collect();
    states.sort_unstable();
    assert_eq!(states, ["failed", "sent"]);
    assert_eq!(unsent(&office), Vec::<String>::new());
    let told = office.store().unsent_since(jiff::Timestamp::MIN).await.expect("read");
    assert!(told.is_empty(), "{told:?}");
    let stuck = office.store().status(office.now()).await.expect("read").deliveries.stuck;
    assert!(stuck.is_empty(), "{stuck:?}");
}
