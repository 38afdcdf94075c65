//! Classification.
pub mod declension;
pub mod place;
pub mod street;
