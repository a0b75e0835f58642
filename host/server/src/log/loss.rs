//! What is counted, and what is told at once, on stderr as JSON.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::event::Event;

/// The first failure is told at once, further ones so often, each time with their number.
const EVERY: Duration = Duration::from_secs(1);

/// What became of the records of this process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Written.
    pub written: u64,
    /// Decisions that did not leave, because their record could not be written.
    pub refused: u64,
    /// Decisions that left without a record (`on_failure = "degrade"`).
    pub lost: u64,
    /// Whether the last record could not be written.
    pub failing: bool,
}

/// Counts, and tells.
#[derive(Debug, Default)]
pub(super) struct Losses {
    written: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    failing: AtomicBool,
    told: Mutex<Option<Instant>>,
}

#[derive(Serialize)]
struct Told<'a> {
    level: &'static str,
    event: &'static str,
    message: &'static str,
    file: &'a str,
    problem: String,
    refused: u64,
    lost: u64,
}

impl Losses {
    pub(super) fn written(&self) {
        self.written.fetch_add(1, Ordering::Relaxed);
        self.mended();
    }

    /// A line was written, of whichever kind.
    pub(super) fn mended(&self) {
        if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
            *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let message = "decisions are recorded again";
            self.tell("warn", "decision-log-recovered", message, "", String::new());
        }
    }

    pub(super) fn refused(&self, file: &str, error: &io::Error) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.failing(
            file,
            error,
            "a decision cannot be recorded, and does not leave",
        );
    }

    pub(super) fn lost(&self, file: &str, error: &io::Error) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        self.failing(file, error, "a decision leaves without its record");
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            written: self.written.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            lost: self.lost.load(Ordering::Relaxed),
            failing: self.failing.load(Ordering::Relaxed),
        }
    }

    fn failing(&self, file: &str, error: &io::Error, message: &'static str) {
        self.failing.store(true, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|at| at.elapsed() >= EVERY) {
            *told = Some(Instant::now());
            let event = "decision-log-failing";
            self.tell("error", event, message, file, error.to_string());
        }
    }

    fn tell(
        &self,
        level: &'static str,
        event: &'static str,
        message: &'static str,
        file: &str,
        problem: String,
    ) {
        let counts = self.counts();
        to_stderr(&Told {
            level,
            event,
            message,
            file,
            problem,
            refused: counts.refused,
            lost: counts.lost,
        });
    }
}

/// A line of a crash was set aside.
pub(super) fn recovered(event: &Event) {
    to_stderr(event);
}

/// If stderr is closed, the metrics and the gap in the log are what is left.
fn to_stderr(value: &impl Serialize) {
    if let Ok(mut line) = serde_json::to_vec(value) {
        line.push(b'\n');
        let _ = io::stderr().write_all(&line);
    }
}
