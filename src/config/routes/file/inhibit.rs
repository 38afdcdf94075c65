//! `[[inhibit]]` and the trial in `routes.toml`.
//!
//! Place in the flow: part of the file's reader. Invariant: a topic is never its own effect; a
//! trial that nobody would hear of is warned of.

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::super::Inhibit;
use super::{AlertTable, Check, Receiver};
use crate::model::TopicId;

/// How long an effect is told in its cause's conversation, if nobody says otherwise.
const INHIBIT_HOURS: u32 = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InhibitTable {
    pub(super) cause: Spanned<String>,
    pub(super) effects: Vec<Spanned<String>>,
    pub(super) hours: Option<Spanned<i64>>,
}

impl Check<'_> {
    /// Warns of a trial that goes to nobody.
    pub(super) fn trial(&mut self, alert: &AlertTable, receivers: &[Receiver]) {
        let Some(typed) = &alert.trial_until else { return };
        if !receivers.iter().any(|receiver| receiver.analyst) {
            let text = format!("пробный режим до {}, а сообщать некому", typed.get_ref());
            self.warn(typed, text, "добавьте кому-нибудь из получателей analyst = true");
        }
    }

    pub(super) fn inhibit(&mut self, table: &InhibitTable) -> Inhibit {
        let known = self.known;
        let cause =
            self.names(std::slice::from_ref(&table.cause), known.topics.as_ref(), "такой темы");
        let effects = self.names(&table.effects, known.topics.as_ref(), "такой темы");
        if effects.is_empty() || effects.contains(&cause[0]) {
            let text = "effects: нужны темы следствий, без самой причины";
            self.error(&table.cause, text, "effects = [\"water\", \"heating\"]");
        }
        Inhibit {
            cause: cause[0].as_str().into(),
            effects: effects.into_iter().map(TopicId::from).collect(),
            hours: self.within(table.hours.as_ref(), (1, 72), INHIBIT_HOURS),
        }
    }

    pub(super) fn day(&mut self, typed: Option<&Spanned<String>>) -> Option<Date> {
        let typed = typed?;
        let day = typed.get_ref().trim().parse().ok();
        if day.is_none() {
            let text = format!("«{}» не день", typed.get_ref());
            self.error(typed, text, "пишите \"2026-12-15\"");
        }
        day
    }
}
