//! Short fingerprints of texts, for ids and for seeing edits.
//!
//! Place in the flow: inside platforms' cursors and ids. Invariant: the same parts give the same
//! fingerprint in every version of this program; changing it would double every stored feed post.

use sha2::{Digest, Sha256};

/// Twenty hex digits (80 bits of SHA-256) over `parts`; where one part ends matters.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part.as_bytes());
    }
    sha.finalize().iter().take(10).map(|byte| format!("{byte:02x}")).collect()
}
