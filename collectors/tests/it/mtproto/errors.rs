//! Every refusal of Telegram has a class, a next try and a sentence; no broken answer does harm.

use jiff::SignedDuration;
use otklik_collectors::play::mtproto::{Fault, Who};
use otklik_collectors::telegram::{Trouble, explain};
use otklik_collectors::{Class, Scope};

use super::{CHANNEL, Stage, start};

#[test]
fn every_error_has_a_class_a_next_try_and_a_sentence() {
    use Class::{Gone, Malformed, NeedsPerson, NoAccess, Ours, RateLimited, Refused, Transient};
    let rows = [
        (420, "FLOOD_WAIT_31", RateLimited, Some(32)),
        (420, "FLOOD_WAIT_86400", RateLimited, Some(86_401)),
        (420, "FLOOD_WAIT_9999999", RateLimited, Some(30 * 86_400 + 1)),
        (420, "FLOOD_PREMIUM_WAIT_7", RateLimited, Some(8)),
        (420, "SLOWMODE_WAIT_5", RateLimited, Some(6)),
        (420, "SOMETHING_NEW", RateLimited, Some(3_600)),
        (400, "PEER_FLOOD", RateLimited, Some(3_600)),
        (420, "FROZEN_METHOD_INVALID", NeedsPerson, None),
        (400, "CHANNEL_PRIVATE", NoAccess, None),
        (400, "CHANNEL_INVALID", NoAccess, None),
        (400, "CHANNEL_PUBLIC_GROUP_NA", NoAccess, None),
        (400, "PEER_ID_INVALID", NoAccess, None),
        (400, "CHAT_ADMIN_REQUIRED", NoAccess, None),
        (403, "CHAT_FORBIDDEN", NoAccess, None),
        (400, "USER_BANNED_IN_CHANNEL", NoAccess, None),
        (400, "MSG_ID_INVALID", NoAccess, None),
        (400, "USERNAME_NOT_OCCUPIED", Gone, None),
        (400, "USERNAME_INVALID", Refused, None),
        (401, "AUTH_KEY_UNREGISTERED", NeedsPerson, None),
        (401, "AUTH_KEY_INVALID", NeedsPerson, None),
        (401, "SESSION_REVOKED", NeedsPerson, None),
        (401, "SESSION_EXPIRED", NeedsPerson, None),
        (401, "USER_DEACTIVATED", NeedsPerson, None),
        (401, "USER_DEACTIVATED_BAN", NeedsPerson, None),
        (401, "SOMETHING_NEW", NeedsPerson, None),
        (406, "AUTH_KEY_DUPLICATED", NeedsPerson, None),
        (406, "SOMETHING_NEW", NoAccess, None),
        (400, "PHONE_NUMBER_BANNED", NeedsPerson, None),
        (400, "API_ID_INVALID", NeedsPerson, None),
        (400, "BOT_METHOD_INVALID", NeedsPerson, None),
        (303, "USER_MIGRATE_4", NeedsPerson, None),
        (303, "SOMETHING_NEW_2", NeedsPerson, None),
        (500, "RPC_CALL_FAIL", Transient, None),
        (500, "RPC_MCGET_FAIL", Transient, None),
        (500, "INTERDC_2_CALL_ERROR", Transient, None),
        (500, "SOMETHING_NEW", Transient, None),
        (-503, "Timeout", Transient, None),
        (400, "INPUT_METHOD_INVALID", Ours, None),
        (400, "LIMIT_INVALID", Ours, None),
        (404, "METHOD_INVALID", Ours, None),
        (403, "SOMETHING_NEW", NoAccess, None),
        (299, "SOMETHING_NEW", Malformed, None),
    ];
    let now = start();
    for (code, name, class, secs) in rows {
        let error = explain(&Trouble::rpc(code, name), now);
        assert_eq!(error.class, class, "{name}");
        let until = secs.map(|secs| now + SignedDuration::from_secs(secs));
        assert_eq!(error.until, until, "{name}");
        let words = error.text.split(' ').count();
        assert!(words >= 4 && error.text.ends_with('.'), "{name}: {}", error.text);
        assert!(error.text.chars().any(|c| ('а'..='я').contains(&c)), "{name}: {}", error.text);
        let whole = [Class::NeedsPerson].contains(&class);
        assert_eq!(error.scope == Scope::Token, whole, "{name}");
    }
    let until = now + SignedDuration::from_secs(4);
    for (trouble, class, at) in [
        (Trouble::Network, Transient, None),
        (Trouble::Timeout, Transient, None),
        (Trouble::Down(until), Transient, Some(until)),
        (Trouble::Crowded, Transient, Some(now + SignedDuration::from_mins(1))),
        (Trouble::Key, NeedsPerson, None),
        (Trouble::Garbled, Malformed, None),
    ] {
        let error = explain(&trouble, now);
        assert_eq!((error.class, error.until), (class, at), "{trouble:?}");
    }
}

#[test]
fn a_strange_name_is_not_repeated() {
    let error = explain(&Trouble::rpc(400, "Иванов Иван, +7 999"), start());
    assert_eq!(error.code, "telegram 400 ?");
}

#[tokio::test]
async fn an_answer_cut_at_any_byte_takes_nothing_away() {
    for (method, deleted) in [
        ("contacts.resolveUsername", false),
        ("messages.getHistory", false),
        ("channels.getMessages", true),
        ("messages.getReplies", false),
    ] {
        let mut length = 0;
        loop {
            let mut stage = Stage::new();
            stage.close_preview();
            let post = stage.post(start(), "Нет воды");
            let second = stage.post(start(), "Нет света");
            let who = Who::User(777_001);
            let comment = |at| {
                let mut play = stage.play.lock().unwrap();
                play.world.comment(CHANNEL, post, at, who, "И у нас", None)
            };
            comment(start());
            if method != "contacts.resolveUsername" {
                stage.look().await;
                if deleted {
                    let now = stage.world.now();
                    stage.play.lock().unwrap().world.delete(CHANNEL, second, now);
                }
                let now = stage.world.now();
                let mut play = stage.play.lock().unwrap();
                play.world.comment(CHANNEL, post, now, who, "Ещё", None);
            }
            stage.play.lock().unwrap().fail_always(method, Some(Fault::Cut(length)));
            let before = stage.store.texts();
            let mut broken = false;
            for _ in 0..4 {
                match stage.page().await {
                    Ok(page) => {
                        broken |= !page.facts.coverage.holes.is_empty();
                        let more = page.more;
                        if broken {
                            assert!(page.gone.is_empty(), "{method} {length}");
                        }
                        stage.store.commit(page);
                        if !more {
                            break;
                        }
                    }
                    Err(error) => {
                        assert_eq!(error.class, Class::Malformed, "{method} {length}");
                        broken = true;
                        break;
                    }
                }
            }
            if !broken {
                // The whole answer fits: nothing was cut any more.
                break;
            }
            assert!(
                before.keys().all(|id| stage.store.posts.contains_key(id)),
                "{method} {length}"
            );
            length += 1;
        }
        assert!(length > 40, "{method} {length}");
    }
}
