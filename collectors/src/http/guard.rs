//! Decides which addresses a source may lead to.
//!
//! Place in the flow: asked by the HTTP client before every guarded hop and again when a name is
//! resolved to connect. Invariant: an address of a source reaches only public hosts on ports 80 and
//! 443, however it is spelled and wherever it redirects, unless the operator listed it.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::error::CollectError;

use super::fault;

/// Names that never leave a local network.
const LOCAL: [&str; 7] = ["localhost", "local", "internal", "lan", "home", "corp", "arpa"];

/// One line of `[network] allow`.
enum Allowed {
    /// Addresses that share this many first bits.
    Net(IpAddr, u8),
    /// A host by name.
    Host(String),
}

/// What the operator allows beyond the public network.
pub(super) struct Guard {
    allowed: Vec<Allowed>,
    /// Whether a proxy resolves names for us, so that only names can be judged.
    proxied: bool,
}

impl Guard {
    /// Reads addresses (`127.0.0.1`), networks (`10.0.0.0/8`) and host names.
    pub(super) fn new(allow: &[String], proxied: bool) -> Self {
        let allowed = allow.iter().map(|line| {
            let line = line.trim().trim_matches(['[', ']']);
            let (ip, bits) = match line.split_once('/') {
                Some((ip, bits)) => (ip, bits.parse().ok()),
                None => (line, Some(u8::MAX)),
            };
            match (ip.parse(), bits) {
                (Ok(ip), Some(bits)) => Allowed::Net(ip, bits),
                _ => Allowed::Host(line.trim_end_matches('.').to_lowercase()),
            }
        });
        Self { allowed: allowed.collect(), proxied }
    }

    fn lists_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.allowed.iter().any(|allowed| match (allowed, ip) {
            (Allowed::Net(IpAddr::V4(net), bits), IpAddr::V4(ip)) => {
                let shift = 32_u32.saturating_sub(u32::from(*bits));
                net.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
            }
            (Allowed::Net(IpAddr::V6(net), bits), IpAddr::V6(ip)) => {
                let shift = 128_u32.saturating_sub(u32::from(*bits));
                net.to_bits().checked_shr(shift) == ip.to_bits().checked_shr(shift)
            }
            _ => false,
        })
    }

    fn lists_host(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.');
        self.allowed.iter().any(|a| matches!(a, Allowed::Host(host) if host == name))
    }

    /// Whether a connection to `ip` is fine.
    fn is_usable(&self, ip: IpAddr) -> bool {
        is_public(ip) || self.lists_ip(ip)
    }

    /// Judges a whole address before a request goes out. Names are judged again when they are
    /// resolved to connect; behind a proxy, which resolves by itself, only by their spelling.
    pub(super) async fn check(&self, url: &Url) -> Result<(), CollectError> {
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || !matches!(url.scheme(), "http" | "https") {
            return Err(fault::refused());
        }
        let usual_port = matches!(url.port_or_known_default(), Some(80 | 443));
        let (usable, listed) = match url.host() {
            Some(Host::Ipv4(ip)) => (self.is_usable(ip.into()), self.lists_ip(ip.into())),
            Some(Host::Ipv6(ip)) => (self.is_usable(ip.into()), self.lists_ip(ip.into())),
            Some(Host::Domain(name)) => {
                let listed = self.lists_host(name);
                let usable = !self.proxied || listed || !is_local_name(name);
                (usable, listed || (!usual_port && self.leads_to_listed(name).await))
            }
            None => (false, false),
        };
        if usable && (usual_port || listed) { Ok(()) } else { Err(fault::refused()) }
    }

    /// Whether a name leads to listed addresses only.
    async fn leads_to_listed(&self, name: &str) -> bool {
        if self.proxied {
            return false;
        }
        match tokio::net::lookup_host((name, 0)).await {
            Ok(found) => {
                let found: Vec<SocketAddr> = found.collect();
                !found.is_empty() && found.iter().all(|addr| self.lists_ip(addr.ip()))
            }
            Err(_) => false,
        }
    }
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let last = name.rsplit('.').next().unwrap_or(name);
    !name.contains('.') || LOCAL.contains(&last)
}

/// Whether an address belongs to the public network.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = match a {
        0 | 10 | 127 | 224.. => true,
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => b == 168 || (b == 0 && (c == 0 || c == 2)) || (b == 88 && c == 99),
        198 => b == 18 || b == 19 || (b == 51 && c == 100),
        203 => b == 0 && c == 113,
        _ => false,
    };
    !reserved
}

/// Only 2000::/3 is given out; of that, tunnels that carry other addresses and examples are
/// refused.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let global = (0x2000..0x4000).contains(&a);
    let tunnel = (a == 0x2001 && b < 0x200) || a == 0x2002;
    let example = (a == 0x2001 && b == 0xdb8) || (a == 0x3fff && b < 0x1000);
    global && !tunnel && !example
}

/// A name was not found.
#[derive(Debug)]
pub(super) struct NotFound;

/// A name leads to addresses that are not allowed.
#[derive(Debug)]
pub(super) struct NotAllowed;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("name not found")
    }
}

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("address not allowed")
    }
}

impl Error for NotFound {}
impl Error for NotAllowed {}

/// Resolves names for one client; with a guard, only to addresses it allows. The addresses judged
/// are the addresses connected to, so a name cannot change between the two.
pub(super) struct Resolver {
    pub(super) guard: Option<Arc<Guard>>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.guard.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NotFound)?;
            let all: Vec<SocketAddr> = found.collect();
            let usable: Vec<SocketAddr> = match &guard {
                Some(guard) if !guard.lists_host(name.as_str()) => {
                    all.iter().copied().filter(|addr| guard.is_usable(addr.ip())).collect()
                }
                _ => all.clone(),
            };
            match (all.is_empty(), usable.is_empty()) {
                (true, _) => Err(NotFound.into()),
                (false, true) => Err(NotAllowed.into()),
                (false, false) => Ok(Box::new(usable.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Guard, is_public};
    use url::Url;

    fn guard(allow: &[&str], proxied: bool) -> Guard {
        let allow: Vec<String> = allow.iter().map(|s| (*s).to_owned()).collect();
        Guard::new(&allow, proxied)
    }

    async fn passes(guard: &Guard, url: &str) -> bool {
        match Url::parse(url) {
            Ok(url) => guard.check(&url).await.is_ok(),
            Err(_) => false,
        }
    }

    #[test]
    fn private_and_special_addresses_are_not_public() {
        let check = |ip: &str, expected: bool| {
            assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        };
        for ip in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "100::1",
        ] {
            check(ip, false);
        }
        for ip in [
            "1.1.1.1",
            "87.240.132.72",
            "172.32.0.1",
            "100.128.0.1",
            "192.1.0.1",
            "::ffff:1.1.1.1",
            "2a00:1450::1",
            "2001:4860:4860::8888",
        ] {
            check(ip, true);
        }
    }

    /// The spellings in which a private host hides in an address.
    #[tokio::test]
    async fn every_spelling_of_a_private_host_is_refused() {
        let guard = guard(&[], false);
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "0177.1",
            "127.0.0.1.",
            "127.000.000.001",
            "0x7f.0x0.0x0.0x1",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "10.1",
            "0x0a000001",
            "167772161",
            "012.0.0.1",
            "192.168.257",
            "3232235777",
            "0xc0a80101",
            "0300.0250.1.1",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "0",
            "0.0.0.0",
            "0x0",
            "00",
            "100.64.1",
            "172.16.1",
            "198.18.1",
            "224.1",
            "255.255.255.255",
            "4294967295",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
            "[fe80::1]",
            "[fd00::1]",
            "[fc00::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::7f00:1]",
            "[::ffff:0:0]",
            "user@127.0.0.1",
            "1.1.1.1@127.0.0.1",
            "user:pass@1.1.1.1",
            "1.1.1.1:80@10.0.0.1",
            "1.1.1.1%2f@10.0.0.1",
            "",
            " ",
            "256.256.256.256.256",
            "1.1.1.1:22",
            "1.1.1.1:8080",
            "public.example:6379",
        ] {
            assert!(!passes(&guard, &format!("http://{host}/")).await, "{host}");
        }
        for url in ["ftp://1.1.1.1/", "file:///etc/passwd", "gopher://1.1.1.1/", "data:,x"] {
            assert!(!passes(&guard, url).await, "{url}");
        }
        for url in [
            "http://1.1.1.1/",
            "https://1.1.1.1",
            "https://[2a00:1450::1]/",
            "http://1.1.1.1:443/",
            "https://public.example/a?b#c",
        ] {
            assert!(passes(&guard, url).await, "{url}");
        }
    }

    #[tokio::test]
    async fn listed_addresses_pass_on_any_port() {
        let guard = guard(&["127.0.0.1", "10.8.0.0/16", "intranet.example", "[fd00::1]"], false);
        for url in [
            "http://127.0.0.1:4567/",
            "http://2130706433:1/",
            "http://10.8.3.4/",
            "http://intranet.example:8080/",
            "http://INTRANET.example.:8080/",
            "http://[fd00::1]:9/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(passes(&guard, url).await, "{url}");
        }
        for url in ["http://127.0.0.2/", "http://10.9.0.1/", "http://[fd00::2]/"] {
            assert!(!passes(&guard, url).await, "{url}");
        }
    }

    #[tokio::test]
    async fn behind_a_proxy_names_are_judged_by_spelling() {
        let guard = guard(&["dom.local"], true);
        for url in ["http://localhost/", "http://router/", "http://a.local/", "http://b.internal./"]
        {
            assert!(!passes(&guard, url).await, "{url}");
        }
        for url in ["http://public.example/", "http://dom.local/"] {
            assert!(passes(&guard, url).await, "{url}");
        }
    }
}
