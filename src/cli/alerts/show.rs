//! `otklik alerts show`: an alert in words, what receivers answered, and every try to send it.
//!
//! Place in the flow: reads the store beside a running daemon. Invariant: who answered is a
//! receiver or a role.

use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::model::{AlertId, Delivery, DeliveryState, Marked};
use crate::pipeline::{dispatch, district::District, together};
use crate::store::{DeliveryTry, Store};

use super::super::{Exit, Failure, Result, open, say, words};

/// Shows one alert.
pub(super) fn show(settings: &Settings, id: &AlertId) -> Result<Exit> {
    if id.as_str().contains(':') {
        return roll_up(settings, id.as_str());
    }
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let (text, marks, sent) = open::wait(async {
        let Some(alert) = store.alert(id).await? else {
            return Err(Failure::failed(format!("нет оповещения {id}; список: otklik alerts")));
        };
        let text = dispatch::word_alert(&store, &district, &alert, None).await?;
        Ok((text, store.marks_of(id).await?, receipts(&store, id).await?))
    })?;
    say!("{}\n\n{}", text.subject, text.text)?;
    let now = SystemClock.now();
    let moment = |at| words::moment(at, now, &settings.district.timezone);
    for marked in &marks {
        say!("Ответ: {}, {}", moment(marked.at), mark_line(marked))?;
    }
    for (delivery, tries) in &sent {
        say!("Отправка: {}", delivery_line(delivery))?;
        for (number, tried) in (1..).zip(tries) {
            say!("  попытка {number}, {}: {}", moment(tried.at), try_line(tried))?;
        }
    }
    Ok(Exit::Done)
}

async fn receipts(store: &Store, id: &AlertId) -> Result<Vec<(Delivery, Vec<DeliveryTry>)>> {
    let mut all = Vec::new();
    for delivery in store.deliveries_about(id).await? {
        let tries = store.tries_of(&delivery.id).await?;
        all.push((delivery, tries));
    }
    Ok(all)
}

fn mark_line(marked: &Marked) -> String {
    let to = marked.to.as_ref().map(|to| format!(" → {to}")).unwrap_or_default();
    let over = marked.channel.map(|it| format!(" ({})", words::channel(it))).unwrap_or_default();
    format!("{}{over}: {}{to}", marked.by, words::mark(marked.mark))
}

fn delivery_line(delivery: &Delivery) -> String {
    let trouble = delivery.trouble.as_ref().map(|text| format!(", {text}")).unwrap_or_default();
    format!(
        "{} ({}): {}{trouble}",
        delivery.receiver,
        words::channel(delivery.channel),
        words::delivery_state(delivery.state)
    )
}

fn try_line(tried: &DeliveryTry) -> String {
    let ended = match tried.state {
        DeliveryState::Sent => "принято".to_owned(),
        DeliveryState::Failed => "не принято".to_owned(),
        _ => "будет ещё раз".to_owned(),
    };
    let trouble = tried.trouble.as_ref().map(|text| format!(", {text}")).unwrap_or_default();
    let receipt = tried.receipt.as_ref().map(|it| format!(", квитанция {it}")).unwrap_or_default();
    format!("{}: {ended}{trouble}{receipt}", words::channel(tried.channel))
}

/// Everything that one message to each receiver stands for.
fn roll_up(settings: &Settings, subject: &str) -> Result<Exit> {
    let district = District::load_rules(settings, false)?;
    let store = open::store_to_read(settings)?;
    let found = open::wait(async {
        let mut all = Vec::new();
        for (receiver, roll_up) in store.roll_ups_of(subject).await? {
            all.push((receiver, together::listed(&store, &district, subject, &roll_up).await?));
        }
        Ok(all)
    })?;
    if found.is_empty() {
        return Err(Failure::failed(format!("нет общего сообщения {subject}")));
    }
    for (receiver, lines) in found {
        say!("{receiver}: {}", lines.len())?;
        for line in lines {
            say!("  {line}")?;
        }
    }
    Ok(Exit::Done)
}
