//! One encrypted connection, seen from the server: frames, keys, the envelope of a message.
//!
//! Place in the flow: between the socket and [`super::PlayMtproto`]. Invariant: the cryptography is
//! the client library's own. It only knows the client's direction; the server's keys lie eight
//! bytes further in the shared key, so the same functions with a turned key speak for the server.

use std::io::Read;

use flate2::read::GzDecoder;
use grammers_client::tl::Serializable;
use grammers_crypto::{AuthKey, DequeBuffer, decrypt_data_v2, encrypt_data_v2};
use grammers_mtproto::transport::{Error, Full, Transport};

/// Salt, session, number, sequence, length.
const ENVELOPE: usize = 32;
/// Largest frame and largest unpacked request.
const FRAME_MAX: usize = 1024 * 1024;

/// The salt that is wanted once another was refused, and for how many hours ahead it is told:
/// a client that is left with one asks again before anything else.
const SALT: i64 = 0x0102_0304_0506_0708;
const SALTS: i32 = 8;

const CONTAINER: u32 = 0x73f1_f8dc;
const PACKED: u32 = 0x3072_cfa1;
const RPC_RESULT: u32 = 0xf35c_6d01;
const RPC_ERROR: u32 = 0x2144_ca19;
const BAD_SALT: u32 = 0xedab_447b;
const PONG: u32 = 0x3477_73c5;
const FUTURE_SALTS: u32 = 0xae50_0895;

/// A message of the client: its number and what it holds.
pub(super) struct Heard {
    pub number: i64,
    pub body: Vec<u8>,
}

/// The connection is of no use any more.
#[derive(Debug)]
pub(super) struct Broken;

pub(super) struct Pipe {
    incoming: Full,
    outgoing: Full,
    from_client: AuthKey,
    to_client: AuthKey,
    /// First eight bytes of what a key encrypts: its name.
    name: [u8; 8],
    turned_name: [u8; 8],
    session: [u8; 8],
    last_number: i64,
    sequence: i32,
}

impl Pipe {
    pub(super) fn new(key: &[u8; 256]) -> Self {
        let turned = |by: isize| {
            let mut bytes = *key;
            match by {
                1 => bytes.rotate_right(8),
                _ => bytes.rotate_left(8),
            }
            AuthKey::from_bytes(bytes)
        };
        let from_client = turned(1);
        Self {
            incoming: Full::new(),
            outgoing: Full::new(),
            name: name_of(&AuthKey::from_bytes(*key)),
            turned_name: name_of(&from_client),
            from_client,
            to_client: turned(-1),
            session: [0; 8],
            last_number: 0,
            sequence: 0,
        }
    }

    /// Takes one whole frame off `buffer`: the messages inside; nothing while it is not complete.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Vec<Heard>>, Broken> {
        let place = match self.incoming.unpack(buffer) {
            Ok(place) => place,
            Err(Error::MissingBytes) if buffer.len() < FRAME_MAX => return Ok(None),
            Err(_) => return Err(Broken),
        };
        let mut payload = buffer[place.data_range].to_vec();
        buffer.drain(..place.next_offset);
        if payload.get(..8) != Some(&self.name[..]) {
            return Err(Broken);
        }
        payload[..8].copy_from_slice(&self.turned_name);
        let plain = decrypt_data_v2(&mut payload, &self.from_client).map_err(|_| Broken)?;
        self.session = array(plain, 8)?;
        let mut heard = Vec::new();
        unfold(i64::from_le_bytes(array(plain, 16)?), message_body(plain, 28)?, &mut heard)?;
        Ok(Some(heard))
    }

    /// The answer to request `number`.
    pub(super) fn result(&mut self, number: i64, answer: &[u8]) -> Vec<u8> {
        let mut body = RPC_RESULT.to_le_bytes().to_vec();
        number.serialize(&mut body);
        body.extend_from_slice(answer);
        self.write(number, &body, 1)
    }

    /// The same, packed.
    pub(super) fn packed(&mut self, number: i64, answer: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let level = flate2::Compression::default();
        let mut encoder = flate2::read::GzEncoder::new(answer, level);
        encoder.read_to_end(&mut packed).expect("memory can be read");
        let mut body = PACKED.to_le_bytes().to_vec();
        packed.serialize(&mut body);
        self.result(number, &body)
    }

    /// An error instead of an answer.
    pub(super) fn error(&mut self, number: i64, code: i32, name: &str) -> Vec<u8> {
        let mut body = RPC_ERROR.to_le_bytes().to_vec();
        code.serialize(&mut body);
        name.to_owned().serialize(&mut body);
        self.result(number, &body)
    }

    /// A message that answers nothing.
    pub(super) fn bare(&mut self, number: i64, body: &[u8]) -> Vec<u8> {
        self.write(number, body, 3)
    }

    /// The request is to be sent again with another salt.
    pub(super) fn bad_salt(&mut self, number: i64) -> Vec<u8> {
        let mut body = BAD_SALT.to_le_bytes().to_vec();
        number.serialize(&mut body);
        1_i32.serialize(&mut body);
        48_i32.serialize(&mut body);
        SALT.serialize(&mut body);
        self.write(number, &body, 3)
    }

    /// I am here.
    pub(super) fn pong(&mut self, number: i64, ping: i64) -> Vec<u8> {
        let mut body = PONG.to_le_bytes().to_vec();
        number.serialize(&mut body);
        ping.serialize(&mut body);
        self.write(number, &body, 1)
    }

    /// Salts for the time to come; the client waits for them before it asks anything else.
    pub(super) fn future_salts(&mut self, number: i64) -> Vec<u8> {
        let mut body = FUTURE_SALTS.to_le_bytes().to_vec();
        number.serialize(&mut body);
        let now = i32::try_from(number >> 32).unwrap_or(0);
        now.serialize(&mut body);
        SALTS.serialize(&mut body);
        for hour in 0..SALTS {
            now.saturating_add(hour * 3_600 - 1_800).serialize(&mut body);
            now.saturating_add(hour * 3_600 + 3_600).serialize(&mut body);
            SALT.serialize(&mut body);
        }
        self.write(number, &body, 1)
    }

    /// One frame for the client. The client's own number tells the time, so the server needs none.
    fn write(&mut self, asked: i64, body: &[u8], kind: i64) -> Vec<u8> {
        self.last_number = ((asked & !3).max(self.last_number & !3) + 4) | kind;
        let mut plain = Vec::with_capacity(body.len() + ENVELOPE);
        plain.extend_from_slice(&[0; 8]);
        plain.extend_from_slice(&self.session);
        self.last_number.serialize(&mut plain);
        (self.sequence * 2 + 1).serialize(&mut plain);
        self.sequence += 1;
        i32::try_from(body.len()).unwrap_or(0).serialize(&mut plain);
        plain.extend_from_slice(body);
        let mut buffer = DequeBuffer::with_capacity(plain.len() + 64, 64);
        buffer.extend(plain.iter().copied());
        encrypt_data_v2(&mut buffer, &self.to_client);
        buffer[..8].copy_from_slice(&self.name);
        self.outgoing.pack(&mut buffer);
        buffer[..].to_vec()
    }
}

fn name_of(key: &AuthKey) -> [u8; 8] {
    let mut buffer = DequeBuffer::with_capacity(64, 64);
    encrypt_data_v2(&mut buffer, key);
    let mut name = [0; 8];
    name.copy_from_slice(&buffer[..8]);
    name
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Broken> {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).ok_or(Broken)
}

fn number(bytes: &[u8], at: usize) -> Result<u32, Broken> {
    Ok(u32::from_le_bytes(array(bytes, at)?))
}

/// The bytes whose length stands at `at`.
fn message_body(bytes: &[u8], at: usize) -> Result<&[u8], Broken> {
    let length = number(bytes, at)? as usize;
    bytes.get(at + 4..at + 4 + length).ok_or(Broken)
}

/// Opens containers and packed requests.
fn unfold(id: i64, body: &[u8], heard: &mut Vec<Heard>) -> Result<(), Broken> {
    match number(body, 0)? {
        CONTAINER => {
            let mut at = 8;
            for _ in 0..number(body, 4)?.min(1_024) {
                let inner = message_body(body, at + 12)?;
                unfold(i64::from_le_bytes(array(body, at)?), inner, heard)?;
                at += 16 + inner.len();
            }
        }
        PACKED => {
            let packed: Vec<u8> =
                grammers_client::tl::Deserializable::from_bytes(&body[4..]).map_err(|_| Broken)?;
            let mut inner = Vec::new();
            let mut decoder = GzDecoder::new(packed.as_slice()).take(FRAME_MAX as u64);
            decoder.read_to_end(&mut inner).map_err(|_| Broken)?;
            unfold(id, &inner, heard)?;
        }
        _ => heard.push(Heard { number: id, body: body.to_vec() }),
    }
    Ok(())
}
