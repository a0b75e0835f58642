//! Where the time goes from process start to decision: `timing COMPONENT REQUEST...`.
//!
//! The first run compiles, the second one finds the code in the cache.

use std::error::Error;
use std::time::Instant;

use sod_host::{Request, Runtime};

const DECISIONS: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [component, requests @ ..] = arguments.as_slice() else {
        return Err("usage: timing COMPONENT REQUEST...".into());
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
    let requests: Vec<_> = requests
        .iter()
        .map(|path| Ok(Request::from_json(&std::fs::read(path)?)?))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let Some(first) = requests.first() else {
        return Err("usage: timing COMPONENT REQUEST...".into());
    };
    lap("requests read");
    let verdict = policy.decide(first);
    lap("decided");
    println!("{}", serde_json::to_string(&verdict)?);

    let time = |request: &Request| {
        let start = Instant::now();
        policy.decide(request);
        start.elapsed()
    };
    let mut times: Vec<_> = requests.iter().cycle().take(DECISIONS).map(time).collect();
    times.sort();
    let at = |ix: usize| times.get(ix).map_or(0.0, |time| time.as_secs_f64() * 1e3);
    println!(
        "{:>9.3} ms  the shortest of {DECISIONS} further decisions; median {:.3} ms",
        at(0),
        at(DECISIONS / 2)
    );
    Ok(())
}
