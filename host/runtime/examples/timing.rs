//! Where the time goes from process start to decision: `timing COMPONENT REQUEST`.
//!
//! The first run compiles, the second one finds the code in the cache.

use std::error::Error;
use std::time::Instant;

use sod_host::{Request, Runtime};

const DECISIONS: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(component), Some(request)) = (arguments.next(), arguments.next()) else {
        return Err("usage: timing COMPONENT REQUEST".into());
    };
    let start = Instant::now();
    let lap = |what: &str| println!("{:>9.3} ms  {what}", start.elapsed().as_secs_f64() * 1e3);

    let runtime = Runtime::new()?;
    lap("runtime made");
    let policy = runtime.open(component)?;
    lap(if policy.is_from_cache() {
        "opened (from the cache)"
    } else {
        "opened (compiled)"
    });
    let request = Request::from_json(&std::fs::read(request)?)?;
    lap("request read");
    let verdict = policy.decide(&request);
    lap("decided");
    println!("{}", serde_json::to_string(&verdict)?);

    let time = |_| {
        let start = Instant::now();
        policy.decide(&request);
        start.elapsed()
    };
    let shortest = (0..DECISIONS).map(time).min().unwrap_or_default();
    println!(
        "{:>9.3} ms  the shortest of {DECISIONS} further decisions",
        shortest.as_secs_f64() * 1e3
    );
    Ok(())
}
