//! Pairs, measured in turn: on a machine with neighbours only a ratio means something.

use std::time::{Duration, Instant};

/// Times `a` and `b` alternately and prints their medians, their fastest runs and
/// the median of the ratios b/a, pair by pair.
pub(crate) fn compare(name: &str, decisions: u32, mut a: impl FnMut(), mut b: impl FnMut()) {
    const PAIRS: usize = 40;
    let time = |run: &mut dyn FnMut()| {
        let start = Instant::now();
        run();
        start.elapsed() / decisions
    };
    a();
    b();
    let pairs: Vec<_> = (0..PAIRS).map(|_| (time(&mut a), time(&mut b))).collect();
    let ratios = pairs.iter().map(|(a, b)| b.as_secs_f64() / a.as_secs_f64());
    let (peer, ours) = pairs.iter().copied().unzip();
    let (peer_fastest, peer_median) = fastest_and_median(peer);
    let (ours_fastest, ours_median) = fastest_and_median(ours);
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios.get(PAIRS / 2).copied().unwrap_or(f64::NAN);
    let fastest = ours_fastest.as_secs_f64() / peer_fastest.as_secs_f64();
    println!(
        "{name}: peer {peer_median:?} (fastest {peer_fastest:?}), \
         sod {ours_median:?} (fastest {ours_fastest:?}), \
         ratio {ratio:.2} (of the fastest {fastest:.2})"
    );
}

fn fastest_and_median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    let at = |ix: usize| times.get(ix).copied().unwrap_or_default();
    (at(0), at(times.len() / 2))
}
