//! Full load with a reload every second: `SOD_SOAK_SECONDS` of it, 15 minutes if not given. docs/performance.md.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a soak fails by panicking"
)]

#[path = "../tests/soak/run.rs"]
mod run;
#[path = "../tests/serve/serving.rs"]
mod serving;

use std::time::Duration;

fn main() {
    let seconds = std::env::var("SOD_SOAK_SECONDS").map_or(900, |text| text.parse().unwrap());
    run::soak(Duration::from_secs(seconds));
}
