//! One loop over a closed enum of events.
pub mod socket;
