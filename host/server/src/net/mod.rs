//! Listeners: from a configuration to sockets, and to their orderly end.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use axum::Router;
use miette::Diagnostic;
use serde::Deserialize;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::clock::Clock;
use crate::config::{Config, ConfigError};
use crate::log::{DecisionLog, LogError};
use crate::packs::{PackError, Packs, Source};
use crate::service::Service;
use crate::{gate, http};

/// `[server]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Address of the HTTP APIs.
    pub http: Option<SocketAddr>,
    /// Address of the gRPC services.
    pub grpc: Option<SocketAddr>,
}

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
    #[error("cannot listen on {address}")]
    #[diagnostic(
        code("address"),
        help("choose an address that is free and this user's to take")
    )]
    Address {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    http: Option<SocketAddr>,
    grpc: Option<SocketAddr>,
    service: Service,
    stop: watch::Sender<bool>,
    listeners: JoinSet<()>,
}

impl Server {
    /// Loads the packs, opens the log, and listens.
    ///
    /// # Errors
    /// Whatever stands against serving all that the configuration asks for.
    pub async fn start(
        config: &Config,
        mut sources: BTreeMap<String, Box<dyn Source>>,
        runtime: sod_host::Runtime,
        clock: Clock,
    ) -> Result<Self, ServeError> {
        let mut packs = Packs::new(runtime);
        for (name, settings) in &config.pack {
            if let Some(source) = sources.remove(name) {
                packs.add(name, source, settings.clone(), None)?;
            }
        }
        let folder = config
            .log
            .directory
            .as_deref()
            .map(|path| config.path(path));
        let log = DecisionLog::open(folder.as_deref(), &config.log)?;
        let service = Service::new(packs, log, clock, 256);
        let gate = gate::Gate::open(&service, config)?;
        let (stop, _) = watch::channel(false);
        let mut server = Server {
            http: None,
            grpc: None,
            service,
            stop,
            listeners: JoinSet::new(),
        };
        if let Some(address) = config.server.http {
            let router = http::router(&server.service, &config.api).merge(gate.forward_auth());
            server.http = Some(server.listen(address, router).await?);
        }
        if let Some(address) = config.server.grpc {
            let router = gate.ext_authz().into_axum_router();
            server.grpc = Some(server.listen(address, router).await?);
        }
        Ok(server)
    }

    async fn listen(
        &mut self,
        address: SocketAddr,
        router: Router,
    ) -> Result<SocketAddr, ServeError> {
        let failed = |source| ServeError::Address { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let mut stop = self.stop.subscribe();
        let stopped = async move {
            // The sender gone is a stop, too.
            let _ = stop.wait_for(|stop| *stop).await;
        };
        self.listeners.spawn(async move {
            let _ = axum::serve(listener, router)
                .with_graceful_shutdown(stopped)
                .await;
        });
        Ok(bound)
    }

    /// Where the HTTP APIs are, if anywhere.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Where the gRPC services are, if anywhere.
    pub fn grpc(&self) -> Option<SocketAddr> {
        self.grpc
    }

    /// What decides.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Takes no more connections, answers what was asked, and ends.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        while self.listeners.join_next().await.is_some() {}
    }
}
