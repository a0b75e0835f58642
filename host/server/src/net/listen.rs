//! Sockets: bound, and accepted from.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::door::Door;
use super::tls::Tls;
use super::{Phase, connection};

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: u32 = 4096;

/// What all connections of a listener share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) door: Arc<Door>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) builder: Arc<Builder<TokioExecutor>>,
    pub(super) connections: Arc<Semaphore>,
    pub(super) phase: watch::Receiver<Phase>,
    /// When it ends.
    pub(super) until: Phase,
    /// Held by each connection, so that the end can wait for all.
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(super) alive: Option<mpsc::Sender<Infallible>>,
}

pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A server that is started again takes the address of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts until it is to end.
pub(super) async fn accept(listener: TcpListener, shared: Shared) {
    let mut phase = shared.phase.clone();
    let over = phase.wait_for(|phase| *phase >= shared.until);
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((stream, _)) => shared.clone().take(stream),
                // Out of files, or the client is gone already: others may end meanwhile.
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    };
    tokio::select! {
        _ = over => {}
        () = accepting => {}
    }
}

impl Shared {
    fn take(self, stream: TcpStream) {
        let metrics = Arc::clone(&self.door.metrics);
        let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() else {
            metrics.connection_refused();
            return refuse(&stream, self.tls.is_some());
        };
        // Answers are small and whole: there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let _held = (place, metrics.connection());
            connection::serve(stream, self).await;
        });
    }
}

/// Says why, if it can be said at once and in plain text.
fn refuse(stream: &TcpStream, tls: bool) {
    const BODY: &str = r#"{"type":"urn:sod:problem:busy","title":"Service Unavailable","status":503,"detail":"too many connections to this server"}"#;
    if tls {
        return;
    }
    let length = BODY.len();
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\ncontent-length: {length}\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{BODY}"
    );
    let _ = stream.try_write(answer.as_bytes());
}
