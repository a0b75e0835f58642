//! How many decisions are made at once, and how many questions may wait for their turn.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Refusal;

/// How many decisions are made at once, and how many questions may wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capacity {
    /// Decisions at once.
    pub decisions: usize,
    /// Questions that wait.
    pub waiting: usize,
    /// How long each of them may.
    pub wait: Duration,
}

impl Capacity {
    /// So many decisions at once, and a thousand that wait for a second.
    pub fn of(decisions: usize) -> Self {
        Capacity {
            decisions,
            waiting: 1000,
            wait: Duration::from_secs(1),
        }
    }
}

/// Gives places to decide in, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Turns {
    places: Arc<Semaphore>,
    capacity: Capacity,
    waiting: AtomicUsize,
}

impl Turns {
    pub(super) fn new(capacity: Capacity) -> Self {
        let places = capacity.decisions.clamp(1, Semaphore::MAX_PERMITS);
        Turns {
            places: Arc::new(Semaphore::new(places)),
            capacity,
            waiting: AtomicUsize::new(0),
        }
    }

    /// A place, at once or after the wait that is allowed.
    pub(super) async fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Waiting::new(&self.waiting, self.capacity.waiting).ok_or(Refusal::Busy)?;
        let place = Arc::clone(&self.places).acquire_owned();
        match timeout(self.capacity.wait, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Refusal::Busy),
        }
    }
}

/// Lets all others go on who are ready now, once.
pub(super) async fn pass() {
    let mut passed = false;
    poll_fn(|context| match passed {
        true => Poll::Ready(()),
        false => {
            passed = true;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

/// One more who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(waiting: &'a AtomicUsize, most: usize) -> Option<Self> {
        let others = waiting.fetch_add(1, Ordering::Relaxed);
        let one = Waiting(waiting);
        (others < most).then_some(one)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    //! Who waits, who is sent away.

    use super::*;

    fn turns(decisions: usize, waiting: usize, wait: u64) -> Turns {
        Turns::new(Capacity {
            decisions,
            waiting,
            wait: Duration::from_millis(wait),
        })
    }

    #[tokio::test]
    async fn a_place_that_becomes_free_goes_to_who_waits() {
        let turns = turns(1, 1, 60_000);
        let first = turns.place().await;
        let second = async {
            let second = turns.place();
            tokio::join!(second, async { drop(first) }).0
        };
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_allowed() {
        let turns = turns(1, 1, 10);
        let _first = turns.place().await;
        assert_eq!(turns.place().await.err(), Some(Refusal::Busy));
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn more_than_may_wait_are_sent_away_at_once() {
        let turns = turns(1, 1, 60_000);
        let first = turns.place().await;
        let (second, third) = tokio::join!(turns.place(), async {
            let third = turns.place().await;
            drop(first);
            third
        });
        assert!(second.is_ok());
        assert_eq!(third.err(), Some(Refusal::Busy));
    }
}
