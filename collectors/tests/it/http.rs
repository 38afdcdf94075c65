//! The HTTP client keeps its bounds and its guard against servers that misbehave.

use std::sync::Arc;
use std::time::Duration;

use otklik_collectors::http::{Http, HttpSettings, Method, Request, Response};
use otklik_collectors::play::{Reply, serve};
use otklik_collectors::{Class, CollectError, Transport};
use tokio::io::AsyncWriteExt;

use crate::wire::{Script, Still, get, http, listen, settings, with_header};

/// The error of a guarded GET; no error may name the address or the secret in it.
async fn error(http: &Http, url: &str) -> CollectError {
    let secret = "geheim42";
    let url = format!("{url}?access_token={secret}");
    let error = http.send(get(&url)).await.map(|r| r.status).unwrap_err();
    let host = url.split('/').nth(2).unwrap_or_default().to_owned();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains(secret), "{shown}");
    assert!(host.is_empty() || !shown.contains(&host), "{shown}");
    assert!(error.text.chars().any(|c| matches!(c, 'а'..='я')), "{shown}");
    error
}

fn is(error: &CollectError, class: Class, code: &str) {
    assert_eq!((error.class, error.code.as_str()), (class, code), "{error}");
}

#[tokio::test]
async fn any_status_is_an_answer() {
    let play = Script::new(|ask| {
        Reply::status(ask.param("s").and_then(|s| s.parse().ok()).unwrap_or(200), "text/html", "x")
    });
    let server = serve(play, Arc::new(Still)).await.unwrap();
    let http = http();
    for status in [200, 204, 302, 404, 429, 500, 503] {
        let url = format!("{}/a?s={status}&access_token=geheim42", server.url());
        let response = http.send(get(&url)).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(response.path, format!("/a?s={status}"));
        assert_eq!(response.header("content-type"), Some("text/html"));
    }
}

#[tokio::test]
async fn faults_on_the_wire_have_their_codes() {
    let play = Script::new(|ask| match ask.path.as_str() {
        "/cut" => {
            let body = vec![b'x'; 1000];
            Reply::Cut(Response { status: 200, body, ..Response::default() }, 10)
        }
        "/reset" => Reply::Reset,
        _ => Reply::Hang,
    });
    let server = serve(play, Arc::new(Still)).await.unwrap();
    let mut quick = settings();
    quick.limits.total = Duration::from_millis(300);
    let http = Http::new(quick).unwrap();
    is(&error(&http, &format!("{}/cut", server.url())).await, Class::Transient, "cut");
    is(&error(&http, &format!("{}/reset", server.url())).await, Class::Transient, "cut");
    is(&error(&http, &format!("{}/hang", server.url())).await, Class::Transient, "timeout");
    let gone = server.url();
    drop(server);
    tokio::task::yield_now().await;
    is(&error(&http, &gone).await, Class::Transient, "connect");
    let nowhere = format!("http://{}.example/", "a".repeat(64));
    is(&error(&http, &nowhere).await, Class::Transient, "dns");
    is(&error(&http, "http://[").await, Class::Ours, "url");
}

#[tokio::test]
async fn what_is_no_encryption_is_a_tls_error() {
    let addr = listen(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
    })
    .await;
    is(&error(&http(), &format!("https://{addr}/")).await, Class::Transient, "tls");
}

/// A gzip stream of `repeats` × 258 zero bytes: one literal, then the longest copies there are.
fn gzip_bomb(repeats: usize) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (mut bits, mut count) = (0_u32, 0);
    let mut put = |value: u32, len: u32| {
        bits |= value << count;
        count += len;
        while count >= 8 {
            bytes.push((bits & 0xff) as u8);
            bits >>= 8;
            count -= 8;
        }
    };
    put(0b011, 3); // last block, fixed codes
    put(0b0000_1100, 8); // literal 0
    for _ in 0..repeats {
        put(0b1010_0011, 8); // length 258
        put(0, 5); // distance 1
    }
    put(0, 7 + 8); // end of block
    bytes
}

#[tokio::test]
async fn bodies_have_a_bound_after_decompression() {
    let play = Script::new(|ask| {
        let repeats = ask.param("r").and_then(|r| r.parse().ok()).unwrap_or(0);
        let headers = vec![("content-encoding".to_owned(), "gzip".to_owned())];
        Reply::Answer(Response {
            status: 200,
            headers,
            body: gzip_bomb(repeats),
            ..Response::default()
        })
    });
    let server = serve(play, Arc::new(Still)).await.unwrap();
    is(&error(&http(), &format!("{}/?r=100000&", server.url())).await, Class::Malformed, "too_big");
    let announced = Script::new(|_| Reply::ok("text/plain", vec![b'x'; 1024 * 1024 + 1]));
    let server = serve(announced, Arc::new(Still)).await.unwrap();
    is(&error(&http(), &server.url()).await, Class::Malformed, "too_big");
    let endless = listen(|mut stream| async move {
        let chunk = format!("1000\r\n{}\r\n", "y".repeat(4096));
        stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.ok();
        while stream.write_all(chunk.as_bytes()).await.is_ok() {}
    })
    .await;
    is(&error(&http(), &format!("http://{endless}/")).await, Class::Malformed, "too_big");
}

#[tokio::test]
async fn a_trickle_is_no_answer() {
    let trickle = listen(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await.ok();
        while stream.write_all(b"z").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let mut slow = settings();
    slow.limits.grace = Duration::from_millis(20);
    slow.limits.bytes_per_sec_min = 100_000;
    let http = Http::new(slow).unwrap();
    is(&error(&http, &format!("http://{trickle}/")).await, Class::Transient, "timeout");
}

#[tokio::test]
async fn every_hop_is_judged() {
    let play = Script::new(|ask| match ask.path.as_str() {
        "/private" => with_header(302, "location", "http://10.0.0.1/x"),
        "/metadata" => with_header(301, "location", "//169.254.169.254/latest"),
        "/decimal" => with_header(307, "location", "http://167772161/"),
        "/file" => with_header(302, "location", "file:///etc/passwd"),
        "/port" => with_header(302, "location", "http://1.1.1.1:22/"),
        "/loop" => with_header(302, "location", "/loop"),
        "/broken" => with_header(302, "location", "http://["),
        "/step" => with_header(302, "location", "last?a=1"),
        _ => Reply::ok("text/plain", "here"),
    });
    let server = serve(play.clone(), Arc::new(Still)).await.unwrap();
    let http = http();
    for path in ["private", "metadata", "decimal", "file", "port"] {
        let url = format!("{}/{path}", server.url());
        is(&error(&http, &url).await, Class::Refused, "refused_address");
    }
    let before = play.lock().unwrap().asked.len();
    is(&error(&http, &format!("{}/loop", server.url())).await, Class::Malformed, "redirects");
    assert_eq!(play.lock().unwrap().asked.len() - before, 6);
    is(&error(&http, &format!("{}/broken", server.url())).await, Class::Malformed, "redirects");
    let response = http.send(get(&format!("{}/step", server.url()))).await.unwrap();
    assert_eq!((response.body.as_slice(), response.path.as_str()), (&b"here"[..], "/last?a=1"));
}

#[tokio::test]
async fn secrets_do_not_follow_a_redirect_to_another_host() {
    let other = Script::new(|_| Reply::ok("text/plain", "other"));
    let there = serve(other.clone(), Arc::new(Still)).await.unwrap();
    let target = there.url();
    let play = Script::new(move |ask| match ask.path.as_str() {
        "/see" => with_header(303, "location", &format!("{target}/")),
        _ => with_header(307, "location", &format!("{target}/")),
    });
    let here = serve(play, Arc::new(Still)).await.unwrap();
    let ask = |path: &str, method| Request {
        method,
        url: format!("{}{path}", here.url()),
        headers: ["authorization", "accept"].map(|n| (n.to_owned(), "x".to_owned())).to_vec(),
        form: vec![("token".to_owned(), "geheim42".to_owned())],
        ..Request::default()
    };
    let http = http();
    let kept = http.send(ask("/keep", Method::Post)).await.unwrap_err();
    is(&kept, Class::Malformed, "redirects");
    assert!(other.lock().unwrap().asked.is_empty());
    assert_eq!(http.send(ask("/see", Method::Post)).await.unwrap().body, b"other");
    let asked = other.lock().unwrap().asked.clone();
    assert_eq!((asked.len(), asked[0].method), (1, Method::Get));
    assert_eq!((asked[0].header("authorization"), asked[0].header("accept")), (None, Some("x")));
    assert!(asked[0].params.is_empty());
}

#[tokio::test]
async fn names_that_lead_home_are_refused_when_they_are_resolved() {
    let closed = Http::new(HttpSettings::default()).unwrap();
    is(&error(&closed, "http://localhost/").await, Class::Refused, "refused_address");
    let play = Script::new(|_| Reply::ok("text/plain", "home"));
    let server = serve(play.clone(), Arc::new(Still)).await.unwrap();
    is(&error(&closed, &server.url()).await, Class::Refused, "refused_address");
    assert!(play.lock().unwrap().asked.is_empty());
    // A platform's own base address is exempt.
    let request = Request { guarded: false, ..get(&server.url()) };
    assert_eq!(closed.send(request).await.unwrap().body, b"home");
}

#[tokio::test]
async fn a_proxy_gets_public_names_only() {
    let play = Script::new(|_| Reply::ok("text/plain", "proxied"));
    let proxy = serve(play.clone(), Arc::new(Still)).await.unwrap();
    let proxied = HttpSettings { proxy: Some(proxy.url()), ..HttpSettings::default() };
    let http = Http::new(proxied).unwrap();
    assert_eq!(http.send(get("http://public.example/a")).await.unwrap().body, b"proxied");
    is(&error(&http, "http://router/").await, Class::Refused, "refused_address");
    is(&error(&http, "http://192.168.0.1/").await, Class::Refused, "refused_address");
    assert_eq!(play.lock().unwrap().asked.len(), 1);
}

#[test]
fn wrong_settings_are_said() {
    let fails = |settings: HttpSettings, code: &str| {
        let error = Http::new(settings).map(|_| ()).unwrap_err();
        is(&error, Class::Ours, code);
    };
    fails(HttpSettings { proxy: Some("::::".to_owned()), ..HttpSettings::default() }, "proxy");
    let missing = Some("no-such-file.pem".into());
    fails(HttpSettings { ca_file: missing, ..HttpSettings::default() }, "ca_file");
    let no_certificates = Some("Cargo.toml".into());
    fails(HttpSettings { ca_file: no_certificates, ..HttpSettings::default() }, "ca_file");
}
