//! sod
fn main() {}
