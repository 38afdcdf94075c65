//! The session: which data centre is ours and the key it knows us by.
//!
//! Place in the flow: read by the connection library on every request, written when a login
//! succeeds. Invariants: while reading, the key never changes and nothing is written, so a strange
//! server cannot take our login away; no person is kept here, not even the account itself.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::{Arc, Mutex, PoisonError};

use grammers_client::session::types::{DcOption, PeerId, PeerInfo, UpdateState, UpdatesState};
use grammers_client::session::{BoxFuture, Session, SessionData};
use serde::{Deserialize, Serialize};

use super::tunnel::{Proxy, Tunnel};

const VERSION: u32 = 1;

/// What the file holds. Never printed: it is as good as the account itself.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionFile {
    v: u32,
    home: i32,
    centres: BTreeMap<i32, Centre>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Centre {
    address: SocketAddrV4,
    key: String,
}

impl SessionFile {
    /// A session with one key, for a server whose key is known beforehand.
    #[must_use]
    pub fn with_key(home: i32, address: SocketAddrV4, key: &[u8; 256]) -> Self {
        let centre = Centre { address, key: hex(key) };
        Self { v: VERSION, home, centres: BTreeMap::from([(home, centre)]) }
    }

    /// Reads a file; nothing if it is not one of ours or holds no key.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let file: SessionFile = serde_json::from_slice(bytes).ok()?;
        let keyed = file.centres.get(&file.home).is_some_and(|c| unhex(&c.key).is_some());
        (file.v == VERSION && keyed).then_some(file)
    }

    /// Writes the file.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers and strings always write")
    }
}

struct Kept {
    home: i32,
    centres: BTreeMap<i32, DcOption>,
}

/// The session as the connection library wants it.
pub(super) struct Ours {
    kept: Mutex<Kept>,
    /// Where all data centres are, if the operator named a place.
    place: Option<SocketAddr>,
    /// The way there, if it goes through a proxy.
    tunnel: Option<Arc<Tunnel>>,
    /// Whether a new key may be taken: only while somebody logs in.
    login: bool,
}

/// Cannot happen: everything is in memory.
#[derive(Debug)]
pub(super) enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl std::error::Error for Never {}

impl Ours {
    pub(super) fn new(file: Option<&SessionFile>, place: Option<SocketAddr>, login: bool) -> Self {
        let known = SessionData::default();
        let mut centres: BTreeMap<i32, DcOption> = known.dc_options.into_iter().collect();
        for (id, centre) in file.iter().flat_map(|file| &file.centres) {
            let option = DcOption {
                id: *id,
                ipv4: centre.address,
                ipv6: mapped(centre.address),
                auth_key: unhex(&centre.key),
            };
            centres.insert(*id, option);
        }
        let home = file.map_or(known.home_dc, |file| file.home);
        Self { kept: Mutex::new(Kept { home, centres }), place, tunnel: None, login }
    }

    /// The same through a proxy.
    pub(super) fn through(self, proxy: Option<&Proxy>) -> Self {
        Self { tunnel: proxy.cloned().map(Tunnel::new), ..self }
    }

    /// What is to be written after a login.
    pub(super) fn file(&self) -> Option<SessionFile> {
        let kept = self.kept();
        let centre = kept.centres.get(&kept.home)?;
        Some(SessionFile::with_key(kept.home, centre.ipv4, centre.auth_key.as_ref()?))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, new: &DcOption) {
        let mut kept = self.kept();
        let mut taken = new.clone();
        if let Some(old) = kept.centres.get(&new.id) {
            if old.auth_key.is_some() && !self.login {
                taken.auth_key = old.auth_key;
            }
            if self.place.is_some() {
                (taken.ipv4, taken.ipv6) = (old.ipv4, old.ipv6);
            }
        }
        kept.centres.insert(new.id, taken);
    }
}

impl Session for Ours {
    type Error = Never;

    fn home_dc_id(&self) -> Result<i32, Never> {
        Ok(self.kept().home)
    }

    fn set_home_dc_id(&self, dc_id: i32) -> BoxFuture<'_, Result<(), Never>> {
        if self.login {
            self.kept().home = dc_id;
        }
        Box::pin(async { Ok(()) })
    }

    fn dc_option(&self, dc_id: i32) -> Result<Option<DcOption>, Never> {
        let mut option = self.kept().centres.get(&dc_id).cloned();
        if let (Some(option), Some(place)) = (&mut option, self.place) {
            if let SocketAddr::V4(place) = place {
                (option.ipv4, option.ipv6) = (place, mapped(place));
            } else if let SocketAddr::V6(place) = place {
                option.ipv6 = place;
            }
        }
        if let (Some(option), Some(tunnel)) = (&mut option, &self.tunnel) {
            let target = match self.place {
                Some(place) => place,
                None => SocketAddr::V4(option.ipv4),
            };
            let here = tunnel.to(target);
            (option.ipv4, option.ipv6) = (here, mapped(here));
        }
        Ok(option)
    }

    fn set_dc_option(&self, dc_option: &DcOption) -> BoxFuture<'_, Result<(), Never>> {
        self.take(dc_option);
        Box::pin(async { Ok(()) })
    }

    fn peer(&self, _peer: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, Never>> {
        Box::pin(async { Ok(None) })
    }

    fn cache_peer(&self, _peer: PeerInfo) -> BoxFuture<'_, Result<(), Never>> {
        Box::pin(async { Ok(()) })
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, Never>> {
        Box::pin(async { Ok(UpdatesState::default()) })
    }

    fn set_update_state(&self, _update: UpdateState) -> BoxFuture<'_, Result<(), Never>> {
        Box::pin(async { Ok(()) })
    }
}

fn mapped(address: SocketAddrV4) -> SocketAddrV6 {
    let ip: Ipv4Addr = *address.ip();
    SocketAddrV6::new(ip.to_ipv6_mapped(), address.port(), 0, 0)
}

fn hex(key: &[u8; 256]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 256]> {
    let mut key = [0; 256];
    if text.len() != 512 || !text.is_ascii() {
        return None;
    }
    for (place, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *place = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 443)
    }

    fn key_of(ours: &Ours) -> Option<[u8; 256]> {
        ours.dc_option(2).unwrap().unwrap().auth_key
    }

    #[test]
    fn a_file_survives_writing_and_a_strange_one_is_none() {
        let file = SessionFile::with_key(2, place(), &[7; 256]);
        let bytes = file.write();
        let again = SessionFile::read(&bytes).unwrap();
        assert_eq!(again.write(), bytes);
        for length in 0..bytes.len() {
            assert!(SessionFile::read(&bytes[..length]).is_none(), "{length}");
        }
        let other = String::from_utf8(bytes).unwrap().replace("\"v\":1", "\"v\":2");
        assert!(SessionFile::read(other.as_bytes()).is_none());
    }

    #[test]
    fn while_reading_no_server_changes_our_key() {
        let file = SessionFile::with_key(2, place(), &[7; 256]);
        let strange =
            DcOption { auth_key: Some([9; 256]), ..SessionData::default().dc_options[&2].clone() };
        let reading = Ours::new(Some(&file), None, false);
        reading.take(&strange);
        assert_eq!(key_of(&reading), Some([7; 256]));
        let login = Ours::new(Some(&file), None, true);
        login.take(&strange);
        assert_eq!(key_of(&login), Some([9; 256]));
    }

    #[test]
    fn the_operators_address_stands_for_every_centre() {
        let here: SocketAddr = "127.0.0.1:4430".parse().unwrap();
        let ours = Ours::new(None, Some(here), false);
        ours.take(&SessionData::default().dc_options[&4]);
        for id in 1..=5 {
            assert_eq!(SocketAddr::V4(ours.dc_option(id).unwrap().unwrap().ipv4), here);
        }
    }
}
