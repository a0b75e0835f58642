//! Listeners: from a configuration to sockets, and to their orderly end.

mod body;
mod connection;
mod door;
mod guard;
mod health;
mod limits;
mod listen;
mod reload;
mod settings;
mod stamp;
mod tls;
mod tokens;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use miette::Diagnostic;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::log::{DecisionLog, LogError};
use crate::metrics::Metrics;
use crate::packs::{PackError, Packs, Sources};
use crate::service::Service;
use crate::{gate, http};

use body::Room;
use door::Door;
use guard::Guard;
use listen::Shared;
use reload::Reloader;
use tls::Tls;

pub use reload::Reread;
pub(crate) use settings::Settings;

/// Why nothing is served.
#[derive(Debug, Error, Diagnostic)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say what the fields are")]
pub enum ServeError {
    /// The configuration.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Config(#[from] ConfigError),
    /// A pack.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Pack(#[from] PackError),
    /// The log.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Log(#[from] LogError),
    /// An address.
    #[error("cannot listen on {address}: {source}")]
    #[diagnostic(
        code("address"),
        help("choose an address that is free and this user's to take")
    )]
    Address {
        address: SocketAddr,
        source: std::io::Error,
    },
    /// The system does not hand over signals.
    #[error("cannot wait for signals: {0}")]
    #[diagnostic(code("signals"))]
    Signals(#[source] std::io::Error),
}

/// How far the server is on its way to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// It says that it is not ready, and still answers all who come.
    Leaving,
    /// It takes no more connections, and answers what was asked.
    Draining,
    /// Whatever is left is cut off.
    Cut,
}

/// How the server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Everybody had their answer.
    Answered,
    /// The time that is allowed was over first.
    CutOff,
    /// Somebody did not want to wait.
    AtOnce,
}

/// Which of the listeners.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listener {
    Http,
    Grpc,
    Monitoring,
}

impl Listener {
    fn as_str(self) -> &'static str {
        match self {
            Listener::Http => "http",
            Listener::Grpc => "grpc",
            Listener::Monitoring => "monitoring",
        }
    }
}

/// All that answers need, before there is a socket.
struct Loaded {
    config: Config,
    service: Service,
    tls: Option<Arc<Tls>>,
    guard: Option<Arc<Guard>>,
    connections: usize,
    api: Router,
    grpc: Router,
    gate: gate::Gate,
}

impl Loaded {
    fn new(
        config: &Config,
        sources: Sources,
        runtime: sod_host::Runtime,
        clock: Clock,
        log: fn(&Config, &Clock) -> Result<DecisionLog, LogError>,
    ) -> Result<Self, ServeError> {
        let server = &config.server;
        server.check(config)?;
        config.telemetry.check()?;
        let connections = server.limits.open_connections()?;
        let tls = server.tls.as_ref().map(|tls| Tls::new(tls, config));
        let tls = tls.transpose()?.map(Arc::new);
        let guard = server.tokens.as_ref().map(|file| {
            let path = config.path(file);
            Guard::new(path, server.metrics_without_token)
        });
        let guard = guard.transpose()?.map(Arc::new);
        let packs = packs(config, sources, runtime)?;
        let metrics = Arc::new(Metrics::new());
        metrics.serving(&packs.all());
        config.api.check(&packs)?;
        let log = log(config, &clock)?;
        let capacity = server.limits.capacity(server.threads());
        let service = Service::with(packs, log, clock, capacity, metrics);
        let gate = gate::Gate::open(&service, config)?;
        Ok(Loaded {
            api: http::router(&service, &config.api).merge(gate.forward_auth()),
            grpc: gate.ext_authz().into_axum_router(),
            gate,
            config: config.clone(),
            service,
            tls,
            guard,
            connections,
        })
    }
}

fn packs(
    config: &Config,
    mut sources: Sources,
    runtime: sod_host::Runtime,
) -> Result<Packs, ServeError> {
    let packs = Packs::new(runtime);
    for (name, settings) in &config.pack {
        let pin = settings.pin(name)?;
        if let Some(source) = sources.remove(name) {
            packs.add(name, source, settings.clone(), pin)?;
        }
    }
    Ok(packs)
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    http: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
    monitoring: Option<SocketAddr>,
    service: Service,
    phase: watch::Sender<Phase>,
    alive: mpsc::Receiver<Infallible>,
    reloader: Arc<Reloader>,
    watching: Option<JoinHandle<()>>,
    delay: Duration,
    drain: Duration,
}

impl Server {
    /// Finds out whether all that the configuration asks for could be served, and serves nothing.
    ///
    /// # Errors
    /// As [`start`](Self::start), but for addresses that are taken.
    pub fn check(
        config: &Config,
        sources: Sources,
        runtime: sod_host::Runtime,
        clock: Clock,
    ) -> Result<(), ServeError> {
        let loaded = Loaded::new(config, sources, runtime, clock, DecisionLog::closed);
        loaded.map(drop).map_err(|error| error.located(config))
    }

    /// Loads the packs, opens the log, and listens.
    ///
    /// # Errors
    /// Whatever stands against serving all that the configuration asks for.
    pub async fn start(
        config: &Config,
        sources: Sources,
        runtime: sod_host::Runtime,
        clock: Clock,
    ) -> Result<Self, ServeError> {
        let loaded = Loaded::new(config, sources, runtime, clock, DecisionLog::open);
        loaded
            .and_then(Server::listen)
            .map_err(|error| error.located(config))
    }

    fn listen(loaded: Loaded) -> Result<Self, ServeError> {
        let Loaded {
            config,
            service,
            tls,
            guard,
            connections,
            api,
            grpc,
            gate,
        } = loaded;
        for pack in service.packs().all() {
            service.log().loaded(&pack)?;
        }
        let settings = config.server.clone();
        let (phase, phases) = watch::channel(Phase::Serving);
        let (hold, alive) = mpsc::channel(1);
        let health = health::router(&service, phases.clone());
        let connections = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        let builder = Arc::new(connection::builder(&settings.limits));
        let room = Room::new(settings.limits.bodies_bytes);
        let open = |listener, address: Option<SocketAddr>, router: Router| {
            let Some(address) = address else {
                return Ok(None);
            };
            let protected = listener != Listener::Monitoring;
            let door = Door {
                listener,
                secure: protected && tls.is_some(),
                router,
                limits: settings.limits.clone(),
                guard: guard.clone().filter(|_| protected),
                room: room.clone(),
                metrics: Arc::clone(service.metrics()),
            };
            let shared = Shared {
                door: Arc::new(door),
                tls: tls.clone().filter(|_| protected),
                builder: Arc::clone(&builder),
                connections: Arc::clone(&connections),
                phase: phases.clone(),
                // Probes are answered to the end, so that whoever looks sees that it is the end.
                until: if protected {
                    Phase::Draining
                } else {
                    Phase::Cut
                },
                // Who only looks on does not hold up the end.
                alive: protected.then(|| hold.clone()),
            };
            open(address, shared).map(Some)
        };
        let http = open(Listener::Http, settings.http, api.merge(health.clone()))?;
        let grpc = open(Listener::Grpc, settings.grpc, grpc)?;
        let monitoring = open(Listener::Monitoring, settings.monitoring, health)?;
        let reloader = Arc::new(Reloader::new(service.clone(), gate, config, tls, guard));
        let watch = || tokio::spawn(reload::watch(Arc::clone(&reloader)));
        Ok(Server {
            http,
            grpc,
            monitoring,
            service,
            phase,
            alive,
            watching: settings.watch.then(watch),
            reloader,
            delay: Duration::from_millis(settings.drain_delay_ms),
            drain: Duration::from_millis(settings.drain_ms),
        })
    }

    /// Where the HTTP APIs are, if anywhere.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where the gRPC services are, if anywhere.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// Where health and metrics have a place of their own, if anywhere.
    pub fn monitoring(&self) -> Option<SocketAddr> {
        self.monitoring
    }

    /// What decides.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Serves until SIGTERM or SIGINT, then ends as [`stop`](Self::stop) does, or at once when there is another.
    /// With SIGHUP all is loaded anew.
    ///
    /// # Errors
    /// Signals that cannot be waited for.
    pub async fn run(self, reread: Reread) -> Result<Ended, ServeError> {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signals)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(ServeError::Signals)?;
        let reread = Arc::new(reread);
        loop {
            tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                _ = hangup.recv() => {
                    let (reloader, reread) = (Arc::clone(&self.reloader), Arc::clone(&reread));
                    tokio::task::spawn_blocking(move || reloader.reread(&reread));
                }
            }
        }
        tracing::info!("ending");
        tokio::select! {
            ended = self.stop() => Ok(ended),
            _ = terminate.recv() => Ok(Ended::AtOnce),
            _ = interrupt.recv() => Ok(Ended::AtOnce),
        }
    }

    /// Takes no more connections, answers what was asked, and ends.
    pub async fn stop(mut self) -> Ended {
        if let Some(watching) = &self.watching {
            watching.abort();
        }
        if !self.delay.is_zero() {
            self.phase.send_replace(Phase::Leaving);
            sleep(self.delay).await;
        }
        self.phase.send_replace(Phase::Draining);
        // Nothing is ever sent: it ends when every connection has.
        let answered = timeout(self.drain, self.alive.recv()).await.is_ok();
        self.phase.send_replace(Phase::Cut);
        if answered {
            self.record_end();
            return Ended::Answered;
        }
        tracing::warn!("the time to end is over, and somebody has no answer");
        let _ = timeout(Duration::from_secs(1), self.alive.recv()).await;
        self.record_end();
        Ended::CutOff
    }

    fn record_end(&self) {
        if let Err(error) = self.service.log().stop() {
            // Whatever was answered is recorded; only that the end was orderly is missing.
            tracing::warn!(%error, "the end could not be recorded");
        }
    }
}

fn open(address: SocketAddr, shared: Shared) -> Result<SocketAddr, ServeError> {
    let failed = |source| ServeError::Address { address, source };
    let socket: TcpListener = listen::bind(address).map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    tokio::spawn(listen::accept(socket, shared));
    Ok(bound)
}

impl ServeError {
    /// With the place in the file, if it is the configuration's fault.
    fn located(self, config: &Config) -> Self {
        match self {
            ServeError::Config(error) | ServeError::Log(LogError::Settings(error)) => {
                ServeError::Config(config.locate(error))
            }
            error => error,
        }
    }
}
