//! Single moments that deserve a test of their own: a mail between its acceptance and our note, a
//! second daemon, a stop while servers hang.

use std::process::Command;
use std::time::{Duration, Instant};

use otklik::notify::play::{SmtpFault, SmtpStage};
use otklik::sim::Rng;
use otklik_collectors::play::vk::Fault;

use super::check::export;
use super::life::{Life, until};
use super::stage::Stage;
use super::town::script;

const SOON: Duration = Duration::from_secs(20);

async fn opened() -> Stage {
    let stage = Stage::open(script(&mut Rng::new(5), 12)).await;
    stage.write_the_rest();
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_accepted_before_the_kill_goes_out_again_under_the_same_name() {
    let mut stage = opened().await;
    stage.smtp.fail(SmtpFault::Hang(SmtpStage::Accepted));
    let life = Life::start(&stage.config, &["run"]);
    until(SOON, || (!stage.smtp.mails().is_empty()).then_some(())).await.expect("a mail");
    life.kill();
    let claimed =
        |rows: &[serde_json::Value]| rows.iter().filter(|row| row["state"] == "claimed").count();
    assert!(claimed(&export(&stage.config, "deliveries")) >= 1, "it was on its way");
    let outcome = stage.settle(1).await;
    let mails = stage.smtp.mails();
    let name = |n: usize| mails[n].header("Message-ID").expect("an id");
    assert!((1..mails.len()).any(|n| name(n) == name(0)), "the first one came again");
    let rows = export(&stage.config, "deliveries");
    let copies: Vec<u64> = rows.iter().filter_map(|row| row["copies"].as_u64()).collect();
    assert_eq!(copies.iter().filter(|copies| **copies == 2).count(), 1, "{copies:?}");
    assert!(copies.iter().all(|copies| (1..=2).contains(copies)), "{copies:?}");
    assert_eq!(rows.len(), outcome.deliveries.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_is_refused_and_a_killed_one_succeeded_at_once() {
    let stage = opened().await;
    let first = Life::start(&stage.config, &["run"]);
    assert!(stage.hasten(&first).await, "it runs");
    for command in [&["run"][..], &["collect", "--once"]] {
        let start = Instant::now();
        let output = Command::new(env!("CARGO_BIN_EXE_otklik"))
            .args(command)
            .arg("--config")
            .arg(&stage.config)
            .output()
            .expect("the binary runs");
        let words = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(75), "{words}");
        assert!(words.contains(&first.pid().to_string()), "it names the first: {words}");
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
    first.kill();
    let start = Instant::now();
    let next = Life::start(&stage.config, &["run"]);
    assert!(stage.hasten(&next).await, "it runs");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_servers_that_hang() {
    let stage = opened().await;
    // The walls themselves get an answer, so that something is decided and a mail is on its way
    // too.
    for number in 7..100 {
        stage.play().faults.insert(number, Fault::Hang);
    }
    stage.smtp.fail(SmtpFault::Hang(SmtpStage::Data));
    let life = Life::start(&stage.config, &["run"]);
    let hangs = || (stage.play().log.len() >= 7 && stage.smtp.conversations() > 0).then_some(());
    until(SOON, hangs).await.expect("calls and a mail that hang");
    let start = Instant::now();
    life.terminate();
    let status = life.wait(SOON).await.expect("it stops");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(status.code(), Some(0));
    // What was broken off goes on at the next start.
    stage.play().faults.clear();
    let mut stage = stage;
    stage.settle(1).await;
}
