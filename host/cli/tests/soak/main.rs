//! The soak of docs/performance.md, for as long as a test may take. `cargo bench --bench soak` is the whole of it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod run;
#[path = "../serve/serving.rs"]
mod serving;

use std::time::Duration;

#[test]
fn full_load_with_reloads_loses_nothing() {
    run::soak(Duration::from_secs(20));
}
