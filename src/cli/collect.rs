//! `otklik collect --once`: looks at each source to the end now, assesses, decides, sends nothing.
//!
//! Place in the flow: the daemon's stages without its loop. Invariant: our own back-off is ignored,
//! platform limits are kept; killed and started again it goes on from the last stored page.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::Args;

use crate::clock::{Clock, SystemClock};
use crate::config::Need;
use crate::model::SourceId;
use crate::pipeline::collect::LookReport;
use crate::pipeline::district::District;
use crate::pipeline::services::Services;
use crate::pipeline::{self, PassReport};

use super::{Exit, Failure, Globals, Result, logging, open, say};

/// Arguments of `collect`.
#[derive(Debug, Args)]
pub struct CollectArgs {
    /// Один проход по источникам, без отправки
    #[arg(long)]
    once: bool,
    /// Источники из sources.toml (без них: все)
    #[arg(value_name = "ИСТОЧНИК")]
    sources: Vec<String>,
    /// Итог строками JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: CollectArgs, globals: &Globals) -> Result<Exit> {
    if !args.once {
        return Err(Failure::usage(
            "постоянный сбор ведёт служба: otklik run; здесь укажите --once",
        ));
    }
    let settings = globals.settings(Need::Collect)?;
    logging::start(settings.log);
    let district = District::load(&settings, false)?;
    let wanted: Vec<SourceId> = args.sources.iter().map(|id| SourceId(id.clone())).collect();
    if let Some(unknown) =
        wanted.iter().find(|id| !district.sources.iter().any(|source| source.id == **id))
    {
        return Err(Failure::usage(format!(
            "нет источника «{unknown}»; список: otklik sources list"
        )));
    }
    let store = open::store_to_write(&settings)?;
    let report = open::wait(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let now = clock.now();
        let services = Services::connect(settings, clock, store, district)?;
        let sources = services.district.load().sources.clone();
        services.store.free_leases().await?;
        services.store.sync_sources(&sources, now).await?;
        let lease = format!("once-{}-{now}", std::process::id());
        let shows = io::stderr().is_terminal();
        let told = move |id: &SourceId, look: &LookReport| {
            if shows {
                // Progress is a courtesy: a closed terminal is no reason to stop.
                drop(writeln!(io::stderr().lock(), "{id}: {} стр.", look.pages));
            }
        };
        Ok(pipeline::pass(&services, &wanted, &lease, &told).await?)
    })?;
    tell(&report, args.json)?;
    Ok(Exit::Done)
}

fn tell(report: &PassReport, json: bool) -> Result<()> {
    for (id, look) in &report.looks {
        if json {
            let row = serde_json::json!({
                "source": id,
                "pages": look.pages,
                "new": look.posts.new,
                "edited": look.posts.edited,
                "known": look.posts.known,
                "gone": look.posts.gone,
                "trouble": look.trouble,
            });
            say!("{row}")?;
            continue;
        }
        let trouble = look.trouble.as_ref().map(|text| format!(" Ошибка: {text}"));
        say!(
            "{id}: новых {}, изменённых {}, известных {}, удалённых {}.{}",
            look.posts.new,
            look.posts.edited,
            look.posts.known,
            look.posts.gone,
            trouble.unwrap_or_default()
        )?;
    }
    for id in &report.busy {
        say!("{id}: его сейчас читает другой процесс, пропущен.")?;
    }
    if !json {
        say!("Решено оповестить: {}. Отправит их служба: otklik run.", report.alerts)?;
    }
    Ok(())
}
