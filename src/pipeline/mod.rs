//! The order of the stages: collect → door → normalise → classify → commit → score → assign →
//! decide → deliver.
//!
//! Place in the flow: the only module that joins the store to the pure stages. Each file reads from
//! the store, calls pure stages, and writes back in one transaction; between them nothing is
//! remembered but rows, so every step can be stopped, repeated and replayed.
//!
//! - [`collect`]: one look at one source; its pages go through [`assess`] and are committed whole.
//! - [`watch`]: when to look next; [`renew`]: sources that waited for a new key.
//! - [`import`]: the same for posts out of a file, told to nobody.
//! - [`group`]: posts that wait become problems, alerts and outbox rows; `desk` decides.
//! - [`follow`]: problems that were told and must be looked at again.
//! - [`dispatch`]: outbox rows become messages; `standing` says where they go today.
//! - [`together`]: which alerts are told as one message.
//! - `trial`: what goes to analysts while the trial runs.
//! - [`hold`]: silences and planned works, and what of them falls due.
//! - `works`: planned works read out of official notices.
//! - [`health`]: what the operator is told about sources.
//! - [`report`]: fixed jobs: the digest, and what must pass with time.
//! - [`command`]: what a person asked; [`mark`]: what a receiver answered.
//! - [`facets`]: what the posts of a problem have in common.
//! - [`rejoin`]: the problems made once more from what is stored.
//! - [`press`], [`enrol`]: what was pressed and written to our bots.
//! - [`touch`]: sent messages show what was answered since.
//! - [`replay`]: stored posts through other rules, to see what would have been told.
//!
//! Invariant: rules are values ([`district::District`]); what does I/O is in
//! [`services::Services`].

pub mod assess;
pub mod budget;
pub mod calendar;
pub mod collect;
pub mod command;
pub mod confirmed;
mod desk;
pub mod dispatch;
pub mod district;
pub mod enrol;
pub mod facets;
pub mod follow;
pub mod group;
mod handover;
pub mod health;
pub mod hold;
pub mod import;
pub mod keys;
pub mod mark;
pub mod note;
pub mod passing;
pub mod press;
pub mod rejoin;
pub mod renew;
pub mod replay;
pub mod report;
pub mod services;
mod spread;
mod standing;
mod tallies;
pub mod telegram;
mod tell;
#[cfg(test)]
mod tests;
pub mod together;
pub mod touch;
mod trial;
pub mod unsent;
pub mod watch;
pub mod words;
mod works;

use jiff::Timestamp;

use crate::alert::render::AlertText;
use crate::model::{Delivery, Keyboard, Source, SourceId};
use crate::notify::Message;
use crate::store::StoreError;
use collect::{LookReport, Manner};
use district::District;
use group::Sending;
use services::Services;

/// What one pass over the sources did.
#[derive(Debug, Clone, Default)]
pub struct PassReport {
    /// Each source that was looked at, with what came of it.
    pub looks: Vec<(SourceId, LookReport)>,
    /// Sources that somebody else is looking at.
    pub busy: Vec<SourceId>,
    /// Alerts decided.
    pub alerts: u32,
}

/// One pass: looks at each of `sources` (all listed ones if empty) to the end, groups, decides, and
/// sends nothing. `told` is called with each finished look.
pub async fn pass(
    services: &Services,
    sources: &[SourceId],
    lease: &str,
    told: &(dyn Fn(&SourceId, &LookReport) + Send + Sync),
) -> Result<PassReport, StoreError> {
    let district = services.district.load_full();
    let mut report = PassReport::default();
    // Whoever starts a pass by hand may have mended what we wait for.
    services.store.budget_probe_now(services.clock.now()).await?;
    for source in &district.sources {
        if !sources.is_empty() && !sources.contains(&source.id) {
            continue;
        }
        let Some(look) = look_to_the_end(services, &district, source, lease).await? else {
            report.busy.push(source.id.clone());
            continue;
        };
        report.alerts += group::group(services, &district, Sending::Live).await?.alerts;
        told(&source.id, &look);
        report.looks.push((source.id.clone(), look));
    }
    report.alerts += group::group(services, &district, Sending::Live).await?.alerts;
    Ok(report)
}

/// Looks at a source until a look that began now has ended; `None` if somebody else holds it. A
/// look that was broken off is finished first: what appeared since it began is not in it.
async fn look_to_the_end(
    services: &Services,
    district: &District,
    source: &Source,
    lease: &str,
) -> Result<Option<LookReport>, StoreError> {
    let mut report = LookReport::default();
    for tried in 0_u8.. {
        let now: Timestamp = services.clock.now();
        let until = collect::lease_end(now);
        let claimed = services.store.claim_source(&source.id, now, lease, until).await?;
        let Some(due) = claimed else { return Ok((tried > 0).then_some(report)) };
        let resumed = collect::under_way(services, source, &due);
        let look = collect::look(services, district, due, lease, Manner::Once, &|| {}).await?;
        report.add(look);
        if !resumed || report.trouble.is_some() {
            break;
        }
    }
    Ok(Some(report))
}

/// What is sent for an outbox row, without conversation and buttons.
fn message(delivery: &Delivery, at: Timestamp, text: AlertText) -> Message {
    Message {
        id: delivery.id.clone(),
        at,
        subject: text.subject,
        text: text.text,
        html: text.html,
        telegram: text.telegram,
        attachments: Vec::new(),
        thread: None,
        buttons: Keyboard::new(),
    }
}
