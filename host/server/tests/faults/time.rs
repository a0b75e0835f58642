//! A clock that jumps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sod_server::Clock;

use crate::serving::serve_in;

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_loses_no_decision_and_no_record() {
    let now = Arc::new(AtomicI64::new(0));
    let clock = {
        let now = Arc::clone(&now);
        Clock::from_fn(move || now.load(Ordering::Relaxed))
    };
    let serving = serve_in(tempfile::tempdir().unwrap(), "", clock).await;
    let year = 365 * 24 * 3600 * 1000_i64;
    let times = [
        0,
        56 * year,
        55 * year,
        57 * year,
        56 * year,
        -year,
        8000 * year,
    ];
    for time in times {
        now.store(time, Ordering::Relaxed);
        serving.goes_on().await;
    }
    assert_eq!(serving.decisions().len(), times.len());
}
