//! The connection itself: framing, keys, and everything that breaks on the way.

use std::net::{SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use otklik_collectors::play::mtproto::{Fault, KEY, MtprotoServer, PlayMtproto, serve};
use otklik_collectors::telegram::{Carrier as _, Line, LineSettings, SessionFile, Trouble};
use otklik_collectors::{Class, Clock as _};

use super::{CHANNEL, Stage, start};

fn v4(address: SocketAddr) -> SocketAddrV4 {
    match address {
        SocketAddr::V4(address) => address,
        SocketAddr::V6(_) => panic!("a loopback server has an address of four numbers"),
    }
}

/// A stage whose account talks over a socket. The server lives as long as it is held.
async fn over_socket(patience: Duration) -> (Stage, MtprotoServer) {
    let play = Arc::new(Mutex::new(PlayMtproto::new()));
    let mut server = None;
    let mut stage = Stage::over_play(play.clone(), |_, world| {
        // The socket needs a runtime, which is there: the test runs in it.
        let started = futures(serve(play.clone(), world.clock.clone()));
        let settings = LineSettings { patience, ..LineSettings::new(1, Some(started.addr)) };
        let session = SessionFile::with_key(2, v4(started.addr), &KEY);
        server = Some(started);
        Arc::new(Line::new(settings, &session, world.clock.clone()))
    });
    stage.close_preview();
    stage.spec.comments = false;
    (stage, server.unwrap())
}

/// Runs a future to its end inside a running runtime.
fn futures<T: Send>(work: impl Future<Output = std::io::Result<T>> + Send) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work)).unwrap()
}

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_read_over_a_true_connection() {
    let (mut stage, _server) = over_socket(PATIENCE).await;
    for n in 0..250 {
        stage.post(start() - SignedDuration::from_mins(250 - n), &format!("Запись {n}"));
    }
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 250);
    let history = |method: &&str| *method == "messages.getHistory";
    assert_eq!(stage.asked(0).iter().filter(|m| history(m)).count(), 3);
    assert_eq!(stage.asked(0).len(), 4, "one name looked up, three pages, nothing else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_once_on_the_way_is_mended_unseen() {
    let (mut stage, _server) = over_socket(PATIENCE).await;
    stage.post(start(), "Нет воды");
    stage.look().await;
    let faults = [Fault::Drop, Fault::BadSalt, Fault::Packed, Fault::Transport(429)];
    for (n, fault) in faults.into_iter().enumerate() {
        stage.post(stage.world.now(), &format!("Ещё {n}"));
        stage.play.lock().unwrap().fail_next(fault.clone());
        stage.look().await;
        assert_eq!(stage.store.posts.len(), n + 2, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stays_broken_is_told_and_ends_with_it() {
    let (mut stage, _server) = over_socket(Duration::from_millis(300)).await;
    stage.post(start(), "Нет воды");
    stage.look().await;
    let check = [
        (Fault::Drop, "telegram network"),
        (Fault::Transport(429), "telegram crowded"),
        (Fault::Silence, "telegram timeout"),
        (Fault::Rpc(500, "RPC_CALL_FAIL".to_owned()), "telegram 500 RPC_CALL_FAIL"),
        (Fault::Garbage(vec![1, 2, 3, 4, 5, 6, 7, 8]), "telegram answer"),
    ];
    for (fault, code) in check {
        let before = stage.store.cursor.clone();
        stage.play.lock().unwrap().fail_always("messages.getHistory", Some(fault));
        let error = stage.page().await.err().unwrap();
        assert_eq!(error.code, code);
        assert_eq!(stage.store.cursor, before);
        // Afterwards the connection is made again, not before its pause is over.
        stage.play.lock().unwrap().calm();
        stage.world.clock.pass(SignedDuration::from_mins(10));
        stage.look().await;
    }
    assert_eq!(stage.store.posts.len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_asked_ever_more_rarely() {
    let stage = Stage::new();
    let nobody: SocketAddrV4 = "127.0.0.1:1".parse().unwrap();
    let session = SessionFile::with_key(2, nobody, &KEY);
    let clock = stage.world.clock.clone();
    let line = Line::new(LineSettings::new(1, Some(nobody.into())), &session, clock.clone());
    for pause in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
        assert_eq!(line.carry(vec![0; 4]).await, Err(Trouble::Network));
        let until = clock.now() + SignedDuration::from_secs(pause);
        assert_eq!(line.carry(vec![0; 4]).await, Err(Trouble::Down(until)));
        clock.set(until);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_is_started_again_after_it_died_of_an_answer() {
    let (mut stage, _server) = over_socket(PATIENCE).await;
    stage.post(start(), "Нет воды");
    stage.look().await;
    // A bare future_salt is one of the answers that the library cannot survive.
    let salt = 0x0949_d9dc_u32.to_le_bytes();
    let mut deadly = salt.to_vec();
    deadly.extend_from_slice(&[0; 16]);
    stage.play.lock().unwrap().fail_next(Fault::Bare(deadly));
    let trouble = stage.page().await.err();
    assert!(trouble.is_none_or(|error| error.class == Class::Transient));
    stage.world.clock.pass(SignedDuration::from_mins(10));
    stage.post(stage.world.now(), "Воду дали");
    stage.look().await;
    assert_eq!(stage.play.lock().unwrap().world.living(CHANNEL, stage.world.now()).len(), 2);
    assert_eq!(stage.store.posts.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_telegram_does_not_know_needs_a_person_and_is_not_tried_on() {
    let (mut stage, _server) = over_socket(PATIENCE).await;
    stage.post(start(), "Нет воды");
    let unknown = Fault::Transport(404);
    stage.play.lock().unwrap().fail_always("contacts.resolveUsername", Some(unknown));
    let error = stage.page().await.err().unwrap();
    assert_eq!((error.class, error.code.as_str()), (Class::NeedsPerson, "telegram key"));
    // For an hour nobody knocks again.
    let before = stage.calls();
    stage.world.clock.pass(SignedDuration::from_mins(50));
    assert_eq!(stage.page().await.err().unwrap().class, Class::NeedsPerson);
    assert_eq!(stage.calls(), before);
    stage.play.lock().unwrap().calm();
    stage.world.clock.pass(SignedDuration::from_mins(20));
    stage.look().await;
    assert_eq!(stage.store.posts.len(), 1);
}
