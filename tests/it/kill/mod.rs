//! The real program, killed again and again while a town on a local VK goes on writing.
//!
//! `OTKLIK_KILLS` says how often (the suite: 25 and 8), `OTKLIK_SEED` replays a run. A kill strikes
//! so long after the start, while VK has a request, while a mail is on its way, or a moment behind
//! these.

pub mod check;
mod gap;
pub mod gates;
mod life;
mod stage;
pub mod town;

use std::collections::BTreeSet;
use std::time::Duration;

use otklik::sim::Rng;

use life::{Life, Moment};
use stage::Stage;

/// A number from the environment.
pub fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}: a number")))
}

#[expect(clippy::print_stderr, reason = "a seed that is not printed cannot be replayed")]
fn tell(what: &str, seed: u64, kills: u64) {
    eprintln!("{what}: OTKLIK_SEED={seed} OTKLIK_KILLS={kills}");
}

/// Deeds for so many kills: enough to go on to the last one.
fn length(kills: u64) -> usize {
    usize::try_from(kills * 2).expect("small").clamp(40, 240)
}

/// What a run makes of the whole script that nobody disturbs.
async fn undisturbed(seed: u64, length: usize) -> check::Outcome {
    let mut stage = Stage::open(town::script(&mut Rng::new(seed), length)).await;
    stage.settle(0).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_running_nothing_is_lost_or_doubled() {
    let (seed, kills) = (number("OTKLIK_SEED", 1), number("OTKLIK_KILLS", 25));
    tell("killed_while_running", seed, kills);
    let mut rng = Rng::new(seed ^ 0x6b69_6c6c);
    let mut stage = Stage::open(town::script(&mut Rng::new(seed), length(kills))).await;
    for left in (1..=kills).rev() {
        let moment = Moment::any(&mut rng);
        stage.live(&["run"], moment, &mut rng, left).await;
    }
    let outcome = stage.settle(kills).await;
    assert_eq!(outcome, undisturbed(seed, length(kills)).await);
    stage.limits_kept();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_collecting_once_nothing_is_lost_or_doubled() {
    let (seed, kills) = (number("OTKLIK_SEED", 2), number("OTKLIK_KILLS", 8));
    tell("killed_while_collecting_once", seed, kills);
    let mut rng = Rng::new(seed ^ 0x6f6e_6365);
    let mut stage = Stage::open(town::script(&mut Rng::new(seed), length(kills))).await;
    for left in (1..=kills).rev() {
        let moment = Moment::of_collecting(&mut rng);
        stage.live(&["collect", "--once"], moment, &mut rng, left).await;
    }
    stage.write_the_rest();
    let last = Life::start(&stage.config, &["collect", "--once"]);
    let ended = last.wait(Duration::from_secs(90)).await.expect("it comes to an end");
    assert!(ended.success(), "{ended}");
    let now = stage.now();
    check::outcome(&stage.config).holds(&stage.play().world, now);
    let sent = (stage.smtp.conversations(), stage.bot.calls(), stage.gates.count());
    assert_eq!(sent, (0, 0, 0), "it sends nothing");
    let decided: BTreeSet<_> = check::outcome(&stage.config).alerts;
    let outcome = stage.settle(0).await;
    assert_eq!(outcome.alerts, decided, "the daemon had nothing to add");
    assert_eq!(outcome, undisturbed(seed, length(kills)).await);
    stage.limits_kept();
}
