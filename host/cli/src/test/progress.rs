//! How far a long run is: on stderr, on a terminal only.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that is there while something runs, and gone afterwards.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// `pack: 3 of 70 mutants`
    pub(crate) fn new(pack: &str, what: &str, length: usize) -> Self {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        // Hidden where stderr is no terminal.
        let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
        // The template is ours; another one would be drawn as well.
        if let Ok(style) = ProgressStyle::with_template("{prefix}: {pos} of {len} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(sod_pack::harmless(pack));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Progress(bar)
    }

    /// One of them is done with.
    pub(crate) fn one_more(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
