//! Classification.
pub mod declension;
