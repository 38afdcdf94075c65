//! The loopback server speaks HTTP as platforms do, faults included.

use std::sync::Arc;

use otklik_collectors::Transport;
use otklik_collectors::http::{Method, Request};
use otklik_collectors::play::{PlayRouter, Reply, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::wire::{Script, Still, get, http, raw};

#[tokio::test]
async fn query_and_form_reach_the_play_decoded() {
    let play = Script::new(|_| Reply::ok("text/plain", "да"));
    let server = serve(play.clone(), Arc::new(Still)).await.unwrap();
    let request = Request {
        method: Method::Post,
        url: format!("{}/method/wall.get?v=5.199&q=%D0%B0+%D0%B1", server.url()),
        headers: vec![("x-test".to_owned(), "1".to_owned())],
        form: vec![
            ("owner_id".to_owned(), "-200001".to_owned()),
            ("q2".to_owned(), "я & ты".to_owned()),
        ],
        ..Request::default()
    };
    let response = http().send(request).await.unwrap();
    assert_eq!((response.status, response.body.as_slice()), (200, "да".as_bytes()));
    assert_eq!(response.path, "/method/wall.get?v=5.199&q=%D0%B0+%D0%B1");
    let asked = play.lock().unwrap().asked.clone();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].method, asked[0].path.as_str()), (Method::Post, "/method/wall.get"));
    assert_eq!(asked[0].param("q"), Some("а б"));
    assert_eq!(asked[0].param("owner_id"), Some("-200001"));
    assert_eq!(asked[0].param("q2"), Some("я & ты"));
    assert_eq!(asked[0].header("x-test"), Some("1"));
    assert_eq!(asked[0].header("user-agent"), Some("otklik-test"));
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let play = Script::new(|ask| Reply::ok("text/plain", ask.path.clone()));
    let server = serve(play, Arc::new(Still)).await.unwrap();
    let answer = raw(
        server.addr,
        b"GET /a HTTP/1.1\r\nhost: x\r\n\r\nGET /b HTTP/1.1\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2);
    assert!(answer.contains("keep-alive") && answer.ends_with("/b"), "{answer}");
}

#[tokio::test]
async fn broken_requests_are_refused() {
    let play = Script::new(|_| Reply::ok("text/plain", ""));
    let server = serve(play.clone(), Arc::new(Still)).await.unwrap();
    let big = format!("GET /{} HTTP/1.1\r\n", "a".repeat(80 * 1024));
    let cases: [(&[u8], &str); 6] = [
        (b"\x16\x03\x01 nonsense\r\n\r\n", "400"),
        (b"PATCH / HTTP/1.1\r\nhost: x\r\n\r\n", "405"),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999\r\n\r\n", "413"),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", "411"),
        (big.as_bytes(), "431"),
    ];
    for (request, status) in cases {
        let answer = raw(server.addr, request).await;
        assert!(answer.is_empty() || answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    assert!(play.lock().unwrap().asked.is_empty());
}

#[tokio::test]
async fn a_dropped_server_is_gone() {
    let play = Script::new(|_| Reply::Hang);
    let server = serve(play, Arc::new(Still)).await.unwrap();
    let addr = server.addr;
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    drop(server);
    // The open connection ends, whether by a close or by a reset.
    stream.read_to_end(&mut Vec::new()).await.ok();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn a_router_tells_plays_apart_by_prefix() {
    let named = |name: &'static str| {
        Script::new(move |ask| Reply::ok("text/plain", format!("{name} {}", ask.path)))
    };
    let router = PlayRouter::new()
        .mount("/vk", named("vk"))
        .mount("/vk/upload/", named("upload"))
        .mount("/tg", named("tg"));
    let server = serve(Arc::new(std::sync::Mutex::new(router)), Arc::new(Still)).await.unwrap();
    let http = http();
    for (path, status, body) in [
        ("/vk/method/wall.get?a=1", 200, "vk /method/wall.get"),
        ("/vk", 200, "vk /"),
        ("/vk/upload/1", 200, "upload /1"),
        ("/tg/s/x", 200, "tg /s/x"),
        ("/vkontakte", 404, ""),
        ("/", 404, ""),
    ] {
        let response = http.send(get(&format!("{}{path}", server.url()))).await.unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (status, body.as_bytes()),
            "{path}"
        );
    }
}
