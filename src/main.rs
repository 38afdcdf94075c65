//! otklik binary.
fn main() {}
