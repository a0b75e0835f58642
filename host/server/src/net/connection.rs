//! One connection, from its handshake to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::limits::Limits;
use super::listen::Shared;
use super::{Phase, tls};

/// How long a connection without a request may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// The protocol's part of the limits.
pub(super) fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout())
        // Who has asked and has nothing more to say still gets the answer.
        .half_close(true)
        .max_buf_size(limits.header_bytes)
        .max_headers(limits.headers);
    let bytes = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(bytes)
        .max_concurrent_streams(limits.http2_streams)
        .max_pending_accept_reset_streams(limits.http2_resets)
        .keep_alive_interval(limits.idle_timeout())
        .keep_alive_timeout(limits.header_timeout());
    builder
}

/// Answers what comes over the stream until it ends, or nothing comes for too long, or the server ends.
pub(super) async fn serve(stream: TcpStream, shared: Shared) {
    let Some(tls) = &shared.tls else {
        return speak(TokioIo::new(stream), None, shared).await;
    };
    let metrics = &shared.door.metrics;
    let handshake = tls.acceptor().accept(stream);
    let stream = match timeout(shared.door.limits.header_timeout(), handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            metrics.connection_refused();
            tracing::debug!(%error, "no TLS");
            return;
        }
        Err(_) => return metrics.connection_refused(),
    };
    let certificates = stream.get_ref().1.peer_certificates();
    let name = certificates.and_then(<[_]>::first).and_then(tls::name);
    speak(TokioIo::new(stream), name.map(Arc::from), shared).await;
}

async fn speak<I: Read + Write + Unpin + Send + 'static>(
    io: I,
    certificate: Option<Arc<str>>,
    shared: Shared,
) {
    let Shared {
        door,
        mut phase,
        until,
        ..
    } = shared.clone();
    let idle = door.limits.idle_timeout();
    let first = door.limits.header_timeout().min(idle);
    let activity = Arc::new(Activity::new());
    let service = service_fn(|request| {
        let (door, certificate) = (Arc::clone(&door), certificate.clone());
        let busy = activity.begin();
        async move {
            let answer = door.answer(request, certificate).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let mut connection = pin!(shared.builder.serve_connection(io, service));
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = activity.quiet(first, idle) => {}
        _ = phase.wait_for(|phase| *phase >= until) => {}
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        _ = connection.as_mut() => {}
        () = activity.quiet(GOODBYE, GOODBYE) => {}
        _ = phase.wait_for(|phase| *phase == Phase::Cut) => {}
    }
}

/// What goes on on a connection.
#[derive(Debug)]
struct Activity {
    began: Instant,
    requests: AtomicUsize,
    answered: AtomicUsize,
    last: AtomicU64,
}

/// A request without an answer, until it is dropped.
#[derive(Debug)]
struct Busy(Arc<Activity>);

impl Activity {
    fn new() -> Self {
        Activity {
            began: Instant::now(),
            requests: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            last: AtomicU64::new(0),
        }
    }

    fn begin(self: &Arc<Self>) -> Busy {
        self.requests.fetch_add(1, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Until nothing has gone on for so long: before anything was asked, and since the last answer.
    async fn quiet(&self, first: Duration, idle: Duration) {
        let start = self.now();
        loop {
            let requests = self.requests.load(Ordering::Relaxed);
            let busy = requests != self.answered.load(Ordering::Relaxed);
            let (since, bound) = match requests {
                0 => (start, first),
                _ => (self.last.load(Ordering::Relaxed).max(start), idle),
            };
            let quiet = Duration::from_millis(self.now().saturating_sub(since));
            let left = if busy {
                bound
            } else {
                bound.saturating_sub(quiet)
            };
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.last.store(self.0.now(), Ordering::Relaxed);
        self.0.answered.fetch_add(1, Ordering::Relaxed);
    }
}
