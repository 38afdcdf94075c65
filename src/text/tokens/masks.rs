//! Words that stand in the place of people.
//!
//! Place in the flow: `tokens` leaves them out. Invariant: only what the door writes is a mask.

/// What the door writes in the place of people. Its words are ours, not the author's: no rule may
/// match or fail by them.
const MASKS: [&str; 9] = [
    "[имя]",
    "[телефон]",
    "[почта]",
    "[ссылка]",
    "[аккаунт]",
    "[карта]",
    "[документ]",
    "[квартира]",
    "[удалено]",
];

/// Bytes of the mask that `text` begins with.
pub(super) fn mask_length(text: &str) -> Option<usize> {
    MASKS.iter().find(|mask| text.starts_with(**mask)).map(|mask| mask.len())
}
