//! Sets of numbers of posts and comments, as cursors keep them.
//!
//! Place in the flow: inside the cursor. Invariants: what was written reads back the same; whatever
//! is none of ours is no set.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Most numbers written one by one.
const PLAIN_MAX: usize = 500;

/// A set of numbers, written as distances because neighbours are close.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Ids(pub BTreeSet<i64>);

impl Ids {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Distances as a list, or many of them packed: a cursor is written with every page.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(Vec<i64>),
    Packed(String),
}

impl Serialize for Ids {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut before = 0;
        let distances = self.0.iter().map(|&id| {
            let distance = id - before;
            before = id;
            distance
        });
        match self.0.len() > PLAIN_MAX {
            true => serializer.serialize_str(&pack(distances)),
            false => serializer.collect_seq(distances),
        }
    }
}

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let distances = match Written::deserialize(deserializer)? {
            Written::Plain(distances) => distances,
            Written::Packed(text) => {
                unpack(&text).ok_or_else(|| D::Error::custom("no packed numbers"))?
            }
        };
        let mut at = 0_i64;
        let ids = distances.into_iter().map(|distance| {
            at = at.saturating_add(distance);
            at
        });
        Ok(Ids(ids.collect()))
    }
}

/// Seven bits a byte, the lowest first, the highest bit set where more follow; the sign is the
/// lowest bit of all. In base64 a comment among its neighbours takes a character and a third.
fn pack(distances: impl Iterator<Item = i64>) -> String {
    let mut bytes = Vec::new();
    for distance in distances {
        let mut left = ((distance << 1) ^ (distance >> 63)).cast_unsigned();
        while left >= 0x80 {
            bytes.push((left & 0x7F) as u8 | 0x80);
            left >>= 7;
        }
        bytes.push(left as u8);
    }
    STANDARD_NO_PAD.encode(bytes)
}

fn unpack(text: &str) -> Option<Vec<i64>> {
    let (mut distances, mut number, mut shift) = (Vec::new(), 0_u64, 0_u32);
    for byte in STANDARD_NO_PAD.decode(text).ok()? {
        number |= u64::from(byte & 0x7F).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            distances.push((number >> 1).cast_signed() ^ -((number & 1).cast_signed()));
            (number, shift) = (0, 0);
        }
    }
    (shift == 0).then_some(distances)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_writing() {
        let ids = Ids([5, 7, 1_000_000, -3].into_iter().collect());
        let text = serde_json::to_string(&ids).expect("writes");
        assert_eq!(text, "[-3,8,2,999993]");
        assert_eq!(serde_json::from_str::<Ids>(&text).expect("reads"), ids);
    }

    #[test]
    fn very_many_ids_are_packed_and_survive() {
        let far = [-7, i64::from(i32::MAX), 5_000_000_000, i64::MAX - 1, i64::MAX];
        let ids = Ids((1_000..2_000).chain(far).collect());
        let text = serde_json::to_string(&ids).expect("writes");
        assert!(text.starts_with('"') && text.len() < 1_500, "{}", text.len());
        assert_eq!(serde_json::from_str::<Ids>(&text).expect("reads"), ids);
        for odd in ["\"?\"", "\"gA\"", "\"____\"", "7"] {
            assert!(serde_json::from_str::<Ids>(odd).is_err(), "{odd}");
        }
    }
}
