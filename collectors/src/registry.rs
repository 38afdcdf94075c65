//! TO BE WRITTEN: registry.
