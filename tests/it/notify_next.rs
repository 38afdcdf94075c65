//! What follows a try: table of outcomes, pauses, and that every delivery ends.

use jiff::{SignedDuration, Timestamp};
use otklik::model::{Channel, Delivery, DeliveryState, SendOutcome};
use otklik::notify::{NextStep, apply_step, backoff, next_step};

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + secs).unwrap()
}

fn both() -> Vec<(Channel, String)> {
    vec![(Channel::Email, "a@b.ru".to_owned()), (Channel::Telegram, "-100".to_owned())]
}

fn delivery(channel: Channel, tries: u32) -> Delivery {
    Delivery {
        id: "d0123456789ab".into(),
        subject: "alert:a1".into(),
        receiver: "МЦУ".into(),
        channel,
        address: "a@b.ru".into(),
        state: DeliveryState::Claimed,
        due: at(0),
        tries,
        copies: tries,
        unreachable_since: None,
        trouble: None,
    }
}

fn retry(after_secs: Option<i64>) -> SendOutcome {
    SendOutcome::Retry { after_secs, text: "т".into() }
}

fn unreachable() -> SendOutcome {
    SendOutcome::Unreachable { text: "т".into() }
}

#[track_caller]
fn check(delivery: &Delivery, outcome: &SendOutcome, secs: i64, expected: &str) {
    let step = next_step(delivery, at(0), outcome, at(secs), &both());
    let found = match step {
        NextStep::Sent { receipt } => format!("sent {}", receipt.unwrap_or_default()),
        NextStep::Again { due, unreachable_since, .. } => {
            let wait = due.duration_since(at(secs)).as_secs();
            format!("again {wait} {}", if unreachable_since.is_some() { "lost" } else { "" })
        }
        NextStep::Readdress { address } => format!("readdress {address}"),
        NextStep::NextChannel { channel, address, .. } => format!("{} {address}", channel.name()),
        NextStep::Failed { .. } => "failed".to_owned(),
    };
    assert_eq!(found.trim(), expected);
}

#[test]
fn outcomes_lead_to_steps() {
    let email = |tries| delivery(Channel::Email, tries);
    let telegram = |tries| delivery(Channel::Telegram, tries);
    let refused = SendOutcome::Refused { text: "т".into() };
    check(&email(1), &SendOutcome::Sent { receipt: Some("7".into()) }, 1, "sent 7");
    check(&email(1), &refused, 1, "telegram -100");
    check(&telegram(1), &refused, 1, "failed");
    let unset = SendOutcome::Unset { text: "т".into() };
    check(&email(1), &unset, 1, "telegram -100");
    check(&telegram(1), &unset, 1, &format!("again {}", secs_of(1)));
    check(&telegram(500), &unset, 71 * 3_600, &format!("again {}", secs_of(500)));
    check(&telegram(9), &unset, 72 * 3_600, "failed");
    check(&email(1), &SendOutcome::Moved { address: "-5".into() }, 1, "readdress -5");
    check(&email(1), &SendOutcome::Moved { address: "a@b.ru".into() }, 1, "telegram -100");
    check(&telegram(1), &retry(Some(17)), 1, "again 17");
    check(&telegram(1), &retry(Some(-4)), 1, "again 1");
    check(&telegram(1), &retry(Some(10_000_000)), 1, "again 86400");
    check(&email(1), &retry(Some(10_000)), 1, "telegram -100");
    check(&email(5), &retry(None), 1, "telegram -100");
    check(&telegram(500), &retry(None), 71 * 3_600, &format!("again {}", secs_of(500)));
    check(&telegram(9), &retry(None), 72 * 3_600, "failed");
    check(&telegram(9), &unreachable(), 72 * 3_600, "failed");
    // The row's channel is no longer the receiver's: the first of its channels.
    check(&delivery(Channel::Max, 1), &refused, 1, "email a@b.ru");
}

fn secs_of(tries: u32) -> i64 {
    backoff(&"d0123456789ab".into(), tries).as_secs()
}

#[test]
fn two_minutes_out_of_reach_cost_the_turn() {
    let mut row = delivery(Channel::Email, 1);
    let mut now = 0;
    for round in 0.. {
        assert!(round < 5, "never moved on");
        let step = next_step(&row, at(0), &unreachable(), at(now), &both());
        apply_step(&mut row, &step, at(now));
        if row.channel == Channel::Telegram {
            break;
        }
        assert!(now < 120);
        now = row.due.duration_since(at(0)).as_secs();
        row.tries += 1;
    }
    assert_eq!(now, 120, "the moment the two minutes are over");
    assert_eq!((row.tries, row.unreachable_since, row.due), (0, None, at(120)));
    assert_eq!((row.id.as_str(), row.address.as_str()), ("d0123456789ab", "-100"));
    // The only channel stays.
    let only = [(Channel::Email, "a@b.ru".to_owned())];
    let mut row = delivery(Channel::Email, 3);
    row.unreachable_since = Some(at(0));
    let step = next_step(&row, at(0), &unreachable(), at(600), &only);
    assert!(
        matches!(step, NextStep::Again { unreachable_since: Some(since), .. } if since == at(0))
    );
}

#[test]
fn pauses_grow_and_spread() {
    let minutes = [1, 2, 5, 15, 30, 60, 60, 60];
    for (tries, minutes) in (1u32..).zip(minutes) {
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..50 {
            let id = format!("d{n}").into();
            let pause = backoff(&id, tries);
            assert_eq!(pause, backoff(&id, tries));
            assert!(pause >= SignedDuration::from_mins(minutes));
            assert!(pause.as_secs() * 5 <= minutes * 60 * 6);
            seen.insert(pause.as_secs());
        }
        assert!(seen.len() > 5, "no volley");
    }
    for (tries, least) in [(0, 1), (u32::MAX, 60)] {
        assert!(backoff(&"d".into(), tries) >= SignedDuration::from_mins(least));
    }
}

#[test]
fn every_delivery_ends() {
    let lost = SendOutcome::Lost { text: "т".into() };
    let refused = SendOutcome::Refused { text: "т".into() };
    let unset = SendOutcome::Unset { text: "т".into() };
    for outcome in [retry(None), retry(Some(40)), unreachable(), lost, refused, unset] {
        let mut row = delivery(Channel::Email, 0);
        let mut now = 0;
        let mut tries = 0;
        while row.state != DeliveryState::Failed {
            row.tries += 1;
            tries += 1;
            let step = next_step(&row, at(0), &outcome, at(now), &both());
            apply_step(&mut row, &step, at(now));
            now = now.max(row.due.duration_since(at(0)).as_secs());
            assert!(tries < 10_000);
        }
        assert_eq!(row.channel, Channel::Telegram, "both channels had their turn");
        assert!(row.trouble.is_some());
    }
}
