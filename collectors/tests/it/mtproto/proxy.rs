//! The account's connection through a proxy: SOCKS with a password, HTTP, and a proxy that refuses.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otklik_collectors::play::mtproto::{KEY, PlayMtproto, serve};
use otklik_collectors::telegram::{Carrier as _, Line, LineSettings, Proxy, SessionFile, Trouble};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Stage;

/// What a local proxy does.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// SOCKS 5 with the name `me` and the password `geheim`.
    Socks,
    /// HTTP with CONNECT.
    Http,
    /// SOCKS 5 that lets nobody through.
    Refusing,
}

/// A local proxy; counts the streams that it let through.
async fn proxy(kind: Kind) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let through = Arc::new(AtomicUsize::new(0));
    let count = through.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                let passed = match kind {
                    Kind::Http => connect(near).await,
                    _ => socks(near, kind == Kind::Refusing).await,
                };
                if let Some((mut near, mut far)) = passed {
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
                }
            });
        }
    });
    (addr, through)
}

/// RFC 1928 and 1929, as far as a client that names an address of four numbers needs them.
async fn socks(mut near: TcpStream, refuses: bool) -> Option<(TcpStream, TcpStream)> {
    let mut head = [0; 2];
    near.read_exact(&mut head).await.ok()?;
    let mut methods = vec![0; usize::from(head[1])];
    near.read_exact(&mut methods).await.ok()?;
    assert!(head[0] == 5 && methods.contains(&2), "a name and a password are offered");
    near.write_all(&[5, 2]).await.ok()?;
    let mut login = [0; 2 + 2 + 1 + 6];
    near.read_exact(&mut login).await.ok()?;
    assert_eq!(&login, b"\x01\x02me\x06geheim");
    near.write_all(&[1, 0]).await.ok()?;
    let mut ask = [0; 10];
    near.read_exact(&mut ask).await.ok()?;
    assert_eq!(ask[..4], [5, 1, 0, 1], "connect, an address of four numbers");
    let answer = |code| [5, code, 0, 1, 0, 0, 0, 0, 0, 0];
    if refuses {
        near.write_all(&answer(2)).await.ok()?;
        return None;
    }
    let ip = Ipv4Addr::new(ask[4], ask[5], ask[6], ask[7]);
    let far = TcpStream::connect((ip, u16::from_be_bytes([ask[8], ask[9]]))).await.ok()?;
    near.write_all(&answer(0)).await.ok()?;
    Some((near, far))
}

async fn connect(mut near: TcpStream) -> Option<(TcpStream, TcpStream)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    let far = TcpStream::connect(target).await.ok()?;
    near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
    Some((near, far))
}

/// A stage whose account talks through a proxy at `address`, and where its server is.
async fn stage(address: &str, patience: Duration) -> (Stage, impl Drop) {
    let play = Arc::new(Mutex::new(PlayMtproto::new()));
    let world = Stage::new().world;
    let server = serve(play.clone(), world.clock.clone()).await.unwrap();
    let proxy = Proxy::parse(address);
    assert!(proxy.is_some() && !format!("{proxy:?}").contains("geheim"));
    let settings = LineSettings { patience, proxy, ..LineSettings::new(1, None) };
    let SocketAddr::V4(at) = server.addr else { panic!("four numbers") };
    let mut stage = Stage::over_play(play, |_, world| {
        let session = SessionFile::with_key(2, at, &KEY);
        Arc::new(Line::new(settings, &session, world.clock.clone()))
    });
    stage.close_preview();
    stage.spec.comments = false;
    (stage, server)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_is_read_through_a_proxy() {
    for kind in [Kind::Socks, Kind::Http] {
        let (addr, through) = proxy(kind).await;
        let address = match kind {
            Kind::Http => format!("http://{addr}"),
            _ => format!("socks5://me:geheim@{addr}"),
        };
        let (mut stage, _server) = stage(&address, Duration::from_secs(20)).await;
        stage.post(super::start(), "Нет воды");
        stage.look().await;
        assert_eq!(stage.store.posts.len(), 1);
        assert_eq!(through.load(Ordering::SeqCst), 1, "one connection, and it went through");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_round_a_proxy_that_refuses() {
    let (addr, through) = proxy(Kind::Refusing).await;
    let address = format!("socks5://me:geheim@{addr}");
    let play = Arc::new(Mutex::new(PlayMtproto::new()));
    let world = Stage::new().world;
    let server = serve(play.clone(), world.clock.clone()).await.unwrap();
    let SocketAddr::V4(at) = server.addr else { panic!("four numbers") };
    let settings = LineSettings {
        patience: Duration::from_secs(5),
        proxy: Proxy::parse(&address),
        ..LineSettings::new(1, Some(server.addr))
    };
    let session = SessionFile::with_key(2, at, &KEY);
    let line = Line::new(settings, &session, world.clock.clone());
    let trouble = line.carry(vec![0; 4]).await.unwrap_err();
    assert!(matches!(trouble, Trouble::Network | Trouble::Timeout), "{trouble:?}");
    assert_eq!(through.load(Ordering::SeqCst), 0);
    assert_eq!(play.lock().unwrap().log().len(), 0, "Telegram saw nobody");
}
