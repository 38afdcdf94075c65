//! The way to Telegram through the operator's proxy.
//!
//! Place in the flow: the connection library is told addresses of this machine instead of
//! Telegram's own; whatever it sends to one of them goes on through the proxy. So no second
//! resolver and no second proxy client come into the program.
//!
//! Invariants: nothing goes round the proxy: where it does not let through, the connection breaks;
//! what passes is encrypted by the library and is not looked at; the proxy's password stands in no
//! error and no log.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use hyper::Uri;
use hyper::header::HeaderValue;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel as Connect};
use percent_encoding::percent_decode_str;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower_service::Service;
use url::Url;

/// Most time to come through the proxy.
const CONNECT: Duration = Duration::from_secs(20);
/// How long accepting rests when the machine has no socket left.
const ACCEPT_REST: Duration = Duration::from_millis(20);

/// A proxy that streams may go through.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    socks: bool,
    /// Its address as the connector wants it.
    at: Uri,
    user: String,
    password: String,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("socks", &self.socks).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Reads `socks5://`, `socks5h://` or `http://`, with a user and a password if need be. None
    /// for any other: a proxy that is itself talked to in TLS takes no streams from us.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        let (socks, port) = match url.scheme() {
            "socks5" | "socks5h" => (true, 1080),
            "http" => (false, 80),
            _ => return None,
        };
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let at = format!("http://{host}:{}", url.port().unwrap_or(port)).parse().ok()?;
        let plain = |text| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let (user, password) = (plain(url.username()), plain(url.password().unwrap_or_default()));
        Some(Proxy { socks, at, user, password })
    }

    /// A stream to `target` through the proxy.
    async fn connect(&self, target: SocketAddr) -> io::Result<TcpStream> {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let target: Uri = format!("https://{target}").parse().map_err(|_| refused())?;
        let mut way = HttpConnector::new();
        way.enforce_http(false);
        let stream = if self.socks {
            let mut socks = SocksV5::new(self.at.clone(), way);
            if !self.user.is_empty() {
                socks = socks.with_auth(self.user.clone(), self.password.clone());
            }
            ready(&mut socks).await;
            socks.call(target).await.map_err(|_| refused())?
        } else {
            let mut tunnel = Connect::new(self.at.clone(), way);
            if !self.user.is_empty() {
                let pair = format!("{}:{}", self.user, self.password);
                let pair = base64::engine::general_purpose::STANDARD.encode(pair);
                let auth = HeaderValue::try_from(format!("Basic {pair}")).map_err(|_| refused())?;
                tunnel = tunnel.with_auth(auth);
            }
            ready(&mut tunnel).await;
            tunnel.call(target).await.map_err(|_| refused())?
        };
        Ok(stream.into_inner())
    }
}

async fn ready<S: Service<Uri>>(service: &mut S) {
    // What stands in the way comes out of the call.
    std::future::poll_fn(|context| service.poll_ready(context)).await.ok();
}

/// Addresses of this machine that lead through a proxy, one for each that was asked for.
pub(super) struct Tunnel {
    proxy: Proxy,
    ways: Mutex<BTreeMap<SocketAddr, Way>>,
}

struct Way {
    here: SocketAddrV4,
    task: JoinHandle<()>,
}

impl Drop for Way {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Tunnel {
    pub(super) fn new(proxy: Proxy) -> Arc<Self> {
        Arc::new(Tunnel { proxy, ways: Mutex::default() })
    }

    /// The address here that leads to `target`; where none can be opened, one that leads nowhere.
    /// Asked for within a runtime.
    pub(super) fn to(&self, target: SocketAddr) -> SocketAddrV4 {
        let mut ways = self.ways.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(way) = ways.get(&target) {
            return way.here;
        }
        match open(self.proxy.clone(), target) {
            Ok(way) => {
                let here = way.here;
                ways.insert(target, way);
                here
            }
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "no way to the proxy could be opened");
                SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1)
            }
        }
    }
}

fn open(proxy: Proxy, target: SocketAddr) -> io::Result<Way> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    let listener = TcpListener::from_std(listener)?;
    let task = tokio::spawn(carry(listener, proxy, target));
    Ok(Way { here: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), task })
}

/// Carries whatever comes to the proxy and back, until aborted; the streams end with this task.
async fn carry(listener: TcpListener, proxy: Proxy, target: SocketAddr) {
    let mut open = tokio::task::JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((mut near, _)) => {
                let proxy = proxy.clone();
                open.spawn(async move {
                    let far = tokio::time::timeout(CONNECT, proxy.connect(target)).await;
                    match far {
                        Ok(Ok(mut far)) => {
                            far.set_nodelay(true).ok();
                            near.set_nodelay(true).ok();
                            // A stream that breaks is closed at both ends.
                            tokio::io::copy_bidirectional(&mut near, &mut far).await.ok();
                        }
                        _ => tracing::warn!("the proxy does not let us through to Telegram"),
                    }
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_REST).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Proxy;

    #[test]
    fn proxies_that_take_streams_are_told_from_others() {
        /// Whether it is SOCKS, its address, user and password.
        type Read<'a> = (bool, &'a str, &'a str, &'a str);
        let cases: [(&str, Option<Read<'_>>); 7] = [
            ("socks5://127.0.0.1:1080", Some((true, "http://127.0.0.1:1080/", "", ""))),
            (
                "socks5h://me:p%40s+s@proxy.example.org",
                Some((true, "http://proxy.example.org:1080/", "me", "p@s+s")),
            ),
            ("http://10.0.0.1:3128", Some((false, "http://10.0.0.1:3128/", "", ""))),
            ("https://proxy.example.org", None),
            ("socks4://127.0.0.1:1080", None),
            ("127.0.0.1:1080", None),
            ("", None),
        ];
        for (address, expected) in cases {
            let read = Proxy::parse(address);
            let read = read
                .as_ref()
                .map(|it| (it.socks, it.at.to_string(), it.user.as_str(), it.password.as_str()));
            let expected =
                expected.map(|(socks, at, user, password)| (socks, at.to_owned(), user, password));
            assert_eq!(read, expected, "{address}");
        }
    }
}
