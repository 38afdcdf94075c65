//! TO BE WRITTEN: telegram.
