//! Answers of one moment leave together.
//!
//! Whoever has an answer to write lets the others whose requests are there come to theirs first. A peer that waits for
//! many answers is then woken once for all of them, and waking somebody on another processor is the most expensive
//! part of a small answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};

/// A stream whose writes begin one turn of the scheduler late.
#[derive(Debug)]
pub(super) struct Together<I> {
    io: I,
    /// The turn was let pass, until what is written is flushed.
    waited: bool,
}

impl<I> Together<I> {
    pub(super) fn new(io: I) -> Self {
        Together { io, waited: false }
    }

    /// Pending the first time, with a wake-up behind all that are ready now.
    fn turn(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.waited {
            return Poll::Ready(());
        }
        self.waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<I: Read + Unpin> Read for Together<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<I: Write + Unpin> Write for Together<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.turn(context));
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.turn(context));
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.io).poll_flush(context));
        self.waited = false;
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    //! A turn is let pass once for each answer, and asked for at once.

    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use hyper_util::rt::TokioIo;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_first_write_of_each_answer_comes_after_a_turn() {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut stream = Together::new(TokioIo::new(Vec::<u8>::new()));
        for answer in 1..=2 {
            let write = Pin::new(&mut stream).poll_write(&mut context, b"early");
            assert!(write.is_pending());
            assert_eq!(woken.0.load(Ordering::Relaxed), answer);
            for part in [b"an", b"sw", b"er"] {
                let write = Pin::new(&mut stream).poll_write(&mut context, part);
                assert!(matches!(write, Poll::Ready(Ok(2))));
            }
            let flush = Pin::new(&mut stream).poll_flush(&mut context);
            assert!(matches!(flush, Poll::Ready(Ok(()))));
        }
        assert_eq!(stream.io.inner(), b"answeranswer");
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    }
}
